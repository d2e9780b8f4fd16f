/* A file that is left out by mistake is a model that is missing; one that is not may be a secret. */
#include "lang/ignore.h"

#include "tests/unit/check.h"

START_TEST(patterns_of_paths)
{
    static const struct {
        const char *pattern, *path;
        bool matches;
    } cases[] = {
        {"a.sql", "a.sql", true},
        {"a.sql", "b/a.sql", false},
        {"*.sql", "a.sql", true},
        {"*.sql", "b/a.sql", false},
        {"*/a.sql", "b/a.sql", true},
        {"**/a.sql", "a.sql", true},
        {"**/a.sql", "b/c/a.sql", true},
        {"b/**", "b/c/a.sql", true},
        {"b/**", "b", false},
        {"b/**/a.sql", "b/a.sql", true},
        {"b/**/a.sql", "b/c/d/a.sql", true},
        {"b/**/a.sql", "c/b/a.sql", false},
        {"**/**/a", "x/a", true},
        {"**/b/**/a", "x/b/y/a", true},
        {"**/b/**/a", "x/y/a", false},
        {"[ab].sql", "b.sql", true},
        {"?.sql", "ab.sql", false},
        {"a*b", "a/b", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(path_matches(str_of(cases[i].pattern), str_of(cases[i].path)) ==
                          cases[i].matches,
                      "%s beside %s", cases[i].pattern, cases[i].path);
    }
}
END_TEST

START_TEST(the_last_line_that_matches_decides)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct ignore *ignore;
    static const struct {
        const char *path;
        bool folder;
        enum ignore_verdict verdict;
    } cases[] = {
        {"a.tmp", false, IGNORE_OUT},
        {"b/c/a.tmp", false, IGNORE_OUT},
        {"keep.tmp", false, IGNORE_IN},
        {"build", true, IGNORE_OUT},
        {"build", false, IGNORE_SAYS_NOTHING},
        {"x/build", true, IGNORE_OUT},
        {"top.sql", false, IGNORE_OUT},
        {"x/top.sql", false, IGNORE_SAYS_NOTHING},
        {"doc/x.txt", false, IGNORE_OUT},
        {"x/doc/x.txt", false, IGNORE_SAYS_NOTHING},
        {"#not", false, IGNORE_SAYS_NOTHING},
        {"blank", false, IGNORE_OUT},
        {"other.sql", false, IGNORE_SAYS_NOTHING},
    };

    ck_ok(ignore_parse(STR("# a comment\n\n*.tmp\n!keep.tmp\nbuild/\n/top.sql\r\ndoc/*.txt\n#not\n"
                           "blank   \n/\n!\n"),
                       &arena, &ignore, &err),
          &err);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_msg(ignore_look(ignore, str_of(cases[i].path), cases[i].folder) ==
                          cases[i].verdict,
                      "%s", cases[i].path);
    }
    ck_ok(ignore_parse(STR_EMPTY, &arena, &ignore, &err), &err);
    ck_assert_int_eq(ignore_look(ignore, STR("a"), false), IGNORE_SAYS_NOTHING);
}
END_TEST

SUITE(ignore_suite, "ignore", patterns_of_paths, the_last_line_that_matches_decides)
