/* api_history.c — the versions of one table, in the public interface. */
#include "lake/api_priv.h"

int corrie_table_history(corrie_lake *lake, const char *ref, const char *name,
                         const char *default_namespace, size_t max, char **ret_json,
                         corrie_error *err)
{
    (void)lake;
    (void)ref;
    (void)name;
    (void)default_namespace;
    (void)max;
    (void)ret_json;
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "the history of a table is not built yet");
}
