/* sqlite_log.c — the reflog and the index of records in SQLite. */
#include "catalog/sqlite_priv.h"

static struct sqlite_backend *of(struct backend *backend)
{
    return (struct sqlite_backend *)backend;
}

int sqlite_reflog(struct backend *backend, struct str ref, uint64_t before, size_t limit,
                  struct arena *arena, struct catalog_reflog_entry **ret, size_t *ret_n,
                  corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    struct catalog_reflog_entry *entries = arena_array(arena, struct catalog_reflog_entry, limit);
    size_t n = 0;
    int r;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    r = sqlite_statement(self, SQL_REFLOG_LIST, &statement, err);
    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, ref);
    (void)sqlite3_bind_int64(statement, 2, before == 0 ? INT64_MAX : (int64_t)before);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)limit);
    while ((r = sqlite_step(self, statement, "read the reflog", err)) > 0) {
        struct catalog_reflog_entry *entry = &entries[n++];

        entry->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
        entry->kind = (enum catalog_ref_kind)sqlite3_column_int(statement, 1);
        entry->old_commit = sqlite_column_hash(statement, 2);
        entry->new_commit = sqlite_column_hash(statement, 3);
        entry->when = sqlite3_column_int64(statement, 4);
        r = sqlite_column_str(statement, 5, arena, &entry->who, err);
        if (r >= 0) {
            r = sqlite_column_str(statement, 6, arena, &entry->why, err);
        }
        if (r < 0) {
            return r;
        }
    }
    if (r < 0) {
        return r;
    }
    *ret = entries;
    *ret_n = n;
    return 0;
}

int sqlite_reflog_commits(struct backend *backend, int64_t since, backend_name_fn each, void *arg,
                          corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_REFLOG_COMMITS, &statement, err);

    if (r < 0) {
        return r;
    }
    (void)sqlite3_bind_int64(statement, 1, since);
    while ((r = sqlite_step(self, statement, "read the reflog", err)) > 0) {
        struct hash name = sqlite_column_hash(statement, 0);

        r = each(arg, &name, err);
        if (r < 0) {
            return r;
        }
    }
    return r;
}

int sqlite_reflog_names(struct backend *backend, struct arena *arena, struct str **ret,
                        size_t *ret_n, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    VEC(struct str) names = {0};
    struct str *copy = NULL;
    int r = sqlite_statement(self, SQL_REFLOG_NAMES, &statement, err);

    while (r >= 0 && (r = sqlite_step(self, statement, "read the reflog", err)) > 0) {
        struct str name;

        r = sqlite_column_str(statement, 0, arena, &name, err);
        if (r >= 0 && vec_push(&names, name) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r >= 0) {
        copy = arena_array(arena, struct str, names.count);
        r = copy ? 0 : corrie_fail_memory(err);
    }
    if (r >= 0) {
        if (names.count > 0) {
            memcpy(copy, names.items, names.count * sizeof *copy);
        }
        *ret = copy;
        *ret_n = names.count;
    }
    vec_done(&names);
    return r;
}

/* ---- records ---- */

int sqlite_index_put(struct backend *backend, struct str space,
                     const struct catalog_index_entry *entry, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_INDEX_PUT, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, space);
    sqlite_bind_str(statement, 2, entry->id);
    (void)sqlite3_bind_int64(statement, 3, entry->time);
    sqlite_bind_str(statement, 4, entry->json);
    return sqlite_step(self, statement, "write a record", err);
}

static int read_entry(sqlite3_stmt *statement, struct arena *arena, struct catalog_index_entry *ret,
                      corrie_error *err)
{
    int r = sqlite_column_str(statement, 0, arena, &ret->id, err);

    ret->time = sqlite3_column_int64(statement, 1);
    return r < 0 ? r : sqlite_column_str(statement, 2, arena, &ret->json, err);
}

int sqlite_index_get(struct backend *backend, struct str space, struct str id, struct arena *arena,
                     struct catalog_index_entry *ret, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    struct catalog_index_entry entry;
    int r = sqlite_statement(self, SQL_INDEX_GET, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, space);
    sqlite_bind_str(statement, 2, id);
    r = sqlite_step(self, statement, "read a record", err);
    if (r <= 0) {
        return r;
    }
    r = read_entry(statement, arena, &entry, err);
    if (r < 0) {
        return r;
    }
    *ret = entry;
    return 1;
}

int sqlite_index_list(struct backend *backend, struct str space, struct str id_prefix,
                      const struct catalog_index_entry *after, size_t limit, struct arena *arena,
                      struct catalog_index_entry **ret, size_t *ret_n, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    struct catalog_index_entry *entries = arena_array(arena, struct catalog_index_entry, limit);
    size_t n = 0;
    int r;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    r = sqlite_statement(self, SQL_INDEX_LIST, &statement, err);
    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, space);
    (void)sqlite3_bind_int64(statement, 2, after ? after->time : INT64_MAX);
    sqlite_bind_str(statement, 3, after ? after->id : STR("\xf4\x8f\xbf\xbf"));
    (void)sqlite3_bind_int64(statement, 4, (int64_t)id_prefix.len); /* ids are ASCII */
    sqlite_bind_str(statement, 5, id_prefix);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)limit);
    while ((r = sqlite_step(self, statement, "list records", err)) > 0) {
        r = read_entry(statement, arena, &entries[n++], err);
        if (r < 0) {
            return r;
        }
    }
    if (r < 0) {
        return r;
    }
    *ret = entries;
    *ret_n = n;
    return 0;
}

int sqlite_index_delete(struct backend *backend, struct str space, struct str id, corrie_error *err)
{
    struct sqlite_backend *self = of(backend);
    _reset_ sqlite3_stmt *statement = NULL;
    int r = sqlite_statement(self, SQL_INDEX_DELETE, &statement, err);

    if (r < 0) {
        return r;
    }
    sqlite_bind_str(statement, 1, space);
    sqlite_bind_str(statement, 2, id);
    r = sqlite_step(self, statement, "remove a record", err);
    return r < 0 ? r : sqlite3_changes(self->db) > 0;
}
