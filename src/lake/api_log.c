/* api_log.c — the log of a ref and its filters, in the public interface. */
#include "lake/api_priv.h"

#include "base/mem.h"

/* ---- documents ---- */

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

json_t *api_commit_json(const struct commit *commit)
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
    r |= js_set_int(item, "generation", (int64_t)commit->generation);
    r |= js_set_str(item, "author", commit->author);
    r |= js_set_str(item, "committer", commit->committer);
    r |= js_set_time(item, "time", commit->commit_time);
    r |= js_set_time(item, "author_time", commit->author_time);
    r |= js_set_str(item, "message", commit->message);
    r |= js_set(item, "properties", properties);
    r |=
        commit->has_job ? js_set_uuid(item, "job", &commit->job) : js_set(item, "job", json_null());
    r |= js_set_int(item, "tainted", (int64_t)commit->tainted);
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

/* ---- filters ---- */

struct corrie_log_cursor {
    struct lake *lake;
    struct lake_view start;
    struct history_walk *walk;
    struct arena arena; /* of the filters' texts */
    struct str message;
    struct str author;
    struct str property;
    struct str property_value;
    bool any_value; /* of the property */
    bool first_parent;
    bool has_since;
    bool has_until;
    int64_t since;
    int64_t until;
    size_t max; /* 0 = all */
    size_t given;
    struct arena keys;    /* of what `table` was called; empty key: the filter is not set */
    struct str key;       /* what it is called at the start */
    bool whole_namespace; /* the key is a namespace's, and all tables in it count */
    bool seen;            /* some commit had it */
    const char *table;    /* as it was asked for, in `arena` */
};

/* What a commit calls what is followed; the note of a walk. In cursor->keys. */
struct log_name {
    struct str key;
};
DEFINE_CLEANUP(corrie_log_cursor *, corrie_log_close)

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Whatever the case of ASCII letters. */
static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        size_t n = 0;

        while (n < part.len && lower(text.data[i + n]) == lower(part.data[n])) {
            n++;
        }
        if (n == part.len) {
            return true;
        }
    }
    return false;
}

static bool has_property(const corrie_log_cursor *cursor, const struct commit *commit)
{
    for (size_t i = 0; i < commit->n_properties; i++) {
        if (str_eq(commit->properties[i].name, cursor->property)) {
            return cursor->any_value || str_eq(commit->properties[i].value, cursor->property_value);
        }
    }
    return false;
}

static bool fits(const corrie_log_cursor *cursor, const struct commit *commit)
{
    return contains(commit->message, cursor->message) && contains(commit->author, cursor->author) &&
           (cursor->property.len == 0 || has_property(cursor, commit)) &&
           (!cursor->has_since || commit->commit_time >= cursor->since) &&
           (!cursor->has_until || commit->commit_time <= cursor->until);
}

static int take_time(const char *name, const char *text, bool *ret_has, int64_t *ret,
                     corrie_error *err)
{
    if (!text) {
        return 0;
    }
    if (!clock_parse(str_of(text), ret)) {
        corrie_fail(err, CORRIE_E_USAGE, "%s \"%s\" is no time", name, text);
        return corrie_hint(err, "write it as 2026-11-20T10:00:00Z, or a date alone");
    }
    *ret_has = true;
    return 0;
}

static int take_filters(corrie_log_cursor *cursor, const corrie_log_options *options,
                        corrie_error *err)
{
    struct str property = str_of(options->property);
    int r;

    cursor->max = options->max;
    cursor->first_parent = options->first_parent;
    cursor->any_value = !str_cut(property, '=', &property, &cursor->property_value);
    if (options->property && property.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "a property without a name");
    }
    if (arena_str(&cursor->arena, str_of(options->message), &cursor->message) < 0 ||
        arena_str(&cursor->arena, str_of(options->author), &cursor->author) < 0 ||
        arena_str(&cursor->arena, property, &cursor->property) < 0 ||
        arena_str(&cursor->arena, cursor->property_value, &cursor->property_value) < 0) {
        return corrie_fail_memory(err);
    }
    r = take_time("since", options->since, &cursor->has_since, &cursor->since, err);
    return r < 0 ? r : take_time("until", options->until, &cursor->has_until, &cursor->until, err);
}

/* ---- what changed a table ---- */

/* A name without a dot is a namespace, unless there is only a table public.NAME. */
static int take_table(corrie_log_cursor *cursor, const struct lake_view *view, const char *text,
                      corrie_error *err)
{
    struct str name = str_of(text);
    struct key key;
    int r;

    cursor->table = arena_text(&cursor->arena, name);
    if (!cursor->table) {
        return corrie_fail_memory(err);
    }
    if (str_find(name, ':') < 0 && str_find(name, '.') < 0 && str_find(name, '"') < 0) {
        struct lake_table ignored;

        r = lake_has_namespace(view, name, err);
        if (r == 0) {
            r = lake_table_find(view, STR("public"), name, &cursor->arena, &ignored, err);
            r = r < 0 ? r : !r; /* neither: a namespace that may have been */
        }
        cursor->whole_namespace = r > 0;
        if (r < 0) {
            return r;
        }
    }
    r = cursor->whole_namespace ? KEY_MAKE(&key, err, STR("namespace"), name)
                                : api_key_of(name, &key, err);
    if (r < 0) {
        return r;
    }
    return arena_str(&cursor->keys, key_str(&key), &cursor->key) < 0 ? corrie_fail_memory(err) : 0;
}

static int on_difference(void *arg, struct str key, const struct tree_value *before,
                         const struct tree_value *after, corrie_error *err)
{
    (void)arg;
    (void)key;
    (void)before;
    (void)after;
    (void)err;
    return 1;
}

/* Whether a namespace, or a table in it, differs between two trees. 1 or 0. */
static int namespace_differs(corrie_log_cursor *cursor, const struct hash *older,
                             const struct hash *newer, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct track_step step;
    struct key prefix;
    int r;

    r = api_track(cursor->lake, older, newer, cursor->key, &arena, &step, err);
    if (r < 0 || step.change != TRACK_SAME) {
        return r < 0 ? r : 1;
    }
    r = KEY_MAKE_PREFIX(&prefix, err, STR("table"), key_segment(cursor->key, 1));
    if (r < 0 || !older) {
        return r; /* a first commit with tables has their namespaces too */
    }
    return tree_diff(cursor->lake->catalog, older, newer, key_str(&prefix), on_difference, NULL,
                     err);
}

/* Whether the commit did something to what is followed, against one parent (NULL: it has none). 1 or 0. *name is what
 * the parent calls it. */
static int differs(corrie_log_cursor *cursor, const struct commit *commit,
                   const struct commit *parent, struct str key, const struct log_name **ret_name,
                   corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const struct hash *older = parent ? &parent->tree : NULL;
    struct track_step step;
    struct log_name *name;
    int r;

    if (cursor->whole_namespace) {
        r = namespace_differs(cursor, older, &commit->tree, err);
        cursor->seen |= r > 0;
        return r;
    }
    r = api_track(cursor->lake, older, &commit->tree, key, &arena, &step, err);
    if (r < 0) {
        return r;
    }
    cursor->seen |= step.change != TRACK_SAME;
    if (step.change == TRACK_RENAMED) {
        name = arena_new(&cursor->keys, struct log_name);
        if (!name || arena_str(&cursor->keys, step.key_before, &name->key) < 0) {
            return corrie_fail_memory(err);
        }
        *ret_name = name;
    }
    return step.change != TRACK_SAME;
}

/* Whether the commit changed what is followed: a merge counts if it has what none of its parents have. 1 or 0. Tells
 * the parents what they call it. */
static int changed(corrie_log_cursor *cursor, const struct commit *commit, corrie_error *err)
{
    const struct log_name *name = history_walk_note(cursor->walk);
    struct str key = name ? name->key : cursor->key;
    size_t n = cursor->first_parent && commit->n_parents > 1 ? 1 : commit->n_parents;
    bool all = true;

    for (size_t i = 0; i < n; i++) {
        _cleanup_(arena_done) struct arena arena = {0};
        const struct log_name *before = name;
        struct commit parent;
        int r = commit_read(cursor->lake->catalog, &commit->parents[i], &arena, &parent, err);

        if (r >= 0) {
            r = differs(cursor, commit, &parent, key, &before, err);
        }
        if (r < 0) {
            return r;
        }
        all = all && r > 0;
        history_walk_pass(cursor->walk, i, before);
    }
    return n > 0 ? all : differs(cursor, commit, NULL, key, &name, err);
}

/* Of what no commit had, those that are there and near are named. */
static int check_seen(corrie_log_cursor *cursor, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_value value;
    int r;

    if (cursor->key.len == 0 || cursor->seen) {
        return 0;
    }
    r = tree_need(cursor->lake->catalog, &cursor->start.tree, cursor->key, &arena, &value, err);
    return r < 0 ? r : 0;
}

/* ---- the cursor ---- */

static int open_walk(corrie_log_cursor *cursor, const char *ref, const corrie_log_options *options,
                     corrie_error *err)
{
    struct lake *lake = cursor->lake;
    struct hash hidden;
    int r;

    r = lake_view_at(lake, str_of(ref), &cursor->start, err);
    if (r >= 0 && options->table) {
        r = take_table(cursor, &cursor->start, options->table, err);
    }
    if (r >= 0) {
        r = history_walk_open(lake->catalog, &cursor->start.commit, cursor->first_parent,
                              &cursor->walk, err);
    }
    if (r >= 0 && options->exclude_ref) {
        r = lake_resolve(lake, str_of(options->exclude_ref), &hidden, err);
        if (r >= 0) {
            r = history_walk_hide(cursor->walk, &hidden, err);
        }
        cursor->seen = true; /* what changed it may be among what is left out */
    }
    return r;
}

int corrie_log_open(corrie_lake *lake, const char *ref, const corrie_log_options *options,
                    corrie_log_cursor **ret, corrie_error *err)
{
    _cleanup_(corrie_log_closep) corrie_log_cursor *cursor = mem_alloc(1, sizeof *cursor);
    corrie_log_options given = {.size = sizeof given};
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    API_GIVEN(given, options);
    cursor->lake = lake;
    r = take_filters(cursor, &given, err);
    if (r >= 0) {
        r = open_walk(cursor, ref, &given, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read the log");
    }
    *ret = TAKE_PTR(cursor);
    return 0;
}

/* 1 and the next commit that fits, borrowed until the next call; 0 at the end. */
static int next_commit(corrie_log_cursor *cursor, const struct commit **ret, corrie_error *err)
{
    const struct commit *commit;
    int r;

    while ((r = history_walk_next(cursor->walk, &commit, err)) > 0) {
        /* asked of each commit, since its parents learn from it what they call the table */
        r = cursor->key.len > 0 ? changed(cursor, commit, err) : 1;
        if (r > 0 && fits(cursor, commit)) {
            *ret = commit;
            return 1;
        }
        if (r < 0 || (r = cancel_check(cursor->lake->cancel, err)) < 0) {
            break;
        }
    }
    if (r >= 0) {
        r = check_seen(cursor, err);
    }
    return r < 0 ? corrie_wrap(err, "read the log") : 0;
}

int corrie_log_next(corrie_log_cursor *cursor, char **ret_json, corrie_error *err)
{
    const struct commit *commit;
    int r;

    if (cursor->max > 0 && cursor->given == cursor->max) {
        return 0;
    }
    r = next_commit(cursor, &commit, err);
    if (r <= 0) {
        return r;
    }
    r = js_give(api_commit_json(commit), ret_json, err);
    if (r < 0) {
        return r;
    }
    cursor->given++;
    return 1;
}

corrie_log_cursor *corrie_log_close(corrie_log_cursor *cursor)
{
    if (cursor) {
        history_walk_close(cursor->walk);
        arena_done(&cursor->keys);
        arena_done(&cursor->arena);
        mem_free(cursor);
    }
    return NULL;
}

int corrie_log(corrie_lake *lake, const char *ref, const corrie_log_options *options,
               char **ret_json, corrie_error *err)
{
    _cleanup_(corrie_log_closep) corrie_log_cursor *cursor = NULL;
    _json_ json_t *document = json_object();
    json_t *commits = json_array();
    const struct commit *commit;
    bool more = false;
    int r;

    if (js_set(document, "commits", commits) < 0) {
        return corrie_fail_memory(err);
    }
    r = corrie_log_open(lake, ref, options, &cursor, err);
    while (r >= 0 && (r = next_commit(cursor, &commit, err)) > 0) {
        more = cursor->max > 0 && json_array_size(commits) == cursor->max;
        if (more) {
            break;
        }
        if (json_array_append_new(commits, api_commit_json(commit)) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r < 0) {
        return r;
    }
    return js_set_bool(document, "more", more) < 0 ? corrie_fail_memory(err)
                                                   : js_give(TAKE_PTR(document), ret_json, err);
}
