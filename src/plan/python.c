/* python.c — what the reader's documents mean: decorators, inputs, parameters. */

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lang/name.h"
#include "plan/plan_priv.h"

#define MAX_KEYWORDS 12

/* One function while it is understood. */
struct understanding {
    struct declaring *declaring;
    struct arena *arena;
    const struct source_file *source;
    struct declared_function *function;
};

/* What a call of ours may be given, in the order of its signature. */
struct signature {
    const char *name;            /* as users write it: "@bauplan.model" */
    const char *const *keywords; /* NULL-terminated */
};

static const char *const model_keywords[] = {
    "name",           "columns",         "partitioned_by",   "materialization_strategy",
    "cache_strategy", "internet_access", "overwrite_filter", NULL,
};
enum {
    MODEL_NAME,
    MODEL_COLUMNS,
    MODEL_PARTITIONED_BY,
    MODEL_STRATEGY,
    MODEL_CACHE,
    MODEL_INTERNET,
    MODEL_OVERWRITE_FILTER
};

static const char *const expectation_keywords[] = {"name", NULL};
enum { EXPECTATION_NAME };

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

/* ---- places ------------------------------------------------------------------------------------- */

static struct place place_of(const struct understanding *u, const json_t *object)
{
    const json_t *at = json_object_get(object, "at");

    return (struct place){
        .file = u->source->path,
        .line = (long)json_integer_value(json_array_get(at, 0)),
        .column = (long)json_integer_value(json_array_get(at, 1)),
        .width = (long)json_integer_value(json_array_get(at, 2)),
    };
}

/* Puts the position of `object` into an error that has been made. Returns its code. */
static int at_object(const struct understanding *u, const json_t *object, corrie_error *err)
{
    struct place place = place_of(u, object);

    return place_error(u->declaring->project, &place, err);
}

/* ---- values ------------------------------------------------------------------------------------- */

static const char *kind_of(const json_t *value)
{
    const char *kind = json_string_value(json_object_get(value, "kind"));

    return kind ? kind : "";
}

static bool is_kind(const json_t *value, const char *kind)
{
    return strcmp(kind_of(value), kind) == 0;
}

static const char *kind_title(const json_t *value)
{
    static const char *const titles[][2] = {
        {"str", "a text"},         {"int", "a number"}, {"float", "a number"},
        {"bool", "True or False"}, {"list", "a list"},  {"dict", "a dictionary"},
        {"none", "None"},
    };

    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (is_kind(value, titles[i][0])) {
            return titles[i][1];
        }
    }
    return "something else";
}

/* "`columns` of @bauplan.model …" for a value that is not what it should be. */
static int wrong_value(const struct understanding *u, const struct signature *signature,
                       const char *keyword, const json_t *value, const char *wanted,
                       corrie_error *err)
{
    const char *reason = json_string_value(json_object_get(value, "reason"));

    if (is_kind(value, "unknown")) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s must be known without running the code: %s",
                    keyword, signature->name, reason ? reason : "it is not a constant");
        corrie_hint(err, "literals, constants of the same file, and f-strings and `+` of them are");
    } else {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s must be %s, not %s", keyword, signature->name,
                    wanted, kind_title(value));
    }
    return at_object(u, value, err);
}

/* A text into the arena. 1 set, 0 None or not given. */
static int get_text(const struct understanding *u, const struct signature *signature,
                    const char *keyword, const json_t *value, struct str *ret, corrie_error *err)
{
    if (!value || is_kind(value, "none")) {
        return 0;
    }
    if (!is_kind(value, "str")) {
        return wrong_value(u, signature, keyword, value, "a text", err);
    }
    if (arena_str(u->arena, js_str(json_object_get(value, "value")), ret) < 0) {
        return corrie_fail_memory(err);
    }
    return 1;
}

static int get_bool(const struct understanding *u, const struct signature *signature,
                    const char *keyword, const json_t *value, bool *ret, corrie_error *err)
{
    if (!value || is_kind(value, "none")) {
        return 0;
    }
    if (!is_kind(value, "bool")) {
        return wrong_value(u, signature, keyword, value, "True or False", err);
    }
    *ret = json_is_true(json_object_get(value, "value"));
    return 1;
}

/* A number above 0. */
static int get_number(const struct understanding *u, const struct signature *signature,
                      const char *keyword, const json_t *value, double *ret, corrie_error *err)
{
    if (!value || is_kind(value, "none")) {
        return 0;
    }
    double number = json_number_value(json_object_get(value, "value"));
    if ((!is_kind(value, "int") && !is_kind(value, "float"))) {
        return wrong_value(u, signature, keyword, value, "a number", err);
    }
    if (!(number > 0) || number > 1e12) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s must be above 0", keyword, signature->name);
        return at_object(u, value, err);
    }
    *ret = number;
    return 1;
}

/* '1G', or a number of MiB. */
static int get_size(const struct understanding *u, const struct signature *signature,
                    const char *keyword, const json_t *value, uint64_t *ret, corrie_error *err)
{
    double number = 0;

    if (value && is_kind(value, "str")) {
        if (str_to_size(js_str(json_object_get(value, "value")), ret) && *ret > 0) {
            return 1;
        }
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s is not a size", keyword, signature->name);
        corrie_hint(err, "write '512M', '1.5G' or a number of MiB");
        return at_object(u, value, err);
    }
    int r = get_number(u, signature, keyword, value, &number, err);
    if (r > 0) {
        *ret = (uint64_t)(number * (double)CORRIE_MiB);
    }
    return r;
}

/* A list of texts; a single text is a list of one. `what` names an item in messages. */
static int get_texts(const struct understanding *u, const struct signature *signature,
                     const char *keyword, const json_t *value, struct str **ret, size_t *ret_n,
                     corrie_error *err)
{
    if (!value || is_kind(value, "none")) {
        return 0;
    }
    const json_t *items = json_object_get(value, "value");
    bool single = is_kind(value, "str");
    size_t n = single ? 1 : json_array_size(items);
    if (!single && !is_kind(value, "list")) {
        return wrong_value(u, signature, keyword, value, "a list of texts", err);
    }
    if (n == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s of %s is empty", keyword, signature->name);
        corrie_hint(err, "leave it out to mean everything");
        return at_object(u, value, err);
    }
    if (n > CORRIE_MAX_COLUMNS) {
        corrie_fail(err, CORRIE_E_LIMIT, "%s of %s has more than %d items", keyword,
                    signature->name, CORRIE_MAX_COLUMNS);
        return at_object(u, value, err);
    }
    struct str *texts = arena_array(u->arena, struct str, n);
    if (!texts) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = single ? value : json_array_get(items, i);
        int r = is_kind(item, "str")
                    ? get_text(u, signature, keyword, item, &texts[i], err)
                    : wrong_value(u, signature, keyword, item, "a list of texts", err);
        if (r < 0) {
            return r;
        }
    }
    *ret = texts;
    *ret_n = n;
    return 1;
}

/* Names of columns: each a good name, none twice; "*" stands for all. */
static int get_columns(const struct understanding *u, const struct signature *signature,
                       const json_t *value, struct name_list *ret, corrie_error *err)
{
    _cleanup_(map_done) struct map seen = {0};
    struct str *texts = NULL;
    size_t n = 0;

    int r = get_texts(u, signature, "columns", value, &texts, &n, err);
    *ret = (struct name_list){.all = true, .place = u->function->place};
    if (r <= 0) {
        return r;
    }
    ret->place = place_of(u, value);
    ret->given = true;
    ret->all = false;
    ret->items = arena_array(u->arena, struct str, n);
    if (!ret->items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item =
            is_kind(value, "str") ? value : json_array_get(json_object_get(value, "value"), i);
        if (str_eq(texts[i], STR("*"))) {
            ret->all = true;
            continue;
        }
        r = name_check_column(texts[i], err);
        if (r >= 0 && map_find(&seen, texts[i])) {
            r = corrie_fail(err, CORRIE_E_PROJECT, "column %.*s stands twice in columns of %s",
                            STR_FMT(texts[i]), signature->name);
        }
        if (r < 0) {
            err->code = CORRIE_E_PROJECT;
            return at_object(u, item, err);
        }
        if (map_put(&seen, texts[i], NULL) < 0) {
            return corrie_fail_memory(err);
        }
        ret->items[ret->count++] = texts[i];
    }
    return 0;
}

/* ---- calls -------------------------------------------------------------------------------------- */

static size_t count_keywords(const struct signature *signature)
{
    size_t n = 0;

    while (signature->keywords[n]) {
        n++;
    }
    return n;
}

static int unknown_keyword(const struct understanding *u, const struct signature *signature,
                           const json_t *keyword, corrie_error *err)
{
    struct str names[MAX_KEYWORDS];
    size_t n = count_keywords(signature);
    struct str name = js_str(json_object_get(keyword, "name"));

    for (size_t i = 0; i < n; i++) {
        names[i] = str_of(signature->keywords[i]);
    }
    corrie_fail(err, CORRIE_E_PROJECT, "%s has no argument %.*s", signature->name, STR_FMT(name));
    hint_nearest(name, names, n, err);
    return at_object(u, keyword, err);
}

/* Puts the arguments of `call` where the signature has them: values[i] belongs to keywords[i]. */
static int bind_call(const struct understanding *u, const struct signature *signature,
                     const json_t *call, const json_t *values[MAX_KEYWORDS], corrie_error *err)
{
    const json_t *args = json_object_get(call, "args");
    const json_t *keywords = json_object_get(call, "keywords");
    size_t n = count_keywords(signature);

    for (size_t i = 0; i < MAX_KEYWORDS; i++) {
        values[i] = NULL;
    }
    for (size_t i = 0; i < json_array_size(args); i++) {
        if (i >= n) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s takes at most %zu arguments", signature->name,
                        n);
            return at_object(u, json_array_get(args, i), err);
        }
        values[i] = json_array_get(args, i);
    }
    for (size_t k = 0; k < json_array_size(keywords); k++) {
        const json_t *keyword = json_array_get(keywords, k);
        struct str name = js_str(json_object_get(keyword, "name"));
        size_t i = 0;
        while (i < n && !str_eq(name, str_of(signature->keywords[i]))) {
            i++;
        }
        if (i == n) {
            return unknown_keyword(u, signature, keyword, err);
        }
        if (values[i]) {
            corrie_fail(err, CORRIE_E_PROJECT, "%s is given %.*s twice", signature->name,
                        STR_FMT(name));
            return at_object(u, keyword, err);
        }
        values[i] = json_object_get(keyword, "value");
    }
    return 0;
}

/* ---- decorators --------------------------------------------------------------------------------- */

/* A name given by the user: one or two parts, each a good model name. */
static int get_name(const struct understanding *u, const struct signature *signature,
                    const json_t *value, corrie_error *err)
{
    struct table_name name;

    int r = get_text(u, signature, "name", value, &u->function->name, err);
    if (r > 0) {
        r = table_name_parse(u->function->name, &name, err);
        if (r >= 0) {
            r = name_check_model(name.table, err);
        }
        if (r < 0 && r != CORRIE_E_NO_MEMORY) {
            err->code = CORRIE_E_PROJECT;
            return at_object(u, value, err);
        }
    }
    return r < 0 ? r : 0;
}

static int read_model(const struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@model", model_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_function *function = u->function;
    struct str text;

    function->kind = FUNCTION_MODEL;
    int r = bind_call(u, &signature, call, values, err);
    if (r >= 0) {
        r = get_name(u, &signature, values[MODEL_NAME], err);
    }
    if (r >= 0) {
        r = get_columns(u, &signature, values[MODEL_COLUMNS], &function->columns, err);
    }
    if (r >= 0) {
        r = get_texts(u, &signature, "partitioned_by", values[MODEL_PARTITIONED_BY],
                      &function->partitioned_by, &function->n_partitioned_by, err);
    }
    if (r >= 0) {
        r = get_text(u, &signature, "materialization_strategy", values[MODEL_STRATEGY], &text, err);
    }
    if (r > 0 && strategy_parse(text, &function->strategy, err) < 0) {
        return at_object(u, values[MODEL_STRATEGY], err);
    }
    if (r >= 0) {
        r = get_text(u, &signature, "cache_strategy", values[MODEL_CACHE], &text, err);
    }
    if (r > 0 && cache_strategy_parse(text, &function->no_cache, err) < 0) {
        return at_object(u, values[MODEL_CACHE], err);
    }
    if (r >= 0) {
        r = get_bool(u, &signature, "internet_access", values[MODEL_INTERNET],
                     &function->internet_access, err);
    }
    if (r >= 0) {
        r = get_text(u, &signature, "overwrite_filter", values[MODEL_OVERWRITE_FILTER],
                     &function->overwrite_filter, err);
    }
    return r < 0 ? r : 0;
}

static int read_expectation(const struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@expectation", expectation_keywords};
    const json_t *values[MAX_KEYWORDS];

    u->function->kind = FUNCTION_EXPECTATION;
    int r = bind_call(u, &signature, call, values, err);

    return r < 0 ? r : get_name(u, &signature, values[EXPECTATION_NAME], err);
}

static int read_pip(const struct understanding *u, const struct signature *signature,
                    const json_t *value, struct declared_package **ret, size_t *ret_n,
                    corrie_error *err)
{
    if (!value || is_kind(value, "none")) {
        return 0;
    }
    const json_t *pairs = json_object_get(value, "value");
    size_t n = json_array_size(pairs);
    if (!is_kind(value, "dict")) {
        return wrong_value(u, signature, "pip", value, "a dictionary of packages and versions",
                           err);
    }
    struct declared_package *packages = arena_array(u->arena, struct declared_package, n + 1);
    if (!packages) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *key = json_array_get(json_array_get(pairs, i), 0);
        const json_t *pin = json_array_get(json_array_get(pairs, i), 1);
        struct str name = STR_EMPTY, version = STR_EMPTY;
        int r = get_text(u, signature, "pip", key, &name, err);
        if (r < 0) {
            return r;
        }
        if (is_kind(pin, "int") || is_kind(pin, "float")) {
            corrie_fail(err, CORRIE_E_PROJECT, "the version of %.*s must be a text", STR_FMT(name));
            corrie_hint(err, "put it in quotes: 1.10 as a number is 1.1");
            return at_object(u, pin, err);
        }
        r = get_text(u, signature, "pip", pin, &version, err);
        if (r < 0) {
            return r;
        }
        r = package_parse(name, version, u->arena, &packages[i], err);
        if (r < 0) {
            return at_object(u, is_kind(pin, "none") ? key : pin, err);
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(packages[k].name, packages[i].name)) {
                corrie_fail(err, CORRIE_E_PROJECT, "package %.*s stands twice",
                            STR_FMT(packages[i].name));
                return at_object(u, key, err);
            }
        }
    }
    *ret = packages;
    *ret_n = n;
    return 0;
}

static int read_python(const struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@python", python_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_package *own = NULL;
    size_t n_own = 0;

    int r = bind_call(u, &signature, call, values, err);
    if (r < 0) {
        return r;
    }
    const json_t *version = values[PYTHON_VERSION];
    if (version && (is_kind(version, "float") || is_kind(version, "int"))) {
        corrie_fail(err, CORRIE_E_PROJECT, "the Python version must be a text");
        corrie_hint(err, "put it in quotes: 3.10 as a number is 3.1");
        return at_object(u, version, err);
    }
    r = get_text(u, &signature, "version", version, &u->function->python, err);
    if (r > 0 && python_version_check(u->function->python, err) < 0) {
        return at_object(u, version, err);
    }
    if (r >= 0) {
        r = read_pip(u, &signature, values[PYTHON_PIP], &own, &n_own, err);
    }
    if (r >= 0) {
        r = packages_merge(u->declaring->packages, u->declaring->n_packages, own, n_own, u->arena,
                           &u->function->packages, &u->function->n_packages, err);
    }
    return r;
}

static int read_resources(const struct understanding *u, const json_t *call, corrie_error *err)
{
    static const struct signature signature = {"@resources", resources_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_function *function = u->function;

    int r = bind_call(u, &signature, call, values, err);
    if (r >= 0) {
        r = get_number(u, &signature, "cpus", values[RESOURCES_CPUS], &function->cpus, err);
    }
    if (r >= 0) {
        r = get_size(u, &signature, "memory", values[RESOURCES_MEMORY], &function->memory, err);
    }
    if (r >= 0) {
        r = get_size(u, &signature, "memory_swap", values[RESOURCES_MEMORY_SWAP],
                     &function->memory_swap, err);
    }
    if (r >= 0) {
        r = get_number(u, &signature, "timeout", values[RESOURCES_TIMEOUT], &function->timeout,
                       err);
    }
    return r < 0 ? r : 0;
}

static int read_extras(const struct understanding *u, const json_t *call, corrie_error *err)
{
    static const char *const none[] = {NULL};
    static const struct signature signature = {"@extras", none};
    const json_t *args = json_object_get(call, "args");
    size_t n = json_array_size(args);

    if (json_array_size(json_object_get(call, "keywords")) > 0) {
        return unknown_keyword(u, &signature, json_array_get(json_object_get(call, "keywords"), 0),
                               err);
    }
    u->function->extras = arena_array(u->arena, struct str, n + 1);
    if (!u->function->extras) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        int r = get_text(u, &signature, "each name", json_array_get(args, i),
                         &u->function->extras[i], err);
        if (r < 0) {
            return r;
        }
    }
    u->function->n_extras = n;
    return 0;
}

typedef int (*read_decorator_fn)(const struct understanding *, const json_t *, corrie_error *);

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
    return at_object(u, decorator, err);
}

static int read_decorators(const struct understanding *u, const json_t *list, corrie_error *err)
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
            return at_object(u, decorator, err);
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
        corrie_hint(err, "add @bauplan.model() or @bauplan.expectation() above it");
        return place_error(u->declaring->project, &u->function->place, err);
    }
    return 0;
}

/* ---- arguments ---------------------------------------------------------------------------------- */

static int read_input(const struct understanding *u, struct str argument, const json_t *call,
                      corrie_error *err)
{
    static const struct signature signature = {"Model", input_keywords};
    const json_t *values[MAX_KEYWORDS];
    struct declared_input *input = &u->function->inputs[u->function->n_inputs];
    struct table_name name;

    *input = (struct declared_input){.argument = argument, .place = place_of(u, call)};
    int r = bind_call(u, &signature, call, values, err);
    if (r >= 0) {
        r = get_text(u, &signature, "name", values[INPUT_NAME], &input->table, err);
    }
    if (r == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "Model() names no table");
        corrie_hint(err, "write Model('table')");
        return at_object(u, call, err);
    }
    if (r > 0) {
        input->place = place_of(u, values[INPUT_NAME]);
        if (table_name_parse(input->table, &name, err) < 0) {
            err->code = CORRIE_E_PROJECT;
            return at_object(u, values[INPUT_NAME], err);
        }
    }
    for (size_t i = INPUT_CONNECTOR; i <= INPUT_CONNECTOR_URI && r >= 0; i++) {
        if (values[i] && !is_kind(values[i], "none")) {
            corrie_fail(err, CORRIE_E_UNSUPPORTED, "Model(%s=…): connectors are not supported",
                        input_keywords[i]);
            corrie_hint(err, "import the data into a table first: corrie import");
            return at_object(u, values[i], err);
        }
    }
    if (r >= 0) {
        r = get_columns(u, &signature, values[INPUT_COLUMNS], &input->columns, err);
    }
    if (r >= 0) {
        r = get_text(u, &signature, "filter", values[INPUT_FILTER], &input->filter, err);
    }
    if (r > 0) {
        input->filter_place = place_of(u, values[INPUT_FILTER]);
    }
    if (r >= 0) {
        r = get_text(u, &signature, "ref", values[INPUT_REF], &input->ref, err);
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

    *parameter = (struct declared_parameter){.argument = argument, .place = place_of(u, call)};
    int r = bind_call(u, &signature, call, values, err);
    if (r >= 0) {
        r = get_text(u, &signature, "name", values[PARAMETER_NAME], &parameter->name, err);
    }
    if (r == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "Parameter() has no name");
        return at_object(u, call, err);
    }
    u->function->n_parameters++;
    return r < 0 ? r : 0;
}

static int read_argument(const struct understanding *u, const json_t *argument, corrie_error *err)
{
    const json_t *value = json_object_get(argument, "default");
    const char *kind = json_string_value(json_object_get(argument, "kind"));
    struct str call = js_str(json_object_get(value, "name"));
    bool input = json_is_object(value) && str_eq(call, STR("Model"));
    bool parameter = json_is_object(value) && str_eq(call, STR("Parameter"));
    struct str name;

    if (arena_str(u->arena, js_str(json_object_get(argument, "name")), &name) < 0) {
        return corrie_fail_memory(err);
    }
    if (kind && strcmp(kind, "rest") == 0) {
        return 0;
    }
    if (!json_is_object(value)) {
        corrie_fail(err, CORRIE_E_PROJECT, "argument %.*s of %.*s has no default", STR_FMT(name),
                    STR_FMT(u->function->function));
        corrie_hint(err, "say what it gets: %.*s=Model('table') or Parameter('name')",
                    STR_FMT(name));
        return at_object(u, argument, err);
    }
    if ((input || parameter) && kind && strcmp(kind, "positional") == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "argument %.*s of %.*s is positional only",
                    STR_FMT(name), STR_FMT(u->function->function));
        corrie_hint(err, "inputs are given by name: take the '/' out");
        return at_object(u, argument, err);
    }
    if (call.len > 0 && !input && !parameter) {
        corrie_fail(err, CORRIE_E_PROJECT, "argument %.*s cannot be %.*s(…)", STR_FMT(name),
                    STR_FMT(call));
        corrie_hint(err, "inputs are Model('table') or Parameter('name')");
        return at_object(u, value, err);
    }
    return input       ? read_input(u, name, value, err)
           : parameter ? read_parameter(u, name, value, err)
                       : 0;
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
    if (function->kind == FUNCTION_EXPECTATION && function->n_inputs == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "expectation %.*s checks nothing",
                    STR_FMT(function->function));
        corrie_hint(err, "give it an input: data=Model('table')");
        return place_error(u->declaring->project, &function->place, err);
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
        .python = declaring->python,
        .packages = declaring->packages,
        .n_packages = declaring->n_packages,
        .timeout = declaring->timeout,
    };
    struct understanding u = {declaring, declaring->arena, source, &function};

    function.place = place_of(&u, doc);
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
    return at_object(&u, problem, err);
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
