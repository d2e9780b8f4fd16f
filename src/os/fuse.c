/* fuse.c — file systems in user space: which of them are local. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/limits.h"
#include "os/file.h"
#include "os/os_priv.h"

#define MAX_MOUNTINFO (16 * CORRIE_MiB)

enum { FIELD_DEVICE = 2 }; /* of a line of mountinfo, from 0: proc_pid_mountinfo(5) */

/* Types as the kernel lists them. Local ones show files of this machine through the kernel's own page cache and locks,
 * so that processes of this machine agree. Whoever is not in this list may keep files anywhere. */
static const struct {
    const char *type;
    bool network;
} types[] = {
    {"fuseblk", false}, /* a block device: ntfs-3g, exfat */
    {"fuse.ntfs-3g", false},
    {"fuse.exfat", false},
    {"fuse.ext2", false},
    {"fuse.ext4", false},
    {"fuse.fuse2fs", false},
    {"fuse.fuse-ext2", false},
    {"fuse.fuse-overlayfs", false},
    {"fuse.bindfs", false},
    {"fuse.gocryptfs", false},
    {"fuse.encfs", false},
    {"fuse.unionfs", false},
    {"fuse.unionfs-fuse", false},
    {"fuse.squashfuse", false},
    {"fuse.sshfs", true},
    {"fuse.s3fs", true},
    {"fuse.gcsfuse", true},
    {"fuse.rclone", true},
    {"fuse.goofys", true},
    {"fuse.mountpoint-s3", true},
    {"fuse.juicefs", true},
    {"fuse.JuiceFS", true},
    {"fuse.blobfuse", true},
    {"fuse.blobfuse2", true},
    {"fuse.glusterfs", true},
    {"fuse.ceph-fuse", true},
    {"fuse.davfs", true},
    {"fuse.curlftpfs", true},
    {"fuse.cvmfs2", true},
    {"fuse.moosefs", true},
    {"fuse.seaweedfs", true},
};

/* "36 35 98:0 / /mnt rw,noatime master:1 - fuse.sshfs host:/ rw" -> the type, if the device is the one. */
static bool type_of_line(struct str line, unsigned major_, unsigned minor_, struct str *ret)
{
    char device[32];
    struct str field = STR_EMPTY;
    struct str rest = line;

    snprintf(device, sizeof device, "%u:%u", major_, minor_);
    for (int i = 0; i <= FIELD_DEVICE; i++) {
        if (!str_cut(rest, ' ', &field, &rest)) {
            return false;
        }
    }
    if (!str_eq(field, str_of(device))) {
        return false;
    }
    while (!str_eq(field, STR("-"))) { /* optional fields end with it */
        if (!str_cut(rest, ' ', &field, &rest)) {
            return false;
        }
    }
    (void)str_cut(rest, ' ', ret, &rest);
    return true;
}

void os_fuse_type(struct str mountinfo, unsigned major_, unsigned minor_, struct os_fs *ret)
{
    struct str type = STR_EMPTY;
    struct str line;

    while (mountinfo.len > 0) {
        (void)str_cut(mountinfo, '\n', &line, &mountinfo);
        if (type_of_line(line, major_, minor_, &type)) {
            break;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_eq(type, str_of(types[i].type))) {
            ret->name = types[i].type;
            ret->network = types[i].network;
        }
    }
}

int os_fuse_look(const char *path, struct os_fs *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct stat info;
    int r;

    if (os_fault_errno(OS_OP_STAT, AT_FDCWD, path) < 0 || stat(path, &info) < 0) {
        return corrie_fail_errno(err, errno, "look at %s", path);
    }
    r = os_file_read("/proc/self/mountinfo", MAX_MOUNTINFO, &text, err);
    if (r >= 0) {
        os_fuse_type(buf_str(&text), major(info.st_dev), minor(info.st_dev), ret);
    } else if (r != CORRIE_E_NO_MEMORY) {
        corrie_error_clear(err); /* where nothing tells, it stays a network's */
        r = 0;
    }
    return r;
}
