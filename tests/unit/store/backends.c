#include "backends.h"

#include "base/mem.h"
#include "tests/unit/os/scratch.h"

static struct store *open_file(const char *scratch)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *root = in(scratch, "a store/with %41"); /* not there yet; odd characters */
    struct store *store = NULL;

    ck_ok(store_open(str_of(root), &store, &err), &err);
    return store;
}

const struct backend backends[] = {
    {"file", open_file, true},
};
const size_t n_backends = ARRAY_LEN(backends);
