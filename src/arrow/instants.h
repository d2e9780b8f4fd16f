/* instants.h — times with a zone that are finer than what a table or DuckDB holds. */
#ifndef CORRIE_ARROW_INSTANTS_H
#define CORRIE_ARROW_INSTANTS_H

#include <stdbool.h>
#include <stdint.h>

#include <nanoarrow/nanoarrow.h>

/* Looks for an instant of nanoseconds (timestamp[ns] with a zone), at whatever depth, that is no whole number of microseconds,
 * among `length` values of the array from `offset` on (which comes on top of the array's own). What lies in a null does
 * not count. True and *ret in nanoseconds since 1970. Cost: nothing for a type that has none in it. The array is one of the
 * schema's type, checked before. */
bool instants_find_finer(const struct ArrowSchema *schema, const struct ArrowArray *array,
                         int64_t offset, int64_t length, int64_t *ret);

#endif
