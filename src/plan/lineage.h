/* lineage.h — from which columns a column is made, and what is made of it, through the whole plan.
 *
 * Through SQL the answer is exact: the values that an expression names (conditions do not count). A Python function may
 * make any of its columns of any that it reads, so that is what is said, as not exact. */
#ifndef CORRIE_PLAN_LINEAGE_H
#define CORRIE_PLAN_LINEAGE_H

#include "plan/plan.h"

/* A column of a table of the lake or of a node. */
struct lineage_ref {
    size_t source;     /* index into the plan's sources, or PLAN_NONE … */
    size_t node;       /* … and then into its nodes */
    struct str column; /* empty: what an expectation says; columns of a model that names none */
};

struct lineage_edge {
    struct lineage_ref from;
    struct lineage_ref to;
    bool exact;
    bool again;     /* what lies beyond has been listed before */
    unsigned depth; /* 1: next to the column asked for */
};

/* Depth first: an edge, then what lies beyond it. */
struct lineage {
    struct lineage_ref column;
    struct lineage_edge *up; /* its sources: `to` is nearer to the column */
    size_t n_up;
    struct lineage_edge *down; /* its uses: `from` is nearer */
    size_t n_down;
};

struct lineage_options {
    struct str name; /* "orders.total", "public.orders.total" */
    bool up;
    bool down;
    struct str default_namespace;
};

/* `plan` was made `whole`; `engine` may be NULL if no model is in SQL. Results in `arena`.
 * CORRIE_E_NOT_FOUND with the nearest names: the plan has no such table or model, or that no such column;
 * CORRIE_E_USAGE: no column is named. */
int plan_lineage(const struct plan *plan, struct engine *engine,
                 const struct lineage_options *options, struct arena *arena, struct lineage *ret,
                 corrie_error *err) CORRIE_MUST_USE;

/* As a document: docs/reference/json.md, lineage. New reference. */
int lineage_to_json(const struct plan *plan, const struct lineage *lineage, json_t **ret,
                    corrie_error *err) CORRIE_MUST_USE;

#endif
