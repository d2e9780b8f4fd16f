/* tx_priv.h — the inside of a transaction, shared by tx.c, write.c and ledger.c. */
#ifndef CORRIE_LAKE_TX_PRIV_H
#define CORRIE_LAKE_TX_PRIV_H

#include "base/vec.h"
#include "catalog/tree.h"
#include "lake/lake_priv.h"
#include "lake/tx.h"

/* What one output was made of: an element of the origin. Text in tx->arena. */
struct tx_read {
    struct str output; /* key */
    struct str input;  /* key */
    struct uuid id;
    struct str version;
    struct str ref; /* where it was read, if not on the transaction's own branch; else empty */
    bool has_taint;
    struct uuid taint;
};

/* A table that was written. */
struct tx_output {
    struct str key;
    bool has_taint; /* of the rows that it keeps from before the transaction */
    struct uuid taint;
};

struct lake_tx {
    struct lake *lake;
    struct arena arena;
    struct str branch;
    struct str ref; /* "tx/<job>"; empty without steps */
    struct str job; /* empty: none */
    struct uuid job_id;
    struct hash base; /* the branch's commit at the start */
    struct hash base_tree;
    struct hash tree; /* base_tree with all edits so far */
    struct hash step; /* where tx/<job> stands */
    struct hash step_tree;
    struct object_list objects;    /* nodes of `tree` that no commit has stored yet */
    int64_t began;                 /* UTC ns, before the first file was written */
    VEC(struct tx_output) outputs; /* each table once */
    VEC(struct tx_read) reads;
    bool ended;
};

/* Applies edits to the transaction's tree. Docs are copied into objects: nothing is borrowed. */
int tx_stage(struct lake_tx *tx, const struct tree_edit *edits, size_t n, corrie_error *err)
    CORRIE_MUST_USE;
/* Notes that a table was written. `before` is what it was if it keeps its rows, else NULL. */
int tx_note_output(struct lake_tx *tx, struct str key, const struct lake_table *before,
                   corrie_error *err) CORRIE_MUST_USE;
/* Gives a value that is staged for a table the taint it has as long as nothing is published: the job's own with steps,
 * else that of the rows it keeps (`before` as above). */
void tx_taint(const struct lake_tx *tx, const struct lake_table *before, struct tree_value *value);

struct table_version;

/* Stages `table` as the catalog is to have it. `before` as above; *table gets its taint. */
int tx_stage_table(struct lake_tx *tx, struct lake_table *table, const struct lake_table *before,
                   corrie_error *err) CORRIE_MUST_USE;
/* Stages a new version of the table that is called as `names`, and is managed like it; `location` is the table's, absolute.
 * *ret lies in `arena`. */
int tx_stage_version(struct lake_tx *tx, const struct table_version *version, struct str location,
                     const struct lake_table *names, const struct lake_table *before,
                     struct arena *arena, struct lake_table *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
