/* deletes.h — which rows of a table's files are deleted. Inside the room only.
 *
 * Two functions of ours stand in the WHERE of a table's view: corrie_kept(table, file, row) looks at bits that position
 * deletes set, corrie_unmatched(table, set, file, key …) looks the key's values up among those of equality deletes. A
 * join would do the same, but its order is the optimiser's to choose, and the order of rows is ours to keep.
 *
 * A set of deletes is made once and then only read, by any number of threads. It lives until the engine is closed: a
 * stream may still be reading a table that was redefined. */
#ifndef CORRIE_ENGINE_DELETES_H
#define CORRIE_ENGINE_DELETES_H

#include "engine/engine_priv.h"

struct deletes;
struct delete_registry;

/* The columns of equality deletes that are compared together. */
struct delete_key {
    const struct field *fields; /* by ascending id */
    size_t n_fields;
};

/* Begins the deletes of `table` (borrowed until deletes_read has returned): each distinct set of columns of its equality
 * deletes is a key. *ret belongs to the engine. The functions are made known to DuckDB at the first call. */
int deletes_new(struct engine *engine, const struct engine_table *table, struct deletes **ret,
                corrie_error *err) CORRIE_MUST_USE;
/* Reads the delete files, each once. `rows` is how many rows each file of the table has. */
int deletes_read(struct deletes *deletes, const int64_t *rows, corrie_error *err) CORRIE_MUST_USE;

const struct delete_key *deletes_keys(const struct deletes *deletes, size_t *ret_n);
/* Whether position deletes, or equality deletes of key number `key`, apply to a file. */
bool deletes_positions_of(const struct deletes *deletes, size_t file);
bool deletes_key_of(const struct deletes *deletes, size_t file, size_t key);
/* The number by which the functions know it. */
size_t deletes_id(const struct deletes *deletes);

#endif
