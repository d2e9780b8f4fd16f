/* Two lines of appends: both sides' rows are there afterwards, or it is a conflict. */
#include "fixture.h"

struct lines {
    struct table_version base, ours, theirs;
};

static void lines_done(struct lines *lines)
{
    table_version_done(&lines->base);
    table_version_done(&lines->ours);
    table_version_done(&lines->theirs);
}

static struct lines lines_new(struct fixture *f)
{
    struct lines lines = {.base = append_one(f, NULL, "base")};
    struct table_version ours = append_one(f, &lines.base, "ours1");
    struct table_version theirs = append_one(f, &lines.base, "theirs1");
    lines.ours = append_one(f, &ours, "ours2");
    lines.theirs = append_one(f, &theirs, "theirs2");
    table_version_done(&ours);
    table_version_done(&theirs);
    return lines;
}

static int merge(struct fixture *f, const struct lines *lines, struct table_version *ret,
                 corrie_error *err)
{
    return snapshot_merge(&f->io, lines->base.metadata, lines->ours.metadata,
                          lines->theirs.metadata, base_location(&lines->theirs), NULL, NULL, ret,
                          err);
}

START_TEST(appends_of_both_sides_land)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _cleanup_(lines_done) struct lines lines = lines_new(&f);
    _version_ struct table_version merged = {0};

    ck_ok(snapshot_merge(&f.io, lines.base.metadata, lines.ours.metadata, lines.theirs.metadata,
                         base_location(&lines.theirs),
                         &(struct snapshot_merge_options){.dry_run = true}, NULL, &merged, &err),
          &err);
    ck_assert_ptr_null(merged.metadata);
    ck_ok(merge(&f, &lines, &merged, &err), &err);
    ck_assert_str_eq(scanned(&f, merged.metadata), "base theirs1 theirs2 ours1 ours2");
    ck_assert_int_eq(merged.records, 50);
    ck_assert_int_eq(metadata_current_snapshot(merged.metadata)->parent_id,
                     lines.theirs.snapshot_id);

    /* onto a side that did nothing, and of one that did nothing */
    struct lines one = {.base = lines.base, .ours = lines.ours, .theirs = lines.base};
    _version_ struct table_version forward = {0};
    ck_ok(merge(&f, &one, &forward, &err), &err);
    ck_assert_str_eq(scanned(&f, forward.metadata), "base ours1 ours2");
}
END_TEST

START_TEST(a_table_merges_from_nothing)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *empty = new_table(&f, &people);
    struct data_file a = file_of(&f, "a", 1, 0, 0);
    struct data_file b = file_of(&f, "b", 1, 0, 0);
    _version_ struct table_version ours = {0};
    _version_ struct table_version theirs = {0};
    _version_ struct table_version merged = {0};

    ck_ok(snapshot_append(&f.io, empty, STR_EMPTY, NULL, &a, 1, NULL, &ours, &err), &err);
    ck_ok(snapshot_append(&f.io, empty, STR_EMPTY, NULL, &b, 1, NULL, &theirs, &err), &err);
    ck_ok(snapshot_merge(&f.io, empty, ours.metadata, theirs.metadata, base_location(&theirs), NULL,
                         NULL, &merged, &err),
          &err);
    ck_assert_str_eq(scanned(&f, merged.metadata), "b a");
}
END_TEST

/* Manifests merged on our side hold older entries too: only the new ones may come. */
START_TEST(merged_manifests_bring_new_files_only)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _cleanup_(lines_done) struct lines lines = lines_new(&f);
    struct data_file file = file_of(&f, "ours3", 10, 0, 0);
    struct snapshot_options options = {.merge_manifests_at = 2};
    struct table_version ours = {0};
    _version_ struct table_version merged = {0};

    ck_ok(snapshot_append(&f.io, lines.ours.metadata, base_location(&lines.ours), NULL, &file, 1,
                          &options, &ours, &err),
          &err);
    table_version_done(&lines.ours);
    lines.ours = ours;
    ck_ok(merge(&f, &lines, &merged, &err), &err);
    ck_assert_str_eq(scanned(&f, merged.metadata), "base theirs1 theirs2 ours1 ours2 ours3");
}
END_TEST

START_TEST(more_than_appends_conflict)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _cleanup_(lines_done) struct lines lines = lines_new(&f);
    struct table_version replaced = {0};
    struct table_version merged = {0};
    struct lines other;

    ck_ok(snapshot_replace(&f.io, lines.theirs.metadata, base_location(&lines.theirs), NULL, NULL,
                           0, NULL, &replaced, &err),
          &err);
    other = lines;
    other.theirs = replaced;
    ck_fails(merge(&f, &other, &merged, &err), CORRIE_E_CONFLICT, &err);
    other.ours = replaced;
    other.theirs = lines.theirs;
    ck_fails(merge(&f, &other, &merged, &err), CORRIE_E_CONFLICT, &err);
    table_version_done(&replaced);

    other = lines; /* not from this base */
    other.base = lines.theirs;
    ck_fails(merge(&f, &other, &merged, &err), CORRIE_E_CONFLICT, &err);

    _version_ struct table_version stranger = append_one(&f, NULL, "stranger");
    other = lines;
    other.theirs = stranger;
    ck_fails(merge(&f, &other, &merged, &err), CORRIE_E_CONFLICT, &err);

    /* the same file on both sides would be counted twice */
    _version_ struct table_version same = append_one(&f, &lines.theirs, "ours1");
    other = lines;
    other.theirs = same;
    ck_fails(merge(&f, &other, &merged, &err), CORRIE_E_CONFLICT, &err);
}
END_TEST

static struct table_version with_column(struct fixture *f, const struct table_version *base,
                                        const char *name, enum type_kind kind)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct field field = {.name = str_of(name), .type = {.kind = kind}};
    struct data_file file = file_of(f, name, 1, 0, 0);
    struct table_version version = {0};
    struct schema schema;

    ck_ok(metadata_extended_schema(base->metadata, &field, 1, &f->arena, &schema, &err), &err);
    ck_ok(snapshot_append(&f->io, base->metadata, base_location(base), &schema, &file, 1, NULL,
                          &version, &err),
          &err);
    return version;
}

START_TEST(one_side_may_evolve)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _cleanup_(lines_done) struct lines lines = lines_new(&f);
    _version_ struct table_version ours = with_column(&f, &lines.ours, "age", TYPE_INT);
    _version_ struct table_version theirs = with_column(&f, &lines.theirs, "size", TYPE_INT);
    _version_ struct table_version merged = {0};
    _version_ struct table_version other_way = {0};
    struct lines one = lines;

    one.ours = ours;
    ck_ok(merge(&f, &one, &merged, &err), &err);
    ck_str_eq(metadata_schema(merged.metadata)->fields[3].name, STR("age"));
    one = lines;
    one.theirs = theirs;
    ck_ok(merge(&f, &one, &other_way, &err), &err);
    ck_str_eq(metadata_schema(other_way.metadata)->fields[3].name, STR("size"));

    one.ours = ours; /* both gave field id 4 a meaning */
    struct table_version none = {0};
    ck_fails(merge(&f, &one, &none, &err), CORRIE_E_CONFLICT, &err);
}
END_TEST

SUITE(merge_suite, "merge", appends_of_both_sides_land, a_table_merges_from_nothing,
      merged_manifests_bring_new_files_only, more_than_appends_conflict, one_side_may_evolve)
