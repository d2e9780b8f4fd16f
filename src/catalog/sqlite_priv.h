/* sqlite_priv.h — what the files of the SQLite backend share. */
#ifndef CORRIE_CATALOG_SQLITE_PRIV_H
#define CORRIE_CATALOG_SQLITE_PRIV_H

#include <sqlite3.h>

#include "catalog/catalog_priv.h"
#include "os/file.h"

#define SQLITE_CATALOG_FILE "catalog.db"
#define SQLITE_CATALOG_ID 0x63727269 /* "crri": application_id of the file */
#define SQLITE_CATALOG_FORMAT 1      /* its user_version */

enum sql {
    SQL_BEGIN,
    SQL_BEGIN_READ,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_OBJECT_GET,
    SQL_OBJECT_HAS,
    SQL_OBJECT_PUT,
    SQL_OBJECT_FIND,
    SQL_OBJECT_STAMP,
    SQL_OBJECT_LIST,
    SQL_OBJECT_SCAN,
    SQL_OBJECT_LAST,
    SQL_OBJECT_REMOVE,
    SQL_STATE,
    SQL_ADVANCE,
    SQL_REMOVED,
    SQL_REF_GET,
    SQL_REF_PUT,
    SQL_REF_DELETE,
    SQL_REF_LIST,
    SQL_REFLOG_NEXT,
    SQL_REFLOG_PUT,
    SQL_REFLOG_LIST,
    SQL_REFLOG_COMMITS,
    SQL_REFLOG_NAMES,
    SQL_INDEX_PUT,
    SQL_INDEX_GET,
    SQL_INDEX_LIST,
    SQL_INDEX_DELETE,
    SQL_COUNT
};

struct sqlite_backend {
    struct backend backend;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *statements[SQL_COUNT]; /* prepared on first use */
    const struct cancel *cancel;
    int64_t deadline_ms;
    int64_t wait_until; /* monotonic; of the wait for a lock that is going on */
    uint64_t jitter;
    bool is_patient; /* waits until the deadline; false while it brings the log back */
    int log_stretch; /* frames that the log may grow before it is brought into the file again */
    int log_seen;    /* its length after our last commit */
    int log_next;    /* the length at which we bring it back */
    bool held;       /* a write transaction is open since hold() */
    bool frozen;     /* a read transaction is open since freeze() */
    bool is_still;   /* nobody may write it: opened so; sqlite_still.c */
    struct os_stat still; /* as it was then */
};

/* The name of the way to files by which a catalog of a group is opened (sqlite_shared.c); NULL is SQLite's own. */
const char *sqlite_shared_vfs(void);

/* Catalogs that nobody may write (sqlite_still.c). Before opening: 1 it is one, 0 not; CORRIE_E_REFUSED if it has a log that
 * would have to be brought into it. */
int sqlite_still_look(struct sqlite_backend *self, const char *directory, corrie_error *err)
    CORRIE_MUST_USE;
/* The URL by which SQLite opens it. */
int sqlite_still_url(const struct sqlite_backend *self, struct buf *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* After reading: CORRIE_E_BUSY if somebody has written it nevertheless. */
int sqlite_still_check(struct sqlite_backend *self, corrie_error *err) CORRIE_MUST_USE;

/* Routes SQLite's memory through base/mem.h; once a process, before the first connection. */
void sqlite_setup(void);

/* An error of SQLite's as ours. `r` is the result code (extended). */
int sqlite_fail(struct sqlite_backend *self, int r, const char *attempted, corrie_error *err);

/* The statement, reset and without bindings; the backend's. */
int sqlite_statement(struct sqlite_backend *self, enum sql which, sqlite3_stmt **ret,
                     corrie_error *err) CORRIE_MUST_USE;
/* 1 a row, 0 done; `attempted` is for the message. */
int sqlite_step(struct sqlite_backend *self, sqlite3_stmt *statement, const char *attempted,
                corrie_error *err) CORRIE_MUST_USE;
/* A statement that is reset at the end of the scope, so that it holds no lock and no memory. */
void sqlite_resetp(sqlite3_stmt **statement);
#define _reset_ _cleanup_(sqlite_resetp)

/* How far the log may grow before it is brought into the file again, in frames (pages of 8 KiB). */
#define LOG_STRETCH 1000
void sqlite_set_log_stretch(struct sqlite_backend *self, int frames);

/* Bindings are borrowed until the reset; their errors show at the step. */
void sqlite_bind_str(sqlite3_stmt *statement, int index, struct str text);
void sqlite_bind_hash(sqlite3_stmt *statement, int index, const struct hash *hash);
/* Columns; text into the arena. A hash column that is NULL or of another length is zero. */
int sqlite_column_str(sqlite3_stmt *statement, int column, struct arena *arena, struct str *ret,
                      corrie_error *err) CORRIE_MUST_USE;
struct hash sqlite_column_hash(sqlite3_stmt *statement, int column);

/* Transactions (backend_sqlite.c). sqlite_begin starts one, or takes over what hold() began;
 * sqlite_roll_back ends one in which something failed; the error at hand is the one that counts. */
int sqlite_run(struct sqlite_backend *self, enum sql which, const char *attempted,
               corrie_error *err);
int sqlite_begin(struct sqlite_backend *self, const char *attempted, corrie_error *err)
    CORRIE_MUST_USE;
void sqlite_roll_back(struct sqlite_backend *self);

/* The state of collections, and the least position that was never given. */
int sqlite_read_state(struct sqlite_backend *self, struct backend_state *ret, int64_t *ret_next,
                      corrie_error *err) CORRIE_MUST_USE;

/* The operations: backend_sqlite.c, */
const struct backend_ops *sqlite_ops(void);
/* sqlite_collect.c, */
int sqlite_state(struct backend *backend, struct backend_state *ret, corrie_error *err);
int sqlite_advance(struct backend *backend, int64_t cutoff, uint64_t *ret_last, corrie_error *err);
int sqlite_list_objects(struct backend *backend, uint64_t before, size_t limit,
                        struct backend_entry *ret, size_t *ret_n, corrie_error *err);
int sqlite_scan_objects(struct backend *backend, uint64_t before, size_t limit,
                        backend_entry_fn each, void *arg, uint64_t *ret_last, size_t *ret_n,
                        corrie_error *err);
int sqlite_remove_objects(struct backend *backend, const struct backend_entry *objects, size_t n,
                          corrie_error *err);
int sqlite_shrink(struct backend *backend, const struct cancel *cancel, uint64_t *ret_bytes,
                  corrie_error *err);
int sqlite_freeze(struct backend *backend, corrie_error *err);
void sqlite_thaw(struct backend *backend);
/* sqlite_connect.c, */
struct backend *sqlite_close(struct backend *backend);
/* and sqlite_log.c. */
int sqlite_reflog(struct backend *backend, struct str ref, uint64_t before, size_t limit,
                  struct arena *arena, struct catalog_reflog_entry **ret, size_t *ret_n,
                  corrie_error *err);
int sqlite_reflog_commits(struct backend *backend, int64_t since, backend_name_fn each, void *arg,
                          corrie_error *err);
int sqlite_reflog_names(struct backend *backend, struct arena *arena, struct str **ret,
                        size_t *ret_n, corrie_error *err);
int sqlite_index_put(struct backend *backend, struct str space,
                     const struct catalog_index_entry *entry, corrie_error *err);
int sqlite_index_get(struct backend *backend, struct str space, struct str id, struct arena *arena,
                     struct catalog_index_entry *ret, corrie_error *err);
int sqlite_index_list(struct backend *backend, struct str space, struct str id_prefix,
                      const struct catalog_index_entry *after, size_t limit, struct arena *arena,
                      struct catalog_index_entry **ret, size_t *ret_n, corrie_error *err);
int sqlite_index_delete(struct backend *backend, struct str space, struct str id,
                        corrie_error *err);

#endif
