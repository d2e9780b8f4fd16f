/* What ends in JSON and CSV must read back as it was. */
#include "base/text.h"

#include "tests/unit/check.h"

START_TEST(test_decode_takes_only_utf8)
{
    static const struct {
        const char *text;
        uint32_t point;
        size_t len;
    } cases[] = {
        {"a", 'a', 1},
        {"\xc3\xa9", 0xe9, 2},
        {"\xe2\x82\xac", 0x20ac, 3},
        {"\xf0\x9f\x99\x82", 0x1f642, 4},
        {"\xf4\x8f\xbf\xbf", 0x10ffff, 4},
        /* a lone continuation, an overlong slash, a surrogate, beyond the end, cut off */
        {"\x80", 0xfffd, 1},
        {"\xc0\xaf", 0xfffd, 1},
        {"\xe0\x80\xaf", 0xfffd, 1},
        {"\xed\xa0\x80", 0xfffd, 1},
        {"\xf4\x90\x80\x80", 0xfffd, 1},
        {"\xe2\x82", 0xfffd, 1},
        {"\xff", 0xfffd, 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t point;

        ck_assert_uint_eq(text_decode(str_of(cases[i].text), &point), cases[i].len);
        ck_assert_uint_eq(point, cases[i].point);
    }
}
END_TEST

START_TEST(test_json_strings)
{
    _cleanup_(buf_done) struct buf out = {0};

    text_json(&out, STR("a\"b\\c\n\x01\x1f\xc3\xa9\xff end"));
    ck_str_eq(buf_str(&out), STR("\"a\\\"b\\\\c\\n\\u0001\\u001f\xc3\xa9\xef\xbf\xbd end\""));
    buf_clear(&out);
    text_json(&out, STR_EMPTY);
    ck_str_eq(buf_str(&out), STR("\"\""));
}
END_TEST

START_TEST(test_csv_fields)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"", "\"\""},
        {"a,b", "\"a,b\""},
        {"say \"hi\"", "\"say \"\"hi\"\"\""},
        {"two\nlines", "\"two\nlines\""},
        {"\r", "\"\r\""},
        {" padded ", "\" padded \""},
        {"semi;colon", "semi;colon"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(buf_done) struct buf out = {0};

        text_csv(&out, str_of(cases[i][0]));
        ck_str_eq(buf_str(&out), str_of(cases[i][1]));
    }
}
END_TEST

SUITE(text_suite, "text", test_decode_takes_only_utf8, test_json_strings, test_csv_fields)
