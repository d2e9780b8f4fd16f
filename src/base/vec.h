/* vec.h — growing arrays. Any struct with `items`, `count` and `capacity` is one:
 *
 *     struct path_list { char **items; size_t count, capacity; };
 *     struct path_list list = {0};
 *     r = vec_push(&list, path);      0, or CORRIE_E_NO_MEMORY and the list is as before
 *
 * Zeroed is empty. Elements are moved by memcpy. The owner frees what elements own, then vec_done. */
#ifndef CORRIE_BASE_VEC_H
#define CORRIE_BASE_VEC_H

#include <corrie/error.h>

#include "base/mem.h"

#define VEC(type)                                                                                  \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

#define vec_reserve(vec, need)                                                                     \
    mem_grow(&(vec)->items, &(vec)->capacity, (need), sizeof *(vec)->items)

#define vec_push(vec, item)                                                                        \
    (vec_reserve((vec), (vec)->count + 1) < 0 ? CORRIE_E_NO_MEMORY                                 \
                                              : ((vec)->items[(vec)->count++] = (item), 0))

#define vec_pop(vec) ((vec)->items[--(vec)->count])
#define vec_last(vec) ((vec)->items[(vec)->count - 1])

/* Frees the array itself and makes it empty. */
#define vec_done(vec)                                                                              \
    do {                                                                                           \
        mem_free((vec)->items);                                                                    \
        (vec)->items = NULL;                                                                       \
        (vec)->count = (vec)->capacity = 0;                                                        \
    } while (0)

#endif
