#include "tests/model/world.h"

#include <string.h>

/* ---- states ---- */

bool thing_eq(const struct thing *a, const struct thing *b)
{
    return a->id == b->id && a->value == b->value && a->tainted == b->tainted;
}

bool state_eq(const struct state *a, const struct state *b)
{
    for (int key = 0; key < KEYS; key++) {
        if (!thing_eq(&a->at[key], &b->at[key])) {
            return false;
        }
    }
    return true;
}

unsigned state_tainted(const struct state *state)
{
    unsigned n = 0;

    for (int key = 0; key < KEYS; key++) {
        n += state->at[key].id && state->at[key].tainted;
    }
    return n;
}

/* Where a thing is; -1: nowhere. */
static int place(const struct state *state, uint32_t id)
{
    for (int key = 0; key < KEYS; key++) {
        if (state->at[key].id == id) {
            return key;
        }
    }
    return -1;
}

struct fate {
    bool conflict;
    int key; /* -1: it is gone */
    struct thing thing;
};

static struct fate fate_at(const struct state *state, int key)
{
    return (struct fate){.key = key, .thing = key < 0 ? (struct thing){0} : state->at[key]};
}

/* What becomes of one thing, with one base. */
static struct fate fate_of(uint32_t id, const struct state *base, const struct state *source,
                           const struct state *target)
{
    int b = place(base, id);
    int s = place(source, id);
    int t = place(target, id);
    struct fate fate = {.conflict = true, .key = -1};

    if (s < 0 || t < 0) {
        const struct state *side = s < 0 ? target : source;
        int there = s < 0 ? t : s;

        if (there < 0) {
            return fate_at(base, -1);
        }
        if (b < 0) {
            return fate_at(side, there); /* only one side has it, and made it */
        }
        if (there == b && thing_eq(&side->at[there], &base->at[b])) {
            return fate_at(base, -1); /* one removed what the other left alone */
        }
        return fate;
    }
    if (s == t || (b >= 0 && s == b)) {
        fate.key = t;
    } else if (b >= 0 && t == b) {
        fate.key = s;
    } else {
        return fate;
    }
    if (thing_eq(&source->at[s], &target->at[t]) ||
        (b >= 0 && thing_eq(&source->at[s], &base->at[b]))) {
        fate.thing = target->at[t];
    } else if (b >= 0 && thing_eq(&target->at[t], &base->at[b])) {
        fate.thing = source->at[s];
    } else {
        return fate;
    }
    fate.conflict = false;
    return fate;
}

/* Adds the ids of a state to a list without doubles. */
static size_t collect_ids(const struct state *state, uint32_t *ids, size_t n)
{
    for (int key = 0; key < KEYS; key++) {
        bool known = state->at[key].id == 0;

        for (size_t i = 0; i < n; i++) {
            known |= ids[i] == state->at[key].id;
        }
        if (!known) {
            ids[n++] = state->at[key].id;
        }
    }
    return n;
}

bool state_merge(const struct state *bases, size_t n_bases, const struct state *source,
                 const struct state *target, struct state *ret)
{
    uint32_t ids[2 * KEYS];
    size_t n = collect_ids(target, ids, collect_ids(source, ids, 0));

    *ret = (struct state){0};
    if (state_eq(source, target)) {
        *ret = *target;
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        struct fate fate = fate_of(ids[i], &bases[0], source, target);

        for (size_t j = 1; j < n_bases; j++) {
            struct fate other = fate_of(ids[i], &bases[j], source, target);

            fate.conflict |=
                other.conflict || other.key != fate.key || !thing_eq(&other.thing, &fate.thing);
        }
        if (fate.conflict) {
            return false;
        }
        if (fate.key >= 0) {
            if (ret->at[fate.key].id) {
                return false;
            }
            ret->at[fate.key] = fate.thing;
        }
    }
    return true;
}

/* ---- history ---- */

void world_ancestors(const struct world *world, int commit, bool marks[COMMITS_MAX])
{
    if (commit < 0 || marks[commit]) {
        return;
    }
    marks[commit] = true;
    for (int i = 0; i < world->commits[commit].n_parents; i++) {
        world_ancestors(world, world->commits[commit].parents[i], marks);
    }
}

int world_bases(const struct world *world, int a, int b, int ret[COMMITS_MAX])
{
    bool of_a[COMMITS_MAX] = {false};
    bool of_b[COMMITS_MAX] = {false};
    bool covered[COMMITS_MAX] = {false};
    int n = 0;

    world_ancestors(world, a, of_a);
    world_ancestors(world, b, of_b);
    for (int i = 0; i < world->n_commits; i++) {
        for (int p = 0; of_a[i] && of_b[i] && p < world->commits[i].n_parents; p++) {
            world_ancestors(world, world->commits[i].parents[p], covered);
        }
    }
    for (int i = 0; i < world->n_commits; i++) {
        if (of_a[i] && of_b[i] && !covered[i]) {
            ret[n++] = i;
        }
    }
    return n;
}

static int add_commit(struct world *world, const struct state *state, int first, int second)
{
    struct model_commit *commit = &world->commits[world->n_commits];

    *commit = (struct model_commit){
        .state = *state, .parents = {first, second}, .n_parents = second < 0 ? 1 : 2};
    return world->n_commits++;
}

/* ---- orders ---- */

static struct outcome publish(struct world *world, const struct order *order)
{
    struct outcome outcome = {.made = {-1}, .n_made = 1};
    int head = world->refs[order->ref];
    struct state result = order->edited;

    if (head != order->start && !state_merge(&world->commits[order->start].state, 1, &order->edited,
                                             &world->commits[head].state, &result)) {
        outcome.verdict = CONFLICT;
        return outcome;
    }
    outcome.changed = !state_eq(&result, &world->commits[head].state);
    if (outcome.changed && !order->dry_run) {
        world->refs[order->ref] = outcome.made[0] = add_commit(world, &result, head, -1);
    }
    return outcome;
}

static struct outcome merge(struct world *world, const struct order *order)
{
    struct outcome outcome = {.made = {-1}, .n_made = 1};
    int head = world->refs[order->ref];
    const struct state *source = &world->commits[order->source].state;
    struct state bases[COMMITS_MAX];
    int commits[COMMITS_MAX];
    int n = world_bases(world, order->source, head, commits);
    struct state result = *source;

    if (n == 1 && commits[0] == order->source) {
        return outcome;
    }
    outcome.changed = true;
    if (n == 1 && commits[0] == head && !order->no_fast_forward) {
        outcome.fast_forward = true;
        if (!order->dry_run) {
            world->refs[order->ref] = outcome.made[0] = order->source;
        }
        return outcome;
    }
    for (int i = 0; i < n; i++) {
        bases[i] = world->commits[commits[i]].state;
    }
    if (!state_merge(bases, (size_t)n, source, &world->commits[head].state, &result)) {
        outcome.verdict = CONFLICT;
        return outcome;
    }
    if (!order->dry_run) {
        world->refs[order->ref] = outcome.made[0] = add_commit(world, &result, head, order->source);
    }
    return outcome;
}

static struct outcome pick(struct world *world, const struct order *order)
{
    struct outcome outcome = {.made = {-1, -1, -1}, .n_made = order->n_picks};
    int first_new = world->n_commits;
    int head = world->refs[order->ref];

    for (int i = 0; i < order->n_picks; i++) {
        const struct model_commit *picked = &world->commits[order->picks[i]];
        unsigned parent = picked->n_parents == 1 && order->mainline == 0 ? 1 : order->mainline;
        const struct state *before;
        struct state result;
        bool merged;

        if (parent == 0 || (int)parent > picked->n_parents) {
            world->n_commits = first_new;
            outcome.verdict = USAGE;
            return outcome;
        }
        before = &world->commits[picked->parents[parent - 1]].state;
        merged = order->revert
                     ? state_merge(&picked->state, 1, before, &world->commits[head].state, &result)
                     : state_merge(before, 1, &picked->state, &world->commits[head].state, &result);
        if (!merged) {
            world->n_commits = first_new;
            outcome.verdict = CONFLICT;
            return outcome;
        }
        if (!state_eq(&result, &world->commits[head].state)) {
            head = outcome.made[i] = add_commit(world, &result, head, -1);
            outcome.changed = true;
        }
    }
    if (order->dry_run) {
        world->n_commits = first_new;
    } else {
        world->refs[order->ref] = head;
    }
    return outcome;
}

static struct outcome move(struct world *world, const struct order *order)
{
    struct outcome outcome = {.changed = true};
    int now = world->refs[order->ref];

    if (now >= 0 && order->start < 0) {
        outcome.verdict = EXISTS;
    } else if (now < 0 && order->start >= 0) {
        outcome.verdict = GONE_REF;
    } else if (now != order->start) {
        outcome.verdict = CONFLICT;
    } else {
        world->refs[order->ref] = order->source;
    }
    return outcome;
}

/* What no ref reaches may be gone from now on. */
static struct outcome collect(struct world *world, const struct order *order)
{
    bool marks[COMMITS_MAX] = {false};

    if (order->dry_run) {
        return (struct outcome){0};
    }
    for (int i = 0; i < REFS; i++) {
        world_ancestors(world, world->refs[i], marks);
    }
    for (int i = 0; i < world->n_commits; i++) {
        world->commits[i].gone = !marks[i]; /* one that was in doubt and is reached again is not */
    }
    return (struct outcome){0};
}

struct outcome world_apply(struct world *world, const struct order *order)
{
    if (order->kind == ORDER_MOVE) {
        return move(world, order);
    }
    if (order->kind == ORDER_COLLECT) {
        return collect(world, order);
    }
    if (world->refs[order->ref] < 0) {
        return (struct outcome){.verdict = GONE_REF};
    }
    switch (order->kind) {
    case ORDER_PUBLISH:
        return publish(world, order);
    case ORDER_MERGE:
        return merge(world, order);
    default:
        return pick(world, order);
    }
}
