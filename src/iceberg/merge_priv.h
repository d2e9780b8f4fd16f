/* merge_priv.h — the steps of a content merge. Private to merge*.c.
 *
 * 1. documents (merge_metadata.c): what the metadata of the result would be, or why there is none
 * 2. differences (merge_diff.c): which files each side added and removed since the base
 * 3. rules (merge_rules.c, merge_deletes.c): whether the source's may join the target's
 * 4. the new snapshot (merge.c) */
#ifndef CORRIE_ICEBERG_MERGE_PRIV_H
#define CORRIE_ICEBERG_MERGE_PRIV_H

#include "base/map.h"
#include "iceberg/manifest.h"
#include "iceberg/snapshot.h"

/* A file that one side has and the base has not, or the other way round. */
struct changed_file {
    struct data_file file; /* path as stored */
    struct str path;       /* resolved: what paths are compared by */
    struct str partition;  /* partition_text */
    bool overwrote;        /* removed, or added by a change that replaced what its partition held */
    bool guessed;          /* what added it is not known any more */
    bool skipped;
};

struct changed_files {
    struct changed_file *items;
    size_t count;
    size_t capacity;
};

struct side {
    const char *name; /* "the source", "the target" */
    const struct table_metadata *metadata;
    struct manifest_list manifests;
    struct map listed; /* paths of `manifests`, as stored */
    bool is_line;      /* its snapshots lead back to the base's */
    bool same_rows;    /* it is a line of appends and compactions: no row of the base went */
    bool compacted;    /* of compactions alone */
    bool whole;        /* some change of it was chosen by all that the table held */
    bool renumbered;   /* some file of the base has another sequence number */
    struct changed_files added;
    struct changed_files removed;
    struct map added_paths; /* of data and delete files, resolved → struct changed_file */
};

struct merge {
    const struct table_io *io;
    const struct snapshot_merge_options *options;
    const struct table_metadata *base;
    struct side source;
    struct side target;
    bool has_deletes;              /* delete files are live in some version */
    struct table_metadata *merged; /* the target with the source's columns, specs and properties */
    struct arena arena;
};

/* Fails with CORRIE_E_CONFLICT. The format is a literal. */
#define merge_conflict(err, hint, ...)                                                             \
    (corrie_fail((err), CORRIE_E_CONFLICT, "cannot merge the table's rows: " __VA_ARGS__),         \
     corrie_hint((err), "%s", (hint)))

extern const char merge_hint_choose[];

int merge_documents(struct merge *merge, corrie_error *err) CORRIE_MUST_USE;
int merge_differences(struct merge *merge, corrie_error *err) CORRIE_MUST_USE;
/* Marks what is skipped. */
int merge_check_rows(struct merge *merge, corrie_error *err) CORRIE_MUST_USE;
/* Sets the sequence numbers under which the source's delete files come (FILE_UNKNOWN: the new one). */
int merge_check_deletes(struct merge *merge, corrie_error *err) CORRIE_MUST_USE;

#endif
