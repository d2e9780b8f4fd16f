#include "worker/output.h"

#include <stdio.h>

#include "base/limits.h"
#include "base/mem.h"

#define TAIL_OF_CRASH (16 * CORRIE_KiB)
/* What a line costs whoever shows or keeps it, besides its text: a million empty ones are not for nothing. */
#define COST_OF_LINE 64

struct kept_line {
    struct kept_line *next;
    size_t size;
    struct worker_event event; /* texts follow the struct */
    char bytes[];
};

static void drop_first(struct output *output)
{
    struct kept_line *line = output->first;

    output->first = line->next;
    output->last = output->first ? output->last : NULL;
    output->kept -= line->size;
    mem_free(line);
}

void output_done(struct output *output)
{
    while (output->first) {
        drop_first(output);
    }
}

static void hand_on(struct output *output, const struct worker_event *event)
{
    if (output->events) {
        output->events(output->events_arg, event);
    }
}

static struct str copy_into(char **at, struct str text)
{
    struct str copy = {*at, text.len};

    if (text.len > 0) {
        memcpy(*at, text.data, text.len);
    }
    *at += text.len;
    return copy;
}

static void keep(struct output *output, const struct worker_event *event)
{
    size_t size = sizeof(struct kept_line) + event->text.len + event->file.len + event->level.len;
    struct kept_line *line = mem_alloc(size, 1);
    char *at;

    if (!line) {
        output->dropped += event->text.len + 1;
        return;
    }
    at = line->bytes;
    line->size = size;
    line->event = *event;
    line->event.text = copy_into(&at, event->text);
    line->event.file = copy_into(&at, event->file);
    line->event.level = copy_into(&at, event->level);
    if (output->last) {
        output->last->next = line;
    } else {
        output->first = line;
    }
    output->last = line;
    output->kept += size;
    while (output->kept > CORRIE_MAX_WORKER_TAIL && output->first != output->last) {
        output->dropped += output->first->event.text.len + 1;
        drop_first(output);
    }
}

static void add_line(struct output *output, const struct worker_event *event)
{
    output->bytes += event->text.len + 1;
    output->head += event->text.len + COST_OF_LINE;
    if (output->head <= CORRIE_MAX_WORKER_HEAD) {
        hand_on(output, event);
    } else {
        keep(output, event);
    }
}

void output_line(struct output *output, const struct worker_event *event)
{
    _cleanup_(buf_done) struct buf clean = {0};
    struct worker_event masked = *event;

    if (output->mask && mask_finds(output->mask, event->text)) {
        mask_add(output->mask, &clean, event->text);
        masked.text = buf_str(&clean);
    }
    add_line(output, &masked);
}

void output_finish(struct output *output)
{
    char text[96];

    if (output->dropped > 0) {
        snprintf(text, sizeof text, "… %.1f MB of output are left out here …",
                 (double)output->dropped / 1e6);
        hand_on(output, &(struct worker_event){
                            .kind = WORKER_LOG, .stream = WORKER_NOTE, .text = str_of(text)});
    }
    for (; output->first; drop_first(output)) {
        hand_on(output, &output->first->event);
    }
}

void output_clean(struct buf *out, struct str text)
{
    while (text.len > 0) {
        ptrdiff_t nul = str_find(text, '\0');
        size_t bad = nul < 0 ? text.len : (size_t)nul;
        size_t worse;

        if (!str_is_utf8(str_slice(text, 0, bad), &worse)) {
            bad = worse;
        }
        buf_add(out, text.data, bad);
        if (bad < text.len) {
            buf_add_text(out, "\xef\xbf\xbd");
        }
        text = str_from(text, bad < text.len ? bad + 1 : bad);
    }
}

/* ---- lines of a pipe ---- */

void line_reader_done(struct line_reader *reader)
{
    buf_done(&reader->part);
    buf_done(&reader->tail);
    buf_done(&reader->crash);
}

/* Python's faulthandler begins so, and writes nothing else after it. */
static bool is_crash(const struct line_reader *reader, struct str line)
{
    return reader->stream == WORKER_STDERR && !reader->no_crash &&
           (reader->crash.len > 0 || str_starts(line, STR("Fatal Python error: ")));
}

static void tell_line(struct line_reader *reader, struct str line)
{
    output_line(reader->output,
                &(struct worker_event){.kind = WORKER_LOG, .stream = reader->stream, .text = line});
}

void line_reader_release(struct line_reader *reader)
{
    struct str rest = buf_str(&reader->crash), line;

    reader->no_crash = true;
    while (str_cut(rest, '\n', &line, &rest)) {
        tell_line(reader, line);
    }
    buf_clear(&reader->crash);
}

static void end_line(struct line_reader *reader)
{
    _cleanup_(buf_done) struct buf clean = {0};

    output_clean(&clean, buf_str(&reader->part));
    buf_clear(&reader->part);
    if (!is_crash(reader, buf_str(&clean))) {
        tell_line(reader, buf_str(&clean));
        return;
    }
    buf_addf(&reader->crash, "%.*s\n", STR_FMT(buf_str(&clean)));
    if (reader->crash.len > TAIL_OF_CRASH || reader->crash.failed) {
        line_reader_release(reader); /* nobody's dump is that long */
    }
}

/* A line that is too long goes on in parts; a secret that may have begun at its end waits for the next one. */
static void cut_line(struct line_reader *reader)
{
    const struct mask *mask = reader->output->mask;
    _cleanup_(buf_done) struct buf rest = {0};
    size_t keep = mask && mask->longest > 0 ? mask->longest - 1 : 0;

    if (keep > 0) {
        _cleanup_(buf_done) struct buf clean = {0};

        mask_add(mask, &clean, buf_str(&reader->part));
        buf_clear(&reader->part);
        buf_add_str(&reader->part, buf_str(&clean));
        keep = keep < reader->part.len ? keep : 0;
        buf_add_str(&rest, str_from(buf_str(&reader->part), reader->part.len - keep));
        reader->part.len -= keep;
    }
    end_line(reader);
    buf_add_str(&reader->part, buf_str(&rest));
}

/* Keeps the last TAIL_OF_CRASH … twice as many bytes. */
static void keep_tail(struct line_reader *reader, struct str bytes)
{
    if (reader->tail.len + bytes.len > 2 * TAIL_OF_CRASH) {
        size_t left = reader->tail.len < TAIL_OF_CRASH ? reader->tail.len : TAIL_OF_CRASH;

        if (left > 0) {
            memmove(reader->tail.data, reader->tail.data + reader->tail.len - left, left);
        }
        reader->tail.len = left;
        bytes = bytes.len > TAIL_OF_CRASH ? str_from(bytes, bytes.len - TAIL_OF_CRASH) : bytes;
    }
    buf_add_str(&reader->tail, bytes);
}

void line_reader_add(struct line_reader *reader, struct str bytes)
{
    keep_tail(reader, bytes);
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.data[i];

        if (c == '\n' && reader->after_return) {
            reader->after_return = false; /* the second half of \r\n */
            continue;
        }
        reader->after_return = c == '\r';
        if (c == '\n' || c == '\r') {
            end_line(reader);
            continue;
        }
        buf_add_char(&reader->part, c);
        if (reader->part.len >= CORRIE_MAX_WORKER_LINE / 2) {
            cut_line(reader);
        }
    }
}

void line_reader_finish(struct line_reader *reader)
{
    if (reader->part.len > 0) {
        end_line(reader);
    }
}
