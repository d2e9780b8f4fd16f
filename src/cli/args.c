#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum { MAX_CANDIDATES = 256 };

struct parser {
    struct args *args;
    int argc;
    char **argv;
    int verb_words[2]; /* indexes into argv; 0 = none */
    const struct flag *flags;
    size_t n_flags;
    VEC(const char *) words; /* what is neither verb nor option */
    size_t next_positional;
};

void args_done(struct args *args)
{
    for (size_t i = 0; i < OPT_COUNT; i++) {
        vec_done(&args->of[i]);
    }
}

bool args_given(const struct args *args, enum option option)
{
    return args->of[option].count > 0;
}

const char *args_text(const struct args *args, enum option option)
{
    return args_given(args, option) ? vec_last(&args->of[option]) : NULL;
}

bool args_on(const struct args *args, enum option option)
{
    return args_given(args, option) && strcmp(args_text(args, option), "on") == 0;
}

int64_t args_number(const struct args *args, enum option option, int64_t otherwise)
{
    int64_t number = otherwise;

    if (args_given(args, option) && !str_to_int64(str_of(args_text(args, option)), &number)) {
        return otherwise;
    }
    return number;
}

/* ---- names ---- */

/* -3 is a number: no option is called by a digit. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && (word[1] < '0' || word[1] > '9');
}

static bool has_name(const struct flag *flag, struct str name)
{
    const char *at = flag->names;
    char each[48];

    while (flag_next_name(&at, each)) {
        if (str_eq(str_of(each), name)) {
            return true;
        }
    }
    return false;
}

static const struct flag *find_in(const struct flag *flags, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (has_name(&flags[i], name)) {
            return &flags[i];
        }
    }
    return NULL;
}

static const struct flag *find_flag(const struct parser *parser, struct str name)
{
    const struct flag *flag = find_in(parser->flags, parser->n_flags, name);

    return flag ? flag : find_in(cli_flags, cli_n_flags, name);
}

static int hint_nearest(corrie_error *err, const char *word, const struct str *names, size_t n,
                        const char *otherwise)
{
    return corrie_hint_similar(str_of(word), names, n, err) > 0 ? err->code
                                                                : corrie_hint(err, "%s", otherwise);
}

static int fail_verb(const char *group, const char *word, corrie_error *err)
{
    struct str names[MAX_CANDIDATES];
    char otherwise[128];
    size_t n = 0;

    for (size_t i = 0; verb_at(i) && n < MAX_CANDIDATES; i++) {
        const struct verb *verb = verb_at(i);

        if (!group) {
            names[n++] = str_of(verb->group ? verb->group : verb->name);
        } else if (verb->group && strcmp(verb->group, group) == 0) {
            names[n++] = str_of(verb->name);
        }
        for (size_t k = 0; k + 1 < n; k++) {
            if (str_eq(names[k], names[n - 1])) {
                n--;
                break;
            }
        }
    }
    if (group) {
        bool creates = *word && (strcmp(group, "branch") == 0 || strcmp(group, "tag") == 0);

        corrie_fail(err, CORRIE_E_USAGE, "there is no command %s %s", group, word);
        snprintf(otherwise, sizeof otherwise, "corrie help %s lists those that there are%s%s%s",
                 group, creates ? "; to make one: corrie " : "", creates ? group : "",
                 creates ? " create NAME" : "");
    } else {
        corrie_fail(err, CORRIE_E_USAGE, "there is no command %s", word);
        snprintf(otherwise, sizeof otherwise, "corrie help lists those that there are");
    }
    return hint_nearest(err, word, names, n, otherwise);
}

static int fail_flag(const struct parser *parser, struct str name, corrie_error *err)
{
    const struct verb *verb = parser->args->verb;
    struct str names[MAX_CANDIDATES];
    char long_names[MAX_CANDIDATES][48];
    char word[64];
    char path[64];
    char otherwise[128];
    size_t n = 0;

    for (size_t i = 0; i < parser->n_flags + cli_n_flags && n < MAX_CANDIDATES; i++) {
        const struct flag *flag =
            i < parser->n_flags ? &parser->flags[i] : &cli_flags[i - parser->n_flags];

        names[n] = str_of(flag_name(flag, long_names[n]));
        n++;
    }
    snprintf(word, sizeof word, "%.*s", STR_FMT(name));
    if (!verb) {
        corrie_fail(err, CORRIE_E_USAGE, "there is no option %s", word);
        return hint_nearest(err, word, names, n, "corrie help lists commands and options");
    }
    corrie_fail(err, CORRIE_E_USAGE, "%s has no option %s", verb_path(verb, path), word);
    snprintf(otherwise, sizeof otherwise, "corrie help %s lists its options", path);
    return hint_nearest(err, word, names, n, otherwise);
}

/* ---- the verb ---- */

static bool is_on_or_off(const char *word)
{
    return word && (strcmp(word, "on") == 0 || strcmp(word, "off") == 0);
}

/* The flag of that name of whatever verb, preferring one that takes a value. */
static const struct flag *find_anywhere(struct str name, bool *ret_both)
{
    const struct flag *with = find_in(cli_flags, cli_n_flags, name);
    const struct flag *without = NULL;

    *ret_both = false;
    if (with) {
        return with;
    }
    for (size_t i = 0; verb_at(i); i++) {
        const struct flag *flag = find_in(verb_at(i)->flags, verb_at(i)->n_flags, name);

        if (flag && flag_has_value(flag)) {
            with = flag;
        } else if (flag) {
            without = flag;
        }
    }
    *ret_both = with && without;
    return with ? with : without;
}

/* How many words of argv the option at `i` takes, while the verb is not known: 1 or 2. */
static int option_words(const struct parser *parser, int i)
{
    const char *word = parser->argv[i];
    const char *next = i + 1 < parser->argc ? parser->argv[i + 1] : NULL;
    const struct flag *flag = NULL;
    bool both = false;

    if (word[1] == '-') {
        if (strchr(word, '=')) {
            return 1;
        }
        flag = find_anywhere(str_of(word), &both);
    } else {
        for (size_t at = 1; word[at] != '\0'; at++) {
            char letter[3] = {'-', word[at], '\0'};

            flag = find_anywhere(str_of(letter), &both);
            if (flag && flag_has_value(flag)) {
                if (word[at + 1] != '\0') {
                    return 1; /* -ojson */
                }
                break;
            }
        }
    }
    if (!flag || !next) {
        return 1;
    }
    if (flag->kind == FLAG_TOGGLE) {
        return is_on_or_off(next) ? 2 : 1;
    }
    if (both && (verb_find(next, NULL) || verb_is_group(next))) {
        return 1;
    }
    return flag_has_value(flag) ? 2 : 1;
}

/* Whether some verb has the option, by its first letter where it is short. */
static bool is_known(const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = word[1] != '-' ? 2 : equals ? (size_t)(equals - word) : strlen(word);
    bool both;

    return find_anywhere(str_make(word, len), &both) != NULL;
}

static bool takes_words(const struct verb *verb)
{
    return verb && verb->n_positionals > 0;
}

/* Finds the words that name the verb. */
static int find_verb(struct parser *parser, corrie_error *err)
{
    const char *unknown =
        NULL; /* an option whose value the word may be that is taken for the verb */
    const char *group = NULL;

    for (int i = 1; i < parser->argc; i++) {
        const char *word = parser->argv[i];

        if (strcmp(word, "--") == 0) {
            break;
        }
        if (is_option(word)) {
            unknown = unknown || is_known(word) ? unknown : word;
            i += option_words(parser, i) - 1;
            continue;
        }
        if (group) {
            parser->args->verb = verb_find(group, word);
            if (!parser->args->verb && takes_words(verb_find(group, NULL))) {
                parser->args->verb = verb_find(group, NULL); /* `commit dev` is `commit ls dev` */
                return 0;
            }
            parser->verb_words[1] = i;
            return parser->args->verb ? 0 : fail_verb(group, word, err);
        }
        parser->verb_words[0] = i;
        if (verb_is_group(word)) {
            group = word;
            continue;
        }
        parser->args->verb = verb_find(word, NULL);
        return parser->args->verb ? 0
               : unknown          ? fail_flag(parser, str_of(unknown), err)
                                  : fail_verb(NULL, word, err);
    }
    if (group) {
        parser->args->verb = verb_find(group, NULL);
        parser->args->group = group;
        return parser->args->verb ? 0 : fail_verb(group, "", err);
    }
    return 0;
}

/* ---- values ---- */

/* Whether the value of that placeholder names a thing, so that an empty one is a mistake: mostly a variable of a script
 * that is not set, which must not come to mean what is checked out. */
static bool names_something(const char *placeholder)
{
    static const char *const names[] = {"URL", "REF",    "BRANCH", "NAME", "NS",  "COMMIT",
                                        "A",   "SOURCE", "B",      "NEW",  "KEY", "JOB"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(placeholder, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int check_not_empty(const struct parser *parser, const char *name, const char *placeholder,
                           const char *value, corrie_error *err)
{
    const struct verb *verb = parser->args->verb;
    char path[64];

    if (*value != '\0' || !names_something(placeholder)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_USAGE, "%s%s%s is empty", verb ? verb_path(verb, path) : "",
                verb ? ": " : "", name);
    return corrie_hint(err, "leave it out, or give a value; is a variable of a script not set?");
}

static int keep(struct args *args, enum option option, const char *value, corrie_error *err)
{
    return vec_push(&args->of[option], value) < 0 ? corrie_fail_memory(err) : 0;
}

static int keep_choice(struct args *args, const struct flag *flag, const char *value,
                       corrie_error *err)
{
    struct str rest = str_of(flag->value);
    struct str names[16];
    char name[48];
    size_t n = 0;

    while (rest.len > 0 && n < ARRAY_LEN(names)) {
        str_cut(rest, '|', &names[n], &rest);
        if (str_eq(names[n++], str_of(value))) {
            return keep(args, flag->option, value, err);
        }
    }
    corrie_fail(err, CORRIE_E_USAGE, "%s %s: it is one of %s", flag_name(flag, name), value,
                flag->value);
    return CORRIE_E_USAGE;
}

static int keep_value(const struct parser *parser, const struct flag *flag, const char *value,
                      corrie_error *err)
{
    struct args *args = parser->args;
    char name[48];
    int64_t number;
    int r;

    if (flag->kind == FLAG_TEXT || flag->kind == FLAG_LIST) {
        r = check_not_empty(parser, flag_name(flag, name), flag->value, value, err);
        return r < 0 ? r : keep(args, flag->option, value, err);
    }
    if (flag->kind == FLAG_CHOICE) {
        return keep_choice(args, flag, value, err);
    }
    if (flag->kind == FLAG_NUMBER && (!str_to_int64(str_of(value), &number) || number < 0)) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s %s: write a number, 0 or more",
                           flag_name(flag, name), value);
    }
    if (flag->kind == FLAG_TOGGLE && !is_on_or_off(value)) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s %s: it is on or off", flag_name(flag, name),
                           value);
    }
    return keep(args, flag->option, value, err);
}

/* One flag, with `value` if it was joined to it. Returns how many further words it took. */
static int take_flag(struct parser *parser, const struct flag *flag, const char *value, int i,
                     corrie_error *err)
{
    const char *next = i + 1 < parser->argc ? parser->argv[i + 1] : NULL;
    char name[48];
    int r;

    if (value && flag->kind == FLAG_SWITCH) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s takes no value", flag_name(flag, name));
    }
    if (value) {
        return keep_value(parser, flag, value, err);
    }
    if (flag->kind == FLAG_TOGGLE && is_on_or_off(next)) {
        r = keep(parser->args, flag->option, next, err);
        return r < 0 ? r : 1;
    }
    if (!flag_has_value(flag)) {
        return keep(parser->args, flag->option, "on", err);
    }
    if (!next) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s needs a value: %s", flag_name(flag, name),
                           flag->value);
    }
    r = keep_value(parser, flag, next, err);
    return r < 0 ? r : 1;
}

static int take_long(struct parser *parser, int i, corrie_error *err)
{
    const char *word = parser->argv[i];
    const char *equals = strchr(word, '=');
    struct str name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct flag *flag = find_flag(parser, name);

    if (!flag) {
        return fail_flag(parser, name, err);
    }
    return take_flag(parser, flag, equals ? equals + 1 : NULL, i, err);
}

static int take_short(struct parser *parser, int i, corrie_error *err)
{
    const char *word = parser->argv[i];
    int r = 0;

    for (size_t at = 1; word[at] != '\0'; at++) {
        char letter[3] = {'-', word[at], '\0'};
        const struct flag *flag = find_flag(parser, str_of(letter));

        if (!flag) {
            return fail_flag(parser, str_of(letter), err);
        }
        if (flag_has_value(flag) && word[at + 1] != '\0') {
            return keep_value(parser, flag, word + at + 1, err);
        }
        /* only the last letter may reach for the next word */
        if (word[at + 1] != '\0') {
            r = keep(parser->args, flag->option, "on", err);
        } else {
            r = take_flag(parser, flag, NULL, i, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return r;
}

static int take_positional(struct parser *parser, const char *word, corrie_error *err)
{
    const struct verb *verb = parser->args->verb;
    char path[64];

    while (verb && parser->next_positional < verb->n_positionals) {
        const struct positional *positional = &verb->positionals[parser->next_positional];
        int r = check_not_empty(parser, positional->name, positional->name, word, err);

        if (r < 0) {
            return r;
        }
        if (positional->many) {
            return keep(parser->args, positional->option, word, err);
        }
        parser->next_positional++;
        if (!args_given(parser->args, positional->option)) { /* else it was given as an option */
            return keep(parser->args, positional->option, word, err);
        }
    }
    corrie_fail(err, CORRIE_E_USAGE, "%s does not take \"%s\"",
                verb ? verb_path(verb, path) : "corrie", word);
    return verb ? corrie_hint(err, "corrie help %s shows what it takes", path) : CORRIE_E_USAGE;
}

/* Options at once; other words are kept for later, when it is known which places options have taken. */
static int take_all(struct parser *parser, corrie_error *err)
{
    bool ended = false;
    int r = 0;

    for (int i = 1; r >= 0 && i < parser->argc; i++) {
        const char *word = parser->argv[i];

        if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (!ended && is_option(word)) {
            r = word[1] == '-' ? take_long(parser, i, err) : take_short(parser, i, err);
            i += r > 0 ? r : 0;
        } else if (i != parser->verb_words[0] && i != parser->verb_words[1]) {
            r = vec_push(&parser->words, word) < 0 ? corrie_fail_memory(err) : 0;
        }
    }
    for (size_t i = 0; r >= 0 && i < parser->words.count; i++) {
        r = take_positional(parser, parser->words.items[i], err);
    }
    return r < 0 ? r : 0;
}

static int check_required(const struct args *args, corrie_error *err)
{
    const struct verb *verb = args->verb;
    char path[64];
    char name[48];

    if (!verb || args_given(args, OPT_HELP)) {
        return 0;
    }
    for (size_t i = 0; i < verb->n_positionals; i++) {
        if (verb->positionals[i].required && !args_given(args, verb->positionals[i].option)) {
            corrie_fail(err, CORRIE_E_USAGE, "%s: %s is missing", verb_path(verb, path),
                        verb->positionals[i].name);
            return corrie_hint(err, "corrie help %s shows what it takes", path);
        }
    }
    for (size_t i = 0; i < verb->n_flags; i++) {
        if (verb->flags[i].required && !args_given(args, verb->flags[i].option)) {
            corrie_fail(err, CORRIE_E_USAGE, "%s: %s %s is missing", verb_path(verb, path),
                        flag_name(&verb->flags[i], name), verb->flags[i].value);
            return corrie_hint(err, "corrie help %s shows what it takes", path);
        }
    }
    return 0;
}

int args_parse(struct args *args, int argc, char **argv, corrie_error *err)
{
    struct parser parser = {.args = args, .argc = argc, .argv = argv};
    int r;

    r = find_verb(&parser, err);
    if (r < 0) {
        return r;
    }
    if (args->verb) {
        parser.flags = args->verb->flags;
        parser.n_flags = args->verb->n_flags;
    }
    r = take_all(&parser, err);
    vec_done(&parser.words);
    return r < 0 ? r : check_required(args, err);
}

/* The flag of that name, of whatever verb as long as none is named. */
static const struct flag *find_likely(const struct parser *parser, struct str name)
{
    const struct flag *flag = find_flag(parser, name);
    bool both;

    return flag || parser->args->verb ? flag : find_anywhere(name, &both);
}

/* The flag that the word after argv[i] belongs to; NULL: to none. */
static const struct flag *flag_before(const struct parser *parser, int i)
{
    const char *word = parser->argv[i];
    const struct flag *flag = NULL;

    if (word[1] == '-') {
        flag = find_likely(parser, str_of(word)); /* none with = in it */
    }
    for (size_t at = 1; word[1] != '-' && word[at] != '\0'; at++) {
        char letter[3] = {'-', word[at], '\0'};

        flag = find_likely(parser, str_of(letter));
        if (flag && flag_has_value(flag) && word[at + 1] != '\0') {
            return NULL; /* -ojson */
        }
    }
    if (flag && flag->kind == FLAG_TOGGLE) {
        return is_on_or_off(parser->argv[i + 1]) ? flag : NULL;
    }
    return flag && flag_has_value(flag) ? flag : NULL;
}

void args_place(struct args_place *ret, int argc, char **argv)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct args args = {0};
    struct parser parser = {.args = &args, .argc = argc - 1, .argv = argv};
    const char *word = argv[argc - 1];
    const char *equals = strchr(word, '=');
    size_t taken = 0;

    *ret = (struct args_place){.value = word};
    if (find_verb(&parser, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
    ret->verb = args.verb;
    ret->group = args.group;
    if (args.verb) {
        parser.flags = args.verb->flags;
        parser.n_flags = args.verb->n_flags;
    }
    parser.argc = argc; /* what follows sees the word too, as a value that an option may take */
    for (int i = 1; i < argc - 1; i++) {
        const struct flag *flag;

        if (ret->options_ended || !is_option(argv[i])) {
            taken += i != parser.verb_words[0] && i != parser.verb_words[1];
        } else if (strcmp(argv[i], "--") == 0) {
            ret->options_ended = true;
        } else if ((flag = flag_before(&parser, i))) {
            i++; /* its value */
            ret->flag = i == argc - 1 ? flag : NULL;
        }
    }
    if (!ret->options_ended && strncmp(word, "--", 2) == 0 && equals) {
        ret->flag = find_flag(&parser, str_slice(str_of(word), 0, (size_t)(equals - word)));
        ret->value = equals + 1;
    }
    for (size_t i = 0; args.verb && i < args.verb->n_positionals; i++) {
        if (i == taken || args.verb->positionals[i].many) {
            ret->positional = &args.verb->positionals[i];
            break;
        }
    }
    args_done(&args);
}

const char *args_output(int argc, char **argv)
{
    const char *found = NULL;

    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *word = argv[i];
        struct str name = str_of(word);
        const char *equals = word[0] == '-' && word[1] == '-' ? strchr(word, '=') : NULL;
        const struct flag *flag;

        if (!is_option(word)) {
            continue;
        }
        if (equals) {
            name.len = (size_t)(equals - word);
        } else if (word[1] != '-') {
            name.len = 2;
        }
        flag = find_in(cli_flags, cli_n_flags, name);
        if (!flag || flag->option != OPT_OUTPUT) {
            continue;
        }
        if (word[name.len] != '\0') {
            found = word + name.len + (equals ? 1 : 0);
        } else if (i + 1 < argc) {
            found = argv[++i];
        }
    }
    return found;
}
