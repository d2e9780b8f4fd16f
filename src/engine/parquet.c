/* parquet.c — writing Parquet files with field ids, and what Iceberg wants to know of them.
 *
 * One COPY a file: DuckDB's own splitting (FILE_SIZE_BYTES, PER_THREAD_OUTPUT) breaks the order of rows
 * at more than one thread. A result that turns out too large for one file is cut by reading that file
 * again by row numbers, which prunes row groups and keeps the order, whatever the query was.
 *
 * Statistics come from COPY's RETURN_STATS, except NaN counts: has_nan is wrong with more than one row
 * group, so there the file's float columns are read once more. Strings longer than 256 bytes get no bounds. */
#include "arrow/scalar.h"
#include "engine/engine_priv.h"
#include "engine/types.h"
#include "os/file.h"

#define ROW_GROUP_ROWS 122880
/* nan_count of a column that surely has none, until they were counted in the others. */
#define NAN_NONE (-2)

typedef VEC(char *) path_list;

struct writer {
    struct engine *engine;
    struct session *session; /* the engine's own: its temporary view is replaced by each write */
    const struct engine_write *write;
    struct arena *arena;
    path_list begun; /* files that exist or may exist in part */
    VEC(struct engine_written) done;
    corrie_error *err;
};

static void writer_done(struct writer *writer)
{
    for (size_t i = 0; i < writer->begun.count; i++) {
        mem_free(writer->begun.items[i]);
    }
    vec_done(&writer->begun);
    vec_done(&writer->done);
}

static void remove_begun(struct writer *writer)
{
    for (size_t i = 0; i < writer->begun.count; i++) {
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;

        if (os_unlink(writer->begun.items[i], &ignored) < 0) {
            continue; /* what stays is garbage that nothing names */
        }
    }
}

/* ---- the SELECT that COPY gets ---- */

static void add_cast(struct buf *out, duckdb_type source, const struct field *field)
{
    _cleanup_(buf_done) struct buf message = {0};

    if ((source == DUCKDB_TYPE_TIMESTAMP_NS) && field->type.kind == TYPE_TIMESTAMP) {
        buf_addf(&message,
                 "column %.*s: a timestamp has nanoseconds, and a table holds microseconds: ",
                 STR_FMT(field->name));
        buf_add_text(out, "CASE WHEN ");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " IS NULL OR epoch_ns(");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, ") % 1000 = 0 THEN CAST(");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " AS TIMESTAMP) ELSE error(");
        buf_add_sql_string(out, buf_str(&message));
        buf_add_text(out, " || CAST(");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " AS VARCHAR)) END AS ");
    } else {
        buf_add_text(out, "CAST(");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " AS ");
        type_print_sql(&field->type, out);
        buf_add_text(out, ") AS ");
    }
    buf_add_sql_name(out, field->name);
}

static int count_columns(struct writer *writer, idx_t given)
{
    size_t wanted = writer->write->schema->n_fields;

    return given == wanted ? 0
                           : corrie_fail(writer->err, CORRIE_E_DATA,
                                         "the query gives %zu columns, the table has %zu",
                                         (size_t)given, wanted);
}

/* The user's query as a temporary view whose columns have the schema's names (a view and not
 * parentheses: a text may end in a semicolon or a comment), and a SELECT of casts over it. */
static int make_select(struct writer *writer, struct buf *ret)
{
    const struct duck *d = writer->engine->d;
    const struct schema *schema = writer->write->schema;
    struct origin origin = {.sql = writer->write->file ? writer->write->sql : STR_EMPTY,
                            .file = writer->write->file,
                            .engine = writer->engine,
                            .data = true};
    duckdb_prepared_statement prepared = NULL;
    _free_ char *sql = str_dup(writer->write->sql);
    _cleanup_(buf_done) struct buf view = {0};
    int r;

    if (!sql) {
        return corrie_fail_memory(writer->err);
    }
    buf_add_text(&view, "CREATE OR REPLACE TEMP VIEW corrie_rows(");
    for (size_t i = 0; i < schema->n_fields; i++) {
        buf_add_text(&view, i ? ", " : "");
        buf_add_sql_name(&view, schema->fields[i].name);
    }
    buf_add_text(&view, ") AS ");
    if (d->prepare(writer->session->con, sql, &prepared) != DuckDBSuccess) {
        r = duck_fail(d->prepare_error(prepared), &origin, writer->err);
    } else {
        r = count_columns(writer, d->prepared_statement_column_count(prepared));
    }
    buf_add_text(ret, "SELECT ");
    for (size_t i = 0; r == 0 && i < schema->n_fields; i++) {
        duckdb_logical_type logical = d->prepared_statement_column_logical_type(prepared, i);

        buf_add_text(ret, i ? ", " : "");
        add_cast(ret, d->get_type_id(logical), &schema->fields[i]);
        d->destroy_logical_type(&logical);
    }
    d->destroy_prepare(&prepared);
    buf_add_text(ret, " FROM temp.corrie_rows");
    origin.prefix = view.len;
    buf_add_text(&view, sql);
    if (r == 0) {
        r = buf_check(&view, writer->err);
    }
    if (r == 0) {
        r = engine_run(writer->engine, writer->session, buf_text(&view), &origin, writer->err);
    }
    return r;
}

static void add_field_ids(struct buf *out, const struct field *fields, size_t n, int own)
{
    buf_add_char(out, '{');
    if (own > 0) {
        buf_addf(out, "__duckdb_field_id: %d%s", own, n ? ", " : "");
    }
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i ? ", " : "");
        buf_add_sql_name(out, fields[i].name);
        buf_add_text(out, ": ");
        if (fields[i].type.n_fields > 0) {
            add_field_ids(out, fields[i].type.fields, fields[i].type.n_fields, fields[i].id);
        } else {
            buf_addf(out, "%d", fields[i].id);
        }
    }
    buf_add_char(out, '}');
}

/* ---- statistics ---- */

/* A MAP(VARCHAR, …) of one row of a result. */
struct map_view {
    duckdb_vector keys;
    duckdb_vector values;
    duckdb_list_entry range;
};

static struct map_view map_at(const struct duck *d, duckdb_vector vector, idx_t row)
{
    duckdb_vector entries = d->list_vector_get_child(vector);

    return (struct map_view){.keys = d->struct_vector_get_child(entries, 0),
                             .values = d->struct_vector_get_child(entries, 1),
                             .range = ((const duckdb_list_entry *)d->vector_get_data(vector))[row]};
}

static struct str text_at(const struct duck *d, duckdb_vector vector, idx_t row)
{
    const duckdb_string_t *text = (const duckdb_string_t *)d->vector_get_data(vector) + row;

    return str_make(text->value.inlined.length <= 12 ? text->value.inlined.inlined
                                                     : text->value.pointer.ptr,
                    text->value.inlined.length);
}

/* Row of the key in the map's vectors, or -1. */
static int64_t map_find_key(const struct duck *d, const struct map_view *map, struct str key)
{
    for (idx_t i = map->range.offset; i < map->range.offset + map->range.length; i++) {
        if (str_eq(text_at(d, map->keys, i), key)) {
            return (int64_t)i;
        }
    }
    return -1;
}

struct collect {
    struct writer *writer;
    const struct map_view *columns;
    struct engine_written *file;
    size_t capacity;
    struct buf path; /* "a"."b" */
    struct buf nan;  /* the SELECT that counts NaN */
    bool repeated;   /* below a list or map */
};

static int64_t map_int(const struct duck *d, const struct map_view *map, const char *key)
{
    int64_t at = map_find_key(d, map, str_of(key));
    int64_t value = 0;

    return at >= 0 && str_to_int64(text_at(d, map->values, (idx_t)at), &value) ? value : 0;
}

static bool map_text(const struct duck *d, const struct map_view *map, const char *key,
                     struct str *ret)
{
    int64_t at = map_find_key(d, map, str_of(key));

    if (at < 0) {
        return false;
    }
    *ret = text_at(d, map->values, (idx_t)at);
    return true;
}

/* Bounds as scalars. A text that is no value of the type leaves the bounds out: a bound is an
 * optimisation, and a wrong one loses rows. */
static int set_bounds(struct collect *collect, const struct type *type, struct str min,
                      struct str max, struct engine_column_stats *stats)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct arena *arena = collect->writer->arena;
    struct str lower;
    struct str upper;
    int r;

    if (type->kind == TYPE_BINARY || type->kind == TYPE_FIXED) {
        return 0;
    }
    if (type->kind == TYPE_BOOLEAN) {
        min = str_eq(min, STR("1")) ? STR("true") : str_eq(min, STR("0")) ? STR("false") : min;
        max = str_eq(max, STR("1")) ? STR("true") : str_eq(max, STR("0")) ? STR("false") : max;
    }
    if (scalar_from_text(type, min, arena, &lower, &ignored) < 0 ||
        scalar_from_text(type, max, arena, &upper, &ignored) < 0) {
        return ignored.code == CORRIE_E_NO_MEMORY ? corrie_fail_memory(collect->writer->err) : 0;
    }
    stats->lower = scalar_bound_lower(type, lower, SCALAR_BOUND_LENGTH);
    r = scalar_bound_upper(type, upper, SCALAR_BOUND_LENGTH, arena, &stats->upper,
                           collect->writer->err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        stats->upper = (struct str){0};
    }
    stats->has_bounds = true;
    return 0;
}

static int collect_leaf(struct collect *collect, const struct field *field)
{
    const struct duck *d = collect->writer->engine->d;
    struct engine_column_stats *stats = &collect->file->columns[collect->file->n_columns++];
    int64_t at = map_find_key(d, collect->columns, buf_str(&collect->path));
    bool is_float = field->type.kind == TYPE_FLOAT || field->type.kind == TYPE_DOUBLE;
    struct map_view column;
    struct str min;
    struct str max;

    *stats = (struct engine_column_stats){.field_id = field->id, .nan_count = -1};
    if (at < 0) {
        return corrie_fail(collect->writer->err, CORRIE_E_INTERNAL,
                           "DuckDB gave no statistics of column %s", buf_text(&collect->path));
    }
    column = map_at(d, collect->columns->values, (idx_t)at);
    stats->column_size = map_int(d, &column, "column_size_bytes");
    stats->value_count = map_int(d, &column, "num_values");
    stats->null_count = map_int(d, &column, "null_count");
    if (is_float && !collect->repeated) {
        struct str flag = STR_EMPTY;
        bool one_group = collect->file->rows <= ROW_GROUP_ROWS;

        stats->nan_count = 0;
        if (one_group && map_text(d, &column, "has_nan", &flag) && str_eq(flag, STR("false"))) {
            stats->nan_count = NAN_NONE;
        }
    }
    if (stats->nan_count == 0) {
        buf_addf(&collect->nan, "%scount(*) FILTER (isnan(q.%s))", collect->nan.len ? ", " : "",
                 buf_text(&collect->path));
    }
    if (!collect->repeated && map_text(d, &column, "min", &min) &&
        map_text(d, &column, "max", &max)) {
        return set_bounds(collect, &field->type, min, max, stats);
    }
    return 0;
}

static int collect_fields(struct collect *collect, const struct field *fields, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t len = collect->path.len;
        bool repeated = collect->repeated;
        enum type_kind kind = fields[i].type.kind;

        buf_add_text(&collect->path, len ? "." : "");
        buf_add_sql_name(&collect->path, fields[i].name);
        r = buf_check(&collect->path, collect->writer->err);
        if (r == 0 && fields[i].type.n_fields == 0) {
            r = collect_leaf(collect, &fields[i]);
        } else if (r == 0) {
            collect->repeated |= kind == TYPE_LIST || kind == TYPE_MAP;
            r = collect_fields(collect, fields[i].type.fields, fields[i].type.n_fields);
            collect->repeated = repeated;
        }
        collect->path.len = len;
        if (collect->path.data) {
            collect->path.data[len] = '\0';
        }
    }
    return r;
}

static size_t count_leaves(const struct field *fields, size_t n)
{
    size_t leaves = 0;

    for (size_t i = 0; i < n; i++) {
        leaves += fields[i].type.n_fields == 0
                      ? 1
                      : count_leaves(fields[i].type.fields, fields[i].type.n_fields);
    }
    return leaves;
}

static int count_nans(struct writer *writer, struct str columns, struct engine_written *file)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    idx_t column = 0;
    int r;

    if (columns.len == 0) {
        return 0;
    }
    buf_addf(&sql, "SELECT %.*s FROM read_parquet(", STR_FMT(columns));
    add_path(&sql, file->path);
    buf_add_text(&sql, ") AS q");
    r = buf_check(&sql, writer->err);
    if (r == 0) {
        r = rows_open(writer->engine, writer->session, buf_text(&sql), NULL, &rows, writer->err);
    }
    if (r < 0 || !rows_next(&rows)) {
        return r;
    }
    for (size_t i = 0; i < file->n_columns; i++) {
        if (file->columns[i].nan_count == 0) {
            (void)rows_int(&rows, column++, &file->columns[i].nan_count);
        }
    }
    return 0;
}

static int read_offsets(struct writer *writer, struct engine_written *file)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    VEC(int64_t) offsets = {0};
    int64_t offset = 0;
    int r;

    if (file->rows <= ROW_GROUP_ROWS) {
        /* one row group, right after the magic */
        file->split_offsets = arena_array(writer->arena, int64_t, 1);
        if (!file->split_offsets) {
            return corrie_fail_memory(writer->err);
        }
        file->split_offsets[0] = sizeof "PAR1" - 1;
        file->n_split_offsets = 1;
        return 0;
    }

    buf_add_text(&sql, "SELECT min(least(coalesce(dictionary_page_offset, data_page_offset), "
                       "data_page_offset))::BIGINT AS o FROM parquet_metadata(");
    add_path(&sql, file->path);
    buf_add_text(&sql, ") GROUP BY row_group_id ORDER BY o");
    r = buf_check(&sql, writer->err);
    if (r == 0) {
        r = rows_open(writer->engine, writer->session, buf_text(&sql), NULL, &rows, writer->err);
    }
    while (r == 0 && rows_next(&rows)) {
        if (rows_int(&rows, 0, &offset) && vec_push(&offsets, offset) < 0) {
            r = corrie_fail_memory(writer->err);
        }
    }
    if (r == 0) {
        file->split_offsets = arena_array(writer->arena, int64_t, offsets.count + 1);
        if (!file->split_offsets) {
            r = corrie_fail_memory(writer->err);
        } else if (offsets.count > 0) {
            memcpy(file->split_offsets, offsets.items, offsets.count * sizeof(int64_t));
            file->n_split_offsets = offsets.count;
        }
    }
    vec_done(&offsets);
    return r;
}

static int collect_stats(struct writer *writer, struct rows *rows, struct engine_written *file)
{
    const struct duck *d = writer->engine->d;
    const struct schema *schema = writer->write->schema;
    struct map_view columns = map_at(d, d->data_chunk_get_vector(rows->chunk, 4), rows->at);
    struct collect collect = {.writer = writer, .columns = &columns, .file = file};
    int r;

    file->columns = arena_array(writer->arena, struct engine_column_stats,
                                count_leaves(schema->fields, schema->n_fields));
    if (!file->columns) {
        return corrie_fail_memory(writer->err);
    }
    r = collect_fields(&collect, schema->fields, schema->n_fields);
    rows_done(rows);
    if (r == 0) {
        r = buf_check(&collect.nan, writer->err);
    }
    if (r == 0) {
        r = count_nans(writer, buf_str(&collect.nan), file);
    }
    for (size_t i = 0; i < file->n_columns; i++) {
        file->columns[i].nan_count =
            file->columns[i].nan_count == NAN_NONE ? 0 : file->columns[i].nan_count;
    }
    if (r == 0) {
        r = read_offsets(writer, file);
    }
    buf_done(&collect.path);
    buf_done(&collect.nan);
    return r;
}

/* ---- one file ---- */

static int begin_file(struct writer *writer, unsigned ordinal, struct str *ret_path)
{
    _cleanup_(buf_done) struct buf path = {0};
    char *text;
    int r = writer->write->path(writer->write->arg, ordinal, &path, writer->err);

    if (r == 0) {
        r = buf_check(&path, writer->err);
    }
    if (r < 0) {
        return r;
    }
    if (arena_str(writer->arena, buf_str(&path), ret_path) < 0 || !(text = buf_take(&path))) {
        return corrie_fail_memory(writer->err);
    }
    if (vec_push(&writer->begun, text) < 0) {
        mem_free(text);
        return corrie_fail_memory(writer->err);
    }
    return 0;
}

static int write_file(struct writer *writer, struct str select, unsigned ordinal,
                      struct engine_written *ret)
{
    const struct schema *schema = writer->write->schema;
    const struct origin origin = {.engine = writer->engine, .data = true};
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    struct engine_written file = {0};
    int r = begin_file(writer, ordinal, &file.path);

    if (r < 0) {
        return r;
    }
    buf_addf(&sql, "COPY (%.*s) TO ", STR_FMT(select));
    buf_add_sql_string(&sql, file.path);
    buf_addf(&sql,
             " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %d, RETURN_STATS, "
             "USE_TMP_FILE false, FIELD_IDS ",
             ROW_GROUP_ROWS);
    add_field_ids(&sql, schema->fields, schema->n_fields, 0);
    buf_add_char(&sql, ')');
    r = buf_check(&sql, writer->err);
    if (r == 0) {
        r = rows_open(writer->engine, writer->session, buf_text(&sql), &origin, &rows, writer->err);
    }
    if (r < 0) {
        return r;
    }
    if (!rows_next(&rows) || !rows_int(&rows, 1, &file.rows) || !rows_int(&rows, 2, &file.bytes)) {
        return corrie_fail(writer->err, CORRIE_E_INTERNAL, "DuckDB said nothing of what it wrote");
    }
    if (file.rows > 0) {
        r = collect_stats(writer, &rows, &file);
    }
    if (r == 0) {
        *ret = file;
    }
    return r;
}

static int check_required(struct writer *writer, const struct engine_written *file)
{
    const struct schema *schema = writer->write->schema;

    for (size_t i = 0; i < schema->n_fields; i++) {
        for (size_t k = 0; schema->fields[i].required && k < file->n_columns; k++) {
            if (file->columns[k].field_id == schema->fields[i].id &&
                file->columns[k].null_count > 0) {
                return corrie_fail(writer->err, CORRIE_E_DATA,
                                   "column %.*s: %lld nulls, and the column is required",
                                   STR_FMT(schema->fields[i].name),
                                   (long long)file->columns[k].null_count);
            }
        }
    }
    return 0;
}

/* ---- several files ---- */

/* Rows of a file, or 0 if one file is right. */
static int64_t rows_per_file(const struct engine_write *write, const struct engine_written *whole)
{
    int64_t rows = 0;

    if (write->target_bytes > 0 && whole->bytes > 2 * write->target_bytes) {
        rows = (int64_t)((double)whole->rows / (double)whole->bytes * (double)write->target_bytes);
        rows = rows > ROW_GROUP_ROWS ? rows / ROW_GROUP_ROWS * ROW_GROUP_ROWS : rows;
        rows = rows > 0 ? rows : 1;
    }
    if (write->max_rows > 0 && whole->rows > write->max_rows &&
        (rows == 0 || rows > write->max_rows)) {
        rows = write->max_rows;
    }
    return rows < whole->rows ? rows : 0;
}

static int cut(struct writer *writer, const struct engine_written *whole, int64_t rows)
{
    const struct schema *schema = writer->write->schema;
    int r = 0;

    for (int64_t first = 0; r == 0 && first < whole->rows; first += rows) {
        _cleanup_(buf_done) struct buf select = {0};
        struct engine_written part = {0};

        buf_add_text(&select, "SELECT ");
        for (size_t i = 0; i < schema->n_fields; i++) {
            buf_add_text(&select, i ? ", q." : "q.");
            buf_add_sql_name(&select, schema->fields[i].name);
        }
        buf_add_text(&select, " FROM read_parquet(");
        add_path(&select, whole->path);
        buf_addf(&select,
                 ", file_row_number = true) AS q WHERE q.file_row_number >= %lld AND "
                 "q.file_row_number < %lld",
                 (long long)first, (long long)(first + rows));
        r = buf_check(&select, writer->err);
        if (r == 0) {
            r = write_file(writer, buf_str(&select), (unsigned)(first / rows) + 1, &part);
        }
        if (r == 0 && vec_push(&writer->done, part) < 0) {
            r = corrie_fail_memory(writer->err);
        }
    }
    return r;
}

static int write_all(struct writer *writer)
{
    const struct engine_write *write = writer->write;
    const struct origin origin = {
        .sql = write->sql, .file = write->file, .engine = writer->engine, .data = true};
    _cleanup_(buf_done) struct buf select = {0};
    struct engine_written whole = {0};
    int64_t rows;
    int r = statement_admit(writer->engine, &origin, writer->err);

    if (r == 0) {
        r = make_select(writer, &select);
    }
    if (r == 0) {
        r = buf_check(&select, writer->err);
    }
    if (r == 0) {
        r = write_file(writer, buf_str(&select), 0, &whole);
    }
    if (r == 0 && whole.rows > 0) {
        r = check_required(writer, &whole);
    }
    if (r < 0) {
        return r;
    }
    rows = rows_per_file(write, &whole);
    if (whole.rows > 0 && rows == 0) {
        return vec_push(&writer->done, whole) < 0 ? corrie_fail_memory(writer->err) : 0;
    }
    r = rows > 0 ? cut(writer, &whole, rows) : 0;
    if (r == 0) {
        r = os_unlink(writer->begun.items[0], writer->err); /* the whole, or an empty file */
    }
    return r < 0 ? r : 0;
}

int engine_write_parquet(struct engine *engine, const struct engine_write *write,
                         struct arena *arena, struct engine_written **ret, size_t *ret_n,
                         corrie_error *err)
{
    _cleanup_(writer_done) struct writer writer = {
        .engine = engine, .write = write, .arena = arena, .err = err, .session = &engine->session};
    struct engine_written *files = NULL;
    int r = write->n_partition > 0 || write->order_by.len > 0 || write->check.len > 0
                ? corrie_fail(err, CORRIE_E_UNSUPPORTED, "partitioned writes")
            : write->schema->n_fields > 0
                ? write_all(&writer)
                : corrie_fail(err, CORRIE_E_UNSUPPORTED, "a table without columns");

    if (r == 0) {
        files = arena_array(arena, struct engine_written, writer.done.count + 1);
        r = files ? 0 : corrie_fail_memory(err);
    }
    if (r < 0) {
        remove_begun(&writer);
        return r;
    }
    if (writer.done.count > 0) {
        memcpy(files, writer.done.items, writer.done.count * sizeof *files);
    }
    *ret = files;
    *ret_n = writer.done.count;
    return 0;
}
