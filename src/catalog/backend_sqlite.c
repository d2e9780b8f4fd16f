/* backend_sqlite.c — objects, refs and commits in one SQLite file (schema: sqlite_connect.c,
 * docs/formats/refs.md). */
#include "base/clock.h"
#include "catalog/sqlite_priv.h"

static struct sqlite_backend *of(struct backend *backend)
{
    return (struct sqlite_backend *)backend;
}

/* ---- transactions ---- */

int sqlite_run(struct sqlite_backend *self, enum sql which, const char *attempted,
               corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, which, &statement, err);

    return r < 0 ? r : sqlite_step(self, statement, attempted, err);
}

void sqlite_roll_back(struct sqlite_backend *self)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (!sqlite3_get_autocommit(self->db)) {
        (void)sqlite_run(self, SQL_ROLLBACK, "roll back", &ignored);
    }
}

static int start(struct sqlite_backend *self, const char *attempted, corrie_error *err)
{
    sqlite3_stmt *statement;
    int r;

    /* Where memory runs out the way back must not need any. */
    r = sqlite_statement(self, SQL_ROLLBACK, &statement, err);
    if (r < 0) {
        return r;
    }
    sqlite_roll_back(self); /* an earlier one that could not be ended then */
    return sqlite_run(self, SQL_BEGIN, attempted, err);
}

int sqlite_begin(struct sqlite_backend *self, const char *attempted, corrie_error *err)
{
    if (self->held) { /* hold() began it */
        self->held = false;
        return 0;
    }
    return start(self, attempted, err);
}

static int sqlite_hold(struct backend *backend, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    int r = self->held ? 0 : start(self, "commit", err);

    if (r >= 0) {
        self->held = true;
    }
    return r;
}

static void sqlite_release(struct backend *backend)
{
    struct sqlite_backend *self = of(backend);

    if (self->held) {
        self->held = false;
        sqlite_roll_back(self);
    }
}

/* ---- objects ---- */

static int get_one(struct sqlite_backend *self, const struct hash *name, size_t index,
                   backend_object_fn each, void *arg, corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    struct backend_object object = {.name = *name};
    int r = sqlite_statement(self, SQL_OBJECT_GET, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_hash(statement, 1, name);
    r = sqlite_step(self, statement, "read an object", err);
    if (r <= 0) {
        return r;
    }
    object.type = sqlite3_column_int(statement, 0);
    object.stored.data = sqlite3_column_blob(statement, 1);
    object.stored.len = (size_t)sqlite3_column_bytes(statement, 1);
    if (!object.stored.data && sqlite3_errcode(self->db) == SQLITE_NOMEM) {
        return corrie_fail_memory(err);
    }
    return each(arg, index, &object, err);
}

/* Several are read in one transaction: taking and giving back the lock of each reader costs as much
 * as reading an object does (measured). */
static int sqlite_get_objects(struct backend *backend, const struct hash *names, size_t n,
                              backend_object_fn each, void *arg, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    bool alone = n > 1 && sqlite3_get_autocommit(self->db);
    sqlite3_stmt *way_back;
    int r = 0;

    if (alone) {
        r = sqlite_statement(self, SQL_ROLLBACK, &way_back, err);
        if (r >= 0) {
            r = sqlite_run(self, SQL_BEGIN_READ, "read objects", err);
        }
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = get_one(self, &names[i], i, each, arg, err);
    }
    if (alone) {
        sqlite_roll_back(self);
    }
    return r < 0 ? r : 0;
}

/* A new object takes the next position. SQLite gives the largest id and one; after a removal that
 * may have been given before. */
struct positions {
    int64_t next; /* 0: SQLite's is right */
};

static int next_position(struct sqlite_backend *self, int64_t never_given, struct positions *ret,
                         corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_OBJECT_LAST, &statement, err);

    if (r >= 0) {
        r = sqlite_step(self, statement, "read the catalog", err);
    }
    if (r < 0) {
        return r;
    }
    ret->next = sqlite3_column_int64(statement, 0) + 1 < never_given ? never_given : 0;
    return 0;
}

static int put_one(struct sqlite_backend *self, const struct backend_object *object, int64_t stamp,
                   struct positions *positions, corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_OBJECT_PUT, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_hash(statement, 1, &object->name);
    (void)sqlite3_bind_int(statement, 2, object->type);
    (void)sqlite3_bind_int64(statement, 3, stamp);
    (void)sqlite3_bind_blob64(statement, 4, object->stored.data, object->stored.len, SQLITE_STATIC);
    if (positions->next > 0) {
        (void)sqlite3_bind_int64(statement, 5, positions->next);
    }
    r = sqlite_step(self, statement, "store an object", err);
    if (r >= 0 && positions->next > 0 && sqlite3_last_insert_rowid(self->db) == positions->next) {
        positions->next = 0;
    }
    return r;
}

static int64_t seconds(int64_t time)
{
    return time / 1000000000;
}

/* A stamp that no collection so far looks upon as old, whatever the clock says. */
static int64_t new_stamp(const struct backend_state *state)
{
    int64_t now = clock_now();

    return seconds(now > state->fence ? now : state->fence);
}

static int put_all(struct sqlite_backend *self, const struct backend_state *state, int64_t next,
                   const struct backend_object *objects, size_t n, corrie_error *err)
{
    struct positions positions = {0};
    int64_t stamp = new_stamp(state);
    int r = 0;

    if (n > 0 && next > 1) {
        r = next_position(self, next, &positions, err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = put_one(self, &objects[i], stamp, &positions, err);
    }
    return r;
}

static int sqlite_put_objects(struct backend *backend, const struct backend_object *objects,
                              size_t n, uint64_t removals, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    struct backend_state state;
    int64_t next;
    int r = sqlite_begin(self, "store objects", err);

    if (r >= 0) {
        r = sqlite_read_state(self, &state, &next, err);
    }
    if (r >= 0 && removals != 0 && state.removals != removals) {
        sqlite_roll_back(self);
        return 1;
    }
    if (r >= 0) {
        r = put_all(self, &state, next, objects, n, err);
    }
    if (r >= 0) {
        r = sqlite_run(self, SQL_COMMIT, "store objects", err);
    }
    if (r < 0) {
        sqlite_roll_back(self);
    }
    return r;
}

static int sqlite_find_missing(struct backend *backend, const struct hash *names, size_t n,
                               size_t *ret_index, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    size_t i = 0;
    int r = 1;

    for (; i < n; i++) {
        _reset_ sqlite3_stmt *statement = NULL;

        r = sqlite_statement(self, SQL_OBJECT_HAS, &statement, err);
        if (r >= 0) {
            sqlite_bind_hash(statement, 1, &names[i]);
            r = sqlite_step(self, statement, "look for an object", err);
        }
        if (r <= 0) {
            break;
        }
    }
    if (r < 0) {
        return r;
    }
    *ret_index = i;
    return 0;
}

static int sqlite_find_objects(struct backend *backend, int type, const struct hash *prefix,
                               unsigned n_bits, size_t limit, backend_name_fn each, void *arg,
                               corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    struct hash last = *prefix;
    int r = sqlite_statement(self, SQL_OBJECT_FIND, &statement, err);

    if (r < 0) {
        return r;
    }
    for (unsigned bit = n_bits; bit < 8 * HASH_BYTES; bit++) {
        last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    (void)sqlite3_bind_blob64(statement, 1, prefix->bytes, HASH_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(statement, 2, last.bytes, HASH_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 3, type);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)limit);
    while ((r = sqlite_step(self, statement, "look for objects", err)) > 0) {
        struct hash name = sqlite_column_hash(statement, 0);

        r = each(arg, &name, err);
        if (r < 0) {
            return r;
        }
    }
    return r;
}

/* ---- refs ---- */

static int sqlite_get_ref(struct backend *backend, struct str name, struct catalog_ref *ret,
                          corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_REF_GET, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, name);
    r = sqlite_step(self, statement, "read a ref", err);
    if (r <= 0) {
        return r;
    }
    ret->name = name;
    ret->kind = (enum catalog_ref_kind)sqlite3_column_int(statement, 0);
    ret->commit = sqlite_column_hash(statement, 1);
    return 1;
}

static int sqlite_list_refs(struct backend *backend, struct str prefix, int kind, struct str after,
                            size_t limit, struct arena *arena, struct catalog_ref **ret,
                            size_t *ret_n, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    struct catalog_ref *refs = arena_array(arena, struct catalog_ref, limit);
    size_t n = 0;
    int r;

    if (!refs) {
        return corrie_fail_memory(err);
    }
    r = sqlite_statement(self, SQL_REF_LIST, &statement, err);
    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, prefix);
    sqlite_bind_str(statement, 2, after);
    (void)sqlite3_bind_int(statement, 3, kind);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)limit);
    while ((r = sqlite_step(self, statement, "list refs", err)) > 0) {
        r = sqlite_column_str(statement, 0, arena, &refs[n].name, err);
        if (r < 0) {
            return r;
        }
        refs[n].kind = (enum catalog_ref_kind)sqlite3_column_int(statement, 1);
        refs[n++].commit = sqlite_column_hash(statement, 2);
    }
    if (r < 0) {
        return r;
    }
    *ret = refs;
    *ret_n = n;
    return 0;
}

/* ---- commit ---- */

/* Whether the ref stands where the mover saw it; *ret_kind is what it is or will be. */
static int check_expected(struct sqlite_backend *self, const struct catalog_move *move,
                          enum catalog_ref_kind *ret_kind, corrie_error *err)
{
    const char *kind = catalog_ref_kind_name(move->kind);
    struct catalog_ref ref;
    int r = sqlite_get_ref(&self->backend, move->ref, &ref, err);

    if (r < 0) {
        return r;
    }
    *ret_kind = r > 0 ? ref.kind : move->kind;
    if (r > 0 && hash_is_zero(&move->expected)) {
        return corrie_fail(err, CORRIE_E_EXISTS, "%s %.*s exists already",
                           catalog_ref_kind_name(ref.kind), STR_FMT(move->ref));
    }
    if (r == 0 && !hash_is_zero(&move->expected)) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "%s %.*s does not exist any more",
                           kind ? kind : "ref", STR_FMT(move->ref));
    }
    if (r > 0 && !hash_eq(&ref.commit, &move->expected)) {
        corrie_fail(err, CORRIE_E_CONFLICT, "%s %.*s was moved by somebody else meanwhile",
                    catalog_ref_kind_name(ref.kind), STR_FMT(move->ref));
        err->retryable = true;
        return corrie_hint(err, "look at the new head and try again");
    }
    return 0;
}

static int stamp_anew(struct sqlite_backend *self, const struct hash *name, int64_t stamp,
                      corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_OBJECT_STAMP, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_hash(statement, 1, name);
    (void)sqlite3_bind_int64(statement, 2, stamp);
    return sqlite_step(self, statement, "stamp a commit", err);
}

/* The commit to go to is there; if it was before, a collection that has begun is told to spare it. */
static int check_target(struct sqlite_backend *self, const struct backend_state *state,
                        const struct backend_object *objects, size_t n, const struct hash *target,
                        corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    char hex[HASH_HEX + 1];
    int r;

    for (size_t i = n; i-- > 0;) {
        if (objects[i].type == OBJECT_COMMIT && hash_eq(&objects[i].name, target)) {
            return 0;
        }
    }
    r = sqlite_statement(self, SQL_OBJECT_HAS, &statement, err);
    if (r >= 0) {
        sqlite_bind_hash(statement, 1, target);
        r = sqlite_step(self, statement, "look for a commit", err);
    }
    if (r == 0 || (r > 0 && sqlite3_column_int(statement, 0) != OBJECT_COMMIT)) {
        hash_hex(target, hex);
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no commit %.12s", hex);
    }
    if (r < 0 || sqlite3_column_int64(statement, 1) >= seconds(state->fence)) {
        return r < 0 ? r : 0;
    }
    return stamp_anew(self, target, new_stamp(state), err);
}

static int write_ref(struct sqlite_backend *self, const struct catalog_move *move,
                     enum catalog_ref_kind kind, corrie_error *err)
{
    bool deletes = hash_is_zero(&move->new_commit);
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, deletes ? SQL_REF_DELETE : SQL_REF_PUT, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, move->ref);
    if (!deletes) {
        (void)sqlite3_bind_int(statement, 2, (int)kind);
        sqlite_bind_hash(statement, 3, &move->new_commit);
    }
    return sqlite_step(self, statement, "move a ref", err);
}

static int write_reflog(struct sqlite_backend *self, const struct catalog_move *move,
                        enum catalog_ref_kind kind, corrie_error *err)
{
    _reset_ sqlite3_stmt *last = NULL;
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_REFLOG_NEXT, &last, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(last, 1, move->ref);
    r = sqlite_step(self, last, "read the reflog", err);
    if (r >= 0) {
        r = sqlite_statement(self, SQL_REFLOG_PUT, &statement, err);
    }
    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, move->ref);
    (void)sqlite3_bind_int64(statement, 2, sqlite3_column_int64(last, 0) + 1);
    (void)sqlite3_bind_int(statement, 3, (int)kind);
    sqlite_bind_hash(statement, 4, &move->expected);
    sqlite_bind_hash(statement, 5, &move->new_commit);
    (void)sqlite3_bind_int64(statement, 6, move->when);
    sqlite_bind_str(statement, 7, move->who);
    sqlite_bind_str(statement, 8, move->why);
    return sqlite_step(self, statement, "write the reflog", err);
}

/* Whether a collection came between. 1: objects were removed that this may name. */
static int check_collection(const struct backend_state *state, const struct catalog_move *move,
                            uint64_t removals, corrie_error *err)
{
    if ((move->since != 0 && move->since < state->fence) ||
        (move->generation != 0 && move->generation != state->generation)) {
        corrie_fail(err, CORRIE_E_CONFLICT, "%.*s: a collection (gc) came between",
                    STR_FMT(move->ref));
        err->retryable = true;
        return corrie_hint(err, "try again");
    }
    return removals != 0 && removals != state->removals;
}

static int move_inside(struct sqlite_backend *self, const struct backend_state *state,
                       const struct backend_object *objects, size_t n,
                       const struct catalog_move *move, enum catalog_ref_kind kind,
                       corrie_error *err)
{
    int r = 0;

    if (!hash_is_zero(&move->new_commit)) {
        r = check_target(self, state, objects, n, &move->new_commit, err);
    }
    if (r >= 0) {
        r = write_ref(self, move, kind, err);
    }
    return r < 0 ? r : write_reflog(self, move, kind, err);
}

/* Of a ref that was deleted just now. */
static int check_another(struct sqlite_backend *self, enum catalog_ref_kind kind, corrie_error *err)
{
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_REF_LIST, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, STR_EMPTY);
    sqlite_bind_str(statement, 2, STR_EMPTY);
    (void)sqlite3_bind_int(statement, 3, (int)kind);
    (void)sqlite3_bind_int64(statement, 4, 1);
    r = sqlite_step(self, statement, "look for another ref", err);
    return r == 0 ? corrie_fail(err, CORRIE_E_REFUSED, "it is the only %s",
                                catalog_ref_kind_name((int)kind))
                  : r;
}

static int commit_inside(struct sqlite_backend *self, const struct backend_object *objects,
                         size_t n, const struct catalog_move *move, uint64_t removals,
                         corrie_error *err)
{
    struct backend_state state;
    enum catalog_ref_kind kind;
    enum catalog_ref_kind also_kind = 0;
    int64_t next;
    int r = check_expected(self, move, &kind, err);

    if (r >= 0 && move->also) {
        r = check_expected(self, move->also, &also_kind, err);
    }
    if (r >= 0) {
        r = sqlite_read_state(self, &state, &next, err);
    }
    if (r >= 0) {
        r = check_collection(&state, move, n > 0 ? removals : 0, err);
    }
    if (r != 0) {
        return r;
    }
    r = put_all(self, &state, next, objects, n, err);
    if (r >= 0) {
        r = move_inside(self, &state, objects, n, move, kind, err);
    }
    if (r >= 0 && move->also) {
        r = move_inside(self, &state, objects, n, move->also, also_kind, err);
    }
    if (r >= 0 && move->leaves_another && hash_is_zero(&move->new_commit)) {
        r = check_another(self, kind, err);
    }
    return r < 0 ? r : sqlite_run(self, SQL_COMMIT, "commit", err);
}

static int sqlite_commit(struct backend *backend, const struct backend_object *objects, size_t n,
                         const struct catalog_move *move, uint64_t removals, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    int r = sqlite_begin(self, "commit", err);

    if (r >= 0) {
        r = commit_inside(self, objects, n, move, removals, err);
    }
    if (r != 0) {
        sqlite_roll_back(self);
    }
    return r;
}

/* ---- check ---- */

static int sqlite_check(struct backend *backend,
                        int (*problem)(void *arg, struct str what, corrie_error *err), void *arg,
                        corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    sqlite3_stmt *statement = NULL;
    int r = sqlite3_prepare_v2(self->db, "PRAGMA integrity_check(100)", -1, &statement, NULL);

    if (r == SQLITE_OK) {
        while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(statement, 0);
            int stop;

            if (text && strcmp(text, "ok") == 0) {
                continue;
            }
            stop = problem(arg, str_of(text ? text : "damaged"), err);
            if (stop < 0) {
                (void)sqlite3_finalize(statement);
                return stop;
            }
        }
    }
    if (r != SQLITE_DONE) {
        r = (r & 0xff) == SQLITE_CORRUPT || (r & 0xff) == SQLITE_NOTADB
                ? problem(arg, str_of(sqlite3_errmsg(self->db)), err)
                : sqlite_fail(self, r, "check", err);
    } else {
        r = 0;
    }
    (void)sqlite3_finalize(statement);
    return r < 0 ? r : 0;
}

static int count_problem(void *arg, struct str what, corrie_error *err)
{
    (void)what;
    (void)err;
    ++*(size_t *)arg;
    return 0;
}

/* Indexes are made again of their tables; that the tables themselves are sound is seen only afterwards. */
static int sqlite_repair(struct backend *backend, bool dry_run, corrie_error *err)
{
    struct sqlite_backend *self = (struct sqlite_backend *)backend;
    size_t problems = 0;
    int r = sqlite_begin(self, "repair", err);

    if (r < 0) {
        return r;
    }
    r = sqlite3_exec(self->db, "REINDEX", NULL, NULL, NULL);
    if ((r & 0xff) == SQLITE_CORRUPT || (r & 0xff) == SQLITE_CONSTRAINT) {
        sqlite_roll_back(self);
        return 0;
    }
    r = r == SQLITE_OK ? sqlite_check(backend, count_problem, &problems, err)
                       : sqlite_fail(self, r, "repair", err);
    if (r < 0 || problems > 0 || dry_run) {
        sqlite_roll_back(self);
        return r < 0 ? r : problems == 0;
    }
    r = sqlite_run(self, SQL_COMMIT, "repair", err);
    if (r < 0) {
        sqlite_roll_back(self);
        return r;
    }
    return 1;
}

const struct backend_ops *sqlite_ops(void)
{
    static const struct backend_ops ops = {
        .name = "sqlite",
        .close = sqlite_close,
        .get_objects = sqlite_get_objects,
        .put_objects = sqlite_put_objects,
        .find_missing = sqlite_find_missing,
        .find_objects = sqlite_find_objects,
        .get_ref = sqlite_get_ref,
        .list_refs = sqlite_list_refs,
        .commit = sqlite_commit,
        .hold = sqlite_hold,
        .release = sqlite_release,
        .reflog = sqlite_reflog,
        .reflog_commits = sqlite_reflog_commits,
        .reflog_names = sqlite_reflog_names,
        .index_put = sqlite_index_put,
        .index_get = sqlite_index_get,
        .index_list = sqlite_index_list,
        .index_delete = sqlite_index_delete,
        .state = sqlite_state,
        .advance = sqlite_advance,
        .list_objects = sqlite_list_objects,
        .scan_objects = sqlite_scan_objects,
        .remove_objects = sqlite_remove_objects,
        .shrink = sqlite_shrink,
        .freeze = sqlite_freeze,
        .thaw = sqlite_thaw,
        .check = sqlite_check,
        .repair = sqlite_repair,
    };

    return &ops;
}
