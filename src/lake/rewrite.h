/* rewrite.h — changing rows that a table has: some of its files go, others come in their place, in one snapshot.
 *
 *     lake_target_open(tx, ns, name, arena, &target)       the table as the transaction has it
 *     lake_target_scan(tx, &target, scans, n, …)           the files that may hold rows to change
 *     lake_target_define(&target, engine, …)               as a table that tells where its rows stand: find them
 *     lake_tx_rewrite(tx, &rewrite, …)                     the files that hold some go; SELECTs give what stays
 *
 * Rows come in the order of the selects; in the table they stand behind all rows of files that stayed, since a file's place
 * is that of the snapshot that added it. */
#ifndef CORRIE_LAKE_REWRITE_H
#define CORRIE_LAKE_REWRITE_H

#include "engine/engine.h"
#include "lake/tx.h"

struct lake_target {
    struct lake_table table;
    struct table_metadata *metadata;
    struct str metadata_location; /* absolute */
    struct str location;          /* of the table, absolute under the present root */
    struct scan scan;             /* empty until lake_target_scan */
};

/* The table in the transaction's own state. Text lies in `arena`. CORRIE_E_NOT_FOUND with the nearest names,
 * CORRIE_E_REFUSED for an external one. */
int lake_target_open(struct lake_tx *tx, struct str ns, struct str name, struct arena *arena,
                     struct lake_target *ret, corrie_error *err) CORRIE_MUST_USE;
void lake_target_done(struct lake_target *target);
/* Fills target->scan with the files that may hold a row which one of `scans` asks for: engine_bind's of this table, by
 * its current schema; none: all files. In `arena`. */
int lake_target_scan(struct lake_tx *tx, struct lake_target *target,
                     const struct engine_scan *scans, size_t n_scans, struct arena *arena,
                     corrie_error *err) CORRIE_MUST_USE;
/* Defines files of the scan as `name_space`.`name`, with the columns of the table and those that tell where rows stand
 * (engine_table.positions; the index is that in `chosen`). `chosen` are indexes into scan.files, ascending; NULL = all. */
int lake_target_define(const struct lake_target *target, struct engine *engine,
                       struct str name_space, struct str name, const size_t *chosen,
                       size_t n_chosen, corrie_error *err) CORRIE_MUST_USE;

struct lake_rewrite {
    const struct lake_target *target;
    const size_t *removed; /* indexes into target->scan.files */
    size_t n_removed;
    bool remove_deletes; /* all files go, so the scan's delete files do too */
    const size_t
        *removed_deletes; /* indexes into scan.delete_files: no file that stays needs them */
    size_t n_removed_deletes;
    bool same_rows; /* the rows stay, in other files: snapshot_options */
    bool whole;     /* rows come because the table has none of their kind: snapshot_options */
    /* Files that lake_rewrite_files wrote: they come before those of the selects. */
    const struct data_file *files;
    size_t n_files;
    struct engine *engine;
    const struct str *selects; /* of the table's columns, in order */
    size_t n_selects;
    const struct property *summary; /* for the snapshot */
    size_t n_summary;
};

/* Writes the files, makes them durable, writes the table's new metadata and stages it. The table must be as it was when
 * the target was opened. Without removed files, and unless `whole`, this is an append; without rows either nothing happens. *ret lies in
 * `arena`: ret->rows are those that were written, removed_rows is left 0. On failure nothing is staged; files that were
 * written are removed where possible. */
int lake_tx_rewrite(struct lake_tx *tx, const struct lake_rewrite *rewrite, struct arena *arena,
                    struct lake_written *ret, corrie_error *err) CORRIE_MUST_USE;

/* Only writes the files of the selects and makes them durable: nothing is staged, and the transaction may be another one when
 * it is. *ret lies in `arena`. On failure those files are removed where possible. */
int lake_rewrite_files(struct lake_tx *tx, const struct lake_rewrite *rewrite, struct arena *arena,
                       struct data_file **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

#endif
