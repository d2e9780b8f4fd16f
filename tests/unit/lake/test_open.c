#include "fixture.h"

#include "os/file.h"
#include "os/path.h"

START_TEST(makes_a_lake_once)
{
    struct fixture f;
    struct uuid id;

    fixture_init(&f);
    ck_fails(fixture_try_open(&f, true), CORRIE_E_NOT_FOUND, &f.err);
    fixture_open(&f);
    ck_assert_ptr_nonnull(strstr(f.notice, f.root));
    id = *lake_id(f.lake);
    f.notice[0] = '\0';
    ck_ok(fixture_try_open(&f, true), &f.err);
    ck_assert_str_eq(f.notice, "");
    ck_assert(uuid_eq(&id, lake_id(f.lake)));
    ck_str_eq(lake_user(f.lake), STR("ada"));
    fixture_done(&f);
}
END_TEST

/* A lake that was being made when the machine stopped has no lake.json: the next one finishes it. */
START_TEST(finishes_a_lake_that_was_cut_off)
{
    _free_ char *config = NULL;
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    f.lake = corrie_lake_close(f.lake);
    ck_ok(os_path_join(str_of(f.root), STR("lake.json"), &config, &f.err), &f.err);
    ck_ok(os_unlink(config, &f.err), &f.err);
    fixture_open(&f);
    fixture_done(&f);
}
END_TEST

START_TEST(leaves_other_folders_alone)
{
    _free_ char *letter = NULL;
    struct fixture f;

    fixture_init(&f);
    ck_ok(os_dir_make(f.root, 0700, &f.err), &f.err);
    ck_ok(os_path_join(str_of(f.root), STR("letter.txt"), &letter, &f.err), &f.err);
    ck_ok(os_file_replace(letter, STR("dear"), 0600, &f.err), &f.err);
    ck_assert_int_eq(fixture_try_open(&f, false), CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(f.err.hint);
    fixture_done(&f);
}
END_TEST

START_TEST(says_what_is_damaged)
{
    _free_ char *catalog = NULL;
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    f.lake = corrie_lake_close(f.lake);
    ck_ok(os_path_join(str_of(f.root), STR("catalog/catalog.db"), &catalog, &f.err), &f.err);
    ck_ok(os_file_replace(catalog, STR("this is no database"), 0600, &f.err), &f.err);
    ck_fails(fixture_try_open(&f, false), CORRIE_E_CORRUPT, &f.err);
    ck_ok(os_unlink(catalog, &f.err), &f.err);
    ck_fails(fixture_try_open(&f, false), CORRIE_E_CORRUPT, &f.err);
    fixture_done(&f);
}
END_TEST

SUITE(open_suite, "open", makes_a_lake_once, finishes_a_lake_that_was_cut_off,
      leaves_other_folders_alone, says_what_is_damaged)
