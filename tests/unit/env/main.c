#include "tests/unit/check.h"

Suite *request_suite(void);
Suite *uv_suite(void);
Suite *lock_suite(void);
Suite *resolve_suite(void);

TEST_MAIN(request_suite, lock_suite, uv_suite, resolve_suite)
