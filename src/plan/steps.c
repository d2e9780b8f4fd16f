/* steps.c — the physical plan: what is done, in which order. */
#include "base/limits.h"
#include "plan/build_priv.h"

static const char *const step_names[] = {
    [STEP_SCAN] = "scan",   [STEP_ENV] = "env",     [STEP_FUNCTION] = "function",
    [STEP_CHECK] = "check", [STEP_WRITE] = "write", [STEP_PUBLISH] = "publish",
};

const char *plan_step_kind_name(enum plan_step_kind kind)
{
    return step_names[kind];
}

/* While steps are made. */
struct stepping {
    struct planning *p;
    size_t *of_node; /* node -> its FUNCTION or CHECK step */
    size_t *of_environment;
    struct map scans;  /* what a scan reads -> step + 1 */
    VEC(size_t) after; /* of the step being made */
};

static void stepping_done(struct stepping *s)
{
    map_done(&s->scans);
    vec_done(&s->after);
}

/* Ascending, no step twice: lists are short but the publishing one, which adds in order. */
static int add_after(struct stepping *s, size_t step, corrie_error *err)
{
    size_t at = s->after.count;

    while (at > 0 && s->after.items[at - 1] > step) {
        at--;
    }
    if (at > 0 && s->after.items[at - 1] == step) {
        return 0;
    }
    if (vec_push(&s->after, step) < 0) {
        return corrie_fail_memory(err);
    }
    memmove(&s->after.items[at + 1], &s->after.items[at], (s->after.count - 1 - at) * sizeof step);
    s->after.items[at] = step;
    return 0;
}

/* Adds a step that runs after those gathered in s->after. */
static int add_step(struct stepping *s, struct plan_step step, size_t *ret, corrie_error *err)
{
    step.n_after = s->after.count;
    if (step.n_after > 0) {
        step.after = arena_array(s->p->arena, size_t, step.n_after);
        if (!step.after) {
            return corrie_fail_memory(err);
        }
        memcpy(step.after, s->after.items, step.n_after * sizeof *step.after);
    }
    s->after.count = 0;
    if (vec_push(&s->p->steps, step) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = s->p->steps.count - 1;
    return 0;
}

static struct plan_step empty_step(enum plan_step_kind kind)
{
    return (struct plan_step){
        .kind = kind, .node = PLAN_NONE, .source = PLAN_NONE, .environment = PLAN_NONE};
}

/* Edges that read the same columns and rows of a table share one scan. */
static int scan_step(struct stepping *s, struct plan_edge *edge, bool in_engine, corrie_error *err)
{
    _cleanup_(buf_done) struct buf key = {0};
    struct str text;

    buf_addf(&key, "%zu %d %d %zu:", edge->source, in_engine, edge->all_columns, edge->filter.len);
    buf_add_str(&key, edge->filter);
    for (size_t i = 0; i < edge->n_columns; i++) {
        buf_addf(&key, " %zu:", edge->columns[i].len);
        buf_add_str(&key, edge->columns[i]);
    }
    if (buf_check(&key, err) < 0) {
        return err->code;
    }
    size_t known = (size_t)(uintptr_t)map_get(&s->scans, buf_str(&key));
    if (known > 0) {
        edge->scan = known - 1;
        return 0;
    }
    struct plan_step step = empty_step(STEP_SCAN);
    step.source = edge->source;
    step.edge = edge;
    step.in_engine = in_engine;
    int r = add_step(s, step, &edge->scan, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(s->p->arena, buf_str(&key), &text) < 0 ||
        map_put(&s->scans, text, (void *)(uintptr_t)(edge->scan + 1)) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int environment_step(struct stepping *s, size_t environment, corrie_error *err)
{
    size_t *known = &s->of_environment[environment];

    if (*known != PLAN_NONE) {
        return 0;
    }
    struct plan_step step = empty_step(STEP_ENV);
    step.environment = environment;
    return add_step(s, step, known, err);
}

/* The step that calls the node's function, after those that its inputs come from. */
static int call_steps(struct stepping *s, size_t index, corrie_error *err)
{
    struct plan_node *node = &s->p->plan->nodes[index];
    bool model = node->function->kind == FUNCTION_MODEL;
    bool sql = node->function->language == SOURCE_SQL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < node->n_edges; i++) {
        if (node->edges[i].source != PLAN_NONE) {
            r = scan_step(s, &node->edges[i], sql, err);
        }
    }
    if (r >= 0 && !sql) {
        r = environment_step(s, node->environment, err);
    }
    if (r >= 0 && !sql) {
        r = add_after(s, s->of_environment[node->environment], err);
    }
    for (size_t i = 0; r >= 0 && i < node->n_edges; i++) {
        const struct plan_edge *edge = &node->edges[i];
        r = add_after(s, edge->node != PLAN_NONE ? s->of_node[edge->node] : edge->scan, err);
    }
    if (r < 0) {
        return r;
    }
    struct plan_step step = empty_step(model ? STEP_FUNCTION : STEP_CHECK);
    step.node = index;
    return add_step(s, step, &s->of_node[index], err);
}

static int node_steps(struct stepping *s, size_t index, corrie_error *err)
{
    const struct plan *plan = s->p->plan;
    const struct declared_function *function = plan->nodes[index].function;
    size_t written;
    int r = 0;

    if (function->output == 0) {
        r = call_steps(s, index, err);
    } else {
        s->of_node[index] = s->of_node[plan_caller(plan, index)];
    }
    if (r < 0 || function->kind != FUNCTION_MODEL || function->strategy == STRATEGY_NONE) {
        return r;
    }
    struct plan_step step = empty_step(STEP_WRITE);
    step.node = index;
    step.skipped = plan->dry_run;
    r = add_after(s, s->of_node[index], err);
    return r < 0 ? r : add_step(s, step, &written, err);
}

/* After everything that nothing else waits for. */
static int publish_step(struct stepping *s, corrie_error *err)
{
    const struct plan_step *steps = s->p->steps.items;
    size_t n = s->p->steps.count, ignored;
    _free_ bool *waited = mem_alloc(n + 1, sizeof *waited);
    bool writes = false;

    if (!waited) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        writes = writes || steps[i].kind == STEP_WRITE;
        for (size_t k = 0; k < steps[i].n_after; k++) {
            waited[steps[i].after[k]] = true;
        }
    }
    if (!writes) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        int r = waited[i] ? 0 : add_after(s, i, err);
        if (r < 0) {
            return r;
        }
    }
    struct plan_step step = empty_step(STEP_PUBLISH);
    step.skipped = s->p->plan->dry_run;
    return add_step(s, step, &ignored, err);
}

int plan_steps(struct planning *p, corrie_error *err)
{
    struct plan *plan = p->plan;
    _cleanup_(stepping_done) struct stepping s = {.p = p};

    s.of_node = arena_array(p->arena, size_t, plan->n_nodes + 1);
    s.of_environment = arena_array(p->arena, size_t, p->environments.count + 1);
    if (!s.of_node || !s.of_environment) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < p->environments.count; i++) {
        s.of_environment[i] = PLAN_NONE;
    }
    for (size_t i = 0; i < plan->n_nodes; i++) {
        int r = node_steps(&s, i, err);
        if (r < 0) {
            return r;
        }
    }
    return publish_step(&s, err);
}
