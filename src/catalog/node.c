/* node.c — the bytes of nodes and values, and where nodes end. */
#include "catalog/catalog_priv.h"
#include "catalog/wire.h"

enum value_flag { VALUE_DOC_APART = 1, VALUE_ORIGIN = 2, VALUE_TAINT = 4, VALUE_FLAGS = 7 };

bool node_ends(struct str key, unsigned level, size_t count)
{
    size_t mean = level == 0 ? TREE_LEAF_MEAN : TREE_INNER_MEAN;
    size_t least = mean / 2;
    uint64_t threshold = UINT64_MAX / (mean - least + 1);

    if (count < least) {
        return false; /* even sizes: an edit rewrites less, and chosen keys make no deep trees */
    }
    if (count >= 16 * mean) {
        return true;
    }
    if (count > 4 * mean) {
        threshold *= 4;
    }
    return hash_xx64(key, level) < threshold;
}

bool value_decode(struct str bytes, struct tree_value *ret)
{
    struct wire_reader reader = wire_reader(bytes);
    struct tree_value value;
    uint8_t flags = wire_byte(&reader);

    memset(&value, 0, sizeof value);
    value.doc_apart = flags & VALUE_DOC_APART;
    value.has_origin = flags & VALUE_ORIGIN;
    value.has_taint = flags & VALUE_TAINT;
    value.doc = STR_EMPTY;
    wire_bytes(&reader, value.id.bytes, sizeof value.id.bytes);
    if (value.has_origin) {
        wire_bytes(&reader, value.origin.bytes, HASH_BYTES);
    }
    if (value.has_taint) {
        wire_bytes(&reader, value.taint.bytes, sizeof value.taint.bytes);
    }
    if (value.doc_apart) {
        wire_bytes(&reader, value.doc_hash.bytes, HASH_BYTES);
    } else {
        value.doc = wire_take(&reader, (uint64_t)(reader.end - reader.at));
        reader.bad |= value.doc.len == 0 || value.doc.len > CORRIE_DOC_INLINE;
    }
    if (!wire_finished(&reader) || (flags & ~VALUE_FLAGS)) {
        return false;
    }
    *ret = value;
    return true;
}

void value_encode(const struct tree_value *value, struct buf *out)
{
    buf_add_char(out, (char)((value->doc_apart ? VALUE_DOC_APART : 0) |
                             (value->has_origin ? VALUE_ORIGIN : 0) |
                             (value->has_taint ? VALUE_TAINT : 0)));
    buf_add(out, value->id.bytes, sizeof value->id.bytes);
    if (value->has_origin) {
        buf_add(out, value->origin.bytes, HASH_BYTES);
    }
    if (value->has_taint) {
        buf_add(out, value->taint.bytes, sizeof value->taint.bytes);
    }
    if (value->doc_apart) {
        buf_add(out, value->doc_hash.bytes, HASH_BYTES);
    } else {
        buf_add_str(out, value->doc);
    }
}

static size_t shared_with(struct str a, struct str b)
{
    size_t max = a.len < b.len ? a.len : b.len;
    size_t n = 0;

    while (n < max && a.data[n] == b.data[n]) {
        n++;
    }
    return n;
}

void node_encode(unsigned level, const struct node_entry *entries, size_t n, struct buf *out)
{
    struct str before = STR_EMPTY;

    buf_add_char(out, (char)level);
    wire_add_varint(out, n);
    for (size_t i = 0; i < n; i++) {
        size_t shared = shared_with(before, entries[i].key);

        wire_add_varint(out, shared);
        wire_add_text(out, str_from(entries[i].key, shared));
        if (level == 0) {
            wire_add_varint(out, entries[i].value.len);
        }
        buf_add_str(out, entries[i].value);
        before = entries[i].key;
    }
}

struct node_shape {
    unsigned level;
    size_t n;
    size_t key_bytes;
};

/* First pass: everything but the keys' own order and text, so that memory can be had in one piece.
 * */
static const char *read_shape(struct str bytes, struct node_shape *ret)
{
    struct wire_reader reader = wire_reader(bytes);
    struct tree_value value;
    uint64_t before = 0;
    uint64_t n;

    ret->level = wire_byte(&reader);
    n = wire_varint(&reader);
    if (ret->level >= TREE_LEVELS_MAX || n > (ret->level ? TREE_INNER_MAX : TREE_LEAF_MAX) ||
        (n == 0 && ret->level > 0)) {
        return "its level or number of entries is not possible";
    }
    ret->n = (size_t)n;
    ret->key_bytes = 0;
    for (size_t i = 0; i < ret->n; i++) {
        uint64_t shared = wire_varint(&reader);
        struct str rest = wire_text(&reader);

        if (shared > before || rest.len + shared > CORRIE_MAX_KEY) {
            return "a key is longer than keys are";
        }
        before = shared + rest.len;
        ret->key_bytes += (size_t)before;
        if (ret->level > 0) {
            (void)wire_take(&reader, HASH_BYTES);
        } else if (!value_decode(wire_text(&reader), &value)) {
            return "a value is malformed";
        }
    }
    return wire_finished(&reader) ? NULL : "it is cut off or too long";
}

int node_decode(struct str bytes, struct node **ret, corrie_error *err)
{
    struct wire_reader reader = wire_reader(bytes);
    _free_ struct node *node = NULL;
    struct node_shape shape;
    struct str before = STR_EMPTY;
    const char *why = read_shape(bytes, &shape);
    size_t memory;
    char *keys;

    if (why) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the node is malformed: %s", why);
    }
    memory = sizeof *node + shape.n * sizeof *node->entries + shape.key_bytes;
    node = mem_alloc(1, memory);
    if (!node) {
        return corrie_fail_memory(err);
    }
    node->level = shape.level;
    node->n = shape.n;
    node->memory = memory;
    node->entries = (struct node_entry *)(node + 1);
    keys = (char *)(node->entries + node->n);
    (void)wire_byte(&reader);
    (void)wire_varint(&reader);
    for (size_t i = 0; i < node->n; i++) {
        size_t shared = (size_t)wire_varint(&reader);
        struct str rest = wire_text(&reader);
        struct str key = {keys, shared + rest.len};

        if (shared > 0) {
            memcpy(keys, before.data, shared);
        }
        if (rest.len > 0) {
            memcpy(keys + shared, rest.data, rest.len);
        }
        keys += key.len;
        if (!key_valid(key)) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "the node is malformed: a key is none");
        }
        if (i > 0 && (str_cmp(before, key) >= 0 || shared_with(before, key) != shared)) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "the node is malformed: keys are not in order");
        }
        node->entries[i].key = key;
        node->entries[i].value = node->level ? wire_take(&reader, HASH_BYTES) : wire_text(&reader);
        before = key;
    }
    *ret = TAKE_PTR(node);
    return 0;
}

size_t node_find(const struct node *node, struct str key)
{
    size_t low = 0;
    size_t high = node->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (str_cmp(node->entries[middle].key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

int node_get(struct catalog *catalog, const struct hash *name, const struct str *last_key,
             unsigned level, struct object **ret, corrie_error *err)
{
    _cleanup_(object_hold_done) struct object_hold hold = {catalog, NULL};
    const struct node *node;
    char hex[HASH_HEX + 1];
    int r;

    hash_hex(name, hex);
    r = object_get(catalog, OBJECT_NODE, name, &hold.object, err);
    if (r < 0) {
        return r;
    }
    if (!hold.object->node) {
        r = node_decode(object_bytes(hold.object), &hold.object->node, err);
        if (r < 0) {
            return corrie_wrap(err, "read node %.12s", hex);
        }
    }
    node = hold.object->node;
    if (last_key && (node->level != level || node->n == 0 ||
                     !str_eq(node->entries[node->n - 1].key, *last_key))) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "node %.12s is not what its parent says of it",
                           hex);
    }
    *ret = TAKE_PTR(hold.object);
    return 0;
}

int node_names(const struct node *node, object_name_fn each, void *arg, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < node->n; i++) {
        struct tree_value value;

        if (node->level > 0) {
            struct hash child = node_child(node, i);

            r = each(arg, OBJECT_NODE, &child, err);
            continue;
        }
        if (!value_decode(node->entries[i].value, &value)) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "a value is malformed");
        }
        if (value.doc_apart) {
            r = each(arg, OBJECT_DOC, &value.doc_hash, err);
        }
        if (r >= 0 && value.has_origin) {
            r = each(arg, OBJECT_ORIGIN, &value.origin, err);
        }
    }
    return r < 0 ? r : 0;
}
