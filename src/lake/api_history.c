/* api_history.c — the versions of one table, in the public interface. */
#include "lake/api_priv.h"

#include "lang/name.h"

static const char *const change_names[] = {[TRACK_CREATED] = "created",
                                           [TRACK_WRITTEN] = "written",
                                           [TRACK_RENAMED] = "renamed",
                                           [TRACK_REMOVED] = "removed"};

/* What the version is: of the value after the change, or of a removed table before it. */
static int set_version(struct lake *lake, struct str key, const struct track_step *step,
                       struct arena *arena, json_t *item, corrie_error *err)
{
    struct lake_table table;
    struct str location;
    int r;

    r = lake_table_of_value(lake, key, step->is_after ? &step->after : &step->before, arena, &table,
                            err);
    if (r >= 0) {
        r = lake_absolute(lake, table.metadata_location, arena, &location, err);
    }
    if (r < 0) {
        return r;
    }
    r = js_set_int(item, "records", table.records);
    r |= js_set_int(item, "bytes", table.bytes);
    r |= js_set_int(item, "files", table.files);
    r |= js_set(item, "snapshot_id",
                table.snapshot_id == SNAPSHOT_NONE ? json_null() : json_integer(table.snapshot_id));
    r |= js_set_int(item, "schema_id", table.schema_id);
    r |= js_set_str(item, "metadata_location", location);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int add_version(struct lake *lake, const struct commit *commit, struct str key,
                       const struct track_step *step, struct arena *arena, json_t *versions,
                       corrie_error *err)
{
    _json_ json_t *item = json_object();
    int r;

    r = js_set_hash(item, "commit", &commit->id);
    r |= js_set_str(item, "change", str_of(change_names[step->change]));
    r |= js_set(item, "name", api_key_name(key));
    r |= js_set_time(item, "time", commit->commit_time);
    r |= js_set_str(item, "author", commit->author);
    r |= js_set_str(item, "message", commit->message);
    r |=
        commit->has_job ? js_set_uuid(item, "job", &commit->job) : js_set(item, "job", json_null());
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = set_version(lake, key, step, arena, item, err);
    if (r < 0) {
        return r;
    }
    return json_array_append_new(versions, TAKE_PTR(item)) < 0 ? corrie_fail_memory(err) : 0;
}

/* What one commit of the history did to the table. 1 another version was found than the `max` that were wanted. */
static int look_at(struct lake *lake, struct history_walk *walk, const struct commit *commit,
                   struct key *key, size_t max, json_t *versions, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct track_step step;
    struct hash parent;
    int r = 0;

    if (commit->n_parents > 0) {
        r = history_walk_parent_tree(walk, 0, &parent, err);
    }
    if (r >= 0) {
        r = api_track(lake, commit->n_parents > 0 ? &parent : NULL, &commit->tree, key_str(key),
                      &arena, &step, err);
    }
    if (r < 0 || step.change == TRACK_SAME) {
        return r < 0 ? r : 0;
    }
    if (max > 0 && json_array_size(versions) == max) {
        return 1;
    }
    r = add_version(lake, commit, key_str(key), &step, &arena, versions, err);
    if (r >= 0) {
        memcpy(key->bytes, step.key_before.data, step.key_before.len);
        key->len = step.key_before.len;
    }
    return r;
}

static int add_versions(const struct lake_view *view, struct key *key, size_t max, json_t *versions,
                        bool *ret_more, corrie_error *err)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    const struct commit *commit;
    int r;

    r = history_walk_open(view->lake->catalog, &view->commit, true, &walk, err);
    while (r >= 0 && (r = history_walk_next(walk, &commit, err)) > 0) {
        r = look_at(view->lake, walk, commit, key, max, versions, err);
        if (r > 0) {
            *ret_more = true;
            return 0;
        }
        if (r >= 0) {
            r = cancel_check(view->lake->cancel, err);
        }
    }
    return r;
}

int corrie_table_history(corrie_lake *lake, const char *ref, const char *name,
                         const char *default_namespace, size_t max, char **ret_json,
                         corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = json_object();
    json_t *versions = json_array();
    struct table_name parsed;
    struct lake_view view;
    struct lake_table table;
    struct str shown;
    struct str ns;
    struct key key;
    bool more = false;
    int r;

    if (js_set(document, "versions", versions) < 0) {
        return corrie_fail_memory(err);
    }
    r = lake_table_name(str_of(name), default_namespace, &parsed, err);
    if (r < 0 || (r = lake_view_at(lake, str_of(ref), &view, err)) < 0) {
        return r;
    }
    ns = parsed.ns;
    r = KEY_MAKE(&key, err, STR("table"), ns, parsed.table);
    if (r >= 0) {
        r = arena_str(&arena, key_str(&key), &shown) < 0 ? corrie_fail_memory(err) : 0;
    }
    if (r >= 0) {
        r = add_versions(&view, &key, max, versions, &more, err);
    }
    if (r >= 0 && json_array_size(versions) == 0) { /* never there: says which are nearest */
        r = lake_table_get(&view, ns, parsed.table, &arena, &table, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read the history of table %s", name);
    }
    r = js_set(document, "name", api_key_name(shown));
    r |= js_set_bool(document, "more", more);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
