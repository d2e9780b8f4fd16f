/* proc.h — child processes, pipes, waiting for descriptors.
 *
 * States of a struct os_proc: empty (zeroed) → running (os_spawn) → reaped (os_wait gave 1, or
 * os_proc_done). It belongs to one thread. */
#ifndef CORRIE_OS_PROC_H
#define CORRIE_OS_PROC_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"

/* Descriptor `from` of this process becomes `to` in the child. `from` stays open here. */
struct os_fd_map {
    int from;
    int to;
};

struct os_rlimit {
    int resource;   /* RLIMIT_* */
    uint64_t limit; /* soft and hard, UINT64_MAX = none; never above the present hard limit */
};

/* The child has exactly the descriptors of `fds`, and 0, 1, 2: those of them not listed are
 * /dev/null if `null_std` is set, else this process'. */
struct os_spawn {
    const char *program;     /* path, or a name to be looked for in PATH */
    const char *const *argv; /* NULL-terminated; argv[0] is the caller's choice */
    const char *const *env;  /* NULL-terminated "NAME=value"; NULL = this process' */
    const char *cwd;         /* NULL = this process' */
    const struct os_fd_map *fds;
    size_t n_fds;
    bool null_std;
    bool new_group;   /* leads a process group of its own: os_kill reaches its children too */
    bool new_session; /* a session of its own (and so a group): no controlling terminal */
    int death_signal; /* sent to the child when the THREAD that spawned it ends; 0 = none */
    int nice;         /* added to the niceness */
    const struct os_rlimit *limits;
    size_t n_limits;
};

struct os_proc {
    pid_t pid;  /* 0 = empty or reaped */
    int pidfd;  /* readable when the child has ended; may go into os_poll; valid while pid != 0 */
    bool group; /* leads a group */
};

struct os_exit {
    int status; /* exit status, or -1 if a signal ended it */
    int signal; /* that signal, or 0 */
    bool core;
    uint64_t max_rss;  /* bytes: the child's largest resident size, mapped shared pages included */
    int64_t user_time; /* nanoseconds of CPU */
    int64_t system_time;
};

/* Starts a process. The child has default signal dispositions and an empty signal mask. Fails here,
 * not in the child, if the program cannot be executed or the directory not entered:
 * CORRIE_E_NOT_FOUND … The parent's memory is not copied (vfork), so a large parent starts children
 * as fast as a small one. */
int os_spawn(const struct os_spawn *spawn, struct os_proc *ret, corrie_error *err) CORRIE_MUST_USE;

/* Waits for the child's end at most `timeout_ms` (negative = for ever). 1 it ended: *ret is filled
 * and `proc` is empty afterwards; 0 still running. CORRIE_E_CANCELLED when `cancel` is set
 * meanwhile (the child still runs). */
int os_wait(struct os_proc *proc, int64_t timeout_ms, const struct cancel *cancel,
            struct os_exit *ret, corrie_error *err) CORRIE_MUST_USE;

/* Sends a signal to the child, or to its group if it leads one. A child that has ended already is
 * no error. */
int os_kill(const struct os_proc *proc, int signal_number, corrie_error *err) CORRIE_MUST_USE;
/* Kills every process of this user's on this machine that was started with "NAME=value" in its environment, except this one:
 * what a child left behind in a session of its own. One that was started with another environment is not found. Cost: a
 * look at each process. */
int os_kill_marked(struct str mark, size_t *ret_killed, corrie_error *err) CORRIE_MUST_USE;
/* Kills (SIGKILL, the whole group) what still runs, and reaps it. An empty one may be done. */
void os_proc_done(struct os_proc *proc);

/* The most memory that this process has had at once so far, in bytes; 0 where that is not known. */
uint64_t os_peak_memory(void);

/* "exit status 3", "killed by signal 9 (Killed)". */
void os_exit_text(const struct os_exit *end, char *ret, size_t size);

/* Runs a program to its end and collects what it writes: standard input is /dev/null, output and
 * errors go to the buffers (either may be NULL: /dev/null). Output beyond a buffer's maximum is
 * read and dropped (the buffer then remembers CORRIE_E_LIMIT: look at buf->failed). After
 * `timeout_ms` (negative: none) the group is killed: CORRIE_E_TIMEOUT; CORRIE_E_CANCELLED likewise.
 * A status other than 0 is not an error. `spawn->fds` may add descriptors ≥ 3; new_group is
 * implied. */
int os_run(const struct os_spawn *spawn, int64_t timeout_ms, const struct cancel *cancel,
           struct buf *out, struct buf *errors, struct os_exit *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Where a program of that name is in PATH; a name with a slash is taken as it is.
 * CORRIE_E_NOT_FOUND. Heap. */
int os_find_program(const char *name, char **ret, corrie_error *err) CORRIE_MUST_USE;

/* [0] is read, [1] is written. */
int os_pipe(int ret_fds[2], corrie_error *err) CORRIE_MUST_USE;
int os_set_nonblocking(int fd, corrie_error *err) CORRIE_MUST_USE;

/* poll(2) over `n` descriptors, at most `timeout_ms` (negative = for ever). Returns how many have
 * events (0 = time is up), or CORRIE_E_CANCELLED within 100 ms of `cancel` (may be NULL) being set.
 * */
int os_poll(struct pollfd *fds, size_t n, int64_t timeout_ms, const struct cancel *cancel,
            corrie_error *err) CORRIE_MUST_USE;

/* A process that goes on as a copy of this one, and the pipe between them. */
struct os_twin {
    pid_t pid; /* of the copy; 0 in the copy */
    int fd;    /* the copy writes, the other reads */
};
/* 1 in the copy, 0 in the one that was there; only while there is one thread. The copy has no other descriptors than 0, 1, 2
 * and the pipe, so that nobody waits for it because of those. It ends with this process's terminal unless it leaves that. */
int os_fork(struct os_twin *ret, corrie_error *err) CORRIE_MUST_USE;
/* Waits for the copy's end. */
int os_twin_wait(const struct os_twin *twin, struct os_exit *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* From now on no terminal and no shell reaches this process: a session of its own, nothing to read, and what it prints goes to
 * the end of the file `output`, which is made with `mode`. */
int os_leave_terminal(const char *output, uint32_t mode, corrie_error *err) CORRIE_MUST_USE;

/* This process. */
int os_pid(void);
/* Whether a process of that id runs on this machine (for "is the owner of this record alive"). Ids
 * are reused: a hint, not a proof. */
bool os_pid_alive(int pid);
/* What tells this process from a later one that gets its id, and from those of that id on other machines and in other
 * name spaces: boot, name space and time of the start, as text for records. "" where the system does not say. */
#define OS_PROCESS_MARK 96
void os_process_mark(char ret[OS_PROCESS_MARK]);
/* 1 the process of that id and mark runs, 0 it has ended, -1 that cannot be told from here (another machine or boot, no
 * mark). */
int os_process_lives(int pid, struct str mark);
/* CPUs this process may use (affinity and cgroup quota), at least 1; bytes of memory it may use (of the machine, or the
 * least limit of its cgroup and those around it), 0 if unknown. */
int os_cpus(void);
uint64_t os_memory(void);
/* Bytes that work takes at most where nobody has said how many: 70 % of os_memory, 1 GiB if that is unknown. */
uint64_t os_memory_for_work(void);
/* Lets this process, and children that it starts, have as many descriptors open as the system allows it: each column of a
 * table that functions exchange is a file. */
void os_allow_files(void);
/* From now on this process leaves no core, whatever it dies of: it has read what is not to lie on a disk. */
void os_forbid_core(void);

#endif
