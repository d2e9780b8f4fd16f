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
    _cleanup_(buf_done) struct buf text = {0};
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

/* A person looks for November, not for month 682; the same names as Iceberg's Java gives (TransformUtil). */
START_TEST(values_are_readable)
{
    static const struct {
        const char *transform;
        int32_t value;
        const char *text;
    } cases[] = {
        {"year", 56, "2026"},          {"year", -1, "1969"},
        {"year", -2000, "-030"},       {"month", 682, "2026-11"},
        {"month", 0, "1970-01"},       {"month", -1, "1969-12"},
        {"month", -12, "1969-01"},     {"month", -13, "1968-12"},
        {"hour", 0, "1970-01-01-00"},  {"hour", -1, "1969-12-31-23"},
        {"hour", 24, "1970-01-02-00"}, {"hour", -24, "1969-12-31-00"},
        {"bucket[4]", 3, "3"},
    };
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    static const struct type number = {.kind = TYPE_INT};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct transform transform;

        ck_assert(transform_parse(str_of(cases[i].transform), &transform));
        ck_ok(transform_print_value(&transform, &number, str_make((const char *)&cases[i].value, 4),
                                    &text, &err),
              &err);
        ck_assert_str_eq(buf_text(&text), cases[i].text);
    }
}
END_TEST

static const char *const op_names[] = {"=", "<>", "<", "<=", ">", ">=", "is null", "not null"};

/* "< 5" of a column as what holds of its partition: "<= 4", predicates joined by " and "; "" if nothing does. */
static const char *projected(const char *transform, const char *type_name, enum predicate_op op,
                             const char *value)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type = named(type_name);
    struct projected made[TRANSFORM_MAX_PROJECTED];
    _cleanup_(buf_done) struct buf text = {0};
    struct transform parsed;
    struct type result;

    ck_assert(transform_parse(str_of(transform), &parsed));
    ck_assert(transform_result(&parsed, &type, &result));
    int n = transform_project(&parsed, &type, op, scalar(type_name, value), &arena, made, &err);
    ck_ok(n, &err);
    for (int i = 0; i < n; i++) {
        buf_addf(&text, "%s%s", i ? " and " : "", op_names[made[i].op]);
        if (made[i].op < PREDICATE_IS_NULL) {
            buf_add_text(&text, " ");
            ck_ok(scalar_print(&result, made[i].value, &text, &err), &err);
        }
    }
    return arena_printf(&arena, "%s", buf_text(&text));
}

/* A lookup by day reads that day's files, not the table. */
START_TEST(predicates_become_those_of_partitions)
{
    static const struct {
        const char *transform;
        const char *type;
        enum predicate_op op;
        const char *value;
        const char *projected;
    } cases[] = {
        {"identity", "long", PREDICATE_NE, "5", "<> 5"},
        {"identity", "string", PREDICATE_LT, "m", "< m"},
        {"void", "long", PREDICATE_EQ, "5", ""},
        {"void", "long", PREDICATE_NOT_NULL, "5", ""},
        {"void", "long", PREDICATE_IS_NULL, "5", ""},
        {"bucket[16]", "long", PREDICATE_EQ, "34", "= 3"},
        {"bucket[16]", "long", PREDICATE_LT, "34", ""},
        {"bucket[16]", "long", PREDICATE_NE, "34", ""},
        {"bucket[16]", "long", PREDICATE_IS_NULL, "34", "is null"},
        {"day", "timestamp", PREDICATE_EQ, "2017-11-16 22:31:08", "= 2017-11-16"},
        {"day", "timestamp", PREDICATE_NE, "2017-11-16 22:31:08", ""},
        {"day", "timestamp", PREDICATE_LT, "2017-11-16 00:00:00", "<= 2017-11-15"},
        {"day", "timestamp", PREDICATE_LE, "2017-11-16 00:00:00", "<= 2017-11-16"},
        {"day", "timestamp", PREDICATE_GT, "2017-11-16 23:59:59.999999", ">= 2017-11-17"},
        {"day", "timestamp", PREDICATE_GE, "2017-11-16 23:59:59.999999", ">= 2017-11-16"},
        {"day", "timestamp", PREDICATE_EQ, "1969-12-30 10:00:00",
         ">= 1969-12-30 and <= 1969-12-31"},
        {"year", "date", PREDICATE_LT, "2017-01-01", "<= 46"},
        {"month", "date", PREDICATE_LE, "1968-02-29", "<= -22"},
        {"hour", "timestamptz", PREDICATE_NOT_NULL, "2017-11-16 22:31:08+00", "not null"},
        {"truncate[10]", "int", PREDICATE_LT, "20", "<= 10"},
        {"truncate[10]", "int", PREDICATE_GT, "19", ">= 20"},
        {"truncate[10]", "long", PREDICATE_EQ, "-1", "= -10"},
        {"truncate[10]", "int", PREDICATE_LT, "-2147483648", ""},
        {"truncate[50]", "decimal(9, 2)", PREDICATE_LT, "10.50", "< 10.50"},
        {"truncate[50]", "decimal(9, 2)", PREDICATE_LT, "10.65", "<= 10.50"},
        {"truncate[2]", "string", PREDICATE_LT, "ab", "< ab"},
        {"truncate[2]", "string", PREDICATE_LT, "abc", "<= ab"},
        {"truncate[2]", "string", PREDICATE_GT, "abc", ">= ab"},
        {"truncate[2]", "string", PREDICATE_EQ, "abc", "= ab"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_str_eq(projected(cases[i].transform, cases[i].type, cases[i].op, cases[i].value),
                         cases[i].projected);
    }
}
END_TEST

static bool holds(const struct type *type, enum predicate_op op, struct str a, struct str b)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int order = 0;

    ck_ok(scalar_compare(type, a, b, &order, &err), &err);
    switch (op) {
    case PREDICATE_EQ:
        return order == 0;
    case PREDICATE_NE:
        return order != 0;
    case PREDICATE_LT:
        return order < 0;
    case PREDICATE_LE:
        return order <= 0;
    case PREDICATE_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static void ck_inclusive(const char *transform, const char *type_name, const char *const *values)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type = named(type_name);
    struct projected made[TRANSFORM_MAX_PROJECTED];
    struct transform parsed;
    struct type result;
    struct str partition;

    ck_assert(transform_parse(str_of(transform), &parsed));
    ck_assert(transform_result(&parsed, &type, &result));
    for (size_t v = 0; values[v]; v++) {
        struct str value = scalar(type_name, values[v]);
        for (size_t x = 0; values[x]; x++) {
            struct str row = scalar(type_name, values[x]);
            ck_ok(transform_apply(&parsed, &type, row, &arena, &partition, &err), &err);
            for (enum predicate_op op = PREDICATE_EQ; op <= PREDICATE_GE; op++) {
                int n = transform_project(&parsed, &type, op, value, &arena, made, &err);
                ck_ok(n, &err);
                for (int i = 0; i < n && holds(&type, op, row, value); i++) {
                    ck_assert_msg(holds(&result, made[i].op, partition, made[i].value),
                                  "%s of %s: %s %s %s is lost", transform, type_name, values[x],
                                  op_names[op], values[v]);
                }
            }
        }
    }
}

/* Pruning that loses a row gives wrong results without a word. */
START_TEST(no_projection_loses_a_row)
{
    static const char *const times[] = {"1969-12-30 00:00:00",
                                        "1969-12-31 23:59:59.999999",
                                        "1970-01-01 00:00:00",
                                        "1970-01-01 00:00:00.000001",
                                        "1968-02-29 12:00:00",
                                        "2016-12-31 23:59:59.999999",
                                        "2017-01-01 00:00:00",
                                        "2017-11-16 22:00:00",
                                        "2017-11-16 22:59:59.999999",
                                        "2017-11-17 00:00:00",
                                        NULL};
    static const char *const dates[] = {"1968-02-29", "1969-12-31", "1970-01-01", "1970-02-01",
                                        "1970-12-31", "2017-01-01", "2017-11-16", NULL};
    static const char *const numbers[] = {"-2147483640", "-101", "-100", "-99",        "-11",
                                          "-10",         "-1",   "0",    "1",          "9",
                                          "10",          "11",   "99",   "2147483647", NULL};
    static const char *const decimals[] = {"-10.10", "-0.05", "0.00",  "0.10", "0.15",
                                           "10.50",  "10.65", "99.99", NULL};
    static const char *const texts[] = {
        "",  "a", "ab", "abc", "abd", "b", "\u00e4\u00f6\u00fc", "\u00e4\u00f6", "\U0001f600x",
        NULL};
    static const char *const parts[] = {"year", "month", "day", "bucket[7]", "identity"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        ck_inclusive(parts[i], "timestamp", times);
        ck_inclusive(parts[i], "date", dates);
    }
    ck_inclusive("hour", "timestamp", times);
    ck_inclusive("truncate[10]", "int", numbers);
    ck_inclusive("truncate[3]", "long", numbers);
    ck_inclusive("truncate[10]", "decimal(9, 2)", decimals);
    ck_inclusive("bucket[3]", "decimal(9, 2)", decimals);
    for (int width = 1; width < 4; width++) {
        ck_inclusive(arena_printf(&arena, "truncate[%d]", width), "string", texts);
    }
}
END_TEST

SUITE(transform_suite, "transform", values_are_readable, hashes_are_icebergs, values_are_icebergs,
      knows_its_names, refuses_what_has_no_partition, predicates_become_those_of_partitions,
      no_projection_loses_a_row)
