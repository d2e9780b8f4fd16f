/* Dictionaries written as plain values: readers of our streams need not know them, and nanoarrow writes none. */
#include "arrow/ipc_priv.h"

#include "base/limits.h"

/* ---- schema ---- */

static int plain_in_place(struct ArrowSchema *schema)
{
    if (!schema->name) {
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(schema, ""));
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        NANOARROW_RETURN_NOT_OK(plain_in_place(schema->children[i]));
    }
    if (!schema->dictionary) {
        return NANOARROW_OK;
    }
    _cleanup_(arrow_schema_done) struct ArrowSchema values = {0};
    NANOARROW_RETURN_NOT_OK(ArrowSchemaDeepCopy(schema->dictionary, &values));
    /* Values repeat: their text may pass what 32-bit offsets reach. */
    if (strcmp(values.format, "u") == 0 || strcmp(values.format, "z") == 0) {
        NANOARROW_RETURN_NOT_OK(ArrowSchemaSetFormat(&values, values.format[0] == 'u' ? "U" : "Z"));
    }
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(&values, schema->name));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetMetadata(&values, schema->metadata));
    values.flags = schema->flags & ARROW_FLAG_NULLABLE;
    arrow_schema_done(schema);
    *schema = TAKE(values);
    return NANOARROW_OK;
}

int ipc_plain_schema(const struct ArrowSchema *schema, struct ArrowSchema *ret, corrie_error *err)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema copy = {0};

    if (ArrowSchemaDeepCopy(schema, &copy) != NANOARROW_OK ||
        plain_in_place(&copy) != NANOARROW_OK) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE(copy);
    return 0;
}

/* ---- values ---- */

/* A dictionary array being looked up. */
struct lookup {
    const struct ArrowArray *array;
    const struct ArrowArray *values;
    enum ArrowType index_type;
    enum ArrowType value_type;
    int64_t width; /* bits of a fixed-size value */
    int64_t offset;
    int64_t length;
    int64_t *rows; /* for each row its place in the buffers of `values`, -1 = null */
    int64_t nulls;
};

static bool bit_at(const uint8_t *bits, int64_t i)
{
    return !bits || ArrowBitGet(bits, i);
}

static int64_t index_at(const struct lookup *lookup, int64_t i)
{
    const void *indexes = lookup->array->buffers[1];
    switch (lookup->index_type) {
    case NANOARROW_TYPE_INT8:
        return ((const int8_t *)indexes)[i];
    case NANOARROW_TYPE_UINT8:
        return ((const uint8_t *)indexes)[i];
    case NANOARROW_TYPE_INT16:
        return ((const int16_t *)indexes)[i];
    case NANOARROW_TYPE_UINT16:
        return ((const uint16_t *)indexes)[i];
    case NANOARROW_TYPE_INT32:
        return ((const int32_t *)indexes)[i];
    case NANOARROW_TYPE_UINT32:
        return ((const uint32_t *)indexes)[i];
    default: /* a uint64 past the middle becomes negative and is refused */
        return ((const int64_t *)indexes)[i];
    }
}

static int find_rows(struct ipc_batch *batch, struct lookup *lookup, corrie_error *err)
{
    const uint8_t *valid = lookup->array->buffers[0];
    const uint8_t *value_valid =
        lookup->values->null_count != 0 ? lookup->values->buffers[0] : NULL;

    lookup->rows = arena_array(&batch->arena, int64_t, (size_t)lookup->length + 1);
    if (!lookup->rows) {
        return corrie_fail_memory(err);
    }
    for (int64_t i = 0; i < lookup->length; i++) {
        int64_t row = -1;
        if (bit_at(valid, lookup->offset + i)) {
            int64_t index = index_at(lookup, lookup->offset + i);
            if (index < 0 || index >= lookup->values->length) {
                return corrie_fail(err, CORRIE_E_DATA,
                                   "a dictionary of %lld values is asked for value %lld",
                                   (long long)lookup->values->length, (long long)index);
            }
            row = lookup->values->offset + index;
            row = bit_at(value_valid, row) ? row : -1;
        }
        lookup->rows[i] = row;
        lookup->nulls += row < 0;
    }
    return 0;
}

static int add_validity(struct ipc_batch *batch, const struct lookup *lookup, corrie_error *err)
{
    int r = ipc_add_node(batch, lookup->length, lookup->nulls, err);
    if (r < 0) {
        return r;
    }
    if (lookup->nulls == 0) {
        return ipc_add_piece(batch, "", 0, err);
    }
    size_t len = (size_t)(lookup->length + 7) / 8;
    uint8_t *bits = arena_alloc(&batch->arena, len, 1);
    if (!bits) {
        return corrie_fail_memory(err);
    }
    for (int64_t i = 0; i < lookup->length; i++) {
        if (lookup->rows[i] >= 0) {
            ArrowBitSet(bits, i);
        }
    }
    return ipc_add_piece(batch, bits, len, err);
}

static int add_fixed(struct ipc_batch *batch, const struct lookup *lookup, corrie_error *err)
{
    const char *values = lookup->values->buffers[1];
    size_t width = (size_t)lookup->width / 8;
    size_t len =
        lookup->width == 1 ? (size_t)(lookup->length + 7) / 8 : (size_t)lookup->length * width;
    char *out = arena_alloc(&batch->arena, len, 1);

    if (!out) {
        return corrie_fail_memory(err);
    }
    for (int64_t i = 0; i < lookup->length; i++) {
        int64_t row = lookup->rows[i];
        if (row < 0) {
            continue;
        }
        if (lookup->width != 1) {
            memcpy(out + (size_t)i * width, values + (size_t)row * width, width);
        } else if (ArrowBitGet((const uint8_t *)values, row)) {
            ArrowBitSet((uint8_t *)out, i);
        }
    }
    return ipc_add_piece(batch, out, len, err);
}

static void text_bounds(const struct lookup *lookup, int64_t row, int64_t *ret_first,
                        int64_t *ret_last)
{
    if (lookup->value_type == NANOARROW_TYPE_STRING ||
        lookup->value_type == NANOARROW_TYPE_BINARY) {
        const int32_t *offsets = lookup->values->buffers[1];
        *ret_first = offsets[row];
        *ret_last = offsets[row + 1];
    } else {
        const int64_t *offsets = lookup->values->buffers[1];
        *ret_first = offsets[row];
        *ret_last = offsets[row + 1];
    }
}

static int add_text(struct ipc_batch *batch, const struct lookup *lookup, corrie_error *err)
{
    const char *data = lookup->values->buffers[2];
    int64_t first;
    int64_t last;
    int64_t *offsets = arena_array(&batch->arena, int64_t, (size_t)lookup->length + 1);

    if (!offsets) {
        return corrie_fail_memory(err);
    }
    for (int64_t i = 0; i < lookup->length; i++) {
        first = last = 0;
        if (lookup->rows[i] >= 0) {
            text_bounds(lookup, lookup->rows[i], &first, &last);
        }
        offsets[i + 1] = offsets[i] + (last - first);
    }
    char *out = arena_alloc(&batch->arena, (size_t)offsets[lookup->length], 1);
    if (!out) {
        return corrie_fail_memory(err);
    }
    for (int64_t i = 0; i < lookup->length; i++) {
        if (offsets[i + 1] > offsets[i]) {
            text_bounds(lookup, lookup->rows[i], &first, &last);
            memcpy(out + offsets[i], data + first, (size_t)(last - first));
        }
    }
    int r = ipc_add_piece(batch, offsets, ((size_t)lookup->length + 1) * sizeof *offsets, err);
    return r < 0 ? r : ipc_add_piece(batch, out, (size_t)offsets[lookup->length], err);
}

int ipc_add_dictionary(struct ipc_batch *batch, const struct ArrowSchema *schema,
                       const struct ArrowArray *array, int64_t offset, int64_t length,
                       corrie_error *err)
{
    struct ArrowSchemaView index;
    struct ArrowSchemaView value;
    struct ArrowError error = {0};

    int result = ArrowSchemaViewInit(&index, schema, &error);
    if (result == NANOARROW_OK) {
        result = ArrowSchemaViewInit(&value, schema->dictionary, &error);
    }
    if (result != NANOARROW_OK) {
        return arrow_fail(err, CORRIE_E_DATA, result, error.message);
    }
    struct lookup lookup = {
        .array = array,
        .values = array->dictionary,
        .index_type = index.storage_type,
        .value_type = value.storage_type,
        .width = value.layout.element_size_bits[1],
        .offset = offset,
        .length = length,
    };
    bool text = value.storage_type == NANOARROW_TYPE_STRING ||
                value.storage_type == NANOARROW_TYPE_LARGE_STRING ||
                value.storage_type == NANOARROW_TYPE_BINARY ||
                value.storage_type == NANOARROW_TYPE_LARGE_BINARY;
    bool fixed = value.layout.buffer_type[1] == NANOARROW_BUFFER_TYPE_DATA &&
                 value.layout.buffer_type[2] == NANOARROW_BUFFER_TYPE_NONE;
    if (value.type == NANOARROW_TYPE_DICTIONARY || (!text && !fixed)) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "a dictionary of %s cannot be sent",
                           ArrowTypeString(value.type));
    }
    int r = find_rows(batch, &lookup, err);
    if (r >= 0) {
        r = add_validity(batch, &lookup, err);
    }
    if (r < 0) {
        return r;
    }
    return text ? add_text(batch, &lookup, err) : add_fixed(batch, &lookup, err);
}
