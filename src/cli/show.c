/* show.c — documents of the library, in the format that was asked for. */
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "os/tty.h"

enum { HASH_SHOWN = 12, ID_SHOWN = 8 };

bool format_is_for_people(enum format format)
{
    return format == FORMAT_TTY || format == FORMAT_TABLE;
}

struct grid_options show_grid_options(const struct cli *cli)
{
    return (struct grid_options){
        .look = cli->sideways               ? GRID_SIDEWAYS
                : cli->format == FORMAT_TTY ? GRID_BOX
                                            : GRID_PLAIN,
        .width = (size_t)os_terminal_width(cli->out.fd, 120),
        .no_trunc = cli->no_trunc,
    };
}

struct str show_field(const json_t *object, const char *field)
{
    const json_t *value = json_object_get(object, field);

    return json_is_string(value) ? js_str(value) : STR_EMPTY;
}

/* A value as it is: text without quotes, the rest as JSON has it, nothing for null. */
static void raw_value(struct buf *ret, const json_t *value)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (json_is_string(value)) {
        buf_add_str(ret, js_str(value));
    } else if (value && !json_is_null(value) && js_format(value, 0, ret, &ignored) < 0) {
        buf_add_text(ret, "?");
    }
}

void show_value(struct buf *ret, const json_t *value, enum show_kind kind)
{
    struct str text = json_is_string(value) ? js_str(value) : STR_EMPTY;
    struct str rest;
    ptrdiff_t dot;

    if (kind == SHOW_MARK) {
        buf_add_text(ret, json_is_true(value) ? "*" : "");
        return;
    }
    if (kind == SHOW_ERROR && json_is_object(value)) {
        text = show_field(value, "message");
        str_cut(text, '\n', &text, &rest);
        buf_add_str(ret, text);
        return;
    }
    if (!json_is_string(value)) {
        raw_value(ret, value);
        return;
    }
    switch (kind) {
    case SHOW_HASH:
        text = str_slice(text, 0, HASH_SHOWN);
        break;
    case SHOW_ID:
        text = str_slice(text, 0, ID_SHOWN);
        break;
    case SHOW_TIME:
        dot = str_find(text, '.');
        if (dot > 0) { /* 2026-11-20T10:00:00.25Z */
            buf_addf(ret, "%.*sZ", (int)dot, text.data);
            return;
        }
        break;
    case SHOW_LINE:
        str_cut(text, '\n', &text, &rest);
        break;
    case SHOW_TEXT:
    case SHOW_NUMBER:
    case SHOW_MARK:
    case SHOW_ERROR:
        break;
    }
    buf_add_str(ret, text);
}

int show_table(struct cli *cli, const json_t *list, const struct show_column *columns,
               size_t n_columns, corrie_error *err)
{
    _cleanup_(grid_done) struct grid grid;
    struct grid_options options = show_grid_options(cli);
    const json_t *item;
    size_t i;
    int r = 0;

    grid_begin(&grid, &cli->out, &options);
    for (size_t c = 0; r >= 0 && c < n_columns; c++) {
        r = grid_column(&grid, str_of(columns[c].title), STR_EMPTY, columns[c].kind == SHOW_NUMBER,
                        err);
    }
    json_array_foreach(list, i, item)
    {
        for (size_t c = 0; r >= 0 && c < n_columns; c++) {
            _cleanup_(buf_done) struct buf text = {0};

            show_value(&text, json_object_get(item, columns[c].field), columns[c].kind);
            r = grid_cell(&grid, buf_str(&text), false, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return r < 0 ? r : grid_end(&grid, err);
}

void show_pairs(struct cli *cli, const json_t *object, const struct show_column *pairs, size_t n)
{
    size_t widest = 0;

    for (size_t i = 0; i < n; i++) {
        size_t width = strlen(pairs[i].title);

        widest = width > widest ? width : widest;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, pairs[i].field);
        _cleanup_(buf_done) struct buf text = {0};

        if (!value || json_is_null(value)) {
            continue;
        }
        show_value(&text, value, pairs[i].kind);
        out_styled(&cli->out, STYLE_DIM, pairs[i].title);
        out_fill(&cli->out, " ", widest + 2 - strlen(pairs[i].title));
        out_clean(&cli->out, buf_str(&text));
        out_char(&cli->out, '\n');
    }
}

/* ---- CSV and JSON lines ---- */

static void csv_row(struct cli *cli, const json_t *item, const struct show *show)
{
    for (size_t c = 0; c < show->n_columns; c++) {
        const json_t *value = json_object_get(item, show->columns[c].field);
        _cleanup_(buf_done) struct buf text = {0};

        if (c > 0) {
            out_char(&cli->out, ',');
        }
        if (value && !json_is_null(value)) {
            raw_value(&text, value);
            text_csv(&cli->out.text, buf_str(&text));
        }
    }
    out_char(&cli->out, '\n');
    out_flush_some(&cli->out);
}

static void csv(struct cli *cli, const json_t *document, const json_t *list,
                const struct show *show)
{
    const json_t *item;
    size_t i;

    for (size_t c = 0; c < show->n_columns; c++) {
        if (c > 0) {
            out_char(&cli->out, ',');
        }
        text_csv(&cli->out.text, str_of(show->columns[c].field));
    }
    out_char(&cli->out, '\n');
    if (!list) {
        csv_row(cli, document, show);
    }
    json_array_foreach(list, i, item)
    {
        csv_row(cli, item, show);
    }
}

static int json_lines(struct cli *cli, const json_t *document, const json_t *list,
                      corrie_error *err)
{
    const json_t *item;
    size_t i;
    int r = 0;

    if (!list) {
        r = js_format(document, 0, &cli->out.text, err);
        out_char(&cli->out, '\n');
        return r;
    }
    json_array_foreach(list, i, item)
    {
        r = js_format(item, 0, &cli->out.text, err);
        if (r < 0) {
            return r;
        }
        out_char(&cli->out, '\n');
        out_flush_some(&cli->out);
    }
    return 0;
}

static int for_people(struct cli *cli, const json_t *document, const json_t *list,
                      const struct show *show, corrie_error *err)
{
    if (show->print) {
        return show->print(cli, document, err);
    }
    if (!list) {
        show_pairs(cli, document, show->columns, show->n_columns);
        return 0;
    }
    if (json_array_size(list) == 0 && show->nothing) {
        cli_note(cli, STYLE_CYAN, "note", str_of(show->nothing));
        return 0;
    }
    return show_table(cli, list, show->columns, show->n_columns, err);
}

int show_document(struct cli *cli, char *text, const struct show *show, corrie_error *err)
{
    _free_ char *owned = text;
    _json_ json_t *document = NULL;
    const json_t *list;
    int r;

    progress_end(&cli->progress);
    if (cli->format == FORMAT_JSON && !cli->out.terminal) {
        out_text(&cli->out, owned);
        out_char(&cli->out, '\n');
        return 0;
    }
    r = js_parse(str_of(owned), "the result", &document, err);
    if (r < 0) {
        return r;
    }
    list = show->list ? json_object_get(document, show->list) : NULL;
    switch (cli->format) {
    case FORMAT_JSON:
        r = js_format(document, 2, &cli->out.text, err);
        out_char(&cli->out, '\n');
        return r;
    case FORMAT_JSONL:
        return json_lines(cli, document, list, err);
    case FORMAT_CSV:
        csv(cli, document, list, show);
        return 0;
    default:
        return for_people(cli, document, list, show, err);
    }
}
