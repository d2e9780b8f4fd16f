/* crew.h — programs of the test run as processes of their own. */
#ifndef CORRIE_TESTS_CATALOG_CREW_H
#define CORRIE_TESTS_CATALOG_CREW_H

#include <sys/types.h>

#include "tests/unit/catalog/support.h"

/* Starts catalog_victim with these arguments (at most 5, NULL ends them). `spec` is CORRIE_FAULT,
 * with the preload library, or NULL. */
pid_t crew_start(const char *spec, const char *const *arguments);
/* Its exit status; 256 + signal if it was killed. */
int crew_wait(pid_t pid);

#endif
