/* files.h — the files of tables, for collection: which are named, and the removal of those that are not.
 *
 * Invariants
 *   1. A file goes only if its name is of the form that we give (docs/formats/iceberg.md), nothing marked names it, and it
 *      was last changed before the cutoff. Everything else stays; what does not look like ours is counted.
 *   2. Whatever the sweep is cut off by, what it has not removed yet is found by the next one. */
#ifndef CORRIE_MAINT_FILES_H
#define CORRIE_MAINT_FILES_H

#include "base/arena.h"
#include "base/json.h"
#include "lake/lake.h"
#include "maint/seen.h"

struct tree_value;

struct file_counts {
    int64_t removed; /* or, in a dry run, to be removed; unfinished files too */
    int64_t removed_bytes;
    int64_t kept;
    int64_t kept_bytes;
    int64_t strangers; /* in data/, and not of a form that we know */
};

struct files {
    struct lake *lake;
    struct seen named;   /* keys of files */
    struct seen tables;  /* directories of tables: "data/shop/orders-…" */
    struct seen emptied; /* those that the sweep took a file from */
    struct file_counts counts;
    json_t *removed; /* the first keys that went; borrowed */
    size_t max_removed;
};

void files_done(struct files *files);

/* Marks what a value of the catalog names, if it is a table: metadata, manifests, data. Each file is read once, however
 * many values name it. CORRIE_E_CORRUPT if one cannot be read: then nothing may be removed. */
int files_mark(struct files *files, struct str key, const struct tree_value *value,
               corrie_error *err) CORRIE_MUST_USE;

/* Removes what is not marked and was last changed before `cutoff` (UTC ns), unfinished files, and the directories of tables
 * that are gone. */
int files_sweep(struct files *files, int64_t cutoff, bool dry_run, corrie_error *err)
    CORRIE_MUST_USE;

/* Whether a key below data/ is of the form that we give to files of tables; *ret_table is the table's directory. */
bool file_is_ours(struct str key, struct str *ret_table);

#endif
