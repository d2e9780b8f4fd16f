/* fsck_names.c — a table has one name on a branch: two would be changed as one and hide each other's history.
 *
 * Few tables ever have several names, so those are found first, by the values of all trees; only they are looked for on
 * each branch. */
#include "maint/fsck_priv.h"

#include <string.h>

#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/key.h"

enum { REF_PAGE = 256 };

int fsck_note_name(struct fsck *fsck, struct str key, const struct uuid *id, corrie_error *err)
{
    struct str id_bytes = {(const char *)id, sizeof *id};
    struct fsck_name *first = map_get(&fsck->names, id_bytes);
    struct fsck_name *name;

    for (name = first; name; name = name->next) {
        if (str_eq(name->key, key)) {
            return 0;
        }
    }
    name = arena_new(&fsck->arena, struct fsck_name);
    if (!name || arena_str(&fsck->arena, key, &name->key) < 0) {
        return corrie_fail_memory(err);
    }
    name->id = *id;
    if (first) {
        name->next = first->next;
        first->next = name;
        return 0;
    }
    name->next = NULL;
    id_bytes = (struct str){(const char *)&name->id, sizeof name->id};
    return map_put(&fsck->names, id_bytes, name) < 0 ? corrie_fail_memory(err) : 0;
}

/* Tells of a table that has several names in a tree. */
static int check_names(struct fsck *fsck, const struct fsck_name *first, const struct hash *tree,
                       struct str branch, corrie_error *err)
{
    _cleanup_(buf_done) struct buf where = {0};
    _cleanup_(buf_done) struct buf what = {0};
    size_t n = 0;

    for (const struct fsck_name *name = first; name; name = name->next) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct tree_value value;
        int r = tree_get(lake_catalog(fsck->lake), tree, name->key, &arena, &value, err);

        if (r < 0) {
            return r;
        }
        if (r > 0 && uuid_eq(&value.id, &first->id)) {
            buf_add_text(&what, n++ > 0 ? " and " : "");
            key_format(name->key, &what);
        }
    }
    if (n < 2) {
        return 0;
    }
    buf_addf(&where, "branch %.*s", STR_FMT(branch));
    buf_add_text(&what, " are one and the same table: corrie table rm removes one of the names, "
                        "corrie table revert brings back what it was");
    return fsck_problem(fsck, buf_str(&where), buf_str(&what), err);
}

static int check_branch(struct fsck *fsck, const struct catalog_ref *ref, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit commit;
    int r = commit_read(lake_catalog(fsck->lake), &ref->commit, &arena, &commit, err);

    for (size_t i = 0; r >= 0 && i < fsck->names.count; i++) {
        const struct fsck_name *first = fsck->names.entries[i].value;

        r = first->next ? check_names(fsck, first, &commit.tree, ref->name, err) : 0;
    }
    if (r == CORRIE_E_CORRUPT || r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err); /* told by the check that reads everything */
        return 0;
    }
    return r;
}

int fsck_names(struct fsck *fsck, corrie_error *err)
{
    struct key after = {.len = 0};

    for (;;) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_ref *refs;
        size_t n;
        int r = catalog_ref_list(lake_catalog(fsck->lake), STR_EMPTY, CATALOG_BRANCH,
                                 key_str(&after), REF_PAGE, &arena, &refs, &n, err);

        for (size_t i = 0; r >= 0 && i < n; i++) {
            r = check_branch(fsck, &refs[i], err);
        }
        if (r < 0 || n < REF_PAGE) {
            return r < 0 ? r : 0;
        }
        after.len = refs[n - 1].name.len;
        memcpy(after.bytes, refs[n - 1].name.data, after.len);
    }
}
