/* The table of verbs keeps what its readers rely on: a broken entry would be a command that cannot be called. */
#include <string.h>

#include "cli/spec.h"
#include "tests/unit/check.h"

START_TEST(test_every_verb_is_complete)
{
    for (size_t i = 0; verb_at(i); i++) {
        const struct verb *verb = verb_at(i);
        char path[64];

        ck_assert_msg(verb->run && verb->chapter && verb->summary &&
                          (verb->examples || verb->hidden),
                      "%s", verb_path(verb, path));
        ck_assert_ptr_eq(
            verb_find(verb->group ? verb->group : verb->name, verb->group ? verb->name : NULL),
            verb);
        ck_assert_msg(verb->summary[strlen(verb->summary) - 1] != '.', "%s: half a sentence", path);
    }
}
END_TEST

START_TEST(test_positionals_can_be_told_apart)
{
    for (size_t i = 0; verb_at(i); i++) {
        bool optional = false;

        for (size_t p = 0; p < verb_at(i)->n_positionals; p++) {
            const struct positional *positional = &verb_at(i)->positionals[p];

            ck_assert(!positional->many || p + 1 == verb_at(i)->n_positionals);
            ck_assert(!optional || !positional->required);
            optional = optional || !positional->required;
        }
    }
}
END_TEST

static const struct flag *find(const struct flag *flags, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const char *at = flags[i].names;
        char each[48];

        while (flag_next_name(&at, each)) {
            if (strcmp(each, name) == 0) {
                return &flags[i];
            }
        }
    }
    return NULL;
}

/* Each name of `flag`, long ones only if asked, must mean the same kind of thing in all other verbs. */
static void check_names(const struct flag *flag)
{
    const char *at = flag->names;
    char name[48];
    bool has_long = false;

    while (flag_next_name(&at, name)) {
        has_long = has_long || name[1] == '-';
        if (name[1] != '-') {
            ck_assert_msg(strlen(name) == 2, "%s", name);
            continue;
        }
        for (size_t v = 0; verb_at(v); v++) {
            const struct flag *other = find(verb_at(v)->flags, verb_at(v)->n_flags, name);

            ck_assert_msg(!other || flag_has_value(other) == flag_has_value(flag), "%s", name);
        }
    }
    ck_assert_msg(has_long, "%s", flag->names);
    ck_assert_msg(flag->help && (flag->value != NULL) == flag_has_value(flag), "%s", flag->names);
}

START_TEST(test_long_options_can_be_read_before_the_verb)
{
    for (size_t f = 0; f < cli_n_flags; f++) {
        check_names(&cli_flags[f]);
    }
    for (size_t v = 0; verb_at(v); v++) {
        for (size_t f = 0; f < verb_at(v)->n_flags; f++) {
            check_names(&verb_at(v)->flags[f]);
        }
    }
}
END_TEST

START_TEST(test_no_name_means_two_things_in_one_verb)
{
    for (size_t v = 0; verb_at(v); v++) {
        const struct verb *verb = verb_at(v);

        for (size_t f = 0; f < verb->n_flags; f++) {
            const char *at = verb->flags[f].names;
            char name[48];

            while (flag_next_name(&at, name)) {
                ck_assert_msg(find(verb->flags, verb->n_flags, name) == &verb->flags[f], "%s",
                              name);
                ck_assert_msg(!find(cli_flags, cli_n_flags, name), "%s", name);
            }
        }
    }
}
END_TEST

SUITE(spec_suite, "spec", test_every_verb_is_complete, test_positionals_can_be_told_apart,
      test_long_options_can_be_read_before_the_verb, test_no_name_means_two_things_in_one_verb)
