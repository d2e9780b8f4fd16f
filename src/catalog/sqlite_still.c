/* sqlite_still.c — a catalog that nobody may write: on a file system that is mounted read-only, or without a permission to
 * write in file and directory (an archive).
 *
 * SQLite reads a log (WAL) by way of shared memory in a file beside it, which cannot be made there. Told that the file does
 * not change (`immutable`) it goes without; that must then be true. A mount that is read-only here may be written
 * elsewhere, so it is looked at again with every row: whoever writes has a log beside the file while at it, and leaves the
 * file with another time or size. Objects are checked by their names in any case. */
#include "catalog/sqlite_priv.h"
#include "os/file.h"

static int log_path(const struct sqlite_backend *self, struct buf *ret, corrie_error *err)
{
    buf_addf(ret, "%s-wal", self->path);
    return buf_check(ret, err);
}

/* 1 there is a log with something in it. */
static int has_log(const struct sqlite_backend *self, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    struct os_stat info;
    int r = log_path(self, &path, err);

    r = r < 0 ? r : os_stat(buf_text(&path), &info, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err);
        return 0;
    }
    return r < 0 ? r : info.size > 0;
}

static int may_anybody_write(const struct sqlite_backend *self, const char *directory,
                             corrie_error *err)
{
    struct os_stat info;
    struct os_fs fs;
    int r;

    r = os_fs(directory, &fs, err);
    if (r < 0 || fs.read_only) {
        return r;
    }
    r = os_stat(directory, &info, err);
    if (r < 0 || (info.mode & 0222) != 0) {
        return r < 0 ? r : 1;
    }
    r = os_stat(self->path, &info, err);
    return r < 0 ? r : (info.mode & 0222) != 0;
}

int sqlite_still_look(struct sqlite_backend *self, const char *directory, corrie_error *err)
{
    int r;

    r = os_may_write(self->path, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = may_anybody_write(self, directory, err);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    r = os_stat(self->path, &self->still, err);
    if (r < 0 || (r = has_log(self, err)) < 0) {
        return r;
    }
    if (r > 0) {
        corrie_fail(
            err, CORRIE_E_REFUSED,
            "open: the catalog %s has a log (%s-wal) that nobody has brought into it, and it may "
            "not be written",
            self->path, SQLITE_CATALOG_FILE);
        return corrie_hint(err, "copy the lake to where you may write, and use that");
    }
    self->is_still = true;
    return 1;
}

/* "file:/path%20x?immutable=1" */
int sqlite_still_url(const struct sqlite_backend *self, struct buf *ret, corrie_error *err)
{
    buf_add_text(ret, "file:");
    for (const char *at = self->path; *at; at++) {
        if (*at == '%' || *at == '?' || *at == '#') {
            buf_addf(ret, "%%%02x", (unsigned)(unsigned char)*at);
        } else {
            buf_add_char(ret, *at);
        }
    }
    buf_add_text(ret, "?immutable=1");
    return buf_check(ret, err);
}

int sqlite_still_check(struct sqlite_backend *self, corrie_error *err)
{
    struct os_stat now;
    int r;

    if (!self->is_still) {
        return 0;
    }
    r = has_log(self, err);
    if (r < 0 || (r == 0 && (r = os_stat(self->path, &now, err)) < 0)) {
        return r;
    }
    if (r == 0 && now.mtime == self->still.mtime && now.size == self->still.size &&
        now.inode == self->still.inode) {
        return 0;
    }
    corrie_fail(
        err, CORRIE_E_BUSY,
        "read the catalog %s: it is written by others, which a read-only view of it cannot follow",
        self->path);
    err->retryable = true;
    return corrie_hint(err, "try again, or use the lake where it may be written");
}
