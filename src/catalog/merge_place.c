/* merge_place.c — every thing of a merge under its name, no two under one.
 *
 * A thing *stays* at a name if the target has it there and the result too; it *arrives* if the
 * result has it where the target does not. Two things that arrive cannot want one name, nor can two
 * that stay, as long as nothing gave way: names are unique on each side. So what can collide is one
 * that arrives from the source with one that stays: reported, or one of them gives way (merge_choice).
 * Each gives way once at most, so that comes to an end. */
#include "catalog/merge_priv.h"

struct placing {
    struct merge *merge;
    struct map arriving; /* name -> thing */
    struct map staying;
    struct {
        struct str *items;
        size_t count;
        size_t capacity;
    } todo; /* names to look at */
};

static void placing_done(struct placing *placing)
{
    map_done(&placing->arriving);
    map_done(&placing->staying);
    vec_done(&placing->todo);
}

static bool stays(const struct merge_thing *thing)
{
    const struct merge_seat *target = &thing->on[MERGE_TARGET];

    return target->value && thing->result.value && str_eq(target->key, thing->result.key);
}

/* Notes where a thing is now. Where another arrives already, both cannot be. */
static int settle(struct placing *placing, struct merge_thing *thing, corrie_error *err)
{
    struct map *map = stays(thing) ? &placing->staying : &placing->arriving;
    struct str key = thing->result.key;

    if (!thing->result.value) {
        return 0;
    }
    if (map_get(map, key)) {
        return merge_thing_conflict(placing->merge, thing, key,
                                    STR("several things would have this name"), err);
    }
    if (map_put(map, key, thing) < 0 || vec_push(&placing->todo, key) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int leave(struct placing *placing, struct merge_thing *thing, corrie_error *err)
{
    struct map *map = stays(thing) ? &placing->staying : &placing->arriving;

    return map_put(map, thing->result.key, NULL) < 0 ? corrie_fail_memory(err) : 0;
}

/* A thing that the source did not touch but stands at a name that is wanted. */
static int add_untouched(struct placing *placing, struct str key, const struct tree_value *value,
                         struct merge_thing **ret, corrie_error *err)
{
    struct merge *merge = placing->merge;
    struct merge_thing *thing = arena_new(&merge->arena, struct merge_thing);
    const struct merge_move *move = map_get(&merge->target_moves, merge_id_key(value));

    if (!thing || vec_push(&merge->things, thing) < 0) {
        return corrie_fail_memory(err);
    }
    if (merge_renamed(move)) {
        thing->on[MERGE_BASE] = thing->on[MERGE_SOURCE] = move->lost;
    }
    thing->on[MERGE_TARGET] = thing->result = (struct merge_seat){key, value};
    *ret = thing;
    return map_put(&placing->staying, key, thing) < 0 ? corrie_fail_memory(err) : 0;
}

/* What stays at a name; *ret NULL: nothing. */
static int occupant(struct placing *placing, struct str key, struct merge_thing **ret,
                    corrie_error *err)
{
    struct merge *merge = placing->merge;
    const struct map_entry *known = map_find(&placing->staying, key);
    struct tree_value *value;
    int r;

    if (known) {
        *ret = known->value;
        return 0;
    }
    value = arena_new(&merge->arena, struct tree_value);
    if (!value) {
        return corrie_fail_memory(err);
    }
    r = merge_get(merge, MERGE_TARGET, key, value, err);
    *ret = NULL;
    return r > 0 ? add_untouched(placing, key, value, ret, err) : r;
}

static int collide(struct placing *placing, struct merge_thing *arrives, struct merge_thing *stayer,
                   corrie_error *err)
{
    struct merge *merge = placing->merge;
    struct str key = arrives->result.key;
    const struct merge_choice *choice = merge_choice_for(merge, arrives, key);
    struct merge_thing *loser;
    enum merge_side side;
    int r;

    if (!choice) {
        choice = merge_choice_for(merge, stayer, key);
    }
    loser = choice && choice->side == MERGE_SOURCE ? stayer : arrives;
    if (!choice || loser->yields) {
        return merge_report_add(merge->report, key, NULL, arrives->result.value,
                                stayer->result.value,
                                STR("both sides give this name, to different things"), err);
    }
    side = choice->side == MERGE_SOURCE ? MERGE_SOURCE : MERGE_TARGET;
    r = leave(placing, loser, err);
    if (r < 0) {
        return r;
    }
    loser->yields = true;
    if (loser->on[side].value) {
        loser->result.key = loser->on[side].key;
    } else {
        loser->result.value = NULL;
    }
    return settle(placing, loser, err);
}

static int place_all(struct placing *placing, corrie_error *err)
{
    struct merge *merge = placing->merge;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < merge->things.count; i++) {
        struct merge_thing *thing = merge->things.items[i];
        const struct merge_seat *target = &thing->on[MERGE_TARGET];

        r = settle(placing, thing, err);
        if (r >= 0 && target->value && !stays(thing) && !map_find(&placing->staying, target->key) &&
            map_put(&placing->staying, target->key, NULL) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    while (r >= 0 && placing->todo.count > 0 && merge->report->n_conflicts == 0) {
        struct str key = vec_pop(&placing->todo);
        struct merge_thing *arrives = map_get(&placing->arriving, key);
        struct merge_thing *stayer = NULL;

        r = cancel_check(merge->options->cancel, err);
        if (r >= 0 && arrives) {
            r = occupant(placing, key, &stayer, err);
        }
        if (r >= 0 && stayer) {
            r = collide(placing, arrives, stayer, err);
        }
    }
    return r;
}

static int add_edit(struct merge *merge, struct str key, const struct tree_value *value,
                    corrie_error *err)
{
    struct tree_edit edit = {.key = key, .is_delete = !value};

    if (value) {
        edit.value = *value;
    }
    return vec_push(&merge->edits, edit) < 0 ? corrie_fail_memory(err) : 0;
}

int merge_place(struct merge *merge, corrie_error *err)
{
    _cleanup_(placing_done) struct placing placing = {.merge = merge};
    int r = place_all(&placing, err);

    for (size_t i = 0; r >= 0 && i < merge->things.count; i++) {
        const struct merge_thing *thing = merge->things.items[i];
        const struct merge_seat *target = &thing->on[MERGE_TARGET];
        const struct merge_seat *result = &thing->result;

        if (result->value && !(stays(thing) && tree_value_eq(target->value, result->value))) {
            r = add_edit(merge, result->key, result->value, err);
        }
        if (r >= 0 && target->value && !stays(thing) && !map_get(&placing.arriving, target->key)) {
            r = add_edit(merge, target->key, NULL, err);
        }
    }
    return r;
}
