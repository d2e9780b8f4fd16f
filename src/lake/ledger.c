/* ledger.c — what was imported into a table (docs/formats/lake.md). */
#include "lake/lake_priv.h"

#include "lake/tx_priv.h"

/* The third segment of a ledger key: the location, or its hash where it is too long for a segment. */
static int ledger_key(const struct uuid *table, struct str location, struct key *ret,
                      corrie_error *err)
{
    char id[UUID_TEXT + 1];
    char digest[7 + HASH_HEX + 1] = "sha256:";
    struct hash hash;

    uuid_format(table, id);
    if (location.len > CORRIE_MAX_KEY_SEGMENT) {
        hash = hash_bytes(location);
        hash_hex(&hash, digest + 7);
        location = str_of(digest);
    }
    return KEY_MAKE(ret, err, STR("ledger"), str_of(id), location);
}

static int parse_data_files(const json_t *item, struct arena *arena, struct ledger_entry *entry,
                            corrie_error *err)
{
    json_t *paths = NULL;
    struct str *items;
    int r;

    r = js_get_array(item, "data_files", &paths, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    entry->n_data_files = json_array_size(paths);
    items = arena_array(arena, struct str, entry->n_data_files);
    for (size_t i = 0; items && i < entry->n_data_files; i++) {
        const json_t *path = json_array_get(paths, i);

        if (!json_is_string(path)) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "field \"data_files\" holds something that is no text");
        }
        if (arena_str(arena, js_str(path), &items[i]) < 0) {
            items = NULL;
        }
    }
    entry->data_files = items;
    return items ? 0 : corrie_fail_memory(err);
}

static int parse_entry(const json_t *item, struct arena *arena, struct ledger_entry *entry,
                       corrie_error *err)
{
    struct str sha256;
    struct str version;
    struct str job;
    int r;

    if ((r = js_get_str(item, "sha256", &sha256, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_str(item, "version", &version, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_str(item, "job", &job, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(item, "size", &entry->size, CORRIE_E_CORRUPT, err)) < 0 ||
        (r = js_get_int(item, "rows", &entry->rows, CORRIE_E_CORRUPT, err)) < 0) {
        return r;
    }
    if (!hash_parse(sha256, &entry->sha256)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "field \"sha256\" is no hash");
    }
    if (arena_str(arena, version, &entry->version) < 0 || arena_str(arena, job, &entry->job) < 0) {
        return corrie_fail_memory(err);
    }
    return parse_data_files(item, arena, entry, err);
}

/* The list under a key, or none. 1 found, 0 not. *ret is a new reference. */
static int read_list(const struct lake_view *view, const struct key *key, struct arena *arena,
                     struct uuid *ret_id, json_t **ret, corrie_error *err)
{
    _json_ json_t *list = NULL;
    struct tree_value value;
    struct str doc;
    int r;

    r = tree_get(view->lake->catalog, &view->tree, key_str(key), arena, &value, err);
    if (r <= 0) {
        return r;
    }
    r = tree_value_doc(view->lake->catalog, &value, arena, &doc, err);
    if (r < 0 || (r = js_parse(doc, "the ledger", &list, err)) < 0) {
        return r;
    }
    if (!json_is_array(list)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "read the ledger: an entry is no list");
    }
    *ret_id = value.id;
    *ret = TAKE_PTR(list);
    return 1;
}

int lake_ledger_find(const struct lake_view *view, const struct uuid *table, struct str location,
                     struct arena *arena, struct ledger_entry *ret, corrie_error *err)
{
    _json_ json_t *list = NULL;
    struct ledger_entry entry = {.location = location};
    struct uuid id;
    struct key key;
    int r;

    r = ledger_key(table, location, &key, err);
    if (r < 0) {
        return r;
    }
    r = read_list(view, &key, arena, &id, &list, err);
    if (r <= 0 || json_array_size(list) == 0) {
        return r < 0 ? r : 0;
    }
    r = parse_entry(json_array_get(list, json_array_size(list) - 1), arena, &entry, err);
    if (r < 0) {
        return corrie_wrap(err, "read the ledger for %.*s", STR_FMT(location));
    }
    *ret = entry;
    return 1;
}

static json_t *entry_json(const struct ledger_entry *entry)
{
    json_t *item = json_object();
    json_t *paths = json_array();
    int r = 0;

    for (size_t i = 0; paths && i < entry->n_data_files; i++) {
        r |= json_array_append_new(paths, js_string(entry->data_files[i]));
    }
    r |= js_set(item, "data_files", paths);
    r |= js_set_str(item, "job", entry->job);
    r |= js_set_int(item, "rows", entry->rows);
    r |= js_set_hash(item, "sha256", &entry->sha256);
    r |= js_set_int(item, "size", entry->size);
    r |= js_set_str(item, "version", entry->version);
    if (entry->location.len > CORRIE_MAX_KEY_SEGMENT) {
        r |= js_set_str(item, "location", entry->location);
    }
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

/* The edit that puts an import behind those of its location; key and doc in `arena`. */
static int ledger_edit(struct lake_tx *tx, const struct uuid *table,
                       const struct ledger_entry *entry, struct arena *arena, struct tree_edit *ret,
                       corrie_error *err)
{
    _cleanup_(buf_done) struct buf doc = {0};
    _json_ json_t *list = NULL;
    struct lake_view view = lake_tx_view(tx);
    struct key key;
    int r;

    r = ledger_key(table, entry->location, &key, err);
    if (r < 0) {
        return r;
    }
    r = read_list(&view, &key, arena, &ret->value.id, &list, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        list = json_array(); /* no id: merges know a ledger key by its name */
    }
    if (!list || json_array_append_new(list, entry_json(entry)) < 0) {
        return corrie_fail_memory(err);
    }
    r = js_canonical(list, &doc, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(arena, key_str(&key), &ret->key) < 0 ||
        arena_str(arena, buf_str(&doc), &ret->value.doc) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int lake_tx_ledger(struct lake_tx *tx, const struct uuid *table, const struct ledger_entry *entries,
                   size_t n, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, n);
    int r = 0;

    if (!edits) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = ledger_edit(tx, table, &entries[i], &arena, &edits[i], err);
    }
    return r < 0 ? r : tx_stage(tx, edits, n, err);
}

int lake_tx_ledger_clear(struct lake_tx *tx, const struct uuid *table, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    struct {
        struct tree_edit *items;
        size_t count, capacity;
    } edits = {0};
    struct tree_value value;
    struct str key_bytes;
    struct key prefix;
    char id[UUID_TEXT + 1];
    int r;

    uuid_format(table, id);
    r = KEY_MAKE_PREFIX(&prefix, err, STR("ledger"), str_of(id));
    if (r >= 0) {
        r = tree_cursor_open(tx->lake->catalog, &tx->tree, key_str(&prefix), &cursor, err);
    }
    while (r >= 0 && (r = tree_cursor_next(cursor, &key_bytes, &value, err)) > 0) {
        struct tree_edit edit = {.is_delete = true};

        if (arena_str(&arena, key_bytes, &edit.key) < 0 || vec_push(&edits, edit) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    if (r >= 0 && edits.count > 0) {
        r = tx_stage(tx, edits.items, edits.count, err);
    }
    vec_done(&edits);
    return r;
}
