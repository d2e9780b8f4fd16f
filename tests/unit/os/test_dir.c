#include "os/dir.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fault.h"
#include "os/proc.h"
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

/* ---- directories of one's own ---- */

static void make_old(const char *path)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* A process that makes a directory of its own, tells its path, and waits to be killed. With `fork_on` a copy of it lives on. */
static pid_t start_owner(bool fork_on, char path[4096], int *ret_stop)
{
    int told[2], stop[2];
    ssize_t n;
    pid_t pid;

    ck_assert_int_eq(pipe(told), 0);
    ck_assert_int_eq(pipe(stop), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct os_own_dir own;
        struct os_twin twin = {.pid = 0};
        char byte;

        close(stop[1]);
        if (os_own_dir_make("work", &own, &err) < 0 || (fork_on && os_fork(&twin, &err) < 0)) {
            _exit(1);
        }
        if (fork_on && twin.pid == 0) {
            (void)!write(twin.fd, "x", 1); /* it has let go of what the other holds */
            sleep(600);                    /* until the test ends it */
            _exit(0);
        }
        if (fork_on) {
            (void)!read(twin.fd, &byte, 1);
        }
        /* the path and the copy's number at once, as they are read */
        memcpy(path, own.path, strlen(own.path) + 1);
        memcpy(path + strlen(path) + 1, &twin.pid, sizeof twin.pid);
        (void)!write(told[1], path, strlen(path) + 1 + sizeof twin.pid);
        (void)!read(stop[0], &byte, 1);
        _exit(0);
    }
    close(told[1]);
    close(stop[0]);
    n = read(told[0], path, 4096);
    ck_assert_int_gt(n, 0);
    close(told[0]);
    *ret_stop = stop[1];
    return pid;
}

static void kill_owner(pid_t pid)
{
    int status;

    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

static void put_file_in(const char *directory)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *file = in(directory, "spilled");

    ck_ok(os_file_append(file, STR("x"), 0600, &err), &err);
}

/* What is killed leaves gigabytes in /tmp, for ever; what is removed under somebody's hands loses their query. */
START_TEST(what_the_killed_leave_is_swept)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *precious = in(scratch, "precious");
    _free_ char *link = in(scratch, "corrie-call-0000000000000001");
    _free_ char *others = in(scratch, "corrie-work-notes");
    _free_ char *file = in(scratch, "corrie-work-0000000000000002");
    char living[4096], young[4096], dead[4096], forked[4096];
    struct os_own_dir own;
    pid_t pid, twin;
    int stop[4];

    ck_assert_int_eq(setenv("TMPDIR", scratch, 1), 0);
    ck_assert_int_eq(os_dir_make(precious, 0700, &err), 1);
    put_file_in(precious);
    make_old(precious);
    ck_assert_int_eq(symlink(precious, link), 0);
    make_old(link);
    ck_assert_int_eq(os_dir_make(others, 0700, &err), 1);
    make_old(others);
    ck_ok(os_file_append(file, STR("x"), 0600, &err), &err);
    make_old(file);

    pid = start_owner(false, living, &stop[0]);
    make_old(living);
    kill_owner(start_owner(false, young, &stop[1]));
    kill_owner(start_owner(false, dead, &stop[2]));
    put_file_in(dead);
    make_old(dead);
    {
        pid_t owner = start_owner(true, forked, &stop[3]);

        memcpy(&twin, forked + strlen(forked) + 1, sizeof twin);
        kill_owner(owner);
    }
    make_old(forked);

    ck_ok(os_own_dir_make("call", &own, &err), &err);
    ck_assert_int_eq(os_exists(dead, &err), 0);
    ck_assert_int_eq(os_exists(forked, &err), 0); /* its maker is gone, whoever else goes on */
    ck_assert_int_eq(os_exists(living, &err), 1);
    ck_assert_int_eq(os_exists(young, &err), 1);
    ck_assert_int_eq(os_exists(link, &err), 1);
    ck_assert_int_eq(os_exists(others, &err), 1);
    ck_assert_int_eq(os_exists(file, &err), 1);
    put_file_in(precious); /* is there still */
    os_own_dir_remove(&own);
    ck_assert_ptr_null(own.path);
    kill(twin, SIGKILL);
    kill_owner(pid);
    for (size_t i = 0; i < 4; i++) {
        close(stop[i]);
    }
}
END_TEST

SUITE(dir_suite, "dir", makes_all_levels, making_reports_faults, lists_in_order,
      removal_stays_inside, what_the_killed_leave_is_swept)
