/* keep.c — the environments that there are, and removing those that nobody needs.
 *
 * Who uses an environment holds its file under used/ locked (shared). Removing: lock it exclusively without waiting →
 * rename envs/HASH into building/ → remove that. So it is there whole or not at all, and never goes from under a user. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "env/env_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

#define MAX_DEPTH 64 /* of folders in an environment */

void env_kept_list_done(struct env_kept_list *list)
{
    arena_done(&list->arena);
}

/* ---- what there is ---- */

/* Bytes of all files below; links count nothing. What goes meanwhile counts nothing either. */
static int add_size(const char *dir, int depth, uint64_t *total, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;
    int r = os_dir_list(dir, &arena, &entries, &n, err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        const char *path = arena_printf(&arena, "%s/%s", dir, entries[i].name.data);
        struct os_stat info;

        if (!path) {
            return corrie_fail_memory(err);
        }
        if (entries[i].kind == OS_DIRECTORY && depth < MAX_DEPTH) {
            r = add_size(path, depth + 1, total, err);
        } else if (entries[i].kind == OS_FILE) {
            r = os_stat(path, &info, err);
            *total += r < 0 ? 0 : info.size;
        }
        if (r == CORRIE_E_NOT_FOUND) {
            corrie_error_clear(err);
            r = 0;
        }
    }
    return r < 0 ? r : 0;
}

static int file_time(const char *path, int64_t *ret, corrie_error *err)
{
    struct os_stat info;
    int r = os_stat(path, &info, err);

    if (r >= 0) {
        *ret = info.mtime;
        return 1;
    }
    if (r == CORRIE_E_NO_MEMORY) {
        return r;
    }
    corrie_error_clear(err);
    return 0;
}

static int look_at_use(const struct places *places, const char *hex, const char *dir,
                       struct env_kept_list *list, struct env_kept *kept, corrie_error *err)
{
    const char *used = arena_printf(&list->arena, "%s/%s", places->used, hex);
    _close_ int fd = -1;
    int r;

    if (!used) {
        return corrie_fail_memory(err);
    }
    r = file_time(used, &kept->last_used, err);
    if (r == 0) {
        r = file_time(dir, &kept->last_used, err); /* made before uses were written down */
    } else if (r > 0) {
        r = os_lock_open(used, OS_LOCK_EXCLUSIVE, 0, NULL, &fd, err);
        kept->in_use = r == CORRIE_E_BUSY;
        if (r < 0 && r != CORRIE_E_NO_MEMORY) {
            corrie_error_clear(err);
            r = 0;
        }
    }
    return r < 0 ? r : 0;
}

static int look_at(const struct places *places, const char *hex, struct env_kept_list *list,
                   struct env_kept *kept, corrie_error *err)
{
    const char *dir = arena_printf(&list->arena, "%s/%s", places->envs, hex);
    const char *python = arena_printf(&list->arena, "%s/%s/bin/python", places->envs, hex);
    int r;

    if (!dir || !python) {
        return corrie_fail_memory(err);
    }
    r = env_describe(dir, &list->arena, &kept->version, &kept->lock, err);
    if (r > 0) {
        r = os_exists(python, err);
        kept->usable = r > 0;
    }
    r = r < 0 ? r : look_at_use(places, hex, dir, list, kept, err);
    return r < 0 ? r : add_size(dir, 0, &kept->bytes, err);
}

static int used_last_first(const void *a, const void *b)
{
    const struct env_kept *x = a, *y = b;

    return x->last_used != y->last_used ? (x->last_used < y->last_used ? 1 : -1)
                                        : memcmp(&x->hash, &y->hash, sizeof x->hash);
}

static int list_all(const struct places *places, struct env_kept_list *list, corrie_error *err)
{
    struct os_entry *entries;
    size_t n;
    int r = os_dir_list(places->envs, &list->arena, &entries, &n, err);

    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    list->items = arena_array(&list->arena, struct env_kept, n);
    if (!list->items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        struct env_kept kept = {0};

        if (entries[i].kind == OS_DIRECTORY && hash_parse(entries[i].name, &kept.hash)) {
            r = look_at(places, entries[i].name.data, list, &kept, err);
            list->items[list->count++] = kept;
        }
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, used_last_first);
    }
    return r < 0 ? r : 0;
}

int env_list(const struct env_options *options, struct env_kept_list *ret, corrie_error *err)
{
    _cleanup_(places_done) struct places places = {0};
    int r;

    *ret = (struct env_kept_list){0};
    r = places_init(&places, options ? options->cache_dir : STR_EMPTY, err);
    r = r < 0 ? r : list_all(&places, ret, err);
    if (r < 0) {
        env_kept_list_done(ret);
        return corrie_wrap(err, "list the environments in %s",
                           places.envs ? places.envs : "the cache");
    }
    return 0;
}

/* ---- removing ---- */

/* 1 removed, 0 somebody has begun to use it. */
static int remove_one(const struct places *places, const struct env_kept *kept, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _close_ int use_fd = -1, building_fd = -1;
    struct uuid id = uuid_random();
    char hex[HASH_HEX + 1], name[33];
    const char *used, *dir, *away;
    int r;

    hash_hex(&kept->hash, hex);
    uuid_format_hex(&id, name);
    used = arena_printf(&arena, "%s/%s", places->used, hex);
    dir = arena_printf(&arena, "%s/%s", places->envs, hex);
    away = arena_printf(&arena, "%s/%s", places->building, name);
    if (!used || !dir || !away) {
        return corrie_fail_memory(err);
    }
    r = os_lock_open(used, OS_LOCK_EXCLUSIVE, 0, NULL, &use_fd, err);
    if (r == CORRIE_E_BUSY) {
        corrie_error_clear(err);
        return 0;
    }
    r = r < 0 ? r : places_lock_building(places, NULL, &building_fd, err);
    r = r < 0 ? r : os_rename(dir, away, err);
    if (r == CORRIE_E_NOT_FOUND) { /* another one that cleans */
        corrie_error_clear(err);
        return 1;
    }
    os_closep(&use_fd); /* from here on it is gone: who waits makes it again */
    r = r < 0 ? r : os_tree_remove(away, err);
    return r < 0 ? r : 1;
}

/* Index files of requests whose environment is no more. One that is made at this moment has its environment already. */
static int clear_requests(const struct places *places, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;
    int r = os_dir_list(places->requests, &arena, &entries, &n, err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        const char *path = arena_printf(&arena, "%s/%s", places->requests, entries[i].name.data);
        _json_ json_t *doc = NULL;
        struct str hex = STR_EMPTY;
        const char *dir;

        if (!path) {
            return corrie_fail_memory(err);
        }
        if (!str_ends(entries[i].name, STR(".json"))) {
            continue;
        }
        r = env_read_document(path, &doc, err);
        if (r > 0 && js_get_str(doc, "env", &hex, CORRIE_E_CORRUPT, err) < 0) {
            corrie_error_clear(err);
        }
        dir = arena_printf(&arena, "%s/%.*s", places->envs, STR_FMT(hex));
        r = r < 0 ? r : !dir ? corrie_fail_memory(err) : os_exists(dir, err);
        if (r == 0 || (r > 0 && hex.len == 0)) {
            r = os_unlink(path, err);
        }
    }
    return r < 0 ? r : 0;
}

static int clean(const struct places *places, int64_t unused, bool dry_run,
                 struct env_kept_list *list, const struct cancel *cancel, corrie_error *err)
{
    int64_t now = clock_now();
    int r = 0;

    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        struct env_kept *kept = &list->items[i];

        if (kept->in_use || now - kept->last_used < unused) {
            continue;
        }
        r = dry_run ? 1 : cancel_check(cancel, err);
        r = r != 0 ? r : remove_one(places, kept, err);
        kept->removed = r > 0;
        kept->in_use = r == 0;
    }
    if (r < 0 || dry_run) {
        return r < 0 ? r : 0;
    }
    r = clear_requests(places, err);
    return r < 0 ? r : places_clear_building(places, err);
}

int env_clean(const struct env_options *options, int64_t unused, bool dry_run,
              struct env_kept_list *ret, corrie_error *err)
{
    static const struct env_options none;
    _cleanup_(places_done) struct places places = {0};
    int r;

    options = options ? options : &none;
    *ret = (struct env_kept_list){0};
    r = places_init(&places, options->cache_dir, err);
    r = r < 0 || dry_run ? r : places_make(&places, err);
    r = r < 0 ? r : list_all(&places, ret, err);
    r = r < 0 ? r : clean(&places, unused, dry_run, ret, options->cancel, err);
    if (r < 0) {
        env_kept_list_done(ret);
        return corrie_wrap(err, "remove environments from %s",
                           places.envs ? places.envs : "the cache");
    }
    return 0;
}
