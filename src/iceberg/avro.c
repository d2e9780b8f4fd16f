/* avro.c — values: zigzag integers, bytes, unions, blocks of items. */
#include "iceberg/avro.h"

#include "base/limits.h"

/* A value costs at least a step and usually a byte; empty records and nulls cost steps alone. */
#define STEPS_PER_BYTE 16
#define STEPS_FREE 65536

const char avro_out_of_memory[] = "memory ran out";

void avro_cursor_init(struct avro_cursor *cursor, struct str bytes)
{
    const uint8_t *start = (const uint8_t *)bytes.data;
    *cursor = (struct avro_cursor){
        .at = start,
        .end = start ? start + bytes.len : start,
        .budget = (uint64_t)bytes.len * STEPS_PER_BYTE + STEPS_FREE,
    };
}

void avro_cursor_fail(struct avro_cursor *cursor, const char *failure)
{
    if (!cursor->failure) {
        cursor->failure = failure;
    }
    cursor->at = cursor->end;
}

static bool step(struct avro_cursor *cursor)
{
    if (cursor->failure) {
        return false;
    }
    if (cursor->budget == 0) {
        avro_cursor_fail(cursor, "more values than its size allows");
        return false;
    }
    cursor->budget--;
    return true;
}

int64_t avro_read_long(struct avro_cursor *cursor)
{
    uint64_t value = 0;

    if (!step(cursor)) {
        return 0;
    }
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (cursor->at == cursor->end) {
            avro_cursor_fail(cursor, "ends within a number");
            return 0;
        }
        uint8_t byte = *cursor->at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
        }
    }
    avro_cursor_fail(cursor, "a number has more than 64 bits");
    return 0;
}

struct str avro_read_fixed(struct avro_cursor *cursor, size_t len)
{
    if (!step(cursor)) {
        return STR_EMPTY;
    }
    if (len > (size_t)(cursor->end - cursor->at)) {
        avro_cursor_fail(cursor, "ends within a value");
        return STR_EMPTY;
    }
    struct str bytes = {len > 0 ? (const char *)cursor->at : "", len};
    cursor->at += len;
    return bytes;
}

struct str avro_read_bytes(struct avro_cursor *cursor)
{
    int64_t len = avro_read_long(cursor);
    if (len < 0) {
        avro_cursor_fail(cursor, "a length is negative");
        return STR_EMPTY;
    }
    return avro_read_fixed(cursor, (size_t)len);
}

const struct avro_type *avro_enter(struct avro_cursor *cursor, const struct avro_type *type)
{
    if (!step(cursor)) {
        return NULL;
    }
    if (type->kind == AVRO_UNION) {
        int64_t branch = avro_read_long(cursor);
        if (branch < 0 || (uint64_t)branch >= type->n_parts) {
            avro_cursor_fail(cursor, "a union has no such branch");
            return NULL;
        }
        type = type->parts[branch];
    }
    return cursor->failure || type->kind == AVRO_NULL ? NULL : type;
}

const struct avro_type *avro_enter_kind(struct avro_cursor *cursor, const struct avro_type *type,
                                        enum avro_kind kind)
{
    const struct avro_type *entered = avro_enter(cursor, type);
    if (entered && entered->kind != kind) {
        avro_cursor_fail(cursor, "a field has another type than Iceberg gives it");
        return NULL;
    }
    return entered;
}

bool avro_get_long(struct avro_cursor *cursor, const struct avro_type *type, int64_t *ret)
{
    const struct avro_type *entered = avro_enter(cursor, type);
    if (!entered) {
        return false;
    }
    if (entered->kind != AVRO_INT && entered->kind != AVRO_LONG) {
        avro_cursor_fail(cursor, "a field that must be a whole number is none");
        return false;
    }
    int64_t value = avro_read_long(cursor);
    if (entered->kind == AVRO_INT && (value < INT32_MIN || value > INT32_MAX)) {
        avro_cursor_fail(cursor, "an int has more than 32 bits");
    }
    if (cursor->failure) {
        return false;
    }
    *ret = value;
    return true;
}

bool avro_get_bool(struct avro_cursor *cursor, const struct avro_type *type, bool *ret)
{
    if (!avro_enter_kind(cursor, type, AVRO_BOOLEAN)) {
        return false;
    }
    struct str byte = avro_read_fixed(cursor, 1);
    if (cursor->failure) {
        return false;
    }
    *ret = byte.data[0] != 0;
    return true;
}

bool avro_get_bytes(struct avro_cursor *cursor, const struct avro_type *type, struct str *ret)
{
    const struct avro_type *entered = avro_enter(cursor, type);
    struct str bytes = STR_EMPTY;

    if (!entered) {
        return false;
    }
    if (entered->kind == AVRO_FIXED) {
        bytes = avro_read_fixed(cursor, entered->size);
    } else if (entered->kind == AVRO_BYTES || entered->kind == AVRO_STRING) {
        bytes = avro_read_bytes(cursor);
    } else {
        avro_cursor_fail(cursor, "a field that must be text or bytes is neither");
    }
    if (cursor->failure) {
        return false;
    }
    *ret = bytes;
    return true;
}

bool avro_next(struct avro_cursor *cursor, struct avro_items *items)
{
    if (items->ended || !step(cursor)) {
        return false;
    }
    if (items->left == 0) {
        int64_t count = avro_read_long(cursor);
        if (count < 0) {
            (void)avro_read_long(cursor); /* the block's bytes: for readers that skip it */
            if (count == INT64_MIN) {
                avro_cursor_fail(cursor, "a block has no sensible count");
                return false;
            }
            count = -count;
        }
        if (count == 0 || cursor->failure) {
            items->ended = true;
            return false;
        }
        items->left = (uint64_t)count;
    }
    items->left--;
    return true;
}

static void skip_items(struct avro_cursor *cursor, const struct avro_type *type)
{
    struct avro_items items = {0};
    while (avro_next(cursor, &items)) {
        if (type->kind == AVRO_MAP) {
            (void)avro_read_bytes(cursor);
        }
        avro_skip(cursor, type->parts[0]);
    }
}

void avro_skip(struct avro_cursor *cursor, const struct avro_type *type)
{
    if (cursor->depth >= CORRIE_MAX_AVRO_DEPTH) {
        avro_cursor_fail(cursor, "values are nested too deeply");
        return;
    }
    type = avro_enter(cursor, type);
    if (!type) {
        return;
    }

    cursor->depth++;
    switch (type->kind) {
    case AVRO_BOOLEAN:
        (void)avro_read_fixed(cursor, 1);
        break;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        (void)avro_read_long(cursor);
        break;
    case AVRO_FLOAT:
        (void)avro_read_fixed(cursor, 4);
        break;
    case AVRO_DOUBLE:
        (void)avro_read_fixed(cursor, 8);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        (void)avro_read_bytes(cursor);
        break;
    case AVRO_FIXED:
        (void)avro_read_fixed(cursor, type->size);
        break;
    case AVRO_ARRAY:
    case AVRO_MAP:
        skip_items(cursor, type);
        break;
    case AVRO_RECORD:
        for (size_t i = 0; i < type->n_fields && !cursor->failure; i++) {
            avro_skip(cursor, type->fields[i].type);
        }
        break;
    case AVRO_NULL:
    case AVRO_UNION: /* avro_enter left neither */
        break;
    }
    cursor->depth--;
}

void avro_put_long(struct buf *out, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    uint8_t bytes[10];
    size_t n = 0;

    while (zigzag >= 0x80) {
        bytes[n++] = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    bytes[n++] = (uint8_t)zigzag;
    buf_add(out, bytes, n);
}

void avro_put_bytes(struct buf *out, struct str bytes)
{
    avro_put_long(out, (int64_t)bytes.len);
    buf_add_str(out, bytes);
}

void avro_put_bool(struct buf *out, bool value)
{
    buf_add_char(out, value ? 1 : 0);
}
