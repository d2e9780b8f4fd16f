/* expire.c — snapshots leave the history of a table's metadata. */
#include <string.h>

#include <corrie/care.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "jobs/jobs.h"
#include "lake/alter.h"
#include "lake/rewrite.h"
#include "lang/name.h"

#define MS INT64_C(1000000)
#define OLD_SECONDS (5 * 24 * 3600) /* as Iceberg's history.expire.max-snapshot-age-ms has it */

struct expire {
    struct lake *lake;
    const corrie_expire_options *options;
    struct arena arena;
    struct str ns;
    struct str name;
    struct str branch;
    struct job *job;
    struct lake_tx *tx;
    struct lake_target target;
    json_t *expired; /* the answer's list */
    size_t n_expired;
    int64_t files;
    int64_t bytes;
    bool committed;
    struct hash commit;
    char *json; /* the answer, made before the branch moves */
};

static void expire_done(struct expire *e)
{
    lake_target_done(&e->target);
    lake_tx_free(e->tx);
    job_free(e->job);
    json_decref(e->expired);
    mem_free(e->json);
    arena_done(&e->arena);
}

/* ---- the answer ---- */

static int answer(struct expire *e, corrie_error *err)
{
    _json_ json_t *doc = json_object();
    size_t kept = e->target.metadata->n_snapshots - e->n_expired;
    int r;

    r = js_set_str(doc, "namespace", e->ns);
    r |= js_set_str(doc, "table", e->name);
    r |= js_set_str(doc, "branch", e->branch);
    r |= js_set_hash(doc, "commit", e->committed ? &e->commit : NULL);
    r |= js_set(doc, "job", e->job ? js_string(job_id(e->job)) : json_null());
    r |= js_set_bool(doc, "dry_run", e->options->dry_run);
    r |= js_set(doc, "expired", json_incref(e->expired));
    r |= js_set_int(doc, "kept", (int64_t)kept);
    r |= js_set_int(doc, "files", e->files);
    r |= js_set_int(doc, "bytes", e->bytes);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    mem_free(e->json);
    e->json = NULL;
    return js_give(TAKE_PTR(doc), &e->json, err);
}

static int on_publish(void *data, const struct hash *commit, bool changed, corrie_error *err)
{
    struct expire *e = data;

    e->committed = changed;
    e->commit = *commit;
    return answer(e, err);
}

/* ---- what goes ---- */

static int list_snapshot(struct expire *e, const struct snapshot *snapshot, corrie_error *err)
{
    json_t *item = json_object();
    char time[CLOCK_TEXT_MAX];
    int r;

    clock_format(snapshot->timestamp_ms * MS, time);
    r = js_set_int(item, "snapshot_id", snapshot->id);
    r |= js_set_str(item, "time", str_of(time));
    r |= js_set_str(item, "operation", snapshot->operation);
    r |= json_array_append_new(e->expired, item);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int count_freed(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct expire *e = arg;

    (void)err;
    if (file->kind == FILE_DATA || file->kind == FILE_DELETES) {
        e->files++;
        e->bytes = count_add(e->bytes, file->bytes > 0 ? file->bytes : 0);
    }
    return 0;
}

/* Finds out what the options let go: *ret_ids says so in a way that time does not change. */
static int look(struct expire *e, int64_t **ret_ids, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *after = NULL;
    const struct table_metadata *before = e->target.metadata;
    int64_t now_ms = clock_now() / MS;
    int64_t age = e->options->older_than_seconds < 0 ? OLD_SECONDS : e->options->older_than_seconds;
    struct expire_options options = {.older_than_ms = age > now_ms / 1000 ? 0 : now_ms - age * 1000,
                                     .keep_last = e->options->keep};
    int64_t *ids = arena_array(&e->arena, int64_t, before->n_snapshots);
    size_t n_expired;
    int r;

    if (!ids) {
        return corrie_fail_memory(err);
    }
    r = metadata_expire(before, &options, now_ms, &after, &n_expired, err);
    for (size_t i = 0; r >= 0 && i < before->n_snapshots; i++) {
        if (!metadata_snapshot_by_id(after, before->snapshots[i].id)) {
            ids[e->n_expired++] = before->snapshots[i].id;
            r = list_snapshot(e, &before->snapshots[i], err);
        }
    }
    if (r >= 0 && e->n_expired > 0) {
        r = history_freed(lake_io(e->lake), before, after, count_freed, e, err);
    }
    *ret_ids = ids;
    return r;
}

static int publish(struct expire *e, const int64_t *ids, corrie_error *err)
{
    struct expire_options expire = {.keep_last = 1, .ids = ids, .n_ids = e->n_expired};
    struct lake_alter alter = {.ns = e->ns, .name = e->name, .expire = &expire};
    struct lake_publish publish = {.message = str_of(e->options->message),
                                   .accept_taint = e->options->accept_taint,
                                   .ready = on_publish,
                                   .ready_data = e};
    int r = lake_tx_alter(e->tx, &alter, &e->arena, NULL, err);

    if (r < 0) {
        return r;
    }
    if (publish.message.len == 0) {
        publish.message =
            str_of(arena_printf(&e->arena, "Expire %zu snapshot%s of %.*s.%.*s", e->n_expired,
                                e->n_expired == 1 ? "" : "s", STR_FMT(e->ns), STR_FMT(e->name)));
    }
    return lake_tx_publish(e->tx, &publish, &e->commit, err);
}

/* What is to go, in a transaction: the job's, once there is one. */
static int begin(struct expire *e, int64_t **ret_ids, corrie_error *err)
{
    struct lake_tx_options options = {.branch = e->branch,
                                      .job = e->job ? job_id(e->job) : STR_EMPTY};
    int r;

    lake_target_done(&e->target);
    e->target = (struct lake_target){0};
    e->tx = lake_tx_free(e->tx);
    json_decref(e->expired);
    e->expired = json_array();
    e->n_expired = 0;
    e->files = e->bytes = 0;
    if (!e->expired) {
        return corrie_fail_memory(err);
    }
    if ((r = lake_tx_begin(e->lake, &options, &e->tx, err)) < 0 ||
        (r = lake_target_open(e->tx, e->ns, e->name, &e->arena, &e->target, err)) < 0) {
        return r;
    }
    return look(e, ret_ids, err);
}

/* ---- the job around it ---- */

static int begin_job(struct expire *e, corrie_error *err)
{
    struct job_spec spec = {.kind = STR("expire"),
                            .user = lake_user(e->lake),
                            .ref = e->branch,
                            .commit_in = lake_tx_base(e->tx),
                            .cancel = lake_job_cancel(e->lake)};
    _json_ json_t *args = json_object();
    int r;

    r = js_set_str(args, "namespace", e->ns);
    r |= js_set_str(args, "table", e->name);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    spec.args = args;
    return job_begin(lake_store(e->lake), lake_catalog(e->lake), &spec, &e->job, err);
}

/* The commit, or the failure, stands whatever becomes of the record. */
static void end_job(struct expire *e, corrie_error *failure)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = failure, .commit_out = e->committed ? &e->commit : NULL};

    if (e->job && job_end(e->job, &outcome, &err) < 0) {
        lake_notice(e->lake, "%s", corrie_error_message(&err));
    }
}

/* Where nothing is to go there is no job. */
static int run(struct expire *e, corrie_error *err)
{
    int64_t *ids = NULL;
    int r = lake_branch(e->lake, str_of(e->options->branch), &e->arena, &e->branch, err);

    if (r < 0 || (r = begin(e, &ids, err)) < 0) {
        return r;
    }
    if (e->n_expired > 0 && !e->options->dry_run) {
        r = begin_job(e, err);
        r = r < 0 ? r : begin(e, &ids, err);
    }
    if (r < 0) {
        return r;
    }
    return e->n_expired == 0 || e->options->dry_run ? answer(e, err) : publish(e, ids, err);
}

int corrie_table_expire(corrie_lake *lake, const char *name, const corrie_expire_options *options,
                        char **ret_json, corrie_error *err)
{
    corrie_expire_options given = {.size = sizeof given, .older_than_seconds = -1};
    _cleanup_(expire_done) struct expire e = {.lake = lake, .options = &given};
    struct table_name table;
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    r = lake_table_name(str_of(name), given.default_namespace, &table, err);
    if (r < 0) {
        return r;
    }
    e.name = table.table;
    e.ns = table.ns;
    r = run(&e, err);
    end_job(&e, r < 0 ? err : NULL);
    if (r < 0) {
        return corrie_wrap(err, "expire snapshots of %s", name);
    }
    *ret_json = TAKE_PTR(e.json);
    return 0;
}
