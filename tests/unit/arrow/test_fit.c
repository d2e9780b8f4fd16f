/* An APPEND that lets data through which does not fit loses values; one that refuses too much loses the user. */
#include "arrow/type.h"

#include "tests/unit/check.h"

static struct arena arena;

/* Schema from "a BIGINT!, b VARCHAR" as the inside of a STRUCT; '!' behind a name makes it required. */
static struct schema make(const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf sql = {0};
    struct type type;

    buf_addf(&sql, "STRUCT(%s)", text);
    ck_ok(type_from_sql(buf_str(&sql), STR("x"), &arena, &type, &err), &err);
    for (size_t i = 0; i < type.n_fields; i++) {
        type.fields[i].required = str_ends(type.fields[i].name, STR("!"));
        type.fields[i].name.len -= type.fields[i].required;
    }
    return (struct schema){.fields = type.fields, .n_fields = type.n_fields};
}

static void fits(const char *given, const char *wanted, bool strict, const char *problems)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    struct schema from = make(given);
    struct schema to = make(wanted);
    struct fit fit;

    ck_ok(schema_fit(&from, &to, strict, &arena, &fit, &err), &err);
    fit_describe(&fit, &text);
    ck_assert_str_eq(buf_text(&text), problems);
}

START_TEST(rows_for_a_table)
{
    fits("b VARCHAR, a BIGINT", "a BIGINT, b VARCHAR", false, "");
    fits("a INTEGER", "a BIGINT", false, "");
    fits("a INTEGER", "a DOUBLE", false, "");
    fits("a BIGINT", "a DOUBLE", false, "a is long, wanted double");
    fits("a BIGINT", "a DECIMAL(19,0)", false, "");
    fits("a BIGINT", "a DECIMAL(19,1)", false, "a is long, wanted decimal(19, 1)");
    fits("a DECIMAL(10,2)", "a DECIMAL(12,3)", false, "");
    fits("a DECIMAL(10,3)", "a DECIMAL(12,2)", false, "a is decimal(10, 3), wanted decimal(12, 2)");
    fits("a VARCHAR", "a DATE", false, "a is string, wanted date");
    fits("a INTEGER[]", "a BIGINT[]", false, "");
    fits("a STRUCT(x INTEGER)", "a STRUCT(x DOUBLE)", false, "");
    fits("a STRUCT(x INTEGER)", "a STRUCT(y INTEGER)", false,
         "a is struct<x: int>, wanted struct<y: int>");
    fits("b VARCHAR", "a BIGINT, b VARCHAR", false, "");
    fits("b VARCHAR", "\"a!\" BIGINT, \"c!\" DATE, b VARCHAR", false, "missing a, c");
    fits("a BIGINT, tmp DATE, z DATE", "a VARCHAR", false,
         "a is long, wanted string; not declared: tmp, z");
    fits("a BIGINT", "\"a!\" BIGINT", false, "");
    fits("a BIGINT", "\"a!\" BIGINT", true, "may not hold nulls: a");
    fits("\"a!\" BIGINT", "\"a!\" BIGINT", true, "");
    fits("A BIGINT", "\"a!\" BIGINT", false, "missing a; not declared: A");
}
END_TEST

START_TEST(declared_columns)
{
    static const struct {
        struct str wanted[3];
        size_t n;
        const char *problems;
    } cases[] = {
        {{{"b", 1}, {"a", 1}}, 2, ""},          {{{"*", 1}}, 1, ""},
        {{{"a", 1}}, 1, "not declared: b"},     {{{"a", 1}, {"*", 1}}, 2, ""},
        {{{"c", 1}, {"*", 1}}, 2, "missing c"}, {{{"a", 1}, {"b", 1}, {"c", 1}}, 3, "missing c"},
    };
    struct schema given = make("a BIGINT, b VARCHAR");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf text = {0};
        struct fit fit;
        ck_ok(columns_fit(&given, cases[i].wanted, cases[i].n, &arena, &fit, &err), &err);
        fit_describe(&fit, &text);
        ck_assert_str_eq(buf_text(&text), cases[i].problems);
    }
}
END_TEST

SUITE(fit_suite, "fit", rows_for_a_table, declared_columns)
