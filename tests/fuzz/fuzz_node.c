/* A node of the catalog's tree: what is accepted says exactly one thing, so it encodes to the same
 * bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "catalog/catalog_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct str bytes = {(const char *)data, size};
    _free_ struct node *node = NULL;

    if (node_decode(bytes, &node, &err) >= 0) {
        _cleanup_(buf_done) struct buf again = {0};

        node_encode(node->level, node->entries, node->n, &again);
        if (!str_eq(buf_str(&again), bytes)) {
            abort();
        }
        for (size_t i = 0; i < node->n; i++) {
            _cleanup_(buf_done) struct buf value_again = {0};
            struct tree_value value;

            if (node_find(node, node->entries[i].key) != i) {
                abort();
            }
            if (node->level > 0) {
                continue;
            }
            if (!value_decode(node->entries[i].value, &value)) {
                abort();
            }
            value_encode(&value, &value_again);
            if (!str_eq(buf_str(&value_again), node->entries[i].value)) {
                abort();
            }
        }
    } else if (err.code != CORRIE_E_CORRUPT) {
        abort();
    }
    corrie_error_clear(&err);
    return 0;
}
