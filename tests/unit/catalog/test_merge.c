/* What a user would lose: somebody else's change, silently, or their own. */
#include "tests/unit/catalog/support.h"

struct scene {
    struct lab lab;
    struct arena arena;
    struct hash start;
    struct merge_report report;
};

/* main has a = 1, b = 2, c = 3; `dev` stands there too. */
static void scene_init(struct scene *scene)
{
    struct tree_edit edits[3];
    struct catalog_move move = {.ref = STR("dev"), .kind = CATALOG_BRANCH};

    *scene = (struct scene){.arena = {0}};
    lab_init(&scene->lab);
    edits[0] = put_number(&scene->arena, "a", 1);
    edits[1] = put_number(&scene->arena, "b", 2);
    edits[2] = put_number(&scene->arena, "c", 3);
    scene->start = lab_commit(&scene->lab, "main", edits, 3);
    move.new_commit = scene->start;
    ck_ok(catalog_commit(scene->lab.catalog, NULL, &move, &scene->lab.err), &scene->lab.err);
}

static void scene_done(struct scene *scene)
{
    merge_report_done(&scene->report);
    lab_sound(&scene->lab);
    lab_done(&scene->lab);
    arena_done(&scene->arena);
}

static void set(struct scene *scene, const char *branch, const char *name, long number)
{
    struct tree_edit edit =
        number < 0 ? drop(&scene->arena, name) : put_number(&scene->arena, name, number);

    lab_commit(&scene->lab, branch, &edit, 1);
}

static long number_at(struct scene *scene, const char *branch, const char *name)
{
    struct hash head = lab_head(&scene->lab, branch);
    struct hash tree = lab_tree(&scene->lab, &head);

    return lab_number(&scene->lab, &tree, name);
}

static int merge_into(struct scene *scene, const char *target, const char *source,
                      const struct merge_options *options, bool no_fast_forward,
                      struct publish_result *ret)
{
    struct branch_merge merge = {.ref = str_of(target),
                                 .source = lab_head(&scene->lab, source),
                                 .no_fast_forward = no_fast_forward,
                                 .merge = options};

    merge.commit.author = STR("ada");
    merge.commit.message = STR("merge");
    return catalog_merge(scene->lab.catalog, &merge, ret, &scene->report, &scene->lab.err);
}

START_TEST(test_both_sides_are_kept)
{
    _cleanup_(scene_done) struct scene scene;
    _cleanup_(arena_done) struct arena arena = {0};
    struct publish_result result;
    struct commit commit;

    scene_init(&scene);
    set(&scene, "dev", "a", 10);
    set(&scene, "dev", "c", -1);
    set(&scene, "main", "b", 20);
    set(&scene, "main", "d", 40);
    struct hash main_head = lab_head(&scene.lab, "main");
    struct hash dev_head = lab_head(&scene.lab, "dev");
    ck_ok(merge_into(&scene, "main", "dev", NULL, false, &result), &scene.lab.err);
    ck_assert(result.changed && !result.fast_forward);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 20);
    ck_assert_int_eq(number_at(&scene, "main", "c"), -1);
    ck_assert_int_eq(number_at(&scene, "main", "d"), 40);
    ck_ok(commit_read(scene.lab.catalog, &result.commit, &arena, &commit, &scene.lab.err),
          &scene.lab.err);
    ck_assert_uint_eq(commit.n_parents, 2);
    ck_assert(hash_eq(&commit.parents[0], &main_head));
    ck_assert(hash_eq(&commit.parents[1], &dev_head));

    /* again: nothing to do; the other way: dev only moves */
    ck_ok(merge_into(&scene, "main", "dev", NULL, false, &result), &scene.lab.err);
    ck_assert(!result.changed);
    ck_ok(merge_into(&scene, "dev", "main", NULL, false, &result), &scene.lab.err);
    ck_assert(result.changed && result.fast_forward);
    struct hash dev = lab_head(&scene.lab, "dev");
    struct hash top = lab_head(&scene.lab, "main");
    ck_assert(hash_eq(&dev, &top));
}
END_TEST

START_TEST(test_no_fast_forward)
{
    _cleanup_(scene_done) struct scene scene;
    struct publish_result result;

    scene_init(&scene);
    set(&scene, "dev", "a", 10);
    ck_ok(merge_into(&scene, "main", "dev", NULL, true, &result), &scene.lab.err);
    ck_assert(result.changed && !result.fast_forward);
    struct hash dev = lab_head(&scene.lab, "dev");
    ck_assert(!hash_eq(&dev, &result.commit));
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
}
END_TEST

START_TEST(test_conflicts)
{
    _cleanup_(scene_done) struct scene scene;
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *json = NULL;
    struct publish_result result;

    scene_init(&scene);
    set(&scene, "dev", "a", 10);
    set(&scene, "main", "a", 11); /* both, differently */
    set(&scene, "dev", "b", 5);
    set(&scene, "main", "b", 5); /* both, alike: with the same id here */
    set(&scene, "dev", "c", -1);
    set(&scene, "main", "c", 30); /* removed and changed */
    set(&scene, "dev", "d", 1);
    set(&scene, "main", "d", 2); /* made on both sides */
    struct hash before = lab_head(&scene.lab, "main");

    ck_assert_int_eq(merge_into(&scene, "main", "dev", NULL, false, &result), CORRIE_E_CONFLICT);
    ck_assert(!scene.lab.err.retryable);
    ck_assert_str_eq(
        corrie_error_message(&scene.lab.err),
        "merge into main: 3 conflicts: table a was changed on both sides; table c was "
        "removed on one side and changed on the other; table d was made on both sides");
    ck_assert_uint_eq(scene.report.n_conflicts, 3);
    ck_assert(scene.report.conflicts[1].source == NULL);
    ck_str_eq(scene.report.conflicts[1].target->doc, STR("{\"n\":30}"));
    corrie_error_clear(&scene.lab.err);
    ck_ok(merge_report_json(&scene.report, &json, &scene.lab.err), &scene.lab.err);
    ck_ok(
        js_canonical(json_array_get(json_object_get(json, "conflicts"), 2), &text, &scene.lab.err),
        &scene.lab.err);
    ck_assert(strstr(buf_text(&text), "\"base\":null"));
    ck_assert(strstr(buf_text(&text), "\"key\":[\"table\",\"d\"]"));
    ck_assert(strstr(buf_text(&text), "{\"doc\":{\"n\":1},"));
    struct hash after = lab_head(&scene.lab, "main");
    ck_assert(hash_eq(&before, &after));

    /* decided by hand: one key by the source, the rest by the target */
    struct merge_choice choices[] = {{table_key(&scene.arena, "a"), MERGE_SOURCE},
                                     {STR(""), MERGE_TARGET}};
    struct merge_options options = {.choices = choices, .n_choices = 2, .dry_run = true};
    ck_ok(merge_into(&scene, "main", "dev", &options, false, &result), &scene.lab.err);
    ck_assert(result.changed);
    after = lab_head(&scene.lab, "main");
    ck_assert(hash_eq(&before, &after)); /* a dry run moves nothing */
    options.dry_run = false;
    ck_ok(merge_into(&scene, "main", "dev", &options, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_assert_int_eq(number_at(&scene, "main", "c"), 30);
    ck_assert_int_eq(number_at(&scene, "main", "d"), 2);
}
END_TEST

/* dev and main were merged into each other, each deciding a and b differently; then both went on.
 * */
START_TEST(test_criss_cross)
{
    _cleanup_(scene_done) struct scene scene;
    struct merge_choice source = {STR(""), MERGE_SOURCE};
    struct merge_choice target = {STR(""), MERGE_TARGET};
    struct merge_options take_source = {.choices = &source, .n_choices = 1};
    struct merge_options take_target = {.choices = &target, .n_choices = 1};
    struct publish_result result;
    struct catalog_move move = {.kind = CATALOG_BRANCH};

    scene_init(&scene);
    set(&scene, "dev", "a", 10);
    set(&scene, "main", "a", 11);
    move.ref = STR("dev0");
    move.new_commit = lab_head(&scene.lab, "dev");
    ck_ok(catalog_commit(scene.lab.catalog, NULL, &move, &scene.lab.err), &scene.lab.err);
    move.ref = STR("main0");
    move.new_commit = lab_head(&scene.lab, "main");
    ck_ok(catalog_commit(scene.lab.catalog, NULL, &move, &scene.lab.err), &scene.lab.err);
    ck_ok(merge_into(&scene, "main", "dev0", &take_target, false, &result), &scene.lab.err);
    ck_ok(merge_into(&scene, "dev", "main0", &take_target, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 11);
    ck_assert_int_eq(number_at(&scene, "dev", "a"), 10);
    set(&scene, "dev", "b", 7); /* the ancestors agree on b: it merges */

    ck_assert_int_eq(merge_into(&scene, "main", "dev", NULL, false, &result), CORRIE_E_CONFLICT);
    ck_assert_uint_eq(scene.report.n_conflicts, 1);
    ck_str_eq(scene.report.conflicts[0].key, table_key(&scene.arena, "a"));
    ck_assert(strstr(corrie_error_message(&scene.lab.err), "several common ancestors disagree"));
    corrie_error_clear(&scene.lab.err);
    ck_ok(merge_into(&scene, "main", "dev", &take_source, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 7);
}
END_TEST

/* `n` commits side by side, and two that have all of them for parents. */
static void many_bases(struct scene *scene, size_t n)
{
    struct hash above[3][COMMIT_PARENTS_MAX];
    struct commit commit = {.author = STR("ada"), .n_parents = 1, .parents = {scene->start}};
    struct hash tree = lab_tree(&scene->lab, &scene->start);
    _cleanup_(object_list_done) struct object_list objects = {0};
    size_t n_above = (n + 6) / 7;

    commit.tree = tree;
    for (size_t i = 0; i < n; i++) {
        struct hash id;

        commit.commit_time = (int64_t)i + 1;
        ck_ok(commit_add(scene->lab.catalog, &commit, &objects, &id, &scene->lab.err),
              &scene->lab.err);
        above[i / 7][i % 7] = id;
    }
    for (size_t side = 0; side < 2; side++) {
        struct commit top = {.author = STR("ada"), .tree = tree, .n_parents = n_above};
        struct catalog_move move = {.ref = side ? STR("left") : STR("right"),
                                    .kind = CATALOG_BRANCH};

        for (size_t i = 0; i < n_above; i++) {
            struct commit middle = {.author = STR("ada"), .tree = tree};

            middle.n_parents = n - 7 * i < 7 ? n - 7 * i : 7;
            middle.commit_time = 100 + (int64_t)side;
            memcpy(middle.parents, above[i], sizeof above[i]);
            ck_ok(
                commit_add(scene->lab.catalog, &middle, &objects, &top.parents[i], &scene->lab.err),
                &scene->lab.err);
        }
        top.commit_time = 200 + (int64_t)side;
        ck_ok(commit_add(scene->lab.catalog, &top, &objects, &move.new_commit, &scene->lab.err),
              &scene->lab.err);
        ck_ok(catalog_commit(scene->lab.catalog, &objects, &move, &scene->lab.err),
              &scene->lab.err);
    }
}

/* With bases left out, what they disagree on would be merged silently. */
START_TEST(test_too_many_bases)
{
    for (size_t n = 15; n < 19; n++) {
        _cleanup_(scene_done) struct scene scene;
        struct publish_result result;
        int r;

        scene_init(&scene);
        many_bases(&scene, n);
        set(&scene, "left", "a", 10);
        set(&scene, "right", "b", 20);
        r = merge_into(&scene, "left", "right", NULL, false, &result);
        ck_assert_int_eq(r < 0 ? r : 0, n <= 16 ? 0 : CORRIE_E_LIMIT);
        corrie_error_clear(&scene.lab.err);
        ck_assert_int_eq(number_at(&scene, "left", "b"), n <= 16 ? 20 : 2);
    }
}
END_TEST

START_TEST(test_unrelated_histories)
{
    _cleanup_(scene_done) struct scene scene;
    struct publish_result result;
    struct tree_edit edits[2];

    scene_init(&scene);
    edits[0] = put_number(&scene.arena, "z", 9);
    edits[1] = put_number(&scene.arena, "b", 2); /* the same on both */
    lab_commit(&scene.lab, "alien", edits, 2);
    /* their first commits are the same object (no time, no content): give this one a past of its
     * own */
    ck_ok(merge_into(&scene, "main", "alien", NULL, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 1);
    ck_assert_int_eq(number_at(&scene, "main", "z"), 9);
}
END_TEST

/* ---- kinds ---- */

struct adder {
    unsigned n_merges;
    unsigned n_checks;
    bool complain;
};

static long number_of(const struct tree_value *value)
{
    int64_t number = 0;

    return value && str_to_int64(str_slice(value->doc, 5, value->doc.len - 6), &number)
               ? (long)number
               : 0;
}

/* A kind whose values are counts: both sides' additions are kept. Notes what it did in
 * ["log","last"]. */
static int add_up(struct merge *merge, void *data, struct str key, const struct tree_value *base,
                  const struct tree_value *source, const struct tree_value *target,
                  struct tree_value *ret_value, corrie_error *err)
{
    struct adder *adder = data;
    long sum = number_of(source) + number_of(target) - number_of(base);
    struct tree_edit note = put_number(merge_arena(merge), "log", sum);
    int r;

    adder->n_merges++;
    if (!source || !target) {
        r = merge_reason(merge, err, "%.*s was removed", STR_FMT(key_segment(key, 1)));
        return r < 0 ? r : MERGE_CONFLICT;
    }
    r = merge_stage(merge, note.key, &note.value, err);
    *ret_value = *source;
    ret_value->doc = str_of(arena_printf(merge_arena(merge), "{\"n\":%ld}", sum));
    return r < 0 ? r : MERGE_PUT;
}

static int look(struct merge *merge, void *data, corrie_error *err)
{
    struct adder *adder = data;
    size_t n;
    const struct tree_edit *edits = merge_edits(merge, &n);

    adder->n_checks++;
    ck_assert(!hash_is_zero(merge_result(merge)));
    for (size_t i = 1; i < n; i++) {
        ck_assert(str_cmp(edits[i - 1].key, edits[i].key) < 0);
    }
    return adder->complain ? merge_conflict(merge, edits[0].key, "dangles", err) : 0;
}

START_TEST(test_kinds)
{
    _cleanup_(scene_done) struct scene scene;
    struct adder adder = {0};
    struct merge_kind kind = {
        .name = STR("table"), .data = &adder, .merge3 = add_up, .check = look};
    struct merge_options options = {.kinds = &kind, .n_kinds = 1};
    struct publish_result result;

    scene_init(&scene);
    set(&scene, "dev", "a", 11);
    set(&scene, "dev", "b", 3);
    set(&scene, "main", "a", 101);
    adder.complain = true;
    ck_assert_int_eq(merge_into(&scene, "main", "dev", &options, false, &result),
                     CORRIE_E_CONFLICT);
    ck_assert(strstr(corrie_error_message(&scene.lab.err), "table a: dangles"));
    corrie_error_clear(&scene.lab.err);
    adder.complain = false;
    ck_ok(merge_into(&scene, "main", "dev", &options, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 111);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 3);
    ck_assert_int_eq(number_at(&scene, "main", "log"), 111);
    ck_assert_uint_eq(adder.n_merges, 2); /* only the key that both changed, once a try */
    ck_assert_uint_eq(adder.n_checks, 2);

    set(&scene, "dev", "a", -1);
    set(&scene, "main", "a", 200);
    ck_assert_int_eq(merge_into(&scene, "main", "dev", &options, false, &result),
                     CORRIE_E_CONFLICT);
    ck_assert(strstr(corrie_error_message(&scene.lab.err), "table a: a was removed"));
    corrie_error_clear(&scene.lab.err);
}
END_TEST

/* Stages first, and then finds that it cannot be. */
static int regret(struct merge *merge, void *data, struct str key, const struct tree_value *base,
                  const struct tree_value *source, const struct tree_value *target,
                  struct tree_value *ret_value, corrie_error *err)
{
    int r = add_up(merge, data, key, base, source, target, ret_value, err);

    return r == MERGE_PUT && !str_eq(key, table_key(merge_arena(merge), "b")) ? MERGE_CONFLICT : r;
}

/* Whoever settles all conflicts at once keeps what both sides did where that was none. */
START_TEST(test_choosing_for_all_comes_after_the_rules)
{
    _cleanup_(scene_done) struct scene scene;
    struct adder adder = {0};
    struct merge_kind kind = {.name = STR("table"), .data = &adder, .merge3 = regret};
    struct merge_choice all = {STR(""), MERGE_TARGET};
    struct merge_choice one[] = {{STR(""), MERGE_SOURCE}, {STR(""), MERGE_TARGET}};
    struct merge_options options = {.kinds = &kind, .n_kinds = 1, .choices = &all, .n_choices = 1};
    struct publish_result result;

    scene_init(&scene);
    one[0].key = table_key(&scene.arena, "b");
    set(&scene, "dev", "a", 11);
    set(&scene, "main", "a", 101);
    set(&scene, "dev", "b", 12);
    set(&scene, "main", "b", 102);
    ck_ok(merge_into(&scene, "main", "dev", &options, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 101);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 112);
    ck_assert_int_eq(number_at(&scene, "main", "log"), 112); /* a's was taken back */

    set(&scene, "dev", "b", 20);
    set(&scene, "main", "b", 30);
    options.choices = one;
    options.n_choices = 2;
    ck_ok(merge_into(&scene, "main", "dev", &options, false, &result), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 20); /* by name: no rule is asked */
}
END_TEST

/* ---- publishing ---- */

static int publish_on(struct scene *scene, const struct hash *start, const struct tree_edit *edits,
                      size_t n, struct publish_result *ret)
{
    struct publish publish = {.ref = STR("main"), .start = *start, .edits = edits, .n_edits = n};

    publish.commit.author = STR("bob");
    publish.commit.message = STR("first line\nmore");
    return catalog_publish(scene->lab.catalog, &publish, ret, &scene->report, &scene->lab.err);
}

START_TEST(test_publish_rebases)
{
    _cleanup_(scene_done) struct scene scene;
    _cleanup_(arena_done) struct arena arena = {0};
    struct publish_result result;
    struct catalog_reflog_entry *entries;
    struct tree_edit edit;
    struct commit commit;
    size_t n;

    scene_init(&scene);
    set(&scene, "main", "b", 20);
    struct hash head = lab_head(&scene.lab, "main");
    edit = put_number(&scene.arena, "a", 10);
    ck_ok(publish_on(&scene, &scene.start, &edit, 1, &result), &scene.lab.err);
    ck_assert(hash_eq(&result.previous, &head));
    ck_ok(commit_read(scene.lab.catalog, &result.commit, &arena, &commit, &scene.lab.err),
          &scene.lab.err);
    ck_assert_uint_eq(commit.n_parents, 1);
    ck_assert(hash_eq(&commit.parents[0], &head));
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 20);
    ck_ok(
        catalog_reflog(scene.lab.catalog, STR("main"), 0, 1, &arena, &entries, &n, &scene.lab.err),
        &scene.lab.err);
    ck_str_eq(entries[0].why, STR("first line"));
    ck_str_eq(entries[0].who, STR("bob"));

    /* the same change again, from the same start: there already */
    ck_ok(publish_on(&scene, &scene.start, &edit, 1, &result), &scene.lab.err);
    ck_assert(!result.changed);
    /* another one: a conflict, and the report says between what */
    edit = put_number(&scene.arena, "a", 12);
    head = lab_head(&scene.lab, "main");
    ck_fails(publish_on(&scene, &scene.start, &edit, 1, &result), CORRIE_E_CONFLICT,
             &scene.lab.err);
    ck_assert(hash_eq(&scene.report.base_commit, &scene.start));
    ck_assert(hash_eq(&scene.report.target_commit, &head));
}
END_TEST

/* Documents that lie apart and origins travel with a rebased change too. */
START_TEST(test_publish_brings_objects)
{
    _cleanup_(scene_done) struct scene scene;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct publish publish = {.ref = STR("main"), .objects = &objects, .n_edits = 1};
    struct publish_result result;
    struct tree_value value;
    struct tree_edit edit;
    struct str doc;
    char *large = arena_array(&arena, char, 5001);

    scene_init(&scene);
    memset(large, 'x', 5000);
    large[0] = large[4999] = '"';
    set(&scene, "main", "b", 20);
    edit = put_doc(&scene.arena, "large", str_of(large));
    edit.value.has_origin = true;
    ck_ok(object_add_json(scene.lab.catalog, OBJECT_ORIGIN, STR("{\"job\":\"x\"}"), &objects,
                          &edit.value.origin, &scene.lab.err),
          &scene.lab.err);
    publish.start = scene.start;
    publish.edits = &edit;
    publish.commit.author = STR("bob");
    ck_ok(catalog_publish(scene.lab.catalog, &publish, &result, &scene.report, &scene.lab.err),
          &scene.lab.err);
    object_list_done(&objects);
    objects = (struct object_list){0};
    lab_reopen(&scene.lab);
    ck_ok(tree_need(scene.lab.catalog, &result.tree, edit.key, &arena, &value, &scene.lab.err),
          &scene.lab.err);
    ck_ok(tree_value_doc(scene.lab.catalog, &value, &arena, &doc, &scene.lab.err), &scene.lab.err);
    ck_assert_uint_eq(doc.len, 5000);
    ck_ok(
        object_read(scene.lab.catalog, OBJECT_ORIGIN, &value.origin, &arena, &doc, &scene.lab.err),
        &scene.lab.err);
    ck_str_eq(doc, STR("{\"job\":\"x\"}"));
}
END_TEST

/* Somebody else commits between our look and our swap, each time: the second try must hold them
 * off. */
struct rival {
    struct lab *lab;
    struct catalog *catalog;
    unsigned n;
};

static int rival_commits(struct merge *merge, void *data, corrie_error *err)
{
    struct rival *rival = data;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(merge_report_done) struct merge_report report = {0};
    corrie_error rival_err = CORRIE_ERROR_INIT;
    struct tree_edit edit = put_number(&arena, "rival", (long)++rival->n);
    struct publish publish = {.ref = STR("main"), .edits = &edit, .n_edits = 1, .deadline_ms = 1};
    struct publish_result result;
    struct catalog_ref ref;

    (void)merge;
    (void)err;
    ck_ok(catalog_ref_get(rival->catalog, STR("main"), &ref, &rival_err), &rival_err);
    publish.start = ref.commit;
    publish.commit.author = STR("rival");
    if (catalog_publish(rival->catalog, &publish, &result, &report, &rival_err) < 0) {
        ck_assert_int_eq(rival_err.code, CORRIE_E_BUSY); /* held off */
    }
    corrie_error_clear(&rival_err);
    return 0;
}

START_TEST(test_lost_races_end)
{
    _cleanup_(scene_done) struct scene scene;
    struct catalog_options impatient = {.lock_deadline_ms = 1};
    struct rival rival = {0};
    struct merge_kind kind = {.name = STR("table"), .data = &rival, .check = rival_commits};
    struct merge_options options = {.kinds = &kind, .n_kinds = 1};
    struct publish publish = {.ref = STR("main"), .n_edits = 1, .merge = &options};
    struct publish_result result;
    struct tree_edit edit;

    scene_init(&scene);
    ck_ok(catalog_open(scene.lab.directory, &impatient, &rival.catalog, &scene.lab.err),
          &scene.lab.err);
    set(&scene, "main", "b", 20);
    edit = put_number(&scene.arena, "a", 10);
    publish.start = scene.start;
    publish.edits = &edit;
    publish.commit.author = STR("bob");
    ck_ok(catalog_publish(scene.lab.catalog, &publish, &result, &scene.report, &scene.lab.err),
          &scene.lab.err);
    ck_assert_uint_eq(result.attempts, 2);
    ck_assert_int_eq(number_at(&scene, "main", "rival"), 1);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 20);
    catalog_close(rival.catalog);
}
END_TEST

START_TEST(test_tags_do_not_move)
{
    _cleanup_(scene_done) struct scene scene;
    struct catalog_move move = {.ref = STR("v1"), .kind = CATALOG_TAG};
    struct publish publish = {.ref = STR("v1"), .n_edits = 1};
    struct publish_result result;
    struct tree_edit edit;

    scene_init(&scene);
    move.new_commit = publish.start = scene.start;
    ck_ok(catalog_commit(scene.lab.catalog, NULL, &move, &scene.lab.err), &scene.lab.err);
    edit = put_number(&scene.arena, "a", 10);
    publish.edits = &edit;
    ck_fails(catalog_publish(scene.lab.catalog, &publish, &result, &scene.report, &scene.lab.err),
             CORRIE_E_USAGE, &scene.lab.err);
}
END_TEST

SUITE(merge_suite, "merge", test_both_sides_are_kept, test_no_fast_forward, test_conflicts,
      test_criss_cross, test_too_many_bases, test_unrelated_histories, test_kinds,
      test_choosing_for_all_comes_after_the_rules, test_publish_rebases,
      test_publish_brings_objects, test_lost_races_end, test_tags_do_not_move)
