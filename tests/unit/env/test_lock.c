#include "tests/unit/check.h"

#include "base/json.h"
#include "base/limits.h"
#include "env/env_priv.h"

#define HASH "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SIX "{\"name\": \"six\", \"version\": \"1.17.0\", \"hashes\": [\"" HASH "\"]}"
#define ENTRY(packages, python, locked)                                                            \
    "{\"python\": \"3.11\", \"packages\": " packages ", \"locked\": {\"python\": " python          \
    ", \"packages\": " locked "}}"
#define LOCK(entries) "{\"format\": 1, \"environments\": [" entries "]}"
#define USUAL ENTRY("[\"six <2\"]", "\"3.11.7\"", "[" SIX "]")

static int parse(struct str text, struct arena *arena, struct env_lock *ret, corrie_error *err)
{
    js_setup();
    return env_lock_parse(STR("corrie.lock"), text, arena, ret, err);
}

static void fails(const char *text, int code, const char *word)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct env_lock lock;

    ck_assert_int_eq(parse(str_of(text), &arena, &lock, &err), code);
    ck_assert_msg(strstr(corrie_error_message(&err), "corrie.lock") ||
                      (err.position.file && strstr(err.position.file, "corrie.lock")),
                  "%s", corrie_error_message(&err));
    ck_assert_msg(strstr(corrie_error_message(&err), word), "%s", corrie_error_message(&err));
    ck_assert_ptr_nonnull(err.hint);
}

/* Whoever cut it off, merged it or wrote it by hand is told what is wrong; nobody gets a half of it. */
START_TEST(lock_odd)
{
    static const struct str usual = STR(LOCK(USUAL));

    for (size_t len = 0; len < usual.len; len++) {
        _cleanup_(arena_done) struct arena arena = {0};
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct env_lock lock;

        ck_fails(parse(str_slice(usual, 0, len), &arena, &lock, &err), CORRIE_E_PROJECT, &err);
    }
    fails("[]", CORRIE_E_PROJECT, "");
    fails("{\"format\": 2, \"environments\": []}", CORRIE_E_UNSUPPORTED, "version 2");
    fails("{\"format\": 0, \"environments\": []}", CORRIE_E_UNSUPPORTED, "version 0");
    fails("{\"format\": \"1\", \"environments\": []}", CORRIE_E_PROJECT, "format");
    fails("{\"format\": 1}", CORRIE_E_PROJECT, "environments");
    fails(LOCK(USUAL ", " USUAL), CORRIE_E_PROJECT, "six <2 stands there twice");
    fails(LOCK(USUAL ", " ENTRY("[\"Six <2\"]", "\"3.11.2\"", "[]")), CORRIE_E_PROJECT, "twice");
    fails(LOCK(ENTRY("[]", "\"3.11.7\"", "[" SIX ", " SIX "]")), CORRIE_E_PROJECT, "order");
    fails(LOCK(ENTRY("[]", "\"3.11\"", "[]")), CORRIE_E_PROJECT, "3.11.7");
    fails(LOCK(ENTRY("[]", "\"3.11.x\"", "[]")), CORRIE_E_PROJECT, "3.11.7");
    fails(LOCK(ENTRY("[]", "311", "[]")), CORRIE_E_PROJECT, "python");
    fails(LOCK(ENTRY("[7]", "\"3.11.7\"", "[]")), CORRIE_E_PROJECT, "text");
    fails(LOCK(ENTRY("[\"six @ file:///x\"]", "\"3.11.7\"", "[]")), CORRIE_E_PROJECT, "version");
    fails(LOCK(ENTRY("[]", "\"3.11.7\"", "[7]")), CORRIE_E_PROJECT, "");
}
END_TEST

/* What a later program of this version adds is passed over. */
START_TEST(lock_more_fields)
{
    static const struct str text = STR(
        "{\"tool\": {\"name\": \"x\"}, \"format\": 1, \"environments\": [{\"marker\": null, \"python\": "
        "null, \"packages\": [], \"locked\": {\"python\": \"3.12.1\", \"libc\": \"musl\", \"packages\": "
        "[{\"name\": \"six\", \"version\": \"1.17.0\", \"size\": 7, \"hashes\": []}]}}]}");
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf out = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct env_lock lock;
    struct hash any;

    ck_ok(parse(text, &arena, &lock, &err), &err);
    ck_assert_uint_eq(lock.n_entries, 1);
    ck_ok(env_request_hash(&(struct env_request){0}, &any, &err), &err);
    ck_assert_ptr_eq(env_lock_find(&lock, &any), &lock.entries[0]);
    ck_str_eq(lock.entries[0].locked.packages[0].version, STR("1.17.0"));
    ck_ok(env_lock_print(&lock, &out, &err), &err);
    ck_assert(str_find_str(buf_str(&out), STR("musl")) < 0);
}
END_TEST

static void add_entry(struct buf *text, size_t i)
{
    buf_addf(text, "%s", i > 0 ? ", " : "");
    buf_addf(text, ENTRY("[\"p%zu\"]", "\"3.11.7\"", "[" SIX "]"), i);
}

/* As large as is allowed, and one more. */
START_TEST(lock_huge)
{
    for (size_t n = 10000; n <= 10001; n++) {
        _cleanup_(arena_done) struct arena arena = {0};
        _cleanup_(buf_done) struct buf text = {0};
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct env_lock lock;

        buf_add_text(&text, "{\"format\": 1, \"environments\": [");
        for (size_t i = 0; i < n; i++) {
            add_entry(&text, i);
        }
        buf_add_text(&text, "]}");
        if (n == 10000) {
            ck_ok(parse(buf_str(&text), &arena, &lock, &err), &err);
            ck_assert_uint_eq(lock.n_entries, n);
            ck_assert_ptr_eq(env_lock_find(&lock, &lock.entries[9999].request),
                             &lock.entries[9999]);
        } else {
            ck_assert_int_eq(parse(buf_str(&text), &arena, &lock, &err), CORRIE_E_PROJECT);
            ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "too many environments"));
        }
    }
}
END_TEST

/* Another hash of a file is another request, and none of its environments has another's name. */
START_TEST(lock_hashes_count)
{
    static const struct str hashes[] = {STR(HASH), STR("sha256:00")};
    struct env_locked_package six = {STR("six"), STR("1.17.0"), hashes, 1};
    struct env_locked locked = {STR("3.11.7"), &six, 1};
    struct env_request asked = {.python = STR("3.11"), .locked = &locked};
    struct hash seen[3][2];

    for (size_t i = 0; i < 3; i++) {
        _cleanup_(request_done) struct request request = {0};
        _error_ corrie_error err = CORRIE_ERROR_INIT;

        six.hashes = i < 2 ? &hashes[i] : NULL;
        six.n_hashes = i < 2;
        ck_ok(request_init(&request, &asked, &err), &err);
        seen[i][0] = request.hash;
        seen[i][1] = env_content_hash(locked.python, request.lock, request.files);
        ck_str_eq(request.lock, STR("six==1.17.0\n"));
        for (size_t k = 0; k < i; k++) {
            ck_assert(!hash_eq(&seen[i][0], &seen[k][0]) && !hash_eq(&seen[i][1], &seen[k][1]));
        }
    }
}
END_TEST

SUITE(lock_suite, "lock", lock_odd, lock_more_fields, lock_huge, lock_hashes_count)
