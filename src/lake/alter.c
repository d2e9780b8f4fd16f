/* alter.c — what a table is changes, its rows do not: see alter.h. */
#include "lake/alter.h"

#include "base/limits.h"
#include "base/mem.h"
#include "iceberg/snapshot.h"
#include "lake/rewrite.h"
#include "lake/tx_priv.h"
#include "lang/name.h"

/* ---- columns, partition fields, properties ---- */

/* Takes `next` where an edit gave it. */
static void replace(struct table_metadata **metadata, struct table_metadata **owned,
                    struct table_metadata *next)
{
    metadata_free(*owned);
    *owned = next;
    *metadata = next;
}

static int apply(const struct lake_alter *alter, struct table_metadata *base, int64_t now_ms,
                 struct table_metadata **ret, corrie_error *err)
{
    struct table_metadata *metadata = base;
    struct table_metadata *owned = NULL;
    struct table_metadata *next = NULL;
    size_t n_expired;
    int r = 0;

    if (alter->n_columns > 0) {
        r = metadata_with_columns(metadata, alter->columns, alter->n_columns, now_ms, &next, err);
        if (r >= 0) {
            replace(&metadata, &owned, next);
        }
    }
    if (r >= 0 && alter->n_partition_fields > 0) {
        r = metadata_with_spec_edits(metadata, alter->partition_fields, alter->n_partition_fields,
                                     now_ms, &next, err);
        if (r >= 0) {
            replace(&metadata, &owned, next);
        }
    }
    if (r >= 0 && alter->repartition) {
        r = metadata_with_spec(metadata, alter->partition_terms, alter->n_partition_terms, now_ms,
                               &next, err);
        if (r >= 0) {
            replace(&metadata, &owned, next);
        }
    }
    if (r >= 0 && alter->reorder) {
        r = metadata_with_sort_order(metadata, alter->sort_terms, alter->n_sort_terms, now_ms,
                                     &next, err);
        if (r >= 0) {
            replace(&metadata, &owned, next);
        }
    }
    if (r >= 0 && alter->n_properties > 0) {
        r = metadata_with_properties(metadata, alter->properties, alter->n_properties, now_ms,
                                     &next, err);
        if (r >= 0) {
            replace(&metadata, &owned, next);
        }
    }
    if (r >= 0 && alter->expire) {
        r = metadata_expire(metadata, alter->expire, now_ms, &next, &n_expired, err);
        if (r >= 0) {
            replace(&metadata, &owned, next);
        }
    }
    if (r < 0) {
        metadata_free(owned);
        return r;
    }
    *ret = owned;
    return 0;
}

/* Whether the table was so already. */
static bool is_same(const struct lake_alter *alter, const struct table_metadata *before,
                    const struct table_metadata *after)
{
    if (before->current_schema_id != after->current_schema_id ||
        before->default_spec_id != after->default_spec_id ||
        metadata_sort_order_id(before) != metadata_sort_order_id(after) ||
        before->n_snapshots != after->n_snapshots) {
        return false;
    }
    for (size_t i = 0; i < alter->n_properties; i++) {
        const struct property *property = &alter->properties[i];
        struct str value;
        bool there = metadata_property(before, property->key, &value);

        if (there != (property->value.data != NULL) || (there && !str_eq(value, property->value))) {
            return false;
        }
    }
    return true;
}

int lake_tx_alter(struct lake_tx *tx, const struct lake_alter *alter, struct arena *arena,
                  struct lake_table *ret, corrie_error *err)
{
    _cleanup_(lake_target_done) struct lake_target target = {0};
    _cleanup_(metadata_freep) struct table_metadata *changed = NULL;
    _cleanup_(table_version_done) struct table_version version = {0};
    struct lake_table table;
    struct str location;
    int r;

    r = lake_target_open(tx, alter->ns, alter->name, arena, &target, err);
    if (r < 0) {
        return r;
    }
    r = apply(alter, target.metadata, clock_now() / 1000000, &changed, err);
    if (r >= 0 && (!changed || is_same(alter, target.metadata, changed))) {
        if (ret) {
            *ret = target.table;
        }
        return 0;
    }
    if (r >= 0) {
        r = metadata_write(&tx->lake->io, changed, target.metadata_location, arena, &location,
                           &version.metadata, err);
    }
    if (r >= 0) {
        version.location = str_dup(location);
        version.snapshot_id = target.table.snapshot_id;
        version.records = target.table.records;
        version.bytes = target.table.bytes;
        version.files = target.table.files;
        r = version.location ? tx_stage_version(tx, &version, target.location, &target.table,
                                                &target.table, arena, &table, err)
                             : corrie_fail_memory(err);
    }
    if (r < 0) {
        return corrie_wrap(err, "alter table %.*s.%.*s", STR_FMT(alter->ns), STR_FMT(alter->name));
    }
    if (ret) {
        *ret = table;
    }
    return 1;
}

/* ---- names ---- */

/* What the transaction wrote under a key is gone from there. */
static void forget_output(struct lake_tx *tx, struct str key)
{
    for (size_t i = 0; i < tx->outputs.count; i++) {
        if (str_eq(tx->outputs.items[i].key, key)) {
            tx->outputs.items[i] = vec_last(&tx->outputs);
            tx->outputs.count--;
            return;
        }
    }
}

/* What it wrote under a key stands under another now, and so does what that was made of. */
static int rename_output(struct lake_tx *tx, struct str key, struct str new_key, corrie_error *err)
{
    struct str kept;

    if (arena_str(&tx->arena, new_key, &kept) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < tx->outputs.count; i++) {
        if (str_eq(tx->outputs.items[i].key, key)) {
            tx->outputs.items[i].key = kept;
        }
    }
    for (size_t i = 0; i < tx->reads.count; i++) {
        if (str_eq(tx->reads.items[i].output, key)) {
            tx->reads.items[i].output = kept;
        }
    }
    return 0;
}

/* The value under a table's key, with its doc. */
static int get_value(struct lake_tx *tx, struct str ns, struct str name, struct arena *arena,
                     struct key *ret_key, struct tree_value *ret, corrie_error *err)
{
    struct lake_view view = lake_tx_view(tx);
    struct lake_table table;
    struct str doc;
    int r;

    r = lake_table_get(&view, ns, name, arena, &table, err);
    if (r < 0 || (r = KEY_MAKE(ret_key, err, STR("table"), ns, name)) < 0 ||
        (r = tree_need(tx->lake->catalog, &tx->tree, key_str(ret_key), arena, ret, err)) < 0 ||
        (r = tree_value_doc(tx->lake->catalog, ret, arena, &doc, err)) < 0) {
        return r;
    }
    ret->doc = doc;
    ret->doc_apart = false;
    return 0;
}

int lake_tx_rename(struct lake_tx *tx, struct str ns, struct str name, struct str new_ns,
                   struct str new_name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_view view = lake_tx_view(tx);
    struct tree_edit edits[2] = {{.is_delete = true}, {.is_delete = false}};
    struct lake_table other;
    struct key keys[2];
    int r;

    r = name_check_table(new_name, err);
    if (r < 0 || (r = get_value(tx, ns, name, &arena, &keys[0], &edits[1].value, err)) < 0) {
        return r;
    }
    if (str_eq(ns, new_ns) && str_eq(name, new_name)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the table is called so already");
    }
    r = lake_has_namespace(&view, new_ns, err);
    if (r == 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "there is no namespace %.*s", STR_FMT(new_ns));
        return corrie_hint(err, "CREATE NAMESPACE makes it");
    }
    r = r < 0 ? r : lake_table_find(&view, new_ns, new_name, &arena, &other, err);
    if (r > 0) {
        corrie_fail(err, CORRIE_E_EXISTS, "there is a table %.*s.%.*s", STR_FMT(new_ns),
                    STR_FMT(new_name));
        return corrie_hint(err, "choose another name, or drop that one first");
    }
    if (r < 0 || (r = KEY_MAKE(&keys[1], err, STR("table"), new_ns, new_name)) < 0) {
        return r;
    }
    edits[0].key = key_str(&keys[0]);
    edits[1].key = key_str(&keys[1]);
    for (int i = 0; r >= 0 && i < 2; i++) { /* one by one: they need not be in the order of keys */
        r = tx_stage(tx, &edits[i], 1, err);
    }
    return r < 0 ? r : rename_output(tx, key_str(&keys[0]), key_str(&keys[1]), err);
}

int lake_tx_drop(struct lake_tx *tx, struct str ns, struct str name, struct arena *arena,
                 struct lake_table *ret, corrie_error *err)
{
    struct lake_view view = lake_tx_view(tx);
    struct tree_edit edit = {.is_delete = true};
    struct lake_table table;
    struct key key;
    int r;

    r = lake_table_get(&view, ns, name, arena, &table, err);
    if (r < 0 || (r = KEY_MAKE(&key, err, STR("table"), ns, name)) < 0) {
        return r;
    }
    edit.key = key_str(&key);
    r = tx_stage(tx, &edit, 1, err);
    if (r >= 0) {
        forget_output(tx, edit.key);
        r = lake_tx_ledger_clear(tx, &table.id, err);
    }
    if (r >= 0 && ret) {
        *ret = table;
    }
    return r;
}

static int on_table(void *arg, const struct lake_table *table, corrie_error *err)
{
    (void)arg;
    corrie_fail(err, CORRIE_E_REFUSED, "the namespace %.*s is not empty: it has %.*s",
                STR_FMT(table->ns), STR_FMT(table->name));
    return corrie_hint(err, "DROP TABLE removes a table, ALTER TABLE … RENAME TO moves it");
}

int lake_tx_drop_namespace(struct lake_tx *tx, struct str ns, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_view view = lake_tx_view(tx);
    struct tree_edit edit = {.is_delete = true};
    struct tree_value value;
    struct key key;
    int r;

    r = name_check_namespace(ns, err);
    if (r < 0 || (r = KEY_MAKE(&key, err, STR("namespace"), ns)) < 0 ||
        (r = tree_need(tx->lake->catalog, &tx->tree, key_str(&key), &arena, &value, err)) < 0 ||
        (r = lake_tables(&view, ns, on_table, NULL, err)) < 0) {
        return r;
    }
    edit.key = key_str(&key);
    return tx_stage(tx, &edit, 1, err);
}
