/* scan.c — tables over Parquet files. A table is a view: what files.c makes of its files, the columns that are asked
 * for, the filter. */
#include "engine/files.h"

static void add_space(struct buf *out, struct str name_space)
{
    buf_add_sql_name(out, name_space.len > 0 ? name_space : STR(NAMELESS));
}

void add_table_name(struct buf *out, struct str name_space, struct str name)
{
    add_space(out, name_space);
    buf_add_char(out, '.');
    buf_add_sql_name(out, name);
}

void add_schema(struct buf *out, struct str name_space)
{
    buf_add_text(out, "CREATE SCHEMA IF NOT EXISTS ");
    add_space(out, name_space);
}

/* DuckDB globs in paths: *, ? and [ stand for themselves in brackets. A path that has one of these and
 * a backslash cannot be said (a pattern is split at backslashes): DuckDB finds no such file. */
void add_path(struct buf *out, struct str path)
{
    _cleanup_(buf_done) struct buf literal = {0};
    bool pattern = str_find(path, '*') >= 0 || str_find(path, '?') >= 0 || str_find(path, '[') >= 0;

    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];

        if (pattern && (c == '*' || c == '?' || c == '[')) {
            buf_addf(&literal, "[%c]", c);
        } else {
            buf_add_char(&literal, c);
        }
    }
    if (literal.failed) {
        out->failed = literal.failed;
    }
    buf_add_sql_string(out, buf_str(&literal));
}

static void add_null_column(struct buf *out, const struct field *field)
{
    buf_add_text(out, "CAST(NULL AS ");
    type_print_sql(&field->type, out);
    buf_add_text(out, ") AS ");
    buf_add_sql_name(out, field->name);
}

/* ---- the view ---- */

static bool wanted(const struct engine_table *table, struct str name)
{
    if (!table->columns) {
        return true;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        if (str_eq(table->columns[i], name)) {
            return true;
        }
    }
    return false;
}

static void add_selection(struct buf *out, const struct engine_table *table)
{
    bool first = true;

    for (size_t i = 0; i < table->schema->n_fields; i++) {
        if (wanted(table, table->schema->fields[i].name)) {
            buf_add_text(out, first ? "" : ", ");
            buf_add_sql_name(out, table->schema->fields[i].name);
            first = false;
        }
    }
    if (table->positions) {
        buf_add_text(out, ", \"" ENGINE_FILE_COLUMN "\", \"" ENGINE_ROW_COLUMN "\"");
    }
}

static void add_empty(struct buf *out, const struct schema *schema)
{
    buf_add_text(out, "(SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        buf_add_text(out, i == 0 ? "" : ", ");
        add_null_column(out, &schema->fields[i]);
    }
    buf_add_text(out, ", CAST(NULL AS BIGINT) AS \"" ENGINE_FILE_COLUMN
                      "\", CAST(NULL AS BIGINT) AS \"" ENGINE_ROW_COLUMN "\" WHERE false)");
}

/* The files as a SELECT, and what is deleted in them. */
static int add_files(struct engine *engine, const struct engine_table *table, struct buf *out,
                     corrie_error *err)
{
    _free_ int64_t *rows = mem_alloc(table->n_files, sizeof *rows);
    struct files files = {.files = table->files,
                          .n_files = table->n_files,
                          .fields = table->schema->fields,
                          .n_fields = table->schema->n_fields,
                          .names = table->names,
                          .n_names = table->n_names,
                          .positions = table->positions,
                          .rows = rows};
    int r = rows ? 0 : corrie_fail_memory(err);

    if (r == 0 && table->n_deletes > 0) {
        r = deletes_new(engine, table, &files.deletes, err);
    }
    if (r == 0) {
        r = files_select(&files, out, err);
    }
    if (r == 0 && files.deletes) {
        r = deletes_read(files.deletes, rows, err);
    }
    return r;
}

static int check_table(const struct engine_table *table, corrie_error *err)
{
    const struct schema *schema = table->schema;

    if (schema->n_fields == 0) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "table %.*s has no columns",
                           STR_FMT(table->name));
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (table->n_files > 0 && schema->fields[i].id <= 0) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "table %.*s: column %.*s has no field id",
                               STR_FMT(table->name), STR_FMT(schema->fields[i].name));
        }
        if (table->positions && (str_eq_nocase(schema->fields[i].name, STR(ENGINE_FILE_COLUMN)) ||
                                 str_eq_nocase(schema->fields[i].name, STR(ENGINE_ROW_COLUMN)))) {
            return corrie_fail(
                err, CORRIE_E_UNSUPPORTED,
                "table %.*s: the column %.*s has a name that corrie needs for itself",
                STR_FMT(table->name), STR_FMT(schema->fields[i].name));
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(schema->fields[i].name, schema->fields[k].name)) {
                return corrie_fail(
                    err, CORRIE_E_UNSUPPORTED,
                    "table %.*s: columns %.*s and %.*s differ only in case, which SQL "
                    "cannot tell",
                    STR_FMT(table->name), STR_FMT(schema->fields[k].name),
                    STR_FMT(schema->fields[i].name));
            }
        }
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!schema_find(schema, table->columns[i])) {
            return corrie_fail(err, CORRIE_E_NOT_FOUND, "table %.*s has no column %.*s",
                               STR_FMT(table->name), STR_FMT(table->columns[i]));
        }
    }
    return 0;
}

/* A filter is an expression over this one table: whatever closes the parenthesis and goes on is not. */
static int check_filter(struct engine *engine, const struct engine_table *table, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    struct engine_statement statement = {0};
    struct origin origin = {.file = "filter"};
    int r;

    if (table->filter.len == 0) {
        return 0;
    }
    buf_add_text(&sql, "SELECT 1 FROM t WHERE (");
    buf_add_str(&sql, table->filter);
    buf_add_text(&sql, "\n)");
    r = buf_check(&sql, err);
    if (r < 0) {
        return r;
    }
    origin.sql = buf_str(&sql);
    r = statement_check(engine, &origin, &arena, &statement, err);
    if (r == 0 && statement.n_tables != 1) {
        r = corrie_fail(err, CORRIE_E_PROJECT, "filter %.*s: names another table",
                        STR_FMT(table->filter));
    }
    return r;
}

static int remember_files(struct defined *defined, const struct engine_table *table,
                          corrie_error *err)
{
    defined->files = arena_array(&defined->arena, struct str, table->n_files);
    if (!defined->files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < table->n_files; i++) {
        if (arena_str(&defined->arena, table->files[i].path, &defined->files[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    defined->n_files = table->n_files;
    return 0;
}

static int remember(struct engine *engine, const struct engine_table *table, corrie_error *err)
{
    struct defined *defined = mem_alloc(1, sizeof *defined);
    struct schema schema = *table->schema;
    int r = 0;

    if (!defined) {
        return corrie_fail_memory(err);
    }
    if (table->columns) {
        r = schema_select(table->schema, table->columns, table->n_columns, &defined->arena, &schema,
                          err);
    }
    if (r == 0) {
        r = schema_copy(&schema, &defined->arena, &defined->schema, err);
    }
    if (r == 0 && (arena_str(&defined->arena, table->name_space, &defined->name_space) < 0 ||
                   arena_str(&defined->arena, table->name, &defined->name) < 0)) {
        r = corrie_fail_memory(err);
    }
    if (r == 0) {
        r = remember_files(defined, table, err);
    }
    if (r < 0) {
        defined_free(defined);
        return r;
    }
    return engine_add(engine, defined, err);
}

static bool names_file(const struct engine_table *table, const corrie_error *err)
{
    struct str message = str_of(corrie_error_message(err));

    for (size_t i = 0; i < table->n_files; i++) {
        if (str_find_str(message, table->files[i].path) >= 0) {
            return true;
        }
    }
    return false;
}

static int fail_define(const struct engine_table *table, corrie_error *err)
{
    duck_fail_stored(err);
    return corrie_wrap(err, "table %.*s%s%.*s", STR_FMT(table->name_space),
                       table->name_space.len ? "." : "", STR_FMT(table->name));
}

int engine_define_files(struct engine *engine, const struct engine_table *table, corrie_error *err)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(buf_done) struct buf source = {0};
    int r = check_table(table, err);

    if (r == 0) {
        r = check_filter(engine, table, err);
    }
    if (r < 0) {
        return r;
    }
    if (table->n_files == 0) {
        add_empty(&source, table->schema);
    } else {
        r = add_files(engine, table, &source, err);
        if (r < 0) {
            return fail_define(table, err);
        }
    }
    add_schema(&sql, table->name_space);
    buf_add_text(&sql, "; CREATE OR REPLACE VIEW ");
    add_table_name(&sql, table->name_space, table->name);
    buf_add_text(&sql, " AS SELECT ");
    if (table->columns && table->n_columns == 0) {
        buf_add_text(&sql, "1 AS \"?\"");
    } else {
        add_selection(&sql, table);
    }
    buf_add_text(&sql, " FROM ");
    buf_add_str(&sql, buf_str(&source));
    if (table->filter.len > 0) {
        buf_add_text(&sql, " WHERE (");
        buf_add_str(&sql, table->filter);
        buf_add_text(&sql, "\n)");
    }
    r = buf_check(&source, err);
    if (r == 0) {
        r = buf_check(&sql, err);
    }
    if (r == 0) {
        r = engine_run(engine, &engine->session, buf_text(&sql), &(struct origin){.data = true},
                       err);
    }
    if (r < 0) {
        r = names_file(table, err) ? duck_fail_stored(err) : r;
        return corrie_wrap(err, "table %.*s%s%.*s", STR_FMT(table->name_space),
                           table->name_space.len ? "." : "", STR_FMT(table->name));
    }
    return remember(engine, table, err);
}
