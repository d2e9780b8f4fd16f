/* fsck.c — is everything that the lake names there, and what it was? */
#include "maint/fsck_priv.h"

#include <string.h>

#include "catalog/catalog.h"
#include "catalog/check.h"
#include "jobs/jobs.h"

enum { MAX_PROBLEMS = 10000, MAX_PASSES = 5 };

static void fsck_done(struct fsck *fsck)
{
    seen_done(&fsck->paths);
    seen_done(&fsck->origins);
    seen_done(&fsck->told);
    map_done(&fsck->names);
    arena_done(&fsck->arena);
    json_decref(fsck->problems);
}

/* ---- problems ---- */

int fsck_problem(struct fsck *fsck, struct str where, struct str what, corrie_error *err)
{
    _cleanup_(buf_done) struct buf both = {0};
    json_t *item;
    int r;

    buf_add_str(&both, where);
    buf_add_char(&both, '\n');
    buf_add_str(&both, what);
    r = buf_check(&both, err);
    r = r < 0 ? r : seen_add(&fsck->told, buf_str(&both), err);
    if (r <= 0) {
        return r;
    }
    if (++fsck->n_problems > MAX_PROBLEMS) {
        return 0;
    }
    item = json_object();
    r = js_set_str(item, "where", where);
    r |= js_set_str(item, "what", what);
    r |= json_array_append_new(fsck->problems, item);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

int fsck_note(struct fsck *fsck, const char *where, corrie_error *err)
{
    _error_ corrie_error failure = CORRIE_ERROR_INIT;

    if (err->code == CORRIE_E_NO_MEMORY || err->code == CORRIE_E_CANCELLED) {
        return err->code;
    }
    corrie_error_move(&failure, err);
    return fsck_problem(fsck, str_of(where), str_of(corrie_error_message(&failure)), err);
}

static int on_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    struct fsck *fsck = arg;

    fsck->damaged_file = fsck->damaged_file || str_eq(where, STR("file"));
    return fsck_problem(fsck, where, what, err);
}

static int on_value(void *arg, struct str key, const struct tree_value *value, corrie_error *err)
{
    return fsck_value(arg, key, value, err);
}

static int on_commit(void *arg, const struct commit *commit, corrie_error *err)
{
    return fsck_commit(arg, commit, err);
}

static int on_unlisted_job(void *arg, const struct job_unlisted *job, corrie_error *err)
{
    _cleanup_(buf_done) struct buf where = {0};

    buf_addf(&where, "job %.*s", STR_FMT(job->id));
    if (job->broken) {
        return fsck_problem(arg, buf_str(&where), str_of(job->broken), err);
    }
    /* begun, and not yet or never put into the index: that may happen to any process */
    return job->ended
               ? fsck_problem(arg, buf_str(&where), STR("the index of jobs does not have it"), err)
               : 0;
}

/* ---- a pass ---- */

static int check_once(struct fsck *fsck, corrie_error *err)
{
    struct lake *lake = fsck->lake;
    struct catalog_check check = {.cancel = lake_cancel(lake),
                                  .arg = fsck,
                                  .problem = on_problem,
                                  .value = on_value,
                                  .commit = on_commit};
    struct catalog_check_counts counts = {0};
    int r;

    fsck->problems = json_array();
    if (!fsck->problems) {
        return corrie_fail_memory(err);
    }
    lake_forget_metadata(lake);
    r = catalog_check_all(lake_catalog(lake), &check, &counts, err);
    fsck->refs = (int64_t)counts.refs;
    fsck->commits = (int64_t)counts.commits;
    if (r >= 0 && fsck_refs(fsck, err) < 0) {
        r = fsck_note(fsck, "refs", err);
    }
    if (r >= 0 && fsck_names(fsck, err) < 0) {
        r = fsck_note(fsck, "refs", err);
    }
    if (r >= 0 && jobs_reindex(lake_store(lake), lake_catalog(lake), false, lake_cancel(lake),
                               on_unlisted_job, fsck, err) < 0) {
        r = fsck_note(fsck, "jobs", err);
    }
    return r;
}

/* Checks, and again if a collection changed what there is meanwhile: what seemed to be missing may have been removed from
 * under a ref that was. *ret is the caller's, whatever is returned. */
static int check(struct lake *lake, struct fsck *ret, corrie_error *err)
{
    uint64_t before = 0;
    uint64_t after = 0;

    *ret = (struct fsck){.lake = lake};
    for (int pass = 0;; pass++) {
        /* a catalog that cannot be read is no reason to end: the check says what is wrong with it */
        if (catalog_generation(lake_catalog(lake), &before, err) < 0) {
            corrie_error_clear(err);
        }
        int r = check_once(ret, err);

        if (r < 0) {
            return r;
        }
        if (ret->n_problems == 0 || pass == MAX_PASSES) {
            return 0;
        }
        if (catalog_generation(lake_catalog(lake), &after, err) < 0) {
            corrie_error_clear(err);
            return 0;
        }
        if (after == before) {
            return 0;
        }
        fsck_done(ret);
        *ret = (struct fsck){.lake = lake};
    }
}

/* ---- the document ---- */

static int note_more(struct fsck *fsck)
{
    _cleanup_(buf_done) struct buf what = {0};
    json_t *item;
    int r;

    if (fsck->n_problems <= MAX_PROBLEMS) {
        return 0;
    }
    buf_addf(&what, "%llu more problems", (unsigned long long)fsck->n_problems - MAX_PROBLEMS);
    item = json_object();
    r = js_set_str(item, "where", STR("…"));
    r |= js_set_str(item, "what", buf_str(&what));
    r |= json_array_append_new(fsck->problems, item);
    return r;
}

static int give(struct fsck *fsck, json_t *repairs, char **ret_json, corrie_error *err)
{
    _json_ json_t *document = json_object();
    int r;

    r = note_more(fsck);
    r |= js_set_int(document, "refs", fsck->refs);
    r |= js_set_int(document, "commits", fsck->commits);
    r |= js_set_int(document, "tables", fsck->tables);
    r |= js_set_int(document, "files", fsck->files);
    r |= js_set_int(document, "bytes", fsck->bytes);
    r |= js_set(document, "problems", json_incref(fsck->problems));
    r |= js_set(document, "repairs", json_incref(repairs));
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_give(TAKE_PTR(document), ret_json, err);
    if (r < 0 || fsck->n_problems == 0) {
        return r;
    }
    return corrie_fail(err, CORRIE_E_CORRUPT, "the lake %.*s has %llu problem%s",
                       STR_FMT(lake_root(fsck->lake)), (unsigned long long)fsck->n_problems,
                       fsck->n_problems == 1 ? "" : "s");
}

static int hint(const corrie_fsck_options *options, size_t n_repairs, corrie_error *err)
{
    if (!options->repair) {
        return corrie_hint(err,
                           "corrie fsck --repair puts right what can be (with --dry-run it only "
                           "says what); else bring what is missing back from a copy of the lake");
    }
    if (options->dry_run && n_repairs > 0) {
        return corrie_hint(err, "without --dry-run the repairs above are made");
    }
    return corrie_hint(err,
                       "bring what is missing back from a copy of the lake; what only the reflog "
                       "names goes with corrie gc --keep-reflog 0");
}

int corrie_fsck(corrie_lake *lake, const corrie_fsck_options *options, char **ret_json,
                corrie_error *err)
{
    _cleanup_(fsck_done) struct fsck fsck = {0};
    _json_ json_t *repairs = NULL;
    corrie_fsck_options given = {.size = sizeof given};
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    js_setup();
    repairs = json_array();
    if (!repairs) {
        return corrie_fail_memory(err);
    }
    r = check(lake, &fsck, err);
    if (r >= 0 && given.repair) {
        struct repair repair = {.lake = lake,
                                .dry_run = given.dry_run,
                                .damaged_file = fsck.damaged_file,
                                .repairs = repairs};

        r = repair_all(&repair, err);
        if (r >= 0 && repair.n_done > 0) {
            fsck_done(&fsck);
            r = check(lake, &fsck, err);
        }
    }
    if (r < 0) {
        return r;
    }
    r = give(&fsck, repairs, ret_json, err);
    return r == CORRIE_E_CORRUPT ? hint(&given, json_array_size(repairs), err) : r;
}
