/* store.h — bytes by URL.
 *
 * A store is a root (a directory; later a bucket and prefix, a web site) under which keys name
 * blobs. A key is a relative path of UTF-8 segments divided by single slashes:
 * "data/sales/orders/x.parquet". Keys are taken as they are: percent signs mean nothing.
 *
 * Invariants
 *   1. A blob is seen whole or not at all: a put that failed or was cut off leaves the old one or
 *   none.
 *   2. What put, put_if_* and delete reported done survives a power cut.
 *   3. No key reaches outside the root.
 *
 * A store may be used by several threads at once. */
#ifndef CORRIE_STORE_STORE_H
#define CORRIE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/str.h"

struct store;

/* What tells one content of a key from another, for store_put_if_match. Opaque text. */
#define STORE_TAG_MAX 128
struct store_tag {
    char text[STORE_TAG_MAX]; /* "" = none */
};

struct store_info {
    uint64_t size;
    int64_t mtime; /* nanoseconds since 1970, UTC; whole seconds at some backends */
};

/* Opens the store at `url`: "file:///abs/dir" (percent-decoded), or a path. Nothing is created or
 * looked at yet. CORRIE_E_UNSUPPORTED names a scheme we do not have. */
int store_open(struct str url, struct store **ret, corrie_error *err) CORRIE_MUST_USE;
struct store *store_close(struct store *store);
static inline void store_closep(struct store **store)
{
    *store = store_close(*store);
}
/* Who may use what the store makes from now on: permission bits of directories and files, as in os/file.h (0777 and 0666
 * before the umask until this is called; OS_MODE_EXACT: whatever the umask). Stores without permissions ignore it. To be
 * called before others use the store. */
void store_set_modes(struct store *store, uint32_t directories, uint32_t files);
/* The mode for a file that somebody makes at its store_local_path. */
uint32_t store_file_mode(const struct store *store);
/* The root as a canonical URL without a trailing slash ("file:///srv/lake"). Lives as long as the
 * store. */
struct str store_url(const struct store *store);

/* Whether `key` may be used: 1 … CORRIE_MAX_STORE_KEY bytes of UTF-8 without control characters,
 * segments of 1 … 255 bytes, none "." or "..", none beginning with ".corrie-". CORRIE_E_USAGE
 * says what is wrong. */
int store_check_key(struct str key, corrie_error *err) CORRIE_MUST_USE;

/* Appends the whole blob to `out`. CORRIE_E_NOT_FOUND; CORRIE_E_LIMIT if it has more than `max`
 * bytes.
 * *ret_tag (may be NULL) is of exactly the bytes returned. */
int store_get(struct store *store, struct str key, size_t max, struct buf *out,
              struct store_tag *ret_tag, corrie_error *err) CORRIE_MUST_USE;
/* `len` bytes from `offset` into `bytes`. CORRIE_E_CORRUPT if the blob ends before. */
int store_get_range(struct store *store, struct str key, uint64_t offset, void *bytes, size_t len,
                    corrie_error *err) CORRIE_MUST_USE;
/* CORRIE_E_NOT_FOUND if there is none. */
int store_stat(struct store *store, struct str key, struct store_info *ret, corrie_error *err)
    CORRIE_MUST_USE;
/* 1 or 0. */
int store_exists(struct store *store, struct str key, corrie_error *err) CORRIE_MUST_USE;

/* Durable; makes missing directories. */
int store_put(struct store *store, struct str key, struct str bytes, corrie_error *err)
    CORRIE_MUST_USE;
/* The same for one of several that go together: whole or not at all, but durable only when a store_put, store_delete or
 * store_sync of a key in the same directory that came later is done. Nothing may name it before that. */
int store_put_before(struct store *store, struct str key, struct str bytes, corrie_error *err)
    CORRIE_MUST_USE;
/* Only if the key has no blob: CORRIE_E_EXISTS otherwise. Of several at once one wins. */
int store_put_if_absent(struct store *store, struct str key, struct str bytes, corrie_error *err)
    CORRIE_MUST_USE;
/* Only if the key's content is the one that gave `tag`: CORRIE_E_CONFLICT otherwise (also if there
 * is none).
 * *ret_tag (may be NULL) is the new one. Safe against others who use store_put_if_match and
 * store_put_if_absent on this key; a plain put of someone else may come between. */
int store_put_if_match(struct store *store, struct str key, struct str bytes,
                       const struct store_tag *tag, struct store_tag *ret_tag, corrie_error *err)
    CORRIE_MUST_USE;
/* 1 deleted, 0 there was none. Some backends cannot tell and say 1. Directories that become empty
 * stay. */
int store_delete(struct store *store, struct str key, corrie_error *err) CORRIE_MUST_USE;

/* Deletes many at once, which costs less than one by one; those that are not there are passed over. *ret_deleted (may be
 * NULL) counts them, also on failure. */
int store_delete_all(struct store *store, const struct str *keys, size_t n, size_t *ret_deleted,
                     corrie_error *err) CORRIE_MUST_USE;

/* Calls `found` for every blob whose key begins with `prefix` (any text, "" for all), in order of
 * bytes of the keys. `found` returns 0 to go on, 1 to stop (store_list then gives 1), or a negative
 * code with the error set. `key` is valid during the call. Temporary files of puts under way are
 * not shown. */
typedef int (*store_list_fn)(void *arg, struct str key, const struct store_info *info,
                             corrie_error *err);
int store_list(struct store *store, struct str prefix, const struct cancel *cancel,
               store_list_fn found, void *arg, corrie_error *err) CORRIE_MUST_USE;

/* What puts that were cut off have left, and empty directories. */
struct store_clean {
    int64_t before; /* only unfinished files that were last changed before that (UTC ns) */
    bool dry_run;
    const struct cancel *cancel;
    void *arg;
    /* Whether a directory that is empty ("data/shop", last changed at `mtime`) may go. One that somebody puts something
     * into at this moment stays, or is made again. NULL: none goes. */
    bool (*may_go)(void *arg, struct str directory, int64_t mtime);
    uint64_t files; /* out: that went, or would go */
    uint64_t bytes;
};
/* Removes them, in the whole store. Stores that have neither do nothing. Cost: a listing. */
int store_clean(struct store *store, struct store_clean *clean, corrie_error *err) CORRIE_MUST_USE;

/* For engines that open files themselves. */
/* The file's path in this machine's file system (need not exist), heap. CORRIE_E_UNSUPPORTED if the
 * store is remote. */
int store_local_path(struct store *store, struct str key, char **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* The key's URL ("file:///srv/lake/data/x%20y.parquet"), heap. */
int store_key_url(struct store *store, struct str key, char **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Makes the directory for a file that will be written at store_local_path; no-op where there are
 * none. */
int store_prepare(struct store *store, struct str key, corrie_error *err) CORRIE_MUST_USE;
/* Makes files written at their store_local_path durable: the files, then each directory once; their writer, which may
 * not know of store_file_mode, is whose process calls this. No-op for remote stores. */
int store_sync(struct store *store, const struct str *keys, size_t n_keys, corrie_error *err)
    CORRIE_MUST_USE;

#endif
