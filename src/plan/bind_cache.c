/* bind_cache.c — what the engine said of a statement, kept under a hash of everything that it looked at.
 *
 * Only answers are kept, never errors: those need the positions of the statement at hand. */
#include "plan/bind_cache.h"
#include "arrow/type.h"
#include "base/json.h"
#include "cache/cache.h"

#define CACHE_KIND "bind"

struct hash inspect_key(struct str sql)
{
    struct str pieces[] = {STR("inspect 2\n"), engine_version(), STR("\n"), sql};

    return hash_pieces(pieces, ARRAY_LEN(pieces));
}

int bind_key(const char *part, struct str sql, struct str default_namespace,
             const struct engine_bind_table *tables, size_t n_tables, struct hash *ret,
             corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str version = engine_version();

    buf_addf(&text, "bind %s 1\n%.*s\n%zu:%.*s\n", part, STR_FMT(version), default_namespace.len,
             STR_FMT(default_namespace));
    for (size_t i = 0; i < n_tables; i++) {
        const struct schema *schema = tables[i].schema;
        buf_addf(&text, "%zu:%.*s %zu:%.*s", tables[i].name_space.len,
                 STR_FMT(tables[i].name_space), tables[i].name.len, STR_FMT(tables[i].name));
        for (size_t k = 0; k < schema->n_fields; k++) {
            buf_addf(&text, " %zu:%.*s ", schema->fields[k].name.len,
                     STR_FMT(schema->fields[k].name));
            type_print_sql(&schema->fields[k].type, &text);
        }
        buf_add_char(&text, '\n');
    }
    buf_add_str(&text, sql);
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    *ret = hash_bytes(buf_str(&text));
    return 0;
}

/* 1 and a document, or 0. A document that cannot be understood counts as missing. */
static int get(struct cache *cache, const struct hash *key, json_t **ret, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};

    int r = cache_get(cache, CACHE_KIND, key, &text, err);
    if (r <= 0) {
        return r;
    }
    r = js_parse(buf_str(&text), "cached binding", ret, &inner);
    if (r == CORRIE_E_NO_MEMORY) {
        return corrie_error_move(err, &inner);
    }
    return r >= 0;
}

static int put(struct cache *cache, const struct hash *key, const json_t *doc, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    int r = js_format(doc, 0, &text, err);
    if (r >= 0) {
        r = cache_put(cache, CACHE_KIND, key, buf_str(&text), err);
    }
    return r < 0 ? r : 0;
}

/* ---- what a statement names --------------------------------------------------------------------- */

int inspect_load(struct cache *cache, const struct hash *key, struct arena *arena,
                 struct engine_statement *ret, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    int r = get(cache, key, &doc, err);

    if (r <= 0) {
        return r;
    }
    const json_t *tables = json_object_get(doc, "tables");
    struct engine_statement statement = {.n_tables = json_array_size(tables),
                                         .makes_names =
                                             json_is_true(json_object_get(doc, "makes_names"))};
    statement.tables = arena_array(arena, struct engine_table_ref, statement.n_tables + 1);
    if (!statement.tables) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < statement.n_tables; i++) {
        const json_t *item = json_array_get(tables, i);
        struct engine_table_ref *table = &statement.tables[i];
        table->offset = (size_t)json_integer_value(json_object_get(item, "offset"));
        if (arena_str(arena, js_str(json_object_get(item, "catalog")), &table->catalog) < 0 ||
            arena_str(arena, js_str(json_object_get(item, "schema")), &table->schema) < 0 ||
            arena_str(arena, js_str(json_object_get(item, "name")), &table->name) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = statement;
    return 1;
}

int inspect_store(struct cache *cache, const struct hash *key,
                  const struct engine_statement *statement, corrie_error *err)
{
    _json_ json_t *doc = json_object();
    json_t *tables = json_array();

    if (js_set(doc, "tables", tables) < 0 ||
        js_set_bool(doc, "makes_names", statement->makes_names) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < statement->n_tables; i++) {
        const struct engine_table_ref *table = &statement->tables[i];
        json_t *item = json_object();
        if (json_array_append_new(tables, item) < 0 ||
            js_set_str(item, "catalog", table->catalog) < 0 ||
            js_set_str(item, "schema", table->schema) < 0 ||
            js_set_str(item, "name", table->name) < 0 ||
            js_set_int(item, "offset", (int64_t)table->offset) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return put(cache, key, doc, err);
}

/* ---- bindings ----------------------------------------------------------------------------------- */

static int load_columns(const json_t *doc, struct arena *arena, struct schema *ret,
                        corrie_error *err)
{
    struct schema schema = {.n_fields = json_array_size(doc)};

    schema.fields = arena_array(arena, struct field, schema.n_fields + 1);
    if (!schema.fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < schema.n_fields; i++) {
        const json_t *item = json_array_get(doc, i);
        struct field *field = &schema.fields[i];
        if (arena_str(arena, js_str(json_object_get(item, "name")), &field->name) < 0) {
            return corrie_fail_memory(err);
        }
        int r = type_from_sql(js_str(json_object_get(item, "type")), field->name, arena,
                              &field->type, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = schema;
    return 0;
}

static int load_scan(const json_t *doc, struct arena *arena, struct engine_scan *ret,
                     corrie_error *err)
{
    const json_t *columns = json_object_get(doc, "columns"),
                 *filters = json_object_get(doc, "filters");
    struct engine_scan scan = {
        .table = (size_t)json_integer_value(json_object_get(doc, "table")),
        .n_columns = json_array_size(columns),
        .n_filters = json_array_size(filters),
        .whole = json_is_true(json_object_get(doc, "whole")),
    };

    scan.columns = arena_array(arena, size_t, scan.n_columns + 1);
    scan.filters = arena_array(arena, struct engine_scan_filter, scan.n_filters + 1);
    if (!scan.columns || !scan.filters) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < scan.n_columns; i++) {
        scan.columns[i] = (size_t)json_integer_value(json_array_get(columns, i));
    }
    for (size_t i = 0; i < scan.n_filters; i++) {
        const json_t *filter = json_array_get(filters, i);
        scan.filters[i].optional = json_is_true(json_object_get(filter, "optional"));
        if (arena_str(arena, js_str(json_object_get(filter, "sql")), &scan.filters[i].sql) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = scan;
    return 0;
}

int binding_load(struct cache *cache, const struct hash *key, struct arena *arena,
                 struct engine_binding *ret, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    struct engine_binding binding = {0};

    int r = get(cache, key, &doc, err);
    if (r <= 0) {
        return r;
    }
    const json_t *scans = json_object_get(doc, "scans");
    binding.n_scans = json_array_size(scans);
    binding.scans = arena_array(arena, struct engine_scan, binding.n_scans + 1);
    if (!binding.scans) {
        return corrie_fail_memory(err);
    }
    r = load_columns(json_object_get(doc, "columns"), arena, &binding.columns, err);
    for (size_t i = 0; r >= 0 && i < binding.n_scans; i++) {
        r = load_scan(json_array_get(scans, i), arena, &binding.scans[i], err);
    }
    if (r < 0) {
        return r;
    }
    *ret = binding;
    return 1;
}

static int store_scan(json_t *scans, const struct engine_scan *scan)
{
    json_t *doc = json_object(), *columns, *filters;

    if (json_array_append_new(scans, doc) < 0 ||
        js_set_int(doc, "table", (int64_t)scan->table) < 0 ||
        js_set_bool(doc, "whole", scan->whole) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    columns = json_array();
    if (js_set(doc, "columns", columns) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    filters = json_array();
    if (js_set(doc, "filters", filters) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; i < scan->n_columns; i++) {
        if (json_array_append_new(columns, json_integer((json_int_t)scan->columns[i])) < 0) {
            return CORRIE_E_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < scan->n_filters; i++) {
        json_t *filter = json_object();
        if (json_array_append_new(filters, filter) < 0 ||
            js_set_str(filter, "sql", scan->filters[i].sql) < 0 ||
            js_set_bool(filter, "optional", scan->filters[i].optional) < 0) {
            return CORRIE_E_NO_MEMORY;
        }
    }
    return 0;
}

static int store_column(json_t *columns, const struct field *field)
{
    _cleanup_(buf_done) struct buf type = {0};
    json_t *doc = json_object();

    type_print_sql(&field->type, &type);
    if (type.failed || json_array_append_new(columns, doc) < 0 ||
        js_set_str(doc, "name", field->name) < 0 || js_set_str(doc, "type", buf_str(&type)) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    return 0;
}

int binding_store(struct cache *cache, const struct hash *key, const struct engine_binding *binding,
                  corrie_error *err)
{
    _json_ json_t *doc = json_object();
    json_t *columns = json_array();
    int r = js_set(doc, "columns", columns); /* takes it, whatever happens */

    for (size_t i = 0; r >= 0 && i < binding->columns.n_fields; i++) {
        r = store_column(columns, &binding->columns.fields[i]);
    }
    json_t *scans = r >= 0 ? json_array() : NULL;
    if (r >= 0) {
        r = js_set(doc, "scans", scans);
    }
    for (size_t i = 0; r >= 0 && i < binding->n_scans; i++) {
        r = store_scan(scans, &binding->scans[i]);
    }
    return r < 0 ? corrie_fail_memory(err) : put(cache, key, doc, err);
}
