#include "base/map.h"

#include "base/hash.h"
#include "base/mem.h"

void map_done(struct map *map)
{
    mem_free(map->entries);
    mem_free(map->slots);
    *map = (struct map){0};
}

/* The slot where `key` is, or the free one where it would go. Never called on a full table. */
static size_t slot_of(const struct map *map, struct str key)
{
    size_t slot = hash_xx64(key, 0) & (map->n_slots - 1);

    while (map->slots[slot] != 0 && !str_eq(map->entries[map->slots[slot] - 1].key, key)) {
        slot = (slot + 1) & (map->n_slots - 1);
    }
    return slot;
}

struct map_entry *map_find(const struct map *map, struct str key)
{
    uint32_t index = map->n_slots ? map->slots[slot_of(map, key)] : 0;

    return index ? &map->entries[index - 1] : NULL;
}

void *map_get(const struct map *map, struct str key)
{
    struct map_entry *entry = map_find(map, key);

    return entry ? entry->value : NULL;
}

static int rehash(struct map *map, size_t n_slots)
{
    uint32_t *slots = mem_alloc(n_slots, sizeof *slots);

    if (!slots) {
        return CORRIE_E_NO_MEMORY;
    }
    mem_free(map->slots);
    map->slots = slots;
    map->n_slots = n_slots;
    for (size_t i = 0; i < map->count; i++) {
        map->slots[slot_of(map, map->entries[i].key)] = (uint32_t)i + 1;
    }
    return 0;
}

int map_put(struct map *map, struct str key, void *value)
{
    struct map_entry *entry = map_find(map, key);

    if (entry) {
        entry->value = value;
        return 0;
    }
    if (map->count >= UINT32_MAX / 2 ||
        mem_grow(&map->entries, &map->capacity, map->count + 1, sizeof *map->entries) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    if ((map->count + 1) * 3 > map->n_slots * 2 &&
        rehash(map, map->n_slots ? map->n_slots * 2 : 16) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    map->entries[map->count] = (struct map_entry){key, value};
    map->slots[slot_of(map, key)] = (uint32_t)++map->count;
    return 0;
}
