/* prune.c — refs that nobody needs any more. */
#include <corrie/care.h>

#include "base/error.h"

int corrie_prune(corrie_lake *lake, const corrie_prune_options *options, char **ret_json,
                 corrie_error *err)
{
    (void)lake;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "prune refs: this version does not");
}
