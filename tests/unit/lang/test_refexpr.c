/* A ref that is misread shows, or worse merges, another commit than the one that was meant. */
#include "lang/refexpr.h"

#include "tests/unit/check.h"

static struct ref_expr parse(const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct ref_expr expr;
    ck_ok(ref_expr_parse(str_of(text), &expr, &err), &err);
    return expr;
}

START_TEST(every_form)
{
    struct ref_expr expr = parse("main");
    ck_str_eq(expr.name, STR("main"));
    ck_assert(expr.hash.len == 0 && !expr.has_time && expr.n_steps == 0);

    expr = parse("main@0123abCD");
    ck_str_eq(expr.name, STR("main"));
    ck_str_eq(expr.hash, STR("0123abCD"));

    expr = parse("@0123456789abcdef~2");
    ck_assert_uint_eq(expr.name.len, 0);
    ck_str_eq(expr.hash, STR("0123456789abcdef"));
    ck_assert_uint_eq(expr.n_steps, 1);

    expr = parse("ann.feature-1/x_2~3^2~^");
    ck_str_eq(expr.name, STR("ann.feature-1/x_2"));
    ck_assert_uint_eq(expr.n_steps, 4);
    ck_assert(expr.steps[0].kind == REF_ANCESTOR && expr.steps[0].n == 3);
    ck_assert(expr.steps[1].kind == REF_PARENT && expr.steps[1].n == 2);
    ck_assert(expr.steps[2].kind == REF_ANCESTOR && expr.steps[2].n == 1);
    ck_assert(expr.steps[3].kind == REF_PARENT && expr.steps[3].n == 1);

    expr = parse("main*1970-01-02T00:00:01Z~1");
    ck_assert(expr.has_time);
    ck_assert_int_eq(expr.time_ns, INT64_C(86401999999999));
    ck_assert_uint_eq(expr.n_steps, 1);
    expr = parse("main*1970-01-02");
    ck_assert_int_eq(expr.time_ns, INT64_C(86400999999999));
    expr = parse("main*1970-01-01T01:00:00+01:00");
    ck_assert_int_eq(expr.time_ns, INT64_C(999999999));
    expr = parse("main*1970-01-01T00:00:00.25");
    ck_assert_int_eq(expr.time_ns, INT64_C(250000000));
    expr = parse("main~0");
    ck_assert_uint_eq(expr.steps[0].n, 0);
    (void)parse("v1.0");
}
END_TEST

static void fails_at(const char *text, long column, const char *part)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct ref_expr expr;

    ck_assert_int_eq(ref_expr_parse(str_of(text), &expr, &err), CORRIE_E_USAGE);
    ck_assert_msg(strstr(corrie_error_message(&err), part) != NULL, "%s: \"%s\" lacks \"%s\"", text,
                  corrie_error_message(&err), part);
    ck_assert_msg(err.position.column == column, "%s: column %ld, expected %ld", text,
                  err.position.column, column);
}

START_TEST(mistakes)
{
    fails_at("", 0, "empty");
    fails_at("*2026-01-01", 0, "empty");
    fails_at("main@", 6, "wrong length");
    fails_at("main@1234567", 6, "wrong length");
    fails_at("main@1234567x", 13, "no hex digit");
    fails_at("main@2026-11-20T10:00:00Z", 10, "no hex digit");
    fails_at("main*yesterday", 6, "no time");
    fails_at("main*", 6, "no time");
    fails_at("main~3*2026-01-01", 7, "does not belong");
    fails_at("main~3@12345678", 7, "does not belong");
    fails_at("main~99999999999", 5, "too large");
    fails_at("main^0", 5, "no parent 0");
    fails_at("main~~~~~~~~~~~~~~~~~", 21, "too many steps");
    fails_at("ma in", 3, "may not have");
    fails_at("main..x", 5, "two dots");
    fails_at("/main", 1, "begins with a separator");
    fails_at("main-", 5, "ends with a separator");
    fails_at("m\xc3\xa9", 2, "may not have");
}
END_TEST

START_TEST(names_of_refs)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    static char name[256];

    memset(name, 'x', sizeof name);
    ck_ok(ref_name_check(str_make(name, 255), &err), &err);
    ck_fails(ref_name_check(str_make(name, 256), &err), CORRIE_E_USAGE, &err);
    ck_fails(ref_name_check(STR(""), &err), CORRIE_E_USAGE, &err);
    ck_ok(ref_name_check(STR("a"), &err), &err);
    ck_ok(ref_name_check(STR("tx/1"), &err), &err);
    ck_assert(ref_name_reserved(STR("tx/1")));
    ck_assert(ref_name_reserved(STR("tx")));
    ck_assert(!ref_name_reserved(STR("txt")));
}
END_TEST

SUITE(refexpr_suite, "refexpr", every_form, mistakes, names_of_refs)
