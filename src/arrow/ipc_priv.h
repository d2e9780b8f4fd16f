/* ipc_priv.h — what reading and writing of IPC streams share. */
#ifndef CORRIE_ARROW_IPC_PRIV_H
#define CORRIE_ARROW_IPC_PRIV_H

#include "arrow/array_priv.h"
#include "arrow/flat_priv.h"
#include "arrow/ipc.h"
#include "base/vec.h"

/* Numbers of Arrow's flatbuffer schemas (format/Message.fbs, Schema.fbs). */
enum { MESSAGE_VERSION, MESSAGE_HEADER_TYPE, MESSAGE_HEADER, MESSAGE_BODY_LENGTH };
enum { HEADER_SCHEMA = 1, HEADER_DICTIONARY = 2, HEADER_BATCH = 3 };
enum { BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION, BATCH_VARIADIC };
enum { COMPRESSION_CODEC, COMPRESSION_METHOD };
enum { CODEC_LZ4 = 0, CODEC_ZSTD = 1, CODEC_NONE = 255 };
enum { DICTIONARY_ID, DICTIONARY_DATA, DICTIONARY_DELTA };
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS, SCHEMA_METADATA };
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_TYPE,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_METADATA
};
enum { METADATA_V4 = 3, METADATA_V5 = 4 };
enum { NODE_SIZE = 16, BUFFER_SIZE = 16, PREFIX_SIZE = 8 };

/* What one stream may declare. */
#define IPC_MAX_SCHEMA_BYTES (16 * CORRIE_MiB)
#define IPC_MAX_ROWS (INT64_C(1) << 34) /* of one batch */
#define IPC_MAX_FIXED_SIZE (1 << 20)    /* bytes or elements of a fixed-size value */
#define IPC_MAX_DICTIONARIES 4096
#define IPC_ALIGNMENT 64

/* Types of the format that are told apart. */
enum { IPC_LARGE_BINARY = 19, IPC_LARGE_STRING = 20, IPC_BINARY_VIEW = 23, IPC_STRING_VIEW = 24 };
enum { IPC_VIEW_SIZE = 16 };

struct ipc_view_mark {
    size_t at; /* of the type, in the message */
    uint8_t type;
};

/* The type of each field in preorder; that of a dictionary's values where it has one. */
struct ipc_views {
    VEC(struct ipc_view_mark) fields;
    size_t count; /* of them: views */
};

/* Walks a schema message before anything else looks at it: depth, number of fields, and bytes of
 * names and metadata, however often the message refers to them, stay bounded; types that cannot be
 * read are refused by name, and so are views, unless `views` takes where they are. `message` is the flatbuffer without its prefix. */
int ipc_check_schema(struct str message, struct ipc_views *views, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- views (ipc_views.c) ---- */

/* Writes large types over those of the views in a copy of the message. What it says then is to be checked again: bytes
 * that a field's type stands in may stand for something else, too. */
void ipc_views_as_large(const struct ipc_views *views, char *message);

/* A view array as a batch has it. Nothing in it is believed. */
struct ipc_viewed {
    int64_t length;
    const uint8_t *valid; /* NULL: no nulls */
    size_t valid_bytes;
    struct str views;
    const struct str *buffers;
    size_t n_buffers;
};

/* The same as a large array: length + 1 offsets, and the bytes. In `arena`. CORRIE_E_DATA for a view of bytes that are not
 * there, CORRIE_E_LIMIT where more come out than CORRIE_MAX_ARENA. */
int ipc_unview(const struct ipc_viewed *viewed, struct arena *arena, int64_t **ret_offsets,
               struct str *ret_data, corrie_error *err) CORRIE_MUST_USE;

/* Unpacks one buffer of a compressed body (8 bytes of length, then the packed bytes; -1: they are not packed) into
 * `arena`. CORRIE_E_DATA for bytes that do not unpack to what they say (ipc_unpack.c). */
int ipc_unpack(uint8_t codec, struct str packed, struct arena *arena, struct str *ret,
               corrie_error *err) CORRIE_MUST_USE;

/* ---- writing ---- */

/* A buffer of a record batch: borrowed from an array, or in the encoder's arena. */
struct ipc_piece {
    const void *data;
    size_t len;
};

struct ipc_node {
    int64_t length;
    int64_t null_count;
};

/* One record batch on its way out. */
struct ipc_batch {
    struct arena arena; /* shifted and gathered buffers */
    struct {
        struct ipc_node *items;
        size_t count;
        size_t capacity;
    } nodes;
    struct {
        struct ipc_piece *items;
        size_t count;
        size_t capacity;
    } pieces;
};

int ipc_add_node(struct ipc_batch *batch, int64_t length, int64_t null_count, corrie_error *err)
    CORRIE_MUST_USE;
int ipc_add_piece(struct ipc_batch *batch, const void *data, size_t len, corrie_error *err)
    CORRIE_MUST_USE;

/* Adds rows [offset, offset + length) of a dictionary array (offset counts from the start of its
 * buffers) as plain values: strings and binaries become their large forms, as ipc_plain_schema
 * says. */
int ipc_add_dictionary(struct ipc_batch *batch, const struct ArrowSchema *schema,
                       const struct ArrowArray *array, int64_t offset, int64_t length,
                       corrie_error *err) CORRIE_MUST_USE;
/* The schema of a field as it is written: dictionaries replaced by their values, no name NULL. */
int ipc_plain_schema(const struct ArrowSchema *schema, struct ArrowSchema *ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
