#include "os/file.h"
#include "os/os_priv.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/fault.h"
#include "scratch.h"

START_TEST(reads_what_was_written)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    _cleanup_(buf_done) struct buf bytes = {0};
    struct os_stat info;
    char part[4];

    ck_assert_int_eq(os_exists(path, &err), 0);
    ck_fails(os_file_read(path, 10, &bytes, &err), CORRIE_E_NOT_FOUND, &err);
    ck_ok(os_file_append(path, STR("hello "), 0640, &err), &err);
    ck_ok(os_file_append(path, STR("world"), 0640, &err), &err);
    holds(path, STR("hello world"));
    ck_ok(os_stat(path, &info, &err), &err);
    ck_assert_uint_eq(info.size, 11);
    ck_assert_int_eq(info.kind, OS_FILE);
    ck_assert_uint_eq(info.mode & 0640, 0640);
    ck_assert_int_eq(os_exists(path, &err), 1);
    {
        _close_ int fd = -1;

        ck_ok(os_open(path, O_RDWR, 0, &fd, &err), &err);
        ck_ok(os_read_at(fd, path, 6, part, 4, &err), &err);
        ck_assert_mem_eq(part, "worl", 4);
        ck_fails(os_read_at(fd, path, 8, part, 4, &err), CORRIE_E_CORRUPT, &err);
        ck_fails(os_read_at(fd, path, UINT64_MAX, part, 4, &err), CORRIE_E_CORRUPT, &err);
        ck_ok(os_write_at(fd, path, 4, STR("!!"), &err), &err);
        ck_ok(os_truncate(fd, path, 6, &err), &err);
        ck_ok(os_fd_sync(fd, path, &err), &err);
    }
    holds(path, STR("hell!!"));
}
END_TEST

START_TEST(copies_from_one_place_to_another)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    _free_ char *copy = in(scratch, "copy");
    _cleanup_(buf_done) struct buf bytes = {0};
    struct cancel cancel = {0};
    struct os_offset from = {.name = path, .at = 1};
    struct os_offset to = {.name = copy, .at = 2};
    _close_ int from_fd = -1;
    _close_ int to_fd = -1;

    for (size_t i = 0; i < 3 * 1024 * 1024 / 8; i++) {
        buf_addf(&bytes, "%08zu", i); /* no two blocks are alike */
    }
    ck_ok(os_file_append(path, buf_str(&bytes), 0600, &err), &err);
    ck_ok(os_file_append(copy, STR("ab"), 0600, &err), &err);
    ck_ok(os_open(path, O_RDONLY, 0, &from_fd, &err), &err);
    ck_ok(os_open(copy, O_WRONLY, 0, &to_fd, &err), &err);
    from.fd = from_fd;
    to.fd = to_fd;
    ck_ok(os_copy(&from, &to, 3, NULL, &err), &err);
    ck_ok(os_copy(&from, &to, 0, NULL, &err), &err);
    holds(copy, STR("ab000"));
    ck_ok(os_copy(&from, &to, bytes.len - 4, NULL, &err), &err);
    ck_assert_uint_eq(from.at, bytes.len);
    ck_assert_uint_eq(to.at, bytes.len + 1);
    {
        _cleanup_(buf_done) struct buf seen = {0};

        ck_ok(os_file_read(copy, 2 * bytes.len, &seen, &err), &err);
        ck_str_eq(str_slice(buf_str(&seen), 0, 2), STR("ab"));
        ck_assert(str_eq(str_from(buf_str(&seen), 2), str_from(buf_str(&bytes), 1)));
    }
    ck_fails(os_copy(&from, &to, 1, NULL, &err), CORRIE_E_CORRUPT, &err);
    cancel_request(&cancel);
    from.at = 0;
    ck_fails(os_copy(&from, &to, 1, &cancel, &err), CORRIE_E_CANCELLED, &err);
}
END_TEST

/* A file larger than allowed must not fill memory, and must not be taken for its beginning. */
START_TEST(bounds_what_it_reads)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    struct buf bytes;

    ck_ok(os_file_append(path, STR("12345678"), 0600, &err), &err);
    buf_init(&bytes, 8);
    ck_fails(os_file_read(path, 7, &bytes, &err), CORRIE_E_LIMIT, &err);
    ck_assert_uint_eq(bytes.len, 0);
    ck_ok(os_file_read(path, 8, &bytes, &err), &err); /* exactly the buffer's maximum */
    ck_str_eq(buf_str(&bytes), STR("12345678"));
    buf_done(&bytes);
    /* files of /proc say that they are empty */
    buf_init(&bytes, 100);
    ck_fails(os_file_read("/proc/self/maps", 50, &bytes, &err), CORRIE_E_LIMIT, &err);
    ck_assert_uint_eq(bytes.len, 0);
    buf_done(&bytes);
    ck_fails(os_file_read(scratch, 100, &bytes, &err), CORRIE_E_IO, &err);
}
END_TEST

START_TEST(errors_name_operation_and_path)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int fd;

    ck_assert_int_lt(os_open("/nothing/there", O_RDONLY, 0, &fd, &err), 0);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "open /nothing/there: No such file"));
}
END_TEST

START_TEST(replaces_and_creates)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    struct os_entry *entries;
    size_t n;

    ck_ok(os_file_create(path, STR("one"), 0600, &err), &err);
    ck_fails(os_file_create(path, STR("two"), 0600, &err), CORRIE_E_EXISTS, &err);
    holds(path, STR("one"));
    ck_ok(os_file_replace(path, STR("three"), 0600, &err), &err);
    holds(path, STR("three"));
    /* nothing is left beside it, neither by the ones that worked nor by the one refused */
    ck_ok(os_dir_list(scratch, &arena, &entries, &n, &err), &err);
    ck_assert_uint_eq(n, 1);
    ck_str_eq(entries[0].name, STR("file"));
    ck_assert_int_eq(os_unlink(path, &err), 1);
    ck_assert_int_eq(os_unlink(path, &err), 0);
}
END_TEST

/* Of many that create one file, exactly one wins: two jobs cannot take the same id. */
START_TEST(creation_has_one_winner)
{
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    int winners = 0;

    for (int i = 0; i < 8; i++) {
        if (fork() == 0) {
            _error_ corrie_error err = CORRIE_ERROR_INIT;
            int r = os_file_create(path, STR("mine"), 0600, &err);

            _exit(r == 0 ? 1 : r == CORRIE_E_EXISTS ? 0 : 2);
        }
    }
    for (int i = 0; i < 8; i++) {
        int status;

        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) != 2);
        winners += WEXITSTATUS(status);
    }
    ck_assert_int_eq(winners, 1);
    holds(path, STR("mine"));
}
END_TEST

/* Whatever fails on the way, the file is the old or the new one, whole, and a temporary file is
 * recognised as such. Each k until none fails any more, once and from then on. */
static void replace_under_faults(const char *how, bool fresh)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    bool fired = true;
    int failures = 0;

    for (int k = 1; fired; k++) {
        _cleanup_(arena_done) struct arena arena = {0};
        _cleanup_(buf_done) struct buf now = {0};
        char spec[200];
        struct os_entry *entries;
        size_t n;
        int r;

        ck_ok(os_unlink(path, &err), &err);
        if (!fresh) {
            ck_ok(os_file_replace(path, STR("old content"), 0600, &err), &err);
        }
        snprintf(spec, sizeof spec, "op=any,at=%d,%s", k, how);
        ck_ok(os_fault_arm(spec, &err), &err);
        r = fresh ? os_file_create(path, STR("new"), 0600, &err)
                  : os_file_replace(path, STR("new"), 0600, &err);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        failures += r < 0;
        ck_assert_msg(r >= 0 || strstr(corrie_error_message(&err), path) ||
                          strstr(corrie_error_message(&err), scratch),
                      "the error names no path: %s", corrie_error_message(&err));
        corrie_error_clear(&err);
        if (fresh && os_exists(path, &err) == 0) {
            ck_assert_int_lt(r, 0);
        } else {
            ck_ok(os_file_read(path, 100, &now, &err), &err);
            ck_assert(str_eq(buf_str(&now), STR("new")) ||
                      (!fresh && r < 0 && str_eq(buf_str(&now), STR("old content"))));
        }
        ck_ok(os_dir_list(scratch, &arena, &entries, &n, &err), &err);
        for (size_t i = 0; i < n; i++) {
            ck_assert(str_eq(entries[i].name, STR("file")) || os_temp_is(entries[i].name));
        }
    }
    ck_assert_int_ge(failures, strstr(how, "short") || strstr(how, "EINTR") ? 0 : 5);
}

START_TEST(replace_is_all_or_nothing)
{
    static const char *const hows[] = {"errno=ENOSPC", "errno=EIO,sticky", "errno=EINTR", "short"};

    for (size_t i = 0; i < ARRAY_LEN(hows); i++) {
        replace_under_faults(hows[i], false);
        replace_under_faults(hows[i], true);
    }
}
END_TEST

/* The same for kill -9 in the middle. */
START_TEST(replace_survives_kill)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "file");
    int killed = 0;

    for (int k = 1;; k++) {
        int status;

        ck_ok(os_file_replace(path, STR("old content"), 0600, &err), &err);
        if (fork() == 0) {
            char spec[64];

            snprintf(spec, sizeof spec, "op=any,at=%d,kill", k);
            _exit(os_fault_arm(spec, &err) < 0 ||
                  os_file_replace(path, STR("new"), 0600, &err) < 0);
        }
        ck_assert_int_gt(wait(&status), 0);
        if (WIFEXITED(status)) {
            ck_assert_int_eq(WEXITSTATUS(status), 0);
            holds(path, STR("new"));
            break;
        }
        ck_assert_int_eq(WTERMSIG(status), SIGKILL);
        killed++;
        {
            _cleanup_(buf_done) struct buf now = {0};

            ck_ok(os_file_read(path, 100, &now, &err), &err);
            ck_assert(str_eq(buf_str(&now), STR("new")) ||
                      str_eq(buf_str(&now), STR("old content")));
        }
    }
    ck_assert_int_ge(killed, 6); /* open write fsync rename open fsync */
}
END_TEST

START_TEST(locks_exclude)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "lock");
    _close_ int first = -1;
    _close_ int second = -1;
    struct cancel cancel = {0};

    ck_ok(os_lock_open(path, OS_LOCK_SHARED, 0, NULL, &first, &err), &err);
    ck_ok(os_lock_open(path, OS_LOCK_SHARED, 0, NULL, &second, &err), &err);
    ck_fails(os_lock(second, path, OS_LOCK_EXCLUSIVE, 5, NULL, &err), CORRIE_E_BUSY, &err);
    ck_ok(os_unlock(first, path, &err), &err);
    ck_ok(os_lock(second, path, OS_LOCK_EXCLUSIVE, 0, NULL, &err), &err);
    cancel_request(&cancel);
    ck_fails(os_lock(first, path, OS_LOCK_SHARED, 60000, &cancel, &err), CORRIE_E_CANCELLED, &err);
    /* unlike the older kind, closing another descriptor of the file does not unlock it */
    {
        _close_ int third = -1;

        ck_ok(os_open(path, O_RDWR, 0, &third, &err), &err);
    }
    ck_fails(os_lock(first, path, OS_LOCK_SHARED, 0, NULL, &err), CORRIE_E_BUSY, &err);
    os_closep(&second);
    ck_ok(os_lock(first, path, OS_LOCK_EXCLUSIVE, 0, NULL, &err), &err);
}
END_TEST

/* A lock dies with its holder: a crash never blocks the lake. */
START_TEST(locks_end_with_the_process)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "lock");
    _close_ int fd = -1;
    pid_t child = fork();
    int status;

    if (child == 0) {
        int held;

        _exit(os_lock_open(path, OS_LOCK_EXCLUSIVE, 0, NULL, &held, &err) < 0 || raise(SIGKILL));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_ok(os_lock_open(path, OS_LOCK_EXCLUSIVE, 0, NULL, &fd, &err), &err);
}
END_TEST

START_TEST(touch_moves_the_time)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *path = in(scratch, "beat");
    const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    struct os_stat info;

    ck_ok(os_file_append(path, STR("x"), 0600, &err), &err);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
    ck_ok(os_stat(path, &info, &err), &err);
    ck_assert_int_eq(info.mtime, INT64_C(1000000000000));
    ck_ok(os_touch(path, &err), &err);
    ck_ok(os_stat(path, &info, &err), &err);
    ck_assert_int_gt(info.mtime, INT64_C(1700000000000000000));
    ck_fails(os_touch("/nothing/there", &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

START_TEST(knows_file_systems)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct os_fs fs;

    ck_ok(os_fs("/dev/shm", &fs, &err), &err);
    ck_assert_str_eq(fs.name, "tmpfs");
    ck_assert(!fs.network);
    ck_ok(os_fs("/", &fs, &err), &err);
    ck_assert_uint_gt(fs.total, 0);
    ck_fails(os_fs("/nothing/there", &fs, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

/* A disk of Windows, a rootless container's layer: a lake there is as good as on any disk. A mounted bucket is not. */
START_TEST(tells_local_file_systems_in_user_space)
{
    static const char mounts[] =
        "22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "36 22 0:45 / /mnt/a\\040-\\040b rw,nosuid master:1 propagate_from:2 - fuse.sshfs h:/x rw\n"
        "37 22 8:33 / /mnt/w rw,nosuid - fuseblk /dev/sdc1 rw,user_id=0\n"
        "38 22 0:46 / /mnt/o rw shared:7 - fuse.fuse-overlayfs fuse-overlayfs rw\n"
        "39 22 0:47 / /mnt/x rw - fuse.newfangled x rw\n"
        "40 22 0:48 / /mnt/y rw - fuse y rw\n"
        "broken\n"
        "41 22 0:49 / cut off";
    static const struct {
        unsigned major_, minor_;
        const char *name;
        bool network;
    } cases[] = {
        {0, 45, "fuse.sshfs", true},
        {8, 33, "fuseblk", false},
        {0, 46, "fuse.fuse-overlayfs", false},
        {0, 47, "fuse", true},
        {0, 48, "fuse", true},
        {0, 49, "fuse", true},
        {0, 20, "fuse", true},
        {0, 4, "fuse", true},
        {45, 0, "fuse", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct os_fs fs = {.name = "fuse", .network = true};

        os_fuse_type(str_of(mounts), cases[i].major_, cases[i].minor_, &fs);
        ck_assert_str_eq(fs.name, cases[i].name);
        ck_assert_int_eq(fs.network, cases[i].network);
    }
}
END_TEST

SUITE(file_suite, "file", reads_what_was_written, copies_from_one_place_to_another,
      bounds_what_it_reads, errors_name_operation_and_path, replaces_and_creates,
      creation_has_one_winner, replace_is_all_or_nothing, replace_survives_kill, locks_exclude,
      locks_end_with_the_process, touch_moves_the_time, knows_file_systems,
      tells_local_file_systems_in_user_space)
