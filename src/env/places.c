/* places.c — where environments lie, and what is in there that nobody makes any more. */
#include "base/limits.h"
#include "base/mem.h"
#include "env/env_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"

void places_done(struct places *places)
{
    arena_done(&places->arena);
}

int places_init(struct places *places, struct str cache_dir, corrie_error *err)
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
    places->used = arena_printf(&places->arena, "%s/python/used", base);
    places->building_lock = arena_printf(&places->arena, "%s/python/building.lock", base);
    places->envs_lock = arena_printf(&places->arena, "%s/python/envs.lock", base);
    return places->requests && places->envs && places->building && places->used &&
                   places->building_lock && places->envs_lock
               ? 0
               : corrie_fail_memory(err);
}

int places_make(const struct places *places, corrie_error *err)
{
    int r = os_dir_make(places->requests, 0755, err);

    r = r < 0 ? r : os_dir_make(places->envs, 0755, err);
    r = r < 0 ? r : os_dir_make(places->building, 0755, err);
    r = r < 0 ? r : os_dir_make(places->used, 0755, err);
    return r < 0 ? r : 0;
}

int places_lock_building(const struct places *places, const struct cancel *cancel, int *ret_fd,
                         corrie_error *err)
{
    return os_lock_open(places->building_lock, OS_LOCK_SHARED, CORRIE_LOCK_DEADLINE_MS, cancel,
                        ret_fd, err);
}

int places_clear_building(const struct places *places, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _close_ int fd = -1;
    struct os_entry *entries;
    size_t n;
    int r;

    r = os_lock_open(places->building_lock, OS_LOCK_EXCLUSIVE, 0, NULL, &fd, err);
    if (r < 0) {
        corrie_error_clear(err);
        return 0;
    }
    r = os_dir_list(places->building, &arena, &entries, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        const char *path = arena_printf(&arena, "%s/%s", places->building, entries[i].name.data);

        r = path ? os_tree_remove(path, err) : corrie_fail_memory(err);
    }
    return r < 0 ? r : 0;
}
