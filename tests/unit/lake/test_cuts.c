/* Kills and power cuts at each step of whatever changes a lake: the lake opens and is sound, it is as before or as
 * after, what was told to be done is done, and what is not is done by doing it again. A user would lose the lake, or
 * what a command had told them is in it.
 *
 * Run under the preload library (the test "lake_cuts" in tests/fault). CORRIE_TORTURE=1 leaves nothing out. */
#include "trial.h"

/* A machine keeps what was asked for, or by chance some more. */
static const char *const ends[] = {"kill", "cut", "cut,seed=1", "cut,seed=2", "cut,seed=3"};
static const char *const late[] = {"cut=exit", "cut=exit,seed=1", "cut=exit,seed=2"};

START_TEST(each_step_is_the_last)
{
    size_t n;
    struct trial t;

    trial_init(&t, &actions_all(&n)[_i]);
    for (size_t i = 0; i < (tortured() ? ARRAY_LEN(ends) : 3); i++) {
        trial_ends(&t, ends[i]);
    }
    for (size_t i = 0; i < (tortured() ? ARRAY_LEN(late) : 2); i++) {
        trial_end_when_told(&t, late[i]);
    }
    trial_done(&t);
}
END_TEST

Suite *cuts_suite(void);
Suite *cuts_suite(void)
{
    Suite *suite = suite_create("cuts");
    TCase *tcase = tcase_create("cuts");
    size_t n;

    (void)actions_all(&n);
    tcase_set_timeout(tcase, tortured() ? 3600 : 120);
    if (preloaded()) {
        tcase_add_loop_test(tcase, each_step_is_the_last, 0, (int)n);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
