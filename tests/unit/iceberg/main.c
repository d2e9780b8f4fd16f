#include "tests/unit/check.h"

Suite *location_suite(void);
Suite *avro_suite(void);
Suite *manifest_suite(void);
Suite *metadata_suite(void);
Suite *snapshot_suite(void);
Suite *scan_suite(void);
Suite *deletes_suite(void);
Suite *prune_suite(void);
Suite *damage_suite(void);
Suite *alter_suite(void);
Suite *history_suite(void);
Suite *merge_suite(void);
Suite *merge_deletes_suite(void);
Suite *merge_metadata_suite(void);
Suite *merge_picks_suite(void);
Suite *merge_random_suite(void);
Suite *overwrite_suite(void);
Suite *spec_suite(void);
Suite *faults_suite(void);

TEST_MAIN(location_suite, avro_suite, manifest_suite, metadata_suite, snapshot_suite, scan_suite,
          deletes_suite, prune_suite, damage_suite, alter_suite, history_suite, merge_suite,
          merge_deletes_suite, merge_metadata_suite, merge_picks_suite, merge_random_suite,
          overwrite_suite, spec_suite, faults_suite)
