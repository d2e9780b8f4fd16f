/* api_change.c — removing, renaming and reverting tables and namespaces, in the public interface. */
#include "lake/api_priv.h"

static int not_built(const char *what, corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "%s is not built yet", what);
}

int corrie_namespace_delete(corrie_lake *lake, const char *name, const char *branch, bool if_exists,
                            char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)branch;
    (void)if_exists;
    (void)ret_json;
    return not_built("removing a namespace", err);
}

int corrie_table_delete(corrie_lake *lake, const char *name, const corrie_table_options *options,
                        char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)options;
    (void)ret_json;
    return not_built("removing a table", err);
}

int corrie_table_rename(corrie_lake *lake, const char *name, const char *new_name,
                        const corrie_table_options *options, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)new_name;
    (void)options;
    (void)ret_json;
    return not_built("renaming a table", err);
}

int corrie_table_revert(corrie_lake *lake, const char *name, const char *to_ref,
                        const corrie_table_options *options, char **ret_json, corrie_error *err)
{
    (void)lake;
    (void)name;
    (void)to_ref;
    (void)options;
    (void)ret_json;
    return not_built("reverting a table", err);
}
