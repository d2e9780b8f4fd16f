#include "maint/seen.h"

#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define FIRST_SLOTS 1024

void seen_done(struct seen *seen)
{
    mem_free(seen->slots);
    *seen = (struct seen){0};
}

static struct seen_name name_of(struct str text)
{
    struct hash hash = hash_bytes(text);
    struct seen_name name;

    memcpy(&name.high, hash.bytes, sizeof name.high);
    memcpy(&name.low, hash.bytes + sizeof name.high, sizeof name.low);
    if (name.high == 0 && name.low == 0) {
        name.low = 1;
    }
    return name;
}

/* The slot of the name, or the free one where it belongs. */
static struct seen_name *find(struct seen_name *slots, size_t n_slots, struct seen_name name)
{
    size_t at = (size_t)name.high & (n_slots - 1);

    while ((slots[at].high != 0 || slots[at].low != 0) &&
           (slots[at].high != name.high || slots[at].low != name.low)) {
        at = (at + 1) & (n_slots - 1);
    }
    return &slots[at];
}

static int grow(struct seen *seen)
{
    size_t n_slots = seen->n_slots > 0 ? 2 * seen->n_slots : FIRST_SLOTS;
    struct seen_name *slots = mem_alloc(n_slots, sizeof *slots);

    if (!slots) {
        return CORRIE_E_NO_MEMORY;
    }
    for (size_t i = 0; i < seen->n_slots; i++) {
        if (seen->slots[i].high != 0 || seen->slots[i].low != 0) {
            *find(slots, n_slots, seen->slots[i]) = seen->slots[i];
        }
    }
    mem_free(seen->slots);
    seen->slots = slots;
    seen->n_slots = n_slots;
    return 0;
}

int seen_add(struct seen *seen, struct str text, corrie_error *err)
{
    struct seen_name name = name_of(text);
    struct seen_name *slot;

    if (seen->count >= seen->n_slots / 2 && grow(seen) < 0) {
        return corrie_fail_memory(err);
    }
    slot = find(seen->slots, seen->n_slots, name);
    if (slot->high != 0 || slot->low != 0) {
        return 0;
    }
    *slot = name;
    seen->count++;
    return 1;
}

bool seen_has(const struct seen *seen, struct str text)
{
    const struct seen_name *slot;

    if (seen->n_slots == 0) {
        return false;
    }
    slot = find(seen->slots, seen->n_slots, name_of(text));
    return slot->high != 0 || slot->low != 0;
}
