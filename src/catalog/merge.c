/* merge.c — merge3 over trees (merge.h).
 *
 *     merge_things.c   what the source did, thing by thing, and where the target has each
 *     here             what the result has of each: value and name
 *     merge_place.c    no two things under one name; edits of the target
 *
 * What only the target changed is in the result already, since the result is the target with
 * edits: so it is looked at only where it stands in the way. */
#include "catalog/merge_priv.h"

static void merge_done(struct merge *merge)
{
    vec_done(&merge->things);
    vec_done(&merge->edits);
    map_done(&merge->target_moves);
    map_done(&merge->staged);
    arena_done(&merge->arena);
}

/* ---- for callbacks ---- */

struct catalog *merge_catalog(struct merge *merge)
{
    return merge->catalog;
}

struct arena *merge_arena(struct merge *merge)
{
    return &merge->arena;
}

bool merge_dry_run(const struct merge *merge)
{
    return merge->options->dry_run;
}

bool merge_picks(const struct merge *merge)
{
    return merge->options->picks;
}

const struct hash *merge_tree(const struct merge *merge, enum merge_side side)
{
    return &merge->trees[side];
}

const struct hash *merge_result(const struct merge *merge)
{
    return &merge->result;
}

const struct tree_edit *merge_edits(const struct merge *merge, size_t *ret_n)
{
    *ret_n = merge->edits.count;
    return merge->edits.items;
}

struct str merge_key_on(const struct merge *merge, enum merge_side side)
{
    const struct merge_seat *seat = &merge->thing->on[side];

    return seat->value ? seat->key : STR_EMPTY;
}

int merge_get(struct merge *merge, enum merge_side side, struct str key, struct tree_value *ret,
              corrie_error *err)
{
    return tree_get(merge->catalog, &merge->trees[side], key, &merge->arena, ret, err);
}

static int make_edit(struct merge *merge, struct str key, const struct tree_value *value,
                     struct tree_edit *ret, corrie_error *err)
{
    memset(ret, 0, sizeof *ret);
    if (arena_str(&merge->arena, key, &ret->key) < 0) {
        return corrie_fail_memory(err);
    }
    ret->is_delete = value == NULL;
    return value ? tree_value_copy(value, &merge->arena, &ret->value, err) : 0;
}

int merge_stage(struct merge *merge, struct str key, const struct tree_value *value,
                corrie_error *err)
{
    struct tree_edit *edit = arena_new(&merge->arena, struct tree_edit);
    int r;

    if (!edit) {
        return corrie_fail_memory(err);
    }
    r = make_edit(merge, key, value, edit, err);
    if (r >= 0 && map_put(&merge->staged, edit->key, edit) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

int merge_reason(struct merge *merge, corrie_error *err, const char *format, ...)
{
    _cleanup_(buf_done) struct buf text = {0};
    va_list args;

    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    if (buf_check(&text, err) < 0) {
        return err->code;
    }
    return arena_str(&merge->arena, buf_str(&text), &merge->reason) < 0 ? corrie_fail_memory(err)
                                                                        : 0;
}

int merge_conflict(struct merge *merge, struct str key, const char *reason, corrie_error *err)
{
    struct tree_value values[3];
    const struct tree_value *found[3] = {NULL, NULL, NULL};

    for (int side = MERGE_BASE; side <= MERGE_TARGET; side++) {
        int r = merge_get(merge, (enum merge_side)side, key, &values[side], err);

        if (r < 0) {
            return r;
        }
        found[side] = r > 0 ? &values[side] : NULL;
    }
    return merge_report_add(merge->report, key, found[MERGE_BASE], found[MERGE_SOURCE],
                            found[MERGE_TARGET], str_of(reason), err);
}

/* ---- one thing ---- */

int merge_thing_conflict(struct merge *merge, const struct merge_thing *thing, struct str key,
                         struct str reason, corrie_error *err)
{
    return merge_report_add(merge->report, key, thing->on[MERGE_BASE].value,
                            thing->on[MERGE_SOURCE].value, thing->on[MERGE_TARGET].value, reason,
                            err);
}

static bool has_name(const struct merge_thing *thing, struct str key)
{
    for (int side = MERGE_BASE; thing && side <= MERGE_TARGET; side++) {
        if (thing->on[side].value && str_eq(thing->on[side].key, key)) {
            return true;
        }
    }
    return false;
}

const struct merge_choice *merge_choice_for(const struct merge *merge,
                                            const struct merge_thing *thing, struct str key)
{
    for (size_t i = 0; i < merge->options->n_choices; i++) {
        const struct merge_choice *choice = &merge->options->choices[i];

        if (choice->key.len == 0 || str_eq(choice->key, key) || has_name(thing, choice->key)) {
            return choice;
        }
    }
    return NULL;
}

static const struct merge_kind *kind_of(const struct merge *merge, struct str key)
{
    struct str name = key_segment(key, 0);

    for (size_t i = 0; i < merge->options->n_kinds; i++) {
        if (str_eq(merge->options->kinds[i].name, name)) {
            return &merge->options->kinds[i];
        }
    }
    return NULL;
}

static int name_reason(struct merge *merge, const struct merge_thing *thing, corrie_error *err)
{
    _cleanup_(buf_done) struct buf source = {0};
    _cleanup_(buf_done) struct buf target = {0};
    int r;

    key_format(thing->on[MERGE_SOURCE].key, &source);
    key_format(thing->on[MERGE_TARGET].key, &target);
    r = buf_check(&source, err);
    if (r >= 0) {
        r = buf_check(&target, err);
    }
    return r < 0 ? r
                 : merge_reason(merge, err, "it is called %s on one side and %s on the other",
                                buf_text(&source), buf_text(&target));
}

/* The name of a thing in the result. 1 it is known, 0 that is a conflict, which was reported. */
static int decide_name(struct merge *merge, const struct merge_thing *thing,
                       const struct merge_choice *choice, struct str *ret, corrie_error *err)
{
    enum merge_part name = thing->name;
    enum merge_side side;
    int r;

    if (name == PART_CONFLICT) {
        if (!choice) {
            r = name_reason(merge, thing, err);
            return r < 0 ? r
                         : merge_thing_conflict(merge, thing, thing->on[MERGE_TARGET].key,
                                                thing->disagree ? STR("several common ancestors "
                                                                      "disagree on its name")
                                                                : merge->reason,
                                                err);
        }
        name = choice->side == MERGE_SOURCE ? PART_SOURCE : PART_TARGET;
    }
    side = name == PART_SOURCE || !thing->on[MERGE_TARGET].value ? MERGE_SOURCE : MERGE_TARGET;
    *ret = thing->on[side].key;
    return 1;
}

/* Puts what a rule staged to what others had. */
static int keep_staged(struct merge *merge, struct map *before, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < merge->staged.count; i++) {
        r = map_put(before, merge->staged.entries[i].key, merge->staged.entries[i].value);
    }
    return r < 0 ? corrie_fail_memory(err) : 0;
}

/* What the kind's rule decides. Of a rule that finds a conflict nothing stays: a choice may settle it otherwise. */
static int ask_rule(struct merge *merge, const struct merge_thing *thing, struct str key,
                    struct tree_value *value, corrie_error *err)
{
    const struct merge_kind *kind = kind_of(merge, key);
    struct map before = merge->staged;
    int decision;
    int r = 0;

    if (!kind || !kind->merge3 || (thing->disagree && !kind->any_base)) {
        return MERGE_CONFLICT;
    }
    merge->staged = (struct map){0};
    decision =
        kind->merge3(merge, kind->data, key, thing->on[MERGE_BASE].value,
                     thing->on[MERGE_SOURCE].value, thing->on[MERGE_TARGET].value, value, err);
    if (decision > MERGE_CONFLICT) {
        r = keep_staged(merge, &before, err);
    }
    map_done(&merge->staged);
    merge->staged = before;
    return r < 0 ? r : decision;
}

/* A value that both sides changed. What was chosen for it by name comes before the kind's rule, what was chosen for
 * all conflicts after it. 1 decided, 0 a conflict, which was reported. */
static int settle_value(struct merge *merge, const struct merge_thing *thing,
                        const struct merge_choice *choice, struct str key,
                        const struct tree_value **ret, corrie_error *err)
{
    struct tree_value *value = arena_new(&merge->arena, struct tree_value);
    int decision = MERGE_CONFLICT;

    if (!value) {
        return corrie_fail_memory(err);
    }
    merge->reason = thing->disagree ? STR("several common ancestors disagree on it") : STR_EMPTY;
    if (!choice || choice->key.len == 0) {
        decision = ask_rule(merge, thing, key, value, err);
    }
    if (choice && decision == MERGE_CONFLICT) {
        decision = choice->side == MERGE_SOURCE ? MERGE_TAKE_SOURCE : MERGE_TAKE_TARGET;
    }
    switch (decision) {
    case MERGE_TAKE_SOURCE:
        *ret = thing->on[MERGE_SOURCE].value;
        return 1;
    case MERGE_TAKE_TARGET:
        *ret = thing->on[MERGE_TARGET].value;
        return 1;
    case MERGE_PUT:
        *ret = value;
        return 1;
    case MERGE_DELETE:
        *ret = NULL;
        return 1;
    case MERGE_CONFLICT:
        return merge_thing_conflict(merge, thing, key, merge->reason, err);
    default:
        return decision < 0 ? decision
                            : corrie_fail(err, CORRIE_E_INTERNAL, "a kind decided %d", decision);
    }
}

static int decide(struct merge *merge, struct merge_thing *thing, corrie_error *err)
{
    const struct merge_choice *choice = merge_choice_for(merge, thing, STR_EMPTY);
    int r;

    merge->thing = thing;
    if (!thing->on[MERGE_SOURCE].value && !thing->on[MERGE_TARGET].value) {
        return 0;
    }
    r = decide_name(merge, thing, choice, &thing->result.key, err);
    if (r <= 0) {
        return r;
    }
    if (thing->value == PART_CONFLICT) {
        r = settle_value(merge, thing, choice, thing->result.key, &thing->result.value, err);
        return r < 0 ? r : 0;
    }
    thing->result.value =
        thing->on[thing->value == PART_SOURCE ? MERGE_SOURCE : MERGE_TARGET].value;
    return 0;
}

/* ---- the whole ---- */

static int edit_order(const void *a, const void *b)
{
    return str_cmp(((const struct tree_edit *)a)->key, ((const struct tree_edit *)b)->key);
}

/* Staged edits win over those that the rules made. */
static int add_staged(struct merge *merge, corrie_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < merge->edits.count; i++) {
        if (!map_find(&merge->staged, merge->edits.items[i].key)) {
            merge->edits.items[n++] = merge->edits.items[i];
        }
    }
    merge->edits.count = n;
    for (size_t i = 0; i < merge->staged.count; i++) {
        struct tree_edit *edit = merge->staged.entries[i].value;

        if (vec_push(&merge->edits, *edit) < 0) {
            return corrie_fail_memory(err);
        }
    }
    if (merge->edits.count > 0) {
        qsort(merge->edits.items, merge->edits.count, sizeof *merge->edits.items, edit_order);
    }
    return 0;
}

int merge_outcome(struct merge *merge, struct str key, struct tree_value *ret, corrie_error *err)
{
    const struct tree_edit *edit = map_get(&merge->staged, key);
    struct tree_edit wanted = {.key = key};

    if (!edit && merge->edits.count > 0) {
        edit = bsearch(&wanted, merge->edits.items, merge->edits.count, sizeof *merge->edits.items,
                       edit_order);
    }
    if (!edit) {
        return merge_get(merge, MERGE_TARGET, key, ret, err);
    }
    if (edit->is_delete) {
        return 0;
    }
    *ret = edit->value;
    return 1;
}

static int run_settle(struct merge *merge, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < merge->options->n_kinds; i++) {
        const struct merge_kind *kind = &merge->options->kinds[i];

        r = kind->settle ? kind->settle(merge, kind->data, err) : 0;
    }
    return r < 0 ? r : add_staged(merge, err);
}

static int run_checks(struct merge *merge, corrie_error *err)
{
    for (size_t i = 0; i < merge->options->n_kinds; i++) {
        const struct merge_kind *kind = &merge->options->kinds[i];
        int r = kind->check ? kind->check(merge, kind->data, err) : 0;

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int merge_trees(struct catalog *catalog, const struct hash *bases, size_t n_bases,
                const struct hash *source, const struct hash *target,
                const struct merge_options *options, struct object_list *objects,
                struct hash *ret_root, struct merge_report *report, corrie_error *err)
{
    static const struct merge_options no_options;
    _cleanup_(merge_done) struct merge merge = {
        .catalog = catalog,
        .options = options ? options : &no_options,
        .trees = {bases[0], *source, *target},
        .report = report,
    };
    struct merge_search search;
    int r;

    if (hash_eq(source, target) || (n_bases == 1 && hash_eq(&bases[0], source))) {
        *ret_root = *target;
        return 0;
    }
    if (n_bases == 1 && hash_eq(&bases[0], target)) {
        *ret_root = *source;
        return 0;
    }
    search = (struct merge_search){.catalog = catalog,
                                   .arena = &merge.arena,
                                   .cancel = merge.options->cancel,
                                   .source = source,
                                   .target = target};
    r = merge_things_find_all(&search, bases, n_bases, &merge.things, &merge.target_moves, err);
    for (size_t i = 0; r >= 0 && i < merge.things.count; i++) {
        r = decide(&merge, merge.things.items[i], err);
    }
    if (r >= 0 && report->n_conflicts == 0) {
        r = merge_place(&merge, err);
    }
    if (r >= 0) {
        r = add_staged(&merge, err);
    }
    if (r >= 0 && report->n_conflicts == 0) {
        r = run_settle(&merge, err);
    }
    if (r >= 0 && report->n_conflicts == 0) {
        r = tree_apply(catalog, target, merge.edits.items, merge.edits.count, objects,
                       &merge.result, err);
        if (r >= 0) {
            r = run_checks(&merge, err);
        }
    }
    if (r < 0) {
        return r;
    }
    if (report->n_conflicts > 0) {
        return merge_report_fail(report, err);
    }
    *ret_root = merge.result;
    return 0;
}

int merge3(struct catalog *catalog, const struct hash *base, const struct hash *source,
           const struct hash *target, const struct merge_options *options,
           struct object_list *objects, struct hash *ret_root, struct merge_report *report,
           corrie_error *err)
{
    return merge_trees(catalog, base, 1, source, target, options, objects, ret_root, report, err);
}
