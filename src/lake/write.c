/* write.c — rows become files, files become a version of a table, a version becomes an edit.
 *
 * Order (architecture.md, Durability): data files → fsync of them and their directory → manifests → manifest list
 * → metadata → staged in the transaction. A failure on the way leaves files that nothing names. */
#include "lake/write_priv.h"

#include "lake/api_priv.h"
#include "lang/name.h"

void writing_done(struct writing *writing)
{
    metadata_free(writing->base);
    file_writer_done(&writing->files);
}

/* Finds the table, and whether it may be written so. */
static int find_table(struct writing *w, const struct lake_view *view, corrie_error *err)
{
    int r;

    r = name_check_table(w->write->name, err);
    if (r < 0) {
        return r;
    }
    r = lake_table_find(view, w->write->ns, w->write->name, w->arena, &w->table, err);
    if (r < 0) {
        return r;
    }
    w->exists = r > 0;
    if (w->exists && w->write->mode == LAKE_CREATE) {
        corrie_fail(err, CORRIE_E_EXISTS, "the table exists");
        return corrie_hint(err,
                           "corrie import FILE %.*s.%.*s adds rows to it; --replace makes it anew",
                           STR_FMT(w->write->ns), STR_FMT(w->write->name));
    }
    if (w->write->external && w->exists && (w->table.managed || w->write->mode != LAKE_REPLACE)) {
        return corrie_fail(err, w->table.managed ? CORRIE_E_REFUSED : CORRIE_E_EXISTS,
                           w->table.managed ? "the table is the lake's own, not an external one"
                                            : "the external table exists");
    }
    if (w->exists && !w->write->external && !w->table.managed) {
        return lake_refuse_external(&w->table, err);
    }
    return 0;
}

/* Loads the table that was found, or makes the metadata of a new one. */
static int load_base(struct writing *w, struct lake *lake, corrie_error *err)
{
    struct uuid id;
    int r;

    if (w->exists && !w->write->external) { /* an external table follows nothing of what it was */
        r = lake_table_metadata(lake, &w->table, &w->base, err);
        if (r < 0) {
            return r;
        }
        r = lake_absolute(lake, w->table.metadata_location, w->arena, &w->base_location, err);
        return r < 0 ? r
                     : location_resolve(&lake->io, w->base->location, w->arena, &w->location, err);
    }
    id = uuid_random();
    r = location_of_table(&lake->io, w->write->ns, w->write->name, &id, w->arena, &w->location,
                          err);
    if (r < 0) {
        return r;
    }
    return metadata_new(&id, w->location, w->write->schema, w->write->properties,
                        w->write->n_properties, clock_now() / 1000000, &w->base, err);
}

int write_open(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
               struct writing *w, corrie_error *err)
{
    int r;

    const struct lake_view view = lake_tx_view(tx);

    *w = (struct writing){.tx = tx, .write = write, .arena = arena};
    r = find_table(w, &view, err);
    if (r >= 0) {
        r = load_base(w, tx->lake, err);
    }
    if (r >= 0) {
        r = write_prepare(w, err);
    }
    return r < 0
               ? corrie_wrap(err, "write table %.*s.%.*s", STR_FMT(write->ns), STR_FMT(write->name))
               : 0;
}

int lake_tx_target(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
                   struct schema *ret, corrie_error *err)
{
    _cleanup_(writing_done) struct writing w = {0};
    int r;

    r = write_open(tx, write, arena, &w, err);
    if (r < 0) {
        return r;
    }
    return schema_copy(&w.schema, arena, ret, err);
}

/* ---- before there are rows ---- */

/* Types that are not known are taken to be what the table has. A column that it has not may be of any. */
static int guess_types(const struct writing *w, const struct schema *given, struct schema *ret,
                       corrie_error *err)
{
    const struct schema *old = metadata_schema(w->base);

    *ret = *given;
    ret->fields = arena_array(w->arena, struct field, given->n_fields);
    if (!ret->fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < given->n_fields; i++) {
        const struct field *field = schema_find(old, given->fields[i].name);

        ret->fields[i] = given->fields[i];
        if (given->fields[i].type.kind == TYPE_NONE) {
            ret->fields[i].type = field ? field->type : (struct type){.kind = TYPE_STRING};
        }
    }
    return 0;
}

static int check_write(struct writing *w, const struct lake_view *view, corrie_error *err)
{
    struct lake_write guessed = *w->write;
    struct schema schema;
    int r = find_table(w, view, err);

    if (r < 0 || !w->exists || w->write->mode == LAKE_REPLACE) {
        return r;
    }
    r = load_base(w, view->lake, err);
    if (r >= 0 && guessed.schema) {
        r = guess_types(w, guessed.schema, &schema, err);
        guessed.schema = &schema;
        w->write = &guessed;
    }
    if (r >= 0) {
        r = write_prepare(w, err);
    }
    if (r >= 0 && overwrites(w->write)) {
        r = overwrite_check(w, err);
    }
    return r;
}

int lake_write_check(const struct lake_view *view, const struct lake_write *write,
                     enum lake_write_part *ret_part, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(writing_done) struct writing w = {.write = write, .arena = &arena};
    int r = check_write(&w, view, err);

    if (r < 0) {
        *ret_part = w.part;
        return corrie_wrap(err, "write table %.*s.%.*s", STR_FMT(write->ns), STR_FMT(write->name));
    }
    return 0;
}

/* ---- data files ---- */

static int write_files(struct writing *w, struct lake_written *ret, corrie_error *err)
{
    static const struct partition_spec none;
    int r;

    ret->selects = arena_array(w->arena, struct written_files, w->write->n_selects);
    if (!ret->selects) {
        return corrie_fail_memory(err);
    }
    r = file_writer_init(&w->files, w->tx->lake, w->write->engine, w->base, &w->schema,
                         w->unpartitioned ? &none : metadata_spec(w->base), w->location, w->arena,
                         err);
    if (r >= 0 && overwrites(w->write)) {
        r = overwrite_begin(w, err);
        if (r >= 0) {
            r = overwrite_keep(w, err);
        }
    }
    for (size_t i = 0; r >= 0 && i < w->write->n_selects; i++) {
        r = cancel_check(w->tx->lake->cancel, err);
        if (r >= 0 && w->write->select_begins) {
            w->write->select_begins(w->write->select_data, i, ret->rows);
        }
        if (r >= 0) {
            w->files.row_bytes = w->write->row_bytes ? w->write->row_bytes[i] : 0;
            r = file_writer_write(&w->files, w->write->selects[i], NULL, &ret->selects[i], err);
            if (r < 0 && w->write->origins &&
                str_find_str(str_of(corrie_error_message(err)), w->write->origins[i]) < 0) {
                corrie_wrap(err, "%.*s", STR_FMT(w->write->origins[i]));
            }
            if (r < 0 && w->write->select_failed) { /* the engine removed what it began */
                r = w->write->select_failed(w->write->select_data, i, err);
            }
        }
        if (r >= 0) {
            ret->rows += ret->selects[i].rows;
            ret->bytes += ret->selects[i].bytes;
        }
    }
    return r < 0 ? r : file_writer_sync(&w->files, err);
}

/* ---- versions ---- */

int write_version(struct writing *w, struct table_version *ret, corrie_error *err)
{
    const struct table_io *io = &w->tx->lake->io;
    struct snapshot_options options = {.summary = w->write->summary,
                                       .n_summary = w->write->n_summary,
                                       .keep_spec = !w->unpartitioned};

    if (w->write->mode == LAKE_REPLACE) {
        return snapshot_replace(io, w->base, w->base_location, NULL, w->files.files.items,
                                w->files.files.count, &options, ret, err);
    }
    if (overwrites(w->write) && w->exists) {
        return overwrite_finish(w, ret, err);
    }
    return snapshot_append(io, w->base, w->base_location, NULL, w->files.files.items,
                           w->files.files.count, &options, ret, err);
}

/* Whether the current snapshot names another maker than the write. A snapshot without the entry is somebody else's, of whom
 * nothing is known. */
static bool has_other_maker(const struct writing *w)
{
    const struct snapshot *snapshot = metadata_current_snapshot(w->base);
    struct str was;

    if (!snapshot || !snapshot_summary(snapshot, w->write->made_by, &was)) {
        return false;
    }
    for (size_t i = 0; i < w->write->n_summary; i++) {
        if (str_eq(w->write->summary[i].key, str_of(w->write->made_by))) {
            return !str_eq(w->write->summary[i].value, was);
        }
    }
    return true;
}

/* lake_write.made_by: 1 if what the table says of its making is to be said anew. */
static int tells_old(const struct writing *w, corrie_error *err)
{
    const struct lake_view view = lake_tx_view(w->tx);
    _json_ json_t *made = NULL;
    int r;

    if (!w->exists || !w->write->made_by) {
        return 0;
    }
    if (has_other_maker(w)) {
        return 1;
    }
    r = status_made_by(w->tx->lake, &view, w->write->ns, w->write->name, &made, err);
    return r < 0 ? r : json_array_size(json_object_get(made, "inputs")) > 0;
}

/* No rows come or go: the same rows, under a summary of this write. */
static int write_summary(struct writing *w, struct table_version *ret, corrie_error *err)
{
    const struct snapshot_options options = {.summary = w->write->summary,
                                             .n_summary = w->write->n_summary};

    return snapshot_append(&w->tx->lake->io, w->base, w->base_location, NULL, NULL, 0, &options,
                           ret, err);
}

/* No rows come, so no snapshot: metadata alone. */
static int write_metadata(struct writing *w, struct table_version *ret, corrie_error *err)
{
    struct str location;
    int r;

    r = metadata_write(&w->tx->lake->io, w->base, w->base_location, w->arena, &location,
                       &ret->metadata, err);
    if (r < 0) {
        return r;
    }
    ret->location = str_dup(location);
    ret->snapshot_id = w->exists ? w->table.snapshot_id : SNAPSHOT_NONE;
    ret->records = w->table.records;
    ret->bytes = w->table.bytes;
    ret->files = w->table.files;
    return ret->location ? 0 : corrie_fail_memory(err);
}

int write_stage(struct writing *w, const struct table_version *version, struct lake_table *ret,
                corrie_error *err)
{
    struct lake_table names = {
        .ns = w->write->ns, .name = w->write->name, .managed = !w->write->external};
    bool keeps = w->exists && w->write->mode != LAKE_REPLACE;

    return tx_stage_version(w->tx, version, w->location, &names, keeps ? &w->table : NULL, w->arena,
                            ret, err);
}

/* Files of one partition come together; those of several selects count once each. */
int64_t write_count_partitions(const struct writing *w)
{
    int64_t n = 0;

    for (size_t i = 0; i < w->files.files.count; i++) {
        const struct data_file *file = &w->files.files.items[i];
        bool same = i > 0;

        for (size_t k = 0; same && k < file->n_partition; k++) {
            struct str a = file->partition[k].bytes;
            struct str b = file[-1].partition[k].bytes;

            same = !a.data == !b.data && str_eq(a, b);
        }
        n += file->n_partition > 0 && !same;
    }
    return n;
}

static int write_table(struct writing *w, struct lake_written *ret, corrie_error *err)
{
    _cleanup_(table_version_done) struct table_version version = {0};
    bool nothing;
    int old = 0;
    int r;

    r = write_files(w, ret, err);
    if (r < 0) {
        file_writer_discard(&w->files);
        return r;
    }
    nothing = w->files.files.count == 0 && w->n_removed == 0 &&
              (!w->exists || w->write->mode != LAKE_REPLACE);
    if (nothing && (old = tells_old(w, err)) < 0) {
        return old;
    }
    if (nothing && !old && w->exists && !w->edited) {
        ret->table = w->table; /* nothing came: nothing changes */
        return 0;
    }
    r = old       ? write_summary(w, &version, err)
        : nothing ? write_metadata(w, &version, err)
                  : write_version(w, &version, err);
    if (r < 0) {
        file_writer_discard(&w->files);
        return r;
    }
    ret->created = !w->exists;
    ret->partitions = write_count_partitions(w);
    if (w->exists && overwrites(w->write)) {
        ret->removed_rows = w->write->overwrite_filter.len > 0 || w->write->mode == LAKE_MERGE
                                ? w->removed_rows
                                : w->table.records + ret->rows - version.records;
    }
    return write_stage(w, &version, &ret->table, err);
}

int lake_tx_write(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
                  struct lake_written *ret, corrie_error *err)
{
    _cleanup_(writing_done) struct writing w = {0};
    struct lake_written written = {0};
    int r;

    r = write_open(tx, write, arena, &w, err);
    if (r < 0) {
        return r;
    }
    r = write_table(&w, &written, err);
    if (r < 0) {
        return corrie_wrap(err, "write table %.*s.%.*s", STR_FMT(write->ns), STR_FMT(write->name));
    }
    *ret = written;
    return 0;
}
