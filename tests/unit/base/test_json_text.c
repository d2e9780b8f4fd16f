/* What a user would lose: a listing whose rows are no JSON, or say something else than the whole document; a name with
 * a quote in it that breaks everything after it. */
#include "base/json_text.h"

#include "base/json.h"
#include "tests/unit/check.h"

/* The bytes that the writer of values makes of the same. */
static void check_same(struct str written)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _json_ json_t *value = NULL;

    ck_ok(js_parse(written, "test", &value, &err), &err);
    ck_ok(js_format(value, 0, &out, &err), &err);
    ck_str_eq(buf_str(&out), written);
}

START_TEST(text_is_what_values_would_be)
{
    static const struct str texts[] = {
        {"", 0},         {"plain", 5},   {"a\"b", 3}, {"back\\", 5},   {"\n\t\b\f\r", 5},
        {"\x01\x1f", 2}, {"nul\0in", 6}, {"{[:", 3},  {"\xc3\xa9", 2}, {"\xf0\x9f\x98\x80", 4}};
    const struct hash hash = {{1, 2, 0xff}};
    const struct uuid uuid = {{7}};
    _cleanup_(buf_done) struct buf out = {0};

    jt_open(&out, '{');
    jt_name(&out, STR("list"));
    jt_open(&out, '[');
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        jt_string(&out, texts[i]);
    }
    jt_open(&out, '{');
    jt_close(&out, '}');
    jt_open(&out, '[');
    jt_close(&out, ']');
    jt_hash(&out, &hash);
    jt_close(&out, ']');
    jt_name(&out, STR("a \"name\""));
    jt_raw(&out, STR("null"));
    jt_add_int(&out, "zero", 0);
    jt_add_int(&out, "least", INT64_MIN);
    jt_add_int(&out, "most", INT64_MAX);
    jt_add_uuid(&out, "uuid", &uuid);
    jt_add_time(&out, "time", 1);
    jt_add_null(&out, "null");
    jt_close(&out, '}');
    check_same(buf_str(&out));
}
END_TEST

START_TEST(bad_bytes_are_replaced)
{
    _cleanup_(buf_done) struct buf out = {0};

    jt_string(&out, STR("a\xff\xfe z"));
    ck_str_eq(buf_str(&out), STR("\"a\xEF\xBF\xBD\xEF\xBF\xBD z\""));
}
END_TEST

START_TEST(members_are_found_as_they_were_written)
{
    static const char text[] =
        "{ \"a\":\"x\\\"},{\\\\\" , \"b\":{\"c\":[\"]\",{}]},\"n\":-12,\"t\":true,\"e\":\"\\u00e9\\n\\u20ac\"}";
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf scratch = {0};
    struct jt_member members[8];
    size_t n;

    ck_ok(jt_split(str_of(text), members, 8, &n, &err), &err);
    ck_assert_uint_eq(n, 5);
    ck_str_eq(jt_text(jt_find(members, n, "a"), &scratch), STR("x\"},{\\"));
    ck_assert_uint_eq(jt_text(jt_find(members, n, "a"), NULL).len, 0);
    ck_str_eq(jt_find(members, n, "b"), STR("{\"c\":[\"]\",{}]}"));
    ck_str_eq(jt_find(members, n, "n"), STR("-12"));
    ck_str_eq(jt_find(members, n, "t"), STR("true"));
    ck_str_eq(jt_text(jt_find(members, n, "e"), &scratch), STR("\xc3\xa9\n\xe2\x82\xac"));
    ck_assert_uint_eq(jt_find(members, n, "none").len, 0);
    ck_ok(jt_split(str_of(text), members, 2, &n, &err), &err);
    ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(elements_come_in_order)
{
    struct str rest = STR("[\"a,]\", {\"x\":[1,2]} ,3]");
    struct str item;

    ck_assert(jt_next(&rest, &item));
    ck_str_eq(item, STR("\"a,]\""));
    ck_assert(jt_next(&rest, &item));
    ck_str_eq(item, STR("{\"x\":[1,2]}"));
    ck_assert(jt_next(&rest, &item));
    ck_str_eq(item, STR("3"));
    ck_assert(!jt_next(&rest, &item));
    rest = STR("[]");
    ck_assert(!jt_next(&rest, &item));
}
END_TEST

START_TEST(what_is_cut_off_is_refused)
{
    static const char text[] = "{\"a\":\"x\\\"y\",\"b\":{\"c\":[1,{}]},\"d\":12}";
    struct jt_member members[8];
    size_t n;

    for (size_t len = 0; len < sizeof text - 1; len++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        char *copy = malloc(len + 1); /* of its own, so that reading past it is seen */

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, text, len);
        ck_fails(jt_split((struct str){copy, len}, members, 8, &n, &err), CORRIE_E_DATA, &err);
        free(copy);
    }
}
END_TEST

SUITE(json_text_suite, "JSON as text", text_is_what_values_would_be, bad_bytes_are_replaced,
      members_are_found_as_they_were_written, elements_come_in_order, what_is_cut_off_is_refused)
