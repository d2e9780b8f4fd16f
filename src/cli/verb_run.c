/* verb_run.c — `run`, and how it is shown while it goes on.
 *
 * Standard output gets the result: the tables, or in a dry run the plan; with --events each event as a JSON
 * line. Standard error gets what happens: on a terminal the plan, a line for each function in place
 * (progress.h), and what functions print above those; elsewhere a line an event. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/text.h"
#include "os/tty.h"

#define PLANNING "planning"

struct run_view {
    struct cli *cli;
    bool events; /* JSON lines */
    bool dry_run;
};

/* ---- events as JSON lines (docs/formats/jobs.md) ---- */

static void add_text(struct buf *line, const char *field, const char *value)
{
    if (value) {
        buf_addf(line, ",\"%s\":", field);
        text_json(line, str_of(value));
    }
}

static void event_line(struct cli *cli, const corrie_event *event)
{
    struct buf *line = &cli->out.text;
    bool plan = strcmp(event->kind, "plan") == 0;
    char time[CLOCK_TEXT_MAX];

    clock_format(event->time_ns, time);
    buf_add_text(line, "{\"kind\":");
    text_json(line, str_of(event->kind));
    add_text(line, "time", time);
    add_text(line, "node", event->node);
    add_text(line, "status", event->status);
    add_text(line, "stream", event->stream);
    add_text(line, "file", event->file);
    if (event->line > 0) {
        buf_addf(line, ",\"line\":%ld", event->line);
    }
    add_text(line, "text", plan ? NULL : event->text);
    if (event->rows >= 0) {
        buf_addf(line, ",\"rows\":%lld", (long long)event->rows);
    }
    if (event->bytes >= 0) {
        buf_addf(line, ",\"bytes\":%lld", (long long)event->bytes);
    }
    if (event->bytes_read >= 0 && strcmp(event->kind, "done") == 0) {
        buf_addf(line, ",\"bytes_read\":%lld", (long long)event->bytes_read);
    }
    if (event->seconds > 0) {
        buf_addf(line, ",\"seconds\":%.6f", event->seconds);
    }
    if (plan && event->json) {
        buf_addf(line, ",\"plan\":%s", event->json);
    }
    buf_add_text(line, "}\n");
    out_flush(&cli->out);
}

/* ---- events for people ---- */

/* "models.py:12" */
static void say_place(struct out *out, const corrie_event *event)
{
    if (event->file) {
        out_clean(out, str_of(event->file));
        if (event->line > 0) {
            out_printf(out, ":%ld", event->line);
        }
    }
}

/* What is printed may have several lines; tabs are no danger. */
static void say_log(struct out *out, const corrie_event *event)
{
    struct str rest = str_of(event->text);
    struct str line;

    do {
        ptrdiff_t end = str_find(rest, '\n');

        line = end < 0 ? rest : str_slice(rest, 0, (size_t)end);
        rest = end < 0 ? STR("") : str_from(rest, (size_t)end + 1);
        out_style(out, STYLE_DIM);
        out_clean(out, str_of(event->node));
        if (event->file) {
            out_text(out, " @ ");
            say_place(out, event);
        }
        out_text(out, " | ");
        out_style(out, STYLE_PLAIN);
        text_escape_lines(&out->text, line);
        out_char(out, '\n');
    } while (rest.len > 0);
}

/* Why a function ended as it did, without its name, which stands before it. NULL: nobody says. */
static const char *why_ended(const corrie_event *event)
{
    size_t n = event->node ? strlen(event->node) : 0;
    const char *why = event->text;

    return why && n > 0 && strncmp(why, event->node, n) == 0 && strncmp(why + n, ": ", 2) == 0
               ? why + n + 2
               : why;
}

/* Where nothing is drawn in place. */
static void say_done(struct out *out, const corrie_event *event)
{
    const char *status = event->status ? event->status : "done";
    bool warned = strcmp(status, "failed-warning") == 0;
    bool failed = !warned && strcmp(status, "done") != 0;
    char seconds[32];
    char size[32];

    out_styled(out, failed ? STYLE_RED : warned ? STYLE_YELLOW : STYLE_GREEN, status);
    out_char(out, ' ');
    out_clean(out, str_of(event->node));
    if (event->rows >= 0) {
        out_printf(out, "  %lld row%s", (long long)event->rows, event->rows == 1 ? "" : "s");
    }
    progress_seconds(seconds, event->seconds);
    out_printf(out, "  %s", seconds);
    if (event->bytes_read > 0) {
        progress_bytes(size, event->bytes_read);
        out_printf(out, "  read %s", size);
    }
    if (event->text) {
        struct str why = str_of(why_ended(event));
        ptrdiff_t end = str_find(why, '\n');

        out_text(out, "  ");
        out_clean(out, end < 0 ? why : str_slice(why, 0, (size_t)end));
    }
    out_char(out, '\n');
}

static void say_notice(struct out *out, const corrie_event *event)
{
    bool warning = event->status && strcmp(event->status, "warning") == 0;

    out_styled(out, warning ? STYLE_YELLOW : STYLE_CYAN, warning ? "warning" : "note");
    out_text(out, ": ");
    if (event->file) {
        say_place(out, event);
        out_text(out, ": ");
    }
    out_clean(out, str_of(event->text));
    out_char(out, '\n');
}

static size_t count_lines(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        n += text.data[i] == '\n';
    }
    return n;
}

/* One line of the plan on a terminal: names stand out, the rest is dim, and what does not fit is cut. */
static void say_plan_line(struct out *out, struct str line, size_t columns)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str shown;
    ptrdiff_t rest;

    text_escape(&text, line);
    shown = text_fit(buf_str(&text), columns);
    rest = str_find_str(shown, STR("table "));
    rest = rest >= 0 ? rest : str_find_str(shown, STR(" · "));
    rest = rest >= 0 ? rest : str_find_str(shown, STR(" ["));
    out_str(out, rest < 0 ? shown : str_slice(shown, 0, (size_t)rest));
    out_style(out, STYLE_DIM);
    out_str(out, rest < 0 ? STR("") : str_from(shown, (size_t)rest));
    out_text(out, shown.len < text.len ? "…" : "");
    out_style(out, STYLE_PLAIN);
    out_char(out, '\n');
}

/* The plan as a tree, without its notes, which come at the end. Of a tree that is longer than the screen only the line
 * above it, which names project and place. */
static void say_plan(struct out *out, struct str text)
{
    ptrdiff_t blank = str_find_str(text, STR("\n\n"));
    struct str tree = blank < 0 ? STR("") : str_from(text, (size_t)blank + 2);
    int columns = 80;
    int lines = 24;

    os_terminal_size(out->fd, &columns, &lines);
    columns = columns > 2 ? columns - 2 : 1;
    blank = str_find_str(tree, STR("\n\n"));
    tree = blank < 0 ? tree : str_slice(tree, 0, (size_t)blank + 1);
    if (count_lines(tree) > (size_t)lines) {
        tree = STR("");
    }
    say_plan_line(out, str_slice(text, 0, (size_t)str_find(text, '\n')), (size_t)columns);
    out_char(out, '\n');
    for (ptrdiff_t end; (end = str_find(tree, '\n')) >= 0; tree = str_from(tree, (size_t)end + 1)) {
        say_plan_line(out, str_slice(tree, 0, (size_t)end), (size_t)columns);
        if ((size_t)end + 1 == tree.len) {
            out_char(out, '\n');
        }
    }
}

/* ---- events on a terminal ---- */

/* "after dim_country, dim_product": what a node waits for. */
static void waits_for(const json_t *nodes, const json_t *node, struct buf *ret)
{
    const json_t *input;
    size_t i;

    buf_clear(ret);
    json_array_foreach(json_object_get(node, "inputs"), i, input)
    {
        const json_t *index = json_object_get(input, "node");

        if (json_is_integer(index)) {
            const json_t *parent = json_array_get(nodes, (size_t)json_integer_value(index));

            buf_add_text(ret, ret->len > 0 ? ", " : "after ");
            buf_add_str(ret, show_field(parent, "name"));
        }
    }
}

/* A line for each function of the plan. */
static void add_nodes(struct progress *progress, const char *document)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf after = {0};
    _json_ json_t *plan = NULL;
    const json_t *nodes;
    const json_t *node;
    size_t i;

    if (!progress->live || js_parse(str_of(document), "the plan", &plan, &err) < 0) {
        return;
    }
    nodes = json_object_get(plan, "nodes");
    json_array_foreach(nodes, i, node)
    {
        waits_for(nodes, node, &after);
        progress_add(progress, show_field(node, "name"), buf_str(&after));
    }
}

static enum progress_state state_of(const char *status)
{
    static const struct {
        const char *status;
        enum progress_state state;
    } states[] = {{"done", PROGRESS_DONE},
                  {"failed-warning", PROGRESS_WARNED},
                  {"cancelled", PROGRESS_CANCELLED},
                  {"skipped", PROGRESS_SKIPPED}};

    for (size_t i = 0; status && i < ARRAY_LEN(states); i++) {
        if (strcmp(states[i].status, status) == 0) {
            return states[i].state;
        }
    }
    return PROGRESS_FAILED;
}

/* Changes lines in place. */
static void move(const struct run_view *view, struct progress *progress, const corrie_event *event)
{
    const char *node = event->node ? event->node : "";

    if (strcmp(event->kind, "plan") == 0) {
        progress_drop(progress, PLANNING);
        if (!view->dry_run) {
            add_nodes(progress, event->json);
        }
    } else if (strcmp(event->kind, "start") == 0) {
        progress_start(progress, node);
    } else if (strcmp(event->kind, "done") == 0) {
        progress_finish(progress, node, state_of(event->status), why_ended(event), event->rows,
                        event->seconds);
    } else if (strcmp(event->kind, "progress") == 0 && event->status) {
        progress_drop(progress, node);
    } else if (strcmp(event->kind, "progress") == 0 && !progress_say(progress, node, event->text)) {
        progress_set(progress, node, event->text, event->rows, event->bytes);
    }
}

/* What is printed above those lines, or, where nothing moves, of everything. */
static void say_event(struct run_view *view, struct out *out, const corrie_event *event)
{
    bool live = view->cli->progress.live;

    if (strcmp(event->kind, "log") == 0) {
        say_log(out, event);
    } else if (strcmp(event->kind, "notice") == 0) {
        say_notice(out, event);
    } else if (strcmp(event->kind, "plan") == 0 && view->dry_run) {
        text_escape_lines(&view->cli->out.text, str_of(event->text));
    } else if (strcmp(event->kind, "plan") == 0 && live) {
        say_plan(out, str_of(event->text));
    } else if (strcmp(event->kind, "plan") == 0) {
        text_escape_lines(&out->text, str_of(event->text));
    } else if (strcmp(event->kind, "done") == 0 && !live) {
        say_done(out, event);
    } else if (strcmp(event->kind, "start") == 0 && !live) {
        out_text(out, "start ");
        out_clean(out, str_of(event->node));
        out_char(out, '\n');
    } else if (strcmp(event->kind, "progress") == 0 && !live && event->text && *event->text) {
        out_clean(out, str_of(event->node));
        out_text(out, ": ");
        out_clean(out, str_of(event->text));
        out_char(out, '\n');
    }
}

static void on_event(void *context, const corrie_event *event)
{
    struct run_view *view = context;
    struct cli *cli = view->cli;

    if (view->events) {
        event_line(cli, event);
        return;
    }
    move(view, &cli->progress, event);
    if (!format_is_for_people(cli->format) && strcmp(event->kind, "plan") == 0) {
        return; /* the document has it */
    }
    progress_print_begin(&cli->progress);
    say_event(view, &cli->err, event);
    progress_print_end(&cli->progress, &cli->err);
}

/* ---- the end ---- */

static void say_notes(struct cli *cli, const json_t *notes)
{
    const json_t *note;
    size_t i;

    json_array_foreach(notes, i, note)
    {
        _cleanup_(buf_done) struct buf text = {0};
        struct str file = show_field(note, "file");
        bool warning = json_is_true(json_object_get(note, "warning"));

        if (file.len > 0) {
            buf_addf(&text, "%.*s:%lld: ", STR_FMT(file),
                     (long long)json_integer_value(json_object_get(note, "line")));
        }
        buf_add_str(&text, show_field(note, "text"));
        cli_note(cli, warning ? STYLE_YELLOW : STYLE_CYAN, warning ? "warning" : "note",
                 buf_str(&text));
    }
}

/* Rows of one model, under its name. */
static int print_preview(struct cli *cli, const json_t *preview, corrie_error *err)
{
    const json_t *columns = json_object_get(preview, "columns");
    const json_t *rows = json_object_get(preview, "rows");
    size_t n = json_array_size(columns);
    _free_ struct show_column *shown = mem_alloc(n, sizeof *shown);

    if (!shown) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(columns, i), "name"));

        shown[i] = (struct show_column){name, name, SHOW_TEXT};
    }
    out_style(&cli->out, STYLE_BOLD);
    out_clean(&cli->out, show_field(preview, "name"));
    out_style(&cli->out, STYLE_PLAIN);
    out_printf(&cli->out, "  %zu of %lld rows\n", json_array_size(rows),
               (long long)json_integer_value(json_object_get(preview, "total_rows")));
    return show_table(cli, rows, shown, n, err);
}

static int print_run(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"NAMESPACE", "namespace", SHOW_TEXT},
        {"TABLE", "name", SHOW_TEXT},
        {"ROWS WRITTEN", "rows_written", SHOW_NUMBER},
        {"RECORDS", "records", SHOW_NUMBER},
    };
    const json_t *tables = json_object_get(document, "tables");
    _cleanup_(buf_done) struct buf commit = {0};
    const json_t *preview;
    char seconds[32];
    size_t i;
    int r = 0;

    out_flush(&cli->out);
    if (cli->err.terminal && !json_is_true(json_object_get(document, "dry_run"))) {
        say_notes(cli, json_object_get(document, "notes")); /* elsewhere the plan has told them */
    }
    progress_seconds(seconds, json_number_value(json_object_get(document, "seconds")));
    if (json_is_true(json_object_get(document, "dry_run"))) {
        out_printf(&cli->out, "dry run: the plan is sound; nothing was run (%s)\n", seconds);
        return 0;
    }
    json_array_foreach(json_object_get(document, "previews"), i, preview)
    {
        r = print_preview(cli, preview, err);
        if (r < 0) {
            return r;
        }
    }
    if (json_array_size(tables) > 0) {
        out_text(&cli->out, cli->out.terminal ? "\n" : ""); /* apart from what went before it */
        r = show_table(cli, tables, columns, ARRAY_LEN(columns), err);
    }
    show_value(&commit, json_object_get(document, "commit"), SHOW_HASH);
    if (commit.len > 0) {
        out_text(&cli->out, "published on ");
        out_clean(&cli->out, show_field(document, "ref"));
        out_text(&cli->out, " as ");
        out_style(&cli->out, STYLE_YELLOW);
        out_clean(&cli->out, buf_str(&commit));
        out_style(&cli->out, STYLE_PLAIN);
    } else {
        out_text(&cli->out, "done; nothing had to be published");
    }
    out_text(&cli->out, ", job ");
    out_clean(&cli->out, str_slice(show_field(document, "job"), 0, 8));
    out_printf(&cli->out, ", %s\n", seconds);
    return r;
}

static corrie_run_options read_options(const struct args *args)
{
    const char *cache = args_text(args, OPT_CACHE);

    return (corrie_run_options){
        .size = sizeof(corrie_run_options),
        .project_dir = args_text(args, OPT_PROJECT_DIR),
        .ref = args_text(args, OPT_REF),
        .default_namespace = args_text(args, OPT_NAMESPACE),
        .parameters = args->of[OPT_PARAM].items,
        .n_parameters = args->of[OPT_PARAM].count,
        .dry_run = args_on(args, OPT_DRY_RUN),
        .strict = args_on(args, OPT_STRICT),
        .no_cache = args_on(args, OPT_NO_CACHE) || (cache && strcmp(cache, "off") == 0),
        .memory = args_text(args, OPT_MEMORY),
        .accept_taint = args_on(args, OPT_ACCEPT_TAINT),
        .serializable = args_on(args, OPT_SERIALIZABLE),
        .select = args->of[OPT_SELECT].items,
        .n_select = args->of[OPT_SELECT].count,
        .preview = args_text(args, OPT_PREVIEW),
        .no_transaction = args_on(args, OPT_NO_TRANSACTION) ||
                          (args_given(args, OPT_TRANSACTION) && !args_on(args, OPT_TRANSACTION)),
        .deterministic = args_on(args, OPT_DETERMINISTIC),
    };
}

int verb_run(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "namespace", SHOW_TEXT},
                                                 {"", "name", SHOW_TEXT},
                                                 {"", "records", SHOW_NUMBER},
                                                 {"", "rows_written", SHOW_NUMBER}};
    static const struct show show = {
        .list = "tables", .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_run};
    corrie_run_options options = read_options(args);
    struct run_view view = {
        .cli = cli, .events = args_on(args, OPT_EVENTS), .dry_run = options.dry_run};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_detach(cli, args, err);
    if (r != 0) {
        return r;
    }
    cli->on_event = on_event;
    cli->on_event_context = &view;
    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        if (!view.events) {
            progress_begin(&cli->progress, &cli->err);
            progress_set(&cli->progress, PLANNING, NULL, -1, -1);
        }
        r = corrie_run(lake, &options, &text, err);
        progress_end(&cli->progress);
    }
    cli->on_event = NULL;
    if (r < 0) {
        return r;
    }
    if (view.events && cli->format != FORMAT_JSON && cli->format != FORMAT_JSONL) {
        corrie_free(text); /* the events have told it */
        return 0;
    }
    return show_document(cli, text, &show, err);
}
