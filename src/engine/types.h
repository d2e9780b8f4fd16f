/* types.h — DuckDB's logical types as corrie's. Inside the room only. */
#ifndef CORRIE_ENGINE_TYPES_H
#define CORRIE_ENGINE_TYPES_H

#include "engine/engine_priv.h"

/* `column` is for the message: CORRIE_E_UNSUPPORTED for INTERVAL, UNION, BIT, … */
int type_from_duck(const struct duck *d, duckdb_logical_type logical, struct str column,
                   struct arena *arena, struct type *ret, corrie_error *err) CORRIE_MUST_USE;
/* The columns of a prepared SELECT; ids 0. */
int schema_from_prepared(const struct duck *d, duckdb_prepared_statement prepared,
                         struct arena *arena, struct schema *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
