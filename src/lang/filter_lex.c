/* Tokens of filters. */
#include "lang/filter_priv.h"

#include <stdarg.h>
#include <stdio.h>

int filter_fail(corrie_error *err, struct str text, size_t offset, size_t width, const char *format,
                ...)
{
    _cleanup_(buf_done) struct buf message = {0};
    va_list args;

    va_start(args, format);
    buf_addv(&message, format, args);
    va_end(args);
    corrie_fail(err, CORRIE_E_PROJECT, "%s", buf_text(&message));
    return corrie_error_at_offset(err, NULL, text, offset, width);
}

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
    return is_word_start(c) || is_digit(c);
}

static char peek(const struct filter_lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.data[at] : '\0';
}

static int fail_here(struct filter_lexer *lexer, size_t width, const char *message,
                     const char *hint)
{
    int r = filter_fail(lexer->err, lexer->text, lexer->at, width, "%s", message);
    if (hint) {
        corrie_hint(lexer->err, "%s", hint);
    }
    return r;
}

/* Text in quotes; a doubled quote stands for one. */
static int take_quoted(struct filter_lexer *lexer, char quote, struct token *token)
{
    struct str text = lexer->text;
    size_t len = 0;
    char *out = arena_alloc(lexer->arena, text.len - lexer->at + 1, 1);

    if (!out) {
        return corrie_fail_memory(lexer->err);
    }
    for (size_t i = lexer->at + 1; i < text.len; i++) {
        if (text.data[i] == quote) {
            if (i + 1 >= text.len || text.data[i + 1] != quote) {
                token->text = str_make(out, len);
                token->length = i + 1 - token->offset;
                lexer->at = i + 1;
                return 0;
            }
            i++;
        }
        out[len++] = text.data[i];
    }
    return fail_here(
        lexer, 1, quote == '"' ? "a quoted name that is not closed" : "a text that is not closed",
        quote == '"' ? NULL : "a quote inside a text is doubled: 'it''s'");
}

static int take_number(struct filter_lexer *lexer, struct token *token)
{
    size_t from = lexer->at;

    token->kind = TOKEN_INTEGER;
    while (is_digit(peek(lexer, 0))) {
        lexer->at++;
    }
    if (peek(lexer, 0) == '.' && (is_digit(peek(lexer, 1)) || lexer->at > from)) {
        token->kind = TOKEN_NUMBER;
        lexer->at++;
        while (is_digit(peek(lexer, 0))) {
            lexer->at++;
        }
    }
    char e = peek(lexer, 0);
    if (e == 'e' || e == 'E') {
        size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
        if (is_digit(peek(lexer, 1 + sign))) {
            token->kind = TOKEN_NUMBER;
            lexer->at += 1 + sign;
            while (is_digit(peek(lexer, 0))) {
                lexer->at++;
            }
        }
    }
    if (is_word(peek(lexer, 0))) {
        return fail_here(lexer, 1, "a number runs into a name",
                         "a name that begins with a digit goes in double quotes");
    }
    token->text = str_slice(lexer->text, from, lexer->at - from);
    token->length = token->text.len;
    return 0;
}

static void take_word(struct filter_lexer *lexer, struct token *token)
{
    size_t from = lexer->at;
    while (is_word(peek(lexer, 0))) {
        lexer->at++;
    }
    token->text = str_slice(lexer->text, from, lexer->at - from);
    token->length = lexer->at - token->offset;
}

static int take_symbol(struct filter_lexer *lexer, struct token *token)
{
    static const char *const symbols[] = {"==", "!=", "<>", "<=", ">=", "||", "::", "//",
                                          "=",  "<",  ">",  "(",  ")",  ",",  ".",  "+",
                                          "-",  "*",  "/",  "%",  "[",  "]"};
    struct str rest = str_from(lexer->text, lexer->at);

    if (str_starts(rest, STR("--")) || str_starts(rest, STR("/*"))) {
        return fail_here(lexer, 2, "a filter may not hold comments", NULL);
    }
    if (rest.data[0] == ';') {
        return fail_here(lexer, 1, "a filter is one condition, it may not hold ';'", NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        struct str symbol = str_of(symbols[i]);
        if (str_starts(rest, symbol)) {
            token->kind = TOKEN_SYMBOL;
            token->text = symbol;
            token->length = symbol.len;
            lexer->at += symbol.len;
            return 0;
        }
    }
    if (rest.data[0] == '$') {
        return fail_here(lexer, 1, "a parameter's name is missing behind '$'", NULL);
    }
    return fail_here(lexer, 1, "a character that does not belong into a filter",
                     rest.data[0] == '~'   ? "write regexp_full_match(name, 'a.*')"
                     : rest.data[0] == '^' ? "write pow(x, 2)"
                     : rest.data[0] == ':' ? "write list_slice(list, 1, 2)"
                     : rest.data[0] == '?' ? "parameters have names: $since"
                                           : NULL);
}

int filter_next_token(struct filter_lexer *lexer, struct token *ret)
{
    struct token token = {.kind = TOKEN_END};
    int r = 0;

    while (peek(lexer, 0) == ' ' || peek(lexer, 0) == '\t' || peek(lexer, 0) == '\n' ||
           peek(lexer, 0) == '\r') {
        lexer->at++;
    }
    token.offset = lexer->at;
    if (lexer->at >= lexer->text.len) {
        *ret = token;
        return 0;
    }
    char c = peek(lexer, 0);
    if (c == '\'' || c == '"') {
        token.kind = c == '"' ? TOKEN_QUOTED : TOKEN_STRING;
        r = take_quoted(lexer, c, &token);
        if (r >= 0 && c == '"' && token.text.len == 0) {
            r = filter_fail(lexer->err, lexer->text, token.offset, 2, "an empty name");
        }
    } else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        r = take_number(lexer, &token);
    } else if (c == '$' && is_word_start(peek(lexer, 1)) && (unsigned char)peek(lexer, 1) < 0x80) {
        lexer->at++;
        take_word(lexer, &token);
        token.kind = TOKEN_PARAM;
    } else if (is_word_start(c)) {
        take_word(lexer, &token);
        token.kind = TOKEN_WORD;
    } else {
        r = take_symbol(lexer, &token);
    }
    if (r < 0) {
        return r;
    }
    *ret = token;
    return 0;
}

bool filter_is_reserved(struct str word)
{
    static const char *const words[] = {
        "AND",     "OR",        "NOT",      "IN",       "BETWEEN", "LIKE",   "ILIKE",  "IS",
        "NULL",    "TRUE",      "FALSE",    "CASE",     "WHEN",    "THEN",   "ELSE",   "END",
        "SELECT",  "FROM",      "WHERE",    "GROUP",    "ORDER",   "LIMIT",  "HAVING", "UNION",
        "EXCEPT",  "INTERSECT", "WITH",     "EXISTS",   "ANY",     "ALL",    "SOME",   "CAST",
        "AS",      "ON",        "DISTINCT", "SIMILAR",  "GLOB",    "ESCAPE", "ISNULL", "NOTNULL",
        "COLLATE", "LAMBDA",    "ARRAY",    "TRY_CAST", "USING",
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(word, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

const char *filter_instead_of(struct str word)
{
    static const char query[] =
        "a filter cannot hold a query; filter by the columns of the one table";
    static const char in[] = "write value IN (1, 2), or list_contains(list, value)";
    static const struct {
        const char *word;
        const char *hint;
    } known[] = {
        {"SELECT", query},
        {"EXISTS", query},
        {"WITH", query},
        {"UNION", query},
        {"EXCEPT", query},
        {"INTERSECT", query},
        {"WHERE", "a filter is the condition alone"},
        {"CASE", "write it with AND and OR, or as if(price > 0, price, 0)"},
        {"SIMILAR", "write regexp_full_match(name, 'a.*')"},
        {"GLOB", "write LIKE with % and _, or regexp_full_match(name, 'a.*')"},
        {"ESCAPE", "write like_escape(name, '10$%', '$')"},
        {"COLLATE", "compare lower(name)"},
        {"AT", "write timezone('UTC', moment)"},
        {"ANY", in},
        {"ALL", in},
        {"SOME", in},
        {"ARRAY", "write a list as list_value(1, 2)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq_nocase(word, str_of(known[i].word))) {
            return known[i].hint;
        }
    }
    return NULL;
}

/* ---- the form of dates and times ---- */

static bool take_digits(struct str *text, size_t min, size_t max, int *ret)
{
    size_t n = 0;
    int value = 0;
    while (n < max && n < text->len && is_digit(text->data[n])) {
        value = value * 10 + (text->data[n++] - '0');
    }
    *text = str_from(*text, n);
    *ret = value;
    return n >= min;
}

static bool take_char(struct str *text, char c)
{
    if (text->len == 0 || text->data[0] != c) {
        return false;
    }
    *text = str_from(*text, 1);
    return true;
}

static bool take_date(struct str *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    int month;
    int day;

    if (!take_digits(text, 4, 6, &year) || !take_char(text, '-') ||
        !take_digits(text, 1, 2, &month) || !take_char(text, '-') ||
        !take_digits(text, 1, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > days[month - 1]) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month != 2 || day < 29 || leap;
}

static bool take_time(struct str *text)
{
    int hour;
    int minute;
    int second = 0;
    int fraction;

    if (!take_digits(text, 1, 2, &hour) || !take_char(text, ':') ||
        !take_digits(text, 2, 2, &minute)) {
        return false;
    }
    if (take_char(text, ':') && !take_digits(text, 2, 2, &second)) {
        return false;
    }
    if (take_char(text, '.') && !take_digits(text, 1, 9, &fraction)) {
        return false;
    }
    return hour <= 24 && minute <= 59 && second <= 59;
}

static bool take_zone(struct str *text)
{
    int hour;
    int minute;

    if (text->len == 0 || take_char(text, 'Z')) {
        return true;
    }
    if (!take_char(text, '+') && !take_char(text, '-')) {
        return false;
    }
    if (!take_digits(text, 2, 2, &hour)) {
        return false;
    }
    return !take_char(text, ':') ? text->len == 0 : take_digits(text, 2, 2, &minute);
}

bool filter_literal_valid(enum filter_literal_kind kind, struct str text)
{
    bool valid;

    switch (kind) {
    case FILTER_DATE:
        valid = take_date(&text);
        break;
    case FILTER_TIME:
        valid = take_time(&text);
        break;
    case FILTER_TIMESTAMP:
    case FILTER_TIMESTAMPTZ:
        valid = take_date(&text);
        if (valid && (take_char(&text, ' ') || take_char(&text, 'T'))) {
            valid = take_time(&text);
        }
        valid = valid && take_zone(&text);
        break;
    default:
        return text.len > 0;
    }
    return valid && text.len == 0;
}
