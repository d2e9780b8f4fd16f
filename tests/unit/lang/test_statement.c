/* A shell that is misread changes rows that nobody meant; an error without a place leaves the user searching. */
#include "lang/statement.h"

#include "base/buf.h"
#include "base/limits.h"
#include "tests/unit/check.h"

static struct statement parsed(const char *text, struct arena *arena)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct statement statement;
    struct str source = str_of(text);

    ck_ok(statement_parse(NULL, source, str_trim(source), arena, &statement, &err), &err);
    return statement;
}

static void is(struct str piece, const char *expected)
{
    ck_assert_msg(str_eq(piece, str_of(expected)), "[%.*s] is not [%s]", STR_FMT(piece), expected);
}

static void fails_at(const char *text, long line, long column, const char *part)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct statement statement;
    struct str source = str_of(text);
    int r = statement_parse(NULL, source, source, &arena, &statement, &err);

    ck_assert_msg(r == CORRIE_E_PROJECT, "%s: %s", text, corrie_code_name(r));
    ck_assert_msg(strstr(corrie_error_message(&err), part) != NULL, "%s: \"%s\" lacks \"%s\"", text,
                  corrie_error_message(&err), part);
    ck_assert_msg(err.position.line == line && err.position.column == column,
                  "%s: at %ld:%ld, expected %ld:%ld (%s)", text, err.position.line,
                  err.position.column, line, column, corrie_error_message(&err));
}

/* The statements of a script, joined by '|'. */
static void splits(const char *script, const char *expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf all = {0};
    struct str source = str_of(script);
    struct str rest = source;
    struct str text;
    int r;

    while ((r = statement_next(NULL, source, &rest, &text, &err)) > 0) {
        buf_add_text(&all, all.len ? "|" : "");
        buf_add_str(&all, text);
    }
    ck_ok(r, &err);
    ck_assert_str_eq(buf_text(&all), expected);
}

START_TEST(scripts_split_where_statements_end)
{
    splits("a; b ;;  c", "a|b|c");
    splits("", "");
    splits(" ; -- nothing\n ; /* ; /* ; */ ; */", "");
    splits("a ';' b; c \";\" d", "a ';' b|c \";\" d");
    splits("a 'it''s;' b; c", "a 'it''s;' b|c");
    splits("a E'x\\';' b; c", "a E'x\\';' b|c");
    splits("a 'x\\'; b", "a 'x\\'|b");
    splits("$$;$$; $t$ ; $$ ; $t$; x$1;y", "$$;$$|$t$ ; $$ ; $t$|x$1|y");
    splits("f(a; b); c", "f(a; b)|c"); /* DuckDB says what is wrong with it */
    splits("a -- ; '\n; b", "a|b");
    splits("caf\xc3\xa9; \xe2\x82\xac", "caf\xc3\xa9|\xe2\x82\xac");
}
END_TEST

static void never_ends(const char *script, int code, long column, const char *part)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct str source = str_of(script);
    struct str rest = source;
    struct str text;
    int r = statement_next("s.sql", source, &rest, &text, &err);

    ck_assert_msg(r == code, "%s: %d", script, r);
    ck_assert_int_eq(err.position.column, column);
    ck_assert_str_eq(err.position.file, "s.sql");
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), part));
}

START_TEST(what_is_not_closed_has_its_place)
{
    never_ends("a 'b; c", CORRIE_E_PROJECT, 3, "text");
    never_ends("a \"b; c", CORRIE_E_PROJECT, 3, "name");
    never_ends("a /* b; c", CORRIE_E_PROJECT, 3, "comment");
    never_ends("a $x$ b; c", CORRIE_E_PROJECT, 3, "text");
    never_ends("a (b; c", CORRIE_E_PROJECT, 3, "bracket");
    never_ends("a (b]; c", CORRIE_E_PROJECT, 5, "closes nothing");
    never_ends("a b); c", CORRIE_E_PROJECT, 4, "closes nothing");
    never_ends("a \xff", CORRIE_E_PROJECT, 3, "UTF-8");
}
END_TEST

START_TEST(brackets_are_bounded)
{
    _cleanup_(buf_done) struct buf deep = {0};

    for (int i = 0; i <= CORRIE_MAX_SQL_DEPTH; i++) {
        buf_add_char(&deep, '(');
    }
    never_ends(buf_text(&deep), CORRIE_E_LIMIT, CORRIE_MAX_SQL_DEPTH + 1, "deeper");
}
END_TEST

START_TEST(lines_are_whole_when_they_end)
{
    ck_assert(statement_is_whole(STR("SELECT 1;")));
    ck_assert(statement_is_whole(STR("SELECT 1; -- done")));
    ck_assert(statement_is_whole(STR("  ")));
    ck_assert(statement_is_whole(STR("a ) b")));
    ck_assert(!statement_is_whole(STR("SELECT 1")));
    ck_assert(!statement_is_whole(STR("SELECT (1;")));
    ck_assert(!statement_is_whole(STR("SELECT ';")));
    ck_assert(!statement_is_whole(STR("a; b")));
}
END_TEST

START_TEST(insert_is_taken_apart)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct statement s =
        parsed("insert INTO \"my ns\".\"a\"\"b\" (x, \"y z\") SELECT 1, 2", &arena);

    ck_assert_int_eq(s.kind, STATEMENT_INSERT);
    is(s.table.ns.text, "my ns");
    is(s.table.name.text, "a\"b");
    ck_assert_uint_eq(s.n_columns, 2);
    is(s.columns[1].text, "y z");
    is(s.query, "SELECT 1, 2");

    s = parsed("INSERT INTO t (SELECT 1)", &arena);
    ck_assert_uint_eq(s.n_columns, 0);
    is(s.query, "(SELECT 1)");
    s = parsed("INSERT INTO t BY NAME FROM x JOIN y ON x.a = y.a", &arena);
    ck_assert(s.by_name);
    is(s.query, "FROM x JOIN y ON x.a = y.a");
    s = parsed("INSERT INTO t VALUES ('ON CONFLICT', 1)", &arena);
    is(s.query, "VALUES ('ON CONFLICT', 1)");
    s = parsed("WITH a AS (SELECT 1) INSERT INTO t FROM a", &arena);
    is(s.with, "WITH a AS (SELECT 1)");
    is(s.query, "FROM a");
    s = parsed("WITH a AS (SELECT 1) SELECT * FROM a", &arena);
    ck_assert_int_eq(s.kind, STATEMENT_QUERY);
    fails_at("INSERT INTO t SELECT 1 ON CONFLICT DO NOTHING", 1, 24, "ON CONFLICT");
    fails_at("INSERT INTO t SELECT 1 RETURNING a", 1, 24, "RETURNING");
    fails_at("INSERT INTO t", 1, 14, "expected the rows");
    fails_at("INSERT t VALUES (1)", 1, 8, "expected INTO");
    fails_at("INSERT INTO a.b.c VALUES (1)", 1, 17, "two parts");
    fails_at("INSERT INTO t (\"\") VALUES (1)", 1, 16, "empty name");
}
END_TEST

START_TEST(columns_are_found_by_namespace_and_table)
{
    const struct str text =
        STR("DELETE FROM ns.t WHERE 'ns.t.a' = /* ns.t.b */ x.ns.t.c + \"NS\" . t .d");
    size_t offset = 0;
    size_t length = 0;

    ck_assert(statement_find_qualified(text, STR("ns"), STR("t"), &offset, &length));
    is(str_slice(text, offset, length), "\"NS\" . ");
    ck_assert(!statement_find_qualified(text, STR("ns"), STR("u"), &offset, &length));
    ck_assert(!statement_find_qualified(STR("FROM ns.t"), STR("ns"), STR("t"), &offset, &length));
    ck_assert(!statement_hides(STR("DELETE FROM t WHERE ns.t.a = 1"), STR("ns"), STR("t"), 12));
    ck_assert(
        !statement_hides(STR("DELETE FROM t WHERE EXISTS (FROM ns.t)"), STR("ns"), STR("t"), 12));
    ck_assert(
        statement_hides(STR("DELETE FROM t WHERE EXISTS (FROM r.t)"), STR("ns"), STR("t"), 12));
    ck_assert(
        statement_hides(STR("DELETE FROM t WHERE EXISTS (FROM r t)"), STR("ns"), STR("t"), 12));
    ck_assert(statement_hides(STR("DELETE FROM ns.t WHERE EXISTS (FROM r AS T"), STR("ns"),
                              STR("t"), 15));
    ck_assert(statement_hides(STR("UPDATE \"t\"\"\" SET a = \"T\"\"\""), STR_EMPTY, STR("t\""), 7));
    ck_assert(!statement_hides(STR("UPDATE \"t\"\"\" SET a = \"t\""), STR_EMPTY, STR("t\""), 7));
}
END_TEST

START_TEST(delete_and_update_are_taken_apart)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct statement s = parsed("DELETE FROM t AS a USING s, r WHERE a.x = s.x /* so */", &arena);

    ck_assert_int_eq(s.kind, STATEMENT_DELETE);
    is(s.table.alias.text, "a");
    is(s.source, "s, r");
    is(s.source_alias.text, ""); /* there are two */
    is(s.condition, "a.x = s.x");
    s = parsed("DELETE FROM t", &arena);
    is(s.condition, "");
    s = parsed("TRUNCATE TABLE ns.t", &arena);
    ck_assert_int_eq(s.kind, STATEMENT_DELETE);
    is(s.table.ns.text, "ns");
    s = parsed(
        "UPDATE t x SET a = a IS DISTINCT FROM b, c.d = CASE WHEN x.a THEN (SELECT 1 WHERE 2) ELSE 3 "
        "END FROM s WHERE 'where' = z",
        &arena);
    ck_assert_int_eq(s.kind, STATEMENT_UPDATE);
    is(s.table.alias.text, "x");
    ck_assert_uint_eq(s.n_sets, 2);
    is(s.sets[0].value, "a IS DISTINCT FROM b");
    ck_assert_uint_eq(s.sets[1].path.n_parts, 2);
    is(s.sets[1].value, "CASE WHEN x.a THEN (SELECT 1 WHERE 2) ELSE 3 END");
    is(s.source, "s");
    is(s.source_alias.text, "s");
    is(s.condition, "'where' = z");
    s = parsed("UPDATE t SET a = 1 FROM (SELECT 1, 2) AS n(x, y) WHERE t.a = n.x", &arena);
    is(s.source, "(SELECT 1, 2) AS n(x, y)");
    is(s.source_alias.text, "n");
    ck_assert_uint_eq(s.n_source_columns, 2);
    s = parsed("UPDATE t SET a = 1 FROM ns.x JOIN y ON x.a = y.a", &arena);
    is(s.source, "ns.x JOIN y ON x.a = y.a");
    is(s.source_alias.text, "");
    s = parsed("UPDATE t SET a = s.\"where\" + r.from WHERE b", &arena);
    is(s.sets[0].value, "s.\"where\" + r.from");
    fails_at("UPDATE t SET a = 1,\n  b 2", 2, 5, "expected '='");
    fails_at("UPDATE t SET (a, b) = (1, 2)", 1, 14, "several columns");
    fails_at("UPDATE t SET a = DEFAULT", 1, 18, "no default");
    fails_at("DELETE t WHERE 1", 1, 8, "expected FROM");
    fails_at("DELETE FROM t WHERE", 1, 20, "expected a condition");
}
END_TEST

START_TEST(merge_is_taken_apart)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct statement s = parsed(
        "MERGE INTO t AS a USING (SELECT 1 AS id) AS b(id) ON a.id = b.id "
        "WHEN MATCHED AND CASE WHEN b.x THEN true END THEN UPDATE SET v = b.v, w = 1 "
        "WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED BY TARGET AND b.id > 0 THEN INSERT (id, v) VALUES (b.id, f(b.v, 1)) "
        "WHEN NOT MATCHED THEN INSERT * "
        "WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = NULL "
        "WHEN NOT MATCHED BY SOURCE THEN DO NOTHING",
        &arena);

    ck_assert_int_eq(s.kind, STATEMENT_MERGE);
    is(s.source, "(SELECT 1 AS id)");
    is(s.source_alias.text, "b");
    ck_assert_uint_eq(s.n_source_columns, 1);
    is(s.condition, "a.id = b.id");
    ck_assert_uint_eq(s.n_clauses, 6);
    is(s.clauses[0].condition, "CASE WHEN b.x THEN true END");
    ck_assert_int_eq(s.clauses[0].action, THEN_UPDATE);
    ck_assert_uint_eq(s.clauses[0].n_sets, 2);
    is(s.clauses[0].sets[1].value, "1");
    ck_assert_int_eq(s.clauses[1].action, THEN_DELETE);
    ck_assert_int_eq(s.clauses[2].when, WHEN_NOT_MATCHED);
    is(s.clauses[2].values[1], "f(b.v, 1)");
    ck_assert_int_eq(s.clauses[3].action, THEN_INSERT_ALL);
    ck_assert_int_eq(s.clauses[4].when, WHEN_NOT_MATCHED_BY_SOURCE);
    ck_assert_int_eq(s.clauses[5].action, THEN_NOTHING);

    s = parsed(
        "MERGE INTO t USING ns.s USING (id) WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT",
        &arena);
    is(s.source, "ns.s");
    is(s.source_alias.text, "s");
    ck_assert_uint_eq(s.n_using_columns, 1);
    ck_assert_int_eq(s.clauses[0].action, THEN_UPDATE_ALL);
    s = parsed("MERGE INTO t USING s USING (id) WHEN MATCHED THEN UPDATE BY POSITION "
               "WHEN NOT MATCHED THEN INSERT BY NAME *",
               &arena);
    ck_assert_int_eq(s.clauses[0].action, THEN_UPDATE_ALL);
    ck_assert(s.clauses[0].by_position);
    ck_assert_int_eq(s.clauses[1].action, THEN_INSERT_ALL);
    ck_assert(!s.clauses[1].by_position);
    fails_at("MERGE INTO t USING s ON a WHEN NOT MATCHED THEN INSERT DEFAULT VALUES", 1, 56,
             "no default");
    fails_at("MERGE INTO t USING s ON a WHEN MATCHED THEN UPDATE BY a", 1, 55, "NAME or POSITION");
    fails_at("MERGE INTO t USING s ON a WHEN MATCHED THEN DELETE RETURNING a", 1, 52, "RETURNING");
    fails_at("DELETE FROM t ORDER BY a LIMIT 1", 1, 15, "found ORDER");
    s = parsed("DROP TABLE t CASCADE", &arena); /* as many tools write it */
    ck_assert_int_eq(s.kind, STATEMENT_DROP_TABLE);
    fails_at("DROP SCHEMA n CASCADE", 1, 15, "CASCADE");
    s = parsed("MERGE INTO t USING read_csv('x.csv') s ON true WHEN MATCHED THEN DELETE", &arena);
    is(s.source, "read_csv('x.csv')");
    is(s.source_alias.text, "s");
    fails_at("MERGE INTO t USING s ON a WHEN NOT MATCHED THEN DELETE", 1, 49, "can only INSERT");
    fails_at("MERGE INTO t USING s ON a WHEN MATCHED THEN INSERT *", 1, 45, "belongs to");
    fails_at("MERGE INTO t USING s ON a", 1, 26, "expected WHEN MATCHED");
    fails_at("MERGE INTO t USING s ON a WHEN NOT MATCHED THEN INSERT (a) VALUES (1, 2)", 1, 49,
             "1 columns are named and 2 values");
}
END_TEST

START_TEST(create_table_is_taken_apart)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct statement s = parsed(
        "CREATE TABLE IF NOT EXISTS a.b (id BIGINT NOT NULL COMMENT 'it''s', \"p q\" DECIMAL(10, 2), "
        "s STRUCT(a INT, b VARCHAR[]), m MAP<INT, LIST<TEXT>> NULL) PARTITIONED BY (day(ts), bucket(4, id)) "
        "TBLPROPERTIES ('a.b'='c', x.y = true)",
        &arena);

    ck_assert_int_eq(s.kind, STATEMENT_CREATE_TABLE);
    ck_assert(s.if_not_exists);
    ck_assert_uint_eq(s.n_definitions, 4);
    is(s.definitions[0].type, "BIGINT");
    ck_assert(s.definitions[0].required);
    is(s.definitions[0].comment, "it's");
    is(s.definitions[1].name.text, "p q");
    is(s.definitions[1].type, "DECIMAL(10, 2)");
    is(s.definitions[2].type, "STRUCT(a INT, b VARCHAR[])");
    is(s.definitions[3].type, "MAP<INT, LIST<TEXT>>");
    is(s.partitioned_by, "day(ts), bucket(4, id)");
    ck_assert_uint_eq(s.n_properties, 2);
    is(s.properties[1].key, "x.y");
    is(s.properties[1].value, "true");

    s = parsed("CREATE OR REPLACE TABLE t PARTITIONED BY (a) AS WITH x AS (SELECT 1) FROM x",
               &arena);
    ck_assert(s.or_replace);
    is(s.query, "WITH x AS (SELECT 1) FROM x");
    s = parsed("create schema if not exists n", &arena);
    ck_assert_int_eq(s.kind, STATEMENT_CREATE_NAMESPACE);
    ck_assert(s.if_not_exists);
    fails_at("CREATE TABLE t (a INT DEFAULT 1)", 1, 23, "no default");
    fails_at("CREATE TABLE t (a INT PRIMARY KEY)", 1, 23, "PRIMARY");
    fails_at("CREATE TABLE t (a INT, PRIMARY KEY (a))", 1, 24, "PRIMARY");
    fails_at("CREATE VIEW v AS SELECT 1", 1, 8, "TABLE or NAMESPACE");
    fails_at("CREATE TABLE t", 1, 15, "expected the columns");
    fails_at("CREATE TABLE t (a)", 1, 18, "expected a type");
}
END_TEST

START_TEST(alter_table_is_taken_apart)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct statement s = parsed(
        "ALTER TABLE IF EXISTS t ADD COLUMN IF NOT EXISTS a.b INT COMMENT 'c' AFTER d.e, "
        "ADD COLUMNS (x INT, y TEXT FIRST), DROP COLUMN IF EXISTS \"z\", RENAME COLUMN a TO b, "
        "RENAME TO n.u, ALTER COLUMN a TYPE DECIMAL(12, 2), ALTER a SET DATA TYPE BIGINT, "
        "ALTER COLUMN a DROP NOT NULL, ALTER COLUMN a FIRST, ALTER COLUMN a COMMENT 'w', "
        "SET TBLPROPERTIES ('k' = 'v', 'l' = '1'), UNSET TBLPROPERTIES IF EXISTS ('k'), "
        "ADD PARTITION FIELD bucket(4, id) AS shard, DROP PARTITION FIELD shard, "
        "REPLACE PARTITION FIELD day(ts) WITH hour(ts), SET PARTITIONED BY (a, b), "
        "WRITE UNORDERED, WRITE ORDERED BY (a, day(b) DESC, c ASC NULLS LAST), "
        "WRITE ORDERED BY x, \"asc\" DESC NULLS FIRST",
        &arena);
    static const enum alter_action expected[] = {
        ALTER_ADD_COLUMN,        ALTER_ADD_COLUMN,     ALTER_ADD_COLUMN,    ALTER_DROP_COLUMN,
        ALTER_RENAME_COLUMN,     ALTER_RENAME_TABLE,   ALTER_TYPE,          ALTER_TYPE,
        ALTER_DROP_NOT_NULL,     ALTER_MOVE,           ALTER_COMMENT,       ALTER_SET_PROPERTY,
        ALTER_SET_PROPERTY,      ALTER_UNSET_PROPERTY, ALTER_ADD_PARTITION, ALTER_DROP_PARTITION,
        ALTER_REPLACE_PARTITION, ALTER_SET_PARTITIONS, ALTER_SET_ORDER,     ALTER_SET_ORDER,
        ALTER_SET_ORDER};

    ck_assert(s.if_exists);
    ck_assert_uint_eq(s.n_alters, ARRAY_LEN(expected));
    for (size_t i = 0; i < s.n_alters; i++) {
        ck_assert_int_eq(s.alters[i].action, expected[i]);
    }
    ck_assert_uint_eq(s.alters[0].path.n_parts, 2);
    is(s.alters[0].column.name.text, "b");
    is(s.alters[0].column.type, "INT");
    ck_assert_int_eq(s.alters[0].place.kind, SQL_AFTER);
    ck_assert_uint_eq(s.alters[0].place.after.n_parts, 2);
    ck_assert_int_eq(s.alters[2].place.kind, SQL_FIRST);
    is(s.alters[5].ns.text, "n");
    is(s.alters[6].text, "DECIMAL(12, 2)");
    is(s.alters[12].key, "l");
    is(s.alters[14].text, "bucket(4, id)");
    is(s.alters[14].name.text, "shard");
    is(s.alters[16].with, "hour(ts)");
    ck_assert_uint_eq(s.alters[18].n_orders, 0);
    ck_assert_uint_eq(s.alters[19].n_orders, 3);
    ck_assert(!s.alters[19].orders[0].descending && !s.alters[19].orders[0].nulls_last);
    is(s.alters[19].orders[1].term, "day(b)");
    ck_assert(s.alters[19].orders[1].descending && s.alters[19].orders[1].nulls_last);
    ck_assert(!s.alters[19].orders[2].descending && s.alters[19].orders[2].nulls_last);
    is(s.alters[20].orders[1].term, "\"asc\"");
    ck_assert(s.alters[20].orders[1].descending && !s.alters[20].orders[1].nulls_last);
    fails_at("ALTER TABLE t WRITE ORDERED BY (a, )", 1, 36, "a column or transform");
    fails_at("ALTER TABLE t WRITE BY a", 1, 21, "expected ORDERED");
    fails_at("ALTER TABLE t ALTER COLUMN a TYPE INT USING b + 1", 1, 39, "USING");
    fails_at("ALTER TABLE t FROB", 1, 15, "expected ADD");
    fails_at("ALTER TABLE t DROP COLUMN a b", 1, 29, "expected the end");
}
END_TEST

START_TEST(the_rest_is_told_or_refused)
{
    _cleanup_(arena_done) struct arena arena = {0};

    ck_assert_int_eq(parsed("drop table if exists a.b", &arena).kind, STATEMENT_DROP_TABLE);
    ck_assert_int_eq(parsed("DROP SCHEMA a", &arena).kind, STATEMENT_DROP_NAMESPACE);
    ck_assert_int_eq(parsed("BEGIN TRANSACTION", &arena).kind, STATEMENT_BEGIN);
    ck_assert_int_eq(parsed("COMMIT", &arena).kind, STATEMENT_COMMIT);
    ck_assert_int_eq(parsed("rollback work", &arena).kind, STATEMENT_ROLLBACK);
    ck_assert_int_eq(parsed("(SELECT 1)", &arena).kind, STATEMENT_QUERY);
    fails_at("COPY t TO 'x'", 1, 1, "expected a statement, found COPY");
    fails_at("ATTACH 'x'", 1, 1, "found ATTACH");
    fails_at("SET x = 1", 1, 1, "found SET");
    fails_at("DROP VIEW x", 1, 6, "TABLE or NAMESPACE");
}
END_TEST

Suite *statement_suite(void);

Suite *statement_suite(void)
{
    Suite *suite = suite_create("statement");
    TCase *tests = tcase_create("statement");

    tcase_add_test(tests, scripts_split_where_statements_end);
    tcase_add_test(tests, what_is_not_closed_has_its_place);
    tcase_add_test(tests, brackets_are_bounded);
    tcase_add_test(tests, lines_are_whole_when_they_end);
    tcase_add_test(tests, insert_is_taken_apart);
    tcase_add_test(tests, columns_are_found_by_namespace_and_table);
    tcase_add_test(tests, delete_and_update_are_taken_apart);
    tcase_add_test(tests, merge_is_taken_apart);
    tcase_add_test(tests, create_table_is_taken_apart);
    tcase_add_test(tests, alter_table_is_taken_apart);
    tcase_add_test(tests, the_rest_is_told_or_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
