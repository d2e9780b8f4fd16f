/* api_list.h — long listings of the public interface: their rows as they come, or all as one document.
 *
 * Each kind of listing says how a row is made and what its document has beside the list; both forms are
 * made of that here, so they cannot differ. */
#ifndef CORRIE_LAKE_API_LIST_H
#define CORRIE_LAKE_API_LIST_H

#include "base/json_text.h"
#include "lake/api_priv.h"

struct list_kind {
    const char *field; /* of the document: what the list is called */
    /* 1 and the next row, a JSON object, in `row` (empty before); 0 at the end. */
    int (*next)(struct corrie_cursor *cursor, struct buf *row, corrie_error *err);
    /* Adds the document's other fields, after the last row. NULL: it has none. */
    int (*rest)(struct corrie_cursor *cursor, struct buf *out, corrie_error *err);
    void (*done)(struct corrie_cursor *cursor); /* frees what the kind holds, but not the cursor */
};

/* The start of each kind's own struct, which is made by mem_alloc. */
struct corrie_cursor {
    const struct list_kind *kind;
    struct lake *lake;
    size_t max; /* rows; 0 = all */
    size_t given;
    bool ended;
};
DEFINE_CLEANUP(corrie_cursor *, corrie_cursor_close)

/* Whether it has given all the rows that were wanted. */
static inline bool list_is_full(const struct corrie_cursor *cursor)
{
    return cursor->max > 0 && cursor->given == cursor->max;
}

/* Adds a row that was built as values. */
int api_row(const json_t *item, struct buf *row, corrie_error *err) CORRIE_MUST_USE;
/* {"FIELD":[rows],other fields}. */
int api_list_document(corrie_cursor *cursor, char **ret_json, corrie_error *err) CORRIE_MUST_USE;

#endif
