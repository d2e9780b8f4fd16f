/* repair.c — what fsck can put right (docs/formats/care.md).
 *
 * Each repair is one transaction: it is done or not, and doing it again finds nothing to do. One that fails is listed as not
 * done, and the others are tried. */
#include "maint/fsck_priv.h"

#include "base/arena.h"
#include "base/map.h"
#include "catalog/catalog.h"
#include "catalog/check.h"
#include "jobs/jobs.h"

enum { PAGE = 100 };

static int add_repair(struct repair *repair, struct str where, struct str what, bool done,
                      corrie_error *err)
{
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "where", where);
    r |= js_set_str(item, "what", what);
    r |= js_set_bool(item, "done", done);
    r |= json_array_append_new(repair->repairs, item);
    repair->n_done += done;
    return r != 0 ? corrie_fail_memory(err) : 0;
}

/* A repair that failed: why, instead of what would have been done. */
static int add_failure(struct repair *repair, struct str where, corrie_error *err)
{
    _error_ corrie_error failure = CORRIE_ERROR_INIT;

    if (err->code == CORRIE_E_NO_MEMORY || err->code == CORRIE_E_CANCELLED) {
        return err->code;
    }
    corrie_error_move(&failure, err);
    return add_repair(repair, where, str_of(corrie_error_message(&failure)), false, err);
}

/* ---- the medium ---- */

static int repair_medium(struct repair *repair, corrie_error *err)
{
    int r = catalog_repair_medium(lake_catalog(repair->lake), repair->dry_run, err);

    if (r <= 0) {
        return r < 0 ? add_failure(repair, STR("file"), err) : 0;
    }
    return add_repair(repair, STR("file"), STR("make the indexes of the catalog again"),
                      !repair->dry_run, err);
}

/* ---- refs ---- */

struct refs {
    struct repair *repair;
    struct arena arena;
    struct map states; /* commit -> &whole or &broken */
    size_t n_branches; /* that there are, or would be after the repairs */
};

static int whole;
static int broken;

static void refs_done(struct refs *refs)
{
    map_done(&refs->states);
    arena_done(&refs->arena);
}

/* catalog_state_is_whole, once for each commit. */
static int is_whole(struct refs *refs, const struct hash *commit, corrie_error *err)
{
    struct str key = {(const char *)commit->bytes, HASH_BYTES};
    struct map_entry *known = map_find(&refs->states, key);
    struct lake *lake = refs->repair->lake;
    int r;

    if (known) {
        return known->value == &whole;
    }
    r = catalog_state_is_whole(lake_catalog(lake), commit, lake_cancel(lake), err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&refs->arena, key, &key) < 0 ||
        map_put(&refs->states, key, r > 0 ? &whole : &broken) < 0) {
        return corrie_fail_memory(err);
    }
    return r;
}

/* The newest state of a ref that is whole, by its reflog. 1 found (when and what kind it was then), 0 there is none. */
static int newest_whole(struct refs *refs, struct str name, struct catalog_reflog_entry *ret,
                        corrie_error *err)
{
    struct catalog *catalog = lake_catalog(refs->repair->lake);
    uint64_t before = 0;
    size_t n = PAGE;

    while (n == PAGE) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_reflog_entry *entries;
        int r = catalog_reflog(catalog, name, before, PAGE, &arena, &entries, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            const struct hash *states[] = {&entries[i].new_commit, &entries[i].old_commit};

            before = entries[i].sequence;
            for (size_t j = 0; j < ARRAY_LEN(states) && r >= 0; j++) {
                r = hash_is_zero(states[j]) ? 0 : is_whole(refs, states[j], err);
                if (r > 0) {
                    *ret = (struct catalog_reflog_entry){
                        .kind = entries[i].kind, .new_commit = *states[j], .when = entries[i].when};
                    return 1;
                }
            }
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Moves (or, with `expected` zero, makes) a ref. `what` says it for the list and the reflog. */
static int move_ref(struct refs *refs, struct str name, enum catalog_ref_kind kind,
                    const struct hash *expected, const struct hash *to, struct str what,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf where = {0};
    _cleanup_(buf_done) struct buf why = {0};
    struct repair *repair = refs->repair;
    struct catalog_move move = {.ref = name,
                                .kind = kind,
                                .expected = *expected,
                                .new_commit = *to,
                                .who = lake_user(repair->lake)};
    int r;

    buf_addf(&where, "ref %.*s", STR_FMT(name));
    buf_addf(&why, "fsck --repair: %.*s", STR_FMT(what));
    r = buf_check(&where, err);
    r = r < 0 ? r : buf_check(&why, err);
    if (r < 0) {
        return r;
    }
    move.why = buf_str(&why);
    if (!repair->dry_run) {
        r = catalog_commit(lake_catalog(repair->lake), NULL, &move, err);
        if (r < 0) {
            return add_failure(repair, buf_str(&where), err);
        }
    }
    refs->n_branches += kind == CATALOG_BRANCH && hash_is_zero(expected);
    return add_repair(repair, buf_str(&where), what, !repair->dry_run, err);
}

/* A ref that stands, but on something that is not whole. */
static int repair_standing(struct refs *refs, const struct catalog_ref *ref, corrie_error *err)
{
    _cleanup_(buf_done) struct buf what = {0};
    struct catalog_reflog_entry state;
    char from[HASH_HEX + 1];
    char to[HASH_HEX + 1];
    int r;

    if (hash_is_zero(&ref->commit)) {
        return 0; /* the row itself is malformed: no compare-and-swap can be made on it */
    }
    r = is_whole(refs, &ref->commit, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = newest_whole(refs, ref->name, &state, err);
    if (r <= 0) {
        return r;
    }
    hash_hex(&ref->commit, from);
    hash_hex(&state.new_commit, to);
    buf_addf(&what, "move it from %.12s, which is damaged, to %.12s", from, to);
    return move_ref(refs, ref->name, ref->kind, &ref->commit, &state.new_commit, buf_str(&what),
                    err);
}

static int repair_lost(struct refs *refs, struct str name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf what = {0};
    struct catalog_reflog_entry state;
    char to[HASH_HEX + 1];
    int r;

    r = ref_is_lost(refs->repair->lake, name, &arena, &state, err);
    r = r <= 0 ? r : newest_whole(refs, name, &state, err);
    if (r <= 0) {
        return r;
    }
    hash_hex(&state.new_commit, to);
    buf_addf(&what, "make it again at %.12s", to);
    return move_ref(refs, name, state.kind, &(struct hash){{0}}, &state.new_commit, buf_str(&what),
                    err);
}

static int repair_standing_all(struct refs *refs, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str after = STR_EMPTY;
    size_t n = PAGE;

    while (n == PAGE) {
        struct catalog_ref *items;
        int r = catalog_ref_list(lake_catalog(refs->repair->lake), STR_EMPTY, 0, after, PAGE,
                                 &arena, &items, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            after = items[i].name;
            refs->n_branches += items[i].kind == CATALOG_BRANCH;
            r = repair_standing(refs, &items[i], err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Where `main` is made when there is no branch: its own newest whole state, else the newest of any branch. */
static int make_main(struct refs *refs, const struct str *names, size_t n, corrie_error *err)
{
    _cleanup_(buf_done) struct buf what = {0};
    struct catalog_reflog_entry best = {.when = INT64_MIN};
    char to[HASH_HEX + 1];
    int r = newest_whole(refs, STR(LAKE_MAIN), &best, err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct catalog_reflog_entry state;
        int found = newest_whole(refs, names[i], &state, err);

        if (found < 0) {
            return found;
        }
        if (found > 0 && state.kind == CATALOG_BRANCH && state.when > best.when) {
            best = state;
        }
    }
    if (r < 0 || hash_is_zero(&best.new_commit)) {
        return r < 0 ? r : 0;
    }
    hash_hex(&best.new_commit, to);
    buf_addf(&what, "make it, since there is no branch, at %.12s", to);
    return move_ref(refs, STR(LAKE_MAIN), CATALOG_BRANCH, &(struct hash){{0}}, &best.new_commit,
                    buf_str(&what), err);
}

static int repair_refs(struct repair *repair, corrie_error *err)
{
    _cleanup_(refs_done) struct refs refs = {.repair = repair};
    struct str *names;
    size_t n;
    int r;

    r = repair_standing_all(&refs, err);
    r = r < 0 ? r : catalog_reflog_names(lake_catalog(repair->lake), &refs.arena, &names, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = repair_lost(&refs, names[i], err);
    }
    return r < 0 || refs.n_branches > 0 ? r : make_main(&refs, names, n, err);
}

/* ---- jobs ---- */

static int on_unlisted_job(void *arg, const struct job_unlisted *job, corrie_error *err)
{
    _cleanup_(buf_done) struct buf where = {0};
    struct repair *repair = arg;

    if (job->broken) {
        return 0;
    }
    buf_addf(&where, "job %.*s", STR_FMT(job->id));
    return add_repair(repair, buf_str(&where), STR("put it into the index of jobs"),
                      !repair->dry_run, err);
}

static int repair_jobs(struct repair *repair, corrie_error *err)
{
    struct lake *lake = repair->lake;

    return jobs_reindex(lake_store(lake), lake_catalog(lake), !repair->dry_run, lake_cancel(lake),
                        on_unlisted_job, repair, err);
}

int repair_all(struct repair *repair, corrie_error *err)
{
    int r = repair->damaged_file ? repair_medium(repair, err) : 0;

    if (r >= 0 && repair_refs(repair, err) < 0) {
        r = add_failure(repair, STR("refs"), err);
    }
    if (r >= 0 && repair_jobs(repair, err) < 0) {
        r = add_failure(repair, STR("jobs"), err);
    }
    return r;
}
