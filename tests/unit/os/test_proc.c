#include "os/proc.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "os/file.h"
#include "os/os_priv.h"
#include "os/signal.h"
#include "scratch.h"

static const char *const shell_env[] = {"PATH=/usr/bin:/bin", "GIVEN=value", NULL};

/* Runs a shell script and gives what it wrote to standard output. */
static int run_shell(const char *script, struct os_spawn *spawn, struct buf *out,
                     struct os_exit *end, corrie_error *err)
{
    const char *const argv[] = {"sh", "-c", script, NULL};

    spawn->program = "sh";
    spawn->argv = argv;
    spawn->env = shell_env;
    return os_run(spawn, 30000, NULL, out, NULL, end, err);
}

START_TEST(collects_output_and_status)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(buf_done) struct buf errors = {0};
    const char *const argv[] = {"sh", "-c", "echo out; echo oops >&2; cat; exit 3", NULL};
    struct os_spawn spawn = {.program = "sh", .argv = argv};
    struct os_exit end;
    char text[64];

    ck_ok(os_run(&spawn, 30000, NULL, &out, &errors, &end, &err), &err);
    ck_str_eq(buf_str(&out), STR("out\n"));
    ck_str_eq(buf_str(&errors), STR("oops\n"));
    ck_assert_int_eq(end.status, 3);
    ck_assert_int_eq(end.signal, 0);
    ck_assert_uint_gt(end.max_rss, 0);
    os_exit_text(&end, text, sizeof text);
    ck_assert_str_eq(text, "exit status 3");
}
END_TEST

/* A function that prints without end must not fill our memory, nor hang us by a full pipe. */
START_TEST(bounds_output)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct os_spawn spawn = {0};
    struct os_exit end;
    struct buf out;

    buf_init(&out, 20000);
    ck_ok(run_shell("i=0; while [ $i -lt 30000 ]; do echo 1234567890; i=$((i+1)); done", &spawn,
                    &out, &end, &err),
          &err);
    ck_assert_int_eq(end.status, 0);
    ck_assert_int_eq(out.failed, CORRIE_E_LIMIT);
    ck_assert_uint_le(out.len, 20000);
    buf_done(&out);
}
END_TEST

START_TEST(sets_environment_directory_limits)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    const struct os_rlimit limits[] = {{RLIMIT_NOFILE, 64}, {RLIMIT_CORE, 0}};
    struct os_spawn spawn = {
        .cwd = "/usr/bin", .limits = limits, .n_limits = 2, .new_session = true};
    struct os_exit end;

    setenv("NOT_GIVEN", "secret", 1);
    ck_ok(run_shell("pwd; echo $GIVEN,$NOT_GIVEN; ulimit -n; ulimit -c", &spawn, &out, &end, &err),
          &err);
    ck_str_eq(buf_str(&out), STR("/usr/bin\nvalue,\n64\n0\n"));
}
END_TEST

/* The child has the descriptors it was given, in whatever order and however they cross, and no
 * other: a function must not see the lake's files by an inherited descriptor. */
START_TEST(gives_exactly_the_listed_descriptors)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _scratch_ char *scratch = scratch_new();
    int files[4], leak;
    struct os_exit end;

    ck_assert_int_eq(chdir(scratch), 0);
    for (int i = 0; i < 4; i++) {
        const char name[] = {(char)('a' + i), '\0'};

        ck_ok(os_file_append(name, str_of(name), 0600, &err), &err);
        ck_ok(os_open(name, O_RDONLY, 0, &files[i], &err), &err);
    }
    leak = open("a", O_RDONLY); /* without close-on-exec, as a careless library opens */
    ck_assert_int_ge(leak, 0);
    {
        /* a and b change places; c goes to a number that is free; d stays what it is */
        const struct os_fd_map fds[] = {
            {files[0], files[1]}, {files[1], files[0]}, {files[2], 40}, {files[3], files[3]}};
        struct os_spawn spawn = {.fds = fds, .n_fds = 4};
        char script[400], expected[200];

        snprintf(
            script, sizeof script,
            "cat <&%d; cat <&%d; cat /proc/$$/fd/40; cat <&%d; echo; "
            "for f in $(seq 3 60); do if [ -e /proc/$$/fd/$f ]; then echo -n \"$f \"; fi; done",
            files[1], files[0], files[3]);
        snprintf(expected, sizeof expected, "abcd\n%d %d %d 40 ", files[0], files[1], files[3]);
        ck_ok(run_shell(script, &spawn, &out, &end, &err), &err);
        ck_assert_str_eq(buf_text(&out), expected);
    }
}
END_TEST

/* The child cannot become the program, and says why. Under the thread sanitizer, which forks where we vfork (check.h),
 * nobody hears it: it ends at once. */
static void fails_before_exec(const struct os_spawn *spawn, int code, const char *named)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct os_proc proc = {0};
    struct os_exit end;
    int r = os_spawn(spawn, &proc, &err);

    if (THREAD_SANITIZED) {
        ck_ok(r, &err);
        ck_assert_int_eq(os_wait(&proc, 30000, NULL, &end, &err), 1);
        ck_assert_int_eq(end.status, 127);
        return;
    }
    ck_assert_int_eq(r, code);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), named));
    ck_assert_int_eq(proc.pid, 0);
    os_proc_done(&proc);
}

START_TEST(failures_before_exec_are_errors)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *file = in(scratch, "not-a-program");
    const char *const argv[] = {"x", NULL};
    struct os_spawn spawn = {.program = "no-such-program-anywhere", .argv = argv};
    struct os_proc proc = {0};

    ck_fails(os_spawn(&spawn, &proc, &err), CORRIE_E_NOT_FOUND, &err);
    spawn.program = "/nothing/there";
    fails_before_exec(&spawn, CORRIE_E_NOT_FOUND, "execute /nothing/there");
    ck_ok(os_file_append(file, STR("text"), 0600, &err), &err);
    spawn.program = file;
    fails_before_exec(&spawn, CORRIE_E_REFUSED, file);
    spawn.program = "sh";
    spawn.cwd = "/nothing/there";
    fails_before_exec(&spawn, CORRIE_E_NOT_FOUND, "/nothing/there");
    ck_assert_int_lt(waitpid(-1, NULL, WNOHANG), 0); /* and no zombie stays */
}
END_TEST

START_TEST(waits_and_kills_the_group)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const char *const argv[] = {"sh", "-c", "sleep 1000 & echo $!; wait", NULL};
    struct os_spawn spawn = {.program = "sh", .argv = argv, .new_group = true};
    _cleanup_(os_proc_done) struct os_proc proc = {0};
    struct os_exit end;
    int pipe_fds[2];
    struct os_fd_map map;
    char text[32] = {0}, scratch[24];
    size_t n;
    int64_t grandchild;

    ck_ok(os_pipe(pipe_fds, &err), &err);
    map = (struct os_fd_map){pipe_fds[1], 1};
    spawn.fds = &map;
    spawn.n_fds = 1;
    ck_ok(os_spawn(&spawn, &proc, &err), &err);
    os_close(pipe_fds[1]);
    ck_ok(os_read(pipe_fds[0], "pipe", text, sizeof text - 1, &n, &err), &err);
    ck_assert(str_to_int64(str_trim(str_make(text, n)), &grandchild));
    ck_assert_int_eq(os_wait(&proc, 0, NULL, &end, &err), 0);
    ck_assert(os_pid_alive((int)grandchild));
    ck_ok(os_kill(&proc, SIGKILL, &err), &err);
    ck_assert_int_eq(os_wait(&proc, 30000, NULL, &end, &err), 1);
    ck_assert_int_eq(end.signal, SIGKILL);
    ck_assert_int_eq(end.status, -1);
    ck_assert_int_eq(proc.pid, 0);
    /* the pipe ends only when the grandchild is dead too */
    ck_ok(os_read(pipe_fds[0], "pipe", text, sizeof text - 1, &n, &err), &err);
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(os_signal_name(end.signal, scratch), "SIGKILL");
}
END_TEST

START_TEST(gives_up_in_time)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const char *const argv[] = {"sleep", "1000", NULL};
    struct os_spawn spawn = {.program = "sleep", .argv = argv};
    struct os_exit end;
    struct cancel cancel = {0};

    ck_fails(os_run(&spawn, 20, NULL, NULL, NULL, &end, &err), CORRIE_E_TIMEOUT, &err);
    cancel_request(&cancel);
    ck_fails(os_run(&spawn, -1, &cancel, NULL, NULL, &end, &err), CORRIE_E_CANCELLED, &err);
    ck_assert_int_lt(waitpid(-1, NULL, WNOHANG), 0); /* both were reaped */
}
END_TEST

/* Ctrl-C on the parent must not leave functions running. */
START_TEST(children_die_with_the_parent)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int pipe_fds[2], status;
    char byte;
    size_t n;
    pid_t parent;

    ck_ok(os_pipe(pipe_fds, &err), &err);
    parent = fork();
    if (parent == 0) {
        const char *const argv[] = {"sleep", "1000", NULL};
        const struct os_fd_map map = {pipe_fds[1], 1};
        struct os_spawn spawn = {.program = "sleep",
                                 .argv = argv,
                                 .fds = &map,
                                 .n_fds = 1,
                                 .new_session = true,
                                 .death_signal = SIGKILL};
        struct os_proc proc;

        _exit(os_spawn(&spawn, &proc, &err) < 0 || raise(SIGKILL));
    }
    os_close(pipe_fds[1]);
    ck_assert_int_eq(waitpid(parent, &status, 0), parent);
    ck_assert(WIFSIGNALED(status));
    /* end of file: the last holder of the pipe, the sleeper, is gone; else the test times out */
    ck_ok(os_read(pipe_fds[0], "pipe", &byte, 1, &n, &err), &err);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(child_starts_with_clean_signals)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    struct os_spawn spawn = {0};
    struct os_exit end;
    sigset_t set, now;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    /* less the two signals of libc's own, 32 and 33: under make they are ignored, and nobody can change it */
    ck_ok(run_shell("status() { sed -n \"s/^$1:[[:space:]]*//p\" /proc/self/status; }\n"
                    "printf '%x %x' $((0x$(status SigBlk))) $((0x$(status SigIgn) & ~0x180000000))",
                    &spawn, &out, &end, &err),
          &err);
    ck_str_eq(buf_str(&out), STR("0 0"));
    /* and ours are as before */
    sigprocmask(SIG_SETMASK, NULL, &now);
    ck_assert(sigismember(&now, SIGUSR1) && !sigismember(&now, SIGUSR2));
    ck_assert(signal(SIGPIPE, SIG_IGN) == SIG_IGN);
}
END_TEST

START_TEST(finds_programs)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *path = NULL;

    setenv("PATH", "/nothing:/usr/bin:/bin", 1);
    ck_ok(os_find_program("sh", &path, &err), &err);
    ck_assert(str_ends(str_of(path), STR("/bin/sh")));
    mem_free(path);
    path = NULL;
    ck_fails(os_find_program("no-such-program", &path, &err), CORRIE_E_NOT_FOUND, &err);
    ck_fails(os_find_program("", &path, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

/* A process that got the id of one that ended must not keep the dead one's work alive for ever. */
START_TEST(tells_processes_apart)
{
    char mark[OS_PROCESS_MARK];
    char later[OS_PROCESS_MARK + 1];

    os_process_mark(mark);
    if (mark[0] == '\0') {
        return; /* a system that does not say */
    }
    ck_assert_int_eq(os_process_lives(os_pid(), str_of(mark)), 1);
    ck_assert_int_eq(os_process_lives(2147483000, str_of(mark)), 0);
    snprintf(later, sizeof later, "%s7", mark);
    ck_assert_int_eq(os_process_lives(os_pid(), str_of(later)), 0);
    ck_assert_int_eq(os_process_lives(os_pid(), STR("")), -1);
    ck_assert_int_eq(os_process_lives(os_pid(), STR("another-boot.1.2")), -1);
}
END_TEST

/* Makes the file and the directories above it. */
static void limit(const char *root, const char *name, const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *file = in(root, name);

    for (char *slash = file + strlen(root); (slash = strchr(slash + 1, '/'));) {
        *slash = '\0';
        ck_ok(os_dir_make(file, 0700, &err), &err);
        *slash = '/';
    }
    ck_ok(os_file_replace(file, str_of(text), 0600, &err), &err);
}

/* Who runs in a small group and takes 70 % of the machine is killed. */
START_TEST(finds_the_least_limit_of_its_groups)
{
    _scratch_ char *root = scratch_new();

    ck_assert_uint_eq(os_group_memory(root, STR("0::/user/job\n")), 0);
    limit(root, "user/job/memory.max", "max\n");
    limit(root, "user/memory.max", "3000\n");
    limit(root, "user/other/memory.max", "5\n");
    ck_assert_uint_eq(os_group_memory(root, STR("0::/user/job\n")), 3000);
    limit(root, "user/job/memory.max", "2000\n");
    ck_assert_uint_eq(os_group_memory(root, STR("1:cpu:/user/other\n0::/user/job\n")), 2000);
    limit(root, "memory/a/memory.limit_in_bytes", "1000\n");
    ck_assert_uint_eq(os_group_memory(root, STR("3:cpu,memory:/a\n0::/user/job\n")), 1000);
    limit(root, "memory/memory.limit_in_bytes", "900\n");
    ck_assert_uint_eq(os_group_memory(root, STR("")), 900);
    ck_assert_uint_eq(os_group_memory(root, STR("3:memory:/not/to/be/seen\n")), 900);
}
END_TEST

START_TEST(knows_the_machine)
{
    ck_assert_int_ge(os_cpus(), 1);
    ck_assert_uint_gt(os_memory(), 1 << 20);
    ck_assert_uint_eq(os_memory_for_work(), os_memory() / 10 * 7);
    ck_assert(os_pid_alive(os_pid()));
    ck_assert(!os_pid_alive(0));
}
END_TEST

SUITE(proc_suite, "proc", collects_output_and_status, bounds_output,
      sets_environment_directory_limits, gives_exactly_the_listed_descriptors,
      failures_before_exec_are_errors, waits_and_kills_the_group, gives_up_in_time,
      children_die_with_the_parent, child_starts_with_clean_signals, finds_programs,
      tells_processes_apart, finds_the_least_limit_of_its_groups, knows_the_machine)
