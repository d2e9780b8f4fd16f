/* Reading tables: what a statement does not need is left out, what others deleted is gone. */
#include "fixture.h"

#include "catalog/catalog.h"
#include <nanoarrow/nanoarrow.h>

#include "engine/engine.h"
#include "iceberg/snapshot.h"
#include "lake/read.h"
#include "os/file.h"

enum { APPENDS = 6 };

static struct schema three_columns(void)
{
    static struct field fields[] = {
        {.name = STR("n"), .type = {.kind = TYPE_LONG}},
        {.name = STR("s"), .type = {.kind = TYPE_STRING}},
        {.name = STR("t"), .type = {.kind = TYPE_TIMESTAMPTZ}},
    };

    return (struct schema){.fields = fields, .n_fields = 3};
}

/* A table shop.sales of APPENDS files, ten rows each: n = 0 …, s = 'file <i>', t an hour a row. */
static void make_sales(struct fixture *f, struct engine *engine)
{
    struct schema schema = three_columns();
    struct lake_tx *tx;
    struct hash commit;

    ck_ok(lake_tx_begin(f->lake, &(struct lake_tx_options){.branch = STR("main")}, &tx, &f->err),
          &f->err);
    ck_ok(lake_tx_namespace(tx, STR("shop"), &f->err), &f->err);
    for (int i = 0; i < APPENDS; i++) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct lake_written written;
        char sql[200];
        struct str select;

        snprintf(sql, sizeof sql,
                 "SELECT %d + r, 'file %d', TIMESTAMPTZ '2026-01-01 00:00:00+00' + "
                 "to_hours(%d + r) FROM range(10) t(r)",
                 i * 10, i, i * 10);
        select = str_of(sql);
        struct lake_write write = {.ns = STR("shop"),
                                   .name = STR("sales"),
                                   .mode = LAKE_APPEND,
                                   .schema = &schema,
                                   .engine = engine,
                                   .selects = &select,
                                   .n_selects = 1};
        ck_ok(lake_tx_write(tx, &write, &arena, &written, &f->err), &f->err);
    }
    ck_ok(lake_tx_publish(tx, &(struct lake_publish){.message = STR("test"), .origin = true},
                          &commit, &f->err),
          &f->err);
    lake_tx_free(tx);
}

struct reader {
    struct fixture f;
    struct engine *engine;
    struct arena arena;
    struct lake_view view;
    struct lake_source source;
};

static void reader_init(struct reader *reader)
{
    *reader = (struct reader){0};
    fixture_init(&reader->f);
    fixture_open(&reader->f);
    ck_ok(engine_open(&(struct engine_options){.name_space = STR("shop")}, &reader->engine,
                      &reader->f.err),
          &reader->f.err);
    make_sales(&reader->f, reader->engine);
    ck_ok(lake_view_at(reader->f.lake, STR("main"), &reader->view, &reader->f.err), &reader->f.err);
    reader->source = (struct lake_source){.view = &reader->view, .snapshot_id = SNAPSHOT_NONE};
    ck_ok(lake_table_get(&reader->view, STR("shop"), STR("sales"), &reader->arena,
                         &reader->source.table, &reader->f.err),
          &reader->f.err);
}

static void reader_done(struct reader *reader)
{
    engine_close(reader->engine);
    arena_done(&reader->arena);
    fixture_done(&reader->f);
}

/* The one number that a statement gives, after lake_define. */
static int64_t number(struct reader *reader, const char *sql, struct lake_scan **ret)
{
    struct ArrowArrayStream stream = {0};
    struct lake_described described = {.row_groups = true};
    struct ArrowArray array = {0};
    int64_t value;

    ck_ok(lake_define(reader->engine, &reader->source, 1, str_of(sql), NULL, STR("shop"),
                      &reader->arena, ret ? &described : NULL, &reader->f.err),
          &reader->f.err);
    if (ret) {
        *ret = described.scans;
    }
    ck_ok(engine_query(reader->engine, str_of(sql), NULL, &stream, &reader->f.err), &reader->f.err);
    ck_assert_int_eq(stream.get_next(&stream, &array), 0);
    ck_assert_ptr_nonnull(array.release);
    ck_assert_int_eq(array.length, 1);
    value = ((const int64_t *)array.children[0]->buffers[1])[0];
    array.release(&array);
    stream.release(&stream);
    return value;
}

START_TEST(files_that_cannot_match_are_left_out)
{
    static const struct {
        const char *where;
        int64_t rows;
        int64_t files; /* that are left */
    } cases[] = {
        {"true", 60, 6},
        {"n = 25", 1, 1},
        {"n < 10", 10, 1},
        {"n BETWEEN 15 AND 24", 10, 2},
        {"n IN (3, 55)", 2, 2},
        {"n IN (3, 55, 99)", 2, 2},
        {"n = 7 OR n = 41", 2, 2},
        {"n < 5 OR n > 57", 7, 2},
        {"s = 'file 3'", 10, 1},
        {"s LIKE 'file 3%'", 10, 1},
        {"s >= 'file 4'", 20, 2},
        {"s IS NULL", 0, 0},
        {"s IS NOT NULL", 60, 6},
        {"n > 1000", 0, 0},
        {"t < TIMESTAMPTZ '2026-01-01 05:00:00+00'", 5, 1},
        {"t >= TIMESTAMPTZ '2026-01-03 02:00:00+00' AND n <> 51", 9, 1},
        {"t = '2026-01-01 12:00:00+00'", 1, 1},
        {"date_trunc('day', t) = TIMESTAMPTZ '2026-01-02 00:00:00+00'", 24, 3},
        {"n = 12 AND s = 'file 4'", 0, 0},
        {"n + 1 = 13", 1, 6}, /* nothing is known of it: nothing is left out */
    };
    struct reader reader;

    reader_init(&reader);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct lake_scan *scan = NULL;
        char sql[300];
        int64_t rows;

        snprintf(sql, sizeof sql, "SELECT count(*) FROM sales WHERE %s", cases[i].where);
        rows = number(&reader, sql, &scan);
        ck_assert_msg(rows == cases[i].rows, "%s: %lld rows", sql, (long long)rows);
        ck_assert_int_eq(scan->files, APPENDS);
        ck_assert_msg(scan->files - scan->files_pruned <= cases[i].files, "%s: %lld files left",
                      sql, (long long)(scan->files - scan->files_pruned));
        ck_assert_int_eq(scan->row_groups, scan->files - scan->files_pruned);
        ck_assert_int_eq(scan->row_groups_pruned,
                         0); /* one a file, which would be left out whole */
        /* without a report the same rows come */
        ck_assert_int_eq(number(&reader, sql, NULL), rows);
    }
    reader_done(&reader);
}
END_TEST

START_TEST(several_scans_of_one_table)
{
    /* a file that any of them needs stays */
    struct lake_scan *scan = NULL;
    struct reader reader;

    reader_init(&reader);
    ck_assert_int_eq(number(&reader,
                            "SELECT (SELECT count(*) FROM sales WHERE n < 3) + "
                            "(SELECT count(*) FROM sales WHERE n > 56)",
                            &scan),
                     6);
    ck_assert_int_eq(scan->files - scan->files_pruned, 2);
    ck_assert_uint_eq(scan->n_columns, 1);
    ck_assert_str_eq(scan->columns[0].data, "n");
    ck_assert_uint_eq(scan->n_filters, 0);
    ck_assert_int_eq(number(&reader,
                            "SELECT count(*) FROM sales a JOIN sales b ON a.n = b.n + 30 "
                            "WHERE a.s = 'file 3'",
                            &scan),
                     10);
    reader_done(&reader);
}
END_TEST

START_TEST(older_snapshots)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct lake_scan *scan = NULL;
    struct reader reader;

    reader_init(&reader);
    ck_ok(lake_table_metadata(reader.f.lake, &reader.source.table, &metadata, &reader.f.err),
          &reader.f.err);
    reader.source.snapshot_id = metadata->snapshots[1].id;
    ck_assert_int_eq(number(&reader, "SELECT count(*) FROM sales", &scan), 20);
    ck_assert_int_eq(scan->snapshot_id, metadata->snapshots[1].id);
    reader.source.snapshot_id = 12345;
    ck_fails(lake_define(reader.engine, &reader.source, 1, STR("SELECT 1 FROM sales"), NULL,
                         STR("shop"), &reader.arena, NULL, &reader.f.err),
             CORRIE_E_NOT_FOUND, &reader.f.err);
    reader_done(&reader);
}
END_TEST

/* A delete file beside the table's data, with the rows of `sql`. */
static struct data_file add_delete_file(struct reader *reader, const char *sql, const char *name,
                                        int64_t *ret_rows)
{
    struct data_file file = {.format = STR("PARQUET")};
    char *path = arena_printf(&reader->arena, "%s/%s.parquet", reader->f.dir, name);
    corrie_error *err = &reader->f.err;

    ck_ok(engine_export(reader->engine, str_of(sql), NULL, ENGINE_OUT_PARQUET, str_of(path),
                        ret_rows, err),
          err);
    file.path = str_of(arena_printf(&reader->arena, "file://%s", path));
    file.record_count = *ret_rows;
    file.bytes = 1000;
    return file;
}

static void copy_file(struct str from, struct str to)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    _free_ char *source = str_dup(from);
    _free_ char *target = str_dup(to);
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(os_file_read(source, SIZE_MAX, &bytes, &err), &err);
    ck_ok(os_file_replace(target, buf_str(&bytes), 0600, &err), &err);
}

START_TEST(deletes_of_others)
{
    /* positions and equal rows that another engine deleted do not come back; files added later are whole */
    static const int by_n[] = {1};
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct table_version version = {0};
    struct lake_scan *reported = NULL;
    struct data_file deletes[2];
    struct reader reader;
    struct scan scan;
    int64_t rows;

    reader_init(&reader);
    corrie_error *err = &reader.f.err;
    ck_ok(lake_table_metadata(reader.f.lake, &reader.source.table, &metadata, err), err);
    ck_ok(lake_read_plan(reader.f.lake, &reader.source.table, metadata, NULL, NULL, 0,
                         &reader.arena, &scan, err),
          err);
    deletes[0] = add_delete_file(
        &reader,
        arena_printf(&reader.arena,
                     "SELECT '%.*s' AS file_path, p AS pos FROM (VALUES (0::BIGINT), (9)) t(p)",
                     STR_FMT(scan.files[0].path)),
        "positions", &rows);
    deletes[0].content = FILE_CONTENT_POSITION_DELETES;
    /* field ids are what an equality delete is read by: one is taken from the table's own file */
    deletes[1] = scan.files[3];
    deletes[1].content = FILE_CONTENT_EQUALITY_DELETES;
    deletes[1].equality_ids = by_n;
    deletes[1].n_equality_ids = 1;
    deletes[1].path = add_delete_file(&reader, "SELECT 1 AS unused", "equal", &rows).path;
    copy_file(str_from(scan.files[3].path, 7), str_from(deletes[1].path, 7));
    ck_ok(snapshot_row_delta(lake_io(reader.f.lake), metadata, STR_EMPTY, deletes, 2,
                             &(struct snapshot_options){0}, &version, err),
          err);
    reader.source.table.metadata_location = str_of(version.location);
    ck_assert_int_eq(number(&reader, "SELECT count(*) FROM sales", &reported), 48);
    ck_assert_int_eq(reported->delete_files, 2);
    ck_assert_int_eq(number(&reader, "SELECT sum(n) FROM sales WHERE n < 10", NULL), 36);
    ck_assert_int_eq(number(&reader, "SELECT count(*) FROM sales WHERE s = 'file 3'", NULL), 0);
    ck_ok(lake_table_define(&reader.view, &reader.source.table, reader.engine, NULL, 0, STR_EMPTY,
                            err),
          err);
    table_version_done(&version);
    reader_done(&reader);
}
END_TEST

SUITE(read_suite, "read", files_that_cannot_match_are_left_out, several_scans_of_one_table,
      older_snapshots, deletes_of_others)
