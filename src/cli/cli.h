/* cli.h — the program: what one call of it has at hand.
 *
 * Handlers of verbs (verb_*.c) read their arguments, call the public interface (include/corrie/) and show
 * the document that it gives; they decide nothing that another door would have to decide again. */
#ifndef CORRIE_CLI_CLI_H
#define CORRIE_CLI_CLI_H

#include <corrie/corrie.h>

#include "base/cancel.h"
#include "base/json.h"
#include "base/json_text.h"
#include "cli/args.h"
#include "cli/grid.h"
#include "cli/out.h"
#include "cli/pager.h"
#include "cli/progress.h"

enum format {
    FORMAT_TTY,   /* boxes, cut to the screen */
    FORMAT_TABLE, /* plain columns */
    FORMAT_JSON,
    FORMAT_JSONL,
    FORMAT_CSV,
    FORMAT_PARQUET,
    FORMAT_ARROW,
    FORMAT_DOT,
    FORMAT_SVG
};

struct cli {
    const char *program;    /* "corrie", or "bauplan" when called by that name */
    const char *name_space; /* default namespace; NULL = the library's */
    char *
        project_namespace; /* owned: of the project in the current directory; NULL = none was looked for, or is */
    struct out out;
    struct out err;
    enum format format;
    bool no_trunc;
    bool sideways;
    bool yes;
    size_t limit; /* rows of a listing, by --limit; 0 = as many as there are */
    const char *lake_url;
    struct cancel cancel;
    struct progress progress;
    struct pager pager;
    int argc; /* the call as it was typed, for hints */
    char **argv;
    const struct verb *verb;
    corrie_event_fn on_event; /* of a run; NULL: notices are printed */
    void *on_event_context;
    corrie_lake *lake;
    struct detach {
        bool
            asked; /* this is the process for the background: it leaves when its job has a record */
        int fd;    /* to the one that waits for the job's id */
    } detach;
    int status; /* if all went well here: what a process that did it for us ended with */
    int told;   /* a code that the exit status stands for although its story was told as a result */
};

/* ---- handlers, one a verb (verbs_*.c name them) ---- */

int verb_version(struct cli *cli, const struct args *args, corrie_error *err);
int verb_info(struct cli *cli, const struct args *args, corrie_error *err);
int verb_init(struct cli *cli, const struct args *args, corrie_error *err);
int verb_config_get(struct cli *cli, const struct args *args, corrie_error *err);
int verb_config_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_config_set(struct cli *cli, const struct args *args, corrie_error *err);
int verb_config_unset(struct cli *cli, const struct args *args, corrie_error *err);
int verb_help(struct cli *cli, const struct args *args, corrie_error *err);
int verb_completion(struct cli *cli, const struct args *args, corrie_error *err);
int verb_complete(struct cli *cli, const struct args *args, corrie_error *err);
int verb_gc(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_prune(struct cli *cli, const struct args *args, corrie_error *err);
int verb_fsck(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_get(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_create(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_rm(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_rename(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_reset(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_restore(struct cli *cli, const struct args *args, corrie_error *err);
int verb_branch_merge(struct cli *cli, const struct args *args, corrie_error *err);
int verb_cherry_pick(struct cli *cli, const struct args *args, corrie_error *err);
int verb_revert(struct cli *cli, const struct args *args, corrie_error *err);
int verb_checkout(struct cli *cli, const struct args *args, corrie_error *err);
int verb_tag_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_tag_get(struct cli *cli, const struct args *args, corrie_error *err);
int verb_tag_create(struct cli *cli, const struct args *args, corrie_error *err);
int verb_tag_rm(struct cli *cli, const struct args *args, corrie_error *err);
int verb_log(struct cli *cli, const struct args *args, corrie_error *err);
int verb_show(struct cli *cli, const struct args *args, corrie_error *err);
int verb_reflog(struct cli *cli, const struct args *args, corrie_error *err);
int verb_diff(struct cli *cli, const struct args *args, corrie_error *err);
int verb_status(struct cli *cli, const struct args *args, corrie_error *err);
int verb_namespace_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_namespace_create(struct cli *cli, const struct args *args, corrie_error *err);
int verb_namespace_rm(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_get(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_history(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_rm(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_rename(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_revert(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_files(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_sample(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_export(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_compact(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_expire(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_create(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_create_plan(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_create_external(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_plan_apply(struct cli *cli, const struct args *args, corrie_error *err);
int verb_table_import(struct cli *cli, const struct args *args, corrie_error *err);
int verb_import(struct cli *cli, const struct args *args, corrie_error *err);
int verb_query(struct cli *cli, const struct args *args, corrie_error *err);
int verb_explain(struct cli *cli, const struct args *args, corrie_error *err);
int verb_lineage(struct cli *cli, const struct args *args, corrie_error *err);
int verb_explain_project(struct cli *cli, const struct args *args, corrie_error *err);
int verb_sql(struct cli *cli, const struct args *args, corrie_error *err);
int verb_run(struct cli *cli, const struct args *args, corrie_error *err);
int verb_env_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_env_lock(struct cli *cli, const struct args *args, corrie_error *err);
int verb_env_clean(struct cli *cli, const struct args *args, corrie_error *err);
int verb_parameter_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_parameter_set(struct cli *cli, const struct args *args, corrie_error *err);
int verb_parameter_rm(struct cli *cli, const struct args *args, corrie_error *err);
int verb_job_ls(struct cli *cli, const struct args *args, corrie_error *err);
int verb_job_get(struct cli *cli, const struct args *args, corrie_error *err);
int verb_job_logs(struct cli *cli, const struct args *args, corrie_error *err);
int verb_job_stop(struct cli *cli, const struct args *args, corrie_error *err);

/* ---- what they share (cli.c) ---- */

/* The lake of this call, opened once. */
int cli_lake(struct cli *cli, corrie_lake **ret, corrie_error *err) CORRIE_MUST_USE;
/* The same, but where there is none none is made: CORRIE_E_NOT_FOUND. */
int cli_lake_there(struct cli *cli, corrie_lake **ret, corrie_error *err) CORRIE_MUST_USE;
/* The default namespace: --namespace, else the program's. May be NULL. */
const char *cli_namespace(const struct cli *cli, const struct args *args);
/* Asks a person at a terminal; without one, or with --yes, the answer is yes. 0, or CORRIE_E_CANCELLED. */
int cli_confirm(struct cli *cli, const char *question, corrie_error *err) CORRIE_MUST_USE;
/* Whether cli_confirm would ask: then what would be removed is found out first. */
bool cli_would_ask(const struct cli *cli);
/* Waits until standard input has something or has ended. CORRIE_E_CANCELLED on Ctrl-C. */
int cli_wait_input(struct cli *cli, corrie_error *err) CORRIE_MUST_USE;
/* Adds the bytes of a file, or of standard input (-), up to the buffer's maximum. */
int cli_read(struct cli *cli, const char *file, struct buf *ret, corrie_error *err) CORRIE_MUST_USE;
/* A line on standard error; in a pager, where what is paged is. "note: made a lake in /data/lake" */
void cli_note(struct cli *cli, enum style style, const char *label, struct str text);

/* ---- the background (detach.c) ---- */

/* With --detach the verb goes on in a process of its own: 0 in that one, and everywhere without --detach; 1 in the other, which
 * has told the job's id, or, where there came to be no job, that it ended as the child did. To be called before the lake
 * is opened. */
int cli_detach(struct cli *cli, const struct args *args, corrie_error *err) CORRIE_MUST_USE;
/* In the process for the background, when its job's record is there. */
void cli_detached(struct cli *cli, const char *job);

/* ---- help (help.c) ---- */

/* Of one verb, of a group, or (both NULL) of everything. */
void help_show(struct cli *cli, const struct verb *verb, const char *group);

/* Adds "corrie import URI… [options]", and "-r, --ref REF". */
void help_usage(struct buf *ret, const char *program, const struct verb *verb);
void help_flag(struct buf *ret, const struct flag *flag);

/* ---- manual pages (man.c) ---- */

/* corrie(1), or with `verb` corrie-VERB(1), as source for man. */
void man_show(struct cli *cli, const struct verb *verb);

/* ---- errors (report.c) ---- */

/* Shows the error on standard error, or as JSON on standard output where that is the format. */
void report_error(struct cli *cli, const corrie_error *err);

/* ---- conflicts (conflict.c) ---- */

/* Shows the conflicts of a merge on standard error. True if it told how to settle them. */
bool conflict_show(struct cli *cli, const corrie_error *err);

/* ---- documents (show.c) ---- */

enum show_kind {
    SHOW_TEXT,
    SHOW_NUMBER,
    SHOW_SECONDS, /* a number; for people as durations are shown elsewhere */
    SHOW_SIZE,    /* bytes; for people as sizes are shown elsewhere: 12 kB */
    SHOW_HASH,    /* 64 hex digits; for people the first 12 */
    SHOW_TIME,    /* for people without the fraction of a second */
    SHOW_ID,      /* a job's id; for people the first 8 */
    SHOW_LINE,    /* text; for people its first line */
    SHOW_MARK,    /* true or false; for people * or nothing */
    SHOW_ERROR    /* an error's document; for people its message's first line */
};

struct show_column {
    const char *title;
    const char *field;
    enum show_kind kind;
};

/* How a document is shown to people, as CSV and as JSON lines. JSON is the document as it is. */
struct show {
    const char *list; /* the array that is the listing; NULL: the document is one row */
    const struct show_column *columns;
    size_t n_columns;
    const char *nothing; /* said (on standard error) instead of an empty table; may be NULL */
    /* Prints for people instead of the listing; may be NULL. */
    int (*print)(struct cli *cli, const json_t *document, corrie_error *err);
};

/* Shows `text`, a JSON document of the library, and frees it. */
int show_document(struct cli *cli, char *text, const struct show *show, corrie_error *err);
/* The listing `list` of `document` as a table for people. */
int show_table(struct cli *cli, const json_t *list, const struct show_column *columns,
               size_t n_columns, corrie_error *err) CORRIE_MUST_USE;

/* Rows of a listing as they come, in the format of this call (but for JSON, which is one document): begin, add each,
 * end. Memory does not follow their number. */
struct show_rows {
    struct cli *cli;
    const struct show_column *columns;
    size_t n_columns;
    struct grid grid;
    struct buf cell;
};
int show_rows_begin(struct show_rows *rows, struct cli *cli, const struct show_column *columns,
                    size_t n_columns, corrie_error *err) CORRIE_MUST_USE;
int show_rows_add(struct show_rows *rows, const json_t *item, corrie_error *err) CORRIE_MUST_USE;
/* The same of a row that is text still. */
int show_rows_add_text(struct show_rows *rows, struct str row, corrie_error *err) CORRIE_MUST_USE;
int show_rows_end(struct show_rows *rows, corrie_error *err) CORRIE_MUST_USE;
void show_rows_done(struct show_rows *rows);

/* ---- long listings (list.c) ---- */

/* A listing of the library, shown row by row as it comes in any format; memory does not follow its length. */
struct list {
    const char *field; /* the document's list */
    const struct show_column *columns;
    size_t n_columns;
    const char *nothing; /* as in struct show */
    /* For people, what to say after the rows: the document's other fields. Adds a line without its end; may be NULL. */
    void (*note)(struct buf *ret, const struct jt_member *rest, size_t n);
    bool note_to_programs; /* too, where the format is not JSON, whose document has it */
};
/* `_cleanup_(cursor_closep) corrie_cursor *cursor = NULL;` */
static inline void cursor_closep(corrie_cursor **cursor)
{
    *cursor = corrie_cursor_close(*cursor);
}
/* Shows what the cursor gives, and closes it. */
int list_show(struct cli *cli, corrie_cursor *cursor, const struct list *list, corrie_error *err)
    CORRIE_MUST_USE;
/* Of a listing that --limit has cut, after its rows: that there are more. A JSON document says it by `more`. */
void list_say_cut(struct cli *cli);

/* A value as people read it, of the given kind, in `ret`. */
void show_value(struct buf *ret, const json_t *value, enum show_kind kind);
/* The same of a value that is text still; empty: there is none. */
enum { SHOW_FIELDS = 32 }; /* of a row, at most */
void show_json_value(struct buf *ret, struct str json, enum show_kind kind);
/* Columns of a CHANGE (include/corrie/lake.h). */
enum { SHOW_CHANGE_COLUMNS = 11 };
extern const struct show_column show_change_columns[SHOW_CHANGE_COLUMNS];
/* What differs (documents of diff, show and merge), with columns and rows where the document has them. Keys of the
 * ledger, which move with every import, are left to `-o json`. */
int show_changes(struct cli *cli, const json_t *changes, corrie_error *err) CORRIE_MUST_USE;
/* Text of a field, "" where there is none. Borrowed. */
struct str show_field(const json_t *object, const char *field);
/* The first digits of the hash in a field. */
void show_hash(struct cli *cli, const json_t *document, const char *field);
/* "; this brings it back: COMMAND" of a document's `restore`, and the end of the line. */
void show_restore(struct cli *cli, const json_t *document);
/* "key  value" lines; skips fields that are null or absent. */
void show_pairs(struct cli *cli, const json_t *object, const struct show_column *pairs, size_t n);
/* Columns of the screen. */
size_t show_width(const struct cli *cli);
/* How grids look in this call. */
struct grid_options show_grid_options(const struct cli *cli);
bool format_is_for_people(enum format format);

/* ---- query results (result.c) ---- */

struct ArrowArrayStream;

/* Prints the stream in cli->format. `max_rows`: 0 = all. Releases nothing. */
int result_print(struct cli *cli, struct ArrowArrayStream *rows, int64_t max_rows,
                 corrie_error *err) CORRIE_MUST_USE;

/* ---- SQL from outside (sql.c) ---- */

/* What was asked by SQL or -f, or comes on standard input, and the name of the file it came from (else it stays NULL).
 * `verb` is for messages. */
int sql_read(struct cli *cli, const struct args *args, const char *verb, struct buf *ret,
             const char **ret_file, corrie_error *err) CORRIE_MUST_USE;
/* Errors in a file's SQL name the file. Returns the error's code. */
int sql_name_file(corrie_error *err, const char *file);

#endif
