/* proc.c — child processes.
 *
 * The child is made by vfork: it runs on the parent's memory and the parent's thread stands still
 * until the child has executed the program or given up, so a parent of many gigabytes starts
 * children at once and the child can write the reason of a failure where the parent reads it. Rules
 * for child_*: only system calls, no allocation, no locks, nothing written but `struct child`. All
 * signals are blocked meanwhile, so that no handler of the parent's runs in the child. */
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/path.h"
#include "os/signal.h"
#include "os/user.h"

extern char **environ;

/* What the child needs, prepared by the parent. */
struct child {
    const struct os_spawn *spawn;
    const char *program;
    pid_t parent;
    int *sources;  /* n_fds numbers, scratch */
    int above;     /* first number higher than every target */
    sigset_t mask; /* of the child */
    /* the child's report */
    volatile int error;
    const char *volatile step;
};

static int child_fail(struct child *child, const char *step)
{
    child->error = errno ? errno : EINVAL;
    child->step = step;
    return -1;
}

static void child_signals(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};

    for (int number = 1; number < NSIG; number++) {
        sigaction(number, &standard, NULL); /* fails for SIGKILL, SIGSTOP and the two of libc */
    }
}

/* Marks all descriptors from `first` on close-on-exec. */
static void child_close_from(unsigned first)
{
    struct rlimit limit;

    if (syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) {
        return;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 65536) {
        limit.rlim_cur = 65536;
    }
    for (unsigned fd = first; fd < limit.rlim_cur; fd++) {
        fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
}

static int child_descriptors(struct child *child)
{
    const struct os_spawn *spawn = child->spawn;
    bool mapped[3] = {false, false, false};

    child_close_from(3);
    /* first all sources out of the way of all targets, then each to its place */
    for (size_t i = 0; i < spawn->n_fds; i++) {
        child->sources[i] = fcntl(spawn->fds[i].from, F_DUPFD_CLOEXEC, child->above);
        if (child->sources[i] < 0) {
            return child_fail(child, "duplicate a descriptor for");
        }
    }
    for (size_t i = 0; i < spawn->n_fds; i++) {
        if (dup2(child->sources[i], spawn->fds[i].to) < 0) {
            return child_fail(child, "place a descriptor for");
        }
        if (spawn->fds[i].to < 3) {
            mapped[spawn->fds[i].to] = true;
        }
    }
    for (int fd = 0; fd < 3 && spawn->null_std; fd++) {
        int null;

        if (mapped[fd]) {
            continue;
        }
        null = open("/dev/null", (fd == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
        /* dup2 onto itself would leave close-on-exec set */
        if (null < 0 || (null == fd ? fcntl(fd, F_SETFD, 0) : dup2(null, fd)) < 0) {
            return child_fail(child, "open /dev/null for");
        }
    }
    return 0;
}

static int child_limits(struct child *child)
{
    for (size_t i = 0; i < child->spawn->n_limits; i++) {
        const struct os_rlimit *wanted = &child->spawn->limits[i];
        struct rlimit limit;

        if (getrlimit((__rlimit_resource_t)wanted->resource, &limit) < 0) {
            return child_fail(child, "set limits for");
        }
        if (wanted->limit != UINT64_MAX &&
            (limit.rlim_max == RLIM_INFINITY || wanted->limit < limit.rlim_max)) {
            limit.rlim_max = wanted->limit;
        }
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit((__rlimit_resource_t)wanted->resource, &limit) < 0) {
            return child_fail(child, "set limits for");
        }
    }
    return 0;
}

/* Everything between vfork and exec; returns only on failure. */
static int child_run(struct child *child)
{
    const struct os_spawn *spawn = child->spawn;

    child_signals();
    if (spawn->new_session && setsid() < 0) {
        return child_fail(child, "make a session for");
    }
    if (spawn->new_group && !spawn->new_session && setpgid(0, 0) < 0) {
        return child_fail(child, "make a process group for");
    }
    if (spawn->death_signal) {
        if (prctl(PR_SET_PDEATHSIG, spawn->death_signal) < 0) {
            return child_fail(child, "tie the parent's life to");
        }
        if (getppid() != child->parent) { /* it died before the prctl */
            kill(getpid(), SIGKILL);
        }
    }
    if (child_descriptors(child) < 0) {
        return -1;
    }
    if (spawn->cwd && chdir(spawn->cwd) < 0) {
        return child_fail(child, "enter the directory of");
    }
    if (spawn->nice &&
        setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + spawn->nice) < 0) {
        return child_fail(child, "set the niceness of");
    }
    if (child_limits(child) < 0) {
        return -1;
    }
    sigprocmask(SIG_SETMASK, &child->mask, NULL);
    execve(child->program, (char *const *)(uintptr_t)spawn->argv,
           spawn->env ? (char *const *)(uintptr_t)spawn->env : environ);
    return child_fail(child, "execute");
}

/* Of its own, so that no variable of the caller's lives across the second return. */
__attribute__((noinline)) static pid_t vfork_child(struct child *child)
{
    pid_t pid = vfork();

    if (pid == 0) {
        child_run(child);
        _exit(127);
    }
    return pid;
}

static int reap(pid_t pid, int options, int *ret_status, struct rusage *ret_usage)
{
    pid_t r;

    do {
        r = wait4(pid, ret_status, options, ret_usage);
    } while (r < 0 && errno == EINTR);
    return r;
}

static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by nature */
}

static int start_child(struct child *child, pid_t *ret, corrie_error *err)
{
    sigset_t all, before;
    pid_t pid;
    int saved;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = os_fault_check(OS_OP_SPAWN, -1, NULL);
    pid = errno ? -1 : vfork_child(child);
    saved = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        return corrie_fail_errno(err, saved, "start %s", child->program);
    }
    if (child->error) {
        reap(pid, 0, NULL, NULL);
        return corrie_fail_errno(err, child->error, "%s %s%s%s%s", child->step, child->program,
                                 child->spawn->cwd ? " (in " : "",
                                 child->spawn->cwd ? child->spawn->cwd : "",
                                 child->spawn->cwd ? ")" : "");
    }
    *ret = pid;
    return 0;
}

int os_spawn(const struct os_spawn *spawn, struct os_proc *ret, corrie_error *err)
{
    _free_ char *program = NULL;
    _free_ int *sources = NULL;
    struct child child = {.spawn = spawn, .parent = getpid(), .above = 3};
    struct os_proc proc = {.pidfd = -1, .group = spawn->new_group || spawn->new_session};
    int r;

    r = os_find_program(spawn->program, &program, err);
    if (r < 0) {
        return r;
    }
    sources = mem_alloc(spawn->n_fds + 1, sizeof *sources);
    if (!sources) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < spawn->n_fds; i++) {
        if (spawn->fds[i].to < 0 || spawn->fds[i].from < 0 || spawn->fds[i].to >= 1 << 20) {
            return corrie_fail(err, CORRIE_E_INTERNAL, "start %s: descriptor %d as %d", program,
                               spawn->fds[i].from, spawn->fds[i].to);
        }
        if (spawn->fds[i].to >= child.above) {
            child.above = spawn->fds[i].to + 1;
        }
    }
    child.program = program;
    child.sources = sources;
    sigemptyset(&child.mask);
    r = start_child(&child, &proc.pid, err);
    if (r < 0) {
        return r;
    }
    proc.pidfd = pidfd_of(proc.pid);
    if (proc.pidfd < 0) {
        r = corrie_fail_errno(err, errno, "watch %s", program);
        os_proc_done(&proc);
        return r;
    }
    *ret = proc;
    return 0;
}

static void exit_from(int status, const struct rusage *usage, struct os_exit *ret)
{
    *ret = (struct os_exit){
        .status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .core = WIFSIGNALED(status) && WCOREDUMP(status),
        .max_rss = (uint64_t)usage->ru_maxrss * 1024,
        .user_time =
            (int64_t)usage->ru_utime.tv_sec * 1000000000 + (int64_t)usage->ru_utime.tv_usec * 1000,
        .system_time =
            (int64_t)usage->ru_stime.tv_sec * 1000000000 + (int64_t)usage->ru_stime.tv_usec * 1000,
    };
}

static void proc_forget(struct os_proc *proc)
{
    os_close(proc->pidfd);
    *proc = (struct os_proc){.pidfd = -1};
}

int os_wait(struct os_proc *proc, int64_t timeout_ms, const struct cancel *cancel,
            struct os_exit *ret, corrie_error *err)
{
    struct pollfd ended = {.fd = proc->pidfd, .events = POLLIN};
    struct rusage usage;
    int status, r;

    if (proc->pid <= 0) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "wait for a process that was not started");
    }
    r = os_poll(&ended, 1, timeout_ms, cancel, err);
    if (r <= 0) {
        return r;
    }
    r = reap(proc->pid, WNOHANG, &status, &usage);
    if (r < 0) {
        return corrie_fail_errno(err, errno, "wait for process %d", (int)proc->pid);
    }
    if (r == 0) {
        return 0;
    }
    exit_from(status, &usage, ret);
    proc_forget(proc);
    return 1;
}

int os_kill(const struct os_proc *proc, int signal_number, corrie_error *err)
{
    if (proc->pid <= 0) {
        return 0;
    }
    if (kill(proc->group ? -proc->pid : proc->pid, signal_number) < 0 && errno != ESRCH) {
        return corrie_fail_errno(err, errno, "send signal %d to process %d", signal_number,
                                 (int)proc->pid);
    }
    return 0;
}

void os_proc_done(struct os_proc *proc)
{
    if (proc->pid > 0) {
        /* The group first: while its leader is not reaped, its number cannot be another's. */
        if (proc->group) {
            kill(-proc->pid, SIGKILL);
        }
        kill(proc->pid, SIGKILL);
        reap(proc->pid, 0, NULL, NULL);
        proc_forget(proc);
    }
}

void os_exit_text(const struct os_exit *end, char *ret, size_t size)
{
    char scratch[24];

    if (end->signal) {
        snprintf(ret, size, "killed by signal %d (%s)", end->signal,
                 os_signal_name(end->signal, scratch));
    } else {
        snprintf(ret, size, "exit status %d", end->status);
    }
}

int os_find_program(const char *name, char **ret, corrie_error *err)
{
    const char *search = os_env("PATH");
    struct str rest = str_of(search ? search : "/usr/local/bin:/usr/bin:/bin");

    if (strchr(name, '/')) {
        *ret = str_dup(str_of(name));
        return *ret ? 0 : corrie_fail_memory(err);
    }
    while (rest.len > 0 && *name) {
        _free_ char *path = NULL;
        struct str directory;
        struct os_stat info;
        int r;

        str_cut(rest, ':', &directory, &rest);
        r = os_path_join(directory.len ? directory : STR("."), str_of(name), &path, err);
        if (r < 0) {
            return r;
        }
        if (os_stat(path, &info, err) >= 0 && info.kind == OS_FILE && access(path, X_OK) == 0) {
            corrie_error_clear(err);
            *ret = TAKE_PTR(path);
            return 0;
        }
    }
    return corrie_fail(err, CORRIE_E_NOT_FOUND, "no program \"%s\" in PATH", name);
}

uint64_t os_peak_memory(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) < 0 ? 0 : (uint64_t)usage.ru_maxrss * 1024;
}
