/* gc.c — what nothing reaches goes. */
#include <corrie/care.h>

#include "base/error.h"

int corrie_gc(corrie_lake *lake, const corrie_gc_options *options, char **ret_json,
              corrie_error *err)
{
    (void)lake;
    (void)options;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "collect garbage: this version does not");
}
