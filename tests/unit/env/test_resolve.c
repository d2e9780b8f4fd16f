/* Real environments. They are kept in the build directory, so that only the first run installs anything. */
#include "tests/unit/check.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "env/env_priv.h"
#include "os/dir.h"
#include "os/file.h"
#include "os/user.h"

static const struct env_package polars = {STR("polars"), STR("1.15.0")};
static const struct env_request tutorial = {.python = STR("3.11"),
                                            .packages = &polars,
                                            .n_packages = 1};

static char cache[512];

static const char *cache_dir(void)
{
    snprintf(cache, sizeof cache, "%s/test-cache",
             os_env("CORRIE_BUILD_ROOT") ? os_env("CORRIE_BUILD_ROOT") : "/tmp/corrie-tests");
    return cache;
}

/* Whether this machine has the tutorial's Python and can have its packages; says so if not. */
static bool have(const struct env_options *options, struct env **ret)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int r = env_resolve(&tutorial, options, ret, &err);

    if (r == CORRIE_E_NETWORK ||
        (r == CORRIE_E_PROJECT && strstr(corrie_error_message(&err), "not installed here"))) {
        ck_skip(corrie_error_message(&err));
        return false;
    }
    ck_assert_msg(r >= 0, "%s\n%s", corrie_error_message(&err), err.detail ? err.detail : "");
    return true;
}

/* The tutorial's environment: asked for again it is found, even with no uv at all. */
START_TEST(resolve_again)
{
    struct env_options options = {.cache_dir = str_of(cache_dir())};
    _cleanup_(env_freep) struct env *first = NULL, *second = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (!have(&options, &first)) {
        return;
    }
    ck_assert_ptr_nonnull(strstr(first->lock, "polars==1.15.0\n"));
    ck_assert_ptr_nonnull(strstr(first->lock, "pyarrow=="));
    setenv("CORRIE_UV", "/bin/false", 1);
    options.offline = true;
    ck_ok(env_resolve(&tutorial, &options, &second, &err), &err);
    ck_assert_str_eq(first->python, second->python);
    ck_assert_str_eq(first->lock, second->lock);
    ck_assert(hash_eq(&first->hash, &second->hash));
    ck_assert(!second->made);
}
END_TEST

struct asker {
    pthread_t thread;
    const struct env_options *options;
    struct env *env;
    int result;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    corrie_error err = CORRIE_ERROR_INIT;

    asker->result = env_resolve(&tutorial, asker->options, &asker->env, &err);
    corrie_error_clear(&err);
    return NULL;
}

/* What a killed maker left is removed, a damaged environment is made again, and of four who ask at once one
 * makes it: nobody gets half an environment. */
START_TEST(resolve_damage)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *own = NULL;
    struct env_options options = {.cache_dir = str_of(cache_dir())};
    _cleanup_(env_freep) struct env *env = NULL;
    struct asker askers[4];
    const char *left;
    int made = 0;

    if (!have(&options, &env)) {
        return;
    }
    ck_ok(os_temp_dir("corrie-test-", &own, &err), &err);
    options.cache_dir = str_of(own);
    left = arena_printf(&arena, "%s/python/building/dead/lib", own);
    ck_ok(os_dir_make(left, 0755, &err), &err);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
            askers[i] = (struct asker){.options = &options};
            ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
        }
        made = 0;
        for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
            ck_assert_int_eq(pthread_join(askers[i].thread, NULL), 0);
            ck_assert_int_ge(askers[i].result, 0);
            made += askers[i].env->made;
        }
        ck_assert_int_eq(made, 1);
        ck_assert_int_eq(os_exists(left, &err), 0);
        ck_assert_int_eq(os_exists(askers[0].env->python, &err), 1);
        /* the interpreter goes away: round two makes the environment again */
        ck_assert_int_eq(os_unlink(askers[0].env->python, &err), 1);
        for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
            env_free(askers[i].env);
        }
    }
    ck_ok(os_tree_remove(own, &err), &err);
}
END_TEST

/* A pin that does not exist: the reason names it. */
START_TEST(resolve_wrong_pin)
{
    struct env_package wrong = {STR("polars"), STR("99.0")};
    struct env_options options = {.cache_dir = str_of(cache_dir())};
    _cleanup_(env_freep) struct env *env = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int r;

    if (!have(&options, &env)) {
        return;
    }
    r = env_resolve(
        &(struct env_request){.python = STR("3.11"), .packages = &wrong, .n_packages = 1}, &options,
        &env, &err);
    if (r == CORRIE_E_NETWORK) {
        ck_skip(corrie_error_message(&err));
        return;
    }
    ck_assert_int_eq(r, CORRIE_E_PROJECT);
    ck_assert_str_eq(
        corrie_error_message(&err),
        "Python environment (polars ==99.0): Because there is no version of polars==99.0 "
        "and you require polars==99.0");
}
END_TEST

/* A Python that is not here: which ones are. */
START_TEST(resolve_wrong_python)
{
    struct env_options options = {.cache_dir = str_of(cache_dir())};
    _cleanup_(env_freep) struct env *env = NULL;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (!have(&options, &env)) {
        return;
    }
    ck_assert_int_eq(
        env_resolve(&(struct env_request){.python = STR("3.77")}, &options, &env, &err),
        CORRIE_E_PROJECT);
    ck_assert_ptr_nonnull(strstr(err.hint, "found: 3."));
}
END_TEST

Suite *resolve_suite(void);
Suite *resolve_suite(void)
{
    Suite *suite = suite_create("resolve");
    TCase *tcase = tcase_create("resolve");

    tcase_set_timeout(tcase, 280); /* the first run may fetch 90 MB */
    tcase_add_test(tcase, resolve_again);
    tcase_add_test(tcase, resolve_damage);
    tcase_add_test(tcase, resolve_wrong_pin);
    tcase_add_test(tcase, resolve_wrong_python);
    suite_add_tcase(suite, tcase);
    return suite;
}
