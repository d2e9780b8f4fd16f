/* arena.h — memory that dies together.
 *
 * Blocks are never freed one by one; arena_done frees them all. Zeroed is empty. Not for threads. */
#ifndef CORRIE_BASE_ARENA_H
#define CORRIE_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used;  /* in the newest chunk */
    size_t total; /* bytes handed out */
    size_t max;   /* 0 = CORRIE_MAX_ARENA */
};

void arena_done(struct arena *arena);

/* Zeroed, aligned to 16 bytes; NULL when memory ran out or the maximum would be passed. */
void *arena_alloc(struct arena *arena, size_t count, size_t size) CORRIE_MUST_USE;
#define arena_new(arena, type) ((type *)arena_alloc((arena), 1, sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), (count), sizeof(type)))

/* NUL-terminated copies; NULL on failure. */
char *arena_text(struct arena *arena, struct str text) CORRIE_MUST_USE;
char *arena_printf(struct arena *arena, const char *format, ...) CORRIE_PRINTF(2, 3)
    CORRIE_MUST_USE;
/* Copies the bytes; returns 0 and *ret, or CORRIE_E_NO_MEMORY. An empty `text` needs no memory. */
int arena_str(struct arena *arena, struct str text, struct str *ret) CORRIE_MUST_USE;

#endif
