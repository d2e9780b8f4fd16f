/* cleanup.h — resources that leave by themselves.
 *
 * A resource is declared with its cleanup on the line where it is acquired and handed on by TAKE:
 *
 *     _cleanup_(buf_done) struct buf text = {0};
 *     _free_ char *name = NULL;
 *     …
 *     *ret_name = TAKE_PTR(name);
 */
#ifndef CORRIE_BASE_CLEANUP_H
#define CORRIE_BASE_CLEANUP_H

#include <stddef.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Hands over a pointer: its value leaves, NULL stays behind. */
#define TAKE_PTR(pointer)                                                                          \
    __extension__({                                                                                \
        __typeof__(pointer) *take_from_ = &(pointer);                                              \
        __typeof__(pointer) taken_ = *take_from_;                                                  \
        *take_from_ = NULL;                                                                        \
        taken_;                                                                                    \
    })

/* Hands over a struct: its value leaves, zeros stay behind. */
#define TAKE(object)                                                                               \
    __extension__({                                                                                \
        __typeof__(object) *take_from_ = &(object);                                                \
        __typeof__(object) taken_ = *take_from_;                                                   \
        __builtin_memset((void *)take_from_, 0, sizeof *take_from_);                               \
        taken_;                                                                                    \
    })

/* Hands over a file descriptor: its value leaves, -1 stays behind. */
#define TAKE_FD(descriptor)                                                                        \
    __extension__({                                                                                \
        int *take_from_ = &(descriptor);                                                           \
        int taken_ = *take_from_;                                                                  \
        *take_from_ = -1;                                                                          \
        taken_;                                                                                    \
    })

/* Makes `name##p`, a cleanup function for a pointer variable, of a destructor that takes NULL. */
#define DEFINE_CLEANUP(type, function)                                                             \
    static inline void function##p(type *pointer)                                                  \
    {                                                                                              \
        if (*pointer) {                                                                            \
            function(*pointer);                                                                    \
        }                                                                                          \
    }

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
