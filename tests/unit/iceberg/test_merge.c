/* Two lines of changes: the rows of both are there afterwards, once each, or it is a conflict. */
#include "base/json.h"
#include "lines.h"

START_TEST(appends_of_both_sides_land)
{
    LINES(l);
    struct table_version *source = append(&l, append(&l, l.base, "s1"), "s2");
    struct table_version *target = append(&l, append(&l, l.base, "t1"), "t2");
    struct table_version *result = merged(&l, source, target);
    const struct snapshot *snapshot = metadata_current_snapshot(result->metadata);
    struct str value = STR_EMPTY;

    ck_assert_str_eq(scanned(&l.f, result->metadata), "base t1 t2 s1 s2");
    ck_assert_int_eq(result->records, 50);
    ck_assert_int_eq(result->files, 5);
    ck_assert_int_eq(snapshot->parent_id, target->snapshot_id);
    ck_assert_int_eq(snapshot->sequence_number, 4);
    ck_assert_int_eq(sequence_of(&l, result->metadata, "s1"), 4);
    ck_str_eq(snapshot->operation, STR("append"));
    ck_assert(snapshot_summary(snapshot, "added-records", &value));
    ck_str_eq(value, STR("20"));
    ck_assert(snapshot_summary(snapshot, "total-records", &value));
    ck_str_eq(value, STR("50"));
    ck_merges(&l, source, target, "base s1 s2 t1 t2");

    /* onto a side that did nothing, and of one that did nothing */
    ck_assert_str_eq(scanned(&l.f, merged(&l, source, l.base)->metadata), "base s1 s2");
    struct table_version *same = merged(&l, l.base, target);
    ck_assert_str_eq(same->location, target->location);
    ck_assert_int_eq(same->snapshot_id, target->snapshot_id);
    ck_assert_int_eq(same->records, 30);
}
END_TEST

/* The metadata log names the target's file, whose number the new one continues. */
START_TEST(the_targets_history_goes_on)
{
    LINES(l);
    struct table_version *source = append(&l, l.base, "s");
    struct table_version *target = append(&l, append(&l, l.base, "t1"), "t2");
    struct table_version *result = merged(&l, source, target);
    const json_t *log = json_object_get(result->metadata->document, "metadata-log");
    const json_t *last = json_array_get(log, json_array_size(log) - 1);

    ck_str_eq(js_str(json_object_get(last, "metadata-file")), str_of(target->location));
    ck_assert_int_ge(str_find_str(str_of(result->location), STR("/metadata/00003-")), 0);
    ck_assert_ptr_nonnull(metadata_snapshot_by_id(result->metadata, l.base->snapshot_id));
    ck_assert_ptr_null(metadata_snapshot_by_id(result->metadata, source->snapshot_id));
}
END_TEST

START_TEST(a_table_merges_from_nothing)
{
    LINES(l);

    l.base = store_version(&l, NULL, new_table(&l.f, &people));
    ck_merges(&l, append(&l, l.base, "a"), append(&l, l.base, "b"), "a b");
    ck_assert_str_eq(all_files(&l, merged(&l, append(&l, l.base, "a"), l.base)->metadata), "a");
    struct table_version *same = merged(&l, l.base, l.base);
    ck_assert_int_eq(same->snapshot_id, SNAPSHOT_NONE);
    /* each would hold exactly its rows: that is no append */
    ck_conflicts(&l, replace(&l, l.base, "a"), replace(&l, l.base, "b"), "overwrote files");
    ck_conflicts(&l, replace(&l, l.base, "a"), append(&l, l.base, "b"), "overwrote files");
}
END_TEST

/* Manifests that were merged since hold older files too: only the new ones may come. */
START_TEST(merged_manifests_bring_new_files_only)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct snapshot_options options = {.merge_manifests_at = 2};
    struct table_version *source = append(&l, l.base, "s1");
    struct data_file file = line_file(&l, source, "s2");
    _version_ struct table_version packed = {0};

    ck_ok(snapshot_append(&l.f.io, source->metadata, base_location(source), NULL, &file, 1,
                          &options, &packed, &err),
          &err);
    ck_merges(&l, &packed, append(&l, l.base, "t"), "base s1 s2 t");
}
END_TEST

/* After a merge the common version is the source as it was, whose files the target has under numbers of its own. */
START_TEST(a_branch_merges_again)
{
    LINES(l);
    struct table_version *source = append(&l, l.base, "s1");
    struct table_version *target = merged(&l, source, append(&l, l.base, "t1"));

    ck_conflicts(&l, append(&l, source, "s2"), target, "both added the file");
    l.base = source;
    ck_merges(&l, append(&l, source, "s2"), append(&l, target, "t2"), "base s1 s2 t1 t2");
    ck_conflicts(&l, overwrite(&l, source, "s1", "s3"), target, "not partitioned");
    /* numbers cannot be compared: what a delete file would delete is not known */
    ck_conflicts(&l, delete_rows(&l, source, "d", "s1"), target, "the table has delete files");
}
END_TEST

START_TEST(overwrites_of_a_whole_table_conflict)
{
    LINES(l);
    struct table_version *appended = append(&l, l.base, "x");

    ck_conflicts(&l, replace(&l, l.base, "a"), appended, "not partitioned");
    ck_conflicts(&l, replace(&l, l.base, "a"), replace(&l, l.base, "b"), "not partitioned");
    ck_conflicts(&l, overwrite(&l, l.base, "base", NULL), appended, "not partitioned");
    /* a side that changed no rows does not mind */
    ck_merges(&l, replace(&l, l.base, "a"), set_property(&l, l.base, "k", "v"), "a");
    ck_merges(&l, overwrite(&l, l.base, "base", NULL), l.base, "");
}
END_TEST

START_TEST(disjoint_partitions_may_be_overwritten)
{
    PARTITIONED(l);
    struct table_version *of_a = overwrite(&l, l.base, "@a", "new_a@a");
    struct table_version *of_b = overwrite(&l, l.base, "@b", "new_b@b");

    ck_merges(&l, of_a, of_b, "new_a new_b");
    ck_merges(&l, of_a, append(&l, l.base, "more@b"), "base_b more new_a");
    ck_merges(&l, of_a, append(&l, l.base, "more@c"), "base_b more new_a");
    ck_merges(&l, overwrite(&l, l.base, "@a", NULL), append(&l, l.base, "more@b"), "base_b more");
    /* both changed beside each other, with appends before and after */
    ck_merges(&l, append(&l, of_a, "c1@c"), append(&l, of_b, "c2@c"), "c1 c2 new_a new_b");

    ck_conflicts(&l, of_a, overwrite(&l, l.base, "@a", "other@a"), "partition part = a");
    ck_conflicts(&l, of_a, append(&l, l.base, "more@a"), "partition part = a");
    ck_conflicts(&l, overwrite(&l, l.base, "@a", NULL), append(&l, l.base, "more@a"),
                 "partition part = a");
    ck_conflicts(&l, of_a, overwrite(&l, l.base, "base", NULL), "partition part = a");
    /* one that found nothing to remove says no less what the partition holds */
    ck_conflicts(&l, overwrite(&l, l.base, "@c", "c1@c"), append(&l, l.base, "c2@c"),
                 "partition part = c");
    /* what a merge brought is remembered as an overwrite */
    struct table_version *taken = merged(&l, overwrite(&l, l.base, "@c", "c1@c"), of_b);
    ck_conflicts(&l, taken, append(&l, l.base, "c2@c"), "partition part = c");
}
END_TEST

/* The removed files are deleted entries of the result, and no others. */
START_TEST(an_overwrite_is_told_as_one)
{
    PARTITIONED(l);
    struct table_version *source = overwrite(&l, l.base, "@a", "new_a@a");
    struct table_version *result = merged(&l, source, append(&l, l.base, "t@b"));
    const struct snapshot *snapshot = metadata_current_snapshot(result->metadata);
    static const struct {
        const char *key, *value;
    } expected[] = {{"operation", "overwrite"},     {"added-data-files", "1"},
                    {"deleted-data-files", "1"},    {"deleted-records", "10"},
                    {"removed-files-size", "1000"}, {"changed-partition-count", "1"},
                    {"total-data-files", "3"},      {"total-records", "30"},
                    {"total-delete-files", "0"}};

    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct str value = STR_EMPTY;
        ck_assert(snapshot_summary(snapshot, expected[i].key, &value));
        ck_str_eq(value, str_of(expected[i].value));
    }
    ck_assert_str_eq(scanned(&l.f, result->metadata), "base_b t new_a");
    ck_assert_int_eq(sequence_of(&l, result->metadata, "base_b"), 2);
    ck_assert_str_eq(scanned(&l.f, append(&l, result, "more@a")->metadata), "base_b t new_a more");
}
END_TEST

START_TEST(partitions_of_two_specs_cannot_be_compared)
{
    PARTITIONED(l);
    struct table_version *other = partition_by(&l, l.base, 1, "bucket[4]");
    struct data_file file = line_file(&l, other, "bucketed");
    struct partition_value tuple = {STR("\x01\0\0\0")};
    struct table_version version = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    file.partition = &tuple;
    file.n_partition = 1;
    ck_ok(snapshot_append(&l.f.io, other->metadata, base_location(other), NULL, &file, 1, NULL,
                          &version, &err),
          &err);
    /* appends are fine under any spec, and the new one stays the default */
    ck_merges(&l, &version, append(&l, l.base, "t@a"), "base base_b bucketed t");
    struct table_version *result = merged(&l, &version, append(&l, l.base, "t@a"));
    ck_str_eq(metadata_spec(result->metadata)->fields[0].transform, STR("bucket[4]"));
    ck_assert_int_eq(result->metadata->last_partition_id, 1001);
    ck_conflicts(&l, &version, overwrite(&l, l.base, "@b", "x@b"), "partition specs");
    table_version_done(&version);
}
END_TEST

/* Of a version that is no ancestor: what the base has and a side lacks counts as removed there. */
START_TEST(a_base_that_a_side_did_not_come_from)
{
    LINES(l);
    struct table_version *source = append(&l, l.base, "s");
    struct table_version *target = append(&l, l.base, "t");

    ck_conflicts(&l, source, append(&l, NULL, "stranger"), "another table");
    l.base = append(&l, l.base, "elsewhere");
    ck_conflicts(&l, source, append(&l, l.base, "x"), "not partitioned");
    ck_conflicts(&l, source, target, "not partitioned");
}
END_TEST

/* Undoing a change is a merge from its version to the one before. */
START_TEST(a_partition_goes_back)
{
    PARTITIONED(l);
    struct table_version *before = l.base;

    l.base = overwrite(&l, before, "@a", "wrong@a");
    struct table_version *target = append(&l, l.base, "t@b");
    struct table_version *result = merged(&l, before, target);
    ck_assert_str_eq(all_files(&l, result->metadata), "base base_b t");
    ck_assert_int_eq(sequence_of(&l, result->metadata, "base"), 5);
    ck_refuses(&l, before, append(&l, l.base, "t@a"), "partition part = a");
}
END_TEST

/* Snapshots that are gone hide what was done; the files show whether it was more than appending. */
START_TEST(expired_snapshots_need_evidence)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    PARTITIONED(l);
    struct snapshot_options options = {.keep_snapshots = 1};
    struct table_version *before[] = {append(&l, append(&l, l.base, "s1@a"), "s2@b"),
                                      overwrite(&l, append(&l, l.base, "s1@a"), "@b", "s2@b")};
    struct table_version *target = append(&l, l.base, "t@c");

    for (int i = 0; i < 2; i++) {
        struct data_file file = line_file(&l, before[i], "s3@a");
        _version_ struct table_version source = {0};
        ck_ok(snapshot_append(&l.f.io, before[i]->metadata, base_location(before[i]), NULL, &file,
                              1, &options, &source, &err),
              &err);
        ck_assert_uint_eq(source.metadata->n_snapshots, 1);
        if (i == 0) {
            ck_merges(&l, &source, target, "base base_b s1 s2 s3 t");
        } else {
            ck_merges(&l, &source, target, "base s1 s2 s3 t");
            ck_conflicts(&l, &source, append(&l, l.base, "t@a"), "no longer keeps all snapshots");
        }
    }
}
END_TEST

START_TEST(a_file_of_both_sides_counts_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct table_version *source = append(&l, append(&l, l.base, "import"), "s");
    struct table_version *target = append(&l, l.base, "import_again");
    struct str skip[] = {line_file(&l, source, "import").path, line_file(&l, source, "no").path};
    struct snapshot_merge_options options = {.skip = skip, .n_skip = 1};
    struct merge_totals totals = {0};

    ck_conflicts(&l, source, append(&l, l.base, "import"), "both added the file");

    struct table_version *result = merge_with(&l, l.base, source, target, &options, &totals, &err);
    ck_assert_str_eq(all_files(&l, result->metadata), "base import_again s");
    ck_assert_int_eq(totals.skipped_files, 1);
    ck_assert_int_eq(totals.skipped_records, 10);
    ck_assert_int_eq(totals.added_files, 1);
    ck_assert_int_eq(totals.records, 30);

    /* a path on both sides, left out of one */
    result = merge_with(&l, l.base, source, append(&l, l.base, "import"), &options, NULL, &err);
    ck_assert_str_eq(all_files(&l, result->metadata), "base import s");

    /* nothing is left to bring */
    result = merge_with(&l, l.base, append(&l, l.base, "import"), target, &options, NULL, &err);
    ck_assert_str_eq(result->location, target->location);

    /* one that the source does not have is no matter, unless its rows may lie elsewhere now */
    options.n_skip = 2;
    ck_assert_ptr_nonnull(merge_with(&l, l.base, source, target, &options, NULL, &err));
    struct table_version *moved = overwrite(&l, append(&l, l.base, "import"), "import", "packed");
    options.n_skip = 1;
    ck_assert_ptr_null(merge_with(&l, l.base, moved, l.base, &options, NULL, &err));
    ck_assert_int_eq(err.code, CORRIE_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "cannot be left out"));
}
END_TEST

/* A lake that was moved spells the same file in two ways. */
START_TEST(paths_are_compared_where_they_are_now)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    LINES(l);
    struct str older[] = {STR("file:///old/lake")};
    struct table_version *source = append(&l, l.base, "x");
    struct data_file file = line_file(&l, l.base, "x");
    _version_ struct table_version target = {0};

    file.path = STR("file:///old/lake/data/shop/x");
    l.f.io.older_roots = older;
    l.f.io.n_older_roots = 1;
    ck_ok(snapshot_append(&l.f.io, l.base->metadata, base_location(l.base), NULL, &file, 1, NULL,
                          &target, &err),
          &err);
    ck_conflicts(&l, source, &target, "both added the file");
    struct snapshot_merge_options options = {.skip = &file.path, .n_skip = 1};
    struct table_version *result = merge_with(&l, l.base, source, &target, &options, NULL, &err);
    ck_assert_str_eq(all_files(&l, result->metadata), "base x");
}
END_TEST

SUITE(merge_suite, "merge", appends_of_both_sides_land, the_targets_history_goes_on,
      a_table_merges_from_nothing, merged_manifests_bring_new_files_only, a_branch_merges_again,
      overwrites_of_a_whole_table_conflict, disjoint_partitions_may_be_overwritten,
      an_overwrite_is_told_as_one, partitions_of_two_specs_cannot_be_compared,
      a_base_that_a_side_did_not_come_from, a_partition_goes_back, expired_snapshots_need_evidence,
      a_file_of_both_sides_counts_once, paths_are_compared_where_they_are_now)
