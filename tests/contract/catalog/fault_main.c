#include "tests/unit/check.h"

Suite *faults_suite(void);
Suite *processes_suite(void);

TEST_MAIN(faults_suite, processes_suite)
