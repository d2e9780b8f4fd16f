/* tree.c — reading trees: lookup, order, and the check of a whole tree. */
#include "catalog/tree.h"

#include "catalog/catalog_priv.h"
#include "catalog/tree_priv.h"

bool tree_value_eq(const struct tree_value *a, const struct tree_value *b)
{
    if (!uuid_eq(&a->id, &b->id) || a->doc_apart != b->doc_apart ||
        a->has_origin != b->has_origin || a->has_taint != b->has_taint) {
        return false;
    }
    if (a->has_origin && !hash_eq(&a->origin, &b->origin)) {
        return false;
    }
    if (a->has_taint && !uuid_eq(&a->taint, &b->taint)) {
        return false;
    }
    return a->doc_apart ? hash_eq(&a->doc_hash, &b->doc_hash) : str_eq(a->doc, b->doc);
}

int tree_value_copy(const struct tree_value *value, struct arena *arena, struct tree_value *ret,
                    corrie_error *err)
{
    struct tree_value copy = *value;

    if (arena_str(arena, value->doc, &copy.doc) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = copy;
    return 0;
}

int tree_value_doc(struct catalog *catalog, const struct tree_value *value, struct arena *arena,
                   struct str *ret, corrie_error *err)
{
    if (!value->doc_apart) {
        *ret = value->doc;
        return 0;
    }
    return object_read(catalog, OBJECT_DOC, &value->doc_hash, arena, ret, err);
}

int tree_empty(struct catalog *catalog, struct object_list *objects, struct hash *ret_root,
               corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes = {0};
    int r;

    node_encode(0, NULL, 0, &bytes);
    r = buf_check(&bytes, err);
    return r < 0 ? r : object_add(catalog, OBJECT_NODE, buf_str(&bytes), objects, ret_root, err);
}

/* ---- paths: from a root to an entry of some level ---- */

void tree_path_done(struct tree_path *path)
{
    while (path->depth > 0) {
        object_unref(path->catalog, path->steps[--path->depth].object);
    }
}

int tree_path_push(struct tree_path *path, const struct hash *name, const struct str *last_key,
                   unsigned level, corrie_error *err)
{
    struct object *object;
    int r;

    if (path->depth == TREE_LEVELS_MAX) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "a tree is deeper than %d levels",
                           TREE_LEVELS_MAX);
    }
    r = node_get(path->catalog, name, last_key, level, &object, err);
    if (r < 0) {
        return r;
    }
    path->steps[path->depth++] = (struct tree_step){object, 0};
    return 0;
}

int tree_path_root(struct tree_path *path, const struct hash *root, corrie_error *err)
{
    tree_path_done(path);
    return tree_path_push(path, root, NULL, 0, err);
}

/* Goes down into the entry on which the deepest step stands. */
int tree_path_down(struct tree_path *path, corrie_error *err)
{
    const struct tree_step *step = tree_path_last(path);
    const struct node *node = step->object->node;
    struct hash child = node_child(node, step->index);

    return tree_path_push(path, &child, &node->entries[step->index].key, node->level - 1, err);
}

void tree_path_up(struct tree_path *path)
{
    object_unref(path->catalog, path->steps[--path->depth].object);
}

/* From the root down to `level`: each step on the first entry that is not less than `key`, or,
 * above `level`, on the last. At `level` the index may be one past the end. */
int tree_path_seek(struct tree_path *path, struct str key, unsigned level, corrie_error *err)
{
    while (path->depth > 1) {
        tree_path_up(path);
    }
    for (;;) {
        struct tree_step *step = tree_path_last(path);
        const struct node *node = step->object->node;

        step->index = node_find(node, key);
        if (node->level <= level) {
            return 0;
        }
        if (step->index == node->n) {
            step->index--;
        }
        int r = tree_path_down(path, err);
        if (r < 0) {
            return r;
        }
    }
}

/* ---- lookup ---- */

static int malformed_value(corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_CORRUPT, "a value is malformed");
}

int tree_get(struct catalog *catalog, const struct hash *root, struct str key, struct arena *arena,
             struct tree_value *ret, corrie_error *err)
{
    _cleanup_(tree_path_done) struct tree_path path = {.catalog = catalog};
    const struct tree_step *step;
    const struct node *node;
    struct tree_value value;
    int r;

    r = tree_path_root(&path, root, err);
    if (r >= 0) {
        r = tree_path_seek(&path, key, 0, err);
    }
    if (r < 0) {
        return r;
    }
    step = tree_path_last(&path);
    node = step->object->node;
    if (step->index == node->n || !str_eq(node->entries[step->index].key, key)) {
        return 0;
    }
    if (!value_decode(node->entries[step->index].value, &value)) {
        return malformed_value(err);
    }
    r = tree_value_copy(&value, arena, ret, err);
    return r < 0 ? r : 1;
}

#define NEAREST_MAX 3
#define SIBLINGS_MAX 10000

struct siblings {
    struct str *items;
    size_t count;
    size_t capacity;
};

/* The last segments of keys that differ from `key` in nothing else. */
static int read_siblings(struct catalog *catalog, const struct hash *root, struct str key,
                         struct arena *arena, struct siblings *ret, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = NULL;
    ptrdiff_t end = str_rfind(key, '\0');
    struct str prefix = str_slice(key, 0, (size_t)(end + 1));
    struct tree_value value;
    struct str found;
    int r;

    r = tree_cursor_open(catalog, root, prefix, &cursor, err);
    while (r >= 0 && ret->count < SIBLINGS_MAX &&
           (r = tree_cursor_next(cursor, &found, &value, err)) > 0) {
        struct str name = str_from(found, prefix.len);
        struct str copy;

        if (str_find(name, '\0') < 0 &&
            (arena_str(arena, name, &copy) < 0 || vec_push(ret, copy) < 0)) {
            return corrie_fail_memory(err);
        }
    }
    return r < 0 ? r : 0;
}

static int hint_nearest(struct catalog *catalog, const struct hash *root, struct str key,
                        corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf hint = {0};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct siblings siblings = {0};
    size_t nearest[NEAREST_MAX];
    size_t n = 0;

    if (read_siblings(catalog, root, key, &arena, &siblings, &ignored) >= 0) {
        n = str_nearest(str_from(key, (size_t)(str_rfind(key, '\0') + 1)), siblings.items,
                        siblings.count, nearest, NEAREST_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        buf_addf(&hint, "%s%.*s", i ? ", " : "did you mean ", STR_FMT(siblings.items[nearest[i]]));
    }
    vec_done(&siblings);
    return n ? corrie_hint(err, "%s?", buf_text(&hint)) : err->code;
}

int tree_need(struct catalog *catalog, const struct hash *root, struct str key, struct arena *arena,
              struct tree_value *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    int r = tree_get(catalog, root, key, arena, ret, err);

    if (r != 0) {
        return r;
    }
    key_format(key, &name);
    corrie_fail(err, CORRIE_E_NOT_FOUND, "%s does not exist", buf_text(&name));
    return hint_nearest(catalog, root, key, err);
}

/* ---- order ---- */

struct tree_cursor {
    struct tree_path path;
    struct key prefix;
    size_t ahead; /* leaves that were read at once, the last time */
};

#define AHEAD_MAX 32

/* Before a leaf that is not in memory: reads it with those that come next, the more the longer the
 * cursor goes. */
static int read_ahead(struct tree_cursor *cursor, corrie_error *err)
{
    const struct tree_step *step = tree_path_last(&cursor->path);
    const struct node *node = step->object->node;
    struct str prefix = key_str(&cursor->prefix);
    struct hash names[AHEAD_MAX];
    size_t n = 0;

    names[n++] = node_child(node, step->index);
    if (object_in_memory(cursor->path.catalog, OBJECT_NODE, &names[0])) {
        return 0;
    }
    cursor->ahead = cursor->ahead * 2 > AHEAD_MAX ? AHEAD_MAX : cursor->ahead * 2 + !cursor->ahead;
    for (size_t i = step->index + 1; i < node->n && n < cursor->ahead; i++) {
        struct str before = node->entries[i - 1].key;

        if (!str_starts(before, prefix) && str_cmp(before, prefix) > 0) {
            break; /* the cursor will have ended */
        }
        names[n++] = node_child(node, i);
    }
    return object_prefetch(cursor->path.catalog, OBJECT_NODE, names, n, err);
}

int tree_cursor_open(struct catalog *catalog, const struct hash *root, struct str prefix,
                     struct tree_cursor **ret, corrie_error *err)
{
    _cleanup_(tree_cursor_closep) struct tree_cursor *cursor = mem_alloc(1, sizeof *cursor);
    int r;

    if (!cursor) {
        return corrie_fail_memory(err);
    }
    if (prefix.len > sizeof cursor->prefix.bytes) {
        return corrie_fail(err, CORRIE_E_USAGE, "a prefix is longer than a key");
    }
    cursor->path.catalog = catalog;
    cursor->prefix.len = prefix.len;
    if (prefix.len > 0) {
        memcpy(cursor->prefix.bytes, prefix.data, prefix.len);
    }
    r = tree_path_root(&cursor->path, root, err);
    if (r >= 0) {
        r = tree_path_seek(&cursor->path, prefix, 0, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(cursor);
    return 0;
}

int tree_cursor_next(struct tree_cursor *cursor, struct str *ret_key, struct tree_value *ret,
                     corrie_error *err)
{
    struct tree_path *path = &cursor->path;

    for (;;) {
        struct tree_step *step = tree_path_last(path);
        const struct node *node = step->object->node;
        int r;

        if (step->index == node->n) {
            if (path->depth == 1) {
                return 0;
            }
            tree_path_up(path);
            tree_path_last(path)->index++;
            continue;
        }
        if (node->level > 0) {
            r = node->level == 1 ? read_ahead(cursor, err) : 0;
            if (r >= 0) {
                r = tree_path_down(path, err);
            }
            if (r < 0) {
                return r;
            }
            continue;
        }
        const struct node_entry *entry = &node->entries[step->index++];
        if (!str_starts(entry->key, key_str(&cursor->prefix))) {
            step->index = node->n; /* stay at the end */
            while (path->depth > 1) {
                tree_path_up(path);
            }
            tree_path_last(path)->index = tree_path_last(path)->object->node->n;
            return 0;
        }
        if (!value_decode(entry->value, ret)) {
            return malformed_value(err);
        }
        *ret_key = entry->key;
        return 1;
    }
}

struct tree_cursor *tree_cursor_close(struct tree_cursor *cursor)
{
    if (cursor) {
        tree_path_done(&cursor->path);
        mem_free(cursor);
    }
    return NULL;
}

/* ---- check ---- */

static int check_boundaries(const struct node *node, bool is_root, bool is_last, corrie_error *err)
{
    if (is_root && node->level > 0 && node->n < 2) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "its root is not needed");
    }
    if (!is_root && node->n == 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it has an empty node");
    }
    for (size_t i = 0; i + 1 < node->n; i++) {
        if (node_ends(node->entries[i].key, node->level, i + 1)) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "a node goes on where it should end");
        }
    }
    if (!is_last && !node_ends(node->entries[node->n - 1].key, node->level, node->n)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "a node ends where it should go on");
    }
    return 0;
}

int tree_check_node(const struct node *node, bool is_root, bool is_last, corrie_error *err)
{
    struct tree_value value;

    for (size_t i = 0; node->level == 0 && i < node->n; i++) {
        if (!value_decode(node->entries[i].value, &value)) {
            return malformed_value(err);
        }
    }
    return check_boundaries(node, is_root, is_last, err);
}

static void count_node(struct tree_stats *stats, const struct object *object)
{
    const struct node *node = object->node;

    stats->nodes[node->level]++;
    stats->bytes[node->level] += object->len;
    if (node->n > stats->largest[node->level]) {
        stats->largest[node->level] = node->n;
    }
    if (node->level == 0) {
        stats->n_entries += node->n;
    }
}

int tree_check(struct catalog *catalog, const struct hash *root, struct tree_stats *ret,
               corrie_error *err)
{
    _cleanup_(tree_path_done) struct tree_path path = {.catalog = catalog};
    struct tree_stats stats = {0};
    bool entered = true; /* the deepest step is a node not looked at yet */
    struct key before = {0};
    int r;

    r = tree_path_root(&path, root, err);
    if (r < 0) {
        return r;
    }
    stats.n_levels = tree_path_last(&path)->object->node->level + 1;
    for (;;) {
        struct tree_step *step = tree_path_last(&path);
        const struct node *node = step->object->node;

        if (entered) {
            bool is_last = true;

            for (size_t i = 0; i + 1 < path.depth; i++) {
                is_last &= path.steps[i].index + 1 == path.steps[i].object->node->n;
            }
            count_node(&stats, step->object);
            r = tree_check_node(node, path.depth == 1, is_last, err);
            if (r >= 0 && node->level == 0 && node->n > 0) {
                if (before.len > 0 && str_cmp(key_str(&before), node->entries[0].key) >= 0) {
                    r = corrie_fail(err, CORRIE_E_CORRUPT, "keys of neighbours are not in order");
                }
                before.len = node->entries[node->n - 1].key.len;
                memcpy(before.bytes, node->entries[node->n - 1].key.data, before.len);
            }
            if (r < 0) {
                char hex[HASH_HEX + 1];

                hash_hex(&step->object->name, hex);
                return corrie_wrap(err, "node %.12s", hex);
            }
        }
        entered = node->level > 0 && step->index < node->n;
        if (entered) {
            r = tree_path_down(&path, err);
            if (r < 0) {
                return r;
            }
            continue;
        }
        if (path.depth == 1) {
            break;
        }
        tree_path_up(&path);
        tree_path_last(&path)->index++;
    }
    *ret = stats;
    return 0;
}
