/* kinds.c — how the kinds of key that this room owns are merged (design, "One mechanism for everything that changes a
 * lake").
 *
 *   namespace     the same thing whoever made it; none goes while the result has tables in it
 *   table         content merge (kinds_table.c)
 *   ledger        follows its table (kinds_ledger.c)
 *   memo          what can be found out again: dropped where the sides differ
 *   rule source view      equal content merges, different content conflicts
 *
 * The rooms that will own the last three do not exist yet; their rule is the plain one. */
#include "lake/kinds_priv.h"

#include "base/map.h"

bool kinds_same_doc(const struct tree_value *a, const struct tree_value *b)
{
    if (a->doc_apart || b->doc_apart) {
        return a->doc_apart && b->doc_apart && hash_eq(&a->doc_hash, &b->doc_hash);
    }
    return str_eq(a->doc, b->doc);
}

int kinds_choose(const struct tree_value *source, const struct tree_value *target)
{
    if (source->has_taint != target->has_taint) {
        return source->has_taint ? MERGE_TAKE_TARGET : MERGE_TAKE_SOURCE;
    }
    return source->has_origin && !target->has_origin ? MERGE_TAKE_SOURCE : MERGE_TAKE_TARGET;
}

static int merge_namespace(struct merge *merge, void *data, struct str key,
                           const struct tree_value *base, const struct tree_value *source,
                           const struct tree_value *target, struct tree_value *ret_value,
                           corrie_error *err)
{
    (void)merge;
    (void)data;
    (void)key;
    (void)base;
    (void)ret_value;
    (void)err;
    return source && target ? MERGE_TAKE_TARGET : MERGE_CONFLICT;
}

static int merge_memo(struct merge *merge, void *data, struct str key,
                      const struct tree_value *base, const struct tree_value *source,
                      const struct tree_value *target, struct tree_value *ret_value,
                      corrie_error *err)
{
    (void)merge;
    (void)data;
    (void)key;
    (void)base;
    (void)ret_value;
    (void)err;
    return source && target && kinds_same_doc(source, target) ? MERGE_TAKE_TARGET : MERGE_DELETE;
}

static int merge_content(struct merge *merge, void *data, struct str key,
                         const struct tree_value *base, const struct tree_value *source,
                         const struct tree_value *target, struct tree_value *ret_value,
                         corrie_error *err)
{
    (void)merge;
    (void)data;
    (void)key;
    (void)base;
    (void)ret_value;
    (void)err;
    return source && target && kinds_same_doc(source, target) ? kinds_choose(source, target)
                                                              : MERGE_CONFLICT;
}

/* ---- nothing dangles ---- */

/* The first table of a namespace in the result: 1 and its key (in the merge's arena), 0 for none. */
static int first_table(struct merge *merge, struct str ns, struct str *ret, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct tree_value value;
    struct key prefix;
    struct str key;
    int r;

    r = KEY_MAKE_PREFIX(&prefix, err, STR("table"), ns);
    if (r >= 0) {
        r = tree_cursor_open(merge_catalog(merge), merge_result(merge), key_str(&prefix), &cursor,
                             err);
    }
    if (r >= 0) {
        r = tree_cursor_next(cursor, &key, &value, err);
    }
    if (r > 0 && arena_str(merge_arena(merge), key, ret) < 0) {
        return corrie_fail_memory(err);
    }
    return r;
}

static int report_orphan(struct merge *merge, const struct key *ns_key, struct str table,
                         corrie_error *err)
{
    struct str ns = key_segment(table, 1);
    char *reason = arena_printf(merge_arena(merge),
                                "namespace %.*s was removed on one side, and the other has table "
                                "%.*s.%.*s in it",
                                STR_FMT(ns), STR_FMT(ns), STR_FMT(key_segment(table, 2)));

    return reason ? merge_conflict(merge, key_str(ns_key), reason, err) : corrie_fail_memory(err);
}

/* What an edit may have orphaned: a table that came, or those of a namespace that went. */
static int check_edit(struct merge *merge, const struct tree_edit *edit, struct map *seen,
                      corrie_error *err)
{
    struct str kind = key_segment(edit->key, 0);
    struct str ns = key_segment(edit->key, 1);
    bool came = str_eq(kind, STR("table")) && !edit->is_delete;
    struct tree_value value;
    struct str table = edit->key;
    struct key key;
    int r = 1;

    if (!came && !(str_eq(kind, STR("namespace")) && edit->is_delete)) {
        return 0;
    }
    if (map_find(seen, ns)) {
        return 0;
    }
    if (map_put(seen, ns, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    r = KEY_MAKE(&key, err, STR("namespace"), ns);
    if (r >= 0) {
        r = tree_get(merge_catalog(merge), merge_result(merge), key_str(&key), merge_arena(merge),
                     &value, err);
    }
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = came ? 1 : first_table(merge, ns, &table, err);
    return r > 0 ? report_orphan(merge, &key, table, err) : r;
}

static int check_namespaces(struct merge *merge, void *data, corrie_error *err)
{
    struct map seen = {0};
    size_t n;
    const struct tree_edit *edits = merge_edits(merge, &n);
    int r = 0;

    (void)data;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = check_edit(merge, &edits[i], &seen, err);
    }
    map_done(&seen);
    return r;
}

const struct merge_options *lake_merge_options(struct lake *lake, struct merge_options *storage)
{
    static const struct merge_kind kinds[LAKE_KINDS] = {
        {.name = {"namespace", 9},
         .merge3 = merge_namespace,
         .any_base = true,
         .check = check_namespaces},
        {.name = {"table", 5}, .merge3 = kinds_merge_table},
        {.name = {"ledger", 6},
         .merge3 = kinds_merge_ledger,
         .any_base = true,
         .settle = kinds_settle_ledger},
        {.name = {"memo", 4}, .merge3 = merge_memo, .any_base = true},
        {.name = {"rule", 4}, .merge3 = merge_content, .any_base = true},
        {.name = {"source", 6}, .merge3 = merge_content, .any_base = true},
        {.name = {"view", 4}, .merge3 = merge_content, .any_base = true},
    };

    for (size_t i = 0; i < LAKE_KINDS; i++) {
        lake->kinds[i] = kinds[i];
        lake->kinds[i].data = lake;
    }
    *storage =
        (struct merge_options){.kinds = lake->kinds, .n_kinds = LAKE_KINDS, .cancel = lake->cancel};
    return storage;
}
