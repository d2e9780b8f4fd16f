/* check.h — is the catalog what it was when it was stored? The first half of fsck; those who know
 * what the keys mean go on from here. */
#ifndef CORRIE_CATALOG_CHECK_H
#define CORRIE_CATALOG_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "catalog/tree.h"

struct catalog_check {
    const struct cancel *cancel;
    void *arg;
    /* One thing that is wrong, in words: `where` is "file", "ref main", "commit 12ab34cd…". A
     * negative result ends the check. */
    int (*problem)(void *arg, struct str where, struct str what, corrie_error *err);
    /* Each value that any tree in reach names, once for equal subtrees; NULL = not wanted. */
    int (*value)(void *arg, struct str key, const struct tree_value *value, corrie_error *err);
    /* Each commit in reach that can be read, after its tree was looked at; NULL = not wanted. */
    int (*commit)(void *arg, const struct commit *commit, corrie_error *err);
};

struct catalog_check_counts {
    uint64_t refs;
    uint64_t commits;
    uint64_t nodes;
    uint64_t values;
    uint64_t problems;
};

/* Checks the file, then everything in reach of refs and reflog: each object is there and is what
 * its name says, generations, shapes of trees, docs and origins that lie apart. Goes on after
 * problems. Returns 0 whether or not there were problems, negative if it could not go on. Cost: all
 * that is in reach, each object once. */
int catalog_check_all(struct catalog *catalog, const struct catalog_check *check,
                      struct catalog_check_counts *ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- for repairs ---- */

/* 1 if the commit and all that its tree names in the catalog is stored and sound, else 0. Looks at no ancestor. Cost: the
 * whole tree. */
int catalog_state_is_whole(struct catalog *catalog, const struct hash *commit,
                           const struct cancel *cancel, corrie_error *err) CORRIE_MUST_USE;

/* The names of all refs that there are or were, by their reflogs, in order. In `arena`. */
int catalog_reflog_names(struct catalog *catalog, struct arena *arena, struct str **ret,
                         size_t *ret_n, corrie_error *err) CORRIE_MUST_USE;

/* Mends what the backend can mend by itself and without loss (SQLite: indexes), all or nothing. 1 mended, 0 that would not
 * have made the file sound: it is as before. With `dry_run` it is as before in any case. */
int catalog_repair_medium(struct catalog *catalog, bool dry_run, corrie_error *err) CORRIE_MUST_USE;

#endif
