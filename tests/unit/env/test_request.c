#include "tests/unit/check.h"

#include <stdio.h>

#include "env/env_priv.h"

static int hash_of(const char *python, const struct env_package *packages, size_t n,
                   struct hash *ret)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    return env_request_hash(
        &(struct env_request){.python = str_of(python), .packages = packages, .n_packages = n}, ret,
        &err);
}

static int hash_one(const char *name, const char *version, struct hash *ret)
{
    struct env_package package = {str_of(name), str_of(version)};

    return hash_of("3.11", &package, 1, ret);
}

/* The documented vector: another program, or a later version, must come to the same name. */
START_TEST(request_vector)
{
    struct env_package packages[] = {{STR("Polars"), STR("1.15.0")},
                                     {STR("pandas"), STR(">=1.5, <2")}};
    struct hash hash;
    char hex[HASH_HEX + 1];

    ck_assert_int_eq(hash_of("3.11", packages, 2, &hash), 0);
    hash_hex(&hash, hex);
    ck_assert_str_eq(hex, "4bc0f21c7a345fa4f6bb03e24b41ba3612aa9225089643c5abec8fefbe18a97a");
}
END_TEST

/* Two spellings of one request would make two environments of 300 MB. */
START_TEST(request_spellings)
{
    struct env_package ab[] = {{STR("a"), STR("1")}, {STR("b"), STR("")}};
    struct env_package ba[] = {{STR("B"), STR("")}, {STR(" A "), STR("== 1")}};
    struct hash x, y;

    ck_assert_int_eq(hash_of("3.11", ab, 2, &x), 0);
    ck_assert_int_eq(hash_of("3.11", ba, 2, &y), 0);
    ck_assert(hash_eq(&x, &y));
    ck_assert_int_eq(hash_one("ruamel.yaml_Lib[Old, new]", "~=1.0", &x), 0);
    ck_assert_int_eq(hash_one("ruamel--yaml.lib[new,old]", "~= 1.0", &y), 0);
    ck_assert(hash_eq(&x, &y));
    ck_assert_int_eq(hash_one("polars", "1.15.0", &x), 0);
    ck_assert_int_eq(hash_one("polars", "1.15", &y), 0);
    ck_assert(!hash_eq(&x, &y));
    ck_assert_int_eq(hash_of("3.12", ab, 2, &x), 0);
    ck_assert_int_eq(hash_of("3.11", ab, 2, &y), 0);
    ck_assert(!hash_eq(&x, &y));
}
END_TEST

/* A project that names a path, an address or an option as package must not reach uv with it. */
START_TEST(request_hostile)
{
    static const struct {
        const char *name, *version;
    } bad[] = {
        {"", ""},
        {"--index-url", "1"},
        {"polars @ file:///tmp/x", ""},
        {"polars\n--index-url=x", ""},
        {"a/b", ""},
        {"a", "1 --pre"},
        {"a", "==1;python_version<'3'"},
        {"a", "@ git"},
        {"a", ">="},
        {"a", "1,,2"},
        {"a", "1\n-r x"},
        {"a[b/c]", ""},
        {"a[]x", ""},
        {"-a", ""},
        {"a-", ""},
        {"a", "$(x)"},
    };
    struct hash hash;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(hash_one(bad[i].name, bad[i].version, &hash) == CORRIE_E_PROJECT, "%s %s",
                      bad[i].name, bad[i].version);
    }
    ck_assert_int_eq(hash_of("3.11; rm", NULL, 0, &hash), CORRIE_E_PROJECT);
    ck_assert_int_eq(hash_of("3.11.1.1", NULL, 0, &hash), CORRIE_E_PROJECT);
    ck_assert_int_eq(hash_of("3.", NULL, 0, &hash), CORRIE_E_PROJECT);
    ck_assert_int_eq(hash_of("", NULL, 0, &hash), 0);
}
END_TEST

START_TEST(request_versions_of_python)
{
    static const char *const good[] = {"3", "3.9", "3.11", "3.11.7", "3.100"};
    static const char *const bad[] = {"",           "2.7",    "3.",    "3..1",
                                      "3.11.7.1",   "3.x",    "3.11a", " 3.11",
                                      "python3.11", ">=3.11", "30",    "/usr/bin"};
    corrie_error err = CORRIE_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_ok(env_python_check(str_of(good[i]), &err), &err);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(env_python_check(str_of(bad[i]), &err) == CORRIE_E_PROJECT, "%s was taken",
                      bad[i]);
    }
    corrie_error_clear(&err);
}
END_TEST

/* What reaches the installer's command line must be a name and a version, nothing else. */
START_TEST(request_pins)
{
    static const char *const good[][4] = {
        {"polars", "1.15.0", "polars", "1.15.0"},
        {"Scikit_Learn", "", "scikit-learn", ""},
        {"a.-_b", "2.0rc1", "a-b", "2.0rc1"},
        {"pandas[excel, xml]", ">=1.2, <2", "pandas[excel,xml]", ">=1.2, <2"},
        {"torch", "2.1+cpu", "torch", "2.1+cpu"},
        {"x", "==1.*", "x", "==1.*"},
    };
    static const char *const bad[][2] = {
        {"", "1"},
        {"-e", "1"},
        {"--index-url", "1"},
        {"polars @ file:///tmp/x", "1"},
        {"polars==1.0", ""},
        {"polars;", "1"},
        {"a b", "1"},
        {"a[", "1"},
        {"a[]", "1"},
        {"polars", "latest"},
        {"polars", "1.0 --pre"},
        {"polars", "1.0; os_name"},
        {"polars", ">=1,"},
        {"polars", "=>1"},
        {"polars", "1.0\n--pre"},
    };
    corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct env_package package;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_ok(env_package_parse(str_of(good[i][0]), str_of(good[i][1]), &arena, &package, &err),
              &err);
        ck_str_eq(package.name, str_of(good[i][2]));
        ck_str_eq(package.version, str_of(good[i][3]));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int r = env_package_parse(str_of(bad[i][0]), str_of(bad[i][1]), &arena, &package, &err);
        ck_assert_msg(r == CORRIE_E_PROJECT, "'%s' '%s' was taken", bad[i][0], bad[i][1]);
    }
    corrie_error_clear(&err);
}
END_TEST

static const char list_json[] =
    "[{\"version\":\"3.9.18\",\"path\":\"/a/3.9\",\"implementation\":\"cpython\",\"variant\":\"default\"},"
    "{\"version\":\"3.14.1\",\"path\":\"/a/3.14\",\"implementation\":\"cpython\",\"variant\":\"default\"},"
    "{\"version\":\"3.13.0\",\"path\":\"/a/3.13t\",\"implementation\":\"cpython\",\"variant\":\"freethreaded\"},"
    "{\"version\":\"3.11.7\",\"path\":\"/a/3.11.7\",\"implementation\":\"cpython\"},"
    "{\"version\":\"3.11.7\",\"path\":\"/b/3.11.7\",\"implementation\":\"cpython\"},"
    "{\"version\":\"3.11.12\",\"path\":\"/b/3.11.12\",\"implementation\":\"cpython\"},"
    "{\"version\":\"3.10.2\",\"path\":\"/p/3.10\",\"implementation\":\"pypy\"},"
    "{\"version\":\"3.12.9\",\"path\":null,\"implementation\":\"cpython\"},"
    "{\"version\":\"3.15.0a1\",\"path\":\"/x\",\"implementation\":\"cpython\"},"
    "{\"version\":\"3.6.1\",\"path\":\"/x\",\"implementation\":\"cpython\"}]";

/* The versions that may be taken for what is asked, in order, as text. */
static const char *chosen(const struct env_python_list *list, const char *version)
{
    static char text[128];
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    size_t order[16], n = 0;

    ck_ok(python_choose(list, str_of(version), order, &n, &err), &err);
    text[0] = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(text);

        snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? " " : "",
                 list->items[order[i]].version);
    }
    return text;
}

/* The function asks for 3.11 and gets the newest 3.11 there is; where it leaves it open, one of each series may do, the
 * newest usual one first; for a missing one it is told what there is. */
START_TEST(request_python)
{
    _cleanup_(env_python_list_done) struct env_python_list list = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    size_t order[16], n;

    ck_ok(python_parse_list(str_of(list_json), &list, &err), &err);
    ck_assert_uint_eq(list.count, 4);
    ck_assert_str_eq(list.items[0].version, "3.14.1");
    ck_assert_str_eq(list.items[1].version, "3.11.12");
    ck_assert_str_eq(list.items[2].path, "/a/3.11.7");
    ck_assert_str_eq(chosen(&list, "3.11"), "3.11.12");
    ck_assert_str_eq(chosen(&list, "3.11.7"), "3.11.7");
    ck_assert_str_eq(chosen(&list, ""), "3.11.12 3.9.18 3.14.1");
    ck_assert_str_eq(chosen(&list, "3"), "3.11.12 3.9.18 3.14.1");
    ck_assert_int_eq(python_choose(&list, STR("3.1"), order, &n, &err), CORRIE_E_PROJECT);
    ck_assert_int_eq(python_choose(&list, STR("3.12"), order, &n, &err), CORRIE_E_PROJECT);
    ck_assert_ptr_nonnull(strstr(err.hint, "3.14.1, 3.11.12, 3.11.7, 3.9.18"));
    ck_assert_int_eq(python_choose(&list, STR("3.8"), order, &n, &err), CORRIE_E_PROJECT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "too old"));
}
END_TEST

SUITE(request_suite, "request", request_vector, request_spellings, request_hostile,
      request_versions_of_python, request_pins, request_python)
