/* Filters that mean something else than what was written give wrong rows; errors without a place leave the user
 * searching. */
#include "lang/filter.h"

#include "base/limits.h"
#include "base/mem.h"
#include "tests/unit/check.h"

/* What `text` prints as; it must print the same when parsed again. */
static void prints_as(const char *text, const char *canonical)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf once = {0};
    _cleanup_(buf_done) struct buf twice = {0};
    struct filter *filter;

    ck_ok(filter_parse(str_of(text), &arena, &filter, &err), &err);
    filter_print(filter->root, &once);
    ck_assert_str_eq(buf_text(&once), canonical);
    ck_ok(filter_parse(buf_str(&once), &arena, &filter, &err), &err);
    filter_print(filter->root, &twice);
    ck_assert_str_eq(buf_text(&twice), canonical);
}

static void fails_at(const char *text, long column, long width, const char *part)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct filter *filter;

    int r = filter_parse(str_of(text), &arena, &filter, &err);
    ck_assert_msg(r == CORRIE_E_PROJECT, "%s: %s", text, corrie_code_name(r));
    ck_assert_msg(err.position.column == column && err.position.width == width,
                  "%s: at %ld, width %ld, expected %ld, width %ld", text, err.position.column,
                  err.position.width, column, width);
    ck_assert_msg(strstr(corrie_error_message(&err), part) != NULL, "%s: \"%s\" lacks \"%s\"", text,
                  corrie_error_message(&err), part);
}

START_TEST(spellings_print_alike)
{
    prints_as("event_type = 'purchase' AND price > 0",
              "\"event_type\" = 'purchase' AND \"price\" > 0");
    prints_as("event_type=='purchase' and price>0",
              "\"event_type\" = 'purchase' AND \"price\" > 0");
    prints_as("(a != 1)", "\"a\" <> 1");
    prints_as("a<>007", "\"a\" <> 7");
    prints_as("a IN (1 ,-2,'it''s')", "\"a\" IN (1, -2, 'it''s')");
    prints_as("a not in (1)", "\"a\" NOT IN (1)");
    prints_as("a between -1 and 2 and b", "\"a\" BETWEEN -1 AND 2 AND \"b\"");
    prints_as("a not between 1 and 2", "\"a\" NOT BETWEEN 1 AND 2");
    prints_as("a ilike '%x' or b not like 'y_'", "\"a\" ILIKE '%x' OR \"b\" NOT LIKE 'y_'");
    prints_as("a is null and b is not null", "\"a\" IS NULL AND \"b\" IS NOT NULL");
    prints_as("a is true or b is not false", "\"a\" IS TRUE OR \"b\" IS NOT FALSE");
    prints_as("a is distinct from b", "\"a\" IS DISTINCT FROM \"b\"");
    prints_as("a is not distinct from 1", "\"a\" IS NOT DISTINCT FROM 1");
    prints_as("true", "TRUE");
    prints_as("\"odd \"\"name\".x.\"y z\" = 1", "\"odd \"\"name\".\"x\".\"y z\" = 1");
    prints_as("caf\xc3\xa9 = '\xc3\xa9'", "\"caf\xc3\xa9\" = '\xc3\xa9'");
    prints_as("LOWER(Brand) = $p", "lower(\"Brand\") = $p");
    prints_as("f() = g(a > 1, b)", "f() = g(\"a\" > 1, \"b\")");
    prints_as("a::int = cast(b as decimal(10, 2))",
              "CAST(\"a\" AS INT) = CAST(\"b\" AS DECIMAL(10,2))");
    prints_as("CAST(a AS timestamp with time zone) < b",
              "CAST(\"a\" AS TIMESTAMP WITH TIME ZONE) < \"b\"");
    prints_as("d = date '2024-02-29' and t < TIMESTAMP '2024-01-01 10:00:00.5+02:00'",
              "\"d\" = DATE '2024-02-29' AND \"t\" < TIMESTAMP '2024-01-01 10:00:00.5+02:00'");
    prints_as("i > interval '3 days' and x = time '10:30'",
              "\"i\" > INTERVAL '3 days' AND \"x\" = TIME '10:30'");
    prints_as("date = '2024-01-01'", "\"date\" = '2024-01-01'");
}
END_TEST

START_TEST(short_spellings)
{
    prints_as("d < current_date and t < CURRENT_TIMESTAMP", "\"d\" < today() AND \"t\" < now()");
    prints_as("\"current_date\" = 1", "\"current_date\" = 1");
    prints_as("t > now() - interval 1 day", "\"t\" > now() - INTERVAL '1 day'");
    prints_as("t > now() - INTERVAL '3' Hours", "\"t\" > now() - INTERVAL '3 hour'");
    prints_as("extract(HOUR from t) = extract('dow' FROM u)",
              "date_part('hour', \"t\") = date_part('dow', \"u\")");
    prints_as("t >= timestamp with time zone '2024-01-01 00:00:00Z'",
              "\"t\" >= TIMESTAMPTZ '2024-01-01 00:00:00Z'");
    prints_as("l[1] = s['a'][-1]", "\"l\"[1] = \"s\"['a'][-1]");
    prints_as("(a + b)[1]::int = -f(x)[b || 'c']",
              "CAST((\"a\" + \"b\")[1] AS INT) = -f(\"x\")[\"b\" || 'c']");
    prints_as("try_cast(a as int) = 1", "TRY_CAST(\"a\" AS INT) = 1");
    prints_as("a // 2 * 3 = 1", "\"a\" // 2 * 3 = 1");
    prints_as("a isnull or b + 1 notnull", "\"a\" IS NULL OR \"b\" + 1 IS NOT NULL");
    fails_at("t > INTERVAL 1 moon", 16, 4, "a unit of time");
    fails_at("t > INTERVAL '1'", 17, 0, "the filter ends");
    fails_at("extract(hour, t) = 1", 13, 1, "FROM");
    fails_at("t > timestamp with time zone", 29, 0, "the filter ends");
    fails_at("a[1 = 1", 5, 1, "']'");
    fails_at("a isnull isnull", 10, 6, "end of the filter");
}
END_TEST

static void hints(const char *text, const char *part)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct filter *filter;

    ck_assert_int_eq(filter_parse(str_of(text), &arena, &filter, &err), CORRIE_E_PROJECT);
    ck_assert_msg(err.hint && strstr(err.hint, part), "%s: %s", text, err.hint ? err.hint : "");
    ck_assert_msg(!strstr(err.hint, "double quotes") || strstr(part, "double quotes"), "%s: %s",
                  text, err.hint);
}

/* Whoever writes SQL that filters do not have is told what they have. */
START_TEST(what_filters_have_instead)
{
    hints("CASE WHEN a THEN b END = 1", "if(price > 0");
    hints("a LIKE 'x$%' ESCAPE '$'", "like_escape");
    hints("a SIMILAR TO 'x'", "regexp_full_match");
    hints("(a NOT SIMILAR TO 'x')", "regexp_full_match");
    hints("a ~ 'x'", "regexp_full_match");
    hints("t AT TIME ZONE 'UTC' > u", "timezone(");
    hints("a = ANY(l)", "list_contains");
    hints("a = [1]", "list_value");
    hints("l[1:2] = m", "list_slice");
    hints("a IN ()", "FALSE");
    hints("a = 1 UNION SELECT 2", "cannot hold a query");
    hints("WHERE a = 1", "the condition alone");
    hints("order = 1", "double quotes");
    hints("user id = 3", "double quotes");
}
END_TEST

START_TEST(precedence_is_that_of_sql)
{
    prints_as("a or b and not c", "\"a\" OR \"b\" AND NOT \"c\"");
    prints_as("(a or b) and c", "(\"a\" OR \"b\") AND \"c\"");
    prints_as("not (a and b)", "NOT (\"a\" AND \"b\")");
    prints_as("not a = 1", "NOT \"a\" = 1");
    prints_as("(a and b) and (c and d)", "\"a\" AND \"b\" AND \"c\" AND \"d\"");
    prints_as("(a + b) * 2 - c / 3 > 0", "(\"a\" + \"b\") * 2 - \"c\" / 3 > 0");
    prints_as("a - (b - c) > a - b - c", "\"a\" - (\"b\" - \"c\") > \"a\" - \"b\" - \"c\"");
    prints_as("a || b || 'x' = c", "\"a\" || \"b\" || 'x' = \"c\"");
    prints_as("a - -5 > - - 3", "\"a\" - -5 > 3");
    prints_as("-(-x) < 1", "-(-\"x\") < 1");
    prints_as("-5::int < a", "-CAST(5 AS INT) < \"a\"");
    prints_as("(a > 1) = true", "(\"a\" > 1) = TRUE");
    prints_as("(a = 1) is not null", "(\"a\" = 1) IS NOT NULL");
}
END_TEST

START_TEST(nothing_but_one_condition)
{
    fails_at("a = 1; DROP TABLE x", 6, 1, "may not hold ';'");
    fails_at("a = 1 -- x", 7, 2, "comments");
    fails_at("a = 1 /* x */", 7, 2, "comments");
    fails_at("a IN (SELECT 1)", 7, 6, "cannot stand here");
    fails_at("EXISTS (SELECT 1)", 1, 6, "cannot stand here");
    fails_at("a = (SELECT max(b) FROM t)", 6, 6, "cannot stand here");
    fails_at("a = 1 UNION SELECT 2", 7, 5, "end of the filter");
    fails_at("sum(a) OVER () > 1", 8, 4, "windows");
    fails_at("count(*) > 1", 7, 1, "expected");
    fails_at("pg.f(a)", 5, 1, "no schema");
    fails_at("a = 1) OR (1 = 1", 6, 1, "end of the filter");
    fails_at("CASE WHEN a THEN b END", 1, 4, "cannot stand here");
    fails_at("a = b'1'", 6, 3, "end of the filter");
    fails_at("a = $", 5, 1, "parameter");
    fails_at("a = ?", 5, 1, "does not belong");
    fails_at("a = {'x': 1}", 5, 1, "does not belong");
    fails_at("a[1:2] = b", 4, 1, "does not belong");
    fails_at("a = [1, 2]", 5, 1, "a column or value");
}
END_TEST

START_TEST(mistakes_are_named_at_their_place)
{
    fails_at("price >", 8, 0, "the filter ends");
    fails_at("price > 0 AND", 14, 0, "the filter ends");
    fails_at("a =\n  b = c", 5, 1, "AND or OR");
    fails_at("a = NULL", 5, 4, "never true");
    fails_at("a <> null", 6, 4, "never true");
    fails_at("price + 1", 1, 9, "a condition is expected");
    fails_at("1 AND a", 1, 1, "a condition is expected");
    fails_at("(a = 1) + 1 > 0", 2, 5, "a value is expected");
    fails_at("d > DATE '2024-02-30'", 10, 12, "no date");
    fails_at("d > DATE '2023-02-29'", 10, 12, "no date");
    fails_at("d > TIME '25:00'", 10, 7, "no time of day");
    fails_at("d > TIMESTAMP 'yesterday'", 15, 11, "no point in time");
    fails_at("a = 'x", 5, 1, "not closed");
    fails_at("\"a = 1", 1, 1, "not closed");
    fails_at("\"\" = 1", 1, 2, "empty name");
    fails_at("order = 1", 1, 5, "cannot stand here");
    fails_at("user id = 3", 6, 2, "end of the filter");
    fails_at("a in ()", 7, 1, "a value is expected");
    fails_at("a in 1", 6, 1, "'('");
    fails_at("a not = 1", 7, 1, "IN, BETWEEN or LIKE");
    fails_at("a between 1 or 2", 13, 2, "AND");
    fails_at("2fast = 1", 2, 1, "number runs into a name");
    fails_at("a is 3", 6, 1, "NULL, TRUE");
    fails_at("f(a, = 1", 6, 1, "expected");
}
END_TEST

START_TEST(empty_and_binary_text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct filter *filter;

    ck_fails(filter_parse(STR("  "), &arena, &filter, &err), CORRIE_E_PROJECT, &err);
    ck_fails(filter_parse(STR("a = '\xff'"), &arena, &filter, &err), CORRIE_E_PROJECT, &err);
    ck_fails(filter_parse(STR("a = '\0'"), &arena, &filter, &err), CORRIE_E_PROJECT, &err);
}
END_TEST

/* `count` times `piece`, then `end`. */
static char *repeat(const char *piece, size_t count, const char *end)
{
    struct buf text = {0};
    for (size_t i = 0; i < count; i++) {
        buf_add_text(&text, piece);
    }
    buf_add_text(&text, end);
    return buf_take(&text);
}

START_TEST(no_filter_exhausts_the_stack)
{
    static const char *const deep[] = {"(", "NOT ", "- ", "f(", "a + ", "a = 1 AND (b OR ", "a["};
    for (size_t i = 0; i < ARRAY_LEN(deep); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(arena_done) struct arena arena = {0};
        _free_ char *text = repeat(deep[i], 3000, "a");
        struct filter *filter;
        ck_fails(filter_parse(str_of(text), &arena, &filter, &err), CORRIE_E_LIMIT, &err);
    }
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *casts = repeat("", 0, "a");
    _free_ char *long_cast = repeat("::int", 3000, "");
    _cleanup_(buf_done) struct buf text = {0};
    struct filter *filter;
    buf_addf(&text, "%s%s = 1", casts, long_cast);
    ck_fails(filter_parse(buf_str(&text), &arena, &filter, &err), CORRIE_E_LIMIT, &err);

    /* A long flat filter is none of that. */
    _free_ char *flat = repeat("a = 1 OR ", 3000, "a = 2");
    ck_ok(filter_parse(str_of(flat), &arena, &filter, &err), &err);
    ck_assert_uint_eq(filter->root->n_args, 3001);

    _free_ char *huge = repeat("a = 1 OR ", 10000, "a = 2");
    ck_fails(filter_parse(str_of(huge), &arena, &filter, &err), CORRIE_E_LIMIT, &err);
}
END_TEST

START_TEST(columns_are_listed_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct filter *filter;

    ck_ok(
        filter_parse(STR("b.x > 1 AND f(a, $q) = b.y AND \"a\" < $p OR $q"), &arena, &filter, &err),
        &err);
    ck_assert_uint_eq(filter->n_columns, 2);
    ck_str_eq(filter->columns[0].name, STR("b"));
    ck_str_eq(filter->columns[1].name, STR("a"));
    ck_assert_uint_eq(filter->columns[1].offset, 14);
    ck_assert_uint_eq(filter->n_params, 2);
    ck_str_eq(filter->params[0].name, STR("q"));
    ck_str_eq(filter->params[1].name, STR("p"));
}
END_TEST

/* A part that is cut out of a condition must be SQL by itself. */
START_TEST(parts_have_their_brackets)
{
    static const char *const parts[] = {
        "(a) < 3",         "((a) + 1) * 2 <= (b)", "(a) IN (1, (2))", "(a) BETWEEN (1) AND (2)",
        "(a = b) IS TRUE", "(a) NOT LIKE (b)",     "NOT (a) = (b)",   "(a)::INT = 2",
        "(a) IS NOT NULL", "(a = 1) = (b = 2)",    "f((a)) = (1)",
    };
    _cleanup_(arena_done) struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct str text = str_of(arena_printf(&arena, "c > 1 AND %s AND d", parts[i]));
        const struct filter_expr *part;
        struct filter *filter;

        ck_ok(filter_parse(text, &arena, &filter, &err), &err);
        ck_assert_uint_eq(filter->root->n_args, 3); /* c, the part, d */
        part = filter->root->args[1];
        ck_str_eq(str_slice(text, part->offset, part->length), str_of(parts[i]));
    }
}
END_TEST

START_TEST(unknown_columns_are_named)
{
    static const struct str names[] = {{"event_type", 10}, {"price", 5}};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct filter *filter;

    ck_ok(filter_parse(STR("price > 0 AND event_typ = 'x'"), &arena, &filter, &err), &err);
    ck_assert_int_eq(filter_check_columns(filter, names, 2, &err), CORRIE_E_PROJECT);
    ck_assert_int_eq(err.position.column, 15);
    ck_assert_int_eq(err.position.width, 9);
    ck_assert_str_eq(err.hint, "did you mean event_type?");
    corrie_error_clear(&err);

    /* The classic: a text in double quotes. */
    ck_ok(filter_parse(STR("event_type = \"purchase\""), &arena, &filter, &err), &err);
    ck_assert_int_eq(filter_check_columns(filter, names, 2, &err), CORRIE_E_PROJECT);
    ck_assert_int_eq(err.position.column, 14);
    ck_assert_ptr_nonnull(strstr(err.hint, "'purchase'"));
    corrie_error_clear(&err);

    ck_ok(filter_parse(STR("price > 0"), &arena, &filter, &err), &err);
    ck_ok(filter_check_columns(filter, names, 2, &err), &err);
}
END_TEST

START_TEST(parameters_become_literals)
{
    static const struct filter_param params[] = {
        {{"brand", 5}, {FILTER_STRING, {"x' OR 1=1 --", 12}}},
        {{"low", 3}, {FILTER_INTEGER, {"-3", 2}}},
    };
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct filter *filter;
    struct filter *bound;

    ck_ok(filter_parse(STR("brand = $brand AND price > $low"), &arena, &filter, &err), &err);
    ck_ok(filter_bind(filter, params, 2, &arena, &bound, &err), &err);
    filter_print(bound->root, &text);
    ck_assert_str_eq(buf_text(&text), "\"brand\" = 'x'' OR 1=1 --' AND \"price\" > -3");
    ck_assert_uint_eq(bound->n_params, 0);
    ck_assert_uint_eq(filter->n_params, 2);

    ck_assert_int_eq(filter_bind(filter, params, 1, &arena, &bound, &err), CORRIE_E_PROJECT);
    ck_assert_int_eq(err.position.column, 28);
    ck_assert_int_eq(err.position.width, 4);
}
END_TEST

/* What `text` is when `x` has no value and `y` is 7; with `expected` NULL: that it is refused, at column `column`. */
static void without_x(const char *text, const char *expected, long column)
{
    static const struct filter_param params[] = {
        {.name = {"x", 1}, .state = FILTER_PARAM_NONE},
        {.name = {"y", 1}, .value = {FILTER_INTEGER, {"7", 1}}},
    };
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf once = {0};
    _cleanup_(buf_done) struct buf twice = {0};
    struct filter *filter;

    ck_ok(filter_parse(str_of(text), &arena, &filter, &err), &err);
    int r = filter_bind(filter, params, 2, &arena, &filter, &err);
    if (!expected) {
        ck_assert_msg(r == CORRIE_E_PROJECT && err.position.column == column, "%s: %d at %ld", text,
                      r, err.position.column);
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "parameter x has no value"));
        ck_assert_ptr_nonnull(strstr(err.hint, "--param x="));
        return;
    }
    ck_ok(r, &err);
    filter_print(filter->root, &once);
    ck_assert_str_eq(buf_text(&once), expected);
    ck_ok(filter_parse(buf_str(&once), &arena, &filter, &err), &err);
    filter_print(filter->root, &twice);
    ck_assert_str_eq(buf_text(&twice), expected);
}

/* A condition over a value that nobody gave would hold for no row, and nobody would be told. */
START_TEST(a_parameter_without_value_is_no_condition)
{
    without_x("d >= $x", NULL, 6);
    without_x("a > $y AND d >= $x::date", NULL, 17);
    without_x("d IN (1, $x)", NULL, 10);
    without_x("d BETWEEN $x AND 3", NULL, 11);
    without_x("d NOT LIKE $x || '%'", NULL, 12);
    without_x("NOT $x", NULL, 5);
    without_x("lower($x) = d", NULL, 7);
    without_x("$y IS NULL OR d >= $x", NULL, 20);

    without_x("$x IS NULL OR d >= $x", "TRUE", 0);
    without_x("d > $y AND ($x::date isnull OR d >= CAST($x AS date))", "\"d\" > 7", 0);
    without_x("$x IS NOT NULL AND d >= $x", "FALSE", 0);
    without_x("a OR $x IS NOT NULL AND d >= $x OR ($x IS NULL AND (b OR c))",
              "\"a\" OR \"b\" OR \"c\"", 0);
    without_x("NOT ($x IS NULL) OR NOT d = $x OR b", "NULL OR \"b\"", 0);
    without_x("d >= coalesce($x, $y)", "\"d\" >= coalesce(NULL, 7)", 0);
    without_x("d IS NOT DISTINCT FROM $x", "\"d\" IS NOT DISTINCT FROM NULL", 0);
    without_x("$x IS TRUE OR d > $y", "NULL IS TRUE OR \"d\" > 7", 0);
}
END_TEST

static int fail_after(void *arg)
{
    return --*(int *)arg < 0;
}

START_TEST(memory_may_run_out_anywhere)
{
    int k = 0;
    int r;
    do {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(arena_done) struct arena arena = {0};
        struct filter *filter;
        int left = k++;
        mem_set_fault(fail_after, &left);
        r = filter_parse(STR("a IN (1, 2, $p) AND f(b::int) OR NOT c.d[1] = 'x' + INTERVAL 1 DAY"
                             " OR extract(day FROM current_date) = 1"),
                         &arena, &filter, &err);
        mem_set_fault(NULL, NULL);
        ck_assert(r == 0 || r == CORRIE_E_NO_MEMORY);
    } while (r < 0);
    ck_assert_int_gt(k, 5);
}
END_TEST

SUITE(filter_suite, "filter", spellings_print_alike, short_spellings, what_filters_have_instead,
      a_parameter_without_value_is_no_condition, precedence_is_that_of_sql,
      nothing_but_one_condition, mistakes_are_named_at_their_place, empty_and_binary_text,
      no_filter_exhausts_the_stack, columns_are_listed_once, parts_have_their_brackets,
      unknown_columns_are_named, parameters_become_literals, memory_may_run_out_anywhere)
