/* Where files lie: a wrong answer loses a table after a move, or makes two tables share a folder. */
#include "fixture.h"

static struct str resolve(struct fixture *f, const char *path)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str ret;
    ck_ok(location_resolve(&f->io, str_of(path), &f->arena, &ret, &err), &err);
    return ret;
}

START_TEST(finds_files_after_the_lake_moved)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const struct str older[] = {STR("file:///old"), STR("file:///old/inner"), STR("s3://b/lake")};
    struct str key;
    FIXTURE(f);
    f.io.root = STR("file:///srv/my lake");
    f.io.older_roots = older;
    f.io.n_older_roots = ARRAY_LEN(older);

    ck_str_eq(resolve(&f, "file:///old/data/x"), STR("file:///srv/my lake/data/x"));
    ck_str_eq(resolve(&f, "file:///old/inner/data/x"), STR("file:///srv/my lake/data/x"));
    ck_str_eq(resolve(&f, "s3://b/lake/data/x"), STR("file:///srv/my lake/data/x"));
    ck_str_eq(resolve(&f, "/old/data/x"), STR("file:///srv/my lake/data/x"));
    ck_str_eq(resolve(&f, "file:/old/data/x"), STR("file:///srv/my lake/data/x"));
    /* a neighbour whose name begins alike is not under the root */
    ck_str_eq(resolve(&f, "file:///older/data/x"), STR("file:///older/data/x"));
    ck_str_eq(resolve(&f, "s3://other/x"), STR("s3://other/x"));

    ck_ok(location_key(&f.io, STR("file:///old/data/a%20b"), &f.arena, &key, &err), &err);
    ck_str_eq(key, STR("data/a%20b"));
    ck_fails(location_key(&f.io, STR("file:///etc/passwd"), &f.arena, &key, &err),
             CORRIE_E_NOT_FOUND, &err);
    ck_fails(location_key(&f.io, STR("file:///srv/my lake"), &f.arena, &key, &err),
             CORRIE_E_NOT_FOUND, &err);
}
END_TEST

START_TEST(the_root_of_a_store_is_its_path)
{
    FIXTURE(f);
    _free_ char *expected = in(f.scratch, "lake");
    ck_assert(str_starts(f.io.root, STR("file:///")));
    ck_str_eq(str_from(f.io.root, 7), str_of(expected));
}
END_TEST

static struct str table_at(struct fixture *f, struct str space, struct str name)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct uuid id;
    struct str ret;
    ck_assert(uuid_parse(STR("fb072c92-a02b-11e9-ae9c-1bb7bc9eca94"), &id));
    ck_ok(location_of_table(&f->io, space, name, &id, &f->arena, &ret, &err), &err);
    return str_from(ret, f->io.root.len);
}

START_TEST(names_of_tables_make_safe_directories)
{
    FIXTURE(f);
    const char *cut = NULL;
    char name[120];

    ck_str_eq(table_at(&f, STR("shop"), STR("a_b-c.d")),
              STR("/data/shop/a_b-c.d-fb072c92a02b11e9ae9c1bb7bc9eca94"));
    ck_str_eq(table_at(&f, STR(".."), STR("a/b c\xc3\xa9")),
              STR("/data/%2E./a%2Fb%20c%C3%A9-fb072c92a02b11e9ae9c1bb7bc9eca94"));
    /* 64 bytes at most, never half an escape: 63 letters leave no room for %2F */
    memset(name, 'x', sizeof name);
    name[63] = '/';
    cut = arena_printf(&f.arena, "/data/s/%.63s-fb072c92a02b11e9ae9c1bb7bc9eca94", name);
    ck_str_eq(table_at(&f, STR("s"), str_make(name, sizeof name)), str_of(cut));
}
END_TEST

START_TEST(data_files_sort_by_ordinal)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str first;
    struct str second;
    FIXTURE(f);

    ck_ok(location_of_data_file(STR("file:///t"), 2, &f.arena, &first, &err), &err);
    ck_ok(location_of_data_file(STR("file:///t"), 10, &f.arena, &second, &err), &err);
    ck_assert(str_starts(first, STR("file:///t/data/00002-")));
    ck_assert(str_ends(first, STR(".parquet")));
    ck_assert_uint_eq(first.len,
                      sizeof "file:///t/data/00002-" - 1 + UUID_TEXT + sizeof ".parquet" - 1);
    ck_assert_int_lt(str_cmp(first, second), 0);
}
END_TEST

SUITE(location_suite, "location", finds_files_after_the_lake_moved, the_root_of_a_store_is_its_path,
      names_of_tables_make_safe_directories, data_files_sort_by_ordinal)
