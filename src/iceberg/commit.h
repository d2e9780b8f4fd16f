/* commit.h — a snapshot in the making. Private to the room.
 *
 * A commit gathers the manifests of the snapshot to be: `before` are those of the base that still wait,
 * `after` those that will be listed. Each new one is written as soon as its entries are known; then come the
 * list and the metadata file (commit_finish). Order of calls: commit_begin, any of the middle, commit_keep,
 * commit_finish; commit_done always. */
#ifndef CORRIE_ICEBERG_COMMIT_H
#define CORRIE_ICEBERG_COMMIT_H

#include "base/limits.h"
#include "base/map.h"
#include "iceberg/manifest.h"
#include "iceberg/snapshot.h"

/* Iceberg's commit.manifest.target-size-bytes */
#define MANIFEST_TARGET ((int64_t)(8 * CORRIE_MiB))

/* Files added or removed. */
struct change_counts {
    int64_t files; /* data files, their rows */
    int64_t records;
    int64_t bytes; /* of delete files too */
    int64_t position_files;
    int64_t position_rows;
    int64_t equality_files;
    int64_t equality_rows;
};

struct commit {
    const struct table_io *io;
    const struct snapshot_options *options;
    struct table_metadata *metadata; /* the base, with the new schema */
    struct str base_location;
    struct arena arena;
    bool has_before; /* the caller filled `before` */
    struct manifest_list before;
    struct manifest_list after;
    int64_t now_ms;
    int64_t snapshot_id;
    int64_t sequence_number;
    char uuid[UUID_TEXT + 1];
    unsigned n_written;
    struct table_totals totals; /* of the base, then of the new snapshot */
    struct change_counts added;
    struct change_counts removed;
    struct map partitions; /* changed ones, by partition_text */
    struct buf scratch;
    const char *operation;
    bool whole; /* snapshot_options */
};

void commit_done(struct commit *commit);

/* Whether a snapshot can be added to the table at all. */
int commit_check(const struct table_metadata *base, corrie_error *err) CORRIE_MUST_USE;
enum commit_layout {
    LAYOUT_SAME, /* default spec and sort order are not touched */
    LAYOUT_KEEP, /* the same, though columns may have gone: an order that needs them goes, a spec must not */
    LAYOUT_NONE /* they become the empty ones */
};
/* `schema` NULL = as it is. */
int commit_begin(struct commit *commit, const struct table_metadata *base,
                 const struct schema *schema, enum commit_layout layout, corrie_error *err)
    CORRIE_MUST_USE;

/* Writes a manifest and lists it in `after`. */
int commit_write_manifest(struct commit *commit, const struct partition_spec *spec,
                          enum manifest_content content, const struct manifest_entry *entries,
                          size_t n_entries, corrie_error *err) CORRIE_MUST_USE;
/* New files of the caller's, whose sequence numbers are inherited. `deletes`: delete files may be among them. */
int commit_add_files(struct commit *commit, const struct data_file *files, size_t n_files,
                     bool deletes, corrie_error *err) CORRIE_MUST_USE;
/* New entries (status ADDED), counted; a manifest a spec and content, entries in the order given. */
int commit_add_entries(struct commit *commit, const struct manifest_entry *entries,
                       size_t n_entries, corrie_error *err) CORRIE_MUST_USE;

/* Which live files of the base go. */
struct filter {
    void *arg;
    bool (*may_hold)(void *arg, const struct manifest_file *manifest);
    /* 1 goes, 0 stays, negative an error */
    int (*goes)(void *arg, const struct manifest_entry *entry, corrie_error *err);
};
/* Rewrites the manifests of `before` that hold files that go: those as DELETED, the others as EXISTING. */
int commit_remove(struct commit *commit, const struct filter *filter, corrie_error *err)
    CORRIE_MUST_USE;
/* Counts a file that goes, without listing it. */
int commit_count_removed(struct commit *commit, const struct data_file *file, corrie_error *err)
    CORRIE_MUST_USE;

/* Merges the small manifests of a spec where there are options->merge_manifests_at. */
int commit_merge_manifests(struct commit *commit, corrie_error *err) CORRIE_MUST_USE;
/* What is left of `before` stays listed, but for manifests without live files. */
int commit_keep(struct commit *commit, corrie_error *err) CORRIE_MUST_USE;
int commit_finish(struct commit *commit, struct table_version *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Whether manifests of the spec can be written. */
bool spec_types_known(const struct partition_spec *spec);

#endif
