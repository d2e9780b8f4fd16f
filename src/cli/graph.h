/* graph.h — the lines beside a log that show how commits hang together.
 *
 *     ●   Merge dev into main            *   Merge dev into main
 *     ├─╮                                |\
 *     │ ● New customers                  | * New customers
 *     ● │ Sales of May                   * | Sales of May
 *     ├─╯                                |/
 *     ● Sales of April                   * Sales of April
 *
 * Commits come one after the other, a child before its parents. A lane is a column that waits for one commit;
 * lanes stay in their columns, and a column that became free is taken again.
 *
 * Invariants
 *   1. No two lanes wait for the same commit: a second one joins the first, and the leftmost stays.
 *   2. A row of links shows one link; what it crosses is drawn through it, where it meets a lane it turns.
 *   3. Memory follows the number of lanes, not that of commits. */
#ifndef CORRIE_CLI_GRAPH_H
#define CORRIE_CLI_GRAPH_H

#include "base/vec.h"
#include "cli/out.h"

enum { GRAPH_ID = 80 };

struct graph_lane {
    char wanted[GRAPH_ID]; /* the commit that it waits for; "" = the column is free */
    unsigned colour;
};

struct graph {
    bool boxes; /* box characters; else ASCII */
    VEC(struct graph_lane) lanes;
    size_t at; /* the column of the last commit */
    unsigned next_colour;
};

void graph_init(struct graph *graph, bool boxes);
void graph_done(struct graph *graph);

/* The next commit. Its parents are given to both calls; ids are shorter than GRAPH_ID.
 * graph_commit draws the commit's row but for the newline, so that the caller can write beside it. One that is not
 * `shown` (it does not fit a filter) is a dot, and nothing where only a line leads through it. Returns 1 if a row was
 * drawn: finish it and call graph_links; 0 if not. */
int graph_commit(struct graph *graph, struct out *out, struct str id, const struct str *parents,
                 size_t n_parents, bool shown, corrie_error *err) CORRIE_MUST_USE;
/* Draws what leads to the parents: whole rows, none where that is straight down. */
int graph_links(struct graph *graph, struct out *out, const struct str *parents, size_t n_parents,
                corrie_error *err) CORRIE_MUST_USE;
/* Columns of the screen that the commit's row took. */
size_t graph_width(const struct graph *graph);

#endif
