#include "fixture.h"

static const corrie_log_options newest = {.size = sizeof newest, .max = 1};
static const corrie_ref_options if_not_there = {.size = sizeof if_not_there, .if_not_exists = true};
static const corrie_ref_options if_there = {.size = sizeof if_there, .if_exists = true};
static const corrie_ref_options from_man = {.size = sizeof from_man, .from_ref = "man"};

static json_t *branches(struct fixture *f)
{
    char *text;

    ck_ok(corrie_ref_list(f->lake, NULL, &text, &f->err), &f->err);
    return fixture_json(text);
}

static void create(struct fixture *f, const char *name)
{
    char *text;

    ck_ok(corrie_branch_create(f->lake, name, NULL, &text, &f->err), &f->err);
    corrie_free(text);
}

START_TEST(branches_come_and_go)
{
    struct fixture f;
    char *text;

    fixture_init(&f);
    fixture_open(&f);
    create(&f, "ada.work");
    ck_fails(corrie_branch_create(f.lake, "ada.work", NULL, &text, &f.err), CORRIE_E_EXISTS,
             &f.err);
    ck_fails(corrie_branch_create(f.lake, "tx/1", NULL, &text, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(corrie_branch_create(f.lake, "x", &from_man, &text, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_ok(corrie_branch_create(f.lake, "ada.work", &if_not_there, &text, &f.err), &f.err);
    corrie_free(text);
    {
        _json_ json_t *document = branches(&f);

        ck_assert_uint_eq(json_array_size(json_object_get(document, "refs")), 2);
    }
    ck_ok(corrie_branch_delete(f.lake, "ada.work", NULL, &text, &f.err), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "corrie branch create ada.work --from-ref @"));
    corrie_free(text);
    ck_fails(corrie_branch_delete(f.lake, "ada.work", NULL, &text, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_fails(corrie_branch_delete(f.lake, "main", NULL, &text, &f.err), CORRIE_E_REFUSED, &f.err);
    ck_ok(corrie_branch_delete(f.lake, "ada.work", &if_there, &text, &f.err), &f.err);
    {
        _json_ json_t *document = fixture_json(text);

        ck_assert_str_eq(json_string_value(json_object_get(document, "name")), "ada.work");
        ck_assert(json_is_null(json_object_get(document, "commit")));
        ck_assert(json_is_null(json_object_get(document, "restore")));
    }
    fixture_done(&f);
}
END_TEST

START_TEST(remembers_what_is_checked_out)
{
    struct fixture f;
    char *name;

    fixture_init(&f);
    fixture_open(&f);
    create(&f, "ada.work");
    ck_fails(corrie_checkout(f.lake, "ada.wrok", &f.err), CORRIE_E_NOT_FOUND, &f.err);
    ck_ok(corrie_checkout(f.lake, "ada.work", &f.err), &f.err);
    fixture_open(&f);
    ck_ok(corrie_checked_out(f.lake, &name, &f.err), &f.err);
    ck_assert_str_eq(name, "ada.work");
    corrie_free(name);
    setenv("CORRIE_REF", "main", 1);
    ck_ok(corrie_checked_out(f.lake, &name, &f.err), &f.err);
    ck_assert_str_eq(name, "main");
    corrie_free(name);
    fixture_done(&f);
}
END_TEST

static void add_namespace(struct fixture *f, const char *name, const char *branch)
{
    char *text;

    ck_ok(corrie_namespace_create(f->lake, name, branch, false, &text, &f->err), &f->err);
    corrie_free(text);
}

START_TEST(merges_what_both_added)
{
    corrie_merge_options options = {.size = sizeof options, .into = "main"};
    _json_ json_t *document = NULL;
    struct fixture f;
    char *text;

    fixture_init(&f);
    fixture_open(&f);
    create(&f, "side");
    add_namespace(&f, "left", "main");
    add_namespace(&f, "right", "side");
    add_namespace(&f, "both", "main");
    add_namespace(&f, "both", "side"); /* the same namespace, whoever made it */
    options.dry_run = true;
    ck_ok(corrie_branch_merge(f.lake, "side", &options, &text, &f.err), &f.err);
    corrie_free(text);
    ck_ok(corrie_namespace_list(f.lake, "main", &text, &f.err), &f.err);
    ck_assert_ptr_null(strstr(text, "right"));
    corrie_free(text);
    options.dry_run = false;
    ck_ok(corrie_branch_merge(f.lake, "side", &options, &text, &f.err), &f.err);
    document = fixture_json(text);
    ck_assert(json_is_false(json_object_get(document, "fast_forward")));
    ck_assert_uint_eq(json_array_size(json_object_get(document, "changes")), 1);
    ck_ok(corrie_namespace_list(f.lake, "main", &text, &f.err), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "right"));
    corrie_free(text);
    ck_ok(corrie_log(f.lake, "main", &newest, &text, &f.err), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "Merge side into main"));
    corrie_free(text);
    fixture_done(&f);
}
END_TEST

SUITE(refs_suite, "refs", branches_come_and_go, remembers_what_is_checked_out,
      merges_what_both_added)
