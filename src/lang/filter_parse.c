/* filter_parse.c — what the parsers of values and of conditions share: the token that is looked at, nodes, errors. */
#include "lang/filter_parse.h"

#include "base/limits.h"

/* ---- tokens ---- */

int filter_advance(struct parser *p)
{
    p->end = p->token.offset + p->token.length;
    return filter_next_token(&p->lexer, &p->token);
}

bool filter_at_symbol(const struct parser *p, const char *symbol)
{
    return p->token.kind == TOKEN_SYMBOL && str_eq(p->token.text, str_of(symbol));
}

bool filter_at_word(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && str_eq_nocase(p->token.text, str_of(word));
}

/* What is looked at, for messages; a word that filters do not have says what they have instead. */
int filter_fail_token(struct parser *p, const char *expected)
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

int filter_fail_at(struct parser *p, const struct filter_expr *expr, const char *message,
                   const char *hint)
{
    int r = filter_fail(p->err, p->lexer.text, expr->offset, expr->length, "%s", message);
    if (hint) {
        corrie_hint(p->err, "%s", hint);
    }
    return r;
}

int filter_expect_symbol(struct parser *p, const char *symbol, const char *what)
{
    if (!filter_at_symbol(p, symbol)) {
        return filter_fail_token(p, what);
    }
    return filter_advance(p);
}

int filter_expect_word(struct parser *p, const char *word)
{
    if (!filter_at_word(p, word)) {
        return filter_fail_token(p, word);
    }
    return filter_advance(p);
}

/* ---- nodes ---- */

int filter_make(struct parser *p, enum filter_kind kind, size_t offset,
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

int filter_want_condition(struct parser *p, const struct filter_expr *expr)
{
    if (may_be_condition(expr)) {
        return 0;
    }
    return filter_fail_at(p, expr, "a condition is expected here, not a value",
                          "compare it with something: price > 0");
}

static bool is_condition(const struct filter_expr *expr)
{
    return expr->kind <= FILTER_DISTINCT;
}

int filter_want_value(struct parser *p, const struct filter_expr *expr)
{
    return is_condition(expr)
               ? filter_fail_at(p, expr, "a value is expected here, not a condition", NULL)
               : 0;
}

int filter_enter(struct parser *p)
{
    if (++p->depth > CORRIE_MAX_FILTER_DEPTH) {
        return corrie_fail(p->err, CORRIE_E_LIMIT, "a filter nested deeper than %d levels",
                           CORRIE_MAX_FILTER_DEPTH);
    }
    return 0;
}

int filter_parse_list(struct parser *p, int (*parse)(struct parser *, struct filter_expr **),
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
        if (!filter_at_symbol(p, ",")) {
            return filter_expect_symbol(p, ")", "',' or ')'");
        }
        r = filter_advance(p);
        if (r < 0) {
            return r;
        }
    }
}
