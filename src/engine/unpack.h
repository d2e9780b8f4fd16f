/* unpack.h — the bytes of a file as they were before gzip or zstd packed them, and its lines.
 *
 * DuckDB takes a gzip file that was cut off for one that ends there, and numbers records of a CSV file
 * where people count lines. Both are settled here, by reading the file. */
#ifndef CORRIE_ENGINE_UNPACK_H
#define CORRIE_ENGINE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"

/* Reads a packed file to its end: CORRIE_E_DATA if it was cut off or is damaged. A plain file is fine.
 * Cost: one pass. */
int unpack_check(const char *path, const struct cancel *cancel, corrie_error *err) CORRIE_MUST_USE;

/* What the file begins with, unpacked: up to `max` bytes (fewer may come of a longer file), and "gzip", "zstd" or empty
 * for how it is packed. */
int unpack_head(const char *path, void *bytes, size_t max, size_t *ret_len, struct str *ret_packing,
                corrie_error *err) CORRIE_MUST_USE;

/* Calls `each` with all bytes of the file in pieces, unpacked. It returns 0, 1 to
 * end it, or a negative code with *err set. Errors as unpack_check, or that of `each`. */
int unpack_each(const char *path, const struct cancel *cancel,
                int (*each)(void *arg, struct str bytes, corrie_error *err), void *arg,
                corrie_error *err) CORRIE_MUST_USE;

/* Writes what is in the file to `to`: unpacked, and recoded from `encoding` (iconv's name; NULL: as it is) to UTF-8.
 * CORRIE_E_DATA as above and for bytes that are not of the encoding; CORRIE_E_USAGE for one that is not known. A part
 * of `to` may be left on failure. Cost: one pass. */
int unpack_copy(const char *path, const char *encoding, const char *to, const struct cancel *cancel,
                corrie_error *err) CORRIE_MUST_USE;

/* The line (from 1) where record `record` (from 1; `blanks`: blank lines count) begins, with `quote` around values
 * that may hold line ends ('\0': none). `record` itself if the file cannot be read. The line's text is added to `out`
 * (NULL: it is not wanted), at most `max` bytes. */
int64_t unpack_line_of_record(const char *path, char quote, bool blanks, int64_t record, size_t max,
                              struct buf *out);

/* The line where record `record` (from 1) of a file of one record a line stands, blank lines not counted; its text
 * is added to `out`, at most `max` bytes. 0 if it cannot be found. */
int64_t unpack_record(const char *path, int64_t record, size_t max, struct buf *out);

#endif
