#include <unistd.h>

#include "base/mem.h"
#include "lang/project.h"
#include "tests/unit/plan/support.h"

/* Opens sample->dir; on failure the error as text (heap), else NULL. */
static char *open_error(struct sample *sample)
{
    int r = project_open(str_of(sample->dir), &sample->project, &sample->err);

    return r < 0 ? error_text(&sample->err) : NULL;
}

static void expect_error(struct sample *sample, const char *part)
{
    _free_ char *text = open_error(sample);

    ck_assert_msg(text != NULL, "opened, expected: %s", part);
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" has no \"%s\"", text, part);
}

START_TEST(finds_sources)
{
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "include_paths: [\"views/*.sql\", \"views/*/deep_*.sql\"]\n");
    sample_file(&sample, "models.py", "import corrie\n");
    sample_file(&sample, "a.sql", "SELECT 1 AS x");
    sample_file(&sample, ".hidden.py", "syntax error");
    sample_file(&sample, "notes.txt", "no source");
    sample_file(&sample, "views/b.sql", "SELECT 2 AS x");
    sample_file(&sample, "views/helper.py", "not included");
    sample_file(&sample, "views/x/deep_c.sql", "SELECT 3 AS x");
    sample_file(&sample, "views/x/other.sql", "SELECT 4 AS x");
    sample_file(&sample, "other/d.sql", "not included");
    _free_ char *text = open_error(&sample);
    ck_assert_msg(text == NULL, "%s", text);

    static const char *const paths[] = {"a.sql", "models.py", "views/b.sql", "views/x/deep_c.sql"};
    ck_assert_uint_eq(sample.project->n_sources, ARRAY_LEN(paths));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        ck_str_eq(sample.project->sources[i].path, str_of(paths[i]));
        ck_assert_ptr_eq(project_source(sample.project, str_of(paths[i])),
                         &sample.project->sources[i]);
    }
    ck_assert_ptr_null(project_source(sample.project, STR("views/helper.py")));
    ck_assert(!sample.project->bauplan);
    ck_str_eq(project_namespace(sample.project), STR("public"));
    ck_str_eq(sample.project->settings->name.text, STR("sample"));
    sample_done(&sample);
}
END_TEST

/* A file behind a link that leaves the project would become part of a job's record. */
START_TEST(links_stay_inside)
{
    struct sample sample;
    _cleanup_(buf_done) struct buf path = {0};

    sample_init(&sample);
    sample_project(&sample, "");
    sample_file(&sample, "real.sql", "SELECT 1 AS x");
    buf_addf(&path, "%s/inside.sql", sample.dir);
    ck_assert_int_eq(symlink("real.sql", buf_text(&path)), 0);
    buf_clear(&path);
    buf_addf(&path, "%s/outside.py", sample.dir);
    ck_assert_int_eq(symlink("/etc/hostname", buf_text(&path)), 0);
    buf_clear(&path);
    buf_addf(&path, "%s/dangling.py", sample.dir);
    ck_assert_int_eq(symlink("nowhere", buf_text(&path)), 0);
    _free_ char *text = open_error(&sample);
    ck_assert_msg(text == NULL, "%s", text);
    ck_assert_uint_eq(sample.project->n_sources, 2);
    ck_str_eq(sample.project->sources[0].path, STR("inside.sql"));
    ck_str_eq(sample.project->sources[1].path, STR("real.sql"));
    sample_done(&sample);
}
END_TEST

START_TEST(says_what_is_no_project)
{
    struct sample sample;

    sample_init(&sample);
    expect_error(&sample, "is not a project: no corrie.yaml or bauplan_project.yml");
    ck_assert_int_eq(sample.err.code, CORRIE_E_NOT_FOUND);
    sample_project(&sample, "");
    sample_file(&sample, "bauplan_project.yml", "project: {id: x, name: y}\n");
    expect_error(&sample, "two project files: corrie.yaml and bauplan_project.yml");
    ck_assert_int_eq(sample.err.code, CORRIE_E_PROJECT);
    sample_done(&sample);

    corrie_error err = CORRIE_ERROR_INIT;
    struct project_dir *none = NULL;
    ck_fails(project_open(STR("/no/such/place"), &none, &err), CORRIE_E_NOT_FOUND, &err);
    ck_fails(project_open(STR("/dev/null"), &none, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

START_TEST(says_what_is_wrong_in_files)
{
    struct sample sample;

    sample_init(&sample);
    sample_project(&sample, "");
    sample_file(&sample, "m.py", "a = 1\nb = '\xff'\n");
    expect_error(&sample, "m.py is not UTF-8: byte 0xff at offset 11");
    ck_assert_int_eq(sample.err.position.line, 2);
    sample_file(&sample, "m.py", "");
    static const char *const bad[] = {"../x.sql", "/etc/x.sql", "a/../x.sql", "a//b.sql", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        _cleanup_(buf_done) struct buf more = {0};
        buf_addf(&more, "include_paths: [\"%s\"]\n", bad[i]);
        sample_project(&sample, buf_text(&more));
        expect_error(&sample, "corrie.yaml:4:");
    }
    sample_project(&sample, "include_paths: [\"**/x.txt\"]\n");
    expect_error(&sample, "is not understood");
    sample_project(&sample, "include_paths: [\"views/x.sql\"]\n");
    expect_error(&sample, "there is no such file");
    sample_project(&sample, "include_paths: [\"views/*.sql\"]\n");
    sample_file(&sample, "views/a.sql", "SELECT 1 AS x");
    _cleanup_(buf_done) struct buf path = {0};
    buf_addf(&path, "%s/views/out.sql", sample.dir);
    ck_assert_int_eq(symlink("/etc/hostname", buf_text(&path)), 0);
    expect_error(&sample, "views/out.sql is a link that leads out of the project");
    sample_done(&sample);
}
END_TEST

/* What git leaves out is somebody's scratch, or a secret: it must not become part of a job's record. */
START_TEST(leaves_out_what_git_ignores)
{
    static const char *const paths[] = {"a.sql", "in/b.sql", "in/deep/c.sql",
                                        "in/deep/keep.tmp.sql"};
    struct sample sample;
    _cleanup_(buf_done) struct buf path = {0};

    sample_init(&sample);
    sample_file(&sample, ".gitignore", "outer*.sql\n");
    sample_file(&sample, ".git/config", "");
    buf_addf(&path, "%s/p", sample.dir);
    sample_file(&sample, "p/corrie.yaml",
                "project: {id: 550e8400-e29b-41d4-a716-446655440000, name: x}\n"
                "include_paths: [\"in/**/*.sql\", \"in/*.sql\"]\n");
    sample_file(&sample, "p/.gitignore", "*.tmp.sql\n/scratch.py\nin/drafts/\n");
    sample_file(&sample, "p/a.sql", "SELECT 1 AS x");
    sample_file(&sample, "p/outer_1.sql", "SELECT 1 AS x");
    sample_file(&sample, "p/a.tmp.sql", "SELECT 1 AS x");
    sample_file(&sample, "p/scratch.py", "syntax error");
    sample_file(&sample, "p/in/b.sql", "SELECT 1 AS x");
    sample_file(&sample, "p/in/drafts/d.sql", "SELECT 1 AS x");
    sample_file(&sample, "p/in/deep/c.sql", "SELECT 1 AS x");
    sample_file(&sample, "p/in/deep/.gitignore", "!keep.tmp.sql\n");
    sample_file(&sample, "p/in/deep/keep.tmp.sql", "SELECT 1 AS x");
    ck_ok(project_open(buf_str(&path), &sample.project, &sample.err), &sample.err);
    ck_assert_uint_eq(sample.project->n_sources, ARRAY_LEN(paths));
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        ck_str_eq(sample.project->sources[i].path, str_of(paths[i]));
    }
    sample_done(&sample);
}
END_TEST

START_TEST(knows_the_other_spelling)
{
    struct sample sample;

    sample_init(&sample);
    sample_file(&sample, "bauplan_project.yaml",
                "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: x\n");
    _free_ char *text = open_error(&sample);
    ck_assert_msg(text == NULL, "%s", text);
    ck_assert(sample.project->bauplan);
    ck_str_eq(project_namespace(sample.project), STR("bauplan"));
    ck_assert_uint_eq(sample.project->n_sources, 0);
    sample_done(&sample);
}
END_TEST

SUITE(project_suite, "project", finds_sources, links_stay_inside, says_what_is_no_project,
      says_what_is_wrong_in_files, leaves_out_what_git_ignores, knows_the_other_spelling)
