/* What a statement names and what a locked engine refuses. */
#include "help.h"

static struct engine_statement inspect(struct engine *engine, const char *sql, struct arena *arena)
{
    struct engine_statement statement = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_inspect(engine, str_of(sql), NULL, arena, &statement, &err), &err);
    return statement;
}

/* The tables that `sql` names as "a.b c". */
static const char *tables_of(struct engine *engine, const char *sql)
{
    static struct buf out;
    struct arena arena = {0};
    struct engine_statement statement = inspect(engine, sql, &arena);

    buf_clear(&out);
    for (size_t i = 0; i < statement.n_tables; i++) {
        const struct engine_table_ref *ref = &statement.tables[i];

        buf_addf(&out, "%s%.*s%s%.*s%s%.*s", i ? " " : "", STR_FMT(ref->catalog),
                 ref->catalog.len ? "." : "", STR_FMT(ref->schema), ref->schema.len ? "." : "",
                 STR_FMT(ref->name));
    }
    arena_done(&arena);
    return buf_text(&out);
}

START_TEST(test_names)
{
    /* a table that is not found here is not read at the right version, or not at all */
    struct engine *engine = engine_plain();

    ck_assert_str_eq(tables_of(engine, "SELECT * FROM a JOIN s.b USING (i), c.s.d WHERE x IN "
                                       "(SELECT 1 FROM e) AND EXISTS (FROM f)"),
                     "a s.b c.s.d e f");
    ck_assert_str_eq(tables_of(engine, "WITH a AS (SELECT * FROM b) SELECT * FROM a, c"), "b c");
    /* a CTE that has a table's name reads the table */
    ck_assert_str_eq(tables_of(engine, "WITH a AS (SELECT * FROM a) SELECT * FROM a"), "a");
    ck_assert_str_eq(tables_of(engine,
                               "WITH RECURSIVE r AS (SELECT 1 i UNION ALL SELECT i + 1 FROM r, t "
                               "WHERE i < 9) SELECT * FROM r"),
                     "t");
    ck_assert_str_eq(
        tables_of(engine, "WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b"), "");
    /* the inner WITH hides only inside */
    ck_assert_str_eq(tables_of(engine, "SELECT * FROM (WITH a AS (SELECT 1) FROM a) q, a"), "a");
    ck_assert_str_eq(tables_of(engine,
                               "SELECT (SELECT max(v) FROM x), 1 FROM y ORDER BY (SELECT 1 FROM "
                               "z) LIMIT (SELECT 2 FROM w)"),
                     "x y z w");
    ck_assert_str_eq(
        tables_of(engine, "SELECT 1 FROM a UNION SELECT 2 FROM b EXCEPT SELECT 3 FROM a"), "a b");
    ck_assert_str_eq(tables_of(engine, "SELECT * FROM (PIVOT p ON k IN ('x', 'y') USING sum(v))"),
                     "p");
    ck_assert_str_eq(tables_of(engine, "VALUES (1), (2)"), "");
    ck_assert_str_eq(tables_of(engine, "FROM \"odd name\".\"t\"\"x\""), "odd name.t\"x");
    ck_assert_str_eq(tables_of(engine, "SELECT * FROM t ASOF JOIN u ON t.a >= u.a "
                                       "POSITIONAL JOIN v"),
                     "t u v");
    engine_close(engine);
}
END_TEST

START_TEST(test_flags)
{
    /* a result of random() is never reused; one of now() is pinned to the start of the job */
    struct engine *engine = engine_plain();
    struct arena arena = {0};

    ck_assert(inspect(engine, "SELECT a + random() FROM t", &arena).volatile_);
    ck_assert(inspect(engine, "SELECT * FROM t WHERE k = uuid()", &arena).volatile_);
    ck_assert(!inspect(engine, "SELECT 'random()' FROM t", &arena).volatile_);
    ck_assert(inspect(engine, "SELECT now()", &arena).clock);
    ck_assert(inspect(engine, "SELECT current_date", &arena).clock);
    ck_assert(inspect(engine, "SELECT CURRENT_TIMESTAMP", &arena).clock);
    ck_assert(!inspect(engine, "SELECT today_s FROM t", &arena).clock);
    ck_assert_uint_eq(inspect(engine, "SELECT 1, (COLUMNS(*))", &arena).star, 11);
    ck_assert_uint_eq(inspect(engine, "SELECT 1, sum(1) OVER ()", &arena).window, 10);
    ck_assert(inspect(engine, "SELECT (SELECT sum(1) OVER ())", &arena).window == SIZE_MAX);
    ck_assert_uint_eq(inspect(engine, "SELECT 1, #1", &arena).star, 10);
    ck_assert_uint_eq(inspect(engine, "SELECT 1, UnNest([1])", &arena).unnest, 10);
    ck_assert(inspect(engine, "SELECT (SELECT max(unnest) FROM unnest([1]))", &arena).unnest ==
              SIZE_MAX);
    ck_assert(inspect(engine, "SELECT count(*), (SELECT max(COLUMNS(*)) FROM t)", &arena).star ==
              SIZE_MAX);
    ck_assert(inspect(engine, "SELECT * FROM 'dir/x.parquet'", &arena).tables[0].is_file);
    ck_assert(!inspect(engine, "SELECT * FROM x", &arena).tables[0].is_file);
    ck_assert_uint_eq(inspect(engine, "SELECT\n *\nFROM x", &arena).tables[0].offset, 15);
    arena_done(&arena);
    engine_close(engine);
}
END_TEST

START_TEST(test_locked)
{
    /* SQL of a model reads tables that it was given, and nothing else of the machine */
    static const char *const refused[] = {
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM 'x.parquet'",
        "SELECT * FROM \"a.csv\"",
        "SELECT * FROM parquet_metadata('x.parquet')",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM query('SELECT 1')",
        "SELECT * FROM query_table('t')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM pragma_database_list()",
        "SELECT * FROM corrie_arrow(0)",
        "WITH x AS (SELECT * FROM read_json('/etc/x.json')) SELECT * FROM x",
        "SELECT (SELECT max(content) FROM read_text('/etc/passwd'))",
        "SELECT * FROM t WHERE 1 IN (SELECT 1 FROM glob('/*'))",
        "DESCRIBE t",
        "SHOW TABLES",
        "SUMMARIZE t",
    };
    static const char *const not_select[] = {
        "COPY t TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "SET threads = 9",
        "CREATE TABLE x AS SELECT 1",
        "EXPLAIN SELECT 1",
        "EXPORT DATABASE '/tmp/x'",
        "CALL pragma_version()",
        "USE memory",
        "BEGIN",
        "CHECKPOINT",
        "INSERT INTO t VALUES (1)",
        "SELECT 1; COPY (SELECT 1) TO '/tmp/x.csv'",
    };
    static const char *const unknown[] = {
        "SELECT * FROM duckdb_tables",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM nothing",
        "SELECT * FROM memory.shop.t",
        "SELECT * FROM system.information_schema.tables",
    };
    struct engine *engine = engine_locked(scratch());
    corrie_error err = CORRIE_ERROR_INIT;
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "a INTEGER");
    const struct engine_table table = {
        .name_space = STR("shop"), .name = STR("t"), .schema = &schema};

    ck_ok(engine_define_files(engine, &table, &err), &err);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int r = query_error(engine, refused[i], &err);

        ck_assert_msg(r == CORRIE_E_REFUSED, "%s: %s", refused[i], corrie_error_message(&err));
        corrie_error_clear(&err);
    }
    for (size_t i = 0; i < sizeof not_select / sizeof not_select[0]; i++) {
        int r = query_error(engine, not_select[i], &err);

        ck_assert_msg(r == CORRIE_E_PROJECT, "%s: %s", not_select[i], corrie_error_message(&err));
        corrie_error_clear(&err);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        int r = query_error(engine, unknown[i], &err);

        ck_assert_msg(r == CORRIE_E_NOT_FOUND &&
                          strstr(corrie_error_message(&err), "does not exist"),
                      "%s: %s", unknown[i], corrie_error_message(&err));
        corrie_error_clear(&err);
    }
    ck_assert_str_eq(rows_of(engine, "SELECT count(*) FROM t, unnest([1]), range(3), "
                                     "generate_series(1, 2)"),
                     "0");
    ck_assert_int_eq(query_error(engine, "SELECT 1\nFROM t, read_csv('x')", &err),
                     CORRIE_E_REFUSED);
    ck_assert_int_eq(err.position.line, 2);
    ck_assert_int_eq(err.position.column, 9);
    corrie_error_clear(&err);
    arena_done(&arena);
    engine_close(engine);
}
END_TEST

START_TEST(test_deep)
{
    /* long generated expressions are read, not refused for their depth */
    struct engine *engine = engine_plain();
    struct buf sql = {0};

    buf_add_text(&sql, "SELECT 0");
    for (int i = 0; i < 300; i++) {
        buf_add_text(&sql, " + 1");
    }
    ck_assert_str_eq(rows_of(engine, buf_text(&sql)), "300");
    buf_done(&sql);
    engine_close(engine);
}
END_TEST

SUITE(inspect_suite, "inspect", test_names, test_flags, test_locked, test_deep)
