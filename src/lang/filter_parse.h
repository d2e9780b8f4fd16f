/* filter_parse.h — the state of the parser of filters, for its parts.
 *
 * Every function returns 0, or an error's code with a position in the filter; nodes lie in the parser's arena. */
#ifndef CORRIE_LANG_FILTER_PARSE_H
#define CORRIE_LANG_FILTER_PARSE_H

#include "base/vec.h"
#include "lang/filter_priv.h"

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

static inline void expr_list_done(struct expr_list *list)
{
    vec_done(list);
}

typedef int (*filter_parse_fn)(struct parser *p, struct filter_expr **ret);

/* ---- tokens ---- */

int filter_advance(struct parser *p) CORRIE_MUST_USE;
bool filter_at_symbol(const struct parser *p, const char *symbol);
bool filter_at_word(const struct parser *p, const char *word);
int filter_expect_symbol(struct parser *p, const char *symbol, const char *what) CORRIE_MUST_USE;
int filter_expect_word(struct parser *p, const char *word) CORRIE_MUST_USE;
/* "`expected` is expected, not …": of what is looked at. */
int filter_fail_token(struct parser *p, const char *expected);
/* `hint` may be NULL. */
int filter_fail_at(struct parser *p, const struct filter_expr *expr, const char *message,
                   const char *hint);

/* ---- nodes ---- */

/* A node that begins at `offset` and ends behind the last token taken. Its args are copied. */
int filter_make(struct parser *p, enum filter_kind kind, size_t offset,
                struct filter_expr *const *args, size_t n_args, struct filter_expr **ret)
    CORRIE_MUST_USE;
int filter_want_condition(struct parser *p, const struct filter_expr *expr) CORRIE_MUST_USE;
int filter_want_value(struct parser *p, const struct filter_expr *expr) CORRIE_MUST_USE;
/* One level deeper: the caller takes 1 from p->depth again, whatever is returned. */
int filter_enter(struct parser *p) CORRIE_MUST_USE;
/* A list of expressions up to `)`; each by `parse`. */
int filter_parse_list(struct parser *p, filter_parse_fn parse, struct expr_list *list)
    CORRIE_MUST_USE;

/* ---- levels ---- */

/* The weakest: conditions joined by OR. */
int filter_parse_or(struct parser *p, struct filter_expr **ret) CORRIE_MUST_USE;
/* The weakest of values: sums. */
int filter_parse_value(struct parser *p, struct filter_expr **ret) CORRIE_MUST_USE;

#endif
