/* array_priv.h — ArrowArrays that point into memory which something else owns. */
#ifndef CORRIE_ARROW_ARRAY_PRIV_H
#define CORRIE_ARROW_ARRAY_PRIV_H

#include <nanoarrow/nanoarrow.h>

#include "base/error.h"

/* A counted thing that keeps buffers alive. Every node of an array holds one reference, since
 * whoever receives an array may move children out of it and drop them later. */
struct array_owner {
    void (*ref)(void *arg);
    void (*unref)(void *arg);
    void *arg;
};

/* A node with room for its buffers, children and dictionary; buffers are NULL, children and
 * dictionary zeroed (unreleased nodes are skipped by the release). Takes a reference of the owner.
 * */
int array_node_new(const struct array_owner *owner, int64_t n_buffers, int64_t n_children,
                   bool has_dictionary, struct ArrowArray *ret, corrie_error *err) CORRIE_MUST_USE;
/* The buffers of a node made here, to be filled. */
const void **array_node_buffers(const struct ArrowArray *array);

/* A copy of the whole tree of `array`: the same buffers, own nodes. `array` itself is left alone.
 * */
int array_share(const struct ArrowArray *array, const struct array_owner *owner,
                struct ArrowArray *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
