/* demand.h — what of a table's files is read by who asks for some of its columns and rows, as manifests say it.
 *
 * Bytes are those that the columns take in the files, compressed; the files' ends and files of deletes are not counted. */
#ifndef CORRIE_LAKE_DEMAND_H
#define CORRIE_LAKE_DEMAND_H

#include "iceberg/metadata.h"
#include "iceberg/scan.h"
#include "lake/lake.h"

#define LAKE_UNKNOWN INT64_C(-1)

/* The files of a table at its current snapshot: opened once, asked as often as one likes. */
struct lake_files;

/* Reads the table's metadata. The lake must live as long as *ret. */
int lake_files_open(const struct lake_view *view, const struct lake_table *table,
                    struct lake_files **ret, corrie_error *err) CORRIE_MUST_USE;
struct lake_files *lake_files_close(struct lake_files *files);
DEFINE_CLEANUP(struct lake_files *, lake_files_close)

struct lake_demand {
    bool all_columns; /* then the list does not count */
    const struct str *columns;
    size_t n_columns;
    struct str filter; /* as lang/filter.h has it, without parameters; empty = all rows */
};

struct lake_needed {
    int64_t files; /* that may hold such a row */
    int64_t files_pruned;
    int64_t
        bytes; /* of the columns, and of those that the filter looks at; LAKE_UNKNOWN: files of others may not say */
};

/* Cost: a read of the manifests, the first time. Errors of lake_read_plan. */
int lake_files_needed(struct lake_files *files, const struct lake_demand *demand,
                      struct lake_needed *ret, corrie_error *err) CORRIE_MUST_USE;

/* lake_table_outside, of files that were opened. Cost: as lake_files_needed. */
int lake_files_outside(struct lake_files *files, struct arena *arena, struct str **ret,
                       size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* Bytes of columns of `schema` in files; `columns` says which, NULL = all. LAKE_UNKNOWN if some manifest does not say. */
int64_t lake_column_bytes(const struct table_metadata *metadata, const struct schema *schema,
                          const bool *columns, const struct data_file *files, size_t n_files);

#endif
