/* table_tool.c — the room as a program, for tests with other Iceberg implementations (tests/py/test_iceberg.py).
 *
 * Reads one JSON request from standard input, {"root": lake directory, "op": …}, prints one JSON answer:
 *   create   name, schema (Iceberg JSON)            → location (of the metadata), table (location), schema
 *   schema   metadata, schema                       → schema: what a replace by it would make current
 *   append   metadata, files, [schema]              → location, records, files, bytes
 *   replace  the same
 *   overwrite metadata, files, [gone: paths], [partitions: tuples]    → the same
 *   delta    metadata, files                        → the same
 *   merge    base, source, metadata (the target), [skip: paths], [dry] → the same
 *   partition metadata, terms: {source, transform, name} → location
 *   alter    metadata, [columns: {kind, path, [type], [name], [place], [beside]}], [specs: {kind, [field], [source],
 *            [transform], [name]}] → location
 *   plan     metadata, [predicates: {field, op, text}] → files (with what deletes them: paths), pruned, schema
 * A file is {path, records, bytes, columns: [{id, size, values, nulls, nans, lower, upper}], offsets, [partition: values of
 * the default spec], [content], [references], [equality: ids]}; bounds and values as text. */
#include <stdio.h>

#include "arrow/scalar.h"
#include "base/clock.h"
#include "base/json.h"
#include "iceberg/alter.h"
#include "iceberg/scan.h"
#include "iceberg/snapshot.h"

struct tool {
    struct arena arena;
    struct store *store;
    struct table_io io;
    json_t *request;
    json_t *answer;
};

static int read_schema(struct tool *tool, struct schema *ret, corrie_error *err)
{
    return schema_from_json(json_object_get(tool->request, "schema"), &tool->arena, ret, err);
}

static int answer_schema(struct tool *tool, const struct schema *schema, corrie_error *err)
{
    json_t *json = NULL;
    int r = schema_to_json(schema, &json, err);
    return r < 0 ? r : js_set(tool->answer, "schema", json);
}

static int read_metadata(struct tool *tool, struct str *ret_location, struct table_metadata **ret,
                         corrie_error *err)
{
    int r = js_get_str(tool->request, "metadata", ret_location, CORRIE_E_USAGE, err);
    return r < 0 ? r : metadata_read(&tool->io, *ret_location, ret, err);
}

static int create(struct tool *tool, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct uuid id = uuid_random();
    struct schema schema;
    struct str name;
    struct str table;
    struct str location;
    int r;

    if ((r = js_get_str(tool->request, "name", &name, CORRIE_E_USAGE, err)) < 0 ||
        (r = read_schema(tool, &schema, err)) < 0 ||
        (r = location_of_table(&tool->io, STR("shop"), name, &id, &tool->arena, &table, err)) < 0 ||
        (r = metadata_new(&id, table, &schema, NULL, 0, clock_now() / 1000000, &metadata, err)) <
            0 ||
        (r = metadata_write(&tool->io, metadata, STR_EMPTY, &tool->arena, &location, NULL, err)) <
            0 ||
        (r = js_set_str(tool->answer, "location", location)) < 0 ||
        (r = js_set_str(tool->answer, "table", table)) < 0) {
        return r;
    }
    return answer_schema(tool, metadata_schema(metadata), err);
}

static int replacement(struct tool *tool, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct str location;
    struct schema schema;
    struct schema made;
    int r;

    if ((r = read_metadata(tool, &location, &metadata, err)) < 0 ||
        (r = read_schema(tool, &schema, err)) < 0 ||
        (r = metadata_replacement_schema(metadata, &schema, &tool->arena, &made, err)) < 0) {
        return r;
    }
    return answer_schema(tool, &made, err);
}

static int read_bound(struct tool *tool, const json_t *json, const char *name,
                      const struct type *type, bool upper, struct str *ret, corrie_error *err)
{
    struct str text;
    struct str value;

    *ret = (struct str){NULL, 0};
    int r = js_opt_str(json, name, &text, CORRIE_E_USAGE, err);
    if (r <= 0 || (r = scalar_from_text(type, text, &tool->arena, &value, err)) < 0) {
        return r;
    }
    if (upper) {
        r = scalar_bound_upper(type, value, SCALAR_BOUND_LENGTH, &tool->arena, ret, err);
        return r;
    }
    *ret = scalar_bound_lower(type, value, SCALAR_BOUND_LENGTH);
    return 0;
}

static int read_column(struct tool *tool, const json_t *json, const struct schema *schema,
                       struct column_metrics *column, corrie_error *err)
{
    int64_t id = 0;
    int r;

    *column = (struct column_metrics){
        0, FILE_UNKNOWN, FILE_UNKNOWN, FILE_UNKNOWN, FILE_UNKNOWN, {NULL, 0}, {NULL, 0}};
    if ((r = js_get_int(json, "id", &id, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_opt_int(json, "size", &column->column_size, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_opt_int(json, "values", &column->value_count, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_opt_int(json, "nulls", &column->null_count, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_opt_int(json, "nans", &column->nan_count, CORRIE_E_USAGE, err)) < 0) {
        return r;
    }
    column->field_id = (int)id;
    const struct field *field = schema_find_id(schema, column->field_id);
    if (!field) {
        return corrie_fail(err, CORRIE_E_USAGE, "no field %d", column->field_id);
    }
    r = read_bound(tool, json, "lower", &field->type, false, &column->lower, err);
    return r < 0 ? r : read_bound(tool, json, "upper", &field->type, true, &column->upper, err);
}

static int read_tuple(struct tool *tool, const json_t *json, const struct partition_spec *spec,
                      struct partition_value **ret, size_t *ret_n, corrie_error *err)
{
    size_t n = json_array_size(json);
    struct partition_value *tuple = arena_array(&tool->arena, struct partition_value, n + 1);

    if (!tuple) {
        return corrie_fail_memory(err);
    }
    if (n != spec->n_fields) {
        return corrie_fail(err, CORRIE_E_USAGE, "a tuple of %zu values", n);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(json, i);
        int r = json_is_null(value) ? 0
                                    : scalar_from_text(&spec->fields[i].result_type, js_str(value),
                                                       &tool->arena, &tuple[i].bytes, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = tuple;
    *ret_n = n;
    return 0;
}

/* What only files of partitioned tables and delete files have. */
static int read_more(struct tool *tool, const json_t *json, const struct table_metadata *metadata,
                     struct data_file *file, corrie_error *err)
{
    const json_t *ids = json_object_get(json, "equality");
    int64_t content = 0;
    int r;

    if ((r = js_opt_int(json, "content", &content, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_opt_str(json, "references", &file->referenced_data_file, CORRIE_E_USAGE, err)) <
            0) {
        return r;
    }
    int *numbers = arena_array(&tool->arena, int, json_array_size(ids) + 1);
    if (!numbers) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < json_array_size(ids); i++) {
        numbers[i] = (int)json_integer_value(json_array_get(ids, i));
    }
    file->equality_ids = numbers;
    file->n_equality_ids = json_array_size(ids);
    file->content = (enum file_content)content;
    file->spec_id = metadata->default_spec_id;
    return json_object_get(json, "partition")
               ? read_tuple(tool, json_object_get(json, "partition"), metadata_spec(metadata),
                            &file->partition, &file->n_partition, err)
               : 0;
}

static int read_data_file(struct tool *tool, const json_t *json, const struct schema *schema,
                          const struct table_metadata *metadata, struct data_file *file,
                          corrie_error *err)
{
    json_t *columns = NULL;
    json_t *offsets = NULL;
    int r;

    *file = (struct data_file){.format = STR("PARQUET")};
    if ((r = js_get_str(json, "path", &file->path, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_get_int(json, "records", &file->record_count, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_get_int(json, "bytes", &file->bytes, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_get_array(json, "columns", &columns, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_opt_array(json, "offsets", &offsets, CORRIE_E_USAGE, err)) < 0) {
        return r;
    }
    file->n_columns = json_array_size(columns);
    file->columns = arena_array(&tool->arena, struct column_metrics, file->n_columns);
    file->n_split_offsets = json_array_size(offsets);
    int64_t *numbers = arena_array(&tool->arena, int64_t, file->n_split_offsets);
    if (!file->columns || !numbers) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < file->n_split_offsets; i++) {
        numbers[i] = json_integer_value(json_array_get(offsets, i));
    }
    file->split_offsets = numbers;
    for (size_t i = 0; i < file->n_columns; i++) {
        r = read_column(tool, json_array_get(columns, i), schema, &file->columns[i], err);
        if (r < 0) {
            return r;
        }
    }
    return read_more(tool, json, metadata, file, err);
}

static int answer_version(struct tool *tool, const struct table_version *version, corrie_error *err)
{
    if (js_set_str(tool->answer, "location", str_of(version->location)) < 0 ||
        js_set_int(tool->answer, "records", version->records) < 0 ||
        js_set_int(tool->answer, "files", version->files) < 0 ||
        js_set_int(tool->answer, "bytes", version->bytes) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int read_paths(struct tool *tool, const char *name, struct str **ret, size_t *ret_n,
                      corrie_error *err)
{
    const json_t *json = json_object_get(tool->request, name);
    size_t n = json_array_size(json);
    struct str *paths = arena_array(&tool->arena, struct str, n + 1);

    if (!paths) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        paths[i] = js_str(json_array_get(json, i));
    }
    *ret = paths;
    *ret_n = n;
    return 0;
}

static int read_removal(struct tool *tool, const struct table_metadata *metadata,
                        struct file_removal *ret, corrie_error *err)
{
    const json_t *tuples = json_object_get(tool->request, "partitions");
    size_t n = json_array_size(tuples);
    struct partition_key *keys = arena_array(&tool->arena, struct partition_key, n + 1);
    struct str *paths = NULL;

    if (!keys) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        struct partition_value *tuple = NULL;
        int r = read_tuple(tool, json_array_get(tuples, i), metadata_spec(metadata), &tuple,
                           &keys[i].n_values, err);
        if (r < 0) {
            return r;
        }
        keys[i].spec_id = metadata->default_spec_id;
        keys[i].values = tuple;
    }
    *ret = (struct file_removal){.partitions = keys, .n_partitions = n};
    int r = read_paths(tool, "gone", &paths, &ret->n_paths, err);
    ret->paths = paths;
    return r;
}

static int merge(struct tool *tool, corrie_error *err)
{
    static const char *const names[] = {"base", "source", "metadata"};
    struct table_metadata *sides[3] = {NULL};
    _cleanup_(table_version_done) struct table_version version = {0};
    struct snapshot_merge_options options = {
        .dry_run = json_is_true(json_object_get(tool->request, "dry"))};
    struct str *skip = NULL;
    struct str location = STR_EMPTY;
    int r = read_paths(tool, "skip", &skip, &options.n_skip, err);

    options.skip = skip;
    for (size_t i = 0; r >= 0 && i < 3; i++) {
        r = js_get_str(tool->request, names[i], &location, CORRIE_E_USAGE, err);
        r = r < 0 ? r : metadata_read(&tool->io, location, &sides[i], err);
    }
    if (r >= 0) {
        r = snapshot_merge(&tool->io, sides[0], sides[1], sides[2], location, &options, NULL,
                           &version, err);
    }
    if (r >= 0 && version.location) {
        r = answer_version(tool, &version, err);
    }
    for (size_t i = 0; i < 3; i++) {
        metadata_free(sides[i]);
    }
    return r;
}

static int partition(struct tool *tool, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *base = NULL;
    _cleanup_(metadata_freep) struct table_metadata *made = NULL;
    const json_t *json = json_object_get(tool->request, "terms");
    size_t n = json_array_size(json);
    struct partition_term *terms = arena_array(&tool->arena, struct partition_term, n + 1);
    struct str location;
    int r;

    if (!terms) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *term = json_array_get(json, i);
        int64_t source = 0;
        if ((r = js_get_int(term, "source", &source, CORRIE_E_USAGE, err)) < 0 ||
            (r = js_get_str(term, "transform", &terms[i].transform, CORRIE_E_USAGE, err)) < 0 ||
            (r = js_get_str(term, "name", &terms[i].name, CORRIE_E_USAGE, err)) < 0) {
            return r;
        }
        terms[i].source_id = (int)source;
    }
    if ((r = read_metadata(tool, &location, &base, err)) < 0 ||
        (r = metadata_with_spec(base, terms, n, clock_now() / 1000000, &made, err)) < 0 ||
        (r = metadata_write(&tool->io, made, location, &tool->arena, &location, NULL, err)) < 0) {
        return r;
    }
    return js_set_str(tool->answer, "location", location);
}

/* Which of `names` a field of the request is; 0 if it is not there. */
static int choice(const json_t *json, const char *field, const char *const *names, size_t n_names)
{
    struct str text = js_str(json_object_get(json, field));

    for (size_t i = 0; i < n_names; i++) {
        if (str_eq(text, str_of(names[i]))) {
            return (int)i;
        }
    }
    return 0;
}

static int alter_columns(struct tool *tool, const struct table_metadata *base,
                         struct table_metadata **ret, corrie_error *err)
{
    static const char *const kinds[] = {
        [COLUMN_ADD] = "add",   [COLUMN_DROP] = "drop",         [COLUMN_RENAME] = "rename",
        [COLUMN_TYPE] = "type", [COLUMN_OPTIONAL] = "optional", [COLUMN_REQUIRED] = "required",
        [COLUMN_DOC] = "doc",   [COLUMN_MOVE] = "move"};
    static const char *const places[] = {"", "first", "after", "before"};
    const json_t *json = json_object_get(tool->request, "columns");
    size_t n = json_array_size(json);
    struct column_edit *edits = arena_array(&tool->arena, struct column_edit, n + 1);
    struct type *types = arena_array(&tool->arena, struct type, n + 1);

    if (!edits || !types) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        struct str *path = arena_array(&tool->arena, struct str,
                                       json_array_size(json_object_get(item, "path")) + 1);
        if (!path) {
            return corrie_fail_memory(err);
        }
        edits[i].kind = (enum column_edit_kind)choice(item, "kind", kinds, ARRAY_LEN(kinds));
        edits[i].place = (enum column_place)choice(item, "place", places, ARRAY_LEN(places));
        edits[i].n_path = json_array_size(json_object_get(item, "path"));
        for (size_t p = 0; p < edits[i].n_path; p++) {
            path[p] = js_str(json_array_get(json_object_get(item, "path"), p));
        }
        edits[i].path = path;
        edits[i].name = js_str(json_object_get(item, "name"));
        edits[i].beside = js_str(json_object_get(item, "beside"));
        edits[i].type = &types[i];
        if (json_object_get(item, "type")) {
            int r = type_from_name(js_str(json_object_get(item, "type")), &types[i], err);
            if (r < 0) {
                return r;
            }
        }
    }
    return metadata_with_columns(base, edits, n, clock_now() / 1000000, ret, err);
}

static int alter_specs(struct tool *tool, const struct table_metadata *base,
                       struct table_metadata **ret, corrie_error *err)
{
    static const char *const kinds[] = {"add", "drop", "rename"};
    const json_t *json = json_object_get(tool->request, "specs");
    size_t n = json_array_size(json);
    struct spec_edit *edits = arena_array(&tool->arena, struct spec_edit, n + 1);

    if (!edits) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        edits[i].kind = (enum spec_edit_kind)choice(item, "kind", kinds, ARRAY_LEN(kinds));
        edits[i].field = js_str(json_object_get(item, "field"));
        edits[i].term.source_id = (int)json_integer_value(json_object_get(item, "source"));
        edits[i].term.transform = js_str(json_object_get(item, "transform"));
        edits[i].term.name = js_str(json_object_get(item, "name"));
    }
    return metadata_with_spec_edits(base, edits, n, clock_now() / 1000000, ret, err);
}

static int alter(struct tool *tool, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *base = NULL;
    _cleanup_(metadata_freep) struct table_metadata *columns = NULL;
    _cleanup_(metadata_freep) struct table_metadata *made = NULL;
    struct str location;
    int r;

    if ((r = read_metadata(tool, &location, &base, err)) < 0 ||
        (r = alter_columns(tool, base, &columns, err)) < 0 ||
        (r = alter_specs(tool, columns, &made, err)) < 0 ||
        (r = metadata_write(&tool->io, made, location, &tool->arena, &location, NULL, err)) < 0) {
        return r;
    }
    return js_set_str(tool->answer, "location", location);
}

static int change(struct tool *tool, struct str op, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *base = NULL;
    _cleanup_(table_version_done) struct table_version version = {0};
    struct str location;
    json_t *json_files = NULL;
    struct schema given;
    const struct schema *schema = NULL;
    struct file_removal removal;
    int r;

    if ((r = read_metadata(tool, &location, &base, err)) < 0 ||
        (r = js_get_array(tool->request, "files", &json_files, CORRIE_E_USAGE, err)) < 0) {
        return r;
    }
    if (json_object_get(tool->request, "schema")) {
        if ((r = read_schema(tool, &given, err)) < 0) {
            return r;
        }
        schema = &given;
    }
    size_t n = json_array_size(json_files);
    struct data_file *files = arena_array(&tool->arena, struct data_file, n + 1);
    if (!files) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        r = read_data_file(tool, json_array_get(json_files, i),
                           schema ? schema : metadata_schema(base), base, &files[i], err);
        if (r < 0) {
            return r;
        }
    }
    if (str_eq(op, STR("replace"))) {
        r = snapshot_replace(&tool->io, base, location, schema, files, n, NULL, &version, err);
    } else if (str_eq(op, STR("overwrite"))) {
        r = read_removal(tool, base, &removal, err);
        r = r < 0 ? r
                  : snapshot_overwrite(&tool->io, base, location, schema, files, n, &removal, NULL,
                                       &version, err);
    } else if (str_eq(op, STR("delta"))) {
        r = snapshot_row_delta(&tool->io, base, location, files, n, NULL, &version, err);
    } else {
        r = snapshot_append(&tool->io, base, location, schema, files, n, NULL, &version, err);
    }
    return r < 0 ? r : answer_version(tool, &version, err);
}

static int read_predicates(struct tool *tool, const struct schema *schema, struct predicate **ret,
                           size_t *ret_n, corrie_error *err)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "is null", "is not null"};
    json_t *json = json_object_get(tool->request, "predicates");
    size_t n = json_array_size(json);
    struct predicate *predicates = arena_array(&tool->arena, struct predicate, n + 1);

    if (!predicates) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        struct str name = js_str(json_object_get(item, "field"));
        struct str op = js_str(json_object_get(item, "op"));
        const struct field *field = schema_find(schema, name);
        if (!field) {
            return corrie_fail(err, CORRIE_E_USAGE, "no field %.*s", STR_FMT(name));
        }
        predicates[i].field_id = field->id;
        for (size_t o = 0; o < ARRAY_LEN(ops); o++) {
            if (str_eq(op, str_of(ops[o]))) {
                predicates[i].op = (enum predicate_op)o;
            }
        }
        if (json_object_get(item, "text")) {
            int r = scalar_from_text(&field->type, js_str(json_object_get(item, "text")),
                                     &tool->arena, &predicates[i].value, err);
            if (r < 0) {
                return r;
            }
        }
    }
    *ret = predicates;
    *ret_n = n;
    return 0;
}

/* The tuple as texts, null for null. */
static json_t *partition_of(const struct partition_spec *spec, const struct data_file *file,
                            corrie_error *err)
{
    json_t *tuple = json_array();

    for (size_t i = 0; i < file->n_partition; i++) {
        _cleanup_(buf_done) struct buf text = {0};
        struct str bytes = file->partition[i].bytes;
        if (!bytes.data) {
            json_array_append_new(tuple, json_null());
        } else if (scalar_print(&spec->fields[i].result_type, bytes, &text, err) >= 0) {
            json_array_append_new(tuple, js_string(buf_str(&text)));
        }
    }
    return tuple;
}

/* Paths of the delete files that apply to the i-th file. */
static json_t *deletes_of(const struct scan *scan, size_t i)
{
    json_t *paths = json_array();

    for (size_t d = 0; scan->deletes && d < scan->deletes[i].n_positions; d++) {
        json_array_append_new(paths, js_string(scan->deletes[i].positions[d]->path));
    }
    for (size_t d = 0; scan->deletes && d < scan->deletes[i].n_equalities; d++) {
        json_array_append_new(paths, js_string(scan->deletes[i].equalities[d]->path));
    }
    return paths;
}

static int plan(struct tool *tool, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct predicate *predicates = NULL;
    size_t n_predicates = 0;
    struct str location;
    struct scan scan;
    json_t *files = json_array();
    int r;

    if ((r = js_set(tool->answer, "files", files)) < 0 ||
        (r = read_metadata(tool, &location, &metadata, err)) < 0 ||
        (r = read_predicates(tool, metadata_schema(metadata), &predicates, &n_predicates, err)) <
            0 ||
        (r = scan_plan(&tool->io, metadata, NULL, predicates, n_predicates, &tool->arena, &scan,
                       err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < scan.n_files; i++) {
        const struct data_file *file = &scan.files[i];
        json_t *json = json_object();
        json_array_append_new(files, json);
        if ((r = js_set_str(json, "path", file->path)) < 0 ||
            (r = js_set_int(json, "records", file->record_count)) < 0 ||
            (r = js_set_int(json, "bytes", file->bytes)) < 0 ||
            (r = js_set_int(json, "sequence", file->file_sequence_number)) < 0 ||
            (r = js_set_int(json, "columns", (int64_t)file->n_columns)) < 0 ||
            (r = js_set(json, "deletes", deletes_of(&scan, i))) < 0 ||
            (r = js_set(json, "partition",
                        partition_of(metadata_spec_by_id(metadata, file->spec_id), file, err))) <
                0) {
            return r;
        }
    }
    if ((r = js_set_int(tool->answer, "pruned", (int64_t)scan.n_pruned)) < 0) {
        return r;
    }
    return answer_schema(tool, metadata_schema(metadata), err);
}

static int run(struct tool *tool, corrie_error *err)
{
    struct str root;
    struct str op;
    int r;

    if ((r = js_get_str(tool->request, "root", &root, CORRIE_E_USAGE, err)) < 0 ||
        (r = js_get_str(tool->request, "op", &op, CORRIE_E_USAGE, err)) < 0 ||
        (r = store_open(root, &tool->store, err)) < 0 ||
        (r = location_of_store(tool->store, &tool->arena, &tool->io.root, err)) < 0) {
        return r;
    }
    tool->io.store = tool->store;
    if (str_eq(op, STR("create"))) {
        return create(tool, err);
    }
    if (str_eq(op, STR("schema"))) {
        return replacement(tool, err);
    }
    if (str_eq(op, STR("merge"))) {
        return merge(tool, err);
    }
    if (str_eq(op, STR("partition"))) {
        return partition(tool, err);
    }
    if (str_eq(op, STR("alter"))) {
        return alter(tool, err);
    }
    if (str_eq(op, STR("append")) || str_eq(op, STR("replace")) || str_eq(op, STR("overwrite")) ||
        str_eq(op, STR("delta"))) {
        return change(tool, op, err);
    }
    return str_eq(op, STR("plan")) ? plan(tool, err)
                                   : corrie_fail(err, CORRIE_E_USAGE, "which op?");
}

int main(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf in = {0};
    _cleanup_(buf_done) struct buf out = {0};
    struct tool tool = {0};
    char piece[4096];
    size_t n;

    while ((n = fread(piece, 1, sizeof piece, stdin)) > 0) {
        buf_add(&in, piece, n);
    }
    int r = js_parse(buf_str(&in), "the request", &tool.request, &err);
    tool.answer = json_object();
    if (r >= 0) {
        r = run(&tool, &err);
    }
    if (r < 0) {
        fprintf(stderr, "%s: %s\n", corrie_code_name(r), corrie_error_message(&err));
    } else if ((r = js_format(tool.answer, 0, &out, &err)) >= 0) {
        puts(buf_text(&out));
    }
    json_decref(tool.request);
    json_decref(tool.answer);
    store_close(tool.store);
    arena_done(&tool.arena);
    return r < 0;
}
