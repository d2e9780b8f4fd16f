#include "tests/unit/check.h"

Suite *location_suite(void);
Suite *avro_suite(void);
Suite *manifest_suite(void);
Suite *metadata_suite(void);
Suite *snapshot_suite(void);
Suite *scan_suite(void);
Suite *merge_suite(void);
Suite *faults_suite(void);

TEST_MAIN(location_suite, avro_suite, manifest_suite, metadata_suite, snapshot_suite, scan_suite,
          merge_suite, faults_suite)
