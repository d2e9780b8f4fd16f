/* locate.c — which lake a command means (cli.md, "Where the lake is"). */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "os/path.h"
#include "os/user.h"

static int give(struct arena *arena, struct str url, struct str source, struct str *ret,
                struct str *ret_source, corrie_error *err)
{
    *ret_source = source;
    return arena_str(arena, url, ret) < 0 ? corrie_fail_memory(err) : 0;
}

/* A directory of a setting, from where the setting means it. */
static int give_setting(const struct settings_file *file, const struct setting *setting,
                        struct arena *arena, struct str *ret, struct str *ret_source,
                        corrie_error *err)
{
    char *source = arena_printf(arena, "the setting lake in %s", file->settings.file);
    _free_ char *home = NULL;
    _free_ char *path = NULL;
    struct str base = str_of(file->base);
    struct str value = setting->value;
    int r = 0;

    if (!source) {
        return corrie_fail_memory(err);
    }
    if (setting->is_list) {
        corrie_fail(err, CORRIE_E_PROJECT, "the setting lake is one URL or directory");
        return settings_error_at(&file->settings, setting, err);
    }
    if (str_find_str(value, STR("://")) >= 0 || str_starts(value, STR("file:/"))) {
        return give(arena, value, str_of(source), ret, ret_source, err);
    }
    if (str_starts(value, STR("~/"))) {
        r = os_home(&home, err);
        base = str_of(home);
        value = str_from(value, 2);
    }
    r = r < 0 ? r : os_path_join(base, value, &path, err);
    return r < 0 ? r : give(arena, str_of(path), str_of(source), ret, ret_source, err);
}

int lake_locate(const char *url, struct lake_settings *settings, struct arena *arena,
                struct str *ret, struct str *ret_source, corrie_error *err)
{
    const char *variable = os_env("CORRIE_LAKE");
    const struct settings_file *file;
    const struct setting *setting;
    _free_ char *place = NULL;
    char *path;
    int r;

    if (url && *url) {
        return give(arena, str_of(url), STR("the --lake option"), ret, ret_source, err);
    }
    if (variable) {
        return give(arena, str_of(variable), STR("the variable CORRIE_LAKE"), ret, ret_source, err);
    }
    r = lake_settings_load(settings, arena, err);
    if (r < 0) {
        return r;
    }
    setting = lake_settings_find(settings, STR("lake"), &file);
    if (setting) {
        return give_setting(file, setting, arena, ret, ret_source, err);
    }
    r = os_place(OS_DATA, &place, err);
    if (r < 0) {
        return r;
    }
    path = arena_printf(arena, "%s/lake", place);
    return path ? give(arena, str_of(path), STR("the default place"), ret, ret_source, err)
                : corrie_fail_memory(err);
}
