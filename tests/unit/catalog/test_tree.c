/* What a user would lose: two lakes with the same tables would look different, diff and merge would
 * cost as much as the lake is large, or a table would be missing after an edit elsewhere. */
#include "tests/unit/catalog/support.h"

static uint64_t random_state = 1;

static uint32_t dice(uint32_t sides)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % sides;
}

static struct hash apply(struct lab *lab, struct object_list *objects, struct hash root,
                         const struct tree_edit *edits, size_t n)
{
    struct hash changed;

    ck_ok(tree_apply(lab->catalog, &root, edits, n, objects, &changed, &lab->err), &lab->err);
    return changed;
}

static struct hash empty(struct lab *lab, struct object_list *objects)
{
    struct hash root;

    ck_ok(tree_empty(lab->catalog, objects, &root, &lab->err), &lab->err);
    return root;
}

static struct tree_edit *numbered(struct arena *arena, size_t n)
{
    struct tree_edit *edits = arena_array(arena, struct tree_edit, n);

    for (size_t i = 0; i < n; i++) {
        edits[i] = put_number(arena, arena_printf(arena, "t%06zu", i), (long)i);
    }
    return edits;
}

static struct tree_stats sound(struct lab *lab, const struct hash *root)
{
    struct tree_stats stats;

    ck_ok(tree_check(lab->catalog, root, &stats, &lab->err), &lab->err);
    return stats;
}

/* ---- properties ---- */

#define UNIVERSE 3000

/* Whatever edits led there, in whatever portions and order: equal content, equal root. */
START_TEST(test_history_does_not_matter)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    static long model[UNIVERSE]; /* -1: not there */

    lab_init(&lab);
    random_state = (uint64_t)_i + 1;
    for (size_t i = 0; i < UNIVERSE; i++) {
        model[i] = -1;
    }
    struct hash root = empty(&lab, &objects);
    for (int round = 0; round < 120; round++) {
        struct tree_edit edits[200];
        bool used[UNIVERSE] = {false};
        size_t n = 0;
        uint32_t wanted = 1 + dice(round % 3 == 0 ? 200 : 5);
        uint32_t start = dice(UNIVERSE);
        bool near = dice(2); /* neighbours, or anywhere */

        for (uint32_t k = 0; k < wanted; k++) {
            uint32_t i = near ? (start + k) % UNIVERSE : dice(UNIVERSE);
            char *name = arena_printf(&arena, "t%06u", i);

            if (used[i]) {
                continue;
            }
            used[i] = true;
            if (dice(3) == 0 || (round > 80 && dice(3) > 0)) {
                edits[n++] = drop(&arena, name);
                model[i] = -1;
            } else {
                model[i] = (long)dice(1000);
                edits[n++] = put_number(&arena, name, model[i]);
            }
        }
        root = apply(&lab, &objects, root, edits, n);
        if (round % 10 == 0) {
            sound(&lab, &root);
        }
    }

    /* the same content at one stroke */
    struct tree_edit *all = arena_array(&arena, struct tree_edit, UNIVERSE);
    size_t n = 0;
    for (size_t i = 0; i < UNIVERSE; i++) {
        if (model[i] >= 0) {
            all[n++] = put_number(&arena, arena_printf(&arena, "t%06zu", i), model[i]);
        }
    }
    struct hash at_once = apply(&lab, &objects, empty(&lab, &objects), all, n);
    ck_assert(hash_eq(&root, &at_once));
    ck_assert_uint_eq(sound(&lab, &root).n_entries, n);

    /* and back to nothing */
    for (size_t i = 0; i < n; i++) {
        all[i].is_delete = true;
    }
    struct hash gone = apply(&lab, &objects, root, all, n);
    struct hash nothing = empty(&lab, &objects);
    ck_assert(hash_eq(&gone, &nothing));
}
END_TEST

START_TEST(test_one_node_a_level)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct tree_edit *edits;
    struct hash root;

    lab_init(&lab);
    edits = numbered(&arena, 20000);
    root = apply(&lab, &objects, empty(&lab, &objects), edits, 20000);
    size_t n_levels = sound(&lab, &root).n_levels;
    ck_assert_uint_ge(n_levels, 3);
    for (size_t i = 0; i < 20000; i += 271) {
        _cleanup_(object_list_done) struct object_list rewritten = {0};
        struct tree_edit edit = put_number(&arena, arena_printf(&arena, "t%06zu", i), -1);

        apply(&lab, &rewritten, root, &edit, 1);
        ck_assert_uint_eq(rewritten.count, n_levels);
    }
    /* an edit that changes nothing writes nothing */
    _cleanup_(object_list_done) struct object_list none = {0};
    struct hash same = apply(&lab, &none, root, &edits[77], 1);
    ck_assert(hash_eq(&same, &root));
    ck_assert_uint_eq(none.count, 0);
}
END_TEST

/* Names chosen so that a node would never end, or would end as soon as it may. */
START_TEST(test_crafted_keys)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, 3000);
    struct tree_stats stats;
    struct hash root;
    size_t n = 0;

    lab_init(&lab);
    for (size_t i = 0; n < 3000; i++) {
        char *name = arena_printf(&arena, "x%08zu", i);
        struct str key = table_key(&arena, name);

        if (!node_ends(key, 0, 100)) {
            edits[n++] = put_number(&arena, name, 1);
        }
    }
    root = apply(&lab, &objects, empty(&lab, &objects), edits, n);
    stats = sound(&lab, &root);
    ck_assert_uint_eq(stats.largest[0], TREE_LEAF_MAX);

    n = 0;
    for (size_t i = 0; n < 400; i++) {
        struct key key;
        char name[32];

        snprintf(name, sizeof name, "y%08zu", i);
        must(KEY_MAKE(&key, &lab.err, STR("table"), str_of(name)) == 0);
        if (node_ends(key_str(&key), 0, 6) && node_ends(key_str(&key), 1, 16)) {
            edits[n++] = put_number(&arena, arena_printf(&arena, "%s", name), 1);
        }
    }
    root = apply(&lab, &objects, empty(&lab, &objects), edits, n);
    stats = sound(&lab, &root);
    ck_assert_uint_eq(stats.nodes[0], (n + 5) / 6);
    ck_assert_uint_eq(stats.nodes[1], ((n + 5) / 6 + 15) / 16);
    ck_assert_uint_eq(stats.n_levels, 3);
}
END_TEST

/* ---- reading ---- */

START_TEST(test_lookup_and_order)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_edit *edits;
    struct tree_value value;
    struct str key;
    struct key prefix;
    size_t n = 0;

    lab_init(&lab);
    edits = numbered(&arena, 1003);
    /* neighbours of the prefix that must not be shown */
    ck_ok(KEY_MAKE(&prefix, &lab.err, STR("tabl"), STR("t000001")), &lab.err);
    ck_assert_int_eq(arena_str(&arena, key_str(&prefix), &edits[1000].key), 0);
    ck_ok(KEY_MAKE(&prefix, &lab.err, STR("table")), &lab.err);
    ck_assert_int_eq(arena_str(&arena, key_str(&prefix), &edits[1001].key), 0);
    ck_ok(KEY_MAKE(&prefix, &lab.err, STR("tablf"), STR("t")), &lab.err);
    ck_assert_int_eq(arena_str(&arena, key_str(&prefix), &edits[1002].key), 0);
    struct hash root = apply(&lab, &objects, empty(&lab, &objects), edits, 1003);
    for (long i = 0; i < 1000; i += 37) {
        ck_assert_int_eq(lab_number(&lab, &root, arena_printf(&arena, "t%06ld", i)), i);
    }
    ck_assert_int_eq(lab_number(&lab, &root, "t0000005"), -1);
    ck_assert_int_eq(lab_number(&lab, &root, "a"), -1);
    ck_assert_int_eq(lab_number(&lab, &root, "z"), -1);

    ck_ok(KEY_MAKE_PREFIX(&prefix, &lab.err, STR("table")), &lab.err);
    ck_ok(tree_cursor_open(lab.catalog, &root, key_str(&prefix), &cursor, &lab.err), &lab.err);
    while (tree_cursor_next(cursor, &key, &value, &lab.err) == 1) {
        must(str_eq(key, edits[n].key));
        must(tree_value_eq(&value, &edits[n].value));
        n++;
    }
    ck_assert_uint_eq(n, 1000);
    ck_assert_int_eq(tree_cursor_next(cursor, &key, &value, &lab.err), 0);
}
END_TEST

START_TEST(test_missing_names_the_nearest)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct tree_edit edits[2];
    struct tree_value value;

    lab_init(&lab);
    edits[0] = put_number(&arena, "orders", 1);
    edits[1] = put_number(&arena, "customers", 1);
    struct hash root = apply(&lab, &objects, empty(&lab, &objects), edits, 2);
    ck_assert_int_eq(
        tree_need(lab.catalog, &root, table_key(&arena, "order"), &arena, &value, &lab.err),
        CORRIE_E_NOT_FOUND);
    ck_assert_str_eq(corrie_error_message(&lab.err), "table order does not exist");
    ck_assert_str_eq(lab.err.hint, "did you mean orders?");
}
END_TEST

START_TEST(test_large_documents_lie_apart)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit edits[2];
    struct tree_value value;
    struct str doc;
    char *large = arena_array(&arena, char, 3001);
    char *limit = arena_array(&arena, char, 1025);

    lab_init(&lab);
    memset(large, 'x', 3000);
    memset(limit, 'x', 1024);
    large[0] = large[2999] = limit[0] = limit[1023] = '"';
    edits[0] = put_doc(&arena, "large", str_of(large));
    edits[1] = put_doc(&arena, "limit", str_of(limit));
    struct hash commit = lab_commit(&lab, "main", edits, 2);
    struct hash root = lab_tree(&lab, &commit);
    lab_reopen(&lab);
    ck_ok(tree_need(lab.catalog, &root, edits[0].key, &arena, &value, &lab.err), &lab.err);
    ck_assert(value.doc_apart);
    ck_ok(tree_value_doc(lab.catalog, &value, &arena, &doc, &lab.err), &lab.err);
    ck_str_eq(doc, str_of(large));
    ck_ok(tree_need(lab.catalog, &root, edits[1].key, &arena, &value, &lab.err), &lab.err);
    ck_assert(!value.doc_apart);
    ck_str_eq(value.doc, str_of(limit));
}
END_TEST

START_TEST(test_bad_edits_are_refused)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct tree_edit edits[2];
    struct hash root;
    struct hash out;

    lab_init(&lab);
    root = empty(&lab, &objects);
    edits[0] = put_number(&arena, "a", 1);
    edits[1] = put_number(&arena, "a", 2);
    ck_fails(tree_apply(lab.catalog, &root, edits, 2, &objects, &out, &lab.err), CORRIE_E_USAGE,
             &lab.err);
    edits[0].key = STR("table\0");
    ck_fails(tree_apply(lab.catalog, &root, edits, 1, &objects, &out, &lab.err), CORRIE_E_USAGE,
             &lab.err);
    edits[0] = put_doc(&arena, "a", STR("{ \"n\":1}"));
    ck_fails(tree_apply(lab.catalog, &root, edits, 1, &objects, &out, &lab.err), CORRIE_E_INTERNAL,
             &lab.err);
}
END_TEST

/* ---- diff ---- */

struct seen {
    size_t n;
    size_t added;
    size_t removed;
    size_t changed;
    struct str last;
};

static int see(void *arg, struct str key, const struct tree_value *old_value,
               const struct tree_value *new_value, corrie_error *err)
{
    struct seen *seen = arg;

    (void)err;
    (void)key;
    seen->n++;
    seen->added += !old_value;
    seen->removed += !new_value;
    seen->changed += old_value && new_value;
    return 0;
}

START_TEST(test_diff_reads_only_what_differs)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct seen seen = {0};
    struct tree_edit edits[4];
    struct key prefix;

    lab_init(&lab);
    struct hash first = lab_commit(&lab, "main", numbered(&arena, 20000), 20000);
    edits[0] = put_number(&arena, "t000000", -5);
    edits[1] = drop(&arena, "t009000");
    edits[2] = put_number(&arena, "t0100005", 7);
    edits[3] = put_number(&arena, "t019999", 8);
    struct hash second = lab_commit(&lab, "main", edits, 4);
    struct hash a = lab_tree(&lab, &first);
    struct hash b = lab_tree(&lab, &second);
    size_t n_levels = sound(&lab, &a).n_levels;

    lab_reopen(&lab);
    ck_ok(tree_diff(lab.catalog, &a, &b, STR_EMPTY, see, &seen, &lab.err), &lab.err);
    ck_assert_uint_eq(seen.n, 4);
    ck_assert_uint_eq(seen.added, 1);
    ck_assert_uint_eq(seen.removed, 1);
    ck_assert_uint_eq(seen.changed, 2);
    /* a path on each side for each difference, and a neighbour where a boundary moved */
    ck_assert_uint_le(lab.catalog->n_reads, 4 * 2 * n_levels * 2);

    /* below a prefix only */
    seen = (struct seen){0};
    ck_ok(KEY_MAKE_PREFIX(&prefix, &lab.err, STR("table"), STR("t")), &lab.err);
    ck_ok(tree_diff(lab.catalog, &a, &b, key_str(&prefix), see, &seen, &lab.err), &lab.err);
    ck_assert_uint_eq(seen.n, 0);
    ck_ok(tree_diff(lab.catalog, &a, &b, STR("table\0t00"), see, &seen, &lab.err), &lab.err);
    ck_assert_uint_eq(seen.n, 2);
}
END_TEST

/* What a diff reports, applied to the old tree, makes the new one. */
static int collect(void *arg, struct str key, const struct tree_value *old_value,
                   const struct tree_value *new_value, corrie_error *err)
{
    struct {
        struct arena *arena;
        struct tree_edit *items;
        size_t count;
    } *list = arg;
    struct tree_edit *edit = &list->items[list->count++];

    (void)old_value;
    *edit = (struct tree_edit){.is_delete = !new_value};
    must(arena_str(list->arena, key, &edit->key) == 0);
    must(!new_value || tree_value_copy(new_value, list->arena, &edit->value, err) == 0);
    return 0;
}

START_TEST(test_diff_is_complete)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};

    lab_init(&lab);
    random_state = 99;
    for (int round = 0; round < 60; round++) {
        struct hash roots[2];
        struct {
            struct arena *arena;
            struct tree_edit *items;
            size_t count;
        } list = {&arena, arena_array(&arena, struct tree_edit, 4000), 0};

        for (int side = 0; side < 2; side++) {
            struct tree_edit *edits = arena_array(&arena, struct tree_edit, 2000);
            uint32_t n = round % 4 == 0 ? dice(20) : dice(2000);

            for (uint32_t i = 0; i < n; i++) {
                edits[i] =
                    put_number(&arena, arena_printf(&arena, "k%05u-%u", i, dice(30) ? 0u : 1u),
                               dice(20) == 0 ? (long)side : 5);
            }
            roots[side] = apply(&lab, &objects, empty(&lab, &objects), edits, n);
        }
        ck_ok(tree_diff(lab.catalog, &roots[0], &roots[1], STR_EMPTY, collect, &list, &lab.err),
              &lab.err);
        struct hash back = apply(&lab, &objects, roots[0], list.items, list.count);
        ck_assert(hash_eq(&back, &roots[1]));
    }
}
END_TEST

Suite *tree_suite(void);
Suite *tree_suite(void)
{
    Suite *suite = suite_create("tree");
    TCase *tcase = tcase_create("tree");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_history_does_not_matter, 0, 8);
    tcase_add_test(tcase, test_one_node_a_level);
    tcase_add_test(tcase, test_crafted_keys);
    tcase_add_test(tcase, test_lookup_and_order);
    tcase_add_test(tcase, test_missing_names_the_nearest);
    tcase_add_test(tcase, test_large_documents_lie_apart);
    tcase_add_test(tcase, test_bad_edits_are_refused);
    tcase_add_test(tcase, test_diff_reads_only_what_differs);
    tcase_add_test(tcase, test_diff_is_complete);
    suite_add_tcase(suite, tcase);
    return suite;
}
