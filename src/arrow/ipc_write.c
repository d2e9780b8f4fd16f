/* Writing IPC streams.
 *
 * The record batch message is laid out by hand (write_metadata): it is one fixed shape, and doing it here lets
 * buffers go straight from the arrays to the output at 64-byte places, which nanoarrow's encoder, with its
 * contiguous body and 8-byte places, does not offer. The schema message is nanoarrow's. */
#include "arrow/ipc_priv.h"

#include <nanoarrow/nanoarrow_ipc.h>

#include "base/limits.h"
#include "base/vec.h"

struct output {
    ipc_write_fn write;
    void *arg;
    uint64_t bytes;
};

static const char zeros[IPC_ALIGNMENT];

static int put(struct output *out, const void *bytes, size_t len, corrie_error *err)
{
    if (len == 0) {
        return 0;
    }
    int r = out->write(out->arg, bytes, len, err);
    if (r < 0) {
        return r;
    }
    out->bytes += len;
    return 0;
}

static size_t padding(size_t len)
{
    return (IPC_ALIGNMENT - len % IPC_ALIGNMENT) % IPC_ALIGNMENT;
}

/* Prefix, metadata and padding: the body begins at a multiple of 64. */
static int put_metadata(struct output *out, struct str metadata, corrie_error *err)
{
    _cleanup_(buf_done) struct buf prefix = {0};
    size_t pad = padding(PREFIX_SIZE + metadata.len);

    buf_add_le32(&prefix, UINT32_MAX);
    buf_add_le32(&prefix, (uint32_t)(metadata.len + pad));
    int r = buf_check(&prefix, err);
    if (r >= 0) {
        r = put(out, prefix.data, prefix.len, err);
    }
    if (r >= 0) {
        r = put(out, metadata.data, metadata.len, err);
    }
    return r < 0 ? r : put(out, zeros, pad, err);
}

/* ---- schema ---- */

static int put_schema(struct output *out, struct ArrowSchema *const *fields, size_t n_fields,
                      corrie_error *err)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema root = {0};
    struct ArrowIpcEncoder encoder;
    struct ArrowBuffer buffer;
    struct ArrowError error = {0};

    ArrowSchemaInit(&root);
    if (ArrowSchemaSetTypeStruct(&root, (int64_t)n_fields) != NANOARROW_OK) {
        return corrie_fail_memory(err);
    }
    root.flags = 0;
    for (size_t i = 0; i < n_fields; i++) {
        arrow_schema_done(root.children[i]);
        int r = ipc_plain_schema(fields[i], root.children[i], err);
        if (r < 0) {
            return r;
        }
    }
    if (ArrowIpcEncoderInit(&encoder) != NANOARROW_OK) {
        return corrie_fail_memory(err);
    }
    ArrowBufferInit(&buffer);
    int result = ArrowIpcEncoderEncodeSchema(&encoder, &root, &error);
    if (result == NANOARROW_OK) {
        result = ArrowIpcEncoderFinalizeBuffer(&encoder, 0, &buffer);
    }
    int r = result == NANOARROW_OK
                ? put_metadata(out, str_make((char *)buffer.data, (size_t)buffer.size_bytes), err)
                : arrow_fail(err, CORRIE_E_UNSUPPORTED, result, error.message);
    ArrowBufferReset(&buffer);
    ArrowIpcEncoderReset(&encoder);
    return r;
}

/* ---- a record batch ---- */

static void batch_done(struct ipc_batch *batch)
{
    arena_done(&batch->arena);
    vec_done(&batch->nodes);
    vec_done(&batch->pieces);
}

int ipc_add_node(struct ipc_batch *batch, int64_t length, int64_t null_count, corrie_error *err)
{
    struct ipc_node node = {length, null_count};
    return vec_push(&batch->nodes, node) < 0 ? corrie_fail_memory(err) : 0;
}

int ipc_add_piece(struct ipc_batch *batch, const void *data, size_t len, corrie_error *err)
{
    struct ipc_piece piece = {data, len};
    return vec_push(&batch->pieces, piece) < 0 ? corrie_fail_memory(err) : 0;
}

/* `length` bits from bit `offset` on, moved to the start of a byte where they are not there already. */
static int add_bits(struct ipc_batch *batch, const uint8_t *bits, int64_t offset, int64_t length,
                    corrie_error *err)
{
    size_t len = (size_t)(length + 7) / 8;

    if (offset % 8 == 0) {
        return ipc_add_piece(batch, bits + offset / 8, len, err);
    }
    uint8_t *moved = arena_alloc(&batch->arena, len, 1);
    if (!moved) {
        return corrie_fail_memory(err);
    }
    const uint8_t *from = bits + offset / 8;
    size_t last = (size_t)((offset + length - 1) / 8 - offset / 8); /* last byte that may be read */
    unsigned shift = (unsigned)(offset % 8);
    for (size_t i = 0; i < len; i++) {
        unsigned high = i + 1 <= last ? (unsigned)from[i + 1] << (8 - shift) : 0;
        moved[i] = (uint8_t)((unsigned)from[i] >> shift | high);
    }
    return ipc_add_piece(batch, moved, len, err);
}

/* Node and validity of rows [offset, offset + length). */
static int add_validity(struct ipc_batch *batch, const struct ArrowArray *array, int64_t offset,
                        int64_t length, corrie_error *err)
{
    const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;
    int64_t nulls = 0;

    if (bits && array->null_count != 0 && length > 0) {
        nulls = length - ArrowBitCountSet(bits, offset, length);
    }
    int r = ipc_add_node(batch, length, nulls, err);
    if (r < 0) {
        return r;
    }
    return nulls > 0 ? add_bits(batch, bits, offset, length, err)
                     : ipc_add_piece(batch, zeros, 0, err);
}

/* Offsets of `length` elements from `offset` on, rebased to 0; *ret_first and *ret_last bound what they
 * name. */
static int add_offsets32(struct ipc_batch *batch, const int32_t *offsets, int64_t offset,
                         int64_t length, int64_t *ret_first, int64_t *ret_last, corrie_error *err)
{
    size_t count = (size_t)length + 1;

    *ret_first = *ret_last = 0;
    if (length == 0 || !offsets) {
        return ipc_add_piece(batch, zeros, sizeof *offsets, err);
    }
    offsets += offset;
    int32_t first = offsets[0];
    *ret_first = first;
    *ret_last = offsets[length];
    if (first == 0) {
        return ipc_add_piece(batch, offsets, count * sizeof *offsets, err);
    }
    int32_t *rebased = arena_array(&batch->arena, int32_t, count);
    if (!rebased) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        rebased[i] = offsets[i] - first;
    }
    return ipc_add_piece(batch, rebased, count * sizeof *rebased, err);
}

static int add_offsets64(struct ipc_batch *batch, const int64_t *offsets, int64_t offset,
                         int64_t length, int64_t *ret_first, int64_t *ret_last, corrie_error *err)
{
    size_t count = (size_t)length + 1;

    *ret_first = *ret_last = 0;
    if (length == 0 || !offsets) {
        return ipc_add_piece(batch, zeros, sizeof *offsets, err);
    }
    offsets += offset;
    int64_t first = offsets[0];
    *ret_first = first;
    *ret_last = offsets[length];
    if (first == 0) {
        return ipc_add_piece(batch, offsets, count * sizeof *offsets, err);
    }
    int64_t *rebased = arena_array(&batch->arena, int64_t, count);
    if (!rebased) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        rebased[i] = offsets[i] - first;
    }
    return ipc_add_piece(batch, rebased, count * sizeof *rebased, err);
}

static int add_offsets(struct ipc_batch *batch, const struct ArrowArray *array, bool large,
                       int64_t offset, int64_t length, int64_t *ret_first, int64_t *ret_last,
                       corrie_error *err)
{
    return large
               ? add_offsets64(batch, array->buffers[1], offset, length, ret_first, ret_last, err)
               : add_offsets32(batch, array->buffers[1], offset, length, ret_first, ret_last, err);
}

static int add_array(struct ipc_batch *batch, const struct ArrowSchema *schema,
                     const struct ArrowArray *array, int64_t offset, int64_t length,
                     corrie_error *err);

/* A child, of whose rows [from, from + length) are wanted. */
static int add_child(struct ipc_batch *batch, const struct ArrowSchema *schema,
                     const struct ArrowArray *array, int64_t i, int64_t from, int64_t length,
                     corrie_error *err)
{
    const struct ArrowArray *child = array->children[i];
    return add_array(batch, schema->children[i], child, child->offset + from, length, err);
}

static int add_list(struct ipc_batch *batch, const struct ArrowSchema *schema,
                    const struct ArrowArray *array, bool large, int64_t offset, int64_t length,
                    corrie_error *err)
{
    int64_t first;
    int64_t last;

    int r = add_validity(batch, array, offset, length, err);
    if (r >= 0) {
        r = add_offsets(batch, array, large, offset, length, &first, &last, err);
    }
    return r < 0 ? r : add_child(batch, schema, array, 0, first, last - first, err);
}

static int add_text(struct ipc_batch *batch, const struct ArrowArray *array, bool large,
                    int64_t offset, int64_t length, corrie_error *err)
{
    int64_t first;
    int64_t last;

    int r = add_validity(batch, array, offset, length, err);
    if (r >= 0) {
        r = add_offsets(batch, array, large, offset, length, &first, &last, err);
    }
    if (r < 0) {
        return r;
    }
    const char *data = array->buffers[2] ? array->buffers[2] : zeros;
    return ipc_add_piece(batch, data + first, (size_t)(last - first), err);
}

static int add_fixed(struct ipc_batch *batch, const struct ArrowArray *array, int64_t bits,
                     int64_t offset, int64_t length, corrie_error *err)
{
    int r = add_validity(batch, array, offset, length, err);
    if (r < 0) {
        return r;
    }
    const char *data = array->buffers[1] ? array->buffers[1] : zeros;
    if (length == 0) {
        return ipc_add_piece(batch, zeros, 0, err);
    }
    if (bits == 1) {
        return add_bits(batch, (const uint8_t *)data, offset, length, err);
    }
    return ipc_add_piece(batch, data + offset * (bits / 8), (size_t)(length * (bits / 8)), err);
}

/* Rows [offset, offset + length) counted from the start of the array's buffers. */
static int add_array(struct ipc_batch *batch, const struct ArrowSchema *schema,
                     const struct ArrowArray *array, int64_t offset, int64_t length,
                     corrie_error *err)
{
    struct ArrowSchemaView view;
    struct ArrowError error = {0};

    int r = ArrowSchemaViewInit(&view, schema, &error);
    if (r != NANOARROW_OK) {
        return arrow_fail(err, CORRIE_E_DATA, r, error.message);
    }
    if (view.type == NANOARROW_TYPE_DICTIONARY) {
        return ipc_add_dictionary(batch, schema, array, offset, length, err);
    }
    switch (view.storage_type) {
    case NANOARROW_TYPE_NA:
        return ipc_add_node(batch, length, length, err);
    case NANOARROW_TYPE_STRING:
    case NANOARROW_TYPE_BINARY:
        return add_text(batch, array, false, offset, length, err);
    case NANOARROW_TYPE_LARGE_STRING:
    case NANOARROW_TYPE_LARGE_BINARY:
        return add_text(batch, array, true, offset, length, err);
    case NANOARROW_TYPE_LIST:
    case NANOARROW_TYPE_MAP:
        return add_list(batch, schema, array, false, offset, length, err);
    case NANOARROW_TYPE_LARGE_LIST:
        return add_list(batch, schema, array, true, offset, length, err);
    case NANOARROW_TYPE_FIXED_SIZE_LIST:
        r = add_validity(batch, array, offset, length, err);
        return r < 0 ? r
                     : add_child(batch, schema, array, 0, offset * view.fixed_size,
                                 length * view.fixed_size, err);
    case NANOARROW_TYPE_STRUCT:
        r = add_validity(batch, array, offset, length, err);
        for (int64_t i = 0; r >= 0 && i < array->n_children; i++) {
            r = add_child(batch, schema, array, i, offset, length, err);
        }
        return r;
    default:
        if (view.layout.buffer_type[1] == NANOARROW_BUFFER_TYPE_DATA &&
            view.layout.buffer_type[2] == NANOARROW_BUFFER_TYPE_NONE) {
            return add_fixed(batch, array, view.layout.element_size_bits[1], offset, length, err);
        }
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "type %s cannot be sent to a function",
                           ArrowTypeString(view.type));
    }
}

/* ---- its message ----
 *
 *   0  u32 16, the root table
 *   4  vtable of Message: sizes 12, 20; version at 4, header type at 6, header at 16, body length at 8
 *  16  Message: i32 12 (to the vtable), u16 version, u8 type, pad, i64 body length, u32 to RecordBatch
 *  40  vtable of RecordBatch: sizes 10, 20; length at 8, nodes at 4, buffers at 16
 *  56  RecordBatch: i32 16 (to the vtable), u32 to nodes, i64 length, u32 to buffers
 *  76  u32 number of nodes, then from 80 on 16 bytes each
 *  84 + 16 n  u32 number of buffers, then 16 bytes each */
static void add_le16(struct buf *out, unsigned value)
{
    buf_add_char(out, (char)(unsigned char)(value & 0xff));
    buf_add_char(out, (char)(unsigned char)(value >> 8));
}

static void add_le16s(struct buf *out, const unsigned *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        add_le16(out, values[i]);
    }
}

static void write_metadata(const struct ipc_batch *batch, int64_t length, uint64_t body_length,
                           struct buf *out)
{
    static const unsigned message_vtable[] = {12, 20, 4, 6, 16, 8};
    static const unsigned batch_vtable[] = {10, 20, 8, 4, 16};
    uint64_t at = 0;

    buf_add_le32(out, 16);
    add_le16s(out, message_vtable, ARRAY_LEN(message_vtable));
    buf_add_le32(out, 12);
    add_le16(out, METADATA_V5);
    buf_add_char(out, HEADER_BATCH);
    buf_add_char(out, 0);
    buf_add_le64(out, body_length);
    buf_add_le32(out, 56 - 32);
    buf_add_fill(out, 0, 4);
    add_le16s(out, batch_vtable, ARRAY_LEN(batch_vtable));
    buf_add_fill(out, 0, 6);
    buf_add_le32(out, 16);
    buf_add_le32(out, 76 - 60);
    buf_add_le64(out, (uint64_t)length);
    buf_add_le32(out, (uint32_t)(84 + NODE_SIZE * batch->nodes.count - 72));
    buf_add_le32(out, (uint32_t)batch->nodes.count);
    for (size_t i = 0; i < batch->nodes.count; i++) {
        buf_add_le64(out, (uint64_t)batch->nodes.items[i].length);
        buf_add_le64(out, (uint64_t)batch->nodes.items[i].null_count);
    }
    buf_add_fill(out, 0, 4);
    buf_add_le32(out, (uint32_t)batch->pieces.count);
    for (size_t i = 0; i < batch->pieces.count; i++) {
        buf_add_le64(out, at);
        buf_add_le64(out, batch->pieces.items[i].len);
        at += batch->pieces.items[i].len + padding(batch->pieces.items[i].len);
    }
}

/* The arrays are of one length. */
static int put_batch(struct output *out, struct ArrowSchema *const *fields,
                     const struct ArrowArray *const *arrays, size_t n, int64_t length,
                     corrie_error *err)
{
    _cleanup_(batch_done) struct ipc_batch batch = {.arena = {.max = SIZE_MAX}};
    _cleanup_(buf_done) struct buf metadata = {0};
    uint64_t body_length = 0;

    for (size_t i = 0; i < n; i++) {
        int r = add_array(&batch, fields[i], arrays[i], arrays[i]->offset, length, err);
        if (r < 0) {
            return corrie_wrap(err, "column %s", fields[i]->name ? fields[i]->name : "");
        }
    }
    for (size_t i = 0; i < batch.pieces.count; i++) {
        size_t len = batch.pieces.items[i].len;
        body_length += len + padding(len);
    }
    write_metadata(&batch, length, body_length, &metadata);
    int r = buf_check(&metadata, err);
    if (r >= 0) {
        r = put_metadata(out, buf_str(&metadata), err);
    }
    for (size_t i = 0; r >= 0 && i < batch.pieces.count; i++) {
        const struct ipc_piece *piece = &batch.pieces.items[i];
        r = put(out, piece->data, piece->len, err);
        if (r >= 0) {
            r = put(out, zeros, padding(piece->len), err);
        }
    }
    return r;
}

static int put_end(struct output *out, corrie_error *err)
{
    static const unsigned char end[PREFIX_SIZE] = {0xff, 0xff, 0xff, 0xff};
    return put(out, end, sizeof end, err);
}

int ipc_encode_begin(struct ArrowSchema *const *fields, size_t n_fields, ipc_write_fn write,
                     void *arg, corrie_error *err)
{
    return put_schema(&(struct output){write, arg, 0}, fields, n_fields, err);
}

int ipc_encode_batch(struct ArrowSchema *const *fields, const struct ArrowArray *const *arrays,
                     size_t n_fields, int64_t length, ipc_write_fn write, void *arg,
                     corrie_error *err)
{
    return put_batch(&(struct output){write, arg, 0}, fields, arrays, n_fields, length, err);
}

int ipc_encode_end(ipc_write_fn write, void *arg, corrie_error *err)
{
    return put_end(&(struct output){write, arg, 0}, err);
}

void ipc_encode_torn(ipc_write_fn write, void *arg)
{
    static const unsigned char torn[PREFIX_SIZE] = {0xff, 0xff, 0xff, 0xff, 8}; /* 8 bytes follow */
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (put(&(struct output){write, arg, 0}, torn, sizeof torn, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
}

int ipc_encode_column(const struct arrow_column *column, ipc_write_fn write, void *arg,
                      uint64_t *ret_bytes, corrie_error *err)
{
    struct output out = {write, arg, 0};
    /* The pointer is const where it counts: nothing writes through it. */
    struct ArrowSchema *field = (struct ArrowSchema *)&column->schema;

    int r = put_schema(&out, &field, 1, err);
    for (size_t i = 0; r >= 0 && i < column->n_chunks; i++) {
        const struct ArrowArray *chunk = &column->chunks[i];
        r = put_batch(&out, &field, &chunk, 1, chunk->length, err);
    }
    if (r >= 0) {
        r = put_end(&out, err);
    }
    if (r < 0) {
        return r;
    }
    if (ret_bytes) {
        *ret_bytes = out.bytes;
    }
    return 0;
}

static int put_batches(struct output *out, struct ArrowArrayStream *stream,
                       struct ArrowSchema *const *fields, size_t n_fields, corrie_error *err)
{
    for (;;) {
        _cleanup_(arrow_array_done) struct ArrowArray batch = {0};
        int result = stream->get_next(stream, &batch);
        if (result != 0) {
            return arrow_fail(err, CORRIE_E_FAILED, result, stream->get_last_error(stream));
        }
        if (!batch.release) {
            return 0;
        }
        int r = put_batch(out, fields, (const struct ArrowArray *const *)batch.children, n_fields,
                          batch.length, err);
        if (r < 0) {
            return r;
        }
    }
}

int ipc_encode_table(const struct arrow_table *table, ipc_write_fn write, void *arg,
                     uint64_t *ret_bytes, corrie_error *err)
{
    struct output out = {write, arg, 0};
    _cleanup_(arrow_stream_done) struct ArrowArrayStream stream = {0};
    _free_ struct ArrowSchema **fields = mem_alloc(table->n_columns, sizeof(struct ArrowSchema *));

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        fields[i] = &table->columns[i]->schema;
    }
    int r = arrow_table_stream(table, 0, &stream, err);
    if (r >= 0) {
        r = put_schema(&out, fields, table->n_columns, err);
    }
    if (r >= 0) {
        r = put_batches(&out, &stream, fields, table->n_columns, err);
    }
    if (r >= 0) {
        r = put_end(&out, err);
    }
    if (r < 0) {
        return r;
    }
    if (ret_bytes) {
        *ret_bytes = out.bytes;
    }
    return 0;
}
