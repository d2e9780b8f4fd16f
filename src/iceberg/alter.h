/* alter.h — edits of a table's columns, partition fields and sort order (ALTER TABLE).
 *
 * Each function returns new metadata; nothing is written (metadata_write). Rows are not touched: columns have ids, and
 * what files hold under an id that is gone is no longer read. An edit that changes nothing gives an equal schema, spec
 * or order, and then the one that the table has is reused. */
#ifndef CORRIE_ICEBERG_ALTER_H
#define CORRIE_ICEBERG_ALTER_H

#include "iceberg/metadata.h"

enum column_edit_kind {
    COLUMN_ADD,    /* optional, with a fresh id */
    COLUMN_DROP,   /* refused for the source of a partition field or sort field in force */
    COLUMN_RENAME, /* keeps the id */
    COLUMN_TYPE,   /* to one that it promotes to: int→long, float→double, a larger precision */
    COLUMN_OPTIONAL, /* nulls allowed */
    COLUMN_REQUIRED, /* of the table itself. That no row has a null is for the caller to know; what others add meanwhile is
                      * looked at when it is merged */
    COLUMN_DOC,
    COLUMN_MOVE
};

enum column_place {
    PLACE_DEFAULT, /* ADD: last; others: where it is */
    PLACE_FIRST,
    PLACE_AFTER, /* `beside`, a column of the same struct */
    PLACE_BEFORE
};

struct column_edit {
    enum column_edit_kind kind;
    /* The column: its name, or names from the top-level column down; "element" of a list, "key", "value" of a map. */
    const struct str *path;
    size_t n_path;
    const struct type *type; /* ADD, TYPE. Ids in it are ignored */
    struct str name;         /* RENAME: the new name, of the last step of the path */
    struct str doc;          /* ADD (may be empty), DOC (empty removes it) */
    bool required;           /* ADD: refused where the table has, or had, rows */
    enum column_place place; /* ADD, MOVE */
    struct str beside;
};

/* The metadata with a current schema after `edits`, in order, each seeing the ones before. Comparison of names is
 * exact, but a name that differs from a sibling's in case alone is refused: most readers could not tell them apart.
 * schema.name-mapping.default follows, where the table has one. CORRIE_E_NOT_FOUND for a column that is not there (with
 * the nearest names), CORRIE_E_EXISTS for a name that is taken, CORRIE_E_USAGE for what the rules above refuse. */
int metadata_with_columns(const struct table_metadata *metadata, const struct column_edit *edits,
                          size_t n_edits, int64_t now_ms, struct table_metadata **ret,
                          corrie_error *err) CORRIE_MUST_USE;

/* ---- partition fields ---- */

/* The name that a partition field gets where none is given, as other engines name it: "ts_day", "id_bucket", "s_trunc",
 * the column's own for identity. `evolved`: for a field added to an existing table: "id_bucket_16", "s_trunc_10", so that
 * two specs never mean different values by one name. In `arena`; data NULL = no memory. */
struct str partition_field_name(struct str column, struct str transform, bool evolved,
                                struct arena *arena);

enum spec_edit_kind { SPEC_ADD, SPEC_DROP, SPEC_RENAME };

struct spec_edit {
    enum spec_edit_kind kind;
    struct str field; /* DROP, RENAME: by name; empty: by source and transform of `term` */
    /* ADD: the field to be; without a name it gets partition_field_name. RENAME: its `name` is the new one. */
    struct partition_term term;
};

/* The default spec after `edits`, in order; REPLACE is a DROP and an ADD. Errors as metadata_with_spec, and
 * CORRIE_E_NOT_FOUND for a field that the default spec has not. */
int metadata_with_spec_edits(const struct table_metadata *metadata, const struct spec_edit *edits,
                             size_t n_edits, int64_t now_ms, struct table_metadata **ret,
                             corrie_error *err) CORRIE_MUST_USE;

/* ---- sort order ---- */

struct sort_term {
    int source_id; /* a primitive column, not nested in a list or map */
    struct str transform;
    bool descending;
    bool nulls_last;
};

/* The metadata with a default sort order of exactly these terms (none: unsorted, order 0). An order that the table has
 * is reused. CORRIE_E_USAGE as metadata_with_spec. */
int metadata_with_sort_order(const struct table_metadata *metadata, const struct sort_term *terms,
                             size_t n_terms, int64_t now_ms, struct table_metadata **ret,
                             corrie_error *err) CORRIE_MUST_USE;
/* The default sort order; 0 terms when unsorted. In `arena`; texts borrowed from the metadata. */
int metadata_sort_order(const struct table_metadata *metadata, struct arena *arena,
                        const struct sort_term **ret, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;
/* Its id, which data files are marked with that are sorted so; 0 when unsorted. */
int metadata_sort_order_id(const struct table_metadata *metadata);

#endif
