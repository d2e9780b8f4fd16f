/* json.h — JSON by jansson, with bounds, canonical form and errors that name the field.
 *
 * Names start with `js_`, since jansson owns `json_`. Objects got from others are borrowed as jansson
 * does it: js_get_* never change a reference count. */
#ifndef CORRIE_BASE_JSON_H
#define CORRIE_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/uuid.h"

static inline void js_decrefp(json_t **value)
{
    json_decref(*value);
}
/* `_json_ json_t *doc = NULL;` */
#define _json_ _cleanup_(js_decrefp)

/* Parses exactly one JSON document. Refuses duplicate keys, more than CORRIE_MAX_JSON bytes or
 * CORRIE_MAX_JSON_DEPTH levels, and NUL in keys. `what` names the source in errors ("lake.json").
 * CORRIE_E_DATA with line and column otherwise. */
int js_parse(struct str text, const char *what, json_t **ret, corrie_error *err) CORRIE_MUST_USE;

/* jansson's json_loadb with its flags, for a text of a library that js_parse would refuse; safe when memory runs out.
 * CORRIE_E_DATA and *ret_reason, or CORRIE_E_NO_MEMORY. */
int js_load(struct str text, size_t flags, json_t **ret, json_error_t *ret_reason) CORRIE_MUST_USE;

/* As js_parse, and the text must be byte for byte what js_canonical writes: CORRIE_E_CORRUPT if not. */
int js_parse_canonical(struct str text, const char *what, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;

/* Canonical form (docs/formats/objects.md): UTF-8, keys sorted by bytes, no white space, only `"`, `\` and
 * controls escaped. CORRIE_E_INTERNAL if the value holds a float. */
int js_canonical(const json_t *value, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

/* For people and files: keys in order of insertion; `indent` spaces a level, 0 = one line. */
int js_format(const json_t *value, int indent, struct buf *out, corrie_error *err) CORRIE_MUST_USE;

/* UTF-8 text as a JSON string with its quotes, as both of the above write it. */
void js_add_string(struct buf *out, struct str text);

/* Fields of an object. The js_get_* forms fail with `code` naming the field when it is missing or of
 * another type; js_opt_* return false / leave *ret as it was when it is missing or null, and fail only
 * on another type. Strings are borrowed from the object. */
int js_get_str(const json_t *object, const char *field, struct str *ret, int code,
               corrie_error *err) CORRIE_MUST_USE;
int js_get_int(const json_t *object, const char *field, int64_t *ret, int code, corrie_error *err)
    CORRIE_MUST_USE;
int js_get_bool(const json_t *object, const char *field, bool *ret, int code, corrie_error *err)
    CORRIE_MUST_USE;
int js_get_array(const json_t *object, const char *field, json_t **ret, int code, corrie_error *err)
    CORRIE_MUST_USE;
int js_get_object(const json_t *object, const char *field, json_t **ret, int code,
                  corrie_error *err) CORRIE_MUST_USE;
/* 1 found, 0 missing or null (outputs untouched), negative: of another type. */
int js_opt_str(const json_t *object, const char *field, struct str *ret, int code,
               corrie_error *err) CORRIE_MUST_USE;
int js_opt_int(const json_t *object, const char *field, int64_t *ret, int code, corrie_error *err)
    CORRIE_MUST_USE;
int js_opt_bool(const json_t *object, const char *field, bool *ret, int code, corrie_error *err)
    CORRIE_MUST_USE;
int js_opt_array(const json_t *object, const char *field, json_t **ret, int code, corrie_error *err)
    CORRIE_MUST_USE;
int js_opt_object(const json_t *object, const char *field, json_t **ret, int code,
                  corrie_error *err) CORRIE_MUST_USE;

/* Building: each sets a field of `object`, consuming `value` where it is a json_t, and returns 0 or
 * CORRIE_E_NO_MEMORY (NULL `value` counts as no memory). Text that is not UTF-8 is stored with each bad
 * byte replaced by U+FFFD. */
int js_set(json_t *object, const char *field, json_t *value) CORRIE_MUST_USE;
int js_set_str(json_t *object, const char *field, struct str text) CORRIE_MUST_USE;
int js_set_int(json_t *object, const char *field, int64_t value) CORRIE_MUST_USE;
int js_set_bool(json_t *object, const char *field, bool value) CORRIE_MUST_USE;
/* The forms that values of these kinds have everywhere: hex, 8-4-4-4-12, UTC text (`time` in nanoseconds since
 * 1970). A NULL hash is null. */
int js_set_hash(json_t *object, const char *field, const struct hash *hash) CORRIE_MUST_USE;
int js_set_uuid(json_t *object, const char *field, const struct uuid *uuid) CORRIE_MUST_USE;
int js_set_time(json_t *object, const char *field, int64_t time) CORRIE_MUST_USE;
/* A count; null for one that is not known, which is below 0. */
json_t *js_count(int64_t count);
/* A JSON string of `text` under the same rule; NULL when memory ran out. */
json_t *js_string(struct str text) CORRIE_MUST_USE;
static inline struct str js_str(const json_t *string)
{
    return (struct str){json_string_value(string), json_string_length(string)};
}

/* An error as users' programs see it: {"type","message","hint","context":{"file","line","column","detail"}}, with
 * null where there is nothing. New reference; NULL when memory ran out. */
json_t *js_error(const corrie_error *err) CORRIE_MUST_USE;

/* Ends a document: formats it on one line into a heap string (mem_free, which corrie_free is) and drops the
 * reference. A NULL `document` is out of memory. */
int js_give(json_t *document, char **ret, corrie_error *err) CORRIE_MUST_USE;

/* Routes jansson's memory through mem.h. Called by the first js_parse; call it first where documents are
 * built without parsing. */
void js_setup(void);

#endif
