#include "os/signal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/proc.h"
#include "tests/unit/check.h"

START_TEST(first_signal_asks_second_kills)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct cancel cancel = {0};

        if (os_signals_catch(&cancel, &err) < 0 || cancel_requested(&cancel)) {
            _exit(1);
        }
        raise(SIGINT);
        if (!cancel_requested(&cancel) || os_signal_received() != SIGINT) {
            _exit(2);
        }
        raise(SIGHUP); /* a terminal that goes away after Ctrl-C is no second request */
        raise(SIGINT);
        _exit(3);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGINT);
}
END_TEST

/* A wait in progress ends soon after Ctrl-C, without anything arriving. */
START_TEST(waits_end_at_a_signal)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct cancel cancel = {0};
    struct pollfd nothing;
    int ends[2];
    pid_t other;

    ck_ok(os_pipe(ends, &err), &err);
    ck_ok(os_signals_catch(&cancel, &err), &err);
    other = fork();
    if (other == 0) {
        usleep(20000);
        _exit(kill(getppid(), SIGTERM) < 0);
    }
    nothing = (struct pollfd){.fd = ends[0], .events = POLLIN};
    ck_fails(os_poll(&nothing, 1, -1, &cancel, &err), CORRIE_E_CANCELLED, &err);
    ck_assert_int_eq(os_signal_received(), SIGTERM);
    waitpid(other, NULL, 0);
}
END_TEST

START_TEST(closed_pipes_are_errors)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct cancel cancel = {0};
    struct sigaction before, after;
    int ends[2];

    sigaction(SIGINT, NULL, &before);
    ck_ok(os_pipe(ends, &err), &err);
    ck_ok(os_signals_catch(&cancel, &err), &err);
    sigaction(SIGINT, NULL, &after);
    ck_assert(before.sa_handler != after.sa_handler);
    os_close(ends[0]);
    ck_assert_int_lt(os_write(ends[1], "a pipe", STR("x"), &err), 0);
    corrie_error_clear(&err);
    os_signals_restore();
    ck_assert(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
    sigaction(SIGINT, NULL, &after);
    ck_assert(before.sa_handler == after.sa_handler);
}
END_TEST

SUITE(signal_suite, "signal", first_signal_asks_second_kills, waits_end_at_a_signal,
      closed_pipes_are_errors)
