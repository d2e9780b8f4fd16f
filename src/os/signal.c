/* signal.c — signals become a flag. Process-wide by nature, hence the statics. */
#include "os/signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
static const int ignored[] = {SIGPIPE, SIGXFSZ};

static struct sigaction before[ARRAY_LEN(caught)];
static struct sigaction ignored_before[ARRAY_LEN(ignored)];
static struct cancel *_Atomic flag;
static volatile sig_atomic_t first_signal;
static struct sigaction continued_before;
static atomic_uint times_continued;

static void on_signal(int number)
{
    struct cancel *cancel = atomic_load(&flag);

    if (first_signal && first_signal != SIGALRM && number != SIGHUP) {
        signal(number, SIG_DFL);
        raise(number); /* taken when the handler returns */
        return;
    }
    first_signal = first_signal && first_signal != SIGALRM ? first_signal : number;
    if (cancel) {
        cancel_request(cancel);
    }
}

static void on_continue(int number)
{
    (void)number;
    atomic_fetch_add(&times_continued, 1);
}

int os_signals_catch(struct cancel *cancel, corrie_error *err)
{
    struct sigaction action = {.sa_handler = on_signal};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    const struct sigaction count = {.sa_handler = on_continue, .sa_flags = SA_RESTART};

    first_signal = 0;
    atomic_store(&flag, cancel);
    sigemptyset(&action.sa_mask);
    /* without SA_RESTART: a wait returns, looks at the flag and goes on or stops */
    for (size_t i = 0; i < ARRAY_LEN(caught); i++) {
        if (sigaction(caught[i], NULL, &before[i]) < 0) {
            return corrie_fail_errno(err, errno, "catch signal %d", caught[i]);
        }
        if (before[i].sa_handler == SIG_IGN) {
            continue; /* nohup and background jobs of simple shells have decided so */
        }
        if (sigaction(caught[i], &action, NULL) < 0) {
            return corrie_fail_errno(err, errno, "catch signal %d", caught[i]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
        if (sigaction(ignored[i], &ignore, &ignored_before[i]) < 0) {
            return corrie_fail_errno(err, errno, "ignore signal %d", ignored[i]);
        }
    }
    if (sigaction(SIGCONT, &count, &continued_before) < 0) {
        return corrie_fail_errno(err, errno, "catch signal %d", SIGCONT);
    }
    return 0;
}

/* What ends of itself does not make the first Ctrl-C that comes then a second one. */
static void on_alarm(int number)
{
    struct cancel *cancel = atomic_load(&flag);

    first_signal = first_signal ? first_signal : number;
    if (cancel) {
        cancel_request(cancel);
    }
}

void os_signals_end_after(unsigned seconds)
{
    struct sigaction action = {.sa_handler = on_alarm};

    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL); /* it can only fail for a signal that there is not */
    alarm(seconds);
}

void os_signals_leave_interrupt(void)
{
    signal(SIGINT, SIG_IGN);
}

void os_signals_restore(void)
{
    if (!atomic_load(&flag)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(caught); i++) {
        sigaction(caught[i], &before[i], NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(ignored); i++) {
        sigaction(ignored[i], &ignored_before[i], NULL);
    }
    sigaction(SIGCONT, &continued_before, NULL);
    atomic_store(&flag, NULL);
}

unsigned os_times_continued(void)
{
    return atomic_load(&times_continued);
}

int os_signal_received(void)
{
    return first_signal;
}

const char *os_signal_name(int signal_number, char scratch[24])
{
    const char *name = sigabbrev_np(signal_number);

    if (name) {
        snprintf(scratch, 24, "SIG%s", name);
    } else {
        snprintf(scratch, 24, "signal %d", signal_number);
    }
    return scratch;
}
