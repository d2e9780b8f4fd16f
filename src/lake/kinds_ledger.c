/* kinds_ledger.c — ledgers in merges.
 *
 * A ledger says which files' rows are in a table, so it must say of the merged table what is true of it:
 *
 *   the table in the result is       its ledger is
 *   gone                             gone
 *   a content merge of both          what both imported, the same content once
 *   one side's, the other's changes  that side's
 *   to it left out (a choice)
 *   one side's, the other had        that side's, with what the other noted (files without rows)
 *   not changed it
 *
 * The first two keys of a ledger are ["ledger", table id]; a value is a list of imports of one location, newest last. */
#include "lake/kinds_priv.h"

#include "base/map.h"

static int read_list(struct merge *merge, const struct tree_value *value, json_t **ret,
                     corrie_error *err)
{
    struct str doc;
    int r;

    if (!value) {
        *ret = json_array();
        return *ret ? 0 : corrie_fail_memory(err);
    }
    r = tree_value_doc(merge_catalog(merge), value, merge_arena(merge), &doc, err);
    if (r >= 0) {
        r = js_parse(doc, "the ledger", ret, err);
    }
    if (r >= 0 && !json_is_array(*ret)) {
        r = corrie_fail(err, CORRIE_E_CORRUPT, "read the ledger: an entry is no list");
    }
    return r < 0 ? r : 0;
}

/* How many entries `list` has behind those of `base`; -1 if it does not begin with them: it was begun anew. */
static ptrdiff_t added(const json_t *base, const json_t *list)
{
    size_t n = json_array_size(base);

    if (json_array_size(list) < n) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        if (!json_equal(json_array_get(base, i), json_array_get(list, i))) {
            return -1;
        }
    }
    return (ptrdiff_t)(json_array_size(list) - n);
}

static bool same_content(const json_t *a, const json_t *b)
{
    return json_equal(json_object_get(a, "sha256"), json_object_get(b, "sha256"));
}

static int skip_files(struct merge *merge, const json_t *entry, struct ledger_skip *skip,
                      corrie_error *err)
{
    const json_t *files = json_object_get(entry, "data_files");
    const json_t *file;
    size_t i;

    json_array_foreach(files, i, file)
    {
        struct str path;

        if (arena_str(merge_arena(merge), js_str(file), &path) < 0 ||
            vec_push(&skip->files, path) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* Stages a list; an empty one is none. */
static int stage_list(struct merge *merge, struct str key, const json_t *list, corrie_error *err)
{
    _cleanup_(buf_done) struct buf doc = {0};
    struct tree_value value = {.has_origin = false};

    if (json_array_size(list) == 0) {
        return merge_stage(merge, key, NULL, err);
    }
    if (js_canonical(list, &doc, err) < 0) {
        return err->code;
    }
    value.doc = buf_str(&doc);
    return merge_stage(merge, key, &value, err);
}

/* Stages the target's list with the source's entries from `first` on behind it. */
static int extend(struct merge *merge, struct str key, json_t *list, const json_t *source,
                  size_t first, corrie_error *err)
{
    for (size_t i = first; i < json_array_size(source); i++) {
        if (json_array_append(list, json_array_get(source, i)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return stage_list(merge, key, list, err);
}

/* Names the location of a key: itself, or what the entry says. */
static int note_conflict(struct merge *merge, struct str key, const json_t *entry,
                         struct ledger_skip *skip, corrie_error *err)
{
    const json_t *location = json_object_get(entry, "location");

    return arena_str(merge_arena(merge),
                     json_is_string(location) ? js_str(location) : key_segment(key, 2),
                     &skip->conflict) < 0
               ? corrie_fail_memory(err)
               : 0;
}

struct lists {
    json_t *base;
    json_t *source;
    json_t *target;
};

static void lists_done(struct lists *lists)
{
    json_decref(lists->base);
    json_decref(lists->source);
    json_decref(lists->target);
}

/* Of two lines of imports of one location, the entries from `first` and `own` on: the same content in the same order
 * counts once. *ret is how many that are; a conflict is noted. 1 they agree, 0 they do not. */
static int pair_imports(struct merge *merge, struct str key, const struct lists *lists,
                        size_t first, size_t end, size_t own, struct ledger_skip *skip, size_t *ret,
                        corrie_error *err)
{
    size_t n = 0;

    for (; first + n < end && own + n < json_array_size(lists->target); n++) {
        const json_t *entry = json_array_get(lists->source, first + n);
        int r;

        if (!same_content(entry, json_array_get(lists->target, own + n))) {
            r = note_conflict(merge, key, entry, skip, err);
            return r < 0 ? r : 0;
        }
        r = skip_files(merge, entry, skip, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = n;
    return 1;
}

/* One location that both sides imported. The same content in the same order counts once; what one side has beyond
 * that stays. */
static int merge_lines(struct merge *merge, struct str key, struct lists *lists,
                       struct ledger_skip *skip, corrie_error *err)
{
    size_t n = json_array_size(lists->base);
    ptrdiff_t in_source = added(lists->base, lists->source);
    ptrdiff_t in_target = added(lists->base, lists->target);
    size_t paired;
    int r;

    if (in_source <= 0 || in_target <= 0) {
        return 0; /* begun anew: then so was the table, and its rows do not merge */
    }
    r = pair_imports(merge, key, lists, n, n + (size_t)in_source, n, skip, &paired, err);
    return r > 0 && in_source > in_target
               ? extend(merge, key, lists->target, lists->source, n + paired, err)
               : r;
}

/* ---- picks ----
 *
 * The target need never have had the base, so what counts is what the picked change did to the list, as it did to the
 * files: entries that it took out go, entries that it brought come. */

/* Where an entry is in a list; -1 nowhere. */
static ptrdiff_t place_of(const json_t *list, const json_t *entry)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), (json_t *)(uintptr_t)entry)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

/* How many entries two lists begin with alike, of at most `max`; or, `back`, end with. */
static size_t alike(const json_t *a, const json_t *b, bool back, size_t max)
{
    size_t n = 0;

    while (n < max && n < json_array_size(a) && n < json_array_size(b) &&
           json_equal(json_array_get(a, back ? json_array_size(a) - 1 - n : n),
                      json_array_get(b, back ? json_array_size(b) - 1 - n : n))) {
        n++;
    }
    return n;
}

/* Takes entries of the base out of the target's list. The place of the first; -1 if not all were there. */
static ptrdiff_t take_out(struct lists *lists, size_t first, size_t end)
{
    ptrdiff_t place = -1;
    bool all = true;

    for (size_t i = first; i < end; i++) {
        ptrdiff_t at = place_of(lists->target, json_array_get(lists->base, i));

        if (at < 0) {
            all = false;
            continue;
        }
        json_array_remove(lists->target, (size_t)at);
        place = place < 0 || at < place ? at : place;
    }
    return all ? place : -1;
}

/* Puts entries of the source where they were before others that are there still. */
static int put_back(struct lists *lists, size_t first, size_t end, ptrdiff_t place,
                    corrie_error *err)
{
    for (size_t i = first; i < end; i++) {
        json_t *entry = json_array_get(lists->source, i);

        if (place_of(lists->target, entry) < 0 &&
            json_array_insert(lists->target, (size_t)place++, entry) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int merge_picked(struct merge *merge, struct str key, struct lists *lists,
                        struct ledger_skip *skip, corrie_error *err)
{
    size_t in_base = json_array_size(lists->base);
    size_t in_source = json_array_size(lists->source);
    size_t least = in_base < in_source ? in_base : in_source;
    size_t first = alike(lists->base, lists->source, false, least);
    size_t last = alike(lists->base, lists->source, true, least - first);
    size_t own = alike(lists->base, lists->target, false, in_base);
    ptrdiff_t place = take_out(lists, first, in_base - last);
    size_t paired;
    int r;

    if (place < 0 && last > 0) {
        place = place_of(lists->target, json_array_get(lists->base, in_base - last));
    }
    if (place >= 0 || first == in_source - last) {
        r = put_back(lists, first, in_source - last, place, err);
        return r < 0 ? r : stage_list(merge, key, lists->target, err);
    }
    own = own < json_array_size(lists->target) ? own : json_array_size(lists->target);
    r = pair_imports(merge, key, lists, first, in_source - last, own, skip, &paired, err);
    while (r > 0 && first + paired < in_source - last) {
        r = json_array_append(lists->target, json_array_get(lists->source, first + paired++)) < 0
                ? corrie_fail_memory(err)
                : 1;
    }
    return r > 0 ? stage_list(merge, key, lists->target, err) : r;
}

static int merge_location(struct merge *merge, struct str key, const struct tree_value *values[3],
                          struct ledger_skip *skip, corrie_error *err)
{
    _cleanup_(lists_done) struct lists lists = {0};
    int r;

    if ((r = read_list(merge, values[MERGE_BASE], &lists.base, err)) < 0 ||
        (r = read_list(merge, values[MERGE_SOURCE], &lists.source, err)) < 0 ||
        (r = read_list(merge, values[MERGE_TARGET], &lists.target, err)) < 0) {
        return r;
    }
    return merge_picks(merge) ? merge_picked(merge, key, &lists, skip, err)
                              : merge_lines(merge, key, &lists, skip, err);
}

struct importing {
    struct merge *merge;
    struct ledger_skip *skip;
};

static int on_import(void *arg, struct str key, const struct tree_value *base,
                     const struct tree_value *source, corrie_error *err)
{
    struct importing *importing = arg;
    struct tree_value target;
    const struct tree_value *values[3] = {base, source, &target};
    int r = merge_get(importing->merge, MERGE_TARGET, key, &target, err);

    values[MERGE_TARGET] = r > 0 ? &target : NULL;
    if (r < 0 || (base && r > 0 && tree_value_eq(base, &target)) ||
        (!merge_picks(importing->merge) && (r == 0 || !source))) {
        return r < 0 ? r : 0; /* only the source changed it, or the table was begun anew */
    }
    return merge_location(importing->merge, key, values, importing->skip, err);
}

static int ledger_prefix(const struct uuid *table, struct key *ret, corrie_error *err)
{
    char id[UUID_TEXT + 1];

    uuid_format(table, id);
    return KEY_MAKE_PREFIX(ret, err, STR("ledger"), str_of(id));
}

int kinds_merge_imports(struct merge *merge, const struct uuid *table, struct ledger_skip *ret,
                        corrie_error *err)
{
    struct importing importing = {merge, ret};
    struct key prefix;
    int r = ledger_prefix(table, &prefix, err);

    return r < 0 ? r
                 : tree_diff(merge_catalog(merge), merge_tree(merge, MERGE_BASE),
                             merge_tree(merge, MERGE_SOURCE), key_str(&prefix), on_import,
                             &importing, err);
}

/* The table's rule and the settling afterwards see to the rest. */
int kinds_merge_ledger(struct merge *merge, void *data, struct str key,
                       const struct tree_value *base, const struct tree_value *source,
                       const struct tree_value *target, struct tree_value *ret_value,
                       corrie_error *err)
{
    (void)merge;
    (void)data;
    (void)key;
    (void)base;
    (void)source;
    (void)target;
    (void)ret_value;
    (void)err;
    return MERGE_TAKE_TARGET;
}

/* ---- settling ---- */

/* A table whose ledger may have to follow it. Values and keys lie in the merge's arena; NULL: not there. */
struct fate {
    struct uuid id;
    bool imported; /* the source changed its ledger */
    bool changed;  /* the source changed the table, or what it is called */
    const struct tree_value *base;
    const struct tree_value *source;
    const struct tree_value *target;
    const struct tree_value *result;
    struct str target_key;
    struct str keys[2]; /* where base and source have it */
};

struct settling {
    struct merge *merge;
    struct map fates; /* id -> struct fate */
};

static struct str id_key(const struct uuid *id)
{
    return (struct str){(const char *)id->bytes, sizeof id->bytes};
}

static struct fate *find_fate(const struct settling *settling, const struct uuid *id)
{
    return map_get(&settling->fates, id_key(id));
}

/* NULL: memory ran out. */
static struct fate *add_fate(struct settling *settling, const struct uuid *id)
{
    struct fate *fate = find_fate(settling, id);

    if (!fate) {
        fate = arena_new(merge_arena(settling->merge), struct fate);
        if (fate) {
            fate->id = *id;
            if (map_put(&settling->fates, id_key(&fate->id), fate) < 0) {
                return NULL;
            }
        }
    }
    return fate;
}

static int copy_value(struct merge *merge, const struct tree_value *value,
                      const struct tree_value **ret, corrie_error *err)
{
    struct tree_value *copy = arena_new(merge_arena(merge), struct tree_value);

    if (!copy) {
        return corrie_fail_memory(err);
    }
    *ret = copy;
    return tree_value_copy(value, merge_arena(merge), copy, err);
}

static int on_ledger_change(void *arg, struct str key, const struct tree_value *base,
                            const struct tree_value *source, corrie_error *err)
{
    struct settling *settling = arg;
    struct fate *fate;
    struct uuid id;

    (void)base;
    (void)source;
    if (!uuid_parse(key_segment(key, 1), &id)) {
        return 0; /* none of ours */
    }
    fate = add_fate(settling, &id);
    if (!fate) {
        return corrie_fail_memory(err);
    }
    fate->imported = true;
    return 0;
}

static int note_edit(struct settling *settling, const struct tree_edit *edit, corrie_error *err)
{
    struct tree_value before;
    struct fate *fate;
    int r = merge_get(settling->merge, MERGE_TARGET, edit->key, &before, err);

    if (r < 0) {
        return r;
    }
    if (r > 0) {
        fate = add_fate(settling, &before.id);
        if (!fate) {
            return corrie_fail_memory(err);
        }
        fate->target_key = edit->key;
        r = copy_value(settling->merge, &before, &fate->target, err);
    }
    if (r >= 0 && !edit->is_delete) {
        fate = add_fate(settling, &edit->value.id);
        if (!fate) {
            return corrie_fail_memory(err);
        }
        fate->result = &edit->value;
    }
    return r < 0 ? r : 0;
}

static int on_table_change(void *arg, struct str key, const struct tree_value *base,
                           const struct tree_value *source, corrie_error *err)
{
    struct settling *settling = arg;
    const struct tree_value *sides[2] = {base, source};

    for (size_t i = 0; i < 2; i++) {
        struct fate *fate = sides[i] ? find_fate(settling, &sides[i]->id) : NULL;
        int r;

        if (!fate) {
            continue;
        }
        fate->changed = true;
        r = copy_value(settling->merge, sides[i], i == 0 ? &fate->base : &fate->source, err);
        if (r < 0) {
            return r;
        }
        if (arena_str(merge_arena(settling->merge), key, &fate->keys[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* The target has the table under `key`: notes it, and what becomes of it there. */
static int note_target(struct settling *settling, struct fate *fate, struct str key,
                       const struct tree_value *value, corrie_error *err)
{
    struct tree_value outcome;
    int r;

    if (arena_str(merge_arena(settling->merge), key, &fate->target_key) < 0) {
        return corrie_fail_memory(err);
    }
    r = copy_value(settling->merge, value, &fate->target, err);
    if (r < 0 || fate->result) {
        return r;
    }
    r = merge_outcome(settling->merge, key, &outcome, err);
    return r > 0 && uuid_eq(&outcome.id, &fate->id)
               ? copy_value(settling->merge, &outcome, &fate->result, err)
               : r;
}

/* Looks for the table where the other sides have it. */
static int look_at_keys(struct settling *settling, struct fate *fate, corrie_error *err)
{
    for (size_t i = 0; i < 2 && !fate->target; i++) {
        struct tree_value value;
        int r = 0;

        if (fate->keys[i].len > 0) {
            r = merge_get(settling->merge, MERGE_TARGET, fate->keys[i], &value, err);
        }
        if (r > 0 && uuid_eq(&value.id, &fate->id)) {
            r = note_target(settling, fate, fate->keys[i], &value, err);
        }
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The others: those that nobody changed but that files without rows were imported into, and renamed ones. */
static int look_everywhere(struct settling *settling, size_t missing, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct merge *merge = settling->merge;
    struct tree_value value;
    struct key prefix;
    struct str key;
    int r = KEY_MAKE_PREFIX(&prefix, err, STR("table"));

    if (r >= 0) {
        r = tree_cursor_open(merge_catalog(merge), merge_tree(merge, MERGE_TARGET),
                             key_str(&prefix), &cursor, err);
    }
    while (r >= 0 && missing > 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        struct fate *fate = find_fate(settling, &value.id);

        if (fate && !fate->target) {
            r = note_target(settling, fate, key, &value, err);
            missing--;
        }
    }
    return r < 0 ? r : 0;
}

static int find_targets(struct settling *settling, corrie_error *err)
{
    size_t missing = 0;

    for (size_t i = 0; i < settling->fates.count; i++) {
        struct fate *fate = settling->fates.entries[i].value;
        int r = look_at_keys(settling, fate, err);

        if (r < 0) {
            return r;
        }
        /* what the source made is not in the target */
        missing += !fate->target && !fate->result && !(fate->changed && !fate->base);
    }
    return missing > 0 ? look_everywhere(settling, missing, err) : 0;
}

/* ---- staging ---- */

enum following { FOLLOW_TARGET, FOLLOW_SOURCE, FOLLOW_NONE };

struct staging {
    struct merge *merge;
    enum following follow;
};

static int stage_if_other(struct merge *merge, struct str key, const struct tree_value *value,
                          corrie_error *err)
{
    struct tree_value outcome;
    int r = merge_outcome(merge, key, &outcome, err);

    if (r < 0 || (r == 0 && !value) || (r > 0 && value && tree_value_eq(&outcome, value))) {
        return r < 0 ? r : 0;
    }
    return merge_stage(merge, key, value, err);
}

static int on_ledger_difference(void *arg, struct str key, const struct tree_value *target,
                                const struct tree_value *source, corrie_error *err)
{
    const struct staging *staging = arg;

    return stage_if_other(staging->merge, key,
                          staging->follow == FOLLOW_TARGET   ? target
                          : staging->follow == FOLLOW_SOURCE ? source
                                                             : NULL,
                          err);
}

/* The ledger becomes that of a side, or none. */
static int follow(struct merge *merge, const struct uuid *table, enum following side,
                  corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct staging staging = {merge, side};
    struct tree_value value;
    struct key prefix;
    struct str key;
    int r = ledger_prefix(table, &prefix, err);

    if (r >= 0) {
        r = tree_diff(merge_catalog(merge), merge_tree(merge, MERGE_TARGET),
                      merge_tree(merge, MERGE_SOURCE), key_str(&prefix), on_ledger_difference,
                      &staging, err);
    }
    if (r < 0 || side != FOLLOW_NONE) {
        return r;
    }
    r = tree_cursor_open(merge_catalog(merge), merge_tree(merge, MERGE_TARGET), key_str(&prefix),
                         &cursor, err);
    while (r >= 0 && (r = tree_cursor_next(cursor, &key, &value, err)) > 0) {
        r = stage_if_other(merge, key, NULL, err);
    }
    return r;
}

/* A location that both noted something about, of a table that only the source changed. */
static int on_source_import(void *arg, struct str key, const struct tree_value *base,
                            const struct tree_value *source, corrie_error *err)
{
    struct merge *merge = arg;
    struct tree_value target;
    int r = merge_get(merge, MERGE_TARGET, key, &target, err);

    (void)base;
    return r < 0 ? r : stage_if_other(merge, key, source, err);
}

static int follow_imports(struct merge *merge, const struct uuid *table, corrie_error *err)
{
    struct key prefix;
    int r = ledger_prefix(table, &prefix, err);

    return r < 0 ? r
                 : tree_diff(merge_catalog(merge), merge_tree(merge, MERGE_BASE),
                             merge_tree(merge, MERGE_SOURCE), key_str(&prefix), on_source_import,
                             merge, err);
}

static bool same(const struct tree_value *a, const struct tree_value *b)
{
    return a && b ? tree_value_eq(a, b) : a == b;
}

static int settle_fate(struct merge *merge, const struct fate *fate, corrie_error *err)
{
    if (!fate->result) {
        return follow(merge, &fate->id, FOLLOW_NONE, err);
    }
    if (same(fate->result, fate->target)) {
        if (!fate->changed || same(fate->base, fate->source)) {
            return 0; /* the target's table, with what the source noted */
        }
        return same(fate->source, fate->target) ? 0 : follow(merge, &fate->id, FOLLOW_TARGET, err);
    }
    if (!same(fate->result, fate->source)) {
        return 0; /* merged just now: kinds_merge_imports has seen to it */
    }
    if (fate->changed && same(fate->base, fate->target)) {
        return fate->imported ? follow_imports(merge, &fate->id, err) : 0;
    }
    return follow(merge, &fate->id, FOLLOW_SOURCE, err);
}

static bool lacks_source(const struct fate *fate)
{
    return !fate->changed && fate->result && !same(fate->result, fate->target);
}

static int on_other_table(void *arg, struct str key, const struct tree_value *target,
                          const struct tree_value *source, corrie_error *err)
{
    struct settling *settling = arg;
    struct fate *fate = source ? find_fate(settling, &source->id) : NULL;

    (void)key;
    (void)target;
    return fate && lacks_source(fate) ? copy_value(settling->merge, source, &fate->source, err) : 0;
}

/* Of several common ancestors the source may have changed a table since another than the first, and have been chosen. */
static int find_sources(struct settling *settling, corrie_error *err)
{
    struct merge *merge = settling->merge;

    for (size_t i = 0; i < settling->fates.count; i++) {
        if (lacks_source(settling->fates.entries[i].value)) {
            return tree_diff(merge_catalog(merge), merge_tree(merge, MERGE_TARGET),
                             merge_tree(merge, MERGE_SOURCE), STR("table\0"), on_other_table,
                             settling, err);
        }
    }
    return 0;
}

static int settle(struct settling *settling, corrie_error *err)
{
    struct merge *merge = settling->merge;
    const struct tree_edit *edits;
    size_t n;
    int r;

    r = tree_diff(merge_catalog(merge), merge_tree(merge, MERGE_BASE),
                  merge_tree(merge, MERGE_SOURCE), STR("ledger\0"), on_ledger_change, settling,
                  err);
    edits = merge_edits(merge, &n);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        if (str_eq(key_segment(edits[i].key, 0), STR("table"))) {
            r = note_edit(settling, &edits[i], err);
        }
    }
    if (r < 0 || settling->fates.count == 0) {
        return r;
    }
    r = tree_diff(merge_catalog(merge), merge_tree(merge, MERGE_BASE),
                  merge_tree(merge, MERGE_SOURCE), STR("table\0"), on_table_change, settling, err);
    if (r >= 0) {
        r = find_targets(settling, err);
    }
    if (r >= 0) {
        r = find_sources(settling, err);
    }
    for (size_t i = 0; r >= 0 && i < settling->fates.count; i++) {
        r = settle_fate(merge, settling->fates.entries[i].value, err);
    }
    return r;
}

int kinds_settle_ledger(struct merge *merge, void *data, corrie_error *err)
{
    struct settling settling = {.merge = merge};
    int r = settle(&settling, err);

    (void)data;
    map_done(&settling.fates);
    return r;
}
