/* What is particular to the store in a directory: URLs, durability under faults. */
#include <sys/wait.h>
#include <unistd.h>

#include "os/dir.h"
#include "os/fault.h"
#include "os/file.h"
#include "store/store.h"
#include "tests/unit/os/scratch.h"

static struct store *opened(const char *url)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct store *store = NULL;

    ck_ok(store_open(str_of(url), &store, &err), &err);
    return store;
}

START_TEST(urls_have_one_form)
{
    static const struct {
        const char *given, *url;
    } cases[] = {
        {"/srv/lake/", "file:///srv/lake"},
        {"file:///srv/lake", "file:///srv/lake"},
        {"file:/srv/lake/./x/..", "file:///srv/lake"},
        {"FILE://localhost/srv/a%20b%25", "file:///srv/a%20b%25"},
        {"relative", "file:///tmp/relative"},
        {"/srv/100% \xc3\xa9?#", "file:///srv/100%25%20%C3%A9%3F%23"},
        {"c:/x", "file:///tmp/c%3A/x"}, /* one letter is no scheme */
    };

    ck_assert_int_eq(chdir("/tmp"), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _cleanup_(store_closep) struct store *store = opened(cases[i].given);
        _cleanup_(store_closep) struct store *again = NULL;

        ck_str_eq(store_url(store), str_of(cases[i].url));
        again = opened(cases[i].url); /* and it is a fixed point */
        ck_str_eq(store_url(again), store_url(store));
    }
}
END_TEST

START_TEST(refuses_other_urls)
{
    static const struct {
        const char *given;
        int code;
    } cases[] = {
        {"", CORRIE_E_USAGE},
        {"s3://bucket/x", CORRIE_E_UNSUPPORTED},
        {"https://host/x", CORRIE_E_UNSUPPORTED},
        {"file://host/x", CORRIE_E_USAGE},
        {"file://relative", CORRIE_E_USAGE},
        {"file:///a%2", CORRIE_E_USAGE},
        {"file:///a%zz", CORRIE_E_USAGE},
        {"file:///a%00b", CORRIE_E_USAGE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        _error_ corrie_error err = CORRIE_ERROR_INIT;
        struct store *store = NULL;

        ck_fails(store_open(str_of(cases[i].given), &store, &err), cases[i].code, &err);
        ck_assert_ptr_null(store);
    }
}
END_TEST

START_TEST(keys_become_urls_and_paths)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(store_closep) struct store *store = opened("/srv/lake");
    _free_ char *url = NULL;
    _free_ char *path = NULL;

    ck_ok(store_key_url(store, STR("data/a b%2F.parquet"), &url, &err), &err);
    ck_assert_str_eq(url, "file:///srv/lake/data/a%20b%252F.parquet");
    ck_ok(store_local_path(store, STR("data/a b%2F.parquet"), &path, &err), &err);
    ck_assert_str_eq(path, "/srv/lake/data/a b%2F.parquet");
}
END_TEST

/* A file where a directory is needed is not "the blob exists already": an object would be taken as
 * stored. */
START_TEST(blobs_are_no_directories)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _cleanup_(store_closep) struct store *store = opened(scratch);

    ck_ok(store_put(store, STR("a"), STR("x"), &err), &err);
    ck_fails(store_put_if_absent(store, STR("a/b"), STR("x"), &err), CORRIE_E_IO, &err);
    ck_fails(store_put(store, STR("a/b"), STR("x"), &err), CORRIE_E_IO, &err);
}
END_TEST

/* A collector may remove empty directories while others write. */
START_TEST(directories_may_vanish)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *tree = in(scratch, "d");
    _cleanup_(store_closep) struct store *store = opened(scratch);

    ck_ok(store_put(store, STR("d/e/x"), STR("1"), &err), &err);
    ck_ok(os_tree_remove(tree, &err), &err);
    ck_ok(store_put(store, STR("d/e/x"), STR("2"), &err), &err);
    ck_ok(os_tree_remove(tree, &err), &err);
    ck_ok(store_prepare(store, STR("d/e/x"), &err), &err);
    ck_assert_int_eq(os_exists(tree, &err), 1);
}
END_TEST

static int refuse_all(void *arg, struct str key, const struct store_info *info, corrie_error *err)
{
    (void)arg;
    (void)info;
    return corrie_fail(err, CORRIE_E_FAILED, "listed %.*s", STR_FMT(key));
}

/* Temporary files of writers under way, and locks, are nobody's data. */
START_TEST(hides_what_is_its_own)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *temp = in(scratch, OS_TEMP_PREFIX "0123456789abcdef");
    _cleanup_(store_closep) struct store *store = opened(scratch);
    _cleanup_(buf_done) struct buf out = {0};
    struct store_tag tag;
    struct store_info info;

    ck_ok(os_file_append(temp, STR("half"), 0600, &err), &err);
    ck_ok(store_put(store, STR("k"), STR("1"), &err), &err);
    ck_ok(store_get(store, STR("k"), 10, &out, &tag, &err), &err);
    ck_ok(store_put_if_match(store, STR("k"), STR("2"), &tag, NULL, &err), &err);
    ck_assert_int_eq(store_delete(store, STR("k"), &err), 1);
    ck_fails(store_stat(store, STR("k"), &info, &err), CORRIE_E_NOT_FOUND, &err);
    ck_ok(store_list(store, STR(""), NULL, refuse_all, NULL, &err), &err);
}
END_TEST

static bool any_may_go(void *arg, struct str directory, int64_t mtime)
{
    (void)mtime;
    ++*(int *)arg;
    return !str_eq(directory, STR("kept"));
}

/* Cleaning frees what cut-off puts left; a blob, a young unfinished file and a link must stay. */
START_TEST(cleans_only_what_is_unfinished_and_empty)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *temp = in(scratch, "d/" OS_TEMP_PREFIX "0123456789abcdef");
    _free_ char *empty = in(scratch, "d/e/f");
    _free_ char *unnamed = in(scratch, "d/" OS_TEMP_PREFIX "123456789abcdef0");
    _free_ char *kept = in(scratch, "kept");
    _free_ char *link = in(scratch, "d/link");
    _cleanup_(store_closep) struct store *store = opened(scratch);
    int asked = 0;
    struct store_clean young = {.before = 1};
    struct store_clean dry = {
        .before = INT64_MAX, .dry_run = true, .may_go = any_may_go, .arg = &asked};
    struct store_clean clean = {.before = INT64_MAX, .may_go = any_may_go, .arg = &asked};

    ck_ok(store_put(store, STR("d/k"), STR("1"), &err), &err);
    ck_ok(os_file_append(temp, STR("half"), 0600, &err), &err);
    ck_ok(os_dir_make(empty, 0777, &err), &err);
    ck_ok(os_dir_make(unnamed, 0700, &err), &err);
    ck_ok(os_dir_make(kept, 0777, &err), &err);
    ck_assert_int_eq(symlink(kept, link), 0);

    ck_ok(store_clean(store, &young, &err), &err);
    ck_assert_uint_eq(young.files, 0);
    ck_assert_int_eq(os_exists(unnamed, &err), 1);
    ck_ok(store_clean(store, &dry, &err), &err);
    ck_assert_uint_eq(dry.files, 1);
    ck_assert_uint_eq(dry.bytes, 4);
    ck_assert_int_eq(os_exists(temp, &err), 1);
    ck_assert_int_eq(os_exists(empty, &err), 1);

    ck_ok(store_clean(store, &clean, &err), &err);
    ck_assert_uint_eq(clean.files, 1);
    ck_assert_int_eq(os_exists(temp, &err), 0);
    ck_assert_int_eq(os_exists(empty, &err), 0);
    ck_assert_int_eq(os_exists(unnamed, &err), 0);
    ck_assert_int_eq(os_exists(kept, &err), 1);
    ck_assert_int_eq(os_exists(link, &err), 1);
    ck_assert_int_eq(store_exists(store, STR("d/k"), &err), 1);
    ck_assert_int_eq(asked, 6); /* d/e/f, d/e, kept; twice */
}
END_TEST

START_TEST(deletes_many)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _cleanup_(store_closep) struct store *store = opened(scratch);
    const struct str keys[] = {STR("a/x"), STR("a/y"), STR("b/z"), STR("gone/w")};
    const struct str outside[] = {STR("a/k"), STR("../x")};
    size_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        ck_ok(store_put(store, keys[i], STR("1"), &err), &err);
    }
    ck_ok(store_put(store, STR("a/k"), STR("1"), &err), &err);
    ck_ok(store_delete_all(store, keys, ARRAY_LEN(keys), &n, &err), &err);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(store_exists(store, keys[2], &err), 0);
    ck_fails(store_delete_all(store, outside, 2, &n, &err), CORRIE_E_USAGE, &err);
    ck_assert_int_eq(store_exists(store, outside[0], &err), 1);
}
END_TEST

static int act(struct store *store, int which, const struct store_tag *tag, corrie_error *err)
{
    switch (which) {
    case 0:
        return store_put(store, STR("d/k"), STR("new"), err);
    case 1:
        return store_put_if_match(store, STR("d/k"), STR("new"), tag, NULL, err);
    case 2:
        return store_put_if_absent(store, STR("e/k"), STR("new"), err);
    default:
        return store_delete(store, STR("d/k"), err);
    }
}

/* One action with the k-th operation failing; 1 if it failed, 0 if there is no k-th. */
static int act_under_fault(int which, int k)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _cleanup_(store_closep) struct store *store = opened(scratch);
    _cleanup_(buf_done) struct buf out = {0};
    struct str key = which == 2 ? STR("e/k") : STR("d/k");
    struct store_tag tag;
    char spec[400];
    int r, fired, there;

    ck_ok(store_put(store, STR("d/k"), STR("old"), &err), &err);
    ck_ok(store_get(store, STR("d/k"), 10, &out, &tag, &err), &err);
    buf_clear(&out);
    snprintf(spec, sizeof spec, "op=any,root=%s,at=%d,errno=ENOSPC", scratch, k);
    ck_ok(os_fault_arm(spec, &err), &err);
    r = act(store, which, &tag, &err);
    fired = os_fault_hits() > 0;
    os_fault_disarm();
    ck_assert(r >= 0 || r == CORRIE_E_NO_SPACE);
    corrie_error_clear(&err);
    there = store_exists(store, key, &err);
    if (r >= 0) {
        ck_assert_int_eq(there, which != 3);
    }
    if (there) {
        ck_ok(store_get(store, key, 10, &out, NULL, &err), &err);
        ck_assert(str_eq(buf_str(&out), STR("new")) ||
                  (r < 0 && which != 2 && str_eq(buf_str(&out), STR("old"))));
    } else {
        ck_assert(which >= 2);
    }
    return fired;
}

/* Puts, replaces, creates and deletes with each k-th operation failing: the blob is the old one or
 * the new one or, where one of the two is "none", none; success is never reported for what did not
 * happen. */
START_TEST(all_or_nothing_under_faults)
{
    for (int which = 0; which < 4; which++) {
        int k = 1;

        while (act_under_fault(which, k)) {
            k++;
        }
        ck_assert_int_gt(k, which == 3 ? 3 : 6);
    }
}
END_TEST

SUITE(file_store_suite, "file", urls_have_one_form, refuses_other_urls, keys_become_urls_and_paths,
      blobs_are_no_directories, directories_may_vanish, hides_what_is_its_own,
      cleans_only_what_is_unfinished_and_empty, deletes_many, all_or_nothing_under_faults)
