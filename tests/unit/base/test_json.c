#include "base/json.h"

#include "base/limits.h"
#include "tests/unit/check.h"

static void check_canonical(struct str text, struct str expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *value = NULL;
    _cleanup_(buf_done) struct buf out = {0};

    ck_ok(js_parse(text, "test", &value, &err), &err);
    ck_ok(js_canonical(value, &out, &err), &err);
    ck_str_eq(buf_str(&out), expected);
}

/* Names of objects are hashes of these bytes: another form would make stored history unreadable. */
START_TEST(writes_the_canonical_form)
{
    check_canonical(STR("{ \"b\" : 1, \"a\" : [true, null, -3] }"),
                    STR("{\"a\":[true,null,-3],\"b\":1}"));
    check_canonical(STR("\"\\u00e9\\n\\u0001\\u007f\\\"\\\\\\/\""),
                    STR("\"\xc3\xa9\\n\\u0001\x7f\\\"\\\\/\""));
    check_canonical(STR("{\"\xc3\xa9\":1,\"z\":2,\"Z\":{}}"),
                    STR("{\"Z\":{},\"z\":2,\"\xc3\xa9\":1}"));
    check_canonical(STR("9223372036854775807"), STR("9223372036854775807"));
}
END_TEST

START_TEST(refuses_what_is_not_canonical)
{
    static const char *const texts[] = {"{\"a\": 1}",
                                        "{\"b\":1,\"a\":2}",
                                        "\"\\u0041\"",
                                        "1.5",
                                        "{",
                                        "01",
                                        "{\"a\":1,\"a\":2}",
                                        ""};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *value = NULL;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        ck_fails(js_parse_canonical(str_of(texts[i]), "doc", &value, &err), CORRIE_E_CORRUPT, &err);
        ck_assert_ptr_null(value);
    }
    ck_ok(js_parse_canonical(STR("{\"a\":[]}"), "doc", &value, &err), &err);
}
END_TEST

START_TEST(says_where_it_is_wrong)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *value = NULL;

    ck_assert_int_eq(js_parse(STR("{\n \"a\": ,\n}"), "lake.json", &value, &err), CORRIE_E_DATA);
    ck_assert_str_eq(err.position.file, "lake.json");
    ck_assert_int_eq(err.position.line, 2);
}
END_TEST

START_TEST(bounds_depth)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *value = NULL;
    _cleanup_(buf_done) struct buf text = {0};

    buf_add_fill(&text, '[', CORRIE_MAX_JSON_DEPTH + 1);
    buf_add_fill(&text, ']', CORRIE_MAX_JSON_DEPTH + 1);
    ck_fails(js_parse(buf_str(&text), "deep", &value, &err), CORRIE_E_LIMIT, &err);
    ck_ok(js_parse(str_slice(buf_str(&text), 1, 2 * CORRIE_MAX_JSON_DEPTH), "deep", &value, &err),
          &err);
}
END_TEST

START_TEST(names_the_field_that_is_wrong)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *value = NULL;
    struct str text = STR("untouched");
    int64_t number = 5;
    bool flag = false;

    ck_ok(js_parse(STR("{\"s\":\"x\",\"n\":7,\"z\":null,\"b\":false}"), "doc", &value, &err), &err);
    ck_assert_int_eq(js_get_str(value, "n", &text, CORRIE_E_CORRUPT, &err), CORRIE_E_CORRUPT);
    ck_assert_str_eq(corrie_error_message(&err),
                     "field \"n\" is an integer where a string is expected");
    ck_assert_int_eq(js_get_str(value, "q", &text, CORRIE_E_DATA, &err), CORRIE_E_DATA);
    ck_assert_str_eq(corrie_error_message(&err), "field \"q\" is missing");
    ck_assert_int_eq(js_opt_int(value, "z", &number, CORRIE_E_DATA, &err), 0);
    ck_assert_int_eq(number, 5);
    ck_str_eq(text, STR("untouched"));
    ck_assert_int_eq(js_opt_bool(value, "b", &flag, CORRIE_E_DATA, &err), 1);
    ck_ok(js_get_int(value, "n", &number, CORRIE_E_DATA, &err), &err);
    ck_assert_int_eq(number, 7);
}
END_TEST

START_TEST(repairs_text_that_is_not_utf8)
{
    _json_ json_t *value = js_string((struct str){"a\xff"
                                                  "b\xc3",
                                                  4});

    ck_str_eq(js_str(value), STR("a\xef\xbf\xbd"
                                 "b\xef\xbf\xbd"));
}
END_TEST

START_TEST(writes_numbers_that_read_back)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *value = NULL;
    _cleanup_(buf_done) struct buf out = {0};

    ck_ok(js_parse(STR("{\"x\":[0.1,1e300,2.0],\"a\":{}}"), "doc", &value, &err), &err);
    ck_ok(js_format(value, 0, &out, &err), &err);
    ck_str_eq(buf_str(&out), STR("{\"x\":[0.1,1e+300,2.0],\"a\":{}}"));
}
END_TEST

SUITE(json_suite, "json", writes_the_canonical_form, refuses_what_is_not_canonical,
      says_where_it_is_wrong, bounds_depth, names_the_field_that_is_wrong,
      repairs_text_that_is_not_utf8, writes_numbers_that_read_back)
