/* python.c — what the reader's documents mean: functions with their decorators. */
#include "plan/python_priv.h"

#include "base/json.h"
#include "base/limits.h"
#include "lang/name.h"

static const char *const expectation_keywords[] = {"name", "on", NULL};
enum { EXPECTATION_NAME, EXPECTATION_ON };

static const char *const resources_keywords[] = {"cpus", "memory", "memory_swap", "timeout", NULL};
enum { RESOURCES_CPUS, RESOURCES_MEMORY, RESOURCES_MEMORY_SWAP, RESOURCES_TIMEOUT };

/* ---- decorators --------------------------------------------------------------------------------- */

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

typedef int (*read_decorator_fn)(struct understanding *, const json_t *, corrie_error *);

static const struct {
    const char *name;
    read_decorator_fn read;
} decorators[] = {
    {"model", decorator_model},    {"expectation", read_expectation}, {"python", decorator_python},
    {"resources", read_resources}, {"extras", decorator_extras},
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
    return u->n_own + u->n_extra > 0 ? packages_settle(u, err) : 0;
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
        r = arguments_declare(&u, json_object_get(doc, "arguments"), err);
    }
    if (r >= 0) {
        r = declare_code(declaring, doc, &function, err);
    }
    if (r >= 0 && u.outputs) {
        return outputs_declare(&u, err);
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
