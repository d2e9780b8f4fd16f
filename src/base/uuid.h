/* uuid.h — random (version 4) UUIDs; ids of tables, jobs, values. */
#ifndef CORRIE_BASE_UUID_H
#define CORRIE_BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define UUID_TEXT 36

struct uuid {
    uint8_t bytes[16];
};

/* From the kernel's random source; cannot fail. */
struct uuid uuid_random(void);
/* `len` random bytes from the same source. */
void random_bytes(void *ret, size_t len);
void uuid_format(const struct uuid *uuid, char ret[UUID_TEXT + 1]);
/* 32 hex digits and a NUL, no dashes. */
void uuid_format_hex(const struct uuid *uuid, char ret[33]);
/* The 36-character form, either case. */
bool uuid_parse(struct str text, struct uuid *ret);
bool uuid_eq(const struct uuid *a, const struct uuid *b);

#endif
