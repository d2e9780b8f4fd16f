/* filters.c — conditions that are written at inputs: checked and bound before anything runs. */
#include "arrow/type.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "lang/filter.h"
#include "plan/bind_cache.h"
#include "plan/build_priv.h"

/* Where a text that a place holds stands in the source as it is, with quotes around it: not if it has escapes, or was
 * folded from pieces. */
static bool find_text(struct str source, const struct place *place, struct str text, size_t *ret)
{
    struct str rest = source, line;

    if (text.data >= source.data && text.data + text.len <= source.data + source.len) {
        *ret = (size_t)(text.data - source.data); /* of a header */
        return true;
    }
    for (long i = 1; i < place->line; i++) {
        str_cut(rest, '\n', &line, &rest);
    }
    rest = str_from(rest, place->column > 0 ? (size_t)place->column - 1 : 0);
    rest = place->width > 0 && (size_t)place->width < rest.len
               ? str_slice(rest, 0, (size_t)place->width)
               : rest;
    for (ptrdiff_t at; text.len > 0 && (at = str_find_str(rest, text)) >= 0;
         rest = str_from(rest, (size_t)at + 1)) {
        size_t end = (size_t)at + text.len;
        char quote = at > 0 ? rest.data[at - 1] : 0;

        if ((quote == '\'' || quote == '"') && end < rest.len && rest.data[end] == quote) {
            *ret = (size_t)(rest.data - source.data) + (size_t)at;
            return true;
        }
    }
    return false;
}

int plan_text_error(const struct planning *p, const struct declared_function *function,
                    const struct place *place, struct str text, size_t offset, size_t width,
                    corrie_error *err)
{
    struct str source = function->source->text;
    size_t base;

    if (!find_text(source, place, text, &base)) {
        return place_error(p->project, place, err);
    }
    return corrie_error_at_offset(err, function->source->path.data, source, base + offset,
                                  width ? width : 1);
}

static int filter_error(const struct planning *p, const struct declared_function *function,
                        const struct declared_input *input, size_t offset, size_t width,
                        corrie_error *err)
{
    return plan_text_error(p, function, &input->filter_place, input->filter, offset, width, err);
}

size_t plan_offset_of(struct str text, const corrie_position *position)
{
    struct str rest = text, line = text;

    for (long i = 0; i < position->line && rest.data; i++) {
        str_cut(rest, '\n', &line, &rest);
    }
    return (size_t)(line.data - text.data) +
           (size_t)(position->column > 0 ? position->column - 1 : 0);
}

static int filter_wrong(const struct planning *p, const struct plan_node *node,
                        const struct declared_input *input, corrie_error *err)
{
    size_t offset = plan_offset_of(input->filter, &err->position);
    size_t width = (size_t)(err->position.width > 0 ? err->position.width : 1);

    corrie_wrap(err, "filter of %.*s", STR_FMT(input->argument));
    return filter_error(p, node->function, input, offset, width, err);
}

/* A number that is a DOUBLE, as it is in SQL models: 0.1 by itself would be a DECIMAL, which a FLOAT of 0.1 is equal to
 * and a DOUBLE is not. */
static int float_value(const struct planning *p, struct str text, struct filter_literal *ret,
                       corrie_error *err)
{
    bool exponent = str_find(text, 'e') >= 0 || str_find(text, 'E') >= 0;
    struct str digits = str_from(text, str_starts(text, STR("+")) ? 1 : 0);
    char *number = arena_printf(p->arena, "%.*s%s", STR_FMT(digits), exponent ? "" : "e0");

    if (!number) {
        return corrie_fail_memory(err);
    }
    *ret = (struct filter_literal){FILTER_NUMBER, str_of(number)};
    return 0;
}

int plan_filter_value(const struct planning *p, const struct plan_parameter *parameter,
                      struct filter_param *ret, corrie_error *err)
{
    const struct param_value *value = &parameter->value;

    *ret = (struct filter_param){.name = parameter->name};
    if (!parameter->has_value) {
        ret->state = plan_value_later(p, parameter) ? FILTER_PARAM_LATER : FILTER_PARAM_NONE;
        return 0;
    }
    switch (value->type) {
    case PARAM_INT:
        ret->value = (struct filter_literal){FILTER_INTEGER, value->text};
        return 0;
    case PARAM_FLOAT:
        return float_value(p, value->text, &ret->value, err);
    case PARAM_BOOL:
        ret->value = (struct filter_literal){FILTER_BOOL, value->i ? STR("TRUE") : STR("FALSE")};
        return 0;
    case PARAM_STR:
        ret->value = (struct filter_literal){FILTER_STRING, value->text};
        return 0;
    case PARAM_SECRET:
    case PARAM_VAULT:
        break;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "parameter %.*s is a secret and cannot stand in a filter",
                STR_FMT(parameter->name));
    return corrie_hint(err, "filters are kept in job records; pass secrets to Python functions");
}

/* Replaces the $params of a filter that was parsed. */
static int place_params(struct planning *p, const struct plan_node *node,
                        const struct declared_input *input, const struct filter *filter,
                        struct filter **ret, corrie_error *err)
{
    struct filter_param *params = arena_array(p->arena, struct filter_param, filter->n_params + 1);

    if (!params) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < filter->n_params; i++) {
        struct plan_parameter *parameter;
        int r = plan_find_parameter(p, filter->params[i].name, &parameter, err);
        if (r >= 0) {
            r = plan_filter_value(p, parameter, &params[i], err);
        }
        if (r < 0) {
            return filter_error(p, node->function, input, filter->params[i].offset,
                                filter->params[i].name.len + 1, err);
        }
    }
    int r = filter_bind(filter, params, filter->n_params, p->arena, ret, err);
    return r < 0 ? filter_wrong(p, node, input, err) : 0;
}

/* ---- binding ---- */

#define STUB                                                                                       \
    STR("corrie_filter") /* a table, in a namespace of that name: the engine's messages do not show it */

/* Only its columns, or one that it does not ask for: another one that comes to the table changes no key of the cache. */
static int columns_of(const struct filter *filter, const struct schema *schema, struct arena *arena,
                      struct schema *ret, corrie_error *err)
{
    *ret = (struct schema){.fields = arena_array(arena, struct field, filter->n_columns + 1)};
    if (!ret->fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < filter->n_columns; i++) {
        const struct field *field = schema_find(schema, filter->columns[i].name);

        if (field) {
            ret->fields[ret->n_fields++] = *field;
        }
    }
    if (ret->n_fields == 0) {
        ret->fields[ret->n_fields++] =
            (struct field){.name = STR("row"), .type = {.kind = TYPE_BOOLEAN}};
    }
    return 0;
}

/* A statement that asks the condition, twice; the places of both. */
struct asked {
    struct buf sql;
    size_t selected;
    size_t filtered;
};

static void asked_done(struct asked *asked)
{
    buf_done(&asked->sql);
}

/* WHERE tells aggregates from conditions, what is selected has a type. */
static int ask(const struct filter *filter, struct str from, struct asked *ret, corrie_error *err)
{
    buf_add_text(&ret->sql, "SELECT (");
    ret->selected = ret->sql.len;
    filter_print(filter->root, &ret->sql);
    buf_addf(&ret->sql, ") FROM %.*s WHERE (", STR_FMT(from));
    ret->filtered = ret->sql.len;
    filter_print(filter->root, &ret->sql);
    buf_add_char(&ret->sql, ')');
    return buf_check(&ret->sql, err);
}

/* From a place in the statement to one in the filter's text. */
static int find_place(const struct filter *filter, const struct asked *asked, corrie_error *err)
{
    const struct filter_expr *part = filter->root;

    if (err->code == CORRIE_E_FAILED || err->code == CORRIE_E_DATA) {
        err->code = CORRIE_E_PROJECT; /* of a row that is ours */
    }
    if (err->position.line > 0) {
        size_t at = plan_offset_of(buf_str(&asked->sql), &err->position);
        size_t begin = at >= asked->filtered ? asked->filtered : asked->selected;

        part = filter_printed_at(filter->root, at > begin ? at - begin : 0);
    }
    return corrie_error_at_offset(err, NULL, filter->text, part->offset, part->length);
}

/* Asks it of a row of nulls: a text that is no number is found only when it is compared. */
static int try_row(struct engine *engine, const struct filter *filter, const struct schema *columns,
                   corrie_error *err)
{
    _cleanup_(asked_done) struct asked asked = {0};
    _cleanup_(buf_done) struct buf from = {0};

    buf_add_text(&from, "(SELECT ");
    for (size_t i = 0; i < columns->n_fields; i++) {
        buf_add_text(&from, i ? ", CAST(NULL AS " : "CAST(NULL AS ");
        type_print_sql(&columns->fields[i].type, &from);
        buf_add_text(&from, ") AS ");
        buf_add_sql_name(&from, columns->fields[i].name);
    }
    buf_add_text(&from, " FROM range(1))");
    int r = buf_check(&from, err);
    if (r >= 0) {
        r = ask(filter, buf_str(&from), &asked, err);
    }
    if (r >= 0) {
        r = engine_try(engine, buf_str(&asked.sql), "filter", err);
    }
    return r < 0 && r != CORRIE_E_CANCELLED ? find_place(filter, &asked, err) : r;
}

/* WHERE takes a number for whether it is another one than 0. A text it takes too, but for hardly any rows. */
static bool is_condition(enum type_kind kind)
{
    return kind == TYPE_BOOLEAN || (kind >= TYPE_INT && kind <= TYPE_DECIMAL);
}

static int check_condition(const struct filter *filter, const struct schema *given,
                           corrie_error *err)
{
    _cleanup_(buf_done) struct buf type = {0};

    if (given->n_fields == 1 && is_condition(given->fields[0].type.kind)) {
        return 0;
    }
    if (given->n_fields == 1) {
        type_print_sql(&given->fields[0].type, &type);
    }
    corrie_fail(err, CORRIE_E_PROJECT, "a filter is a condition, not a value of type %s",
                buf_text(&type));
    corrie_hint(err, "compare it with something: … = 1, … IS NOT NULL");
    return corrie_error_at_offset(err, NULL, filter->text, filter->root->offset,
                                  filter->root->length);
}

/* What the cache has not. */
static int bind_anew(struct planning *p, const struct filter *filter, const struct asked *asked,
                     const struct engine_bind_table *table, struct engine_binding *ret,
                     corrie_error *err)
{
    struct engine *engine;
    int r = plan_engine(p, &engine, err);

    if (r < 0) {
        return r;
    }
    r = engine_bind_columns(engine, buf_str(&asked->sql), "filter", STUB, table, 1, p->arena, ret,
                            err);
    if (r < 0) {
        return r == CORRIE_E_CANCELLED ? r : find_place(filter, asked, err);
    }
    if (!filter_is_literal(filter->root, FILTER_NULL)) {
        r = check_condition(filter, &ret->columns, err);
    }
    return r < 0 ? r : try_row(engine, filter, table->schema, err);
}

/* Parameters whose values are not known yet are NULL while the rest is checked. */
static int without_params(struct planning *p, const struct filter **filter, corrie_error *err)
{
    size_t n = (*filter)->n_params;
    struct filter_param *params = arena_array(p->arena, struct filter_param, n + 1);
    struct filter *bound;

    if (!params) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        params[i].name = (*filter)->params[i].name; /* its value: FILTER_NULL */
    }
    int r = filter_bind(*filter, params, n, p->arena, &bound, err);
    if (r >= 0) {
        *filter = bound;
    }
    return r;
}

int plan_bind_filter(struct planning *p, const struct filter *filter, const struct schema *schema,
                     corrie_error *err)
{
    _cleanup_(asked_done) struct asked asked = {0};
    struct schema columns;
    struct engine_bind_table table = {.name_space = STUB, .name = STUB, .schema = &columns};
    struct engine_binding binding;
    struct hash key;

    int r = filter->n_params > 0 ? without_params(p, &filter, err) : 0;
    if (r >= 0) {
        r = columns_of(filter, schema, p->arena, &columns, err);
    }
    if (r >= 0) {
        r = ask(filter, STR("corrie_filter.corrie_filter"), &asked, err);
    }
    if (r >= 0) {
        r = bind_key("filter", buf_str(&asked.sql), STUB, &table, 1, &key, err);
    }
    if (r >= 0) {
        r = binding_load(p->options->cache, &key, p->arena, &binding, err);
    }
    if (r != 0 || (!p->engine && !p->catalog->engine)) {
        return r < 0 ? r : 0; /* only good ones are kept */
    }
    r = bind_anew(p, filter, &asked, &table, &binding, err);
    return r < 0 ? r : binding_store(p->options->cache, &key, &binding, err);
}

/* ---- of inputs ---- */

int plan_edge_filter(struct planning *p, const struct plan_node *node,
                     const struct declared_input *input, const struct parent *parent,
                     struct plan_edge *edge, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct schema *schema;
    struct filter *filter;

    if (str_trim(input->filter).len == 0) {
        return 0;
    }
    int r = filter_parse(input->filter, p->arena, &filter, err);
    if (r < 0) {
        return filter_wrong(p, node, input, err);
    }
    for (size_t i = 0; i < filter->n_columns; i++) {
        if (!parent_has(parent, filter->columns[i].name)) {
            parent_lacks(parent, filter->columns[i].name, err);
            if (filter->columns[i].field.len > 0 && parent_has(parent, filter->columns[i].field)) {
                corrie_hint(err, "columns are written without their table: %.*s",
                            STR_FMT(filter->columns[i].field));
            }
            return filter_error(p, node->function, input, filter->columns[i].offset,
                                filter->columns[i].name.len, err);
        }
    }
    if (filter->n_params > 0) {
        r = place_params(p, node, input, filter, &filter, err);
        if (r < 0) {
            return r;
        }
    }
    r = plan_edge_schema(p, edge, &schema, err);
    if (r == KNOWS_TYPES && plan_bind_filter(p, filter, schema, err) < 0) {
        return filter_wrong(p, node, input, err);
    }
    if (r < 0) {
        return r;
    }
    filter_print(filter->root, &text);
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    return arena_str(p->arena, buf_str(&text), &edge->filter) < 0 ? corrie_fail_memory(err) : 0;
}
