/* Two that change one branch at the same time, in every order: one of them acts at a named point of the other's round.
 * What a user would lose: one of the two changes, though both were told that it was done. */
#include "base/clock.h"
#include "catalog/collect.h"
#include "catalog/publish_priv.h"
#include "os/fault.h"
#include "tests/unit/catalog/support.h"

struct stage {
    struct lab lab;
    struct arena arena;
    struct hash start;    /* main: r = 1 */
    struct hash to_undo;  /* the commit that set r */
    struct hash to_pick;  /* on `fixes`: k = 1 */
    struct hash to_merge; /* on `dev`: m = 1 */
    struct hash to_reset; /* on `other`: z = 1, without main's later history */
};

/* What is done to main, on a handle. */
struct act {
    const char *name;
    int (*perform)(struct stage *stage, struct catalog *catalog, corrie_error *err);
    const char *key;
    long number; /* what the key is afterwards (-1: not there) */
};

static void stage_init(struct stage *stage)
{
    struct catalog_move move = {.kind = CATALOG_BRANCH};
    static const char *const branches[] = {"dev", "fixes", "other"};
    struct hash *const made[] = {&stage->to_merge, &stage->to_pick, &stage->to_reset};
    static const char *const keys[] = {"m", "k", "z"};
    struct tree_edit edit;

    *stage = (struct stage){.arena = {0}};
    lab_init(&stage->lab);
    edit = put_number(&stage->arena, "a", 1);
    lab_commit(&stage->lab, "main", &edit, 1);
    edit = put_number(&stage->arena, "r", 1);
    stage->to_undo = stage->start = lab_commit(&stage->lab, "main", &edit, 1);
    for (size_t i = 0; i < ARRAY_LEN(branches); i++) {
        move.ref = str_of(branches[i]);
        move.new_commit = stage->start;
        ck_ok(catalog_commit(stage->lab.catalog, NULL, &move, &stage->lab.err), &stage->lab.err);
        edit = put_number(&stage->arena, keys[i], 1);
        *made[i] = lab_commit(&stage->lab, branches[i], &edit, 1);
    }
    lab_reopen(&stage->lab);
}

static void stage_done(struct stage *stage)
{
    lab_sound(&stage->lab);
    lab_done(&stage->lab);
    arena_done(&stage->arena);
}

static int publish_number(struct stage *stage, struct catalog *catalog, const char *name,
                          long number, bool from_start, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit edit = put_number(&arena, name, number);
    struct publish publish = {.ref = STR("main"),
                              .start = stage->start,
                              .edits = &edit,
                              .n_edits = 1,
                              .commit = {.author = STR("ada"), .message = STR("publish")}};
    struct publish_result result;
    struct catalog_ref ref;
    int r = catalog_ref_get(catalog, publish.ref, &ref, err);

    if (r < 0) {
        return r;
    }
    if (!from_start) {
        publish.start = ref.commit;
    }
    return catalog_publish(catalog, &publish, &result, &report, err);
}

static int do_publish(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    return publish_number(stage, catalog, "p", 1, false, err);
}

static int do_late_publish(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    return publish_number(stage, catalog, "q", 1, true, err);
}

static int do_merge(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct branch_merge merge = {.ref = STR("main"),
                                 .source = stage->to_merge,
                                 .commit = {.author = STR("ada"), .message = STR("merge")}};
    struct publish_result result;

    return catalog_merge(catalog, &merge, &result, &report, err);
}

static int do_pick_or_revert(struct catalog *catalog, const struct hash *commit, bool revert,
                             corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct pick pick = {.ref = STR("main"),
                        .commits = commit,
                        .n_commits = 1,
                        .revert = revert,
                        .commit = {.author = STR("ada")}};
    struct publish_result result;
    struct hash made;

    return catalog_pick(catalog, &pick, &result, &made, &report, err);
}

static int do_pick(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    return do_pick_or_revert(catalog, &stage->to_pick, false, err);
}

static int do_revert(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    return do_pick_or_revert(catalog, &stage->to_undo, true, err);
}

/* Moves main from where it is. */
static int move_main(struct catalog *catalog, struct hash to, corrie_error *err)
{
    struct catalog_move move = {.ref = STR("main"), .new_commit = to};
    struct catalog_ref ref;
    int r = catalog_ref_get(catalog, move.ref, &ref, err);

    move.expected = ref.commit;
    move.kind = ref.kind;
    return r < 0 ? r : catalog_commit(catalog, NULL, &move, err);
}

static int do_reset(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    return move_main(catalog, stage->to_reset, err);
}

static int do_delete(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    (void)stage;
    return move_main(catalog, (struct hash){{0}}, err);
}

static int do_rival(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    return publish_number(stage, catalog, "p", 2, false, err);
}

static int collect_all(struct catalog *catalog, int64_t cutoff, corrie_error *err)
{
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.cutoff = cutoff, .reflog_since = cutoff};
    int r = collect_begin(catalog, &options, &collect, err);

    if (r >= 0) {
        r = collect_mark(collect, err);
    }
    return r < 0 ? r : collect_sweep(collect, err);
}

/* A whole collection that spares nothing but what is in reach. */
static int do_collect(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    (void)stage;
    return collect_all(catalog, clock_now(), err);
}

/* One that removes nothing here, and lets in what was begun in the last hour. */
static int do_mild_collect(struct stage *stage, struct catalog *catalog, corrie_error *err)
{
    (void)stage;
    return collect_all(catalog, clock_now() - 3600 * INT64_C(1000000000), err);
}

static const struct act acts[] = {
    {"publish", do_publish, "p", 1}, {"late publish", do_late_publish, "q", 1},
    {"merge", do_merge, "m", 1},     {"pick", do_pick, "k", 1},
    {"revert", do_revert, "r", -1},
};
static const struct act reset = {"reset", do_reset, "z", 1};
static const struct act deletion = {"delete", do_delete, NULL, 0};
static const struct act rival = {"rival", do_rival, "p", 2};

/* Acts once, at one point of the other's round. */
struct intruder {
    struct stage *stage;
    struct catalog *catalog;
    const struct act *act;
    int point;
    unsigned seen[PUBLISH_POINTS];
    bool acted;
    int result;
};

static void intrude(void *arg, int point)
{
    struct intruder *intruder = arg;
    corrie_error err = CORRIE_ERROR_INIT;

    intruder->seen[point]++;
    if (point != intruder->point || intruder->acted) {
        return;
    }
    intruder->acted = true;
    intruder->result = intruder->act->perform(intruder->stage, intruder->catalog, &err);
    ck_assert_msg(intruder->result >= 0, "%s at point %d: %s", intruder->act->name, point,
                  corrie_error_message(&err));
}

static bool shows(struct stage *stage, const struct act *act)
{
    struct hash head = lab_head(&stage->lab, "main");
    struct hash tree = lab_tree(&stage->lab, &head);

    return lab_number(&stage->lab, &tree, act->key) == act->number;
}

/* `act` with `other` at that point. The result of `act`; main is looked at by the caller. */
static int interleave(struct stage *stage, const struct act *act, const struct act *other,
                      int point, struct intruder *intruder)
{
    struct catalog_options impatient = {.lock_deadline_ms = 1};
    struct catalog *mine;
    int r;

    stage_init(stage);
    *intruder = (struct intruder){.stage = stage, .act = other, .point = point};
    ck_ok(catalog_open(stage->lab.directory, &impatient, &intruder->catalog, &stage->lab.err),
          &stage->lab.err);
    mine = stage->lab.catalog;
    mine->probe = intrude;
    mine->probe_arg = intruder;
    r = act->perform(stage, mine, &stage->lab.err);
    mine->probe = NULL;
    ck_assert_msg(intruder->acted, "%s never came to point %d", act->name, point);
    catalog_close(intruder->catalog);
    return r;
}

START_TEST(test_both_land)
{
    for (size_t a = 0; a < ARRAY_LEN(acts); a++) {
        for (size_t b = 0; b < ARRAY_LEN(acts); b++) {
            for (int point = 0; point < PUBLISH_POINTS; point++) {
                _cleanup_(stage_done) struct stage stage;
                struct intruder intruder;
                int r = interleave(&stage, &acts[a], &acts[b], point, &intruder);

                ck_assert_msg(r >= 0, "%s, %s at %d: %s", acts[a].name, acts[b].name, point,
                              corrie_error_message(&stage.lab.err));
                ck_assert_msg(shows(&stage, &acts[a]) && shows(&stage, &acts[b]),
                              "%s, %s at %d: one is lost", acts[a].name, acts[b].name, point);
                ck_assert_uint_eq(intruder.seen[PUBLISH_LOOKED], point < PUBLISH_SWAPPED ? 2 : 1);
            }
        }
    }
}
END_TEST

START_TEST(test_moved_away)
{
    for (size_t a = 0; a < ARRAY_LEN(acts); a++) {
        for (int point = 0; point < PUBLISH_POINTS; point++) {
            _cleanup_(stage_done) struct stage stage;
            struct intruder intruder;
            int r = interleave(&stage, &acts[a], &reset, point, &intruder);

            ck_assert_msg(r >= 0, "%s: %s", acts[a].name, corrie_error_message(&stage.lab.err));
            ck_assert_msg(shows(&stage, &reset), "%s undid a reset at %d", acts[a].name, point);
            /* what came after is on top of it, what came before went with the reset */
            ck_assert_msg(shows(&stage, &acts[a]) == (point < PUBLISH_SWAPPED), "%s at %d",
                          acts[a].name, point);
        }
    }
}
END_TEST

START_TEST(test_deleted_meanwhile)
{
    for (size_t a = 0; a < ARRAY_LEN(acts); a++) {
        for (int point = 0; point < PUBLISH_POINTS; point++) {
            _cleanup_(stage_done) struct stage stage;
            struct intruder intruder;
            struct catalog_ref ref;
            int r = interleave(&stage, &acts[a], &deletion, point, &intruder);

            ck_assert_int_eq(r < 0 ? r : 0, point < PUBLISH_SWAPPED ? CORRIE_E_NOT_FOUND : 0);
            corrie_error_clear(&stage.lab.err);
            ck_assert_int_eq(catalog_ref_find(stage.lab.catalog, STR("main"), &ref, &stage.lab.err),
                             0);
        }
    }
}
END_TEST

/* Both write one key: the second is told. */
START_TEST(test_rivals)
{
    for (int point = 0; point < PUBLISH_POINTS; point++) {
        _cleanup_(stage_done) struct stage stage;
        struct intruder intruder;
        int r = interleave(&stage, &acts[0], &rival, point, &intruder);

        ck_assert_int_eq(r < 0 ? r : 0, point < PUBLISH_SWAPPED ? CORRIE_E_CONFLICT : 0);
        ck_assert(r >= 0 || !stage.lab.err.retryable);
        corrie_error_clear(&stage.lab.err);
        ck_assert(shows(&stage, &rival));
    }
}
END_TEST

START_TEST(test_collected_meanwhile)
{
    static const struct act collections[] = {{"collection", do_collect, NULL, 0},
                                             {"mild collection", do_mild_collect, NULL, 0}};

    for (size_t a = 0; a < 2 * ARRAY_LEN(acts); a++) {
        for (int point = 0; point < PUBLISH_POINTS; point++) {
            const struct act *collection = &collections[a % 2];
            const struct act *act = &acts[a / 2];
            _cleanup_(stage_done) struct stage stage;
            struct intruder intruder;
            int r = interleave(&stage, act, collection, point, &intruder);

            ck_assert_msg(r >= 0, "%s at %d: %s", act->name, point,
                          corrie_error_message(&stage.lab.err));
            lab_reopen(&stage.lab); /* only what is stored */
            ck_assert_msg(shows(&stage, act), "%s at %d", act->name, point);
            ck_assert_uint_eq(intruder.seen[PUBLISH_LOOKED], point < PUBLISH_SWAPPED ? 2 : 1);
        }
    }
}
END_TEST

/* Work that wrote files before the fence of a collection must not come in: its files may be gone. Nor is it tried until
 * the deadline, since that makes nothing better. */
START_TEST(test_begun_before_a_collection)
{
    _cleanup_(stage_done) struct stage stage;
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct tree_edit edit;
    struct publish publish = {.ref = STR("main"), .edits = &edit, .n_edits = 1};
    struct publish_result result;

    stage_init(&stage);
    edit = put_number(&stage.arena, "p", 1);
    publish.start = stage.start;
    publish.commit.author = STR("ada");
    publish.since = clock_now() - 3600 * INT64_C(1000000000);
    ck_ok(do_collect(&stage, stage.lab.catalog, &stage.lab.err), &stage.lab.err);
    ck_assert_int_eq(catalog_publish(stage.lab.catalog, &publish, &result, &report, &stage.lab.err),
                     CORRIE_E_CONFLICT);
    ck_assert(!stage.lab.err.retryable);
    corrie_error_clear(&stage.lab.err);
    publish.since = clock_now();
    ck_ok(catalog_publish(stage.lab.catalog, &publish, &result, &report, &stage.lab.err),
          &stage.lab.err);
    publish.since = 0;
    edit = put_number(&stage.arena, "q", 1);
    ck_ok(catalog_publish(stage.lab.catalog, &publish, &result, &report, &stage.lab.err),
          &stage.lab.err);
}
END_TEST

/* ---- each allocation fails ---- */

static struct tree_edit renamed(struct arena *arena, const char *name, const char *new_name,
                                long number)
{
    struct tree_edit edit = put_number(arena, name, number);

    edit.key = table_key(arena, new_name);
    return edit;
}

/* Everything that merging does, and nothing is stored: with names that must give way (which) or a report. */
static int try_all(struct stage *stage, const struct hash *commits, bool choose)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    _cleanup_(object_list_done) struct object_list preview = {0};
    struct merge_choice choice = {.side = MERGE_SOURCE};
    struct merge_options options = {
        .dry_run = true, .choices = &choice, .n_choices = choose ? 1 : 0};
    struct branch_merge merge = {.ref = STR("main"),
                                 .source = commits[1],
                                 .merge = &options,
                                 .preview = &preview,
                                 .commit = {.author = STR("ada")}};
    struct pick pick = {.ref = STR("main"),
                        .commits = commits,
                        .n_commits = 2,
                        .merge = &options,
                        .preview = &preview,
                        .commit = {.author = STR("ada")}};
    struct publish_result result;
    struct hash made[2];
    _json_ json_t *json = NULL;
    int r;

    r = catalog_merge(stage->lab.catalog, &merge, &result, &report, &stage->lab.err);
    if (r >= 0) {
        r = catalog_pick(stage->lab.catalog, &pick, &result, made, &report, &stage->lab.err);
    }
    if (r == CORRIE_E_CONFLICT) {
        int inner;

        corrie_error_clear(&stage->lab.err);
        inner = merge_report_json(&report, &json, &stage->lab.err);
        return inner < 0 ? inner : r;
    }
    return r;
}

START_TEST(test_memory)
{
    _cleanup_(stage_done) struct stage stage;
    struct tree_edit edits[8];
    struct hash commits[2];
    bool choose = _i % 2;
    int n_whole = 0;

    stage_init(&stage);
    for (int i = 0; i < 4; i++) {
        char name[2] = {(char)('A' + i), '\0'};

        edits[i] = put_number(&stage.arena, name, i);
    }
    lab_commit(&stage.lab, "dev", edits, 4);
    struct catalog_move move = {.ref = STR("dev2"), .kind = CATALOG_BRANCH};
    move.new_commit = lab_head(&stage.lab, "dev");
    ck_ok(catalog_commit(stage.lab.catalog, NULL, &move, &stage.lab.err), &stage.lab.err);
    ck_ok(do_reset(&stage, stage.lab.catalog, &stage.lab.err), &stage.lab.err);
    ck_ok(move_main(stage.lab.catalog, move.new_commit, &stage.lab.err), &stage.lab.err);
    /* dev2: A is called E, C changes, D goes; main: B is called E, A changes, C changes */
    edits[0] = drop(&stage.arena, "A");
    edits[1] = renamed(&stage.arena, "A", "E", 0);
    edits[2] = put_number(&stage.arena, "C", 7);
    commits[0] = lab_commit(&stage.lab, "dev2", edits, 3);
    edits[0] = drop(&stage.arena, "D");
    commits[1] = lab_commit(&stage.lab, "dev2", edits, 1);
    edits[0] = drop(&stage.arena, "B");
    edits[1] = renamed(&stage.arena, "B", "E", 1);
    edits[2] = put_number(&stage.arena, "A", 5);
    edits[3] = put_number(&stage.arena, "C", 8);
    lab_commit(&stage.lab, "main", edits, 4);

    int usual = try_all(&stage, commits, choose);
    ck_assert_msg(usual == (choose ? 0 : CORRIE_E_CONFLICT), "%s",
                  corrie_error_message(&stage.lab.err));
    corrie_error_clear(&stage.lab.err);
    for (uint64_t k = 1; n_whole < 2; k++) {
        uint64_t n;
        int r;

        if (k % 16 == 0) {
            lab_reopen(&stage.lab);
        }
        os_fault_arm_alloc(k, _i / 2);
        r = try_all(&stage, commits, choose);
        n = os_fault_alloc_count();
        os_fault_arm_alloc(0, 0);
        os_fault_disarm();
        ck_assert_msg(r == CORRIE_E_NO_MEMORY || r == usual, "allocation %llu: %s",
                      (unsigned long long)k, corrie_error_message(&stage.lab.err));
        corrie_error_clear(&stage.lab.err);
        n_whole = n < k ? n_whole + 1 : 0;
        ck_assert_uint_lt(k, 50000);
    }
}
END_TEST

Suite *merge_rounds_suite(void);
Suite *merge_rounds_suite(void)
{
    Suite *suite = suite_create("merge_rounds");
    TCase *tcase = tcase_create("merge_rounds");

    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, test_both_land);
    tcase_add_test(tcase, test_moved_away);
    tcase_add_test(tcase, test_deleted_meanwhile);
    tcase_add_test(tcase, test_rivals);
    tcase_add_test(tcase, test_collected_meanwhile);
    tcase_add_test(tcase, test_begun_before_a_collection);
    tcase_add_loop_test(tcase, test_memory, 0, 4);
    suite_add_tcase(suite, tcase);
    return suite;
}
