/* Memory that runs out at every place in turn (at every few in the longer works, unless CORRIE_TORTURE is set): the
 * error says so, nothing leaks (LSan), and the lake is as before or as after. */
#include <stdlib.h>

#include "arrow/table.h"
#include "base/mem.h"
#include "fixture.h"
#include "os/fault.h"

static const corrie_ref_options from_main = {.size = sizeof from_main, .from_ref = "main"};

typedef int (*work_fn)(struct fixture *f);

/* Fails the k-th allocation for k = 1, 1 + stride, … until the work has no k-th. */
static void fail_each(struct fixture *f, work_fn work, uint64_t stride)
{
    uint64_t step = getenv("CORRIE_TORTURE") ? 1 : stride;
    bool reached = true;

    ck_ok(work(f), &f->err); /* what is cached from now on is cached */
    for (uint64_t k = 1; reached; k += step) {
        int r;

        os_fault_arm_alloc(k, 0);
        r = work(f);
        reached = os_fault_alloc_count() >= k;
        mem_set_fault(NULL, NULL);
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %llu: %s (%s)",
                      (unsigned long long)k, corrie_code_name(r), corrie_error_message(&f->err));
        ck_assert_int_eq(r < 0 ? r : 0, f->err.code);
        corrie_error_clear(&f->err);
    }
}

/* Frees a document that came, and passes the result on. */
#define GIVEN(call)                                                                                \
    __extension__({                                                                                \
        char *text_ = NULL;                                                                        \
        char **ret_json = &text_;                                                                  \
        int given_ = (call);                                                                       \
                                                                                                   \
        ck_assert(given_ >= 0 ? text_ != NULL : text_ == NULL);                                    \
        corrie_free(text_);                                                                        \
        given_;                                                                                    \
    })

static int look(struct fixture *f)
{
    int r;

    if ((r = GIVEN(corrie_lake_info(f->lake, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_ref_list(f->lake, NULL, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_log(f->lake, "main", NULL, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_diff(f->lake, "main~1", "main", NULL, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_namespace_list(f->lake, "main", ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_table_list(f->lake, NULL, NULL, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_table_get(f->lake, NULL, "t", NULL, ret_json, &f->err))) < 0) {
        return r;
    }
    return r;
}

static int look_at_jobs(struct fixture *f)
{
    int r;

    if ((r = GIVEN(corrie_job_list(f->lake, NULL, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_job_get(f->lake, "last", ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_job_logs(f->lake, "last", ret_json, &f->err))) < 0) {
        return r;
    }
    return GIVEN(corrie_fsck(f->lake, NULL, ret_json, &f->err));
}

static int change_refs(struct fixture *f)
{
    static int number;
    corrie_merge_options merge = {.size = sizeof merge, .into = "main"};
    char name[32];
    int r;

    snprintf(name, sizeof name, "b%d", number++);
    if ((r = GIVEN(corrie_branch_create(f->lake, name, &from_main, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_namespace_create(f->lake, name, name, false, ret_json, &f->err))) < 0 ||
        (r = GIVEN(corrie_branch_merge(f->lake, name, &merge, ret_json, &f->err))) < 0 ||
        (r = corrie_checkout(f->lake, name, &f->err)) < 0 ||
        (r = corrie_checkout(f->lake, "main", &f->err)) < 0) {
        return r;
    }
    return GIVEN(corrie_branch_delete(f->lake, name, NULL, ret_json, &f->err));
}

/* An unknown name, whose hints need memory as well. */
static int miss(struct fixture *f)
{
    int r = GIVEN(corrie_table_get(f->lake, NULL, "tt", NULL, ret_json, &f->err));

    if (r != CORRIE_E_NOT_FOUND) {
        return r;
    }
    corrie_error_clear(&f->err);
    return 0;
}

static int import_again(struct fixture *f)
{
    const char *path = in_dir(f, "a.csv");
    corrie_import_options options = {.size = sizeof options,
                                     .table = "t",
                                     .uris = &path,
                                     .n_uris = 1,
                                     .mode = CORRIE_IMPORT_APPEND,
                                     .duplicate_files = true};

    return GIVEN(corrie_import(f->lake, &options, ret_json, &f->err));
}

static int query(struct fixture *f)
{
    struct ArrowArrayStream stream = {0};
    struct ArrowArray batch = {0};
    int r;

    r = corrie_query(f->lake, "SELECT n FROM t ORDER BY n", NULL, &stream, &f->err);
    if (r < 0) {
        return r;
    }
    while ((r = stream.get_next(&stream, &batch)) == 0 && batch.release) {
        batch.release(&batch);
    }
    if (r != 0) {
        r = corrie_stream_error(&stream, &f->err);
    }
    stream.release(&stream);
    return r;
}

static int run(struct fixture *f)
{
    corrie_run_options options = {
        .size = sizeof options, .project_dir = in_dir(f, "p"), .no_cache = true};

    return GIVEN(corrie_run(f->lake, &options, ret_json, &f->err));
}

static void make(struct fixture *f)
{
    _json_ json_t *document = NULL;

    fixture_init(f);
    ck_ok(import_file(f, put_file(f, "a.csv", "n\n1\n"), "t", CORRIE_IMPORT_APPEND, &document),
          &f->err);
    put_file(f, "p/corrie.yaml",
             "project:\n  id: 550e8400-e29b-41d4-a716-446655440000\n  name: t\n");
    put_file(f, "p/m.sql",
             "-- corrie: name=m materialization_strategy=REPLACE\nSELECT n + 1 AS n FROM t\n");
}

static const struct {
    work_fn work;
    uint64_t stride;
} works[] = {{look, 1},   {look_at_jobs, 1},   {miss, 1}, {change_refs, 7},
             {query, 41}, {import_again, 131}, {run, 211}};

START_TEST(memory_may_run_out_anywhere)
{
    struct fixture f;

    make(&f);
    f.deaf = true; /* listening needs memory too */
    fail_each(&f, works[_i].work, works[_i].stride);
    check_sound(&f);
    fixture_done(&f);
}
END_TEST

Suite *faults_suite(void);
Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");

    tcase_set_timeout(tcase, getenv("CORRIE_TORTURE") ? 3600 : 60);
    tcase_add_loop_test(tcase, memory_may_run_out_anywhere, 0, (int)ARRAY_LEN(works));
    suite_add_tcase(suite, tcase);
    return suite;
}
