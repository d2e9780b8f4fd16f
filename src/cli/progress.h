/* progress.h — what is under way, in a block of lines at the bottom of a terminal.
 *
 * Two kinds of lines. Passing ones are for long work of any command: they appear when it has lasted half a second and
 * leave nothing behind. Those that stay are for the parts of a run, in an order known before: each is waiting, running
 * or ended, and the block is left on the screen as it was last. What others print goes above the block. A thread of its
 * own redraws it. Not on a terminal (or a dumb one): nothing at all.
 *
 * Invariants
 *   1. The block has at most as many lines as the terminal, less the one where the cursor stands, and none is as wide
 *      as the terminal: nothing wraps, nothing scrolls away that is to be drawn again.
 *   2. When lines that stay do not all fit, those that have ended go above the block for good, and of the others
 *      those that run are shown, with a count.
 *   3. The cursor is never hidden and no mode of the terminal is changed: who is killed or stopped leaves nothing to put
 *      right. Who goes on (fg) draws the block anew below what others have written; in the background nothing is drawn.
 *
 * States: idle → (progress_begin) → live → (progress_end) → idle. */
#ifndef CORRIE_CLI_PROGRESS_H
#define CORRIE_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "cli/out.h"

#define PROGRESS_PASSING 16
#define PROGRESS_DELAY_MS 500
#define PROGRESS_MAX_BLOCK 1000

/* waiting → running → one of the others; at the end what waits was skipped, and what runs cancelled. */
enum progress_state {
    PROGRESS_WAITING,
    PROGRESS_RUNNING,
    PROGRESS_DONE,
    PROGRESS_WARNED,
    PROGRESS_FAILED,
    PROGRESS_CANCELLED,
    PROGRESS_SKIPPED,
    PROGRESS_STATES /* how many there are */
};

struct progress_line {
    char *name; /* escaped */
    size_t width;
    char text[240]; /* what it is at, or why it is so */
    enum progress_state state;
    bool told;       /* it stands above the block for good */
    int64_t rows;    /* -1 = not known */
    int64_t bytes;   /* passing lines: -1 = not known */
    int64_t started; /* monotonic */
    double seconds;  /* once it has ended */
};

struct progress {
    struct out *out;
    bool live;
    bool stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct progress_line passing[PROGRESS_PASSING]; /* oldest first */
    size_t n_passing;
    VEC(struct progress_line) lines; /* those that stay */
    struct map index;                /* name → its place in `lines`, + 1 */
    VEC(char *) names;               /* the keys of `index` */
    size_t counts[PROGRESS_STATES];
    size_t n_told;
    size_t name_width;                   /* of the widest name */
    size_t drawn;                        /* lines of the block that stand on the screen */
    uint16_t widths[PROGRESS_MAX_BLOCK]; /* of each of them, in columns */
    unsigned continued;                  /* os_times_continued when it was drawn */
    int64_t last_drawn;
    unsigned frame;
};

/* Starts drawing on `out` if it is a terminal that can be drawn on. */
void progress_begin(struct progress *progress, struct out *out);
/* Wipes the passing lines, leaves the others as they are then, and stops. */
void progress_end(struct progress *progress);

/* Adds a passing line or changes it. Negative counts and empty text leave what was there. */
void progress_set(struct progress *progress, const char *name, const char *text, int64_t rows,
                  int64_t bytes);
void progress_drop(struct progress *progress, const char *name);

/* Adds a line that stays, which waits for `text` (may be NULL). Where memory is short there is no line. */
void progress_add(struct progress *progress, struct str name, struct str text);
void progress_start(struct progress *progress, const char *name);
/* It has ended so; `text`: why (may be NULL). */
void progress_finish(struct progress *progress, const char *name, enum progress_state state,
                     const char *text, int64_t rows, double seconds);
/* A line of that name that stays: what it is at. False if there is none. */
bool progress_say(struct progress *progress, const char *name, const char *text);

/* Between the two the screen is free and belongs to the caller: questions. */
void progress_pause(struct progress *progress);
void progress_resume(struct progress *progress);
/* Between the two the caller adds whole lines to `out` (which is that of progress_begin where it is live) without
 * flushing it; they appear above the block with the next frame, or at once where nothing is drawn. */
void progress_print_begin(struct progress *progress);
void progress_print_end(struct progress *progress, struct out *out);

/* "12.4 MB", "1.2 s", "2 m 05 s" */
void progress_bytes(char ret[32], int64_t bytes);
void progress_seconds(char ret[32], double seconds);

#endif
