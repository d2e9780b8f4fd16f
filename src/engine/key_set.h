/* key_set.h — the values of equality deletes, and for each of them the files that delete it. Inside the room only.
 *
 * Most rows that are looked up are not there, and a table may have a hundred million: so rows are looked up a block at a
 * time, and values of one column of fixed width, or of two that together have no more than 16 bytes, are numbers to
 * hash and to compare. Others are bytes.
 *
 * A set is filled by one thread, then only read, by any number. */
#ifndef CORRIE_ENGINE_KEY_SET_H
#define CORRIE_ENGINE_KEY_SET_H

#include "engine/engine_priv.h"

struct key_link;
struct key_slot;

struct key_set {
    struct key_slot *slots;
    size_t n_slots; /* power of two, at least twice the keys */
    size_t n_keys;
    struct arena arena;
    VEC(struct key_link) links;
};

/* A column of keys in one chunk, borrowed. */
struct key_column {
    const uint64_t *validity;
    const char *data;
    size_t width; /* 0: text or bytes */
    bool real;    /* float or double: every NaN is one */
};

void key_set_done(struct key_set *set);

/* The `n` columns of a chunk from number `first` on. The same types always, for one set. */
void key_columns_open(const struct duck *d, duckdb_data_chunk chunk, idx_t first, size_t n,
                      struct key_column *ret);
/* Adds a row of delete file number `of`, once a file. CORRIE_E_LIMIT, CORRIE_E_NO_MEMORY. */
int key_set_add(struct key_set *set, const struct key_column *columns, size_t n_columns, idx_t row,
                uint32_t of, corrie_error *err) CORRIE_MUST_USE;
/* Looks up the first `n` rows: ret[i] is where the files that delete row i begin, for key_set_next; 0: none do.
 * False: no memory. */
bool key_set_find(const struct key_set *set, const struct key_column *columns, size_t n_columns,
                  size_t n, uint32_t *ret) CORRIE_MUST_USE;
/* The file at a place that is not 0, and the place of the next one. */
size_t key_set_next(const struct key_set *set, uint32_t *at);

#endif
