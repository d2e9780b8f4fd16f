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

size_t show_width(const struct cli *cli)
{
    return (size_t)os_terminal_width(pager_terminal(&cli->pager, &cli->out), 120);
}

struct grid_options show_grid_options(const struct cli *cli)
{
    return (struct grid_options){
        .look = cli->sideways               ? GRID_SIDEWAYS
                : cli->format == FORMAT_TTY ? GRID_BOX
                                            : GRID_PLAIN,
        .width = show_width(cli),
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

/* Text as people read it. */
static void text_value(struct buf *ret, struct str text, enum show_kind kind)
{
    struct str rest;
    ptrdiff_t dot;

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
            buf_add_str(ret, str_slice(text, 0, (size_t)dot));
            buf_add_char(ret, 'Z');
            return;
        }
        break;
    case SHOW_LINE:
        str_cut(text, '\n', &text, &rest);
        break;
    case SHOW_TEXT:
    case SHOW_NUMBER:
    case SHOW_SECONDS:
    case SHOW_SIZE:
    case SHOW_MARK:
    case SHOW_ERROR:
        break;
    }
    buf_add_str(ret, text);
}

void show_value(struct buf *ret, const json_t *value, enum show_kind kind)
{
    struct str text;
    struct str rest;

    if (kind == SHOW_MARK) {
        buf_add_text(ret, json_is_true(value) ? "*" : "");
    } else if (kind == SHOW_ERROR && json_is_object(value)) {
        text = show_field(value, "message");
        str_cut(text, '\n', &text, &rest);
        buf_add_str(ret, text);
    } else if (kind == SHOW_SECONDS && json_is_number(value)) {
        char seconds[32];

        progress_seconds(seconds, json_number_value(value));
        buf_add_text(ret, seconds);
    } else if (kind == SHOW_SIZE && json_is_integer(value)) {
        buf_add_size(ret, json_integer_value(value));
    } else if (json_is_string(value)) {
        text_value(ret, js_str(value), kind);
    } else {
        raw_value(ret, value);
    }
}

void show_json_value(struct buf *ret, struct str json, enum show_kind kind)
{
    _cleanup_(buf_done) struct buf scratch = {0};

    if (kind == SHOW_MARK) {
        buf_add_text(ret, str_eq(json, STR("true")) ? "*" : "");
    } else if (jt_is_string(json)) {
        text_value(ret, jt_text(json, &scratch), kind);
    } else if (!str_eq(json, STR("null"))) {
        buf_add_str(ret, json);
    }
}

/* ---- rows as they come ---- */

void show_rows_done(struct show_rows *rows)
{
    grid_done(&rows->grid);
    buf_done(&rows->cell);
}

static int begin_grid(struct show_rows *rows, corrie_error *err)
{
    struct grid_options options = show_grid_options(rows->cli);
    int r = 0;

    grid_begin(&rows->grid, &rows->cli->out, &options);
    for (size_t c = 0; r >= 0 && c < rows->n_columns; c++) {
        enum show_kind kind = rows->columns[c].kind;
        bool right = kind == SHOW_NUMBER || kind == SHOW_SECONDS || kind == SHOW_SIZE;

        r = grid_column(&rows->grid, str_of(rows->columns[c].title), STR_EMPTY, right, err);
    }
    return r;
}

int show_rows_begin(struct show_rows *rows, struct cli *cli, const struct show_column *columns,
                    size_t n_columns, corrie_error *err)
{
    *rows = (struct show_rows){.cli = cli, .columns = columns, .n_columns = n_columns};
    if (format_is_for_people(cli->format)) {
        return begin_grid(rows, err);
    }
    for (size_t c = 0; cli->format == FORMAT_CSV && c < n_columns; c++) {
        if (c > 0) {
            out_char(&cli->out, ',');
        }
        text_csv(&cli->out.text, str_of(columns[c].field));
    }
    if (cli->format == FORMAT_CSV) {
        out_char(&cli->out, '\n');
    }
    return 0;
}

static int grid_row(struct show_rows *rows, const json_t *item, corrie_error *err)
{
    int r = 0;

    for (size_t c = 0; r >= 0 && c < rows->n_columns; c++) {
        buf_clear(&rows->cell);
        show_value(&rows->cell, json_object_get(item, rows->columns[c].field),
                   rows->columns[c].kind);
        r = buf_check(&rows->cell, err);
        r = r < 0 ? r : grid_cell(&rows->grid, buf_str(&rows->cell), false, err);
    }
    return r;
}

static void csv_cell(struct show_rows *rows, size_t column, bool null)
{
    struct out *out = &rows->cli->out;

    if (column > 0) {
        out_char(out, ',');
    }
    if (!null) {
        text_csv(&out->text, buf_str(&rows->cell));
    }
}

static void end_line(struct show_rows *rows)
{
    out_char(&rows->cli->out, '\n');
    out_flush_some(&rows->cli->out);
}

static void csv_row(struct show_rows *rows, const json_t *item)
{
    for (size_t c = 0; c < rows->n_columns; c++) {
        const json_t *value = json_object_get(item, rows->columns[c].field);

        buf_clear(&rows->cell);
        raw_value(&rows->cell, value);
        csv_cell(rows, c, !value || json_is_null(value));
    }
    end_line(rows);
}

int show_rows_add(struct show_rows *rows, const json_t *item, corrie_error *err)
{
    int r;

    if (format_is_for_people(rows->cli->format)) {
        return grid_row(rows, item, err);
    }
    if (rows->cli->format == FORMAT_CSV) {
        csv_row(rows, item);
        return 0;
    }
    r = js_format(item, 0, &rows->cli->out.text, err);
    end_line(rows);
    return r;
}

int show_rows_add_text(struct show_rows *rows, struct str row, corrie_error *err)
{
    bool csv = rows->cli->format == FORMAT_CSV;
    struct jt_member members[SHOW_FIELDS];
    size_t n;
    int r;

    if (!csv && !format_is_for_people(rows->cli->format)) {
        buf_add_str(&rows->cli->out.text, row);
        end_line(rows);
        return 0;
    }
    r = jt_split(row, members, SHOW_FIELDS, &n, err);
    for (size_t c = 0; r >= 0 && c < rows->n_columns; c++) {
        struct str json = jt_find(members, n, rows->columns[c].field);

        buf_clear(&rows->cell);
        show_json_value(&rows->cell, json, csv ? SHOW_TEXT : rows->columns[c].kind);
        r = buf_check(&rows->cell, err);
        if (r >= 0 && csv) {
            csv_cell(rows, c, json.len == 0 || str_eq(json, STR("null")));
        } else if (r >= 0) {
            r = grid_cell(&rows->grid, buf_str(&rows->cell), false, err);
        }
    }
    if (csv) {
        end_line(rows);
    }
    return r;
}

int show_rows_end(struct show_rows *rows, corrie_error *err)
{
    return format_is_for_people(rows->cli->format) ? grid_end(&rows->grid, err) : 0;
}

/* All rows of a list; with a NULL `list`, the document itself as the one row. */
static int show_list(struct cli *cli, const json_t *document, const json_t *list,
                     const struct show_column *columns, size_t n_columns, corrie_error *err)
{
    _cleanup_(show_rows_done) struct show_rows rows;
    const json_t *item;
    size_t i;
    int r;

    r = show_rows_begin(&rows, cli, columns, n_columns, err);
    if (r >= 0 && !list) {
        r = show_rows_add(&rows, document, err);
    }
    json_array_foreach(list, i, item)
    {
        r = r < 0 ? r : show_rows_add(&rows, item, err);
    }
    return r < 0 ? r : show_rows_end(&rows, err);
}

int show_table(struct cli *cli, const json_t *list, const struct show_column *columns,
               size_t n_columns, corrie_error *err)
{
    return show_list(cli, NULL, list, columns, n_columns, err);
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

/* ---- documents ---- */

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

/* What --limit leaves of a list that came whole: 1 if it was cut. */
static int cut_list(const struct cli *cli, json_t *document, json_t *list, corrie_error *err)
{
    if (cli->limit == 0 || json_array_size(list) <= cli->limit) {
        return 0;
    }
    while (json_array_size(list) > cli->limit) {
        (void)json_array_remove(list, json_array_size(list) - 1);
    }
    return js_set_bool(document, "more", true) != 0 ? corrie_fail_memory(err) : 1;
}

static int show_as(struct cli *cli, const json_t *document, const json_t *list,
                   const struct show *show, corrie_error *err)
{
    int r;

    switch (cli->format) {
    case FORMAT_JSON:
        r = js_format(document, cli->out.terminal ? 2 : 0, &cli->out.text, err);
        out_char(&cli->out, '\n');
        return r;
    case FORMAT_JSONL:
    case FORMAT_CSV:
        return show_list(cli, document, list, show->columns, show->n_columns, err);
    default:
        return for_people(cli, document, list, show, err);
    }
}

int show_document(struct cli *cli, char *text, const struct show *show, corrie_error *err)
{
    _free_ char *owned = text;
    _json_ json_t *document = NULL;
    json_t *list;
    int cut;
    int r;

    progress_end(&cli->progress);
    if (cli->format == FORMAT_JSON && !cli->out.terminal && cli->limit == 0) {
        out_text(&cli->out, owned);
        out_char(&cli->out, '\n');
        return 0;
    }
    r = js_parse(str_of(owned), "the result", &document, err);
    if (r < 0) {
        return r;
    }
    list = show->list ? json_object_get(document, show->list) : NULL;
    cut = cut_list(cli, document, list, err);
    if (cut < 0 || (r = show_as(cli, document, list, show, err)) < 0) {
        return cut < 0 ? cut : r;
    }
    if (cut > 0 && cli->format != FORMAT_JSON) {
        list_say_cut(cli);
    }
    return 0;
}
