/* partition_value.c — values of partition tuples between Avro and scalars. */
#include <math.h>

#include "arrow/scalar.h"
#include "iceberg/avro.h"
#include "iceberg/manifest.h"

/* Bytes that any unscaled value of a precision needs (index = precision). */
static const uint8_t decimal_bytes[39] = {0,  1,  1,  2,  2,  3,  3,  4,  4,  4,  5,  5,  6,
                                          6,  6,  7,  7,  8,  8,  9,  9,  9,  10, 10, 11, 11,
                                          11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16};

static int unsupported(corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                       "a partition field of this type or transform cannot be written");
}

int partition_type_schema(const struct type *type, int field_id, struct buf *out, corrie_error *err)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buf_add_text(out, "\"boolean\"");
        return 0;
    case TYPE_INT:
        buf_add_text(out, "\"int\"");
        return 0;
    case TYPE_LONG:
        buf_add_text(out, "\"long\"");
        return 0;
    case TYPE_FLOAT:
        buf_add_text(out, "\"float\"");
        return 0;
    case TYPE_DOUBLE:
        buf_add_text(out, "\"double\"");
        return 0;
    case TYPE_STRING:
        buf_add_text(out, "\"string\"");
        return 0;
    case TYPE_BINARY:
        buf_add_text(out, "\"bytes\"");
        return 0;
    case TYPE_DATE:
        buf_add_text(out, "{\"type\":\"int\",\"logicalType\":\"date\"}");
        return 0;
    case TYPE_TIME:
        buf_add_text(out, "{\"type\":\"long\",\"logicalType\":\"time-micros\"}");
        return 0;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        buf_addf(out,
                 "{\"type\":\"long\",\"logicalType\":\"timestamp-micros\",\"adjust-to-utc\":%s}",
                 type->kind == TYPE_TIMESTAMPTZ ? "true" : "false");
        return 0;
    case TYPE_UUID:
        buf_addf(out,
                 "{\"type\":\"fixed\",\"name\":\"uuid_%d\",\"size\":16,\"logicalType\":\"uuid\"}",
                 field_id);
        return 0;
    case TYPE_FIXED:
        buf_addf(out, "{\"type\":\"fixed\",\"name\":\"fixed_%d\",\"size\":%d}", field_id,
                 type->length);
        return 0;
    case TYPE_DECIMAL:
        if (type->precision < 1 || type->precision > TYPE_DECIMAL_DIGITS) {
            return unsupported(err);
        }
        buf_addf(out,
                 "{\"type\":\"fixed\",\"name\":\"decimal_%d\",\"size\":%d,"
                 "\"logicalType\":\"decimal\",\"precision\":%d,\"scale\":%d}",
                 field_id, decimal_bytes[type->precision], type->precision, type->scale);
        return 0;
    default:
        return unsupported(err);
    }
}

static int unfit(corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_USAGE, "a partition value does not have its field's type");
}

/* A little-endian integer of 4 or 8 bytes, sign-extended. */
static bool read_le(struct str value, int64_t *ret)
{
    uint64_t number = 0;

    if (value.len != 4 && value.len != 8) {
        return false;
    }
    for (size_t i = value.len; i-- > 0;) {
        number = number << 8 | (uint8_t)value.data[i];
    }
    *ret = value.len == 4 ? (int32_t)(uint32_t)number : (int64_t)number;
    return true;
}

static int put_decimal(const struct type *type, struct str value, struct buf *out,
                       corrie_error *err)
{
    size_t size = type->precision >= 1 && type->precision <= TYPE_DECIMAL_DIGITS
                      ? decimal_bytes[type->precision]
                      : 0;

    if (value.len == 0 || value.len > size) {
        return unfit(err);
    }
    buf_add_fill(out, value.data[0] & 0x80 ? '\xff' : 0, size - value.len);
    buf_add_str(out, value);
    return 0;
}

/* A column promoted from float to double leaves tuples of 4 bytes behind. */
static int put_double(struct str value, struct buf *out, corrie_error *err)
{
    float narrow;
    double wide;

    if (value.len == sizeof wide) {
        buf_add_str(out, value);
        return 0;
    }
    if (value.len != sizeof narrow) {
        return unfit(err);
    }
    memcpy(&narrow, value.data, sizeof narrow);
    wide = narrow;
    buf_add(out, &wide, sizeof wide);
    return 0;
}

int partition_value_encode(const struct type *type, struct str value, struct buf *out,
                           corrie_error *err)
{
    int64_t number = 0;

    switch (type->kind) {
    case TYPE_BOOLEAN:
        if (value.len != 1) {
            return unfit(err);
        }
        avro_put_bool(out, value.data[0] != 0);
        return 0;
    case TYPE_INT:
    case TYPE_DATE:
        if (value.len != 4 || !read_le(value, &number)) {
            return unfit(err);
        }
        avro_put_long(out, number);
        return 0;
    case TYPE_LONG:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        if (!read_le(value, &number)) {
            return unfit(err);
        }
        avro_put_long(out, number);
        return 0;
    case TYPE_FLOAT:
        if (value.len != 4) {
            return unfit(err);
        }
        buf_add_str(out, value);
        return 0;
    case TYPE_DOUBLE:
        return put_double(value, out, err);
    case TYPE_STRING:
    case TYPE_BINARY:
        avro_put_bytes(out, value);
        return 0;
    case TYPE_UUID:
    case TYPE_FIXED:
        if (value.len != (type->kind == TYPE_UUID ? 16u : (size_t)type->length)) {
            return unfit(err);
        }
        buf_add_str(out, value);
        return 0;
    case TYPE_DECIMAL:
        return put_decimal(type, value, out, err);
    default:
        return unsupported(err);
    }
}

/* ---- reading ---- */

static struct str le_bytes(int64_t number, size_t len, char space[8])
{
    for (size_t i = 0; i < len; i++) {
        space[i] = (char)((uint64_t)number >> (8 * i));
    }
    return (struct str){space, len};
}

/* Without the sign bytes that the fixed form pads with: the minimal two's complement. */
static struct str minimal_decimal(struct str value)
{
    while (value.len > 1 && ((value.data[0] == 0 && !(value.data[1] & 0x80)) ||
                             (value.data[0] == '\xff' && (value.data[1] & 0x80)))) {
        value = str_from(value, 1);
    }
    return value;
}

bool partition_value_decode(struct avro_cursor *cursor, const struct avro_type *type,
                            struct arena *arena, struct str *ret)
{
    char space[8];
    struct str value = {NULL, 0};

    type = avro_enter(cursor, type);
    if (!type) {
        *ret = value;
        return true;
    }
    switch (type->kind) {
    case AVRO_BOOLEAN:
        value = avro_read_fixed(cursor, 1);
        break;
    case AVRO_INT:
        value = le_bytes(avro_read_long(cursor), 4, space);
        break;
    case AVRO_LONG:
        value = le_bytes(avro_read_long(cursor), 8, space);
        break;
    case AVRO_FLOAT:
        value = avro_read_fixed(cursor, 4);
        break;
    case AVRO_DOUBLE:
        value = avro_read_fixed(cursor, 8);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        value = avro_read_bytes(cursor);
        break;
    case AVRO_FIXED:
        value = avro_read_fixed(cursor, type->size);
        break;
    default:
        avro_cursor_fail(cursor, "a partition value is of a nested type");
        return true;
    }
    if (!avro_cursor_ok(cursor)) {
        return true;
    }
    if (str_eq(type->logical, STR("decimal"))) {
        value = minimal_decimal(value);
    }
    return arena_str(arena, value, ret) == 0;
}

/* ---- tuples ---- */

/* The value at full width; -0 as 0 and every NaN as one. */
static void add_wide(const struct type *type, struct str bytes, struct buf *out)
{
    int64_t whole;
    double number;

    if (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) {
        if (scalar_to_double(type, bytes, &number)) {
            number = number != number ? (double)NAN : number == 0 ? 0 : number;
            buf_add(out, &number, sizeof number);
            return;
        }
    } else if (type->kind != TYPE_NONE && scalar_to_int(type, bytes, &whole)) {
        buf_add(out, &whole, sizeof whole);
        return;
    }
    buf_add_str(out, bytes);
}

void partition_text(const struct partition_spec *spec, const struct partition_value *values,
                    size_t n_values, struct buf *out)
{
    static const struct type unknown = {.kind = TYPE_NONE};

    buf_addf(out, "%d", spec ? spec->spec_id : -1);
    for (size_t i = 0; i < n_values; i++) {
        const struct type *type =
            spec && i < spec->n_fields ? &spec->fields[i].result_type : &unknown;
        if (!values[i].bytes.data) {
            buf_add_text(out, ":null");
            continue;
        }
        size_t start = out->len;
        add_wide(type, values[i].bytes, out);
        buf_addf(out, ":%zu;", out->len - start); /* so that no two tuples run into one text */
    }
}

void partition_print(const struct partition_spec *spec, const struct partition_value *values,
                     size_t n_values, struct buf *out)
{
    for (size_t i = 0; i < n_values && i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;
        buf_add_text(out, i > 0 ? ", " : "");
        buf_add_str(out, field->name);
        buf_add_text(out, " = ");
        if (!values[i].bytes.data) {
            buf_add_text(out, "null");
        } else if (scalar_print(&field->result_type, values[i].bytes, out, &ignored) < 0) {
            buf_add_text(out, "?");
        }
    }
}
