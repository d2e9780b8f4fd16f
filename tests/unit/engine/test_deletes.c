/* Rows that delete files of other engines take away. */
#include "help.h"

#define ROOM 8

struct lake_files {
    struct engine *engine;
    struct arena arena;
    struct schema schema;
    struct engine_file files[ROOM];
    size_t n_files;
    struct engine_delete deletes[ROOM];
    size_t n_deletes;
};

static struct lake_files begin(const char *schema)
{
    struct lake_files made = {.engine = engine_plain()};

    made.schema = schema_of(&made.arena, schema);
    return made;
}

static void end(struct lake_files *made)
{
    engine_close(made->engine);
    arena_done(&made->arena);
}

static struct str add_data(struct lake_files *made, const char *sql, const char *name)
{
    struct engine_written *written;

    ck_assert_uint_eq(
        write_parquet(made->engine, sql, &made->schema, name, 0, &made->arena, &written), 1);
    made->files[made->n_files++] =
        (struct engine_file){.path = written[0].path, .rows = written[0].rows};
    return written[0].path;
}

/* A file of position deletes: `sql` is over the names of columns that the spec gives. */
static void add_positions(struct lake_files *made, const char *sql, const char *name)
{
    corrie_error err = CORRIE_ERROR_INIT;
    int64_t rows;
    struct str path;

    ck_ok(arena_str(&made->arena, str_of(in_scratch(name)), &path), &err);
    ck_ok(engine_export(made->engine, str_of(sql), NULL, ENGINE_OUT_PARQUET, path, &rows, &err),
          &err);
    made->deletes[made->n_deletes++] = (struct engine_delete){.path = path};
}

/* A file of equality deletes that compares those columns of the table which `schema` has. */
static void add_equalities(struct lake_files *made, const char *sql, struct schema *schema,
                           const char *name)
{
    struct engine_written *written;

    for (size_t i = 0; i < schema->n_fields; i++) {
        schema->fields[i].id = schema_find(&made->schema, schema->fields[i].name)->id;
    }
    ck_assert_uint_eq(write_parquet(made->engine, sql, schema, name, 0, &made->arena, &written), 1);
    made->deletes[made->n_deletes++] = (struct engine_delete){.path = written[0].path,
                                                              .equality = true,
                                                              .fields = schema->fields,
                                                              .n_fields = schema->n_fields};
}

static int try_define(struct lake_files *made, corrie_error *err)
{
    const struct engine_table table = {.name_space = STR("shop"),
                                       .name = STR("t"),
                                       .schema = &made->schema,
                                       .files = made->files,
                                       .n_files = made->n_files,
                                       .deletes = made->deletes,
                                       .n_deletes = made->n_deletes};

    return engine_define_files(made->engine, &table, err);
}

static void define(struct lake_files *made)
{
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(try_define(made, &err), &err);
}

static const size_t zero_to_seven[] = {0, 1, 2, 3, 4, 5, 6, 7};

static void all_apply(struct lake_files *made)
{
    for (size_t i = 0; i < made->n_files; i++) {
        made->files[i].deletes = zero_to_seven;
        made->files[i].n_deletes = made->n_deletes;
    }
}

START_TEST(test_positions)
{
    /* rows that were deleted by position stay deleted, whatever form the path has that names their file */
    struct lake_files made = begin("a INTEGER");
    char sql[2000];
    struct str one = add_data(&made, "SELECT i FROM range(10) t(i)", "pos_1");
    struct str two = add_data(&made, "SELECT i FROM range(10, 20) t(i)", "pos_2");

    add_data(&made, "SELECT i FROM range(20, 23) t(i)", "pos_3");
    made.files[2].recorded = STR("file:///moved/away/three.parquet");
    snprintf(sql, sizeof sql,
             "SELECT * FROM (VALUES ('%.*s', 0::BIGINT), ('file://%.*s', 9), ('file:%.*s', 4), "
             "('file:/moved/away/three.parquet', 1), ('/no/such/file.parquet', 5), ('%.*s', 4), "
             "('%.*s', 10000000000), ('%.*s', -1)) t(file_path, pos)",
             STR_FMT(one), STR_FMT(one), STR_FMT(two), STR_FMT(two), STR_FMT(one), STR_FMT(one));
    add_positions(&made, sql, "positions");
    all_apply(&made);
    define(&made);
    ck_assert_str_eq(rows_of(made.engine, "SELECT a FROM t"),
                     "1\n2\n3\n4\n5\n6\n7\n8\n10\n11\n12\n13\n15\n16\n17\n18\n19\n20\n22");
    ck_assert_str_eq(rows_of(made.engine, "SELECT count(*) FROM t"), "19");
    ck_assert_str_eq(rows_of(made.engine, "SELECT a FROM t WHERE a IN (9, 14, 15)"), "15");
    ck_assert_str_eq(rows_of(made.engine, "SELECT a FROM t ORDER BY a DESC LIMIT 2"), "22\n20");
    /* a delete file that is older than a data file says nothing of it */
    made.files[0].n_deletes = 0;
    define(&made);
    ck_assert_str_eq(rows_of(made.engine, "SELECT count(*) FROM t WHERE a < 10"), "10");
    ck_assert_str_eq(rows_of(made.engine, "SELECT count(*) FROM t"), "21");
    end(&made);
}
END_TEST

START_TEST(test_equalities)
{
    /* rows with values that were deleted are gone, null as well as others; by several sets of columns */
    struct lake_files made = begin("a INTEGER;s VARCHAR;d DOUBLE;p DECIMAL(20, 2)");
    struct schema by_a = schema_of(&made.arena, "a BIGINT");
    struct schema by_two = schema_of(&made.arena, "s VARCHAR;d DOUBLE");
    struct schema by_p = schema_of(&made.arena, "p DECIMAL(20, 2)");

    by_a.fields[0].type.kind = TYPE_INT;
    add_data(&made,
             "SELECT * FROM (VALUES (1, 'x', 1.5, 1.25), (2, 'a text of more than twelve bytes', "
             "'nan'::DOUBLE, 2.5), (3, NULL, NULL, NULL), (NULL, 'y', 0.0, 5.55), (5, '', 7, 6))",
             "eq_1");
    add_data(&made,
             "SELECT * FROM (VALUES (1, 'x', 1.5, 1.25), (6, NULL, NULL, 1.25), (7, 'z', 1, 5.55))",
             "eq_2");
    add_equalities(&made, "SELECT * FROM (VALUES (1), (NULL), (99))", &by_a, "del_a");
    add_equalities(&made,
                   "SELECT * FROM (VALUES (NULL, NULL), ('a text of more than twelve bytes', "
                   "'nan'::DOUBLE), ('', 8), ('x', NULL))",
                   &by_two, "del_two");
    add_equalities(&made, "SELECT 5.55", &by_p, "del_p");
    all_apply(&made);
    define(&made);
    ck_assert_str_eq(rows_of(made.engine, "SELECT a FROM t"), "5");
    /* the first applies to the first file only, the others to the second only */
    made.files[0].n_deletes = 1;
    made.files[1].deletes = zero_to_seven + 1;
    made.files[1].n_deletes = 2;
    define(&made);
    ck_assert_str_eq(rows_of(made.engine, "SELECT a FROM t"), "2\n3\n5\n1");
    end(&made);
}
END_TEST

#define KEYED_ROWS                                                                                 \
    "SELECT i AS n, i % 5 = 0 AS b, if(i % 7 = 0, NULL, i % 100)::INTEGER AS i, "                  \
    "if(i % 11 = 0, NULL, (i % 90) * 10000000000 - 7) AS l, "                                      \
    "CASE WHEN i % 13 = 0 THEN NULL WHEN i % 5 = 0 THEN 'nan' ELSE i % 80 / 4 END::FLOAT AS f, "   \
    "CASE WHEN i % 17 = 0 THEN NULL WHEN i % 3 = 0 THEN '-nan' ELSE i % 70 / 8 END::DOUBLE AS d, " \
    "if(i % 19 = 0, NULL, DATE '1969-12-01' + (i % 60)::INTEGER) AS t, "                           \
    "if(i % 7 = 1, NULL, ('00000000-0000-0000-0000-0000000000' || (10 + i % 50)))::UUID AS u, "    \
    "if(i % 7 = 2, NULL, -(i % 40) * 1000000000000000000.25)::DECIMAL(30, 2) AS p, "               \
    "if(i % 7 = 3, NULL, i % 30 - 15.5)::DECIMAL(4, 1) AS q, "                                     \
    "if(i % 7 = 4, NULL, 'a text, the end of which is ' || i % 20) AS s FROM range(5000) r(i)"

START_TEST(test_types)
{
    /* whatever types the columns have that are compared, null is null, NaN is NaN, and other values are themselves */
    static const char *const keys[] = {
        "b BOOLEAN",
        "i INTEGER",
        "l BIGINT",
        "f FLOAT",
        "d DOUBLE",
        "t DATE",
        "u UUID",
        "p DECIMAL(30, 2)",
        "q DECIMAL(4, 1)",
        "s VARCHAR",
        "i INTEGER;l BIGINT",
        "f FLOAT;d DOUBLE",
        "b BOOLEAN;t DATE",
        "i INTEGER;u UUID",
        "q DECIMAL(4, 1);s VARCHAR",
        "b BOOLEAN;i INTEGER;l BIGINT",
    };
    struct lake_files made =
        begin("n BIGINT;b BOOLEAN;i INTEGER;l BIGINT;f FLOAT;d DOUBLE;t DATE;u UUID;"
              "p DECIMAL(30, 2);q DECIMAL(4, 1);s VARCHAR");

    add_data(&made, KEYED_ROWS, "types");
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct schema key = schema_of(&made.arena, keys[k]);
        _cleanup_(buf_done) struct buf names = {0};
        _cleanup_(buf_done) struct buf left = {0};
        _cleanup_(buf_done) struct buf expected = {0};

        buf_add_text(&left,
                     "SELECT count(*), sum(n) FROM (" KEYED_ROWS
                     ") t WHERE NOT EXISTS (SELECT 1 FROM (" KEYED_ROWS ") k WHERE k.n % 97 < 5");
        for (size_t i = 0; i < key.n_fields; i++) {
            struct str name = key.fields[i].name;

            buf_addf(&names, "%s%.*s", i > 0 ? ", " : "", STR_FMT(name));
            buf_addf(&left, " AND t.%.*s IS NOT DISTINCT FROM k.%.*s", STR_FMT(name),
                     STR_FMT(name));
        }
        buf_add_char(&left, ')');
        buf_add_text(&expected, rows_of(made.engine, buf_text(&left)));
        made.n_deletes = 0;
        for (int part = 0; part < 2; part++) { /* in two files, which share some values */
            _cleanup_(buf_done) struct buf sql = {0};
            char name[40];

            snprintf(name, sizeof name, "types_%zu_%d", k, part);
            buf_addf(&sql, "SELECT %s FROM (", buf_text(&names));
            buf_add_text(&sql, KEYED_ROWS);
            buf_addf(&sql, ") WHERE n %% 97 BETWEEN %d AND %d", part * 2, part * 2 + 2);
            add_equalities(&made, buf_text(&sql), &key, name);
        }
        all_apply(&made);
        define(&made);
        ck_assert_msg(str_eq(str_of(rows_of(made.engine, "SELECT count(*), sum(n) FROM t")),
                             buf_str(&expected)),
                      "by %s: not %s", keys[k], buf_text(&expected));
    }
    end(&made);
}
END_TEST

START_TEST(test_both)
{
    /* position and equality deletes together, of files with older names and of a column that was dropped since */
    struct lake_files made = begin("a INTEGER;gone INTEGER;s STRUCT(x INTEGER, y INTEGER)");
    struct schema by_gone = schema_of(&made.arena, "gone INTEGER");
    struct field x;
    struct schema now;
    corrie_error err = CORRIE_ERROR_INIT;
    char sql[600];
    struct str path =
        add_data(&made, "SELECT i, i % 3, {'x': i, 'y': -i} FROM range(10) t(i)", "both_1");

    add_equalities(&made, "SELECT 1", &by_gone, "del_gone");
    snprintf(sql, sizeof sql, "SELECT '%.*s' AS file_path, 0::BIGINT AS pos, 5 AS extra",
             STR_FMT(path));
    add_positions(&made, sql, "both_positions");
    /* one that compares a field in a struct */
    x = made.schema.fields[2].type.fields[0];
    struct schema inner = {.fields = &made.schema.fields[2], .n_fields = 1};
    struct engine_written *written;
    ck_assert_uint_eq(write_parquet(made.engine, "SELECT {'x': 8, 'y': 0}", &inner, "del_x", 0,
                                    &made.arena, &written),
                      1);
    made.deletes[made.n_deletes++] = (struct engine_delete){
        .path = written[0].path, .equality = true, .fields = &x, .n_fields = 1};
    all_apply(&made);
    ck_ok(schema_copy(&made.schema, &made.arena, &now, &err), &err);
    now.fields[1] = now.fields[2];
    now.n_fields = 2;
    now.fields[0].name = STR("b");
    now.fields[0].type.kind = TYPE_LONG;
    now.fields[1].type.fields[1].name = STR("z");
    made.schema = now;
    define(&made);
    ck_assert_str_eq(rows_of(made.engine, "SELECT b, s.z FROM t"), "2|-2\n3|-3\n5|-5\n6|-6\n9|-9");
    end(&made);
}
END_TEST

START_TEST(test_many)
{
    /* deletes keep the order of rows and cost no sort; a stream that is read keeps its deletes when the table is
     * defined anew */
    struct lake_files made = begin("a BIGINT");
    struct ArrowArrayStream stream = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema by_a = schema_of(&made.arena, "a BIGINT");
    int64_t last = -1;
    int64_t n = 0;
    char sql[600];
    struct str first = add_data(&made, "SELECT i FROM range(600000) t(i)", "many_1");
    struct str second = add_data(&made, "SELECT i FROM range(600000, 1200000) t(i)", "many_2");

    snprintf(sql, sizeof sql,
             "SELECT CASE WHEN i < 600000 THEN '%.*s' ELSE '%.*s' END AS file_path, i %% 600000 AS "
             "pos FROM range(0, 1200000, 3) t(i)",
             STR_FMT(first), STR_FMT(second));
    add_positions(&made, sql, "many_positions");
    add_equalities(&made, "SELECT i FROM range(0, 1200000, 5) t(i)", &by_a, "many_equalities");
    all_apply(&made);
    define(&made);
    ck_ok(engine_query(made.engine, STR("SELECT a FROM t"), NULL, &stream, &err), &err);
    made.files[0].n_deletes = 0;
    made.files[1].n_deletes = 0;
    define(&made);
    for (;;) {
        struct ArrowArray array = {0};

        ck_assert_int_eq(stream.get_next(&stream, &array), 0);
        if (!array.release) {
            break;
        }
        for (int64_t i = 0; i < array.length; i++) {
            int64_t a = ((const int64_t *)array.children[0]->buffers[1])[i];

            ck_assert(a > last && a % 3 != 0 && a % 5 != 0);
            last = a;
        }
        n += array.length;
        array.release(&array);
    }
    stream.release(&stream);
    ck_assert_int_eq(n, 640000);
    ck_assert_str_eq(rows_of(made.engine, "SELECT count(*) FROM t"), "1200000");
    end(&made);
}
END_TEST

START_TEST(test_bad)
{
    /* a delete file that is gone or none would bring deleted rows back: the table is refused */
    struct lake_files made = begin("a INTEGER");
    corrie_error err = CORRIE_ERROR_INIT;

    add_data(&made, "SELECT 1", "bad_1");
    add_positions(&made, "SELECT 'x' AS path, 1 AS position", "no_such_columns");
    all_apply(&made);
    ck_fails(try_define(&made, &err), CORRIE_E_CORRUPT, &err);
    made.deletes[0].path = STR("/no/such/deletes.parquet");
    ck_assert_int_eq(try_define(&made, &err), CORRIE_E_CORRUPT);
    ck_assert_msg(strstr(corrie_error_message(&err), "/no/such/deletes.parquet") != NULL, "%s",
                  corrie_error_message(&err));
    corrie_error_clear(&err);
    made.deletes[0] = (struct engine_delete){
        .path = made.files[0].path, .equality = true, .fields = NULL, .n_fields = 0};
    ck_fails(try_define(&made, &err), CORRIE_E_CORRUPT, &err);
    /* that the lock hides it from SQL was tried elsewhere; its functions mean nothing to others */
    ck_assert_str_eq(rows_of(made.engine, "SELECT corrie_kept(99, 0, 0), corrie_kept(0, 5, 5), "
                                          "corrie_unmatched(-1, 0, 0, 'x')"),
                     "1|1|1");
    end(&made);
}
END_TEST

SUITE(deletes_suite, "deletes", test_positions, test_equalities, test_types, test_both, test_many,
      test_bad)
