/* verbs.c — the table of verbs, of its parts (verbs_*.c), and what all verbs take. */
#include "cli/verbs_priv.h"

const struct verb *verb_at(size_t i)
{
    static const struct verb_part *const parts[] = {&verbs_start, &verbs_data, &verbs_versions,
                                                    &verbs_run};

    for (size_t k = 0; k < ARRAY_LEN(parts); k++) {
        if (i < parts[k]->n) {
            return &parts[k]->verbs[i];
        }
        i -= parts[k]->n;
    }
    return NULL;
}

/* ---- options of every verb ---- */

const struct flag cli_flags[] = {
    {OPT_LAKE, FLAG_TEXT, "--lake", "URL",
     "the lake: a directory; default $CORRIE_LAKE, else the one in your data directory"},
    {OPT_OUTPUT, FLAG_CHOICE, "-o, -O, --output", "tty|table|json|jsonl|csv|parquet|arrow|dot|svg",
     "how results look; default tty (boxes cut to the screen) on a terminal, else table (plain columns)"},
    {OPT_NO_TRUNC, FLAG_SWITCH, "--no-trunc", NULL, "cut no cells"},
    {OPT_SIDEWAYS, FLAG_SWITCH, "-x, --sideways", NULL, "tables with a line a cell"},
    {OPT_COLOR, FLAG_CHOICE, "--color", "auto|always|never",
     "default auto: on a terminal, unless NO_COLOR is set"},
    {OPT_YES, FLAG_SWITCH, "-y, --yes", NULL, "do not ask before removing things"},
    {OPT_NO_PAGER, FLAG_SWITCH, "--no-pager", NULL,
     "write long listings at once instead of through $CORRIE_PAGER, $PAGER or less"},
    {OPT_VERBOSE, FLAG_SWITCH, "-v, --verbose", NULL, "tell on standard error what goes on inside"},
    {OPT_CLIENT_TIMEOUT, FLAG_TEXT, "--client-timeout", "SECONDS",
     "stop after so long, as Ctrl-C does: nothing is published; default -1, never. Not with --detach"},
    {OPT_PROFILE, FLAG_TEXT, "-P, --profile", "NAME",
     "refused: there are no profiles, --lake names the lake", .hidden = true},
    {OPT_HELP, FLAG_SWITCH, "-h, --help", NULL, "show help"},
    {OPT_VERSION, FLAG_SWITCH, "--version", NULL, "show the version"},
};
const size_t cli_n_flags = ARRAY_LEN(cli_flags);
