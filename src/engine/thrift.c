/* thrift.c — Thrift's compact protocol, read. */
#include "engine/thrift.h"

enum { MAX_DEPTH = 64 }; /* of structs that are skipped */

void thrift_stop(struct thrift *thrift, enum thrift_trouble trouble)
{
    if (thrift->trouble == THRIFT_FINE) {
        thrift->trouble = trouble;
        thrift->at = thrift->end;
    }
}

static uint8_t read_byte(struct thrift *thrift)
{
    if (thrift->at >= thrift->end) {
        thrift_stop(thrift, THRIFT_SHORT);
        return 0;
    }
    return *thrift->at++;
}

static uint64_t read_varint(struct thrift *thrift)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = read_byte(thrift);

        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    thrift_stop(thrift, THRIFT_WRONG);
    return 0;
}

int64_t thrift_int(struct thrift *thrift)
{
    uint64_t value = read_varint(thrift);

    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static void skip_bytes(struct thrift *thrift, uint64_t len)
{
    if (len > (uint64_t)(thrift->end - thrift->at)) {
        thrift_stop(thrift, THRIFT_SHORT);
    } else {
        thrift->at += len;
    }
}

struct str thrift_text(struct thrift *thrift)
{
    uint64_t len = read_varint(thrift);
    const char *at = (const char *)thrift->at;

    skip_bytes(thrift, len);
    return thrift->trouble == THRIFT_FINE ? str_make(at, (size_t)len) : STR_EMPTY;
}

bool thrift_field(struct thrift *thrift, int *id, int *type)
{
    uint8_t head = read_byte(thrift);

    if (thrift->trouble != THRIFT_FINE || head == 0) {
        return false;
    }
    *type = head & 0x0f;
    *id = (int16_t)(head >> 4 ? *id + (head >> 4) : thrift_int(thrift)); /* as ids are */
    return thrift->trouble == THRIFT_FINE;
}

uint64_t thrift_list(struct thrift *thrift, int *type)
{
    uint8_t head = read_byte(thrift);
    uint64_t count = head >> 4;

    *type = head & 0x0f;
    return count == 15 ? read_varint(thrift) : count;
}

static void skip(struct thrift *thrift, int type, bool element, unsigned depth);

static void skip_list(struct thrift *thrift, unsigned depth)
{
    int type;
    uint64_t count = thrift_list(thrift, &type);

    for (uint64_t i = 0; i < count && thrift->trouble == THRIFT_FINE; i++) {
        skip(thrift, type, true, depth);
    }
}

static void skip_map(struct thrift *thrift, unsigned depth)
{
    uint64_t count = read_varint(thrift);
    uint8_t types = count > 0 ? read_byte(thrift) : 0;

    for (uint64_t i = 0; i < count && thrift->trouble == THRIFT_FINE; i++) {
        skip(thrift, types >> 4, true, depth);
        skip(thrift, types & 0x0f, true, depth);
    }
}

/* Skips a value. A boolean takes a byte in a list and none as a field. */
static void skip(struct thrift *thrift, int type, bool element, unsigned depth)
{
    int field = 0;
    int inner;

    if (depth >= MAX_DEPTH) {
        thrift_stop(thrift, THRIFT_WRONG);
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        skip_bytes(thrift, element ? 1 : 0);
        break;
    case THRIFT_BYTE:
        skip_bytes(thrift, 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void)read_varint(thrift);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(thrift, 8);
        break;
    case THRIFT_BINARY:
        skip_bytes(thrift, read_varint(thrift));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(thrift, depth + 1);
        break;
    case THRIFT_MAP:
        skip_map(thrift, depth + 1);
        break;
    case THRIFT_STRUCT:
        while (thrift_field(thrift, &field, &inner)) {
            skip(thrift, inner, false, depth + 1);
        }
        break;
    case THRIFT_UUID:
        skip_bytes(thrift, 16);
        break;
    default:
        thrift_stop(thrift, THRIFT_WRONG);
    }
}

void thrift_skip(struct thrift *thrift, int type)
{
    skip(thrift, type, false, 0);
}
