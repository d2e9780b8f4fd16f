/* read.h — the files of a table as the engine takes them: with what was deleted, what their partitions say of columns that
 * they lack, and which names stand for which fields. */
#ifndef CORRIE_LAKE_READ_H
#define CORRIE_LAKE_READ_H

#include "engine/engine.h"
#include "lake/lake.h"

/* Fills name_space, name, schema, files, deletes and names of *ret for the files of `scan`, which was planned from
 * `metadata`; the rest of *ret is zeroed. ret->files are parallel to scan->files. CORRIE_E_UNSUPPORTED naming a file that is
 * not Parquet. Memory from `arena`; texts are borrowed from the arguments. */
int lake_read_files(const struct lake_table *table, const struct table_metadata *metadata,
                    const struct schema *schema, const struct scan *scan, struct arena *arena,
                    struct engine_table *ret, corrie_error *err) CORRIE_MUST_USE;

/* The table's name mapping, where it has one: sets names and n_names of *ret. */
int lake_read_names(const struct table_metadata *metadata, struct arena *arena,
                    struct engine_table *ret, corrie_error *err) CORRIE_MUST_USE;

/* lake_read_files for the whole of the current snapshot. */
int lake_read_table(struct lake *lake, const struct lake_table *table,
                    const struct table_metadata *metadata, struct arena *arena,
                    struct engine_table *ret, corrie_error *err) CORRIE_MUST_USE;

/* Which files of `read`, of deletes too, lie outside of the lake's root: lake_table_outside. */
int lake_read_outside(const struct lake *lake, const struct engine_table *read, struct arena *arena,
                      struct str **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* scan_plan with errors as a reader of the table means them. */
int lake_read_plan(struct lake *lake, const struct lake_table *table,
                   const struct table_metadata *metadata, const struct snapshot *snapshot,
                   const struct predicate *predicates, size_t n_predicates, struct arena *arena,
                   struct scan *ret, corrie_error *err) CORRIE_MUST_USE;

/* Plans the files of the current snapshot that may hold a row which one of `scans` asks for: engine_bind's of this table,
 * by its current schema; none: all files. `all`: what lake_read_plan gave for all of them, which are not looked for again
 * then; or NULL. Errors as lake_read_plan. */
int lake_read_needed(struct lake *lake, const struct lake_table *table,
                     const struct table_metadata *metadata, const struct engine_scan *scans,
                     size_t n_scans, const struct scan *all, struct arena *arena, struct scan *ret,
                     corrie_error *err) CORRIE_MUST_USE;

#endif
