/* python.c — which interpreters there are, as uv sees them. */
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/vec.h"
#include "env/env_priv.h"
#include "os/dir.h"
#include "os/path.h"
#include "os/user.h"

/* The oldest that the harness runs on, and the newest for which packages commonly have wheels: what is
 * taken where nothing is asked for. */
#define OLDEST_MINOR 9
#define USUAL_MINOR 13

void env_python_list_done(struct env_python_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        mem_free(list->items[i].path);
        mem_free(list->items[i].version);
    }
    vec_done(list);
}

/* Three numbers of "3.11.7". False for pre-releases. */
static bool parse_version(struct str text, int64_t ret[3])
{
    for (int i = 0; i < 3; i++) {
        struct str part;
        bool more = str_cut(text, '.', &part, &text);

        if (!str_to_int64(part, &ret[i]) || more != (i < 2)) {
            return false;
        }
    }
    return true;
}

static int compare_versions(struct str a, struct str b)
{
    int64_t x[3] = {0}, y[3] = {0};

    if (!parse_version(a, x) || !parse_version(b, y)) {
        return 0;
    }
    for (int i = 0; i < 3; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

/* Inserts by version, newest first; of one version the first found (uv lists by PATH) stays. */
static int add_python(struct env_python_list *list, struct str path, struct str version,
                      corrie_error *err)
{
    struct env_python item;
    size_t at = 0;

    while (at < list->count && compare_versions(str_of(list->items[at].version), version) > 0) {
        at++;
    }
    if (at < list->count && str_eq(str_of(list->items[at].version), version)) {
        return 0;
    }
    item = (struct env_python){str_dup(path), str_dup(version)};
    if (!item.path || !item.version || vec_push(list, item) < 0) {
        mem_free(item.path);
        mem_free(item.version);
        return corrie_fail_memory(err);
    }
    memmove(&list->items[at + 1], &list->items[at], (list->count - 1 - at) * sizeof item);
    list->items[at] = item;
    return 0;
}

int python_parse_list(struct str json, struct env_python_list *ret, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    json_t *entry;
    size_t i;
    int r;

    r = js_parse(json, "uv's list of interpreters", &doc, err);
    if (r < 0) {
        return r;
    }
    json_array_foreach(doc, i, entry)
    {
        struct str path, version, implementation, variant = STR("default");
        int64_t numbers[3];

        r = js_get_str(entry, "version", &version, CORRIE_E_INTERNAL, err);
        r = r < 0 ? r
                  : js_get_str(entry, "implementation", &implementation, CORRIE_E_INTERNAL, err);
        r = r < 0 ? r : js_opt_str(entry, "path", &path, CORRIE_E_INTERNAL, err);
        if (r == 0) {
            continue; /* one that could be downloaded */
        }
        r = r < 0 ? r : js_opt_str(entry, "variant", &variant, CORRIE_E_INTERNAL, err);
        if (r < 0) {
            return corrie_wrap(err, "read uv's list of interpreters");
        }
        if (str_eq(implementation, STR("cpython")) && str_eq(variant, STR("default")) &&
            parse_version(version, numbers) && numbers[0] == 3 && numbers[1] >= OLDEST_MINOR) {
            r = add_python(ret, path, version, err);
            if (r < 0) {
                return r;
            }
        }
    }
    return 0;
}

static int no_python(const struct env_python_list *list, struct str version, corrie_error *err)
{
    _cleanup_(buf_done) struct buf have = {0};
    int64_t minor;

    for (size_t i = 0; i < list->count; i++) {
        buf_addf(&have, "%s%s", i > 0 ? ", " : "", list->items[i].version);
    }
    if (list->count == 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "there is no Python 3.%d or newer on this machine",
                    OLDEST_MINOR);
        return corrie_hint(err, "install one, with its system package or `uv python install 3.12`");
    }
    if (str_starts(version, STR("3.")) &&
        str_to_int64(str_slice(version, 2, (size_t)(version.len - 2)), &minor) &&
        minor < OLDEST_MINOR) {
        corrie_fail(err, CORRIE_E_PROJECT,
                    "Python %.*s is too old: functions run on 3.%d and newer", STR_FMT(version),
                    OLDEST_MINOR);
        return corrie_hint(err, "found here: %s", buf_text(&have));
    }
    corrie_fail(err, CORRIE_E_PROJECT, "Python %.*s is not installed here", STR_FMT(version));
    return corrie_hint(err,
                       "found: %s; ask for one of these, or install it: `uv python install %.*s`",
                       buf_text(&have), STR_FMT(version));
}

/* Whether it is the newest of its series that is allowed: those of a series stand together, newest first. */
static bool is_first_of_series(const struct env_python_list *list, size_t i)
{
    int64_t one[3] = {0}, before[3] = {0};

    return i == 0 || !parse_version(str_of(list->items[i].version), one) ||
           !parse_version(str_of(list->items[i - 1].version), before) || one[1] != before[1];
}

static bool is_usual(const struct env_python *python)
{
    int64_t numbers[3] = {0};

    return parse_version(str_of(python->version), numbers) && numbers[1] <= USUAL_MINOR;
}

static bool is_allowed(const struct env_python_list *list, size_t i, struct str version)
{
    struct str have = str_of(list->items[i].version);

    if (version.len > 0 && !(str_starts(have, version) &&
                             (have.len == version.len || have.data[version.len] == '.'))) {
        return false;
    }
    return str_eq(have, version) || is_first_of_series(list, i);
}

int python_choose(const struct env_python_list *list, struct str version, size_t *order,
                  size_t *ret_n, corrie_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (is_allowed(list, i, version) && is_usual(&list->items[i])) {
            order[n++] = i;
        }
    }
    for (size_t i = list->count; i > 0; i--) {
        if (is_allowed(list, i - 1, version) && !is_usual(&list->items[i - 1])) {
            order[n++] = i - 1;
        }
    }
    *ret_n = n;
    return n > 0 ? 0 : no_python(list, version, err);
}

int python_search_path(struct arena *arena, const char *path, const char **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf out = {0};
    _free_ char *home = NULL, *versions = NULL;
    struct str rest = str_of(path), head;
    struct os_entry *entries;
    size_t n = 0;
    bool more = true;
    int r;

    while (more) {
        more = str_cut(rest, ':', &head, &rest);
        if (head.len > 0 && !str_ends(head, STR("pyenv/shims"))) {
            buf_addf(&out, "%s%.*s", out.len > 0 ? ":" : "", STR_FMT(head));
        }
    }
    r = os_env("PYENV_ROOT") ? 0 : os_home(&home, err);
    if (r >= 0) {
        r = os_env("PYENV_ROOT")
                ? os_path_join(str_of(os_env("PYENV_ROOT")), STR("versions"), &versions, err)
                : os_path_join(str_of(home), STR(".pyenv/versions"), &versions, err);
    }
    if (r >= 0 && os_dir_list(versions, arena, &entries, &n, err) >= 0) {
        for (size_t i = 0; i < n; i++) {
            /* uv tells broken and too old ones apart; of two series it takes what is asked for */
            if (str_starts(entries[i].name, STR("3"))) {
                buf_addf(&out, ":%s/%.*s/bin", versions, STR_FMT(entries[i].name));
            }
        }
    }
    corrie_error_clear(err); /* no home, no pyenv: nothing to add */
    *ret = arena_text(arena, buf_str(&out));
    return *ret && out.failed == 0 ? 0 : corrie_fail_memory(err);
}

int python_list(const struct uv *uv, struct env_python_list *ret, corrie_error *err)
{
    static const char *const args[] = {
        "python", "list", "--only-installed", "--output-format", "json", "--offline", NULL};
    _cleanup_(buf_done) struct buf out = {0};
    int r;

    buf_init(&out, CORRIE_MAX_UV_OUTPUT);
    r = uv_run(uv, args, NULL, &out, err);
    if (r < 0) {
        return corrie_wrap(err, "look for Python interpreters");
    }
    r = buf_check(&out, err);
    return r < 0 ? r : python_parse_list(buf_str(&out), ret, err);
}

int env_find_pythons(const struct env_options *options, struct env_python_list *ret,
                     corrie_error *err)
{
    _cleanup_(uv_done) struct uv uv = {0};
    int r;

    r = uv_init(&uv, options, err);
    return r < 0 ? r : python_list(&uv, ret, err);
}
