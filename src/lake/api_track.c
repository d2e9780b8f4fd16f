/* api_track.c — following one thing, by name and through renames, from a commit to its parent. */
#include "lake/api_priv.h"

/* Looks for what the older tree calls a thing. */
struct search {
    const struct uuid *id;
    struct arena *arena;
    struct str found; /* its key; empty: none yet */
    struct tree_value value;
};

static int on_difference(void *arg, struct str key, const struct tree_value *older,
                         const struct tree_value *newer, corrie_error *err)
{
    struct search *search = arg;
    int r;

    if (!older || !uuid_eq(&older->id, search->id) || (newer && uuid_eq(&newer->id, &older->id))) {
        return 0;
    }
    if (arena_str(search->arena, key, &search->found) < 0) {
        return corrie_fail_memory(err);
    }
    r = tree_value_copy(older, search->arena, &search->value, err);
    return r < 0 ? r : 1;
}

int api_track_find(struct lake *lake, const struct hash *older, const struct hash *newer,
                   struct str kind, const struct uuid *id, struct arena *arena, struct str *ret_key,
                   struct tree_value *ret, corrie_error *err)
{
    struct search search = {.id = id, .arena = arena};
    struct key prefix;
    int r;

    r = KEY_MAKE_PREFIX(&prefix, err, kind);
    if (r >= 0) {
        r = tree_diff(lake->catalog, older, newer, key_str(&prefix), on_difference, &search, err);
    }
    if (r < 0) {
        return r;
    }
    *ret_key = search.found;
    *ret = search.value;
    return search.found.len > 0;
}

int api_track(struct lake *lake, const struct hash *older, const struct hash *newer, struct str key,
              struct arena *arena, struct track_step *ret, corrie_error *err)
{
    struct track_step step = {.key_before = key};
    int r;

    if (older && hash_eq(older, newer)) {
        *ret = step;
        return 0;
    }
    r = tree_get(lake->catalog, newer, key, arena, &step.after, err);
    step.is_after = r > 0;
    if (r >= 0 && older) {
        r = tree_get(lake->catalog, older, key, arena, &step.before, err);
        step.is_before = r > 0;
    }
    if (r < 0) {
        return r;
    }
    if (!step.is_after) {
        step.change = step.is_before ? TRACK_REMOVED : TRACK_SAME;
    } else if (step.is_before && uuid_eq(&step.before.id, &step.after.id)) {
        step.change = tree_value_eq(&step.before, &step.after) ? TRACK_SAME : TRACK_WRITTEN;
    } else {
        r = older ? api_track_find(lake, older, newer, key_segment(key, 0), &step.after.id, arena,
                                   &step.key_before, &step.before, err)
                  : 0;
        if (r < 0) {
            return r;
        }
        step.is_before = r > 0;
        step.change = r > 0 ? TRACK_RENAMED : TRACK_CREATED;
        step.key_before = r > 0 ? step.key_before : key;
    }
    *ret = step;
    return 0;
}
