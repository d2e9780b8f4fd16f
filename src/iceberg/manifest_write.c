/* manifest_write.c — manifests and manifest lists to bytes, format version 2. */
#include "arrow/scalar.h"
#include "base/json.h"
#include "iceberg/avro.h"
#include "iceberg/manifest.h"

static void put_optional_bytes(struct buf *out, struct str bytes)
{
    if (!bytes.data) {
        avro_put_null(out);
        return;
    }
    avro_put_some(out);
    avro_put_bytes(out, bytes);
}

/* ---- manifest lists ---- */

static int64_t at_least_zero(int64_t count)
{
    return count < 0 ? 0 : count;
}

static void put_summaries(struct buf *out, const struct manifest_file *file)
{
    if (!file->has_partitions) {
        avro_put_null(out);
        return;
    }
    avro_put_some(out);
    if (file->n_partitions > 0) {
        avro_put_long(out, (int64_t)file->n_partitions);
    }
    for (size_t i = 0; i < file->n_partitions; i++) {
        const struct field_summary *summary = &file->partitions[i];
        avro_put_bool(out, summary->contains_null);
        if (summary->contains_nan < 0) {
            avro_put_null(out);
        } else {
            avro_put_some(out);
            avro_put_bool(out, summary->contains_nan > 0);
        }
        put_optional_bytes(out, summary->lower);
        put_optional_bytes(out, summary->upper);
    }
    avro_put_long(out, 0);
}

static void put_manifest_file(struct buf *out, const struct manifest_file *file)
{
    avro_put_bytes(out, file->path);
    avro_put_long(out, at_least_zero(file->length));
    avro_put_long(out, file->spec_id);
    avro_put_long(out, file->content);
    avro_put_long(out, file->sequence_number);
    avro_put_long(out, file->min_sequence_number);
    avro_put_long(out, file->added_snapshot_id);
    avro_put_long(out, at_least_zero(file->added.files));
    avro_put_long(out, at_least_zero(file->existing.files));
    avro_put_long(out, at_least_zero(file->deleted.files));
    avro_put_long(out, at_least_zero(file->added.rows));
    avro_put_long(out, at_least_zero(file->existing.rows));
    avro_put_long(out, at_least_zero(file->deleted.rows));
    put_summaries(out, file);
    put_optional_bytes(out, file->key_metadata);
}

int manifest_list_encode(const struct manifest_list *list, int64_t snapshot_id, int64_t parent_id,
                         int64_t sequence_number, struct buf *out, corrie_error *err)
{
    _cleanup_(avro_writer_done) struct avro_writer writer = {0};
    _cleanup_(buf_done) struct buf schema = {0};
    char snapshot[24];
    char parent[24] = "null";
    char sequence[24];

    snprintf(snapshot, sizeof snapshot, "%lld", (long long)snapshot_id);
    snprintf(sequence, sizeof sequence, "%lld", (long long)sequence_number);
    if (parent_id != SNAPSHOT_NONE) {
        snprintf(parent, sizeof parent, "%lld", (long long)parent_id);
    }
    const struct avro_pair metadata[] = {
        {STR("snapshot-id"), str_of(snapshot)},
        {STR("parent-snapshot-id"), str_of(parent)},
        {STR("sequence-number"), str_of(sequence)},
        {STR("format-version"), STR("2")},
    };

    int r = manifest_list_schema(&schema, err);
    if (r >= 0) {
        r = avro_writer_begin(&writer, out, buf_str(&schema), metadata, ARRAY_LEN(metadata), err);
    }
    for (size_t i = 0; r >= 0 && i < list->count; i++) {
        put_manifest_file(&writer.block, &list->items[i]);
        r = avro_writer_record(&writer, err);
    }
    return r < 0 ? r : avro_writer_finish(&writer, err);
}

/* ---- manifests ---- */

static int spec_json(const struct partition_spec *spec, struct buf *out, corrie_error *err)
{
    _json_ json_t *fields = json_array();

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        json_t *json = json_object();
        if (json_array_append_new(fields, json) < 0 ||
            js_set_int(json, "source-id", field->source_id) < 0 ||
            js_set_int(json, "field-id", field->field_id) < 0 ||
            js_set_str(json, "transform", field->transform) < 0 ||
            js_set_str(json, "name", field->name) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return js_format(fields, 0, out, err);
}

static int schema_json(const struct schema *schema, struct buf *out, corrie_error *err)
{
    _json_ json_t *json = NULL;

    int r = schema_to_json(schema, &json, err);
    return r < 0 ? r : js_format(json, 0, out, err);
}

static int64_t metric_number(const struct column_metrics *column, int map)
{
    switch (map) {
    case 108:
        return column->column_size;
    case 109:
        return column->value_count;
    case 110:
        return column->null_count;
    default:
        return column->nan_count;
    }
}

/* Always there, if empty: PyIceberg's inspect.entries fails on a null map. */
static void put_number_map(struct buf *out, const struct data_file *file, int map)
{
    int64_t count = 0;

    for (size_t i = 0; i < file->n_columns; i++) {
        count += metric_number(&file->columns[i], map) >= 0;
    }
    avro_put_some(out);
    if (count > 0) {
        avro_put_long(out, count);
    }
    for (size_t i = 0; i < file->n_columns; i++) {
        int64_t number = metric_number(&file->columns[i], map);
        if (number >= 0) {
            avro_put_long(out, file->columns[i].field_id);
            avro_put_long(out, number);
        }
    }
    avro_put_long(out, 0);
}

static void put_bound_map(struct buf *out, const struct data_file *file, bool upper)
{
    int64_t count = 0;

    for (size_t i = 0; i < file->n_columns; i++) {
        count += (upper ? file->columns[i].upper : file->columns[i].lower).data != NULL;
    }
    avro_put_some(out);
    if (count > 0) {
        avro_put_long(out, count);
    }
    for (size_t i = 0; i < file->n_columns; i++) {
        struct str bound = upper ? file->columns[i].upper : file->columns[i].lower;
        if (bound.data) {
            avro_put_long(out, file->columns[i].field_id);
            avro_put_bytes(out, bound);
        }
    }
    avro_put_long(out, 0);
}

static void put_optional_long(struct buf *out, int64_t value)
{
    if (value < 0) {
        avro_put_null(out);
        return;
    }
    avro_put_some(out);
    avro_put_long(out, value);
}

static int put_partition(struct buf *out, const struct partition_spec *spec,
                         const struct data_file *file, corrie_error *err)
{
    if (file->n_partition != spec->n_fields) {
        return corrie_fail(
            err, CORRIE_E_USAGE,
            "'%.*s' has a partition tuple of %zu values where spec %d has %zu fields",
            STR_FMT(file->path), file->n_partition, spec->spec_id, spec->n_fields);
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (!file->partition[i].bytes.data) {
            avro_put_null(out);
            continue;
        }
        avro_put_some(out);
        int r = partition_value_encode(&spec->fields[i].result_type, file->partition[i].bytes, out,
                                       err);
        if (r < 0) {
            return corrie_wrap(err, "'%.*s': partition field '%.*s'", STR_FMT(file->path),
                               STR_FMT(spec->fields[i].name));
        }
    }
    return 0;
}

static void put_lists(struct buf *out, const struct data_file *file)
{
    if (file->n_split_offsets == 0) {
        avro_put_null(out);
    } else {
        avro_put_some(out);
        avro_put_long(out, (int64_t)file->n_split_offsets);
        for (size_t i = 0; i < file->n_split_offsets; i++) {
            avro_put_long(out, file->split_offsets[i]);
        }
        avro_put_long(out, 0);
    }
    if (file->n_equality_ids == 0) {
        avro_put_null(out);
    } else {
        avro_put_some(out);
        avro_put_long(out, (int64_t)file->n_equality_ids);
        for (size_t i = 0; i < file->n_equality_ids; i++) {
            avro_put_long(out, file->equality_ids[i]);
        }
        avro_put_long(out, 0);
    }
}

/* Fields in the order of manifest_entry_schema. */
static int put_entry(struct buf *out, const struct manifest_spec *how,
                     const struct manifest_entry *entry, corrie_error *err)
{
    const struct data_file *file = &entry->file;
    bool added = entry->status == ENTRY_ADDED; /* whose numbers may be left to inheritance */

    avro_put_long(out, entry->status);
    avro_put_some(out);
    avro_put_long(out, entry->status == ENTRY_EXISTING ? file->snapshot_id : how->snapshot_id);
    put_optional_long(out, added ? file->sequence_number : at_least_zero(file->sequence_number));
    put_optional_long(out, added ? file->file_sequence_number
                                 : at_least_zero(file->file_sequence_number));

    avro_put_long(out, file->content);
    avro_put_bytes(out, file->path);
    avro_put_bytes(out, file->format.len > 0 ? file->format : STR("PARQUET"));
    int r = put_partition(out, how->spec, file, err);
    if (r < 0) {
        return r;
    }
    avro_put_long(out, file->record_count);
    avro_put_long(out, file->bytes);
    put_number_map(out, file, 108);
    put_number_map(out, file, 109);
    put_number_map(out, file, 110);
    put_number_map(out, file, 137);
    put_bound_map(out, file, false);
    put_bound_map(out, file, true);
    put_optional_bytes(out, file->key_metadata);
    put_lists(out, file);
    put_optional_long(out, file->has_sort_order ? file->sort_order_id : -1);
    if (file->referenced_data_file.len > 0) {
        avro_put_some(out);
        avro_put_bytes(out, file->referenced_data_file);
    } else {
        avro_put_null(out);
    }
    return 0;
}

static bool is_nan(const struct type *type, struct str value)
{
    double number;
    return (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) &&
           scalar_to_double(type, value, &number) && number != number;
}

static int summarise_value(const struct type *type, struct str value, struct field_summary *summary,
                           corrie_error *err)
{
    int order = 0;

    if (!value.data) {
        summary->contains_null = true;
        return 0;
    }
    if (is_nan(type, value)) {
        summary->contains_nan = 1;
        return 0;
    }
    if (!summary->lower.data) {
        summary->lower = summary->upper = value;
        return 0;
    }
    int r = scalar_compare(type, value, summary->lower, &order, err);
    if (r >= 0 && order < 0) {
        summary->lower = value;
    }
    if (r >= 0) {
        r = scalar_compare(type, value, summary->upper, &order, err);
    }
    if (r >= 0 && order > 0) {
        summary->upper = value;
    }
    return r;
}

static int summarise(const struct manifest_spec *how, const struct manifest_entry *entries,
                     size_t n_entries, struct arena *arena, struct manifest_file *file,
                     corrie_error *err)
{
    size_t n = how->spec->n_fields;

    file->has_partitions = true;
    file->n_partitions = n;
    file->partitions = n ? arena_array(arena, struct field_summary, n) : NULL;
    if (n > 0 && !file->partitions) {
        return corrie_fail_memory(err);
    }
    for (size_t f = 0; f < n; f++) {
        for (size_t i = 0; i < n_entries; i++) {
            int r = summarise_value(&how->spec->fields[f].result_type,
                                    entries[i].file.partition[f].bytes, &file->partitions[f], err);
            if (r < 0) {
                return r;
            }
        }
        struct field_summary *summary = &file->partitions[f];
        if (summary->lower.data && (arena_str(arena, summary->lower, &summary->lower) < 0 ||
                                    arena_str(arena, summary->upper, &summary->upper) < 0)) {
            return corrie_fail_memory(err); /* they lay in the entries, which go before the list */
        }
    }
    return 0;
}

static void count_entry(const struct manifest_spec *how, const struct manifest_entry *entry,
                        struct manifest_file *file)
{
    struct manifest_counts *counts = entry->status == ENTRY_ADDED      ? &file->added
                                     : entry->status == ENTRY_EXISTING ? &file->existing
                                                                       : &file->deleted;
    counts->files++;
    counts->rows = count_add(counts->rows, entry->file.record_count);
    if (entry->status != ENTRY_DELETED) {
        int64_t sequence =
            entry->file.sequence_number < 0 ? how->sequence_number : entry->file.sequence_number;
        if (sequence < file->min_sequence_number) {
            file->min_sequence_number = sequence;
        }
    }
}

int manifest_encode(const struct manifest_spec *how, const struct manifest_entry *entries,
                    size_t n_entries, struct arena *arena, struct manifest_file *ret,
                    struct buf *out, corrie_error *err)
{
    _cleanup_(avro_writer_done) struct avro_writer writer = {0};
    _cleanup_(buf_done) struct buf avro_schema = {0};
    _cleanup_(buf_done) struct buf table_schema = {0};
    _cleanup_(buf_done) struct buf partition_spec = {0};
    struct manifest_file file = {.spec_id = how->spec->spec_id,
                                 .content = how->content,
                                 .sequence_number = how->sequence_number,
                                 .min_sequence_number = how->sequence_number,
                                 .added_snapshot_id = how->snapshot_id};
    char schema_id[16];
    char spec_id[16];
    size_t start = out->len;
    int r;

    if ((r = manifest_entry_schema(how->spec, &avro_schema, err)) < 0 ||
        (r = schema_json(how->schema, &table_schema, err)) < 0 ||
        (r = spec_json(how->spec, &partition_spec, err)) < 0) {
        return r;
    }
    snprintf(schema_id, sizeof schema_id, "%d", how->schema->schema_id);
    snprintf(spec_id, sizeof spec_id, "%d", how->spec->spec_id);
    const struct avro_pair metadata[] = {
        {STR("schema"), buf_str(&table_schema)},
        {STR("schema-id"), str_of(schema_id)},
        {STR("partition-spec"), buf_str(&partition_spec)},
        {STR("partition-spec-id"), str_of(spec_id)},
        {STR("format-version"), STR("2")},
        {STR("content"), how->content == MANIFEST_DATA ? STR("data") : STR("deletes")},
    };

    r = avro_writer_begin(&writer, out, buf_str(&avro_schema), metadata, ARRAY_LEN(metadata), err);
    for (size_t i = 0; r >= 0 && i < n_entries; i++) {
        r = put_entry(&writer.block, how, &entries[i], err);
        if (r >= 0) {
            count_entry(how, &entries[i], &file);
            r = avro_writer_record(&writer, err);
        }
    }
    if (r < 0 || (r = avro_writer_finish(&writer, err)) < 0 ||
        (r = summarise(how, entries, n_entries, arena, &file, err)) < 0) {
        return r;
    }
    file.length = (int64_t)(out->len - start);
    *ret = file;
    return 0;
}
