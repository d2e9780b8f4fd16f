/* fsck_trees.c — what must hold in a whole tree, and of refs and their reflogs.
 *
 * A tree is checked by what differs from that of its first parent, which is checked itself: so the cost follows what
 * changed, not the size of the lake times the length of its history. */
#include "maint/fsck_priv.h"

#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/check.h"

struct tree_check {
    struct fsck *fsck;
    const struct hash *tree;
    const char *where; /* the commit */
};

/* Damage of the catalog on the way is told by the check that reads everything. */
static int unless_damage(int r, corrie_error *err)
{
    if (r == CORRIE_E_CORRUPT || r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    return r;
}

static int check_namespace_of(const struct tree_check *check, struct str key, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf what = {0};
    struct tree_value value;
    struct key name;
    int r = KEY_MAKE(&name, err, STR("namespace"), key_segment(key, 1));

    r = r < 0 ? r
              : tree_get(lake_catalog(check->fsck->lake), check->tree, key_str(&name), &arena,
                         &value, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    key_format(key, &what);
    buf_add_text(&what, " lies in a namespace that does not exist");
    return fsck_problem(check->fsck, str_of(check->where), buf_str(&what), err);
}

/* A namespace was removed: nothing may be left in it. */
static int check_namespace_gone(const struct tree_check *check, struct str key, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct key prefix;
    struct str table;
    int r = KEY_MAKE_PREFIX(&prefix, err, STR("table"), key_segment(key, 1));

    r = r < 0 ? r
              : tree_cursor_open(lake_catalog(check->fsck->lake), check->tree, key_str(&prefix),
                                 &cursor, err);
    while (r >= 0 && (r = tree_cursor_next(cursor, &table, &value, err)) > 0) {
        r = check_namespace_of(check, table, err);
    }
    return r;
}

static int check_change(void *arg, struct str key, const struct tree_value *old_value,
                        const struct tree_value *new_value, corrie_error *err)
{
    const struct tree_check *check = arg;
    struct str kind = key_segment(key, 0);

    if (str_eq(kind, STR("table")) && new_value && !old_value) {
        return check_namespace_of(check, key, err);
    }
    return str_eq(kind, STR("namespace")) && !new_value ? check_namespace_gone(check, key, err) : 0;
}

static int check_whole_tree(const struct tree_check *check, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct key prefix;
    struct str table;
    int r = KEY_MAKE_PREFIX(&prefix, err, STR("table"));

    r = r < 0 ? r
              : tree_cursor_open(lake_catalog(check->fsck->lake), check->tree, key_str(&prefix),
                                 &cursor, err);
    while (r >= 0 && (r = tree_cursor_next(cursor, &table, &value, err)) > 0) {
        r = check_namespace_of(check, table, err);
    }
    return r;
}

static int check_tree(struct tree_check *check, const struct commit *commit, corrie_error *err)
{
    struct catalog *catalog = lake_catalog(check->fsck->lake);
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit parent;
    int r;

    if (commit->n_parents == 0) {
        return check_whole_tree(check, err);
    }
    r = commit_read(catalog, &commit->parents[0], &arena, &parent, err);
    if (r == CORRIE_E_CORRUPT || r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return check_whole_tree(check, err);
    }
    return r < 0 ? r
                 : tree_diff(catalog, &parent.tree, &commit->tree, STR_EMPTY, check_change, check,
                             err);
}

static int check_taint(struct fsck *fsck, const struct commit *commit, const char *where,
                       corrie_error *err)
{
    _cleanup_(buf_done) struct buf what = {0};
    uint64_t tainted;
    int r = commit_count_taint(lake_catalog(fsck->lake), commit, &tainted, err);

    if (r < 0 || tainted == commit->tainted) {
        return r;
    }
    buf_addf(&what, "it says that %llu values are tainted, and %llu are",
             (unsigned long long)commit->tainted, (unsigned long long)tainted);
    return fsck_problem(fsck, str_of(where), buf_str(&what), err);
}

int fsck_commit(struct fsck *fsck, const struct commit *commit, corrie_error *err)
{
    char where[64];
    char hex[HASH_HEX + 1];
    struct tree_check check = {.fsck = fsck, .tree = &commit->tree, .where = where};
    int r;

    hash_hex(&commit->id, hex);
    (void)snprintf(where, sizeof where, "commit %.12s", hex);
    r = unless_damage(check_tree(&check, commit, err), err);
    return r < 0 ? r : unless_damage(check_taint(fsck, commit, where, err), err);
}

/* ---- refs ---- */

int ref_is_lost(struct lake *lake, struct str name, struct arena *arena,
                struct catalog_reflog_entry *ret, corrie_error *err)
{
    struct catalog *catalog = lake_catalog(lake);
    struct catalog_reflog_entry *entries;
    struct catalog_ref ref;
    uint64_t sequence = 0;
    size_t n;

    for (;;) {
        int r = catalog_reflog(catalog, name, 0, 1, arena, &entries, &n, err);

        if (r < 0 || n == 0 || hash_is_zero(&entries[0].new_commit)) {
            return r < 0 ? r : 0;
        }
        /* not found twice with the same last movement: nobody removed it in between */
        if (entries[0].sequence == sequence) {
            *ret = entries[0];
            return 1;
        }
        sequence = entries[0].sequence;
        r = catalog_ref_find(catalog, name, &ref, err);
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
}

int fsck_refs(struct fsck *fsck, corrie_error *err)
{
    struct catalog *catalog = lake_catalog(fsck->lake);
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_ref *branches;
    struct str *names;
    size_t n;
    int r;

    r = catalog_reflog_names(catalog, &arena, &names, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        _cleanup_(arena_done) struct arena scratch = {0};
        _cleanup_(buf_done) struct buf where = {0};
        _cleanup_(buf_done) struct buf what = {0};
        struct catalog_reflog_entry entry;
        char hex[HASH_HEX + 1];

        r = ref_is_lost(fsck->lake, names[i], &scratch, &entry, err);
        if (r > 0) {
            hash_hex(&entry.new_commit, hex);
            buf_addf(&where, "ref %.*s", STR_FMT(names[i]));
            buf_addf(&what, "it is gone, and nobody removed it: its reflog ends at %.12s", hex);
            r = fsck_problem(fsck, buf_str(&where), buf_str(&what), err);
        }
    }
    r = r < 0 ? r
              : catalog_ref_list(catalog, STR_EMPTY, CATALOG_BRANCH, STR_EMPTY, 1, &arena,
                                 &branches, &n, err);
    return r < 0 || n > 0 ? r : fsck_problem(fsck, STR("refs"), STR("there is no branch"), err);
}
