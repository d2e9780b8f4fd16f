/* scan_priv.h — shared by the files that plan scans. */
#ifndef CORRIE_ICEBERG_SCAN_PRIV_H
#define CORRIE_ICEBERG_SCAN_PRIV_H

#include "base/vec.h"
#include "iceberg/manifest.h"
#include "iceberg/scan.h"

/* ---- pruning by partition ---- */

/* What predicates say of one field of a partition spec. */
struct partition_test {
    size_t field; /* of the spec */
    struct type type;
    struct projected projected;
    /* Truncation takes the least numbers of a type round to the greatest (as Iceberg's Java does): values above this
     * may be anything. INT64_MAX where nothing wraps. */
    int64_t wraps_above;
};

/* Predicates through one spec. */
struct partition_tests {
    const struct partition_spec *spec;
    struct partition_test *items;
    size_t count;
    size_t capacity;
};
void partition_tests_done(struct partition_tests *tests);

/* Projects predicates on fields of `schema` through `spec`; scalars lie in `arena`. What cannot be projected is left
 * out. */
int partition_tests_make(const struct schema *schema, const struct partition_spec *spec,
                         const struct predicate *predicates, size_t n_predicates,
                         struct arena *arena, struct partition_tests *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Whether a manifest of that spec, a file of it, may hold rows of interest. */
bool partition_tests_manifest(const struct partition_tests *tests,
                              const struct manifest_file *manifest);
bool partition_tests_file(const struct partition_tests *tests, const struct data_file *file);

/* ---- delete files ---- */

struct data_files {
    struct data_file *items;
    size_t count;
    size_t capacity;
};

/* For qsort: (file sequence number, path). */
int data_file_compare(const void *a, const void *b);

/* Finds which of `deletes` (paths resolved; will be sorted) apply to each of scan->files, whose stored paths are
 * `stored`, and fills scan->deletes and delete_files. All in `arena`. */
int scan_apply_deletes(const struct table_io *io, const struct table_metadata *metadata,
                       struct data_files *deletes, const struct str *stored, struct arena *arena,
                       struct scan *scan, corrie_error *err) CORRIE_MUST_USE;

#endif
