/* exact.h — text and JSON as values of a type, none of them changed on the way.
 *
 * DuckDB's casts round what a type has no room for and say nothing: 2.5 becomes the BIGINT 3, 1.005 the DECIMAL(10,2)
 * 1.01, a time loses its nanoseconds, a DATE its hours. Files that are brought in are read as text where that could
 * happen, and a value that would be changed is an error.
 *
 * Invariant: what exact_add_cast gives is equal to what the text says, or the statement fails. */
#ifndef CORRIE_ENGINE_EXACT_H
#define CORRIE_ENGINE_EXACT_H

#include "engine/engine_priv.h"

/* Whether a cast to the type, or to one in it, may change a value. `known`: what all values are already, by
 * somebody who looked at each; NULL: nothing is known of them. */
bool exact_matters(const struct type *known, const struct type *type);
/* The type to read instead, as SQL: VARCHAR (`json`: JSON) in the place of whatever a cast may change. */
void exact_add_reader_type(struct buf *out, const struct type *type, bool json);
/* SQL that makes the type of `value`, which has the reader's type. `path` is what messages call it. The engine must have
 * been given to exact_prepare. */
void exact_add_cast(struct buf *out, struct str value, const struct type *type, bool json,
                    struct str path);
/* SQL that is true where exact_add_cast would fail, else false; it never fails itself. */
void exact_add_misfit(struct buf *out, struct str value, const struct type *type, bool json);
/* Gives the engine the functions that the SQL calls. */
int exact_prepare(struct engine *engine, corrie_error *err) CORRIE_MUST_USE;

#endif
