/* parquet.c — writing Parquet files with field ids.
 *
 * One COPY a file: DuckDB's own splitting (FILE_SIZE_BYTES, PER_THREAD_OUTPUT) breaks the order of rows
 * at more than one thread. A result that turns out too large for one file is cut by copying its row groups
 * (cut.c) or, where those are too large, by reading that file again by row numbers, which prunes row groups:
 * both keep the order, whatever the query was. */
#include "engine/parquet_priv.h"
#include "engine/types.h"
#include "os/file.h"

#define ROW_GROUP_ROWS 122880
/* DuckDB's vector, and what its writer can hold in memory for each thread and column. */
#define MIN_ROW_GROUP_ROWS 2048
#define MAX_ROW_GROUP_ROWS (1 << 20)
/* Of a thread's share of the memory that the engine may use a row group gets so much of what its rows take: DuckDB holds
 * several at a time, each as rows, as columns and as pages. */
#define ROW_GROUP_MEMORY 8

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

/* ---- options ---- */

/* Bytes that a value takes before compression, roughly; 32 for what has no fixed size. */
static int64_t width_of(const struct type *type)
{
    int64_t width = 0;

    switch (type->kind) {
    case TYPE_BOOLEAN:
        return 1;
    case TYPE_INT:
    case TYPE_FLOAT:
    case TYPE_DATE:
        return 4;
    case TYPE_LONG:
    case TYPE_DOUBLE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return 8;
    case TYPE_DECIMAL:
        return type->precision > 18 ? 16 : 8;
    case TYPE_UUID:
        return 16;
    case TYPE_FIXED:
        return type->length;
    default:
        for (size_t i = 0; i < type->n_fields; i++) {
            width += width_of(&type->fields[i].type);
        }
        return width > 0 ? width : 32;
    }
}

static int64_t row_group_rows(const struct engine *engine, const struct engine_write *write)
{
    int64_t memory = (int64_t)(engine->memory / ROW_GROUP_MEMORY / engine_threads(engine));
    int64_t rows = write->row_group_rows > 0 ? write->row_group_rows : ROW_GROUP_ROWS;
    int64_t width = 0;

    for (size_t i = 0; i < write->schema->n_fields; i++) {
        width += width_of(&write->schema->fields[i].type);
    }
    width = write->row_bytes > width ? write->row_bytes : width;
    if (write->row_group_bytes > 0 && width > 0 && write->row_group_bytes / width < rows) {
        rows = write->row_group_bytes / width;
    }
    if (memory > 0 && width > 0 && memory / width < rows) {
        rows = memory / width;
    }
    return rows < MIN_ROW_GROUP_ROWS   ? MIN_ROW_GROUP_ROWS
           : rows > MAX_ROW_GROUP_ROWS ? MAX_ROW_GROUP_ROWS
                                       : rows;
}

/* DuckDB's name of a codec that Iceberg names; NULL if it has none. */
const char *parquet_codec(struct str codec)
{
    static const char *const names[][2] = {
        {"zstd", "zstd"},
        {"snappy", "snappy"},
        {"gzip", "gzip"},
        {"brotli", "brotli"},
        {"uncompressed", "uncompressed"},
        {"none", "uncompressed"},
        {"lz4", "lz4_raw"},
        {"lz4_raw", "lz4_raw"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq_nocase(codec, str_of(names[i][0]))) {
            return names[i][1];
        }
    }
    return codec.len == 0 ? "zstd" : NULL;
}

int parquet_fail_codec(struct str codec, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "Parquet files cannot be compressed by '%.*s'",
                STR_FMT(codec));
    return corrie_hint(err, "zstd, snappy, gzip, lz4, brotli and uncompressed can");
}

/* ---- Bloom filters ---- */

/* DuckDB puts a Bloom filter into a file beside each column that has a dictionary, and its own reader, like others, asks it
 * for the bits of the value that is looked for. Numbers that are equal can have different bits, −0.0 and 0.0, or NaN of
 * another sign: their row groups would be passed over. There is no choosing columns, so files with floats have no
 * filters. */
#define NO_BLOOM_FILTERS ", WRITE_BLOOM_FILTER false"

static bool holds_floats(const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fields[i].type.kind == TYPE_FLOAT || fields[i].type.kind == TYPE_DOUBLE ||
            holds_floats(fields[i].type.fields, fields[i].type.n_fields)) {
            return true;
        }
    }
    return false;
}

/* ---- the SELECT that COPY gets ---- */

/* Whether a type, or one inside it at any depth, is such a one. Takes it. */
static bool holds_type(const struct duck *d, duckdb_logical_type type, bool (*is)(duckdb_type))
{
    duckdb_type id = d->get_type_id(type);
    bool found = is(id);

    if (id == DUCKDB_TYPE_LIST) {
        found = holds_type(d, d->list_type_child_type(type), is);
    } else if (id == DUCKDB_TYPE_ARRAY) {
        found = holds_type(d, d->array_type_child_type(type), is);
    } else if (id == DUCKDB_TYPE_MAP) {
        found = holds_type(d, d->map_type_key_type(type), is) ||
                holds_type(d, d->map_type_value_type(type), is);
    } else if (id == DUCKDB_TYPE_STRUCT) {
        for (idx_t i = 0; i < d->struct_type_child_count(type) && !found; i++) {
            found = holds_type(d, d->struct_type_child_type(type, i), is);
        }
    }
    d->destroy_logical_type(&type);
    return found;
}

static bool is_nanos(duckdb_type id)
{
    return id == DUCKDB_TYPE_TIMESTAMP_NS || id == DUCKDB_TYPE_TIME_NS;
}

static bool is_float(duckdb_type id)
{
    return id == DUCKDB_TYPE_FLOAT || id == DUCKDB_TYPE_DOUBLE;
}

int parquet_bloom_option(struct engine *engine, const struct session *session, const char *select,
                         const char **ret, corrie_error *err)
{
    const struct origin origin = {.engine = engine};
    const struct duck *d = engine->d;
    duckdb_prepared_statement prepared = NULL;
    bool found = false;
    int r = 0;

    if (d->prepare(session->con, select, &prepared) != DuckDBSuccess) {
        r = duck_fail(d->prepare_error(prepared), &origin, err);
    }
    for (idx_t i = 0; r == 0 && !found && i < d->prepared_statement_column_count(prepared); i++) {
        found = holds_type(d, d->prepared_statement_column_logical_type(prepared, i), is_float);
    }
    d->destroy_prepare(&prepared);
    if (r == 0) {
        *ret = found ? NO_BLOOM_FILTERS : "";
    }
    return r;
}

/* Whether a cast to the table's type may cut nanoseconds. Takes `given`. */
static bool cuts_nanos(const struct duck *d, duckdb_logical_type given, const struct type *type)
{
    duckdb_type id = d->get_type_id(given);
    bool nested = type->n_fields > 0;
    bool found = holds_type(d, given, is_nanos);

    return found && (nested || (id == DUCKDB_TYPE_TIMESTAMP_NS && type->kind == TYPE_TIMESTAMP) ||
                     (id == DUCKDB_TYPE_TIME_NS && type->kind == TYPE_TIME));
}

static void add_plain_cast(struct buf *out, const struct field *field)
{
    buf_add_text(out, "CAST(");
    buf_add_sql_name(out, field->name);
    buf_add_text(out, " AS ");
    type_print_sql(&field->type, out);
    buf_add_char(out, ')');
}

/* `nanos`: they have to be looked for, and must not be there. */
static void add_cast(struct buf *out, bool nanos, const struct field *field)
{
    _cleanup_(buf_done) struct buf message = {0};

    if (nanos) {
        buf_addf(&message, "column %.*s: a time%s" NANOS_MESSAGE, STR_FMT(field->name),
                 field->type.kind == TYPE_TIMESTAMP ? "stamp" : "");
        buf_add_text(out, "CASE WHEN ");
        add_plain_cast(out, field); /* compared as nanoseconds */
        buf_add_text(out, " IS DISTINCT FROM ");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " THEN error(");
        buf_add_sql_string(out, buf_str(&message));
        buf_add_text(out, " || CAST(");
        buf_add_sql_name(out, field->name);
        buf_addf(out, " AS VARCHAR)[:%d]) ELSE ", SHOWN);
        add_plain_cast(out, field);
        buf_add_text(out, " END AS ");
    } else if (field->type.kind == TYPE_FIXED) {
        buf_addf(&message, "column %.*s: a value is not %d bytes long", STR_FMT(field->name),
                 field->type.length);
        buf_add_text(out, "CASE WHEN octet_length(CAST(");
        buf_add_sql_name(out, field->name);
        buf_addf(out, " AS BLOB)) <> %d THEN error(", field->type.length);
        buf_add_sql_string(out, buf_str(&message));
        buf_add_text(out, ") ELSE CAST(");
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " AS BLOB) END AS ");
    } else {
        add_plain_cast(out, field);
        buf_add_text(out, " AS ");
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

/* Behind "SELECT * FROM (SELECT …": a row that fails the check ends it. */
static void add_check(const struct engine_write *write, struct buf *select)
{
    _cleanup_(buf_done) struct buf message = {0};

    if (write->check.len == 0) {
        return;
    }
    buf_addf(&message, "a row does not satisfy %.*s",
             STR_FMT(write->check_name.len ? write->check_name : write->check));
    buf_addf(select, ") AS q WHERE CASE WHEN (%.*s) THEN true ELSE error(", STR_FMT(write->check));
    buf_add_sql_string(select, buf_str(&message));
    buf_add_text(select, ") END");
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
    buf_add_text(ret, writer->write->check.len > 0 ? "SELECT * FROM (SELECT " : "SELECT ");
    for (size_t i = 0; r == 0 && i < schema->n_fields; i++) {
        duckdb_logical_type logical = d->prepared_statement_column_logical_type(prepared, i);

        buf_add_text(ret, i ? ", " : "");
        add_cast(ret, cuts_nanos(d, logical, &schema->fields[i].type), &schema->fields[i]);
    }
    d->destroy_prepare(&prepared);
    buf_add_text(ret, " FROM temp.corrie_rows");
    add_check(writer->write, ret);
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

/* ---- one file ---- */

int writer_begin_file(struct writer *writer, struct str *ret_path)
{
    _cleanup_(buf_done) struct buf path = {0};
    char *text;
    int r = writer->write->path(writer->write->arg, writer->ordinal, &path, writer->err);

    if (r == 0) {
        r = buf_check(&path, writer->err);
    }
    if (r < 0) {
        return r;
    }
    writer->ordinal++;
    if (arena_str(writer->arena, buf_str(&path), ret_path) < 0 || !(text = buf_take(&path))) {
        return corrie_fail_memory(writer->err);
    }
    if (vec_push(&writer->begun, text) < 0) {
        mem_free(text);
        return corrie_fail_memory(writer->err);
    }
    return 0;
}

int writer_drop_file(struct writer *writer, struct str path)
{
    _free_ char *text = str_dup(path);
    int r;

    if (!text) {
        return corrie_fail_memory(writer->err);
    }
    r = os_unlink(text, writer->err);
    return r < 0 ? r : 0;
}

void writer_add_copy(struct writer *writer, struct str select, struct str path, const char *more,
                     struct buf *out)
{
    const struct schema *schema = writer->write->schema;

    buf_addf(out, "COPY (%.*s) TO ", STR_FMT(select));
    buf_add_sql_string(out, path);
    buf_addf(out,
             " (FORMAT parquet, COMPRESSION %s, ROW_GROUP_SIZE %lld, RETURN_STATS%s%s, FIELD_IDS ",
             writer->codec, (long long)writer->row_group_rows,
             holds_floats(schema->fields, schema->n_fields) ? NO_BLOOM_FILTERS : "", more);
    add_field_ids(out, schema->fields, schema->n_fields, 0);
    buf_add_char(out, ')');
}

int writer_copy(struct writer *writer, struct str select, struct engine_written *ret)
{
    const struct origin origin = {.engine = writer->engine, .data = true};
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    struct engine_written file = {0};
    int r = writer_begin_file(writer, &file.path);

    if (r < 0) {
        return r;
    }
    writer_add_copy(writer, select, file.path, WRITER_IN_PLACE, &sql);
    r = buf_check(&sql, writer->err);
    if (r == 0) {
        r = rows_open(writer->engine, writer->session, buf_text(&sql), &origin, &rows, writer->err);
    }
    if (r == 0) {
        r = writer_take(writer, &rows, &file);
    }
    if (r == 0) {
        *ret = file;
    }
    return r;
}

int writer_take(struct writer *writer, struct rows *rows, struct engine_written *ret)
{
    int r;

    if (!rows_next(rows)) {
        return corrie_fail(writer->err, CORRIE_E_INTERNAL, "DuckDB said nothing of what it wrote");
    }
    r = stats_read(writer, rows, ret);
    rows_done(rows);
    return r == 0 && ret->rows > 0 ? stats_finish(writer, ret) : r;
}

static int check_required(struct writer *writer, const struct engine_written *file)
{
    const struct schema *schema = writer->write->schema;

    for (size_t i = 0; i < schema->n_fields; i++) {
        for (size_t k = 0; schema->fields[i].required && k < file->n_columns; k++) {
            if (file->columns[k].field_id == schema->fields[i].id &&
                file->columns[k].null_count > 0) {
                return corrie_fail(writer->err, CORRIE_E_DATA,
                                   "column %.*s: %lld null%s, and the column is required",
                                   STR_FMT(schema->fields[i].name),
                                   (long long)file->columns[k].null_count,
                                   file->columns[k].null_count == 1 ? "" : "s");
            }
        }
    }
    return 0;
}

int writer_add(struct writer *writer, const struct engine_written *file)
{
    int r = check_required(writer, file);

    if (r == 0 && vec_push(&writer->done, *file) < 0) {
        r = corrie_fail_memory(writer->err);
    }
    return r;
}

/* ---- several files ---- */

int64_t writer_rows_per_file(const struct writer *writer, int64_t rows, double bytes)
{
    const struct engine_write *write = writer->write;
    int64_t group = writer->row_group_rows;
    int64_t files = 1;
    int64_t each;

    if (write->target_bytes > 0 && bytes > 2.0 * (double)write->target_bytes) {
        files = (int64_t)(bytes / (double)write->target_bytes + 0.5);
    }
    if (write->max_rows > 0 && rows > write->max_rows && files < rows / write->max_rows + 1) {
        return write->max_rows;
    }
    each = (rows + files - 1) / files;
    if (files > 1 && each > 4 * group) {
        each = (each + group - 1) / group * group; /* no small row group at the end of each */
    }
    return files > 1 && each < rows ? each : 0;
}

/* By reading the rows again: where a file is to have fewer of them than a row group, or not one too many. */
static int cut_rows(struct writer *writer, const struct engine_written *whole, int64_t rows)
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
            r = writer_copy(writer, buf_str(&select), &part);
        }
        if (r == 0) {
            part.partition = whole->partition;
            r = writer_add(writer, &part);
        }
    }
    return r;
}

static int cut(struct writer *writer, const struct engine_written *whole, int64_t rows)
{
    int r = writer->write->max_rows == 0 && rows >= writer->row_group_rows
                ? writer_cut_groups(writer, whole, rows)
                : 0;

    return r < 0 ? r : r > 0 ? 0 : cut_rows(writer, whole, rows);
}

int writer_place(struct writer *writer, const struct engine_written *file)
{
    int64_t rows = writer_rows_per_file(writer, file->rows, (double)file->bytes);
    int r;

    if (rows == 0) {
        return writer_add(writer, file);
    }
    r = check_required(writer, file);
    if (r == 0) {
        r = cut(writer, file, rows);
    }
    return r < 0 ? r : writer_drop_file(writer, file->path);
}

/* One partition in the query's order. */
static int write_whole(struct writer *writer, struct str select)
{
    struct engine_written whole = {0};
    int r = writer_copy(writer, select, &whole);

    return r < 0            ? r
           : whole.rows > 0 ? writer_place(writer, &whole)
                            : writer_drop_file(writer, whole.path);
}

static int write_all(struct writer *writer)
{
    const struct engine_write *write = writer->write;
    const struct origin origin = {
        .sql = write->sql, .file = write->file, .engine = writer->engine, .data = true};
    _cleanup_(buf_done) struct buf select = {0};
    int r;

    if (write->schema->n_fields == 0) {
        return corrie_fail(writer->err, CORRIE_E_UNSUPPORTED, "a table without columns");
    }
    if (!writer->codec) {
        return parquet_fail_codec(write->codec, writer->err);
    }
    r = statement_admit(writer->engine, &origin, writer->err);
    if (r == 0) {
        r = make_select(writer, &select);
    }
    if (r == 0) {
        r = buf_check(&select, writer->err);
    }
    if (r < 0) {
        return r;
    }
    return write->n_partition > 0 || write->order_by.len > 0
               ? partitions_write(writer, buf_str(&select))
               : write_whole(writer, buf_str(&select));
}

int engine_write_parquet(struct engine *engine, const struct engine_write *write,
                         struct arena *arena, struct engine_written **ret, size_t *ret_n,
                         corrie_error *err)
{
    _cleanup_(writer_done) struct writer writer = {.engine = engine,
                                                   .write = write,
                                                   .arena = arena,
                                                   .err = err,
                                                   .session = &engine->session,
                                                   .row_group_rows = row_group_rows(engine, write),
                                                   .codec = parquet_codec(write->codec)};
    struct engine_written *files = NULL;
    int r = write_all(&writer);

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
