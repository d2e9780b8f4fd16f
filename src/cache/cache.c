#include "cache/cache.h"

#include <fcntl.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"
#include "base/vec.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/path.h"
#include "os/user.h"

/* docs/formats/cache.md: magic, length (8 bytes, little-endian), SHA-256 of the value, the value. */
#define MAGIC "corrie-cache 1\n"
#define MAGIC_LEN (sizeof MAGIC - 1)
#define HEADER_LEN (MAGIC_LEN + 8 + HASH_BYTES)

#define DEFAULT_MAX (20 * (uint64_t)CORRIE_GiB)
#define STAMP "trimmed"
#define SECOND ((int64_t)1000000000)
#define TRIM_INTERVAL (600 * SECOND)
#define TEMP_AGE (3600 * SECOND)

struct cache {
    char *dir;          /* NULL: there is none */
    uint64_t max_bytes; /* 0 = not asked for: default_max() */
    uint64_t put_bytes; /* by this process since the last trim */
};

/* Only memory that ran out is the caller's business; the rest is a cache that holds nothing. */
static int swallow(const char *what, corrie_error *inner, corrie_error *err)
{
    if (inner->code == CORRIE_E_NO_MEMORY) {
        return corrie_fail_memory(err);
    }
    log_debug("cache: %s: %s", what, corrie_error_message(inner));
    return 0;
}

static int find_dir(const struct cache_options *options, char **ret, corrie_error *err)
{
    const char *variable = os_env("CORRIE_CACHE_DIR");

    if (options && options->dir.len > 0) {
        return os_path_absolute(options->dir, ret, err);
    }
    if (variable) {
        return os_path_absolute(str_of(variable), ret, err);
    }
    return os_place(OS_CACHE, ret, err);
}

int cache_open(const struct cache_options *options, struct cache **ret, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(cache_closep) struct cache *cache = mem_alloc(1, sizeof *cache);

    if (!cache) {
        return corrie_fail_memory(err);
    }
    cache->max_bytes = options ? options->max_bytes : 0;
    _free_ char *root = NULL;
    int r = find_dir(options, &root, &inner);
    if (r >= 0) {
        /* beside it lie environments, which the room env looks after */
        r = os_path_join(str_of(root), STR("entries"), &cache->dir, &inner);
    }
    if (r < 0) {
        r = swallow("no directory", &inner, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = TAKE_PTR(cache);
    return 0;
}

const char *cache_dir(const struct cache *cache)
{
    return cache && cache->dir ? cache->dir : "";
}

/* `<kind>/<2 hex digits>[/<62 hex digits>]` */
static void entry_path(const struct cache *cache, const char *kind, const struct hash *key,
                       bool whole, struct buf *ret)
{
    char hex[HASH_HEX + 1];

    hash_hex(key, hex);
    buf_clear(ret);
    buf_addf(ret, "%s/%s/%.2s", cache->dir, kind, hex);
    if (whole) {
        buf_addf(ret, "/%s", hex + 2);
    }
}

static uint64_t read_le64(const char *bytes)
{
    uint64_t value = 0;

    for (int i = 7; i >= 0; i--) {
        value = value << 8 | (uint8_t)bytes[i];
    }
    return value;
}

/* Invariant 1: whether the file's bytes are an entry whose value is what was put. */
static bool entry_is_sound(struct str file)
{
    struct hash want, have;

    if (file.len < HEADER_LEN || memcmp(file.data, MAGIC, MAGIC_LEN) != 0 ||
        read_le64(file.data + MAGIC_LEN) != file.len - HEADER_LEN) {
        return false;
    }
    memcpy(want.bytes, file.data + MAGIC_LEN + 8, HASH_BYTES);
    have = hash_bytes(str_from(file, HEADER_LEN));
    return hash_eq(&want, &have);
}

int cache_get(struct cache *cache, const char *kind, const struct hash *key, struct buf *ret,
              corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf path = {0};
    _cleanup_(buf_done) struct buf file = {0};

    buf_clear(ret);
    if (!cache || !cache->dir) {
        return 0;
    }
    entry_path(cache, kind, key, true, &path);
    if (buf_check(&path, err) < 0) {
        return err->code;
    }
    buf_init(&file, HEADER_LEN + CORRIE_MAX_CACHE_VALUE);
    int r = os_file_read(buf_text(&path), HEADER_LEN + CORRIE_MAX_CACHE_VALUE, &file, &inner);
    if (r < 0 || buf_check(&file, &inner) < 0) {
        return swallow("read", &inner, err);
    }
    if (!entry_is_sound(buf_str(&file))) {
        log_debug("cache: %s is damaged, removed", buf_text(&path));
        r = os_unlink(buf_text(&path), &inner);
        return r < 0 ? swallow("remove", &inner, err) : 0;
    }
    buf_add_str(ret, str_from(buf_str(&file), HEADER_LEN));
    if (buf_check(ret, err) < 0) {
        return err->code;
    }
    r = os_touch(buf_text(&path), &inner); /* used now: last to be trimmed */
    if (r < 0 && swallow("touch", &inner, err) < 0) {
        return err->code;
    }
    return 1;
}

/* Temporary file beside the entry, then rename. Not fsynced: what a power cut leaves half-written fails
 * its hash. */
static int write_entry(const char *dir, const char *path, struct str value, corrie_error *err)
{
    _cleanup_(buf_done) struct buf temp = {0};
    _cleanup_(buf_done) struct buf header = {0};
    struct uuid id = uuid_random();
    struct hash hash = hash_bytes(value);
    char hex[33];

    uuid_format_hex(&id, hex);
    buf_addf(&temp, "%s/" OS_TEMP_PREFIX "%s", dir, hex);
    buf_add_text(&header, MAGIC);
    buf_add_le64(&header, value.len);
    buf_add(&header, hash.bytes, HASH_BYTES);
    if (buf_check(&temp, err) < 0 || buf_check(&header, err) < 0) {
        return err->code;
    }

    _close_ int fd = -1;
    int r = os_open(buf_text(&temp), O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, err);
    if (r < 0) {
        return r;
    }
    r = os_write(fd, buf_text(&temp), buf_str(&header), err);
    if (r >= 0) {
        r = os_write(fd, buf_text(&temp), value, err);
    }
    if (r >= 0) {
        r = os_rename(buf_text(&temp), path, err);
    }
    if (r < 0) {
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;
        if (os_unlink(buf_text(&temp), &ignored) < 0) {
            log_debug("cache: %s stays until the next trim", buf_text(&temp));
        }
    }
    return r;
}

int cache_put(struct cache *cache, const char *kind, const struct hash *key, struct str value,
              corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf dir = {0};
    _cleanup_(buf_done) struct buf path = {0};
    int r;

    if (!cache || !cache->dir || value.len > CORRIE_MAX_CACHE_VALUE) {
        return 0;
    }
    entry_path(cache, kind, key, false, &dir);
    entry_path(cache, kind, key, true, &path);
    if (buf_check(&dir, err) < 0 || buf_check(&path, err) < 0) {
        return err->code;
    }
    r = os_exists(buf_text(&dir), &inner);
    if (r == 0) {
        r = os_dir_make(buf_text(&dir), 0700, &inner);
    }
    if (r >= 0) {
        r = write_entry(buf_text(&dir), buf_text(&path), value, &inner);
    }
    if (r < 0) {
        return swallow("write", &inner, err);
    }
    cache->put_bytes += HEADER_LEN + value.len;
    return 1;
}

/* ---- size --------------------------------------------------------------------------------------- */

struct entry {
    char *path; /* in the walk's arena */
    uint64_t size;
    int64_t mtime;
    bool temporary;
};

struct walk {
    struct arena arena;
    VEC(struct entry) entries;
    uint64_t bytes;
};

static void walk_done(struct walk *walk)
{
    vec_done(&walk->entries);
    arena_done(&walk->arena);
}

/* Adds the files at and below `dir`, `depth` directories deep; what has gone meanwhile is passed over. */
static int walk_dir(struct walk *walk, const char *dir, int depth, corrie_error *err)
{
    _error_ corrie_error inner = CORRIE_ERROR_INIT;
    struct os_entry *entries;
    size_t n_entries;
    int r = os_dir_list(dir, &walk->arena, &entries, &n_entries, &inner);

    if (r < 0) {
        return swallow("list", &inner, err);
    }
    for (size_t i = 0; i < n_entries; i++) {
        char *path = arena_printf(&walk->arena, "%s/%.*s", dir, STR_FMT(entries[i].name));
        if (!path) {
            return corrie_fail_memory(err);
        }
        if (entries[i].kind == OS_DIRECTORY && depth > 0) {
            r = walk_dir(walk, path, depth - 1, err);
            if (r < 0) {
                return r;
            }
        } else if (entries[i].kind == OS_FILE && depth == 0) {
            _error_ corrie_error gone = CORRIE_ERROR_INIT;
            struct os_stat info;
            if (os_stat(path, &info, &gone) < 0) {
                continue;
            }
            struct entry entry = {path, info.size, info.mtime, os_temp_is(entries[i].name)};
            if (vec_push(&walk->entries, entry) < 0) {
                return corrie_fail_memory(err);
            }
            walk->bytes += info.size;
        }
    }
    return 0;
}

/* All entries: <kind>/<2 hex>/<62 hex>. */
static int walk_cache(const struct cache *cache, struct walk *walk, corrie_error *err)
{
    return cache->dir ? walk_dir(walk, cache->dir, 2, err) : 0;
}

static uint64_t max_bytes(const struct cache *cache)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_fs fs;

    if (cache->max_bytes > 0) {
        return cache->max_bytes;
    }
    if (!cache->dir || os_fs(cache->dir, &fs, &ignored) < 0 || fs.total == 0) {
        return DEFAULT_MAX;
    }
    return fs.total / 10 < DEFAULT_MAX ? fs.total / 10 : DEFAULT_MAX;
}

int cache_usage(struct cache *cache, struct cache_usage *ret, corrie_error *err)
{
    _cleanup_(walk_done) struct walk walk = {0};
    int r = walk_cache(cache, &walk, err);

    if (r < 0) {
        return r;
    }
    *ret = (struct cache_usage){walk.entries.count, walk.bytes, max_bytes(cache)};
    return 0;
}

static int by_age(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->mtime != y->mtime ? (x->mtime < y->mtime ? -1 : 1) : strcmp(x->path, y->path);
}

int cache_trim(struct cache *cache, uint64_t limit, uint64_t *ret_removed, corrie_error *err)
{
    _cleanup_(walk_done) struct walk walk = {0};
    uint64_t removed = 0;
    int64_t now = clock_now();
    int r = walk_cache(cache, &walk, err);

    if (r < 0) {
        return r;
    }
    if (walk.entries.count > 0) {
        qsort(walk.entries.items, walk.entries.count, sizeof *walk.entries.items, by_age);
    }
    for (size_t i = 0; i < walk.entries.count; i++) {
        const struct entry *entry = &walk.entries.items[i];
        _error_ corrie_error inner = CORRIE_ERROR_INIT;
        /* a fresh temporary file is someone's entry about to be */
        bool doomed =
            entry->temporary ? now - entry->mtime > TEMP_AGE : walk.bytes - removed > limit;
        if (!doomed) {
            continue;
        }
        if (os_unlink(entry->path, &inner) < 0) {
            r = swallow("remove", &inner, err);
            if (r < 0) {
                return r;
            }
            continue;
        }
        removed += entry->size;
    }
    cache->put_bytes = 0;
    if (ret_removed) {
        *ret_removed = removed;
    }
    return 0;
}

/* Walking a large cache costs more than keeping one declaration: at most every ten minutes, unless this
 * process alone put a noticeable part of what is allowed. */
static bool trim_is_due(const struct cache *cache, uint64_t limit, const char *stamp)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct os_stat info;

    if (cache->put_bytes > limit / 64) {
        return true;
    }
    return os_stat(stamp, &info, &ignored) < 0 || clock_now() - info.mtime > TRIM_INTERVAL;
}

static void trim_at_close(struct cache *cache)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf stamp = {0};
    uint64_t limit = max_bytes(cache);

    buf_addf(&stamp, "%s/" STAMP, cache->dir);
    if (buf_check(&stamp, &ignored) < 0 || !trim_is_due(cache, limit, buf_text(&stamp))) {
        return;
    }
    if (cache_trim(cache, limit, NULL, &ignored) < 0) {
        return;
    }
    _close_ int fd = -1;
    if (os_open(buf_text(&stamp), O_WRONLY | O_CREAT, 0600, &fd, &ignored) < 0 ||
        os_touch(buf_text(&stamp), &ignored) < 0) {
        log_debug("cache: %s: %s", buf_text(&stamp), corrie_error_message(&ignored));
    }
}

struct cache *cache_close(struct cache *cache)
{
    if (!cache) {
        return NULL;
    }
    if (cache->dir && cache->put_bytes > 0) {
        trim_at_close(cache);
    }
    mem_free(cache->dir);
    mem_free(cache);
    return NULL;
}
