#include "ingest/ingest.h"

#include "tests/unit/check.h"

static struct ingest_file file_of(const char *path, struct field *fields, size_t n)
{
    return (struct ingest_file){.path = str_of(path),
                                .source = {.columns = {.fields = fields, .n_fields = n}}};
}

#define LONG                                                                                       \
    {                                                                                              \
        .kind = TYPE_LONG                                                                          \
    }
#define INT                                                                                        \
    {                                                                                              \
        .kind = TYPE_INT                                                                           \
    }
#define TEXT                                                                                       \
    {                                                                                              \
        .kind = TYPE_STRING                                                                        \
    }

START_TEST(unites_columns_and_widens_types)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct field first[] = {{.name = STR("a"), .type = INT}, {.name = STR("b"), .type = TEXT}};
    struct field second[] = {{.name = STR("c"), .type = TEXT}, {.name = STR("a"), .type = LONG}};
    struct field third[] = {{.name = STR("a"), .type = INT}};
    struct ingest_file files[] = {file_of("1", first, 2), file_of("2", second, 2),
                                  file_of("3", third, 1)};
    struct schema schema;

    ck_ok(ingest_schema(files, 3, NULL, &arena, &schema, &err), &err);
    ck_assert_uint_eq(schema.n_fields, 3);
    ck_str_eq(schema.fields[0].name, STR("a"));
    ck_assert_int_eq(schema.fields[0].type.kind, TYPE_LONG);
    ck_str_eq(schema.fields[2].name, STR("c"));
}
END_TEST

START_TEST(names_the_files_that_disagree)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct field first[] = {{.name = STR("a"), .type = LONG}};
    struct field second[] = {{.name = STR("a"), .type = TEXT}};
    struct ingest_file files[] = {file_of("/in/1.csv", first, 1), file_of("/in/2.csv", second, 1)};
    struct schema schema;

    ck_assert_int_eq(ingest_schema(files, 2, NULL, &arena, &schema, &err), CORRIE_E_DATA);
    ck_assert_str_eq(corrie_error_message(&err),
                     "column a is long in /in/1.csv and string in /in/2.csv");
    files[1].skip = true; /* a file that is not read has no say */
    ck_ok(ingest_schema(files, 2, NULL, &arena, &schema, &err), &err);
}
END_TEST

SUITE(schema_suite, "schema", unites_columns_and_widens_types, names_the_files_that_disagree)
