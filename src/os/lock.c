/* lock.c — open file description locks, and what kind of file system lies below. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "os/file.h"
#include "os/os_priv.h"

static int try_lock(int fd, short type)
{
    struct flock whole = {.l_type = type, .l_whence = SEEK_SET};
    int r;

    do {
        r = os_fault_errno(OS_OP_LOCK, fd, NULL) < 0 ? -1 : fcntl(fd, F_OFD_SETLK, &whole);
    } while (r < 0 && errno == EINTR);
    return r;
}

int os_lock(int fd, const char *name, enum os_lock kind, int64_t wait_ms,
            const struct cancel *cancel, corrie_error *err)
{
    int64_t deadline = clock_monotonic() + wait_ms * 1000000;
    int64_t pause_ns = 200000;

    /* Polling with jitter: the blocking form cannot be given a deadline without a signal. */
    while (try_lock(fd, kind == OS_LOCK_SHARED ? F_RDLCK : F_WRLCK) < 0) {
        int64_t left = deadline - clock_monotonic();
        uint16_t jitter;
        int r;

        if (errno != EAGAIN && errno != EACCES) {
            return corrie_fail_errno(err, errno, "lock %s", name);
        }
        r = cancel_check(cancel, err);
        if (r < 0) {
            return corrie_wrap(err, "wait for the lock of %s", name);
        }
        if (left <= 0) {
            return corrie_fail(err, CORRIE_E_BUSY, "lock %s: another process holds it", name);
        }
        random_bytes(&jitter, sizeof jitter);
        pause_ns = pause_ns < 20000000 ? pause_ns * 3 / 2 : pause_ns;
        clock_sleep(pause_ns / 2 + pause_ns * jitter / 65536 < left
                        ? pause_ns / 2 + pause_ns * jitter / 65536
                        : left);
    }
    return 0;
}

int os_unlock(int fd, const char *name, corrie_error *err)
{
    return try_lock(fd, F_UNLCK) < 0 ? corrie_fail_errno(err, errno, "unlock %s", name) : 0;
}

int os_lock_open(const char *path, enum os_lock kind, int64_t wait_ms, const struct cancel *cancel,
                 int *ret_fd, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_RDWR | O_CREAT, 0666, &fd, err);
    if (r < 0) {
        return r;
    }
    r = os_lock(fd, path, kind, wait_ms, cancel, err);
    if (r < 0) {
        return r;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

#define FUSE_MAGIC 0x65735546

/* Magic numbers of statfs(2) and of the kernel's magic.h. Of FUSE the kernel's list of mounts
 * tells more (fuse.c). */
static const struct {
    uint32_t magic;
    const char *name;
    bool network;
} file_systems[] = {
    {0xEF53, "ext4", false},         {0x58465342, "xfs", false},
    {0x9123683E, "btrfs", false},    {0x01021994, "tmpfs", false},
    {0x858458F6, "ramfs", false},    {0x2FC12FC1, "zfs", false},
    {0xF2F52010, "f2fs", false},     {0x794C7630, "overlay", false},
    {0xCA451A4E, "bcachefs", false}, {0x4D44, "vfat", false},
    {0x2011BAB0, "exfat", false},    {0x5346544E, "ntfs", false},
    {0x6969, "nfs", true},           {0x517B, "smb", true},
    {0xFF534D42, "cifs", true},      {0xFE534D42, "smb2", true},
    {0x01021997, "9p", true},        {0x5346414F, "afs", true},
    {0x73757245, "coda", true},      {0x00C36400, "ceph", true},
    {FUSE_MAGIC, "fuse", true},      {0x0BD00BD0, "lustre", true},
    {0x01161970, "gfs2", true},      {0x7461636F, "ocfs2", true},
    {0x47504653, "gpfs", true},      {0x786F4256, "vboxsf", true},
    {0x6B414653, "afs", true},       {0x564C, "ncp", true},
    {0xAAD7AAEA, "panfs", true},     {0xBEEFDEAD, "snfs", true},
    {0x61636673, "acfs", true},      {0x19830326, "beegfs", true},
    {0x20030528, "orangefs", true},  {0xBACBACBC, "vmhgfs", true},
    {0x7C7C6673, "prl_fs", true},    {0x013111A8, "ibrix", true},
    {0x7275, "romfs", false},        {0x73717368, "squashfs", false},
    {0x9660, "iso9660", false},      {0xE0F5E1E2, "erofs", false},
    {0x15013346, "udf", false},      {0x3153464A, "jfs", false},
    {0x52654973, "reiserfs", false},
};

int os_fs(const char *path, struct os_fs *ret, corrie_error *err)
{
    struct statfs info;
    int r;

    do {
        r = os_fault_errno(OS_OP_STAT, AT_FDCWD, path) < 0 ? -1 : statfs(path, &info);
    } while (r < 0 && errno == EINTR);
    if (r < 0) {
        return corrie_fail_errno(err, errno, "find the file system of %s", path);
    }
    *ret = (struct os_fs){
        .name = "unknown",
        .free = (uint64_t)info.f_bavail * (uint64_t)info.f_bsize,
        .total = (uint64_t)info.f_blocks * (uint64_t)info.f_bsize,
        .read_only = (info.f_flags & ST_RDONLY) != 0,
    };
    if (os_fault_file_system) {
        info.f_type = (__typeof__(info.f_type))os_fault_file_system;
    }
    for (size_t i = 0; i < ARRAY_LEN(file_systems); i++) {
        if (file_systems[i].magic == (uint32_t)info.f_type) {
            ret->name = file_systems[i].name;
            ret->network = file_systems[i].network;
        }
    }
    if ((uint32_t)info.f_type == FUSE_MAGIC) {
        return os_fuse_look(path, ret, err);
    }
    return 0;
}
