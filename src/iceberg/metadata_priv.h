/* metadata_priv.h — shared by the files that make metadata. */
#ifndef CORRIE_ICEBERG_METADATA_PRIV_H
#define CORRIE_ICEBERG_METADATA_PRIV_H

#include "base/json.h"
#include "iceberg/metadata.h"

/* Snapshots and former metadata files that a metadata file keeps. */
#define KEEP_SNAPSHOTS 100
#define KEEP_METADATA_LOG 100
/* Partition field ids start here (Iceberg spec, "Partition Evolution"). */
#define FIRST_PARTITION_ID 1000

/* Makes a version 2 document of one of version 1 or 2, in place: what may be missing is added, nulls and
 * deprecated fields go. */
int metadata_normalise(json_t *document, corrie_error *err) CORRIE_MUST_USE;

/* Metadata of a version 2 document. Takes the reference, also on failure; the document must not change any
 * more. `what` names it in messages. */
int metadata_of_document(json_t *document, int format_version, const char *what,
                         struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;

/* A copy of the document whose top-level fields may be set; the values are shared and must be replaced,
 * not changed. Last-updated-ms is set. */
int metadata_edit(const struct table_metadata *metadata, int64_t now_ms, json_t **ret,
                  corrie_error *err) CORRIE_MUST_USE;
/* Finishes an edit of `base`. Takes the reference. */
int metadata_edited(json_t *document, const struct table_metadata *base,
                    struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;
/* Replaces an array or object field of an edit by a shallow copy that may be changed; borrowed from the document. */
int metadata_edit_field(json_t *document, const char *field, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;

/* `base` with one more snapshot, which becomes the current one. */
struct new_snapshot {
    int64_t id;
    int64_t sequence_number;
    struct str manifest_list;
    json_t *summary; /* borrowed */
    size_t keep;     /* snapshots to keep */
};
int metadata_with_snapshot(const struct table_metadata *base, const struct new_snapshot *snapshot,
                           int64_t now_ms, struct table_metadata **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* `base` with an unpartitioned, unsorted default: a spec and order are added where there are none. */
int metadata_unpartitioned(const struct table_metadata *base, int64_t now_ms,
                           struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
