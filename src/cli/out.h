/* out.h — standard output and standard error.
 *
 * Text is gathered and written in large pieces; the first failure is remembered and everything after it is
 * dropped, so that printing code writes freely and main asks once, by out_close. A pipe whose reader has
 * gone is no failure: the reader had enough (long loops look at out_stopped). */
#ifndef CORRIE_CLI_OUT_H
#define CORRIE_CLI_OUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

enum style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_DIM,
    STYLE_RED,
    STYLE_GREEN,
    STYLE_YELLOW,
    STYLE_CYAN,
    STYLE_BLUE,
    STYLE_MAGENTA
};

struct out {
    int fd;
    const char *name; /* for messages: "standard output" */
    bool terminal;
    bool colour;
    bool broken; /* the reader has gone */
    bool failed; /* nothing is written any more; why is in `failure` until out_close gives it */
    struct buf text;
    corrie_error failure;
    /* Held: nothing is written before there are more than `hold` lines; then `spill` may turn `fd` elsewhere. */
    void (*spill)(void *data, struct out *out);
    void *spill_data;
    size_t hold;
    size_t counted; /* bytes of `text` whose newlines were counted */
    size_t lines;
};

enum colour_choice { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

void out_init(struct out *out, int fd, const char *name);
/* AUTO: on a terminal that is not dumb, unless NO_COLOR is set. */
void out_choose_colour(struct out *out, enum colour_choice choice);

/* Holds what is printed until it is more than `lines` lines; then `spill` is called, once. */
void out_hold(struct out *out, size_t lines, void (*spill)(void *data, struct out *out),
              void *data);

void out_text(struct out *out, const char *text);
void out_str(struct out *out, struct str text);
void out_char(struct out *out, char c);
void out_fill(struct out *out, const char *what, size_t times);
void out_printf(struct out *out, const char *format, ...) CORRIE_PRINTF(2, 3);
/* Text of others: escaped (text.h). */
void out_clean(struct out *out, struct str text);
/* Switches the style on, STYLE_PLAIN off again; nothing without colour. */
void out_style(struct out *out, enum style style);
/* `text` in a style. */
void out_styled(struct out *out, enum style style, const char *text);

/* Writes what was gathered if it is a large piece; call it now and then while printing much. */
void out_flush_some(struct out *out);
void out_flush(struct out *out);
/* Writing has failed or nobody reads any more: printing more is useless. */
bool out_stopped(const struct out *out);
/* Flushes and frees. Fails with the first failure, if there was one. */
int out_close(struct out *out, corrie_error *err) CORRIE_MUST_USE;

#endif
