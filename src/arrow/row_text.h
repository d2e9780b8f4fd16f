/* row_text.h — batches of rows as CSV and JSON.
 *
 *     row_text_begin(&text, schema)
 *     row_text_csv_header(&text, out)
 *     row_text_set(&text, batch)           each batch; then its text, from 0
 *     row_text_csv(&text, i, out) …
 *     row_text_done(&text)
 *
 * Values are those of cell.h. CSV is RFC 4180: null is an empty field, the empty text "". Memory is that of the columns,
 * whatever the text. */
#ifndef CORRIE_ARROW_ROW_TEXT_H
#define CORRIE_ARROW_ROW_TEXT_H

#include "arrow/table.h"
#include "arrow/type.h"
#include "base/arena.h"
#include "base/buf.h"

struct row_text {
    struct arena arena;
    struct schema schema; /* columns of one name are allowed */
    struct str *keys;     /* names as JSON strings; the second `id` is "id_2" */
    struct ArrowArrayView batch;
    struct buf cell;
};

/* `schema` is of the struct batches. CORRIE_E_UNSUPPORTED for a type that is none of type.h. A zeroed one may be done
 * away with, too. */
int row_text_begin(struct row_text *text, const struct ArrowSchema *schema, corrie_error *err)
    CORRIE_MUST_USE;
void row_text_done(struct row_text *text);
/* `batch` is borrowed until the next one. */
int row_text_set(struct row_text *text, const struct ArrowArray *batch, corrie_error *err)
    CORRIE_MUST_USE;

/* The names, with the end of the line. Failures of `out` stay in it, here and below. */
void row_text_csv_header(const struct row_text *text, struct buf *out);
/* A row with the end of its line. */
void row_text_csv(struct row_text *text, int64_t row, struct buf *out);
/* A row as an object, without the end of a line. */
void row_text_json(const struct row_text *text, int64_t row, struct buf *out);
/* The value of a column as people read it; false and nothing added where it is null. */
bool row_text_cell(const struct row_text *text, size_t column, int64_t row, struct buf *out);

#endif
