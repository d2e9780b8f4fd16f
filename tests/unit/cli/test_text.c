/* Text on a screen: what is cut, what is escaped. A control sequence that slips through moves somebody's cursor. */
#include "cli/text.h"
#include "tests/unit/check.h"

START_TEST(test_width_counts_columns)
{
    ck_assert_uint_eq(text_width(STR("")), 0);
    ck_assert_uint_eq(text_width(STR("abc")), 3);
    ck_assert_uint_eq(text_width(STR("n\xc3\xa9")), 2);
    ck_assert_uint_eq(text_width(STR("e\xcc\x81")), 1); /* e and a combining accent */
    ck_assert_uint_eq(text_width(STR("\xe6\x97\xa5\xe6\x9c\xac")), 4); /* two ideographs */
    ck_assert_uint_eq(text_width(STR("\xf0\x9f\x99\x82")), 2);         /* an emoji */
    ck_assert_uint_eq(text_width(STR("a\xff")), 2);
}
END_TEST

START_TEST(test_fit_never_splits_a_character)
{
    ck_str_eq(text_fit(STR("abcdef"), 3), STR("abc"));
    ck_str_eq(text_fit(STR("abc"), 9), STR("abc"));
    ck_str_eq(text_fit(STR("\xe6\x97\xa5\xe6\x9c\xac"), 3), STR("\xe6\x97\xa5"));
    ck_str_eq(text_fit(STR("e\xcc\x81x"), 1), STR("e\xcc\x81"));
    ck_str_eq(text_fit(STR("abc"), 0), STR(""));
}
END_TEST

START_TEST(test_escape_leaves_nothing_that_acts)
{
    _cleanup_(buf_done) struct buf out = {0};

    text_escape(&out, STR("a\x1b[2J\r\n\t\x7f\xc2\x9b\xe2\x80\xae\xff\xe2\x80\xa8z"));
    ck_str_eq(buf_str(&out), STR("a\\x1b[2J\\r\\n\\t\\x7f\\x9b\\u202e\xef\xbf\xbd\\u2028z"));
    buf_clear(&out);
    text_escape_lines(&out, STR("one\n\ttwo\x1b"));
    ck_str_eq(buf_str(&out), STR("one\n    two\\x1b"));
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;

        buf_clear(&out);
        text_escape(&out, str_make(&byte, 1));
        for (size_t i = 0; i < out.len; i++) {
            ck_assert((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
        }
    }
}
END_TEST

SUITE(text_suite, "text", test_width_counts_columns, test_fit_never_splits_a_character,
      test_escape_leaves_nothing_that_acts)
