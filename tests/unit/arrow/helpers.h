/* helpers.h — columns from short texts, and columns as text, for the tests of tables and streams. */
#ifndef CORRIE_TESTS_ARROW_HELPERS_H
#define CORRIE_TESTS_ARROW_HELPERS_H

#include "arrow/table.h"
#include "base/buf.h"

/* A column of strings, or of longs where `number`; each text is one chunk of words, "-" is null. */
struct arrow_column *make_column(const char *name, bool number, const char *const *chunks,
                                 size_t n_chunks);

/* Rows [offset, offset + length) of an array as "1 - [2, 3]": values with spaces between, "-" for null. The array's own
 * offset is heeded. */
void print_array(const struct ArrowSchema *schema, const struct ArrowArray *array, struct buf *out);
/* All chunks, " | " between them. */
void print_column(const struct arrow_column *column, struct buf *out);

#endif
