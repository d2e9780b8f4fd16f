/* os_priv.h — shared inside os. */
#ifndef CORRIE_OS_PRIV_H
#define CORRIE_OS_PRIV_H

#include <errno.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"
#include "os/fault_spec.h"

extern bool os_fault_armed;
extern uint32_t os_fault_file_system; /* magic number that statfs pretends; 0 = none */
int os_fault_enter(enum os_op op, int dir_fd, const char *path);

/* Asks the fault table: 0 go on, > 0 fail with this errno, FAULT_DO_SHORT write less. `path` is
 * relative to `dir_fd`; NULL = the file open there. Does not return where the process is to be
 * killed. */
static inline int os_fault_check(enum os_op op, int dir_fd, const char *path)
{
    return __builtin_expect(os_fault_armed, 0) ? os_fault_enter(op, dir_fd, path) : 0;
}

struct os_fs;

/* fuse.c: says of a file system in user space which it is, and whether it is local. `ret` stays as it is if that cannot
 * be told. The second for a text that has the form of /proc/self/mountinfo. */
int os_fuse_look(const char *path, struct os_fs *ret, corrie_error *err) CORRIE_MUST_USE;
void os_fuse_type(struct str mountinfo, unsigned major_, unsigned minor_, struct os_fs *ret);

/* machine.c: the least memory limit of the cgroups mounted below `root`: of the topmost ones, and of those that `groups`
 * (the form of /proc/self/cgroup) names and all above them. 0: none. */
uint64_t os_group_memory(const char *root, struct str groups);

/* The usual shape: if the table says so, sets errno and returns -1, like a system call that failed.
 * */
static inline int os_fault_errno(enum os_op op, int dir_fd, const char *path)
{
    int fault = os_fault_check(op, dir_fd, path);

    if (fault > 0) {
        errno = fault;
        return -1;
    }
    return 0;
}

#endif
