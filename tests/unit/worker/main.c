#include "tests/unit/check.h"

#include "tests/unit/worker/hostile.h"

Suite *call_suite(void);
Suite *exchange_suite(void);
Suite *form_suite(void);
Suite *hostile_suite(void);
Suite *output_suite(void);
Suite *protocol_suite(void);

/* Under another name this program is a hostile function process. */
int main(int argc, char **argv)
{
    static const suite_fn suites[] = {exchange_suite, form_suite,    protocol_suite,
                                      output_suite,   hostile_suite, call_suite};
    SRunner *runner;

    (void)argc;
    if (hostile_mode(argv[0])) {
        return hostile_main(hostile_mode(argv[0]));
    }
    runner = srunner_create(NULL);
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        srunner_add_suite(runner, suites[i]());
    }
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    srunner_free(runner);
    return 0;
}
