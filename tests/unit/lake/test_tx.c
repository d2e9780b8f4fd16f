#include "fixture.h"

#include "catalog/catalog.h"
#include "engine/engine.h"

static struct engine *open_engine(struct fixture *f)
{
    struct engine *engine;

    ck_ok(engine_open(&(struct engine_options){0}, &engine, &f->err), &f->err);
    return engine;
}

static int write_rows(struct fixture *f, struct lake_tx *tx, struct engine *engine,
                      const char *table, enum lake_write_mode mode, const char *sql,
                      struct arena *arena, struct lake_written *ret)
{
    struct schema schema = one_column("n");
    struct str select = str_of(sql);
    struct lake_write write = {.ns = STR("ns"),
                               .name = str_of(table),
                               .mode = mode,
                               .schema = &schema,
                               .engine = engine,
                               .selects = &select,
                               .n_selects = mode == LAKE_CREATE ? 0 : 1};

    ck_ok(lake_tx_namespace(tx, STR("ns"), &f->err), &f->err);
    return lake_tx_write(tx, &write, arena, ret, &f->err);
}

static struct lake_tx *begin(struct fixture *f, const char *job)
{
    struct lake_tx *tx;

    ck_ok(lake_tx_begin(f->lake,
                        &(struct lake_tx_options){
                            .branch = STR("main"), .job = str_of(job), .steps = job != NULL},
                        &tx, &f->err),
          &f->err);
    return tx;
}

static int publish(struct fixture *f, struct lake_tx *tx, struct hash *ret)
{
    return lake_tx_publish(tx, &(struct lake_publish){.message = STR("test"), .origin = true}, ret,
                           &f->err);
}

/* 1 and the record count, or 0 */
static int records(struct fixture *f, const char *ref, const char *table, int64_t *ret)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_table found;
    struct lake_view view;
    int r;

    ck_ok(lake_view_at(f->lake, str_of(ref), &view, &f->err), &f->err);
    r = lake_table_find(&view, STR("ns"), str_of(table), &arena, &found, &f->err);
    ck_ok(r, &f->err);
    *ret = r > 0 ? found.records : -1;
    return r;
}

START_TEST(rows_become_a_commit)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_written written;
    struct engine *engine;
    struct lake_tx *tx;
    struct hash commit;
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    fixture_open(&f);
    engine = open_engine(&f);
    tx = begin(&f, NULL);
    ck_ok(write_rows(&f, tx, engine, "t", LAKE_APPEND, "SELECT range AS n FROM range(5)", &arena,
                     &written),
          &f.err);
    ck_assert(written.created);
    ck_assert_int_eq(written.rows, 5);
    ck_assert_int_eq(records(&f, "main", "t", &n), 0); /* nothing is seen before it is published */
    ck_assert_int_eq(publish(&f, tx, &commit), 1);
    lake_tx_free(tx);
    records(&f, "main", "t", &n);
    ck_assert_int_eq(n, 5);

    tx = begin(&f, NULL);
    ck_ok(write_rows(&f, tx, engine, "t", LAKE_APPEND, "SELECT 7 AS n", &arena, &written), &f.err);
    ck_ok(write_rows(&f, tx, engine, "t", LAKE_APPEND, "SELECT 8 AS n", &arena, &written), &f.err);
    ck_assert_int_eq(written.table.records, 7);
    ck_ok(publish(&f, tx, &commit), &f.err);
    lake_tx_free(tx);

    tx = begin(&f, NULL);
    ck_assert_int_eq(write_rows(&f, tx, engine, "t", LAKE_CREATE, "", &arena, &written),
                     CORRIE_E_EXISTS);
    corrie_error_clear(&f.err);
    ck_ok(write_rows(&f, tx, engine, "t", LAKE_REPLACE, "SELECT 1 AS n", &arena, &written), &f.err);
    ck_ok(publish(&f, tx, &commit), &f.err);
    lake_tx_free(tx);
    records(&f, "main", "t", &n);
    ck_assert_int_eq(n, 1);
    records(&f, "main~1", "t", &n);
    ck_assert_int_eq(n, 7);
    engine_close(engine);
    fixture_done(&f);
}
END_TEST

START_TEST(nothing_to_do_makes_no_commit)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_written written;
    struct engine *engine;
    struct hash commit;
    struct hash before;
    struct lake_tx *tx;
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    engine = open_engine(&f);
    tx = begin(&f, NULL);
    ck_ok(write_rows(&f, tx, engine, "t", LAKE_CREATE, "", &arena, &written), &f.err);
    ck_ok(publish(&f, tx, &before), &f.err);
    lake_tx_free(tx);
    tx = begin(&f, NULL);
    ck_ok(
        write_rows(&f, tx, engine, "t", LAKE_APPEND, "SELECT 1 AS n WHERE false", &arena, &written),
        &f.err);
    ck_assert_int_eq(publish(&f, tx, &commit), 0);
    ck_assert(hash_eq(&commit, &before));
    lake_tx_free(tx);
    engine_close(engine);
    fixture_done(&f);
}
END_TEST

START_TEST(different_tables_both_land_and_the_same_conflicts)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_written written;
    struct engine *engine;
    struct lake_tx *first;
    struct lake_tx *second;
    struct lake_tx *third;
    struct hash commit;
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    fixture_open(&f);
    engine = open_engine(&f);
    first = begin(&f, NULL);
    second = begin(&f, NULL);
    third = begin(&f, NULL);
    ck_ok(write_rows(&f, first, engine, "a", LAKE_APPEND, "SELECT 1 AS n", &arena, &written),
          &f.err);
    ck_ok(write_rows(&f, second, engine, "b", LAKE_APPEND, "SELECT 2 AS n", &arena, &written),
          &f.err);
    ck_ok(write_rows(&f, third, engine, "a", LAKE_APPEND, "SELECT 3 AS n", &arena, &written),
          &f.err);
    ck_ok(publish(&f, first, &commit), &f.err);
    ck_ok(publish(&f, second, &commit), &f.err);
    ck_assert_int_eq(publish(&f, third, &commit), CORRIE_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&f.err), "ns.a"));
    ck_assert_ptr_nonnull(f.err.detail);
    ck_assert_ptr_nonnull(strstr(f.err.hint, "again")); /* there is no --ours for an import */
    corrie_error_clear(&f.err);
    ck_assert_int_eq(records(&f, "main", "a", &n), 1);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(records(&f, "main", "b", &n), 1);
    lake_tx_free(first);
    lake_tx_free(second);
    lake_tx_free(third);
    engine_close(engine);
    fixture_done(&f);
}
END_TEST

#define JOB "11111111-2222-4333-8444-555555555555"

START_TEST(steps_are_seen_on_tx_until_published)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_written written;
    struct catalog_ref ref;
    struct engine *engine;
    struct lake_tx *tx;
    struct hash commit;
    struct fixture f;
    int64_t n;

    fixture_init(&f);
    fixture_open(&f);
    engine = open_engine(&f);
    tx = begin(&f, JOB);
    ck_str_eq(lake_tx_ref(tx), STR("tx/" JOB));
    ck_ok(write_rows(&f, tx, engine, "a", LAKE_REPLACE, "SELECT 1 AS n", &arena, &written), &f.err);
    ck_ok(lake_tx_step(tx, STR("Write a"), &f.err), &f.err);
    ck_ok(write_rows(&f, tx, engine, "b", LAKE_REPLACE, "SELECT 1 AS n", &arena, &written), &f.err);
    ck_ok(lake_tx_step(tx, STR("Write b"), &f.err), &f.err);
    ck_assert_int_eq(records(&f, "tx/" JOB, "b", &n), 1);
    ck_assert_int_eq(records(&f, "main", "a", &n), 0);
    ck_assert_int_eq(publish(&f, tx, &commit), 1);
    lake_tx_free(tx);
    ck_assert_int_eq(records(&f, "main", "a", &n), 1);
    ck_assert_int_eq(records(&f, "main", "b", &n), 1);
    ck_assert_int_eq(catalog_ref_find(lake_catalog(f.lake), STR("tx/" JOB), &ref, &f.err), 0);
    {
        _json_ json_t *log = NULL;
        char *text;

        ck_ok(corrie_log(f.lake, "main", NULL, &text, &f.err), &f.err);
        log = fixture_json(text);
        ck_assert_uint_eq(json_array_size(json_object_get(log, "commits")), 2); /* squashed */
    }
    engine_close(engine);
    fixture_done(&f);
}
END_TEST

START_TEST(the_ledger_remembers)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str files[] = {STR("data/ns/t/data/1.parquet")};
    struct ledger_entry entry = {.location = STR("file:///in/a.csv"),
                                 .version = STR("1:2"),
                                 .size = 2,
                                 .sha256 = hash_bytes(STR("x")),
                                 .rows = 5,
                                 .job = STR(JOB),
                                 .data_files = files,
                                 .n_data_files = 1};
    struct uuid table = uuid_random();
    struct ledger_entry found;
    struct lake_view view;
    struct lake_tx *tx;
    struct fixture f;
    char longer[600];

    fixture_init(&f);
    fixture_open(&f);
    tx = begin(&f, NULL);
    view = lake_tx_view(tx);
    ck_assert_int_eq(lake_ledger_find(&view, &table, entry.location, &arena, &found, &f.err), 0);
    ck_ok(lake_tx_ledger(tx, &table, &entry, 1, &f.err), &f.err);
    entry.version = STR("3:4");
    ck_ok(lake_tx_ledger(tx, &table, &entry, 1, &f.err), &f.err);
    memset(longer, 'a', sizeof longer);
    entry.location = str_make(longer, sizeof longer);
    ck_ok(lake_tx_ledger(tx, &table, &entry, 1, &f.err), &f.err);
    view = lake_tx_view(tx);
    ck_assert_int_eq(
        lake_ledger_find(&view, &table, STR("file:///in/a.csv"), &arena, &found, &f.err), 1);
    ck_str_eq(found.version, STR("3:4"));
    ck_assert_uint_eq(found.n_data_files, 1);
    ck_str_eq(found.data_files[0], files[0]);
    ck_assert_int_eq(lake_ledger_find(&view, &table, entry.location, &arena, &found, &f.err), 1);
    ck_ok(lake_tx_ledger_clear(tx, &table, &f.err), &f.err);
    view = lake_tx_view(tx);
    ck_assert_int_eq(lake_ledger_find(&view, &table, entry.location, &arena, &found, &f.err), 0);
    lake_tx_free(tx);
    fixture_done(&f);
}
END_TEST

SUITE(tx_suite, "transactions", rows_become_a_commit, nothing_to_do_makes_no_commit,
      different_tables_both_land_and_the_same_conflicts, steps_are_seen_on_tx_until_published,
      the_ledger_remembers)
