/* hash.h — SHA-256 names and xxHash3 for everything that needs no proof. */
#ifndef CORRIE_BASE_HASH_H
#define CORRIE_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define HASH_BYTES 32
#define HASH_HEX 64

struct hash {
    uint8_t bytes[HASH_BYTES];
};

/* SHA-256 of the concatenation of `n` pieces. */
struct hash hash_pieces(const struct str *pieces, size_t n);
struct hash hash_bytes(struct str bytes);

/* SHA-256 over data that comes in parts. */
struct hasher;
int hasher_new(struct hasher **ret, corrie_error *err) CORRIE_MUST_USE;
void hasher_add(struct hasher *hasher, struct str bytes);
/* The digest; the hasher can only be freed afterwards. */
struct hash hasher_finish(struct hasher *hasher);
struct hasher *hasher_free(struct hasher *hasher);

bool hash_eq(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *hash);
/* 64 lower-case hex digits and a NUL. */
void hash_hex(const struct hash *hash, char ret[HASH_HEX + 1]);
/* Exactly 64 hex digits of either case; false otherwise. */
bool hash_parse(struct str hex, struct hash *ret);

uint64_t hash_xx64(struct str bytes, uint64_t seed);

#endif
