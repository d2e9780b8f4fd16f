/* statement_lex.c — tokens of statements, as DuckDB takes them apart; and where a statement ends. */
#include "lang/statement_priv.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char look(const struct sql_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;

    return at < lexer->end ? lexer->source.data[at] : '\0';
}

static int fail_open(struct sql_lexer *lexer, size_t offset, size_t width, const char *what)
{
    lexer->open = true;
    corrie_fail(lexer->err, CORRIE_E_PROJECT, "%s that is not closed", what);
    return corrie_error_at_offset(lexer->err, lexer->file, lexer->source, offset, width);
}

/* Comments may hold comments. */
static int skip_comment(struct sql_lexer *lexer)
{
    size_t begin = lexer->at;
    size_t depth = 0;

    while (lexer->at < lexer->end) {
        if (look(lexer, 0) == '/' && look(lexer, 1) == '*') {
            depth++;
            lexer->at += 2;
        } else if (look(lexer, 0) == '*' && look(lexer, 1) == '/') {
            lexer->at += 2;
            if (--depth == 0) {
                return 0;
            }
        } else {
            lexer->at++;
        }
    }
    return fail_open(lexer, begin, 2, "a comment");
}

static int skip_blank(struct sql_lexer *lexer)
{
    while (lexer->at < lexer->end) {
        if (is_space(look(lexer, 0))) {
            lexer->at++;
        } else if (look(lexer, 0) == '-' && look(lexer, 1) == '-') {
            while (lexer->at < lexer->end && look(lexer, 0) != '\n') {
                lexer->at++;
            }
        } else if (look(lexer, 0) == '/' && look(lexer, 1) == '*') {
            int r = skip_comment(lexer);

            if (r < 0) {
                return r;
            }
        } else {
            break;
        }
    }
    return 0;
}

/* From a quote to the one that closes it; a doubled one stands for itself, and in E'…' one behind a backslash. */
static int skip_quoted(struct sql_lexer *lexer, size_t begin, bool escapes)
{
    char quote = look(lexer, 0);

    lexer->at++;
    while (lexer->at < lexer->end) {
        if (escapes && look(lexer, 0) == '\\') {
            lexer->at += lexer->at + 1 < lexer->end ? 2 : 1;
        } else if (look(lexer, 0) != quote) {
            lexer->at++;
        } else if (look(lexer, 1) == quote) {
            lexer->at += 2;
        } else {
            lexer->at++;
            return 0;
        }
    }
    return fail_open(lexer, begin, 1, quote == '"' ? "a quoted name" : "a text");
}

/* Length of a tag "$name$" here; 0: there is none. */
static size_t dollar_tag(const struct sql_lexer *lexer)
{
    size_t n = 1;

    if (is_digit(look(lexer, 1))) {
        return 0;
    }
    while (is_word_start(look(lexer, n)) || is_digit(look(lexer, n))) {
        n++;
    }
    return look(lexer, n) == '$' ? n + 1 : 0;
}

static int skip_dollars(struct sql_lexer *lexer, size_t tag)
{
    struct str mark = str_slice(lexer->source, lexer->at, tag);
    size_t begin = lexer->at;
    struct str rest;
    ptrdiff_t found;

    lexer->at += tag;
    rest = str_slice(lexer->source, lexer->at, lexer->end - lexer->at);
    found = str_find_str(rest, mark);
    if (found < 0) {
        lexer->at = lexer->end;
        return fail_open(lexer, begin, tag, "a text");
    }
    lexer->at += (size_t)found + tag;
    return 0;
}

static void skip_number(struct sql_lexer *lexer)
{
    while (is_word(look(lexer, 0)) || look(lexer, 0) == '.') {
        char c = look(lexer, 0);

        lexer->at++;
        if ((c == 'e' || c == 'E') && (look(lexer, 0) == '+' || look(lexer, 0) == '-') &&
            is_digit(look(lexer, 1))) {
            lexer->at++;
        }
    }
}

int sql_lex(struct sql_lexer *lexer, struct sql_token *ret)
{
    struct sql_token token = {.kind = SQL_END};
    char c;
    int r = skip_blank(lexer);

    if (r < 0) {
        return r;
    }
    token.offset = lexer->at;
    c = look(lexer, 0);
    if (lexer->at >= lexer->end) {
        *ret = token;
        return 0;
    }
    if (c == '\'' || c == '"') {
        token.kind = c == '"' ? SQL_QUOTED : SQL_STRING;
        r = skip_quoted(lexer, token.offset, false);
    } else if ((c == 'e' || c == 'E') && look(lexer, 1) == '\'') {
        token.kind = SQL_STRING;
        lexer->at++;
        r = skip_quoted(lexer, token.offset, true);
    } else if (c == '$' && dollar_tag(lexer) > 0) {
        token.kind = SQL_STRING;
        r = skip_dollars(lexer, dollar_tag(lexer));
    } else if (is_digit(c) || (c == '.' && is_digit(look(lexer, 1)))) {
        token.kind = SQL_NUMBER;
        skip_number(lexer);
    } else if (is_word_start(c)) {
        token.kind = SQL_WORD;
        while (is_word(look(lexer, 0))) {
            lexer->at++;
        }
    } else {
        token.kind = SQL_SYMBOL;
        token.symbol = c;
        lexer->at++;
    }
    token.length = lexer->at - token.offset;
    *ret = token;
    return r;
}

bool sql_is_word(struct str source, const struct sql_token *token, const char *word)
{
    return token->kind == SQL_WORD &&
           str_eq_nocase(str_slice(source, token->offset, token->length), str_of(word));
}

static bool unescape(struct str raw, size_t *at, char *ret)
{
    static const char from[] = "bfnrt\\'\"";
    static const char to[] = "\b\f\n\r\t\\'\"";
    const char *found = *at + 1 < raw.len ? strchr(from, raw.data[*at + 1]) : NULL;

    if (!found || *found == '\0') {
        return false;
    }
    *ret = to[found - from];
    *at += 1;
    return true;
}

int sql_unquote(struct str source, const struct sql_token *token, struct arena *arena,
                struct str *ret, corrie_error *err)
{
    struct str raw = str_slice(source, token->offset, token->length);
    bool escapes = raw.data[0] == 'e' || raw.data[0] == 'E';
    char *out = arena_alloc(arena, raw.len + 1, 1);
    size_t n = 0;
    char quote;

    if (!out) {
        return corrie_fail_memory(err);
    }
    if (raw.data[0] == '$') {
        size_t tag = (size_t)str_find(str_from(raw, 1), '$') + 2;

        *ret = str_slice(raw, tag, raw.len - 2 * tag);
        return 0;
    }
    raw = str_from(raw, escapes ? 1 : 0);
    quote = raw.data[0];
    raw = str_slice(raw, 1, raw.len - 2);
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.data[i];

        if (escapes && c == '\\') {
            if (!unescape(raw, &i, &c)) {
                return corrie_fail(err, CORRIE_E_PROJECT, "an escape that is not known here");
            }
        } else if (c == quote) {
            i++;
        }
        out[n++] = c;
    }
    *ret = str_make(out, n);
    return 0;
}

/* ---- where statements end ---- */

static int check_bytes(const char *file, struct str source, struct str text, corrie_error *err)
{
    ptrdiff_t zero = str_find(text, '\0');
    size_t bad = zero >= 0 ? (size_t)zero : 0;

    if (zero < 0 && str_is_utf8(text, &bad)) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_PROJECT, "this is no SQL: %s",
                zero >= 0 ? "it holds a zero byte" : "it is not UTF-8");
    return corrie_error_at_offset(err, file, source, statement_offset(source, text) + bad, 1);
}

/* Brackets that are open: what closes each, and where it began. */
struct brackets {
    struct {
        char close;
        size_t offset;
    } open[CORRIE_MAX_SQL_DEPTH];
    size_t n;
};

static int count_bracket(struct sql_lexer *lexer, struct brackets *brackets,
                         const struct sql_token *token)
{
    static const char opens[] = "([{";
    static const char closes[] = ")]}";
    const char *found = token->symbol ? strchr(opens, token->symbol) : NULL;

    if (found) {
        if (brackets->n == CORRIE_MAX_SQL_DEPTH) {
            corrie_fail(lexer->err, CORRIE_E_LIMIT, "brackets are nested deeper than %d levels",
                        CORRIE_MAX_SQL_DEPTH);
            return corrie_error_at_offset(lexer->err, lexer->file, lexer->source, token->offset, 1);
        }
        brackets->open[brackets->n].close = closes[found - opens];
        brackets->open[brackets->n++].offset = token->offset;
        return 0;
    }
    if (!token->symbol || !strchr(closes, token->symbol)) {
        return 0;
    }
    if (brackets->n == 0 || brackets->open[brackets->n - 1].close != token->symbol) {
        corrie_fail(lexer->err, CORRIE_E_PROJECT, "a '%c' that closes nothing", token->symbol);
        return corrie_error_at_offset(lexer->err, lexer->file, lexer->source, token->offset, 1);
    }
    brackets->n--;
    return 0;
}

/* Up to a ';' outside of brackets, which *ret_ended tells, or the end. *ret_first and *ret_last are where tokens begin and
 * end; both at the end of the text when there are none. */
static int find_end(struct sql_lexer *lexer, size_t *ret_first, size_t *ret_last, bool *ret_ended)
{
    struct brackets brackets;
    struct sql_token token;
    bool any = false;

    brackets.n = 0;
    *ret_ended = false;
    *ret_first = *ret_last = lexer->end;
    for (;;) {
        int r = sql_lex(lexer, &token);

        if (r < 0 || (r = count_bracket(lexer, &brackets, &token)) < 0) {
            return r;
        }
        if (token.kind == SQL_END) {
            break;
        }
        if (token.symbol == ';' && brackets.n == 0) {
            *ret_ended = true;
            return 0;
        }
        *ret_first = any ? *ret_first : token.offset;
        *ret_last = token.offset + token.length;
        any = true;
    }
    return brackets.n == 0 ? 0
                           : fail_open(lexer, brackets.open[brackets.n - 1].offset, 1, "a bracket");
}

int statement_next(const char *file, struct str source, struct str *rest, struct str *ret_text,
                   corrie_error *err)
{
    struct sql_lexer lexer = {.file = file, .source = source, .end = source.len, .err = err};
    size_t first;
    size_t last;
    bool ended;
    int r;

    lexer.at = statement_offset(source, *rest);
    r = check_bytes(file, source, *rest, err);
    while (r >= 0) {
        r = find_end(&lexer, &first, &last, &ended);
        if (r < 0) {
            return r;
        }
        *rest = str_from(source, lexer.at);
        if (first < source.len) {
            *ret_text = str_slice(source, first, last - first);
            return 1;
        }
        if (!ended) {
            return 0;
        }
    }
    return r;
}

bool statement_is_whole(struct str text)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct sql_lexer lexer = {.source = text, .end = text.len, .err = &ignored};
    size_t first;
    size_t last;
    bool ended = true;

    while (ended) {
        if (find_end(&lexer, &first, &last, &ended) < 0) {
            return !lexer.open;
        }
    }
    return first >= text.len; /* nothing behind the last ';' */
}
