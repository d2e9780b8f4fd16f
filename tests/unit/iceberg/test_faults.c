/* Every failing operation and allocation (of these every few, unless CORRIE_TORTURE is set): the table is as it was,
 * and nothing is reported that is not so. */
#include "iceberg/alter.h"
#include "iceberg/history.h"
#include "iceberg/name_mapping.h"
#include "lines.h"
#include "os/fault.h"

enum change { APPEND, REPLACE, OVERWRITE, ROW_DELTA, MERGE, MERGE_OVERWRITE, DOCUMENT, N_CHANGES };

struct ground {
    struct lines lines;
    struct table_version *source[N_CHANGES]; /* of merges */
    struct table_version *now;
    const char *files;     /* that it has */
    struct data_file file; /* to be added */
};

static struct ground ground_new(void)
{
    struct ground ground = {.lines = lines_new_partitioned()};
    struct lines *l = &ground.lines;
    struct table_version *base = l->base = delete_rows(l, l->base, "old@a", "base");

    ground.source[MERGE] = update(l, append(l, base, "s1@a"), "d@a", "s1", "s2@a");
    ground.source[MERGE_OVERWRITE] = add_column(l, overwrite(l, base, "@a", "s3@a"), "age");
    ground.source[DOCUMENT] = set_property(l, add_column(l, base, "age"), "k", "v");
    ground.now = append(l, append(l, base, "t@b"), "t2@c");
    ground.files = all_files(l, ground.now->metadata);
    ground.file = line_file(l, ground.now, "new@a");
    return ground;
}

static void ground_done(struct ground *ground)
{
    lines_done(&ground->lines);
}

/* Makes one change of the table; what `version` says must then be there. */
static int change(struct ground *ground, enum change kind, corrie_error *err)
{
    const struct table_io *io = &ground->lines.f.io;
    const struct table_version *base = ground->now;
    struct snapshot_options options = {.merge_manifests_at = 2};
    struct snapshot_merge_options merging = {.snapshot = &options};
    struct partition_value tuple = {STR("a")};
    struct partition_key key = {1, &tuple, 1};
    struct file_removal removal = {.partitions = &key, .n_partitions = 1};
    struct data_file file = ground->file;
    struct str location = base_location(base);
    _version_ struct table_version version = {0};
    int r = 0;

    switch (kind) {
    case APPEND:
        r = snapshot_append(io, base->metadata, location, NULL, &file, 1, &options, &version, err);
        break;
    case REPLACE:
        r = snapshot_replace(io, base->metadata, location, NULL, &file, 1, &options, &version, err);
        break;
    case OVERWRITE:
        r = snapshot_overwrite(io, base->metadata, location, NULL, &file, 1, &removal, &options,
                               &version, err);
        break;
    case ROW_DELTA:
        file.content = FILE_CONTENT_POSITION_DELETES;
        r = snapshot_row_delta(io, base->metadata, location, &file, 1, &options, &version, err);
        break;
    default:
        r = snapshot_merge(io, ground->lines.base->metadata, ground->source[kind]->metadata,
                           base->metadata, location, &merging, NULL, &version, err);
    }
    ck_assert_int_eq(r >= 0, version.metadata != NULL);
    ck_assert_int_eq(r >= 0, version.location != NULL);
    return r;
}

START_TEST(each_failing_operation_leaves_the_table)
{
    _cleanup_(ground_done) struct ground ground = ground_new();
    int failures = 0;

    for (int k = 1;; k++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        char spec[200];
        snprintf(spec, sizeof spec, "op=any,at=%d,errno=%s", k, k % 2 ? "ENOSPC" : "EIO");
        ck_ok(os_fault_arm(spec, &err), &err);
        int r = change(&ground, (enum change)_i, &err);
        bool fired = os_fault_hits() > 0;
        os_fault_disarm();
        if (r < 0) {
            ck_assert_msg(r == CORRIE_E_NO_SPACE || r == CORRIE_E_IO, "%s",
                          corrie_error_message(&err));
            failures++;
        }
        ck_assert_str_eq(all_files(&ground.lines, ground.now->metadata), ground.files);
        if (!fired) {
            ck_assert_msg(r >= 0, "%s", corrie_error_message(&err));
            break;
        }
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

START_TEST(each_failing_allocation_is_an_error)
{
    _cleanup_(ground_done) struct ground ground = ground_new();
    uint64_t step = getenv("CORRIE_TORTURE") ? 1 : 17;

    for (uint64_t k = 1 + (uint64_t)_i % step;; k += step) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        os_fault_arm_alloc(k, 0);
        int r = change(&ground, (enum change)_i, &err);
        uint64_t count = os_fault_alloc_count();
        os_fault_arm_alloc(0, 0);
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %llu: %s",
                      (unsigned long long)k, corrie_error_message(&err));
        if (count < k) {
            ck_assert_int_ge(r, 0);
            break;
        }
    }
    ck_assert_str_eq(all_files(&ground.lines, ground.now->metadata), ground.files);
}
END_TEST

/* ---- what writes nothing ---- */

enum look { SCAN, COLUMNS, SPEC, SORT, EXPIRE, N_LOOKS };

/* A table with a name mapping, deletes and several specs. */
static struct table_version *rich_table(struct ground *ground)
{
    static const char *const mapping =
        "[{\"field-id\":1,\"names\":[\"id\"]},{\"field-id\":2,\"names\":[\"name\",\"n\"]}]";
    struct lines *l = &ground->lines;
    struct table_version *version = update(l, ground->now, "d@b", "t", "u@b");

    version = partition_by(l, version, 1, "bucket[4]");
    return set_property(l, version, NAME_MAPPING_PROPERTY, mapping);
}

static int note(void *arg, const struct visited_file *file, corrie_error *err)
{
    (void)file;
    (void)err;
    ++*(int *)arg;
    return 0;
}

static int expire(const struct table_io *io, const struct table_metadata *table, corrie_error *err)
{
    _metadata_ struct table_metadata *made = NULL;
    const struct expire_options all = {.older_than_ms = INT64_MAX};
    size_t n_expired = 0;
    int n_freed = 0;

    int r = metadata_expire(table, &all, 0, &made, &n_expired, err);
    r = r < 0 ? r : history_freed(io, table, made, note, &n_freed, err);
    if (r >= 0) {
        ck_assert_int_ge(n_freed, (int)n_expired);
    }
    return r;
}

static int look(const struct table_io *io, const struct table_metadata *table, enum look kind,
                corrie_error *err)
{
    static const struct type type = {.kind = TYPE_LONG};
    const struct str name = STR("name");
    const struct str born = STR("born");
    const struct column_edit edits[] = {
        {COLUMN_RENAME, .path = &name, .n_path = 1, .name = STR("title")},
        {COLUMN_ADD, .path = &born, .n_path = 1, .type = &type, .place = PLACE_FIRST},
        {COLUMN_MOVE, .path = &born, .n_path = 1, .place = PLACE_AFTER, .beside = STR("title")}};
    const struct spec_edit specs[] = {{SPEC_ADD, .term = {2, STR("truncate[1]"), STR_EMPTY}},
                                      {SPEC_DROP, .field = STR("part")}};
    const struct sort_term terms[] = {{2, STR("identity"), true, false}};
    const struct predicate predicates[] = {{2, PREDICATE_GE, STR("a")},
                                           {2, PREDICATE_LT, STR("x")}};
    _metadata_ struct table_metadata *made = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    struct scan scan;

    switch (kind) {
    case SCAN:
        return scan_plan(io, table, NULL, predicates, 2, &arena, &scan, err);
    case COLUMNS:
        return metadata_with_columns(table, edits, ARRAY_LEN(edits), 0, &made, err);
    case SPEC:
        return metadata_with_spec_edits(table, specs, ARRAY_LEN(specs), 0, &made, err);
    case SORT:
        return metadata_with_sort_order(table, terms, 1, 0, &made, err);
    default:
        return expire(io, table, err);
    }
}

START_TEST(each_failing_allocation_of_a_look_is_an_error)
{
    _cleanup_(ground_done) struct ground ground = ground_new();
    const struct table_version *version = rich_table(&ground);
    uint64_t step = getenv("CORRIE_TORTURE") ? 1 : 5;

    for (uint64_t k = 1 + (uint64_t)_i % step;; k += step) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        os_fault_arm_alloc(k, 0);
        int r = look(&ground.lines.f.io, version->metadata, (enum look)_i, &err);
        uint64_t count = os_fault_alloc_count();
        os_fault_arm_alloc(0, 0);
        ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "allocation %llu: %s",
                      (unsigned long long)k, corrie_error_message(&err));
        if (count < k) {
            ck_assert_msg(r >= 0, "%s", corrie_error_message(&err));
            break;
        }
        ck_assert_msg(r < 0 || _i == SCAN, "allocation %llu of %d: it went unnoticed",
                      (unsigned long long)k, _i);
    }
}
END_TEST

Suite *faults_suite(void);
Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tcase = tcase_create("faults");

    tcase_set_timeout(tcase, getenv("CORRIE_TORTURE") ? 3600 : 60);
    tcase_add_loop_test(tcase, each_failing_operation_leaves_the_table, 0, N_CHANGES);
    tcase_add_loop_test(tcase, each_failing_allocation_is_an_error, 0, N_CHANGES);
    tcase_add_loop_test(tcase, each_failing_allocation_of_a_look_is_an_error, 0, N_LOOKS);
    suite_add_tcase(suite, tcase);
    return suite;
}
