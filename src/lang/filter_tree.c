/* What is done with a parsed filter: its names, checks, parameters. */
#include "lang/filter_priv.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"

struct collector {
    VEC(struct filter_name) columns;
    VEC(struct filter_name) params;
    struct map seen_columns;
    struct map seen_params;
};

static void collector_done(struct collector *collector)
{
    vec_done(&collector->columns);
    vec_done(&collector->params);
    map_done(&collector->seen_columns);
    map_done(&collector->seen_params);
}

/* 0, or no memory. */
static int collect(struct collector *collector, const struct filter_expr *expr)
{
    struct filter_name name = {.offset = expr->offset};

    if (expr->kind == FILTER_COLUMN) {
        name.name = expr->path[0];
        name.field = expr->n_path > 1 ? expr->path[1] : STR_EMPTY;
        if (!map_find(&collector->seen_columns, name.name) &&
            (map_put(&collector->seen_columns, name.name, NULL) < 0 ||
             vec_push(&collector->columns, name) < 0)) {
            return CORRIE_E_NO_MEMORY;
        }
    } else if (expr->kind == FILTER_PARAM) {
        name.name = expr->name;
        if (!map_find(&collector->seen_params, name.name) &&
            (map_put(&collector->seen_params, name.name, NULL) < 0 ||
             vec_push(&collector->params, name) < 0)) {
            return CORRIE_E_NO_MEMORY;
        }
    }
    for (size_t i = 0; i < expr->n_args; i++) {
        int r = collect(collector, expr->args[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int filter_collect_names(struct filter *filter, struct arena *arena, corrie_error *err)
{
    _cleanup_(collector_done) struct collector collector = {0};

    if (collect(&collector, filter->root) < 0) {
        return corrie_fail_memory(err);
    }
    filter->n_columns = collector.columns.count;
    filter->n_params = collector.params.count;
    filter->columns = arena_array(arena, struct filter_name, filter->n_columns + 1);
    filter->params = arena_array(arena, struct filter_name, filter->n_params + 1);
    if (!filter->columns || !filter->params) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < filter->n_columns; i++) {
        filter->columns[i] = collector.columns.items[i];
    }
    for (size_t i = 0; i < filter->n_params; i++) {
        filter->params[i] = collector.params.items[i];
    }
    return 0;
}

static int fail_column(const struct filter *filter, const struct filter_name *column,
                       const struct str *names, size_t n_names, corrie_error *err)
{
    bool quoted = filter->text.data[column->offset] == '"';
    int r = filter_fail(err, filter->text, column->offset, column->name.len + (quoted ? 2 : 0),
                        "there is no column %.*s", STR_FMT(column->name));
    if (corrie_hint_similar(column->name, names, n_names, err) == 0 && quoted) {
        corrie_hint(err, "double quotes make a column's name; a text is written '%.*s'",
                    STR_FMT(column->name));
    }
    return r;
}

int filter_check_columns(const struct filter *filter, const struct str *names, size_t n_names,
                         corrie_error *err)
{
    for (size_t i = 0; i < filter->n_columns; i++) {
        bool found = false;
        for (size_t j = 0; j < n_names && !found; j++) {
            found = str_eq(filter->columns[i].name, names[j]);
        }
        if (!found) {
            return fail_column(filter, &filter->columns[i], names, n_names, err);
        }
    }
    return 0;
}

/* ---- parameters ---- */

struct binding {
    const struct filter *filter;
    const struct filter_param *params;
    size_t n_params;
    bool lacks; /* one of them has no value */
    struct arena *arena;
    corrie_error *err;
};

bool filter_is_literal(const struct filter_expr *expr, enum filter_literal_kind kind)
{
    return expr->kind == FILTER_LITERAL && expr->literal.kind == kind;
}

static const struct filter_param *find_param(const struct binding *binding, struct str name)
{
    for (size_t i = 0; i < binding->n_params; i++) {
        if (str_eq(binding->params[i].name, name)) {
            return &binding->params[i];
        }
    }
    return NULL;
}

static const struct filter_expr *without_casts(const struct filter_expr *expr)
{
    while (expr->kind == FILTER_CAST || expr->kind == FILTER_TRY_CAST) {
        expr = expr->args[0];
    }
    return expr;
}

/* Whether somewhere it is asked if the parameter IS NULL. */
static bool asks_null(const struct filter_expr *expr, struct str param)
{
    if (expr->kind == FILTER_IS && expr->literal.kind == FILTER_NULL) {
        const struct filter_expr *value = without_casts(expr->args[0]);

        if (value->kind == FILTER_PARAM && str_eq(value->name, param)) {
            return true;
        }
    }
    for (size_t i = 0; i < expr->n_args; i++) {
        if (asks_null(expr->args[i], param)) {
            return true;
        }
    }
    return false;
}

/* Whether a NULL among its arguments does not make it NULL. */
static bool takes_null(const struct filter_expr *expr)
{
    return expr->kind == FILTER_IS || expr->kind == FILTER_DISTINCT ||
           (expr->kind == FILTER_CALL &&
            (str_eq(expr->name, STR("coalesce")) || str_eq(expr->name, STR("ifnull"))));
}

/* `taken`: what is around it takes NULL. */
static int check_values(const struct binding *binding, const struct filter_expr *expr, bool taken)
{
    bool cast = expr->kind == FILTER_CAST || expr->kind == FILTER_TRY_CAST;

    if (expr->kind == FILTER_PARAM) {
        const struct filter_param *param = find_param(binding, expr->name);

        if (param && (param->state != FILTER_PARAM_NONE || taken ||
                      asks_null(binding->filter->root, expr->name))) {
            return 0;
        }
        int r = filter_fail(binding->err, binding->filter->text, expr->offset, expr->length,
                            "parameter %.*s has no value", STR_FMT(expr->name));
        corrie_hint(binding->err,
                    "give it one by --param %.*s=…, or a default in the project file; a condition "
                    "that may lack it is written $%.*s IS NULL OR …",
                    STR_FMT(expr->name), STR_FMT(expr->name));
        return r;
    }
    for (size_t i = 0; i < expr->n_args; i++) {
        int r = check_values(binding, expr->args[i], cast ? taken : takes_null(expr));
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* ---- what is known once a parameter has no value ---- */

static void become_bool(struct filter_expr *expr, bool value)
{
    *expr = (struct filter_expr){
        .kind = FILTER_LITERAL,
        .literal = {FILTER_BOOL, value ? STR("TRUE") : STR("FALSE")},
        .offset = expr->offset,
        .length = expr->length,
        .depth = expr->depth,
    };
}

static void become_null(struct filter_expr *expr)
{
    become_bool(expr, false);
    expr->literal = (struct filter_literal){FILTER_NULL, STR_EMPTY};
}

/* AND and OR: parts that decide it, and parts that say nothing. */
static int fold_chain(struct binding *binding, struct filter_expr *expr)
{
    bool decides = expr->kind == FILTER_OR;
    struct str word = decides ? STR("TRUE") : STR("FALSE");
    size_t most = 1, n = 0;

    for (size_t i = 0; i < expr->n_args; i++) {
        most += expr->args[i]->kind == expr->kind ? expr->args[i]->n_args : 1;
    }
    struct filter_expr **parts = arena_array(binding->arena, struct filter_expr *, most);
    if (!parts) {
        return corrie_fail_memory(binding->err);
    }
    for (size_t i = 0; i < expr->n_args; i++) {
        struct filter_expr *part = expr->args[i];

        if (filter_is_literal(part, FILTER_BOOL) && str_eq(part->literal.text, word)) {
            become_bool(expr, decides);
            return 0;
        }
        if (part->kind == expr->kind) { /* what is left of a part in brackets */
            for (size_t k = 0; k < part->n_args; k++) {
                parts[n++] = part->args[k];
            }
        } else if (!filter_is_literal(part, FILTER_BOOL)) {
            parts[n++] = part;
        }
    }
    if (n == 0) {
        become_bool(expr, !decides);
    } else if (n == 1) {
        *expr = *parts[0];
    } else {
        expr->args = parts;
        expr->n_args = n;
    }
    return 0;
}

/* A comparison with a bare NULL is not written, not even by us: filters are parsed again. */
static int fold(struct binding *binding, struct filter_expr *expr)
{
    switch (expr->kind) {
    case FILTER_AND:
    case FILTER_OR:
        return fold_chain(binding, expr);
    case FILTER_NOT:
        if (filter_is_literal(expr->args[0], FILTER_NULL)) {
            become_null(expr);
        } else if (filter_is_literal(expr->args[0], FILTER_BOOL)) {
            become_bool(expr, str_eq(expr->args[0]->literal.text, STR("FALSE")));
        }
        return 0;
    case FILTER_COMPARE:
        if (filter_is_literal(expr->args[0], FILTER_NULL) ||
            filter_is_literal(expr->args[1], FILTER_NULL)) {
            become_null(expr);
        }
        return 0;
    case FILTER_IS:
        if (expr->literal.kind == FILTER_NULL &&
            filter_is_literal(without_casts(expr->args[0]), FILTER_NULL)) {
            become_bool(expr, !expr->negated);
        }
        return 0;
    default:
        return 0;
    }
}

static int bind_param(struct binding *binding, const struct filter_expr *expr,
                      struct filter_expr *copy)
{
    const struct filter_param *param = find_param(binding, expr->name);

    if (param->state == FILTER_PARAM_LATER) {
        return 0;
    }
    if (param->state == FILTER_PARAM_NONE) {
        become_null(copy);
        return 0;
    }
    copy->kind = FILTER_LITERAL;
    copy->name = STR_EMPTY;
    copy->literal.kind = param->value.kind;
    return arena_str(binding->arena, param->value.text, &copy->literal.text) < 0
               ? corrie_fail_memory(binding->err)
               : 0;
}

static int bind_expr(struct binding *binding, const struct filter_expr *expr,
                     struct filter_expr **ret)
{
    struct filter_expr *copy = arena_new(binding->arena, struct filter_expr);
    int r = 0;

    if (!copy) {
        return corrie_fail_memory(binding->err);
    }
    *copy = *expr;
    if (arena_str(binding->arena, expr->name, &copy->name) < 0 ||
        arena_str(binding->arena, expr->literal.text, &copy->literal.text) < 0) {
        return corrie_fail_memory(binding->err);
    }
    copy->path = arena_array(binding->arena, struct str, expr->n_path + 1);
    copy->args = arena_array(binding->arena, struct filter_expr *, expr->n_args + 1);
    if (!copy->path || !copy->args) {
        return corrie_fail_memory(binding->err);
    }
    for (size_t i = 0; i < expr->n_path; i++) {
        if (arena_str(binding->arena, expr->path[i], &copy->path[i]) < 0) {
            return corrie_fail_memory(binding->err);
        }
    }
    if (expr->kind == FILTER_PARAM) {
        r = bind_param(binding, expr, copy);
    }
    for (size_t i = 0; r >= 0 && i < expr->n_args; i++) {
        r = bind_expr(binding, expr->args[i], &copy->args[i]);
    }
    if (r >= 0 && binding->lacks) {
        r = fold(binding, copy);
    }
    if (r >= 0) {
        *ret = copy;
    }
    return r;
}

int filter_bind(const struct filter *filter, const struct filter_param *params, size_t n_params,
                struct arena *arena, struct filter **ret, corrie_error *err)
{
    struct binding binding = {filter, params, n_params, false, arena, err};
    struct filter *bound = arena_new(arena, struct filter);

    if (!bound || arena_str(arena, filter->text, &bound->text) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_params; i++) {
        binding.lacks = binding.lacks || params[i].state == FILTER_PARAM_NONE;
    }
    int r = check_values(&binding, filter->root, false);
    if (r >= 0) {
        r = bind_expr(&binding, filter->root, &bound->root);
    }
    if (r >= 0) {
        r = filter_collect_names(bound, arena, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = bound;
    return 0;
}
