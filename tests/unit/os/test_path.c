#include "os/path.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "scratch.h"

/* A wrong parent would fsync the wrong directory: a reported commit could vanish. */
START_TEST(takes_paths_apart)
{
    ck_str_eq(os_path_parent(STR("a/b/c")), STR("a/b"));
    ck_str_eq(os_path_parent(STR("a/b//c//")), STR("a/b"));
    ck_str_eq(os_path_parent(STR("/c")), STR("/"));
    ck_str_eq(os_path_parent(STR("//c")), STR("/"));
    ck_str_eq(os_path_parent(STR("/")), STR("/"));
    ck_str_eq(os_path_parent(STR("c")), STR("."));
    ck_str_eq(os_path_parent(STR("c/")), STR("."));
    ck_str_eq(os_path_parent(STR("")), STR("."));
    ck_str_eq(os_path_name(STR("a/b/c")), STR("c"));
    ck_str_eq(os_path_name(STR("a/b/")), STR("b"));
    ck_str_eq(os_path_name(STR("/")), STR(""));
    ck_str_eq(os_path_name(STR("c")), STR("c"));
}
END_TEST

START_TEST(joins)
{
    static const struct {
        const char *base, *name, *whole;
    } cases[] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"a", "/b", "/b"}, {"/", "b", "/b"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _free_ char *whole = in(cases[i].base, cases[i].name);

        ck_assert_str_eq(whole, cases[i].whole);
    }
}
END_TEST

START_TEST(refuses_endless_paths)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *path = NULL;
    _free_ char *longer = mem_alloc(1, 5000);

    memset(longer, 'x', 4999);
    ck_fails(os_path_join(STR("a"), str_of(longer), &path, &err), CORRIE_E_LIMIT, &err);
    ck_assert_ptr_null(path);
}
END_TEST

START_TEST(makes_absolute)
{
    static const struct {
        const char *path, *whole;
    } cases[] = {
        {"/a/./b//c/", "/a/b/c"}, {"/a/b/../c", "/a/c"}, {"/../..", "/"}, {"/", "/"},
        {"x", "/tmp/x"},          {"../x/../y", "/y"},   {".", "/tmp"},   {"/a/../../b", "/b"}};

    ck_assert_int_eq(chdir("/tmp"), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _free_ char *whole = NULL;

        ck_ok(os_path_absolute(str_of(cases[i].path), &whole, &err), &err);
        ck_assert_str_eq(whole, cases[i].whole);
    }
}
END_TEST

START_TEST(follows_links)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *link = in(scratch, "link");
    _free_ char *real = NULL;
    _free_ char *expected = NULL;

    ck_assert_int_eq(symlink(".", link), 0);
    ck_ok(os_path_real(link, &real, &err), &err);
    ck_ok(os_path_real(scratch, &expected, &err), &err);
    ck_assert_str_eq(real, expected);
    ck_fails(os_path_real("/nothing/there", &expected, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

SUITE(path_suite, "path", takes_paths_apart, joins, refuses_endless_paths, makes_absolute,
      follows_links)
