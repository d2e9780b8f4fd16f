/* What is read from the footer of a file that is taken where it is. */
#include <string.h>

#include "help.h"

/* What engine_describe_stored says of a file, with the ids that stand in it. */
static int describe(const struct schema *schema, const struct engine_written *file,
                    const struct engine_partition_field *partition, size_t n_partition,
                    struct arena *arena, struct engine_written *ret, corrie_error *err)
{
    const struct engine_file stored = {.path = file->path, .rows = -1, .bytes = file->bytes};
    const struct engine_table table = {.schema = schema, .files = &stored, .n_files = 1};

    return engine_describe_stored(&table, 0, partition, n_partition, arena, ret, err);
}

static void same_stats(const struct engine_column_stats *a, const struct engine_column_stats *b)
{
    ck_assert_int_eq(a->field_id, b->field_id);
    ck_assert_int_eq(a->column_size, b->column_size);
    ck_assert_int_eq(a->value_count, b->value_count);
    ck_assert_int_eq(a->null_count, b->null_count);
    ck_assert_msg(a->has_bounds == b->has_bounds, "bounds of field %d", a->field_id);
    ck_assert_msg(!a->lower.data == !b->lower.data && str_eq(a->lower, b->lower),
                  "lower bound of field %d", a->field_id);
    ck_assert_msg(!a->upper.data == !b->upper.data && str_eq(a->upper, b->upper),
                  "upper bound of field %d", a->field_id);
}

START_TEST(test_as_written)
{
    /* a file in place is pruned by the same bounds as one of ours, or rows would be missed or read in vain */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema =
        schema_of(&arena, "i INTEGER;l BIGINT;f FLOAT;d DOUBLE;de DECIMAL(10,2);wi DECIMAL(30,3);"
                          "b BOOLEAN;da DATE;ts TIMESTAMP;tz TIMESTAMP WITH TIME ZONE;tm TIME;"
                          "s VARCHAR;u UUID;n BIGINT;bl BLOB;st STRUCT(x VARCHAR, y INTEGER[]);"
                          "m MAP(VARCHAR, DOUBLE);sm DECIMAL(4,1)");
    struct engine_written *files;
    struct engine_written stored;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_uint_eq(
        write_parquet(
            engine,
            "SELECT k - 5, -k * 10000000000, k / 2, k - 70000, k - 40000.25, -1e15 - k, k > 200000, "
            "DATE '1950-01-01' + (k // 100)::INTEGER, TIMESTAMP '1960-01-01' + to_seconds(k), "
            "TIMESTAMPTZ '2020-01-01 02:00:00+02', TIME '10:00:00' + to_milliseconds(k), "
            "'é text of more than sixteen ' || k, md5(k::VARCHAR)::UUID, NULL, 'x'::BLOB, "
            "{'x': nullif('x' || k, 'x7'), 'y': [k, NULL]}, map {'a': k}, (k % 100) / 10 - 5 "
            "FROM range(150000) t(k)",
            &schema, "stored", 0, &arena, &files),
        1);
    ck_assert_int_eq(describe(&schema, &files[0], NULL, 0, &arena, &stored, &err), 0);
    ck_assert_int_eq(stored.rows, files[0].rows);
    ck_assert_int_eq(stored.bytes, files[0].bytes);
    ck_assert_uint_eq(stored.n_split_offsets, files[0].n_split_offsets);
    ck_assert_uint_eq(stored.n_split_offsets, 2);
    for (size_t i = 0; i < stored.n_split_offsets; i++) {
        ck_assert_int_eq(stored.split_offsets[i], files[0].split_offsets[i]);
    }
    ck_assert_uint_eq(stored.n_columns, files[0].n_columns);
    for (size_t i = 0; i < stored.n_columns; i++) {
        same_stats(&stored.columns[i], &files[0].columns[i]);
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_partition)
{
    /* a file in the wrong partition is not found by who asks for its rows */
    static const struct {
        const char *select;
        const char *transform;
        const char *said; /* the value, or part of the message */
    } cases[] = {
        {"SELECT 7 FROM range(5)", "identity", "7"},
        {"SELECT 7 FROM range(5)", "bucket[4]", "3"},
        {"SELECT 10 + k FROM range(5) t(k)", "truncate[10]", "10"},
        {"SELECT 6 + k FROM range(5) t(k)", "truncate[10]", "from 6 to 10"},
        {"SELECT 10 + k FROM range(5) t(k)", "bucket[1]", "several"},
        {"SELECT nullif(k, k) FROM range(5) t(k)", "identity", "null"},
        {"SELECT nullif(7, k) FROM range(9) t(k)", "identity", "null in some"},
        {"SELECT k FROM range(5) t(k)", "void", "null"},
    };
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k INTEGER");
    struct type type = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct engine_partition_field field = {.source_id = 1};
        struct engine_written *files;
        struct engine_written stored;
        struct buf out = {0};
        corrie_error err = CORRIE_ERROR_INIT;
        int r;

        ck_assert(transform_parse(str_of(cases[i].transform), &field.transform));
        ck_assert_uint_eq(
            write_parquet(engine, cases[i].select, &schema, "part", 0, &arena, &files), 1);
        r = describe(&schema, &files[0], &field, 1, &arena, &stored, &err);
        if (r < 0) {
            ck_assert_int_eq(r, CORRIE_E_UNSUPPORTED);
            buf_add_text(&out, corrie_error_message(&err));
        } else if (stored.partition[0].data) {
            ck_assert(transform_result(&field.transform, &schema.fields[0].type, &type));
            ck_ok(scalar_print(&type, stored.partition[0], &out, &err), &err);
        } else {
            buf_add_text(&out, "null");
        }
        ck_assert_msg(r < 0 ? strstr(buf_text(&out), cases[i].said) != NULL
                            : strcmp(buf_text(&out), cases[i].said) == 0,
                      "case %zu: %s", i, buf_text(&out));
        buf_done(&out);
        corrie_error_clear(&err);
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_ids)
{
    /* readers go by field ids: a file whose ids mean other columns would give one column's values as another's */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema written = schema_of(&arena, "a BIGINT;b BIGINT");
    struct schema table = schema_of(&arena, "b BIGINT;a BIGINT");
    struct engine_written *files;
    struct engine_written stored;
    corrie_error err = CORRIE_ERROR_INIT;

    write_parquet(engine, "SELECT 1, 2", &written, "ids", 0, &arena, &files);
    ck_assert_int_eq(describe(&table, &files[0], NULL, 0, &arena, &stored, &err),
                     CORRIE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "field id"));
    corrie_error_clear(&err);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

Suite *stored_suite(void);
Suite *stored_suite(void)
{
    Suite *suite = suite_create("stored");
    TCase *tcase = tcase_create("stored");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_as_written);
    tcase_add_test(tcase, test_partition);
    tcase_add_test(tcase, test_ids);
    suite_add_tcase(suite, tcase);
    return suite;
}
