/* lake.h — a lake: its branches, commits, namespaces and tables. */
#ifndef CORRIE_LAKE_H
#define CORRIE_LAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <corrie/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ArrowArrayStream; /* the Arrow C stream interface */

/* "0.1.0" */
const char *corrie_version(void);

/* Frees text that a function of this library gave. */
void corrie_free(void *text);

/* ---- cancelling ---------------------------------------------------------------------------------- */

/* A flag that asks long work to stop. May be requested from any thread and from a signal handler. */
typedef struct cancel corrie_cancel;
int corrie_cancel_new(corrie_cancel **ret, corrie_error *err);
void corrie_cancel_request(corrie_cancel *cancel);
corrie_cancel *corrie_cancel_free(corrie_cancel *cancel);

/* ---- events -------------------------------------------------------------------------------------- */

/* Something that happened during long work. Text is borrowed for the length of the call; fields that do
 * not apply are NULL, 0 or, for counts, -1. Kinds and fields: docs/formats/jobs.md. */
typedef struct corrie_event {
    size_t size;
    const char *kind;   /* "plan" "job" "start" "progress" "log" "done" "notice" "publish" */
    const char *node;   /* the model or expectation it is about */
    const char *status; /* "running" "done" "warning" "failed" "cancelled" */
    const char *stream; /* log: "stdout" "stderr" "log" "note" */
    const char *file;   /* log, failure: file of the user's */
    long line;
    const char *text;
    int64_t rows;
    int64_t bytes;
    int64_t time_ns;  /* UTC */
    double seconds;   /* how long the thing took, or has taken */
    const char *json; /* plan: the plan document */
} corrie_event;

/* Called on the thread that does the work. */
typedef void (*corrie_event_fn)(void *context, const corrie_event *event);

/* ---- opening ------------------------------------------------------------------------------------- */

typedef struct lake corrie_lake;

typedef struct corrie_lake_options {
    size_t size;
    const char *url; /* a directory or file:// URL; NULL: $CORRIE_LAKE, then the default lake in the
                            * XDG data directory, made on first use */
    const char *author;    /* NULL: $CORRIE_USER, then the system's user */
    bool must_exist;       /* never make a lake where there is none */
    corrie_cancel *cancel; /* borrowed for the life of the handle; may be NULL */
    corrie_event_fn event; /* notices ("made a lake at …") and progress; may be NULL */
    void *event_context;
} corrie_lake_options;

/* Opens a lake. An absent or empty directory that was named becomes a lake with branch `main`.
 * CORRIE_E_NOT_FOUND: the directory is not empty and no lake, or must_exist and there is none;
 * CORRIE_E_REFUSED: a newer format, or a file system on which the catalog cannot lock;
 * CORRIE_E_CORRUPT: lake.json or the catalog is damaged. Cost: about 1 ms. */
int corrie_lake_open(const corrie_lake_options *options, corrie_lake **ret, corrie_error *err);
corrie_lake *corrie_lake_close(corrie_lake *lake);

/* {"id","root","format","features","catalog","user","ref","version"} */
int corrie_lake_info(corrie_lake *lake, char **ret_json, corrie_error *err);

/* ---- branches and history --------------------------------------------------------------------------
 * `ref` arguments are ref expressions: a branch, `main@<hash>`, `@<hash>`, `main~3`, `main^2`,
 * `main*TIME`; NULL means what is checked out. An unknown one is CORRIE_E_NOT_FOUND and the hint names the
 * nearest. */

/* {"branches":[{"name","kind","commit","time","author","message","checked_out"}]}, by name. `all` shows tx/ refs
 * too. */
int corrie_branch_list(corrie_lake *lake, bool all, char **ret_json, corrie_error *err);
/* {"name","commit","created"}. CORRIE_E_EXISTS unless if_not_exists. */
int corrie_branch_create(corrie_lake *lake, const char *name, const char *from_ref,
                         bool if_not_exists, char **ret_json, corrie_error *err);
/* {"name","commit","restore"}: `restore` is the command that brings it back; both are null where if_exists found
 * nothing to remove. Refuses the branch that is checked out and the last one. */
int corrie_branch_delete(corrie_lake *lake, const char *name, bool if_exists, char **ret_json,
                         corrie_error *err);

typedef struct corrie_merge_options {
    size_t size;
    const char *into;    /* branch; NULL = checked out */
    const char *message; /* NULL = "Merge SOURCE into INTO" */
    bool dry_run;
} corrie_merge_options;

/* {"source","into","commit","fast_forward","changed","dry_run","changes":[…as diff]}.
 * CORRIE_E_CONFLICT: the message names the keys, the error's detail is the report as JSON
 * {"conflicts":[{"kind","name","base","ours","theirs"}]}. */
int corrie_branch_merge(corrie_lake *lake, const char *source, const corrie_merge_options *options,
                        char **ret_json, corrie_error *err);

/* The branch that commands mean when they name none. Kept per user and lake. The text is freed by the
 * caller. $CORRIE_REF overrides. */
int corrie_checked_out(corrie_lake *lake, char **ret_name, corrie_error *err);
int corrie_checkout(corrie_lake *lake, const char *branch, corrie_error *err);

/* {"commits":[{"commit","parents","author","committer","time","message","properties","job"}],"more"}, newest
 * first, at most `max` (0 = all). */
int corrie_log(corrie_lake *lake, const char *ref, size_t max, char **ret_json, corrie_error *err);

/* {"from","to","changes":[{"change":"added|removed|changed","kind","name","records_before",
 * "records_after","bytes_before","bytes_after","files_before","files_after"}]}, in order of key; only tables have
 * the counts, and only those of the side on which they are. */
int corrie_diff(corrie_lake *lake, const char *from_ref, const char *to_ref, char **ret_json,
                corrie_error *err);

/* ---- namespaces and tables --------------------------------------------------------------------------
 * Table names are "table" or "namespace.table"; `default_namespace` completes the first form. Parts with
 * dots or spaces are written in double quotes. */

/* {"namespaces":[{"name"}]} */
int corrie_namespace_list(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err);
/* {"name","created","commit"} */
int corrie_namespace_create(corrie_lake *lake, const char *name, const char *branch,
                            bool if_not_exists, char **ret_json, corrie_error *err);

/* {"tables":[{"namespace","name","kind","records","bytes","files","metadata_location"}]}, by name;
 * namespace NULL = all. */
int corrie_table_list(corrie_lake *lake, const char *ref, const char *table_namespace,
                      char **ret_json, corrie_error *err);
/* {"id","namespace","name","kind","ref","commit","records","bytes","files","fields":[{"id","name","required",
 * "type"}],"partitions","metadata_location","current_snapshot_id","current_schema_id","properties",
 * "last_updated"} */
int corrie_table_get(corrie_lake *lake, const char *ref, const char *name,
                     const char *default_namespace, char **ret_json, corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
