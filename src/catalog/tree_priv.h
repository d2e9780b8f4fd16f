/* tree_priv.h — a path from the root of a tree down to an entry; shared by what reads and changes
 * trees. */
#ifndef CORRIE_CATALOG_TREE_PRIV_H
#define CORRIE_CATALOG_TREE_PRIV_H

#include "catalog/catalog_priv.h"

struct tree_step {
    struct object *object; /* held */
    size_t index;          /* of an entry; n = past the last */
};

/* Zero but for `catalog` is empty. steps[0] is the root. */
struct tree_path {
    struct catalog *catalog;
    size_t depth;
    struct tree_step steps[TREE_LEVELS_MAX];
};

static inline struct tree_step *tree_path_last(struct tree_path *path)
{
    return &path->steps[path->depth - 1];
}

void tree_path_done(struct tree_path *path);
int tree_path_push(struct tree_path *path, const struct hash *name, const struct str *last_key,
                   unsigned level, corrie_error *err) CORRIE_MUST_USE;
int tree_path_root(struct tree_path *path, const struct hash *root, corrie_error *err)
    CORRIE_MUST_USE;
int tree_path_down(struct tree_path *path, corrie_error *err) CORRIE_MUST_USE;
void tree_path_up(struct tree_path *path);
int tree_path_seek(struct tree_path *path, struct str key, unsigned level, corrie_error *err)
    CORRIE_MUST_USE;

/* What tree_check asks of one node. `is_last`: of its level. */
int tree_check_node(const struct node *node, bool is_root, bool is_last, corrie_error *err)
    CORRIE_MUST_USE;

#endif
