/* name.h — which names may be given to things. Checks only; nothing is changed or folded: names are
 * compared as bytes. */
#ifndef CORRIE_LANG_NAME_H
#define CORRIE_LANG_NAME_H

#include "base/error.h"
#include "base/str.h"

/* All: 0, or CORRIE_E_USAGE saying what is wrong and, where it helps, what would be right. */

/* A namespace: 1–255 bytes of UTF-8 without control characters, '.', '"' and white space at the
 * ends. */
int name_check_namespace(struct str name, corrie_error *err) CORRIE_MUST_USE;
/* A table: the same. */
int name_check_table(struct str name, corrie_error *err) CORRIE_MUST_USE;
/* A model: a table name that starts with a letter or '_' and goes on with letters, digits, '_'
 * (ASCII). */
int name_check_model(struct str name, corrie_error *err) CORRIE_MUST_USE;
/* A parameter: as a model. */
int name_check_parameter(struct str name, corrie_error *err) CORRIE_MUST_USE;
/* A column: 1–255 bytes of UTF-8 without control characters. */
int name_check_column(struct str name, corrie_error *err) CORRIE_MUST_USE;

struct table_name {
    struct str ns; /* empty = not given */
    struct str table;
};

/* "events", "sales.events", "\"odd.name\".events" (quotes around a part, no quote inside it).
 * Parts are borrowed from `text` and checked. */
int table_name_parse(struct str text, struct table_name *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
