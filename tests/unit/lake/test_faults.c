/* Every operation and every allocation fails once, or from then on: a change of the lake is there whole or not at
 * all, the caller is told truly, and the next one can go on. A user would lose rows, a branch or the lake.
 *
 * Alone ("lake_faults_alone" of tests/fault/meson.build) these cases reach what corrie does itself; with the preload
 * library ("lake_faults") the same cases reach what SQLite and DuckDB do as well. CORRIE_TORTURE=1 leaves nothing out. */
#include "trial.h"

#include <nanoarrow/nanoarrow.h>
#include <stdio.h>

#include "os/dir.h"
#include "os/fault.h"

static const corrie_ref_options from_main = {.size = sizeof from_main, .from_ref = "main"};

#define JOB_NUMBER "11111111-2222-4333-8444-%012u"

/* ---- what is done ---- */

static int write_three(struct trial *t, struct lake_tx *tx, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct field field = {.name = STR("n"), .type = {.kind = TYPE_LONG}};
    struct schema schema = {.fields = &field, .n_fields = 1};
    struct lake_written written;
    char sql[64];
    struct str select;
    struct lake_write write = {.ns = STR("ns"),
                               .name = STR("t"),
                               .mode = LAKE_APPEND,
                               .schema = &schema,
                               .engine = t->s.engine,
                               .selects = &select,
                               .n_selects = 1};

    snprintf(sql, sizeof sql, "SELECT %u::BIGINT AS n FROM range(3)", t->round);
    select = str_of(sql);
    return lake_tx_write(tx, &write, &arena, &written, err);
}

static int append(struct trial *t, struct str job, corrie_error *err)
{
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    struct lake_tx_options options = {.branch = STR("main"), .job = job, .steps = job.len > 0};
    struct lake_publish publish = {.message = STR("Append"), .origin = job.len > 0};
    struct hash commit;
    int r;

    r = lake_tx_begin(t->s.f.lake, &options, &tx, err);
    if (r < 0 || (r = lake_tx_namespace(tx, str_of(t->name), err)) < 0) {
        return r;
    }
    r = lake_tx_step(tx, STR("Make the namespace"), err);
    if (r < 0 || (r = write_three(t, tx, err)) < 0) {
        return r;
    }
    r = lake_tx_step(tx, STR("Write the table"), err);
    return r < 0 ? r : lake_tx_publish(tx, &publish, &commit, err);
}

static int commit_directly(struct trial *t, corrie_error *err)
{
    return append(t, STR_EMPTY, err);
}

static int commit_in_steps(struct trial *t, corrie_error *err)
{
    struct catalog_index_entry entry = {.json = STR("{\"status\":\"failed\"}")};
    char job[UUID_TEXT + 1];
    int r;

    snprintf(job, sizeof job, JOB_NUMBER, t->round);
    entry.id = str_of(job);
    entry.time = clock_now();
    /* as jobs do: the record comes before the work */
    r = catalog_index_put(lake_catalog(t->s.f.lake), STR("job"), &entry, err);
    return r < 0 ? r : append(t, str_of(job), err);
}

static bool main_has_namespace(struct trial *t)
{
    struct lake_view view;
    int r;

    ck_ok(lake_view_at(t->s.f.lake, STR("main"), &view, &t->s.f.err), &t->s.f.err);
    r = lake_has_namespace(&view, str_of(t->name), &t->s.f.err);
    ck_ok(r, &t->s.f.err);
    return r > 0;
}

/* The rows that a reader of main finds in ns.t. */
static void read_table(struct trial *t, int64_t *ret_rows, int64_t *ret_sum)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error *err = &t->s.f.err;
    struct ArrowArrayStream stream;
    struct lake_table table;
    struct ArrowArray batch;
    struct lake_view view;

    ck_ok(lake_view_at(t->s.f.lake, STR("main"), &view, err), err);
    ck_ok(lake_table_get(&view, STR("ns"), STR("t"), &arena, &table, err), err);
    ck_ok(lake_table_define(&view, &table, t->s.engine, NULL, 0, STR_EMPTY, err), err);
    ck_ok(engine_query(t->s.engine, STR("SELECT count(*)::BIGINT, sum(n)::BIGINT FROM ns.t"), NULL,
                       &stream, err),
          err);
    if (stream.get_next(&stream, &batch) != 0) {
        engine_stream_error(&stream, err);
        ck_abort_msg("read ns.t: %s", corrie_error_message(err));
    }
    *ret_rows = ((const int64_t *)batch.children[0]->buffers[1])[0];
    *ret_sum = ((const int64_t *)batch.children[1]->buffers[1])[0];
    batch.release(&batch);
    stream.release(&stream);
    ck_assert_int_eq(table.records, *ret_rows);
}

/* Namespace and rows came in one commit: both are there, or none. */
static bool rows_are_new(struct trial *t)
{
    int64_t rows;
    int64_t sum;

    read_table(t, &rows, &sum);
    if (!main_has_namespace(t)) {
        ck_assert_int_eq(rows, t->rows);
        ck_assert_int_eq(sum, t->sum);
        return false;
    }
    t->rows += 3;
    t->sum += 3 * (int64_t)t->round;
    ck_assert_int_eq(rows, t->rows);
    ck_assert_int_eq(sum, t->sum);
    return true;
}

static int make_branch(struct trial *t, corrie_error *err)
{
    char *text = NULL;
    int r = corrie_branch_create(t->s.f.lake, t->name, &from_main, &text, err);

    ck_assert_int_eq(r >= 0, text != NULL);
    corrie_free(text);
    return r;
}

static int remove_branch(struct trial *t, corrie_error *err)
{
    char *text = NULL;
    int r = corrie_branch_delete(t->s.f.lake, t->name, NULL, &text, err);

    ck_assert_int_eq(r >= 0, text != NULL);
    corrie_free(text);
    return r;
}

static void with_branch(struct trial *t)
{
    ck_ok(make_branch(t, &t->s.f.err), &t->s.f.err);
}

static bool branch_is_there(struct trial *t)
{
    struct catalog_ref main_ref;
    struct catalog_ref ref;
    int r;

    r = catalog_ref_find(lake_catalog(t->s.f.lake), str_of(t->name), &ref, &t->s.f.err);
    ck_ok(r, &t->s.f.err);
    if (r > 0) {
        ck_ok(catalog_ref_get(lake_catalog(t->s.f.lake), STR("main"), &main_ref, &t->s.f.err),
              &t->s.f.err);
        ck_assert(hash_eq(&ref.commit, &main_ref.commit));
    }
    return r > 0;
}

static bool branch_is_gone(struct trial *t)
{
    return !branch_is_there(t);
}

static int make_namespace(struct trial *t, corrie_error *err)
{
    char *text = NULL;
    int r = corrie_namespace_create(t->s.f.lake, t->name, "main", false, &text, err);

    ck_assert_int_eq(r >= 0, text != NULL);
    corrie_free(text);
    return r;
}

static const struct action actions[] = {
    {.name = "commit", .act = commit_directly, .is_new = rows_are_new},
    {.name = "commit in steps", .act = commit_in_steps, .is_new = rows_are_new},
    {.name = "branch create", .act = make_branch, .is_new = branch_is_there},
    {.name = "branch delete",
     .prepare = with_branch,
     .act = remove_branch,
     .is_new = branch_is_gone},
    {.name = "namespace create", .act = make_namespace, .is_new = main_has_namespace},
};

/* ---- trying it ---- */

static void start(struct trial *t, const struct action *action)
{
    trial_init(t, action);
    snprintf(t->name, sizeof t->name, "ns");
    ck_ok(append(t, STR_EMPTY, &t->s.f.err), &t->s.f.err);
    t->rows = t->sum = 3;
}

START_TEST(each_failing_operation)
{
    struct trial t;

    start(&t, &actions[(size_t)_i / N_DISKS]);
    trial_operations(&t, &disks[(size_t)_i % N_DISKS]);
    trial_done(&t);
}
END_TEST

/* An allocation of ours or of SQLite's; DuckDB has its own. */
START_TEST(each_failing_allocation)
{
    struct trial t;

    start(&t, &actions[_i / 2]);
    trial_allocations(&t, _i % 2);
    trial_done(&t);
}
END_TEST

/* The catalog keeps a log (WAL): without it readers would wait for writers for ever after. */
static void check_log_mode(const struct fixture *f)
{
    unsigned char header[20];
    char path[300];
    FILE *file;

    snprintf(path, sizeof path, "%s/catalog/catalog.db", f->root);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(header, 1, sizeof header, file), sizeof header);
    fclose(file);
    ck_assert_uint_eq(header[18], 2); /* SQLite, "Database File Format": write version, 2 = WAL */
    ck_assert_uint_eq(header[19], 2);
}

/* A lake that could not be made leaves a directory in which the next one makes it, and no other. */
START_TEST(each_failing_operation_of_making_a_lake)
{
    const struct disk *disk = &disks[_i];
    unsigned failed = 0;
    bool fired = true;
    struct fixture f;

    use_memory();
    fixture_init(&f);
    for (unsigned k = 1; fired; k++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        corrie_lake_options options = {.size = sizeof options, .url = f.root, .author = "ada"};
        struct catalog_ref ref;
        char fault[300];
        size_t handles = open_descriptors();
        int r;

        snprintf(fault, sizeof fault, "root=%s,op=%s,errno=%s,at=%u%s", f.dir, disk->op,
                 disk->error, k, disk->sticky ? ",sticky" : "");
        ck_ok(os_fault_arm(fault, &err), &err);
        r = corrie_lake_open(&options, &f.lake, &err);
        f.lake = corrie_lake_close(f.lake);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        check_told("make a lake", fault, r, disk->code, &err);
        ck_assert_msg(fired || r >= 0, "making a lake fails without a fault: %s",
                      corrie_error_message(&err));
        ck_assert_uint_eq(open_descriptors(), handles);
        ck_assert_msg(!disk->told || preloaded() || !fired || r < 0,
                      "making a lake under %s: the failure was kept quiet", fault);
        fixture_open(&f);
        ck_ok(catalog_ref_get(lake_catalog(f.lake), STR("main"), &ref, &f.err), &f.err);
        f.lake = corrie_lake_close(f.lake);
        check_log_mode(&f);
        ck_ok(os_tree_remove(f.root, &f.err), &f.err);
        failed += r < 0;
    }
    ck_assert_uint_gt(failed, 5);
    fixture_done(&f);
}
END_TEST

Suite *faults_suite(void);
Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");

    tcase_set_timeout(tcase, tortured() ? 1800 : 120);
    tcase_add_loop_test(tcase, each_failing_operation, 0, (int)(ARRAY_LEN(actions) * N_DISKS));
    tcase_add_loop_test(tcase, each_failing_operation_of_making_a_lake, 0, N_DISKS);
    if (!preloaded()) {
        tcase_add_loop_test(tcase, each_failing_allocation, 0, (int)ARRAY_LEN(actions) * 2);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
