/* python.c — what the reader's documents mean: decorators, inputs, parameters. */

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lang/name.h"
#include "plan/values_priv.h"

#define MAX_OUTPUTS 100

static const char *const model_keywords[] = {
    "name",
    "columns",
    "partitioned_by",
    "materialization_strategy",
    "cache_strategy",
    "internet_access",
    "overwrite_filter",
    "keys",
    "outputs",
    NULL,
};
enum {
    MODEL_NAME,
    MODEL_COLUMNS,
    MODEL_PARTITIONED_BY,
    MODEL_STRATEGY,
    MODEL_CACHE,
    MODEL_INTERNET,
    MODEL_OVERWRITE_FILTER,
    MODEL_KEYS,
    MODEL_OUTPUTS
};

static const char *const output_keywords[] = {
    "columns", "partitioned_by", "materialization_strategy", "overwrite_filter", "keys", NULL,
};
enum {
    OUTPUT_COLUMNS,
    OUTPUT_PARTITIONED_BY,
    OUTPUT_STRATEGY,
    OUTPUT_OVERWRITE_FILTER,
    OUTPUT_KEYS
};

static const char *const expectation_keywords[] = {"name", "on", NULL};
enum { EXPECTATION_NAME, EXPECTATION_ON };

static const char *const python_keywords[] = {"version", "pip", NULL};
enum { PYTHON_VERSION, PYTHON_PIP };

static const char *const resources_keywords[] = {"cpus", "memory", "memory_swap", "timeout", NULL};
enum { RESOURCES_CPUS, RESOURCES_MEMORY, RESOURCES_MEMORY_SWAP, RESOURCES_TIMEOUT };

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

/* ---- decorators --------------------------------------------------------------------------------- */

/* What is said of one table that a model makes; `values` are those of output_keywords. */
static int read_table(const struct understanding *u, const struct signature *signature,
                      const json_t *const *values, struct declared_function *table,
                      corrie_error *err)
{
    struct str text;

    int r = value_columns(u, signature, "columns", values[OUTPUT_COLUMNS], &table->columns, err);
    if (r >= 0) {
        r = value_texts(u, signature, "partitioned_by", values[OUTPUT_PARTITIONED_BY],
                        &table->partitioned_by, &table->n_partitioned_by, err);
    }
    if (values[OUTPUT_PARTITIONED_BY]) {
        table->partitioned_by_place = value_place(u, values[OUTPUT_PARTITIONED_BY]);
    }
    if (values[OUTPUT_OVERWRITE_FILTER]) {
        table->overwrite_place = value_place(u, values[OUTPUT_OVERWRITE_FILTER]);
    }
    if (r >= 0) {
        r = value_text(u, signature, "materialization_strategy", values[OUTPUT_STRATEGY], &text,
                       err);
    }
    if (r > 0 && strategy_parse(text, &table->strategy, err) < 0) {
        return value_error_at(u, values[OUTPUT_STRATEGY], err);
    }
    if (r >= 0) {
        r = value_text(u, signature, "overwrite_filter", values[OUTPUT_OVERWRITE_FILTER],
                       &table->overwrite_filter, err);
    }
    if (r >= 0) {
        r = value_columns(u, signature, "keys", values[OUTPUT_KEYS], &table->keys, err);
    }
    if (r >= 0 && table->keys.given && table->keys.all) {
        corrie_fail(err, CORRIE_E_PROJECT, "keys of %s must be named: '*' is no column",
                    signature->name);
        return value_error_at(u, values[OUTPUT_KEYS], err);
    }
    return r < 0 ? r : 0;
}

/* What belongs to one table cannot be said of several at once. */
static int check_beside_outputs(const struct understanding *u, const json_t *const *values,
                                corrie_error *err)
{
    static const int single[] = {MODEL_NAME, MODEL_COLUMNS, MODEL_PARTITIONED_BY,
                                 MODEL_OVERWRITE_FILTER, MODEL_KEYS};

    for (size_t i = 0; i < ARRAY_LEN(single); i++) {
        const json_t *value = values[single[i]];
        if (value && !value_is(value, "none")) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s of @model stands beside outputs",
                        model_keywords[single[i]]);
            corrie_hint(err, "say it of each output: outputs={'table': {…}}");
            return value_error_at(u, value, err);
        }
    }
    return 0;
}

static int read_model(struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@model", model_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_function *function = u->function;
    struct str text;

    function->kind = FUNCTION_MODEL;
    int r = call_bind(u, &signature, call, values, err);
    if (r >= 0) {
        r = value_name(u, &signature, "name", values[MODEL_NAME], &function->name, err);
    }
    if (r >= 0) {
        const json_t *const table[] = {values[MODEL_COLUMNS], values[MODEL_PARTITIONED_BY],
                                       values[MODEL_STRATEGY], values[MODEL_OVERWRITE_FILTER],
                                       values[MODEL_KEYS]};
        r = read_table(u, &signature, table, function, err);
    }
    if (r >= 0) {
        r = value_text(u, &signature, "cache_strategy", values[MODEL_CACHE], &text, err);
    }
    if (r > 0 && cache_strategy_parse(text, &function->no_cache, err) < 0) {
        return value_error_at(u, values[MODEL_CACHE], err);
    }
    if (r >= 0) {
        r = value_bool(u, &signature, "internet_access", values[MODEL_INTERNET],
                       &function->internet_access, err);
    }
    if (r >= 0 && values[MODEL_OUTPUTS] && !value_is(values[MODEL_OUTPUTS], "none")) {
        u->outputs = values[MODEL_OUTPUTS];
        r = check_beside_outputs(u, values, err);
    }
    return r < 0 ? r : 0;
}

static int read_expectation(struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@expectation", expectation_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_function *function = u->function;
    struct table_name table;

    function->kind = FUNCTION_EXPECTATION;
    int r = call_bind(u, &signature, call, values, err);
    if (r >= 0) {
        r = value_name(u, &signature, "name", values[EXPECTATION_NAME], &function->name, err);
    }
    if (r >= 0) {
        r = value_text(u, &signature, "on", values[EXPECTATION_ON], &function->on, err);
    }
    if (r <= 0) {
        return r;
    }
    function->on_place = value_place(u, values[EXPECTATION_ON]);
    if (table_name_parse(function->on, &table, err) < 0) {
        err->code = CORRIE_E_PROJECT;
        return value_error_at(u, values[EXPECTATION_ON], err);
    }
    return 0;
}

static int read_pip(const struct understanding *u, const struct signature *signature,
                    const json_t *value, struct env_package **ret, size_t *ret_n, corrie_error *err)
{
    if (!value || value_is(value, "none")) {
        return 0;
    }
    const json_t *pairs = json_object_get(value, "value");
    size_t n = json_array_size(pairs);
    if (!value_is(value, "dict")) {
        return value_wrong(u, signature, "pip", value, "a dictionary of packages and versions",
                           err);
    }
    struct env_package *packages = arena_array(u->arena, struct env_package, n + 1);
    if (!packages) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *key = json_array_get(json_array_get(pairs, i), 0);
        const json_t *pin = json_array_get(json_array_get(pairs, i), 1);
        struct str name = STR_EMPTY, version = STR_EMPTY;
        int r = value_text(u, signature, "pip", key, &name, err);
        if (r < 0) {
            return r;
        }
        if (value_is(pin, "int") || value_is(pin, "float")) {
            corrie_fail(err, CORRIE_E_PROJECT, "the version of %.*s must be a text", STR_FMT(name));
            corrie_hint(err, "put it in quotes: 1.10 as a number is 1.1");
            return value_error_at(u, pin, err);
        }
        r = value_text(u, signature, "pip", pin, &version, err);
        if (r < 0) {
            return r;
        }
        r = env_package_parse(name, version, u->arena, &packages[i], err);
        if (r < 0) {
            return value_error_at(u, value_is(pin, "none") ? key : pin, err);
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(packages[k].name, packages[i].name)) {
                corrie_fail(err, CORRIE_E_PROJECT, "package %.*s stands twice",
                            STR_FMT(packages[i].name));
                return value_error_at(u, key, err);
            }
        }
    }
    *ret = packages;
    *ret_n = n;
    return 0;
}

static int read_python(struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@python", python_keywords};
    const json_t *values[MAX_KEYWORDS];

    int r = call_bind(u, &signature, call, values, err);
    if (r < 0) {
        return r;
    }
    const json_t *version = values[PYTHON_VERSION];
    if (version && (value_is(version, "float") || value_is(version, "int"))) {
        corrie_fail(err, CORRIE_E_PROJECT, "the Python version must be a text");
        corrie_hint(err, "put it in quotes: 3.10 as a number is 3.1");
        return value_error_at(u, version, err);
    }
    r = value_text(u, &signature, "version", version, &u->function->python, err);
    if (r > 0 && env_python_check(u->function->python, err) < 0) {
        return value_error_at(u, version, err);
    }
    return r < 0 ? r : read_pip(u, &signature, values[PYTHON_PIP], &u->own, &u->n_own, err);
}

static int read_resources(struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@resources", resources_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_function *function = u->function;

    int r = call_bind(u, &signature, call, values, err);
    if (r >= 0) {
        r = value_number(u, &signature, "cpus", values[RESOURCES_CPUS], &function->cpus, err);
    }
    if (r >= 0) {
        r = value_size(u, &signature, "memory", values[RESOURCES_MEMORY], &function->memory, err);
    }
    if (r >= 0) {
        r = value_size(u, &signature, "memory_swap", values[RESOURCES_MEMORY_SWAP],
                       &function->memory_swap, err);
    }
    if (r >= 0) {
        r = value_number(u, &signature, "timeout", values[RESOURCES_TIMEOUT], &function->timeout,
                         err);
    }
    return r < 0 ? r : 0;
}

static const struct project_extra *find_extra(const struct project *settings, struct str name)
{
    for (size_t i = 0; i < settings->n_extras; i++) {
        if (str_eq(settings->extras[i].name.text, name)) {
            return &settings->extras[i];
        }
    }
    return NULL;
}

static int unknown_extra(const struct understanding *u, struct str name, const json_t *at,
                         corrie_error *err)
{
    const struct project *settings = u->declaring->project->settings;
    struct str *names = arena_array(u->arena, struct str, settings->n_extras + 1);
    size_t nearest;

    corrie_fail(err, CORRIE_E_PROJECT, "the project has no extras '%.*s'", STR_FMT(name));
    for (size_t i = 0; names && i < settings->n_extras; i++) {
        names[i] = settings->extras[i].name.text;
    }
    if (names && str_nearest(name, names, settings->n_extras, &nearest, 1) == 1) {
        corrie_hint(err, "did you mean %.*s?", STR_FMT(names[nearest]));
    } else {
        corrie_hint(err, "name its packages in the project file: extras: {%.*s: [PACKAGE, …]}",
                    STR_FMT(name));
    }
    return value_error_at(u, at, err);
}

/* Adds the packages of a set of the project file; of two sets the later one's pin counts. */
static int add_extra(struct understanding *u, const struct project_extra *extra, corrie_error *err)
{
    struct env_package *packages = arena_array(u->arena, struct env_package, extra->n_packages + 1);

    if (!packages) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < extra->n_packages; i++) {
        const struct project_package *package = &extra->packages[i];

        if (env_package_parse(package->name.text, package->version.text, u->arena, &packages[i],
                              err) < 0) {
            return project_error_at(u->declaring->project->settings,
                                    package->version.line ? &package->version : &package->name,
                                    err);
        }
    }
    return packages_merge(u->extra, u->n_extra, packages, extra->n_packages, u->arena, &u->extra,
                          &u->n_extra, err);
}

static int read_extras(struct understanding *u, const json_t *call, corrie_error *err)
{
    static const char *const none[] = {NULL};
    static const struct signature signature = {"@extras", none};
    const json_t *args = json_object_get(call, "args");
    size_t n = json_array_size(args);

    if (json_array_size(json_object_get(call, "keywords")) > 0) {
        const json_t *first = json_array_get(json_object_get(call, "keywords"), 0);
        return call_unknown_keyword(u, &signature, js_str(json_object_get(first, "name")), first,
                                    err);
    }
    u->function->extras = arena_array(u->arena, struct str, n + 1);
    if (!u->function->extras) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *arg = json_array_get(args, i);
        const struct project_extra *extra;
        struct str *name = &u->function->extras[i];
        int r = value_text(u, &signature, "each name", arg, name, err);
        if (r < 0) {
            return r;
        }
        extra = find_extra(u->declaring->project->settings, *name);
        r = extra ? add_extra(u, extra, err) : unknown_extra(u, *name, arg, err);
        if (r < 0) {
            return r;
        }
    }
    u->function->n_extras = n;
    return 0;
}

/* What the function pins itself counts more than extras, and these more than the project's defaults. */
static int merge_packages(struct understanding *u, corrie_error *err)
{
    struct declared_function *function = u->function;
    int r = packages_merge(u->declaring->packages, u->declaring->n_packages, u->extra, u->n_extra,
                           u->arena, &function->packages, &function->n_packages, err);

    return r < 0 ? r
                 : packages_merge(function->packages, function->n_packages, u->own, u->n_own,
                                  u->arena, &function->packages, &function->n_packages, err);
}

typedef int (*read_decorator_fn)(struct understanding *, const json_t *, corrie_error *);

static const struct {
    const char *name;
    read_decorator_fn read;
} decorators[] = {
    {"model", read_model},         {"expectation", read_expectation}, {"python", read_python},
    {"resources", read_resources}, {"extras", read_extras},
};

static int unknown_decorator(const struct understanding *u, const json_t *decorator,
                             corrie_error *err)
{
    struct str names[ARRAY_LEN(decorators)];
    struct str name = js_str(json_object_get(decorator, "name"));

    for (size_t i = 0; i < ARRAY_LEN(decorators); i++) {
        names[i] = str_of(decorators[i].name);
    }
    corrie_fail(err, CORRIE_E_PROJECT, "there is no decorator %.*s", STR_FMT(name));
    hint_nearest(name, names, ARRAY_LEN(names), err);
    return value_error_at(u, decorator, err);
}

static int read_decorators(struct understanding *u, const json_t *list, corrie_error *err)
{
    bool seen[ARRAY_LEN(decorators)] = {false};

    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *decorator = json_array_get(list, k);
        struct str name = js_str(json_object_get(decorator, "name"));
        size_t i = 0;
        while (i < ARRAY_LEN(decorators) && !str_eq(name, str_of(decorators[i].name))) {
            i++;
        }
        if (i == ARRAY_LEN(decorators)) {
            return unknown_decorator(u, decorator, err);
        }
        if (seen[i] || (i < 2 && seen[1 - i])) {
            corrie_fail(err, CORRIE_E_PROJECT, "%.*s has @%.*s beside another such decorator",
                        STR_FMT(u->function->function), STR_FMT(name));
            corrie_hint(err, "a function is one model or one expectation");
            return value_error_at(u, decorator, err);
        }
        seen[i] = true;
        int r = decorators[i].read(u, decorator, err);
        if (r < 0) {
            return r;
        }
    }
    if (!seen[0] && !seen[1]) {
        corrie_fail(err, CORRIE_E_PROJECT, "%.*s is neither a model nor an expectation",
                    STR_FMT(u->function->function));
        corrie_hint(err, "add @corrie.model() or @corrie.expectation() above it");
        return place_error(u->declaring->project, &u->function->place, err);
    }
    return u->n_own + u->n_extra > 0 ? merge_packages(u, err) : 0;
}

/* ---- arguments ---------------------------------------------------------------------------------- */

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

static int read_arguments(const struct understanding *u, const json_t *list, corrie_error *err)
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

/* ---- several outputs ---------------------------------------------------------------------------- */

/* `{"columns": […], …}`: the values in the order of output_keywords. */
static int bind_output(const struct understanding *u, const struct signature *signature,
                       const json_t *pairs, const json_t **values, corrie_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(output_keywords); i++) {
        values[i] = NULL;
    }
    for (size_t k = 0; k < json_array_size(pairs); k++) {
        const json_t *key = json_array_get(json_array_get(pairs, k), 0);
        struct str name = js_str(json_object_get(key, "value"));
        size_t i = 0;
        if (!value_is(key, "str")) {
            return value_wrong(u, signature, "each key", key, "a text", err);
        }
        while (output_keywords[i] && !str_eq(name, str_of(output_keywords[i]))) {
            i++;
        }
        if (!output_keywords[i]) {
            return call_unknown_keyword(u, signature, name, key, err);
        }
        if (values[i]) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s has %.*s twice", signature->name, STR_FMT(name));
            return value_error_at(u, key, err);
        }
        values[i] = json_array_get(json_array_get(pairs, k), 1);
    }
    return 0;
}

/* One `'table': {…}` of outputs, as a function of its own. */
static int read_output(const struct understanding *u, const json_t *key, const json_t *value,
                       struct declared_function *output, corrie_error *err)
{
    static const struct signature names = {"outputs", output_keywords};
    struct signature signature = {"", output_keywords};
    const json_t *values[ARRAY_LEN(output_keywords)];

    if (!value_is(key, "str")) {
        return value_wrong(u, &names, "each name", key, "a text", err);
    }
    int r = value_name(u, &names, "name", key, &output->name, err);
    if (r < 0) {
        return r;
    }
    signature.name = arena_printf(u->arena, "output %.*s", STR_FMT(output->name));
    if (!signature.name) {
        return corrie_fail_memory(err);
    }
    if (!value_is(value, "dict") && !value_is(value, "none")) {
        return value_wrong(u, &signature, "what is said", value, "a dictionary", err);
    }
    r = bind_output(u, &signature, json_object_get(value, "value"), values, err);
    return r < 0 ? r : read_table(u, &signature, values, output, err);
}

/* outputs={'a': {…}, 'b': {…}}: a declaration each, next to each other. */
static int add_outputs(const struct understanding *u, corrie_error *err)
{
    static const struct signature signature = {"@model", model_keywords};
    const json_t *pairs = json_object_get(u->outputs, "value");
    size_t n = json_array_size(pairs);

    if (!value_is(u->outputs, "dict")) {
        return value_wrong(u, &signature, "outputs", u->outputs, "a dictionary of tables", err);
    }
    if (n == 0 || n > MAX_OUTPUTS) {
        corrie_fail(err, n ? CORRIE_E_LIMIT : CORRIE_E_PROJECT,
                    n ? "outputs of @model has more than %d tables"
                      : "outputs of @model names no table; it takes up to %d",
                    MAX_OUTPUTS);
        return value_error_at(u, u->outputs, err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *pair = json_array_get(pairs, i);
        struct declared_function output = *u->function;
        output.output = i;
        output.n_outputs = n;
        output.by_name = true;
        int r = read_output(u, json_array_get(pair, 0), json_array_get(pair, 1), &output, err);
        if (r < 0) {
            return r;
        }
        if (vec_push(&u->declaring->functions, output) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* ---- functions ---------------------------------------------------------------------------------- */

static int read_function(struct declaring *declaring, const struct source_file *source,
                         const json_t *doc, corrie_error *err)
{
    struct declared_function function = {
        .language = SOURCE_PYTHON,
        .source = source,
        .columns = {.all = true},
        .n_outputs = 1,
        .python = declaring->python,
        .packages = declaring->packages,
        .n_packages = declaring->n_packages,
        .timeout = declaring->timeout,
    };
    struct understanding u = {
        .declaring = declaring, .arena = declaring->arena, .source = source, .function = &function};

    function.place = value_place(&u, doc);
    function.columns.place = function.place;
    if (arena_str(u.arena, js_str(json_object_get(doc, "function")), &function.function) < 0) {
        return corrie_fail_memory(err);
    }
    function.name = function.function;
    int r = read_decorators(&u, json_object_get(doc, "decorators"), err);
    if (r >= 0) {
        r = name_check_model(function.function, err);
        if (r < 0) {
            err->code = CORRIE_E_PROJECT;
            return place_error(declaring->project, &function.place, err);
        }
    }
    if (r >= 0) {
        r = read_arguments(&u, json_object_get(doc, "arguments"), err);
    }
    if (r >= 0) {
        r = declare_code(declaring, doc, &function, err);
    }
    if (r >= 0 && u.outputs) {
        return add_outputs(&u, err);
    }
    if (r < 0) {
        return r;
    }
    return vec_push(&declaring->functions, function) < 0 ? corrie_fail_memory(err) : 0;
}

static int report_problem(struct declaring *declaring, const struct source_file *source,
                          const json_t *problem, corrie_error *err)
{
    struct understanding u = {.declaring = declaring, .source = source};
    const char *message = json_string_value(json_object_get(problem, "message"));
    const char *hint = json_string_value(json_object_get(problem, "hint"));
    bool syntax = json_is_true(json_object_get(problem, "syntax"));

    corrie_fail(err, CORRIE_E_PROJECT, "%s%s", syntax ? "syntax error: " : "",
                message ? message : "");
    if (hint && hint[0]) {
        corrie_hint(err, "%s", hint);
    }
    return value_error_at(&u, problem, err);
}

int declare_python(struct declaring *declaring, const struct source_file *source, const json_t *doc,
                   corrie_error *err)
{
    json_t *functions, *problems;

    int r = js_get_array(doc, "functions", &functions, CORRIE_E_INTERNAL, err);
    if (r >= 0) {
        r = js_get_array(doc, "problems", &problems, CORRIE_E_INTERNAL, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "declarations of %.*s", STR_FMT(source->path));
    }
    if (json_array_size(problems) > 0) {
        return report_problem(declaring, source, json_array_get(problems, 0), err);
    }
    for (size_t i = 0; i < json_array_size(functions); i++) {
        if (declaring->functions.count >= CORRIE_MAX_FUNCTIONS) {
            return corrie_fail(err, CORRIE_E_LIMIT, "the project has more than %d functions",
                               CORRIE_MAX_FUNCTIONS);
        }
        r = read_function(declaring, source, json_array_get(functions, i), err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}
