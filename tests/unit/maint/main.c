#include "tests/unit/check.h"

Suite *files_suite(void);
Suite *seen_suite(void);

TEST_MAIN(files_suite, seen_suite)
