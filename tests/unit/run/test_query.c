/* corrie_query and corrie_query_to_file. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arrow/table.h"
#include "base/buf.h"
#include "fixture.h"
#include "os/dir.h"
#include "os/file.h"

static void make_table(struct fixture *f)
{
    _json_ json_t *document = NULL;

    ck_ok(import_file(f, put_file(f, "a.csv", "n,s\n1,x\n2,y\n3,\n"), "orders",
                      CORRIE_IMPORT_APPEND, &document),
          &f->err);
}

static int try_query(struct fixture *f, const char *sql)
{
    struct ArrowArrayStream stream = {0};
    int r = corrie_query(f->lake, sql, NULL, &stream, &f->err);

    if (r >= 0) {
        stream.release(&stream);
    } else {
        ck_assert_ptr_null(stream.release); /* untouched on failure */
    }
    return r;
}

START_TEST(tables_are_found_by_every_spelling)
{
    struct fixture f;

    fixture_init(&f);
    make_table(&f);
    ck_assert_int_eq(query_number(&f, "SELECT sum(n)::BIGINT FROM orders"), 6);
    ck_assert_int_eq(
        query_number(&f, "SELECT sum(n)::BIGINT FROM public.orders AS o WHERE o.s IS NOT NULL;"),
        3);
    ck_assert_int_eq(query_number(&f, "WITH a AS (FROM orders) SELECT count(*) FROM a, orders"), 9);
    ck_assert_int_eq(query_number(&f, "SELECT count(*) FROM (VALUES (1), (2))"), 2);
    fixture_done(&f);
}
END_TEST

/* A table may have any name: also one that looks like a part of DuckDB. */
START_TEST(a_table_named_like_a_builtin_is_read)
{
    struct fixture f;
    _json_ json_t *document = NULL;

    fixture_init(&f);
    ck_ok(import_file(&f, put_file(&f, "a.csv", "n\n4\n"), "pg_stats", CORRIE_IMPORT_APPEND,
                      &document),
          &f.err);
    ck_assert_int_eq(query_number(&f, "SELECT n FROM pg_stats"), 4);
    ck_ok(try_query(&f, "SELECT * FROM duckdb_settings()"), &f.err);
    ck_ok(try_query(&f, "SELECT * FROM information_schema.tables"), &f.err);
    fixture_done(&f);
}
END_TEST

START_TEST(unknown_names_and_bad_text_are_told_apart)
{
    struct fixture f;

    fixture_init(&f);
    make_table(&f);
    ck_assert_int_eq(try_query(&f, "SELECT *\nFROM ordres"), CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(f.err.hint, "public.orders"));
    ck_assert_int_eq(f.err.position.line, 2);
    ck_assert_int_eq(f.err.position.column, 6);
    corrie_error_clear(&f.err);
    ck_assert_int_eq(try_query(&f, "SELECT nn FROM orders"), CORRIE_E_NOT_FOUND);
    ck_assert_int_eq(f.err.position.column, 8);
    corrie_error_clear(&f.err);
    ck_fails(try_query(&f, "SELEC 1"), CORRIE_E_PROJECT, &f.err);
    ck_fails(try_query(&f, ""), CORRIE_E_PROJECT, &f.err);
    ck_fails(try_query(&f, "SELECT 1; SELECT 2"), CORRIE_E_PROJECT, &f.err);
    ck_fails(try_query(&f, "CREATE TABLE t(a INT)"), CORRIE_E_PROJECT, &f.err);
    ck_fails(try_query(&f, "DELETE FROM orders"), CORRIE_E_PROJECT, &f.err);
    fixture_done(&f);
}
END_TEST

static int64_t number_at(struct fixture *f, const char *ref, const char *name_space,
                         const char *sql)
{
    corrie_query_options options = {
        .size = sizeof options, .ref = ref, .default_namespace = name_space};
    struct ArrowArrayStream stream = {0};
    struct ArrowArray batch = {0};
    int64_t value;

    ck_ok(corrie_query(f->lake, sql, &options, &stream, &f->err), &f->err);
    ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
    value = ((const int64_t *)batch.children[0]->buffers[1])[batch.children[0]->offset];
    batch.release(&batch);
    stream.release(&stream);
    return value;
}

/* A handle keeps the engine of the query before: nothing of that may be seen in the next. */
START_TEST(an_open_lake_answers_again_and_anew)
{
    static const char count[] = "SELECT count(*) FROM orders";
    struct ArrowArrayStream open = {0};
    struct fixture f;
    _json_ json_t *document = NULL;

    fixture_init(&f);
    make_table(&f);
    ck_ok(import_file(&f, put_file(&f, "b.csv", "n,s\n4,z\n"), "orders", CORRIE_IMPORT_APPEND,
                      &document),
          &f.err);
    ck_assert_int_eq(number_at(&f, "main", NULL, count), 4);
    ck_assert_int_eq(number_at(&f, "main~1", NULL, count), 3);
    ck_assert_int_eq(number_at(&f, "main", NULL, count), 4);
    ck_fails(try_query(&f, "SELECT * FROM orders WHERE"), CORRIE_E_PROJECT, &f.err);
    ck_assert_int_eq(number_at(&f, "main", "public", count), 4);
    ck_assert_int_eq(number_at(&f, "main", "other", "SELECT count(*) FROM public.orders"), 4);
    ck_fails(try_query(&f, "SELECT * FROM other.orders"), CORRIE_E_NOT_FOUND, &f.err);
    /* While one stream is read, another query runs, with an engine of its own. */
    ck_ok(corrie_query(f.lake, "FROM orders", NULL, &open, &f.err), &f.err);
    ck_assert_int_eq(number_at(&f, "main~1", NULL, count), 3);
    ck_ok(try_query(&f, "SELECT count(*) FROM orders"), &f.err);
    open.release(&open);
    ck_assert_int_eq(number_at(&f, "main", NULL, count), 4);
    /* The first namespace of a query is no table of the next. */
    ck_fails(try_query(&f, "SELECT * FROM main.orders"), CORRIE_E_NOT_FOUND, &f.err);
    fixture_done(&f);
}
END_TEST

/* Enough rows that the first are there before the bad one is met. */
#define LATE_FAILURE                                                                               \
    "SELECT CASE WHEN range = 19999999 THEN error('much too late')::BIGINT ELSE range END FROM range(20000000)"

/* What fails while rows flow has a story too. */
START_TEST(a_stream_tells_its_error)
{
    struct ArrowArrayStream stream = {0};
    struct ArrowArray batch = {0};
    struct fixture f;
    int status;

    fixture_init(&f);
    make_table(&f);
    ck_ok(corrie_query(f.lake, LATE_FAILURE, NULL, &stream, &f.err), &f.err);
    while ((status = stream.get_next(&stream, &batch)) == 0 && batch.release) {
        batch.release(&batch);
    }
    ck_assert_int_ne(status, 0);
    ck_assert_ptr_nonnull(stream.get_last_error(&stream));
    ck_assert_int_eq(corrie_stream_error(&stream, &f.err), CORRIE_E_FAILED);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&f.err), "much too late"));
    corrie_error_clear(&f.err);
    stream.release(&stream);
    ck_assert_ptr_null(stream.release);
    ck_fails(corrie_stream_error(&stream, &f.err), CORRIE_E_USAGE, &f.err);
    fixture_done(&f);
}
END_TEST

START_TEST(results_become_files)
{
    static const char *const formats[] = {"csv", "json", "jsonl", "parquet", "arrow"};
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf text = {0};
    struct os_entry *entries;
    struct os_stat stat;
    struct fixture f;
    const char *path;
    char *json = NULL;
    size_t n;

    fixture_init(&f);
    make_table(&f);
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        _json_ json_t *document = NULL;

        path = put_file(&f, "out/result", "what was there before");
        ck_ok(corrie_query_to_file(f.lake, "SELECT n FROM orders ORDER BY n", NULL, formats[i],
                                   path, &json, &f.err),
              &f.err);
        document = parse_document(json);
        ck_assert_str_eq(fields_of(document), "bytes path rows");
        ck_assert_str_eq(text_of(document, "path"), path);
        ck_assert_int_eq(number_of(document, "rows"), 3);
        ck_ok(os_stat(path, &stat, &f.err), &f.err);
        ck_assert_int_eq(number_of(document, "bytes"), (int64_t)stat.size);
    }
    ck_ok(corrie_query_to_file(f.lake, "SELECT n FROM orders ORDER BY n", NULL, "csv", path, &json,
                               &f.err),
          &f.err);
    corrie_free(json);
    ck_ok(os_file_read(path, 100, &text, &f.err), &f.err);
    ck_str_eq(buf_str(&text), STR("n\n1\n2\n3\n"));

    /* a failure leaves the old file, and nothing beside it */
    ck_assert_int_lt(corrie_query_to_file(f.lake, "SELECT CAST(s AS INTEGER) FROM orders", NULL,
                                          "csv", path, &json, &f.err),
                     0);
    corrie_error_clear(&f.err);
    ck_ok(os_dir_list(in_dir(&f, "out"), &arena, &entries, &n, &f.err), &f.err);
    ck_assert_uint_eq(n, 1);
    ck_ok(os_stat(path, &stat, &f.err), &f.err);
    ck_assert_uint_eq(stat.size, 8);
    ck_fails(corrie_query_to_file(f.lake, "SELECT 1", NULL, "xlsx", path, &json, &f.err),
             CORRIE_E_USAGE, &f.err);
    ck_fails(
        corrie_query_to_file(f.lake, "SELECT 1", NULL, "csv", in_dir(&f, "out"), &json, &f.err),
        CORRIE_E_USAGE, &f.err);
    fixture_done(&f);
}
END_TEST

/* A pipe or a device is written to, never replaced by a file. */
START_TEST(a_device_is_not_replaced)
{
    struct fixture f;
    struct stat stat;
    char *json = NULL;
    const char *path;

    fixture_init(&f);
    path = in_dir(&f, "null");
    ck_assert_int_eq(symlink("/dev/null", path), 0);
    ck_ok(corrie_query_to_file(f.lake, "SELECT 1 AS a", NULL, "csv", path, &json, &f.err), &f.err);
    corrie_free(json);
    ck_assert_int_eq(lstat(path, &stat), 0);
    ck_assert(S_ISLNK(stat.st_mode));
    fixture_done(&f);
}
END_TEST

START_TEST(options_are_checked)
{
    struct ArrowArrayStream stream = {0};
    struct fixture f;
    corrie_query_options options = {.size = sizeof options, .memory = "much"};

    fixture_init(&f);
    ck_fails(corrie_query(f.lake, "SELECT 1", &options, &stream, &f.err), CORRIE_E_USAGE, &f.err);
    options = (corrie_query_options){.size = sizeof options, .ref = "mian"};
    ck_assert_int_eq(corrie_query(f.lake, "SELECT 1", &options, &stream, &f.err),
                     CORRIE_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(f.err.hint, "main"));
    fixture_done(&f);
}
END_TEST

SUITE(query_suite, "query", tables_are_found_by_every_spelling, an_open_lake_answers_again_and_anew,
      a_table_named_like_a_builtin_is_read, unknown_names_and_bad_text_are_told_apart,
      a_stream_tells_its_error, results_become_files, a_device_is_not_replaced, options_are_checked)
