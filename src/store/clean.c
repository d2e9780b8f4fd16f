/* clean.c — what puts that were cut off have left in a directory of this machine. */
#include <errno.h>

#include "base/limits.h"
#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "store/store_priv.h"

struct cleaning {
    struct store *store;
    struct store_clean *clean;
};

/* An entry that somebody else removed meanwhile is no error. */
static int unless_gone(int r, corrie_error *err)
{
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    return r;
}

static int clean_file(const struct cleaning *cleaning, struct str path, corrie_error *err)
{
    struct store_clean *clean = cleaning->clean;
    struct os_stat info;
    int r = os_stat(path.data, &info, err);

    if (r < 0) {
        return unless_gone(r, err);
    }
    if (info.kind != OS_FILE || info.mtime >= clean->before) {
        return 0;
    }
    if (!clean->dry_run) {
        r = os_unlink(path.data, err);
        if (r <= 0) {
            return r;
        }
    }
    clean->files++;
    clean->bytes += info.size;
    return 0;
}

/* An empty directory that is to go. *ret_left says whether it is still there. */
static int remove_directory(const struct cleaning *cleaning, const char *path, bool *ret_left,
                            corrie_error *err)
{
    int r = cleaning->clean->dry_run ? 0 : os_dir_remove(path, err);

    if (r == CORRIE_E_CONFLICT) {
        corrie_error_clear(err); /* somebody has put something into it */
        return 0;
    }
    *ret_left = r < 0;
    return r < 0 ? r : 0;
}

/* A directory that somebody is making, or was: nothing is in it before it has its name, and until it has its mode nobody
 * else can look. */
static int clean_unnamed(const struct cleaning *cleaning, const char *path, bool *ret_left,
                         corrie_error *err)
{
    struct os_stat info;
    int r = os_stat(path, &info, err);

    if (r < 0) {
        return unless_gone(r, err);
    }
    return info.mtime < cleaning->clean->before ? remove_directory(cleaning, path, ret_left, err)
                                                : 0;
}

static int clean_directory(const struct cleaning *cleaning, struct str directory, int depth,
                           bool *ret_empty, corrie_error *err);

/* `key`: of the entry; a directory's without a slash. *ret_left says whether it is still there. */
static int clean_entry(const struct cleaning *cleaning, struct str key, const char *path,
                       const struct os_entry *entry, int depth, bool *ret_left, corrie_error *err)
{
    struct store_clean *clean = cleaning->clean;
    struct os_stat info;
    bool empty = false;
    int r;

    *ret_left = true;
    if (entry->kind == OS_FILE && os_temp_is(entry->name)) {
        uint64_t before = clean->files;

        r = clean_file(cleaning, str_of(path), err);
        *ret_left = clean->files == before;
        return r;
    }
    if (entry->kind != OS_DIRECTORY || str_eq(key, STR(STORE_LOCK_DIRECTORY))) {
        return 0;
    }
    if (os_temp_is(entry->name)) {
        return clean_unnamed(cleaning, path, ret_left, err);
    }
    r = os_stat(path, &info, err); /* before we change it */
    r = r < 0 ? r : clean_directory(cleaning, key, depth, &empty, err);
    if (r < 0) {
        return unless_gone(r, err);
    }
    if (!empty || !clean->may_go || !clean->may_go(clean->arg, key, info.mtime)) {
        return 0;
    }
    return remove_directory(cleaning, path, ret_left, err);
}

/* `directory`: a key without a slash at the end; "" is the root. */
static int clean_directory(const struct cleaning *cleaning, struct str directory, int depth,
                           bool *ret_empty, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *path = NULL;
    struct os_entry *entries;
    size_t n;
    size_t left = 0;
    int r;

    if (depth > CORRIE_MAX_DIR_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%.*s is deeper than %d levels", STR_FMT(directory),
                           CORRIE_MAX_DIR_DEPTH);
    }
    r = cancel_check(cleaning->clean->cancel, err);
    r = r < 0 ? r : cleaning->store->ops->local_path(cleaning->store, directory, &path, err);
    r = r < 0 ? r : os_dir_list(path, &arena, &entries, &n, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        _free_ char *entry_path = NULL;
        _cleanup_(buf_done) struct buf key = {0};
        bool is_left;

        buf_add_str(&key, directory);
        buf_add_text(&key, directory.len > 0 ? "/" : "");
        buf_add_str(&key, entries[i].name);
        r = buf_check(&key, err);
        r = r < 0 ? r : os_path_join(str_of(path), entries[i].name, &entry_path, err);
        r = r < 0 ? r
                  : clean_entry(cleaning, buf_str(&key), entry_path, &entries[i], depth + 1,
                                &is_left, err);
        if (r < 0) {
            return r;
        }
        left += is_left;
    }
    *ret_empty = left == 0;
    return 0;
}

int store_file_clean(struct store *store, struct store_clean *clean, corrie_error *err)
{
    const struct cleaning cleaning = {store, clean};
    bool empty;

    return unless_gone(clean_directory(&cleaning, STR_EMPTY, 0, &empty, err), err);
}
