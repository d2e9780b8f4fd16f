/* locate.c — which lake a command means (cli.md, "Where the lake is"). Settings files (.corrie/config.yaml and the
 * user's) are not read by this version; `init` and `config`, which write them, come with them. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "os/user.h"

static int give(struct arena *arena, const char *url, struct str source, struct str *ret,
                struct str *ret_source, corrie_error *err)
{
    *ret_source = source;
    return arena_str(arena, str_of(url), ret) < 0 ? corrie_fail_memory(err) : 0;
}

int lake_locate(const corrie_lake_options *options, struct arena *arena, struct str *ret,
                struct str *ret_source, corrie_error *err)
{
    const char *variable = os_env("CORRIE_LAKE");
    _free_ char *place = NULL;
    char *path;
    int r;

    if (options->url && *options->url) {
        return give(arena, options->url, STR("the --lake option"), ret, ret_source, err);
    }
    if (variable) {
        return give(arena, variable, STR("the variable CORRIE_LAKE"), ret, ret_source, err);
    }
    r = os_place(OS_DATA, &place, err);
    if (r < 0) {
        return r;
    }
    path = arena_printf(arena, "%s/lake", place);
    return path ? give(arena, path, STR("the default place"), ret, ret_source, err)
                : corrie_fail_memory(err);
}
