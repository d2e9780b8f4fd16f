/* adopt.h — tables over Parquet files that lie elsewhere and were written by others: the files become rows of a table of
 * the lake without being copied. The table can be written, and then its own files lie in the lake; an external one can
 * only be read.
 *
 * Invariants
 *   1. A file outside of the lake's root is never removed or changed: gc, compaction and failed writes touch
 *      what lies under the root alone.
 *   2. Columns of files without field ids are found by the table's name mapping (schema.name-mapping.default),
 *      which is written with the first file that needs it. */
#ifndef CORRIE_LAKE_ADOPT_H
#define CORRIE_LAKE_ADOPT_H

#include "iceberg/data_file.h"
#include "lake/tx.h"

struct adopted_file {
    struct str path; /* absolute, of this machine */
    int64_t records;
    int64_t bytes;
};

/* Adds the files to the table of `write` (mode APPEND or REPLACE; `engine`, `selects`, `origins` are not looked at).
 * `write->schema` names the columns of a table that is made; that the files' columns are those of the table, by name and
 * type, is for the caller to see to. Counts of rows and bytes are all that is said of the files: no bounds.
 * `external`: the table is made, and can only be read. *ret as of lake_tx_write, one `selects` a file.
 * CORRIE_E_REFUSED for a file inside of the lake, which gc could remove some day, and for a partitioned table. */
int lake_tx_adopt(struct lake_tx *tx, const struct lake_write *write,
                  const struct adopted_file *files, size_t n_files, bool external,
                  struct arena *arena, struct lake_written *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
