/* What a query reads and gives, before a byte is read. */
#include "help.h"

struct world {
    struct engine *engine;
    struct arena arena;
    struct schema events;
    struct schema users;
    struct engine_bind_table tables[3];
};

static void world_make(struct world *world, bool locked)
{
    *world = (struct world){.engine = locked ? engine_locked(scratch()) : engine_plain()};
    world->events = schema_of(
        &world->arena, "id BIGINT;kind VARCHAR;price DOUBLE;ts TIMESTAMP;amount DECIMAL(10,2);"
                       "day DATE;ok BOOLEAN;odd VARCHAR;st STRUCT(a INTEGER);n INTEGER;"
                       "seen TIMESTAMP WITH TIME ZONE;tm TIME");
    world->events.fields[7].name = STR("odd \"na'me");
    world->users = schema_of(&world->arena, "user_id BIGINT;customer_segment VARCHAR");
    world->tables[0] = (struct engine_bind_table){STR("shop"), STR("events"), &world->events};
    world->tables[1] = (struct engine_bind_table){STR("shop"), STR("users"), &world->users};
    world->tables[2] = (struct engine_bind_table){STR_EMPTY, STR("users"), &world->events};
}

static void world_done(struct world *world)
{
    engine_close(world->engine);
    arena_done(&world->arena);
}

/* "table(columns)[filters]" of each scan, then " -> columns of the result". */
static const char *bound(struct world *world, const char *sql, size_t n_tables)
{
    static struct buf out;
    struct engine_binding binding = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    buf_clear(&out);
    ck_ok(engine_bind(world->engine, str_of(sql), NULL, STR("shop"), world->tables, n_tables,
                      &world->arena, &binding, &err),
          &err);
    for (size_t i = 0; i < binding.n_scans; i++) {
        const struct engine_scan *scan = &binding.scans[i];
        const struct engine_bind_table *table = &world->tables[scan->table];

        buf_addf(&out, "%s%.*s%s(", i ? " " : "", STR_FMT(table->name), scan->whole ? "!" : "");
        for (size_t k = 0; k < scan->n_columns; k++) {
            buf_addf(&out, "%s%.*s", k ? "," : "",
                     STR_FMT(table->schema->fields[scan->columns[k]].name));
        }
        buf_add_char(&out, ')');
        for (size_t k = 0; k < scan->n_filters; k++) {
            buf_addf(&out, "[%s%.*s]", scan->filters[k].optional ? "~" : "",
                     STR_FMT(scan->filters[k].sql));
        }
    }
    buf_add_text(&out, " ->");
    for (size_t i = 0; i < binding.columns.n_fields; i++) {
        buf_addf(&out, " %.*s:", STR_FMT(binding.columns.fields[i].name));
        type_print(&binding.columns.fields[i].type, &out);
    }
    return buf_text(&out);
}

START_TEST(test_columns)
{
    /* what is not needed is not read, what is needed is */
    struct world world;

    world_make(&world, true);
    ck_assert_str_eq(bound(&world, "SELECT id, price * 2 AS twice FROM events", 2),
                     "events(id,price) -> id:long twice:double");
    ck_assert_str_eq(
        bound(&world, "SELECT kind, count(*) AS n, sum(id) AS s FROM shop.events GROUP BY kind", 2),
        "events(id,kind) -> kind:string n:long s:long");
    ck_assert_str_eq(bound(&world, "SELECT count(*) AS n FROM events", 2), "events() -> n:long");
    ck_assert_str_eq(bound(&world, "SELECT st.a FROM events", 2), "events(st) -> a:int");
    ck_assert_str_eq(bound(&world, "SELECT * FROM users", 2),
                     "users(user_id,customer_segment) -> user_id:long customer_segment:string");
    ck_assert_str_eq(bound(&world, "SELECT 1 AS one", 2), " -> one:int");
    /* proved unused, yet read whole rather than skipped */
    ck_assert_str_eq(bound(&world, "SELECT id FROM events WHERE false", 1),
                     "events!(id,kind,price,ts,amount,day,ok,odd \"na'me,st,n,seen,tm) -> id:long");
    world_done(&world);
}
END_TEST

START_TEST(test_filters)
{
    /* a filter that is handed on must be one that the query has */
    struct world world;

    world_make(&world, true);
    ck_assert_str_eq(
        bound(&world, "SELECT id FROM events WHERE price > 1.5 AND price <= 20 AND kind = 'it''s'",
              2),
        "events(id,kind,price)[\"kind\" = 'it''s'][\"price\" > 1.5][\"price\" <= 20.0]"
        " -> id:long");
    ck_assert_str_eq(
        bound(&world,
              "SELECT 1 AS x FROM events WHERE ts >= '2020-01-01' AND day = '2020-02-03' "
              "AND amount < 1.5 AND n = -3 AND seen > '2020-01-01 00:00:00+00' AND tm < '10:00'",
              2),
        "events(ts,amount,day,n,seen,tm)[\"ts\" >= TIMESTAMP '2020-01-01T00:00:00']"
        "[\"amount\" < 1.50][\"day\" = DATE '2020-02-03'][\"n\" = -3]"
        "[\"seen\" > TIMESTAMPTZ '2020-01-01T00:00:00+00:00'][\"tm\" < TIME '10:00:00'] -> x:int");
    ck_assert_str_eq(bound(&world, "SELECT 1 AS x FROM events WHERE ts::DATE = '2020-01-01'", 2),
                     "events(ts)[\"ts\" >= TIMESTAMP '2020-01-01T00:00:00']"
                     "[\"ts\" < TIMESTAMP '2020-01-02T00:00:00'] -> x:int");
    ck_assert_str_eq(bound(&world, "SELECT 1 AS x FROM events WHERE id IN (1, 2, 9)", 2),
                     "events(id)[~\"id\" IN (1, 2, 9)] -> x:int");
    ck_assert_str_eq(
        bound(&world, "SELECT 1 AS x FROM events WHERE kind IS NULL AND id IS NOT NULL AND ok", 2),
        "events(id,kind,ok)[\"id\" IS NOT NULL][\"kind\" IS NULL][\"ok\" = TRUE] -> x:int");
    ck_assert_str_eq(bound(&world, "SELECT 1 AS x FROM events WHERE kind LIKE 'ab%'", 2),
                     "events(kind)[\"kind\" >= 'ab'][\"kind\" < 'ac'] -> x:int");
    ck_assert_str_eq(bound(&world, "SELECT 1 AS x FROM events WHERE \"odd \"\"na'me\" = 'q'", 2),
                     "events(odd \"na'me)[\"odd \"\"na'me\" = 'q'] -> x:int");
    /* nothing is made of what is not understood */
    ck_assert_str_eq(
        bound(&world, "SELECT 1 AS x FROM events WHERE lower(kind) = 'x' AND id % 2 = 1", 2),
        "events(id,kind) -> x:int");
    ck_assert_str_eq(
        bound(&world, "SELECT 1 AS x FROM events WHERE id = 9999999999999999999999", 2),
        "events(id) -> x:int");
    ck_assert_str_eq(bound(&world, "SELECT 1 AS x FROM events WHERE kind = 'a' COLLATE NOCASE", 2),
                     "events(kind) -> x:int");
    ck_assert_str_eq(
        bound(&world, "SELECT 1 AS x FROM events WHERE price = 'nan'::DOUBLE", 2) != NULL ? "fine"
                                                                                          : "",
        "fine");
    world_done(&world);
}
END_TEST

START_TEST(test_several)
{
    struct world world;

    world_make(&world, true);
    ck_assert_str_eq(bound(&world,
                           "SELECT e.id FROM events e JOIN users u ON e.id = u.user_id WHERE "
                           "u.customer_segment = 'vip' AND e.price > 3",
                           2),
                     "events(id,price)[\"price\" > 3.0] users(user_id,customer_segment)"
                     "[\"customer_segment\" = 'vip'] -> id:long");
    ck_assert_str_eq(
        bound(&world,
              "SELECT a.id FROM events a, events b WHERE a.n = b.n AND a.id = 1 AND b.id = 2", 2),
        "events(id,n)[\"id\" = 1] events(id,n)[\"id\" = 2] -> id:long");
    ck_assert_str_eq(
        bound(&world, "SELECT id FROM events WHERE id < 5 UNION ALL SELECT user_id FROM users", 2),
        "events(id)[\"id\" < 5] users(user_id) -> id:long");
    /* a table without a namespace (a model) comes before the lake's of that name */
    ck_assert_str_eq(bound(&world, "SELECT price FROM users", 3), "users(price) -> price:double");
    ck_assert_str_eq(bound(&world, "SELECT user_id FROM shop.users", 3),
                     "users(user_id) -> user_id:long");
    ck_assert_str_eq(bound(&world,
                           "WITH q AS (SELECT * FROM events WHERE n > 1) SELECT id FROM q "
                           "QUALIFY row_number() OVER (PARTITION BY kind ORDER BY ts) = 1",
                           2),
                     "events(id,kind,ts,n)[\"n\" > 1] -> id:long");
    world_done(&world);
}
END_TEST

START_TEST(test_bind_errors)
{
    /* a wrong name is found before anything runs, with its place and the nearest names */
    struct world world;
    struct engine_binding binding;
    corrie_error err = CORRIE_ERROR_INIT;

    world_make(&world, true);
#define BIND(sql)                                                                                  \
    engine_bind(world.engine, STR(sql), "models/a.sql", STR("shop"), world.tables, 2,              \
                &world.arena, &binding, &err)
    ck_assert_int_eq(BIND("SELECT id,\n  pric\nFROM events"), CORRIE_E_NOT_FOUND);
    ck_assert_str_eq(err.position.file, "models/a.sql");
    ck_assert_int_eq(err.position.line, 2);
    ck_assert_int_eq(err.position.column, 3);
    ck_assert_ptr_nonnull(strstr(err.hint, "price"));
    ck_assert_ptr_null(strstr(corrie_error_message(&err), "c2"));
    corrie_error_clear(&err);
    ck_assert_int_eq(BIND("SELECT c0 FROM events"), CORRIE_E_NOT_FOUND);
    corrie_error_clear(&err);
    ck_assert_int_eq(BIND("SELECT c0 FROM t0"), CORRIE_E_NOT_FOUND);
    corrie_error_clear(&err);
    ck_assert_int_eq(BIND("SELECT * FROM event"), CORRIE_E_NOT_FOUND);
    ck_assert_str_eq(err.hint, "did you mean shop.events?");
    ck_assert_int_eq(err.position.column, 15);
    corrie_error_clear(&err);
    ck_fails(BIND("SELECT sum(kind) FROM events"), CORRIE_E_PROJECT, &err);
    ck_fails(BIND("SELECT nofunction(kind) FROM events"), CORRIE_E_PROJECT, &err);
    ck_fails(BIND("SELECT * FROM read_csv('x.csv')"), CORRIE_E_REFUSED, &err);
    ck_fails(BIND("SELECT ts - ts AS gap FROM events"), CORRIE_E_UNSUPPORTED, &err);
    /* and the planner is usable afterwards */
    ck_assert_str_eq(bound(&world, "SELECT id FROM events", 2), "events(id) -> id:long");
    world_done(&world);
}
END_TEST

/* Tables that were bound before stay with the planner: what they were then must not be taken for what they are. */
START_TEST(test_tables_that_change)
{
    struct world world;
    struct schema other, upper, cases;
    struct engine_binding binding;
    corrie_error err = CORRIE_ERROR_INIT;

    world_make(&world, true);
    other = schema_of(&world.arena, "customer_segment BIGINT;user_id VARCHAR");
    upper = schema_of(&world.arena, "u BOOLEAN");
    cases = schema_of(&world.arena, "a BIGINT;A VARCHAR");
    for (int round = 0; round < 2; round++) {
        world.tables[1].schema = &world.users;
        ck_assert_str_eq(bound(&world, "SELECT user_id FROM users WHERE customer_segment = 'a'", 2),
                         "users(user_id,customer_segment)[\"customer_segment\" = 'a'] -> "
                         "user_id:long");
        world.tables[1].schema = &other;
        ck_assert_str_eq(bound(&world, "SELECT user_id FROM users WHERE customer_segment = 7", 2),
                         "users(customer_segment,user_id)[\"customer_segment\" = 7] -> "
                         "user_id:string");
        world.tables[1].name = STR("USERS");
        world.tables[1].schema = &upper;
        ck_assert_str_eq(bound(&world, "SELECT u FROM users", 2), "USERS(u) -> u:boolean");
        world.tables[1].name = STR("users");
        ck_fails(engine_bind(world.engine, STR("SELECT user_id FROM users"), NULL, STR("shop"),
                             world.tables, 2, &world.arena, &binding, &err),
                 CORRIE_E_NOT_FOUND, &err);
        /* in another namespace, in none, and not at all */
        world.tables[1].name_space = STR("other");
        ck_assert_str_eq(bound(&world, "SELECT u FROM other.users", 2), "users(u) -> u:boolean");
        ck_fails(engine_bind(world.engine, STR("SELECT u FROM users"), NULL, STR("shop"),
                             world.tables, 2, &world.arena, &binding, &err),
                 CORRIE_E_NOT_FOUND, &err);
        world.tables[1].name_space = STR("shop");
        ck_assert_str_eq(bound(&world, "SELECT price FROM users", 3),
                         "users(price) -> price:double");
        ck_fails(engine_bind(world.engine, STR("SELECT u FROM users"), NULL, STR("shop"),
                             world.tables, 1, &world.arena, &binding, &err),
                 CORRIE_E_NOT_FOUND, &err);
        /* what tables have where a statement is bound, and not where it runs */
        ck_fails(engine_bind(world.engine, STR("SELECT \"RowId\" FROM users"), NULL, STR("shop"),
                             world.tables, 2, &world.arena, &binding, &err),
                 CORRIE_E_NOT_FOUND, &err);
        world.tables[1].schema = &cases;
        ck_assert_str_eq(bound(&world, "SELECT a FROM users WHERE a > 1", 2),
                         "users(a)[\"a\" > 1] -> a:long");
    }
    world_done(&world);
}
END_TEST

/* "result=table.column,…" of each column; "?" in front: vague. */
static const char *lineage(struct world *world, const char *sql)
{
    static struct buf out;
    struct engine_lineage lineage = {0};
    struct engine_binding binding = {0};
    corrie_error err = CORRIE_ERROR_INIT;

    buf_clear(&out);
    ck_ok(engine_bind(world->engine, str_of(sql), NULL, STR("shop"), world->tables, 2,
                      &world->arena, &binding, &err),
          &err);
    ck_ok(engine_lineage(world->engine, str_of(sql), NULL, STR("shop"), world->tables, 2,
                         &world->arena, &lineage, &err),
          &err);
    ck_assert_uint_eq(lineage.n_columns, binding.columns.n_fields);
    buf_add_text(&out, lineage.exact ? "" : "?");
    for (size_t i = 0; i < lineage.n_columns; i++) {
        buf_addf(&out, "%s%.*s=", i ? " " : "", STR_FMT(binding.columns.fields[i].name));
        for (size_t k = 0; k < lineage.columns[i].n_from; k++) {
            struct engine_column_ref ref = lineage.columns[i].from[k];
            const struct schema *schema = world->tables[ref.table].schema;
            buf_addf(&out, "%s%s.%.*s", k ? "," : "", ref.table == 0 ? "e" : "u",
                     STR_FMT(schema->fields[ref.column].name));
        }
    }
    return buf_text(&out);
}

/* Who asks where a number comes from must not be told of another column, nor miss one. */
START_TEST(test_lineage)
{
    static const char *const cases[][2] = {
        {"SELECT id, price * n AS p FROM events", "id=e.id p=e.price,e.n"},
        {"SELECT * FROM users", "user_id=u.user_id customer_segment=u.customer_segment"},
        {"SELECT price FROM events WHERE id > 3 ORDER BY kind LIMIT 3", "price=e.price"},
        {"SELECT kind, sum(price) AS s, count(*) AS c FROM events GROUP BY kind HAVING max(n) > 1",
         "kind=e.kind s=e.price c="},
        {"SELECT sum(price) FILTER (WHERE ok) AS s FROM events", "s=e.price,e.ok"},
        {"SELECT CASE WHEN ok THEN price ELSE n END AS x FROM events", "x=e.price,e.ok,e.n"},
        {"SELECT e.id, u.* FROM events e JOIN users u ON e.id = u.user_id",
         "id=e.id user_id=u.user_id customer_segment=u.customer_segment"},
        {"SELECT a.id, b.price FROM events a LEFT JOIN events b ON a.n = b.n",
         "id=e.id price=e.price"},
        {"WITH q AS (SELECT id + n AS x, kind FROM events) SELECT x, kind FROM q",
         "x=e.id,e.n kind=e.kind"},
        {"WITH q AS (SELECT id AS x FROM events) SELECT a.x + b.x AS y FROM q a, q b", "y=e.id"},
        {"SELECT id FROM events UNION ALL SELECT user_id FROM users", "id=e.id,u.user_id"},
        {"SELECT id FROM events EXCEPT SELECT user_id FROM users", "id=e.id"},
        {"SELECT x FROM (SELECT id AS x FROM events) WHERE x IN (SELECT user_id FROM users)",
         "x=e.id"},
        {"SELECT (SELECT max(customer_segment) FROM users) AS m FROM events",
         "m=u.customer_segment"},
        {"SELECT id, (SELECT max(customer_segment) FROM users u WHERE u.user_id = e.id) AS m "
         "FROM events e",
         "id=e.id m=u.customer_segment"},
        {"SELECT (SELECT u.customer_segment || e.kind FROM users u WHERE u.user_id = e.id) AS m "
         "FROM events e",
         "m=e.kind,u.customer_segment"},
        {"SELECT row_number() OVER (PARTITION BY kind ORDER BY ts) AS r, "
         "lag(price) OVER (ORDER BY ts) AS l FROM events",
         "r=e.kind,e.ts l=e.price,e.ts"},
        {"SELECT DISTINCT kind FROM events", "kind=e.kind"},
        {"SELECT st.a AS a FROM events", "a=e.st"},
        {"SELECT 1 AS one, 'x' AS x", "one= x="},
        {"SELECT count(*) AS c FROM events", "c="},
        {"SELECT * EXCLUDE (customer_segment) FROM users", "user_id=u.user_id"},
        {"SELECT * REPLACE (user_id + 1 AS user_id) FROM users",
         "user_id=u.user_id customer_segment=u.customer_segment"},
        {"SELECT v.n, e.id FROM events e, (VALUES (1), (2)) AS v(n)", "n= id=e.id"},
        {"SELECT unnest([id, n]) AS x FROM events", "x=e.id,e.n"},
        {"SELECT e.id, r.range AS k FROM events e, range(3) r", "id=e.id k="},
        {"WITH RECURSIVE r(a, b) AS (SELECT id, 0 FROM events UNION ALL SELECT r.a + e.n, "
         "r.a + r.b FROM r JOIN events e ON e.id = r.a WHERE r.b < 3) SELECT a, b FROM r",
         "a=e.id,e.n b=e.id,e.n"},
        {"SELECT kind, grouping(kind) AS g FROM events GROUP BY ROLLUP (kind)", "kind=e.kind g="},
        {"FROM events SELECT price AS p WHERE false", "p=e.price"},
        {"SELECT e.id, u.customer_segment FROM events e ASOF JOIN users u ON e.id >= u.user_id",
         "id=e.id customer_segment=u.customer_segment"},
        {"SELECT user_id IN (SELECT id FROM events) AS found FROM users", "found="},
    };
    struct world world;

    world_make(&world, true);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        ck_assert_str_eq(lineage(&world, cases[i][0]), cases[i][1]);
    }
    world_done(&world);
}
END_TEST

SUITE(bind_suite, "bind", test_columns, test_filters, test_several, test_tables_that_change,
      test_lineage, test_bind_errors)
