/* Arrow IPC streams as functions of the user's may write them: whatever is accepted must be readable to its last
 * value and be written again as the same values. */
#include <stdlib.h>

#include "arrow/ipc.h"
#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int to_buf(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    (void)err;
    buf_add(arg, bytes, len);
    return 0;
}

/* Reads every offset and value; validation has to have made that safe. */
static void walk(const struct arrow_column *column)
{
    for (size_t i = 0; i < column->n_chunks; i++) {
        struct ArrowArrayView view = {0};
        if (ArrowArrayViewInitFromSchema(&view, &column->schema, NULL) != NANOARROW_OK ||
            ArrowArrayViewSetArray(&view, &column->chunks[i], NULL) != NANOARROW_OK ||
            ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL) != NANOARROW_OK) {
            abort();
        }
        ArrowArrayViewReset(&view);
    }
}

static void encode_again(const struct arrow_table *table)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf bytes = {.max = 64 << 20};
    _cleanup_(arrow_table_unrefp) struct arrow_table *back = NULL;

    /* Without this, rows that take no bytes (nulls) would make work of any size from few bytes. */
    if (table->n_rows > 1 << 20 || arrow_table_bytes(table) > 16 << 20) {
        return;
    }
    if (ipc_encode_table(table, to_buf, &bytes, NULL, &err) < 0 || buf_check(&bytes, &err) < 0) {
        return;
    }
    if (ipc_decode(buf_str(&bytes), (struct ipc_hold){0}, "ours", &back, &err) < 0 ||
        back->n_rows != table->n_rows || back->n_columns != table->n_columns) {
        abort();
    }
}

static int walk_batch(void *arg, const struct arrow_table *batch, corrie_error *err)
{
    (void)arg;
    (void)err;
    for (size_t i = 0; i < batch->n_columns; i++) {
        walk(batch->columns[i]);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    struct schema schema;

    if (ipc_decode_each(str_make((const char *)data, size), "fuzz", walk_batch, NULL, &err) < 0) {
        corrie_error_clear(&err);
    }
    if (ipc_decode(str_make((const char *)data, size), (struct ipc_hold){0}, "fuzz", &table, &err) <
        0) {
        return 0;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        walk(table->columns[i]);
    }
    if (arrow_table_schema(table, &arena, &schema, &err) < 0) {
        corrie_error_clear(&err);
    }
    encode_again(table);
    return 0;
}
