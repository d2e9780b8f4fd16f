/* durable.c — files that are there whole, and stay.
 *
 * temporary file (O_EXCL, in the same directory) → write → fsync → rename → fsync of the directory.
 * A crash before the rename leaves the old file and perhaps the temporary one; after it, the new
 * one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/path.h"

bool os_temp_is(struct str file_name)
{
    return str_starts(file_name, STR(OS_TEMP_PREFIX));
}

static int temp_path(struct str directory, char **ret, corrie_error *err)
{
    uint64_t number;
    char name[sizeof OS_TEMP_PREFIX + 16];

    random_bytes(&number, sizeof number);
    snprintf(name, sizeof name, OS_TEMP_PREFIX "%016" PRIx64, number);
    return os_path_join(directory, str_of(name), ret, err);
}

static int write_temp(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_WRONLY | O_CREAT | O_EXCL, mode, &fd, err);
    if (r < 0) {
        return r;
    }
    r = os_write(fd, path, bytes, err);
    if (r < 0) {
        return r;
    }
    return os_fd_sync(fd, path, err);
}

/* rename that fails with EEXIST where there is something; by link and unlink on the file systems
 * that lack the flag. */
static int rename_new(const char *from, const char *to)
{
    if (os_fault_errno(OS_OP_RENAME, AT_FDCWD, to) < 0) {
        return -1;
    }
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return -1;
    }
    if (os_fault_errno(OS_OP_LINK, AT_FDCWD, to) < 0 || link(from, to) < 0) {
        return -1;
    }
    if (os_fault_errno(OS_OP_UNLINK, AT_FDCWD, from) == 0) {
        unlink(from); /* a temporary name left over is no failure of the creation */
    }
    return 0;
}

enum put_how {
    PUT_REPLACE,
    PUT_BEFORE, /* replace, and leave the directory to who comes next */
    PUT_CREATE,
};

static int put_durably(const char *path, struct str bytes, uint32_t mode, enum put_how how,
                       corrie_error *err)
{
    _free_ char *directory = str_dup(os_path_parent(str_of(path)));
    _free_ char *temp = NULL;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    int r;

    if (!directory) {
        return corrie_fail_memory(err);
    }
    r = temp_path(str_of(directory), &temp, err);
    if (r < 0) {
        return r;
    }
    r = write_temp(temp, bytes, mode, err);
    if (r >= 0 && how != PUT_CREATE) {
        r = os_rename(temp, path, err);
    } else if (r >= 0 && rename_new(temp, path) < 0) {
        r = corrie_fail_errno(err, errno, "create %s", path);
    }
    if (r < 0) {
        if (os_unlink(temp, &ignored) < 0) {
            corrie_detail(err, str_of(corrie_error_message(&ignored)));
        }
        return r;
    }
    return how == PUT_BEFORE ? 0 : os_dir_sync(directory, err);
}

int os_file_replace(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
{
    int r = put_durably(path, bytes, mode, PUT_REPLACE, err);

    return r < 0 ? corrie_wrap(err, "replace %s", path) : 0;
}

int os_file_replace_before(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
{
    int r = put_durably(path, bytes, mode, PUT_BEFORE, err);

    return r < 0 ? corrie_wrap(err, "replace %s", path) : 0;
}

int os_file_create(const char *path, struct str bytes, uint32_t mode, corrie_error *err)
{
    int r = put_durably(path, bytes, mode, PUT_CREATE, err);

    if (r == CORRIE_E_EXISTS) {
        return r;
    }
    return r < 0 ? corrie_wrap(err, "create %s", path) : 0;
}
