/* Records of jobs, as the public interface gives them. */
#include <string.h>

#include "fixture.h"
#include "os/dir.h"

START_TEST(records_have_their_fields)
{
    struct fixture f;
    _json_ json_t *imported = NULL;
    _json_ json_t *list = NULL;
    _json_ json_t *record = NULL;
    _json_ json_t *logs = NULL;
    const json_t *listed;
    char prefix[9];
    char *text;

    fixture_init(&f);
    ck_ok(import_file(&f, put_file(&f, "a.csv", "n\n1\n"), "t", CORRIE_IMPORT_APPEND, &imported),
          &f.err);
    ck_ok(corrie_job_list(f.lake, NULL, &text, &f.err), &f.err);
    list = parse_document(text);
    ck_assert_str_eq(fields_of(list), "jobs more");
    listed = json_array_get(json_object_get(list, "jobs"), 0);
    ck_assert_str_eq(fields_of(listed), "ended error host job kind pid ref started status user");
    ck_assert_str_eq(text_of(listed, "job"), text_of(imported, "job"));
    ck_assert_str_eq(text_of(listed, "status"), "done");
    ck_assert_str_eq(text_of(listed, "user"), "ada");
    snprintf(prefix, sizeof prefix, "%.8s", text_of(imported, "job"));
    ck_ok(corrie_job_get(f.lake, prefix, &text, &f.err), &f.err);
    record = parse_document(text);
    ck_assert_str_eq(
        fields_of(record),
        "args commit_in commit_out ended error format host job kind max_rss nodes pid process ref "
        "started status tables tx user version");
    ck_assert_str_eq(text_of(record, "commit_out"), text_of(imported, "commit"));
    ck_assert_str_eq(fields_of(json_object_get(record, "args")), "mode namespace table uris");
    ck_assert_str_eq(fields_of(json_array_get(json_object_get(record, "tables"), 0)),
                     "name namespace records rows_written");
    ck_ok(corrie_job_logs(f.lake, "last", &text, &f.err), &f.err);
    logs = parse_document(text);
    ck_assert_str_eq(fields_of(logs), "job logs");
    ck_fails(corrie_job_get(f.lake, "00000000-nothing", &text, &f.err), CORRIE_E_NOT_FOUND, &f.err);
    fixture_done(&f);
}
END_TEST

/* The commit is made: whatever becomes of the record, the user must not be told that the import failed, since
 * they would do it again. */
START_TEST(a_record_that_cannot_be_ended_fails_nothing)
{
    struct fixture f;
    _json_ json_t *first = NULL;
    _json_ json_t *second = NULL;
    bool told = false;

    fixture_init(&f);
    ck_ok(import_file(&f, put_file(&f, "a.csv", "n\n1\n"), "t", CORRIE_IMPORT_APPEND, &first),
          &f.err);
    f.spoil_jobs = true; /* at the event that tells of the commit */
    ck_ok(import_file(&f, put_file(&f, "b.csv", "n\n2\n"), "t", CORRIE_IMPORT_APPEND, &second),
          &f.err);
    ck_assert_str_eq(text_of(second, "commit"), head_of(&f));
    for (size_t i = 0; i < json_array_size(f.events); i++) {
        const char *text = text_of(json_array_get(f.events, i), "text");

        told = told || (text && strstr(text, "record of job"));
    }
    ck_assert(told);
    ck_assert_int_eq(query_number(&f, "SELECT sum(n)::BIGINT FROM t"), 3);
    fixture_done(&f);
}
END_TEST

SUITE(jobs_suite, "jobs", records_have_their_fields, a_record_that_cannot_be_ended_fails_nothing)
