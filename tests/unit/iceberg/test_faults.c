/* Every failing operation and allocation: the table is as it was, and nothing is reported that is not so. */
#include "fixture.h"
#include "os/fault.h"

/* Appends or replaces once; what `version` says must then be readable. */
static int change(struct fixture *f, const struct table_version *base, const struct data_file *file,
                  bool replace, corrie_error *err)
{
    _version_ struct table_version version = {0};
    struct snapshot_options options = {.merge_manifests_at = 2};
    int r = replace ? snapshot_replace(&f->io, base->metadata, base_location(base), NULL, file, 1,
                                       &options, &version, err)
                    : snapshot_append(&f->io, base->metadata, base_location(base), NULL, file, 1,
                                      &options, &version, err);
    ck_assert_int_eq(r >= 0, version.metadata != NULL);
    ck_assert_int_eq(r >= 0, version.location != NULL);
    return r;
}

START_TEST(each_failing_operation_leaves_the_table)
{
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _version_ struct table_version second = append_one(&f, &first, "b");
    struct data_file file = file_of(&f, "new", 10, 1, 10);
    int failures = 0;

    for (int k = 1;; k++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        char spec[200];
        snprintf(spec, sizeof spec, "op=any,at=%d,errno=%s", k, k % 2 ? "ENOSPC" : "EIO");
        ck_ok(os_fault_arm(spec, &err), &err);
        int r = change(&f, &second, &file, k % 3 == 0, &err);
        bool fired = os_fault_hits() > 0;
        os_fault_disarm();
        if (r < 0) {
            ck_assert(r == CORRIE_E_NO_SPACE || r == CORRIE_E_IO);
            failures++;
        }
        ck_assert_str_eq(scanned(&f, second.metadata), "a b");
        if (!fired) {
            ck_assert_int_ge(r, 0);
            break;
        }
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

START_TEST(each_failing_allocation_is_an_error)
{
    FIXTURE(f);
    _version_ struct table_version first = append_one(&f, NULL, "a");
    _version_ struct table_version second = append_one(&f, &first, "b");
    struct data_file file = file_of(&f, "new", 10, 1, 10);

    for (int replace = 0; replace < 2; replace++) {
        for (uint64_t k = 1;; k++) {
            _error_ corrie_error err = CORRIE_ERROR_INIT;
            os_fault_arm_alloc(k, 0);
            int r = change(&f, &second, &file, replace, &err);
            uint64_t count = os_fault_alloc_count();
            os_fault_arm_alloc(0, 0);
            ck_assert_msg(r >= 0 || r == CORRIE_E_NO_MEMORY, "%llu: %s", (unsigned long long)k,
                          corrie_error_message(&err));
            if (count < k) {
                ck_assert_int_ge(r, 0);
                break;
            }
        }
    }
    ck_assert_str_eq(scanned(&f, second.metadata), "a b");
}
END_TEST

SUITE(faults_suite, "faults", each_failing_operation_leaves_the_table,
      each_failing_allocation_is_an_error)
