/* tree_apply.c — edits of a tree, level by level from the leaves up.
 *
 * Where nodes end follows from the entries of a level alone, read from any place where a node
 * starts (node.c). So a level is rewritten like this: go to the old node that an edit falls into,
 * copy its entries with the edits applied, cut where the rule says; once a new node and an old one
 * end at the same entry everything after it is as it was, and the next edit is looked for. The old
 * nodes that were read and the new ones that were made are the edits of the level above.
 *
 * Invariants
 *   1. Between two nodes (`chunk` empty) the old node is either fully copied or goes on with the
 *      next entry of the new node.
 *   2. An old node is read at most once a level; edits before it are done when it is.
 *   3. Entries point into old nodes (held until the end), the caller's edits, or the arena. */
#include "base/json.h"
#include "catalog/tree_priv.h"

/* An edit of one level; value.data NULL = delete. */
struct level_edit {
    struct str key;
    struct str value;
};

struct level_edits {
    struct level_edit *items;
    size_t count;
    size_t capacity;
};

struct entries {
    struct node_entry *items;
    size_t count;
    size_t capacity;
};

/* A node of a level: what it was called above. */
struct made {
    struct str last_key;
    struct hash name;
    struct object *object; /* new ones: a reference until it goes to the list; old ones: NULL */
};

struct made_list {
    struct made *items;
    size_t count;
    size_t capacity;
};

struct apply {
    struct catalog *catalog;
    struct object_list *objects;
    struct arena arena;
    struct object_list held;
    struct tree_path path;
    unsigned root_level;
    struct buf scratch;
    /* of the level being worked on */
    struct entries chunk;
    struct made_list removed;
    struct made_list added;
    struct level_edits edits;
    struct level_edits up;
};

static void made_clear(struct apply *apply, struct made_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        object_unref(apply->catalog, list->items[i].object);
    }
    list->count = 0;
}

static void apply_done(struct apply *apply)
{
    made_clear(apply, &apply->removed);
    made_clear(apply, &apply->added);
    vec_done(&apply->removed);
    vec_done(&apply->added);
    vec_done(&apply->chunk);
    vec_done(&apply->edits);
    vec_done(&apply->up);
    tree_path_done(&apply->path);
    object_list_done(&apply->held);
    buf_done(&apply->scratch);
    arena_done(&apply->arena);
}

/* ---- one level ---- */

/* Keeps the node at the end of the path alive to the end, since entries point into it, and notes
 * that it leaves the level. */
static int take_old_node(struct apply *apply, corrie_error *err)
{
    struct object *object = tree_path_last(&apply->path)->object;
    const struct node *node = object->node;
    struct made gone = {.name = object->name};
    int r;

    r = object_list_push(apply->catalog, &apply->held, object, err);
    if (r < 0) {
        return r;
    }
    object->refs++;
    if (node->n > 0) {
        gone.last_key = node->entries[node->n - 1].key;
    }
    return vec_push(&apply->removed, gone) < 0 ? corrie_fail_memory(err) : 0;
}

static int finish_node(struct apply *apply, unsigned level, corrie_error *err)
{
    struct entries *chunk = &apply->chunk;
    struct made made = {0};
    int r;

    buf_clear(&apply->scratch);
    node_encode(level, chunk->items, chunk->count, &apply->scratch);
    r = buf_check(&apply->scratch, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&apply->arena, vec_last(chunk).key, &made.last_key) < 0) {
        return corrie_fail_memory(err);
    }
    r = object_make(apply->catalog, OBJECT_NODE, buf_str(&apply->scratch), &made.object, err);
    if (r < 0) {
        return r;
    }
    made.name = made.object->name;
    if (vec_push(&apply->added, made) < 0) {
        object_unref(apply->catalog, made.object);
        return corrie_fail_memory(err);
    }
    chunk->count = 0;
    return 0;
}

static int add_entry(struct apply *apply, unsigned level, struct str key, struct str value,
                     corrie_error *err)
{
    struct node_entry entry = {key, value};

    if (vec_push(&apply->chunk, entry) < 0) {
        return corrie_fail_memory(err);
    }
    return node_ends(key, level, apply->chunk.count) ? finish_node(apply, level, err) : 0;
}

/* Where the copying of old nodes stands. */
struct source {
    const struct node *node; /* NULL: none was looked for yet */
    size_t index;
    bool last; /* the level has no old node after this one */
};

static int source_enter(struct apply *apply, struct source *source, corrie_error *err)
{
    const struct tree_path *path = &apply->path;

    source->node = tree_path_last(&apply->path)->object->node;
    source->index = 0;
    source->last = true;
    for (size_t i = 0; i + 1 < path->depth; i++) {
        source->last &= path->steps[i].index + 1 == path->steps[i].object->node->n;
    }
    return take_old_node(apply, err);
}

/* To the old node that `key` falls into; the last one for a key after all others. */
static int source_seek(struct apply *apply, unsigned level, struct str key, struct source *source,
                       corrie_error *err)
{
    int r = tree_path_seek(&apply->path, key, level, err);

    return r < 0 ? r : source_enter(apply, source, err);
}

/* To the old node after this one, which is not the last. */
static int source_next(struct apply *apply, unsigned level, struct source *source,
                       corrie_error *err)
{
    struct tree_path *path = &apply->path;
    int r;

    do {
        tree_path_up(path);
    } while (tree_path_last(path)->index + 1 == tree_path_last(path)->object->node->n);
    tree_path_last(path)->index++;
    while (tree_path_last(path)->object->node->level > level) {
        r = tree_path_down(path, err);
        if (r < 0) {
            return r;
        }
    }
    return source_enter(apply, source, err);
}

/* Fills `added` and `removed` of the level from `edits`. */
static int rewrite_level(struct apply *apply, unsigned level, corrie_error *err)
{
    struct source source = {.last = level > apply->root_level};
    size_t i = 0;
    int r;

    for (;;) {
        bool at_end = !source.node || source.index == source.node->n;
        const struct level_edit *edit = i < apply->edits.count ? &apply->edits.items[i] : NULL;

        if (at_end && !edit && (source.last || apply->chunk.count == 0)) {
            return apply->chunk.count > 0 ? finish_node(apply, level, err) : 0;
        }
        if (at_end && !source.last) {
            r = apply->chunk.count > 0 ? source_next(apply, level, &source, err)
                                       : source_seek(apply, level, edit->key, &source, err);
            if (r < 0) {
                return r;
            }
            continue;
        }

        const struct node_entry *old = at_end ? NULL : &source.node->entries[source.index];
        int order = !old ? 1 : !edit ? -1 : str_cmp(old->key, edit->key);

        source.index += order <= 0;
        i += order >= 0;
        if (order < 0) {
            r = add_entry(apply, level, old->key, old->value, err);
        } else {
            r = edit->value.data ? add_entry(apply, level, edit->key, edit->value, err) : 0;
        }
        if (r < 0) {
            return r;
        }
    }
}

/* New nodes that are no old ones go to the list. `up` gets the edits of the level above: of a level
 * below the old root what has changed, else all there is. */
static int finish_level(struct apply *apply, unsigned level, corrie_error *err)
{
    bool whole = level >= apply->root_level;
    size_t o = 0;

    apply->up.count = 0;
    for (size_t i = 0; i <= apply->added.count; i++) {
        struct made *made = i < apply->added.count ? &apply->added.items[i] : NULL;
        bool same = false;
        int r;

        while (o < apply->removed.count) {
            const struct made *gone = &apply->removed.items[o];
            int order = made ? str_cmp(gone->last_key, made->last_key) : -1;

            if (order > 0) {
                break;
            }
            o++;
            if (order == 0) {
                same = hash_eq(&gone->name, &made->name);
                break;
            }
            if (!whole &&
                vec_push(&apply->up, ((struct level_edit){gone->last_key, {NULL, 0}})) < 0) {
                return corrie_fail_memory(err);
            }
        }
        if (!made) {
            break;
        }
        if (!same) {
            r = object_list_push(apply->catalog, apply->objects, made->object, err);
            if (r < 0) {
                return r;
            }
            made->object->refs++;
        }
        if (whole || !same) {
            struct str value;

            if (arena_str(&apply->arena, (struct str){(const char *)made->name.bytes, HASH_BYTES},
                          &value) < 0 ||
                vec_push(&apply->up, ((struct level_edit){made->last_key, value})) < 0) {
                return corrie_fail_memory(err);
            }
        }
    }
    return 0;
}

static void list_remove(struct apply *apply, const struct object *object)
{
    struct object_list *list = apply->objects;

    for (size_t i = list->count; i-- > 0;) {
        if (list->items[i] == object) {
            object_unref(apply->catalog, list->items[i]);
            memmove(&list->items[i], &list->items[i + 1],
                    (list->count - i - 1) * sizeof(struct object *));
            list->count--;
            return;
        }
    }
}

/* A root with one child is not needed: the child is the root. */
static int collapse(struct apply *apply, struct hash *root, corrie_error *err)
{
    for (;;) {
        _cleanup_(object_hold_done) struct object_hold hold = {apply->catalog, NULL};
        int r = node_get(apply->catalog, root, NULL, 0, &hold.object, err);

        if (r < 0) {
            return r;
        }
        if (hold.object->node->level == 0 || hold.object->node->n > 1) {
            return 0;
        }
        *root = node_child(hold.object->node, 0);
        list_remove(apply, hold.object);
    }
}

static int apply_levels(struct apply *apply, struct hash *ret_root, corrie_error *err)
{
    for (unsigned level = 0; level < TREE_LEVELS_MAX; level++) {
        bool whole = level >= apply->root_level;
        int r = rewrite_level(apply, level, err);

        if (r >= 0) {
            r = finish_level(apply, level, err);
        }
        if (r < 0) {
            return r;
        }
        if (whole && apply->added.count == 0) {
            return tree_empty(apply->catalog, apply->objects, ret_root, err);
        }
        if (whole && apply->added.count == 1) {
            struct hash root = apply->added.items[0].name;

            r = collapse(apply, &root, err);
            if (r >= 0) {
                *ret_root = root;
            }
            return r;
        }
        if (apply->up.count == 0) {
            return 0; /* nothing has changed: *ret_root is the old root */
        }
        struct level_edits done = apply->edits;

        apply->edits = apply->up;
        apply->up = done;
        made_clear(apply, &apply->added);
        made_clear(apply, &apply->removed);
    }
    return corrie_fail(err, CORRIE_E_LIMIT, "a tree would be deeper than %d levels",
                       TREE_LEVELS_MAX);
}

/* ---- the caller's edits ---- */

static int check_edit(const struct tree_edit *edit, corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    _json_ json_t *doc = NULL;
    int r;

    key_format(edit->key, &name);
    if (!key_valid(edit->key)) {
        return corrie_fail(err, CORRIE_E_USAGE, "\"%s\" is no key", buf_text(&name));
    }
    if (edit->is_delete || edit->value.doc_apart) {
        return 0;
    }
    if (edit->value.doc.len > CORRIE_MAX_DOC) {
        return corrie_fail(err, CORRIE_E_LIMIT, "the document of %s is larger than %zu bytes",
                           buf_text(&name), CORRIE_MAX_DOC);
    }
    r = js_parse_canonical(edit->value.doc, "document", &doc, err);
    if (r == CORRIE_E_CORRUPT) {
        err->code = CORRIE_E_INTERNAL;
    }
    return r < 0 ? corrie_wrap(err, "set %s", buf_text(&name)) : 0;
}

static int encode_edit(struct apply *apply, const struct tree_edit *edit, struct level_edit *ret,
                       corrie_error *err)
{
    struct tree_value value = edit->value;
    int r;

    *ret = (struct level_edit){edit->key, {NULL, 0}};
    r = check_edit(edit, err);
    if (r < 0 || edit->is_delete) {
        return r;
    }
    if (!value.doc_apart && value.doc.len > CORRIE_DOC_INLINE) {
        r = object_add(apply->catalog, OBJECT_DOC, value.doc, apply->objects, &value.doc_hash, err);
        if (r < 0) {
            return r;
        }
        value.doc_apart = true;
    }
    buf_clear(&apply->scratch);
    value_encode(&value, &apply->scratch);
    r = buf_check(&apply->scratch, err);
    if (r >= 0 && arena_str(&apply->arena, buf_str(&apply->scratch), &ret->value) < 0) {
        r = corrie_fail_memory(err);
    }
    return r;
}

static int edit_order(const void *a, const void *b)
{
    return str_cmp(((const struct level_edit *)a)->key, ((const struct level_edit *)b)->key);
}

int tree_apply(struct catalog *catalog, const struct hash *root, const struct tree_edit *edits,
               size_t n_edits, struct object_list *objects, struct hash *ret_root,
               corrie_error *err)
{
    _cleanup_(apply_done) struct apply apply = {
        .catalog = catalog, .objects = objects, .path = {.catalog = catalog}};
    struct hash new_root = *root;
    int r;

    if (n_edits == 0) {
        *ret_root = *root;
        return 0;
    }
    if (vec_reserve(&apply.edits, n_edits) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_edits; i++) {
        r = encode_edit(&apply, &edits[i], &apply.edits.items[i], err);
        if (r < 0) {
            return r;
        }
    }
    apply.edits.count = n_edits;
    qsort(apply.edits.items, n_edits, sizeof *apply.edits.items, edit_order);
    for (size_t i = 1; i < n_edits; i++) {
        if (str_eq(apply.edits.items[i - 1].key, apply.edits.items[i].key)) {
            _cleanup_(buf_done) struct buf name = {0};

            key_format(apply.edits.items[i].key, &name);
            return corrie_fail(err, CORRIE_E_USAGE, "%s is changed twice at once", buf_text(&name));
        }
    }
    r = tree_path_root(&apply.path, root, err);
    if (r < 0) {
        return r;
    }
    apply.root_level = tree_path_last(&apply.path)->object->node->level;
    r = apply_levels(&apply, &new_root, err);
    if (r >= 0) {
        *ret_root = new_root;
    }
    return r;
}
