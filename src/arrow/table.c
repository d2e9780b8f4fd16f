/* Columns and tables. */
#include "arrow/table.h"

#include <errno.h>

#include "arrow/array_priv.h"
#include "arrow/type_priv.h"
#include "base/mem.h"
#include "base/vec.h"

int arrow_fail(corrie_error *err, int code, int errno_code, const char *message)
{
    if (errno_code == ENOMEM) {
        return corrie_fail_memory(err);
    }
    if (errno_code == ENOTSUP) {
        code = CORRIE_E_UNSUPPORTED;
    }
    return corrie_fail(err, code, "%s", message && *message ? message : "Arrow data");
}

/* ---- counting ---- */

static void refs_up(int *refs)
{
    __atomic_fetch_add(refs, 1, __ATOMIC_RELAXED);
}

/* True for the one who dropped the last reference. */
static bool refs_down(int *refs)
{
    return __atomic_sub_fetch(refs, 1, __ATOMIC_ACQ_REL) == 0;
}

struct arrow_column *arrow_column_ref(struct arrow_column *column)
{
    refs_up(&column->refs);
    return column;
}

void arrow_column_unref(struct arrow_column *column)
{
    if (!column || !refs_down(&column->refs)) {
        return;
    }
    for (size_t i = 0; i < column->n_chunks; i++) {
        arrow_array_done(&column->chunks[i]);
    }
    mem_free(column->chunks);
    arrow_schema_done(&column->schema);
    mem_free(column);
}

struct arrow_table *arrow_table_ref(struct arrow_table *table)
{
    refs_up(&table->refs);
    return table;
}

void arrow_table_unref(struct arrow_table *table)
{
    if (!table || !refs_down(&table->refs)) {
        return;
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        arrow_column_unref(table->columns[i]);
    }
    mem_free(table->columns);
    mem_free(table);
}

/* ---- columns ---- */

int arrow_column_new(struct ArrowSchema *schema, struct arrow_column **ret, corrie_error *err)
{
    struct arrow_column *column = mem_alloc(1, sizeof *column);
    if (!column) {
        arrow_schema_done(schema);
        return corrie_fail_memory(err);
    }
    column->refs = 1;
    column->schema = TAKE(*schema);
    *ret = column;
    return 0;
}

struct str arrow_column_name(const struct arrow_column *column)
{
    return str_of(column->schema.name);
}

/* Whether the array has the buffers and children of the type. */
static int check_shape(const struct arrow_column *column, const struct ArrowArray *chunk,
                       corrie_error *err)
{
    struct ArrowArrayView view = {0};
    struct ArrowError error = {0};

    int result = ArrowArrayViewInitFromSchema(&view, &column->schema, &error);
    if (result == NANOARROW_OK) {
        result = ArrowArrayViewSetArray(&view, chunk, &error);
    }
    ArrowArrayViewReset(&view);
    if (result != NANOARROW_OK) {
        arrow_fail(err, CORRIE_E_DATA, result, error.message);
        return corrie_wrap(err, "column %s", column->schema.name ? column->schema.name : "");
    }
    return 0;
}

int arrow_column_append(struct arrow_column *column, struct ArrowArray *chunk, corrie_error *err)
{
    _cleanup_(arrow_array_done) struct ArrowArray taken = TAKE(*chunk);

    if (taken.length == 0) {
        return 0;
    }
    int r = check_shape(column, &taken, err);
    if (r < 0) {
        return r;
    }
    if (mem_grow(&column->chunks, &column->capacity, column->n_chunks + 1, sizeof *column->chunks) <
        0) {
        return corrie_fail_memory(err);
    }
    column->n_rows += taken.length;
    column->chunks[column->n_chunks++] = TAKE(taken);
    return 0;
}

static void column_owner_ref(void *arg)
{
    arrow_column_ref(arg);
}

static void column_owner_unref(void *arg)
{
    arrow_column_unref(arg);
}

int arrow_column_slice(struct arrow_column *column, size_t index, int64_t offset, int64_t length,
                       struct ArrowArray *ret, corrie_error *err)
{
    struct array_owner owner = {column_owner_ref, column_owner_unref, column};

    if (index >= column->n_chunks || offset < 0 || length < 0 ||
        offset > column->chunks[index].length || length > column->chunks[index].length - offset) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "a slice outside of its column");
    }
    const struct ArrowArray *chunk = &column->chunks[index];
    int r = array_share(chunk, &owner, ret, err);
    if (r < 0) {
        return r;
    }
    ret->offset += offset;
    ret->length = length;
    if (length != chunk->length && chunk->null_count != 0) {
        ret->null_count = -1; /* whoever needs it counts */
    }
    return 0;
}

/* ---- tables ---- */

int arrow_table_new(struct arrow_column *const *columns, size_t n_columns, int64_t n_rows,
                    struct arrow_table **ret, corrie_error *err)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = mem_alloc(1, sizeof *table);
    if (!table) {
        return corrie_fail_memory(err);
    }
    table->refs = 1;
    table->n_rows = n_rows;
    table->columns = mem_alloc(n_columns, sizeof *table->columns);
    if (!table->columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_columns; i++) {
        if (columns[i]->n_rows != n_rows) {
            return corrie_fail(err, CORRIE_E_DATA,
                               "column %.*s has %lld rows where the table has %lld",
                               STR_FMT(arrow_column_name(columns[i])),
                               (long long)columns[i]->n_rows, (long long)n_rows);
        }
        table->columns[table->n_columns++] = arrow_column_ref(columns[i]);
    }
    *ret = TAKE_PTR(table);
    return 0;
}

ptrdiff_t arrow_table_index(const struct arrow_table *table, struct str name)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (str_eq(arrow_column_name(table->columns[i]), name)) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

int arrow_table_select(const struct arrow_table *table, const struct str *names, size_t n_names,
                       struct arrow_table **ret, corrie_error *err)
{
    _free_ struct arrow_column **columns = mem_alloc(n_names, sizeof *columns);
    if (!columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_names; i++) {
        ptrdiff_t index = arrow_table_index(table, names[i]);
        if (index < 0) {
            _cleanup_(arena_done) struct arena arena = {0};
            struct schema schema;
            int r = arrow_table_schema(table, &arena, &schema, err);
            if (r < 0) {
                return r;
            }
            return schema_fail_column(&schema, names[i], err);
        }
        columns[i] = table->columns[index];
    }
    return arrow_table_new(columns, n_names, table->n_rows, ret, err);
}

int arrow_table_schema(const struct arrow_table *table, struct arena *arena, struct schema *ret,
                       corrie_error *err)
{
    struct field *fields = arena_array(arena, struct field, table->n_columns + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < table->n_columns; i++) {
        int r = field_from_arrow(&table->columns[i]->schema, arena, &fields[i], err);
        if (r < 0) {
            return r;
        }
    }
    struct schema schema = {.fields = fields, .n_fields = table->n_columns};
    int r = schema_clear_repeated_ids(&schema, err);
    if (r >= 0) {
        r = schema_check(&schema, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = schema;
    return 0;
}

static uint64_t view_bytes(const struct ArrowArrayView *view)
{
    uint64_t bytes = 0;
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        if (view->layout.buffer_type[i] != NANOARROW_BUFFER_TYPE_NONE &&
            view->buffer_views[i].size_bytes > 0) {
            bytes += (uint64_t)view->buffer_views[i].size_bytes;
        }
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        bytes += view_bytes(view->children[i]);
    }
    return bytes + (view->dictionary ? view_bytes(view->dictionary) : 0);
}

uint64_t arrow_table_bytes(const struct arrow_table *table)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < table->n_columns; i++) {
        const struct arrow_column *column = table->columns[i];
        for (size_t j = 0; j < column->n_chunks; j++) {
            struct ArrowArrayView view = {0};
            if (ArrowArrayViewInitFromSchema(&view, &column->schema, NULL) == NANOARROW_OK &&
                ArrowArrayViewSetArray(&view, &column->chunks[j], NULL) == NANOARROW_OK) {
                bytes += view_bytes(&view);
            }
            ArrowArrayViewReset(&view);
        }
    }
    return bytes;
}

/* ---- from a stream ---- */

struct column_list {
    struct arrow_column **items;
    size_t count;
    size_t capacity;
};

static void column_list_done(struct column_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        arrow_column_unref(list->items[i]);
    }
    vec_done(list);
}

static int fail_stream(struct ArrowArrayStream *stream, int errno_code, corrie_error *err)
{
    const char *message = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    return arrow_fail(err, CORRIE_E_FAILED, errno_code,
                      message && *message ? message : "the stream of batches failed");
}

/* One column for each child of the stream's schema. */
static int collect_columns(struct ArrowArrayStream *stream, struct column_list *columns,
                           corrie_error *err)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};

    int result = stream->get_schema(stream, &schema);
    if (result != 0) {
        return fail_stream(stream, result, err);
    }
    if (!schema.format || strcmp(schema.format, "+s") != 0) {
        return corrie_fail(err, CORRIE_E_DATA, "a stream of batches must have struct type");
    }
    for (int64_t i = 0; i < schema.n_children; i++) {
        struct ArrowSchema field = {0};
        struct arrow_column *column;
        /* A copy, since not every producer lets children be moved out. */
        if (ArrowSchemaDeepCopy(schema.children[i], &field) != NANOARROW_OK) {
            return corrie_fail_memory(err);
        }
        int r = arrow_column_new(&field, &column, err);
        if (r < 0) {
            return r;
        }
        if (vec_push(columns, column) < 0) {
            arrow_column_unref(column);
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* A batch that its children share: released with the last of them. */
struct shared_batch {
    int refs;
    struct ArrowArray array;
};

static void batch_ref(void *arg)
{
    struct shared_batch *batch = arg;
    refs_up(&batch->refs);
}

static void batch_unref(void *arg)
{
    struct shared_batch *batch = arg;
    if (refs_down(&batch->refs)) {
        arrow_array_done(&batch->array);
        mem_free(batch);
    }
}

/* Whether the struct array itself says that a row is null. */
static bool has_null_rows(const struct ArrowArray *array)
{
    return array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] &&
           ArrowBitCountSet(array->buffers[0], array->offset, array->length) != array->length;
}

static int collect_batch(struct ArrowArray *array, struct column_list *columns, corrie_error *err)
{
    struct shared_batch *batch = mem_alloc(1, sizeof *batch);
    if (!batch) {
        arrow_array_done(array);
        return corrie_fail_memory(err);
    }
    batch->refs = 1;
    batch->array = TAKE(*array);

    struct array_owner owner = {batch_ref, batch_unref, batch};
    const struct ArrowArray *whole = &batch->array;
    int r = 0;
    if (whole->n_children != (int64_t)columns->count || has_null_rows(whole)) {
        r = corrie_fail(err, CORRIE_E_DATA, "a batch does not have the shape of its stream");
    }
    for (size_t i = 0; r >= 0 && i < columns->count; i++) {
        struct ArrowArray child = {0};
        r = array_share(whole->children[i], &owner, &child, err);
        if (r < 0) {
            break;
        }
        /* The struct's own offset and length apply to each child. */
        child.offset += whole->offset;
        child.length = whole->length;
        child.null_count = whole->offset == 0 && whole->children[i]->length == whole->length
                               ? whole->children[i]->null_count
                               : -1;
        r = arrow_column_append(columns->items[i], &child, err);
    }
    batch_unref(batch);
    return r;
}

int arrow_table_collect(struct ArrowArrayStream *stream, const struct cancel *cancel,
                        struct arrow_table **ret, corrie_error *err)
{
    _cleanup_(arrow_stream_done) struct ArrowArrayStream taken = TAKE(*stream);
    _cleanup_(column_list_done) struct column_list columns = {0};
    int64_t n_rows = 0;

    int r = collect_columns(&taken, &columns, err);
    while (r >= 0) {
        struct ArrowArray array = {0};
        r = cancel_check(cancel, err);
        if (r < 0) {
            break;
        }
        int result = taken.get_next(&taken, &array);
        if (result != 0) {
            return fail_stream(&taken, result, err);
        }
        if (!array.release) {
            break;
        }
        n_rows += array.length;
        r = collect_batch(&array, &columns, err);
    }
    if (r < 0) {
        return r;
    }
    return arrow_table_new(columns.items, columns.count, n_rows, ret, err);
}

/* ---- to a stream ---- */

/* Where a column is being read. */
struct cursor {
    size_t chunk;
    int64_t offset; /* in that chunk */
};

struct table_stream {
    struct arrow_table *table;
    int64_t max_rows;
    int64_t rows_left;
    struct cursor *cursors;
    corrie_error error;
};

static void table_stream_release(struct ArrowArrayStream *stream)
{
    struct table_stream *state = stream->private_data;
    arrow_table_unref(state->table);
    mem_free(state->cursors);
    corrie_error_clear(&state->error);
    mem_free(state);
    stream->release = NULL;
    stream->private_data = NULL;
}

static const char *table_stream_last_error(struct ArrowArrayStream *stream)
{
    struct table_stream *state = stream->private_data;
    return state->error.code < 0 ? corrie_error_message(&state->error) : NULL;
}

static int table_stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret)
{
    struct table_stream *state = stream->private_data;
    const struct arrow_table *table = state->table;
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};

    ArrowSchemaInit(&schema);
    int result = ArrowSchemaSetTypeStruct(&schema, (int64_t)table->n_columns);
    schema.flags = 0;
    for (size_t i = 0; result == NANOARROW_OK && i < table->n_columns; i++) {
        arrow_schema_done(schema.children[i]);
        result = ArrowSchemaDeepCopy(&table->columns[i]->schema, schema.children[i]);
    }
    if (result != NANOARROW_OK) {
        corrie_fail_memory(&state->error);
        return result;
    }
    *ret = TAKE(schema);
    return 0;
}

/* The rows until the next cut of any column, at most `max_rows`. */
static int64_t next_length(const struct table_stream *state)
{
    int64_t length = state->rows_left;

    if (state->max_rows > 0 && length > state->max_rows) {
        length = state->max_rows;
    }
    for (size_t i = 0; i < state->table->n_columns; i++) {
        const struct cursor *cursor = &state->cursors[i];
        int64_t left = state->table->columns[i]->chunks[cursor->chunk].length - cursor->offset;
        length = left < length ? left : length;
    }
    return length;
}

/* The struct around the children holds nothing but them. */
static void nothing(void *arg)
{
    (void)arg;
}

static int table_stream_batch(struct table_stream *state, struct ArrowArray *ret)
{
    const struct arrow_table *table = state->table;
    struct array_owner nobody = {nothing, nothing, NULL};
    _cleanup_(arrow_array_done) struct ArrowArray batch = {0};
    int64_t length = next_length(state);

    int r = array_node_new(&nobody, 1, (int64_t)table->n_columns, false, &batch, &state->error);
    for (size_t i = 0; r >= 0 && i < table->n_columns; i++) {
        const struct cursor *cursor = &state->cursors[i];
        r = arrow_column_slice(table->columns[i], cursor->chunk, cursor->offset, length,
                               batch.children[i], &state->error);
    }
    if (r < 0) {
        return r;
    }
    batch.length = length;
    for (size_t i = 0; i < table->n_columns; i++) {
        struct cursor *cursor = &state->cursors[i];
        cursor->offset += length;
        if (cursor->offset == table->columns[i]->chunks[cursor->chunk].length) {
            cursor->chunk++;
            cursor->offset = 0;
        }
    }
    state->rows_left -= length;
    *ret = TAKE(batch);
    return 0;
}

static int table_stream_next(struct ArrowArrayStream *stream, struct ArrowArray *ret)
{
    struct table_stream *state = stream->private_data;

    if (state->rows_left == 0) {
        *ret = (struct ArrowArray){0};
        return 0;
    }
    int r = table_stream_batch(state, ret);
    if (r < 0) {
        return r == CORRIE_E_NO_MEMORY ? ENOMEM : EINVAL;
    }
    return 0;
}

int arrow_table_stream(const struct arrow_table *table, int64_t max_rows,
                       struct ArrowArrayStream *ret, corrie_error *err)
{
    struct table_stream *state = mem_alloc(1, sizeof *state);
    struct cursor *cursors = mem_alloc(table->n_columns, sizeof *cursors);

    if (!state || !cursors) {
        mem_free(state);
        mem_free(cursors);
        return corrie_fail_memory(err);
    }
    /* Only the count of references changes. */
    state->table = arrow_table_ref((struct arrow_table *)table);
    state->max_rows = max_rows;
    state->rows_left = table->n_rows;
    state->cursors = cursors;
    *ret = (struct ArrowArrayStream){
        .get_schema = table_stream_schema,
        .get_next = table_stream_next,
        .get_last_error = table_stream_last_error,
        .release = table_stream_release,
        .private_data = state,
    };
    return 0;
}
