/* environment.c — @python and @extras: the interpreter and packages that a function asks for. */
#include "plan/python_priv.h"

#include "base/json.h"

static const char *const python_keywords[] = {"version", "pip", NULL};
enum { PYTHON_VERSION, PYTHON_PIP };

/* ---- @python ------------------------------------------------------------------------------------ */

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

int decorator_python(struct understanding *u, const json_t *call, corrie_error *err)
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

/* ---- @extras ------------------------------------------------------------------------------------ */

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

int decorator_extras(struct understanding *u, const json_t *call, corrie_error *err)
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

int packages_settle(struct understanding *u, corrie_error *err)
{
    struct declared_function *function = u->function;
    int r = packages_merge(u->declaring->packages, u->declaring->n_packages, u->extra, u->n_extra,
                           u->arena, &function->packages, &function->n_packages, err);

    return r < 0 ? r
                 : packages_merge(function->packages, function->n_packages, u->own, u->n_own,
                                  u->arena, &function->packages, &function->n_packages, err);
}
