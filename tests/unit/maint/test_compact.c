/* Which files are worth writing anew: too many cost time at each compaction, too few leave a table slow, and a file of
 * deletes that goes too early brings rows back. */
#include "maint/compact.h"

#include "tests/unit/check.h"

static struct data_file file_of(int64_t bytes, struct partition_value *partition)
{
    return (struct data_file){
        .bytes = bytes, .record_count = 1, .partition = partition, .n_partition = 1};
}

static void expect(const size_t *items, size_t n, const size_t *wanted, size_t n_wanted)
{
    ck_assert_uint_eq(n, n_wanted);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(items[i], wanted[i]);
    }
}

START_TEST(test_small_files_of_one_partition_are_joined)
{
    struct partition_value a = {STR("a")};
    struct partition_value b = {STR("b")};
    struct partition_value null = {{NULL, 0}};
    struct data_file files[] = {file_of(10, &a), file_of(10, &b),    file_of(49, &a),
                                file_of(50, &a), file_of(10, &null), file_of(10, &a)};
    const struct scan scan = {.files = files, .n_files = ARRAY_LEN(files)};
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct compact_plan plan;

    ck_ok(compact_plan(&scan, 100, &arena, &plan, &err), &err);
    ck_assert_uint_eq(plan.n_groups, 1);
    expect(plan.groups[0].files, plan.groups[0].n_files, (size_t[]){0, 2, 5}, 3);
    expect(plan.files, plan.n_files, (size_t[]){0, 2, 5}, 3);
    ck_assert_int_eq(plan.bytes, 69);
}
END_TEST

START_TEST(test_specs_are_not_mixed)
{
    struct partition_value a = {STR("a")};
    struct data_file files[] = {file_of(10, &a), file_of(10, &a)};
    const struct scan scan = {.files = files, .n_files = ARRAY_LEN(files)};
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct compact_plan plan;

    files[1].spec_id = 1;
    ck_ok(compact_plan(&scan, 100, &arena, &plan, &err), &err);
    ck_assert_uint_eq(plan.n_files, 0);
}
END_TEST

START_TEST(test_deletes_go_with_the_last_file_that_needs_them)
{
    struct partition_value a = {STR("a")};
    struct data_file files[] = {file_of(1000, &a), file_of(1000, &a), file_of(1000, &a)};
    struct data_file gone[] = {file_of(1, &a), file_of(1, &a)};
    const struct data_file *first[] = {&gone[0]};
    const struct data_file *second[] = {&gone[1]};
    struct scan_deletes deletes[3] = {{.positions = first, .n_positions = 1},
                                      {.equalities = second, .n_equalities = 1},
                                      {.n_positions = 0}};
    const struct scan scan = {.files = files,
                              .n_files = 3,
                              .deletes = deletes,
                              .delete_files = gone,
                              .n_delete_files = 2};
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct compact_plan plan;

    ck_ok(compact_plan(&scan, 100, &arena, &plan, &err), &err);
    expect(plan.files, plan.n_files, (size_t[]){0, 1}, 2);
    expect(plan.deletes, plan.n_deletes, (size_t[]){0, 1}, 2);
}
END_TEST

START_TEST(test_an_empty_table_has_nothing_to_gain)
{
    const struct scan scan = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct compact_plan plan;

    ck_ok(compact_plan(&scan, 100, &arena, &plan, &err), &err);
    ck_assert_uint_eq(plan.n_groups + plan.n_files + plan.n_deletes, 0);
}
END_TEST

SUITE(compact_suite, "compact", test_small_files_of_one_partition_are_joined,
      test_specs_are_not_mixed, test_deletes_go_with_the_last_file_that_needs_them,
      test_an_empty_table_has_nothing_to_gain)
