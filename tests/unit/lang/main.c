#include "tests/unit/check.h"

Suite *filter_suite(void);
Suite *header_suite(void);
Suite *ignore_suite(void);
Suite *name_suite(void);
Suite *partition_suite(void);
Suite *project_suite(void);
Suite *refexpr_suite(void);
Suite *settings_suite(void);
Suite *statement_suite(void);

TEST_MAIN(filter_suite, header_suite, ignore_suite, name_suite, partition_suite, project_suite,
          refexpr_suite, settings_suite, statement_suite)
