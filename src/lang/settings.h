/* settings.h — settings files (docs/formats/settings.md): names with dots and text values; read, and edited in the text
 * so that comments and order stay. No I/O.
 *
 * Invariant: what settings_edit gives reads as the old text does, but for the one name. */
#ifndef CORRIE_LANG_SETTINGS_H
#define CORRIE_LANG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct setting {
    struct str name;  /* "user.name" */
    struct str value; /* of a list: as it stands in the source */
    bool is_list;
    size_t offset; /* of the value in the source, and how many bytes to mark */
    size_t length;
};

struct settings {
    const char *file; /* borrowed, for messages */
    struct str source;
    struct setting *items; /* in the order of the file */
    size_t n;
};

/* Reads a file's text. `file` and `source` are borrowed by *ret, all else lies in `arena`. CORRIE_E_PROJECT with a position
 * if it is no such file, CORRIE_E_LIMIT. Loads libfyaml, unless the text is blank. */
int settings_parse(const char *file, struct str source, struct arena *arena, struct settings *ret,
                   corrie_error *err) CORRIE_MUST_USE;
/* NULL: there is none. */
const struct setting *settings_find(const struct settings *settings, struct str name);
/* Gives an error the place of a value. Returns its code. */
int settings_error_at(const struct settings *settings, const struct setting *at, corrie_error *err);

/* Appends to `out` the text in which `name` has `value`, or, with NULL, is not. CORRIE_E_NOT_FOUND if it is to go and is not
 * there, CORRIE_E_PROJECT with a position if the text is no settings file, CORRIE_E_UNSUPPORTED if it is written so that it
 * must be edited by hand. */
int settings_edit(const char *file, struct str source, struct str name, const struct str *value,
                  struct buf *out, corrie_error *err) CORRIE_MUST_USE;

/* Whether `config set` takes the name and the value. CORRIE_E_USAGE says what is wrong. */
int settings_check(struct str name, const struct str *value, corrie_error *err) CORRIE_MUST_USE;
/* Whether a value of that name is not for showing. */
bool settings_is_secret(struct str name);

#endif
