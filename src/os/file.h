/* file.h — files: bytes, durability, locks.
 *
 * Every function here retries EINTR and finishes short reads and writes; errors name the operation
 * and the path. Descriptors are always close-on-exec. Paths are NUL-terminated.
 *
 * Durability: what os_file_replace or os_file_create reported done survives a power cut. A file
 * written by others (DuckDB) becomes durable by os_file_sync on it and os_dir_sync on its
 * directory, in that order, and its directory by the same on the parent (os_dir_make does that). */
#ifndef CORRIE_OS_FILE_H
#define CORRIE_OS_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"

enum os_kind { OS_FILE = 1, OS_DIRECTORY, OS_LINK, OS_OTHER };

struct os_stat {
    enum os_kind kind;
    uint32_t mode; /* permission bits */
    uint32_t user; /* number of its owner, and of its group */
    uint32_t group;
    uint64_t size;
    int64_t mtime; /* nanoseconds since 1970, UTC */
    uint64_t device;
    uint64_t inode;
};

/* Follows symbolic links. CORRIE_E_NOT_FOUND if there is nothing. */
int os_stat(const char *path, struct os_stat *ret, corrie_error *err) CORRIE_MUST_USE;
int os_fd_stat(int fd, const char *name, struct os_stat *ret, corrie_error *err) CORRIE_MUST_USE;
/* 1 there is something, 0 there is nothing, negative: could not be found out. */
int os_exists(const char *path, corrie_error *err) CORRIE_MUST_USE;

/* 1 the file may be written by this process, 0 it may not (permission, read-only file system). */
int os_may_write(const char *path, corrie_error *err) CORRIE_MUST_USE;
/* 1 the directory may be entered: what is in it can be reached; 0 it may not. */
int os_may_enter(const char *path, corrie_error *err) CORRIE_MUST_USE;

/* In a mode of a file or directory that is made: the mode is meant exactly, whatever the umask. What is made is never
 * seen with another one (but with O_EXCL, whose names only their maker knows), so that all for whom it is may use it at
 * once. */
#define OS_MODE_EXACT 0x10000u
/* Gives what is there permission bits: only its owner may. Bits that are there already cost one look. A bit that the
 * system drops silently (setgid, to somebody who is not of the group) is CORRIE_E_REFUSED. */
int os_mode_set(const char *path, uint32_t mode, corrie_error *err) CORRIE_MUST_USE;

/* Gives what is there to a group of the owner's; nothing to do where it is so. */
int os_group_set(const char *path, uint32_t group, corrie_error *err) CORRIE_MUST_USE;

/* Opens with the O_* flags of <fcntl.h>; `mode` counts when O_CREAT is among them (before the
 * umask, unless OS_MODE_EXACT is in it). */
int os_open(const char *path, int flags, uint32_t mode, int *ret_fd, corrie_error *err)
    CORRIE_MUST_USE;
void os_close(int fd); /* negative: nothing */
void os_closep(int *fd);
/* `_close_ int fd = -1;` leaves by TAKE_FD. */
#define _close_ _cleanup_(os_closep)

/* One read: at most `len` bytes; *ret 0 at the end of the file. `name` is for messages. A
 * non-blocking descriptor with nothing to read gives CORRIE_E_BUSY. */
int os_read(int fd, const char *name, void *bytes, size_t len, size_t *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Exactly `len` bytes from `offset`; CORRIE_E_CORRUPT if the file ends before. */
int os_read_at(int fd, const char *name, uint64_t offset, void *bytes, size_t len,
               corrie_error *err) CORRIE_MUST_USE;
/* All of `bytes`, at the descriptor's position (or its end, with O_APPEND). */
int os_write(int fd, const char *name, struct str bytes, corrie_error *err) CORRIE_MUST_USE;
int os_write_at(int fd, const char *name, uint64_t offset, struct str bytes, corrie_error *err)
    CORRIE_MUST_USE;
/* A byte of an open file. */
struct os_offset {
    int fd;
    const char *name; /* for messages */
    uint64_t at;
};
/* Copies `len` bytes from one place to another; both move on. */
int os_copy(struct os_offset *from, struct os_offset *to, uint64_t len, const struct cancel *cancel,
            corrie_error *err) CORRIE_MUST_USE;
int os_truncate(int fd, const char *name, uint64_t size, corrie_error *err) CORRIE_MUST_USE;

/* Appends the whole file to `out`; CORRIE_E_LIMIT if it is larger than `max` bytes (nothing is
 * added). */
int os_file_read(const char *path, size_t max, struct buf *out, corrie_error *err) CORRIE_MUST_USE;
/* Appends `bytes` by one descriptor with O_APPEND, creating the file; not durable. For logs: lines
 * of several writers do not mix as long as each call is one line. */
int os_file_append(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
    CORRIE_MUST_USE;

/* Makes `path` hold exactly `bytes`, durably: temporary file in the same directory → fsync → rename
 * → fsync of the directory. After a failure or a crash the file is the old or the new one, never a
 * part; a crash may leave a temporary file (name starts with OS_TEMP_PREFIX), which os_temp_is
 * recognises. If only the last step fails the error is reported although the new file is already to
 * be seen. */
int os_file_replace(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
    CORRIE_MUST_USE;
/* The same for one of several in a directory: its name is durable only when a later os_file_replace or os_dir_sync of that
 * directory is done. */
int os_file_replace_before(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
    CORRIE_MUST_USE;
/* As os_file_replace, only if nothing has that name: CORRIE_E_EXISTS otherwise. Of several at once, one wins.
 * */
int os_file_create(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
    CORRIE_MUST_USE;
#define OS_TEMP_PREFIX ".corrie-tmp-"
bool os_temp_is(struct str file_name);

int os_fd_sync(int fd, const char *name, corrie_error *err) CORRIE_MUST_USE;
/* Everything written so far to the file system on which `path` lies becomes durable: for trees of many files
 * that others wrote. Cost: whatever is unwritten there, whoever wrote it. */
int os_fs_sync(const char *path, corrie_error *err) CORRIE_MUST_USE;
/* fsync of a file written by others. */
int os_file_sync(const char *path, corrie_error *err) CORRIE_MUST_USE;

/* 1 done, 0 there was none. Not durable until os_dir_sync. */
int os_unlink(const char *path, corrie_error *err) CORRIE_MUST_USE;
/* Replaces `to`. Not durable until os_dir_sync of both directories. */
int os_rename(const char *from, const char *to, corrie_error *err) CORRIE_MUST_USE;
/* Makes the file's modification time now: heartbeats. */
int os_touch(const char *path, corrie_error *err) CORRIE_MUST_USE;

/* Locks. They belong to the descriptor (open file description locks), not to the process, end with
 * its close or the process, and are advisory. */
enum os_lock { OS_LOCK_SHARED, OS_LOCK_EXCLUSIVE };
/* Locks the whole file, waiting at most `wait_ms` (0 = do not wait): CORRIE_E_BUSY after that,
 * CORRIE_E_CANCELLED if `cancel` (may be NULL) is set meanwhile. */
int os_lock(int fd, const char *name, enum os_lock kind, int64_t wait_ms,
            const struct cancel *cancel, corrie_error *err) CORRIE_MUST_USE;
int os_unlock(int fd, const char *name, corrie_error *err) CORRIE_MUST_USE;
/* Opens (creating) and locks; closing *ret_fd unlocks. The file stays. */
int os_lock_open(const char *path, enum os_lock kind, int64_t wait_ms, const struct cancel *cancel,
                 int *ret_fd, corrie_error *err) CORRIE_MUST_USE;

struct os_fs {
    const char *name; /* "ext4", "nfs", …; "unknown" for a type we have no name for. Static. */
    /* locks and mmap cannot be relied on: nfs cifs smb 9p afs ceph fuse.sshfs …, and FUSE of kinds that are not known */
    bool network;
    bool read_only; /* mounted so */
    uint64_t free;  /* bytes available to this user */
    uint64_t total;
};
/* The file system on which `path` (which must exist) lies. */
int os_fs(const char *path, struct os_fs *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
