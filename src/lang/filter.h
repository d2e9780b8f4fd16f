/* filter.h — the text of Model(filter="…"), --filter and overwrite_filter: an SQL condition over
 * the columns of one table.
 *
 *     condition := condition OR condition | condition AND condition | NOT condition | ( condition )
 *                | value (= == != <> < <= > >=) value | value [NOT] IN ( value, … )
 *                | value [NOT] BETWEEN value AND value | value [NOT] (LIKE | ILIKE) value
 *                | value IS [NOT] (NULL | TRUE | FALSE | DISTINCT FROM value) | value (boolean)
 *                | value (ISNULL | NOTNULL)
 *     value     := column | literal | $param | value (+ - * / // % ||) value | - value
 *                | name ( value, … ) | extract ( unit FROM value ) | value [ value ]
 *                | (CAST | TRY_CAST) ( value AS type ) | value :: type
 *                | current_date | current_timestamp
 *     literal   := 12 | 1.5 | 1e3 | 'text' | TRUE | FALSE | NULL | DATE '…' | TIME '…'
 *                | TIMESTAMP '…' | (TIMESTAMPTZ | TIMESTAMP WITH TIME ZONE) '…'
 *                | INTERVAL '…' | INTERVAL (12 | '12') unit
 *     column    := name | "quoted name" | column.field
 *
 * Keywords in either case; column names are taken as they stand. Subqueries, aggregates' FILTER
 * and OVER, semicolons and comments are refused: a filter is one condition and can become nothing
 * else. What the grammar knows is a tree to reason about (pruning, fingerprints); function calls,
 * arithmetic and casts are trees too, whose meaning only DuckDB knows.
 *
 * Everything lies in the caller's arena, names and texts too. */
#ifndef CORRIE_LANG_FILTER_H
#define CORRIE_LANG_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define FILTER_TREE_MAX 500

enum filter_kind {
    FILTER_AND,      /* args: 2 or more */
    FILTER_OR,       /* args: 2 or more */
    FILTER_NOT,      /* args: 1 */
    FILTER_COMPARE,  /* op; args: left, right */
    FILTER_IN,       /* negated; args: value, then the list */
    FILTER_BETWEEN,  /* negated; args: value, low, high */
    FILTER_LIKE,     /* negated; op = FILTER_OP_LIKE or ILIKE; args: value, pattern */
    FILTER_IS,       /* negated; literal = NULL, TRUE or FALSE; args: value */
    FILTER_DISTINCT, /* negated = IS NOT DISTINCT FROM; args: left, right */
    FILTER_COLUMN,   /* path */
    FILTER_LITERAL,  /* literal */
    FILTER_PARAM,    /* name, without $ */
    FILTER_ARITH,    /* op; args: left, right */
    FILTER_NEGATE,   /* args: 1 */
    FILTER_CALL,     /* name; args */
    FILTER_CAST,     /* name = type as written, upper case; args: 1 */
    FILTER_TRY_CAST, /* the same */
    FILTER_SUBSCRIPT /* args: value, index */
};

enum filter_op {
    FILTER_OP_NONE,
    FILTER_OP_EQ,
    FILTER_OP_NE,
    FILTER_OP_LT,
    FILTER_OP_LE,
    FILTER_OP_GT,
    FILTER_OP_GE,
    FILTER_OP_LIKE,
    FILTER_OP_ILIKE,
    FILTER_OP_ADD,
    FILTER_OP_SUB,
    FILTER_OP_MUL,
    FILTER_OP_DIV,
    FILTER_OP_INT_DIV,
    FILTER_OP_MOD,
    FILTER_OP_CONCAT
};

enum filter_literal_kind {
    FILTER_NULL,
    FILTER_BOOL,    /* text: "TRUE" or "FALSE" */
    FILTER_INTEGER, /* text: digits */
    FILTER_NUMBER,  /* text: with point or exponent, as written */
    FILTER_STRING,  /* text: the value, quotes removed */
    FILTER_DATE,    /* text: as in the quotes, form checked; the next three too */
    FILTER_TIME,
    FILTER_TIMESTAMP,
    FILTER_TIMESTAMPTZ,
    FILTER_INTERVAL
};

struct filter_literal {
    enum filter_literal_kind kind;
    struct str text;
};

struct filter_expr {
    enum filter_kind kind;
    enum filter_op op;
    bool negated;
    struct filter_literal literal;
    struct str name;
    struct str *path; /* column: its name, then the names of fields inside it */
    size_t n_path;
    struct filter_expr **args;
    size_t n_args;
    size_t offset; /* where it begins in the text, and how long it is: bytes */
    size_t length;
    unsigned depth; /* levels below and including it, at most FILTER_TREE_MAX: recursion is safe */
};

/* A column or parameter and its first place in the text. */
struct filter_name {
    struct str name;
    struct str field; /* of a column: the name behind the dot; empty if there is none */
    size_t offset;
};

struct filter {
    struct str text; /* as given */
    struct filter_expr *root;
    struct filter_name *columns; /* distinct top-level columns, in order of first use */
    size_t n_columns;
    struct filter_name *params; /* distinct */
    size_t n_params;
};

/* Whether it is a literal of that kind. */
bool filter_is_literal(const struct filter_expr *expr, enum filter_literal_kind kind);

/* Parses `text` (copied). CORRIE_E_PROJECT with message, hint and a position in `text` (file
 * unset, line and column within the text); CORRIE_E_LIMIT past CORRIE_MAX_FILTER bytes or
 * CORRIE_MAX_FILTER_DEPTH levels. */
int filter_parse(struct str text, struct arena *arena, struct filter **ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Whether every column is among `names` (exact bytes); CORRIE_E_PROJECT with position and nearest
 * names else. */
int filter_check_columns(const struct filter *filter, const struct str *names, size_t n_names,
                         corrie_error *err) CORRIE_MUST_USE;

enum filter_param_state {
    FILTER_PARAM_GIVEN,
    FILTER_PARAM_NONE, /* it has no value */
    FILTER_PARAM_LATER /* it will have one: it stays as it is */
};

struct filter_param {
    struct str name;
    struct filter_literal value; /* of a given one */
    enum filter_param_state state;
};

/* A copy with every $param replaced by its value. A condition over one without value would quietly
 * hold for no row: it is CORRIE_E_PROJECT with position, unless the filter asks somewhere whether
 * the parameter IS NULL, or the parameter stands where NULL means something: in coalesce, ifnull,
 * IS and IS DISTINCT FROM. What then is known to be TRUE, FALSE or NULL is left out. */
int filter_bind(const struct filter *filter, const struct filter_param *params, size_t n_params,
                struct arena *arena, struct filter **ret, corrie_error *err) CORRIE_MUST_USE;

/* Canonical SQL: keywords in capitals, every column quoted, = <> spelt one way, parentheses where
 * precedence needs them and nowhere else. Two filters that differ in spelling only print alike;
 * parsing what was printed gives the same tree. $params print as $name. */
void filter_print(const struct filter_expr *expr, struct buf *out);
/* The innermost part of `root` of which byte `offset` of what filter_print makes is: whose place in the text as it was
 * given is known. Never NULL. */
const struct filter_expr *filter_printed_at(const struct filter_expr *root, size_t offset);

#endif
