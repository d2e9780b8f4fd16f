/* expire.c — records that are kept no longer. */
#include "jobs/jobs_priv.h"

#include "base/cancel.h"
#include "base/mem.h"
#include "base/vec.h"

struct record_files {
    struct arena arena;
    VEC(struct str) keys;
    struct str record; /* "…/job.json" */
};

static int add_file(void *arg, struct str key, const struct store_info *info, corrie_error *err)
{
    struct record_files *files = arg;
    struct str kept;

    (void)info;
    if (str_eq(key, files->record)) {
        return 0;
    }
    return arena_str(&files->arena, key, &kept) < 0 || vec_push(&files->keys, kept) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static void record_files_done(struct record_files *files)
{
    vec_done(&files->keys);
    arena_done(&files->arena);
}

/* What the record is read by goes last: so whatever is left of it can be found again. */
static int remove_record(struct store *store, struct catalog *catalog, struct str directory,
                         struct str id, const struct cancel *cancel, corrie_error *err)
{
    _cleanup_(record_files_done) struct record_files files = {.arena = {0}};
    char *prefix = arena_printf(&files.arena, "%.*s/", STR_FMT(directory));
    char *record = arena_printf(&files.arena, "%.*s/job.json", STR_FMT(directory));
    int r;

    if (!prefix || !record) {
        return corrie_fail_memory(err);
    }
    files.record = str_of(record);
    r = store_list(store, str_of(prefix), cancel, add_file, &files, err);
    if (r >= 0 && files.keys.count > 0) {
        r = store_delete_all(store, files.keys.items, files.keys.count, NULL, err);
    }
    r = r < 0 ? r : store_delete(store, files.record, err);
    return r < 0 ? r : catalog_index_delete(catalog, JOB_SPACE, id, err);
}

/* 1 it is gone (or would be), 0 it stays. */
static int expire_one(struct store *store, struct catalog *catalog,
                      const struct jobs_expiry *expiry, const struct catalog_index_entry *entry,
                      corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct job_state state;
    struct str directory;
    int r = cancel_check(expiry->cancel, err);

    if (r < 0 || (r = jobs_state(store, catalog, entry->id, &arena, &state, err)) <= 0) {
        return r; /* 0: another collection was quicker */
    }
    r = state.alive ? 1 : expiry->stays ? expiry->stays(expiry->arg, entry->id, err) : 0;
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = job_directory(entry->time, entry->id, &arena, &directory, err);
    if (r >= 0 && !expiry->dry_run) {
        r = remove_record(store, catalog, directory, entry->id, expiry->cancel, err);
    }
    return r < 0 ? r : 1;
}

struct expiring {
    struct store *store;
    struct catalog *catalog;
    const struct jobs_expiry *expiry;
    int64_t removed;
};

static int visit_old(void *arg, const struct catalog_index_entry *entry, corrie_error *err)
{
    struct expiring *expiring = arg;
    int r = expire_one(expiring->store, expiring->catalog, expiring->expiry, entry, err);

    expiring->removed += r > 0;
    return r < 0 ? r : 0;
}

int jobs_expire(struct store *store, struct catalog *catalog, const struct jobs_expiry *expiry,
                int64_t *ret_removed, corrie_error *err)
{
    struct expiring expiring = {.store = store, .catalog = catalog, .expiry = expiry};
    int r = job_walk(catalog, expiry->before, expiry->cancel, visit_old, &expiring, err);

    if (r >= 0) {
        r = job_expire_queries(store, expiry, &expiring.removed, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "remove old records of jobs");
    }
    *ret_removed = expiring.removed;
    return 0;
}
