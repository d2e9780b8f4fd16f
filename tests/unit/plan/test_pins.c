#include "plan/plan_priv.h"
#include "tests/unit/check.h"

START_TEST(versions_of_python)
{
    static const char *const good[] = {"3", "3.9", "3.11", "3.11.7", "3.100"};
    static const char *const bad[] = {"",           "2.7",    "3.",    "3..1",
                                      "3.11.7.1",   "3.x",    "3.11a", " 3.11",
                                      "python3.11", ">=3.11", "30",    "/usr/bin"};
    corrie_error err = CORRIE_ERROR_INIT;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_ok(python_version_check(str_of(good[i]), &err), &err);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(python_version_check(str_of(bad[i]), &err) == CORRIE_E_PROJECT,
                      "%s was taken", bad[i]);
    }
    corrie_error_clear(&err);
}
END_TEST

/* What reaches the installer's command line must be a name and a version, nothing else. */
START_TEST(pins)
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
    struct declared_package package;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_ok(package_parse(str_of(good[i][0]), str_of(good[i][1]), &arena, &package, &err), &err);
        ck_str_eq(package.name, str_of(good[i][2]));
        ck_str_eq(package.version, str_of(good[i][3]));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int r = package_parse(str_of(bad[i][0]), str_of(bad[i][1]), &arena, &package, &err);
        ck_assert_msg(r == CORRIE_E_PROJECT, "'%s' '%s' was taken", bad[i][0], bad[i][1]);
    }
    corrie_error_clear(&err);
}
END_TEST

START_TEST(own_pins_over_defaults)
{
    const struct declared_package defaults[] = {{STR("polars"), STR("1.0")},
                                                {STR("duckdb"), STR("1.1")}};
    const struct declared_package own[] = {{STR("polars[gpu]"), STR("1.15.0")},
                                           {STR("attrs"), STR("23")}};
    corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct declared_package *merged;
    size_t n;

    ck_ok(packages_merge(defaults, 2, own, 2, &arena, &merged, &n, &err), &err);
    ck_assert_uint_eq(n, 3);
    ck_str_eq(merged[0].name, STR("attrs"));
    ck_str_eq(merged[1].name, STR("duckdb"));
    ck_str_eq(merged[2].name, STR("polars[gpu]"));
    ck_str_eq(merged[2].version, STR("1.15.0"));
}
END_TEST

SUITE(pins_suite, "pins", versions_of_python, pins, own_pins_over_defaults)
