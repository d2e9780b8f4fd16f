/* backends.h — who enters the contract suite: one row a backend. */
#ifndef CORRIE_TESTS_STORE_BACKENDS_H
#define CORRIE_TESTS_STORE_BACKENDS_H

#include "store/store.h"

struct backend {
    const char *name;
    /* An empty store of its own for one test, reachable again by its URL. `scratch` is an empty
     * directory. */
    struct store *(*open)(const char *scratch);
    bool has_local_paths;
};

extern const struct backend backends[];
extern const size_t n_backends;

#endif
