/* resolve.c — from what users type to a commit. */
#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/history.h"

#define REFLOG_PAGE 100

static struct str short_name(const struct hash *commit, char storage[HASH_HEX + 1])
{
    hash_hex(commit, storage);
    return (struct str){storage, 12};
}

/* Whether a ref's reflog names the commit. 1 or 0. */
static int in_reflog(struct catalog *catalog, struct str ref, const struct hash *commit,
                     corrie_error *err)
{
    uint64_t sequence = 0;

    for (;;) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_reflog_entry *entries;
        size_t n;
        int r = catalog_reflog(catalog, ref, sequence, REFLOG_PAGE, &arena, &entries, &n, err);

        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < n; i++) {
            if (hash_eq(&entries[i].old_commit, commit) ||
                hash_eq(&entries[i].new_commit, commit)) {
                return 1;
            }
            sequence = entries[i].sequence;
        }
        if (n < REFLOG_PAGE || sequence <= 1) {
            return 0;
        }
    }
}

static int resolve_hash(struct catalog *catalog, const struct ref_expr *expr,
                        const struct catalog_ref *ref, struct hash *ret, corrie_error *err)
{
    struct hash commit;
    int r = catalog_commit_by_prefix(catalog, expr->hash, &commit, err);

    if (r >= 0 && expr->name.len > 0) {
        r = history_is_ancestor(catalog, &commit, &ref->commit, err);
        if (r == 0) {
            r = in_reflog(catalog, expr->name, &commit, err);
        }
        if (r == 0) {
            corrie_fail(err, CORRIE_E_NOT_FOUND, "commit %.*s is not in the history of %.*s",
                        STR_FMT(expr->hash), STR_FMT(expr->name));
            return corrie_hint(err, "@%.*s names it wherever it is", STR_FMT(expr->hash));
        }
    }
    if (r < 0) {
        return r;
    }
    *ret = commit;
    return 0;
}

#define SECOND INT64_C(1000000000)

/* In the form in which it was given, or is shown in listings: the last moment of a second is that second. */
static void format_time(int64_t time, char ret[CLOCK_TEXT_MAX])
{
    int64_t fraction = (time % SECOND + SECOND) % SECOND;

    clock_format(fraction == SECOND - 1 ? time - fraction : time, ret);
}

/* `since`: from when on it was there, in whole seconds a TIME that finds something. */
static int not_at_that_time(struct str name, int64_t time, int64_t since, corrie_error *err)
{
    char text[CLOCK_TEXT_MAX];
    char first[CLOCK_TEXT_MAX];

    format_time(time, text);
    clock_format(since - (since % SECOND + SECOND) % SECOND, first);
    corrie_fail(err, CORRIE_E_NOT_FOUND, "%.*s did not exist at %s", STR_FMT(name), text);
    return corrie_hint(err, "it is there since %s: %.*s*%s", first, STR_FMT(name), first);
}

/* What a movement names may have been collected since. */
static int check_kept(struct catalog *catalog, struct str name, const struct hash *commit,
                      int64_t time, corrie_error *err)
{
    char text[CLOCK_TEXT_MAX];
    char hex[HASH_HEX + 1];
    int r = catalog_commit_exists(catalog, commit, err);

    if (r != 0) {
        return r < 0 ? r : 0;
    }
    format_time(time, text);
    return corrie_fail(err, CORRIE_E_NOT_FOUND,
                       "what %.*s showed at %s, commit %.*s, was collected (gc)", STR_FMT(name),
                       text, STR_FMT(short_name(commit, hex)));
}

/* The newest first-parent commit, from `commit` on, that is not younger than `time`. */
static int older_than(struct catalog *catalog, struct str name, const struct hash *commit,
                      int64_t time, struct hash *ret, corrie_error *err)
{
    struct commit_links links;
    struct hash at = *commit;

    for (;;) {
        int r = commit_links(catalog, &at, &links, err);

        if (r < 0) {
            return r;
        }
        if (links.time <= time) {
            *ret = at;
            return 0;
        }
        if (links.n_parents == 0) {
            return not_at_that_time(name, time, links.time, err);
        }
        at = links.parents[0];
    }
}

static int resolve_time(struct catalog *catalog, const struct ref_expr *expr,
                        const struct catalog_ref *ref, struct hash *ret, corrie_error *err)
{
    struct hash first = ref->commit; /* what the reflog begins with, as far as it was read */
    int64_t since = expr->time_ns;   /* the movement after the one that is looked at */
    uint64_t sequence = 0;

    for (;;) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_reflog_entry *entries;
        size_t n;
        int r =
            catalog_reflog(catalog, expr->name, sequence, REFLOG_PAGE, &arena, &entries, &n, err);

        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < n; i++) {
            if (entries[i].when <= expr->time_ns) {
                if (hash_is_zero(&entries[i].new_commit)) {
                    return not_at_that_time(expr->name, expr->time_ns, since, err);
                }
                *ret = entries[i].new_commit;
                return check_kept(catalog, expr->name, ret, expr->time_ns, err);
            }
            sequence = entries[i].sequence;
            since = entries[i].when;
            first = hash_is_zero(&entries[i].old_commit) ? entries[i].new_commit
                                                         : entries[i].old_commit;
        }
        if (n < REFLOG_PAGE || sequence <= 1) {
            r = hash_eq(&first, &ref->commit)
                    ? 0
                    : check_kept(catalog, expr->name, &first, expr->time_ns, err);
            return r < 0 ? r : older_than(catalog, expr->name, &first, expr->time_ns, ret, err);
        }
    }
}

static int take_step(struct catalog *catalog, const struct ref_step *step, struct hash *commit,
                     corrie_error *err)
{
    struct commit_links links;
    char hex[HASH_HEX + 1];
    uint32_t n_moves = step->kind == REF_ANCESTOR ? step->n : 1;
    uint32_t parent = step->kind == REF_ANCESTOR ? 1 : step->n;

    for (uint32_t i = 0; i < n_moves; i++) {
        int r = commit_links(catalog, commit, &links, err);

        if (r < 0) {
            return r;
        }
        if (parent < 1 || parent > links.n_parents) {
            return links.n_parents == 0
                       ? corrie_fail(err, CORRIE_E_NOT_FOUND,
                                     "commit %.*s has no parent: it is the "
                                     "first",
                                     STR_FMT(short_name(commit, hex)))
                       : corrie_fail(err, CORRIE_E_NOT_FOUND,
                                     "commit %.*s has %zu parent%s, not %u",
                                     STR_FMT(short_name(commit, hex)), links.n_parents,
                                     links.n_parents == 1 ? "" : "s", parent);
        }
        *commit = links.parents[parent - 1];
    }
    return 0;
}

/* No ref has the name, but a commit may. Returns the error's code. */
static int hint_commit(struct catalog *catalog, struct str name, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct hash commit;

    if (name.len >= REF_HASH_MIN && name.len <= HASH_HEX &&
        catalog_commit_by_prefix(catalog, name, &commit, &ignored) >= 0) {
        corrie_hint(err, "@%.*s names the commit", STR_FMT(name));
    }
    return err->code;
}

/* What a ref or a commit names is never removed. */
static int check_there(struct catalog *catalog, struct str name, const struct hash *commit,
                       corrie_error *err)
{
    char hex[HASH_HEX + 1];
    int r = catalog_commit_exists(catalog, commit, err);

    if (r != 0) {
        return r < 0 ? r : 0;
    }
    corrie_fail(err, CORRIE_E_CORRUPT, "commit %.*s, which %.*s leads to, is missing",
                STR_FMT(short_name(commit, hex)), STR_FMT(name));
    return corrie_hint(err,
                       "`corrie fsck` lists what is damaged; with --repair branches go back to "
                       "what is whole");
}

int history_resolve(struct catalog *catalog, const struct ref_expr *expr, struct hash *ret_commit,
                    struct catalog_ref *ret_ref, corrie_error *err)
{
    struct catalog_ref ref = {.name = STR_EMPTY};
    struct hash commit;
    int r;

    if (expr->name.len > 0) {
        r = catalog_ref_get(catalog, expr->name, &ref, err);
        if (r < 0) {
            return r == CORRIE_E_NOT_FOUND ? hint_commit(catalog, expr->name, err) : r;
        }
    } else if (expr->hash.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "no ref and no commit is named");
    }
    commit = ref.commit;
    r = 0;
    if (expr->hash.len > 0) {
        r = resolve_hash(catalog, expr, &ref, &commit, err);
    } else if (expr->has_time) {
        r = resolve_time(catalog, expr, &ref, &commit, err);
    }
    for (size_t i = 0; r >= 0 && i < expr->n_steps; i++) {
        r = take_step(catalog, &expr->steps[i], &commit, err);
    }
    if (r >= 0) {
        r = check_there(catalog, expr->name.len > 0 ? expr->name : expr->hash, &commit, err);
    }
    if (r < 0) {
        return r;
    }
    *ret_commit = commit;
    if (ret_ref) {
        *ret_ref = ref;
    }
    return 0;
}

int history_resolve_text(struct catalog *catalog, struct str text, struct hash *ret_commit,
                         struct catalog_ref *ret_ref, corrie_error *err)
{
    struct ref_expr expr;
    int r = ref_expr_parse(text, &expr, err);

    return r < 0 ? r : history_resolve(catalog, &expr, ret_commit, ret_ref, err);
}
