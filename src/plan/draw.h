/* draw.h — a plan as a picture: what reads what, from tables on the left to what nothing reads on the right. */
#ifndef CORRIE_PLAN_DRAW_H
#define CORRIE_PLAN_DRAW_H

#include "base/buf.h"
#include "base/error.h"

struct plan;

/* As text of the language of Graphviz. */
int plan_draw_dot(const struct plan *plan, struct buf *out, corrie_error *err) CORRIE_MUST_USE;
/* As SVG, laid out by us; in light or dark as the viewer has it. Cost: O((nodes + edges) log nodes), and as much again
 * for each layer that an edge passes, up to a million; edges beyond that pass behind boxes. */
int plan_draw_svg(const struct plan *plan, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

#endif
