/* sqlite_shared.c — the log and the shared memory of a catalog that a group shares.
 *
 * SQLite makes these files with the user's umask and gives them the catalog's mode a moment later. Whoever comes in that
 * moment cannot open them, or only for reading, and stays so. They are therefore made here, with their mode from the first
 * moment on, just before SQLite opens them. Whoever opens the log holds SQLite's shared lock on the catalog, and the files
 * are removed only by who holds the exclusive one: what is made here stays until it is opened. */
#include <pthread.h>
#include <string.h>

#include "catalog/sqlite_priv.h"
#include "os/file.h"

#define GROUP_WRITES 0020u

static sqlite3_vfs vfs;
static int (*open_file)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

/* What fails here SQLite meets again, and tells. */
static void make_file(struct str catalog, const char *ending, uint32_t mode)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf path = {0};
    _close_ int fd = -1;

    buf_add_str(&path, catalog);
    buf_add_text(&path, ending);
    if (buf_check(&path, &ignored) < 0 ||
        os_open(buf_text(&path), O_RDWR | O_CREAT, mode | OS_MODE_EXACT, &fd, &ignored) < 0) {
        corrie_error_clear(&ignored);
    }
}

static int open_shared(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags,
                       int *ret_flags)
{
    struct str log = str_of(name);

    if ((flags & SQLITE_OPEN_WAL) && (flags & SQLITE_OPEN_CREATE) && str_ends(log, STR("-wal"))) {
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf path = {0};
        struct str catalog = str_slice(log, 0, log.len - 4);
        struct os_stat info;

        buf_add_str(&path, catalog);
        if (buf_check(&path, &ignored) >= 0 && os_stat(buf_text(&path), &info, &ignored) >= 0 &&
            (info.mode & GROUP_WRITES)) {
            make_file(catalog, "-wal", info.mode & 0666);
            make_file(catalog, "-shm", info.mode & 0666);
        }
        corrie_error_clear(&ignored);
    }
    return open_file(self, name, file, flags, ret_flags);
}

static void register_once(void)
{
    sqlite3_vfs *plain = sqlite3_vfs_find(NULL);

    if (plain) {
        vfs = *plain;
        vfs.zName = "corrie";
        vfs.pNext = NULL;
        open_file = plain->xOpen;
        vfs.xOpen = open_shared;
        if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK) {
            vfs.zName = NULL;
        }
    }
}

const char *sqlite_shared_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_once);
    return vfs.zName;
}
