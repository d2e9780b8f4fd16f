#include "tests/unit/check.h"

Suite *args_suite(void);
Suite *graph_suite(void);
Suite *grid_suite(void);
Suite *spec_suite(void);
Suite *text_suite(void);

TEST_MAIN(args_suite, graph_suite, grid_suite, spec_suite, text_suite)
