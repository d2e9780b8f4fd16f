/* run.h — what moves data: import, query, runs of a project, and the jobs that record them. */
#ifndef CORRIE_RUN_H
#define CORRIE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corrie/error.h>
#include <corrie/lake.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- import -------------------------------------------------------------------------------------- */

enum corrie_import_mode {
    CORRIE_IMPORT_CREATE, /* make the table from the files' schema, no rows: `table create --from` */
    CORRIE_IMPORT_APPEND,  /* add rows; make the table if need be */
    CORRIE_IMPORT_REPLACE, /* the files' rows become the table's */
};

typedef struct corrie_import_options {
    size_t size;
    const char *table;             /* "table" or "namespace.table" */
    const char *default_namespace; /* NULL = "public" */
    const char *branch;            /* NULL = checked out */
    /* Files, patterns (** = any folders), folders with all below them; "-" = standard input. Folders called key=value
     * give the column `key`. */
    const char *const *uris;
    size_t n_uris;
    enum corrie_import_mode mode;
    bool must_exist;       /* `table import`: the table must be there */
    bool replace_existing; /* CREATE: an existing table is replaced by the empty one */
    bool duplicate_files;  /* load files that the ledger knows again */
    const char
        *format; /* "parquet" "csv" "tsv" "json" "jsonl" "arrow"; NULL = by name and content */
    const char *delimiter;    /* CSV: one character; NULL = sniffed */
    const char *quote;        /* CSV */
    const char *header;       /* CSV: "on" "off"; NULL = sniffed */
    const char *date_format;  /* strptime format of text that is a date though not ISO-8601 */
    const char *const *nulls; /* texts that mean null, besides the empty field */
    size_t n_nulls;
    const char *memory; /* "4G"; NULL = 70 % of the machine or cgroup */
    const char *
        columns; /* CSV: names and types of all columns, 'id BIGINT, name VARCHAR'; NULL = sniffed */
    /* Files that cannot be read or do not fit are left out and told of; the others are committed. */
    bool continue_on_error;
    bool best_effort; /* columns that the table lacks are left out, instead of refusing the file */
    bool
        evolve; /* columns that the table lacks are added to it, its types widened where rows need it */
    /* Parquet files of this machine become the table's where they are, uncopied; nothing of corrie's ever removes
     * them, and who changes them breaks the table. Not with REPLACE of a table that exists. */
    bool in_place;
    const char *partitioned_by; /* of a table that is made: "day(ts), bucket(16, id), region" */
    const char *hive; /* "on" "off": whether folders called key=value give columns; NULL = on */
    const char
        *encoding; /* of text files: "utf-8" "utf-16" "latin-1"; NULL = UTF-8, or by its mark */
} corrie_import_options;

/* {"namespace","table","branch","commit","job","created_table","created_namespace","rows","bytes","files":[{"uri",
 * "status":"imported|skipped|read|failed","rows","bytes","sniffed":{"delimiter","quote","header"},"error":{"type",
 * "message","hint"}}],"failed","schema":[{"name","type"}]}. commit is null when nothing changed; "failed" counts the
 * files with an "error", which only continue_on_error leaves out (CORRIE_E_DATA if no other is left); a file is "read" where CORRIE_IMPORT_CREATE took its columns
 * alone; bytes are the source's in a file and the table's new ones outside; only CSV has sniffed; schema is the table's,
 * empty when all files were skipped. Columns of an existing table are found by name (then by name in other case), and
 * the table says what their types are. A malformed file is CORRIE_E_DATA with file and line or offset, and nothing is
 * staged; so is a file that changes while it is read. Events: "job", "notice", "publish". */
int corrie_import(corrie_lake *lake, const corrie_import_options *options, char **ret_json,
                  corrie_error *err);

/* The tables that URIs would fill if no name is given: a file the one called like it, a folder one for each folder or
 * file directly in it. {"tables":[{"table","uris":["…"]}]}; corrie_import takes them one by one. CORRIE_E_USAGE
 * for what gives a table no name, or two of them the same. */
int corrie_import_tables(const char *const *uris, size_t n_uris, char **ret_json,
                         corrie_error *err);

/* Whether a word of a command line means files rather than a table: by its looks alone (a slash, a wildcard, "-", the
 * ending of a data file), so that a table that is called like a folder of the moment stays a table. */
bool corrie_import_means_files(const char *word);

/* ---- plans of tables ----------------------------------------------------------------------------- */

/* What `table create` would make of the files: {"plan","conflicts","columns":[{"name","type"}]}; plan is a YAML text
 * (docs/formats/import-plan.md) in which every column has its type, or, where files disagree, the types that they have
 * and a place for the one that a person decides for. `conflicts` counts those. Nothing is made. */
int corrie_table_plan(corrie_lake *lake, const corrie_import_options *options, char **ret_json,
                      corrie_error *err);

/* Makes the empty table that a plan describes, once nothing in it is undecided (else CORRIE_E_DATA with the line).
 * `file` is the plan's name for messages. Of `options` count size, default_namespace, branch (where the plan names
 * none) and replace_existing. The answer is corrie_import's. */
int corrie_table_plan_apply(corrie_lake *lake, const char *plan, size_t length, const char *file,
                            const corrie_import_options *options, char **ret_json,
                            corrie_error *err);

/* ---- external tables ----------------------------------------------------------------------------- */

typedef struct corrie_external_options {
    size_t size;
    const char *table;
    const char *default_namespace;
    const char *branch;
    const char *
        metadata_uri; /* an Iceberg metadata file of others, or a folder: the newest in it or in metadata/; or */
    const char *const *uris; /* Parquet files, patterns, folders */
    size_t n_uris;
    bool overwrite; /* an external table of that name is replaced */
} corrie_external_options;

/* A table of files that others keep: it can be read, joined, tagged and removed, not written. What the files hold later
 * is not followed: make it again with `overwrite`. The answer is corrie_import's, with the metadata
 * file as the one file and all rows of the table. CORRIE_E_UNSUPPORTED for files that cannot be read without converting
 * them, of other machines, and for metadata of format version 3. */
int corrie_table_external(corrie_lake *lake, const corrie_external_options *options,
                          char **ret_json, corrie_error *err);

/* ---- query --------------------------------------------------------------------------------------- */

typedef struct corrie_query_options {
    size_t size;
    const char *ref;               /* NULL = checked out */
    const char *default_namespace; /* of unqualified names; NULL = "public" */
    const char *memory;
    int64_t max_rows; /* of corrie_query_to_file and corrie_query_write: 0 = all */
    /* Of the same: Parquet "zstd" (NULL), "snappy", "gzip", "lz4", "brotli", "none"; csv, json and jsonl "gzip", "zstd",
     * "none" (NULL); arrow "none" (NULL). */
    const char *compression;
} corrie_query_options;

/* Runs one statement that reads: tables of the lake at `ref`, and, since a person asks, files by DuckDB's
 * readers. *ret yields struct batches; release it before the lake is closed. Bad SQL is CORRIE_E_PROJECT
 * with position; unknown tables and columns CORRIE_E_NOT_FOUND with the nearest names. */
int corrie_query(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                 struct ArrowArrayStream *ret, corrie_error *err);

/* After the stream's get_next failed: the whole story, with code, position and hint. Returns its code. */
int corrie_stream_error(struct ArrowArrayStream *stream, corrie_error *err);

/* Runs it and writes the result to `path` (durable, by rename) as "csv", "json", "jsonl", "parquet" or
 * "arrow"; CSV has a header line. What is there and no regular file (a pipe, a device) is written to.
 * {"path","rows","bytes"}; bytes is null where the path is no regular file. */
int corrie_query_to_file(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                         const char *format, const char *path, char **ret_json, corrie_error *err);

/* Takes `size` bytes of a result, in order; anything but 0 ends it. */
typedef int (*corrie_write_fn)(void *context, const void *bytes, size_t size);
/* The same bytes to `write`: for pipes, sockets, streams of other languages. Memory is that of a batch; a Parquet file is
 * written to the temporary directory first. CORRIE_E_CANCELLED where `write` ended it. *ret_rows may be NULL. */
int corrie_query_write(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                       const char *format, corrie_write_fn write, void *context, int64_t *ret_rows,
                       corrie_error *err);

/* What a query would read, and what it need not. {"ref","commit","tables":[{"namespace","name","snapshot_id","manifests",
 * "manifests_pruned","files","files_pruned","row_groups","row_groups_pruned","records","bytes","delete_files","columns",
 * "column_bytes","filters"}],"plan"}: of each table the totals of its snapshot and how many of them are left out, rows and bytes of the
 * files that are left, the columns that are read, what these take in them, and the conditions that the scan knows; "plan" is DuckDB's, as text.
 * Counts that are not known are null. Nothing is run: metadata and footers are read. */
int corrie_explain(corrie_lake *lake, const char *sql, const corrie_query_options *options,
                   char **ret_json, corrie_error *err);

/* ---- runs ---------------------------------------------------------------------------------------- */

typedef struct corrie_run_options {
    size_t size;
    const char *project_dir;       /* NULL = the current directory */
    const char *ref;               /* branch to read and publish to; NULL = checked out */
    const char *default_namespace; /* NULL = the project's */
    const char *const *parameters; /* "name=value" */
    size_t n_parameters;
    bool dry_run; /* plan and check only */
    bool strict;  /* warnings are failures */
    bool no_cache;
    const char *memory;
    /* Tables that a failed job left may be read; what is made of them is tainted too. */
    bool accept_taint;
    bool serializable; /* publish only if all that was read on the branch is still the same there */
    /* Which functions: "name", "+name" with all that it reads, "name+" with all that reads it, several between commas.
     * Expectations whose inputs are all selected come along; what is read of other models is the lake's table. None =
     * all. */
    const char *const *select;
    size_t n_select;
    const char *preview; /* "off" (NULL), "on" = "head", "tail": rows of what each model gave */
    /* Each table is published by a commit of its own as soon as it is written: a failure leaves those before it. */
    bool no_transaction;
    bool deterministic; /* SQL on one thread, so that sums of floats come out the same */
} corrie_run_options;

/* Plans the project; with dry_run that is all, else runs every function and publishes all tables in one
 * commit, or nothing. Events tell what happens as it happens: "plan" first, with the document.
 * {"job","ref","commit","dry_run","seconds","plan","nodes":[{"name","kind":"model|expectation",
 * "language","status":"done|failed-warning|failed|cancelled|timeout|skipped","rows","bytes","bytes_read","seconds","cpu_seconds","max_rss","file","line"}],
 * "tables":[{"namespace","name","records","rows_written"}],"previews":[{"name","total_rows","columns":[{"name","type"}],
 * "rows":[{column: text or null}]}],"notes":[{"warning","text","file","line"}]}; commit is null when nothing was
 * published, with no_transaction it is the last one. Functions run beside each other as far as cpus and memory of the
 * machine reach for what they ask (CORRIE_E_LIMIT, before anything runs, for one that asks for more memory than there
 * is). On failure the target is as before, the error says which function failed and where,
 * and the hint how to look at tx/<job>. CORRIE_E_REFUSED, before anything runs, names a tainted table that would be
 * read; CORRIE_E_CONFLICT what was changed on the branch meanwhile and cannot be merged, with `serializable` also what
 * was only read. */
int corrie_run(corrie_lake *lake, const corrie_run_options *options, char **ret_json,
               corrie_error *err);

/* ---- jobs ---------------------------------------------------------------------------------------- */

/* Which jobs: those that fit all that is given, of several ids, users, kinds or statuses one of them. */
typedef struct corrie_job_list_options {
    size_t size;
    size_t max;             /* 0 = all */
    bool mine;              /* only those of the handle's author */
    const char *const *ids; /* as corrie_job_get has them, and its errors */
    size_t n_ids;
    const char *const *users;
    size_t n_users;
    const char *const
        *kinds; /* "run" "import" "sql" "query" "compact" "expire" "gc"; none = all but queries */
    size_t n_kinds;
    const char *const *statuses; /* "running" "done" "failed" "cancelled" "lost" */
    size_t n_statuses;
    bool queries; /* without kinds: queries too */
    const char
        *created_after; /* started at that time or later: "2026-11-20T10:00:00Z", or a date */
    const char *created_before; /* started before */
} corrie_job_list_options;

/* {"jobs":[{"job","kind","status","user","ref","host","pid","started","ended","error"}],"more"}, newest first.
 * `options` NULL = all but queries. Kinds and statuses may be bauplan's words too. CORRIE_E_USAGE for a kind or status
 * that does not exist, and for times that are none. Cost: a page of the index for 200 jobs, until there are `max`. */
int corrie_job_list(corrie_lake *lake, const corrie_job_list_options *options, char **ret_json,
                    corrie_error *err);
/* The record whole: docs/formats/jobs.md. `job`: an id or a unique prefix of ≥ 4 characters; or "last": the newest that is
 * no query. CORRIE_E_NOT_FOUND, with the nearest; CORRIE_E_USAGE where several fit. */
int corrie_job_get(corrie_lake *lake, const char *job, char **ret_json, corrie_error *err);
/* {"job","logs":[{"kind","time","node","status","stream","file","line","text","rows","bytes","bytes_read","seconds"}]}, each with
 * the fields that apply. */
int corrie_job_logs(corrie_lake *lake, const char *job, char **ret_json, corrie_error *err);
/* Its rows: logs. With `follow` the next is waited for as long as the job goes on, also if its process is another's or
 * another machine's; the lake's cancel token ends that. */
int corrie_job_logs_open(corrie_lake *lake, const char *job, bool follow, corrie_cursor **ret,
                         corrie_error *err);
/* Where, in this machine's file system, what a detached job's process prints is kept: beside its record. Need not exist.
 * CORRIE_E_UNSUPPORTED if the lake is elsewhere. */
int corrie_job_output(corrie_lake *lake, const char *job, char **ret_path, corrie_error *err);
/* Asks a job to stop, as Ctrl-C where it runs would, and waits up to `wait_ms` for its end: {"job","kind","status",
 * "ended"}, status "running" where it had not ended by then, "done" where it was past the point at which it could be
 * stopped. CORRIE_E_CONFLICT: it was over before, or is lost. */
int corrie_job_stop(corrie_lake *lake, const char *job, int64_t wait_ms, char **ret_json,
                    corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
