/* adopt.h — tables over Parquet files that lie elsewhere and were written by others: the files become rows of a table of
 * the lake without being copied. The table can be written, and then its own files lie in the lake; an external one can
 * only be read.
 *
 * Invariants
 *   1. A file outside of the lake's root is never removed or changed: gc, compaction and failed writes touch
 *      what lies under the root alone.
 *   2. Columns of files without field ids are found by the table's name mapping (schema.name-mapping.default),
 *      which has every column of the table when a file is taken.
 *   3. All rows of a file lie in the partition that the table says it is of: that is proven from what the file's footer
 *      says, or from the folder whose keys are columns. */
#ifndef CORRIE_LAKE_ADOPT_H
#define CORRIE_LAKE_ADOPT_H

#include "engine/engine.h"
#include "lake/tx.h"

struct adopted_file {
    struct str path; /* absolute, of this machine */
    int64_t bytes;
    const struct engine_constant *constants; /* of columns that it lacks: keys of its folders */
    size_t n_constants;
};

/* Adds the files to the table of `write` (mode APPEND or REPLACE), or makes them its files; columns, partitioning and
 * `evolve` as of lake_tx_write. `engine`, `selects` and `origins` are not looked at; `select_failed` is asked of each file
 * that cannot be taken. That the files' columns are those of the table, by name and type, is for the caller to see to.
 * Rows, sizes, bounds and null counts are those of the footers.
 * *ret as of lake_tx_write, one `selects` a file.
 * CORRIE_E_REFUSED for a file inside of the lake, which gc could remove some day; CORRIE_E_UNSUPPORTED, naming the file,
 * for one whose rows lie in several partitions or whose ids or names stand for other columns. */
int lake_tx_adopt(struct lake_tx *tx, const struct lake_write *write,
                  const struct adopted_file *files, size_t n_files, struct arena *arena,
                  struct lake_written *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
