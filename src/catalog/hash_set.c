#include "catalog/hash_set.h"

#include <string.h>

#include "base/mem.h"

void hash_set_done(struct hash_set *set)
{
    mem_free(set->slots);
    *set = (struct hash_set){0};
}

/* Inlined, since it is most of the work; the first eight bytes of nearly all names say it. */
static bool is_free(const struct hash *slot)
{
    uint64_t first;

    memcpy(&first, slot->bytes, sizeof first);
    return first == 0 && hash_is_zero(slot);
}

/* Names are hashes: any of their bytes are as good as another hash. */
static struct hash *slot_of(const struct hash_set *set, const struct hash *name)
{
    size_t at;

    memcpy(&at, name->bytes + 8, sizeof at);
    for (at &= set->n_slots - 1;; at = (at + 1) & (set->n_slots - 1)) {
        struct hash *slot = &set->slots[at];

        if (is_free(slot) || memcmp(slot, name, HASH_BYTES) == 0) {
            return slot;
        }
    }
}

static int grow(struct hash_set *set)
{
    struct hash_set larger = {.n_slots = set->n_slots ? set->n_slots * 2 : 1024,
                              .count = set->count};

    larger.slots = mem_alloc(larger.n_slots, sizeof *larger.slots);
    if (!larger.slots) {
        return CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; i < set->n_slots; i++) {
        if (!is_free(&set->slots[i])) {
            *slot_of(&larger, &set->slots[i]) = set->slots[i];
        }
    }
    mem_free(set->slots);
    *set = larger;
    return 0;
}

int hash_set_add(struct hash_set *set, const struct hash *name)
{
    struct hash *slot;

    if (hash_is_zero(name)) {
        return 0;
    }
    if (set->count * 4 >= set->n_slots * 3 && grow(set) < 0) {
        return CORRIE_E_NO_MEMORY;
    }
    slot = slot_of(set, name);
    if (!is_free(slot)) {
        return 0;
    }
    *slot = *name;
    set->count++;
    return 1;
}

bool hash_set_has(const struct hash_set *set, const struct hash *name)
{
    return set->count > 0 && !is_free(slot_of(set, name)) && !is_free(name);
}
