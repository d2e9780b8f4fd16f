/* author.c — who commits: what the caller says, $CORRIE_USER, the setting user.name, the system's user. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "os/user.h"

int lake_check_author(struct str name, const char *source, corrie_error *err)
{
    const char *what = NULL;

    if (str_trim(name).len == 0) {
        what = "is empty";
    } else if (name.len > CORRIE_MAX_WHO) {
        what = "has more than 1024 bytes";
    } else if (!str_is_utf8(name, NULL)) {
        what = "is not UTF-8";
    }
    for (size_t i = 0; !what && i < name.len; i++) {
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f) {
            what = "has a control character";
        }
    }
    if (!what) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_USAGE, "the name of who commits %s (it came from %s)", what, source);
    return corrie_hint(err, "CORRIE_USER=NAME, or `corrie config set user.name NAME`");
}

int lake_find_author(const char *given, struct lake_settings *settings, struct arena *arena,
                     struct str *ret, struct str *ret_from, corrie_error *err)
{
    _free_ char *system_name = NULL;
    const struct settings_file *file;
    const struct setting *setting;
    const char *name = given && *given ? given : NULL;
    const char *variable = os_env("CORRIE_USER");
    int r;

    if (name || variable) {
        *ret_from = name ? STR("caller") : STR("CORRIE_USER");
        name = name ? name : variable;
        r = lake_check_author(str_of(name), name == variable ? "CORRIE_USER" : "the caller", err);
        return r < 0 || arena_str(arena, str_of(name), ret) >= 0 ? r : corrie_fail_memory(err);
    }
    r = lake_settings_load(settings, arena, err);
    if (r < 0) {
        return r;
    }
    setting = lake_settings_find(settings, STR("user.name"), &file);
    if (setting) {
        *ret_from = STR("user.name");
        r = lake_check_author(setting->value, "the setting user.name", err);
        if (r < 0) {
            return settings_error_at(&file->settings, setting, err);
        }
        return arena_str(arena, setting->value, ret) < 0 ? corrie_fail_memory(err) : 0;
    }
    *ret_from = STR("system");
    r = os_user_name(&system_name, err);
    if (r < 0 || (r = lake_check_author(str_of(system_name), "the system", err)) < 0) {
        return r;
    }
    return arena_str(arena, str_of(system_name), ret) < 0 ? corrie_fail_memory(err) : 0;
}
