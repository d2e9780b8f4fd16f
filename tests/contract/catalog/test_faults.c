/* What a user would lose: a branch, or a commit that was reported done, because a disk was full, a
 * file could not be written, the process was killed or the power went. */
#include "os/dir.h"
#include "os/fault.h"
#include "os/file.h"
#include "tests/contract/catalog/crew.h"

#define OPERATIONS_MAX 400

/* ---- system calls: those of SQLite too ---- */

/* A catalog with t = 1 on main, and its file's bytes to start from again. */
struct stage {
    struct lab lab;
    struct arena arena;
    struct buf file;
    char *path;
};

static void stage_init(struct stage *stage)
{
    struct tree_edit edit;

    *stage = (struct stage){.arena = {0}};
    lab_init(&stage->lab);
    edit = put_number(&stage->arena, "t", 1);
    lab_commit(&stage->lab, "main", &edit, 1);
    stage->lab.catalog = catalog_close(stage->lab.catalog);
    stage->path = arena_printf(&stage->arena, "%s/catalog.db", stage->lab.directory);
    ck_ok(os_file_read(stage->path, CORRIE_MAX_OBJECT, &stage->file, &stage->lab.err),
          &stage->lab.err);
}

static void stage_done(struct stage *stage)
{
    lab_done(&stage->lab);
    buf_done(&stage->file);
    arena_done(&stage->arena);
}

static void stage_reset(struct stage *stage)
{
    corrie_error *err = &stage->lab.err;

    stage->lab.catalog = catalog_close(stage->lab.catalog);
    ck_ok(os_unlink(arena_printf(&stage->arena, "%s-wal", stage->path), err), err);
    ck_ok(os_unlink(arena_printf(&stage->arena, "%s-shm", stage->path), err), err);
    ck_ok(os_file_replace(stage->path, buf_str(&stage->file), 0644, err), err);
}

/* Runs `commit 2` with a fault and looks at what is left. Returns the exit status. */
static int commit_with(struct stage *stage, const char *fault)
{
    const char *arguments[] = {"commit", stage->lab.directory, "2", NULL, NULL, NULL};
    char *spec = arena_printf(&stage->arena, "root=%s,%s", stage->lab.directory, fault);
    int status;
    long number;

    stage_reset(stage);
    status = crew_wait(crew_start(spec, arguments));
    ck_assert_msg(status != 125 && status != 126, "%s: the test itself does not work (%d)", spec,
                  status);
    stage->lab.catalog = lab_open(&stage->lab);
    struct hash head = lab_head(&stage->lab, "main");
    struct hash tree = lab_tree(&stage->lab, &head);
    number = lab_number(&stage->lab, &tree, "t");
    ck_assert_msg(number == 2 || (number == 1 && status != 0), "%s: status %d, t = %ld", fault,
                  status, number);
    lab_sound(&stage->lab);
    /* and it can be written again */
    struct tree_edit edit = put_number(&stage->arena, "t", 3);
    lab_commit(&stage->lab, "main", &edit, 1);
    return status;
}

typedef int (*fault_fn)(struct stage *stage, const char *fault);

static int count_operations(struct stage *stage, fault_fn function)
{
    _cleanup_(buf_done) struct buf text = {0};
    char *out = arena_printf(&stage->arena, "%s.count", stage->lab.directory);
    char *fault = arena_printf(&stage->arena, "count,out=%s", out);
    int64_t n = 0;

    ck_assert_int_eq(function(stage, fault), 0);
    ck_ok(os_file_read(out, 1000, &text, &stage->lab.err), &stage->lab.err);
    ck_ok(os_unlink(out, &stage->lab.err), &stage->lab.err);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] >= '0' && text.data[i] <= '9') {
            n = n * 10 + text.data[i] - '0';
        }
    }
    ck_assert_msg(n > 5 && n < OPERATIONS_MAX, "%lld operations: \"%s\"", (long long)n,
                  buf_text(&text));
    return (int)n;
}

static const char *const kinds[] = {"errno=EIO", "errno=ENOSPC,sticky", "short",     "kill",
                                    "cut",       "cut,seed=1",          "cut,seed=2"};

START_TEST(test_each_system_call)
{
    _cleanup_(stage_done) struct stage stage;
    int n_failed = 0;
    int n;

    stage_init(&stage);
    n = count_operations(&stage, commit_with);
    for (int k = 1; k <= n; k++) {
        n_failed += commit_with(&stage, arena_printf(&stage.arena, "at=%d,%s", k, kinds[_i])) != 0;
    }
    ck_assert_int_gt(n_failed, 0);
}
END_TEST

/* ---- a collection ---- */

/* main with t = 1, and a deleted branch of 40 commits, all a day old. */
static void garbage_init(struct stage *stage)
{
    struct lab *lab = &stage->lab;
    struct tree_edit edits[60];
    struct catalog_move move = {.ref = STR("gone"), .kind = CATALOG_BRANCH, .why = STR("test")};

    *stage = (struct stage){.arena = {0}};
    lab_init(lab);
    edits[0] = put_number(&stage->arena, "t", 1);
    lab_commit(lab, "main", edits, 1);
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 60; k++) {
            edits[k] = put_number(&stage->arena, arena_printf(&stage->arena, "g%03d", k), i * k);
        }
        lab_commit(lab, "gone", edits, 60);
    }
    move.expected = lab_head(lab, "gone");
    ck_ok(catalog_commit(lab->catalog, NULL, &move, &lab->err), &lab->err);
    lab_age(lab);
    lab->catalog = catalog_close(lab->catalog);
    stage->path = arena_printf(&stage->arena, "%s/catalog.db", lab->directory);
    ck_ok(os_file_read(stage->path, CORRIE_MAX_OBJECT, &stage->file, &lab->err), &lab->err);
}

static int collect_with(struct stage *stage, const char *fault)
{
    const char *arguments[] = {"collect", stage->lab.directory, "1", NULL, NULL, NULL};
    char *spec = arena_printf(&stage->arena, "root=%s,%s", stage->lab.directory, fault);
    struct lab *lab = &stage->lab;
    int status;

    stage_reset(stage);
    status = crew_wait(crew_start(spec, arguments));
    ck_assert_msg(status != 125 && status != 126, "%s: the test itself does not work (%d)", spec,
                  status);
    lab->catalog = lab_open(lab);
    struct hash head = lab_head(lab, "main");
    struct hash tree = lab_tree(lab, &head);
    ck_assert_int_eq(lab_number(lab, &tree, "t"), 1);
    lab_closed(lab);
    lab_sound(lab);
    /* the next one goes on where it was cut off, and leaves what one without faults leaves */
    struct collect_counts counts = lab_collect(lab, INT64_MAX);
    ck_assert_msg(status != 0 || counts.swept_objects == 0, "%s: not swept", fault);
    ck_assert_uint_eq(counts.kept_objects, lab_sound(lab).nodes + 2);
    return status;
}

START_TEST(test_collection_each_system_call)
{
    _cleanup_(stage_done) struct stage stage;
    bool torture = getenv("CORRIE_TORTURE") != NULL;
    int n_failed = 0;
    int n;

    garbage_init(&stage);
    n = count_operations(&stage, collect_with);
    for (int k = 1; k <= n; k += torture || n < 12 ? 1 : n / 12) {
        n_failed += collect_with(&stage, arena_printf(&stage.arena, "at=%d,%s", k, kinds[_i])) != 0;
    }
    ck_assert_int_gt(n_failed, 0);
}
END_TEST

/* Reported done is done, even if the power goes at the very moment of the report. */
START_TEST(test_done_is_durable)
{
    _cleanup_(stage_done) struct stage stage;

    stage_init(&stage);
    ck_assert_int_eq(commit_with(&stage, "cut=exit"), 0);
    ck_assert_int_eq(commit_with(&stage, "cut=exit,seed=5"), 0);
}
END_TEST

/* A creation that was cut off can be made again; one that was reported done is there. */
START_TEST(test_creation)
{
    static const char *const ways[] = {"errno=EIO", "kill", "cut", "cut,seed=3"};
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    char *parent = NULL;

    ck_ok(os_temp_dir("corrie-create", &parent, &err), &err);
    for (int k = 1; k < OPERATIONS_MAX; k++) {
        char *directory = arena_printf(&arena, "%s/%d", parent, k);
        char *spec = arena_printf(&arena, "root=%s,at=%d,%s", directory, k, ways[_i]);
        const char *arguments[] = {"create", directory, NULL, NULL, NULL, NULL};
        struct catalog *catalog = NULL;
        int status;

        ck_ok(os_dir_make(directory, 0755, &err), &err);
        status = crew_wait(crew_start(spec, arguments));
        if (status != 0) {
            ck_ok(catalog_create(directory, &err), &err);
        }
        ck_ok(catalog_open(directory, NULL, &catalog, &err), &err);
        catalog_close(catalog);
        if (status == 0) {
            break;
        }
        ck_assert_int_lt(k, OPERATIONS_MAX - 1);
    }
    ck_ok(os_tree_remove(parent, &err), &err);
    mem_free(parent);
}
END_TEST

/* ---- memory: ours and SQLite's ---- */

typedef int (*attempt_fn)(struct lab *lab, long round);

/* Fails each allocation of an attempt in turn. An attempt returns its code; it may only be out of
 * memory. */
static void fail_each(struct lab *lab, attempt_fn attempt, bool sticky)
{
    long round = 0;

    for (uint64_t k = 1;; k++) {
        uint64_t reached;
        int r;

        os_fault_arm_alloc(k, sticky);
        r = attempt(lab, ++round);
        reached = os_fault_alloc_count();
        os_fault_arm_alloc(0, 0);
        os_fault_disarm();
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %llu: %s",
                      (unsigned long long)k, corrie_error_message(&lab->err));
        corrie_error_clear(&lab->err);
        if (reached < k) {
            ck_assert_int_ge(r, 0);
            ck_assert_uint_gt(k, 10);
            return;
        }
        ck_assert_uint_lt(k, 20000);
    }
}

static long value_of(struct lab *lab, const char *name)
{
    struct catalog *catalog = lab_open(lab);
    struct catalog *mine = lab->catalog;
    long number;

    lab->catalog = catalog;
    struct hash head = lab_head(lab, "main");
    struct hash tree = lab_tree(lab, &head);
    number = lab_number(lab, &tree, name);
    lab->catalog = mine;
    catalog_close(catalog);
    return number;
}

static void publish_input(struct publish *publish, struct tree_edit *edit, char doc[64],
                          const char *name, struct key *key, long number)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct hash id = hash_bytes(str_of(name));

    snprintf(doc, 64, "{\"n\":%ld}", number);
    must(KEY_MAKE(key, &err, STR("table"), str_of(name)) == 0);
    *edit = (struct tree_edit){.key = key_str(key)};
    memcpy(edit->value.id.bytes, id.bytes, 16);
    edit->value.doc = str_of(doc);
    *publish = (struct publish){.ref = STR("main"), .edits = edit, .n_edits = 1};
    publish->commit.author = STR("ada");
    publish->commit.message = STR("change");
}

static struct hash old_start;
static uint64_t n_allocations; /* of the last attempt */

/* Odd rounds start from a commit that is no longer the head, so that they merge. */
static int attempt_publish(struct lab *lab, long round)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct publish_result result;
    struct publish publish;
    struct tree_edit edit;
    struct key key;
    char name[32];
    char doc[64];
    int r;

    snprintf(name, sizeof name, "t%ld", round % 7);
    publish_input(&publish, &edit, doc, name, &key, round);
    if (round % 2) { /* a key that only this round knows, on the old start */
        snprintf(name, sizeof name, "r%ld", round);
        publish_input(&publish, &edit, doc, name, &key, round);
        publish.start = old_start;
        r = 0;
    } else {
        struct catalog_ref ref;

        r = catalog_ref_get(lab->catalog, publish.ref, &ref, &lab->err);
        publish.start = ref.commit;
    }
    if (r >= 0) {
        r = catalog_publish(lab->catalog, &publish, &result, &report, &lab->err);
    }
    n_allocations = os_fault_alloc_count();
    os_fault_arm_alloc(0, 0);
    os_fault_disarm();
    ck_assert_msg((value_of(lab, name) == round) == (r >= 0), "round %ld: %s", round,
                  r < 0 ? "it failed, but is there" : "it was done, but is not there");
    return r;
}

START_TEST(test_memory_of_publish)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit edits[300];

    lab_init(&lab);
    for (int i = 0; i < 300; i++) {
        edits[i] = put_number(&arena, arena_printf(&arena, "x%04d", i), i);
    }
    old_start = lab_commit(&lab, "main", edits, 300);
    edits[0] = put_number(&arena, "t1", 0);
    lab_commit(&lab, "main", edits, 1);
    lab_reopen(&lab);
    int n_whole = 0; /* rounds in which nothing failed any more */
    for (uint64_t k = 1; n_whole < 4; k++) {
        os_fault_arm_alloc(k, _i);
        int r = attempt_publish(&lab, (long)k);
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %llu: %s",
                      (unsigned long long)k, corrie_error_message(&lab.err));
        corrie_error_clear(&lab.err);
        n_whole = n_allocations < k ? n_whole + 1 : 0;
        ck_assert_uint_lt(k, 20000);
        if (k % 40 == 0) {
            lab_reopen(&lab);
        }
    }
    lab_sound(&lab);
}
END_TEST

static int attempt_open(struct lab *lab, long round)
{
    _cleanup_(catalog_closep) struct catalog *catalog = NULL;

    (void)round;
    return catalog_open(lab->directory, NULL, &catalog, &lab->err);
}

static int attempt_reading(struct lab *lab, long round)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(catalog_closep) struct catalog *catalog = NULL;
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    const struct commit *commit;
    struct tree_value value;
    struct hash head;
    struct hash tree;
    struct str key;
    int n = 0;
    int r;

    (void)round;
    r = catalog_open(lab->directory, NULL, &catalog, &lab->err);
    if (r >= 0) {
        r = history_resolve_text(catalog, STR("main~1"), &head, NULL, &lab->err);
    }
    if (r >= 0) {
        r = history_walk_open(catalog, &head, false, &walk, &lab->err);
    }
    if (r >= 0) {
        r = history_walk_next(walk, &commit, &lab->err);
    }
    if (r >= 0) {
        tree = commit->tree;
        r = tree_cursor_open(catalog, &tree, STR_EMPTY, &cursor, &lab->err);
    }
    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, &lab->err)) > 0) {
        n++;
    }
    if (r >= 0) {
        r = tree_need(catalog, &tree, STR("table\0x0007"), &arena, &value, &lab->err);
    }
    ck_assert_msg(r < 0 || n == 300, "%d entries", n);
    return r;
}

START_TEST(test_memory_of_reading)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit edits[300];

    lab_init(&lab);
    for (int i = 0; i < 300; i++) {
        edits[i] = put_number(&arena, arena_printf(&arena, "x%04d", i), i);
    }
    lab_commit(&lab, "main", edits, 300);
    lab_commit(&lab, "main", edits, 1);
    fail_each(&lab, attempt_open, _i);
    fail_each(&lab, attempt_reading, _i);
}
END_TEST

/* A collection without memory at each place in turn: what was in use is there, nothing that is stored
 * lacks anything, and the next one goes on. */
START_TEST(test_memory_of_collection)
{
    _cleanup_(stage_done) struct stage stage;
    uint64_t step = getenv("CORRIE_TORTURE") ? 1 : 19;
    bool whole = false;

    garbage_init(&stage);
    for (uint64_t k = 1; !whole; k += step) {
        _cleanup_(collect_endp) struct collect *collect = NULL;
        struct collect_options options = {.cutoff = clock_now(), .reflog_since = INT64_MAX};
        struct lab *lab = &stage.lab;
        int r;

        stage_reset(&stage);
        lab->catalog = lab_open(lab);
        os_fault_arm_alloc(k, _i);
        r = collect_begin(lab->catalog, &options, &collect, &lab->err);
        if (r >= 0) {
            r = collect_mark(collect, &lab->err);
        }
        if (r >= 0) {
            r = collect_sweep(collect, &lab->err);
        }
        whole = os_fault_alloc_count() < k;
        os_fault_arm_alloc(0, 0);
        os_fault_disarm();
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %llu: %s",
                      (unsigned long long)k, corrie_error_message(&lab->err));
        ck_assert(!whole || r >= 0);
        corrie_error_clear(&lab->err);
        collect = collect_end(collect);
        lab_closed(lab);
        lab_sound(lab);
        ck_assert_uint_eq(lab_collect(lab, INT64_MAX).kept_objects, lab_sound(lab).nodes + 2);
        ck_assert_uint_lt(k, 50000);
    }
}
END_TEST

Suite *faults_suite(void);
Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");

    tcase_set_timeout(tcase, getenv("CORRIE_TORTURE") ? 3600 : 300);
    tcase_add_loop_test(tcase, test_each_system_call, 0, (int)ARRAY_LEN(kinds));
    tcase_add_test(tcase, test_done_is_durable);
    tcase_add_loop_test(tcase, test_creation, 0, 4);
    tcase_add_loop_test(tcase, test_memory_of_publish, 0, 2);
    tcase_add_loop_test(tcase, test_memory_of_reading, 0, 2);
    tcase_add_loop_test(tcase, test_collection_each_system_call, 0, (int)ARRAY_LEN(kinds));
    tcase_add_loop_test(tcase, test_memory_of_collection, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
