/* ipc.h — Arrow IPC streams in memory: how columns travel between processes
 * (docs/formats/exchange.md).
 *
 * Writing: one column as a stream of one field, every message and every buffer at a multiple of 64
 * bytes from the start, so that a mapping of the file is aligned as Arrow wishes. Buffers go from
 * the arrays to the callback without another copy, except where an array is a slice that must be
 * shifted (offset ≠ 0 with bitmaps or offsets) or a dictionary, which is written as plain values.
 *
 * Reading: arrays point into the given bytes. Whoever made them is not trusted: each message,
 * offset, length and buffer bound is validated before use, UTF-8 included where the type is
 * string. Dictionaries stay dictionaries (DuckDB reads them); replacement of dictionaries between
 * batches is supported. Views, run-ends, list views, delta dictionaries, compressed bodies:
 * CORRIE_E_UNSUPPORTED naming the type and what the writer can do. */
#ifndef CORRIE_ARROW_IPC_H
#define CORRIE_ARROW_IPC_H

#include "arrow/table.h"

/* Takes `len` bytes in order; 0 or a negative code with *err set. */
typedef int (*ipc_write_fn)(void *arg, const void *bytes, size_t len, corrie_error *err);

/* Writes the column: schema, one record batch a chunk (chunks beyond 2 GiB of text stay as they
 * are: utf8 offsets cannot pass it anyway), end of stream. *ret_bytes = how many were written; may
 * be NULL. CORRIE_E_UNSUPPORTED for a type that streams cannot carry, and whatever `write`
 * returns. */
int ipc_encode_column(const struct arrow_column *column, ipc_write_fn write, void *arg,
                      uint64_t *ret_bytes, corrie_error *err) CORRIE_MUST_USE;
/* The same for columns that are cut alike or not: several fields in one stream. */
int ipc_encode_table(const struct arrow_table *table, ipc_write_fn write, void *arg,
                     uint64_t *ret_bytes, corrie_error *err) CORRIE_MUST_USE;

/* The same piece by piece, for what comes as a stream of batches: begin, any number of batches, end, all with the
 * same fields. The arrays of a batch (one a field, each with its own offset) have `length` rows. */
int ipc_encode_begin(struct ArrowSchema *const *fields, size_t n_fields, ipc_write_fn write,
                     void *arg, corrie_error *err) CORRIE_MUST_USE;
int ipc_encode_batch(struct ArrowSchema *const *fields, const struct ArrowArray *const *arrays,
                     size_t n_fields, int64_t length, ipc_write_fn write, void *arg,
                     corrie_error *err) CORRIE_MUST_USE;
int ipc_encode_end(ipc_write_fn write, void *arg, corrie_error *err) CORRIE_MUST_USE;
/* Instead of the end where no more batches can be had: a message whose bytes are missing. Readers take a stream without
 * an end for whole; this one is an error to them. Whether it could be written does not matter: a reader that has gone
 * does not take anything for whole. */
void ipc_encode_torn(ipc_write_fn write, void *arg);

/* What keeps the bytes alive: `release(arg)` is called exactly once, when the last array that
 * points into them is gone, from whichever thread drops it: before decoding returns where it fails
 * or where the stream has no rows. Zeroed: the bytes outlive everything. */
struct ipc_hold {
    void (*release)(void *arg);
    void *arg;
};

/* Reads a stream of any number of fields. `bytes` must be 8-byte aligned (a mapping is). An empty
 * stream (schema only) gives columns without chunks. The end-of-stream mark may be missing; bytes
 * after it are ignored. `what` names the source in messages ("output of clean_events").
 * CORRIE_E_DATA for malformed bytes, CORRIE_E_UNSUPPORTED, CORRIE_E_LIMIT. Cost: O(batches ×
 * fields) + one pass over offsets and strings for validation. */
int ipc_decode(struct str bytes, struct ipc_hold hold, const char *what, struct arrow_table **ret,
               corrie_error *err) CORRIE_MUST_USE;
/* The same batch by batch, for streams and files (bytes that begin with ARROW1) that are larger than memory; compressed
 * bodies (LZ4 frames, Zstandard) are unpacked, views (string_view, binary_view) become large_string and large_binary:
 * ipc_decode, whose columns lie in the bytes, says CORRIE_E_UNSUPPORTED of both. `each` is called once with no rows, then with the rows of each batch;
 * the table is gone afterwards, whoever has a reference. 0 to go on. Memory: what one batch needs, and the
 * dictionaries. */
typedef int (*ipc_batch_fn)(void *arg, const struct arrow_table *batch, corrie_error *err);
int ipc_decode_each(struct str bytes, const char *what, ipc_batch_fn each, void *arg,
                    corrie_error *err) CORRIE_MUST_USE;
/* A stream that must have exactly one field. */
int ipc_decode_column(struct str bytes, struct ipc_hold hold, const char *what,
                      struct arrow_column **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
