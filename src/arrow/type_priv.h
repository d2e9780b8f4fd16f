/* type_priv.h — what the sources of the type system share. */
#ifndef CORRIE_ARROW_TYPE_PRIV_H
#define CORRIE_ARROW_TYPE_PRIV_H

#include "arrow/type.h"

/* The name of a kind without parameters ("long", "list"); never NULL. */
const char *type_kind_name(enum type_kind kind);

/* CORRIE_E_LIMIT if `depth` is past the maximum. */
int type_check_depth(unsigned depth, corrie_error *err) CORRIE_MUST_USE;

/* A decimal of that precision and scale, checked. CORRIE_E_DATA. */
int type_decimal(int64_t precision, int64_t scale, struct type *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Sets all ids to 0 if two fields have the same: data that a function computed may carry a
 * source's ids twice, and then they say nothing. */
int schema_clear_repeated_ids(struct schema *schema, corrie_error *err) CORRIE_MUST_USE;

/* The one field of a list, the two of a map, with the names that the invariants want. */
#define LIST_ELEMENT STR("element")
#define MAP_KEY STR("key")
#define MAP_VALUE STR("value")

#endif
