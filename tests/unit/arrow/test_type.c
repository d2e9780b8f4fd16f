/* A type that changes on its way between Iceberg, DuckDB and Arrow changes the user's data. */
#include "arrow/type.h"

#include <nanoarrow/nanoarrow.h>

#include "arrow/table.h"
#include "base/json.h"
#include "base/limits.h"
#include "tests/unit/check.h"

static struct arena arena;

static struct type sql(const char *text)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type;
    ck_ok(type_from_sql(str_of(text), STR("c"), &arena, &type, &err), &err);
    return type;
}

static void prints(const struct type *type, const char *text, const char *sql_text)
{
    _cleanup_(buf_done) struct buf out = {0};
    type_print(type, &out);
    ck_assert_str_eq(buf_text(&out), text);
    buf_clear(&out);
    type_print_sql(type, &out);
    ck_assert_str_eq(buf_text(&out), sql_text);
}

START_TEST(sql_types_are_read)
{
    static const struct {
        const char *given;
        const char *name;
        const char *sql;
    } cases[] = {
        {"BOOLEAN", "boolean", "BOOLEAN"},
        {"TINYINT", "int", "INTEGER"},
        {"USMALLINT", "int", "INTEGER"},
        {"UINTEGER", "long", "BIGINT"},
        {"UBIGINT", "long", "BIGINT"},
        {"HUGEINT", "long", "BIGINT"},
        {"FLOAT", "float", "FLOAT"},
        {"double", "double", "DOUBLE"},
        {"DECIMAL(10,2)", "decimal(10, 2)", "DECIMAL(10,2)"},
        {"DECIMAL", "decimal(18, 3)", "DECIMAL(18,3)"},
        {"DATE", "date", "DATE"},
        {"TIME", "time", "TIME"},
        {"TIMESTAMP", "timestamp", "TIMESTAMP"},
        {"TIMESTAMP_NS", "timestamp", "TIMESTAMP"},
        {"TIMESTAMP WITH TIME ZONE", "timestamptz", "TIMESTAMP WITH TIME ZONE"},
        {"VARCHAR", "string", "VARCHAR"},
        {"ENUM('a', 'it''s, )')", "string", "VARCHAR"},
        {"JSON", "string", "VARCHAR"},
        {"UUID", "uuid", "UUID"},
        {"BLOB", "binary", "BLOB"},
        {"VARCHAR(20)[]", "list<string>", "VARCHAR[]"},
        {"CHAR (3)", "string", "VARCHAR"},
        {"character varying(3)", "string", "VARCHAR"},
        {"int8", "long", "BIGINT"},
        {"DATETIME", "timestamp", "TIMESTAMP"},
        {"DOUBLE PRECISION", "double", "DOUBLE"},
        {"TIMESTAMP WITHOUT TIME ZONE", "timestamp", "TIMESTAMP"},
        {"VARCHAR[]", "list<string>", "VARCHAR[]"},
        {"INTEGER[3][]", "list<list<int>>", "INTEGER[][]"},
        {"MAP(VARCHAR, BIGINT[])", "map<string, list<long>>", "MAP(VARCHAR, BIGINT[])"},
        {"STRUCT(a INTEGER, \"b \"\"c\" STRUCT(\"d\" DATE)[])",
         "struct<a: int, b \"c: list<struct<d: date>>>",
         "STRUCT(\"a\" INTEGER, \"b \"\"c\" STRUCT(\"d\" DATE)[])"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct type type = sql(cases[i].given);
        prints(&type, cases[i].name, cases[i].sql);
        struct type again = sql(cases[i].sql);
        ck_assert(type_eq(&type, &again));
    }
}
END_TEST

START_TEST(what_cannot_be_stored_is_named)
{
    static const char *const unsupported[] = {
        "INTERVAL", "BIT",    "TIME WITH TIME ZONE", "UNION(a INTEGER)",
        "\"NULL\"", "BIGNUM", "STRUCT(a INTERVAL)",  "SOMETHING"};
    static const char *const malformed[] = {
        "",           "STRUCT(",       "STRUCT(a)",      "MAP(VARCHAR)",
        "DECIMAL(",   "DECIMAL(39,0)", "DECIMAL(4,5)",   "INTEGER[",
        "INTEGER x",  "ENUM('a",       "TIMESTAMP WITH", "STRUCT(\"a INTEGER)",
        "VARCHAR(a)", "INTEGER(3)",    "CHAR VARY",      "TIME WITHOUT ZONE"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type;

    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
        ck_assert_int_eq(type_from_sql(str_of(unsupported[i]), STR("my_col"), &arena, &type, &err),
                         CORRIE_E_UNSUPPORTED);
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "my_col"));
        corrie_error_clear(&err);
    }
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        ck_fails(type_from_sql(str_of(malformed[i]), STR("c"), &arena, &type, &err), CORRIE_E_DATA,
                 &err);
    }
    char deep[200];
    memcpy(deep, "INTEGER", 7);
    for (int i = 0; i < 80; i++) {
        memcpy(deep + 7 + (size_t)i * 2, "[]", 2);
    }
    ck_fails(type_from_sql(str_make(deep, 167), STR("c"), &arena, &type, &err), CORRIE_E_LIMIT,
             &err);
}
END_TEST

START_TEST(iceberg_names)
{
    static const char *const names[] = {
        "boolean",   "int",         "long",   "float", "double", "date",           "time",
        "timestamp", "timestamptz", "string", "uuid",  "binary", "decimal(10, 2)", "fixed[16]"};
    static const char *const wrong[] = {
        "",         "decimal",  "decimal(0, 0)", "decimal(39, 1)", "decimal(3, 4)", "decimal(1)",
        "fixed[0]", "fixed[x]", "fixed",         "struct",         "Long",          "none"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct type type;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        _cleanup_(buf_done) struct buf out = {0};
        ck_ok(type_from_name(str_of(names[i]), &type, &err), &err);
        type_print(&type, &out);
        ck_assert_str_eq(buf_text(&out), names[i]);
    }
    ck_ok(type_from_name(STR("decimal(10,2)"), &type, &err), &err);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ck_fails(type_from_name(str_of(wrong[i]), &type, &err), CORRIE_E_DATA, &err);
    }
}
END_TEST

/* a: long; s: struct<x: int, l: list<string>>; m: map<string, double> */
static struct schema sample(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct field fields[] = {
        {.name = STR("a"), .type = sql("BIGINT"), .required = true, .doc = STR("the key")},
        {.name = STR("s"), .type = sql("STRUCT(x INTEGER, l VARCHAR[])")},
        {.name = STR("m"), .type = sql("MAP(VARCHAR, DOUBLE)")},
    };
    struct schema schema;
    ck_ok(schema_copy(&(struct schema){.fields = fields, .n_fields = 3}, &arena, &schema, &err),
          &err);
    return schema;
}

START_TEST(ids_are_given_level_by_level)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = sample();
    int last = 0;

    schema_assign_ids(&schema, &last);
    ck_assert_int_eq(last, 8);
    ck_assert_int_eq(schema_highest_id(&schema), 8);
    ck_assert_int_eq(schema.fields[0].id, 1);
    ck_assert_int_eq(schema.fields[1].id, 2);
    ck_assert_int_eq(schema.fields[2].id, 3);
    ck_assert_int_eq(schema.fields[1].type.fields[0].id, 4);
    ck_assert_int_eq(schema.fields[1].type.fields[1].id, 5);
    ck_assert_int_eq(schema.fields[1].type.fields[1].type.fields[0].id, 6);
    ck_assert_int_eq(schema.fields[2].type.fields[0].id, 7);
    ck_assert_int_eq(schema.fields[2].type.fields[1].id, 8);
    ck_str_eq(schema_find_id(&schema, 6)->name, STR("element"));
    ck_assert_ptr_null(schema_find_id(&schema, 9));
    ck_ok(schema_check(&schema, &err), &err);
}
END_TEST

/* Otherwise old files are read under the wrong column. */
START_TEST(a_replaced_schema_keeps_ids_of_what_stays)
{
    struct schema old = sample();
    int last = 0;
    schema_assign_ids(&old, &last);

    struct schema new = sample();
    new.fields[0].type = sql("VARCHAR");                               /* changed */
    new.fields[1].type = sql("STRUCT(l VARCHAR[], x BIGINT, y DATE)"); /* moved, widened, added */
    schema_assign_ids_from(&new, &old, &last);
    ck_assert_int_eq(new.fields[0].id, 9);
    ck_assert_int_eq(new.fields[1].id, 2);
    ck_assert_int_eq(new.fields[1].type.fields[0].id, 5);
    ck_assert_int_eq(new.fields[1].type.fields[0].type.fields[0].id, 6);
    ck_assert_int_eq(new.fields[1].type.fields[1].id, 4);
    ck_assert_int_eq(new.fields[1].type.fields[2].id, 10);
    ck_assert_int_eq(new.fields[2].id, 3);
    ck_assert_int_eq(new.fields[2].type.fields[1].id, 8);
    ck_assert_int_eq(last, 10);
}
END_TEST

START_TEST(promotions_are_icebergs)
{
    static const struct {
        const char *from;
        const char *to;
        bool promotes;
    } cases[] = {
        {"INTEGER", "BIGINT", true},
        {"BIGINT", "INTEGER", false},
        {"FLOAT", "DOUBLE", true},
        {"INTEGER", "DOUBLE", false},
        {"DECIMAL(10,2)", "DECIMAL(12,2)", true},
        {"DECIMAL(10,2)", "DECIMAL(12,3)", false},
        {"DATE", "TIMESTAMP", false},
        {"INTEGER[]", "BIGINT[]", true},
        {"STRUCT(a INTEGER)", "STRUCT(a BIGINT)", true},
        {"STRUCT(a INTEGER)", "STRUCT(b INTEGER)", false},
        {"VARCHAR", "VARCHAR", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct type from = sql(cases[i].from);
        struct type to = sql(cases[i].to);
        ck_assert_msg(type_promotes(&from, &to) == cases[i].promotes, "%s to %s", cases[i].from,
                      cases[i].to);
    }
}
END_TEST

START_TEST(json_keeps_everything)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _json_ json_t *json = NULL;
    _cleanup_(buf_done) struct buf text = {0};
    struct schema schema = sample();
    struct schema back;
    int ids[] = {1};
    int last = 0;

    schema_assign_ids(&schema, &last);
    schema.schema_id = 3;
    schema.identifier_ids = ids;
    schema.n_identifier_ids = 1;
    ck_ok(schema_to_json(&schema, &json, &err), &err);
    ck_ok(js_format(json, 0, &text, &err), &err);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "\"element-id\""));
    ck_ok(schema_from_json(json, &arena, &back, &err), &err);
    ck_assert(schema_eq(&schema, &back));
    ck_assert_int_eq(back.schema_id, 3);
    back.fields[1].type.fields[1].type.fields[0].required = true;
    ck_assert(!schema_eq(&schema, &back));
}
END_TEST

START_TEST(damaged_json_is_refused)
{
    static const char *const cases[] = {
        "[]",
        "{}",
        "{\"fields\":[{}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":1,\"required\":true}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":1,\"required\":true,\"type\":\"nothing\"}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":-1,\"required\":true,\"type\":\"int\"}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":99999999999,\"required\":true,\"type\":\"int\"}]}",
        "{\"fields\":[{\"name\":\"\",\"id\":1,\"required\":true,\"type\":\"int\"}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":1,\"required\":true,\"type\":\"int\"},"
        "{\"name\":\"a\",\"id\":2,\"required\":true,\"type\":\"int\"}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":1,\"required\":true,\"type\":\"int\"},"
        "{\"name\":\"b\",\"id\":1,\"required\":true,\"type\":\"int\"}]}",
        "{\"fields\":[{\"name\":\"a\",\"id\":1,\"required\":true,\"type\":{\"type\":\"list\"}}]}",
        "{\"fields\":[],\"identifier-field-ids\":[\"x\"]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _json_ json_t *json = NULL;
        struct schema schema;
        ck_ok(js_parse(str_of(cases[i]), "schema", &json, &err), &err);
        int r = schema_from_json(json, &arena, &schema, &err);
        ck_assert_msg(r == CORRIE_E_CORRUPT, "%s: %s", cases[i], corrie_code_name(r));
    }
}
END_TEST

START_TEST(arrow_and_back)
{
    static const char *const types[] = {"BOOLEAN",
                                        "INTEGER",
                                        "BIGINT",
                                        "FLOAT",
                                        "DOUBLE",
                                        "DECIMAL(38,10)",
                                        "DATE",
                                        "TIME",
                                        "TIMESTAMP",
                                        "TIMESTAMPTZ",
                                        "VARCHAR",
                                        "UUID",
                                        "BLOB",
                                        "STRUCT(a INTEGER, b VARCHAR[])",
                                        "MAP(VARCHAR, STRUCT(x DATE))[]"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct field fields[ARRAY_LEN(types) + 1];
    struct schema back;
    int last = 0;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        fields[i] =
            (struct field){.name = str_of(types[i]), .type = sql(types[i]), .required = i % 2 == 0};
    }
    fields[ARRAY_LEN(types)] =
        (struct field){.name = STR("f"), .type = {.kind = TYPE_FIXED, .length = 5}};
    struct schema schema = {.fields = fields, .n_fields = ARRAY_LEN(fields)};
    schema_assign_ids(&schema, &last);

    _cleanup_(arrow_schema_done) struct ArrowSchema arrow = {0};
    ck_ok(schema_to_arrow(&schema, &arrow, &err), &err);
    ck_ok(schema_from_arrow(&arrow, &arena, &back, &err), &err);
    ck_assert(schema_eq(&schema, &back));
}
END_TEST

static void no_release(struct ArrowSchema *schema)
{
    (void)schema;
}

START_TEST(arrow_types_without_a_place_are_named)
{
    static const char *const formats[] = {"n", "tDs", "tiM", "tin", "d:40,2,256", "d:10,-2"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct ArrowSchema arrow = {.format = formats[i], .name = "my_col", .release = no_release};
        struct field field;
        int r = field_from_arrow(&arrow, &arena, &field, &err);
        ck_assert_msg(r == CORRIE_E_UNSUPPORTED, "%s: %s", formats[i], corrie_code_name(r));
        ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "my_col"));
    }
}
END_TEST

START_TEST(unknown_columns_get_a_hint)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = sample();
    struct schema part;
    struct str names[] = {STR("m"), STR("a")};
    struct str wrong[] = {STR("A")};

    ck_ok(schema_select(&schema, names, 2, &arena, &part, &err), &err);
    ck_str_eq(part.fields[0].name, STR("m"));
    ck_str_eq(part.fields[1].name, STR("a"));
    ck_assert_int_eq(schema_select(&schema, wrong, 1, &arena, &part, &err), CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.hint, "did you mean a"));
}
END_TEST

SUITE(type_suite, "type", sql_types_are_read, what_cannot_be_stored_is_named, iceberg_names,
      ids_are_given_level_by_level, a_replaced_schema_keeps_ids_of_what_stays,
      promotions_are_icebergs, json_keeps_everything, damaged_json_is_refused, arrow_and_back,
      arrow_types_without_a_place_are_named, unknown_columns_get_a_hint)
