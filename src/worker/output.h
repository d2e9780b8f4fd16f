/* output.h — what a function prints, on its way to whoever shows it: in lines, in UTF-8, and bounded. Private
 * to the room. */
#ifndef CORRIE_WORKER_OUTPUT_H
#define CORRIE_WORKER_OUTPUT_H

#include "base/buf.h"
#include "worker/mask.h"
#include "worker/worker.h"

/* A line that waits for the end, because the beginning of the output was already long. */
struct kept_line;

/* The first CORRIE_MAX_WORKER_HEAD bytes go to the callback as they come; of what follows the last
 * CORRIE_MAX_WORKER_TAIL are kept and go there by output_finish, after a note of what is missing. */
struct output {
    const struct mask *mask; /* NULL: nothing is secret */
    worker_event_fn events;
    void *events_arg;
    uint64_t bytes;   /* of all lines */
    uint64_t head;    /* likewise, with what each line costs */
    uint64_t dropped; /* bytes */
    struct kept_line *first, *last;
    size_t kept; /* bytes, with what keeping costs */
};
void output_done(struct output *output);

/* One line; `event` with kind WORKER_LOG, its texts valid UTF-8. */
void output_line(struct output *output, const struct worker_event *event);
void output_finish(struct output *output);

/* Lines out of a stream of bytes: a pipe. */
struct line_reader {
    struct output *output;
    enum worker_stream stream;
    struct buf part; /* a line without its end yet */
    struct buf tail; /* the last bytes that came: the reason of a crash */
    struct buf
        crash; /* Python's own dump of a crash, which is told with the error: lines that are held back */
    bool after_return;
    bool no_crash; /* nothing is held back any more */
};
void line_reader_done(struct line_reader *reader);
void line_reader_add(struct line_reader *reader, struct str bytes);
/* What has no end of line yet is a line too. */
void line_reader_finish(struct line_reader *reader);
/* Hands on what was held back: it was no crash. */
void line_reader_release(struct line_reader *reader);

/* Appends `text` with each byte that is not UTF-8, and each NUL, replaced by U+FFFD. */
void output_clean(struct buf *out, struct str text);

#endif
