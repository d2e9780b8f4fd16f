/* Whatever changes a lake, under failing operations and without memory: the lake is as before or as after, the caller is
 * told which, and what was not done can be done. A user would lose a branch, a table's rows or the way back to them.
 *
 * Run as the cases of test_faults.c are: alone, and with the preload library ("lake_faults_verbs_alone" and
 * "lake_faults_verbs" of tests/fault/meson.build). CORRIE_TORTURE=1 leaves nothing out; else some of the operations of each action fail. */
#include "trial.h"

static const struct action *action_at(int i)
{
    size_t n;

    return &actions_all(&n)[i];
}

START_TEST(each_failing_operation)
{
    struct trial t;

    trial_init(&t, action_at(_i));
    for (size_t i = 0; i < N_DISKS; i++) {
        trial_operations(&t, &disks[i]);
    }
    trial_done(&t);
}
END_TEST

START_TEST(each_failing_allocation)
{
    struct trial t;

    trial_init(&t, action_at(_i));
    trial_allocations(&t, false);
    trial_allocations(&t, true);
    trial_done(&t);
}
END_TEST

Suite *faults_verbs_suite(void);
Suite *faults_verbs_suite(void)
{
    Suite *suite = suite_create("faults_verbs");
    size_t n;

    (void)actions_all(&n);
    TCase *tcase = tcase_create("faults_verbs");

    tcase_set_timeout(tcase, tortured() ? 3600 : 120);
    tcase_add_loop_test(tcase, each_failing_operation, 0, (int)n);
    if (!preloaded()) {
        tcase_add_loop_test(tcase, each_failing_allocation, 0, (int)n);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
