/* What a failed job left, and tables that were published together: neither gets onto a branch, or off it, unseen. */
#include "scene.h"

/* A run that wrote `tables` on tx/<job> and failed. The ref stays. */
static void fail_run(struct scene *s, const char *branch, const char *job, const char *table)
{
    struct lake_tx *tx = scene_begin(s, branch, job);

    scene_write(s, tx, table, LAKE_REPLACE, 7);
    ck_ok(lake_tx_step(tx, STR("Write"), &s->f.err), &s->f.err);
    lake_tx_free(tx);
}

static uint64_t tainted(struct scene *s, const char *ref)
{
    struct commit commit;
    struct hash id;

    ck_ok(lake_resolve(s->f.lake, str_of(ref), &id, &s->f.err), &s->f.err);
    ck_ok(commit_read(lake_catalog(s->f.lake), &id, &s->arena, &commit, &s->f.err), &s->f.err);
    return commit.tainted;
}

/* Refused, naming table and job. */
static void refused_at(struct scene *s, int r, int line)
{
    const char *message = corrie_error_message(&s->f.err);

    ck_assert_msg(r == CORRIE_E_REFUSED, "line %d: %d: %s", line, r, message);
    ck_assert_msg(strstr(message, "ns.t") && strstr(message, JOB), "line %d: %s", line, message);
    ck_assert(scene_said(s, "--accept-taint"));
}
#define refused(s, call) refused_at((s), (call), __LINE__)

static void scene_failed(struct scene *s)
{
    scene_init(s);
    scene_written(s, "main", "t", LAKE_APPEND, 1);
    fail_run(s, "main", JOB, "t");
}

START_TEST(what_a_run_leaves_is_tainted_and_what_it_publishes_is_not)
{
    struct scene s;

    scene_failed(&s);
    ck_str_eq(scene_table(&s, "tx/" JOB, "t").taint, STR(JOB));
    ck_assert_uint_eq(tainted(&s, "tx/" JOB), 1);
    ck_assert_uint_eq(scene_table(&s, "main", "t").taint.len, 0);
    scene_ran(&s, "main", JOB_2, "t,u", 2);
    ck_assert_uint_eq(scene_table(&s, "main", "t").taint.len, 0);
    ck_assert_uint_eq(tainted(&s, "main"), 0);
    scene_done(&s);
}
END_TEST

START_TEST(a_branch_of_it_is_refused_and_a_tag_is_not)
{
    corrie_ref_options from = {.size = sizeof from, .from_ref = "tx/" JOB};
    struct scene s;
    char *text;

    scene_failed(&s);
    refused(&s, corrie_branch_create(s.f.lake, "b", &from, &text, &s.f.err));
    ck_ok(corrie_tag_create(s.f.lake, "v1", &from, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    from.from_ref = "v1";
    refused(&s, corrie_branch_create(s.f.lake, "b", &from, &text, &s.f.err));
    from.accept_taint = true;
    ck_ok(corrie_branch_create(s.f.lake, "b", &from, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    ck_str_eq(scene_table(&s, "b", "t").taint, STR(JOB));
    ck_ok(corrie_reflog(s.f.lake, "b", 0, 1, &text, &s.f.err), &s.f.err);
    ck_assert_ptr_nonnull(strstr(text, "taint of " JOB " accepted by ada"));
    corrie_free(text);

    /* who takes it from the branch that accepted it is asked again */
    from = (corrie_ref_options){.size = sizeof from, .from_ref = "b"};
    refused(&s, corrie_branch_create(s.f.lake, "c", &from, &text, &s.f.err));
    refused(&s, scene_merge(&s, "b", "main", NULL));
    refused(&s, corrie_branch_rename(s.f.lake, "b", "c", NULL, &text, &s.f.err));
    ck_ok(corrie_branch_rename(s.f.lake, "b", "c",
                               &(corrie_ref_options){.size = sizeof from, .accept_taint = true},
                               &text, &s.f.err),
          &s.f.err);
    corrie_free(text);
    ck_ok(corrie_branch_delete(s.f.lake, "c", NULL, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    refused(&s, corrie_ref_restore(s.f.lake, "c", NULL, &text, &s.f.err));
    ck_ok(corrie_ref_restore(s.f.lake, "c",
                             &(corrie_ref_options){.size = sizeof from, .accept_taint = true},
                             &text, &s.f.err),
          &s.f.err);
    corrie_free(text);
    scene_done(&s);
}
END_TEST

START_TEST(a_reset_to_it_is_refused)
{
    corrie_ref_options accept = {.size = sizeof accept, .accept_taint = true};
    struct scene s;
    char *text;

    scene_failed(&s);
    refused(&s, corrie_branch_reset(s.f.lake, "main", "tx/" JOB, NULL, &text, &s.f.err));
    ck_ok(corrie_branch_reset(s.f.lake, "main", "tx/" JOB, &accept, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    ck_assert_uint_eq(tainted(&s, "main"), 1);
    /* back and forth within what was accepted: away is free, back is asked */
    ck_ok(corrie_branch_reset(s.f.lake, "main", "main~1", NULL, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    refused(&s, corrie_branch_reset(s.f.lake, "main", "tx/" JOB, NULL, &text, &s.f.err));
    scene_done(&s);
}
END_TEST

START_TEST(a_merge_of_it_is_refused)
{
    corrie_merge_options accept = {.size = sizeof accept, .accept_taint = true};
    struct scene s;

    scene_failed(&s);
    if (_i) { /* not a fast-forward */
        scene_written(&s, "main", "other", LAKE_APPEND, 1);
    }
    refused(&s, scene_merge(&s, "tx/" JOB, "main", NULL));
    accept.dry_run = true;
    accept.accept_taint = false;
    refused(&s, scene_merge(&s, "tx/" JOB, "main", &accept));
    accept.dry_run = false;
    accept.accept_taint = true;
    ck_ok(scene_merge(&s, "tx/" JOB, "main", &accept), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 7);
    ck_str_eq(scene_table(&s, "main", "t").taint, STR(JOB));
    ck_str_eq(scene_property(&s, "main", "accepted-taint"), STR("ada: " JOB));
    ck_assert_uint_eq(tainted(&s, "main"), 1);
    scene_done(&s);
}
END_TEST

/* Adding to an accepted table keeps its taint and asks nobody again; a clean write clears it. */
START_TEST(rows_added_keep_taint_and_rewriting_clears_it)
{
    corrie_merge_options accept = {.size = sizeof accept, .accept_taint = true};
    struct scene s;

    scene_failed(&s);
    ck_ok(scene_merge(&s, "tx/" JOB, "main", &accept), &s.f.err);
    scene_imported(&s, "main", "t", "a.csv", "A", 2);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 9);
    ck_str_eq(scene_table(&s, "main", "t").taint, STR(JOB));
    if (_i) {
        scene_written(&s, "main", "t", LAKE_REPLACE, 1);
    } else {
        scene_ran(&s, "main", JOB_2, "t", 1);
    }
    ck_assert_uint_eq(scene_table(&s, "main", "t").taint.len, 0);
    ck_assert_uint_eq(tainted(&s, "main"), 0);
    scene_done(&s);
}
END_TEST

/* The merged rows of a tainted and a clean side are tainted. */
START_TEST(content_merges_keep_taint)
{
    corrie_ref_options from = {.size = sizeof from, .from_ref = "tx/" JOB, .accept_taint = true};
    struct lake_tx *tx;
    struct scene s;
    char *text;

    scene_init(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 1);
    tx = scene_begin(&s, "main", JOB);
    scene_write(&s, tx, "t", LAKE_APPEND, 2);
    ck_ok(lake_tx_step(tx, STR("Write"), &s.f.err), &s.f.err);
    lake_tx_free(tx);
    scene_written(&s, "main", "t", LAKE_APPEND, 4);
    ck_ok(corrie_branch_create(s.f.lake, "b", &from, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    refused(&s, scene_merge(&s, "b", "main", NULL));
    ck_ok(scene_merge(&s, "main", "b", NULL), &s.f.err); /* it is there already */
    ck_assert_int_eq(scene_rows(&s, "b", "t"), 7);
    ck_str_eq(scene_table(&s, "b", "t").taint, STR(JOB));
    scene_done(&s);
}
END_TEST

/* Two failed jobs left rows in the two sides: the one that was accepted hides not the other. */
START_TEST(content_merges_hide_no_taint)
{
    corrie_merge_options accept = {.size = sizeof accept, .accept_taint = true};
    const char *const jobs[] = {JOB_2, JOB};
    struct scene s;

    scene_init(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 1);
    for (size_t i = 0; i < 2; i++) {
        struct lake_tx *tx = scene_begin(&s, "main", jobs[i]);

        scene_write(&s, tx, "t", LAKE_APPEND, 2);
        ck_ok(lake_tx_step(tx, STR("Write"), &s.f.err), &s.f.err);
        lake_tx_free(tx);
    }
    ck_ok(scene_merge(&s, "tx/" JOB_2, "main", &accept), &s.f.err);
    refused(&s, scene_merge(&s, "tx/" JOB, "main", NULL));
    ck_ok(scene_merge(&s, "tx/" JOB, "main", &accept), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 5);
    ck_str_eq(scene_property(&s, "main", "accepted-taint"), STR("ada: " JOB));
    ck_assert_uint_eq(tainted(&s, "main"), 1);
    scene_done(&s);
}
END_TEST

/* A run that reads what a failed job left makes tainted tables. */
START_TEST(what_is_made_of_tainted_tables_is_tainted)
{
    corrie_ref_options from = {.size = sizeof from, .from_ref = "tx/" JOB, .accept_taint = true};
    struct lake_publish publish = {.message = STR("run"), .origin = true};
    struct lake_table input;
    struct lake_tx *tx;
    struct scene s;
    char *text;

    scene_failed(&s);
    ck_ok(corrie_branch_create(s.f.lake, "b", &from, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    input = scene_table(&s, "b", "t");
    for (int accept = 0; accept < 2; accept++) {
        tx = scene_begin(&s, "b", accept ? JOB_2 : "33333333-2222-4333-8444-555555555555");
        scene_write(&s, tx, "out", LAKE_REPLACE, 3);
        scene_write(&s, tx, "free", LAKE_REPLACE, 3);
        ck_ok(lake_tx_read(tx, STR("ns"), STR("out"), &input, STR_EMPTY, &s.f.err), &s.f.err);
        ck_ok(lake_tx_step(tx, STR("Write"), &s.f.err), &s.f.err);
        publish.accept_taint = accept;
        if (accept) {
            ck_assert_int_eq(scene_publish(&s, tx, &publish), 1);
        } else {
            ck_assert_int_eq(scene_publish(&s, tx, &publish), CORRIE_E_REFUSED);
            ck_assert(scene_said(&s, "ns.out"));
        }
    }
    ck_str_eq(scene_table(&s, "b", "out").taint, STR(JOB));
    ck_assert_uint_eq(scene_table(&s, "b", "free").taint.len, 0);
    ck_str_eq(scene_property(&s, "b", "accepted-taint"), STR("ada: " JOB));
    scene_done(&s);
}
END_TEST

/* ---- picks and reverts: the lake's guard beneath the catalog's own functions ---- */

static int pick(struct scene *s, const char *commit, bool revert, struct lake_guard *guard)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct merge_guard check = {.data = guard, .check = lake_guard_step};
    struct merge_options storage;
    struct hash made;
    struct hash from;
    struct publish_result result;
    struct pick picks = {.ref = STR("main"),
                         .commits = &from,
                         .n_commits = 1,
                         .revert = revert,
                         .commit = {.author = STR("ada")},
                         .merge = &storage};

    guard->lake = s->f.lake;
    guard->arena = &s->arena;
    guard->restores = true;
    lake_merge_options(s->f.lake, &storage);
    storage.guard = &check;
    ck_ok(lake_resolve(s->f.lake, str_of(commit), &from, &s->f.err), &s->f.err);
    return catalog_pick(lake_catalog(s->f.lake), &picks, &result, &made, &report, &s->f.err);
}

START_TEST(picks_and_reverts_of_taint_are_refused)
{
    struct lake_guard plain = {0};
    struct lake_guard accept = {.accept_taint = true};
    struct scene s;

    scene_failed(&s);
    scene_written(&s, "main", "other", LAKE_APPEND, 1);
    refused(&s, pick(&s, "tx/" JOB, false, &plain));
    ck_ok(pick(&s, "tx/" JOB, false, &accept), &s.f.err);
    ck_str_eq(scene_property(&s, "main", "accepted-taint"), STR("ada: " JOB));
    ck_ok(pick(&s, "main", true, &plain), &s.f.err); /* away with it: nobody is asked */
    ck_assert_uint_eq(tainted(&s, "main"), 0);
    refused(&s, pick(&s, "main", true, &plain)); /* to take that back brings it again */
    scene_done(&s);
}
END_TEST

/* ---- groups ---- */

/* main: imports of t and u, then a run that made both; then another import into v. */
static void scene_group(struct scene *s)
{
    scene_init(s);
    scene_written(s, "main", "t", LAKE_APPEND, 1);
    scene_written(s, "main", "u", LAKE_APPEND, 1);
    scene_branch(s, "before", "main");
    scene_ran(s, "main", JOB, "t,u", 5);
    scene_written(s, "main", "v", LAKE_APPEND, 1);
}

static void torn(struct scene *s, int r, const char *moving, const char *other)
{
    ck_assert_msg(r == CORRIE_E_REFUSED, "%d: %s", r, corrie_error_message(&s->f.err));
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&s->f.err), moving));
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&s->f.err), other));
    ck_assert(scene_said(s, "--allow-torn"));
}

START_TEST(a_group_is_reverted_as_a_whole)
{
    struct lake_guard plain = {0};
    struct scene s;

    scene_group(&s);
    ck_ok(pick(&s, "main~1", true, &plain), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 1);
    ck_assert_int_eq(scene_rows(&s, "main", "u"), 1);
    ck_ok(pick(&s, "main", true, &plain), &s.f.err); /* and comes back as one */
    ck_assert_int_eq(scene_rows(&s, "main", "u"), 5);
    scene_done(&s);
}
END_TEST

/* An import into one member made it fresh; reverting that brings it back to the group: nothing is torn. */
START_TEST(rewriting_and_taking_that_back_tears_nothing)
{
    struct lake_guard plain = {0};
    struct scene s;

    scene_group(&s);
    scene_written(&s, "main", "t", LAKE_APPEND, 2);
    ck_ok(pick(&s, "main", true, &plain), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "main", "t"), 5);
    scene_done(&s);
}
END_TEST

START_TEST(leaving_a_group_by_a_table_revert_is_refused)
{
    struct lake_guard plain = {0};
    struct lake_guard allow = {.allow_torn = true};
    struct scene s;

    scene_group(&s);
    /* "before" as it was is what a table revert brings: one change, of t to its value there */
    {
        _cleanup_(merge_report_done) struct merge_report report = {0};
        struct lake_guard *guards[] = {&plain, &allow};
        struct tree_edit edit = {0};
        struct publish_result result;
        struct lake_view view;
        struct key key;

        ck_ok(lake_view_at(s.f.lake, STR("before"), &view, &s.f.err), &s.f.err);
        ck_ok(KEY_MAKE(&key, &s.f.err, STR("table"), STR("ns"), STR("t")), &s.f.err);
        edit.key = key_str(&key);
        ck_assert_int_eq(
            tree_get(lake_catalog(s.f.lake), &view.tree, edit.key, &s.arena, &edit.value, &s.f.err),
            1);
        for (size_t i = 0; i < 2; i++) {
            struct merge_guard check = {.data = guards[i], .check = lake_guard_step};
            struct merge_options storage;
            struct publish publish = {.ref = STR("main"),
                                      .edits = &edit,
                                      .n_edits = 1,
                                      .commit = {.author = STR("ada"), .message = STR("revert t")},
                                      .merge = &storage};
            int r;

            lake_merge_options(s.f.lake, &storage);
            storage.guard = &check;
            guards[i]->lake = s.f.lake;
            guards[i]->arena = &s.arena;
            guards[i]->restores = true;
            ck_ok(lake_resolve(s.f.lake, STR("main"), &publish.start, &s.f.err), &s.f.err);
            r = catalog_publish(lake_catalog(s.f.lake), &publish, &result, &report, &s.f.err);
            if (i == 0) {
                torn(&s, r, "ns.t would be taken back", "ns.u");
            } else {
                ck_ok(r, &s.f.err);
            }
        }
    }
    ck_str_eq(scene_property(&s, "main", "accepted-torn"), STR("ada: " JOB));
    scene_done(&s);
}
END_TEST

START_TEST(a_group_that_comes_in_part_is_refused)
{
    const char *const mine[] = {"ns.u"};
    corrie_merge_options ours = {.size = sizeof ours, .ours = mine, .n_ours = 1};
    struct scene s;

    scene_group(&s);
    scene_written(&s, "before", "u", LAKE_REPLACE, 3);
    torn(&s, scene_merge(&s, "main", "before", &ours), "ns.t would come without", "ns.u");
    ours.allow_torn = true;
    ck_ok(scene_merge(&s, "main", "before", &ours), &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "before", "t"), 5);
    ck_assert_int_eq(scene_rows(&s, "before", "u"), 3);
    ck_str_eq(scene_property(&s, "before", "accepted-torn"), STR("ada: " JOB));
    scene_done(&s);
}
END_TEST

/* Renamed members are found by their ids, on either side. */
START_TEST(renaming_hides_no_member)
{
    const char *const mine[] = {"ns.u"};
    corrie_merge_options ours = {.size = sizeof ours, .ours = mine, .n_ours = 1};
    struct tree_edit edits[2] = {{.is_delete = true}};
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct publish publish = {.ref = STR("main"),
                              .edits = edits,
                              .n_edits = 2,
                              .commit = {.author = STR("ada"), .message = STR("rename t")}};
    struct publish_result result;
    struct lake_view view;
    struct key from;
    struct key to;
    struct scene s;

    scene_group(&s);
    ck_ok(lake_view_at(s.f.lake, STR("main"), &view, &s.f.err), &s.f.err);
    ck_ok(KEY_MAKE(&from, &s.f.err, STR("table"), STR("ns"), STR("t")), &s.f.err);
    ck_ok(KEY_MAKE(&to, &s.f.err, STR("table"), STR("ns"), STR("renamed")), &s.f.err);
    edits[0].key = key_str(&from);
    edits[1].key = key_str(&to);
    ck_assert_int_eq(tree_get(lake_catalog(s.f.lake), &view.tree, edits[0].key, &s.arena,
                              &edits[1].value, &s.f.err),
                     1);
    publish.start = view.commit;
    ck_ok(catalog_publish(lake_catalog(s.f.lake), &publish, &result, &report, &s.f.err), &s.f.err);
    scene_written(&s, "before", "u", LAKE_REPLACE, 3);
    torn(&s, scene_merge(&s, "main", "before", &ours), "ns.renamed would come without", "ns.u");
    scene_branch(&s, "whole", "before~1");
    ck_ok(scene_merge(&s, "main", "whole",
                      &(corrie_merge_options){.size = sizeof ours, .no_fast_forward = true}),
          &s.f.err);
    ck_assert_int_eq(scene_rows(&s, "whole", "renamed"), 5);
    scene_done(&s);
}
END_TEST

/* A member that is called otherwise here comes all the same, or is taken back. */
START_TEST(a_member_with_two_names_is_torn_off_too)
{
    const char *const mine[] = {"ns.u"};
    const char *const commits[] = {"dev"};
    corrie_table_options at = {.size = sizeof at, .branch = _i ? "before" : "main"};
    struct scene s;
    char *text;

    scene_group(&s);
    scene_branch(&s, "dev", "main");
    if (_i == 2) { /* renamed where it comes from, and rewritten where it is */
        const char *const kept[] = {"ns.t"};
        corrie_merge_options ours = {.size = sizeof ours, .ours = kept, .n_ours = 1};

        at.branch = "dev";
        ck_ok(corrie_table_rename(s.f.lake, "ns.t", "ns.renamed", &at, &text, &s.f.err), &s.f.err);
        corrie_free(text);
        scene_written(&s, "before", "t", LAKE_REPLACE, 3);
        torn(&s, scene_merge(&s, "dev", "before", &ours), "ns.u would come without", "ns.renamed");
        scene_done(&s);
        return;
    }
    ck_ok(corrie_table_rename(s.f.lake, "ns.t", "ns.renamed", &at, &text, &s.f.err), &s.f.err);
    corrie_free(text);
    if (_i) {
        corrie_merge_options ours = {.size = sizeof ours, .ours = mine, .n_ours = 1};

        scene_written(&s, "before", "u", LAKE_REPLACE, 3);
        torn(&s, scene_merge(&s, "dev", "before", &ours), "ns.renamed would come without", "ns.u");
    } else {
        at.branch = "dev";
        at.allow_torn = true;
        ck_ok(corrie_table_revert(s.f.lake, "ns.t", "before", &at, &text, &s.f.err), &s.f.err);
        corrie_free(text);
        torn(&s, corrie_cherry_pick(s.f.lake, commits, 1, NULL, &text, &s.f.err),
             "ns.renamed would be taken back", "ns.u");
    }
    scene_done(&s);
}
END_TEST

/* ---- what was read ---- */

START_TEST(what_was_read_must_not_have_moved)
{
    struct lake_publish publish = {.message = STR("run"), .origin = true, .serializable = true};
    struct lake_table input;
    struct scene s;

    scene_init(&s);
    scene_written(&s, "main", "in", LAKE_APPEND, 1);
    scene_branch(&s, "b", "main");
    input = scene_table(&s, "main", "in");
    for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
        struct lake_tx *tx = scene_begin(&s, "main", elsewhere ? JOB_2 : JOB);
        int r;

        scene_write(&s, tx, "out", LAKE_REPLACE, 3);
        ck_ok(lake_tx_read(tx, STR("ns"), STR("out"), &input, elsewhere ? STR("b") : STR("main"),
                           &s.f.err),
              &s.f.err);
        scene_written(&s, "main", "in", LAKE_APPEND, 1);
        r = scene_publish(&s, tx, &publish);
        if (elsewhere) { /* what was read of another branch may move on this one */
            ck_assert_int_eq(r, 1);
        } else {
            ck_assert_int_eq(r, CORRIE_E_CONFLICT);
            ck_assert(scene_said(&s, "ns.in"));
        }
    }
    scene_done(&s);
}
END_TEST

Suite *guard_suite(void);
Suite *guard_suite(void)
{
    static const struct {
        const TTest *const *test;
        int n;
    } tests[] = {
        {&what_a_run_leaves_is_tainted_and_what_it_publishes_is_not, 1},
        {&a_branch_of_it_is_refused_and_a_tag_is_not, 1},
        {&a_reset_to_it_is_refused, 1},
        {&a_merge_of_it_is_refused, 2},
        {&rows_added_keep_taint_and_rewriting_clears_it, 2},
        {&content_merges_keep_taint, 1},
        {&content_merges_hide_no_taint, 1},
        {&what_is_made_of_tainted_tables_is_tainted, 1},
        {&picks_and_reverts_of_taint_are_refused, 1},
        {&a_group_is_reverted_as_a_whole, 1},
        {&rewriting_and_taking_that_back_tears_nothing, 1},
        {&leaving_a_group_by_a_table_revert_is_refused, 1},
        {&a_group_that_comes_in_part_is_refused, 1},
        {&renaming_hides_no_member, 1},
        {&a_member_with_two_names_is_torn_off_too, 3},
        {&what_was_read_must_not_have_moved, 1},
    };
    Suite *suite = suite_create("guard");
    TCase *tcase = tcase_create("guard");

    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_loop_test(tcase, *tests[i].test, 0, tests[i].n);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
