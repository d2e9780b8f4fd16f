#include "cli/pager.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/file.h"
#include "os/signal.h"
#include "os/tty.h"
#include "os/user.h"

enum { MAX_WORDS = 32 };

static const char *command(void)
{
    const char *own = os_env("CORRIE_PAGER");
    const char *all = own ? own : os_env("PAGER");

    return all ? all : "less -FRX";
}

/* Starts `text` as a shell would: directly if it is only words, so that one that is not there is noticed. */
static int start(const char *text, int input, struct os_proc *ret, corrie_error *err)
{
    const char *shell[] = {"sh", "-c", text, NULL};
    const char *words[MAX_WORDS + 1] = {NULL};
    _free_ char *copy = str_dup(str_of(text));
    struct os_fd_map fds[] = {{.from = input, .to = 0}};
    struct os_spawn spawn = {.fds = fds, .n_fds = 1};
    char *rest = copy;
    size_t n = 0;

    if (!copy) {
        return corrie_fail_memory(err);
    }
    while (n < MAX_WORDS && *(rest += strspn(rest, " ")) != '\0') {
        size_t len = strcspn(rest, " ");

        words[n++] = rest;
        rest += len;
        if (*rest != '\0') {
            *rest++ = '\0';
        }
    }
    spawn.argv =
        words[0] && !strpbrk(text, "|&;<>()$`\\\"'*?[#~=%\n\t") && *rest == '\0' ? words : shell;
    spawn.program = spawn.argv[0];
    return os_spawn(&spawn, ret, err);
}

/* The screen is full: from here on everything goes to the pager. Where none can be started, to the terminal. */
static void spill(void *data, struct out *out)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct pager *pager = data;
    int pipe[2];

    if (os_pipe(pipe, &ignored) < 0) {
        return;
    }
    /* for a $PAGER that is just "less", as git has it: colours pass, the text stays on the screen */
    pager->running =
        setenv("LESS", "FRX", 0) == 0 && start(command(), pipe[0], &pager->proc, &ignored) >= 0;
    os_close(pipe[0]);
    if (!pager->running) {
        os_close(pipe[1]);
        return;
    }
    os_signals_leave_interrupt();
    pager->terminal = out->fd;
    out->fd = pipe[1];
    out->name = "the pager";
}

void pager_offer(struct pager *pager, struct out *out)
{
    const char *terminal = os_env("TERM");

    if (!out->terminal || !terminal || strcmp(terminal, "dumb") == 0 ||
        strcmp(command(), "cat") == 0) {
        return;
    }
    /* the last line of the screen is the prompt's */
    out_hold(out, (size_t)os_terminal_height(out->fd, 24) - 1, spill, pager);
}

bool pager_is_used(const struct pager *pager, const struct out *out)
{
    return pager->running || out->spill;
}

int pager_terminal(const struct pager *pager, const struct out *out)
{
    return pager->running ? pager->terminal : out->fd;
}

void pager_end(struct pager *pager, struct out *out)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_exit end;

    if (!pager->running) {
        return;
    }
    out_flush(out);
    os_close(out->fd);
    out->fd = pager->terminal;
    pager->running = false;
    if (os_wait(&pager->proc, -1, NULL, &end, &ignored) < 0) {
        os_proc_done(&pager->proc);
    }
}
