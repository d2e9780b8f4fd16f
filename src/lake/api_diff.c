/* api_diff.c — what differs between two states, in the public interface.
 *
 * Things are matched by id: one that is gone under one key and there under another was renamed. */
#include "lake/api_diff.h"

#include "base/map.h"
#include "base/vec.h"
#include "lake/origin.h"

/* A key whose values differ. */
struct entry {
    struct str key;
    const struct tree_value *before; /* NULL = not there */
    const struct tree_value *after;
    struct entry *from; /* what is `after` was called so before */
    bool moved_away;    /* what is `before` has another key now */
};

struct diffing {
    const struct api_diff *diff;
    struct arena arena;
    VEC(struct entry *) entries;
    struct map gone; /* id -> entry whose `before` is not under its key any more */
    struct lake_workspace workspace;
    json_t *changes;
};

static void diffing_done(struct diffing *d)
{
    json_decref(d->changes);
    lake_workspace_done(&d->workspace);
    map_done(&d->gone);
    vec_done(&d->entries);
    arena_done(&d->arena);
}

/* ---- matching ---- */

static int copy_value(struct diffing *d, const struct tree_value *value,
                      const struct tree_value **ret, corrie_error *err)
{
    struct tree_value *copy;
    int r;

    if (!value) {
        return 0;
    }
    copy = arena_new(&d->arena, struct tree_value);
    if (!copy) {
        return corrie_fail_memory(err);
    }
    r = tree_value_copy(value, &d->arena, copy, err);
    *ret = copy;
    return r;
}

static bool same_thing(const struct entry *entry)
{
    return entry->before && entry->after && uuid_eq(&entry->before->id, &entry->after->id);
}

static int on_difference(void *arg, struct str key, const struct tree_value *before,
                         const struct tree_value *after, corrie_error *err)
{
    struct diffing *d = arg;
    struct entry *entry = arena_new(&d->arena, struct entry);
    int r;

    if (!entry || arena_str(&d->arena, key, &entry->key) < 0 || vec_push(&d->entries, entry) < 0) {
        return corrie_fail_memory(err);
    }
    r = copy_value(d, before, &entry->before, err);
    if (r >= 0) {
        r = copy_value(d, after, &entry->after, err);
    }
    if (r >= 0 && entry->before && !same_thing(entry) &&
        !uuid_eq(&entry->before->id, &(struct uuid){0})) {
        r = map_put(
                &d->gone,
                (struct str){(const char *)entry->before->id.bytes, sizeof entry->before->id.bytes},
                entry) < 0
                ? corrie_fail_memory(err)
                : 0;
    }
    return r < 0 ? r : cancel_check(d->diff->lake->cancel, err);
}

static void match_renames(struct diffing *d)
{
    for (size_t i = 0; i < d->entries.count; i++) {
        struct entry *entry = d->entries.items[i];
        struct entry *from;

        if (!entry->after || same_thing(entry)) {
            continue;
        }
        from = map_get(&d->gone, (struct str){(const char *)entry->after->id.bytes,
                                              sizeof entry->after->id.bytes});
        if (from && from != entry && !from->moved_away &&
            str_eq(key_segment(from->key, 0), key_segment(entry->key, 0))) {
            entry->from = from;
            from->moved_away = true;
        }
    }
}

/* ---- tables ---- */

static int set_totals(json_t *item, const struct lake_table *table, bool before)
{
    int r;

    r = js_set_int(item, before ? "records_before" : "records_after", table->records);
    r |= js_set_int(item, before ? "bytes_before" : "bytes_after", table->bytes);
    r |= js_set_int(item, before ? "files_before" : "files_after", table->files);
    return r;
}

/* The job that published the value; null if none did. */
static int set_job(struct diffing *d, const struct tree_value *value, json_t *item,
                   corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct origin origin = {.job = STR_EMPTY};
    int r = 0;

    if (value->has_origin) {
        r = origin_read(d->diff->lake, &value->origin, &arena, &origin, err);
    }
    if (r < 0) {
        return r;
    }
    r = js_set(item, "job", origin.job.len > 0 ? js_string(origin.job) : json_null());
    return r < 0 ? corrie_fail_memory(err) : 0;
}

static int set_schema(struct diffing *d, const struct lake_table *before,
                      const struct lake_table *after, json_t *item, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *old_metadata = NULL;
    _cleanup_(metadata_freep) struct table_metadata *new_metadata = NULL;
    _json_ json_t *changes = NULL;
    int r;

    r = lake_table_metadata(d->diff->lake, before, &old_metadata, err);
    if (r >= 0) {
        r = lake_table_metadata(d->diff->lake, after, &new_metadata, err);
    }
    if (r < 0) {
        return r;
    }
    changes = api_schema_changes(metadata_schema(old_metadata), metadata_schema(new_metadata));
    if (!changes) {
        return corrie_fail_memory(err);
    }
    if (json_array_size(changes) == 0) {
        return 0;
    }
    return js_set(item, "schema", TAKE_PTR(changes)) < 0 ? corrie_fail_memory(err) : 0;
}

static int set_table(struct diffing *d, struct str old_key, const struct tree_value *before,
                     struct str new_key, const struct tree_value *after, json_t *item,
                     corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake *lake = d->diff->lake;
    struct lake_table old_table;
    struct lake_table new_table;
    int r = 0;

    if (before) {
        r = lake_table_of_value(lake, old_key, before, &arena, &old_table, err);
        r = r < 0 ? r : set_totals(item, &old_table, true);
    }
    if (r >= 0 && after) {
        r = lake_table_of_value(lake, new_key, after, &arena, &new_table, err);
        r = r < 0 ? r : set_totals(item, &new_table, false);
    }
    if (r < 0) {
        return err->code < 0 ? err->code : corrie_fail_memory(err);
    }
    r = set_job(d, after ? after : before, item, err);
    if (r < 0 ||
        (before && after && str_eq(old_table.metadata_location, new_table.metadata_location))) {
        return r;
    }
    if (d->diff->schema && before && after) {
        r = set_schema(d, &old_table, &new_table, item, err);
    }
    if (r >= 0 && d->diff->rows > 0) {
        r = api_row_changes(lake, &d->workspace, d->diff->memory, before ? &old_table : NULL,
                            after ? &new_table : NULL, d->diff->rows, item, err);
    }
    return r;
}

/* ---- changes ---- */

/* Whether a key is among those asked for: a table's name, or with a last "*" how it begins. */
static int is_wanted(const struct diffing *d, struct str key)
{
    struct str pattern = d->diff->table;
    _cleanup_(buf_done) struct buf name = {0};

    if (pattern.len == 0) {
        return 1;
    }
    if (!str_eq(key_segment(key, 0), STR("table"))) {
        return 0;
    }
    if (str_ends(pattern, STR("*"))) {
        buf_addf(&name, "%.*s.%.*s", STR_FMT(key_segment(key, 1)), STR_FMT(key_segment(key, 2)));
        return name.failed ? CORRIE_E_NO_MEMORY
                           : str_starts(buf_str(&name), str_slice(pattern, 0, pattern.len - 1));
    }
    return str_eq(pattern, key);
}

static int add_change(struct diffing *d, const char *change, struct str old_key,
                      const struct tree_value *before, struct str new_key,
                      const struct tree_value *after, corrie_error *err)
{
    _json_ json_t *item = NULL;
    struct str key = after ? new_key : old_key;
    struct str kind = key_segment(key, 0);
    bool renamed = before && after && !str_eq(old_key, new_key);
    int wanted = is_wanted(d, key);
    int r;

    if (wanted == 0 && renamed) {
        wanted = is_wanted(d, old_key);
    }
    if (wanted <= 0) {
        return wanted < 0 ? corrie_fail_memory(err) : 0;
    }
    item = json_object();
    r = js_set_str(item, "change", str_of(change));
    r |= js_set_str(item, "kind", kind);
    r |= js_set(item, "name", api_key_name(key));
    if (renamed) {
        r |= js_set(item, "previous_name", api_key_name(old_key));
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    if (str_eq(kind, STR("table"))) {
        r = set_table(d, old_key, before, new_key, after, item, err);
        if (r < 0) {
            return r;
        }
    }
    return json_array_append_new(d->changes, TAKE_PTR(item)) < 0 ? corrie_fail_memory(err) : 0;
}

static int add_entry(struct diffing *d, const struct entry *entry, corrie_error *err)
{
    bool leaves = entry->before && !entry->moved_away;
    int r = 0;

    if (leaves && entry->after && !entry->from) {
        return add_change(d, "changed", entry->key, entry->before, entry->key, entry->after, err);
    }
    if (leaves) {
        r = add_change(d, "removed", entry->key, entry->before, entry->key, NULL, err);
    }
    if (r >= 0 && entry->from) {
        r = add_change(d, "renamed", entry->from->key, entry->from->before, entry->key,
                       entry->after, err);
    } else if (r >= 0 && entry->after) {
        r = add_change(d, "added", entry->key, NULL, entry->key, entry->after, err);
    }
    return r;
}

int api_diff(const struct api_diff *diff, json_t **ret, corrie_error *err)
{
    _cleanup_(diffing_done) struct diffing d = {.diff = diff, .changes = json_array()};
    int r;

    if (!d.changes) {
        return corrie_fail_memory(err);
    }
    r = tree_diff(diff->lake->catalog, &diff->from, &diff->to, STR_EMPTY, on_difference, &d, err);
    if (r < 0) {
        return r;
    }
    match_renames(&d);
    for (size_t i = 0; i < d.entries.count; i++) {
        r = add_entry(&d, d.entries.items[i], err);
        if (r < 0 || (r = cancel_check(diff->lake->cancel, err)) < 0) {
            return r;
        }
    }
    *ret = TAKE_PTR(d.changes);
    return 0;
}

/* ---- the interface ---- */

/* Makes a key of the name of one table, so that it is compared with keys; one that neither side has is told of. */
static int take_table(struct api_diff *diff, const struct lake_view *view, struct arena *arena,
                      const corrie_diff_options *options, corrie_error *err)
{
    struct str name = str_of(options->table);
    struct tree_value ignored;
    struct key key;
    int r;

    if (str_ends(name, STR("*"))) {
        diff->table = name;
        return 0;
    }
    r = api_key_of(name, options->default_namespace, &key, err);
    if (r >= 0 && !str_eq(key_segment(key_str(&key), 0), STR("table"))) {
        r = corrie_fail(err, CORRIE_E_USAGE, "%s is no table", options->table);
    }
    if (r >= 0) {
        r = tree_get(diff->lake->catalog, &diff->from, key_str(&key), arena, &ignored, err);
    }
    if (r == 0) {
        r = tree_need(diff->lake->catalog, &diff->to, key_str(&key), arena, &ignored, err);
        r = r < 0 ? api_hint_namespace(view, name, err) : r;
    }
    if (r < 0) {
        return r;
    }
    return arena_str(arena, key_str(&key), &diff->table) < 0 ? corrie_fail_memory(err) : 0;
}

/* Where the two parted; without anything in common that is nowhere. */
static int take_base(struct lake *lake, const struct hash *from, const struct hash *to,
                     struct object_list *objects, struct hash *ret_commit, bool *ret_has,
                     struct hash *ret_tree, corrie_error *err)
{
    struct lake_view view;
    size_t n;
    int r = history_merge_bases(lake->catalog, from, to, ret_commit, 1, &n, err);

    *ret_has = r >= 0 && n > 0;
    if (r < 0) {
        return r;
    }
    if (n == 0) {
        return tree_empty(lake->catalog, objects, ret_tree, err);
    }
    r = lake_view_of(lake, ret_commit, &view, err);
    *ret_tree = r < 0 ? *ret_tree : view.tree;
    return r;
}

int corrie_diff(corrie_lake *lake, const char *from_ref, const char *to_ref,
                const corrie_diff_options *options, char **ret_json, corrie_error *err)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_diff_options given = {.size = sizeof given};
    _json_ json_t *document = json_object();
    struct api_diff diff = {.lake = lake};
    json_t *changes = NULL;
    struct lake_view from;
    struct lake_view to;
    struct hash base;
    bool has_base = false;
    int r;

    API_GIVEN(given, options);
    r = lake_view_at(lake, str_of(from_ref), &from, err);
    if (r >= 0) {
        r = lake_view_at(lake, str_of(to_ref), &to, err);
    }
    if (r >= 0) {
        diff.from = from.tree;
        diff.to = to.tree;
    }
    if (r >= 0 && given.merge_base) {
        r = take_base(lake, &from.commit, &to.commit, &objects, &base, &has_base, &diff.from, err);
    }
    if (r >= 0 && given.table && *given.table) {
        r = take_table(&diff, &to, &arena, &given, err);
    }
    if (r >= 0) {
        diff.schema = given.schema;
        diff.rows = given.rows;
        diff.memory = given.memory;
        r = api_diff(&diff, &changes, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "compare");
    }
    r = js_set(document, "changes", changes);
    r |= js_set_hash(document, "from", &from.commit);
    r |= js_set_hash(document, "to", &to.commit);
    r |= js_set_hash(document, "merge_base", has_base ? &base : NULL);
    return r != 0 ? corrie_fail_memory(err) : js_give(TAKE_PTR(document), ret_json, err);
}
