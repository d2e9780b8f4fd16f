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
    size_t nearest[3];
    bool quoted = filter->text.data[column->offset] == '"';
    int r = filter_fail(err, filter->text, column->offset, column->name.len + (quoted ? 2 : 0),
                        "there is no column %.*s", STR_FMT(column->name));
    size_t n = str_nearest(column->name, names, n_names, nearest, 3);
    if (n == 0 && quoted) {
        corrie_hint(err, "double quotes make a column's name; a text is written '%.*s'",
                    STR_FMT(column->name));
    } else if (n == 1) {
        corrie_hint(err, "did you mean %.*s?", STR_FMT(names[nearest[0]]));
    } else if (n == 2) {
        corrie_hint(err, "did you mean %.*s or %.*s?", STR_FMT(names[nearest[0]]),
                    STR_FMT(names[nearest[1]]));
    } else if (n == 3) {
        corrie_hint(err, "did you mean %.*s, %.*s or %.*s?", STR_FMT(names[nearest[0]]),
                    STR_FMT(names[nearest[1]]), STR_FMT(names[nearest[2]]));
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
    struct arena *arena;
    corrie_error *err;
};

static int bind_param(struct binding *binding, const struct filter_expr *expr,
                      struct filter_expr *copy)
{
    for (size_t i = 0; i < binding->n_params; i++) {
        const struct filter_param *param = &binding->params[i];
        if (!str_eq(param->name, expr->name)) {
            continue;
        }
        copy->kind = FILTER_LITERAL;
        copy->name = STR_EMPTY;
        copy->literal.kind = param->value.kind;
        return arena_str(binding->arena, param->value.text, &copy->literal.text) < 0
                   ? corrie_fail_memory(binding->err)
                   : 0;
    }
    return filter_fail(binding->err, binding->filter->text, expr->offset, expr->length,
                       "parameter %.*s has no value", STR_FMT(expr->name));
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
    if (r >= 0) {
        *ret = copy;
    }
    return r;
}

int filter_bind(const struct filter *filter, const struct filter_param *params, size_t n_params,
                struct arena *arena, struct filter **ret, corrie_error *err)
{
    struct binding binding = {filter, params, n_params, arena, err};
    struct filter *bound = arena_new(arena, struct filter);

    if (!bound || arena_str(arena, filter->text, &bound->text) < 0) {
        return corrie_fail_memory(err);
    }
    int r = bind_expr(&binding, filter->root, &bound->root);
    if (r >= 0) {
        r = filter_collect_names(bound, arena, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = bound;
    return 0;
}
