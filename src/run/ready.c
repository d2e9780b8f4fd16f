#include "run/ready.h"

#include <math.h>

/* ---- ranks ---- */

/* The rank of writes: before SQL that no function in Python waits for, since a table that is written can be let go of;
 * behind all that leads to such a function, which runs beside the coordinator. */
#define WRITE_RANK 0.9

/* About how many seconds a step takes. Only the order of ranks counts. */
static double weight(const struct plan *plan, const struct plan_step *step)
{
    static const double bytes_a_second = 500e6;
    bool sql = step->node != PLAN_NONE && plan->nodes[step->node].function->language == SOURCE_SQL;
    double bytes;

    switch (step->kind) {
    case STEP_SCAN:
        bytes = step->in_engine ? 0 : (double)plan->sources[step->source].table.bytes;
        return 0.01 + (bytes > 0 ? bytes / bytes_a_second : 0);
    case STEP_ENV:
        return 0.5;
    case STEP_FUNCTION:
        return sql ? 0.01 : 1;
    case STEP_CHECK:
        return 0.3;
    case STEP_WRITE:
        return 0.05;
    default:
        return 0;
    }
}

/* Followers have higher indexes (plan.h, invariant 2): from the end on, theirs are known. Nothing but publishing follows
 * a write, so what leads to one counts its weight. */
static void fill_ranks(struct ready *ready, bool write_first)
{
    const struct plan *plan = ready->plan;

    for (size_t i = plan->n_steps; i-- > 0;) {
        double longest = 0;

        for (size_t k = ready->first[i]; k < ready->first[i + 1]; k++) {
            size_t follower = ready->followers[k];
            bool write = plan->steps[follower].kind == STEP_WRITE;
            double rank = write ? weight(plan, &plan->steps[follower]) : ready->rank[follower];

            longest = rank > longest ? rank : longest;
        }
        ready->rank[i] = longest + weight(plan, &plan->steps[i]);
        if (plan->steps[i].kind == STEP_WRITE) {
            ready->rank[i] = write_first ? HUGE_VAL : WRITE_RANK;
        }
    }
}

/* ---- heaps: the highest rank first, of equal ones the lower index ---- */

static bool is_before(const struct ready *ready, size_t a, size_t b)
{
    return ready->rank[a] != ready->rank[b] ? ready->rank[a] > ready->rank[b] : a < b;
}

static void swap(struct ready_heap *heap, size_t a, size_t b)
{
    size_t step = heap->steps[a];

    heap->steps[a] = heap->steps[b];
    heap->steps[b] = step;
}

static void push(struct ready *ready, size_t step)
{
    enum ready_queue queue = ready_queue_of(ready->plan, &ready->plan->steps[step]);
    struct ready_heap *heap = &ready->heaps[queue];
    size_t at = heap->count++;

    heap->steps[at] = step;
    while (at > 0 && is_before(ready, step, heap->steps[(at - 1) / 2])) {
        swap(heap, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

size_t ready_first(const struct ready *ready, enum ready_queue queue)
{
    const struct ready_heap *heap = &ready->heaps[queue];

    return heap->count > 0 ? heap->steps[0] : PLAN_NONE;
}

size_t ready_take(struct ready *ready, enum ready_queue queue)
{
    struct ready_heap *heap = &ready->heaps[queue];
    size_t first = heap->steps[0];
    size_t at = 0;

    heap->steps[0] = heap->steps[--heap->count];
    for (;;) {
        size_t child = 2 * at + 1;

        if (child + 1 < heap->count &&
            is_before(ready, heap->steps[child + 1], heap->steps[child])) {
            child++;
        }
        if (child >= heap->count || !is_before(ready, heap->steps[child], heap->steps[at])) {
            return first;
        }
        swap(heap, at, child);
        at = child;
    }
}

/* ---- steps ---- */

enum ready_queue ready_queue_of(const struct plan *plan, const struct plan_step *step)
{
    bool node = step->kind == STEP_FUNCTION || step->kind == STEP_CHECK;

    if (step->kind == STEP_ENV) {
        return READY_ENVIRONMENT;
    }
    return node && plan->nodes[step->node].function->language != SOURCE_SQL ? READY_CALL
                                                                            : READY_DATA;
}

void ready_ended(struct ready *ready, size_t step)
{
    for (size_t k = ready->first[step]; k < ready->first[step + 1]; k++) {
        if (--ready->waits[ready->followers[k]] == 0) {
            push(ready, ready->followers[k]);
        }
    }
}

/* Turns what each step comes after into what comes after each. */
static void fill_followers(struct ready *ready, size_t *at)
{
    const struct plan *plan = ready->plan;

    for (size_t i = 0; i < plan->n_steps; i++) {
        ready->waits[i] = plan->steps[i].n_after;
        for (size_t k = 0; k < plan->steps[i].n_after; k++) {
            ready->first[plan->steps[i].after[k] + 1]++;
        }
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        ready->first[i + 1] += ready->first[i];
        at[i] = ready->first[i];
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        for (size_t k = 0; k < plan->steps[i].n_after; k++) {
            ready->followers[at[plan->steps[i].after[k]]++] = i;
        }
    }
}

int ready_init(struct ready *ready, const struct plan *plan, bool write_first, struct arena *arena,
               corrie_error *err)
{
    size_t n = plan->n_steps;
    size_t edges = 0;
    size_t *at = arena_array(arena, size_t, n);

    for (size_t i = 0; i < n; i++) {
        edges += plan->steps[i].n_after;
    }
    *ready = (struct ready){.plan = plan,
                            .rank = arena_array(arena, double, n),
                            .waits = arena_array(arena, size_t, n),
                            .first = arena_array(arena, size_t, n + 1),
                            .followers = arena_array(arena, size_t, edges)};
    if (!at || !ready->rank || !ready->waits || !ready->first || !ready->followers) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < READY_QUEUES; i++) {
        ready->heaps[i].steps = arena_array(arena, size_t, n);
        if (!ready->heaps[i].steps) {
            return corrie_fail_memory(err);
        }
    }
    fill_followers(ready, at);
    fill_ranks(ready, write_first);
    for (size_t i = 0; i < n; i++) {
        if (ready->waits[i] == 0) {
            push(ready, i);
        }
    }
    return 0;
}
