/* catalog_priv.h — what the files of this room share. */
#ifndef CORRIE_CATALOG_PRIV_H
#define CORRIE_CATALOG_PRIV_H

#include "base/buf.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "catalog/backend.h"
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "catalog/key.h"
#include "catalog/object.h"
#include "catalog/tree.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

/* ---- objects in memory (object.c) ----
 *
 * An object is in the table of its catalog from birth to death, so reads find new objects too.
 * States:
 *
 *     held (refs > 0)  --last unref, stored-->      idle: in the list of use, may be evicted
 *     held             --last unref, not stored-->  freed: nothing may believe that it is stored
 *     idle             --found-->                   held
 *     held, stored     --object_table_forget-->     held, not stored: still found, for who holds it is
 *                                                   about to store it (again) or only reads
 *     idle             --object_table_forget-->     freed
 */
struct object {
    struct object *next; /* of the same slot */
    struct object *newer;
    struct object *older;
    struct node *node; /* decoded on first use; the object's */
    struct hash name;
    size_t refs;
    size_t len;
    uint8_t type;
    bool stored;
    char bytes[];
};

struct object_table {
    struct object **slots;
    size_t n_slots; /* power of two */
    size_t count;
    struct object *newest; /* idle ones, by use */
    struct object *oldest;
    size_t idle_bytes;
    size_t max_bytes;
};

struct catalog {
    struct backend *backend;
    struct object_table objects;
    struct ZSTD_CCtx_s *compressor;
    struct ZSTD_DCtx_s *expander;
    const struct cancel *cancel;
    void (*probe)(void *arg, int point); /* tests only: called at the points of publish_priv.h */
    void *probe_arg;
    uint64_t n_reads; /* objects read from the backend; for tests and benchmarks */
    /* Collections as this handle last saw them. What it has in memory as stored was stored then. */
    uint64_t generation;
    uint64_t removals;
    bool wary; /* there was one since the handle was opened: commits look before they leap */
    unsigned
        rivals; /* publications that are to begin under the lock, since a race was lost lately */
    uint64_t missed_at; /* `removals` when a commit was last refused for something that is gone */
};

static inline struct str object_bytes(const struct object *object)
{
    return (struct str){object->bytes, object->len};
}

/* Looks in memory, then in the backend, and checks the name. The caller's to unref.
 * CORRIE_E_CORRUPT also if there is none: what a ref or an object names is never removed. */
int object_get(struct catalog *catalog, enum object_type type, const struct hash *name,
               struct object **ret, corrie_error *err) CORRIE_MUST_USE;
/* Reads those that are not in memory, in one go: for what will be asked for next. Missing or damaged
 * ones are passed over: who asks for them is told. */
int object_prefetch(struct catalog *catalog, enum object_type type, const struct hash *names,
                    size_t n, corrie_error *err) CORRIE_MUST_USE;
bool object_in_memory(struct catalog *catalog, enum object_type type, const struct hash *name);
/* The object of these bytes; new if it is not in memory. The caller's to unref. */
int object_make(struct catalog *catalog, enum object_type type, struct str bytes,
                struct object **ret, corrie_error *err) CORRIE_MUST_USE;
void object_unref(struct catalog *catalog, struct object *object);
/* Puts it on the list, which takes the reference. On failure it is still the caller's. */
int object_list_push(struct catalog *catalog, struct object_list *list, struct object *object,
                     corrie_error *err) CORRIE_MUST_USE;
/* object_make and object_list_push. */
int object_add(struct catalog *catalog, enum object_type type, struct str bytes,
               struct object_list *list, struct hash *ret, corrie_error *err) CORRIE_MUST_USE;
/* The objects of a list in stored form; texts lie in `bytes`. */
int object_list_pack(struct catalog *catalog, const struct object_list *list, struct arena *arena,
                     struct backend_object **ret, corrie_error *err) CORRIE_MUST_USE;
void object_table_done(struct catalog *catalog);
/* Forgets all objects that nobody holds. */
void object_table_clear(struct catalog *catalog);
/* Forgets all that was believed to be stored: it may have been collected. What somebody holds stays
 * and is found, for the nodes of a change that is being made are read again; but it counts as not
 * stored, and dies with the last who holds it. */
void object_table_forget(struct catalog *catalog);
/* Expands stored bytes and checks them against the name. `scratch` may hold what *ret shows. */
int object_expand(struct catalog *catalog, const struct backend_object *found, struct buf *scratch,
                  struct str *ret, corrie_error *err) CORRIE_MUST_USE;
/* What an object must be put after: docs and origins 0, nodes by level, commits last. */
unsigned object_rank(int type, struct str bytes);

/* Reads how things stand with collections; if there was one since the last look, forgets. */
int catalog_look(struct catalog *catalog, struct backend_state *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Called for each object that another names. */
typedef int (*object_name_fn)(void *arg, enum object_type type, const struct hash *name,
                              corrie_error *err);

/* A reference for one scope. */
struct object_hold {
    struct catalog *catalog;
    struct object *object;
};
void object_hold_done(struct object_hold *hold);

/* ---- nodes (node.c) ---- */

struct node_entry {
    struct str key;
    struct str value; /* leaf: a value's bytes; inner: the 32 bytes of the child's name */
};

/* Keys lie in the node, values in the bytes it was decoded from. */
struct node {
    unsigned level;
    size_t n;
    size_t memory; /* bytes it takes */
    struct node_entry *entries;
};

/* Decodes and checks everything that can be seen in one node but boundaries. The caller's:
 * mem_free. CORRIE_E_CORRUPT says what is wrong. */
int node_decode(struct str bytes, struct node **ret, corrie_error *err) CORRIE_MUST_USE;
void node_encode(unsigned level, const struct node_entry *entries, size_t n, struct buf *out);
/* Whether a node ends after its `count`-th entry, whose key is `key`. */
bool node_ends(struct str key, unsigned level, size_t count);
/* Index of the first entry whose key is not less than `key`; n if there is none. */
size_t node_find(const struct node *node, struct str key);
static inline struct hash node_child(const struct node *node, size_t index)
{
    struct hash child;

    memcpy(child.bytes, node->entries[index].value.data, HASH_BYTES);
    return child;
}
/* The node of that name. `last_key` and `level` are what its parent says of it (NULL: it is a
 * root). */
int node_get(struct catalog *catalog, const struct hash *name, const struct str *last_key,
             unsigned level, struct object **ret, corrie_error *err) CORRIE_MUST_USE;

/* What its entries name: nodes, or docs and origins. CORRIE_E_CORRUPT if a value is malformed. */
int node_names(const struct node *node, object_name_fn each, void *arg, corrie_error *err)
    CORRIE_MUST_USE;

/* A value's bytes; false if they are none. ret->doc is borrowed from `bytes`. */
bool value_decode(struct str bytes, struct tree_value *ret);
void value_encode(const struct tree_value *value, struct buf *out);

/* ---- commits (commit.c) ---- */

/* Texts are borrowed from `bytes`, properties lie in the arena. CORRIE_E_CORRUPT,
 * CORRIE_E_NO_MEMORY. `id` is not set. */
int commit_decode(struct str bytes, struct arena *arena, struct commit *ret, corrie_error *err)
    CORRIE_MUST_USE;
void commit_encode(const struct commit *commit, struct buf *out);

/* The part of a commit that walks need. */
struct commit_links {
    struct hash id;
    struct hash tree;
    uint64_t generation;
    int64_t time;
    size_t n_parents;
    struct hash parents[COMMIT_PARENTS_MAX];
};
int commit_links(struct catalog *catalog, const struct hash *id, struct commit_links *ret,
                 corrie_error *err) CORRIE_MUST_USE;

/* What a commit names: tree, parents, origin. */
int commit_names(const struct commit *commit, object_name_fn each, void *arg, corrie_error *err)
    CORRIE_MUST_USE;

#endif
