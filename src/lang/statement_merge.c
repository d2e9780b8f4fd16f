/* statement_merge.c — MERGE INTO t USING s ON e WHEN … */
#include "lang/statement_priv.h"

struct str sql_take_source(struct sql_parser *parser, struct sql_path *ret_name)
{
    struct str source = parser->lexer.source;
    size_t begin = parser->now.offset;

    if (sql_at_symbol(parser, '(')) {
        (void)sql_take_brackets(parser, "a query");
    } else if (parser->code == 0 && parser->now.kind == SQL_STRING) {
        sql_advance(parser);
    } else {
        struct sql_path path = sql_take_path(parser, "a table or a query in brackets");

        if (parser->code == 0) {
            *ret_name = path;
        }
        if (sql_at_symbol(parser, '(')) {
            sql_advance(parser);
            if (!sql_at_symbol(parser, ')')) {
                (void)sql_take_piece(parser, NULL, 0, "arguments");
            }
            sql_expect_symbol(parser, ')');
        }
    }
    return parser->code < 0
               ? STR_EMPTY
               : str_slice(source, begin, parser->before.offset + parser->before.length - begin);
}

void sql_take_source_alias(struct sql_parser *parser, const char *const * not, struct sql_path name,
                           struct statement *statement)
{
    statement->source_alias = sql_take_alias(parser, not );
    if (statement->source_alias.text.len > 0 && sql_at_symbol(parser, '(')) {
        sql_take_names(parser, &statement->source_columns, &statement->n_source_columns);
    }
    if (statement->source_alias.text.len == 0 && name.n_parts > 0) {
        statement->source_alias = name.parts[name.n_parts - 1];
        statement->source_ns = name.n_parts == 2 ? name.parts[0] : (struct sql_name){0};
    }
}

static const char *const clause_stops[] = {"WHEN", "RETURNING", NULL};

/* [BY NAME | BY POSITION] [*]: all columns. False: none of it stands there. */
static bool take_all(struct sql_parser *parser, struct sql_merge_clause *clause)
{
    bool by = sql_accept(parser, "BY");

    if (by && sql_accept(parser, "POSITION")) {
        clause->by_position = true;
    } else if (by && !sql_accept(parser, "NAME")) {
        sql_expected(parser, "NAME or POSITION");
    }
    return sql_accept_symbol(parser, '*') || by;
}

static void take_update(struct sql_parser *parser, struct sql_merge_clause *clause)
{
    clause->action = THEN_UPDATE_ALL;
    if (take_all(parser, clause)) {
        return;
    }
    if (!sql_accept(parser, "SET") || sql_accept_symbol(parser, '*')) {
        return;
    }
    clause->action = THEN_UPDATE;
    sql_take_sets(parser, clause_stops, &clause->sets, &clause->n_sets);
}

static void take_values(struct sql_parser *parser, struct sql_merge_clause *clause)
{
    VEC(struct str) values = {0};

    sql_expect_symbol(parser, '(');
    do {
        struct str value;

        if (sql_at(parser, "DEFAULT")) {
            sql_fail(parser, parser->now.offset, parser->now.length, "columns have no default");
            sql_hint(parser, "write NULL, or leave the column out");
        }
        value = sql_take_piece(parser, NULL, SQL_STOP_COMMA, "an expression");
        if (parser->code == 0) {
            SQL_PUSH(parser, &values, value);
        }
    } while (sql_accept_symbol(parser, ','));
    sql_expect_symbol(parser, ')');
    clause->values = sql_keep(parser, values.items, values.count, sizeof *values.items);
    clause->n_values = values.count;
    vec_done(&values);
}

static void take_insert(struct sql_parser *parser, struct sql_merge_clause *clause)
{
    struct sql_token at = parser->before;

    clause->action = THEN_INSERT_ALL;
    if (take_all(parser, clause)) {
        return;
    }
    if (sql_at(parser, "DEFAULT")) {
        sql_fail(parser, parser->now.offset, parser->now.length, "columns have no default");
        sql_hint(parser, "write VALUES (NULL, …)");
    }
    if (!sql_at_symbol(parser, '(') && !sql_at(parser, "VALUES")) {
        return;
    }
    clause->action = THEN_INSERT;
    if (sql_at_symbol(parser, '(')) {
        sql_take_names(parser, &clause->columns, &clause->n_columns);
    }
    sql_expect(parser, "VALUES");
    take_values(parser, clause);
    if (parser->code == 0 && clause->columns && clause->n_columns != clause->n_values) {
        sql_fail(parser, at.offset, at.length, "%zu columns are named and %zu values given",
                 clause->n_columns, clause->n_values);
    }
}

static void take_action(struct sql_parser *parser, struct sql_merge_clause *clause)
{
    struct sql_token at = parser->now;

    if (sql_accept(parser, "UPDATE")) {
        take_update(parser, clause);
    } else if (sql_accept(parser, "DELETE")) {
        clause->action = THEN_DELETE;
    } else if (sql_accept(parser, "INSERT")) {
        take_insert(parser, clause);
    } else if (sql_accept(parser, "DO")) {
        sql_expect(parser, "NOTHING");
        clause->action = THEN_NOTHING;
    } else {
        sql_expected(parser, "UPDATE, DELETE, INSERT or DO NOTHING");
    }
    if (parser->code < 0) {
        return;
    }
    if (clause->when == WHEN_NOT_MATCHED &&
        (clause->action == THEN_UPDATE || clause->action == THEN_UPDATE_ALL ||
         clause->action == THEN_DELETE)) {
        sql_fail(parser, at.offset, at.length,
                 "WHEN NOT MATCHED there is no row of the table: it can only INSERT");
    } else if (clause->when != WHEN_NOT_MATCHED &&
               (clause->action == THEN_INSERT || clause->action == THEN_INSERT_ALL)) {
        sql_fail(parser, at.offset, at.length, "INSERT belongs to WHEN NOT MATCHED");
    } else if (clause->when == WHEN_NOT_MATCHED_BY_SOURCE && clause->action == THEN_UPDATE_ALL) {
        sql_fail(parser, at.offset, at.length,
                 "WHEN NOT MATCHED BY SOURCE there is no row to take columns from");
        sql_hint(parser, "write UPDATE SET column = …");
    }
}

static struct sql_merge_clause take_clause(struct sql_parser *parser)
{
    static const char *const then[] = {"THEN", NULL};
    struct sql_merge_clause clause = {.offset = parser->before.offset, .when = WHEN_MATCHED};

    if (sql_accept(parser, "NOT")) {
        clause.when = WHEN_NOT_MATCHED;
    }
    sql_expect(parser, "MATCHED");
    if (clause.when == WHEN_NOT_MATCHED && sql_accept(parser, "BY")) {
        if (sql_accept(parser, "SOURCE")) {
            clause.when = WHEN_NOT_MATCHED_BY_SOURCE;
        } else if (!sql_accept(parser, "TARGET")) {
            sql_expected(parser, "SOURCE or TARGET");
        }
    }
    if (sql_accept(parser, "AND")) {
        clause.condition = sql_take_piece(parser, then, 0, "a condition");
    }
    sql_expect(parser, "THEN");
    take_action(parser, &clause);
    return clause;
}

void sql_parse_merge(struct sql_parser *parser, struct statement *statement)
{
    static const char *const not_target[] = {"USING", NULL};
    static const char *const not_source[] = {"ON", "USING", NULL};
    VEC(struct sql_merge_clause) clauses = {0};
    struct sql_path name = {0};

    statement->kind = STATEMENT_MERGE;
    sql_expect(parser, "INTO");
    statement->table = sql_take_table(parser);
    statement->table.alias = sql_take_alias(parser, not_target);
    sql_expect(parser, "USING");
    statement->source = sql_take_source(parser, &name);
    sql_take_source_alias(parser, not_source, name, statement);
    if (sql_accept(parser, "USING")) {
        sql_take_names(parser, &statement->using_columns, &statement->n_using_columns);
    } else {
        sql_expect(parser, "ON");
        statement->condition = sql_take_piece(parser, clause_stops, 0, "a condition");
    }
    if (!sql_at(parser, "WHEN")) {
        sql_expected(parser, "WHEN MATCHED or WHEN NOT MATCHED");
    }
    while (sql_accept(parser, "WHEN")) {
        struct sql_merge_clause clause = take_clause(parser);

        if (parser->code == 0) {
            SQL_PUSH(parser, &clauses, clause);
        }
    }
    sql_refuse_returning(parser);
    sql_expect_end(parser);
    statement->clauses = sql_keep(parser, clauses.items, clauses.count, sizeof *clauses.items);
    statement->n_clauses = clauses.count;
    vec_done(&clauses);
}
