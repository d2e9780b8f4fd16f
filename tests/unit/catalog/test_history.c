/* What a user would lose: a log that skips or repeats commits, a merge from the wrong ancestor, a
 * name that resolves to another commit than the one that was meant. */
#include "tests/unit/catalog/support.h"

/* A commit of the empty tree with these parents, one second after the one made before. */
static struct hash make(struct lab *lab, const struct hash *parents, size_t n)
{
    static int64_t now = 1000000000;
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit = {.author = STR("ada"), .n_parents = n};
    struct catalog_move move = {.kind = CATALOG_BRANCH, .who = STR("ada"), .why = STR("test")};
    struct hash id;

    now += 1000000000;
    commit.commit_time = now;
    commit.message = str_of(arena_printf(&arena, "%lld", (long long)now));
    if (n > 0) {
        memcpy(commit.parents, parents, n * sizeof *parents);
    }
    ck_ok(tree_empty(lab->catalog, &objects, &commit.tree, &lab->err), &lab->err);
    ck_ok(commit_add(lab->catalog, &commit, &objects, &id, &lab->err), &lab->err);
    move.ref = str_of(arena_printf(&arena, "keep%lld", (long long)now));
    move.new_commit = id;
    ck_ok(catalog_commit(lab->catalog, &objects, &move, &lab->err), &lab->err);
    return id;
}

#define MAKE(lab, ...)                                                                             \
    make((lab), (const struct hash[]){__VA_ARGS__},                                                \
         sizeof((const struct hash[]){__VA_ARGS__}) / sizeof(struct hash))

static void ck_walk(struct lab *lab, const struct hash *from, bool first_parent,
                    const struct hash *expected, size_t n)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    const struct commit *commit;

    ck_ok(history_walk_open(lab->catalog, from, first_parent, &walk, &lab->err), &lab->err);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(history_walk_next(walk, &commit, &lab->err), 1);
        ck_assert_msg(hash_eq(&commit->id, &expected[i]), "commit %zu is another", i);
    }
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab->err), 0);
}

START_TEST(test_log)
{
    _cleanup_(lab_done) struct lab lab;

    lab_init(&lab);
    struct hash a = make(&lab, NULL, 0);
    struct hash b = MAKE(&lab, a);
    struct hash c = MAKE(&lab, a);
    struct hash d = MAKE(&lab, b, c);
    struct hash e = MAKE(&lab, d, c); /* c is reached by two ways */
    lab_reopen(&lab);
    ck_walk(&lab, &e, false, (const struct hash[]){e, d, c, b, a}, 5);
    ck_walk(&lab, &e, true, (const struct hash[]){e, d, b, a}, 4);
}
END_TEST

static void ck_walk_without(struct lab *lab, const struct hash *from, bool first_parent,
                            const struct hash *hidden, const struct hash *expected, size_t n)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    const struct commit *commit;

    ck_ok(history_walk_open(lab->catalog, from, first_parent, &walk, &lab->err), &lab->err);
    ck_ok(history_walk_hide(walk, hidden, &lab->err), &lab->err);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(history_walk_next(walk, &commit, &lab->err), 1);
        ck_assert_msg(hash_eq(&commit->id, &expected[i]), "commit %zu is another", i);
    }
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab->err), 0);
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab->err), 0);
}

/* What one branch has and another has not. */
START_TEST(test_hiding)
{
    _cleanup_(lab_done) struct lab lab;

    lab_init(&lab);
    struct hash a = make(&lab, NULL, 0);
    struct hash b = MAKE(&lab, a);
    struct hash c = MAKE(&lab, b);
    struct hash x = MAKE(&lab, a);
    struct hash y = MAKE(&lab, x, b); /* merged a part of the other */
    struct hash z = MAKE(&lab, y);
    struct hash other = make(&lab, NULL, 0);

    ck_walk_without(&lab, &z, false, &c, (const struct hash[]){z, y, x}, 3);
    ck_walk_without(&lab, &z, true, &c, (const struct hash[]){z, y, x}, 3);
    ck_walk_without(&lab, &c, false, &z, (const struct hash[]){c}, 1);
    ck_walk_without(&lab, &z, false, &z, NULL, 0);
    ck_walk_without(&lab, &a, false, &z, NULL, 0);
    ck_walk_without(&lab, &c, true, &other, (const struct hash[]){c, b, a}, 3);
    ck_walk_without(&lab, &z, true, &x, (const struct hash[]){z, y}, 2);
}
END_TEST

/* Notes reach parents, each by the way that it was come by. */
START_TEST(test_notes)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    static const char *const notes[] = {"left", "right"};
    const struct commit *commit;

    lab_init(&lab);
    struct hash a = make(&lab, NULL, 0);
    struct hash b = MAKE(&lab, a);
    struct hash c = MAKE(&lab, a);
    struct hash d = MAKE(&lab, b, c);

    ck_ok(history_walk_open(lab.catalog, &d, false, &walk, &lab.err), &lab.err);
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab.err), 1);
    ck_assert_ptr_null(history_walk_note(walk));
    history_walk_pass(walk, 0, notes[0]);
    history_walk_pass(walk, 1, notes[1]);
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab.err), 1);
    ck_assert(hash_eq(&commit->id, &c)); /* the newer one */
    ck_assert_ptr_eq(history_walk_note(walk), notes[1]);
    history_walk_pass(walk, 0, notes[1]);
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab.err), 1);
    ck_assert_ptr_eq(history_walk_note(walk), notes[0]);
    ck_assert_int_eq(history_walk_next(walk, &commit, &lab.err), 1); /* b passed nothing */
    ck_assert(hash_eq(&commit->id, &a));
    ck_assert_ptr_eq(history_walk_note(walk), notes[1]);
}
END_TEST

static void ck_bases(struct lab *lab, const struct hash *a, const struct hash *b,
                     const struct hash *expected, size_t n_expected)
{
    struct hash bases[4];
    size_t n;

    ck_ok(history_merge_bases(lab->catalog, a, b, bases, 4, &n, &lab->err), &lab->err);
    ck_assert_uint_eq(n, n_expected);
    for (size_t i = 0; i < n; i++) {
        ck_assert_msg(hash_eq(&bases[i], &expected[i]), "base %zu is another", i);
    }
}

START_TEST(test_merge_bases)
{
    _cleanup_(lab_done) struct lab lab;

    lab_init(&lab);
    struct hash root = make(&lab, NULL, 0);
    struct hash alien = make(&lab, NULL, 0);
    struct hash a = MAKE(&lab, root);
    struct hash b = MAKE(&lab, root);
    struct hash a2 = MAKE(&lab, a);
    ck_bases(&lab, &a2, &b, &root, 1);
    ck_bases(&lab, &a2, &a, &a, 1);
    ck_bases(&lab, &a, &a, &a, 1);
    ck_bases(&lab, &a, &alien, NULL, 0);

    /* criss-cross: both a and b are best */
    struct hash x = MAKE(&lab, a, b);
    struct hash y = MAKE(&lab, b, a);
    ck_bases(&lab, &x, &y, (const struct hash[]){b, a}, 2);

    /* a long way round does not hide the nearer one */
    struct hash far = root;
    for (int i = 0; i < 20; i++) {
        far = MAKE(&lab, far);
    }
    struct hash near = MAKE(&lab, a2, root);
    struct hash joined = MAKE(&lab, far, a2);
    ck_bases(&lab, &near, &joined, &a2, 1);

    ck_assert_int_eq(history_is_ancestor(lab.catalog, &root, &joined, &lab.err), 1);
    ck_assert_int_eq(history_is_ancestor(lab.catalog, &a2, &joined, &lab.err), 1);
    ck_assert_int_eq(history_is_ancestor(lab.catalog, &joined, &joined, &lab.err), 1);
    ck_assert_int_eq(history_is_ancestor(lab.catalog, &b, &joined, &lab.err), 0);
    ck_assert_int_eq(history_is_ancestor(lab.catalog, &joined, &root, &lab.err), 0);
}
END_TEST

static void ck_resolves(struct lab *lab, const char *text, const struct hash *expected)
{
    struct hash found;

    ck_ok(history_resolve_text(lab->catalog, str_of(text), &found, NULL, &lab->err), &lab->err);
    ck_assert_msg(hash_eq(&found, expected), "%s is another commit", text);
}

static void ck_lost(struct lab *lab, const char *text, int code, const char *says)
{
    struct hash found;

    ck_assert_int_eq(history_resolve_text(lab->catalog, str_of(text), &found, NULL, &lab->err),
                     code);
    ck_assert_msg(strstr(corrie_error_message(&lab->err), says), "%s: %s", text,
                  corrie_error_message(&lab->err));
    corrie_error_clear(&lab->err);
}

static void move_at(struct lab *lab, const char *ref, const struct hash *from,
                    const struct hash *to, int64_t when)
{
    struct catalog_move move = {.ref = str_of(ref), .kind = CATALOG_BRANCH, .when = when};

    move.expected = from ? *from : (struct hash){{0}};
    move.new_commit = to ? *to : (struct hash){{0}};
    ck_ok(catalog_commit(lab->catalog, NULL, &move, &lab->err), &lab->err);
}

#define SECOND INT64_C(1000000000)

START_TEST(test_expressions)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_ref ref;
    struct hash found;
    char hex[HASH_HEX + 1];

    lab_init(&lab);
    struct hash a = make(&lab, NULL, 0); /* at 00:00:02 and so on */
    struct hash b = MAKE(&lab, a);
    struct hash c = MAKE(&lab, a);
    struct hash d = MAKE(&lab, b, c);
    struct hash other = make(&lab, NULL, 0);
    move_at(&lab, "main", NULL, &b, 100 * SECOND);
    move_at(&lab, "main", &b, &d, 200 * SECOND);

    ck_resolves(&lab, "main", &d);
    ck_resolves(&lab, "main~1", &b);
    ck_resolves(&lab, "main~2", &a);
    ck_resolves(&lab, "main^2", &c);
    ck_resolves(&lab, "main^2~1", &a);
    hash_hex(&c, hex);
    ck_resolves(&lab, arena_printf(&arena, "@%.8s", hex), &c);
    ck_resolves(&lab, arena_printf(&arena, "main@%.12s", hex), &c);
    ck_resolves(&lab, arena_printf(&arena, "@%s", hex), &c);
    ck_resolves(&lab, "main*1970-01-01T00:02:00Z", &b);
    ck_resolves(&lab, "main*1970-01-01T00:03:20Z", &d);
    ck_resolves(&lab, "main*1970-01-01T00:03:19Z", &b);
    ck_resolves(&lab, "main*1970-01-01T00:00:50Z", &b); /* before the reflog */
    ck_resolves(&lab, "main*1970-01-01T00:03:20Z^2", &c);
    ck_resolves(&lab, "main*1970-01-01T00:03:20.5Z~1^", &a);
    ck_resolves(&lab, "main*1970-01-01T01:03:20+01:00~", &b);
    ck_resolves(&lab, "main*1970-01-02", &d);           /* a date */
    ck_resolves(&lab, "main*1970-01-01 00:03", &b);     /* no seconds */
    ck_resolves(&lab, "main*2200-01-01T00:00:00Z", &d); /* not yet */
    hash_hex(&d, hex);
    ck_resolves(&lab, arena_printf(&arena, "main@%.8s~0^2~1", hex), &a);
    ck_resolves(&lab, arena_printf(&arena, "@%.8s^2", hex), &c);
    ck_ok(history_resolve_text(lab.catalog, STR("main~1"), &found, &ref, &lab.err), &lab.err);
    ck_str_eq(ref.name, STR("main"));
    ck_assert(hash_eq(&ref.commit, &d));

    ck_lost(&lab, "main~3", CORRIE_E_NOT_FOUND, "no parent");
    ck_lost(&lab, "main~3^2", CORRIE_E_NOT_FOUND, "no parent");
    ck_lost(&lab, "main*1970-01-01T00:03:20Z~1^2", CORRIE_E_NOT_FOUND, "has 1 parent, not 2");
    ck_lost(&lab, "main*1970-01-01T00:03:20Z@12345678", CORRIE_E_USAGE, "no time");
    ck_lost(&lab, "@1234567", CORRIE_E_USAGE, "wrong length");
    ck_lost(&lab, "*1970-01-01", CORRIE_E_USAGE, "empty");
    ck_lost(&lab, "", CORRIE_E_USAGE, "empty");
    ck_lost(&lab, "main^3", CORRIE_E_NOT_FOUND, "has 2 parents, not 3");
    ck_lost(&lab, "mian", CORRIE_E_NOT_FOUND, "no branch or tag \"mian\"");
    ck_lost(&lab, "@0123456789", CORRIE_E_NOT_FOUND, "no commit");
    hash_hex(&other, hex);
    ck_lost(&lab, arena_printf(&arena, "main@%.12s", hex), CORRIE_E_NOT_FOUND,
            "not in the history");
    ck_lost(&lab, "main*1970-01-01T00:00:01Z", CORRIE_E_NOT_FOUND, "did not exist at 1970");

    /* a commit that only the reflog remembers, and a time at which the ref was gone */
    move_at(&lab, "main", &d, NULL, 300 * SECOND);
    move_at(&lab, "main", NULL, &other, 400 * SECOND);
    hash_hex(&d, hex);
    ck_resolves(&lab, arena_printf(&arena, "main@%.12s", hex), &d);
    ck_lost(&lab, "main*1970-01-01T00:05:30Z", CORRIE_E_NOT_FOUND, "did not exist at 1970");
    ck_resolves(&lab, "main*1970-01-01T00:04:00Z", &d);
}
END_TEST

/* Two commits whose names begin with the same 8 digits cannot be made on purpose; two objects can
 * be put there. */
START_TEST(test_ambiguous_prefix)
{
    _cleanup_(lab_done) struct lab lab;
    struct backend_object objects[2] = {{.type = OBJECT_COMMIT, .stored = STR("\0x")},
                                        {.type = OBJECT_COMMIT, .stored = STR("\0y")}};
    struct hash found;

    lab_init(&lab);
    memset(objects[0].name.bytes, 0xab, HASH_BYTES);
    memset(objects[1].name.bytes, 0xab, HASH_BYTES);
    objects[1].name.bytes[31] = 0;
    ck_ok(lab.catalog->backend->ops->put_objects(lab.catalog->backend, objects, 2, 0, &lab.err),
          &lab.err);
    ck_assert_int_eq(catalog_commit_by_prefix(lab.catalog, STR("ABABababab"), &found, &lab.err),
                     CORRIE_E_USAGE);
    ck_assert(strstr(lab.err.hint, "abababababababababab…"));
    corrie_error_clear(&lab.err);
    ck_fails(catalog_commit_by_prefix(lab.catalog, STR("ababababz"), &found, &lab.err),
             CORRIE_E_USAGE, &lab.err);
    ck_fails(catalog_commit_by_prefix(lab.catalog, STR("abababa"), &found, &lab.err),
             CORRIE_E_USAGE, &lab.err);
}
END_TEST

SUITE(history_suite, "history", test_log, test_hiding, test_notes, test_merge_bases,
      test_expressions, test_ambiguous_prefix)
