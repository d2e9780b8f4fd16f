/* Command lines as people write them. A word read as something else is a command that does something else. */
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "tests/unit/check.h"

static char *argv[32];

/* Splits `line` at spaces (no quoting): argv, and argc. */
static int split(const char *line)
{
    static char text[512];
    int argc = 0;

    snprintf(text, sizeof text, "corrie %s", line);
    for (char *at = text; at;) {
        char *space = strchr(at, ' ');

        argv[argc++] = at;
        if (space) {
            *space = '\0';
        }
        at = space ? space + 1 : NULL;
    }
    return argc;
}

static int parse(struct args *args, const char *line, corrie_error *err)
{
    *args = (struct args){0};
    return args_parse(args, split(line), argv, err);
}

static void expect(const char *line, const char *path, enum option option, const char *value)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(args_done) struct args args;
    char scratch[64];

    ck_ok(parse(&args, line, &err), &err);
    ck_assert_msg(args.verb && strcmp(verb_path(args.verb, scratch), path) == 0, "%s", line);
    if (value) {
        ck_assert_msg(args_given(&args, option) && strcmp(args_text(&args, option), value) == 0,
                      "%s: %s", line,
                      args_given(&args, option) ? args_text(&args, option) : "(nothing)");
    } else {
        ck_assert_msg(!args_given(&args, option), "%s", line);
    }
}

static void refuse(const char *line, const char *word)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(args_done) struct args args;

    ck_assert_int_eq(parse(&args, line, &err), CORRIE_E_USAGE);
    ck_assert_msg(strstr(corrie_error_message(&err), word) || (err.hint && strstr(err.hint, word)),
                  "%s: %s", line, corrie_error_message(&err));
}

START_TEST(test_options_stand_anywhere)
{
    expect("table get t --ref dev", "table get", OPT_REF, "dev");
    expect("--ref dev table get t", "table get", OPT_REF, "dev");
    expect("table --ref dev get t", "table get", OPT_REF, "dev");
    expect("table --ref=dev get t", "table get", OPT_REF, "dev");
    expect("-r dev table get t", "table get", OPT_REF, "dev");
    expect("-rdev table get t", "table get", OPT_REF, "dev");
    expect("--ref table table get t", "table get", OPT_REF, "table");
    expect("--ref dev table get t", "table get", OPT_NAME, "t");
    expect("-o json table get t", "table get", OPT_OUTPUT, "json");
    expect("table get t -O csv -o json", "table get", OPT_OUTPUT, "json");
    expect("table get t --ref a=b", "table get", OPT_REF, "a=b");
}
END_TEST

START_TEST(test_a_letter_may_be_a_switch_or_take_a_value)
{
    expect("checkout -b ada.x", "checkout", OPT_BRANCH, "ada.x");
    expect("checkout -b ada.x", "checkout", OPT_CREATE, "on");
    expect("checkout ada.x -b", "checkout", OPT_CREATE, "on");
    expect("-b checkout ada.x", "checkout", OPT_CREATE, "on");
    expect("-b dev import f.csv", "import", OPT_BRANCH, "dev");
    expect("log -n 5", "log", OPT_MAX_COUNT, "5");
    expect("log -n5 dev", "log", OPT_REF, "dev");
    expect("table ls -n shop", "table ls", OPT_NAMESPACE, "shop");
    expect("-xo json table ls", "table ls", OPT_OUTPUT, "json");
    expect("table ls -xojson", "table ls", OPT_OUTPUT, "json");
    expect("table ls -xy", "table ls", OPT_SIDEWAYS, "on");
}
END_TEST

START_TEST(test_toggles)
{
    expect("run --strict", "run", OPT_STRICT, "on");
    expect("run --strict on", "run", OPT_STRICT, "on");
    expect("run --strict off", "run", OPT_STRICT, "off");
    expect("run --strict=off", "run", OPT_STRICT, "off");
    expect("--strict off run", "run", OPT_STRICT, "off");
    expect("--strict run", "run", OPT_STRICT, "on");
    expect("run --dry-run --strict on", "run", OPT_DRY_RUN, "on");
    refuse("run --strict=maybe", "on or off");
    refuse("table get t --ref=", "is empty"); /* a variable of a script that is not set */
    refuse("run --strict maybe", "maybe");
}
END_TEST

START_TEST(test_groups_aliases_and_the_end_of_options)
{
    expect("table --namespace shop", "table ls", OPT_NAMESPACE, "shop");
    expect("branch", "branch ls", OPT_ALL, NULL);
    expect("branch -a", "branch ls", OPT_ALL, "on");
    expect("branch delete x", "branch rm", OPT_BRANCH, "x");
    expect("commit --limit 0", "commit ls", OPT_MAX_COUNT, "0");
    expect("commit dev", "commit ls", OPT_REF,
           "dev"); /* no verb of the group: an argument of its default */
    expect("commit ls dev", "commit ls", OPT_REF, "dev");
    refuse("branch dev", "no command branch dev");
    refuse("tag v1", "no command tag v1");
    expect("table delete --branch dev shop.t", "table rm", OPT_NAME, "shop.t");
    expect("table delete --branch dev shop.t", "table rm", OPT_BRANCH, "dev");
    expect("namespace delete shop", "namespace rm", OPT_NAMESPACE, "shop");
    expect("tag delete v1", "tag rm", OPT_TAG, "v1");
    expect("table revert t --source-ref dev~1 -i dev", "table revert", OPT_OTHER_REF, "dev~1");
    expect("table revert t dev~1 -b dev", "table revert", OPT_BRANCH, "dev");
    expect("branch create -- -x", "branch create", OPT_BRANCH, "-x");
    expect("query -", "query", OPT_SQL, "-");
    expect("parameter set p -3", "parameter set", OPT_VALUE, "-3");
    expect("help branch create", "help", OPT_WORDS, "create");
}
END_TEST

START_TEST(test_a_place_is_taken_once)
{
    expect("table get --name t", "table get", OPT_NAME, "t");
    expect("table get t", "table get", OPT_NAME, "t");
    refuse("table get --name t u", "u");
    refuse("table get t u", "u");
    refuse("table get u --name t", "u");
    refuse("table get", "NAME");
}
END_TEST

START_TEST(test_lists_keep_all)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(args_done) struct args args;

    ck_ok(parse(&args, "run --param a=1 --param b=2 --param a=3", &err), &err);
    ck_assert_uint_eq(args.of[OPT_PARAM].count, 3);
    ck_assert_str_eq(args.of[OPT_PARAM].items[1], "b=2");
    args_done(&args);
    ck_ok(parse(&args, "import a.csv b.csv --null NA c.csv --null -", &err), &err);
    ck_assert_uint_eq(args.of[OPT_URI].count, 3);
    ck_assert_str_eq(args.of[OPT_URI].items[2], "c.csv");
    ck_assert_str_eq(args.of[OPT_NULL].items[1], "-");
    ck_assert_int_eq(args_number(&args, OPT_MAX_ROWS, 7), 7);
}
END_TEST

START_TEST(test_mistakes_get_the_nearest)
{
    refuse("bransh ls", "branch");
    refuse("branch lst", "ls");
    refuse("--lake x tabel ls", "table");
    refuse("table ls --namespce x", "--namespace");
    refuse("--nosuch table ls", "--nosuch");
    refuse("-Z table ls", "-Z");
    refuse("table ls --ref", "--ref");
    refuse("table ls -r", "--ref");
    refuse("log -n many", "number");
    refuse("log -n -1", "number");
    refuse("log -n 99999999999999999999", "number");
    refuse("table ls --color blue", "never");
    refuse("table ls --all", "--all");
}
END_TEST

START_TEST(test_the_format_of_errors_is_found_in_any_line)
{
    char *lines[][6] = {{"corrie", "nope", "-o", "json", NULL},
                        {"corrie", "-ojson", "nope", NULL},
                        {"corrie", "nope", "--output=json", NULL},
                        {"corrie", "--output", "json", "nope", NULL},
                        {"corrie", "-O", "csv", "-o", "json", NULL}};
    char *none[] = {"corrie", "query", "--", "-o", "json", NULL};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        int argc = 0;

        while (lines[i][argc]) {
            argc++;
        }
        ck_assert_str_eq(args_output(argc, lines[i]), "json");
    }
    ck_assert_ptr_null(args_output(5, none));
    ck_assert_ptr_null(args_output(1, none));
}
END_TEST

/* What the last word of `line` would be: the place of an option's value or of an argument, or a command. */
static void expect_place(const char *line, const char *path, enum option option, const char *value)
{
    struct args_place place;
    char scratch[64];
    enum option is;

    args_place(&place, split(line), argv);
    is = place.flag ? place.flag->option : place.positional ? place.positional->option : OPT_NONE;
    ck_assert_msg(path ? place.verb && strcmp(verb_path(place.verb, scratch), path) == 0
                       : !place.verb,
                  "%s", line);
    ck_assert_msg(is == option, "%s: %d", line, is);
    ck_assert_msg(strcmp(place.value, value) == 0, "%s: %s", line, place.value);
}

START_TEST(test_the_last_word_of_an_unfinished_line)
{
    struct args_place place;

    expect_place("br", NULL, OPT_NONE, "br");
    expect_place("--lake /x br", NULL, OPT_NONE, "br");
    expect_place("--lake /x", NULL, OPT_LAKE, "/x");
    expect_place("table get ", "table get", OPT_NAME, "");
    expect_place("table get t ", "table get", OPT_NONE, "");
    expect_place("table get t --ref ma", "table get", OPT_REF, "ma");
    expect_place("table get t --ref=ma", "table get", OPT_REF, "ma");
    expect_place("table get t -xo js", "table get", OPT_OUTPUT, "js");
    expect_place("table --ref dev get ", "table get", OPT_NAME, "");
    expect_place("run --strict ", "run", OPT_NONE, "");
    expect_place("checkout -b ", "checkout", OPT_BRANCH, "");
    expect_place("import a.csv b.csv ", "import", OPT_URI, "");
    expect_place("diff main ", "diff", OPT_OTHER_REF, "");
    expect_place("branch create -- --ref=x", "branch create", OPT_BRANCH, "--ref=x");
    expect_place("nosuch --ref ", NULL, OPT_REF, "");
    args_place(&place, split("branch cr"), argv);
    ck_assert_str_eq(place.group, "branch");
}
END_TEST

SUITE(args_suite, "args", test_options_stand_anywhere,
      test_a_letter_may_be_a_switch_or_take_a_value, test_toggles,
      test_groups_aliases_and_the_end_of_options, test_a_place_is_taken_once, test_lists_keep_all,
      test_mistakes_get_the_nearest, test_the_format_of_errors_is_found_in_any_line,
      test_the_last_word_of_an_unfinished_line)
