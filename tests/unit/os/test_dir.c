#include "os/dir.h"

#include <unistd.h>

#include "os/fault.h"
#include "scratch.h"

START_TEST(makes_all_levels)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *deep = in(scratch, "a/b//c/");
    _free_ char *file = in(scratch, "a/file");
    _free_ char *below_file = in(scratch, "a/file/x");
    struct os_stat info;

    ck_assert_int_eq(os_dir_make(deep, 0777, &err), 1);
    ck_assert_int_eq(err.code, 0); /* that a level was missing is no error */
    ck_assert_int_eq(os_dir_make(deep, 0777, &err), 0);
    ck_ok(os_stat(deep, &info, &err), &err);
    ck_assert_int_eq(info.kind, OS_DIRECTORY);
    ck_ok(os_file_append(file, STR("x"), 0600, &err), &err);
    ck_fails(os_dir_make(file, 0777, &err), CORRIE_E_EXISTS, &err);
    ck_fails(os_dir_make(below_file, 0777, &err), CORRIE_E_EXISTS, &err);
    ck_fails(os_dir_make_new(deep, 0777, &err), CORRIE_E_EXISTS, &err);
    /* relative to where we are */
    ck_assert_int_eq(chdir(scratch), 0);
    ck_assert_int_eq(os_dir_make("r/s", 0777, &err), 1);
    ck_assert_int_eq(os_dir_make(".", 0777, &err), 0);
    ck_assert_int_eq(os_dir_make("/", 0777, &err), 0);
}
END_TEST

/* Every failure on the way is reported, none leaves something that is no directory. */
START_TEST(making_reports_faults)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *top = in(scratch, "a");
    _free_ char *deep = in(scratch, "a/b/c");
    bool fired = true;
    int failures = 0;

    for (int k = 1; fired; k++) {
        char spec[64];
        int r;

        ck_ok(os_tree_remove(top, &err), &err);
        snprintf(spec, sizeof spec, "op=any,at=%d,errno=ENOSPC", k);
        ck_ok(os_fault_arm(spec, &err), &err);
        r = os_dir_make(deep, 0777, &err);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        ck_assert_int_eq(r, fired ? CORRIE_E_NO_SPACE : 1);
        failures += r < 0;
        corrie_error_clear(&err);
    }
    ck_assert_int_ge(failures, 9); /* three levels: mkdir, open and fsync of the parent */
}
END_TEST

START_TEST(lists_in_order)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _scratch_ char *scratch = scratch_new();
    struct os_entry *entries;
    size_t n;

    ck_ok(os_dir_list(scratch, &arena, &entries, &n, &err), &err);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(chdir(scratch), 0);
    ck_ok(os_file_append("b", STR("x"), 0600, &err), &err);
    ck_ok(os_dir_make("B", 0777, &err), &err);
    ck_assert_int_eq(symlink("b", "a"), 0);
    ck_ok(os_dir_list(scratch, &arena, &entries, &n, &err), &err);
    ck_assert_uint_eq(n, 3);
    ck_str_eq(entries[0].name, STR("B"));
    ck_assert_int_eq(entries[0].kind, OS_DIRECTORY);
    ck_str_eq(entries[1].name, STR("a"));
    ck_assert_int_eq(entries[1].kind, OS_LINK);
    ck_str_eq(entries[2].name, STR("b"));
    ck_assert_int_eq(entries[2].kind, OS_FILE);
    ck_fails(os_dir_list("b", &arena, &entries, &n, &err), CORRIE_E_NOT_FOUND, &err);
    ck_ok(os_fault_arm("op=list,at=2,errno=EIO", &err), &err);
    ck_fails(os_dir_list(scratch, &arena, &entries, &n, &err), CORRIE_E_IO, &err);
}
END_TEST

/* Removing a tree must not follow a link out of it: that would delete the user's files. */
START_TEST(removal_stays_inside)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *outside = in(scratch, "outside");
    _free_ char *precious = in(scratch, "outside/precious");
    _free_ char *tree = in(scratch, "tree");
    _free_ char *deep = in(scratch, "tree/x/y");
    _free_ char *link = in(scratch, "tree/x/link");

    ck_ok(os_dir_make(outside, 0777, &err), &err);
    ck_ok(os_dir_make(deep, 0777, &err), &err);
    ck_ok(os_file_append(precious, STR("keep"), 0600, &err), &err);
    ck_assert_int_eq(symlink(outside, link), 0);
    ck_fails(os_dir_remove(tree, &err), CORRIE_E_CONFLICT, &err);
    ck_assert_int_eq(os_tree_remove(tree, &err), 1);
    ck_assert_int_eq(os_tree_remove(tree, &err), 0);
    ck_assert_int_eq(os_exists(tree, &err), 0);
    holds(precious, STR("keep"));
    /* a link itself is what is removed */
    ck_assert_int_eq(symlink(outside, tree), 0);
    ck_assert_int_eq(os_tree_remove(tree, &err), 1);
    holds(precious, STR("keep"));
    ck_assert_int_eq(os_dir_remove(tree, &err), 0);
}
END_TEST

SUITE(dir_suite, "dir", makes_all_levels, making_reports_faults, lists_in_order,
      removal_stays_inside)
