/* filter_priv.h — tokens of filters and what parser, printer and binder share. */
#ifndef CORRIE_LANG_FILTER_PRIV_H
#define CORRIE_LANG_FILTER_PRIV_H

#include "lang/filter.h"

enum token_kind {
    TOKEN_END,
    TOKEN_WORD,   /* a bare name or keyword */
    TOKEN_QUOTED, /* a name in double quotes; `text` without them */
    TOKEN_STRING, /* `text` without quotes */
    TOKEN_INTEGER,
    TOKEN_NUMBER,
    TOKEN_PARAM, /* `text` without $ */
    TOKEN_SYMBOL /* punctuation and operators */
};

struct token {
    enum token_kind kind;
    struct str text; /* in the arena where quotes were undone, else in the source */
    size_t offset;
    size_t length;
};

struct filter_lexer {
    struct str text;
    size_t at;
    struct arena *arena;
    corrie_error *err;
};

/* Reads the next token. Fails with a position. */
int filter_next_token(struct filter_lexer *lexer, struct token *ret) CORRIE_MUST_USE;

/* An error at bytes of the filter's text. */
int filter_fail(corrie_error *err, struct str text, size_t offset, size_t width, const char *format,
                ...) CORRIE_PRINTF(5, 6);

/* Whether a bare word cannot be a column: it must be quoted. */
bool filter_is_reserved(struct str word);

/* What to write in place of a word that filters do not have; NULL if nothing is known of it. */
const char *filter_instead_of(struct str word);

/* Whether a typed literal's text has the right form. */
bool filter_literal_valid(enum filter_literal_kind kind, struct str text);

/* Fills columns and params of the filter from its tree. */
int filter_collect_names(struct filter *filter, struct arena *arena, corrie_error *err)
    CORRIE_MUST_USE;

#endif
