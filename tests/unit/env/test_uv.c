#include "tests/unit/check.h"

#include "base/mem.h"
#include "env/env_priv.h"
#include "os/dir.h"

static void explains(const char *text, int code, const char *message)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_int_eq(uv_explain(str_of(text), &err), code);
    ck_assert_str_eq(corrie_error_message(&err), message);
}

/* Whoever misspells a pin sees the reason, not uv's progress. */
START_TEST(uv_reasons)
{
    explains(
        "Using Python 3.11.2 environment at: v1\n"
        "error: No solution found when resolving dependencies\n"
        "  cause: Because there is no version of polars==99.0 and you require polars==99.0, we can "
        "conclude that your requirements are unsatisfiable.\n",
        CORRIE_E_PROJECT,
        "Because there is no version of polars==99.0 and you require polars==99.0");
    explains(
        "  \xc3\x97 No solution found when resolving dependencies:\n"
        "  \xe2\x95\xb0\xe2\x94\x80\xe2\x96\xb6 Because a was not found in the package registry\n"
        "      and you require a, we can conclude that your requirements are unsatisfiable.\n",
        CORRIE_E_PROJECT, "Because a was not found in the package registry and you require a");
    explains("error: No solution found when resolving dependencies\n"
             "  cause: Because six was not found in the cache and you require six==1.12.0, we can "
             "conclude that your requirements are unsatisfiable.\n\n"
             "hint: Packages were unavailable because the network was disabled.\n",
             CORRIE_E_NETWORK,
             "Because six was not found in the cache and you require six==1.12.0");
    explains("error: Failed to fetch: `x`\n  cause: error sending request\n", CORRIE_E_NETWORK,
             "Failed to fetch: `x` error sending request");
    explains("error: failed to copy file\n cause: No space left on device (os error 28)\n",
             CORRIE_E_NO_SPACE, "failed to copy file No space left on device (os error 28)");
    explains("", CORRIE_E_PROJECT, "uv gave no reason");
}
END_TEST

/* pyenv's shims answer for one version only; the versions themselves are what counts. */
START_TEST(uv_search_path)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *root = NULL;
    const char *path, *expected, *dir;

    ck_ok(os_temp_dir("corrie-test-", &root, &err), &err);
    dir = arena_printf(&arena, "%s/versions/3.11.7", root);
    ck_ok(os_dir_make(dir, 0755, &err), &err);
    dir = arena_printf(&arena, "%s/versions/2.7.18", root);
    ck_ok(os_dir_make(dir, 0755, &err), &err);
    setenv("PYENV_ROOT", root, 1);
    ck_ok(python_search_path(&arena, "/x/bin:/home/u/.pyenv/shims:/usr/bin", &path, &err), &err);
    expected = arena_printf(&arena, "/x/bin:/usr/bin:%s/versions/3.11.7/bin", root);
    ck_assert_str_eq(path, expected);
    ck_ok(os_tree_remove(root, &err), &err);
    setenv("PYENV_ROOT", "/nowhere", 1);
    ck_ok(python_search_path(&arena, "/usr/bin", &path, &err), &err);
    ck_assert_str_eq(path, "/usr/bin");
}
END_TEST

/* A wrong CORRIE_UV is said, not passed over. */
START_TEST(uv_named)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _free_ char *path = NULL;

    setenv("CORRIE_UV", "/nowhere/uv", 1);
    ck_fails(env_find_uv(&path, &err), CORRIE_E_UNSUPPORTED, &err);
    setenv("CORRIE_UV", "/bin/sh", 1);
    ck_ok(env_find_uv(&path, &err), &err);
    ck_assert_str_eq(path, "/bin/sh");
}
END_TEST

/* Who pinned pandas 1.5.3 and got numpy 2 with it is told which pin is missing; other errors are left as they are. */
START_TEST(uv_clash)
{
    static const struct str lock =
        STR("numpy==2.4.6\npandas==1.5.3\npyarrow==26.0.1\nlocal @ file:///x\n");
    static const struct str old = STR("numpy==1.19.5\npandas==2.0.0");
    static const struct str said = STR("ValueError: numpy.dtype size changed, may indicate …");
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_assert(!env_explain_clash(STR("ValueError: 7"), STR("import pandas"), lock, &err));
    ck_assert_ptr_null(err.hint);
    ck_assert(env_explain_clash(said, STR("import pandas as pd"), lock, &err));
    ck_assert_ptr_nonnull(strstr(err.hint, "pandas 1.5.3 was built for another numpy than 2.4.6"));
    ck_assert_ptr_nonnull(strstr(err.hint, "pip={'numpy': '<2', 'pandas': '1.5.3'}"));
    ck_assert(env_explain_clash(said, STR("pandas"), old, &err));
    ck_assert_ptr_nonnull(strstr(err.hint, "pip={'numpy': 'VERSION', 'pandas': '2.0.0'}"));
    ck_assert(env_explain_clash(said, STR("from . import lib"), lock, &err));
    ck_assert_ptr_nonnull(strstr(err.hint, "one of the packages was built"));
    corrie_error_clear(&err);
    ck_assert(env_explain_clash(said, STR("import pandas"), STR_EMPTY, &err));
    ck_assert_ptr_null(err.hint);
}
END_TEST

SUITE(uv_suite, "uv", uv_reasons, uv_search_path, uv_named, uv_clash)
