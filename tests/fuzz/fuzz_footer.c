/* A Parquet footer: a schema that is a tree whose counts and skips stay inside of it, layouts that can be made of it, row
 * groups whose chunks are its leaves, and bounds that are values of any type that is asked for. */
#include <stdlib.h>

#include "arrow/scalar.h"
#include "engine/chunks.h"
#include "engine/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct look {
    const struct footer *footer;
    struct arena *arena;
};

static int look_at(void *arg, const struct footer_group *group, corrie_error *err)
{
    const struct look *look = arg;
    struct str lower;
    struct str upper;

    for (size_t i = 0; i < look->footer->nodes.count; i++) {
        const struct footer_node *node = &look->footer->nodes.items[i];

        for (int kind = TYPE_BOOLEAN; node->children == 0 && kind < TYPE_STRUCT; kind++) {
            const struct type type = {
                .kind = kind, .precision = 38, .scale = (int)(node->scale & 31), .length = 4};
            int r = chunk_bounds(&group->chunks[node->leaf], node, &type, look->arena, &lower,
                                 &upper, err);

            if (r < 0) {
                return r;
            }
            if (r > 0 &&
                (scalar_check(&type, lower, err) < 0 || scalar_check(&type, upper, err) < 0)) {
                abort();
            }
        }
    }
    return 0;
}

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
    for (size_t i = 0; i < footer.nodes.count; i++) {
        struct footer_node *node = &footer.nodes.items[i];

        if (node->children == 0 && node->leaf >= footer.leaves) {
            abort();
        }
    }
    struct look look = {&footer, &arena};
    if (footer_groups(str_make((const char *)data, size), STR("input"), &footer, look_at, &look,
                      &err) < 0) {
        corrie_error_clear(&err);
    }
    return 0;
}
