/* mem.h — heap memory. Every allocation of ours goes through here, so that tests can make the k-th fail
 * (see fault hooks below) and so that none forgets its error. */
#ifndef CORRIE_BASE_MEM_H
#define CORRIE_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Zeroed memory of `count` × `size` bytes, or NULL (also when the product overflows). A size of 0 gives
 * a pointer that may be freed. Ownership: the caller's; mem_free. */
void *mem_alloc(size_t count, size_t size) __attribute__((warn_unused_result));

/* Resizes to `count` × `size` bytes; new bytes are not zeroed. NULL on failure, the old block stays. */
void *mem_resize(void *block, size_t count, size_t size) __attribute__((warn_unused_result));

/* A NUL-terminated copy of `length` bytes, or NULL. */
char *mem_copy_text(const char *text, size_t length) __attribute__((warn_unused_result));

/* A copy of `length` bytes, or NULL. */
void *mem_copy(const void *bytes, size_t length) __attribute__((warn_unused_result));

void mem_free(void *block);

/* Cleanup for pointer variables: `_free_ char *path = NULL;` */
void mem_freep(void *pointer_to_pointer);
#define _free_ _cleanup_(mem_freep)

/* Test hook: called before each allocation; returns true to make it fail. NULL (the default) costs one
 * load. Set it before threads start. */
typedef int (*mem_fault_fn)(void *arg);
void mem_set_fault(mem_fault_fn function, void *arg);
bool mem_has_fault(void);

/* Grows `*items` (elements of `size` bytes, `*capacity` of them) to hold at least `need`; doubling.
 * Returns 0 or CORRIE_E_NO_MEMORY, which leaves everything as it was. */
int mem_grow(void *items, size_t *capacity, size_t need, size_t size)
    __attribute__((warn_unused_result));

#endif
