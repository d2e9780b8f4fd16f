/* trial.h — one change of a lake tried again and again, each time with another fault: every operation and every
 * allocation fails once, or from then on.
 *
 * What is tried is an action. With a `scene` the lake is made once, kept, and put back before each attempt; what the
 * action does to it is seen in an attempt without faults, and after any other the lake must be as before or as after,
 * by its text (trial_state); what was not done is done by acting again. */
#ifndef CORRIE_TESTS_LAKE_TRIAL_H
#define CORRIE_TESTS_LAKE_TRIAL_H

#include <corrie/corrie.h>

#include "scene.h"

struct trial {
    struct scene s;
    const struct action *action;
    unsigned round; /* attempts so far: names what this one makes */
    int64_t rows;   /* without a scene: what the table ns.t holds */
    int64_t sum;
    char name[64]; /* of the branch, namespace or job of this attempt */
    char *kept;    /* the directory of the scene, to copy from; NULL without a scene */
    char *before;  /* its state, and that after the action */
    char *after;
    corrie_error said; /* by the attempt under a fault */
};

/* What is tried. The lake is closed before and after. */
struct action {
    const char *name;
    int (*act)(struct trial *t, corrie_error *err); /* on an open lake */

    void (*scene)(struct trial *t); /* once, on the open lake; NULL: goes on with what is there */
    void (*check)(
        struct trial *t); /* with a scene, after the action was done at last; may be NULL */
    bool
        in_steps; /* several changes, each whole: what is cut off between them is finished by acting again */
    bool once;       /* what is done cannot be done again */
    bool mends;      /* the scene is damage */
    bool names_jobs; /* refs of jobs (tx/) belong to the state */
    /* Something that fails is no matter, is told by a notice (the end of a job's record), or is seen to by the next one. */
    bool may_keep_quiet;
    bool
        ends_in_rename; /* os_file_replace is its last step: that may fail when the file is there */

    void (*prepare)(struct trial *t); /* without a scene: before each attempt; may be NULL */
    bool (*is_new)(
        struct trial *t); /* without a scene: the new state (true) or the old; else fails */
};

/* Which operations fail, with what, and what a caller is to be told. */
struct disk {
    const char *op;
    const char *error;
    bool sticky;
    bool
        told; /* none of ours may fail without the caller hearing of it; SQLite's cleaning up may */
    int code;
};
enum { N_DISKS = 5 };
extern const struct disk disks[N_DISKS];

/* Everything that changes a lake, each with a scene. */
const struct action *actions_all(size_t *ret_n);

/* Under the preload library: faults reach SQLite and DuckDB as well. */
bool preloaded(void);
size_t open_descriptors(void);
void check_told(const char *what, const char *fault, int r, int expected, const corrie_error *err);

/* A lake, open, and an engine; with a scene, that. */
void trial_init(struct trial *t, const struct action *action);
void trial_done(struct trial *t);
int trial_open(struct trial *t, corrie_error *err);
void trial_reopen(struct trial *t);
/* What can be seen of the lake, without hashes, ids and times: refs, their histories, tables, rows, ledgers, what is
 * checked out, the user's settings. Heap. */
char *trial_state(struct trial *t);

/* Each failing operation, or allocation, in turn; with a scene a sample of them unless tortured. */
void trial_operations(struct trial *t, const struct disk *disk);
void trial_allocations(struct trial *t, bool sticky);

/* The process ends at each operation in turn, SQLite's and DuckDB's too, by that word of the fault library (tests/fault):
 * "kill", "cut", "cut,seed=1". With a scene, under the preload library. */
void trial_ends(struct trial *t, const char *how);
/* The power goes right after the action was told to be done ("cut=exit", "cut=exit,seed=1"). */
void trial_end_when_told(struct trial *t, const char *how);

#endif
