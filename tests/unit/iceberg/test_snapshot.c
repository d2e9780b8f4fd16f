/* Appends and replaces, read back: rows that are lost or doubled, histories that cannot be read. */
#include "base/json.h"
#include "fixture.h"
#include "iceberg/tree.h"

static struct str summary_of(const struct table_version *version, const char *key)
{
    struct str value = STR("(none)");
    (void)snapshot_summary(metadata_current_snapshot(version->metadata), key, &value);
    return value;
}

static size_t count_manifests(struct fixture *f, const struct table_metadata *metadata)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    ck_ok(tree_manifests(&f->io, metadata, metadata_current_snapshot(metadata), &f->arena, &list,
                         &err),
          &err);
    return list.count;
}

START_TEST(appends_add_up)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "z.parquet");
    _version_ struct table_version second = append_one(&f, &first, "a.parquet");
    _metadata_ struct table_metadata *read = NULL;

    ck_assert_int_eq(second.records, 20);
    ck_assert_int_eq(second.bytes, 2000);
    ck_assert_int_eq(second.files, 2);
    ck_str_eq(summary_of(&second, "operation"), STR("append"));
    ck_str_eq(summary_of(&second, "added-records"), STR("10"));
    ck_str_eq(summary_of(&second, "total-records"), STR("20"));
    ck_str_eq(summary_of(&second, "total-data-files"), STR("2"));
    ck_str_eq(summary_of(&second, "total-files-size"), STR("2000"));
    ck_str_eq(summary_of(&second, "total-delete-files"), STR("0"));

    ck_ok(metadata_read(&f.io, str_of(second.location), &read, &err), &err);
    ck_assert_uint_eq(read->n_snapshots, 2);
    ck_assert_int_eq(read->current_snapshot_id, second.snapshot_id);
    ck_assert_int_eq(read->snapshots[1].parent_id, first.snapshot_id);
    ck_assert_int_eq(read->snapshots[1].sequence_number, 2);
    ck_assert_int_eq(read->last_sequence_number, 2);
    ck_assert_int_lt(second.snapshot_id, INT64_C(1) << 53);
    ck_assert_uint_eq(json_array_size(json_object_get(read->document, "snapshot-log")), 2);
    /* in the order of arrival, not of names */
    ck_assert_str_eq(scanned(&f, read), "z.parquet a.parquet");
    /* the first version is as it was */
    ck_assert_str_eq(scanned(&f, first.metadata), "z.parquet");
}
END_TEST

START_TEST(file_names_are_those_of_the_format)
{
    FIXTURE(f);
    _version_ struct table_version version = append_one(&f, NULL, "a");
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    const struct snapshot *current = metadata_current_snapshot(version.metadata);
    const char *expected =
        arena_printf(&f.arena, "%.*s/metadata/snap-%lld-0-", STR_FMT(version.metadata->location),
                     (long long)version.snapshot_id);

    ck_assert(str_starts(current->manifest_list, str_of(expected)));
    ck_assert(str_ends(current->manifest_list, STR(".avro")));
    ck_ok(tree_manifests(&f.io, version.metadata, current, &f.arena, &list, &err), &err);
    ck_assert(str_ends(list.items[0].path, STR("-m0.avro")));
    /* the commit's uuid joins them */
    struct str uuid = str_slice(current->manifest_list, strlen(expected), UUID_TEXT);
    ck_assert_int_ge(str_find_str(list.items[0].path, uuid), 0);
    ck_assert_int_ge(str_find_str(str_of(version.location), STR("/metadata/00000-")), 0);
}
END_TEST

START_TEST(replace_holds_exactly_the_new_files)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _version_ struct table_version second = append_one(&f, &first, "b");
    _version_ struct table_version third = {0};
    struct data_file file = file_of(&f, "c", 7, 0, 1);
    struct field fields[] = {{.name = STR("id"), .type = {.kind = TYPE_LONG}, .required = true},
                             {.name = STR("name"), .type = {.kind = TYPE_DATE}}};
    struct schema schema;

    ck_ok(metadata_replacement_schema(second.metadata,
                                      &(struct schema){.fields = fields, .n_fields = 2}, &f.arena,
                                      &schema, &err),
          &err);
    ck_ok(snapshot_replace(&f.io, second.metadata, base_location(&second), &schema, &file, 1, NULL,
                           &third, &err),
          &err);
    ck_assert_str_eq(scanned(&f, third.metadata), "c");
    ck_assert_int_eq(third.records, 7);
    ck_assert_int_eq(third.files, 1);
    ck_assert_int_eq(third.bytes, 700);
    ck_str_eq(summary_of(&third, "operation"), STR("overwrite"));
    ck_str_eq(summary_of(&third, "deleted-data-files"), STR("2"));
    ck_str_eq(summary_of(&third, "deleted-records"), STR("20"));
    ck_str_eq(summary_of(&third, "removed-files-size"), STR("2000"));
    ck_assert_int_eq(metadata_schema(third.metadata)->fields[1].id, 4);

    /* older snapshots stay, with their schema */
    const struct snapshot *before = metadata_snapshot_by_id(third.metadata, second.snapshot_id);
    struct scan scan;
    ck_ok(scan_plan(&f.io, third.metadata, before, NULL, 0, &f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 2);
    ck_assert_int_eq(metadata_snapshot_schema(third.metadata, before)->schema_id, 0);

    /* the deleted entries are gone from the next snapshot's counts and scans */
    _version_ struct table_version fourth = append_one(&f, &third, "d");
    ck_assert_str_eq(scanned(&f, fourth.metadata), "c d");
    ck_assert_int_eq(fourth.records, 17);
}
END_TEST

START_TEST(replace_of_an_empty_table_is_its_first_append)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *fresh = new_table(&f, &people);
    _version_ struct table_version version = {0};
    _version_ struct table_version emptied = {0};
    struct data_file file = file_of(&f, "a", 7, 0, 1);

    ck_ok(snapshot_replace(&f.io, fresh, STR_EMPTY, NULL, &file, 1, NULL, &version, &err), &err);
    ck_str_eq(summary_of(&version, "operation"), STR("append"));
    ck_ok(snapshot_replace(&f.io, version.metadata, base_location(&version), NULL, NULL, 0, NULL,
                           &emptied, &err),
          &err);
    ck_assert_int_eq(emptied.records, 0);
    ck_assert_str_eq(scanned(&f, emptied.metadata), "");
}
END_TEST

/* Files of a partitioned table that another engine made are all replaced, whatever their spec. */
START_TEST(replace_takes_partitioned_files_away)
{
    static const char document[] =
        "{\"format-version\":2,\"table-uuid\":\"fb072c92-a02b-11e9-ae9c-1bb7bc9eca94\","
        "\"location\":\"%.*s/t\",\"last-sequence-number\":0,\"last-updated-ms\":1,"
        "\"last-column-id\":1,\"current-schema-id\":0,\"schemas\":[{\"type\":\"struct\","
        "\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"id\",\"required\":true,"
        "\"type\":\"long\"}]}],\"default-spec-id\":1,\"partition-specs\":[{\"spec-id\":1,"
        "\"fields\":[{\"name\":\"id_bucket\",\"transform\":\"bucket[4]\",\"source-id\":1,"
        "\"field-id\":1000}]}],\"last-partition-id\":1000,\"default-sort-order-id\":1,"
        "\"sort-orders\":[{\"order-id\":1,\"fields\":[{\"transform\":\"identity\",\"source-id\":1,"
        "\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]}]}";
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *base = NULL;
    _version_ struct table_version first = {0};
    _version_ struct table_version second = {0};
    struct data_file file = file_of(&f, "p", 7, 0, 1);
    struct data_file other = file_of(&f, "q", 3, 0, 1);
    struct partition_value tuple = {STR("\x03\0\0\0")};
    const char *text = arena_printf(&f.arena, document, STR_FMT(f.io.root));

    ck_ok(metadata_parse(str_of(text), "t", &base, &err), &err);
    file.spec_id = 1;
    ck_fails(snapshot_append(&f.io, base, STR_EMPTY, NULL, &file, 1, NULL, &first, &err),
             CORRIE_E_USAGE, &err);
    file.partition = &tuple;
    file.n_partition = 1;
    ck_ok(snapshot_append(&f.io, base, STR_EMPTY, NULL, &file, 1, NULL, &first, &err), &err);
    ck_assert_str_eq(scanned(&f, first.metadata), "p");

    ck_ok(snapshot_replace(&f.io, first.metadata, base_location(&first), NULL, &other, 1, NULL,
                           &second, &err),
          &err);
    ck_assert_str_eq(scanned(&f, second.metadata), "q");
    ck_assert_int_eq(second.metadata->default_spec_id, 2);
    ck_assert_uint_eq(metadata_spec(second.metadata)->n_fields, 0);
    ck_assert_int_eq(
        json_integer_value(json_object_get(second.metadata->document, "default-sort-order-id")), 0);
    ck_str_eq(summary_of(&second, "deleted-records"), STR("7"));

    /* an append that knows nothing of specs goes on */
    _version_ struct table_version third = append_one(&f, &second, "r");
    ck_assert_str_eq(scanned(&f, third.metadata), "q r");
}
END_TEST

START_TEST(an_append_may_bring_columns)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _version_ struct table_version second = {0};
    struct data_file file = file_of(&f, "b", 1, 0, 1);
    struct field age = {.name = STR("age"), .type = {.kind = TYPE_INT}};
    struct schema schema;

    ck_ok(metadata_extended_schema(first.metadata, &age, 1, &f.arena, &schema, &err), &err);
    ck_ok(snapshot_append(&f.io, first.metadata, base_location(&first), &schema, &file, 1, NULL,
                          &second, &err),
          &err);
    ck_assert_uint_eq(metadata_schema(second.metadata)->n_fields, 4);
    ck_assert_int_eq(metadata_current_snapshot(second.metadata)->schema_id, 1);
}
END_TEST

/* The thousandth append must not carry a thousand manifests. */
START_TEST(manifests_are_merged)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    struct snapshot_options options = {.merge_manifests_at = 5, .keep_snapshots = 7};
    _version_ struct table_version version = append_one(&f, NULL, "000");
    size_t most = 0;

    for (int i = 1; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "%03d", 999 - i); /* names against the order of arrival */
        struct data_file file = file_of(&f, name, 10, i, i);
        struct table_version next = {0};
        ck_ok(snapshot_append(&f.io, version.metadata, base_location(&version), NULL, &file, 1,
                              &options, &next, &err),
              &err);
        table_version_done(&version);
        version = next;
        size_t n = count_manifests(&f, version.metadata);
        most = n > most ? n : most;
    }
    ck_assert_uint_eq(most, 5);
    ck_assert_int_eq(version.records, 400);

    struct scan scan;
    ck_ok(scan_plan(&f.io, version.metadata, NULL, NULL, 0, &f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 40);
    for (size_t i = 0; i < scan.n_files; i++) { /* merged entries keep their age */
        ck_assert_int_eq(scan.files[i].file_sequence_number, (int64_t)i + 1);
        ck_assert_int_eq(scan.files[i].sequence_number, (int64_t)i + 1);
    }
    /* what merging writes is what it read */
    ck_assert_uint_eq(scan.files[3].n_columns, 3);
    ck_assert_int_eq(scan.files[3].columns[1].null_count, 1);

    /* only the newest snapshots stay in the file, and the log begins with them */
    ck_assert_uint_eq(version.metadata->n_snapshots, 7);
    ck_assert_uint_eq(json_array_size(json_object_get(version.metadata->document, "snapshot-log")),
                      7);
    ck_assert_int_eq(metadata_current_snapshot(version.metadata)->sequence_number, 40);
    ck_assert_uint_eq(json_array_size(json_object_get(version.metadata->document, "metadata-log")),
                      39);
}
END_TEST

/* Snapshots that a tag or branch of another engine names are not dropped. */
START_TEST(named_snapshots_are_kept)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    struct snapshot_options options = {.keep_snapshots = 2};
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _cleanup_(buf_done) struct buf text = {0};
    _json_ json_t *document = NULL;
    _metadata_ struct table_metadata *tagged = NULL;
    struct table_metadata *now = NULL;
    struct table_version versions[4] = {{0}};

    ck_ok(metadata_format(first.metadata, &text, &err), &err);
    ck_ok(js_parse(buf_str(&text), "t", &document, &err), &err);
    json_t *tag = json_object();
    ck_ok(js_set_int(tag, "snapshot-id", first.snapshot_id), &err);
    ck_ok(js_set_str(tag, "type", STR("tag")), &err);
    ck_ok(js_set(json_object_get(document, "refs"), "v1", tag), &err);
    buf_clear(&text);
    ck_ok(js_format(document, 0, &text, &err), &err);
    ck_ok(metadata_parse(buf_str(&text), "t", &tagged, &err), &err);

    now = tagged;
    for (int i = 0; i < 4; i++) {
        struct data_file file = file_of(&f, "x", 1, 0, 0);
        ck_ok(snapshot_append(&f.io, now, base_location(&first), NULL, &file, 1, &options,
                              &versions[i], &err),
              &err);
        now = versions[i].metadata;
    }
    ck_assert_uint_eq(now->n_snapshots, 2);
    ck_assert_ptr_nonnull(metadata_snapshot_by_id(now, first.snapshot_id));
    ck_assert_ptr_nonnull(metadata_snapshot_by_id(now, versions[3].snapshot_id));
    for (int i = 0; i < 4; i++) {
        table_version_done(&versions[i]);
    }
}
END_TEST

START_TEST(files_that_cannot_be_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *base = new_table(&f, &people);
    struct data_file good = file_of(&f, "a", 1, 0, 0);
    struct data_file bad[] = {good, good, good, good};
    struct partition_value tuple = {STR("x")};
    struct table_version version = {0};

    bad[0].path = STR("data/a");
    bad[1].record_count = -1;
    bad[2].content = FILE_CONTENT_POSITION_DELETES;
    bad[3].spec_id = 9;
    bad[3].partition = &tuple;
    bad[3].n_partition = 1;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_fails(snapshot_append(&f.io, base, STR_EMPTY, NULL, &bad[i], 1, NULL, &version, &err),
                 CORRIE_E_USAGE, &err);
    }
}
END_TEST

/* A replaced schema lists columns in another order than their ids. */
START_TEST(metrics_come_in_any_order)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *base = new_table(&f, &people);
    _version_ struct table_version version = {0};
    struct data_file file = file_of(&f, "a", 1, 3, 4);
    struct column_metrics swapped[] = {file.columns[1], file.columns[0]};
    struct scan scan;

    file.columns = swapped;
    file.n_columns = 2;
    ck_ok(snapshot_append(&f.io, base, STR_EMPTY, NULL, &file, 1, NULL, &version, &err), &err);
    ck_ok(scan_plan(&f.io, version.metadata, NULL, NULL, 0, &f.arena, &scan, &err), &err);
    ck_assert_int_eq(scan.files[0].columns[0].field_id, 1);
    ck_assert_int_eq(scan.files[0].columns[0].column_size, 80);
    ck_assert_int_eq(data_file_column(&scan.files[0], 2)->null_count, 1);
    ck_assert_ptr_null(data_file_column(&scan.files[0], 3));
}
END_TEST

START_TEST(totals_are_counted_where_the_summary_has_none)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version version = append_one(&f, NULL, "a");
    struct snapshot snapshot = *metadata_current_snapshot(version.metadata);
    _json_ json_t *bare = json_object();
    struct table_totals totals;

    snapshot.json = bare;
    ck_ok(snapshot_totals(&f.io, version.metadata, &snapshot, &totals, &err), &err);
    ck_assert_int_eq(totals.records, 10);
    ck_assert_int_eq(totals.bytes, 1000);
    ck_assert_int_eq(totals.files, 1);
    ck_assert_int_eq(totals.delete_files, 0);
    ck_ok(snapshot_totals(&f.io, version.metadata, NULL, &totals, &err), &err);
    ck_assert_int_eq(totals.records, 0);
}
END_TEST

SUITE(snapshot_suite, "snapshot", appends_add_up, file_names_are_those_of_the_format,
      replace_holds_exactly_the_new_files, replace_of_an_empty_table_is_its_first_append,
      replace_takes_partitioned_files_away, an_append_may_bring_columns, manifests_are_merged,
      named_snapshots_are_kept, files_that_cannot_be_are_refused, metrics_come_in_any_order,
      totals_are_counted_where_the_summary_has_none)
