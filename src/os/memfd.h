/* memfd.h — memory files and read-only mappings.
 *
 * A table between functions is written into a memory file by one process, sealed by the parent
 * after the writer has exited, and mapped by the readers, which get it reopened read-only
 * (docs/formats/exchange.md). A file that is not sealed may shrink under its reader, and the reader
 * dies by SIGBUS: map what others gave only after os_memfd_is_sealed. */
#ifndef CORRIE_OS_MEMFD_H
#define CORRIE_OS_MEMFD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* An empty memory file that may be sealed; `name` is only seen in /proc. */
int os_memfd_new(const char *name, int *ret_fd, corrie_error *err) CORRIE_MUST_USE;
/* No more writing, growing, shrinking, nor other seals. CORRIE_E_BUSY while a writable mapping
 * exists; CORRIE_E_DATA if it is no memory file; CORRIE_E_REFUSED if it was opened for reading only or
 * may not be sealed. */
int os_memfd_seal(int fd, corrie_error *err) CORRIE_MUST_USE;
/* Whether it is a memory file whose bytes can never change. False for any other descriptor. */
bool os_memfd_is_sealed(int fd);
/* A new read-only open of the same file, with a position of its own. */
int os_fd_reopen_read(int fd, int *ret_fd, corrie_error *err) CORRIE_MUST_USE;
int os_fd_duplicate(int fd, int *ret_fd, corrie_error *err) CORRIE_MUST_USE;

/* A read-only, shared mapping of a whole file. ref and unref may be called by any thread; the
 * descriptor is not needed any more. An empty file has size 0 and data that must not be read. */
struct os_mapping {
    const uint8_t *data;
    size_t size;
    atomic_int refs; /* private */
};
int os_map_fd(int fd, const char *name, struct os_mapping **ret, corrie_error *err) CORRIE_MUST_USE;
int os_map_file(const char *path, struct os_mapping **ret, corrie_error *err) CORRIE_MUST_USE;
struct os_mapping *os_mapping_ref(struct os_mapping *mapping);
/* Unmaps at the last one; NULL may be given. Returns NULL. */
struct os_mapping *os_mapping_unref(struct os_mapping *mapping);
static inline void os_mapping_unrefp(struct os_mapping **mapping)
{
    *mapping = os_mapping_unref(*mapping);
}

#endif
