/* map.h — a hash map from text to pointer.
 *
 * Keys are borrowed: their bytes must outlive the map (an arena's, usually). Values are the caller's.
 * Iteration is in order of insertion, so that what is printed from a map is stable. */
#ifndef CORRIE_BASE_MAP_H
#define CORRIE_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct map_entry {
    struct str key;
    void *value;
};

struct map {
    struct map_entry *entries; /* by insertion */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* index + 1 into entries, 0 = free */
    size_t n_slots;  /* power of two */
};

void map_done(struct map *map);
/* The value, or NULL (also when the value is NULL: see map_find). */
void *map_get(const struct map *map, struct str key);
struct map_entry *map_find(const struct map *map, struct str key);
/* Inserts or replaces. 0, or CORRIE_E_NO_MEMORY and the map is as before. */
int map_put(struct map *map, struct str key, void *value) CORRIE_MUST_USE;

#endif
