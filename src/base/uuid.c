#include "base/uuid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *ret, size_t len)
{
    char *at = ret;

    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);

        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            abort(); /* Linux documents no other failure for a valid buffer; ids must never be guessed */
        }
        at += got;
        len -= (size_t)got;
    }
}

struct uuid uuid_random(void)
{
    struct uuid uuid;

    random_bytes(uuid.bytes, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0F) | 0x40); /* version 4 */
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3F) | 0x80); /* variant of RFC 9562 */
    return uuid;
}

void uuid_format_hex(const struct uuid *uuid, char ret[33])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        ret[2 * i] = digits[uuid->bytes[i] >> 4];
        ret[2 * i + 1] = digits[uuid->bytes[i] & 15];
    }
    ret[32] = '\0';
}

void uuid_format(const struct uuid *uuid, char ret[UUID_TEXT + 1])
{
    char hex[33];

    uuid_format_hex(uuid, hex);
    snprintf(ret, UUID_TEXT + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct str text, struct uuid *ret)
{
    struct uuid parsed = {{0}};
    size_t digit = 0;

    if (text.len != UUID_TEXT) {
        return false;
    }
    for (size_t i = 0; i < UUID_TEXT; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        int value = hex_value(text.data[i]);

        if (dash ? text.data[i] != '-' : value < 0) {
            return false;
        }
        if (!dash) {
            parsed.bytes[digit / 2] |= (uint8_t)(value << (digit % 2 ? 0 : 4));
            digit++;
        }
    }
    *ret = parsed;
    return true;
}

bool uuid_eq(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
