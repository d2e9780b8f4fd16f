/* store_priv.h — what a backend is. */
#ifndef CORRIE_STORE_PRIV_H
#define CORRIE_STORE_PRIV_H

#include "store/store.h"

/* Keys arrive checked. `ret_*` and errors as in store.h. A backend embeds struct store as its first
 * member. Optional members may be NULL where the comment says what happens then. */
struct store_ops {
    const char *scheme; /* "file" */
    struct store *(*close)(struct store *store);
    int (*get)(struct store *store, struct str key, size_t max, struct buf *out,
               struct store_tag *ret_tag, corrie_error *err);
    int (*get_range)(struct store *store, struct str key, uint64_t offset, void *bytes, size_t len,
                     corrie_error *err);
    int (*stat)(struct store *store, struct str key, struct store_info *ret, corrie_error *err);
    int (*put)(struct store *store, struct str key, struct str bytes, corrie_error *err);
    int (*put_before)(struct store *store, struct str key, struct str bytes, corrie_error *err);
    int (*put_if_absent)(struct store *store, struct str key, struct str bytes, corrie_error *err);
    int (*put_if_match)(struct store *store, struct str key, struct str bytes,
                        const struct store_tag *tag, struct store_tag *ret_tag, corrie_error *err);
    int (*remove)(struct store *store, struct str key, corrie_error *err);
    int (*list)(struct store *store, struct str prefix, const struct cancel *cancel,
                store_list_fn found, void *arg, corrie_error *err);
    /* for stores on this machine; NULL: store_local_path is CORRIE_E_UNSUPPORTED, the others do
     * nothing */
    int (*local_path)(struct store *store, struct str key, char **ret, corrie_error *err);
    int (*prepare)(struct store *store, struct str key, corrie_error *err);
    int (*sync)(struct store *store, const struct str *keys, size_t n_keys, corrie_error *err);
    /* NULL: one by one; nothing to clean */
    int (*remove_all)(struct store *store, const struct str *keys, size_t n, size_t *deleted,
                      corrie_error *err);
    int (*clean)(struct store *store, struct store_clean *clean, corrie_error *err);
};

struct store {
    const struct store_ops *ops;
    char *url; /* canonical, no slash at the end */
    uint32_t directory_mode;
    uint32_t file_mode;
};

/* Where the file backend keeps its locks, under the root. */
#define STORE_LOCK_DIRECTORY ".corrie-locks"

/* `path`: absolute or not; becomes the root. */
int store_file_open(struct str path, struct store **ret, corrie_error *err) CORRIE_MUST_USE;

/* clean.c: the same for every store whose blobs are files. */
int store_file_clean(struct store *store, struct store_clean *clean, corrie_error *err)
    CORRIE_MUST_USE;

/* Percent-encodes all but unreserved characters and slashes; decodes (CORRIE_E_USAGE for a broken
 * escape or an encoded NUL). Both append. */
void url_encode_path(struct buf *out, struct str path);
int url_decode(struct buf *out, struct str text, corrie_error *err) CORRIE_MUST_USE;

#endif
