/* api_history.c — the lake itself, its log and differences, in the public interface. */
#include "lake/lake_priv.h"

#include "base/mem.h"

const char *corrie_version(void)
{
    return CORRIE_VERSION;
}

void corrie_free(void *text)
{
    mem_free(text);
}

int corrie_cancel_new(corrie_cancel **ret, corrie_error *err)
{
    corrie_cancel *cancel = mem_alloc(1, sizeof *cancel);

    if (!cancel) {
        return corrie_fail_memory(err);
    }
    *ret = cancel;
    return 0;
}

void corrie_cancel_request(corrie_cancel *cancel)
{
    cancel_request(cancel);
}

corrie_cancel *corrie_cancel_free(corrie_cancel *cancel)
{
    mem_free(cancel);
    return NULL;
}

int corrie_lake_info(corrie_lake *lake, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    struct str head;
    int r;

    r = lake_head(lake, &arena, &head, err);
    if (r < 0) {
        return r;
    }
    r = js_set_uuid(document, "id", &lake->id);
    r |= js_set_str(document, "root", lake->root);
    r |= js_set_int(document, "format", LAKE_FORMAT);
    r |= js_set(document, "features", json_array());
    r |= js_set_str(document, "catalog", STR("sqlite"));
    r |= js_set_str(document, "user", lake->user);
    r |= js_set_str(document, "ref", head);
    r |= js_set_str(document, "version", STR(CORRIE_VERSION));
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- log ---- */

static json_t *parents_json(const struct commit *commit)
{
    json_t *parents = json_array();
    char hex[HASH_HEX + 1];

    for (size_t i = 0; i < commit->n_parents && parents; i++) {
        hash_hex(&commit->parents[i], hex);
        if (json_array_append_new(parents, json_string(hex)) < 0) {
            json_decref(parents);
            return NULL;
        }
    }
    return parents;
}

static json_t *commit_json(const struct commit *commit)
{
    json_t *item = json_object();
    json_t *properties = json_object();
    int r = 0;

    for (size_t i = 0; i < commit->n_properties && properties; i++) {
        r |= json_object_setn_new(properties, commit->properties[i].name.data,
                                  commit->properties[i].name.len,
                                  js_string(commit->properties[i].value));
    }
    r |= js_set_hash(item, "commit", &commit->id);
    r |= js_set(item, "parents", parents_json(commit));
    r |= js_set_str(item, "author", commit->author);
    r |= js_set_str(item, "committer", commit->committer);
    r |= js_set_time(item, "time", commit->commit_time);
    r |= js_set_str(item, "message", commit->message);
    r |= js_set(item, "properties", properties);
    r |=
        commit->has_job ? js_set_uuid(item, "job", &commit->job) : js_set(item, "job", json_null());
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

int corrie_log(corrie_lake *lake, const char *ref, size_t max, char **ret_json, corrie_error *err)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    _json_ json_t *document = json_object();
    json_t *commits = json_array();
    const struct commit *commit;
    struct hash from;
    bool more = false;
    int r;

    if (js_set(document, "commits", commits) < 0) {
        return corrie_fail_memory(err);
    }
    r = lake_resolve(lake, str_of(ref), &from, err);
    if (r >= 0) {
        r = history_walk_open(lake->catalog, &from, false, &walk, err);
    }
    while (r >= 0 && (r = history_walk_next(walk, &commit, err)) > 0) {
        more = max > 0 && json_array_size(commits) == max;
        if (more) {
            break;
        }
        if (json_array_append_new(commits, commit_json(commit)) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r < 0) {
        return corrie_wrap(err, "read the log");
    }
    return js_set_bool(document, "more", more) < 0 ? corrie_fail_memory(err)
                                                   : js_give(TAKE_PTR(document), ret_json, err);
}

/* ---- diff ---- */

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

/* "sales.events" of ["table", "sales", "events"] */
static json_t *key_name(struct str key)
{
    _cleanup_(buf_done) struct buf text = {0};
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];
    size_t n = key_split(key, segments);

    for (size_t i = 1; i < n; i++) {
        buf_addf(&text, "%s%.*s", i > 1 ? "." : "", STR_FMT(segments[i]));
    }
    return text.failed ? NULL : js_string(buf_str(&text));
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
    r |= js_set(item, "name", key_name(key));
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

int corrie_diff(corrie_lake *lake, const char *from_ref, const char *to_ref, char **ret_json,
                corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *changes = NULL;
    struct hash from;
    struct hash to;
    int r;

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
    r = js_set(document, "changes", changes);
    r |= js_set_hash(document, "from", &from);
    r |= js_set_hash(document, "to", &to);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
