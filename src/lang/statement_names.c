/* statement_names.c — names of columns with the namespace of their table: ns.table.column. */
#include "lang/statement_priv.h"

/* Whether that is what quotes hold for the name: each quote in it twice. */
static bool is_quoted(struct str text, struct str name)
{
    for (ptrdiff_t at; (at = str_find(name, '"')) >= 0;) {
        size_t n = (size_t)at + 1;

        if (!str_eq_nocase(str_slice(text, 0, n), str_slice(name, 0, n)) || n >= text.len ||
            text.data[n] != '"') {
            return false;
        }
        text = str_from(text, n + 1);
        name = str_from(name, n);
    }
    return str_eq_nocase(text, name);
}

static bool is_name(struct str source, const struct sql_token *token, struct str name)
{
    struct str text = str_slice(source, token->offset, token->length);

    if (token->kind == SQL_QUOTED) {
        return is_quoted(str_slice(text, 1, text.len - 2), name);
    }
    return token->kind == SQL_WORD && str_eq_nocase(text, name);
}

/* The last tokens of a text: [4] is the newest. */
struct window {
    struct sql_lexer lexer;
    corrie_error ignored;
    struct sql_token tokens[5];
};

static bool slide(struct window *window)
{
    memmove(window->tokens, window->tokens + 1, 4 * sizeof window->tokens[0]);
    return sql_lex(&window->lexer, &window->tokens[4]) >= 0;
}

static void window_open(struct window *window, struct str text)
{
    *window = (struct window){.lexer = {.source = text, .end = text.len}};
    window->lexer.err = &window->ignored;
}

static void window_done(struct window *window)
{
    corrie_error_clear(&window->ignored);
}

bool statement_find_qualified(struct str text, struct str ns, struct str table, size_t *ret_offset,
                              size_t *ret_length)
{
    _cleanup_(window_done) struct window window;
    const struct sql_token *t = window.tokens;

    window_open(&window, text);
    while (slide(&window) && t[4].kind != SQL_END) {
        if (t[4].symbol == '.' && is_name(text, &t[3], table) && t[2].symbol == '.' &&
            is_name(text, &t[1], ns) && t[0].symbol != '.') {
            *ret_offset = t[1].offset;
            *ret_length = t[3].offset - t[1].offset;
            return true;
        }
    }
    return false;
}

bool statement_hides(struct str text, struct str ns, struct str table, size_t declared)
{
    _cleanup_(window_done) struct window window;
    const struct sql_token *t = window.tokens;

    window_open(&window, text);
    while (slide(&window)) {
        bool whole = t[1].symbol == '.' && is_name(text, &t[0], ns);

        /* the token before the newest, so that what follows it is seen */
        if (is_name(text, &t[2], table) && t[3].symbol != '.' && t[2].offset != declared &&
            !whole) {
            return true;
        }
        if (t[4].kind == SQL_END && t[3].kind == SQL_END) {
            return false;
        }
    }
    return false;
}
