/* history.h — former versions of a table's rows: letting them go. */
#ifndef CORRIE_ICEBERG_HISTORY_H
#define CORRIE_ICEBERG_HISTORY_H

#include "iceberg/scan.h"

struct expire_options {
    int64_t older_than_ms; /* snapshots made before this go */
    size_t keep_last;      /* but for the newest of the current history; 0 = 1 */
    const int64_t *ids;    /* these go, whatever their age; may be NULL */
    size_t n_ids;
};

/* The metadata without the snapshots that `options` let go. What a ref names stays, as does what a branch's own retention
 * keeps (min-snapshots-to-keep, max-snapshot-age-ms of the ref). *ret_expired: how many go (0: *ret is equal to
 * `metadata`). CORRIE_E_USAGE for an id that a ref names, CORRIE_E_NOT_FOUND for one that the table has not. Nothing is
 * written. */
int metadata_expire(const struct table_metadata *metadata, const struct expire_options *options,
                    int64_t now_ms, struct table_metadata **ret, size_t *ret_expired,
                    corrie_error *err) CORRIE_MUST_USE;

/* Visits what snapshots of `before` keep alive and none of `after` does, each file once: manifest lists, manifests, data and
 * delete files (with counts, numbers and path, without columns or tuple). Whether another branch or commit of the lake still
 * needs them is for the caller to know. Cost: the manifests of what goes, and where those name files, of what stays. */
int history_freed(const struct table_io *io, const struct table_metadata *before,
                  const struct table_metadata *after, visit_fn visit, void *arg, corrie_error *err)
    CORRIE_MUST_USE;

#endif
