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
    const char *kind; /* "plan" "job" "start" "progress" "log" "done" "notice" "publish" */
    const char *node; /* the model or expectation it is about */
    const char *
        status; /* "running" "done" "failed-warning" "failed" "cancelled" "timeout"; of a notice "warning" */
    const char *stream; /* log: "stdout" "stderr" "log" "note" */
    const char *file;   /* log, failure: file of the user's */
    long line;
    const char *text;
    int64_t rows;
    int64_t bytes;
    int64_t time_ns;  /* UTC */
    double seconds;   /* how long the thing took, or has taken */
    const char *json; /* plan: the plan document */
    int64_t
        bytes_read; /* done: of tables' files, by what it needs of their columns; -1 = not known */
} corrie_event;

/* Called on the thread that does the work. */
typedef void (*corrie_event_fn)(void *context, const corrie_event *event);

/* ---- opening ------------------------------------------------------------------------------------- */

typedef struct lake corrie_lake;

typedef struct corrie_lake_options {
    size_t size;
    /* A directory or file:// URL; NULL: $CORRIE_LAKE, then the setting `lake`, then the default lake in the XDG
     * data directory, made on first use. */
    const char *url;
    const char *author; /* NULL: $CORRIE_USER, then the setting user.name, then the system's user */
    bool must_exist;    /* never make a lake where there is none */
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

typedef struct corrie_init_options {
    size_t size;
    /* NULL: files as the user's umask has them; "group": all of the directory's group may write. */
    const char *shared;
    const char *author;
    corrie_cancel *cancel; /* as in corrie_lake_options, likewise the events */
    corrie_event_fn event;
    void *event_context;
} corrie_init_options;

/* Makes a lake with branch `main` in a directory that is absent or empty: {"root","id","created","shared"}. One that is
 * there already stays (created false); with `shared` it becomes a shared one, if it was none: all its files get the group
 * and modes, which only their owner can do. CORRIE_E_NOT_FOUND: the directory is not empty and no lake;
 * CORRIE_E_REFUSED: a file system on which the catalog cannot lock, or files of somebody else. */
int corrie_lake_init(const char *url, const corrie_init_options *options, char **ret_json,
                     corrie_error *err);

/* {"id","root","format","features","shared","catalog","user","user_from","ref","version"}; user_from: "caller",
 * "CORRIE_USER", "user.name" (the setting), "system". */
int corrie_lake_info(corrie_lake *lake, char **ret_json, corrie_error *err);

/* ---- settings --------------------------------------------------------------------------------------
 * Names with dots (user.name, lake) and text values, in the nearest .corrie/config.yaml upward from the working
 * directory ("project"), else in the profile ~/.config/corrie/config.yaml ("user"). Names that corrie does not know are
 * kept. docs/formats/settings.md lists those it knows. */

/* {"name","value","file"}. CORRIE_E_NOT_FOUND with the nearest names. */
int corrie_config_get(const char *name, char **ret_json, corrie_error *err);
/* {"settings":[{"name","value","file"}]}: what counts, by name; `secret` values (api_key, …) are shown as "***". */
int corrie_config_list(char **ret_json, corrie_error *err);
/* {"name","value","file"}; value NULL removes it. `scope`: "user" (also NULL), "project". Comments in the file stay. */
int corrie_config_set(const char *scope, const char *name, const char *value, char **ret_json,
                      corrie_error *err);

/* ---- long listings ---------------------------------------------------------------------------------
 * What may be long comes as one document, or row by row: a function …_open gives a cursor, which is closed by the
 * caller before the lake is. Rows are the elements of the document's list, in the same order. Memory does not follow
 * their number, and the first comes at once. */

typedef struct corrie_cursor corrie_cursor;
/* 1 and the next row, a JSON object in one line, freed by the caller; 0 at the end. After an error only close it. */
int corrie_cursor_next(corrie_cursor *cursor, char **ret_json, corrie_error *err);
/* At the end: an object of the fields that the document has beside its list, in their order: "more" or "next" (of a
 * listing with a maximum), … */
int corrie_cursor_rest(corrie_cursor *cursor, char **ret_json, corrie_error *err);
corrie_cursor *corrie_cursor_close(corrie_cursor *cursor);

/* ---- refs ------------------------------------------------------------------------------------------
 * `ref` arguments are ref expressions: a branch or tag, `main@<hash>`, `@<hash>`, `main~3`, `main^2`,
 * `main*TIME` (without a fraction the end of that second); NULL means what is checked out. An unknown one is
 * CORRIE_E_NOT_FOUND and the hint names the
 * nearest. Whatever moves a ref is in its reflog, so nothing that a ref showed is lost before gc.
 *
 * A REF document: {"name","kind":"branch|tag|tx","commit","time","author","message","checked_out"}; time, author and
 * first line of the message are the commit's.
 *
 * accept_taint: what a failed job wrote may come to the branch; who allowed it is recorded (a property of the commit,
 * or the reflog). Without it CORRIE_E_REFUSED names the tables, and the hint the job's error. */

typedef struct corrie_ref_list_options {
    size_t size;
    const char *kind;   /* "branch", "tag", "tx"; NULL = branches and tx refs */
    const char *prefix; /* only names that start with it */
    const char *after;  /* only names after this one, by bytes */
    size_t max;         /* 0 = all */
} corrie_ref_list_options;
/* {"refs":[REF],"next":the name to give as `after` for the next page, or null}, by name. `options` may be NULL. */
int corrie_ref_list(corrie_lake *lake, const corrie_ref_list_options *options, char **ret_json,
                    corrie_error *err);
/* Its rows: REFs. */
int corrie_ref_list_open(corrie_lake *lake, const corrie_ref_list_options *options,
                         corrie_cursor **ret, corrie_error *err);
/* A REF and further "tainted": number of tainted tables. `kind` as above (NULL = any). */
int corrie_ref_get(corrie_lake *lake, const char *kind, const char *name, char **ret_json,
                   corrie_error *err);

typedef struct corrie_ref_options {
    size_t size;
    const char *from_ref; /* create: where it starts; NULL = what is checked out */
    const char *message;  /* kept in the reflog; NULL = what was done */
    bool if_not_exists;
    bool if_exists;
    bool accept_taint;
} corrie_ref_options;

/* {"name","kind","commit","created"}. CORRIE_E_EXISTS unless if_not_exists. `options` may be NULL, here and below.
 * CORRIE_E_USAGE for names that mean something else: HEAD, what looks like a hash, under tx/, with empty parts. */
int corrie_branch_create(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                         char **ret_json, corrie_error *err);
/* A tag: a name that does not move. Reads from_ref. */
int corrie_tag_create(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                      char **ret_json, corrie_error *err);
/* {"name","kind","commit","restore"}: `restore` is the command that brings it back; commit and restore are null where
 * if_exists found nothing to remove. Refuses the branch that is checked out and the last one. */
int corrie_branch_delete(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                         char **ret_json, corrie_error *err);
int corrie_tag_delete(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                      char **ret_json, corrie_error *err);
/* {"name","previous_name","commit","checked_out"}; what was checked out stays so. Its reflog says where it went. */
int corrie_branch_rename(corrie_lake *lake, const char *name, const char *new_name,
                         const corrie_ref_options *options, char **ret_json, corrie_error *err);
/* Moves a branch to any commit. {"name","commit","previous","changed","restore"}; restore null: nothing changed. */
int corrie_branch_reset(corrie_lake *lake, const char *name, const char *to_ref,
                        const corrie_ref_options *options, char **ret_json, corrie_error *err);
/* Makes a removed branch or tag again where it last stood. {"name","kind","commit"}. CORRIE_E_NOT_FOUND if there never
 * was one, CORRIE_E_EXISTS if there is one. */
int corrie_ref_restore(corrie_lake *lake, const char *name, const corrie_ref_options *options,
                       char **ret_json, corrie_error *err);

/* The movements of a ref, newest first; of a removed one too. {"ref","entries":[{"sequence","kind","old","new","time",
 * "who","why"}],"next":sequence to give as `before`, or null}; old and new null: created, removed. `before` 0 = from the
 * newest; `max` 0 = all. */
int corrie_reflog(corrie_lake *lake, const char *ref, uint64_t before, size_t max, char **ret_json,
                  corrie_error *err);
/* Its rows: entries. */
int corrie_reflog_open(corrie_lake *lake, const char *ref, uint64_t before, size_t max,
                       corrie_cursor **ret, corrie_error *err);

/* The branch that commands mean when they name none. Kept per user and lake. The text is freed by the
 * caller. $CORRIE_REF overrides. */
int corrie_checked_out(corrie_lake *lake, char **ret_name, corrie_error *err);
int corrie_checkout(corrie_lake *lake, const char *branch, corrie_error *err);

/* ---- merging ---------------------------------------------------------------------------------------
 * `ours` is what the branch has that is changed (`into`), `theirs` what is brought to it, as git names them in a merge.
 *
 * A merge document: {"into","commit","previous","tree_changed","changed","fast_forward","dry_run","changes":[CHANGE]}.
 * CORRIE_E_CONFLICT: the message names the keys, the error's detail is the report as JSON
 * {"base","ours","theirs","conflicts":[{"kind","name","key":[…],"base","ours","theirs","reason"}]}: commits or null, and
 * values {"id","doc"} or null. CORRIE_E_REFUSED: taint, or a torn group: tables that one run published together and of
 * which only some would come or go (allow_torn lets them, and is recorded). */

typedef struct corrie_merge_options {
    size_t size;
    const char *into; /* branch; NULL = checked out */
    /* NULL = made of what is done. A merge that is given one, or properties, makes a merge commit to hold them. */
    const char *message;
    const char *const *properties; /* "name=value" */
    size_t n_properties;
    /* Conflicts that our side settles: "sales.events", or "kind:name" for other keys. */
    const char *const *ours; /* CORRIE_E_NOT_FOUND if no side knows the name */
    size_t n_ours;
    const char *const *theirs; /* … that theirs settles */
    size_t n_theirs;
    bool all_ours; /* every other conflict too */
    bool all_theirs;
    bool dry_run;
    bool no_fast_forward; /* merge: a merge commit even where the branch could simply move */
    bool accept_taint;
    bool allow_torn;
    /* Pick and revert of a merge commit: the parent (1, 2 …) that counts as before; 0 = none given. */
    unsigned mainline;
    const char *default_namespace; /* of names of conflicts; NULL = public */
} corrie_merge_options;

/* Merges a ref into a branch; with "source", the text of the ref, and "source_commit". */
int corrie_branch_merge(corrie_lake *lake, const char *source, const corrie_merge_options *options,
                        char **ret_json, corrie_error *err);
/* Brings what each commit changed, in the order given, as one commit each: all or none; with "picked":[{"from","commit"}].
 * A commit that changes nothing any more is left out (its "commit" is null). CORRIE_E_USAGE for a merge commit without
 * mainline and for a first commit. */
int corrie_cherry_pick(corrie_lake *lake, const char *const *commits, size_t n_commits,
                       const corrie_merge_options *options, char **ret_json, corrie_error *err);
/* Takes back what each commit changed, likewise; with "reverted":[{"from","commit"}]. */
int corrie_revert(corrie_lake *lake, const char *const *commits, size_t n_commits,
                  const corrie_merge_options *options, char **ret_json, corrie_error *err);

/* ---- history ---------------------------------------------------------------------------------------
 * COMMIT: {"commit","parents","generation","author","committer","time","author_time","message","properties","job",
 * "tainted":n}. */

typedef struct corrie_log_options {
    size_t size;
    size_t max; /* 0 = all */
    bool first_parent;
    const char *message;  /* contains, whatever the case of ASCII letters */
    const char *author;   /* likewise */
    const char *property; /* "name", or "name=value" */
    /* Commits that changed it, followed through renames: "sales.events", "sales.*" (the namespace and all tables in it),
     * or "kind:name". CORRIE_E_NOT_FOUND at the end if no commit had it. */
    const char *table;
    const char *since; /* times as in `main*TIME`: not before, not after the end of its second */
    const char *until;
    const char *exclude_ref;       /* not what is in the history of this */
    const char *default_namespace; /* of a `table` without one; NULL = public */
} corrie_log_options;

/* Commits of a ref's history that fit all filters, newest first: {"commits":[COMMIT],"more"} */
int corrie_log(corrie_lake *lake, const char *ref, const corrie_log_options *options,
               char **ret_json, corrie_error *err);
/* Its rows: COMMITs. */
typedef corrie_cursor corrie_log_cursor;
int corrie_log_open(corrie_lake *lake, const char *ref, const corrie_log_options *options,
                    corrie_log_cursor **ret, corrie_error *err);
/* corrie_cursor_next and corrie_cursor_close. */
int corrie_log_next(corrie_log_cursor *cursor, char **ret_json, corrie_error *err);
corrie_log_cursor *corrie_log_close(corrie_log_cursor *cursor);
/* COMMIT and further "refs":[names that stand there],"changes":[CHANGE] against its first parent. */
int corrie_show(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err);

/* CHANGE: {"change":"added|removed|changed|renamed","kind","name","previous_name"} and for tables, of the sides on which
 * it is: {"records_before","records_after","bytes_before","bytes_after","files_before","files_after","job"},
 * {"schema":[{"change":"added|removed|renamed|type|required|moved","field","id","before","after"}]} where columns differ,
 * and with row samples {"rows_added":[{column: value}],"rows_removed":[…]}. In order of key. `before` and `after` of a
 * column are its type (added, removed, type), name (renamed), true or false (required), or place from 1 (moved). Rows are
 * compared by the columns of the later state, by field id; decimals, NaN and infinities are text. */

typedef struct corrie_diff_options {
    size_t size;
    const char *table; /* only this table, or with a last "*" those that start so */
    bool merge_base;   /* compare with where the two parted, instead of with from_ref itself */
    bool schema;       /* reads the tables' metadata */
    size_t rows; /* up to so many added and removed rows a table; 0 = none. Reads what differs */
    const char *memory;            /* for rows: "4G"; NULL = 70 % of the machine or cgroup */
    const char *default_namespace; /* of a `table` without one; NULL = public */
} corrie_diff_options;
/* {"from","to","merge_base","changes":[CHANGE]} */
int corrie_diff(corrie_lake *lake, const char *from_ref, const char *to_ref,
                const corrie_diff_options *options, char **ret_json, corrie_error *err);

/* Whether what is there is made of what is there. {"ref","commit","stale":[{"name","job","inputs":[{"name","read",
 * "now"}]}],"tainted":[{"name","job","error"}],"torn":[{"job","tables":[…],"gone":[…]}],"jobs":[{"job","kind","status",
 * "started","ref"}],"left":[REF]}: stale outputs with the metadata locations that were read and that are there now (null:
 * gone); jobs that run; tx refs that nobody works on any more. Cost: all tables of the ref. */
int corrie_status(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err);

/* ---- namespaces and tables --------------------------------------------------------------------------
 * Table names are "table" or "namespace.table"; `default_namespace` completes the first form. Parts with
 * dots or spaces are written in double quotes. */

/* {"namespaces":[{"name"}]} */
int corrie_namespace_list(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err);
int corrie_namespace_list_open(corrie_lake *lake, const char *ref, corrie_cursor **ret,
                               corrie_error *err);
/* {"name","created","commit"} */
int corrie_namespace_create(corrie_lake *lake, const char *name, const char *branch,
                            bool if_not_exists, char **ret_json, corrie_error *err);

/* {"name","commit","restore"}: the catalog entry goes. CORRIE_E_REFUSED while there are tables in it. */
int corrie_namespace_delete(corrie_lake *lake, const char *name, const char *branch, bool if_exists,
                            char **ret_json, corrie_error *err);

/* {"tables":[{"namespace","name","kind","records","bytes","files","metadata_location","tainted"}]}, by name;
 * namespace NULL = all. "tainted" is the job that left the table and did not succeed, or null; here and below. */
int corrie_table_list(corrie_lake *lake, const char *ref, const char *table_namespace,
                      char **ret_json, corrie_error *err);
int corrie_table_list_open(corrie_lake *lake, const char *ref, const char *table_namespace,
                           corrie_cursor **ret, corrie_error *err);
/* {"id","namespace","name","kind","ref","commit","records","bytes","files","fields":[{"id","name","required",
 * "type"}],"partitions","partitioned_by","metadata_location","tainted","current_snapshot_id","current_schema_id",
 * "properties","last_updated","location","source","made_by":{"job","inputs":[{"name","read","now"}]}}; source is that of an
 * external table made of others' metadata, else null; made_by is of a table that a run published, with those of its inputs
 * that are others now (as in corrie_status), else null. */
int corrie_table_get(corrie_lake *lake, const char *ref, const char *name,
                     const char *default_namespace, char **ret_json, corrie_error *err);

/* The files that hold the table's rows, in the order in which rows are read, then the files of deletes that apply to them:
 * {"namespace","name","files":[{"path","content":"data|position deletes|equality deletes","records","bytes","spec_id",
 * "partition":{field: text or null},"snapshot_id","sequence_number","row_groups","delete_files","columns":[{"id","name",
 * "bytes","values","nulls","lower","upper"}]}]}. Counts that are not known are null, bounds are text. Reads all manifests. */
int corrie_table_files(corrie_lake *lake, const char *ref, const char *name,
                       const char *default_namespace, char **ret_json, corrie_error *err);

/* ---- changing tables as wholes: one commit on a branch each ---- */

typedef struct corrie_table_options {
    size_t size;
    const char *branch; /* NULL = what is checked out */
    const char *default_namespace;
    const char *message;
    bool if_exists;
    bool accept_taint;
    bool allow_torn;
} corrie_table_options;

/* {"name","commit","restore"}: no file is removed before gc. With if_exists commit and restore may be null. */
int corrie_table_delete(corrie_lake *lake, const char *name, const corrie_table_options *options,
                        char **ret_json, corrie_error *err);
/* {"name","previous_name","commit"}: the table keeps its id, files and history. `new_name` without a namespace stays in
 * the old one; its namespace must exist. */
int corrie_table_rename(corrie_lake *lake, const char *name, const char *new_name,
                        const corrie_table_options *options, char **ret_json, corrie_error *err);
/* The table, and what was imported into it, as it was at `to_ref` (whatever it was called there), as a new commit; brings
 * a removed one back, with its namespace. CORRIE_E_EXISTS if it is there under another name.
 * {"name","commit","previous","records","changed"} */
int corrie_table_revert(corrie_lake *lake, const char *name, const char *to_ref,
                        const corrie_table_options *options, char **ret_json, corrie_error *err);
/* {"name","versions":[{"commit","change":"created|written|renamed|removed","name","time","author","message","job",
 * "records","bytes","files","snapshot_id","schema_id","metadata_location"}],"more"}: newest first, along first parents,
 * through renames; `max` 0 = all. */
int corrie_table_history(corrie_lake *lake, const char *ref, const char *name,
                         const char *default_namespace, size_t max, char **ret_json,
                         corrie_error *err);

#ifdef __cplusplus
}
#endif

#endif
