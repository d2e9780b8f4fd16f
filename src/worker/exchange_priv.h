/* exchange_priv.h — making an exchange table of files that another process wrote. */
#ifndef CORRIE_WORKER_EXCHANGE_PRIV_H
#define CORRIE_WORKER_EXCHANGE_PRIV_H

#include "worker/exchange.h"

/* A column by its place. The name is borrowed during the call. */
struct exchange_place {
    struct str name;
    size_t file;
    size_t field;
};

/* Takes the descriptors (-1 stays behind), seals those files that are not yet, opens them anew and
 * read-only. `n_rows` is their writer's word. The writer must have ended.
 * CORRIE_E_DATA if one is no memory file, is too large or mapped for writing by somebody who still lives, or
 * if names are empty, too long, repeated or not UTF-8. */
int exchange_open(int *fds, size_t n_fds, const struct exchange_place *columns, size_t n_columns,
                  int64_t n_rows, struct exchange **ret, corrie_error *err) CORRIE_MUST_USE;
/* The same for files that this process wrote itself: what fails is the machine, and is told as it is. */
int exchange_open_own(int *fds, size_t n_fds, const struct exchange_place *columns,
                      size_t n_columns, int64_t n_rows, struct exchange **ret, corrie_error *err)
    CORRIE_MUST_USE;

#endif
