#include "base/clock.h"

#include "base/uuid.h"
#include "tests/unit/check.h"

START_TEST(formats_and_reads_times)
{
    static const struct {
        const char *text;
        int64_t ns;
        const char *formatted;
    } cases[] = {
        {"1970-01-01", 0, "1970-01-01T00:00:00Z"},
        {"2026-11-20T10:00:00Z", 1795168800000000000, "2026-11-20T10:00:00Z"},
        {"2026-11-20 10:00:00.25", 1795168800250000000, "2026-11-20T10:00:00.25Z"},
        {"2026-11-20T12:00+02:00", 1795168800000000000, "2026-11-20T10:00:00Z"},
        {"1969-12-31T23:59:59.999999999Z", -1, "1969-12-31T23:59:59.999999999Z"},
        {"2000-02-29", 951782400000000000, "2000-02-29T00:00:00Z"},
    };
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-13-01",
                                        "2026-02-29",
                                        "2026-11-20T",
                                        "2026-11-20T25:00",
                                        "2026-11-20T10:00:00.Z",
                                        "2026-11-20Z",
                                        "2026-11-20T10:00:00+2",
                                        "9999-99-99",
                                        "2999-01-01"};
    int64_t ns;
    char text[CLOCK_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(clock_parse(str_of(cases[i].text), &ns), "%s", cases[i].text);
        ck_assert_int_eq(ns, cases[i].ns);
        clock_format(ns, text);
        ck_assert_str_eq(text, cases[i].formatted);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ck_assert_msg(!clock_parse(str_of(wrong[i]), &ns), "%s", wrong[i]);
    }
    /* a time copied from a listing is not before what the listing shows */
    ck_assert(clock_parse_end(STR("2026-11-20T10:00:00Z"), &ns) && ns == 1795168800999999999);
    ck_assert(clock_parse_end(STR("2026-11-20T10:00:00.25"), &ns) && ns == 1795168800250000000);
    ck_assert(clock_parse_end(STR("2026-11-20T10:00:00.000"), &ns) && ns == 1795168800000000000);
    ck_assert(clock_parse_end(STR("2262-04-11T23:47:16"), &ns) && ns == INT64_MAX);
    ck_assert(!clock_parse_end(STR("2026"), &ns));
}
END_TEST

START_TEST(makes_random_uuids)
{
    struct uuid a = uuid_random();
    struct uuid b = uuid_random();
    struct uuid again;
    char text[UUID_TEXT + 1];

    ck_assert(!uuid_eq(&a, &b));
    uuid_format(&a, text);
    ck_assert_int_eq(text[14], '4');
    ck_assert_ptr_nonnull(strchr("89ab", text[19]));
    ck_assert(uuid_parse(str_of(text), &again) && uuid_eq(&a, &again));
    ck_assert(!uuid_parse(STR("00000000-0000-0000-0000-00000000000g"), &again));
    ck_assert(!uuid_parse(STR("00000000x0000-0000-0000-000000000000"), &again));
}
END_TEST

SUITE(time_suite, "time and ids", formats_and_reads_times, makes_random_uuids)
