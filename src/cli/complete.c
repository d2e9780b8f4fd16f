/* complete.c — what could come next on a command line that is being typed. Scripts of the shells (completion/) ask it by
 * the hidden command `complete`; `completion SHELL` prints them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

/* Of one source at most so many: more helps nobody who types. */
enum { MAX_NAMES = 1000 };

extern const char completion_bash[];
extern const char completion_zsh[];
extern const char completion_fish[];

struct line {
    char **items;
    size_t count;
    size_t capacity;
};

static void line_done(struct line *line)
{
    vec_done(line);
}

struct completing {
    struct cli *cli;
    struct str lead; /* of the word, what stands before the part to complete: "--ref=" */
    struct str part; /* what is typed of it */
};

/* One candidate a line: the whole word, a tab, what it is. */
static void offer(const struct completing *at, struct str text, struct str what)
{
    struct out *out = &at->cli->out;
    struct str rest;

    if (!str_starts(text, at->part)) {
        return;
    }
    str_cut(what, '\n', &what, &rest);
    out_str(out, at->lead);
    out_clean(out, text);
    out_char(out, '\t');
    out_clean(out, what);
    out_char(out, '\n');
}

/* The shell is better at files than anybody else. */
static void offer_files(const struct completing *at)
{
    out_text(&at->cli->out, ":files\n");
}

/* ---- words of the table ---- */

static void offer_flags(const struct completing *at, const struct flag *flags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *next = flags[i].names;
        char name[48];

        while (!flags[i].hidden && flag_next_name(&next, name)) {
            if (name[1] == '-' || at->part.len == 1) {
                offer(at, str_of(name), str_of(flags[i].help));
            }
        }
    }
}

/* Commands of one word and groups; with `group` its commands. */
static void offer_verbs(const struct completing *at, const char *group)
{
    for (size_t i = 0; verb_at(i); i++) {
        const struct verb *verb = verb_at(i);

        if (verb->hidden) {
            continue;
        }
        if (group) {
            if (verb->group && strcmp(verb->group, group) == 0) {
                offer(at, str_of(verb->name), str_of(verb->summary));
            }
        } else if (!verb->group) {
            offer(at, str_of(verb->name), str_of(verb->summary));
        } else {
            bool seen = false;

            for (size_t k = 0; k < i && !seen; k++) {
                seen = verb_at(k)->group && strcmp(verb_at(k)->group, verb->group) == 0;
            }
            if (!seen) {
                offer(at, str_of(verb->group), STR("commands on it"));
            }
        }
    }
}

static void offer_choices(const struct completing *at, const struct flag *flag)
{
    struct str rest = str_of(flag->value);
    struct str word;

    while (rest.len > 0) {
        str_cut(rest, '|', &word, &rest);
        offer(at, word, STR(""));
    }
}

/* ---- names in the lake ---- */

/* The rows of a listing: their `field`, after the `space` of the row and a dot where there is one. */
static int offer_rows(const struct completing *at, corrie_cursor *rows, const char *space,
                      const char *field, const char *what, corrie_error *err)
{
    _cleanup_(cursor_closep) corrie_cursor *cursor = rows;
    int r = 1;

    for (size_t n = 0; n < MAX_NAMES && r > 0; n++) {
        _cleanup_(buf_done) struct buf name = {0};
        _free_ char *text = NULL;
        _json_ json_t *row = NULL;

        r = corrie_cursor_next(cursor, &text, err);
        if (r <= 0) {
            break;
        }
        row = json_loads(text, 0, NULL);
        if (space) {
            buf_addf(&name, "%.*s.", STR_FMT(show_field(row, space)));
        }
        buf_addf(&name, "%.*s", STR_FMT(show_field(row, field)));
        offer(at, buf_str(&name), show_field(row, what));
    }
    return r < 0 ? r : 0;
}

static int offer_refs(const struct completing *at, corrie_lake *lake, const char *kind,
                      corrie_error *err)
{
    _free_ char *prefix = str_dup(at->part);
    corrie_ref_list_options options = {
        .size = sizeof options, .kind = kind, .prefix = prefix, .max = MAX_NAMES};
    corrie_cursor *rows;
    int r;

    if (!prefix) {
        return corrie_fail_memory(err);
    }
    r = corrie_ref_list_open(lake, &options, &rows, err);
    return r < 0 ? r : offer_rows(at, rows, NULL, "name", "message", err);
}

static int offer_branches(const struct completing *at, corrie_lake *lake, corrie_error *err)
{
    return offer_refs(at, lake, "branch", err);
}

static int offer_tags(const struct completing *at, corrie_lake *lake, corrie_error *err)
{
    return offer_refs(at, lake, "tag", err);
}

static int offer_states(const struct completing *at, corrie_lake *lake, corrie_error *err)
{
    int r = offer_branches(at, lake, err);

    return r < 0 ? r : offer_tags(at, lake, err);
}

/* With a dot in what is typed the tables of that namespace, else all. */
static int offer_tables(const struct completing *at, corrie_lake *lake, corrie_error *err)
{
    struct str space;
    struct str rest;
    _free_ char *name = NULL;
    corrie_cursor *rows;
    int r;

    if (str_cut(at->part, '.', &space, &rest) && !(name = str_dup(space))) {
        return corrie_fail_memory(err);
    }
    r = corrie_table_list_open(lake, NULL, name, &rows, err);
    return r < 0 ? r : offer_rows(at, rows, "namespace", "name", "kind", err);
}

static int offer_namespaces(const struct completing *at, corrie_lake *lake, corrie_error *err)
{
    corrie_cursor *rows;
    int r = corrie_namespace_list_open(lake, NULL, &rows, err);

    return r < 0 ? r : offer_rows(at, rows, NULL, "name", "", err);
}

static int offer_jobs(const struct completing *at, corrie_lake *lake, corrie_error *err)
{
    _free_ char *text = NULL;
    _json_ json_t *document = NULL;
    const json_t *job;
    size_t i;
    const corrie_job_list_options options = {.size = sizeof options, .max = 50};
    int r = corrie_job_list(lake, &options, &text, err);

    if (r < 0) {
        return r;
    }
    document = json_loads(text, 0, NULL);
    offer(at, STR("last"), STR("the newest"));
    json_array_foreach(json_object_get(document, "jobs"), i, job)
    {
        struct str id = show_field(job, "job");

        offer(at, at->part.len <= 8 ? str_slice(id, 0, 8) : id, show_field(job, "kind"));
    }
    return 0;
}

typedef int (*source_fn)(const struct completing *at, corrie_lake *lake, corrie_error *err);

/* Where the values of an option or argument come from. A name means another thing in each group. */
static source_fn source_of(const struct verb *verb, enum option option)
{
    static const struct {
        enum option option;
        const char *group; /* NULL: of any */
        source_fn source;
    } sources[] = {
        {OPT_REF, NULL, offer_states},      {OPT_OTHER_REF, NULL, offer_states},
        {OPT_FROM_REF, NULL, offer_states}, {OPT_COMMITS, NULL, offer_states},
        {OPT_BRANCH, NULL, offer_branches}, {OPT_INTO, NULL, offer_branches},
        {OPT_TAG, NULL, offer_tags},        {OPT_NAME, "table", offer_tables},
        {OPT_TABLE, NULL, offer_tables},    {OPT_OURS, NULL, offer_tables},
        {OPT_THEIRS, NULL, offer_tables},   {OPT_NAMESPACE, NULL, offer_namespaces},
        {OPT_JOB, NULL, offer_jobs},
    };

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        if (sources[i].option == option &&
            (!sources[i].group || (verb->group && strcmp(verb->group, sources[i].group) == 0))) {
            return sources[i].source;
        }
    }
    return NULL;
}

static bool names_files(const char *placeholder)
{
    static const char *const names[] = {"FILE", "DIR", "URI", "URL", "PLAN"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(placeholder, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int offer_value(const struct completing *at, const struct verb *verb, enum option option,
                       const char *placeholder, corrie_error *err)
{
    source_fn source = verb ? source_of(verb, option) : NULL;
    corrie_lake *lake;
    int r;

    if (source) {
        r = cli_lake_there(at->cli, &lake, err);
        return r < 0 ? r : source(at, lake, err);
    }
    if (option == OPT_WORDS) {
        offer_verbs(at, NULL);
    } else if (names_files(placeholder)) {
        offer_files(at);
    }
    return 0;
}

/* ---- the commands ---- */

/* The line as it would be run, its last word unfinished. */
static int typed_line(const struct cli *cli, const struct args *args, struct line *ret,
                      corrie_error *err)
{
    const struct arg_values *words = &args->of[OPT_WORDS];
    int r = vec_push(ret, (char *)cli->program);

    for (size_t i = 0; r >= 0 && i < words->count; i++) {
        r = vec_push(ret, (char *)words->items[i]);
    }
    if (r >= 0 && words->count == 0) {
        r = vec_push(ret, (char *)"");
    }
    return r < 0 ? corrie_fail_memory(err) : 0;
}

/* The lake that the line names. Never one that is made for it. */
static void choose_lake(struct cli *cli, const struct line *line)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(args_done) struct args typed = {0};

    if (args_parse(&typed, (int)line->count, line->items, &ignored) < 0) {
        corrie_error_clear(&ignored); /* a line that is not finished */
    }
    if (args_given(&typed, OPT_LAKE)) {
        cli->lake_url = args_text(&typed, OPT_LAKE);
    }
}

static int offer_all(struct completing *at, const struct args_place *place, corrie_error *err)
{
    if (place->flag && place->flag->kind == FLAG_CHOICE) {
        offer_choices(at, place->flag);
    } else if (place->flag) {
        return offer_value(at, place->verb, place->flag->option, place->flag->value, err);
    } else if (!place->options_ended && str_starts(at->part, STR("-"))) {
        if (place->verb) {
            offer_flags(at, place->verb->flags, place->verb->n_flags);
        }
        offer_flags(at, cli_flags, cli_n_flags);
    } else {
        if (!place->verb || place->group) {
            offer_verbs(at, place->group);
        }
        if (place->positional) {
            return offer_value(at, place->verb, place->positional->option, place->positional->name,
                               err);
        }
    }
    return 0;
}

int verb_complete(struct cli *cli, const struct args *args, corrie_error *err)
{
    _cleanup_(line_done) struct line line = {0};
    struct completing at = {.cli = cli};
    struct args_place place;
    const char *word;

    if (typed_line(cli, args, &line, err) < 0) {
        return err->code;
    }
    choose_lake(cli, &line);
    args_place(&place, (int)line.count, line.items);
    word = vec_last(&line);
    at.part = str_of(place.value);
    at.lead = str_make(word, (size_t)(place.value - word));
    if (offer_all(&at, &place, err) < 0) {
        corrie_error_clear(err); /* somebody is typing: what cannot be looked up is not offered */
    }
    return 0;
}

int verb_completion(struct cli *cli, const struct args *args, corrie_error *err)
{
    const char *shell = args_text(args, OPT_SHELL);

    if (strcmp(shell, "bash") == 0) {
        out_text(&cli->out, completion_bash);
    } else if (strcmp(shell, "zsh") == 0) {
        out_text(&cli->out, completion_zsh);
    } else if (strcmp(shell, "fish") == 0) {
        out_text(&cli->out, completion_fish);
    } else {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "completion for %s: there is one for bash, zsh and fish", shell);
    }
    return 0;
}
