/* table.h — columns in memory.
 *
 * A column is a name and type (an ArrowSchema of one field) with any number of chunks (ArrowArrays
 * of that type). A table is columns of equal length, each of which may be cut into chunks
 * differently: that is how functions hand them over, one memory file a column.
 *
 * Columns and tables are immutable once built, counted, and may be shared between threads; the
 * last unref releases the chunks and thereby whatever keeps their memory alive (a mapping, a
 * result of DuckDB).
 *
 * Building:
 *     r = arrow_column_new(&field_schema, &column, err);         takes the schema
 *     r = arrow_column_append(column, &array, err);            takes the array; until it is shared
 *     r = arrow_table_new(columns, n, n_rows, &table, err);      references the columns
 * or  r = arrow_table_collect(&stream, cancel, &table, err);     takes the stream
 *
 * Reading: column->chunks directly, or arrow_table_stream as struct batches. */
#ifndef CORRIE_ARROW_TABLE_H
#define CORRIE_ARROW_TABLE_H

#include <nanoarrow/nanoarrow.h>

#include "arrow/type.h"
#include "base/cancel.h"
#include "base/cleanup.h"

struct arrow_column {
    int refs;                  /* atomic; use arrow_column_ref/unref */
    struct ArrowSchema schema; /* the field: name, format, nullable, children */
    struct ArrowArray *chunks; /* none is empty: appending an empty array drops it */
    size_t n_chunks;
    size_t capacity;
    int64_t n_rows;
};

struct arrow_table {
    int refs;
    struct arrow_column **columns;
    size_t n_columns;
    int64_t n_rows;
};

/* A column without chunks. Takes *schema (its release becomes NULL), also on failure. */
int arrow_column_new(struct ArrowSchema *schema, struct arrow_column **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Takes *chunk, also on failure. Only while nobody else has the column. Trusts the array to be of
 * the column's type: arrays from outside the process come by arrow/ipc.h, which checks them.
 * CORRIE_E_DATA if the shape (children, buffers) is not that of the type. */
int arrow_column_append(struct arrow_column *column, struct ArrowArray *chunk, corrie_error *err)
    CORRIE_MUST_USE;
struct arrow_column *arrow_column_ref(struct arrow_column *column);
void arrow_column_unref(struct arrow_column *column);
DEFINE_CLEANUP(struct arrow_column *, arrow_column_unref)
/* The field's name; valid while the column is. */
struct str arrow_column_name(const struct arrow_column *column);

/* References the columns. All must have `n_rows` rows (CORRIE_E_DATA else, naming both); n_rows
 * counts only where there is no column. */
int arrow_table_new(struct arrow_column *const *columns, size_t n_columns, int64_t n_rows,
                    struct arrow_table **ret, corrie_error *err) CORRIE_MUST_USE;
struct arrow_table *arrow_table_ref(struct arrow_table *table);
void arrow_table_unref(struct arrow_table *table);
DEFINE_CLEANUP(struct arrow_table *, arrow_table_unref)

/* Index of the column, or -1. */
ptrdiff_t arrow_table_index(const struct arrow_table *table, struct str name);
/* The named columns, in that order, sharing them. CORRIE_E_NOT_FOUND with the nearest names. */
int arrow_table_select(const struct arrow_table *table, const struct str *names, size_t n_names,
                       struct arrow_table **ret, corrie_error *err) CORRIE_MUST_USE;
/* Its schema in corrie's types (see schema_from_arrow). */
int arrow_table_schema(const struct arrow_table *table, struct arena *arena, struct schema *ret,
                       corrie_error *err) CORRIE_MUST_USE;
/* Bytes that its buffers occupy; memory that several chunks share counts for each. */
uint64_t arrow_table_bytes(const struct arrow_table *table);

/* Reads the stream to its end and releases it, also on failure. Batches may not have nulls at the
 * top. An error of the stream comes back as CORRIE_E_FAILED with its text. */
int arrow_table_collect(struct ArrowArrayStream *stream, const struct cancel *cancel,
                        struct arrow_table **ret, corrie_error *err) CORRIE_MUST_USE;
/* A stream of struct batches over the table, cut where any column is cut and at `max_rows` (0 = no
 * other maximum). Nothing is copied: children point into the chunks by offset and length and keep
 * the columns alive, so table, stream and batches may be dropped in any order. Cost: O(columns) a
 * batch. */
int arrow_table_stream(const struct arrow_table *table, int64_t max_rows,
                       struct ArrowArrayStream *ret, corrie_error *err) CORRIE_MUST_USE;
/* Rows [offset, offset + length) of chunk `index` as an array of its own that keeps the column
 * alive. */
int arrow_column_slice(struct arrow_column *column, size_t index, int64_t offset, int64_t length,
                       struct ArrowArray *ret, corrie_error *err) CORRIE_MUST_USE;

/* The message of nanoarrow or of a producer as an error of ours: `errno_code` chooses the code
 * (ENOMEM NO_MEMORY, ENOTSUP UNSUPPORTED, else `code`). */
int arrow_fail(corrie_error *err, int code, int errno_code, const char *message);

/* `_array_ struct ArrowArray array = {0};` and so on: released at the end of the scope unless
 * moved. */
static inline void arrow_array_done(struct ArrowArray *array)
{
    if (array->release) {
        array->release(array);
    }
}
static inline void arrow_schema_done(struct ArrowSchema *schema)
{
    if (schema->release) {
        schema->release(schema);
    }
}
static inline void arrow_stream_done(struct ArrowArrayStream *stream)
{
    if (stream->release) {
        stream->release(stream);
    }
}

#endif
