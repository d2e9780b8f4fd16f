/* raw.h — system calls as such. The preload library replaces libc's functions and must not call them. */
#ifndef CORRIE_TESTS_FAULT_RAW_H
#define CORRIE_TESTS_FAULT_RAW_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline int raw_openat(int dir, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static inline int raw_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

static inline ssize_t raw_pread(int fd, void *bytes, size_t len, off_t offset)
{
    return syscall(SYS_pread64, fd, bytes, len, offset);
}

static inline ssize_t raw_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return syscall(SYS_pwrite64, fd, bytes, len, offset);
}

static inline int raw_ftruncate(int fd, off_t size)
{
    return (int)syscall(SYS_ftruncate, fd, size);
}

static inline int raw_linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

static inline int raw_unlinkat(int dir, const char *path, int flags)
{
    return (int)syscall(SYS_unlinkat, dir, path, flags);
}

static inline int raw_renameat2(int from_dir, const char *from, int to_dir, const char *to,
                                unsigned flags)
{
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

static inline int raw_mkdirat(int dir, const char *path, mode_t mode)
{
    return (int)syscall(SYS_mkdirat, dir, path, mode);
}

#endif
