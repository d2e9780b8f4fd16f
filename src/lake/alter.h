/* alter.h — changes of what a table is, not of its rows: columns, partition fields, properties, its name; and its end. */
#ifndef CORRIE_LAKE_ALTER_H
#define CORRIE_LAKE_ALTER_H

#include "iceberg/alter.h"
#include "iceberg/history.h"
#include "lake/tx.h"

struct lake_alter {
    struct str ns;
    struct str name;
    /* Applied in this order, each seeing those before. */
    const struct column_edit *columns;
    size_t n_columns;
    const struct spec_edit *partition_fields;
    size_t n_partition_fields;
    /* The whole spec at once, if `repartition`; no terms: not partitioned. */
    bool repartition;
    const struct partition_term *partition_terms;
    size_t n_partition_terms;
    /* The whole sort order, if `reorder`; no terms: unsorted. Files written from then on are sorted so. */
    bool reorder;
    const struct sort_term *sort_terms;
    size_t n_sort_terms;
    const struct property *properties; /* data NULL removes */
    size_t n_properties;
    const struct expire_options *expire; /* snapshots that go; NULL = none */
};

/* Edits the table's metadata and stages it; rows stay as they are. *ret (may be NULL) lies in `arena`. Returns 1, or 0 if
 * the table was so already. CORRIE_E_NOT_FOUND, CORRIE_E_EXISTS, CORRIE_E_USAGE as iceberg/alter.h; CORRIE_E_REFUSED for an
 * external table. */
int lake_tx_alter(struct lake_tx *tx, const struct lake_alter *alter, struct arena *arena,
                  struct lake_table *ret, corrie_error *err) CORRIE_MUST_USE;
/* Gives the table another name; the namespace must exist. CORRIE_E_EXISTS if there is one. */
int lake_tx_rename(struct lake_tx *tx, struct str ns, struct str name, struct str new_ns,
                   struct str new_name, corrie_error *err) CORRIE_MUST_USE;
/* Removes the table and what the ledger says of it. *ret (may be NULL) is what it was. CORRIE_E_NOT_FOUND. */
int lake_tx_drop(struct lake_tx *tx, struct str ns, struct str name, struct arena *arena,
                 struct lake_table *ret, corrie_error *err) CORRIE_MUST_USE;
/* Removes an empty namespace. CORRIE_E_NOT_FOUND; CORRIE_E_REFUSED if it has tables. */
int lake_tx_drop_namespace(struct lake_tx *tx, struct str ns, corrie_error *err) CORRIE_MUST_USE;

#endif
