/* verb_diff.c — what differs, and whether what is there is made of what is there: diff, status. */
#include <string.h>

#include "cli/cli.h"

/* ---- changes ---- */

const struct show_column show_change_columns[SHOW_CHANGE_COLUMNS] = {
    {"", "change", SHOW_TEXT},
    {"", "kind", SHOW_TEXT},
    {"", "name", SHOW_TEXT},
    {"", "previous_name", SHOW_TEXT},
    {"", "records_before", SHOW_NUMBER},
    {"", "records_after", SHOW_NUMBER},
    {"", "bytes_before", SHOW_NUMBER},
    {"", "bytes_after", SHOW_NUMBER},
    {"", "files_before", SHOW_NUMBER},
    {"", "files_after", SHOW_NUMBER},
    {"", "job", SHOW_TEXT},
};

/* "int → long" of one column's change. */
static void add_field(struct cli *cli, const json_t *field)
{
    struct str change = show_field(field, "change");
    struct str before = show_field(field, "before");
    struct str after = show_field(field, "after");
    bool added = str_eq(change, STR("added"));
    bool removed = str_eq(change, STR("removed"));

    out_style(&cli->out, added ? STYLE_GREEN : removed ? STYLE_RED : STYLE_YELLOW);
    out_text(&cli->out, added ? "  + " : removed ? "  - " : "  ~ ");
    out_clean(&cli->out, show_field(field, "field"));
    out_style(&cli->out, STYLE_PLAIN);
    if (!added && !removed) {
        out_char(&cli->out, ' ');
        out_clean(&cli->out, change);
    }
    if (before.len > 0) {
        out_char(&cli->out, ' ');
        out_clean(&cli->out, before);
    }
    if (after.len > 0) {
        out_text(&cli->out, before.len > 0 ? " → " : " ");
        out_clean(&cli->out, after);
    }
    out_char(&cli->out, '\n');
}

static void print_title(struct cli *cli, const json_t *change, const char *what)
{
    out_char(&cli->out, '\n');
    out_style(&cli->out, STYLE_BOLD);
    out_clean(&cli->out, show_field(change, "name"));
    out_style(&cli->out, STYLE_PLAIN);
    out_printf(&cli->out, ": %s\n", what);
}

static void print_schema(struct cli *cli, const json_t *change)
{
    const json_t *fields = json_object_get(change, "schema");
    const json_t *field;
    size_t i;

    if (json_array_size(fields) == 0) {
        return;
    }
    print_title(cli, change, "columns");
    json_array_foreach(fields, i, field)
    {
        add_field(cli, field);
    }
}

/* Names of the columns that any of the rows has, as an object. */
static int add_names(json_t *names, const json_t *rows, corrie_error *err)
{
    const json_t *row;
    const char *name;
    json_t *value;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        json_object_foreach((json_t *)(uintptr_t)row, name, value)
        {
            (void)value;
            if (json_object_set_new(names, name, json_true()) < 0) {
                return corrie_fail_memory(err);
            }
        }
    }
    return 0;
}

static int add_rows(struct grid *grid, const json_t *rows, const char *sign, json_t *names,
                    corrie_error *err)
{
    const json_t *row;
    const char *name;
    json_t *ignored;
    size_t i;
    int r = 0;

    json_array_foreach(rows, i, row)
    {
        r = r < 0 ? r : grid_cell(grid, str_of(sign), false, err);
        json_object_foreach(names, name, ignored)
        {
            const json_t *value = json_object_get(row, name);
            _cleanup_(buf_done) struct buf text = {0};

            (void)ignored;
            show_value(&text, value, SHOW_TEXT);
            if (value && json_is_null(value)) {
                buf_add_text(&text, "null");
            }
            r = r < 0 ? r : grid_cell(grid, buf_str(&text), value && json_is_null(value), err);
        }
    }
    return r;
}

static int print_rows(struct cli *cli, const json_t *change, corrie_error *err)
{
    const json_t *added = json_object_get(change, "rows_added");
    const json_t *removed = json_object_get(change, "rows_removed");
    struct grid_options options = show_grid_options(cli);
    _cleanup_(grid_done) struct grid grid = {0};
    _json_ json_t *names = json_object();
    const char *name;
    json_t *ignored;
    int r;

    if (json_array_size(added) + json_array_size(removed) == 0) {
        return 0;
    }
    r = !names ? corrie_fail_memory(err) : add_names(names, removed, err);
    if (r < 0 || (r = add_names(names, added, err)) < 0) {
        return r;
    }
    print_title(cli, change, "rows");
    grid_begin(&grid, &cli->out, &options);
    r = grid_column(&grid, STR_EMPTY, STR_EMPTY, false, err);
    json_object_foreach(names, name, ignored)
    {
        (void)ignored;
        r = r < 0 ? r : grid_column(&grid, str_of(name), STR_EMPTY, false, err);
    }
    r = r < 0 ? r : add_rows(&grid, removed, "-", names, err);
    r = r < 0 ? r : add_rows(&grid, added, "+", names, err);
    return r < 0 ? r : grid_end(&grid, err);
}

/* The list without what people have no use for, renamed ones with both names. */
static int for_table(const json_t *changes, json_t *shown, corrie_error *err)
{
    for (size_t i = 0; i < json_array_size(changes); i++) {
        json_t *change = json_array_get(changes, i);
        struct str previous = show_field(change, "previous_name");
        _json_ json_t *item = NULL;

        if (str_eq(show_field(change, "kind"), STR("ledger"))) {
            continue;
        }
        item = previous.len > 0 ? json_copy(change) : json_incref(change);
        if (item && previous.len > 0) {
            _cleanup_(buf_done) struct buf both = {0};

            buf_add_str(&both, show_field(change, "name"));
            buf_addf(&both, " (was %.*s)", STR_FMT(previous));
            if (js_set_str(item, "name", buf_str(&both)) < 0) {
                return corrie_fail_memory(err);
            }
        }
        if (!item || json_array_append(shown, item) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

int show_changes(struct cli *cli, const json_t *changes, corrie_error *err)
{
    static const struct show_column columns[] = {
        {"CHANGE", "change", SHOW_TEXT},
        {"KIND", "kind", SHOW_TEXT},
        {"NAME", "name", SHOW_TEXT},
        {"RECORDS BEFORE", "records_before", SHOW_NUMBER},
        {"AFTER", "records_after", SHOW_NUMBER},
    };
    _json_ json_t *shown = json_array();
    const json_t *change;
    size_t i;
    int r;

    r = !shown ? corrie_fail_memory(err) : for_table(changes, shown, err);
    if (r >= 0 && json_array_size(shown) > 0) {
        r = show_table(cli, shown, columns, ARRAY_LEN(columns), err);
    }
    json_array_foreach(changes, i, change)
    {
        if (r >= 0) {
            print_schema(cli, change);
            r = print_rows(cli, change, err);
        }
    }
    return r;
}

/* ---- diff ---- */

static int print_changes(struct cli *cli, const json_t *document, corrie_error *err)
{
    const json_t *changes = json_object_get(document, "changes");

    if (json_array_size(changes) == 0) {
        cli_note(cli, STYLE_CYAN, "note", STR("nothing differs"));
    }
    return show_changes(cli, changes, err);
}

int verb_diff(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show show = {.list = "changes",
                                     .columns = show_change_columns,
                                     .n_columns = SHOW_CHANGE_COLUMNS,
                                     .print = print_changes};
    corrie_diff_options options = {.size = sizeof options,
                                   .table = args_text(args, OPT_TABLE),
                                   .merge_base = args_on(args, OPT_MERGE_BASE),
                                   .schema = args_on(args, OPT_SCHEMA),
                                   .rows = (size_t)args_number(args, OPT_ROWS, 0),
                                   .memory = args_text(args, OPT_MEMORY),
                                   .default_namespace = cli->name_space};
    corrie_lake *lake;
    char *text;
    int r;

    r = cli_lake(cli, &lake, err);
    if (r < 0) {
        return r;
    }
    if (options.rows > 0) {
        progress_begin(&cli->progress, &cli->err);
        progress_set(&cli->progress, "diff", "reading rows that differ", -1, -1);
    }
    r = corrie_diff(lake, args_text(args, OPT_REF), args_text(args, OPT_OTHER_REF), &options, &text,
                    err);
    return r < 0 ? r : show_document(cli, text, &show, err);
}

/* ---- status ---- */

static void heading(struct cli *cli, enum style style, const char *text)
{
    out_char(&cli->out, '\n');
    out_styled(&cli->out, style, text);
    out_char(&cli->out, '\n');
}

/* One row an input that is another now. */
static int print_stale(struct cli *cli, const json_t *stale, corrie_error *err)
{
    static const char *const titles[] = {"TABLE", "INPUT", "NOW", "JOB"};
    struct grid_options options = show_grid_options(cli);
    _cleanup_(grid_done) struct grid grid = {0};
    const json_t *table;
    const json_t *input;
    size_t i;
    size_t k;
    int r = 0;

    heading(cli, STYLE_YELLOW, "Stale: what these tables were made of is another now");
    grid_begin(&grid, &cli->out, &options);
    for (size_t c = 0; r >= 0 && c < ARRAY_LEN(titles); c++) {
        r = grid_column(&grid, str_of(titles[c]), STR_EMPTY, false, err);
    }
    json_array_foreach(stale, i, table)
    {
        json_array_foreach(json_object_get(table, "inputs"), k, input)
        {
            bool gone = !json_is_string(json_object_get(input, "now"));
            _cleanup_(buf_done) struct buf job = {0};

            show_value(&job, json_object_get(table, "job"), SHOW_ID);
            r = r < 0 ? r : grid_cell(&grid, show_field(table, "name"), false, err);
            r = r < 0 ? r : grid_cell(&grid, show_field(input, "name"), false, err);
            r = r < 0 ? r : grid_cell(&grid, gone ? STR("gone") : STR("changed"), false, err);
            r = r < 0 ? r : grid_cell(&grid, buf_str(&job), false, err);
        }
    }
    return r < 0 ? r : grid_end(&grid, err);
}

/* "a, b" of a list of text. */
static int join(json_t *object, const char *field, corrie_error *err)
{
    const json_t *list = json_object_get(object, field);
    _cleanup_(buf_done) struct buf text = {0};
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        buf_add_text(&text, i > 0 ? ", " : "");
        buf_add_str(&text, js_str(item));
    }
    return js_set_str(object, field, buf_str(&text)) < 0 ? corrie_fail_memory(err) : 0;
}

static int print_torn(struct cli *cli, const json_t *torn, corrie_error *err)
{
    static const struct show_column columns[] = {{"JOB", "job", SHOW_ID},
                                                 {"STILL AS IT LEFT THEM", "tables", SHOW_TEXT},
                                                 {"CHANGED OR GONE", "gone", SHOW_TEXT}};
    _json_ json_t *shown = json_deep_copy(torn);
    json_t *item;
    size_t i;
    int r = shown ? 0 : corrie_fail_memory(err);

    heading(cli, STYLE_YELLOW, "Torn: of what one job published together, some is no longer there");
    json_array_foreach(shown, i, item)
    {
        r = r < 0 ? r : join(item, "tables", err);
        r = r < 0 ? r : join(item, "gone", err);
    }
    return r < 0 ? r : show_table(cli, shown, columns, ARRAY_LEN(columns), err);
}

static int print_part(struct cli *cli, const json_t *list, enum style style, const char *title,
                      const struct show_column *columns, size_t n_columns, corrie_error *err)
{
    if (json_array_size(list) == 0) {
        return 0;
    }
    heading(cli, style, title);
    return show_table(cli, list, columns, n_columns, err);
}

static int print_status(struct cli *cli, const json_t *document, corrie_error *err)
{
    static const struct show_column tainted[] = {
        {"TABLE", "name", SHOW_TEXT}, {"JOB", "job", SHOW_ID}, {"ERROR", "error", SHOW_ERROR}};
    static const struct show_column edited[] = {{"TABLE", "name", SHOW_TEXT},
                                                {"FILE", "file", SHOW_TEXT},
                                                {"LINE", "line", SHOW_NUMBER},
                                                {"JOB", "job", SHOW_ID}};
    static const struct show_column jobs[] = {{"JOB", "job", SHOW_ID},
                                              {"KIND", "kind", SHOW_TEXT},
                                              {"STATUS", "status", SHOW_TEXT},
                                              {"REF", "ref", SHOW_TEXT},
                                              {"STARTED", "started", SHOW_TIME}};
    static const struct show_column left[] = {{"REF", "name", SHOW_TEXT},
                                              {"COMMIT", "commit", SHOW_HASH},
                                              {"TIME", "time", SHOW_TIME},
                                              {"MESSAGE", "message", SHOW_LINE}};
    const json_t *stale = json_object_get(document, "stale");
    const json_t *torn = json_object_get(document, "torn");
    int r = 0;

    out_text(&cli->out, "on ");
    out_clean(&cli->out, show_field(document, "ref"));
    out_text(&cli->out, ", at ");
    show_hash(cli, document, "commit");
    out_char(&cli->out, '\n');
    if (json_array_size(stale) > 0) {
        r = print_stale(cli, stale, err);
    }
    r = r < 0 ? r
              : print_part(cli, json_object_get(document, "edited"), STYLE_YELLOW,
                           "Edited: these models are declared otherwise now", edited,
                           ARRAY_LEN(edited), err);
    r = r < 0
            ? r
            : print_part(cli, json_object_get(document, "tainted"), STYLE_RED,
                         "Tainted: written by a job that failed", tainted, ARRAY_LEN(tainted), err);
    if (r >= 0 && json_array_size(torn) > 0) {
        r = print_torn(cli, torn, err);
    }
    r = r < 0 ? r
              : print_part(cli, json_object_get(document, "jobs"), STYLE_CYAN, "Jobs under way",
                           jobs, ARRAY_LEN(jobs), err);
    r = r < 0 ? r
              : print_part(cli, json_object_get(document, "left"), STYLE_CYAN,
                           "Left by jobs that are over", left, ARRAY_LEN(left), err);
    if (r >= 0 && json_array_size(stale) + json_array_size(torn) +
                          json_array_size(json_object_get(document, "edited")) +
                          json_array_size(json_object_get(document, "tainted")) ==
                      0) {
        out_text(&cli->out, "all tables are made of what is there\n");
    }
    return r;
}

/* What the project here, if there is one, says of its tables. One that was named must be there, and readable. */
static int add_edited(struct cli *cli, corrie_lake *lake, const struct args *args, json_t *document,
                      corrie_error *err)
{
    const char *dir = args_text(args, OPT_PROJECT_DIR);
    _json_ json_t *found = NULL;
    json_t *edited = NULL;
    char *text;
    int r = corrie_project_edited(lake, dir, args_text(args, OPT_REF), NULL, &text, err);

    if (r >= 0) {
        r = js_parse(str_of(text), "what was edited", &found, err);
        corrie_free(text);
    }
    if (r < 0 && dir) {
        return r;
    }
    if (r < 0 && r != CORRIE_E_NOT_FOUND) {
        cli_note(cli, STYLE_YELLOW, "warning", str_of(corrie_error_message(err)));
    }
    corrie_error_clear(err);
    edited = json_object_get(found, "edited");
    return js_set(document, "edited", edited ? json_incref(edited) : json_array()) != 0
               ? corrie_fail_memory(err)
               : 0;
}

static int find_status(struct cli *cli, const struct args *args, char **ret, corrie_error *err)
{
    _json_ json_t *document = NULL;
    corrie_lake *lake;
    char *text;
    int r = cli_lake(cli, &lake, err);

    if (r < 0 || (r = corrie_status(lake, args_text(args, OPT_REF), &text, err)) < 0) {
        return r;
    }
    r = js_parse(str_of(text), "the status", &document, err);
    corrie_free(text);
    if (r < 0 || (r = add_edited(cli, lake, args, document, err)) < 0) {
        return r;
    }
    return js_give(TAKE_PTR(document), ret, err);
}

int verb_status(struct cli *cli, const struct args *args, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "name", SHOW_TEXT}, {"", "job", SHOW_TEXT}};
    static const struct show show = {.list = "stale",
                                     .columns = columns,
                                     .n_columns = ARRAY_LEN(columns),
                                     .print = print_status};
    char *text;
    int r = find_status(cli, args, &text, err);

    return r < 0 ? r : show_document(cli, text, &show, err);
}
