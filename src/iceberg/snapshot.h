/* snapshot.h — changes of a table's rows.
 *
 * Each function writes new files next to the table's and returns what the catalog must be told; nothing that
 * exists is touched, so a call that fails or is never committed leaves only garbage that gc finds. Order:
 * (data files, by the caller) → manifests → manifest list → metadata file; all are durable when the call returns;
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
    /* snapshot_replace: the default spec and sort order of the base stay (but for an order whose columns went), and files
     * have tuples as in snapshot_append. A replace by another spec: `base` with metadata_with_schema, metadata_with_spec. */
    bool keep_spec;
    /* snapshot_overwrite: the rows afterwards are those before, in other files: operation "replace", which tells those
     * who follow a table that there is nothing new (compaction). */
    bool same_rows;
    /* snapshot_overwrite: what comes was chosen by all that the table held (MERGE): no rows of others may join it by
     * snapshot_merge. Kept in the summary, SNAPSHOT_WHOLE. */
    bool whole;
};

#define SNAPSHOT_WHOLE "corrie.whole"

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
 * is) and unpartitioned, unless options say otherwise. Older snapshots stay readable. Former files are listed as deleted, so it costs
 * O(files of the table). On a table without a current snapshot it is an append. */
int snapshot_replace(const struct table_io *io, const struct table_metadata *base,
                     struct str base_location, const struct schema *schema,
                     const struct data_file *files, size_t n_files,
                     const struct snapshot_options *options, struct table_version *ret,
                     corrie_error *err) CORRIE_MUST_USE;

/* ---- overwrite and row delta ---- */

/* A partition: the values of a spec's fields in its order. The one partition of an unpartitioned spec has none. */
struct partition_key {
    int spec_id;
    const struct partition_value *values;
    size_t n_values;
};

/* Which live files go: those named by path (data or delete files, resolved as scan_plan and scan_visit give
 * them) and all of the partitions named. */
struct file_removal {
    const struct str *paths;
    size_t n_paths;
    const struct partition_key *partitions;
    size_t n_partitions;
};

/* Adds `files` and removes what `removal` says, in one snapshot (operation "overwrite", "delete" if no file is
 * added; see options->same_rows). Manifests that hold a removed file are rewritten: it as DELETED, the others as EXISTING; the rest
 * stay. With a partition go its delete files, but for equality deletes of an unpartitioned spec, which apply to
 * other specs too. CORRIE_E_NOT_FOUND for a path that is no live file; a partition may have no files. As
 * snapshot_append otherwise. Cost: one read a manifest; with partitions alone, of those whose summaries admit them. */
int snapshot_overwrite(const struct table_io *io, const struct table_metadata *base,
                       struct str base_location, const struct schema *schema,
                       const struct data_file *files, size_t n_files,
                       const struct file_removal *removal, const struct snapshot_options *options,
                       struct table_version *ret, corrie_error *err) CORRIE_MUST_USE;

/* Adds files of all contents in one snapshot: data files, position deletes (`referenced_data_file` where they
 * name one file alone; the bounds of FIELD_DELETE_PATH otherwise help readers and merges), equality deletes
 * (`equality_ids`: fields of the current schema, none float or double). A delete file applies to files of its
 * own spec and partition, an equality delete of an unpartitioned spec to all: older ones only, position deletes
 * also to data files of the same snapshot. Operation "append" if only data files are added, "delete" if only delete files
 * are, else "overwrite". CORRIE_E_USAGE as in snapshot_append, and for deletes without what their content needs. */
int snapshot_row_delta(const struct table_io *io, const struct table_metadata *base,
                       struct str base_location, const struct data_file *files, size_t n_files,
                       const struct snapshot_options *options, struct table_version *ret,
                       corrie_error *err) CORRIE_MUST_USE;

/* Columns of position delete files (Iceberg spec, "Reserved Field IDs"). */
#define FIELD_DELETE_PATH 2147483546
#define FIELD_DELETE_POSITION 2147483545

/* ---- content merge ---- */

struct snapshot_merge_options {
    bool dry_run; /* all checks, nothing written, *ret untouched */
    bool picks;   /* a change is picked or taken back: see "picks" below */
    const struct str
        *skip; /* data files of the source that must not come: the same input came on both sides
                             * (the ledger). As stored or resolved; may be NULL */
    size_t n_skip;
    const struct snapshot_options *snapshot; /* may be NULL */
};

/* What a merge does, or would do. */
struct merge_totals {
    int64_t added_files; /* data files of the source that come */
    int64_t added_records;
    int64_t added_bytes;
    int64_t added_delete_files;
    int64_t removed_files; /* data files of the target that the source removed */
    int64_t removed_records;
    int64_t removed_bytes;
    int64_t removed_delete_files;
    int64_t skipped_files;
    int64_t skipped_records;
    int64_t records; /* of the table afterwards, as in table_version */
    int64_t bytes;
    int64_t files;
};

/* Content merge (design, "One mechanism for everything that changes a lake"): `source` and `target` are versions
 * of one table that both came from `base`. The result is the target with what the source did since the base:
 * the source's new files ADDED with a new sequence number, the files that it removed DELETED, in one new snapshot
 * whose parent is the target's; and its columns, specs and properties. No data file is read or rewritten.
 *
 * Where the source brings no files the metadata alone is written (ret->snapshot_id is the target's, perhaps
 * SNAPSHOT_NONE), and where it brings nothing at all *ret is the target: ret->location equals target_location.
 *
 * Allowed, or CORRIE_E_CONFLICT that says what is in the way, on which side, and in its hint what to do:
 *   rows      both sides only appended; or, where one overwrote or removed files, all files touched are of one
 *             spec and no partition that one side overwrote was touched by the other. Compactions (operation "replace")
 *             overwrite nothing, but no file that one side compacted may be gone from the other. What happened is read
 *             from manifests: sides need not be one line of snapshots with the base (a branch merges again).
 *             Where the snapshot that added a file has expired, it counts as appended if every file of the
 *             base is still there, else as overwriting its partition
 *   picks     the target need not continue the base: what it has more or less than the base is not its change. A
 *             source that only added files (by appends) and removed files comes if the target has all that were
 *             removed; files that the target has already stay as they are. So an import is brought or taken
 *             back whatever was appended since. Where the source overwrote, or delete files are live: as above
 *   deletes   no equality deletes were added; position deletes touch neither new nor removed files of the
 *             other side, nor files that the other's position deletes touch (known by partition, sequence number,
 *             referenced path and bounds; what cannot be told apart touches); where any are live the sides are
 *             one line of snapshots with the base
 *   files     no path was added on both sides (but those in `skip`)
 *   columns   one side's list of schemas begins the other's, as does its list of specs; no file of one side lacks
 *             a value that the other made required
 *   layout    one side alone changed the sort order; the columns that rows are partitioned and sorted by are still there
 *   the rest  table uuid, format version, location and refs but main are the same; no property was changed on both
 *             sides, to different values
 * Cost: the three manifest lists and the manifests that not both base and side have: of sides that appended
 * their own new ones. *ret_totals may be NULL; it is filled by dry runs too. */
int snapshot_merge(const struct table_io *io, const struct table_metadata *base,
                   const struct table_metadata *source, const struct table_metadata *target,
                   struct str target_location, const struct snapshot_merge_options *options,
                   struct merge_totals *ret_totals, struct table_version *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- totals ---- */

/* Live rows, bytes and files of a snapshot (NULL = none: zeros): from its summary where it has them, else
 * from the manifests. */
struct table_totals {
    int64_t records;
    int64_t bytes;
    int64_t files;
    int64_t delete_files;
    int64_t position_deletes; /* rows of delete files */
    int64_t equality_deletes;
};
int snapshot_totals(const struct table_io *io, const struct table_metadata *metadata,
                    const struct snapshot *snapshot, struct table_totals *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
