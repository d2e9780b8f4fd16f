/* grid.h — rows and columns for people.
 *
 *     grid_begin → grid_column (each) → grid_cell (row by row, left to right) → grid_end
 *
 * Two looks. BOX is for a terminal: lines around it, cells cut with "…" so that a row fits the screen.
 * PLAIN is for pipes and files: columns aligned by spaces, nothing cut, one line a row. SIDEWAYS is a line a
 * cell, for rows wider than any screen.
 *
 * Memory is bounded: the first rows (GRID_WINDOW of them, or 4 MiB of text) settle the widths, later ones
 * are printed as they come; a later cell that is longer is cut (BOX) or pushes its row out of line (PLAIN). */
#ifndef CORRIE_CLI_GRID_H
#define CORRIE_CLI_GRID_H

#include "base/arena.h"
#include "base/vec.h"
#include "cli/out.h"

#define GRID_WINDOW 1000

enum grid_look { GRID_BOX, GRID_PLAIN, GRID_SIDEWAYS };

struct grid_options {
    enum grid_look look;
    size_t width;  /* columns of the screen, BOX; 0 = no limit */
    bool no_trunc; /* BOX: cut nothing, whatever the width */
};

struct grid_column {
    struct str title;
    struct str type; /* under the title, BOX; empty = none */
    bool right;
    size_t width;
};

struct grid_cell {
    struct str text; /* escaped; in the window's arena */
    bool dim;
};

struct grid {
    struct out *out;
    struct grid_options options;
    struct arena names;
    struct arena window;
    VEC(struct grid_column) columns;
    VEC(struct grid_cell) cells; /* of the rows that were not printed yet */
    size_t shown;                /* columns that fit */
    size_t n_rows;               /* all that were given */
    size_t n_printed;
    bool started;
};

void grid_begin(struct grid *grid, struct out *out, const struct grid_options *options);
/* Texts are copied and escaped. `right`: numbers. */
int grid_column(struct grid *grid, struct str title, struct str type, bool right, corrie_error *err)
    CORRIE_MUST_USE;
/* The next cell; `dim` marks what is no value (null). */
int grid_cell(struct grid *grid, struct str text, bool dim, corrie_error *err) CORRIE_MUST_USE;
/* Prints what is left, with the header if there was no row, and frees all. */
int grid_end(struct grid *grid, corrie_error *err) CORRIE_MUST_USE;
/* Frees without printing; after grid_end nothing happens. */
void grid_done(struct grid *grid);

#endif
