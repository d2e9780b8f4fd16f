/* store.c — the front: checks keys, opens by scheme, adds to errors what was attempted. */
#include "store/store.h"

#include "base/limits.h"
#include "base/mem.h"
#include "store/store_priv.h"

/* The scheme of "s3://…", "file:/…": letters, digits, + - . before the first colon, at least two (a
 * single letter is a drive elsewhere). False for a path. */
static bool split_scheme(struct str url, struct str *ret_scheme, struct str *ret_rest)
{
    struct str scheme, rest;

    if (!str_cut(url, ':', &scheme, &rest) || scheme.len < 2 || !str_starts(rest, STR("/"))) {
        return false;
    }
    for (size_t i = 0; i < scheme.len; i++) {
        char c = scheme.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) {
            return false;
        }
    }
    *ret_scheme = scheme;
    *ret_rest = rest;
    return true;
}

/* "file:///abs", "file://localhost/abs", "file:/abs" */
static int open_file_url(struct str url, struct str rest, struct store **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    if (str_starts(rest, STR("//"))) {
        ptrdiff_t slash;

        rest = str_from(rest, 2);
        slash = str_find(rest, '/');
        if (slash < 0 ||
            (slash > 0 && !str_eq(str_slice(rest, 0, (size_t)slash), STR("localhost")))) {
            corrie_fail(err, CORRIE_E_USAGE, "open %.*s: a file on another machine", STR_FMT(url));
            return corrie_hint(err, "write three slashes: file:///srv/lake");
        }
        rest = str_from(rest, (size_t)slash);
    }
    buf_init(&path, CORRIE_MAX_PATH);
    r = url_decode(&path, rest, err);
    r = r < 0 ? r : buf_check(&path, err);
    if (r < 0) {
        return corrie_wrap(err, "open %.*s", STR_FMT(url));
    }
    return store_file_open(buf_str(&path), ret, err);
}

int store_open(struct str url, struct store **ret, corrie_error *err)
{
    struct str scheme, rest;

    if (url.len == 0 || memchr(url.data, '\0', url.len)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the location of a store is empty or no text");
    }
    if (!split_scheme(url, &scheme, &rest)) {
        return store_file_open(url, ret, err);
    }
    if (str_eq_nocase(scheme, STR("file"))) {
        return open_file_url(url, rest, ret, err);
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED,
                "open %.*s: this version cannot reach \"%.*s:\" locations", STR_FMT(url),
                STR_FMT(scheme));
    return corrie_hint(err, "use a directory: a path, or file:///…");
}

struct store *store_close(struct store *store)
{
    return store ? store->ops->close(store) : NULL;
}

void store_set_modes(struct store *store, uint32_t directories, uint32_t files)
{
    store->directory_mode = directories;
    store->file_mode = files;
}

uint32_t store_file_mode(const struct store *store)
{
    return store->file_mode;
}

struct str store_url(const struct store *store)
{
    return str_of(store->url);
}

static int check_segment(struct str key, struct str segment, corrie_error *err)
{
    const char *what = NULL;

    if (segment.len == 0) {
        what = "it has an empty segment";
    } else if (segment.len > CORRIE_MAX_KEY_SEGMENT) {
        what = "a segment has more than 255 bytes";
    } else if (str_eq(segment, STR(".")) || str_eq(segment, STR(".."))) {
        what = "\".\" and \"..\" are no segments";
    } else if (str_starts(segment, STR(".corrie-"))) {
        what = "names beginning with \".corrie-\" are kept for locks and unfinished files";
    }
    return what ? corrie_fail(err, CORRIE_E_USAGE, "store key \"%.*s\": %s", STR_FMT(key), what)
                : 0;
}

int store_check_key(struct str key, corrie_error *err)
{
    struct str rest = key;
    bool more = true;

    if (key.len == 0 || key.len > CORRIE_MAX_STORE_KEY) {
        return corrie_fail(err, CORRIE_E_USAGE, "a store key has 1 to %d bytes, this has %zu",
                           CORRIE_MAX_STORE_KEY, key.len);
    }
    if (!str_is_utf8(key, NULL)) {
        return corrie_fail(err, CORRIE_E_USAGE, "a store key is not UTF-8");
    }
    for (size_t i = 0; i < key.len; i++) {
        if ((unsigned char)key.data[i] < 0x20 || key.data[i] == 0x7f) {
            return corrie_fail(err, CORRIE_E_USAGE,
                               "a store key has a control character at byte %zu", i);
        }
    }
    while (more) {
        struct str segment;
        int r;

        more = str_cut(rest, '/', &segment, &rest);
        r = check_segment(key, segment, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Adds "<verb> <url>/<key>" to an error. */
static int told(struct store *store, const char *verb, struct str key, int r, corrie_error *err)
{
    return r < 0 ? corrie_wrap(err, "%s %s/%.*s", verb, store->url, STR_FMT(key)) : r;
}

int store_get(struct store *store, struct str key, size_t max, struct buf *out,
              struct store_tag *ret_tag, corrie_error *err)
{
    int r = store_check_key(key, err);

    return r < 0
               ? r
               : told(store, "get", key, store->ops->get(store, key, max, out, ret_tag, err), err);
}

int store_get_range(struct store *store, struct str key, uint64_t offset, void *bytes, size_t len,
                    corrie_error *err)
{
    int r = store_check_key(key, err);

    r = r < 0 ? r : store->ops->get_range(store, key, offset, bytes, len, err);
    return told(store, "get a part of", key, r, err);
}

int store_stat(struct store *store, struct str key, struct store_info *ret, corrie_error *err)
{
    int r = store_check_key(key, err);

    return r < 0 ? r : told(store, "look at", key, store->ops->stat(store, key, ret, err), err);
}

int store_exists(struct store *store, struct str key, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    struct store_info info;
    int r = store_check_key(key, err);

    if (r < 0) {
        return r;
    }
    r = store->ops->stat(store, key, &info, &inner);
    if (r == CORRIE_E_NOT_FOUND) {
        return 0;
    }
    if (r < 0) {
        corrie_error_move(err, &inner);
        return told(store, "look at", key, r, err);
    }
    return 1;
}

int store_put(struct store *store, struct str key, struct str bytes, corrie_error *err)
{
    int r = store_check_key(key, err);

    return r < 0 ? r : told(store, "put", key, store->ops->put(store, key, bytes, err), err);
}

int store_put_before(struct store *store, struct str key, struct str bytes, corrie_error *err)
{
    int r = store_check_key(key, err);

    return r < 0 ? r : told(store, "put", key, store->ops->put_before(store, key, bytes, err), err);
}

int store_put_if_absent(struct store *store, struct str key, struct str bytes, corrie_error *err)
{
    int r = store_check_key(key, err);

    return r < 0
               ? r
               : told(store, "create", key, store->ops->put_if_absent(store, key, bytes, err), err);
}

int store_put_if_match(struct store *store, struct str key, struct str bytes,
                       const struct store_tag *tag, struct store_tag *ret_tag, corrie_error *err)
{
    int r = store_check_key(key, err);

    r = r < 0 ? r : store->ops->put_if_match(store, key, bytes, tag, ret_tag, err);
    return told(store, "replace", key, r, err);
}

int store_delete(struct store *store, struct str key, corrie_error *err)
{
    int r = store_check_key(key, err);

    return r < 0 ? r : told(store, "delete", key, store->ops->remove(store, key, err), err);
}

int store_delete_all(struct store *store, const struct str *keys, size_t n, size_t *ret_deleted,
                     corrie_error *err)
{
    size_t deleted = 0;
    int r = 0;

    for (size_t i = 0; i < n && r >= 0; i++) {
        r = store_check_key(keys[i], err);
    }
    if (r >= 0 && n > 0 && store->ops->remove_all) {
        r = store->ops->remove_all(store, keys, n, &deleted, err);
    } else {
        for (size_t i = 0; i < n && r >= 0; i++) {
            r = store->ops->remove(store, keys[i], err);
            deleted += r > 0;
        }
    }
    if (ret_deleted) {
        *ret_deleted = deleted;
    }
    return r < 0 ? corrie_wrap(err, "delete from %s", store->url) : 0;
}

int store_clean(struct store *store, struct store_clean *clean, corrie_error *err)
{
    int r = store->ops->clean ? store->ops->clean(store, clean, err) : 0;

    return r < 0 ? corrie_wrap(err, "clean up %s", store->url) : 0;
}

int store_list(struct store *store, struct str prefix, const struct cancel *cancel,
               store_list_fn found, void *arg, corrie_error *err)
{
    /* A prefix need not be a key ("data/", "da"), but nothing of it may lead out. */
    struct str whole = prefix;
    int r;

    if (str_ends(whole, STR("/"))) {
        whole.len--;
    }
    r = prefix.len == 0 ? 0 : store_check_key(whole, err);
    return r < 0 ? r : store->ops->list(store, prefix, cancel, found, arg, err);
}

int store_local_path(struct store *store, struct str key, char **ret, corrie_error *err)
{
    int r = store_check_key(key, err);

    if (r >= 0 && !store->ops->local_path) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "%s is not in this machine's file system",
                           store->url);
    }
    return r < 0 ? r : store->ops->local_path(store, key, ret, err);
}

int store_key_url(struct store *store, struct str key, char **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf url = {0};
    int r = store_check_key(key, err);

    if (r < 0) {
        return r;
    }
    buf_add_text(&url, store->url);
    buf_add_char(&url, '/');
    url_encode_path(&url, key);
    r = buf_check(&url, err);
    if (r < 0) {
        return r;
    }
    *ret = buf_take(&url);
    return *ret ? 0 : corrie_fail_memory(err);
}

int store_prepare(struct store *store, struct str key, corrie_error *err)
{
    int r = store_check_key(key, err);

    if (r < 0 || !store->ops->prepare) {
        return r;
    }
    return told(store, "make the directory of", key, store->ops->prepare(store, key, err), err);
}

int store_sync(struct store *store, const struct str *keys, size_t n_keys, corrie_error *err)
{
    for (size_t i = 0; i < n_keys; i++) {
        int r = store_check_key(keys[i], err);

        if (r < 0) {
            return r;
        }
    }
    return store->ops->sync && n_keys > 0 ? store->ops->sync(store, keys, n_keys, err) : 0;
}
