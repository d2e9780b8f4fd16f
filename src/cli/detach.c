/* detach.c — --detach: the command in the background.
 *
 * The process divides before anything is opened. The copy does the work; until its job has a record it is on the terminal like
 * any other, so what is wrong with the call is told there, by it, with its exit status. Then it leaves the terminal, tells the
 * other the job's id, and is nobody's but the record's. */
#include <string.h>

#include "base/mem.h"
#include "base/uuid.h"
#include "cli/cli.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/signal.h"

/* The id that the copy tells; "" where it ended without. */
static int read_id(int fd, char ret[UUID_TEXT + 1], corrie_error *err)
{
    size_t len = 0;
    size_t got = 1;
    int r = 0;

    while (r >= 0 && got > 0 && len < UUID_TEXT) {
        r = os_read(fd, "the pipe to the background", ret + len, UUID_TEXT - len, &got, err);
        len += r >= 0 ? got : 0;
    }
    ret[len == UUID_TEXT ? len : 0] = '\0';
    return r < 0 ? r : 0;
}

static int print_detached(struct cli *cli, const json_t *document, corrie_error *err)
{
    struct str job = str_slice(show_field(document, "job"), 0, 8);

    (void)err;
    out_printf(&cli->out, "job %.*s goes on in the background\n", STR_FMT(job));
    out_printf(&cli->err,
               "%s job logs %.*s --follow shows what it does, %s job stop %.*s ends it\n",
               cli->program, STR_FMT(job), cli->program, STR_FMT(job));
    return 0;
}

static int tell(struct cli *cli, const char *job, corrie_error *err)
{
    static const struct show_column columns[] = {{"", "job", SHOW_TEXT},
                                                 {"", "detached", SHOW_TEXT}};
    static const struct show show = {
        .columns = columns, .n_columns = ARRAY_LEN(columns), .print = print_detached};
    _cleanup_(buf_done) struct buf text = {0};
    char *document;

    buf_addf(&text, "{\"job\":\"%s\",\"detached\":true}", job);
    document = buf_take(&text);
    return document ? show_document(cli, document, &show, err) : corrie_fail_memory(err);
}

static int wait_for_job(struct cli *cli, const struct os_twin *twin, corrie_error *err)
{
    char scratch[24];
    char job[UUID_TEXT + 1];
    struct os_exit end;
    int r = read_id(twin->fd, job, err);

    if (r < 0 || job[0]) {
        return r < 0 ? r : tell(cli, job, err);
    }
    r = os_twin_wait(twin, &end, err);
    if (r >= 0 && end.signal != 0) {
        return corrie_fail(err, CORRIE_E_FAILED, "the process for the background ended by %s",
                           os_signal_name(end.signal, scratch));
    }
    cli->status = r >= 0 ? end.status : 0;
    return r;
}

int cli_detach(struct cli *cli, const struct args *args, corrie_error *err)
{
    struct os_twin twin;
    int r;

    if (!args_on(args, OPT_DETACH)) {
        return 0;
    }
    if (args_on(args, OPT_DRY_RUN) || args_on(args, OPT_EVENTS)) {
        return corrie_fail(err, CORRIE_E_USAGE, "--detach does not go with --%s",
                           args_on(args, OPT_DRY_RUN) ? "dry-run" : "events");
    }
    out_flush(&cli->out);
    out_flush(&cli->err);
    r = os_fork(&twin, err);
    if (r < 0) {
        return corrie_wrap(err, "go on in the background");
    }
    if (r > 0) {
        cli->detach = (struct detach){.asked = true, .fd = twin.fd};
        return 0;
    }
    r = wait_for_job(cli, &twin, err);
    os_close(twin.fd);
    return r < 0 ? r : 1;
}

void cli_detached(struct cli *cli, const char *job)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _free_ char *output = NULL;

    cli->detach.asked = false;
    progress_end(&cli->progress);
    out_flush(&cli->out);
    out_flush(&cli->err);
    cli->out.terminal = cli->err.terminal = false;
    cli->out.colour = cli->err.colour = false;
    if (cli->format == FORMAT_TTY) {
        cli->format = FORMAT_TABLE;
    }
    /* where its output cannot be kept it goes nowhere: the record says how it ended */
    if (corrie_job_output(cli->lake, job, &output, &ignored) < 0 ||
        os_leave_terminal(output, 0666, &ignored) < 0) {
        corrie_error_clear(&ignored);
        if (os_leave_terminal("/dev/null", 0666, &ignored) < 0) {
            corrie_error_clear(&ignored);
        }
    }
    if (os_write(cli->detach.fd, "the pipe to the terminal", str_of(job), &ignored) < 0) {
        corrie_error_clear(&ignored); /* who started it has gone: the job goes on */
    }
    os_close(cli->detach.fd);
}
