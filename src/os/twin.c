/* twin.c — a program that goes on in the background, by a copy of itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/proc.h"

/* All but the standard ones and `kept`. A kernel that cannot do it leaves them open, which only makes others wait. */
static void close_others(int kept)
{
    if (kept > 3) {
        syscall(SYS_close_range, 3u, (unsigned)kept - 1, 0u);
    }
    syscall(SYS_close_range, (unsigned)kept + 1, ~0u, 0u);
}

int os_fork(struct os_twin *ret, corrie_error *err)
{
    int fds[2];
    pid_t pid;
    int r = os_pipe(fds, err);

    if (r < 0) {
        return r;
    }
    pid = fork();
    if (pid < 0) {
        r = corrie_fail_errno(err, errno, "start a process for the background");
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    close(fds[pid == 0 ? 0 : 1]);
    *ret = (struct os_twin){.pid = pid, .fd = fds[pid == 0 ? 1 : 0]};
    if (pid == 0) {
        close_others(ret->fd);
    }
    return pid == 0 ? 1 : 0;
}

int os_twin_wait(const struct os_twin *twin, struct os_exit *ret, corrie_error *err)
{
    int status;

    while (waitpid(twin->pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return corrie_fail_errno(err, errno, "wait for a process");
        }
    }
    *ret = (struct os_exit){.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
                            .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    return 0;
}

int os_leave_terminal(const char *output, uint32_t mode, corrie_error *err)
{
    int to = -1;
    int nothing;
    int r = os_open(output, O_WRONLY | O_APPEND | O_CREAT, mode, &to, err);

    r = r < 0 ? r : os_open("/dev/null", O_RDONLY, 0, &nothing, err);
    if (r < 0) {
        if (to >= 0) {
            close(to);
        }
        return r;
    }
    if (dup2(nothing, 0) < 0 || dup2(to, 1) < 0 || dup2(to, 2) < 0) {
        r = corrie_fail_errno(err, errno, "write into %s", output);
    } else if (setsid() < 0) {
        r = corrie_fail_errno(err, errno, "leave the terminal");
    }
    close(nothing);
    close(to);
    return r;
}
