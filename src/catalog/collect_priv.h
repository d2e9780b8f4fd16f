/* collect_priv.h — what marking (collect_mark.c) and sweeping (collect.c) share. */
#ifndef CORRIE_CATALOG_COLLECT_PRIV_H
#define CORRIE_CATALOG_COLLECT_PRIV_H

#include "catalog/catalog_priv.h"
#include "catalog/collect.h"
#include "catalog/hash_set.h"

/* An object in reach that has not been read yet. */
struct collect_todo {
    struct hash name;
    uint8_t type;
};

struct collect {
    struct catalog *catalog;
    struct collect_options options;
    struct collect_counts counts;
    int64_t cutoff_s;  /* stamps below it are old */
    uint64_t removals; /* that there were at the begin, and our own since */
    uint64_t last;     /* objects of larger positions came since the last look at them */
    struct hash_set marked;
    struct hash_set maybe; /* commits that stay if they are there; for the scan */
    uint64_t n_met;        /* marked ones that the scan has come by, */
    uint64_t n_met_docs;   /* and of them those that name nothing */
    bool scanning;         /* inside the scan: values wait in `queue`, `todo` is not needed */
    struct buf scratch;
    struct hash_set values; /* of key and value */
    struct {
        struct collect_todo *items;
        size_t count;
        size_t capacity;
    } todo;
    bool locked;       /* between hold() and its end: values wait in `queue` too */
    struct buf queue;  /* two uint32_t lengths, key, value */
    uint64_t n_looked; /* in this phase */
    bool swept;
    size_t page; /* objects that are looked at, and removed, at once: as many as HOLD_NS allows */
    size_t page_max;
};

/* Notes that an object stays; what it names will be marked by collect_drain. */
int collect_push(struct collect *collect, int type, const struct hash *name, corrie_error *err)
    CORRIE_MUST_USE;
/* Reads all that was pushed, what that names, and so on. */
int collect_drain(struct collect *collect, corrie_error *err) CORRIE_MUST_USE;
/* Marks what was stored since the last look. */
int collect_new(struct collect *collect, corrie_error *err) CORRIE_MUST_USE;
/* Calls the caller's function for values that were found under the lock. */
int collect_deliver(struct collect *collect, corrie_error *err) CORRIE_MUST_USE;
int collect_tick(struct collect *collect, enum collect_phase phase, uint64_t n, corrie_error *err)
    CORRIE_MUST_USE;

static inline bool collect_is_old(const struct collect *collect, const struct backend_entry *entry)
{
    return entry->stamp < collect->cutoff_s;
}

#define COLLECT_PAGE 1000
/* More at once cost less in all (an index over names is rewritten at random places), but keep the lock
 * longer. */
#define COLLECT_PAGE_MIN 500
#define COLLECT_PAGE_MAX 4000

#endif
