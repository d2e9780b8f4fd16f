#include "tests/unit/check.h"

#include <stdio.h>

#include "base/limits.h"
#include "worker/output.h"

struct seen {
    size_t lines, bytes, notes;
    char first[64], last[64];
};

static void see(void *arg, const struct worker_event *event)
{
    struct seen *seen = arg;

    seen->notes += event->stream == WORKER_NOTE;
    snprintf(seen->lines++ ? seen->last : seen->first, 64, "%.*s", STR_FMT(event->text));
    seen->bytes += event->text.len;
}

/* A function that prints without end fills neither memory nor screen, and its last words are kept. */
START_TEST(output_bounded)
{
    struct seen seen = {0};
    _cleanup_(output_done) struct output output = {.events = see, .events_arg = &seen};
    char text[64];

    for (int i = 0; i < 200000; i++) {
        snprintf(text, sizeof text, "line %d of a function that talks too much ….", i);
        output_line(&output, &(struct worker_event){.kind = WORKER_LOG, .text = str_of(text)});
    }
    ck_assert_uint_le(output.kept, CORRIE_MAX_WORKER_TAIL);
    output_finish(&output);
    ck_assert_uint_eq(seen.notes, 1);
    ck_assert_ptr_nonnull(strstr(seen.first, "line 0 "));
    ck_assert_ptr_nonnull(strstr(seen.last, "line 199999 "));
    ck_assert_uint_le(seen.bytes, CORRIE_MAX_WORKER_HEAD + CORRIE_MAX_WORKER_TAIL + 100);
    ck_assert_uint_gt(output.dropped, 0);
}
END_TEST

/* A million empty lines are no less: each is an event, a line of a log, a row of a screen. */
START_TEST(output_empty_lines)
{
    struct seen seen = {0};
    _cleanup_(output_done) struct output output = {.events = see, .events_arg = &seen};

    for (int i = 0; i < 1000000; i++) {
        output_line(&output, &(struct worker_event){.kind = WORKER_LOG});
    }
    output_finish(&output);
    ck_assert_uint_le(seen.lines, (CORRIE_MAX_WORKER_HEAD + CORRIE_MAX_WORKER_TAIL) / 64 + 1);
    ck_assert_uint_eq(seen.notes, 1);
}
END_TEST

/* What C libraries write comes in pieces, with any line ends and any bytes. */
START_TEST(output_lines)
{
    struct seen seen = {0};
    _cleanup_(output_done) struct output output = {.events = see, .events_arg = &seen};
    _cleanup_(line_reader_done) struct line_reader reader = {.output = &output,
                                                             .stream = WORKER_STDERR};

    line_reader_add(&reader, STR("on"));
    line_reader_add(&reader, STR("e\r"));
    line_reader_add(&reader, STR("\ntwo\rthree\n"));
    ck_assert_uint_eq(seen.lines, 3);
    ck_assert_str_eq(seen.first, "one");
    ck_assert_str_eq(seen.last, "three");
    line_reader_add(&reader, STR("a\xff"
                                 "b\xc3"));
    line_reader_finish(&reader);
    ck_assert_uint_eq(seen.lines, 4);
    ck_assert_str_eq(seen.last, "a\xef\xbf\xbd"
                                "b\xef\xbf\xbd");
    ck_str_eq(buf_str(&reader.tail), STR("one\r\ntwo\rthree\na\xff"
                                         "b\xc3"));
    for (int i = 0; i < 1000; i++) {
        char bytes[1000];

        memset(bytes, 'a' + i % 26, sizeof bytes);
        line_reader_add(&reader, str_make(bytes, sizeof bytes));
    }
    ck_assert_uint_ge(seen.lines, 60); /* a line without end is cut */
    ck_assert_uint_le(reader.tail.len, 32 * CORRIE_KiB);
    ck_assert_int_eq(reader.tail.data[reader.tail.len - 1], 'a' + 999 % 26);
}
END_TEST

SUITE(output_suite, "output", output_bounded, output_empty_lines, output_lines)
