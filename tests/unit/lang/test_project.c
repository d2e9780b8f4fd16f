/* The project file is the first thing a user writes: what is wrong in it must be said where it is. */
#include "lang/project.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "tests/unit/check.h"

#define HEAD "project: {id: 550e8400-e29b-41d4-a716-446655440000, name: shop}\n"

static struct arena arena;

static struct project *parse(const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct project *project;
    ck_ok(project_parse("corrie.yaml", str_of(text), &arena, &project, &err), &err);
    return project;
}

START_TEST(everything_is_read)
{
    struct project *project = parse("project:\n"
                                    "  id: 550e8400-e29b-41d4-a716-446655440000\n"
                                    "  name: \"my shop\"\n"
                                    "  description: >\n"
                                    "    two\n"
                                    "    lines\n"
                                    "defaults:\n"
                                    "  python:\n"
                                    "    version: 3.10\n"
                                    "    packages:\n"
                                    "      - {name: polars, version: 1.10}\n"
                                    "      - name: pandas\n"
                                    "      - duckdb==1.5.6\n"
                                    "  namespace: shop\n"
                                    "  timeout: 600\n"
                                    "parameters:\n"
                                    "  threshold: {type: float, default: 1.5, description: low}\n"
                                    "  fast: {type: bool, default: Yes}\n"
                                    "  n: {type: int, default: +007, required: true}\n"
                                    "  token: {type: secret, default: 'env:T', key: arn}\n"
                                    "include-paths: [views/a.sql]\n");

    ck_str_eq(project->id.text, STR("550e8400-e29b-41d4-a716-446655440000"));
    ck_str_eq(project->name.text, STR("my shop"));
    ck_str_eq(project->description.text, STR("two lines\n"));
    ck_str_eq(project->python_version.text, STR("3.10"));
    ck_assert_uint_eq(project->n_packages, 3);
    ck_str_eq(project->packages[0].version.text, STR("1.10"));
    ck_assert_int_eq(project->packages[0].version.line, 11);
    ck_assert_int_eq(project->packages[0].version.column, 33);
    ck_assert_int_eq(project->packages[1].version.line, 0);
    ck_str_eq(project->packages[2].name.text, STR("duckdb"));
    ck_str_eq(project->packages[2].version.text, STR("1.5.6"));
    ck_str_eq(project->ns.text, STR("shop"));
    ck_assert_int_eq(project->timeout, 600);
    ck_assert_uint_eq(project->n_parameters, 4);
    ck_assert(project->parameters[0].default_value.f == 1.5);
    ck_assert_int_eq(project->parameters[1].default_value.i, 1);
    ck_str_eq(project->parameters[1].default_value.text, STR("true"));
    ck_str_eq(project->parameters[2].default_value.text, STR("7"));
    ck_assert(project->parameters[2].required);
    ck_assert_int_eq(project_find_parameter(project, STR("token"))->type, PARAM_SECRET);
    ck_assert_ptr_null(project_find_parameter(project, STR("nope")));
    ck_str_eq(project->include_paths[0].text, STR("views/a.sql"));
}
END_TEST

START_TEST(packages_as_a_mapping)
{
    struct project *project = parse(
        HEAD "defaults: {python: {packages: {polars: 1.15.0, 'pandas[performance]': null}}}\n");
    ck_assert_uint_eq(project->n_packages, 2);
    ck_str_eq(project->packages[0].name.text, STR("polars"));
    ck_str_eq(project->packages[0].version.text, STR("1.15.0"));
    ck_assert_uint_eq(project->packages[1].version.text.len, 0);
    ck_assert_uint_eq(project->n_extras, 0);
}
END_TEST

/* Sets of packages that functions ask for by name. */
START_TEST(extras_are_lists_of_packages)
{
    struct project *project =
        parse(HEAD "extras: {ai: [openai==1.2, {name: tiktoken}], none: , plots: {altair: '5'}}\n");

    ck_assert_uint_eq(project->n_extras, 3);
    ck_str_eq(project->extras[0].name.text, STR("ai"));
    ck_assert_uint_eq(project->extras[0].n_packages, 2);
    ck_str_eq(project->extras[0].packages[0].version.text, STR("1.2"));
    ck_assert_uint_eq(project->extras[1].n_packages, 0);
    ck_str_eq(project->extras[2].packages[0].name.text, STR("altair"));
    ck_assert_uint_eq(project->n_packages, 0);
}
END_TEST

START_TEST(sections_may_be_empty)
{
    struct project *project = parse(HEAD "defaults:\nparameters: {}\ninclude_paths: ~\n");
    ck_assert_uint_eq(project->n_parameters + project->n_packages + project->n_include_paths, 0);
    ck_assert_int_eq(project->timeout, 0);
}
END_TEST

static void fails_at(const char *text, long line, long column, const char *part, const char *hint)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct project *project;

    int r = project_parse("corrie.yaml", str_of(text), &arena, &project, &err);
    ck_assert_msg(r == CORRIE_E_PROJECT, "%s: %s", text, corrie_code_name(r));
    ck_assert_msg(strstr(corrie_error_message(&err), part) != NULL, "%s: \"%s\" lacks \"%s\"", text,
                  corrie_error_message(&err), part);
    ck_assert_msg(err.position.line == line && err.position.column == column,
                  "%s: at %ld:%ld, expected %ld:%ld", text, err.position.line, err.position.column,
                  line, column);
    ck_assert_msg(!hint || (err.hint && strstr(err.hint, hint)), "%s: hint \"%s\" lacks \"%s\"",
                  text, err.hint ? err.hint : "", hint ? hint : "");
}

START_TEST(wrong_yaml)
{
    fails_at("project:\n\tid: x\n", 2, 1, "a tab", "spaces");
    fails_at("project:\n  id: x\n   name: y\n", 2, 7, "malformed YAML", "indentation");
    fails_at("project: [1,\n", 2, 1, "malformed YAML", NULL);
    fails_at("project: {id: x, id: y}\n", 1, 18, "given twice", "line 1");
    fails_at("a: &x 1\n", 1, 7, "anchors", NULL);
    fails_at("a: !!str 1\n", 1, 10, "anchors and tags", NULL);
    fails_at("a: [1]\nb: *x\n", 2, 4, "aliases", NULL);
    fails_at("a: 1\n---\nb: 2\n", 2, 1, "second document", NULL);
    fails_at("? [a]\n: 1\n", 1, 3, "a key must be", NULL);
    fails_at("project: \"\xff\"\n", 1, 11, "not UTF-8", NULL);
    fails_at("# nothing\n", 0, 0, "is empty", "project:");
    fails_at("", 0, 0, "is empty", NULL);
}
END_TEST

START_TEST(wrong_keys_and_values)
{
    fails_at("projct: {}\n", 1, 1, "no key \"projct\"", "did you mean project?");
    fails_at("parameters: {}\n", 1, 1, "project is missing", NULL);
    fails_at("[1]\n", 1, 1, "must be keys and values, not a list", NULL);
    fails_at("project: shop\n", 1, 10, "project must be keys and values, not a text", NULL);
    fails_at("project: {name: a}\n", 1, 1, "project.id is missing", "id: ");
    fails_at("project: {id: 12, name: a}\n", 1, 15, "no UUID", NULL);
    fails_at("project: {id: 550e8400-e29b-41d4-a716-446655440000}\n", 1, 1,
             "project.name is missing", NULL);
    fails_at("project: {id: [1], name: a}\n", 1, 15, "project.id must be a text, not a list", NULL);
    fails_at(HEAD "defaults: {timeot: 1}\n", 2, 12, "no key \"timeot\"", "timeout");
    fails_at(HEAD "defaults: {timeout: soon}\n", 2, 21, "whole number of seconds", NULL);
    fails_at(HEAD "defaults: {timeout: 0}\n", 2, 21, "whole number of seconds", NULL);
    fails_at(HEAD "defaults: {namespace: a.b}\n", 2, 23, "namespace name", NULL);
    fails_at(HEAD "defaults: {python: {version: latest}}\n", 2, 30, "no Python version", "3.11");
    fails_at(HEAD "defaults: {python: {packages: polars}}\n", 2, 31, "must be a list", NULL);
    fails_at(HEAD "extras: {ai: openai}\n", 2, 14, "an extra must be a list", NULL);
    fails_at(HEAD "extras: [ai]\n", 2, 9, "extras must be keys and values", NULL);
    fails_at(HEAD "extras: {ai: [a-b, A_b]}\n", 2, 20, "listed twice", NULL);
    fails_at(HEAD "defaults: {python: {packages: [{version: 1}]}}\n", 2, 32, "name of a package",
             NULL);
    fails_at(HEAD "defaults: {python: {packages: [a b]}}\n", 2, 32, "no package name", NULL);
    fails_at(HEAD "defaults: {python: {packages: [a==]}}\n", 2, 32, "version is missing", NULL);
    fails_at(HEAD "defaults: {python: {packages: [a-b, A_b]}}\n", 2, 37, "listed twice", NULL);
    fails_at(HEAD "parameters: {p: {type: integer}}\n", 2, 24, "unknown type", NULL);
    fails_at(HEAD "parameters: {p: {type: boolen}}\n", 2, 24, "unknown type", "bool");
    fails_at(HEAD "parameters: {p: {default: 1}}\n", 2, 14, "type of a parameter", NULL);
    fails_at(HEAD "parameters: {p: {type: int, default: x1}}\n", 2, 38, "no integer", NULL);
    fails_at(HEAD "parameters: {p: {type: bool, default: 2}}\n", 2, 39, "no boolean",
             "true or false");
    fails_at(HEAD "parameters: {p: {type: int, required: maybe}}\n", 2, 39, "no boolean", NULL);
    fails_at(HEAD "parameters: {1p: {type: int}}\n", 2, 14, "no parameter name", NULL);
    fails_at(HEAD "parameters: [a]\n", 2, 13, "parameters must be", NULL);
    fails_at(HEAD "include_paths: a.sql\n", 2, 16, "must be a list", NULL);
    fails_at(HEAD "include_paths: [a/../../b.sql]\n", 2, 17, "stay in the project", NULL);
    fails_at(HEAD "include_paths: [/etc/x.sql]\n", 2, 17, "stay in the project", NULL);
    fails_at(HEAD "include_paths: []\ninclude-paths: []\n", 3, 1, "given twice", NULL);
}
END_TEST

START_TEST(limits_hold)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct project *project;
    _cleanup_(buf_done) struct buf text = {0};

    buf_add_fill(&text, '[', CORRIE_MAX_PROJECT_DEPTH + 1);
    ck_fails(project_parse("p", buf_str(&text), &arena, &project, &err), CORRIE_E_LIMIT, &err);
    buf_clear(&text);
    buf_add_char(&text, '[');
    for (int i = 0; i < CORRIE_MAX_PROJECT_NODES; i++) {
        buf_add_text(&text, "a,");
    }
    buf_add_char(&text, ']');
    ck_fails(project_parse("p", buf_str(&text), &arena, &project, &err), CORRIE_E_LIMIT, &err);
    buf_clear(&text);
    buf_add_fill(&text, ' ', CORRIE_MAX_PROJECT + 1);
    ck_fails(project_parse("p", buf_str(&text), &arena, &project, &err), CORRIE_E_LIMIT, &err);
}
END_TEST

START_TEST(later_errors_find_their_place)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct project *project = parse(HEAD "defaults:\n  python: {packages: [pollars==9]}\n");

    corrie_fail(&err, CORRIE_E_PROJECT, "no such package");
    project_error_at(project, &project->packages[0].name, &err);
    ck_assert_int_eq(err.position.line, 3);
    ck_assert_int_eq(err.position.column, 23);
    ck_assert_int_eq(err.position.width, 7);
    ck_assert_str_eq(err.position.text, "  python: {packages: [pollars==9]}");
    ck_assert_str_eq(err.position.file, "corrie.yaml");
}
END_TEST

START_TEST(values_from_the_command_line)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct param_value value;

    ck_ok(param_parse(PARAM_BOOL, STR("OFF"), &arena, &value, &err), &err);
    ck_str_eq(value.text, STR("false"));
    ck_ok(param_parse(PARAM_FLOAT, STR("1e3"), &arena, &value, &err), &err);
    ck_assert(value.f == 1000.0);
    ck_ok(param_parse(PARAM_STR, STR(""), &arena, &value, &err), &err);
    ck_fails(param_parse(PARAM_INT, STR("1.5"), &arena, &value, &err), CORRIE_E_USAGE, &err);
    ck_fails(param_parse(PARAM_INT, STR("99999999999999999999"), &arena, &value, &err),
             CORRIE_E_USAGE, &err);
    ck_fails(param_parse(PARAM_FLOAT, STR("nan"), &arena, &value, &err), CORRIE_E_USAGE, &err);
}
END_TEST

static int fail_after(void *arg)
{
    return --*(int *)arg < 0;
}

START_TEST(memory_may_run_out_anywhere)
{
    _cleanup_(buf_done) struct buf text = {0};
    int k = 0;
    int r;

    /* Enough for several chunks of the arena. */
    buf_add_text(&text, HEAD "defaults: {python: {packages: [a, b==1]}}\nparameters:\n");
    for (int i = 0; i < 100; i++) {
        buf_addf(&text, "  p%d: {type: int, default: %d}\n", i, i);
    }
    do {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(arena_done) struct arena own = {0};
        struct project *project;
        int left = k++;
        mem_set_fault(fail_after, &left);
        r = project_parse("p", buf_str(&text), &own, &project, &err);
        mem_set_fault(NULL, NULL);
        ck_assert(r == 0 || r == CORRIE_E_NO_MEMORY);
    } while (r < 0);
    ck_assert_int_gt(k, 3);
}
END_TEST

SUITE(project_suite, "project", everything_is_read, packages_as_a_mapping,
      extras_are_lists_of_packages, sections_may_be_empty, wrong_yaml, wrong_keys_and_values,
      limits_hold, later_errors_find_their_place, values_from_the_command_line,
      memory_may_run_out_anywhere)
