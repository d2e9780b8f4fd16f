#include "jobs/jobs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "catalog/catalog.h"
#include "jobs/jobs_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/proc.h"
#include "store/store.h"
#include "tests/unit/check.h"

struct fixture {
    char *dir;
    struct store *store;
    struct catalog *catalog;
    corrie_error err;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){.err = CORRIE_ERROR_INIT};
    ck_ok(os_temp_dir("corrie-test", &f->dir, &f->err), &f->err);
    ck_ok(store_open(str_of(f->dir), &f->store, &f->err), &f->err);
    ck_ok(catalog_create(f->dir, &f->err), &f->err);
    ck_ok(catalog_open(f->dir, NULL, &f->catalog, &f->err), &f->err);
}

static void teardown(struct fixture *f)
{
    catalog_close(f->catalog);
    store_close(f->store);
    ck_ok(os_tree_remove(f->dir, &f->err), &f->err);
    mem_free(f->dir);
    corrie_error_clear(&f->err);
}

static struct job *begin(struct fixture *f, const char *kind)
{
    struct job *job;
    struct job_spec spec = {.kind = str_of(kind),
                            .user = STR("ada"),
                            .ref = STR("main"),
                            .commit_in = hash_bytes(STR("in")),
                            .transaction = true};

    ck_ok(job_begin(f->store, f->catalog, &spec, &job, &f->err), &f->err);
    return job;
}

static struct str field(const json_t *object, const char *name)
{
    return js_str(json_object_get(object, name));
}

static json_t *get(struct fixture *f, struct str id)
{
    json_t *record = NULL;

    ck_ok(jobs_get(f->store, f->catalog, id, &record, &f->err), &f->err);
    return record;
}

START_TEST(a_record_tells_how_it_went)
{
    struct hash out = hash_bytes(STR("out"));
    struct job_outcome outcome = {.commit_out = &out};
    struct fixture f;
    struct job *job;

    setup(&f);
    job = begin(&f, "import");
    {
        _json_ json_t *record = get(&f, job_id(job));

        ck_str_eq(field(record, "status"), STR("running"));
        ck_str_eq(field(record, "kind"), STR("import"));
        ck_assert(str_starts(field(record, "tx"), STR("tx/")));
        ck_assert(json_is_null(json_object_get(record, "ended")));
    }
    ck_ok(job_end(job, &outcome, &f.err), &f.err);
    {
        _json_ json_t *record = get(&f, STR("last"));

        ck_str_eq(field(record, "job"), job_id(job));
        ck_str_eq(field(record, "status"), STR("done"));
        ck_assert_uint_eq(field(record, "commit_out").len, HASH_HEX);
        ck_assert(json_is_null(json_object_get(record, "error")));
    }
    job_free(job);
    teardown(&f);
}
END_TEST

START_TEST(a_failure_is_kept_with_its_position)
{
    _error_ corrie_error failure = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = &failure};
    struct fixture f;
    struct job *job;

    setup(&f);
    job = begin(&f, "run");
    corrie_fail(&failure, CORRIE_E_FAILED, "ValueError: no");
    corrie_error_at(&failure, "models.py", 7, 1, 0, STR_EMPTY);
    corrie_detail(&failure, STR("a long traceback"));
    ck_ok(job_end(job, &outcome, &f.err), &f.err);
    {
        _json_ json_t *record = get(&f, str_slice(job_id(job), 0, 8));
        const json_t *error = json_object_get(record, "error");

        ck_str_eq(field(record, "status"), STR("failed"));
        ck_str_eq(field(error, "message"), STR("ValueError: no"));
        ck_assert_int_eq(
            json_integer_value(json_object_get(json_object_get(error, "context"), "line")), 7);
    }
    {
        _json_ json_t *document = NULL;
        const json_t *item;

        ck_ok(jobs_list(f.store, f.catalog, &(struct jobs_filter){.max = 0}, &document, &f.err),
              &f.err);
        item = json_array_get(json_object_get(document, "jobs"), 0);
        ck_str_eq(field(item, "status"), STR("failed"));
        ck_assert_ptr_null(
            json_object_get(json_object_get(json_object_get(item, "error"), "context"), "detail"));
    }
    job_free(job);
    teardown(&f);
}
END_TEST

/* A machine that stopped must not leave jobs that seem to run for ever. */
START_TEST(a_job_whose_process_is_gone_is_lost)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *record = NULL;
    struct catalog_index_entry entry;
    struct str directory;
    struct fixture f;
    struct job *job;
    char *key;

    setup(&f);
    job = begin(&f, "run");
    ck_assert_int_eq(catalog_index_get(f.catalog, JOB_SPACE, job_id(job), &arena, &entry, &f.err),
                     1);
    ck_ok(job_directory(entry.time, entry.id, &arena, &directory, &f.err), &f.err);
    key = arena_printf(&arena, "%.*s/job.json", STR_FMT(directory));
    record = get(&f, job_id(job));
    ck_assert_int_eq(js_set_int(record, "pid", 2147483000), 0); /* no process has this id */
    ck_ok(js_format(record, 0, &text, &f.err), &f.err);
    ck_ok(store_put(f.store, str_of(key), buf_str(&text), &f.err), &f.err);
    {
        _json_ json_t *again = get(&f, job_id(job));

        ck_str_eq(field(again, "status"), STR("lost"));
    }
    job_free(job);
    teardown(&f);
}
END_TEST

/* The process died after the commit and the record, before the index: the job was done, and a listing that calls it
 * lost makes people do it again. */
START_TEST(the_record_decides_not_the_index)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *stale = NULL;
    _json_ json_t *document = NULL;
    struct job_outcome outcome = {0};
    struct catalog_index_entry entry;
    const json_t *listed;
    struct fixture f;
    struct job *job;

    setup(&f);
    job = begin(&f, "run");
    ck_assert_int_eq(catalog_index_get(f.catalog, JOB_SPACE, job_id(job), &arena, &entry, &f.err),
                     1);
    ck_ok(js_parse(entry.json, "entry", &stale, &f.err), &f.err);
    ck_assert_int_eq(js_set_int(stale, "pid", 2147483000), 0);
    ck_ok(js_canonical(stale, &text, &f.err), &f.err);
    ck_ok(job_end(job, &outcome, &f.err), &f.err);
    entry.json = buf_str(&text);
    ck_ok(catalog_index_put(f.catalog, JOB_SPACE, &entry, &f.err), &f.err);
    ck_ok(jobs_list(f.store, f.catalog, &(struct jobs_filter){.max = 0}, &document, &f.err),
          &f.err);
    listed = json_array_get(json_object_get(document, "jobs"), 0);
    ck_str_eq(field(listed, "status"), STR("done"));
    ck_assert(json_is_string(json_object_get(listed, "ended")));
    job_free(job);
    teardown(&f);
}
END_TEST

START_TEST(logs_keep_whole_lines)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = NULL;
    struct catalog_index_entry entry;
    struct str directory;
    struct fixture f;
    struct job *job;
    char *path;
    json_t *logs;

    setup(&f);
    job = begin(&f, "run");
    job_log(job,
            &(corrie_event){
                .kind = "log", .node = "m", .stream = "stdout", .line = 3, .text = "a\xff\nb"});
    job_log(job, &(corrie_event){.kind = "done", .node = "m", .rows = 5, .bytes = -1});
    ck_assert_int_eq(catalog_index_get(f.catalog, JOB_SPACE, job_id(job), &arena, &entry, &f.err),
                     1);
    ck_ok(job_directory(entry.time, entry.id, &arena, &directory, &f.err), &f.err);
    path = arena_printf(&arena, "%s/%.*s/log.jsonl", f.dir, STR_FMT(directory));
    ck_ok(os_file_append(path, STR("{\"kind\":\"lo{\"kind\":\"log\"}\n"), 0600, &f.err),
          &f.err); /* was full */
    ck_ok(os_file_append(path, STR("{\"kind\":\"log\",\"te"), 0600, &f.err),
          &f.err); /* killed here */
    ck_ok(jobs_logs(f.store, f.catalog, job_id(job), &document, &f.err), &f.err);
    logs = json_object_get(document, "logs");
    ck_assert_uint_eq(json_array_size(logs), 3);
    ck_str_eq(field(json_array_get(logs, 0), "text"), STR("a\xef\xbf\xbd\nb"));
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(logs, 1), "rows")), 5);
    job_free(job);
    teardown(&f);
}
END_TEST

START_TEST(names_that_lead_nowhere)
{
    _json_ json_t *document = NULL;
    struct fixture f;

    setup(&f);
    ck_fails(jobs_get(f.store, f.catalog, STR("last"), &document, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_fails(jobs_get(f.store, f.catalog, STR("abc"), &document, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(jobs_get(f.store, f.catalog, STR("abcdef"), &document, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    teardown(&f);
}
END_TEST

START_TEST(lists_in_pages)
{
    _json_ json_t *document = NULL;
    struct job_outcome outcome = {0};
    struct fixture f;

    setup(&f);
    for (int i = 0; i < 5; i++) {
        struct job *job = begin(&f, "run");

        ck_ok(job_end(job, &outcome, &f.err), &f.err);
        job_free(job);
    }
    ck_ok(jobs_list(f.store, f.catalog, &(struct jobs_filter){.max = 3}, &document, &f.err),
          &f.err);
    ck_assert_uint_eq(json_array_size(json_object_get(document, "jobs")), 3);
    ck_assert(json_is_true(json_object_get(document, "more")));
    teardown(&f);
}
END_TEST

static int collect_commit(void *arg, const struct hash *commit, corrie_error *err)
{
    struct hash in = hash_bytes(STR("in"));

    (void)err;
    ck_assert(hash_eq(commit, &in));
    ++*(int *)arg;
    return 0;
}

static int64_t oldest_held(struct fixture *f, int64_t since, int *ret_commits)
{
    int64_t oldest = 0;

    *ret_commits = 0;
    ck_ok(
        jobs_held(f->store, f->catalog, since, NULL, collect_commit, ret_commits, &oldest, &f->err),
        &f->err);
    return oldest;
}

/* Collecting what a living job reads or has written would lose its work. */
START_TEST(a_living_job_holds_what_it_started_from)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct job_outcome outcome = {0};
    struct job_state state;
    struct fixture f;
    struct job *job;
    int64_t before = clock_now();
    int64_t oldest;
    int commits;

    setup(&f);
    ck_assert_int_eq(oldest_held(&f, 0, &commits), INT64_MAX);
    job = begin(&f, "run");
    oldest = oldest_held(&f, INT64_MAX, &commits);
    ck_assert_int_ge(oldest, before);
    ck_assert_int_le(oldest, clock_now());
    ck_assert_int_eq(commits, 1);
    ck_assert_int_eq(jobs_state(f.store, f.catalog, job_id(job), &arena, &state, &f.err), 1);
    ck_assert(state.alive);
    ck_str_eq(state.ref, STR("main"));
    ck_ok(job_end(job, &outcome, &f.err), &f.err);
    ck_assert_int_eq(oldest_held(&f, INT64_MAX, &commits), INT64_MAX);
    ck_assert_int_eq(commits, 0);
    ck_assert_int_eq(oldest_held(&f, before, &commits), INT64_MAX);
    ck_assert_int_eq(commits, 1); /* younger than what is kept */
    ck_assert_int_eq(jobs_state(f.store, f.catalog, job_id(job), &arena, &state, &f.err), 1);
    ck_assert(!state.alive);
    ck_assert_int_eq(jobs_state(f.store, f.catalog, STR("no such job"), &arena, &state, &f.err), 0);
    job_free(job);
    teardown(&f);
}
END_TEST

/* Puts the record of a job that is under way as if another process had begun it. */
static void put_owner(struct fixture *f, struct job *job, const char *process, int64_t pid)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *record = get(f, job_id(job));
    struct catalog_index_entry entry;
    struct str directory;
    char *key;

    ck_assert_int_eq(catalog_index_get(f->catalog, JOB_SPACE, job_id(job), &arena, &entry, &f->err),
                     1);
    ck_ok(job_directory(entry.time, entry.id, &arena, &directory, &f->err), &f->err);
    key = arena_printf(&arena, "%.*s/job.json", STR_FMT(directory));
    ck_assert_int_eq(js_set_str(record, "process", str_of(process)), 0);
    ck_assert_int_eq(js_set_int(record, "pid", pid), 0);
    ck_assert_int_eq(js_set_str(record, "status", STR("running")), 0);
    ck_ok(js_format(record, 0, &text, &f->err), &f->err);
    ck_ok(store_put(f->store, str_of(key), buf_str(&text), &f->err), &f->err);
}

/* A killed job whose process id was given away again would hold back collection for ever. */
START_TEST(a_process_of_the_same_id_is_not_the_job)
{
    char mark[OS_PROCESS_MARK];
    char other[OS_PROCESS_MARK + 1];
    struct fixture f;
    struct job *job;
    int commits;

    setup(&f);
    job = begin(&f, "run");
    os_process_mark(mark);
    snprintf(other, sizeof other, "%s1", mark);
    put_owner(&f, job, mark, os_pid());
    ck_assert_int_ne(oldest_held(&f, INT64_MAX, &commits), INT64_MAX);
    put_owner(&f, job, other, os_pid());
    ck_assert(mark[0] == '\0' || oldest_held(&f, INT64_MAX, &commits) == INT64_MAX);
    /* not to be seen from here: its heart decides */
    put_owner(&f, job, "another-boot.1.2", os_pid());
    ck_assert_int_ne(oldest_held(&f, INT64_MAX, &commits), INT64_MAX);
    job_free(job);
    teardown(&f);
}
END_TEST

static int count_unlisted(void *arg, const struct job_unlisted *job, corrie_error *err)
{
    (void)err;
    ck_assert_ptr_null(job->broken);
    ++*(int *)arg;
    return 0;
}

/* The records are the truth: a lost index comes back from them whole. */
START_TEST(the_index_is_made_again)
{
    struct job_outcome outcome = {0};
    struct fixture f;
    struct job *jobs[3];
    int n = 0;

    setup(&f);
    for (int i = 0; i < 3; i++) {
        jobs[i] = begin(&f, "import");
        ck_ok(job_end(jobs[i], &outcome, &f.err), &f.err);
    }
    ck_ok(jobs_reindex(f.store, f.catalog, true, NULL, count_unlisted, &n, &f.err), &f.err);
    ck_assert_int_eq(n, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(catalog_index_delete(f.catalog, JOB_SPACE, job_id(jobs[i]), &f.err), 1);
    }
    ck_ok(jobs_reindex(f.store, f.catalog, false, NULL, count_unlisted, &n, &f.err), &f.err);
    ck_assert_int_eq(n, 2);
    ck_ok(jobs_reindex(f.store, f.catalog, true, NULL, count_unlisted, &n, &f.err), &f.err);
    ck_assert_int_eq(n, 4);
    {
        _json_ json_t *document = NULL;

        ck_ok(jobs_list(f.store, f.catalog, &(struct jobs_filter){.max = 0}, &document, &f.err),
              &f.err);
        ck_assert_uint_eq(json_array_size(json_object_get(document, "jobs")), 3);
    }
    for (int i = 0; i < 3; i++) {
        _json_ json_t *record = get(&f, job_id(jobs[i]));

        ck_str_eq(field(record, "status"), STR("done"));
        job_free(jobs[i]);
    }
    teardown(&f);
}
END_TEST

/* ---- queries ---- */

static void note(struct fixture *f, const char *user, const char *statement, int64_t started)
{
    job_note_query(f->store, &(struct job_query){.user = str_of(user),
                                                 .ref = STR("main"),
                                                 .statement = str_of(statement),
                                                 .started = started,
                                                 .duration = 1000,
                                                 .rows = 1,
                                                 .bytes = -1});
}

static json_t *list_queries(struct fixture *f, size_t max)
{
    static const char *const kind[] = {"query"};
    json_t *document = NULL;

    ck_ok(jobs_list(f->store, f->catalog,
                    &(struct jobs_filter){.max = max, .kinds = kind, .n_kinds = 1}, &document,
                    &f->err),
          &f->err);
    return document;
}

/* Where lines of two processes mixed, records of what people asked would be lost. */
START_TEST(two_processes_note_queries_at_once)
{
    enum { EACH = 200 };
    char statement[3000];
    int64_t started = clock_now();
    struct fixture f;
    int status;
    pid_t child;

    setup(&f);
    memset(statement, 'x', sizeof statement - 1);
    statement[sizeof statement - 1] = '\0';
    child = fork();
    ck_assert_int_ge(child, 0);
    for (int i = 0; i < EACH; i++) {
        note(&f, child == 0 ? "bob" : "ada", statement, started);
    }
    if (child == 0) {
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    {
        _json_ json_t *document = list_queries(&f, 0);
        const json_t *jobs = json_object_get(document, "jobs");
        size_t bobs = 0;

        ck_assert_uint_eq(json_array_size(jobs), (size_t)2 * EACH);
        for (size_t i = 0; i < json_array_size(jobs); i++) {
            ck_str_eq(field(json_array_get(jobs, i), "statement"), str_of(statement));
            bobs += str_eq(field(json_array_get(jobs, i), "user"), STR("bob"));
        }
        ck_assert_uint_eq(bobs, EACH);
    }
    teardown(&f);
}
END_TEST

/* A disk that was full once must not hide what was asked before and after. */
START_TEST(a_torn_record_of_a_query_hides_no_other)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const int64_t day = INT64_C(1790000000) * 1000000000; /* 2026-09-21 */
    const char *path;
    struct fixture f;

    setup(&f);
    note(&f, "ada", "first", day);
    path = arena_printf(&arena, "%s/jobs/2026-09-21/queries.jsonl", f.dir);
    ck_ok(os_file_append(path, STR("{\"job\":\"half {\\\"job\\\":\\\""), 0600, &f.err), &f.err);
    note(&f, "ada", "says {\"job\":\" itself", day + 1);
    ck_ok(os_file_append(path, STR("no record\n{\"job\":\"5\"}\n"), 0600, &f.err), &f.err);
    note(&f, "ada", "last of the day", day + 2);
    note(&f, "ada", "next day", day + INT64_C(86400000000000));
    ck_ok(os_file_append(path, STR("{\"job\":\"01234567-0000-4000-8000-000000000000\",\"st"), 0600,
                         &f.err),
          &f.err);
    {
        static const char *const said[] = {"next day", "last of the day", "says {\"job\":\" itself",
                                           "first"};
        _json_ json_t *document = list_queries(&f, 0);
        const json_t *jobs = json_object_get(document, "jobs");

        ck_assert_uint_eq(json_array_size(jobs), ARRAY_LEN(said));
        for (size_t i = 0; i < ARRAY_LEN(said); i++) {
            const json_t *job = json_array_get(jobs, i);
            _json_ json_t *found = get(&f, str_slice(field(job, "job"), 0, 8));

            ck_str_eq(field(job, "statement"), str_of(said[i]));
            ck_str_eq(field(json_object_get(found, "args"), "sql"), str_of(said[i]));
        }
    }
    {
        _json_ json_t *document = list_queries(&f, 3);

        ck_assert_uint_eq(json_array_size(json_object_get(document, "jobs")), 3);
        ck_assert(json_is_true(json_object_get(document, "more")));
    }
    teardown(&f);
}
END_TEST

/* Kept for ever they would fill the lake; a day too early, and somebody looks in vain. */
START_TEST(records_of_queries_go_with_their_day)
{
    const int64_t day = INT64_C(1789948800) * 1000000000; /* 2026-09-21 */
    struct jobs_expiry expiry = {.before = day + INT64_C(86400000000000) - 1, .dry_run = true};
    struct fixture f;
    int64_t removed;

    setup(&f);
    note(&f, "ada", "one", day);
    note(&f, "ada", "two", day + 1);
    note(&f, "ada", "three", day + INT64_C(86400000000000));
    ck_ok(jobs_expire(f.store, f.catalog, &expiry, &removed, &f.err), &f.err);
    ck_assert_int_eq(removed, 0);
    expiry.before++;
    ck_ok(jobs_expire(f.store, f.catalog, &expiry, &removed, &f.err), &f.err);
    ck_assert_int_eq(removed, 2);
    expiry.dry_run = false;
    ck_ok(jobs_expire(f.store, f.catalog, &expiry, &removed, &f.err), &f.err);
    ck_assert_int_eq(removed, 2);
    {
        _json_ json_t *document = list_queries(&f, 0);

        ck_assert_uint_eq(json_array_size(json_object_get(document, "jobs")), 1);
    }
    teardown(&f);
}
END_TEST

SUITE(jobs_suite, "jobs", a_record_tells_how_it_went, a_failure_is_kept_with_its_position,
      a_job_whose_process_is_gone_is_lost, the_record_decides_not_the_index, logs_keep_whole_lines,
      names_that_lead_nowhere, lists_in_pages, a_living_job_holds_what_it_started_from,
      a_process_of_the_same_id_is_not_the_job, the_index_is_made_again,
      two_processes_note_queries_at_once, a_torn_record_of_a_query_hides_no_other,
      records_of_queries_go_with_their_day)
