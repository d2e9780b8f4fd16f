/* user.h — who and where we are. Strings are heap memory of the caller's (mem_free). */
#ifndef CORRIE_OS_USER_H
#define CORRIE_OS_USER_H

#include <stdint.h>

#include "base/error.h"

/* A variable's value, or NULL if it is not set or empty. Borrowed; valid until the environment
 * changes. */
const char *os_env(const char *name);
/* The system's name of the user: passwd entry of the effective id, else $USER, else "uid-<n>". */
int os_user_name(char **ret, corrie_error *err) CORRIE_MUST_USE;
/* The names that numbers of users and groups have; "uid-<n>" and "gid-<n>" where they have none. */
int os_user_named(uint32_t user, char **ret, corrie_error *err) CORRIE_MUST_USE;
int os_group_named(uint32_t group, char **ret, corrie_error *err) CORRIE_MUST_USE;
/* As the kernel says; not resolved. */
int os_host_name(char **ret, corrie_error *err) CORRIE_MUST_USE;
/* $HOME, else the passwd entry's directory. */
int os_home(char **ret, corrie_error *err) CORRIE_MUST_USE;

enum os_place {
    OS_CONFIG, /* $XDG_CONFIG_HOME or ~/.config */
    OS_CACHE,  /* $XDG_CACHE_HOME or ~/.cache */
    OS_DATA,   /* $XDG_DATA_HOME or ~/.local/share */
    OS_STATE,  /* $XDG_STATE_HOME or ~/.local/state */
    OS_RUNTIME /* $XDG_RUNTIME_DIR or a private directory name under /tmp */
};
/* `<that place>/corrie`; not created. */
int os_place(enum os_place place, char **ret, corrie_error *err) CORRIE_MUST_USE;
/* The running program's file, links followed. */
int os_executable(char **ret, corrie_error *err) CORRIE_MUST_USE;
/* The working directory. */
int os_cwd(char **ret, corrie_error *err) CORRIE_MUST_USE;

#endif
