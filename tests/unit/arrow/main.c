#include "tests/unit/check.h"

Suite *cell_suite(void);
Suite *fit_suite(void);
Suite *ipc_suite(void);
Suite *scalar_suite(void);
Suite *table_suite(void);
Suite *transform_suite(void);
Suite *type_suite(void);

TEST_MAIN(cell_suite, fit_suite, ipc_suite, scalar_suite, table_suite, transform_suite, type_suite)
