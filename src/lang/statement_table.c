/* statement_table.c — CREATE and ALTER TABLE. */
#include "lang/statement_priv.h"

/* ---- columns ---- */

/* What may follow a column's type. */
static const char *const type_stops[] = {"NOT",    "NULL",  "COMMENT",    "DEFAULT",   "PRIMARY",
                                         "UNIQUE", "CHECK", "REFERENCES", "GENERATED", "COLLATE",
                                         "FIRST",  "AFTER", "USING",      "AS",        NULL};

static void refuse_constraint(struct sql_parser *parser)
{
    static const char *const words[] = {"PRIMARY",   "UNIQUE",  "CHECK",      "REFERENCES",
                                        "GENERATED", "COLLATE", "CONSTRAINT", "FOREIGN"};

    if (sql_at(parser, "DEFAULT")) {
        sql_fail(parser, parser->now.offset, parser->now.length,
                 "columns have no default: tables of Iceberg's version 2 have none");
        sql_hint(parser, "rows that are there get null, which UPDATE … SET … WHERE … IS NULL makes "
                         "a value; new rows say theirs");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (sql_at(parser, words[i])) {
            sql_fail(parser, parser->now.offset, parser->now.length,
                     "%s: a column can be NOT NULL and have a COMMENT, no more", words[i]);
        }
    }
}

static void take_column_rest(struct sql_parser *parser, struct sql_column *column)
{
    column->type = sql_take_piece(parser, type_stops, SQL_STOP_COMMA | SQL_ANGLES, "a type");
    for (;;) {
        refuse_constraint(parser);
        if (sql_accept(parser, "NOT")) {
            sql_expect(parser, "NULL");
            column->required = true;
        } else if (sql_accept(parser, "COMMENT")) {
            column->comment = sql_take_string(parser, "the comment, in single quotes");
            column->has_comment = true;
        } else if (!sql_accept(parser, "NULL")) {
            break;
        }
    }
}

/* PRIMARY KEY (…), CHECK (…), CONSTRAINT a …: any of the words could be a column's name as well. */
static bool is_constraint(struct sql_parser *parser)
{
    struct sql_token next = sql_peek(parser);

    return sql_at(parser, "CONSTRAINT") || next.symbol == '(' ||
           sql_is_word(parser->lexer.source, &next, "KEY");
}

static void take_columns(struct sql_parser *parser, struct statement *statement)
{
    VEC(struct sql_column) columns = {0};

    sql_expect_symbol(parser, '(');
    do {
        struct sql_column column = {0};

        if (is_constraint(parser)) {
            refuse_constraint(parser);
        }
        column.name = sql_take_name(parser, "the name of a column");
        take_column_rest(parser, &column);
        if (parser->code == 0) {
            SQL_PUSH(parser, &columns, column);
        }
    } while (sql_accept_symbol(parser, ','));
    sql_expect_symbol(parser, ')');
    statement->definitions = sql_keep(parser, columns.items, columns.count, sizeof *columns.items);
    statement->n_definitions = columns.count;
    vec_done(&columns);
}

/* ---- properties ---- */

/* A key: quoted, or words with dots between. */
static struct str take_key(struct sql_parser *parser)
{
    size_t begin = parser->now.offset;

    if (parser->code == 0 && parser->now.kind == SQL_STRING) {
        return sql_take_string(parser, "a property");
    }
    if (parser->code == 0 && parser->now.kind == SQL_QUOTED) {
        return sql_take_name(parser, "a property").text;
    }
    do {
        (void)sql_take_name(parser, "a property");
    } while (sql_accept_symbol(parser, '.') || sql_accept_symbol(parser, '-'));
    return parser->code < 0 ? STR_EMPTY
                            : str_slice(parser->lexer.source, begin,
                                        parser->before.offset + parser->before.length - begin);
}

static struct str take_value(struct sql_parser *parser)
{
    struct str value;

    if (parser->code == 0 &&
        (parser->now.kind == SQL_NUMBER || sql_at(parser, "true") || sql_at(parser, "false"))) {
        value = str_slice(parser->lexer.source, parser->now.offset, parser->now.length);
        sql_advance(parser);
        return value;
    }
    return sql_take_string(parser, "the value, in single quotes");
}

void sql_take_properties(struct sql_parser *parser, struct sql_property **ret, size_t *ret_n)
{
    VEC(struct sql_property) properties = {0};

    sql_expect_symbol(parser, '(');
    do {
        struct sql_property property = {0};

        property.key = take_key(parser);
        sql_expect_symbol(parser, '=');
        property.value = take_value(parser);
        if (parser->code == 0) {
            SQL_PUSH(parser, &properties, property);
        }
    } while (sql_accept_symbol(parser, ','));
    sql_expect_symbol(parser, ')');
    *ret = sql_keep(parser, properties.items, properties.count, sizeof *properties.items);
    *ret_n = properties.count;
    vec_done(&properties);
}

/* ---- CREATE ---- */

static void parse_create_table(struct sql_parser *parser, struct statement *statement)
{
    statement->kind = STATEMENT_CREATE_TABLE;
    statement->if_not_exists = sql_accept_if(parser, true);
    if (statement->if_not_exists && statement->or_replace) {
        sql_fail(parser, parser->before.offset, parser->before.length,
                 "OR REPLACE and IF NOT EXISTS contradict each other");
    }
    statement->table = sql_take_table(parser);
    if (sql_at_symbol(parser, '(')) {
        take_columns(parser, statement);
    }
    for (;;) {
        if (sql_accept(parser, "PARTITIONED")) {
            sql_expect(parser, "BY");
            statement->partitioned_by = sql_take_brackets(parser, "columns and transforms");
        } else if (sql_accept(parser, "TBLPROPERTIES") || sql_accept(parser, "WITH")) {
            sql_take_properties(parser, &statement->properties, &statement->n_properties);
        } else if (sql_accept(parser, "USING")) {
            sql_expect(parser, "ICEBERG");
        } else {
            break;
        }
    }
    if (sql_accept(parser, "AS")) {
        if (statement->definitions) {
            sql_fail(parser, parser->before.offset, parser->before.length,
                     "either columns with their types, or AS a query");
            sql_hint(parser, "name and cast them in the query: SELECT CAST(x AS BIGINT) AS id, …");
        }
        statement->query = sql_take_piece(parser, NULL, 0, "a query");
    } else if (parser->code == 0 && !statement->definitions) {
        sql_expected(parser, "the columns in brackets, or AS and a query");
    }
    sql_expect_end(parser);
}

void sql_parse_create(struct sql_parser *parser, struct statement *statement)
{
    if (sql_accept(parser, "OR")) {
        sql_expect(parser, "REPLACE");
        statement->or_replace = true;
    }
    if (sql_accept(parser, "TABLE")) {
        parse_create_table(parser, statement);
    } else if (!statement->or_replace &&
               (sql_accept(parser, "NAMESPACE") || sql_accept(parser, "SCHEMA"))) {
        statement->kind = STATEMENT_CREATE_NAMESPACE;
        statement->if_not_exists = sql_accept_if(parser, true);
        statement->table.ns = sql_take_name(parser, "the name of a namespace");
        sql_expect_end(parser);
    } else {
        sql_expected(parser, statement->or_replace ? "TABLE" : "TABLE or NAMESPACE");
    }
}

/* ---- ALTER ---- */

struct alters {
    VEC(struct sql_alter) all;
};

static void push(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    if (parser->code == 0) {
        SQL_PUSH(parser, &alters->all, alter);
    }
}

/* FIRST, AFTER x, or nothing. */
static bool take_place(struct sql_parser *parser, struct sql_place *ret)
{
    if (sql_accept(parser, "FIRST")) {
        ret->kind = SQL_FIRST;
    } else if (sql_accept(parser, "AFTER")) {
        ret->kind = SQL_AFTER;
        ret->after = sql_take_path(parser, "the name of a column");
    } else {
        return false;
    }
    return true;
}

static void take_added(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    alter.action = ALTER_ADD_COLUMN;
    alter.if_exists = sql_accept_if(parser, true);
    alter.path = sql_take_path(parser, "the name of a column");
    if (parser->code == 0) {
        alter.column.name = alter.path.parts[alter.path.n_parts - 1];
    }
    take_column_rest(parser, &alter.column);
    (void)take_place(parser, &alter.place);
    push(parser, alters, alter);
}

static struct str take_term(struct sql_parser *parser)
{
    static const char *const stops[] = {"AS", "WITH", NULL};

    return sql_take_piece(parser, stops, SQL_STOP_COMMA, "a column or transform");
}

static void take_term_name(struct sql_parser *parser, struct sql_alter *alter)
{
    if (sql_accept(parser, "AS")) {
        alter->name = sql_take_name(parser, "the name of the field");
    }
}

static void take_add(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    if (sql_accept(parser, "PARTITION")) {
        sql_expect(parser, "FIELD");
        alter.action = ALTER_ADD_PARTITION;
        alter.text = take_term(parser);
        take_term_name(parser, &alter);
        push(parser, alters, alter);
        return;
    }
    if (sql_accept(parser, "COLUMNS")) {
        sql_expect_symbol(parser, '(');
        do {
            take_added(parser, alters, alter);
        } while (sql_accept_symbol(parser, ','));
        sql_expect_symbol(parser, ')');
        return;
    }
    sql_accept(parser, "COLUMN");
    take_added(parser, alters, alter);
}

static void take_dropped(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    alter.action = ALTER_DROP_COLUMN;
    alter.path = sql_take_path(parser, "the name of a column");
    push(parser, alters, alter);
}

static void take_drop(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    if (sql_accept(parser, "PARTITION")) {
        sql_expect(parser, "FIELD");
        alter.action = ALTER_DROP_PARTITION;
        alter.text = take_term(parser);
        push(parser, alters, alter);
        return;
    }
    if (sql_accept(parser, "COLUMNS")) {
        alter.if_exists = sql_accept_if(parser, false);
        sql_expect_symbol(parser, '(');
        do {
            take_dropped(parser, alters, alter);
        } while (sql_accept_symbol(parser, ','));
        sql_expect_symbol(parser, ')');
        return;
    }
    sql_accept(parser, "COLUMN");
    alter.if_exists = sql_accept_if(parser, false);
    take_dropped(parser, alters, alter);
    (void)(sql_accept(parser, "CASCADE") || sql_accept(parser, "RESTRICT"));
}

static void take_rename(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    if (sql_accept(parser, "TO")) {
        struct sql_table table = sql_take_table(parser);

        alter.action = ALTER_RENAME_TABLE;
        alter.ns = table.ns;
        alter.name = table.name;
    } else {
        sql_accept(parser, "COLUMN");
        alter.action = ALTER_RENAME_COLUMN;
        alter.path = sql_take_path(parser, "the name of a column");
        sql_expect(parser, "TO");
        alter.name = sql_take_name(parser, "the new name");
    }
    push(parser, alters, alter);
}

static void take_type(struct sql_parser *parser, struct sql_alter *alter)
{
    alter->action = ALTER_TYPE;
    alter->text = sql_take_piece(parser, type_stops, SQL_STOP_COMMA | SQL_ANGLES, "a type");
    if (sql_at(parser, "USING")) {
        sql_fail(parser, parser->now.offset, parser->now.length,
                 "USING: rows are not rewritten here");
        sql_hint(parser, "write CREATE OR REPLACE TABLE t AS SELECT …, or UPDATE a new column");
    }
}

static void take_alter(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    sql_accept(parser, "COLUMN");
    alter.path = sql_take_path(parser, "the name of a column");
    if (sql_accept(parser, "TYPE")) {
        take_type(parser, &alter);
    } else if (sql_accept(parser, "SET")) {
        refuse_constraint(parser);
        if (sql_accept(parser, "NOT")) {
            sql_expect(parser, "NULL");
            alter.action = ALTER_SET_NOT_NULL;
        } else {
            sql_accept(parser, "DATA");
            sql_expect(parser, "TYPE");
            take_type(parser, &alter);
        }
    } else if (sql_accept(parser, "DROP")) {
        refuse_constraint(parser);
        sql_expect(parser, "NOT NULL");
        alter.action = ALTER_DROP_NOT_NULL;
    } else if (sql_accept(parser, "COMMENT")) {
        alter.action = ALTER_COMMENT;
        alter.value = sql_take_string(parser, "the comment, in single quotes");
    } else if (take_place(parser, &alter.place)) {
        alter.action = ALTER_MOVE;
    } else {
        sql_expected(parser, "TYPE, SET NOT NULL, DROP NOT NULL, COMMENT, FIRST or AFTER");
    }
    push(parser, alters, alter);
}

static void take_set(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    struct sql_property *properties = NULL;
    size_t n = 0;

    if (sql_accept(parser, "PARTITIONED")) {
        sql_expect(parser, "BY");
        alter.action = ALTER_SET_PARTITIONS;
        alter.text = sql_take_brackets(parser, "columns and transforms");
        push(parser, alters, alter);
        return;
    }
    (void)(sql_accept(parser, "TBLPROPERTIES") || sql_accept(parser, "PROPERTIES"));
    sql_take_properties(parser, &properties, &n);
    for (size_t i = 0; parser->code == 0 && i < n; i++) {
        alter.action = ALTER_SET_PROPERTY;
        alter.key = properties[i].key;
        alter.value = properties[i].value;
        push(parser, alters, alter);
    }
}

static void take_unset(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    (void)(sql_accept(parser, "TBLPROPERTIES") || sql_accept(parser, "PROPERTIES"));
    alter.action = ALTER_UNSET_PROPERTY;
    alter.if_exists = sql_accept_if(parser, false);
    sql_expect_symbol(parser, '(');
    do {
        alter.key = take_key(parser);
        push(parser, alters, alter);
    } while (sql_accept_symbol(parser, ','));
    sql_expect_symbol(parser, ')');
}

/* term [ASC | DESC] [NULLS FIRST | LAST]: nulls come first, and with DESC last. */
static struct sql_order take_order(struct sql_parser *parser)
{
    static const char *const stops[] = {"ASC", "DESC", "NULLS", NULL};
    struct sql_order order = {
        .term = sql_take_piece(parser, stops, SQL_STOP_COMMA, "a column or transform")};

    order.descending = sql_accept(parser, "DESC");
    if (!order.descending) {
        sql_accept(parser, "ASC");
    }
    order.nulls_last = order.descending;
    if (sql_accept(parser, "NULLS")) {
        order.nulls_last = sql_accept(parser, "LAST");
        if (!order.nulls_last) {
            sql_expect(parser, "FIRST");
        }
    }
    return order;
}

/* Without brackets the list goes on to the statement's end: no other action can follow. */
static void take_write(struct sql_parser *parser, struct alters *alters, struct sql_alter alter)
{
    struct {
        VEC(struct sql_order) all;
    } orders = {0};
    bool brackets;

    alter.action = ALTER_SET_ORDER;
    if (sql_accept(parser, "UNORDERED")) {
        push(parser, alters, alter);
        return;
    }
    sql_expect(parser, "ORDERED BY");
    brackets = sql_accept_symbol(parser, '(');
    do {
        struct sql_order order = take_order(parser);

        if (parser->code == 0) {
            SQL_PUSH(parser, &orders.all, order);
        }
    } while (sql_accept_symbol(parser, ','));
    if (brackets) {
        sql_expect_symbol(parser, ')');
    }
    alter.orders = sql_keep(parser, orders.all.items, orders.all.count, sizeof *orders.all.items);
    alter.n_orders = orders.all.count;
    vec_done(&orders.all);
    push(parser, alters, alter);
}

static void take_action(struct sql_parser *parser, struct alters *alters)
{
    struct sql_alter alter = {.offset = parser->now.offset};

    if (sql_accept(parser, "ADD")) {
        take_add(parser, alters, alter);
    } else if (sql_accept(parser, "DROP")) {
        take_drop(parser, alters, alter);
    } else if (sql_accept(parser, "RENAME")) {
        take_rename(parser, alters, alter);
    } else if (sql_accept(parser, "ALTER")) {
        take_alter(parser, alters, alter);
    } else if (sql_accept(parser, "SET")) {
        take_set(parser, alters, alter);
    } else if (sql_accept(parser, "UNSET")) {
        take_unset(parser, alters, alter);
    } else if (sql_accept(parser, "RESET")) {
        sql_expect(parser, "PARTITIONED BY");
        alter.action = ALTER_SET_PARTITIONS;
        push(parser, alters, alter);
    } else if (sql_accept(parser, "WRITE")) {
        take_write(parser, alters, alter);
    } else if (sql_accept(parser, "REPLACE")) {
        sql_expect(parser, "PARTITION FIELD");
        alter.action = ALTER_REPLACE_PARTITION;
        alter.text = take_term(parser);
        sql_expect(parser, "WITH");
        alter.with = take_term(parser);
        take_term_name(parser, &alter);
        push(parser, alters, alter);
    } else {
        sql_expected(parser, "ADD, DROP, RENAME, ALTER, SET, UNSET, WRITE or REPLACE");
    }
}

void sql_parse_alter(struct sql_parser *parser, struct statement *statement)
{
    struct alters alters = {0};

    statement->kind = STATEMENT_ALTER_TABLE;
    sql_expect(parser, "TABLE");
    statement->if_exists = sql_accept_if(parser, false);
    statement->table = sql_take_table(parser);
    do {
        take_action(parser, &alters);
    } while (sql_accept_symbol(parser, ','));
    sql_expect_end(parser);
    statement->alters =
        sql_keep(parser, alters.all.items, alters.all.count, sizeof *alters.all.items);
    statement->n_alters = alters.all.count;
    vec_done(&alters.all);
}
