/* cli.c — what handlers of verbs share. */
#include <poll.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/tty.h"

void cli_note(struct cli *cli, enum style style, const char *label, struct str text)
{
    bool paged = pager_is_used(&cli->pager, &cli->out);
    struct out *out = paged ? &cli->out : &cli->err;

    if (!paged) {
        progress_print_begin(&cli->progress);
    }
    out_styled(out, style, label);
    out_text(out, ": ");
    out_clean(out, text);
    out_char(out, '\n');
    if (!paged) {
        progress_print_end(&cli->progress, out);
    }
}

static void on_event(void *context, const corrie_event *event)
{
    struct cli *cli = context;

    if (cli->detach.asked && strcmp(event->kind, "job") == 0) {
        cli_detached(cli, event->text);
    }
    if (cli->on_event) {
        cli->on_event(cli->on_event_context, event);
    } else if (strcmp(event->kind, "notice") == 0) {
        bool warning = event->status && strcmp(event->status, "warning") == 0;

        cli_note(cli, warning ? STYLE_YELLOW : STYLE_CYAN, warning ? "warning" : "note",
                 str_of(event->text));
    } else if (strcmp(event->kind, "progress") == 0) {
        progress_set(&cli->progress, event->node ? event->node : "working", event->text,
                     event->rows, event->bytes);
    }
}

static int open_lake(struct cli *cli, bool must_exist, corrie_lake **ret, corrie_error *err)
{
    corrie_lake_options options = {.size = sizeof options,
                                   .url = cli->lake_url,
                                   .must_exist = must_exist,
                                   .cancel = &cli->cancel,
                                   .event = on_event,
                                   .event_context = cli};
    int r;

    if (!cli->lake) {
        r = corrie_lake_open(&options, &cli->lake, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = cli->lake;
    return 0;
}

int cli_lake(struct cli *cli, corrie_lake **ret, corrie_error *err)
{
    return open_lake(cli, false, ret, err);
}

int cli_lake_there(struct cli *cli, corrie_lake **ret, corrie_error *err)
{
    return open_lake(cli, true, ret, err);
}

const char *cli_namespace(const struct cli *cli, const struct args *args)
{
    const char *given = args_text(args, OPT_NAMESPACE);

    return given ? given : cli->name_space;
}

int cli_wait_input(struct cli *cli, corrie_error *err)
{
    struct pollfd input = {.fd = 0, .events = POLLIN};
    int r = os_poll(&input, 1, -1, &cli->cancel, err);

    return r < 0 ? r : 0;
}

static int read_stdin(struct cli *cli, struct buf *ret, corrie_error *err)
{
    size_t got = 1;
    int r = 0;

    while (r >= 0 && got > 0) {
        char *room = buf_reserve(ret, CORRIE_KiB * 64);

        if (!room) {
            return buf_check(ret, err);
        }
        r = cli_wait_input(cli, err);
        if (r >= 0) {
            r = os_read(0, "standard input", room, CORRIE_KiB * 64, &got, err);
        }
        buf_commit(ret, r >= 0 ? got : 0);
    }
    return r;
}

int cli_read(struct cli *cli, const char *file, struct buf *ret, corrie_error *err)
{
    return strcmp(file, "-") == 0 ? read_stdin(cli, ret, err)
                                  : os_file_read(file, ret->max, ret, err);
}

bool cli_would_ask(const struct cli *cli)
{
    return !cli->yes && os_is_terminal(0) && cli->err.terminal;
}

int cli_confirm(struct cli *cli, const char *question, corrie_error *err)
{
    char answer[16] = "";
    size_t got = 0;
    int r;

    if (!cli_would_ask(cli)) {
        return 0;
    }
    out_clean(&cli->err, str_of(question));
    out_text(&cli->err, " [y/N] ");
    out_flush(&cli->err);
    r = cli_wait_input(cli, err);
    if (r >= 0) {
        r = os_read(0, "standard input", answer, sizeof answer - 1, &got, err);
    }
    if (r < 0) {
        return r;
    }
    if (got > 0 && (answer[0] == 'y' || answer[0] == 'Y')) {
        return 0;
    }
    return corrie_fail(err, CORRIE_E_CANCELLED, "nothing was changed");
}
