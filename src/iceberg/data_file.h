/* data_file.h — one file of rows (or of deletes) as manifests describe it.
 *
 * Values (bounds, partition tuples) are scalars in Iceberg's single-value binary form, whose type stands in
 * the table's schema or spec (arrow/scalar.h). Plain data: whoever fills one says whose memory it is; the
 * functions of this room that return data files put everything into the arena they are given. */
#ifndef CORRIE_ICEBERG_DATA_FILE_H
#define CORRIE_ICEBERG_DATA_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum file_content {
    FILE_CONTENT_DATA = 0,
    FILE_CONTENT_POSITION_DELETES = 1,
    FILE_CONTENT_EQUALITY_DELETES = 2
};

#define FILE_UNKNOWN INT64_C(-1)

/* What is known of one column, primitive fields only (Iceberg spec, fields 108–128). */
struct column_metrics {
    int field_id;
    int64_t column_size; /* bytes on disk; FILE_UNKNOWN if not known, as the others */
    int64_t value_count; /* with nulls and NaNs */
    int64_t null_count;
    int64_t nan_count; /* float and double only */
    struct str
        lower; /* no value is less; data NULL = no bound. An empty string is a bound: data "" */
    struct str upper;
};

struct partition_value {
    struct str bytes; /* scalar of the partition field's type; data NULL = null */
};

struct data_file {
    struct str path;   /* absolute; from a scan: under the present root */
    struct str format; /* "PARQUET"; read in either case */
    enum file_content content;
    int64_t record_count;
    int64_t bytes;
    struct column_metrics *columns; /* read back: by ascending field id; to be added: any order */
    size_t n_columns;
    const int64_t *split_offsets; /* starts of row groups, ascending; may be NULL */
    size_t n_split_offsets;
    int spec_id;                       /* partition spec of the tuple (snapshot_append) */
    struct partition_value *partition; /* one a field of the spec; none when unpartitioned */
    size_t n_partition;
    bool has_sort_order;
    int sort_order_id;
    const int *equality_ids; /* equality deletes: the fields compared */
    size_t n_equality_ids;
    struct str referenced_data_file; /* position deletes of one file; else empty */
    struct str key_metadata;         /* encryption; data NULL = none */

    /* Filled when read back; ignored in files to be added. */
    int64_t snapshot_id;          /* that added the file */
    int64_t sequence_number;      /* of the data: which deletes apply */
    int64_t file_sequence_number; /* of the snapshot that added the file: the order of scans */
};

/* Adds counts, stopping at the largest number: sums of what files claim must not overflow. */
static inline int64_t count_add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* The metrics of one column, or NULL. Binary search; of files read back only. */
const struct column_metrics *data_file_column(const struct data_file *file, int field_id);

#endif
