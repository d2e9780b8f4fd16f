/* Table metadata JSON. What is accepted must be accepted again as we write it, and be fit for changes. */
#include "iceberg/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    _cleanup_(metadata_freep) struct table_metadata *again = NULL;
    _cleanup_(metadata_freep) struct table_metadata *changed = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct field field = {.name = STR("added by the fuzz target"), .type = {.kind = TYPE_INT}};
    struct schema schema;

    if (metadata_parse((struct str){(const char *)data, size}, "fuzz", &metadata, &err) < 0) {
        return 0;
    }
    if (metadata_format(metadata, &out, &err) < 0 ||
        metadata_parse(buf_str(&out), "again", &again, &err) < 0 ||
        again->n_snapshots != metadata->n_snapshots ||
        again->current_snapshot_id != metadata->current_snapshot_id ||
        !schema_eq(metadata_schema(again), metadata_schema(metadata))) {
        abort();
    }
    (void)metadata_current_snapshot(metadata);
    (void)metadata_snapshot_schema(metadata, metadata_current_snapshot(metadata));
    if (metadata_extended_schema(metadata, &field, 1, &arena, &schema, &err) < 0 ||
        metadata_with_schema(metadata, &schema, 1, &changed, &err) < 0) {
        return 0; /* ids or fields are used up */
    }
    if (!schema_eq(metadata_schema(changed), &schema)) {
        abort();
    }
    return 0;
}
