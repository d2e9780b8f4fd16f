#include "arrow/instants.h"

#include <stdlib.h>
#include <string.h>

static bool has_instants(const struct ArrowSchema *schema)
{
    bool found = schema->dictionary ? has_instants(schema->dictionary)
                                    : strncmp(schema->format, "tsn:", 4) == 0 && schema->format[4];

    for (int64_t i = 0; i < schema->n_children && !found; i++) {
        found = has_instants(schema->children[i]);
    }
    return found;
}

static bool is_null(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *valid = array->n_buffers > 0 ? array->buffers[0] : NULL;

    return array->null_count != 0 && valid && !ArrowBitGet(valid, at);
}

static int64_t index_at(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        int64_t at)
{
    const void *indexes = array->buffers[1];

    switch (schema->format[0]) {
    case 'c':
        return ((const int8_t *)indexes)[at];
    case 'C':
        return ((const uint8_t *)indexes)[at];
    case 's':
        return ((const int16_t *)indexes)[at];
    case 'S':
        return ((const uint16_t *)indexes)[at];
    case 'i':
        return ((const int32_t *)indexes)[at];
    case 'I':
        return ((const uint32_t *)indexes)[at];
    default:
        return ((const int64_t *)indexes)[at];
    }
}

/* The elements of the list or map at `at`, in its child. */
static void elements_of(const char *format, const struct ArrowArray *array, int64_t at,
                        int64_t *ret_first, int64_t *ret_count)
{
    bool large = format[1] == 'L' || (format[1] == 'v' && format[2] == 'L');
    const int32_t *starts = array->buffers[1];
    const int64_t *large_starts = array->buffers[1];

    if (format[1] == 'w') {
        *ret_count = strtoll(format + 3, NULL, 10);
        *ret_first = at * *ret_count;
        return;
    }
    *ret_first = large ? large_starts[at] : starts[at];
    if (format[1] == 'v') {
        *ret_count = large ? ((const int64_t *)array->buffers[2])[at]
                           : ((const int32_t *)array->buffers[2])[at];
        return;
    }
    *ret_count = (large ? large_starts[at + 1] : starts[at + 1]) - *ret_first;
}

static bool find(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t offset,
                 int64_t length, int64_t *ret);

static bool find_nested(const struct ArrowSchema *schema, const struct ArrowArray *array,
                        int64_t at, int64_t *ret)
{
    const char *format = schema->format;
    int64_t first;
    int64_t count;

    if (schema->dictionary) {
        return find(schema->dictionary, array->dictionary, index_at(schema, array, at), 1, ret);
    }
    if (format[0] == '+' && format[1] == 's') {
        for (int64_t i = 0; i < schema->n_children; i++) {
            if (has_instants(schema->children[i]) &&
                find(schema->children[i], array->children[i], at, 1, ret)) {
                return true;
            }
        }
        return false;
    }
    if (format[0] != '+' || !strchr("lLmwv", format[1])) {
        return false; /* unions and run ends have no place in a table and are refused */
    }
    elements_of(format, array, at, &first, &count);
    return find(schema->children[0], array->children[0], first, count, ret);
}

static bool find(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t offset,
                 int64_t length, int64_t *ret)
{
    bool plain = !schema->dictionary && strncmp(schema->format, "tsn:", 4) == 0;

    for (int64_t i = 0; i < length; i++) {
        int64_t at = array->offset + offset + i;

        if (is_null(array, at)) {
            continue;
        }
        if (plain && ((const int64_t *)array->buffers[1])[at] % 1000 != 0) {
            *ret = ((const int64_t *)array->buffers[1])[at];
            return true;
        }
        if (!plain && find_nested(schema, array, at, ret)) {
            return true;
        }
    }
    return false;
}

bool instants_find_finer(const struct ArrowSchema *schema, const struct ArrowArray *array,
                         int64_t offset, int64_t length, int64_t *ret)
{
    return has_instants(schema) && find(schema, array, offset, length, ret);
}
