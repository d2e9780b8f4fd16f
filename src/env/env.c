/* env.c — from a request to an environment: look, wait for who makes it, or make it. */
#include "env/env.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "env/env_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"

struct env *env_free(struct env *env)
{
    if (env) {
        mem_free(env->python);
        mem_free(env->dir);
        mem_free(env->version);
        mem_free(env->lock);
        os_close(env->use_fd);
        mem_free(env);
    }
    return NULL;
}

int env_read_document(const char *path, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r = os_file_read(path, CORRIE_MAX_UV_OUTPUT, &text, err);

    if (r == CORRIE_E_NO_MEMORY) {
        return r;
    }
    r = r < 0 ? r : js_parse(buf_str(&text), path, ret, err);
    if (r < 0) {
        corrie_error_clear(err);
        return 0;
    }
    return 1;
}

int env_describe(const char *dir, struct arena *arena, struct str *ret_version,
                 struct str *ret_lock, corrie_error *err)
{
    _free_ char *path = NULL;
    _json_ json_t *doc = NULL;
    struct str version, lock;
    int64_t format;
    int r;

    r = os_path_join(str_of(dir), STR("corrie-env.json"), &path, err);
    r = r < 0 ? r : env_read_document(path, &doc, err);
    if (r <= 0) {
        return r;
    }
    if (js_get_int(doc, "format", &format, CORRIE_E_CORRUPT, err) < 0 || format != 1 ||
        js_get_str(doc, "python", &version, CORRIE_E_CORRUPT, err) < 0 ||
        js_get_str(doc, "lock", &lock, CORRIE_E_CORRUPT, err) < 0) {
        corrie_error_clear(err);
        return 0;
    }
    return arena_str(arena, version, ret_version) < 0 || arena_str(arena, lock, ret_lock) < 0
               ? corrie_fail_memory(err)
               : 1;
}

/* From now on it is in use, and was used now. A cache that cannot be written to is used all the same. */
static int use(const struct places *places, const char *hex, const struct cancel *cancel,
               int *ret_fd, corrie_error *err)
{
    _free_ char *path = NULL;
    int r = os_path_join(str_of(places->used), str_of(hex), &path, err);

    if (r < 0) {
        return r;
    }
    r = os_lock_open(path, OS_LOCK_SHARED, CORRIE_LOCK_DEADLINE_MS, cancel, ret_fd, err);
    if (r == CORRIE_E_NOT_FOUND) { /* a cache without the directory */
        corrie_error_clear(err);
        r = os_dir_make(places->used, 0755, err);
        r = r < 0
                ? r
                : os_lock_open(path, OS_LOCK_SHARED, CORRIE_LOCK_DEADLINE_MS, cancel, ret_fd, err);
    }
    r = r < 0 ? r : os_touch(path, err);
    if (r < 0 && r != CORRIE_E_CANCELLED && r != CORRIE_E_NO_MEMORY) {
        corrie_error_clear(err);
        return 0;
    }
    return r;
}

int env_open(const struct places *places, const struct hash *hash, const struct cancel *cancel,
             struct env **ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(env_freep) struct env *env = mem_alloc(1, sizeof *env);
    struct str version, lock;
    char hex[HASH_HEX + 1];
    int r;

    if (!env) {
        return corrie_fail_memory(err);
    }
    env->use_fd = -1;
    hash_hex(hash, hex);
    r = os_path_join(str_of(places->envs), str_of(hex), &env->dir, err);
    r = r < 0 ? r : env_describe(env->dir, &arena, &version, &lock, err);
    if (r <= 0 || (r = use(places, hex, cancel, &env->use_fd, err)) < 0 ||
        (r = os_path_join(str_of(env->dir), STR("bin/python"), &env->python, err)) < 0) {
        return r;
    }
    /* a link to the interpreter that it was made of, which may have gone; or it was removed before it was in use */
    r = os_exists(env->python, err);
    if (r <= 0) {
        return r;
    }
    env->version = str_dup(version);
    env->lock = str_dup(lock);
    env->hash = *hash;
    if (!env->version || !env->lock) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(env);
    return 1;
}

/* What an index file says. 1 read, 0 not. */
static int read_index(const char *index, struct hash *ret, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    struct str hex;
    int64_t format;
    int r;

    r = env_read_document(index, &doc, err);
    if (r <= 0) {
        return r;
    }
    if (js_get_int(doc, "format", &format, CORRIE_E_CORRUPT, err) < 0 || format != 1 ||
        js_get_str(doc, "env", &hex, CORRIE_E_CORRUPT, err) < 0 || !hash_parse(hex, ret)) {
        corrie_error_clear(err);
        return 0;
    }
    return 1;
}

/* 1 found, 0 not. */
static int look_up(const struct places *places, const char *index, const struct cancel *cancel,
                   struct env **ret, corrie_error *err)
{
    struct hash hash;
    int r = read_index(index, &hash, err);

    return r <= 0 ? r : env_open(places, &hash, cancel, ret, err);
}

int env_write_index(const struct places *places, const struct hash *request, const struct hash *env,
                    corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *doc = json_object();
    _cleanup_(buf_done) struct buf text = {0};
    char hex[HASH_HEX + 1];
    const char *path;
    int r;

    hash_hex(request, hex);
    path = arena_printf(&arena, "%s/%s.json", places->requests, hex);
    hash_hex(env, hex);
    if (!doc || !path || js_set_int(doc, "format", 1) < 0 ||
        js_set_str(doc, "env", str_of(hex)) < 0) {
        return corrie_fail_memory(err);
    }
    r = js_canonical(doc, &text, err);
    return r < 0 ? r : os_file_replace(path, buf_str(&text), 0644, err);
}

/* One maker a request: the others wait here and then find what it made. */
static int lock_request(const char *path, const struct env_options *options, int *ret_fd,
                        corrie_error *err)
{
    int r = os_lock_open(path, OS_LOCK_EXCLUSIVE, 0, options->cancel, ret_fd, err);

    if (r != CORRIE_E_BUSY) {
        return r;
    }
    corrie_error_clear(err);
    uv_progress(options, STR("waiting for another process that makes the same environment"));
    return os_lock_open(path, OS_LOCK_EXCLUSIVE, CORRIE_ENV_LOCK_DEADLINE_MS, options->cancel,
                        ret_fd, err);
}

/* A locked request whose environment was made for another one: nothing is to be made. 1 found, 0 not. */
static int find_locked(const struct request *request, const struct places *places,
                       const struct env_options *options, struct env **ret, corrie_error *err)
{
    struct hash hash;

    if (request->locked_python.len == 0) {
        return 0;
    }
    hash = env_content_hash(request->locked_python, request->lock, request->files);
    return env_open(places, &hash, options->cancel, ret, err);
}

/* Of one request under way. */
struct resolving {
    struct request request;
    struct places places;
    const struct env_options *options;
    const char *index, *lock; /* files */
};

static void resolving_done(struct resolving *resolving)
{
    request_done(&resolving->request);
    places_done(&resolving->places);
}

static int resolving_init(struct resolving *resolving, const struct env_request *asked,
                          const struct env_options *options, corrie_error *err)
{
    static const struct env_options none;
    struct places *places = &resolving->places;
    char hex[HASH_HEX + 1];
    int r;

    resolving->options = options ? options : &none;
    r = request_init(&resolving->request, asked, err);
    r = r < 0 ? r : places_init(places, resolving->options->cache_dir, err);
    if (r < 0) {
        return r;
    }
    hash_hex(&resolving->request.hash, hex);
    resolving->index = arena_printf(&places->arena, "%s/%s.json", places->requests, hex);
    resolving->lock = arena_printf(&places->arena, "%s/%s.lock", places->requests, hex);
    return resolving->index && resolving->lock ? 0 : corrie_fail_memory(err);
}

static int make_once(const struct resolving *resolving, struct env **ret, corrie_error *err)
{
    const struct places *places = &resolving->places;
    const struct env_options *options = resolving->options;
    _cleanup_(env_freep) struct env *env = NULL;
    _close_ int fd = -1;
    int r;

    r = places_make(places, err);
    r = r < 0 ? r : lock_request(resolving->lock, options, &fd, err);
    if (r >= 0 && !options->anew) {
        r = look_up(places, resolving->index, options->cancel, ret, err);
    }
    if (r != 0) {
        return r;
    }
    r = find_locked(&resolving->request, places, options, &env, err);
    r = r != 0 ? r : env_make(&resolving->request, places, options, &env, err);
    r = r < 0 ? r : env_write_index(places, &resolving->request.hash, &env->hash, err);
    if (r >= 0) {
        *ret = TAKE_PTR(env);
    }
    return r;
}

int env_resolve(const struct env_request *asked, const struct env_options *options,
                struct env **ret, corrie_error *err)
{
    _cleanup_(resolving_done) struct resolving resolving = {0};
    int r = resolving_init(&resolving, asked, options, err);

    if (r >= 0 && !resolving.options->anew) {
        r = look_up(&resolving.places, resolving.index, resolving.options->cancel, ret, err);
    }
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = make_once(&resolving, ret, err);
    return r < 0 ? corrie_wrap(err, "Python environment (%.*s)", STR_FMT(resolving.request.title))
                 : 0;
}

int env_lookup(const struct env_request *asked, const struct env_options *options, struct hash *ret,
               corrie_error *err)
{
    _cleanup_(resolving_done) struct resolving resolving = {0};
    const struct request *request = &resolving.request;
    _free_ char *dir = NULL;
    char hex[HASH_HEX + 1];
    struct hash hash;
    int r = resolving_init(&resolving, asked, options, err);

    r = r < 0 ? r : read_index(resolving.index, &hash, err);
    if (r == 0 && request->locked_python.len > 0) {
        hash = env_content_hash(request->locked_python, request->lock, request->files);
        r = 1;
    }
    if (r <= 0) {
        return r;
    }
    hash_hex(&hash, hex);
    r = os_path_join(str_of(resolving.places.envs), str_of(hex), &dir, err);
    r = r < 0 ? r : os_exists(dir, err);
    if (r > 0) {
        *ret = hash;
    }
    return r;
}
