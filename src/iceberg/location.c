/* location.c — paths of tables and files. */
#include "iceberg/location.h"

#include "base/buf.h"
#include "base/mem.h"
#include "os/file.h"

#define NAME_MAX_BYTES 64
#define FILE_SCHEME "file://"

static int text_or_memory(const char *text, struct str *ret, corrie_error *err)
{
    if (!text) {
        return corrie_fail_memory(err);
    }
    *ret = str_of(text);
    return 0;
}

int location_of_store(struct store *store, struct arena *arena, struct str *ret, corrie_error *err)
{
    static const char probe[] = "/x"; /* a key is needed to ask for a path */
    _free_ char *path = NULL;

    int r = store_local_path(store, STR("x"), &path, err);
    if (r == CORRIE_E_UNSUPPORTED) { /* an object store: its URL is what others know */
        corrie_error_clear(err);
        return text_or_memory(arena_text(arena, store_url(store)), ret, err);
    }
    if (r < 0) {
        return r;
    }
    struct str root = str_of(path);
    if (!str_ends(root, str_of(probe))) {
        return corrie_fail(err, CORRIE_E_INTERNAL, "the store's path '%s' is not under its root",
                           path);
    }
    root.len -= sizeof probe - 1;
    return text_or_memory(arena_printf(arena, FILE_SCHEME "%.*s", STR_FMT(root)), ret, err);
}

/* Whether `path` is `root` or lies under it; *ret_rest begins with the slash, if any. */
static bool is_under(struct str path, struct str root, struct str *ret_rest)
{
    if (root.len == 0 || !str_starts(path, root)) {
        return false;
    }
    *ret_rest = str_from(path, root.len);
    return ret_rest->len == 0 || ret_rest->data[0] == '/';
}

/* "file:/x" and "/x", which other engines write, as "file:///x". */
static int canonical(struct str path, struct arena *arena, struct str *ret, corrie_error *err)
{
    if (str_starts(path, STR("/"))) {
        return text_or_memory(arena_printf(arena, FILE_SCHEME "%.*s", STR_FMT(path)), ret, err);
    }
    if (str_starts(path, STR("file:/")) && !str_starts(path, STR("file://"))) {
        struct str rest = str_from(path, sizeof "file:" - 1);
        return text_or_memory(arena_printf(arena, FILE_SCHEME "%.*s", STR_FMT(rest)), ret, err);
    }
    *ret = path;
    return 0;
}

/* The path of the spellings above; anything else as it is. */
static struct str plain_path(struct str path)
{
    if (str_starts(path, STR(FILE_SCHEME))) {
        return str_from(path, sizeof FILE_SCHEME - 1);
    }
    return str_starts(path, STR("file:/")) ? str_from(path, sizeof "file:" - 1) : path;
}

int location_resolve(const struct table_io *io, struct str path, struct arena *arena,
                     struct str *ret, corrie_error *err)
{
    struct str full;
    struct str rest;
    size_t best = 0;
    struct str best_rest = STR_EMPTY;

    if (is_under(plain_path(path), plain_path(io->moved_from), &rest)) {
        return text_or_memory(arena_printf(arena, "%.*s%.*s", STR_FMT(io->moved_to), STR_FMT(rest)),
                              ret, err);
    }
    int r = canonical(path, arena, &full, err);
    if (r < 0) {
        return r;
    }
    if (is_under(full, io->root, &rest)) {
        *ret = full;
        return 0;
    }
    for (size_t i = 0; i < io->n_older_roots;
         i++) { /* the longest wins: a root may lie in another */
        if (io->older_roots[i].len > best && is_under(full, io->older_roots[i], &rest)) {
            best = io->older_roots[i].len;
            best_rest = rest;
        }
    }
    if (best == 0) {
        *ret = full;
        return 0;
    }
    return text_or_memory(arena_printf(arena, "%.*s%.*s", STR_FMT(io->root), STR_FMT(best_rest)),
                          ret, err);
}

int location_key(const struct table_io *io, struct str path, struct arena *arena, struct str *ret,
                 corrie_error *err)
{
    struct str full;
    struct str rest;

    int r = location_resolve(io, path, arena, &full, err);
    if (r < 0) {
        return r;
    }
    if (!is_under(full, io->root, &rest) || rest.len < 2) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "'%.*s' lies outside '%.*s'", STR_FMT(path),
                    STR_FMT(io->root));
        return corrie_hint(err,
                           "if the lake was moved by hand, open it once at its new place, so that "
                           "the old one becomes one of its known roots");
    }
    *ret = str_from(rest, 1);
    return 0;
}

int location_check_local(struct str path, corrie_error *err)
{
    struct str plain = plain_path(path);

    if (plain.len > 0 && plain.data[0] == '/') {
        return 0;
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "'%.*s' is not on this machine", STR_FMT(path));
    return corrie_hint(err, "this version reads external tables from directories only");
}

static int read_outside(struct str path, size_t max, struct buf *out, corrie_error *err)
{
    _free_ char *name = NULL;
    struct os_stat stat;
    int r = location_check_local(path, err);

    if (r < 0) {
        return r;
    }
    name = str_dup(plain_path(path));
    if (!name) {
        return corrie_fail_memory(err);
    }
    r = os_stat(name, &stat, err);
    if (r >= 0 && stat.kind != OS_FILE) { /* a FIFO would be waited for */
        return corrie_fail(err, CORRIE_E_CORRUPT, "'%s' is no file", name);
    }
    return r < 0 ? r : os_file_read(name, max, out, err);
}

int location_read(const struct table_io *io, struct str path, size_t max, struct buf *out,
                  corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str full;
    struct str key;
    int r = location_resolve(io, path, &arena, &full, err);

    if (r >= 0 && io->outside && !is_under(full, io->root, &key)) {
        return read_outside(full, max, out, err);
    }
    r = r < 0 ? r : location_key(io, path, &arena, &key, err);
    return r < 0 ? r : store_get(io->store, key, max, out, NULL, err);
}

int location_of_key(const struct table_io *io, struct str key, struct arena *arena, struct str *ret,
                    corrie_error *err)
{
    return text_or_memory(arena_printf(arena, "%.*s/%.*s", STR_FMT(io->root), STR_FMT(key)), ret,
                          err);
}

/* Percent-encodes what is no letter, digit, "-", "_" or inner ".", and cuts between encoded bytes. */
static void encode_name(struct str name, char ret[NAME_MAX_BYTES + 1])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = 0;

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || (c == '.' && i > 0);
        if (len + (plain ? 1 : 3) > NAME_MAX_BYTES) {
            break;
        }
        if (plain) {
            ret[len++] = (char)c;
        } else {
            ret[len++] = '%';
            ret[len++] = hex[c >> 4];
            ret[len++] = hex[c & 15];
        }
    }
    ret[len] = '\0';
}

int location_of_table(const struct table_io *io, struct str namespace_name, struct str table_name,
                      const struct uuid *id, struct arena *arena, struct str *ret,
                      corrie_error *err)
{
    char space[NAME_MAX_BYTES + 1];
    char table[NAME_MAX_BYTES + 1];
    char digits[33];

    if (namespace_name.len == 0 || table_name.len == 0) {
        return corrie_fail(err, CORRIE_E_USAGE, "a table without a namespace or name");
    }
    encode_name(namespace_name, space);
    encode_name(table_name, table);
    uuid_format_hex(id, digits);
    return text_or_memory(
        arena_printf(arena, "%.*s/data/%s/%s-%s", STR_FMT(io->root), space, table, digits), ret,
        err);
}

int location_of_data_file(struct str location, unsigned ordinal, struct arena *arena,
                          struct str *ret, corrie_error *err)
{
    struct uuid id = uuid_random();
    char uuid[UUID_TEXT + 1];

    uuid_format(&id, uuid);
    return text_or_memory(
        arena_printf(arena, "%.*s/data/%05u-%s.parquet", STR_FMT(location), ordinal, uuid), ret,
        err);
}
