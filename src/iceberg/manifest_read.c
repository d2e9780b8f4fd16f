/* manifest_read.c — manifest lists and manifests from bytes. */
#include <stdlib.h>

#include "base/limits.h"
#include "iceberg/avro.h"
#include "iceberg/manifest.h"

void manifest_list_done(struct manifest_list *list)
{
    vec_done(list);
}

void manifest_entries_done(struct manifest_entries *entries)
{
    vec_done(entries);
}

struct known_field {
    const char *name;
    int id;
};

/* The field's id; by name where the writer left ids out (Iceberg spec, "Manifests"). */
static int field_id(const struct avro_field *field, const struct known_field *known, size_t n_known)
{
    if (field->id >= 0) {
        return field->id;
    }
    for (size_t i = 0; i < n_known; i++) {
        if (str_eq(field->name, str_of(known[i].name))) {
            return known[i].id;
        }
    }
    return -1;
}

/* Copies lent text into the arena; a failure is found by the cursor's check. */
static void keep(struct avro_cursor *cursor, struct arena *arena, struct str text, struct str *ret)
{
    if (arena_str(arena, text, ret) < 0) {
        avro_cursor_fail(cursor, avro_out_of_memory);
    }
}

static void get_text(struct avro_cursor *cursor, const struct avro_type *type, struct arena *arena,
                     struct str *ret)
{
    struct str text;
    if (avro_get_bytes(cursor, type, &text)) {
        keep(cursor, arena, text, ret);
    }
}

static void get_int(struct avro_cursor *cursor, const struct avro_type *type, int *ret)
{
    int64_t value;
    if (!avro_get_long(cursor, type, &value)) {
        return;
    }
    if (value < INT32_MIN || value > INT32_MAX) {
        avro_cursor_fail(cursor, "an id has more than 32 bits");
        return;
    }
    *ret = (int)value;
}

/* A count or size: not negative. */
static void get_count(struct avro_cursor *cursor, const struct avro_type *type, int64_t *ret)
{
    int64_t value;
    if (!avro_get_long(cursor, type, &value)) {
        return;
    }
    if (value < 0) {
        avro_cursor_fail(cursor, "a count is negative");
        return;
    }
    *ret = value;
}

/* A number of files is an int. */
static void get_file_count(struct avro_cursor *cursor, const struct avro_type *type, int64_t *ret)
{
    int64_t value = FILE_UNKNOWN;

    get_count(cursor, type, &value);
    if (value > INT32_MAX) {
        avro_cursor_fail(cursor, "a number of files has more than 32 bits");
        return;
    }
    *ret = value;
}

/* ---- manifest lists ---- */

static const struct known_field list_fields[] = {
    {"manifest_path", 500},
    {"manifest_length", 501},
    {"partition_spec_id", 502},
    {"added_snapshot_id", 503},
    {"added_files_count", 504},
    {"existing_files_count", 505},
    {"deleted_files_count", 506},
    {"partitions", 507},
    {"added_rows_count", 512},
    {"existing_rows_count", 513},
    {"deleted_rows_count", 514},
    {"sequence_number", 515},
    {"min_sequence_number", 516},
    {"content", 517},
    {"key_metadata", 519},
    {"added_data_files_count", 504},
    {"existing_data_files_count", 505},
    {"deleted_data_files_count", 506},
};
static const struct known_field summary_fields[] = {{"contains_null", 509},
                                                    {"lower_bound", 510},
                                                    {"upper_bound", 511},
                                                    {"contains_nan", 518}};

static void read_summary(struct avro_cursor *cursor, const struct avro_type *type,
                         struct arena *arena, struct field_summary *summary)
{
    bool flag = false;

    *summary = (struct field_summary){.contains_nan = -1, .contains_null = true};
    type = avro_enter_kind(cursor, type, AVRO_RECORD);
    for (size_t i = 0; type && i < type->n_fields && avro_cursor_ok(cursor); i++) {
        const struct avro_type *field = type->fields[i].type;
        switch (field_id(&type->fields[i], summary_fields, ARRAY_LEN(summary_fields))) {
        case 509:
            avro_get_bool(cursor, field, &summary->contains_null);
            break;
        case 518:
            if (avro_get_bool(cursor, field, &flag)) {
                summary->contains_nan = flag;
            }
            break;
        case 510:
            get_text(cursor, field, arena, &summary->lower);
            break;
        case 511:
            get_text(cursor, field, arena, &summary->upper);
            break;
        default:
            avro_skip(cursor, field);
        }
    }
}

static void read_summaries(struct avro_cursor *cursor, const struct avro_type *type,
                           struct arena *arena, struct manifest_file *file)
{
    struct avro_items items = {0};
    size_t capacity = 0;

    type = avro_enter_kind(cursor, type, AVRO_ARRAY);
    if (!type) {
        return;
    }
    file->has_partitions = true;
    while (avro_next(cursor, &items)) {
        if (file->n_partitions == CORRIE_MAX_PARTITION_FIELDS) {
            avro_cursor_fail(cursor, "too many partition fields");
            return;
        }
        if (file->n_partitions == capacity) { /* few: an arena's waste does not matter */
            capacity = capacity ? capacity * 2 : 4;
            struct field_summary *grown = arena_array(arena, struct field_summary, capacity);
            if (!grown) {
                avro_cursor_fail(cursor, avro_out_of_memory);
                return;
            }
            for (size_t i = 0; i < file->n_partitions; i++) {
                grown[i] = file->partitions[i];
            }
            file->partitions = grown;
        }
        read_summary(cursor, type->parts[0], arena, &file->partitions[file->n_partitions++]);
    }
}

static void read_content(struct avro_cursor *cursor, const struct avro_type *type, int max,
                         int *ret)
{
    int value = 0;
    get_int(cursor, type, &value);
    if (value < 0 || value > max) {
        avro_cursor_fail(cursor, "an unknown kind of content");
        return;
    }
    *ret = value;
}

static void read_manifest_field(struct avro_cursor *cursor, const struct avro_field *avro,
                                struct arena *arena, struct manifest_file *file)
{
    const struct avro_type *type = avro->type;
    int content = MANIFEST_DATA;

    switch (field_id(avro, list_fields, ARRAY_LEN(list_fields))) {
    case 500:
        get_text(cursor, type, arena, &file->path);
        break;
    case 501:
        get_count(cursor, type, &file->length);
        break;
    case 502:
        get_int(cursor, type, &file->spec_id);
        break;
    case 503:
        avro_get_long(cursor, type, &file->added_snapshot_id);
        break;
    case 504:
        get_file_count(cursor, type, &file->added.files);
        break;
    case 505:
        get_file_count(cursor, type, &file->existing.files);
        break;
    case 506:
        get_file_count(cursor, type, &file->deleted.files);
        break;
    case 507:
        read_summaries(cursor, type, arena, file);
        break;
    case 512:
        get_count(cursor, type, &file->added.rows);
        break;
    case 513:
        get_count(cursor, type, &file->existing.rows);
        break;
    case 514:
        get_count(cursor, type, &file->deleted.rows);
        break;
    case 515:
        avro_get_long(cursor, type, &file->sequence_number);
        break;
    case 516:
        avro_get_long(cursor, type, &file->min_sequence_number);
        break;
    case 517:
        read_content(cursor, type, MANIFEST_DELETES, &content);
        file->content = (enum manifest_content)content;
        break;
    case 519:
        get_text(cursor, type, arena, &file->key_metadata);
        break;
    default:
        avro_skip(cursor, type);
    }
}

struct list_reader {
    struct arena *arena;
    struct manifest_list *list;
    const char *what;
};

static int read_manifest_file(void *arg, struct avro_cursor *cursor, const struct avro_type *type,
                              corrie_error *err)
{
    struct list_reader *reader = arg;
    const struct manifest_counts unknown = {FILE_UNKNOWN, FILE_UNKNOWN};
    struct manifest_file file = {.length = FILE_UNKNOWN,
                                 .added_snapshot_id = SNAPSHOT_NONE,
                                 .added = unknown,
                                 .existing = unknown,
                                 .deleted = unknown};

    type = avro_enter_kind(cursor, type, AVRO_RECORD);
    for (size_t i = 0; type && i < type->n_fields && avro_cursor_ok(cursor); i++) {
        read_manifest_field(cursor, &type->fields[i], reader->arena, &file);
    }
    if (!avro_cursor_ok(cursor)) {
        return 0;
    }
    if (file.path.len == 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "%s: a manifest without a path", reader->what);
    }
    if (reader->list->count >= CORRIE_MAX_MANIFESTS) {
        return corrie_fail(err, CORRIE_E_LIMIT, "%s: more than %d manifests", reader->what,
                           CORRIE_MAX_MANIFESTS);
    }
    if (vec_push(reader->list, file) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int manifest_list_decode(struct str bytes, const char *what, struct arena *arena,
                         struct manifest_list *list, corrie_error *err)
{
    struct avro_file file;
    struct list_reader reader = {.arena = arena, .list = list, .what = what};

    int r = avro_file_open(bytes, what, arena, &file, err);
    if (r < 0) {
        return r;
    }
    return avro_file_each(&file, read_manifest_file, &reader, err);
}

/* ---- manifests ---- */

static const struct known_field entry_fields[] = {
    {"status", 0},          {"snapshot_id", 1},          {"data_file", 2},
    {"sequence_number", 3}, {"data_sequence_number", 3}, {"file_sequence_number", 4}};
static const struct known_field file_fields[] = {
    {"file_path", 100},     {"file_format", 101},          {"partition", 102},
    {"record_count", 103},  {"file_size_in_bytes", 104},   {"column_sizes", 108},
    {"value_counts", 109},  {"null_value_counts", 110},    {"lower_bounds", 125},
    {"upper_bounds", 128},  {"key_metadata", 131},         {"split_offsets", 132},
    {"content", 134},       {"equality_ids", 135},         {"nan_value_counts", 137},
    {"sort_order_id", 140}, {"referenced_data_file", 143},
};

/* One entry of one of the metric maps. */
struct metric {
    int column;
    int map; /* the map's field id */
    int64_t number;
    struct str bytes;
};

struct metric_list {
    struct metric *items;
    size_t count;
    size_t capacity;
};

struct entry_reader {
    struct arena *arena;
    struct manifest_entries *entries;
    struct metric_list metrics; /* of the entry being read */
    const struct manifest_file *parent;
    const struct partition_spec *spec;
    const char *what;
};

static int compare_metrics(const void *a, const void *b)
{
    const struct metric *x = a;
    const struct metric *y = b;
    return x->column < y->column ? -1 : x->column > y->column;
}

/* Maps with whole-number keys: an array of {key, value} records. */
static void read_metric_map(struct avro_cursor *cursor, const struct avro_type *type, int map,
                            struct entry_reader *reader)
{
    struct avro_items items = {0};
    bool is_bytes = map == 125 || map == 128;

    type = avro_enter_kind(cursor, type, AVRO_ARRAY);
    while (type && avro_next(cursor, &items)) {
        struct metric metric = {.column = -1, .map = map, .number = FILE_UNKNOWN};
        const struct avro_type *pair = avro_enter_kind(cursor, type->parts[0], AVRO_RECORD);
        for (size_t i = 0; pair && i < pair->n_fields && avro_cursor_ok(cursor); i++) {
            if (str_eq(pair->fields[i].name, STR("key"))) {
                get_int(cursor, pair->fields[i].type, &metric.column);
            } else if (!str_eq(pair->fields[i].name, STR("value"))) {
                avro_skip(cursor, pair->fields[i].type);
            } else if (is_bytes) {
                get_text(cursor, pair->fields[i].type, reader->arena, &metric.bytes);
            } else {
                avro_get_long(cursor, pair->fields[i].type, &metric.number);
            }
        }
        if (metric.column >= 0 && avro_cursor_ok(cursor) &&
            vec_push(&reader->metrics, metric) < 0) {
            avro_cursor_fail(cursor, avro_out_of_memory);
        }
    }
}

/* Gathers the maps' entries by column. Negative counts, which Java writes for "unknown", stay unknown. */
static void fold_metrics(struct avro_cursor *cursor, struct entry_reader *reader,
                         struct data_file *file)
{
    struct metric_list *metrics = &reader->metrics;
    size_t n_columns = 0;

    if (metrics->count == 0 || !avro_cursor_ok(cursor)) {
        return;
    }
    qsort(metrics->items, metrics->count, sizeof *metrics->items, compare_metrics);
    for (size_t i = 0; i < metrics->count; i++) {
        n_columns += i == 0 || metrics->items[i].column != metrics->items[i - 1].column;
    }
    file->columns = arena_array(reader->arena, struct column_metrics, n_columns);
    if (!file->columns) {
        avro_cursor_fail(cursor, avro_out_of_memory);
        return;
    }
    struct column_metrics *column = NULL;
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *metric = &metrics->items[i];
        if (!column || column->field_id != metric->column) {
            column = &file->columns[file->n_columns++];
            *column =
                (struct column_metrics){metric->column, FILE_UNKNOWN, FILE_UNKNOWN, FILE_UNKNOWN,
                                        FILE_UNKNOWN,   {NULL, 0},    {NULL, 0}};
        }
        int64_t number = metric->number < 0 ? FILE_UNKNOWN : metric->number;
        switch (metric->map) {
        case 108:
            column->column_size = number;
            break;
        case 109:
            column->value_count = number;
            break;
        case 110:
            column->null_count = number;
            break;
        case 137:
            column->nan_count = number;
            break;
        case 125:
            column->lower = metric->bytes;
            break;
        default:
            column->upper = metric->bytes;
        }
    }
}

static size_t tuple_position(const struct partition_spec *spec, const struct avro_field *field,
                             size_t position)
{
    if (!spec || field->id < 0) {
        return position;
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (spec->fields[i].field_id == field->id) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void read_partition(struct avro_cursor *cursor, const struct avro_type *type,
                           struct entry_reader *reader, struct data_file *file)
{
    type = avro_enter_kind(cursor, type, AVRO_RECORD);
    if (!type) {
        return;
    }
    size_t n = reader->spec ? reader->spec->n_fields : type->n_fields;
    if (n > CORRIE_MAX_PARTITION_FIELDS) {
        avro_cursor_fail(cursor, "too many partition fields");
        return;
    }
    file->partition = n ? arena_array(reader->arena, struct partition_value, n) : NULL;
    if (n > 0 && !file->partition) {
        avro_cursor_fail(cursor, avro_out_of_memory);
        return;
    }
    file->n_partition = n;
    size_t n_read = 0;
    for (size_t i = 0; i < type->n_fields && avro_cursor_ok(cursor); i++) {
        size_t at = tuple_position(reader->spec, &type->fields[i], i);
        n_read += at < n;
        if (at >= n) {
            avro_skip(cursor, type->fields[i].type);
        } else if (!partition_value_decode(cursor, type->fields[i].type, reader->arena,
                                           &file->partition[at].bytes)) {
            avro_cursor_fail(cursor, avro_out_of_memory);
        }
    }
    if (n_read < n) { /* as null it would be looked for where it is not */
        avro_cursor_fail(cursor, "a partition lacks a field of its spec");
    }
}

/* A list of whole numbers, int or long. */
static int64_t *read_longs(struct avro_cursor *cursor, const struct avro_type *type,
                           struct arena *arena, size_t *ret_n)
{
    VEC(int64_t) numbers = {0};
    struct avro_items items = {0};
    int64_t *kept = NULL;

    type = avro_enter_kind(cursor, type, AVRO_ARRAY);
    while (type && avro_next(cursor, &items)) {
        int64_t number = 0;
        avro_get_long(cursor, type->parts[0], &number);
        if (avro_cursor_ok(cursor) && vec_push(&numbers, number) < 0) {
            avro_cursor_fail(cursor, avro_out_of_memory);
        }
    }
    if (numbers.count > 0 && avro_cursor_ok(cursor)) {
        kept = arena_array(arena, int64_t, numbers.count);
        if (kept) {
            memcpy(kept, numbers.items, numbers.count * sizeof *kept);
            *ret_n = numbers.count;
        } else {
            avro_cursor_fail(cursor, avro_out_of_memory);
        }
    }
    vec_done(&numbers);
    return kept;
}

static void read_equality_ids(struct avro_cursor *cursor, const struct avro_type *type,
                              struct arena *arena, struct data_file *file)
{
    size_t n = 0;
    const int64_t *ids = read_longs(cursor, type, arena, &n);
    int *narrow = n ? arena_array(arena, int, n) : NULL;

    if (n > 0 && !narrow) {
        avro_cursor_fail(cursor, avro_out_of_memory);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] > INT32_MAX) {
            avro_cursor_fail(cursor, "an id has more than 32 bits");
            return;
        }
        narrow[i] = (int)ids[i];
    }
    file->equality_ids = narrow;
    file->n_equality_ids = n;
}

static void read_file_field(struct avro_cursor *cursor, const struct avro_field *avro,
                            struct entry_reader *reader, struct data_file *file)
{
    const struct avro_type *type = avro->type;
    int id = field_id(avro, file_fields, ARRAY_LEN(file_fields));
    int content = FILE_CONTENT_DATA;
    int64_t number;

    switch (id) {
    case 100:
        get_text(cursor, type, reader->arena, &file->path);
        break;
    case 101:
        get_text(cursor, type, reader->arena, &file->format);
        break;
    case 102:
        read_partition(cursor, type, reader, file);
        break;
    case 103:
        get_count(cursor, type, &file->record_count);
        break;
    case 104:
        get_count(cursor, type, &file->bytes);
        break;
    case 108:
    case 109:
    case 110:
    case 125:
    case 128:
    case 137:
        read_metric_map(cursor, type, id, reader);
        break;
    case 131:
        get_text(cursor, type, reader->arena, &file->key_metadata);
        break;
    case 132:
        file->split_offsets = read_longs(cursor, type, reader->arena, &file->n_split_offsets);
        break;
    case 134:
        read_content(cursor, type, FILE_CONTENT_EQUALITY_DELETES, &content);
        file->content = (enum file_content)content;
        break;
    case 135:
        read_equality_ids(cursor, type, reader->arena, file);
        break;
    case 140:
        if (avro_get_long(cursor, type, &number) && number >= 0 && number <= INT32_MAX) {
            file->has_sort_order = true;
            file->sort_order_id = (int)number;
        }
        break;
    case 143:
        get_text(cursor, type, reader->arena, &file->referenced_data_file);
        break;
    default:
        avro_skip(cursor, type);
    }
}

static void read_file(struct avro_cursor *cursor, const struct avro_type *type,
                      struct entry_reader *reader, struct data_file *file)
{
    type = avro_enter_kind(cursor, type, AVRO_RECORD);
    for (size_t i = 0; type && i < type->n_fields && avro_cursor_ok(cursor); i++) {
        read_file_field(cursor, &type->fields[i], reader, file);
    }
    fold_metrics(cursor, reader, file);
}

static void read_entry_fields(struct avro_cursor *cursor, const struct avro_type *type,
                              struct entry_reader *reader, struct manifest_entry *entry)
{
    int status = -1;

    type = avro_enter_kind(cursor, type, AVRO_RECORD);
    for (size_t i = 0; type && i < type->n_fields && avro_cursor_ok(cursor); i++) {
        const struct avro_type *field = type->fields[i].type;
        switch (field_id(&type->fields[i], entry_fields, ARRAY_LEN(entry_fields))) {
        case 0:
            get_int(cursor, field, &status);
            break;
        case 1:
            avro_get_long(cursor, field, &entry->file.snapshot_id);
            break;
        case 2:
            read_file(cursor, field, reader, &entry->file);
            break;
        case 3:
            avro_get_long(cursor, field, &entry->file.sequence_number);
            break;
        case 4:
            avro_get_long(cursor, field, &entry->file.file_sequence_number);
            break;
        default:
            avro_skip(cursor, field);
        }
    }
    if (status < ENTRY_EXISTING || status > ENTRY_DELETED) {
        avro_cursor_fail(cursor, "an entry has no known status");
        return;
    }
    entry->status = (enum entry_status)status;
}

/* Iceberg spec, "Sequence Number Inheritance"; manifests of version 1 have sequence number 0. */
static int inherit(const struct manifest_file *parent, struct manifest_entry *entry,
                   const char *what, corrie_error *err)
{
    struct data_file *file = &entry->file;
    bool may = entry->status == ENTRY_ADDED || parent->sequence_number == 0;

    if (file->snapshot_id == SNAPSHOT_NONE) {
        file->snapshot_id = parent->added_snapshot_id;
    }
    if (entry->status == ENTRY_DELETED) {
        return 0;
    }
    if (!may && (file->sequence_number < 0 || file->file_sequence_number < 0)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "%s: existing file '%.*s' has no sequence number",
                           what, STR_FMT(file->path));
    }
    if (file->sequence_number < 0) {
        file->sequence_number = parent->sequence_number;
    }
    if (file->file_sequence_number < 0) {
        file->file_sequence_number = parent->sequence_number;
    }
    return 0;
}

static int read_entry(void *arg, struct avro_cursor *cursor, const struct avro_type *type,
                      corrie_error *err)
{
    struct entry_reader *reader = arg;
    struct manifest_entry entry = {.file = {.record_count = FILE_UNKNOWN,
                                            .bytes = FILE_UNKNOWN,
                                            .snapshot_id = SNAPSHOT_NONE,
                                            .sequence_number = FILE_UNKNOWN,
                                            .file_sequence_number = FILE_UNKNOWN,
                                            .spec_id = reader->parent->spec_id}};

    reader->metrics.count = 0;
    read_entry_fields(cursor, type, reader, &entry);
    if (!avro_cursor_ok(cursor)) {
        return 0;
    }
    if (entry.file.path.len == 0 || entry.file.record_count < 0 || entry.file.bytes < 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "%s: an entry lacks its path, record count or size", reader->what);
    }
    bool deletes = entry.file.content != FILE_CONTENT_DATA;
    if (deletes != (reader->parent->content == MANIFEST_DELETES)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "%s: '%.*s' is a %s file in a manifest of %s",
                           reader->what, STR_FMT(entry.file.path), deletes ? "delete" : "data",
                           deletes ? "data files" : "delete files");
    }
    int r = inherit(reader->parent, &entry, reader->what, err);
    if (r < 0) {
        return r;
    }
    if (vec_push(reader->entries, entry) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int manifest_decode(struct str bytes, const char *what, const struct manifest_file *parent,
                    const struct partition_spec *spec, struct arena *arena,
                    struct manifest_entries *entries, corrie_error *err)
{
    struct avro_file file;
    struct entry_reader reader = {
        .arena = arena, .entries = entries, .parent = parent, .spec = spec, .what = what};

    int r = avro_file_open(bytes, what, arena, &file, err);
    if (r < 0) {
        return r;
    }
    r = avro_file_each(&file, read_entry, &reader, err);
    vec_done(&reader.metrics);
    return r;
}
