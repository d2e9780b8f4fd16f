#include "tests/unit/check.h"

Suite *project_suite(void);
Suite *pins_suite(void);
Suite *declare_suite(void);
Suite *plan_suite(void);
Suite *golden_suite(void);

TEST_MAIN(project_suite, pins_suite, declare_suite, plan_suite, golden_suite)
