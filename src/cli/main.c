/* main.c — one call of the program, from argv to the exit status. */
#include <string.h>

#include "cli/cli.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/signal.h"

#include <signal.h>
#include <stdlib.h>

enum { MAX_CLIENT_TIMEOUT = 365 * 24 * 3600 };

/* Makes sure that descriptors 0, 1 and 2 are taken, so that no file of a lake ever becomes standard output.
 * Those that were closed get the wrong direction of /dev/null: using them fails, as it would have. */
static int keep_standard_descriptors(corrie_error *err)
{
    for (int fd = 0; fd <= 2; fd++) {
        struct os_stat stat;
        int opened;
        int r;

        r = os_fd_stat(fd, "standard stream", &stat, err);
        if (r < 0) {
            corrie_error_clear(err);
            r = os_open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY, 0, &opened, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static const char *program_name(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *name = argc > 0 ? (slash ? slash + 1 : argv[0]) : "";

    return strcmp(name, "bauplan") == 0 ? "bauplan" : "corrie";
}

static enum format find_format(const char *name, bool terminal)
{
    static const struct {
        const char *name;
        enum format format;
    } formats[] = {{"tty", FORMAT_TTY},     {"table", FORMAT_TABLE}, {"json", FORMAT_JSON},
                   {"jsonl", FORMAT_JSONL}, {"csv", FORMAT_CSV},     {"parquet", FORMAT_PARQUET},
                   {"arrow", FORMAT_ARROW}, {"dot", FORMAT_DOT},     {"svg", FORMAT_SVG}};

    for (size_t i = 0; name && i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            return formats[i].format;
        }
    }
    return terminal ? FORMAT_TTY : FORMAT_TABLE;
}

/* What would take longer is stopped. A process for the background answers to `job stop` alone. */
static int limit_time(const struct args *args, corrie_error *err)
{
    const char *text = args_text(args, OPT_CLIENT_TIMEOUT);
    int64_t seconds = -1;

    if (text && (!str_to_int64(str_of(text), &seconds) || seconds == 0 || seconds < -1 ||
                 seconds > MAX_CLIENT_TIMEOUT)) {
        return corrie_fail(
            err, CORRIE_E_USAGE,
            "--client-timeout %s: write a number of seconds from 1 to %d, or -1 for no end", text,
            MAX_CLIENT_TIMEOUT);
    }
    if (seconds > 0 && !args_on(args, OPT_DETACH)) {
        os_signals_end_after((unsigned)seconds);
    }
    return 0;
}

/* Options of every verb. */
static int settle(struct cli *cli, const struct args *args, corrie_error *err)
{
    const char *colour = args_text(args, OPT_COLOR);

    cli->format = find_format(args_text(args, OPT_OUTPUT), cli->out.terminal);
    cli->no_trunc = args_on(args, OPT_NO_TRUNC);
    cli->sideways = args_on(args, OPT_SIDEWAYS);
    cli->yes = args_on(args, OPT_YES);
    cli->limit = (size_t)args_number(args, OPT_MAX_COUNT, 0);
    cli->lake_url = args_text(args, OPT_LAKE);
    if (args_given(args, OPT_PROFILE)) {
        corrie_fail(err, CORRIE_E_USAGE, "--profile %s: there are no profiles",
                    args_text(args, OPT_PROFILE));
        return corrie_hint(
            err, "--lake DIR or CORRIE_LAKE says which lake, `corrie config set` the rest");
    }
    if (colour) {
        enum colour_choice choice = strcmp(colour, "always") == 0  ? COLOUR_ALWAYS
                                    : strcmp(colour, "never") == 0 ? COLOUR_NEVER
                                                                   : COLOUR_AUTO;

        out_choose_colour(&cli->out, choice);
        out_choose_colour(&cli->err, choice);
    }
    if (args_on(args, OPT_VERBOSE) && setenv("CORRIE_DEBUG", "1", 1) < 0) {
        return corrie_fail_memory(err);
    }
    return limit_time(args, err);
}

static bool takes(const struct verb *verb, enum option option)
{
    for (size_t i = 0; i < verb->n_flags; i++) {
        if (verb->flags[i].option == option) {
            return true;
        }
    }
    return false;
}

/* Verbs that name tables: in a project's folder a name without a namespace means the project's. Those that read the
 * project find out for themselves. */
static int find_namespace(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct verb *verb = args->verb;
    bool of_projects = takes(verb, OPT_PROJECT_DIR) && verb->run != verb_explain;
    bool of_tables = takes(verb, OPT_NAMESPACE) || args_given(args, OPT_TABLE) ||
                     args_given(args, OPT_OURS) || args_given(args, OPT_THEIRS);
    int r;

    if (!of_tables || of_projects || args_given(args, OPT_NAMESPACE) ||
        args_given(args, OPT_PROJECT_DIR)) {
        return 0;
    }
    r = corrie_project_namespace(NULL, &cli->project_namespace, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    if (r < 0) {
        return r;
    }
    cli->name_space = cli->project_namespace;
    return 0;
}

static bool writes_files(const struct verb *verb)
{
    return verb->run == verb_query || verb->run == verb_table_sample ||
           verb->run == verb_table_export;
}

/* Formats that a few verbs have. */
static bool has_format(const struct verb *verb, enum format format)
{
    return format == FORMAT_PARQUET || format == FORMAT_ARROW ? writes_files(verb)
           : format == FORMAT_DOT || format == FORMAT_SVG     ? verb->run == verb_explain
                                                              : true;
}

static int dispatch(struct cli *cli, const struct args *args, corrie_error *err)
{
    char path[64];
    int r;

    if (args_on(args, OPT_VERSION)) {
        return verb_version(cli, args, err);
    }
    cli->verb = args->verb;
    if (!args_on(args, OPT_NO_PAGER) &&
        (!args->verb || args->verb->pages || args_on(args, OPT_HELP))) {
        pager_offer(&cli->pager, &cli->out);
    }
    if (!args->verb || args_on(args, OPT_HELP)) {
        help_show(cli, args->verb, args->group);
        return 0;
    }
    if (!has_format(args->verb, cli->format)) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "%s has no output as %s: tty, table, json, jsonl or csv",
                           verb_path(args->verb, path), args_text(args, OPT_OUTPUT));
    }
    r = find_namespace(cli, args, err);
    return r < 0 ? r : args->verb->run(cli, args, err);
}

/* Where there is no memory even for an error: one word all the same. */
static void tell_without_memory(const corrie_error *failure)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (failure->code == CORRIE_E_NO_MEMORY &&
        os_write(2, "standard error", STR("error: out of memory\n"), &ignored) < 0) {
        return; /* the status is all that is left */
    }
}

/* What to do about damage, where no one has said it: look at all of it, unless that is what just failed. */
static void advise(const struct cli *cli, corrie_error *err)
{
    bool checks = cli->verb && cli->verb->run == verb_fsck;

    if (err->code == CORRIE_E_CORRUPT && !err->hint && !checks) {
        corrie_hint(err, "`corrie fsck` lists what is damaged");
    } else if (err->code == CORRIE_E_CORRUPT && checks &&
               (!err->hint || str_starts(str_of(err->hint), STR("`corrie fsck`")))) {
        corrie_hint(err,
                    "it cannot be checked as it is: bring it back from a copy of the lake, the "
                    "catalog's file together with its -wal file if there is one");
    }
}

/* What --client-timeout has stopped was not interrupted by anybody. What was found out on the way stays. */
static int name_timeout(const struct args *args, int r, corrie_error *err)
{
    _free_ char *hint = err->hint ? str_dup(str_of(err->hint)) : NULL;

    if (r != CORRIE_E_CANCELLED || os_signal_received() != SIGALRM) {
        return r;
    }
    corrie_fail(err, CORRIE_E_TIMEOUT, "stopped: it took longer than the %s s of --client-timeout",
                args_text(args, OPT_CLIENT_TIMEOUT));
    return hint ? corrie_hint(err, "%s", hint) : err->code;
}

/* Flushes, shows the error, gives the exit status. What was asked for may have been done although its result
 * could not be written: that is an error too. A note that nobody can read is none. */
static int finish(struct cli *cli, int r, corrie_error *err)
{
    _error_ corrie_error writing = CORRIE_ERROR_INIT;
    _error_ corrie_error telling = CORRIE_ERROR_INIT;
    bool failed = r < 0;

    if (r < 0 && !cli->out.broken) {
        report_error(cli, err);
    }
    if (out_close(&cli->out, &writing) < 0 && r >= 0) {
        r = CORRIE_E_IO;
        report_error(cli, &writing);
    }
    if (out_close(&cli->err, &telling) < 0 && telling.code == CORRIE_E_NO_MEMORY && r >= 0) {
        r = CORRIE_E_NO_MEMORY;
    }
    tell_without_memory(telling.code == 0 && failed ? &writing : &telling);
    r = r < 0 ? r : cli->told;
    return r < 0 ? corrie_code_exit_status(r) : cli->status;
}

int main(int argc, char **argv)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    static struct cli cli; /* the flag in it is set by signal handlers */
    struct args args = {0};
    int status;
    int r;

    r = keep_standard_descriptors(&err);
    if (r >= 0) {
        r = os_fault_from_env(&err);
    }
    cli.argc = argc;
    cli.argv = argv;
    cli.program = program_name(argc, argv);
    cli.name_space = strcmp(cli.program, "bauplan") == 0 ? "bauplan" : NULL;
    out_init(&cli.out, 1, "standard output");
    out_init(&cli.err, 2, "standard error");
    if (r >= 0 && (r = os_signals_catch(&cli.cancel, &err)) >= 0) {
        r = args_parse(&args, argc, argv, &err);
        if (r < 0) {
            cli.format = find_format(args_output(argc, argv), cli.out.terminal);
        }
    }
    if (r >= 0 && (r = settle(&cli, &args, &err)) >= 0) {
        r = name_timeout(&args, dispatch(&cli, &args, &err), &err);
        advise(&cli, &err);
        progress_end(&cli.progress);
        cli.lake = corrie_lake_close(cli.lake);
        pager_end(&cli.pager, &cli.out);
        corrie_free(cli.project_namespace);
    }
    status = finish(&cli, r, &err);
    args_done(&args);
    return status;
}
