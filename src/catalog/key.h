/* key.h — keys of the catalog: paths of UTF-8 segments, the first of which is the kind: ["table",
 * "sales", "events"].
 *
 * A key is stored and compared as its segments joined by byte 0, ordered by memcmp, and travels as
 * a `struct str` of those bytes. A segment is 1–255 bytes of UTF-8 without control characters,
 * compared as bytes, never normalised; a key has 1–8 segments and at most CORRIE_MAX_KEY bytes. */
#ifndef CORRIE_CATALOG_KEY_H
#define CORRIE_CATALOG_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/str.h"

/* A key in storage of its own; key_str is valid as long as the struct. */
struct key {
    size_t len;
    char bytes[CORRIE_MAX_KEY];
};

static inline struct str key_str(const struct key *key)
{
    return (struct str){key->bytes, key->len};
}

/* Joins segments. CORRIE_E_USAGE names the segment that is none, CORRIE_E_LIMIT a key too long. */
int key_make(const struct str *segments, size_t n, struct key *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* KEY_MAKE(&key, err, STR("table"), ns, name) */
#define KEY_MAKE(ret, err, ...)                                                                    \
    key_make((const struct str[]){__VA_ARGS__},                                                    \
             sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str), (ret), (err))

/* What all keys below these segments start with: the segments, each followed by byte 0. No
 * segments: the empty prefix, all keys. Same errors. */
int key_make_prefix(const struct str *segments, size_t n, struct key *ret, corrie_error *err)
    CORRIE_MUST_USE;
#define KEY_MAKE_PREFIX(ret, err, ...)                                                             \
    key_make_prefix((const struct str[]){__VA_ARGS__},                                             \
                    sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str), (ret), (err))

/* Whether the bytes are a key. Cost: one pass. */
bool key_valid(struct str key);

/* Its segments, borrowed from `key`; returns how many (0 if it is no key). */
size_t key_split(struct str key, struct str ret[CORRIE_MAX_KEY_SEGMENTS]);
/* The n-th segment, counted from 0; empty if there is none. Segment 0 is the kind. */
struct str key_segment(struct str key, size_t n);

/* For people: the kind, a space, the other segments joined by dots: "table sales.events". */
void key_format(struct str key, struct buf *out);

#endif
