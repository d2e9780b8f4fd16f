/* corrie_run: projects of SQL models, and one of Python. */
#include <string.h>

#include "arrow/table.h"
#include "fixture.h"

#define PROJECT "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n"

static void make_project(struct fixture *f)
{
    _json_ json_t *document = NULL;

    ck_ok(import_file(f, put_file(f, "a.csv", "n,s\n1,x\n2,y\n3,\n"), "orders",
                      CORRIE_IMPORT_APPEND, &document),
          &f->err);
    put_file(f, "p/corrie.yaml", PROJECT);
    put_file(f, "p/big.sql",
             "-- corrie: name=big\nSELECT n, n * 10 AS tenfold FROM orders WHERE n > 1\n");
    put_file(f, "p/total.sql",
             "-- corrie: name=total materialization_strategy=REPLACE\n"
             "SELECT sum(tenfold)::BIGINT AS total FROM big\n");
}

static int run_with(struct fixture *f, corrie_run_options options, json_t **ret)
{
    char *text;
    int r;

    options.size = sizeof options;
    options.project_dir = in_dir(f, "p");
    r = corrie_run(f->lake, &options, &text, &f->err);
    if (r >= 0) {
        *ret = parse_document(text);
    }
    return r;
}

/* What was told, in order, without the plan's text: "plan job start:big done:big …". */
static const char *told(struct fixture *f)
{
    static char text[2000];

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(f->events); i++) {
        const json_t *event = json_array_get(f->events, i);
        const char *node = text_of(event, "node");
        size_t used = strlen(text);

        snprintf(text + used, sizeof text - used, "%s%s%s%s", i > 0 ? " " : "",
                 text_of(event, "kind"), *node ? ":" : "", node);
    }
    return text;
}

START_TEST(a_run_publishes_and_tells)
{
    struct fixture f;
    _json_ json_t *done = NULL;
    _json_ json_t *branches = NULL;
    const json_t *node;
    const json_t *table;
    char *text;

    fixture_init(&f);
    make_project(&f);
    json_array_clear(f.events);
    ck_ok(run_with(&f, (corrie_run_options){0}, &done), &f.err);
    ck_assert_str_eq(fields_of(done),
                     "commit dry_run job nodes notes plan previews ref seconds tables");
    ck_assert_str_eq(text_of(done, "commit"), head_of(&f));
    ck_assert_str_eq(text_of(done, "ref"), "main");
    ck_assert_uint_eq(json_array_size(json_object_get(done, "nodes")), 2);
    node = json_array_get(json_object_get(done, "nodes"), 0);
    ck_assert_str_eq(
        fields_of(node),
        "bytes bytes_read cpu_seconds environment file inputs kind language line max_rss name rows "
        "seconds status");
    ck_assert_str_eq(text_of(node, "status"), "done");
    table = json_array_get(json_object_get(done, "tables"), 0);
    ck_assert_str_eq(fields_of(table), "name namespace records rows_written");
    ck_assert_int_eq(query_number(&f, "SELECT total FROM total"), 50);
    ck_assert_str_eq(told(&f), "plan job start:big done:big start:total done:total "
                               "progress:writing public.total progress:writing public.total "
                               "progress:publishing publish");
    ck_ok(corrie_ref_list(f.lake, NULL, &text, &f.err), &f.err);
    branches = parse_document(text);
    ck_assert_uint_eq(json_array_size(json_object_get(branches, "refs")), 1);
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

START_TEST(a_dry_run_moves_nothing)
{
    struct fixture f;
    _json_ json_t *done = NULL;
    _json_ json_t *jobs = NULL;
    char before[100];
    char *text;

    fixture_init(&f);
    make_project(&f);
    snprintf(before, sizeof before, "%s", head_of(&f));
    ck_ok(run_with(&f, (corrie_run_options){.dry_run = true}, &done), &f.err);
    ck_assert_ptr_null(text_of(done, "commit"));
    ck_assert_ptr_null(text_of(done, "job"));
    ck_assert_str_eq(head_of(&f), before);
    ck_ok(corrie_job_list(f.lake, NULL, &text, &f.err), &f.err);
    jobs = parse_document(text);
    ck_assert_uint_eq(json_array_size(json_object_get(jobs, "jobs")), 1); /* the import's */
    fixture_done(&f);
}
END_TEST

/* A failure in the middle: the branch is as before, what was finished is on tx/<job>, the hint says so. */
START_TEST(a_failure_keeps_what_was_finished)
{
    struct fixture f;
    _json_ json_t *record = NULL;
    json_t *none = NULL;
    char before[100];
    char *text;
    struct ArrowArrayStream stream = {0};
    corrie_query_options options = {.size = sizeof options};

    fixture_init(&f);
    make_project(&f);
    put_file(&f, "p/a_first.sql",
             "-- corrie: name=a_first materialization_strategy=REPLACE\nSELECT n FROM orders\n");
    put_file(&f, "p/total.sql",
             "-- corrie: name=total materialization_strategy=REPLACE\n"
             "SELECT CAST(s AS INTEGER) AS i, a_first.n FROM orders, a_first\n");
    snprintf(before, sizeof before, "%s", head_of(&f));
    ck_assert_int_eq(run_with(&f, (corrie_run_options){0}, &none), CORRIE_E_FAILED);
    ck_assert_str_eq(head_of(&f), before);
    ck_assert_ptr_nonnull(f.err.hint);
    ck_assert_msg(strstr(f.err.hint, "tx/") != NULL, "the hint is: %s", f.err.hint);
    corrie_error_clear(&f.err);
    ck_ok(corrie_job_get(f.lake, "last", &text, &f.err), &f.err);
    record = parse_document(text);
    ck_assert_str_eq(text_of(record, "status"), "failed");
    options.ref = text_of(record, "tx");
    ck_ok(corrie_query(f.lake, "SELECT * FROM a_first", &options, &stream, &f.err), &f.err);
    stream.release(&stream);
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

START_TEST(cancelling_stops_and_is_recorded)
{
    struct fixture f;
    _json_ json_t *record = NULL;
    json_t *none = NULL;
    char before[100];
    char *text;

    fixture_init(&f);
    make_project(&f);
    snprintf(before, sizeof before, "%s", head_of(&f));
    f.cancel_at = "start";
    ck_fails(run_with(&f, (corrie_run_options){0}, &none), CORRIE_E_CANCELLED, &f.err);
    fixture_reopen(&f); /* whatever goes on with the handle is interrupted too */
    ck_assert_str_eq(head_of(&f), before);
    ck_ok(corrie_job_get(f.lake, "last", &text, &f.err), &f.err);
    record = parse_document(text);
    ck_assert_str_eq(text_of(record, "status"), "cancelled");
    fixture_done(&f);
}
END_TEST

/* An append finds its columns by name, and a table without one of them is no reason to fail. */
START_TEST(an_append_goes_by_names)
{
    struct fixture f;
    _json_ json_t *first = NULL;
    _json_ json_t *second = NULL;
    json_t *none = NULL;

    fixture_init(&f);
    make_project(&f);
    put_file(&f, "p/total.sql",
             "-- corrie: name=kept materialization_strategy=APPEND\n"
             "SELECT n AS a, n * 2 AS b, s FROM orders\n");
    ck_ok(run_with(&f, (corrie_run_options){0}, &first), &f.err);
    put_file(&f, "p/total.sql",
             "-- corrie: name=kept materialization_strategy=APPEND\n"
             "SELECT n * 2 AS b, n AS a FROM orders\n");
    ck_ok(run_with(&f, (corrie_run_options){0}, &second), &f.err);
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM kept WHERE b = 2 * a"), 6);
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM kept WHERE s IS NULL"), 4);
    put_file(&f, "p/total.sql",
             "-- corrie: name=kept materialization_strategy=APPEND\n"
             "SELECT n AS a, n AS other FROM orders\n");
    ck_assert_int_eq(run_with(&f, (corrie_run_options){0}, &none), CORRIE_E_PROJECT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&f.err), "other"));
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM kept"), 6);
    fixture_done(&f);
}
END_TEST

START_TEST(a_python_model_and_its_expectation)
{
    struct fixture f;
    _json_ json_t *done = NULL;
    _json_ json_t *logs = NULL;
    json_t *none = NULL;
    bool printed = false;
    char *text;

    fixture_init(&f);
    make_project(&f);
    put_file(&f, "p/models.py",
             "import corrie\n\n"
             "@corrie.model(columns=['tenfold'], materialization_strategy='REPLACE')\n"
             "@corrie.python('3.11')\n"
             "def small(rows=corrie.Model('big', columns=['tenfold'], filter='n < 3')):\n"
             "    print('rows', rows.num_rows)\n"
             "    return rows\n\n"
             "@corrie.expectation()\n"
             "@corrie.python('3.11')\n"
             "def none_of_it(rows=corrie.Model('small')):\n"
             "    return rows.num_rows == 0\n");
    ck_ok(run_with(&f, (corrie_run_options){0}, &done), &f.err);
    ck_assert_int_eq(query_number(&f, "SELECT sum(tenfold)::BIGINT FROM small"), 20);
    ck_ok(corrie_job_logs(f.lake, text_of(done, "job"), &text, &f.err), &f.err);
    logs = parse_document(text);
    for (size_t i = 0; i < json_array_size(json_object_get(logs, "logs")); i++) {
        const json_t *line = json_array_get(json_object_get(logs, "logs"), i);

        if (text_of(line, "stream") && strcmp(text_of(line, "stream"), "stdout") == 0) {
            ck_assert_str_eq(fields_of(line), "file kind line node stream text time");
            ck_assert_str_eq(text_of(line, "text"), "rows 1");
            ck_assert_int_eq(number_of(line, "line"), 6);
            printed = true;
        }
    }
    ck_assert(printed);
    ck_assert_int_eq(run_with(&f, (corrie_run_options){.strict = true}, &none), CORRIE_E_FAILED);
    ck_assert_msg(f.err.hint && strstr(f.err.hint, "--strict") && strstr(f.err.hint, "tx/"),
                  "the hint is: %s", f.err.hint);
    fixture_done(&f);
}
END_TEST

START_TEST(what_is_wrong_is_found_before_there_is_a_job)
{
    struct fixture f;
    json_t *none = NULL;
    _json_ json_t *jobs = NULL;
    char *text;

    fixture_init(&f);
    make_project(&f);
    put_file(&f, "p/total.sql",
             "-- corrie: name=total materialization_strategy=REPLACE\nSELECT tenfolt FROM big\n");
    ck_assert_int_eq(run_with(&f, (corrie_run_options){0}, &none), CORRIE_E_NOT_FOUND);
    ck_assert_int_eq(f.err.position.line, 2);
    corrie_error_clear(&f.err);
    ck_fails(run_with(&f, (corrie_run_options){.memory = "lots"}, &none), CORRIE_E_USAGE, &f.err);
    ck_fails(run_with(&f, (corrie_run_options){.ref = "nowhere"}, &none), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_ok(corrie_job_list(f.lake, NULL, &text, &f.err), &f.err);
    jobs = parse_document(text);
    ck_assert_uint_eq(json_array_size(json_object_get(jobs, "jobs")), 1);
    fixture_done(&f);
}
END_TEST

SUITE(run_suite, "run", a_run_publishes_and_tells, a_dry_run_moves_nothing,
      a_failure_keeps_what_was_finished, cancelling_stops_and_is_recorded, an_append_goes_by_names,
      a_python_model_and_its_expectation, what_is_wrong_is_found_before_there_is_a_job)
