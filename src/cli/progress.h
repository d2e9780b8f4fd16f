/* progress.h — what is under way, at the bottom of a terminal.
 *
 * A few lines that change in place: a spinner, what it is, rows and bytes, time. They appear when something
 * has lasted half a second, are redrawn by a thread of their own, and leave nothing behind. Not on a
 * terminal (or a dumb one): nothing at all.
 *
 * States: idle → (progress_begin) → live → (progress_end) → idle.
 * While live, whoever prints on the terminal does so between progress_pause and progress_resume. */
#ifndef CORRIE_CLI_PROGRESS_H
#define CORRIE_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "cli/out.h"

#define PROGRESS_LINES 16
#define PROGRESS_DELAY_MS 500

struct progress_line {
    char name[128];
    char text[160];
    int64_t rows; /* -1 = not known */
    int64_t bytes;
    int64_t started; /* monotonic */
};

struct progress {
    struct out *out;
    bool live;
    bool stop;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct progress_line lines[PROGRESS_LINES]; /* what is under way, oldest first */
    size_t n_lines;
    size_t drawn; /* lines that stand on the screen now */
    unsigned frame;
};

/* Starts drawing on `out` if it is a terminal that can be drawn on. */
void progress_begin(struct progress *progress, struct out *out);
/* Wipes the lines and stops. */
void progress_end(struct progress *progress);
/* Adds a line or changes it. Negative counts and empty text leave what was there. */
void progress_set(struct progress *progress, const char *name, const char *text, int64_t rows,
                  int64_t bytes);
void progress_drop(struct progress *progress, const char *name);
/* Between the two the screen is free and belongs to the caller. */
void progress_pause(struct progress *progress);
void progress_resume(struct progress *progress);

/* "12.4 MB", "1.2 s", "2 m 05 s" */
void progress_bytes(char ret[32], int64_t bytes);
void progress_seconds(char ret[32], double seconds);

#endif
