/* scan.c — tables over Parquet files, mapped by field id.
 *
 * A table is a view. Several files: read_parquet with its `schema` parameter, which maps columns by
 * field id file by file and keeps filter and projection pushdown. That parameter makes DuckDB scan a
 * single file on one thread (it has not seen the footer when it decides), so a table of one file reads
 * the footer here and becomes a plain read_parquet with columns renamed.
 * Inside nested columns that parameter maps by name, so a renamed inner field would come out null; where
 * the footer is read that is found and refused. */
#include "engine/footer.h"

void add_table_name(struct buf *out, struct str name_space, struct str name)
{
    buf_add_sql_name(out, name_space.len > 0 ? name_space : STR(NAMELESS));
    buf_add_char(out, '.');
    buf_add_sql_name(out, name);
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

static void add_type_string(struct buf *out, const struct type *type)
{
    _cleanup_(buf_done) struct buf text = {0};

    type_print_sql(type, &text);
    if (text.failed) {
        out->failed = text.failed;
    }
    buf_add_sql_string(out, buf_str(&text));
}

static void add_null_column(struct buf *out, const struct field *field)
{
    buf_add_text(out, "CAST(NULL AS ");
    type_print_sql(&field->type, out);
    buf_add_text(out, ") AS ");
    buf_add_sql_name(out, field->name);
}

/* ---- the footer of a table's only file ---- */

enum layout { LAYOUT_SAME, LAYOUT_OTHER, LAYOUT_RENAMED };

/* Whether what lies at `at` has the fields of `type`: names, ids, order. */
static enum layout compare(const struct footer *footer, size_t at, const struct type *type)
{
    const struct footer_node *node = &footer->nodes.items[at];
    enum layout worst = LAYOUT_SAME;
    size_t child = at + 1;

    if (!type_is_nested(type)) {
        return node->children == 0 ? LAYOUT_SAME : LAYOUT_OTHER;
    }
    if (type->kind != TYPE_STRUCT) {
        /* list → REPEATED group → element; map → REPEATED group → key, value: names do not matter */
        if (node->children != 1 || child >= footer->nodes.count ||
            !footer->nodes.items[child].repeated ||
            footer->nodes.items[child].children != (int64_t)type->n_fields) {
            return LAYOUT_OTHER;
        }
        child++;
    } else if (node->children != (int64_t)type->n_fields) {
        worst = LAYOUT_OTHER;
    }
    for (int64_t i = 0; i < (type->kind == TYPE_STRUCT ? node->children : (int64_t)type->n_fields);
         i++) {
        const struct field *field = NULL;
        enum layout inner;

        if (child >= footer->nodes.count) {
            return LAYOUT_OTHER;
        }
        for (size_t k = 0; type->kind == TYPE_STRUCT && k < type->n_fields; k++) {
            const struct footer_node *given = &footer->nodes.items[child];
            bool same_name = str_eq_nocase(given->name, type->fields[k].name);
            bool same_id = given->id == type->fields[k].id;

            if (given->id >= 0 && same_id != same_name) {
                return LAYOUT_RENAMED;
            }
            if (same_name) {
                field = &type->fields[k];
                worst = (int64_t)k == i ? worst : LAYOUT_OTHER;
            }
        }
        if (type->kind != TYPE_STRUCT) {
            field = &type->fields[i];
        }
        inner = field ? compare(footer, child, &field->type) : LAYOUT_OTHER;
        if (inner == LAYOUT_RENAMED) {
            return inner;
        }
        worst = inner == LAYOUT_SAME ? worst : inner;
        child = footer_skip(footer, child);
    }
    return worst;
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

static const char no_positions[] = ", CAST(NULL AS BIGINT) AS \"" ENGINE_FILE_COLUMN
                                   "\", CAST(NULL AS BIGINT) AS \"" ENGINE_ROW_COLUMN "\"";
static const char positions[] = ", CAST(file_index AS BIGINT) AS \"" ENGINE_FILE_COLUMN
                                "\", file_row_number AS \"" ENGINE_ROW_COLUMN "\"";

static void add_empty(struct buf *out, const struct schema *schema)
{
    buf_add_text(out, "(SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        buf_add_text(out, i == 0 ? "" : ", ");
        add_null_column(out, &schema->fields[i]);
    }
    buf_add_text(out, no_positions);
    buf_add_text(out, " WHERE false)");
}

static void add_by_id(struct buf *out, const struct engine_table *table)
{
    buf_add_text(out, "(SELECT *");
    buf_add_text(out, table->positions ? positions : "");
    buf_add_text(out, " FROM read_parquet([");
    for (size_t i = 0; i < table->n_files; i++) {
        buf_add_text(out, i == 0 ? "" : ",");
        add_path(out, table->files[i].path);
    }
    buf_add_text(out, "], schema = MAP {");
    for (size_t i = 0; i < table->schema->n_fields; i++) {
        const struct field *field = &table->schema->fields[i];

        buf_addf(out, "%s%d: {'name': ", i == 0 ? "" : ", ", field->id);
        buf_add_sql_string(out, field->name);
        buf_add_text(out, ", 'type': ");
        add_type_string(out, &field->type);
        buf_add_text(out, ", 'default_value': NULL}");
    }
    buf_add_text(out, "}))");
}

/* Finds top-level field `id`: its index in the footer, or -1. */
static ptrdiff_t footer_find(const struct footer *footer, int id)
{
    for (size_t at = 0; at < footer->nodes.count; at = footer_skip(footer, at)) {
        if (footer->nodes.items[at].id == id) {
            return (ptrdiff_t)at;
        }
    }
    return -1;
}

/* 1: written to `out`; 0: this file needs add_by_id. */
static int add_one_file(struct engine *engine, const struct engine_table *table, struct buf *out,
                        corrie_error *err)
{
    _cleanup_(footer_done) struct footer footer = {0};
    const struct schema *schema = table->schema;
    bool any = false;
    int r = footer_read(engine, table->files[0].path, &footer, err);

    if (r < 0) {
        if (str_find_str(str_of(corrie_error_message(err)), table->files[0].path) < 0) {
            corrie_wrap(err, "read %.*s", STR_FMT(table->files[0].path));
        }
        corrie_wrap(err, "table %.*s.%.*s", STR_FMT(table->name_space), STR_FMT(table->name));
        return duck_fail_stored(err);
    }
    buf_add_text(out, "(SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        const struct field *field = &schema->fields[i];
        ptrdiff_t at = footer_find(&footer, field->id);
        enum layout layout = at < 0 ? LAYOUT_SAME : compare(&footer, (size_t)at, &field->type);

        if (layout == LAYOUT_RENAMED) {
            return corrie_fail(
                err, CORRIE_E_UNSUPPORTED,
                "table %.*s.%.*s: column %.*s: fields inside it were renamed after %.*s "
                "was written",
                STR_FMT(table->name_space), STR_FMT(table->name), STR_FMT(field->name),
                STR_FMT(table->files[0].path));
        }
        if (layout == LAYOUT_OTHER) {
            return 0;
        }
        any |= at >= 0;
        buf_add_text(out, i == 0 ? "" : ", ");
        if (at < 0) {
            add_null_column(out, field);
            continue;
        }
        buf_add_text(out, "CAST(");
        buf_add_sql_name(out, footer.nodes.items[at].name);
        buf_add_text(out, " AS ");
        type_print_sql(&field->type, out);
        buf_add_text(out, ") AS ");
        buf_add_sql_name(out, field->name);
    }
    if (!any) {
        bool ids = false;

        for (size_t i = 0; i < footer.nodes.count; i++) {
            ids |= footer.nodes.items[i].id >= 0;
        }
        if (!ids) {
            return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                               "%.*s has no field ids, so its columns "
                               "cannot be told",
                               STR_FMT(table->files[0].path));
        }
    }
    buf_add_text(out, table->positions ? positions : "");
    buf_add_text(out, " FROM read_parquet(");
    add_path(out, table->files[0].path);
    buf_add_text(out, "))");
    return 1;
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
    } else if (table->n_files == 1) {
        r = add_one_file(engine, table, &source, err);
        if (r < 0) {
            return r;
        }
    }
    if (table->n_files > 1 || (table->n_files == 1 && r == 0)) {
        buf_clear(&source);
        add_by_id(&source, table);
    }
    buf_add_text(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    buf_add_sql_name(&sql, table->name_space.len > 0 ? table->name_space : STR(NAMELESS));
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
