#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"
#include "os/os_priv.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define NEEDED_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int os_memfd_new(const char *name, int *ret_fd, corrie_error *err)
{
    int fd = os_fault_errno(OS_OP_MEMFD, -1, NULL) < 0
                 ? -1
                 : memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0) {
        return corrie_fail_errno(err, errno, "make the memory file %s", name);
    }
    *ret_fd = fd;
    return 0;
}

int os_memfd_seal(int fd, corrie_error *err)
{
    if (os_fault_errno(OS_OP_MEMFD, -1, NULL) == 0 && fcntl(fd, F_ADD_SEALS, ALL_SEALS) == 0) {
        return 0;
    }
    if (errno == EBUSY) {
        return corrie_fail(err, CORRIE_E_BUSY,
                           "seal a memory file: it is still mapped for writing somewhere");
    }
    if (errno == EPERM && os_memfd_is_sealed(fd)) {
        return 0; /* whoever made it has sealed it */
    }
    if (errno == EINVAL || errno == EBADF) { /* EBADF: a descriptor by O_PATH */
        return corrie_fail(err, CORRIE_E_DATA, "seal a memory file: this is none");
    }
    return corrie_fail_errno(err, errno, "seal a memory file");
}

bool os_memfd_is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & NEEDED_SEALS) == NEEDED_SEALS;
}

int os_fd_reopen_read(int fd, int *ret_fd, corrie_error *err)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return os_open(path, O_RDONLY, 0, ret_fd, err);
}

int os_fd_duplicate(int fd, int *ret_fd, corrie_error *err)
{
    int copy = os_fault_errno(OS_OP_SOCKET, -1, NULL) < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (copy < 0) {
        return corrie_fail_errno(err, errno, "duplicate descriptor %d", fd);
    }
    *ret_fd = copy;
    return 0;
}

int os_map_fd(int fd, const char *name, struct os_mapping **ret, corrie_error *err)
{
    _free_ struct os_mapping *mapping = mem_alloc(1, sizeof *mapping);
    struct os_stat info;
    void *bytes;
    int r;

    if (!mapping) {
        return corrie_fail_memory(err);
    }
    r = os_fd_stat(fd, name, &info, err);
    if (r < 0) {
        return r;
    }
    atomic_init(&mapping->refs, 1);
    if (info.kind != OS_FILE) {
        return corrie_fail(err, CORRIE_E_IO, "map %s: it is not a file", name);
    }
    if (info.size > PTRDIFF_MAX) {
        return corrie_fail(err, CORRIE_E_LIMIT, "map %s: it has %llu bytes", name,
                           (unsigned long long)info.size);
    }
    if (info.size > 0) {
        bytes = os_fault_errno(OS_OP_MAP, -1, NULL) < 0
                    ? MAP_FAILED
                    : mmap(NULL, (size_t)info.size, PROT_READ, MAP_SHARED, fd, 0);
        if (bytes == MAP_FAILED) {
            return corrie_fail_errno(err, errno, "map %s", name);
        }
        mapping->data = bytes;
        mapping->size = (size_t)info.size;
    }
    *ret = TAKE_PTR(mapping);
    return 0;
}

int os_map_file(const char *path, struct os_mapping **ret, corrie_error *err)
{
    _close_ int fd = -1;
    int r;

    r = os_open(path, O_RDONLY, 0, &fd, err);
    if (r < 0) {
        return r;
    }
    return os_map_fd(fd, path, ret, err);
}

struct os_mapping *os_mapping_ref(struct os_mapping *mapping)
{
    atomic_fetch_add_explicit(&mapping->refs, 1, memory_order_relaxed);
    return mapping;
}

struct os_mapping *os_mapping_unref(struct os_mapping *mapping)
{
    if (mapping && atomic_fetch_sub_explicit(&mapping->refs, 1, memory_order_acq_rel) == 1) {
        if (mapping->size > 0) {
            munmap((void *)(uintptr_t)mapping->data, mapping->size);
        }
        mem_free(mapping);
    }
    return NULL;
}
