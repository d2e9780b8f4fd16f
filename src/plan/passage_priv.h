/* passage_priv.h — what a node does to columns: which of its own are made of which that it reads. */
#ifndef CORRIE_PLAN_PASSAGE_PRIV_H
#define CORRIE_PLAN_PASSAGE_PRIV_H

#include "arrow/type.h"
#include "plan/plan.h"

/* One thing that a column is made of. */
struct part {
    size_t edge;       /* of the node */
    struct str column; /* of what the edge comes from; empty: not known which */
};

struct parts {
    struct part *items;
    size_t count;
};

struct passage {
    bool made;
    struct schema columns; /* of the output; types may be stand-ins */
    bool open;             /* there may be more */
    bool exact;
    struct parts *of; /* exact: by column */
    struct parts all; /* else: what any of them may be made of */
};

struct passages {
    const struct plan *plan;
    struct engine *engine; /* may be NULL without SQL */
    struct arena *arena;
    struct passage *items; /* by node */
};

/* That of a node, found at the first call. */
int passage_get(struct passages *passages, size_t node, const struct passage **ret,
                corrie_error *err) CORRIE_MUST_USE;
/* The parts of the column of that name. */
const struct parts *passage_parts(const struct passage *passage, struct str column);

#endif
