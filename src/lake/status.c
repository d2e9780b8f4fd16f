/* status.c — whether what is there is made of what is there, in the public interface. */
#include "lake/lake_priv.h"

int corrie_status(corrie_lake *lake, const char *ref, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)ref;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "the status of a lake is not built yet");
}
