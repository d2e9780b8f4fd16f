/* settings.c — settings in files, and making a lake by name, in the public interface. */
#include "lake/lake_priv.h"

static int not_built(const char *what, corrie_error *err)
{
    return corrie_fail(err, CORRIE_E_UNSUPPORTED, "%s is not built yet", what);
}

int corrie_lake_init(const char *url, const corrie_init_options *options, char **ret_json,
                     corrie_error *err)
{
    (void)url;
    (void)options;
    (void)ret_json;
    return not_built("making a lake by name", err);
}

int corrie_config_get(const char *name, char **ret_json, corrie_error *err)
{
    (void)name;
    (void)ret_json;
    return not_built("reading settings", err);
}

int corrie_config_list(char **ret_json, corrie_error *err)
{
    (void)ret_json;
    return not_built("reading settings", err);
}

int corrie_config_set(const char *scope, const char *name, const char *value, char **ret_json,
                      corrie_error *err)
{
    (void)scope;
    (void)name;
    (void)value;
    (void)ret_json;
    return not_built("changing settings", err);
}
