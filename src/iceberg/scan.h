/* scan.h — which files hold the rows of a snapshot.
 *
 * Order is by (file sequence number, path): the order in which rows were added, the same on every call.
 * Pruning is inclusive: a file that is left out cannot hold a row that all predicates accept; one that is
 * kept may hold none. */
#ifndef CORRIE_ICEBERG_SCAN_H
#define CORRIE_ICEBERG_SCAN_H

#include "arrow/transform.h"
#include "iceberg/data_file.h"
#include "iceberg/metadata.h"

/* `field op value` on a primitive field of the snapshot's schema; a null field satisfies IS_NULL alone. */
struct predicate {
    int field_id;
    enum predicate_op op;
    struct str value; /* scalar of the field's type in that schema; unused by IS_NULL, NOT_NULL */
};

/* The delete files that apply to one data file (Iceberg spec, "Scan Planning"). Files with the same deletes may share
 * the lists. */
struct scan_deletes {
    /* The data file's path as the manifest has it. Rows of position deletes name a file by this, or by its path in
     * scan.files: they differ where the lake was moved. */
    struct str stored_path;
    const struct data_file *const *positions; /* sorted as scan.files, of scan.delete_files */
    size_t n_positions;
    const struct data_file *const *equalities; /* the columns compared: their equality_ids */
    size_t n_equalities;
};

/* For people: what pruning saved. */
struct scan_counts {
    size_t manifests;        /* with live files, of data and of deletes */
    size_t manifests_pruned; /* not read: their partitions rule the predicates out */
    size_t files_in_pruned;  /* data files of those; one where the manifest list does not tell */
    size_t files;            /* data files of the manifests that were read */
    size_t files_pruned_partition; /* of `files`: left out by their partition */
    size_t files_pruned_bounds;    /* of `files`: left out by counts and bounds of columns */
    size_t delete_files;           /* that apply to a file of the scan */
};

struct scan {
    const struct data_file *files;
    size_t n_files;
    const struct scan_deletes *deletes;   /* parallel to `files`; NULL when none apply to any */
    const struct data_file *delete_files; /* each that applies to some file, once; same order */
    size_t n_delete_files;
    size_t n_pruned; /* files left out because of predicates, those of pruned manifests too */
    int64_t records; /* of `files`, deleted ones too */
    int64_t bytes;
    struct scan_counts counts;
};

/* Plans a scan of `snapshot` (NULL = the current one; a table without one has no files). All of *ret lies in
 * `arena`. Predicates are joined by AND; n may be 0. Manifests whose partition summaries rule the predicates out are not
 * read, by each manifest's own spec. CORRIE_E_UNSUPPORTED for delete files of a later version (deletion vectors), naming
 * one; CORRIE_E_CORRUPT, CORRIE_E_NOT_FOUND with the path of a bad or missing manifest. Cost: one read a manifest. */
int scan_plan(const struct table_io *io, const struct table_metadata *metadata,
              const struct snapshot *snapshot, const struct predicate *predicates,
              size_t n_predicates, struct arena *arena, struct scan *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* What scan_plan would find for these predicates, of a scan of the same snapshot without any, `all`: no manifest is read
 * again. The files borrow from `all`; delete files are not left out. `counts` goes on from those of `all`. */
int scan_narrow(const struct table_metadata *metadata, const struct snapshot *snapshot,
                const struct predicate *predicates, size_t n_predicates, const struct scan *all,
                struct arena *arena, struct scan *ret, corrie_error *err) CORRIE_MUST_USE;

/* Whether a file may hold a row that all predicates accept, by its counts and bounds: one of scan_plan's tests.
 * `schema` gives the types. */
bool scan_may_match(const struct schema *schema, const struct data_file *file,
                    const struct predicate *predicates, size_t n_predicates);
/* ---- every file that a metadata file keeps alive (fsck, gc) ---- */

enum file_kind { FILE_MANIFEST_LIST, FILE_MANIFEST, FILE_DATA, FILE_DELETES };

struct visited_file {
    enum file_kind kind;
    struct str path;              /* under the present root */
    int64_t bytes;                /* as recorded; FILE_UNKNOWN for manifest lists */
    int64_t snapshot_id;          /* through which it was reached */
    const struct data_file *file; /* of FILE_DATA and FILE_DELETES, else NULL */
};

/* 0 go on, negative: stop with that error. For a manifest list or manifest it is called before the file is
 * read; returning 1 skips what it names (gc: marked already). */
typedef int (*visit_fn)(void *arg, const struct visited_file *file, corrie_error *err);

/* Visits the files of one snapshot, or of all (`snapshot` NULL), each manifest at most once a call. Only live
 * files; of a table without snapshots none. The metadata file itself is not visited. */
int scan_visit(const struct table_io *io, const struct table_metadata *metadata,
               const struct snapshot *snapshot, visit_fn visit, void *arg, corrie_error *err)
    CORRIE_MUST_USE;

/* Told of a manifest list or manifest that cannot be read; `err` says why. To go on with the others it clears that and
 * returns 0, else a negative code. `file` is as `visit` got it. */
typedef int (*visit_failed_fn)(void *arg, const struct visited_file *file, corrie_error *err);

/* As scan_visit of all snapshots, and goes on after what cannot be read where `failed` says so (fsck). */
int scan_visit_all(const struct table_io *io, const struct table_metadata *metadata, visit_fn visit,
                   visit_failed_fn failed, void *arg, corrie_error *err) CORRIE_MUST_USE;

#endif
