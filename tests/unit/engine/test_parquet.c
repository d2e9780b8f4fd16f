/* Parquet files with field ids and statistics. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "help.h"

static const struct engine_column_stats *stats_of(const struct engine_written *file, int id)
{
    for (size_t i = 0; i < file->n_columns; i++) {
        if (file->columns[i].field_id == id) {
            return &file->columns[i];
        }
    }
    ck_abort_msg("no statistics of field %d", id);
    return NULL;
}

/* "lower..upper" */
static const char *bounds(const struct schema *schema, const struct engine_written *file, int id)
{
    static struct buf out;
    const struct engine_column_stats *stats = stats_of(file, id);
    const struct field *field = schema_find_id(schema, id);
    corrie_error err = CORRIE_ERROR_INIT;

    buf_clear(&out);
    if (!stats->has_bounds) {
        return "none";
    }
    ck_ok(scalar_print(&field->type, stats->lower, &out, &err), &err);
    buf_add_text(&out, "..");
    if (stats->upper.data) {
        ck_ok(scalar_print(&field->type, stats->upper, &out, &err), &err);
    }
    return buf_text(&out);
}

START_TEST(test_stats)
{
    /* a wrong bound hides rows from every query that prunes by it */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema =
        schema_of(&arena, "i INTEGER;l BIGINT;f FLOAT;d DOUBLE;de DECIMAL(10,2);"
                          "b BOOLEAN;da DATE;ts TIMESTAMP;tz TIMESTAMP WITH TIME ZONE;"
                          "tm TIME;s VARCHAR;u UUID;x VARCHAR;n BIGINT;bl BLOB");
    struct engine_written *files;
    const struct engine_written *file = NULL;

    ck_assert_uint_eq(
        write_parquet(
            engine,
            "SELECT k - 5, k * 10000000000, k / 2, CASE WHEN k = 3 THEN 'nan'::DOUBLE ELSE k END, "
            "k + 0.25, k > 100, DATE '2020-01-01' + k::INTEGER, TIMESTAMP '2020-01-01 00:00:00.000001', "
            "TIMESTAMPTZ '2020-01-01 02:00:00+02', TIME '10:00:00', "
            "'a text of more than sixteen ' || k, 'f79c3e09-677c-4bbd-a479-3f349cb785e7', "
            "'é\"\\,' || k, NULL, 'x'::BLOB FROM range(10) t(k)",
            &schema, "stats", 0, &arena, &files),
        1);
    file = &files[0];
    ck_assert_int_eq(file->rows, 10);
    ck_assert_uint_eq(file->n_columns, 15);
    ck_assert_str_eq(bounds(&schema, file, 1), "-5..4");
    ck_assert_str_eq(bounds(&schema, file, 2), "0..90000000000");
    ck_assert_str_eq(bounds(&schema, file, 3), "-0.0..4.5");
    ck_assert_str_eq(bounds(&schema, file, 4), "-0.0..9.0");
    ck_assert_str_eq(bounds(&schema, file, 5), "0.25..9.25");
    ck_assert_str_eq(bounds(&schema, file, 6), "false..false");
    ck_assert_str_eq(bounds(&schema, file, 7), "2020-01-01..2020-01-10");
    ck_assert_str_eq(bounds(&schema, file, 8),
                     "2020-01-01T00:00:00.000001..2020-01-01T00:00:00.000001");
    ck_assert_str_eq(bounds(&schema, file, 9),
                     "2020-01-01T00:00:00+00:00..2020-01-01T00:00:00+00:00");
    ck_assert_str_eq(bounds(&schema, file, 10), "10:00:00..10:00:00");
    ck_assert_str_eq(bounds(&schema, file, 11), "a text of more t..a text of more u");
    ck_assert_str_eq(bounds(&schema, file, 12), "f79c3e09-677c-4bbd-a479-3f349cb785e7.."
                                                "f79c3e09-677c-4bbd-a479-3f349cb785e7");
    ck_assert_str_eq(bounds(&schema, file, 13), "é\"\\,0..é\"\\,9");
    ck_assert_str_eq(bounds(&schema, file, 14), "none");
    ck_assert_str_eq(bounds(&schema, file, 15), "none");
    ck_assert_int_eq(stats_of(file, 4)->nan_count, 1);
    ck_assert_int_eq(stats_of(file, 3)->nan_count, 0);
    ck_assert_int_eq(stats_of(file, 1)->nan_count, -1);
    ck_assert_int_eq(stats_of(file, 14)->null_count, 10);
    ck_assert_int_eq(stats_of(file, 14)->value_count, 10);
    ck_assert_int_eq(stats_of(file, 1)->null_count, 0);
    ck_assert_int_gt(stats_of(file, 11)->column_size, 0);
    ck_assert_uint_eq(file->n_split_offsets, 1);
    ck_assert_int_eq(file->split_offsets[0], 4);
    struct stat st;
    char path[400];
    snprintf(path, sizeof path, "%.*s", STR_FMT(file->path));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, file->bytes);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_row_groups)
{
    /* NaN in the first of several row groups is counted (DuckDB's own flag misses it); offsets ascend */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;d DOUBLE;st STRUCT(f DOUBLE);li DOUBLE[]");
    struct engine_written *files;

    ck_assert_uint_eq(write_parquet(engine,
                                    "SELECT k, CASE WHEN k = 5 THEN 'nan'::DOUBLE ELSE k END, "
                                    "{'f': CASE WHEN k < 2 THEN 'nan'::DOUBLE ELSE k END}, [k] "
                                    "FROM range(300000) t(k)",
                                    &schema, "groups", 0, &arena, &files),
                      1);
    ck_assert_uint_eq(files[0].n_split_offsets, 3);
    for (size_t i = 1; i < 3; i++) {
        ck_assert_int_gt(files[0].split_offsets[i], files[0].split_offsets[i - 1]);
    }
    const struct field *st = schema_find(&schema, STR("st"));
    const struct field *li = schema_find(&schema, STR("li"));
    ck_assert_int_eq(stats_of(&files[0], 2)->nan_count, 1);
    ck_assert_int_eq(stats_of(&files[0], st->type.fields[0].id)->nan_count, 2);
    ck_assert_int_eq(stats_of(&files[0], li->type.fields[0].id)->nan_count, -1);
    ck_assert_int_eq(stats_of(&files[0], li->type.fields[0].id)->value_count, 300000);
    ck_assert_str_eq(bounds(&schema, &files[0], 2), "-0.0..299999.0");
    ck_assert_str_eq(bounds(&schema, &files[0], li->type.fields[0].id), "none");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_ids)
{
    /* other engines find columns by these numbers, nested ones too */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema =
        schema_of(&arena, "ab INTEGER;li STRUCT(x VARCHAR)[];m MAP(VARCHAR, DOUBLE)");
    struct engine_written *files;
    char sql[600];

    schema.fields[0].name = STR("a b");
    schema.fields[0].type = (struct type){.kind = TYPE_INT};
    ck_assert_uint_eq(write_parquet(engine, "SELECT 1, [{'x': 'y'}], MAP {'k': 1.5}; -- end",
                                    &schema, "ids", 0, &arena, &files),
                      1);
    snprintf(sql, sizeof sql,
             "SELECT name, field_id FROM parquet_schema('%.*s') WHERE field_id IS NOT NULL",
             STR_FMT(files[0].path));
    ck_assert_str_eq(rows_of(engine, sql), "a b|1\nli|2\nelement|4\nx|5\nm|3\nkey|6\nvalue|7");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_cut)
{
    /* several files hold all rows once, in order */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;s VARCHAR");
    struct engine_written *files;
    size_t n = write_parquet(engine, "SELECT k, 'v' || k FROM range(700000) t(k)", &schema, "cut",
                             200000, &arena, &files);
    int64_t next = 0;

    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        char sql[600];
        char expected[100];

        snprintf(sql, sizeof sql, "SELECT min(k), max(k), count(*) FROM read_parquet('%.*s')",
                 STR_FMT(files[i].path));
        snprintf(expected, sizeof expected, "%lld|%lld|%lld", (long long)next,
                 (long long)(next + files[i].rows - 1), (long long)files[i].rows);
        ck_assert_str_eq(rows_of(engine, sql), expected);
        next += files[i].rows;
    }
    ck_assert_int_eq(next, 700000);
    ck_assert(!file_exists(in_scratch("cut-0.parquet")));
    ck_assert_uint_eq(
        write_parquet(engine, "SELECT 1, 'x' LIMIT 0", &schema, "none", 0, &arena, &files), 0);
    ck_assert(!file_exists(in_scratch("none-0.parquet")));
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

static int name_part(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    (void)err;
    buf_addf(ret, "%s/%s-%u.parquet", scratch(), (const char *)arg, ordinal);
    return 0;
}

static void check_cut_groups(bool floats)
{
    /* parts made of the bytes of row groups are files like others: rows in order, filters that find what is there. Bloom
     * filters come along, but with floats there are none: they would lose zeros and NaNs */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = schema_of(&arena, floats ? "k BIGINT;s VARCHAR;f DOUBLE;l VARCHAR[]"
                                                    : "k BIGINT;s VARCHAR;f BIGINT;l VARCHAR[]");
    struct engine_write write = {
        .sql = floats
                   ? STR("SELECT k, 'v' || k // 1000, CASE WHEN k = 150000 THEN 'nan'::DOUBLE "
                         "ELSE k END, ['x' || k % 7] FROM range(200000) t(k)")
                   : STR("SELECT k, 'v' || k // 1000, k, ['x' || k % 7] FROM range(200000) t(k)"),
        .schema = &schema,
        .path = name_part,
        .arg = (void *)(uintptr_t) "group",
        .row_group_rows = 2048,
        .target_bytes = 60000};
    struct engine_written *files;
    size_t n;
    int64_t next = 0;
    int64_t nans = 0;

    ck_ok(engine_write_parquet(engine, &write, &arena, &files, &n, &err), &err);
    ck_assert_uint_gt(n, 5);
    ck_assert(!file_exists(in_scratch("group-0.parquet")));
    for (size_t i = 0; i < n; i++) {
        char sql[900];
        char expected[200];

        ck_assert_int_gt(files[i].bytes, 30000);
        ck_assert_int_lt(files[i].bytes, 120000);
        ck_assert_uint_eq(files[i].n_split_offsets, (size_t)(files[i].rows + 2047) / 2048);
        snprintf(
            sql, sizeof sql,
            "SELECT min(k), max(k), count(*), (SELECT count(*) FROM read_parquet('%.*s', "
            "file_row_number = true) WHERE k <> %lld + file_row_number), (SELECT count(*) FROM "
            "parquet_bloom_probe('%.*s', 's', 'v%lld') WHERE NOT bloom_filter_excludes) FROM "
            "read_parquet('%.*s')",
            STR_FMT(files[i].path), (long long)next, STR_FMT(files[i].path), (long long)next / 1000,
            STR_FMT(files[i].path));
        snprintf(expected, sizeof expected, "%lld|%lld|%lld|0|%zu", (long long)next,
                 (long long)(next + files[i].rows - 1), (long long)files[i].rows,
                 floats ? files[i].n_split_offsets : 1);
        ck_assert_str_eq(rows_of(engine, sql), expected);
        snprintf(expected, sizeof expected, "%lld..%lld", (long long)next,
                 (long long)(next + files[i].rows - 1));
        ck_assert_str_eq(bounds(&schema, &files[i], 1), expected);
        nans += floats ? stats_of(&files[i], 3)->nan_count : 0;
        next += files[i].rows;
    }
    ck_assert_int_eq(next, 200000);
    ck_assert_int_eq(nans, floats);
    engine_close(engine);
    arena_done(&arena);
}

START_TEST(test_cut_groups)
{
    check_cut_groups(false);
}
END_TEST

START_TEST(test_cut_groups_of_floats)
{
    check_cut_groups(true);
}
END_TEST

static int name_bad(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    (void)err;
    (void)ordinal;
    buf_addf(ret, "%s/%s", scratch(), (const char *)arg);
    return 0;
}

START_TEST(test_write_errors)
{
    /* what does not fit stops the write, names the column, and leaves no file */
    static const struct {
        const char *sql;
        const char *says;
    } cases[] = {
        {"SELECT 'x' || k, 1, now()::TIMESTAMP FROM range(200000) t(k)", "column a"},
        {"SELECT 3000000000 + k, 1, now()::TIMESTAMP FROM range(200000) t(k)", "out of range"},
        {"SELECT 1, NULL, now()::TIMESTAMP FROM range(3)", "column b"},
        {"SELECT 1, 2, '2020-01-01 00:00:00.0000001'::TIMESTAMP_NS", "column c"},
        {"SELECT 1, 2", "2 columns"},
        {"SELECT 1, 2, nope", "nope"},
        {"COPY (SELECT 1) TO '/tmp/x'", "SELECT"},
    };
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "a INTEGER;b BIGINT;c TIMESTAMP");

    schema.fields[1].required = true;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        corrie_error err = CORRIE_ERROR_INIT;
        struct engine_written *files;
        size_t n;
        char name[] = "bad.parquet";
        const struct engine_write write = {
            .sql = str_of(cases[i].sql), .schema = &schema, .path = name_bad, .arg = name};
        int r = engine_write_parquet(engine, &write, &arena, &files, &n, &err);

        ck_assert_msg(r < 0 && strstr(corrie_error_message(&err), cases[i].says), "%s: %s",
                      cases[i].sql, corrie_error_message(&err));
        ck_assert_msg(!strstr(corrie_error_message(&err), "corrie_rows"), "%s",
                      corrie_error_message(&err));
        ck_assert(!file_exists(in_scratch("bad.parquet")));
        corrie_error_clear(&err);
    }
    /* an exact nanosecond timestamp and a null one are fine */
    struct engine_written *files;
    ck_assert_uint_eq(write_parquet(engine,
                                    "SELECT 1, 2, '2020-01-01 00:00:00.000001'::TIMESTAMP_NS UNION "
                                    "ALL SELECT 1, 2, NULL",
                                    &schema, "exact", 0, &arena, &files),
                      1);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

static void *cancel_soon(void *arg)
{
    usleep(100000);
    cancel_request(arg);
    return NULL;
}

START_TEST(test_cancelled)
{
    /* Ctrl-C in the middle of a write leaves no half file */
    struct cancel cancel = {0};
    struct engine *engine = NULL;
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "a BIGINT;b VARCHAR");
    corrie_error err = CORRIE_ERROR_INIT;
    struct engine_written *files;
    pthread_t thread;
    size_t n;
    char name[] = "cancelled.parquet";
    const struct engine_write write = {
        .sql = STR("SELECT i, 'v' || hash(i) FROM range(2000000000) t(i)"),
        .schema = &schema,
        .path = name_bad,
        .arg = name};

    ck_ok(engine_open(&(struct engine_options){.threads = 2, .cancel = &cancel}, &engine, &err),
          &err);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    ck_fails(engine_write_parquet(engine, &write, &arena, &files, &n, &err), CORRIE_E_CANCELLED,
             &err);
    pthread_join(thread, NULL);
    ck_assert(!file_exists(in_scratch("cancelled.parquet")));
    atomic_store(&cancel.requested, 0);
    ck_assert_str_eq(rows_of(engine, "SELECT 1"), "1");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_no_directory)
{
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "a INTEGER");
    corrie_error err = CORRIE_ERROR_INIT;
    struct engine_written *files;
    size_t n;
    char name[] = "no/such/directory.parquet";
    const struct engine_write write = {
        .sql = STR("SELECT 1"), .schema = &schema, .path = name_bad, .arg = name};

    ck_fails(engine_write_parquet(engine, &write, &arena, &files, &n, &err), CORRIE_E_NOT_FOUND,
             &err);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

SUITE(parquet_suite, "parquet", test_stats, test_row_groups, test_ids, test_cut, test_cut_groups,
      test_cut_groups_of_floats, test_write_errors, test_no_directory, test_cancelled)
