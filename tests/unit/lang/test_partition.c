/* Terms of partitioned_by. */
#include "lang/partition.h"
#include "tests/unit/check.h"

/* The terms as "transform path" lines, or the error. */
static const char *parse(const char *text)
{
    static struct buf out;
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct partition_by_term *terms;
    size_t n = 0;

    buf_clear(&out);
    if (partition_parse(str_of(text), &arena, &terms, &n, &err) < 0) {
        buf_addf(&out, "%s: %s", corrie_code_name(err.code), corrie_error_message(&err));
        return buf_text(&out);
    }
    for (size_t i = 0; i < n; i++) {
        buf_addf(&out, "%s%.*s", i ? "; " : "", STR_FMT(terms[i].transform));
        for (size_t k = 0; k < terms[i].n_path; k++) {
            buf_addf(&out, " %.*s", STR_FMT(terms[i].path[k]));
        }
    }
    return buf_text(&out);
}

START_TEST(test_accepted)
{
    /* whatever tool a person comes from, the spelling that they know means what it meant there */
    static const char *const cases[][2] = {
        {"", ""},
        {" \n", ""},
        {"region", "identity region"},
        {"day(ts), bucket(4, user_id), region", "day ts; bucket[4] user_id; identity region"},
        {"bucket(user_id, 4)", "bucket[4] user_id"},
        {"bucket[4](user_id)", "bucket[4] user_id"},
        {"YEAR(x),Months(x),days(x),HOURS(x)", "year x; month x; day x; hour x"},
        {"date(x), date_hour(x), alwaysNull(x), identity(x)", "day x; hour x; void x; identity x"},
        {"trunc(3, s), truncate(s, 5)", "truncate[3] s; truncate[5] s"},
        {"day", "identity day"},
        {"day(day)", "day day"},
        {"\"a b\" . \"c\"\"d\", day(`x y`.z)", "identity a b c\"d; day x y z"},
        {"\"day\"", "identity day"},
        {"gr\xc3\xb6\xc3\x9f\x65, PULocationID",
         "identity gr\xc3\xb6\xc3\x9f\x65; identity PULocationID"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_str_eq(parse(cases[i][0]), cases[i][1]);
    }
}
END_TEST

START_TEST(test_refused)
{
    /* a slip is shown where it is, and never taken for something else */
    static const struct {
        const char *text;
        const char *part;
        int column;
    } cases[] = {
        {"day(ts),", "at the end", 9},
        {"day(ts) region", "comma", 9},
        {"week(ts)", "no such transform", 1},
        {"bucket(user_id)", "number is missing", 1},
        {"day(4, ts)", "no number", 1},
        {"bucket(0, a)", "from 1 to", 8},
        {"bucket(99999999999999999999, a)", "from 1 to", 8},
        {"bucket(4, 5)", "a column", 11},
        {"bucket(a, b)", "one column", 11},
        {"bucket[4](5, a)", "number already", 11},
        {"bucket(4, a", "parenthesis", 12},
        {"a, b, a", "twice", 7},
        {"bucket(4, a), bucket(a, 4)", "twice", 15},
        {"\"a", "does not end", 1},
        {"\"\"", "without a name", 1},
        {"a..b", "a column", 3},
        {"1a", "a column", 1},
        {"day('ts')", "a column", 5},
        {"a; drop table b", "comma", 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(arena_done) struct arena arena = {0};
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct partition_by_term *terms;
        size_t n;

        ck_assert_int_eq(partition_parse(str_of(cases[i].text), &arena, &terms, &n, &err),
                         CORRIE_E_PROJECT);
        ck_assert_msg(strstr(corrie_error_message(&err), cases[i].part) != NULL, "%s: %s",
                      cases[i].text, corrie_error_message(&err));
        ck_assert_msg(err.position.column == cases[i].column, "%s: column %ld", cases[i].text,
                      (long)err.position.column);
    }
}
END_TEST

START_TEST(test_limits)
{
    /* a text from outside cannot make the parser work without end */
    _cleanup_(buf_done) struct buf text = {0};

    for (int i = 0; i < 101; i++) {
        buf_addf(&text, "%sc%d", i ? "," : "", i);
    }
    ck_assert_ptr_nonnull(strstr(parse(buf_text(&text)), "more than 100 terms"));
    buf_clear(&text);
    for (int i = 0; i < 40; i++) {
        buf_addf(&text, "%sc", i ? "." : "");
    }
    ck_assert_ptr_nonnull(strstr(parse(buf_text(&text)), "nested deeper"));
    buf_clear(&text);
    for (int i = 0; i < 70000; i++) {
        buf_add_char(&text, 'a');
    }
    ck_assert_ptr_nonnull(strstr(parse(buf_text(&text)), "longer than"));
    ck_assert_ptr_nonnull(strstr(parse("\xff"), "UTF-8"));
}
END_TEST

START_TEST(test_printed)
{
    /* what is shown can be given again */
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct partition_by_term *terms;
    size_t n;

    ck_ok(partition_parse(STR("days( ts ),bucket[4](u.v), \"a \"\"b\", identity(c)"), &arena,
                          &terms, &n, &err),
          &err);
    partition_terms_print(terms, n, &out);
    ck_assert_str_eq(buf_text(&out), "day(ts), bucket(4, u.v), \"a \"\"b\", c");
    ck_assert_uint_eq(terms[1].offset, 11);
    ck_assert_uint_eq(terms[1].length, 14);
}
END_TEST

SUITE(partition_suite, "partition", test_accepted, test_refused, test_limits, test_printed)
