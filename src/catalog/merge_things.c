/* merge_things.c — which thing is which on the three sides of a merge.
 *
 *     base -> source      what the source did, key by key: the things to merge
 *     target at their names                     most are found there, by id
 *     base -> target      only if some are not there, or something else has a name that is wanted:
 *                         what the target did with the ids that were asked for
 *
 * An id that one key lost and one other gained between two trees was renamed. Where ids say
 * nothing, a thing is the one of the same name. */
#include "catalog/merge_priv.h"

struct change {
    struct str key;
    const struct tree_value *base;
    const struct tree_value *source;
};

struct finder {
    const struct merge_search *search;
    struct {
        struct change *items;
        size_t count;
        size_t capacity;
    } changes;
    struct map source_moves; /* id -> struct merge_move */
    struct map *target_moves;
    struct map at_target; /* key -> value that was looked up there (NULL: none) */
    struct map claimed;   /* key of the target -> itself: a thing was found there */
    struct merge_things *things;
    bool far; /* some id must be looked for */
};

static void finder_done(struct finder *finder)
{
    vec_done(&finder->changes);
    map_done(&finder->source_moves);
    map_done(&finder->at_target);
    map_done(&finder->claimed);
}

bool merge_value_same(const struct tree_value *a, const struct tree_value *b)
{
    return a && b ? tree_value_eq(a, b) : a == b;
}

static bool same_id(const struct tree_value *a, const struct tree_value *b)
{
    return a && b && uuid_eq(&a->id, &b->id);
}

/* A zero id says nothing. */
static bool has_id(const struct tree_value *value)
{
    static const struct uuid zero;

    return value && !uuid_eq(&value->id, &zero);
}

bool merge_renamed(const struct merge_move *move)
{
    return move && move->n_lost == 1 && move->n_gained == 1 &&
           str_eq(key_segment(move->lost.key, 0), key_segment(move->gained.key, 0));
}

/* ---- moves ---- */

static const struct merge_move *move_of(const struct map *moves, const struct tree_value *value)
{
    return has_id(value) ? map_get(moves, merge_id_key(value)) : NULL;
}

static int add_move(const struct finder *finder, struct map *moves, const struct tree_value *value,
                    struct merge_move **ret, corrie_error *err)
{
    struct merge_move *move = map_get(moves, merge_id_key(value));

    if (!move) {
        move = arena_new(finder->search->arena, struct merge_move);
        if (!move || map_put(moves, merge_id_key(value), move) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = move;
    return 0;
}

static void lose(struct merge_move *move, struct str key, const struct tree_value *value)
{
    move->n_lost++;
    move->lost = (struct merge_seat){key, value};
}

static void gain(struct merge_move *move, struct str key, const struct tree_value *value)
{
    move->n_gained++;
    move->gained = (struct merge_seat){key, value};
}

static int keep_value(const struct finder *finder, const struct tree_value *value,
                      const struct tree_value **ret, corrie_error *err)
{
    struct tree_value *copy;

    *ret = NULL;
    if (!value) {
        return 0;
    }
    copy = arena_new(finder->search->arena, struct tree_value);
    if (!copy) {
        return corrie_fail_memory(err);
    }
    *ret = copy;
    return tree_value_copy(value, finder->search->arena, copy, err);
}

/* base -> source */
static int on_source_change(void *arg, struct str key, const struct tree_value *base,
                            const struct tree_value *source, corrie_error *err)
{
    struct finder *finder = arg;
    struct merge_move *move;
    struct change change;
    int r = cancel_check(finder->search->cancel, err);

    if (r >= 0 && arena_str(finder->search->arena, key, &change.key) < 0) {
        r = corrie_fail_memory(err);
    }
    if (r < 0 || (r = keep_value(finder, base, &change.base, err)) < 0 ||
        (r = keep_value(finder, source, &change.source, err)) < 0) {
        return r;
    }
    if (vec_push(&finder->changes, change) < 0) {
        return corrie_fail_memory(err);
    }
    if (same_id(base, source)) {
        return 0;
    }
    if (has_id(base)) {
        r = add_move(finder, &finder->source_moves, change.base, &move, err);
        if (r < 0) {
            return r;
        }
        lose(move, change.key, change.base);
    }
    if (has_id(source)) {
        r = add_move(finder, &finder->source_moves, change.source, &move, err);
        if (r < 0) {
            return r;
        }
        gain(move, change.key, change.source);
    }
    return 0;
}

/* base -> target: only ids that somebody asked for are kept. */
static int on_target_change(void *arg, struct str key, const struct tree_value *base,
                            const struct tree_value *target, corrie_error *err)
{
    struct finder *finder = arg;
    struct merge_move *lost = map_get(finder->target_moves, base ? merge_id_key(base) : STR_EMPTY);
    struct merge_move *gained =
        map_get(finder->target_moves, target ? merge_id_key(target) : STR_EMPTY);
    const struct tree_value *value;
    struct str copy;
    int r = cancel_check(finder->search->cancel, err);

    if (r < 0 || same_id(base, target) || (!lost && !gained)) {
        return r;
    }
    if (arena_str(finder->search->arena, key, &copy) < 0) {
        return corrie_fail_memory(err);
    }
    if (lost) {
        r = keep_value(finder, base, &value, err);
        if (r < 0) {
            return r;
        }
        lose(lost, copy, value);
    }
    if (gained) {
        r = keep_value(finder, target, &value, err);
        if (r < 0) {
            return r;
        }
        gain(gained, copy, value);
    }
    return 0;
}

/* ---- what the source did ---- */

static int add_thing(struct finder *finder, struct merge_seat base, struct merge_seat source,
                     struct merge_thing **ret, corrie_error *err)
{
    struct merge_thing *thing = arena_new(finder->search->arena, struct merge_thing);

    if (!thing || vec_push(finder->things, thing) < 0) {
        return corrie_fail_memory(err);
    }
    thing->on[MERGE_BASE] = base;
    thing->on[MERGE_SOURCE] = source;
    if (ret) {
        *ret = thing;
    }
    return 0;
}

/* A changed key is one thing that stayed, or the end of one and the beginning of another. A thing
 * that was not renamed and whose name has another id is taken for replaced: one thing, which may
 * come apart yet (separate). */
static int things_of_change(struct finder *finder, const struct change *change, corrie_error *err)
{
    const struct merge_move *lost = move_of(&finder->source_moves, change->base);
    const struct merge_move *gained = move_of(&finder->source_moves, change->source);
    struct merge_seat base = {change->key, change->base};
    struct merge_seat source = {change->key, change->source};
    bool stays = same_id(change->base, change->source);
    bool came = !stays && merge_renamed(gained);

    if (change->base && !stays && merge_renamed(lost)) {
        int r = add_thing(finder, base, lost->gained, NULL, err);

        return r < 0 || came || !change->source
                   ? r
                   : add_thing(finder, (struct merge_seat){0}, source, NULL, err);
    }
    if (came) {
        source = (struct merge_seat){0}; /* seen where it left */
    }
    return base.value || source.value
               ? add_thing(finder, base.value ? base : (struct merge_seat){0},
                           source.value ? source : (struct merge_seat){0}, NULL, err)
               : 0;
}

/* ---- what the target has ---- */

static int ask(struct finder *finder, const struct tree_value *value, corrie_error *err)
{
    struct merge_move *move;

    if (!has_id(value)) {
        return 0;
    }
    finder->far = true;
    return add_move(finder, finder->target_moves, value, &move, err);
}

/* What the target has at a key, NULL for nothing. */
static int look(struct finder *finder, struct str key, const struct tree_value **ret,
                corrie_error *err)
{
    const struct map_entry *entry = map_find(&finder->at_target, key);
    struct tree_value *value;
    int r;

    if (entry) {
        *ret = entry->value;
        return 0;
    }
    value = arena_new(finder->search->arena, struct tree_value);
    if (!value) {
        return corrie_fail_memory(err);
    }
    r = tree_get(finder->search->catalog, finder->search->target, key, finder->search->arena, value,
                 err);
    if (r < 0) {
        return r;
    }
    value = r > 0 ? value : NULL;
    if (map_put(&finder->at_target, key, value) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = value;
    return 0;
}

static int claim(struct finder *finder, struct merge_thing *thing, struct merge_seat seat,
                 corrie_error *err)
{
    thing->on[MERGE_TARGET] = seat;
    return map_put(&finder->claimed, seat.key, thing) < 0 ? corrie_fail_memory(err) : 0;
}

/* Asks for the id of what the target has at a name, unless it is there as it was in the base. */
static int ask_occupant(struct finder *finder, const struct merge_seat *seat,
                        const struct tree_value *found, corrie_error *err)
{
    const struct merge_search *search = finder->search;
    struct tree_value before;
    int r;

    if (!has_id(found)) {
        return 0;
    }
    r = tree_get(search->catalog, search->base, seat->key, search->arena, &before, err);
    return r < 0 || (r > 0 && same_id(&before, found)) ? r : ask(finder, found, err);
}

/* Finds the thing at its name in the target, or asks for its id and for that of what is there. */
static int look_nearby(struct finder *finder, struct merge_thing *thing, enum merge_side side,
                       corrie_error *err)
{
    const struct merge_seat *seat = &thing->on[side];
    const struct merge_seat *base = &thing->on[MERGE_BASE];
    const struct tree_value *found;
    bool is_base = same_id(seat->value, base->value);
    int r;

    if (!seat->value || (side == MERGE_SOURCE && is_base && str_eq(seat->key, base->key))) {
        return 0;
    }
    r = look(finder, seat->key, &found, err);
    if (r >= 0 && same_id(found, seat->value)) {
        return thing->on[MERGE_TARGET].value
                   ? 0
                   : claim(finder, thing, (struct merge_seat){seat->key, found}, err);
    }
    if (r >= 0) {
        r = ask_occupant(finder, seat, found, err);
    }
    return r < 0 || (is_base && thing->on[MERGE_TARGET].value) ? r : ask(finder, seat->value, err);
}

/* Where the target has the thing of a seat, by what it did since the base; value NULL: nowhere. */
static struct merge_seat whereabouts(const struct finder *finder, const struct merge_seat *seat,
                                     bool is_new)
{
    const struct merge_move *move = move_of(finder->target_moves, seat->value);

    if (!move || (is_new ? move->n_gained != 1 || move->n_lost > 0 : !merge_renamed(move)) ||
        map_find(&finder->claimed, move->gained.key) ||
        !str_eq(key_segment(move->gained.key, 0), key_segment(seat->key, 0))) {
        return (struct merge_seat){0};
    }
    return move->gained;
}

/* A replaced thing is two if one of them is elsewhere in the target. */
static int separate(struct finder *finder, struct merge_thing *thing, corrie_error *err)
{
    struct merge_seat *base = &thing->on[MERGE_BASE];
    struct merge_seat *source = &thing->on[MERGE_SOURCE];
    struct merge_seat *target = &thing->on[MERGE_TARGET];
    struct merge_seat new_one = *source;
    bool old_stays = same_id(base->value, target->value) && str_eq(base->key, target->key);
    struct merge_seat elsewhere;
    struct merge_thing *made;
    int r;

    if (!base->value || !source->value || same_id(base->value, source->value)) {
        return 0;
    }
    elsewhere = whereabouts(finder, &new_one, true);
    if (old_stays && !elsewhere.value) {
        return 0;
    }
    if (target->value && !old_stays) { /* found as the new one, under the old name */
        elsewhere = *target;
    }
    *source = (struct merge_seat){0};
    if (!old_stays) {
        *target = (struct merge_seat){0};
    }
    r = add_thing(finder, (struct merge_seat){0}, new_one, &made, err);
    return r < 0 || !elsewhere.value ? r : claim(finder, made, elsewhere, err);
}

static int look_far(struct finder *finder, struct merge_thing *thing, corrie_error *err)
{
    const struct merge_seat *base = &thing->on[MERGE_BASE];
    struct merge_seat found;

    if (thing->on[MERGE_TARGET].value) {
        return 0;
    }
    found = whereabouts(finder, base->value ? base : &thing->on[MERGE_SOURCE], !base->value);
    return found.value ? claim(finder, thing, found, err) : 0;
}

/* A thing that the target does not have is taken for the one that the target made under the name. */
static int pair_by_name(struct finder *finder, struct merge_thing *thing, corrie_error *err)
{
    const struct merge_seat *base = &thing->on[MERGE_BASE];
    const struct merge_seat *source = &thing->on[MERGE_SOURCE];
    const struct tree_value *found;
    const struct merge_move *move;
    int r;

    if (thing->on[MERGE_TARGET].value || !source->value ||
        (base->value && !str_eq(base->key, source->key)) ||
        map_find(&finder->claimed, source->key)) {
        return 0;
    }
    r = look(finder, source->key, &found, err);
    if (r < 0 || !found) {
        return r;
    }
    move = move_of(finder->target_moves, found);
    return move && move->n_lost > 0
               ? 0
               : claim(finder, thing, (struct merge_seat){source->key, found}, err);
}

static int find_in_target(struct finder *finder, corrie_error *err)
{
    const struct merge_search *search = finder->search;
    struct merge_things *things = finder->things;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < things->count; i++) {
        r = look_nearby(finder, things->items[i], MERGE_BASE, err);
        if (r >= 0) {
            r = look_nearby(finder, things->items[i], MERGE_SOURCE, err);
        }
    }
    if (r >= 0 && finder->far) {
        r = tree_diff(search->catalog, search->base, search->target, STR_EMPTY, on_target_change,
                      finder, err);
    }
    for (size_t i = 0, n = things->count; r >= 0 && i < n; i++) {
        r = separate(finder, things->items[i], err);
    }
    for (size_t i = 0; r >= 0 && i < things->count; i++) {
        r = look_far(finder, things->items[i], err);
    }
    for (size_t i = 0; r >= 0 && i < things->count; i++) {
        r = pair_by_name(finder, things->items[i], err);
    }
    return r;
}

/* What each side did to a thing, by its base alone. */
static void judge(struct merge_thing *thing)
{
    const struct merge_seat *base = &thing->on[MERGE_BASE];
    const struct merge_seat *source = &thing->on[MERGE_SOURCE];
    const struct merge_seat *target = &thing->on[MERGE_TARGET];
    bool source_as_base = merge_value_same(source->value, base->value);
    bool target_as_base = merge_value_same(target->value, base->value);

    thing->name = PART_SAME;
    if (source->value && target->value && !str_eq(source->key, target->key)) {
        thing->name = base->value && str_eq(source->key, base->key)   ? PART_TARGET
                      : base->value && str_eq(target->key, base->key) ? PART_SOURCE
                                                                      : PART_CONFLICT;
    } else if (base->value && !source->value) {
        target_as_base &= str_eq(target->key, base->key); /* a renaming is a change too */
    } else if (base->value && !target->value) {
        source_as_base &= str_eq(source->key, base->key);
    }
    thing->value = merge_value_same(source->value, target->value) ? PART_SAME
                   : target_as_base                               ? PART_SOURCE
                   : source_as_base                               ? PART_TARGET
                                                                  : PART_CONFLICT;
}

int merge_things_find(const struct merge_search *search, struct merge_things *ret,
                      struct map *ret_target_moves, corrie_error *err)
{
    _cleanup_(finder_done) struct finder finder = {
        .search = search, .target_moves = ret_target_moves, .things = ret};
    int r = tree_diff(search->catalog, search->base, search->source, STR_EMPTY, on_source_change,
                      &finder, err);

    for (size_t i = 0; r >= 0 && i < finder.changes.count; i++) {
        r = things_of_change(&finder, &finder.changes.items[i], err);
    }
    if (r >= 0) {
        r = find_in_target(&finder, err);
    }
    for (size_t i = 0; r >= 0 && i < ret->count; i++) {
        judge(ret->items[i]);
    }
    return r;
}

/* ---- several bases ---- */

static bool keeps_target(const struct merge_thing *thing)
{
    return !thing || ((thing->name == PART_SAME || thing->name == PART_TARGET) &&
                      (thing->value == PART_SAME || thing->value == PART_TARGET));
}

static bool same_seat(const struct merge_seat *a, const struct merge_seat *b)
{
    return merge_value_same(a->value, b->value) && (!a->value || str_eq(a->key, b->key));
}

/* Whether two bases lead to the same for what is one thing of the source. NULL: nothing changed. */
static bool agree(const struct merge_thing *a, const struct merge_thing *b)
{
    if (keeps_target(a) || keeps_target(b)) {
        return keeps_target(a) && keeps_target(b);
    }
    return a->name == b->name && a->value == b->value &&
           same_seat(&a->on[MERGE_TARGET], &b->on[MERGE_TARGET]) &&
           ((a->name != PART_CONFLICT && a->value != PART_CONFLICT) ||
            same_seat(&a->on[MERGE_BASE], &b->on[MERGE_BASE]));
}

static void disagree(struct merge_thing *thing)
{
    const struct merge_seat *source = &thing->on[MERGE_SOURCE];
    const struct merge_seat *target = &thing->on[MERGE_TARGET];
    bool both = source->value && target->value;

    thing->disagree = true;
    thing->name = both && !str_eq(source->key, target->key) ? PART_CONFLICT : PART_SAME;
    thing->value = merge_value_same(source->value, target->value) ? PART_SAME : PART_CONFLICT;
}

/* What a thing is found by from another base: its name in the source, else in the target. Empty: it
 * is on neither side. */
static int identity(struct arena *arena, const struct merge_thing *thing, struct str *ret,
                    corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int side = thing->on[MERGE_SOURCE].value ? MERGE_SOURCE : MERGE_TARGET;

    *ret = STR_EMPTY;
    if (!thing->on[side].value) {
        return 0;
    }
    buf_add_char(&text, (char)side);
    buf_add_str(&text, thing->on[side].key);
    return arena_str(arena, buf_str(&text), ret) < 0 ? corrie_fail_memory(err)
                                                     : buf_check(&text, err);
}

/* The things of one base. */
struct view {
    struct merge_things things;
    struct map by_identity;
    struct map target_moves;
};

struct views {
    struct view items[MERGE_BASES_MAX];
    size_t count;
};

static void views_done(struct views *views)
{
    for (size_t i = 0; i < views->count; i++) {
        vec_done(&views->items[i].things);
        map_done(&views->items[i].by_identity);
        map_done(&views->items[i].target_moves);
    }
}

static int view_fill(struct view *view, const struct merge_search *search, corrie_error *err)
{
    int r = merge_things_find(search, &view->things, &view->target_moves, err);

    for (size_t i = 0; r >= 0 && i < view->things.count; i++) {
        struct str key;

        r = identity(search->arena, view->things.items[i], &key, err);
        if (r >= 0 && key.len > 0 && map_put(&view->by_identity, key, view->things.items[i]) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    return r;
}

/* Adds what no view before `first` has. */
static int add_from(const struct views *views, size_t first, struct merge_things *ret,
                    corrie_error *err)
{
    const struct map *mine = &views->items[first].by_identity;

    for (size_t i = 0; i < mine->count; i++) {
        struct merge_thing *thing = mine->entries[i].value;
        bool all_agree = true;
        bool is_new = true;

        for (size_t v = 0; v < views->count; v++) {
            const struct merge_thing *other =
                map_get(&views->items[v].by_identity, mine->entries[i].key);

            is_new &= v >= first || !other;
            all_agree &= agree(thing, other);
        }
        if (!is_new) {
            continue;
        }
        if (!all_agree) {
            disagree(thing);
        }
        if (vec_push(ret, thing) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

int merge_things_find_all(struct merge_search *search, const struct hash *bases, size_t n_bases,
                          struct merge_things *ret, struct map *ret_target_moves, corrie_error *err)
{
    _cleanup_(views_done) struct views views = {.count = n_bases};
    int r = 0;

    search->base = &bases[0];
    if (n_bases == 1) {
        return merge_things_find(search, ret, ret_target_moves, err);
    }
    for (size_t i = 0; r >= 0 && i < n_bases; i++) {
        search->base = &bases[i];
        r = view_fill(&views.items[i], search, err);
    }
    for (size_t i = 0; r >= 0 && i < n_bases; i++) {
        r = add_from(&views, i, ret, err);
    }
    if (r >= 0) {
        *ret_target_moves = TAKE(views.items[0].target_moves);
    }
    return r;
}
