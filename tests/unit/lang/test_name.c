/* A name that slips through becomes a key that nobody can type again. */
#include "lang/name.h"

#include "tests/unit/check.h"

static char long_name[300];

START_TEST(tables_and_namespaces)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    memset(long_name, 'a', sizeof long_name);
    ck_ok(name_check_table(STR("daily segment-stats \xc3\xa9"), &err), &err);
    ck_ok(name_check_namespace(str_make(long_name, 255), &err), &err);
    ck_fails(name_check_table(str_make(long_name, 256), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR(""), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR("a.b"), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR("a\"b"), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR(" a"), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR("a\n"), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR("a\0b"), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_table(STR("a\xff"), &err), CORRIE_E_USAGE, &err);
    ck_ok(name_check_column(STR("a.b \"c\""), &err), &err);
}
END_TEST

START_TEST(models_and_parameters)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(name_check_model(STR("_a1_B"), &err), &err);
    ck_fails(name_check_model(STR("1a"), &err), CORRIE_E_USAGE, &err);
    ck_fails(name_check_model(STR("a-b"), &err), CORRIE_E_USAGE, &err);
    ck_assert_int_eq(name_check_parameter(STR("a b"), &err), CORRIE_E_USAGE);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "parameter name"));
}
END_TEST

START_TEST(qualified_table_names)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct table_name name;
    static const char *const wrong[] = {"",    ".",      "a.",        ".a",    "a.b.c",
                                        "\"a", "\"a\"b", "a.\"b\".c", "\"\".a"};

    ck_ok(table_name_parse(STR("events"), &name, &err), &err);
    ck_assert_uint_eq(name.ns.len, 0);
    ck_str_eq(name.table, STR("events"));
    ck_ok(table_name_parse(STR("bauplan.events"), &name, &err), &err);
    ck_str_eq(name.ns, STR("bauplan"));
    ck_str_eq(name.table, STR("events"));
    ck_ok(table_name_parse(STR("\"odd.name\".\"e.v\""), &name, &err), &err);
    ck_str_eq(name.ns, STR("odd.name"));
    ck_str_eq(name.table, STR("e.v"));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ck_fails(table_name_parse(str_of(wrong[i]), &name, &err), CORRIE_E_USAGE, &err);
    }
}
END_TEST

SUITE(name_suite, "name", tables_and_namespaces, models_and_parameters, qualified_table_names)
