#include "tests/unit/check.h"

Suite *cache_suite(void);

TEST_MAIN(cache_suite)
