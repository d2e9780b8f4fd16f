/* Statements that rewrite files of which others have deleted rows: what is gone stays gone, what is there is hit. */
#include "lake/rewrite.h"

#include <corrie/care.h>
#include <corrie/corrie.h>
#include <corrie/sql.h>
#include <nanoarrow/nanoarrow.h>

#include "fixture.h"
#include "iceberg/snapshot.h"
#include "lake/tx_priv.h"

struct rewriting {
    struct fixture f;
    struct engine *engine;
    struct arena arena;
    int64_t number;
};

/* The statements' counts: rows inserted, updated and deleted by the last. */
struct counts {
    int64_t inserted;
    int64_t updated;
    int64_t deleted;
};

static int on_rows(void *context, size_t index, struct ArrowArrayStream *rows, corrie_error *err)
{
    struct rewriting *r = context;
    struct ArrowArray batch = {0};

    (void)index;
    (void)err;
    ck_assert_int_eq(rows->get_next(rows, &batch), 0);
    ck_assert_int_eq(batch.length, 1);
    r->number = ((const int64_t *)batch.children[0]->buffers[1])[0];
    batch.release(&batch);
    return 0;
}

static struct counts run(struct rewriting *r, const char *sql)
{
    corrie_sql_options options = {.size = sizeof options, .rows = on_rows, .rows_context = r};
    struct counts counts = {0};
    char *text = NULL;
    json_t *document;
    const json_t *list;
    const json_t *last;

    ck_ok(corrie_sql(r->f.lake, sql, &options, &text, &r->f.err), &r->f.err);
    document = fixture_json(text);
    list = json_object_get(document, "statements");
    last = json_array_get(list, json_array_size(list) - 1);
    counts.inserted = json_integer_value(json_object_get(last, "rows_inserted"));
    counts.updated = json_integer_value(json_object_get(last, "rows_updated"));
    counts.deleted = json_integer_value(json_object_get(last, "rows_deleted"));
    json_decref(document);
    return counts;
}

static int64_t number(struct rewriting *r, const char *sql)
{
    (void)run(r, sql);
    return r->number;
}

static int name_file(void *arg, unsigned ordinal, struct buf *ret, corrie_error *err)
{
    struct rewriting *r = arg;
    static int made;

    (void)ordinal;
    buf_addf(ret, "%s/deletes-%d.parquet", r->f.dir, made++);
    return buf_check(ret, err);
}

static struct data_file delete_file(struct rewriting *r, const char *sql,
                                    const struct schema *schema)
{
    struct engine_write write = {.sql = str_of(sql), .schema = schema, .path = name_file, .arg = r};
    struct engine_written *written;
    size_t n;

    ck_ok(engine_write_parquet(r->engine, &write, &r->arena, &written, &n, &r->f.err), &r->f.err);
    ck_assert_uint_eq(n, 1);
    return (struct data_file){
        .format = STR("PARQUET"),
        .path = str_of(arena_printf(&r->arena, "file://%.*s", STR_FMT(written[0].path))),
        .record_count = written[0].rows,
        .bytes = written[0].bytes};
}

/* Rows 0 and 9 of the first file go by their positions, n = 15 by its value. */
static void delete_as_others_do(struct rewriting *r)
{
    static const int by_n[] = {1};
    static struct field positions[] = {
        {.id = FIELD_DELETE_PATH, .name = STR("file_path"), .type = {.kind = TYPE_STRING}},
        {.id = FIELD_DELETE_POSITION, .name = STR("pos"), .type = {.kind = TYPE_LONG}}};
    static struct field values[] = {{.id = 1, .name = STR("n"), .type = {.kind = TYPE_LONG}}};
    _cleanup_(lake_target_done) struct lake_target target = {0};
    _cleanup_(table_version_done) struct table_version version = {0};
    struct data_file deletes[2];
    struct lake_table staged;
    struct lake_tx *tx;
    struct hash commit;
    corrie_error *err = &r->f.err;

    ck_ok(lake_tx_begin(r->f.lake, &(struct lake_tx_options){0}, &tx, err), err);
    ck_ok(lake_target_open(tx, STR("public"), STR("t"), &r->arena, &target, err), err);
    ck_ok(lake_target_scan(tx, &target, NULL, 0, &r->arena, err), err);
    ck_assert_uint_eq(target.scan.n_files, 3);
    deletes[0] = delete_file(r,
                             arena_printf(&r->arena,
                                          "SELECT '%.*s', p FROM (VALUES (0::BIGINT), (9)) AS v(p)",
                                          STR_FMT(target.scan.files[0].path)),
                             &(struct schema){.fields = positions, .n_fields = 2});
    deletes[0].content = FILE_CONTENT_POSITION_DELETES;
    deletes[1] = delete_file(r, "SELECT 15", &(struct schema){.fields = values, .n_fields = 1});
    deletes[1].content = FILE_CONTENT_EQUALITY_DELETES;
    deletes[1].equality_ids = by_n;
    deletes[1].n_equality_ids = 1;
    ck_ok(snapshot_row_delta(lake_io(r->f.lake), target.metadata, target.metadata_location, deletes,
                             2, &(struct snapshot_options){0}, &version, err),
          err);
    ck_ok(tx_stage_version(tx, &version, target.location, &target.table, &target.table, &r->arena,
                           &staged, err),
          err);
    ck_ok(lake_tx_publish(tx, &(struct lake_publish){.message = STR("deletes")}, &commit, err),
          err);
    lake_tx_free(tx);
}

static void three_files(struct rewriting *r)
{
    *r = (struct rewriting){0};
    fixture_init(&r->f);
    fixture_open(&r->f);
    ck_ok(engine_open(&(struct engine_options){0}, &r->engine, &r->f.err), &r->f.err);
    run(r, "CREATE TABLE t (n BIGINT, s VARCHAR)");
    run(r, "INSERT INTO t SELECT i, 'a' FROM range(10) AS r(i)");
    run(r, "INSERT INTO t SELECT i, 'b' FROM range(10, 20) AS r(i)");
    run(r, "INSERT INTO t SELECT i, 'c' FROM range(20, 30) AS r(i)");
}

static void rewriting_init(struct rewriting *r)
{
    three_files(r);
    delete_as_others_do(r);
    ck_assert_int_eq(number(r, "SELECT count(*) FROM t"), 27);
}

static void rewriting_done(struct rewriting *r)
{
    engine_close(r->engine);
    arena_done(&r->arena);
    fixture_done(&r->f);
}

START_TEST(updates_leave_deleted_rows_alone)
{
    struct rewriting r;

    rewriting_init(&r);
    ck_assert_int_eq(run(&r, "UPDATE t SET n = n + 100 WHERE n < 12").updated, 10);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 27);
    ck_assert_int_eq(number(&r, "SELECT sum(n)::BIGINT FROM t"), 411 + 1000);
    ck_assert_int_eq(run(&r, "UPDATE t SET s = 'x' WHERE n = 15").updated, 0);
    rewriting_done(&r);
}
END_TEST

START_TEST(deletes_count_what_was_there)
{
    struct rewriting r;

    rewriting_init(&r);
    ck_assert_int_eq(run(&r, "DELETE FROM t WHERE n < 16").deleted, 13);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 14);
    ck_assert_int_eq(run(&r, "INSERT INTO t VALUES (15, 'again')").inserted, 1);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t WHERE n = 15"), 1);
    ck_assert_int_eq(run(&r, "DELETE FROM t").deleted, 15);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 0);
    rewriting_done(&r);
}
END_TEST

START_TEST(all_of_a_table_with_deletes_goes)
{
    struct rewriting r;

    rewriting_init(&r);
    ck_assert_int_eq(run(&r, "TRUNCATE t").deleted, 27);
    ck_assert_int_eq(run(&r, "INSERT INTO t SELECT i, 'n' FROM range(20) AS r(i)").inserted, 20);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 20);
    rewriting_done(&r);
}
END_TEST

START_TEST(merges_do_not_match_deleted_rows)
{
    struct rewriting r;
    struct counts counts;

    rewriting_init(&r);
    counts = run(&r, "MERGE INTO t USING (VALUES (0), (5), (15)) AS v(n) ON t.n = v.n "
                     "WHEN MATCHED THEN UPDATE SET s = 'hit' "
                     "WHEN NOT MATCHED THEN INSERT (n, s) VALUES (v.n, 'new') "
                     "WHEN NOT MATCHED BY SOURCE AND t.n IN (9, 16) THEN DELETE");
    ck_assert_int_eq(counts.updated, 1);
    ck_assert_int_eq(counts.inserted, 2);
    ck_assert_int_eq(counts.deleted, 1);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 28);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t WHERE n IN (0, 9, 15)"), 2);
    rewriting_done(&r);
}
END_TEST

/* ---- compaction ---- */

/* Compacts t of a branch; what the answer says of `key`. */
static int64_t compact(struct rewriting *r, const char *branch, const char *key)
{
    const corrie_compact_options options = {.size = sizeof options, .branch = branch};
    json_t *document;
    int64_t value;
    char *text;

    ck_ok(corrie_table_compact(r->f.lake, "t", &options, &text, &r->f.err), &r->f.err);
    document = fixture_json(text);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "files_after")), 1);
    value = json_integer_value(json_object_get(document, key));
    json_decref(document);
    return value;
}

static void branch(struct rewriting *r, const char *name)
{
    const corrie_ref_options options = {.size = sizeof options, .from_ref = "main"};
    char *text;

    ck_ok(corrie_branch_create(r->f.lake, name, &options, &text, &r->f.err), &r->f.err);
    corrie_free(text);
}

/* Of a branch into main. */
static int merge(struct rewriting *r, const char *name)
{
    const corrie_merge_options options = {.size = sizeof options, .into = "main"};
    char *text = NULL;
    int result = corrie_branch_merge(r->f.lake, name, &options, &text, &r->f.err);

    corrie_free(text);
    return result;
}

static void check_sound(struct rewriting *r)
{
    char *text = NULL;

    ck_ok(corrie_fsck(r->f.lake, NULL, &text, &r->f.err), &r->f.err);
    corrie_free(text);
}

/* The table's files of deletes, and those of its rows that they apply to. */
static size_t deletes_left(struct rewriting *r)
{
    _cleanup_(lake_target_done) struct lake_target target = {0};
    _cleanup_(lake_tx_freep) struct lake_tx *tx = NULL;
    corrie_error *err = &r->f.err;

    ck_ok(lake_tx_begin(r->f.lake, &(struct lake_tx_options){0}, &tx, err), err);
    ck_ok(lake_target_open(tx, STR("public"), STR("t"), &r->arena, &target, err), err);
    ck_ok(lake_target_scan(tx, &target, NULL, 0, &r->arena, err), err);
    return target.scan.n_delete_files;
}

START_TEST(compaction_leaves_deleted_rows_behind)
{
    struct rewriting r;

    rewriting_init(&r);
    ck_assert_uint_eq(deletes_left(&r), 2);
    branch(&r, "before");
    ck_assert_int_eq(compact(&r, "main", "delete_files_removed"), 2);
    ck_assert_uint_eq(deletes_left(&r), 0);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 27);
    ck_assert_int_eq(number(&r, "SELECT sum(n)::BIGINT FROM t"), 411);
    ck_assert_int_eq(run(&r, "INSERT INTO t VALUES (15, 'again')").inserted, 1);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t WHERE n = 15"), 1);
    ck_assert_int_eq(merge(&r, "before"), 0); /* it has nothing new */
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 28);
    check_sound(&r);
    rewriting_done(&r);
}
END_TEST

/* Rows that came beside the compaction stay, also those of a value that was deleted before. */
START_TEST(what_is_appended_beside_a_compaction_stays)
{
    struct rewriting r;

    rewriting_init(&r);
    branch(&r, "dev");
    ck_assert_int_eq(compact(&r, "dev", "records"), 27);
    ck_assert_int_eq(run(&r, "INSERT INTO t VALUES (15, 'again'), (0, 'again')").inserted, 2);
    ck_ok(merge(&r, "dev"), &r.f.err);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 29);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t WHERE n IN (0, 9, 15)"), 2);
    check_sound(&r);
    rewriting_done(&r);
}
END_TEST

/* What was compacted without them would bring them back. */
START_TEST(rows_deleted_beside_a_compaction_do_not_return)
{
    struct rewriting r;

    three_files(&r);
    branch(&r, "dev");
    ck_assert_int_eq(compact(&r, "dev", "records"), 30);
    delete_as_others_do(&r);
    ck_fails(merge(&r, "dev"), CORRIE_E_CONFLICT, &r.f.err);
    ck_assert_int_eq(number(&r, "SELECT count(*) FROM t"), 27);
    check_sound(&r);
    rewriting_done(&r);
}
END_TEST

SUITE(rewrite_suite, "rewrite", updates_leave_deleted_rows_alone, deletes_count_what_was_there,
      all_of_a_table_with_deletes_goes, merges_do_not_match_deleted_rows,
      compaction_leaves_deleted_rows_behind, what_is_appended_beside_a_compaction_stays,
      rows_deleted_beside_a_compaction_do_not_return)
