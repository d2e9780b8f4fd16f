/* A bucket or a day that differs from other engines' hides rows: they look for them in another partition. */
#include "arrow/transform.h"

#include "tests/unit/check.h"

static struct arena arena;

static struct type named(const char *name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type;

    ck_ok(type_from_name(str_of(name), &type, &err), &err);
    return type;
}

static struct str scalar(const char *type_name, const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type = named(type_name);
    struct str bytes;

    ck_ok(scalar_from_text(&type, str_of(text), &arena, &bytes, &err), &err);
    return bytes;
}

/* What `transform` makes of a value, as text; "null" for null. */
static const char *applied(const char *transform, const char *type_name, struct str value)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type = named(type_name);
    struct buf text = {0};
    struct transform parsed;
    struct type result;
    struct str bytes;

    ck_assert(transform_parse(str_of(transform), &parsed));
    ck_assert(transform_result(&parsed, &type, &result));
    ck_ok(transform_apply(&parsed, &type, value, &arena, &bytes, &err), &err);
    if (!bytes.data) {
        return "null";
    }
    ck_ok(scalar_print(&result, bytes, &text, &err), &err);
    return arena_printf(&arena, "%s", buf_text(&text));
}

/* Iceberg spec, appendix B ("32-bit Hash Requirements"). */
START_TEST(hashes_are_icebergs)
{
    static const struct {
        const char *type;
        const char *text;
        int32_t hash;
    } cases[] = {
        {"int", "34", 2017239379},
        {"long", "34", 2017239379},
        {"long", "-1", 1651860712},
        {"decimal(4, 2)", "14.20", -500754589},
        {"decimal(38, 2)", "14.20", -500754589},
        {"date", "2017-11-16", -653330422},
        {"time", "22:31:08", -662762989},
        {"timestamp", "2017-11-16T22:31:08", -2047944441},
        {"timestamp", "2017-11-16T22:31:08.000001", -1207196810},
        {"timestamptz", "2017-11-16T14:31:08-08:00", -2047944441},
        {"string", "iceberg", 1210000089},
        {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340},
        {"fixed[4]", "00010203", -188683207},
        {"binary", "00010203", -188683207},
        {"string", "", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct type type = named(cases[i].type);
        struct str value = cases[i].text[0] ? scalar(cases[i].type, cases[i].text) : STR("");
        uint32_t hash;

        ck_ok(transform_hash(&type, value, &hash, &err), &err);
        ck_assert_msg((int32_t)hash == cases[i].hash, "%s %s: %d", cases[i].type, cases[i].text,
                      (int32_t)hash);
    }
}
END_TEST

START_TEST(values_are_icebergs)
{
    static const struct {
        const char *transform;
        const char *type;
        const char *text;
        const char *expected;
    } cases[] = {
        {"bucket[16]", "int", "34", "3"},
        {"bucket[16]", "long", "-1", "8"},
        {"bucket[16]", "decimal(4, 2)", "14.20", "3"},
        {"bucket[16]", "date", "2017-11-16", "10"},
        {"bucket[16]", "string", "iceberg", "9"},
        {"bucket[1]", "string", "iceberg", "0"},
        {"bucket[16]", "uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", "12"},
        {"year", "timestamp", "1969-12-31T23:59:59.999999", "-1"},
        {"month", "timestamp", "1969-12-31T23:59:59.999999", "-1"},
        {"day", "timestamp", "1969-12-31T23:59:59.999999", "1969-12-31"},
        {"hour", "timestamp", "1969-12-31T23:59:59.999999", "-1"},
        {"day", "timestamp", "1969-12-30T00:00:00", "1969-12-30"},
        {"hour", "timestamp", "1969-12-30T00:00:00", "-48"},
        {"year", "timestamp", "2017-11-16T22:31:08", "47"},
        {"month", "timestamp", "2017-11-16T22:31:08", "574"},
        {"day", "timestamptz", "2017-11-16T22:31:08-08:00", "2017-11-17"},
        {"hour", "timestamp", "2017-11-16T22:31:08", "419686"},
        {"year", "date", "1968-02-29", "-2"},
        {"month", "date", "1968-02-29", "-23"},
        {"day", "date", "1968-02-29", "1968-02-29"},
        {"truncate[10]", "int", "1", "0"},
        {"truncate[10]", "int", "-1", "-10"},
        {"truncate[10]", "long", "-11", "-20"},
        {"truncate[10]", "int", "-2147483648", "2147483646"}, /* wraps */
        {"truncate[50]", "decimal(9, 2)", "10.65", "10.50"},
        {"truncate[10]", "decimal(9, 2)", "-0.05", "-0.10"},
        {"truncate[3]", "string", "aé😀b", "aé😀"},
        {"truncate[3]", "binary", "0102030405", "010203"},
        {"truncate[100]", "string", "short", "short"},
        {"identity", "double", "0.1", "0.1"},
        {"void", "int", "1", "null"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(
            strcmp(applied(cases[i].transform, cases[i].type, scalar(cases[i].type, cases[i].text)),
                   cases[i].expected) == 0,
            "%s of %s %s: %s", cases[i].transform, cases[i].type, cases[i].text,
            applied(cases[i].transform, cases[i].type, scalar(cases[i].type, cases[i].text)));
        ck_assert_str_eq(applied(cases[i].transform, cases[i].type, (struct str){NULL, 0}), "null");
    }
}
END_TEST

START_TEST(knows_its_names)
{
    static const char *const good[] = {"identity", "void", "year",       "month",
                                       "day",      "hour", "bucket[16]", "truncate[2147483647]"};
    static const char *const bad[] = {
        "",           "days",      "bucket",       "bucket[]",    "bucket[0]",
        "bucket[-1]", "bucket[16", "truncate[1x]", "bucket[16]]", "truncate[2147483648]",
        "DAY"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct transform parsed;

        ck_assert(transform_parse(str_of(good[i]), &parsed));
        transform_print(&parsed, &text);
        ck_assert_str_eq(buf_text(&text), good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct transform parsed;

        ck_assert_msg(!transform_parse(str_of(bad[i]), &parsed), "%s", bad[i]);
    }
}
END_TEST

START_TEST(refuses_what_has_no_partition)
{
    static const struct {
        const char *transform;
        const char *type;
    } cases[] = {{"hour", "date"},         {"day", "string"},       {"bucket[4]", "double"},
                 {"bucket[4]", "boolean"}, {"truncate[4]", "date"}, {"truncate[4]", "fixed[4]"},
                 {"year", "time"},         {"hour", "int"},         {"month", "binary"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct type type = named(cases[i].type);
        struct transform parsed;
        struct type result;
        struct str bytes;

        ck_assert(transform_parse(str_of(cases[i].transform), &parsed));
        ck_assert(!transform_result(&parsed, &type, &result));
        ck_fails(transform_apply(&parsed, &type, STR("1234"), &arena, &bytes, &err), CORRIE_E_USAGE,
                 &err);
    }
    struct transform day = {TRANSFORM_DAY, 0};
    struct transform identity = {TRANSFORM_IDENTITY, 0};
    struct type list = {.kind = TYPE_LIST};
    struct type none;
    struct type date = named("date");
    struct str bytes;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_assert(!transform_result(&identity, &list, &none));
    ck_fails(transform_apply(&day, &date, STR("123"), &arena, &bytes, &err), CORRIE_E_DATA, &err);
}
END_TEST

SUITE(transform_suite, "transform", hashes_are_icebergs, values_are_icebergs, knows_its_names,
      refuses_what_has_no_partition)
