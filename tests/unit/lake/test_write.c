/* Partitioned writes, overwriting partitions, evolving columns: what a table holds afterwards. */
#include "scene.h"

#include <dirent.h>
#include <nanoarrow/nanoarrow.h>

#include "iceberg/scan.h"

/* "k BIGINT;s VARCHAR" */
static struct schema schema_of(struct scene *s, const char *text)
{
    struct schema schema = {0};
    struct str rest = str_of(text);

    schema.fields = arena_array(&s->arena, struct field, 16);
    while (rest.len > 0) {
        struct field *field = &schema.fields[schema.n_fields++];
        struct str item;

        (void)str_cut(rest, ';', &item, &rest);
        ck_assert(str_cut(item, ' ', &field->name, &item));
        ck_ok(type_from_sql(item, field->name, &s->arena, &field->type, &s->f.err), &s->f.err);
    }
    return schema;
}

/* One write in a commit of its own: its result, errors in s->f.err. */
static int try_put(struct scene *s, const char *columns, const char *sql, const char *by,
                   struct lake_write write, struct lake_written *ret)
{
    struct schema schema = schema_of(s, columns);
    struct lake_tx *tx = scene_begin(s, "main", NULL);
    struct partition_by_term *terms = NULL;
    struct str select = str_of(sql);
    struct hash commit;
    int r;

    ck_ok(partition_parse(str_of(by), &s->arena, &terms, &write.n_partition_by, &s->f.err),
          &s->f.err);
    write.partition_by = terms;
    write.ns = STR("ns");
    write.name = STR("t");
    write.schema = &schema;
    write.engine = s->engine;
    write.selects = &select;
    write.n_selects = sql ? 1 : 0;
    ck_ok(lake_tx_namespace(tx, STR("ns"), &s->f.err), &s->f.err);
    r = lake_tx_write(tx, &write, &s->arena, ret, &s->f.err);
    if (r >= 0) {
        ck_ok(
            lake_tx_publish(tx, &(struct lake_publish){.message = STR("test")}, &commit, &s->f.err),
            &s->f.err);
    }
    lake_tx_free(tx);
    return r;
}

static struct lake_written put(struct scene *s, const char *columns, const char *sql,
                               const char *by, struct lake_write write)
{
    struct lake_written written = {0};

    ck_ok(try_put(s, columns, sql, by, write, &written), &s->f.err);
    return written;
}

static void add_texts(const struct ArrowArray *column, struct buf *out)
{
    const int32_t *offsets = column->buffers[1];

    for (int64_t i = column->offset; i < column->offset + column->length; i++) {
        buf_add_text(out, out->len > 0 ? " " : "");
        buf_add(out, (const char *)column->buffers[2] + offsets[i],
                (size_t)(offsets[i + 1] - offsets[i]));
    }
}

/* The texts that SQL over the table `t` gives, in the order in which its rows come: an aggregate would not keep it,
 * since DuckDB joins what its threads made as they end. */
static const char *ask(struct scene *s, const char *sql)
{
    static struct buf out;
    struct ArrowArrayStream rows = {0};
    struct ArrowArray batch = {0};
    struct lake_table table = scene_table(s, "main", "t");
    struct lake_view view;

    ck_ok(lake_view_at(s->f.lake, STR("main"), &view, &s->f.err), &s->f.err);
    ck_ok(lake_table_define(&view, &table, s->engine, NULL, 0, STR_EMPTY, &s->f.err), &s->f.err);
    ck_ok(engine_query(s->engine, str_of(sql), NULL, &rows, &s->f.err), &s->f.err);
    buf_clear(&out);
    for (;;) {
        if (rows.get_next(&rows, &batch) != 0) {
            engine_stream_error(&rows, &s->f.err);
            ck_abort_msg("%s", corrie_error_message(&s->f.err));
        }
        if (!batch.release) {
            break;
        }
        add_texts(batch.children[0], &out);
        batch.release(&batch);
    }
    rows.release(&rows);
    return buf_text(&out);
}

#define ROWS(expression) "SELECT CAST(" expression " AS VARCHAR) FROM ns.t"

/* The default spec, "name=transform …", and after it the partitions of live files by their order. */
static const char *partitions(struct scene *s)
{
    static struct buf out;
    struct lake_table table = scene_table(s, "main", "t");
    struct table_metadata *metadata;
    const struct partition_spec *spec;
    struct scan scan;

    ck_ok(lake_table_metadata(s->f.lake, &table, &metadata, &s->f.err), &s->f.err);
    ck_ok(scan_plan(&s->f.lake->io, metadata, NULL, NULL, 0, &s->arena, &scan, &s->f.err),
          &s->f.err);
    buf_clear(&out);
    spec = metadata_spec(metadata);
    for (size_t i = 0; i < spec->n_fields; i++) {
        buf_addf(&out, "%s%.*s=%.*s", i ? " " : "", STR_FMT(spec->fields[i].name),
                 STR_FMT(spec->fields[i].transform));
    }
    for (size_t i = 0; i < scan.n_files; i++) {
        buf_addf(&out, "%s", " |");
        ck_assert_uint_eq(scan.files[i].n_partition,
                          metadata_spec_by_id(metadata, scan.files[i].spec_id)->n_fields);
        for (size_t k = 0; k < scan.files[i].n_partition; k++) {
            struct str value = scan.files[i].partition[k].bytes;
            const struct partition_spec *own = metadata_spec_by_id(metadata, scan.files[i].spec_id);

            buf_add_char(&out, ' ');
            if (value.data) {
                ck_ok(scalar_print(&own->fields[k].result_type, value, &out, &s->f.err), &s->f.err);
            } else {
                buf_add_text(&out, "null");
            }
        }
        buf_addf(&out, " %lld", (long long)scan.files[i].record_count);
    }
    metadata_free(metadata);
    return buf_text(&out);
}

/* Parquet files below the root, named by a table or not. */
static size_t count_files(const char *path)
{
    DIR *dir = opendir(path);
    size_t n = 0;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char below[4096];

        if (entry->d_name[0] == '.' && strncmp(entry->d_name, ".corrie", 7) != 0) {
            continue;
        }
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        n += strstr(entry->d_name, ".parquet") != NULL || count_files(below) > 0
                 ? (strstr(entry->d_name, ".parquet") ? 1 : count_files(below))
                 : 0;
    }
    if (dir) {
        closedir(dir);
    }
    return n;
}

static size_t files_of(struct scene *s)
{
    return count_files(arena_printf(&s->arena, "%.*s", STR_FMT(s->f.lake->root)));
}

#define COLUMNS "k BIGINT;day TIMESTAMP;region VARCHAR"
#define SOME                                                                                       \
    "SELECT * FROM (VALUES (1, TIMESTAMP '2024-01-01 10:00:00', 'eu'), (2, TIMESTAMP "             \
    "'2024-01-02 10:00:00', 'eu'), (3, TIMESTAMP '2024-01-01 11:00:00', 'us'), (4, TIMESTAMP "     \
    "'2024-01-01 12:00:00', 'eu'), (5, NULL, 'eu'))"
#define BY_DAY_AND_REGION "day_day=day region=identity"

START_TEST(partitioned)
{
    /* rows are where their partition says, in their order, and later appends follow the table's partitioning */
    struct lake_written written;
    struct scene s;

    scene_init(&s);
    written = put(&s, COLUMNS, NULL, "day(day), region", (struct lake_write){.mode = LAKE_CREATE});
    ck_assert(written.created);
    written = put(&s, COLUMNS, SOME, "", (struct lake_write){.mode = LAKE_APPEND});
    ck_assert_int_eq(written.rows, 5);
    ck_assert_int_eq(written.partitions, 4);
    ck_assert_str_eq(partitions(&s), BY_DAY_AND_REGION
                     " | 2024-01-01 eu 2 | 2024-01-01 us 1 | 2024-01-02 eu 1 | null eu 1");
    ck_assert_str_eq(ask(&s, ROWS("k")), "1 4 3 2 5");
    put(&s, COLUMNS, "SELECT 6, NULL, 'us'", "days(day), region",
        (struct lake_write){.mode = LAKE_APPEND});
    ck_assert_str_eq(ask(&s, ROWS("k")), "1 4 3 2 5 6");
    ck_assert_int_eq(
        try_put(&s, COLUMNS, SOME, "region", (struct lake_write){.mode = LAKE_APPEND}, &written),
        CORRIE_E_DATA);
    ck_assert(scene_said(&s, "partitioned otherwise"));
    ck_assert_int_eq(
        try_put(&s, COLUMNS, SOME, "reg", (struct lake_write){.mode = LAKE_APPEND}, &written),
        CORRIE_E_NOT_FOUND);
    ck_assert(scene_said(&s, "no column"));
    scene_done(&s);
}
END_TEST

START_TEST(replaced)
{
    /* a replacement keeps the partitioning or gets another; what it cannot keep it does not drop silently */
    struct lake_written written;
    struct scene s;

    scene_init(&s);
    put(&s, COLUMNS, SOME, "region", (struct lake_write){.mode = LAKE_REPLACE});
    ck_assert_str_eq(partitions(&s), "region=identity | eu 4 | us 1");
    put(&s, "k BIGINT;region VARCHAR", "SELECT 1, 'x'", "",
        (struct lake_write){.mode = LAKE_REPLACE});
    ck_assert_str_eq(partitions(&s), "region=identity | x 1");
    ck_assert_int_eq(try_put(&s, "k BIGINT", "SELECT 1", "",
                             (struct lake_write){.mode = LAKE_REPLACE}, &written),
                     CORRIE_E_DATA);
    ck_assert(scene_said(&s, "partitioned by region"));
    ck_assert_int_eq(try_put(&s, "k BIGINT;region BIGINT", "SELECT 1, 2", "",
                             (struct lake_write){.mode = LAKE_REPLACE}, &written),
                     CORRIE_E_DATA);
    corrie_error_clear(&s.f.err);
    put(&s, "k BIGINT", "SELECT 7", "",
        (struct lake_write){.mode = LAKE_REPLACE, .partitioning = LAKE_PARTITION_SET});
    ck_assert_str_eq(partitions(&s), " | 1");
    put(&s, "k BIGINT;region VARCHAR", "SELECT range, 'r' FROM range(4)", "bucket(2, k)",
        (struct lake_write){.mode = LAKE_REPLACE, .partitioning = LAKE_PARTITION_SET});
    ck_assert_str_eq(partitions(&s), "k_bucket_2=bucket[2] | 0 3 | 1 1");
    put(&s, "k BIGINT;region VARCHAR", "SELECT 1, 'r' WHERE false", "",
        (struct lake_write){.mode = LAKE_REPLACE});
    ck_assert_str_eq(partitions(&s), "k_bucket_2=bucket[2]");
    scene_done(&s);
}
END_TEST

START_TEST(overwritten)
{
    /* the partitions that new rows fall into are replaced whole; the others stay as they were */
    struct lake_written written;
    struct scene s;

    scene_init(&s);
    put(&s, COLUMNS, SOME, "day(day), region",
        (struct lake_write){.mode = LAKE_OVERWRITE_PARTITIONS});
    written = put(&s, COLUMNS,
                  "SELECT * FROM (VALUES (10, TIMESTAMP '2024-01-01 01:00:00', 'eu'), "
                  "(11, NULL, 'eu'), (12, TIMESTAMP '2024-01-09 00:00:00', 'eu'))",
                  "day(day), region", (struct lake_write){.mode = LAKE_OVERWRITE_PARTITIONS});
    ck_assert_int_eq(written.rows, 3);
    ck_assert_int_eq(written.removed_rows, 3);
    ck_assert_str_eq(ask(&s, "SELECT string_agg(k, ' ' ORDER BY k) FROM ns.t"), "2 3 10 11 12");
    put(&s, COLUMNS, "SELECT 1, NULL, 'x' WHERE false", "",
        (struct lake_write){.mode = LAKE_OVERWRITE_PARTITIONS});
    ck_assert_str_eq(ask(&s, "SELECT string_agg(k, ' ' ORDER BY k) FROM ns.t"), "2 3 10 11 12");
    put(&s, "k BIGINT", "SELECT 1", "",
        (struct lake_write){.mode = LAKE_REPLACE, .partitioning = LAKE_PARTITION_SET});
    ck_assert_int_eq(try_put(&s, "k BIGINT", "SELECT 2", "",
                             (struct lake_write){.mode = LAKE_OVERWRITE_PARTITIONS}, &written),
                     CORRIE_E_DATA);
    ck_assert(scene_said(&s, "not partitioned"));
    scene_done(&s);
}
END_TEST

START_TEST(overwritten_where)
{
    /* rows that the condition admits go, also where a file holds others beside them, which keep their order */
    struct lake_write write = {.mode = LAKE_OVERWRITE_PARTITIONS,
                               .overwrite_filter = STR("k BETWEEN 3 AND 12 or s = 'gone'")};
    struct lake_written written;
    struct scene s;
    size_t before;

    scene_init(&s);
    put(&s, "k BIGINT;s VARCHAR", "SELECT range, 'a' FROM range(5)", "",
        (struct lake_write){.mode = LAKE_APPEND});
    put(&s, "k BIGINT;s VARCHAR", "SELECT range, NULL FROM range(5, 10)", "",
        (struct lake_write){.mode = LAKE_APPEND});
    put(&s, "k BIGINT;s VARCHAR", "SELECT range, 'c' FROM range(14, 9, -1)", "",
        (struct lake_write){.mode = LAKE_APPEND});
    put(&s, "k BIGINT;s VARCHAR", "SELECT 20, NULL", "", (struct lake_write){.mode = LAKE_APPEND});
    written =
        put(&s, "k BIGINT;s VARCHAR", "SELECT 7, 'new' UNION ALL SELECT 99, 'gone'", "", write);
    ck_assert_int_eq(written.rows, 2);
    ck_assert_int_eq(written.removed_rows, 2 + 5 + 3);
    ck_assert_str_eq(ask(&s, ROWS("k")), "20 0 1 2 14 13 7 99");

    before = files_of(&s);
    ck_assert_int_eq(try_put(&s, "k BIGINT;s VARCHAR", "SELECT 3, 'x' UNION ALL SELECT 13, 'x'", "",
                             write, &written),
                     CORRIE_E_DATA);
    ck_assert(scene_said(&s, "does not satisfy overwrite_filter"));
    ck_assert_uint_eq(files_of(&s), before);
    write.overwrite_filter = STR("kk = 3");
    ck_assert_int_eq(try_put(&s, "k BIGINT;s VARCHAR", "SELECT 3, 'x'", "", write, &written),
                     CORRIE_E_PROJECT);
    corrie_error_clear(&s.f.err);
    write.overwrite_filter = STR("k < 1000");
    written = put(&s, "k BIGINT;s VARCHAR", "SELECT 3, 'x' WHERE false", "", write);
    ck_assert_int_eq(written.removed_rows, 8);
    ck_assert_str_eq(ask(&s, ROWS("k")), "");
    scene_done(&s);
}
END_TEST

#define KEYED "k BIGINT;d DATE;s VARCHAR"
#define KEYED_ROW(k, d, s) "SELECT " #k " AS k, DATE '2024-01-0" #d "' AS d, '" s "' AS s"

START_TEST(merged)
{
    /* rows with the keys of new ones go, also beside others in a file, which keep their order; null is no key's value */
    static const struct str keys[] = {STR("k"), STR("d")};
    struct lake_write write = {.mode = LAKE_MERGE, .keys = keys, .n_keys = 2};
    struct lake_written written;
    struct scene s;
    size_t before;

    scene_init(&s);
    written = put(&s, KEYED, KEYED_ROW(1, 1, "a") " UNION ALL " KEYED_ROW(1, 2, "b"), "", write);
    ck_assert(written.created);
    ck_assert_int_eq(written.rows, 2);
    put(&s, KEYED, "SELECT range, DATE '2024-01-05', 'c' FROM range(10, 4, -1)", "",
        (struct lake_write){.mode = LAKE_APPEND});
    put(&s, KEYED, "SELECT 8, NULL, 'd'", "", (struct lake_write){.mode = LAKE_APPEND});
    before = files_of(&s);
    written = put(&s, KEYED,
                  KEYED_ROW(8, 5, "new") " UNION ALL " KEYED_ROW(
                      1, 2, "new") " UNION ALL " KEYED_ROW(1, 3, "new"),
                  "", write);
    ck_assert_int_eq(written.rows, 3);
    ck_assert_int_eq(written.removed_rows, 2);
    ck_assert_str_eq(ask(&s, ROWS("k || s")), "8d 1a 10c 9c 7c 6c 5c 8new 1new 1new");

    /* what no file can hold is added, and nothing else is written */
    before = files_of(&s);
    written = put(&s, KEYED, KEYED_ROW(100, 9, "far"), "", write);
    ck_assert_int_eq(written.removed_rows, 0);
    ck_assert_uint_eq(files_of(&s), before + 1);
    written = put(&s, KEYED, KEYED_ROW(1, 1, "none") " WHERE false", "", write);
    ck_assert_int_eq(written.rows, 0);
    ck_assert_int_eq(written.removed_rows, 0);
    scene_done(&s);
}
END_TEST

START_TEST(merged_by_keys_that_will_not_do)
{
    static const struct str keys[] = {STR("k"), STR("d")};
    static const struct str other[] = {STR("kk")};
    struct lake_write write = {.mode = LAKE_MERGE, .keys = keys, .n_keys = 2};
    struct lake_written written;
    struct scene s;

    scene_init(&s);
    put(&s, KEYED, KEYED_ROW(1, 1, "a"), "", write);
    ck_assert_int_eq(try_put(&s, KEYED,
                             "SELECT range AS k, NULL::DATE AS d, 'x' AS s FROM range(3)", "",
                             write, &written),
                     CORRIE_E_DATA);
    ck_assert(scene_said(&s, "3 of the new rows have no value in the key d"));
    ck_assert_int_eq(try_put(&s, KEYED,
                             KEYED_ROW(5, 2, "x") " UNION ALL " KEYED_ROW(
                                 5, 2, "y") " UNION ALL " KEYED_ROW(5, 3, "x"),
                             "", write, &written),
                     CORRIE_E_DATA);
    ck_assert(scene_said(&s, "2 of the new rows have the same keys: k = 5, d = 2024-01-02"));
    write.keys = other;
    write.n_keys = 1;
    ck_assert_int_eq(try_put(&s, KEYED, KEYED_ROW(5, 2, "x"), "", write, &written), CORRIE_E_DATA);
    ck_assert(scene_said(&s, "no column kk, which is a key"));
    ck_assert_str_eq(ask(&s, ROWS("k || s")), "1a");
    scene_done(&s);
}
END_TEST

START_TEST(evolved)
{
    /* an append may bring columns and wider types, if it says so; older rows are null there */
    struct lake_write write = {.mode = LAKE_APPEND};
    struct lake_written written;
    struct scene s;

    scene_init(&s);
    put(&s, "k INTEGER;st STRUCT(a INTEGER)", "SELECT 1, {'a': 1}", "", write);
    ck_assert_int_eq(try_put(&s, "k BIGINT;st STRUCT(a INTEGER, b VARCHAR);extra DATE",
                             "SELECT 5000000000, {'a': 2, 'b': 'x'}, DATE '2024-01-01'", "", write,
                             &written),
                     CORRIE_E_DATA);
    ck_assert(strstr(s.f.err.hint ? s.f.err.hint : "", "--evolve") != NULL ||
              strstr(corrie_error_message(&s.f.err), "extra") != NULL);
    corrie_error_clear(&s.f.err);
    write.evolve = true;
    put(&s, "k BIGINT;st STRUCT(a INTEGER, b VARCHAR);extra DATE",
        "SELECT 5000000000, {'a': 2, 'b': 'x'}, DATE '2024-01-01'", "", write);
    ck_assert_str_eq(ask(&s, ROWS("concat_ws('/', k, st.a, coalesce(st.b, '-'), "
                                  "coalesce(extra::VARCHAR, '-'))")),
                     "1/1/-/- 5000000000/2/x/2024-01-01");
    /* a text does not become a number's column */
    ck_assert_int_eq(try_put(&s, "k VARCHAR;st STRUCT(a INTEGER, b VARCHAR);extra DATE",
                             "SELECT 'x', NULL, NULL", "", write, &written),
                     CORRIE_E_DATA);
    corrie_error_clear(&s.f.err);
    scene_done(&s);
}
END_TEST

START_TEST(laid_out)
{
    /* sizes are the table's to say, and nonsense in a property is refused, not guessed */
    struct property small[] = {{STR("write.target-file-size-bytes"), STR("100000")},
                               {STR("write.parquet.compression-codec"), STR("snappy")}};
    struct property bad[] = {{STR("write.target-file-size-bytes"), STR("128MB")}};
    struct lake_written written;
    struct scene s;

    scene_init(&s);
    written =
        put(&s, "k BIGINT", "SELECT hash(range) >> 1 FROM range(100000)", "",
            (struct lake_write){.mode = LAKE_REPLACE, .properties = small, .n_properties = 2});
    ck_assert_int_gt(written.table.files, 4);
    written = put(&s, "k BIGINT", "SELECT hash(range) >> 1 FROM range(100000)", "",
                  (struct lake_write){.mode = LAKE_APPEND});
    ck_assert_int_gt(written.table.files, 8);
    ck_assert_int_eq(
        try_put(&s, "k BIGINT", "SELECT 1", "",
                (struct lake_write){.mode = LAKE_APPEND, .properties = bad, .n_properties = 1},
                &written),
        CORRIE_E_DATA);
    ck_assert(scene_said(&s, "write.target-file-size-bytes"));
    scene_done(&s);
}
END_TEST

SUITE(write_suite, "write", partitioned, replaced, overwritten, overwritten_where, merged,
      merged_by_keys_that_will_not_do, evolved, laid_out)
