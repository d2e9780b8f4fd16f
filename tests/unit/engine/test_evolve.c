/* Tables whose files were written under other schemas, by other writers, or lack what their partition says. */
#include <sys/stat.h>

#include "help.h"

#define ROOM 8

struct made {
    struct engine_file files[ROOM];
    size_t n;
};

static struct engine_file *add_file(struct engine *engine, struct arena *arena, struct made *made,
                                    const char *sql, const struct schema *schema, const char *name)
{
    struct engine_written *written;

    ck_assert_uint_eq(write_parquet(engine, sql, schema, name, 0, arena, &written), 1);
    made->files[made->n] = (struct engine_file){
        .path = written[0].path, .rows = written[0].rows, .bytes = written[0].bytes};
    return &made->files[made->n++];
}

/* A file as writers leave it that know nothing of field ids. */
static struct engine_file *add_plain(struct engine *engine, struct arena *arena, struct made *made,
                                     const char *sql, const char *name)
{
    corrie_error err = CORRIE_ERROR_INIT;
    int64_t rows;
    struct str path;

    ck_ok(arena_str(arena, str_of(in_scratch(name)), &path), &err);
    ck_ok(engine_export(engine, str_of(sql), NULL, ENGINE_OUT_PARQUET, path, &rows, &err), &err);
    made->files[made->n] = (struct engine_file){.path = path, .rows = rows, .bytes = -1};
    return &made->files[made->n++];
}

static struct engine_table table_of(const char *name, const struct schema *schema,
                                    const struct made *made)
{
    return (struct engine_table){.name_space = STR("shop"),
                                 .name = str_of(name),
                                 .schema = schema,
                                 .files = made->files,
                                 .n_files = made->n};
}

static void define(struct engine *engine, const struct engine_table *table)
{
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_define_files(engine, table, &err), &err);
}

/* Names and ids of the fields of a struct, in order: "a 3; b 4". */
static void set_fields(struct arena *arena, struct type *type, const char *text)
{
    struct str rest = str_of(arena_text(arena, str_of(text)));

    for (size_t i = 0; i < type->n_fields; i++) {
        struct str item;
        struct str number;
        int64_t id;

        (void)str_cut(rest, ';', &item, &rest);
        ck_assert(str_cut(str_trim(item), ' ', &type->fields[i].name, &number));
        ck_assert(str_to_int64(number, &id));
        type->fields[i].id = (int)id;
    }
}

START_TEST(test_inner_fields)
{
    /* fields inside structs, lists and maps that were renamed, dropped, added, reordered or widened; in a table of one
     * file and of several, old and new */
    static const char old_rows[] =
        "SELECT * FROM (VALUES (1, {'a': 1, 'b': 'x', 'c': 1.5::FLOAT}, "
        "[{'p': 1, 'q': [10, 11]}, NULL, {'p': NULL, 'q': NULL}], MAP {'k': {'u': 7, 'v': 8}}), "
        "(2, NULL, NULL, NULL), (3, {'a': NULL, 'b': NULL, 'c': NULL}, [], MAP {}))";
    static const char expected[] =
        "1|{c2:1.5,d:null,a:1}|[{q2:[10,11],r:null},null,{q2:null,r:null}]|[{key:k,value:{v2:8}}]\n"
        "2|null|null|null\n"
        "3|{c2:null,d:null,a:null}|[]|[]";
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema old = schema_of(
        &arena, "id INTEGER;s STRUCT(a INTEGER, b VARCHAR, c FLOAT);"
                "l STRUCT(p INTEGER, q INTEGER[])[];m MAP(VARCHAR, STRUCT(u INTEGER, v INTEGER))");
    struct schema now =
        schema_of(&arena, "id INTEGER;s STRUCT(c2 DOUBLE, d VARCHAR, a BIGINT);"
                          "l STRUCT(q2 BIGINT[], r VARCHAR)[];m MAP(VARCHAR, STRUCT(v2 BIGINT))");

    /* ids as they are in `old`: 1 id, 2 s, 3 l, 4 m; 5-7 in s; 8 element of l; 9, 10 key and value of m; … */
    struct type *element = &old.fields[2].type.fields[0].type;
    struct type *value = &old.fields[3].type.fields[1].type;
    char text[60];

    snprintf(text, sizeof text, "c2 %d;d 90;a %d", old.fields[1].type.fields[2].id,
             old.fields[1].type.fields[0].id);
    for (size_t i = 0; i < 4; i++) {
        now.fields[i].id = old.fields[i].id;
    }
    set_fields(&arena, &now.fields[1].type, text);
    now.fields[2].type.fields[0].id = old.fields[2].type.fields[0].id;
    snprintf(text, sizeof text, "q2 %d;r 91", element->fields[1].id);
    set_fields(&arena, &now.fields[2].type.fields[0].type, text);
    now.fields[2].type.fields[0].type.fields[0].type.fields[0].id =
        element->fields[1].type.fields[0].id;
    now.fields[3].type.fields[0].id = old.fields[3].type.fields[0].id;
    now.fields[3].type.fields[1].id = old.fields[3].type.fields[1].id;
    snprintf(text, sizeof text, "v2 %d", value->fields[1].id);
    set_fields(&arena, &now.fields[3].type.fields[1].type, text);

    add_file(engine, &arena, &made, old_rows, &old, "inner_old");
    struct engine_table table = table_of("one", &now, &made);
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM one"), expected);
    ck_assert_str_eq(rows_of(engine, "SELECT s.c2 FROM one WHERE s.a = 1"), "1.5");

    add_file(engine, &arena, &made,
             "SELECT 4, {'c2': 2.5, 'd': 'new', 'a': 5000000000}, [{'q2': [12], 'r': 'r'}], "
             "MAP {'n': {'v2': 9}}",
             &now, "inner_new");
    table = table_of("two", &now, &made);
    define(engine, &table);
    struct buf both = {0};
    buf_addf(&both, "%s\n4|{c2:2.5,d:new,a:5000000000}|[{q2:[12],r:r}]|[{key:n,value:{v2:9}}]",
             expected);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM two"), buf_text(&both));
    ck_assert_str_eq(rows_of(engine, "SELECT id FROM two WHERE s IS NULL"), "2");
    buf_done(&both);
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_same_name_again)
{
    /* a column, or a field in one, that was dropped and added anew under the same name has none of the old data */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema old = schema_of(&arena, "k INTEGER;a INTEGER;s STRUCT(x INTEGER, y INTEGER)");
    struct schema now = schema_of(&arena, "k INTEGER;a INTEGER;s STRUCT(x INTEGER, y INTEGER)");

    now.fields[1].id = 50;
    now.fields[2].type.fields[0].id = 51;
    add_file(engine, &arena, &made, "SELECT 1, 2, {'x': 3, 'y': 4}", &old, "again_old");
    struct engine_table table = table_of("t", &now, &made);
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "1|null|{x:null,y:4}");
    add_file(engine, &arena, &made, "SELECT 5, 6, {'x': 7, 'y': 8}", &now, "again_new");
    table = table_of("t", &now, &made);
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "1|null|{x:null,y:4}\n5|6|{x:7,y:8}");
    ck_assert_str_eq(rows_of(engine, "SELECT k FROM t WHERE a = 2 OR s.x = 3"), "");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_no_ids)
{
    /* files without field ids are read by the table's mapping of names; without one they are refused, not null */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct schema schema = schema_of(&arena, "a INTEGER;s STRUCT(x INTEGER);l VARCHAR[];n VARCHAR");
    const struct str a_names[] = {STR("a"), STR("a_old")};
    const struct str s_names[] = {STR("s")};
    const struct str x_names[] = {STR("x_was"), STR("x")};
    const struct str l_names[] = {STR("l")};
    const struct str element_names[] = {STR("element")};
    const struct engine_name in_s[] = {
        {.field_id = schema.fields[1].type.fields[0].id, .names = x_names, .n_names = 2}};
    const struct engine_name in_l[] = {
        {.field_id = schema.fields[2].type.fields[0].id, .names = element_names, .n_names = 1}};
    const struct engine_name names[] = {
        {.field_id = 1, .names = a_names, .n_names = 2},
        {.field_id = 2, .names = s_names, .n_names = 1, .fields = in_s, .n_fields = 1},
        {.field_id = 3, .names = l_names, .n_names = 1, .fields = in_l, .n_fields = 1},
    };

    add_plain(engine, &arena, &made,
              "SELECT 1 AS a_old, {'x_was': 2} AS s, ['p'] AS l, 'not mapped' AS n", "plain_1");
    struct engine_table table = table_of("t", &schema, &made);
    ck_assert_int_eq(engine_define_files(engine, &table, &err), CORRIE_E_UNSUPPORTED);
    ck_assert_msg(strstr(corrie_error_message(&err), "plain_1") != NULL, "%s",
                  corrie_error_message(&err));
    corrie_error_clear(&err);
    table.names = names;
    table.n_names = 3;
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "1|{x:2}|[p]|null");
    add_plain(engine, &arena, &made, "SELECT {'x': 4} AS s, ['q', NULL] AS l, 3 AS a", "plain_2");
    add_file(engine, &arena, &made, "SELECT 5, {'x': 6}, ['r'], 'with ids'", &schema, "with_ids");
    table.n_files = made.n;
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"),
                     "1|{x:2}|[p]|null\n3|{x:4}|[q,null]|null\n5|{x:6}|[r]|with ids");
    ck_assert_str_eq(rows_of(engine, "SELECT s.x FROM t WHERE a = 3"), "4");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_constants)
{
    /* a partition column that files lack has its partition's value; one that they have is theirs, whatever their
     * directory is called */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema schema = schema_of(&arena, "a INTEGER;region VARCHAR;y INTEGER");
    struct schema lacking = schema_of(&arena, "a INTEGER");
    const struct engine_constant constants[][2] = {
        {{2, STR("eu")}, {3, STR("\x01\0\0\0")}},
        {{2, STR("it's")}, {3, STR_EMPTY}},
        {{2, {.data = NULL}}, {3, STR("\x02\0\0\0")}},
    };
    struct engine_constant values[3][2];

    ck_assert_int_eq(mkdir(in_scratch("region=hive"), 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        char name[40];
        char sql[40];

        memcpy(values[i], constants[i], sizeof values[i]);
        values[i][1].value.len = i == 1 ? 0 : 4;
        values[i][1].value.data = i == 1 ? NULL : constants[i][1].value.data;
        snprintf(name, sizeof name, "region=hive/part%zu", i);
        snprintf(sql, sizeof sql, "SELECT %zu", i);
        struct engine_file *file = add_file(engine, &arena, &made, sql, &lacking, name);
        file->constants = values[i];
        file->n_constants = 2;
        struct engine_table table = table_of("t", &schema, &made);
        define(engine, &table);
    }
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "0|eu|1\n1|it's|null\n2|null|2");
    ck_assert_str_eq(rows_of(engine, "SELECT a FROM t WHERE region = 'it''s'"), "1");
    struct engine_file *whole =
        add_file(engine, &arena, &made, "SELECT 3, 'own', 4", &schema, "region=hive/part3");
    whole->constants = values[0];
    whole->n_constants = 2;
    struct engine_table table = table_of("t", &schema, &made);
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "0|eu|1\n1|it's|null\n2|null|2\n3|own|4");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_odd_names)
{
    /* columns may be called what DuckDB calls things of its own, and anything else */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema schema = schema_of(
        &arena, "file_index INTEGER;file_row_number INTEGER;filename VARCHAR;corrie_x0 INTEGER[]");
    struct schema odd = schema_of(&arena, "a INTEGER;b STRUCT(x INTEGER)");
    struct schema old;
    corrie_error err = CORRIE_ERROR_INIT;
    char long_name[301];

    memset(long_name, 'n', 300);
    long_name[300] = '\0';
    add_file(engine, &arena, &made, "SELECT 7, 8, 'f', [1]", &schema, "virtual");
    struct engine_table table = table_of("t", &schema, &made);
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "7|8|f|[1]");

    made.n = 0;
    ck_ok(schema_copy(&odd, &arena, &old, &err), &err);
    old.fields[1].type.fields[0].name = STR("in 'it' \"s");
    odd.fields[0].name = str_of(long_name);
    odd.fields[1].name = STR("ü \"q\".'x'");
    odd.fields[1].type.fields[0].name = STR("y . \"z\"");
    add_file(engine, &arena, &made, "SELECT 1, {'in ''it'' \"s': 2}", &old, "odd_old");
    add_file(engine, &arena, &made, "SELECT 3, {'y . \"z\"': 4}", &odd, "odd_new");
    table = table_of("t", &odd, &made);
    define(engine, &table);
    ck_assert_str_eq(rows_of(engine, "SELECT * FROM t"), "1|{y . \"z\":2}\n3|{y . \"z\":4}");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

START_TEST(test_damaged)
{
    /* a file that was cut or changed anywhere in its end is named, alone and among others; no byte of it is a crash */
    struct engine *engine = engine_plain();
    struct arena arena = {0};
    struct made made = {0};
    struct schema schema = schema_of(&arena, "a INTEGER;s STRUCT(x INTEGER, y VARCHAR[])");
    static char bytes[64 * 1024];
    corrie_error err = CORRIE_ERROR_INIT;

    add_file(engine, &arena, &made, "SELECT 1, {'x': 2, 'y': ['z']}", &schema, "whole");
    FILE *in = fopen(in_scratch("whole-0.parquet"), "rb");
    size_t len = fread(bytes, 1, sizeof bytes, in);
    ck_assert_int_eq(fclose(in), 0);
    made.files[made.n] = made.files[0];
    ck_ok(arena_str(&arena, str_of(in_scratch("damaged.parquet")), &made.files[made.n++].path),
          &err);
    for (size_t cut = 0; cut < len; cut += cut + 20 < len ? 7 : 1) {
        struct engine_table table = table_of("t", &schema, &made);

        write_file(in_scratch("damaged.parquet"), bytes, cut);
        ck_assert_int_eq(engine_define_files(engine, &table, &err), CORRIE_E_CORRUPT);
        ck_assert_msg(strstr(corrie_error_message(&err), "damaged.parquet") != NULL, "%s",
                      corrie_error_message(&err));
        corrie_error_clear(&err);
    }
    for (size_t at = len - 600 < len ? len - 600 : 0; at < len; at++) {
        struct engine_table table = table_of("t", &schema, &made);
        int r;

        bytes[at] = (char)~bytes[at];
        write_file(in_scratch("damaged.parquet"), bytes, len);
        bytes[at] = (char)~bytes[at];
        r = engine_define_files(engine, &table, &err);
        ck_assert_msg(r == 0 || strstr(corrie_error_message(&err), "damaged.parquet") != NULL ||
                          strstr(corrie_error_message(&err), "table shop.t") != NULL,
                      "byte %zu: %s: %s", at, corrie_code_name(r), corrie_error_message(&err));
        if (r == 0 && query_error(engine, "SELECT * FROM t", &err) == CORRIE_E_INTERNAL) {
            ck_abort_msg("byte %zu: %s", at, corrie_error_message(&err));
        }
        corrie_error_clear(&err);
    }
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

SUITE(evolve_suite, "evolve", test_inner_fields, test_same_name_again, test_no_ids, test_constants,
      test_odd_names, test_damaged)
