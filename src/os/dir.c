#include "os/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "base/vec.h"
#include "os/os_priv.h"
#include "os/path.h"
#include "os/user.h"

static void close_dirp(DIR **dir)
{
    if (*dir) {
        closedir(*dir);
    }
}

/* Makes it under another name, gives the mode, and puts it in its place, so that nobody meets it with less. */
static int make_exactly(const char *path, uint32_t mode, corrie_error *err)
{
    _free_ char *parent = str_dup(os_path_parent(str_of(path)));
    _free_ char *temp = NULL;
    char name[sizeof OS_TEMP_PREFIX + 16];
    uint64_t number;
    int r;

    random_bytes(&number, sizeof number);
    snprintf(name, sizeof name, OS_TEMP_PREFIX "%016llx", (unsigned long long)number);
    if (!parent) {
        return corrie_fail_memory(err);
    }
    r = os_path_join(str_of(parent), str_of(name), &temp, err);
    r = r < 0 ? r : os_dir_make_new(temp, 0777, err);
    if (r < 0) {
        return r == CORRIE_E_NOT_FOUND || r == CORRIE_E_REFUSED
                   ? corrie_wrap(err, "make the directory %s", path)
                   : r;
    }
    r = os_mode_set(temp, mode & 07777, err);
    /* rename puts a directory in the place of an empty one: somebody has made it meanwhile, and it is ours now */
    if (r >= 0 && (os_fault_errno(OS_OP_RENAME, AT_FDCWD, path) < 0 || rename(temp, path) < 0)) {
        r = corrie_fail_errno(err, errno == ENOTEMPTY || errno == ENOTDIR ? EEXIST : errno,
                              "make the directory %s", path);
    }
    if (r < 0) {
        rmdir(temp);
    }
    return r;
}

int os_dir_make_new(const char *path, uint32_t mode, corrie_error *err)
{
    struct stat info;

    if (mode & OS_MODE_EXACT) {
        /* the usual case first: it is there, and no name was used up */
        if (lstat(path, &info) == 0) {
            return corrie_fail_errno(err, EEXIST, "make the directory %s", path);
        }
        return make_exactly(path, mode, err);
    }
    if (os_fault_errno(OS_OP_MKDIR, AT_FDCWD, path) < 0 || mkdir(path, (mode_t)mode) < 0) {
        return corrie_fail_errno(err, errno, "make the directory %s", path);
    }
    return 0;
}

int os_dir_sync(const char *path, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (r < 0) {
        return r;
    }
    return os_fd_sync(fd, path, err);
}

/* Cuts `path` at its last slash, which is found before `*end`: "a/b/c" → "a/b". False at the top.
 * */
static bool cut_parent(char *path, size_t *end)
{
    size_t at = *end;

    while (at > 0 && path[at - 1] != '/') {
        at--;
    }
    while (at > 0 && path[at - 1] == '/') {
        at--;
    }
    if (at == 0) {
        return false;
    }
    path[at] = '\0';
    *end = at;
    return true;
}

/* Makes one level and its durability: 1 made, 0 was there. */
static int make_level(const char *path, uint32_t mode, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _free_ char *parent = NULL;
    struct os_stat info;
    int r;

    r = os_dir_make_new(path, mode, err);
    if (r == CORRIE_E_EXISTS) {
        r = os_stat(path, &info, &inner);
        if (r < 0 && r != CORRIE_E_NOT_FOUND) { /* that is a link to nothing */
            return corrie_error_move(err, &inner);
        }
        if (r < 0 || info.kind != OS_DIRECTORY) {
            return corrie_fail(err, CORRIE_E_EXISTS,
                               "make the directory %s: there is something else of that name", path);
        }
        corrie_error_clear(err);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    parent = str_dup(os_path_parent(str_of(path)));
    if (!parent) {
        return corrie_fail_memory(err);
    }
    r = os_dir_sync(parent, err);
    return r < 0 ? corrie_wrap(err, "make the directory %s", path) : 1;
}

int os_dir_make(const char *path, uint32_t mode, corrie_error *err)
{
    _free_ char *work = str_dup(str_of(path));
    size_t full, end;
    int r;

    if (!work) {
        return corrie_fail_memory(err);
    }
    full = strlen(work);
    while (full > 1 && work[full - 1] == '/') {
        work[--full] = '\0';
    }
    /* up until a level can be made or is there, then down again */
    end = full;
    for (;;) {
        r = make_level(work, mode, err);
        if (r != CORRIE_E_NOT_FOUND || !cut_parent(work, &end)) {
            break;
        }
        corrie_error_clear(err); /* of the level below */
    }
    while (r >= 0 && end < full) {
        work[end] = '/';
        end = strlen(work);
        r = make_level(work, mode, err);
    }
    return r;
}

static enum os_kind kind_of(int dir_fd, const struct dirent *entry)
{
    struct stat info;

    switch (entry->d_type) {
    case DT_REG:
        return OS_FILE;
    case DT_DIR:
        return OS_DIRECTORY;
    case DT_LNK:
        return OS_LINK;
    case DT_UNKNOWN: /* some file systems never say */
        if (fstatat(dir_fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
            return S_ISREG(info.st_mode)   ? OS_FILE
                   : S_ISDIR(info.st_mode) ? OS_DIRECTORY
                   : S_ISLNK(info.st_mode) ? OS_LINK
                                           : OS_OTHER;
        }
        return OS_OTHER;
    default:
        return OS_OTHER;
    }
}

static int compare_entries(const void *a, const void *b)
{
    return str_cmp(((const struct os_entry *)a)->name, ((const struct os_entry *)b)->name);
}

struct entry_list {
    struct os_entry *items;
    size_t count, capacity;
};

static void entry_list_done(struct entry_list *list)
{
    vec_done(list);
}

/* Reads the directory open at `dir`; names go to the arena. */
static int read_entries(DIR *dir, const char *path, struct arena *arena, struct entry_list *list,
                        corrie_error *err)
{
    for (;;) {
        struct dirent *entry;
        struct os_entry item;
        char *name;

        errno = 0;
        entry = os_fault_errno(OS_OP_LIST, dirfd(dir), NULL) < 0 ? NULL : readdir(dir);
        if (!entry && errno) {
            return corrie_fail_errno(err, errno, "list %s", path);
        }
        if (!entry) {
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (list->count >= CORRIE_MAX_DIR_ENTRIES) {
            return corrie_fail(err, CORRIE_E_LIMIT, "list %s: it has more than %d entries", path,
                               CORRIE_MAX_DIR_ENTRIES);
        }
        name = arena_text(arena, str_of(entry->d_name));
        item = (struct os_entry){str_of(name), kind_of(dirfd(dir), entry)};
        if (!name || vec_push(list, item) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof *list->items, compare_entries);
    }
    return 0;
}

int os_dir_list(const char *path, struct arena *arena, struct os_entry **ret, size_t *ret_n,
                corrie_error *err)
{
    _cleanup_(entry_list_done) struct entry_list list = {0};
    _cleanup_(close_dirp) DIR *dir = NULL;
    _close_ int fd = -1;
    struct os_entry *entries;
    int r;

    r = os_open(path, O_RDONLY | O_DIRECTORY, 0, &fd, err);
    if (r < 0) {
        return r;
    }
    dir = fdopendir(fd);
    if (!dir) {
        return corrie_fail_errno(err, errno, "list %s", path);
    }
    fd = -1; /* closedir closes it */
    r = read_entries(dir, path, arena, &list, err);
    if (r < 0) {
        return r;
    }
    entries = arena_array(arena, struct os_entry, list.count + 1);
    if (!entries) {
        return corrie_fail_memory(err);
    }
    if (list.count > 0) {
        memcpy(entries, list.items, list.count * sizeof *entries);
    }
    *ret = entries;
    *ret_n = list.count;
    return 0;
}

int os_dir_remove(const char *path, corrie_error *err)
{
    if (os_fault_errno(OS_OP_UNLINK, AT_FDCWD, path) == 0 && rmdir(path) == 0) {
        return 1;
    }
    if (errno == ENOENT) {
        return 0;
    }
    if (errno == ENOTEMPTY || errno == EEXIST) {
        return corrie_fail(err, CORRIE_E_CONFLICT, "remove the directory %s: it is not empty",
                           path);
    }
    return corrie_fail_errno(err, errno, "remove the directory %s", path);
}

/* Removes what the directory `name` of `parent_fd` holds, and it. Descriptors keep us inside
 * whatever others rename meanwhile. `shown` is for messages. */
static int remove_tree_at(int parent_fd, const char *name, const char *shown, int depth,
                          corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(entry_list_done) struct entry_list list = {0};
    _cleanup_(close_dirp) DIR *dir = NULL;
    int fd, r;

    if (depth > CORRIE_MAX_DIR_DEPTH) {
        return corrie_fail(err, CORRIE_E_LIMIT, "remove %s: deeper than %d levels", shown,
                           CORRIE_MAX_DIR_DEPTH);
    }
    fd = os_fault_errno(OS_OP_OPEN, parent_fd, name) < 0
             ? -1
             : openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : corrie_fail_errno(err, errno, "remove %s", shown);
    }
    dir = fdopendir(fd);
    if (!dir) {
        r = corrie_fail_errno(err, errno, "remove %s", shown);
        close(fd);
        return r;
    }
    r = read_entries(dir, shown, &arena, &list, err);
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        const char *entry = list.items[i].name.data;

        if (list.items[i].kind == OS_DIRECTORY) {
            _free_ char *below = NULL;

            r = os_path_join(str_of(shown), list.items[i].name, &below, err);
            r = r < 0 ? r : remove_tree_at(fd, entry, below, depth + 1, err);
        } else if (os_fault_errno(OS_OP_UNLINK, fd, entry) < 0 ||
                   (unlinkat(fd, entry, 0) < 0 && errno != ENOENT)) {
            r = corrie_fail_errno(err, errno, "remove %s/%s", shown, entry);
        }
    }
    if (r >= 0 && (os_fault_errno(OS_OP_UNLINK, parent_fd, name) < 0 ||
                   (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT))) {
        r = corrie_fail_errno(err, errno, "remove %s", shown);
    }
    return r < 0 ? r : 0;
}

int os_tree_remove(const char *path, corrie_error *err)
{
    struct stat info;
    int r;

    if (os_fault_errno(OS_OP_STAT, AT_FDCWD, path) < 0 || lstat(path, &info) < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? 0
                   : corrie_fail_errno(err, errno, "remove %s", path);
    }
    if (!S_ISDIR(info.st_mode)) {
        return os_unlink(path, err);
    }
    r = remove_tree_at(AT_FDCWD, path, path, 0, err);
    return r < 0 ? r : 1;
}
