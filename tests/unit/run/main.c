#include "tests/unit/check.h"

Suite *faults_suite(void);
Suite *fsck_suite(void);
Suite *import_suite(void);
Suite *jobs_suite(void);
Suite *query_suite(void);
Suite *ready_suite(void);
Suite *run_suite(void);

TEST_MAIN(import_suite, query_suite, ready_suite, run_suite, jobs_suite, fsck_suite, faults_suite)
