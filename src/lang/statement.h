/* statement.h — the shells of statements that change a lake, and where one statement of a script ends.
 *
 * Only shells are understood here: which table, which columns, which clauses. Expressions, conditions and SELECTs
 * stay text, found by brackets, quotes and the keyword that ends them; DuckDB says what they mean. So whatever DuckDB
 * can compute can stand in a statement, and a mistake in it is DuckDB's to report, at its place in the person's text.
 *
 * Every `struct str` below that is called a piece is a slice of the source, without white space around it: its offset
 * is piece.data - source.data (statement_offset), and it may hold comments. Names are unquoted ("a""b" is a"b), in the
 * arena, and know their place. Keywords may be in any case. Nothing is ever folded.
 *
 * What ends a statement is ';' outside of quotes ('…', E'…', "…", $tag$…$tag$), comments and brackets. */
#ifndef CORRIE_LANG_STATEMENT_H
#define CORRIE_LANG_STATEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum statement_kind {
    STATEMENT_QUERY, /* SELECT, FROM, VALUES, WITH, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN, …: gives rows */
    STATEMENT_INSERT,
    STATEMENT_DELETE, /* TRUNCATE is one without a condition */
    STATEMENT_UPDATE,
    STATEMENT_MERGE,
    STATEMENT_CREATE_TABLE,
    STATEMENT_ALTER_TABLE,
    STATEMENT_DROP_TABLE,
    STATEMENT_CREATE_NAMESPACE,
    STATEMENT_DROP_NAMESPACE,
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK
};

struct sql_name {
    struct str text; /* unquoted; empty: not given */
    size_t offset;   /* in the source, and how many bytes it takes there */
    size_t length;
};

struct sql_table {
    struct sql_name ns; /* empty: not given */
    struct sql_name name;
    struct sql_name alias; /* empty: not given */
};

/* A column, or a field inside one: a.b.c. */
struct sql_path {
    struct sql_name *parts;
    size_t n_parts;
};

/* SET path = value */
struct sql_set {
    struct sql_path path;
    struct str value; /* piece: an expression */
};

enum sql_when { WHEN_MATCHED, WHEN_NOT_MATCHED, WHEN_NOT_MATCHED_BY_SOURCE };
enum sql_then {
    THEN_UPDATE,     /* sets */
    THEN_UPDATE_ALL, /* SET *: every column from the source's of the same name, or place */
    THEN_DELETE,
    THEN_INSERT,     /* columns (none: all) and values */
    THEN_INSERT_ALL, /* INSERT * */
    THEN_NOTHING
};

struct sql_merge_clause {
    enum sql_when when;
    enum sql_then action;
    struct str condition; /* piece; empty: none */
    struct sql_set *sets;
    size_t n_sets;
    struct sql_name *columns;
    size_t n_columns;
    struct str *values; /* pieces, as many as columns where columns are given */
    size_t n_values;
    bool by_position; /* *_ALL: the source's columns in their order, not by name */
    size_t offset;    /* of WHEN */
};

struct sql_column {
    struct sql_name name;
    struct str type; /* piece */
    bool required;
    bool has_comment;
    struct str comment; /* unquoted, in the arena */
};

struct sql_property { /* both unquoted, in the arena */
    struct str key;
    struct str value;
};

enum alter_action {
    ALTER_ADD_COLUMN, /* path, column (its name: the last part), place, if_exists = IF NOT EXISTS */
    ALTER_DROP_COLUMN,       /* path, if_exists */
    ALTER_RENAME_COLUMN,     /* path, name = the new name */
    ALTER_RENAME_TABLE,      /* ns (may be empty), name */
    ALTER_TYPE,              /* path, text = the type */
    ALTER_DROP_NOT_NULL,     /* path */
    ALTER_SET_NOT_NULL,      /* path */
    ALTER_MOVE,              /* path, place */
    ALTER_COMMENT,           /* path, value */
    ALTER_SET_PROPERTY,      /* key, value: one an action */
    ALTER_UNSET_PROPERTY,    /* key, if_exists */
    ALTER_ADD_PARTITION,     /* text = the term, name (may be empty) */
    ALTER_DROP_PARTITION,    /* text = the term or the field's name */
    ALTER_REPLACE_PARTITION, /* text = the old term, with = the new one, name (may be empty) */
    ALTER_SET_PARTITIONS,    /* SET PARTITIONED BY (text); text empty: not partitioned */
    ALTER_SET_ORDER          /* WRITE ORDERED BY orders; none: WRITE UNORDERED */
};

struct sql_order {
    struct str term; /* piece: a column or transform */
    bool descending;
    bool nulls_last;
};

struct sql_place {
    enum { SQL_LAST, SQL_FIRST, SQL_AFTER } kind;
    struct sql_path after;
};

struct sql_alter {
    enum alter_action action;
    size_t offset; /* where the action begins */
    bool if_exists;
    struct sql_path path;
    struct sql_column column;
    struct sql_name ns;
    struct sql_name name;
    struct str text; /* pieces */
    struct str with;
    struct str key; /* unquoted, in the arena */
    struct str value;
    struct sql_place place;
    const struct sql_order *orders;
    size_t n_orders;
};

struct statement {
    enum statement_kind kind;
    struct str text; /* piece: the whole statement, without its ';' */
    struct str
        with; /* piece: "WITH a AS (…), …" before INSERT, DELETE, UPDATE, MERGE; empty: none */
    struct sql_table table;
    bool if_exists;           /* DROP, CREATE NAMESPACE (IF NOT EXISTS) */
    bool if_not_exists;       /* CREATE */
    bool or_replace;          /* CREATE */
    bool overwrite;           /* INSERT OVERWRITE: what is there goes */
    bool by_name;             /* INSERT … BY NAME */
    struct sql_name *columns; /* INSERT (…) */
    size_t n_columns;
    struct str query; /* piece: INSERT, CREATE TABLE AS; empty: none */
    struct str
        source; /* piece: DELETE USING, UPDATE FROM: all of it. MERGE USING: without its alias */
    struct sql_name
        source_alias; /* how rows of the source are called; USING, FROM: empty if it has several tables */
    struct sql_name
        source_ns; /* of a table that is called by its own name; empty: not given, or none */
    struct sql_name *source_columns; /* of the alias: (VALUES …) AS s(a, b) */
    size_t n_source_columns;
    struct str condition;           /* piece: WHERE, or ON of MERGE; empty: none */
    struct sql_name *using_columns; /* MERGE … USING s USING (a, b): instead of a condition */
    size_t n_using_columns;
    struct sql_set *sets; /* UPDATE */
    size_t n_sets;
    struct sql_merge_clause *clauses; /* MERGE, in order */
    size_t n_clauses;
    struct sql_column *definitions; /* CREATE TABLE (…) */
    size_t n_definitions;
    struct str partitioned_by;       /* piece: what the brackets hold; empty: none */
    struct sql_property *properties; /* CREATE TABLE … TBLPROPERTIES (…) */
    size_t n_properties;
    struct sql_alter *alters;
    size_t n_alters;
};

/* Takes the next statement of a script off `rest`, a slice at the end of `source` (at first all of it): 1 and *ret_text, a
 * piece, or 0 when only white space, comments and ';' were left. CORRIE_E_PROJECT with its place (`file` as in
 * corrie_error_at) for quotes, comments and brackets that are not closed and bytes that are no UTF-8; CORRIE_E_LIMIT for
 * brackets nested too deep. */
int statement_next(const char *file, struct str source, struct str *rest, struct str *ret_text,
                   corrie_error *err) CORRIE_MUST_USE;
/* Whether `text` is whole, for who reads it line by line: it ends in ';' outside of quotes, comments and brackets (or is
 * blank). Text that can never become whole is. */
bool statement_is_whole(struct str text);

/* Parses one statement, a slice of `source`. Everything lies in `arena` or is borrowed from `source`. CORRIE_E_PROJECT with
 * the place and what was expected; for what is no statement of these, what there is instead. */
int statement_parse(const char *file, struct str source, struct str text, struct arena *arena,
                    struct statement *ret, corrie_error *err) CORRIE_MUST_USE;

/* Finds "ns.table." in a text, where a column is named so: what of it says the namespace is text[*ret_offset, + *ret_length). */
bool statement_find_qualified(struct str text, struct str ns, struct str table, size_t *ret_offset,
                              size_t *ret_length);
/* Whether a text has the name of a table again, not as one of ns and not before a dot: then something else may be called so,
 * or a row is meant as a value. `declared` is the place of the name where the statement means the table itself. */
bool statement_hides(struct str text, struct str ns, struct str table, size_t declared);

/* "insert", "merge", "create table", … as documents name it. */
const char *statement_kind_name(enum statement_kind kind);
static inline size_t statement_offset(struct str source, struct str piece)
{
    return (size_t)(piece.data - source.data);
}

#endif
