/* verbs_priv.h — what the parts of the table of verbs share (verbs*.c). */
#ifndef CORRIE_CLI_VERBS_PRIV_H
#define CORRIE_CLI_VERBS_PRIV_H

#include "cli/cli.h"

#define FLAGS(array) .flags = (array), .n_flags = ARRAY_LEN(array)
#define POSITIONALS(array) .positionals = (array), .n_positionals = ARRAY_LEN(array)

#define START "Start"
#define DATA_IN "Data in"
#define DATA_OUT "Data out"
#define LOOK "Look"
#define CHANGE "Change"
#define VERSIONS "Versions"
#define RUN "Run"
#define CARE "Care"

/* A part of the table: verbs of chapters that stand together, in the order of the overview. */
struct verb_part {
    const struct verb *verbs;
    size_t n;
};
extern const struct verb_part verbs_start;
extern const struct verb_part verbs_data;
extern const struct verb_part verbs_versions;
extern const struct verb_part verbs_run;

/* ---- options that verbs of several parts have ---- */

#define DETACH_FLAG                                                                                \
    {                                                                                              \
        OPT_DETACH, FLAG_SWITCH, "-d, --detach", NULL,                                             \
            "go on in the background, and print the job's id"                                      \
    }
#define MEMORY_FLAG                                                                                \
    {                                                                                              \
        OPT_MEMORY, FLAG_TEXT, "--memory", "SIZE",                                                 \
            "at most so much memory: 4G, 512M; default 70 % of the machine or cgroup"              \
    }
#define PROJECT_DIR_FLAG                                                                           \
    {                                                                                              \
        OPT_PROJECT_DIR, FLAG_TEXT, "-p, --project-dir", "DIR",                                    \
            "folder with corrie.yaml or bauplan_project.yml; default the current one"              \
    }
#define ACCEPT_TAINT_FLAG                                                                          \
    {                                                                                              \
        OPT_ACCEPT_TAINT, FLAG_SWITCH, "--accept-taint", NULL,                                     \
            "let what a failed job wrote come to the branch; that you did is recorded"             \
    }
#define ALLOW_TORN_FLAG                                                                            \
    {                                                                                              \
        OPT_ALLOW_TORN, FLAG_SWITCH, "--allow-torn", NULL,                                         \
            "take some of the tables that one run published together without the others; recorded" \
    }
/* Of every listing. Where the library gives no part of one, the rest is left out here (cli.h, `limit`). */
#define LIMIT_FLAG(what, otherwise)                                                                \
    {                                                                                              \
        OPT_MAX_COUNT, FLAG_NUMBER, "--max-count, --limit", "N",                                   \
            "at most N " what ", 0 = all; default " otherwise                                      \
    }
/* The same where -n means no namespace. */
#define MAX_FLAG(what, otherwise)                                                                  \
    {                                                                                              \
        OPT_MAX_COUNT, FLAG_NUMBER, "-n, --max-count, --limit", "N",                               \
            "at most N " what ", 0 = all; default " otherwise                                      \
    }
#define PARAM_FLAG                                                                                 \
    {                                                                                              \
        OPT_PARAM, FLAG_LIST, "--param", "NAME=VALUE", "value of a parameter; may be given again"  \
    }
/* Of scripts that were written for a server: features that it has or not, and a place in its queue. */
#define ARG_FLAG                                                                                   \
    {                                                                                              \
        OPT_ARG, FLAG_LIST, "-a, --arg", "NAME=VALUE", "means nothing here", .hidden = true        \
    }
#define PRIORITY_FLAG                                                                              \
    {                                                                                              \
        OPT_PRIORITY, FLAG_NUMBER, "--priority", "N", "means nothing here: jobs do not wait",      \
            .hidden = true                                                                         \
    }
#define IF_EXISTS_FLAG                                                                             \
    {                                                                                              \
        OPT_IF_EXISTS, FLAG_SWITCH, "--if-exists", NULL, "no error if there is none"               \
    }

#endif
