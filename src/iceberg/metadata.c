/* metadata.c — metadata documents as structs. */
#include <zlib.h>

#include "arrow/transform.h"
#include "base/limits.h"
#include "base/mem.h"
#include "iceberg/metadata_priv.h"

#define BAD CORRIE_E_CORRUPT

struct table_metadata *metadata_ref(const struct table_metadata *metadata)
{
    struct table_metadata *held = (struct table_metadata *)(uintptr_t)metadata;

    __atomic_fetch_add(&held->shared, 1, __ATOMIC_RELAXED);
    return held;
}

void metadata_free(struct table_metadata *metadata)
{
    if (!metadata || __atomic_fetch_sub(&metadata->shared, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    json_decref(metadata->document);
    arena_done(&metadata->arena);
    mem_free(metadata);
}

static int get_id(const json_t *object, const char *field, int *ret, corrie_error *err)
{
    int64_t value = 0;

    int r = js_get_int(object, field, &value, BAD, err);
    if (r < 0) {
        return r;
    }
    if (value < 0 || value > INT32_MAX) {
        return corrie_fail(err, BAD, "field \"%s\" is no id: %lld", field, (long long)value);
    }
    *ret = (int)value;
    return 0;
}

static int parse_schemas(struct table_metadata *metadata, corrie_error *err)
{
    json_t *array = NULL;

    int r = js_get_array(metadata->document, "schemas", &array, BAD, err);
    if (r < 0) {
        return r;
    }
    metadata->n_schemas = json_array_size(array);
    metadata->schemas = arena_array(&metadata->arena, struct schema, metadata->n_schemas);
    if (!metadata->schemas && metadata->n_schemas > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < metadata->n_schemas; i++) {
        struct schema *schema = &metadata->schemas[i];
        r = schema_from_json(json_array_get(array, i), &metadata->arena, schema, err);
        if (r < 0) {
            return corrie_wrap(err, "schemas[%zu]", i);
        }
        int highest = schema_highest_id(schema);
        if (highest > metadata->last_column_id) { /* never reuse an id, whatever the file claims */
            metadata->last_column_id = highest;
        }
    }
    if (!metadata_schema(metadata)) {
        return corrie_fail(err, BAD, "field \"current-schema-id\": there is no schema %d",
                           metadata->current_schema_id);
    }
    return 0;
}

/* Type of the values a transform makes; TYPE_NONE if either is not known. */
static struct type transform_type(struct str name, const struct field *source)
{
    struct transform transform;
    struct type type;

    if (!source || !transform_parse(name, &transform) ||
        !transform_result(&transform, &source->type, &type)) {
        return (struct type){.kind = TYPE_NONE};
    }
    return type;
}

/* In the current schema, else in the newest that has the field. */
static const struct field *source_field(const struct table_metadata *metadata, int id)
{
    const struct field *field = schema_find_id(metadata_schema(metadata), id);

    for (size_t i = metadata->n_schemas; !field && i-- > 0;) {
        field = schema_find_id(&metadata->schemas[i], id);
    }
    return field;
}

static int parse_partition_field(struct table_metadata *metadata, const json_t *json,
                                 struct partition_field *field, corrie_error *err)
{
    struct str name;
    struct str transform;
    int r;

    if ((r = get_id(json, "source-id", &field->source_id, err)) < 0 ||
        (r = get_id(json, "field-id", &field->field_id, err)) < 0 ||
        (r = js_get_str(json, "name", &name, BAD, err)) < 0 ||
        (r = js_get_str(json, "transform", &transform, BAD, err)) < 0) {
        return r;
    }
    field->name = name; /* the document lives as long */
    field->transform = transform;
    field->result_type = transform_type(transform, source_field(metadata, field->source_id));
    if (field->field_id > metadata->last_partition_id) {
        metadata->last_partition_id = field->field_id;
    }
    return 0;
}

static int parse_spec(struct table_metadata *metadata, const json_t *json,
                      struct partition_spec *spec, corrie_error *err)
{
    json_t *fields = NULL;
    int r;

    if ((r = get_id(json, "spec-id", &spec->spec_id, err)) < 0 ||
        (r = js_get_array(json, "fields", &fields, BAD, err)) < 0) {
        return r;
    }
    spec->n_fields = json_array_size(fields);
    if (spec->n_fields > CORRIE_MAX_PARTITION_FIELDS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "more than %d partition fields",
                           CORRIE_MAX_PARTITION_FIELDS);
    }
    spec->fields = arena_array(&metadata->arena, struct partition_field, spec->n_fields);
    if (!spec->fields && spec->n_fields > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        r = parse_partition_field(metadata, json_array_get(fields, i), &spec->fields[i], err);
        if (r < 0) {
            return corrie_wrap(err, "fields[%zu]", i);
        }
    }
    return 0;
}

static int parse_specs(struct table_metadata *metadata, corrie_error *err)
{
    json_t *array = NULL;

    int r = js_get_array(metadata->document, "partition-specs", &array, BAD, err);
    if (r < 0) {
        return r;
    }
    metadata->n_specs = json_array_size(array);
    metadata->specs = arena_array(&metadata->arena, struct partition_spec, metadata->n_specs);
    if (!metadata->specs && metadata->n_specs > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < metadata->n_specs; i++) {
        r = parse_spec(metadata, json_array_get(array, i), &metadata->specs[i], err);
        if (r < 0) {
            return corrie_wrap(err, "partition-specs[%zu]", i);
        }
    }
    if (!metadata_spec(metadata)) {
        return corrie_fail(err, BAD, "field \"default-spec-id\": there is no spec %d",
                           metadata->default_spec_id);
    }
    return 0;
}

static int parse_snapshot(const json_t *json, struct snapshot *snapshot, corrie_error *err)
{
    json_t *summary = NULL;
    json_t *manifests = NULL;
    int64_t schema_id = -1;
    int r;

    *snapshot = (struct snapshot){.parent_id = SNAPSHOT_NONE,
                                  .manifest_list = STR_EMPTY,
                                  .operation = STR_EMPTY,
                                  .json = json};
    if ((r = js_get_int(json, "snapshot-id", &snapshot->id, BAD, err)) < 0 ||
        (r = js_opt_int(json, "parent-snapshot-id", &snapshot->parent_id, BAD, err)) < 0 ||
        (r = js_get_int(json, "sequence-number", &snapshot->sequence_number, BAD, err)) < 0 ||
        (r = js_get_int(json, "timestamp-ms", &snapshot->timestamp_ms, BAD, err)) < 0 ||
        (r = js_opt_str(json, "manifest-list", &snapshot->manifest_list, BAD, err)) < 0 ||
        (r = js_opt_array(json, "manifests", &manifests, BAD, err)) < 0 ||
        (r = js_opt_object(json, "summary", &summary, BAD, err)) < 0 ||
        (r = js_opt_int(json, "schema-id", &schema_id, BAD, err)) < 0 ||
        (summary && (r = js_opt_str(summary, "operation", &snapshot->operation, BAD, err)) < 0)) {
        return r;
    }
    if (snapshot->id < 0) {
        return corrie_fail(err, BAD, "field \"snapshot-id\" is negative");
    }
    if (snapshot->manifest_list.len == 0 && !manifests) {
        return corrie_fail(err, BAD, "field \"manifest-list\" is missing");
    }
    snapshot->schema_id = schema_id >= 0 && schema_id <= INT32_MAX ? (int)schema_id : -1;
    return 0;
}

static int parse_snapshots(struct table_metadata *metadata, corrie_error *err)
{
    json_t *array = NULL;

    int r = js_get_array(metadata->document, "snapshots", &array, BAD, err);
    if (r < 0) {
        return r;
    }
    metadata->n_snapshots = json_array_size(array);
    metadata->snapshots = arena_array(&metadata->arena, struct snapshot, metadata->n_snapshots);
    if (!metadata->snapshots && metadata->n_snapshots > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < metadata->n_snapshots; i++) {
        struct snapshot *snapshot = &metadata->snapshots[i];
        r = parse_snapshot(json_array_get(array, i), snapshot, err);
        if (r < 0) {
            return corrie_wrap(err, "snapshots[%zu]", i);
        }
        if (snapshot->sequence_number > metadata->last_sequence_number) {
            metadata->last_sequence_number = snapshot->sequence_number;
        }
    }
    if (metadata->current_snapshot_id != SNAPSHOT_NONE && !metadata_current_snapshot(metadata)) {
        return corrie_fail(err, BAD, "field \"current-snapshot-id\": there is no snapshot %lld",
                           (long long)metadata->current_snapshot_id);
    }
    return 0;
}

static int check_properties(const struct table_metadata *metadata, corrie_error *err)
{
    json_t *properties = NULL;
    const char *key;
    json_t *value;

    int r = js_get_object(metadata->document, "properties", &properties, BAD, err);
    if (r < 0) {
        return r;
    }
    json_object_foreach(properties, key, value)
    {
        if (!json_is_string(value)) {
            return corrie_fail(err, BAD, "field \"properties\": the value of \"%s\" is no string",
                               key);
        }
    }
    return 0;
}

static int check_logs(const struct table_metadata *metadata, corrie_error *err)
{
    static const char *const fields[] = {"sort-orders", "snapshot-log", "metadata-log",
                                         "statistics", "partition-statistics"};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        json_t *array = NULL;
        json_t *entry;
        size_t at;
        int r = js_get_array(metadata->document, fields[i], &array, BAD, err);
        if (r < 0) {
            return r;
        }
        json_array_foreach(array, at, entry)
        {
            if (!json_is_object(entry)) {
                return corrie_fail(err, BAD, "field \"%s\" has an entry that is no object",
                                   fields[i]);
            }
        }
    }
    return 0;
}

static int parse_top(struct table_metadata *metadata, corrie_error *err)
{
    const json_t *document = metadata->document;
    struct str uuid = STR_EMPTY;
    int r;

    metadata->current_snapshot_id = SNAPSHOT_NONE;
    if ((r = js_get_str(document, "location", &metadata->location, BAD, err)) < 0 ||
        (r = js_opt_str(document, "table-uuid", &uuid, BAD, err)) < 0 ||
        (r = js_get_int(document, "last-sequence-number", &metadata->last_sequence_number, BAD,
                        err)) < 0 ||
        (r = js_get_int(document, "last-updated-ms", &metadata->last_updated_ms, BAD, err)) < 0 ||
        (r = get_id(document, "last-column-id", &metadata->last_column_id, err)) < 0 ||
        (r = get_id(document, "last-partition-id", &metadata->last_partition_id, err)) < 0 ||
        (r = get_id(document, "current-schema-id", &metadata->current_schema_id, err)) < 0 ||
        (r = get_id(document, "default-spec-id", &metadata->default_spec_id, err)) < 0 ||
        (r = js_opt_int(document, "current-snapshot-id", &metadata->current_snapshot_id, BAD,
                        err)) < 0) {
        return r;
    }
    if (uuid.len > 0 && !uuid_parse(uuid, &metadata->table_uuid)) {
        return corrie_fail(err, BAD, "field \"table-uuid\" is no UUID: %.*s", STR_FMT(uuid));
    }
    while (metadata->location.len > 0 &&
           metadata->location.data[metadata->location.len - 1] == '/') {
        metadata->location.len--;
    }
    if (metadata->location.len == 0) {
        return corrie_fail(err, BAD, "field \"location\" is empty");
    }
    return 0;
}

int metadata_of_document(json_t *document, int format_version, const char *what,
                         struct table_metadata **ret, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = mem_alloc(1, sizeof *metadata);
    int r;

    if (!metadata) {
        json_decref(document);
        return corrie_fail_memory(err);
    }
    metadata->document = document;
    metadata->format_version = format_version;
    if ((r = parse_top(metadata, err)) < 0 || (r = parse_schemas(metadata, err)) < 0 ||
        (r = parse_specs(metadata, err)) < 0 || (r = parse_snapshots(metadata, err)) < 0 ||
        (r = check_properties(metadata, err)) < 0 || (r = check_logs(metadata, err)) < 0) {
        return corrie_wrap(err, "%s", what);
    }
    metadata->stored_updated_ms = metadata->last_updated_ms;
    *ret = TAKE_PTR(metadata);
    return 0;
}

static int parse_json(struct str json, const char *what, struct table_metadata **ret,
                      corrie_error *err)
{
    _json_ json_t *document = NULL;
    int64_t version = 0;

    int r = js_parse(json, what, &document, err);
    if (r == CORRIE_E_DATA) {
        err->code = CORRIE_E_CORRUPT; /* written by a program, not by the user */
    }
    if (r < 0) {
        return err->code;
    }
    if (!json_is_object(document)) {
        return corrie_fail(err, BAD, "%s: table metadata is no JSON object", what);
    }
    r = js_get_int(document, "format-version", &version, BAD, err);
    if (r < 0) {
        return corrie_wrap(err, "%s", what);
    }
    if (version != 1 && version != 2) {
        corrie_fail(err, CORRIE_E_UNSUPPORTED, "%s: Iceberg format version %lld is not supported",
                    what, (long long)version);
        return corrie_hint(err, "versions 1 and 2 can be read");
    }
    r = metadata_normalise(document, err);
    if (r < 0) {
        return corrie_wrap(err, "%s", what);
    }
    r = metadata_of_document(TAKE_PTR(document), (int)version, what, ret, err);
    if (r >= 0) {
        (*ret)->stored_bytes = json.len;
    }
    return r;
}

static void inflate_end(z_stream *stream)
{
    inflateEnd(stream);
}

static int gunzip(struct str packed, struct buf *out, corrie_error *err)
{
    _cleanup_(inflate_end) z_stream stream = {0};

    if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) {
        return corrie_fail_memory(err);
    }
    stream.next_in = (Bytef *)(uintptr_t)packed.data;
    stream.avail_in = (uInt)packed.len;
    for (int z = Z_OK; z != Z_STREAM_END;) {
        size_t room = 64 * CORRIE_KiB;
        char *to = buf_reserve(out, room);
        if (!to) {
            return buf_check(out, err);
        }
        stream.next_out = (Bytef *)to;
        stream.avail_out = (uInt)room;
        z = inflate(&stream, Z_NO_FLUSH);
        if ((z != Z_OK && z != Z_STREAM_END) || (z == Z_OK && stream.avail_out == room)) {
            return corrie_fail(err, BAD, "does not unpack as gzip");
        }
        buf_commit(out, room - stream.avail_out);
    }
    return 0;
}

int metadata_parse(struct str bytes, const char *what, struct table_metadata **ret,
                   corrie_error *err)
{
    _cleanup_(buf_done) struct buf unpacked;

    buf_init(&unpacked, CORRIE_MAX_METADATA);
    if (bytes.len < 2 || (uint8_t)bytes.data[0] != 0x1f || (uint8_t)bytes.data[1] != 0x8b) {
        return parse_json(bytes, what, ret, err);
    }
    int r = gunzip(bytes, &unpacked, err);
    return r < 0 ? corrie_wrap(err, "%s", what) : parse_json(buf_str(&unpacked), what, ret, err);
}

int metadata_read(const struct table_io *io, struct str location, struct table_metadata **ret,
                  corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf bytes;
    const char *what = arena_text(&arena, location);

    buf_init(&bytes, CORRIE_MAX_METADATA);
    int r = location_read(io, location, CORRIE_MAX_METADATA, &bytes, err);
    if (r < 0) {
        return corrie_wrap(err, "read table metadata");
    }
    return what ? metadata_parse(buf_str(&bytes), what, ret, err) : corrie_fail_memory(err);
}

int metadata_format(const struct table_metadata *metadata, struct buf *out, corrie_error *err)
{
    return js_format(metadata->document, 0, out, err);
}

const struct schema *metadata_schema_by_id(const struct table_metadata *metadata, int schema_id)
{
    for (size_t i = 0; i < metadata->n_schemas; i++) {
        if (metadata->schemas[i].schema_id == schema_id) {
            return &metadata->schemas[i];
        }
    }
    return NULL;
}

const struct partition_spec *metadata_spec_by_id(const struct table_metadata *metadata, int spec_id)
{
    for (size_t i = 0; i < metadata->n_specs; i++) {
        if (metadata->specs[i].spec_id == spec_id) {
            return &metadata->specs[i];
        }
    }
    return NULL;
}

bool partition_spec_is_empty(const struct partition_spec *spec)
{
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (!str_eq(spec->fields[i].transform, STR("void"))) {
            return false;
        }
    }
    return true;
}

const struct snapshot *metadata_snapshot_by_id(const struct table_metadata *metadata, int64_t id)
{
    for (size_t i = metadata->n_snapshots; i-- > 0;) { /* the newest are asked for most */
        if (metadata->snapshots[i].id == id) {
            return &metadata->snapshots[i];
        }
    }
    return NULL;
}

const struct schema *metadata_schema(const struct table_metadata *metadata)
{
    return metadata_schema_by_id(metadata, metadata->current_schema_id);
}

const struct partition_spec *metadata_spec(const struct table_metadata *metadata)
{
    return metadata_spec_by_id(metadata, metadata->default_spec_id);
}

const struct snapshot *metadata_current_snapshot(const struct table_metadata *metadata)
{
    return metadata->current_snapshot_id == SNAPSHOT_NONE
               ? NULL
               : metadata_snapshot_by_id(metadata, metadata->current_snapshot_id);
}

const struct schema *metadata_snapshot_schema(const struct table_metadata *metadata,
                                              const struct snapshot *snapshot)
{
    const struct schema *schema = snapshot && snapshot->schema_id >= 0
                                      ? metadata_schema_by_id(metadata, snapshot->schema_id)
                                      : NULL;
    return schema ? schema : metadata_schema(metadata);
}

bool metadata_property(const struct table_metadata *metadata, struct str key, struct str *ret)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(metadata->document, "properties"), name, value)
    {
        if (str_eq(str_of(name), key)) {
            *ret = js_str(value);
            return true;
        }
    }
    return false;
}

void metadata_properties(const struct table_metadata *metadata,
                         void (*each)(void *arg, struct str key, struct str value), void *arg)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(metadata->document, "properties"), key, value)
    {
        each(arg, str_of(key), js_str(value));
    }
}

bool snapshot_summary(const struct snapshot *snapshot, const char *key, struct str *ret)
{
    const json_t *value = json_object_get(json_object_get(snapshot->json, "summary"), key);

    if (!json_is_string(value)) {
        return false;
    }
    *ret = js_str(value);
    return true;
}
