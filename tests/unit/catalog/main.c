#include "tests/unit/check.h"

Suite *collect_suite(void);
Suite *damage_suite(void);
Suite *history_suite(void);
Suite *merge_suite(void);
Suite *merge_rounds_suite(void);
Suite *merge_things_suite(void);
Suite *objects_suite(void);
Suite *pick_suite(void);
Suite *tree_suite(void);

TEST_MAIN(objects_suite, tree_suite, history_suite, merge_suite, merge_things_suite,
          merge_rounds_suite, pick_suite, damage_suite, collect_suite)
