/* verbs_versions.c — the table of verbs: branches, tags, commits. */
#include "cli/verbs_priv.h"

/* ---- options that several have ---- */

#define WHY_FLAG                                                                                   \
    {                                                                                              \
        OPT_MESSAGE, FLAG_TEXT, "-m, --message", "TEXT", "why; kept in the reflog"                 \
    }
#define LIST_FLAGS(what)                                                                           \
    {OPT_PREFIX, FLAG_TEXT, "--prefix", "TEXT", "only names that start with TEXT"},                \
        MAX_FLAG(what, "all"),                                                                     \
    {                                                                                              \
        OPT_AFTER, FLAG_TEXT, "--after", "NAME", "only names after NAME: the next page"            \
    }
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

/* ---- what each takes ---- */

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
    MAX_FLAG("commits", "10, of --graph all"),
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
    MAX_FLAG("movements", "10"),
    {OPT_BEFORE, FLAG_NUMBER, "--before", "SEQUENCE", "only movements before that one"},
};

static const struct positional reflog_positionals[] = {
    {OPT_REF, "REF", "a branch or tag, also one that was removed; default what is checked out",
     false, false},
};

static const struct positional show_positionals[] = {
    {OPT_REF, "COMMIT", "dev, main~2, @1f3c; default what is checked out", false, false},
};

static const struct positional prune_positionals[] = {
    {OPT_NAME, "PREFIX", "what the names begin with; default tx/, what jobs left", false, false},
};

static const struct flag prune_flags[] = {
    {OPT_OLDER_THAN, FLAG_TEXT, "--older-than", "TIME",
     "only what has not moved for so long: 90m, 24h, 7d, 0; default 7d"},
    {OPT_DRY_RUN, FLAG_TOGGLE, "--dry-run", NULL, "only say what would be removed"},
};

/* ---- the verbs ---- */

#define MERGE_TEXT                                                                                                \
    "Tables that only one side changed are taken as they are; one that both sides appended to is merged row by\n" \
    "row. What cannot be merged is a conflict, and nothing is changed: --ours (what the branch has that is\n"     \
    "changed) and --theirs (what is brought) settle it."

static const struct verb verbs[] = {
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

};
const struct verb_part verbs_versions = {verbs, ARRAY_LEN(verbs)};
