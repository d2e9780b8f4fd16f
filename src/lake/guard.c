/* guard.c — what may not come to a branch: taint, torn groups, and what was made of inputs that have moved on.
 *
 * All of it is seen in the difference between the branch as it is (target) and as it would be (result). A value that is
 * only under another key than before has not changed. Of the values that came, those that equal the source's are taken
 * from there; the others were made just now (by a content merge) and belong to no group.
 *
 *   taint     a value of the result that a failed job left, unless the target has the same table with the taint of the
 *             same job already: then somebody accepted it before
 *   leaving   (restores) a group of the target: a member gets the source's value, another stays
 *   arriving  a group of the source: a member comes, another is neither there nor made anew */
#include "lake/guard_priv.h"

#include "catalog/tree.h"

#define SHOWN_MAX 5

static void inspection_done(struct guard_inspection *inspection)
{
    vec_done(&inspection->changes);
    map_done(&inspection->sought);
    map_done(&inspection->left);
    map_done(&inspection->by_key);
    map_done(&inspection->before);
    map_done(&inspection->after);
    map_done(&inspection->anew);
    arena_done(&inspection->arena);
}

static struct guard_stamp stamp_of(const struct tree_value *value)
{
    if (!value) {
        return (struct guard_stamp){0};
    }
    return (struct guard_stamp){.there = true,
                                .has_origin = value->has_origin,
                                .has_taint = value->has_taint,
                                .member = {value->id, value->origin},
                                .taint = value->taint};
}

static struct str value_id(const struct tree_value *value)
{
    return (struct str){(const char *)&value->id, sizeof value->id};
}

static bool same_table(const struct tree_value *a, const struct tree_value *b)
{
    return a && b && uuid_eq(&a->id, &b->id);
}

/* Remembers the value of a key that is looked at: it may have had, or have in the source, another one. */
static int seek(struct guard_inspection *in, const struct tree_value *value, bool far,
                corrie_error *err)
{
    struct guard_sought *sought = arena_new(&in->arena, struct guard_sought);
    int r;

    if (!sought) {
        return corrie_fail_memory(err);
    }
    sought->change = in->changes.count;
    sought->far = far;
    in->far |= far;
    r = tree_value_copy(value, &in->arena, &sought->value, err);
    if (r >= 0 && map_put(&in->sought, value_id(&sought->value), sought) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

static int note_left(struct guard_inspection *in, const struct tree_value *value, corrie_error *err)
{
    struct tree_value *copy = arena_new(&in->arena, struct tree_value);
    int r = copy ? tree_value_copy(value, &in->arena, copy, err) : corrie_fail_memory(err);

    return r >= 0 && map_put(&in->left, value_id(copy), copy) < 0 ? corrie_fail_memory(err) : r;
}

/* Whether the source has the value under the same key. 1 or 0. */
static int compare_source(struct guard_inspection *in, struct str key,
                          const struct tree_value *before, const struct tree_value *after,
                          corrie_error *err)
{
    struct tree_value value;
    int r = tree_get(in->catalog, in->source, key, &in->arena, &value, err);
    bool far = r == 0 || (r > 0 && !uuid_eq(&after->id, &value.id));

    if (r < 0 || (r > 0 && tree_value_eq(after, &value))) {
        return r;
    }
    return far || !same_table(before, after) ? seek(in, after, far, err) : 0;
}

static int on_change(void *arg, struct str key, const struct tree_value *before,
                     const struct tree_value *after, corrie_error *err)
{
    struct guard_inspection *in = arg;
    struct guard_change change = {.before = stamp_of(before), .after = stamp_of(after)};
    int r = cancel_check(in->guard->lake->cancel, err);

    if (r >= 0 && in->source && before && !same_table(before, after)) {
        r = note_left(in, before, err);
    }
    if (r >= 0 && in->source && after) {
        r = compare_source(in, key, before, after, err);
        change.from_source = r > 0;
    }
    if (r < 0) {
        return r;
    }
    return arena_str(&in->arena, key, &change.key) < 0 || vec_push(&in->changes, change) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int on_source(void *arg, struct str key, const struct tree_value *source,
                     const struct tree_value *result, corrie_error *err)
{
    struct guard_inspection *in = arg;
    const struct guard_sought *sought = source ? map_get(&in->sought, value_id(source)) : NULL;

    (void)key;
    (void)result;
    if (sought && sought->far && tree_value_eq(&sought->value, source)) {
        in->changes.items[sought->change].from_source = true;
    }
    return cancel_check(in->guard->lake->cancel, err);
}

/* All changes of tables, and where their values come from. */
static int find_changes(struct guard_inspection *in, corrie_error *err)
{
    int r = tree_diff(in->catalog, in->target, in->result, STR("table\0"), on_change, in, err);

    for (size_t i = 0; r >= 0 && i < in->sought.count; i++) {
        const struct guard_sought *sought = in->sought.entries[i].value;
        const struct tree_value *left = map_get(&in->left, value_id(&sought->value));

        in->changes.items[sought->change].moved = left && tree_value_eq(left, &sought->value);
    }
    if (r >= 0 && in->far) {
        r = tree_diff(in->catalog, in->source, in->result, STR("table\0"), on_source, in, err);
    }
    return r;
}

/* ---- saying it ---- */

void guard_names_done(struct guard_names *names)
{
    map_done(&names->seen);
    buf_done(&names->text);
}

int guard_add_name(struct guard_names *names, struct str name, corrie_error *err)
{
    if (map_find(&names->seen, name)) {
        return 0;
    }
    if (map_put(&names->seen, name, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    if (names->n++ < SHOWN_MAX) {
        buf_addf(&names->text, "%s%.*s", names->n > 1 ? names->between : "", STR_FMT(name));
    }
    return buf_check(&names->text, err);
}

void guard_end_names(struct guard_names *names)
{
    if (names->n > SHOWN_MAX) {
        buf_addf(&names->text, " and %zu more", names->n - SHOWN_MAX);
    }
}

/* "sales.events" of ["table", "sales", "events"]. */
static int table_text(struct arena *arena, struct str key, struct str *ret, corrie_error *err)
{
    char *text = arena_printf(arena, "%.*s.%.*s", STR_FMT(key_segment(key, 1)),
                              STR_FMT(key_segment(key, 2)));

    *ret = str_of(text);
    return text ? 0 : corrie_fail_memory(err);
}

int guard_add_table(struct guard_names *names, struct arena *arena, struct str key,
                    corrie_error *err)
{
    struct str name;
    int r = table_text(arena, key, &name, err);

    return r < 0 ? r : guard_add_name(names, name, err);
}

static int add_job(struct guard_names *names, struct arena *arena, const struct uuid *job,
                   corrie_error *err)
{
    char *text = arena_alloc(arena, UUID_TEXT + 1, 1);

    if (!text) {
        return corrie_fail_memory(err);
    }
    uuid_format(job, text);
    return guard_add_name(names, str_of(text), err);
}

int guard_all_names(const struct guard_names *names, struct arena *arena, struct str *ret,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    for (size_t i = 0; i < names->seen.count; i++) {
        buf_addf(&text, "%s%.*s", i > 0 ? " " : "", STR_FMT(names->seen.entries[i].key));
    }
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    return arena_str(arena, buf_str(&text), ret) < 0 ? corrie_fail_memory(err) : 0;
}

int guard_job(struct lake *lake, struct str job, struct guard_job *ret, struct arena *arena,
              corrie_error *err)
{
    _json_ json_t *document = NULL;
    struct catalog_index_entry entry;
    json_t *error = NULL;
    struct str text;
    int r;

    *ret = (struct guard_job){0};
    r = catalog_index_get(lake->catalog, STR("job"), job, arena, &entry, err);
    if (r <= 0) {
        return r;
    }
    r = js_parse(entry.json, "the index of jobs", &document, err);
    if (r >= 0 && (r = js_opt_str(document, "status", &text, CORRIE_E_CORRUPT, err)) > 0) {
        r = arena_str(arena, text, &ret->status) < 0 ? corrie_fail_memory(err) : 0;
    }
    if (r >= 0) {
        r = js_opt_object(document, "error", &error, CORRIE_E_CORRUPT, err);
    }
    if (r > 0 && (r = js_opt_str(error, "message", &text, CORRIE_E_CORRUPT, err)) > 0) {
        r = arena_str(arena, text, &ret->error) < 0 ? corrie_fail_memory(err) : 0;
    }
    return r < 0 ? r : 1;
}

int lake_taint_hint(struct lake *lake, struct str job, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct guard_job found = {0};

    /* what cannot be looked up leaves the hint shorter, nothing else */
    if (guard_job(lake, job, &found, &arena, &ignored) > 0 && found.error.len > 0) {
        return corrie_hint(err,
                           "job %.*s failed: %.*s; run it again, or take what it left all the "
                           "same with --accept-taint",
                           STR_FMT(job), STR_FMT(found.error));
    }
    return corrie_hint(err,
                       "corrie job get %.8s tells what became of it; run it again, or take what "
                       "it left all the same with --accept-taint",
                       job.data);
}

/* ---- taint ---- */

struct taint_key {
    struct uuid id;
    struct uuid job;
};

static struct str taint_key(struct taint_key *key, const struct guard_stamp *stamp)
{
    *key = (struct taint_key){stamp->member.id, stamp->taint};
    return (struct str){(const char *)key, sizeof *key};
}

/* Tables and taints that the target has had. */
static int known_taint(struct guard_inspection *in, struct map *ret, corrie_error *err)
{
    for (size_t i = 0; i < in->changes.count; i++) {
        const struct guard_stamp *before = &in->changes.items[i].before;
        struct taint_key *key;

        if (!before->has_taint) {
            continue;
        }
        key = arena_new(&in->arena, struct taint_key);
        if (!key || map_put(ret, taint_key(key, before), key) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int find_taint(struct guard_inspection *in, struct guard_names *tables,
                      struct guard_names *jobs, corrie_error *err)
{
    struct map known = {0};
    int r = known_taint(in, &known, err);

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        const struct guard_change *change = &in->changes.items[i];
        struct taint_key key;

        if (change->after.has_taint && !map_find(&known, taint_key(&key, &change->after))) {
            r = guard_add_table(tables, &in->arena, change->key, err);
            if (r >= 0) {
                r = add_job(jobs, &in->arena, &change->after.taint, err);
            }
        }
    }
    map_done(&known);
    return r;
}

/* Refuses, or, where it is accepted, returns 1 and the jobs. */
static int check_taint(struct guard_inspection *in, struct str *ret_jobs, corrie_error *err)
{
    _cleanup_(guard_names_done) struct guard_names tables = {.between = ", "};
    _cleanup_(guard_names_done) struct guard_names jobs = {.between = ", "};
    int r = find_taint(in, &tables, &jobs, err);

    if (r < 0 || tables.n == 0) {
        return r;
    }
    if (in->guard->accept_taint) {
        r = guard_all_names(&jobs, in->guard->arena, ret_jobs, err);
        return r < 0 ? r : 1;
    }
    guard_end_names(&tables);
    guard_end_names(&jobs);
    corrie_fail(err, CORRIE_E_REFUSED, "%s: left by a job that did not succeed, %s",
                buf_text(&tables.text), buf_text(&jobs.text));
    return lake_taint_hint(in->guard->lake, jobs.seen.entries[0].key, err);
}

/* ---- inputs that must not have moved ---- */

static int check_reads(const struct lake_guard *guard, const struct hash *target, corrie_error *err)
{
    for (size_t i = 0; i < guard->n_reads; i++) {
        _cleanup_(arena_done) struct arena arena = {0};
        const struct guard_read *read = &guard->reads[i];
        struct lake_table table = {0};
        struct tree_value value;
        struct str name;
        int r = tree_get(guard->lake->catalog, target, read->key, &arena, &value, err);

        if (r > 0) {
            r = lake_table_of_value(guard->lake, read->key, &value, &arena, &table, err);
        }
        if (r < 0) {
            return r;
        }
        if (str_eq(table.metadata_location, read->version)) {
            continue;
        }
        r = table_text(&arena, read->key, &name, err);
        if (r < 0) {
            return r;
        }
        corrie_fail(err, CORRIE_E_CONFLICT, "table %.*s, which was read, %s meanwhile",
                    STR_FMT(name), table.name.len > 0 ? "was changed" : "was removed");
        return corrie_hint(err, "run it again on what is there now, or without --serializable");
    }
    return 0;
}

/* ---- the two ways to a branch ---- */

static int note_accepted(struct lake_guard *guard, struct merge_step *step, const char *name,
                         struct str jobs, corrie_error *err)
{
    char *value =
        arena_printf(guard->arena, "%.*s: %.*s", STR_FMT(guard->lake->user), STR_FMT(jobs));

    if (!value) {
        return corrie_fail_memory(err);
    }
    if (step->n_accepted == ARRAY_LEN(step->accepted)) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "too much was accepted at once");
    }
    step->accepted[step->n_accepted++] =
        (struct commit_property){.name = str_of(name), .value = str_of(value)};
    return 0;
}

int lake_guard_step(void *data, struct catalog *catalog, struct merge_step *step, corrie_error *err)
{
    _cleanup_(inspection_done) struct guard_inspection in = {.guard = data, .catalog = catalog};
    struct lake_guard *guard = data;
    bool whole = hash_eq(step->result_tree, step->source_tree) && !guard->restores;
    struct str jobs;
    int r = check_reads(guard, step->target_tree, err);

    if (r < 0 || step->ref->kind != CATALOG_BRANCH || (step->tainted == 0 && whole)) {
        return r;
    }
    in.target = step->target_tree;
    in.source = whole ? NULL : step->source_tree;
    in.result = step->result_tree;
    r = find_changes(&in, err);
    if (r >= 0 && step->tainted > 0) {
        r = check_taint(&in, &jobs, err);
        if (r > 0) {
            r = note_accepted(guard, step, "accepted-taint", jobs, err);
        }
    }
    if (r >= 0 && !whole) {
        r = guard_check_groups(&in, &jobs, err);
        if (r > 0) {
            r = note_accepted(guard, step, "accepted-torn", jobs, err);
        }
    }
    return r < 0 ? r : 0;
}

/* All tainted values of a tree as changes. */
static int all_tainted(struct guard_inspection *in, uint64_t n, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct key prefix;
    struct str key;
    int r = KEY_MAKE_PREFIX(&prefix, err, STR("table"));

    if (r >= 0) {
        r = tree_cursor_open(in->catalog, in->result, key_str(&prefix), &cursor, err);
    }
    while (r >= 0 && in->changes.count < n &&
           (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        r = value.has_taint ? on_change(in, key, NULL, &value, err) : 0;
    }
    return r < 0 ? r : 0;
}

int lake_guard_ref(struct lake_guard *guard, const struct hash *from_commit,
                   const struct hash *to_commit, struct str *ret_note, corrie_error *err)
{
    _cleanup_(inspection_done) struct guard_inspection in = {.guard = guard,
                                                             .catalog = guard->lake->catalog};
    struct lake_view from;
    struct commit to;
    struct str jobs;
    char *note;
    int r = commit_read(guard->lake->catalog, to_commit, &in.arena, &to, err);

    if (r < 0) {
        return r;
    }
    *ret_note = STR_EMPTY;
    if (to.tainted == 0) {
        return 0;
    }
    in.result = &to.tree;
    if (from_commit) {
        r = lake_view_of(guard->lake, from_commit, &from, err);
        if (r >= 0) {
            in.target = &from.tree;
            r = find_changes(&in, err);
        }
    } else {
        r = all_tainted(&in, to.tainted, err);
    }
    if (r >= 0) {
        r = check_taint(&in, &jobs, err);
    }
    if (r <= 0) {
        return r;
    }
    note = arena_printf(guard->arena, "taint of %.*s accepted by %.*s", STR_FMT(jobs),
                        STR_FMT(guard->lake->user));
    if (!note) {
        return corrie_fail_memory(err);
    }
    *ret_note = str_of(note);
    return 0;
}
