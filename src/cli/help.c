/* help.c — help and the reference page, from the table of verbs. */
#include <string.h>

#include "cli/cli.h"
#include "cli/text.h"
#include "os/tty.h"

enum { INDENT = 2, MAX_LEFT = 30 };

/* ---- pieces ---- */

void help_usage(struct buf *ret, const char *program, const struct verb *verb)
{
    char path[64];

    buf_addf(ret, "%s %s", program, verb_path(verb, path));
    for (size_t i = 0; i < verb->n_positionals; i++) {
        const struct positional *positional = &verb->positionals[i];

        buf_addf(ret, " %s%s%s%s", positional->required ? "" : "[", positional->name,
                 positional->many ? "…" : "", positional->required ? "" : "]");
    }
    for (size_t i = 0; i < verb->n_flags; i++) {
        char name[48];

        if (verb->flags[i].required) {
            buf_addf(ret, " %s %s", flag_name(&verb->flags[i], name), verb->flags[i].value);
        }
    }
    buf_add_text(ret, " [options]");
}

void help_flag(struct buf *ret, const struct flag *flag)
{
    buf_add_text(ret, flag->names);
    if (flag->kind == FLAG_TOGGLE) {
        buf_add_text(ret, " [on|off]");
    } else if (flag_has_value(flag)) {
        buf_addf(ret, " %s", flag->value);
    }
}

/* `left` in its column, `right` beside it, broken into lines at spaces. */
static void two_columns(struct cli *cli, struct str left, size_t left_width, struct str right)
{
    size_t screen = (size_t)os_terminal_width(pager_terminal(&cli->pager, &cli->out), 100);
    size_t room = screen > INDENT + left_width + 22 ? screen - INDENT - left_width - 2 : 20;

    out_fill(&cli->out, " ", INDENT);
    out_str(&cli->out, left);
    if (text_width(left) > left_width) {
        out_char(&cli->out, '\n');
        out_fill(&cli->out, " ", INDENT + left_width + 2);
    } else {
        out_fill(&cli->out, " ", left_width - text_width(left) + 2);
    }
    while (text_width(right) > room) {
        struct str line = text_fit(right, room);
        ptrdiff_t space = str_rfind(line, ' ');

        line = space > 0 ? str_slice(line, 0, (size_t)space) : line;
        out_str(&cli->out, line);
        out_char(&cli->out, '\n');
        out_fill(&cli->out, " ", INDENT + left_width + 2);
        right = str_trim(str_from(right, line.len));
    }
    out_str(&cli->out, right);
    out_char(&cli->out, '\n');
}

static void heading(struct cli *cli, const char *text)
{
    out_char(&cli->out, '\n');
    out_styled(&cli->out, STYLE_BOLD, text);
    out_char(&cli->out, '\n');
}

static void list_flags(struct cli *cli, const struct flag *flags, size_t n)
{
    size_t widest = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            _cleanup_(buf_done) struct buf left = {0};

            if (flags[i].hidden) {
                continue;
            }
            /* options without a short name stand under the long names of the others */
            buf_add_text(&left, flags[i].names[1] == '-' ? "    " : "");
            help_flag(&left, &flags[i]);
            if (pass > 0) {
                two_columns(cli, buf_str(&left), widest, str_of(flags[i].help));
            } else if (text_width(buf_str(&left)) > widest &&
                       text_width(buf_str(&left)) <= MAX_LEFT) {
                widest = text_width(buf_str(&left));
            }
        }
    }
}

/* ---- one verb ---- */

static void show_verb(struct cli *cli, const struct verb *verb)
{
    _cleanup_(buf_done) struct buf usage = {0};
    char path[64];

    out_style(&cli->out, STYLE_BOLD);
    out_printf(&cli->out, "%s %s", cli->program, verb_path(verb, path));
    out_style(&cli->out, STYLE_PLAIN);
    out_printf(&cli->out, ": %s\n", verb->summary);
    help_usage(&usage, cli->program, verb);
    heading(cli, "Usage");
    out_printf(&cli->out, "  %s\n", buf_text(&usage));
    if (verb->aliases) {
        out_printf(&cli->out, "  also called: %s\n", verb->aliases);
    }
    if (verb->text) {
        out_printf(&cli->out, "\n%s\n", verb->text);
    }
    if (verb->n_positionals > 0) {
        heading(cli, "Arguments");
        for (size_t i = 0; i < verb->n_positionals; i++) {
            two_columns(cli, str_of(verb->positionals[i].name), 10,
                        str_of(verb->positionals[i].help));
        }
    }
    if (verb->n_flags > 0) {
        heading(cli, "Options");
        list_flags(cli, verb->flags, verb->n_flags);
    }
    heading(cli, "Options of every command");
    list_flags(cli, cli_flags, cli_n_flags);
    if (verb->examples) {
        struct str rest = str_of(verb->examples);
        struct str line;

        heading(cli, "Examples");
        while (rest.len > 0) {
            str_cut(rest, '\n', &line, &rest);
            out_printf(&cli->out, "  %.*s\n", STR_FMT(line));
        }
    }
}

/* ---- all of it ---- */

static void show_overview(struct cli *cli, const char *group)
{
    const char *chapter = "";

    if (!group) {
        out_printf(&cli->out,
                   "%s: a versioned data lake with functions\n\n  %s COMMAND [options]\n",
                   cli->program, cli->program);
    }
    for (size_t i = 0; verb_at(i); i++) {
        const struct verb *verb = verb_at(i);
        char path[64];

        if (verb->hidden || (group && (!verb->group || strcmp(verb->group, group) != 0))) {
            continue;
        }
        if (strcmp(chapter, verb->chapter) != 0) {
            chapter = verb->chapter;
            heading(cli, chapter);
        }
        two_columns(cli, str_of(verb_path(verb, path)), 23, str_of(verb->summary));
    }
    heading(cli, "Options of every command");
    list_flags(cli, cli_flags, cli_n_flags);
    out_printf(&cli->out, "\n%s help COMMAND shows its arguments, options and examples.\n",
               cli->program);
}

void help_show(struct cli *cli, const struct verb *verb, const char *group)
{
    if (verb && !group) {
        show_verb(cli, verb);
    } else {
        show_overview(cli, group);
    }
}

/* ---- the reference page ---- */

/* Text in a cell of a table of Markdown. */
static void markdown_cell(struct cli *cli, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '|') {
            out_char(&cli->out, '\\');
        }
        out_char(&cli->out, text.data[i]);
    }
}

static void markdown_flags(struct cli *cli, const struct flag *flags, size_t n)
{
    out_text(&cli->out, "\n| option | |\n|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done) struct buf left = {0};

        if (flags[i].hidden) {
            continue;
        }
        help_flag(&left, &flags[i]);
        out_text(&cli->out, "| `");
        markdown_cell(cli, buf_str(&left));
        out_text(&cli->out, "` | ");
        markdown_cell(cli, str_of(flags[i].help));
        out_text(&cli->out, " |\n");
    }
}

static void markdown_verb(struct cli *cli, const struct verb *verb)
{
    _cleanup_(buf_done) struct buf usage = {0};
    char path[64];

    help_usage(&usage, "corrie", verb);
    out_printf(&cli->out, "\n### %s\n\n%c%s.", verb_path(verb, path),
               verb->summary[0] >= 'a' && verb->summary[0] <= 'z' ? verb->summary[0] - 'a' + 'A'
                                                                  : verb->summary[0],
               verb->summary + 1);
    if (verb->aliases) {
        out_printf(&cli->out, " Also called: %s.", verb->aliases);
    }
    out_printf(&cli->out, "\n\n```\n%s\n```\n", buf_text(&usage));
    if (verb->text) {
        out_printf(&cli->out, "\n%s\n", verb->text);
    }
    if (verb->n_positionals > 0) {
        out_text(&cli->out, "\n| argument | |\n|---|---|\n");
        for (size_t i = 0; i < verb->n_positionals; i++) {
            out_printf(&cli->out, "| `%s` | ", verb->positionals[i].name);
            markdown_cell(cli, str_of(verb->positionals[i].help));
            out_text(&cli->out, " |\n");
        }
    }
    if (verb->n_flags > 0) {
        markdown_flags(cli, verb->flags, verb->n_flags);
    }
    if (verb->examples) {
        out_printf(&cli->out, "\n```sh\n%s\n```\n", verb->examples);
    }
}

static void show_markdown(struct cli *cli)
{
    const char *chapter = "";

    out_text(
        &cli->out,
        "# Command line\n\n"
        "<!-- Written by `corrie help --markdown` from the table in src/cli/verbs_*.c; do not edit. -->\n\n"
        "Options may stand before or after the command and its arguments: `--ref REF`, `--ref=REF`, `-r REF`. A\n"
        "`--` ends them. Results go to standard output, everything else to standard error. What `-o json` prints\n"
        "is described in [json.md](json.md).\n\n"
        "| exit status | |\n|---|---|\n"
        "| 0 | done |\n| 1 | your code, data or expectation failed |\n| 2 | wrong usage |\n| 3 | not found |\n"
        "| 4 | conflict, or it exists already |\n| 5 | input, output or network |\n| 6 | damage found |\n"
        "| 7 | refused |\n| 130 | interrupted |\n\n"
        "## Options of every command\n");
    markdown_flags(cli, cli_flags, cli_n_flags);
    for (size_t i = 0; verb_at(i); i++) {
        if (verb_at(i)->hidden) {
            continue;
        }
        if (strcmp(chapter, verb_at(i)->chapter) != 0) {
            chapter = verb_at(i)->chapter;
            out_printf(&cli->out, "\n## %s\n", chapter);
        }
        markdown_verb(cli, verb_at(i));
    }
}

int verb_help(struct cli *cli, const struct args *args, corrie_error *err)
{
    const struct arg_values *words = &args->of[OPT_WORDS];
    const char *first = words->count > 0 ? words->items[0] : NULL;
    const char *second = words->count > 1 ? words->items[1] : NULL;
    const struct verb *verb = first ? verb_find(first, second) : NULL;

    if (args_on(args, OPT_MARKDOWN)) {
        show_markdown(cli);
    } else if (first && !verb) {
        corrie_fail(err, CORRIE_E_USAGE, "there is no command %s%s%s", first, second ? " " : "",
                    second ? second : "");
        return corrie_hint(err, "corrie help lists those that there are");
    } else if (args_on(args, OPT_MAN)) {
        man_show(cli, verb);
    } else {
        help_show(cli, verb, first && !second && verb_is_group(first) ? first : NULL);
    }
    return 0;
}
