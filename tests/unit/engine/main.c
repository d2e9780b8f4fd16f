#include "tests/unit/check.h"

Suite *inspect_suite(void);
Suite *query_suite(void);
Suite *table_suite(void);

TEST_MAIN(inspect_suite, query_suite, table_suite)
