/* fsck_priv.h — what the files of fsck share. */
#ifndef CORRIE_MAINT_FSCK_PRIV_H
#define CORRIE_MAINT_FSCK_PRIV_H

#include <corrie/care.h>

#include "base/json.h"
#include "base/map.h"
#include "catalog/commit.h"
#include "catalog/tree.h"
#include "lake/lake.h"
#include "maint/seen.h"

/* A name that a table has in some tree; those of one table hang together. */
struct fsck_name {
    struct uuid id;
    struct str key;
    struct fsck_name *next;
};

/* One pass over the lake. */
struct fsck {
    struct lake *lake;
    struct seen paths;   /* metadata files, manifests and data files */
    struct seen origins; /* objects, and jobs that taint names */
    struct seen told;    /* problems */
    struct map names;    /* by the table's id: struct fsck_name, in `arena` */
    struct arena arena;
    json_t *problems;
    uint64_t n_problems; /* also those that are not listed */
    bool damaged_file;   /* the catalog's */
    int64_t refs;
    int64_t commits;
    int64_t tables;
    int64_t files;
    int64_t bytes;
};

int fsck_problem(struct fsck *fsck, struct str where, struct str what, corrie_error *err)
    CORRIE_MUST_USE;
/* An error becomes a problem; those that say nothing of the lake (memory, interruption) stay what they are. */
int fsck_note(struct fsck *fsck, const char *where, corrie_error *err) CORRIE_MUST_USE;

/* fsck_values.c: what values mean, and the files that they name. */
int fsck_value(struct fsck *fsck, struct str key, const struct tree_value *value, corrie_error *err)
    CORRIE_MUST_USE;
/* fsck_names.c: a table has one name on a branch. First each value of a table is noted, then branches are looked at. */
int fsck_note_name(struct fsck *fsck, struct str key, const struct uuid *id, corrie_error *err)
    CORRIE_MUST_USE;
int fsck_names(struct fsck *fsck, corrie_error *err) CORRIE_MUST_USE;
/* fsck_trees.c: what must hold in a whole tree; refs and their reflogs. */
int fsck_commit(struct fsck *fsck, const struct commit *commit, corrie_error *err) CORRIE_MUST_USE;
int fsck_refs(struct fsck *fsck, corrie_error *err) CORRIE_MUST_USE;

/* ---- repairs (repair.c) ---- */

struct repair {
    struct lake *lake;
    bool dry_run;
    bool damaged_file;
    json_t *repairs; /* {"where","what","done"} */
    size_t n_done;
};
int repair_all(struct repair *repair, corrie_error *err) CORRIE_MUST_USE;

/* 1 if the ref is gone and its reflog does not end with its removal, and the newest entry; else 0. */
struct catalog_reflog_entry;
int ref_is_lost(struct lake *lake, struct str name, struct arena *arena,
                struct catalog_reflog_entry *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
