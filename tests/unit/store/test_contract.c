/* What every store promises. A backend enters by a row in backends.c. */
#include <sys/wait.h>
#include <unistd.h>

#include "backends.h"
#include "base/limits.h"
#include "base/vec.h"
#include "tests/unit/os/scratch.h"

struct fixture {
    char *scratch;
    struct store *store;
};

static void fixture_done(struct fixture *fixture)
{
    store_close(fixture->store);
    scratch_removep(&fixture->scratch);
}

static struct fixture fixture_new(int backend)
{
    char *scratch = scratch_new();

    return (struct fixture){scratch, backends[backend].open(scratch)};
}

#define FIXTURE(name) _cleanup_(fixture_done) struct fixture name = fixture_new(_i)

static void blob_is(struct store *store, struct str key, struct str expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};

    ck_ok(store_get(store, key, 1 << 20, &out, NULL, &err), &err);
    ck_str_eq(buf_str(&out), expected);
}

START_TEST(gives_back_what_was_put)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    const struct str key = STR("a/b c/d%2F\xc3\xa9.bin");
    struct store_info info;
    char part[3];
    FIXTURE(f);

    ck_fails(store_get(f.store, key, 100, &out, NULL, &err), CORRIE_E_NOT_FOUND, &err);
    ck_fails(store_stat(f.store, key, &info, &err), CORRIE_E_NOT_FOUND, &err);
    ck_assert_int_eq(store_exists(f.store, key, &err), 0);
    ck_ok(store_put(f.store, key,
                    STR("01\0"
                        "34567"),
                    &err),
          &err);
    blob_is(f.store, key,
            STR("01\0"
                "34567"));
    ck_assert_int_eq(store_exists(f.store, key, &err), 1);
    ck_ok(store_stat(f.store, key, &info, &err), &err);
    ck_assert_uint_eq(info.size, 8);
    ck_assert_int_gt(info.mtime, INT64_C(1600000000000000000));
    ck_ok(store_get_range(f.store, key, 3, part, 3, &err), &err);
    ck_assert_mem_eq(part, "345", 3);
    ck_ok(store_get_range(f.store, key, 8, part, 0, &err), &err);
    ck_fails(store_get_range(f.store, key, 6, part, 3, &err), CORRIE_E_CORRUPT, &err);
    ck_fails(store_get_range(f.store, STR("other"), 0, part, 3, &err), CORRIE_E_NOT_FOUND, &err);
    ck_ok(store_put(f.store, key, STR(""), &err), &err);
    blob_is(f.store, key, STR(""));
    /* a directory of keys is no blob */
    ck_assert_int_eq(store_exists(f.store, STR("a"), &err), 0);
    ck_fails(store_get(f.store, STR("nothing"), 100, &out, NULL, &err), CORRIE_E_NOT_FOUND, &err);
}
END_TEST

/* A blob that somebody made huge is refused, not cut and not loaded. */
START_TEST(bounds_what_it_gets)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    FIXTURE(f);

    buf_add_text(&out, "before");
    ck_ok(store_put(f.store, STR("k"), STR("12345"), &err), &err);
    ck_fails(store_get(f.store, STR("k"), 4, &out, NULL, &err), CORRIE_E_LIMIT, &err);
    ck_str_eq(buf_str(&out), STR("before"));
    ck_ok(store_get(f.store, STR("k"), 5, &out, NULL, &err), &err);
    ck_str_eq(buf_str(&out), STR("before12345"));
}
END_TEST

START_TEST(put_if_absent_never_replaces)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);

    ck_ok(store_put_if_absent(f.store, STR("refs/main"), STR("one"), &err), &err);
    ck_fails(store_put_if_absent(f.store, STR("refs/main"), STR("two"), &err), CORRIE_E_EXISTS,
             &err);
    blob_is(f.store, STR("refs/main"), STR("one"));
    ck_assert_int_eq(store_delete(f.store, STR("refs/main"), &err), 1);
    ck_ok(store_put_if_absent(f.store, STR("refs/main"), STR("three"), &err), &err);
    blob_is(f.store, STR("refs/main"), STR("three"));
}
END_TEST

START_TEST(put_if_match_needs_the_content_that_was_read)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    struct store_tag first, second, third;
    FIXTURE(f);

    ck_ok(store_put(f.store, STR("r"), STR("one"), &err), &err);
    ck_ok(store_get(f.store, STR("r"), 100, &out, &first, &err), &err);
    ck_ok(store_put_if_match(f.store, STR("r"), STR("two"), &first, &second, &err), &err);
    blob_is(f.store, STR("r"), STR("two"));
    ck_fails(store_put_if_match(f.store, STR("r"), STR("lost"), &first, NULL, &err),
             CORRIE_E_CONFLICT, &err);
    blob_is(f.store, STR("r"), STR("two"));
    /* the tag that a put gave is the one that a get gives */
    ck_ok(store_get(f.store, STR("r"), 100, &out, &third, &err), &err);
    ck_assert_str_eq(second.text, third.text);
    ck_assert_int_eq(store_delete(f.store, STR("r"), &err), 1);
    ck_fails(store_put_if_match(f.store, STR("r"), STR("lost"), &second, NULL, &err),
             CORRIE_E_CONFLICT, &err);
    ck_assert_int_eq(store_exists(f.store, STR("r"), &err), 0);
}
END_TEST

static int add_one(const char *url)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(store_closep) struct store *store = NULL;

    if (store_open(str_of(url), &store, &err) < 0) {
        return 1;
    }
    for (int done = 0; done < 20;) {
        _cleanup_(buf_done) struct buf out = {0};
        struct store_tag tag;
        char next[24];
        int64_t count;
        int r;

        if (store_get(store, STR("counter"), 100, &out, &tag, &err) < 0 ||
            !str_to_int64(buf_str(&out), &count)) {
            return 2;
        }
        snprintf(next, sizeof next, "%lld", (long long)count + 1);
        r = store_put_if_match(store, STR("counter"), str_of(next), &tag, NULL, &err);
        if (r < 0 && r != CORRIE_E_CONFLICT) {
            return 3;
        }
        done += r >= 0;
        corrie_error_clear(&err);
    }
    return 0;
}

/* Four processes that count by compare-and-swap lose no step: so no commit is lost. */
START_TEST(compare_and_swap_loses_nothing)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);
    _free_ char *url = str_dup(store_url(f.store));

    ck_ok(store_put(f.store, STR("counter"), STR("0"), &err), &err);
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            _exit(add_one(url));
        }
    }
    for (int i = 0; i < 4; i++) {
        int status;

        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    blob_is(f.store, STR("counter"), STR("80"));
}
END_TEST

START_TEST(delete_says_what_it_did)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);

    ck_assert_int_ge(store_delete(f.store, STR("x/y"), &err), 0);
    ck_ok(store_put(f.store, STR("x/y"), STR("1"), &err), &err);
    ck_assert_int_eq(store_delete(f.store, STR("x/y"), &err), 1);
    ck_assert_int_eq(store_exists(f.store, STR("x/y"), &err), 0);
    ck_ok(store_put(f.store, STR("x/y"), STR("2"), &err), &err);
    blob_is(f.store, STR("x/y"), STR("2"));
}
END_TEST

struct seen {
    struct buf keys;
    int stop_after; /* 0 = never */
    int fail_after;
    int count;
};

static int see(void *arg, struct str key, const struct store_info *info, corrie_error *err)
{
    struct seen *seen = arg;

    buf_addf(&seen->keys, "%.*s:%llu ", STR_FMT(key), (unsigned long long)info->size);
    seen->count++;
    if (seen->fail_after == seen->count) {
        return corrie_fail(err, CORRIE_E_FAILED, "enough");
    }
    return seen->stop_after == seen->count;
}

static void listed(struct store *store, const char *prefix, const char *expected)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct seen seen = {0};

    ck_ok(store_list(store, str_of(prefix), NULL, see, &seen, &err), &err);
    ck_assert_str_eq(buf_text(&seen.keys), expected);
    buf_done(&seen.keys);
}

/* gc deletes what a listing shows and nothing refers to: a key missed or out of place would be kept
 * for ever or, listed under another prefix, be deleted. */
START_TEST(lists_by_prefix_in_order_of_keys)
{
    static const char *const keys[] = {"b/c/1", "b/c/2", "a",   "b-x",        "b/c!",
                                       "b0",    "bc",    "b/c", "z/deep/er/x"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct seen seen = {.stop_after = 2};
    struct seen failing = {.fail_after = 1};
    struct cancel cancel = {0};
    FIXTURE(f);

    listed(f.store, "", "");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        /* a blob and a directory of one name only objects stores have */
        if (strcmp(keys[i], "b/c") != 0) {
            ck_ok(store_put(f.store, str_of(keys[i]), str_of("x"), &err), &err);
        }
    }
    listed(f.store, "", "a:1 b-x:1 b/c!:1 b/c/1:1 b/c/2:1 b0:1 bc:1 z/deep/er/x:1 ");
    listed(f.store, "b", "b-x:1 b/c!:1 b/c/1:1 b/c/2:1 b0:1 bc:1 ");
    listed(f.store, "b/", "b/c!:1 b/c/1:1 b/c/2:1 ");
    listed(f.store, "b/c/", "b/c/1:1 b/c/2:1 ");
    listed(f.store, "b/c/2", "b/c/2:1 ");
    listed(f.store, "z/deep/e", "z/deep/er/x:1 ");
    listed(f.store, "q", "");
    listed(f.store, "a/", "");
    ck_assert_int_eq(store_list(f.store, STR("b"), NULL, see, &seen, &err), 1);
    ck_assert_str_eq(buf_text(&seen.keys), "b-x:1 b/c!:1 ");
    buf_done(&seen.keys);
    ck_fails(store_list(f.store, STR(""), NULL, see, &failing, &err), CORRIE_E_FAILED, &err);
    buf_done(&failing.keys);
    cancel_request(&cancel);
    ck_fails(store_list(f.store, STR(""), &cancel, see, &failing, &err), CORRIE_E_CANCELLED, &err);
    ck_fails(store_list(f.store, STR("../"), NULL, see, &failing, &err), CORRIE_E_USAGE, &err);
    ck_fails(store_list(f.store, STR("/"), NULL, see, &failing, &err), CORRIE_E_USAGE, &err);
}
END_TEST

/* A key from a manifest that somebody crafted must not reach a file outside the lake. */
START_TEST(keys_stay_inside)
{
    static const struct {
        const char *text;
        size_t len;
    } wrong[] = {{"", 0},          {"/etc/passwd", 11},
                 {"..", 2},        {"a/../b", 6},
                 {"a/..", 4},      {"./a", 3},
                 {"a//b", 4},      {"a/", 2},
                 {"a\0b", 3},      {"a\nb", 3},
                 {"\xff\xfe", 2},  {"a\x7f", 2},
                 {".corrie-x", 9}, {"a/.corrie-tmp-1", 15}};
    static const char *const right[] = {"...", "a..b", "%2e%2e/x", "a b",
                                        "~",   "-",    "a\\b",     ".hidden"};
    _free_ char *longer = mem_alloc(1, 2000);
    FIXTURE(f);

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        _cleanup_(buf_done) struct buf out = {0};
        struct str key = {wrong[i].text, wrong[i].len};

        ck_fails(store_put(f.store, key, STR("x"), &err), CORRIE_E_USAGE, &err);
        ck_fails(store_get(f.store, key, 10, &out, NULL, &err), CORRIE_E_USAGE, &err);
        ck_fails(store_delete(f.store, key, &err), CORRIE_E_USAGE, &err);
    }
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;

        ck_ok(store_put(f.store, str_of(right[i]), STR("x"), &err), &err);
        blob_is(f.store, str_of(right[i]), STR("x"));
    }
    {
        _error_ corrie_error err = CORRIE_ERROR_INIT;

        memset(longer, 'k', 1999);
        ck_fails(store_check_key(str_make(longer, 256), &err), CORRIE_E_USAGE, &err);
        for (size_t i = 200; i < 1999; i += 200) {
            longer[i] = '/';
        }
        ck_ok(store_check_key(str_make(longer, CORRIE_MAX_STORE_KEY), &err), &err);
        ck_fails(store_check_key(str_make(longer, CORRIE_MAX_STORE_KEY + 1), &err), CORRIE_E_USAGE,
                 &err);
    }
}
END_TEST

START_TEST(errors_say_which_blob)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf out = {0};
    FIXTURE(f);

    ck_assert_int_eq(store_get(f.store, STR("data/x"), 10, &out, NULL, &err), CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), store_url(f.store).data));
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "/data/x"));
}
END_TEST

START_TEST(engines_can_write_and_read_by_path)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *path = NULL;
    const struct str key = STR("data/t/new.parquet");
    FIXTURE(f);

    ck_ok(store_prepare(f.store, key, &err), &err);
    if (!backends[_i].has_local_paths) {
        ck_fails(store_local_path(f.store, key, &path, &err), CORRIE_E_UNSUPPORTED, &err);
        return;
    }
    ck_ok(store_local_path(f.store, key, &path, &err), &err);
    ck_ok(os_file_append(path, STR("PAR1"), 0666, &err), &err);
    ck_ok(store_sync(f.store, &key, 1, &err), &err);
    blob_is(f.store, key, STR("PAR1"));
    ck_fails(store_sync(f.store, &(struct str){"data/t/gone", 11}, 1, &err), CORRIE_E_NOT_FOUND,
             &err);
}
END_TEST

/* Of several files only the last need be waited for in full: whoever sees one sees it whole. */
START_TEST(puts_before_others)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    FIXTURE(f);

    ck_ok(store_put_before(f.store, STR("d/a"), STR("1"), &err), &err);
    blob_is(f.store, STR("d/a"), STR("1"));
    ck_ok(store_put_before(f.store, STR("d/a"), STR("two"), &err), &err);
    ck_ok(store_put(f.store, STR("d/b"), STR("3"), &err), &err);
    blob_is(f.store, STR("d/a"), STR("two"));
    ck_fails(store_put_before(f.store, STR("../a"), STR("1"), &err), CORRIE_E_USAGE, &err);
}
END_TEST

Suite *contract_suite(void);
Suite *contract_suite(void)
{
    const TTest *const tests[] = {gives_back_what_was_put,
                                  puts_before_others,
                                  bounds_what_it_gets,
                                  put_if_absent_never_replaces,
                                  put_if_match_needs_the_content_that_was_read,
                                  compare_and_swap_loses_nothing,
                                  delete_says_what_it_did,
                                  lists_by_prefix_in_order_of_keys,
                                  keys_stay_inside,
                                  errors_say_which_blob,
                                  engines_can_write_and_read_by_path};
    Suite *suite = suite_create("contract");
    TCase *tcase = tcase_create("contract");

    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_loop_test(tcase, tests[i], 0, (int)n_backends);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
