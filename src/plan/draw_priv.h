/* draw_priv.h — what both kinds of pictures show. */
#ifndef CORRIE_PLAN_DRAW_PRIV_H
#define CORRIE_PLAN_DRAW_PRIV_H

#include "plan/plan.h"

enum box_kind { BOX_TABLE, BOX_SQL, BOX_PYTHON, BOX_CHECK };

/* Boxes are the plan's sources, then its nodes. */
static inline size_t draw_count(const struct plan *plan)
{
    return plan->n_sources + plan->n_nodes;
}

/* The box that an edge comes from. */
static inline size_t draw_from(const struct plan *plan, const struct plan_edge *edge)
{
    return edge->source != PLAN_NONE ? edge->source : plan->n_sources + edge->node;
}

enum box_kind draw_kind(const struct plan *plan, size_t box);
/* "public.orders", "daily" */
void draw_title(const struct plan *plan, size_t box, struct buf *out);
/* "1000 rows at main", "SQL → REPLACE public.daily" */
void draw_subtitle(const struct plan *plan, size_t box, struct buf *out);
/* "id, price where price > 0" */
void draw_edge_label(const struct plan_edge *edge, struct buf *out);

#endif
