/* Planning: a file pruned wrongly is rows missing from an answer. */
#include "fixture.h"
#include "iceberg/tree.h"

#include <math.h>

static struct str long_value(struct fixture *f, int64_t value)
{
    char *bytes = arena_alloc(&f->arena, 1, 8);
    memcpy(bytes, &value, 8);
    return (struct str){bytes, 8};
}

static struct str double_value(struct fixture *f, double value)
{
    char *bytes = arena_alloc(&f->arena, 1, 8);
    memcpy(bytes, &value, 8);
    return (struct str){bytes, 8};
}

START_TEST(bounds_prune)
{
    FIXTURE(f);
    _metadata_ struct table_metadata *table = new_table(&f, &people);
    const struct schema *schema = metadata_schema(table);
    struct data_file file = file_of(&f, "a", 10, 5, 9); /* id in 5 … 9, name in ann … zoe, 1 null */
    const struct {
        enum predicate_op op;
        int64_t value;
        bool match;
    } cases[] = {
        {PREDICATE_EQ, 4, false},  {PREDICATE_EQ, 5, true},   {PREDICATE_EQ, 9, true},
        {PREDICATE_EQ, 10, false}, {PREDICATE_LT, 5, false},  {PREDICATE_LT, 6, true},
        {PREDICATE_LE, 4, false},  {PREDICATE_LE, 5, true},   {PREDICATE_GT, 9, false},
        {PREDICATE_GT, 8, true},   {PREDICATE_GE, 10, false}, {PREDICATE_GE, 9, true},
        {PREDICATE_NE, 7, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct predicate p = {1, cases[i].op, long_value(&f, cases[i].value)};
        ck_assert_msg(scan_may_match(schema, &file, &p, 1) == cases[i].match, "op %d value %lld",
                      cases[i].op, (long long)cases[i].value);
    }
    struct data_file constant = file_of(&f, "a", 10, 7, 7);
    ck_assert(!scan_may_match(schema, &constant,
                              &(struct predicate){1, PREDICATE_NE, long_value(&f, 7)}, 1));

    /* nulls: id has none, name one, price nothing else */
    ck_assert(!scan_may_match(schema, &file,
                              &(struct predicate){.field_id = 1, .op = PREDICATE_IS_NULL}, 1));
    ck_assert(scan_may_match(schema, &file,
                             &(struct predicate){.field_id = 2, .op = PREDICATE_IS_NULL}, 1));
    ck_assert(scan_may_match(schema, &file,
                             &(struct predicate){.field_id = 2, .op = PREDICATE_NOT_NULL}, 1));
    ck_assert(!scan_may_match(schema, &file,
                              &(struct predicate){.field_id = 3, .op = PREDICATE_NOT_NULL}, 1));
    ck_assert(!scan_may_match(schema, &file,
                              &(struct predicate){3, PREDICATE_GT, double_value(&f, 1)}, 1));

    /* what is not known does not prune */
    ck_assert(scan_may_match(schema, &file, &(struct predicate){9, PREDICATE_EQ, STR("x")}, 1));
    file.columns[0].lower = file.columns[0].upper = (struct str){NULL, 0};
    ck_assert(
        scan_may_match(schema, &file, &(struct predicate){1, PREDICATE_EQ, long_value(&f, 99)}, 1));
    file.columns[0].lower = file.columns[0].upper = STR("odd");
    ck_assert(
        scan_may_match(schema, &file, &(struct predicate){1, PREDICATE_EQ, long_value(&f, 99)}, 1));
    file.n_columns = 0;
    ck_assert(
        scan_may_match(schema, &file, &(struct predicate){1, PREDICATE_EQ, long_value(&f, 99)}, 1));
    ck_assert(scan_may_match(schema, &file,
                             &(struct predicate){.field_id = 1, .op = PREDICATE_IS_NULL}, 1));
}
END_TEST

/* Bounds leave NaN out, comparisons rank it above all numbers. */
START_TEST(nans_are_not_lost)
{
    FIXTURE(f);
    _metadata_ struct table_metadata *table = new_table(&f, &people);
    const struct schema *schema = metadata_schema(table);
    struct data_file file = file_of(&f, "a", 10, 0, 0);
    struct predicate above = {3, PREDICATE_GT, double_value(&f, 5)};
    struct predicate not_two = {3, PREDICATE_NE, double_value(&f, 2)};
    struct predicate is_nan = {3, PREDICATE_EQ, double_value(&f, NAN)};
    struct predicate below_nan = {3, PREDICATE_LT, double_value(&f, NAN)};

    file.columns[2] =
        (struct column_metrics){3, 1, 10, 0, 0, double_value(&f, 2), double_value(&f, 2)};
    ck_assert(!scan_may_match(schema, &file, &above, 1));
    ck_assert(!scan_may_match(schema, &file, &not_two, 1));
    ck_assert(!scan_may_match(schema, &file, &is_nan, 1));
    ck_assert(scan_may_match(schema, &file, &below_nan, 1));
    static const int64_t some[] = {1, FILE_UNKNOWN};
    for (size_t i = 0; i < ARRAY_LEN(some); i++) {
        file.columns[2].nan_count = some[i];
        ck_assert(scan_may_match(schema, &file, &above, 1));
        ck_assert(scan_may_match(schema, &file, &not_two, 1));
        ck_assert(scan_may_match(schema, &file, &is_nan, 1));
    }
}
END_TEST

START_TEST(scans_are_pruned_and_counted)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _metadata_ struct table_metadata *base = new_table(&f, &people);
    _version_ struct table_version version = {0};
    struct data_file files[] = {file_of(&f, "a", 10, 0, 9), file_of(&f, "b", 20, 10, 19),
                                file_of(&f, "c", 30, 20, 29), file_of(&f, "d", 0, 0, 99)};
    struct predicate predicates[] = {{1, PREDICATE_GE, long_value(&f, 10)},
                                     {1, PREDICATE_LT, long_value(&f, 20)}};
    struct scan scan;

    ck_ok(snapshot_append(&f.io, base, STR_EMPTY, NULL, files, 4, NULL, &version, &err), &err);
    ck_ok(scan_plan(&f.io, version.metadata, NULL, predicates, 2, &f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 1);
    ck_assert_uint_eq(scan.n_pruned, 3);
    ck_assert_int_eq(scan.records, 20);
    ck_assert_int_eq(scan.bytes, 2000);
    ck_str_eq(scan.files[0].path, files[1].path);
    /* a table that never had rows */
    ck_ok(scan_plan(&f.io, base, NULL, NULL, 0, &f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 0);
}
END_TEST

START_TEST(scans_follow_a_moved_lake)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version version = append_one(&f, NULL, "a");
    _free_ char *from = in(f.scratch, "lake");
    _free_ char *to = in(f.scratch, "moved");
    const struct str old_root = f.io.root;
    _metadata_ struct table_metadata *read = NULL;
    struct scan scan;

    ck_assert_int_eq(rename(from, to), 0);
    f.store = store_close(f.store);
    ck_ok(store_open(str_of(to), &f.store, &err), &err);
    f.io.store = f.store;
    ck_ok(location_of_store(f.store, &f.arena, &f.io.root, &err), &err);
    ck_fails(metadata_read(&f.io, str_of(version.location), &read, &err), CORRIE_E_NOT_FOUND, &err);
    f.io.older_roots = &old_root;
    f.io.n_older_roots = 1;
    ck_ok(metadata_read(&f.io, str_of(version.location), &read, &err), &err);
    ck_ok(scan_plan(&f.io, read, NULL, NULL, 0, &f.arena, &scan, &err), &err);
    ck_assert_uint_eq(scan.n_files, 1);
    ck_assert(str_starts(scan.files[0].path, f.io.root));
}
END_TEST

/* Replaces the bytes of a manifest of the current snapshot by `bytes`. */
static struct str manifest_key(struct fixture *f, const struct table_metadata *metadata)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    struct str key;
    ck_ok(tree_manifests(&f->io, metadata, metadata_current_snapshot(metadata), &f->arena, &list,
                         &err),
          &err);
    ck_ok(location_key(&f->io, list.items[0].path, &f->arena, &key, &err), &err);
    return key;
}

START_TEST(missing_and_short_manifests_are_named)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version version = append_one(&f, NULL, "a");
    _cleanup_(buf_done) struct buf bytes = {0};
    struct str key = manifest_key(&f, version.metadata);
    struct scan scan;

    ck_ok(store_get(f.store, key, 1 << 20, &bytes, NULL, &err), &err);
    ck_ok(store_put(f.store, key, str_make(bytes.data, bytes.len - 1), &err), &err);
    ck_assert_int_eq(scan_plan(&f.io, version.metadata, NULL, NULL, 0, &f.arena, &scan, &err),
                     CORRIE_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "-m0.avro"));
    corrie_error_clear(&err);
    ck_ok(store_delete(f.store, key, &err), &err);
    ck_assert_int_eq(scan_plan(&f.io, version.metadata, NULL, NULL, 0, &f.arena, &scan, &err),
                     CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "-m0.avro"));
}
END_TEST

struct seen {
    int lists, manifests, data, failed;
    bool skip_manifests;
};

static int see(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct seen *seen = arg;
    (void)err;
    seen->lists += file->kind == FILE_MANIFEST_LIST;
    seen->manifests += file->kind == FILE_MANIFEST;
    seen->data += file->kind == FILE_DATA;
    ck_assert((file->kind == FILE_DATA) == (file->file != NULL));
    return file->kind == FILE_MANIFEST && seen->skip_manifests;
}

static int refuse(void *arg, const struct visited_file *file, corrie_error *err)
{
    (void)arg;
    return corrie_fail(err, CORRIE_E_FAILED, "seen %d", file->kind);
}

/* What gc keeps and fsck checks. */
START_TEST(every_file_is_visited)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _version_ struct table_version second = append_one(&f, &first, "b");
    struct seen seen = {0};
    struct seen current = {0};
    struct seen skipped = {.skip_manifests = true};

    ck_ok(scan_visit(&f.io, second.metadata, NULL, see, &seen, &err), &err);
    ck_assert_int_eq(seen.lists, 2);
    ck_assert_int_eq(seen.manifests, 2); /* shared by both snapshots, visited once */
    ck_assert_int_eq(seen.data, 2);
    ck_ok(scan_visit(&f.io, second.metadata,
                     metadata_snapshot_by_id(second.metadata, first.snapshot_id), see, &current,
                     &err),
          &err);
    ck_assert_int_eq(current.lists, 1);
    ck_assert_int_eq(current.data, 1);
    ck_ok(scan_visit(&f.io, second.metadata, NULL, see, &skipped, &err), &err);
    ck_assert_int_eq(skipped.data, 0);
    ck_fails(scan_visit(&f.io, second.metadata, NULL, refuse, NULL, &err), CORRIE_E_FAILED, &err);
}
END_TEST

static int note_failed(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct seen *seen = arg;

    ck_assert_int_eq(file->kind, FILE_MANIFEST);
    ck_assert_int_eq(err->code, CORRIE_E_NOT_FOUND);
    corrie_error_clear(err);
    seen->failed++;
    return 0;
}

/* One bad manifest must not hide from fsck what else is missing. */
START_TEST(a_bad_manifest_hides_no_other)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _version_ struct table_version second = append_one(&f, &first, "b");
    struct seen seen = {0};

    ck_ok(store_delete(f.store, manifest_key(&f, first.metadata), &err), &err);
    ck_ok(scan_visit_all(&f.io, second.metadata, see, note_failed, &seen, &err), &err);
    ck_assert_int_eq(seen.failed, 1);
    ck_assert_int_eq(seen.lists, 2);
    ck_assert_int_eq(seen.manifests, 2);
    ck_assert_int_eq(seen.data, 1);
    ck_fails(scan_visit(&f.io, second.metadata, NULL, see, &seen, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

SUITE(scan_suite, "scan", bounds_prune, nans_are_not_lost, scans_are_pruned_and_counted,
      scans_follow_a_moved_lake, missing_and_short_manifests_are_named, every_file_is_visited,
      a_bad_manifest_hides_no_other)
