/* spec.h — the one description of the command line.
 *
 * verbs*.c hold the table: which verbs there are, what each takes, what it is for, examples. The parser
 * (args.c), the help (help.c), the reference page (docs/reference/cli.md) and the tests that run every
 * example read it; nothing about the command line is written down twice.
 *
 * Invariants (tests/unit/cli checks them)
 *   1. A long option takes a value in all verbs that have it, or in none: it can then be read before the
 *      verb is known. Short ones may differ between verbs.
 *   2. Of a verb's positionals only the last may be repeatable; after an optional one none is required. */
#ifndef CORRIE_CLI_SPEC_H
#define CORRIE_CLI_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include <corrie/error.h>

struct cli;
struct args;

/* Where the parser puts what was given. A positional and an option may share a place: `table get NAME` is
 * also `table get --name NAME`. */
enum option {
    OPT_NONE,
    /* everywhere */
    OPT_LAKE,
    OPT_OUTPUT,
    OPT_NO_TRUNC,
    OPT_SIDEWAYS,
    OPT_COLOR,
    OPT_NO_PAGER,
    OPT_VERBOSE,
    OPT_CLIENT_TIMEOUT,
    OPT_PROFILE,
    OPT_YES,
    OPT_HELP,
    OPT_VERSION,
    /* refs */
    OPT_REF,
    OPT_BRANCH,
    OPT_FROM_REF,
    OPT_INTO,
    OPT_OTHER_REF,
    OPT_ALL,
    OPT_CREATE,
    OPT_NEW_NAME,
    OPT_TAG,
    OPT_PREFIX,
    OPT_AFTER,
    OPT_IF_EXISTS,
    OPT_IF_NOT_EXISTS,
    OPT_MESSAGE,
    OPT_MAX_COUNT,
    OPT_ACCEPT_TAINT,
    OPT_ALLOW_TORN,
    /* merging */
    OPT_COMMITS,
    OPT_PROPERTY,
    OPT_OURS,
    OPT_THEIRS,
    OPT_ALL_OURS,
    OPT_ALL_THEIRS,
    OPT_NO_FF,
    OPT_MAINLINE,
    /* history */
    OPT_GRAPH,
    OPT_FIRST_PARENT,
    OPT_AUTHOR,
    OPT_TABLE,
    OPT_SINCE,
    OPT_UNTIL,
    OPT_EXCLUDE,
    OPT_BEFORE,
    OPT_SCHEMA,
    OPT_ROWS,
    OPT_MERGE_BASE,
    /* tables and files */
    OPT_NAMESPACE,
    OPT_NAME,
    OPT_URI,
    OPT_APPEND,
    OPT_REPLACE,
    OPT_DUPLICATE_FILES,
    OPT_FORMAT,
    OPT_DELIMITER,
    OPT_QUOTE,
    OPT_HEADER,
    OPT_NULL,
    OPT_DATE_FORMAT,
    OPT_COLUMNS,
    OPT_CONTINUE,
    OPT_BEST_EFFORT,
    OPT_EVOLVE,
    OPT_IN_PLACE,
    OPT_PARTITIONED_BY,
    OPT_HIVE,
    OPT_ENCODING,
    OPT_METADATA_URI,
    OPT_SAVE_PLAN,
    OPT_PLAN,
    OPT_MEMORY,
    /* query */
    OPT_SQL,
    OPT_FILE,
    OPT_TO,
    OPT_COMPRESSION,
    OPT_MAX_ROWS,
    OPT_ALL_ROWS,
    OPT_AUTOCOMMIT,
    /* run and jobs */
    OPT_PROJECT_DIR,
    OPT_DRY_RUN,
    OPT_STRICT,
    OPT_SERIALIZABLE,
    OPT_NO_CACHE,
    OPT_CACHE,
    OPT_PARAM,
    OPT_EVENTS,
    OPT_SELECT,
    OPT_PREVIEW,
    OPT_NO_TRANSACTION,
    OPT_TRANSACTION,
    OPT_RUNNER,
    OPT_SUMMARY,
    OPT_DETERMINISTIC,
    OPT_JOB,
    OPT_ALL_USERS,
    OPT_USER,
    OPT_KIND,
    OPT_STATUS,
    OPT_CREATED_AFTER,
    OPT_CREATED_BEFORE,
    OPT_UTC,
    OPT_ARG,
    OPT_PRIORITY,
    OPT_FOLLOW,
    OPT_DETACH,
    OPT_NO_WAIT,
    OPT_TYPE,
    OPT_DESCRIPTION,
    OPT_REQUIRED,
    OPT_OPTIONAL,
    OPT_COLUMN,
    OPT_UP,
    OPT_DOWN,
    OPT_UPGRADE,
    OPT_CHECK,
    OPT_UNUSED,
    /* start */
    OPT_BARE,
    OPT_SHARED,
    OPT_URL,
    OPT_VALUE,
    OPT_PROJECT,
    /* care */
    OPT_GRACE,
    OPT_KEEP_REFLOG,
    OPT_OLDER_THAN,
    OPT_REPAIR,
    OPT_KEEP,
    OPT_SEED,
    /* help */
    OPT_WORDS,
    OPT_MARKDOWN,
    OPT_MAN,
    OPT_SHELL,
    OPT_COUNT
};

enum flag_kind {
    FLAG_SWITCH, /* --dry-run */
    FLAG_TOGGLE, /* --strict, --strict on, --strict=off: a switch that a value may settle */
    FLAG_TEXT,   /* --ref REF; the last one counts */
    FLAG_LIST,   /* --param k=v; every one counts */
    FLAG_NUMBER, /* --max-rows 10; 0 or more */
    FLAG_CHOICE, /* one of the words of `value`, between | */
};

struct flag {
    enum option option;
    enum flag_kind kind;
    const char *names; /* "-r, --ref": as help shows them; at least one long one */
    const char *value; /* placeholder, or the words of a choice */
    const char *help;  /* half a sentence, with the default where there is one */
    bool required;
    bool hidden; /* left out of help: the other spelling of something */
};

struct positional {
    enum option option;
    const char *name; /* "NAME" */
    const char *help;
    bool required;
    bool many;
};

typedef int (*verb_fn)(struct cli *cli, const struct args *args, corrie_error *err);

struct verb {
    const char *group;   /* "branch", or NULL: a verb of one word */
    const char *name;    /* "create" */
    const char *aliases; /* "delete", several by spaces; NULL */
    const char *chapter; /* heading in the overview */
    const char *summary; /* what it does, half a sentence */
    const char *text;    /* more; paragraphs by newlines; may be NULL */
    const struct positional *positionals;
    size_t n_positionals;
    const struct flag *flags;
    size_t n_flags;
    const char *examples; /* commands, one a line, each of which runs (tests/py/test_cli_help.py) */
    verb_fn run;
    bool
        is_default; /* what the group's name alone means, or with arguments that are no verb of it */
    bool hidden;    /* for programs: left out of help */
    bool pages;     /* long output goes through a pager, on a terminal */
};

/* The i-th of the table; NULL: there are no more. */
const struct verb *verb_at(size_t i);
/* Options of every verb. */
extern const struct flag cli_flags[];
extern const size_t cli_n_flags;

/* "branch create", in `scratch`. */
const char *verb_path(const struct verb *verb, char scratch[64]);
/* Whether `word` is the verb's name or one of its aliases. */
bool verb_is_called(const struct verb *verb, const char *word);
/* The verb of a path of one or two words; a group's name alone is its default verb. NULL: none. */
const struct verb *verb_find(const char *first, const char *second);
/* Whether there are verbs of two words that start with it. */
bool verb_is_group(const char *word);

/* Goes through the names of a flag: *at starts as flag->names and moves on; false at the end. `ret` gets
 * "--ref" or "-r". */
bool flag_next_name(const char **at, char ret[48]);
/* The first long name with its dashes, in `scratch`. */
const char *flag_name(const struct flag *flag, char scratch[48]);
/* Whether a value always follows. */
bool flag_has_value(const struct flag *flag);

#endif
