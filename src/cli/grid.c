#include "cli/grid.h"

#include <string.h>

#include "cli/text.h"

enum {
    MAX_WINDOW_BYTES = 4 * 1024 * 1024,
    MAX_NATURAL = 60, /* BOX: a column is not wider than this unless there is room left over */
    LEAST = 8,        /* BOX: nor made narrower, if it was wider */
    GAP = 2           /* PLAIN */
};

void grid_begin(struct grid *grid, struct out *out, const struct grid_options *options)
{
    *grid = (struct grid){.out = out, .options = *options};
}

void grid_done(struct grid *grid)
{
    vec_done(&grid->columns);
    vec_done(&grid->cells);
    arena_done(&grid->names);
    arena_done(&grid->window);
}

static int copy_escaped(struct arena *arena, struct str text, struct str *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf escaped = {0};
    int r;

    text_escape(&escaped, text);
    r = buf_check(&escaped, err);
    if (r < 0) {
        return r;
    }
    return arena_str(arena, buf_str(&escaped), ret) < 0 ? corrie_fail_memory(err) : 0;
}

int grid_column(struct grid *grid, struct str title, struct str type, bool right, corrie_error *err)
{
    struct grid_column column = {.right = right};
    int r;

    r = copy_escaped(&grid->names, title, &column.title, err);
    if (r < 0 || (r = copy_escaped(&grid->names, type, &column.type, err)) < 0) {
        return r;
    }
    return vec_push(&grid->columns, column) < 0 ? corrie_fail_memory(err) : 0;
}

/* ---- widths ---- */

static void measure(struct grid *grid)
{
    for (size_t c = 0; c < grid->columns.count; c++) {
        struct grid_column *column = &grid->columns.items[c];
        size_t type = grid->options.look == GRID_BOX ? text_width(column->type) : 0;

        column->width = text_width(column->title);
        column->width = type > column->width ? type : column->width;
        for (size_t i = c; i < grid->cells.count; i += grid->columns.count) {
            size_t width = text_width(grid->cells.items[i].text);

            column->width = width > column->width ? width : column->width;
        }
    }
    grid->shown = grid->columns.count;
}

/* What a row of the first `n` columns takes on the screen. */
static size_t row_width(const struct grid *grid, size_t n)
{
    size_t width = 1;

    for (size_t c = 0; c < n; c++) {
        width += grid->columns.items[c].width + 3;
    }
    return width;
}

/* Narrows the widest columns, one step after the other, until a row fits; what cannot be narrowed further is
 * left out from the right. */
static void fit_screen(struct grid *grid)
{
    size_t screen = grid->options.width;

    if (row_width(grid, grid->columns.count) <= screen) {
        return;
    }
    for (size_t c = 0; c < grid->columns.count; c++) {
        struct grid_column *column = &grid->columns.items[c];

        column->width = column->width > MAX_NATURAL ? MAX_NATURAL : column->width;
    }
    while (row_width(grid, grid->columns.count) > screen) {
        struct grid_column *widest = &grid->columns.items[0];

        for (size_t c = 1; c < grid->columns.count; c++) {
            if (grid->columns.items[c].width > widest->width) {
                widest = &grid->columns.items[c];
            }
        }
        if (widest->width <= LEAST) {
            break;
        }
        widest->width--;
    }
    while (grid->shown > 1 && row_width(grid, grid->shown) > screen) {
        grid->shown--;
    }
}

/* ---- printing ---- */

static void print_rule(struct grid *grid, const char *left, const char *middle, const char *right)
{
    out_style(grid->out, STYLE_DIM);
    out_text(grid->out, left);
    for (size_t c = 0; c < grid->shown; c++) {
        if (c > 0) {
            out_text(grid->out, middle);
        }
        out_fill(grid->out, "─", grid->columns.items[c].width + 2);
    }
    out_text(grid->out, right);
    out_style(grid->out, STYLE_PLAIN);
    out_char(grid->out, '\n');
}

static void print_bar(struct grid *grid)
{
    out_styled(grid->out, STYLE_DIM, "│");
}

/* The text in its column's width, cut if it is too long and may be. */
static void print_field(struct grid *grid, const struct grid_column *column, struct str text,
                        enum style style, bool last)
{
    size_t width = text_width(text);
    bool cut = grid->options.look == GRID_BOX && width > column->width;
    size_t fill;

    if (cut) {
        text = text_fit(text, column->width > 0 ? column->width - 1 : 0);
        width = text_width(text) + 1;
    }
    fill = column->width > width ? column->width - width : 0;
    if (column->right) {
        out_fill(grid->out, " ", fill);
    }
    if (style != STYLE_PLAIN) {
        out_style(grid->out, style);
    }
    out_str(grid->out, text);
    if (cut) {
        out_text(grid->out, "…");
    }
    if (style != STYLE_PLAIN) {
        out_style(grid->out, STYLE_PLAIN);
    }
    if (!column->right && !last) {
        out_fill(grid->out, " ", fill);
    }
}

static void print_box_line(struct grid *grid, const struct grid_cell *cells, enum style style)
{
    for (size_t c = 0; c < grid->shown; c++) {
        print_bar(grid);
        out_char(grid->out, ' ');
        print_field(grid, &grid->columns.items[c], cells[c].text, cells[c].dim ? STYLE_DIM : style,
                    false);
        out_char(grid->out, ' ');
    }
    print_bar(grid);
    out_char(grid->out, '\n');
}

static void print_plain_line(struct grid *grid, const struct grid_cell *cells)
{
    for (size_t c = 0; c < grid->shown; c++) {
        if (c > 0) {
            out_fill(grid->out, " ", GAP);
        }
        print_field(grid, &grid->columns.items[c], cells[c].text, STYLE_PLAIN,
                    c + 1 == grid->shown);
    }
    out_char(grid->out, '\n');
}

static int print_header(struct grid *grid, corrie_error *err)
{
    struct grid_cell *titles = arena_array(&grid->names, struct grid_cell, grid->columns.count);
    struct grid_cell *types = arena_array(&grid->names, struct grid_cell, grid->columns.count);
    bool typed = false;

    if (!titles || !types) {
        return corrie_fail_memory(err);
    }
    for (size_t c = 0; c < grid->columns.count; c++) {
        titles[c].text = grid->columns.items[c].title;
        types[c] = (struct grid_cell){.text = grid->columns.items[c].type, .dim = true};
        typed = typed || types[c].text.len > 0;
    }
    if (grid->options.look == GRID_PLAIN) {
        print_plain_line(grid, titles);
        return 0;
    }
    print_rule(grid, "┌", "┬", "┐");
    print_box_line(grid, titles, STYLE_BOLD);
    if (typed) {
        print_box_line(grid, types, STYLE_DIM);
    }
    print_rule(grid, "├", "┼", "┤");
    return 0;
}

static void print_sideways(struct grid *grid, const struct grid_cell *cells)
{
    size_t widest = 0;

    for (size_t c = 0; c < grid->columns.count; c++) {
        size_t width = text_width(grid->columns.items[c].title);

        widest = width > widest ? width : widest;
    }
    out_style(grid->out, STYLE_DIM);
    out_printf(grid->out, "─ row %zu ", grid->n_printed + 1);
    out_fill(grid->out, "─", widest > 8 ? widest - 8 : 0);
    out_style(grid->out, STYLE_PLAIN);
    out_char(grid->out, '\n');
    for (size_t c = 0; c < grid->columns.count; c++) {
        struct grid_column title = {.width = widest};

        print_field(grid, &title, grid->columns.items[c].title, STYLE_BOLD, false);
        out_text(grid->out, "  ");
        if (cells[c].dim) {
            out_style(grid->out, STYLE_DIM);
        }
        out_str(grid->out, cells[c].text);
        if (cells[c].dim) {
            out_style(grid->out, STYLE_PLAIN);
        }
        out_char(grid->out, '\n');
    }
}

/* Prints the rows of the window and empties it. */
static int print_window(struct grid *grid, corrie_error *err)
{
    size_t n = grid->columns.count;
    int r;

    if (!grid->started) {
        measure(grid);
        if (grid->options.look == GRID_BOX && grid->options.width > 0 && !grid->options.no_trunc) {
            fit_screen(grid);
        }
        if (grid->options.look != GRID_SIDEWAYS && (r = print_header(grid, err)) < 0) {
            return r;
        }
        grid->started = true;
    }
    for (size_t i = 0; i + n <= grid->cells.count && n > 0; i += n) {
        const struct grid_cell *cells = &grid->cells.items[i];

        switch (grid->options.look) {
        case GRID_BOX:
            print_box_line(grid, cells, STYLE_PLAIN);
            break;
        case GRID_PLAIN:
            print_plain_line(grid, cells);
            break;
        case GRID_SIDEWAYS:
            print_sideways(grid, cells);
            break;
        }
        grid->n_printed++;
    }
    grid->cells.count = 0;
    arena_done(&grid->window);
    out_flush_some(grid->out);
    return 0;
}

int grid_cell(struct grid *grid, struct str text, bool dim, corrie_error *err)
{
    struct grid_cell cell = {.dim = dim};
    int r;

    r = copy_escaped(&grid->window, text, &cell.text, err);
    if (r < 0) {
        return r;
    }
    if (vec_push(&grid->cells, cell) < 0) {
        return corrie_fail_memory(err);
    }
    if (grid->cells.count % grid->columns.count != 0) {
        return 0;
    }
    grid->n_rows++;
    if (grid->cells.count < grid->columns.count * GRID_WINDOW &&
        grid->window.total < MAX_WINDOW_BYTES && !grid->started) {
        return 0;
    }
    return print_window(grid, err);
}

int grid_end(struct grid *grid, corrie_error *err)
{
    int r = print_window(grid, err);

    if (r >= 0 && grid->options.look == GRID_BOX) {
        print_rule(grid, "└", "┴", "┘");
    }
    return r;
}
