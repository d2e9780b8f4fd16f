/* The table itself: a fault that never fires, or fires elsewhere, would make every torture test
 * pass. */
#include "os/fault.h"

#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/memfd.h"
#include "scratch.h"

START_TEST(fires_at_the_kth_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");

    ck_ok(os_fault_arm("op=write,at=2,errno=ENOSPC", &err), &err);
    ck_ok(os_file_append(path, STR("1"), 0600, &err), &err);
    ck_fails(os_file_append(path, STR("2"), 0600, &err), CORRIE_E_NO_SPACE, &err);
    ck_ok(os_file_append(path, STR("3"), 0600, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 3);
    ck_assert_uint_eq(os_fault_hits(), 1);
    os_fault_disarm();
    holds(path, STR("13"));
}
END_TEST

START_TEST(sticky_goes_on)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");

    ck_ok(os_fault_arm("op=write+fsync,at=2,errno=EIO,sticky", &err), &err);
    ck_ok(os_file_append(path, STR("1"), 0600, &err), &err);
    ck_fails(os_file_sync(path, &err), CORRIE_E_IO, &err);
    ck_fails(os_file_append(path, STR("2"), 0600, &err), CORRIE_E_IO, &err);
    ck_assert_uint_eq(os_fault_hits(), 2);
    os_fault_disarm();
    ck_ok(os_file_append(path, STR("4"), 0600, &err), &err);
    holds(path, STR("14"));
}
END_TEST

START_TEST(interruptions_and_short_writes_are_survived)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");

    ck_ok(os_fault_arm("op=all,at=1,short", &err), &err);
    ck_ok(os_file_append(path, STR("opened again after EINTR;"), 0600, &err), &err);
    ck_assert_uint_eq(os_fault_hits(), 1);
    ck_ok(os_fault_arm("op=write,at=1,short", &err), &err);
    ck_ok(os_file_append(path, STR("written in two parts"), 0600, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 2);
    os_fault_disarm();
    holds(path, STR("opened again after EINTR;written in two parts"));
}
END_TEST

START_TEST(root_limits_it_to_one_tree)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *inside = in(scratch, "lake/../lake/./file");
    _free_ char *beside = in(scratch, "lake2");
    _free_ char *lake = in(scratch, "lake");
    char spec[400];
    int fd;

    ck_ok(os_dir_make(lake, 0777, &err), &err);
    snprintf(spec, sizeof spec, "op=all,root=%s/,count", lake);
    ck_ok(os_fault_arm(spec, &err), &err);
    ck_ok(os_file_append(beside, STR("1"), 0600, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 0);
    ck_ok(os_file_append(inside, STR("1"), 0600, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 2); /* open, write */
    ck_assert_int_eq(chdir(lake), 0);
    ck_ok(os_file_append("relative", STR("1"), 0600, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 4);
    ck_ok(os_memfd_new("has no path", &fd, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 5);
    os_close(fd);
    snprintf(spec, sizeof spec, "op=any,root=%s,count", lake);
    ck_ok(os_fault_arm(spec, &err), &err);
    ck_ok(os_memfd_new("not any", &fd, &err), &err);
    ck_assert_uint_eq(os_fault_count(), 0);
    os_close(fd);
}
END_TEST

START_TEST(kill_is_immediate)
{
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    int status;

    if (fork() == 0) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;

        _exit(os_fault_arm("op=write,at=2,kill", &err) < 0 ||
              os_file_append(path, STR("1"), 0600, &err) < 0 ||
              os_file_append(path, STR("2"), 0600, &err) < 0);
    }
    ck_assert_int_gt(wait(&status), 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    holds(path, STR("1"));
}
END_TEST

START_TEST(refuses_what_it_does_not_understand)
{
    static const char *const wrong[] = {"nonsense",  "op=",          "op=wrote", "at=0",
                                        "at=x",      "errno=EWHAT",  "root=x",   "errno=EIO",
                                        "kill",      "op=any,at=1x", "out=x",    "op=write+,at=-1",
                                        "cut=later", "program="};

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;

        ck_fails(os_fault_arm(wrong[i], &err), CORRIE_E_USAGE, &err);
    }
}
END_TEST

/* Without the preload library a cut could only be a kill: a test would then prove nothing. */
START_TEST(cuts_need_the_library)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_fails(os_fault_arm("op=any,at=1,cut", &err), CORRIE_E_UNSUPPORTED, &err);
}
END_TEST

START_TEST(allocations_fail_too)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    void *blocks[4];

    setenv("CORRIE_FAULT_ALLOC", "2", 1);
    ck_ok(os_fault_from_env(&err), &err);
    for (int i = 0; i < 4; i++) {
        blocks[i] = mem_alloc(1, 8);
        ck_assert_msg((blocks[i] == NULL) == (i == 1), "allocation %d", i);
        mem_free(blocks[i]);
    }
    ck_assert_uint_eq(os_fault_alloc_count(), 4);
    setenv("CORRIE_FAULT_ALLOC", "3,sticky", 1);
    ck_ok(os_fault_from_env(&err), &err);
    for (int i = 0; i < 4; i++) {
        blocks[i] = mem_alloc(1, 8);
        ck_assert_msg((blocks[i] == NULL) == (i >= 2), "allocation %d", i);
        mem_free(blocks[i]);
    }
    os_fault_arm_alloc(0, 0);
    setenv("CORRIE_FAULT_ALLOC", "often", 1);
    ck_fails(os_fault_from_env(&err), CORRIE_E_USAGE, &err);
    setenv("CORRIE_FAULT_ALLOC", "", 1);
    setenv("CORRIE_FAULT", "op=write,at=1,errno=EIO,program=some-other", 1);
    ck_ok(os_fault_from_env(&err), &err);
    ck_fails(os_file_append("/nothing/there", STR("x"), 0, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

/* Every allocation in a function of ours may fail: an error comes back, nothing leaks (sanitizers
 * see it), nothing is half done. */
START_TEST(each_allocation_may_fail)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *deep = in(scratch, "a/b");
    _free_ char *path = in(scratch, "a/b/file");
    int failures = 0;
    bool done = false;

    for (uint64_t k = 1; !done; k++) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct os_entry *entries;
        size_t n;
        int r;

        os_fault_arm_alloc(k, 0);
        r = os_dir_make(deep, 0777, &err);
        r = r < 0 ? r : os_file_replace(path, STR("x"), 0600, &err);
        r = r < 0 ? r : os_dir_list(deep, &arena, &entries, &n, &err);
        r = r < 0 ? r : os_tree_remove(deep, &err);
        done = os_fault_alloc_count() < k;
        os_fault_arm_alloc(0, 0);
        ck_assert_int_eq(r, done ? 1 : r < 0 ? CORRIE_E_NO_MEMORY : r);
        failures += r < 0;
        corrie_error_clear(&err);
    }
    ck_assert_int_ge(failures, 5);
}
END_TEST

SUITE(fault_suite, "fault", fires_at_the_kth_once, sticky_goes_on,
      interruptions_and_short_writes_are_survived, root_limits_it_to_one_tree, kill_is_immediate,
      refuses_what_it_does_not_understand, cuts_need_the_library, allocations_fail_too,
      each_allocation_may_fail)
