#include "plan/plan.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lang/name.h"
#include "plan/build_priv.h"

static void planning_done(struct planning *p)
{
    map_done(&p->models);
    map_done(&p->tables);
    vec_done(&p->sources);
    vec_done(&p->environments);
    vec_done(&p->steps);
    vec_done(&p->notes);
}

static int take_options(struct planning *p, corrie_error *err)
{
    struct plan *plan = p->plan;
    struct str given = p->options->default_namespace;

    if (arena_str(p->arena, given.len ? given : project_namespace(p->project),
                  &plan->default_namespace) < 0 ||
        arena_str(p->arena, p->options->ref, &plan->ref) < 0) {
        return corrie_fail_memory(err);
    }
    plan->strict = p->options->strict;
    plan->dry_run = p->options->dry_run;
    return name_check_namespace(plan->default_namespace, err);
}

/* Copies a list that grew into the plan's arena. */
static int settle(struct arena *arena, const void *items, size_t count, size_t size, void *ret,
                  corrie_error *err)
{
    void *copy = arena_alloc(arena, count + 1, size);

    if (!copy) {
        return corrie_fail_memory(err);
    }
    if (count > 0) {
        memcpy(copy, items, count * size);
    }
    memcpy(ret, &copy, sizeof copy);
    return 0;
}

#define SETTLE(p, name)                                                                            \
    ((p)->plan->n_##name = (p)->name.count,                                                        \
     settle((p)->arena, (p)->name.items, (p)->name.count, sizeof *(p)->name.items,                 \
            &(p)->plan->name, err))

static int build(struct planning *p, corrie_error *err)
{
    struct plan *plan = p->plan;

    int r = take_options(p, err);
    if (r >= 0 && p->declarations->n_functions == 0) {
        r = plan_note_add(
            p, false, &(struct place){0}, err,
            "the project has no functions: they are looked for in *.py and *.sql files beside "
            "%.*s, and in .sql files that its include_paths name",
            STR_FMT(p->project->file));
    }
    if (r >= 0) {
        r = plan_parameters(p, err);
    }
    if (r >= 0) {
        r = plan_drafts(p, err);
    }
    if (r >= 0) {
        r = plan_select(p, err);
    }
    if (r >= 0) {
        r = plan_order(p, err);
    }
    if (r < 0) {
        return r;
    }
    plan->n_nodes = p->n_ordered;
    plan->nodes = arena_array(p->arena, struct plan_node, plan->n_nodes + 1);
    if (!plan->nodes) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < plan->n_nodes; i++) {
        r = plan_node_build(p, i, err);
        if (r < 0) {
            return r;
        }
    }
    r = plan_demand(p, err);
    if (r >= 0) {
        r = plan_steps(p, err);
    }
    if (r >= 0) {
        r = SETTLE(p, sources);
    }
    if (r >= 0) {
        r = SETTLE(p, environments);
    }
    if (r >= 0) {
        r = SETTLE(p, steps);
    }
    if (r >= 0) {
        r = plan_measure(p, err);
    }
    return r < 0 ? r : SETTLE(p, notes);
}

int plan_build(const struct project_dir *project, const struct declarations *declarations,
               const struct plan_catalog *catalog, struct engine *engine,
               const struct plan_options *options, struct plan **ret, corrie_error *err)
{
    static const struct plan_options none;
    _cleanup_(plan_freep) struct plan *plan = mem_alloc(1, sizeof *plan);

    if (!plan) {
        return corrie_fail_memory(err);
    }
    js_setup();
    plan->project = project;
    plan->declarations = declarations;
    _cleanup_(planning_done) struct planning p = {
        .plan = plan,
        .arena = &plan->arena,
        .project = project,
        .declarations = declarations,
        .catalog = catalog,
        .engine = engine,
        .options = options ? options : &none,
    };
    int r = build(&p, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(plan);
    return 0;
}

struct plan *plan_free(struct plan *plan)
{
    if (plan) {
        arena_done(&plan->arena);
        mem_free(plan);
    }
    return NULL;
}
