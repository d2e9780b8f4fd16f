/* status.c — whether what is there is made of what is there, in the public interface.
 *
 * Every table that a run published names an origin, which says what the run had read. What was read on the branch and
 * stands there in another version now makes the output stale; what was read elsewhere (a pinned tag, another branch)
 * does not: the branch says nothing about it. An input that the same run published is fresh however it was read. */
#include "lake/api_priv.h"
#include "lake/guard_priv.h"

#include "base/map.h"
#include "base/vec.h"
#include "store/alive.h"

enum { PAGE = 256 };

/* A table that is worth a look. */
struct seen {
    struct str key;
    struct uuid id;
    bool has_origin;
    bool has_taint;
    struct hash origin;
    struct uuid taint;
};

/* A table that was read for an output: what is there of it now. */
struct input {
    struct uuid id;
    bool there;
    struct str key;
    struct str version;
    bool has_origin;
    struct hash origin;
};

/* Where a group is in the list of groups. */
struct place {
    struct hash origin;
    size_t index;
};

struct status {
    struct lake *lake;
    struct arena arena;
    struct lake_view view;
    VEC(struct seen) tables;
    VEC(struct origin_group) groups;
    struct map by_origin; /* origin -> struct place */
    struct map inputs;    /* id -> struct input */
    struct map alive;     /* ids of jobs that run */
};

static void status_done(struct status *status)
{
    vec_done(&status->tables);
    vec_done(&status->groups);
    map_done(&status->by_origin);
    map_done(&status->inputs);
    map_done(&status->alive);
    arena_done(&status->arena);
}

static struct str hash_key(const struct hash *hash)
{
    return (struct str){(const char *)hash->bytes, sizeof hash->bytes};
}

static struct str id_key(const struct uuid *id)
{
    return (struct str){(const char *)id->bytes, sizeof id->bytes};
}

/* ---- tables and their groups ---- */

static int add_group(struct status *status, const struct hash *origin, corrie_error *err)
{
    struct origin_group group = {0};
    struct place *place;
    int r;

    if (map_find(&status->by_origin, hash_key(origin))) {
        return 0;
    }
    r = origin_read(status->lake, origin, &status->arena, &group.origin, err);
    if (r < 0) {
        return r;
    }
    place = arena_new(&status->arena, struct place);
    if (!place || vec_push(&status->groups, group) < 0) {
        return corrie_fail_memory(err);
    }
    *place = (struct place){*origin, status->groups.count - 1};
    return map_put(&status->by_origin, hash_key(&place->origin), place) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int add_table(struct status *status, struct str key, const struct tree_value *value,
                     corrie_error *err)
{
    struct seen seen = {.id = value->id,
                        .has_origin = value->has_origin,
                        .has_taint = value->has_taint,
                        .origin = value->origin,
                        .taint = value->taint};

    if (!value->has_origin && !value->has_taint) {
        return 0;
    }
    if (arena_str(&status->arena, key, &seen.key) < 0 || vec_push(&status->tables, seen) < 0) {
        return corrie_fail_memory(err);
    }
    return value->has_origin ? add_group(status, &value->origin, err) : 0;
}

static int open_tables(struct status *status, struct tree_cursor **ret, corrie_error *err)
{
    struct key prefix;
    int r = KEY_MAKE_PREFIX(&prefix, err, STR("table"));

    return r < 0 ? r
                 : tree_cursor_open(status->lake->catalog, &status->view.tree, key_str(&prefix),
                                    ret, err);
}

static int read_tables(struct status *status, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct str key;
    int r = open_tables(status, &cursor, err);

    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        r = add_table(status, key, &value, err);
        if (r >= 0) {
            r = cancel_check(status->lake->cancel, err);
        }
    }
    return r < 0 ? r
                 : origin_find(status->lake, &status->view.tree, status->groups.items,
                               status->groups.count, &status->arena, err);
}

/* What the origin says of a table; NULL if it does not know it. */
static const struct origin_output *output_of(const struct status *status, const struct seen *seen,
                                             const struct origin **ret)
{
    const struct place *place = map_get(&status->by_origin, hash_key(&seen->origin));
    const struct origin *origin = &status->groups.items[place->index].origin;

    *ret = origin;
    for (size_t i = 0; i < origin->n_outputs; i++) {
        const struct origin_output *output = &origin->outputs[i];

        if (output->has_id ? uuid_eq(&output->id, &seen->id) : str_eq(output->key, seen->key)) {
            return output;
        }
    }
    return NULL;
}

/* ---- inputs ---- */

static int note_input(struct status *status, struct input *input, struct str key,
                      const struct tree_value *value, corrie_error *err)
{
    struct lake_table table;
    int r = lake_table_of_value(status->lake, key, value, &status->arena, &table, err);

    if (r < 0) {
        return r;
    }
    input->there = true;
    input->version = table.metadata_location;
    input->has_origin = value->has_origin;
    input->origin = value->origin;
    return arena_str(&status->arena, key, &input->key) < 0 ? corrie_fail_memory(err) : 0;
}

/* Looks where it was read. Counts those that are not there: they may have been renamed. */
static int add_input(struct status *status, const struct origin_read *read, size_t *missing,
                     corrie_error *err)
{
    struct input *input;
    struct tree_value value;
    int r;

    if (read->ref.len > 0 || map_find(&status->inputs, id_key(&read->id))) {
        return 0;
    }
    input = arena_new(&status->arena, struct input);
    if (!input) {
        return corrie_fail_memory(err);
    }
    input->id = read->id;
    if (map_put(&status->inputs, id_key(&input->id), input) < 0) {
        return corrie_fail_memory(err);
    }
    r = tree_get(status->lake->catalog, &status->view.tree, read->key, &status->arena, &value, err);
    if (r > 0 && uuid_eq(&value.id, &read->id)) {
        return note_input(status, input, read->key, &value, err);
    }
    (*missing)++;
    return r;
}

static int find_renamed(struct status *status, size_t missing, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct str key;
    int r = open_tables(status, &cursor, err);

    while (r >= 0 && missing > 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        struct input *input = map_get(&status->inputs, id_key(&value.id));

        if (input && !input->there) {
            r = note_input(status, input, key, &value, err);
            missing--;
        }
    }
    return r < 0 ? r : 0;
}

static int read_inputs(struct status *status, corrie_error *err)
{
    size_t missing = 0;

    for (size_t i = 0; i < status->tables.count; i++) {
        const struct seen *seen = &status->tables.items[i];
        const struct origin_output *output = NULL;
        const struct origin *origin;

        if (seen->has_origin) {
            output = output_of(status, seen, &origin);
        }
        for (size_t k = 0; output && k < output->n_reads; k++) {
            int r = add_input(status, &output->reads[k], &missing, err);

            if (r < 0) {
                return r;
            }
        }
    }
    return missing > 0 ? find_renamed(status, missing, err) : 0;
}

/* ---- stale ---- */

static int location_json(struct status *status, struct str relative, json_t **ret,
                         corrie_error *err)
{
    struct str location;
    int r = lake_absolute(status->lake, relative, &status->arena, &location, err);

    if (r >= 0) {
        *ret = js_string(location);
    }
    return r < 0 ? r : 0;
}

static int add_stale_input(struct status *status, const struct origin_read *read,
                           const struct input *input, json_t *inputs, corrie_error *err)
{
    _json_ json_t *item = json_object();
    json_t *was = NULL;
    json_t *now = NULL;
    int r = location_json(status, read->version, &was, err);

    if (r >= 0 && input->there) {
        r = location_json(status, input->version, &now, err);
    }
    if (r < 0) {
        json_decref(was);
        return r;
    }
    r = js_set(item, "name", api_key_name(input->there ? input->key : read->key));
    r |= js_set(item, "read", was);
    r |= js_set(item, "now", input->there ? now : json_null());
    r |= json_array_append_new(inputs, TAKE_PTR(item));
    return r != 0 ? corrie_fail_memory(err) : 0;
}

/* Adds what the table was made of and is another now. NULL in *ret: its origin does not know it. */
static int stale_inputs(struct status *status, const struct seen *seen, json_t *inputs,
                        const struct origin **ret, corrie_error *err)
{
    const struct origin_output *output = output_of(status, seen, ret);
    int r = 0;

    *ret = output ? *ret : NULL;

    for (size_t i = 0; r >= 0 && output && i < output->n_reads; i++) {
        const struct origin_read *read = &output->reads[i];
        const struct input *input = map_get(&status->inputs, id_key(&read->id));
        bool of_the_same_run = input && input->has_origin && hash_eq(&input->origin, &seen->origin);

        if (read->ref.len == 0 && !of_the_same_run &&
            !(input->there && str_eq(input->version, read->version))) {
            r = add_stale_input(status, read, input, inputs, err);
        }
    }
    return r;
}

static int check_stale(struct status *status, const struct seen *seen, json_t *stale,
                       corrie_error *err)
{
    _json_ json_t *inputs = json_array();
    _json_ json_t *item = json_object();
    const struct origin *origin;
    int r = stale_inputs(status, seen, inputs, &origin, err);

    if (r < 0 || json_array_size(inputs) == 0) {
        return r;
    }
    r = js_set(item, "name", api_key_name(seen->key));
    r |= js_set_str(item, "job", origin->job);
    r |= js_set(item, "inputs", TAKE_PTR(inputs));
    r |= json_array_append_new(stale, TAKE_PTR(item));
    return r != 0 ? corrie_fail_memory(err) : 0;
}

int status_made_by(struct lake *lake, const struct lake_view *view, struct str ns, struct str name,
                   json_t **ret, corrie_error *err)
{
    _cleanup_(status_done) struct status status = {.lake = lake, .view = *view};
    _json_ json_t *item = NULL;
    const struct origin *origin = NULL;
    struct tree_value value;
    json_t *inputs;
    struct key key;
    int r = KEY_MAKE(&key, err, STR("table"), ns, name);

    r = r < 0 ? r : tree_get(lake->catalog, &view->tree, key_str(&key), &status.arena, &value, err);
    if (r > 0 && value.has_origin) {
        r = add_table(&status, key_str(&key), &value, err);
        r = r < 0 ? r : read_inputs(&status, err);
        item = json_object();
        inputs = json_array();
        if (r >= 0 && js_set(item, "inputs", inputs) != 0) {
            r = corrie_fail_memory(err);
        }
        r = r < 0 ? r : stale_inputs(&status, &status.tables.items[0], inputs, &origin, err);
    }
    if (r < 0) {
        return r;
    }
    if (!origin) {
        *ret = json_null();
        return 0;
    }
    if (js_set_str(item, "job", origin->job) != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(item);
    return 0;
}

/* ---- tainted ---- */

static int add_tainted(struct status *status, const struct seen *seen, json_t *tainted,
                       corrie_error *err)
{
    _json_ json_t *item = json_object();
    struct guard_job job;
    char id[UUID_TEXT + 1];
    int r;

    uuid_format(&seen->taint, id);
    r = guard_job(status->lake, str_of(id), &job, &status->arena, err);
    if (r < 0) {
        return r;
    }
    r = js_set(item, "name", api_key_name(seen->key));
    r |= js_set_str(item, "job", str_of(id));
    r |= js_set(item, "error", job.error.len > 0 ? js_string(job.error) : json_null());
    r |= json_array_append_new(tainted, TAKE_PTR(item));
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int judge_tables(struct status *status, json_t *stale, json_t *tainted, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < status->tables.count; i++) {
        const struct seen *seen = &status->tables.items[i];

        if (seen->has_origin) {
            r = check_stale(status, seen, stale, err);
        }
        if (r >= 0 && seen->has_taint) {
            r = add_tainted(status, seen, tainted, err);
        }
    }
    return r;
}

/* ---- torn ---- */

/* A group of which some members stand and some do not: most of these were rewritten, which tears nothing. */
static bool is_incomplete(const struct origin_group *group)
{
    size_t standing = 0;

    for (size_t i = 0; i < group->origin.n_outputs; i++) {
        standing += group->members[i].key.len > 0;
    }
    return standing > 0 && standing < group->origin.n_outputs;
}

/* Whether what was put in the place of missing members by a commit is there still. */
static int still_torn(struct status *status, const struct origin_group *group,
                      const struct commit *commit, corrie_error *err)
{
    for (size_t i = 0; i < group->origin.n_outputs; i++) {
        struct tree_value then;
        struct tree_value now;
        int was;
        int is;

        if (group->members[i].key.len > 0) {
            continue;
        }
        was = tree_get(status->lake->catalog, &commit->tree, group->origin.outputs[i].key,
                       &status->arena, &then, err);
        is = was < 0 ? was
                     : tree_get(status->lake->catalog, &status->view.tree,
                                group->origin.outputs[i].key, &status->arena, &now, err);
        if (is < 0) {
            return is;
        }
        if (was == is && (is == 0 || tree_value_eq(&then, &now))) {
            return 1;
        }
    }
    return 0;
}

static int add_torn(const struct origin_group *group, json_t *torn, corrie_error *err)
{
    json_t *item = json_object();
    json_t *tables = json_array();
    json_t *gone = json_array();
    int r = 0;

    for (size_t i = 0; i < group->origin.n_outputs; i++) {
        const struct origin_member *member = &group->members[i];

        r |= member->key.len > 0
                 ? json_array_append_new(tables, api_key_name(member->key))
                 : json_array_append_new(gone, api_key_name(group->origin.outputs[i].key));
    }
    r |= js_set_str(item, "job", group->origin.job);
    r |= js_set(item, "tables", tables);
    r |= js_set(item, "gone", gone);
    r |= json_array_append_new(torn, item);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static bool accepts(const struct commit *commit, struct str job)
{
    for (size_t i = 0; i < commit->n_properties; i++) {
        if (str_eq(commit->properties[i].name, STR("accepted-torn")) &&
            str_find_str(commit->properties[i].value, job) >= 0) {
            return true;
        }
    }
    return false;
}

/* What one commit of the history says of an incomplete group: 1 it is settled, 0 not. */
static int judge_group(struct status *status, const struct origin_group *group,
                       const struct commit *commit, json_t *torn, corrie_error *err)
{
    int r;

    if (commit->has_origin && hash_eq(&commit->origin, &group->origin.name)) {
        return 1; /* it was published here, and nobody has torn it since */
    }
    if (!accepts(commit, group->origin.job)) {
        return 0;
    }
    r = still_torn(status, group, commit, err);
    if (r > 0) {
        r = add_torn(group, torn, err);
    }
    return r < 0 ? r : 1;
}

/* Tearing a group has to be allowed, and the commit says so. */
static int find_torn(struct status *status, json_t *torn, corrie_error *err)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    const struct origin_group **open =
        arena_array(&status->arena, const struct origin_group *, status->groups.count);
    const struct commit *commit;
    size_t n = 0;
    int r = 0;

    if (!open) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < status->groups.count; i++) {
        if (is_incomplete(&status->groups.items[i])) {
            open[n++] = &status->groups.items[i];
        }
    }
    if (n > 0) {
        r = history_walk_open(status->lake->catalog, &status->view.commit, false, &walk, err);
    }
    while (r >= 0 && n > 0 && (r = history_walk_next(walk, &commit, err)) > 0) {
        for (size_t i = n; r >= 0 && i-- > 0;) {
            r = judge_group(status, open[i], commit, torn, err);
            if (r > 0) {
                open[i] = open[--n];
            }
        }
        if (r >= 0) {
            r = cancel_check(status->lake->cancel, err);
        }
    }
    return r < 0 ? r : 0;
}

/* ---- jobs ---- */

static int is_alive(struct status *status, const struct catalog_index_entry *entry,
                    const json_t *record, corrie_error *err)
{
    char text[CLOCK_TEXT_MAX];
    char *directory;

    clock_format(entry->time, text);
    directory = arena_printf(&status->arena, "jobs/%.10s/%.*s", text, STR_FMT(entry->id));
    return directory ? alive_by_record(status->lake->store, str_of(directory), record)
                     : corrie_fail_memory(err);
}

static int add_job(struct status *status, const struct catalog_index_entry *entry, json_t *jobs,
                   corrie_error *err)
{
    static const char *const fields[] = {"job", "kind", "status", "started", "ref"};
    _json_ json_t *record = NULL;
    _json_ json_t *item = json_object();
    int r = js_parse(entry->json, "the index of jobs", &record, err);

    r = r < 0 ? r : is_alive(status, entry, record, err);
    if (r <= 0) {
        return r;
    }
    r = 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *value = json_object_get(record, fields[i]);

        r |= js_set(item, fields[i], value ? json_incref(value) : json_null());
    }
    r |= map_put(&status->alive, entry->id, status);
    r |= json_array_append_new(jobs, TAKE_PTR(item));
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int find_jobs(struct status *status, json_t *jobs, corrie_error *err)
{
    struct catalog_index_entry *entries;
    struct catalog_index_entry last;
    size_t n = PAGE;
    int r = 0;

    for (const struct catalog_index_entry *after = NULL; r >= 0 && n == PAGE; after = &last) {
        r = catalog_index_list(status->lake->catalog, STR("job"), STR_EMPTY, after, PAGE,
                               &status->arena, &entries, &n, err);
        for (size_t i = 0; r >= 0 && i < n; i++) {
            if (str_find_str(entries[i].json, STR("\"status\":\"running\"")) >= 0) {
                r = add_job(status, &entries[i], jobs, err);
            }
        }
        if (r >= 0 && n > 0) {
            last = entries[n - 1];
        }
    }
    return r;
}

static int find_left(struct status *status, json_t *left, corrie_error *err)
{
    struct str after = STR_EMPTY;
    struct catalog_ref *refs;
    struct str head;
    size_t n = PAGE;
    int r = lake_head(status->lake, &status->arena, &head, err);

    while (r >= 0 && n == PAGE) {
        r = catalog_ref_list(status->lake->catalog, STR("tx/"), CATALOG_TX, after, PAGE,
                             &status->arena, &refs, &n, err);
        for (size_t i = 0; r >= 0 && i < n; i++) {
            json_t *item = NULL;

            after = refs[i].name;
            if (map_find(&status->alive, str_from(refs[i].name, 3))) {
                continue;
            }
            r = api_ref_json(status->lake, &refs[i], head, &item, err);
            if (r >= 0 && json_array_append_new(left, item) < 0) {
                r = corrie_fail_memory(err);
            }
        }
    }
    return r;
}

/* ---- the whole ---- */

static int fill(struct status *status, json_t *lists[5], corrie_error *err)
{
    int r = read_tables(status, err);

    if (r >= 0) {
        r = read_inputs(status, err);
    }
    if (r >= 0) {
        r = judge_tables(status, lists[0], lists[1], err);
    }
    if (r >= 0) {
        r = find_torn(status, lists[2], err);
    }
    if (r >= 0) {
        r = find_jobs(status, lists[3], err);
    }
    return r < 0 ? r : find_left(status, lists[4], err);
}

int corrie_status(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err)
{
    static const char *const names[] = {"stale", "tainted", "torn", "jobs", "left"};
    _cleanup_(status_done) struct status status = {.lake = lake};
    _json_ json_t *document = json_object();
    json_t *lists[ARRAY_LEN(names)];
    struct str name = str_of(ref);
    int r;

    js_setup();
    r = lake_view_at(lake, name, &status.view, err);
    if (r < 0) {
        return corrie_wrap(err, "look at %s", lake_means_head(name) ? "what is checked out" : ref);
    }
    r = lake_name_head(lake, &status.arena, &name, err);
    if (r < 0) {
        return r;
    }
    r = js_set_str(document, "ref", name);
    r |= js_set_hash(document, "commit", &status.view.commit);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        lists[i] = json_array();
        r |= js_set(document, names[i], lists[i]);
    }
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = fill(&status, lists, err);
    return r < 0 ? corrie_wrap(err, "look at %.*s", STR_FMT(name))
                 : js_give(TAKE_PTR(document), ret_json, err);
}
