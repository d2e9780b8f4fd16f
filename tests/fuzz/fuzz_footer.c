/* The schema of a Parquet footer: a tree whose counts and skips stay inside of it, and layouts that can be made of it. */
#include <stdlib.h>

#include "engine/footer.h"
#include "engine/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(footer_done) struct footer footer = {0};
    struct layout layout;

    if (footer_parse(str_make((const char *)data, size), STR("input"), &footer, &err) <= 0) {
        return 0;
    }
    for (size_t i = 0; i < footer.nodes.count; i++) {
        size_t next = footer_skip(&footer, i);

        if (next <= i || next > footer.nodes.count) {
            abort();
        }
    }
    if (footer.schema.len > size) {
        abort();
    }
    if (layout_of(&footer, &arena, &layout, &err) == 0 && layout.n_fields > footer.nodes.count) {
        abort();
    }
    return 0;
}
