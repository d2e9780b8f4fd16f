/* statement_priv.h — tokens of statements, and the parser's small verbs. */
#ifndef CORRIE_LANG_STATEMENT_PRIV_H
#define CORRIE_LANG_STATEMENT_PRIV_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/vec.h"
#include "lang/statement.h"

enum sql_token_kind {
    SQL_END,
    SQL_WORD,   /* a name or keyword without quotes */
    SQL_QUOTED, /* "…" */
    SQL_STRING, /* '…', E'…', $tag$…$tag$ */
    SQL_NUMBER,
    SQL_SYMBOL /* one character; operators come as several */
};

struct sql_token {
    enum sql_token_kind kind;
    size_t offset; /* in the source */
    size_t length;
    char symbol; /* of SQL_SYMBOL; else 0 */
};

/* Goes through source[at, end). */
struct sql_lexer {
    const char *file;
    struct str source;
    size_t at;
    size_t end;
    bool open; /* the error is that the text ends too early: more may mend it */
    corrie_error *err;
};

int sql_lex(struct sql_lexer *lexer, struct sql_token *ret) CORRIE_MUST_USE;
/* What quotes hold. In `arena`; CORRIE_E_PROJECT where an E'…' has an escape that is not known here. */
int sql_unquote(struct str source, const struct sql_token *token, struct arena *arena,
                struct str *ret, corrie_error *err) CORRIE_MUST_USE;
bool sql_is_word(struct str source, const struct sql_token *token, const char *word);

/* The parser keeps the first error: after it every token is the end, every verb does nothing, and `code` tells. */
struct sql_parser {
    struct sql_lexer lexer;
    struct arena *arena;
    struct sql_token now;
    struct sql_token before; /* the last one taken */
    int code;
};

void sql_advance(struct sql_parser *parser);
/* Whether the token is that keyword; takes it. */
bool sql_accept(struct sql_parser *parser, const char *word);
bool sql_accept_symbol(struct sql_parser *parser, char symbol);
bool sql_at(const struct sql_parser *parser, const char *word);
bool sql_at_symbol(const struct sql_parser *parser, char symbol);
/* The token after the next one. */
struct sql_token sql_peek(struct sql_parser *parser);
/* Fails where it is something else. `words` may be several: "NOT EXISTS". */
void sql_expect(struct sql_parser *parser, const char *words);
void sql_expect_symbol(struct sql_parser *parser, char symbol);
/* IF NOT EXISTS and IF EXISTS: whether they stand there. */
bool sql_accept_if(struct sql_parser *parser, bool not_exists);
/* The end must be here. */
void sql_expect_end(struct sql_parser *parser);
/* "expected WHAT, found …", at the token. */
void sql_expected(struct sql_parser *parser, const char *what);
/* At source[offset, offset + length). */
void sql_fail(struct sql_parser *parser, size_t offset, size_t length, const char *format, ...)
    CORRIE_PRINTF(4, 5);
void sql_hint(struct sql_parser *parser, const char *hint);
void sql_fail_memory(struct sql_parser *parser);

struct sql_name sql_take_name(struct sql_parser *parser, const char *what);
struct sql_path sql_take_path(struct sql_parser *parser, const char *what);
/* [ns.]table, without an alias. */
struct sql_table sql_take_table(struct sql_parser *parser);
/* [AS] alias, unless one of the keywords `not` (NULL at the end) stands there. */
struct sql_name sql_take_alias(struct sql_parser *parser, const char *const * not );
/* A table, a query in brackets, a function's rows, a file: all of it as it stands. A name is its alias too. */
struct str sql_take_source(struct sql_parser *parser, struct sql_path *ret_name);
/* Its alias: [AS] alias [(columns)], unless one of `not` stands there. */
void sql_take_source_alias(struct sql_parser *parser, const char *const * not, struct sql_path name,
                           struct statement *statement);
/* (a, b): the brackets too. */
void sql_take_names(struct sql_parser *parser, struct sql_name **ret, size_t *ret_n);
/* Text in single quotes. */
struct str sql_take_string(struct sql_parser *parser, const char *what);

enum { SQL_STOP_COMMA = 1, SQL_ANGLES = 2 /* <…> are brackets, in types */ };
/* All up to one of the keywords in `stops` (NULL at the end; may be NULL), a comma if wanted, a bracket that closes what was
 * opened before, or the end. Fails, expecting `what`, where that is nothing. */
struct str sql_take_piece(struct sql_parser *parser, const char *const *stops, int flags,
                          const char *what);
/* What brackets hold, which must begin here. */
struct str sql_take_brackets(struct sql_parser *parser, const char *what);
/* SET a = 1, b.c = 2, up to one of `stops`. */
void sql_take_sets(struct sql_parser *parser, const char *const *stops, struct sql_set **ret,
                   size_t *ret_n);

/* Moves a vec's items to the arena. */
void *sql_keep(struct sql_parser *parser, const void *items, size_t count, size_t size);
#define SQL_PUSH(parser, vec, item)                                                                \
    do {                                                                                           \
        if ((vec)->count >= CORRIE_MAX_SQL_ITEMS) {                                                \
            sql_fail(parser, (parser)->now.offset, 1, "more than %d items in a list",              \
                     CORRIE_MAX_SQL_ITEMS);                                                        \
        } else if (vec_push(vec, item) < 0) {                                                      \
            sql_fail_memory(parser);                                                               \
        }                                                                                          \
    } while (0)

/* statement_table.c, statement_merge.c: behind the keywords that tell them. */
void sql_parse_create(struct sql_parser *parser, struct statement *statement);
void sql_parse_alter(struct sql_parser *parser, struct statement *statement);
void sql_parse_merge(struct sql_parser *parser, struct statement *statement);
/* Fails where RETURNING stands. */
void sql_refuse_returning(struct sql_parser *parser);
/* (a = 'b', …) */
void sql_take_properties(struct sql_parser *parser, struct sql_property **ret, size_t *ret_n);

#endif
