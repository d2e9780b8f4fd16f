/* tree.h — an ordered map of key -> value as a tree of immutable, content-addressed nodes.
 *
 * A tree is named by the hash of its root node. Invariants
 *   1. Two trees with equal entries have equal roots, whatever edits led there.
 *   2. Boundaries depend on keys alone: replacing a value rewrites exactly one node a level.
 *   3. No node holds more than TREE_LEAF_MAX (leaf) or TREE_INNER_MAX entries, and none but the
 *      last of a level less than half the mean, whatever the keys: so no choice of keys makes a
 *      tree deep.
 *   4. A node is stored with or before the commit that names it, never after. */
#ifndef CORRIE_CATALOG_TREE_H
#define CORRIE_CATALOG_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/uuid.h"
#include "catalog/key.h"
#include "catalog/object.h"

/* What a key stands for. */
struct tree_value {
    struct uuid id; /* survives renames */
    bool doc_apart; /* the doc is an object of its own, named by doc_hash, and `doc` is empty */
    bool has_origin;
    bool has_taint;
    struct str doc; /* canonical JSON */
    struct hash doc_hash;
    struct hash origin; /* an origin object */
    struct uuid taint;  /* the job that failed */
};

bool tree_value_eq(const struct tree_value *a, const struct tree_value *b);
/* A copy whose doc lies in the arena. */
int tree_value_copy(const struct tree_value *value, struct arena *arena, struct tree_value *ret,
                    corrie_error *err) CORRIE_MUST_USE;
/* The doc's text wherever it lies: inline as it is (borrowed), else read into the arena. */
int tree_value_doc(struct catalog *catalog, const struct tree_value *value, struct arena *arena,
                   struct str *ret, corrie_error *err) CORRIE_MUST_USE;

/* The root of the tree without entries; the node itself is added to `objects`. */
int tree_empty(struct catalog *catalog, struct object_list *objects, struct hash *ret_root,
               corrie_error *err) CORRIE_MUST_USE;

/* 1 and the value (doc in the arena), 0 if there is no such key. Cost: one node a level. */
int tree_get(struct catalog *catalog, const struct hash *root, struct str key, struct arena *arena,
             struct tree_value *ret, corrie_error *err) CORRIE_MUST_USE;
/* As tree_get, and CORRIE_E_NOT_FOUND ("table sales.events does not exist"), with the nearest names
 * among its siblings as the hint. */
int tree_need(struct catalog *catalog, const struct hash *root, struct str key, struct arena *arena,
              struct tree_value *ret, corrie_error *err) CORRIE_MUST_USE;

/* Entries whose keys start with `prefix` (key_make_prefix; empty = all), in the order of keys. */
struct tree_cursor;
int tree_cursor_open(struct catalog *catalog, const struct hash *root, struct str prefix,
                     struct tree_cursor **ret, corrie_error *err) CORRIE_MUST_USE;
/* 1 and the next entry, 0 at the end. Key and doc are borrowed until the next call or the close. */
int tree_cursor_next(struct tree_cursor *cursor, struct str *ret_key, struct tree_value *ret,
                     corrie_error *err) CORRIE_MUST_USE;
struct tree_cursor *tree_cursor_close(struct tree_cursor *cursor);
DEFINE_CLEANUP(struct tree_cursor *, tree_cursor_close)

/* Put (or replace) a value, or delete a key; deleting one that is not there changes nothing. A
 * put's doc may be of any size up to CORRIE_MAX_DOC: above CORRIE_DOC_INLINE it becomes an object.
 * */
struct tree_edit {
    struct str key;
    bool is_delete;
    struct tree_value value;
};

/* Applies `edits` to the tree at `root`, adding the new nodes and docs to `objects`. Edits need not
 * be sorted; a key twice is CORRIE_E_USAGE, as is something that is no key; CORRIE_E_INTERNAL for a
 * doc that is not canonical JSON. Nodes of `root` that are not stored yet must be in `objects` too.
 * CORRIE_E_CORRUPT if a node is missing or fails its hash. On failure *ret_root is untouched, and
 * what was added to `objects` is garbage that does no harm. Cost: O(edits × depth). */
int tree_apply(struct catalog *catalog, const struct hash *root, const struct tree_edit *edits,
               size_t n_edits, struct object_list *objects, struct hash *ret_root,
               corrie_error *err) CORRIE_MUST_USE;

/* Called for each key below the prefix whose values differ; NULL = not in that tree. Everything is
 * borrowed for the call. A negative result ends the diff and is its result; so does a positive one.
 * */
typedef int (*tree_diff_fn)(void *arg, struct str key, const struct tree_value *old_value,
                            const struct tree_value *new_value, corrie_error *err);
/* In the order of keys. Equal subtrees are skipped: cost follows what differs. */
int tree_diff(struct catalog *catalog, const struct hash *old_root, const struct hash *new_root,
              struct str prefix, tree_diff_fn function, void *arg, corrie_error *err)
    CORRIE_MUST_USE;

/* What a tree is made of. `level` 0 is the leaves. */
#define TREE_LEVELS_MAX 64
struct tree_stats {
    size_t n_levels;
    uint64_t n_entries;
    uint64_t nodes[TREE_LEVELS_MAX];
    uint64_t bytes[TREE_LEVELS_MAX];   /* uncompressed */
    uint64_t largest[TREE_LEVELS_MAX]; /* entries of the largest node */
};
/* Reads every node, checks that each is what the format says and that all boundaries are where the
 * keys put them: CORRIE_E_CORRUPT naming the node otherwise. Cost: the whole tree. */
int tree_check(struct catalog *catalog, const struct hash *root, struct tree_stats *ret,
               corrie_error *err) CORRIE_MUST_USE;

/* The shape of the format; never changes within it. Means of entries in a node; a node that is not
 * the last of its level has half of that at least, and never more than 16 times as many. */
#define TREE_LEAF_MEAN 12
#define TREE_INNER_MEAN 32
#define TREE_LEAF_MAX (16 * TREE_LEAF_MEAN)
#define TREE_INNER_MAX (16 * TREE_INNER_MEAN)

#endif
