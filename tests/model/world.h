/* world.h — what a catalog should do, said again in the plainest way: states are small arrays, history is an array of
 * commits, merging looks at each thing by itself, ancestors are found by walking everything. Nothing here knows the catalog;
 * the program beside it (main.c) gives both the same orders and compares. */
#ifndef CORRIE_TESTS_MODEL_WORLD_H
#define CORRIE_TESTS_MODEL_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYS 8
#define REFS 5
#define COMMITS_MAX 400
#define PICKS_MAX 3

struct thing {
    uint32_t id; /* 0: nothing is there */
    uint32_t value;
    bool tainted;
};

struct state {
    struct thing at[KEYS];
};

struct model_commit {
    struct state state;
    int parents[2];
    int n_parents;
    bool gone; /* may have been collected */
};

struct world {
    struct model_commit commits[COMMITS_MAX];
    int n_commits;
    int refs[REFS]; /* index of a commit, -1: there is none */
};

enum order_kind {
    ORDER_PUBLISH, /* edits of `start`, to be brought to `ref` */
    ORDER_MERGE,   /* `source` into `ref` */
    ORDER_PICK,    /* `picks`, or with `revert` taken back */
    ORDER_MOVE,    /* `ref` from `start` to `source`; -1: it is made, it is removed */
    ORDER_COLLECT,
    ORDER_KINDS
};

struct order {
    enum order_kind kind;
    int ref;
    int start;
    int source;
    bool no_fast_forward;
    bool dry_run;
    bool revert;
    unsigned mainline;
    int picks[PICKS_MAX];
    int n_picks;
    struct state edited; /* ORDER_PUBLISH: what the start becomes */
};

enum verdict { DONE, CONFLICT, GONE_REF, EXISTS, USAGE };

struct outcome {
    enum verdict verdict;
    bool changed;
    bool fast_forward;
    int made[PICKS_MAX]; /* commits, -1: left out; publish and merge use the first */
    int n_made;
};

bool thing_eq(const struct thing *a, const struct thing *b);
bool state_eq(const struct state *a, const struct state *b);
unsigned state_tainted(const struct state *state);
/* False: a conflict. */
bool state_merge(const struct state *bases, size_t n_bases, const struct state *source,
                 const struct state *target, struct state *ret);

/* Marks all ancestors, `commit` too. */
void world_ancestors(const struct world *world, int commit, bool marks[COMMITS_MAX]);
/* Best common ancestors; returns how many. */
int world_bases(const struct world *world, int a, int b, int ret[COMMITS_MAX]);
/* What the order does, and does it. */
struct outcome world_apply(struct world *world, const struct order *order);

#endif
