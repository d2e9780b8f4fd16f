#include "os/user.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/tty.h"
#include "tests/unit/check.h"

START_TEST(finds_places)
{
    static const struct {
        const char *variable, *value;
        enum os_place place;
        const char *expected;
    } cases[] = {
        {"XDG_CACHE_HOME", "/var/c", OS_CACHE, "/var/c/corrie"},
        {"XDG_CACHE_HOME", "relative", OS_CACHE, "/home/x/.cache/corrie"},
        {"XDG_CONFIG_HOME", "", OS_CONFIG, "/home/x/.config/corrie"},
        {"XDG_RUNTIME_DIR", "/run/user/7", OS_RUNTIME, "/run/user/7/corrie"},
    };

    setenv("HOME", "/home/x", 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _free_ char *path = NULL;

        setenv(cases[i].variable, cases[i].value, 1);
        ck_ok(os_place(cases[i].place, &path, &err), &err);
        ck_assert_str_eq(path, cases[i].expected);
    }
}
END_TEST

START_TEST(knows_who_and_where)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *user = NULL;
    _free_ char *host = NULL;
    _free_ char *home = NULL;
    _free_ char *self = NULL;
    _free_ char *cwd = NULL;

    unsetenv("HOME");
    ck_ok(os_user_name(&user, &err), &err);
    ck_assert_uint_gt(strlen(user), 0);
    ck_ok(os_host_name(&host, &err), &err);
    ck_assert_uint_gt(strlen(host), 0);
    ck_ok(os_home(&home, &err), &err);
    ck_assert_int_eq(home[0], '/');
    ck_ok(os_executable(&self, &err), &err);
    ck_assert_int_eq(access(self, X_OK), 0);
    ck_assert_int_eq(chdir("/usr"), 0);
    ck_ok(os_cwd(&cwd, &err), &err);
    ck_assert_str_eq(cwd, "/usr");
}
END_TEST

START_TEST(width_has_bounds)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert(!os_is_terminal(ends[0]));
    unsetenv("COLUMNS");
    ck_assert_int_eq(os_terminal_width(ends[0], 80), 80);
    setenv("COLUMNS", "132", 1);
    ck_assert_int_eq(os_terminal_width(ends[0], 80), 132);
    setenv("COLUMNS", "99999999", 1);
    ck_assert_int_eq(os_terminal_width(ends[0], 80), 1000);
    setenv("COLUMNS", "wide", 1);
    ck_assert_int_eq(os_terminal_width(ends[0], 80), 80);
}
END_TEST

SUITE(user_suite, "user", finds_places, knows_who_and_where, width_has_bounds)
