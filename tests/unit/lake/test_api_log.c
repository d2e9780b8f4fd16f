/* What a user would lose: commits that the log leaves out, a log that needs memory for all of a long history. */
#include "catalog/commit.h"
#include "catalog/history.h"
#include "catalog/tree.h"
#include "fixture.h"

enum { LENGTH = 20000, BATCH = 1000 };

/* A history of that many commits on main, behind the first. */
static void make_history(struct fixture *f, size_t n)
{
    struct catalog *catalog = lake_catalog(f->lake);
    struct catalog_ref head;
    struct hash tip;

    ck_ok(catalog_ref_get(catalog, STR("main"), &head, &f->err), &f->err);
    tip = head.commit;
    for (size_t i = 0; i < n; i += BATCH) {
        _cleanup_(object_list_done) struct object_list objects = {0};
        struct catalog_move move = {.ref = STR("main"), .who = STR("ada"), .why = STR("test")};
        struct commit commit = {.author = STR("ada"), .n_parents = 1};

        ck_ok(tree_empty(catalog, &objects, &commit.tree, &f->err), &f->err);
        move.expected = tip;
        for (size_t j = 0; j < BATCH; j++) {
            char message[32];

            (void)snprintf(message, sizeof message, "commit %zu", i + j);
            commit.message = str_of(message);
            commit.parents[0] = tip;
            ck_ok(commit_add(catalog, &commit, &objects, &tip, &f->err), &f->err);
        }
        move.new_commit = tip;
        ck_ok(catalog_commit(catalog, &objects, &move, &f->err), &f->err);
    }
}

START_TEST(a_long_log_streams)
{
    corrie_log_options options = {.size = sizeof options, .message = "COMMIT 1999"};
    corrie_log_cursor *cursor;
    struct fixture f;
    size_t n = 0;
    char *text;
    int r;

    fixture_init(&f);
    fixture_open(&f);
    make_history(&f, LENGTH);
    fixture_open(&f);
    ck_ok(corrie_log_open(f.lake, "main", NULL, &cursor, &f.err), &f.err);
    while ((r = corrie_log_next(cursor, &text, &f.err)) > 0) {
        char part[64];

        if (n < LENGTH) {
            (void)snprintf(part, sizeof part, "\"message\":\"commit %zu\"", LENGTH - 1 - n);
            ck_assert_msg(strstr(text, part) != NULL, "%zu: %s", n, text);
        }
        corrie_free(text);
        n++;
    }
    ck_ok(r, &f.err);
    ck_assert_uint_eq(n, LENGTH + 1);
    cursor = corrie_log_close(cursor);
    ck_assert_ptr_null(cursor);
    ck_ok(corrie_log(f.lake, NULL, &options, &text, &f.err), &f.err);
    {
        _json_ json_t *document = fixture_json(text);

        /* 1999 and 19990 to 19999 */
        ck_assert_uint_eq(json_array_size(json_object_get(document, "commits")), 11);
        ck_assert(json_is_false(json_object_get(document, "more")));
    }
    options.message = NULL;
    options.max = 3;
    options.exclude_ref = "main~3";
    ck_ok(corrie_log(f.lake, NULL, &options, &text, &f.err), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "\"more\":false"));
    corrie_free(text);
    options.exclude_ref = "main~4";
    ck_ok(corrie_log(f.lake, NULL, &options, &text, &f.err), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "\"more\":true"));
    corrie_free(text);
    fixture_done(&f);
}
END_TEST

START_TEST(cancelling_ends_a_log)
{
    corrie_log_options options = {.size = sizeof options, .message = "no commit says this"};
    corrie_lake_options opening = {.size = sizeof opening};
    corrie_cancel *cancel;
    corrie_lake *lake;
    struct fixture f;
    char *text;

    fixture_init(&f);
    fixture_open(&f);
    make_history(&f, BATCH);
    ck_ok(corrie_cancel_new(&cancel, &f.err), &f.err);
    opening.url = f.root;
    opening.cancel = cancel;
    ck_ok(corrie_lake_open(&opening, &lake, &f.err), &f.err);
    corrie_cancel_request(cancel);
    ck_fails(corrie_log(lake, "main", &options, &text, &f.err), CORRIE_E_CANCELLED, &f.err);
    corrie_lake_close(lake);
    corrie_cancel_free(cancel);
    fixture_done(&f);
}
END_TEST

SUITE(api_log_suite, "log of the interface", a_long_log_streams, cancelling_ends_a_log)
