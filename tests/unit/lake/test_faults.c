/* Every operation and every allocation fails once, or from then on: a change of the lake is there whole or not at
 * all, the caller is told truly, and the next one can go on. A user would lose rows, a branch or the lake.
 *
 * Alone these cases reach what corrie does itself; with the preload library (the test "lake_faults" in tests/fault)
 * the same cases reach what SQLite and DuckDB do as well. CORRIE_TORTURE=1 leaves nothing out. */
#include "fixture.h"

#include <corrie/corrie.h>

#include <nanoarrow/nanoarrow.h>
#include <stdio.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "engine/engine.h"
#include "os/dir.h"
#include "os/fault.h"

static const corrie_ref_options from_main = {.size = sizeof from_main, .from_ref = "main"};

#define JOB "11111111-2222-4333-8444-%012u"

struct trial {
    struct fixture f;
    struct engine *engine;
    unsigned round; /* names what this attempt makes */
    int64_t rows;   /* what the table ns.t holds */
    int64_t sum;
    char name[64]; /* of the branch, namespace or job of this attempt */
};

/* What is tried. The lake is closed before and after. */
struct action {
    const char *name;
    void (*prepare)(struct trial *t);               /* may be NULL */
    int (*act)(struct trial *t, corrie_error *err); /* on an open lake */
    bool (*is_new)(
        struct trial *t); /* after reopening: the new state (true) or the old; else fails */
    size_t sample;        /* of allocations, every so many unless tortured */
};

static int open_lake(struct trial *t, corrie_error *err)
{
    corrie_lake_options options = {
        .size = sizeof options, .url = t->f.root, .author = "ada", .must_exist = true};

    return corrie_lake_open(&options, &t->f.lake, err);
}

static void reopen(struct trial *t)
{
    t->f.lake = corrie_lake_close(t->f.lake);
    ck_ok(open_lake(t, &t->f.err), &t->f.err);
}

static bool tortured(void)
{
    const char *value = getenv("CORRIE_TORTURE");

    return value && *value == '1';
}

static bool preloaded(void)
{
    return getenv("CORRIE_FAULT_PRELOADED") != NULL;
}

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
                               .engine = t->engine,
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
    struct lake_publish publish = {.message = STR("Append"), .origin = true};
    struct hash commit;
    int r;

    r = lake_tx_begin(t->f.lake, &options, &tx, err);
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

    snprintf(job, sizeof job, JOB, t->round);
    entry.id = str_of(job);
    entry.time = clock_now();
    /* as jobs do: the record comes before the work */
    r = catalog_index_put(lake_catalog(t->f.lake), STR("job"), &entry, err);
    return r < 0 ? r : append(t, str_of(job), err);
}

static bool main_has_namespace(struct trial *t)
{
    struct lake_view view;
    int r;

    ck_ok(lake_view_at(t->f.lake, STR("main"), &view, &t->f.err), &t->f.err);
    r = lake_has_namespace(&view, str_of(t->name), &t->f.err);
    ck_ok(r, &t->f.err);
    return r > 0;
}

/* The rows that a reader of main finds in ns.t. */
static void read_table(struct trial *t, int64_t *ret_rows, int64_t *ret_sum)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error *err = &t->f.err;
    struct ArrowArrayStream stream;
    struct lake_table table;
    struct ArrowArray batch;
    struct lake_view view;

    ck_ok(lake_view_at(t->f.lake, STR("main"), &view, err), err);
    ck_ok(lake_table_get(&view, STR("ns"), STR("t"), &arena, &table, err), err);
    ck_ok(lake_table_define(&view, &table, t->engine, NULL, 0, STR_EMPTY, err), err);
    ck_ok(engine_query(t->engine, STR("SELECT count(*)::BIGINT, sum(n)::BIGINT FROM ns.t"), NULL,
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
    int r = corrie_branch_create(t->f.lake, t->name, &from_main, &text, err);

    ck_assert_int_eq(r >= 0, text != NULL);
    corrie_free(text);
    return r;
}

static int remove_branch(struct trial *t, corrie_error *err)
{
    char *text = NULL;
    int r = corrie_branch_delete(t->f.lake, t->name, NULL, &text, err);

    ck_assert_int_eq(r >= 0, text != NULL);
    corrie_free(text);
    return r;
}

static void with_branch(struct trial *t)
{
    ck_ok(make_branch(t, &t->f.err), &t->f.err);
}

static bool branch_is_there(struct trial *t)
{
    struct catalog_ref main_ref;
    struct catalog_ref ref;
    int r;

    r = catalog_ref_find(lake_catalog(t->f.lake), str_of(t->name), &ref, &t->f.err);
    ck_ok(r, &t->f.err);
    if (r > 0) {
        ck_ok(catalog_ref_get(lake_catalog(t->f.lake), STR("main"), &main_ref, &t->f.err),
              &t->f.err);
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
    int r = corrie_namespace_create(t->f.lake, t->name, "main", false, &text, err);

    ck_assert_int_eq(r >= 0, text != NULL);
    corrie_free(text);
    return r;
}

static const struct action actions[] = {
    {"commit", NULL, commit_directly, rows_are_new, 23},
    {"commit in steps", NULL, commit_in_steps, rows_are_new, 41},
    {"branch create", NULL, make_branch, branch_is_there, 3},
    {"branch delete", with_branch, remove_branch, branch_is_gone, 3},
    {"namespace create", NULL, make_namespace, main_has_namespace, 3},
};

/* ---- trying it ---- */

/* Hundreds of commits: in memory they cost no waiting for a disk, and what a disk keeps is tested by tests/py. */
static void use_memory(void)
{
    if (access("/dev/shm", W_OK) == 0) {
        setenv("TMPDIR", "/dev/shm", 1);
    }
}

static void trial_init(struct trial *t)
{
    *t = (struct trial){.round = 1};
    use_memory();
    fixture_init(&t->f);
    fixture_open(&t->f);
    ck_ok(engine_open(&(struct engine_options){.threads = 1}, &t->engine, &t->f.err), &t->f.err);
    snprintf(t->name, sizeof t->name, "ns");
    ck_ok(append(t, STR_EMPTY, &t->f.err), &t->f.err);
    t->rows = t->sum = 3;
}

static void trial_done(struct trial *t)
{
    engine_close(t->engine);
    fixture_done(&t->f);
}

static size_t open_descriptors(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;

    ck_ok(os_dir_list("/proc/self/fd", &arena, &entries, &n, &err), &err);
    return n;
}

/* A handle that met a fault goes on working, for writing too. */
static void make_another_branch(struct trial *t)
{
    char name[32];
    char *text;

    snprintf(name, sizeof name, "after%u", t->round);
    ck_ok(corrie_branch_create(t->f.lake, name, &from_main, &text, &t->f.err), &t->f.err);
    corrie_free(text);
}

/* What was told is so: success means new, and everything that is named can be read. Looked at through the handle that
 * met the fault, if it could be opened, and through a new one. */
static void check_lake(struct trial *t, const struct action *action, const char *fault, int told,
                       bool deep)
{
    const struct trial before = *t;
    char *text = NULL;
    bool is_new;
    int r;

    if (t->f.lake) {
        is_new = action->is_new(t);
        ck_assert_msg(told < 0 || is_new, "%s under %s: told to be done, and is not seen",
                      action->name, fault);
        make_another_branch(t);
        t->rows = before.rows;
        t->sum = before.sum;
    }
    reopen(t);
    is_new = action->is_new(t);
    ck_assert_msg(told < 0 || is_new, "%s under %s: told to be done, and is not there",
                  action->name, fault);
    if (deep) {
        r = corrie_fsck(t->f.lake, NULL, &text, &t->f.err);
        ck_assert_msg(r >= 0, "%s under %s: %s\n%s", action->name, fault,
                      corrie_error_message(&t->f.err), text ? text : "");
        corrie_free(text);
    }
    t->f.lake = corrie_lake_close(t->f.lake);
}

/* Opens the lake, which stays open, and acts, under whatever is armed. */
static int attempt(struct trial *t, const struct action *action, corrie_error *err)
{
    int r;

    r = open_lake(t, err);
    if (r >= 0) {
        r = action->act(t, err);
    }
    return r;
}

static void prepare(struct trial *t, const struct action *action)
{
    t->round++;
    snprintf(t->name, sizeof t->name, "n%u", t->round);
    if (action->prepare) {
        reopen(t);
        action->prepare(t);
    }
    t->f.lake = corrie_lake_close(t->f.lake);
}

static void check_told(const char *what, const char *fault, int r, int expected,
                       const corrie_error *err)
{
    if (r >= 0) {
        return;
    }
    /* SQLite does not always say why an operation failed */
    ck_assert_msg(r == expected || (preloaded() && r == CORRIE_E_IO),
                  "%s under %s: %s (%s), expected %s", what, fault, corrie_code_name(r),
                  corrie_error_message(err), corrie_code_name(expected));
    ck_assert_int_eq(r, err->code);
    ck_assert_msg(corrie_error_message(err)[0] != '\0', "%s under %s: failed without a word", what,
                  fault);
    ck_assert_int_eq(corrie_code_exit_status(r), 5);
}

/* Which operations fail, with what, and what a caller is to be told. */
static const struct disk {
    const char *op;
    const char *error;
    bool sticky;
    bool
        told; /* none of ours may fail without the caller hearing of it; SQLite's cleaning up may */
    int code;
} disks[] = {
    {"any", "ENOSPC", false, false, CORRIE_E_NO_SPACE},
    {"any", "ENOSPC", true, false, CORRIE_E_NO_SPACE},
    {"all", "EIO", false, false, CORRIE_E_IO},
    {"all", "EIO", true, false, CORRIE_E_IO},
    {"write+fsync+rename+mkdir", "EIO", false, true, CORRIE_E_IO},
};

START_TEST(each_failing_operation)
{
    const struct action *action = &actions[(size_t)_i / ARRAY_LEN(disks)];
    const struct disk *disk = &disks[(size_t)_i % ARRAY_LEN(disks)];
    unsigned failed = 0;
    bool fired = true;
    struct trial t;

    trial_init(&t);
    for (unsigned k = 1; fired; k++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        char fault[300];
        size_t handles;
        int r;

        prepare(&t, action);
        handles = open_descriptors();
        snprintf(fault, sizeof fault, "root=%s,op=%s,errno=%s,at=%u%s", t.f.dir, disk->op,
                 disk->error, k, disk->sticky ? ",sticky" : "");
        ck_ok(os_fault_arm(fault, &err), &err);
        r = attempt(&t, action, &err);
        fired = os_fault_hits() > 0;
        os_fault_disarm();
        check_told(action->name, fault, r, disk->code, &err);
        ck_assert_msg(fired || r >= 0, "%s fails without a fault: %s", action->name,
                      corrie_error_message(&err));
        ck_assert_msg(!disk->told || preloaded() || !fired || r < 0,
                      "%s under %s: the failure was kept quiet", action->name, fault);
        check_lake(&t, action, fault, r, true);
        ck_assert_uint_eq(open_descriptors(), handles);
        failed += r < 0;
    }
    ck_assert(failed > 0 || (disk->told && !preloaded())); /* refs are changed by SQLite alone */
    trial_done(&t);
}
END_TEST

/* An allocation of ours or of SQLite's; DuckDB has its own. */
START_TEST(each_failing_allocation)
{
    const struct action *action = &actions[_i / 2];
    uint64_t step = tortured() ? 1 : action->sample;
    bool sticky = _i % 2;
    unsigned failed = 0;
    unsigned n = 0;
    bool fired = true;
    struct trial t;

    trial_init(&t);
    for (uint64_t k = 1; fired; k += step) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        char fault[100];
        size_t handles;
        int r;

        prepare(&t, action);
        handles = open_descriptors();
        snprintf(fault, sizeof fault, "allocation %llu%s", (unsigned long long)k,
                 sticky ? " and all after" : "");
        os_fault_arm_alloc(k, sticky);
        r = attempt(&t, action, &err);
        fired = os_fault_alloc_count() >= k;
        mem_set_fault(NULL, NULL);
        check_told(action->name, fault, r, CORRIE_E_NO_MEMORY, &err);
        ck_assert_msg(fired || r >= 0, "%s fails without a fault: %s", action->name,
                      corrie_error_message(&err));
        check_lake(&t, action, fault, r, !fired || n++ % 16 == 0);
        ck_assert_uint_eq(open_descriptors(), handles);
        failed += r < 0;
    }
    ck_assert_uint_gt(failed, 10);
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
    tcase_add_loop_test(tcase, each_failing_operation, 0,
                        (int)(ARRAY_LEN(actions) * ARRAY_LEN(disks)));
    tcase_add_loop_test(tcase, each_failing_operation_of_making_a_lake, 0, (int)ARRAY_LEN(disks));
    if (!preloaded()) {
        tcase_add_loop_test(tcase, each_failing_allocation, 0, (int)ARRAY_LEN(actions) * 2);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
