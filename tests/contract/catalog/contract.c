/* contract.c — what every backend of the catalog keeps (backend.h). A backend enters by a line in
 * `backends`; each test is then run on it.
 *
 * What a user would lose: a branch that two people moved at once, the way back to a deleted one, or
 * the ability to move a lake to another backend. */
#include "os/dir.h"
#include "tests/unit/catalog/support.h"

/* A place where a backend keeps its things. */
struct place {
    const char *name;
    int (*make)(const char *directory, corrie_error *err);
    int (*open)(const char *directory, const struct catalog_options *options, struct backend **ret,
                corrie_error *err);
};

static const struct place backends[] = {
    {"sqlite", backend_sqlite_create, backend_sqlite_open},
};

struct rig {
    const struct place *place;
    char *directory;
    struct backend *backend;
    const struct backend_ops *ops;
    struct arena arena;
    corrie_error err;
};

static void rig_open(struct rig *rig)
{
    ck_ok(rig->place->open(rig->directory, NULL, &rig->backend, &rig->err), &rig->err);
    rig->ops = rig->backend->ops;
}

static void rig_init(struct rig *rig, int which)
{
    *rig = (struct rig){.place = &backends[which], .err = CORRIE_ERROR_INIT};
    ck_ok(os_temp_dir("corrie-contract", &rig->directory, &rig->err), &rig->err);
    ck_ok(rig->place->make(rig->directory, &rig->err), &rig->err);
    rig_open(rig);
    ck_assert_str_eq(rig->ops->name, rig->place->name);
}

static void rig_done(struct rig *rig)
{
    rig->ops->close(rig->backend);
    ck_ok(os_tree_remove(rig->directory, &rig->err), &rig->err);
    mem_free(rig->directory);
    arena_done(&rig->arena);
    corrie_error_clear(&rig->err);
}

static void rig_reopen(struct rig *rig)
{
    rig->ops->close(rig->backend);
    rig_open(rig);
}

/* A commit object of the backend's: it does not look inside. */
static struct backend_object commit_object(struct rig *rig, int n)
{
    struct str bytes = str_of(arena_printf(&rig->arena, "%c commit %d", 0x7f, n));

    return (struct backend_object){hash_bytes(bytes), OBJECT_COMMIT, bytes};
}

static int move_ref(struct rig *rig, const char *ref, const struct hash *from,
                    const struct hash *to, const struct backend_object *objects, size_t n)
{
    static const struct hash none;
    struct catalog_move move = {.ref = str_of(ref),
                                .kind = CATALOG_BRANCH,
                                .expected = from ? *from : none,
                                .new_commit = to ? *to : none,
                                .when = 7,
                                .who = STR("ada"),
                                .why = STR("test")};

    return rig->ops->commit(rig->backend, objects, n, &move, 0, &rig->err);
}

static int keep(void *arg, size_t index, const struct backend_object *object, corrie_error *err)
{
    struct {
        struct rig *rig;
        struct str found[8];
    } *kept = arg;

    (void)err;
    return arena_str(&kept->rig->arena, object->stored, &kept->found[index]);
}

START_TEST(test_objects)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[3];
    struct {
        struct rig *rig;
        struct str found[8];
    } kept = {.rig = &rig};
    struct hash names[3];
    char *large;

    rig_init(&rig, _i);
    large = arena_array(&rig.arena, char, 2000000);
    random_bytes(large, 2000000);
    objects[0] = commit_object(&rig, 1);
    objects[1] = (struct backend_object){hash_bytes(STR("x")), OBJECT_NODE, STR("\0\0x")};
    objects[2] =
        (struct backend_object){hash_bytes(STR("y")), OBJECT_DOC, str_make(large, 2000000)};
    ck_ok(rig.ops->put_objects(rig.backend, objects, 3, 0, &rig.err), &rig.err);
    ck_ok(rig.ops->put_objects(rig.backend, objects, 2, 0, &rig.err), &rig.err); /* again: no harm */
    rig_reopen(&rig);
    names[0] = objects[2].name;
    names[1] = hash_bytes(STR("nobody"));
    names[2] = objects[1].name;
    ck_ok(rig.ops->get_objects(rig.backend, names, 3, keep, &kept, &rig.err), &rig.err);
    ck_assert(str_eq(kept.found[0], objects[2].stored));
    ck_assert(kept.found[1].data == NULL);
    ck_str_eq(kept.found[2], STR("\0\0x"));
}
END_TEST

START_TEST(test_compare_and_swap)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[3];
    struct catalog_ref ref;

    rig_init(&rig, _i);
    for (int i = 0; i < 3; i++) {
        objects[i] = commit_object(&rig, i);
    }
    const struct hash *a = &objects[0].name;
    const struct hash *b = &objects[1].name;
    const struct hash *c = &objects[2].name;

    ck_ok(move_ref(&rig, "main", NULL, a, &objects[0], 1), &rig.err);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("main"), &ref, &rig.err), 1);
    ck_assert(hash_eq(&ref.commit, a) && ref.kind == CATALOG_BRANCH);
    ck_ok(move_ref(&rig, "main", a, b, &objects[1], 1), &rig.err);

    /* each wrong expectation, and nothing of it is left: not the objects either */
    ck_fails(move_ref(&rig, "main", NULL, c, &objects[2], 1), CORRIE_E_EXISTS, &rig.err);
    ck_assert_int_eq(move_ref(&rig, "main", a, c, &objects[2], 1), CORRIE_E_CONFLICT);
    ck_assert(rig.err.retryable);
    corrie_error_clear(&rig.err);
    ck_fails(move_ref(&rig, "other", a, c, &objects[2], 1), CORRIE_E_NOT_FOUND, &rig.err);
    ck_fails(move_ref(&rig, "main", a, NULL, NULL, 0), CORRIE_E_CONFLICT, &rig.err);
    ck_fails(move_ref(&rig, "new", NULL, c, NULL, 0), CORRIE_E_NOT_FOUND,
             &rig.err); /* c is not stored */
    rig_reopen(&rig);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("main"), &ref, &rig.err), 1);
    ck_assert(hash_eq(&ref.commit, b));
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("other"), &ref, &rig.err), 0);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("new"), &ref, &rig.err), 0);

    ck_ok(move_ref(&rig, "copy", NULL, a, NULL, 0), &rig.err); /* a commit that is stored */
    ck_ok(move_ref(&rig, "main", b, NULL, NULL, 0), &rig.err);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("main"), &ref, &rig.err), 0);
}
END_TEST

START_TEST(test_reflog_outlives_the_ref)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[2];
    struct catalog_reflog_entry *entries;
    size_t n;

    rig_init(&rig, _i);
    objects[0] = commit_object(&rig, 0);
    objects[1] = commit_object(&rig, 1);
    const struct hash *a = &objects[0].name;
    const struct hash *b = &objects[1].name;
    ck_ok(move_ref(&rig, "dev", NULL, a, objects, 2), &rig.err);
    ck_ok(move_ref(&rig, "dev", a, b, NULL, 0), &rig.err);
    ck_ok(move_ref(&rig, "dev", b, NULL, NULL, 0), &rig.err);
    ck_ok(move_ref(&rig, "dev2", NULL, a, NULL, 0), &rig.err); /* not in dev's log */
    ck_ok(move_ref(&rig, "dev", NULL, b, NULL, 0), &rig.err);
    ck_fails(move_ref(&rig, "dev", a, b, NULL, 0), CORRIE_E_CONFLICT,
             &rig.err); /* leaves no entry */
    rig_reopen(&rig);
    ck_ok(rig.ops->reflog(rig.backend, STR("dev"), 0, 3, &rig.arena, &entries, &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(entries[0].sequence, 4);
    ck_assert(hash_is_zero(&entries[0].old_commit) && hash_eq(&entries[0].new_commit, b));
    ck_assert(hash_eq(&entries[1].old_commit, b) && hash_is_zero(&entries[1].new_commit));
    ck_assert_int_eq(entries[1].when, 7);
    ck_assert_int_eq(entries[1].kind, CATALOG_BRANCH);
    ck_str_eq(entries[1].who, STR("ada"));
    ck_str_eq(entries[1].why, STR("test"));
    ck_ok(rig.ops->reflog(rig.backend, STR("dev"), entries[2].sequence, 3, &rig.arena, &entries, &n,
                          &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 1);
    ck_assert(hash_is_zero(&entries[0].old_commit));
}
END_TEST

START_TEST(test_lists_in_pages)
{
    static const char *const names[] = {"a", "a/b", "a.c", "aa", "b", "tx/1"};
    static const char *const sorted[] = {"a", "a.c", "a/b", "aa", "b", "tx/1"};
    _cleanup_(rig_done) struct rig rig;
    struct backend_object object;
    struct catalog_ref *refs;
    size_t n;

    rig_init(&rig, _i);
    object = commit_object(&rig, 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct catalog_move move = {.ref = str_of(names[i]),
                                    .kind = i == 5   ? CATALOG_TX
                                            : i == 3 ? CATALOG_TAG
                                                     : CATALOG_BRANCH,
                                    .new_commit = object.name};

        ck_ok(rig.ops->commit(rig.backend, &object, 1, &move, 0, &rig.err), &rig.err);
    }
    struct str after = STR_EMPTY;
    for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
        ck_ok(rig.ops->list_refs(rig.backend, STR_EMPTY, 0, after, 1, &rig.arena, &refs, &n,
                                 &rig.err),
              &rig.err);
        ck_assert_uint_eq(n, 1);
        ck_str_eq(refs[0].name, str_of(sorted[i]));
        after = refs[0].name;
    }
    ck_ok(rig.ops->list_refs(rig.backend, STR("a"), 0, STR_EMPTY, 10, &rig.arena, &refs, &n,
                             &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 4);
    ck_ok(rig.ops->list_refs(rig.backend, STR("a"), CATALOG_BRANCH, STR("a"), 10, &rig.arena, &refs,
                             &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 2);
    ck_ok(rig.ops->list_refs(rig.backend, STR("tx/"), 0, STR_EMPTY, 10, &rig.arena, &refs, &n,
                             &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(refs[0].kind, CATALOG_TX);
}
END_TEST

static int count_name(void *arg, const struct hash *name, corrie_error *err)
{
    (void)name;
    (void)err;
    ++*(int *)arg;
    return 0;
}

START_TEST(test_find_by_bits)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[4];
    struct hash prefix = {{0xab, 0xc0}};
    int n = 0;

    rig_init(&rig, _i);
    for (int i = 0; i < 4; i++) {
        objects[i] = commit_object(&rig, i);
        memset(objects[i].name.bytes, 0, HASH_BYTES);
        objects[i].name.bytes[0] = 0xab;
        objects[i].name.bytes[1] = (uint8_t)(0xc0 + 5 * i); /* c0 c5 ca cf */
    }
    objects[3].type = OBJECT_NODE;
    ck_ok(rig.ops->put_objects(rig.backend, objects, 4, 0, &rig.err), &rig.err);
    ck_ok(rig.ops->find_objects(rig.backend, OBJECT_COMMIT, &prefix, 12, 10, count_name, &n,
                                &rig.err),
          &rig.err);
    ck_assert_int_eq(n, 3);
    n = 0;
    ck_ok(rig.ops->find_objects(rig.backend, OBJECT_COMMIT, &prefix, 16, 10, count_name, &n,
                                &rig.err),
          &rig.err);
    ck_assert_int_eq(n, 1);
    n = 0;
    ck_ok(
        rig.ops->find_objects(rig.backend, OBJECT_COMMIT, &prefix, 12, 2, count_name, &n, &rig.err),
        &rig.err);
    ck_assert_int_eq(n, 2);
}
END_TEST

START_TEST(test_hold_keeps_others_out)
{
    _cleanup_(rig_done) struct rig rig;
    struct catalog_options impatient = {.lock_deadline_ms = 20};
    struct backend_object object;
    struct backend *mine;
    struct backend *other;

    rig_init(&rig, _i);
    if (!rig.ops->hold) {
        return;
    }
    object = commit_object(&rig, 0);
    ck_ok(rig.place->open(rig.directory, &impatient, &other, &rig.err), &rig.err);
    mine = rig.backend;
    ck_ok(rig.ops->hold(mine, &rig.err), &rig.err);
    rig.backend = other;
    ck_assert_int_eq(move_ref(&rig, "main", NULL, &object.name, &object, 1), CORRIE_E_BUSY);
    ck_assert(rig.err.retryable);
    corrie_error_clear(&rig.err);
    rig.backend = mine;
    ck_ok(move_ref(&rig, "main", NULL, &object.name, &object, 1), &rig.err); /* ends the hold */
    rig.backend = other;
    ck_ok(move_ref(&rig, "dev", NULL, &object.name, NULL, 0), &rig.err);
    ck_ok(rig.ops->hold(other, &rig.err), &rig.err);
    rig.ops->release(other);
    rig.ops->release(other); /* without hold: nothing */
    rig.ops->close(other);
    rig.backend = mine;
    ck_ok(move_ref(&rig, "late", NULL, &object.name, NULL, 0), &rig.err);
}
END_TEST

START_TEST(test_records)
{
    _cleanup_(rig_done) struct rig rig;
    struct catalog_index_entry *list;
    struct catalog_index_entry entry;
    size_t n;

    rig_init(&rig, _i);
    for (int i = 0; i < 6; i++) {
        entry.id = str_of(arena_printf(&rig.arena, "%s%d", i % 2 ? "odd" : "even", i));
        entry.time = i / 2; /* two of each time */
        entry.json = str_of(arena_printf(&rig.arena, "{\"i\":%d}", i));
        ck_ok(rig.ops->index_put(rig.backend, STR("job"), &entry, &rig.err), &rig.err);
    }
    ck_ok(rig.ops->index_put(rig.backend, STR("other"), &entry, &rig.err), &rig.err);
    entry.json = STR("{\"i\":\"again\"}");
    ck_ok(rig.ops->index_put(rig.backend, STR("job"), &entry, &rig.err), &rig.err);
    rig_reopen(&rig);
    ck_assert_int_eq(
        rig.ops->index_get(rig.backend, STR("job"), STR("odd5"), &rig.arena, &entry, &rig.err), 1);
    ck_str_eq(entry.json, STR("{\"i\":\"again\"}"));
    ck_assert_int_eq(
        rig.ops->index_get(rig.backend, STR("job"), STR("odd7"), &rig.arena, &entry, &rig.err), 0);
    ck_ok(rig.ops->index_list(rig.backend, STR("job"), STR_EMPTY, NULL, 3, &rig.arena, &list, &n,
                              &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 3);
    ck_str_eq(list[0].id, STR("odd5"));
    ck_str_eq(list[1].id, STR("even4"));
    ck_str_eq(list[2].id, STR("odd3"));
    ck_ok(rig.ops->index_list(rig.backend, STR("job"), STR_EMPTY, &list[2], 9, &rig.arena, &list,
                              &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 3);
    ck_str_eq(list[0].id, STR("even2"));
    ck_ok(rig.ops->index_list(rig.backend, STR("job"), STR("odd"), NULL, 9, &rig.arena, &list, &n,
                              &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(rig.ops->index_delete(rig.backend, STR("job"), STR("odd5"), &rig.err), 1);
    ck_assert_int_eq(rig.ops->index_delete(rig.backend, STR("job"), STR("odd5"), &rig.err), 0);
    ck_assert_int_eq(
        rig.ops->index_get(rig.backend, STR("other"), STR("odd5"), &rig.arena, &entry, &rig.err),
        1);
}
END_TEST

START_TEST(test_made_once)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object object;

    rig_init(&rig, _i);
    ck_ok(rig.place->make(rig.directory, &rig.err), &rig.err); /* still empty: taken over */
    object = commit_object(&rig, 0);
    ck_ok(move_ref(&rig, "main", NULL, &object.name, &object, 1), &rig.err);
    ck_fails(rig.place->make(rig.directory, &rig.err), CORRIE_E_EXISTS, &rig.err);
}
END_TEST

Suite *contract_suite(void);
Suite *contract_suite(void)
{
    const TTest *const tests[] = {
        test_objects,        test_compare_and_swap, test_reflog_outlives_the_ref,
        test_lists_in_pages, test_find_by_bits,     test_hold_keeps_others_out,
        test_records,        test_made_once,
    };
    Suite *suite = suite_create("contract");
    TCase *tcase = tcase_create("catalog");

    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_loop_test(tcase, tests[i], 0, (int)ARRAY_LEN(backends));
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
