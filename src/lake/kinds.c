/* kinds.c — how the kinds of key that this room owns are merged. The default rule (changed on both sides and
 * not equal: a conflict) holds for all of them but the namespace, which is the same thing whoever made it. */
#include "lake/lake_priv.h"

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

static const struct merge_kind kinds[] = {
    {.name = {"namespace", 9}, .merge3 = merge_namespace},
};

const struct merge_options *lake_merge_options(const struct lake *lake,
                                               struct merge_options *storage)
{
    *storage =
        (struct merge_options){.kinds = kinds, .n_kinds = ARRAY_LEN(kinds), .cancel = lake->cancel};
    return storage;
}
