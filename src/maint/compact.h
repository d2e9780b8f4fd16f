/* compact.h — which files of a table are worth writing anew. Shared by compact.c and its test. */
#ifndef CORRIE_MAINT_COMPACT_H
#define CORRIE_MAINT_COMPACT_H

#include "base/arena.h"
#include "iceberg/scan.h"

/* Files of one partition that are joined, as indexes into scan.files, ascending: the order of their rows. */
struct compact_group {
    const size_t *files;
    size_t n_files;
};

struct compact_plan {
    struct compact_group *groups;
    size_t n_groups;
    size_t *files; /* of all groups, ascending */
    size_t n_files;
    size_t *deletes; /* indexes into scan.delete_files: those that apply to no file that stays */
    size_t n_deletes;
    int64_t bytes; /* of the files */
};

/* A file is taken if rows were deleted from it, or if it is smaller than half of `target_bytes` and so is another one of its
 * partition. Everything lies in `arena`. */
int compact_plan(const struct scan *scan, int64_t target_bytes, struct arena *arena,
                 struct compact_plan *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
