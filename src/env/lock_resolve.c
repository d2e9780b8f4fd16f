/* lock_resolve.c — what goes into a lock file: exact versions, and the hashes that uv knows of their files. */
#include "base/json.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "base/vec.h"
#include "env/env_priv.h"
#include "os/file.h"

/* Packages of a lock while hashes are still looked for. */
struct found {
    struct env_locked_package *packages;
    size_t n;
};

/* Lines "name==version" of a lock become packages. */
static int read_packages(struct str text, struct arena *arena, struct found *ret, corrie_error *err)
{
    struct env_locked_package *packages;
    struct str rest = text, line;
    size_t n = 0;

    while (str_cut(rest, '\n', &line, &rest)) {
        n++;
    }
    packages = arena_array(arena, struct env_locked_package, n);
    if (!packages) {
        return corrie_fail_memory(err);
    }
    rest = text;
    for (size_t i = 0; i < n; i++) {
        struct str name, version;

        (void)str_cut(rest, '\n', &line, &rest);
        if (!str_cut(line, '=', &name, &version) || !str_starts(version, STR("="))) {
            return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                               "package %.*s is from no index and cannot be locked", STR_FMT(line));
        }
        version = str_from(version, 1);
        if (!request_is_name(name) || !request_is_version(version)) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "uv names a package %.*s", STR_FMT(line));
        }
        if (arena_str(arena, name, &packages[i].name) < 0 ||
            arena_str(arena, version, &packages[i].version) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = (struct found){packages, n};
    return 0;
}

static struct env_locked_package *find_package(const struct found *found, struct str name)
{
    for (size_t i = 0; i < found->n; i++) {
        if (str_eq(found->packages[i].name, name)) {
            return &found->packages[i];
        }
    }
    return NULL;
}

struct hash_list {
    struct str *items;
    size_t count;
    size_t capacity;
};

static int take_hashes(struct env_locked_package *package, struct hash_list *hashes,
                       struct arena *arena, corrie_error *err)
{
    if (!package) {
        return 0;
    }
    struct str *copy = arena_array(arena, struct str, hashes->count);

    if (!copy) {
        return corrie_fail_memory(err);
    }
    if (hashes->count > 0) {
        memcpy(copy, hashes->items, hashes->count * sizeof *copy);
    }
    package->hashes = copy;
    package->n_hashes = hashes->count;
    hashes->count = 0;
    return 0;
}

/* What uv writes: "name==version \", then lines "--hash=sha256:… \". */
static int read_compiled(struct str text, const struct found *found, struct arena *arena,
                         corrie_error *err)
{
    static const struct str mark = STR("--hash=");
    struct hash_list hashes = {0};
    struct env_locked_package *package = NULL;
    bool more = true;
    int r = 0;

    while (r >= 0 && more) {
        struct str line, name, ignored, copy;

        more = str_cut(text, '\n', &line, &text);
        line = str_trim(line);
        if (str_ends(line, STR("\\"))) {
            line.len--;
            line = str_trim(line);
        }
        if (str_starts(line, mark)) {
            line = str_from(line, mark.len);
            if (request_is_hash(line) &&
                (arena_str(arena, line, &copy) < 0 || vec_push(&hashes, copy) < 0)) {
                r = corrie_fail_memory(err);
            }
        } else if (str_cut(line, '=', &name, &ignored)) {
            r = take_hashes(package, &hashes, arena, err);
            package = find_package(found, name);
        }
    }
    r = r < 0 ? r : take_hashes(package, &hashes, arena, err);
    vec_done(&hashes);
    return r;
}

/* Asks uv for the hashes of exactly these packages. */
static int ask_hashes(const struct uv *uv, const struct places *places, const struct env *env,
                      const char *list, const struct found *found, struct arena *arena,
                      corrie_error *err)
{
    const char *args[] = {"pip",
                          "compile",
                          "--python",
                          env->python,
                          "--no-deps",
                          "--no-header",
                          "--generate-hashes",
                          "--no-annotate",
                          "--quiet",
                          list,
                          NULL,
                          NULL};
    _cleanup_(buf_done) struct buf out = {0};
    int r;

    buf_init(&out, CORRIE_MAX_UV_OUTPUT);
    r = os_file_replace(list, str_of(env->lock), 0644, err);
    r = r < 0 ? r : uv_run_cached(uv, args, ARRAY_LEN(args) - 2, places->building, &out, err);
    r = r < 0 ? r : buf_check(&out, err);
    return r < 0 ? r : read_compiled(buf_str(&out), found, arena, err);
}

static int find_hashes(const struct env *env, const struct env_options *options,
                       const struct found *found, struct arena *arena, corrie_error *err)
{
    _cleanup_(places_done) struct places places = {0};
    _cleanup_(uv_done) struct uv uv = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _close_ int fd = -1;
    struct uuid id = uuid_random();
    char name[33];
    const char *list;
    int r;

    uuid_format_hex(&id, name);
    r = places_init(&places, options->cache_dir, err);
    r = r < 0 ? r : places_lock_building(&places, options->cancel, &fd, err);
    r = r < 0 ? r : uv_init(&uv, options, err);
    if (r < 0) {
        return r;
    }
    list = arena_printf(&places.arena, "%s/%s.txt", places.building, name);
    if (!list) {
        return corrie_fail_memory(err);
    }
    r = ask_hashes(&uv, &places, env, list, found, arena, err);
    if (os_unlink(list, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
    return r < 0 ? corrie_wrap(err, "ask for the hashes of packages") : 0;
}

/* What was asked for, as it is written. */
static int copy_request(const struct env_request *asked, struct arena *arena,
                        struct env_lock_entry *entry, corrie_error *err)
{
    _cleanup_(request_done) struct request request = {0};
    struct env_request plain = *asked;
    struct str rest, *packages;
    int r;

    plain.locked = NULL;
    r = request_init(&request, &plain, err);
    if (r < 0) {
        return r;
    }
    entry->request = request.hash;
    entry->n_packages = plain.n_packages;
    packages = arena_array(arena, struct str, plain.n_packages);
    rest = request.requirements;
    if (!packages || arena_str(arena, request.python, &entry->python) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < plain.n_packages; i++) {
        struct str line;

        (void)str_cut(rest, '\n', &line, &rest);
        if (arena_str(arena, line, &packages[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    entry->packages = packages;
    return 0;
}

/* What is locked was just installed from the index that gave the hashes: who runs it here needs no second copy. */
static int name_locked(const struct env_request *asked, const struct env_locked *locked,
                       const struct env *env, const struct env_options *options, corrie_error *err)
{
    _cleanup_(places_done) struct places places = {0};
    _cleanup_(request_done) struct request request = {0};
    struct env_request exact = *asked;
    int r;

    exact.locked = locked;
    r = request_init(&request, &exact, err);
    r = r < 0 ? r : places_init(&places, options->cache_dir, err);
    return r < 0 ? r : env_write_index(&places, &request.hash, &env->hash, err);
}

int env_lock_resolve(const struct env_request *request, const struct env_options *options,
                     struct arena *arena, struct env_lock_entry *ret, corrie_error *err)
{
    static const struct env_options none;
    _cleanup_(env_freep) struct env *env = NULL;
    struct env_lock_entry entry = {0};
    struct found found = {0};
    int r;

    options = options ? options : &none;
    r = copy_request(request, arena, &entry, err);
    r = r < 0 ? r : env_resolve(request, options, &env, err);
    r = r < 0 ? r : read_packages(str_of(env->lock), arena, &found, err);
    if (r >= 0 && found.n > 0) {
        r = find_hashes(env, options, &found, arena, err);
    }
    if (r < 0) {
        return r;
    }
    if (arena_str(arena, str_of(env->version), &entry.locked.python) < 0) {
        return corrie_fail_memory(err);
    }
    entry.locked.packages = found.packages;
    entry.locked.n_packages = found.n;
    r = name_locked(request, &entry.locked, env, options, err);
    if (r >= 0) {
        *ret = entry;
    }
    return r < 0 ? r : 0;
}
