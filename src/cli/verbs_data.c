/* verbs_data.c — the table of verbs: data in and out, looking at tables and changing them. */
#include "cli/verbs_priv.h"

/* ---- options that several have ---- */

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
            "namespace of names that have none; default that of the project here, else public "    \
            "(bauplan when called by that name)"                                                   \
    }
#define COMMIT_MESSAGE_FLAG                                                                        \
    {                                                                                              \
        OPT_MESSAGE, FLAG_TEXT, "-m, --message, --commit-message", "TEXT",                         \
            "message of the commit; default what was done"                                         \
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
        DETACH_FLAG,                                                                               \
    {                                                                                              \
        OPT_DUPLICATE_FILES, FLAG_SWITCH, "--import-duplicate-files", NULL,                        \
            "load files again that were imported before"                                           \
    }

/* ---- what each takes ---- */

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
    ARG_FLAG,
    PRIORITY_FLAG,
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
    ARG_FLAG,
    PRIORITY_FLAG,
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
    ARG_FLAG,
    PRIORITY_FLAG,
};

static const struct flag table_plan_apply_flags[] = {
    {OPT_PLAN, FLAG_TEXT, "--plan", "FILE", "the plan; default standard input"},
    BRANCH_FLAG,
    NAMESPACE_FLAG,
    {OPT_REPLACE, FLAG_SWITCH, "--replace", NULL, "replace a table of that name by the empty one"},
    ARG_FLAG,
    PRIORITY_FLAG,
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
    ARG_FLAG,
    PRIORITY_FLAG,
};

static const struct flag table_import_flags[] = {
    URI_FLAG,   NAME_FLAG,   BRANCH_FLAG, NAMESPACE_FLAG, IMPORT_FLAGS,
    FILE_FLAGS, MEMORY_FLAG, ARG_FLAG,    PRIORITY_FLAG,
};

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
    {OPT_NO_CACHE, FLAG_SWITCH, "--no-cache", NULL, "as always: no answer is kept", .hidden = true},
    ARG_FLAG,
    PRIORITY_FLAG,
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
    {OPT_PROJECT_DIR, FLAG_TEXT, "-p, --project-dir", "DIR",
     "show what a run of the project in DIR would do instead"},
    PARAM_FLAG,
    {OPT_STRICT, FLAG_TOGGLE, "--strict", NULL, "of a project: warnings are errors"},
    {OPT_NO_CACHE, FLAG_SWITCH, "--no-cache", NULL, "of a project: read its files anew"},
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

static const struct flag table_ls_flags[] = {
    {OPT_NAMESPACE, FLAG_TEXT, "-n, --namespace", "NS", "only tables of NS"},
    REF_FLAG,
    LIMIT_FLAG("tables", "all"),
};

static const struct flag table_get_flags[] = {NAME_FLAG, REF_FLAG, NAMESPACE_FLAG};

static const struct flag table_files_flags[] = {NAME_FLAG, REF_FLAG, NAMESPACE_FLAG,
                                                LIMIT_FLAG("files", "all")};

static const struct flag namespace_ls_flags[] = {REF_FLAG, LIMIT_FLAG("namespaces", "all")};

static const struct flag status_flags[] = {PROJECT_DIR_FLAG};

static const struct positional status_positionals[] = {
    {OPT_REF, "REF", "a branch, or state of one; default what is checked out", false, false},
};

static const struct flag table_history_flags[] = {
    REF_FLAG,
    NAMESPACE_FLAG,
    LIMIT_FLAG("versions", "10"),
};

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

static const struct positional namespace_positionals[] = {
    {OPT_NAMESPACE, "NAME", "the namespace", true, false},
};

static const struct flag namespace_create_flags[] = {
    BRANCH_FLAG,
    {OPT_IF_NOT_EXISTS, FLAG_SWITCH, "--if-not-exists", NULL, "no error if there is one"},
};

static const struct flag namespace_rm_flags[] = {BRANCH_FLAG, IF_EXISTS_FLAG};

/* ---- the verbs ---- */

static const struct verb verbs[] = {
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
     .summary = "show what a query would read and need not, or what a run of a project would do",
     .text =
         "Of each table the manifests, files and row groups that its conditions leave, then DuckDB's plan. Of a\n"
         "project what reads what, with the columns and rows that are needed, and the steps; -o dot and -o svg draw\n"
         "it. Nothing is run.",
     POSITIONALS(query_positionals),
     FLAGS(explain_flags),
     .examples =
         "corrie explain \"SELECT name FROM shop.customers WHERE since > DATE '2026-01-15'\"\n"
         "corrie explain -f report.sql --ref dev -o json\n"
         "corrie explain -p project\n"
         "corrie explain -p project -o svg > plan.svg",
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
     FLAGS(table_files_flags),
     .examples = "corrie table files shop.customers\n"
                 "corrie table files customers --namespace shop --ref main -o json",
     .run = verb_table_files,
     .pages = true},
    {.group = "namespace",
     .name = "ls",
     .chapter = LOOK,
     .summary = "list namespaces",
     FLAGS(namespace_ls_flags),
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
         "Stale: a table whose inputs are others now than those it was made of. Edited: one that a model of the\n"
         "project here made, whose code is another now. Tainted: written by a job that failed. Torn: of tables\n"
         "that one run published together, only some came here or were taken back, which --allow-torn let them.",
     POSITIONALS(status_positionals),
     FLAGS(status_flags),
     .examples = "corrie status\ncorrie status dev -o json\ncorrie status -p project",
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
     .aliases = "delete drop",
     .chapter = CHANGE,
     .summary = "remove an empty namespace",
     POSITIONALS(namespace_positionals),
     FLAGS(namespace_rm_flags),
     .examples = "corrie namespace create trial && corrie namespace rm trial --yes\n"
                 "corrie namespace delete gone --if-exists",
     .run = verb_namespace_rm},

};
const struct verb_part verbs_data = {verbs, ARRAY_LEN(verbs)};
