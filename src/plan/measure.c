/* measure.c — what each scan of the plan costs to read. */
#include <stdlib.h>

#include "base/mem.h"
#include "plan/build_priv.h"

/* Scans of one table come together: whoever measures opens it once. */
static int by_source(const void *a, const void *b)
{
    const struct plan_step *x = *(struct plan_step *const *)a;
    const struct plan_step *y = *(struct plan_step *const *)b;

    if (x->source != y->source) {
        return x->source < y->source ? -1 : 1;
    }
    return x < y ? -1 : x > y;
}

int plan_measure(struct planning *p, corrie_error *err)
{
    struct plan *plan = p->plan;
    _free_ struct plan_step **scans = mem_alloc(plan->n_steps + 1, sizeof(struct plan_step *));
    size_t n = 0;
    int r = 0;

    if (!scans) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        plan->steps[i].reads = (struct plan_reads){-1, 0, -1};
        if (plan->steps[i].kind == STEP_SCAN) {
            scans[n++] = &plan->steps[i];
        }
    }
    if (!p->catalog->measure) {
        return 0;
    }
    qsort(scans, n, sizeof(struct plan_step *), by_source);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = p->catalog->measure(p->catalog->context, scans[i]->source,
                                &plan->sources[scans[i]->source], scans[i]->edge, &scans[i]->reads,
                                err);
    }
    return r < 0 ? r : 0;
}

int64_t plan_node_reads(const struct plan *plan, size_t index)
{
    const struct plan_node *node = &plan->nodes[index];
    int64_t sum = 0;

    for (size_t i = 0; i < node->n_edges; i++) {
        size_t scan = node->edges[i].scan;
        bool before = scan == PLAN_NONE;

        for (size_t k = 0; k < i && !before; k++) {
            before = node->edges[k].scan == scan;
        }
        if (!before && plan->steps[scan].reads.bytes < 0) {
            return -1;
        }
        if (!before && __builtin_add_overflow(sum, plan->steps[scan].reads.bytes, &sum)) {
            return INT64_MAX;
        }
    }
    return sum;
}
