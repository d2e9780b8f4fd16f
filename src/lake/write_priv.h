/* write_priv.h — one write under way: shared by write.c, write_table.c, write_overwrite.c,
 * write_merge.c and adopt.c. */
#ifndef CORRIE_LAKE_WRITE_PRIV_H
#define CORRIE_LAKE_WRITE_PRIV_H

#include "iceberg/snapshot.h"
#include "lake/tx_priv.h"
#include "lake/write_files.h"

struct writing {
    struct lake_tx *tx;        /* NULL: it is only checked */
    enum lake_write_part part; /* what is looked at, while that may be refused */
    const struct lake_write *write;
    struct arena *arena;
    struct lake_table table; /* as it is; zero for a new one */
    bool exists;
    struct table_metadata
        *base; /* as it is, then with the columns, partitioning and properties of the write */
    struct str base_location; /* absolute; empty: never stored */
    bool edited;              /* `base` is not what is stored */
    bool unpartitioned;       /* REPLACE: the table is to have no partitions */
    struct schema schema;     /* with ids, of the files */
    struct str location;      /* of the table, absolute under the present root */
    struct file_writer files;
    const struct str *removed; /* overwrite_filter: files that go */
    size_t n_removed;
    int64_t removed_rows;
    int64_t kept_rows;     /* of those files, written again */
    struct filter *filter; /* overwrite_filter, once it was checked */
};

/* ---- write.c, in this order ---- */

/* Finds the table and makes it what it is to be. */
int write_open(struct lake_tx *tx, const struct lake_write *write, struct arena *arena,
               struct writing *w, corrie_error *err) CORRIE_MUST_USE;
/* The snapshot with w->files. */
int write_version(struct writing *w, struct table_version *ret, corrie_error *err) CORRIE_MUST_USE;
int write_stage(struct writing *w, const struct table_version *version, struct lake_table *ret,
                corrie_error *err) CORRIE_MUST_USE;
/* Of the files that were written. */
int64_t write_count_partitions(const struct writing *w);
void writing_done(struct writing *writing);

/* ---- write_table.c ---- */

/* Puts edited metadata in the place of the old. */
void write_replace_base(struct writing *w, struct table_metadata *next);
/* Makes writing->base what the table is to be, and finds writing->schema. */
int write_prepare(struct writing *w, corrie_error *err) CORRIE_MUST_USE;

/* ---- write_overwrite.c, in this order ---- */

/* What statements call the files of the table. */
#define OVERWRITE_OLD "\"corrie.old\""

/* What may not be overwritten so, as far as it can be told without the new rows. */
int overwrite_check(struct writing *w, corrie_error *err) CORRIE_MUST_USE;
/* When w->files is ready: the rest, and what each new row must satisfy. */
int overwrite_begin(struct writing *w, corrie_error *err) CORRIE_MUST_USE;
/* Before the new rows: finds the files that go by a condition, and writes those of their rows that stay again. */
int overwrite_keep(struct writing *w, corrie_error *err) CORRIE_MUST_USE;
/* Whether rows that the table has go, but not all. */
static inline bool overwrites(const struct lake_write *write)
{
    return write->mode == LAKE_OVERWRITE_PARTITIONS || write->mode == LAKE_MERGE;
}

/* When all files are durable: the snapshot. */
int overwrite_finish(struct writing *w, struct table_version *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- write_merge.c ---- */

/* Whether the keys are columns of the table and of the new rows, and these have all columns. */
int merge_check(struct writing *w, corrie_error *err) CORRIE_MUST_USE;
/* Whether the new rows can be told apart by their keys, and all have them. */
int merge_begin(struct writing *w, corrie_error *err) CORRIE_MUST_USE;
/* Which rows of the table go, as SQL over its columns, the table being called OVERWRITE_OLD: `ret_condition` is true of
 * them exactly, `ret_bound`, which names no other table, of all of them and maybe more. 1; 0: there are no new rows, so
 * none go. In the write's arena. */
int merge_condition(struct writing *w, struct str *ret_bound, struct str *ret_condition,
                    corrie_error *err) CORRIE_MUST_USE;

#endif
