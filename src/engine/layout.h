/* layout.h — the columns of a Parquet file as DuckDB gives them, and SQL that makes columns of the table of them.
 * Inside the room only.
 *
 * DuckDB maps nested columns by name; Iceberg by field id at every level. Where names and ids say the same, a cast does
 * it; else the value is taken apart and put together anew. */
#ifndef CORRIE_ENGINE_LAYOUT_H
#define CORRIE_ENGINE_LAYOUT_H

#include "engine/footer.h"

enum layout_kind { LAYOUT_LEAF, LAYOUT_STRUCT, LAYOUT_LIST, LAYOUT_MAP };

struct layout {
    struct str name;
    int64_t id; /* 0: none */
    enum layout_kind kind;
    size_t node;           /* of the footer */
    bool bytes;            /* a leaf of bytes that nothing says to be text */
    struct layout *fields; /* struct: its fields; list: its element; map: key and value */
    size_t n_fields;
};

/* The columns of a file as one struct. Memory from `arena`, names too. CORRIE_E_NO_MEMORY. */
int layout_of(const struct footer *footer, struct arena *arena, struct layout *ret,
              corrie_error *err) CORRIE_MUST_USE;
/* Gives the fields of a struct without ids those that their names stand for. */
void layout_name(struct layout *layout, const struct engine_name *names, size_t n_names);
/* A field of a struct, or NULL. */
const struct layout *layout_find(const struct layout *layout, int id);
/* The field `id` in a struct or in structs in it. Appends SQL that takes it out of the file's columns to `out`. False,
 * and nothing appended, if there is none. */
bool layout_dig(const struct layout *layout, int id, struct buf *out, const struct layout **ret);
/* Whether a cast makes the value right: each field has the name and place that `type` has for its id. */
bool layout_fits(const struct layout *layout, const struct type *type);
/* Appends SQL that makes the value `sql` of `layout` one of `type`. CORRIE_E_CORRUPT if what is in the file is of
 * another kind (a struct where the table has a number). */
int layout_convert(const struct layout *layout, struct str sql, const struct type *type,
                   struct buf *out, corrie_error *err) CORRIE_MUST_USE;

#endif
