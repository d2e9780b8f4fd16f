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
        mem_free(env);
    }
    return NULL;
}

static void places_done(struct places *places)
{
    arena_done(&places->arena);
}

static int places_init(struct places *places, struct str cache_dir, corrie_error *err)
{
    _free_ char *usual = NULL, *base = NULL;
    int r = 0;

    *places = (struct places){0};
    if (cache_dir.len == 0 && os_env("CORRIE_CACHE_DIR")) {
        cache_dir = str_of(os_env("CORRIE_CACHE_DIR"));
    }
    if (cache_dir.len == 0) {
        r = os_place(OS_CACHE, &usual, err);
        cache_dir = str_of(usual);
    }
    r = r < 0 ? r : os_path_absolute(cache_dir, &base, err);
    if (r < 0) {
        return r;
    }
    places->requests = arena_printf(&places->arena, "%s/python/requests", base);
    places->envs = arena_printf(&places->arena, "%s/python/envs", base);
    places->building = arena_printf(&places->arena, "%s/python/building", base);
    places->building_lock = arena_printf(&places->arena, "%s/python/building.lock", base);
    places->envs_lock = arena_printf(&places->arena, "%s/python/envs.lock", base);
    return places->requests && places->envs && places->building && places->building_lock &&
                   places->envs_lock
               ? 0
               : corrie_fail_memory(err);
}

/* A small JSON document of ours. 1 read, 0 absent or damaged (then it counts as absent). */
static int read_document(const char *path, json_t **ret, corrie_error *err)
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

static int open_described(const char *dir, const struct hash *hash, const json_t *doc,
                          struct env **ret, corrie_error *err)
{
    _cleanup_(env_freep) struct env *env = mem_alloc(1, sizeof *env);
    struct str version, lock;
    int64_t format;
    int r;

    if (js_get_int(doc, "format", &format, CORRIE_E_CORRUPT, err) < 0 || format != 1 ||
        js_get_str(doc, "python", &version, CORRIE_E_CORRUPT, err) < 0 ||
        js_get_str(doc, "lock", &lock, CORRIE_E_CORRUPT, err) < 0) {
        corrie_error_clear(err);
        return 0;
    }
    if (!env) {
        return corrie_fail_memory(err);
    }
    r = os_path_join(str_of(dir), STR("bin/python"), &env->python, err);
    /* a link to the interpreter that it was made of, which may have gone */
    r = r < 0 ? r : os_exists(env->python, err);
    if (r <= 0) {
        return r;
    }
    env->dir = str_dup(str_of(dir));
    env->version = str_dup(version);
    env->lock = str_dup(lock);
    env->hash = *hash;
    if (!env->dir || !env->version || !env->lock) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(env);
    return 1;
}

int env_open(const struct places *places, const struct hash *hash, struct env **ret,
             corrie_error *err)
{
    _free_ char *dir = NULL, *path = NULL;
    _json_ json_t *doc = NULL;
    char hex[HASH_HEX + 1];
    int r;

    hash_hex(hash, hex);
    r = os_path_join(str_of(places->envs), str_of(hex), &dir, err);
    r = r < 0 ? r : os_path_join(str_of(dir), STR("corrie-env.json"), &path, err);
    r = r < 0 ? r : read_document(path, &doc, err);
    return r <= 0 ? r : open_described(dir, hash, doc, ret, err);
}

/* 1 found, 0 not. */
static int look_up(const struct places *places, const char *index, struct env **ret,
                   corrie_error *err)
{
    _json_ json_t *doc = NULL;
    struct str hex;
    struct hash hash;
    int64_t format;
    int r;

    r = read_document(index, &doc, err);
    if (r <= 0) {
        return r;
    }
    if (js_get_int(doc, "format", &format, CORRIE_E_CORRUPT, err) < 0 || format != 1 ||
        js_get_str(doc, "env", &hex, CORRIE_E_CORRUPT, err) < 0 || !hash_parse(hex, &hash)) {
        corrie_error_clear(err);
        return 0;
    }
    return env_open(places, &hash, ret, err);
}

static int write_index(const char *path, const struct hash *hash, corrie_error *err)
{
    _json_ json_t *doc = json_object();
    _cleanup_(buf_done) struct buf text = {0};
    char hex[HASH_HEX + 1];
    int r;

    hash_hex(hash, hex);
    if (!doc || js_set_int(doc, "format", 1) < 0 || js_set_str(doc, "env", str_of(hex)) < 0) {
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

static int make_once(const struct request *request, const struct places *places, const char *index,
                     const char *lock, const struct env_options *options, struct env **ret,
                     corrie_error *err)
{
    _cleanup_(env_freep) struct env *env = NULL;
    _close_ int fd = -1;
    int r;

    r = os_dir_make(places->requests, 0755, err);
    r = r < 0 ? r : os_dir_make(places->envs, 0755, err);
    r = r < 0 ? r : os_dir_make(places->building, 0755, err);
    r = r < 0 ? r : lock_request(lock, options, &fd, err);
    r = r < 0 ? r : look_up(places, index, ret, err);
    if (r != 0) {
        return r;
    }
    r = env_make(request, places, options, &env, err);
    r = r < 0 ? r : write_index(index, &env->hash, err);
    if (r >= 0) {
        *ret = TAKE_PTR(env);
    }
    return r;
}

int env_resolve(const struct env_request *asked, const struct env_options *options,
                struct env **ret, corrie_error *err)
{
    static const struct env_options none;
    _cleanup_(request_done) struct request request = {0};
    _cleanup_(places_done) struct places places = {0};
    const char *index, *lock;
    char hex[HASH_HEX + 1];
    int r;

    options = options ? options : &none;
    r = request_init(&request, asked, err);
    r = r < 0 ? r : places_init(&places, options->cache_dir, err);
    if (r < 0) {
        return r;
    }
    hash_hex(&request.hash, hex);
    index = arena_printf(&places.arena, "%s/%s.json", places.requests, hex);
    lock = arena_printf(&places.arena, "%s/%s.lock", places.requests, hex);
    if (!index || !lock) {
        return corrie_fail_memory(err);
    }
    r = look_up(&places, index, ret, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = make_once(&request, &places, index, lock, options, ret, err);
    return r < 0 ? corrie_wrap(err, "Python environment (%.*s)", STR_FMT(request.title)) : 0;
}
