/* publish_priv.h — rounds: what changes, merges of branches and picks share. */
#ifndef CORRIE_CATALOG_PUBLISH_PRIV_H
#define CORRIE_CATALOG_PUBLISH_PRIV_H

#include "catalog/merge_priv.h"

/* Named points of a round, for tests that let others act there (struct catalog, `probe`). */
enum publish_point {
    PUBLISH_LOOKED,  /* the head was read */
    PUBLISH_MERGED,  /* the result tree is known, nothing was judged yet; once a commit to make */
    PUBLISH_READY,   /* the commit is made, not stored */
    PUBLISH_SWAPPED, /* the ref has moved */
    PUBLISH_POINTS
};

/* What is to be moved, and for whom. */
struct target {
    struct str ref;
    const struct commit *commit; /* who and why, for the reflog */
    struct str why;              /* empty: the first line of the message */
    int64_t deadline_ms;
    int64_t since;
    bool small;                      /* a few keys: a round takes no time worth mentioning */
    const struct catalog_move *also; /* may be NULL */
    const struct merge_options *options;
    struct object_list *preview; /* gets what a dry run made; may be NULL */
};

/* What one round makes of the head it found. */
struct round {
    struct catalog *catalog;
    const struct target *target;
    const struct catalog_ref *head;
    struct hash head_tree;
    struct object_list objects;
    struct hash commit; /* where the ref is to go; zero: nothing to do */
    struct hash tree;   /* what it shows then; at first the head's */
    bool fast_forward;
};

typedef int (*round_fn)(void *arg, struct round *round, struct merge_report *report,
                        corrie_error *err);

/* Rounds until one holds, or the deadline. */
int publish_rounds(struct catalog *catalog, const struct target *target, round_fn function,
                   void *arg, struct publish_result *ret, struct merge_report *report,
                   corrie_error *err) CORRIE_MUST_USE;

/* A commit that a round is to make. */
struct planned {
    const struct commit *commit; /* its texts and properties */
    const struct hash *parent;
    const struct hash *second; /* parent; may be NULL */
    const struct hash *base_tree;
    const struct hash *source_tree;
    const struct hash *target_tree; /* the parent's */
    const struct hash *tree;
};
/* Asks the guard, then makes the commit with what was accepted as properties. */
int publish_add_commit(struct round *round, const struct planned *planned, struct hash *ret,
                       corrie_error *err) CORRIE_MUST_USE;

int publish_tree_of(struct catalog *catalog, const struct hash *commit, struct hash *ret,
                    corrie_error *err) CORRIE_MUST_USE;

static inline void publish_at(const struct round *round, enum publish_point point)
{
    if (round->catalog->probe) {
        round->catalog->probe(round->catalog->probe_arg, (int)point);
    }
}

#endif
