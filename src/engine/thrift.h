/* thrift.h — a cursor over Thrift's compact protocol, which Parquet footers are written in. Inside the room only.
 *
 * Every number is an outsider's: a cursor that ran out or met what cannot be stays in trouble, reads nothing more and
 * gives zeros, so that trouble need only be looked at where something is made of what was read. */
#ifndef CORRIE_ENGINE_THRIFT_H
#define CORRIE_ENGINE_THRIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum thrift_type {
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_BYTE = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
    THRIFT_UUID = 13
};

enum thrift_trouble { THRIFT_FINE = 0, THRIFT_SHORT, THRIFT_WRONG };

struct thrift {
    const uint8_t *at;
    const uint8_t *end;
    enum thrift_trouble trouble; /* the first; nothing is read after it */
};

void thrift_stop(struct thrift *thrift, enum thrift_trouble trouble);
int64_t thrift_int(struct thrift *thrift);
/* A part of what is read. */
struct str thrift_text(struct thrift *thrift);
/* A boolean that is a field, whose type says which. */
static inline bool thrift_flag(int type)
{
    return type == THRIFT_TRUE;
}
/* Next field of a struct: false at its end. *id goes in as the last field's, 0 before the first. */
bool thrift_field(struct thrift *thrift, int *id, int *type);
/* Head of a list: how many, of which type. The count may be more than there are bytes. */
uint64_t thrift_list(struct thrift *thrift, int *type);
/* Skips a field's value. */
void thrift_skip(struct thrift *thrift, int type);

#endif
