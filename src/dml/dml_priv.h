/* dml_priv.h — statements at work: shared inside the room. */
#ifndef CORRIE_DML_PRIV_H
#define CORRIE_DML_PRIV_H

#include <corrie/sql.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "engine/engine.h"
#include "lake/lake.h"
#include "lake/rewrite.h"
#include "lake/tx.h"
#include "lang/partition.h"
#include "lang/statement.h"

/* What DuckDB calls our own tables: no namespace of a lake has a dot. */
#define DML_SPACE "corrie.sql"
#define DML_TARGET "\"" DML_SPACE "\".\"target\""     /* files that may hold rows to change */
#define DML_REWRITE "\"" DML_SPACE "\".\"rewritten\"" /* those that do */
#define DML_CHANGES "\"" DML_SPACE "\".\"changes\""   /* merge.c */
#define DML_SOURCE "\"" DML_SPACE "\".\"source\""     /* keys.c */
#define DML_FILE "\"" ENGINE_FILE_COLUMN "\""
#define DML_ROW "\"" ENGINE_ROW_COLUMN "\""

struct job;

/* What a statement did. */
struct dml_report {
    struct str ns; /* of the table, or what is made or dropped; empty: none */
    struct str name;
    int64_t inserted;
    int64_t updated;
    int64_t deleted;
    int64_t files_added;
    int64_t files_removed;
    int64_t files_dropped; /* of those: all of their rows went */
    int64_t files_read;    /* looked at */
    int64_t files_pruned;
    const char *note; /* static text; NULL: none */
};

/* A table that the statement reads. */
struct dml_table {
    struct lake_table table;
    struct str called; /* the namespace by which the statement means it */
    struct table_metadata *metadata;
};

/* A table whose columns the statement may name by its namespace too; without a name: none. */
struct dml_called {
    struct str ns;
    struct str name;
};

struct dml {
    struct lake *lake;
    const corrie_sql_options *options;
    const char *file; /* what the text is called, or NULL */
    struct str source;
    struct str ns; /* of unqualified names */
    struct lake_workspace work;
    struct job *job;    /* NULL: the script is none */
    struct lake_tx *tx; /* NULL: none is open */
    unsigned scratch;   /* files that were made in the workspace */

    /* Of the statement under way. */
    struct arena arena;
    struct statement statement;
    struct dml_called called[2]; /* the table that changes, and a source */
    size_t index;                /* in the script */
    struct dml_report report;
    VEC(struct dml_table) tables;
};

static inline struct engine *dml_engine(const struct dml *dml)
{
    return dml->work.engine;
}

/* What the statement calls a row of the table that it changes. */
static inline const struct sql_name *dml_row(const struct dml *dml)
{
    const struct sql_table *table = &dml->statement.table;

    return table->alias.text.len > 0 ? &table->alias : &table->name;
}

static inline struct str dml_row_name(const struct dml *dml)
{
    return dml_row(dml)->text;
}

/* Puts the place of a name into the error. Returns its code. */
int dml_at(const struct dml *dml, const struct sql_name *name, corrie_error *err);

/* ---- lease.c ---- */

/* Whether a statement reads rows to write them: a script with such a one is a job. */
bool dml_moves_rows(const struct statement *statement);
/* Begins the job; *ret_base is the commit that its first transaction is to start from. */
int dml_lease_begin(struct dml *dml, struct str branch, struct hash *ret_base, corrie_error *err)
    CORRIE_MUST_USE;
/* Ends it, if there is one: `commit` (NULL: none) was its last, `failure` NULL if it went well. */
void dml_lease_end(struct dml *dml, const struct hash *commit, corrie_error *failure);

/* ---- compose.c: SQL made of our text and pieces of the person's, which keep their places ---- */

struct compose {
    struct buf text;
    VEC(struct compose_piece {
        size_t at; /* in `text` */
        size_t length;
        size_t from; /* in the source */
    })
    pieces;
};
void compose_done(struct compose *compose);
void compose_text(struct compose *compose, const char *text);
void compose_format(struct compose *compose, const char *format, ...) CORRIE_PRINTF(2, 3);
void compose_name(struct compose *compose, struct str name);
/* Looks how the statement calls its tables: before the first piece of it. */
void compose_begin(struct dml *dml);
/* A slice of the source, or other text. */
void compose_piece(struct compose *compose, const struct dml *dml, struct str piece);
/* The statement's WITH, if it has one, and a space. */
void compose_with(struct compose *compose, const struct dml *dml);
int compose_check(const struct compose *compose, corrie_error *err) CORRIE_MUST_USE;
/* Gives an error about the text the place in the source; none if it is about text of ours. Returns its code. */
int compose_place(const struct compose *compose, const struct dml *dml, corrie_error *err);

/* ---- tables.c ---- */

/* Splits a table's name: `ret_ns` is the default namespace where none was written. */
struct str dml_namespace(const struct dml *dml, const struct sql_table *table);
/* Opens the table that the statement changes, in the arena. Errors have its place. */
int dml_open_target(struct dml *dml, struct lake_target *ret, corrie_error *err) CORRIE_MUST_USE;
/* Finds the tables that a text names, as the transaction has them; for a statement that makes `target` of them (NULL: a
 * query, which defines them itself) defines them and notes that they were read. The text must be one query. *ret_volatile
 * (may be NULL): it calls random() or the like. */
int dml_read_tables(struct dml *dml, const struct compose *sql, const struct sql_table *target,
                    bool *ret_volatile, corrie_error *err) CORRIE_MUST_USE;
/* Binds a text: tables that were read, and with `target` DML_TARGET. */
int dml_bind(struct dml *dml, const struct compose *sql, const struct lake_target *target,
             struct engine_binding *ret, corrie_error *err) CORRIE_MUST_USE;
/* The columns that a text gives over the tables that were read: what binding costs without asking which files count. */
int dml_columns(struct dml *dml, const struct compose *sql, struct schema *ret, corrie_error *err)
    CORRIE_MUST_USE;
struct dml_keys;
/* The binding's scans of DML_TARGET, with what a source says of the rows that count (`keys` may be NULL). */
int dml_target_scans(struct dml *dml, const struct engine_binding *binding,
                     const struct dml_keys *keys, struct engine_scan **ret, size_t *ret_n,
                     corrie_error *err) CORRIE_MUST_USE;
/* The files that may hold rows for which the filters of those scans are true: target->scan. */
int dml_find_candidates(struct dml *dml, struct lake_target *target,
                        const struct engine_binding *binding, const struct dml_keys *keys,
                        corrie_error *err) CORRIE_MUST_USE;
/* And they become DML_TARGET. */
int dml_define_candidates(struct dml *dml, struct lake_target *target,
                          const struct engine_binding *binding, const struct dml_keys *keys,
                          corrie_error *err) CORRIE_MUST_USE;
/* Rows of whole numbers, nulls as -1. */
struct dml_numbers {
    int64_t *values; /* in the arena */
    size_t rows;
};
int dml_numbers(struct dml *dml, const struct compose *sql, size_t columns, struct dml_numbers *ret,
                corrie_error *err) CORRIE_MUST_USE;

/* Rows of texts, nulls without data. */
struct dml_texts {
    struct str *items; /* in the arena */
    size_t rows;
};
int dml_texts(struct dml *dml, const struct compose *sql, size_t columns, struct dml_texts *ret,
              corrie_error *err) CORRIE_MUST_USE;

/* ---- keys.c ---- */

/* A join that keeps only rows of the table for which the condition is true. */
struct dml_join {
    struct str row;               /* aliases: of the table's rows */
    struct str source;            /* of the source's; empty: it has none, or several */
    struct str condition;         /* piece; may be empty */
    const struct schema *columns; /* of the source, if they are known */
    const struct sql_name *using_columns;
    size_t n_using;
    void (*add_source)(struct compose *sql, const void *arg); /* what stands behind FROM */
    const void *arg;
};
struct dml_keys {
    struct engine_scan_filter *filters; /* true of the rows that count; in the arena */
    size_t n_filters;
    bool none; /* no row counts */
};
/* What the rows of the source say of the table's. 1: they are kept as DML_SOURCE, which the join must read in their place;
 * 0: nothing is known, nothing was done. */
int dml_find_keys(struct dml *dml, const struct lake_target *target, const struct dml_join *join,
                  struct dml_keys *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- columns.c ---- */

/* Whether the byte at `at` is one of a word without quotes. */
bool dml_in_word(struct str text, size_t at);
/* A column by its name: as it is written, else the only one that differs in case alone. Errors have its place. */
int dml_find_column(const struct dml *dml, const struct schema *schema, const struct sql_name *name,
                    size_t *ret, corrie_error *err) CORRIE_MUST_USE;

/* The column by which a partition term groups rows, whose type has that transform; `text` is the piece in which the term
 * stands. Errors have the term's place. */
int dml_find_source(const struct dml *dml, const struct schema *schema,
                    const struct partition_by_term *term, struct str text, const struct field **ret,
                    corrie_error *err) CORRIE_MUST_USE;

/* A value for a column, or for a field inside one. */
struct dml_set {
    const size_t *path; /* indexes of fields, from the top */
    size_t n_path;
    struct str value; /* SQL: a piece, or text of ours */
};
struct dml_sets {
    const struct dml_set *items;
    size_t count;
};
int dml_resolve_sets(struct dml *dml, const struct schema *schema, const struct sql_set *sets,
                     size_t n_sets, struct dml_sets *ret, corrie_error *err) CORRIE_MUST_USE;
bool dml_sets_column(const struct dml_sets *sets, size_t column);
/* SQL for what the column becomes, of its type; `alias` is what its row is called. */
void dml_add_assigned(struct compose *sql, const struct dml *dml, const struct schema *schema,
                      size_t column, const struct dml_sets *sets, struct str alias);
/* What stands behind FROM for the rows of a table of ours, DML_TARGET or DML_REWRITE, as the statement calls them. The
 * name alone is a row as a value, without our columns; `hidden` (may be NULL): other columns, of which one may be called
 * so, and then that is meant. */
void dml_add_rows(struct compose *sql, const struct dml *dml, const struct schema *schema,
                  const struct schema *hidden, const char *table);
/* Whether the statement may take that alias for a row as one value. */
bool dml_takes_row(const struct dml *dml, const struct sql_name *alias);
/* Whether no column is called so, in whatever case: then the name may stand for a row. */
bool dml_is_no_column(const struct schema *schema, struct str name);
/* The conditions and values of a clause, each as ", (…) IS NULL". */
void dml_add_clause(struct compose *sql, const struct dml *dml,
                    const struct sql_merge_clause *clause);
/* Refuses conditions and values with *, COLUMNS (…) or #1, which would mean our columns too, window functions, and
 * functions that make several rows of one. */
int dml_check_pieces(struct dml *dml, corrie_error *err) CORRIE_MUST_USE;
/* CAST((value) AS type) */
void dml_add_cast(struct compose *sql, const struct dml *dml, struct str value,
                  const struct type *type);

/* ---- files that go ---- */

/* Which files of the target hold rows that change, and how many. */
struct dml_hits {
    int64_t *rows; /* parallel to the scan's files */
    size_t *removed;
    size_t n_removed;
    size_t *rewritten; /* of those, the ones that keep rows */
    size_t n_rewritten;
    int64_t total;
};
/* `goes`: all rows that were hit go, so that files where all are need not be read again. */
int dml_take_hits(struct dml *dml, const struct lake_target *target,
                  const struct dml_numbers *numbers, bool goes, struct dml_hits *ret,
                  corrie_error *err) CORRIE_MUST_USE;
/* whole.c: of the target's scan, the files of which a DELETE by the statement's condition surely takes all rows. */
int dml_find_whole(struct dml *dml, const struct lake_target *target, struct str alias, bool **ret,
                   corrie_error *err) CORRIE_MUST_USE;
/* *err becomes *failed, which was got by trying one value: for the column, at the value's place if it was written. */
int dml_blame(const struct dml *dml, const struct field *column, struct str value,
              corrie_error *failed, corrie_error *err);
/* Rewrites: `selects` read DML_REWRITE, which is defined here. */
int dml_rewrite(struct dml *dml, const struct lake_target *target, const struct dml_hits *hits,
                const struct str *selects, size_t n_selects, corrie_error *err) CORRIE_MUST_USE;

/* ---- the statements: fill dml->report ---- */

int dml_insert(struct dml *dml, corrie_error *err) CORRIE_MUST_USE; /* insert.c */
int dml_change(struct dml *dml, corrie_error *err) CORRIE_MUST_USE; /* change.c: DELETE, UPDATE */
int dml_merge(struct dml *dml, corrie_error *err) CORRIE_MUST_USE;  /* merge.c */
int dml_create(struct dml *dml, corrie_error *err) CORRIE_MUST_USE; /* create.c */
int dml_drop(struct dml *dml, corrie_error *err) CORRIE_MUST_USE;   /* create.c */
int dml_namespaces(struct dml *dml, corrie_error *err) CORRIE_MUST_USE; /* create.c */
int dml_alter(struct dml *dml, corrie_error *err) CORRIE_MUST_USE;      /* alter.c */
int dml_query(struct dml *dml, corrie_error *err) CORRIE_MUST_USE;      /* query.c */
/* DELETE and UPDATE whose rows are found by a join, or by what differs from call to call: each row is looked at once. */
int dml_change_joined(struct dml *dml, corrie_error *err) CORRIE_MUST_USE; /* merge.c */

#endif
