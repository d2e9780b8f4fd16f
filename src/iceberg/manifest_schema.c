/* manifest_schema.c — the Avro schemas of what we write: those of the specification (sections "Manifests" and
 * "Manifest Lists", format version 2), without their doc strings. */
#include "iceberg/manifest.h"

enum shape { REQUIRED, OPTIONAL, METRICS, LIST };

struct column {
    const char *name;
    int id;
    enum shape shape;
    const char *type; /* of METRICS: of the values; of LIST: of the elements */
    int key_id;       /* METRICS */
    int value_id;     /* METRICS; LIST: of the elements */
};

static const struct column list_head[] = {
    {"manifest_path", 500, REQUIRED, "string", 0, 0},
    {"manifest_length", 501, REQUIRED, "long", 0, 0},
    {"partition_spec_id", 502, REQUIRED, "int", 0, 0},
    {"content", 517, REQUIRED, "int", 0, 0},
    {"sequence_number", 515, REQUIRED, "long", 0, 0},
    {"min_sequence_number", 516, REQUIRED, "long", 0, 0},
    {"added_snapshot_id", 503, REQUIRED, "long", 0, 0},
    {"added_files_count", 504, REQUIRED, "int", 0, 0},
    {"existing_files_count", 505, REQUIRED, "int", 0, 0},
    {"deleted_files_count", 506, REQUIRED, "int", 0, 0},
    {"added_rows_count", 512, REQUIRED, "long", 0, 0},
    {"existing_rows_count", 513, REQUIRED, "long", 0, 0},
    {"deleted_rows_count", 514, REQUIRED, "long", 0, 0},
};
static const struct column summary[] = {
    {"contains_null", 509, REQUIRED, "boolean", 0, 0},
    {"contains_nan", 518, OPTIONAL, "boolean", 0, 0},
    {"lower_bound", 510, OPTIONAL, "bytes", 0, 0},
    {"upper_bound", 511, OPTIONAL, "bytes", 0, 0},
};
static const struct column list_tail[] = {
    {"key_metadata", 519, OPTIONAL, "bytes", 0, 0},
};

static const struct column entry[] = {
    {"status", 0, REQUIRED, "int", 0, 0},
    {"snapshot_id", 1, OPTIONAL, "long", 0, 0},
    {"sequence_number", 3, OPTIONAL, "long", 0, 0},
    {"file_sequence_number", 4, OPTIONAL, "long", 0, 0},
};
static const struct column file_head[] = {
    {"content", 134, REQUIRED, "int", 0, 0},
    {"file_path", 100, REQUIRED, "string", 0, 0},
    {"file_format", 101, REQUIRED, "string", 0, 0},
};
static const struct column file_tail[] = {
    {"record_count", 103, REQUIRED, "long", 0, 0},
    {"file_size_in_bytes", 104, REQUIRED, "long", 0, 0},
    {"column_sizes", 108, METRICS, "long", 117, 118},
    {"value_counts", 109, METRICS, "long", 119, 120},
    {"null_value_counts", 110, METRICS, "long", 121, 122},
    {"nan_value_counts", 137, METRICS, "long", 138, 139},
    {"lower_bounds", 125, METRICS, "bytes", 126, 127},
    {"upper_bounds", 128, METRICS, "bytes", 129, 130},
    {"key_metadata", 131, OPTIONAL, "bytes", 0, 0},
    {"split_offsets", 132, LIST, "long", 0, 133},
    {"equality_ids", 135, LIST, "int", 0, 136},
    {"sort_order_id", 140, OPTIONAL, "int", 0, 0},
    {"referenced_data_file", 143, OPTIONAL, "string", 0, 0},
};

static void open_field(struct buf *out, const char *name, int id)
{
    buf_addf(out, "{\"name\":\"%s\",\"field-id\":%d,\"type\":", name, id);
}

static void open_record(struct buf *out, const char *name)
{
    buf_addf(out, "{\"type\":\"record\",\"name\":\"%s\",\"fields\":[", name);
}

static void add_column(struct buf *out, const struct column *column)
{
    open_field(out, column->name, column->id);
    switch (column->shape) {
    case REQUIRED:
        buf_addf(out, "\"%s\"}", column->type);
        return;
    case OPTIONAL:
        buf_addf(out, "[\"null\",\"%s\"]", column->type);
        break;
    case METRICS: /* a map with whole-number keys is an array of pairs */
        buf_add_text(out, "[\"null\",{\"type\":\"array\",\"logicalType\":\"map\",\"items\":");
        buf_addf(out, "{\"type\":\"record\",\"name\":\"k%d_v%d\",\"fields\":[", column->key_id,
                 column->value_id);
        add_column(out, &(struct column){"key", column->key_id, REQUIRED, "int", 0, 0});
        buf_add_char(out, ',');
        add_column(out, &(struct column){"value", column->value_id, REQUIRED, column->type, 0, 0});
        buf_add_text(out, "]}}]");
        break;
    case LIST:
        buf_addf(out, "[\"null\",{\"type\":\"array\",\"element-id\":%d,\"items\":\"%s\"}]",
                 column->value_id, column->type);
        break;
    }
    buf_add_text(out, ",\"default\":null}");
}

static void add_columns(struct buf *out, const struct column *columns, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_add_text(out, i > 0 ? "," : "");
        add_column(out, &columns[i]);
    }
}

int manifest_list_schema(struct buf *out, corrie_error *err)
{
    open_record(out, "manifest_file");
    add_columns(out, list_head, ARRAY_LEN(list_head));
    buf_add_char(out, ',');
    open_field(out, "partitions", 507);
    buf_add_text(out, "[\"null\",{\"type\":\"array\",\"element-id\":508,\"items\":");
    open_record(out, "r508");
    add_columns(out, summary, ARRAY_LEN(summary));
    buf_add_text(out, "]}}],\"default\":null},");
    add_columns(out, list_tail, ARRAY_LEN(list_tail));
    buf_add_text(out, "]}");
    return buf_check(out, err);
}

/* Avro names are [A-Za-z_][A-Za-z0-9_]*; other bytes become _xHH, as Iceberg's own writers do. */
static void add_avro_name(struct buf *out, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool digit = c >= '0' && c <= '9';
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (digit && i > 0)) {
            buf_add_char(out, (char)c);
        } else if (digit) {
            buf_addf(out, "_%c", c);
        } else {
            buf_addf(out, "_x%X", c);
        }
    }
}

static int add_tuple(struct buf *out, const struct partition_spec *spec, corrie_error *err)
{
    for (size_t i = 0; i < spec->n_fields; i++) {
        const struct partition_field *field = &spec->fields[i];
        buf_add_text(out, i == 0 ? "{\"name\":\"" : ",{\"name\":\"");
        add_avro_name(out, field->name);
        buf_addf(out, "\",\"field-id\":%d,\"type\":[\"null\",", field->field_id);
        int r = partition_type_schema(&field->result_type, field->field_id, out, err);
        if (r < 0) {
            return corrie_wrap(err, "partition field '%.*s' (%.*s)", STR_FMT(field->name),
                               STR_FMT(field->transform));
        }
        buf_add_text(out, "],\"default\":null}");
    }
    return 0;
}

int manifest_entry_schema(const struct partition_spec *spec, struct buf *out, corrie_error *err)
{
    open_record(out, "manifest_entry");
    add_columns(out, entry, ARRAY_LEN(entry));
    buf_add_char(out, ',');
    open_field(out, "data_file", 2);
    open_record(out, "r2");
    add_columns(out, file_head, ARRAY_LEN(file_head));
    buf_add_char(out, ',');
    open_field(out, "partition", 102);
    open_record(out, "r102");
    int r = add_tuple(out, spec, err);
    if (r < 0) {
        return r;
    }
    buf_add_text(out, "]}},");
    add_columns(out, file_tail, ARRAY_LEN(file_tail));
    buf_add_text(out, "]}}]}");
    return buf_check(out, err);
}
