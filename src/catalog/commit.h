/* commit.h — a commit: a tree, where it came from, who made it and why. */
#ifndef CORRIE_CATALOG_COMMIT_H
#define CORRIE_CATALOG_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/uuid.h"
#include "catalog/object.h"

#define COMMIT_PARENTS_MAX 8

struct commit_property {
    struct str name;
    struct str value;
};

/* All text is UTF-8. Times are UTC nanoseconds since 1970. */
struct commit {
    struct hash id; /* its own name */
    struct hash tree;
    struct hash parents[COMMIT_PARENTS_MAX]; /* the second = merged from */
    size_t n_parents;
    uint64_t generation; /* 1 without parents, else one more than the largest of the parents' */
    struct str author;
    struct str committer;
    int64_t author_time;
    int64_t commit_time;
    struct str message;
    const struct commit_property *properties; /* sorted by name, no name twice */
    size_t n_properties;
    uint64_t tainted; /* values of the tree that carry taint; made by commit_add */
    bool has_origin;
    bool has_job;
    struct hash origin;
    struct uuid job;
};

/* Reads a commit; its texts lie in the arena. CORRIE_E_CORRUPT also if it is missing: what a ref or a
 * commit names is never removed. Of a commit that only a movement in the reflog or the record of a job
 * names ask catalog_commit_exists first. */
int commit_read(struct catalog *catalog, const struct hash *id, struct arena *arena,
                struct commit *ret, corrie_error *err) CORRIE_MUST_USE;

/* Adds the commit to `objects` and returns its name. Reads the parents for the generation and for
 * the count of taint (commit_count_taint); `id`, `generation` and `tainted` of the argument are not
 * looked at; properties need not be sorted. A time of 0 means
 * now, an empty committer the author. CORRIE_E_LIMIT for a message past CORRIE_MAX_MESSAGE,
 * CORRIE_E_USAGE for text that is not UTF-8 or a property given twice. */
int commit_add(struct catalog *catalog, const struct commit *commit, struct object_list *objects,
               struct hash *ret, corrie_error *err) CORRIE_MUST_USE;

/* What `tainted` of a commit with this tree and these parents must be: the first parent's count and
 * what differs from its tree; without parents all values count. Cost: what differs. */
int commit_count_taint(struct catalog *catalog, const struct commit *commit, uint64_t *ret,
                       corrie_error *err) CORRIE_MUST_USE;

#endif
