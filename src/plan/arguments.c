/* arguments.c — what a function is given: inputs and parameters, by the defaults of its arguments. */
#include "plan/python_priv.h"

#include "base/json.h"
#include "base/limits.h"
#include "lang/name.h"

static const char *const input_keywords[] = {
    "name", "columns", "filter", "ref", "connector", "connector_config_key", "connector_config_uri",
    NULL,
};
enum {
    INPUT_NAME,
    INPUT_COLUMNS,
    INPUT_FILTER,
    INPUT_REF,
    INPUT_CONNECTOR,
    INPUT_CONNECTOR_KEY,
    INPUT_CONNECTOR_URI
};

static const char *const parameter_keywords[] = {"name", NULL};
enum { PARAMETER_NAME };

static int read_input(const struct understanding *u, struct str argument, struct str annotation,
                      const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"Model", input_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_input *input = &u->function->inputs[u->function->n_inputs];
    struct table_name name;

    *input = (struct declared_input){
        .argument = argument, .annotation = annotation, .place = value_place(u, call)};
    int r = call_bind(u, &signature, call, values, err);
    if (r >= 0) {
        r = value_text(u, &signature, "name", values[INPUT_NAME], &input->table, err);
    }
    if (r == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "Model() names no table");
        corrie_hint(err, "write Model('table')");
        return value_error_at(u, call, err);
    }
    if (r > 0) {
        input->place = value_place(u, values[INPUT_NAME]);
        if (table_name_parse(input->table, &name, err) < 0) {
            err->code = CORRIE_E_PROJECT;
            return value_error_at(u, values[INPUT_NAME], err);
        }
    }
    for (size_t i = INPUT_CONNECTOR; i <= INPUT_CONNECTOR_URI && r >= 0; i++) {
        if (values[i] && !value_is(values[i], "none")) {
            corrie_fail(err, CORRIE_E_UNSUPPORTED, "Model(%s=…): connectors are not supported",
                        input_keywords[i]);
            corrie_hint(err, "import the data into a table first: corrie import");
            return value_error_at(u, values[i], err);
        }
    }
    if (r >= 0) {
        r = value_columns(u, &signature, "columns", values[INPUT_COLUMNS], &input->columns, err);
    }
    if (r >= 0) {
        r = value_text(u, &signature, "filter", values[INPUT_FILTER], &input->filter, err);
    }
    if (r > 0) {
        input->filter_place = value_place(u, values[INPUT_FILTER]);
    }
    if (r >= 0) {
        r = value_text(u, &signature, "ref", values[INPUT_REF], &input->ref, err);
    }
    u->function->n_inputs++;
    return r < 0 ? r : 0;
}

static int read_parameter(const struct understanding *u, struct str argument, const json_t *call,
                          corrie_error *err)
{
    static const struct signature signature = {"Parameter", parameter_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_parameter *parameter = &u->function->parameters[u->function->n_parameters];

    *parameter = (struct declared_parameter){.argument = argument, .place = value_place(u, call)};
    int r = call_bind(u, &signature, call, values, err);
    if (r >= 0) {
        r = value_text(u, &signature, "name", values[PARAMETER_NAME], &parameter->name, err);
    }
    if (r == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "Parameter() has no name");
        return value_error_at(u, call, err);
    }
    u->function->n_parameters++;
    return r < 0 ? r : 0;
}

/* The argument without a default of an expectation that is `on` a table: it gets that table. */
static void take_attached(const struct understanding *u, struct str argument, struct str annotation)
{
    struct declared_function *function = u->function;

    function->inputs[function->n_inputs++] = (struct declared_input){
        .argument = argument,
        .annotation = annotation,
        .table = function->on,
        .columns = {.all = true, .place = function->on_place},
        .place = function->on_place,
    };
}

/* Whether the table that the expectation is `on` is among its inputs, by the name that was written. */
static bool reads_attached(const struct declared_function *function)
{
    for (size_t i = 0; i < function->n_inputs; i++) {
        if (str_eq(function->inputs[i].table, function->on)) {
            return true;
        }
    }
    return false;
}

static int fail_without_default(const struct understanding *u, struct str name,
                                const json_t *argument, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_PROJECT, "argument %.*s of %.*s has no default", STR_FMT(name),
                STR_FMT(u->function->function));
    corrie_hint(err, "say what it gets: %.*s=Model('table') or Parameter('name')", STR_FMT(name));
    return value_error_at(u, argument, err);
}

static int read_argument(const struct understanding *u, const json_t *argument, corrie_error *err)
{
    const json_t *value = json_object_get(argument, "default");
    const char *kind = json_string_value(json_object_get(argument, "kind"));
    struct str call = js_str(json_object_get(value, "name"));
    bool input = json_is_object(value) && str_eq(call, STR("Model"));
    bool parameter = json_is_object(value) && str_eq(call, STR("Parameter"));
    bool attached =
        !json_is_object(value) && u->function->on.len > 0 && !reads_attached(u->function);
    struct str name, annotation;

    if (arena_str(u->arena, js_str(json_object_get(argument, "name")), &name) < 0 ||
        arena_str(u->arena, js_str(json_object_get(argument, "annotation")), &annotation) < 0) {
        return corrie_fail_memory(err);
    }
    if (kind && strcmp(kind, "rest") == 0) {
        return 0;
    }
    if (!json_is_object(value) && !attached) {
        return fail_without_default(u, name, argument, err);
    }
    if ((input || parameter || attached) && kind && strcmp(kind, "positional") == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "argument %.*s of %.*s is positional only",
                    STR_FMT(name), STR_FMT(u->function->function));
        corrie_hint(err, "inputs are given by name: take the '/' out");
        return value_error_at(u, argument, err);
    }
    if (call.len > 0 && !input && !parameter) {
        corrie_fail(err, CORRIE_E_PROJECT, "argument %.*s cannot be %.*s(…)", STR_FMT(name),
                    STR_FMT(call));
        corrie_hint(err, "inputs are Model('table') or Parameter('name')");
        return value_error_at(u, value, err);
    }
    if (attached) {
        take_attached(u, name, annotation);
        return 0;
    }
    return input       ? read_input(u, name, annotation, value, err)
           : parameter ? read_parameter(u, name, value, err)
                       : 0;
}

static int check_expectation(const struct understanding *u, corrie_error *err)
{
    const struct declared_function *function = u->function;

    if (function->on.len > 0 && !reads_attached(function)) {
        corrie_fail(err, CORRIE_E_PROJECT, "expectation %.*s is on %.*s, and does not read it",
                    STR_FMT(function->function), STR_FMT(function->on));
        corrie_hint(err, "give it an argument for the table: def %.*s(table)",
                    STR_FMT(function->function));
        return place_error(u->declaring->project, &function->on_place, err);
    }
    if (function->n_inputs == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "expectation %.*s checks nothing",
                    STR_FMT(function->function));
        corrie_hint(err, "give it an input: data=Model('table')");
        return place_error(u->declaring->project, &function->place, err);
    }
    return 0;
}

int arguments_declare(const struct understanding *u, const json_t *list, corrie_error *err)
{
    struct declared_function *function = u->function;
    size_t n = json_array_size(list);

    if (n > CORRIE_MAX_INPUTS) {
        corrie_fail(err, CORRIE_E_LIMIT, "%.*s has more than %d arguments",
                    STR_FMT(function->function), CORRIE_MAX_INPUTS);
        return place_error(u->declaring->project, &function->place, err);
    }
    function->inputs = arena_array(u->arena, struct declared_input, n + 1);
    function->parameters = arena_array(u->arena, struct declared_parameter, n + 1);
    if (!function->inputs || !function->parameters) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        int r = read_argument(u, json_array_get(list, i), err);
        if (r < 0) {
            return r;
        }
    }
    return function->kind == FUNCTION_EXPECTATION ? check_expectation(u, err) : 0;
}
