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

/* Room for fresh ids, whatever a document claims. */
int metadata_check_room(const struct table_metadata *metadata, corrie_error *err) CORRIE_MUST_USE;
/* metadata_with_spec; `ids` (may be NULL) are those that fields keep under another name, 0 = none. */
int metadata_with_terms(const struct table_metadata *metadata, const struct partition_term *terms,
                        const int *ids, size_t n_terms, int64_t now_ms, struct table_metadata **ret,
                        corrie_error *err) CORRIE_MUST_USE;
/* A field that each row has once, top-level or inside structs, and its name from the top ("a.b") in `arena` (may be
 * NULL, as ret_name). NULL if there is none, or no memory. */
const struct field *schema_find_source(const struct schema *schema, int id, struct arena *arena,
                                       struct str *ret_name);
/* `base`, unsorted if columns of its sort order are gone. CORRIE_E_USAGE where one of its default spec is. */
int metadata_without_lost_order(const struct table_metadata *base, int64_t now_ms,
                                struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;
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
/* Drops what an edit says of snapshots that are no longer among `snapshots`; in the log also everything before (Iceberg
 * spec, "snapshot-log"). */
int metadata_trim_followers(json_t *document, const json_t *snapshots, corrie_error *err)
    CORRIE_MUST_USE;
/* `base` with an unpartitioned, unsorted default: a spec and order are added where there are none. */
int metadata_unpartitioned(const struct table_metadata *base, int64_t now_ms,
                           struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
