/* Bounds that are wrong by one bit make scans skip files that hold what the user asked for. */
#include "arrow/scalar.h"

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

/* The vectors of Iceberg's specification and of PyIceberg, and what they print as. */
START_TEST(bytes_are_icebergs)
{
    static const struct {
        const char *type;
        const char *text;
        const char *hex;
        const char *printed;
        const char *sql;
    } cases[] = {
        {"boolean", "true", "01", "true", "TRUE"},
        {"int", "34", "22000000", "34", "CAST(34 AS INTEGER)"},
        {"int", "-2", "feffffff", "-2", "CAST(-2 AS INTEGER)"},
        {"long", "34", "2200000000000000", "34", "CAST(34 AS BIGINT)"},
        {"float", "-4.5", "000090c0", "-4.5", "CAST('-4.5' AS FLOAT)"},
        {"double", "-6.0", "00000000000018c0", "-6.0", "CAST('-6.0' AS DOUBLE)"},
        {"double", "nan", "000000000000f87f", "NaN", "CAST('NaN' AS DOUBLE)"},
        {"double", "0.1", "9a9999999999b93f", "0.1", "CAST('0.1' AS DOUBLE)"},
        {"float", "0.1", "cdcccc3d", "0.1", "CAST('0.1' AS FLOAT)"},
        {"date", "1972-09-27", "e8030000", "1972-09-27", "CAST('1972-09-27' AS DATE)"},
        {"date", "0001-01-01", "c606f5ff", "0001-01-01", NULL},
        {"time", "00:00:00.01", "1027000000000000", "00:00:00.01", NULL},
        {"timestamp", "1970-01-01 00:00:00.4", "801a060000000000", "1970-01-01T00:00:00.4",
         "CAST('1970-01-01T00:00:00.4' AS TIMESTAMP)"},
        {"timestamp", "1969-12-31T23:59:59.999999", "ffffffffffffffff",
         "1969-12-31T23:59:59.999999", NULL},
        {"timestamptz", "1970-01-01 02:00:00+02", "0000000000000000", "1970-01-01T00:00:00+00:00",
         "CAST('1970-01-01T00:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)"},
        {"timestamptz", "9999-12-31 23:59:59Z", NULL, "9999-12-31T23:59:59+00:00", NULL},
        {"string", "ABC", "414243", "ABC", "'ABC'"},
        {"string", "it's", "69742773", "it's", "'it''s'"},
        {"fixed[2]", "6162", "6162", "6162", "'\\x61\\x62'::BLOB"},
        {"binary", "5A", "5a", "5a", "'\\x5A'::BLOB"},
        {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09677c4bbda4793f349cb785e7",
         "f79c3e09-677c-4bbd-a479-3f349cb785e7", NULL},
        {"decimal(5, 2)", "123.45", "3039", "123.45", "CAST(123.45 AS DECIMAL(5,2))"},
        {"decimal(5, 2)", "-123.45", "cfc7", "-123.45", NULL},
        {"decimal(5, 2)", "0", "00", "0.00", NULL},
        {"decimal(5, 2)", "1.28", "0080", "1.28", NULL},
        {"decimal(5, 2)", "-1.28", "80", "-1.28", NULL},
        {"decimal(5, 2)", "-0.05", "fb", "-0.05", NULL},
        {"decimal(5, 2)", "42.000", "1068", "42.00", NULL},
        {"decimal(38, 0)", "99999999999999999999999999999999999999",
         "4b3b4ca85a86c47a098a223fffffffff", "99999999999999999999999999999999999999", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf text = {0};
        struct type type = named(cases[i].type);
        struct str bytes = scalar(cases[i].type, cases[i].text);

        for (size_t j = 0; j < bytes.len; j++) {
            buf_addf(&text, "%02x", (unsigned char)bytes.data[j]);
        }
        if (cases[i].hex) {
            ck_assert_str_eq(buf_text(&text), cases[i].hex);
        }
        buf_clear(&text);
        ck_ok(scalar_check(&type, bytes, &err), &err);
        ck_ok(scalar_print(&type, bytes, &text, &err), &err);
        ck_assert_str_eq(buf_text(&text), cases[i].printed);
        struct str again = scalar(cases[i].type, buf_text(&text));
        ck_assert(str_eq(again, bytes));
        if (cases[i].sql) {
            buf_clear(&text);
            ck_ok(scalar_print_sql(&type, bytes, &text, &err), &err);
            ck_assert_str_eq(buf_text(&text), cases[i].sql);
        }
    }
}
END_TEST

START_TEST(texts_that_are_no_values)
{
    static const struct {
        const char *type;
        const char *text;
    } cases[] = {
        {"boolean", "maybe"},
        {"int", "2147483648"},
        {"int", "1.5"},
        {"long", "9223372036854775808"},
        {"long", ""},
        {"double", "x"},
        {"date", "2023-02-29"},
        {"date", "2023-13-01"},
        {"date", "2023-01-01x"},
        {"time", "24:00:01"},
        {"time", "10"},
        {"timestamp", "2023-01-01 10"},
        {"timestamp", "2023-01-01 10:00:00.1234567"},
        {"timestamp", "2023-01-01 10:00+01"},
        {"timestamptz", "2023-01-01 10:00+1"},
        {"timestamp", "9999999-01-01"},
        {"uuid", "123"},
        {"fixed[2]", "616263"},
        {"binary", "6"},
        {"binary", "zz"},
        {"decimal(5, 2)", "1000.00"},
        {"decimal(5, 2)", "1.234"},
        {"decimal(5, 2)", "."},
        {"decimal(5, 2)", "1e3"},
        {"decimal(5, 2)", "1.2.3"},
        {"decimal(38, 38)", "1"},
        {"timestamp", "infinity"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct type type = named(cases[i].type);
        struct str bytes;
        int r = scalar_from_text(&type, str_of(cases[i].text), &arena, &bytes, &err);
        ck_assert_msg(r == CORRIE_E_DATA, "%s as %s: %s", cases[i].text, cases[i].type,
                      corrie_code_name(r));
    }
}
END_TEST

static int compare(const char *type_name, struct str a, struct str b)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type = named(type_name);
    int order;
    int back;
    ck_ok(scalar_compare(&type, a, b, &order, &err), &err);
    ck_ok(scalar_compare(&type, b, a, &back, &err), &err);
    ck_assert_int_eq(order<0, back> 0);
    return (order > 0) - (order < 0);
}

START_TEST(values_are_ordered)
{
    static const struct {
        const char *type;
        const char *low;
        const char *high;
    } cases[] = {
        {"boolean", "false", "true"},
        {"int", "-1", "0"},
        {"long", "-9223372036854775808", "9223372036854775807"},
        {"float", "-1.5", "0.5"},
        {"double", "inf", "nan"},
        {"double", "-inf", "-1"},
        {"date", "1969-12-31", "1970-01-01"},
        {"string", "Z", "a"},
        {"string", "a", "ab"},
        {"string", "z", "\xc3\xa9"},
        {"binary", "7f", "80"},
        {"decimal(10, 2)", "-1.28", "0.01"},
        {"decimal(10, 2)", "1.27", "1.28"},
        {"uuid", "00000000-0000-0000-0000-000000000000", "80000000-0000-0000-0000-000000000000"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str low = scalar(cases[i].type, cases[i].low);
        struct str high = scalar(cases[i].type, cases[i].high);
        ck_assert_int_eq(compare(cases[i].type, low, high), -1);
        ck_assert_int_eq(compare(cases[i].type, low, low), 0);
    }
    ck_assert_int_eq(compare("double", scalar("double", "-0.0"), scalar("double", "0.0")), 0);
    /* Bounds that older files hold. */
    ck_assert_int_eq(compare("long", scalar("int", "-5"), scalar("long", "-4")), -1);
    ck_assert_int_eq(compare("double", scalar("float", "1.5"), scalar("double", "1.5")), 0);
}
END_TEST

START_TEST(bytes_of_the_wrong_length)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    static const char *const names[] = {"boolean", "int",      "long",         "float",
                                        "double",  "date",     "time",         "timestamp",
                                        "uuid",    "fixed[3]", "decimal(5, 2)"};
    static const char zeros[32];
    int order;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct type type = named(names[i]);
        ck_fails(scalar_check(&type, str_make(zeros, 0), &err), CORRIE_E_DATA, &err);
        ck_fails(scalar_check(&type, str_make(zeros, 17), &err), CORRIE_E_DATA, &err);
        if (type.kind != TYPE_UUID && type.kind != TYPE_FIXED) {
            ck_fails(scalar_compare(&type, str_make(zeros, 17), str_make(zeros, 17), &order, &err),
                     CORRIE_E_DATA, &err);
        }
    }
}
END_TEST

START_TEST(bounds_are_cut_soundly)
{
    static const struct {
        const char *type;
        const char *value;
        size_t length;
        const char *lower;
        const char *upper; /* NULL = none */
    } cases[] = {
        {"string", "abc", 3, "abc", "abc"},
        {"string", "abcd", 3, "abc", "abd"},
        {"string",
         "a\xc3\xa9\xf0\x9f\x98\x80"
         "b",
         3, "a\xc3\xa9\xf0\x9f\x98\x80", "a\xc3\xa9\xf0\x9f\x98\x81"},
        {"string",
         "a\x7f"
         "b",
         2, "a\x7f", "a\xc2\x80"},
        {"string",
         "\xed\x9f\xbf"
         "b",
         1, "\xed\x9f\xbf", "\xee\x80\x80"},
        {"string",
         "a\xf4\x8f\xbf\xbf"
         "b",
         2, "a\xf4\x8f\xbf\xbf", "b"},
        {"string",
         "\xf4\x8f\xbf\xbf"
         "b",
         1, "\xf4\x8f\xbf\xbf", NULL},
        {"string",
         "ab\xff"
         "cd",
         3, "ab\xff", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct type type = named(cases[i].type);
        struct str bytes = str_of(cases[i].value);
        struct str upper;

        ck_str_eq(scalar_bound_lower(&type, bytes, cases[i].length), str_of(cases[i].lower));
        int r = scalar_bound_upper(&type, bytes, cases[i].length, &arena, &upper, &err);
        ck_assert_msg(r == (cases[i].upper != NULL), "case %zu: %d", i, r);
        if (cases[i].upper) {
            ck_str_eq(upper, str_of(cases[i].upper));
        }
    }
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type binary = named("binary");
    struct str upper;
    ck_assert_int_eq(scalar_bound_upper(&binary, STR("a\xff\xff"), 2, &arena, &upper, &err), 1);
    ck_str_eq(upper, STR("b"));
    ck_assert_int_eq(scalar_bound_upper(&binary, STR("\xff\xff\xff"), 2, &arena, &upper, &err), 0);
    struct type number = named("long");
    ck_assert_int_eq(scalar_bound_upper(&number, STR("12345678"), 2, &arena, &upper, &err), 1);
    ck_str_eq(upper, STR("12345678"));
}
END_TEST

START_TEST(numbers_in_and_out)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type decimal = named("decimal(4, 2)");
    struct type integer = named("int");
    struct type number = named("double");
    struct str bytes;
    int64_t i;
    double d;

    ck_ok(scalar_from_int(&decimal, -9999, &arena, &bytes, &err), &err);
    ck_assert(scalar_to_int(&decimal, bytes, &i) && i == -9999);
    ck_fails(scalar_from_int(&decimal, 10000, &arena, &bytes, &err), CORRIE_E_DATA, &err);
    ck_fails(scalar_from_int(&integer, INT64_C(1) << 31, &arena, &bytes, &err), CORRIE_E_DATA,
             &err);
    ck_fails(scalar_from_int(&number, 1, &arena, &bytes, &err), CORRIE_E_DATA, &err);
    ck_ok(scalar_from_double(&number, 1e300, &arena, &bytes, &err), &err);
    ck_assert(scalar_to_double(&number, bytes, &d) && d == 1e300);
    ck_assert(!scalar_to_int(&number, bytes, &i));
}
END_TEST

START_TEST(json_values)
{
    static const struct {
        const char *type;
        const char *text;
        const char *json;
    } cases[] = {
        {"boolean", "true", "true"},
        {"long", "-3", "-3"},
        {"double", "1.5", "1.5"},
        {"double", "nan", "\"NaN\""},
        {"decimal(5, 2)", "1.50", "\"1.50\""},
        {"date", "2024-01-02", "\"2024-01-02\""},
        {"binary", "00ff", "\"00ff\""},
        {"string", "a\"b", "\"a\\\"b\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct type type = named(cases[i].type);
        json_t *json = NULL;
        ck_ok(scalar_to_json(&type, scalar(cases[i].type, cases[i].text), &json, &err), &err);
        char *text = json_dumps(json, JSON_ENCODE_ANY);
        ck_assert_str_eq(text, cases[i].json);
        free(text);
        json_decref(json);
    }
}
END_TEST

SUITE(scalar_suite, "scalar", bytes_are_icebergs, texts_that_are_no_values, values_are_ordered,
      bytes_of_the_wrong_length, bounds_are_cut_soundly, numbers_in_and_out, json_values)
