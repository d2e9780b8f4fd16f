#include "base/mem.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <corrie/error.h>

static mem_fault_fn fault_function;
static void *fault_arg;

void mem_set_fault(mem_fault_fn function, void *arg)
{
    fault_function = function;
    fault_arg = arg;
}

bool mem_has_fault(void)
{
    return fault_function != NULL;
}

static int allocation_fails(void)
{
    return __builtin_expect(fault_function != NULL, 0) && fault_function(fault_arg);
}

void *mem_alloc(size_t count, size_t size)
{
    if (allocation_fails()) {
        return NULL;
    }
    if (count == 0 || size == 0) {
        count = size = 1;
    }
    return calloc(count, size);
}

void *mem_resize(void *block, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes) || allocation_fails()) {
        return NULL;
    }
    return realloc(block, bytes ? bytes : 1);
}

void *mem_copy(const void *bytes, size_t length)
{
    void *copy = mem_alloc(1, length);

    if (copy && length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

char *mem_copy_text(const char *text, size_t length)
{
    char *copy;

    if (length == SIZE_MAX) {
        return NULL;
    }
    copy = mem_alloc(1, length + 1);
    if (copy && length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

void mem_free(void *block)
{
    free(block);
}

void mem_freep(void *pointer_to_pointer)
{
    int saved = errno;
    void *block;

    memcpy(&block, pointer_to_pointer, sizeof block);
    free(block);
    errno = saved;
}

int mem_grow(void *items, size_t *capacity, size_t need, size_t size)
{
    size_t wanted = *capacity ? *capacity : 8;
    void *block;
    void *grown;

    if (need <= *capacity) {
        return 0;
    }
    while (wanted < need) {
        if (wanted > SIZE_MAX / 2) {
            return CORRIE_E_NO_MEMORY;
        }
        wanted *= 2;
    }
    memcpy(&block, items, sizeof block);
    grown = mem_resize(block, wanted, size);
    if (!grown) {
        return CORRIE_E_NO_MEMORY;
    }
    memcpy(items, &grown, sizeof grown);
    *capacity = wanted;
    return 0;
}
