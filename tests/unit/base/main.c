#include "tests/unit/check.h"

Suite *buf_suite(void);
Suite *error_suite(void);
Suite *json_suite(void);
Suite *json_text_suite(void);
Suite *map_suite(void);
Suite *str_suite(void);
Suite *text_suite(void);
Suite *time_suite(void);

TEST_MAIN(buf_suite, error_suite, json_suite, json_text_suite, map_suite, str_suite, text_suite,
          time_suite)
