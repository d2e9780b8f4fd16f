/* Manifests: losing a metric costs speed, a path or a sequence number costs rows. */
#include "fixture.h"
#include "iceberg/manifest.h"

#include "iceberg/avro.h"

/* Iceberg's test vectors of single values and their places in tuples */
static struct partition_field tuple_fields[] = {
    {1, 1000, {"b", 1}, {"identity", 8}, {.kind = TYPE_BOOLEAN}},
    {2, 1001, {"i", 1}, {"bucket[16]", 10}, {.kind = TYPE_INT}},
    {3, 1002, {"l", 1}, {"identity", 8}, {.kind = TYPE_LONG}},
    {4, 1003, {"f", 1}, {"identity", 8}, {.kind = TYPE_FLOAT}},
    {5, 1004, {"d", 1}, {"identity", 8}, {.kind = TYPE_DOUBLE}},
    {6, 1005, {"ts_day", 6}, {"day", 3}, {.kind = TYPE_DATE}},
    {7, 1006, {"ts", 2}, {"identity", 8}, {.kind = TYPE_TIMESTAMPTZ}},
    {8, 1007, {"s", 1}, {"truncate[3]", 11}, {.kind = TYPE_STRING}},
    {9, 1008, {"u", 1}, {"identity", 8}, {.kind = TYPE_UUID}},
    {10, 1009, {"fx", 2}, {"identity", 8}, {.kind = TYPE_FIXED, .length = 2}},
    {11, 1010, {"bin", 3}, {"identity", 8}, {.kind = TYPE_BINARY}},
    {12, 1011, {"dec", 3}, {"identity", 8}, {.kind = TYPE_DECIMAL, .precision = 9, .scale = 2}},
    {13,
     1012,
     {"dec wide\xc3\xa9", 10},
     {"identity", 8},
     {.kind = TYPE_DECIMAL, .precision = 38, .scale = 2}},
    {14, 1013, {"t", 1}, {"identity", 8}, {.kind = TYPE_TIME}},
};
static const struct partition_spec tuple_spec = {3, tuple_fields, ARRAY_LEN(tuple_fields)};
static struct partition_value tuple_values[] = {
    {{"\x01", 1}},
    {{"\xfe\xff\xff\xff", 4}},
    {{"\x22\0\0\0\0\0\0\0", 8}},
    {{"\0\0\x90\xc0", 4}},
    {{"\0\0\0\0\0\0\x18\xc0", 8}},
    {{"\xe8\x03\0\0", 4}},
    {{"\x80\x1a\x06\0\0\0\0\0", 8}},
    {{"ABC", 3}},
    {{"\xf7\x9c\x3e\x09\x67\x7c\x4b\xbd\xa4\x79\x3f\x34\x9c\xb7\x85\xe7", 16}},
    {{"ab", 2}},
    {{"Z", 1}},
    {{"\x30\x39", 2}}, /* 123.45 */
    {{"\xcf\xc7", 2}}, /* −123.45 */
    {{"\x10\x27\0\0\0\0\0\0", 8}},
};

static struct manifest_entry full_entry(struct fixture *f)
{
    struct manifest_entry entry = {.status = ENTRY_ADDED,
                                   .file = file_of(f, "a.parquet", 10, -5, 99)};
    entry.file.partition = tuple_values;
    entry.file.n_partition = ARRAY_LEN(tuple_values);
    entry.file.spec_id = 3;
    entry.file.has_sort_order = true;
    entry.file.sort_order_id = 7;
    entry.file.sequence_number = FILE_UNKNOWN;
    entry.file.file_sequence_number = FILE_UNKNOWN;
    entry.file.key_metadata = STR("\0key");
    return entry;
}

static void same_file(const struct data_file *a, const struct data_file *b)
{
    ck_str_eq(a->path, b->path);
    ck_str_eq(a->format, b->format);
    ck_assert_int_eq(a->content, b->content);
    ck_assert_int_eq(a->record_count, b->record_count);
    ck_assert_int_eq(a->bytes, b->bytes);
    ck_assert_uint_eq(a->n_columns, b->n_columns);
    for (size_t i = 0; i < a->n_columns; i++) {
        ck_assert_int_eq(a->columns[i].field_id, b->columns[i].field_id);
        ck_assert_int_eq(a->columns[i].column_size, b->columns[i].column_size);
        ck_assert_int_eq(a->columns[i].value_count, b->columns[i].value_count);
        ck_assert_int_eq(a->columns[i].null_count, b->columns[i].null_count);
        ck_assert_int_eq(a->columns[i].nan_count, b->columns[i].nan_count);
        ck_assert_int_eq(!a->columns[i].lower.data, !b->columns[i].lower.data);
        ck_str_eq(a->columns[i].lower, b->columns[i].lower);
        ck_assert_int_eq(!a->columns[i].upper.data, !b->columns[i].upper.data);
        ck_str_eq(a->columns[i].upper, b->columns[i].upper);
    }
    ck_assert_uint_eq(a->n_split_offsets, b->n_split_offsets);
    for (size_t i = 0; i < a->n_split_offsets; i++) {
        ck_assert_int_eq(a->split_offsets[i], b->split_offsets[i]);
    }
    ck_assert_uint_eq(a->n_partition, b->n_partition);
    for (size_t i = 0; i < a->n_partition; i++) {
        ck_assert_int_eq(!a->partition[i].bytes.data, !b->partition[i].bytes.data);
        ck_str_eq(a->partition[i].bytes, b->partition[i].bytes);
    }
    ck_assert_int_eq(a->has_sort_order, b->has_sort_order);
    ck_assert_int_eq(a->sort_order_id, b->sort_order_id);
    ck_assert_uint_eq(a->n_equality_ids, b->n_equality_ids);
    for (size_t i = 0; i < a->n_equality_ids; i++) {
        ck_assert_int_eq(a->equality_ids[i], b->equality_ids[i]);
    }
    ck_str_eq(a->referenced_data_file, b->referenced_data_file);
    ck_str_eq(a->key_metadata, b->key_metadata);
}

static struct manifest_spec how_of(const struct schema *schema, const struct partition_spec *spec)
{
    return (struct manifest_spec){
        .schema = schema, .spec = spec, .snapshot_id = 77, .sequence_number = 5};
}

START_TEST(entries_come_back_as_written)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries read = {0};
    FIXTURE(f);
    struct manifest_entry entries[] = {full_entry(&f), full_entry(&f), full_entry(&f)};
    struct partition_value nulls[ARRAY_LEN(tuple_values)] = {{{NULL, 0}}};
    struct manifest_spec how = how_of(&people, &tuple_spec);
    struct manifest_file file;

    entries[1].status = ENTRY_EXISTING;
    entries[1].file.snapshot_id = 12;
    entries[1].file.sequence_number = 2;
    entries[1].file.file_sequence_number = 3;
    entries[1].file.partition = nulls;
    entries[1].file.columns = NULL; /* nothing known */
    entries[1].file.n_columns = 0;
    entries[1].file.n_split_offsets = 0;
    entries[1].file.has_sort_order = false;
    entries[1].file.sort_order_id = 0;
    entries[2].status = ENTRY_DELETED;
    entries[2].file.sequence_number = 1;
    entries[2].file.file_sequence_number = 1;

    ck_ok(manifest_encode(&how, entries, 3, &f.arena, &file, &out, &err), &err);
    ck_assert_int_eq(file.length, (int64_t)out.len);
    ck_assert_int_eq(file.added.files, 1);
    ck_assert_int_eq(file.added.rows, 10);
    ck_assert_int_eq(file.existing.files, 1);
    ck_assert_int_eq(file.deleted.files, 1);
    ck_assert_int_eq(file.min_sequence_number, 2);
    ck_assert_uint_eq(file.n_partitions, ARRAY_LEN(tuple_values));
    ck_assert(file.partitions[7].contains_null);
    ck_assert_int_eq(file.partitions[4].contains_nan, 0);
    ck_str_eq(file.partitions[7].lower, STR("ABC"));

    ck_ok(manifest_decode(buf_str(&out), "m", &file, &tuple_spec, &f.arena, &read, &err), &err);
    ck_assert_uint_eq(read.count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(read.items[i].status, entries[i].status);
        same_file(&read.items[i].file, &entries[i].file);
        ck_assert_int_eq(read.items[i].file.spec_id, 3);
    }
    /* inherited */
    ck_assert_int_eq(read.items[0].file.snapshot_id, 77);
    ck_assert_int_eq(read.items[0].file.sequence_number, 5);
    ck_assert_int_eq(read.items[0].file.file_sequence_number, 5);
    /* kept */
    ck_assert_int_eq(read.items[1].file.snapshot_id, 12);
    ck_assert_int_eq(read.items[1].file.sequence_number, 2);
    ck_assert_int_eq(read.items[1].file.file_sequence_number, 3);
}
END_TEST

START_TEST(delete_manifests_come_back_as_written)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries read = {0};
    static const int ids[] = {1, 3};
    static const struct partition_spec none = {0};
    FIXTURE(f);
    struct manifest_entry entry = {.status = ENTRY_ADDED, .file = file_of(&f, "d", 1, 0, 0)};
    struct manifest_spec how = how_of(&people, &none);
    struct manifest_file file;

    how.content = MANIFEST_DELETES;
    entry.file.content = FILE_CONTENT_EQUALITY_DELETES;
    entry.file.equality_ids = ids;
    entry.file.n_equality_ids = 2;
    entry.file.referenced_data_file = STR("file:///x");
    entry.file.sequence_number = FILE_UNKNOWN;
    ck_ok(manifest_encode(&how, &entry, 1, &f.arena, &file, &out, &err), &err);
    ck_ok(manifest_decode(buf_str(&out), "m", &file, &none, &f.arena, &read, &err), &err);
    ck_assert_uint_eq(read.count, 1);
    same_file(&read.items[0].file, &entry.file);

    /* data in a delete manifest would otherwise be read as deletes, or not at all */
    file.content = MANIFEST_DATA;
    ck_fails(manifest_decode(buf_str(&out), "m", &file, &none, &f.arena, &read, &err),
             CORRIE_E_CORRUPT, &err);
}
END_TEST

START_TEST(wrong_tuples_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    struct manifest_entry entry = full_entry(&f);
    struct partition_value wrong[ARRAY_LEN(tuple_values)];
    struct manifest_spec how = how_of(&people, &tuple_spec);
    struct partition_field unknown = {1, 1000, {"x", 1}, {"hilbert", 7}, {.kind = TYPE_NONE}};
    const struct partition_spec unknown_spec = {4, &unknown, 1};
    struct manifest_file file;

    for (size_t i = 0; i < ARRAY_LEN(tuple_values); i++) {
        _cleanup_(buf_done) struct buf out = {0};
        memcpy(wrong, tuple_values, sizeof wrong);
        wrong[i].bytes =
            STR("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11");
        entry.file.partition = wrong;
        int r = manifest_encode(&how, &entry, 1, &f.arena, &file, &out, &err);
        bool any_length = tuple_fields[i].result_type.kind == TYPE_STRING ||
                          tuple_fields[i].result_type.kind == TYPE_BINARY;
        ck_assert_int_eq(r, any_length ? 0 : CORRIE_E_USAGE);
        corrie_error_clear(&err);
    }
    _cleanup_(buf_done) struct buf out = {0};
    entry.file.n_partition = 2;
    ck_fails(manifest_encode(&how, &entry, 1, &f.arena, &file, &out, &err), CORRIE_E_USAGE, &err);
    how.spec = &unknown_spec;
    ck_fails(manifest_encode(&how, &entry, 1, &f.arena, &file, &out, &err), CORRIE_E_UNSUPPORTED,
             &err);
}
END_TEST

START_TEST(lists_come_back_as_written)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(manifest_list_done) struct manifest_list read = {0};
    struct field_summary summaries[] = {{true, 1, {"\x01", 1}, {"\x02", 1}},
                                        {false, -1, {NULL, 0}, {NULL, 0}}};
    struct manifest_file items[] = {
        {STR("file:///m0"),
         1234,
         2,
         MANIFEST_DELETES,
         9,
         8,
         77,
         {1, 10},
         {2, 20},
         {3, 30},
         true,
         summaries,
         2,
         STR("k")},
        {STR("file:///m1"),
         0,
         0,
         MANIFEST_DATA,
         1,
         1,
         INT64_MAX,
         {0, 0},
         {0, 0},
         {0, 0},
         true,
         NULL,
         0,
         {NULL, 0}},
    };
    const struct manifest_list list = {items, 2, 2};
    FIXTURE(f);

    ck_ok(manifest_list_encode(&list, 77, SNAPSHOT_NONE, 9, &out, &err), &err);
    ck_ok(manifest_list_decode(buf_str(&out), "l", &f.arena, &read, &err), &err);
    ck_assert_uint_eq(read.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct manifest_file *a = &items[i];
        const struct manifest_file *b = &read.items[i];
        ck_str_eq(b->path, a->path);
        ck_assert_int_eq(b->length, a->length);
        ck_assert_int_eq(b->spec_id, a->spec_id);
        ck_assert_int_eq(b->content, a->content);
        ck_assert_int_eq(b->sequence_number, a->sequence_number);
        ck_assert_int_eq(b->min_sequence_number, a->min_sequence_number);
        ck_assert_int_eq(b->added_snapshot_id, a->added_snapshot_id);
        ck_assert_int_eq(b->added.files, a->added.files);
        ck_assert_int_eq(b->added.rows, a->added.rows);
        ck_assert_int_eq(b->existing.files, a->existing.files);
        ck_assert_int_eq(b->deleted.rows, a->deleted.rows);
        ck_assert_uint_eq(b->n_partitions, a->n_partitions);
    }
    ck_assert(read.items[0].partitions[0].contains_null);
    ck_assert_int_eq(read.items[0].partitions[0].contains_nan, 1);
    ck_str_eq(read.items[0].partitions[0].upper, STR("\x02"));
    ck_assert_int_eq(read.items[0].partitions[1].contains_nan, -1);
    ck_assert_ptr_null(read.items[0].partitions[1].lower.data);
    ck_str_eq(read.items[0].key_metadata, STR("k"));
    ck_assert_ptr_null(read.items[1].key_metadata.data);
}
END_TEST

/* A manifest without field ids, in version 1 form, with fields that we do not know: found by name. */
START_TEST(reads_version_1_by_name)
{
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"manifest_entry\",\"fields\":["
        "{\"name\":\"status\",\"type\":\"int\"},{\"name\":\"snapshot_id\",\"type\":\"long\"},"
        "{\"name\":\"data_file\",\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":["
        "{\"name\":\"file_path\",\"type\":\"string\"},{\"name\":\"file_format\",\"type\":\"string\"},"
        "{\"name\":\"partition\",\"type\":{\"type\":\"record\",\"name\":\"r102\",\"fields\":[]}},"
        "{\"name\":\"record_count\",\"type\":\"long\"},"
        "{\"name\":\"file_size_in_bytes\",\"type\":\"long\"},"
        "{\"name\":\"block_size_in_bytes\",\"type\":\"long\"},"
        "{\"name\":\"extra\",\"type\":{\"type\":\"map\",\"values\":{\"type\":\"array\",\"items\":"
        "[\"null\",\"double\",{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"a\"]}]}}},"
        "{\"name\":\"sort_columns\",\"type\":[{\"type\":\"array\",\"items\":\"int\"},\"null\"]}]}}]}";
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    _cleanup_(avro_writer_done) struct avro_writer writer = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries read = {0};
    const struct manifest_file parent = {.added_snapshot_id = 4};
    FIXTURE(f);

    ck_ok(avro_writer_begin(&writer, &out, str_of(schema), NULL, 0, &err), &err);
    struct buf *block = &writer.block;
    avro_put_long(block, ENTRY_EXISTING);
    avro_put_long(block, 3);
    avro_put_bytes(block, STR("file:///f"));
    avro_put_bytes(block, STR("parquet"));
    avro_put_long(block, 12);
    avro_put_long(block, 345);
    avro_put_long(block, 67108864);
    avro_put_long(block, 1); /* extra: {"k": [null, 0.0, a]} */
    avro_put_bytes(block, STR("k"));
    avro_put_long(block, 3);
    avro_put_long(block, 0);
    avro_put_long(block, 1);
    buf_add_fill(block, 0, 8);
    avro_put_long(block, 2);
    avro_put_long(block, 0);
    avro_put_long(block, 0);
    avro_put_long(block, 0);
    avro_put_long(block, 1); /* null, which is the second branch */
    ck_ok(avro_writer_record(&writer, &err), &err);
    ck_ok(avro_writer_finish(&writer, &err), &err);

    ck_ok(manifest_decode(buf_str(&out), "m", &parent, NULL, &f.arena, &read, &err), &err);
    ck_assert_uint_eq(read.count, 1);
    ck_str_eq(read.items[0].file.path, STR("file:///f"));
    ck_assert_int_eq(read.items[0].file.record_count, 12);
    ck_assert_int_eq(read.items[0].file.bytes, 345);
    ck_assert_int_eq(read.items[0].file.snapshot_id, 3);
    ck_assert_int_eq(read.items[0].file.sequence_number, 0);
    ck_assert_int_eq(read.items[0].file.content, FILE_CONTENT_DATA);
}
END_TEST

/* Cut at each byte a manifest is refused; nothing is taken from it silently. */
START_TEST(cut_manifests_are_corrupt)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    FIXTURE(f);
    struct manifest_entry entry = full_entry(&f);
    struct manifest_spec how = how_of(&people, &tuple_spec);
    struct manifest_file file;
    size_t n_whole = 0;

    ck_ok(manifest_encode(&how, &entry, 1, &f.arena, &file, &out, &err), &err);
    for (size_t len = 0; len < out.len; len++) {
        _cleanup_(manifest_entries_done) struct manifest_entries read = {0};
        _cleanup_(arena_done) struct arena arena = {0};
        int r =
            manifest_decode(str_make(out.data, len), "m", &file, &tuple_spec, &arena, &read, &err);
        n_whole += r >= 0; /* the header alone is an empty manifest: its length gives it away */
        ck_assert(r >= 0 || r == CORRIE_E_CORRUPT);
        ck_assert_uint_eq(read.count, 0);
        corrie_error_clear(&err);
    }
    ck_assert_uint_eq(n_whole, 1);
}
END_TEST

SUITE(manifest_suite, "manifest", entries_come_back_as_written,
      delete_manifests_come_back_as_written, wrong_tuples_are_refused, lists_come_back_as_written,
      reads_version_1_by_name, cut_manifests_are_corrupt)
