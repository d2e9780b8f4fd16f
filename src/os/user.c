#include "os/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/os_priv.h"
#include "os/path.h"

const char *os_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static int give(const char *text, char **ret, corrie_error *err)
{
    *ret = str_dup(str_of(text));
    return *ret ? 0 : corrie_fail_memory(err);
}

/* The passwd entry of the effective user, its strings in `bytes`; NULL if there is none. */
static const struct passwd *own_entry(struct passwd *entry, char *bytes, size_t size)
{
    struct passwd *found = NULL;

    if (getpwuid_r(geteuid(), entry, bytes, size, &found) != 0) {
        return NULL;
    }
    return found;
}

int os_user_name(char **ret, corrie_error *err)
{
    char bytes[4096], number[32];
    struct passwd entry;
    const struct passwd *found = own_entry(&entry, bytes, sizeof bytes);
    const char *user = os_env("USER");

    if (found && found->pw_name && *found->pw_name) {
        return give(found->pw_name, ret, err);
    }
    snprintf(number, sizeof number, "uid-%lu", (unsigned long)geteuid());
    return give(user ? user : number, ret, err);
}

int os_user_named(uint32_t user, char **ret, corrie_error *err)
{
    char bytes[4096], number[32];
    struct passwd entry;
    struct passwd *found = NULL;

    snprintf(number, sizeof number, "uid-%lu", (unsigned long)user);
    if (getpwuid_r((uid_t)user, &entry, bytes, sizeof bytes, &found) != 0) {
        found = NULL;
    }
    return give(found ? found->pw_name : number, ret, err);
}

int os_group_named(uint32_t group, char **ret, corrie_error *err)
{
    char bytes[16384], number[32];
    struct group entry;
    struct group *found = NULL;

    snprintf(number, sizeof number, "gid-%lu", (unsigned long)group);
    if (getgrgid_r((gid_t)group, &entry, bytes, sizeof bytes, &found) != 0) {
        found = NULL;
    }
    return give(found ? found->gr_name : number, ret, err);
}

int os_host_name(char **ret, corrie_error *err)
{
    char name[HOST_NAME_MAX + 1];

    if (gethostname(name, sizeof name) < 0) {
        return corrie_fail_errno(err, errno, "ask for the name of this machine");
    }
    name[sizeof name - 1] = '\0';
    return give(name, ret, err);
}

int os_home(char **ret, corrie_error *err)
{
    char bytes[4096];
    struct passwd entry;
    const struct passwd *found;
    const char *home = os_env("HOME");

    if (home) {
        return give(home, ret, err);
    }
    found = own_entry(&entry, bytes, sizeof bytes);
    if (found && found->pw_dir && *found->pw_dir) {
        return give(found->pw_dir, ret, err);
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "this user has no home directory");
    return corrie_hint(err, "set HOME");
}

int os_place(enum os_place place, char **ret, corrie_error *err)
{
    static const struct {
        const char *variable;
        const char *below_home;
    } places[] = {
        [OS_CONFIG] = {"XDG_CONFIG_HOME", ".config/corrie"},
        [OS_CACHE] = {"XDG_CACHE_HOME", ".cache/corrie"},
        [OS_DATA] = {"XDG_DATA_HOME", ".local/share/corrie"},
        [OS_STATE] = {"XDG_STATE_HOME", ".local/state/corrie"},
        [OS_RUNTIME] = {"XDG_RUNTIME_DIR", NULL},
    };
    const char *base = os_env(places[place].variable);
    _free_ char *home = NULL;
    int r;

    /* the specification wants relative values ignored */
    if (base && base[0] == '/') {
        return os_path_join(str_of(base), STR("corrie"), ret, err);
    }
    if (!places[place].below_home) {
        char path[64];

        snprintf(path, sizeof path, "/tmp/corrie-%lu", (unsigned long)geteuid());
        return give(path, ret, err);
    }
    r = os_home(&home, err);
    if (r < 0) {
        return r;
    }
    return os_path_join(str_of(home), str_of(places[place].below_home), ret, err);
}

static int read_link(const char *path, char **ret, corrie_error *err)
{
    char target[PATH_MAX];
    ssize_t n = os_fault_errno(OS_OP_STAT, AT_FDCWD, path) < 0
                    ? -1
                    : readlink(path, target, sizeof target - 1);

    if (n < 0) {
        return corrie_fail_errno(err, errno, "read the link %s", path);
    }
    target[n] = '\0';
    return give(target, ret, err);
}

int os_executable(char **ret, corrie_error *err)
{
    return read_link("/proc/self/exe", ret, err);
}

int os_cwd(char **ret, corrie_error *err)
{
    char path[PATH_MAX];

    if (!getcwd(path, sizeof path)) {
        return corrie_fail_errno(err, errno, "ask for the working directory");
    }
    return give(path, ret, err);
}
