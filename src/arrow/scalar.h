/* scalar.h — one typed value in Iceberg's single-value binary form.
 *
 * A scalar is `bytes` beside a `struct type` that the caller keeps: statistics, partition values,
 * literals. Forms (Iceberg spec, "Binary single-value serialization"): boolean 1 byte 00/01; int,
 * date 4 bytes LE; long, time, timestamp, timestamptz 8 bytes LE; float 4, double 8 bytes LE IEEE;
 * string UTF-8; uuid 16 bytes big-endian; fixed, binary as they are; decimal minimal big-endian
 * two's complement of the unscaled value. Null is not a scalar: callers say it with a flag or an
 * absent entry. Nested types have no scalars. */
#ifndef CORRIE_ARROW_SCALAR_H
#define CORRIE_ARROW_SCALAR_H

#include <jansson.h>
#include <stdint.h>

#include "arrow/type.h"

/* Iceberg's default for bounds of strings and binaries: code points resp. bytes. */
#define SCALAR_BOUND_LENGTH 16

/* Whether `bytes` is a value of `type`. A long of 4 bytes and a double of 4 bytes are accepted:
 * that is what files hold that were written before the column was promoted. CORRIE_E_DATA. */
int scalar_check(const struct type *type, struct str bytes, corrie_error *err) CORRIE_MUST_USE;

/* From DuckDB's text (CAST to VARCHAR, COPY's RETURN_STATS): "true", "-12", "1.5", "2024-02-29",
 * "10:00:00.5", "2024-02-29 10:00:00+00", "f79c…-…"; binary and fixed as hex digits. *ret lies in
 * `arena`. CORRIE_E_DATA if the text is no such value or does not fit exactly (a timestamp with
 * nanoseconds). */
int scalar_from_text(const struct type *type, struct str text, struct arena *arena, struct str *ret,
                     corrie_error *err) CORRIE_MUST_USE;
/* Integers: boolean (0/1), int, long, date (days), time, timestamp, timestamptz (µs), decimal
 * (unscaled). CORRIE_E_DATA if it does not fit the type. */
int scalar_from_int(const struct type *type, int64_t value, struct arena *arena, struct str *ret,
                    corrie_error *err) CORRIE_MUST_USE;
/* float and double; a float is rounded. */
int scalar_from_double(const struct type *type, double value, struct arena *arena, struct str *ret,
                       corrie_error *err) CORRIE_MUST_USE;
/* The inverse: false if the type is another or the bytes are no such value. */
bool scalar_to_int(const struct type *type, struct str bytes, int64_t *ret);
bool scalar_to_double(const struct type *type, struct str bytes, double *ret);

/* As text for people, the same forms as scalar_from_text reads (timestamps with T; timestamptz
 * ends in "+00:00"; floats shortest that reads back). */
int scalar_print(const struct type *type, struct str bytes, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;
/* Iceberg's JSON single-value form: booleans, numbers, else the text; binary and fixed as hex.
 * *ret is a new reference. NaN and infinities, which JSON has not, as text. */
int scalar_to_json(const struct type *type, struct str bytes, json_t **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* As an SQL literal for DuckDB with its type: CAST(12 AS INTEGER), CAST('2024-…' AS DATE),
 * 'it''s'. A text that SQL cannot hold (NUL, broken UTF-8): CORRIE_E_UNSUPPORTED. */
int scalar_print_sql(const struct type *type, struct str bytes, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* Orders two values of one type: *ret < 0, 0, > 0. Strings and binaries by unsigned bytes, floats
 * with -0 = +0 and NaN above everything. CORRIE_E_DATA if either is no value of the type. */
int scalar_compare(const struct type *type, struct str a, struct str b, int *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* A lower bound of at most `length` code points (string) or bytes (binary, fixed); other types and
 * short values come back as they are. A borrowed part of `bytes`. */
struct str scalar_bound_lower(const struct type *type, struct str bytes, size_t length);
/* An upper bound of at most `length`: truncated and its last code point or byte raised. False when
 * there is none (all 0xff, all U+10FFFF): leave the bound out. *ret is borrowed when nothing had
 * to change, else in `arena`; negative: memory. Returns 1 bound, 0 none. */
int scalar_bound_upper(const struct type *type, struct str bytes, size_t length,
                       struct arena *arena, struct str *ret, corrie_error *err) CORRIE_MUST_USE;

#endif
