/* api_log.c — the log of a ref and its filters, in the public interface. */
#include "lake/api_list.h"

#include "base/mem.h"
#include "lang/name.h"

/* ---- documents ---- */

void api_commit_text(const struct commit *commit, struct buf *out)
{
    jt_open(out, '{');
    jt_add_hash(out, "commit", &commit->id);
    jt_name(out, STR("parents"));
    jt_open(out, '[');
    for (size_t i = 0; i < commit->n_parents; i++) {
        jt_hash(out, &commit->parents[i]);
    }
    jt_close(out, ']');
    jt_add_int(out, "generation", (int64_t)commit->generation);
    jt_add_str(out, "author", commit->author);
    jt_add_str(out, "committer", commit->committer);
    jt_add_time(out, "time", commit->commit_time);
    jt_add_time(out, "author_time", commit->author_time);
    jt_add_str(out, "message", commit->message);
    jt_name(out, STR("properties"));
    jt_open(out, '{');
    for (size_t i = 0; i < commit->n_properties; i++) {
        jt_name(out, commit->properties[i].name);
        jt_string(out, commit->properties[i].value);
    }
    jt_close(out, '}');
    if (commit->has_job) {
        jt_add_uuid(out, "job", &commit->job);
    } else {
        jt_add_null(out, "job");
    }
    jt_add_int(out, "tainted", (int64_t)commit->tainted);
    jt_close(out, '}');
}

int api_commit_json(const struct commit *commit, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int r;

    api_commit_text(commit, &text);
    r = buf_check(&text, err);
    return r < 0 ? r : js_parse(buf_str(&text), "a commit", ret, err);
}

/* ---- filters ---- */

struct log {
    struct corrie_cursor base;
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
    struct arena keys;    /* of what `table` was called; empty key: the filter is not set */
    struct str key;       /* what it is called at the start */
    bool whole_namespace; /* the key is a namespace's, and all tables in it count */
    bool seen;            /* some commit had it */
    const char *table;    /* as it was asked for, in `arena` */
};

/* What a commit calls what is followed; the note of a walk. In log->keys. */
struct log_name {
    struct str key;
};

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

static bool has_property(const struct log *log, const struct commit *commit)
{
    for (size_t i = 0; i < commit->n_properties; i++) {
        if (str_eq(commit->properties[i].name, log->property)) {
            return log->any_value || str_eq(commit->properties[i].value, log->property_value);
        }
    }
    return false;
}

static bool fits(const struct log *log, const struct commit *commit)
{
    return contains(commit->message, log->message) && contains(commit->author, log->author) &&
           (log->property.len == 0 || has_property(log, commit)) &&
           (!log->has_since || commit->commit_time >= log->since) &&
           (!log->has_until || commit->commit_time <= log->until);
}

static int take_time(const char *name, const char *text, bool (*parse)(struct str, int64_t *),
                     bool *ret_has, int64_t *ret, corrie_error *err)
{
    if (!text) {
        return 0;
    }
    if (!parse(str_of(text), ret)) {
        corrie_fail(err, CORRIE_E_USAGE, "%s \"%s\" is no time", name, text);
        return corrie_hint(err, "write it as 2026-11-20T10:00:00Z, or a date alone");
    }
    *ret_has = true;
    return 0;
}

static int take_filters(struct log *log, const corrie_log_options *options, corrie_error *err)
{
    struct str property = str_of(options->property);
    int r;

    log->base.max = options->max;
    log->first_parent = options->first_parent;
    log->any_value = !str_cut(property, '=', &property, &log->property_value);
    if (options->property && property.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "a property without a name");
    }
    if (arena_str(&log->arena, str_of(options->message), &log->message) < 0 ||
        arena_str(&log->arena, str_of(options->author), &log->author) < 0 ||
        arena_str(&log->arena, property, &log->property) < 0 ||
        arena_str(&log->arena, log->property_value, &log->property_value) < 0) {
        return corrie_fail_memory(err);
    }
    r = take_time("since", options->since, clock_parse, &log->has_since, &log->since, err);
    return r < 0 ? r
                 : take_time("until", options->until, clock_parse_end, &log->has_until, &log->until,
                             err);
}

/* ---- what changed a table ---- */

/* "NAMESPACE.*": the namespace's key. */
static int namespace_key(struct str text, struct key *ret, corrie_error *err)
{
    struct table_name name;
    int r = table_name_parse(str_slice(text, 0, text.len - 2), &name, err);

    if (r >= 0 && name.ns.len > 0) {
        r = corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" names no namespace", STR_FMT(text));
    }
    return r < 0 ? r : KEY_MAKE(ret, err, STR("namespace"), name.table);
}

static int take_table(struct log *log, const corrie_log_options *options, corrie_error *err)
{
    struct str name = str_of(options->table);
    struct key key;
    int r;

    log->table = arena_text(&log->arena, name);
    if (!log->table) {
        return corrie_fail_memory(err);
    }
    log->whole_namespace = str_ends(name, STR(".*"));
    r = log->whole_namespace ? namespace_key(name, &key, err)
                             : api_key_of(name, options->default_namespace, &key, err);
    if (r < 0) {
        return r;
    }
    return arena_str(&log->keys, key_str(&key), &log->key) < 0 ? corrie_fail_memory(err) : 0;
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
static int namespace_differs(struct log *log, const struct hash *older, const struct hash *newer,
                             corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct track_step step;
    struct key prefix;
    int r;

    r = api_track(log->base.lake, older, newer, log->key, &arena, &step, err);
    if (r < 0 || step.change != TRACK_SAME) {
        return r < 0 ? r : 1;
    }
    r = KEY_MAKE_PREFIX(&prefix, err, STR("table"), key_segment(log->key, 1));
    if (r < 0 || !older) {
        return r; /* a first commit with tables has their namespaces too */
    }
    return tree_diff(log->base.lake->catalog, older, newer, key_str(&prefix), on_difference, NULL,
                     err);
}

/* Whether the commit did something to what is followed, against a parent's tree (NULL: it has none). 1 or 0. *name is what
 * the parent calls it. */
static int differs(struct log *log, const struct commit *commit, const struct hash *older,
                   struct str key, const struct log_name **ret_name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct track_step step;
    struct log_name *name;
    int r;

    if (log->whole_namespace) {
        r = namespace_differs(log, older, &commit->tree, err);
        log->seen |= r > 0;
        return r;
    }
    r = api_track(log->base.lake, older, &commit->tree, key, &arena, &step, err);
    if (r < 0) {
        return r;
    }
    log->seen |= step.change != TRACK_SAME;
    if (step.change == TRACK_RENAMED) {
        name = arena_new(&log->keys, struct log_name);
        if (!name || arena_str(&log->keys, step.key_before, &name->key) < 0) {
            return corrie_fail_memory(err);
        }
        *ret_name = name;
    }
    return step.change != TRACK_SAME;
}

/* Whether the commit changed what is followed: a merge counts if it has what none of its parents have. 1 or 0. Tells
 * the parents what they call it. */
static int changed(struct log *log, const struct commit *commit, corrie_error *err)
{
    const struct log_name *name = history_walk_note(log->walk);
    struct str key = name ? name->key : log->key;
    size_t n = log->first_parent && commit->n_parents > 1 ? 1 : commit->n_parents;
    bool all = true;

    for (size_t i = 0; i < n; i++) {
        const struct log_name *before = name;
        struct hash parent;
        int r = history_walk_parent_tree(log->walk, i, &parent, err);

        if (r >= 0) {
            r = differs(log, commit, &parent, key, &before, err);
        }
        if (r < 0) {
            return r;
        }
        all = all && r > 0;
        history_walk_pass(log->walk, i, before);
    }
    return n > 0 ? all : differs(log, commit, NULL, key, &name, err);
}

/* Of what no commit had, those that are there and near are named. */
static int check_seen(struct log *log, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_value value;
    int r;

    if (log->key.len == 0 || log->seen) {
        return 0;
    }
    r = tree_need(log->base.lake->catalog, &log->start.tree, log->key, &arena, &value, err);
    return r < 0 ? api_hint_namespace(&log->start, str_of(log->table), err) : 0;
}

/* ---- the cursor ---- */

static int open_walk(struct log *log, const char *ref, const corrie_log_options *options,
                     corrie_error *err)
{
    struct lake *lake = log->base.lake;
    struct hash hidden;
    int r;

    r = lake_view_at(lake, str_of(ref), &log->start, err);
    if (r >= 0 && options->table) {
        r = take_table(log, options, err);
    }
    if (r >= 0) {
        r = history_walk_open(lake->catalog, &log->start.commit, log->first_parent, &log->walk,
                              err);
    }
    if (r >= 0 && options->exclude_ref) {
        r = lake_resolve(lake, str_of(options->exclude_ref), &hidden, err);
        if (r >= 0) {
            r = history_walk_hide(log->walk, &hidden, err);
        }
        log->seen = true; /* what changed it may be among what is left out */
    }
    return r;
}

/* 1 and the next commit that fits, borrowed until the next call; 0 at the end. */
static int next_commit(struct log *log, const struct commit **ret, corrie_error *err)
{
    const struct commit *commit;
    int r;

    while ((r = history_walk_next(log->walk, &commit, err)) > 0) {
        /* asked of each commit, since its parents learn from it what they call the table */
        r = log->key.len > 0 ? changed(log, commit, err) : 1;
        if (r > 0 && fits(log, commit)) {
            *ret = commit;
            return 1;
        }
        if (r < 0 || (r = cancel_check(log->base.lake->cancel, err)) < 0) {
            break;
        }
    }
    if (r >= 0) {
        r = check_seen(log, err);
    }
    return r < 0 ? corrie_wrap(err, "read the log") : 0;
}

static int log_next(struct corrie_cursor *cursor, struct buf *row, corrie_error *err)
{
    struct log *log = (struct log *)cursor;
    const struct commit *commit;
    int r = next_commit(log, &commit, err);

    if (r > 0) {
        api_commit_text(commit, row);
    }
    return r;
}

static int log_rest(struct corrie_cursor *cursor, struct buf *out, corrie_error *err)
{
    struct log *log = (struct log *)cursor;
    const struct commit *commit;
    int r = cursor->ended ? 0 : next_commit(log, &commit, err);

    jt_name(out, STR("more"));
    jt_raw(out, r > 0 ? STR("true") : STR("false"));
    return r;
}

static void log_done(struct corrie_cursor *cursor)
{
    struct log *log = (struct log *)cursor;

    history_walk_close(log->walk);
    arena_done(&log->keys);
    arena_done(&log->arena);
}

static const struct list_kind log_kind = {"commits", log_next, log_rest, log_done};

int corrie_log_open(corrie_lake *lake, const char *ref, const corrie_log_options *options,
                    corrie_log_cursor **ret, corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = mem_alloc(1, sizeof(struct log));
    corrie_log_options given = {.size = sizeof given};
    struct log *log = (struct log *)cursor;
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    API_GIVEN(given, options);
    cursor->kind = &log_kind;
    cursor->lake = lake;
    r = take_filters(log, &given, err);
    if (r >= 0) {
        r = open_walk(log, ref, &given, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read the log");
    }
    *ret = TAKE_PTR(cursor);
    return 0;
}

int corrie_log_next(corrie_log_cursor *cursor, char **ret_json, corrie_error *err)
{
    return corrie_cursor_next(cursor, ret_json, err);
}

corrie_log_cursor *corrie_log_close(corrie_log_cursor *cursor)
{
    return corrie_cursor_close(cursor);
}

int corrie_log(corrie_lake *lake, const char *ref, const corrie_log_options *options,
               char **ret_json, corrie_error *err)
{
    _cleanup_(corrie_cursor_closep) corrie_cursor *cursor = NULL;
    int r = corrie_log_open(lake, ref, options, &cursor, err);

    return r < 0 ? r : api_list_document(cursor, ret_json, err);
}
