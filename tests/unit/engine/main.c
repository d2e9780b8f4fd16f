#include "tests/unit/check.h"

Suite *query_suite(void);

TEST_MAIN(query_suite)
