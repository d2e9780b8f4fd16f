/* Failing operations, lack of memory, kills and power cuts: tests/fault/meson.build runs each suite as a test of its own. */
#include "tests/unit/check.h"

Suite *cuts_suite(void);
Suite *faults_look_suite(void);
Suite *faults_suite(void);
Suite *faults_verbs_suite(void);

TEST_MAIN(cuts_suite, faults_look_suite, faults_suite, faults_verbs_suite)
