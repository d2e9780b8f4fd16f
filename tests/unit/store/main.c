#include "tests/unit/check.h"

Suite *contract_suite(void);
Suite *file_store_suite(void);
Suite *alive_suite(void);

TEST_MAIN(contract_suite, file_store_suite, alive_suite)
