/* Filters: what is accepted prints as a filter that prints the same again. */
#include <stdlib.h>

#include "base/buf.h"
#include "lang/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf once = {0};
    _cleanup_(buf_done) struct buf twice = {0};
    struct filter *filter;

    if (filter_parse(str_make((const char *)data, size), &arena, &filter, &err) < 0) {
        return 0;
    }
    filter_print(filter->root, &once);
    int r = filter_parse(buf_str(&once), &arena, &filter, &err);
    if (r == CORRIE_E_LIMIT) { /* quotes made it longer */
        return 0;
    }
    if (r < 0) {
        abort();
    }
    filter_print(filter->root, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice))) {
        abort();
    }
    return 0;
}
