/* json_text.h — JSON written and read as text, for long listings: a tree of values (json.h) would cost
 * most of their time.
 *
 * Writing: bytes come out as js_format with no indent has them. Commas are put where they belong by
 * looking at what was written last, so fields are simply added one after the other:
 *
 *     jt_open(out, '{');
 *     jt_add_str(out, "name", name);
 *     jt_add_int(out, "records", 7);
 *     jt_close(out, '}');
 *
 * Reading: an object is split into its members without looking at what they are made of; for documents
 * of this library, not for what somebody else wrote. */
#ifndef CORRIE_BASE_JSON_TEXT_H
#define CORRIE_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/uuid.h"

/* ---- writing ---- */

/* '{' or '[', as an element or as the value of what jt_name named. */
void jt_open(struct buf *out, char bracket);
void jt_close(struct buf *out, char bracket);
/* "name": of the value that is added next. */
void jt_name(struct buf *out, struct str name);
/* Elements, or values after jt_name. Bad bytes of text become U+FFFD, as by js_string. */
void jt_string(struct buf *out, struct str text);
void jt_hash(struct buf *out, const struct hash *hash);
/* A value that is JSON already: "null", "true", 12. */
void jt_raw(struct buf *out, struct str json);
/* Fields: name and value. */
void jt_add_str(struct buf *out, const char *field, struct str text);
void jt_add_int(struct buf *out, const char *field, int64_t value);
void jt_add_hash(struct buf *out, const char *field, const struct hash *hash);
void jt_add_uuid(struct buf *out, const char *field, const struct uuid *uuid);
void jt_add_time(struct buf *out, const char *field, int64_t time);
void jt_add_null(struct buf *out, const char *field);

/* ---- reading ---- */

/* A member of an object: the name without its quotes, and the JSON of the value. Borrowed from the text. */
struct jt_member {
    struct str name;
    struct str value;
};

/* The members of the object that `text` is, in their order; none past `max`. CORRIE_E_DATA if the text is
 * no object, or is cut off. */
int jt_split(struct str text, struct jt_member *ret, size_t max, size_t *ret_n, corrie_error *err)
    CORRIE_MUST_USE;
/* The value of a member; empty if there is none. */
struct str jt_find(const struct jt_member *members, size_t n, const char *name);
/* Elements of an array: 1 and the next, taken off *rest; 0 at its end. `rest` starts as the array. */
bool jt_next(struct str *rest, struct str *ret);
static inline bool jt_is_string(struct str json)
{
    return json.len >= 2 && json.data[0] == '"';
}
/* The text of a JSON string: borrowed from it, or where it has escapes from `scratch`, which it is written
 * into (NULL: for what has none). Empty for other values. */
struct str jt_text(struct str json, struct buf *scratch);

#endif
