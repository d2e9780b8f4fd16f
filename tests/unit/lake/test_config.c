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

#define SHARED                                                                                     \
    "{\"catalog\":\"sqlite:catalog/catalog.db\",\"features\":[\"shared\"],\"format\":1,"           \
    "\"id\":\"3d0a7a0e-6f0b-4b4b-9d07-8c1d6a0f5a21\",\"roots\":[\"file:///srv/lake\"],"            \
    "\"shared\":\"group\"}\n"

/* A program that took a shared lake for another would leave files that half a team cannot read. */
START_TEST(knows_who_shares_it)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct lake_config config;

    ck_ok(lake_config_parse(STR(SHARED), &arena, &config, &err), &err);
    ck_assert(config.shared);
    ck_ok(lake_config_format(&config, &out, &err), &err);
    ck_str_eq(buf_str(&out), STR(SHARED));
    ck_fails(
        lake_config_parse(STR("{\"format\":1,\"features\":[\"shared\"]}"), &arena, &config, &err),
        CORRIE_E_CORRUPT, &err);
    ck_fails(lake_config_parse(STR("{\"format\":1,\"features\":[\"shared\"],\"shared\":\"world\"}"),
                               &arena, &config, &err),
             CORRIE_E_REFUSED, &err);
}
END_TEST

START_TEST(tells_who_can_read_it)
{
    static const char *const texts[] = {
        "{\"format\":2,\"reader\":\"9.1\"}",
        "{\"format\":1,\"features\":[\"flux\"],\"reader\":\"9.1\"}"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_config config;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ck_assert_int_eq(lake_config_parse(str_of(texts[i]), &arena, &config, &err),
                         CORRIE_E_REFUSED);
        ck_assert_str_eq(err.hint, "use corrie 9.1 or newer");
    }
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "flux"));
}
END_TEST

/* Each byte may be another one: it is told, or reads as a lake, and nothing else happens. */
START_TEST(any_byte_may_be_damaged)
{
    char text[sizeof SHARED];

    for (size_t at = 0; at + 1 < sizeof SHARED; at++) {
        for (int byte = 0; byte < 256; byte++) {
            _error_ corrie_error err = CORRIE_ERROR_INIT;
            _cleanup_(arena_done) struct arena arena = {0};
            struct lake_config config;
            int r;

            memcpy(text, SHARED, sizeof SHARED);
            text[at] = (char)byte;
            r = lake_config_parse(str_make(text, sizeof SHARED - 1), &arena, &config, &err);
            ck_assert_msg(r == 0 || r == CORRIE_E_CORRUPT || r == CORRIE_E_REFUSED,
                          "byte %zu as %d: %d %s", at, byte, r, corrie_error_message(&err));
        }
    }
}
END_TEST

SUITE(config_suite, "lake.json", writes_what_it_reads, refuses_what_it_does_not_know,
      knows_who_shares_it, tells_who_can_read_it, any_byte_may_be_damaged)
