/* repl.c — SQL line by line at a terminal. A statement ends with ';' and is then executed; between BEGIN and COMMIT they are
 * gathered and executed together. Ctrl-C ends what runs, or drops what was typed, and never the shell. */
#include "cli/repl.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/line.h"
#include "lang/statement.h"
#include "os/dir.h"
#include "os/signal.h"
#include "os/user.h"

static const char *const keywords[] = {"ALTER TABLE",  "BEGIN",
                                       "COMMIT",       "CREATE TABLE",
                                       "DELETE FROM",  "DROP TABLE",
                                       "FROM",         "GROUP BY",
                                       "INSERT INTO",  "JOIN",
                                       "LIMIT",        "MERGE INTO",
                                       "ORDER BY",     "PARTITIONED BY",
                                       "ROLLBACK",     "SELECT",
                                       "TRUNCATE",     "UPDATE",
                                       "USING",        "VALUES",
                                       "WHEN MATCHED", "WHEN NOT MATCHED",
                                       "WHERE"};

struct repl {
    struct cli *cli;
    const struct repl_options *options;
    struct line_editor *editor;
    struct buf text; /* typed, not yet executed */
    json_t *tables;  /* of the branch, for completion; NULL: not asked yet */
};

/* ---- completion ---- */

static bool begins(struct str text, struct str word)
{
    return str_eq_nocase(str_slice(text, 0, word.len), word);
}

static void load_tables(struct repl *repl)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    corrie_lake *lake;
    char *text = NULL;

    if (!repl->tables && cli_lake(repl->cli, &lake, &ignored) >= 0 &&
        corrie_table_list(lake, repl->options->branch, NULL, &text, &ignored) >= 0) {
        if (js_parse(str_of(text), "the tables", &repl->tables, &ignored) < 0) {
            repl->tables = NULL;
        }
        corrie_free(text);
    }
}

static void complete(void *arg, struct str word, void (*add)(void *list, struct str text),
                     void *list)
{
    struct repl *repl = arg;
    const json_t *tables;

    load_tables(repl);
    tables = json_object_get(repl->tables, "tables");
    for (size_t i = 0; word.len > 0 && i < ARRAY_LEN(keywords); i++) {
        if (begins(str_of(keywords[i]), word) &&
            str_starts(str_of(keywords[i]), word)) { /* what is typed stays as it is */
            add(list, str_of(keywords[i]));
        }
    }
    for (size_t i = 0; i < json_array_size(tables); i++) {
        _cleanup_(buf_done) struct buf name = {0};
        const json_t *item = json_array_get(tables, i);

        buf_addf(&name, "%.*s.%.*s", STR_FMT(show_field(item, "namespace")),
                 STR_FMT(show_field(item, "name")));
        if (!name.failed && str_starts(buf_str(&name), word)) {
            add(list, buf_str(&name));
        }
    }
}

/* ---- statements ---- */

/* Whether BEGIN stands there without an end: more is to come. */
static bool is_gathering(struct str text)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct str rest = text;
    struct str one;
    bool open = false;

    while (statement_next(NULL, text, &rest, &one, &ignored) > 0) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct statement statement;

        if (statement_parse(NULL, text, one, &arena, &statement, &ignored) < 0) {
            return false;
        }
        open = statement.kind == STATEMENT_BEGIN ||
               (open && statement.kind != STATEMENT_COMMIT && statement.kind != STATEMENT_ROLLBACK);
    }
    return open;
}

/* The next Ctrl-C is a first one again. */
static int listen(struct cli *cli, corrie_error *err)
{
    os_signals_restore();
    atomic_store(&cli->cancel.requested, 0);
    return os_signals_catch(&cli->cancel, err);
}

static int execute(struct repl *repl, corrie_error *err)
{
    struct cli *cli = repl->cli;
    _error_ corrie_error failure = CORRIE_ERROR_INIT;
    const char *text = buf_text(&repl->text);
    int r = 0;

    line_remember(repl->editor, text);
    if (repl->options->run(repl->options->arg, text, &failure) < 0) {
        report_error(cli, &failure);
    }
    json_decref(repl->tables);
    repl->tables = NULL;
    buf_clear(&repl->text);
    out_flush(&cli->out);
    out_flush(&cli->err);
    if (cancel_requested(&cli->cancel)) {
        r = listen(cli, err);
    }
    return r;
}

/* ---- lines ---- */

static bool is_word(struct str line, const char *word)
{
    return str_eq_nocase(str_trim(line), str_of(word));
}

/* 1: the line was for the shell; 2: and that is to end. */
static int shell_command(struct repl *repl, struct str line)
{
    if (repl->text.len > 0) {
        return 0;
    }
    if (is_word(line, "\\q") || is_word(line, "exit") || is_word(line, "quit") ||
        is_word(line, "exit;") || is_word(line, "quit;")) {
        return 2;
    }
    if (is_word(line, "\\?") || is_word(line, "help") || is_word(line, "help;")) {
        out_text(
            &repl->cli->out,
            "A statement ends with ; and is one commit. BEGIN; … COMMIT; are executed together, as one.\n"
            "Tab completes names of tables, Ctrl-C stops what runs, \\q or Ctrl-D ends.\n");
        out_flush(&repl->cli->out);
        return 1;
    }
    if (str_starts(str_trim(line), STR("\\"))) {
        out_text(&repl->cli->out, "\\q ends, \\? tells more\n");
        out_flush(&repl->cli->out);
        return 1;
    }
    return str_trim(line).len == 0;
}

/* 0 go on, 1 the end. */
static int one_line(struct repl *repl, corrie_error *err)
{
    _cleanup_(buf_done) struct buf line = {0};
    bool fresh = repl->text.len == 0;
    int r;

    buf_init(&line, CORRIE_MAX_SQL);
    r = line_read(repl->editor, fresh ? "sql> " : "   > ", &line, err);
    if (r == CORRIE_E_CANCELLED) {
        corrie_error_clear(err);
        buf_clear(&repl->text);
        out_text(&repl->cli->out, "\n");
        out_flush(&repl->cli->out);
        return listen(repl->cli, err);
    }
    if (r <= 0) {
        out_text(&repl->cli->out, "\n");
        return r < 0 ? r : 1;
    }
    r = shell_command(repl, buf_str(&line));
    if (r > 0) {
        return r == 2;
    }
    buf_add_text(&repl->text, fresh ? "" : "\n");
    buf_add_str(&repl->text, buf_str(&line));
    r = buf_check(&repl->text, err);
    if (r < 0 || !statement_is_whole(buf_str(&repl->text)) || is_gathering(buf_str(&repl->text))) {
        return r;
    }
    return execute(repl, err);
}

/* The history's file, its directory made; NULL where it cannot be. */
static char *history_path(void)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf path = {0};
    _free_ char *place = NULL;

    if (os_place(OS_STATE, &place, &ignored) < 0 || os_dir_make(place, 0700, &ignored) < 0) {
        return NULL;
    }
    buf_addf(&path, "%s/sql_history", place);
    return buf_take(&path);
}

int repl_run(struct cli *cli, const struct repl_options *options, corrie_error *err)
{
    struct repl repl = {.cli = cli, .options = options};
    _free_ char *history = history_path();
    struct line_options line = {
        .history = history, .cancel = &cli->cancel, .complete = complete, .complete_arg = &repl};
    corrie_lake *lake;
    int r;

    buf_init(&repl.text, CORRIE_MAX_SQL);
    r = cli_lake(cli, &lake, err); /* a wrong lake is told at once */
    if (r >= 0) {
        r = line_open(&line, &repl.editor, err);
    }
    if (r >= 0) {
        out_text(&cli->out, "\\? for help, \\q to end\n");
        out_flush(&cli->out);
        while ((r = one_line(&repl, err)) == 0) {
        }
    }
    line_close(repl.editor);
    json_decref(repl.tables);
    buf_done(&repl.text);
    return r < 0 ? r : 0;
}
