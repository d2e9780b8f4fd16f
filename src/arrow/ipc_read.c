/* Reading IPC streams.
 *
 * The bytes may come from a function of the user's, so nothing in them is believed. The schema is decoded by
 * nanoarrow after ipc_check_schema; record batches and dictionaries are taken apart here, by the bounded reader of
 * flat_priv.h, and then validated in full by nanoarrow's view (offsets ascending and inside their data, lengths
 * of children, dictionary indexes), since its own batch decoder trusts counts and adds offsets unchecked. */
#include "arrow/ipc_priv.h"

#include <nanoarrow/nanoarrow_ipc.h>

#include "base/limits.h"
#include "base/vec.h"

/* What all arrays of one stream keep alive. */
struct mapping {
    int refs;
    struct ipc_hold hold;
};

static void mapping_ref(void *arg)
{
    struct mapping *mapping = arg;
    __atomic_fetch_add(&mapping->refs, 1, __ATOMIC_RELAXED);
}

static void mapping_unref(void *arg)
{
    struct mapping *mapping = arg;
    if (__atomic_sub_fetch(&mapping->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    if (mapping->hold.release) {
        mapping->hold.release(mapping->hold.arg);
    }
    mem_free(mapping);
}

/* The newest values for one dictionary field. Two fields with one id each have an entry: they may differ in
 * type, whatever the format says. */
struct dictionary {
    int64_t id;
    const struct ArrowSchema *field;
    struct ArrowArray values;
};

/* What the schema says of the messages that hold its values. */
struct shape {
    size_t nodes;
    size_t buffers; /* views as if they were large: three each */
    size_t views;
};

struct reader {
    struct str bytes;
    size_t at;
    size_t n_messages;
    struct array_owner owner;
    struct ArrowSchema schema;
    struct ArrowArrayView view;             /* of a batch */
    struct shape shape;                     /* that a batch has */
    struct ipc_views marks;                 /* fields that come as views */
    VEC(const struct ArrowSchema *) viewed; /* their schemas, which say that they are large */
    VEC(struct dictionary) dictionaries;
    struct arrow_column **columns;
    int64_t n_rows;
    bool unpacks;          /* compressed bodies are allowed */
    struct arena unpacked; /* of dictionaries: they stay */
    struct arena passing;  /* of the batch at hand */
    corrie_error *err;
};

static void reader_done(struct reader *reader)
{
    for (size_t i = 0; reader->columns && i < (size_t)reader->schema.n_children; i++) {
        arrow_column_unref(reader->columns[i]);
    }
    mem_free(reader->columns);
    for (size_t i = 0; i < reader->dictionaries.count; i++) {
        arrow_array_done(&reader->dictionaries.items[i].values);
    }
    vec_done(&reader->dictionaries);
    vec_done(&reader->marks.fields);
    vec_done(&reader->viewed);
    arena_done(&reader->passing);
    arena_done(&reader->unpacked);
    ArrowArrayViewReset(&reader->view);
    arrow_schema_done(&reader->schema);
    if (reader->owner.arg) {
        mapping_unref(reader->owner.arg);
    }
}

static int fail_data(struct reader *reader, const char *what)
{
    return corrie_fail(reader->err, CORRIE_E_DATA, "message %zu: %s", reader->n_messages, what);
}

static int fail_arrow(struct reader *reader, int result, const char *message)
{
    arrow_fail(reader->err, CORRIE_E_DATA, result, message);
    return corrie_wrap(reader->err, "message %zu", reader->n_messages);
}

/* ---- messages ---- */

struct message {
    struct str whole; /* prefix and metadata: what nanoarrow wants */
    struct flat flat; /* metadata */
    size_t header;    /* the table inside it */
    uint8_t type;
    struct str body;
};

/* The next message; 1, or 0 at the end of the stream. */
static int next_message(struct reader *reader, struct message *ret)
{
    struct str rest = str_from(reader->bytes, reader->at);
    struct message message = {0};
    uint32_t prefix[2];
    int16_t version = 0;
    int64_t body_length = 0;
    size_t root;

    reader->n_messages++;
    if (rest.len == 0 && reader->at > 0) {
        return 0;
    }
    if (rest.len < PREFIX_SIZE) {
        return fail_data(reader, "the stream is cut short");
    }
    memcpy(prefix, rest.data, sizeof prefix);
    if (prefix[0] != UINT32_MAX) {
        return fail_data(reader, str_starts(rest, STR("ARROW1"))
                                     ? "an Arrow file where a stream is expected"
                                     : "no Arrow IPC message begins here");
    }
    if (prefix[1] == 0) {
        return 0;
    }
    size_t length = prefix[1];
    if (length > INT32_MAX || length % 8 != 0 || length > rest.len - PREFIX_SIZE) {
        return fail_data(reader, "its metadata is cut short or has an odd length");
    }
    message.whole = str_slice(rest, 0, PREFIX_SIZE + length);
    message.flat.bytes = str_from(message.whole, PREFIX_SIZE);
    if (!flat_root(&message.flat, &root) ||
        !flat_i16(&message.flat, root, MESSAGE_VERSION, &version) ||
        !flat_u8(&message.flat, root, MESSAGE_HEADER_TYPE, &message.type) ||
        !flat_table(&message.flat, root, MESSAGE_HEADER, &message.header) ||
        !flat_i64(&message.flat, root, MESSAGE_BODY_LENGTH, &body_length) || message.header == 0) {
        return fail_data(reader, "its metadata is not well-formed");
    }
    if (version != METADATA_V4 && version != METADATA_V5) {
        return fail_data(reader, "its metadata is not of version 4 or 5");
    }
    rest = str_from(rest, message.whole.len);
    if (body_length < 0 || body_length % 8 != 0 || (uint64_t)body_length > rest.len) {
        return fail_data(reader, "its body is cut short or has an odd length");
    }
    message.body = str_slice(rest, 0, (size_t)body_length);
    reader->at += message.whole.len + message.body.len;
    *ret = message;
    return 1;
}

/* ---- schema ---- */

/* Whether values of this field come as views, and are made large. */
static bool is_viewed(const struct reader *reader, const struct ArrowSchema *schema)
{
    for (size_t i = 0; i < reader->viewed.count; i++) {
        if (reader->viewed.items[i] == schema) {
            return true;
        }
    }
    return false;
}

static void measure(const struct reader *reader, const struct ArrowArrayView *view,
                    const struct ArrowSchema *schema, struct shape *shape)
{
    shape->nodes++;
    shape->views += is_viewed(reader, schema);
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        shape->buffers += view->layout.buffer_type[i] != NANOARROW_BUFFER_TYPE_NONE;
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        measure(reader, view->children[i], schema->children[i], shape);
    }
}

/* Finds the schemas of the fields that were marked, in the same order. `next` counts them. */
static int list_views(struct reader *reader, const struct ArrowSchema *schema, size_t *next)
{
    const struct ArrowSchema *values = schema->dictionary ? schema->dictionary : schema;

    if (*next >= reader->marks.fields.count) {
        return fail_data(reader, "the schema message is not well-formed");
    }
    uint8_t type = reader->marks.fields.items[(*next)++].type;
    if (type == IPC_STRING_VIEW || type == IPC_BINARY_VIEW) {
        if (strcmp(values->format, type == IPC_STRING_VIEW ? "U" : "Z") != 0) {
            return fail_data(reader, "the schema message is not well-formed");
        }
        if (vec_push(&reader->viewed, values) < 0) {
            return corrie_fail_memory(reader->err);
        }
    }
    for (int64_t i = 0; i < values->n_children; i++) {
        int r = list_views(reader, values->children[i], next);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Sizes that would overflow when multiplied by a length. */
static int check_sizes(struct reader *reader, const struct ArrowSchema *schema)
{
    struct ArrowSchemaView view;
    struct ArrowError error = {0};

    int result = ArrowSchemaViewInit(&view, schema, &error);
    if (result != NANOARROW_OK) {
        return fail_arrow(reader, result, error.message);
    }
    if ((view.type == NANOARROW_TYPE_FIXED_SIZE_BINARY ||
         view.type == NANOARROW_TYPE_FIXED_SIZE_LIST) &&
        (view.fixed_size < 0 || view.fixed_size > IPC_MAX_FIXED_SIZE)) {
        return corrie_fail(reader->err, CORRIE_E_LIMIT, "a value of fixed size %d",
                           view.fixed_size);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        int r = check_sizes(reader, schema->children[i]);
        if (r < 0) {
            return r;
        }
    }
    return schema->dictionary ? check_sizes(reader, schema->dictionary) : 0;
}

/* An entry for each dictionary field of the tree. */
static int list_dictionaries(struct reader *reader, const struct ArrowSchema *schema,
                             const struct ArrowIpcDictionaryEncodings *encodings)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        int r = list_dictionaries(reader, schema->children[i], encodings);
        if (r < 0) {
            return r;
        }
    }
    if (!schema->dictionary) {
        return 0;
    }
    const struct ArrowIpcDictionaryEncoding *encoding =
        ArrowIpcDictionaryEncodingsFind(encodings, schema);
    if (!encoding) {
        return fail_data(reader, "a dictionary without id");
    }
    if (reader->dictionaries.count >= IPC_MAX_DICTIONARIES) {
        return corrie_fail(reader->err, CORRIE_E_LIMIT, "more than %d dictionaries",
                           IPC_MAX_DICTIONARIES);
    }
    struct dictionary dictionary = {.id = encoding->id, .field = schema};
    if (vec_push(&reader->dictionaries, dictionary) < 0) {
        return corrie_fail_memory(reader->err);
    }
    return list_dictionaries(reader, schema->dictionary, encodings);
}

static int decode_schema(struct reader *reader, struct str message)
{
    struct ArrowIpcDecoder decoder;
    struct ArrowIpcDictionaryEncodings encodings;
    struct ArrowError error = {0};
    struct ArrowBufferView whole = {.data.data = message.data, .size_bytes = (int64_t)message.len};

    if (ArrowIpcDecoderInit(&decoder) != NANOARROW_OK) {
        return corrie_fail_memory(reader->err);
    }
    int result = ArrowIpcDecoderVerifyHeader(&decoder, whole, &error);
    if (result == NANOARROW_OK) {
        result = ArrowIpcDecoderDecodeHeader(&decoder, whole, &error);
    }
    bool little = decoder.endianness == NANOARROW_IPC_ENDIANNESS_LITTLE;
    if (result == NANOARROW_OK) {
        result = ArrowIpcDecoderDecodeSchemaWithDictionaries(&decoder, &reader->schema, &encodings,
                                                             &error);
    }
    int r = 0;
    if (result != NANOARROW_OK) {
        r = fail_arrow(reader, result, error.message);
    } else {
        r = little ? list_dictionaries(reader, &reader->schema, &encodings)
                   : corrie_fail(reader->err, CORRIE_E_UNSUPPORTED, "a big-endian stream");
        ArrowIpcDictionaryEncodingsReset(&encodings);
    }
    ArrowIpcDecoderReset(&decoder);
    return r;
}

static int make_columns(struct reader *reader)
{
    reader->columns = mem_alloc((size_t)reader->schema.n_children, sizeof *reader->columns);
    if (!reader->columns) {
        return corrie_fail_memory(reader->err);
    }
    for (int64_t i = 0; i < reader->schema.n_children; i++) {
        struct ArrowSchema field = {0};
        /* Dictionary entries point into the reader's schema, so columns get copies. */
        if (ArrowSchemaDeepCopy(reader->schema.children[i], &field) != NANOARROW_OK) {
            return corrie_fail_memory(reader->err);
        }
        int r = arrow_column_new(&field, &reader->columns[i], reader->err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* The same with views as the large forms that they will be. */
static int decode_viewed(struct reader *reader, const struct message *message)
{
    struct str whole = message->whole;
    char *copy = arena_alloc(&reader->unpacked, whole.len, 1);
    size_t next = 0;

    if (!copy) {
        return corrie_fail_memory(reader->err);
    }
    memcpy(copy, whole.data, whole.len);
    ipc_views_as_large(&reader->marks, copy + PREFIX_SIZE);
    whole.data = copy;
    int r = ipc_check_schema(str_from(whole, PREFIX_SIZE), NULL, reader->err);
    if (r >= 0) {
        r = decode_schema(reader, whole);
    }
    for (int64_t i = 0; r >= 0 && i < reader->schema.n_children; i++) {
        r = list_views(reader, reader->schema.children[i], &next);
    }
    return r;
}

static int read_schema(struct reader *reader)
{
    struct message message;
    struct ArrowError error = {0};

    int r = next_message(reader, &message);
    if (r < 0) {
        return r;
    }
    if (r == 0 || message.type != HEADER_SCHEMA) {
        return fail_data(reader, "the stream does not begin with a schema");
    }
    r = ipc_check_schema(message.flat.bytes, reader->unpacks ? &reader->marks : NULL, reader->err);
    if (r >= 0) {
        r = reader->marks.count > 0 ? decode_viewed(reader, &message)
                                    : decode_schema(reader, message.whole);
    }
    if (r >= 0) {
        r = check_sizes(reader, &reader->schema);
    }
    if (r < 0) {
        return r;
    }
    int result = ArrowArrayViewInitFromSchema(&reader->view, &reader->schema, &error);
    if (result != NANOARROW_OK) {
        return fail_arrow(reader, result, error.message);
    }
    for (int64_t i = 0; i < reader->view.n_children; i++) {
        measure(reader, reader->view.children[i], reader->schema.children[i], &reader->shape);
    }
    return make_columns(reader);
}

/* ---- batches ---- */

/* A record batch being spread over a view. */
struct batch {
    const struct message *message;
    int64_t length;
    struct flat_vector nodes;
    struct flat_vector buffers;
    struct flat_vector variadic; /* of each view: how many buffers it has besides */
    size_t node;
    size_t buffer;
    size_t view;
    uint8_t codec;
    struct arena *unpacked;
};

/* How the body is compressed; `table` is its BodyCompression. */
static int read_codec(struct reader *reader, const struct flat *flat, size_t table, uint8_t *ret)
{
    uint8_t codec = CODEC_LZ4; /* the defaults of the format */
    uint8_t method = 0;

    if (!reader->unpacks) {
        int r = corrie_fail(reader->err, CORRIE_E_UNSUPPORTED, "message %zu: a compressed body",
                            reader->n_messages);
        corrie_hint(reader->err, "write the stream without compression");
        return r;
    }
    if (!flat_u8(flat, table, COMPRESSION_CODEC, &codec) ||
        !flat_u8(flat, table, COMPRESSION_METHOD, &method) || codec > CODEC_ZSTD || method != 0) {
        return fail_data(reader, "its compression is not known");
    }
    *ret = codec;
    return 0;
}

static int open_batch(struct reader *reader, const struct message *message, size_t table,
                      const struct shape *shape, struct batch *ret)
{
    uint64_t n_buffers = shape->buffers - shape->views; /* a view has two, and those besides */

    struct batch batch = {.message = message, .codec = CODEC_NONE, .unpacked = &reader->unpacked};
    const struct flat *flat = &message->flat;
    size_t compression;

    if (!flat_i64(flat, table, BATCH_LENGTH, &batch.length) ||
        !flat_vector(flat, table, BATCH_NODES, NODE_SIZE, &batch.nodes) ||
        !flat_vector(flat, table, BATCH_BUFFERS, BUFFER_SIZE, &batch.buffers) ||
        !flat_table(flat, table, BATCH_COMPRESSION, &compression)) {
        return fail_data(reader, "its record batch is not well-formed");
    }
    if (compression != 0) {
        int r = read_codec(reader, flat, compression, &batch.codec);

        if (r < 0) {
            return r;
        }
    }
    if (shape->views > 0) {
        if (!flat_vector(flat, table, BATCH_VARIADIC, 8, &batch.variadic) ||
            batch.variadic.count != shape->views) {
            return fail_data(reader, "its buffers of views are not counted");
        }
        for (size_t i = 0; i < batch.variadic.count; i++) {
            int64_t more = flat_i64_at(flat, batch.variadic.start + 8 * i);

            n_buffers += more >= 0 && (uint64_t)more <= batch.buffers.count ? (uint64_t)more
                                                                            : batch.buffers.count;
        }
    }
    if (batch.nodes.count != shape->nodes || batch.buffers.count != n_buffers) {
        return fail_data(reader, "its record batch does not match the schema");
    }
    if (batch.length < 0 || batch.length > IPC_MAX_ROWS) {
        return corrie_fail(reader->err, CORRIE_E_LIMIT, "message %zu: a batch of %lld rows",
                           reader->n_messages, (long long)batch.length);
    }
    *ret = batch;
    return 0;
}

static int take_buffer(struct reader *reader, struct batch *batch, struct ArrowBufferView *ret)
{
    const struct flat *flat = &batch->message->flat;
    size_t at = batch->buffers.start + BUFFER_SIZE * batch->buffer++;
    int64_t offset = flat_i64_at(flat, at);
    int64_t length = flat_i64_at(flat, at + 8);
    int64_t body = (int64_t)batch->message->body.len;

    *ret = (struct ArrowBufferView){.data.data = NULL, .size_bytes = 0};
    if (length == 0) {
        return 0;
    }
    if (offset < 0 || length < 0 || offset > body || length > body - offset || offset % 8 != 0) {
        return fail_data(reader, "a buffer lies outside of the body or not at a multiple of 8");
    }
    ret->data.data = batch->message->body.data + offset;
    ret->size_bytes = length;
    if (batch->codec != CODEC_NONE) {
        struct str bytes = str_slice(batch->message->body, (size_t)offset, (size_t)length);
        int r = ipc_unpack(batch->codec, bytes, batch->unpacked, &bytes, reader->err);

        if (r < 0) {
            return corrie_wrap(reader->err, "message %zu", reader->n_messages);
        }
        ret->data.data = bytes.len > 0 ? bytes.data : NULL;
        ret->size_bytes = (int64_t)bytes.len;
    }
    return 0;
}

static struct dictionary *find_dictionary(struct reader *reader, const struct ArrowSchema *field)
{
    for (size_t i = 0; i < reader->dictionaries.count; i++) {
        if (reader->dictionaries.items[i].field == field) {
            return &reader->dictionaries.items[i];
        }
    }
    return NULL;
}

static int set_dictionary(struct reader *reader, struct ArrowArrayView *view,
                          const struct ArrowSchema *schema)
{
    struct ArrowError error = {0};
    const struct dictionary *dictionary = find_dictionary(reader, schema);

    if (!dictionary || !dictionary->values.release) {
        return fail_data(reader, "a dictionary is used before its values came");
    }
    int result = ArrowArrayViewSetArray(view->dictionary, &dictionary->values, &error);
    return result == NANOARROW_OK ? 0 : fail_arrow(reader, result, error.message);
}

/* The buffers of a view array, as those of the large one that it becomes. */
static int set_viewed(struct reader *reader, struct batch *batch, struct ArrowArrayView *view)
{
    size_t n =
        (size_t)flat_i64_at(&batch->message->flat, batch->variadic.start + 8 * batch->view++);
    _free_ struct str *buffers = mem_alloc(n + 1, sizeof *buffers);
    struct ArrowBufferView fixed[2] = {{.size_bytes = 0}};
    struct ipc_viewed viewed = {.length = view->length, .buffers = buffers, .n_buffers = n};
    int64_t *offsets;
    struct str data;
    int r = buffers ? 0 : corrie_fail_memory(reader->err);

    for (size_t i = 0; r >= 0 && i < 2 + n; i++) {
        struct ArrowBufferView taken = {.size_bytes = 0};

        r = take_buffer(reader, batch, &taken);
        if (i < 2) {
            fixed[i] = taken;
        } else {
            buffers[i - 2] = str_make(taken.data.as_char, (size_t)taken.size_bytes);
        }
    }
    if (r < 0) {
        return r;
    }
    viewed.valid = fixed[0].data.as_uint8;
    viewed.valid_bytes = (size_t)fixed[0].size_bytes;
    viewed.views = str_make(fixed[1].data.as_char, (size_t)fixed[1].size_bytes);
    r = ipc_unview(&viewed, batch->unpacked, &offsets, &data, reader->err);
    if (r < 0) {
        return corrie_wrap(reader->err, "message %zu", reader->n_messages);
    }
    view->buffer_views[0] = fixed[0];
    view->buffer_views[1] = (struct ArrowBufferView){
        .data.as_int64 = offsets, .size_bytes = (view->length + 1) * (int64_t)sizeof *offsets};
    view->buffer_views[2] =
        (struct ArrowBufferView){.data.as_char = data.data, .size_bytes = (int64_t)data.len};
    return 0;
}

/* Lengths and buffers of one node and of those below it. */
static int set_view(struct reader *reader, struct batch *batch, struct ArrowArrayView *view,
                    const struct ArrowSchema *schema)
{
    const struct flat *flat = &batch->message->flat;
    size_t at = batch->nodes.start + NODE_SIZE * batch->node++;

    view->offset = 0;
    view->length = flat_i64_at(flat, at);
    view->null_count = flat_i64_at(flat, at + 8);
    if (view->length < 0 || view->length > IPC_MAX_ROWS) {
        return fail_data(reader, "an array has an impossible length");
    }
    bool viewed = is_viewed(reader, schema);
    if (viewed) {
        int r = set_viewed(reader, batch, view);
        if (r < 0) {
            return r;
        }
    }
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS && !viewed; i++) {
        if (view->layout.buffer_type[i] == NANOARROW_BUFFER_TYPE_NONE) {
            break;
        }
        int r = take_buffer(reader, batch, &view->buffer_views[i]);
        if (r < 0) {
            return r;
        }
    }
    if (schema->dictionary) {
        int r = set_dictionary(reader, view, schema);
        if (r < 0) {
            return r;
        }
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        int r = set_view(reader, batch, view->children[i], schema->children[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int64_t offset_at(const struct ArrowArrayView *view, int64_t i)
{
    return view->storage_type == NANOARROW_TYPE_STRING ? view->buffer_views[1].data.as_int32[i]
                                                       : view->buffer_views[1].data.as_int64[i];
}

static bool all_ascii(struct str text)
{
    uint64_t bits = 0;
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8) {
        uint64_t word;
        memcpy(&word, text.data + i, sizeof word);
        bits |= word;
    }
    for (; i < text.len; i++) {
        bits |= (uint64_t)(unsigned char)text.data[i];
    }
    return (bits & UINT64_C(0x8080808080808080)) == 0;
}

/* Text must be UTF-8: DuckDB and the readers of our files rely on it. Offsets are validated already. Where
 * everything is ASCII, which is one fast pass, no boundary can be wrong. */
static int check_text(struct reader *reader, const struct ArrowArrayView *view)
{
    const uint8_t *valid = view->buffer_views[0].data.as_uint8;

    if (view->length == 0) {
        return 0;
    }
    const char *data = view->buffer_views[2].data.as_char;
    int64_t first = offset_at(view, 0);
    int64_t last = offset_at(view, view->length);
    if (first == last || all_ascii(str_make(data + first, (size_t)(last - first)))) {
        return 0;
    }
    for (int64_t i = 0; i < view->length; i++) {
        int64_t from = offset_at(view, i);
        struct str text = str_make(data + from, (size_t)(offset_at(view, i + 1) - from));
        if ((!valid || ArrowBitGet(valid, i)) && !str_is_utf8(text, NULL)) {
            return corrie_fail(reader->err, CORRIE_E_DATA, "row %lld of a batch is not UTF-8 text",
                               (long long)i + 1);
        }
    }
    return 0;
}

/* After the sizes are known to be right: the number of nulls from the bitmap itself, and UTF-8. */
static int check_values(struct reader *reader, struct ArrowArrayView *view)
{
    const uint8_t *valid = view->layout.buffer_type[0] == NANOARROW_BUFFER_TYPE_VALIDITY
                               ? view->buffer_views[0].data.as_uint8
                               : NULL;

    view->null_count = 0;
    if (view->storage_type == NANOARROW_TYPE_NA) {
        view->null_count = view->length;
    } else if (valid && view->length > 0) {
        view->null_count = view->length - ArrowBitCountSet(valid, 0, view->length);
    }
    if (view->storage_type == NANOARROW_TYPE_STRING ||
        view->storage_type == NANOARROW_TYPE_LARGE_STRING) {
        int r = check_text(reader, view);
        if (r < 0) {
            return r;
        }
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        int r = check_values(reader, view->children[i]);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int validate(struct reader *reader, struct ArrowArrayView *view)
{
    struct ArrowError error = {0};
    int result = ArrowArrayViewValidate(view, NANOARROW_VALIDATION_LEVEL_FULL, &error);
    return result == NANOARROW_OK ? 0 : fail_arrow(reader, result, error.message);
}

/* Stands for a buffer of no bytes where readers expect a pointer. */
static const int64_t empty_buffer[2];

/* The array that a validated view describes. */
static int make_array(struct reader *reader, const struct ArrowArrayView *view,
                      const struct ArrowSchema *schema, struct ArrowArray *ret)
{
    _cleanup_(arrow_array_done) struct ArrowArray array = {0};
    int64_t n_buffers = 0;

    while (n_buffers < NANOARROW_MAX_FIXED_BUFFERS &&
           view->layout.buffer_type[n_buffers] != NANOARROW_BUFFER_TYPE_NONE) {
        n_buffers++;
    }
    int r = array_node_new(&reader->owner, n_buffers, view->n_children, schema->dictionary != NULL,
                           &array, reader->err);
    if (r < 0) {
        return r;
    }
    array.length = view->length;
    array.null_count = view->null_count;
    for (int64_t i = 0; i < n_buffers; i++) {
        const void *data = view->buffer_views[i].data.data;
        bool validity = view->layout.buffer_type[i] == NANOARROW_BUFFER_TYPE_VALIDITY;
        array_node_buffers(&array)[i] = data || validity ? data : empty_buffer;
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        r = make_array(reader, view->children[i], schema->children[i], array.children[i]);
        if (r < 0) {
            return r;
        }
    }
    if (schema->dictionary) {
        r = array_share(&find_dictionary(reader, schema)->values, &reader->owner, array.dictionary,
                        reader->err);
        if (r < 0) {
            return r;
        }
    }
    *ret = TAKE(array);
    return 0;
}

static int read_batch(struct reader *reader, const struct message *message)
{
    struct batch batch;

    int r = open_batch(reader, message, message->header, &reader->shape, &batch);
    if (r < 0) {
        return r;
    }
    batch.unpacked = &reader->passing;
    reader->view.length = batch.length;
    reader->view.null_count = 0;
    for (int64_t i = 0; i < reader->view.n_children; i++) {
        r = set_view(reader, &batch, reader->view.children[i], reader->schema.children[i]);
        if (r >= 0 && reader->view.children[i]->length != batch.length) {
            r = fail_data(reader, "a column is not as long as its batch");
        }
        if (r < 0) {
            return r;
        }
    }
    r = validate(reader, &reader->view);
    for (int64_t i = 0; r >= 0 && i < reader->view.n_children; i++) {
        struct ArrowArray array = {0};
        r = check_values(reader, reader->view.children[i]);
        if (r >= 0) {
            r = make_array(reader, reader->view.children[i], reader->schema.children[i], &array);
        }
        if (r >= 0) {
            r = arrow_column_append(reader->columns[i], &array, reader->err);
        }
        if (r < 0) {
            return corrie_wrap(reader->err, "column %s", reader->schema.children[i]->name);
        }
    }
    if (r >= 0 && __builtin_add_overflow(reader->n_rows, batch.length, &reader->n_rows)) {
        r = fail_data(reader, "too many rows");
    }
    return r;
}

/* ---- dictionaries ---- */

static int read_values(struct reader *reader, const struct message *message, size_t table,
                       struct dictionary *dictionary)
{
    struct ArrowArrayView view = {0};
    struct ArrowArray values = {0};
    struct ArrowError error = {0};
    struct batch batch;
    struct shape shape = {0};

    int result = ArrowArrayViewInitFromSchema(&view, dictionary->field->dictionary, &error);
    int r = result == NANOARROW_OK ? 0 : fail_arrow(reader, result, error.message);
    if (r >= 0) {
        measure(reader, &view, dictionary->field->dictionary, &shape);
        r = open_batch(reader, message, table, &shape, &batch);
    }
    if (r >= 0) {
        r = set_view(reader, &batch, &view, dictionary->field->dictionary);
    }
    if (r >= 0) {
        r = validate(reader, &view);
    }
    if (r >= 0) {
        r = check_values(reader, &view);
    }
    if (r >= 0) {
        r = make_array(reader, &view, dictionary->field->dictionary, &values);
    }
    ArrowArrayViewReset(&view);
    if (r < 0) {
        return r;
    }
    arrow_array_done(&dictionary->values);
    dictionary->values = values;
    return 0;
}

static int read_dictionary(struct reader *reader, const struct message *message)
{
    const struct flat *flat = &message->flat;
    int64_t id = 0;
    uint8_t delta = 0;
    size_t table;
    bool known = false;

    if (!flat_i64(flat, message->header, DICTIONARY_ID, &id) ||
        !flat_table(flat, message->header, DICTIONARY_DATA, &table) ||
        !flat_u8(flat, message->header, DICTIONARY_DELTA, &delta) || table == 0) {
        return fail_data(reader, "its dictionary is not well-formed");
    }
    if (delta) {
        return corrie_fail(reader->err, CORRIE_E_UNSUPPORTED, "message %zu: a delta dictionary",
                           reader->n_messages);
    }
    for (size_t i = 0; i < reader->dictionaries.count; i++) {
        struct dictionary *dictionary = &reader->dictionaries.items[i];
        if (dictionary->id == id) {
            known = true;
            int r = read_values(reader, message, table, dictionary);
            if (r < 0) {
                return r;
            }
        }
    }
    return known ? 0 : fail_data(reader, "a dictionary that no column uses");
}

/* ---- the stream ---- */

/* Hands over the rows that came and forgets them. */
static int pass_batch(struct reader *reader, ipc_batch_fn each, void *arg)
{
    struct arrow_table *table = NULL;
    int r = arrow_table_new(reader->columns, (size_t)reader->schema.n_children, reader->n_rows,
                            &table, reader->err);

    if (r >= 0) {
        r = each(arg, table, reader->err);
        arrow_table_unref(table);
    }
    for (size_t i = 0; i < (size_t)reader->schema.n_children; i++) {
        struct arrow_column *column = reader->columns[i];

        for (size_t k = 0; k < column->n_chunks; k++) {
            arrow_array_done(&column->chunks[k]);
        }
        column->n_chunks = 0;
        column->n_rows = 0;
    }
    reader->n_rows = 0;
    arena_done(&reader->passing);
    return r;
}

static int read_stream(struct reader *reader, ipc_batch_fn each, void *arg)
{
    struct message message;

    if ((uintptr_t)reader->bytes.data % 8 != 0) {
        return corrie_fail(reader->err, CORRIE_E_INTERNAL, "an IPC stream at an odd address");
    }
    int r = read_schema(reader);
    if (r >= 0 && each) {
        r = pass_batch(reader, each, arg);
    }
    while (r >= 0) {
        r = next_message(reader, &message);
        if (r <= 0) {
            return r;
        }
        switch (message.type) {
        case HEADER_BATCH:
            r = read_batch(reader, &message);
            if (r >= 0 && each) {
                r = pass_batch(reader, each, arg);
            }
            break;
        case HEADER_DICTIONARY:
            r = read_dictionary(reader, &message);
            break;
        default:
            r = fail_data(reader, "neither a record batch nor a dictionary");
        }
    }
    return r;
}

/* Takes `hold`, also on failure. */
static int reader_init(struct reader *reader, struct ipc_hold hold)
{
    struct mapping *mapping = mem_alloc(1, sizeof *mapping);
    if (!mapping) {
        if (hold.release) {
            hold.release(hold.arg);
        }
        return corrie_fail_memory(reader->err);
    }
    mapping->refs = 1;
    mapping->hold = hold;
    reader->owner = (struct array_owner){mapping_ref, mapping_unref, mapping};
    return 0;
}

int ipc_decode(struct str bytes, struct ipc_hold hold, const char *what, struct arrow_table **ret,
               corrie_error *err)
{
    _cleanup_(reader_done) struct reader reader = {.bytes = bytes, .err = err};

    int r = reader_init(&reader, hold);
    if (r >= 0) {
        r = read_stream(&reader, NULL, NULL);
    }
    if (r < 0) {
        return corrie_wrap(err, "read %s", what);
    }
    return arrow_table_new(reader.columns, (size_t)reader.schema.n_children, reader.n_rows, ret,
                           err);
}

int ipc_decode_each(struct str bytes, const char *what, ipc_batch_fn each, void *arg,
                    corrie_error *err)
{
    _cleanup_(reader_done) struct reader reader = {.bytes = bytes, .unpacks = true, .err = err};

    if (str_starts(bytes, STR("ARROW1"))) { /* a file: the same messages between two marks */
        reader.bytes = str_from(bytes, PREFIX_SIZE);
    }
    int r = reader_init(&reader, (struct ipc_hold){0});
    if (r >= 0) {
        r = read_stream(&reader, each, arg);
    }
    return r < 0 ? corrie_wrap(err, "read %s", what) : 0;
}

int ipc_decode_column(struct str bytes, struct ipc_hold hold, const char *what,
                      struct arrow_column **ret, corrie_error *err)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

    int r = ipc_decode(bytes, hold, what, &table, err);
    if (r < 0) {
        return r;
    }
    if (table->n_columns != 1) {
        return corrie_fail(err, CORRIE_E_DATA, "read %s: %zu columns where one is expected", what,
                           table->n_columns);
    }
    *ret = arrow_column_ref(table->columns[0]);
    return 0;
}
