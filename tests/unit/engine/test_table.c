/* Tables over Parquet files and Arrow memory. */
#include <sys/stat.h>

#include "base/mem.h"
#include "help.h"

struct made {
    struct engine_file files[8];
    size_t n;
};

static void add_file(struct engine *engine, struct arena *arena, struct made *made, const char *sql,
                     const struct schema *schema, const char *name)
{
    struct engine_written *written;

    ck_assert_uint_eq(write_parquet(engine, sql, schema, name, 0, arena, &written), 1);
    made->files[made->n++] = (struct engine_file){
        .path = written[0].path, .rows = written[0].rows, .bytes = written[0].bytes};
}

static void define(struct engine *engine, const char *name, const struct schema *schema,
                   const struct made *made)
{
    corrie_error err = CORRIE_ERROR_INIT;
    const struct engine_table table = {.name_space = STR("shop"),
                                       .name = str_of(name),
                                       .schema = schema,
                                       .files = made->files,
                                       .n_files = made->n};

    ck_ok(engine_define_files(engine, &table, &err), &err);
}

START_TEST(test_evolved)
{
    /* old files stay readable after columns were renamed, added, dropped, reordered and widened */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema old = schema_of(&arena, "a INTEGER;b VARCHAR;c DOUBLE");
    struct schema now = schema_of(&arena, "c2 DOUBLE;a BIGINT;d VARCHAR");

    now.fields[0].id = 3;
    now.fields[1].id = 1;
    now.fields[2].id = 4;
    add_file(engine, &arena, &made, "SELECT 1, 'x', 1.5 UNION ALL SELECT 2, 'y', NULL", &old,
             "old");
    define(engine, "one", &now, &made);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM one"), "1.5|1|null\nnull|2|null");
    ck_assert_str_eq(rows_of(engine, "SELECT a FROM shop.one WHERE c2 = 1.5 AND d IS NULL"), "1");
    add_file(engine, &arena, &made, "SELECT 2.5, 5000000000, 'new'", &now, "new");
    define(engine, "two", &now, &made);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM two"),
                     "1.5|1|null\nnull|2|null\n2.5|5000000000|new");
    ck_assert_str_eq(rows_of(engine, "SELECT a, d FROM two WHERE a > 1 ORDER BY a"),
                     "2|null\n5000000000|new");
    ck_assert_str_eq(rows_of(engine, "SELECT count(*), count(d) FROM two"), "3|1");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_nested_evolved)
{
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema old =
        schema_of(&arena, "s STRUCT(a INTEGER, b VARCHAR);l INTEGER[];m MAP(VARCHAR, INTEGER)");
    struct schema more = schema_of(
        &arena, "s STRUCT(a INTEGER, b VARCHAR, c DOUBLE);l INTEGER[];m MAP(VARCHAR, INTEGER)");
    struct schema renamed;

    /* ids as evolution gives them: old fields keep theirs */
    int last = schema_highest_id(&old);
    schema_assign_ids_from(&more, &old, &last);
    add_file(engine, &arena, &made, "SELECT {'a': 1, 'b': 'x'}, [1, 2], MAP {'k': 1}", &old,
             "nested");
    define(engine, "same", &old, &made);
    ck_assert_str_eq(rows_of(engine, "SELECT s, l, m, s.a FROM same"),
                     "{a:1,b:x}|[1,2]|[{key:k,value:1}]|1");
    define(engine, "more", &more, &made);
    ck_assert_str_eq(rows_of(engine, "SELECT s, s.c FROM more"), "{a:1,b:x,c:null}|null");
    /* an inner field that was renamed is found */
    ck_ok(schema_copy(&old, &arena, &renamed, &err), &err);
    renamed.fields[0].type.fields[1].name = STR("b2");
    define(engine, "r", &renamed, &made);
    ck_assert_str_eq(rows_of(engine, "SELECT s, s.b2 FROM r"), "{a:1,b2:x}|x");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_selection)
{
    /* a scan that was planned narrow reads only that; empty tables have types */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = schema_of(&arena, "a INTEGER;b VARCHAR;c DOUBLE");
    struct str columns[] = {STR("c"), STR("a")};
    struct engine_table table = {.name_space = STR("shop"),
                                 .name = STR("t"),
                                 .schema = &schema,
                                 .columns = columns,
                                 .n_columns = 2,
                                 .filter = STR("b = 'x' -- c")};

    ck_ok(engine_define_files(engine, &table, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "");
    ck_assert_str_eq(rows_of(engine, "SELECT column_name FROM (DESCRIBE t)"), "a\nc");
    add_file(engine, &arena, &made, "SELECT 1, 'x', 1.5 UNION ALL SELECT 2, 'y', NULL", &schema,
             "sel");
    table.files = made.files;
    table.n_files = 1;
    ck_ok(engine_define_files(engine, &table, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "1|1.5");
    table.filter = STR("a = 1) UNION SELECT * FROM (SELECT 1, 2 FROM other");
    ck_fails(engine_define_files(engine, &table, &err), CORRIE_E_PROJECT, &err);
    table.filter = STR("a =");
    ck_fails(engine_define_files(engine, &table, &err), CORRIE_E_PROJECT, &err);
    table.filter = STR_EMPTY;
    columns[0] = STR("nope");
    ck_fails(engine_define_files(engine, &table, &err), CORRIE_E_NOT_FOUND, &err);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_positions)
{
    /* what rewrites files must know which row stands where: a wrong place deletes another row */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = schema_of(&arena, "a INTEGER;b VARCHAR");
    struct engine_table table = {
        .name_space = STR("shop"), .name = STR("t"), .schema = &schema, .positions = true};

    ck_ok(engine_define_files(engine, &table, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM shop.t"), "");
    add_file(engine, &arena, &made, "SELECT i, 'x' FROM range(10, 13) AS r(i)", &schema, "one");
    table.files = made.files;
    table.n_files = 1;
    ck_ok(engine_define_files(engine, &table, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM shop.t WHERE a > 10"), "11|x|0|1\n12|x|0|2");
    add_file(engine, &arena, &made, "SELECT i, 'y' FROM range(20, 22) AS r(i)", &schema, "two");
    table.n_files = 2;
    ck_ok(engine_define_files(engine, &table, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM shop.t WHERE a % 2 = 0"),
                     "10|x|0|0\n12|x|0|2\n20|y|1|0");
    ck_assert_str_eq(rows_of(engine, "SELECT \"corrie.file\", count(*) FROM shop.t WHERE a > 11 "
                                     "GROUP BY ALL ORDER BY ALL"),
                     "0|1\n1|2");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_odd_paths)
{
    /* a lake may lie in any directory */
    static const char *const names[] = {"a[b]c",       "star*",  "what?", "it's",
                                        "back\\slash", "sp ace", "h#%20", "umläut"};
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "a INTEGER");

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct made made = {0};
        char sql[40];
        char expected[40];

        snprintf(sql, sizeof sql, "SELECT %zu", i);
        snprintf(expected, sizeof expected, "%zu", i);
        add_file(engine, &arena, &made, sql, &schema, names[i]);
        define(engine, "t", &schema, &made);
        ck_assert_str_eq(rows_of(engine, "SELECT a FROM t"), expected);
        snprintf(expected, sizeof expected, "%zu\n%zu", i, i);
        made.files[made.n++] = made.files[0];
        define(engine, "t", &schema, &made);
        ck_assert_str_eq(rows_of(engine, "SELECT a FROM t"), expected);
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_order)
{
    /* rows come in the order of files, then of position, at any number of threads */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema schema = schema_of(&arena, "a BIGINT");
    corrie_error err = CORRIE_ERROR_INIT;
    struct ArrowArrayStream stream = {0};
    int64_t expected = 0;

    add_file(engine, &arena, &made, "SELECT * FROM range(300000)", &schema, "z");
    add_file(engine, &arena, &made, "SELECT * FROM range(300000, 300001)", &schema, "a");
    add_file(engine, &arena, &made, "SELECT * FROM range(300001, 900000)", &schema, "m");
    define(engine, "t", &schema, &made);
    ck_ok(engine_query(engine, STR("SELECT a FROM t"), NULL, &stream, &err), &err);
    for (;;) {
        struct ArrowArray array = {0};

        ck_assert_int_eq(stream.get_next(&stream, &array), 0);
        if (!array.release) {
            break;
        }
        for (int64_t i = 0; i < array.length; i++) {
            ck_assert_int_eq(((const int64_t *)array.children[0]->buffers[1])[i], expected++);
        }
        array.release(&array);
    }
    ck_assert_int_eq(expected, 900000);
    stream.release(&stream);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_order_of_many_files)
{
    /* so do those of a thousand files, of several layouts, whatever the number of threads */
    static const unsigned threads[] = {1, 2, 3, 5, 8};
    static struct engine_file many[1100];
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema schema = schema_of(&arena, "a BIGINT");
    struct schema old = schema_of(&arena, "b BIGINT;gone VARCHAR");
    struct engine_table table = {.name_space = STR("shop"),
                                 .name = STR("t"),
                                 .schema = &schema,
                                 .files = many,
                                 .n_files = ARRAY_LEN(many)};
    corrie_error err = CORRIE_ERROR_INIT;
    char sql[100];
    char name[20];

    for (int i = 0; i < 6; i++) {
        snprintf(sql, sizeof sql, "SELECT %d + range%s FROM range(%d)", 1000 * i,
                 i % 2 ? ", 'x'" : "", 7 * i + 1);
        snprintf(name, sizeof name, "many_%d", i);
        add_file(engine, &arena, &made, sql, i % 2 ? &old : &schema, name);
    }
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = made.files[i < 900 ? 2 * (i % 3) : i % 6]; /* of one layout, then mixed */
    }
    engine_close(engine);
    for (size_t t = 0; t < ARRAY_LEN(threads); t++) {
        struct ArrowArrayStream stream = {0};
        size_t file = 0;
        int64_t row = 0;

        ck_ok(
            engine_open(&(struct engine_options){.threads = threads[t], .name_space = STR("shop")},
                        &engine, &err),
            &err);
        ck_ok(engine_define_files(engine, &table, &err), &err);
        ck_ok(engine_query(engine, STR("SELECT a FROM t"), NULL, &stream, &err), &err);
        for (;;) {
            struct ArrowArray array = {0};

            ck_assert_int_eq(stream.get_next(&stream, &array), 0);
            if (!array.release) {
                break;
            }
            for (int64_t i = 0; i < array.length; i++) {
                int64_t which = (int64_t)(file < 900 ? 2 * (file % 3) : file % 6);

                ck_assert_int_eq(((const int64_t *)array.children[0]->buffers[1])[i],
                                 1000 * which + row);
                row = row == 7 * which ? 0 : row + 1;
                file += row == 0;
            }
            array.release(&array);
        }
        ck_assert_uint_eq(file, ARRAY_LEN(many));
        stream.release(&stream);
        engine_close(engine);
    }
    arena_done(&arena);
}
END_TEST

START_TEST(test_locked_reads_its_tables)
{
    /* the lock keeps SQL from files, not tables from theirs; a file outside stays closed */
    struct engine *engine = engine_plain();
    struct engine *locked = engine_locked(in_scratch("inside"));
    struct arena arena = {0};
    struct made made = {0};
    struct made outside = {0};
    struct schema schema = schema_of(&arena, "a INTEGER");
    corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_int_eq(mkdir(in_scratch("inside"), 0700), 0);
    add_file(engine, &arena, &made, "SELECT 7", &schema, "inside/t");
    add_file(engine, &arena, &outside, "SELECT 8", &schema, "outside");
    define(locked, "t", &schema, &made);
    ck_assert_str_eq(rows_of(locked, "SELECT a FROM t"), "7");
    made.files[made.n++] = made.files[0];
    define(locked, "t", &schema, &made);
    ck_assert_str_eq(rows_of(locked, "SELECT a FROM shop.t"), "7\n7");
    struct engine_written *written;
    ck_assert_uint_eq(
        write_parquet(locked, "SELECT a + 1 FROM t", &schema, "inside/w", 0, &arena, &written), 1);
    ck_assert_int_eq(written[0].rows, 2);
    const struct engine_table table = {.name_space = STR("shop"),
                                       .name = STR("o"),
                                       .schema = &schema,
                                       .files = outside.files,
                                       .n_files = 1};
    ck_fails(engine_define_files(locked, &table, &err), CORRIE_E_REFUSED, &err);
    engine_close(locked);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

/* ---- Arrow ---- */

static struct arrow_table *collect(struct engine *engine, const char *sql)
{
    struct ArrowArrayStream stream = {0};
    struct arrow_table *table = NULL;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_query(engine, str_of(sql), NULL, &stream, &err), &err);
    ck_ok(arrow_table_collect(&stream, NULL, &table, &err), &err);
    return table;
}

START_TEST(test_arrow)
{
    /* what a function returned is what the next query sees */
    static const char sql[] =
        "SELECT i AS id, CASE WHEN i % 7 = 0 THEN NULL ELSE 'name number ' || i END AS name, "
        "i % 3 = 0 AS flag, (i / 4)::DECIMAL(18,2) AS price, DATE '2020-01-01' + i::INTEGER AS day, "
        "[i, i + 1] AS li, {'a': i, 'b': 'x' || i} AS st, MAP {'k': i} AS m, "
        "'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS u, 'ab'::BLOB AS bl, i::FLOAT AS f, "
        "TIMESTAMPTZ '2020-01-01 00:00:00+00' AS tz FROM range(5000) t(i)";
    struct engine *engine = engine_plain();
    struct arrow_table *table = collect(engine, sql);
    corrie_error err = CORRIE_ERROR_INIT;
    char *expected;

    ck_ok(engine_define_arrow(engine, STR_EMPTY, STR("parent"), table, &err), &err);
    arrow_table_unref(table);
    ck_assert_str_eq(rows_of(engine, "SELECT count(*), sum(id), count(name), sum(price)::DOUBLE "
                                     "FROM parent"),
                     "5000|12497500|4285|3124375");
    ck_assert_str_eq(rows_of(engine, "SELECT f, name FROM parent WHERE id = 4999"),
                     "4999|name number 4999");
    expected = str_dup(str_of(rows_of(engine, sql)));
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM parent"), expected);
    ck_assert_str_eq(rows_of(engine, "SELECT a.id FROM parent a JOIN parent b ON a.id = b.id + 1 "
                                     "WHERE a.st.a = 4321"),
                     "4321");
    ck_assert_str_eq(rows_of(engine, "SELECT count(*) FROM parent"), "5000");
    mem_free(expected);
    engine_close(engine);
}
END_TEST

START_TEST(test_arrow_chunks)
{
    /* columns may be cut differently, chunks may be large, a table may be empty */
    struct engine *engine = engine_plain();
    struct arrow_table *a = collect(engine, "SELECT i AS a FROM range(1500000) t(i)");
    struct arrow_table *b =
        collect(engine, "SELECT i AS b, repeat('y', 100) AS pad FROM range(1500000) "
                        "t(i)");
    struct arrow_column *columns[] = {a->columns[0], b->columns[0], b->columns[1]};
    struct arrow_table *both = NULL;
    struct arrow_table *none;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_uint_ne(a->columns[0]->n_chunks, b->columns[0]->n_chunks);
    ck_ok(arrow_table_new(columns, 3, a->n_rows, &both, &err), &err);
    ck_ok(engine_define_arrow(engine, STR("shop"), STR("pair"), both, &err), &err);
    ck_assert_str_eq(
        rows_of(engine,
                "SELECT count(*), sum(a - b), sum(a), min(pad) = repeat('y', 100) FROM pair"),
        "1500000|0|1124999250000|1");
    ck_assert_str_eq(rows_of(engine,
                             "SELECT count(*) FROM (SELECT a, row_number() OVER () - 1 AS r "
                             "FROM pair) WHERE a <> r"),
                     "0");
    none = collect(engine, "SELECT 1 AS x, 'a' AS y, [1] AS z, {'q': 1} AS s LIMIT 0");
    ck_ok(engine_define_arrow(engine, STR("shop"), STR("none"), none, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT count(*), count(y), count(z) FROM none"), "0|0|0");
    ck_assert_str_eq(rows_of(engine, "SELECT column_type FROM (DESCRIBE none)"),
                     "INTEGER\nVARCHAR\nINTEGER[]\nSTRUCT(q INTEGER)");
    /* redefined: the new rows */
    ck_ok(engine_define_arrow(engine, STR("shop"), STR("pair"), none, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT count(*) FROM pair"), "0");
    arrow_table_unref(a);
    arrow_table_unref(b);
    arrow_table_unref(both);
    arrow_table_unref(none);
    engine_close(engine);
}
END_TEST

/* A reader that names a column which nobody made is not told that it does not exist. */
START_TEST(test_arrow_with_columns_that_are_missing)
{
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct schema schema =
        schema_of(&arena, "a VARCHAR;b BIGINT;c STRUCT(x INTEGER);d DECIMAL(10,2)");
    struct arrow_table *table = collect(engine, "SELECT i AS b FROM range(3) t(i)");
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_define_arrow_as(engine, STR_EMPTY, STR("p"), table, &schema, &err), &err);
    arrow_table_unref(table);
    arena_done(&arena);
    ck_assert_str_eq(rows_of(engine, "SELECT column_name || ' ' || column_type FROM (DESCRIBE p)"),
                     "a VARCHAR\nb BIGINT\nc STRUCT(x INTEGER)\nd DECIMAL(10,2)");
    ck_assert_str_eq(rows_of(engine, "SELECT count(*), sum(b), count(a), count(c.x), max(d) FROM p "
                                     "WHERE coalesce(a, 'none') = 'none'"),
                     "3|3|0|0|null");
    engine_close(engine);
}
END_TEST

START_TEST(test_arrow_lives)
{
    /* a stream that is being read keeps its memory although the table was redefined */
    struct engine *engine = engine_plain();
    struct arrow_table *first =
        collect(engine, "SELECT 'a long enough text ' || i AS t FROM range(3000000) t(i)");
    struct arrow_table *second = collect(engine, "SELECT 'other' AS t");
    struct ArrowArrayStream stream = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct arrow_table *result = NULL;

    ck_ok(engine_define_arrow(engine, STR_EMPTY, STR("p"), first, &err), &err);
    arrow_table_unref(first);
    ck_ok(engine_query(engine, STR("SELECT t FROM p"), NULL, &stream, &err), &err);
    ck_ok(engine_define_arrow(engine, STR_EMPTY, STR("p"), second, &err), &err);
    arrow_table_unref(second);
    ck_ok(arrow_table_collect(&stream, NULL, &result, &err), &err);
    ck_assert_int_eq(result->n_rows, 3000000);
    ck_ok(engine_define_arrow(engine, STR_EMPTY, STR("r"), result, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT count(DISTINCT t), max(t) FROM r"),
                     "3000000|a long enough text 999999");
    arrow_table_unref(result);
    engine_close(engine);
}
END_TEST

SUITE(table_suite, "table", test_evolved, test_nested_evolved, test_selection, test_positions,
      test_odd_paths, test_order, test_order_of_many_files, test_locked_reads_its_tables,
      test_arrow, test_arrow_chunks, test_arrow_lives, test_arrow_with_columns_that_are_missing)
