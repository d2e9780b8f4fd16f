/* verb_sql.c — statements that change tables, and what came of them. */
#include <corrie/sql.h>

#include "arrow/table.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/repl.h"
#include "os/tty.h"

enum { TERMINAL_ROWS = 100 };

/* ---- what is told ---- */

static void add_count(struct buf *out, const json_t *item, const char *field, const char *verb)
{
    json_int_t n = json_integer_value(json_object_get(item, field));

    if (n > 0) {
        buf_addf(out, "%s%lld row%s %s", out->len ? ", " : "", (long long)n, n == 1 ? "" : "s",
                 verb);
    }
}

/* " (2 files replaced, 1 removed)": those of which rows stay, and those that went whole. */
static void add_files(struct buf *out, const json_t *item, bool dry_run)
{
    json_int_t gone = json_integer_value(json_object_get(item, "files_dropped"));
    json_int_t replaced = json_integer_value(json_object_get(item, "files_removed")) - gone;
    const char *would = dry_run ? "would be " : "";

    if (replaced > 0) {
        buf_addf(out, " (%lld file%s %sreplaced", (long long)replaced, replaced == 1 ? "" : "s",
                 would);
    }
    if (replaced > 0 && gone > 0) {
        buf_addf(out, ", %lld %sremoved", (long long)gone, would);
    } else if (gone > 0) {
        buf_addf(out, " (%lld file%s %sremoved", (long long)gone, gone == 1 ? "" : "s", would);
    }
    buf_add_text(out, replaced + gone > 0 ? ")" : "");
}

/* "delete shop.events: 3 rows deleted (2 files replaced)" */
static void describe(struct buf *out, const json_t *item, bool dry_run)
{
    _cleanup_(buf_done) struct buf counts = {0};
    struct str statement = show_field(item, "statement");
    struct str table = show_field(item, "table");
    struct str ns = show_field(item, "namespace");
    struct str note = show_field(item, "note");
    bool rows = str_eq(statement, STR("insert")) || str_eq(statement, STR("delete")) ||
                str_eq(statement, STR("update")) || str_eq(statement, STR("merge"));

    buf_addf(out, "%.*s", STR_FMT(statement));
    if (table.len + ns.len > 0) {
        buf_addf(out, " %.*s", STR_FMT(table.len > 0 ? table : ns));
    }
    add_count(&counts, item, "rows_inserted", dry_run ? "would be inserted" : "inserted");
    add_count(&counts, item, "rows_updated", dry_run ? "would be updated" : "updated");
    add_count(&counts, item, "rows_deleted", dry_run ? "would be deleted" : "deleted");
    if (counts.len > 0) {
        buf_add_text(out, ": ");
        buf_add_str(out, buf_str(&counts));
    } else if (rows) {
        buf_add_text(out, ": 0 rows");
    }
    add_files(out, item, dry_run);
    if (note.len > 0) {
        buf_addf(out, ": %.*s", STR_FMT(note));
    }
    if (counts.failed) {
        out->failed = counts.failed;
    }
}

static int print_done(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *list = json_object_get(document, "statements");
    bool dry_run = json_is_true(json_object_get(document, "dry_run"));
    struct str commit = show_field(document, "commit");
    size_t changes = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        _cleanup_(buf_done) struct buf line = {0};
        const json_t *item = json_array_get(list, i);
        int r;

        if (str_eq(show_field(item, "statement"), STR("query"))) {
            continue;
        }
        describe(&line, item, dry_run);
        r = buf_check(&line, err);
        if (r < 0) {
            return r;
        }
        out_clean(&cli->out, buf_str(&line));
        out_char(&cli->out, '\n');
        changes++;
    }
    if (commit.len > 0) {
        out_text(&cli->out, "commit ");
        show_hash(cli, document, "commit");
        out_text(&cli->out, " on ");
        out_clean(&cli->out, show_field(document, "branch"));
        out_char(&cli->out, '\n');
    } else if (changes > 0) {
        out_text(&cli->out, dry_run ? "nothing was changed: --dry-run\n" : "nothing to commit\n");
    }
    return 0;
}

static const struct show_column columns[] = {
    {"statement", "statement", SHOW_TEXT},
    {"table", "table", SHOW_TEXT},
    {"inserted", "rows_inserted", SHOW_NUMBER},
    {"updated", "rows_updated", SHOW_NUMBER},
    {"deleted", "rows_deleted", SHOW_NUMBER},
    {"files_added", "files_added", SHOW_NUMBER},
    {"files_removed", "files_removed", SHOW_NUMBER},
    {"commit", "commit", SHOW_HASH},
    {"note", "note", SHOW_TEXT},
};

/* ---- results of queries ---- */

struct results {
    struct cli *cli;
    int64_t max_rows;
    size_t queries;
};

static int on_rows(void *context, size_t index, struct ArrowArrayStream *rows, corrie_error *err)
{
    struct results *results = context;

    (void)index;
    results->queries++;
    return result_print(results->cli, rows, results->max_rows, err);
}

/* Whether there was more than queries, whose rows were all that is to be told. */
static bool tells_more(const char *text, size_t queries)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _json_ json_t *document = NULL;

    return js_parse(str_of(text), "the answer", &document, &ignored) < 0 ||
           json_array_size(json_object_get(document, "statements")) > queries;
}

/* ---- the verb ---- */

struct call {
    struct cli *cli;
    struct results results;
    corrie_sql_options options;
};

static int run_text(void *arg, const char *sql, corrie_error *err)
{
    static const struct show show = {.list = "statements",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_done};
    struct call *call = arg;
    struct cli *cli = call->cli;
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    call->results.queries = 0;
    progress_begin(&cli->progress, &cli->err);
    progress_set(&cli->progress, "sql", NULL, -1, -1);
    r = corrie_sql(lake, sql, &call->options, &text, err);
    progress_end(&cli->progress);
    if (r < 0) {
        return r;
    }
    if (call->results.queries > 0 && !tells_more(text, call->results.queries)) {
        corrie_free(text);
        return 0;
    }
    return show_document(cli, text, &show, err);
}

int verb_sql(struct cli *cli, const struct args *args, corrie_error *err)
{
    struct call call = {.cli = cli,
                        .results = {.cli = cli,
                                    .max_rows = args_number(args, OPT_MAX_ROWS,
                                                            cli->out.terminal ? TERMINAL_ROWS : 0)},
                        .options = {.size = sizeof call.options,
                                    .branch = args_text(args, OPT_BRANCH),
                                    .default_namespace = cli_namespace(cli, args),
                                    .message = args_text(args, OPT_MESSAGE),
                                    .memory = args_text(args, OPT_MEMORY),
                                    .autocommit = args_on(args, OPT_AUTOCOMMIT),
                                    .dry_run = args_on(args, OPT_DRY_RUN),
                                    .accept_taint = args_on(args, OPT_ACCEPT_TAINT),
                                    .rows = on_rows,
                                    .rows_context = &call.results}};
    _cleanup_(buf_done) struct buf sql = {0};
    const char *file = NULL;
    int r;

    if (!args_given(args, OPT_SQL) && !args_given(args, OPT_FILE) && os_is_terminal(0) &&
        cli->out.terminal) {
        return repl_run(
            cli,
            &(struct repl_options){.branch = call.options.branch, .run = run_text, .arg = &call},
            err);
    }
    r = sql_read(cli, args, "sql", &sql, &file, err);
    if (r < 0) {
        return r;
    }
    call.options.file = file;
    r = run_text(&call, buf_text(&sql), err);
    return r < 0 ? sql_name_file(err, file) : r;
}
