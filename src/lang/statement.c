/* statement.c — which statement it is, and the shells of those that change rows. */
#include "lang/statement_priv.h"

static const char what_sql_can[] =
    "sql knows INSERT, DELETE, TRUNCATE, UPDATE, MERGE, CREATE TABLE, ALTER TABLE, DROP TABLE, CREATE and DROP "
    "NAMESPACE, BEGIN, COMMIT, ROLLBACK and queries";

const char *statement_kind_name(enum statement_kind kind)
{
    static const char *const names[] = {
        [STATEMENT_QUERY] = "query",
        [STATEMENT_INSERT] = "insert",
        [STATEMENT_DELETE] = "delete",
        [STATEMENT_UPDATE] = "update",
        [STATEMENT_MERGE] = "merge",
        [STATEMENT_CREATE_TABLE] = "create table",
        [STATEMENT_ALTER_TABLE] = "alter table",
        [STATEMENT_DROP_TABLE] = "drop table",
        [STATEMENT_CREATE_NAMESPACE] = "create namespace",
        [STATEMENT_DROP_NAMESPACE] = "drop namespace",
        [STATEMENT_BEGIN] = "begin",
        [STATEMENT_COMMIT] = "commit",
        [STATEMENT_ROLLBACK] = "rollback",
    };

    return names[kind];
}

/* ---- INSERT ---- */

void sql_refuse_returning(struct sql_parser *parser)
{
    if (sql_at(parser, "RETURNING")) {
        sql_fail(parser, parser->now.offset, parser->now.length, "RETURNING is not done here");
        sql_hint(parser, "ask for the rows by a query of their own");
    }
}

/* What stands behind INTO t: all of it is the query's but for clauses of other databases. */
static struct str take_rows(struct sql_parser *parser)
{
    static const char *const stops[] = {"RETURNING", NULL};
    struct sql_parser ahead = *parser;
    static const char *const conflict[] = {"ON", "RETURNING", NULL};
    struct str piece;

    /* ON CONFLICT is told from the ON of a join by looking at each ON */
    (void)sql_take_piece(&ahead, conflict, 0, "the rows: SELECT, VALUES or FROM");
    while (sql_accept(&ahead, "ON")) {
        if (sql_at(&ahead, "CONFLICT")) {
            sql_fail(&ahead, ahead.before.offset, 2, "ON CONFLICT: tables have no keys");
            sql_hint(&ahead, "write MERGE INTO … USING … ON … WHEN MATCHED THEN UPDATE SET …");
            break;
        }
        (void)sql_take_piece(&ahead, conflict, 0, "a condition");
    }
    if (ahead.code < 0) {
        parser->code = ahead.code;
        return STR_EMPTY;
    }
    piece = sql_take_piece(parser, stops, 0, "the rows: SELECT, VALUES or FROM");
    sql_refuse_returning(parser);
    sql_expect_end(parser);
    return piece;
}

/* Whether brackets here hold a query rather than names of columns. */
static bool is_query_in_brackets(struct sql_parser *parser)
{
    static const char *const begins[] = {"SELECT", "FROM", "WITH", "VALUES", NULL};
    struct sql_token next = sql_peek(parser);

    for (size_t i = 0; begins[i]; i++) {
        if (sql_is_word(parser->lexer.source, &next, begins[i])) {
            return true;
        }
    }
    return next.symbol == '(';
}

static void parse_insert(struct sql_parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_INSERT;
    if (sql_at(parser, "OR")) {
        sql_fail(parser, parser->now.offset, 2, "INSERT OR …: tables have no keys");
        sql_hint(parser, "write MERGE INTO … USING … ON … WHEN MATCHED THEN UPDATE SET …");
    }
    statement->overwrite = sql_accept(parser, "OVERWRITE");
    if (!statement->overwrite || sql_at(parser, "INTO")) {
        sql_expect(parser, "INTO");
    }
    sql_accept(parser, "TABLE");
    statement->table = sql_take_table(parser);
    if (sql_at_symbol(parser, '(') && !is_query_in_brackets(parser)) {
        sql_take_names(parser, &statement->columns, &statement->n_columns);
    }
    if (sql_accept(parser, "BY")) {
        statement->by_name = sql_accept(parser, "NAME");
        if (!statement->by_name) {
            sql_expect(parser, "POSITION");
        }
    }
    if (sql_at(parser, "DEFAULT")) {
        sql_fail(parser, parser->now.offset, parser->now.length, "columns have no default");
        sql_hint(parser, "write VALUES (NULL, …)");
    }
    if (statement->by_name && statement->columns) {
        sql_fail(parser, statement->columns[0].offset, statement->columns[0].length,
                 "columns are named here, and BY NAME takes their names from the rows");
    }
    statement->query = take_rows(parser);
}

/* ---- DELETE, UPDATE ---- */

static const char *const where_stops[] = {"RETURNING", NULL};

static void take_where(struct sql_parser *parser, struct statement *statement)
{
    if (sql_accept(parser, "WHERE")) {
        statement->condition = sql_take_piece(parser, where_stops, 0, "a condition");
    }
    sql_refuse_returning(parser);
    sql_expect_end(parser);
}

/* All that is joined; and if that is one item, how it is called. */
static void take_tables(struct sql_parser *parser, struct statement *statement)
{
    static const char *const stops[] = {"WHERE", "RETURNING", NULL};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct sql_parser ahead = *parser;
    struct statement item = {0};
    struct sql_path name = {0};

    statement->source = sql_take_piece(parser, stops, 0, "tables");
    if (parser->code < 0) {
        return;
    }
    ahead.lexer.err = &ignored;
    (void)sql_take_source(&ahead, &name);
    sql_take_source_alias(&ahead, stops, name, &item);
    if (ahead.code == 0 && ahead.now.offset == parser->now.offset) {
        statement->source_alias = item.source_alias;
        statement->source_ns = item.source_ns;
        statement->source_columns = item.source_columns;
        statement->n_source_columns = item.n_source_columns;
    }
}

static void parse_delete(struct sql_parser *parser, struct statement *statement)
{
    static const char *const not [] = {"USING", "WHERE", "RETURNING", "ORDER", "LIMIT", NULL};

    statement->kind = STATEMENT_DELETE;
    sql_expect(parser, "FROM");
    statement->table = sql_take_table(parser);
    statement->table.alias = sql_take_alias(parser, not );
    if (sql_accept(parser, "USING")) {
        take_tables(parser, statement);
    }
    take_where(parser, statement);
}

static void parse_truncate(struct sql_parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_DELETE;
    sql_accept(parser, "TABLE");
    statement->table = sql_take_table(parser);
    sql_expect_end(parser);
}

static void parse_update(struct sql_parser *parser, struct statement *statement)
{
    static const char *const not [] = {"SET", NULL};
    static const char *const sets[] = {"FROM", "WHERE", "RETURNING", NULL};

    statement->kind = STATEMENT_UPDATE;
    statement->table = sql_take_table(parser);
    statement->table.alias = sql_take_alias(parser, not );
    sql_expect(parser, "SET");
    sql_take_sets(parser, sets, &statement->sets, &statement->n_sets);
    if (sql_accept(parser, "FROM")) {
        take_tables(parser, statement);
    }
    take_where(parser, statement);
}

/* ---- DROP, transactions ---- */

static void parse_drop(struct sql_parser *parser, struct statement *statement)
{
    bool ns = sql_at(parser, "NAMESPACE") || sql_at(parser, "SCHEMA");

    if (!ns && !sql_at(parser, "TABLE")) {
        sql_expected(parser, "TABLE or NAMESPACE");
    }
    sql_advance(parser);
    statement->kind = ns ? STATEMENT_DROP_NAMESPACE : STATEMENT_DROP_TABLE;
    statement->if_exists = sql_accept_if(parser, false);
    if (ns) {
        statement->table.ns = sql_take_name(parser, "the name of a namespace");
    } else {
        statement->table = sql_take_table(parser);
    }
    if (!ns && sql_accept(parser, "CASCADE")) { /* nothing hangs on a table */
        sql_expect_end(parser);
    } else if (sql_at(parser, "CASCADE")) {
        sql_fail(parser, parser->now.offset, parser->now.length, "CASCADE is not done here");
        sql_hint(parser, "drop the tables first");
    }
    (void)(sql_accept(parser, "RESTRICT") || sql_accept(parser, "PURGE"));
    sql_expect_end(parser);
}

static bool parse_transaction(struct sql_parser *parser, struct statement *statement)
{
    if (sql_accept(parser, "START")) {
        sql_expect(parser, "TRANSACTION");
        statement->kind = STATEMENT_BEGIN;
    } else if (sql_accept(parser, "BEGIN")) {
        statement->kind = STATEMENT_BEGIN;
    } else if (sql_accept(parser, "COMMIT") || sql_accept(parser, "END")) {
        statement->kind = STATEMENT_COMMIT;
    } else if (sql_accept(parser, "ROLLBACK") || sql_accept(parser, "ABORT")) {
        statement->kind = STATEMENT_ROLLBACK;
    } else {
        return false;
    }
    (void)(sql_accept(parser, "TRANSACTION") || sql_accept(parser, "WORK"));
    sql_expect_end(parser);
    return true;
}

/* ---- which ---- */

static bool is_query(const struct sql_parser *parser)
{
    static const char *const begins[] = {"SELECT", "FROM",    "VALUES",    "DESCRIBE",
                                         "DESC",   "SHOW",    "SUMMARIZE", "EXPLAIN",
                                         "PIVOT",  "UNPIVOT", "TABLE",     "WITH"};

    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        if (sql_at(parser, begins[i])) {
            return true;
        }
    }
    return sql_at_symbol(parser, '(');
}

static bool parse_change(struct sql_parser *parser, struct statement *statement)
{
    if (sql_accept(parser, "INSERT")) {
        parse_insert(parser, statement);
    } else if (sql_accept(parser, "DELETE")) {
        parse_delete(parser, statement);
    } else if (sql_accept(parser, "UPDATE")) {
        parse_update(parser, statement);
    } else if (sql_accept(parser, "MERGE")) {
        sql_parse_merge(parser, statement);
    } else {
        return false;
    }
    return true;
}

/* WITH a AS (…) before a change, or a query. */
static void parse_with(struct sql_parser *parser, struct statement *statement)
{
    static const char *const stops[] = {"INSERT", "DELETE", "UPDATE", "MERGE",
                                        "SELECT", "FROM",   "VALUES", NULL};
    struct str with = sql_take_piece(parser, stops, 0, "WITH");

    statement->with = with;
    if (!parse_change(parser, statement)) {
        statement->with = STR_EMPTY;
        statement->kind = STATEMENT_QUERY;
    }
}

int statement_parse(const char *file, struct str source, struct str text, struct arena *arena,
                    struct statement *ret, corrie_error *err)
{
    size_t begin = statement_offset(source, text);
    struct sql_parser parser = {
        .lexer = {.file = file, .source = source, .at = begin, .end = begin + text.len, .err = err},
        .arena = arena};
    struct statement statement = {.text = text};

    sql_advance(&parser);
    if (sql_at(&parser, "WITH")) {
        parse_with(&parser, &statement);
    } else if (is_query(&parser)) {
        statement.kind = STATEMENT_QUERY;
    } else if (sql_accept(&parser, "CREATE")) {
        sql_parse_create(&parser, &statement);
    } else if (sql_accept(&parser, "ALTER")) {
        sql_parse_alter(&parser, &statement);
    } else if (sql_accept(&parser, "DROP")) {
        parse_drop(&parser, &statement);
    } else if (sql_accept(&parser, "TRUNCATE")) {
        parse_truncate(&parser, &statement);
    } else if (!parse_transaction(&parser, &statement) && !parse_change(&parser, &statement)) {
        sql_expected(&parser, "a statement");
        sql_hint(&parser, what_sql_can);
    }
    if (parser.code < 0) {
        return parser.code;
    }
    *ret = statement;
    return 0;
}
