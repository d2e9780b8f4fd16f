/* cache.h — what can be computed again, kept in one directory of bounded size.
 *
 * Holds the parsed forms of project files and the bindings of SQL models for now; scans and results of
 * functions will be kept by the same rules. An entry is addressed by (kind, key); the key is a hash of
 * everything that the value depends on, so an entry is never stale and never overwritten with something
 * else. Format: docs/formats/cache.md.
 *
 * Invariants
 *   1. A value that is returned is byte for byte one that was put under that kind and key: length and
 *      SHA-256 are checked on every read. A damaged entry is removed and counts as missing.
 *   2. Nothing that goes wrong here fails the caller: a directory that cannot be read or written is a
 *      cache that holds nothing. Only memory that ran out is reported.
 *   3. An entry appears whole or not at all (temporary file and rename), whoever writes at once.
 *
 * A cache may be used by one thread at a time; any number of processes share the directory. */
#ifndef CORRIE_CACHE_CACHE_H
#define CORRIE_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

struct cache;

struct cache_options {
    struct str
        dir; /* empty: $CORRIE_CACHE_DIR, else $XDG_CACHE_HOME/corrie, else ~/.cache/corrie */
    uint64_t max_bytes; /* 0: 20 GiB or a tenth of the file system, whichever is less */
};

/* Opens the cache; makes nothing on disk yet. NULL options are the defaults. Fails only when memory ran
 * out: without a usable directory the cache is simply empty (cache_dir tells). */
int cache_open(const struct cache_options *options, struct cache **ret, corrie_error *err)
    CORRIE_MUST_USE;
/* Brings the directory under its size if anything was put, and frees. NULL is allowed. Returns NULL. */
struct cache *cache_close(struct cache *cache);
DEFINE_CLEANUP(struct cache *, cache_close)

/* The directory of the entries; "" if there is none. Valid while the cache is open. */
const char *cache_dir(const struct cache *cache);

/* Looks up `key` among entries of `kind` (a short name of lower-case letters: "declare", "bind").
 * 1: found, *ret (emptied first) holds the value, and the entry counts as used now. 0: not there, or
 * damaged and removed. CORRIE_E_NO_MEMORY. A NULL cache holds nothing. Cost: one open and read. */
int cache_get(struct cache *cache, const char *kind, const struct hash *key, struct buf *ret,
              corrie_error *err) CORRIE_MUST_USE;

/* Keeps `value` (at most CORRIE_MAX_CACHE_VALUE bytes) under `key`. 1: kept; 0: not kept, for whatever
 * reason of the disk's or because the cache is NULL; CORRIE_E_NO_MEMORY. */
int cache_put(struct cache *cache, const char *kind, const struct hash *key, struct str value,
              corrie_error *err) CORRIE_MUST_USE;

struct cache_usage {
    uint64_t entries;
    uint64_t bytes;
    uint64_t max_bytes;
};

/* Counts what is there. Cost: one stat an entry. */
int cache_usage(struct cache *cache, struct cache_usage *ret, corrie_error *err) CORRIE_MUST_USE;

/* Removes the least recently used entries until at most `max_bytes` remain (0: all of them), and
 * temporary files older than an hour. *ret_removed (may be NULL) gets the bytes freed. */
int cache_trim(struct cache *cache, uint64_t max_bytes, uint64_t *ret_removed, corrie_error *err)
    CORRIE_MUST_USE;

#endif
