/* corrie_fsck finds what is missing and what was cut. */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "catalog/key.h"
#include "catalog/tree.h"
#include "fixture.h"
#include "lake/lake.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"

static void make_tables(struct fixture *f)
{
    _json_ json_t *first = NULL;
    _json_ json_t *second = NULL;

    ck_ok(import_file(f, put_file(f, "a.csv", "n\n1\n"), "t", CORRIE_IMPORT_APPEND, &first),
          &f->err);
    ck_ok(import_file(f, put_file(f, "b.csv", "n\n2\n"), "t", CORRIE_IMPORT_APPEND, &second),
          &f->err);
}

/* The first file below `folder` whose name ends so. Heap. */
static char *find_file(struct fixture *f, const char *folder, const char *ending)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    char *found = NULL;
    size_t n;

    ck_ok(os_dir_list(folder, &arena, &entries, &n, &f->err), &f->err);
    for (size_t i = 0; i < n && !found; i++) {
        char *path = arena_printf(&arena, "%s/%.*s", folder, STR_FMT(entries[i].name));

        if (entries[i].kind == OS_DIRECTORY) {
            found = find_file(f, path, ending);
        } else if (str_ends(entries[i].name, str_of(ending))) {
            found = str_dup(str_of(path));
        }
    }
    return found;
}

static json_t *check(struct fixture *f, int expected)
{
    char *text = NULL;

    ck_assert_int_eq(corrie_fsck(f->lake, NULL, &text, &f->err), expected);
    corrie_error_clear(&f->err);
    ck_assert_ptr_nonnull(text);
    return parse_document(text);
}

static bool names(const json_t *document, const char *part)
{
    const json_t *problems = json_object_get(document, "problems");

    for (size_t i = 0; i < json_array_size(problems); i++) {
        ck_assert_str_eq(fields_of(json_array_get(problems, i)), "what where");
        if (strstr(text_of(json_array_get(problems, i), "what"), part)) {
            return true;
        }
    }
    return false;
}

START_TEST(a_sound_lake_is_counted)
{
    struct fixture f;
    _json_ json_t *document = NULL;

    fixture_init(&f);
    make_tables(&f);
    document = check(&f, 0);
    ck_assert_str_eq(fields_of(document), "bytes commits files problems refs repairs tables");
    ck_assert_int_eq(number_of(document, "refs"), 1);
    ck_assert_int_eq(number_of(document, "commits"), 3);
    ck_assert_int_eq(number_of(document, "tables"), 2); /* two versions */
    ck_assert_int_eq(number_of(document, "files"), 2);
    fixture_done(&f);
}
END_TEST

static const char *const endings[] = {".parquet", ".avro", ".metadata.json"};

START_TEST(a_missing_file_is_found)
{
    struct fixture f;
    _json_ json_t *document = NULL;
    _free_ char *path = NULL;

    fixture_init(&f);
    make_tables(&f);
    path = find_file(&f, in_dir(&f, "lake/data"), endings[_i]);
    ck_assert_int_eq(unlink(path), 0);
    document = check(&f, CORRIE_E_CORRUPT);
    ck_assert(names(document, os_path_name(str_of(path)).data));
    fixture_done(&f);
}
END_TEST

START_TEST(a_cut_file_is_found)
{
    struct fixture f;
    _json_ json_t *document = NULL;
    _free_ char *path = NULL;
    struct os_stat stat;

    fixture_init(&f);
    make_tables(&f);
    path = find_file(&f, in_dir(&f, "lake/data"), endings[_i]);
    ck_ok(os_stat(path, &stat, &f.err), &f.err);
    ck_assert_int_eq(truncate(path, (off_t)stat.size / 2), 0);
    document = check(&f, CORRIE_E_CORRUPT);
    ck_assert(names(document, os_path_name(str_of(path)).data));
    fixture_done(&f);
}
END_TEST

/* Gives the table public.t another name on main, or on a branch takes the first one away. */
static void name_again(struct fixture *f, bool drop)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog *catalog = lake_catalog(f->lake);
    struct catalog_move move = {.ref = STR("main"), .who = STR("ada"), .why = STR("test")};
    struct commit commit = {.author = STR("ada"), .n_parents = 1};
    struct tree_edit edits[2] = {{.is_delete = true}};
    struct catalog_ref ref;
    struct commit before;
    struct key old_key;
    struct key new_key;

    ck_ok(catalog_ref_get(catalog, STR("main"), &ref, &f->err), &f->err);
    ck_ok(commit_read(catalog, &ref.commit, &arena, &before, &f->err), &f->err);
    ck_ok(KEY_MAKE(&old_key, &f->err, STR("table"), STR("public"), STR("t")), &f->err);
    ck_ok(KEY_MAKE(&new_key, &f->err, STR("table"), STR("public"), STR("u")), &f->err);
    edits[0].key = key_str(&old_key);
    edits[1].key = key_str(&new_key);
    ck_assert_int_eq(
        tree_get(catalog, &before.tree, edits[drop ? 1 : 0].key, &arena, &edits[1].value, &f->err),
        1);
    ck_ok(tree_apply(catalog, &before.tree, drop ? edits : edits + 1, 1, &objects, &commit.tree,
                     &f->err),
          &f->err);
    commit.parents[0] = ref.commit;
    move.expected = ref.commit;
    ck_ok(commit_add(catalog, &commit, &objects, &move.new_commit, &f->err), &f->err);
    ck_ok(catalog_commit(catalog, &objects, &move, &f->err), &f->err);
}

START_TEST(two_names_of_a_table_are_found)
{
    struct fixture f;
    _json_ json_t *damaged = NULL;
    _json_ json_t *renamed = NULL;

    fixture_init(&f);
    make_tables(&f);
    name_again(&f, false);
    damaged = check(&f, CORRIE_E_CORRUPT);
    ck_assert(names(damaged, "table public.t and table public.u are one and the same table"));
    ck_assert(names(damaged, "corrie table rm"));
    ck_assert_uint_eq(json_array_size(json_object_get(damaged, "problems")), 1);
    name_again(&f, true); /* that is a renaming: what once was is no damage */
    renamed = check(&f, 0);
    ck_assert_uint_eq(json_array_size(json_object_get(renamed, "problems")), 0);
    fixture_done(&f);
}
END_TEST

Suite *fsck_suite(void);
Suite *fsck_suite(void)
{
    Suite *suite = suite_create("fsck");
    TCase *tcase = tcase_create("fsck");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_sound_lake_is_counted);
    tcase_add_test(tcase, two_names_of_a_table_are_found);
    tcase_add_loop_test(tcase, a_missing_file_is_found, 0, (int)ARRAY_LEN(endings));
    tcase_add_loop_test(tcase, a_cut_file_is_found, 0, (int)ARRAY_LEN(endings));
    suite_add_tcase(suite, tcase);
    return suite;
}
