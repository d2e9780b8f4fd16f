/* statement_parse.c — the parser's small verbs. */
#include "lang/statement_priv.h"

#include <stdarg.h>

/* ---- failing ---- */

void sql_fail(struct sql_parser *parser, size_t offset, size_t length, const char *format, ...)
{
    _cleanup_(buf_done) struct buf message = {0};
    struct sql_lexer *lexer = &parser->lexer;
    va_list args;

    if (parser->code < 0) {
        return;
    }
    va_start(args, format);
    buf_addv(&message, format, args);
    va_end(args);
    corrie_fail(lexer->err, CORRIE_E_PROJECT, "%s", buf_text(&message));
    parser->code =
        corrie_error_at_offset(lexer->err, lexer->file, lexer->source, offset, length ? length : 1);
    parser->now = (struct sql_token){.kind = SQL_END, .offset = lexer->end};
}

void sql_fail_memory(struct sql_parser *parser)
{
    if (parser->code == 0) {
        parser->code = corrie_fail_memory(parser->lexer.err);
        parser->now = (struct sql_token){.kind = SQL_END, .offset = parser->lexer.end};
    }
}

void sql_hint(struct sql_parser *parser, const char *hint)
{
    corrie_hint(parser->lexer.err, "%s", hint);
}

void sql_expected(struct sql_parser *parser, const char *what)
{
    struct sql_token now = parser->now;
    struct str found = str_slice(parser->lexer.source, now.offset, now.length);

    if (now.kind == SQL_END) {
        size_t end = parser->before.offset + parser->before.length;

        sql_fail(parser, end, 1, "expected %s, but the statement ends", what);
    } else {
        sql_fail(parser, now.offset, now.length, "expected %s, found %.*s%s", what,
                 STR_FMT(str_slice(found, 0, 40)), found.len > 40 ? "…" : "");
    }
}

/* ---- tokens ---- */

void sql_advance(struct sql_parser *parser)
{
    if (parser->code < 0) {
        return;
    }
    parser->before = parser->now;
    parser->code = sql_lex(&parser->lexer, &parser->now);
    if (parser->code < 0) {
        parser->now = (struct sql_token){.kind = SQL_END, .offset = parser->lexer.end};
    }
}

struct sql_token sql_peek(struct sql_parser *parser)
{
    struct sql_lexer lexer = parser->lexer;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct sql_token token = {.kind = SQL_END};

    lexer.err = &ignored;
    return sql_lex(&lexer, &token) < 0 ? (struct sql_token){.kind = SQL_END} : token;
}

bool sql_at(const struct sql_parser *parser, const char *word)
{
    return parser->code == 0 && sql_is_word(parser->lexer.source, &parser->now, word);
}

bool sql_at_symbol(const struct sql_parser *parser, char symbol)
{
    return parser->code == 0 && parser->now.symbol == symbol;
}

bool sql_accept(struct sql_parser *parser, const char *word)
{
    bool is = sql_at(parser, word);

    if (is) {
        sql_advance(parser);
    }
    return is;
}

bool sql_accept_symbol(struct sql_parser *parser, char symbol)
{
    bool is = sql_at_symbol(parser, symbol);

    if (is) {
        sql_advance(parser);
    }
    return is;
}

void sql_expect(struct sql_parser *parser, const char *words)
{
    struct str rest = str_of(words);

    while (rest.len > 0) {
        struct str word;
        char text[32];

        (void)str_cut(rest, ' ', &word, &rest);
        memcpy(text, word.data, word.len);
        text[word.len] = '\0';
        if (!sql_accept(parser, text)) {
            sql_expected(parser, text);
            return;
        }
    }
}

void sql_expect_symbol(struct sql_parser *parser, char symbol)
{
    char what[] = {'\'', symbol, '\'', '\0'};

    if (!sql_accept_symbol(parser, symbol)) {
        sql_expected(parser, what);
    }
}

bool sql_accept_if(struct sql_parser *parser, bool not_exists)
{
    if (!sql_accept(parser, "IF")) {
        return false;
    }
    sql_expect(parser, not_exists ? "NOT EXISTS" : "EXISTS");
    return true;
}

void sql_expect_end(struct sql_parser *parser)
{
    if (parser->code == 0 && parser->now.kind != SQL_END) {
        sql_expected(parser, "the end of the statement");
    }
}

void *sql_keep(struct sql_parser *parser, const void *items, size_t count, size_t size)
{
    void *kept = arena_alloc(parser->arena, count, size);

    if (!kept) {
        sql_fail_memory(parser);
    } else if (count > 0) {
        memcpy(kept, items, count * size);
    }
    return kept;
}

/* ---- names ---- */

struct sql_name sql_take_name(struct sql_parser *parser, const char *what)
{
    struct sql_name name = {.offset = parser->now.offset, .length = parser->now.length};
    struct str source = parser->lexer.source;

    if (parser->code == 0 && parser->now.kind == SQL_WORD) {
        name.text = str_slice(source, parser->now.offset, parser->now.length);
    } else if (parser->code == 0 && parser->now.kind == SQL_QUOTED) {
        if (sql_unquote(source, &parser->now, parser->arena, &name.text, parser->lexer.err) < 0) {
            sql_fail_memory(parser);
        } else if (name.text.len == 0) {
            sql_fail(parser, name.offset, name.length, "an empty name");
        }
    } else {
        sql_expected(parser, what);
        return (struct sql_name){0};
    }
    sql_advance(parser);
    return name;
}

struct sql_path sql_take_path(struct sql_parser *parser, const char *what)
{
    VEC(struct sql_name) parts = {0};
    struct sql_path path;

    do {
        struct sql_name name = sql_take_name(parser, what);

        if (parser->code == 0) {
            SQL_PUSH(parser, &parts, name);
        }
    } while (sql_accept_symbol(parser, '.'));
    path.n_parts = parts.count;
    path.parts = sql_keep(parser, parts.items, parts.count, sizeof *parts.items);
    vec_done(&parts);
    return path;
}

struct sql_table sql_take_table(struct sql_parser *parser)
{
    struct sql_path path = sql_take_path(parser, "the name of a table");
    struct sql_table table = {0};

    if (parser->code < 0) {
        return table;
    }
    if (path.n_parts > 2) {
        sql_fail(parser, path.parts[2].offset, path.parts[2].length,
                 "the name of a table has two parts at most");
        sql_hint(parser, "namespace.table; a dot in a name is written inside quotes: \"a.b\"");
        return table;
    }
    table.name = path.parts[path.n_parts - 1];
    if (path.n_parts == 2) {
        table.ns = path.parts[0];
    }
    return table;
}

struct sql_name sql_take_alias(struct sql_parser *parser, const char *const * not )
{
    if (sql_accept(parser, "AS")) {
        return sql_take_name(parser, "an alias");
    }
    if (parser->code < 0 || (parser->now.kind != SQL_WORD && parser->now.kind != SQL_QUOTED)) {
        return (struct sql_name){0};
    }
    for (size_t i = 0; not [i]; i++) {
        if (sql_at(parser, not [i])) {
            return (struct sql_name){0};
        }
    }
    return sql_take_name(parser, "an alias");
}

void sql_take_names(struct sql_parser *parser, struct sql_name **ret, size_t *ret_n)
{
    VEC(struct sql_name) names = {0};

    sql_expect_symbol(parser, '(');
    do {
        struct sql_name name = sql_take_name(parser, "the name of a column");

        if (parser->code == 0) {
            SQL_PUSH(parser, &names, name);
        }
    } while (sql_accept_symbol(parser, ','));
    sql_expect_symbol(parser, ')');
    *ret = sql_keep(parser, names.items, names.count, sizeof *names.items);
    *ret_n = names.count;
    vec_done(&names);
}

struct str sql_take_string(struct sql_parser *parser, const char *what)
{
    struct str text = STR_EMPTY;

    if (parser->code == 0 && parser->now.kind == SQL_STRING) {
        int r = sql_unquote(parser->lexer.source, &parser->now, parser->arena, &text,
                            parser->lexer.err);

        if (r == CORRIE_E_NO_MEMORY) {
            sql_fail_memory(parser);
        } else if (r < 0) {
            sql_fail(parser, parser->now.offset, parser->now.length,
                     "a text with an escape that is not known here");
        }
        sql_advance(parser);
    } else {
        sql_expected(parser, what);
    }
    return text;
}

/* ---- pieces ---- */

/* FROM of "IS DISTINCT FROM" ends nothing, nor does a keyword behind a dot. */
static bool stops_at(struct sql_parser *parser, const char *const *stops)
{
    if (parser->before.symbol == '.') {
        return false;
    }
    for (size_t i = 0; stops && stops[i]; i++) {
        if (sql_at(parser, stops[i])) {
            return !(strcmp(stops[i], "FROM") == 0 &&
                     sql_is_word(parser->lexer.source, &parser->before, "DISTINCT"));
        }
    }
    return false;
}

struct str sql_take_piece(struct sql_parser *parser, const char *const *stops, int flags,
                          const char *what)
{
    size_t begin = parser->now.offset;
    size_t end = begin;
    size_t depth = 0;
    size_t cases = 0;

    while (parser->code == 0 && parser->now.kind != SQL_END) {
        char symbol = parser->now.symbol;
        bool outside = depth == 0 && cases == 0;

        if (outside && (((flags & SQL_STOP_COMMA) && symbol == ',') || stops_at(parser, stops))) {
            break;
        }
        if (symbol == '(' || symbol == '[' || symbol == '{' ||
            (symbol == '<' && (flags & SQL_ANGLES))) {
            depth++;
        } else if (symbol == ')' || symbol == ']' || symbol == '}' ||
                   (symbol == '>' && (flags & SQL_ANGLES))) {
            if (depth == 0) {
                break;
            }
            depth--;
        } else if (depth == 0 && parser->before.symbol != '.') {
            cases += sql_at(parser, "CASE");
            cases -= cases > 0 && sql_at(parser, "END");
        }
        end = parser->now.offset + parser->now.length;
        sql_advance(parser);
    }
    if (parser->code == 0 && end == begin) {
        sql_expected(parser, what);
    }
    return parser->code < 0 ? STR_EMPTY : str_slice(parser->lexer.source, begin, end - begin);
}

struct str sql_take_brackets(struct sql_parser *parser, const char *what)
{
    struct str piece;

    sql_expect_symbol(parser, '(');
    piece = sql_take_piece(parser, NULL, 0, what);
    sql_expect_symbol(parser, ')');
    return piece;
}

void sql_take_sets(struct sql_parser *parser, const char *const *stops, struct sql_set **ret,
                   size_t *ret_n)
{
    VEC(struct sql_set) sets = {0};

    do {
        struct sql_set set = {0};

        if (sql_at_symbol(parser, '(')) {
            sql_fail(parser, parser->now.offset, 1, "several columns at once cannot be set");
            sql_hint(parser, "write SET a = 1, b = 2");
        }
        set.path = sql_take_path(parser, "the name of a column");
        sql_expect_symbol(parser, '=');
        if (sql_at(parser, "DEFAULT")) {
            sql_fail(parser, parser->now.offset, parser->now.length, "columns have no default");
            sql_hint(parser, "write NULL, or the value");
        }
        set.value = sql_take_piece(parser, stops, SQL_STOP_COMMA, "an expression");
        if (parser->code == 0) {
            SQL_PUSH(parser, &sets, set);
        }
    } while (sql_accept_symbol(parser, ','));
    *ret = sql_keep(parser, sets.items, sets.count, sizeof *sets.items);
    *ret_n = sets.count;
    vec_done(&sets);
}
