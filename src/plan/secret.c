/* secret.c — parameters whose value is kept elsewhere: only the reference to it is in plans, records and logs.
 *
 * The value itself is in this process' memory from when it is read, and in the memory of the functions that get it. It is not
 * wiped from there: copies pass through buffers and JSON. So a process that has read one leaves no core. */
#include "base/json.h"
#include "lang/project.h"
#include "os/file.h"
#include "os/keyring.h"
#include "os/path.h"
#include "os/proc.h"
#include "os/user.h"
#include "plan/build_priv.h"

#define MAX_SECRET ((size_t)64 * 1024)

static int read_env(const char *name, struct buf *out, corrie_error *err)
{
    const char *value = os_env(name);

    if (!value) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "the environment variable %s is not set", name);
        return corrie_hint(err, "set it: export %s=…", name);
    }
    buf_add_text(out, value);
    return 0;
}

/* The file's text without the newline that editors put at its end. */
static int read_file(const struct project_dir *project, struct str path, struct buf *out,
                     corrie_error *err)
{
    _free_ char *file = NULL;

    int r = os_path_join(project->dir, path, &file, err); /* an absolute one stays */
    if (r >= 0) {
        r = os_file_read(file, MAX_SECRET, out, err);
    }
    if (r >= 0 && str_ends(buf_str(out), STR("\n"))) {
        out->len -= str_ends(buf_str(out), STR("\r\n")) ? 2 : 1;
    }
    return r < 0 ? r : 0;
}

static int fail_vault(corrie_error *err)
{
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "vaults of other services cannot be asked");
    return corrie_hint(err,
                       "make it a secret: corrie parameter set NAME env:VARIABLE --type secret");
}

/* Appends the value of a parameter that has one. */
static int read_value(const struct plan *plan, const struct plan_parameter *parameter,
                      struct buf *out, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    enum secret_kind kind;
    struct str where;
    size_t bad;
    int r;

    if (parameter->value.type == PARAM_VAULT) {
        return fail_vault(err);
    }
    if (!secret_reference(parameter->value.text, &kind, &where)) {
        corrie_fail(err, CORRIE_E_PROJECT, "the value of a secret is where it is to be found");
        return corrie_hint(err, "env:NAME, file:PATH or keyring:NAME; one that is written down, "
                                "encrypted too, is none");
    }
    char *text = arena_text(&arena, where);
    if (!text) {
        return corrie_fail_memory(err);
    }
    os_forbid_core();
    r = kind == SECRET_ENV    ? read_env(text, out, err)
        : kind == SECRET_FILE ? read_file(plan->project, where, out, err)
                              : os_keyring_read(text, out, err);
    if (r < 0 || buf_check(out, err) < 0) {
        return err->code;
    }
    if (!str_is_utf8(buf_str(out), &bad)) {
        return corrie_fail(err, CORRIE_E_DATA, "the secret is not UTF-8 text");
    }
    return 0;
}

/* Adds the variable that the reference names, if it names one. */
static int add_variable(struct str reference, struct arena *arena, struct str *names, size_t *n,
                        corrie_error *err)
{
    enum secret_kind kind;
    struct str where;

    if (!secret_reference(reference, &kind, &where) || kind != SECRET_ENV) {
        return 0;
    }
    return arena_str(arena, where, &names[(*n)++]) < 0 ? corrie_fail_memory(err) : 0;
}

int secret_variables(const struct project *settings, const struct plan *plan, struct arena *arena,
                     struct str **ret, size_t *ret_n, corrie_error *err)
{
    size_t n_given = plan ? plan->n_parameters : 0, n = 0;
    struct str *names = arena_array(arena, struct str, settings->n_parameters + n_given);
    int r = names ? 0 : corrie_fail_memory(err);

    for (size_t i = 0; r >= 0 && i < settings->n_parameters; i++) {
        if (settings->parameters[i].type == PARAM_SECRET && settings->parameters[i].has_default) {
            r = add_variable(settings->parameters[i].default_value.text, arena, names, &n, err);
        }
    }
    for (size_t i = 0; r >= 0 && i < n_given; i++) {
        if (plan_parameter_is_secret(&plan->parameters[i])) {
            r = add_variable(plan->parameters[i].value.text, arena, names, &n, err);
        }
    }
    if (r >= 0) {
        *ret = names;
        *ret_n = n;
    }
    return r;
}

bool plan_parameter_is_secret(const struct plan_parameter *parameter)
{
    return parameter->has_value &&
           (parameter->value.type == PARAM_SECRET || parameter->value.type == PARAM_VAULT);
}

int plan_check_secret(const struct planning *p, const struct plan_parameter *parameter,
                      corrie_error *err)
{
    const struct project_parameter *declared =
        &p->project->settings->parameters[parameter - p->plan->parameters];
    _cleanup_(buf_done) struct buf value = {0};

    if (!plan_parameter_is_secret(parameter) || p->options->dry_run) {
        return 0;
    }
    int r = read_value(p->plan, parameter, &value, err);
    if (r >= 0) {
        return 0;
    }
    if (parameter->given) {
        err->code = r == CORRIE_E_PROJECT ? CORRIE_E_USAGE : r;
        return corrie_wrap(err, "--param %.*s", STR_FMT(parameter->name));
    }
    corrie_wrap(err, "secret %.*s", STR_FMT(parameter->name));
    return project_error_at(p->project->settings, &declared->default_text, err);
}

int plan_parameter_value(const struct plan *plan, const struct plan_parameter *parameter,
                         json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf value = {0};
    json_t *json;

    if (plan_parameter_is_secret(parameter)) {
        int r = read_value(plan, parameter, &value, err);
        if (r < 0) {
            return corrie_wrap(err, "secret %.*s", STR_FMT(parameter->name));
        }
        json = js_string(buf_str(&value));
    } else if (!parameter->has_value) {
        json = json_null();
    } else if (parameter->value.type == PARAM_INT) {
        json = json_integer(parameter->value.i);
    } else if (parameter->value.type == PARAM_FLOAT) {
        json = json_real(parameter->value.f);
    } else if (parameter->value.type == PARAM_BOOL) {
        json = json_boolean(parameter->value.i);
    } else {
        json = js_string(parameter->value.text);
    }
    if (!json) {
        return corrie_fail_memory(err);
    }
    *ret = json;
    return 0;
}
