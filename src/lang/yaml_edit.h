/* yaml_edit.h — the values of a YAML file by name, and changing one of them in the text, so that comments, order and layout
 * stay. No I/O.
 *
 * A value's name is the keys that lead to it with dots between: "parameters.least.type". A key may itself have dots.
 *
 * Invariant: what yaml_edit gives reads as the old text does, but for the one name: each way of editing may be wrong for an
 * unusual layout, so its text is read again and taken only if it says what was wanted. */
#ifndef CORRIE_LANG_YAML_EDIT_H
#define CORRIE_LANG_YAML_EDIT_H

#include "base/buf.h"
#include "lang/yaml_priv.h"

struct yaml_value {
    struct str name;
    struct str text; /* of a list: as it stands in the source */
    const struct yaml_node *node;
};

struct yaml_values {
    const char *file; /* borrowed, for messages */
    struct str source;
    struct arena *arena;
    const struct yaml_node *root; /* NULL: nothing but comments */
    struct yaml_value *items;     /* in the order of the file; keys without a value are left out */
    size_t count;
    size_t capacity;
};

/* Reads a file's text, of which the top is a map (`what` it is, for messages: "a settings file"). `file` and `source` are
 * borrowed, all else lies in `arena`. CORRIE_E_PROJECT with a position, CORRIE_E_LIMIT. Loads libfyaml, unless the text is
 * blank. */
int yaml_values_read(struct yaml_values *ret, const char *what, const char *file, struct str source,
                     struct arena *arena, corrie_error *err) CORRIE_MUST_USE;
void yaml_values_done(struct yaml_values *values);
/* NULL: there is none. */
const struct yaml_value *yaml_values_find(const struct yaml_values *values, struct str name);
/* Whether the name has values below it: "parameters.least". */
bool yaml_values_has_level(const struct yaml_values *values, struct str name);

/* Appends to `out` the text in which `name` has `value`, or, with NULL, neither it nor what is below it is there. `quoted`:
 * in quotes even if it needs none, so that other readers take it for text. CORRIE_E_UNSUPPORTED if the file is written so
 * that it must be edited by hand. */
int yaml_edit(const struct yaml_values *values, struct str name, const struct str *value,
              bool quoted, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

#endif
