/* write_files.c — data files of a table from selects: see write_files.h. */
#include "lake/write_files.h"

#include "iceberg/alter.h"

#define TARGET_FILE_BYTES ((int64_t)128 * 1024 * 1024)
/* Iceberg's own default of write.parquet.row-group-size-bytes. */
#define ROW_GROUP_BYTES ((int64_t)128 * 1024 * 1024)
/* Row groups that every reader can hold in memory, whatever a property asks for. */
#define MAX_ROW_GROUP_BYTES ((int64_t)1024 * 1024 * 1024)

void file_writer_done(struct file_writer *writer)
{
    vec_done(&writer->files);
    vec_done(&writer->keys);
}

/* ---- what the table says ---- */

/* A positive number of the table's properties; *ret stays where there is none. */
static int number_property(const struct table_metadata *metadata, const char *key, int64_t *ret,
                           corrie_error *err)
{
    struct str text;
    int64_t number;

    if (!metadata_property(metadata, str_of(key), &text)) {
        return 0;
    }
    if (!str_to_int64(text, &number) || number <= 0) {
        corrie_fail(err, CORRIE_E_DATA, "table property %s is '%.*s'", key, STR_FMT(text));
        return corrie_hint(err, "it must be a whole number above 0");
    }
    *ret = number;
    return 0;
}

static int read_properties(struct file_writer *w, const struct table_metadata *metadata,
                           corrie_error *err)
{
    struct str codec;
    int r;

    w->target_bytes = TARGET_FILE_BYTES;
    w->row_group_bytes = ROW_GROUP_BYTES;
    r = number_property(metadata, "write.target-file-size-bytes", &w->target_bytes, err);
    if (r >= 0) {
        r = number_property(metadata, "write.parquet.row-group-size-bytes", &w->row_group_bytes,
                            err);
    }
    if (r >= 0) {
        r = number_property(metadata, "write.parquet.row-group-limit", &w->row_group_rows, err);
    }
    if (w->row_group_bytes > MAX_ROW_GROUP_BYTES) {
        w->row_group_bytes = MAX_ROW_GROUP_BYTES;
    }
    if (metadata_property(metadata, STR("write.parquet.compression-codec"), &codec)) {
        w->codec = codec;
    }
    return r;
}

static int read_spec(struct file_writer *w, const struct partition_spec *spec, corrie_error *err)
{
    w->spec_id = spec->spec_id;
    w->fields = arena_array(w->arena, struct engine_partition_field, spec->n_fields);
    if (!w->fields) {
        return corrie_fail_memory(err);
    }
    w->n_fields = spec->n_fields;
    for (size_t i = 0; i < spec->n_fields; i++) {
        w->fields[i].source_id = spec->fields[i].source_id;
        if (!transform_parse(spec->fields[i].transform, &w->fields[i].transform)) {
            return corrie_fail(
                err, CORRIE_E_UNSUPPORTED,
                "the table is partitioned by %.*s of a column, which this version cannot write",
                STR_FMT(spec->fields[i].transform));
        }
    }
    return 0;
}

/* Whether rows that are sorted by a column are sorted by what the transform makes of it, too. */
static bool keeps_order(struct str text)
{
    struct transform transform;

    return transform_parse(text, &transform) &&
           (transform.kind == TRANSFORM_YEAR || transform.kind == TRANSFORM_MONTH ||
            transform.kind == TRANSFORM_DAY || transform.kind == TRANSFORM_HOUR ||
            transform.kind == TRANSFORM_TRUNCATE);
}

/* False: this order cannot be said over the columns of the write. */
static bool add_sort_term(const struct file_writer *w, const struct sort_term *term, bool last,
                          struct buf *sql)
{
    const struct field *field = NULL;

    for (size_t i = 0; i < w->schema->n_fields && !field; i++) {
        field = w->schema->fields[i].id == term->source_id ? &w->schema->fields[i] : NULL;
    }
    if (!field ||
        (!str_eq(term->transform, STR("identity")) && !(last && keeps_order(term->transform)))) {
        return false;
    }
    buf_add_text(sql, sql->len > 0 ? ", " : "");
    buf_add_sql_name(sql, field->name);
    buf_addf(sql, " %s NULLS %s", term->descending ? "DESC" : "ASC",
             term->nulls_last ? "LAST" : "FIRST");
    return true;
}

static int read_order(struct file_writer *w, const struct table_metadata *metadata,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    const struct sort_term *terms;
    size_t n;
    int r = metadata_sort_order(metadata, w->arena, &terms, &n, err);

    if (r < 0 || n == 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        if (!add_sort_term(w, &terms[i], i + 1 == n, &sql)) {
            return 0;
        }
    }
    r = buf_check(&sql, err);
    if (r >= 0 && arena_str(w->arena, buf_str(&sql), &w->order_by) < 0) {
        r = corrie_fail_memory(err);
    }
    w->sort_order_id = metadata_sort_order_id(metadata);
    return r;
}

int file_writer_init(struct file_writer *writer, struct lake *lake, struct engine *engine,
                     const struct table_metadata *metadata, const struct schema *schema,
                     const struct partition_spec *spec, struct str location, struct arena *arena,
                     corrie_error *err)
{
    int r;

    *writer = (struct file_writer){
        .lake = lake, .engine = engine, .arena = arena, .schema = schema, .location = location};
    r = read_properties(writer, metadata, err);
    if (r >= 0) {
        r = read_spec(writer, spec, err);
    }
    return r < 0 ? r : read_order(writer, metadata, err);
}

/* ---- files ---- */

/* Names the next file of the write and makes its directory. */
static int name_file(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    struct file_writer *w = arg;
    struct str location;
    struct str key;
    int r;

    (void)ordinal;
    r = location_of_data_file(w->location, w->ordinal++, w->arena, &location, err);
    if (r >= 0 && !w->prepared) {
        r = location_key(&w->lake->io, location, w->arena, &key, err);
        if (r >= 0) {
            r = store_prepare(w->lake->store, key, err);
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

static int describe_columns(struct file_writer *w, const struct engine_written *written,
                            struct data_file *file, corrie_error *err)
{
    file->columns = arena_array(w->arena, struct column_metrics, written->n_columns);
    file->n_columns = written->n_columns;
    if (!file->columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < written->n_columns; i++) {
        const struct engine_column_stats *stats = &written->columns[i];

        file->columns[i] = (struct column_metrics){
            .field_id = stats->field_id,
            .column_size = stats->column_size,
            .value_count = stats->value_count,
            .null_count = stats->null_count,
            .nan_count = stats->nan_count,
            .lower = stats->has_bounds ? stats->lower : (struct str){NULL, 0},
            .upper = stats->has_bounds ? stats->upper : (struct str){NULL, 0},
        };
    }
    qsort(file->columns, file->n_columns, sizeof *file->columns, compare_metrics);
    return 0;
}

static int describe_partition(struct file_writer *w, const struct engine_written *written,
                              struct data_file *file, corrie_error *err)
{
    file->spec_id = w->spec_id;
    if (w->n_fields == 0) {
        return 0;
    }
    file->partition = arena_array(w->arena, struct partition_value, w->n_fields);
    file->n_partition = w->n_fields;
    if (!file->partition) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < w->n_fields; i++) {
        file->partition[i].bytes = written->partition[i];
    }
    return 0;
}

static int file_location(struct file_writer *w, const struct engine_written *written,
                         struct str *ret, corrie_error *err)
{
    *ret = str_of(arena_printf(w->arena, "file://%.*s", STR_FMT(written->path)));
    return ret->len > 0 ? 0 : corrie_fail_memory(err);
}

/* Adds a file of the writer's partition spec, wherever it lies. */
static int add_file(struct file_writer *w, const struct engine_written *written,
                    struct str location, int sort_order_id, corrie_error *err)
{
    struct data_file file = {.path = location,
                             .format = STR("PARQUET"),
                             .record_count = written->rows,
                             .bytes = written->bytes,
                             .split_offsets = written->split_offsets,
                             .n_split_offsets = written->n_split_offsets,
                             .has_sort_order = sort_order_id > 0,
                             .sort_order_id = sort_order_id};
    int r = describe_columns(w, written, &file, err);

    if (r >= 0) {
        r = describe_partition(w, written, &file, err);
    }
    if (r >= 0 && vec_push(&w->files, file) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

static int add_own_file(struct file_writer *w, const struct engine_written *written,
                        corrie_error *err)
{
    struct str location;
    struct str key;
    int r = file_location(w, written, &location, err);

    if (r >= 0) {
        r = location_key(&w->lake->io, location, w->arena, &key, err);
    }
    if (r >= 0 && vec_push(&w->keys, key) < 0) {
        r = corrie_fail_memory(err);
    }
    return r < 0 ? r : add_file(w, written, location, w->sort_order_id, err);
}

int file_writer_adopt(struct file_writer *writer, const struct engine_written *stored,
                      corrie_error *err)
{
    _error_ corrie_error outside = CORRIE_ERROR_INIT;
    struct str location;
    struct str key;
    int r = file_location(writer, stored, &location, err);

    if (r >= 0 && location_key(&writer->lake->io, location, writer->arena, &key, &outside) >= 0) {
        r = corrie_fail(err, CORRIE_E_REFUSED, "%.*s lies inside of the lake",
                        STR_FMT(stored->path));
    }
    return r < 0 ? r : add_file(writer, stored, location, 0, err);
}

int file_writer_write(struct file_writer *writer, struct str select, const char *file,
                      struct written_files *ret, corrie_error *err)
{
    struct engine_write write = {.sql = select,
                                 .file = file,
                                 .schema = writer->schema,
                                 .path = name_file,
                                 .arg = writer,
                                 .target_bytes = writer->target_bytes,
                                 .partition = writer->n_fields ? writer->fields : NULL,
                                 .n_partition = writer->n_fields,
                                 .order_by = writer->order_by,
                                 .check = writer->check,
                                 .check_name = writer->check_name,
                                 .row_group_rows = writer->row_group_rows,
                                 .row_group_bytes = writer->row_group_bytes,
                                 .row_bytes = writer->row_bytes,
                                 .codec = writer->codec};
    struct written_files done = {0};
    struct engine_written *written = NULL;
    struct str *paths;
    size_t first = writer->keys.count;
    size_t n = 0;
    int r;

    r = engine_write_parquet(writer->engine, &write, writer->arena, &written, &n, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        r = add_own_file(writer, &written[i], err);
        if (r < 0) {
            return r;
        }
        done.rows += written[i].rows;
        done.bytes += written[i].bytes;
    }
    paths = arena_array(writer->arena, struct str, n);
    if (!paths) {
        return corrie_fail_memory(err);
    }
    if (n > 0) {
        memcpy(paths, writer->keys.items + first, n * sizeof *paths);
    }
    done.paths = paths;
    done.n_paths = n;
    if (ret) {
        *ret = done;
    }
    return 0;
}

int file_writer_sync(struct file_writer *writer, corrie_error *err)
{
    return store_sync(writer->lake->store, writer->keys.items, writer->keys.count, err);
}

void file_writer_discard(struct file_writer *writer)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    for (size_t i = 0; i < writer->keys.count; i++) {
        if (store_delete(writer->lake->store, writer->keys.items[i], &ignored) < 0) {
            corrie_error_clear(&ignored);
        }
    }
}
