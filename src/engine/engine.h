/* engine.h — DuckDB behind one header: what SQL means, tables over Parquet files and Arrow memory,
 * results as Arrow streams, Parquet files with statistics, files of others described and read.
 *
 * libduckdb is loaded at the first engine_open of the process (12–15 ms; opening itself 10 ms).
 *
 * Invariants
 *   1. Only SQL that this room wrote is anything but a single SELECT: engine_query, engine_bind,
 *      engine_write, engine_keep and engine_export inspect every text they are given.
 *   2. A locked engine reads no file that was not given to engine_define_files or engine_define_arrow
 *      (table functions and file names as tables are refused from the parsed tree; DuckDB's own
 *      external access is off as well, except for the allowed directories and files).
 *   3. Tables answer rows in the order of their files, then of position in the file.
 *   4. No message shows a synthetic name, and every message about SQL has a position in it.
 *
 * Threads: an engine belongs to one thread at a time. Each open stream has a connection of its own: any number may be
 * open, and tables may be defined meanwhile.
 * Cancelling: while a call or a stream's get_next works, the engine's `cancel` flag is looked at every
 * 10 ms; the call then returns CORRIE_E_CANCELLED and the engine stays usable. */
#ifndef CORRIE_ENGINE_ENGINE_H
#define CORRIE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrow/transform.h"
#include "arrow/type.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

struct ArrowArrayStream;
struct arrow_table;

/* ---- engine ---- */

struct engine;

struct engine_options {
    uint64_t
        memory; /* most bytes that the work may take; 0 = os_memory_for_work: 70 % of the machine or cgroup */
    unsigned threads;      /* 0 = one a core, or as many as the memory has room for */
    struct str temp_dir;   /* where it may spill; empty = spilling fails with CORRIE_E_LIMIT */
    struct str name_space; /* where unqualified table names are looked up; empty = nowhere else */
    bool locked;           /* models, rules, servers; else a person's, who may read files */
    bool deterministic;    /* one thread, so that sums of floats come out the same */
    const struct str
        *allowed; /* locked: directories and files that tables and engine_write may use,
                                * absolute; SQL itself names none */
    size_t n_allowed;
    const struct cancel *cancel; /* may be NULL; outlives the engine */
};

/* Opens an in-memory database. CORRIE_E_UNSUPPORTED if libduckdb cannot be loaded or is of another
 * version. *ret is the caller's: engine_close. */
int engine_open(const struct engine_options *options, struct engine **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* All streams must have been released. NULL is fine; returns NULL. */
struct engine *engine_close(struct engine *engine);
DEFINE_CLEANUP(struct engine *, engine_close)
/* Makes it as if it had just been opened, for other work under the same options: the tables are gone. All streams must
 * have been released. False: it holds what only closing frees (Arrow memory, deletes), or that failed: close it. Cost:
 * 0.1 ms a table, where opening costs 10 ms and a first engine_bind as much again. */
bool engine_reset(struct engine *engine) CORRIE_MUST_USE;
/* "v1.5.6": part of fingerprints. Loads nothing; it is the version this was built for. */
struct str engine_version(void);

/* ---- a statement: what it is and which tables it names ---- */

/* AT (VERSION => …) or AT (TIMESTAMP => …) behind a table's name. */
struct engine_at {
    bool timestamp;   /* `value` is a time, "2026-11-20T10:00:00.000000Z"; else a version */
    bool number;      /* a version that was written as a number */
    struct str value; /* computed, as text */
    size_t length;    /* bytes of name, alias and clause, from the reference's offset */
    struct str name;  /* the last part of the name as it was written */
    struct str alias; /* as it was written, with what stands around it; empty: none */
};

struct engine_table_ref {
    struct str catalog; /* empty unless written */
    struct str schema;  /* empty unless written */
    struct str name;
    size_t offset; /* bytes into the SQL */
    bool is_file;  /* an unqualified name that reads as a file ('x.parquet'); open engines only */
    const struct engine_at *at; /* engine_inspect_at only; NULL: as the rest of the statement */
};

struct engine_statement {
    struct engine_table_ref *tables; /* each catalog.schema.name once, in order of the text */
    size_t n_tables;
    bool volatile_; /* calls random(), uuid() or another function that differs from call to call */
    bool clock;     /* calls now(), current_date, … */
    bool
        makes_names; /* unnest(…), PIVOT, COLUMNS (…), anywhere: names of columns may come of types or values */
    /* Where the outermost query has them first; SIZE_MAX: nowhere. */
    size_t star;   /* *, COLUMNS (…) or #1 */
    size_t window; /* f(…) OVER (…) */
    size_t unnest; /* unnest(…) or another that makes several rows of one */
};

/* Parses one SELECT (WITH, VALUES, FROM-first and set operations are SELECTs). Names of CTEs are not
 * tables where they hide them. CORRIE_E_PROJECT with position in `file` (NULL: no file name; the text
 * is then called "SQL") for a syntax error, no statement, several, or one that is no SELECT;
 * CORRIE_E_REFUSED with position on a locked engine for table functions other than unnest, range and
 * generate_series, for functions that tell of the engine or change it (current_setting, nextval, …), for file names
 * as tables, and for SHOW, DESCRIBE and SUMMARIZE.
 * Needs no tables. Cost: 0.3 ms. Memory from `arena`. */
int engine_inspect(struct engine *engine, struct str sql, const char *file, struct arena *arena,
                   struct engine_statement *ret, corrie_error *err) CORRIE_MUST_USE;
/* The same for who can tell tables as they were: AT clauses are found and computed, where engine_inspect refuses them
 * (CORRIE_E_PROJECT). Open engines only. A table that is read at several versions is there for each place. */
int engine_inspect_at(struct engine *engine, struct str sql, const char *file, struct arena *arena,
                      struct engine_statement *ret, corrie_error *err) CORRIE_MUST_USE;
/* The text with "name_space"."I" in place of table number I where that has an AT clause: the same length, so that
 * positions stay. `name_space` is one letter that no table of the statement has. */
int engine_place_at(struct str sql, const struct engine_statement *statement, struct str name_space,
                    struct arena *arena, struct str *ret, corrie_error *err) CORRIE_MUST_USE;

/* Readies an open engine for a file that a statement names in place of a table (is_file), before the statement is run:
 * JSON whose records are larger than the 16 MB of DuckDB's default is read as far as memory allows. Of patterns and
 * files that are not there nothing is asked. Cost: a pass over JSON files of more than 16 MB. */
int engine_ready_file(struct engine *engine, struct str name, corrie_error *err) CORRIE_MUST_USE;

/* ---- tables ---- */

/* A file of deletes as Iceberg's version 2 has them. */
struct engine_delete {
    struct str path; /* absolute, local */
    bool equality;   /* rows equal in `fields`; else rows by path and position */
    /* Equality only: the primitive fields compared, null equal to null, each with its id and the type it has in the
     * table (of a column that was dropped since: the last it had). May lie in structs. */
    const struct field *fields;
    size_t n_fields;
};

/* The value of a column that a file itself lacks: what its partition has for all of its rows. */
struct engine_constant {
    int field_id;     /* of a primitive top-level column */
    struct str value; /* scalar of the column's type (arrow/scalar.h); data NULL = null */
};

/* Which field a name means in files without field ids (Iceberg spec, "Column Projection", name mapping). */
struct engine_name {
    int field_id; /* 0: none, but the fields in it may have one */
    const struct str *names;
    size_t n_names;
    const struct engine_name *fields; /* struct: by name; list: "element"; map: "key", "value" */
    size_t n_fields;
};

struct engine_file {
    struct str path;       /* absolute, local; any characters */
    int64_t rows;          /* as the manifest says; -1 unknown */
    int64_t bytes;         /* -1 unknown */
    struct str recorded;   /* the path as position deletes may name it; empty = `path` */
    const size_t *deletes; /* those of engine_table.deletes that apply, ascending */
    size_t n_deletes;
    const struct engine_constant *constants;
    size_t n_constants;
    /* Floats in it may be NaN where its own bounds leave that out, as those of many writers do: a condition that NaN,
     * above all numbers, fulfils skips none of its rows then. Not so in files that engine_write_parquet made. */
    bool hides_nans;
};

struct engine_table {
    struct str name_space;
    struct str name;
    const struct schema
        *schema; /* with ids; columns come in this order with these names and types */
    const struct engine_file *files; /* none: an empty table with the right types */
    size_t n_files;
    const struct str *columns; /* only these, in the order of the schema; NULL = all */
    size_t n_columns;
    struct str
        filter; /* only rows for which this SQL over the columns' names is true; empty = all */
    const struct engine_delete *deletes;
    size_t n_deletes;
    const struct engine_name *names; /* for files without field ids; NULL: such a file is refused */
    size_t n_names;
    /* Two more columns come last, where each row stands: ENGINE_FILE_COLUMN, the index into `files`, and
     * ENGINE_ROW_COLUMN, from 0 in its file, deleted rows counted (both BIGINT). For who rewrites files. */
    bool positions;
};

#define ENGINE_FILE_COLUMN "corrie.file"
#define ENGINE_ROW_COLUMN "corrie.row"

/* Makes (or replaces) a table of Parquet files. Columns are found by field id at every level: renamed fields are
 * found, fields that a file lacks are null (but see `constants`), types that were widened since are cast, and a field
 * that only shares its name with another is not taken for it. A struct, list or map that is null stays null.
 * Position deletes name rows by `recorded` or `path`, whatever form of URI (file:///x, file:/x, /x). `filter` may use
 * columns that are not in `columns`.
 * Reads the end of each file and the delete files whole (each once). A file that is missing or damaged is
 * CORRIE_E_CORRUPT naming it, here or where a query comes to it; CORRIE_E_UNSUPPORTED for an encrypted one, or one
 * without field ids where `names` are NULL. Borrowed for the call. Memory: a bit for each row of a file that has position deletes, and the
 * distinct rows of equality deletes, until the engine is closed.
 * Cost: O(files); 20 µs a file, then what the deletes take. */
int engine_define_files(struct engine *engine, const struct engine_table *table, corrie_error *err)
    CORRIE_MUST_USE;

/* Makes (or replaces) a table of Arrow memory, read in place (strings get 16-byte headers). References
 * `table` until it is redefined or the engine closed. Filters are not pushed down: all projected
 * columns are converted. CORRIE_E_UNSUPPORTED naming the column for types DuckDB cannot take. */
int engine_define_arrow(struct engine *engine, struct str name_space, struct str name,
                        struct arrow_table *table, corrie_error *err) CORRIE_MUST_USE;
/* The same with the columns of `schema`, by name, in its order; those that the table lacks are null. */
int engine_define_arrow_as(struct engine *engine, struct str name_space, struct str name,
                           struct arrow_table *table, const struct schema *schema,
                           corrie_error *err) CORRIE_MUST_USE;
/* Runs `sql`, a SELECT, once, and makes (or replaces, of its kind) a table of its rows, in their order and with DuckDB's
 * own types; what memory has no room for goes to temp_dir. A second column of one name gets a number. Errors as
 * engine_query, of execution too. */
int engine_keep_rows(struct engine *engine, struct str name_space, struct str name, struct str sql,
                     const char *file, corrie_error *err) CORRIE_MUST_USE;
/* Frees those rows; none of that name is fine. */
void engine_drop_rows(struct engine *engine, struct str name_space, struct str name);

/* ---- binding: what a query reads and gives, before a byte is read ---- */

struct engine_bind_table {
    struct str name_space;
    struct str name;
    const struct schema
        *schema; /* TYPE_NONE: not known, goes wherever any type does; names are checked */
};

struct engine_scan_filter {
    struct str sql; /* over the table's column names, quoted: "price" > 0.0 */
    bool optional;  /* implied by the query: prune files by it, never drop rows by it alone */
};

struct engine_scan {
    size_t table;    /* index into the tables given */
    size_t *columns; /* indexes into its schema, ascending; may be none: count(*) */
    size_t n_columns;
    struct engine_scan_filter *filters; /* all hold (AND) for every row that matters */
    size_t n_filters;
    bool whole; /* no scan of this table was recognised: every column, no filter */
};

struct engine_binding {
    struct schema columns;     /* of the result; ids 0 */
    struct engine_scan *scans; /* a table may have several; one that is proved unused has none */
    size_t n_scans;
};

/* Binds `sql` against `tables` (unqualified names: `name_space`, then tables whose own is empty).
 * CORRIE_E_NOT_FOUND with position and nearest names for an unknown table or column; CORRIE_E_PROJECT for wrong
 * types and unknown functions; refusals as in engine_inspect. The first call opens a second, small database (10 ms);
 * after that a millisecond. Memory from `arena`. */
int engine_bind(struct engine *engine, struct str sql, const char *file, struct str name_space,
                const struct engine_bind_table *tables, size_t n_tables, struct arena *arena,
                struct engine_binding *ret, corrie_error *err) CORRIE_MUST_USE;
/* The same in two steps, each a half of the cost. The columns alone: */
int engine_bind_columns(struct engine *engine, struct str sql, const char *file,
                        struct str name_space, const struct engine_bind_table *tables,
                        size_t n_tables, struct arena *arena, struct engine_binding *ret,
                        corrie_error *err) CORRIE_MUST_USE;
/* The columns of a text that engine_inspect has let pass, and that names all of the tables. */
int engine_bind_inspected(struct engine *engine, struct str sql, const char *file,
                          struct str name_space, const struct engine_bind_table *tables,
                          size_t n_tables, struct arena *arena, struct engine_binding *ret,
                          corrie_error *err) CORRIE_MUST_USE;
/* The scans alone, of such a text, or of one made of such. */
int engine_bind_scans(struct engine *engine, struct str sql, const char *file,
                      struct str name_space, const struct engine_bind_table *tables,
                      size_t n_tables, struct arena *arena, struct engine_binding *ret,
                      corrie_error *err) CORRIE_MUST_USE;

/* A column of one of the tables given. */
struct engine_column_ref {
    size_t table;
    size_t column; /* of its schema */
};
struct engine_column_lineage {
    struct engine_column_ref *from; /* by table, then column; none: constants, counts */
    size_t n_from;
};
struct engine_lineage {
    struct engine_column_lineage *columns; /* of the result, in order */
    size_t n_columns;
    bool
        exact; /* false: some part of the query is not understood, and any column may come from any other */
};
/* Which columns the values of a query's columns are made of. Conditions, which decide what rows there are, do not count.
 * As engine_bind otherwise. */
int engine_lineage(struct engine *engine, struct str sql, const char *file, struct str name_space,
                   const struct engine_bind_table *tables, size_t n_tables, struct arena *arena,
                   struct engine_lineage *ret, corrie_error *err) CORRIE_MUST_USE;
/* The columns (ids 0) that `sql` gives over the tables that are defined: errors of binding as engine_bind, but nothing is
 * inspected: `sql` must be a text that engine_inspect has let pass, or made of such. Cost: a third of engine_bind. */
int engine_columns(struct engine *engine, struct str sql, const char *file, struct arena *arena,
                   struct schema *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- queries ---- */

#define ENGINE_BATCH_ROWS (1 << 20)
#define ENGINE_BATCH_BYTES ((size_t)64 * 1024 * 1024)

/* Starts `sql` and gives its rows as a stream of struct batches of at most ENGINE_BATCH_ROWS rows and
 * about ENGINE_BATCH_BYTES bytes (one row more may pass it). Columns have corrie's types as
 * schema_to_arrow writes them; duplicate names are kept. HUGEINT and UBIGINT become long where values
 * fit (else the stream fails, naming column and value), ENUM string, TIMESTAMP_NS µs if exact.
 * Memory is bounded by the batch and DuckDB's 64 MiB of results ahead.
 * Errors: of binding here; of execution by get_next (its text by get_last_error; the code by
 * engine_stream_error). The stream must be released before the engine is closed; batches live on. */
int engine_query(struct engine *engine, struct str sql, const char *file,
                 struct ArrowArrayStream *ret, corrie_error *err) CORRIE_MUST_USE;
/* Runs `sql` to its first rows and lets them go: for the error, if it has one. */
int engine_try(struct engine *engine, struct str sql, const char *file, corrie_error *err)
    CORRIE_MUST_USE;
/* After get_next failed: the whole error, moved to `err` (code, position, hint). Returns its code. */
int engine_stream_error(struct ArrowArrayStream *stream, corrie_error *err);

/* Appends what DuckDB would do for `sql`, drawn as text for people. Errors as engine_query. */
int engine_explain(struct engine *engine, struct str sql, const char *file, struct buf *ret,
                   corrie_error *err) CORRIE_MUST_USE;

/* ---- writing Parquet ---- */

struct engine_column_stats {
    int field_id;        /* of a leaf */
    int64_t column_size; /* compressed bytes in the file */
    int64_t value_count; /* nulls included */
    int64_t null_count;
    int64_t nan_count; /* -1: not a float */
    bool has_bounds;   /* false: all null (or NaN), empty, binary, or in a list or map */
    struct str lower;  /* scalars (arrow/scalar.h); strings cut to SCALAR_BOUND_LENGTH */
    struct str upper;  /* data NULL: no upper bound of that length exists */
};

struct engine_written {
    struct str path;
    int64_t rows;
    int64_t bytes;
    struct engine_column_stats *columns; /* of the leaves, in order of the schema */
    size_t n_columns;
    int64_t *split_offsets; /* where row groups start, ascending */
    size_t n_split_offsets;
    struct str
        *partition; /* one scalar a field of engine_write.partition, of the transform's result type;
                            * data NULL = null. NULL without fields */
};

/* Rows are grouped by what the transform makes of a column. */
struct engine_partition_field {
    int source_id; /* field id in the schema: a primitive column or one inside structs alone */
    struct transform transform;
};

struct engine_write {
    struct str sql;   /* a SELECT; columns by position are those of `schema` */
    const char *file; /* what a person calls the text, for positions; NULL: not a person's */
    const struct schema
        *schema; /* with ids: names, types, field ids of the file; values are cast */
    /* Names file number `ordinal` (0, 1, …): appends an absolute path to `ret`. */
    int (*path)(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err);
    void *arg;
    int64_t max_rows; /* rows of a file; 0 = no maximum */
    int64_t
        target_bytes; /* size of a file, roughly; 0 = one file; up to twice that is left whole */
    const struct engine_partition_field *partition; /* NULL: one partition */
    size_t n_partition;
    struct str
        order_by; /* SQL over the names of `schema`: rows of a file come so, those that are equal in the
                             * query's order. Ours, not a person's; empty = the query's order */
    struct str check;      /* SQL over the names of `schema`: true of every row, or CORRIE_E_DATA */
    struct str check_name; /* what messages call `check` */
    int64_t row_group_rows;  /* 0 = 122 880 */
    int64_t row_group_bytes; /* about, before compression; 0 = rows alone decide */
    int64_t
        row_bytes;    /* about: that a row takes, if it is more than its types say; 0 = not known */
    struct str codec; /* "zstd", "snappy", "gzip", "lz4", "brotli", "uncompressed"; empty = zstd */
};

/* Writes the rows of `sql`, in order, to one Parquet file, or to several where max_rows or target_bytes are passed or
 * there are several partitions: each file holds rows of one partition, in the query's order (or `order_by`), and files
 * come back partition by partition, nulls last, then in the order of their rows. Ordinals count the files that were
 * begun; some may have been removed again. No rows: no file, *ret_n = 0.
 * Partition values are those of transform_apply. However many partitions there are, the query runs once, as many files
 * are open at a time as DuckDB has threads, and what memory has no room for goes to the engine's temp_dir (none:
 * CORRIE_E_LIMIT).
 * A value that does not fit its column, or null in a required one, is CORRIE_E_DATA naming the column
 * (and file, line and value where the query is a source's relation). CORRIE_E_USAGE for a partition field whose
 * transform its source's type has not. CORRIE_E_LIMIT past CORRIE_MAX_WRITE_PARTITIONS.
 * On failure (and on cancel) files that this call began are removed. fsync of the files and their
 * directory is the CALLER's. Result memory from `arena`.
 * Cost: one pass; files beyond the target are cut by reading what was written again. With partitions: a sort, then a
 * millisecond a file and thread. */
int engine_write_parquet(struct engine *engine, const struct engine_write *write,
                         struct arena *arena, struct engine_written **ret, size_t *ret_n,
                         corrie_error *err) CORRIE_MUST_USE;

/* ---- row groups ---- */

/* What the statistics of a row group say of some columns. */
struct engine_row_group {
    size_t file; /* index into the table's files */
    int64_t rows;
    const struct engine_column_stats *columns; /* column_size and nan_count are -1 */
    size_t n_columns;
};
/* 0 to go on, negative ends it. The group is valid during the call. */
typedef int (*engine_row_group_fn)(void *arg, const struct engine_row_group *group,
                                   corrie_error *err);

/* Counts the row groups of the table's files in *ret_total, and calls `each` for every one of them, with the statistics
 * of those of `field_ids` that are top-level columns of one value; not at all if there is no such column. For explain:
 * reading makes its own use of them. CORRIE_E_CORRUPT naming a bad file. Cost: O(row groups × columns). */
int engine_row_groups(const struct engine_table *table, const int *field_ids, size_t n_field_ids,
                      engine_row_group_fn each, void *arg, int64_t *ret_total, corrie_error *err)
    CORRIE_MUST_USE;

/* What engine_write_parquet would have said of a file that others wrote: file `at` of the table, from its footer alone.
 * Its values in `partition` are those of its `constants` (whose columns must each be a field of the partition by
 * identity), or those that the bounds prove of all rows. Counts that the file does not tell are -1.
 * CORRIE_E_UNSUPPORTED, with what is wrong as a clause about the file and not its name: rows may lie in several
 * partitions, or its field ids or names stand for other fields than the table's. CORRIE_E_DATA for a damaged file.
 * Cost: reading the footer. Result memory from `arena`. */
int engine_describe_stored(const struct engine_table *table, size_t at,
                           const struct engine_partition_field *partition, size_t n_partition,
                           struct arena *arena, struct engine_written *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- files of others ---- */

enum engine_format {
    ENGINE_FORMAT_AUTO = 0, /* by name, then by content */
    ENGINE_FORMAT_PARQUET,
    ENGINE_FORMAT_CSV,  /* TSV too */
    ENGINE_FORMAT_JSON, /* an array of objects, or objects */
    ENGINE_FORMAT_JSONL,
    ENGINE_FORMAT_ARROW /* IPC: a file or a stream */
};

enum engine_switch { ENGINE_AUTO = 0, ENGINE_ON, ENGINE_OFF };

/* What a person settles; empty and zero = sniffed. All but `format` and `encoding` apply to CSV only, and `columns` to
 * JSON too (keys that are not named are left out). */
struct engine_source_options {
    enum engine_format format;
    struct str delimiter;
    struct str quote; /* "none" = no quoting */
    enum engine_switch header;
    const struct str *nulls; /* texts that mean null, besides the empty one, which always does */
    size_t n_nulls;
    struct str date_format; /* strptime: texts of this form become dates; else only ISO-8601 */
    struct str columns;     /* "name TYPE, …": names and types, in order */
    struct str encoding;    /* of text, as iconv calls it; empty = UTF-8, or UTF-16 by its mark */
    struct str called;      /* what messages call the file; empty = by its path */
};

/* A column that is the same for all rows of a file: a folder's key. */
struct engine_source_key {
    struct str name;
    struct str text; /* cast to the column's type; data NULL = null */
};

struct engine_source {
    enum engine_format format;
    struct str path; /* as messages call it */
    struct str
        local; /* where it is read: the file itself, or a copy of ours that is unpacked or recoded */
    struct str delimiter; /* CSV: what was sniffed or settled */
    struct str quote;
    bool header;
    bool has_bom;
    struct str compression;               /* "", "gzip", "zstd" */
    struct schema columns;                /* names and types as they would be imported; ids 0 */
    struct str *sql_types;                /* DuckDB's own type of each column, before widening */
    int64_t rows;                         /* Parquet: of the footer; else -1 */
    int64_t bytes;                        /* of the file */
    int64_t row_bytes;                    /* about: of a row, uncompressed; 0 = not known */
    struct str relation;                  /* SELECT over the file with those columns, in order */
    struct engine_source_options options; /* nulls and date_format as they were settled */
    bool *iso; /* CSV with a date_format: columns whose times are ISO-8601 all the same; or NULL */
    bool
        *blank; /* CSV: columns without a value in the lines that were looked at; NULL: not known */
    uint64_t json_record; /* maximum_object_size that its records need; 0 = DuckDB's */
    uint64_t csv_buffer;  /* CSV: buffer_size that memory has room for; 0 = DuckDB's */
    bool lenient;         /* CSV: DuckDB reads it only without strict_mode */
    bool sampled;         /* JSON: `local` holds the records that were chosen from another file */
    bool wide; /* JSON: the keys of records are columns, however many and alike they are */
    struct str relation_name; /* Arrow: of the table that holds the rows */
    /* Set by the caller before engine_source_select; zero otherwise. */
    const struct engine_source_key *constants;
    size_t n_constants;
    bool drops_columns; /* those that the target lacks are left out */
    /* The engine's: */
    bool looked_at_all;     /* JSON: the types are those of all records */
    struct str doubt_find;  /* SQL that finds the record of a value that did not fit */
    struct str doubt_again; /* SQL that fails with it, but for its condition */
};

/* Reads as much of the local file at `path` as is needed to say what is in it: a Parquet footer, the
 * first 20 480 lines of CSV, all objects of JSON (lines once, by a parser of ours; else as DuckDB reads them). Packed Parquet files, Arrow files and text that is not UTF-8 are
 * copied to temp_dir first, where they stay until the engine's owner removes it. A CSV column becomes DATE or TIMESTAMP only if
 * its text is ISO-8601. CORRIE_E_DATA naming the file and what is wrong: not Parquet, truncated,
 * encrypted, duplicate column names (also those that differ in case only), no columns, invalid UTF-8
 * (line), ragged lines (line). Only on open engines. Memory from `arena`. */
int engine_describe(struct engine *engine, struct str path,
                    const struct engine_source_options *options, struct arena *arena,
                    struct engine_source *ret, corrie_error *err) CORRIE_MUST_USE;

/* A SELECT that gives the file's rows as `target`: columns by name (then by name in other case); columns that the file
 * lacks are null; rows in the order of the file. No value is changed: what the column's type has no room for (a fraction
 * in a BIGINT, a third digit in a DECIMAL(10,2), hours in a DATE, nanoseconds) does not fit.
 * CORRIE_E_DATA for columns that the file has and `target` has not, missing required ones and types
 * that never fit; values that do not fit are found by engine_write_parquet, with line where there are
 * lines. `first_row` and `n_rows` (-1 = to the end) cut Parquet files by position. */
int engine_source_select(struct engine *engine, struct engine_source *source,
                         const struct schema *target, int64_t first_row, int64_t n_rows,
                         struct arena *arena, struct str *ret_sql, corrie_error *err)
    CORRIE_MUST_USE;

/* A SELECT over the source failed with *err: where a value did not fit, says which one in which line (a pass over the
 * file up to it), and names the file as engine_source_name_error does. Returns the error's code. */
int engine_source_failed(struct engine *engine, const struct engine_source *source,
                         corrie_error *err);
/* Messages about a source that is read from a copy name the copy; this makes them name the file. For errors of
 * whatever ran a SELECT over the source; engine_describe did it already. */
void engine_source_name_error(const struct engine_source *source, corrie_error *err);

/* ---- results to files ---- */

enum engine_output {
    ENGINE_OUT_CSV,
    ENGINE_OUT_JSON, /* an array of objects */
    ENGINE_OUT_JSONL,
    ENGINE_OUT_PARQUET,
    ENGINE_OUT_ARROW /* IPC stream */
};

struct engine_export {
    struct str sql;
    const char *file; /* what a person calls the text, or NULL */
    enum engine_output format;
    int64_t max_rows; /* 0 = all */
    /* Parquet: as of engine_write, empty = zstd; text: "gzip", "zstd" over the whole; "none" or empty: none. Arrow: none. */
    struct str codec;
    /* Where to: a file, or, where the path is empty, `write`, which takes the bytes in order and returns 0 or a negative
     * code with *err set. */
    struct str path;
    int (*write)(void *arg, const void *bytes, size_t len, corrie_error *err);
    void *arg;
};

/* Writes the rows of a SELECT and returns how many in *ret_rows. A regular file is replaced at the end, by a rename: on
 * failure the old one stays; what is there and no regular file (a pipe, a device) is written to. Values are those of
 * arrow/cell.h (CSV, JSON) and of engine_query (Arrow). A second column of one name gets a number where names must differ
 * (JSON: a_2; Parquet: a_1). Memory is that of a batch; Parquet for `write` goes by a file in temp_dir, whole. */
int engine_export_rows(struct engine *engine, const struct engine_export *what, int64_t *ret_rows,
                       corrie_error *err) CORRIE_MUST_USE;
/* The same, all rows to a file. */
int engine_export(struct engine *engine, struct str sql, const char *file,
                  enum engine_output format, struct str path, int64_t *ret_rows, corrie_error *err)
    CORRIE_MUST_USE;

#endif
