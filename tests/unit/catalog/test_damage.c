/* What a user would lose: the knowledge that something is damaged. A wrong answer, a crash or a
 * hang would be worse than an error. */
#include <sqlite3.h>

#include "os/dir.h"
#include "os/file.h"
#include "tests/unit/catalog/support.h"

#define N_TABLES 200

struct wreck {
    struct lab lab;
    struct arena arena;
    struct buf file; /* as it was */
    char *path;
};

static void wreck_init(struct wreck *wreck)
{
    struct tree_edit edits[N_TABLES];

    *wreck = (struct wreck){.arena = {0}};
    lab_init(&wreck->lab);
    for (int i = 0; i < N_TABLES; i++) {
        edits[i] = put_number(&wreck->arena, arena_printf(&wreck->arena, "t%04d", i), i);
    }
    lab_commit(&wreck->lab, "main", edits, N_TABLES);
    lab_commit(&wreck->lab, "main", edits, 1);
    wreck->lab.catalog = catalog_close(wreck->lab.catalog);
    wreck->path = arena_printf(&wreck->arena, "%s/catalog.db", wreck->lab.directory);
    ck_ok(os_file_read(wreck->path, CORRIE_MAX_OBJECT, &wreck->file, &wreck->lab.err),
          &wreck->lab.err);
}

static void wreck_done(struct wreck *wreck)
{
    lab_done(&wreck->lab);
    buf_done(&wreck->file);
    arena_done(&wreck->arena);
}

static void write_file(struct wreck *wreck, struct str bytes)
{
    corrie_error *err = &wreck->lab.err;

    ck_ok(os_unlink(arena_printf(&wreck->arena, "%s-wal", wreck->path), err), err);
    ck_ok(os_unlink(arena_printf(&wreck->arena, "%s-shm", wreck->path), err), err);
    ck_ok(os_unlink(wreck->path, err), err);
    ck_ok(os_file_append(wreck->path, bytes, 0644, err), err);
}

static int count_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    (void)where;
    (void)err;
    ck_assert_uint_gt(what.len, 0);
    ++*(int *)arg;
    return 0;
}

/* Reads everything. 1 all as it was written, 0 an error said that it is damaged; else the test
 * fails. */
static int read_all(struct wreck *wreck, int *ret_problems)
{
    _cleanup_(catalog_closep) struct catalog *catalog = NULL;
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_check check = {.arg = ret_problems, .problem = count_problem};
    struct catalog_check_counts counts;
    struct tree_value value;
    struct commit commit;
    struct hash head;
    struct str key;
    corrie_error *err = &wreck->lab.err;
    int n = 0;
    int r;

    *ret_problems = 0;
    r = catalog_open(wreck->lab.directory, NULL, &catalog, err);
    if (r >= 0) {
        r = catalog_check_all(catalog, &check, &counts, err);
    }
    if (r >= 0) {
        r = history_resolve_text(catalog, STR("main"), &head, NULL, err);
    }
    if (r >= 0) {
        r = commit_read(catalog, &head, &arena, &commit, err);
    }
    if (r >= 0) {
        r = tree_cursor_open(catalog, &commit.tree, STR_EMPTY, &cursor, err);
    }
    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        struct tree_edit expected = put_number(&arena, arena_printf(&arena, "t%04d", n), n);

        must(str_eq(key, expected.key) && tree_value_eq(&value, &expected.value));
        n++;
    }
    if (r >= 0) {
        must(n == N_TABLES);
        return 1;
    }
    ck_assert_msg(r == CORRIE_E_CORRUPT || r == CORRIE_E_NOT_FOUND || r == CORRIE_E_UNSUPPORTED ||
                      r == CORRIE_E_LIMIT,
                  "%s", corrie_error_message(err));
    corrie_error_clear(err);
    return 0;
}

START_TEST(test_other_files)
{
    _cleanup_(wreck_done) struct wreck wreck;
    struct catalog *catalog = NULL;
    struct str whole;
    char *text;

    wreck_init(&wreck);
    whole = buf_str(&wreck.file);
    write_file(&wreck,
               STR("this is no database, but a text that is longer than a hundred bytes, so that "
                   "it cannot be taken for a header of anything at all\n"));
    ck_assert_int_eq(catalog_open(wreck.lab.directory, NULL, &catalog, &wreck.lab.err),
                     CORRIE_E_CORRUPT);
    ck_assert(wreck.lab.err.hint != NULL);
    ck_assert_int_eq(corrie_code_exit_status(wreck.lab.err.code), 6);
    corrie_error_clear(&wreck.lab.err);
    write_file(&wreck, STR(""));
    ck_fails(catalog_open(wreck.lab.directory, NULL, &catalog, &wreck.lab.err), CORRIE_E_CORRUPT,
             &wreck.lab.err);
    for (size_t len = 50; len < whole.len; len += whole.len / 13) {
        int problems;

        write_file(&wreck, str_slice(whole, 0, len));
        /* within the last page nothing may be missing: it can be empty */
        must(read_all(&wreck, &problems) == 0 || problems > 0 || whole.len - len < 8192);
    }
    /* a newer one, and somebody else's */
    text = arena_text(&wreck.arena, whole);
    text[63] = 9; /* user_version, big-endian at 60 */
    write_file(&wreck, str_make(text, whole.len));
    ck_fails(catalog_open(wreck.lab.directory, NULL, &catalog, &wreck.lab.err),
             CORRIE_E_UNSUPPORTED, &wreck.lab.err);
    text[63] = 1;
    text[71] = 9; /* application_id at 68 */
    write_file(&wreck, str_make(text, whole.len));
    ck_fails(catalog_open(wreck.lab.directory, NULL, &catalog, &wreck.lab.err), CORRIE_E_CORRUPT,
             &wreck.lab.err);
    ck_ok(os_unlink(wreck.path, &wreck.lab.err), &wreck.lab.err);
    ck_fails(catalog_open(wreck.lab.directory, NULL, &catalog, &wreck.lab.err), CORRIE_E_NOT_FOUND,
             &wreck.lab.err);
    write_file(&wreck, whole);
}
END_TEST

/* Any byte may be another one: an error, or nothing that was read is touched. */
START_TEST(test_flipped_bytes)
{
    _cleanup_(wreck_done) struct wreck wreck;
    uint64_t state = (uint64_t)_i * 7919 + 1;
    int n_noticed = 0;

    wreck_init(&wreck);
    for (int round = 0; round < 150; round++) {
        char *copy = mem_copy(wreck.file.data, wreck.file.len);
        int problems;
        int whole;

        for (int k = 0; k <= round % 4; k++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            copy[(state >> 20) % wreck.file.len] ^= (char)(1 + (state >> 50) % 255);
        }
        write_file(&wreck, str_make(copy, wreck.file.len));
        whole = read_all(&wreck, &problems);
        n_noticed += !whole || problems > 0;
        mem_free(copy);
    }
    ck_assert_int_gt(n_noticed, 0);
    write_file(&wreck, buf_str(&wreck.file));
}
END_TEST

/* One object after the other is replaced by another one of its type, or gone. */
START_TEST(test_lost_and_swapped_objects)
{
    _cleanup_(wreck_done) struct wreck wreck;

    wreck_init(&wreck);
    for (int id = 1;; id++) {
        sqlite3 *db = NULL;
        int problems;

        write_file(&wreck, buf_str(&wreck.file));
        ck_assert_int_eq(sqlite3_open(wreck.path, &db), SQLITE_OK);
        ck_assert_int_eq(
            sqlite3_exec(
                db,
                arena_printf(&wreck.arena,
                             _i ? "DELETE FROM objects WHERE id = %d"
                                : "UPDATE objects SET stored = (SELECT stored FROM objects o"
                                  " WHERE o.type = objects.type AND o.id <> %d LIMIT 1)"
                                  " WHERE id = %d",
                             id, id),
                NULL, NULL, NULL),
            SQLITE_OK);
        int n = sqlite3_changes(db);
        sqlite3_close(db);
        if (n == 0) {
            ck_assert_int_gt(id, 10);
            break;
        }
        (void)read_all(&wreck, &problems);
        ck_assert_msg(problems > 0, "object %d", id);
    }
    write_file(&wreck, buf_str(&wreck.file));
}
END_TEST

/* Objects that are what their names say, but not what the format allows: a backend could be given
 * them. */
START_TEST(test_ill_shaped_trees)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(buf_done) struct buf bytes = {0};
    struct node_entry entries[40];
    struct tree_stats stats;
    struct hash leaf;
    struct hash root;

    lab_init(&lab);
    for (int i = 0; i < 40; i++) {
        struct tree_edit edit = put_number(&arena, arena_printf(&arena, "t%04d", i), i);
        _cleanup_(buf_done) struct buf value = {0};

        value_encode(&edit.value, &value);
        entries[i].key = edit.key;
        ck_assert_int_eq(arena_str(&arena, buf_str(&value), &entries[i].value), 0);
    }
    /* a node that goes on where it should end */
    node_encode(0, entries, 40, &bytes);
    ck_ok(object_add(lab.catalog, OBJECT_NODE, buf_str(&bytes), &objects, &root, &lab.err),
          &lab.err);
    ck_fails(tree_check(lab.catalog, &root, &stats, &lab.err), CORRIE_E_CORRUPT, &lab.err);
    /* a root of one child, and a child that is not what its parent says */
    buf_clear(&bytes);
    node_encode(0, entries, 3, &bytes);
    ck_ok(object_add(lab.catalog, OBJECT_NODE, buf_str(&bytes), &objects, &leaf, &lab.err),
          &lab.err);
    for (int wrong = 0; wrong < 3; wrong++) {
        struct node_entry above[2] = {{entries[2].key, {(char *)leaf.bytes, HASH_BYTES}},
                                      {entries[9].key, {(char *)leaf.bytes, HASH_BYTES}}};
        struct tree_value value;

        buf_clear(&bytes);
        node_encode(wrong == 2 ? 2 : 1, above, wrong == 0 ? 1 : 2, &bytes);
        ck_ok(object_add(lab.catalog, OBJECT_NODE, buf_str(&bytes), &objects, &root, &lab.err),
              &lab.err);
        ck_fails(tree_check(lab.catalog, &root, &stats, &lab.err), CORRIE_E_CORRUPT, &lab.err);
        if (wrong > 0) {
            ck_fails(tree_get(lab.catalog, &root, entries[9].key, &arena, &value, &lab.err),
                     CORRIE_E_CORRUPT, &lab.err);
        }
    }
}
END_TEST

static int note_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    struct buf *text = arg;

    (void)where;
    buf_addf(text, "%.*s;", STR_FMT(what));
    return buf_check(text, err);
}

/* A commit that says of its tree what is not so: a branch made of it would take tainted values for clean ones. */
START_TEST(test_wrong_count_of_taint)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(buf_done) struct buf bytes = {0};
    _cleanup_(buf_done) struct buf found = {0};
    struct catalog_check check = {.arg = &found, .problem = note_problem};
    struct catalog_check_counts counts;
    struct catalog_move move = {.ref = STR("wrong"), .kind = CATALOG_BRANCH};
    struct tree_edit edit;
    struct commit commit;
    struct hash head;

    lab_init(&lab);
    edit = put_number(&arena, "a", 1);
    edit.value.has_taint = true;
    head = lab_commit(&lab, "main", &edit, 1);
    ck_ok(commit_read(lab.catalog, &head, &arena, &commit, &lab.err), &lab.err);
    ck_assert_uint_eq(commit.tainted, 1);
    lab_sound(&lab);
    commit.tainted = 0;
    commit_encode(&commit, &bytes);
    ck_ok(object_add(lab.catalog, OBJECT_COMMIT, buf_str(&bytes), &objects, &move.new_commit,
                     &lab.err),
          &lab.err);
    ck_ok(catalog_commit(lab.catalog, &objects, &move, &lab.err), &lab.err);
    ck_ok(catalog_check_all(lab.catalog, &check, &counts, &lab.err), &lab.err);
    ck_assert_str_eq(buf_text(&found), "its count of tainted values is wrong;");
    ck_assert_uint_eq(counts.problems, 1);
}
END_TEST

Suite *damage_suite(void);
Suite *damage_suite(void)
{
    Suite *suite = suite_create("damage");
    TCase *tcase = tcase_create("damage");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_other_files);
    tcase_add_loop_test(tcase, test_flipped_bytes, 0, 4);
    tcase_add_loop_test(tcase, test_lost_and_swapped_objects, 0, 2);
    tcase_add_test(tcase, test_ill_shaped_trees);
    tcase_add_test(tcase, test_wrong_count_of_taint);
    suite_add_tcase(suite, tcase);
    return suite;
}
