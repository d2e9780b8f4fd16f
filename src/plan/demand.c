/* demand.c — columns that nobody asks for are left out, from the ends of the plan to its tables.
 *
 * Written tables, what nothing reads and what has columns that are not known are made whole. Of every other model
 * only the columns are made that its readers name: an SQL model becomes a statement that gives these alone, so that it
 * may need less of what it reads; of a Python model's output the others are dropped.
 *
 * A reader that is in SQL may name columns that it does not need. They are null where it runs: it is bound on all
 * columns of what it reads, made or not. */
#include "base/mem.h"
#include "plan/build_priv.h"

/* Who asks for what, by node. */
struct demand {
    struct planning *p;
    bool **asked; /* by column of the output; NULL: nobody reads the node */
    bool *whole;  /* every column is asked for */
};

static void demand_done(struct demand *demand)
{
    for (size_t i = 0; demand->asked && i < demand->p->plan->n_nodes; i++) {
        mem_free(demand->asked[i]);
    }
    mem_free(demand->asked);
    mem_free(demand->whole);
}

static void ask_column(bool *asked, const struct plan_columns *output, struct str name)
{
    for (size_t i = 0; i < output->count; i++) {
        if (str_eq(output->items[i].name, name)) {
            asked[i] = true;
        }
    }
}

/* A filter looks at columns that the edge may not list. */
static int ask_filter(struct demand *demand, const struct plan_edge *edge, bool *asked,
                      const struct plan_columns *output, corrie_error *err)
{
    struct filter *filter;

    if (edge->filter.len == 0) {
        return 0;
    }
    int r = filter_parse(edge->filter, demand->p->arena, &filter, err);
    for (size_t i = 0; r >= 0 && i < filter->n_columns; i++) {
        ask_column(asked, output, filter->columns[i].name);
    }
    return r < 0 ? r : 0;
}

static int ask(struct demand *demand, const struct plan_node *reader, const struct plan_edge *edge,
               corrie_error *err)
{
    const struct plan_columns *output = &demand->p->plan->nodes[edge->node].output;
    bool **asked = &demand->asked[edge->node];

    if (!*asked) {
        *asked = mem_alloc(output->count + 1, sizeof **asked);
        if (!*asked) {
            return corrie_fail_memory(err);
        }
    }
    if (edge->all_columns) {
        demand->whole[edge->node] = true;
        return 0;
    }
    for (size_t i = 0; i < edge->n_columns; i++) {
        ask_column(*asked, output, edge->columns[i]);
    }
    /* what an SQL scan filters by is among its columns */
    return reader->function->language == SOURCE_PYTHON
               ? ask_filter(demand, edge, *asked, output, err)
               : 0;
}

/* Fills node->wanted. One column stays, so that there are rows: count(*) asks for none. */
static int take_wanted(struct demand *demand, struct plan_node *node, const bool *asked,
                       corrie_error *err)
{
    const struct plan_columns *output = &node->output;

    node->wanted = arena_array(demand->p->arena, struct str, output->count + 1);
    if (!node->wanted) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < output->count; i++) {
        if (asked[i]) {
            node->wanted[node->n_wanted++] = output->items[i].name;
        }
    }
    if (node->n_wanted == 0) {
        node->wanted[node->n_wanted++] = output->items[0].name;
    }
    node->narrowed = node->n_wanted < output->count;
    return 0;
}

static int demand_node(struct demand *demand, size_t index, corrie_error *err)
{
    struct plan_node *node = &demand->p->plan->nodes[index];
    const struct declared_function *function = node->function;
    bool whole = demand->p->options->whole || function->kind != FUNCTION_MODEL ||
                 function->strategy != STRATEGY_NONE || node->output.open ||
                 (function->language == SOURCE_SQL && !node->bound) || node->output.count == 0 ||
                 demand->whole[index] || !demand->asked[index];
    int r = 0;

    if (!whole) {
        r = take_wanted(demand, node, demand->asked[index], err);
    }
    if (r >= 0) {
        r = plan_scans(demand->p, node, err);
    }
    for (size_t i = 0; r >= 0 && function->output == 0 && i < node->n_edges; i++) {
        if (node->edges[i].node != PLAN_NONE) {
            r = ask(demand, node, &node->edges[i], err);
        }
    }
    return r;
}

int plan_demand(struct planning *p, corrie_error *err)
{
    _cleanup_(demand_done) struct demand demand = {
        .p = p,
        .asked = mem_alloc(p->plan->n_nodes + 1, sizeof(bool *)),
        .whole = mem_alloc(p->plan->n_nodes + 1, sizeof(bool)),
    };
    int r = 0;

    if (!demand.asked || !demand.whole) {
        return corrie_fail_memory(err);
    }
    for (size_t i = p->plan->n_nodes; r >= 0 && i > 0; i--) {
        r = demand_node(&demand, i - 1, err); /* readers come before what they read */
    }
    return r;
}
