/* filter_value.c — the parser of values: literals, columns, calls, casts, arithmetic. */
#include "lang/filter_parse.h"

static int parse_unary(struct parser *p, struct filter_expr **ret);

static int make_literal(struct parser *p, enum filter_literal_kind kind, struct str text,
                        size_t offset, struct filter_expr **ret)
{
    int r = filter_make(p, FILTER_LITERAL, offset, NULL, 0, ret);
    if (r >= 0) {
        (*ret)->literal = (struct filter_literal){kind, text};
    }
    return r;
}

/* ---- primary ---- */

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

    int r = filter_advance(p); /* ( */
    if (r >= 0) {
        r = filter_at_symbol(p, ")") ? filter_advance(p)
                                     : filter_parse_list(p, filter_parse_or, &args);
    }
    if (r < 0) {
        return r;
    }
    if (filter_at_word(p, "OVER") || filter_at_word(p, "FILTER") || filter_at_word(p, "WITHIN")) {
        return filter_fail(p->err, p->lexer.text, p->token.offset, p->token.length,
                           "windows and aggregates cannot stand in a filter");
    }
    r = filter_make(p, FILTER_CALL, name->offset, args.items, args.count, ret);
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
        if (r < 0 || !filter_at_symbol(p, ".")) {
            break;
        }
        r = filter_advance(p);
        if (r >= 0 && p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_QUOTED) {
            r = filter_fail_token(p, "a field's name");
        }
        if (r < 0) {
            break;
        }
        name = p->token.text;
        r = filter_advance(p);
        if (r >= 0 && filter_at_symbol(p, "(")) {
            r = filter_fail_token(p, "a column (functions have no schema here)");
        }
        if (r < 0) {
            break;
        }
    }
    if (r >= 0) {
        r = filter_make(p, FILTER_COLUMN, first->offset, NULL, 0, ret);
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
    int r = filter_advance(p);
    return r < 0 ? r : make_literal(p, typed_literals[index].kind, text.text, word->offset, ret);
}

/* "DECIMAL(10,2)", "TIMESTAMP WITH TIME ZONE", "INTEGER[]" in capitals. `many` words only inside CAST. */
static int parse_type(struct parser *p, bool many, struct str *ret)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r = 0;

    if (p->token.kind != TOKEN_WORD) {
        return filter_fail_token(p, "a type");
    }
    do {
        buf_add_text(&text, text.len > 0 ? " " : "");
        for (size_t i = 0; i < p->token.text.len; i++) {
            char c = p->token.text.data[i];
            buf_add_char(&text, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
        }
        r = filter_advance(p);
    } while (r >= 0 && p->token.kind == TOKEN_WORD && many);
    if (r >= 0 && filter_at_symbol(p, "(")) {
        const char *before = "(";
        do {
            buf_add_text(&text, before);
            before = ",";
            r = filter_advance(p);
            if (r >= 0 && p->token.kind != TOKEN_INTEGER) {
                r = filter_fail_token(p, "a number");
            }
            if (r >= 0) {
                buf_add_str(&text, p->token.text);
                r = filter_advance(p);
            }
        } while (r >= 0 && filter_at_symbol(p, ","));
        if (r >= 0) {
            buf_add_char(&text, ')');
            r = filter_expect_symbol(p, ")", "')'");
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
    int r = filter_make(p, kind, offset, &value, 1, ret);
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

    int r = filter_expect_symbol(p, "(", "'('");
    if (r >= 0) {
        r = filter_parse_or(p, &value);
    }
    if (r >= 0) {
        r = filter_expect_word(p, "AS");
    }
    if (r >= 0) {
        r = parse_type(p, true, &type);
    }
    if (r >= 0) {
        r = filter_expect_symbol(p, ")", "')'");
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
    int r = filter_make(p, FILTER_CALL, offset, args, n_args, ret);
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

    int r = filter_advance(p);
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
        r = filter_fail_token(p, "a unit of time");
        corrie_hint(p->err, "write it like INTERVAL '3 days'");
        return r;
    }
    const char *text = arena_printf(p->arena, "%.*s %.*s", STR_FMT(number), STR_FMT(unit));
    if (!text) {
        return corrie_fail_memory(p->err);
    }
    r = filter_advance(p);
    return r < 0 ? r : make_literal(p, FILTER_INTERVAL, str_of(text), word->offset, ret);
}

/* extract(hour FROM moment) is date_part('hour', moment). Stands at the bracket. */
static int parse_extract(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    struct filter_expr *args[2];

    int r = filter_advance(p);
    if (r >= 0 && p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_STRING) {
        r = filter_fail_token(p, "a part of a date or time");
    }
    struct token part = p->token;
    struct str name;
    if (r >= 0) {
        r = lower_text(p, part.text, &name);
    }
    if (r >= 0) {
        r = filter_advance(p);
    }
    if (r >= 0) {
        r = make_literal(p, FILTER_STRING, name, part.offset, &args[0]);
    }
    if (r >= 0) {
        r = filter_expect_word(p, "FROM");
    }
    if (r >= 0) {
        r = filter_parse_value(p, &args[1]);
    }
    if (r >= 0) {
        r = filter_expect_symbol(p, ")", "')'");
    }
    return r < 0 ? r : make_call(p, "date_part", word->offset, args, 2, ret);
}

/* TIMESTAMP WITH TIME ZONE '…'. Stands at WITH. */
static int parse_with_zone(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    static const size_t timestamptz = 3; /* in typed_literals */

    int r = filter_advance(p);
    if (r >= 0) {
        r = filter_expect_word(p, "TIME");
    }
    if (r >= 0) {
        r = filter_expect_word(p, "ZONE");
    }
    if (r >= 0 && p->token.kind != TOKEN_STRING) {
        r = filter_fail_token(p, "a point in time in quotes");
    }
    return r < 0 ? r : parse_typed_literal(p, timestamptz, word, ret);
}

/* 1: it is one of them, and *ret is set; 0: it is none, and nothing was taken. */
static int parse_short(struct parser *p, const struct token *word, struct filter_expr **ret)
{
    bool called = filter_at_symbol(p, "(");
    bool plain = !called && !filter_at_symbol(p, ".");
    int r;

    if (plain && str_eq_nocase(word->text, STR("CURRENT_DATE"))) {
        r = make_call(p, "today", word->offset, NULL, 0, ret);
    } else if (plain && str_eq_nocase(word->text, STR("CURRENT_TIMESTAMP"))) {
        r = make_call(p, "now", word->offset, NULL, 0, ret);
    } else if (called && str_eq_nocase(word->text, STR("EXTRACT"))) {
        r = parse_extract(p, word, ret);
    } else if (filter_at_word(p, "WITH") && str_eq_nocase(word->text, STR("TIMESTAMP"))) {
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

    int r = filter_advance(p);
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
    return filter_at_symbol(p, "(") ? parse_call(p, &word, ret) : parse_column(p, &word, ret);
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
    int r = filter_advance(p);
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
        r = filter_advance(p);
        return r < 0 ? r : parse_column(p, &token, ret);
    case TOKEN_STRING:
        r = filter_advance(p);
        return r < 0 ? r : make_literal(p, FILTER_STRING, token.text, token.offset, ret);
    case TOKEN_INTEGER:
    case TOKEN_NUMBER:
        return parse_number(p, ret);
    case TOKEN_PARAM:
        r = filter_advance(p);
        if (r >= 0) {
            r = filter_make(p, FILTER_PARAM, token.offset, NULL, 0, ret);
        }
        if (r >= 0 && arena_str(p->arena, token.text, &(*ret)->name) < 0) {
            r = corrie_fail_memory(p->err);
        }
        return r;
    case TOKEN_SYMBOL:
        if (!filter_at_symbol(p, "(")) {
            break;
        }
        r = filter_advance(p);
        if (r >= 0) {
            r = filter_parse_or(p, ret);
        }
        return r < 0 ? r : filter_expect_symbol(p, ")", "')'");
    case TOKEN_END:
        break;
    }
    r = filter_fail_token(p, "a column or value");
    if (filter_at_symbol(p, "[")) {
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

    int r = filter_want_value(p, value);
    if (r < 0) {
        return r;
    }
    r = filter_enter(p);
    if (r >= 0) {
        r = filter_advance(p);
    }
    if (r >= 0) {
        r = filter_parse_value(p, &args[1]);
    }
    p->depth--;
    if (r >= 0) {
        r = filter_want_value(p, args[1]);
    }
    if (r >= 0) {
        r = filter_expect_symbol(p, "]", "']'");
    }
    return r < 0 ? r : filter_make(p, FILTER_SUBSCRIPT, offset, args, 2, ret);
}

static int parse_postfix(struct parser *p, struct filter_expr **ret)
{
    size_t offset = p->token.offset;
    struct filter_expr *expr;

    int r = parse_primary(p, &expr);
    while (r >= 0 && (filter_at_symbol(p, "::") || filter_at_symbol(p, "["))) {
        struct str type;
        if (filter_at_symbol(p, "[")) {
            r = parse_subscript(p, expr, offset, &expr);
            continue;
        }
        r = filter_advance(p);
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
        int r = filter_want_value(p, value);
        return r < 0 ? r : filter_make(p, FILTER_NEGATE, offset, &value, 1, ret);
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
    bool minus = filter_at_symbol(p, "-");

    if (!minus && !filter_at_symbol(p, "+")) {
        return parse_postfix(p, ret);
    }
    struct filter_expr *value;
    int r = filter_enter(p);
    if (r >= 0) {
        r = filter_advance(p);
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
        if (arithmetic[i].level == level && filter_at_symbol(p, arithmetic[i].symbol)) {
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
        r = filter_want_value(p, args[0]);
        if (r >= 0) {
            r = filter_advance(p);
        }
        if (r >= 0) {
            r = parse_arithmetic(p, level + 1, &args[1]);
        }
        if (r >= 0) {
            r = filter_want_value(p, args[1]);
        }
        if (r >= 0) {
            struct filter_expr *expr;
            r = filter_make(p, FILTER_ARITH, offset, args, 2, &expr);
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

int filter_parse_value(struct parser *p, struct filter_expr **ret)
{
    return parse_arithmetic(p, 0, ret);
}
