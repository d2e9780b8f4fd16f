/* tree_diff.c — what two trees do not have in common.
 *
 * Each tree is read as a sequence of items: an item is an entry, or a whole subtree that has not
 * been opened. While both sequences stand before subtrees of the same name both skip them;
 * otherwise the larger is opened. Since equal content is cut into equal nodes, the sequences fall
 * into step again after each difference. */
#include "catalog/tree_priv.h"

struct side {
    struct tree_path path;
    bool ended;
};

static const struct node *side_node(struct side *side)
{
    return tree_path_last(&side->path)->object->node;
}

static const struct node_entry *side_entry(struct side *side)
{
    return &side_node(side)->entries[tree_path_last(&side->path)->index];
}

/* 0 for an entry, else how many levels the subtree before which the side stands has. */
static unsigned side_height(struct side *side)
{
    return side_node(side)->level;
}

/* Out of nodes that are at their end. */
static void side_settle(struct side *side)
{
    while (tree_path_last(&side->path)->index == side_node(side)->n) {
        if (side->path.depth == 1) {
            side->ended = true;
            return;
        }
        tree_path_up(&side->path);
        tree_path_last(&side->path)->index++;
    }
}

static void side_skip(struct side *side)
{
    tree_path_last(&side->path)->index++;
    side_settle(side);
}

static int side_open(struct side *side, const struct hash *root, struct str prefix,
                     corrie_error *err)
{
    int r = tree_path_root(&side->path, root, err);

    if (r >= 0 && prefix.len > 0) {
        r = tree_path_seek(&side->path, prefix, 0, err);
    }
    if (r >= 0) {
        side_settle(side);
    }
    return r;
}

/* Ends the side at the first entry after the prefix. */
static void side_bound(struct side *side, struct str prefix)
{
    if (!side->ended && side_height(side) == 0 && !str_starts(side_entry(side)->key, prefix)) {
        side->ended = true;
    }
}

static int report(struct side *old_side, struct side *new_side, int order, tree_diff_fn function,
                  void *arg, corrie_error *err)
{
    struct tree_value old_value;
    struct tree_value new_value;
    struct str key;

    if (order == 0 && str_eq(side_entry(old_side)->value, side_entry(new_side)->value)) {
        return 0;
    }
    if ((order <= 0 && !value_decode(side_entry(old_side)->value, &old_value)) ||
        (order >= 0 && !value_decode(side_entry(new_side)->value, &new_value))) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "a value is malformed");
    }
    key = order <= 0 ? side_entry(old_side)->key : side_entry(new_side)->key;
    return function(arg, key, order <= 0 ? &old_value : NULL, order >= 0 ? &new_value : NULL, err);
}

static int diff_sides(struct side *a, struct side *b, struct str prefix, tree_diff_fn function,
                      void *arg, corrie_error *err)
{
    for (;;) {
        unsigned height_a;
        unsigned height_b;
        int order;
        int r;

        side_bound(a, prefix);
        side_bound(b, prefix);
        if (a->ended && b->ended) {
            return 0;
        }
        height_a = a->ended ? 0 : side_height(a);
        height_b = b->ended ? 0 : side_height(b);
        if (height_a > 0 || height_b > 0) {
            if (height_a == height_b && str_eq(side_entry(a)->value, side_entry(b)->value)) {
                side_skip(a);
                side_skip(b);
                continue;
            }
            r = 0;
            if (height_a >= height_b) {
                r = tree_path_down(&a->path, err);
            }
            if (r >= 0 && height_b >= height_a) {
                r = tree_path_down(&b->path, err);
            }
            if (r < 0) {
                return r;
            }
            continue;
        }
        order = a->ended ? 1 : b->ended ? -1 : str_cmp(side_entry(a)->key, side_entry(b)->key);
        r = report(a, b, order, function, arg, err);
        if (r != 0) {
            return r;
        }
        if (order <= 0) {
            side_skip(a);
        }
        if (order >= 0) {
            side_skip(b);
        }
    }
}

static void side_done(struct side *side)
{
    tree_path_done(&side->path);
}

int tree_diff(struct catalog *catalog, const struct hash *old_root, const struct hash *new_root,
              struct str prefix, tree_diff_fn function, void *arg, corrie_error *err)
{
    _cleanup_(side_done) struct side old_side = {.path = {.catalog = catalog}};
    _cleanup_(side_done) struct side new_side = {.path = {.catalog = catalog}};
    int r;

    if (hash_eq(old_root, new_root)) {
        return 0;
    }
    r = side_open(&old_side, old_root, prefix, err);
    if (r >= 0) {
        r = side_open(&new_side, new_root, prefix, err);
    }
    return r < 0 ? r : diff_sides(&old_side, &new_side, prefix, function, arg, err);
}
