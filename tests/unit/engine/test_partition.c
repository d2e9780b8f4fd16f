/* Files a partition: which rows are where, in which order, and what is said of them. */
#include <dirent.h>
#include <unistd.h>

#include "help.h"

static int name_part(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    (void)err;
    buf_addf(ret, "%s/%s-%u.parquet", scratch(), (const char *)arg, ordinal);
    return 0;
}

static int try_write(struct engine *engine, const char *sql, const struct schema *schema,
                     struct engine_write write, struct arena *arena, struct engine_written **ret,
                     size_t *ret_n, corrie_error *err)
{
    write.sql = str_of(sql);
    write.schema = schema;
    write.path = name_part;
    write.arg = (void *)(uintptr_t) "part";
    return engine_write_parquet(engine, &write, arena, ret, ret_n, err);
}

static size_t write_parts(struct engine *engine, const char *sql, const struct schema *schema,
                          struct engine_write write, struct arena *arena,
                          struct engine_written **ret)
{
    corrie_error err = CORRIE_ERROR_INIT;
    size_t n = 0;

    ck_ok(try_write(engine, sql, schema, write, arena, ret, &n, &err), &err);
    return n;
}

static struct engine_partition_field field(int id, const char *transform)
{
    struct engine_partition_field made = {.source_id = id};

    ck_assert(transform_parse(str_of(transform), &made.transform));
    return made;
}

/* Files in the scratch directory, hidden ones too. */
static size_t count_files(void)
{
    DIR *dir = opendir(scratch());
    size_t n = 0;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(dir);
    return n;
}

/* "value" of one field of a file's tuple. */
static const char *value_text(const struct type *type, struct str value)
{
    static struct buf out[4];
    static unsigned turn;
    struct buf *text = &out[turn++ % 4];
    corrie_error err = CORRIE_ERROR_INIT;

    buf_clear(text);
    if (!value.data) {
        return "null";
    }
    ck_ok(scalar_print(type, value, text, &err), &err);
    return buf_text(text);
}

static const char *rows_in(struct engine *engine, const struct engine_written *file,
                           const char *columns)
{
    static struct buf sql;

    buf_clear(&sql);
    buf_addf(&sql, "SELECT %s FROM read_parquet('%.*s')", columns, STR_FMT(file->path));
    return rows_of(engine, buf_text(&sql));
}

START_TEST(test_values)
{
    /* a file under a wrong partition value is not found by who asks for its rows. Buckets: Iceberg's appendix B and
     * PyIceberg; the others by hand */
    static const struct {
        const char *type;
        const char *transform;
        const char *value; /* SQL; a second row is null */
        const char *expected;
    } cases[] = {
        {"INTEGER", "bucket[16]", "34", "3"},
        {"BIGINT", "bucket[16]", "34", "3"},
        {"DECIMAL(9,2)", "bucket[16]", "14.20", "3"},
        {"DECIMAL(20,2)", "bucket[16]", "14.20", "3"},
        {"DATE", "bucket[16]", "DATE '2017-11-16'", "10"},
        {"TIME", "bucket[16]", "TIME '22:31:08'", "3"},
        {"TIMESTAMP", "bucket[16]", "TIMESTAMP '2017-11-16 22:31:08'", "7"},
        {"TIMESTAMP WITH TIME ZONE", "bucket[16]", "TIMESTAMPTZ '2017-11-16 14:31:08-08'", "7"},
        {"VARCHAR", "bucket[16]", "'iceberg'", "9"},
        {"UUID", "bucket[16]", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'", "12"},
        {"BLOB", "bucket[16]", "'\\x00\\x01\\x02\\x03'::BLOB", "9"},
        {"INTEGER", "truncate[10]", "-1", "-10"},
        {"BIGINT", "truncate[10]", "19", "10"},
        {"DECIMAL(9,2)", "truncate[50]", "10.65", "10.50"},
        {"VARCHAR", "truncate[3]", "'äöüß/x'", "äöü"},
        {"BLOB", "truncate[1]", "'\\x00\\x01'::BLOB", "00"},
        {"DATE", "year", "DATE '1969-12-31'", "-1"},
        {"DATE", "month", "DATE '1969-12-31'", "-1"},
        {"DATE", "day", "DATE '1969-12-31'", "1969-12-31"},
        {"TIMESTAMP", "year", "TIMESTAMP '2017-11-16 22:31:08'", "47"},
        {"TIMESTAMP", "month", "TIMESTAMP '2017-11-16 22:31:08'", "574"},
        {"TIMESTAMP", "day", "TIMESTAMP '1969-12-31 23:59:59.999999'", "1969-12-31"},
        {"TIMESTAMP", "hour", "TIMESTAMP '1969-12-31 23:59:59.999999'", "-1"},
        {"TIMESTAMP WITH TIME ZONE", "hour", "TIMESTAMPTZ '2017-11-16 22:31:08+01'", "419685"},
        {"BOOLEAN", "identity", "false", "false"},
        {"INTEGER", "identity", "-5", "-5"},
        {"BIGINT", "identity", "5000000000", "5000000000"},
        {"FLOAT", "identity", "'nan'::FLOAT", "NaN"},
        {"DOUBLE", "identity", "-0.0::DOUBLE", "-0.0"},
        {"DECIMAL(4,1)", "identity", "-0.1", "-0.1"},
        {"DECIMAL(38,0)", "identity", "-99999999999999999999999999999999999999",
         "-99999999999999999999999999999999999999"},
        {"DATE", "identity", "DATE '0001-01-01'", "0001-01-01"},
        {"TIME", "identity", "TIME '00:00:00.000001'", "00:00:00.000001"},
        {"TIMESTAMP", "identity", "TIMESTAMP '2017-11-16 22:31:08'", "2017-11-16T22:31:08"},
        {"VARCHAR", "identity", "''", ""},
        {"VARCHAR", "identity", "'a/b=c ''\"%\xc3\xa9'", "a/b=c '\"%\xc3\xa9"},
        {"UUID", "identity", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'",
         "f79c3e09-677c-4bbd-a479-3f349cb785e7"},
        {"UUID", "identity", "'00000000-0000-0000-0000-000000000001'",
         "00000000-0000-0000-0000-000000000001"},
        {"BLOB", "identity", "'\\x00\\xFF'::BLOB", "00ff"},
        {"BIGINT", "void", "5", "null"},
    };
    struct engine *engine = engine_plain();
    struct arena arena = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[100];
        char sql[300];
        struct engine_written *files;
        struct engine_partition_field by = field(2, cases[i].transform);
        struct schema schema;
        struct type type;
        size_t n;

        snprintf(text, sizeof text, "k BIGINT;v %s", cases[i].type);
        snprintf(sql, sizeof sql, "SELECT 1, %s UNION ALL SELECT 2, NULL", cases[i].value);
        schema = schema_of(&arena, text);
        n = write_parts(engine, sql, &schema,
                        (struct engine_write){.partition = &by, .n_partition = 1}, &arena, &files);
        ck_assert_msg(transform_result(&by.transform, &schema.fields[1].type, &type), "%s", text);
        ck_assert_uint_eq(n, by.transform.kind == TRANSFORM_VOID ? 1 : 2);
        ck_assert_msg(strcmp(value_text(&type, files[0].partition[0]), cases[i].expected) == 0,
                      "%s of %s is %s", cases[i].transform, cases[i].value,
                      value_text(&type, files[0].partition[0]));
        ck_assert_str_eq(value_text(&type, files[n - 1].partition[0]), "null");
        ck_assert_str_eq(rows_in(engine, &files[0], "k"), n == 1 ? "1\n2" : "1");
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_order)
{
    /* rows come back in the order they had, in each partition; nothing is lost or twice, whatever DuckDB's threads and
     * its own limits on open files do */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;day DATE;id BIGINT;rowid VARCHAR");
    struct engine_partition_field by[] = {field(3, "bucket[700]"), field(2, "month")};
    struct engine_written *files;
    size_t n = write_parts(
        engine,
        "SELECT k, CASE WHEN k % 11 = 0 THEN NULL ELSE DATE '2024-01-01' + "
        "(k % 50)::INTEGER END, hash(k) % 100000, 'r' || k FROM range(300000) t(k)",
        &schema, (struct engine_write){.partition = by, .n_partition = 2}, &arena, &files);
    int64_t rows = 0;

    ck_assert_uint_eq(n, 700 * 3);
    for (size_t i = 0; i < n; i += 97) {
        const char *bad = "count(*) FILTER (k <= before), count(*) FILTER (rowid <> 'r' || k) FROM "
                          "(SELECT *, lag(k) OVER (ORDER BY file_row_number) AS before";
        struct buf sql = {0};

        buf_addf(&sql, "SELECT %s FROM read_parquet('%.*s', file_row_number = true))", bad,
                 STR_FMT(files[i].path));
        ck_assert_str_eq(rows_of(engine, buf_text(&sql)), "0|0");
        buf_done(&sql);
    }
    for (size_t i = 0; i < n; i++) {
        rows += files[i].rows;
        ck_assert_uint_eq(files[i].n_columns, 4);
    }
    ck_assert_int_eq(rows, 300000);
    ck_assert_uint_eq(count_files(), n); /* none of ours or of DuckDB's names is left */
    struct buf all = {0};
    buf_addf(&all, "SELECT count(DISTINCT k), sum(k) FROM read_parquet('%s/*')", scratch());
    ck_assert_str_eq(rows_of(engine, buf_text(&all)), "300000|44999850000");
    buf_done(&all);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_order_of_small)
{
    /* small partitions share COPYs, and vectors with their neighbours: wherever one ends, rows keep the query's order */
    static const int sizes[] = {37, 100, 126, 127, 500, 1023, 1333, 5000};
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;p BIGINT");
    struct engine_partition_field by = field(2, "identity");

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct engine_written *files;
        char sql[100];
        size_t n;

        snprintf(sql, sizeof sql, "SELECT k, k // %d FROM range(60000) t(k)", sizes[i]);
        n = write_parts(engine, sql, &schema,
                        (struct engine_write){.partition = &by, .n_partition = 1}, &arena, &files);
        struct buf all = {0};
        buf_addf(&all,
                 "SELECT count(*), count(*) FILTER (k <= before) FROM (SELECT k, lag(k) OVER "
                 "(PARTITION BY p ORDER BY file_row_number) AS before FROM "
                 "read_parquet('%s/*', file_row_number = true))",
                 scratch());
        ck_assert_str_eq(rows_of(engine, buf_text(&all)), "60000|0");
        buf_done(&all);
        for (size_t k = 0; k < n; k++) {
            ck_assert_int_eq(unlink(files[k].path.data), 0);
        }
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

/* How many row groups a file has. */
static const char *groups_in(struct engine *engine, const struct engine_written *file)
{
    static struct buf sql;

    buf_clear(&sql);
    buf_addf(&sql, "SELECT num_row_groups FROM parquet_file_metadata('%.*s')", STR_FMT(file->path));
    return rows_of(engine, buf_text(&sql));
}

START_TEST(test_near)
{
    /* partitions that lie in ranges, or are few, are written without a sort: each row is in its file, in order */
    static const char *const partitions[] = {
        "k % 3",                                   /* few, one among the others */
        "k // 50000",                              /* one behind the other */
        "9 - k // 30000",                          /* … and not in their order */
        "k // 50000 + (hash(k) % 97 = 0)::BIGINT", /* rows that came late */
        "CASE WHEN k % 1000 = 5 THEN NULL WHEN k < 299000 THEN k // 100000 ELSE k END",
        "k * 7919 % 40", /* sorted */
    };
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;p BIGINT");
    struct engine_partition_field by = field(2, "identity");

    for (size_t i = 0; i < ARRAY_LEN(partitions); i++) {
        struct engine_written *files;
        struct buf sql = {0};
        size_t n;

        buf_addf(&sql, "SELECT k, %s FROM range(300000) t(k)", partitions[i]);
        n = write_parts(engine, buf_text(&sql), &schema,
                        (struct engine_write){.partition = &by, .n_partition = 1}, &arena, &files);
        buf_clear(&sql);
        buf_addf(&sql,
                 "SELECT count(*), sum(k), count(*) FILTER (k <= before), count(*) FILTER (p IS "
                 "DISTINCT FROM %s) FROM (SELECT *, lag(k) OVER (PARTITION BY filename ORDER BY "
                 "file_row_number) AS before FROM read_parquet('%s/*', file_row_number = true))",
                 partitions[i], scratch());
        ck_assert_str_eq(rows_of(engine, buf_text(&sql)), "300000|44999850000|0|0");
        for (size_t k = 0; k < n; k++) {
            char bounds[100];
            const char *value = value_text(&schema.fields[1].type, files[k].partition[0]);

            snprintf(bounds, sizeof bounds, "%s|%s", value, value);
            ck_assert_str_eq(rows_in(engine, &files[k], "min(p), max(p)"), bounds);
        }
        for (size_t k = 0; k < n; k++) {
            ck_assert_int_eq(unlink(files[k].path.data), 0);
        }
        ck_assert_uint_eq(count_files(), 0);
        buf_done(&sql);
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_short_groups)
{
    /* DuckDB ends row groups where its batches end, in files of fewer rows as well: a NaN in the first is counted, else
     * who asks for what is above all numbers does not find it */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;p BIGINT;x DOUBLE;s STRUCT(f FLOAT)");
    struct engine_partition_field by = field(2, "identity");
    struct engine_written *files;
    size_t n = write_parts(
        engine,
        "SELECT k, CASE WHEN k BETWEEN 123750 AND 245859 THEN 0 ELSE 1 END, CASE k WHEN 123800 THEN "
        "'nan'::DOUBLE ELSE k END, {'f': CASE k WHEN 123801 THEN 'nan'::FLOAT END} FROM "
        "range(245900) t(k)",
        &schema,
        (struct engine_write){.partition = &by, .n_partition = 1, .target_bytes = 100000000},
        &arena, &files);

    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(groups_in(engine, &files[0]), "2");
    ck_assert_int_eq(files[0].rows, 122110);
    ck_assert_int_eq(files[0].columns[2].nan_count, 1);
    ck_assert_int_eq(files[0].columns[3].nan_count, 1);
    ck_assert_uint_eq(files[0].n_split_offsets, 2);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_large)
{
    /* a partition of many rows becomes files near the target size, in order; the others stay one */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;p VARCHAR");
    struct engine_partition_field by = field(2, "identity");
    struct engine_written *files;
    size_t n = write_parts(
        engine,
        "SELECT (hash(k) >> 1)::BIGINT, CASE WHEN k % 100 = 0 THEN 'small' ELSE "
        "'large' END FROM (SELECT k::UBIGINT k FROM range(1000000) t(k))",
        &schema, (struct engine_write){.partition = &by, .n_partition = 1, .target_bytes = 1000000},
        &arena, &files);

    ck_assert_uint_ge(n, 7);
    for (size_t i = 0; i < n; i++) {
        bool small = i == n - 1;

        ck_assert(str_eq(files[i].partition[0], small ? STR("small") : STR("large")));
        ck_assert_int_gt(files[i].bytes, small ? 0 : 500000);
        ck_assert_int_lt(files[i].bytes, 2000000);
    }
    ck_assert_uint_eq(count_files(), n);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_at_once)
{
    /* partitions that are written at the same time: each file has its rows in the query's order, the files come partition
     * by partition, DuckDB has its threads again, and of a failure no file is left */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;p INTEGER;v BIGINT");
    struct engine_partition_field by = field(2, "identity");
    const char *sql =
        "SELECT k, (k * 7919 % 12)::INTEGER, CASE WHEN k = 239999 THEN NULL ELSE k END "
        "FROM range(240000) t(k)";
    const char *ordered =
        "count(*), sum(k), bool_and(k > before) FROM (SELECT k, lag(k, 1, -1) OVER "
        "(ORDER BY file_row_number) AS before";
    corrie_error err = CORRIE_ERROR_INIT;
    struct engine_written *files;
    size_t n;
    char threads[32];

    snprintf(threads, sizeof threads, "%s", rows_of(engine, "SELECT current_setting('threads')"));
    ck_assert_uint_eq(write_parts(engine, sql, &schema,
                                  (struct engine_write){.partition = &by, .n_partition = 1}, &arena,
                                  &files),
                      12);
    for (int i = 0; i < 12; i++) {
        struct buf all = {0};
        char wanted[64];

        snprintf(wanted, sizeof wanted, "%d", i);
        ck_assert_str_eq(value_text(&schema.fields[1].type, files[i].partition[0]), wanted);
        ck_assert_int_eq(files[i].rows, 20000);
        /* 7919 is 11 of 12, so k is the value's negative there */
        snprintf(wanted, sizeof wanted, "20000|%lld|1",
                 20000LL * ((12 - i) % 12) + 12LL * 19999 * 20000 / 2);
        buf_addf(&all, "SELECT %s FROM read_parquet('%.*s', file_row_number = true))", ordered,
                 STR_FMT(files[i].path));
        ck_assert_str_eq(rows_of(engine, buf_text(&all)), wanted);
        ck_assert_int_eq(unlink(files[i].path.data), 0);
        buf_done(&all);
    }
    ck_assert_str_eq(rows_of(engine, "SELECT current_setting('threads')"), threads);
    ck_assert_str_eq(rows_of(engine, "SELECT count(*) FROM duckdb_tables()"), "0");
    schema.fields[2].required = true;
    ck_fails(try_write(engine, sql, &schema,
                       (struct engine_write){.partition = &by, .n_partition = 1}, &arena, &files,
                       &n, &err),
             CORRIE_E_DATA, &err);
    ck_assert_uint_eq(count_files(), 0);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_order_by)
{
    /* a sorted table is sorted in each file, and what is equal keeps its order */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;a BIGINT;p BIGINT");
    struct engine_partition_field by = field(3, "identity");
    struct engine_written *files;
    const char *sql =
        "SELECT * FROM (VALUES (1, 2, 0), (2, 1, 1), (3, 2, 0), (4, 1, 0), (5, NULL, 0))";
    struct engine_write write = {.order_by = STR("a DESC NULLS FIRST")};

    ck_assert_uint_eq(write_parts(engine, sql, &schema, write, &arena, &files), 1);
    ck_assert_ptr_null(files[0].partition);
    ck_assert_str_eq(rows_in(engine, &files[0], "k"), "5\n1\n3\n2\n4");
    write.partition = &by;
    write.n_partition = 1;
    ck_assert_uint_eq(write_parts(engine, sql, &schema, write, &arena, &files), 2);
    ck_assert_str_eq(rows_in(engine, &files[0], "k"), "5\n1\n3\n4");
    ck_assert_str_eq(rows_in(engine, &files[1], "k"), "2");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

/* A write that fails with this code and text, and has removed all it began. */
static void fails(struct engine *engine, const char *sql, const struct schema *schema,
                  struct engine_write write, int code, const char *text)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct arena arena = {0};
    struct engine_written *files;
    size_t n;

    ck_assert_int_eq(try_write(engine, sql, schema, write, &arena, &files, &n, &err), code);
    ck_assert_msg(strstr(corrie_error_message(&err), text), "%s", corrie_error_message(&err));
    corrie_error_clear(&err);
    arena_done(&arena);
    ck_assert_uint_eq(count_files(), 0);
}

START_TEST(test_refused)
{
    /* what cannot be written leaves nothing behind, and says why */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;s VARCHAR;f DOUBLE");
    struct engine_partition_field by = field(1, "identity");
    struct engine_partition_field by_float = field(3, "bucket[3]");
    struct engine_partition_field by_none = field(9, "identity");
    struct engine_write write = {.partition = &by, .n_partition = 1};
    struct engine_written *files;
    size_t n;

    fails(engine, "SELECT k, CASE WHEN k = 70000 THEN 'x' ELSE '1' END, 1 FROM range(100000) t(k)",
          &schema, (struct engine_write){.check = STR("s = '1'"), .check_name = STR("the rule")},
          CORRIE_E_DATA, "does not satisfy the rule");
    schema.fields[1].required = true;
    fails(engine, "SELECT k, CASE WHEN k = 1500 THEN NULL ELSE '1' END, 1 FROM range(2000) t(k)",
          &schema, write, CORRIE_E_DATA, "column s: 1 null,");
    fails(engine, "SELECT k, 's', 1 FROM range(100001) t(k)", &schema, write, CORRIE_E_LIMIT,
          "more than 100000 partitions");
    fails(engine, "SELECT 1, 's', 1", &schema,
          (struct engine_write){.partition = &by_float, .n_partition = 1}, CORRIE_E_USAGE,
          "no such transform");
    fails(engine, "SELECT 1, 's', 1", &schema,
          (struct engine_write){.partition = &by_none, .n_partition = 1}, CORRIE_E_USAGE,
          "no such column");
    fails(engine, "SELECT corrie_partition(1, k), 's', 1 FROM range(5) t(k)", &schema, write,
          CORRIE_E_DATA, "not for queries");
    fails(engine, "SELECT 1, 's', 1", &schema, (struct engine_write){.codec = STR("lzo")},
          CORRIE_E_UNSUPPORTED, "lzo");
    n = write_parts(engine, "SELECT 1, 's', 1 LIMIT 0", &schema, write, &arena, &files);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(count_files(), 0);
    /* and the engine goes on */
    ck_assert_uint_eq(
        write_parts(engine, "SELECT k, 's', 1 FROM range(3) t(k)", &schema, write, &arena, &files),
        3);
    ck_assert_uint_eq(count_files(), 3);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_nested)
{
    /* a column inside a struct partitions as any other; a locked engine, which models have, may do it too */
    struct engine *engine = engine_locked(scratch());
    struct engine *reader = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "s STRUCT(\"a b\" BIGINT, c VARCHAR);k BIGINT");
    struct engine_partition_field by[] = {field(schema.fields[0].type.fields[0].id, "truncate[2]"),
                                          field(schema.fields[0].type.fields[1].id, "identity")};
    struct engine_written *files;

    ck_assert_uint_eq(
        write_parts(
            engine, "SELECT CASE WHEN k < 5 THEN {'a b': k, 'c': 'x'} END, k FROM range(6) t(k)",
            &schema, (struct engine_write){.partition = by, .n_partition = 2}, &arena, &files),
        4);
    ck_assert_str_eq(rows_in(reader, &files[1], "s.\"a b\", k"), "2|2\n3|3");
    ck_assert_ptr_null(files[3].partition[0].data);
    ck_assert_ptr_null(files[3].partition[1].data);
    engine_close(engine);
    engine_close(reader);
    arena_done(&arena);
}
END_TEST

START_TEST(test_layout)
{
    /* row groups and compression are the table's to say */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "k BIGINT;f DOUBLE");
    struct engine_written *files;
    struct buf sql = {0};

    ck_assert_uint_eq(
        write_parts(
            engine,
            "SELECT k, CASE WHEN k = 7 THEN 'nan'::DOUBLE ELSE k END FROM range(10000) t(k)",
            &schema, (struct engine_write){.row_group_rows = 4096, .codec = STR("snappy")}, &arena,
            &files),
        1);
    ck_assert_uint_eq(files[0].n_split_offsets, 3);
    ck_assert_int_eq(files[0].columns[1].nan_count, 1);
    buf_addf(&sql, "SELECT DISTINCT compression FROM parquet_metadata('%.*s')",
             STR_FMT(files[0].path));
    ck_assert_str_eq(rows_of(engine, buf_text(&sql)), "SNAPPY");
    ck_assert_uint_eq(write_parts(engine, "SELECT k, 1 FROM range(10000) t(k)", &schema,
                                  (struct engine_write){.row_group_bytes = 16 * 5000}, &arena,
                                  &files),
                      1);
    ck_assert_uint_eq(files[0].n_split_offsets, 2);
    buf_done(&sql);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

SUITE(partition_suite, "partition", test_values, test_order, test_order_of_small, test_near,
      test_short_groups, test_large, test_at_once, test_order_by, test_refused, test_nested,
      test_layout)
