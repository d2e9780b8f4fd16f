/* The parser of filters: one function a level of precedence, weakest first. */
#include "lang/filter_priv.h"

#include "base/limits.h"
#include "base/vec.h"

struct parser {
    struct filter_lexer lexer;
    struct token token; /* the one being looked at */
    size_t end;         /* of the token before it */
    unsigned depth;
    struct arena *arena;
    corrie_error *err;
};

struct expr_list {
    struct filter_expr **items;
    size_t count;
    size_t capacity;
};

static void expr_list_done(struct expr_list *list)
{
    vec_done(list);
}

static int parse_or(struct parser *p, struct filter_expr **ret);
static int parse_value(struct parser *p, struct filter_expr **ret);
static int parse_unary(struct parser *p, struct filter_expr **ret);

/* ---- tokens ---- */

static int advance(struct parser *p)
{
    p->end = p->token.offset + p->token.length;
    return filter_next_token(&p->lexer, &p->token);
}

static bool at_symbol(const struct parser *p, const char *symbol)
{
    return p->token.kind == TOKEN_SYMBOL && str_eq(p->token.text, str_of(symbol));
}

static bool at_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && str_eq_nocase(p->token.text, str_of(word));
}

/* What is looked at, for messages; a word that filters do not have says what they have instead. */
static int fail_token(struct parser *p, const char *expected)
{
    if (p->token.kind == TOKEN_END) {
        return filter_fail(p->err, p->lexer.text, p->token.offset, 1,
                           "the filter ends where %s is expected", expected);
    }
    struct str found = str_slice(p->lexer.text, p->token.offset, p->token.length);
    int r = filter_fail(p->err, p->lexer.text, p->token.offset, p->token.length,
                        "%s is expected, not %.*s", expected, STR_FMT(str_slice(found, 0, 80)));
    const char *hint = p->token.kind == TOKEN_WORD ? filter_instead_of(found) : NULL;
    if (hint) {
        corrie_hint(p->err, "%s", hint);
    }
    return r;
}

static int fail_at(struct parser *p, const struct filter_expr *expr, const char *message,
                   const char *hint)
{
    int r = filter_fail(p->err, p->lexer.text, expr->offset, expr->length, "%s", message);
    if (hint) {
        corrie_hint(p->err, "%s", hint);
    }
    return r;
}

static int expect_symbol(struct parser *p, const char *symbol, const char *what)
{
    if (!at_symbol(p, symbol)) {
        return fail_token(p, what);
    }
    return advance(p);
}

static int expect_word(struct parser *p, const char *word)
{
    if (!at_word(p, word)) {
        return fail_token(p, word);
    }
    return advance(p);
}

/* ---- nodes ---- */

/* A node that begins at `offset` and ends behind the last token taken. Its args are copied. */
static int make(struct parser *p, enum filter_kind kind, size_t offset,
                struct filter_expr *const *args, size_t n_args, struct filter_expr **ret)
{
    struct filter_expr *expr = arena_new(p->arena, struct filter_expr);
    struct filter_expr **copy = arena_array(p->arena, struct filter_expr *, n_args + 1);

    if (!expr || !copy) {
        return corrie_fail_memory(p->err);
    }
    expr->kind = kind;
    expr->offset = offset;
    expr->length = p->end - offset;
    expr->args = copy;
    expr->n_args = n_args;
    for (size_t i = 0; i < n_args; i++) {
        copy[i] = args[i];
        if (args[i]->depth > expr->depth) {
            expr->depth = args[i]->depth;
        }
    }
    if (++expr->depth > FILTER_TREE_MAX) {
        return corrie_fail(p->err, CORRIE_E_LIMIT, "a filter of more than %d levels",
                           FILTER_TREE_MAX);
    }
    *ret = expr;
    return 0;
}

static int make_literal(struct parser *p, enum filter_literal_kind kind, struct str text,
                        size_t offset, struct filter_expr **ret)
{
    int r = make(p, FILTER_LITERAL, offset, NULL, 0, ret);
    if (r >= 0) {
        (*ret)->literal = (struct filter_literal){kind, text};
    }
    return r;
}

/* Whether it may stand where TRUE or FALSE is wanted: a condition, or something whose type only DuckDB
 * knows. */
static bool may_be_condition(const struct filter_expr *expr)
{
    switch (expr->kind) {
    case FILTER_LITERAL:
        return expr->literal.kind == FILTER_BOOL || expr->literal.kind == FILTER_NULL;
    case FILTER_ARITH:
    case FILTER_NEGATE:
        return false;
    default:
        return true;
    }
}

static int want_condition(struct parser *p, const struct filter_expr *expr)
{
    if (may_be_condition(expr)) {
        return 0;
    }
    return fail_at(p, expr, "a condition is expected here, not a value",
                   "compare it with something: price > 0");
}

static bool is_condition(const struct filter_expr *expr)
{
    return expr->kind <= FILTER_DISTINCT;
}

static int want_value(struct parser *p, const struct filter_expr *expr)
{
    return is_condition(expr) ? fail_at(p, expr, "a value is expected here, not a condition", NULL)
                              : 0;
}

static int enter(struct parser *p)
{
    if (++p->depth > CORRIE_MAX_FILTER_DEPTH) {
        return corrie_fail(p->err, CORRIE_E_LIMIT, "a filter nested deeper than %d levels",
                           CORRIE_MAX_FILTER_DEPTH);
    }
    return 0;
}

/* ---- primary ---- */

/* A list of expressions up to `)`; each by `parse`. */
static int parse_list(struct parser *p, int (*parse)(struct parser *, struct filter_expr **),
                      struct expr_list *list)
{
    for (;;) {
        struct filter_expr *item;
        int r = parse(p, &item);
        if (r < 0) {
            return r;
        }
        if (vec_push(list, item) < 0) {
            return corrie_fail_memory(p->err);
        }
        if (!at_symbol(p, ",")) {
            return expect_symbol(p, ")", "',' or ')'");
        }
        r = advance(p);
        if (r < 0) {
            return r;
        }
    }
}

static int lower_text(struct parser *p, struct str text, struct str *ret)
{
    char *lower = arena_text(p->arena, text);

    if (!lower) {
        return corrie_fail_memory(p->err);
    }
    for (size_t i = 0; i < text.len; i++) {
        lower[i] = (char)(lower[i] >= 'A' && lower[i] <= 'Z' ? lower[i] + 32 : lower[i]);
    }
    *ret = str_make(lower, text.len);
    return 0;
}

static int parse_call(struct parser *p, const struct token *name, struct filter_expr **ret)
{
    _cleanup_(expr_list_done) struct expr_list args = {0};

    int r = advance(p); /* ( */
    if (r >= 0) {
        r = at_symbol(p, ")") ? advance(p) : parse_list(p, parse_or, &args);
    }
    if (r < 0) {
        return r;
    }
    if (at_word(p, "OVER") || at_word(p, "FILTER") || at_word(p, "WITHIN")) {
        return filter_fail(p->err, p->lexer.text, p->token.offset, p->token.length,
                           "windows and aggregates cannot stand in a filter");
    }
    r = make(p, FILTER_CALL, name->offset, args.items, args.count, ret);
    return r < 0 ? r : lower_text(p, name->text, &(*ret)->name);
}

static int parse_column(struct parser *p, const struct token *first, struct filter_expr **ret)
{
    VEC(struct str) path = {0};
    struct str name = first->text;
    int r;

    for (;;) {
        struct str kept;
        r = arena_str(p->arena, name, &kept) < 0 || vec_push(&path, kept) < 0
                ? corrie_fail_memory(p->err)
                : 0;
        if (r < 0 || !at_symbol(p, ".")) {
            break;
        }
        r = advance(p);
        if (r >= 0 && p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_QUOTED) {
            r = fail_token(p, "a field's name");
        }
        if (r < 0) {
            break;
        }
        name = p->token.text;
        r = advance(p);
        if (r >= 0 && at_symbol(p, "(")) {
            r = fail_token(p, "a column (functions have no schema here)");
        }
        if (r < 0) {
            break;
        }
    }
    if (r >= 0) {
        r = make(p, FILTER_COLUMN, first->offset, NULL, 0, ret);
    }
    if (r >= 0) {
        (*ret)->path = arena_array(p->arena, struct str, path.count);
        (*ret)->n_path = path.count;
        if ((*ret)->path) {
            memcpy((*ret)->path, path.items, path.count * sizeof *path.items);
        } else {
            r = corrie_fail_memory(p->err);
        }
    }
    vec_done(&path);
    return r;
}

static const struct {
    const char *word;
    enum filter_literal_kind kind;
    const char *what;
    const char *example;
} typed_literals[] = {
    {"DATE", FILTER_DATE, "date", "DATE '2026-11-20'"},
    {"TIME", FILTER_TIME, "time of day", "TIME '10:30:00'"},
    {"TIMESTAMP", FILTER_TIMESTAMP, "point in time", "TIMESTAMP '2026-11-20 10:30:00'"},
    {"TIMESTAMPTZ", FILTER_TIMESTAMPTZ, "point in time", "TIMESTAMPTZ '2026-11-20 10:30:00Z'"},
    {"INTERVAL", FILTER_INTERVAL, "interval", "INTERVAL '3 days'"},
};

/* DATE '…' and its like; `index` says which. */
static int parse_typed_literal(struct parser *p, size_t index, const struct token *word,
                               struct filter_expr **ret)
{
    struct token text = p->token;

    if (!filter_literal_valid(typed_literals[index].kind, text.text)) {
        int r = filter_fail(p->err, p->lexer.text, text.offset, text.length, "'%.*s' is no %s",
                            STR_FMT(str_slice(text.text, 0, 80)), typed_literals[index].what);
        corrie_hint(p->err, "write it like %s", typed_literals[index].example);
        return r;
    }
    int r = advance(p);
    return r < 0 ? r : make_literal(p, typed_literals[index].kind, text.text, word->offset, ret);
}

/* "DECIMAL(10,2)", "TIMESTAMP WITH TIME ZONE", "INTEGER[]" in capitals. `many` words only inside CAST. */
static int parse_type(struct parser *p, bool many, struct str *ret)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r = 0;

    if (p->token.kind != TOKEN_WORD) {
        return fail_token(p, "a type");
    }
    do {
        buf_add_text(&text, text.len > 0 ? " " : "");
        for (size_t i = 0; i < p->token.text.len; i++) {
            char c = p->token.text.data[i];
            buf_add_char(&text, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
        }
        r = advance(p);
    } while (r >= 0 && p->token.kind == TOKEN_WORD && many);
    if (r >= 0 && at_symbol(p, "(")) {
        const char *before = "(";
        do {
            buf_add_text(&text, before);
            before = ",";
            r = advance(p);
            if (r >= 0 && p->token.kind != TOKEN_INTEGER) {
                r = fail_token(p, "a number");
            }
            if (r >= 0) {
                buf_add_str(&text, p->token.text);
                r = advance(p);
            }
        } while (r >= 0 && at_symbol(p, ","));
        if (r >= 0) {
            buf_add_char(&text, ')');
            r = expect_symbol(p, ")", "')'");
        }
    }
    if (r >= 0) {
        r = buf_check(&text, p->err);
    }
    if (r < 0) {
        return r;
    }
    return arena_str(p->arena, buf_str(&text), ret) < 0 ? corrie_fail_memory(p->err) : 0;
}

static int make_cast(struct parser *p, enum filter_kind kind, struct filter_expr *value,
                     size_t offset, struct str type, struct filter_expr **ret)
{
    int r = make(p, kind, offset, &value, 1, ret);
    if (r >= 0) {
        (*ret)->name = type;
    }
    return r;
}

static int parse_cast(struct parser *p, enum filter_kind kind, size_t offset,
                      struct filter_expr **ret)
{
    struct filter_expr *value;
    struct str type;

    int r = expect_symbol(p, "(", "'('");
    if (r >= 0) {
        r = parse_or(p, &value);
    }
    if (r >= 0) {
        r = expect_word(p, "AS");
    }
    if (r >= 0) {
        r = parse_type(p, true, &type);
    }
    if (r >= 0) {
        r = expect_symbol(p, ")", "')'");
    }
    return r < 0 ? r : make_cast(p, kind, value, offset, type, ret);
}

static int fail_reserved(struct parser *p, const struct token *word)
{
    static const char *const nouns[] = {"ORDER", "GROUP", "LIMIT", "END",
                                        "FROM",  "USING", "LAMBDA"};
    const char *hint = filter_instead_of(word->text);
    int r = filter_fail(p->err, p->lexer.text, word->offset, word->length, "%.*s cannot stand here",
                        STR_FMT(word->text));
    if (hint) {
        corrie_hint(p->err, "%s", hint);
    }
    for (size_t i = 0; i < ARRAY_LEN(nouns); i++) { /* what a column may well be called */
        if (str_eq_nocase(word->text, str_of(nouns[i]))) {
            corrie_hint(p->err, "a column of that name goes in double quotes: \"%.*s\"",
                        STR_FMT(word->text));
        }
    }
    return r;
}

/* ---- spellings of SQL that are short for others ---- */

/* The call of a function whose name and arguments are known. */
static int make_call(struct parser *p, const char *name, size_t offset,
                     struct filter_expr *const *args, size_t n_args, struct filter_expr **ret)
{
    int r = make(p, FILTER_CALL, offset, args, n_args, ret);
    if (r >= 0) {
        (*ret)->name = str_of(name);
    }
    return r;
}

static bool is_interval_unit(struct str unit)
{
    static const char *const units[] = {
        "year",   "quarter", "month",   "week",       "day",         "hour",       "minute",
        "second", "decade",  "century", "millennium", "millisecond", "microsecond"};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eq(unit, str_of(units[i]))) {
            return true;
        }
    }
    return false;
}

static bool is_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

/* INTERVAL 1 DAY and INTERVAL '1' DAY are INTERVAL '1 day'. Stands at the number. */
static int parse_interval(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    struct str number = p->token.text;
    struct str unit = STR_EMPTY;

    int r = advance(p);
    if (r >= 0 && p->token.kind == TOKEN_WORD) {
        r = lower_text(p, p->token.text, &unit);
    }
    if (r < 0) {
        return r;
    }
    if (unit.len > 1 && unit.data[unit.len - 1] == 's') { /* days are a day */
        unit.len--;
    }
    if (!is_interval_unit(unit)) {
        r = fail_token(p, "a unit of time");
        corrie_hint(p->err, "write it like INTERVAL '3 days'");
        return r;
    }
    const char *text = arena_printf(p->arena, "%.*s %.*s", STR_FMT(number), STR_FMT(unit));
    if (!text) {
        return corrie_fail_memory(p->err);
    }
    r = advance(p);
    return r < 0 ? r : make_literal(p, FILTER_INTERVAL, str_of(text), word->offset, ret);
}

/* extract(hour FROM moment) is date_part('hour', moment). Stands at the bracket. */
static int parse_extract(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    struct filter_expr *args[2];

    int r = advance(p);
    if (r >= 0 && p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_STRING) {
        r = fail_token(p, "a part of a date or time");
    }
    struct token part = p->token;
    struct str name;
    if (r >= 0) {
        r = lower_text(p, part.text, &name);
    }
    if (r >= 0) {
        r = advance(p);
    }
    if (r >= 0) {
        r = make_literal(p, FILTER_STRING, name, part.offset, &args[0]);
    }
    if (r >= 0) {
        r = expect_word(p, "FROM");
    }
    if (r >= 0) {
        r = parse_value(p, &args[1]);
    }
    if (r >= 0) {
        r = expect_symbol(p, ")", "')'");
    }
    return r < 0 ? r : make_call(p, "date_part", word->offset, args, 2, ret);
}

/* TIMESTAMP WITH TIME ZONE '…'. Stands at WITH. */
static int parse_with_zone(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    static const size_t timestamptz = 3; /* in typed_literals */

    int r = advance(p);
    if (r >= 0) {
        r = expect_word(p, "TIME");
    }
    if (r >= 0) {
        r = expect_word(p, "ZONE");
    }
    if (r >= 0 && p->token.kind != TOKEN_STRING) {
        r = fail_token(p, "a point in time in quotes");
    }
    return r < 0 ? r : parse_typed_literal(p, timestamptz, word, ret);
}

/* 1: it is one of them, and *ret is set; 0: it is none, and nothing was taken. */
static int parse_short(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    bool called = at_symbol(p, "(");
    bool plain = !called && !at_symbol(p, ".");
    int r;

    if (plain && str_eq_nocase(word->text, STR("CURRENT_DATE"))) {
        r = make_call(p, "today", word->offset, NULL, 0, ret);
    } else if (plain && str_eq_nocase(word->text, STR("CURRENT_TIMESTAMP"))) {
        r = make_call(p, "now", word->offset, NULL, 0, ret);
    } else if (called && str_eq_nocase(word->text, STR("EXTRACT"))) {
        r = parse_extract(p, word, ret);
    } else if (at_word(p, "WITH") && str_eq_nocase(word->text, STR("TIMESTAMP"))) {
        r = parse_with_zone(p, word, ret);
    } else if (str_eq_nocase(word->text, STR("INTERVAL")) &&
               (p->token.kind == TOKEN_INTEGER ||
                (p->token.kind == TOKEN_STRING && is_digits(p->token.text)))) {
        r = parse_interval(p, word, ret);
    } else {
        return 0;
    }
    return r < 0 ? r : 1;
}

static int parse_word(struct parser *p, struct filter_expr **ret)
{
    struct token word = p->token;

    int r = advance(p);
    if (r < 0) {
        return r;
    }
    r = parse_short(p, &word, ret);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    for (size_t i = 0; p->token.kind == TOKEN_STRING && i < ARRAY_LEN(typed_literals); i++) {
        if (str_eq_nocase(word.text, str_of(typed_literals[i].word))) {
            return parse_typed_literal(p, i, &word, ret);
        }
    }
    if (str_eq_nocase(word.text, STR("TRUE")) || str_eq_nocase(word.text, STR("FALSE"))) {
        bool value = word.text.len == 4;
        return make_literal(p, FILTER_BOOL, value ? STR("TRUE") : STR("FALSE"), word.offset, ret);
    }
    if (str_eq_nocase(word.text, STR("NULL"))) {
        return make_literal(p, FILTER_NULL, STR_EMPTY, word.offset, ret);
    }
    if (str_eq_nocase(word.text, STR("CAST"))) {
        return parse_cast(p, FILTER_CAST, word.offset, ret);
    }
    if (str_eq_nocase(word.text, STR("TRY_CAST"))) {
        return parse_cast(p, FILTER_TRY_CAST, word.offset, ret);
    }
    if (filter_is_reserved(word.text)) {
        return fail_reserved(p, &word);
    }
    return at_symbol(p, "(") ? parse_call(p, &word, ret) : parse_column(p, &word, ret);
}

static int parse_number(struct parser *p, struct filter_expr **ret)
{
    struct token token = p->token;
    struct str text = token.text;
    struct str kept;

    while (token.kind == TOKEN_INTEGER && text.len > 1 && text.data[0] == '0') {
        text = str_from(text, 1); /* 007 and 7 are one filter */
    }
    if (arena_str(p->arena, text, &kept) < 0) {
        return corrie_fail_memory(p->err);
    }
    int r = advance(p);
    return r < 0 ? r
                 : make_literal(p, token.kind == TOKEN_INTEGER ? FILTER_INTEGER : FILTER_NUMBER,
                                kept, token.offset, ret);
}

static int parse_primary(struct parser *p, struct filter_expr **ret)
{
    struct token token = p->token;
    int r;

    switch (token.kind) {
    case TOKEN_WORD:
        return parse_word(p, ret);
    case TOKEN_QUOTED:
        r = advance(p);
        return r < 0 ? r : parse_column(p, &token, ret);
    case TOKEN_STRING:
        r = advance(p);
        return r < 0 ? r : make_literal(p, FILTER_STRING, token.text, token.offset, ret);
    case TOKEN_INTEGER:
    case TOKEN_NUMBER:
        return parse_number(p, ret);
    case TOKEN_PARAM:
        r = advance(p);
        if (r >= 0) {
            r = make(p, FILTER_PARAM, token.offset, NULL, 0, ret);
        }
        if (r >= 0 && arena_str(p->arena, token.text, &(*ret)->name) < 0) {
            r = corrie_fail_memory(p->err);
        }
        return r;
    case TOKEN_SYMBOL:
        if (!at_symbol(p, "(")) {
            break;
        }
        r = advance(p);
        if (r >= 0) {
            r = parse_or(p, ret);
        }
        return r < 0 ? r : expect_symbol(p, ")", "')'");
    case TOKEN_END:
        break;
    }
    r = fail_token(p, "a column or value");
    if (at_symbol(p, "[")) {
        corrie_hint(p->err, "write a list as list_value(1, 2)");
    }
    return r;
}

/* ---- operators ---- */

/* [index], of a list, a struct or a map. */
static int parse_subscript(struct parser *p, struct filter_expr *value, size_t offset,
                           struct filter_expr **ret)
{
    struct filter_expr *args[2] = {value, NULL};

    int r = want_value(p, value);
    if (r < 0) {
        return r;
    }
    r = enter(p);
    if (r >= 0) {
        r = advance(p);
    }
    if (r >= 0) {
        r = parse_value(p, &args[1]);
    }
    p->depth--;
    if (r >= 0) {
        r = want_value(p, args[1]);
    }
    if (r >= 0) {
        r = expect_symbol(p, "]", "']'");
    }
    return r < 0 ? r : make(p, FILTER_SUBSCRIPT, offset, args, 2, ret);
}

static int parse_postfix(struct parser *p, struct filter_expr **ret)
{
    size_t offset = p->token.offset;
    struct filter_expr *expr;

    int r = parse_primary(p, &expr);
    while (r >= 0 && (at_symbol(p, "::") || at_symbol(p, "["))) {
        struct str type;
        if (at_symbol(p, "[")) {
            r = parse_subscript(p, expr, offset, &expr);
            continue;
        }
        r = advance(p);
        if (r >= 0) {
            r = parse_type(p, false, &type);
        }
        if (r >= 0) {
            r = make_cast(p, FILTER_CAST, expr, offset, type, &expr);
        }
    }
    if (r >= 0) {
        *ret = expr;
    }
    return r;
}

/* -12 is a literal of its own. */
static int negate(struct parser *p, struct filter_expr *value, size_t offset,
                  struct filter_expr **ret)
{
    if (value->kind != FILTER_LITERAL ||
        (value->literal.kind != FILTER_INTEGER && value->literal.kind != FILTER_NUMBER)) {
        int r = want_value(p, value);
        return r < 0 ? r : make(p, FILTER_NEGATE, offset, &value, 1, ret);
    }
    struct str text = value->literal.text;
    if (text.data[0] == '-') {
        text = str_from(text, 1);
    } else {
        char *negative = arena_printf(p->arena, "-%.*s", STR_FMT(text));
        if (!negative) {
            return corrie_fail_memory(p->err);
        }
        text = str_of(negative);
    }
    return make_literal(p, value->literal.kind, text, offset, ret);
}

static int parse_unary(struct parser *p, struct filter_expr **ret)
{
    size_t offset = p->token.offset;
    bool minus = at_symbol(p, "-");

    if (!minus && !at_symbol(p, "+")) {
        return parse_postfix(p, ret);
    }
    struct filter_expr *value;
    int r = enter(p);
    if (r >= 0) {
        r = advance(p);
    }
    if (r >= 0) {
        r = parse_unary(p, &value);
    }
    p->depth--;
    if (r < 0) {
        return r;
    }
    if (!minus) {
        *ret = value;
        return 0;
    }
    return negate(p, value, offset, ret);
}

static const struct {
    const char *symbol;
    enum filter_op op;
    int level; /* 0 ||, 1 + -, 2 * / // % */
} arithmetic[] = {
    {"||", FILTER_OP_CONCAT, 0},  {"+", FILTER_OP_ADD, 1}, {"-", FILTER_OP_SUB, 1},
    {"*", FILTER_OP_MUL, 2},      {"/", FILTER_OP_DIV, 2}, {"%", FILTER_OP_MOD, 2},
    {"//", FILTER_OP_INT_DIV, 2},
};

static enum filter_op arithmetic_at(const struct parser *p, int level)
{
    for (size_t i = 0; i < ARRAY_LEN(arithmetic); i++) {
        if (arithmetic[i].level == level && at_symbol(p, arithmetic[i].symbol)) {
            return arithmetic[i].op;
        }
    }
    return FILTER_OP_NONE;
}

/* Left to right, levels 0 to 2; unary above. */
static int parse_arithmetic(struct parser *p, int level, struct filter_expr **ret)
{
    size_t offset = p->token.offset;
    struct filter_expr *args[2];
    enum filter_op op;

    if (level == 3) {
        return parse_unary(p, ret);
    }
    int r = parse_arithmetic(p, level + 1, &args[0]);
    while (r >= 0 && (op = arithmetic_at(p, level)) != FILTER_OP_NONE) {
        r = want_value(p, args[0]);
        if (r >= 0) {
            r = advance(p);
        }
        if (r >= 0) {
            r = parse_arithmetic(p, level + 1, &args[1]);
        }
        if (r >= 0) {
            r = want_value(p, args[1]);
        }
        if (r >= 0) {
            struct filter_expr *expr;
            r = make(p, FILTER_ARITH, offset, args, 2, &expr);
            if (r >= 0) {
                expr->op = op;
                args[0] = expr;
            }
        }
    }
    if (r >= 0) {
        *ret = args[0];
    }
    return r;
}

static int parse_value(struct parser *p, struct filter_expr **ret)
{
    return parse_arithmetic(p, 0, ret);
}

/* ---- predicates ---- */

static const struct {
    const char *symbol;
    enum filter_op op;
} comparisons[] = {
    {"=", FILTER_OP_EQ}, {"==", FILTER_OP_EQ}, {"!=", FILTER_OP_NE}, {"<>", FILTER_OP_NE},
    {"<", FILTER_OP_LT}, {"<=", FILTER_OP_LE}, {">", FILTER_OP_GT},  {">=", FILTER_OP_GE},
};

static enum filter_op comparison_at(const struct parser *p)
{
    for (size_t i = 0; i < ARRAY_LEN(comparisons); i++) {
        if (at_symbol(p, comparisons[i].symbol)) {
            return comparisons[i].op;
        }
    }
    return FILTER_OP_NONE;
}

static bool is_null(const struct filter_expr *expr)
{
    return expr->kind == FILTER_LITERAL && expr->literal.kind == FILTER_NULL;
}

static int parse_comparison(struct parser *p, enum filter_op op, struct filter_expr *left,
                            struct filter_expr **ret)
{
    struct filter_expr *args[2] = {left, NULL};

    int r = advance(p);
    if (r >= 0) {
        r = parse_value(p, &args[1]);
    }
    if (r < 0) {
        return r;
    }
    if (is_null(args[0]) || is_null(args[1])) {
        return fail_at(p, is_null(args[1]) ? args[1] : args[0],
                       "a comparison with NULL is never true",
                       op == FILTER_OP_NE ? "write IS NOT NULL" : "write IS NULL");
    }
    r = make(p, FILTER_COMPARE, left->offset, args, 2, ret);
    if (r >= 0) {
        (*ret)->op = op;
    }
    return r;
}

static int parse_in(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    _cleanup_(expr_list_done) struct expr_list args = {0};

    if (vec_push(&args, left) < 0) {
        return corrie_fail_memory(p->err);
    }
    int r = advance(p);
    if (r >= 0) {
        r = expect_symbol(p, "(", "'(' and a list of values");
    }
    if (r >= 0 && at_symbol(p, ")")) {
        r = fail_token(p, "a value");
        corrie_hint(p->err, "a list has one value at least; FALSE holds for no row");
    }
    if (r >= 0) {
        r = parse_list(p, parse_value, &args);
    }
    return r < 0 ? r : make(p, FILTER_IN, left->offset, args.items, args.count, ret);
}

static int parse_between(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    struct filter_expr *args[3] = {left, NULL, NULL};

    int r = advance(p);
    if (r >= 0) {
        r = parse_value(p, &args[1]);
    }
    if (r >= 0) {
        r = expect_word(p, "AND");
    }
    if (r >= 0) {
        r = parse_value(p, &args[2]);
    }
    return r < 0 ? r : make(p, FILTER_BETWEEN, left->offset, args, 3, ret);
}

static int parse_like(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    struct filter_expr *args[2] = {left, NULL};
    enum filter_op op = at_word(p, "LIKE") ? FILTER_OP_LIKE : FILTER_OP_ILIKE;

    int r = advance(p);
    if (r >= 0) {
        r = parse_value(p, &args[1]);
    }
    if (r >= 0) {
        r = make(p, FILTER_LIKE, left->offset, args, 2, ret);
    }
    if (r >= 0) {
        (*ret)->op = op;
    }
    return r;
}

static int parse_is(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    struct filter_expr *args[2] = {left, NULL};
    struct filter_literal literal = {FILTER_NULL, STR_EMPTY};
    bool negated = false;

    int r = advance(p);
    if (r >= 0 && at_word(p, "NOT")) {
        negated = true;
        r = advance(p);
    }
    if (r < 0) {
        return r;
    }
    if (at_word(p, "DISTINCT")) {
        r = advance(p);
        if (r >= 0) {
            r = expect_word(p, "FROM");
        }
        if (r >= 0) {
            r = parse_value(p, &args[1]);
        }
        if (r >= 0) {
            r = make(p, FILTER_DISTINCT, left->offset, args, 2, ret);
        }
    } else {
        if (at_word(p, "TRUE") || at_word(p, "FALSE")) {
            literal = (struct filter_literal){FILTER_BOOL,
                                              p->token.text.len == 4 ? STR("TRUE") : STR("FALSE")};
        } else if (!at_word(p, "NULL")) {
            return fail_token(p, "NULL, TRUE, FALSE or DISTINCT FROM");
        }
        r = advance(p);
        if (r >= 0) {
            r = make(p, FILTER_IS, left->offset, args, 1, ret);
        }
    }
    if (r >= 0) {
        (*ret)->literal = literal;
        (*ret)->negated = negated;
    }
    return r;
}

/* ISNULL and NOTNULL. */
static int parse_is_null(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    bool negated = at_word(p, "NOTNULL");

    int r = advance(p);
    if (r >= 0) {
        r = make(p, FILTER_IS, left->offset, &left, 1, ret);
    }
    if (r >= 0) {
        (*ret)->literal = (struct filter_literal){FILTER_NULL, STR_EMPTY};
        (*ret)->negated = negated;
    }
    return r;
}

/* What may follow a value; 0 when nothing of the kind does, and *ret is untouched. */
static int parse_predicate_of(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    enum filter_op op = comparison_at(p);
    bool negated = false;
    int r;

    if (op != FILTER_OP_NONE) {
        return parse_comparison(p, op, left, ret);
    }
    if (at_word(p, "IS")) {
        return parse_is(p, left, ret);
    }
    if (at_word(p, "ISNULL") || at_word(p, "NOTNULL")) {
        return parse_is_null(p, left, ret);
    }
    if (at_word(p, "NOT")) {
        negated = true;
        r = advance(p);
        if (r < 0) {
            return r;
        }
    }
    if (at_word(p, "IN")) {
        r = parse_in(p, left, ret);
    } else if (at_word(p, "BETWEEN")) {
        r = parse_between(p, left, ret);
    } else if (at_word(p, "LIKE") || at_word(p, "ILIKE")) {
        r = parse_like(p, left, ret);
    } else {
        return negated ? fail_token(p, "IN, BETWEEN or LIKE") : 0;
    }
    if (r >= 0) {
        (*ret)->negated = negated;
    }
    return r;
}

static int parse_predicate(struct parser *p, struct filter_expr **ret)
{
    size_t offset = p->token.offset;
    struct filter_expr *left;
    struct filter_expr *expr;

    int r = parse_value(p, &left);
    if (r < 0) {
        return r;
    }
    expr = left;
    r = parse_predicate_of(p, left, &expr);
    if (r < 0) {
        return r;
    }
    if (expr != left && (comparison_at(p) != FILTER_OP_NONE || at_word(p, "IS"))) {
        r = fail_token(p, "AND or OR");
        corrie_hint(p->err, "comparisons do not chain: write a < b AND b < c, or use parentheses");
        return r;
    }
    if (expr != left) { /* brackets around its left value are within it */
        expr->length += expr->offset - offset;
        expr->offset = offset;
    }
    *ret = expr;
    return 0;
}

/* ---- conditions ---- */

static int parse_not(struct parser *p, struct filter_expr **ret)
{
    size_t offset = p->token.offset;
    struct filter_expr *inner;

    if (!at_word(p, "NOT")) {
        return parse_predicate(p, ret);
    }
    int r = enter(p);
    if (r >= 0) {
        r = advance(p);
    }
    if (r >= 0) {
        r = parse_not(p, &inner);
    }
    p->depth--;
    if (r >= 0) {
        r = want_condition(p, inner);
    }
    return r < 0 ? r : make(p, FILTER_NOT, offset, &inner, 1, ret);
}

/* Adds a part of an AND or OR; parts of an inner one of the same kind are parts of this one. */
static int add_part(struct parser *p, enum filter_kind kind, struct filter_expr *part,
                    struct expr_list *list)
{
    int r = want_condition(p, part);
    if (r < 0) {
        return r;
    }
    size_t n = part->kind == kind ? part->n_args : 1;
    for (size_t i = 0; i < n; i++) {
        if (vec_push(list, part->kind == kind ? part->args[i] : part) < 0) {
            return corrie_fail_memory(p->err);
        }
    }
    return 0;
}

static int parse_chain(struct parser *p, enum filter_kind kind, const char *word,
                       int (*parse)(struct parser *, struct filter_expr **),
                       struct filter_expr **ret)
{
    _cleanup_(expr_list_done) struct expr_list parts = {0};
    size_t offset = p->token.offset;
    struct filter_expr *part;

    int r = parse(p, &part);
    if (r < 0) {
        return r;
    }
    if (!at_word(p, word)) {
        *ret = part;
        return 0;
    }
    r = add_part(p, kind, part, &parts);
    while (r >= 0 && at_word(p, word)) {
        r = advance(p);
        if (r >= 0) {
            r = parse(p, &part);
        }
        if (r >= 0) {
            r = add_part(p, kind, part, &parts);
        }
    }
    return r < 0 ? r : make(p, kind, offset, parts.items, parts.count, ret);
}

static int parse_and(struct parser *p, struct filter_expr **ret)
{
    return parse_chain(p, FILTER_AND, "AND", parse_not, ret);
}

static int parse_or(struct parser *p, struct filter_expr **ret)
{
    int r = enter(p);
    if (r >= 0) {
        r = parse_chain(p, FILTER_OR, "OR", parse_and, ret);
    }
    p->depth--;
    return r;
}

/* ---- the whole ---- */

static int parse_filter(struct parser *p, struct filter *filter)
{
    int r = advance(p);
    if (r < 0) {
        return r;
    }
    if (p->token.kind == TOKEN_END) {
        return corrie_fail(p->err, CORRIE_E_PROJECT, "the filter is empty");
    }
    r = parse_or(p, &filter->root);
    if (r < 0) {
        return r;
    }
    if (p->token.kind != TOKEN_END) {
        r = fail_token(p, "AND, OR or the end of the filter");
        if ((p->token.kind == TOKEN_WORD && !filter_instead_of(p->token.text) &&
             !filter_is_reserved(p->token.text)) ||
            p->token.kind == TOKEN_QUOTED) {
            corrie_hint(p->err, "a name with spaces goes in double quotes, a text in single ones");
        }
        return r;
    }
    return want_condition(p, filter->root);
}

int filter_parse(struct str text, struct arena *arena, struct filter **ret, corrie_error *err)
{
    struct filter *filter = arena_new(arena, struct filter);
    size_t bad;

    if (text.len > CORRIE_MAX_FILTER) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a filter of %zu bytes, at most %zu are read",
                           text.len, CORRIE_MAX_FILTER);
    }
    if (!filter || arena_str(arena, text, &filter->text) < 0) {
        return corrie_fail_memory(err);
    }
    if (!str_is_utf8(text, &bad) || str_find(text, '\0') >= 0) {
        return corrie_fail(err, CORRIE_E_PROJECT, "the filter is not UTF-8 text");
    }
    struct parser p = {
        .lexer = {.text = filter->text, .arena = arena, .err = err}, .arena = arena, .err = err};
    int r = parse_filter(&p, filter);
    if (r >= 0) {
        r = filter_collect_names(filter, arena, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = filter;
    return 0;
}
