/* verb_log.c — history: log, its graph, one commit, the reflog. */
#include <string.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/graph.h"
#include "cli/text.h"
#include "os/user.h"

/* ---- log ---- */

enum { DEFAULT_COMMITS = 10, LEAST_LABEL = 20, GRAPH_PARENTS = 64 };

static corrie_log_options log_options(const struct cli *cli, const struct args *args, bool graph)
{
    return (corrie_log_options){
        .size = sizeof(corrie_log_options),
        .max = (size_t)args_number(args, OPT_MAX_COUNT, graph ? 0 : DEFAULT_COMMITS),
        .first_parent = args_on(args, OPT_FIRST_PARENT),
        .message = args_text(args, OPT_MESSAGE),
        .author = args_text(args, OPT_AUTHOR),
        .property = args_text(args, OPT_PROPERTY),
        .table = args_text(args, OPT_TABLE),
        .since = args_text(args, OPT_SINCE),
        .until = args_text(args, OPT_UNTIL),
        .exclude_ref = args_text(args, OPT_EXCLUDE),
        .default_namespace = cli->name_space,
    };
}

static void log_cursor_closep(corrie_log_cursor **cursor)
{
    *cursor = corrie_log_close(*cursor);
}

/* A commit as its text has it. */
struct entry {
    char *text;
    struct jt_member fields[SHOW_FIELDS];
    size_t n;
};

static void entry_done(struct entry *entry)
{
    corrie_free(entry->text);
    *entry = (struct entry){.text = NULL};
}

/* 1 and the next commit, 0 at the end. */
static int next_commit(corrie_log_cursor *cursor, struct entry *ret, corrie_error *err)
{
    int r;

    entry_done(ret);
    r = corrie_log_next(cursor, &ret->text, err);
    if (r > 0) {
        r = jt_split(str_of(ret->text), ret->fields, SHOW_FIELDS, &ret->n, err);
        return r < 0 ? r : 1;
    }
    return r;
}

static struct str entry_json(const struct entry *entry, const char *field)
{
    return jt_find(entry->fields, entry->n, field);
}

/* The commit's name, which has nothing to be unescaped. */
static struct str entry_id(const struct entry *entry)
{
    return jt_text(entry_json(entry, "commit"), NULL);
}

static const struct show_column log_columns[] = {
    {"COMMIT", "commit", SHOW_HASH},   {"TIME", "time", SHOW_TIME},
    {"AUTHOR", "author", SHOW_TEXT},   {"JOB", "job", SHOW_ID},
    {"MESSAGE", "message", SHOW_LINE},
};

static const char more_commits[] = "there are older commits: --max-count 0 shows all";

static void note_more(struct buf *ret, const struct jt_member *rest, size_t n)
{
    if (str_eq(jt_find(rest, n, "more"), STR("true"))) {
        buf_add_text(ret, more_commits);
    }
}

/* ---- names beside commits ---- */

/* Names of the refs at a commit; the first of a list. */
struct ref_name {
    struct str name;
    bool tag;
    bool checked_out;
    struct ref_name *next;
    struct ref_name *last; /* of the list; of its first only */
};

struct ref_names {
    struct arena arena;
    struct map of; /* commit -> struct ref_name */
};

static void ref_names_done(struct ref_names *names)
{
    map_done(&names->of);
    arena_done(&names->arena);
}

static int add_ref_name(struct ref_names *names, const struct jt_member *ref, size_t n,
                        corrie_error *err)
{
    _cleanup_(buf_done) struct buf scratch = {0};
    struct ref_name *name = arena_new(&names->arena, struct ref_name);
    struct str commit = jt_text(jt_find(ref, n, "commit"), NULL);
    struct map_entry *entry;

    if (!name ||
        arena_str(&names->arena, jt_text(jt_find(ref, n, "name"), &scratch), &name->name) < 0) {
        return corrie_fail_memory(err);
    }
    name->tag = str_eq(jt_find(ref, n, "kind"), STR("\"tag\""));
    name->checked_out = str_eq(jt_find(ref, n, "checked_out"), STR("true"));
    entry = map_find(&names->of, commit);
    if (entry) { /* after those that are there */
        struct ref_name *first = entry->value;

        first->last->next = name;
        first->last = name;
        return 0;
    }
    name->last = name;
    return arena_str(&names->arena, commit, &commit) < 0 || map_put(&names->of, commit, name) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int read_ref_names(corrie_lake *lake, const char *kind, struct ref_names *names,
                          corrie_error *err)
{
    corrie_ref_list_options options = {.size = sizeof options, .kind = kind};
    _cleanup_(log_cursor_closep) corrie_cursor *cursor = NULL;
    struct entry ref = {.text = NULL};
    int r = corrie_ref_list_open(lake, &options, &cursor, err);

    while (r >= 0 && (r = next_commit(cursor, &ref, err)) > 0) {
        r = add_ref_name(names, ref.fields, ref.n, err);
    }
    entry_done(&ref);
    return r;
}

/* ---- the graph ---- */

static bool terminal_has_boxes(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *locale = os_env(names[i]);

        if (locale) {
            const char *dot = strrchr(locale, '.');
            struct str set = str_of(dot ? dot + 1 : locale);

            return str_eq_nocase(set, STR("UTF-8")) || str_eq_nocase(set, STR("UTF8"));
        }
    }
    return false;
}

/* A part of a label, cut where the line ends. */
static void label_part(struct cli *cli, enum style style, struct str text, size_t *room)
{
    _cleanup_(buf_done) struct buf clean = {0};
    struct str shown;
    size_t width;

    text_escape(&clean, text);
    shown = buf_str(&clean);
    width = text_width(shown);
    if (width > *room) {
        shown = text_fit(shown, *room > 0 ? *room - 1 : 0);
    }
    if (shown.len > 0 && style != STYLE_PLAIN) {
        out_style(&cli->out, style);
    }
    out_str(&cli->out, shown);
    if (shown.len > 0 && style != STYLE_PLAIN) {
        out_style(&cli->out, STYLE_PLAIN);
    }
    if (width > *room && *room > 0) {
        out_text(&cli->out, "…");
    }
    *room -= width > *room ? *room : width;
}

/* "1f3c2a9b7d10 2026-11-20T10:00:00Z ada (main, tag v1) Sales of May" */
static void print_label(struct cli *cli, const struct entry *commit, const struct ref_names *names,
                        size_t indent)
{
    static const struct {
        const char *field;
        enum show_kind kind;
        enum style style;
    } parts[] = {{"commit", SHOW_HASH, STYLE_YELLOW},
                 {"time", SHOW_TIME, STYLE_DIM},
                 {"author", SHOW_LINE, STYLE_DIM}};
    const struct ref_name *name = map_get(&names->of, entry_id(commit));
    _cleanup_(buf_done) struct buf message = {0};
    size_t screen = show_width(cli);
    size_t room = cli->format != FORMAT_TTY || cli->no_trunc ? SIZE_MAX
                  : screen > indent + LEAST_LABEL            ? screen - indent
                                                             : LEAST_LABEL;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        _cleanup_(buf_done) struct buf text = {0};

        show_json_value(&text, entry_json(commit, parts[i].field), parts[i].kind);
        label_part(cli, parts[i].style, buf_str(&text), &room);
        label_part(cli, STYLE_PLAIN, STR(" "), &room);
    }
    for (const char *lead = "("; name; name = name->next) {
        label_part(cli, STYLE_PLAIN, str_of(lead), &room);
        label_part(cli, STYLE_CYAN, name->tag ? STR("tag ") : STR_EMPTY, &room);
        label_part(cli, name->checked_out ? STYLE_BOLD : STYLE_GREEN, name->name, &room);
        label_part(cli, STYLE_PLAIN, name->next ? STR_EMPTY : STR(") "), &room);
        lead = ", ";
    }
    show_json_value(&message, entry_json(commit, "message"), SHOW_LINE);
    label_part(cli, STYLE_PLAIN, buf_str(&message), &room);
    out_char(&cli->out, '\n');
}

/* Two walks over the same history: one over all of it, which gives the lines, and one over what fits the filters,
 * which says what is shown. */
struct graph_log {
    struct cli *cli;
    struct graph graph;
    struct ref_names names;
    corrie_log_cursor *all;
    corrie_log_cursor *fitting; /* NULL: all fit */
    struct entry commit;
    struct entry next_fitting; /* not reached yet; without text: there is none */
    bool excludes;             /* --exclude: lines end where its commits begin */
    struct map within;         /* then: ids of what is not excluded */
    struct arena ids;
    size_t max;
    size_t n_shown;
};

static void graph_log_done(struct graph_log *log)
{
    graph_done(&log->graph);
    ref_names_done(&log->names);
    corrie_log_close(log->all);
    corrie_log_close(log->fitting);
    entry_done(&log->commit);
    entry_done(&log->next_fitting);
    map_done(&log->within);
    arena_done(&log->ids);
}

static bool has_filters(const corrie_log_options *options)
{
    return options->message || options->author || options->property || options->table ||
           options->since || options->until;
}

/* Whether a parent is excluded is not known before the walk is through. */
static int read_within(struct graph_log *log, corrie_lake *lake, const char *ref,
                       const corrie_log_options *all, corrie_error *err)
{
    _cleanup_(log_cursor_closep) corrie_log_cursor *cursor = NULL;
    int r = corrie_log_open(lake, ref, all, &cursor, err);

    log->excludes = true;
    while (r >= 0 && (r = next_commit(cursor, &log->commit, err)) > 0) {
        struct str id;

        if (arena_str(&log->ids, entry_id(&log->commit), &id) < 0 ||
            map_put(&log->within, id, log) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    return r;
}

static int open_walks(struct graph_log *log, corrie_lake *lake, const char *ref,
                      const corrie_log_options *options, corrie_error *err)
{
    corrie_log_options all = {.size = sizeof all,
                              .first_parent = options->first_parent,
                              .exclude_ref = options->exclude_ref};
    corrie_log_options fitting = *options;
    int r;

    fitting.max = 0;
    log->max = options->max;
    r = corrie_log_open(lake, ref, &all, &log->all, err);
    if (r >= 0 && options->exclude_ref) {
        r = read_within(log, lake, ref, &all, err);
    }
    if (r >= 0 && has_filters(options)) {
        r = corrie_log_open(lake, ref, &fitting, &log->fitting, err);
        r = r < 0 ? r : next_commit(log->fitting, &log->next_fitting, err);
    }
    r = r < 0 ? r : read_ref_names(lake, "branch", &log->names, err);
    return r < 0 ? r : read_ref_names(lake, "tag", &log->names, err);
}

static int draw_commit(struct graph_log *log, bool first_parent, bool shown, corrie_error *err)
{
    struct str rest = entry_json(&log->commit, "parents");
    struct str parents[GRAPH_PARENTS];
    struct out *out = &log->cli->out;
    struct str item;
    size_t n = 0;
    int r;

    for (size_t i = 0; i < (first_parent ? 1 : GRAPH_PARENTS) && jt_next(&rest, &item); i++) {
        parents[n] = jt_text(item, NULL);
        n += !log->excludes || map_find(&log->within, parents[n]) ? 1 : 0;
    }
    r = graph_commit(&log->graph, out, entry_id(&log->commit), parents, n, shown, err);
    if (r > 0) {
        if (shown) {
            print_label(log->cli, &log->commit, &log->names, graph_width(&log->graph));
        } else {
            out_char(out, '\n');
        }
        r = graph_links(&log->graph, out, parents, n, err);
    }
    out_flush_some(out);
    return r;
}

/* 1: there are more. */
static int draw_graph(struct graph_log *log, bool first_parent, corrie_error *err)
{
    for (;;) {
        bool shown = !log->fitting;
        int r;

        if (out_stopped(&log->cli->out) || (log->fitting && !log->next_fitting.text)) {
            return 0;
        }
        r = next_commit(log->all, &log->commit, err);
        if (r <= 0) {
            return r;
        }
        if (log->max > 0 && log->n_shown == log->max) {
            return 1;
        }
        if (log->next_fitting.text &&
            str_eq(entry_id(&log->next_fitting), entry_id(&log->commit))) {
            shown = true;
            r = next_commit(log->fitting, &log->next_fitting, err);
        }
        log->n_shown += shown ? 1 : 0;
        r = r < 0 ? r : draw_commit(log, first_parent, shown, err);
        if (r < 0) {
            return r;
        }
    }
}

static int graph_of(struct cli *cli, corrie_lake *lake, const char *ref,
                    const corrie_log_options *options, corrie_error *err)
{
    _cleanup_(graph_log_done) struct graph_log log = {.cli = cli};
    int r;

    graph_init(&log.graph, cli->format == FORMAT_TTY && terminal_has_boxes());
    r = open_walks(&log, lake, ref, options, err);
    r = r < 0 ? r : draw_graph(&log, options->first_parent, err);
    if (r > 0) {
        if (!pager_is_used(&cli->pager, &cli->out)) {
            out_flush(&cli->out);
        }
        cli_note(cli, STYLE_CYAN, "note", str_of(more_commits));
    }
    return r;
}

int verb_log(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct list list = {.field = "commits",
                                     .columns = log_columns,
                                     .n_columns = ARRAY_LEN(log_columns),
                                     .nothing = "there are no such commits",
                                     .note = note_more};
    bool graph = args_on(args, OPT_GRAPH);
    corrie_log_options options = log_options(cli, args, graph);
    const char *ref = args_text(args, OPT_REF);
    corrie_log_cursor *cursor;
    corrie_lake *lake;
    int r;

    if (graph && !format_is_for_people(cli->format)) {
        corrie_fail(err, CORRIE_E_USAGE, "--graph is drawn for people: -o tty or table");
        return corrie_hint(err, "each commit's `parents` have it for programs");
    }
    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    if (graph) {
        return graph_of(cli, lake, ref, &options, err);
    }
    r = corrie_log_open(lake, ref, &options, &cursor, err);
    return r < 0 ? r : list_show(cli, cursor, &list, err);
}

/* ---- show ---- */

/* "name  a, b" for a list of text. */
static void print_list(struct cli *cli, const char *title, const json_t *list, enum show_kind kind)
{
    const json_t *item;
    size_t i;

    if (json_array_size(list) == 0) {
        return;
    }
    out_styled(&cli->out, STYLE_DIM, title);
    json_array_foreach(list, i, item)
    {
        _cleanup_(buf_done) struct buf text = {0};

        show_value(&text, item, kind);
        out_text(&cli->out, i > 0 ? ", " : "");
        out_clean(&cli->out, buf_str(&text));
    }
    out_char(&cli->out, '\n');
}

static int print_commit(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column pairs[] = {
        {"commit   ", "commit", SHOW_TEXT},    {"author   ", "author", SHOW_TEXT},
        {"committer", "committer", SHOW_TEXT}, {"time     ", "time", SHOW_TIME},
        {"job      ", "job", SHOW_TEXT},
    };
    const json_t *tainted = json_object_get(document, "tainted");
    struct str rest = show_field(document, "message");
    struct str line;
    const char *name;
    json_t *value;

    show_pairs(cli, document, pairs, ARRAY_LEN(pairs));
    print_list(cli, "parents    ", json_object_get(document, "parents"), SHOW_HASH);
    print_list(cli, "refs       ", json_object_get(document, "refs"), SHOW_TEXT);
    json_object_foreach(json_object_get(document, "properties"), name, value)
    {
        out_styled(&cli->out, STYLE_DIM, "property   ");
        out_clean(&cli->out, str_of(name));
        out_char(&cli->out, '=');
        out_clean(&cli->out, js_str(value));
        out_char(&cli->out, '\n');
    }
    if (json_integer_value(tainted) > 0) {
        out_style(&cli->out, STYLE_YELLOW);
        out_printf(&cli->out, "tainted    %lld of its values come from a job that failed\n",
                   (long long)json_integer_value(tainted));
        out_style(&cli->out, STYLE_PLAIN);
    }
    out_char(&cli->out, '\n');
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        out_text(&cli->out, "    ");
        out_clean(&cli->out, line);
        out_char(&cli->out, '\n');
    }
    out_char(&cli->out, '\n');
    return show_changes(cli, json_object_get(document, "changes"), err);
}

int verb_show(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "changes",
                                     .columns = show_change_columns,
                                     .n_columns = SHOW_CHANGE_COLUMNS,
                                     .print = print_commit};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_show(lake, args_text(args, OPT_REF), &text, err);
    }
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- reflog ---- */

static void note_movements(struct buf *ret, const struct jt_member *rest, size_t n)
{
    struct str next = jt_find(rest, n, "next");

    if (!str_eq(next, STR("null"))) {
        buf_addf(ret, "there are older movements: --before %.*s, or --max-count 0", STR_FMT(next));
    }
}

int verb_reflog(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"SEQUENCE", "sequence", SHOW_NUMBER},
        {"TIME", "time", SHOW_TIME},
        {"WHO", "who", SHOW_TEXT},
        {"OLD", "old", SHOW_HASH},
        {"NEW", "new", SHOW_HASH},
        {"WHY", "why", SHOW_LINE},
    };
    static const struct list list = {.field = "entries",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .note = note_movements};
    size_t max = (size_t)args_number(args, OPT_MAX_COUNT, DEFAULT_COMMITS);
    corrie_cursor *cursor;
    corrie_lake *lake;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r >= 0) {
        r = corrie_reflog_open(lake, args_text(args, OPT_REF),
                               (uint64_t)args_number(args, OPT_BEFORE, 0), max, &cursor, err);
    }
    return r < 0 ? r : list_show(cli, cursor, &list, err);
}
