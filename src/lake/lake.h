/* lake.h — refs, transactions and tables at a ref: the only room that knows both the catalog and Iceberg.
 *
 * A lake is opened once (open.c) and read through views: a view pins one commit, so everything read through
 * it belongs together. Changes are gathered in a transaction (tx.h) and become one commit, or nothing.
 *
 * Invariants
 *   1. A view never changes; refs move under it without it noticing.
 *   2. The catalog names a file only after that file and its directory are durable.
 *   3. Locations in catalog documents are relative to the root; in Iceberg files they are absolute.
 *
 * Functions of the public interface (<corrie/lake.h>) are thin shells over this header: api_*.c. */
#ifndef CORRIE_LAKE_LAKE_H
#define CORRIE_LAKE_LAKE_H

#include <corrie/lake.h>

#include "arrow/type.h"
#include "base/arena.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/uuid.h"
#include "iceberg/metadata.h"
#include "iceberg/scan.h"
#include "lang/name.h"
#include "os/dir.h"

struct catalog;
struct engine;
struct engine_options;
struct lake;
struct store;

#define LAKE_FORMAT 1
#define LAKE_MAIN "main"

/* ---- the open lake: what other rooms need of it ---------------------------------------------------- */

struct catalog *lake_catalog(struct lake *lake);
struct store *lake_store(struct lake *lake);
const struct table_io *lake_io(const struct lake *lake);
/* Absolute path of the root directory, no slash at the end. */
struct str lake_root(const struct lake *lake);
const struct uuid *lake_id(const struct lake *lake);
/* Who commits: "ada". */
struct str lake_user(const struct lake *lake);
const struct cancel *lake_cancel(const struct lake *lake);
/* The handle's own part of it, for job_begin: set when somebody stops the job, taken back when the job is over. */
struct cancel *lake_job_cancel(struct lake *lake);
/* Tells the caller of the public interface something worth knowing. */
void lake_event(struct lake *lake, const corrie_event *event);
void lake_notice(struct lake *lake, const char *format, ...) CORRIE_PRINTF(2, 3);

/* ---- refs ------------------------------------------------------------------------------------------- */

/* The branch that commands mean when they name none: $CORRIE_REF, else what is checked out, else main. In
 * `arena`. */
int lake_head(struct lake *lake, struct arena *arena, struct str *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The namespace of tables that are named without one: the caller's, or where none is given (NULL, empty) "public". */
static inline struct str lake_default_namespace(const char *given)
{
    return given && *given ? str_of(given) : STR("public");
}
/* Whether the text of a ref means what is checked out: it is empty, or HEAD, which no ref is called. */
static inline bool lake_means_head(struct str ref)
{
    return ref.len == 0 || str_eq(ref, STR("HEAD"));
}
/* What is checked out, in `arena`, takes the place of a text that means it; another text stays. */
int lake_name_head(struct lake *lake, struct arena *arena, struct str *ref, corrie_error *err)
    CORRIE_MUST_USE;
/* The commit that a ref expression names; empty text = HEAD = lake_head. CORRIE_E_NOT_FOUND with the nearest names. */
int lake_resolve(struct lake *lake, struct str ref, struct hash *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The name of a branch that exists (empty text = HEAD = lake_head), in `arena`. CORRIE_E_USAGE if the text is an
 * expression that names no branch, CORRIE_E_NOT_FOUND with the nearest. */
int lake_branch(struct lake *lake, struct str name, struct arena *arena, struct str *ret,
                corrie_error *err) CORRIE_MUST_USE;

/* ---- views ------------------------------------------------------------------------------------------ */

struct lake_view {
    struct lake *lake;
    struct hash commit;
    struct hash tree;
};

int lake_view_at(struct lake *lake, struct str ref, struct lake_view *ret, corrie_error *err)
    CORRIE_MUST_USE;
int lake_view_of(struct lake *lake, const struct hash *commit, struct lake_view *ret,
                 corrie_error *err) CORRIE_MUST_USE;

/* A table as the catalog knows it. Text lies in the arena it was read into. */
struct lake_table {
    struct str ns;
    struct str name;
    struct uuid id;
    struct str location;          /* relative to the root; absolute if not managed */
    struct str metadata_location; /* likewise */
    int64_t snapshot_id;          /* SNAPSHOT_NONE */
    int schema_id;
    int spec_id;
    int64_t records;
    int64_t bytes;
    int64_t files;
    bool managed;
    struct str
        source; /* external, by others' metadata: where that file was (a URI); metadata_location is a copy of it */
    struct str taint; /* the job that failed after writing it (a UUID); empty: none did */
};

/* 1 found, 0 there is none. Cost: one lookup in the tree. */
int lake_table_find(const struct lake_view *view, struct str ns, struct str name,
                    struct arena *arena, struct lake_table *ret, corrie_error *err) CORRIE_MUST_USE;
/* The same, but a missing one is CORRIE_E_NOT_FOUND: the hint names the nearest tables of all namespaces. */
int lake_table_get(const struct lake_view *view, struct str ns, struct str name,
                   struct arena *arena, struct lake_table *ret, corrie_error *err) CORRIE_MUST_USE;
/* A table's name in full: table_name_parse, with lake_default_namespace where it has none. Borrows from both texts. */
int lake_table_name(struct str text, const char *default_namespace, struct table_name *ret,
                    corrie_error *err) CORRIE_MUST_USE;
/* Splits "table" or "ns.table" (lang/name.h); `default_ns` completes the first. */
int lake_table_named(const struct lake_view *view, struct str text, struct str default_ns,
                     struct arena *arena, struct lake_table *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Calls `each` for every table of `ns` (empty = all), by namespace and name. The table is valid during the
 * call. `each` returns 0 to go on, 1 to stop, negative to fail. */
typedef int (*lake_table_fn)(void *arg, const struct lake_table *table, corrie_error *err);
int lake_tables(const struct lake_view *view, struct str ns, lake_table_fn each, void *arg,
                corrie_error *err) CORRIE_MUST_USE;
/* Names of the tables of `ns`, at most `max`, in `arena`; where that is empty, of all tables: "shop.orders". */
int lake_table_names(const struct lake_view *view, struct str ns, size_t max, struct arena *arena,
                     struct str **ret, size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;
/* 1 or 0. */
int lake_has_namespace(const struct lake_view *view, struct str ns, corrie_error *err)
    CORRIE_MUST_USE;
int lake_namespaces(const struct lake_view *view, struct arena *arena, struct str **ret,
                    size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* For an error about the taint of a job: puts the job's own error and the way on into the hint. Returns the code. */
int lake_taint_hint(struct lake *lake, struct str job, corrie_error *err);

/* Says that the table is external, and what can be done instead. CORRIE_E_REFUSED. */
int lake_refuse_external(const struct lake_table *table, corrie_error *err);

/* Whether the table is one of others' metadata, and its files lie where they keep them: not in the lake. */
static inline bool lake_table_is_outside(const struct lake_table *table)
{
    return table->source.len > 0 && str_find_str(table->location, STR("://")) >= 0;
}
/* How the files that `metadata` of the table names are read. Borrows from all three. */
struct table_io lake_table_io(const struct lake *lake, const struct lake_table *table,
                              const struct table_metadata *metadata);
/* The table's Iceberg metadata, from its file, or from memory if it was read or written lately. The caller's:
 * metadata_free. */
int lake_table_metadata(struct lake *lake, const struct lake_table *table,
                        struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;
/* Has all table metadata read from its files from here on: for who wants to know what the files say. */
void lake_forget_metadata(struct lake *lake);
/* Which of the table's files, of deletes too, lie outside of the lake's root (taken in place, external): absolute paths in `arena`. A
 * locked engine reads them only if it was opened with them. Reads the metadata and manifests. */
int lake_table_outside(const struct lake_view *view, const struct lake_table *table,
                       struct arena *arena, struct str **ret, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;
/* Defines the table in `engine` as `ns`.`name`; `columns` (NULL = all) and `filter` (SQL; empty = all rows) as
 * in engine.h. Reads the metadata and manifests. */
int lake_table_define(const struct lake_view *view, const struct lake_table *table,
                      struct engine *engine, const struct str *columns, size_t n_columns,
                      struct str filter, corrie_error *err) CORRIE_MUST_USE;

/* ---- tables for a statement ---- */

/* A table that a statement reads. */
struct lake_source {
    const struct lake_view *view;
    struct lake_table table;
    struct str name_space; /* what the statement calls it; empty = the table's own */
    struct str name;
    int64_t snapshot_id; /* SNAPSHOT_NONE = the one that the view has */
    /* Not NULL: no table of a lake, but one of these columns that the engine has already; it is defined by `name_space` and
     * `name`, which the rest of the statement cannot be understood without. */
    const struct schema *schema;
};

/* What a scan of it would read (for `explain`). Counts are of the table's snapshot, -1 = not known. */
struct lake_scan {
    struct str ns; /* of the table */
    struct str name;
    int64_t snapshot_id;
    int64_t manifests; /* of data */
    int64_t manifests_pruned;
    int64_t files;
    int64_t files_pruned;
    int64_t row_groups; /* of the files that are left */
    int64_t row_groups_pruned;
    int64_t records; /* of the files that are left, before deletes */
    int64_t bytes;
    int64_t delete_files;      /* that apply to files that are left */
    const struct str *columns; /* that are read */
    size_t n_columns;
    int64_t column_bytes;      /* that these take in the files that are left */
    const struct str *filters; /* SQL, as far as they are told to the scan: all hold */
    size_t n_filters;
};

struct lake_described {
    bool row_groups;         /* asked: the footers of the files that are left are read for them */
    struct lake_scan *scans; /* answered: one for each source, in order */
};

/* Defines the tables that `sql` names, leaving out files that cannot hold a row that it needs: for that the statement
 * is bound first (3 ms, the first time 10 more) where a table has several files or `ret` is wanted. `name_space` is where unqualified names are looked up, `file`
 * what a person calls the text. *ret (may be NULL) is filled in `arena`. Errors of lake_table_define, and with row groups
 * of engine_bind: else a statement that does not bind reads all files, and what of their columns is not known. */
int lake_define(struct engine *engine, const struct lake_source *sources, size_t n_sources,
                struct str sql, const char *file, struct str name_space, struct arena *arena,
                struct lake_described *ret, corrie_error *err) CORRIE_MUST_USE;

/* An engine at work on a lake, and the directory that it may spill to. Zeroed is none. */
struct lake_workspace {
    struct engine *engine;
    struct os_own_dir spill;
    struct lake
        *lake;  /* takes it back, for the next that is opened like this one; NULL: nobody does */
    char *like; /* how it was opened */
};

/* Bytes of a person's word for memory ("4G"); CORRIE_E_USAGE if it is no size. */
int lake_memory_size(const char *text, uint64_t *ret, corrie_error *err) CORRIE_MUST_USE;

/* Opens one. `memory` is a person's word ("4G"; NULL = 70 % of the machine or cgroup): CORRIE_E_USAGE if it is no size. The
 * directory and, where `options` have none, the lake's cancel token are put into a copy of them. One that an earlier call left behind and that was opened in the
 * same way is taken again. Cost: 20 ms, most of them for loading DuckDB; 1 ms where there is one. */
int lake_workspace_open(struct lake *lake, const char *memory, const struct engine_options *options,
                        struct lake_workspace *ret, corrie_error *err) CORRIE_MUST_USE;
/* Closes the engine and removes its directory. */
void lake_workspace_done(struct lake_workspace *workspace);
/* The same for one in whose directory nothing was put: the lake keeps the last of these until the handle is closed. */
void lake_workspace_leave(struct lake_workspace *workspace);

/* ---- for those who walk the catalog themselves (fsck, gc) ---- */

struct tree_value;

/* The table that a catalog value tells of; `key` is ["table", ns, name]. CORRIE_E_CORRUPT names the table. */
int lake_table_of_value(const struct lake *lake, struct str key, const struct tree_value *value,
                        struct arena *arena, struct lake_table *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The absolute location (Iceberg's URI) of one that may be relative to the root. In `arena` or borrowed. */
int lake_absolute(const struct lake *lake, struct str location, struct arena *arena,
                  struct str *ret, corrie_error *err) CORRIE_MUST_USE;
/* ---- ledger ----------------------------------------------------------------------------------------- */

/* What was imported: catalog key ["ledger", table id, location]. */
struct ledger_entry {
    struct str location; /* absolute URL */
    struct str version; /* the source's own word for the content: "mtime:size" of a file, an ETag */
    int64_t size;
    struct hash sha256;
    int64_t rows;
    struct str job;
    const struct str *data_files; /* relative to the root */
    size_t n_data_files;
};

/* The newest entry of a location. 1 found, 0 never imported. */
int lake_ledger_find(const struct lake_view *view, const struct uuid *table, struct str location,
                     struct arena *arena, struct ledger_entry *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
