#include "base/error.h"

#include <errno.h>

#include "tests/unit/check.h"

START_TEST(tells_a_chain_with_a_hint)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_int_eq(corrie_fail(&err, CORRIE_E_DATA, "line %d is ragged", 7), CORRIE_E_DATA);
    corrie_hint(&err, "first hint");
    corrie_hint(&err, "add a %s", "comma");
    ck_assert_int_eq(corrie_wrap(&err, "import %s", "a.csv"), CORRIE_E_DATA);
    ck_assert_str_eq(corrie_error_message(&err), "import a.csv: line 7 is ragged");
    ck_assert_str_eq(err.hint, "add a comma");
    corrie_error_clear(&err);
    ck_assert_int_eq(err.code, 0);
}
END_TEST

START_TEST(may_quote_its_own_old_text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    corrie_fail(&err, CORRIE_E_IO, "inner");
    corrie_fail(&err, CORRIE_E_CORRUPT, "outer (%s)", corrie_error_message(&err));
    ck_assert_str_eq(corrie_error_message(&err), "outer (inner)");
}
END_TEST

START_TEST(points_into_a_source)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str source = STR("one\ntwo three\r\nfour");

    corrie_fail(&err, CORRIE_E_PROJECT, "unknown column");
    corrie_error_at_offset(&err, "m.sql", source, 8, 99);
    ck_assert_str_eq(err.position.file, "m.sql");
    ck_assert_int_eq(err.position.line, 2);
    ck_assert_int_eq(err.position.column, 5);
    ck_assert_int_eq(err.position.width, 5);
    ck_assert_str_eq(err.position.text, "two three");
    corrie_error_at_offset(&err, "m.sql", source, 999, 1);
    ck_assert_int_eq(err.position.line, 3);
    ck_assert_int_eq(err.position.column, 5);
}
END_TEST

START_TEST(chooses_codes_and_statuses)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_int_eq(corrie_fail_errno(&err, ENOSPC, "write x"), CORRIE_E_NO_SPACE);
    ck_assert_str_eq(corrie_error_message(&err), "write x: No space left on device");
    ck_assert_int_eq(corrie_code_exit_status(CORRIE_E_NO_SPACE), 5);
    ck_assert_int_eq(corrie_code_exit_status(CORRIE_E_NOT_FOUND), 3);
    ck_assert_int_eq(corrie_code_exit_status(CORRIE_E_CORRUPT), 6);
    ck_assert_int_eq(corrie_code_exit_status(CORRIE_E_CANCELLED), 130);
    ck_assert_int_eq(corrie_code_exit_status(0), 0);
    for (int code = 0; code >= CORRIE_E_INTERNAL; code--) {
        ck_assert_ptr_nonnull(corrie_code_name(code));
        ck_assert_int_ne(corrie_code_http_status(code), 0);
    }
    ck_assert_str_eq(corrie_code_name(-1000), "internal");
}
END_TEST

START_TEST(moves_to_another_owner)
{
    _error_ corrie_error from = CORRIE_ERROR_INIT;
    _error_ corrie_error to = CORRIE_ERROR_INIT;

    corrie_fail(&from, CORRIE_E_BUSY, "held");
    corrie_fail(&to, CORRIE_E_IO, "old");
    ck_assert_int_eq(corrie_error_move(&to, &from), CORRIE_E_BUSY);
    ck_assert(to.retryable);
    ck_assert_ptr_null(from.message);
}
END_TEST

SUITE(error_suite, "error", tells_a_chain_with_a_hint, may_quote_its_own_old_text,
      points_into_a_source, chooses_codes_and_statuses, moves_to_another_owner)
