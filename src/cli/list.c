/* list.c — long listings, shown as their rows come. */
#include "base/mem.h"
#include "cli/cli.h"

static int next_row(struct cli *cli, corrie_cursor *cursor, char **ret, corrie_error *err)
{
    *ret = NULL;
    return out_stopped(&cli->out) ? 0 : corrie_cursor_next(cursor, ret, err);
}

/* The row after `given` others, unless no more are wanted: then 0, and *ret_cut if there would be one. A cursor that was
 * told the limit has ended by then. */
static int next_wanted(struct cli *cli, corrie_cursor *cursor, size_t given, char **ret,
                       bool *ret_cut, corrie_error *err)
{
    int r = next_row(cli, cursor, ret, err);

    if (r > 0 && cli->limit > 0 && given == cli->limit) {
        mem_free(*ret);
        *ret = NULL;
        *ret_cut = true;
        return 0;
    }
    return r;
}

/* ---- rows ---- */

void list_say_cut(struct cli *cli)
{
    if (out_stopped(&cli->out)) {
        return;
    }
    if (!pager_is_used(&cli->pager, &cli->out)) {
        out_flush(&cli->out);
    }
    cli_note(cli, STYLE_CYAN, "note", STR("there are more: --limit 0 shows all"));
}

static int say_rest(struct cli *cli, corrie_cursor *cursor, const struct list *list,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf note = {0};
    struct jt_member members[SHOW_FIELDS];
    _free_ char *rest = NULL;
    size_t n;
    int r;

    if (!list->note || out_stopped(&cli->out) ||
        (!format_is_for_people(cli->format) && !list->note_to_programs)) {
        return 0;
    }
    r = corrie_cursor_rest(cursor, &rest, err);
    if (r >= 0) {
        r = jt_split(str_of(rest), members, SHOW_FIELDS, &n, err);
    }
    if (r < 0) {
        return r;
    }
    list->note(&note, members, n);
    if (note.len > 0) {
        if (!pager_is_used(&cli->pager, &cli->out)) {
            out_flush(&cli->out);
        }
        cli_note(cli, STYLE_CYAN, "note", buf_str(&note));
    }
    return 0;
}

static int show_list_rows(struct cli *cli, corrie_cursor *cursor, const struct list *list,
                          corrie_error *err)
{
    _cleanup_(show_rows_done) struct show_rows rows = {0};
    _free_ char *row = NULL;
    bool cut = false;
    int r = next_row(cli, cursor, &row, err);

    if (r == 0 && format_is_for_people(cli->format) && list->nothing) {
        cli_note(cli, STYLE_CYAN, "note", str_of(list->nothing));
        return 0;
    }
    if (r >= 0 && show_rows_begin(&rows, cli, list->columns, list->n_columns, err) < 0) {
        return err->code;
    }
    for (size_t given = 1; r > 0; given++) {
        r = show_rows_add_text(&rows, str_of(row), err);
        mem_free(row);
        row = NULL;
        r = r < 0 ? r : next_wanted(cli, cursor, given, &row, &cut, err);
    }
    r = r < 0 ? r : show_rows_end(&rows, err);
    if (r >= 0 && cut) {
        list_say_cut(cli);
    }
    return r < 0 || cut ? r : say_rest(cli, cursor, list, err);
}

/* ---- one document ---- */

/* A part of a document at a depth of `depth`: on a terminal with a line a value, else as it is. */
static int add_json(struct cli *cli, struct str json, size_t depth, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *value = NULL;
    struct str line;
    struct str rest;
    int r;

    if (!cli->out.terminal) {
        out_str(&cli->out, json);
        return 0;
    }
    r = js_parse(json, "a part of the result", &value, err);
    r = r < 0 ? r : js_format(value, 2, &text, err);
    rest = buf_str(&text);
    for (bool more = r >= 0, first = true; more; first = false) {
        more = str_cut(rest, '\n', &line, &rest);
        if (!first) {
            out_char(&cli->out, '\n');
            out_fill(&cli->out, "  ", depth);
        }
        out_str(&cli->out, line);
    }
    return r;
}

static void new_line(struct cli *cli, size_t depth)
{
    if (cli->out.terminal) {
        out_char(&cli->out, '\n');
        out_fill(&cli->out, "  ", depth);
    }
}

static int add_rest(struct cli *cli, corrie_cursor *cursor, corrie_error *err)
{
    struct jt_member members[SHOW_FIELDS];
    _free_ char *rest = NULL;
    size_t n = 0;
    int r = corrie_cursor_rest(cursor, &rest, err);

    r = r < 0 ? r : jt_split(str_of(rest), members, SHOW_FIELDS, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        out_char(&cli->out, ',');
        new_line(cli, 1);
        out_printf(&cli->out, "\"%.*s\":%s", STR_FMT(members[i].name),
                   cli->out.terminal ? " " : "");
        r = add_json(cli, members[i].value, 1, err);
    }
    return r;
}

/* A document whose rows end early is still one, with the error in it. */
static int add_error(struct cli *cli, corrie_error *err)
{
    _error_ corrie_error second = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *object = NULL;
    int code = err->code;

    js_setup();
    object = js_error(err);
    out_char(&cli->out, ',');
    new_line(cli, 1);
    out_printf(&cli->out, "\"error\":%s", cli->out.terminal ? " " : "");
    if (!object || js_format(object, 0, &text, &second) < 0 ||
        add_json(cli, buf_str(&text), 1, &second) < 0) {
        out_text(&cli->out, "null");
    }
    cli->told = code;
    corrie_error_clear(err);
    return 0;
}

static int show_list_json(struct cli *cli, corrie_cursor *cursor, const struct list *list,
                          corrie_error *err)
{
    _free_ char *row = NULL;
    bool cut = false;
    size_t n = 0;
    int r = next_row(cli, cursor, &row, err);

    if (r < 0) {
        return r; /* nothing was printed: the error is the document */
    }
    out_char(&cli->out, '{');
    new_line(cli, 1);
    out_printf(&cli->out, "\"%s\":%s[", list->field, cli->out.terminal ? " " : "");
    for (; r > 0; n++) {
        if (n > 0) {
            out_char(&cli->out, ',');
        }
        new_line(cli, 2);
        r = add_json(cli, str_of(row), 2, err);
        out_flush_some(&cli->out);
        mem_free(row);
        row = NULL;
        r = r < 0 ? r : next_wanted(cli, cursor, n + 1, &row, &cut, err);
    }
    if (n > 0) {
        new_line(cli, 1);
    }
    out_char(&cli->out, ']');
    if (cut) {
        out_char(&cli->out, ',');
        new_line(cli, 1);
        out_printf(&cli->out, "\"more\":%strue", cli->out.terminal ? " " : "");
    }
    r = r < 0 || out_stopped(&cli->out) ? r : add_rest(cli, cursor, err);
    r = r < 0 ? add_error(cli, err) : r;
    new_line(cli, 0);
    out_text(&cli->out, "}\n");
    return r;
}

int list_show(struct cli *cli, corrie_cursor *cursor, const struct list *list, corrie_error *err)
{
    _cleanup_(cursor_closep) corrie_cursor *owned = cursor;

    progress_end(&cli->progress);
    return cli->format == FORMAT_JSON ? show_list_json(cli, owned, list, err)
                                      : show_list_rows(cli, owned, list, err);
}
