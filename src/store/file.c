/* file.c — a store in a directory of this machine.
 *
 * Invariants
 *   1. A blob is a file at <root>/<key>; a name beginning with OS_TEMP_PREFIX is an unfinished one.
 *   2. A directory named in `made` is durable up to the root: each level was fsynced in its parent,
 *   by us or
 *      by whoever made it, and once more by us (another process may have died, or have failed,
 *      between its mkdir and its fsync).
 *   3. put_if_match on a key holds the exclusive lock of <root>/.corrie-locks/<2 hex digits of the
 *   key's
 *      hash>; put_if_absent needs none, since the rename that does not replace is atomic itself. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "store/store_priv.h"

#define LOCK_DIRECTORY STORE_LOCK_DIRECTORY
#define LOCK_WAIT_MS CORRIE_LOCK_DEADLINE_MS
#define MAX_MADE 65536 /* beyond that directories are looked at each time */

struct file_store {
    struct store base;
    char *root;
    pthread_mutex_t lock; /* of `made` */
    struct map made;      /* absolute directories; keys are owned */
};

static void unlock_mutex(pthread_mutex_t **mutex)
{
    pthread_mutex_unlock(*mutex);
}

static struct file_store *file_store_of(struct store *store)
{
    return (struct file_store *)store;
}

static struct store *file_close(struct store *store)
{
    struct file_store *file = file_store_of(store);

    for (size_t i = 0; i < file->made.count; i++) {
        mem_free((void *)(uintptr_t)file->made.entries[i].key.data);
    }
    map_done(&file->made);
    pthread_mutex_destroy(&file->lock);
    mem_free(file->root);
    mem_free(store->url);
    mem_free(file);
    return NULL;
}

static int key_path(struct store *store, struct str key, char **ret, corrie_error *err)
{
    return os_path_join(str_of(file_store_of(store)->root), key, ret, err);
}

static bool made_has(struct file_store *file, struct str directory)
{
    pthread_mutex_lock(&file->lock);
    bool has = map_find(&file->made, directory) && map_get(&file->made, directory);
    pthread_mutex_unlock(&file->lock);
    return has;
}

static int made_set(struct file_store *file, struct str directory, bool made, corrie_error *err)
{
    pthread_mutex_lock(&file->lock);
    _cleanup_(unlock_mutex) pthread_mutex_t *held = &file->lock;
    struct map_entry *entry = map_find(&file->made, directory);
    _free_ char *name = NULL;

    (void)held;
    if (entry) {
        entry->value = made ? file : NULL;
        return 0;
    }
    if (!made || file->made.count >= MAX_MADE) {
        return 0;
    }
    name = str_dup(directory);
    if (!name || map_put(&file->made, str_make(name, directory.len), file) < 0) {
        return corrie_fail_memory(err);
    }
    name = NULL; /* the map's */
    return 0;
}

/* Makes `directory` there and durable, from the file system's root down. */
static int ensure_directory(struct file_store *file, const char *directory, corrie_error *err)
{
    _free_ char *parent = NULL;
    int r;

    if (made_has(file, str_of(directory))) {
        return 0;
    }
    parent = str_dup(os_path_parent(str_of(directory)));
    if (!parent) {
        return corrie_fail_memory(err);
    }
    /* above the store's root nothing is ours but to make; it may not even be readable */
    if (strlen(directory) > strlen(file->root)) {
        r = ensure_directory(file, parent, err);
        if (r < 0) {
            return r;
        }
    }
    r = os_dir_make(directory, file->base.directory_mode, err);
    if (r == CORRIE_E_EXISTS) {
        /* not "the blob is there": a blob stands where a directory is needed, which only files mind */
        return corrie_fail(err, CORRIE_E_IO, "%s is a file where a directory is needed", directory);
    }
    if (r < 0) {
        return r;
    }
    if (r == 0 && strlen(directory) > strlen(file->root)) {
        r = os_dir_sync(parent, err);
        if (r < 0) {
            return r;
        }
    }
    return made_set(file, str_of(directory), true, err);
}

static int ensure_parent(struct file_store *file, const char *path, corrie_error *err)
{
    _free_ char *directory = str_dup(os_path_parent(str_of(path)));

    return directory ? ensure_directory(file, directory, err) : corrie_fail_memory(err);
}

/* Forgets the directories between the root and `path`: somebody has removed one. */
static int forget_parents(struct file_store *file, const char *path, corrie_error *err)
{
    struct str directory = os_path_parent(str_of(path));
    int r = 0;

    while (r >= 0 && directory.len >= strlen(file->root) && directory.len > 1) {
        r = made_set(file, directory, false, err);
        directory = os_path_parent(directory);
    }
    return r;
}

typedef int (*write_fn)(const char *path, struct str bytes, uint32_t mode, corrie_error *err);

static int put_with(struct store *store, struct str key, struct str bytes, write_fn write,
                    corrie_error *err)
{
    struct file_store *file = file_store_of(store);
    _free_ char *path = NULL;
    int r;

    r = key_path(store, key, &path, err);
    if (r < 0) {
        return r;
    }
    for (int attempt = 0;; attempt++) {
        r = ensure_parent(file, path, err);
        r = r < 0 ? r : write(path, bytes, store->file_mode, err);
        if (r != CORRIE_E_NOT_FOUND || attempt == 3) {
            return r;
        }
        /* a directory that we knew has gone: a collector removed it while it was empty */
        r = forget_parents(file, path, err);
        if (r < 0) {
            return r;
        }
        corrie_error_clear(err);
    }
}

static int file_put(struct store *store, struct str key, struct str bytes, corrie_error *err)
{
    return put_with(store, key, bytes, os_file_replace, err);
}

static int file_put_before(struct store *store, struct str key, struct str bytes, corrie_error *err)
{
    return put_with(store, key, bytes, os_file_replace_before, err);
}

static int file_put_if_absent(struct store *store, struct str key, struct str bytes,
                              corrie_error *err)
{
    return put_with(store, key, bytes, os_file_create, err);
}

static void tag_of(struct str bytes, struct store_tag *ret)
{
    struct hash hash = hash_bytes(bytes);

    hash_hex(&hash, ret->text);
}

static int file_get(struct store *store, struct str key, size_t max, struct buf *out,
                    struct store_tag *ret_tag, corrie_error *err)
{
    _free_ char *path = NULL;
    size_t start = out->len;
    int r;

    r = key_path(store, key, &path, err);
    r = r < 0 ? r : os_file_read(path, max, out, err);
    if (r >= 0 && ret_tag) {
        tag_of(str_from(buf_str(out), start), ret_tag);
    }
    return r;
}

static int file_get_range(struct store *store, struct str key, uint64_t offset, void *bytes,
                          size_t len, corrie_error *err)
{
    _free_ char *path = NULL;
    _close_ int fd = -1;
    int r;

    r = key_path(store, key, &path, err);
    r = r < 0 ? r : os_open(path, O_RDONLY, 0, &fd, err);
    return r < 0 ? r : os_read_at(fd, path, offset, bytes, len, err);
}

static int file_stat(struct store *store, struct str key, struct store_info *ret, corrie_error *err)
{
    _free_ char *path = NULL;
    struct os_stat info;
    int r;

    r = key_path(store, key, &path, err);
    r = r < 0 ? r : os_stat(path, &info, err);
    if (r < 0) {
        return r;
    }
    if (info.kind != OS_FILE) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "%s is not a file", path);
    }
    *ret = (struct store_info){info.size, info.mtime};
    return 0;
}

/* Takes the lock under which the key is compared and replaced. */
static int lock_key(struct file_store *file, struct str key, int *ret_fd, corrie_error *err)
{
    _free_ char *path = NULL;
    char name[sizeof LOCK_DIRECTORY "/00"];
    _close_ int fd = -1;
    int r;

    snprintf(name, sizeof name, LOCK_DIRECTORY "/%02x", (unsigned)(hash_xx64(key, 0) & 0xff));
    r = os_path_join(str_of(file->root), str_of(name), &path, err);
    r = r < 0 ? r : ensure_parent(file, path, err);
    r = r < 0 ? r : os_open(path, O_RDWR | O_CREAT, file->base.file_mode, &fd, err);
    r = r < 0 ? r : os_lock(fd, path, OS_LOCK_EXCLUSIVE, LOCK_WAIT_MS, NULL, err);
    if (r < 0) {
        return r;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

static int file_put_if_match(struct store *store, struct str key, struct str bytes,
                             const struct store_tag *tag, struct store_tag *ret_tag,
                             corrie_error *err)
{
    _cleanup_(buf_done) struct buf present = {0};
    _close_ int lock = -1;
    struct store_tag found;
    int r;

    r = lock_key(file_store_of(store), key, &lock, err);
    if (r < 0) {
        return r;
    }
    r = file_get(store, key, CORRIE_MAX_BUF, &present, &found, err);
    if (r == CORRIE_E_NOT_FOUND) {
        return corrie_fail(err, CORRIE_E_CONFLICT, "it does not exist any more");
    }
    if (r < 0) {
        return r;
    }
    if (!str_eq(str_of(found.text), str_of(tag->text))) {
        return corrie_fail(err, CORRIE_E_CONFLICT, "somebody else has changed it");
    }
    r = file_put(store, key, bytes, err);
    if (r >= 0 && ret_tag) {
        tag_of(bytes, ret_tag);
    }
    return r;
}

static int file_remove(struct store *store, struct str key, corrie_error *err)
{
    _free_ char *path = NULL;
    _free_ char *directory = NULL;
    int r, removed;

    r = key_path(store, key, &path, err);
    if (r < 0) {
        return r;
    }
    removed = os_unlink(path, err);
    if (removed <= 0) {
        return removed;
    }
    directory = str_dup(os_path_parent(str_of(path)));
    if (!directory) {
        return corrie_fail_memory(err);
    }
    r = os_dir_sync(directory, err);
    return r < 0 ? r : removed;
}

struct listing {
    struct store *store;
    struct str prefix;
    const struct cancel *cancel;
    store_list_fn found;
    void *arg;
};

/* Whether keys below `directory` ("" or "a/b/") can begin with the prefix. */
static bool may_hold(const struct listing *listing, struct str directory)
{
    size_t common = directory.len < listing->prefix.len ? directory.len : listing->prefix.len;

    return memcmp(directory.data, listing->prefix.data, common) == 0;
}

static int list_file(const struct listing *listing, struct str key, corrie_error *err)
{
    struct store_info info;
    int r;

    if (!str_starts(key, listing->prefix)) {
        return 0;
    }
    r = file_stat(listing->store, key, &info, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0; /* deleted since it was listed, or a link to nothing */
    }
    return r < 0 ? r : listing->found(listing->arg, key, &info, err);
}

/* Byte order of keys, in which a directory counts as its name and a slash: "a-b" < "a/b" < "a0". */
static int compare_as_keys(const void *left, const void *right)
{
    const struct os_entry *a = left;
    const struct os_entry *b = right;
    size_t common = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = memcmp(a->name.data, b->name.data, common);
    int next_a, next_b;

    if (order) {
        return order;
    }
    next_a = a->name.len > common      ? (unsigned char)a->name.data[common]
             : a->kind == OS_DIRECTORY ? '/'
                                       : -1;
    next_b = b->name.len > common      ? (unsigned char)b->name.data[common]
             : b->kind == OS_DIRECTORY ? '/'
                                       : -1;
    return next_a - next_b;
}

static int list_directory(const struct listing *listing, struct str directory, int depth,
                          corrie_error *err);

static int list_entry(const struct listing *listing, struct str directory,
                      const struct os_entry *entry, int depth, corrie_error *err)
{
    _cleanup_(buf_done) struct buf key = {0};
    int r;

    if (os_temp_is(entry->name) ||
        (directory.len == 0 && str_eq(entry->name, STR(LOCK_DIRECTORY)))) {
        return 0;
    }
    buf_add_str(&key, directory);
    buf_add_str(&key, entry->name);
    if (entry->kind == OS_DIRECTORY) {
        buf_add_char(&key, '/');
    }
    r = buf_check(&key, err);
    if (r < 0) {
        return r;
    }
    return entry->kind == OS_DIRECTORY ? list_directory(listing, buf_str(&key), depth + 1, err)
                                       : list_file(listing, buf_str(&key), err);
}

/* `directory` is "" or ends with a slash. */
static int list_directory(const struct listing *listing, struct str directory, int depth,
                          corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *path = NULL;
    struct os_entry *entries;
    size_t n;
    int r;

    if (!may_hold(listing, directory)) {
        return 0;
    }
    if (depth > CORRIE_MAX_DIR_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%.*s is deeper than %d levels", STR_FMT(directory),
                           CORRIE_MAX_DIR_DEPTH);
    }
    r = cancel_check(listing->cancel, err);
    r = r < 0 ? r : key_path(listing->store, directory, &path, err);
    r = r < 0 ? r : os_dir_list(path, &arena, &entries, &n, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    if (n > 0) {
        qsort(entries, n, sizeof *entries, compare_as_keys);
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = list_entry(listing, directory, &entries[i], depth, err);
    }
    return r;
}

static int file_list(struct store *store, struct str prefix, const struct cancel *cancel,
                     store_list_fn found, void *arg, corrie_error *err)
{
    const struct listing listing = {store, prefix, cancel, found, arg};
    int r = list_directory(&listing, STR_EMPTY, 0, err);

    return r < 0 ? corrie_wrap(err, "list %s/%.*s", store->url, STR_FMT(prefix)) : r;
}

static int is_there(struct str directory, corrie_error *err)
{
    _free_ char *path = str_dup(directory);

    return path ? os_exists(path, err) : corrie_fail_memory(err);
}

static int file_prepare(struct store *store, struct str key, corrie_error *err)
{
    struct file_store *file = file_store_of(store);
    _free_ char *path = NULL;
    int r = key_path(store, key, &path, err);

    if (r < 0) {
        return r;
    }
    for (int attempt = 0;; attempt++) {
        /* by the disk, not by memory alone: the writer that comes next cannot try again */
        r = is_there(os_path_parent(str_of(path)), err);
        if (r == 0) {
            r = forget_parents(file, path, err);
        }
        r = r < 0 ? r : ensure_parent(file, path, err);
        if (r != CORRIE_E_NOT_FOUND || attempt == 3) {
            return r;
        }
        corrie_error_clear(err); /* a collector removed a level between two of ours */
    }
}

static int file_sync(struct store *store, const struct str *keys, size_t n_keys, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(map_done) struct map directories = {0};
    int r = 0;

    for (size_t i = 0; i < n_keys && r >= 0; i++) {
        _free_ char *path = NULL;
        struct str directory;

        r = key_path(store, keys[i], &path, err);
        if (r >= 0 && (store->file_mode & OS_MODE_EXACT)) {
            r = os_mode_set(path, store->file_mode & 07777, err);
        }
        r = r < 0 ? r : os_file_sync(path, err);
        if (r < 0) {
            break;
        }
        if (arena_str(&arena, os_path_parent(str_of(path)), &directory) < 0 ||
            map_put(&directories, directory, NULL) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < directories.count && r >= 0; i++) {
        const char *directory = arena_text(&arena, directories.entries[i].key);

        r = directory ? os_dir_sync(directory, err) : corrie_fail_memory(err);
    }
    return r < 0 ? corrie_wrap(err, "make files of %s durable", store->url) : 0;
}

/* Unlinks them, then makes that durable in each directory once. */
static int file_remove_all(struct store *store, const struct str *keys, size_t n, size_t *deleted,
                           corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(map_done) struct map directories = {0};
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++) {
        _free_ char *path = NULL;
        struct str directory;

        r = key_path(store, keys[i], &path, err);
        r = r < 0 ? r : os_unlink(path, err);
        if (r <= 0) {
            continue;
        }
        ++*deleted;
        directory = os_path_parent(str_of(path));
        if (!map_find(&directories, directory) && (arena_str(&arena, directory, &directory) < 0 ||
                                                   map_put(&directories, directory, NULL) < 0)) {
            r = corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < directories.count && r >= 0; i++) {
        const char *directory = arena_text(&arena, directories.entries[i].key);

        r = directory ? os_dir_sync(directory, err) : corrie_fail_memory(err);
        if (r == CORRIE_E_NOT_FOUND) {
            corrie_error_clear(err); /* gone itself */
            r = 0;
        }
    }
    return r;
}

static const struct store_ops file_ops = {
    .scheme = "file",
    .close = file_close,
    .get = file_get,
    .get_range = file_get_range,
    .stat = file_stat,
    .put = file_put,
    .put_before = file_put_before,
    .put_if_absent = file_put_if_absent,
    .put_if_match = file_put_if_match,
    .remove = file_remove,
    .list = file_list,
    .local_path = key_path,
    .prepare = file_prepare,
    .sync = file_sync,
    .remove_all = file_remove_all,
    .clean = store_file_clean,
};

int store_file_open(struct str path, struct store **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf url = {0};
    _free_ char *root = NULL;
    struct file_store *file;
    int r;

    r = os_path_absolute(path, &root, err);
    if (r < 0) {
        return r;
    }
    buf_add_text(&url, "file://");
    if (!str_eq(str_of(root), STR("/"))) {
        url_encode_path(&url, str_of(root));
    }
    r = buf_check(&url, err);
    if (r < 0) {
        return r;
    }
    file = mem_alloc(1, sizeof *file);
    if (!file) {
        return corrie_fail_memory(err);
    }
    file->base.ops = &file_ops;
    store_set_modes(&file->base, 0777, 0666);
    file->base.url = buf_take(&url);
    file->root = TAKE_PTR(root);
    pthread_mutex_init(&file->lock, NULL);
    *ret = &file->base;
    return 0;
}
