/* temp.c — temporary directories, and what processes that were killed have left of them.
 *
 * Who uses one holds a lock on it (flock on the directory itself), which ends with the process however it ends; children do
 * not inherit it. So one whose lock is free belongs to nobody. The lock is taken a moment after the directory was made, hence
 * young ones are let be. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "os/dir.h"
#include "os/os_priv.h"
#include "os/path.h"
#include "os/user.h"

#define OWN_PREFIX "corrie-"

enum {
    DIGITS = 16, /* that a name ends with */
    YOUNG_SECONDS = 60,
    MOST_SEEN = 4096, /* entries of the temporary directory that are looked at, whosever they are */
    MOST_REMOVED = 16, /* directories; the next process goes on */
};

static const char *temp_base(void)
{
    const char *base = os_env("TMPDIR");

    return base ? base : "/tmp";
}

int os_temp_dir(const char *prefix, char **ret, corrie_error *err)
{
    int r = CORRIE_E_EXISTS;

    for (int tries = 0; tries < 100 && r == CORRIE_E_EXISTS; tries++) {
        _free_ char *path = NULL;
        _cleanup_(buf_done) struct buf name = {0};
        uint64_t number;

        random_bytes(&number, sizeof number);
        buf_addf(&name, "%s-%016llx", prefix, (unsigned long long)number);
        r = buf_check(&name, err);
        r = r < 0 ? r : os_path_join(str_of(temp_base()), buf_str(&name), &path, err);
        r = r < 0 ? r : os_dir_make_new(path, 0700, err);
        if (r >= 0) {
            *ret = TAKE_PTR(path);
            corrie_error_clear(err);
            return 0;
        }
    }
    return corrie_wrap(err, "make a temporary directory");
}

/* ---- what was left behind ---- */

/* "corrie-call-0123456789abcdef" */
static bool is_owned_name(const char *name)
{
    static const char *const kinds[] = {"corrie-call-", "corrie-work-"};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i]);

        if (strncmp(name, kinds[i], len) == 0) {
            return strspn(name + len, "0123456789abcdef") == DIGITS && name[len + DIGITS] == '\0';
        }
    }
    return false;
}

/* Locks it where nobody has; -1 where somebody does, or it is not ours, or too young to say. */
static int take_left(int base, const char *name)
{
    _close_ int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct timespec now;
    struct stat info;

    clock_gettime(CLOCK_REALTIME, &now);
    if (fd < 0 || fstat(fd, &info) < 0 || info.st_uid != geteuid() ||
        now.tv_sec - info.st_mtim.tv_sec < YOUNG_SECONDS || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        return -1;
    }
    return TAKE_FD(fd);
}

static bool remove_left(int base, const char *name)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _close_ int lock = take_left(base, name);
    _free_ char *path = NULL;

    if (lock < 0 || os_path_join(str_of(temp_base()), str_of(name), &path, &ignored) < 0 ||
        os_tree_remove(path, &ignored) < 0) {
        corrie_error_clear(&ignored); /* rubbish: nothing depends on its going */
        return false;
    }
    return true;
}

static void sweep(void)
{
    DIR *dir = opendir(temp_base());
    struct dirent *entry;
    int removed = 0;

    for (int seen = 0; dir && seen < MOST_SEEN && removed < MOST_REMOVED; seen++) {
        entry = readdir(dir);
        if (!entry) {
            break;
        }
        removed += is_owned_name(entry->d_name) && remove_left(dirfd(dir), entry->d_name);
    }
    if (dir) {
        closedir(dir);
    }
}

/* Once a process, before the first directory of its own. Not where faults are counted: what others left would count. */
static void sweep_once(void)
{
    static atomic_flag swept = ATOMIC_FLAG_INIT;

    if (!atomic_flag_test_and_set(&swept) && !os_fault_armed && !mem_has_fault()) {
        sweep();
    }
}

/* ---- one's own ---- */

int os_own_dir_make(const char *kind, struct os_own_dir *ret, corrie_error *err)
{
    _cleanup_(os_own_dir_remove) struct os_own_dir made = {.lock = -1};
    _free_ char *prefix = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    sweep_once();
    buf_addf(&text, OWN_PREFIX "%s", kind);
    if (!(prefix = buf_take(&text))) {
        return corrie_fail_memory(err);
    }
    r = os_temp_dir(prefix, &made.path, err);
    if (r < 0 || (r = os_open(made.path, O_RDONLY | O_DIRECTORY, 0, &made.lock, err)) < 0) {
        return r;
    }
    /* a file system without locks: nobody can take it there either, and it is never swept */
    (void)flock(made.lock, LOCK_EX | LOCK_NB);
    *ret = made;
    made = (struct os_own_dir){.lock = -1};
    return 0;
}

void os_own_dir_remove(struct os_own_dir *dir)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (dir->path) {
        if (os_tree_remove(dir->path, &ignored) < 0) {
            corrie_error_clear(&ignored); /* temporary files of ours: nothing depends on them */
        }
        os_close(dir->lock);
        mem_free(dir->path);
    }
    *dir = (struct os_own_dir){.path = NULL};
}
