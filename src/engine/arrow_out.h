/* arrow_out.h — from DuckDB's vectors to Arrow arrays by our own copy. Inside the room only. */
#ifndef CORRIE_ENGINE_ARROW_OUT_H
#define CORRIE_ENGINE_ARROW_OUT_H

#include <nanoarrow/nanoarrow.h>

#include "engine/engine_priv.h"

struct out;

/* A builder for one column of a result. `logical` is read, `type` (what type_from_duck made of it) and
 * `column` (for messages) are borrowed. */
int out_new(const struct duck *d, duckdb_logical_type logical, const struct type *type,
            struct str column, struct out **ret, corrie_error *err) CORRIE_MUST_USE;
struct out *out_free(struct out *out);
/* Appends `count` values from `start` on of a flat vector. */
int out_append(struct out *out, duckdb_vector vector, idx_t start, idx_t count, corrie_error *err)
    CORRIE_MUST_USE;
/* Bytes that it holds. */
size_t out_bytes(const struct out *out);
/* Hands over what was appended as an array; the builder is empty afterwards. */
int out_take(struct out *out, struct ArrowArray *ret, corrie_error *err) CORRIE_MUST_USE;
/* A struct array of `n` children; takes them, also on failure. */
int out_struct(struct ArrowArray *children, size_t n, int64_t rows, struct ArrowArray *ret,
               corrie_error *err) CORRIE_MUST_USE;

#endif
