/* flat_priv.h — a bounded reader of FlatBuffers, for the messages of Arrow IPC.
 *
 * Everything it follows is checked against the length first: no access leaves the bytes, whatever
 * they say. It does not guard against offsets that lead to one table many times; who walks trees
 * keeps a budget. All functions return false on bytes that cannot be right. */
#ifndef CORRIE_ARROW_FLAT_PRIV_H
#define CORRIE_ARROW_FLAT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct flat {
    struct str bytes;
};

/* A vector: its elements from `start` on. */
struct flat_vector {
    size_t start;
    size_t count;
};

bool flat_root(const struct flat *flat, size_t *ret_table);
/* Scalars of a table; `*ret` keeps its value (the default) when the field is absent. */
bool flat_u8(const struct flat *flat, size_t table, unsigned field, uint8_t *ret);
/* Where a scalar of `size` bytes stands; 0 when absent. */
bool flat_position(const struct flat *flat, size_t table, unsigned field, size_t size, size_t *ret);
bool flat_i16(const struct flat *flat, size_t table, unsigned field, int16_t *ret);
bool flat_i64(const struct flat *flat, size_t table, unsigned field, int64_t *ret);
/* A table inside the table; *ret is 0 when absent (no table can begin there). */
bool flat_table(const struct flat *flat, size_t table, unsigned field, size_t *ret);
/* A vector of elements of `size` bytes; empty when absent. */
bool flat_vector(const struct flat *flat, size_t table, unsigned field, size_t size,
                 struct flat_vector *ret);
/* The table that element `index` of a vector of offsets names. */
bool flat_element_table(const struct flat *flat, struct flat_vector vector, size_t index,
                        size_t *ret);
/* 64 bits at a position inside a checked vector. */
int64_t flat_i64_at(const struct flat *flat, size_t position);

#endif
