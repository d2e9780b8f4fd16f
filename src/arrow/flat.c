/* FlatBuffers, reading (FlatBuffers internals: root offset, table = soffset to its vtable, vtable = sizes and
 * field offsets, vectors = count and elements). Numbers are little-endian. */
#include "arrow/flat_priv.h"

static bool inside(const struct flat *flat, size_t position, size_t size)
{
    return position <= flat->bytes.len && size <= flat->bytes.len - position;
}

static uint64_t number_at(const struct flat *flat, size_t position, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--) {
        value = (value << 8) | (unsigned char)flat->bytes.data[position + i - 1];
    }
    return value;
}

/* Follows the offset at `position`; what it names has at least 4 bytes. */
static bool follow(const struct flat *flat, size_t position, size_t *ret)
{
    if (!inside(flat, position, 4)) {
        return false;
    }
    *ret = position + (size_t)number_at(flat, position, 4);
    return *ret > position && inside(flat, *ret, 4);
}

bool flat_root(const struct flat *flat, size_t *ret_table)
{
    return follow(flat, 0, ret_table);
}

bool flat_position(const struct flat *flat, size_t table, unsigned field, size_t size, size_t *ret)
{
    if (!inside(flat, table, 4)) {
        return false;
    }
    int64_t vtable = (int64_t)table - (int32_t)(uint32_t)number_at(flat, table, 4);
    if (vtable < 0 || !inside(flat, (size_t)vtable, 4)) {
        return false;
    }
    size_t vtable_size = (size_t)number_at(flat, (size_t)vtable, 2);
    if (vtable_size < 4 || !inside(flat, (size_t)vtable, vtable_size)) {
        return false;
    }
    size_t entry = 4 + 2 * (size_t)field;
    *ret = 0;
    if (entry + 2 > vtable_size) {
        return true;
    }
    size_t offset = (size_t)number_at(flat, (size_t)vtable + entry, 2);
    if (offset == 0) {
        return true;
    }
    *ret = table + offset;
    return offset >= 4 && inside(flat, *ret, size);
}

static bool field_number(const struct flat *flat, size_t table, unsigned field, size_t size,
                         uint64_t *ret)
{
    size_t position;
    if (!flat_position(flat, table, field, size, &position)) {
        return false;
    }
    if (position != 0) {
        *ret = number_at(flat, position, size);
    }
    return true;
}

bool flat_u8(const struct flat *flat, size_t table, unsigned field, uint8_t *ret)
{
    uint64_t value = *ret;
    bool good = field_number(flat, table, field, 1, &value);
    *ret = (uint8_t)value;
    return good;
}

bool flat_i16(const struct flat *flat, size_t table, unsigned field, int16_t *ret)
{
    uint64_t value = (uint16_t)*ret;
    bool good = field_number(flat, table, field, 2, &value);
    *ret = (int16_t)(uint16_t)value;
    return good;
}

bool flat_i64(const struct flat *flat, size_t table, unsigned field, int64_t *ret)
{
    uint64_t value = (uint64_t)*ret;
    bool good = field_number(flat, table, field, 8, &value);
    *ret = (int64_t)value;
    return good;
}

bool flat_table(const struct flat *flat, size_t table, unsigned field, size_t *ret)
{
    size_t position;
    *ret = 0;
    if (!flat_position(flat, table, field, 4, &position)) {
        return false;
    }
    return position == 0 || follow(flat, position, ret);
}

bool flat_vector(const struct flat *flat, size_t table, unsigned field, size_t size,
                 struct flat_vector *ret)
{
    size_t position;
    *ret = (struct flat_vector){0, 0};
    if (!flat_table(flat, table, field, &position)) {
        return false;
    }
    if (position == 0) {
        return true;
    }
    ret->count = (size_t)number_at(flat, position, 4);
    ret->start = position + 4;
    return ret->count <= (flat->bytes.len - ret->start) / size;
}

bool flat_element_table(const struct flat *flat, struct flat_vector vector, size_t index,
                        size_t *ret)
{
    return follow(flat, vector.start + 4 * index, ret);
}

int64_t flat_i64_at(const struct flat *flat, size_t position)
{
    return (int64_t)number_at(flat, position, 8);
}
