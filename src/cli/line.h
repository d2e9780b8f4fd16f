/* line.h — lines that a person types at a terminal. With libedit, if the machine has it: editing, history, completion;
 * without it the terminal's own line editing. */
#ifndef CORRIE_CLI_LINE_H
#define CORRIE_CLI_LINE_H

#include "base/buf.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"

struct line_editor;

/* What may follow `word`: calls `add` for each whole word that begins with it. */
typedef void (*line_complete_fn)(void *arg, struct str word,
                                 void (*add)(void *list, struct str text), void *list);

struct line_options {
    const char *history; /* a file that is read now and written at the end; NULL: none is kept */
    const struct cancel *cancel; /* set by Ctrl-C */
    line_complete_fn complete;   /* may be NULL */
    void *complete_arg;
};

/* `options` is copied; what it points to lives as long as the editor. */
int line_open(const struct line_options *options, struct line_editor **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Writes the history; that it cannot be written is nobody's loss. */
struct line_editor *line_close(struct line_editor *editor);
DEFINE_CLEANUP(struct line_editor *, line_close)

/* Asks with `prompt`. Appends the line, without its end, to `ret`: 1; 0 at the end of the input. CORRIE_E_CANCELLED on
 * Ctrl-C: the caller clears the token. */
int line_read(struct line_editor *editor, const char *prompt, struct buf *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Keeps a text in the history. */
void line_remember(struct line_editor *editor, const char *text);

#endif
