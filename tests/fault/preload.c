/* preload.c — libcorrie_fault.so: faults, kills and power cuts for everything a process does to files under
 * one directory, whichever library does it. Language and promises: README.md, src/os/fault_spec.h.
 *
 * Each function here replaces one of libc: it asks what shall happen to this operation, does it by the plain
 * system call, and tells undo.c what a power cut would have to take back. */
#undef _FILE_OFFSET_BITS /* both the plain names and those ending in 64 are defined here */
#undef _FORTIFY_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "os/fault_spec.h"
#include "raw.h"
#include "undo.h"

_Static_assert(sizeof(off_t) == 8, "one off_t for both families of names");

#define EXPORT __attribute__((visibility("default")))

int corrie_fault_arm(const char *text, char *message, size_t size);
void corrie_fault_disarm(void);
int corrie_fault_hook(int op);
uint64_t corrie_fault_count(void);
uint64_t corrie_fault_hits(void);

static struct fault_state state;
static bool armed;
static bool tracking; /* undo information is kept: the spec asks for a cut */
static bool finished;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- arming ----------------------------------------------------------------------------------------- */

EXPORT int corrie_fault_arm(const char *text, char *message, size_t size)
{
    struct fault_spec spec;

    corrie_fault_disarm();
    if (fault_spec_parse(text, &spec, message, size) < 0) {
        return -1;
    }
    if (!spec.root[0]) {
        snprintf(message, size, "CORRIE_FAULT: the preload library needs root=/directory");
        return -1;
    }
    state.spec = spec;
    atomic_store(&state.count, 0);
    atomic_store(&state.hits, 0);
    tracking = spec.action == FAULT_CUT || spec.action == FAULT_CUT_EXIT;
    if (tracking) {
        undo_begin(spec.root);
    }
    armed = true;
    return 0;
}

EXPORT void corrie_fault_disarm(void)
{
    if (armed && tracking) {
        undo_end();
    }
    armed = tracking = false;
}

EXPORT uint64_t corrie_fault_count(void)
{
    return atomic_load(&state.count);
}

EXPORT uint64_t corrie_fault_hits(void)
{
    return atomic_load(&state.hits);
}

/* A forked child has a count of its own. It has no cut: one process stands for the machine, and what that
 * one has pending is not the child's to take back. */
static void in_child(void)
{
    static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

    lock = fresh;
    atomic_store(&state.count, 0);
    atomic_store(&state.hits, 0);
    if (tracking) {
        undo_forget();
        armed = tracking = false;
    }
}

__attribute__((constructor)) static void arm_from_env(void)
{
    const char *text = getenv("CORRIE_FAULT");
    struct fault_spec spec;
    char message[200];

    pthread_atfork(NULL, NULL, in_child);
    if (!text || !*text) {
        return;
    }
    if (fault_spec_parse(text, &spec, message, sizeof message) < 0 ||
        (fault_spec_wants_this(&spec) && corrie_fault_arm(text, message, sizeof message) < 0)) {
        syscall(SYS_write, 2, message, strlen(message));
        syscall(SYS_write, 2, "\n", 1);
        syscall(SYS_exit_group, 125);
    }
}

/* At the end of the process, however it comes (but not by a signal). */
__attribute__((destructor)) static void finish(void)
{
    if (!armed || finished) {
        return;
    }
    finished = true;
    pthread_mutex_lock(&lock);
    if (state.spec.action == FAULT_COUNT) {
        fault_report(state.spec.out, corrie_fault_count(), "operations");
    } else if (state.spec.action == FAULT_CUT_EXIT) {
        undo_cut(state.spec.seed);
    } else if (tracking) {
        undo_end();
    }
    armed = tracking = false;
    pthread_mutex_unlock(&lock);
}

/* ---- the decision ----------------------------------------------------------------------------------- */

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;) {
        pause();
    }
}

static int decide(enum os_op op)
{
    int what = fault_state_enter(&state, op);

    if (what == FAULT_DO_CUT) {
        undo_cut(state.spec.seed);
    }
    if (what == FAULT_DO_CUT || what == FAULT_DO_KILL) {
        die();
    }
    return what;
}

EXPORT int corrie_fault_hook(int op)
{
    int what;

    if (!armed) {
        return 0;
    }
    pthread_mutex_lock(&lock);
    what = decide((enum os_op)op);
    pthread_mutex_unlock(&lock);
    return what;
}

/* One replaced operation: `entered` says whether it is ours to look at (then the lock is held until leave),
 * `what` what the spec wants. */
struct entry {
    bool entered;
    int what;
};

static struct entry enter(enum os_op op, int dir, const char *path)
{
    struct entry entry = {false, 0};
    int saved = errno;

    if (armed && fault_spec_covers(&state.spec, dir, path)) {
        pthread_mutex_lock(&lock);
        entry.entered = true;
        entry.what = armed ? decide(op) : 0;
    }
    errno = saved;
    if (entry.what > 0) {
        errno = entry.what;
    }
    return entry;
}

static void leave(struct entry entry)
{
    if (entry.entered) {
        int saved = errno;

        pthread_mutex_unlock(&lock);
        errno = saved;
    }
}

static bool tracked(struct entry entry)
{
    return entry.entered && tracking;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

/* Opens while undo information is kept: readable, so that old content can be saved through the program's own
 * descriptor (another one would, when closed, drop the locks SQLite holds), and truncated by a step of its
 * own. */
static int open_tracked(int dir, const char *path, int flags, mode_t mode)
{
    struct stat info;
    bool there = fstatat(dir, path, &info, 0) == 0;
    int wanted = flags & ~O_TRUNC;
    int fd;

    if ((wanted & O_ACCMODE) == O_WRONLY) {
        wanted = (wanted & ~O_ACCMODE) | O_RDWR;
    }
    fd = raw_openat(dir, path, wanted, mode);
    if (fd < 0) {
        return fd;
    }
    if (!there && (flags & O_CREAT)) {
        undo_after_create(dir, path);
    }
    if (there && (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY && S_ISREG(info.st_mode)) {
        undo_before_truncate(fd, 0);
        raw_ftruncate(fd, 0);
    }
    return fd;
}

static int open_any(int dir, const char *path, int flags, mode_t mode)
{
    struct entry entry = enter(OS_OP_OPEN, dir, path);
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    int fd = -1;

    if (entry.what <= 0) {
        fd = tracked(entry) && writes && !(flags & (O_PATH | O_DIRECTORY))
                 ? open_tracked(dir, path, flags, mode)
                 : raw_openat(dir, path, flags, mode);
    }
    leave(entry);
    return fd;
}

#define OPEN_MODE(flags, last, mode)                                                               \
    do {                                                                                           \
        va_list args;                                                                              \
        va_start(args, last);                                                                      \
        (mode) = (flags) & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;                       \
        va_end(args);                                                                              \
    } while (0)

#define DEFINE_OPEN(name)                                                                          \
    EXPORT int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        mode_t mode;                                                                               \
        OPEN_MODE(flags, flags, mode);                                                             \
        return open_any(AT_FDCWD, path, flags, mode);                                              \
    }
DEFINE_OPEN(open)
DEFINE_OPEN(open64)

#define DEFINE_OPENAT(name)                                                                        \
    EXPORT int name(int dir, const char *path, int flags, ...)                                     \
    {                                                                                              \
        mode_t mode;                                                                               \
        OPEN_MODE(flags, flags, mode);                                                             \
        return open_any(dir, path, flags, mode);                                                   \
    }
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

/* What fortified programs call where no mode is given. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}

EXPORT int __openat_2(int dir, const char *path, int flags)
{
    return open_any(dir, path, flags, 0);
}

EXPORT int __openat64_2(int dir, const char *path, int flags)
{
    return open_any(dir, path, flags, 0);
}

EXPORT int creat(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int creat64(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* ---- writing ---------------------------------------------------------------------------------------- */

/* Where a write without an offset goes. */
static off_t position(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct stat info;

    if (flags >= 0 && (flags & O_APPEND) && fstat(fd, &info) == 0) {
        return info.st_size;
    }
    return lseek(fd, 0, SEEK_CUR);
}

/* Before any write of `len` bytes at `offset` (-1: the descriptor's position). Gives how many bytes to write. */
static size_t before_write(struct entry entry, int fd, off_t offset, size_t len)
{
    if (entry.what == FAULT_DO_SHORT) {
        len = (len + 1) / 2;
    }
    if (tracked(entry)) {
        undo_before_write(fd, offset < 0 ? position(fd) : offset, len);
    }
    return len;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    struct entry entry = enter(OS_OP_WRITE, fd, NULL);
    ssize_t n = -1;

    if (entry.what <= 0) {
        n = syscall(SYS_write, fd, bytes, before_write(entry, fd, -1, len));
    }
    leave(entry);
    return n;
}

#define DEFINE_PWRITE(name)                                                                        \
    EXPORT ssize_t name(int fd, const void *bytes, size_t len, off_t offset)                       \
    {                                                                                              \
        struct entry entry = enter(OS_OP_WRITE, fd, NULL);                                         \
        ssize_t n = -1;                                                                            \
        if (entry.what <= 0) {                                                                     \
            n = raw_pwrite(fd, bytes, before_write(entry, fd, offset, len), offset);               \
        }                                                                                          \
        leave(entry);                                                                              \
        return n;                                                                                  \
    }
DEFINE_PWRITE(pwrite)
DEFINE_PWRITE(pwrite64)

static size_t total(const struct iovec *parts, int n)
{
    size_t sum = 0;

    for (int i = 0; i < n; i++) {
        sum += parts[i].iov_len;
    }
    return sum;
}

/* A gathered write; a short one is made of the first part alone. */
static ssize_t write_parts(int fd, const struct iovec *parts, int n, off_t offset)
{
    struct entry entry = enter(OS_OP_WRITE, fd, NULL);
    ssize_t done = -1;

    if (entry.what <= 0) {
        n = entry.what == FAULT_DO_SHORT && n > 1 ? 1 : n;
        if (tracked(entry)) {
            undo_before_write(fd, offset < 0 ? position(fd) : offset, total(parts, n));
        }
        done = offset < 0 ? syscall(SYS_writev, fd, parts, n)
                          : syscall(SYS_pwritev, fd, parts, n, offset, 0);
    }
    leave(entry);
    return done;
}

EXPORT ssize_t writev(int fd, const struct iovec *parts, int n)
{
    return write_parts(fd, parts, n, -1);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *parts, int n, off_t offset)
{
    return write_parts(fd, parts, n, offset);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *parts, int n, off_t offset)
{
    return write_parts(fd, parts, n, offset);
}

#define DEFINE_SENDFILE(name)                                                                      \
    EXPORT ssize_t name(int to, int from, off_t *offset, size_t len)                               \
    {                                                                                              \
        struct entry entry = enter(OS_OP_WRITE, to, NULL);                                         \
        ssize_t n = -1;                                                                            \
        if (entry.what <= 0) {                                                                     \
            n = syscall(SYS_sendfile, to, from, offset, before_write(entry, to, -1, len));         \
        }                                                                                          \
        leave(entry);                                                                              \
        return n;                                                                                  \
    }
DEFINE_SENDFILE(sendfile)
DEFINE_SENDFILE(sendfile64)

EXPORT ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t len,
                               unsigned flags)
{
    struct entry entry = enter(OS_OP_WRITE, to, NULL);
    ssize_t n = -1;

    if (entry.what <= 0) {
        len = before_write(entry, to, to_offset ? *to_offset : -1, len);
        n = syscall(SYS_copy_file_range, from, from_offset, to, to_offset, len, flags);
    }
    leave(entry);
    return n;
}

/* ---- sizes ------------------------------------------------------------------------------------------ */

#define DEFINE_FTRUNCATE(name)                                                                     \
    EXPORT int name(int fd, off_t size)                                                            \
    {                                                                                              \
        struct entry entry = enter(OS_OP_TRUNCATE, fd, NULL);                                      \
        int r = -1;                                                                                \
        if (entry.what <= 0) {                                                                     \
            if (tracked(entry)) {                                                                  \
                undo_before_truncate(fd, size);                                                    \
            }                                                                                      \
            r = raw_ftruncate(fd, size);                                                           \
        }                                                                                          \
        leave(entry);                                                                              \
        return r;                                                                                  \
    }
DEFINE_FTRUNCATE(ftruncate)
DEFINE_FTRUNCATE(ftruncate64)

static int truncate_any(const char *path, off_t size)
{
    struct entry entry = enter(OS_OP_TRUNCATE, AT_FDCWD, path);
    int r = -1;

    if (entry.what <= 0 && tracked(entry)) {
        int fd = raw_openat(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);

        if (fd >= 0) {
            undo_before_truncate(fd, size);
            r = raw_ftruncate(fd, size);
            raw_close(fd);
        }
    } else if (entry.what <= 0) {
        r = (int)syscall(SYS_truncate, path, size);
    }
    leave(entry);
    return r;
}

EXPORT int truncate(const char *path, off_t size)
{
    return truncate_any(path, size);
}

EXPORT int truncate64(const char *path, off_t size)
{
    return truncate_any(path, size);
}

/* Space given, taken (holes) or moved: counted as a truncation, undone as a write over the range. */
static int fallocate_any(int fd, int mode, off_t offset, off_t len)
{
    struct entry entry = enter(OS_OP_TRUNCATE, fd, NULL);
    int r = -1;

    if (entry.what <= 0) {
        if (tracked(entry) && mode) {
            /* some modes move what lies behind the range */
            undo_before_write(fd, offset, (size_t)(INT64_MAX - offset));
        } else if (tracked(entry)) {
            undo_before_write(fd, offset, (size_t)len);
        }
        r = (int)syscall(SYS_fallocate, fd, mode, offset, len);
    }
    leave(entry);
    return r;
}

EXPORT int fallocate(int fd, int mode, off_t offset, off_t len)
{
    return fallocate_any(fd, mode, offset, len);
}

EXPORT int fallocate64(int fd, int mode, off_t offset, off_t len)
{
    return fallocate_any(fd, mode, offset, len);
}

EXPORT int posix_fallocate(int fd, off_t offset, off_t len)
{
    int saved = errno;
    int r = fallocate_any(fd, 0, offset, len) < 0 ? errno : 0;

    errno = saved;
    return r;
}

EXPORT int posix_fallocate64(int fd, off_t offset, off_t len)
{
    return posix_fallocate(fd, offset, len);
}

/* ---- becoming durable ------------------------------------------------------------------------------- */

static int sync_any(int fd, long number)
{
    struct entry entry = enter(OS_OP_FSYNC, fd, NULL);
    int r = -1;

    if (entry.what <= 0) {
        /* While a cut is only simulated the disk need not do it: the model knows. */
        r = tracked(entry) ? (fcntl(fd, F_GETFD) < 0 ? -1 : 0) : (int)syscall(number, fd);
        if (r == 0 && tracked(entry)) {
            undo_after_sync(fd);
        }
    }
    leave(entry);
    return r;
}

EXPORT int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

EXPORT int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

static void all_durable(void)
{
    if (armed && tracking) {
        pthread_mutex_lock(&lock);
        undo_all_durable();
        pthread_mutex_unlock(&lock);
    }
}

EXPORT void sync(void)
{
    syscall(SYS_sync);
    all_durable();
}

EXPORT int syncfs(int fd)
{
    int r = (int)syscall(SYS_syncfs, fd);

    if (r == 0) {
        all_durable();
    }
    return r;
}

/* ---- names ------------------------------------------------------------------------------------------ */

static int rename_any(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    struct entry entry = enter(OS_OP_RENAME, to_dir, to);
    int r = -1;

    if (!entry.entered) {
        entry = enter(OS_OP_RENAME, from_dir, from); /* out of the tree */
    }
    if (entry.what <= 0 && tracked(entry)) {
        struct undo_token token = undo_before_rename(from_dir, from, to_dir, to);

        r = raw_renameat2(from_dir, from, to_dir, to, flags);
        if (r == 0) {
            undo_after_rename(from_dir, from, to_dir, to, token);
        } else {
            int saved = errno;

            undo_cancel(token);
            errno = saved;
        }
    } else if (entry.what <= 0) {
        r = raw_renameat2(from_dir, from, to_dir, to, flags);
    }
    leave(entry);
    return r;
}

EXPORT int rename(const char *from, const char *to)
{
    return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return rename_any(from_dir, from, to_dir, to, 0);
}

EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return rename_any(from_dir, from, to_dir, to, flags);
}

static int unlink_any(int dir, const char *path, int flags)
{
    struct entry entry = enter(OS_OP_UNLINK, dir, path);
    int r = -1;

    if (entry.what <= 0 && tracked(entry)) {
        struct undo_token token = undo_before_unlink(dir, path);

        r = raw_unlinkat(dir, path, flags);
        if (r < 0) {
            int saved = errno;

            undo_cancel(token);
            errno = saved;
        } else if (flags & AT_REMOVEDIR) {
            undo_after_rmdir(dir, path, token);
        } else {
            undo_after_unlink(dir, path, token);
        }
    } else if (entry.what <= 0) {
        r = raw_unlinkat(dir, path, flags);
    }
    leave(entry);
    return r;
}

EXPORT int unlink(const char *path)
{
    return unlink_any(AT_FDCWD, path, 0);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
    return unlink_any(dir, path, flags);
}

EXPORT int rmdir(const char *path)
{
    return unlink_any(AT_FDCWD, path, AT_REMOVEDIR);
}

EXPORT int remove(const char *path)
{
    struct stat info;
    bool directory =
        fstatat(AT_FDCWD, path, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);

    return unlink_any(AT_FDCWD, path, directory ? AT_REMOVEDIR : 0);
}

static int mkdir_any(int dir, const char *path, mode_t mode)
{
    struct entry entry = enter(OS_OP_MKDIR, dir, path);
    int r = -1;

    if (entry.what <= 0) {
        r = raw_mkdirat(dir, path, mode);
        if (r == 0 && tracked(entry)) {
            undo_after_mkdir(dir, path);
        }
    }
    leave(entry);
    return r;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
    return mkdir_any(AT_FDCWD, path, mode);
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
    return mkdir_any(dir, path, mode);
}

static int link_any(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    struct entry entry = enter(OS_OP_LINK, to_dir, to);
    int r = -1;

    if (entry.what <= 0) {
        r = raw_linkat(from_dir, from, to_dir, to, flags);
        if (r == 0 && tracked(entry)) {
            undo_after_create(to_dir, to);
        }
    }
    leave(entry);
    return r;
}

EXPORT int link(const char *from, const char *to)
{
    return link_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return link_any(from_dir, from, to_dir, to, flags);
}

EXPORT int symlinkat(const char *target, int dir, const char *path)
{
    struct entry entry = enter(OS_OP_LINK, dir, path);
    int r = -1;

    if (entry.what <= 0) {
        r = (int)syscall(SYS_symlinkat, target, dir, path);
        if (r == 0 && tracked(entry)) {
            undo_after_create(dir, path);
        }
    }
    leave(entry);
    return r;
}

EXPORT int symlink(const char *target, const char *path)
{
    return symlinkat(target, AT_FDCWD, path);
}

/* ---- the end ---------------------------------------------------------------------------------------- */

EXPORT void _exit(int status)
{
    finish();
    for (;;) {
        syscall(SYS_exit_group, status);
    }
}

EXPORT void _Exit(int status)
{
    _exit(status);
}
