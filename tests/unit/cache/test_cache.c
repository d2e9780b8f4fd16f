#include "cache/cache.h"

#include <utime.h>

#include "base/mem.h"
#include "os/dir.h"
#include "os/file.h"
#include "tests/unit/check.h"

/* A cache in a directory of its own, removed at the end. */
struct fixture {
    char *root;
    struct cache *cache;
    corrie_error err;
};

static struct fixture fixture_open(uint64_t max_bytes)
{
    struct fixture f = {.err = CORRIE_ERROR_INIT};

    ck_ok(os_temp_dir("corrie-cache", &f.root, &f.err), &f.err);
    struct cache_options options = {.dir = str_of(f.root), .max_bytes = max_bytes};
    ck_ok(cache_open(&options, &f.cache, &f.err), &f.err);
    return f;
}

static void fixture_done(struct fixture *f)
{
    cache_close(f->cache);
    ck_ok(os_tree_remove(f->root, &f->err), &f->err);
    mem_free(f->root);
    corrie_error_clear(&f->err);
}

static struct hash key_of(const char *text)
{
    return hash_bytes(str_of(text));
}

static void put(struct fixture *f, const char *key, struct str value)
{
    struct hash hash = key_of(key);

    ck_assert_int_eq(cache_put(f->cache, "declare", &hash, value, &f->err), 1);
}

/* Whether the cache has `value` under `key`; if it has something else the test fails. */
static bool has(struct fixture *f, const char *key, struct str value)
{
    _cleanup_(buf_done) struct buf found = {0};
    struct hash hash = key_of(key);
    int r = cache_get(f->cache, "declare", &hash, &found, &f->err);

    ck_assert_int_ge(r, 0);
    if (r > 0) {
        ck_str_eq(buf_str(&found), value);
    }
    return r > 0;
}

static char *entry_path(struct fixture *f, const char *key)
{
    _cleanup_(buf_done) struct buf path = {0};
    struct hash hash = key_of(key);
    char hex[HASH_HEX + 1];

    hash_hex(&hash, hex);
    buf_addf(&path, "%s/declare/%.2s/%s", cache_dir(f->cache), hex, hex + 2);
    return buf_take(&path);
}

START_TEST(gives_back_what_was_put)
{
    struct fixture f = fixture_open(0);

    ck_assert(!has(&f, "a", STR("")));
    put(&f, "a", STR("value of a"));
    put(&f, "empty", STR(""));
    put(&f, "bytes", str_make("a\0b\xff", 4));
    ck_assert(has(&f, "a", STR("value of a")));
    ck_assert(has(&f, "empty", STR("")));
    ck_assert(has(&f, "bytes", str_make("a\0b\xff", 4)));
    ck_assert(!has(&f, "b", STR("")));

    /* another kind is another name space: a binding must not be read as declarations */
    _cleanup_(buf_done) struct buf found = {0};
    struct hash hash = key_of("a");
    ck_assert_int_eq(cache_get(f.cache, "bind", &hash, &found, &f.err), 0);
    fixture_done(&f);
}
END_TEST

START_TEST(lasts_from_process_to_process)
{
    struct fixture f = fixture_open(0);

    put(&f, "a", STR("kept"));
    f.cache = cache_close(f.cache);
    struct cache_options options = {.dir = str_of(f.root)};
    ck_ok(cache_open(&options, &f.cache, &f.err), &f.err);
    ck_assert(has(&f, "a", STR("kept")));
    fixture_done(&f);
}
END_TEST

/* The file that docs/formats/cache.md shows. */
START_TEST(writes_the_documented_format)
{
    static const char expected[] =
        "corrie-cache 1\n"
        "\x03\0\0\0\0\0\0\0"
        "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
        "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad"
        "abc";
    struct fixture f = fixture_open(0);
    _cleanup_(buf_done) struct buf file = {0};

    put(&f, "k", STR("abc"));
    _free_ char *path = entry_path(&f, "k");
    ck_ok(os_file_read(path, 1000, &file, &f.err), &f.err);
    ck_str_eq(buf_str(&file), str_make(expected, sizeof expected - 1));
    fixture_done(&f);
}
END_TEST

/* A wrong answer from a damaged cache would be a wrong plan. Every byte changed, every length cut. */
START_TEST(finds_every_damage)
{
    struct fixture f = fixture_open(0);
    struct str value = STR("abc");
    _cleanup_(buf_done) struct buf good = {0};

    put(&f, "k", value);
    _free_ char *path = entry_path(&f, "k");
    ck_ok(os_file_read(path, 1000, &good, &f.err), &f.err);
    for (size_t i = 0; i < 2 * good.len; i++) {
        _free_ char *bytes = mem_copy(good.data, good.len);
        struct str damaged = {bytes, good.len};
        if (i < good.len) {
            bytes[i] ^= 0x10;
        } else {
            damaged.len = i - good.len;
        }
        ck_ok(os_file_replace(path, damaged, 0600, &f.err), &f.err);
        ck_assert_msg(!has(&f, "k", value), "damage number %zu was believed", i);
        ck_assert_msg(os_exists(path, &f.err) == 0, "damage number %zu was left", i);
    }
    put(&f, "k", value);
    ck_assert(has(&f, "k", value));
    fixture_done(&f);
}
END_TEST

static void set_age(struct fixture *f, const char *key, long seconds)
{
    _free_ char *path = entry_path(f, key);
    struct utimbuf times = {.actime = 1700000000 - seconds, .modtime = 1700000000 - seconds};

    ck_assert_int_eq(utime(path, &times), 0);
}

START_TEST(drops_the_least_recently_used)
{
    struct fixture f = fixture_open(400);
    char value[100] = {0};
    struct str hundred = {value, sizeof value};
    struct cache_usage usage;

    put(&f, "old", hundred);
    put(&f, "older", hundred);
    put(&f, "used", hundred);
    set_age(&f, "older", 300);
    set_age(&f, "old", 200);
    set_age(&f, "used", 400);
    ck_assert(has(&f, "used", hundred)); /* the oldest by birth, the youngest by use */
    ck_ok(cache_usage(f.cache, &usage, &f.err), &f.err);
    ck_assert_uint_eq(usage.entries, 3);
    ck_assert_uint_eq(usage.bytes, 3 * 155);
    ck_assert_uint_eq(usage.max_bytes, 400);

    f.cache = cache_close(f.cache);
    struct cache_options options = {.dir = str_of(f.root), .max_bytes = 400};
    ck_ok(cache_open(&options, &f.cache, &f.err), &f.err);
    ck_assert(has(&f, "used", hundred));
    ck_assert(has(&f, "old", hundred));
    ck_assert(!has(&f, "older", hundred));
    fixture_done(&f);
}
END_TEST

START_TEST(clears)
{
    struct fixture f = fixture_open(0);
    uint64_t removed = 0;
    struct cache_usage usage;

    put(&f, "a", STR("1"));
    put(&f, "b", STR("2"));
    ck_ok(cache_trim(f.cache, 0, &removed, &f.err), &f.err);
    ck_assert_uint_eq(removed, 2 * 56);
    ck_ok(cache_usage(f.cache, &usage, &f.err), &f.err);
    ck_assert_uint_eq(usage.entries, 0);
    fixture_done(&f);
}
END_TEST

/* A full or read-only disk must not keep anyone from running. */
START_TEST(never_fails_its_caller)
{
    corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(cache_closep) struct cache *cache = NULL;
    struct cache_options options = {.dir = STR("/proc/no/such/place")};
    _cleanup_(buf_done) struct buf found = {0};
    struct hash key = key_of("a");

    ck_ok(cache_open(&options, &cache, &err), &err);
    ck_assert_int_eq(cache_put(cache, "declare", &key, STR("x"), &err), 0);
    ck_assert_int_eq(cache_get(cache, "declare", &key, &found, &err), 0);
    ck_assert_int_eq(cache_put(NULL, "declare", &key, STR("x"), &err), 0);
    ck_assert_int_eq(cache_get(NULL, "declare", &key, &found, &err), 0);
    ck_ok(cache_trim(cache, 0, NULL, &err), &err);
    ck_assert_int_eq(err.code, 0);
}
END_TEST

SUITE(cache_suite, "cache", gives_back_what_was_put, lasts_from_process_to_process,
      writes_the_documented_format, finds_every_damage, drops_the_least_recently_used, clears,
      never_fails_its_caller)
