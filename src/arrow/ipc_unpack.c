/* ipc_unpack.c — compressed buffers of IPC bodies: LZ4 frames and Zstandard.
 *
 * The bytes are not trusted: what they unpack to must be exactly as long as they say, and no copy reaches outside of
 * what was unpacked before. LZ4's format is small enough to be read here (lz4_Block_format.md, lz4_Frame_format.md
 * of the LZ4 project); its checksums are not looked at, since Arrow's writers leave them out. */
#include "arrow/ipc_priv.h"

#include <string.h>

#include <zstd.h>

#include "base/buf.h"
#include "base/limits.h"

enum {
    LZ4_MAGIC = 0x184d2204,
    LZ4_VERSION = 0x40,
    LZ4_VERSION_MASK = 0xc0,
    LZ4_BLOCK_CHECKSUM = 0x10,
    LZ4_CONTENT_SIZE = 0x08,
    LZ4_DICTIONARY = 0x01,
    LZ4_MIN_MATCH = 4
};
#define LZ4_STORED UINT32_C(0x80000000) /* in a block's size: its bytes are not packed */

/* Adds the bytes that continue a length of 15. */
static bool add_length(const unsigned char **at, const unsigned char *end, size_t *length)
{
    unsigned char byte;

    do {
        if (*at == end) {
            return false;
        }
        byte = *(*at)++;
        *length += byte;
    } while (byte == 255);
    return true;
}

/* One block; *out moves to the end of what came of it. Matches may reach back to `start`. */
static bool lz4_block(const unsigned char *at, const unsigned char *end, unsigned char *start,
                      unsigned char **out, const unsigned char *limit)
{
    unsigned char *to = *out;

    while (at < end) {
        unsigned token = *at++;
        size_t literals = token >> 4;
        size_t length = token & 15;
        size_t distance;

        if (literals == 15 && !add_length(&at, end, &literals)) {
            return false;
        }
        if (literals > (size_t)(end - at) || literals > (size_t)(limit - to)) {
            return false;
        }
        memcpy(to, at, literals);
        to += literals;
        at += literals;
        if (at == end) { /* the last sequence has no match */
            break;
        }
        if (end - at < 2) {
            return false;
        }
        distance = (size_t)at[0] | (size_t)at[1] << 8;
        at += 2;
        if (length == 15 && !add_length(&at, end, &length)) {
            return false;
        }
        length += LZ4_MIN_MATCH;
        if (distance == 0 || distance > (size_t)(to - start) || length > (size_t)(limit - to)) {
            return false;
        }
        if (distance >= length) {
            memcpy(to, to - distance, length);
            to += length;
        } else {
            for (; length > 0; length--, to++) { /* it repeats what it writes */
                *to = *(to - distance);
            }
        }
    }
    *out = to;
    return true;
}

/* Exactly `len` bytes of one frame. */
static bool lz4_frame(struct str packed, unsigned char *out, size_t len)
{
    const unsigned char *at = (const unsigned char *)packed.data;
    const unsigned char *end = at + packed.len;
    unsigned char *to = out;
    unsigned flags;
    size_t header = 7; /* magic, flags, block size, checksum of the header */

    if (packed.len < header || read_le32(at) != LZ4_MAGIC) {
        return false;
    }
    flags = at[4];
    header += (flags & LZ4_CONTENT_SIZE ? 8 : 0) + (flags & LZ4_DICTIONARY ? 4 : 0);
    if ((flags & LZ4_VERSION_MASK) != LZ4_VERSION || packed.len < header) {
        return false;
    }
    at += header;
    for (;;) {
        uint32_t size;
        bool stored;

        if (end - at < 4) {
            return false;
        }
        size = read_le32(at);
        at += 4;
        if (size == 0) {
            return to == out + len;
        }
        stored = (size & LZ4_STORED) != 0;
        size &= ~LZ4_STORED;
        if (size > (size_t)(end - at)) {
            return false;
        }
        if (stored) {
            if (size > (size_t)(out + len - to)) {
                return false;
            }
            memcpy(to, at, size);
            to += size;
        } else if (!lz4_block(at, at + size, out, &to, out + len)) {
            return false;
        }
        at += size;
        if (flags & LZ4_BLOCK_CHECKSUM) {
            if (end - at < 4) {
                return false;
            }
            at += 4;
        }
    }
}

int ipc_unpack(uint8_t codec, struct str packed, struct arena *arena, struct str *ret,
               corrie_error *err)
{
    int64_t length;
    void *out;
    bool fine;

    if (packed.len < sizeof length) {
        return corrie_fail(err, CORRIE_E_DATA, "a compressed buffer without its length");
    }
    memcpy(&length, packed.data, sizeof length);
    packed = str_from(packed, sizeof length);
    if (length == -1) {
        *ret = packed;
        return 0;
    }
    if (length < 0 || (uint64_t)length > CORRIE_MAX_ARENA) {
        return corrie_fail(err, CORRIE_E_LIMIT, "a compressed buffer of %lld bytes",
                           (long long)length);
    }
    out = arena_alloc(arena, (size_t)length + 1, 1);
    if (!out) {
        return corrie_fail_memory(err);
    }
    fine = codec == CODEC_ZSTD
               ? ZSTD_decompress(out, (size_t)length, packed.data, packed.len) == (size_t)length
               : lz4_frame(packed, out, (size_t)length);
    if (!fine) {
        return corrie_fail(err, CORRIE_E_DATA, "a compressed buffer is damaged");
    }
    *ret = str_make(out, (size_t)length);
    return 0;
}
