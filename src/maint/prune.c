/* prune.c — refs that nobody needs any more. */
#include <corrie/care.h>

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/history.h"
#include "jobs/jobs.h"
#include "lake/lake.h"

#define SECOND INT64_C(1000000000)
#define OLD_SECONDS (7 * 24 * 3600)
#define TX_PREFIX STR("tx/")

enum { PAGE = 256 };

struct prune {
    struct lake *lake;
    struct str prefix;
    struct str head; /* what is checked out */
    struct arena arena;
    int64_t before; /* last movements before that are old */
    size_t n_branches;
    bool dry_run;
    json_t *pruned;
    int64_t kept;
};

static void prune_done(struct prune *prune)
{
    arena_done(&prune->arena);
}

/* When the ref last moved. 0 where the reflog does not know: long ago. */
static int last_movement(struct prune *prune, struct str name, int64_t *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_reflog_entry *entries;
    size_t n;
    int r = catalog_reflog(lake_catalog(prune->lake), name, 0, 1, &arena, &entries, &n, err);

    if (r < 0) {
        return r;
    }
    *ret = n > 0 ? entries[0].when : 0;
    return 0;
}

/* 1 if a commit of the branch says that it was made by the job; looks back to where the job began. */
static int was_published(struct prune *prune, const struct job_state *job, const struct uuid *id,
                         corrie_error *err)
{
    struct catalog *catalog = lake_catalog(prune->lake);
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    const struct commit *commit;
    struct commit base = {.generation = 0};
    struct catalog_ref branch;
    int r;

    r = job->ref.len > 0 ? catalog_ref_find(catalog, job->ref, &branch, err) : 0;
    if (r <= 0) {
        return r;
    }
    if (!hash_is_zero(&job->commit_in)) {
        r = catalog_commit_exists(catalog, &job->commit_in, err);
        if (r <= 0) { /* collected: then nothing was published on top of it */
            return r;
        }
        r = commit_read(catalog, &job->commit_in, &arena, &base, err);
    }
    r = r < 0 ? r : history_walk_open(catalog, &branch.commit, false, &walk, err);
    while (r >= 0 && (r = history_walk_next(walk, &commit, err)) > 0) {
        if (commit->has_job && uuid_eq(&commit->job, id)) {
            return 1;
        }
        if (commit->generation <= base.generation) {
            return 0;
        }
        r = cancel_check(lake_cancel(prune->lake), err);
    }
    return r < 0 ? r : 0;
}

/* Why a tx ref may go; NULL: it stays. */
static int judge_tx(struct prune *prune, struct str name, int64_t moved, const char **ret,
                    corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct job_state job;
    struct uuid id;
    int r;

    *ret = moved < prune->before ? "old" : NULL;
    if (!uuid_parse(str_from(name, TX_PREFIX.len), &id)) {
        return 0;
    }
    r = jobs_state(lake_store(prune->lake), lake_catalog(prune->lake),
                   str_from(name, TX_PREFIX.len), &arena, &job, err);
    if (r <= 0) {
        return r;
    }
    if (job.alive) {
        *ret = NULL;
        return 0;
    }
    r = was_published(prune, &job, &id, err);
    if (r > 0) {
        *ret = "published";
    }
    return r < 0 ? r : 0;
}

static int judge_branch(struct prune *prune, struct str name, int64_t moved, const char **ret)
{
    *ret =
        moved < prune->before && !str_eq(name, prune->head) && prune->n_branches > 1 ? "old" : NULL;
    return 0;
}

/* The command that brings it back. Names under tx/ are made by jobs only: its commit gets a branch of the job's name. */
static void restore_command(const struct catalog_ref *ref, const char *hex, struct buf *ret)
{
    if (ref->kind == CATALOG_TX) {
        struct str job = str_from(ref->name, TX_PREFIX.len);

        buf_addf(ret, "corrie branch create job-%.*s --from-ref @%.16s",
                 (int)(job.len < 8 ? job.len : 8), job.data, hex);
    } else {
        buf_addf(ret, "corrie branch create %.*s --from-ref @%.16s", STR_FMT(ref->name), hex);
    }
}

/* A branch that gets what a failed job left is made only by who says so. What cannot be read is pruned all the same. */
static bool is_tainted(struct prune *prune, const struct catalog_ref *ref)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct commit commit;

    return commit_read(lake_catalog(prune->lake), &ref->commit, &arena, &commit, &ignored) >= 0 &&
           commit.tainted > 0;
}

static int add_pruned(struct prune *prune, const struct catalog_ref *ref, int64_t moved,
                      const char *why, corrie_error *err)
{
    _cleanup_(buf_done) struct buf restore = {0};
    json_t *item = json_object();
    char hex[HASH_HEX + 1];
    int r;

    hash_hex(&ref->commit, hex);
    restore_command(ref, hex, &restore);
    if (is_tainted(prune, ref)) {
        buf_add_text(&restore, " --accept-taint");
    }
    r = js_set_str(item, "name", ref->name);
    r |= js_set_str(item, "kind", str_of(catalog_ref_kind_name((int)ref->kind)));
    r |= js_set_hash(item, "commit", &ref->commit);
    r |= js_set_time(item, "moved", moved);
    r |= js_set_str(item, "why", str_of(why));
    r |= js_set_str(item, "restore", buf_str(&restore));
    r |= json_array_append_new(prune->pruned, item);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static bool is_last_branch(struct prune *prune)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct catalog_ref *refs;
    size_t n = 0;

    return catalog_ref_list(lake_catalog(prune->lake), STR_EMPTY, CATALOG_BRANCH, STR_EMPTY, 2,
                            &prune->arena, &refs, &n, &ignored) >= 0 &&
           n == 1;
}

/* 1 removed, 0 it has moved or gone meanwhile, or it is the last branch now: somebody needs it, or needed it no more. */
static int remove_ref(struct prune *prune, const struct catalog_ref *ref, const char *why,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf reason = {0};
    struct catalog_move move = {.ref = ref->name,
                                .kind = ref->kind,
                                .expected = ref->commit,
                                .leaves_another = ref->kind == CATALOG_BRANCH,
                                .who = lake_user(prune->lake)};
    int r;

    buf_addf(&reason, "branch prune: %s", why);
    move.why = buf_str(&reason);
    r = catalog_commit(lake_catalog(prune->lake), NULL, &move, err);
    if (r == CORRIE_E_CONFLICT || r == CORRIE_E_NOT_FOUND ||
        (r == CORRIE_E_REFUSED && is_last_branch(prune))) {
        corrie_error_clear(err);
        return 0;
    }
    return r < 0 ? r : 1;
}

static int prune_ref(struct prune *prune, const struct catalog_ref *ref, corrie_error *err)
{
    const char *why = NULL;
    int64_t moved = 0;
    int r;

    if (ref->kind == CATALOG_TAG) {
        return 0;
    }
    r = last_movement(prune, ref->name, &moved, err);
    if (r >= 0) {
        r = ref->kind == CATALOG_TX ? judge_tx(prune, ref->name, moved, &why, err)
                                    : judge_branch(prune, ref->name, moved, &why);
    }
    if (r >= 0 && why) {
        r = prune->dry_run ? 1 : remove_ref(prune, ref, why, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "prune %.*s", STR_FMT(ref->name));
    }
    if (!why || r == 0) {
        prune->kept++;
        return 0;
    }
    prune->n_branches -= ref->kind == CATALOG_BRANCH;
    return add_pruned(prune, ref, moved, why, err);
}

/* Calls `each` for all refs of a prefix and kind. */
static int each_ref(struct prune *prune, struct str prefix, int kind,
                    int (*each)(struct prune *, const struct catalog_ref *, corrie_error *),
                    corrie_error *err)
{
    struct str after = STR_EMPTY;
    size_t n = PAGE;

    while (n == PAGE) {
        struct catalog_ref *refs;
        int r = catalog_ref_list(lake_catalog(prune->lake), prefix, kind, after, PAGE,
                                 &prune->arena, &refs, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            after = refs[i].name;
            r = each(prune, &refs[i], err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int count_branch(struct prune *prune, const struct catalog_ref *ref, corrie_error *err)
{
    (void)ref;
    (void)err;
    prune->n_branches++;
    return 0;
}

static int give(struct prune *prune, json_t **document, char **ret_json, corrie_error *err)
{
    int r = js_set_bool(*document, "dry_run", prune->dry_run);

    r |= js_set_int(*document, "kept", prune->kept);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(*document), ret_json, err);
}

int corrie_prune(corrie_lake *lake, const corrie_prune_options *options, char **ret_json,
                 corrie_error *err)
{
    _cleanup_(prune_done) struct prune prune = {.lake = lake};
    _json_ json_t *document = NULL;
    corrie_prune_options given = {.size = sizeof given, .older_than_seconds = -1};
    int64_t seconds;
    int64_t now = clock_now();
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    prune.prefix = given.prefix ? str_of(given.prefix) : TX_PREFIX;
    if (prune.prefix.len == 0) {
        corrie_fail(err, CORRIE_E_USAGE, "prune branches: all of them?");
        return corrie_hint(err, "say what the names begin with");
    }
    js_setup();
    document = json_object();
    prune.pruned = json_array();
    if (js_set(document, "pruned", prune.pruned) < 0) {
        return corrie_fail_memory(err);
    }
    seconds = given.older_than_seconds < 0 ? OLD_SECONDS : given.older_than_seconds;
    prune.before = seconds < now / SECOND ? now - seconds * SECOND : 0;
    prune.dry_run = given.dry_run;
    r = lake_head(lake, &prune.arena, &prune.head, err);
    r = r < 0 ? r : each_ref(&prune, STR_EMPTY, CATALOG_BRANCH, count_branch, err);
    r = r < 0 ? r : each_ref(&prune, prune.prefix, 0, prune_ref, err);
    return r < 0 ? r : give(&prune, &document, ret_json, err);
}
