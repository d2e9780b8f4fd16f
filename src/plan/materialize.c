/* materialize.c — what becomes of a model's rows: partitioning, and what they are written over. */
#include "arrow/transform.h"
#include "base/mem.h"
#include "lang/filter.h"
#include "plan/build_priv.h"

/* What the declaration says of the table, where no place says it better. */
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

#define BETWEEN ", " /* terms, in the text that is parsed */

/* At byte `offset` of all terms in one text. */
static int fail_terms(const struct planning *p, const struct plan_node *node, size_t offset,
                      size_t length, corrie_error *err)
{
    const struct declared_function *function = node->function;
    size_t i = 0;

    while (i + 1 < function->n_partitioned_by && offset > function->partitioned_by[i].len) {
        offset -= function->partitioned_by[i].len + strlen(BETWEEN);
        i++;
    }
    corrie_wrap(err, "%.*s", STR_FMT(function->name));
    return plan_text_error(p, function, &function->partitioned_by_place,
                           function->partitioned_by[i], offset, length, err);
}

/* The type of a column, or of a field inside it; NULL: there is none. */
static const struct type *type_of(const struct plan_columns *output,
                                  const struct partition_by_term *term)
{
    const struct type *type = NULL;

    for (size_t i = 0; i < output->count; i++) {
        type = str_eq(output->items[i].name, term->path[0]) ? output->items[i].type : type;
    }
    for (size_t k = 1; type && k < term->n_path; k++) {
        const struct type *inner = NULL;

        for (size_t i = 0; type->kind == TYPE_STRUCT && i < type->n_fields; i++) {
            inner = str_eq(type->fields[i].name, term->path[k]) ? &type->fields[i].type : inner;
        }
        type = inner;
    }
    return type;
}

/* Whether the column is there and, if it is known, of a type that has the transform. */
static int check_term(const struct plan_node *node, const struct partition_by_term *term,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct type *type = type_of(&node->output, term);
    struct transform transform;
    struct type result;
    int r = check_column(&node->output, term->path[0], err);

    if (r < 0 || !node->bound) {
        return r;
    }
    if (!type) {
        return corrie_fail(err, CORRIE_E_PROJECT, "column '%.*s' has no field '%.*s'",
                           STR_FMT(term->path[0]), STR_FMT(term->path[term->n_path - 1]));
    }
    if (transform_parse(term->transform, &transform) &&
        transform_result(&transform, type, &result)) {
        return 0;
    }
    type_print_sql(type, &text);
    corrie_fail(err, CORRIE_E_PROJECT, "the column is %s, which has no %.*s", buf_text(&text),
                STR_FMT(term->transform));
    return corrie_hint(err,
                       "year, month and day are of dates and times, hour of times, truncate "
                       "of numbers and text; bucket is of all but booleans, floats and nested");
}

static int parse_terms(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;
    _cleanup_(buf_done) struct buf text = {0};
    struct str copy;

    for (size_t i = 0; i < function->n_partitioned_by; i++) {
        buf_add_text(&text, i ? BETWEEN : "");
        buf_add_str(&text, function->partitioned_by[i]);
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    if (arena_str(p->arena, buf_str(&text), &copy) < 0) {
        return corrie_fail_memory(err);
    }
    int r = partition_parse(copy, p->arena, &node->partition_by, &node->n_partition_by, err);
    if (r < 0) {
        return fail_terms(p, node, plan_offset_of(copy, &err->position),
                          (size_t)(err->position.width > 0 ? err->position.width : 1), err);
    }
    for (size_t i = 0; i < node->n_partition_by; i++) {
        const struct partition_by_term *term = &node->partition_by[i];

        if (check_term(node, term, err) < 0) {
            corrie_wrap(err, "partitioned_by");
            return fail_terms(p, node, term->offset, term->length, err);
        }
    }
    return 0;
}

/* Rows are told apart by plain values. */
static int check_key(const struct plan_columns *output, struct str name, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    for (size_t i = 0; i < output->count; i++) {
        const struct plan_column *column = &output->items[i];

        if (column->type && type_is_nested(column->type) && str_eq(column->name, name)) {
            type_print_sql(column->type, &text);
            corrie_fail(err, CORRIE_E_PROJECT,
                        "the column %.*s is %s: rows are found by plain values", STR_FMT(name),
                        buf_text(&text));
            return corrie_hint(err, "name columns of numbers, texts, dates or the like");
        }
    }
    return 0;
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
        if (check_column(&node->output, function->keys.items[i], err) < 0 ||
            check_key(&node->output, function->keys.items[i], err) < 0) {
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

        r = plan_find_parameter(p, (*filter)->params[i].name, &parameter, err);
        if (r >= 0) {
            r = plan_filter_value(p, parameter, &params[i], err);
        }
    }
    return r < 0 || n == 0 ? r : filter_bind(*filter, params, n, p->arena, filter, err);
}

/* At byte `offset` of the text; `length` 0: at the whole. */
static int fail_overwrite(const struct planning *p, const struct plan_node *node, size_t offset,
                          size_t length, corrie_error *err)
{
    const struct declared_function *function = node->function;

    corrie_wrap(err, "%.*s: overwrite_filter", STR_FMT(function->name));
    return length == 0 ? place_error(p->project, &function->overwrite_place, err)
                       : plan_text_error(p, function, &function->overwrite_place,
                                         function->overwrite_filter, offset, length, err);
}

static int parse_overwrite(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;
    _cleanup_(buf_done) struct buf text = {0};
    const struct schema *schema;
    struct filter *filter;
    int r;

    if (str_trim(function->overwrite_filter).len == 0) {
        return 0;
    }
    r = filter_parse(function->overwrite_filter, p->arena, &filter, err);
    for (size_t i = 0; r >= 0 && i < filter->n_columns; i++) {
        r = check_column(&node->output, filter->columns[i].name, err);
        if (r < 0) {
            return fail_overwrite(p, node, filter->columns[i].offset, filter->columns[i].name.len,
                                  err);
        }
    }
    if (r >= 0) {
        r = bind_params(p, &filter, err);
    }
    if (r >= 0 && node->bound) {
        r = plan_columns_schema(p, &node->output, &schema, err);
        r = r == KNOWS_TYPES ? plan_bind_filter(p, filter, schema, err) : r;
    }
    if (r < 0) {
        return fail_overwrite(p, node, plan_offset_of(function->overwrite_filter, &err->position),
                              (size_t)(err->position.width > 0 ? err->position.width : 0), err);
    }
    filter_print(filter->root, &text);
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    return arena_str(p->arena, buf_str(&text), &node->overwrite_filter) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* What the run would find when it writes over the table that is there. */
static int check_table(struct planning *p, struct plan_node *node, corrie_error *err)
{
    const struct declared_function *function = node->function;
    const struct place *places[CONFLICTS] = {
        [CONFLICT_TABLE] = &function->place,
        [CONFLICT_COLUMNS] = &function->columns.place,
        [CONFLICT_PARTITION] = &function->partitioned_by_place,
        [CONFLICT_KEYS] = &function->keys.place,
        [CONFLICT_FILTER] = &function->overwrite_place,
    };
    enum plan_conflict conflict = CONFLICT_TABLE;
    const struct schema *schema = NULL;

    if (!node->replaces_table || !p->catalog->writable) {
        return 0;
    }
    int r = plan_columns_schema(p, &node->output, &schema, err);
    if (r >= 0) {
        r = p->catalog->writable(p->catalog->context, node, r == KNOWS_NOTHING ? NULL : schema,
                                 &conflict, err);
    }
    if (r >= 0 || r == CORRIE_E_NO_MEMORY || r == CORRIE_E_CANCELLED) {
        return r;
    }
    err->code = r == CORRIE_E_DATA ? CORRIE_E_PROJECT : r;
    corrie_wrap(err, "%.*s", STR_FMT(node->name));
    return place_error(p->project, places[conflict], err);
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
        corrie_wrap(err, "%.*s", STR_FMT(function->name));
        return place_error(p->project, &function->overwrite_place, err);
    }
    if (function->strategy == STRATEGY_OVERWRITE_PARTITIONS && node->n_partition_by == 0 &&
        node->overwrite_filter.len == 0) {
        corrie_fail(err, CORRIE_E_PROJECT,
                    "OVERWRITE_PARTITIONS needs partitioned_by or an overwrite_filter");
        corrie_hint(err, "say which rows are to be replaced: partitioned_by='day(ts)', or "
                         "overwrite_filter=\"day = DATE '2024-01-01'\"");
        return fail_node(p, node, err);
    }
    return check_table(p, node, err);
}
