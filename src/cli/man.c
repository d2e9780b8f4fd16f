/* man.c — manual pages, from the table of verbs: corrie(1), and one a command, as corrie-branch-create(1). */
#include <string.h>

#include "cli/cli.h"

/* Text as man takes it: no line of it is a request, no character means another. */
static void text(struct cli *cli, struct str s)
{
    if (s.len > 0 && (s.data[0] == '.' || s.data[0] == '\'')) {
        out_text(&cli->out, "\\&");
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\') {
            out_text(&cli->out, "\\e");
        } else if (s.data[i] == '-') {
            out_text(&cli->out, "\\-");
        } else {
            out_char(&cli->out, s.data[i]);
        }
    }
}

static void lines(struct cli *cli, struct str s)
{
    struct str line;

    while (s.len > 0) {
        str_cut(s, '\n', &line, &s);
        if (line.len == 0) {
            out_text(&cli->out, ".PP");
        }
        text(cli, line);
        out_char(&cli->out, '\n');
    }
}

/* A term in bold, and what it means beside it. */
static void entry(struct cli *cli, struct str term, struct str meaning)
{
    out_text(&cli->out, ".TP\n\\fB");
    text(cli, term);
    out_text(&cli->out, "\\fR\n");
    lines(cli, meaning);
}

static void flags(struct cli *cli, const struct flag *of, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done) struct buf left = {0};

        if (!of[i].hidden) {
            help_flag(&left, &of[i]);
            entry(cli, buf_str(&left), str_of(of[i].help));
        }
    }
}

/* "corrie-branch-create" */
static void add_page_name(struct buf *ret, const struct verb *verb)
{
    buf_addf(ret, "corrie-%s%s%s", verb->group ? verb->group : "", verb->group ? "-" : "",
             verb->name);
}

static void head(struct cli *cli, struct str page, const char *summary)
{
    out_text(&cli->out, ".TH \"");
    out_str(&cli->out, page);
    out_printf(&cli->out, "\" 1 \"\" \"corrie %s\" \"corrie\"\n.SH NAME\n", corrie_version());
    text(cli, page);
    out_text(&cli->out, " \\- ");
    text(cli, str_of(summary));
    out_text(&cli->out, "\n.SH SYNOPSIS\n");
}

static void exit_status(struct cli *cli)
{
    out_text(&cli->out,
             ".SH EXIT STATUS\n"
             "0 done; 1 your code, data or expectation failed; 2 wrong usage; 3 not found; "
             "4 conflict, or it exists already;\n5 input, output or network; 6 damage "
             "found; 7 refused; 130 interrupted.\n");
}

static void show_command(struct cli *cli, const struct verb *verb)
{
    _cleanup_(buf_done) struct buf page = {0};
    _cleanup_(buf_done) struct buf usage = {0};

    add_page_name(&page, verb);
    head(cli, buf_str(&page), verb->summary);
    help_usage(&usage, "corrie", verb);
    text(cli, buf_str(&usage));
    out_char(&cli->out, '\n');
    if (verb->text || verb->aliases) {
        out_text(&cli->out, ".SH DESCRIPTION\n");
        lines(cli, str_of(verb->text));
    }
    if (verb->aliases) {
        out_printf(&cli->out, ".PP\nAlso called: %s.\n", verb->aliases);
    }
    if (verb->n_positionals > 0) {
        out_text(&cli->out, ".SH ARGUMENTS\n");
    }
    for (size_t i = 0; i < verb->n_positionals; i++) {
        entry(cli, str_of(verb->positionals[i].name), str_of(verb->positionals[i].help));
    }
    out_text(&cli->out, ".SH OPTIONS\n");
    flags(cli, verb->flags, verb->n_flags);
    out_text(&cli->out, ".PP\nThose of every command are in\n.BR corrie (1).\n");
    if (verb->examples) {
        out_text(&cli->out, ".SH EXAMPLES\n.nf\n");
        lines(cli, str_of(verb->examples));
        out_text(&cli->out, ".fi\n");
    }
    exit_status(cli);
    out_text(&cli->out, ".SH SEE ALSO\n.BR corrie (1)\n");
}

static void show_program(struct cli *cli)
{
    const char *chapter = "";

    head(cli, STR("corrie"), "a versioned data lake with functions");
    out_text(
        &cli->out,
        "corrie COMMAND [options]\n.SH DESCRIPTION\n"
        "Tables are Apache Iceberg files in a directory. The whole lake is versioned like source code.\n"
        "Functions that take tables and return tables are planned and run by\n.BR corrie\\-run (1);\n"
        "everything that a run makes is published in one commit, or nothing.\n"
        "Options may stand before or after the command and its arguments; \\-\\- ends them. Results go to\n"
        "standard output, everything else to standard error.\n");
    for (size_t i = 0; verb_at(i); i++) {
        const struct verb *verb = verb_at(i);
        char path[64];

        if (verb->hidden) {
            continue;
        }
        if (strcmp(chapter, verb->chapter) != 0) {
            chapter = verb->chapter;
            out_text(&cli->out, ".SS ");
            text(cli, str_of(chapter));
            out_char(&cli->out, '\n');
        }
        entry(cli, str_of(verb_path(verb, path)), str_of(verb->summary));
    }
    out_text(&cli->out, ".SH OPTIONS OF EVERY COMMAND\n");
    flags(cli, cli_flags, cli_n_flags);
    exit_status(cli);
    out_text(&cli->out, ".SH ENVIRONMENT\n");
    entry(cli, STR("CORRIE_LAKE"), STR("the lake, where --lake names none"));
    entry(cli, STR("CORRIE_REF"), STR("the ref, where --ref names none"));
    entry(cli, STR("CORRIE_USER"), STR("the author of commits"));
    entry(cli, STR("NO_COLOR"), STR("no colours"));
    entry(cli, STR("CORRIE_PAGER, PAGER"), STR("what long listings go through"));
}

void man_show(struct cli *cli, const struct verb *verb)
{
    if (verb) {
        show_command(cli, verb);
    } else {
        show_program(cli);
    }
}
