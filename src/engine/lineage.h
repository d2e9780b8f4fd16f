/* lineage.h — what the columns of a bound query are made of; inside of the room. */
#ifndef CORRIE_ENGINE_LINEAGE_H
#define CORRIE_ENGINE_LINEAGE_H

#include "engine/engine_priv.h"

/* Reads a plan that was not optimised, over the stubs of `tables` (stub_number); its query gives `n_columns` columns. Result memory from `arena`. */
int lineage_of_plan(const json_t *plan, const struct engine_bind_table *tables, size_t n_tables,
                    bool kept, size_t n_columns, struct arena *arena, struct engine_lineage *ret,
                    corrie_error *err) CORRIE_MUST_USE;

#endif
