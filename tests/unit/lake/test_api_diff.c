/* What a user would lose: a renamed column shown as one that was dropped and one that is new. */
#include "base/mem.h"
#include "lake/api_diff.h"
#include "tests/unit/check.h"

/* "renamed a 1 "x" "a"" … of each change, a line each. */
static void told(const struct schema *before, const struct schema *after, struct buf *out)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *changes = api_schema_changes(before, after);

    ck_assert_ptr_nonnull(changes);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *item = json_array_get(changes, i);

        buf_addf(out, "%s %s %d ", json_string_value(json_object_get(item, "change")),
                 json_string_value(json_object_get(item, "field")),
                 (int)json_integer_value(json_object_get(item, "id")));
        char *one = json_dumps(json_object_get(item, "before"), JSON_ENCODE_ANY);
        char *two = json_dumps(json_object_get(item, "after"), JSON_ENCODE_ANY);
        buf_addf(out, "%s %s\n", one, two);
        mem_free(one);
        mem_free(two);
    }
    ck_ok(buf_check(out, &err), &err);
}

#define LONG(id_, name_)                                                                           \
    {                                                                                              \
        .id = (id_), .name = STR(name_), .type = {.kind = TYPE_LONG }                              \
    }

START_TEST(columns_are_known_by_their_ids)
{
    struct field old_city[] = {LONG(5, "zip"), LONG(6, "town")};
    struct field new_city[] = {LONG(5, "zip"), LONG(6, "city"), LONG(9, "street")};
    struct field old_fields[] = {
        LONG(1, "a"),
        LONG(2, "b"),
        LONG(3, "c"),
        {.id = 4,
         .name = STR("address"),
         .type = {.kind = TYPE_STRUCT, .fields = old_city, .n_fields = 2}}};
    struct field new_fields[] = {
        {.id = 4,
         .name = STR("address"),
         .type = {.kind = TYPE_STRUCT, .fields = new_city, .n_fields = 3}},
        LONG(1, "x"),
        LONG(8, "new"),
        {.id = 3, .name = STR("c"), .required = true, .type = {.kind = TYPE_STRING}}};
    struct schema before = {.fields = old_fields, .n_fields = 4};
    struct schema after = {.fields = new_fields, .n_fields = 4};
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(buf_done) struct buf same = {0};

    js_setup();
    told(&before, &after, &out);
    ck_assert_str_eq(buf_text(&out), "removed b 2 \"long\" null\n"
                                     "moved address 4 3 1\n"
                                     "renamed address.city 6 \"town\" \"city\"\n"
                                     "added address.street 9 null \"long\"\n"
                                     "renamed x 1 \"a\" \"x\"\n"
                                     "added new 8 null \"long\"\n"
                                     "type c 3 \"long\" \"string\"\n"
                                     "required c 3 false true\n");
    told(&before, &before, &same);
    ck_assert_uint_eq(same.len, 0);
}
END_TEST

START_TEST(names_become_keys)
{
    static const struct {
        const char *text;
        const char *shown;
    } good[] = {{"sales.events", "table sales.events"},
                {"events", "table public.events"},
                {"table:sales.events", "table sales.events"},
                {"namespace:sales", "namespace sales"},
                {"ledger:0a.file:///a.b/c.csv", "ledger 0a.file:///a.b/c.csv"},
                {"view:s.v", "view s.v"}};
    static const char *const bad[] = {"", ".", "a.", "a.b.c", "view:", ":x", "view:a..b", "\x01"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct key key;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        _cleanup_(buf_done) struct buf text = {0};

        ck_ok(api_key_of(str_of(good[i].text), NULL, &key, &err), &err);
        key_format(key_str(&key), &text);
        ck_assert_str_eq(buf_text(&text), good[i].shown);
    }
    ck_ok(api_key_of(STR("ledger:0a.file:///a.b/c.csv"), NULL, &key, &err), &err);
    ck_str_eq(key_segment(key_str(&key), 2), STR("file:///a.b/c.csv"));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_fails(api_key_of(str_of(bad[i]), NULL, &key, &err), CORRIE_E_USAGE, &err);
    }
}
END_TEST

SUITE(api_diff_suite, "differences", columns_are_known_by_their_ids, names_become_keys)
