/* materialize.c — what becomes of a model's rows: partitioning, and what they are written over. */
#include "base/mem.h"
#include "lang/filter.h"
#include "plan/build_priv.h"

/* Points at the declaration: a list in Python has no one place in the source. */
static int fail_node(const struct planning *p, const struct plan_node *node, corrie_error *err)
{
    corrie_wrap(err, "%.*s", STR_FMT(node->function->name));
    return place_error(p->project, &node->function->place, err);
}

/* Whether the model gives the column; an open list may hold any. */
static int check_column(const struct plan_columns *output, struct str name, corrie_error *err)
{
    if (output->open) {
        return 0;
    }
    for (size_t i = 0; i < output->count; i++) {
        if (str_eq(output->items[i].name, name)) {
            return 0;
        }
    }
    corrie_fail(err, CORRIE_E_PROJECT, "the model gives no column '%.*s'", STR_FMT(name));
    _free_ struct str *names = mem_alloc(output->count + 1, sizeof *names);
    for (size_t i = 0; names && i < output->count; i++) {
        names[i] = output->items[i].name;
    }
    return names ? hint_nearest(name, names, output->count, err) : corrie_fail_memory(err);
}

static int parse_terms(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;
    _cleanup_(buf_done) struct buf text = {0};
    struct str copy;
    int r;

    for (size_t i = 0; i < function->n_partitioned_by; i++) {
        buf_add_text(&text, i ? ", " : "");
        buf_add_str(&text, function->partitioned_by[i]);
    }
    r = buf_check(&text, err);
    if (r >= 0 && arena_str(p->arena, buf_str(&text), &copy) < 0) {
        r = corrie_fail_memory(err);
    }
    if (r >= 0) {
        r = partition_parse(copy, p->arena, &node->partition_by, &node->n_partition_by, err);
    }
    for (size_t i = 0; r >= 0 && i < node->n_partition_by; i++) {
        r = check_column(&node->output, node->partition_by[i].path[0], err);
        if (r < 0) {
            corrie_wrap(err, "partitioned_by");
        }
    }
    return r < 0 ? fail_node(p, node, err) : 0;
}

/* MERGE: by which columns of its output. */
static int take_keys(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;

    if (function->strategy != STRATEGY_MERGE && function->keys.count > 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%.*s: keys are for MERGE, not %s",
                    STR_FMT(function->name), strategy_name(function->strategy));
        corrie_hint(err, "set materialization_strategy to MERGE, or take the keys out");
        return place_error(p->project, &function->keys.place, err);
    }
    if (function->strategy == STRATEGY_MERGE && function->keys.count == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%.*s: MERGE needs keys", STR_FMT(function->name));
        corrie_hint(err, "name the columns that tell rows apart: keys=['id']");
        return place_error(p->project, &function->place, err);
    }
    for (size_t i = 0; i < function->keys.count; i++) {
        if (check_column(&node->output, function->keys.items[i], err) < 0) {
            corrie_wrap(err, "%.*s: keys", STR_FMT(function->name));
            return place_error(p->project, &function->keys.place, err);
        }
    }
    node->keys = function->keys.items;
    node->n_keys = function->keys.count;
    return 0;
}

static int bind_params(struct planning *p, struct filter **filter, corrie_error *err)
{
    size_t n = (*filter)->n_params;
    struct filter_param *params = arena_array(p->arena, struct filter_param, n + 1);
    int r = params ? 0 : corrie_fail_memory(err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        struct plan_parameter *parameter;

        params[i].name = (*filter)->params[i].name;
        r = plan_find_parameter(p, params[i].name, &parameter, err);
        if (r >= 0) {
            r = plan_filter_value(parameter, &params[i].value, err);
        }
    }
    return r < 0 || n == 0 ? r : filter_bind(*filter, params, n, p->arena, filter, err);
}

static int parse_overwrite(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;
    _cleanup_(buf_done) struct buf text = {0};
    struct filter *filter;
    int r;

    if (str_trim(function->overwrite_filter).len == 0) {
        return 0;
    }
    r = filter_parse(function->overwrite_filter, p->arena, &filter, err);
    for (size_t i = 0; r >= 0 && i < filter->n_columns; i++) {
        r = check_column(&node->output, filter->columns[i].name, err);
    }
    if (r >= 0) {
        r = bind_params(p, &filter, err);
    }
    if (r < 0) {
        corrie_wrap(err, "overwrite_filter");
        return fail_node(p, node, err);
    }
    filter_print(filter->root, &text);
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    return arena_str(p->arena, buf_str(&text), &node->overwrite_filter) < 0
               ? corrie_fail_memory(err)
               : 0;
}

int plan_materialize(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;
    int r;

    if (function->kind != FUNCTION_MODEL) {
        return 0;
    }
    r = parse_terms(p, node, err);
    if (r >= 0) {
        r = take_keys(p, node, err);
    }
    if (r >= 0) {
        r = parse_overwrite(p, node, err);
    }
    if (r < 0) {
        return r;
    }
    if (node->overwrite_filter.len > 0 && function->strategy != STRATEGY_OVERWRITE_PARTITIONS) {
        corrie_fail(err, CORRIE_E_PROJECT, "overwrite_filter is for OVERWRITE_PARTITIONS, not %s",
                    strategy_name(function->strategy));
        corrie_hint(err, "set materialization_strategy to OVERWRITE_PARTITIONS, or take the "
                         "filter out");
        return fail_node(p, node, err);
    }
    if (function->strategy == STRATEGY_OVERWRITE_PARTITIONS && node->n_partition_by == 0 &&
        node->overwrite_filter.len == 0) {
        corrie_fail(err, CORRIE_E_PROJECT,
                    "OVERWRITE_PARTITIONS needs partitioned_by or an overwrite_filter");
        corrie_hint(err, "say which rows are to be replaced: partitioned_by='day(ts)', or "
                         "overwrite_filter=\"day = DATE '2024-01-01'\"");
        return fail_node(p, node, err);
    }
    return 0;
}
