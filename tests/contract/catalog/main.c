#include "tests/unit/check.h"

Suite *contract_suite(void);

TEST_MAIN(contract_suite)
