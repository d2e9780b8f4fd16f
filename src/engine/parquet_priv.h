/* parquet_priv.h — shared by what writes Parquet files: parquet.c (selects and files), cut.c (one becomes several),
 * parquet_stats.c (what is known of a file), stored.c (of a file of others), partition.c (which partition a row is of), partition_write.c (files a
 * partition), copies.c (several at once). */
#ifndef CORRIE_ENGINE_PARQUET_PRIV_H
#define CORRIE_ENGINE_PARQUET_PRIV_H

#include "engine/engine_priv.h"

struct writer {
    struct engine *engine;
    struct session
        *session; /* the engine's own: its temporary view and tables are replaced by each write */
    const struct engine_write *write;
    struct arena *arena;
    int64_t row_group_rows;
    const char *codec; /* DuckDB's name */
    unsigned ordinal;  /* of the next file */
    VEC(char *) begun; /* files that exist or may exist in part */
    VEC(struct engine_written) done;
    corrie_error *err;
};

/* DuckDB's name of a compression, or NULL; of none that is said: zstd. */
const char *parquet_codec(struct str codec);
/* CORRIE_E_UNSUPPORTED, with those that there are. */
int parquet_fail_codec(struct str codec, corrie_error *err);

/* What COPY of the rows of `select` must be told of Bloom filters, to put behind its other options: parquet.c says why. */
int parquet_bloom_option(struct engine *engine, const struct session *session, const char *select,
                         const char **ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- files (parquet.c) ---- */

/* Names the next file, *ret_path in the arena, and notes that it may exist from now on. */
int writer_begin_file(struct writer *writer, struct str *ret_path) CORRIE_MUST_USE;
/* `COPY (select) TO path` with the options of the write, and `more` behind them. */
void writer_add_copy(struct writer *writer, struct str select, struct str path, const char *more,
                     struct buf *out);
/* …: to a file that has its name from the beginning. */
#define WRITER_IN_PLACE ", USE_TMP_FILE false"
/* Writes the rows of `select` to the next file and learns what is to be known of it. No rows: an empty file, and
 * ret->rows is 0. */
int writer_copy(struct writer *writer, struct str select, struct engine_written *ret)
    CORRIE_MUST_USE;
/* What COPY says of the one file that it wrote; ret->path is set before. Ends `rows`. */
int writer_take(struct writer *writer, struct rows *rows, struct engine_written *ret)
    CORRIE_MUST_USE;
/* A file is done: null in a required column is CORRIE_E_DATA. */
int writer_add(struct writer *writer, const struct engine_written *file) CORRIE_MUST_USE;
/* The same of a file that writer_copy wrote, with its partition; one too large for a file is cut, and removed. */
int writer_place(struct writer *writer, const struct engine_written *file) CORRIE_MUST_USE;
/* Rows a file so that `rows` rows of `bytes` bytes become files near the target; 0 = one file is right. */
int64_t writer_rows_per_file(const struct writer *writer, int64_t rows, double bytes);
/* Removes a file that was begun: its rows are in others, or it has none. */
int writer_drop_file(struct writer *writer, struct str path) CORRIE_MUST_USE;

/* ---- one file becomes several (cut.c) ---- */

/* Makes files of `rows` rows each, as far as whole row groups allow, of a file that writer_copy wrote, and adds them.
 * 1; 0 where its footer is not one that can be cut so: nothing was done then. Cost: copying the bytes. */
int writer_cut_groups(struct writer *writer, const struct engine_written *whole, int64_t rows)
    CORRIE_MUST_USE;

/* ---- statistics (parquet_stats.c) ---- */

/* What COPY says in the current row of its result: path aside, everything but NaN counts and offsets, which need a
 * look into the file: stats_finish, when the result is closed and the file has its name. */
int stats_read(struct writer *writer, const struct rows *rows, struct engine_written *ret)
    CORRIE_MUST_USE;
int stats_finish(struct writer *writer, struct engine_written *file) CORRIE_MUST_USE;

/* The same of a file that holds some row groups of `whole`, from its footer; file->path and file->bytes are set before. */
int stats_part(struct writer *writer, const struct engine_written *whole,
               struct engine_written *file) CORRIE_MUST_USE;

/* Bounds of a column as manifests have them: cut to SCALAR_BOUND_LENGTH. */
int stats_bound(const struct type *type, struct str least, struct str greatest, struct arena *arena,
                struct engine_column_stats *stats, corrie_error *err) CORRIE_MUST_USE;

/* Texts out of DuckDB's vectors and maps of one row. */
struct map_view {
    duckdb_vector keys;
    duckdb_vector values;
    duckdb_list_entry range;
};
struct map_view map_view_at(const struct duck *d, duckdb_vector vector, idx_t row);
struct str vector_text(const struct duck *d, duckdb_vector vector, idx_t row);

/* ---- which partition (partition.c) ---- */

struct partitioner;

/* One partition that rows fell into. */
struct partition {
    struct str *values; /* scalars, one a field; data NULL = null */
    int64_t rows;       /* set by partitions_write */
};

/* The SQL function partition_call numbers partitions for the engine until this one is closed. The engine has one at a
 * time. CORRIE_E_USAGE for a field that is no primitive column or whose type has no such transform. */
int partitioner_open(struct engine *engine, const struct engine_write *write,
                     struct partitioner **ret, corrie_error *err) CORRIE_MUST_USE;
struct partitioner *partitioner_close(struct partitioner *partitioner);
DEFINE_CLEANUP(struct partitioner *, partitioner_close)
/* SQL for the number of a row's partition, 0 and up, over columns of `table`. */
void partitioner_add_call(const struct partitioner *partitioner, const char *table,
                          struct buf *out);
/* If calling it failed: its error, moved to `err`, and its code; else 0. */
int partitioner_error(struct partitioner *partitioner, corrie_error *err);
/* Those found so far, by number. Valid until it is closed. */
struct partition *partitioner_partitions(struct partitioner *partitioner, size_t *ret_n);
/* Once all rows were numbered: numbers partitions anew in the order of their values, nulls last. From then on
 * partitioner_partitions is in this order, and the SQL of partitioner_add_rank gives a row's new number for its old. */
int partitioner_rank(struct partitioner *partitioner, corrie_error *err) CORRIE_MUST_USE;
void partitioner_add_rank(const struct partitioner *partitioner, const char *number,
                          struct buf *out);

/* ---- several COPYs at once (copies.c) ---- */

struct copies;

struct copy {
    struct buf sql;
    struct rows rows; /* what it says; open if it was run and did not fail */
    corrie_error error;
    int code;
};
void copy_done(struct copy *copy);

/* As many connections as DuckDB has threads. While they exist the engine is used by one thread all the same. */
int copies_open(struct engine *engine, struct copies **ret, corrie_error *err) CORRIE_MUST_USE;
struct copies *copies_close(struct copies *copies);
DEFINE_CLEANUP(struct copies *, copies_close)
/* Runs all of them, in any order; those that are small profit. The first that failed is the error; others may not have
 * been begun then. Tables that they read are not temporary, since those are a connection's. */
int copies_run(struct copies *copies, const struct origin *origin, struct copy *items, size_t n,
               corrie_error *err) CORRIE_MUST_USE;

/* ---- files a partition (partition_write.c) ---- */

/* Writes the rows of `select`, whose columns are the schema's, by partition and in order. */
int partitions_write(struct writer *writer, struct str select) CORRIE_MUST_USE;

#endif
