/* transform.h — what a partition field makes of a column's value (Iceberg spec, "Partition Transforms").
 *
 * Pure functions of scalars; a null value has a null partition, whatever the transform. `void` makes null of everything.
 * Buckets are Murmur3 (x86, 32 bits, seed 0) of the value's bytes as the spec's appendix B has them, so that a value
 * falls into the bucket where every other engine looks for it. */
#ifndef CORRIE_ARROW_TRANSFORM_H
#define CORRIE_ARROW_TRANSFORM_H

#include "arrow/scalar.h"

enum transform_kind {
    TRANSFORM_IDENTITY,
    TRANSFORM_VOID,
    TRANSFORM_YEAR,  /* since 1970 */
    TRANSFORM_MONTH, /* since 1970-01 */
    TRANSFORM_DAY,   /* a date */
    TRANSFORM_HOUR,  /* since 1970-01-01 00:00, UTC */
    TRANSFORM_BUCKET,
    TRANSFORM_TRUNCATE
};

struct transform {
    enum transform_kind kind;
    int32_t
        n; /* BUCKET: how many; TRUNCATE: code points, bytes, or what numbers are cut down to a multiple of */
};

/* As Iceberg spells it: "day", "bucket[16]", "truncate[10]". False for any other text (a later version's transform). */
bool transform_parse(struct str text, struct transform *ret);
void transform_print(const struct transform *transform, struct buf *out);

/* The type of what a transform makes of columns of type `source` (allocates nothing: identity shares the source's).
 * False if there is no such transform of that type. */
bool transform_result(const struct transform *transform, const struct type *source,
                      struct type *ret);
/* Appends a value of the partition field as people read it, the way Iceberg's Java names partitions: 2026, 2026-11,
 * 2026-11-20, 2026-11-20-10; else as scalar_print. CORRIE_E_DATA if the bytes are no value of `result`. */
int transform_print_value(const struct transform *transform, const struct type *result,
                          struct str value, struct buf *out, corrie_error *err) CORRIE_MUST_USE;
/* The value of the partition field for a column's `value` (a scalar of `source`; data NULL = null). *ret is borrowed from
 * `value` or lies in `arena`; data NULL = null. CORRIE_E_DATA if the bytes are no value of the type, CORRIE_E_USAGE for a
 * transform that the type has not. A number that is cut below the least of its type wraps around, as in Iceberg's Java. */
int transform_apply(const struct transform *transform, const struct type *source, struct str value,
                    struct arena *arena, struct str *ret, corrie_error *err) CORRIE_MUST_USE;

/* Murmur3 of the value's bytes: what bucket[N] takes modulo N, its sign cut off. CORRIE_E_USAGE for boolean, float,
 * double and nested types, which have no buckets. */
int transform_hash(const struct type *source, struct str value, uint32_t *ret, corrie_error *err)
    CORRIE_MUST_USE;

/* ---- projection ---- */

/* Comparisons of a column's value with a constant; a null value satisfies IS_NULL alone. */
enum predicate_op {
    PREDICATE_EQ,
    PREDICATE_NE,
    PREDICATE_LT,
    PREDICATE_LE,
    PREDICATE_GT,
    PREDICATE_GE,
    PREDICATE_IS_NULL,
    PREDICATE_NOT_NULL
};

/* What must hold of the partition value wherever `column op value` holds of the column's. */
struct projected {
    enum predicate_op op;
    struct str value; /* a scalar of the transform's result; unused by IS_NULL, NOT_NULL */
};
#define TRANSFORM_MAX_PROJECTED 2

/* Projects `op value` (a scalar of `source`) through a transform, inclusively: rows that satisfy the predicate lie in
 * partitions that satisfy all of `ret`; the reverse need not hold. Returns how many of `ret` are filled, 0 if the transform
 * says nothing of the predicate. Values before 1970 are projected so that partitions of older writers, which rounded
 * times towards zero, are found too; not so those that truncation took round from the least number to the greatest, which
 * is for the caller to heed. Scalars lie in `arena` or are borrowed from `value`. Errors as transform_apply. */
int transform_project(const struct transform *transform, const struct type *source,
                      enum predicate_op op, struct str value, struct arena *arena,
                      struct projected ret[TRANSFORM_MAX_PROJECTED], corrie_error *err)
    CORRIE_MUST_USE;

#endif
