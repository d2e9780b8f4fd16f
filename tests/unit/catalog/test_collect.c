/* What a user would lose: a commit, because a collection took it for garbage while somebody named
 * it; or a disk, because garbage is never removed. */
#include "base/uuid.h"
#include "catalog/collect_priv.h"
#include "os/dir.h"
#include "tests/unit/catalog/support.h"

#define N_TABLES 300

/* A catalog with a branch `main` of N_TABLES tables, `n` commits on it, and a long document. */
static void fill(struct lab *lab, struct arena *arena, int n)
{
    struct tree_edit edits[N_TABLES + 1];
    char *text = arena_printf(arena, "{\"s\":\"%01500d\"}", 7);

    lab_init(lab);
    for (int i = 0; i < N_TABLES; i++) {
        edits[i] = put_number(arena, arena_printf(arena, "x%04d", i), i);
    }
    edits[N_TABLES] = put_doc(arena, "long", str_of(text));
    lab_commit(lab, "main", edits, N_TABLES + 1);
    for (int i = 0; i < n; i++) {
        edits[0] = put_number(arena, arena_printf(arena, "x%04d", i * 7 % N_TABLES), 1000 + i);
        lab_commit(lab, "main", edits, 1);
    }
}

static struct catalog_move to(const char *ref, const struct hash *from, const struct hash *target)
{
    static const struct hash none;

    return (struct catalog_move){.ref = str_of(ref),
                                 .kind = CATALOG_BRANCH,
                                 .expected = from ? *from : none,
                                 .new_commit = target ? *target : none,
                                 .who = STR("ada"),
                                 .why = STR("test")};
}

static void move_ref(struct lab *lab, const char *ref, const struct hash *from,
                     const struct hash *target)
{
    struct catalog_move move = to(ref, from, target);

    ck_ok(catalog_commit(lab->catalog, NULL, &move, &lab->err), &lab->err);
}

/* A branch with commits of its own, and away with it: the commit it stood at. */
static struct hash make_garbage(struct lab *lab, struct arena *arena, int n)
{
    struct hash start = lab_head(lab, "main");
    struct hash head;

    move_ref(lab, "gone", NULL, &start);
    for (int i = 0; i < n; i++) {
        struct tree_edit edits[2] = {
            put_number(arena, arena_printf(arena, "x%04d", i * 11 % N_TABLES), 50000 + i),
            put_number(arena, arena_printf(arena, "g%04d", i), i),
        };

        lab_commit(lab, "gone", edits, 2);
    }
    head = lab_head(lab, "gone");
    move_ref(lab, "gone", &head, NULL);
    return head;
}

static bool is_there(struct lab *lab, const struct hash *name)
{
    struct backend *backend = lab->catalog->backend;
    size_t missing;

    ck_ok(backend->ops->find_missing(backend, name, 1, &missing, &lab->err), &lab->err);
    return missing == 1;
}

/* Reads the whole tree of a commit through a new handle. */
static void ck_readable(struct lab *lab, const struct hash *commit)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(catalog_closep) struct catalog *fresh = lab_open(lab);
    struct tree_stats stats;
    struct commit read;

    ck_ok(commit_read(fresh, commit, &arena, &read, &lab->err), &lab->err);
    ck_ok(tree_check(fresh, &read.tree, &stats, &lab->err), &lab->err);
}

START_TEST(test_keeps_what_is_used)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_check_counts before;
    struct collect_counts counts;
    size_t n;

    fill(&lab, &arena, 20);
    struct hash head = lab_head(&lab, "main");
    move_ref(&lab, "v1", NULL, &head);
    before = lab_sound(&lab);
    n = lab_closed(&lab);
    struct hash garbage = make_garbage(&lab, &arena, 10);

    counts = lab_collect(&lab, INT64_MAX);
    ck_assert_uint_eq(counts.swept_objects, 0); /* all young */
    lab_age(&lab);
    counts = lab_collect(&lab, 0);
    ck_assert_uint_eq(counts.swept_objects, 0); /* the reflog names it */
    ck_readable(&lab, &garbage);
    counts = lab_collect(&lab, INT64_MAX);
    ck_assert_uint_gt(counts.swept_objects, 30);
    ck_assert_uint_gt(counts.swept_bytes, 3000);
    ck_assert(!is_there(&lab, &garbage));
    ck_assert_uint_eq(lab_closed(&lab), n); /* no more and no less than before */
    ck_assert_uint_eq(counts.kept_objects, n);
    ck_assert_uint_eq(counts.refs, 2);
    struct catalog_check_counts after = lab_sound(&lab);
    ck_assert_uint_eq(after.commits, before.commits);
    ck_assert_uint_eq(after.nodes, before.nodes);
    ck_assert_uint_eq(counts.commits, before.commits);
    ck_assert_uint_eq(counts.nodes, before.nodes);
    ck_assert_uint_eq(lab_collect(&lab, INT64_MAX).swept_objects, 0);
}
END_TEST

START_TEST(test_dry_run_changes_nothing)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.reflog_since = INT64_MAX, .dry_run = true};
    uint64_t generation;
    uint64_t again;
    size_t n;

    fill(&lab, &arena, 5);
    make_garbage(&lab, &arena, 10);
    lab_age(&lab);
    n = lab_closed(&lab);
    ck_ok(catalog_generation(lab.catalog, &generation, &lab.err), &lab.err);
    options.cutoff = clock_now();
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    ck_ok(collect_mark(collect, &lab.err), &lab.err);
    ck_ok(collect_sweep(collect, &lab.err), &lab.err);
    ck_assert_uint_eq(lab_closed(&lab), n);
    ck_ok(catalog_generation(lab.catalog, &again, &lab.err), &lab.err);
    ck_assert_uint_eq(again, generation);
    struct collect_counts would = *collect_counts(collect);
    struct collect_counts did = lab_collect(&lab, INT64_MAX);
    ck_assert_uint_eq(would.swept_objects, did.swept_objects);
    ck_assert_uint_eq(would.swept_bytes, did.swept_bytes);
    ck_assert_uint_eq(would.kept_bytes, did.kept_bytes);
}
END_TEST

/* A garbage object that somebody asked for again stays, and so does what it names. */
START_TEST(test_young_keeps_what_it_names)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};

    fill(&lab, &arena, 2);
    struct hash garbage = make_garbage(&lab, &arena, 4);
    lab_age(&lab);
    struct hash root = lab_tree(&lab, &garbage);
    struct backend *backend = lab.catalog->backend;
    struct object *object;
    struct object_list list = {0};
    struct backend_object *packed;
    ck_ok(object_get(lab.catalog, OBJECT_NODE, &root, &object, &lab.err), &lab.err);
    ck_ok(object_list_push(lab.catalog, &list, object, &lab.err), &lab.err);
    ck_ok(object_list_pack(lab.catalog, &list, &arena, &packed, &lab.err), &lab.err);
    ck_ok(backend->ops->put_objects(backend, packed, 1, 0, &lab.err), &lab.err);
    object_list_done(&list);
    ck_assert_uint_gt(lab_collect(&lab, INT64_MAX).swept_objects, 0);
    ck_assert(!is_there(&lab, &garbage));
    ck_assert(is_there(&lab, &root));
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

struct seen {
    struct str keys[4 * N_TABLES];
    struct str docs[4 * N_TABLES];
    size_t n;
    struct arena arena;
};

static int see(void *arg, struct str key, const struct tree_value *value, corrie_error *err)
{
    struct seen *seen = arg;

    (void)err;
    must(seen->n < ARRAY_LEN(seen->keys));
    must(arena_str(&seen->arena, key, &seen->keys[seen->n]) == 0);
    must(arena_str(&seen->arena, value->doc, &seen->docs[seen->n]) == 0);
    seen->n++;
    return 0;
}

static bool saw(const struct seen *seen, const char *name, const char *doc)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (str_eq(key_segment(seen->keys[i], 1), str_of(name)) &&
            str_eq(seen->docs[i], str_of(doc))) {
            return true;
        }
    }
    return false;
}

/* Files are removed by what the collection says of values: each is told, also those that come into
 * use after the mark; none is told twice. */
START_TEST(test_tells_values)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(collect_endp) struct collect *collect = NULL;
    static struct seen seen;
    struct collect_options options = {.reflog_since = INT64_MAX, .arg = &seen, .value = see};
    struct tree_edit edit;

    fill(&lab, &arena, 3); /* x0000, x0007, x0014 twice */
    struct hash garbage = make_garbage(&lab, &arena, 3);
    lab_age(&lab);
    options.cutoff = clock_now();
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    ck_ok(collect_mark(collect, &lab.err), &lab.err);
    ck_assert_uint_eq(seen.n, N_TABLES + 1 + 3);
    ck_assert_uint_eq(collect_counts(collect)->values, seen.n);
    ck_assert(saw(&seen, "x0007", "{\"n\":7}") && saw(&seen, "x0007", "{\"n\":1001}"));
    ck_assert(!saw(&seen, "g0001", "{\"n\":1}"));
    move_ref(&lab, "back", NULL, &garbage);
    edit = put_number(&arena, "late", 3);
    lab_commit(&lab, "main", &edit, 1);
    ck_ok(collect_sweep(collect, &lab.err), &lab.err);
    ck_assert(saw(&seen, "g0001", "{\"n\":1}") && saw(&seen, "late", "{\"n\":3}"));
    ck_assert(saw(&seen, "x0022", "{\"n\":50002}"));
    for (size_t i = 0; i < seen.n; i++) {
        for (size_t j = i + 1; j < seen.n; j++) {
            must(!str_eq(seen.keys[i], seen.keys[j]) || !str_eq(seen.docs[i], seen.docs[j]));
        }
    }
    lab_closed(&lab);
    lab_sound(&lab);
    arena_done(&seen.arena);
}
END_TEST

/* A branch is made at an old commit that nothing reaches, before, between and after. */
START_TEST(test_branch_at_old_commit)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.reflog_since = INT64_MAX};

    fill(&lab, &arena, 3);
    struct hash a = make_garbage(&lab, &arena, 3);
    struct hash b = make_garbage(&lab, &arena, 6);
    struct hash c = make_garbage(&lab, &arena, 9);
    lab_age(&lab);
    options.cutoff = clock_now();
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    move_ref(&lab, "a", NULL, &a);
    ck_ok(collect_mark(collect, &lab.err), &lab.err);
    move_ref(&lab, "b", NULL, &b);
    move_ref(&lab, "b2", NULL, &b); /* made and away again: the log of movements names it */
    move_ref(&lab, "b2", &b, NULL);
    ck_ok(collect_sweep(collect, &lab.err), &lab.err);
    struct catalog_move move = to("c", NULL, &c);
    ck_fails(catalog_commit(lab.catalog, NULL, &move, &lab.err), CORRIE_E_NOT_FOUND, &lab.err);
    ck_readable(&lab, &a);
    ck_readable(&lab, &b);
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

/* What is to be swept is stored again, by another handle, with the same bytes. */
START_TEST(test_same_content_again)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(collect_endp) struct collect *collect = NULL;
    _cleanup_(catalog_closep) struct catalog *other = NULL;
    struct collect_options options = {.reflog_since = INT64_MAX};
    struct tree_edit edits[100];

    fill(&lab, &arena, 3);
    for (int i = 0; i < 100; i++) {
        edits[i] = put_number(&arena, arena_printf(&arena, "x%04d", i), -i);
    }
    struct hash start = lab_head(&lab, "main");
    move_ref(&lab, "gone", NULL, &start);
    lab_commit(&lab, "gone", edits, 100);
    struct hash gone = lab_head(&lab, "gone");
    struct hash tree = lab_tree(&lab, &gone);
    move_ref(&lab, "gone", &gone, NULL);
    lab_age(&lab);
    other = lab_open(&lab);
    options.cutoff = clock_now();
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    ck_ok(collect_mark(collect, &lab.err), &lab.err);
    struct catalog *mine = lab.catalog;
    lab.catalog = other;
    lab_commit(&lab, "main", edits, 100);
    struct hash head = lab_head(&lab, "main");
    struct hash same = lab_tree(&lab, &head);
    lab.catalog = mine;
    ck_assert(hash_eq(&same, &tree));
    ck_ok(collect_sweep(collect, &lab.err), &lab.err);
    ck_readable(&lab, &head);
    ck_assert(!is_there(&lab, &gone));
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

/* A handle that has made new nodes which name old garbage is not believed after the sweep. */
START_TEST(test_stale_handle)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(catalog_closep) struct catalog *other = NULL;
    _cleanup_(object_list_done) struct object_list list = {0};
    struct commit commit = {.author = STR("ada"), .message = STR("on garbage")};
    struct hash made;

    fill(&lab, &arena, 3);
    struct hash garbage = make_garbage(&lab, &arena, 5);
    struct hash head = lab_head(&lab, "main");
    lab_age(&lab);
    other = lab_open(&lab);
    struct catalog *mine = lab.catalog;
    lab.catalog = other;
    struct hash root = lab_tree(&lab, &garbage);
    struct tree_edit edit = put_number(&arena, "new", 1);
    ck_ok(tree_apply(other, &root, &edit, 1, &list, &commit.tree, &lab.err), &lab.err);
    commit.parents[0] = head;
    commit.n_parents = 1;
    ck_ok(commit_add(other, &commit, &list, &made, &lab.err), &lab.err);
    lab.catalog = mine;
    ck_assert_uint_gt(lab_collect(&lab, INT64_MAX).swept_objects, 0);

    struct catalog_move move = to("main", &head, &made);
    ck_assert_int_eq(catalog_commit(other, &list, &move, &lab.err), CORRIE_E_CONFLICT);
    ck_assert(lab.err.retryable);
    corrie_error_clear(&lab.err);
    ck_assert_int_eq(catalog_commit(other, &list, &move, &lab.err), CORRIE_E_CONFLICT);
    ck_assert(!lab.err.retryable); /* it never will be right */
    corrie_error_clear(&lab.err);
    /* nothing in memory is taken for what is stored */
    ck_fails(object_read(other, OBJECT_NODE, &root, &arena, &(struct str){0}, &lab.err),
             CORRIE_E_CORRUPT, &lab.err);
    lab.catalog = other;
    lab_commit(&lab, "main", &edit, 1); /* and the handle goes on */
    lab.catalog = mine;
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

/* A change is made of nodes that this handle has stored before; they are swept, and the handle notices that only when
 * it comes to publish. */
START_TEST(test_made_before_swept)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(catalog_closep) struct catalog *other = NULL;
    _cleanup_(object_list_done) struct object_list made = {0};
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct tree_edit edit = put_number(&arena, "mine", 1);
    struct publish publish = {.ref = STR("main"), .objects = &made};
    struct publish_result result;

    fill(&lab, &arena, 3);
    struct hash start = lab_head(&lab, "main");
    struct hash tree = lab_tree(&lab, &start);
    move_ref(&lab, "gone", NULL, &start);
    struct hash gone = lab_commit(&lab, "gone", &edit, 1);
    move_ref(&lab, "gone", &gone, NULL);
    lab_age(&lab);
    ck_ok(tree_apply(lab.catalog, &tree, &edit, 1, &made, &publish.tree, &lab.err), &lab.err);

    struct catalog *mine = lab.catalog;
    other = lab.catalog = lab_open(&lab);
    ck_assert_uint_gt(lab_collect(&lab, INT64_MAX).swept_objects, 0);
    lab.catalog = mine;
    ck_assert(!is_there(&lab, &publish.tree));
    publish.start = start;
    publish.commit.author = STR("ada");
    publish.commit.message = STR("the same again");
    ck_ok(catalog_publish(mine, &publish, &result, &report, &lab.err), &lab.err);
    ck_readable(&lab, &result.commit);
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

/* A change that was being made in memory all along is stored whole after a collection. */
START_TEST(test_long_work)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list list = {0};
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    struct commit commit = {.author = STR("ada"), .message = STR("long")};
    const struct commit *walked;
    struct tree_edit edits[N_TABLES];
    struct hash made;
    int n = 0;

    fill(&lab, &arena, 10);
    make_garbage(&lab, &arena, 5);
    struct hash head = lab_head(&lab, "main");
    ck_ok(history_walk_open(lab.catalog, &head, true, &walk, &lab.err), &lab.err);
    ck_assert_int_eq(history_walk_next(walk, &walked, &lab.err), 1);
    for (int i = 0; i < N_TABLES; i++) {
        edits[i] = put_number(&arena, arena_printf(&arena, "y%04d", i), i);
    }
    struct hash root = lab_tree(&lab, &head);
    ck_ok(tree_apply(lab.catalog, &root, edits, N_TABLES, &list, &commit.tree, &lab.err), &lab.err);
    commit.parents[0] = head;
    commit.n_parents = 1;
    ck_ok(commit_add(lab.catalog, &commit, &list, &made, &lab.err), &lab.err);
    lab_age(&lab);
    ck_assert_uint_gt(lab_collect(&lab, INT64_MAX).swept_objects, 0);
    while (history_walk_next(walk, &walked, &lab.err) == 1) {
        n++;
    }
    ck_assert_int_eq(n, 11);
    struct catalog_move move = to("main", &head, &made);
    ck_ok(catalog_commit(lab.catalog, &list, &move, &lab.err), &lab.err);
    ck_readable(&lab, &made);
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

/* Files cannot be seen by the catalog: whoever wrote some, or has read the name of some, before a
 * collection began or ended is told to begin again. */
START_TEST(test_files_are_told_by_time)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    int64_t before;
    int64_t fence;
    uint64_t generation;
    uint64_t again;

    fill(&lab, &arena, 1);
    struct hash head = lab_head(&lab, "main");
    ck_ok(catalog_generation(lab.catalog, &generation, &lab.err), &lab.err);
    before = clock_now();
    lab_collect(&lab, 0);
    ck_ok(catalog_fence(lab.catalog, &fence, &lab.err), &lab.err);
    ck_assert_int_gt(fence, before);
    struct catalog_move move = to("dev", NULL, &head);
    move.since = before;
    ck_assert_int_eq(catalog_commit(lab.catalog, NULL, &move, &lab.err), CORRIE_E_CONFLICT);
    ck_assert(lab.err.retryable);
    corrie_error_clear(&lab.err);
    move.since = fence;
    move.generation = generation;
    ck_assert_int_eq(catalog_commit(lab.catalog, NULL, &move, &lab.err), CORRIE_E_CONFLICT);
    ck_assert(lab.err.retryable);
    corrie_error_clear(&lab.err);
    ck_ok(catalog_generation(lab.catalog, &again, &lab.err), &lab.err);
    ck_assert_uint_eq(again, generation + 2); /* began, ended */
    move.generation = again;
    ck_ok(catalog_commit(lab.catalog, NULL, &move, &lab.err), &lab.err);
}
END_TEST

START_TEST(test_refuses)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct collect *collect = NULL;
    struct cancel cancel = {0};
    struct collect_options options = {.cutoff = clock_now() + 3600000000000, .cancel = &cancel};

    fill(&lab, &arena, 3);
    struct hash garbage = make_garbage(&lab, &arena, 3);
    ck_fails(collect_begin(lab.catalog, &options, &collect, &lab.err), CORRIE_E_USAGE, &lab.err);
    options.cutoff = clock_now();
    options.reflog_since = INT64_MAX;
    options.commits = &garbage; /* an input of a job */
    options.n_commits = 1;
    lab_age(&lab);
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    cancel_request(&cancel);
    ck_fails(collect_mark(collect, &lab.err), CORRIE_E_CANCELLED, &lab.err);
    collect = collect_end(collect);
    cancel = (struct cancel){0};
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    ck_ok(collect_mark(collect, &lab.err), &lab.err);
    cancel_request(&cancel);
    ck_fails(collect_sweep(collect, &lab.err), CORRIE_E_CANCELLED, &lab.err);
    collect = collect_end(collect);
    ck_readable(&lab, &garbage);
    lab_closed(&lab);
    lab_sound(&lab);
}
END_TEST

/* With something in use missing nothing is removed. */
START_TEST(test_damage_stops_it)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.reflog_since = INT64_MAX};
    struct backend_entry page[200];
    struct backend *backend;
    size_t n;

    fill(&lab, &arena, 3);
    make_garbage(&lab, &arena, 3);
    lab_age(&lab);
    backend = lab.catalog->backend;
    ck_ok(backend->ops->list_objects(backend, 20, 1, page, &n, &lab.err), &lab.err);
    ck_ok(backend->ops->hold(backend, &lab.err), &lab.err);
    ck_ok(backend->ops->remove_objects(backend, page, 1, &lab.err), &lab.err);
    options.cutoff = clock_now();
    ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
    ck_fails(collect_mark(collect, &lab.err), CORRIE_E_CORRUPT, &lab.err);
}
END_TEST

/* Lists are made in the order of work; what an object names is stored before it all the same. */
START_TEST(test_order_of_storing)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list list = {0};
    _cleanup_(object_list_done) struct object_list turned = {0};
    struct commit commit = {.author = STR("ada"), .message = STR("turned")};
    struct tree_edit edits[N_TABLES];
    struct hash root;
    struct hash made;

    fill(&lab, &arena, 1);
    for (int i = 0; i < N_TABLES; i++) {
        char *text = arena_printf(&arena, "{\"s\":\"%01500d\"}", i);

        edits[i] = put_doc(&arena, arena_printf(&arena, "l%04d", i), str_of(text));
    }
    struct hash head = lab_head(&lab, "main");
    root = lab_tree(&lab, &head);
    ck_ok(tree_apply(lab.catalog, &root, edits, N_TABLES, &list, &commit.tree, &lab.err), &lab.err);
    commit.parents[commit.n_parents++] = head;
    ck_ok(commit_add(lab.catalog, &commit, &list, &made, &lab.err), &lab.err);
    for (size_t i = list.count; i-- > 0;) {
        ck_ok(object_list_push(lab.catalog, &turned, list.items[i], &lab.err), &lab.err);
        list.items[i]->refs++;
    }
    struct catalog_move move = to("main", &head, &made);
    ck_ok(catalog_commit(lab.catalog, &turned, &move, &lab.err), &lab.err);
    lab_closed(&lab);
}
END_TEST

/* ---- a collection with others between all its steps ---- */

struct crowd {
    struct lab *lab;
    struct catalog *handles[3];
    struct arena arena;
    uint64_t random;
    struct hash old[64]; /* commits that were heads at some time */
    size_t n_old;
    long main[8]; /* what main's tables w0… hold */
    int n_refused;
    int n_brought_back;
};

static uint64_t dice(struct crowd *crowd, uint64_t n)
{
    crowd->random = crowd->random * 6364136223846793005u + 1442695040888963407u;
    return (crowd->random >> 33) % n;
}

static void crowd_remember(struct crowd *crowd, const struct hash *commit)
{
    size_t at = crowd->n_old < 64 ? crowd->n_old++ : dice(crowd, 64);

    crowd->old[at] = *commit;
}

static void crowd_delete(struct crowd *crowd, const char *name)
{
    struct lab *lab = crowd->lab;
    struct catalog_ref ref;

    if (catalog_ref_find(lab->catalog, str_of(name), &ref, &lab->err) == 1) {
        struct hash head = ref.commit;

        move_ref(lab, name, &head, NULL);
    }
}

/* A branch at some old commit: either it is there, with all it needs, or it is told to be gone. */
static void crowd_bring_back(struct crowd *crowd, const char *name)
{
    struct lab *lab = crowd->lab;
    const struct hash *commit = &crowd->old[dice(crowd, crowd->n_old)];
    struct catalog_move move = to(name, NULL, commit);

    crowd_delete(crowd, name);
    int r = catalog_commit(lab->catalog, NULL, &move, &lab->err);
    must(r >= 0 || r == CORRIE_E_NOT_FOUND);
    corrie_error_clear(&lab->err);
    if (r >= 0) {
        ck_readable(lab, commit);
        crowd->n_brought_back++;
    } else {
        crowd->n_refused++;
    }
}

static void crowd_act(struct crowd *crowd)
{
    struct lab *lab = crowd->lab;
    struct catalog *mine = lab->catalog;
    struct tree_edit edit;
    size_t which = dice(crowd, 8);
    char *name = arena_printf(&crowd->arena, "b%d", (int)dice(crowd, 4));
    struct hash head;

    lab->catalog = crowd->handles[dice(crowd, 3)];
    switch (dice(crowd, 5)) {
    case 0: /* on main; values repeat, so that swept content comes again */
        crowd->main[which] = (long)dice(crowd, 4);
        edit = put_number(&crowd->arena, arena_printf(&crowd->arena, "w%zu", which),
                          crowd->main[which]);
        head = lab_commit(lab, "main", &edit, 1);
        crowd_remember(crowd, &head);
        break;
    case 1:
    case 2:
        edit = put_number(&crowd->arena,
                          arena_printf(&crowd->arena, "x%04d", (int)dice(crowd, N_TABLES)),
                          (long)dice(crowd, 5));
        head = lab_commit(lab, name, &edit, 1);
        crowd_remember(crowd, &head);
        break;
    case 3:
        crowd_delete(crowd, name);
        break;
    default:
        crowd_bring_back(crowd, name);
        break;
    }
    lab->catalog = mine;
}

static int crowd_tick(void *arg, enum collect_phase phase, uint64_t n, corrie_error *err)
{
    struct crowd *crowd = arg;

    (void)phase;
    (void)n;
    (void)err;
    for (uint64_t k = dice(crowd, 3); k > 0; k--) {
        crowd_act(crowd);
    }
    return 0;
}

START_TEST(test_others_between_all_steps)
{
    _cleanup_(lab_done) struct lab lab;
    struct crowd crowd = {.lab = &lab, .random = (uint64_t)_i * 77 + 5};
    int n_rounds = getenv("CORRIE_TORTURE") ? 15 : 6;

    fill(&lab, &crowd.arena, 2);
    for (int i = 0; i < 3; i++) {
        crowd.handles[i] = lab_open(&lab);
    }
    memset(crowd.main, 0xff, sizeof crowd.main); /* -1: not there */
    struct hash head = lab_head(&lab, "main");
    crowd_remember(&crowd, &head);
    for (int round = 0; round < n_rounds; round++) {
        _cleanup_(collect_endp) struct collect *collect = NULL;
        struct collect_options options = {
            .reflog_since = INT64_MAX, .arg = &crowd, .progress = crowd_tick};

        for (int i = 0; i < 30; i++) {
            crowd_act(&crowd);
        }
        lab_age(&lab);
        options.cutoff = clock_now();
        ck_ok(collect_begin(lab.catalog, &options, &collect, &lab.err), &lab.err);
        collect->page = collect->page_max = 1 + dice(&crowd, 20);
        ck_ok(collect_mark(collect, &lab.err), &lab.err);
        crowd_tick(&crowd, COLLECT_MARK, 0, &lab.err);
        ck_ok(collect_sweep(collect, &lab.err), &lab.err);
        ck_assert_uint_gt(collect_counts(collect)->swept_objects, 0);
        lab_closed(&lab);
        lab_sound(&lab);
        head = lab_head(&lab, "main");
        struct hash tree = lab_tree(&lab, &head);
        for (int i = 0; i < 8; i++) {
            must(lab_number(&lab, &tree, arena_printf(&crowd.arena, "w%d", i)) == crowd.main[i]);
        }
    }
    ck_assert_int_gt(crowd.n_refused, 0);
    ck_assert_int_gt(crowd.n_brought_back, 0);
    for (int i = 0; i < 3; i++) {
        catalog_close(crowd.handles[i]);
    }
    arena_done(&crowd.arena);
}
END_TEST

/* Room comes back when much was garbage. */
START_TEST(test_file_shrinks)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, 1500);
    struct collect_counts counts;

    fill(&lab, &arena, 1);
    struct hash start = lab_head(&lab, "main");
    move_ref(&lab, "gone", NULL, &start);
    for (int i = 0; i < 1500; i++) {
        char noise[3001];

        for (int k = 0; k < 3000; k += 20) {
            snprintf(noise + k, 21, "%020llu",
                     (unsigned long long)hash_xx64(STR("noise"), (uint64_t)(i * 3000 + k)));
        }
        edits[i] = put_doc(&arena, arena_printf(&arena, "n%04d", i),
                           str_of(arena_printf(&arena, "{\"s\":\"%s\"}", noise)));
    }
    lab_commit(&lab, "gone", edits, 1500);
    struct hash head = lab_head(&lab, "gone");
    move_ref(&lab, "gone", &head, NULL);
    lab_age(&lab);
    counts = lab_collect(&lab, INT64_MAX);
    ck_assert_uint_gt(counts.swept_objects, 1500);
    ck_assert_uint_gt(counts.file_bytes, counts.swept_bytes / 2);
    lab_sound(&lab);
}
END_TEST

static int64_t log_bytes(struct lab *lab)
{
    struct os_stat stat;
    char path[600];

    snprintf(path, sizeof path, "%s/catalog.db-wal", lab->directory);
    ck_ok(os_stat(path, &stat, &lab->err), &lab->err);
    return (int64_t)stat.size;
}

/* Two long stretches of the log. */
static int64_t grow_log(struct lab *lab, struct arena *arena, int first)
{
    for (int i = first; i < first + 500; i++) {
        struct tree_edit edit =
            put_number(arena, arena_printf(arena, "x%04d", i * 37 % N_TABLES), i);

        lab_commit(lab, "main", &edit, 1);
    }
    return log_bytes(lab);
}

/* Somebody who reads for long lets the log grow, and is not waited for; afterwards it begins anew, though others have the
 * file open. */
START_TEST(test_log_begins_anew)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(catalog_closep) struct catalog *other = NULL;
    int64_t usual;
    int64_t grown;

    fill(&lab, &arena, 1);
    other = lab_open(&lab);
    usual = grow_log(&lab, &arena, 0);
    ck_assert_int_lt(usual, 24 << 20);
    ck_assert_int_lt(grow_log(&lab, &arena, 500), usual + (1 << 20));

    ck_ok(other->backend->ops->freeze(other->backend, &lab.err), &lab.err);
    lab_head(&lab, "main");
    ck_ok(catalog_ref_list(other, STR_EMPTY, 0, STR_EMPTY, 1, &arena, &(struct catalog_ref *){0},
                           &(size_t){0}, &lab.err),
          &lab.err);
    grown = grow_log(&lab, &arena, 1000);
    ck_assert_int_gt(grown, usual + (1 << 20));
    other->backend->ops->thaw(other->backend);
    grown = grow_log(&lab, &arena, 1500);
    ck_assert_int_lt(grow_log(&lab, &arena, 2000), grown + (1 << 20));
    lab_sound(&lab);
}
END_TEST

Suite *collect_suite(void);
Suite *collect_suite(void)
{
    const TTest *const tests[] = {
        test_keeps_what_is_used,
        test_dry_run_changes_nothing,
        test_young_keeps_what_it_names,
        test_tells_values,
        test_branch_at_old_commit,
        test_same_content_again,
        test_stale_handle,
        test_made_before_swept,
        test_long_work,
        test_files_are_told_by_time,
        test_refuses,
        test_damage_stops_it,
        test_order_of_storing,
        test_file_shrinks,
        test_log_begins_anew,
    };
    Suite *suite = suite_create("collect");
    TCase *tcase = tcase_create("collect");

    tcase_set_timeout(tcase, getenv("CORRIE_TORTURE") ? 3600 : 60);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    tcase_add_loop_test(tcase, test_others_between_all_steps, 0, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
