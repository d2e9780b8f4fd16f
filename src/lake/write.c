/* write.c — rows become files, files become a version of a table, a version becomes an edit.
 *
 * Order (architecture.md, Durability): data files → fsync of them and their directory → manifests → manifest list
 * → metadata → staged in the transaction. A failure on the way leaves files that nothing names. */
#include "lake/tx_priv.h"

#include "engine/engine.h"
#include "iceberg/snapshot.h"
#include "lang/name.h"

#define TARGET_FILE_BYTES ((int64_t)128 * 1024 * 1024)

/* One write under way. */
struct writing {
    struct lake_tx *tx;
    const struct lake_write *write;
    struct arena *arena;
    struct lake_table table; /* as it is; zero for a new one */
    bool exists;
    struct table_metadata *base;
    struct str base_location; /* absolute; empty: never stored */
    struct schema schema;     /* with ids, of the files */
    struct str location;      /* of the table, absolute under the present root */
    unsigned ordinal;
    bool prepared;
    VEC(struct data_file) files;
    VEC(struct str) keys; /* of the files, in the store */
};

static void writing_done(struct writing *writing)
{
    metadata_free(writing->base);
    vec_done(&writing->files);
    vec_done(&writing->keys);
}

/* Loads the table, or makes the metadata of a new one. */
static int load_base(struct writing *w, corrie_error *err)
{
    struct lake_view view = lake_tx_view(w->tx);
    struct lake *lake = w->tx->lake;
    struct uuid id;
    int r;

    r = name_check_table(w->write->name, err);
    if (r < 0) {
        return r;
    }
    r = lake_table_find(&view, w->write->ns, w->write->name, w->arena, &w->table, err);
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
    if (w->exists && !w->table.managed) {
        return corrie_fail(err, CORRIE_E_REFUSED, "the table is external: it can only be read");
    }
    if (w->exists) {
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
    return metadata_new(&id, w->location, w->write->schema, NULL, 0, clock_now() / 1000000,
                        &w->base, err);
}

static int check_fit(struct writing *w, const struct schema *wanted, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct fit fit;
    int r;

    r = schema_fit(w->write->schema, wanted, false, w->arena, &fit, err);
    if (r < 0 || fit.n_problems == 0) {
        return r;
    }
    fit_describe(&fit, &text);
    corrie_fail(err, CORRIE_E_DATA, "the columns do not fit the table's: %s", buf_text(&text));
    return corrie_hint(err, "give the table's columns, or replace the table");
}

static int find_schema(struct writing *w, corrie_error *err)
{
    if (!w->exists) {
        w->schema = *metadata_schema(w->base);
        return 0;
    }
    if (w->write->mode == LAKE_REPLACE) {
        return metadata_replacement_schema(w->base, w->write->schema, w->arena, &w->schema, err);
    }
    w->schema = *metadata_schema(w->base);
    return w->write->schema ? check_fit(w, &w->schema, err) : 0;
}

static int open_write(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
                      struct writing *w, corrie_error *err)
{
    int r;

    *w = (struct writing){.tx = tx, .write = write, .arena = arena};
    r = load_base(w, err);
    if (r >= 0) {
        r = find_schema(w, err);
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

    r = open_write(tx, write, arena, &w, err);
    if (r < 0) {
        return r;
    }
    return schema_copy(&w.schema, arena, ret, err);
}

/* ---- data files ---- */

/* Names the next file of the write and makes its directory. */
static int name_file(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    struct writing *w = arg;
    struct str location;
    struct str key;
    int r;

    (void)ordinal;
    r = location_of_data_file(w->location, w->ordinal++, w->arena, &location, err);
    if (r >= 0 && !w->prepared) {
        r = location_key(&w->tx->lake->io, location, w->arena, &key, err);
        if (r >= 0) {
            r = store_prepare(w->tx->lake->store, key, err);
        }
        w->prepared = r >= 0;
    }
    if (r < 0) {
        return r;
    }
    buf_add_str(ret, lake_local_path(location));
    return buf_check(ret, err);
}

static int compare_metrics(const void *a, const void *b)
{
    return ((const struct column_metrics *)a)->field_id -
           ((const struct column_metrics *)b)->field_id;
}

static int describe_file(struct writing *w, const struct engine_written *written, corrie_error *err)
{
    struct column_metrics *columns =
        arena_array(w->arena, struct column_metrics, written->n_columns);
    char *location = arena_printf(w->arena, "file://%.*s", STR_FMT(written->path));
    struct data_file file = {.format = STR("PARQUET"),
                             .record_count = written->rows,
                             .bytes = written->bytes,
                             .columns = columns,
                             .n_columns = written->n_columns,
                             .split_offsets = written->split_offsets,
                             .n_split_offsets = written->n_split_offsets};
    struct str key;
    int r;

    if (!columns || !location) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < written->n_columns; i++) {
        const struct engine_column_stats *stats = &written->columns[i];

        columns[i] = (struct column_metrics){
            .field_id = stats->field_id,
            .column_size = stats->column_size,
            .value_count = stats->value_count,
            .null_count = stats->null_count,
            .nan_count = stats->nan_count,
            .lower = stats->has_bounds ? stats->lower : (struct str){NULL, 0},
            .upper = stats->has_bounds ? stats->upper : (struct str){NULL, 0},
        };
    }
    qsort(columns, written->n_columns, sizeof *columns, compare_metrics);
    file.path = str_of(location);
    file.spec_id = metadata_spec(w->base)->spec_id;
    r = location_key(&w->tx->lake->io, file.path, w->arena, &key, err);
    if (r < 0) {
        return r;
    }
    if (vec_push(&w->files, file) < 0 || vec_push(&w->keys, key) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int write_select(struct writing *w, struct str select, struct written_files *ret,
                        corrie_error *err)
{
    struct engine_write write = {.sql = select,
                                 .schema = &w->schema,
                                 .path = name_file,
                                 .arg = w,
                                 .target_bytes = TARGET_FILE_BYTES};
    struct engine_written *written = NULL;
    struct str *paths;
    size_t first = w->keys.count;
    size_t n = 0;
    int r;

    r = engine_write_parquet(w->write->engine, &write, w->arena, &written, &n, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        r = describe_file(w, &written[i], err);
        if (r < 0) {
            return r;
        }
        ret->rows += written[i].rows;
        ret->bytes += written[i].bytes;
    }
    paths = arena_array(w->arena, struct str, n);
    if (!paths) {
        return corrie_fail_memory(err);
    }
    if (n > 0) {
        memcpy(paths, w->keys.items + first, n * sizeof *paths);
    }
    ret->paths = paths;
    ret->n_paths = n;
    return 0;
}

/* Files of a write that failed; what cannot be removed is garbage for gc. */
static void remove_files(struct writing *w)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    for (size_t i = 0; i < w->keys.count; i++) {
        if (store_delete(w->tx->lake->store, w->keys.items[i], &ignored) < 0) {
            corrie_error_clear(&ignored);
        }
    }
}

static int write_files(struct writing *w, struct lake_written *ret, corrie_error *err)
{
    int r = 0;

    ret->selects = arena_array(w->arena, struct written_files, w->write->n_selects);
    if (!ret->selects) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < w->write->n_selects; i++) {
        r = cancel_check(w->tx->lake->cancel, err);
        if (r >= 0) {
            r = write_select(w, w->write->selects[i], &ret->selects[i], err);
            if (r < 0 && w->write->origins &&
                str_find_str(str_of(corrie_error_message(err)), w->write->origins[i]) < 0) {
                corrie_wrap(err, "%.*s", STR_FMT(w->write->origins[i]));
            }
            if (r < 0 && w->write->select_failed) { /* the engine removed what it began */
                r = w->write->select_failed(w->write->select_failed_data, i, err);
            }
        }
        if (r >= 0) {
            ret->rows += ret->selects[i].rows;
            ret->bytes += ret->selects[i].bytes;
        }
    }
    return r < 0 ? r : store_sync(w->tx->lake->store, w->keys.items, w->keys.count, err);
}

/* ---- versions ---- */

static int write_version(struct writing *w, struct table_version *ret, corrie_error *err)
{
    const struct table_io *io = &w->tx->lake->io;
    struct snapshot_options options = {.summary = w->write->summary,
                                       .n_summary = w->write->n_summary};

    if (w->write->mode == LAKE_REPLACE) {
        return snapshot_replace(io, w->base, w->base_location, w->exists ? &w->schema : NULL,
                                w->files.items, w->files.count, &options, ret, err);
    }
    return snapshot_append(io, w->base, w->base_location, NULL, w->files.items, w->files.count,
                           &options, ret, err);
}

/* A table without rows: metadata alone. */
static int write_empty(struct writing *w, struct table_version *ret, corrie_error *err)
{
    struct str location;
    int r;

    r = metadata_write(&w->tx->lake->io, w->base, STR_EMPTY, w->arena, &location, &ret->metadata,
                       err);
    if (r < 0) {
        return r;
    }
    ret->location = str_dup(location);
    ret->snapshot_id = SNAPSHOT_NONE;
    return ret->location ? 0 : corrie_fail_memory(err);
}

static int stage_table(struct writing *w, const struct table_version *version,
                       struct lake_table *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf doc = {0};
    const struct table_metadata *metadata = version->metadata;
    struct lake_table table = {.id = metadata->table_uuid,
                               .snapshot_id = version->snapshot_id,
                               .schema_id = metadata->current_schema_id,
                               .spec_id = metadata->default_spec_id,
                               .records = version->records,
                               .bytes = version->bytes,
                               .files = version->files,
                               .managed = true};
    const struct lake_table *before = w->exists && w->write->mode == LAKE_APPEND ? &w->table : NULL;
    struct tree_edit edit = {.value = {.id = metadata->table_uuid}};
    struct key key;
    int r;

    if (arena_str(w->arena, w->write->ns, &table.ns) < 0 ||
        arena_str(w->arena, w->write->name, &table.name) < 0 ||
        arena_str(w->arena, lake_relative(w->tx->lake, w->location), &table.location) < 0 ||
        arena_str(w->arena, lake_relative(w->tx->lake, str_of(version->location)),
                  &table.metadata_location) < 0) {
        return corrie_fail_memory(err);
    }
    r = lake_table_doc(&table, &doc, err);
    if (r < 0 || (r = KEY_MAKE(&key, err, STR("table"), table.ns, table.name)) < 0) {
        return r;
    }
    edit.key = key_str(&key);
    edit.value.doc = buf_str(&doc);
    tx_taint(w->tx, before, &edit.value);
    r = tx_stage(w->tx, &edit, 1, err);
    if (r < 0 || (r = tx_note_output(w->tx, edit.key, before, err)) < 0) {
        return r;
    }
    *ret = table;
    return 0;
}

static int write_table(struct writing *w, struct lake_written *ret, corrie_error *err)
{
    _cleanup_(table_version_done) struct table_version version = {0};
    int r;

    r = write_files(w, ret, err);
    if (r < 0) {
        remove_files(w);
        return r;
    }
    if (w->exists && w->write->mode == LAKE_APPEND && w->files.count == 0) {
        ret->table = w->table; /* nothing came: nothing changes */
        return 0;
    }
    if (!w->exists && w->files.count == 0) {
        r = write_empty(w, &version, err);
    } else {
        r = write_version(w, &version, err);
    }
    if (r < 0) {
        remove_files(w);
        return r;
    }
    ret->created = !w->exists;
    return stage_table(w, &version, &ret->table, err);
}

int lake_tx_write(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
                  struct lake_written *ret, corrie_error *err)
{
    _cleanup_(writing_done) struct writing w = {0};
    struct lake_written written = {0};
    int r;

    r = open_write(tx, write, arena, &w, err);
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
