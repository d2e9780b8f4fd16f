#include "tests/unit/check.h"

Suite *list_suite(void);
Suite *schema_suite(void);

TEST_MAIN(list_suite, schema_suite)
