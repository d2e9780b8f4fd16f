/* conflict.c — conflicts of a merge for people: what they are about, and the commands that settle them.
 *
 * The report (include/corrie/lake.h, "merging") comes as the error's detail. `ours` is the branch that is changed. */
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"

enum { MAX_SHOWN = 50, MAX_SETTLED = 3 };

/* ---- the table ---- */

static void add_records(struct buf *text, const json_t *value, const char *before)
{
    const json_t *records = json_object_get(json_object_get(value, "doc"), "records");

    if (json_is_integer(records)) {
        long long n = (long long)json_integer_value(records);

        buf_addf(text, "%s%lld record%s", before, n, n == 1 ? "" : "s");
    }
}

/* What a side did with the key since the base. A table that is as it was is in a conflict only for its name. */
static void what_it_did(struct buf *text, bool table, const json_t *base, const json_t *side)
{
    bool was = json_is_object(base);
    bool is = json_is_object(side);

    if (was && is && json_equal(base, side)) {
        buf_add_text(text, table ? "renamed" : "left it");
    } else if (is) {
        buf_add_text(text, was ? "changed" : "made");
        add_records(text, side, ": ");
    } else if (was) {
        buf_add_text(text, "removed");
    }
}

static int add_conflict(struct grid *grid, const json_t *conflict, corrie_error *err)
{
    const json_t *base = json_object_get(conflict, "base");
    const char *const sides[] = {"ours", "theirs"};
    int r;

    r = grid_cell(grid, show_field(conflict, "kind"), false, err);
    r = r < 0 ? r : grid_cell(grid, show_field(conflict, "name"), false, err);
    for (size_t i = 0; r >= 0 && i < ARRAY_LEN(sides); i++) {
        _cleanup_(buf_done) struct buf text = {0};

        what_it_did(&text, str_eq(show_field(conflict, "kind"), STR("table")), base,
                    json_object_get(conflict, sides[i]));
        r = grid_cell(grid, buf_str(&text), false, err);
    }
    return r < 0 ? r : grid_cell(grid, show_field(conflict, "reason"), false, err);
}

static int show_conflicts(struct cli *cli, const json_t *conflicts, corrie_error *err)
{
    static const char *const titles[] = {"KIND", "NAME", "OURS", "THEIRS", "REASON"};
    struct grid_options options = show_grid_options(cli);
    _cleanup_(grid_done) struct grid grid;
    const json_t *conflict;
    size_t i;
    int r = 0;

    grid_begin(&grid, &cli->err, &options);
    for (size_t c = 0; r >= 0 && c < ARRAY_LEN(titles); c++) {
        r = grid_column(&grid, str_of(titles[c]), STR_EMPTY, false, err);
    }
    json_array_foreach(conflicts, i, conflict)
    {
        r = r < 0 || i >= MAX_SHOWN ? r : add_conflict(&grid, conflict, err);
    }
    r = r < 0 ? r : grid_end(&grid, err);
    if (json_array_size(conflicts) > MAX_SHOWN) {
        out_printf(&cli->err, "and %zu more (-o json has them all)\n",
                   json_array_size(conflicts) - MAX_SHOWN);
    }
    return r;
}

/* ---- the commands ---- */

/* How --ours and --theirs name a key: tables by their name, others with their kind. */
static void add_key(struct buf *text, const json_t *conflict)
{
    _cleanup_(buf_done) struct buf key = {0};

    if (!str_eq(show_field(conflict, "kind"), STR("table"))) {
        buf_add_str(&key, show_field(conflict, "kind"));
        buf_add_char(&key, ':');
    }
    buf_add_str(&key, show_field(conflict, "name"));
    buf_add_shell_word(text, buf_str(&key));
}

/* "corrie branch merge dev --ours shop.orders": the command as it was given, with what settles it. */
static void add_command(const struct cli *cli, const json_t *conflicts, const char *side,
                        struct buf *text)
{
    bool settled = false;

    buf_add_text(text, cli->program);
    for (int i = 1; i <= cli->argc; i++) {
        bool end = i == cli->argc;

        if (!settled && (end || strcmp(cli->argv[i], "--") == 0)) {
            settled = true;
            if (json_array_size(conflicts) > MAX_SETTLED) {
                buf_addf(text, " --all-%s", side);
            }
            for (size_t c = 0; c < json_array_size(conflicts) && c < MAX_SETTLED; c++) {
                if (json_array_size(conflicts) <= MAX_SETTLED) {
                    buf_addf(text, " --%s ", side);
                    add_key(text, json_array_get(conflicts, c));
                }
            }
        }
        if (!end) {
            buf_add_char(text, ' ');
            buf_add_shell_word(text, str_of(cli->argv[i]));
        }
    }
}

static void show_commands(struct cli *cli, const json_t *conflicts)
{
    static const struct {
        const char *side;
        const char *meaning;
    } sides[] = {{"ours", "keep what the branch has that is changed"},
                 {"theirs", "take what is brought to it"}};

    out_styled(&cli->err, STYLE_CYAN, "hint");
    out_text(&cli->err, ": ");
    for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
        _cleanup_(buf_done) struct buf text = {0};

        add_command(cli, conflicts, sides[i].side, &text);
        out_printf(&cli->err, "%sto %s:\n        ", i == 0 ? "" : "      ", sides[i].meaning);
        out_clean(&cli->err, buf_str(&text));
        out_char(&cli->err, '\n');
    }
    if (json_array_size(conflicts) > MAX_SETTLED) {
        out_text(&cli->err, "      one by one: --ours NAME, --theirs NAME\n");
    }
}

/* ---- all of it ---- */

static bool has_choices(const struct cli *cli)
{
    for (size_t i = 0; cli->verb && i < cli->verb->n_flags; i++) {
        if (cli->verb->flags[i].option == OPT_OURS) {
            return true;
        }
    }
    return false;
}

bool conflict_show(struct cli *cli, const corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _json_ json_t *report = NULL;
    const json_t *conflicts;

    if (err->code != CORRIE_E_CONFLICT || !err->detail || *err->detail != '{' ||
        js_parse(str_of(err->detail), "the report", &report, &ignored) < 0) {
        return false;
    }
    conflicts = json_object_get(report, "conflicts");
    if (json_array_size(conflicts) == 0 || show_conflicts(cli, conflicts, &ignored) < 0 ||
        !has_choices(cli)) {
        return false;
    }
    show_commands(cli, conflicts);
    return true;
}
