/* tree.h — from a snapshot to its manifests and entries. Private to the room. */
#ifndef CORRIE_ICEBERG_TREE_H
#define CORRIE_ICEBERG_TREE_H

#include "iceberg/manifest.h"

/* Appends the manifests of a snapshot (NULL: none) to *list. */
int tree_manifests(const struct table_io *io, const struct table_metadata *metadata,
                   const struct snapshot *snapshot, struct arena *arena, struct manifest_list *list,
                   corrie_error *err) CORRIE_MUST_USE;
/* Appends the entries of a manifest, deleted ones too; paths as stored. */
int tree_entries(const struct table_io *io, const struct table_metadata *metadata,
                 const struct manifest_file *manifest, struct arena *arena,
                 struct manifest_entries *entries, corrie_error *err) CORRIE_MUST_USE;
/* False if the list already says that no live file is in it. */
bool manifest_may_be_live(const struct manifest_file *manifest);
/* For qsort: newest first, as lists are written. */
int manifest_compare(const void *a, const void *b);

#endif
