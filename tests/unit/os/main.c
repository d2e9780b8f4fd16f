#include "tests/unit/check.h"

Suite *path_suite(void);
Suite *file_suite(void);
Suite *dir_suite(void);
Suite *proc_suite(void);
Suite *memfd_suite(void);
Suite *mode_suite(void);
Suite *socket_suite(void);
Suite *signal_suite(void);
Suite *user_suite(void);
Suite *keyring_suite(void);
Suite *fault_suite(void);

TEST_MAIN(path_suite, file_suite, dir_suite, proc_suite, memfd_suite, mode_suite, socket_suite,
          signal_suite, user_suite, keyring_suite, fault_suite)
