/* locate.c — which lake a command means (cli.md, "Where the lake is"). */
#include <string.h>

#include "lake/lake_priv.h"

#include "base/mem.h"
#include "lang/settings.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"

/* The value of `lake:` in a settings file, if it has one. 1 found, 0 not. A path in it is relative to the
 * directory that `base` names. */
static int lake_of_settings(const char *path, struct str base, struct arena *arena, struct str *ret,
                            corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    _cleanup_(settings_freep) struct settings *settings = NULL;
    _free_ char *joined = NULL;
    struct str value;
    int r;

    r = os_exists(path, err);
    if (r <= 0) {
        return r;
    }
    r = os_file_read(path, CORRIE_MAX_PROJECT, &text, err);
    if (r < 0) {
        return r;
    }
    r = settings_parse(buf_str(&text), path, &settings, err);
    if (r < 0) {
        return r;
    }
    if (!settings_get(settings, STR("lake"), &value)) {
        return 0;
    }
    if (str_find_str(value, STR("://")) < 0) {
        r = os_path_join(base, value, &joined, err);
        if (r < 0) {
            return r;
        }
        value = str_of(joined);
    }
    return arena_str(arena, value, ret) < 0 ? corrie_fail_memory(err) : 1;
}

/* The nearest .corrie/config.yaml, from `start` upward. */
static int lake_of_project(const char *start, struct arena *arena, struct str *ret,
                           struct str *ret_source, corrie_error *err)
{
    _free_ char *directory = NULL;
    struct str at;
    int r;

    r = os_path_absolute(str_of(start), &directory, err);
    if (r < 0) {
        return r;
    }
    at = str_of(directory);
    for (;;) {
        char *path = arena_printf(arena, "%.*s/.corrie/config.yaml", STR_FMT(at));

        if (!path) {
            return corrie_fail_memory(err);
        }
        r = lake_of_settings(path, at, arena, ret, err);
        if (r != 0) {
            *ret_source = str_of(path);
            return r;
        }
        if (at.len <= 1) {
            return 0;
        }
        at = os_path_parent(at);
    }
}

static int lake_of_user(struct arena *arena, struct str *ret, struct str *ret_source,
                        corrie_error *err)
{
    _free_ char *place = NULL;
    char *path;
    int r;

    r = os_place(OS_CONFIG, &place, err);
    if (r < 0) {
        return r;
    }
    path = arena_printf(arena, "%s/config.yaml", place);
    if (!path) {
        return corrie_fail_memory(err);
    }
    *ret_source = str_of(path);
    return lake_of_settings(path, str_of(place), arena, ret, err);
}

int lake_locate(const corrie_lake_options *options, struct arena *arena, struct str *ret,
                struct str *ret_source, corrie_error *err)
{
    const char *variable = os_env("CORRIE_LAKE");
    _free_ char *place = NULL;
    char *path;
    int r;

    if (options->url && *options->url) {
        *ret_source = STR("the --lake option");
        return arena_str(arena, str_of(options->url), ret) < 0 ? corrie_fail_memory(err) : 0;
    }
    if (variable) {
        *ret_source = STR("the variable CORRIE_LAKE");
        return arena_str(arena, str_of(variable), ret) < 0 ? corrie_fail_memory(err) : 0;
    }
    r = lake_of_project(options->directory ? options->directory : ".", arena, ret, ret_source, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = lake_of_user(arena, ret, ret_source, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = os_place(OS_DATA, &place, err);
    if (r < 0) {
        return r;
    }
    path = arena_printf(arena, "%s/lake", place);
    if (!path) {
        return corrie_fail_memory(err);
    }
    *ret = str_of(path);
    *ret_source = STR("the default place");
    return 0;
}
