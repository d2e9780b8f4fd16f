/* verb_job.c — what was done and what is being done: records of jobs, their logs, stopping them. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/text.h"

enum { DEFAULT_JOBS = 10, STOP_WAIT_MS = 30000 };

/* Who names jobs or users means them, whosever they are. Called by bauplan's name queries are listed, as it does. */
static corrie_job_list_options list_options(const struct cli *cli, const struct args *args)
{
    return (corrie_job_list_options){
        .size = sizeof(corrie_job_list_options),
        .max = (size_t)args_number(args, OPT_MAX_COUNT, DEFAULT_JOBS),
        .mine = !args_on(args, OPT_ALL_USERS) && !args_given(args, OPT_USER) &&
                !args_given(args, OPT_JOB),
        .ids = args->of[OPT_JOB].items,
        .n_ids = args->of[OPT_JOB].count,
        .users = args->of[OPT_USER].items,
        .n_users = args->of[OPT_USER].count,
        .kinds = args->of[OPT_KIND].items,
        .n_kinds = args->of[OPT_KIND].count,
        .statuses = args->of[OPT_STATUS].items,
        .n_statuses = args->of[OPT_STATUS].count,
        .queries = strcmp(cli->program, "bauplan") == 0,
        .created_after = args_text(args, OPT_CREATED_AFTER),
        .created_before = args_text(args, OPT_CREATED_BEFORE),
    };
}

/* Whether nothing but queries is asked for: those have a statement to show, and hardly ever another's error. */
static bool only_queries(const corrie_job_list_options *options)
{
    for (size_t i = 0; i < options->n_kinds; i++) {
        if (strcasecmp(options->kinds[i], "query") != 0) {
            return false;
        }
    }
    return options->n_kinds > 0;
}

int verb_job_ls(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"JOB", "job", SHOW_ID},         {"KIND", "kind", SHOW_TEXT},
        {"STATUS", "status", SHOW_TEXT}, {"USER", "user", SHOW_TEXT},
        {"REF", "ref", SHOW_TEXT},       {"STARTED", "started", SHOW_TIME},
        {"ENDED", "ended", SHOW_TIME},   {"ERROR", "error", SHOW_ERROR},
    };
    static const struct show show = {.list = "jobs",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .nothing = "no jobs; -k query lists queries"};
    static const struct show_column query_columns[] = {
        {"JOB", "job", SHOW_ID},           {"STATUS", "status", SHOW_TEXT},
        {"USER", "user", SHOW_TEXT},       {"REF", "ref", SHOW_TEXT},
        {"STARTED", "started", SHOW_TIME}, {"TIME", "seconds", SHOW_SECONDS},
        {"ROWS", "rows", SHOW_NUMBER},     {"STATEMENT", "statement", SHOW_LINE},
        {"ERROR", "error", SHOW_ERROR},
    };
    static const struct show show_queries = {.list = "jobs",
                                             .columns = query_columns,
                                             .n_columns = ARRAY_LEN(query_columns),
                                             .nothing = "there were no such queries"};
    corrie_job_list_options options = list_options(cli, args);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_job_list(lake, &options, &text, err);
    }
    return r < 0 ? r
                 : show_document(cli, text, only_queries(&options) ? &show_queries : &show, err);
}

static void say_error(struct cli *cli, const json_t *error)
{
    struct str hint = show_field(error, "hint");
    struct str detail = show_field(json_object_get(error, "context"), "detail");

    out_char(&cli->out, '\n');
    out_styled(&cli->out, STYLE_RED, "error");
    out_text(&cli->out, ": ");
    text_escape_lines(&cli->out.text, show_field(error, "message"));
    out_char(&cli->out, '\n');
    if (detail.len > 0) {
        text_escape_lines(&cli->out.text, detail);
        out_text(&cli->out, detail.data[detail.len - 1] == '\n' ? "" : "\n");
    }
    if (hint.len > 0) {
        out_styled(&cli->out, STYLE_CYAN, "hint");
        out_text(&cli->out, ": ");
        text_escape_lines(&cli->out.text, hint);
        out_char(&cli->out, '\n');
    }
}

/* Gives each node, for its row, what it reads as one text ("orders, shop.customers@main"), and its Python. */
static void tell_inputs(json_t *nodes)
{
    json_t *node;
    size_t i;

    json_array_foreach(nodes, i, node)
    {
        const json_t *inputs = json_object_get(node, "inputs");
        const json_t *environment = json_object_get(node, "environment");
        _cleanup_(buf_done) struct buf text = {0};

        for (size_t k = 0; k < json_array_size(inputs); k++) {
            const json_t *input = json_array_get(inputs, k);

            buf_add_text(&text, k > 0 ? ", " : "");
            buf_add_str(&text, show_field(input, "model"));
            if (!json_object_get(input, "model")) {
                buf_addf(&text, "%.*s.%.*s@%.*s", STR_FMT(show_field(input, "namespace")),
                         STR_FMT(show_field(input, "table")), STR_FMT(show_field(input, "ref")));
            }
        }
        /* where memory is short the cells are empty */
        (void)json_object_set_new(node, "reads", js_string(buf_str(&text)));
        (void)json_object_set_new(node, "python", js_string(show_field(environment, "python")));
    }
}

/* What a query or a statement was. */
static void say_statement(struct cli *cli, const json_t *document)
{
    struct str sql = show_field(json_object_get(document, "args"), "sql");

    if (sql.len > 0) {
        out_char(&cli->out, '\n');
        text_escape_lines(&cli->out.text, sql);
        out_text(&cli->out, sql.data[sql.len - 1] == '\n' ? "" : "\n");
    }
}

static int print_job(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column pairs[] = {
        {"job", "job", SHOW_TEXT},
        {"kind", "kind", SHOW_TEXT},
        {"status", "status", SHOW_TEXT},
        {"user", "user", SHOW_TEXT},
        {"host", "host", SHOW_TEXT},
        {"ref", "ref", SHOW_TEXT},
        {"started", "started", SHOW_TIME},
        {"ended", "ended", SHOW_TIME},
        {"from commit", "commit_in", SHOW_HASH},
        {"made commit", "commit_out", SHOW_HASH},
        {"time", "seconds", SHOW_SECONDS},
        {"rows", "rows", SHOW_NUMBER},
        {"bytes", "bytes", SHOW_SIZE},
        {"max rss", "max_rss", SHOW_SIZE},
    };
    static const struct show_column nodes[] = {
        {"NODE", "name", SHOW_TEXT},       {"KIND", "kind", SHOW_TEXT},
        {"STATUS", "status", SHOW_TEXT},   {"ROWS", "rows", SHOW_NUMBER},
        {"TIME", "seconds", SHOW_SECONDS}, {"READ", "bytes_read", SHOW_SIZE},
        {"MAX RSS", "max_rss", SHOW_SIZE}, {"PYTHON", "python", SHOW_TEXT},
        {"INPUTS", "reads", SHOW_TEXT},
    };
    static const struct show_column files[] = {
        {"FILE", "uri", SHOW_TEXT},
        {"STATUS", "status", SHOW_TEXT},
        {"ROWS", "rows", SHOW_NUMBER},
        {"BYTES", "bytes", SHOW_SIZE},
    };
    static const struct show_column tables[] = {
        {"NAMESPACE", "namespace", SHOW_TEXT},
        {"TABLE", "name", SHOW_TEXT},
        {"ROWS WRITTEN", "rows_written", SHOW_NUMBER},
        {"RECORDS", "records", SHOW_NUMBER},
    };
    json_t *done = json_object_get(document, "nodes");
    const json_t *error = json_object_get(document, "error");
    int r = 0;

    show_pairs(cli, document, pairs, ARRAY_LEN(pairs));
    say_statement(cli, document);
    if (json_array_size(done) > 0) {
        bool import = json_object_get(json_array_get(done, 0), "uri") != NULL;

        out_char(&cli->out, '\n');
        tell_inputs(done);
        r = import ? show_table(cli, done, files, ARRAY_LEN(files), err)
                   : show_table(cli, done, nodes, ARRAY_LEN(nodes), err);
    }
    done = json_object_get(document, "tables");
    if (r >= 0 && json_array_size(done) > 0) {
        out_char(&cli->out, '\n');
        r = show_table(cli, done, tables, ARRAY_LEN(tables), err);
    }
    if (r >= 0 && json_is_object(error)) {
        say_error(cli, error);
    }
    return r;
}

int verb_job_get(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"", "job", SHOW_TEXT},   {"", "kind", SHOW_TEXT},      {"", "status", SHOW_TEXT},
        {"", "user", SHOW_TEXT},  {"", "ref", SHOW_TEXT},       {"", "started", SHOW_TEXT},
        {"", "ended", SHOW_TEXT}, {"", "commit_in", SHOW_TEXT}, {"", "commit_out", SHOW_TEXT},
    };
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_job};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0 || (r = corrie_job_get(lake, args_text(args, OPT_JOB), &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

/* What an entry that no function printed says: "done, 12 rows, 1.20 s". */
static void describe_event(struct buf *text, const json_t *entry)
{
    struct str kind = show_field(entry, "kind");
    struct str status = show_field(entry, "status");
    const json_t *rows = json_object_get(entry, "rows");
    const json_t *seconds = json_object_get(entry, "seconds");
    char scratch[32];

    if (str_eq(kind, STR("done")) && status.len > 0) {
        kind = status;
    }
    if (!str_eq(kind, STR("log")) && !str_eq(kind, STR("notice"))) {
        buf_add_str(text, kind);
        buf_add_text(text, show_field(entry, "text").len > 0 ? " " : "");
    }
    buf_add_str(text, show_field(entry, "text"));
    if (json_is_integer(rows)) {
        buf_addf(text, ", %lld row%s", (long long)json_integer_value(rows),
                 json_integer_value(rows) == 1 ? "" : "s");
    }
    if (json_is_number(seconds)) {
        progress_seconds(scratch, json_number_value(seconds));
        buf_addf(text, ", %s", scratch);
    }
}

/* A line an entry: time, who, where, what. */
static void print_entry(struct cli *cli, const json_t *entry)
{
    _cleanup_(buf_done) struct buf time = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct str node = show_field(entry, "node");
    struct str file = show_field(entry, "file");
    json_int_t line = json_integer_value(json_object_get(entry, "line"));

    show_value(&time, json_object_get(entry, "time"), SHOW_TIME);
    describe_event(&text, entry);
    out_style(&cli->out, STYLE_DIM);
    out_clean(&cli->out, buf_str(&time));
    if (node.len > 0) {
        out_char(&cli->out, ' ');
        out_clean(&cli->out, node);
    }
    if (file.len > 0) {
        out_text(&cli->out, " @ ");
        out_clean(&cli->out, file);
    }
    if (file.len > 0 && line > 0) {
        out_printf(&cli->out, ":%lld", (long long)line);
    }
    out_text(&cli->out, " | ");
    out_style(&cli->out, STYLE_PLAIN);
    out_clean(&cli->out, buf_str(&text));
    out_char(&cli->out, '\n');
}

static int print_logs(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *entry;
    size_t i;

    (void)err;
    json_array_foreach(json_object_get(document, "logs"), i, entry)
    {
        print_entry(cli, entry);
    }
    return 0;
}

static const struct show_column log_columns[] = {
    {"", "time", SHOW_TEXT},   {"", "kind", SHOW_TEXT},   {"", "node", SHOW_TEXT},
    {"", "status", SHOW_TEXT}, {"", "stream", SHOW_TEXT}, {"", "file", SHOW_TEXT},
    {"", "line", SHOW_TEXT},   {"", "text", SHOW_TEXT},
};

/* Each line is on its way as soon as it is there. */
static int follow_lines(struct cli *cli, corrie_cursor *cursor, corrie_error *err)
{
    _free_ char *row = NULL;
    int r;

    while (!out_stopped(&cli->out) && (r = corrie_cursor_next(cursor, &row, err)) != 0) {
        _json_ json_t *entry = r > 0 ? json_loads(row, 0, NULL) : NULL;

        if (r < 0) {
            return r;
        }
        if (cli->format == FORMAT_JSONL) {
            out_text(&cli->out, row);
            out_char(&cli->out, '\n');
        } else if (entry) {
            print_entry(cli, entry);
        }
        out_flush(&cli->out);
        mem_free(row);
        row = NULL;
    }
    return 0;
}

static int say_end(struct cli *cli, corrie_lake *lake, const char *job, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *record = NULL;
    char *document;
    int r = corrie_job_get(lake, job, &document, err);

    if (r < 0) {
        return r;
    }
    record = json_loads(document, 0, NULL);
    corrie_free(document);
    buf_addf(&text, "job %.*s is %.*s", STR_FMT(str_slice(show_field(record, "job"), 0, 8)),
             STR_FMT(show_field(record, "status")));
    cli_note(cli, STYLE_CYAN, "note", buf_str(&text));
    return 0;
}

static int follow(struct cli *cli, corrie_lake *lake, const char *job, corrie_error *err)
{
    static const struct list list = {
        .field = "logs", .columns = log_columns, .n_columns = ARRAY_LEN(log_columns)};
    corrie_cursor *lines;
    int r = corrie_job_logs_open(lake, job, true, &lines, err);

    if (r < 0) {
        return r;
    }
    if (cli->format != FORMAT_JSONL && !format_is_for_people(cli->format)) {
        return list_show(cli, lines, &list, err);
    }
    r = follow_lines(cli, lines, err);
    corrie_cursor_close(lines);
    return r < 0 || cli->format == FORMAT_JSONL ? r : say_end(cli, lake, job, err);
}

int verb_job_logs(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "logs",
                                     .columns = log_columns,
                                     .n_columns = ARRAY_LEN(log_columns),
                                     .print = print_logs};
    const char *job = args_text(args, OPT_JOB);
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0 && args_on(args, OPT_FOLLOW)) {
        return follow(cli, lake, job, err);
    }
    if (r < 0 || (r = corrie_job_logs(lake, job, &text, err)) < 0) {
        return r;
    }
    return show_document(cli, text, &show, err);
}

/* ---- stopping ---- */

static int print_stop(struct cli *cli, const json_t *document, corrie_error *err)
{
    struct str status = show_field(document, "status");

    (void)err;
    out_text(&cli->out, "job ");
    out_clean(&cli->out, str_slice(show_field(document, "job"), 0, 8));
    if (str_eq(status, STR("running"))) {
        out_text(&cli->out, " was asked to stop, and runs still\n");
    } else {
        out_text(&cli->out, " is ");
        out_clean(&cli->out, status);
        out_char(&cli->out, '\n');
    }
    return 0;
}

int verb_job_stop(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "job", SHOW_TEXT},
                                                 {"", "kind", SHOW_TEXT},
                                                 {"", "status", SHOW_TEXT},
                                                 {"", "ended", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_stop};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_job_stop(lake, args_text(args, OPT_JOB),
                            args_on(args, OPT_NO_WAIT) ? 0 : STOP_WAIT_MS, &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}
