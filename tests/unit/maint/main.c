#include "tests/unit/check.h"

Suite *compact_suite(void);
Suite *files_suite(void);
Suite *seen_suite(void);

TEST_MAIN(compact_suite, files_suite, seen_suite)
