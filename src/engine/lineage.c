/* lineage.c — which columns of its tables the values of a query's columns are made of.
 *
 * Found in DuckDB's plan as the binder leaves it, before any optimiser: names, scopes, stars, CTEs and correlated
 * queries have been settled by DuckDB, and an expression names what it needs by its number among the columns that the
 * operators below give. So every operator, from the tables up, says of each column that it gives what that is made of.
 * Conditions decide which rows there are, not what values they have, and do not count.
 *
 * An operator that is not known makes the answer vague: any column may come from any other. */
#include "engine/lineage.h"

#include "base/mem.h"
#include "engine/stubs.h"

/* The columns of an operator; of each, a flag for every column of every table. */
struct columns {
    size_t count;
    bool *made_of; /* count × n_all */
};

/* What a CTE gives; of a recursive one what is known so far. */
struct cte {
    int64_t index;
    struct columns columns;
};

struct tracing {
    const struct engine_bind_table *tables;
    size_t n_tables;
    bool kept;     /* stub_number */
    size_t *first; /* number of a table's first column among all */
    size_t n_all;  /* columns of all tables */
    VEC(struct cte) ctes;
    struct columns around; /* what a correlated query sees of the query around it */
    struct arena arena;
    bool vague;
    bool failed; /* memory ran out */
};

static void tracing_done(struct tracing *t)
{
    vec_done(&t->ctes);
    arena_done(&t->arena);
}

static int64_t number(const json_t *node, const char *name)
{
    const json_t *value = json_object_get(node, name);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static bool is_type(const json_t *node, const char *type)
{
    return str_eq(tree_text(node, "type"), str_of(type));
}

/* ---- columns ------------------------------------------------------------------------------------ */

static struct columns new_columns(struct tracing *t, size_t count)
{
    struct columns columns = {
        .count = count, .made_of = arena_array(&t->arena, bool, (count + 1) * (t->n_all + 1))};

    if (!columns.made_of) {
        t->failed = true;
        columns.count = 0;
    }
    return columns;
}

/* Adds what column `from` is made of to column `to`. True: that was news. */
static bool add_column(struct tracing *t, const struct columns *from, int64_t column,
                       struct columns *to, size_t at)
{
    bool news = false;

    if (column < 0 || (size_t)column >= from->count || at >= to->count) {
        t->vague = true;
        return false;
    }
    for (size_t i = 0; i < t->n_all; i++) {
        bool *flag = &to->made_of[at * t->n_all + i];
        bool made = from->made_of[(size_t)column * t->n_all + i];
        news |= made && !*flag;
        *flag |= made;
    }
    return news;
}

/* `a`, then `b`. */
static struct columns join_columns(struct tracing *t, struct columns a, struct columns b)
{
    struct columns all = new_columns(t, a.count + b.count);

    for (size_t i = 0; i < all.count; i++) {
        add_column(t, i < a.count ? &a : &b, (int64_t)(i < a.count ? i : i - a.count), &all, i);
    }
    return all;
}

/* Adds what an expression is made of. What a lambda does with its arguments stands in function_data; the columns that
 * it needs are among the call's children. */
static void add_expression(struct tracing *t, const json_t *node, const struct columns *below,
                           struct columns *to, size_t at)
{
    const json_t *child;
    const char *name;
    size_t i;

    if (is_type(node, "BOUND_REF")) {
        add_column(t, below, number(node, "index"), to, at);
        return;
    }
    if (is_type(node, "BOUND_COLUMN_REF")) { /* below table functions the plan keeps these */
        add_column(t, below, number(json_object_get(node, "binding"), "column_index"), to, at);
        return;
    }
    json_array_foreach((json_t *)node, i, child)
    {
        add_expression(t, child, below, to, at);
    }
    json_object_foreach((json_t *)node, name, child)
    {
        if (strcmp(name, "function_data") != 0) {
            add_expression(t, child, below, to, at);
        }
    }
}

/* A column for each expression. */
static struct columns expressions(struct tracing *t, const json_t *list,
                                  const struct columns *below)
{
    struct columns columns = new_columns(t, json_array_size(list));

    for (size_t i = 0; i < columns.count; i++) {
        add_expression(t, json_array_get(list, i), below, &columns, i);
    }
    return columns;
}

/* ---- operators ---------------------------------------------------------------------------------- */

static struct columns operator_columns(struct tracing *t, const json_t *node);

static struct columns child_columns(struct tracing *t, const json_t *node, size_t child)
{
    const json_t *children = json_object_get(node, "children");

    if (child >= json_array_size(children)) {
        t->vague = true;
        return (struct columns){0};
    }
    return operator_columns(t, json_array_get(children, child));
}

/* A table function's rows are made of all that it is given; behind its own columns it passes some of those on. */
static struct columns called_columns(struct tracing *t, const json_t *node, struct columns own)
{
    const json_t *passed = json_object_get(node, "projected_input");
    struct columns below = child_columns(t, node, 0);
    struct columns more = new_columns(t, json_array_size(passed));

    for (size_t i = 0; i < own.count; i++) {
        for (size_t k = 0; k < below.count; k++) {
            add_column(t, &below, (int64_t)k, &own, i);
        }
    }
    for (size_t i = 0; i < more.count; i++) {
        add_column(t, &below, json_integer_value(json_array_get(passed, i)), &more, i);
    }
    return join_columns(t, own, more);
}

static struct columns scan_columns(struct tracing *t, const json_t *node)
{
    const json_t *projected = json_object_get(node, "projection_ids");
    const json_t *indexes = json_object_get(node, "column_indexes");
    bool all = json_array_size(projected) == 0;
    ptrdiff_t stub = stub_number(node, t->tables, t->n_tables, t->kept);
    struct columns columns = new_columns(t, json_array_size(all ? indexes : projected));

    for (size_t i = 0; stub >= 0 && i < columns.count; i++) {
        size_t at = all ? i : (size_t)json_integer_value(json_array_get(projected, i));
        int64_t index = number(json_array_get(indexes, at), "index");
        /* else a virtual column, the number of the row */
        if (index >= 0 && (size_t)index < t->tables[stub].schema->n_fields) {
            columns.made_of[i * t->n_all + t->first[stub] + (size_t)index] = true;
        }
    }
    return json_array_size(json_object_get(node, "children")) > 0 ? called_columns(t, node, columns)
                                                                  : columns;
}

static struct columns aggregate_columns(struct tracing *t, const json_t *node)
{
    struct columns below = child_columns(t, node, 0);
    struct columns groups = expressions(t, json_object_get(node, "groups"), &below);
    struct columns values = expressions(t, json_object_get(node, "expressions"), &below);
    size_t n_groupings = json_array_size(json_object_get(node, "grouping_functions"));

    return join_columns(t, join_columns(t, groups, values), new_columns(t, n_groupings));
}

/* Column i is column i of each of the two. */
static struct columns union_columns(struct tracing *t, const json_t *node)
{
    struct columns columns = child_columns(t, node, 0);
    struct columns other = child_columns(t, node, 1);

    for (size_t i = 0; i < columns.count; i++) {
        add_column(t, &other, (int64_t)i, &columns, i);
    }
    return columns;
}

static struct columns joined_columns(struct tracing *t, const json_t *node)
{
    struct str type = tree_text(node, "join_type");
    struct columns left = child_columns(t, node, 0);
    struct columns around = t->around;

    if (is_type(node, "LOGICAL_DELIM_JOIN")) {
        t->around = expressions(t, json_object_get(node, "duplicate_eliminated_columns"), &left);
    }
    struct columns right = child_columns(t, node, 1);
    t->around = around;
    if (str_eq(type, STR("SEMI")) || str_eq(type, STR("ANTI"))) {
        return left;
    }
    if (str_eq(type, STR("RIGHT_SEMI")) || str_eq(type, STR("RIGHT_ANTI"))) {
        return right;
    }
    /* MARK: whether there was a match, a condition */
    return join_columns(t, left, str_eq(type, STR("MARK")) ? new_columns(t, 1) : right);
}

/* ---- CTEs --------------------------------------------------------------------------------------- */

static void note_cte(struct tracing *t, const json_t *node, struct columns columns)
{
    struct cte cte = {number(node, "table_index"), columns};

    t->failed |= vec_push(&t->ctes, cte) < 0;
}

static struct columns cte_columns(struct tracing *t, const json_t *node)
{
    int64_t index = number(node, "cte_index");

    for (size_t i = t->ctes.count; i > 0; i--) {
        if (t->ctes.items[i - 1].index == index) {
            return t->ctes.items[i - 1].columns;
        }
    }
    t->vague = true;
    return (struct columns){0};
}

/* What the recursive part gives is made of what it gave before: asked again until nothing is new. */
static struct columns recursive_columns(struct tracing *t, const json_t *node)
{
    struct columns columns = child_columns(t, node, 0);
    bool news = true;

    note_cte(t, node, columns);
    while (news && !t->vague && !t->failed) {
        struct columns again = child_columns(t, node, 1);
        news = false;
        for (size_t i = 0; i < columns.count; i++) {
            news |= add_column(t, &again, (int64_t)i, &columns, i);
        }
    }
    return columns;
}

/* ---- any operator ------------------------------------------------------------------------------- */

/* What gives the columns of its first child, perhaps some of them, and perhaps more behind them. */
static bool passes_on(const json_t *node)
{
    static const char *const types[] = {"LOGICAL_FILTER",   "LOGICAL_ORDER_BY", "LOGICAL_LIMIT",
                                        "LOGICAL_DISTINCT", "LOGICAL_TOP_N",    "LOGICAL_SAMPLE",
                                        "LOGICAL_WINDOW",   "LOGICAL_UNNEST"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (is_type(node, types[i])) {
            return true;
        }
    }
    return false;
}

static struct columns passed_columns(struct tracing *t, const json_t *node)
{
    const json_t *chosen = json_object_get(node, "projection_map");
    struct columns below = child_columns(t, node, 0);
    struct columns columns;

    if (is_type(node, "LOGICAL_WINDOW") || is_type(node, "LOGICAL_UNNEST")) {
        return join_columns(t, below, expressions(t, json_object_get(node, "expressions"), &below));
    }
    if (json_array_size(chosen) == 0) {
        return below;
    }
    columns = new_columns(t, json_array_size(chosen));
    for (size_t i = 0; i < columns.count; i++) {
        add_column(t, &below, json_integer_value(json_array_get(chosen, i)), &columns, i);
    }
    return columns;
}

static bool is_join(const json_t *node)
{
    static const char *const types[] = {"LOGICAL_COMPARISON_JOIN", "LOGICAL_ANY_JOIN",
                                        "LOGICAL_DELIM_JOIN",      "LOGICAL_ASOF_JOIN",
                                        "LOGICAL_CROSS_PRODUCT",   "LOGICAL_POSITIONAL_JOIN"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (is_type(node, types[i])) {
            return true;
        }
    }
    return false;
}

static struct columns operator_columns(struct tracing *t, const json_t *node)
{
    if (t->vague || t->failed) {
        return (struct columns){0};
    }
    if (passes_on(node)) {
        return passed_columns(t, node);
    }
    if (is_join(node)) {
        return joined_columns(t, node);
    }
    if (is_type(node, "LOGICAL_GET")) {
        return scan_columns(t, node);
    }
    if (is_type(node, "LOGICAL_PROJECTION")) {
        struct columns below = child_columns(t, node, 0);
        return expressions(t, json_object_get(node, "expressions"), &below);
    }
    if (is_type(node, "LOGICAL_AGGREGATE_AND_GROUP_BY")) {
        return aggregate_columns(t, node);
    }
    if (is_type(node, "LOGICAL_UNION")) {
        return union_columns(t, node);
    }
    /* Rows of the first query: the second one decides which. */
    if (is_type(node, "LOGICAL_EXCEPT") || is_type(node, "LOGICAL_INTERSECT")) {
        return child_columns(t, node, 0);
    }
    if (is_type(node, "LOGICAL_MATERIALIZED_CTE")) {
        note_cte(t, node, child_columns(t, node, 0));
        return child_columns(t, node, 1);
    }
    if (is_type(node, "LOGICAL_RECURSIVE_CTE")) {
        return recursive_columns(t, node);
    }
    if (is_type(node, "LOGICAL_CTE_REF")) {
        return cte_columns(t, node);
    }
    if (is_type(node, "LOGICAL_DELIM_GET")) {
        return t->around;
    }
    if (is_type(node, "LOGICAL_EXPRESSION_GET")) {
        return new_columns(t, json_array_size(json_object_get(node, "expr_types")));
    }
    if (is_type(node, "LOGICAL_DUMMY_SCAN")) {
        return new_columns(t, 1);
    }
    t->vague = true;
    return (struct columns){0};
}

/* ---- the answer --------------------------------------------------------------------------------- */

static int give(const struct tracing *t, const bool *made_of, struct arena *arena,
                struct engine_column_lineage *ret, corrie_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_all; i++) {
        n += made_of[i];
    }
    ret->from = arena_array(arena, struct engine_column_ref, n + 1);
    if (!ret->from) {
        return corrie_fail_memory(err);
    }
    for (size_t k = 0; k < t->n_tables; k++) {
        for (size_t i = 0; i < t->tables[k].schema->n_fields; i++) {
            if (made_of[t->first[k] + i]) {
                ret->from[ret->n_from++] = (struct engine_column_ref){k, i};
            }
        }
    }
    return 0;
}

static int number_columns(struct tracing *t, corrie_error *err)
{
    t->first = arena_array(&t->arena, size_t, t->n_tables + 1);
    if (!t->first) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < t->n_tables; i++) {
        t->first[i] = t->n_all;
        t->n_all += t->tables[i].schema->n_fields;
    }
    return 0;
}

int lineage_of_plan(const json_t *plan, const struct engine_bind_table *tables, size_t n_tables,
                    bool kept, size_t n_columns, struct arena *arena, struct engine_lineage *ret,
                    corrie_error *err)
{
    const json_t *root = json_array_get(json_object_get(plan, "plans"), 0);
    _cleanup_(tracing_done) struct tracing t = {
        .tables = tables, .n_tables = n_tables, .kept = kept};
    struct engine_lineage lineage = {.n_columns = n_columns};

    int r = number_columns(&t, err);
    if (r < 0) {
        return r;
    }
    struct columns columns = operator_columns(&t, root);
    lineage.columns = arena_array(arena, struct engine_column_lineage, n_columns + 1);
    if (t.failed || !lineage.columns) {
        return corrie_fail_memory(err);
    }
    lineage.exact = !t.vague && columns.count == n_columns;
    for (size_t i = 0; lineage.exact && i < n_columns; i++) {
        r = give(&t, columns.made_of + i * t.n_all, arena, &lineage.columns[i], err);
        if (r < 0) {
            return r;
        }
    }
    *ret = lineage;
    return 0;
}
