/* marked.c — processes that carry a mark in the environment they were started with: what a child of ours started and left
 * behind, whatever session and parent it has now. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/proc.h"

#define MAX_ENVIRONMENT (4 * 1024 * 1024)
#define MAX_ROUNDS 16 /* what forks while it is looked for is found in the next one */

static void dir_closep(DIR **dir)
{
    if (*dir) {
        closedir(*dir);
    }
}

/* Whether the process began with the variable "NAME=value". False too where that may not be seen. */
static bool has_mark(int64_t pid, struct str mark)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    char path[64];
    struct str rest, variable;
    bool more = true;

    snprintf(path, sizeof path, "/proc/%lld/environ", (long long)pid);
    if (os_file_read(path, MAX_ENVIRONMENT, &text, &ignored) < 0) {
        return false;
    }
    rest = buf_str(&text);
    while (more) {
        more = str_cut(rest, '\0', &variable, &rest);
        if (str_eq(variable, mark)) {
            return true;
        }
    }
    return false;
}

/* The descriptor is the process's: what gets its number later is not killed. */
static bool kill_marked(int64_t pid, struct str mark)
{
    _close_ int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

    return fd >= 0 && has_mark(pid, mark) &&
           syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

static int kill_all(struct str mark, size_t *killed, corrie_error *err)
{
    _cleanup_(dir_closep) DIR *proc = opendir("/proc");
    const struct dirent *entry;
    size_t before = *killed;

    if (!proc) {
        return corrie_fail_errno(err, errno, "look for processes that were left");
    }
    while ((entry = readdir(proc)) != NULL) {
        int64_t pid;

        if (str_to_int64(str_of(entry->d_name), &pid) && pid > 1 && pid != getpid()) {
            *killed += has_mark(pid, mark) && kill_marked(pid, mark);
        }
    }
    return *killed > before;
}

int os_kill_marked(struct str mark, size_t *ret_killed, corrie_error *err)
{
    int r = 1;

    *ret_killed = 0;
    for (int round = 0; r > 0 && round < MAX_ROUNDS; round++) {
        r = kill_all(mark, ret_killed, err);
    }
    return r < 0 ? r : 0;
}
