/* metadata_edit.c — new metadata of old: tables, schemas, properties, snapshots, files. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "iceberg/metadata_priv.h"

#define NEW_METADATA "new table metadata"

/* ---- edits ---- */

/* As json_copy, which loses entries without a word when memory runs out. NULL then. */
static json_t *shallow_copy(const json_t *value)
{
    _json_ json_t *copy = json_is_object(value) ? json_object() : json_array();
    const char *key;
    json_t *item;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        if (json_object_set(copy, key, item) < 0) {
            return NULL;
        }
    }
    json_array_foreach(value, i, item)
    {
        if (json_array_append(copy, item) < 0) {
            return NULL;
        }
    }
    return TAKE_PTR(copy);
}

int metadata_edit(const struct table_metadata *metadata, int64_t now_ms, json_t **ret,
                  corrie_error *err)
{
    _json_ json_t *document = shallow_copy(metadata->document);

    if (now_ms < metadata->last_updated_ms) { /* readers refuse logs that go back in time */
        now_ms = metadata->last_updated_ms;
    }
    if (js_set_int(document, "last-updated-ms", now_ms) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}

int metadata_edited(json_t *document, const struct table_metadata *base,
                    struct table_metadata **ret, corrie_error *err)
{
    struct table_metadata *metadata = NULL;

    int r = metadata_of_document(document, 2, NEW_METADATA, &metadata, err);
    if (r < 0) {
        return r;
    }
    metadata->stored_updated_ms = base->stored_updated_ms;
    *ret = metadata;
    return 0;
}

int metadata_edit_field(json_t *document, const char *field, json_t **ret, corrie_error *err)
{
    json_t *copy = shallow_copy(json_object_get(document, field));

    if (js_set(document, field, copy) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = copy;
    return 0;
}

/* ---- new tables ---- */

static int set_properties(json_t *object, const struct property *properties, size_t n,
                          corrie_error *err)
{
    for (size_t i = 0; i < n; i++) {
        char *key = str_dup(properties[i].key);
        int r = 0;
        if (!key) {
            return corrie_fail_memory(err);
        }
        if (properties[i].value.data) {
            r = js_set_str(object, key, properties[i].value);
        } else {
            json_object_del(object, key);
        }
        mem_free(key);
        if (r < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int fresh_schema(const struct schema *schema, struct arena *arena, struct schema *ret,
                        int *ret_last_id, corrie_error *err)
{
    int r = schema_copy(schema, arena, ret, err);
    if (r < 0) {
        return r;
    }
    ret->schema_id = 0;
    ret->n_identifier_ids = 0; /* they named fields by the ids that go */
    *ret_last_id = 0;
    schema_assign_ids(ret, ret_last_id);
    return schema_check(ret, err);
}

static int new_document(const struct uuid *table_uuid, struct str location,
                        const struct schema *schema, int last_column_id, int64_t now_ms,
                        json_t **ret, corrie_error *err)
{
    _json_ json_t *document = json_object();
    _json_ json_t *schema_json = NULL;
    _json_ json_t *schemas = json_array();
    char uuid[UUID_TEXT + 1];

    uuid_format(table_uuid, uuid);
    int r = schema_to_json(schema, &schema_json, err);
    if (r < 0) {
        return r;
    }
    if (js_set_int(document, "format-version", 2) < 0 ||
        js_set_str(document, "table-uuid", str_of(uuid)) < 0 ||
        js_set_str(document, "location", location) < 0 ||
        js_set_int(document, "last-sequence-number", 0) < 0 ||
        js_set_int(document, "last-updated-ms", now_ms) < 0 ||
        js_set_int(document, "last-column-id", last_column_id) < 0 ||
        js_set_int(document, "last-partition-id", FIRST_PARTITION_ID - 1) < 0 ||
        json_array_append_new(schemas, TAKE_PTR(schema_json)) < 0 ||
        js_set(document, "schemas", TAKE_PTR(schemas)) < 0) {
        return corrie_fail_memory(err);
    }
    r = metadata_normalise(document, err); /* adds everything that is empty */
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(document);
    return 0;
}

int metadata_new(const struct uuid *table_uuid, struct str location, const struct schema *schema,
                 const struct property *properties, size_t n_properties, int64_t now_ms,
                 struct table_metadata **ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *document = NULL;
    struct schema fresh;
    int last_id = 0;
    const struct property defaults[] = {
        {STR("gc.enabled"), STR("false")}, /* files are shared between the lake's branches */
        {STR("write.parquet.compression-codec"), STR("zstd")},
    };

    js_setup();
    while (location.len > 1 && location.data[location.len - 1] == '/') {
        location.len--;
    }
    int r = fresh_schema(schema, &arena, &fresh, &last_id, err);
    if (r >= 0) {
        r = new_document(table_uuid, location, &fresh, last_id, now_ms, &document, err);
    }
    if (r < 0) {
        return r;
    }
    json_t *object = json_object_get(document, "properties");
    if ((r = set_properties(object, defaults, ARRAY_LEN(defaults), err)) < 0 ||
        (r = set_properties(object, properties, n_properties, err)) < 0) {
        return r;
    }
    return metadata_of_document(TAKE_PTR(document), 2, NEW_METADATA, ret, err);
}

int metadata_with_properties(const struct table_metadata *metadata, const struct property *changes,
                             size_t n_changes, int64_t now_ms, struct table_metadata **ret,
                             corrie_error *err)
{
    _json_ json_t *document = NULL;
    json_t *properties = NULL;
    int r;

    if ((r = metadata_edit(metadata, now_ms, &document, err)) < 0 ||
        (r = metadata_edit_field(document, "properties", &properties, err)) < 0 ||
        (r = set_properties(properties, changes, n_changes, err)) < 0) {
        return r;
    }
    return metadata_edited(TAKE_PTR(document), metadata, ret, err);
}

/* ---- schemas ---- */

/* One above the highest; -1 if there is no such number. */
static int next_schema_id(const struct table_metadata *metadata)
{
    int highest = -1;

    for (size_t i = 0; i < metadata->n_schemas; i++) {
        if (metadata->schemas[i].schema_id > highest) {
            highest = metadata->schemas[i].schema_id;
        }
    }
    return highest == INT32_MAX ? -1 : highest + 1;
}

/* Gives the schema the id of the equal one that the table has, or the next. */
static void number_schema(const struct table_metadata *metadata, struct schema *schema)
{
    schema->schema_id = next_schema_id(metadata);
    if (schema_eq(schema, metadata_schema(metadata))) {
        schema->schema_id = metadata->current_schema_id;
        return;
    }
    for (size_t i = 0; i < metadata->n_schemas; i++) {
        if (schema_eq(schema, &metadata->schemas[i])) {
            schema->schema_id = metadata->schemas[i].schema_id;
            return;
        }
    }
}

/* A column that keeps its id keeps its comment too, unless the new schema brings one. */
static void keep_docs(struct field *fields, size_t n_fields, const struct schema *old)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *before = schema_find_id(old, fields[i].id);
        if (before && fields[i].doc.len == 0) {
            fields[i].doc = before->doc;
        }
        keep_docs(fields[i].type.fields, fields[i].type.n_fields, old);
    }
}

/* Identifier fields stay where all of them are still there and required. */
static void keep_identifiers(struct schema *schema, const struct schema *old)
{
    schema->n_identifier_ids = 0;
    for (size_t i = 0; i < old->n_identifier_ids; i++) {
        const struct field *field = schema_find_id(schema, old->identifier_ids[i]);
        if (!field || !field->required) {
            return;
        }
    }
    schema->identifier_ids = old->identifier_ids;
    schema->n_identifier_ids = old->n_identifier_ids;
}

int metadata_check_room(const struct table_metadata *metadata, corrie_error *err)
{
    if (metadata->last_column_id > INT32_MAX - CORRIE_MAX_FIELDS || next_schema_id(metadata) < 0) {
        return corrie_fail(err, CORRIE_E_LIMIT, "the table's field or schema ids are used up");
    }
    return 0;
}

int metadata_replacement_schema(const struct table_metadata *metadata, const struct schema *schema,
                                struct arena *arena, struct schema *ret, corrie_error *err)
{
    const struct schema *old = metadata_schema(metadata);
    struct schema made;
    struct schema kept;
    int last_id = metadata->last_column_id;

    int r = metadata_check_room(metadata, err);
    if (r < 0 || (r = schema_copy(schema, arena, &made, err)) < 0) {
        return r;
    }
    schema_assign_ids_from(&made, old, &last_id);
    keep_docs(made.fields, made.n_fields, old);
    keep_identifiers(&made, old);
    if ((r = schema_check(&made, err)) < 0) {
        return r;
    }
    number_schema(metadata, &made);
    if ((r = schema_copy(&made, arena, &kept, err)) < 0) { /* docs and ids lie in `metadata` */
        return r;
    }
    *ret = kept;
    return 0;
}

int metadata_extended_schema(const struct table_metadata *metadata, const struct field *fields,
                             size_t n_fields, struct arena *arena, struct schema *ret,
                             corrie_error *err)
{
    const struct schema *old = metadata_schema(metadata);
    struct schema made = *old;
    struct schema copy;
    struct schema added = {0};
    int last_id = metadata->last_column_id;

    int r = metadata_check_room(metadata, err);
    if (r < 0) {
        return r;
    }
    r = schema_copy(
        &(struct schema){.fields = (struct field *)(uintptr_t)fields, .n_fields = n_fields}, arena,
        &added, err);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n_fields; i++) {
        if (schema_find(old, added.fields[i].name)) {
            return corrie_fail(err, CORRIE_E_EXISTS, "there is a column '%.*s' already",
                               STR_FMT(added.fields[i].name));
        }
        added.fields[i].required = false; /* older rows have no value */
    }
    schema_assign_ids(&added, &last_id);

    made.n_fields = old->n_fields + n_fields;
    made.fields = arena_array(arena, struct field, made.n_fields);
    if (!made.fields && made.n_fields > 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < made.n_fields; i++) {
        made.fields[i] = i < old->n_fields ? old->fields[i] : added.fields[i - old->n_fields];
    }
    if ((r = schema_check(&made, err)) < 0 || (r = schema_copy(&made, arena, &copy, err)) < 0) {
        return r;
    }
    number_schema(metadata, &copy);
    *ret = copy;
    return 0;
}

/* Whether an id of the new schema is fresh, or means what it meant. */
static int check_ids(const struct table_metadata *metadata, const struct field *fields,
                     size_t n_fields, corrie_error *err)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *field = &fields[i];
        if (field->id <= metadata->last_column_id) {
            const struct field *before = schema_find_id(metadata_schema(metadata), field->id);
            bool known = before && (type_is_nested(&field->type)
                                        ? before->type.kind == field->type.kind
                                        : type_promotes(&before->type, &field->type));
            if (!known) {
                return corrie_fail(err, CORRIE_E_INTERNAL,
                                   "column '%.*s' takes field id %d, which had another meaning",
                                   STR_FMT(field->name), field->id);
            }
        }
        int r = check_ids(metadata, field->type.fields, field->type.n_fields, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* An older schema of the table may become current again: its ids mean what they meant then. */
static bool has_schema(const struct table_metadata *metadata, const struct schema *schema)
{
    const struct schema *same = metadata_schema_by_id(metadata, schema->schema_id);
    return same && schema_eq(same, schema);
}

static int append_schema(json_t *document, const struct schema *schema, int last_column_id,
                         corrie_error *err)
{
    _json_ json_t *json = NULL;
    json_t *schemas = NULL;
    int highest = schema_highest_id(schema);
    int r;

    if ((r = schema_to_json(schema, &json, err)) < 0 ||
        (r = metadata_edit_field(document, "schemas", &schemas, err)) < 0) {
        return r;
    }
    if (json_array_append_new(schemas, TAKE_PTR(json)) < 0 ||
        js_set_int(document, "last-column-id",
                   highest > last_column_id ? highest : last_column_id) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int metadata_with_schema(const struct table_metadata *metadata, const struct schema *schema,
                         int64_t now_ms, struct table_metadata **ret, corrie_error *err)
{
    _json_ json_t *document = NULL;
    struct schema numbered = *schema;

    int r = metadata_edit(metadata, now_ms, &document, err);
    if (r < 0) {
        return r;
    }
    if (!has_schema(metadata, schema)) {
        if ((r = schema_check(schema, err)) < 0 ||
            (r = check_ids(metadata, schema->fields, schema->n_fields, err)) < 0) {
            return r;
        }
        number_schema(metadata, &numbered);
        if (!metadata_schema_by_id(metadata, numbered.schema_id) &&
            (r = append_schema(document, &numbered, metadata->last_column_id, err)) < 0) {
            return r;
        }
    }
    if (js_set_int(document, "current-schema-id", numbered.schema_id) < 0) {
        return corrie_fail_memory(err);
    }
    return metadata_edited(TAKE_PTR(document), metadata, ret, err);
}

/* ---- specs and orders ---- */

/* The id of the entry of `array` whose `fields` are empty, or -1; *ret_next one above the highest id. */
static json_int_t empty_entry(const json_t *array, const char *id_field, json_int_t *ret_next)
{
    json_int_t found = -1;
    size_t i;
    json_t *entry;

    *ret_next = 0;
    json_array_foreach(array, i, entry)
    {
        json_int_t id = json_integer_value(json_object_get(entry, id_field));
        *ret_next = id >= *ret_next ? id + 1 : *ret_next;
        if (found < 0 && json_array_size(json_object_get(entry, "fields")) == 0) {
            found = id;
        }
    }
    return found;
}

/* Makes the entry without fields the default, adding it where there is none. */
static int default_to_empty(json_t *document, const char *array_field, const char *id_field,
                            const char *default_field, corrie_error *err)
{
    json_int_t next = 0;
    json_int_t id = empty_entry(json_object_get(document, array_field), id_field, &next);

    if (id < 0) {
        _json_ json_t *entry = json_object();
        json_t *array = NULL;
        /* order 0 is the unsorted one wherever it is listed */
        id = strcmp(id_field, "order-id") == 0 ? 0 : next;
        int r = metadata_edit_field(document, array_field, &array, err);
        if (r < 0) {
            return r;
        }
        if (js_set_int(entry, id_field, id) < 0 || js_set(entry, "fields", json_array()) < 0 ||
            json_array_append_new(array, TAKE_PTR(entry)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return js_set_int(document, default_field, id) < 0 ? corrie_fail_memory(err) : 0;
}

int metadata_unpartitioned(const struct table_metadata *base, int64_t now_ms,
                           struct table_metadata **ret, corrie_error *err)
{
    _json_ json_t *document = NULL;
    int r;

    if ((r = metadata_edit(base, now_ms, &document, err)) < 0 ||
        (r = default_to_empty(document, "partition-specs", "spec-id", "default-spec-id", err)) <
            0 ||
        (r = default_to_empty(document, "sort-orders", "order-id", "default-sort-order-id", err)) <
            0) {
        return r;
    }
    return metadata_edited(TAKE_PTR(document), base, ret, err);
}

/* ---- snapshots ---- */

static bool is_referenced(const json_t *refs, json_int_t id)
{
    const char *name;
    json_t *ref;

    json_object_foreach((json_t *)(uintptr_t)refs, name, ref)
    {
        if (json_integer_value(json_object_get(ref, "snapshot-id")) == id) {
            return true;
        }
    }
    return false;
}

static bool has_snapshot(const json_t *snapshots, json_int_t id)
{
    for (size_t i = json_array_size(snapshots); i-- > 0;) {
        const json_t *snapshot = json_array_get(snapshots, i);
        if (json_integer_value(json_object_get(snapshot, "snapshot-id")) == id) {
            return true;
        }
    }
    return false;
}

/* Drops the oldest snapshots beyond `keep` that no ref names. */
static void trim_snapshots(json_t *snapshots, const json_t *refs, size_t keep)
{
    size_t i = 0;

    while (json_array_size(snapshots) > keep && i < json_array_size(snapshots)) {
        const json_t *snapshot = json_array_get(snapshots, i);
        if (is_referenced(refs, json_integer_value(json_object_get(snapshot, "snapshot-id")))) {
            i++;
        } else {
            json_array_remove(snapshots, i);
        }
    }
}

int metadata_trim_followers(json_t *document, const json_t *snapshots, corrie_error *err)
{
    static const char *const fields[] = {"statistics", "partition-statistics", "snapshot-log"};

    for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
        bool is_log = f == ARRAY_LEN(fields) - 1;
        json_t *array = NULL;
        int r = metadata_edit_field(document, fields[f], &array, err);
        if (r < 0) {
            return r;
        }
        for (size_t i = json_array_size(array); i-- > 0;) {
            const json_t *entry = json_array_get(array, i);
            if (has_snapshot(snapshots,
                             json_integer_value(json_object_get(entry, "snapshot-id")))) {
                continue;
            }
            if (!is_log) {
                json_array_remove(array, i);
                continue;
            }
            for (size_t n = 0; n <= i; n++) {
                json_array_remove(array, 0);
            }
            break;
        }
    }
    return 0;
}

static int snapshot_json(const struct table_metadata *base, const struct new_snapshot *snapshot,
                         int64_t timestamp_ms, json_t **ret, corrie_error *err)
{
    _json_ json_t *json = json_object();

    if (js_set_int(json, "snapshot-id", snapshot->id) < 0 ||
        (base->current_snapshot_id != SNAPSHOT_NONE &&
         js_set_int(json, "parent-snapshot-id", base->current_snapshot_id) < 0) ||
        js_set_int(json, "sequence-number", snapshot->sequence_number) < 0 ||
        js_set_int(json, "timestamp-ms", timestamp_ms) < 0 ||
        js_set_str(json, "manifest-list", snapshot->manifest_list) < 0 ||
        js_set(json, "summary", json_incref(snapshot->summary)) < 0 ||
        js_set_int(json, "schema-id", base->current_schema_id) < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(json);
    return 0;
}

/* refs.main and current-snapshot-id; what else the main ref says (retention) stays. */
static int set_main(json_t *document, int64_t id, corrie_error *err)
{
    json_t *refs = NULL;

    int r = metadata_edit_field(document, "refs", &refs, err);
    if (r < 0) {
        return r;
    }
    json_t *before = json_object_get(refs, "main");
    _json_ json_t *main_ref = before ? shallow_copy(before) : json_object();
    if (js_set_int(main_ref, "snapshot-id", id) < 0 ||
        js_set_str(main_ref, "type", STR("branch")) < 0 ||
        js_set(refs, "main", TAKE_PTR(main_ref)) < 0 ||
        js_set_int(document, "current-snapshot-id", id) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int metadata_with_snapshot(const struct table_metadata *base, const struct new_snapshot *snapshot,
                           int64_t now_ms, struct table_metadata **ret, corrie_error *err)
{
    _json_ json_t *document = NULL;
    _json_ json_t *json = NULL;
    _json_ json_t *entry = json_object();
    json_t *snapshots = NULL;
    json_t *log = NULL;
    int r;

    if ((r = metadata_edit(base, now_ms, &document, err)) < 0 ||
        (r = metadata_edit_field(document, "snapshots", &snapshots, err)) < 0 ||
        (r = metadata_edit_field(document, "snapshot-log", &log, err)) < 0 ||
        (r = set_main(document, snapshot->id, err)) < 0) {
        return r;
    }
    int64_t updated_ms = json_integer_value(json_object_get(document, "last-updated-ms"));
    r = snapshot_json(base, snapshot, updated_ms, &json, err);
    if (r < 0) {
        return r;
    }
    if (json_array_append_new(snapshots, TAKE_PTR(json)) < 0 ||
        js_set_int(entry, "timestamp-ms", updated_ms) < 0 ||
        js_set_int(entry, "snapshot-id", snapshot->id) < 0 ||
        json_array_append_new(log, TAKE_PTR(entry)) < 0 ||
        js_set_int(document, "last-sequence-number", snapshot->sequence_number) < 0) {
        return corrie_fail_memory(err);
    }
    trim_snapshots(snapshots, json_object_get(document, "refs"), snapshot->keep);
    r = metadata_trim_followers(document, snapshots, err);
    if (r < 0) {
        return r;
    }
    return metadata_edited(TAKE_PTR(document), base, ret, err);
}

/* ---- files ---- */

/* The number in "…/metadata/00012-<uuid>.metadata.json" or "…/v12.metadata.json", -1 if there is none. */
static int64_t version_of_location(struct str location)
{
    struct str name = str_from(location, (size_t)(str_rfind(location, '/') + 1));
    size_t len = 0;
    int64_t version;

    if (str_starts(name, STR("v"))) {
        name = str_from(name, 1);
    }
    while (len < name.len && name.data[len] >= '0' && name.data[len] <= '9') {
        len++;
    }
    return str_to_int64(str_slice(name, 0, len), &version) && version < INT32_MAX ? version : -1;
}

static int append_metadata_log(const struct table_metadata *metadata, struct str previous_location,
                               json_t *document, corrie_error *err)
{
    _json_ json_t *entry = json_object();
    json_t *log = NULL;

    int r = metadata_edit_field(document, "metadata-log", &log, err);
    if (r < 0) {
        return r;
    }
    if (js_set_int(entry, "timestamp-ms", metadata->stored_updated_ms) < 0 ||
        js_set_str(entry, "metadata-file", previous_location) < 0 ||
        json_array_append_new(log, TAKE_PTR(entry)) < 0) {
        return corrie_fail_memory(err);
    }
    while (json_array_size(log) > KEEP_METADATA_LOG) {
        json_array_remove(log, 0);
    }
    return 0;
}

static int metadata_location(const struct table_metadata *metadata, struct str previous_location,
                             struct arena *arena, struct str *ret, corrie_error *err)
{
    struct uuid id = uuid_random();
    char uuid[UUID_TEXT + 1];
    int64_t version = previous_location.len > 0 ? version_of_location(previous_location) + 1 : 0;

    uuid_format(&id, uuid);
    char *text = arena_printf(arena, "%.*s/metadata/%05lld-%s.metadata.json",
                              STR_FMT(metadata->location), (long long)version, uuid);
    if (!text) {
        return corrie_fail_memory(err);
    }
    *ret = str_of(text);
    return 0;
}

int metadata_write(const struct table_io *io, const struct table_metadata *metadata,
                   struct str previous_location, struct arena *arena, struct str *ret_location,
                   struct table_metadata **ret, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *stored = NULL;
    _cleanup_(buf_done) struct buf bytes;
    _json_ json_t *document = NULL;
    struct str location;
    struct str key;
    int r;

    buf_init(&bytes, CORRIE_MAX_METADATA);
    if ((r = metadata_edit(metadata, metadata->last_updated_ms, &document, err)) < 0 ||
        (previous_location.len > 0 &&
         (r = append_metadata_log(metadata, previous_location, document, err)) < 0) ||
        (r = metadata_edited(TAKE_PTR(document), metadata, &stored, err)) < 0 ||
        (r = metadata_format(stored, &bytes, err)) < 0 ||
        (r = metadata_location(metadata, previous_location, arena, &location, err)) < 0 ||
        (r = location_key(io, location, arena, &key, err)) < 0 ||
        (r = store_put(io->store, key, buf_str(&bytes), err)) < 0) {
        return corrie_wrap(err, "write table metadata");
    }
    stored->stored_updated_ms = stored->last_updated_ms;
    stored->stored_bytes = bytes.len;
    *ret_location = location;
    if (ret) {
        *ret = TAKE_PTR(stored);
    }
    return 0;
}
