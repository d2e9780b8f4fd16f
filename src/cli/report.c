/* report.c — how an error looks:
 *
 *     error: run: there is no column prce
 *       models.py:12:18
 *           columns=['prce'],
 *                    ^^^^
 *     Traceback …
 *     hint: did you mean price? */
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "os/tty.h"

enum { MARGIN = 4 };

/* The part of a long source line around the position that fits the screen: *start is its first byte. */
static struct str window(struct str line, size_t column, size_t screen, size_t *start)
{
    size_t from = 0;

    if (line.len > screen && column > screen / 2) {
        from = column - screen / 2;
        from = from > line.len ? line.len : from;
        while (from > 0 &&
               ((unsigned char)line.data[from < line.len ? from : line.len - 1] & 0xc0) == 0x80) {
            from--;
        }
    }
    *start = from;
    return text_fit(str_from(line, from), screen);
}

/* Source lines are shown as they are but for control characters; a tab is one space, so that the caret stands
 * right. */
static void add_source(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        buf_add_char(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
}

static void show_source(struct cli *cli, const corrie_position *position)
{
    _cleanup_(buf_done) struct buf line = {0};
    _cleanup_(buf_done) struct buf shown = {0};
    size_t screen = (size_t)os_terminal_width(2, 120) - 2 * MARGIN;
    size_t column = position->column > 0 ? (size_t)position->column - 1 : 0;
    size_t width = position->width > 0 ? (size_t)position->width : 1;
    struct str part;
    size_t start;

    add_source(&line, str_of(position->text));
    column = column > line.len ? line.len : column;
    part = window(buf_str(&line), column, screen, &start);
    text_escape(&shown, part); /* what is left: marks of direction, broken UTF-8 */
    out_fill(&cli->err, " ", MARGIN);
    out_str(&cli->err, buf_str(&shown));
    out_char(&cli->err, '\n');
    if (position->column <= 0) {
        return;
    }
    column -= start;
    width = column + width > part.len ? (part.len > column ? part.len - column : 1) : width;
    out_fill(&cli->err, " ", MARGIN + text_width(str_slice(part, 0, column)));
    out_style(&cli->err, STYLE_RED);
    width = text_width(str_slice(part, column, width));
    out_fill(&cli->err, "^", width > 0 ? width : 1);
    out_style(&cli->err, STYLE_PLAIN);
    out_char(&cli->err, '\n');
}

/* "models.py:7:3"; of a text that came from the command line only which line, where there are several. */
static void show_place(struct cli *cli, const corrie_position *position)
{
    if (!position->file && position->line <= 1) {
        return;
    }
    out_text(&cli->err, "  ");
    out_style(&cli->err, STYLE_CYAN);
    out_clean(&cli->err, str_of(position->file ? position->file : "line "));
    if (position->line > 0) {
        out_printf(&cli->err, position->file ? ":%ld" : "%ld", position->line);
    }
    if (position->file && position->line > 0 && position->column > 0) {
        out_printf(&cli->err, ":%ld", position->column);
    }
    out_style(&cli->err, STYLE_PLAIN);
    out_char(&cli->err, '\n');
}

static void show_position(struct cli *cli, const corrie_position *position)
{
    if (!position->file && !position->text) {
        return;
    }
    show_place(cli, position);
    if (position->text && *position->text) {
        show_source(cli, position);
    }
}

/* Longer material. A report in JSON is shown by conflict.c, or for programs. */
static void show_detail(struct cli *cli, const char *detail)
{
    if (!detail || *detail == '\0' || *detail == '{') {
        return;
    }
    text_escape_lines(&cli->err.text, str_of(detail));
    if (detail[strlen(detail) - 1] != '\n') {
        out_char(&cli->err, '\n');
    }
}

static void show_text(struct cli *cli, const corrie_error *err)
{
    out_styled(&cli->err, STYLE_RED, "error");
    out_text(&cli->err, ": ");
    if (err->code == CORRIE_E_USAGE) { /* quotes what was typed, and has no lines of its own */
        text_escape(&cli->err.text, str_of(corrie_error_message(err)));
    } else {
        text_escape_lines(&cli->err.text, str_of(corrie_error_message(err)));
    }
    out_char(&cli->err, '\n');
    show_position(cli, &err->position);
    show_detail(cli, err->detail);
    if (!conflict_show(cli, err) && err->hint) {
        out_styled(&cli->err, STYLE_CYAN, "hint");
        out_text(&cli->err, ": ");
        text_escape_lines(&cli->err.text, str_of(err->hint));
        out_char(&cli->err, '\n');
    }
    out_flush(&cli->err);
}

static int show_json(struct cli *cli, const corrie_error *err)
{
    _error_ corrie_error second = CORRIE_ERROR_INIT;
    _json_ json_t *document = NULL;
    int r;

    js_setup();
    document = json_object();
    r = js_set(document, "error", js_error(err));
    if (r >= 0) {
        r = js_format(document, cli->out.terminal && cli->format == FORMAT_JSON ? 2 : 0,
                      &cli->out.text, &second);
    }
    out_char(&cli->out, '\n');
    return r;
}

void report_error(struct cli *cli, const corrie_error *err)
{
    bool json = cli->format == FORMAT_JSON || cli->format == FORMAT_JSONL;

    progress_end(&cli->progress);
    if (json && !out_stopped(&cli->out) && show_json(cli, err) >= 0) {
        out_flush(&cli->out);
        json = !cli->out.failed; /* a document that could not be written tells nothing */
    } else {
        json = false;
    }
    if (!json) {
        show_text(cli, err);
    }
}
