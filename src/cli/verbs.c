/* verbs.c — the table: every verb, what it takes, what it is for. Verbs of a chapter stand together, in the
 * order of the overview. */
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
    {OPT_NO_PAGER, FLAG_SWITCH, "--no-pager", NULL,
     "write long listings at once instead of through $CORRIE_PAGER, $PAGER or less"},
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
#define WHY_FLAG                                                                                   \
    {                                                                                              \
        OPT_MESSAGE, FLAG_TEXT, "-m, --message", "TEXT", "why; kept in the reflog"                 \
    }
#define COMMIT_MESSAGE_FLAG                                                                        \
    {                                                                                              \
        OPT_MESSAGE, FLAG_TEXT, "-m, --message, --commit-message", "TEXT",                         \
            "message of the commit; default what was done"                                         \
    }
#define MAX_FLAG(what)                                                                             \
    {                                                                                              \
        OPT_MAX_COUNT, FLAG_NUMBER, "-n, --max-count, --limit", "N",                               \
            "at most N " what ", 0 = all; default 10"                                              \
    }
#define NAME_FLAG                                                                                  \
    {                                                                                              \
        OPT_NAME, FLAG_TEXT, "--name", "NAME", "the same as the argument NAME"                     \
    }
#define URI_FLAG                                                                                   \
    {                                                                                              \
        OPT_URI, FLAG_LIST, "--from, --search-uri", "URI",                                         \
            "file, pattern (data/**/*.csv), folder or - ; may be given again", .required = true    \
    }
#define FILE_FLAGS                                                                                 \
    {OPT_FORMAT, FLAG_CHOICE, "--format", "parquet|csv|tsv|json|jsonl|arrow",                      \
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
         "all columns of CSV, or those of JSON that are wanted; default sniffed"},                 \
        {OPT_ENCODING, FLAG_TEXT, "--encoding", "NAME",                                            \
         "of text: latin-1, utf-16, windows-1252; default UTF-8, or UTF-16 by its mark"},          \
        {OPT_HIVE, FLAG_CHOICE, "--hive", "on|off",                                                \
         "whether folders called key=value give columns; default on"},                             \
    {                                                                                              \
        OPT_DATE_FORMAT, FLAG_TEXT, "--date-format", "FORMAT",                                     \
            "dates of CSV that are not ISO-8601: %m/%d/%Y"                                         \
    }
#define PARTITIONED_BY_FLAG                                                                        \
    {                                                                                              \
        OPT_PARTITIONED_BY, FLAG_TEXT, "--partitioned-by", "TERMS",                                \
            "how a table that is made is partitioned: 'day(ts), bucket(16, id), region'"           \
    }
#define IMPORT_FLAGS                                                                               \
    {OPT_APPEND, FLAG_SWITCH, "--append", NULL, "add the rows (the default)"},                     \
        {OPT_REPLACE, FLAG_SWITCH, "--replace", NULL,                                              \
         "the files' rows and columns become the table's, whatever was imported before"},          \
        PARTITIONED_BY_FLAG,                                                                       \
        {OPT_IN_PLACE, FLAG_SWITCH, "--in-place", NULL,                                            \
         "take Parquet files as the table's where they are, uncopied; keys of folders become "     \
         "partitions"},                                                                            \
        {OPT_CONTINUE, FLAG_SWITCH, "--continue-on-error", NULL,                                   \
         "leave out files that cannot be imported, and say why; exit status 1"},                   \
        {OPT_BEST_EFFORT, FLAG_SWITCH, "--best-effort", NULL,                                      \
         "leave out columns that the table lacks"},                                                \
        {OPT_EVOLVE, FLAG_SWITCH, "--evolve", NULL,                                                \
         "add columns that the table lacks, and widen its types where files need it"},             \
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
    {OPT_MAN, FLAG_SWITCH, "--man", NULL, "as a manual page"},
};
static const struct positional completion_positionals[] = {
    {OPT_SHELL, "SHELL", "bash, zsh or fish", true, false},
};
static const struct positional complete_positionals[] = {
    {OPT_WORDS, "WORD", "what is typed after the program, the last word unfinished", false, true},
};

static const struct positional init_positionals[] = {
    {OPT_URL, "DIR",
     "the project's folder, default the current one; with --bare the lake's, absent or empty, "
     "default the lake that commands mean",
     false, false},
};
static const struct flag init_flags[] = {
    {OPT_NAME, FLAG_TEXT, "--name", "NAME", "the project's name; default the folder's"},
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
    PARTITIONED_BY_FLAG,
    FILE_FLAGS,
    MEMORY_FLAG,
};
static const struct flag table_create_plan_flags[] = {
    URI_FLAG,
    NAME_FLAG,
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_SAVE_PLAN, FLAG_TEXT, "-p, --save-plan", "FILE",
     "write it there; default standard output"},
    PARTITIONED_BY_FLAG,
    FILE_FLAGS,
    MEMORY_FLAG,
};
static const struct flag table_plan_apply_flags[] = {
    {OPT_PLAN, FLAG_TEXT, "--plan", "FILE", "the plan; default standard input"},
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_REPLACE, FLAG_SWITCH, "--replace", NULL, "replace a table of that name by the empty one"},
};
static const struct flag table_external_flags[] = {
    {OPT_URI, FLAG_LIST, "--search-pattern, --from, --search-uri", "URI",
     "Parquet file, pattern or folder; may be given again"},
    {OPT_METADATA_URI, FLAG_TEXT, "--metadata-json-uri", "URI",
     "metadata file of an Iceberg table, or the folder of one (the newest in it)"},
    NAME_FLAG,
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_REPLACE, FLAG_SWITCH, "--overwrite, --replace", NULL,
     "make an external table of that name anew: take what it is now"},
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
     "write the rows to FILE: .csv .json .jsonl .parquet .arrow, text also with .gz or .zst behind it; "
     "another name in the format of -o"},
    {OPT_COMPRESSION, FLAG_TEXT, "--compression", "CODEC",
     "of the file: zstd, snappy, gzip, lz4, brotli or none; text: gzip or zstd; default zstd for Parquet"},
    MEMORY_FLAG,
};

static const struct flag table_sample_flags[] = {
    REF_FLAG,
    NAMESPACE_FLAG,
    {OPT_ROWS, FLAG_NUMBER, "--rows", "N", "so many rows; default 10"},
    {OPT_SEED, FLAG_NUMBER, "--seed", "N", "another number gives other rows; default 0"},
    {OPT_TO, FLAG_TEXT, "--to", "FILE", "write them to FILE, as query does"},
    {OPT_COMPRESSION, FLAG_TEXT, "--compression", "CODEC",
     "of the file: zstd, snappy, gzip, lz4, brotli or none; text: gzip or zstd; default zstd for Parquet"},
    MEMORY_FLAG,
};
static const struct flag table_export_flags[] = {
    {OPT_TO, FLAG_TEXT, "--to", "FILE",
     "the file: .csv .json .jsonl .parquet .arrow, text also with .gz or .zst behind it; another name in "
     "the format of -o",
     .required = true},
    {OPT_COMPRESSION, FLAG_TEXT, "--compression", "CODEC",
     "of the file: zstd, snappy, gzip, lz4, brotli or none; text: gzip or zstd; default zstd for Parquet"},
    REF_FLAG,
    NAMESPACE_FLAG,
    MEMORY_FLAG,
};

static const struct flag explain_flags[] = {
    {OPT_FILE, FLAG_TEXT, "-f, --file", "FILE", "read the statement from FILE (-: standard input)"},
    REF_FLAG,
    NAMESPACE_FLAG,
};

static const struct positional sql_positionals[] = {
    {OPT_SQL, "SQL",
     "statements with ; between them; default standard input, at a terminal a prompt", false,
     false},
};
static const struct flag sql_flags[] = {
    {OPT_FILE, FLAG_TEXT, "-f, --file", "FILE", "read them from FILE (-: standard input)"},
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_MESSAGE, FLAG_TEXT, "-m, --message, --commit-message", "TEXT",
     "of the commit; default the statement"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would change"},
    {OPT_AUTOCOMMIT, FLAG_SWITCH, "--autocommit", NULL,
     "a commit for each statement; default one for all of them, or nothing"},
    {OPT_ACCEPT_TAINT, FLAG_SWITCH, "--accept-taint", NULL,
     "keep what is made of tables that a failed job left; is recorded"},
    {OPT_MAX_ROWS, FLAG_NUMBER, "--max-rows", "N",
     "show at most N rows of a query, 0 = all; default 100 on a terminal, else all"},
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
    {OPT_REF, "A", "a branch, tag or state of one", true, false},
    {OPT_OTHER_REF, "B", "another; default what is checked out", false, false},
};
static const struct flag diff_flags[] = {
    {OPT_TABLE, FLAG_TEXT, "--table", "NAME",
     "only this table; with a * at its end, those that start so"},
    {OPT_SCHEMA, FLAG_SWITCH, "--schema", NULL, "show which columns differ"},
    {OPT_ROWS, FLAG_NUMBER, "--rows", "N",
     "show up to N rows that were added and N that were removed, of each table"},
    {OPT_MERGE_BASE, FLAG_SWITCH, "--merge-base", NULL,
     "from where A and B parted, instead of from A: what B has done since"},
    MEMORY_FLAG,
};
static const struct positional status_positionals[] = {
    {OPT_REF, "REF", "a branch, or state of one; default what is checked out", false, false},
};
static const struct flag table_history_flags[] = {
    REF_FLAG,
    NAMESPACE_FLAG,
    {OPT_MAX_COUNT, FLAG_NUMBER, "--max-count, --limit", "N",
     "at most N versions, 0 = all; default 10"},
};

/* ---- change ---- */

static const struct flag table_rm_flags[] = {
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_IF_EXISTS, FLAG_SWITCH, "--if-exists", NULL, "no error if there is none"},
    COMMIT_MESSAGE_FLAG,
};
static const struct positional table_rename_positionals[] = {
    {OPT_NAME, "NAME", "the table: orders, or shop.orders", true, false},
    {OPT_NEW_NAME, "NEW", "its new name", true, false},
};
static const struct flag table_rename_flags[] = {
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    COMMIT_MESSAGE_FLAG,
};
static const struct positional table_revert_positionals[] = {
    {OPT_NAME, "NAME", "the table: orders, or shop.orders", true, false},
    {OPT_OTHER_REF, "REF", "the state it was good in: main~2, @1f3c, main*2026-11-20", true, false},
};
static const struct flag table_revert_flags[] = {
    {OPT_OTHER_REF, FLAG_TEXT, "-s, --source-ref", "REF", "the same as the argument REF"},
    BRANCH_FLAG,
    {OPT_BRANCH, FLAG_TEXT, "-i, --into-branch", "BRANCH", "the same as --branch", .hidden = true},
    NAMESPACE_FLAG,
    COMMIT_MESSAGE_FLAG,
    ACCEPT_TAINT_FLAG,
    ALLOW_TORN_FLAG,
};

static const struct positional table_tend_positionals[] = {
    {OPT_NAME, "NAME", "the table: orders, or shop.orders", true, false},
};
static const struct flag table_compact_flags[] = {
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would be written anew"},
    COMMIT_MESSAGE_FLAG,
    ACCEPT_TAINT_FLAG,
    MEMORY_FLAG,
};
static const struct flag table_expire_flags[] = {
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_OLDER_THAN, FLAG_TEXT, "--older-than", "TIME",
     "only snapshots that are older: 90m, 24h, 7d, 0; default 5d"},
    {OPT_KEEP, FLAG_NUMBER, "--keep", "N", "but for the newest N; default 1"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would go"},
    COMMIT_MESSAGE_FLAG,
    ACCEPT_TAINT_FLAG,
};

/* ---- versions ---- */

#define LIST_FLAGS(what)                                                                           \
    {OPT_PREFIX, FLAG_TEXT, "--prefix", "TEXT", "only names that start with TEXT"},                \
        {OPT_MAX_COUNT, FLAG_NUMBER, "-n, --max-count, --limit", "N",                              \
         "at most N " what ", 0 = all; default all"},                                              \
    {                                                                                              \
        OPT_AFTER, FLAG_TEXT, "--after", "NAME", "only names after NAME: the next page"            \
    }
#define IF_EXISTS_FLAG                                                                             \
    {                                                                                              \
        OPT_IF_EXISTS, FLAG_SWITCH, "--if-exists", NULL, "no error if there is none"               \
    }

static const struct flag branch_ls_flags[] = {
    {OPT_ALL, FLAG_SWITCH, "-a, --all", NULL,
     "also the branches of jobs under way or failed, tx/…"},
    LIST_FLAGS("branches"),
};
static const struct positional branch_positionals[] = {
    {OPT_BRANCH, "NAME", "the branch", true, false},
};
static const struct flag branch_create_flags[] = {
    {OPT_FROM_REF, FLAG_TEXT, "--from-ref, -r, --ref", "REF",
     "where it starts; default what is checked out"},
    {OPT_IF_NOT_EXISTS, FLAG_SWITCH, "--if-not-exists", NULL,
     "leave a branch of that name as it is"},
    WHY_FLAG,
    ACCEPT_TAINT_FLAG,
};
static const struct flag branch_rm_flags[] = {IF_EXISTS_FLAG, WHY_FLAG};
static const struct positional branch_rename_positionals[] = {
    {OPT_BRANCH, "NAME", "the branch", true, false},
    {OPT_NEW_NAME, "NEW", "its new name", true, false},
};
static const struct positional branch_reset_positionals[] = {
    {OPT_BRANCH, "NAME", "the branch", true, false},
    {OPT_REF, "REF", "where it shall stand: dev~2, main, @1f3c, dev*2026-11-20", true, false},
};
static const struct flag branch_move_flags[] = {WHY_FLAG, ACCEPT_TAINT_FLAG};

#define MERGE_FLAGS                                                                                \
    {OPT_PROPERTY, FLAG_LIST, "--property", "NAME=VALUE",                                          \
     "a property of the commit; may be given again"},                                              \
        {OPT_OURS, FLAG_LIST, "--ours", "KEY",                                                     \
         "settle the conflict on KEY (a table, or kind:name) with what the branch has"},           \
        {OPT_THEIRS, FLAG_LIST, "--theirs", "KEY",                                                 \
         "settle the conflict on KEY with what is brought"},                                       \
        {OPT_ALL_OURS, FLAG_SWITCH, "--all-ours", NULL,                                            \
         "settle every other conflict with what the branch has"},                                  \
        {OPT_ALL_THEIRS, FLAG_SWITCH, "--all-theirs", NULL,                                        \
         "settle every other conflict with what is brought"},                                      \
        {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would change"},               \
        ACCEPT_TAINT_FLAG, ALLOW_TORN_FLAG

static const struct positional merge_positionals[] = {
    {OPT_REF, "SOURCE", "a branch, tag or state of one", true, false},
};
static const struct flag branch_merge_flags[] = {
    {OPT_INTO, FLAG_TEXT, "--into", "BRANCH", "the branch to change; default what is checked out"},
    {OPT_MESSAGE, FLAG_TEXT, "-m, --message, --commit-message", "TEXT",
     "message of the merge commit; default \"Merge SOURCE into BRANCH\""},
    {OPT_NO_FF, FLAG_SWITCH, "--no-ff", NULL,
     "make a merge commit even where the branch could simply move"},
    MERGE_FLAGS,
};
static const struct positional pick_positionals[] = {
    {OPT_COMMITS, "COMMIT", "dev, dev~1, @1f3c; several in the order given", true, true},
};
static const struct flag pick_flags[] = {
    {OPT_INTO, FLAG_TEXT, "-b, --branch, --into", "BRANCH",
     "the branch to change; default what is checked out"},
    {OPT_MESSAGE, FLAG_TEXT, "-m, --message, --commit-message", "TEXT",
     "message of the commit; default made of that of COMMIT"},
    {OPT_MAINLINE, FLAG_NUMBER, "--mainline", "N",
     "of a merge commit: its parent (1, 2) that counts as the state before"},
    MERGE_FLAGS,
};
static const struct flag checkout_flags[] = {
    {OPT_CREATE, FLAG_SWITCH, "-b, --create", NULL, "make the branch first"},
    {OPT_FROM_REF, FLAG_TEXT, "--from-ref", "REF",
     "with -b: where it starts; default what is checked out"},
    ACCEPT_TAINT_FLAG,
};
static const struct flag tag_ls_flags[] = {LIST_FLAGS("tags")};
static const struct positional tag_positionals[] = {
    {OPT_TAG, "NAME", "the tag", true, false},
};
static const struct flag tag_create_flags[] = {
    {OPT_FROM_REF, FLAG_TEXT, "--from-ref, -r, --ref", "REF",
     "what it names; default what is checked out"},
    {OPT_IF_NOT_EXISTS, FLAG_SWITCH, "--if-not-exists", NULL, "leave a tag of that name as it is"},
    WHY_FLAG,
};
static const struct positional log_positionals[] = {
    {OPT_REF, "REF", "a branch, tag or state of one; default what is checked out", false, false},
};
static const struct flag log_flags[] = {
    {OPT_REF, FLAG_TEXT, "-r, --ref", "REF", "the same as the argument REF", .hidden = true},
    {OPT_MAX_COUNT, FLAG_NUMBER, "-n, --max-count, --limit", "N",
     "at most N commits, 0 = all; default 10, of --graph all"},
    {OPT_GRAPH, FLAG_SWITCH, "--graph", NULL, "draw how commits hang together"},
    {OPT_MESSAGE, FLAG_TEXT, "--grep, --message", "TEXT",
     "only commits whose message contains TEXT"},
    {OPT_AUTHOR, FLAG_TEXT, "--author", "TEXT", "only commits whose author contains TEXT"},
    {OPT_PROPERTY, FLAG_TEXT, "--property", "NAME=VALUE",
     "only commits with this property; a NAME alone: with any value"},
    {OPT_TABLE, FLAG_TEXT, "--table", "NAME",
     "only commits that changed this table (or with NS.* all tables of a namespace, or kind:name), "
     "also under earlier names"},
    {OPT_SINCE, FLAG_TEXT, "--since", "TIME", "only commits not before TIME: 2026-11-20T10:00"},
    {OPT_UNTIL, FLAG_TEXT, "--until", "TIME",
     "only commits not after TIME; without a fraction that is the end of its second"},
    {OPT_FIRST_PARENT, FLAG_SWITCH, "--first-parent", NULL,
     "of merges follow only the branch that was merged into"},
    {OPT_EXCLUDE, FLAG_TEXT, "--exclude", "REF", "not what is in the history of REF"},
};
static const struct flag reflog_flags[] = {
    MAX_FLAG("movements"),
    {OPT_BEFORE, FLAG_NUMBER, "--before", "SEQUENCE", "only movements before that one"},
};
static const struct positional reflog_positionals[] = {
    {OPT_REF, "REF", "a branch or tag, also one that was removed; default what is checked out",
     false, false},
};
static const struct positional show_positionals[] = {
    {OPT_REF, "COMMIT", "dev, main~2, @1f3c; default what is checked out", false, false},
};
static const struct positional namespace_positionals[] = {
    {OPT_NAMESPACE, "NAME", "the namespace", true, false},
};
static const struct flag namespace_create_flags[] = {
    BRANCH_FLAG,
    {OPT_IF_NOT_EXISTS, FLAG_SWITCH, "--if-not-exists", NULL, "no error if there is one"},
};
static const struct flag namespace_rm_flags[] = {BRANCH_FLAG, IF_EXISTS_FLAG};

/* ---- run ---- */

#define PROJECT_DIR_FLAG                                                                           \
    {                                                                                              \
        OPT_PROJECT_DIR, FLAG_TEXT, "-p, --project-dir", "DIR",                                    \
            "folder with corrie.yaml or bauplan_project.yml; default the current one"              \
    }
static const struct flag run_flags[] = {
    PROJECT_DIR_FLAG,
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
static const struct flag parameter_flags[] = {PROJECT_DIR_FLAG};
static const struct positional parameter_positionals[] = {
    {OPT_NAME, "NAME", "the parameter", true, false},
};
static const struct positional parameter_set_positionals[] = {
    {OPT_NAME, "NAME", "the parameter", true, false},
    {OPT_VALUE, "VALUE", "becomes its default; of a secret where it is: env:NAME, file:PATH", false,
     false},
};
static const struct flag parameter_set_flags[] = {
    {OPT_TYPE, FLAG_CHOICE, "--type", "str|int|float|bool|secret|vault",
     "default what it is; of a new one what the value looks like"},
    {OPT_DESCRIPTION, FLAG_TEXT, "--description", "TEXT", "what it is for"},
    {OPT_REQUIRED, FLAG_SWITCH, "--required", NULL, "every run must be given a value"},
    {OPT_OPTIONAL, FLAG_SWITCH, "--optional", NULL, "runs need not be given one"},
    {OPT_FILE, FLAG_TEXT, "-f, --file", "FILE", "take the value from FILE (-: standard input)"},
    PROJECT_DIR_FLAG,
};
static const struct positional job_positionals[] = {
    {OPT_JOB, "JOB", "its id, the first characters of it (at least 4), or last", true, false},
};

/* ---- care ---- */

static const struct flag gc_flags[] = {
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would be removed"},
    {OPT_GRACE, FLAG_TEXT, "--grace", "TIME",
     "what is younger stays: 90m, 24h, 7d, 0; default 24h"},
    {OPT_KEEP_REFLOG, FLAG_TEXT, "--keep-reflog", "TIME",
     "what the reflog named in that time stays, so that it can be brought back; default 30d"},
};
static const struct flag fsck_flags[] = {
    {OPT_REPAIR, FLAG_SWITCH, "--repair", NULL, "put right what can be"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "with --repair: only say what would be done"},
};
static const struct positional prune_positionals[] = {
    {OPT_NAME, "PREFIX", "what the names begin with; default tx/, what jobs left", false, false},
};
static const struct flag prune_flags[] = {
    {OPT_OLDER_THAN, FLAG_TEXT, "--older-than", "TIME",
     "only what has not moved for so long: 90m, 24h, 7d, 0; default 7d"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would be removed"},
};

/* ---- the table ---- */

#define MERGE_TEXT                                                                                                \
    "Tables that only one side changed are taken as they are; one that both sides appended to is merged row by\n" \
    "row. What cannot be merged is a conflict, and nothing is changed: --ours (what the branch has that is\n"     \
    "changed) and --theirs (what is brought) settle it."

const struct verb cli_verbs[] = {
    {.name = "help",
     .chapter = START,
     .summary = "show what a command does and takes",
     POSITIONALS(help_positionals),
     FLAGS(help_flags),
     .examples = "corrie help\ncorrie help table\ncorrie help branch create",
     .run = verb_help,
     .pages = true},
    {.name = "completion",
     .chapter = START,
     .summary = "print what makes a shell complete commands, options and names",
     .text =
         "It goes where the shell looks for it; its first lines say where that is. For one session of bash:\n"
         "source <(corrie completion bash). Branches, tags, tables and jobs are those of the lake that the line means.",
     POSITIONALS(completion_positionals),
     .examples = "corrie completion bash\n"
                 "corrie completion zsh\n"
                 "corrie completion fish",
     .run = verb_completion},
    {.name = "complete",
     .chapter = START,
     .summary = "say what may come next on a line, for a shell",
     POSITIONALS(complete_positionals),
     .run = verb_complete,
     .hidden = true},
    {.name = "version",
     .chapter = START,
     .summary = "show the version",
     .examples = "corrie version",
     .run = verb_version},
    {.name = "init",
     .chapter = START,
     .summary = "make a project, with a lake of its own unless you have one; or only a lake",
     .text =
         "The project has a model and an expectation over a small table, to begin with. Files that are there stay.\n"
         "With --shared=group files belong to the directory's group, whatever your umask: chgrp it before, or make\n"
         "it in a directory of the group's.",
     POSITIONALS(init_positionals),
     FLAGS(init_flags),
     .examples =
         "corrie init project2\ncorrie init --bare\ncorrie init --bare ./lake --shared=group",
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
         "Reads Parquet, CSV and TSV, JSON and JSON lines, Arrow IPC, plain, gzip or zstd. Several files and a\n"
         "NAME: all into one table, folders called key=value as columns. Without a NAME each file goes into a\n"
         "table called like it, and so does each file or folder of a folder. A last argument without a slash, a\n"
         "wildcard or the ending of a data file is the NAME. - is standard input.\n"
         "Files that were imported before are skipped. CSV and JSON become dates only from ISO-8601 "
         "text. Values go in unchanged or not at all: a fraction in a column of whole numbers is an "
         "error that names file, line and value.",
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
     .name = "create-plan",
     .chapter = DATA_IN,
     .summary = "say as YAML what table files would make",
     .text =
         "Where files disagree on the type of a column the plan has null for it, and what they have. Write the\n"
         "type that you want, then apply the plan.",
     POSITIONALS(table_positionals),
     FLAGS(table_create_plan_flags),
     .examples = "corrie table create-plan orders --from sales.csv\n"
                 "corrie table create-plan shop.orders --from sales.csv --save-plan plan.yaml",
     .run = verb_table_create_plan},
    {.group = "table",
     .name = "create-plan-apply",
     .chapter = DATA_IN,
     .summary = "make the empty table that a plan describes",
     FLAGS(table_plan_apply_flags),
     .examples =
         "corrie table create-plan orders --from sales.csv | corrie table create-plan-apply",
     .run = verb_table_plan_apply},
    {.group = "table",
     .name = "create-external",
     .chapter = DATA_IN,
     .summary = "make a table of files that others keep",
     .text =
         "No rows are copied. The table can be read, not written. It stays as it is now on every branch, "
         "whatever becomes of the table outside; --overwrite takes what that is then. The files are others' "
         "to keep: when they remove one, rows of it cannot be read any more.",
     POSITIONALS(table_positionals),
     FLAGS(table_external_flags),
     .examples = "corrie query \"SELECT 1 AS n\" --to ../n.parquet && "
                 "corrie table create-external n --search-pattern ../n.parquet",
     .run = verb_table_create_external},
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
     .text =
         "Sees all tables of the ref; files of this machine too: SELECT * FROM 'sales.csv'.\n"
         "A table as it was: FROM t AT (VERSION => 'v1'), at any ref; AT (VERSION => N), a snapshot\n"
         "of it; AT (TIMESTAMP => '2026-11-20'), on the ref at that time.",
     POSITIONALS(query_positionals),
     FLAGS(query_flags),
     .examples =
         "corrie query \"SELECT * FROM shop.customers LIMIT 5\"\n"
         "corrie query \"SELECT count(*) FROM customers\" --namespace shop --ref main -o csv\n"
         "corrie query -f report.sql --to report.parquet\n"
         "echo \"SELECT * FROM 'sales.csv'\" | corrie query -o json",
     .pages = true,
     .run = verb_query},
    {.group = "table",
     .name = "export",
     .chapter = DATA_OUT,
     .summary = "write all rows of a table to a file",
     POSITIONALS(table_positionals),
     FLAGS(table_export_flags),
     .examples = "corrie table export shop.customers --to all.parquet\n"
                 "corrie table export customers --namespace shop --to all.csv --ref dev",
     .run = verb_table_export},
    {.group = "table",
     .name = "sample",
     .chapter = DATA_OUT,
     .summary = "show some rows of a table",
     .text =
         "Which ones depends on the rows and the seed alone: the same table gives the same sample. Reads all rows.",
     POSITIONALS(table_positionals),
     FLAGS(table_sample_flags),
     .examples = "corrie table sample shop.customers\n"
                 "corrie table sample shop.customers --rows 1 --seed 7 -o json",
     .run = verb_table_sample},
    {.name = "explain",
     .chapter = DATA_OUT,
     .summary = "show what a query would read, and what it need not",
     .text =
         "Of each table the manifests, files and row groups that its conditions leave, then DuckDB's plan. Nothing\n"
         "is run.",
     POSITIONALS(query_positionals),
     FLAGS(explain_flags),
     .examples =
         "corrie explain \"SELECT name FROM shop.customers WHERE since > DATE '2026-01-15'\"\n"
         "corrie explain -f report.sql --ref dev -o json",
     .pages = true,
     .run = verb_explain},

    {.group = "table",
     .name = "ls",
     .chapter = LOOK,
     .summary = "list tables",
     FLAGS(table_ls_flags),
     .examples =
         "corrie table ls\ncorrie table --namespace shop\ncorrie table ls --ref main~1 -o json",
     .run = verb_table_ls,
     .is_default = true,
     .pages = true},
    {.group = "table",
     .name = "get",
     .chapter = LOOK,
     .summary = "show a table's columns, size and place",
     POSITIONALS(table_positionals),
     FLAGS(table_get_flags),
     .examples =
         "corrie table get shop.customers\ncorrie table get customers --namespace shop --ref main -o json",
     .run = verb_table_get,
     .pages = true},
    {.group = "table",
     .name = "files",
     .chapter = LOOK,
     .summary = "list the files of a table, with their partitions",
     .text = "As JSON with the least and greatest values, nulls and sizes of columns.",
     POSITIONALS(table_positionals),
     FLAGS(table_get_flags),
     .examples = "corrie table files shop.customers\n"
                 "corrie table files customers --namespace shop --ref main -o json",
     .run = verb_table_files,
     .pages = true},
    {.group = "namespace",
     .name = "ls",
     .chapter = LOOK,
     .summary = "list namespaces",
     FLAGS(ref_flags),
     .examples = "corrie namespace ls\ncorrie namespace ls --ref dev",
     .run = verb_namespace_ls,
     .is_default = true,
     .pages = true},

    {.group = "table",
     .name = "history",
     .chapter = LOOK,
     .summary = "show the commits that changed a table, the newest first",
     .text = "Along first parents, through renames.",
     POSITIONALS(table_positionals),
     FLAGS(table_history_flags),
     .examples = "corrie table history shop.customers\n"
                 "corrie table history customers --namespace shop --ref dev -o json",
     .run = verb_table_history,
     .pages = true},
    {.name = "status",
     .chapter = LOOK,
     .summary = "show what is stale, tainted, torn or under way",
     .text =
         "Stale: a table whose inputs are others now than those it was made of. Tainted: written by a job that\n"
         "failed. Torn: of tables that one run published together, only some came here or were taken\n"
         "back, which --allow-torn let them.",
     POSITIONALS(status_positionals),
     .examples = "corrie status\ncorrie status dev -o json",
     .run = verb_status,
     .pages = true},

    {.group = "table",
     .name = "rm",
     .aliases = "delete drop",
     .chapter = CHANGE,
     .summary = "remove a table from a branch",
     .text = "Its files stay until gc; what is printed brings the table back.",
     POSITIONALS(table_positionals),
     FLAGS(table_rm_flags),
     .examples = "corrie table rm shop.customers --yes\n"
                 "corrie table delete --branch dev shop.customers",
     .run = verb_table_rm},
    {.name = "sql",
     .chapter = CHANGE,
     .summary = "change tables by SQL: INSERT, UPDATE, DELETE, MERGE, CREATE, ALTER, DROP",
     .text =
         "All statements are one commit, or nothing if one fails; each sees what those before it did. Queries may\n"
         "stand between them. BEGIN and COMMIT make commits of their own. At a terminal, without SQL, statements are\n"
         "typed one by one.",
     POSITIONALS(sql_positionals),
     FLAGS(sql_flags),
     .examples =
         "corrie sql \"DELETE FROM shop.customers WHERE name = 'bob'\"\n"
         "corrie sql \"CREATE TABLE shop.first AS SELECT * FROM shop.customers LIMIT 1\" --branch dev\n"
         "corrie sql -f report.sql -o csv\n"
         "echo \"UPDATE shop.customers SET name = upper(name)\" | corrie sql -m \"as agreed\" --dry-run",
     .run = verb_sql},
    {.group = "table",
     .name = "rename",
     .chapter = CHANGE,
     .summary = "give a table another name, or move it to another namespace",
     .text =
         "It keeps its files and its history, and branches that know it by the old name can be merged.",
     POSITIONALS(table_rename_positionals),
     FLAGS(table_rename_flags),
     .examples = "corrie table rename shop.customers shop.people",
     .run = verb_table_rename},
    {.group = "table",
     .name = "revert",
     .chapter = CHANGE,
     .summary = "make a table as it was, as a new commit",
     .text =
         "Brings back one that was removed too. Other tables stay as they are; if the table was published by a\n"
         "run together with others, that is refused unless all of them were the same then (--allow-torn).",
     POSITIONALS(table_revert_positionals),
     FLAGS(table_revert_flags),
     .examples = "corrie table revert shop.customers main --branch dev\n"
                 "corrie table revert shop.customers --source-ref dev~1 --into-branch dev",
     .run = verb_table_revert},
    {.group = "table",
     .name = "compact",
     .chapter = CHANGE,
     .summary = "write a table's small files anew as larger ones",
     .text =
         "Files under half of write.target-file-size-bytes are joined within their partition, and files from which\n"
         "rows were deleted are written without these. The rows stay the same; those that are written anew stand\n"
         "behind the others. Who writes to the table meanwhile need not wait.",
     POSITIONALS(table_tend_positionals),
     FLAGS(table_compact_flags),
     .examples = "corrie table compact shop.customers --dry-run\n"
                 "corrie table compact customers --namespace shop --branch dev",
     .run = verb_table_compact},
    {.group = "table",
     .name = "expire",
     .chapter = CHANGE,
     .summary = "take old snapshots out of a table's history",
     .text =
         "Other branches, tags and earlier commits of the lake still show what they show. Files that none of them\n"
         "needs any more are removed by gc, not by this.",
     POSITIONALS(table_tend_positionals),
     FLAGS(table_expire_flags),
     .examples = "corrie table expire shop.customers --older-than 7d --dry-run\n"
                 "corrie table expire shop.customers --older-than 0 --keep 2",
     .run = verb_table_expire},
    {.group = "namespace",
     .name = "rm",
     .aliases = "delete",
     .chapter = CHANGE,
     .summary = "remove an empty namespace",
     POSITIONALS(namespace_positionals),
     FLAGS(namespace_rm_flags),
     .examples = "corrie namespace create trial && corrie namespace rm trial --yes\n"
                 "corrie namespace delete gone --if-exists",
     .run = verb_namespace_rm},

    {.group = "branch",
     .name = "ls",
     .chapter = VERSIONS,
     .summary = "list branches",
     FLAGS(branch_ls_flags),
     .examples = "corrie branch ls\ncorrie branch ls --all -o json\n"
                 "corrie branch ls --prefix ada. --max-count 20 --after ada.trial",
     .run = verb_branch_ls,
     .is_default = true,
     .pages = true},
    {.group = "branch",
     .name = "get",
     .chapter = VERSIONS,
     .summary = "show where a branch stands",
     POSITIONALS(branch_positionals),
     .examples = "corrie branch get dev\ncorrie branch get main -o json",
     .run = verb_branch_get},
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
     .text = "The commits stay until gc; what is printed brings the branch back.",
     POSITIONALS(branch_positionals),
     FLAGS(branch_rm_flags),
     .examples = "corrie branch rm dev --yes\ncorrie branch delete gone --if-exists",
     .run = verb_branch_rm},
    {.group = "branch",
     .name = "rename",
     .chapter = VERSIONS,
     .summary = "give a branch another name",
     POSITIONALS(branch_rename_positionals),
     FLAGS(branch_move_flags),
     .examples = "corrie branch rename dev ada.dev",
     .run = verb_branch_rename},
    {.group = "branch",
     .name = "reset",
     .chapter = VERSIONS,
     .summary = "move a branch to any commit",
     .text =
         "Commits may leave its history: the reflog keeps where it stood, and what is printed moves it back. To\n"
         "take back a change without losing what came after, use revert.",
     POSITIONALS(branch_reset_positionals),
     FLAGS(branch_move_flags),
     .examples =
         "corrie branch reset dev main --yes\ncorrie branch reset main main~1 -m \"wrong file\"",
     .run = verb_branch_reset},
    {.group = "branch",
     .name = "restore",
     .chapter = VERSIONS,
     .summary = "make a removed branch or tag again, where it last stood",
     POSITIONALS(branch_positionals),
     FLAGS(branch_move_flags),
     .examples = "corrie branch rm dev --yes && corrie branch restore dev",
     .run = verb_branch_restore},
    {.group = "branch",
     .name = "merge",
     .chapter = VERSIONS,
     .summary = "bring the changes of a branch into another",
     .text = MERGE_TEXT,
     POSITIONALS(merge_positionals),
     FLAGS(branch_merge_flags),
     .examples = "corrie branch merge dev --into main --dry-run\n"
                 "corrie branch merge dev -m \"New customers\" --no-ff --property ticket=42\n"
                 "corrie branch merge dev --ours shop.customers --all-theirs",
     .run = verb_branch_merge},
    {.group = "branch",
     .name = "prune",
     .chapter = VERSIONS,
     .summary = "remove branches that nobody has moved for long, first of all what jobs left",
     .text = "The commits stay until gc; what is printed brings each back.",
     POSITIONALS(prune_positionals),
     FLAGS(prune_flags),
     .examples = "corrie branch prune --dry-run\ncorrie branch prune trial. --older-than 30d --yes",
     .run = verb_branch_prune},
    {.group = "branch",
     .name = "diff",
     .chapter = VERSIONS,
     .summary = "show what changed from A to B",
     POSITIONALS(diff_positionals),
     FLAGS(diff_flags),
     .examples = "corrie branch diff main dev",
     .run = verb_diff,
     .pages = true},
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
    {.name = "merge",
     .chapter = VERSIONS,
     .summary = "bring the changes of a branch into another",
     .text = MERGE_TEXT,
     POSITIONALS(merge_positionals),
     FLAGS(branch_merge_flags),
     .examples = "corrie merge dev --dry-run\ncorrie merge dev --into main",
     .run = verb_branch_merge},
    {.name = "cherry-pick",
     .chapter = VERSIONS,
     .summary = "bring what single commits changed to a branch, as new commits",
     .text = "All of them or, if one cannot be brought, none.",
     POSITIONALS(pick_positionals),
     FLAGS(pick_flags),
     .examples =
         "corrie cherry-pick dev --dry-run\ncorrie cherry-pick dev --into main -m \"New customers\"",
     .run = verb_cherry_pick},
    {.name = "revert",
     .chapter = VERSIONS,
     .summary = "take back what commits changed, as new commits",
     .text =
         "What came after them stays, as far as it can: a table that was changed again is a conflict. All\n"
         "commits or, if one cannot be taken back, none.",
     POSITIONALS(pick_positionals),
     FLAGS(pick_flags),
     .examples = "corrie revert dev --branch dev --dry-run\ncorrie revert dev --branch dev",
     .run = verb_revert},
    {.group = "tag",
     .name = "ls",
     .chapter = VERSIONS,
     .summary = "list tags",
     FLAGS(tag_ls_flags),
     .examples = "corrie tag ls\ncorrie tag ls --prefix v -o json",
     .run = verb_tag_ls,
     .is_default = true,
     .pages = true},
    {.group = "tag",
     .name = "get",
     .chapter = VERSIONS,
     .summary = "show what a tag names",
     POSITIONALS(tag_positionals),
     .examples = "corrie tag create v1 && corrie tag get v1",
     .run = verb_tag_get},
    {.group = "tag",
     .name = "create",
     .chapter = VERSIONS,
     .summary = "name a state of the lake for good",
     .text = "A tag does not move, and keeps what it names from gc.",
     POSITIONALS(tag_positionals),
     FLAGS(tag_create_flags),
     .examples = "corrie tag create v1.0\ncorrie tag create before --from-ref main~1",
     .run = verb_tag_create},
    {.group = "tag",
     .name = "rm",
     .aliases = "delete",
     .chapter = VERSIONS,
     .summary = "remove a tag",
     POSITIONALS(tag_positionals),
     FLAGS(branch_rm_flags),
     .examples =
         "corrie tag create v1 && corrie tag rm v1 --yes\ncorrie tag delete gone --if-exists",
     .run = verb_tag_rm},
    {.name = "diff",
     .chapter = VERSIONS,
     .summary = "show what changed from A to B",
     POSITIONALS(diff_positionals),
     FLAGS(diff_flags),
     .examples = "corrie diff main~1\ncorrie diff main dev\n"
                 "corrie diff main dev --table shop.customers --schema --rows 5\n"
                 "corrie diff main dev --merge-base",
     .run = verb_diff,
     .pages = true},
    {.name = "log",
     .chapter = VERSIONS,
     .summary = "show commits, the newest first",
     POSITIONALS(log_positionals),
     FLAGS(log_flags),
     .examples = "corrie log\ncorrie log dev --max-count 3\n"
                 "corrie log --graph\n"
                 "corrie log dev --exclude main\n"
                 "corrie log --table shop.customers --since 2026-01-01 -o jsonl",
     .run = verb_log,
     .pages = true},
    {.group = "commit",
     .name = "ls",
     .chapter = VERSIONS,
     .summary = "show commits, the newest first: the same as log",
     POSITIONALS(log_positionals),
     FLAGS(log_flags),
     .examples = "corrie commit ls --max-count 3\ncorrie commit dev",
     .run = verb_log,
     .is_default = true,
     .pages = true},
    {.name = "show",
     .chapter = VERSIONS,
     .summary = "show a commit and what it changed",
     .text = "Of a merge, against the branch that was merged into.",
     POSITIONALS(show_positionals),
     .examples = "corrie show\ncorrie show dev~1 -o json",
     .run = verb_show,
     .pages = true},
    {.name = "reflog",
     .chapter = VERSIONS,
     .summary = "show where a branch or tag has stood, the newest first",
     .text =
         "Every movement, also of one that was removed. A state is named by its hash (dev@1f3c) or by a time\n"
         "(dev*2026-11-20T10:00): branch create, branch reset and table revert take both.",
     POSITIONALS(reflog_positionals),
     FLAGS(reflog_flags),
     .examples = "corrie reflog\ncorrie reflog dev -n 3 -o json",
     .run = verb_reflog,
     .pages = true},

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
    {.group = "parameter",
     .name = "ls",
     .chapter = RUN,
     .summary = "list a project's parameters",
     FLAGS(parameter_flags),
     .examples = "corrie parameter ls -p project",
     .run = verb_parameter_ls,
     .is_default = true,
     .pages = true},
    {.group = "parameter",
     .name = "set",
     .chapter = RUN,
     .summary = "declare a parameter, or change its default; the rest of the file stays",
     POSITIONALS(parameter_set_positionals),
     FLAGS(parameter_set_flags),
     .examples =
         "corrie parameter set least 3 -p project\n"
         "corrie parameter set rate --type float --required --description 'of exchange' -p project\n"
         "corrie parameter set token env:API_TOKEN --type secret -p project",
     .run = verb_parameter_set},
    {.group = "parameter",
     .name = "rm",
     .aliases = "delete",
     .chapter = RUN,
     .summary = "remove a parameter from the project file",
     POSITIONALS(parameter_positionals),
     FLAGS(parameter_flags),
     .examples = "corrie parameter rm least -p project",
     .run = verb_parameter_rm},
    {.group = "job",
     .name = "ls",
     .chapter = RUN,
     .summary = "list jobs: imports and runs, the newest first",
     FLAGS(job_ls_flags),
     .examples = "corrie job ls\ncorrie job ls --max-count 3 -o csv",
     .run = verb_job_ls,
     .is_default = true,
     .pages = true},
    {.group = "job",
     .name = "get",
     .chapter = RUN,
     .summary = "show a job's record",
     POSITIONALS(job_positionals),
     .examples = "corrie job get last\ncorrie job get last -o json",
     .run = verb_job_get,
     .pages = true},
    {.group = "job",
     .name = "logs",
     .chapter = RUN,
     .summary = "show what a job's functions printed and what happened",
     POSITIONALS(job_positionals),
     .examples = "corrie job logs last",
     .run = verb_job_logs,
     .pages = true},
    {.name = "gc",
     .chapter = CARE,
     .summary = "remove what nothing reaches any more: files, and states of the catalog",
     .text =
         "Branches, tags, what the reflog named of late, and jobs that are under way keep what they reach. Safe\n"
         "beside running commands. Files that corrie did not make stay.",
     FLAGS(gc_flags),
     .examples = "corrie gc --dry-run\ncorrie gc --yes\ncorrie gc --grace 0 --keep-reflog 7d --yes",
     .run = verb_gc},
    {.name = "fsck",
     .chapter = CARE,
     .summary = "check that all that the lake names is there and whole",
     .text =
         "Reads catalog, metadata and manifests, and looks at each data file's size. Exit status 6 if there is\n"
         "damage. --repair moves damaged branches to their newest whole state, brings lost ones back, and makes\n"
         "indexes again.",
     FLAGS(fsck_flags),
     .examples = "corrie fsck\ncorrie fsck --repair --dry-run",
     .run = verb_fsck},
};
const size_t cli_n_verbs = ARRAY_LEN(cli_verbs);
