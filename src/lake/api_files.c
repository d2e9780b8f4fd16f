/* api_files.c — the files of a table, as its manifests tell of them. */
#include "arrow/scalar.h"
#include "arrow/transform.h"
#include "base/mem.h"
#include "lake/api_priv.h"
#include "lake/lake_priv.h"
#include "lake/read.h"

/* A value as text; null where there is none. */
static json_t *value_json(const struct type *type, struct str bytes)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};

    if (!bytes.data || type->kind == TYPE_NONE || scalar_print(type, bytes, &text, &ignored) < 0) {
        return json_null();
    }
    return js_string(buf_str(&text));
}

/* Of a partition field, as people read it: the month 682 is 2026-11. */
static json_t *partition_value_json(const struct partition_field *field, struct str bytes)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    struct transform transform;

    if (!bytes.data || !transform_parse(field->transform, &transform)) {
        return value_json(&field->result_type, bytes);
    }
    if (transform_print_value(&transform, &field->result_type, bytes, &text, &ignored) < 0) {
        return json_null();
    }
    return js_string(buf_str(&text));
}

static json_t *partition_json(const struct partition_spec *spec, const struct data_file *file)
{
    json_t *object = json_object();
    int r = 0;

    for (size_t i = 0; spec && i < spec->n_fields && i < file->n_partition; i++) {
        const struct partition_field *field = &spec->fields[i];

        r |= json_object_setn_new(object, field->name.data, field->name.len,
                                  partition_value_json(field, file->partition[i].bytes));
    }
    if (r != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int set_known(json_t *item, const char *field, int64_t count)
{
    return js_set(item, field, js_count(count));
}

/* Columns that the manifest knows something of, by their present names. */
static json_t *columns_json(const struct schema *schema, const struct data_file *file)
{
    json_t *list = json_array();
    int r = list ? 0 : -1;

    for (size_t i = 0; i < file->n_columns && r == 0; i++) {
        const struct column_metrics *metrics = &file->columns[i];
        const struct field *field = schema_find_id(schema, metrics->field_id);
        json_t *item;

        if (!field) { /* dropped since */
            continue;
        }
        item = json_object();
        r |= js_set_int(item, "id", metrics->field_id);
        r |= js_set_str(item, "name", field->name);
        r |= set_known(item, "bytes", metrics->column_size);
        r |= set_known(item, "values", metrics->value_count);
        r |= set_known(item, "nulls", metrics->null_count);
        r |= js_set(item, "lower", value_json(&field->type, metrics->lower));
        r |= js_set(item, "upper", value_json(&field->type, metrics->upper));
        r |= json_array_append_new(list, item);
    }
    if (r != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *file_json(const struct table_metadata *metadata, const struct data_file *file,
                         int64_t deletes)
{
    static const char *const contents[] = {"data", "position deletes", "equality deletes"};
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "path", file->path);
    r |= js_set_str(item, "content", str_of(contents[file->content]));
    r |= js_set_int(item, "records", file->record_count);
    r |= js_set_int(item, "bytes", file->bytes);
    r |= js_set_int(item, "spec_id", file->spec_id);
    r |= js_set(item, "partition",
                partition_json(metadata_spec_by_id(metadata, file->spec_id), file));
    r |= js_set_int(item, "snapshot_id", file->snapshot_id);
    r |= js_set_int(item, "sequence_number", file->sequence_number);
    r |= js_set_int(item, "row_groups", (int64_t)file->n_split_offsets);
    r |= js_set_int(item, "delete_files", deletes);
    r |= js_set(item, "columns", columns_json(metadata_schema(metadata), file));
    if (r != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

static int files_json(const struct lake_table *table, const struct table_metadata *metadata,
                      const struct scan *scan, json_t **ret, corrie_error *err)
{
    _json_ json_t *document = json_object();
    json_t *list = json_array();
    int r = list ? 0 : -1;

    for (size_t i = 0; i < scan->n_files && r == 0; i++) {
        const struct scan_deletes *deletes = scan->deletes ? &scan->deletes[i] : NULL;
        size_t n = deletes ? deletes->n_positions + deletes->n_equalities : 0;

        r = json_array_append_new(list, file_json(metadata, &scan->files[i], (int64_t)n));
    }
    for (size_t i = 0; i < scan->n_delete_files && r == 0; i++) {
        r = json_array_append_new(list, file_json(metadata, &scan->delete_files[i], 0));
    }
    r |= js_set_str(document, "namespace", table->ns);
    r |= js_set_str(document, "name", table->name);
    r |= js_set(document, "files", list);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(document);
    return 0;
}

int corrie_table_files(corrie_lake *lake, const char *ref, const char *name,
                       const char *default_namespace, char **ret_json, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    _json_ json_t *document = NULL;
    struct scan scan = {0};
    struct lake_table table;
    struct lake_view view;
    int r;

    js_setup();
    r = lake_view_at(lake, str_of(ref), &view, err);
    if (r >= 0) {
        r = lake_table_named(&view, str_of(name), lake_default_namespace(default_namespace), &arena,
                             &table, err);
    }
    if (r >= 0) {
        r = lake_table_metadata(lake, &table, &metadata, err);
    }
    if (r >= 0) {
        r = lake_read_plan(lake, &table, metadata, NULL, NULL, 0, &arena, &scan, err);
    }
    if (r >= 0) {
        r = files_json(&table, metadata, &scan, &document, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "list the files of %s", name);
    }
    return js_give(TAKE_PTR(document), ret_json, err);
}
