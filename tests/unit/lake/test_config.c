#include "lake/lake_priv.h"

#include "tests/unit/check.h"

#define GOOD                                                                                       \
    "{\"catalog\":\"sqlite:catalog/catalog.db\",\"features\":[],\"format\":1,"                     \
    "\"id\":\"3d0a7a0e-6f0b-4b4b-9d07-8c1d6a0f5a21\",\"roots\":[\"file:///srv/lake\"]}\n"

/* docs/formats/lake.md: what is written once must stay readable. */
START_TEST(writes_what_it_reads)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct lake_config config;

    ck_ok(lake_config_parse(STR(GOOD), &arena, &config, &err), &err);
    ck_assert_int_eq(config.format, 1);
    ck_assert_uint_eq(config.n_roots, 1);
    ck_str_eq(config.roots[0], STR("file:///srv/lake"));
    ck_ok(lake_config_format(&config, &out, &err), &err);
    ck_str_eq(buf_str(&out), STR(GOOD));
}
END_TEST

START_TEST(refuses_what_it_does_not_know)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"", CORRIE_E_CORRUPT},
        {"[]", CORRIE_E_CORRUPT},
        {"{\"format\":2}", CORRIE_E_REFUSED},
        {"{\"format\":1,\"features\":[\"flux\"]}", CORRIE_E_REFUSED},
        {"{\"format\":1,\"features\":[7]}", CORRIE_E_CORRUPT},
        {"{\"format\":\"1\"}", CORRIE_E_CORRUPT},
        {"{\"format\":1,\"features\":[],\"id\":\"x\",\"catalog\":\"c\",\"roots\":[]}",
         CORRIE_E_CORRUPT},
        {"{\"format\":1,\"features\":[],\"id\":\"3d0a7a0e-6f0b-4b4b-9d07-8c1d6a0f5a21\",\"catalog\":\"c\","
         "\"roots\":[1]}",
         CORRIE_E_CORRUPT},
    };
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_config config;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_fails(lake_config_parse(str_of(cases[i].text), &arena, &config, &err), cases[i].code,
                 &err);
    }
}
END_TEST

SUITE(config_suite, "lake.json", writes_what_it_reads, refuses_what_it_does_not_know)
