/* test_golden.c — projects of tests/golden/plan: what comes out is what is written there. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"
#include "plan/draw.h"
#include "tests/unit/plan/support.h"

/* One folder of tests/golden/plan. */
struct golden {
    struct arena arena;
    char *dir;
    json_t *description; /* case.json */
    char *project;       /* its directory */
};

static void golden_done(struct golden *golden)
{
    json_decref(golden->description);
    arena_done(&golden->arena);
}

static char *path_in(struct arena *arena, const char *dir, const char *name)
{
    return arena_printf(arena, "%s/%s", dir, name);
}

static const char *source_root(void)
{
    const char *root = os_env("CORRIE_SOURCE_ROOT");

    return root ? root : ".";
}

/* Called outside of tests too, where nothing may be asserted: no folder, no cases. */
static struct os_entry *list_cases(struct arena *arena, char **ret_dir, size_t *ret_n)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct os_entry *entries;

    *ret_n = 0;
    *ret_dir = path_in(arena, source_root(), "tests/golden/plan");
    return *ret_dir && os_dir_list(*ret_dir, arena, &entries, ret_n, &err) >= 0 ? entries : NULL;
}

static void read_case(struct golden *golden)
{
    _cleanup_(buf_done) struct buf text = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    const char *elsewhere;

    ck_ok(os_file_read(path_in(&golden->arena, golden->dir, "case.json"), 1 << 20, &text, &err),
          &err);
    ck_ok(js_parse(buf_str(&text), "case.json", &golden->description, &err), &err);
    elsewhere = json_string_value(json_object_get(golden->description, "project"));
    golden->project = elsewhere ? path_in(&golden->arena, source_root(), elsewhere)
                                : path_in(&golden->arena, golden->dir, "project");
}

static struct plan_options read_options(struct golden *golden)
{
    const json_t *options = json_object_get(golden->description, "options");
    const json_t *parameters = json_object_get(options, "parameters");
    struct str *given = arena_array(&golden->arena, struct str, json_array_size(parameters) + 1);

    for (size_t i = 0; i < json_array_size(parameters); i++) {
        given[i] = js_str(json_array_get(parameters, i));
    }
    return (struct plan_options){
        .default_namespace = js_str(json_object_get(options, "namespace")),
        .ref = STR("main"),
        .parameters = given,
        .n_parameters = json_array_size(parameters),
        .strict = json_is_true(json_object_get(options, "strict")),
        .dry_run = json_is_true(json_object_get(options, "dry_run")),
    };
}

/* Hashes depend on how the interpreter at hand writes code; that they change when they should is tested
 * elsewhere. */
static void mask_hashes(json_t *doc)
{
    json_t *nodes = json_object_get(doc, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++) {
        json_t *node = json_array_get(nodes, i);
        ck_assert_uint_eq(json_string_length(json_object_get(node, "code")), HASH_HEX);
        ck_assert_uint_eq(json_string_length(json_object_get(node, "fingerprint")), HASH_HEX);
        ck_assert_int_eq(js_set_str(node, "code", STR("…")), 0);
        ck_assert_int_eq(js_set_str(node, "fingerprint", STR("…")), 0);
    }
}

/* Messages that name the project's folder do not say where that is here. */
static void mask_folder(struct golden *golden, struct str text, struct buf *ret)
{
    struct str folder = str_of(golden->project);
    ptrdiff_t at;

    while ((at = str_find_str(text, folder)) >= 0) {
        buf_add_str(ret, str_slice(text, 0, (size_t)at));
        buf_add_text(ret, "/project");
        text = str_from(text, (size_t)at + folder.len);
    }
    buf_add_str(ret, text);
}

/* Fails with the first line that is not as written. */
static void fail_at_difference(const char *path, struct str expected, struct str found)
{
    struct str want = STR_EMPTY, have = STR_EMPTY;
    long line = 0;

    do {
        str_cut(expected, '\n', &want, &expected);
        str_cut(found, '\n', &have, &found);
        line++;
    } while (str_eq(want, have) && (expected.len > 0 || found.len > 0));
    ck_abort_msg("%s:%ld: written is\n%.*s\nwhat came out is\n%.*s", path, line,
                 STR_FMT(str_slice(want, 0, 500)), STR_FMT(str_slice(have, 0, 500)));
}

/* Compares with the file, or writes it. An empty text means that there is to be no such file. */
static void compare(struct golden *golden, const char *name, struct str text)
{
    _cleanup_(buf_done) struct buf expected = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    const char *path = path_in(&golden->arena, golden->dir, name);

    if (os_env("CORRIE_GOLDEN_UPDATE")) {
        if (text.len > 0) {
            ck_ok(os_file_replace(path, text, 0644, &err), &err);
        } else {
            ck_ok(os_unlink(path, &err), &err);
        }
        return;
    }
    int there = os_exists(path, &err);
    ck_assert_msg(there == (text.len > 0), "%s %s; what came out is:\n%.*s", path,
                  there ? "is there" : "is missing", STR_FMT(str_slice(text, 0, 500)));
    if (there) {
        ck_ok(os_file_read(path, 16 << 20, &expected, &err), &err);
        if (!str_eq(buf_str(&expected), text)) {
            fail_at_difference(path, buf_str(&expected), text);
        }
    }
}

/* project → declarations → plan; the first error ends it. */
static int make_plan(struct golden *golden, struct sample *sample)
{
    struct lake_double lake = {.tables = json_object_get(golden->description, "tables")};
    struct plan_catalog catalog = lake_catalog(&lake);
    struct plan_options options = read_options(golden);
    _cleanup_(engine_closep) struct engine *engine = NULL;

    int r = project_open(str_of(golden->project), &sample->project, &sample->err);
    if (r >= 0) {
        r = declare_read(sample->project, NULL, &sample->declarations, &sample->err);
    }
    if (r >= 0 && !json_is_false(json_object_get(golden->description, "sql"))) {
        struct engine_options locked = {.locked = true, .threads = 1, .memory = 256 << 20};
        r = engine_open(&locked, &engine, &sample->err);
    }
    return r < 0 ? r
                 : plan_build(sample->project, sample->declarations, &catalog, engine, &options,
                              &sample->plan, &sample->err);
}

static void compare_pictures(struct golden *golden, const struct plan *plan)
{
    _cleanup_(buf_done) struct buf dot = {0};
    _cleanup_(buf_done) struct buf svg = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(plan_draw_dot(plan, &dot, &err), &err);
    ck_ok(plan_draw_svg(plan, &svg, &err), &err);
    compare(golden, "plan.dot", buf_str(&dot));
    compare(golden, "plan.svg", buf_str(&svg));
}

static void compare_plan(struct golden *golden, const struct plan *plan)
{
    _cleanup_(buf_done) struct buf document = {0};
    _cleanup_(buf_done) struct buf tree = {0};
    _json_ json_t *doc = NULL;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(plan_to_json(plan, &doc, &err), &err);
    mask_hashes(doc);
    ck_ok(js_format(doc, 2, &document, &err), &err);
    buf_add_char(&document, '\n');
    ck_ok(plan_print_tree(plan, &tree, &err), &err);
    buf_add_char(&tree, '\n');
    ck_ok(plan_print_steps(plan, &tree, &err), &err);
    compare(golden, "error.txt", STR_EMPTY);
    compare(golden, "plan.txt", buf_str(&tree));
    compare(golden, "plan.json", buf_str(&document));
    if (json_is_true(json_object_get(golden->description, "pictures"))) {
        compare_pictures(golden, plan);
    }
}

START_TEST(plans_as_written)
{
    struct golden golden = {0};
    struct sample sample = {.err = CORRIE_ERROR_INIT};
    struct arena names = {0};
    char *dir;
    size_t n;
    struct os_entry *entries = list_cases(&names, &dir, &n);

    ck_assert_int_lt(_i, (int)n);
    golden.dir = path_in(&golden.arena, dir, entries[_i].name.data);
    read_case(&golden);
    if (os_exists(golden.project, &sample.err) == 0) {
        printf("# SKIP golden plan %s: %s is not there\n", entries[_i].name.data, golden.project);
    } else if (make_plan(&golden, &sample) >= 0) {
        compare_plan(&golden, sample.plan);
    } else {
        _free_ char *text = error_text(&sample.err);
        _cleanup_(buf_done) struct buf masked = {0};
        mask_folder(&golden, str_of(text), &masked);
        compare(&golden, "error.txt", buf_str(&masked));
        compare(&golden, "plan.json", STR_EMPTY);
        compare(&golden, "plan.txt", STR_EMPTY);
    }
    plan_free(sample.plan);
    declarations_free(sample.declarations);
    project_close(sample.project);
    corrie_error_clear(&sample.err);
    arena_done(&names);
    golden_done(&golden);
}
END_TEST

Suite *golden_suite(void);
Suite *golden_suite(void)
{
    struct arena arena = {0};
    char *dir;
    size_t n;
    Suite *suite = suite_create("golden");
    TCase *tcase = tcase_create("plan");

    (void)list_cases(&arena, &dir, &n);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, plans_as_written, 0, n > 0 ? (int)n : 1);
    suite_add_tcase(suite, tcase);
    arena_done(&arena);
    return suite;
}
