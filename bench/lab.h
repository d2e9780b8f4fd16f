/* lab.h — what the programs of bench/ share: series of times as JSON lines, tables to fill a catalog
 * with. Whatever fails ends the program. */
#ifndef CORRIE_BENCH_LAB_H
#define CORRIE_BENCH_LAB_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/merge.h"

struct series {
    char side[80];
    double *values; /* ms */
    size_t n;
    size_t capacity;
};

void stop(corrie_error *err);
#define ok(call)                                                                                   \
    do {                                                                                           \
        if ((call) < 0) {                                                                          \
            stop(err);                                                                             \
        }                                                                                          \
    } while (0)

/* Adds the time since `start` (clock_monotonic). */
void take(struct series *series, int64_t start);
/* One line as bench/report.py reads it; empties the series. */
void print_series(struct series *series, const char *question);
void print_count(const char *question, const char *side, double count, const char *unit);
double median(struct series *series);

/* A document as the lake room writes it: two names with random parts, numbers. */
struct tree_edit table_edit(struct arena *arena, size_t i, long version);
struct str table_key(struct arena *arena, size_t i);

/* A new catalog in a new directory, with `n_tables` tables on main. */
struct catalog *lab_make(const char *directory, size_t n_tables, corrie_error *err);
struct hash head_of(struct catalog *catalog, const char *ref, corrie_error *err);
struct hash tree_of(struct catalog *catalog, const struct hash *commit, corrie_error *err);
void move_ref(struct catalog *catalog, const char *ref, const struct hash *from,
              const struct hash *to, corrie_error *err);
/* A commit of edits on a ref, from its head. */
int publish(struct catalog *catalog, const char *ref, const struct tree_edit *edits, size_t n,
            corrie_error *err);
/* Bytes of catalog.db (what is still in the log is not among them). */
int64_t file_bytes(const char *directory, corrie_error *err);

#endif
