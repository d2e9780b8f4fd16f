/* What a user would lose: rows that a listing leaves out or tells twice where one page ends, a listing that says one
 * thing row by row and another as a document, a misspelt namespace that looks empty. */
#include "catalog/catalog.h"
#include "catalog/commit.h"
#include "catalog/tree.h"
#include "fixture.h"

/* More than a page of refs and movements, so that there are pages to get wrong. */
enum { MANY = 600 };

typedef int (*open_fn)(struct fixture *f, size_t max, corrie_cursor **ret);
typedef int (*document_fn)(struct fixture *f, size_t max, char **ret);

static int open_refs(struct fixture *f, size_t max, corrie_cursor **ret)
{
    corrie_ref_list_options options = {.size = sizeof options, .max = max};

    return corrie_ref_list_open(f->lake, &options, ret, &f->err);
}

static int refs(struct fixture *f, size_t max, char **ret)
{
    corrie_ref_list_options options = {.size = sizeof options, .max = max};

    return corrie_ref_list(f->lake, &options, ret, &f->err);
}

static int open_movements(struct fixture *f, size_t max, corrie_cursor **ret)
{
    return corrie_reflog_open(f->lake, "main", 0, max, ret, &f->err);
}

static int movements(struct fixture *f, size_t max, char **ret)
{
    return corrie_reflog(f->lake, "main", 0, max, ret, &f->err);
}

static int open_log(struct fixture *f, size_t max, corrie_cursor **ret)
{
    corrie_log_options options = {.size = sizeof options, .max = max};

    return corrie_log_open(f->lake, "main", &options, ret, &f->err);
}

static int commits(struct fixture *f, size_t max, char **ret)
{
    corrie_log_options options = {.size = sizeof options, .max = max};

    return corrie_log(f->lake, "main", &options, ret, &f->err);
}

static int open_namespaces(struct fixture *f, size_t max, corrie_cursor **ret)
{
    (void)max;
    return corrie_namespace_list_open(f->lake, "main", ret, &f->err);
}

static int namespaces(struct fixture *f, size_t max, char **ret)
{
    (void)max;
    return corrie_namespace_list(f->lake, "main", ret, &f->err);
}

static int open_tables(struct fixture *f, size_t max, corrie_cursor **ret)
{
    (void)max;
    return corrie_table_list_open(f->lake, "main", NULL, ret, &f->err);
}

static int tables(struct fixture *f, size_t max, char **ret)
{
    (void)max;
    return corrie_table_list(f->lake, "main", NULL, ret, &f->err);
}

/* A commit on main that makes a table; with others beside it the tree has several leaves. */
static void add_table(struct fixture *f, size_t i)
{
    struct catalog *catalog = lake_catalog(f->lake);
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_move move = {.ref = STR("main"), .who = STR("ada"), .why = STR("test")};
    struct commit commit = {.author = STR("ada"), .message = STR("more"), .n_parents = 1};
    struct tree_edit edits[2] = {{.value = {.doc = STR("{}")}}};
    struct catalog_ref head;
    struct commit before;
    struct key keys[2];

    ck_ok(catalog_ref_get(catalog, STR("main"), &head, &f->err), &f->err);
    ck_ok(commit_read(catalog, &head.commit, &arena, &before, &f->err), &f->err);
    ck_ok(KEY_MAKE(&keys[0], &f->err, STR("namespace"), str_of(arena_printf(&arena, "n%zu", i))),
          &f->err);
    ck_ok(KEY_MAKE(&keys[1], &f->err, STR("table"), STR("n0"),
                   str_of(arena_printf(&arena, "t\"%04zu", i))),
          &f->err);
    edits[0].key = key_str(&keys[0]);
    edits[1].key = key_str(&keys[1]);
    /* every other one as no writer has it, but as it may be */
    edits[1].value.doc = str_of(arena_printf(
        &arena,
        "{\"bytes\":%zu,\"files\":1,\"location\":\"data/%s\",\"managed\":%s,"
        "\"metadata_location\":\"data/m%zu\",\"records\":%zu,\"schema_id\":0,\"snapshot_id\":%s,"
        "\"spec_id\":0}",
        i, i % 2 ? "a\\\"b" : "ab", i % 3 ? "true" : "false", i, i * 7,
        i % 5 ? "9223372036854775807" : "null"));
    for (size_t k = 0; k < 2; k++) {
        edits[k].value.id = uuid_random();
    }
    ck_ok(tree_apply(catalog, &before.tree, edits, 2, &objects, &commit.tree, &f->err), &f->err);
    commit.parents[0] = move.expected = head.commit;
    ck_ok(commit_add(catalog, &commit, &objects, &move.new_commit, &f->err), &f->err);
    ck_ok(catalog_commit(catalog, &objects, &move, &f->err), &f->err);
}

static void add_branch(struct fixture *f, size_t i)
{
    struct catalog *catalog = lake_catalog(f->lake);
    struct catalog_move move = {
        .kind = i % 10 == 3 ? CATALOG_TAG : CATALOG_BRANCH, .who = STR("ada"), .why = STR("t")};
    struct catalog_ref head;
    char name[32];

    (void)snprintf(name, sizeof name, "b%05zu", i);
    ck_ok(catalog_ref_get(catalog, STR("main"), &head, &f->err), &f->err);
    move.ref = str_of(name);
    move.new_commit = head.commit;
    ck_ok(catalog_commit(catalog, NULL, &move, &f->err), &f->err);
}

/* {"list":[rows as they come],rest}: must be the document. Returns how many there were. */
static size_t check_same(struct fixture *f, const char *field, open_fn opens, document_fn whole,
                         size_t max)
{
    _cleanup_(buf_done) struct buf text = {0};
    corrie_cursor *cursor;
    char *row;
    size_t n = 0;
    int r;

    buf_addf(&text, "{\"%s\":[", field);
    ck_ok(opens(f, max, &cursor), &f->err);
    while ((r = corrie_cursor_next(cursor, &row, &f->err)) > 0) {
        buf_addf(&text, "%s%s", n++ > 0 ? "," : "", row);
        corrie_free(row);
    }
    ck_ok(r, &f->err);
    ck_ok(corrie_cursor_rest(cursor, &row, &f->err), &f->err);
    buf_addf(&text, "]%s%s", row[1] == '}' ? "" : ",", row + 1);
    corrie_free(row);
    ck_assert_int_eq(corrie_cursor_next(cursor, &row, &f->err), 0); /* still the end */
    ck_assert_ptr_null(corrie_cursor_close(cursor));
    ck_ok(whole(f, max, &row), &f->err);
    ck_assert_str_eq(row, buf_text(&text));
    json_decref(fixture_json(row));
    return n;
}

START_TEST(rows_are_those_of_the_document)
{
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    ck_assert_uint_eq(check_same(&f, "tables", open_tables, tables, 0), 0);
    for (size_t i = 0; i < MANY; i++) {
        add_table(&f, i);
        add_branch(&f, i);
    }
    ck_assert_uint_eq(check_same(&f, "tables", open_tables, tables, 0), MANY);
    ck_assert_uint_eq(check_same(&f, "namespaces", open_namespaces, namespaces, 0), MANY);
    ck_assert_uint_eq(check_same(&f, "commits", open_log, commits, 0), MANY + 1);
    ck_assert_uint_eq(check_same(&f, "entries", open_movements, movements, 0), MANY + 1);
    ck_assert_uint_eq(check_same(&f, "refs", open_refs, refs, 0), MANY - MANY / 10 + 1);
    fixture_done(&f);
}
END_TEST

START_TEST(a_maximum_cuts_where_it_should)
{
    static const size_t sizes[] = {1, 255, 256, 257, 512, MANY, MANY + 1, MANY + 2};
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (size_t i = 0; i < MANY; i++) {
        add_table(&f, i);
        add_branch(&f, i);
    }
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        size_t all = MANY + 1;
        size_t branches = MANY - MANY / 10 + 1;

        ck_assert_uint_eq(check_same(&f, "commits", open_log, commits, sizes[i]),
                          sizes[i] < all ? sizes[i] : all);
        ck_assert_uint_eq(check_same(&f, "entries", open_movements, movements, sizes[i]),
                          sizes[i] < all ? sizes[i] : all);
        ck_assert_uint_eq(check_same(&f, "refs", open_refs, refs, sizes[i]),
                          sizes[i] < branches ? sizes[i] : branches);
    }
    fixture_done(&f);
}
END_TEST

START_TEST(whether_others_follow_is_told)
{
    struct fixture f;
    char *text;

    fixture_init(&f);
    fixture_open(&f);
    add_table(&f, 0); /* two commits and two movements on main */
    ck_ok(commits(&f, 1, &text), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "],\"more\":true}"));
    corrie_free(text);
    ck_ok(commits(&f, 2, &text), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "],\"more\":false}"));
    corrie_free(text);
    ck_ok(movements(&f, 1, &text), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "],\"ref\":\"main\",\"next\":2}"));
    corrie_free(text);
    ck_ok(movements(&f, 2, &text), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "],\"ref\":\"main\",\"next\":null}"));
    corrie_free(text);
    add_branch(&f, 0);
    add_branch(&f, 3); /* a tag, which is not among them */
    ck_ok(refs(&f, 1, &text), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "],\"next\":\"b00000\"}"));
    corrie_free(text);
    ck_ok(refs(&f, 2, &text), &f.err);
    ck_assert_ptr_nonnull(strstr(text, "],\"next\":null}"));
    corrie_free(text);
    fixture_done(&f);
}
END_TEST

START_TEST(what_is_not_there_is_told_at_once)
{
    corrie_cursor *cursor;
    struct fixture f;

    fixture_init(&f);
    fixture_open(&f);
    add_table(&f, 0);
    ck_fails(corrie_table_list_open(f.lake, "main", "n1", &cursor, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_fails(corrie_table_list_open(f.lake, "nowhere", NULL, &cursor, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_fails(corrie_namespace_list_open(f.lake, "nowhere", &cursor, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_fails(corrie_reflog_open(f.lake, "nowhere", 0, 0, &cursor, &f.err), CORRIE_E_NOT_FOUND,
             &f.err);
    ck_ok(corrie_table_list_open(f.lake, "main", "n0", &cursor, &f.err), &f.err);
    corrie_cursor_close(cursor); /* before its end */
    fixture_done(&f);
}
END_TEST

SUITE(api_list_suite, "long listings", rows_are_those_of_the_document,
      a_maximum_cuts_where_it_should, whether_others_follow_is_told,
      what_is_not_there_is_told_at_once)
