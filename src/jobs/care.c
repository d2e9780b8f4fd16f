/* care.c — what gc, prune and fsck need to know of jobs. */
#include "jobs/jobs_priv.h"

#include "base/cancel.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/alive.h"

/* ---- who is alive ---- */

static struct hash commit_in_of(const json_t *record)
{
    struct hash commit = {{0}};

    if (!hash_parse(js_str(json_object_get(record, "commit_in")), &commit)) {
        return (struct hash){{0}};
    }
    return commit;
}

/* The entry of the index, brought up to date by the record where that is needed: it says "running" and may have ended, or
 * it was written before entries had `commit_in`. *ret is a new reference. */
static int entry_now(struct store *store, const struct catalog_index_entry *entry,
                     struct str directory, json_t **ret, corrie_error *err)
{
    _json_ json_t *item = NULL;
    _json_ json_t *record = NULL;
    int r;

    r = js_parse(entry->json, "the index of jobs", &item, err);
    if (r < 0) {
        return r;
    }
    if (job_says_running(item) || !json_object_get(item, "commit_in")) {
        r = job_read(store, directory, &record, err);
        if (r == CORRIE_E_NO_MEMORY || r == CORRIE_E_CANCELLED) {
            return r;
        }
        if (r >= 0) {
            *ret = TAKE_PTR(record);
            return 0;
        }
        corrie_error_clear(err); /* a record that cannot be read: the entry is what there is */
    }
    *ret = TAKE_PTR(item);
    return 0;
}

static int state_of(struct store *store, const struct catalog_index_entry *entry,
                    struct arena *arena, struct job_state *ret, corrie_error *err)
{
    _json_ json_t *item = NULL;
    struct job_state state = {.started = entry->time};
    struct str directory;
    int r;

    r = job_directory(entry->time, entry->id, arena, &directory, err);
    if (r < 0 || (r = entry_now(store, entry, directory, &item, err)) < 0) {
        return r;
    }
    state.alive = job_says_running(item) && alive_by_record(store, directory, item);
    state.commit_in = commit_in_of(item);
    if (arena_str(arena, js_str(json_object_get(item, "ref")), &state.ref) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = state;
    return 0;
}

int jobs_state(struct store *store, struct catalog *catalog, struct str id, struct arena *arena,
               struct job_state *ret, corrie_error *err)
{
    struct catalog_index_entry entry;
    int r;

    r = catalog_index_get(catalog, JOB_SPACE, id, arena, &entry, err);
    if (r <= 0) {
        return r;
    }
    r = state_of(store, &entry, arena, ret, err);
    return r < 0 ? corrie_wrap(err, "look at job %.*s", STR_FMT(id)) : 1;
}

/* ---- what they hold ---- */

struct holding {
    struct store *store;
    int64_t since;
    jobs_commit_fn commit;
    void *arg;
    int64_t oldest;
};

static int hold(struct holding *holding, const struct catalog_index_entry *entry, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct job_state state;
    int r;

    if (entry->time < holding->since &&
        str_find_str(entry->json, STR("\"status\":\"running\"")) < 0) {
        return 0; /* the entry is canonical JSON, and old ones that have ended are most of all */
    }
    r = state_of(holding->store, entry, &arena, &state, err);
    if (r < 0) {
        return r;
    }
    if (state.alive && entry->time < holding->oldest) {
        holding->oldest = entry->time;
    }
    if (hash_is_zero(&state.commit_in) || (!state.alive && entry->time < holding->since)) {
        return 0;
    }
    return holding->commit(holding->arg, &state.commit_in, err);
}

static int visit_held(void *arg, const struct catalog_index_entry *entry, corrie_error *err)
{
    int r = hold(arg, entry, err);

    return r < 0 ? r : 0; /* all of them, whatever was answered */
}

int jobs_held(struct store *store, struct catalog *catalog, int64_t since,
              const struct cancel *cancel, jobs_commit_fn commit, void *arg, int64_t *ret_oldest,
              corrie_error *err)
{
    struct holding holding = {
        .store = store, .since = since, .commit = commit, .arg = arg, .oldest = INT64_MAX};
    int r = job_walk(catalog, INT64_MAX, cancel, visit_held, &holding, err);

    if (r < 0) {
        return corrie_wrap(err, "look which jobs are alive");
    }
    *ret_oldest = holding.oldest;
    return 0;
}

/* ---- the index, made again ---- */

struct reindexing {
    struct store *store;
    struct catalog *catalog;
    bool add;
    jobs_unlisted_fn found;
    void *arg;
};

/* "jobs/2026-11-20/<id>/job.json" -> its parts; false for other files. */
static bool parse_key(struct str key, struct str *ret_directory, struct str *ret_date,
                      struct str *ret_id)
{
    const struct str ending = STR("/job.json");
    struct uuid id;
    struct str rest;
    struct str kind;

    if (!str_ends(key, ending)) {
        return false;
    }
    *ret_directory = str_slice(key, 0, key.len - ending.len);
    return str_cut(*ret_directory, '/', &kind, &rest) && str_cut(rest, '/', ret_date, ret_id) &&
           uuid_parse(*ret_id, &id);
}

/* Reads the record; it must be that of its place, or nobody would find it there again. */
static int read_whole(const struct reindexing *reindexing, struct str directory, struct str date,
                      struct str id, json_t **ret, int64_t *ret_started, corrie_error *err)
{
    struct str started = STR_EMPTY;
    struct str job = STR_EMPTY;
    int r;

    r = job_read(reindexing->store, directory, ret, err);
    if (r < 0 || (r = js_get_str(*ret, "job", &job, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_str(*ret, "started", &started, CORRIE_E_CORRUPT, err)) < 0) {
        return r;
    }
    if (!str_eq(job, id) || !clock_parse(started, ret_started) || !str_starts(started, date)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the record is another job's");
    }
    return 0;
}

static int reindex_record(void *arg, struct str key, const struct store_info *info,
                          corrie_error *err)
{
    const struct reindexing *reindexing = arg;
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error broken = CORRIE_ERROR_INIT;
    _json_ json_t *record = NULL;
    struct catalog_index_entry entry;
    struct job_unlisted job = {.ended = false};
    struct str directory;
    struct str date;
    int64_t started = 0;
    int r;

    (void)info;
    if (!parse_key(key, &directory, &date, &job.id)) {
        return 0;
    }
    r = catalog_index_get(reindexing->catalog, JOB_SPACE, job.id, &arena, &entry, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = read_whole(reindexing, directory, date, job.id, &record, &started, &broken);
    if (r == CORRIE_E_NO_MEMORY || r == CORRIE_E_CANCELLED) {
        return corrie_error_move(err, &broken);
    }
    if (r == CORRIE_E_NOT_FOUND) {
        return 0; /* gone since it was listed */
    }
    if (r < 0) {
        job.broken = corrie_error_message(&broken);
    } else {
        job.ended = !job_says_running(record);
        r = reindexing->add ? job_put_index(reindexing->catalog, record, job.id, started, err) : 0;
        if (r < 0) {
            return r;
        }
    }
    return reindexing->found(reindexing->arg, &job, err);
}

int jobs_reindex(struct store *store, struct catalog *catalog, bool add,
                 const struct cancel *cancel, jobs_unlisted_fn found, void *arg, corrie_error *err)
{
    struct reindexing reindexing = {
        .store = store, .catalog = catalog, .add = add, .found = found, .arg = arg};
    int r = store_list(store, STR("jobs/"), cancel, reindex_record, &reindexing, err);

    return r < 0 ? corrie_wrap(err, "go through the records of jobs") : 0;
}
