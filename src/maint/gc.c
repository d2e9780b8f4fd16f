/* gc.c — what nothing reaches goes.
 *
 * Order: cutoff (jobs) → fence → mark → sweep of objects → sweep of files. The proof that nothing is lost is in
 * catalog/collect.h for objects; for files it is this: a file that a commit names after the mark was either marked, or
 * written by work that began after the cutoff, since the fence refuses all other; and such a file is younger than the
 * cutoff. */
#include <corrie/care.h>

#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "catalog/collect.h"
#include "jobs/jobs.h"
#include "maint/files.h"

#define SECOND INT64_C(1000000000)
#define GRACE_SECONDS (24 * 3600)
#define REFLOG_SECONDS (30 * 24 * 3600)
#define JOBS_SECONDS (90 * 24 * 3600)

enum { MAX_REMOVED_SHOWN = 1000 };

struct gc {
    struct lake *lake;
    struct files files;
    VEC(struct hash) commits; /* inputs of jobs */
    int64_t cutoff;
    int64_t reflog_since;
    int64_t jobs_removed;
    bool dry_run;
};

static void gc_done(struct gc *gc)
{
    files_done(&gc->files);
    vec_done(&gc->commits);
}

/* What lay `seconds` before `now`; 0 = everything since 1970. */
static int64_t before(int64_t now, int64_t seconds)
{
    return seconds < now / SECOND ? now - seconds * SECOND : 0;
}

static int add_commit(void *arg, const struct hash *commit, corrie_error *err)
{
    struct gc *gc = arg;

    return vec_push(&gc->commits, *commit) < 0 ? corrie_fail_memory(err) : 0;
}

/* One second less: times of files are coarse. */
static int find_cutoff(struct gc *gc, const corrie_gc_options *options, corrie_error *err)
{
    int64_t now = clock_now();
    int64_t oldest;
    int r;

    gc->dry_run = options->dry_run;
    gc->cutoff = before(now, options->grace_seconds < 0 ? GRACE_SECONDS : options->grace_seconds);
    gc->reflog_since =
        before(now, options->reflog_seconds < 0 ? REFLOG_SECONDS : options->reflog_seconds);
    r = jobs_held(lake_store(gc->lake), lake_catalog(gc->lake), gc->reflog_since,
                  lake_cancel(gc->lake), add_commit, gc, &oldest, err);
    if (r < 0) {
        return r;
    }
    if (oldest < gc->cutoff) {
        gc->cutoff = oldest;
    }
    gc->cutoff = gc->cutoff > SECOND ? gc->cutoff - SECOND : 0;
    return 0;
}

/* What a job that failed has left on tx/<job> is looked at with the help of its record. */
static int record_stays(void *arg, struct str id, corrie_error *err)
{
    const struct gc *gc = arg;
    _cleanup_(arena_done) struct arena arena = {0};
    char *name = arena_printf(&arena, "tx/%.*s", STR_FMT(id));
    struct catalog_ref ref;

    return name ? catalog_ref_find(lake_catalog(gc->lake), str_of(name), &ref, err)
                : corrie_fail_memory(err);
}

static int remove_records(struct gc *gc, corrie_error *err)
{
    const struct jobs_expiry expiry = {.before = before(clock_now(), JOBS_SECONDS),
                                       .dry_run = gc->dry_run,
                                       .cancel = lake_cancel(gc->lake),
                                       .stays = record_stays,
                                       .arg = gc};

    return jobs_expire(lake_store(gc->lake), lake_catalog(gc->lake), &expiry, &gc->jobs_removed,
                       err);
}

/* ---- the job around it ---- */

/* Who collects because the disk is full must be able to: without a record, if need be. */
static int begin_job(struct gc *gc, const corrie_gc_options *options, struct job **ret,
                     corrie_error *err)
{
    struct job_spec spec = {
        .kind = STR("gc"), .user = lake_user(gc->lake), .cancel = lake_job_cancel(gc->lake)};
    _json_ json_t *args = json_object();
    int r;

    r = js_set_int(args, "grace_seconds",
                   options->grace_seconds < 0 ? GRACE_SECONDS : options->grace_seconds);
    r |= js_set_int(args, "reflog_seconds",
                    options->reflog_seconds < 0 ? REFLOG_SECONDS : options->reflog_seconds);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    spec.args = args;
    r = job_begin(lake_store(gc->lake), lake_catalog(gc->lake), &spec, ret, err);
    if (r == CORRIE_E_IO) {
        lake_notice(gc->lake, "%s: going on without", corrie_error_message(err));
        corrie_error_clear(err);
        r = 0;
    }
    return r;
}

static void end_job(struct gc *gc, struct job *job, corrie_error *failure)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct job_outcome outcome = {.error = failure};

    if (job && job_end(job, &outcome, &err) < 0) {
        lake_notice(gc->lake, "%s", corrie_error_message(&err));
    }
}

static int on_value(void *arg, struct str key, const struct tree_value *value, corrie_error *err)
{
    struct gc *gc = arg;

    return files_mark(&gc->files, key, value, err);
}

static int give(const struct gc *gc, const struct collect_counts *objects, json_t **document,
                int64_t started, char **ret_json, corrie_error *err)
{
    const struct file_counts *files = &gc->files.counts;
    json_t *kept = json_object();
    int r;

    r = js_set_int(kept, "objects", (int64_t)objects->kept_objects);
    r |= js_set_int(kept, "object_bytes", (int64_t)objects->kept_bytes);
    r |= js_set_int(kept, "files", files->kept);
    r |= js_set_int(kept, "file_bytes", files->kept_bytes);
    r |= js_set_bool(*document, "dry_run", gc->dry_run);
    r |= js_set_int(*document, "objects", (int64_t)objects->swept_objects);
    r |= js_set_int(*document, "object_bytes", (int64_t)objects->swept_bytes);
    r |= js_set_int(*document, "files", files->removed);
    r |= js_set_int(*document, "file_bytes", files->removed_bytes);
    r |= js_set_int(*document, "jobs", gc->jobs_removed);
    r |= js_set(*document, "kept", kept);
    r |= js_set_int(*document, "strangers", files->strangers);
    r |= js_set(*document, "seconds", json_real((double)(clock_monotonic() - started) / 1e9));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(*document), ret_json, err);
}

static int run_gc(struct gc *gc, json_t **document, int64_t started, char **ret_json,
                  corrie_error *err)
{
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.cutoff = gc->cutoff,
                                      .reflog_since = gc->reflog_since,
                                      .commits = gc->commits.items,
                                      .n_commits = gc->commits.count,
                                      .dry_run = gc->dry_run,
                                      .cancel = lake_cancel(gc->lake),
                                      .arg = gc,
                                      .value = on_value};
    int r;

    r = collect_begin(lake_catalog(gc->lake), &options, &collect, err);
    r = r < 0 ? r : collect_mark(collect, err);
    if (r == CORRIE_E_CORRUPT) {
        return corrie_hint(err, "nothing was removed; corrie fsck says all that is damaged, and "
                                "corrie fsck --repair what can be put right");
    }
    r = r < 0 ? r : collect_sweep(collect, err);
    r = r < 0 ? r : remove_records(gc, err);
    r = r < 0 ? r : files_sweep(&gc->files, gc->cutoff, gc->dry_run, err);
    return r < 0 ? r : give(gc, collect_counts(collect), document, started, ret_json, err);
}

int corrie_gc(corrie_lake *lake, const corrie_gc_options *options, char **ret_json,
              corrie_error *err)
{
    _cleanup_(gc_done) struct gc gc = {.lake = lake, .files = {.lake = lake}};
    _cleanup_(job_freep) struct job *job = NULL;
    _json_ json_t *document = NULL;
    corrie_gc_options given = {.size = sizeof given, .grace_seconds = -1, .reflog_seconds = -1};
    int64_t started = clock_monotonic();
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    document = json_object();
    gc.files.removed = json_array();
    gc.files.max_removed = MAX_REMOVED_SHOWN;
    if (js_set(document, "removed_files", gc.files.removed) < 0) {
        return corrie_fail_memory(err);
    }
    r = find_cutoff(&gc, &given, err);
    if (r >= 0 && !gc.dry_run) {
        r = begin_job(&gc, &given, &job, err);
    }
    r = r < 0 ? r : run_gc(&gc, &document, started, ret_json, err);
    end_job(&gc, job, r < 0 ? err : NULL);
    return r < 0 ? corrie_wrap(err, "collect garbage") : 0;
}
