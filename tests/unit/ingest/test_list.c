#include <unistd.h>

#include "ingest/ingest.h"

#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "tests/unit/check.h"

static void make(const char *dir, const char *name, const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    char *path = arena_printf(&arena, "%s/%s", dir, name);
    char *parent = arena_printf(&arena, "%.*s", (int)(strrchr(path, '/') - path), path);

    ck_ok(os_dir_make(parent, 0700, &err), &err);
    ck_ok(os_file_replace(path, str_of(text), 0600, &err), &err);
}

/* Names of the files that a URI below `dir` gives, joined by blanks. */
static const char *list(const char *dir, const char *uri, struct arena *arena, int expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf names = {0};
    const char *full = arena_printf(arena, "%s/%s", dir, uri);
    struct ingest_file *files;
    size_t n = 0;
    int r;

    r = ingest_list(&full, 1, arena, &files, &n, &err);
    ck_assert_msg(r == expected, "%s: %s", uri, corrie_error_message(&err));
    for (size_t i = 0; r >= 0 && i < n; i++) {
        buf_addf(&names, "%s%.*s", i > 0 ? " " : "",
                 STR_FMT(str_from(files[i].path, strlen(dir) + 1)));
    }
    return arena_text(arena, buf_str(&names));
}

START_TEST(finds_what_a_uri_names)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *dir = NULL;

    ck_ok(os_temp_dir("corrie-test", &dir, &err), &err);
    make(dir, "in/b.csv", "x");
    make(dir, "in/a.csv.gz", "x");
    make(dir, "in/.hidden.csv", "x");
    make(dir, "in/_SUCCESS", "x");
    make(dir, "in/notes.md", "x");
    make(dir, "in/sub/c.csv", "x");
    make(dir, "in/odd [1].csv", "x");
    make(dir, "empty/readme", "x");
    ck_assert_str_eq(list(dir, "in/b.csv", &arena, 0), "in/b.csv");
    ck_assert_str_eq(list(dir, "in", &arena, 0),
                     "in/a.csv.gz in/b.csv in/odd [1].csv in/sub/c.csv");
    ck_assert_str_eq(list(dir, "in/**/c.csv", &arena, 0), "in/sub/c.csv");
    ck_assert_str_eq(list(dir, "in/**/b.csv", &arena, 0), "in/b.csv");
    ck_assert_str_eq(list(dir, "**/*.gz", &arena, 0), "in/a.csv.gz");
    ck_assert_str_eq(list(dir, "in/*.csv", &arena, 0), "in/b.csv in/odd [1].csv");
    ck_assert_str_eq(list(dir, "*/?.csv", &arena, 0), "in/b.csv");
    ck_assert_str_eq(list(dir, "in/*/[abc].csv", &arena, 0), "in/sub/c.csv");
    ck_assert_str_eq(list(dir, "in/odd [1].csv", &arena, 0),
                     "in/odd [1].csv"); /* a file before a pattern */
    list(dir, "in/missing.csv", &arena, CORRIE_E_NOT_FOUND);
    list(dir, "in/z*.csv", &arena, CORRIE_E_NOT_FOUND);
    list(dir, "no/where/*.csv", &arena, CORRIE_E_NOT_FOUND);
    list(dir, "empty", &arena, CORRIE_E_NOT_FOUND);
    ck_ok(os_tree_remove(dir, &err), &err);
}
END_TEST

START_TEST(names_each_file_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *dir = NULL;
    const char *uris[3];
    struct ingest_file *files;
    struct hash hash;
    struct hash expected = hash_bytes(STR("x,y\n"));
    size_t n;

    ck_ok(os_temp_dir("corrie-test", &dir, &err), &err);
    make(dir, "a.csv", "x,y\n");
    uris[0] = arena_printf(&arena, "%s/a.csv", dir);
    uris[1] = arena_printf(&arena, "file://%s/a.csv", dir);
    uris[2] = arena_printf(&arena, "%s/*.csv", dir);
    ck_ok(ingest_list(uris, 3, &arena, &files, &n, &err), &err);
    ck_assert_uint_eq(n, 1);
    ck_assert_int_eq(files[0].size, 4);
    ck_assert(str_starts(files[0].url, STR("file:///")));
    ck_ok(ingest_hash(files[0].path, NULL, &hash, &err), &err);
    ck_assert(hash_eq(&hash, &expected));
    uris[0] = "s3://bucket/a.csv";
    ck_fails(ingest_list(uris, 1, &arena, &files, &n, &err), CORRIE_E_UNSUPPORTED, &err);
    ck_fails(ingest_list(uris, 0, &arena, &files, &n, &err), CORRIE_E_USAGE, &err);
    ck_ok(os_tree_remove(dir, &err), &err);
}
END_TEST

/* Two kinds of files in one folder are two tables or a mistake: importing either silently would be wrong. */
START_TEST(refuses_kinds_that_are_mixed)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *dir = NULL;

    ck_ok(os_temp_dir("corrie-test", &dir, &err), &err);
    make(dir, "in/a.csv", "x");
    make(dir, "in/sub/b.json", "x");
    list(dir, "in", &arena, CORRIE_E_DATA);
    ck_assert_str_eq(list(dir, "in/**/*.json", &arena, 0), "in/sub/b.json");
    ck_ok(os_tree_remove(dir, &err), &err);
}
END_TEST

/* Rows would come twice, or the import would never end. */
START_TEST(walks_each_folder_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *dir = NULL;
    const char *link;

    ck_ok(os_temp_dir("corrie-test", &dir, &err), &err);
    make(dir, "in/sub/a.csv", "x");
    link = arena_printf(&arena, "%s/in/sub/up", dir);
    ck_assert_int_eq(symlink("..", link), 0);
    link = arena_printf(&arena, "%s/in/zz", dir);
    ck_assert_int_eq(symlink("sub", link), 0);
    link = arena_printf(&arena, "%s/in/gone.csv", dir);
    ck_assert_int_eq(symlink("nowhere", link), 0);
    ck_assert_str_eq(list(dir, "in", &arena, 0), "in/sub/a.csv");
    ck_assert_str_eq(list(dir, "in/**/a.csv", &arena, 0), "in/sub/a.csv");
    ck_ok(os_tree_remove(dir, &err), &err);
}
END_TEST

START_TEST(takes_keys_of_folders_below_what_was_named)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _free_ char *dir = NULL;
    const char *uri;
    struct ingest_file *files;
    struct schema keys;
    size_t n;

    ck_ok(os_temp_dir("corrie-test", &dir, &err), &err);
    make(dir, "x=9/year=2024/day=2024-01-05/k=a%3Ab/a.csv", "x");
    make(dir, "x=9/year=07/day=__HIVE_DEFAULT_PARTITION__/k=c/b.csv", "x");
    uri = arena_printf(&arena, "%s/x=9", dir);
    ck_ok(ingest_list(&uri, 1, &arena, &files, &n, &err), &err);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(files[1].n_keys, 3);
    ck_str_eq(files[1].keys[2].text, STR("a:b"));
    ck_assert_ptr_null(files[0].keys[1].text.data);
    ck_ok(ingest_keys(files, n, &arena, &keys, &err), &err);
    ck_assert_uint_eq(keys.n_fields, 3);
    ck_str_eq(keys.fields[0].name, STR("year"));
    ck_assert_int_eq(keys.fields[0].type.kind, TYPE_LONG);
    ck_assert_int_eq(keys.fields[1].type.kind, TYPE_DATE);
    ck_assert_int_eq(keys.fields[2].type.kind, TYPE_STRING);
    make(dir, "two/a=1/a=2/b.csv", "x");
    uri = arena_printf(&arena, "%s/two", dir);
    ck_fails(ingest_list(&uri, 1, &arena, &files, &n, &err), CORRIE_E_DATA, &err);
    ck_ok(os_tree_remove(dir, &err), &err);
}
END_TEST

SUITE(list_suite, "list", finds_what_a_uri_names, names_each_file_once,
      refuses_kinds_that_are_mixed, walks_each_folder_once,
      takes_keys_of_folders_below_what_was_named)
