/* yaml_priv.h — YAML as a tree with positions. */
#ifndef CORRIE_LANG_YAML_PRIV_H
#define CORRIE_LANG_YAML_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

enum yaml_kind { YAML_NULL, YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml_node {
    enum yaml_kind kind;
    struct str text; /* of a text: quotes and escapes undone */
    size_t offset;   /* where it begins in the source, and how many bytes to mark */
    size_t length;
    long line;              /* from 1 */
    long column;            /* from 1, in bytes */
    struct yaml_node *key;  /* of a value in a map */
    struct yaml_node *next; /* of one list or map */
    struct yaml_node *first;
    struct yaml_node *last;
};

/* One document; *ret is NULL when the source holds none. Nodes lie in `arena`. Keys are plain texts and do not
 * repeat. Anchors, aliases, tags, directives and a second document are refused. CORRIE_E_PROJECT with a
 * position. */
int yaml_parse(const char *file, struct str source, struct arena *arena, struct yaml_node **ret,
               corrie_error *err) CORRIE_MUST_USE;

#endif
