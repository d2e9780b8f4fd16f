/* poll.c — waiting for descriptors, pipes, which processes live. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/proc.h"

int os_pipe(int ret_fds[2], corrie_error *err)
{
    if (os_fault_errno(OS_OP_SOCKET, -1, NULL) < 0 || pipe2(ret_fds, O_CLOEXEC) < 0) {
        return corrie_fail_errno(err, errno, "make a pipe");
    }
    return 0;
}

int os_set_nonblocking(int fd, corrie_error *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return corrie_fail_errno(err, errno, "make descriptor %d non-blocking", fd);
    }
    return 0;
}

int os_poll(struct pollfd *fds, size_t n, int64_t timeout_ms, const struct cancel *cancel,
            corrie_error *err)
{
    /* A signal that sets `cancel` between the look at it and poll() would be missed until the next
     * event; short slices bound that. */
    const int64_t slice_ms = cancel ? 100 : 60000;
    const int64_t start = clock_monotonic();

    for (;;) {
        int64_t left = INT64_MAX;
        int r;

        r = cancel_check(cancel, err);
        if (r < 0) {
            return r;
        }
        if (timeout_ms >= 0) {
            /* rounded up: never early by part of a millisecond */
            left = timeout_ms - (clock_monotonic() - start) / 1000000;
            left = left < 0 ? 0 : left;
        }
        r = poll(fds, (nfds_t)n, (int)(left < slice_ms ? left : slice_ms));
        if (r > 0) {
            return r;
        }
        if (r < 0 && errno != EINTR && errno != EAGAIN) {
            return corrie_fail_errno(err, errno, "wait for descriptors");
        }
        if (r == 0 && left <= slice_ms) {
            return 0;
        }
    }
}

int os_pid(void)
{
    return (int)getpid();
}

bool os_pid_alive(int pid)
{
    return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

/* Field 22 of /proc/PID/stat, the time of the start in ticks since boot; false if there is no such process or it is a
 * zombie. The second field is the program's name in parentheses and may hold any byte. */
static bool process_start(int pid, struct str *ret, struct buf *text)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    char path[64];
    struct str rest;
    struct str word = STR_EMPTY;
    size_t end;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (os_file_read(path, 4096, text, &ignored) < 0) {
        return false;
    }
    rest = buf_str(text);
    for (end = rest.len; end > 0 && rest.data[end - 1] != ')'; end--) {
    }
    rest = str_trim(str_from(rest, end));
    if (end == 0 || rest.len == 0 || rest.data[0] == 'Z' || rest.data[0] == 'X') {
        return false;
    }
    for (int field = 3; field <= 22; field++) {
        if (!str_cut(rest, ' ', &word, &rest) && field < 22) {
            return false;
        }
    }
    *ret = word;
    return word.len > 0;
}

/* "BOOT.NAMESPACE."; empty if the system does not say. */
static void process_place(struct buf *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf boot = {0};
    struct os_stat space;

    if (os_file_read("/proc/sys/kernel/random/boot_id", 64, &boot, &ignored) >= 0 &&
        os_stat("/proc/self/ns/pid", &space, &ignored) >= 0) {
        buf_add_str(ret, str_trim(buf_str(&boot)));
        buf_addf(ret, ".%llu.", (unsigned long long)space.inode);
    }
}

void os_process_mark(char ret[OS_PROCESS_MARK])
{
    _cleanup_(buf_done) struct buf place = {0};
    _cleanup_(buf_done) struct buf stat = {0};
    struct str start;

    ret[0] = '\0';
    process_place(&place);
    if (place.len > 0 && process_start(os_pid(), &start, &stat) &&
        place.len + start.len < OS_PROCESS_MARK) {
        snprintf(ret, OS_PROCESS_MARK, "%s%.*s", buf_text(&place), STR_FMT(start));
    }
}

int os_process_lives(int pid, struct str mark)
{
    _cleanup_(buf_done) struct buf place = {0};
    _cleanup_(buf_done) struct buf stat = {0};
    struct str start;

    process_place(&place);
    if (pid <= 0 || place.len == 0 || !str_starts(mark, buf_str(&place))) {
        return -1;
    }
    return process_start(pid, &start, &stat) && str_eq(start, str_from(mark, place.len));
}

void os_allow_files(void)
{
    struct rlimit limit;

    /* what cannot be raised stays as it is: who opens too many is told */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void os_forbid_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur > 0) {
        limit.rlim_cur = 0;
        (void)setrlimit(RLIMIT_CORE, &limit);
    }
}
