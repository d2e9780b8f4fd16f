/* file.c — one system call a function, with EINTR, short transfers, faults and messages handled. */
#include "os/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/os_priv.h"

/* The kernel moves at most this much at once. */
#define MAX_TRANSFER ((size_t)1 << 30)
#define COPY_BLOCK ((size_t)1 << 20)

static void stat_from(const struct stat *from, struct os_stat *ret)
{
    *ret = (struct os_stat){
        .kind = S_ISREG(from->st_mode)   ? OS_FILE
                : S_ISDIR(from->st_mode) ? OS_DIRECTORY
                : S_ISLNK(from->st_mode) ? OS_LINK
                                         : OS_OTHER,
        .mode = from->st_mode & 07777,
        .user = from->st_uid,
        .group = from->st_gid,
        .size = (uint64_t)from->st_size,
        .mtime = (int64_t)from->st_mtim.tv_sec * 1000000000 + from->st_mtim.tv_nsec,
        .device = from->st_dev,
        .inode = from->st_ino,
    };
}

int os_stat(const char *path, struct os_stat *ret, corrie_error *err)
{
    struct stat info;

    if (os_fault_errno(OS_OP_STAT, AT_FDCWD, path) < 0 || stat(path, &info) < 0) {
        return corrie_fail_errno(err, errno, "look at %s", path);
    }
    stat_from(&info, ret);
    return 0;
}

int os_fd_stat(int fd, const char *name, struct os_stat *ret, corrie_error *err)
{
    struct stat info;

    if (os_fault_errno(OS_OP_STAT, fd, NULL) < 0 || fstat(fd, &info) < 0) {
        return corrie_fail_errno(err, errno, "look at %s", name);
    }
    stat_from(&info, ret);
    return 0;
}

int os_exists(const char *path, corrie_error *err)
{
    struct stat info;

    if (os_fault_errno(OS_OP_STAT, AT_FDCWD, path) == 0 && lstat(path, &info) == 0) {
        return 1;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return 0;
    }
    return corrie_fail_errno(err, errno, "look at %s", path);
}

static int may(const char *path, int access, corrie_error *err)
{
    if (os_fault_errno(OS_OP_STAT, AT_FDCWD, path) == 0 &&
        faccessat(AT_FDCWD, path, access, AT_EACCESS) == 0) {
        return 1;
    }
    if (errno == EACCES || errno == EPERM || errno == EROFS) {
        return 0;
    }
    return corrie_fail_errno(err, errno, "look at %s", path);
}

int os_may_write(const char *path, corrie_error *err)
{
    return may(path, W_OK, err);
}

int os_may_enter(const char *path, corrie_error *err)
{
    return may(path, X_OK, err);
}

static int open_plainly(const char *path, int flags, uint32_t mode, int *ret_fd, corrie_error *err)
{
    int fd;

    do {
        fd = os_fault_errno(OS_OP_OPEN, AT_FDCWD, path) < 0
                 ? -1
                 : open(path, flags | O_CLOEXEC | O_NOCTTY, (mode_t)(mode & 07777));
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return corrie_fail_errno(err, errno, "%s %s", flags & O_CREAT ? "create" : "open", path);
    }
    *ret_fd = fd;
    return 0;
}

/* Creates under a name that nobody else uses, and gives the mode. */
static int open_exactly(const char *path, int flags, uint32_t mode, int *ret_fd, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = open_plainly(path, flags, mode, &fd, err);
    if (r < 0) {
        return r;
    }
    if (os_fault_errno(OS_OP_TIMES, AT_FDCWD, path) < 0 || fchmod(fd, (mode_t)(mode & 07777)) < 0) {
        r = corrie_fail_errno(err, errno, "set the mode of %s", path);
        unlink(path); /* ours, and empty */
        return r;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

int os_open(const char *path, int flags, uint32_t mode, int *ret_fd, corrie_error *err)
{
    int r;

    if (!(flags & O_CREAT) || !(mode & OS_MODE_EXACT)) {
        return open_plainly(path, flags, mode, ret_fd, err);
    }
    if (flags & O_EXCL) {
        return open_exactly(path, flags, mode, ret_fd, err);
    }
    for (int tries = 0;; tries++) {
        r = open_plainly(path, flags & ~O_CREAT, 0, ret_fd, err);
        if (r != CORRIE_E_NOT_FOUND || tries == 3) {
            return r;
        }
        r = os_file_create(path, STR_EMPTY, mode, err); /* appears with its mode */
        if (r < 0 && r != CORRIE_E_EXISTS) {
            return r;
        }
        corrie_error_clear(err);
    }
}

int os_group_set(const char *path, uint32_t group, corrie_error *err)
{
    struct os_stat info;
    int r;

    r = os_stat(path, &info, err);
    if (r < 0 || info.group == group) {
        return r;
    }
    if (os_fault_errno(OS_OP_TIMES, AT_FDCWD, path) < 0 ||
        chown(path, (uid_t)-1, (gid_t)group) < 0) {
        return corrie_fail_errno(err, errno, "set the group of %s", path);
    }
    return 0;
}

int os_mode_set(const char *path, uint32_t mode, corrie_error *err)
{
    struct os_stat info;
    int r;

    r = os_stat(path, &info, err);
    if (r < 0 || info.mode == mode) {
        return r;
    }
    if (os_fault_errno(OS_OP_TIMES, AT_FDCWD, path) < 0 || chmod(path, (mode_t)mode) < 0) {
        return corrie_fail_errno(err, errno, "set the mode of %s", path);
    }
    r = os_stat(path, &info, err);
    if (r >= 0 && (info.mode & mode) != mode) {
        corrie_fail(err, CORRIE_E_REFUSED, "set the mode of %s: the system does not allow it",
                    path);
        return corrie_hint(err, "its group must be one of yours: chgrp GROUP %s", path);
    }
    return r;
}

void os_close(int fd)
{
    if (fd >= 0) {
        int saved = errno;

        /* Linux frees the descriptor whatever it answers; durability was asked for by fsync */
        close(fd);
        errno = saved;
    }
}

void os_closep(int *fd)
{
    os_close(*fd);
    *fd = -1;
}

int os_read(int fd, const char *name, void *bytes, size_t len, size_t *ret, corrie_error *err)
{
    ssize_t n;

    if (len > MAX_TRANSFER) {
        len = MAX_TRANSFER;
    }
    do {
        n = os_fault_errno(OS_OP_READ, fd, NULL) < 0 ? -1 : read(fd, bytes, len);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return corrie_fail(err, CORRIE_E_BUSY, "read %s: nothing there yet", name);
    }
    if (n < 0) {
        return corrie_fail_errno(err, errno, "read %s", name);
    }
    *ret = (size_t)n;
    return 0;
}

int os_read_at(int fd, const char *name, uint64_t offset, void *bytes, size_t len,
               corrie_error *err)
{
    size_t done = 0;

    if (offset > INT64_MAX || len > INT64_MAX - offset) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "read %s: offset %llu is beyond any file", name,
                           (unsigned long long)offset);
    }
    while (done < len) {
        size_t want = len - done < MAX_TRANSFER ? len - done : MAX_TRANSFER;
        ssize_t n = os_fault_errno(OS_OP_READ, fd, NULL) < 0
                        ? -1
                        : pread(fd, (char *)bytes + done, want, (off_t)(offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return corrie_fail_errno(err, errno, "read %s", name);
        }
        if (n == 0) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "read %s: it ends at byte %llu, %llu were expected from byte %llu",
                               name, (unsigned long long)(offset + done), (unsigned long long)len,
                               (unsigned long long)offset);
        }
        done += (size_t)n;
    }
    return 0;
}

/* Writes at `*offset`, or at the descriptor's own position where it is NULL. */
static int write_all(int fd, const char *name, const uint64_t *offset, struct str bytes,
                     corrie_error *err)
{
    size_t done = 0;

    while (done < bytes.len) {
        size_t want = bytes.len - done < MAX_TRANSFER ? bytes.len - done : MAX_TRANSFER;
        int fault = os_fault_check(OS_OP_WRITE, fd, NULL);
        ssize_t n = -1;

        if (fault == FAULT_DO_SHORT) {
            want = (want + 1) / 2;
        }
        if (fault > 0) {
            errno = fault;
        } else {
            n = offset ? pwrite(fd, bytes.data + done, want, (off_t)(*offset + done))
                       : write(fd, bytes.data + done, want);
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return corrie_fail_errno(err, errno, "write %s", name);
        }
        done += (size_t)n;
    }
    return 0;
}

int os_write(int fd, const char *name, struct str bytes, corrie_error *err)
{
    return write_all(fd, name, NULL, bytes, err);
}

int os_write_at(int fd, const char *name, uint64_t offset, struct str bytes, corrie_error *err)
{
    if (offset > INT64_MAX || bytes.len > INT64_MAX - offset) {
        return corrie_fail(err, CORRIE_E_LIMIT, "write %s: offset %llu is beyond any file", name,
                           (unsigned long long)offset);
    }
    return write_all(fd, name, &offset, bytes, err);
}

int os_copy(struct os_offset *from, struct os_offset *to, uint64_t len, const struct cancel *cancel,
            corrie_error *err)
{
    size_t block_len = len < COPY_BLOCK ? (size_t)len : COPY_BLOCK;
    _free_ char *block = mem_alloc(block_len + 1, 1);
    int r = block ? 0 : corrie_fail_memory(err);

    while (r >= 0 && len > 0) {
        size_t n = len < block_len ? (size_t)len : block_len;

        r = cancel_check(cancel, err);
        if (r >= 0) {
            r = os_read_at(from->fd, from->name, from->at, block, n, err);
        }
        if (r >= 0) {
            r = os_write_at(to->fd, to->name, to->at, str_make(block, n), err);
        }
        from->at += n;
        to->at += n;
        len -= n;
    }
    return r;
}

int os_truncate(int fd, const char *name, uint64_t size, corrie_error *err)
{
    int r;

    do {
        r = os_fault_errno(OS_OP_TRUNCATE, fd, NULL) < 0 ? -1 : ftruncate(fd, (off_t)size);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? corrie_fail_errno(err, errno, "set the size of %s", name) : 0;
}

/* Reads to the end of the file, whose size is expected to be `expected`. */
static int read_rest(int fd, const char *path, uint64_t expected, size_t max, struct buf *out,
                     corrie_error *err)
{
    size_t start = out->len;
    char probe[4096];
    size_t n;
    int r;

    do {
        size_t held = out->len - start;
        char *to = probe;
        size_t want = sizeof probe;

        if (held < expected) {
            want = (size_t)(expected - held);
            to = buf_reserve(out, want);
            if (!to) {
                return buf_check(out, err);
            }
        }
        r = os_read(fd, path, to, want, &n, err);
        if (r < 0) {
            return r;
        }
        if (n > max - held) { /* it grew meanwhile, or never told its size (/proc) */
            return corrie_fail(err, CORRIE_E_LIMIT, "read %s: it has more than %zu bytes", path,
                               max);
        }
        if (to == probe) {
            buf_add(out, probe, n);
        } else {
            buf_commit(out, n);
        }
    } while (n > 0);
    return buf_check(out, err);
}

int os_file_read(const char *path, size_t max, struct buf *out, corrie_error *err)
{
    _close_ int fd = -1;
    struct os_stat info;
    size_t start = out->len;
    int r;

    r = os_open(path, O_RDONLY, 0, &fd, err);
    if (r < 0) {
        return r;
    }
    r = os_fd_stat(fd, path, &info, err);
    if (r < 0) {
        return r;
    }
    if (info.kind == OS_DIRECTORY) {
        return corrie_fail(err, CORRIE_E_IO, "read %s: it is a directory", path);
    }
    if (info.size > max) {
        return corrie_fail(err, CORRIE_E_LIMIT,
                           "read %s: it has %llu bytes, at most %zu are allowed", path,
                           (unsigned long long)info.size, max);
    }
    r = read_rest(fd, path, info.size, max, out, err);
    if (r < 0) {
        out->len = start;
        if (out->data) {
            out->data[start] = '\0';
        }
        return r;
    }
    return 0;
}

int os_file_append(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_WRONLY | O_APPEND | O_CREAT, mode, &fd, err);
    if (r < 0) {
        return r;
    }
    return os_write(fd, path, bytes, err);
}

int os_fd_sync(int fd, const char *name, corrie_error *err)
{
    int r;

    do {
        r = os_fault_errno(OS_OP_FSYNC, fd, NULL) < 0 ? -1 : fsync(fd);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? corrie_fail_errno(err, errno, "make %s durable (fsync)", name) : 0;
}

int os_file_sync(const char *path, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_RDONLY, 0, &fd, err);
    if (r < 0) {
        return r;
    }
    return os_fd_sync(fd, path, err);
}

int os_fs_sync(const char *path, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_RDONLY, 0, &fd, err);
    if (r < 0) {
        return r;
    }
    r = os_fault_errno(OS_OP_FSYNC, fd, NULL) < 0 ? -1 : syncfs(fd);
    return r < 0 ? corrie_fail_errno(err, errno, "make %s durable (syncfs)", path) : 0;
}

int os_unlink(const char *path, corrie_error *err)
{
    if (os_fault_errno(OS_OP_UNLINK, AT_FDCWD, path) == 0 && unlink(path) == 0) {
        return 1;
    }
    if (errno == ENOENT || errno == ENOTDIR) {
        return 0;
    }
    return corrie_fail_errno(err, errno, "remove %s", path);
}

int os_rename(const char *from, const char *to, corrie_error *err)
{
    if (os_fault_errno(OS_OP_RENAME, AT_FDCWD, to) < 0 || rename(from, to) < 0) {
        return corrie_fail_errno(err, errno, "rename %s to %s", from, to);
    }
    return 0;
}

int os_touch(const char *path, corrie_error *err)
{
    if (os_fault_errno(OS_OP_TIMES, AT_FDCWD, path) < 0 || utimensat(AT_FDCWD, path, NULL, 0) < 0) {
        return corrie_fail_errno(err, errno, "stamp %s", path);
    }
    return 0;
}
