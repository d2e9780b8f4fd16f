/* origin.c — reading origins, finding the members of groups. */
#include "lake/origin.h"

#include "catalog/tree.h"

/* ---- the document ---- */

static int parse_key(const json_t *object, struct arena *arena, struct str *ret, corrie_error *err)
{
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];
    json_t *list = NULL;
    struct key key;
    size_t n;
    int r;

    r = js_get_array(object, "key", &list, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    n = json_array_size(list);
    for (size_t i = 0; i < n && i < CORRIE_MAX_KEY_SEGMENTS; i++) {
        segments[i] = js_str(json_array_get(list, i));
    }
    if (n == 0 || n > CORRIE_MAX_KEY_SEGMENTS || key_make(segments, n, &key, err) < 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "field \"key\" is no key");
    }
    return arena_str(arena, key_str(&key), ret) < 0 ? corrie_fail_memory(err) : 0;
}

/* 1 found, 0 missing. */
static int parse_id(const json_t *object, struct uuid *ret, corrie_error *err)
{
    struct str text;
    int r = js_opt_str(object, "id", &text, CORRIE_E_CORRUPT, err);

    if (r > 0 && !uuid_parse(text, ret)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "field \"id\" is no UUID");
    }
    return r;
}

static int parse_read(const json_t *item, struct arena *arena, struct origin_read *ret,
                      corrie_error *err)
{
    struct str version = STR_EMPTY;
    struct str ref = STR_EMPTY;
    int r;

    if ((r = parse_key(item, arena, &ret->key, err)) < 0 ||
        (r = parse_id(item, &ret->id, err)) < 0 ||
        (r = js_get_str(item, "version", &version, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_opt_str(item, "ref", &ref, CORRIE_E_CORRUPT, err)) < 0) {
        return r;
    }
    return arena_str(arena, version, &ret->version) < 0 || arena_str(arena, ref, &ret->ref) < 0
               ? corrie_fail_memory(err)
               : 0;
}

static int parse_output(const json_t *item, struct arena *arena, struct origin_output *ret,
                        corrie_error *err)
{
    struct origin_read *reads;
    json_t *list = NULL;
    int r;

    if ((r = parse_key(item, arena, &ret->key, err)) < 0 ||
        (r = js_get_array(item, "reads", &list, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = parse_id(item, &ret->id, err)) < 0) {
        return r;
    }
    ret->has_id = r > 0;
    reads = arena_array(arena, struct origin_read, json_array_size(list));
    if (!reads) {
        return corrie_fail_memory(err);
    }
    ret->reads = reads;
    ret->n_reads = json_array_size(list);
    for (size_t i = 0; i < ret->n_reads; i++) {
        r = parse_read(json_array_get(list, i), arena, &reads[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int parse_origin(const json_t *document, struct arena *arena, struct origin *ret,
                        corrie_error *err)
{
    struct origin_output *outputs;
    json_t *list = NULL;
    struct str job;
    int r;

    if ((r = js_get_str(document, "job", &job, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_array(document, "outputs", &list, CORRIE_E_CORRUPT, err)) < 0) {
        return r;
    }
    outputs = arena_array(arena, struct origin_output, json_array_size(list));
    if (!outputs || arena_str(arena, job, &ret->job) < 0) {
        return corrie_fail_memory(err);
    }
    ret->outputs = outputs;
    ret->n_outputs = json_array_size(list);
    for (size_t i = 0; i < ret->n_outputs; i++) {
        r = parse_output(json_array_get(list, i), arena, &outputs[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int origin_read(struct lake *lake, const struct hash *name, struct arena *arena, struct origin *ret,
                corrie_error *err)
{
    _json_ json_t *document = NULL;
    struct origin origin = {.name = *name};
    char hex[HASH_HEX + 1];
    struct str text;
    int r;

    r = object_read(lake->catalog, OBJECT_ORIGIN, name, arena, &text, err);
    if (r >= 0) {
        r = js_parse(text, "the origin", &document, err);
    }
    if (r >= 0) {
        r = parse_origin(document, arena, &origin, err);
    }
    if (r < 0) {
        hash_hex(name, hex);
        return corrie_wrap(err, "read origin %.16s", hex);
    }
    *ret = origin;
    return 0;
}

/* ---- members ---- */

static bool is_member(const struct origin *origin, const struct origin_output *output,
                      const struct tree_value *value)
{
    return value->has_origin && hash_eq(&value->origin, &origin->name) &&
           (!output->has_id || uuid_eq(&value->id, &output->id));
}

/* Looks where the group was published. Counts those that may stand elsewhere. */
static int find_at_keys(struct lake *lake, const struct hash *tree, struct origin_group *group,
                        struct arena *arena, size_t *missing, corrie_error *err)
{
    const struct origin *origin = &group->origin;

    group->members = arena_array(arena, struct origin_member, origin->n_outputs);
    if (!group->members) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < origin->n_outputs; i++) {
        const struct origin_output *output = &origin->outputs[i];
        struct tree_value value;
        int r = tree_get(lake->catalog, tree, output->key, arena, &value, err);

        if (r < 0) {
            return r;
        }
        if (r > 0 && is_member(origin, output, &value)) {
            group->members[i] = (struct origin_member){.key = output->key, .value = value};
        } else if (output->has_id && (r == 0 || !uuid_eq(&value.id, &output->id))) {
            (*missing)++; /* the table is not there: it may have been renamed */
        }
    }
    return 0;
}

/* Puts a renamed member into its place. 1 it was one. */
static int match(struct origin_group *groups, size_t n, struct str key,
                 const struct tree_value *value, struct arena *arena, corrie_error *err)
{
    for (size_t g = 0; value->has_origin && g < n; g++) {
        const struct origin *origin = &groups[g].origin;

        for (size_t i = 0; i < origin->n_outputs; i++) {
            struct origin_member *member = &groups[g].members[i];

            if (member->key.len > 0 || !origin->outputs[i].has_id ||
                !is_member(origin, &origin->outputs[i], value)) {
                continue;
            }
            if (arena_str(arena, key, &member->key) < 0) {
                return corrie_fail_memory(err);
            }
            return tree_value_copy(value, arena, &member->value, err) < 0 ? err->code : 1;
        }
    }
    return 0;
}

static int find_renamed(struct lake *lake, const struct hash *tree, struct origin_group *groups,
                        size_t n, size_t missing, struct arena *arena, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct key prefix;
    struct str key;
    int r;

    r = KEY_MAKE_PREFIX(&prefix, err, STR("table"));
    if (r >= 0) {
        r = tree_cursor_open(lake->catalog, tree, key_str(&prefix), &cursor, err);
    }
    while (r >= 0 && missing > 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        r = match(groups, n, key, &value, arena, err);
        missing -= r > 0;
    }
    return r < 0 ? r : 0;
}

int origin_find(struct lake *lake, const struct hash *tree, struct origin_group *groups, size_t n,
                struct arena *arena, corrie_error *err)
{
    size_t missing = 0;

    for (size_t i = 0; i < n; i++) {
        int r = find_at_keys(lake, tree, &groups[i], arena, &missing, err);

        if (r < 0) {
            return r;
        }
    }
    return missing > 0 ? find_renamed(lake, tree, groups, n, missing, arena, err) : 0;
}
