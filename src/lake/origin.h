/* origin.h — what one run published together, and from what (docs/formats/lake.md, "Origins").
 *
 * The values that name one origin object are a group. A value leaves its group by being rewritten, never by being
 * renamed: so members are known by their ids, and the keys in the origin only say where to look first. */
#ifndef CORRIE_LAKE_ORIGIN_H
#define CORRIE_LAKE_ORIGIN_H

#include "lake/lake_priv.h"

/* A table that went into an output. */
struct origin_read {
    struct str key;
    struct uuid id;
    struct str version; /* relative metadata location */
    struct str ref; /* where it was read, if not on the branch that was published to; else empty */
};

struct origin_output {
    struct str key; /* under which it was published */
    bool has_id;    /* older origins do not say it */
    struct uuid id;
    const struct origin_read *reads;
    size_t n_reads;
};

struct origin {
    struct hash name;
    struct str job;
    const struct origin_output *outputs;
    size_t n_outputs;
};

/* Everything lies in the arena. CORRIE_E_CORRUPT if it is no origin. */
int origin_read(struct lake *lake, const struct hash *name, struct arena *arena, struct origin *ret,
                corrie_error *err) CORRIE_MUST_USE;

/* Where an output stands in a tree: under which key its value names the origin. An empty key: it is gone, or was
 * rewritten. */
struct origin_member {
    struct str key;
    struct tree_value value;
};

struct origin_group {
    struct origin origin;
    struct origin_member *members; /* one an output */
};

/* Finds the members of groups (their `origin`s are set) in a tree; `members` come from the arena. Cost: a lookup a
 * member; one pass over the tables of the tree if one that may have been renamed is not under its key. */
int origin_find(struct lake *lake, const struct hash *tree, struct origin_group *groups, size_t n,
                struct arena *arena, corrie_error *err) CORRIE_MUST_USE;

#endif
