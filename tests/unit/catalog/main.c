#include "tests/unit/check.h"

Suite *objects_suite(void);
Suite *tree_suite(void);

TEST_MAIN(objects_suite, tree_suite)
