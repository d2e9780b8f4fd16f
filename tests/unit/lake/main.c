#include "tests/unit/check.h"

Suite *api_diff_suite(void);
Suite *api_list_suite(void);
Suite *api_log_suite(void);
Suite *api_refs_suite(void);
Suite *config_suite(void);
Suite *crowd_suite(void);
Suite *guard_suite(void);
Suite *handle_suite(void);
Suite *kinds_suite(void);
Suite *open_suite(void);
Suite *places_suite(void);
Suite *read_suite(void);
Suite *refs_suite(void);
Suite *rewrite_suite(void);
Suite *status_suite(void);
Suite *tx_suite(void);
Suite *write_suite(void);

TEST_MAIN(api_diff_suite, api_list_suite, api_log_suite, api_refs_suite, config_suite, crowd_suite,
          guard_suite, handle_suite, kinds_suite, open_suite, places_suite, read_suite, refs_suite,
          rewrite_suite, status_suite, tx_suite, write_suite)
