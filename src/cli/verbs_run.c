/* verbs_run.c — the table of verbs: projects, jobs, care of the lake. */
#include "cli/verbs_priv.h"

/* ---- what each takes ---- */

static const struct flag run_flags[] = {
    PROJECT_DIR_FLAG,
    {OPT_REF, FLAG_TEXT, "-r, --ref", "BRANCH",
     "branch to read and to publish to; default what is checked out"},
    {OPT_NAMESPACE, FLAG_TEXT, "-n, --namespace", "NS",
     "namespace of names that have none; default the project's"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "plan and check only"},
    {OPT_STRICT, FLAG_TOGGLE, "--strict", NULL,
     "warnings fail the run: other columns than declared, expectations that do not hold"},
    PARAM_FLAG,
    {OPT_SELECT, FLAG_LIST, "--select", "NAMES",
     "only these functions: name, +name with all it reads, name+ with all that reads it, several "
     "between commas"},
    {OPT_PREVIEW, FLAG_CHOICE, "--preview", "on|off|head|tail",
     "show the first (on, head) or last rows of what each model gave; default off"},
    {OPT_NO_TRANSACTION, FLAG_SWITCH, "--no-transaction", NULL,
     "publish each table by itself as soon as it is written; a failure leaves those before it"},
    {OPT_TRANSACTION, FLAG_TOGGLE, "-t, --transaction", NULL, "off is --no-transaction",
     .hidden = true},
    {OPT_RUNNER, FLAG_TEXT, "--runner-node", "NODE", "means nothing here: it runs on this machine",
     .hidden = true},
    {OPT_SUMMARY, FLAG_SWITCH, "--summary-no-trunc", NULL, "as always: no summary is cut",
     .hidden = true},
    {OPT_DETERMINISTIC, FLAG_SWITCH, "--deterministic", NULL,
     "SQL on one thread, so that sums of floats come out the same each time"},
    {OPT_NO_CACHE, FLAG_SWITCH, "--no-cache", NULL, "take nothing from earlier runs"},
    {OPT_CACHE, FLAG_CHOICE, "--cache", "on|off", "off is --no-cache", .hidden = true},
    {OPT_ACCEPT_TAINT, FLAG_SWITCH, "--accept-taint", NULL,
     "read what a failed job left; what is made of it is tainted too"},
    {OPT_SERIALIZABLE, FLAG_SWITCH, "--serializable", NULL,
     "publish only if every table that was read on the branch is still the same"},
    DETACH_FLAG,
    {OPT_EVENTS, FLAG_SWITCH, "--events", NULL,
     "tell what happens as JSON lines on standard output, as it happens"},
    MEMORY_FLAG,
    ARG_FLAG,
    PRIORITY_FLAG,
};

static const struct positional lineage_positionals[] = {
    {OPT_COLUMN, "TABLE.COLUMN", "a column of a model, or of a table that the project reads", true,
     false},
};

static const struct flag lineage_flags[] = {
    {OPT_UP, FLAG_SWITCH, "--up", NULL, "only what it is made of"},
    {OPT_DOWN, FLAG_SWITCH, "--down", NULL, "only what is made of it"},
    PROJECT_DIR_FLAG,
    {OPT_REF, FLAG_TEXT, "-r, --ref", "BRANCH", "branch to read; default what is checked out"},
    {OPT_NAMESPACE, FLAG_TEXT, "-n, --namespace", "NS",
     "namespace of names that have none; default the project's"},
    PARAM_FLAG,
};

static const struct flag job_ls_flags[] = {
    {OPT_ALL_USERS, FLAG_SWITCH, "--all-users", NULL, "those of others too; default your own"},
    {OPT_JOB, FLAG_LIST, "-i, --id", "JOB", "only this one, whoever's it is; may be repeated"},
    {OPT_USER, FLAG_LIST, "-u, --user", "USER", "only those of USER; may be repeated"},
    {OPT_KIND, FLAG_LIST, "-k, --kind", "KIND",
     "only run, import, sql, query, compact, expire or gc; may be repeated; default all but query, "
     "which bauplan lists too"},
    {OPT_STATUS, FLAG_LIST, "-s, --status", "STATUS",
     "only running, done, failed, cancelled or lost; may be repeated"},
    {OPT_CREATED_AFTER, FLAG_TEXT, "--created-after", "TIME",
     "only those that were started at TIME or later: 2026-11-20T10:00, or a date"},
    {OPT_CREATED_BEFORE, FLAG_TEXT, "--created-before", "TIME",
     "only those that were started before TIME"},
    {OPT_UTC, FLAG_SWITCH, "-z, --utc", NULL, "times in UTC, as they always are", .hidden = true},
    MAX_FLAG("jobs", "10"),
};

static const struct flag env_ls_flags[] = {PROJECT_DIR_FLAG, MAX_FLAG("environments", "all")};

static const struct flag env_lock_flags[] = {
    {OPT_UPGRADE, FLAG_SWITCH, "--upgrade", NULL,
     "resolve again what is locked: the newest versions that the project allows"},
    {OPT_CHECK, FLAG_SWITCH, "--check", NULL, "write nothing; fail if the file is not complete"},
    PROJECT_DIR_FLAG,
};

static const struct flag env_clean_flags[] = {
    {OPT_UNUSED, FLAG_TEXT, "--unused", "TIME",
     "remove what nobody has used for so long: 12h, 7d; default 30d"},
    {OPT_ALL, FLAG_SWITCH, "--all", NULL, "remove all that are not in use at this moment"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would be removed"},
};

static const struct flag parameter_flags[] = {PROJECT_DIR_FLAG};

static const struct flag parameter_ls_flags[] = {PROJECT_DIR_FLAG, MAX_FLAG("parameters", "all")};

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

static const struct flag job_logs_flags[] = {
    {OPT_ALL, FLAG_SWITCH, "--all, --system", NULL, "all of it, as always", .hidden = true},
    {OPT_FOLLOW, FLAG_SWITCH, "-f, --follow", NULL, "go on until the job is over"},
};

static const struct flag job_stop_flags[] = {
    {OPT_NO_WAIT, FLAG_SWITCH, "--no-wait", NULL, "ask, and do not wait for its end"},
};

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

/* ---- the verbs ---- */

static const struct verb verbs[] = {
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
    {.name = "lineage",
     .chapter = RUN,
     .summary = "show what a column is made of, and what is made of it",
     .text =
         "Through SQL exactly; a Python function may make any of its columns of any that it reads.",
     POSITIONALS(lineage_positionals),
     FLAGS(lineage_flags),
     .examples = "corrie lineage counted.n -p project\n"
                 "corrie lineage shop.customers.name --down -p project -o json",
     .run = verb_lineage,
     .pages = true},
    {.group = "env",
     .name = "ls",
     .chapter = RUN,
     .summary = "list the Python environments that are kept, and which functions use them",
     FLAGS(env_ls_flags),
     .examples = "corrie env ls\n"
                 "corrie env ls -p project -o json",
     .run = verb_env_ls,
     .is_default = true,
     .pages = true},
    {.group = "env",
     .name = "lock",
     .chapter = RUN,
     .summary = "write corrie.lock: exact versions and hashes of all packages that functions get",
     .text =
         "What is locked already stays, also where there is something newer. A run takes what the file says, and needs no "
         "network where the packages are there; an environment that the file lacks is a warning.",
     FLAGS(env_lock_flags),
     .examples = "corrie env lock -p project\n"
                 "corrie env lock -p project && corrie env lock -p project --check",
     .run = verb_env_lock},
    {.group = "env",
     .name = "clean",
     .chapter = RUN,
     .summary = "remove Python environments that nobody has used for a while",
     .text = "They are made again when they are needed. What a running job uses stays.",
     FLAGS(env_clean_flags),
     .examples = "corrie env clean --dry-run\n"
                 "corrie env clean --unused 365d",
     .run = verb_env_clean},
    {.group = "parameter",
     .name = "ls",
     .chapter = RUN,
     .summary = "list a project's parameters",
     FLAGS(parameter_ls_flags),
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
     .summary = "list jobs: what moved data, the newest first",
     FLAGS(job_ls_flags),
     .examples = "corrie job ls\ncorrie job ls --all-users --kind import --status done -o csv\n"
                 "corrie job ls --created-after 2026-01-01 --max-count 3",
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
     FLAGS(job_logs_flags),
     .examples = "corrie job logs last\ncorrie job logs last --follow",
     .run = verb_job_logs,
     .pages = true},
    {.group = "job",
     .name = "stop",
     .chapter = RUN,
     .summary = "stop a job, wherever it runs",
     .text =
         "Its process ends what it does within a second or two, as by Ctrl-C: nothing is published.\n"
         "Exit status 4 if the job was over before.",
     POSITIONALS(job_positionals),
     FLAGS(job_stop_flags),
     .examples = "corrie job stop last",
     .run = verb_job_stop},
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
const struct verb_part verbs_run = {verbs, ARRAY_LEN(verbs)};
