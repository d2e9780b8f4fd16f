/* api_diff.c — what differs between two states, in the public interface. */
#include "lake/api_priv.h"

struct diffing {
    struct lake *lake;
    json_t *changes;
};

static int set_table(struct diffing *diffing, json_t *item, struct str key,
                     const struct tree_value *value, bool before, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_table table;
    int r;

    if (!value) {
        return 0;
    }
    r = lake_table_of_value(diffing->lake, key, value, &arena, &table, err);
    if (r < 0) {
        return r;
    }
    r = js_set_int(item, before ? "records_before" : "records_after", table.records);
    r |= js_set_int(item, before ? "bytes_before" : "bytes_after", table.bytes);
    r |= js_set_int(item, before ? "files_before" : "files_after", table.files);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int add_change(void *arg, struct str key, const struct tree_value *old_value,
                      const struct tree_value *new_value, corrie_error *err)
{
    struct diffing *diffing = arg;
    _json_ json_t *item = json_object();
    struct str kind = key_segment(key, 0);
    int r;

    r = js_set_str(item, "change",
                   !old_value   ? STR("added")
                   : !new_value ? STR("removed")
                                : STR("changed"));
    r |= js_set_str(item, "kind", kind);
    r |= js_set(item, "name", api_key_name(key));
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    if (str_eq(kind, STR("table"))) {
        r = set_table(diffing, item, key, old_value, true, err);
        if (r >= 0) {
            r = set_table(diffing, item, key, new_value, false, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return json_array_append_new(diffing->changes, TAKE_PTR(item)) < 0 ? corrie_fail_memory(err)
                                                                       : 0;
}

int lake_diff_changes(struct lake *lake, const struct hash *from_commit,
                      const struct hash *to_commit, const struct hash *to_tree, json_t **ret,
                      corrie_error *err)
{
    _json_ json_t *changes = json_array();
    struct diffing diffing = {.lake = lake, .changes = changes};
    struct lake_view from;
    struct lake_view to;
    int r;

    if (!changes) {
        return corrie_fail_memory(err);
    }
    r = lake_view_of(lake, from_commit, &from, err);
    if (r >= 0 && to_commit) {
        r = lake_view_of(lake, to_commit, &to, err);
    } else if (r >= 0) {
        to.tree = *to_tree;
    }
    if (r >= 0) {
        r = tree_diff(lake->catalog, &from.tree, &to.tree, STR_EMPTY, add_change, &diffing, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(changes);
    return 0;
}

int corrie_diff(corrie_lake *lake, const char *from_ref, const char *to_ref,
                const corrie_diff_options *options, char **ret_json, corrie_error *err)
{
    corrie_diff_options given = {.size = sizeof given};
    _json_ json_t *document = json_object();
    json_t *changes = NULL;
    struct hash from;
    struct hash to;
    int r;

    API_GIVEN(given, options);
    if (given.table || given.merge_base || given.schema || given.rows > 0) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "such a comparison is not built yet");
    }
    r = lake_resolve(lake, str_of(from_ref), &from, err);
    if (r >= 0) {
        r = lake_resolve(lake, str_of(to_ref), &to, err);
    }
    if (r >= 0) {
        r = lake_diff_changes(lake, &from, &to, NULL, &changes, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "compare");
    }
    r = js_set_hash(document, "from", &from);
    r |= js_set_hash(document, "to", &to);
    r |= js_set(document, "merge_base", json_null());
    r |= js_set(document, "changes", changes);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
