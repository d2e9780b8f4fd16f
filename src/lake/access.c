/* access.c — where a lake may lie, and who may not get at it. */
#include "lake/lake_priv.h"

#include "base/mem.h"
#include "os/path.h"
#include "os/user.h"

/* SQLite's locks and shared memory do not work over network file systems; a lake there would lose commits. */
int lake_check_file_system(const struct lake *lake, corrie_error *err)
{
    _free_ char *path = str_dup(lake->root);
    struct os_fs fs;
    int r;

    if (!path) {
        return corrie_fail_memory(err);
    }
    /* where it is, or would be made */
    while ((r = os_fs(path, &fs, err)) == CORRIE_E_NOT_FOUND && strcmp(path, "/") != 0) {
        char *parent = str_dup(os_path_parent(str_of(path)));

        mem_free(path);
        path = parent;
        if (!path) {
            return corrie_fail_memory(err);
        }
        corrie_error_clear(err);
    }
    if (r < 0) {
        return corrie_wrap(err, "open lake %s", lake->root.data);
    }
    if (!fs.network) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_REFUSED,
                "open lake %s: it lies on a network file system (%s), where the catalog's "
                "locks do not hold",
                lake->root.data, fs.name);
    return corrie_hint(
        err, "put the lake on a local disk; for several machines its place will be PostgreSQL "
             "or an object store");
}

/* Tells that the user may not `verb` the directory. */
static int tell(const struct lake *lake, const char *verb, const char *path,
                const struct os_stat *info, corrie_error *err)
{
    _free_ char *user = NULL;
    _free_ char *owner = NULL;
    _free_ char *group = NULL;
    int r;

    r = os_user_name(&user, err);
    r = r < 0 ? r : os_user_named(info->user, &owner, err);
    r = r < 0 ? r : os_group_named(info->group, &group, err);
    if (r < 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_REFUSED,
                "open lake %s: %s may not %s the directory %s (owner %s, group %s, mode %04o)",
                lake->root.data, user, verb, path, owner, group, (unsigned)info->mode);
    if ((info->mode & 0030) == 0030) {
        return corrie_hint(err, "ask %s to add %s to the group %s, and log in anew", owner, user,
                           group);
    }
    return corrie_hint(
        err,
        "ask %s to share it: `corrie init --bare --shared=group %s` lets its group in "
        "(now %s; chgrp before it to choose another)",
        owner, lake->root.data, group);
}

/* The first directory on the way to `path`, and it, that may not be entered: 1 told, 0 there is none. */
static int find_closed(const struct lake *lake, const char *path, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    size_t len = strlen(path);

    for (size_t end = 1; end <= len; end++) {
        _free_ char *part = NULL;
        struct os_stat info;

        if (end < len && path[end] != '/') {
            continue;
        }
        part = str_dup(str_make(path, end));
        if (!part || os_stat(part, &info, &ignored) < 0) {
            corrie_error_clear(&ignored);
            return 0;
        }
        if (info.kind == OS_DIRECTORY && os_may_enter(part, &ignored) == 0) {
            tell(lake, "enter", part, &info, err);
            return 1;
        }
        corrie_error_clear(&ignored);
    }
    return 0;
}

int lake_explain_refusal(const struct lake *lake, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_stat info;

    if (err->hint) {
        return err->code; /* who told it knew what to do */
    }
    if (find_closed(lake, lake->catalog_dir.data, err) > 0) {
        return err->code;
    }
    if (os_stat(lake->catalog_dir.data, &info, &ignored) >= 0 &&
        os_may_write(lake->catalog_dir.data, &ignored) == 0) {
        return tell(lake, "write to", lake->catalog_dir.data, &info, err);
    }
    return err->code;
}
