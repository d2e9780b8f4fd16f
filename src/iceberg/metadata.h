/* metadata.h — table metadata: one JSON document that says all of a table but its files.
 *
 * Invariants
 *   1. A table_metadata is immutable; a change makes a new one.
 *   2. What is written is format version 2, whatever was read (1 or 2).
 *   3. Field ids and partition field ids are never reused: last_column_id only grows.
 *   4. Fields of the document that we do not know, at the top and in snapshots, are written back as read.
 *   5. current_snapshot_id, if any, names a snapshot in `snapshots`; `refs.main` agrees with it. */
#ifndef CORRIE_ICEBERG_METADATA_H
#define CORRIE_ICEBERG_METADATA_H

#include <jansson.h>

#include "arrow/type.h"
#include "base/cleanup.h"
#include "base/uuid.h"
#include "iceberg/location.h"

#define SNAPSHOT_NONE INT64_C(-1)

struct partition_field {
    int source_id;
    int field_id;
    struct str name;
    struct str transform; /* "identity", "bucket[16]", …; unknown ones are kept */
    struct type
        result_type; /* of the values in tuples; TYPE_NONE for an unknown transform or a source
                              * column that no schema of the table has */
};

struct partition_spec {
    int spec_id;
    struct partition_field *fields;
    size_t n_fields; /* 0 = unpartitioned; see partition_spec_is_empty */
};

struct snapshot {
    int64_t id;
    int64_t parent_id; /* SNAPSHOT_NONE */
    int64_t sequence_number;
    int64_t timestamp_ms;
    struct str manifest_list; /* as stored; empty: a v1 snapshot that lists `manifests` */
    struct str operation;     /* "append", "overwrite", …; may be empty */
    int schema_id;            /* -1 unknown */
    const json_t *json;       /* the object: summary, unknown fields. Belongs to the metadata */
};

struct table_metadata {
    int format_version; /* as read: 1 or 2 */
    struct uuid table_uuid;
    struct str location; /* as stored, without a slash at the end */
    int64_t last_sequence_number;
    int64_t last_updated_ms;
    int last_column_id;
    int last_partition_id;
    struct schema *schemas;
    size_t n_schemas;
    int current_schema_id;
    struct partition_spec *specs;
    size_t n_specs;
    int default_spec_id;
    struct snapshot *snapshots; /* in the document's order: oldest first */
    size_t n_snapshots;
    int64_t current_snapshot_id; /* SNAPSHOT_NONE */

    /* Private to the room. */
    struct arena arena;
    json_t *document;          /* the metadata as version 2 JSON; never changed once here */
    int64_t stored_updated_ms; /* last_updated_ms of the file that this came from */
    size_t stored_bytes;       /* of that file, unpacked; 0: it was never stored */
    int shared;                /* holders beside the first: metadata_ref */
};

struct property {
    struct str key;
    struct str value;
};

/* Parses a metadata file (version 1 or 2), plain or packed by gzip. `what` names it in messages. CORRIE_E_CORRUPT names the field that
 * is wrong; CORRIE_E_UNSUPPORTED for other versions. */
int metadata_parse(struct str bytes, const char *what, struct table_metadata **ret,
                   corrie_error *err) CORRIE_MUST_USE;
/* The same of the file at `location` (location_read). */
int metadata_read(const struct table_io *io, struct str location, struct table_metadata **ret,
                  corrie_error *err) CORRIE_MUST_USE;
/* The document as it would be stored. Appends to `out`. */
int metadata_format(const struct table_metadata *metadata, struct buf *out, corrie_error *err)
    CORRIE_MUST_USE;
/* Another holder of the same metadata, who frees it too; the last one to do so ends it. */
struct table_metadata *metadata_ref(const struct table_metadata *metadata);
void metadata_free(struct table_metadata *metadata);
DEFINE_CLEANUP(struct table_metadata *, metadata_free)

/* A new table without snapshots: unpartitioned, unsorted, fresh field ids whatever `schema` had, properties
 * gc.enabled=false and write.parquet.compression-codec=zstd unless given. `location`: absolute, see
 * location_of_table. Nothing is written: hand it to snapshot_append or metadata_write. CORRIE_E_DATA for a
 * schema that schema_check refuses. */
int metadata_new(const struct uuid *table_uuid, struct str location, const struct schema *schema,
                 const struct property *properties, size_t n_properties, int64_t now_ms,
                 struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;

/* The schema that a REPLACE by `schema` (ids ignored) would make current: columns of the same name and a
 * type that the old one promotes to keep their ids, all others get fresh ones. If an existing schema is equal
 * it is that one. Lets writers write files with the right ids before snapshot_replace. In `arena`. */
int metadata_replacement_schema(const struct table_metadata *metadata, const struct schema *schema,
                                struct arena *arena, struct schema *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The current schema and `fields` appended to it, optional and with fresh ids. CORRIE_E_EXISTS if the
 * name of one is taken. In `arena`. */
int metadata_extended_schema(const struct table_metadata *metadata, const struct field *fields,
                             size_t n_fields, struct arena *arena, struct schema *ret,
                             corrie_error *err) CORRIE_MUST_USE;
/* The metadata with `schema` current: its ids must come from one of the two above (checked: ids above
 * last_column_id, or those of the current schema with a type that it promotes to). */
int metadata_with_schema(const struct table_metadata *metadata, const struct schema *schema,
                         int64_t now_ms, struct table_metadata **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* A field of a partition spec to be. `transform` as Iceberg spells it: identity, void, bucket[N], truncate[W],
 * year, month, day, hour. */
struct partition_term {
    int source_id; /* a column of the current schema, not nested in a list or map */
    struct str transform;
    struct str name;
};
/* The metadata with a default spec of exactly these fields (none: unpartitioned): partition evolution, older files keep
 * their spec. A field that some spec of the table had (source, transform and name) keeps its field id, others get fresh
 * ones; a spec that the table has is reused, else it gets the next id. CORRIE_E_USAGE for an unknown transform, one
 * that the column's type has not, an unknown column, or a name that is taken by another field or column. */
int metadata_with_spec(const struct table_metadata *metadata, const struct partition_term *terms,
                       size_t n_terms, int64_t now_ms, struct table_metadata **ret,
                       corrie_error *err) CORRIE_MUST_USE;
/* Sets properties; a value with data NULL removes the key. */
int metadata_with_properties(const struct table_metadata *metadata, const struct property *changes,
                             size_t n_changes, int64_t now_ms, struct table_metadata **ret,
                             corrie_error *err) CORRIE_MUST_USE;

/* Never NULL after a successful parse. */
const struct schema *metadata_schema(const struct table_metadata *metadata);
const struct partition_spec *metadata_spec(const struct table_metadata *metadata);
/* Whether the spec makes one partition of all: no fields, or `void` ones alone (a field that version 1 dropped). */
bool partition_spec_is_empty(const struct partition_spec *spec);
/* NULL if there is none of that id. */
const struct schema *metadata_schema_by_id(const struct table_metadata *metadata, int schema_id);
const struct partition_spec *metadata_spec_by_id(const struct table_metadata *metadata,
                                                 int spec_id);
const struct snapshot *metadata_snapshot_by_id(const struct table_metadata *metadata, int64_t id);
/* NULL while the table has no rows ever written. */
const struct snapshot *metadata_current_snapshot(const struct table_metadata *metadata);
/* The schema that a snapshot was written with; the current one if it does not say. */
const struct schema *metadata_snapshot_schema(const struct table_metadata *metadata,
                                              const struct snapshot *snapshot);
/* False if the property is not set. Borrowed from the metadata. */
bool metadata_property(const struct table_metadata *metadata, struct str key, struct str *ret);
/* Calls `each` for every property in the document's order. */
void metadata_properties(const struct table_metadata *metadata,
                         void (*each)(void *arg, struct str key, struct str value), void *arg);
/* A value of the snapshot's summary ("added-records"); false if missing. */
bool snapshot_summary(const struct snapshot *snapshot, const char *key, struct str *ret);

/* Stores the metadata durably as LOCATION/metadata/<NNNNN>-<uuid>.metadata.json, NNNNN one above that of
 * `previous_location` (empty: 00000), which is appended to the metadata log (newest 100 kept). *ret_location is
 * in `arena`; *ret (may be NULL) is the metadata as stored. For changes that make no snapshot. */
int metadata_write(const struct table_io *io, const struct table_metadata *metadata,
                   struct str previous_location, struct arena *arena, struct str *ret_location,
                   struct table_metadata **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
