/* filter.c — the parser of filters: one function a level of precedence, conditions here, values in filter_value.c. */
#include "lang/filter_parse.h"

#include "base/limits.h"

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
        if (filter_at_symbol(p, comparisons[i].symbol)) {
            return comparisons[i].op;
        }
    }
    return FILTER_OP_NONE;
}

static int parse_comparison(struct parser *p, enum filter_op op, struct filter_expr *left,
                            struct filter_expr **ret)
{
    struct filter_expr *args[2] = {left, NULL};

    int r = filter_advance(p);
    if (r >= 0) {
        r = filter_parse_value(p, &args[1]);
    }
    if (r < 0) {
        return r;
    }
    if (filter_is_literal(args[0], FILTER_NULL) || filter_is_literal(args[1], FILTER_NULL)) {
        return filter_fail_at(p, filter_is_literal(args[1], FILTER_NULL) ? args[1] : args[0],
                              "a comparison with NULL is never true",
                              op == FILTER_OP_NE ? "write IS NOT NULL" : "write IS NULL");
    }
    r = filter_make(p, FILTER_COMPARE, left->offset, args, 2, ret);
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
    int r = filter_advance(p);
    if (r >= 0) {
        r = filter_expect_symbol(p, "(", "'(' and a list of values");
    }
    if (r >= 0 && filter_at_symbol(p, ")")) {
        r = filter_fail_token(p, "a value");
        corrie_hint(p->err, "a list has one value at least; FALSE holds for no row");
    }
    if (r >= 0) {
        r = filter_parse_list(p, filter_parse_value, &args);
    }
    return r < 0 ? r : filter_make(p, FILTER_IN, left->offset, args.items, args.count, ret);
}

static int parse_between(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    struct filter_expr *args[3] = {left, NULL, NULL};

    int r = filter_advance(p);
    if (r >= 0) {
        r = filter_parse_value(p, &args[1]);
    }
    if (r >= 0) {
        r = filter_expect_word(p, "AND");
    }
    if (r >= 0) {
        r = filter_parse_value(p, &args[2]);
    }
    return r < 0 ? r : filter_make(p, FILTER_BETWEEN, left->offset, args, 3, ret);
}

static int parse_like(struct parser *p, struct filter_expr *left, struct filter_expr **ret)
{
    struct filter_expr *args[2] = {left, NULL};
    enum filter_op op = filter_at_word(p, "LIKE") ? FILTER_OP_LIKE : FILTER_OP_ILIKE;

    int r = filter_advance(p);
    if (r >= 0) {
        r = filter_parse_value(p, &args[1]);
    }
    if (r >= 0) {
        r = filter_make(p, FILTER_LIKE, left->offset, args, 2, ret);
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

    int r = filter_advance(p);
    if (r >= 0 && filter_at_word(p, "NOT")) {
        negated = true;
        r = filter_advance(p);
    }
    if (r < 0) {
        return r;
    }
    if (filter_at_word(p, "DISTINCT")) {
        r = filter_advance(p);
        if (r >= 0) {
            r = filter_expect_word(p, "FROM");
        }
        if (r >= 0) {
            r = filter_parse_value(p, &args[1]);
        }
        if (r >= 0) {
            r = filter_make(p, FILTER_DISTINCT, left->offset, args, 2, ret);
        }
    } else {
        if (filter_at_word(p, "TRUE") || filter_at_word(p, "FALSE")) {
            literal = (struct filter_literal){FILTER_BOOL,
                                              p->token.text.len == 4 ? STR("TRUE") : STR("FALSE")};
        } else if (!filter_at_word(p, "NULL")) {
            return filter_fail_token(p, "NULL, TRUE, FALSE or DISTINCT FROM");
        }
        r = filter_advance(p);
        if (r >= 0) {
            r = filter_make(p, FILTER_IS, left->offset, args, 1, ret);
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
    bool negated = filter_at_word(p, "NOTNULL");

    int r = filter_advance(p);
    if (r >= 0) {
        r = filter_make(p, FILTER_IS, left->offset, &left, 1, ret);
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
    if (filter_at_word(p, "IS")) {
        return parse_is(p, left, ret);
    }
    if (filter_at_word(p, "ISNULL") || filter_at_word(p, "NOTNULL")) {
        return parse_is_null(p, left, ret);
    }
    if (filter_at_word(p, "NOT")) {
        negated = true;
        r = filter_advance(p);
        if (r < 0) {
            return r;
        }
    }
    if (filter_at_word(p, "IN")) {
        r = parse_in(p, left, ret);
    } else if (filter_at_word(p, "BETWEEN")) {
        r = parse_between(p, left, ret);
    } else if (filter_at_word(p, "LIKE") || filter_at_word(p, "ILIKE")) {
        r = parse_like(p, left, ret);
    } else {
        return negated ? filter_fail_token(p, "IN, BETWEEN or LIKE") : 0;
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

    int r = filter_parse_value(p, &left);
    if (r < 0) {
        return r;
    }
    expr = left;
    r = parse_predicate_of(p, left, &expr);
    if (r < 0) {
        return r;
    }
    if (expr != left && (comparison_at(p) != FILTER_OP_NONE || filter_at_word(p, "IS"))) {
        r = filter_fail_token(p, "AND or OR");
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

    if (!filter_at_word(p, "NOT")) {
        return parse_predicate(p, ret);
    }
    int r = filter_enter(p);
    if (r >= 0) {
        r = filter_advance(p);
    }
    if (r >= 0) {
        r = parse_not(p, &inner);
    }
    p->depth--;
    if (r >= 0) {
        r = filter_want_condition(p, inner);
    }
    return r < 0 ? r : filter_make(p, FILTER_NOT, offset, &inner, 1, ret);
}

/* Adds a part of an AND or OR; parts of an inner one of the same kind are parts of this one. */
static int add_part(struct parser *p, enum filter_kind kind, struct filter_expr *part,
                    struct expr_list *list)
{
    int r = filter_want_condition(p, part);
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
    if (!filter_at_word(p, word)) {
        *ret = part;
        return 0;
    }
    r = add_part(p, kind, part, &parts);
    while (r >= 0 && filter_at_word(p, word)) {
        r = filter_advance(p);
        if (r >= 0) {
            r = parse(p, &part);
        }
        if (r >= 0) {
            r = add_part(p, kind, part, &parts);
        }
    }
    return r < 0 ? r : filter_make(p, kind, offset, parts.items, parts.count, ret);
}

static int parse_and(struct parser *p, struct filter_expr **ret)
{
    return parse_chain(p, FILTER_AND, "AND", parse_not, ret);
}

int filter_parse_or(struct parser *p, struct filter_expr **ret)
{
    int r = filter_enter(p);
    if (r >= 0) {
        r = parse_chain(p, FILTER_OR, "OR", parse_and, ret);
    }
    p->depth--;
    return r;
}

/* ---- the whole ---- */

static int parse_filter(struct parser *p, struct filter *filter)
{
    int r = filter_advance(p);
    if (r < 0) {
        return r;
    }
    if (p->token.kind == TOKEN_END) {
        return corrie_fail(p->err, CORRIE_E_PROJECT, "the filter is empty");
    }
    r = filter_parse_or(p, &filter->root);
    if (r < 0) {
        return r;
    }
    if (p->token.kind != TOKEN_END) {
        r = filter_fail_token(p, "AND, OR or the end of the filter");
        if ((p->token.kind == TOKEN_WORD && !filter_instead_of(p->token.text) &&
             !filter_is_reserved(p->token.text)) ||
            p->token.kind == TOKEN_QUOTED) {
            corrie_hint(p->err, "a name with spaces goes in double quotes, a text in single ones");
        }
        return r;
    }
    return filter_want_condition(p, filter->root);
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
