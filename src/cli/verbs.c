/* verbs.c — the table: every verb, what it takes, what it is for. Verbs of a chapter stand together, in the
 * order of the overview. */
#include "cli/cli.h"

#define FLAGS(array) .flags = (array), .n_flags = ARRAY_LEN(array)
#define POSITIONALS(array) .positionals = (array), .n_positionals = ARRAY_LEN(array)

#define START "Start"
#define DATA_IN "Data in"
#define DATA_OUT "Data out"
#define LOOK "Look"
#define VERSIONS "Versions"
#define RUN "Run"
#define CARE "Care"

/* ---- options of every verb ---- */

const struct flag cli_flags[] = {
    {OPT_LAKE, FLAG_TEXT, "--lake", "URL",
     "the lake: a directory; default $CORRIE_LAKE, else the one in your data directory"},
    {OPT_OUTPUT, FLAG_CHOICE, "-o, -O, --output", "tty|table|json|jsonl|csv|parquet|arrow",
     "how results look; default tty (boxes cut to the screen) on a terminal, else table (plain columns)"},
    {OPT_NO_TRUNC, FLAG_SWITCH, "--no-trunc", NULL, "cut no cells"},
    {OPT_SIDEWAYS, FLAG_SWITCH, "-x, --sideways", NULL, "tables with a line a cell"},
    {OPT_COLOR, FLAG_CHOICE, "--color", "auto|always|never",
     "default auto: on a terminal, unless NO_COLOR is set"},
    {OPT_YES, FLAG_SWITCH, "-y, --yes", NULL, "do not ask before removing things"},
    {OPT_VERBOSE, FLAG_SWITCH, "-v, --verbose", NULL, "tell on standard error what goes on inside"},
    {OPT_HELP, FLAG_SWITCH, "-h, --help", NULL, "show help"},
    {OPT_VERSION, FLAG_SWITCH, "--version", NULL, "show the version"},
};
const size_t cli_n_flags = ARRAY_LEN(cli_flags);

/* ---- options that several verbs have ---- */

#define REF_FLAG                                                                                   \
    {                                                                                              \
        OPT_REF, FLAG_TEXT, "-r, --ref", "REF",                                                    \
            "branch, or state of one: main~2, main@1f3c, @1f3c, main*2026-11-20T10:00; default "   \
            "$CORRIE_REF, else what is checked out"                                                \
    }
#define BRANCH_FLAG                                                                                \
    {                                                                                              \
        OPT_BRANCH, FLAG_TEXT, "-b, --branch, -r, --ref", "BRANCH",                                \
            "branch to write to; default $CORRIE_REF, else what is checked out"                    \
    }
#define NAMESPACE_FLAG                                                                             \
    {                                                                                              \
        OPT_NAMESPACE, FLAG_TEXT, "-n, --namespace", "NS",                                         \
            "namespace of names that have none; default public (bauplan when called by that name)" \
    }
#define MEMORY_FLAG                                                                                \
    {                                                                                              \
        OPT_MEMORY, FLAG_TEXT, "--memory", "SIZE",                                                 \
            "at most so much memory: 4G, 512M; default 70 % of the machine"                        \
    }
#define NAME_FLAG                                                                                  \
    {                                                                                              \
        OPT_NAME, FLAG_TEXT, "--name", "NAME", "the same as the argument NAME"                     \
    }
#define URI_FLAG                                                                                   \
    {                                                                                              \
        OPT_URI, FLAG_LIST, "--from, --search-uri", "URI",                                         \
            "file, pattern (data/*.csv) or folder; may be given again", .required = true           \
    }
#define FILE_FLAGS                                                                                 \
    {OPT_FORMAT, FLAG_CHOICE, "--format", "parquet|csv|tsv|json|jsonl",                            \
     "what the files are; default by name and content"},                                           \
        {OPT_DELIMITER, FLAG_TEXT, "--delimiter", "CHAR",                                          \
         "between fields of CSV; default sniffed"},                                                \
        {OPT_QUOTE, FLAG_TEXT, "--quote", "CHAR",                                                  \
         "around fields of CSV, or none; default sniffed"},                                        \
        {OPT_HEADER, FLAG_CHOICE, "--header", "on|off",                                            \
         "whether the first line of CSV has names; default sniffed"},                              \
        {OPT_NULL, FLAG_LIST, "--null", "TEXT",                                                    \
         "text of CSV that means null; may be given again"},                                       \
        {OPT_COLUMNS, FLAG_TEXT, "--columns", "'NAME TYPE, …'",                                    \
         "all columns of CSV; default sniffed"},                                                   \
    {                                                                                              \
        OPT_DATE_FORMAT, FLAG_TEXT, "--date-format", "FORMAT",                                     \
            "dates of CSV that are not ISO-8601: %m/%d/%Y"                                         \
    }
#define IMPORT_FLAGS                                                                               \
    {OPT_APPEND, FLAG_SWITCH, "--append", NULL, "add the rows (the default)"},                     \
        {OPT_REPLACE, FLAG_SWITCH, "--replace", NULL,                                              \
         "the files' rows and columns become the table's, whatever was imported before"},          \
    {                                                                                              \
        OPT_DUPLICATE_FILES, FLAG_SWITCH, "--import-duplicate-files", NULL,                        \
            "load files again that were imported before"                                           \
    }

/* ---- start ---- */

static const struct positional help_positionals[] = {
    {OPT_WORDS, "COMMAND", "a command, or the first word of several", false, true},
};
static const struct flag help_flags[] = {
    {OPT_MARKDOWN, FLAG_SWITCH, "--markdown", NULL, "the reference page of all commands",
     .hidden = true},
};

static const struct positional init_positionals[] = {
    {OPT_URL, "URL", "the lake's directory, absent or empty; default the lake that commands mean",
     false, false},
};
static const struct flag init_flags[] = {
    {OPT_BARE, FLAG_SWITCH, "--bare", NULL, "only a lake, no project"},
    {OPT_SHARED, FLAG_CHOICE, "--shared", "group",
     "all of the directory's group may read and write; a lake of yours that is there becomes so"},
};
static const struct positional setting_positionals[] = {
    {OPT_NAME, "NAME", "user.name, lake, or any other", true, false},
};
static const struct positional setting_value_positionals[] = {
    {OPT_NAME, "NAME", "user.name, lake, or any other", true, false},
    {OPT_VALUE, "VALUE", "its text", true, false},
};
static const struct flag setting_flags[] = {
    {OPT_PROJECT, FLAG_SWITCH, "--project", NULL,
     "in the nearest .corrie/config.yaml upward, else a new one here; default your own file"},
};

/* ---- data in ---- */

static const struct positional import_positionals[] = {
    {OPT_URI, "URI", "files, patterns or a folder; last, the table's NAME", true, true},
};
static const struct flag import_flags[] = {
    {OPT_NAME, FLAG_TEXT, "--name", "NAME",
     "the table; default the last argument, else the file's name"},
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    IMPORT_FLAGS,
    FILE_FLAGS,
    MEMORY_FLAG,
};
static const struct positional table_positionals[] = {
    {OPT_NAME, "NAME", "the table: orders, or shop.orders", true, false},
};
static const struct flag table_create_flags[] = {
    URI_FLAG,
    NAME_FLAG,
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_REPLACE, FLAG_SWITCH, "--replace", NULL, "replace a table of that name by the empty one"},
    FILE_FLAGS,
    MEMORY_FLAG,
};
static const struct flag table_import_flags[] = {
    URI_FLAG, NAME_FLAG, BRANCH_FLAG, NAMESPACE_FLAG, IMPORT_FLAGS, FILE_FLAGS, MEMORY_FLAG,
};

/* ---- data out ---- */

static const struct positional query_positionals[] = {
    {OPT_SQL, "SQL", "one statement that reads; default standard input", false, false},
};
static const struct flag query_flags[] = {
    {OPT_FILE, FLAG_TEXT, "-f, --file", "FILE", "read the statement from FILE (-: standard input)"},
    REF_FLAG,
    NAMESPACE_FLAG,
    {OPT_MAX_ROWS, FLAG_NUMBER, "--max-rows", "N",
     "show at most N rows, 0 = all; default 100 on a terminal, else all"},
    {OPT_ALL_ROWS, FLAG_SWITCH, "--all-rows", NULL, "the same as --max-rows 0"},
    {OPT_TO, FLAG_TEXT, "--to", "FILE",
     "write all rows to FILE: .csv .json .jsonl .parquet .arrow; another name in the format of -o"},
    MEMORY_FLAG,
};

/* ---- look ---- */

static const struct flag table_ls_flags[] = {
    {OPT_NAMESPACE, FLAG_TEXT, "-n, --namespace", "NS", "only tables of NS"},
    REF_FLAG,
};
static const struct flag table_get_flags[] = {NAME_FLAG, REF_FLAG, NAMESPACE_FLAG};
static const struct flag ref_flags[] = {REF_FLAG};
static const struct positional diff_positionals[] = {
    {OPT_REF, "A", "a branch, or state of one", true, false},
    {OPT_OTHER_REF, "B", "another; default what is checked out", false, false},
};

/* ---- versions ---- */

static const struct flag branch_ls_flags[] = {
    {OPT_ALL, FLAG_SWITCH, "-a, --all", NULL,
     "also the branches of jobs under way or failed, tx/…"},
};
static const struct positional branch_positionals[] = {
    {OPT_BRANCH, "NAME", "the branch", true, false},
};
static const struct flag branch_create_flags[] = {
    {OPT_FROM_REF, FLAG_TEXT, "--from-ref, -r, --ref", "REF",
     "where it starts; default what is checked out"},
    {OPT_IF_NOT_EXISTS, FLAG_SWITCH, "--if-not-exists", NULL,
     "leave a branch of that name as it is"},
};
static const struct flag branch_rm_flags[] = {
    {OPT_IF_EXISTS, FLAG_SWITCH, "--if-exists", NULL, "no error if there is none"},
};
static const struct positional merge_positionals[] = {
    {OPT_REF, "SOURCE", "a branch, or state of one", true, false},
};
static const struct flag branch_merge_flags[] = {
    {OPT_INTO, FLAG_TEXT, "--into", "BRANCH", "default what is checked out"},
    {OPT_MESSAGE, FLAG_TEXT, "-m, --message, --commit-message", "TEXT",
     "message of the merge commit; default \"Merge SOURCE into BRANCH\""},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would change"},
};
static const struct flag checkout_flags[] = {
    {OPT_CREATE, FLAG_SWITCH, "-b, --create", NULL, "make the branch first"},
    {OPT_FROM_REF, FLAG_TEXT, "--from-ref", "REF",
     "with -b: where it starts; default what is checked out"},
};
static const struct positional log_positionals[] = {
    {OPT_REF, "REF", "a branch, or state of one; default what is checked out", false, false},
};
static const struct flag log_flags[] = {
    {OPT_REF, FLAG_TEXT, "-r, --ref", "REF", "the same as the argument REF", .hidden = true},
    {OPT_MAX_COUNT, FLAG_NUMBER, "-n, --max-count, --limit", "N",
     "at most N commits, 0 = all; default 10"},
};
static const struct positional namespace_positionals[] = {
    {OPT_NAMESPACE, "NAME", "the namespace", true, false},
};
static const struct flag namespace_create_flags[] = {
    BRANCH_FLAG,
    {OPT_IF_NOT_EXISTS, FLAG_SWITCH, "--if-not-exists", NULL, "no error if there is one"},
};

/* ---- run ---- */

static const struct flag run_flags[] = {
    {OPT_PROJECT_DIR, FLAG_TEXT, "-p, --project-dir", "DIR",
     "folder with corrie.yaml or bauplan_project.yml; default the current one"},
    {OPT_REF, FLAG_TEXT, "-r, --ref", "BRANCH",
     "branch to read and to publish to; default what is checked out"},
    {OPT_NAMESPACE, FLAG_TEXT, "-n, --namespace", "NS",
     "namespace of names that have none; default the project's"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "plan and check only"},
    {OPT_STRICT, FLAG_TOGGLE, "--strict", NULL,
     "warnings fail the run: other columns than declared, expectations that do not hold"},
    {OPT_PARAM, FLAG_LIST, "--param", "NAME=VALUE", "value of a parameter; may be given again"},
    {OPT_NO_CACHE, FLAG_SWITCH, "--no-cache", NULL, "take nothing from earlier runs"},
    {OPT_CACHE, FLAG_CHOICE, "--cache", "on|off", "off is --no-cache", .hidden = true},
    {OPT_ACCEPT_TAINT, FLAG_SWITCH, "--accept-taint", NULL,
     "read what a failed job left; what is made of it is tainted too"},
    {OPT_SERIALIZABLE, FLAG_SWITCH, "--serializable", NULL,
     "publish only if every table that was read on the branch is still the same"},
    {OPT_EVENTS, FLAG_SWITCH, "--events", NULL,
     "tell what happens as JSON lines on standard output, as it happens"},
    MEMORY_FLAG,
};
static const struct flag job_ls_flags[] = {
    {OPT_MAX_COUNT, FLAG_NUMBER, "-n, --max-count, --limit", "N",
     "at most N jobs, 0 = all; default 10"},
};
static const struct positional job_positionals[] = {
    {OPT_JOB, "JOB", "its id, the first characters of it (at least 4), or last", true, false},
};

/* ---- the table ---- */

const struct verb cli_verbs[] = {
    {.name = "help",
     .chapter = START,
     .summary = "show what a command does and takes",
     POSITIONALS(help_positionals),
     FLAGS(help_flags),
     .examples = "corrie help\ncorrie help table\ncorrie help branch create",
     .run = verb_help},
    {.name = "version",
     .chapter = START,
     .summary = "show the version",
     .examples = "corrie version",
     .run = verb_version},
    {.name = "init",
     .chapter = START,
     .summary = "make a lake",
     .text =
         "With --shared=group files belong to the directory's group, whatever your umask: chgrp it before, or make\n"
         "it in a directory of the group's.",
     POSITIONALS(init_positionals),
     FLAGS(init_flags),
     .examples = "corrie init --bare\ncorrie init --bare ./lake --shared=group",
     .run = verb_init},
    {.name = "info",
     .chapter = START,
     .summary = "show the lake, who you are and what is checked out",
     .examples = "corrie info\ncorrie info -o json",
     .run = verb_info},
    {.group = "config",
     .name = "ls",
     .chapter = START,
     .summary = "list settings",
     .text =
         "Those of the nearest .corrie/config.yaml upward come before those of your own file. Values of secrets\n"
         "are shown as ***.",
     .examples = "corrie config ls\ncorrie config",
     .run = verb_config_ls,
     .is_default = true},
    {.group = "config",
     .name = "get",
     .chapter = START,
     .summary = "show one setting",
     POSITIONALS(setting_positionals),
     .examples = "corrie config set user.name Ada && corrie config get user.name",
     .run = verb_config_get},
    {.group = "config",
     .name = "set",
     .chapter = START,
     .summary = "change one setting; comments in the file stay",
     POSITIONALS(setting_value_positionals),
     FLAGS(setting_flags),
     .examples =
         "corrie config set user.name \"Ada Lovelace\"\ncorrie config set lake ./lake --project",
     .run = verb_config_set},
    {.group = "config",
     .name = "unset",
     .chapter = START,
     .summary = "remove one setting",
     POSITIONALS(setting_positionals),
     FLAGS(setting_flags),
     .examples = "corrie config set lake ./lake && corrie config unset lake",
     .run = verb_config_unset},

    {.name = "import",
     .chapter = DATA_IN,
     .summary = "load files into a table, making what is missing",
     .text =
         "Reads Parquet, CSV and TSV, JSON and JSON lines, plain, gzip or zstd. Several files and a NAME: all\n"
         "into one table. Without a NAME each file goes into a table called like it. A last argument without\n"
         "a slash, a wildcard or the ending of a data file is the NAME.\n"
         "Files that were imported before are skipped. CSV becomes dates only from ISO-8601 text.",
     POSITIONALS(import_positionals),
     FLAGS(import_flags),
     .examples = "corrie import sales.csv\n"
                 "corrie import sales.csv shop.orders\n"
                 "corrie import parts/*.csv orders --replace\n"
                 "corrie import parts orders --null NA --import-duplicate-files\n"
                 "corrie import us.csv us --date-format '%m/%d/%Y' --delimiter ';' --branch dev",
     .run = verb_import},
    {.group = "table",
     .name = "create",
     .chapter = DATA_IN,
     .summary = "make an empty table with the columns of files",
     POSITIONALS(table_positionals),
     FLAGS(table_create_flags),
     .examples = "corrie table create orders --from sales.csv\n"
                 "corrie table create --branch dev --name shop.orders --search-uri sales.csv",
     .run = verb_table_create},
    {.group = "table",
     .name = "import",
     .chapter = DATA_IN,
     .summary = "load files into a table that is there",
     POSITIONALS(table_positionals),
     FLAGS(table_import_flags),
     .examples = "corrie table import shop.customers --from customers.csv\n"
                 "corrie table import --name shop.customers --search-uri customers.csv --replace",
     .run = verb_table_import},
    {.group = "namespace",
     .name = "create",
     .chapter = DATA_IN,
     .summary = "make a namespace",
     POSITIONALS(namespace_positionals),
     FLAGS(namespace_create_flags),
     .examples = "corrie namespace create adventure\n"
                 "corrie namespace create shop --branch dev --if-not-exists",
     .run = verb_namespace_create},
    {.name = "query",
     .chapter = DATA_OUT,
     .summary = "run one SQL statement that reads",
     .text = "Sees all tables of the ref; files of this machine too: SELECT * FROM 'sales.csv'.",
     POSITIONALS(query_positionals),
     FLAGS(query_flags),
     .examples =
         "corrie query \"SELECT * FROM shop.customers LIMIT 5\"\n"
         "corrie query \"SELECT count(*) FROM customers\" --namespace shop --ref main -o csv\n"
         "corrie query -f report.sql --to report.parquet\n"
         "echo \"SELECT * FROM 'sales.csv'\" | corrie query -o json",
     .run = verb_query},

    {.group = "table",
     .name = "ls",
     .chapter = LOOK,
     .summary = "list tables",
     FLAGS(table_ls_flags),
     .examples =
         "corrie table ls\ncorrie table --namespace shop\ncorrie table ls --ref main~1 -o json",
     .run = verb_table_ls,
     .is_default = true},
    {.group = "table",
     .name = "get",
     .chapter = LOOK,
     .summary = "show a table's columns, size and place",
     POSITIONALS(table_positionals),
     FLAGS(table_get_flags),
     .examples =
         "corrie table get shop.customers\ncorrie table get customers --namespace shop --ref main -o json",
     .run = verb_table_get},
    {.group = "namespace",
     .name = "ls",
     .chapter = LOOK,
     .summary = "list namespaces",
     FLAGS(ref_flags),
     .examples = "corrie namespace ls\ncorrie namespace ls --ref dev",
     .run = verb_namespace_ls,
     .is_default = true},

    {.group = "branch",
     .name = "ls",
     .chapter = VERSIONS,
     .summary = "list branches",
     FLAGS(branch_ls_flags),
     .examples = "corrie branch ls\ncorrie branch ls --all -o json",
     .run = verb_branch_ls,
     .is_default = true},
    {.group = "branch",
     .name = "create",
     .chapter = VERSIONS,
     .summary = "make a branch",
     POSITIONALS(branch_positionals),
     FLAGS(branch_create_flags),
     .examples = "corrie branch create ada.trial\ncorrie branch create before --from-ref main~1",
     .run = verb_branch_create},
    {.group = "branch",
     .name = "rm",
     .aliases = "delete",
     .chapter = VERSIONS,
     .summary = "remove a branch",
     .text = "The commits stay; what is printed brings the branch back.",
     POSITIONALS(branch_positionals),
     FLAGS(branch_rm_flags),
     .examples = "corrie branch rm dev --yes\ncorrie branch delete gone --if-exists",
     .run = verb_branch_rm},
    {.group = "branch",
     .name = "merge",
     .chapter = VERSIONS,
     .summary = "bring the changes of a branch into another",
     POSITIONALS(merge_positionals),
     FLAGS(branch_merge_flags),
     .examples = "corrie branch merge dev --into main --dry-run\n"
                 "corrie branch merge dev -m \"New customers\"",
     .run = verb_branch_merge},
    {.group = "branch",
     .name = "diff",
     .chapter = VERSIONS,
     .summary = "show what changed from A to B",
     POSITIONALS(diff_positionals),
     .examples = "corrie branch diff main dev",
     .run = verb_diff},
    {.group = "branch",
     .name = "checkout",
     .chapter = VERSIONS,
     .summary = "choose the branch that commands mean",
     POSITIONALS(branch_positionals),
     FLAGS(checkout_flags),
     .examples = "corrie branch checkout dev",
     .run = verb_checkout},
    {.name = "checkout",
     .chapter = VERSIONS,
     .summary = "choose the branch that commands mean",
     .text = "Kept for you and this lake; $CORRIE_REF and --ref come before it.",
     POSITIONALS(branch_positionals),
     FLAGS(checkout_flags),
     .examples = "corrie checkout dev\ncorrie checkout -b ada.trial --from-ref main",
     .run = verb_checkout},
    {.name = "diff",
     .chapter = VERSIONS,
     .summary = "show what changed from A to B",
     POSITIONALS(diff_positionals),
     .examples = "corrie diff main~1\ncorrie diff main dev",
     .run = verb_diff},
    {.name = "log",
     .aliases = "commit",
     .chapter = VERSIONS,
     .summary = "show commits, the newest first",
     POSITIONALS(log_positionals),
     FLAGS(log_flags),
     .examples = "corrie log\ncorrie log dev --max-count 3",
     .run = verb_log},

    {.name = "run",
     .chapter = RUN,
     .summary = "run a project's functions and publish their tables in one commit",
     .text =
         "Everything is published, or nothing. What a failed run had finished stays on tx/<job>.",
     FLAGS(run_flags),
     .examples = "corrie run --project-dir project --dry-run\n"
                 "corrie run --project-dir project --strict on --param least=2\n"
                 "corrie run -p project --ref dev --events",
     .run = verb_run},
    {.group = "job",
     .name = "ls",
     .chapter = RUN,
     .summary = "list jobs: imports and runs, the newest first",
     FLAGS(job_ls_flags),
     .examples = "corrie job ls\ncorrie job ls --max-count 3 -o csv",
     .run = verb_job_ls,
     .is_default = true},
    {.group = "job",
     .name = "get",
     .chapter = RUN,
     .summary = "show a job's record",
     POSITIONALS(job_positionals),
     .examples = "corrie job get last\ncorrie job get last -o json",
     .run = verb_job_get},
    {.group = "job",
     .name = "logs",
     .chapter = RUN,
     .summary = "show what a job's functions printed and what happened",
     POSITIONALS(job_positionals),
     .examples = "corrie job logs last",
     .run = verb_job_logs},
    {.name = "fsck",
     .chapter = CARE,
     .summary = "check that all that the lake names is there and whole",
     .text =
         "Reads catalog, metadata and manifests, and looks at each data file's size. Exit status 6 if there is\n"
         "damage.",
     .examples = "corrie fsck",
     .run = verb_fsck},
};
const size_t cli_n_verbs = ARRAY_LEN(cli_verbs);
