/* Scalars: their bytes. */
#include "arrow/scalar_priv.h"

#include <math.h>

#include "base/mem.h"

/* ---- reading ---- */

static uint64_t read_le(struct str bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes.len; i > 0; i--) {
        value = (value << 8) | (unsigned char)bytes.data[i - 1];
    }
    return value;
}

bool scalar_read_int(const struct type *type, struct str bytes, int64_t *ret)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        if (bytes.len != 1) {
            return false;
        }
        *ret = bytes.data[0] != 0;
        return true;
    case TYPE_INT:
    case TYPE_DATE:
        if (bytes.len != 4) {
            return false;
        }
        *ret = (int32_t)(uint32_t)read_le(bytes);
        return true;
    case TYPE_LONG:
        if (bytes.len == 4) { /* written when the column was an int */
            *ret = (int32_t)(uint32_t)read_le(bytes);
            return true;
        }
        /* fall through */
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        if (bytes.len != 8) {
            return false;
        }
        *ret = (int64_t)read_le(bytes);
        return true;
    default:
        return false;
    }
}

bool scalar_read_double(const struct type *type, struct str bytes, double *ret)
{
    if (type->kind == TYPE_DOUBLE && bytes.len == 8) {
        uint64_t bits = read_le(bytes);
        memcpy(ret, &bits, sizeof *ret);
        return true;
    }
    /* Also a double that was written when the column was a float. */
    if ((type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) && bytes.len == 4) {
        uint32_t bits = (uint32_t)read_le(bytes);
        float value;
        memcpy(&value, &bits, sizeof value);
        *ret = (double)value;
        return true;
    }
    return false;
}

bool scalar_read_decimal(struct str bytes, int128 *ret)
{
    if (bytes.len < 1 || bytes.len > 16) {
        return false;
    }
    __extension__ unsigned __int128 value = (bytes.data[0] & 0x80) ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < bytes.len; i++) {
        value = (value << 8) | (unsigned char)bytes.data[i];
    }
    *ret = (int128)value;
    return true;
}

bool scalar_to_int(const struct type *type, struct str bytes, int64_t *ret)
{
    int128 unscaled;

    if (type->kind == TYPE_DECIMAL) {
        if (!scalar_read_decimal(bytes, &unscaled) || unscaled < INT64_MIN ||
            unscaled > INT64_MAX) {
            return false;
        }
        *ret = (int64_t)unscaled;
        return true;
    }
    return scalar_read_int(type, bytes, ret);
}

bool scalar_to_double(const struct type *type, struct str bytes, double *ret)
{
    return scalar_read_double(type, bytes, ret);
}

int scalar_fail(const struct type *type, struct str bytes, corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    type_print(type, &name);
    return corrie_fail(err, CORRIE_E_DATA, "%zu bytes are no value of type %s", bytes.len,
                       buf_text(&name));
}

int scalar_check(const struct type *type, struct str bytes, corrie_error *err)
{
    int64_t i;
    double d;
    int128 unscaled;
    bool fits;

    switch (type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        fits = scalar_read_double(type, bytes, &d);
        break;
    case TYPE_DECIMAL:
        fits = scalar_read_decimal(bytes, &unscaled);
        break;
    case TYPE_STRING:
    case TYPE_BINARY:
        fits = true;
        break;
    case TYPE_UUID:
        fits = bytes.len == 16;
        break;
    case TYPE_FIXED:
        fits = bytes.len == (size_t)type->length;
        break;
    default:
        fits = scalar_read_int(type, bytes, &i);
    }
    return fits ? 0 : scalar_fail(type, bytes, err);
}

/* ---- writing ---- */

static int write_le(uint64_t value, size_t width, struct arena *arena, struct str *ret,
                    corrie_error *err)
{
    char *bytes = arena_alloc(arena, width, 1);
    if (!bytes) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < width; i++) {
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
    }
    *ret = str_make(bytes, width);
    return 0;
}

int scalar_write_decimal(const struct type *type, int128 unscaled, struct arena *arena,
                         struct str *ret, corrie_error *err)
{
    char bytes[16];
    size_t from = 0;
    int128 most = 1;

    for (int i = 0; i < type->precision; i++) {
        most *= 10;
    }
    if (unscaled >= most || unscaled <= -most) {
        return corrie_fail(err, CORRIE_E_DATA, "a value has more digits than decimal(%d, %d) holds",
                           type->precision, type->scale);
    }
    for (size_t i = 0; i < 16; i++) {
        bytes[15 - i] = (char)(unsigned char)(unscaled >> (8 * i));
    }
    /* Leading bytes that only repeat the sign are dropped. */
    while (from < 15 && ((bytes[from] == 0 && !(bytes[from + 1] & 0x80)) ||
                         (bytes[from] == (char)0xff && (bytes[from + 1] & 0x80)))) {
        from++;
    }
    if (arena_str(arena, str_make(bytes + from, 16 - from), ret) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int scalar_from_int(const struct type *type, int64_t value, struct arena *arena, struct str *ret,
                    corrie_error *err)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        if (value != 0 && value != 1) {
            break;
        }
        return write_le((uint64_t)value, 1, arena, ret, err);
    case TYPE_INT:
    case TYPE_DATE:
        if (value < INT32_MIN || value > INT32_MAX) {
            break;
        }
        return write_le((uint64_t)value, 4, arena, ret, err);
    case TYPE_LONG:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return write_le((uint64_t)value, 8, arena, ret, err);
    case TYPE_DECIMAL:
        return scalar_write_decimal(type, value, arena, ret, err);
    default:
        break;
    }
    _cleanup_(buf_done) struct buf name = {0};
    type_print(type, &name);
    return corrie_fail(err, CORRIE_E_DATA, "%lld is no value of type %s", (long long)value,
                       buf_text(&name));
}

int scalar_from_double(const struct type *type, double value, struct arena *arena, struct str *ret,
                       corrie_error *err)
{
    if (type->kind == TYPE_FLOAT) {
        float narrow = (float)value;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        return write_le(bits, 4, arena, ret, err);
    }
    if (type->kind == TYPE_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        return write_le(bits, 8, arena, ret, err);
    }
    _cleanup_(buf_done) struct buf name = {0};
    type_print(type, &name);
    return corrie_fail(err, CORRIE_E_DATA, "%g is no value of type %s", value, buf_text(&name));
}

/* ---- order ---- */

/* NaN above everything and equal to itself. */
static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b)) {
        return (isnan(a) != 0) - (isnan(b) != 0);
    }
    return (a > b) - (a < b);
}

int scalar_compare(const struct type *type, struct str a, struct str b, int *ret, corrie_error *err)
{
    int64_t i[2];
    double d[2];
    int128 n[2];

    switch (type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        if (!scalar_read_double(type, a, &d[0]) || !scalar_read_double(type, b, &d[1])) {
            break;
        }
        *ret = compare_doubles(d[0], d[1]);
        return 0;
    case TYPE_DECIMAL:
        if (!scalar_read_decimal(a, &n[0]) || !scalar_read_decimal(b, &n[1])) {
            break;
        }
        *ret = (n[0] > n[1]) - (n[0] < n[1]);
        return 0;
    case TYPE_STRING:
    case TYPE_BINARY:
    case TYPE_FIXED:
    case TYPE_UUID:
        *ret = str_cmp(a, b);
        return 0;
    default:
        if (!scalar_read_int(type, a, &i[0]) || !scalar_read_int(type, b, &i[1])) {
            break;
        }
        *ret = (i[0] > i[1]) - (i[0] < i[1]);
        return 0;
    }
    int r = scalar_check(type, a, err);
    return r < 0 ? r : scalar_fail(type, b, err);
}

/* ---- bounds ---- */

/* Bytes that the first `n` code points take. */
static size_t code_points(struct str text, size_t n)
{
    size_t i = 0;
    for (; i < text.len; i++) {
        if (((unsigned char)text.data[i] & 0xc0) != 0x80) {
            if (n == 0) {
                break;
            }
            n--;
        }
    }
    return i;
}

struct str scalar_bound_lower(const struct type *type, struct str bytes, size_t length)
{
    if (type->kind == TYPE_STRING) {
        return str_slice(bytes, 0, code_points(bytes, length));
    }
    if (type->kind == TYPE_BINARY || type->kind == TYPE_FIXED) {
        return str_slice(bytes, 0, length);
    }
    return bytes;
}

static size_t encode_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | (c >> 6));
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | (c >> 12));
        out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18));
    out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
    out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* The code point of well-formed bytes. */
static uint32_t decode_utf8(struct str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.data;
    switch (bytes.len) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3:
        return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    default:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    }
}

/* Raises the last code point that can be raised and drops what follows; false if none can. */
static bool raise_text(char *text, size_t *len)
{
    while (*len > 0) {
        size_t start = *len - 1;
        while (start > 0 && ((unsigned char)text[start] & 0xc0) == 0x80) {
            start--;
        }
        uint32_t c = decode_utf8(str_make(text + start, *len - start)) + 1;
        if (c == 0xd800) {
            c = 0xe000; /* past the surrogates */
        }
        if (c <= 0x10ffff) {
            *len = start + encode_utf8(c, text + start);
            return true;
        }
        *len = start;
    }
    return false;
}

static bool raise_bytes(char *bytes, size_t *len)
{
    while (*len > 0) {
        unsigned char last = (unsigned char)bytes[*len - 1];
        if (last != 0xff) {
            bytes[*len - 1] = (char)(last + 1);
            return true;
        }
        --*len;
    }
    return false;
}

int scalar_bound_upper(const struct type *type, struct str bytes, size_t length,
                       struct arena *arena, struct str *ret, corrie_error *err)
{
    struct str cut = scalar_bound_lower(type, bytes, length);
    if (cut.len == bytes.len) {
        *ret = bytes;
        return 1;
    }
    if (type->kind == TYPE_STRING && !str_is_utf8(cut, NULL)) {
        return 0;
    }
    /* A raised code point may be one byte longer. */
    char *copy = arena_alloc(arena, cut.len + 4, 1);
    if (!copy) {
        return corrie_fail_memory(err);
    }
    memcpy(copy, cut.data, cut.len);
    size_t len = cut.len;
    bool raised = type->kind == TYPE_STRING ? raise_text(copy, &len) : raise_bytes(copy, &len);
    if (!raised) {
        return 0;
    }
    *ret = str_make(copy, len);
    return 1;
}
