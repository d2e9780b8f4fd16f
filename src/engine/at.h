/* at.h — a table of a statement as it was: FROM t AT (VERSION => …), inside the room. */
#ifndef CORRIE_ENGINE_AT_H
#define CORRIE_ENGINE_AT_H

#include "engine/engine_priv.h"

/* Finds the clause of the table whose name stands at `offset` of the person's text and asks DuckDB for its value. *ret in
 * `arena`. CORRIE_E_PROJECT with position for a value that is null or does not compute. */
int at_read(struct engine *engine, const struct origin *origin, size_t offset, bool aliased,
            struct arena *arena, struct engine_at **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
