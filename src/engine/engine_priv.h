/* engine_priv.h — shared inside the room. */
#ifndef CORRIE_ENGINE_ENGINE_PRIV_H
#define CORRIE_ENGINE_ENGINE_PRIV_H

#include <jansson.h>
#include <pthread.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/duck.h"
#include "engine/engine.h"

/* Schema of tables without a namespace: first in every search path. */
#define NAMELESS "corrie_tables"

/* ---- connections and cancelling (open.c) ---- */

struct session {
    const struct duck *d;
    duckdb_connection con;
    struct engine *spare_of; /* a locked engine takes it back when it is closed; NULL: disconnect */
    struct session *next;    /* in engine->working */
};

/* Connections that a locked engine set up before its configuration was locked. */
#define SPARE_SESSIONS 4

/* A table that engine_define_* made. */
struct defined {
    struct str name_space;
    struct str name;
    struct schema schema;
    struct arena arena;
    struct arrow_input *arrow; /* NULL for files */
    struct str *files;         /* paths of the Parquet files */
    size_t n_files;
    bool kept; /* a table of DuckDB's with rows, no view (keep.c) */
};

struct engine {
    const struct duck *d;
    duckdb_database db;
    struct session session; /* for our own statements */
    struct arena arena;     /* options */
    struct str name_space;
    struct str temp_dir;
    bool locked;
    unsigned threads; /* 0 = DuckDB decides */
    uint64_t memory;  /* bytes that were asked for; 0 = nothing was said */
    const struct cancel *cancel;
    VEC(struct defined *) tables;
    struct arrow_registry *registry;   /* arrow_in.c */
    struct delete_registry *deletes;   /* deletes.c; NULL until the first table with deletes */
    struct planner *planner;           /* stubs.h; NULL until the first bind of its kind */
    struct planner *keeper;            /* the same, where stubs stay */
    duckdb_prepared_statement to_tree; /* tree.c, over `session`; NULL until the first inspection */
    struct partitioner *partitioner;   /* partition.c; NULL unless a write is under way */
    bool has_partition_function;
    bool has_exact_functions; /* exact.c */
    uint64_t json_record;     /* maximum_object_size of JSON files that SQL names; 0 = DuckDB's */
    unsigned serial;          /* for names of ours */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;
    pthread_t watcher;
    bool watching;
    bool closing;
    struct session *working;
    duckdb_connection spares[SPARE_SESSIONS];
    size_t n_spares;
};

/* How many threads DuckDB has, or more: where it decides, one a core. */
unsigned engine_threads(const struct engine *engine);
int session_open(struct engine *engine, struct session *ret, corrie_error *err) CORRIE_MUST_USE;
void session_close(struct session *session);
/* Between begin and end the session's statement is interrupted when the cancel flag is set. */
int session_begin(struct engine *engine, struct session *session, corrie_error *err)
    CORRIE_MUST_USE;
void session_end(struct engine *engine, struct session *session);

struct defined *engine_find(const struct engine *engine, struct str name_space, struct str name);
/* Registers what a definition made, replacing an earlier one; takes `defined`. */
int engine_add(struct engine *engine, struct defined *defined, corrie_error *err) CORRIE_MUST_USE;
/* Forgets what was defined under a name; no stream may read it any more. */
void engine_remove(struct engine *engine, struct str name_space, struct str name);
struct defined *defined_free(struct defined *defined);

/* ---- errors (error.c) ---- */

/* Where a statement came from, so that an error can point there. Zeroed: a statement of ours. */
struct origin {
    struct str sql;        /* the user's text; empty: none */
    const char *file;      /* NULL: "SQL" */
    size_t prefix;         /* bytes of ours before it in what DuckDB saw */
    struct engine *engine; /* defined tables, for hints; may be NULL */
    const struct engine_bind_table *tables;
    size_t n_tables;
    bool data; /* errors of values are the data's (CORRIE_E_DATA), not the query's */
};

/* What our table function tells DuckDB when memory runs out; duck_fail knows it again. */
#define DUCK_NO_MEMORY "memory ran out"

/* Makes an error of ours from DuckDB's text (with errors_as_json). Returns its code. */
int duck_fail(const char *message, const struct origin *origin, corrie_error *err);
/* The error is about a file of a defined table: what was stored is not there or not what it was (CORRIE_E_CORRUPT),
 * whatever the same fault would be in a file of a person's. Returns the error's code. */
int duck_fail_stored(corrie_error *err);
/* A file that was taken for Parquet and is none, or is encrypted: CORRIE_E_DATA. */
int fail_not_parquet(struct str path, bool encrypted, corrie_error *err);
/* A position in the user's SQL. `offset` counts in the user's text. Returns the error's code. */
int origin_at(const struct origin *origin, size_t offset, size_t width, corrie_error *err);
/* "did you mean" over what `origin` knows. */
void origin_hint_tables(const struct origin *origin, struct str name, corrie_error *err);
void origin_hint_columns(const struct origin *origin, struct str name, corrie_error *err);

/* ---- small results (result.c) ---- */

struct rows {
    struct session *session;
    struct engine *engine;
    duckdb_result result;
    duckdb_data_chunk chunk;
    idx_t at;   /* row in chunk */
    idx_t size; /* rows in chunk */
    bool open;
};

/* Runs one statement to its end. */
int engine_run(struct engine *engine, struct session *session, const char *sql,
               const struct origin *origin, corrie_error *err) CORRIE_MUST_USE;
/* Runs one statement and keeps its rows; rows_done frees. */
int rows_open(struct engine *engine, struct session *session, const char *sql,
              const struct origin *origin, struct rows *ret, corrie_error *err) CORRIE_MUST_USE;
/* Runs one statement and calls `each` for every chunk of its rows, as they come: they are not kept. `each` returns a
 * negative code to end it. */
int rows_each_chunk(struct engine *engine, struct session *session, const char *sql,
                    const struct origin *origin,
                    int (*each)(void *arg, duckdb_data_chunk chunk, corrie_error *err), void *arg,
                    corrie_error *err) CORRIE_MUST_USE;
/* The same of a prepared statement with values for its parameters. */
int rows_open_prepared(struct engine *engine, struct session *session,
                       duckdb_prepared_statement prepared, struct rows *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Next row: false at the end. Values are valid until the next call. */
bool rows_next(struct rows *rows);
/* Value of a VARCHAR column; false if null. */
bool rows_text(const struct rows *rows, idx_t column, struct str *ret);
/* Value of a BIGINT column; false if null. */
bool rows_int(const struct rows *rows, idx_t column, int64_t *ret);
void rows_done(struct rows *rows);
static inline bool valid_at(const uint64_t *validity, idx_t row)
{
    return !validity || (validity[row / 64] >> (row % 64) & 1);
}

/* A text of a vector, borrowed from it. */
static inline struct str duck_text(const duckdb_string_t *text)
{
    uint32_t len = text->value.inlined.length;

    return str_make(len <= 12 ? text->value.inlined.inlined : text->value.pointer.ptr, len);
}

/* Characters of a value that a message shows. */
#define SHOWN 100
/* Of a time that is finer than a table's. */
#define NANOS_MESSAGE " has nanoseconds, and a table holds microseconds: "

/* ---- DuckDB's trees (tree.c) ---- */

/* JSON as DuckDB writes it; integers past 2^63 come back as strings of their digits. */
int tree_parse(struct str text, json_t **ret, corrie_error *err) CORRIE_MUST_USE;
/* The syntax tree of a text; {"error": true, …} if it is none of a SELECT. */
int tree_of_sql(struct engine *engine, struct str sql, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The plan of a SELECT, over the session's tables; not optimised it is as the binder leaves it. *prepared is the caller's,
 * one for each session and way: NULL at first, to be destroyed before the session is closed. */
int tree_of_plan(struct engine *engine, struct session *session,
                 duckdb_prepared_statement *prepared, struct str sql, bool optimised, json_t **ret,
                 corrie_error *err) CORRIE_MUST_USE;
/* A string member, or empty. */
struct str tree_text(const json_t *node, const char *name);

/* ---- statements (inspect.c) ---- */

/* Parses `sql` as one SELECT and checks it against the engine's rules. Without arena nothing is
 * returned but the verdict. */
int statement_check(struct engine *engine, const struct origin *origin, struct arena *arena,
                    struct engine_statement *ret, corrie_error *err) CORRIE_MUST_USE;
/* On a locked engine every table that the text names must be one that was defined. */
int statement_resolve(struct engine *engine, const struct origin *origin,
                      const struct engine_statement *statement, corrie_error *err) CORRIE_MUST_USE;
/* Both. */
int statement_admit(struct engine *engine, const struct origin *origin, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- others ---- */

/* "ns"."name"; nameless tables: "corrie_tables"."name" (scan.c). */
void add_table_name(struct buf *out, struct str name_space, struct str name);
/* CREATE SCHEMA IF NOT EXISTS "ns": where they are. */
void add_schema(struct buf *out, struct str name_space);
/* A path as an SQL string that read_* functions take literally (scan.c). */
void add_path(struct buf *out, struct str path);
struct delete_registry *delete_registry_free(struct delete_registry *registry);
struct planner *planner_close(struct planner *planner);
struct arrow_registry *arrow_registry_free(struct arrow_registry *registry);
/* Before the database is closed; arrow_registry_free after it. */
void arrow_registry_disconnect(struct arrow_registry *registry);
void arrow_input_release(struct engine *engine, struct arrow_input *input);

#endif
