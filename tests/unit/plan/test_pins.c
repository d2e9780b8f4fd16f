#include "plan/plan_priv.h"
#include "tests/unit/check.h"

START_TEST(own_pins_over_defaults)
{
    const struct env_package defaults[] = {{STR("polars"), STR("1.0")},
                                           {STR("duckdb"), STR("1.1")}};
    const struct env_package own[] = {{STR("polars[gpu]"), STR("1.15.0")},
                                      {STR("attrs"), STR("23")}};
    corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct env_package *merged;
    size_t n;

    ck_ok(packages_merge(defaults, 2, own, 2, &arena, &merged, &n, &err), &err);
    ck_assert_uint_eq(n, 3);
    ck_str_eq(merged[0].name, STR("attrs"));
    ck_str_eq(merged[1].name, STR("duckdb"));
    ck_str_eq(merged[2].name, STR("polars[gpu]"));
    ck_str_eq(merged[2].version, STR("1.15.0"));
}
END_TEST

SUITE(pins_suite, "pins", own_pins_over_defaults)
