/* Overwrites and row deltas: exactly what was named goes, the rest stays as it was. */
#include "iceberg/tree.h"
#include "lines.h"

static const char *summary(struct lines *l, const struct table_version *version, const char *key)
{
    struct str value = STR("(none)");
    (void)snapshot_summary(metadata_current_snapshot(version->metadata), key, &value);
    return arena_text(&l->f.arena, value);
}

static size_t count_manifests(struct lines *l, const struct table_version *version,
                              struct manifest_list *list)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    list->count = 0;
    ck_ok(tree_manifests(&l->f.io, version->metadata, metadata_current_snapshot(version->metadata),
                         &l->f.arena, list, &err),
          &err);
    return list->count;
}

START_TEST(a_partition_is_overwritten)
{
    PARTITIONED(l);
    _cleanup_(manifest_list_done) struct manifest_list before = {0};
    _cleanup_(manifest_list_done) struct manifest_list after = {0};
    struct table_version *base = append(&l, l.base, "more@a");
    struct table_version *result = overwrite(&l, base, "@a", "new@a");
    static const struct {
        const char *key, *value;
    } expected[] = {{"operation", "overwrite"},        {"added-data-files", "1"},
                    {"added-records", "10"},           {"added-files-size", "1000"},
                    {"deleted-data-files", "2"},       {"deleted-records", "20"},
                    {"removed-files-size", "2000"},    {"changed-partition-count", "1"},
                    {"total-data-files", "2"},         {"total-records", "20"},
                    {"total-files-size", "2000"},      {"total-delete-files", "0"},
                    {"total-position-deletes", "0"},   {"total-equality-deletes", "0"},
                    {"removed-delete-files", "(none)"}};

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        ck_assert_str_eq(summary(&l, result, expected[i].key), expected[i].value);
    }
    ck_assert_str_eq(scanned(&l.f, result->metadata), "base_b new");
    ck_assert_str_eq(scanned(&l.f, base->metadata), "base base_b more");
    ck_assert_int_eq(result->records, 20);
    ck_assert_int_eq(sequence_of(&l, result->metadata, "base_b"), 2);

    /* the other partition's manifest is the very one of before */
    count_manifests(&l, base, &before);
    count_manifests(&l, result, &after);
    bool kept = false;
    for (size_t i = 0; i < after.count; i++) {
        kept = kept || str_eq(after.items[i].path, before.items[1].path);
    }
    ck_assert(kept);
    /* manifests of deleted files alone do not stay in later lists */
    ck_assert_uint_eq(after.count, 4);
    ck_assert_uint_eq(count_manifests(&l, append(&l, result, "x@c"), &after), 3);
}
END_TEST

START_TEST(files_are_removed_by_path)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct data_file files[] = {line_file(&l, l.base, "a"), line_file(&l, l.base, "b"),
                                line_file(&l, l.base, "c")};
    _version_ struct table_version three = {0};
    struct str missing = STR("file:///nowhere");
    struct file_removal removal = {.paths = &missing, .n_paths = 1};
    struct table_version none = {0};

    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, files, 3, NULL,
                          &three, &err),
          &err);
    /* one of three in a manifest */
    struct table_version *result = overwrite(&l, &three, "b", NULL);
    ck_assert_str_eq(scanned(&l.f, result->metadata), "base a c");
    ck_assert_str_eq(summary(&l, result, "operation"), "delete");
    ck_assert_int_eq(sequence_of(&l, result->metadata, "a"), 2);
    ck_assert_str_eq(scanned(&l.f, overwrite(&l, result, "a", "a2")->metadata), "base c a2");

    ck_fails(snapshot_overwrite(&l.f.io, three.metadata, base_location(&three), NULL, NULL, 0,
                                &removal, NULL, &none, &err),
             CORRIE_E_NOT_FOUND, &err);
    removal.paths = &files[1].path; /* it went already */
    ck_fails(snapshot_overwrite(&l.f.io, result->metadata, base_location(result), NULL, NULL, 0,
                                &removal, NULL, &none, &err),
             CORRIE_E_NOT_FOUND, &err);
    struct partition_key key = {9, NULL, 0};
    removal = (struct file_removal){.partitions = &key, .n_partitions = 1};
    ck_fails(snapshot_overwrite(&l.f.io, result->metadata, base_location(result), NULL, NULL, 0,
                                &removal, NULL, &none, &err),
             CORRIE_E_USAGE, &err);
}
END_TEST

START_TEST(null_is_a_partition)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    PARTITIONED(l);
    struct partition_value null = {{NULL, 0}};
    struct data_file file = line_file(&l, l.base, "nulls");
    struct partition_key key = {l.base->metadata->default_spec_id, &null, 1};
    struct file_removal removal = {.partitions = &key, .n_partitions = 1};
    _version_ struct table_version with = {0};
    _version_ struct table_version without = {0};

    file.partition = &null;
    file.n_partition = 1;
    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, &file, 1, NULL,
                          &with, &err),
          &err);
    ck_assert_str_eq(scanned(&l.f, overwrite(&l, &with, "@null", NULL)->metadata),
                     "base base_b nulls");
    ck_ok(snapshot_overwrite(&l.f.io, with.metadata, base_location(&with), NULL, NULL, 0, &removal,
                             NULL, &without, &err),
          &err);
    ck_assert_str_eq(scanned(&l.f, without.metadata), "base base_b");
}
END_TEST

START_TEST(row_deltas_list_deletes)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    PARTITIONED(l);
    struct table_version *result = update(&l, l.base, "d@a", "base", "new@a");
    static const struct {
        const char *key, *value;
    } expected[] = {{"operation", "overwrite"},       {"added-data-files", "1"},
                    {"added-records", "10"},          {"added-files-size", "2000"},
                    {"added-delete-files", "1"},      {"added-position-delete-files", "1"},
                    {"added-position-deletes", "10"}, {"added-equality-deletes", "(none)"},
                    {"total-data-files", "3"},        {"total-records", "30"},
                    {"total-delete-files", "1"},      {"total-position-deletes", "10"},
                    {"total-files-size", "4000"},     {"deleted-data-files", "(none)"}};
    struct table_totals totals = {0};
    struct scan scan;

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        ck_assert_str_eq(summary(&l, result, expected[i].key), expected[i].value);
    }
    ck_assert_int_eq(sequence_of(&l, result->metadata, "d"), 3);
    ck_assert_int_eq(sequence_of(&l, result->metadata, "new"), 3);
    ck_assert_str_eq(all_files(&l, result->metadata), "base base_b d new");
    ck_assert_str_eq(summary(&l, delete_rows(&l, l.base, "d@a", "base"), "operation"), "delete");
    result = delete_equal(&l, result, "eq@b");
    ck_assert_str_eq(summary(&l, result, "total-equality-deletes"), "10");
    ck_assert_str_eq(summary(&l, result, "total-position-deletes"), "10");
    ck_assert_str_eq(summary(&l, append(&l, result, "x@a"), "total-delete-files"), "2");

    ck_ok(scan_plan(&l.f.io, result->metadata, NULL, NULL, 0, &l.f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_delete_files, 2);
    /* counted without the summary's help */
    json_t *claims = json_object_get(metadata_current_snapshot(result->metadata)->json, "summary");
    json_object_del(claims, "total-records");
    ck_ok(snapshot_totals(&l.f.io, result->metadata, metadata_current_snapshot(result->metadata),
                          &totals, &err),
          &err);
    ck_assert_int_eq(totals.records, 30);
    ck_assert_int_eq(totals.bytes, 5000);
    ck_assert_int_eq(totals.delete_files, 2);
    ck_assert_int_eq(totals.position_deletes, 10);
    ck_assert_int_eq(totals.equality_deletes, 10);

    /* with the partition go its deletes; a replace takes all */
    ck_assert_str_eq(all_files(&l, overwrite(&l, result, "@b", NULL)->metadata), "base d new");
    struct table_version *whole = replace(&l, result, "whole");
    ck_assert_str_eq(all_files(&l, whole->metadata), "whole");
    ck_assert_str_eq(summary(&l, whole, "removed-delete-files"), "2");
    ck_assert_str_eq(summary(&l, whole, "total-equality-deletes"), "0");
}
END_TEST

/* Equality deletes of an unpartitioned spec apply to the files of all specs. */
START_TEST(global_deletes_outlive_their_partition)
{
    LINES(l);
    struct table_version *from = delete_equal(&l, l.base, "eq");
    struct file_removal removal = {.partitions = &(struct partition_key){0, NULL, 0},
                                   .n_partitions = 1};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _version_ struct table_version result = {0};

    ck_ok(snapshot_overwrite(&l.f.io, from->metadata, base_location(from), NULL, NULL, 0, &removal,
                             NULL, &result, &err),
          &err);
    ck_assert_str_eq(all_files(&l, result.metadata), "eq");
}
END_TEST

START_TEST(deletes_that_say_too_little_are_refused)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    static const int unknown = 9;
    struct data_file bad[3] = {line_file(&l, l.base, "d"), line_file(&l, l.base, "d"),
                               line_file(&l, l.base, "d")};
    struct table_version none = {0};

    bad[0].content = bad[1].content = FILE_CONTENT_EQUALITY_DELETES;
    bad[1].equality_ids = &unknown;
    bad[1].n_equality_ids = 1;
    bad[2].content = FILE_CONTENT_POSITION_DELETES;
    bad[2].referenced_data_file = STR("base");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_fails(snapshot_row_delta(&l.f.io, l.base->metadata, base_location(l.base), &bad[i], 1,
                                    NULL, &none, &err),
                 CORRIE_E_USAGE, &err);
    }
}
END_TEST

SUITE(overwrite_suite, "overwrite", a_partition_is_overwritten, files_are_removed_by_path,
      null_is_a_partition, row_deltas_list_deletes, global_deletes_outlive_their_partition,
      deletes_that_say_too_little_are_refused)
