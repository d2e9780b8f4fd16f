#include "tests/unit/check.h"

Suite *bind_suite(void);
Suite *deletes_suite(void);
Suite *evolve_suite(void);
Suite *inspect_suite(void);
Suite *parquet_suite(void);
Suite *partition_suite(void);
Suite *query_suite(void);
Suite *source_suite(void);
Suite *stored_suite(void);
Suite *table_suite(void);

TEST_MAIN(bind_suite, parquet_suite, partition_suite, inspect_suite, query_suite, deletes_suite,
          evolve_suite, source_suite, stored_suite, table_suite)
