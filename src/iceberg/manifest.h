/* manifest.h — manifests and manifest lists as bytes. Private to the room (and its fuzz target).
 *
 * Reading resolves fields by id, by name where a writer left ids out, and applies inheritance: an entry
 * leaves here with its snapshot id and both sequence numbers. Writing is format version 2. */
#ifndef CORRIE_ICEBERG_MANIFEST_H
#define CORRIE_ICEBERG_MANIFEST_H

#include "base/vec.h"
#include "iceberg/data_file.h"
#include "iceberg/metadata.h"

enum manifest_content { MANIFEST_DATA = 0, MANIFEST_DELETES = 1 };

/* What a manifest list says of the values of one partition field. */
struct field_summary {
    bool contains_null;
    int contains_nan; /* 1, 0, -1 unknown */
    struct str lower; /* scalar; data NULL = none */
    struct str upper;
};

struct manifest_counts {
    int64_t files; /* FILE_UNKNOWN where a v1 list leaves them out */
    int64_t rows;
};

struct manifest_file {
    struct str path; /* as stored */
    int64_t length;
    int spec_id;
    enum manifest_content content;
    int64_t sequence_number;
    int64_t min_sequence_number;
    int64_t added_snapshot_id;
    struct manifest_counts added;
    struct manifest_counts existing;
    struct manifest_counts deleted;
    bool has_partitions;
    struct field_summary *partitions;
    size_t n_partitions;
    struct str key_metadata; /* data NULL = none */
};

struct manifest_list {
    struct manifest_file *items;
    size_t count;
    size_t capacity;
};
void manifest_list_done(struct manifest_list *list);

enum entry_status { ENTRY_EXISTING = 0, ENTRY_ADDED = 1, ENTRY_DELETED = 2 };

struct manifest_entry {
    enum entry_status status;
    struct data_file file;
};

struct manifest_entries {
    struct manifest_entry *items;
    size_t count;
    size_t capacity;
};
void manifest_entries_done(struct manifest_entries *entries);

/* Appends the manifests of a list to *list; text goes into `arena`. `what` names the file in messages. */
int manifest_list_decode(struct str bytes, const char *what, struct arena *arena,
                         struct manifest_list *list, corrie_error *err) CORRIE_MUST_USE;
/* Appends the bytes of a list in the order given. */
int manifest_list_encode(const struct manifest_list *list, int64_t snapshot_id, int64_t parent_id,
                         int64_t sequence_number, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* Appends the entries of a manifest to *entries, deleted ones too. `parent` is what the list says of it (sequence
 * number and snapshot to inherit); `spec` orders partition tuples, NULL = the manifest's own order. */
int manifest_decode(struct str bytes, const char *what, const struct manifest_file *parent,
                    const struct partition_spec *spec, struct arena *arena,
                    struct manifest_entries *entries, corrie_error *err) CORRIE_MUST_USE;

/* Appends the bytes of a manifest with `entries` in their order and fills *ret but its path and sequence numbers
 * of entries yet to come: an ADDED entry whose sequence number is FILE_UNKNOWN inherits `sequence_number`, the
 * one of the snapshot being made. Summaries in *ret lie in `arena`. CORRIE_E_USAGE for a tuple that does not fit
 * `spec`; CORRIE_E_UNSUPPORTED for a spec whose types are not known. */
struct manifest_spec {
    const struct schema *schema;
    const struct partition_spec *spec;
    enum manifest_content content;
    int64_t snapshot_id;
    int64_t sequence_number;
};
int manifest_encode(const struct manifest_spec *how, const struct manifest_entry *entries,
                    size_t n_entries, struct arena *arena, struct manifest_file *ret,
                    struct buf *out, corrie_error *err) CORRIE_MUST_USE;

/* Append the Avro schema of the records of a manifest list and of a manifest. */
int manifest_list_schema(struct buf *out, corrie_error *err) CORRIE_MUST_USE;
int manifest_entry_schema(const struct partition_spec *spec, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;

/* Appends a text that two tuples share exactly if they are the same partition: values that were written before
 * their column was widened compare with those written after. `spec` NULL: no such spec, values as they are. */
void partition_text(const struct partition_spec *spec, const struct partition_value *values,
                    size_t n_values, struct buf *out);
/* For people: "day = 2026-01-02, shop = null". */
void partition_print(const struct partition_spec *spec, const struct partition_value *values,
                     size_t n_values, struct buf *out);

/* Appends one value of a partition tuple as Avro has it, without the union's branch. */
int partition_value_encode(const struct type *type, struct str value, struct buf *out,
                           corrie_error *err) CORRIE_MUST_USE;
/* The Avro schema of a partition field's type, without its union; fixed types are named after `field_id`. */
int partition_type_schema(const struct type *type, int field_id, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;
/* The value that stands at the cursor as a scalar in `arena`; data NULL = null. False: no memory. */
struct avro_cursor;
struct avro_type;
bool partition_value_decode(struct avro_cursor *cursor, const struct avro_type *type,
                            struct arena *arena, struct str *ret);

#endif
