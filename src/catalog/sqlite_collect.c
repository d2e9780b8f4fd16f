/* sqlite_collect.c — what a collection asks of SQLite: state, lists without bytes, removal, room
 * given back. */
#include <stdio.h>

#include "base/clock.h"
#include "catalog/sqlite_priv.h"

static struct sqlite_backend *of(struct backend *backend)
{
    return (struct sqlite_backend *)backend;
}

int sqlite_read_state(struct sqlite_backend *self, struct backend_state *ret, int64_t *ret_next,
                      corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_STATE, &statement, err);

    if (r >= 0) {
        r = sqlite_step(self, statement, "read the catalog", err);
    }
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the catalog %s has lost its state of collection",
                           self->path);
    }
    ret->generation = (uint64_t)sqlite3_column_int64(statement, 0);
    ret->removals = (uint64_t)sqlite3_column_int64(statement, 1);
    ret->fence = sqlite3_column_int64(statement, 2);
    *ret_next = sqlite3_column_int64(statement, 3);
    return 0;
}

int sqlite_state(struct backend *backend, struct backend_state *ret, corrie_error *err)
{
    int64_t next;

    return sqlite_read_state(of(backend), ret, &next, err);
}

static int last_position(struct sqlite_backend *self, int64_t *ret, corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_OBJECT_LAST, &statement, err);

    if (r >= 0) {
        r = sqlite_step(self, statement, "read the catalog", err);
    }
    if (r >= 0) {
        *ret = sqlite3_column_int64(statement, 0);
    }
    return r < 0 ? r : 0;
}

static int set_number(struct sqlite_backend *self, enum sql which, int64_t number,
                      corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, which, &statement, err);

    if (r < 0) {
        return r;
    }
    (void)sqlite3_bind_int64(statement, 1, number);
    return sqlite_step(self, statement, "collect", err);
}

int sqlite_advance(struct backend *backend, int64_t cutoff, uint64_t *ret_last, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    int64_t last = 0;
    int r = sqlite_begin(self, "collect", err);

    if (r >= 0) {
        r = set_number(self, SQL_ADVANCE, cutoff, err);
    }
    if (r >= 0) {
        r = last_position(self, &last, err);
    }
    if (r >= 0) {
        r = sqlite_run(self, SQL_COMMIT, "collect", err);
    }
    if (r < 0) {
        sqlite_roll_back(self);
        return r;
    }
    *ret_last = (uint64_t)last;
    return 0;
}

static struct backend_entry read_entry(sqlite3_stmt *statement)
{
    return (struct backend_entry){
        .name = sqlite_column_hash(statement, 0),
        .type = sqlite3_column_int(statement, 1),
        .stamp = sqlite3_column_int64(statement, 2),
        .size = (uint64_t)sqlite3_column_int64(statement, 3),
        .position = (uint64_t)sqlite3_column_int64(statement, 4),
    };
}

int sqlite_list_objects(struct backend *backend, uint64_t before, size_t limit,
                        struct backend_entry *ret, size_t *ret_n, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    size_t n = 0;
    int r = sqlite_statement(self, SQL_OBJECT_LIST, &statement, err);

    if (r < 0) {
        return r;
    }
    (void)sqlite3_bind_int64(statement, 1, before == 0 ? INT64_MAX : (int64_t)before);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)limit);
    while (n < limit && (r = sqlite_step(self, statement, "list objects", err)) > 0) {
        ret[n++] = read_entry(statement);
    }
    if (r < 0) {
        return r;
    }
    *ret_n = n;
    return 0;
}

int sqlite_scan_objects(struct backend *backend, uint64_t before, size_t limit,
                        backend_entry_fn each, void *arg, uint64_t *ret_last, size_t *ret_n,
                        corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    uint64_t last = before;
    size_t n = 0;
    int r = sqlite_statement(self, SQL_OBJECT_SCAN, &statement, err);

    if (r < 0) {
        return r;
    }
    (void)sqlite3_bind_int64(statement, 1, before == 0 ? INT64_MAX : (int64_t)before);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)limit);
    while (r >= 0 && (r = sqlite_step(self, statement, "read objects", err)) > 0) {
        struct backend_entry entry = read_entry(statement);
        struct str stored = {sqlite3_column_blob(statement, 5),
                             (size_t)sqlite3_column_bytes(statement, 5)};

        if (!stored.data && sqlite3_errcode(self->db) == SQLITE_NOMEM) {
            return corrie_fail_memory(err);
        }
        last = entry.position;
        n++;
        r = each(arg, &entry, stored, err);
    }
    if (r < 0) {
        return r;
    }
    *ret_last = last;
    *ret_n = n;
    return 0;
}

static int remove_one(struct sqlite_backend *self, uint64_t position, corrie_error *err)
{
    return set_number(self, SQL_OBJECT_REMOVE, (int64_t)position, err);
}

/* Removals change the same pages of the index over names again and again: the less often the log is
 * brought into the file, the less is written. */
#define REMOVAL_STRETCH 8000

int sqlite_remove_objects(struct backend *backend, const struct backend_entry *objects, size_t n,
                          corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    int64_t last = 0;
    int r;

    if (!self->held) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "objects are removed only under the lock");
    }
    sqlite_set_log_stretch(self, REMOVAL_STRETCH);
    r = sqlite_begin(self, "collect", err);
    if (r >= 0) {
        r = last_position(self, &last, err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = remove_one(self, objects[i].position, err);
    }
    if (r >= 0) {
        r = set_number(self, SQL_REMOVED, last + 1, err);
    }
    if (r >= 0) {
        r = sqlite_run(self, SQL_COMMIT, "collect", err);
    }
    if (r < 0) {
        sqlite_roll_back(self);
    }
    return r;
}

int sqlite_freeze(struct backend *backend, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    struct backend_state state;
    int r;

    if (self->held || self->frozen) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "the catalog is frozen or held already");
    }
    sqlite_roll_back(self); /* an earlier one that could not be ended then */
    r = sqlite_run(self, SQL_BEGIN_READ, "read the catalog", err);
    if (r < 0) {
        return r;
    }
    self->frozen = true;
    r = sqlite_state(backend, &state, err); /* the moment is that of the first read */
    if (r < 0) {
        sqlite_thaw(backend);
    }
    return r;
}

void sqlite_thaw(struct backend *backend)
{
    struct sqlite_backend *self = of(backend);

    if (self->frozen) {
        self->frozen = false;
        sqlite_roll_back(self);
    }
}

/* ---- room ----
 *
 * The file is made with auto_vacuum=INCREMENTAL: pages can be moved from its end into free ones, some
 * at a time. What a VACUUM would do (write the whole file anew under the lock) would keep writers
 * waiting for seconds. */

#define SHRINK_MIN_BYTES (1 << 20)
#define SHRINK_PAGES 256 /* a step: some milliseconds */

static int pragma_number(struct sqlite_backend *self, const char *text, int64_t *ret,
                         corrie_error *err)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(self->db, text, -1, &statement, NULL);

    if (r == SQLITE_OK) {
        r = sqlite3_step(statement);
    }
    if (r == SQLITE_ROW) {
        *ret = sqlite3_column_int64(statement, 0);
        r = 0;
    } else {
        r = sqlite_fail(self, r, "collect", err);
    }
    (void)sqlite3_finalize(statement);
    return r;
}

static int shrink_step(struct sqlite_backend *self, corrie_error *err)
{
    char text[64];
    int r;

    r = sqlite_begin(self, "collect", err);
    if (r < 0) {
        return r;
    }
    (void)snprintf(text, sizeof text, "PRAGMA incremental_vacuum(%d)", SHRINK_PAGES);
    r = sqlite3_exec(self->db, text, NULL, NULL, NULL);
    r = r == SQLITE_OK ? sqlite_run(self, SQL_COMMIT, "collect", err)
                       : sqlite_fail(self, r, "collect", err);
    if (r < 0) {
        sqlite_roll_back(self);
    }
    return r;
}

int sqlite_shrink(struct backend *backend, const struct cancel *cancel, uint64_t *ret_bytes,
                  corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    int64_t n_free = 0;
    int64_t n_pages = 0;
    int64_t page = 0;
    uint64_t given = 0;
    int64_t keep;
    int r;

    r = pragma_number(self, "PRAGMA freelist_count", &n_free, err);
    if (r >= 0) {
        r = pragma_number(self, "PRAGMA page_count", &n_pages, err);
    }
    if (r >= 0) {
        r = pragma_number(self, "PRAGMA page_size", &page, err);
    }
    if (r < 0 || n_free < n_pages / 4 || n_free * page < SHRINK_MIN_BYTES) {
        sqlite_set_log_stretch(self, LOG_STRETCH);
        *ret_bytes = 0; /* little is not worth the writing */
        return r;
    }
    keep = (n_pages - n_free) / 16; /* the next commits take it */
    while (n_free > keep) {
        int64_t before = n_free;
        int64_t start = clock_monotonic();

        r = cancel_check(cancel, err);
        if (r >= 0) {
            r = shrink_step(self, err);
        }
        if (r >= 0) {
            r = pragma_number(self, "PRAGMA freelist_count", &n_free, err);
        }
        if (r < 0 || n_free >= before) {
            break;
        }
        given += (uint64_t)((before - n_free) * page);
        clock_sleep(clock_monotonic() - start);
    }
    sqlite_set_log_stretch(self, LOG_STRETCH);
    if (r < 0) {
        return r;
    }
    *ret_bytes = given;
    return 0;
}
