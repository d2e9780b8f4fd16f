/* capture.c — run a program and collect what it says. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/proc.h"

struct capture {
    struct buf *buf;
    int fd; /* -1 = closed or not asked for */
};

static void capture_close(struct capture (*captures)[2])
{
    os_closep(&(*captures)[0].fd);
    os_closep(&(*captures)[1].fd);
}

/* Reads what has come; at the end of the stream closes it. */
static int capture_read(struct capture *capture, corrie_error *err)
{
    char bytes[16384];
    size_t n;
    int r = os_read(capture->fd, "a program's output", bytes, sizeof bytes, &n, err);

    if (r < 0) {
        return r;
    }
    if (n == 0) {
        os_closep(&capture->fd);
    }
    buf_add(capture->buf, bytes, n); /* past its maximum the buffer remembers and drops */
    return 0;
}

/* Reads both until they are closed and the program has ended. A grandchild that keeps the pipe open
 * does not hold us: after the program's end only what is there already is read. */
static int collect(struct os_proc *proc, struct capture captures[2], int64_t deadline,
                   const struct cancel *cancel, struct os_exit *ret, corrie_error *err)
{
    bool ended = false;

    for (;;) {
        struct pollfd fds[3] = {{.fd = captures[0].fd, .events = POLLIN},
                                {.fd = captures[1].fd, .events = POLLIN},
                                {.fd = ended ? -1 : proc->pidfd, .events = POLLIN}};
        int64_t left = -1;
        int r;

        if (ended) {
            left = 0;
        } else if (deadline != INT64_MAX) {
            left = (deadline - clock_monotonic()) / 1000000;
            left = left < 0 ? 0 : left;
        }
        r = os_poll(fds, 3, left, cancel, err);
        if (r < 0) {
            return r;
        }
        if (r == 0) {
            return ended ? 0 : corrie_fail(err, CORRIE_E_TIMEOUT, "it took too long");
        }
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents) {
                r = capture_read(&captures[i], err);
                if (r < 0) {
                    return r;
                }
            }
        }
        if (fds[2].revents) {
            r = os_wait(proc, 0, NULL, ret, err);
            if (r < 0) {
                return r;
            }
            ended = r > 0;
        }
    }
}

int os_run(const struct os_spawn *spawn, int64_t timeout_ms, const struct cancel *cancel,
           struct buf *out, struct buf *errors, struct os_exit *ret, corrie_error *err)
{
    _cleanup_(capture_close) struct capture captures[2] = {{out, -1}, {errors, -1}};
    _cleanup_(os_proc_done) struct os_proc proc = {.pidfd = -1};
    _free_ struct os_fd_map *fds = mem_alloc(spawn->n_fds + 2, sizeof *fds);
    struct os_spawn own = *spawn;
    int ends[2] = {-1, -1};
    int r = 0;

    if (!fds) {
        return corrie_fail_memory(err);
    }
    if (spawn->n_fds > 0) {
        memcpy(fds, spawn->fds, spawn->n_fds * sizeof *fds);
    }
    for (int i = 0; i < 2 && r >= 0; i++) {
        int both[2];

        if (!captures[i].buf) {
            continue;
        }
        r = os_pipe(both, err);
        if (r >= 0) {
            captures[i].fd = both[0];
            ends[i] = both[1];
            fds[own.n_fds++] = (struct os_fd_map){both[1], i + 1};
        }
    }
    own.fds = fds;
    own.null_std = true;
    own.new_group = true;
    r = r < 0 ? r : os_spawn(&own, &proc, err);
    os_closep(&ends[0]);
    os_closep(&ends[1]);
    if (r < 0) {
        return r;
    }
    r = collect(&proc, captures,
                timeout_ms < 0 ? INT64_MAX : clock_monotonic() + timeout_ms * 1000000, cancel, ret,
                err);
    return r < 0 ? corrie_wrap(err, "run %s", spawn->program) : 0;
}
