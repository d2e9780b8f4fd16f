/* Modes that are meant exactly: who shares files with a group is not locked out by somebody's umask. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/fault.h"
#include "os/file.h"
#include "scratch.h"

#define FILE_MODE (0660 | OS_MODE_EXACT)
#define DIRECTORY_MODE (02770 | OS_MODE_EXACT)

static unsigned mode_of(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (unsigned)(info.st_mode & 07777) : 0;
}

START_TEST(modes_hold_whatever_the_umask)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *directory = in(scratch, "a/b");
    _free_ char *parent = in(scratch, "a");
    _free_ char *file = in(scratch, "a/b/file");
    _close_ int fd = -1;

    umask(077);
    ck_ok(os_dir_make(directory, DIRECTORY_MODE, &err), &err);
    ck_assert_uint_eq(mode_of(directory), 02770);
    ck_assert_uint_eq(mode_of(parent), 02770);
    ck_assert_int_eq(os_dir_make(directory, DIRECTORY_MODE, &err), 0);
    ck_fails(os_dir_make_new(directory, DIRECTORY_MODE, &err), CORRIE_E_EXISTS, &err);
    ck_ok(os_file_replace(file, STR("x"), FILE_MODE, &err), &err);
    ck_assert_uint_eq(mode_of(file), 0660);
    ck_ok(os_unlink(file, &err), &err);
    ck_ok(os_file_append(file, STR("x"), FILE_MODE, &err), &err);
    ck_ok(os_file_append(file, STR("y"), FILE_MODE, &err), &err);
    holds(file, STR("xy"));
    ck_assert_uint_eq(mode_of(file), 0660);
    ck_ok(os_mode_set(file, 0640, &err), &err);
    /* what is there keeps its mode and its bytes */
    ck_ok(os_open(file, O_RDWR | O_CREAT, FILE_MODE, &fd, &err), &err);
    ck_assert_uint_eq(mode_of(file), 0640);
    holds(file, STR("xy"));
    ck_assert_int_eq(os_may_enter(directory, &err), 1);
}
END_TEST

/* Nobody ever sees the file or directory with less: an open between making it and giving the mode would be refused. */
START_TEST(nothing_is_seen_with_another_mode)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *file = in(scratch, "file");
    _free_ char *directory = in(scratch, "directory");
    pid_t child = fork();

    if (child == 0) {
        umask(077);
        for (int i = 0; i < 2000; i++) {
            int fd = -1;

            if (os_open(file, O_RDWR | O_CREAT, FILE_MODE, &fd, &err) < 0 ||
                os_dir_make_new(directory, DIRECTORY_MODE, &err) < 0) {
                _exit(1);
            }
            os_close(fd);
            unlink(file);
            rmdir(directory);
        }
        _exit(0);
    }
    for (int status = 0; waitpid(child, &status, WNOHANG) == 0;) {
        unsigned mode = mode_of(file);

        ck_assert_msg(mode == 0 || mode == 0660, "%o", mode);
        mode = mode_of(directory);
        ck_assert_msg(mode == 0 || mode == 02770, "%o", mode);
    }
}
END_TEST

/* A failure leaves no file or directory of the name with another mode, and no temporary one. */
START_TEST(each_failing_operation)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *file = in(scratch, "file");
    _free_ char *directory = in(scratch, "directory");
    bool fired = true;
    unsigned failed = 0;

    umask(077);
    for (unsigned k = 1; fired; k++) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct os_entry *entries;
        char fault[300];
        size_t n;
        int fd = -1;
        int r;

        snprintf(fault, sizeof fault, "op=all,root=%s,at=%u,errno=EIO", scratch, k);
        ck_ok(os_fault_arm(fault, &err), &err);
        r = os_open(file, O_RDWR | O_CREAT, FILE_MODE, &fd, &err);
        r = r < 0 ? r : os_dir_make_new(directory, DIRECTORY_MODE, &err);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        failed += r < 0;
        corrie_error_clear(&err);
        os_close(fd);
        ck_assert(mode_of(file) == 0 || mode_of(file) == 0660);
        ck_assert(mode_of(directory) == 0 || mode_of(directory) == 02770);
        unlink(file);
        rmdir(directory);
        ck_ok(os_dir_list(scratch, &arena, &entries, &n, &err), &err);
        for (size_t i = 0; i < n; i++) {
            ck_assert_msg(os_temp_is(entries[i].name), "%s", entries[i].name.data);
        }
    }
    ck_assert_uint_gt(failed, 5);
}
END_TEST

START_TEST(file_systems_are_pretended)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct os_fs fs;

    os_fault_pretend_fs(0x19830326);
    ck_ok(os_fs("/", &fs, &err), &err);
    ck_assert(fs.network);
    ck_assert_str_eq(fs.name, "beegfs");
    os_fault_pretend_fs(0);
    ck_ok(os_fs("/proc", &fs, &err), &err);
    ck_assert(!fs.network && !fs.read_only);
}
END_TEST

SUITE(mode_suite, "modes", modes_hold_whatever_the_umask, nothing_is_seen_with_another_mode,
      each_failing_operation, file_systems_are_pretended)
