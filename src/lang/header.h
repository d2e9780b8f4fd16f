/* header.h — what an SQL model says about itself in the comments above its statement.
 *
 *     -- corrie: name=daily_stats
 *     -- bauplan: materialization_strategy = "REPLACE"
 *     SELECT …
 *
 * Values are one word or quoted ("…" or '…'); several settings may stand on one line. '-' may
 * stand for '_' in keys. Unknown keys, a key given twice, and such a comment below the start of
 * the statement are errors. Other comments are left alone. */
#ifndef CORRIE_LANG_HEADER_H
#define CORRIE_LANG_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"

struct header_value {
    struct str text; /* without quotes; borrowed from the SQL text */
    size_t offset;   /* of the text in the SQL; 0 and an empty text when not given */
    bool given;
};

struct sql_header {
    struct header_value name;
    struct header_value materialization_strategy;
    struct header_value partitioned_by;
    struct header_value overwrite_filter;
    struct header_value cache_strategy;
    struct header_value columns;
    struct header_value keys;
    size_t body; /* offset of the statement's first byte */
};

/* `file` is for messages. CORRIE_E_PROJECT with file, line, column and a hint. For errors found
 * later: corrie_error_at_offset(err, file, sql, value.offset, value.text.len). */
int sql_header_parse(const char *file, struct str sql, struct sql_header *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
