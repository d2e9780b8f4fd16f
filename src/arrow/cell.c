#include "arrow/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/scalar.h"
#include "base/text.h"

bool cell_is_number(const struct type *type)
{
    switch (type->kind) {
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return true;
    default:
        return false;
    }
}

/* As printf("%lld"), which takes four times as long: it is most of what a long result costs. */
static void add_integer(struct buf *out, int64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    buf_add(out, digits + at, sizeof digits - at);
}

/* The shortest digits that read back as the same value; whole numbers without exponent as far as a double
 * counts them. */
static void add_double(struct buf *out, double value, bool narrow)
{
    char text[40];

    if (isnan(value) || isinf(value)) {
        buf_add_text(out, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    if (fabs(value) < 1e15 && value == floor(value)) {
        buf_addf(out, "%.1f", value);
        return;
    }
    for (int precision = narrow ? 6 : 15; precision <= (narrow ? 9 : 17); precision++) {
        double back;

        snprintf(text, sizeof text, "%.*g", precision, value);
        back = strtod(text, NULL);
        if (narrow ? (float)back == (float)value : back == value) {
            break;
        }
    }
    buf_add_text(out, text);
}

static struct str bytes_of(const struct ArrowArrayView *view, int64_t row)
{
    struct ArrowBufferView bytes = ArrowArrayViewGetBytesUnsafe(view, row);

    return str_make(bytes.size_bytes > 0 ? bytes.data.as_char : "", (size_t)bytes.size_bytes);
}

/* A value whose text arrow/scalar.h knows. */
static void add_scalar(struct buf *out, const struct type *type, struct str bytes)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (scalar_print(type, bytes, out, &ignored) < 0) {
        buf_add_char(out, '?');
    }
}

static void add_little_endian(struct buf *out, const struct type *type, int64_t value, size_t width)
{
    char bytes[8];

    for (size_t i = 0; i < width; i++) {
        bytes[i] = (char)(unsigned char)((uint64_t)value >> (8 * i));
    }
    add_scalar(out, type, str_make(bytes, width));
}

static void add_decimal(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
                        int64_t row)
{
    struct ArrowDecimal decimal;
    char bytes[16];

    ArrowDecimalInit(&decimal, 128, type->precision, type->scale);
    ArrowArrayViewGetDecimalUnsafe(view, row, &decimal);
    for (size_t i = 0; i < 16; i++) { /* big-endian, as scalars have it */
        uint64_t word = decimal.words[i < 8 ? decimal.high_word_index : decimal.low_word_index];

        bytes[i] = (char)(unsigned char)(word >> (8 * (7 - i % 8)));
    }
    add_scalar(out, type, str_make(bytes, sizeof bytes));
}

/* Children that belong to row `row` of a list or map. */
static void child_range(const struct ArrowArrayView *view, int64_t row, int64_t *first,
                        int64_t *end)
{
    int64_t at = view->offset + row;

    if (view->storage_type == NANOARROW_TYPE_FIXED_SIZE_LIST) {
        *first = at * view->layout.child_size_elements;
        *end = *first + view->layout.child_size_elements;
    } else {
        *first = ArrowArrayViewListChildOffset(view, at);
        *end = ArrowArrayViewListChildOffset(view, at + 1);
    }
}

static void add_struct(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
                       int64_t row)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < type->n_fields && i < (size_t)view->n_children; i++) {
        buf_add_text(out, i > 0 ? "," : "");
        text_json(out, type->fields[i].name);
        buf_add_char(out, ':');
        cell_json(out, &type->fields[i].type, view->children[i], view->offset + row);
    }
    buf_add_char(out, '}');
}

static void add_list(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
                     int64_t row)
{
    int64_t first;
    int64_t end;

    child_range(view, row, &first, &end);
    buf_add_char(out, '[');
    for (int64_t i = first; i < end; i++) {
        buf_add_text(out, i > first ? "," : "");
        cell_json(out, &type->fields[0].type, view->children[0], i);
    }
    buf_add_char(out, ']');
}

/* Keys of JSON objects are text: other keys are written as their text. */
static void add_map(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
                    int64_t row)
{
    const struct ArrowArrayView *entries = view->children[0];
    int64_t first;
    int64_t end;

    child_range(view, row, &first, &end);
    buf_add_char(out, '{');
    for (int64_t i = first; i < end; i++) {
        _cleanup_(buf_done) struct buf key = {0};

        cell_text(&key, &type->fields[0].type, entries->children[0], entries->offset + i);
        buf_add_text(out, i > first ? "," : "");
        text_json(out, buf_str(&key));
        buf_add_char(out, ':');
        cell_json(out, &type->fields[1].type, entries->children[1], entries->offset + i);
    }
    buf_add_char(out, '}');
}

void cell_text(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
               int64_t row)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buf_add_text(out, ArrowArrayViewGetIntUnsafe(view, row) ? "true" : "false");
        break;
    case TYPE_INT:
    case TYPE_LONG:
        add_integer(out, ArrowArrayViewGetIntUnsafe(view, row));
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        add_double(out, ArrowArrayViewGetDoubleUnsafe(view, row), type->kind == TYPE_FLOAT);
        break;
    case TYPE_DECIMAL:
        add_decimal(out, type, view, row);
        break;
    case TYPE_DATE:
        add_little_endian(out, type, ArrowArrayViewGetIntUnsafe(view, row), 4);
        break;
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        add_little_endian(out, type, ArrowArrayViewGetIntUnsafe(view, row), 8);
        break;
    case TYPE_STRING:
        buf_add_str(out, bytes_of(view, row));
        break;
    case TYPE_UUID:
    case TYPE_FIXED:
    case TYPE_BINARY:
        add_scalar(out, type, bytes_of(view, row));
        break;
    case TYPE_STRUCT:
        add_struct(out, type, view, row);
        break;
    case TYPE_LIST:
        add_list(out, type, view, row);
        break;
    case TYPE_MAP:
        add_map(out, type, view, row);
        break;
    default:
        buf_add_char(out, '?');
    }
}

void cell_json(struct buf *out, const struct type *type, const struct ArrowArrayView *view,
               int64_t row)
{
    _cleanup_(buf_done) struct buf text = {0};
    double value;

    if (ArrowArrayViewIsNull(view, row)) {
        buf_add_text(out, "null");
        return;
    }
    switch (type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        value = ArrowArrayViewGetDoubleUnsafe(view, row);
        if (isfinite(value)) {
            add_double(out, value, type->kind == TYPE_FLOAT);
            break;
        }
        buf_add_text(out, isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        break;
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DECIMAL:
    case TYPE_STRUCT:
    case TYPE_LIST:
    case TYPE_MAP:
        cell_text(out, type, view, row);
        break;
    case TYPE_STRING:
        text_json(out, bytes_of(view, row));
        break;
    default:
        cell_text(&text, type, view, row);
        text_json(out, buf_str(&text));
    }
}
