/* tx.h — changes of a lake: gathered, then one commit or nothing.
 *
 *     lake_tx_begin(lake, &options, &tx)         pins the branch's commit; for several steps makes tx/<job>
 *     lake_tx_write(tx, …) …                     files first, then edits of the transaction's own tree
 *     lake_tx_publish(tx, …)                     one commit on the branch; rebased if the branch moved
 *     lake_tx_free(tx)                           without publish: nothing happened (tx/<job> stays; lake_tx_give_up)
 *
 * States: open → published, or open → left. Reads inside see lake_tx_view: the pinned commit with the edits so
 * far. With steps each lake_tx_step is a commit on tx/<job>, so that a failed run can be looked at; publishing
 * squash-merges and removes that ref, both or none: who holds it may publish. Until then its tables are tainted by the job: what it leaves when it fails, is
 * killed or loses power says so by itself, and comes to no branch unseen. Publishing writes them clean, unless what
 * they were made of was tainted.
 *
 * Invariants
 *   1. The target branch changes only in lake_tx_publish, by one compare-and-swap.
 *   2. An edit is staged only after all files it names are durable.
 *   3. Publishing without an edit makes no commit. */
#ifndef CORRIE_LAKE_TX_H
#define CORRIE_LAKE_TX_H

#include "lake/lake.h"
#include "lang/partition.h"

struct lake_tx;

struct lake_tx_options {
    struct str branch; /* an existing one; empty = lake_head */
    const struct hash
        *base; /* the commit to start from: what a plan was made on; NULL = where the branch is */
    struct str job; /* recorded in the commit; a UUID, or empty */
    bool steps;     /* several steps: they are commits on tx/<job> */
};

int lake_tx_begin(struct lake *lake, const struct lake_tx_options *options, struct lake_tx **ret,
                  corrie_error *err) CORRIE_MUST_USE;
struct lake_tx *lake_tx_free(struct lake_tx *tx);
DEFINE_CLEANUP(struct lake_tx *, lake_tx_free)

/* The state inside: valid until the next change. */
struct lake_view lake_tx_view(const struct lake_tx *tx);
struct str lake_tx_branch(const struct lake_tx *tx);
/* "tx/<job>"; empty without steps. */
struct str lake_tx_ref(const struct lake_tx *tx);
/* The commit that was pinned. */
struct hash lake_tx_base(const struct lake_tx *tx);

/* 1 created, 0 it was there. */
int lake_tx_namespace(struct lake_tx *tx, struct str ns, corrie_error *err) CORRIE_MUST_USE;

enum lake_write_mode {
    LAKE_CREATE,  /* a new, empty table; CORRIE_E_EXISTS if there is one */
    LAKE_APPEND,  /* rows are added; a missing table is made */
    LAKE_REPLACE, /* the rows and schema become the table's; a missing table is made */
    /* Rows come in the place of those of the same partitions, or of those that `overwrite_filter` admits; a missing
     * table is made. */
    LAKE_OVERWRITE_PARTITIONS,
    /* Rows come in the place of those whose `keys` have the same values, or are added; a missing table is made. */
    LAKE_MERGE,
};

/* How a table that is made or replaced is partitioned. */
enum lake_partitioning {
    LAKE_PARTITION_KEEP, /* REPLACE: as it is; CORRIE_E_DATA if a column that it needs is gone. Else: not */
    LAKE_PARTITION_SET, /* by `partition_by`; no terms = not at all */
};

struct lake_write {
    struct str ns; /* must exist: lake_tx_namespace */
    struct str name;
    enum lake_write_mode mode;
    /* Names and types of the rows (ids are ignored); they name the columns of a new or replaced table. For
     * APPEND they must fit the table's schema by name (schema_fit), in any order: CORRIE_E_DATA says how not.
     * NULL, for APPEND to a table that exists: whoever makes the selects sees to that. OVERWRITE_PARTITIONS and MERGE: as
     * APPEND. */
    const struct schema *schema;
    /* For a table that is made, and for REPLACE. For the other modes, to a table that exists, terms must be the table's
     * own, or CORRIE_E_DATA (SET without terms: any). */
    enum lake_partitioning partitioning;
    const struct partition_by_term *partition_by;
    size_t n_partition_by;
    /* lake_tx_adopt and its lake_tx_target: the table is made, even where an external one is there (REPLACE), and can only
     * be read. */
    bool external;
    /* APPEND, OVERWRITE_PARTITIONS, MERGE: columns that the table lacks are added (optional), and types that the new rows
     * need are widened. Without it both are CORRIE_E_DATA that names them. */
    bool evolve;
    /* OVERWRITE_PARTITIONS: rows of the table for which this condition (lang/filter.h, over its columns) is true go,
     * files that it admits in part are written again; every new row must satisfy it: CORRIE_E_DATA. Empty: the
     * partitions go that new rows fall into (CORRIE_E_DATA if the table is not partitioned). */
    struct str overwrite_filter;
    /* MERGE: the columns by which rows are found. A row that has null in one, and two new rows with the same values, are
     * CORRIE_E_DATA that names them. One select. */
    const struct str *keys;
    size_t n_keys;
    const struct property *properties; /* of the table, set by this write */
    size_t n_properties;
    /* Where the rows come from: SELECTs over what `engine` has defined, each giving the columns of `schema` in
     * order (of the table's schema for APPEND, see lake_tx_target). None for CREATE. */
    struct engine *engine;
    const struct str *selects;
    size_t n_selects;
    const int64_t
        *row_bytes; /* of each select, about: what a row takes; 0 = not known. NULL: of none */
    const struct str *origins;      /* for messages: the file that each select reads; NULL: none */
    const struct property *summary; /* for the snapshot: "corrie.job" … */
    size_t n_summary;
    /* APPEND, OVERWRITE_PARTITIONS, MERGE of a table that is made of others: where no rows come or go, an empty snapshot is
     * appended all the same if the table says of its making what is true no more: its inputs are others than those it was
     * made of (status), or the snapshot's summary has another value of this name than `summary`. NULL: no. */
    const char *made_by;
    /* May be NULL. Called before the rows of select `index` are read; `rows` came from those before it. */
    void (*select_begins)(void *data, size_t index, int64_t rows);
    /* May be NULL. Called when the rows of select `index` could not be had; files that it began are gone. 0 to go on
     * without them (*err cleared), else its code ends the write. */
    int (*select_failed)(void *data, size_t index, corrie_error *err);
    void *select_data; /* for both */
};

/* What became of one select. */
struct written_files {
    const struct str *paths; /* keys relative to the root */
    size_t n_paths;
    int64_t rows;
    int64_t bytes;
};

struct lake_written {
    struct lake_table table;
    int64_t rows; /* added by this write */
    int64_t bytes;
    int64_t removed_rows; /* OVERWRITE_PARTITIONS, MERGE: that were there and are not any more */
    int64_t partitions;   /* that rows were written into; 0: not partitioned */
    bool created;
    struct written_files *selects; /* one a select */
};

/* The schema with ids under which rows for `write` are to be selected: that of the existing table for APPEND,
 * OVERWRITE_PARTITIONS and MERGE (with `evolve`: as it will be), `write->schema` otherwise. In `arena`. */
int lake_tx_target(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
                   struct schema *ret, corrie_error *err) CORRIE_MUST_USE;
/* Writes data files, makes them durable, writes the table's new metadata and stages it. *ret lies in `arena`. On
 * failure nothing is staged; files that were written are removed where possible, else garbage. */
int lake_tx_write(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
                  struct lake_written *ret, corrie_error *err) CORRIE_MUST_USE;

/* What of a write does not go with the table that is there. */
enum lake_write_part {
    LAKE_WRITE_TABLE,     /* the table itself: it is external */
    LAKE_WRITE_COLUMNS,   /* the columns of the rows */
    LAKE_WRITE_PARTITION, /* partition_by */
    LAKE_WRITE_KEYS,
    LAKE_WRITE_FILTER, /* overwrite_filter */
};

/* Whether a write can go well as far as can be told without its rows, by the same rules: on the table as `view` has it, with
 * what it says of itself; engine and selects are not needed. Columns of `schema` may be of TYPE_NONE: not known yet. It may
 * be NULL: nothing is known of them. On failure, with the errors that the write would have, *ret_part says of what.
 * Cost: a table that is replaced is looked up; of others the metadata are read. */
int lake_write_check(const struct lake_view *view, const struct lake_write *write,
                     enum lake_write_part *ret_part, corrie_error *err) CORRIE_MUST_USE;

/* Terms as a person says them, over the current schema of `metadata`, as fields of a spec: with the names that the table's
 * specs have for them already, or those that other engines would give. In `arena`. CORRIE_E_NOT_FOUND with the nearest
 * columns, CORRIE_E_USAGE for a transform that the column's type has not. */
int lake_partition_terms(const struct table_metadata *metadata,
                         const struct partition_by_term *terms, size_t n, struct arena *arena,
                         struct partition_term **ret, corrie_error *err) CORRIE_MUST_USE;

/* The current spec as a person says it, "day(ts), bucket(4, id)"; nothing for a table that is not partitioned. */
void lake_partitions_print(const struct table_metadata *metadata, struct buf *out);

/* Adds imports to the ledger, each of a location of its own. Cost: one change of the tree for all of them. */
int lake_tx_ledger(struct lake_tx *tx, const struct uuid *table, const struct ledger_entry *entries,
                   size_t n, corrie_error *err) CORRIE_MUST_USE;
/* Forgets everything imported into a table: its rows were replaced. */
int lake_tx_ledger_clear(struct lake_tx *tx, const struct uuid *table, corrie_error *err)
    CORRIE_MUST_USE;

/* What was read to make a table: goes into the origin of the commit, and if it is tainted, so will the output be.
 * `ref` says where it was read; empty, or the transaction's branch: there. Everything is copied. */
int lake_tx_read(struct lake_tx *tx, struct str output_ns, struct str output_name,
                 const struct lake_table *input, struct str ref, corrie_error *err) CORRIE_MUST_USE;

/* Commits what was staged since the last step on tx/<job>; without steps, or with nothing staged, does nothing. */
int lake_tx_step(struct lake_tx *tx, struct str message, corrie_error *err) CORRIE_MUST_USE;

/* The job failed. tx/<job> stays if a step is on it, to be looked at; else it goes, as far as that can be done. Nothing
 * may be done with the transaction afterwards but freeing it. */
void lake_tx_give_up(struct lake_tx *tx);

struct lake_publish {
    struct str message;
    const struct property *properties;
    size_t n_properties;
    bool
        origin; /* the tables that the job wrote form a group: store what was read (lake_tx_read) as their origin */
    bool accept_taint; /* what was made of tainted tables may come to the branch; is recorded */
    bool serializable; /* a table that was read there (lake_tx_read) must be the same still */
    /* Called when the commit is known and before the branch moves, in every round; `changed` false: nothing will be
     * committed. What the caller must tell of it is made here: nothing can fail afterwards. Negative ends it. */
    int (*ready)(void *data, const struct hash *commit, bool changed, corrie_error *err);
    void *ready_data;
};

/* Puts everything staged on the branch as one commit. 1 and *ret_commit, or 0 when there was nothing to commit
 * (*ret_commit is then the branch's commit). If the branch moved, the edits are merged onto its new head:
 * CORRIE_E_CONFLICT names what both changed, or with `serializable` what was read and has moved; CORRIE_E_REFUSED for
 * taint (guard.c). Removes tx/<job> in the same movement; if others have removed it, since they took the job for dead,
 * nothing is published: CORRIE_E_CONFLICT. */
int lake_tx_publish(struct lake_tx *tx, const struct lake_publish *publish, struct hash *ret_commit,
                    corrie_error *err) CORRIE_MUST_USE;

#endif
