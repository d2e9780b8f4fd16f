/* ready.h — which step of a plan is next: those that wait for nothing any more, by their rank.
 *
 * The rank of a step is the longest way from it to the end of the plan, each step on it weighed by what it is likely
 * to take. Who starts the highest first ends as early as can be known beforehand. Writes have a rank of their own. Equal ranks go by the plan's order,
 * so equal plans run in equal order.
 *
 * Invariants
 *   1. A step is in a queue, or was taken from one, once: when the last step that it comes after has ended.
 *   2. All memory is had by ready_init: nothing afterwards can fail. */
#ifndef CORRIE_RUN_READY_H
#define CORRIE_RUN_READY_H

#include "base/arena.h"
#include "plan/plan.h"

enum ready_queue {
    READY_DATA,        /* the coordinator's own: scans, SQL, writes, publishing */
    READY_CALL,        /* functions in processes of their own */
    READY_ENVIRONMENT, /* made by another program */
    READY_QUEUES,
};

struct ready_heap {
    size_t *steps;
    size_t count;
};

struct ready {
    const struct plan *plan;
    double *rank;      /* seconds, of each step */
    size_t *waits;     /* how many steps each still waits for */
    size_t *first;     /* n_steps + 1: where the followers of each begin in `followers` */
    size_t *followers; /* steps that come after */
    struct ready_heap heaps[READY_QUEUES];
};

enum ready_queue ready_queue_of(const struct plan *plan, const struct plan_step *step);

/* Borrows the plan; memory from `arena`. `write_first`: what can be written goes before all else. */
int ready_init(struct ready *ready, const struct plan *plan, bool write_first, struct arena *arena,
               corrie_error *err) CORRIE_MUST_USE;
/* The first of a queue, which stays there; PLAN_NONE: it is empty. */
size_t ready_first(const struct ready *ready, enum ready_queue queue);
/* Takes the first away. */
size_t ready_take(struct ready *ready, enum ready_queue queue);
/* The step has ended well: those that waited for it alone come into their queues. */
void ready_ended(struct ready *ready, size_t step);

#endif
