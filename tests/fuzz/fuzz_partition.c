/* Terms of partitioned_by: what is accepted prints as terms that print the same again. */
#include <stdlib.h>

#include "lang/partition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf once = {0};
    _cleanup_(buf_done) struct buf twice = {0};
    struct partition_by_term *terms;
    size_t n;
    size_t again;
    int r;

    if (partition_parse(str_make((const char *)data, size), &arena, &terms, &n, &err) < 0) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (terms[i].offset + terms[i].length > size || terms[i].length == 0) {
            abort();
        }
    }
    partition_terms_print(terms, n, &once);
    r = partition_parse(buf_str(&once), &arena, &terms, &again, &err);
    if (r == CORRIE_E_LIMIT) { /* quotes made it longer */
        return 0;
    }
    if (r < 0 || again != n) {
        abort();
    }
    partition_terms_print(terms, n, &twice);
    if (!str_eq(buf_str(&once), buf_str(&twice))) {
        abort();
    }
    return 0;
}
