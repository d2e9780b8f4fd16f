/* Table metadata JSON. What is accepted must be accepted again as we write it, and be fit for changes. */
#include <stdlib.h>

#include "iceberg/alter.h"
#include "iceberg/history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Edits may refuse; what they make has passed metadata_parse's checks. */
static void alter(const struct table_metadata *metadata)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(metadata_freep) struct table_metadata *columns = NULL;
    _cleanup_(metadata_freep) struct table_metadata *specs = NULL;
    _cleanup_(metadata_freep) struct table_metadata *expired = NULL;
    const struct schema *schema = metadata_schema(metadata);
    const struct sort_term *terms = NULL;
    size_t n = 0;

    if (metadata_sort_order(metadata, &arena, &terms, &n, &err) < 0) {
        corrie_error_clear(&err);
    }
    const struct expire_options all = {.older_than_ms = INT64_MAX};
    if (metadata_expire(metadata, &all, 1, &expired, &n, &err) < 0) {
        corrie_error_clear(&err);
    } else if (expired->current_snapshot_id != metadata->current_snapshot_id ||
               expired->n_snapshots + n != metadata->n_snapshots) {
        abort();
    }
    if (schema->n_fields == 0) {
        return;
    }
    const struct column_edit edits[] = {
        {COLUMN_RENAME, .path = &schema->fields[0].name, .n_path = 1, .name = STR("renamed here")},
        {COLUMN_MOVE, .path = &(struct str){"renamed here", 12}, .n_path = 1,
         .place = PLACE_FIRST}};
    const struct spec_edit spec = {SPEC_ADD, .term = {schema->fields[0].id, STR("void"), STR("v")}};
    if (metadata_with_columns(metadata, edits, 2, 1, &columns, &err) < 0) {
        corrie_error_clear(&err);
    } else if (metadata_schema(columns)->fields[0].id != schema->fields[0].id) {
        abort();
    }
    if (metadata_with_spec_edits(metadata, &spec, 1, 1, &specs, &err) < 0) {
        corrie_error_clear(&err);
    }
}

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
    alter(metadata);
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
