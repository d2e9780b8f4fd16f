#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"

enum { ALIGNMENT = 16, CHUNK_MIN = 4096, CHUNK_MAX = 1 << 20 };

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t size;
    _Alignas(ALIGNMENT) char data[];
};

void arena_done(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;

    while (chunk) {
        struct arena_chunk *next = chunk->next;

        mem_free(chunk);
        chunk = next;
    }
    *arena = (struct arena){.max = arena->max};
}

static int add_chunk(struct arena *arena, size_t need)
{
    size_t size = arena->chunks ? arena->chunks->size * 2 : CHUNK_MIN;
    struct arena_chunk *chunk;

    size = size > CHUNK_MAX ? CHUNK_MAX : size;
    size = size < need ? need : size;
    chunk = mem_alloc(1, sizeof *chunk + size);
    if (!chunk) {
        return CORRIE_E_NO_MEMORY;
    }
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    return 0;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
    size_t max = arena->max ? arena->max : CORRIE_MAX_ARENA;
    size_t bytes;
    void *block;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > max || arena->total > max - bytes) {
        return NULL;
    }
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    bytes = bytes ? bytes : ALIGNMENT;
    if (!arena->chunks || arena->chunks->size - arena->used < bytes) {
        if (add_chunk(arena, bytes) < 0) {
            return NULL;
        }
    }
    block = arena->chunks->data + arena->used;
    arena->used += bytes;
    arena->total += bytes;
    return block;
}

char *arena_text(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, 1, text.len + 1);

    if (copy && text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    int needed;
    char *text = NULL;

    va_start(args, format);
    needed = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (needed >= 0) {
        text = arena_alloc(arena, 1, (size_t)needed + 1);
    }
    if (text) {
        va_start(args, format);
        vsnprintf(text, (size_t)needed + 1, format, args);
        va_end(args);
    }
    return text;
}

int arena_str(struct arena *arena, struct str text, struct str *ret)
{
    char *copy;

    if (text.len == 0) {
        *ret = STR_EMPTY;
        return 0;
    }
    copy = arena_text(arena, text);
    if (!copy) {
        return CORRIE_E_NO_MEMORY;
    }
    *ret = (struct str){copy, text.len};
    return 0;
}
