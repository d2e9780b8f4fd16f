/* seen.h — which texts were met before, in 16 bytes each: millions of paths fit where their text would not.
 *
 * A text is known by half of its SHA-256, so that no choice of names makes two look like one. */
#ifndef CORRIE_MAINT_SEEN_H
#define CORRIE_MAINT_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

struct seen_name {
    uint64_t high;
    uint64_t low; /* both 0: a free slot */
};

/* Zeroed is empty. */
struct seen {
    struct seen_name *slots; /* open addressing, at most half full */
    size_t n_slots;          /* power of two */
    size_t count;
};

void seen_done(struct seen *seen);
/* 1 it is new, and is now known; 0 it was known; CORRIE_E_NO_MEMORY. */
int seen_add(struct seen *seen, struct str text, corrie_error *err) CORRIE_MUST_USE;
bool seen_has(const struct seen *seen, struct str text);

#endif
