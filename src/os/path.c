#include "os/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "os/os_priv.h"
#include "os/user.h"

static struct str without_trailing_slashes(struct str path)
{
    while (path.len > 1 && path.data[path.len - 1] == '/') {
        path.len--;
    }
    return path;
}

struct str os_path_parent(struct str path)
{
    struct str trimmed = without_trailing_slashes(path);
    ptrdiff_t slash = str_rfind(trimmed, '/');

    if (slash < 0) {
        return STR(".");
    }
    return slash == 0 ? STR("/") : without_trailing_slashes(str_slice(trimmed, 0, (size_t)slash));
}

struct str os_path_name(struct str path)
{
    struct str trimmed = without_trailing_slashes(path);

    return str_from(trimmed, (size_t)(str_rfind(trimmed, '/') + 1));
}

int os_path_join(struct str base, struct str name, char **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    buf_init(&path, CORRIE_MAX_PATH);
    if (base.len > 0 && !str_starts(name, STR("/"))) {
        buf_add_str(&path, base);
        if (base.data[base.len - 1] != '/') {
            buf_add_char(&path, '/');
        }
    }
    buf_add_str(&path, name);
    r = buf_check(&path, err);
    if (r < 0) {
        return corrie_wrap(err, "path %.*s/%.*s", STR_FMT(base), STR_FMT(name));
    }
    *ret = buf_take(&path);
    return *ret ? 0 : corrie_fail_memory(err);
}

int os_path_absolute(struct str path, char **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf out = {0};
    _free_ char *cwd = NULL;
    struct str rest[2] = {STR_EMPTY, path};
    int r;

    if (!str_starts(path, STR("/"))) {
        r = os_cwd(&cwd, err);
        if (r < 0) {
            return r;
        }
        rest[0] = str_of(cwd);
    }
    buf_init(&out, CORRIE_MAX_PATH);
    for (size_t i = 0; i < 2; i++) {
        while (rest[i].len > 0) {
            struct str segment;

            str_cut(rest[i], '/', &segment, &rest[i]);
            if (str_eq(segment, STR(".."))) {
                ptrdiff_t slash = str_rfind(buf_str(&out), '/');

                out.len = slash > 0 ? (size_t)slash : 0;
            } else if (segment.len > 0 && !str_eq(segment, STR("."))) {
                buf_add_char(&out, '/');
                buf_add_str(&out, segment);
            }
        }
    }
    if (out.len == 0) {
        buf_add_char(&out, '/');
    } else if (out.data) {
        out.data[out.len] = '\0'; /* ".." may have cut it */
    }
    r = buf_check(&out, err);
    if (r < 0) {
        return corrie_wrap(err, "path %.*s", STR_FMT(path));
    }
    *ret = buf_take(&out);
    return *ret ? 0 : corrie_fail_memory(err);
}

int os_path_real(const char *path, char **ret, corrie_error *err)
{
    char real[PATH_MAX];

    if (os_fault_errno(OS_OP_STAT, AT_FDCWD, path) < 0 || !realpath(path, real)) {
        return corrie_fail_errno(err, errno, "find %s", path);
    }
    *ret = str_dup(str_of(real));
    return *ret ? 0 : corrie_fail_memory(err);
}
