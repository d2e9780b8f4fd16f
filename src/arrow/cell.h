/* cell.h — one value of a query's result as text. */
#ifndef CORRIE_ARROW_CELL_H
#define CORRIE_ARROW_CELL_H

#include "arrow/table.h"
#include "arrow/type.h"
#include "base/buf.h"

/* Row `row` of `view`, which is of `type` and not null there, as people and CSV have it: numbers plain,
 * times as ISO-8601, binary as hex digits, nested values as JSON. A value that its type does not allow (a
 * damaged batch) becomes "?". */
void cell_text(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
               int64_t row);
/* The same as JSON, null included: numbers, booleans, objects (struct, map) and arrays as such, all else as
 * strings; NaN and infinities as strings, since JSON has no numbers for them. */
void cell_json(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
               int64_t row);
/* Whether people want it right-aligned. */
bool cell_is_number(const struct type *type);

#endif
