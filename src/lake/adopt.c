/* adopt.c — files of others as rows of a table, where they are: see adopt.h. */
#include "lake/adopt.h"

#include "iceberg/name_mapping.h"
#include "lake/read.h"
#include "lake/write_priv.h"

/* Files of others have no field ids: the table says which name is which field, of all that it has by now. */
static int map_names(struct writing *w, corrie_error *err)
{
    static const struct schema none;
    _cleanup_(buf_done) struct buf text = {0};
    struct property property = {.key = STR(NAME_MAPPING_PROPERTY)};
    struct name_mapping mapping;
    struct table_metadata *mapped;
    struct str present = STR_EMPTY;
    int r = metadata_name_mapping(w->base, w->arena, &mapping, err);

    if (r > 0) {
        r = name_mapping_follow(&mapping, &none, metadata_schema(w->base), w->arena, &mapping, err);
    } else if (r == 0) {
        r = name_mapping_of_schema(metadata_schema(w->base), w->arena, &mapping, err);
    }
    if (r < 0 || (r = name_mapping_format(&mapping, &text, err)) < 0) {
        return r;
    }
    (void)metadata_property(w->base, property.key, &present);
    if (str_eq(present, buf_str(&text))) {
        return 0;
    }
    property.value = buf_str(&text);
    r = metadata_with_properties(w->base, &property, 1, clock_now() / 1000000, &mapped, err);
    if (r >= 0) {
        write_replace_base(w, mapped);
        w->schema = *metadata_schema(w->base); /* borrowed of it */
    }
    return r;
}

/* Describes file `at` of the table and adds it. */
static int take_file(struct writing *w, const struct engine_table *table, size_t at,
                     struct written_files *ret, corrie_error *err)
{
    struct str *location = arena_new(w->arena, struct str);
    struct engine_written stored;
    int r = !location ? corrie_fail_memory(err)
                      : engine_describe_stored(table, at, w->files.fields, w->files.n_fields,
                                               w->arena, &stored, err);

    if (r >= 0) {
        r = file_writer_adopt(&w->files, &stored, err);
    } else if (r == CORRIE_E_UNSUPPORTED) {
        corrie_wrap(err, "%.*s cannot be taken where it is", STR_FMT(table->files[at].path));
        r = corrie_hint(err, "import it without --in-place: its rows are copied then");
    }
    if (r < 0) {
        return r;
    }
    *location = vec_last(&w->files.files).path;
    *ret = (struct written_files){
        .paths = location, .n_paths = 1, .rows = stored.rows, .bytes = stored.bytes};
    return 0;
}

static int take_files(struct writing *w, const struct adopted_file *files, size_t n,
                      struct lake_written *ret, corrie_error *err)
{
    static const struct partition_spec unpartitioned;
    struct engine_file *stored = arena_array(w->arena, struct engine_file, n);
    struct engine_table table = {.schema = &w->schema, .files = stored, .n_files = n};
    int r;

    ret->selects = arena_array(w->arena, struct written_files, n);
    if (!stored || !ret->selects) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        stored[i] = (struct engine_file){.path = files[i].path,
                                         .rows = -1,
                                         .bytes = files[i].bytes,
                                         .constants = files[i].constants,
                                         .n_constants = files[i].n_constants};
    }
    r = lake_read_names(w->base, w->arena, &table, err);
    if (r >= 0) {
        r = file_writer_init(&w->files, w->tx->lake, NULL, w->base, &w->schema,
                             w->unpartitioned ? &unpartitioned : metadata_spec(w->base),
                             w->location, w->arena, err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = cancel_check(w->tx->lake->cancel, err);
        if (r >= 0) {
            r = take_file(w, &table, i, &ret->selects[i], err);
            if (r < 0 && w->write->select_failed) {
                r = w->write->select_failed(w->write->select_data, i, err);
            }
        }
        ret->rows += ret->selects[i].rows;
        ret->bytes += ret->selects[i].bytes;
    }
    return r < 0 ? r : 0;
}

static int adopt(struct writing *w, const struct adopted_file *files, size_t n,
                 struct lake_written *ret, corrie_error *err)
{
    _cleanup_(table_version_done) struct table_version version = {0};
    int r = map_names(w, err);

    if (r >= 0) {
        r = take_files(w, files, n, ret, err);
    }
    if (r >= 0) {
        r = write_version(w, &version, err);
    }
    if (r < 0) {
        return r;
    }
    ret->created = !w->exists;
    ret->partitions = write_count_partitions(w);
    return write_stage(w, &version, &ret->table, err);
}

int lake_tx_adopt(struct lake_tx *tx, const struct lake_write *write,
                  const struct adopted_file *files, size_t n_files, struct arena *arena,
                  struct lake_written *ret, corrie_error *err)
{
    _cleanup_(writing_done) struct writing w = {0};
    struct lake_written written = {0};
    int r = write_open(tx, write, arena, &w, err);

    if (r < 0) {
        return r;
    }
    r = adopt(&w, files, n_files, &written, err);
    if (r < 0) {
        return corrie_wrap(err, "write table %.*s.%.*s", STR_FMT(write->ns), STR_FMT(write->name));
    }
    *ret = written;
    return 0;
}
