/* wire.h — reading and writing the binary forms of nodes and commits (docs/formats/objects.md).
 *
 * A reader never goes past its end: what does not fit makes it `bad`, and everything read
 * afterwards is zero or empty. So a decoder reads freely and asks once. */
#ifndef CORRIE_CATALOG_WIRE_H
#define CORRIE_CATALOG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

struct wire_reader {
    const char *at;
    const char *end;
    bool bad;
};

static inline struct wire_reader wire_reader(struct str bytes)
{
    return (struct wire_reader){bytes.data, bytes.data + bytes.len, false};
}

static inline struct str wire_take(struct wire_reader *reader, uint64_t len)
{
    struct str taken = STR_EMPTY;

    if (reader->bad || len > (uint64_t)(reader->end - reader->at)) {
        reader->bad = true;
        return taken;
    }
    taken = (struct str){reader->at, (size_t)len};
    reader->at += len;
    return taken;
}

static inline uint8_t wire_byte(struct wire_reader *reader)
{
    struct str byte = wire_take(reader, 1);

    return byte.len ? (uint8_t)byte.data[0] : 0;
}

/* Copies `len` bytes to `ret`, which is untouched if they are not there. */
static inline void wire_bytes(struct wire_reader *reader, void *ret, size_t len)
{
    struct str bytes = wire_take(reader, len);

    if (!reader->bad) {
        memcpy(ret, bytes.data, len);
    }
}

/* An unsigned integer, seven bits a byte, the lowest first, in as few bytes as can be. */
static inline uint64_t wire_varint(struct wire_reader *reader)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = wire_byte(reader);
        uint64_t part = byte & 0x7f;

        if ((shift == 63 && part > 1) || (byte == 0 && shift > 0)) {
            break; /* does not fit, or could have been shorter */
        }
        value |= part << shift;
        if (!(byte & 0x80)) {
            return reader->bad ? 0 : value;
        }
    }
    reader->bad = true;
    return 0;
}

static inline struct str wire_text(struct wire_reader *reader)
{
    return wire_take(reader, wire_varint(reader));
}

static inline bool wire_finished(const struct wire_reader *reader)
{
    return !reader->bad && reader->at == reader->end;
}

static inline void wire_add_varint(struct buf *out, uint64_t value)
{
    while (value >= 0x80) {
        buf_add_char(out, (char)(0x80 | (value & 0x7f)));
        value >>= 7;
    }
    buf_add_char(out, (char)value);
}

static inline void wire_add_text(struct buf *out, struct str text)
{
    wire_add_varint(out, text.len);
    buf_add_str(out, text);
}

#endif
