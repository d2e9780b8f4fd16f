/* Merging beside delete files: a row that was deleted stays so, and no other goes. */
#include "lines.h"

START_TEST(equality_deletes_conflict)
{
    PARTITIONED(l);
    struct table_version *deleted = delete_equal(&l, l.base, "eq@a");

    ck_conflicts(&l, deleted, append(&l, l.base, "x@b"), "added equality deletes");
    ck_conflicts(&l, deleted, l.base, "added equality deletes");

    /* those that the base has apply to older files alone: what comes is newer */
    l.base = deleted;
    struct table_version *result = merged(&l, append(&l, l.base, "s@a"), append(&l, l.base, "t@a"));
    ck_assert_str_eq(all_files(&l, result->metadata), "base base_b eq s t");
    ck_assert_int_gt(sequence_of(&l, result->metadata, "s"),
                     sequence_of(&l, result->metadata, "eq"));
}
END_TEST

/* Deletes of the base's rows come with the base's number: what the target added since is out of their reach. */
START_TEST(deletes_of_the_bases_rows_come)
{
    PARTITIONED(l);
    int64_t base_number = l.base->metadata->last_sequence_number;
    struct table_version *named = delete_rows(&l, l.base, "d@a", "base");
    struct table_version *between = delete_between(&l, l.base, "d@a", "base", "zzz");
    struct table_version *silent = delete_between(&l, l.base, "d@a", "", "");
    struct table_version *target = append(&l, l.base, "t@a");

    for (int i = 0; i < 3; i++) {
        struct table_version *source = i == 0 ? named : i == 1 ? between : silent;
        ck_merges(&l, source, target, "base base_b d t");
        struct table_version *result = merged(&l, source, target);
        ck_assert_int_eq(sequence_of(&l, result->metadata, "d"), base_number);
        ck_assert_int_gt(sequence_of(&l, result->metadata, "t"), base_number);
        /* and the other way round the new file is newer than the deletes */
        result = merged(&l, target, source);
        ck_assert_int_gt(sequence_of(&l, result->metadata, "t"),
                         sequence_of(&l, result->metadata, "d"));
    }
}
END_TEST

START_TEST(deletes_of_own_rows_come)
{
    PARTITIONED(l);
    struct table_version *source = delete_rows(&l, append(&l, l.base, "s@a"), "d@a", "s");
    struct table_version *target = append(&l, l.base, "t@a");
    struct table_version *result = merged(&l, source, target);

    ck_merges(&l, source, target, "base base_b d s t");
    ck_assert_int_eq(sequence_of(&l, result->metadata, "d"),
                     sequence_of(&l, result->metadata, "s"));

    /* which of its own and the other side's files it names is not known */
    source = delete_between(&l, append(&l, l.base, "s@a"), "d@a", "", "");
    ck_refuses(&l, source, target, "may concern a file that the target added");
    ck_assert_str_eq(all_files(&l, merged(&l, target, source)->metadata), "base base_b d s t");
    ck_merges(&l, source, append(&l, l.base, "t@b"), "base base_b d s t");
    source = delete_between(&l, append(&l, l.base, "s@a"), "d@a", "a", "s");
    ck_merges(&l, source, append(&l, l.base, "t@a"), "base base_b d s t");
    /* with one number it would reach a file that came after it */
    source = append(&l, delete_between(&l, append(&l, l.base, "s@a"), "d@a", "a", "zzz"), "s2@a");
    ck_refuses(&l, source, target, "may concern a file that the source added");
}
END_TEST

START_TEST(deletes_of_the_others_rows_conflict)
{
    PARTITIONED(l);
    struct table_version *target = append(&l, l.base, "t@a");

    /* a file that was taken over, its rows deleted, and removed again: its deletes may stay behind */
    struct table_version *source = delete_rows(&l, l.base, "d@b", "t");
    ck_conflicts(&l, source, target, "may concern a file that");
    /* deletes in a partition that the other side overwrote are lost in its new files */
    ck_conflicts(&l, delete_rows(&l, l.base, "d@a", "base"), overwrite(&l, l.base, "@a", "new@a"),
                 "partition part = a");
    ck_merges(&l, delete_rows(&l, l.base, "d@a", "base"), overwrite(&l, l.base, "@b", "new@b"),
              "base d new");
}
END_TEST

/* Both may have changed one row: its two new versions would both be there. */
START_TEST(updates_of_one_file_conflict)
{
    PARTITIONED(l);
    struct table_version *source = update(&l, l.base, "d1@a", "base", "s@a");
    struct table_version *target = update(&l, l.base, "d2@a", "base", "t@a");

    ck_conflicts(&l, source, target, "both have deleted rows of one file");
    ck_merges(&l, source, update(&l, l.base, "d2@b", "base_b", "t@b"), "base base_b d1 d2 s t");
    ck_merges(&l, source, append(&l, l.base, "t@a"), "base base_b d1 s t");
    ck_conflicts(&l, delete_between(&l, l.base, "d1@a", "b", "c"),
                 delete_between(&l, l.base, "d2@a", "c", "d"), "of one file");
    ck_merges(&l, delete_between(&l, l.base, "d1@a", "b", "bzz"),
              delete_between(&l, l.base, "d2@a", "c", "d"), "base base_b d1 d2");
    ck_conflicts(&l, delete_between(&l, l.base, "d1@a", "", ""),
                 delete_between(&l, l.base, "d2@a", "c", "d"), "of one file");
}
END_TEST

START_TEST(deletes_of_a_file_left_out_conflict)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    PARTITIONED(l);
    struct table_version *source = delete_rows(&l, append(&l, l.base, "s@a"), "d@a", "s");
    struct table_version *target = append(&l, l.base, "t@a");
    struct str skip = line_file(&l, source, "s").path;
    struct snapshot_merge_options options = {.skip = &skip, .n_skip = 1};

    ck_assert_ptr_null(merge_with(&l, l.base, source, target, &options, NULL, &err));
    ck_assert_int_eq(err.code, CORRIE_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "has in another file"));
}
END_TEST

/* A compaction that removes the base's files and deletes is an overwrite of their partition. */
START_TEST(deletes_that_went_go)
{
    PARTITIONED(l);

    l.base = delete_rows(&l, l.base, "d@a", "base");
    struct table_version *source = overwrite(&l, l.base, "@a", "packed@a");
    ck_assert_str_eq(all_files(&l, source->metadata), "base_b packed");
    struct table_version *result = merged(&l, source, append(&l, l.base, "t@b"));
    ck_assert_str_eq(all_files(&l, result->metadata), "base_b packed t");
    ck_merges(&l, source, append(&l, l.base, "t@b"), "base_b packed t");
    ck_conflicts(&l, source, append(&l, l.base, "t@a"), "partition part = a");
}
END_TEST

/* The merged table goes on to be merged: kinds of changes are still told apart. */
START_TEST(a_merge_of_deletes_is_one_too)
{
    PARTITIONED(l);
    struct table_version *source = update(&l, l.base, "d@a", "base", "s@a");
    struct table_version *result = merged(&l, source, append(&l, l.base, "t@a"));
    const struct snapshot *snapshot = metadata_current_snapshot(result->metadata);
    struct str value = STR_EMPTY;

    ck_str_eq(snapshot->operation, STR("overwrite"));
    ck_assert(snapshot_summary(snapshot, "added-position-deletes", &value));
    ck_str_eq(value, STR("10"));
    ck_assert(snapshot_summary(snapshot, "total-position-deletes", &value));
    ck_str_eq(value, STR("10"));
    ck_assert(snapshot_summary(snapshot, "total-delete-files", &value));
    ck_str_eq(value, STR("1"));
    ck_merges(&l, result, append(&l, l.base, "more@a"), "base base_b d more s t");
}
END_TEST

SUITE(merge_deletes_suite, "merge_deletes", equality_deletes_conflict,
      deletes_of_the_bases_rows_come, deletes_of_own_rows_come, deletes_of_the_others_rows_conflict,
      updates_of_one_file_conflict, deletes_of_a_file_left_out_conflict, deletes_that_went_go,
      a_merge_of_deletes_is_one_too)
