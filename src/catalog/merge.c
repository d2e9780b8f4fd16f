/* merge.c — merge3 over trees (merge.h).
 *
 * Only keys that `source` changed are looked at: what only `target` changed is in the result already,
 * since the result is target with edits. With several bases, every key on which source and target
 * differ. */
#include "catalog/merge.h"

#include "base/map.h"
#include "catalog/merge_priv.h"

struct merge {
    struct catalog *catalog;
    const struct merge_options *options;
    const struct hash *bases;
    size_t n_bases;
    struct hash trees[3]; /* by enum merge_side */
    struct merge_report *report;
    struct arena arena;
    struct {
        struct tree_edit *items;
        size_t count;
        size_t capacity;
    } edits;
    struct map staged; /* key -> struct tree_edit */
    struct str reason; /* of the key being merged */
    struct hash result;
};

static void merge_done(struct merge *merge)
{
    vec_done(&merge->edits);
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

/* ---- one key ---- */

static bool same(const struct tree_value *a, const struct tree_value *b)
{
    return a && b ? tree_value_eq(a, b) : a == b;
}

static int add_edit(struct merge *merge, struct str key, const struct tree_value *value,
                    corrie_error *err)
{
    struct tree_edit edit;
    int r = make_edit(merge, key, value, &edit, err);

    if (r >= 0 && vec_push(&merge->edits, edit) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

/* By one base alone: MERGE_TAKE_SOURCE, MERGE_TAKE_TARGET, or MERGE_CONFLICT if both changed it. */
static enum merge_decision by_base(const struct tree_value *base, const struct tree_value *source,
                                   const struct tree_value *target)
{
    return same(base, target)   ? MERGE_TAKE_SOURCE
           : same(base, source) ? MERGE_TAKE_TARGET
                                : MERGE_CONFLICT;
}

static const struct merge_choice *choice_for(const struct merge *merge, struct str key)
{
    for (size_t i = 0; i < merge->options->n_choices; i++) {
        const struct merge_choice *choice = &merge->options->choices[i];

        if (choice->key.len == 0 || str_eq(choice->key, key)) {
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

/* A key that source and target have differently and both have changed, or on which the bases
 * disagree. */
static int decide(struct merge *merge, struct str key, bool bases_agree,
                  const struct tree_value *base, const struct tree_value *source,
                  const struct tree_value *target, corrie_error *err)
{
    const struct merge_choice *choice = choice_for(merge, key);
    const struct merge_kind *kind = kind_of(merge, key);
    struct tree_value value;
    int decision = MERGE_CONFLICT;

    merge->reason = bases_agree ? STR_EMPTY : STR("several common ancestors disagree on it");
    if (choice) {
        decision = choice->side == MERGE_SOURCE ? MERGE_TAKE_SOURCE : MERGE_TAKE_TARGET;
    } else if (kind && kind->merge3 && bases_agree) {
        decision = kind->merge3(merge, kind->data, key, base, source, target, &value, err);
    }
    switch (decision) {
    case MERGE_TAKE_SOURCE:
        return add_edit(merge, key, source, err);
    case MERGE_TAKE_TARGET:
        return 0;
    case MERGE_PUT:
        return add_edit(merge, key, &value, err);
    case MERGE_DELETE:
        return target ? add_edit(merge, key, NULL, err) : 0;
    case MERGE_CONFLICT:
        return merge_report_add(merge->report, key, base, source, target, merge->reason, err);
    default:
        return decision < 0 ? decision
                            : corrie_fail(err, CORRIE_E_INTERNAL, "a kind decided %d", decision);
    }
}

static int merge_key(struct merge *merge, struct str key, const struct tree_value *source,
                     const struct tree_value *target, corrie_error *err)
{
    enum merge_decision first = MERGE_CONFLICT;
    struct tree_value values[MERGE_BASES_MAX];
    const struct tree_value *base = NULL;
    bool values_agree = true;
    bool decisions_agree = true;

    if (same(source, target)) {
        return 0;
    }
    for (size_t i = 0; i < merge->n_bases; i++) {
        const struct tree_value *found;
        enum merge_decision decision;
        int r = tree_get(merge->catalog, &merge->bases[i], key, &merge->arena, &values[i], err);

        if (r < 0) {
            return r;
        }
        found = r > 0 ? &values[i] : NULL;
        decision = by_base(found, source, target);
        if (i == 0) {
            base = found;
            first = decision;
        }
        values_agree &= same(base, found);
        decisions_agree &= first == decision;
    }
    if (decisions_agree && first == MERGE_TAKE_TARGET) {
        return 0;
    }
    if (decisions_agree && first == MERGE_TAKE_SOURCE) {
        return add_edit(merge, key, source, err);
    }
    return decide(merge, key, values_agree, base, source, target, err);
}

/* base -> source: what the source changed. */
static int on_source_change(void *arg, struct str key, const struct tree_value *base,
                            const struct tree_value *source, corrie_error *err)
{
    struct merge *merge = arg;
    struct tree_value value;
    int r = cancel_check(merge->options->cancel, err);

    (void)base;
    if (r >= 0) {
        r = merge_get(merge, MERGE_TARGET, key, &value, err);
    }
    if (r < 0) {
        return r;
    }
    r = merge_key(merge, key, source, r > 0 ? &value : NULL, err);
    return r < 0 ? r : 0;
}

/* target -> source: what is not the same. */
static int on_difference(void *arg, struct str key, const struct tree_value *target,
                         const struct tree_value *source, corrie_error *err)
{
    struct merge *merge = arg;
    int r = cancel_check(merge->options->cancel, err);

    if (r >= 0) {
        r = merge_key(merge, key, source, target, err);
    }
    return r < 0 ? r : 0;
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
    static const struct merge_options no_options = {0};
    _cleanup_(merge_done) struct merge merge = {
        .catalog = catalog,
        .options = options ? options : &no_options,
        .bases = bases,
        .n_bases = n_bases,
        .trees = {bases[0], *source, *target},
        .report = report,
    };
    int r;

    if (hash_eq(source, target) || (n_bases == 1 && hash_eq(&bases[0], source))) {
        *ret_root = *target;
        return 0;
    }
    if (n_bases == 1 && hash_eq(&bases[0], target)) {
        *ret_root = *source;
        return 0;
    }
    r = n_bases == 1
            ? tree_diff(catalog, &bases[0], source, STR_EMPTY, on_source_change, &merge, err)
            : tree_diff(catalog, target, source, STR_EMPTY, on_difference, &merge, err);
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
