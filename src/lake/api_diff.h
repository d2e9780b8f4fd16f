/* api_diff.h — comparing two trees, shared by the shells that show changes. */
#ifndef CORRIE_LAKE_API_DIFF_H
#define CORRIE_LAKE_API_DIFF_H

#include "lake/api_priv.h"

struct api_diff {
    struct lake *lake;
    struct hash from; /* trees */
    struct hash to;
    struct str table; /* as corrie_diff_options.table; empty = everything */
    bool schema;
    size_t rows;
    const char *memory;
};

/* The CHANGEs, in order of key; *ret is a new reference. Cost: follows what differs. */
int api_diff(const struct api_diff *diff, json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- api_diff_schema.c ---- */

/* How columns differ, by their ids, those inside others too: "address.city". New reference; NULL when memory ran out. */
json_t *api_schema_changes(const struct schema *before, const struct schema *after) CORRIE_MUST_USE;

/* ---- api_diff_rows.c ---- */

/* Puts up to `max` rows that only one side has into `item`, as "rows_added" and "rows_removed". A side that is NULL
 * has no rows. Rows are compared by the columns of `after`, which `before` has under the same ids. Opens the workspace if
 * it is not open yet; `memory` as in lake_workspace_open. Cost: reads the files that only one side has. */
int api_row_changes(struct lake *lake, struct lake_workspace *workspace, const char *memory,
                    const struct lake_table *before, const struct lake_table *after, size_t max,
                    json_t *item, corrie_error *err) CORRIE_MUST_USE;

#endif
