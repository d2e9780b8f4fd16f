/* kinds_priv.h — the merge rules of this room's kinds, shared by kinds*.c. */
#ifndef CORRIE_LAKE_KINDS_PRIV_H
#define CORRIE_LAKE_KINDS_PRIV_H

#include "base/vec.h"
#include "catalog/tree.h"
#include "lake/lake_priv.h"

/* The `data` of every rule is the struct lake. */

/* Whether two values say the same; their ids, origins and taints may differ. */
bool kinds_same_doc(const struct tree_value *a, const struct tree_value *b);
/* Of two values that say the same the one to keep: without taint, then with an origin, then the target's. */
int kinds_choose(const struct tree_value *source, const struct tree_value *target);

/* kinds_table.c: content merge. */
int kinds_merge_table(struct merge *merge, void *data, struct str key,
                      const struct tree_value *base, const struct tree_value *source,
                      const struct tree_value *target, struct tree_value *ret_value,
                      corrie_error *err);

/* kinds_ledger.c: what both sides imported. */
struct ledger_skip {
    VEC(struct str)
    files; /* data files of the source that must not come: relative, in the merge's arena */
    struct str conflict; /* a location whose content differs; empty: none */
};
/* Merges what both sides imported into a table since the base: stages lists that must grow, collects what to skip. */
int kinds_merge_imports(struct merge *merge, const struct uuid *table, struct ledger_skip *ret,
                        corrie_error *err);
int kinds_merge_ledger(struct merge *merge, void *data, struct str key,
                       const struct tree_value *base, const struct tree_value *source,
                       const struct tree_value *target, struct tree_value *ret_value,
                       corrie_error *err);
/* Ledgers follow their tables, however those were decided. */
int kinds_settle_ledger(struct merge *merge, void *data, corrie_error *err);

#endif
