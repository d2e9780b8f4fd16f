#include "tests/unit/check.h"

Suite *tree_suite(void);

TEST_MAIN(tree_suite)
