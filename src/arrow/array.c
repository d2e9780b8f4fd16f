/* Arrays that share the buffers of others. */
#include "arrow/array_priv.h"

#include "arrow/table.h"
#include "base/mem.h"

/* One block holds a node's private data, its buffer pointers and the structs of its children. */
struct array_node {
    struct array_owner owner;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray dictionary;
    struct ArrowArray storage[]; /* of the children, then pointers */
};

static void node_release(struct ArrowArray *array)
{
    struct array_node *node = array->private_data;

    for (int64_t i = 0; i < array->n_children; i++) {
        arrow_array_done(array->children[i]);
    }
    if (array->dictionary) {
        arrow_array_done(array->dictionary);
    }
    node->owner.unref(node->owner.arg);
    mem_free(node);
    array->release = NULL;
    array->private_data = NULL;
}

int array_node_new(const struct array_owner *owner, int64_t n_buffers, int64_t n_children,
                   bool has_dictionary, struct ArrowArray *ret, corrie_error *err)
{
    size_t n_pointers = (size_t)n_buffers + (size_t)n_children;
    size_t size = sizeof(struct array_node) + (size_t)n_children * sizeof(struct ArrowArray) +
                  n_pointers * sizeof(void *);
    struct array_node *node = mem_alloc(1, size);

    if (!node) {
        return corrie_fail_memory(err);
    }
    node->owner = *owner;
    node->children = (struct ArrowArray **)(void *)(node->storage + n_children);
    node->buffers = (const void **)(void *)(node->children + n_children);
    for (int64_t i = 0; i < n_children; i++) {
        node->children[i] = &node->storage[i];
    }
    owner->ref(owner->arg);
    *ret = (struct ArrowArray){
        .n_buffers = n_buffers,
        .n_children = n_children,
        .buffers = node->buffers,
        .children = n_children > 0 ? node->children : NULL,
        .dictionary = has_dictionary ? &node->dictionary : NULL,
        .release = node_release,
        .private_data = node,
    };
    return 0;
}

const void **array_node_buffers(const struct ArrowArray *array)
{
    struct array_node *node = array->private_data;
    return node->buffers;
}

int array_share(const struct ArrowArray *array, const struct array_owner *owner,
                struct ArrowArray *ret, corrie_error *err)
{
    _cleanup_(arrow_array_done) struct ArrowArray copy = {0};

    int r = array_node_new(owner, array->n_buffers, array->n_children, array->dictionary != NULL,
                           &copy, err);
    if (r < 0) {
        return r;
    }
    copy.length = array->length;
    copy.offset = array->offset;
    copy.null_count = array->null_count;
    for (int64_t i = 0; i < array->n_buffers; i++) {
        array_node_buffers(&copy)[i] = array->buffers[i];
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        r = array_share(array->children[i], owner, copy.children[i], err);
        if (r < 0) {
            return r;
        }
    }
    if (array->dictionary) {
        r = array_share(array->dictionary, owner, copy.dictionary, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = TAKE(copy);
    return 0;
}
