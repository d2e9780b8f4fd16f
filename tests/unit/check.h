/* check.h — what every unit test program shares: the main function and short assertions on str and errors.
 *
 * A room's main.c lists its suites:
 *
 *     #include "tests/unit/check.h"
 *     TEST_MAIN(str_suite, buf_suite)
 *
 * Output is TAP, each case in a process of its own. There are no arguments; Check reads the environment:
 * CK_RUN_SUITE=str runs that suite alone, CK_FORK=no all in one process (for a debugger). */
#ifndef CORRIE_TESTS_CHECK_H
#define CORRIE_TESTS_CHECK_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/str.h"

/* The thread sanitizer makes vfork a fork: what the child of os_spawn writes before exec does not reach its parent, so a
 * program that cannot be started looks like one that ended at once. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif
#ifndef THREAD_SANITIZED
#define THREAD_SANITIZED 0
#endif

typedef Suite *(*suite_fn)(void);

#define TEST_MAIN(first, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        static const suite_fn suites[] = {first, ##__VA_ARGS__};                                   \
        SRunner *runner = srunner_create(NULL);                                                    \
                                                                                                   \
        for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {                            \
            srunner_add_suite(runner, suites[i]());                                                \
        }                                                                                          \
        srunner_set_tap(runner, "-");                                                              \
        srunner_run_all(runner, CK_SILENT);                                                        \
        srunner_free(runner);                                                                      \
        return 0;                                                                                  \
    }

/* A suite of one test case: SUITE(str_suite, "str", test_a, test_b) */
#define SUITE(name, title, ...)                                                                    \
    Suite *name(void);                                                                             \
    Suite *name(void)                                                                              \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(title);                                                        \
        TCase *tcase = tcase_create(title);                                                        \
                                                                                                   \
        tcase_set_timeout(tcase, 60);                                                              \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {                              \
            tcase_add_test(tcase, tests[i]);                                                       \
        }                                                                                          \
        suite_add_tcase(suite, tcase);                                                             \
        return suite;                                                                              \
    }

/* `call` succeeds (>= 0); otherwise the error's message is the failure. */
#define ck_ok(call, err)                                                                           \
    do {                                                                                           \
        int ck_result_ = (call);                                                                   \
        ck_assert_msg(ck_result_ >= 0, "%s: %s", #call, corrie_error_message(err));                \
    } while (0)

/* `call` fails with exactly `code_`; the error is cleared. */
#define ck_fails(call, code_, err)                                                                 \
    do {                                                                                           \
        int ck_result_ = (call);                                                                   \
        ck_assert_msg(ck_result_ == (code_), "%s: got %s (%s), expected %s", #call,                \
                      corrie_code_name(ck_result_), corrie_error_message(err),                     \
                      corrie_code_name(code_));                                                    \
        corrie_error_clear(err);                                                                   \
    } while (0)

/* Says that a test is left out for want of something of this machine: a failure where CORRIE_NO_SKIPS is set, as in CI. */
#define ck_skip(why)                                                                               \
    do {                                                                                           \
        ck_assert_msg(!getenv("CORRIE_NO_SKIPS"), "CORRIE_NO_SKIPS is set, and: %s", (why));       \
        printf("# skipped: %s\n", (why));                                                          \
    } while (0)

#define ck_str_eq(actual, expected)                                                                \
    do {                                                                                           \
        struct str ck_actual_ = (actual);                                                          \
        struct str ck_expected_ = (expected);                                                      \
        ck_assert_msg(str_eq(ck_actual_, ck_expected_), "%s is \"%.*s\", expected \"%.*s\"",       \
                      #actual, STR_FMT(ck_actual_), STR_FMT(ck_expected_));                        \
    } while (0)

#endif
