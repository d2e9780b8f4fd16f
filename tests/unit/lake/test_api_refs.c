/* What a user would lose: a branch that moved without a trace, a listing that skips branches, a ref made under a name
 * that means something else, a branch gone with what somebody else did at that moment. */
#include <sys/wait.h>
#include <unistd.h>

#include "catalog/catalog.h"
#include "fixture.h"

static json_t *listed(struct fixture *f, const corrie_ref_list_options *options)
{
    char *text;

    ck_ok(corrie_ref_list(f->lake, options, &text, &f->err), &f->err);
    return fixture_json(text);
}

static void drop(char *text)
{
    corrie_free(text);
}

static void add_namespace(struct fixture *f, const char *name, const char *branch)
{
    char *text;

    ck_ok(corrie_namespace_create(f->lake, name, branch, false, &text, &f->err), &f->err);
    drop(text);
}

/* Branches by the catalog itself, which is quicker. */
static void make_branches(struct fixture *f, size_t n)
{
    struct catalog *catalog = lake_catalog(f->lake);
    struct catalog_ref head;

    ck_ok(catalog_ref_get(catalog, STR("main"), &head, &f->err), &f->err);
    for (size_t i = 0; i < n; i++) {
        char name[32];
        struct catalog_move move = {
            .kind = i % 10 == 3 ? CATALOG_TAG : CATALOG_BRANCH, .who = STR("ada"), .why = STR("t")};

        (void)snprintf(name, sizeof name, "b%05zu", i);
        move.ref = str_of(name);
        move.new_commit = head.commit;
        ck_ok(catalog_commit(catalog, NULL, &move, &f->err), &f->err);
    }
}

START_TEST(pages_leave_nothing_out)
{
    corrie_ref_list_options options = {.size = sizeof options, .kind = "branch", .max = 7};
    struct fixture f;
    size_t seen = 0;
    char after[32] = "";

    fixture_init(&f);
    fixture_open(&f);
    make_branches(&f, 1000);
    for (;;) {
        _json_ json_t *page = NULL;
        const json_t *refs;
        const json_t *next;

        options.after = after;
        page = listed(&f, &options);
        refs = json_object_get(page, "refs");
        next = json_object_get(page, "next");
        for (size_t i = 0; i < json_array_size(refs); i++) {
            const json_t *ref = json_array_get(refs, i);
            const char *name = json_string_value(json_object_get(ref, "name"));

            ck_assert_msg(strcmp(name, after) > 0, "%s after %s", name, after);
            ck_assert_str_eq(json_string_value(json_object_get(ref, "kind")), "branch");
            (void)snprintf(after, sizeof after, "%s", name);
            seen++;
        }
        if (json_is_null(next)) {
            break;
        }
        ck_assert_uint_eq(json_array_size(refs), 7);
        ck_assert_str_eq(json_string_value(next), after);
    }
    ck_assert_uint_eq(seen, 901); /* main too */
    {
        corrie_ref_list_options tags = {.size = sizeof tags, .kind = "tag"};
        corrie_ref_list_options some = {.size = sizeof some, .prefix = "b0012"};
        corrie_ref_list_options wrong = {.size = sizeof wrong, .kind = "twig"};
        _json_ json_t *all_tags = listed(&f, &tags);
        _json_ json_t *by_prefix = listed(&f, &some);
        char *text;

        ck_assert_uint_eq(json_array_size(json_object_get(all_tags, "refs")), 100);
        ck_assert_uint_eq(json_array_size(json_object_get(by_prefix, "refs")), 9);
        ck_fails(corrie_ref_list(f.lake, &wrong, &text, &f.err), CORRIE_E_USAGE, &f.err);
    }
    fixture_done(&f);
}
END_TEST

/* Nothing may be made, moved or removed by names that are none, and nothing may crash. */
START_TEST(bad_names_are_refused_everywhere)
{
    static char long_name[257];
    static const char *const names[] = {"a b", "a\x01", "\xff\xfe", "..",
                                        "/",   "@",     "a~1",      long_name};
    struct fixture f;
    char *text;

    memset(long_name, 'x', 256);
    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *name = names[i];
        const corrie_ref_options from = {.size = sizeof from, .from_ref = name};
        const corrie_merge_options into = {.size = sizeof into, .into = name};
        int codes[] = {
            corrie_branch_create(f.lake, name, NULL, &text, &f.err),
            corrie_tag_create(f.lake, name, NULL, &text, &f.err),
            corrie_branch_delete(f.lake, name, NULL, &text, &f.err),
            corrie_tag_delete(f.lake, name, NULL, &text, &f.err),
            corrie_branch_rename(f.lake, name, "x", NULL, &text, &f.err),
            corrie_branch_rename(f.lake, "main", name, NULL, &text, &f.err),
            corrie_branch_reset(f.lake, name, "main", NULL, &text, &f.err),
            corrie_branch_reset(f.lake, "main", name, NULL, &text, &f.err),
            corrie_ref_restore(f.lake, name, NULL, &text, &f.err),
            corrie_ref_get(f.lake, NULL, name, &text, &f.err),
            corrie_reflog(f.lake, name, 0, 0, &text, &f.err),
            corrie_branch_create(f.lake, "x", &from, &text, &f.err),
            corrie_branch_merge(f.lake, name, NULL, &text, &f.err),
            corrie_branch_merge(f.lake, "main", &into, &text, &f.err),
            corrie_cherry_pick(f.lake, &name, 1, NULL, &text, &f.err),
            corrie_revert(f.lake, &name, 1, NULL, &text, &f.err),
            corrie_show(f.lake, name, &text, &f.err),
            corrie_log(f.lake, name, NULL, &text, &f.err),
            corrie_diff(f.lake, name, "main", NULL, &text, &f.err),
            corrie_diff(f.lake, "main", name, NULL, &text, &f.err),
            corrie_table_revert(f.lake, "s.t", name, NULL, &text, &f.err),
            corrie_table_history(f.lake, name, "s.t", NULL, 0, &text, &f.err),
            corrie_checkout(f.lake, name, &f.err),
        };

        for (size_t j = 0; j < ARRAY_LEN(codes); j++) {
            ck_assert_msg(codes[j] == CORRIE_E_USAGE || codes[j] == CORRIE_E_NOT_FOUND,
                          "name %zu, call %zu: %d %s", i, j, codes[j],
                          corrie_error_message(&f.err));
        }
        corrie_error_clear(&f.err);
    }
    ck_fails(corrie_cherry_pick(f.lake, NULL, 0, NULL, &text, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(corrie_ref_get(f.lake, NULL, NULL, &text, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(corrie_branch_create(f.lake, NULL, NULL, &text, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(corrie_ref_restore(f.lake, NULL, NULL, &text, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(corrie_table_delete(f.lake, NULL, NULL, &text, &f.err), CORRIE_E_USAGE, &f.err);
    ck_fails(corrie_namespace_delete(f.lake, NULL, NULL, false, &text, &f.err), CORRIE_E_USAGE,
             &f.err);
    {
        _json_ json_t *left = listed(&f, NULL);

        ck_assert_uint_eq(json_array_size(json_object_get(left, "refs")), 1);
    }
    fixture_done(&f);
}
END_TEST

/* Several processes reset one branch, rename two others to and fro, and make and remove a third. */
static void move_about(const char *root, unsigned seed)
{
    corrie_lake_options options = {.size = sizeof options, .url = root, .author = "bob"};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    corrie_lake *lake;

    if (corrie_lake_open(&options, &lake, &err) < 0) {
        _exit(10);
    }
    for (unsigned i = 0; i < 40; i++) {
        const char *to = (i + seed) % 2 ? "main~1" : "main~2";
        char *text = NULL;
        int r = corrie_branch_reset(lake, "moved", to, NULL, &text, &err);

        if (r < 0) {
            _exit(r == CORRIE_E_CONFLICT || r == CORRIE_E_BUSY ? 11 : 12);
        }
        drop(text);
        text = NULL;
        r = (i + seed) % 2 ? corrie_branch_rename(lake, "one", "two", NULL, &text, &err)
                           : corrie_branch_rename(lake, "two", "one", NULL, &text, &err);
        if (r < 0 && r != CORRIE_E_NOT_FOUND && r != CORRIE_E_EXISTS) {
            _exit(13);
        }
        drop(text);
        corrie_error_clear(&err);
    }
    corrie_lake_close(lake);
    _exit(0);
}

START_TEST(movements_of_many_are_all_told)
{
    struct fixture f;
    char before[HASH_HEX + 1] = "";
    bool has[2] = {false, false};
    char *text;

    fixture_init(&f);
    fixture_open(&f);
    add_namespace(&f, "a", "main");
    add_namespace(&f, "b", "main");
    ck_ok(corrie_branch_create(f.lake, "moved", NULL, &text, &f.err), &f.err);
    drop(text);
    ck_ok(corrie_branch_create(f.lake, "one", NULL, &text, &f.err), &f.err);
    drop(text);
    f.lake = corrie_lake_close(f.lake);
    for (unsigned i = 0; i < 4; i++) {
        if (fork() == 0) {
            move_about(f.root, i);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        int status;

        ck_assert_int_gt(wait(&status), 0);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    }
    fixture_open(&f);
    ck_ok(corrie_reflog(f.lake, "moved", 0, 0, &text, &f.err), &f.err);
    {
        _json_ json_t *document = fixture_json(text);
        const json_t *entries = json_object_get(document, "entries");

        for (size_t i = json_array_size(entries); i > 0;
             i--) { /* each begins where the last ended */
            const json_t *entry = json_array_get(entries, i - 1);
            const char *old = json_string_value(json_object_get(entry, "old"));

            ck_assert_str_eq(old ? old : "", before);
            (void)snprintf(before, sizeof before, "%s",
                           json_string_value(json_object_get(entry, "new")));
        }
    }
    {
        _json_ json_t *left = listed(&f, NULL);
        const json_t *refs = json_object_get(left, "refs");

        for (size_t i = 0; i < json_array_size(refs); i++) {
            const char *name = json_string_value(json_object_get(json_array_get(refs, i), "name"));

            has[0] |= strcmp(name, "one") == 0;
            has[1] |= strcmp(name, "two") == 0;
        }
    }
    ck_assert(has[0] || has[1]); /* a rename never loses the branch */
    fixture_done(&f);
}
END_TEST

START_TEST(options_of_older_callers_are_taken)
{
    const corrie_ref_options shorter = {.size = offsetof(corrie_ref_options, if_not_exists),
                                        .if_not_exists = true};
    struct fixture f;
    char *text;

    fixture_init(&f);
    fixture_open(&f);
    ck_fails(corrie_branch_create(f.lake, "main", &shorter, &text, &f.err), CORRIE_E_EXISTS,
             &f.err);
    fixture_done(&f);
}
END_TEST

SUITE(api_refs_suite, "refs of the interface", pages_leave_nothing_out,
      bad_names_are_refused_everywhere, movements_of_many_are_all_told,
      options_of_older_callers_are_taken)
