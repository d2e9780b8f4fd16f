#include "base/str.h"

#include "base/mem.h"
#include "tests/unit/check.h"

START_TEST(splits_and_trims)
{
    struct str head;
    struct str tail;

    ck_str_eq(str_trim(STR(" \t a b \n")), STR("a b"));
    ck_str_eq(str_trim(STR("   ")), STR(""));
    ck_assert(str_cut(STR("ns.table.x"), '.', &head, &tail));
    ck_str_eq(head, STR("ns"));
    ck_str_eq(tail, STR("table.x"));
    ck_assert(!str_cut(STR("plain"), '.', &head, &tail));
    ck_str_eq(head, STR("plain"));
    ck_str_eq(tail, STR(""));
    ck_str_eq(str_slice(STR("abc"), 1, 99), STR("bc"));
    ck_str_eq(str_from(STR("abc"), 9), STR(""));
    ck_assert_int_eq(str_find_str(STR("a--b"), STR("--")), 1);
    ck_assert_int_eq(str_find(STR_EMPTY, 'x'), -1);
}
END_TEST

START_TEST(orders_by_bytes)
{
    ck_assert_int_lt(str_cmp(STR("a"), STR("ab")), 0);
    ck_assert_int_gt(str_cmp(STR("\xff"), STR("a")), 0);
    ck_assert_int_eq(str_cmp(STR(""), STR("")), 0);
    ck_assert(str_eq_nocase(STR("Select"), STR("sELECT")));
    ck_assert(!str_eq_nocase(STR("a"), STR("ab")));
}
END_TEST

/* A wrong answer here would let broken text into table and column names. */
START_TEST(finds_the_first_bad_utf8_byte)
{
    static const struct {
        struct str text;
        size_t bad;
    } cases[] = {
        {{"ab\x80", 3}, 2},           {{"\xc0\xaf", 2}, 0},  {{"a\xed\xa0\x80", 4}, 1},
        {{"\xf4\x90\x80\x80", 4}, 0}, {{"x\xe2\x82", 3}, 1}, {{"\xe0\x80\x80", 3}, 0},
    };
    size_t bad = 99;

    ck_assert(str_is_utf8(STR("plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), NULL));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert(!str_is_utf8(cases[i].text, &bad));
        ck_assert_uint_eq(bad, cases[i].bad);
    }
}
END_TEST

START_TEST(reads_integers_exactly)
{
    int64_t i;
    uint64_t u;

    ck_assert(str_to_int64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    ck_assert(str_to_int64(STR("9223372036854775807"), &i) && i == INT64_MAX);
    ck_assert(!str_to_int64(STR("9223372036854775808"), &i));
    ck_assert(!str_to_int64(STR("-9223372036854775809"), &i));
    ck_assert(!str_to_int64(STR(""), &i) && !str_to_int64(STR("-"), &i));
    ck_assert(!str_to_int64(STR("-+1"), &i) && !str_to_int64(STR("1 "), &i));
    ck_assert(str_to_uint64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    ck_assert(!str_to_uint64(STR("18446744073709551616"), &u));
}
END_TEST

START_TEST(reads_numbers_and_sizes)
{
    double d;
    uint64_t u;

    ck_assert(str_to_double(STR("-1.5e3"), &d) && d == -1500.0);
    ck_assert(!str_to_double(STR("0x10"), &d) && !str_to_double(STR("nan"), &d));
    ck_assert(!str_to_double(STR("1e999"), &d) && !str_to_double(STR("1,5"), &d));
    ck_assert(str_to_size(STR("512M"), &u) && u == 512u << 20);
    ck_assert(str_to_size(STR("1.5GiB"), &u) && u == 3u << 29);
    ck_assert(str_to_size(STR("4096"), &u) && u == 4096);
    ck_assert(str_to_size(STR("10kB"), &u) && u == 10240);
    ck_assert(!str_to_size(STR("-1"), &u) && !str_to_size(STR("G"), &u));
    ck_assert(!str_to_size(STR("99999999999999999999T"), &u));
}
END_TEST

START_TEST(names_the_nearest)
{
    static const struct str names[] = {
        {"orders", 6}, {"order_items", 11}, {"Users", 5}, {"ordres", 6}, {"x", 1}};
    size_t nearest[3];

    ck_assert_uint_eq(str_nearest(STR("order"), names, ARRAY_LEN(names), nearest, 3), 2);
    ck_assert_uint_eq(nearest[0], 0);
    ck_assert_uint_eq(nearest[1], 3);
    ck_assert_uint_eq(str_nearest(STR("users"), names, ARRAY_LEN(names), nearest, 3), 1);
    ck_assert_uint_eq(nearest[0], 2);
    ck_assert_uint_eq(str_nearest(STR("completely_else"), names, ARRAY_LEN(names), nearest, 3), 0);
    ck_assert_uint_eq(str_nearest(STR(""), names, 0, nearest, 3), 0);
}
END_TEST

/* "24" for --grace must not be taken for seconds or hours. */
START_TEST(lengths_of_time_have_units)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: none */
    } cases[] = {
        {"0", 0},        {"0s", 0},   {"90m", 5400}, {"24h", 86400}, {"7d", 604800},
        {"2w", 1209600}, {"15s", 15}, {"24", -1},    {"", -1},       {"h", -1},
        {"-1h", -1},     {"7 d", -1}, {"1y", -1},    {"1.5h", -1},   {"9223372036854775807w", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t seconds = -1;
        bool is_one = str_to_duration(str_of(cases[i].text), &seconds);

        ck_assert_msg(is_one == (cases[i].seconds >= 0), "%s", cases[i].text);
        ck_assert_msg(!is_one || seconds == cases[i].seconds, "%s", cases[i].text);
    }
}
END_TEST

SUITE(str_suite, "str", splits_and_trims, orders_by_bytes, finds_the_first_bad_utf8_byte,
      reads_integers_exactly, reads_numbers_and_sizes, names_the_nearest,
      lengths_of_time_have_units)
