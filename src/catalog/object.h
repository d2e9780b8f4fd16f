/* object.h — immutable bytes, named by what they are.
 *
 * Invariants
 *   1. The name of an object is SHA-256 of "corrie <type> 1\0" and its uncompressed bytes
 *      (docs/formats/objects.md). Every read checks it.
 *   2. New objects live in an `object_list` until a commit stores them; as long as the list lives,
 *      reads through the same catalog see them as if they were stored. */
#ifndef CORRIE_CATALOG_OBJECT_H
#define CORRIE_CATALOG_OBJECT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

struct catalog;
struct object;

enum object_type { OBJECT_NODE = 1, OBJECT_COMMIT = 2, OBJECT_DOC = 3, OBJECT_ORIGIN = 4 };

/* "node", "commit", "doc", "origin"; NULL for a number that is no type. */
const char *object_type_name(int type);
struct hash object_name(enum object_type type, struct str bytes);

/* Objects that a commit is to store. Zeroed is empty; object_list_done drops what was not stored.
 * The catalog must outlive it. */
struct object_list {
    struct object **items;
    size_t count;
    size_t capacity;
    struct catalog *catalog; /* set by the first that is added */
};

void object_list_done(struct object_list *list);

/* Adds a doc or an origin: `bytes` must be canonical JSON (js_canonical; copied). Returns its name.
 * CORRIE_E_LIMIT past CORRIE_MAX_DOC, CORRIE_E_INTERNAL if it is not canonical. */
int object_add_json(struct catalog *catalog, enum object_type type, struct str bytes,
                    struct object_list *list, struct hash *ret, corrie_error *err) CORRIE_MUST_USE;

/* The bytes of an object of that type, copied into the arena. CORRIE_E_CORRUPT if there is none
 * of that name, or its bytes are not what was stored. */
int object_read(struct catalog *catalog, enum object_type type, const struct hash *name,
                struct arena *arena, struct str *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
