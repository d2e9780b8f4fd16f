/* hash_set.h — a set of names, for millions of them: 32 bytes each and some free room. */
#ifndef CORRIE_CATALOG_HASH_SET_H
#define CORRIE_CATALOG_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/hash.h"

/* Zeroed is empty. The zero hash is in no set. */
struct hash_set {
    struct hash *slots; /* open addressing; zero = free */
    size_t n_slots;     /* power of two */
    size_t count;
};

void hash_set_done(struct hash_set *set);
/* 1 it is new, 0 it was in; CORRIE_E_NO_MEMORY and the set is as before. */
int hash_set_add(struct hash_set *set, const struct hash *name) CORRIE_MUST_USE;
bool hash_set_has(const struct hash_set *set, const struct hash *name);

#endif
