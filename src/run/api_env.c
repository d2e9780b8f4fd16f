/* api_env.c — the environments of functions, in the public interface: those that are kept, and the project's lock file. */
#include <corrie/project.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/path.h"
#include "run/run_priv.h"

#define UNUSED_DEFAULT (INT64_C(30) * 24 * 3600)

/* ---- what they share ---- */

/* A project's environments, each once. */
struct wanted {
    struct hash hash; /* of the request */
    struct env_request request;
    const struct declared_function **functions;
    size_t n_functions;
};

struct envs {
    corrie_env_options options;
    struct env_options env;
    struct arena arena;
    struct project_dir *project; /* NULL: there is none */
    struct cache *cache;
    struct declarations *declarations;
    struct wanted *wanted;
    size_t n_wanted;
};

static void envs_done(struct envs *envs)
{
    declarations_free(envs->declarations);
    cache_close(envs->cache);
    project_close(envs->project);
    arena_done(&envs->arena);
}

static void tell(void *arg, struct str text)
{
    const struct envs *envs = arg;
    _cleanup_(buf_done) struct buf line = {0};

    buf_add_str(&line, text);
    if (!line.failed) {
        envs->options.progress(envs->options.progress_context, buf_text(&line));
    }
}

static void envs_init(struct envs *envs, const corrie_env_options *options)
{
    js_setup();
    envs->options = (corrie_env_options){.size = sizeof envs->options, .unused_seconds = -1};
    if (options) {
        memcpy(&envs->options, options,
               options->size < sizeof envs->options ? options->size : sizeof envs->options);
    }
    envs->env = (struct env_options){.cancel = envs->options.cancel,
                                     .progress = envs->options.progress ? tell : NULL,
                                     .progress_arg = envs};
}

static int want(struct envs *envs, const struct declared_function *function, corrie_error *err)
{
    const struct env_request request = {.python = function->python,
                                        .packages = function->packages,
                                        .n_packages = function->n_packages};
    struct wanted *wanted = NULL;
    struct hash hash;
    int r = env_request_hash(&request, &hash, err);

    if (r < 0) {
        return place_error(envs->project, &function->place, err);
    }
    for (size_t i = 0; i < envs->n_wanted && !wanted; i++) {
        wanted = hash_eq(&envs->wanted[i].hash, &hash) ? &envs->wanted[i] : NULL;
    }
    if (!wanted) {
        wanted = &envs->wanted[envs->n_wanted++];
        *wanted = (struct wanted){.hash = hash, .request = request};
        wanted->functions = arena_array(&envs->arena, const struct declared_function *,
                                        envs->declarations->n_functions);
        if (!wanted->functions) {
            return corrie_fail_memory(err);
        }
    }
    wanted->functions[wanted->n_functions++] = function;
    return 0;
}

/* The project and what its functions ask for. */
static int read_project(struct envs *envs, corrie_error *err)
{
    struct declare_options declare = {0};
    int r;

    r = project_open(str_of(envs->options.project_dir), &envs->project, err);
    r = r < 0 ? r : cache_open(NULL, &envs->cache, err);
    declare.cache = envs->cache;
    r = r < 0 ? r : declare_read(envs->project, &declare, &envs->declarations, err);
    if (r < 0) {
        return r;
    }
    envs->wanted = arena_array(&envs->arena, struct wanted, envs->declarations->n_functions);
    if (!envs->wanted) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < envs->declarations->n_functions; i++) {
        const struct declared_function *function = &envs->declarations->functions[i];

        if (function->language == SOURCE_PYTHON && function->output == 0) {
            r = want(envs, function, err);
        }
    }
    return r;
}

static const struct env_lock_entry *locked(const struct envs *envs, const struct wanted *wanted)
{
    return envs->project->has_lock ? env_lock_find(&envs->project->lock, &wanted->hash) : NULL;
}

/* ---- documents ---- */

static struct str function_name(const struct declared_function *function)
{
    return function->by_name ? function->function : function->name;
}

static int add_functions(json_t *list, const struct wanted *wanted)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < wanted->n_functions; i++) {
        r = json_array_append_new(list, js_string(function_name(wanted->functions[i])));
    }
    return r;
}

static json_t *package_json(struct str name, struct str version)
{
    json_t *object = json_object();

    if (js_set_str(object, "name", name) < 0 || js_set_str(object, "version", version) < 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* Of lines "name==version". */
static json_t *packages_json(struct str lock)
{
    json_t *list = json_array();
    struct str line;

    while (list && str_cut(lock, '\n', &line, &lock)) {
        struct str name, version;

        (void)str_cut(line, '=', &name, &version);
        if (json_array_append_new(list, package_json(name, str_from(version, 1))) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int set_kept(json_t *object, const struct env_kept *kept)
{
    int r = js_set_hash(object, "env", &kept->hash);

    r |= js_set(object, "python", kept->version.len > 0 ? js_string(kept->version) : json_null());
    r |= js_set(object, "packages", packages_json(kept->lock));
    r |= js_set_int(object, "bytes", (int64_t)kept->bytes);
    return r | js_set_time(object, "last_used", kept->last_used);
}

/* ---- ls ---- */

/* Names of functions that run in it: as they are locked, or as they were resolved. */
static int add_users(struct envs *envs, const struct env_kept *kept, json_t *functions,
                     corrie_error *err)
{
    for (size_t i = 0; i < envs->n_wanted; i++) {
        struct env_request request = envs->wanted[i].request;
        const struct env_lock_entry *entry = locked(envs, &envs->wanted[i]);
        struct hash hash;
        int r;

        request.locked = entry ? &entry->locked : NULL;
        r = env_lookup(&request, &envs->env, &hash, err);
        if (r < 0) {
            return r;
        }
        if (r > 0 && hash_eq(&hash, &kept->hash) &&
            add_functions(functions, &envs->wanted[i]) != 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int add_kept(struct envs *envs, const struct env_kept *kept, json_t *list, corrie_error *err)
{
    json_t *object = json_object(), *functions = json_array();
    int r = set_kept(object, kept);

    r |= js_set_bool(object, "in_use", kept->in_use);
    r |= js_set_bool(object, "usable", kept->usable);
    r |= js_set(object, "functions", functions);
    r |= json_array_append_new(list, object);
    return r != 0 ? corrie_fail_memory(err) : add_users(envs, kept, functions, err);
}

int corrie_env_list(const corrie_env_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(envs_done) struct envs envs = {0};
    _cleanup_(env_kept_list_done) struct env_kept_list kept = {0};
    _json_ json_t *document = NULL;
    json_t *list;
    int r;

    envs_init(&envs, options);
    r = read_project(&envs, err);
    r = r < 0 ? r : project_read_lock(envs.project, err);
    if (r == CORRIE_E_NOT_FOUND && !envs.project && !envs.options.project_dir) {
        corrie_error_clear(err);
        r = 0;
    }
    r = r < 0 ? r : env_list(&envs.env, &kept, err);
    if (r < 0) {
        return r;
    }
    document = json_object();
    list = json_array();
    if (js_set(document, "project", envs.project ? js_string(envs.project->dir) : json_null()) <
            0 ||
        js_set(document, "environments", list) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < kept.count; i++) {
        r = add_kept(&envs, &kept.items[i], list, err);
    }
    return r < 0 ? r : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- lock ---- */

static const struct env_locked_package *find_package(const struct env_locked *in, struct str name)
{
    for (size_t i = 0; i < in->n_packages; i++) {
        if (str_eq(in->packages[i].name, name)) {
            return &in->packages[i];
        }
    }
    return NULL;
}

static int add_change(json_t *list, struct str name, const struct env_locked_package *from,
                      const struct env_locked_package *to)
{
    json_t *object = json_object();
    int r = js_set_str(object, "name", name);

    r |= js_set(object, "from", from ? js_string(from->version) : json_null());
    r |= js_set(object, "to", to ? js_string(to->version) : json_null());
    return json_array_append_new(list, object) | r;
}

/* What differs between two locks of one request. */
static int add_changes(json_t *list, const struct env_locked *before, const struct env_locked *now)
{
    int r = 0;

    for (size_t i = 0; i < now->n_packages; i++) {
        const struct env_locked_package *was = find_package(before, now->packages[i].name);

        if (!was || !str_eq(was->version, now->packages[i].version)) {
            r |= add_change(list, now->packages[i].name, was, &now->packages[i]);
        }
    }
    for (size_t i = 0; i < before->n_packages; i++) {
        if (!find_package(now, before->packages[i].name)) {
            r |= add_change(list, before->packages[i].name, &before->packages[i], NULL);
        }
    }
    return r;
}

static int set_locked(json_t *object, const struct env_locked *value)
{
    json_t *inner = json_object(), *packages = json_array();
    int r = js_set(object, "locked", inner);

    r |= js_set_str(inner, "python", value->python);
    r |= js_set(inner, "packages", packages);
    for (size_t i = 0; r == 0 && i < value->n_packages; i++) {
        r = json_array_append_new(
            packages, package_json(value->packages[i].name, value->packages[i].version));
    }
    return r;
}

static int add_entry(json_t *list, const struct wanted *wanted, const struct env_lock_entry *entry,
                     const struct env_lock_entry *before, bool upgrade, corrie_error *err)
{
    json_t *object = json_object(), *packages = json_array(), *functions = json_array(),
           *changes = json_array();
    int r =
        js_set(object, "python", entry->python.len > 0 ? js_string(entry->python) : json_null());

    r |= js_set(object, "packages", packages);
    for (size_t i = 0; r == 0 && i < entry->n_packages; i++) {
        r = json_array_append_new(packages, js_string(entry->packages[i]));
    }
    r |= js_set(object, "functions", functions);
    r |= r == 0 ? add_functions(functions, wanted) : 0;
    r |= r == 0 ? set_locked(object, &entry->locked) : 0;
    r |= js_set(object, "changes", changes);
    if (r == 0 && before) {
        r = add_changes(changes, &before->locked, &entry->locked);
    }
    r |= js_set_str(object, "status",
                    !before    ? STR("new")
                    : !upgrade ? STR("kept")
                    : json_array_size(changes) > 0 ||
                            !str_eq(before->locked.python, entry->locked.python)
                        ? STR("changed")
                        : STR("same"));
    r |= json_array_append_new(list, object);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int withhold_secrets(struct envs *envs, corrie_error *err)
{
    struct str *names;
    size_t n;
    int r = secret_variables(envs->project->settings, NULL, &envs->arena, &names, &n, err);

    if (r >= 0) {
        envs->env.withheld = names;
        envs->env.n_withheld = n;
    }
    return r;
}

static int resolve(struct envs *envs, const struct wanted *wanted,
                   const struct env_lock_entry *before, struct env_lock_entry *ret,
                   corrie_error *err)
{
    struct env_options options = envs->env;
    int r;

    if (before && !envs->options.upgrade) {
        *ret = *before;
        return 0;
    }
    if (envs->options.check) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s does not have the environment that %.*s asks for",
                    PROJECT_LOCK_FILE, STR_FMT(function_name(wanted->functions[0])));
        corrie_hint(err, "`corrie env lock` adds it");
        return place_error(envs->project, &wanted->functions[0]->place, err);
    }
    options.anew = envs->options.upgrade;
    r = env_lock_resolve(&wanted->request, &options, &envs->arena, ret, err);
    if (r >= 0) {
        return 0;
    }
    corrie_wrap(err, "%.*s", STR_FMT(function_name(wanted->functions[0])));
    return place_error(envs->project, &wanted->functions[0]->place, err);
}

static int check_options(const struct envs *envs, corrie_error *err)
{
    if (envs->options.check && envs->options.upgrade) {
        return corrie_fail(err, CORRIE_E_USAGE, "lock the environments: either check or upgrade");
    }
    if (envs->options.check && !envs->project->has_lock) {
        corrie_fail(err, CORRIE_E_PROJECT, "%.*s has no %s", STR_FMT(envs->project->dir),
                    PROJECT_LOCK_FILE);
        return corrie_hint(err, "`corrie env lock` makes it");
    }
    return 0;
}

/* Writes the file if its text is another. 1 written, 0 it was the same. */
static int write_lock(const struct envs *envs, struct env_lock *lock, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0}, there = {0};
    _free_ char *path = NULL;
    int r = os_path_join(envs->project->dir, STR(PROJECT_LOCK_FILE), &path, err);

    r = r < 0 ? r : env_lock_print(lock, &text, err);
    if (r < 0 || envs->options.check) {
        return r;
    }
    if (envs->project->has_lock) {
        r = os_file_read(path, CORRIE_MAX_SOURCE, &there, err);
        if (r >= 0 && str_eq(buf_str(&there), buf_str(&text))) {
            return 0;
        }
    }
    r = r < 0 ? r : os_file_replace(path, buf_str(&text), 0644, err);
    return r < 0 ? r : 1;
}

/* A damaged file is no reason not to write a good one. */
static int open_for_lock(struct envs *envs, corrie_error *err)
{
    int r = read_project(envs, err);

    r = r < 0 ? r : project_read_lock(envs->project, err);
    if (r == CORRIE_E_PROJECT && envs->declarations && !envs->options.check) {
        corrie_error_clear(err);
        envs->project->lock = (struct env_lock){0};
        r = 0;
    }
    return r;
}

int corrie_env_lock(const corrie_env_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(envs_done) struct envs envs = {0};
    _json_ json_t *document = NULL;
    struct env_lock lock = {0};
    json_t *list;
    size_t found = 0;
    int r;

    envs_init(&envs, options);
    r = open_for_lock(&envs, err);
    r = r < 0 ? r : check_options(&envs, err);
    r = r < 0 ? r : withhold_secrets(&envs, err);
    if (r < 0) {
        return r;
    }
    document = json_object();
    list = json_array();
    lock.entries = arena_array(&envs.arena, struct env_lock_entry, envs.n_wanted);
    if (js_set_str(document, "file", STR(PROJECT_LOCK_FILE)) < 0 ||
        js_set(document, "environments", list) < 0 || !lock.entries) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < envs.n_wanted; i++) {
        const struct env_lock_entry *before = locked(&envs, &envs.wanted[i]);
        struct env_lock_entry *entry = &lock.entries[lock.n_entries++];

        found += before != NULL;
        r = resolve(&envs, &envs.wanted[i], before, entry, err);
        r = r < 0 ? r : add_entry(list, &envs.wanted[i], entry, before, envs.options.upgrade, err);
    }
    r = r < 0 ? r : write_lock(&envs, &lock, err);
    if (r < 0) {
        return r;
    }
    if (js_set_bool(document, "written", r > 0) < 0 ||
        js_set_int(document, "removed", (int64_t)(envs.project->lock.n_entries - found)) < 0) {
        return corrie_fail_memory(err);
    }
    return js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- clean ---- */

int corrie_env_clean(const corrie_env_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(envs_done) struct envs envs = {0};
    _cleanup_(env_kept_list_done) struct env_kept_list kept = {0};
    _json_ json_t *document = NULL;
    json_t *removed;
    int64_t seconds, bytes = 0, in_use = 0, stay = 0;
    int r;

    envs_init(&envs, options);
    seconds = envs.options.unused_seconds < 0 ? UNUSED_DEFAULT : envs.options.unused_seconds;
    r = env_clean(&envs.env,
                  seconds > INT64_MAX / 1000000000 ? INT64_MAX : seconds * INT64_C(1000000000),
                  envs.options.dry_run, &kept, err);
    if (r < 0) {
        return r;
    }
    document = json_object();
    removed = json_array();
    r = js_set_bool(document, "dry_run", envs.options.dry_run);
    r |= js_set(document, "removed", removed);
    for (size_t i = 0; r == 0 && i < kept.count; i++) {
        json_t *object = kept.items[i].removed ? json_object() : NULL;

        stay += !kept.items[i].removed;
        in_use += kept.items[i].in_use;
        if (kept.items[i].removed) {
            bytes += (int64_t)kept.items[i].bytes;
            r = set_kept(object, &kept.items[i]) | json_array_append_new(removed, object);
        }
    }
    r |= js_set_int(document, "bytes", bytes);
    r |= js_set_int(document, "kept", stay);
    r |= js_set_int(document, "in_use", in_use);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
