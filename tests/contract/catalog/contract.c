/* contract.c — what every backend of the catalog keeps (backend.h). A backend enters by a line in
 * `backends`; each test is then run on it.
 *
 * What a user would lose: a branch that two people moved at once, the way back to a deleted one, or
 * the ability to move a lake to another backend. */
#include <sys/wait.h>
#include <unistd.h>

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
    ck_ok(rig.ops->put_objects(rig.backend, objects, 2, 0, &rig.err),
          &rig.err); /* again: no harm */
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

/* A branch that is renamed is never gone and never there twice. */
START_TEST(test_two_movements_as_one)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[2];
    struct catalog_reflog_entry *entries;
    struct catalog_ref ref;
    size_t n;

    rig_init(&rig, _i);
    objects[0] = commit_object(&rig, 0);
    objects[1] = commit_object(&rig, 1);
    const struct hash *a = &objects[0].name;
    struct catalog_move old = {
        .ref = STR("old"), .kind = CATALOG_BRANCH, .expected = *a, .when = 7, .why = STR("to")};
    struct catalog_move made = {.ref = STR("new"),
                                .kind = CATALOG_BRANCH,
                                .new_commit = *a,
                                .when = 7,
                                .why = STR("from"),
                                .also = &old};

    ck_ok(move_ref(&rig, "old", NULL, a, objects, 2), &rig.err);
    old.expected = objects[1].name; /* the second cannot be: neither is the first */
    ck_fails(rig.ops->commit(rig.backend, NULL, 0, &made, 0, &rig.err), CORRIE_E_CONFLICT,
             &rig.err);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("new"), &ref, &rig.err), 0);
    old.expected = *a;
    ck_ok(rig.ops->commit(rig.backend, NULL, 0, &made, 0, &rig.err), &rig.err);
    rig_reopen(&rig);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("new"), &ref, &rig.err), 1);
    ck_assert(hash_eq(&ref.commit, a));
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("old"), &ref, &rig.err), 0);
    ck_ok(rig.ops->reflog(rig.backend, STR("old"), 0, 10, &rig.arena, &entries, &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 2);
    ck_str_eq(entries[0].why, STR("to"));
    ck_ok(rig.ops->reflog(rig.backend, STR("new"), 0, 10, &rig.arena, &entries, &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 1);
    ck_str_eq(entries[0].why, STR("from"));
    /* and the first cannot be: neither is the second */
    ck_ok(move_ref(&rig, "old", NULL, a, NULL, 0), &rig.err);
    ck_fails(rig.ops->commit(rig.backend, NULL, 0, &made, 0, &rig.err), CORRIE_E_EXISTS, &rig.err);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("old"), &ref, &rig.err), 1);
}
END_TEST

static int remove_unless_last(struct rig *rig, const char *ref, enum catalog_ref_kind kind,
                              const struct hash *at)
{
    struct catalog_move move = {
        .ref = str_of(ref), .kind = kind, .expected = *at, .when = 7, .leaves_another = true};

    return rig->ops->commit(rig->backend, NULL, 0, &move, 0, &rig->err);
}

/* A lake without a branch is one that nothing can be read from. */
START_TEST(test_last_one_stays)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object object;
    struct catalog_move other = {.ref = STR("a"), .kind = CATALOG_TAG, .when = 7};
    struct catalog_reflog_entry *entries;
    struct catalog_ref ref;
    size_t n;

    rig_init(&rig, _i);
    object = commit_object(&rig, 0);
    ck_ok(move_ref(&rig, "b", NULL, &object.name, &object, 1), &rig.err);
    other.new_commit = object.name; /* refs of other kinds do not count */
    ck_ok(rig.ops->commit(rig.backend, NULL, 0, &other, 0, &rig.err), &rig.err);
    other.ref = STR("tx/1");
    other.kind = CATALOG_TX;
    ck_ok(rig.ops->commit(rig.backend, NULL, 0, &other, 0, &rig.err), &rig.err);
    ck_fails(remove_unless_last(&rig, "b", CATALOG_BRANCH, &object.name), CORRIE_E_REFUSED,
             &rig.err);
    rig_reopen(&rig);
    ck_assert_int_eq(rig.ops->get_ref(rig.backend, STR("b"), &ref, &rig.err), 1);
    ck_ok(rig.ops->reflog(rig.backend, STR("b"), 0, 10, &rig.arena, &entries, &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 1);
    ck_ok(move_ref(&rig, "c", NULL, &object.name, NULL, 0), &rig.err);
    ck_ok(remove_unless_last(&rig, "b", CATALOG_BRANCH, &object.name), &rig.err);
    ck_fails(remove_unless_last(&rig, "c", CATALOG_BRANCH, &object.name), CORRIE_E_REFUSED,
             &rig.err);
    ck_ok(move_ref(&rig, "c", &object.name, NULL, NULL, 0), &rig.err); /* who does not ask may */
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

/* ---- pages ---- */

#define MANY 10000

static int make_ref(struct rig *rig, struct str name, const struct backend_object *object)
{
    struct catalog_move move = {.ref = name, .kind = CATALOG_BRANCH, .new_commit = object->name};

    return rig->ops->commit(rig->backend, object, 1, &move, 0, &rig->err);
}

START_TEST(test_ten_thousand_refs)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object object;
    struct catalog_ref *refs;
    struct str after = STR_EMPTY;
    size_t n_all = 0;
    size_t n;

    rig_init(&rig, _i);
    object = commit_object(&rig, 0);
    for (int i = 0; i < MANY; i++) { /* not in their order */
        char *name = arena_printf(&rig.arena, "b%05d", i * 7919 % MANY);

        must(make_ref(&rig, str_of(name), &object) == 0);
    }
    do {
        ck_ok(rig.ops->list_refs(rig.backend, STR_EMPTY, 0, after, 999, &rig.arena, &refs, &n,
                                 &rig.err),
              &rig.err);
        for (size_t i = 0; i < n; i++) {
            must(str_eq(refs[i].name, str_of(arena_printf(&rig.arena, "b%05zu", n_all++))));
            after = refs[i].name;
        }
    } while (n == 999);
    ck_assert_uint_eq(n_all, MANY);
    ck_ok(rig.ops->list_refs(rig.backend, STR("b0998"), 0, STR("b09985"), 999, &rig.arena, &refs,
                             &n, &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(test_reflog_in_pages)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[2];
    struct catalog_reflog_entry *entries;
    uint64_t before = 0;
    uint64_t expected = 501;
    int n_commits = 0;
    struct str *names;
    size_t n;

    rig_init(&rig, _i);
    objects[0] = commit_object(&rig, 0);
    objects[1] = commit_object(&rig, 1);
    ck_ok(move_ref(&rig, "dev", NULL, &objects[0].name, objects, 2), &rig.err);
    for (int i = 0; i < 500; i++) {
        struct catalog_move move = {.ref = STR("dev"),
                                    .expected = objects[i % 2].name,
                                    .new_commit = objects[(i + 1) % 2].name,
                                    .when = 1000 + i};

        must(rig.ops->commit(rig.backend, NULL, 0, &move, 0, &rig.err) == 0);
    }
    do {
        ck_ok(rig.ops->reflog(rig.backend, STR("dev"), before, 60, &rig.arena, &entries, &n,
                              &rig.err),
              &rig.err);
        for (size_t i = 0; i < n; i++) {
            must(entries[i].sequence == expected--);
            before = entries[i].sequence;
        }
    } while (n == 60);
    ck_assert_uint_eq(expected, 0);
    ck_ok(rig.ops->reflog_commits(rig.backend, INT64_MIN, count_name, &n_commits, &rig.err),
          &rig.err);
    ck_assert_int_eq(n_commits, 2);
    n_commits = 0;
    ck_ok(rig.ops->reflog_commits(rig.backend, 1500, count_name, &n_commits, &rig.err), &rig.err);
    ck_assert_int_eq(n_commits, 0);
    ck_ok(move_ref(&rig, "a", NULL, &objects[0].name, NULL, 0), &rig.err);
    ck_ok(rig.ops->reflog_names(rig.backend, &rig.arena, &names, &n, &rig.err), &rig.err);
    ck_assert_uint_eq(n, 2);
    ck_str_eq(names[0], STR("a"));
    ck_str_eq(names[1], STR("dev"));
}
END_TEST

/* ---- collection ---- */

static bool has(struct rig *rig, const struct hash *name)
{
    size_t missing;

    ck_ok(rig->ops->find_missing(rig->backend, name, 1, &missing, &rig->err), &rig->err);
    return missing == 1;
}

static struct backend_state state_of(struct rig *rig)
{
    struct backend_state state;

    ck_ok(rig->ops->state(rig->backend, &state, &rig->err), &rig->err);
    return state;
}

/* The entry of an object, or one of position 0. */
static struct backend_entry entry_of(struct rig *rig, const struct hash *name)
{
    struct backend_entry page[7];
    uint64_t before = 0;
    size_t n;

    do {
        ck_ok(rig->ops->list_objects(rig->backend, before, 7, page, &n, &rig->err), &rig->err);
        for (size_t i = 0; i < n; i++) {
            must(before == 0 || page[i].position < before);
            before = page[i].position;
            if (hash_eq(&page[i].name, name)) {
                return page[i];
            }
        }
    } while (n == 7);
    return (struct backend_entry){.position = 0};
}

/* What a scan must show: the entries of a list, and bytes of commits. */
struct scan {
    struct backend_entry entries[40];
    size_t n;
};

static int see_entry(void *arg, const struct backend_entry *entry, struct str stored,
                     corrie_error *err)
{
    struct scan *scan = arg;

    (void)err;
    must(scan->n < ARRAY_LEN(scan->entries));
    must(entry->type == OBJECT_DOC ? stored.len == 0 : stored.len == entry->size);
    scan->entries[scan->n++] = *entry;
    return 0;
}

/* A mark that reads by pages sees every object once, in the order that it relies on. */
START_TEST(test_scan)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[20];
    struct backend_entry listed[40];
    struct scan scan = {.n = 0};
    uint64_t before = 0;
    size_t n_listed;
    size_t n;

    rig_init(&rig, _i);
    if (!rig.ops->list_objects) {
        return;
    }
    for (int i = 0; i < 20; i++) {
        objects[i] = commit_object(&rig, i);
    }
    objects[7].type = OBJECT_DOC;
    ck_ok(rig.ops->put_objects(rig.backend, objects, 20, 0, &rig.err), &rig.err);
    ck_ok(rig.ops->list_objects(rig.backend, 0, 40, listed, &n_listed, &rig.err), &rig.err);
    do {
        ck_ok(
            rig.ops->scan_objects(rig.backend, before, 7, see_entry, &scan, &before, &n, &rig.err),
            &rig.err);
    } while (n == 7);
    ck_assert_uint_eq(scan.n, n_listed);
    for (size_t i = 0; i < n_listed; i++) {
        must(hash_eq(&scan.entries[i].name, &listed[i].name));
        must(scan.entries[i].position == listed[i].position);
    }
}
END_TEST

static void remove_object(struct rig *rig, const struct hash *name)
{
    struct backend_entry entry = entry_of(rig, name);

    ck_ok(rig->ops->hold(rig->backend, &rig->err), &rig->err);
    ck_ok(rig->ops->remove_objects(rig->backend, &entry, 1, &rig->err), &rig->err);
}

START_TEST(test_positions)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[30];
    uint64_t last = 0;
    uint64_t top;

    rig_init(&rig, _i);
    if (!rig.ops->list_objects) {
        return;
    }
    for (int i = 0; i < 30; i++) {
        objects[i] = commit_object(&rig, i);
    }
    ck_ok(rig.ops->put_objects(rig.backend, objects, 20, 0, &rig.err), &rig.err);
    ck_ok(rig.ops->put_objects(rig.backend, &objects[5], 20, 0, &rig.err), &rig.err); /* 5–24 */
    for (int i = 0; i < 25; i++) {
        struct backend_entry entry = entry_of(&rig, &objects[i].name);

        must(entry.position > last); /* those that were there keep theirs */
        must(entry.size == objects[i].stored.len && entry.type == OBJECT_COMMIT);
        last = entry.position;
    }
    ck_ok(rig.ops->advance(rig.backend, 0, &top, &rig.err), &rig.err);
    ck_assert_uint_eq(top, last);
    for (int i = 24; i >= 10; i--) { /* the newest go, and their positions are never given again */
        remove_object(&rig, &objects[i].name);
    }
    rig_reopen(&rig);
    ck_ok(rig.ops->put_objects(rig.backend, &objects[9], 21, 0, &rig.err), &rig.err); /* 9–29 */
    for (int i = 10; i < 30; i++) {
        struct backend_entry entry = entry_of(&rig, &objects[i].name);

        must(entry.position > last);
        last = entry.position;
    }
    ck_assert_uint_lt(entry_of(&rig, &objects[9].name).position, top);
}
END_TEST

START_TEST(test_removal)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[4];
    struct backend_entry entries[2];
    struct hash names[4];
    struct backend_state before;
    struct backend_state after;
    size_t missing;

    rig_init(&rig, _i);
    if (!rig.ops->list_objects) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        objects[i] = commit_object(&rig, i);
        names[i] = objects[i].name;
    }
    ck_ok(move_ref(&rig, "main", NULL, &names[0], objects, 3), &rig.err);
    before = state_of(&rig);
    ck_assert_uint_gt(before.removals, 0);
    entries[0] = entry_of(&rig, &names[2]);
    entries[1] = entry_of(&rig, &names[1]);
    ck_fails(rig.ops->remove_objects(rig.backend, entries, 2, &rig.err), CORRIE_E_INTERNAL,
             &rig.err); /* not without the lock */
    ck_ok(rig.ops->hold(rig.backend, &rig.err), &rig.err);
    ck_ok(rig.ops->remove_objects(rig.backend, entries, 2, &rig.err), &rig.err);
    rig_reopen(&rig);
    after = state_of(&rig);
    ck_assert_uint_ne(after.removals, before.removals);
    ck_assert_uint_eq(after.generation, before.generation);
    ck_ok(rig.ops->find_missing(rig.backend, names, 3, &missing, &rig.err), &rig.err);
    ck_assert_uint_eq(missing, 1);

    /* whoever knew it as it was is told, and nothing of his is stored */
    struct catalog_move move = {
        .ref = STR("main"), .expected = names[0], .new_commit = names[3], .when = 1};
    ck_assert_int_eq(rig.ops->commit(rig.backend, &objects[3], 1, &move, before.removals, &rig.err),
                     1);
    ck_assert_int_eq(rig.ops->put_objects(rig.backend, &objects[3], 1, before.removals, &rig.err),
                     1);
    ck_assert(!has(&rig, &names[3]));
    ck_ok(rig.ops->commit(rig.backend, &objects[3], 1, &move, after.removals, &rig.err), &rig.err);
    ck_assert(has(&rig, &names[3]));
    ck_fails(move_ref(&rig, "dev", NULL, &names[1], NULL, 0), CORRIE_E_NOT_FOUND, &rig.err);
}
END_TEST

START_TEST(test_fence)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[3];
    struct backend_state state;
    int64_t cutoff = clock_now() + 3600000000000; /* no clock will show that soon */
    uint64_t last;

    rig_init(&rig, _i);
    if (!rig.ops->list_objects) {
        return;
    }
    for (int i = 0; i < 3; i++) {
        objects[i] = commit_object(&rig, i);
    }
    state = state_of(&rig);
    ck_assert_uint_gt(state.generation, 0);
    ck_assert_int_eq(state.fence, 0);
    struct catalog_move move = {.ref = STR("main"),
                                .kind = CATALOG_BRANCH,
                                .new_commit = objects[0].name,
                                .when = 1,
                                .since = cutoff - 1,
                                .generation = state.generation};
    ck_ok(rig.ops->commit(rig.backend, objects, 2, &move, 0, &rig.err), &rig.err);
    ck_assert_int_lt(entry_of(&rig, &objects[1].name).stamp, cutoff / 1000000000);
    ck_ok(rig.ops->advance(rig.backend, cutoff, &last, &rig.err), &rig.err);
    ck_ok(rig.ops->advance(rig.backend, cutoff - 5, &last, &rig.err), &rig.err); /* never back */
    rig_reopen(&rig);
    ck_assert_int_eq(state_of(&rig).fence, cutoff);
    ck_assert_uint_eq(state_of(&rig).generation, state.generation + 2);

    move.ref = STR("dev");
    move.generation = 0;
    ck_assert_int_eq(rig.ops->commit(rig.backend, NULL, 0, &move, 0, &rig.err), CORRIE_E_CONFLICT);
    ck_assert(rig.err.retryable);
    corrie_error_clear(&rig.err);
    move.since = 0;
    move.generation = state.generation;
    ck_assert_int_eq(rig.ops->commit(rig.backend, NULL, 0, &move, 0, &rig.err), CORRIE_E_CONFLICT);
    ck_assert(rig.err.retryable);
    corrie_error_clear(&rig.err);
    ck_assert_int_lt(entry_of(&rig, &objects[0].name).stamp, cutoff / 1000000000);

    /* what is asked for now is not below the fence: new, again, and where a ref is moved to */
    move.since = cutoff;
    move.generation = state.generation + 2;
    ck_ok(rig.ops->commit(rig.backend, NULL, 0, &move, 0, &rig.err), &rig.err);
    ck_assert_int_ge(entry_of(&rig, &objects[0].name).stamp, cutoff / 1000000000);
    ck_ok(rig.ops->put_objects(rig.backend, &objects[1], 2, 0, &rig.err), &rig.err);
    ck_assert_int_ge(entry_of(&rig, &objects[1].name).stamp, cutoff / 1000000000);
    ck_assert_int_ge(entry_of(&rig, &objects[2].name).stamp, cutoff / 1000000000);
}
END_TEST

START_TEST(test_freeze)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object objects[2];
    struct backend *mine;
    struct backend *other;
    struct catalog_ref ref;

    rig_init(&rig, _i);
    if (!rig.ops->freeze) {
        return;
    }
    objects[0] = commit_object(&rig, 0);
    objects[1] = commit_object(&rig, 1);
    ck_ok(move_ref(&rig, "main", NULL, &objects[0].name, objects, 1), &rig.err);
    ck_ok(rig.place->open(rig.directory, NULL, &other, &rig.err), &rig.err);
    mine = rig.backend;
    ck_ok(rig.ops->freeze(mine, &rig.err), &rig.err);
    rig.backend = other;
    ck_ok(move_ref(&rig, "main", &objects[0].name, &objects[1].name, &objects[1], 1), &rig.err);
    remove_object(&rig, &objects[0].name);
    rig.backend = mine;
    ck_assert_int_eq(rig.ops->get_ref(mine, STR("main"), &ref, &rig.err), 1);
    ck_assert(hash_eq(&ref.commit, &objects[0].name));
    ck_assert(has(&rig, &objects[0].name) && !has(&rig, &objects[1].name));
    rig.ops->thaw(mine);
    rig.ops->thaw(mine); /* without freeze: nothing */
    ck_assert_int_eq(rig.ops->get_ref(mine, STR("main"), &ref, &rig.err), 1);
    ck_assert(hash_eq(&ref.commit, &objects[1].name));
    ck_assert(!has(&rig, &objects[0].name) && has(&rig, &objects[1].name));
    rig.ops->close(other);
}
END_TEST

/* ---- several processes ---- */

#define N_PROCESSES 3
#define N_MOVES 60

static int problems(void *arg, struct str what, corrie_error *err)
{
    (void)what;
    (void)err;
    ++*(int *)arg;
    return 0;
}

/* Moves main and stores an object each time, from wherever main stands. */
static int move_many(struct rig *rig, int process)
{
    for (int i = 0; i < N_MOVES; i++) {
        struct backend_object object = commit_object(rig, 1000 * (process + 1) + i);
        int r;

        do {
            struct catalog_ref ref;

            corrie_error_clear(&rig->err);
            r = rig->ops->get_ref(rig->backend, STR("main"), &ref, &rig->err);
            if (r == 1) {
                r = move_ref(rig, "main", &ref.commit, &object.name, &object, 1);
            }
        } while (r < 0 && rig->err.retryable);
        if (r < 0) {
            return 1;
        }
    }
    return 0;
}

/* Removes objects that nobody names while the others work. */
static void remove_many(struct rig *rig)
{
    for (int i = 0; i < 40; i++) {
        struct backend_object object = commit_object(rig, 100000 + i);
        uint64_t last;

        ck_ok(rig->ops->put_objects(rig->backend, &object, 1, 0, &rig->err), &rig->err);
        ck_ok(rig->ops->advance(rig->backend, i, &last, &rig->err), &rig->err);
        remove_object(rig, &object.name);
    }
}

/* Each removes one of as many branches at the same moment: all succeed but one. */
START_TEST(test_last_one_stays_in_a_crowd)
{
    static const char *const names[N_PROCESSES] = {"a", "b", "c"};
    _cleanup_(rig_done) struct rig rig;
    struct backend_object object;
    struct catalog_ref *refs;
    pid_t pids[N_PROCESSES];
    size_t n;

    rig_init(&rig, _i);
    object = commit_object(&rig, 0);
    for (int round = 0; round < 20; round++) {
        int refused = 0;

        for (int p = 0; p < N_PROCESSES; p++) {
            struct catalog_ref ref;
            int r = rig.ops->get_ref(rig.backend, str_of(names[p]), &ref, &rig.err);

            ck_ok(r != 0 ? r : move_ref(&rig, names[p], NULL, &object.name, &object, 1), &rig.err);
        }
        rig.ops->close(rig.backend); /* no handle goes over a fork */
        for (int p = 0; p < N_PROCESSES; p++) {
            pids[p] = fork();
            ck_assert_int_ge(pids[p], 0);
            if (pids[p] == 0) {
                rig_open(&rig);
                _exit(-remove_unless_last(&rig, names[p], CATALOG_BRANCH, &object.name));
            }
        }
        for (int p = 0; p < N_PROCESSES; p++) {
            int status;

            ck_assert_int_eq(waitpid(pids[p], &status, 0), pids[p]);
            ck_assert(WIFEXITED(status) &&
                      (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == -CORRIE_E_REFUSED));
            refused += WEXITSTATUS(status) != 0;
        }
        rig_open(&rig);
        ck_assert_int_eq(refused, 1);
        ck_ok(rig.ops->list_refs(rig.backend, STR_EMPTY, CATALOG_BRANCH, STR_EMPTY, 10, &rig.arena,
                                 &refs, &n, &rig.err),
              &rig.err);
        ck_assert_uint_eq(n, 1);
    }
}
END_TEST

START_TEST(test_processes)
{
    _cleanup_(rig_done) struct rig rig;
    struct backend_object object;
    struct catalog_reflog_entry *entries;
    pid_t pids[N_PROCESSES];
    int n_problems = 0;
    size_t n;

    rig_init(&rig, _i);
    object = commit_object(&rig, 0);
    ck_ok(move_ref(&rig, "main", NULL, &object.name, &object, 1), &rig.err);
    rig.ops->close(rig.backend); /* no handle goes over a fork */
    for (int p = 0; p < N_PROCESSES; p++) {
        pids[p] = fork();
        ck_assert_int_ge(pids[p], 0);
        if (pids[p] == 0) {
            rig_open(&rig);
            _exit(move_many(&rig, p));
        }
    }
    rig_open(&rig);
    if (rig.ops->list_objects) {
        remove_many(&rig);
    }
    for (int p = 0; p < N_PROCESSES; p++) {
        int status;

        ck_assert_int_eq(waitpid(pids[p], &status, 0), pids[p]);
        ck_assert_int_eq(status, 0);
    }
    ck_ok(rig.ops->reflog(rig.backend, STR("main"), 0, CORRIE_MAX_PAGE, &rig.arena, &entries, &n,
                          &rig.err),
          &rig.err);
    ck_assert_uint_eq(n, N_PROCESSES * N_MOVES + 1);
    for (size_t i = 0; i + 1 < n; i++) { /* each from where the one before led */
        must(hash_eq(&entries[i].old_commit, &entries[i + 1].new_commit));
    }
    for (int p = 0; p < N_PROCESSES; p++) {
        for (int i = 0; i < N_MOVES; i++) {
            object = commit_object(&rig, 1000 * (p + 1) + i);
            must(has(&rig, &object.name));
        }
    }
    for (int i = 0; rig.ops->list_objects && i < 40; i++) {
        object = commit_object(&rig, 100000 + i);
        must(!has(&rig, &object.name));
    }
    ck_ok(rig.ops->check(rig.backend, problems, &n_problems, &rig.err), &rig.err);
    ck_assert_int_eq(n_problems, 0);
}
END_TEST

Suite *contract_suite(void);
Suite *contract_suite(void)
{
    const TTest *const tests[] = {
        test_objects,
        test_compare_and_swap,
        test_reflog_outlives_the_ref,
        test_lists_in_pages,
        test_find_by_bits,
        test_hold_keeps_others_out,
        test_records,
        test_made_once,
        test_ten_thousand_refs,
        test_reflog_in_pages,
        test_positions,
        test_scan,
        test_removal,
        test_fence,
        test_freeze,
        test_processes,
        test_two_movements_as_one,
        test_last_one_stays,
        test_last_one_stays_in_a_crowd,
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
