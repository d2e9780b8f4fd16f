/* api_show.c — one commit, in the public interface. */
#include "lake/api_diff.h"

enum { PAGE = 1024 };

/* The names of the refs that stand at a commit. Cost: all refs. */
static int refs_at(struct lake *lake, const struct hash *commit, json_t *names, corrie_error *err)
{
    struct key last; /* of a page: a ref's name is shorter than a key */
    struct str after = STR_EMPTY;
    size_t n = PAGE;

    while (n == PAGE) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct catalog_ref *refs;
        int r = catalog_ref_list(lake->catalog, STR_EMPTY, 0, after, PAGE, &arena, &refs, &n, err);

        if (r < 0) {
            return r;
        }
        for (size_t i = 0; i < n; i++) {
            if (hash_eq(&refs[i].commit, commit) &&
                json_array_append_new(names, js_string(refs[i].name)) < 0) {
                return corrie_fail_memory(err);
            }
        }
        if (n == PAGE) {
            last.len = refs[n - 1].name.len;
            memcpy(last.bytes, refs[n - 1].name.data, last.len);
            after = key_str(&last);
        }
    }
    return 0;
}

/* What the commit did to its first parent; a first commit did it to nothing. */
static int changes_of(struct lake *lake, const struct commit *commit, json_t **ret,
                      corrie_error *err)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct api_diff diff = {.lake = lake, .to = commit->tree};
    struct lake_view before;
    int r;

    if (commit->n_parents > 0) {
        r = lake_view_of(lake, &commit->parents[0], &before, err);
        diff.from = before.tree;
    } else {
        r = tree_empty(lake->catalog, &objects, &diff.from, err);
    }
    return r < 0 ? r : api_diff(&diff, ret, err);
}

int corrie_show(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = NULL;
    _json_ json_t *changes = NULL;
    json_t *names = json_array();
    struct commit commit;
    struct hash id;
    int r;

    r = lake_resolve(lake, str_of(ref), &id, err);
    if (r >= 0) {
        r = commit_read(lake->catalog, &id, &arena, &commit, err);
    }
    if (r < 0) {
        json_decref(names);
        return corrie_wrap(err, "show %s", lake_means_head(str_of(ref)) ? "a commit" : ref);
    }
    r = api_commit_json(&commit, &document, err);
    if (r < 0) {
        json_decref(names);
        return r;
    }
    if (js_set(document, "refs", names) < 0) {
        return corrie_fail_memory(err);
    }
    r = refs_at(lake, &id, names, err);
    if (r >= 0) {
        r = changes_of(lake, &commit, &changes, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "show a commit");
    }
    r = js_set(document, "changes", TAKE_PTR(changes));
    return r < 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
