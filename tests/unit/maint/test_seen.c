/* The set of paths that were met: one that it wrongly knows would be a file that gc does not keep, or fsck does not check. */
#include "maint/seen.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "tests/unit/check.h"

static struct str name(char *scratch, size_t size, int i)
{
    int n = snprintf(scratch, size, "data/public/t/data/%05d.parquet", i);

    return str_make(scratch, (size_t)n);
}

START_TEST(each_text_is_new_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(seen_done) struct seen seen = {0};
    char scratch[64];

    ck_assert(!seen_has(&seen, STR("")));
    for (int i = 0; i < 100000; i++) {
        ck_assert(!seen_has(&seen, name(scratch, sizeof scratch, i)));
        ck_assert_int_eq(seen_add(&seen, name(scratch, sizeof scratch, i), &err), 1);
    }
    for (int i = 0; i < 100000; i++) {
        ck_assert(seen_has(&seen, name(scratch, sizeof scratch, i)));
        ck_assert_int_eq(seen_add(&seen, name(scratch, sizeof scratch, i), &err), 0);
    }
    ck_assert_uint_eq(seen.count, 100000);
    ck_assert_uint_le(seen.n_slots * sizeof *seen.slots, 100000 * 64);
}
END_TEST

static int fail_now(void *arg)
{
    (void)arg;
    return 1;
}

/* What was known stays known when there is no room for more. */
START_TEST(without_memory_nothing_is_forgotten)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(seen_done) struct seen seen = {0};
    char scratch[64];
    int n = 0;

    ck_assert_int_eq(seen_add(&seen, name(scratch, sizeof scratch, n++), &err), 1);
    while (seen.count < seen.n_slots / 2) {
        ck_assert_int_eq(seen_add(&seen, name(scratch, sizeof scratch, n++), &err), 1);
    }
    mem_set_fault(fail_now, NULL);
    int r = seen_add(&seen, name(scratch, sizeof scratch, n), &err);
    mem_set_fault(NULL, NULL);
    ck_assert_int_eq(r, CORRIE_E_NO_MEMORY);
    for (int i = 0; i < n; i++) {
        ck_assert(seen_has(&seen, name(scratch, sizeof scratch, i)));
    }
    ck_assert(!seen_has(&seen, name(scratch, sizeof scratch, n)));
}
END_TEST

SUITE(seen_suite, "seen", each_text_is_new_once, without_memory_nothing_is_forgotten)
