/* exchange.h — tables between functions: memory files that are mapped, never copied
 * (docs/formats/exchange.md).
 *
 * An exchange table is columns in sealed, read-only memory files, each an Arrow IPC stream of one field
 * (of several when there are more than EXCHANGE_MAX_FILES columns). Its files are shared: projecting a
 * table, or handing it to ten readers, costs nothing.
 *
 * Invariants
 *   1. Every file is sealed: its bytes can never change, so mapping it is safe.
 *   2. Column names are unique, not empty, UTF-8.
 *   3. What another process wrote is not trusted: number of rows and types are its claim until
 *      exchange_table has decoded and checked the bytes.
 *
 * Tables and files are counted; ref, unref and exchange_table may be called by any thread. */
#ifndef CORRIE_WORKER_EXCHANGE_H
#define CORRIE_WORKER_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "arrow/table.h"
#include "base/cancel.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/str.h"

#define EXCHANGE_MAX_FILES 256

struct exchange; /* a table */

/* One column as it lies in the files. */
struct exchange_column {
    struct str name; /* borrowed from the table */
    int fd;          /* of its file, read-only; borrowed; columns may share one */
    size_t field;    /* which field of that file's stream */
};

/* Writes `table` into new sealed memory files. CORRIE_E_UNSUPPORTED for a type that streams cannot carry
 * (names the column), CORRIE_E_DATA for names that repeat, CORRIE_E_NO_SPACE, CORRIE_E_CANCELLED.
 * Cost: one copy of the data. */
int exchange_from_table(const struct arrow_table *table, const struct cancel *cancel,
                        struct exchange **ret, corrie_error *err) CORRIE_MUST_USE;
/* The same from a stream of struct batches, which is read to its end and released, also on failure. Of files that come to
 * more than `most` bytes nothing is kept: CORRIE_E_NO_SPACE; 0 = as many as there is room for. */
int exchange_from_stream(struct ArrowArrayStream *stream, uint64_t most,
                         const struct cancel *cancel, struct exchange **ret, corrie_error *err)
    CORRIE_MUST_USE;

struct exchange *exchange_ref(struct exchange *exchange);
/* Returns NULL; the last one unmaps and closes. NULL may be given. */
struct exchange *exchange_unref(struct exchange *exchange);
DEFINE_CLEANUP(struct exchange *, exchange_unref)

/* The named columns, in that order, in the same files. CORRIE_E_NOT_FOUND with the nearest names. */
int exchange_select(struct exchange *exchange, const struct str *names, size_t n_names,
                    struct exchange **ret, corrie_error *err) CORRIE_MUST_USE;

/* The table itself: maps the files, decodes and validates them (once; later calls share the result).
 * CORRIE_E_DATA, CORRIE_E_UNSUPPORTED or CORRIE_E_LIMIT naming the column if what another process wrote
 * is not a table. *ret is a new reference that outlives the exchange table. Cost: O(columns × batches),
 * and the first time one pass over string offsets and bytes. */
int exchange_table(struct exchange *exchange, struct arrow_table **ret, corrie_error *err)
    CORRIE_MUST_USE;

size_t exchange_n_columns(const struct exchange *exchange);
struct exchange_column exchange_column(const struct exchange *exchange, size_t index);
/* Index of the column, or -1. */
ptrdiff_t exchange_index(const struct exchange *exchange, struct str name);
int64_t exchange_rows(const struct exchange *exchange);
/* Bytes of its files; a file counts once however many columns it holds. */
uint64_t exchange_bytes(const struct exchange *exchange);

#endif
