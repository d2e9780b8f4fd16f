#include "tests/unit/check.h"

Suite *jobs_suite(void);

TEST_MAIN(jobs_suite)
