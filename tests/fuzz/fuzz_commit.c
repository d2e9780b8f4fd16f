/* A commit: what is accepted says exactly one thing, so it encodes to the same bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "catalog/catalog_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(arena_done) struct arena arena = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct str bytes = {(const char *)data, size};
    struct commit commit;

    if (commit_decode(bytes, &arena, &commit, &err) >= 0) {
        _cleanup_(buf_done) struct buf again = {0};

        commit_encode(&commit, &again);
        if (!str_eq(buf_str(&again), bytes)) {
            abort();
        }
    } else if (err.code != CORRIE_E_CORRUPT) {
        abort();
    }
    corrie_error_clear(&err);
    return 0;
}
