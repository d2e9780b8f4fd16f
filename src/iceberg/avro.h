/* avro.h — the part of Apache Avro 1.11 that Iceberg's manifests are made of: object container files,
 * reading by the writer's schema with field ids, writing by hand-made schemas. Private to the room (and its
 * fuzz target). Why not libavro: docs/decisions/0001-avro-codec.md.
 *
 * Invariants
 *   1. A cursor never reads outside its bytes, whatever they say; work is bounded by a budget that follows
 *      from their number, depth by CORRIE_MAX_AVRO_DEPTH.
 *   2. The first failure of a cursor stays: later reads give zeros and move nothing, so that a decoder
 *      reads a whole record and asks once.
 *   3. A type tree is immutable; named types may make it a graph with cycles. */
#ifndef CORRIE_ICEBERG_AVRO_H
#define CORRIE_ICEBERG_AVRO_H

#include <jansson.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

enum avro_kind {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_FIXED,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_UNION,
    AVRO_RECORD
};

struct avro_type;

struct avro_field {
    struct str name;
    int id; /* "field-id", -1 if there is none */
    const struct avro_type *type;
};

struct avro_type {
    enum avro_kind kind;
    size_t size;               /* fixed: bytes; enum: symbols */
    struct str logical;        /* "logicalType" or empty */
    struct avro_field *fields; /* record */
    size_t n_fields;
    const struct avro_type **parts; /* union: branches; array: items; map: values */
    size_t n_parts;
};

/* A schema's type tree, in `arena`. CORRIE_E_CORRUPT says what is wrong with it. */
int avro_schema_parse(struct str json, const char *what, struct arena *arena,
                      const struct avro_type **ret, corrie_error *err) CORRIE_MUST_USE;

/* ---- reading values ---- */

struct avro_cursor {
    const uint8_t *at;
    const uint8_t *end;
    uint64_t budget; /* steps left */
    unsigned depth;
    const char *failure; /* NULL, or what was wrong first; static text */
};

void avro_cursor_init(struct avro_cursor *cursor, struct str bytes);
void avro_cursor_fail(struct avro_cursor *cursor, const char *failure);
/* The failure that is not the file's fault. */
extern const char avro_out_of_memory[];
static inline bool avro_cursor_ok(const struct avro_cursor *cursor)
{
    return !cursor->failure;
}

/* The encodings themselves. */
int64_t avro_read_long(struct avro_cursor *cursor);
struct str avro_read_bytes(struct avro_cursor *cursor); /* length, then bytes; borrowed */
struct str avro_read_fixed(struct avro_cursor *cursor, size_t len); /* borrowed */

/* By the writer's type. True if there is a value, false if it is null or the cursor failed (also: when the
 * type is not of the wanted family). Int and long, string, bytes and fixed stand for each other. */
bool avro_get_long(struct avro_cursor *cursor, const struct avro_type *type, int64_t *ret);
bool avro_get_bool(struct avro_cursor *cursor, const struct avro_type *type, bool *ret);
bool avro_get_bytes(struct avro_cursor *cursor, const struct avro_type *type, struct str *ret);
/* Steps into a union: reads which branch it is and returns its type; another type comes back itself. NULL
 * if the value is null or the cursor failed. */
const struct avro_type *avro_enter(struct avro_cursor *cursor, const struct avro_type *type);
/* As avro_enter, for a value that must be of `kind`. */
const struct avro_type *avro_enter_kind(struct avro_cursor *cursor, const struct avro_type *type,
                                        enum avro_kind kind);
void avro_skip(struct avro_cursor *cursor, const struct avro_type *type);

/* Items of an array or pairs of a map: `struct avro_items items = {0}; while (avro_next(&cursor, &items)) …` */
struct avro_items {
    uint64_t left; /* in the block being read */
    bool ended;
};
bool avro_next(struct avro_cursor *cursor, struct avro_items *items);

/* ---- container files ---- */

struct avro_pair {
    struct str key;
    struct str value;
};

struct avro_file {
    const char *what;
    struct str blocks; /* what follows the header */
    struct avro_pair *metadata;
    size_t n_metadata;
    const struct avro_type *schema;
    struct str codec;
    uint8_t sync[16];
};

/* Reads the header. `bytes`, `what` and the arena must outlive the file. CORRIE_E_CORRUPT; CORRIE_E_UNSUPPORTED
 * for a codec other than null, deflate and zstandard, naming it. */
int avro_file_open(struct str bytes, const char *what, struct arena *arena, struct avro_file *ret,
                   corrie_error *err) CORRIE_MUST_USE;
/* False if the header lacks the key. */
bool avro_file_metadata(const struct avro_file *file, const char *key, struct str *ret);

/* Reads one record from the cursor, which must stand behind it afterwards. What the cursor lends is valid
 * during the call. A failed cursor is reported by the caller; a negative code needs *err set. */
typedef int (*avro_record_fn)(void *arg, struct avro_cursor *cursor, const struct avro_type *type,
                              corrie_error *err);
int avro_file_each(const struct avro_file *file, avro_record_fn record, void *arg,
                   corrie_error *err) CORRIE_MUST_USE;

/* ---- writing ---- */

void avro_put_long(struct buf *out, int64_t value);
void avro_put_bytes(struct buf *out, struct str bytes);
void avro_put_bool(struct buf *out, bool value);
/* Branch of a ["null", T] union. */
static inline void avro_put_null(struct buf *out)
{
    avro_put_long(out, 0);
}
static inline void avro_put_some(struct buf *out)
{
    avro_put_long(out, 1);
}

/* A container being written, deflate-compressed in blocks of about 1 MiB. Append a record's bytes to
 * `writer.block`, then call avro_writer_record. */
struct avro_writer {
    struct buf *out;
    struct buf block;
    struct buf packed;
    int64_t n_records;
    uint8_t sync[16];
};

int avro_writer_begin(struct avro_writer *writer, struct buf *out, struct str schema_json,
                      const struct avro_pair *metadata, size_t n_metadata, corrie_error *err)
    CORRIE_MUST_USE;
int avro_writer_record(struct avro_writer *writer, corrie_error *err) CORRIE_MUST_USE;
int avro_writer_finish(struct avro_writer *writer, corrie_error *err) CORRIE_MUST_USE;
void avro_writer_done(struct avro_writer *writer);

#endif
