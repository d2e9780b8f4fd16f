/* sqlite_connect.c — the connection: memory, locks, errors, statements; making and opening the
 * file. */
#include <pthread.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "catalog/sqlite_priv.h"
#include "os/dir.h"
#include "os/file.h"

/* Why a table in the order of writing with an index over names, and pages of 8 KiB: docs/decisions,
 * "Nodes of the tree and their place in SQLite". */
static const char schema_text[] =
    "CREATE TABLE objects (id INTEGER PRIMARY KEY, name BLOB NOT NULL, type INTEGER NOT NULL,"
    " stamp INTEGER NOT NULL, stored BLOB NOT NULL);"
    "CREATE UNIQUE INDEX objects_by_name ON objects (name);"
    "CREATE TABLE refs (name TEXT PRIMARY KEY, kind INTEGER NOT NULL, target BLOB NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE reflog (ref TEXT NOT NULL, sequence INTEGER NOT NULL, kind INTEGER NOT NULL,"
    " old BLOB, new BLOB, time INTEGER NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL,"
    " PRIMARY KEY (ref, sequence)) WITHOUT ROWID;"
    "CREATE TABLE records (space TEXT NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL,"
    " json TEXT NOT NULL, PRIMARY KEY (space, id)) WITHOUT ROWID;"
    "CREATE INDEX records_by_time ON records (space, time, id);"
    "CREATE TABLE collection (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL,"
    " removals INTEGER NOT NULL, fence INTEGER NOT NULL, next INTEGER NOT NULL);"
    "INSERT INTO collection VALUES (1, 1, 1, 0, 1);";

/* The other names are looked up, never written by anybody but this schema. */
static const char schema_check[] =
    "SELECT count(*) FROM sqlite_schema WHERE name IN"
    " ('objects', 'objects_by_name', 'refs', 'reflog', 'records', 'records_by_time', 'collection')";
#define SCHEMA_OBJECTS 7

/* ---- memory ---- */

#define SIZE_HEADER 16 /* keeps the alignment */

static void *memory_resize(void *block, int size)
{
    char *base = block ? (char *)block - SIZE_HEADER : NULL;
    char *grown = mem_resize(base, 1, (size_t)size + SIZE_HEADER);

    if (!grown) {
        return NULL;
    }
    memcpy(grown, &size, sizeof size);
    return grown + SIZE_HEADER;
}

static void *memory_allocate(int size)
{
    return memory_resize(NULL, size);
}

static void memory_free(void *block)
{
    if (block) {
        mem_free((char *)block - SIZE_HEADER);
    }
}

static int memory_size(void *block)
{
    int size = 0;

    if (block) {
        memcpy(&size, (char *)block - SIZE_HEADER, sizeof size);
    }
    return size;
}

static int memory_round(int size)
{
    return (size + 7) & ~7;
}

static int memory_start(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void memory_stop(void *unused)
{
    (void)unused;
}

static void setup_once(void)
{
    static const sqlite3_mem_methods methods = {
        .xMalloc = memory_allocate,
        .xFree = memory_free,
        .xRealloc = memory_resize,
        .xSize = memory_size,
        .xRoundup = memory_round,
        .xInit = memory_start,
        .xShutdown = memory_stop,
    };

    /* Refused where somebody else in the process has started SQLite already; then it keeps its own.
     * */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void sqlite_setup(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, setup_once);
}

/* ---- errors ---- */

/* The errno behind a failure, 0 if it is not known. SQLite keeps that of a failing statement, but not of a failing
 * COMMIT; the log, whose file it then was, does. */
static int system_errno(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    int number = db ? sqlite3_system_errno(db) : 0;

    if (db && number == 0 &&
        sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log &&
        log->pMethods) {
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    return number;
}

int sqlite_fail(struct sqlite_backend *self, int r, const char *attempted, corrie_error *err)
{
    const char *reason = self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(r);
    int saved_errno = system_errno(self->db);
    const char *path = self->path;

    switch (r & 0xff) {
    case SQLITE_NOMEM:
        return corrie_fail_memory(err);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        corrie_fail(err, CORRIE_E_CORRUPT, "%s: the catalog %s is damaged: %s", attempted, path,
                    reason);
        return corrie_hint(err,
                           "`corrie fsck` says what can still be read; restore the file from a "
                           "backup together with its -wal file, if there is one");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        if (cancel_requested(self->cancel)) {
            return corrie_fail(err, CORRIE_E_CANCELLED, "interrupted");
        }
        corrie_fail(err, CORRIE_E_BUSY,
                    "%s: the catalog %s was locked by other writers for %lld ms", attempted, path,
                    (long long)self->deadline_ms);
        err->retryable = true;
        return corrie_hint(err, "try again; if nothing else writes, look for a program that hangs");
    case SQLITE_FULL:
        return corrie_fail(err, CORRIE_E_NO_SPACE, "%s: no space left for the catalog %s",
                           attempted, path);
    case SQLITE_IOERR:
        if (r == SQLITE_IOERR_NOMEM) {
            return corrie_fail_memory(err);
        }
        break;
    case SQLITE_CANTOPEN:
        break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return corrie_fail(err, CORRIE_E_REFUSED, "%s: the catalog %s may not be written: %s",
                           attempted, path, reason);
    case SQLITE_TOOBIG:
        return corrie_fail(err, CORRIE_E_LIMIT, "%s: %s", attempted, reason);
    default:
        return corrie_fail(err, CORRIE_E_INTERNAL, "%s: the catalog %s: %s (%d)", attempted, path,
                           reason, r);
    }
    if (saved_errno != 0) {
        corrie_fail_errno(err, saved_errno, "%s: the catalog %s: %s", attempted, path, reason);
        if (err->code == CORRIE_E_NOT_FOUND || err->code == CORRIE_E_EXISTS) {
            err->code = CORRIE_E_IO;
        }
        return err->code;
    }
    return corrie_fail(err, CORRIE_E_IO, "%s: the catalog %s: %s", attempted, path, reason);
}

/* ---- waiting ----
 *
 * SQLite's own timeout sleeps ever longer, so that a late comer starves for seconds beside busy
 * writers (measured). Short sleeps of random length are fair and cost little. */

#define WAIT_MIN_NS 150000
#define WAIT_SPREAD_NS 300000
#define LOG_PATIENCE_NS 5000000 /* bring_back */

static int wait_for_lock(void *arg, int n_calls)
{
    struct sqlite_backend *self = arg;
    int64_t now = clock_monotonic();

    if (n_calls == 0) {
        self->wait_until = now + (self->is_patient ? self->deadline_ms * 1000000 : LOG_PATIENCE_NS);
    } else if (now >= self->wait_until) {
        return 0;
    }
    if (cancel_requested(self->cancel)) {
        return 0;
    }
    self->jitter = self->jitter * 6364136223846793005u + 1442695040888963407u;
    clock_sleep(WAIT_MIN_NS + (int64_t)(self->jitter >> 33) % WAIT_SPREAD_NS);
    return 1;
}

/* ---- the log ----
 *
 * SQLite's own rule looks at the length of the log alone, and brings it back while others go on writing: where they always
 * do, it never catches up, the log grows without end and every commit brings some of it back once more. With eight writers
 * that took longer than all the rest of a commit (measured). Here a connection does so once for each stretch that the log
 * has grown: most of it beside the others, the rest under the lock, so that the log begins anew. Somebody who reads for
 * long is not waited for. */

static int bring_back(void *arg, sqlite3 *db, const char *name, int n_frames)
{
    struct sqlite_backend *self = arg;

    if (n_frames < self->log_seen) { /* it began anew */
        self->log_next = self->log_stretch;
    }
    self->log_seen = n_frames;
    if (n_frames >= self->log_next) {
        self->log_next = n_frames + self->log_stretch;
        self->is_patient = false;
        if (sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
            SQLITE_OK) {
            (void)sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
        }
        self->is_patient = true;
    }
    return SQLITE_OK; /* the commit stands, whatever became of the log */
}

void sqlite_set_log_stretch(struct sqlite_backend *self, int frames)
{
    self->log_stretch = frames;
    self->log_next = self->log_seen / frames * frames + frames;
}

/* ---- statements ---- */

static const char *const sql_texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_BEGIN_READ] = "BEGIN",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_OBJECT_GET] = "SELECT type, stored FROM objects WHERE name = ?1",
    [SQL_OBJECT_HAS] = "SELECT type, stamp FROM objects WHERE name = ?1",
    [SQL_OBJECT_PUT] = "INSERT INTO objects (id, name, type, stamp, stored)"
                       " VALUES (?5, ?1, ?2, ?3, ?4)"
                       " ON CONFLICT (name) DO UPDATE SET stamp = excluded.stamp"
                       " WHERE stamp < excluded.stamp",
    [SQL_OBJECT_FIND] = "SELECT name FROM objects WHERE name >= ?1 AND name <= ?2 AND type = ?3"
                        " ORDER BY name LIMIT ?4",
    [SQL_OBJECT_STAMP] = "UPDATE objects SET stamp = ?2 WHERE name = ?1 AND stamp < ?2",
    [SQL_OBJECT_LIST] = "SELECT name, type, stamp, length(stored), id FROM objects WHERE id < ?1"
                        " ORDER BY id DESC LIMIT ?2",
    [SQL_OBJECT_SCAN] =
        "SELECT name, type, stamp, length(stored), id,"
        " CASE WHEN type < 3 THEN stored END FROM objects WHERE id < ?1" /* nodes, commits */
        " ORDER BY id DESC LIMIT ?2",
    [SQL_OBJECT_LAST] = "SELECT max(id) FROM objects",
    [SQL_OBJECT_REMOVE] = "DELETE FROM objects WHERE id = ?1",
    [SQL_STATE] = "SELECT generation, removals, fence, next FROM collection WHERE id = 1",
    [SQL_ADVANCE] = "UPDATE collection SET generation = generation + 1, fence = max(fence, ?1)",
    [SQL_REMOVED] = "UPDATE collection SET removals = removals + 1, next = max(next, ?1)",
    [SQL_REF_GET] = "SELECT kind, target FROM refs WHERE name = ?1",
    [SQL_REF_PUT] = "INSERT INTO refs (name, kind, target) VALUES (?1, ?2, ?3)"
                    " ON CONFLICT (name) DO UPDATE SET target = excluded.target",
    [SQL_REF_DELETE] = "DELETE FROM refs WHERE name = ?1",
    [SQL_REF_LIST] = "SELECT name, kind, target FROM refs WHERE name >= ?1 AND name > ?2"
                     " AND name < ?1 || char(1114111) AND (?3 = 0 OR kind = ?3)"
                     " ORDER BY name LIMIT ?4",
    [SQL_REFLOG_NEXT] = "SELECT max(sequence) FROM reflog WHERE ref = ?1",
    [SQL_REFLOG_PUT] = "INSERT INTO reflog (ref, sequence, kind, old, new, time, who, why)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_REFLOG_LIST] = "SELECT sequence, kind, old, new, time, who, why FROM reflog"
                        " WHERE ref = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3",
    [SQL_REFLOG_COMMITS] = "SELECT old FROM reflog WHERE old IS NOT NULL AND time >= ?1"
                           " UNION SELECT new FROM reflog WHERE new IS NOT NULL AND time >= ?1",
    [SQL_REFLOG_NAMES] = "SELECT DISTINCT ref FROM reflog ORDER BY ref",
    [SQL_INDEX_PUT] = "INSERT INTO records (space, id, time, json) VALUES (?1, ?2, ?3, ?4)"
                      " ON CONFLICT (space, id) DO UPDATE SET time = excluded.time,"
                      " json = excluded.json",
    [SQL_INDEX_GET] = "SELECT id, time, json FROM records WHERE space = ?1 AND id = ?2",
    [SQL_INDEX_LIST] =
        "SELECT id, time, json FROM records WHERE space = ?1 AND (time, id) < (?2, ?3)"
        " AND substr(id, 1, ?4) = ?5 ORDER BY time DESC, id DESC LIMIT ?6",
    [SQL_INDEX_DELETE] = "DELETE FROM records WHERE space = ?1 AND id = ?2",
};

int sqlite_statement(struct sqlite_backend *self, enum sql which, sqlite3_stmt **ret,
                     corrie_error *err)
{
    if (!self->statements[which]) {
        int r = sqlite3_prepare_v3(self->db, sql_texts[which], -1, SQLITE_PREPARE_PERSISTENT,
                                   &self->statements[which], NULL);

        if (r != SQLITE_OK) {
            /* Our statements are right: then the schema that they meet is not ours any more. */
            return sqlite_fail(self, (r & 0xff) == SQLITE_ERROR ? SQLITE_CORRUPT : r,
                               "read the catalog", err);
        }
    }
    *ret = self->statements[which];
    return 0;
}

int sqlite_step(struct sqlite_backend *self, sqlite3_stmt *statement, const char *attempted,
                corrie_error *err)
{
    int r = sqlite3_step(statement);

    if (self->is_still && sqlite_still_check(self, err) < 0) {
        return err->code; /* before what it read may look like damage */
    }
    if (r == SQLITE_ROW) {
        return 1;
    }
    return r == SQLITE_DONE ? 0 : sqlite_fail(self, r, attempted, err);
}

void sqlite_resetp(sqlite3_stmt **statement)
{
    if (*statement) {
        (void)sqlite3_reset(*statement);
        (void)sqlite3_clear_bindings(*statement);
    }
}

void sqlite_bind_str(sqlite3_stmt *statement, int index, struct str text)
{
    (void)sqlite3_bind_text64(statement, index, text.len ? text.data : "", text.len, SQLITE_STATIC,
                              SQLITE_UTF8);
}

void sqlite_bind_hash(sqlite3_stmt *statement, int index, const struct hash *hash)
{
    if (hash_is_zero(hash)) {
        (void)sqlite3_bind_null(statement, index);
    } else {
        (void)sqlite3_bind_blob64(statement, index, hash->bytes, HASH_BYTES, SQLITE_STATIC);
    }
}

int sqlite_column_str(sqlite3_stmt *statement, int column, struct arena *arena, struct str *ret,
                      corrie_error *err)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    if (!text) { /* our columns are NOT NULL */
        return corrie_fail_memory(err);
    }
    return arena_str(arena, (struct str){text, (size_t)sqlite3_column_bytes(statement, column)},
                     ret) < 0
               ? corrie_fail_memory(err)
               : 0;
}

struct hash sqlite_column_hash(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    struct hash hash = {{0}};

    if (bytes && sqlite3_column_bytes(statement, column) == HASH_BYTES) {
        memcpy(hash.bytes, bytes, HASH_BYTES);
    }
    return hash;
}

/* ---- opening ---- */

static struct sqlite_backend *disconnect(struct sqlite_backend *self)
{
    if (self) {
        for (size_t i = 0; i < SQL_COUNT; i++) {
            (void)sqlite3_finalize(self->statements[i]);
        }
        (void)sqlite3_close(self->db);
        mem_free(self->path);
        mem_free(self);
    }
    return NULL;
}
DEFINE_CLEANUP(struct sqlite_backend *, disconnect)

struct backend *sqlite_close(struct backend *backend)
{
    disconnect((struct sqlite_backend *)backend);
    return NULL;
}

/* Where a file cannot be opened for writing, for whatever reason, SQLite opens it for reading: a failing disk would look
 * like a missing permission. */
static int check_writable(struct sqlite_backend *self, corrie_error *err)
{
    int r;

    if (sqlite3_db_readonly(self->db, "main") == 0) {
        return 0;
    }
    r = os_may_write(self->path, err);
    if (r <= 0) {
        return r; /* a lake that may only be read */
    }
    return corrie_fail(err, CORRIE_E_IO, "open: the catalog %s could not be opened for writing",
                       self->path);
}

static int connect_file(const char *directory, const struct catalog_options *options,
                        struct sqlite_backend **ret, corrie_error *err)
{
    _cleanup_(disconnectp) struct sqlite_backend *self = NULL;
    _cleanup_(buf_done) struct buf path = {0};
    _cleanup_(buf_done) struct buf url = {0};
    int flags = SQLITE_OPEN_READWRITE;
    int r;

    sqlite_setup();
    self = mem_alloc(1, sizeof *self);
    buf_addf(&path, "%s/%s", directory, SQLITE_CATALOG_FILE);
    if (!self || !(self->path = buf_take(&path))) {
        return corrie_fail_memory(err);
    }
    self->deadline_ms =
        options && options->lock_deadline_ms ? options->lock_deadline_ms : CORRIE_LOCK_DEADLINE_MS;
    self->cancel = options ? options->cancel : NULL;
    random_bytes(&self->jitter, sizeof self->jitter);
    r = sqlite_still_look(self, directory, err);
    if (r > 0) {
        flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
        r = sqlite_still_url(self, &url, err);
    }
    if (r < 0) {
        return r;
    }
    r = sqlite3_open_v2(self->is_still ? buf_text(&url) : self->path, &self->db,
                        flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, sqlite_shared_vfs());
    if (r != SQLITE_OK) {
        return sqlite_fail(self, r, "open", err);
    }
    r = check_writable(self, err);
    if (r < 0) {
        return r;
    }
    (void)sqlite3_busy_handler(self->db, wait_for_lock, self);
    self->is_patient = true;
    sqlite_set_log_stretch(self, LOG_STRETCH);
    (void)sqlite3_wal_hook(self->db, bring_back, self);
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    r = sqlite3_exec(
        self->db,
        "PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON; PRAGMA cache_size=-16000;"
        "PRAGMA secure_delete=FAST", /* some builds overwrite all pages that get free */
        NULL, NULL, NULL);
    if (r != SQLITE_OK) {
        return sqlite_fail(self, r, "open", err);
    }
    *ret = TAKE_PTR(self);
    return 0;
}

static int read_number(struct sqlite_backend *self, const char *text, int64_t *ret,
                       corrie_error *err)
{
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(self->db, text, -1, &statement, NULL);

    if (r == SQLITE_OK) {
        r = sqlite3_step(statement);
    }
    if (r != SQLITE_ROW) {
        r = sqlite_fail(self, r, "open", err);
    } else {
        *ret = sqlite3_column_int64(statement, 0);
        r = 0;
    }
    (void)sqlite3_finalize(statement);
    return r;
}

/* 1 a whole catalog, 0 an empty file; else what is wrong with it. */
static int look_inside(struct sqlite_backend *self, corrie_error *err)
{
    int64_t id = 0;
    int64_t version = 0;
    int64_t n_known = 0;
    int64_t n_all = 0;
    int r;

    r = read_number(self, "PRAGMA application_id", &id, err);
    if (r >= 0) {
        r = read_number(self, "PRAGMA user_version", &version, err);
    }
    if (r >= 0) {
        r = read_number(self, "SELECT count(*) FROM sqlite_schema", &n_all, err);
    }
    if (r >= 0) {
        r = read_number(self, schema_check, &n_known, err);
    }
    if (r < 0) {
        return r;
    }
    if (id == 0 && version == 0 && n_all == 0) {
        return 0;
    }
    if (id == SQLITE_CATALOG_ID && version > SQLITE_CATALOG_FORMAT) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "the catalog %s has format %lld", self->path,
                    (long long)version);
        return corrie_hint(err, "this version of corrie reads format %d: use a newer one",
                           SQLITE_CATALOG_FORMAT);
    }
    if (id != SQLITE_CATALOG_ID || n_known != SCHEMA_OBJECTS) {
        corrie_fail(err, CORRIE_E_CORRUPT, "%s is not a catalog", self->path);
        return corrie_hint(err,
                           "restore the file from a backup together with its -wal file, if there "
                           "is one");
    }
    return 1;
}

int backend_sqlite_open(const char *directory, const struct catalog_options *options,
                        struct backend **ret, corrie_error *err)
{
    _cleanup_(disconnectp) struct sqlite_backend *self = NULL;
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    buf_addf(&path, "%s/%s", directory, SQLITE_CATALOG_FILE);
    r = buf_check(&path, err);
    if (r < 0) {
        return r;
    }
    r = os_exists(buf_text(&path), err);
    if (r == 0) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no catalog at %s", directory);
    }
    if (r >= 0) {
        r = connect_file(directory, options, &self, err);
    }
    if (r >= 0) {
        r = look_inside(self, err);
    }
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        corrie_fail(err, CORRIE_E_CORRUPT, "the catalog %s is empty", self->path);
        return corrie_hint(err,
                           "its creation was cut off, or it was emptied: restore it from a backup, "
                           "or make the lake anew");
    }
    self->backend.ops = sqlite_ops();
    *ret = &TAKE_PTR(self)->backend;
    return 0;
}

static int make_schema(struct sqlite_backend *self, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    buf_addf(&text, "BEGIN EXCLUSIVE;%sPRAGMA application_id=%d;PRAGMA user_version=%d;COMMIT;",
             schema_text, SQLITE_CATALOG_ID, SQLITE_CATALOG_FORMAT);
    r = buf_check(&text, err);
    if (r < 0) {
        return r;
    }
    r = sqlite3_exec(
        self->db, "PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL",
        NULL, NULL, NULL);
    if (r == SQLITE_OK) {
        r = sqlite3_exec(self->db, buf_text(&text), NULL, NULL, NULL);
    }
    return r == SQLITE_OK ? 0 : sqlite_fail(self, r, "create", err);
}

int backend_sqlite_create(const char *directory, corrie_error *err)
{
    _cleanup_(disconnectp) struct sqlite_backend *self = NULL;
    _cleanup_(buf_done) struct buf path = {0};
    int64_t n_refs = 0;
    int64_t n_objects = 0;
    int r;

    /* Made here and not by SQLite, which would tell "no such file" where the disk is full. */
    buf_addf(&path, "%s/%s", directory, SQLITE_CATALOG_FILE);
    r = buf_check(&path, err);
    if (r >= 0) {
        r = os_file_create(buf_text(&path), STR_EMPTY, 0666, err);
    }
    if (r < 0 && r != CORRIE_E_EXISTS) {
        return r;
    }
    corrie_error_clear(err);
    r = connect_file(directory, NULL, &self, err);
    if (r >= 0) {
        r = look_inside(self, err);
    }
    if (r == 0) {
        r = make_schema(self, err);
    } else if (r > 0) {
        r = read_number(self, "SELECT count(*) FROM refs", &n_refs, err);
        if (r >= 0) {
            r = read_number(self, "SELECT count(*) FROM objects", &n_objects, err);
        }
        if (r >= 0 && n_refs + n_objects > 0) {
            r = corrie_fail(err, CORRIE_E_EXISTS, "there is a catalog at %s already", directory);
        }
    }
    if (r < 0) {
        return r;
    }
    self = disconnect(self); /* moves everything from the log into the file */
    return os_dir_sync(directory, err);
}
