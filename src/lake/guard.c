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

#include "base/map.h"
#include "base/vec.h"
#include "catalog/tree.h"

#define SHOWN_MAX 5

/* What tells a member of a group, whatever its key: the same table of the same group has the same value. */
struct member {
    struct uuid id;
    struct hash origin; /* zero: in no group */
};

/* What matters of a value. */
struct stamp {
    bool there;
    bool has_origin;
    bool has_taint;
    struct member member;
    struct uuid taint;
};

/* A key that the step would change. */
struct change {
    struct str key;
    struct stamp before;
    struct stamp after;
    bool from_source; /* `after` is the source's value */
};

struct inspection {
    struct lake_guard *guard;
    struct catalog *catalog;
    struct arena arena;
    const struct hash *target; /* trees; the target NULL: there is none */
    const struct hash *source; /* NULL: groups do not matter */
    const struct hash *result;
    VEC(struct change) changes;
    /* Once all changes are known: */
    struct map by_key; /* key -> struct change, of keys that had a member of a group */
    struct map before; /* struct member -> nothing: that stood at a changed key before */
    struct map after;  /* likewise, that stands at one now */
    struct map anew;   /* ids of tables whose value was made just now */
};

static void inspection_done(struct inspection *inspection)
{
    vec_done(&inspection->changes);
    map_done(&inspection->by_key);
    map_done(&inspection->before);
    map_done(&inspection->after);
    map_done(&inspection->anew);
    arena_done(&inspection->arena);
}

static struct stamp stamp_of(const struct tree_value *value)
{
    if (!value) {
        return (struct stamp){0};
    }
    return (struct stamp){.there = true,
                          .has_origin = value->has_origin,
                          .has_taint = value->has_taint,
                          .member = {value->id, value->origin},
                          .taint = value->taint};
}

static int on_change(void *arg, struct str key, const struct tree_value *before,
                     const struct tree_value *after, corrie_error *err)
{
    struct inspection *in = arg;
    struct change change = {.before = stamp_of(before), .after = stamp_of(after)};
    struct tree_value value;
    int r = cancel_check(in->guard->lake->cancel, err);

    if (r >= 0 && in->source && after) {
        r = tree_get(in->catalog, in->source, key, &in->arena, &value, err);
        change.from_source = r > 0 && tree_value_eq(after, &value);
    }
    if (r < 0) {
        return r;
    }
    return arena_str(&in->arena, key, &change.key) < 0 || vec_push(&in->changes, change) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* ---- saying it ---- */

/* Names of tables and of jobs, each once, in the order they were met. */
struct names {
    struct map seen;
    struct buf text;
    size_t n;
    const char *between;
};

static void names_done(struct names *names)
{
    map_done(&names->seen);
    buf_done(&names->text);
}

/* `name` must outlive the names. */
static int add_name(struct names *names, struct str name, corrie_error *err)
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

static void end_names(struct names *names)
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

static int add_table(struct names *names, struct arena *arena, struct str key, corrie_error *err)
{
    struct str name;
    int r = table_text(arena, key, &name, err);

    return r < 0 ? r : add_name(names, name, err);
}

static int add_job(struct names *names, struct arena *arena, const struct uuid *job,
                   corrie_error *err)
{
    char *text = arena_alloc(arena, UUID_TEXT + 1, 1);

    if (!text) {
        return corrie_fail_memory(err);
    }
    uuid_format(job, text);
    return add_name(names, str_of(text), err);
}

/* All names with a space between them, for the record. */
static int all_names(const struct names *names, struct arena *arena, struct str *ret,
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

static struct str taint_key(struct taint_key *key, const struct stamp *stamp)
{
    *key = (struct taint_key){stamp->member.id, stamp->taint};
    return (struct str){(const char *)key, sizeof *key};
}

/* Tables and taints that the target has had. */
static int known_taint(struct inspection *in, struct map *ret, corrie_error *err)
{
    for (size_t i = 0; i < in->changes.count; i++) {
        const struct stamp *before = &in->changes.items[i].before;
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

static int find_taint(struct inspection *in, struct names *tables, struct names *jobs,
                      corrie_error *err)
{
    struct map known = {0};
    int r = known_taint(in, &known, err);

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        const struct change *change = &in->changes.items[i];
        struct taint_key key;

        if (change->after.has_taint && !map_find(&known, taint_key(&key, &change->after))) {
            r = add_table(tables, &in->arena, change->key, err);
            if (r >= 0) {
                r = add_job(jobs, &in->arena, &change->after.taint, err);
            }
        }
    }
    map_done(&known);
    return r;
}

/* Refuses, or, where it is accepted, returns 1 and the jobs. */
static int check_taint(struct inspection *in, struct str *ret_jobs, corrie_error *err)
{
    _cleanup_(names_done) struct names tables = {.between = ", "};
    _cleanup_(names_done) struct names jobs = {.between = ", "};
    int r = find_taint(in, &tables, &jobs, err);

    if (r < 0 || tables.n == 0) {
        return r;
    }
    if (in->guard->accept_taint) {
        r = all_names(&jobs, in->guard->arena, ret_jobs, err);
        return r < 0 ? r : 1;
    }
    end_names(&tables);
    end_names(&jobs);
    corrie_fail(err, CORRIE_E_REFUSED, "%s: left by a job that did not succeed, %s",
                buf_text(&tables.text), buf_text(&jobs.text));
    return lake_taint_hint(in->guard->lake, jobs.seen.entries[0].key, err);
}

/* ---- torn groups ---- */

static struct str member_key(const struct member *member)
{
    return (struct str){(const char *)member, sizeof *member};
}

static struct str id_key(const struct uuid *id)
{
    return (struct str){(const char *)id->bytes, sizeof id->bytes};
}

static int index_changes(struct inspection *in, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        struct change *change = &in->changes.items[i];

        if (change->before.has_origin) {
            r |= map_put(&in->by_key, change->key, change);
            r |= map_put(&in->before, member_key(&change->before.member), change);
        }
        if (change->after.has_origin) {
            r |= map_put(&in->after, member_key(&change->after.member), change);
        }
        if (change->after.there && !change->from_source) {
            r |= map_put(&in->anew, id_key(&change->after.member.id), change);
        }
    }
    return r < 0 ? corrie_fail_memory(err) : 0;
}

/* Whether the member that stood at a changed key stands at another one now: it was only renamed. */
static bool stays_elsewhere(const struct inspection *in, const struct change *change)
{
    return map_find(&in->after, member_key(&change->before.member)) != NULL;
}

/* Whether the member that a change brings stood at another key before. */
static bool was_elsewhere(const struct inspection *in, const struct change *change)
{
    return map_find(&in->before, member_key(&change->after.member)) != NULL;
}

struct groups {
    struct origin_group *items;
    size_t count;
    size_t capacity;
    struct map seen; /* origin -> nothing */
};

static void groups_done(struct groups *groups)
{
    vec_done(groups);
    map_done(&groups->seen);
}

static int add_group(struct inspection *in, struct groups *groups, const struct hash *origin,
                     corrie_error *err)
{
    struct str name = {(const char *)origin->bytes, sizeof origin->bytes};
    struct origin_group group = {0};
    int r;

    if (map_find(&groups->seen, name)) {
        return 0;
    }
    r = origin_read(in->guard->lake, origin, &in->arena, &group.origin, err);
    if (r < 0) {
        return r;
    }
    return vec_push(groups, group) < 0 || map_put(&groups->seen, name, NULL) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* What is torn: sentences for the message, jobs for the record. */
struct torn {
    struct names sentences;
    struct names jobs;
};

static void torn_done(struct torn *torn)
{
    names_done(&torn->sentences);
    names_done(&torn->jobs);
}

static int add_torn(struct inspection *in, struct torn *torn, const struct origin *origin,
                    struct names *moving, const char *verb, struct names *other, corrie_error *err)
{
    char *text;
    int r;

    end_names(moving);
    end_names(other);
    text = arena_printf(&in->arena, "%s would %s %s, and job %.8s published them together",
                        buf_text(&moving->text), verb, buf_text(&other->text), origin->job.data);
    if (!text) {
        return corrie_fail_memory(err);
    }
    r = add_name(&torn->sentences, str_of(text), err);
    return r < 0 ? r : add_name(&torn->jobs, origin->job, err);
}

/* Whether a member of a group of the target is taken back: its key gets a value from history. */
static bool is_taken_back(const struct inspection *in, const struct change *change)
{
    return change->before.has_origin && change->after.there && change->from_source &&
           !stays_elsewhere(in, change);
}

static int check_leaving_group(struct inspection *in, const struct origin_group *group,
                               struct torn *torn, corrie_error *err)
{
    _cleanup_(names_done) struct names back = {.between = ", "};
    _cleanup_(names_done) struct names stay = {.between = ", "};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < group->origin.n_outputs; i++) {
        const struct origin_member *member = &group->members[i];
        const struct change *change;

        if (member->key.len == 0) {
            continue;
        }
        change = map_get(&in->by_key, member->key);
        if (!change || stays_elsewhere(in, change)) {
            r = add_table(&stay, &in->arena, member->key, err);
        } else if (is_taken_back(in, change)) {
            r = add_table(&back, &in->arena, member->key, err);
        }
    }
    return r < 0 || back.n == 0 || stay.n == 0
               ? r
               : add_torn(in, torn, &group->origin, &back, "be taken back without", &stay, err);
}

static int check_leaving(struct inspection *in, struct torn *torn, corrie_error *err)
{
    _cleanup_(groups_done) struct groups groups = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        struct change *change = &in->changes.items[i];

        if (is_taken_back(in, change)) {
            r = add_group(in, &groups, &change->before.member.origin, err);
        }
    }
    if (r >= 0 && groups.count > 0) {
        r = origin_find(in->guard->lake, in->target, groups.items, groups.count, &in->arena, err);
    }
    for (size_t i = 0; r >= 0 && i < groups.count; i++) {
        r = check_leaving_group(in, &groups.items[i], torn, err);
    }
    return r;
}

static int check_arriving_group(struct inspection *in, const struct origin_group *group,
                                const struct origin_member *in_result, struct torn *torn,
                                corrie_error *err)
{
    _cleanup_(names_done) struct names come = {.between = ", "};
    _cleanup_(names_done) struct names lack = {.between = ", "};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < group->origin.n_outputs; i++) {
        const struct origin_member *member = &group->members[i];

        if (member->key.len == 0) {
            continue;
        }
        if (in_result[i].key.len > 0) {
            r = add_table(&come, &in->arena, in_result[i].key, err);
        } else if (!map_find(&in->anew, id_key(&member->value.id))) {
            r = add_table(&lack, &in->arena, member->key, err);
        }
    }
    return r < 0 || lack.n == 0 || come.n == 0
               ? r
               : add_torn(in, torn, &group->origin, &come, "come without", &lack, err);
}

/* The members that stand in the result, of groups found in the source. */
static int find_in_result(struct inspection *in, struct groups *groups, struct origin_group **ret,
                          corrie_error *err)
{
    struct origin_group *copies = arena_array(&in->arena, struct origin_group, groups->count);

    if (!copies) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < groups->count; i++) {
        copies[i].origin = groups->items[i].origin;
    }
    *ret = copies;
    return origin_find(in->guard->lake, in->result, copies, groups->count, &in->arena, err);
}

static int check_arriving(struct inspection *in, struct torn *torn, corrie_error *err)
{
    _cleanup_(groups_done) struct groups groups = {0};
    struct origin_group *in_result = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < in->changes.count; i++) {
        struct change *change = &in->changes.items[i];

        if (change->from_source && change->after.has_origin && !was_elsewhere(in, change)) {
            r = add_group(in, &groups, &change->after.member.origin, err);
        }
    }
    if (r < 0 || groups.count == 0) {
        return r;
    }
    r = origin_find(in->guard->lake, in->source, groups.items, groups.count, &in->arena, err);
    if (r >= 0) {
        r = find_in_result(in, &groups, &in_result, err);
    }
    for (size_t i = 0; r >= 0 && i < groups.count; i++) {
        r = check_arriving_group(in, &groups.items[i], in_result[i].members, torn, err);
    }
    return r;
}

/* Refuses, or, where it is allowed, returns 1 and the jobs. */
static int check_groups(struct inspection *in, struct str *ret_jobs, corrie_error *err)
{
    _cleanup_(torn_done) struct torn torn = {.sentences = {.between = "; "},
                                             .jobs = {.between = ", "}};
    int r = index_changes(in, err);

    if (r >= 0 && in->guard->restores) {
        r = check_leaving(in, &torn, err);
    }
    if (r >= 0) {
        r = check_arriving(in, &torn, err);
    }
    if (r < 0 || torn.sentences.n == 0) {
        return r;
    }
    if (in->guard->allow_torn) {
        r = all_names(&torn.jobs, in->guard->arena, ret_jobs, err);
        return r < 0 ? r : 1;
    }
    end_names(&torn.sentences);
    corrie_fail(err, CORRIE_E_REFUSED, "%s", buf_text(&torn.sentences.text));
    return corrie_hint(err, "move all of them, or say --allow-torn: it is recorded");
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

static int accept(struct lake_guard *guard, struct merge_step *step, const char *name,
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
    _cleanup_(inspection_done) struct inspection in = {.guard = data, .catalog = catalog};
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
    r = tree_diff(catalog, in.target, in.result, STR("table\0"), on_change, &in, err);
    if (r >= 0 && step->tainted > 0) {
        r = check_taint(&in, &jobs, err);
        if (r > 0) {
            r = accept(guard, step, "accepted-taint", jobs, err);
        }
    }
    if (r >= 0 && !whole) {
        r = check_groups(&in, &jobs, err);
        if (r > 0) {
            r = accept(guard, step, "accepted-torn", jobs, err);
        }
    }
    return r < 0 ? r : 0;
}

/* All tainted values of a tree as changes. */
static int all_tainted(struct inspection *in, uint64_t n, corrie_error *err)
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
    _cleanup_(inspection_done) struct inspection in = {.guard = guard,
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
            r = tree_diff(in.catalog, in.target, in.result, STR("table\0"), on_change, &in, err);
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
