/* support.h — a catalog in a directory of its own, and short ways to fill it. */
#ifndef CORRIE_TESTS_CATALOG_SUPPORT_H
#define CORRIE_TESTS_CATALOG_SUPPORT_H

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/check.h"
#include "catalog/collect.h"
#include "catalog/history.h"
#include "catalog/merge_priv.h"
#include "tests/unit/check.h"

/* Check writes a line for every assertion that holds; where millions are made, only failures speak.
 * */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            ck_abort_msg("%s", #condition);                                                        \
        }                                                                                          \
    } while (0)

struct lab {
    char *directory;
    struct catalog *catalog;
    corrie_error err;
};

/* A new catalog; lab_done removes it. Failures end the test. */
void lab_init(struct lab *lab);
void lab_done(struct lab *lab);
/* Another handle on the same catalog, nothing in memory. */
struct catalog *lab_open(struct lab *lab);
/* Drops what is in memory: the next reads come from the file. */
void lab_reopen(struct lab *lab);

/* A put of {"n":number} and a deletion; `name` is one segment below "table". The key lies in
 * `arena`. */
struct tree_edit put_number(struct arena *arena, const char *name, long number);
struct tree_edit put_doc(struct arena *arena, const char *name, struct str doc);
struct tree_edit drop(struct arena *arena, const char *name);
struct str table_key(struct arena *arena, const char *name);

/* A commit of edits on a branch (made if it is not there), from its head. Returns the commit. */
struct hash lab_commit(struct lab *lab, const char *branch, const struct tree_edit *edits,
                       size_t n);
struct hash lab_head(struct lab *lab, const char *branch);
struct hash lab_tree(struct lab *lab, const struct hash *commit);
/* The number that put_number stored, or -1. */
long lab_number(struct lab *lab, const struct hash *tree, const char *name);
/* Makes all that is stored look a day old. */
void lab_age(struct lab *lab);
/* Every stored object has all that it names stored, and before it; how many there are. */
size_t lab_closed(struct lab *lab);
/* A collection of all that is older than now. Its counts. */
struct collect_counts lab_collect(struct lab *lab, int64_t reflog_since);

/* No problem anywhere; the counts of the check. */
struct catalog_check_counts lab_sound(struct lab *lab);

#endif
