/* adopt.c — files of others as rows of a table, where they are: see adopt.h. */
#include "lake/adopt.h"

#include "iceberg/name_mapping.h"
#include "iceberg/snapshot.h"
#include "lake/tx_priv.h"
#include "lang/name.h"

/* One adoption under way. */
struct adopting {
    struct lake_tx *tx;
    const struct lake_write *write;
    struct arena *arena;
    struct lake_table table; /* as it is; zero for a new one */
    bool exists;
    bool external;
    struct table_metadata *base;
    struct str base_location; /* absolute; empty: never stored */
    struct str location;
};

static void adopting_done(struct adopting *a)
{
    metadata_free(a->base);
}

static int make_base(struct adopting *a, corrie_error *err)
{
    struct uuid id = uuid_random();
    const struct table_io *io = &a->tx->lake->io;
    int r = location_of_table(io, a->write->ns, a->write->name, &id, a->arena, &a->location, err);

    return r < 0 ? r
                 : metadata_new(&id, a->location, a->write->schema, NULL, 0, clock_now() / 1000000,
                                &a->base, err);
}

/* An external table is made anew each time: it follows nothing of what it was. */
static int load_base(struct adopting *a, corrie_error *err)
{
    struct lake_view view = lake_tx_view(a->tx);
    struct lake *lake = a->tx->lake;
    int r = name_check_table(a->write->name, err);

    if (r < 0) {
        return r;
    }
    r = lake_table_find(&view, a->write->ns, a->write->name, a->arena, &a->table, err);
    if (r < 0) {
        return r;
    }
    a->exists = r > 0;
    if (a->external && a->exists && (a->table.managed || a->write->mode != LAKE_REPLACE)) {
        return corrie_fail(err, a->table.managed ? CORRIE_E_REFUSED : CORRIE_E_EXISTS,
                           a->table.managed ? "the table is the lake's own, not an external one"
                                            : "the external table exists");
    }
    if (a->exists && !a->external && !a->table.managed) {
        return lake_refuse_external(&a->table, err);
    }
    if (!a->exists || a->external) {
        return make_base(a, err);
    }
    r = lake_table_metadata(lake, &a->table, &a->base, err);
    if (r >= 0) {
        r = lake_absolute(lake, a->table.metadata_location, a->arena, &a->base_location, err);
    }
    if (r >= 0) {
        r = location_resolve(&lake->io, a->base->location, a->arena, &a->location, err);
    }
    if (r >= 0 && metadata_spec(a->base)->n_fields > 0) {
        corrie_fail(err, CORRIE_E_REFUSED,
                    "the table is partitioned: files cannot be taken as they are");
        r = corrie_hint(err, "import them without --in-place: their rows are copied then");
    }
    return r;
}

/* Files of others have no field ids: the table says which name is which field. */
static int map_names(struct adopting *a, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct table_metadata *mapped;
    struct name_mapping mapping;
    struct property property = {.key = STR(NAME_MAPPING_PROPERTY)};
    int r = metadata_name_mapping(a->base, a->arena, &mapping, err);

    if (r != 0) {
        return r;
    }
    r = name_mapping_of_schema(metadata_schema(a->base), a->arena, &mapping, err);
    if (r < 0 || (r = name_mapping_format(&mapping, &text, err)) < 0) {
        return r;
    }
    property.value = buf_str(&text);
    r = metadata_with_properties(a->base, &property, 1, clock_now() / 1000000, &mapped, err);
    if (r >= 0) {
        metadata_free(a->base);
        a->base = mapped;
    }
    return r;
}

static int describe(struct adopting *a, const struct adopted_file *files, size_t n,
                    struct data_file *out, struct lake_written *ret, corrie_error *err)
{
    struct written_files *selects = arena_array(a->arena, struct written_files, n);
    struct str *paths = arena_array(a->arena, struct str, n);

    if (!selects || !paths) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        _error_ corrie_error outside = CORRIE_ERROR_INIT;
        struct str key;

        paths[i] = str_of(arena_printf(a->arena, "file://%.*s", STR_FMT(files[i].path)));
        if (paths[i].len == 0) {
            return corrie_fail_memory(err);
        }
        if (location_key(&a->tx->lake->io, paths[i], a->arena, &key, &outside) >= 0) {
            return corrie_fail(err, CORRIE_E_REFUSED, "%.*s lies inside of the lake",
                               STR_FMT(files[i].path));
        }
        out[i] = (struct data_file){.path = paths[i],
                                    .format = STR("PARQUET"),
                                    .record_count = files[i].records,
                                    .bytes = files[i].bytes,
                                    .spec_id = metadata_spec(a->base)->spec_id};
        selects[i] = (struct written_files){
            .paths = &paths[i], .n_paths = 1, .rows = files[i].records, .bytes = files[i].bytes};
        ret->rows += files[i].records;
        ret->bytes += files[i].bytes;
    }
    ret->selects = selects;
    return 0;
}

static int stage(struct adopting *a, const struct table_version *version, struct lake_table *ret,
                 corrie_error *err)
{
    struct lake_table names = {.ns = a->write->ns, .name = a->write->name, .managed = !a->external};
    bool keeps = a->exists && a->write->mode == LAKE_APPEND;

    return tx_stage_version(a->tx, version, a->location, &names, keeps ? &a->table : NULL, a->arena,
                            ret, err);
}

static int adopt(struct adopting *a, const struct adopted_file *files, size_t n,
                 struct lake_written *ret, corrie_error *err)
{
    _cleanup_(table_version_done) struct table_version version = {0};
    const struct table_io *io = &a->tx->lake->io;
    struct data_file *described = arena_array(a->arena, struct data_file, n);
    bool replaces;
    int r = described ? load_base(a, err) : corrie_fail_memory(err);

    if (r < 0) {
        return r;
    }
    replaces = a->exists && !a->external && a->write->mode == LAKE_REPLACE;
    r = map_names(a, err);
    if (r >= 0) {
        r = describe(a, files, n, described, ret, err);
    }
    if (r >= 0 && replaces) {
        r = corrie_fail(err, CORRIE_E_UNSUPPORTED,
                        "files in place can be added to a table, not replace its rows");
        corrie_hint(err, "remove the table first: corrie table rm");
    }
    if (r < 0) {
        return r;
    }
    r = snapshot_append(io, a->base, a->base_location, NULL, described, n,
                        &(struct snapshot_options){0}, &version, err);
    if (r < 0) {
        return r;
    }
    ret->created = !a->exists;
    return stage(a, &version, &ret->table, err);
}

int lake_tx_adopt(struct lake_tx *tx, const struct lake_write *write,
                  const struct adopted_file *files, size_t n_files, bool external,
                  struct arena *arena, struct lake_written *ret, corrie_error *err)
{
    _cleanup_(adopting_done) struct adopting adopting = {
        .tx = tx, .write = write, .arena = arena, .external = external};
    struct lake_written written = {0};
    int r = adopt(&adopting, files, n_files, &written, err);

    if (r < 0) {
        return corrie_wrap(err, "write table %.*s.%.*s", STR_FMT(write->ns), STR_FMT(write->name));
    }
    *ret = written;
    return 0;
}
