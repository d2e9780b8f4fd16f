/* bind.c — what a query reads and gives, found by binding it on empty tables (stubs.h).
 *
 * What the plan does not say is never guessed: an unknown kind of filter prunes nothing, a table whose
 * scan is not found is read whole. */
#include <math.h>

#include "arrow/scalar.h"
#include "engine/lineage.h"
#include "engine/stubs.h"
#include "engine/types.h"

struct bind {
    struct engine *engine;
    struct planner *planner;
    const struct origin *origin;
    struct str name_space;
    const struct engine_bind_table *tables;
    size_t n_tables;
    bool *named; /* tables that the statement names */
    bool *found; /* tables whose scan was found */
    struct arena *arena;
    VEC(struct engine_scan) scans;
    corrie_error *err;
};

/* ---- what the statement names ---- */

/* Which of the tables `ref` means: index, or -1. */
static ptrdiff_t resolve(const struct bind *bind, const struct engine_table_ref *ref)
{
    ptrdiff_t in_space = -1;

    for (size_t i = 0; i < bind->n_tables && ref->catalog.len == 0; i++) {
        const struct engine_bind_table *table = &bind->tables[i];

        if (!str_eq_nocase(table->name, ref->name)) {
            continue;
        }
        if (ref->schema.len > 0 ? str_eq_nocase(table->name_space, ref->schema)
                                : table->name_space.len == 0) {
            return (ptrdiff_t)i;
        }
        if (ref->schema.len == 0 && bind->name_space.len > 0 &&
            str_eq_nocase(table->name_space, bind->name_space)) {
            in_space = (ptrdiff_t)i;
        }
    }
    return in_space;
}

static int check_refs(struct bind *bind, const struct engine_statement *statement)
{
    for (size_t i = 0; i < statement->n_tables; i++) {
        const struct engine_table_ref *ref = &statement->tables[i];
        ptrdiff_t at = resolve(bind, ref);
        _cleanup_(buf_done) struct buf name = {0};

        if (at >= 0) {
            bind->named[at] = true;
            continue;
        }
        if (!bind->engine->locked) {
            continue; /* a file, or a system view: DuckDB knows or says no */
        }
        buf_addf(&name, "%.*s%s%.*s", STR_FMT(ref->schema), ref->schema.len ? "." : "",
                 STR_FMT(ref->name));
        corrie_fail(bind->err, CORRIE_E_NOT_FOUND, "table \"%s\" does not exist", buf_text(&name));
        origin_hint_tables(bind->origin, buf_str(&name), bind->err);
        return origin_at(bind->origin, ref->offset, ref->name.len, bind->err);
    }
    return 0;
}

/* ---- filters of the plan as SQL ---- */

/* A constant of the plan as a literal. False where this has no form that we are sure of. */
static bool add_constant(struct buf *out, const struct type *type, const json_t *constant,
                         struct arena *arena)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const json_t *value = json_object_get(constant, "value");
    const char *prefix = NULL;
    struct str bytes;
    int r = CORRIE_E_UNSUPPORTED;

    if (!constant || json_is_true(json_object_get(constant, "is_null"))) {
        return false;
    }
    switch (type->kind) {
    case TYPE_STRING:
        if (!json_is_string(value) || memchr(js_str(value).data, '\0', js_str(value).len)) {
            return false;
        }
        buf_add_sql_string(out, js_str(value));
        return true;
    case TYPE_BOOLEAN:
        buf_add_text(out, json_is_true(value) ? "TRUE" : "FALSE");
        return json_is_boolean(value);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        /* 20.0 rather than the shortest form, 2e+01 */
        if (json_is_number(value) && fabs(json_number_value(value)) < 1e15 &&
            json_number_value(value) == floor(json_number_value(value))) {
            buf_addf(out, "%.1f", json_number_value(value));
            return true;
        }
        if (json_is_number(value)) {
            r = scalar_from_double(type, json_number_value(value), arena, &bytes, &ignored);
        }
        break;
    case TYPE_DATE:
        prefix = "DATE";
        break;
    case TYPE_TIME:
        prefix = "TIME";
        break;
    case TYPE_TIMESTAMP:
        prefix = "TIMESTAMP";
        break;
    case TYPE_TIMESTAMPTZ:
        prefix = "TIMESTAMPTZ";
        break;
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DECIMAL:
        break;
    default:
        return false;
    }
    if (r < 0 && json_is_integer(value)) {
        r = scalar_from_int(type, json_integer_value(value), arena, &bytes, &ignored);
    }
    if (r < 0) {
        return false;
    }
    buf_addf(out, "%s%s", prefix ? prefix : "", prefix ? " '" : "");
    r = scalar_print(type, bytes, out, &ignored);
    buf_add_text(out, prefix ? "'" : "");
    return r == 0;
}

/* The type of a constant must be that of its column: a cast in between would be a filter of another
 * kind, but nothing is taken for granted. */
static bool constant_fits(const struct type *type, const json_t *constant)
{
    static const struct {
        const char *name;
        enum type_kind kind;
    } names[] = {
        {"BOOLEAN", TYPE_BOOLEAN},
        {"INTEGER", TYPE_INT},
        {"BIGINT", TYPE_LONG},
        {"FLOAT", TYPE_FLOAT},
        {"DOUBLE", TYPE_DOUBLE},
        {"DATE", TYPE_DATE},
        {"TIME", TYPE_TIME},
        {"TIMESTAMP", TYPE_TIMESTAMP},
        {"TIMESTAMP WITH TIME ZONE", TYPE_TIMESTAMPTZ},
        {"VARCHAR", TYPE_STRING},
    };
    const json_t *given = json_object_get(constant, "type");
    struct str id = tree_text(given, "id");

    if (type->kind == TYPE_DECIMAL && str_eq(id, STR("DECIMAL"))) {
        const json_t *info = json_object_get(given, "type_info");

        return json_integer_value(json_object_get(info, "width")) == type->precision &&
               json_integer_value(json_object_get(info, "scale")) == type->scale;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(id, str_of(names[i].name))) {
            return names[i].kind == type->kind;
        }
    }
    return false;
}

static bool add_comparison(struct buf *out, const struct field *field, const json_t *filter,
                           struct arena *arena)
{
    static const char *const operators[][2] = {
        {"COMPARE_EQUAL", " = "},       {"COMPARE_NOTEQUAL", " <> "},
        {"COMPARE_LESSTHAN", " < "},    {"COMPARE_LESSTHANOREQUALTO", " <= "},
        {"COMPARE_GREATERTHAN", " > "}, {"COMPARE_GREATERTHANOREQUALTO", " >= "},
    };
    struct str comparison = tree_text(filter, "comparison_type");
    const json_t *constant = json_object_get(filter, "constant");

    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (str_eq(comparison, str_of(operators[i][0])) && constant_fits(&field->type, constant)) {
            buf_add_sql_name(out, field->name);
            buf_add_text(out, operators[i][1]);
            return add_constant(out, &field->type, constant, arena);
        }
    }
    return false;
}

/* EXPRESSION_FILTER: only what is surely one of: c IS NULL, c IS NOT NULL, c (a boolean). */
static bool add_expression(struct buf *out, const struct field *field, const json_t *expression)
{
    struct str type = tree_text(expression, "type");
    const json_t *child = json_array_get(json_object_get(expression, "children"), 0);

    if (str_eq(type, STR("BOUND_REF")) && field->type.kind == TYPE_BOOLEAN) {
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " = TRUE");
        return true;
    }
    if (!str_eq(tree_text(child, "type"), STR("BOUND_REF"))) {
        return false;
    }
    if (str_eq(type, STR("OPERATOR_IS_NULL")) || str_eq(type, STR("OPERATOR_IS_NOT_NULL"))) {
        buf_add_sql_name(out, field->name);
        buf_add_text(out, str_eq(type, STR("OPERATOR_IS_NULL")) ? " IS NULL" : " IS NOT NULL");
        return true;
    }
    return false;
}

/* One filter that must come out whole. False: it has a part that has no form. */
static bool add_filter(struct buf *out, const struct field *field, const json_t *filter,
                       struct arena *arena)
{
    struct str type = tree_text(filter, "filter_type");
    const json_t *children = json_object_get(filter, "child_filters");
    const json_t *values = json_object_get(filter, "values");
    bool is_and = str_eq(type, STR("CONJUNCTION_AND"));

    if (str_eq(type, STR("CONSTANT_COMPARISON"))) {
        return add_comparison(out, field, filter, arena);
    }
    if (str_eq(type, STR("IS_NULL")) || str_eq(type, STR("IS_NOT_NULL"))) {
        buf_add_sql_name(out, field->name);
        buf_add_text(out, str_eq(type, STR("IS_NULL")) ? " IS NULL" : " IS NOT NULL");
        return true;
    }
    if (str_eq(type, STR("EXPRESSION_FILTER"))) {
        return add_expression(out, field, json_object_get(filter, "expr"));
    }
    if (is_and || str_eq(type, STR("CONJUNCTION_OR"))) {
        buf_add_char(out, '(');
        for (size_t i = 0; i < json_array_size(children); i++) {
            buf_add_text(out, i == 0 ? "" : is_and ? " AND " : " OR ");
            if (!add_filter(out, field, json_array_get(children, i), arena)) {
                return false;
            }
        }
        buf_add_char(out, ')');
        return json_array_size(children) > 0;
    }
    if (str_eq(type, STR("IN_FILTER"))) {
        buf_add_sql_name(out, field->name);
        buf_add_text(out, " IN (");
        for (size_t i = 0; i < json_array_size(values); i++) {
            const json_t *constant = json_array_get(values, i);

            buf_add_text(out, i == 0 ? "" : ", ");
            if (!constant_fits(&field->type, constant) ||
                !add_constant(out, &field->type, constant, arena)) {
                return false;
            }
        }
        buf_add_char(out, ')');
        return json_array_size(values) > 0;
    }
    return false;
}

typedef VEC(struct engine_scan_filter) filter_list;

/* A filter that may be taken in parts: the members of an AND each hold by themselves. */
static int collect_filter(struct bind *bind, const struct field *field, const json_t *filter,
                          bool optional, filter_list *list)
{
    struct str type = tree_text(filter, "filter_type");
    const json_t *children = json_object_get(filter, "child_filters");
    _cleanup_(buf_done) struct buf text = {0};
    struct engine_scan_filter item = {.optional = optional};
    int r = 0;

    if (str_eq(type, STR("OPTIONAL_FILTER"))) {
        return collect_filter(bind, field, json_object_get(filter, "child_filter"), true, list);
    }
    if (str_eq(type, STR("CONJUNCTION_AND"))) {
        for (size_t i = 0; r == 0 && i < json_array_size(children); i++) {
            r = collect_filter(bind, field, json_array_get(children, i), optional, list);
        }
        return r;
    }
    if (!add_filter(&text, field, filter, bind->arena) || text.failed) {
        return 0;
    }
    if (arena_str(bind->arena, buf_str(&text), &item.sql) < 0 || vec_push(list, item) < 0) {
        return corrie_fail_memory(bind->err);
    }
    return 0;
}

/* ---- scans of the plan ---- */

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

static int add_scan(struct bind *bind, const json_t *get, size_t table)
{
    const struct schema *schema = bind->tables[table].schema;
    const json_t *indexes = json_object_get(get, "column_indexes");
    const json_t *filters = json_object_get(json_object_get(get, "table_filters"), "filters");
    struct engine_scan scan = {.table = table};
    filter_list list = {0};
    int r = 0;

    scan.columns = arena_array(bind->arena, size_t, json_array_size(indexes) + 1);
    if (!scan.columns) {
        return corrie_fail_memory(bind->err);
    }
    for (size_t i = 0; i < json_array_size(indexes); i++) {
        const json_t *index = json_object_get(json_array_get(indexes, i), "index");

        if (json_is_integer(index) && (size_t)json_integer_value(index) < schema->n_fields) {
            scan.columns[scan.n_columns++] = (size_t)json_integer_value(index);
        } /* else a virtual column: count(*) */
    }
    qsort(scan.columns, scan.n_columns, sizeof *scan.columns, by_index);
    for (size_t i = 0; r == 0 && i < json_array_size(filters); i++) {
        const json_t *entry = json_array_get(filters, i);
        const json_t *key = json_object_get(entry, "key");

        if (json_is_integer(key) && (size_t)json_integer_value(key) < schema->n_fields) {
            r = collect_filter(bind, &schema->fields[json_integer_value(key)],
                               json_object_get(entry, "value"), false, &list);
        }
    }
    if (r == 0 && list.count > 0) {
        scan.filters = arena_array(bind->arena, struct engine_scan_filter, list.count);
        if (scan.filters) {
            memcpy(scan.filters, list.items, list.count * sizeof *list.items);
            scan.n_filters = list.count;
        } else {
            r = corrie_fail_memory(bind->err);
        }
    }
    vec_done(&list);
    if (r == 0 && vec_push(&bind->scans, scan) < 0) {
        r = corrie_fail_memory(bind->err);
    }
    bind->found[table] = true;
    return r;
}

static int find_scans(struct bind *bind, const json_t *node)
{
    const char *name;
    const json_t *child;
    size_t i;
    int r = 0;

    if (json_is_array(node)) {
        json_array_foreach((json_t *)node, i, child)
        {
            r = find_scans(bind, child);
            if (r < 0) {
                return r;
            }
        }
        return 0;
    }
    if (!json_is_object(node)) {
        return 0;
    }
    if (str_eq(tree_text(node, "type"), STR("LOGICAL_GET"))) {
        ptrdiff_t at = stub_number(node, bind->tables, bind->n_tables, bind->planner->keeps);

        if (at >= 0) {
            r = add_scan(bind, node, (size_t)at);
        }
    }
    json_object_foreach((json_t *)node, name, child)
    {
        if (r == 0) {
            r = find_scans(bind, child);
        }
    }
    return r;
}

static int add_whole(struct bind *bind)
{
    for (size_t t = 0; t < bind->n_tables; t++) {
        struct engine_scan scan = {.table = t, .whole = true};
        size_t n = bind->tables[t].schema->n_fields;

        if (!bind->named[t] || bind->found[t]) {
            continue;
        }
        scan.columns = arena_array(bind->arena, size_t, n + 1);
        if (!scan.columns) {
            return corrie_fail_memory(bind->err);
        }
        for (size_t i = 0; i < n; i++) {
            scan.columns[scan.n_columns++] = i;
        }
        if (vec_push(&bind->scans, scan) < 0) {
            return corrie_fail_memory(bind->err);
        }
    }
    return 0;
}

/* ---- binding ---- */

static int bind_columns(const struct session *session, const struct origin *origin,
                        struct arena *arena, struct schema *ret, corrie_error *err)
{
    const struct duck *d = session->d;
    _free_ char *sql = str_dup(origin->sql);
    duckdb_prepared_statement prepared = NULL;
    int r;

    if (!sql) {
        return corrie_fail_memory(err);
    }
    if (d->prepare(session->con, sql, &prepared) != DuckDBSuccess) {
        r = duck_fail(d->prepare_error(prepared), origin, err);
    } else {
        r = schema_from_prepared(d, prepared, arena, ret, err);
    }
    d->destroy_prepare(&prepared);
    return r;
}

int engine_columns(struct engine *engine, struct str sql, const char *file, struct arena *arena,
                   struct schema *ret, corrie_error *err)
{
    const struct origin origin = {.sql = sql, .file = file, .engine = engine};
    int r = session_begin(engine, &engine->session, err);

    if (r == 0) {
        r = bind_columns(&engine->session, &origin, arena, ret, err);
        session_end(engine, &engine->session);
    }
    return r;
}

/* A plan that cannot be serialised prunes nothing; the statement itself was found good. */
static int bind_scans(struct bind *bind)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _json_ json_t *plan = NULL;

    if (planner_tree(bind->planner, bind->origin->sql, true, &plan, &ignored) < 0) {
        return cancel_check(bind->engine->cancel, bind->err);
    }
    return find_scans(bind, json_object_get(plan, "plans"));
}

/* What is asked of a statement. */
enum bind_part {
    BIND_COLUMNS = 1,
    BIND_SCANS = 2,
    BIND_LINEAGE = 4,
    BIND_INSPECTED = 8, /* it was looked at before, and names all of the tables */
};

static int find_all_scans(struct bind *bind, struct engine_binding *ret)
{
    int r = bind_scans(bind);

    if (r == 0) {
        r = add_whole(bind);
    }
    if (r < 0 || bind->scans.count == 0) {
        return r;
    }
    ret->scans = arena_array(bind->arena, struct engine_scan, bind->scans.count);
    if (!ret->scans) {
        return corrie_fail_memory(bind->err);
    }
    memcpy(ret->scans, bind->scans.items, bind->scans.count * sizeof *ret->scans);
    ret->n_scans = bind->scans.count;
    return 0;
}

/* A plan that cannot be serialised is vague. */
static int find_lineage(struct bind *bind, size_t n_columns, struct engine_lineage *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _json_ json_t *plan = NULL;
    int r = 0;

    if (planner_tree(bind->planner, bind->origin->sql, false, &plan, &ignored) < 0) {
        r = cancel_check(bind->engine->cancel, bind->err);
    }
    return r < 0 ? r
                 : lineage_of_plan(plan, bind->tables, bind->n_tables, bind->planner->keeps,
                                   n_columns, bind->arena, ret, bind->err);
}

static int run_bind(struct bind *bind, unsigned parts, struct engine_binding *ret,
                    struct engine_lineage *ret_lineage)
{
    const struct planner *planner = bind->planner;
    struct engine_binding binding = {0};
    int r = 0;

    if (parts & BIND_COLUMNS) {
        r = bind_columns(planner->keeps ? &planner->plain : &planner->session, bind->origin,
                         bind->arena, &binding.columns, bind->err);
    }
    if (r == 0 && (parts & BIND_SCANS)) {
        r = find_all_scans(bind, &binding);
    }
    if (r == 0 && (parts & BIND_LINEAGE)) {
        r = find_lineage(bind, binding.columns.n_fields, ret_lineage);
    }
    if (r == 0) {
        *ret = binding;
    }
    return r;
}

/* Which tables the statement names. */
static int find_named(struct bind *bind, bool inspected)
{
    struct engine_statement statement = {0};

    if (inspected) {
        memset(bind->named, true, bind->n_tables * sizeof *bind->named);
        return 0;
    }
    int r = statement_check(bind->engine, bind->origin, bind->arena, &statement, bind->err);
    return r < 0 ? r : check_refs(bind, &statement);
}

static int bind_query(struct engine *engine, struct bind *bind, unsigned parts,
                      struct engine_binding *ret, struct engine_lineage *ret_lineage,
                      corrie_error *err)
{
    const struct origin origin = *bind->origin;
    _free_ bool *named = mem_alloc(bind->n_tables + 1, sizeof *named);
    _free_ bool *found = mem_alloc(bind->n_tables + 1, sizeof *found);
    const struct stubbing stubbing = {.engine = engine,
                                      .origin = &origin,
                                      .name_space = bind->name_space,
                                      .tables = bind->tables,
                                      .n_tables = bind->n_tables,
                                      .named = named};

    if (!named || !found) {
        return corrie_fail_memory(err);
    }
    bind->engine = engine;
    bind->origin = &origin;
    bind->named = named;
    bind->found = found;
    bind->err = err;
    int r = find_named(bind, parts & BIND_INSPECTED);
    if (r == 0) {
        r = planner_for(&stubbing, &bind->planner, err);
    }
    if (r < 0) {
        return r;
    }
    r = planner_begin(bind->planner, &stubbing, err);
    bool begun = r == 0;
    if (begun) {
        r = run_bind(bind, parts, ret, ret_lineage);
    }
    vec_done(&bind->scans);
    planner_end(bind->planner, begun);
    return r;
}

/* A struct bind, and the origin of its messages, from the arguments that all of them take. */
#define BIND_OF_ARGUMENTS                                                                          \
    const struct origin origin = {                                                                 \
        .sql = sql, .file = file, .tables = tables, .n_tables = n_tables};                         \
    struct bind bind = {.origin = &origin,                                                         \
                        .name_space = name_space,                                                  \
                        .tables = tables,                                                          \
                        .n_tables = n_tables,                                                      \
                        .arena = arena}

int engine_bind(struct engine *engine, struct str sql, const char *file, struct str name_space,
                const struct engine_bind_table *tables, size_t n_tables, struct arena *arena,
                struct engine_binding *ret, corrie_error *err)
{
    BIND_OF_ARGUMENTS;
    return bind_query(engine, &bind, BIND_COLUMNS | BIND_SCANS, ret, NULL, err);
}

int engine_bind_columns(struct engine *engine, struct str sql, const char *file,
                        struct str name_space, const struct engine_bind_table *tables,
                        size_t n_tables, struct arena *arena, struct engine_binding *ret,
                        corrie_error *err)
{
    BIND_OF_ARGUMENTS;
    return bind_query(engine, &bind, BIND_COLUMNS, ret, NULL, err);
}

int engine_bind_inspected(struct engine *engine, struct str sql, const char *file,
                          struct str name_space, const struct engine_bind_table *tables,
                          size_t n_tables, struct arena *arena, struct engine_binding *ret,
                          corrie_error *err)
{
    BIND_OF_ARGUMENTS;
    return bind_query(engine, &bind, BIND_COLUMNS | BIND_INSPECTED, ret, NULL, err);
}

int engine_bind_scans(struct engine *engine, struct str sql, const char *file,
                      struct str name_space, const struct engine_bind_table *tables,
                      size_t n_tables, struct arena *arena, struct engine_binding *ret,
                      corrie_error *err)
{
    BIND_OF_ARGUMENTS;
    return bind_query(engine, &bind, BIND_SCANS | BIND_INSPECTED, ret, NULL, err);
}

int engine_lineage(struct engine *engine, struct str sql, const char *file, struct str name_space,
                   const struct engine_bind_table *tables, size_t n_tables, struct arena *arena,
                   struct engine_lineage *ret, corrie_error *err)
{
    struct engine_binding binding;

    BIND_OF_ARGUMENTS;
    return bind_query(engine, &bind, BIND_COLUMNS | BIND_LINEAGE, &binding, ret, err);
}
