/* verbs_start.c — the table of verbs: help, settings, making a lake or a project. */
#include "cli/verbs_priv.h"

/* ---- what each takes ---- */

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

static const struct flag config_ls_flags[] = {MAX_FLAG("settings", "all")};

/* ---- the verbs ---- */

static const struct verb verbs[] = {
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
     FLAGS(config_ls_flags),
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

};
const struct verb_part verbs_start = {verbs, ARRAY_LEN(verbs)};
