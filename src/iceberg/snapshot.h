/* snapshot.h — changes of a table's rows.
 *
 * Each function writes new files next to the table's and returns what the catalog must be told; nothing that
 * exists is touched, so a call that fails or is never committed leaves only garbage that gc finds. Order:
 * (data files, by the caller) → manifests → manifest list → metadata file, each durable before the next;
 * the caller then commits ret->location to the catalog.
 *
 * Files to be added must be durable before the call, absolute in `path`, carry the ids of the schema they
 * were written with, and be new to the table. */
#ifndef CORRIE_ICEBERG_SNAPSHOT_H
#define CORRIE_ICEBERG_SNAPSHOT_H

#include "iceberg/data_file.h"
#include "iceberg/metadata.h"

struct snapshot_options {
    int64_t now_ms;                 /* 0 = the clock */
    const struct property *summary; /* further entries of the summary ("corrie.job"); may be NULL */
    size_t n_summary;
    size_t keep_snapshots;     /* 0 = 100 */
    size_t merge_manifests_at; /* 0 = 100 manifests of one spec */
};

/* A table after a change. */
struct table_version {
    struct table_metadata *metadata;
    char *location; /* of its metadata file, absolute */
    int64_t snapshot_id;
    int64_t records; /* live rows, not counting deletes that a reader must apply */
    int64_t bytes;
    int64_t files;
};

void table_version_done(struct table_version *version);

/* Adds files. `base_location` is where `base` was read from; empty if it was never stored (a new table: the
 * first file is 00000). `schema` (may be NULL) becomes the current one (metadata_extended_schema); `n_files`
 * may be 0. A file without a partition tuple is of the default spec where that is unpartitioned, whatever
 * its spec_id. A manifest is added to the list; when there are merge_manifests_at of one spec, those under
 * 8 MiB are merged, so that an append costs the same however many went before, and every hundredth a
 * little more. CORRIE_E_USAGE for a file without absolute path or size, or whose tuple does not fit its
 * spec; CORRIE_E_CORRUPT if the present manifests cannot be read. */
int snapshot_append(const struct table_io *io, const struct table_metadata *base,
                    struct str base_location, const struct schema *schema,
                    const struct data_file *files, size_t n_files,
                    const struct snapshot_options *options, struct table_version *ret,
                    corrie_error *err) CORRIE_MUST_USE;

/* The table holds exactly `files` afterwards, under `schema` (from metadata_replacement_schema; NULL = as it
 * is) and unpartitioned. Older snapshots stay readable. Former files are listed as deleted, so it costs
 * O(files of the table). On a table without a current snapshot it is an append. */
int snapshot_replace(const struct table_io *io, const struct table_metadata *base,
                     struct str base_location, const struct schema *schema,
                     const struct data_file *files, size_t n_files,
                     const struct snapshot_options *options, struct table_version *ret,
                     corrie_error *err) CORRIE_MUST_USE;

/* Content merge (design, "One mechanism for everything that changes a lake"): `ours` and `theirs` both came
 * from `base` by appends only; returns theirs with ours' new files appended. CORRIE_E_CONFLICT says why it
 * cannot be: another operation on either side, both sides changed schemas or specs, the same file on both.
 * `dry_run`: checks only, writes nothing, *ret is untouched. */
int snapshot_merge(const struct table_io *io, const struct table_metadata *base,
                   const struct table_metadata *ours, const struct table_metadata *theirs,
                   struct str theirs_location, bool dry_run, const struct snapshot_options *options,
                   struct table_version *ret, corrie_error *err) CORRIE_MUST_USE;

/* Live rows, bytes and files of a snapshot (NULL = none: zeros): from its summary where it has them, else
 * from the manifests. */
struct table_totals {
    int64_t records;
    int64_t bytes;
    int64_t files;
    int64_t delete_files;
};
int snapshot_totals(const struct table_io *io, const struct table_metadata *metadata,
                    const struct snapshot *snapshot, struct table_totals *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
