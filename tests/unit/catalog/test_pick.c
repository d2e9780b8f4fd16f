/* What a user would lose: a fix that was to be brought over, or the way back from a mistake; and with guards, the
 * protection of a branch from what a failed job wrote. */
#include <string.h>

#include "tests/unit/catalog/support.h"

struct scene {
    struct lab lab;
    struct arena arena;
    struct hash start;
    struct merge_report report;
    struct hash made[8];
    struct publish_result result;
};

static void branch(struct scene *scene, const char *name, struct hash at)
{
    struct catalog_move move = {.ref = str_of(name), .kind = CATALOG_BRANCH, .new_commit = at};

    ck_ok(catalog_commit(scene->lab.catalog, NULL, &move, &scene->lab.err), &scene->lab.err);
}

/* main has a = 1, b = 2, c = 3; `dev` stands there too. */
static void scene_init(struct scene *scene)
{
    struct tree_edit edits[3];

    *scene = (struct scene){.arena = {0}};
    lab_init(&scene->lab);
    edits[0] = put_number(&scene->arena, "a", 1);
    edits[1] = put_number(&scene->arena, "b", 2);
    edits[2] = put_number(&scene->arena, "c", 3);
    scene->start = lab_commit(&scene->lab, "main", edits, 3);
    branch(scene, "dev", scene->start);
}

static void scene_done(struct scene *scene)
{
    merge_report_done(&scene->report);
    lab_sound(&scene->lab);
    lab_done(&scene->lab);
    arena_done(&scene->arena);
}

static struct hash set(struct scene *scene, const char *name_of_branch, const char *name,
                       long number)
{
    struct tree_edit edit =
        number < 0 ? drop(&scene->arena, name) : put_number(&scene->arena, name, number);

    return lab_commit(&scene->lab, name_of_branch, &edit, 1);
}

static long number_at(struct scene *scene, const char *name_of_branch, const char *name)
{
    struct hash head = lab_head(&scene->lab, name_of_branch);
    struct hash tree = lab_tree(&scene->lab, &head);

    return lab_number(&scene->lab, &tree, name);
}

static int do_pick(struct scene *scene, const struct hash *commits, size_t n, bool revert,
                   struct pick more)
{
    more.ref = STR("main");
    more.commits = commits;
    more.n_commits = n;
    more.revert = revert;
    more.commit.author = STR("bob");
    return catalog_pick(scene->lab.catalog, &more, &scene->result, scene->made, &scene->report,
                        &scene->lab.err);
}

static struct commit read_commit(struct scene *scene, const struct hash *id)
{
    struct commit commit;

    ck_ok(commit_read(scene->lab.catalog, id, &scene->arena, &commit, &scene->lab.err),
          &scene->lab.err);
    return commit;
}

static struct hash merge_dev(struct scene *scene, const struct merge_options *options)
{
    struct branch_merge merge = {.ref = STR("main"),
                                 .source = lab_head(&scene->lab, "dev"),
                                 .merge = options,
                                 .commit = {.author = STR("ada"), .message = STR("merge")}};

    ck_ok(
        catalog_merge(scene->lab.catalog, &merge, &scene->result, &scene->report, &scene->lab.err),
        &scene->lab.err);
    return scene->result.commit;
}

START_TEST(test_picks)
{
    _cleanup_(scene_done) struct scene scene;
    struct commit_property property = {STR("ticket"), STR("17")};
    struct pick more = {.commit = {.properties = &property, .n_properties = 1}};
    struct catalog_reflog_entry *entries;
    char hex[HASH_HEX + 1];
    struct hash commits[3];
    struct commit commit;
    size_t n;

    scene_init(&scene);
    commits[0] = set(&scene, "dev", "a", 10);
    commits[1] = set(&scene, "dev", "b", 20);
    commits[2] = set(&scene, "dev", "d", 40);
    struct hash head = set(&scene, "main", "b", 20); /* the second is there already */
    ck_ok(do_pick(&scene, commits, 3, false, more), &scene.lab.err);
    ck_assert(scene.result.changed && !scene.result.fast_forward);
    ck_assert(hash_is_zero(&scene.made[1]));
    ck_assert(hash_eq(&scene.made[2], &scene.result.commit));
    ck_assert(hash_eq(&head, &scene.result.previous));
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_assert_int_eq(number_at(&scene, "main", "c"), 3);
    ck_assert_int_eq(number_at(&scene, "main", "d"), 40);

    commit = read_commit(&scene, &scene.made[2]);
    ck_assert_uint_eq(commit.n_parents, 1);
    ck_assert(hash_eq(&commit.parents[0], &scene.made[0]));
    ck_str_eq(commit.author, STR("ada")); /* who did it, and who brought it */
    ck_str_eq(commit.committer, STR("bob"));
    ck_str_eq(commit.message, STR("change"));
    ck_assert(commit.author_time == read_commit(&scene, &commits[2]).author_time);
    ck_assert_uint_eq(commit.n_properties, 2);
    hash_hex(&commits[2], hex);
    ck_str_eq(commit.properties[0].name, STR("picked-from"));
    ck_str_eq(commit.properties[0].value, str_of(hex));
    ck_str_eq(commit.properties[1].name, STR("ticket"));
    commit = read_commit(&scene, &scene.made[0]);
    ck_assert(hash_eq(&commit.parents[0], &head));
    ck_ok(catalog_reflog(scene.lab.catalog, STR("main"), 0, 2, &scene.arena, &entries, &n,
                         &scene.lab.err),
          &scene.lab.err);
    ck_assert(str_starts(entries[0].why, STR("cherry-pick ")));
    ck_assert(hash_eq(&entries[0].old_commit, &head)); /* one movement for all */

    /* again: nothing to do */
    ck_ok(do_pick(&scene, commits, 3, false, more), &scene.lab.err);
    ck_assert(!scene.result.changed && hash_is_zero(&scene.made[0]) &&
              hash_is_zero(&scene.made[2]));
}
END_TEST

START_TEST(test_reverts)
{
    _cleanup_(scene_done) struct scene scene;
    struct tree_edit rename[2];
    char hex[HASH_HEX + 1];
    struct hash commits[2];
    struct commit commit;

    scene_init(&scene);
    commits[1] = set(&scene, "main", "a", 10);
    rename[0] = drop(&scene.arena, "b");
    rename[1] = put_number(&scene.arena, "b", 2);
    rename[1].key = table_key(&scene.arena, "z");
    commits[0] = lab_commit(&scene.lab, "main", rename, 2);
    set(&scene, "main", "c", 30);
    rename[1].value.doc = STR("{\"n\":22}"); /* written since, under the new name */
    lab_commit(&scene.lab, "main", rename + 1, 1);
    ck_ok(do_pick(&scene, commits, 2, true, (struct pick){0}), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 1);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 22);
    ck_assert_int_eq(number_at(&scene, "main", "z"), -1);
    ck_assert_int_eq(number_at(&scene, "main", "c"), 30);
    commit = read_commit(&scene, &scene.made[1]);
    hash_hex(&commits[1], hex);
    ck_str_eq(commit.author, STR("bob"));
    ck_str_eq(commit.message,
              str_of(arena_printf(&scene.arena, "Revert \"change\"\n\nReverts commit %s.", hex)));
    ck_str_eq(commit.properties[0].name, STR("reverts"));
    ck_str_eq(commit.properties[0].value, str_of(hex));

    /* the revert of a revert; and one's own message */
    commits[0] = scene.made[1];
    ck_ok(do_pick(&scene, commits, 1, true, (struct pick){.commit = {.message = STR("after all")}}),
          &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 10);
    ck_str_eq(read_commit(&scene, &scene.made[0]).message, STR("after all"));
}
END_TEST

/* A long message of wide characters is not cut within one. */
START_TEST(test_quoted_message)
{
    _cleanup_(scene_done) struct scene scene;
    struct tree_edit edit;
    struct publish publish = {.ref = STR("main"), .edits = &edit, .n_edits = 1};
    char *text;

    scene_init(&scene);
    edit = put_number(&scene.arena, "a", 5);
    text = arena_array(&scene.arena, char, 3 * 1000 + 1);
    for (int i = 0; i < 1000; i++) {
        memcpy(text + 3 * i, "\xe2\x82\xac", 3);
    }
    publish.start = scene.start;
    publish.commit = (struct commit){.author = STR("ada"), .message = str_of(text)};
    ck_ok(
        catalog_publish(scene.lab.catalog, &publish, &scene.result, &scene.report, &scene.lab.err),
        &scene.lab.err);
    struct hash commit = scene.result.commit;
    ck_ok(do_pick(&scene, &commit, 1, true, (struct pick){0}), &scene.lab.err);
    ck_assert_uint_eq(read_commit(&scene, &scene.made[0]).message.len,
                      8 + 1023 + 3 + 15 + HASH_HEX + 1);
}
END_TEST

START_TEST(test_all_or_none)
{
    _cleanup_(scene_done) struct scene scene;
    char hex[HASH_HEX + 1];
    struct hash commits[2];

    scene_init(&scene);
    commits[0] = set(&scene, "dev", "a", 10);
    commits[1] = set(&scene, "dev", "b", 20);
    struct hash head = set(&scene, "main", "b", 21);
    ck_assert_int_eq(do_pick(&scene, commits, 2, false, (struct pick){0}), CORRIE_E_CONFLICT);
    hash_hex(&commits[1], hex);
    ck_assert_msg(strstr(corrie_error_message(&scene.lab.err),
                         arena_printf(&scene.arena, "cherry-pick %.12s: 1 conflict: table b", hex)),
                  "%s", corrie_error_message(&scene.lab.err));
    ck_assert(!scene.lab.err.retryable);
    corrie_error_clear(&scene.lab.err);
    ck_assert(hash_eq(&scene.report.base_commit, &commits[0]));
    ck_assert(hash_eq(&scene.report.source_commit, &commits[1]));
    ck_assert(hash_eq(&scene.report.target_commit, &head));
    struct hash now = lab_head(&scene.lab, "main");
    ck_assert(hash_eq(&head, &now));
    ck_assert_int_eq(number_at(&scene, "main", "a"), 1);

    /* decided: it goes through; first only shown */
    _cleanup_(object_list_done) struct object_list preview = {0};
    struct merge_choice choice = {.side = MERGE_SOURCE};
    struct merge_options options = {.choices = &choice, .n_choices = 1, .dry_run = true};
    struct pick more = {.merge = &options, .preview = &preview};
    ck_ok(do_pick(&scene, commits, 2, false, more), &scene.lab.err);
    now = lab_head(&scene.lab, "main");
    ck_assert(hash_eq(&head, &now));
    ck_assert(scene.result.changed && !hash_is_zero(&scene.made[1]));
    ck_assert_int_eq(lab_number(&scene.lab, &scene.result.tree, "a"), 10);
    ck_assert_int_eq(lab_number(&scene.lab, &scene.result.tree, "b"), 20);
    options.dry_run = false;
    ck_ok(do_pick(&scene, commits, 2, false, more), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 20);
}
END_TEST

START_TEST(test_merge_commits)
{
    _cleanup_(scene_done) struct scene scene;
    struct hash merged;
    struct hash first;

    scene_init(&scene);
    set(&scene, "dev", "a", 10);
    set(&scene, "main", "b", 20);
    merged = merge_dev(&scene, NULL);
    ck_assert_uint_eq(read_commit(&scene, &merged).n_parents, 2);
    ck_assert_int_eq(do_pick(&scene, &merged, 1, true, (struct pick){0}), CORRIE_E_USAGE);
    ck_assert(strstr(corrie_error_message(&scene.lab.err), "it is a merge"));
    corrie_error_clear(&scene.lab.err);
    ck_fails(do_pick(&scene, &merged, 1, true, (struct pick){.mainline = 3}), CORRIE_E_USAGE,
             &scene.lab.err);
    ck_ok(do_pick(&scene, &merged, 1, true, (struct pick){.mainline = 1}), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "a"), 1); /* without what dev brought */
    ck_assert_int_eq(number_at(&scene, "main", "b"), 20);
    ck_ok(do_pick(&scene, &merged, 1, true, (struct pick){.mainline = 2}), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "b"), 2);
    /* one parent is the first */
    struct hash plain = set(&scene, "dev", "c", 30);
    ck_ok(do_pick(&scene, &plain, 1, false, (struct pick){.mainline = 1}), &scene.lab.err);
    ck_assert_int_eq(number_at(&scene, "main", "c"), 30);
    ck_fails(do_pick(&scene, &plain, 1, false, (struct pick){.mainline = 2}), CORRIE_E_USAGE,
             &scene.lab.err);

    first = read_commit(&scene, &scene.start).parents[0];
    ck_assert_uint_eq(read_commit(&scene, &first).n_parents, 0);
    ck_fails(do_pick(&scene, &first, 1, false, (struct pick){0}), CORRIE_E_USAGE, &scene.lab.err);
    ck_fails(do_pick(&scene, &first, 1, true, (struct pick){0}), CORRIE_E_USAGE, &scene.lab.err);
    ck_fails(do_pick(&scene, NULL, 0, true, (struct pick){0}), CORRIE_E_USAGE, &scene.lab.err);
}
END_TEST

/* ---- guards ---- */

struct watch {
    struct scene *scene;
    unsigned n;
    struct merge_step last;
    struct hash trees[4]; /* base, source, target, result of the last */
    bool refuses;
    bool accepts;
};

static int watch_step(void *data, struct catalog *catalog, struct merge_step *step,
                      corrie_error *err)
{
    struct watch *watch = data;

    ck_assert(catalog == watch->scene->lab.catalog);
    watch->n++;
    watch->last = *step;
    watch->trees[0] = *step->base_tree;
    watch->trees[1] = *step->source_tree;
    watch->trees[2] = *step->target_tree;
    watch->trees[3] = *step->result_tree;
    ck_str_eq(step->ref->name, STR("main"));
    if (watch->refuses) {
        return corrie_fail(err, CORRIE_E_REFUSED, "no");
    }
    if (watch->accepts) {
        step->accepted[step->n_accepted++] =
            (struct commit_property){STR("accepted-taint"), STR("bob")};
    }
    return 0;
}

static struct hash tree_at(struct scene *scene, struct hash commit)
{
    return lab_tree(&scene->lab, &commit);
}

START_TEST(test_guard_of_merges)
{
    _cleanup_(scene_done) struct scene scene;
    struct watch watch = {.scene = &scene, .refuses = true};
    struct merge_guard guard = {&watch, watch_step};
    struct merge_options options = {.guard = &guard};
    struct branch_merge merge = {.ref = STR("main"), .merge = &options};
    struct tree_edit edit;
    struct commit commit;

    scene_init(&scene);
    edit = put_number(&scene.arena, "a", 10);
    edit.value.has_taint = true;
    memset(edit.value.taint.bytes, 7, 16);
    lab_commit(&scene.lab, "dev", &edit, 1);
    merge.source = lab_head(&scene.lab, "dev");
    merge.commit.author = STR("bob");
    ck_assert_uint_eq(read_commit(&scene, &merge.source).tainted, 1);

    /* a fast-forward is asked for too, and a refusal leaves everything as it was */
    ck_fails(catalog_merge(scene.lab.catalog, &merge, &scene.result, &scene.report, &scene.lab.err),
             CORRIE_E_REFUSED, &scene.lab.err);
    ck_assert_uint_eq(watch.n, 1);
    ck_assert(watch.last.moves_only);
    ck_assert_uint_eq(watch.last.tainted, 1);
    struct hash start_tree = tree_at(&scene, scene.start);
    struct hash dev_tree = tree_at(&scene, merge.source);
    ck_assert(hash_eq(&watch.trees[0], &start_tree) && hash_eq(&watch.trees[2], &start_tree));
    ck_assert(hash_eq(&watch.trees[1], &dev_tree) && hash_eq(&watch.trees[3], &dev_tree));
    struct hash head = lab_head(&scene.lab, "main");
    ck_assert(hash_eq(&head, &scene.start));

    /* a dry run is refused as well; what was accepted is said by a commit */
    options.dry_run = true;
    ck_fails(catalog_merge(scene.lab.catalog, &merge, &scene.result, &scene.report, &scene.lab.err),
             CORRIE_E_REFUSED, &scene.lab.err);
    options.dry_run = false;
    watch.refuses = false;
    watch.accepts = true;
    watch.n = 0;
    ck_ok(catalog_merge(scene.lab.catalog, &merge, &scene.result, &scene.report, &scene.lab.err),
          &scene.lab.err);
    ck_assert_uint_eq(watch.n, 2); /* of the move, then of the commit */
    ck_assert(!watch.last.moves_only && !scene.result.fast_forward);
    commit = read_commit(&scene, &scene.result.commit);
    ck_assert_uint_eq(commit.n_parents, 2);
    ck_assert_uint_eq(commit.tainted, 1);
    ck_str_eq(commit.properties[0].name, STR("accepted-taint"));

    /* without anything to accept it simply moves */
    watch.accepts = false;
    branch(&scene, "later", scene.result.commit);
    set(&scene, "later", "b", 5);
    merge.source = lab_head(&scene.lab, "later");
    ck_ok(catalog_merge(scene.lab.catalog, &merge, &scene.result, &scene.report, &scene.lab.err),
          &scene.lab.err);
    ck_assert(scene.result.fast_forward);
}
END_TEST

START_TEST(test_guard_of_changes)
{
    _cleanup_(scene_done) struct scene scene;
    struct commit_property property = {STR("accepted-taint"), STR("a lie")};
    struct watch watch = {.scene = &scene, .refuses = true};
    struct merge_guard guard = {&watch, watch_step};
    struct merge_options options = {.guard = &guard};
    struct tree_edit edit;
    struct publish publish = {.ref = STR("main"), .edits = &edit, .n_edits = 1, .merge = &options};
    struct hash commits[2];
    struct hash tree;

    scene_init(&scene);
    edit = put_number(&scene.arena, "a", 10);
    publish.start = scene.start;
    publish.commit =
        (struct commit){.author = STR("bob"), .properties = &property, .n_properties = 1};
    ck_fails(
        catalog_publish(scene.lab.catalog, &publish, &scene.result, &scene.report, &scene.lab.err),
        CORRIE_E_REFUSED, &scene.lab.err);
    ck_assert_uint_eq(watch.last.tainted, 0);
    watch.refuses = false;
    watch.accepts = true;
    ck_ok(
        catalog_publish(scene.lab.catalog, &publish, &scene.result, &scene.report, &scene.lab.err),
        &scene.lab.err);
    /* the guard's word counts, not the caller's */
    ck_assert_uint_eq(read_commit(&scene, &scene.result.commit).n_properties, 1);
    ck_str_eq(read_commit(&scene, &scene.result.commit).properties[0].value, STR("bob"));

    /* picks: each commit, on the one before */
    watch.accepts = false;
    watch.n = 0;
    commits[0] = set(&scene, "dev", "b", 20);
    commits[1] = set(&scene, "dev", "c", 30);
    ck_ok(do_pick(&scene, commits, 2, false, (struct pick){.merge = &options}), &scene.lab.err);
    ck_assert_uint_eq(watch.n, 2);
    tree = tree_at(&scene, scene.made[0]);
    ck_assert(hash_eq(&watch.trees[2], &tree));
    tree = tree_at(&scene, commits[0]);
    ck_assert(hash_eq(&watch.trees[0], &tree));
    tree = tree_at(&scene, commits[1]);
    ck_assert(hash_eq(&watch.trees[1], &tree));
    ck_assert(hash_eq(&watch.trees[3], &scene.result.tree));
    /* nothing to do: nobody is asked */
    watch.refuses = true;
    ck_ok(do_pick(&scene, commits, 2, false, (struct pick){.merge = &options}), &scene.lab.err);
    ck_assert_uint_eq(watch.n, 2);
}
END_TEST

SUITE(pick_suite, "pick", test_picks, test_reverts, test_quoted_message, test_all_or_none,
      test_merge_commits, test_guard_of_merges, test_guard_of_changes)
