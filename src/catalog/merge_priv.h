/* merge_priv.h — merging with several bases; shared by merge3 and publishing. */
#ifndef CORRIE_CATALOG_MERGE_PRIV_H
#define CORRIE_CATALOG_MERGE_PRIV_H

#include "catalog/catalog_priv.h"
#include "catalog/merge.h"

#define MERGE_BASES_MAX 16

/* As merge3. With several bases (trees of the best common ancestors) a key on which they do not
 * agree is merged only if each of them alone would lead to the same. */
int merge_trees(struct catalog *catalog, const struct hash *bases, size_t n_bases,
                const struct hash *source, const struct hash *target,
                const struct merge_options *options, struct object_list *objects,
                struct hash *ret_root, struct merge_report *report, corrie_error *err)
    CORRIE_MUST_USE;

/* Values may be NULL; everything is copied into the report. */
int merge_report_add(struct merge_report *report, struct str key, const struct tree_value *base,
                     const struct tree_value *source, const struct tree_value *target,
                     struct str reason, corrie_error *err) CORRIE_MUST_USE;
/* CORRIE_E_CONFLICT in words. */
int merge_report_fail(const struct merge_report *report, corrie_error *err);

#endif
