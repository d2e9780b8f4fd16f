/* external.h — tables of others: whose Iceberg metadata another program writes, read where they lie.
 *
 * Invariants
 *   1. A copy of the metadata file is kept in the lake, and the catalog names it: what a commit says of the table does not
 *      change when the others go on. Taking over what they did since is a new commit.
 *   2. Manifests and data files stay where they are. Nothing outside of the lake's root is written or removed, ever;
 *      that they are still there is for the others to see to (docs/decisions/0010-external-tables.md). Those of a
 *      table in the lake's own root are kept by gc as long as a commit names the table.
 *   3. A table whose folder was moved as a whole is found: lake_table.location is where it is, the location in the
 *      metadata where it was (lake_table_io). */
#ifndef CORRIE_LAKE_EXTERNAL_H
#define CORRIE_LAKE_EXTERNAL_H

#include "lake/tx.h"

struct lake_external {
    struct str ns; /* must exist: lake_tx_namespace */
    struct str name;
    struct str
        path; /* of the metadata file; or of a folder: the newest in it, or in metadata/ below it. Absolute */
    bool replace; /* an external table of that name becomes this one */
};

/* Makes the table, read only. That the files of its current snapshot are there is checked. *ret_schema, its columns, and
 * *ret lie in `arena`; ret->rows and bytes are those of the table, ret->selects is NULL. When the table of that name is what
 * it would be, nothing is staged.
 * CORRIE_E_NOT_FOUND for no such file, CORRIE_E_USAGE for a folder in which two are as new, CORRIE_E_CORRUPT for
 * a missing or damaged file (with its path), CORRIE_E_UNSUPPORTED for files of another machine, format or version,
 * CORRIE_E_REFUSED for files in the lake of a table that is not, and where a table of the lake's own has the name, CORRIE_E_EXISTS without
 * `replace`. Cost: the manifests of the current snapshot are read, and each of its files is looked at. */
int lake_tx_external(struct lake_tx *tx, const struct lake_external *external, struct arena *arena,
                     struct lake_written *ret, struct schema *ret_schema, corrie_error *err)
    CORRIE_MUST_USE;

#endif
