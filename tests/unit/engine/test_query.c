/* Queries as Arrow streams. */
#include <pthread.h>
#include <unistd.h>

#include "engine/engine_priv.h"
#include "help.h"

START_TEST(test_values)
{
    /* every type a user stores comes out with the value that went in */
    struct engine *engine = engine_plain();

    ck_assert_str_eq(rows_of(engine,
                             "SELECT 1::TINYINT, -2::SMALLINT, 3::INTEGER, 4::BIGINT, "
                             "5::UTINYINT, 6::USMALLINT, 4294967295::UINTEGER, 8::UBIGINT, "
                             "(-9)::HUGEINT, 1.5::FLOAT, 2.25::DOUBLE, true, NULL::INTEGER"),
                     "1|-2|3|4|5|6|4294967295|8|-9|1.5|2.25|1|null");
    ck_assert_str_eq(rows_of(engine, "SELECT 1.25::DECIMAL(4,2), (-1.25)::DECIMAL(9,2), "
                                     "12345678901.5::DECIMAL(18,1), "
                                     "(-12345678901234567890.12)::DECIMAL(38,2)"),
                     "1.25|-1.25|12345678901.5|-12345678901234567890.12");
    ck_assert_str_eq(rows_of(engine, "SELECT DATE '1970-01-02', TIME '00:00:01', "
                                     "TIMESTAMP '1970-01-01 00:00:01', "
                                     "TIMESTAMPTZ '1970-01-01 01:00:00+01', "
                                     "'1970-01-01 00:00:01'::TIMESTAMP_S, "
                                     "'1970-01-01 00:00:01.5'::TIMESTAMP_MS, "
                                     "'1970-01-01 00:00:01.000001'::TIMESTAMP_NS"),
                     "1|1000000|1000000|0|1000000|1500000|1000001");
    ck_assert_str_eq(rows_of(engine, "SELECT 'short', 'a text of more than twelve bytes', '', "
                                     "'\\x00\\xFF'::BLOB, "
                                     "'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID, "
                                     "'b'::ENUM('a', 'b')"),
                     "short|a text of more than twelve bytes||00ff|"
                     "f79c3e09677c4bbda4793f349cb785e7|b");
    engine_close(engine);
}
END_TEST

START_TEST(test_nested)
{
    struct engine *engine = engine_plain();

    ck_assert_str_eq(rows_of(engine, "SELECT * FROM (VALUES "
                                     "([1, 2], {'a': 1, 'b': ['x']}, MAP {'k': 1.5::DOUBLE}), "
                                     "(NULL, NULL, NULL), ([], {'a': NULL, 'b': []}, MAP {}), "
                                     "([3, NULL], {'a': 2, 'b': [NULL, 'y']}, MAP {'l': NULL}))"),
                     "[1,2]|{a:1,b:[x]}|[{key:k,value:1.5}]\n"
                     "null|null|null\n"
                     "[]|{a:null,b:[]}|[]\n"
                     "[3,null]|{a:2,b:[null,y]}|[{key:l,value:null}]");
    ck_assert_str_eq(rows_of(engine, "SELECT [1, 2]::INTEGER[2] UNION ALL SELECT NULL "
                                     "UNION ALL SELECT [3, 4]"),
                     "[1,2]\nnull\n[3,4]");
    /* lists of lists over many vectors, in an order that is not that of the child */
    ck_assert_str_eq(
        rows_of(engine, "SELECT sum(len(l)), sum(list_sum(l[1])) FROM (SELECT [[i, i + 1], []] "
                        "l FROM range(10000) t(i) ORDER BY i DESC)"),
        "20000|100000000");
    engine_close(engine);
}
END_TEST

static int64_t drain(struct ArrowArrayStream *stream, int64_t *batches, int64_t *sum)
{
    int64_t rows = 0;

    for (;;) {
        struct ArrowArray array = {0};

        ck_assert_int_eq(stream->get_next(stream, &array), 0);
        if (!array.release) {
            return rows;
        }
        ck_assert_int_le(array.length, ENGINE_BATCH_ROWS);
        const int64_t *values = array.children[0]->buffers[1];
        for (int64_t i = 0; i < array.length; i++) {
            *sum += values[i] == rows + i; /* order */
        }
        rows += array.length;
        (*batches)++;
        array.release(&array);
    }
}

START_TEST(test_batches)
{
    /* a large result comes in few large batches, in order, whole */
    struct engine *engine = engine_plain();
    struct ArrowArrayStream stream = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    int64_t batches = 0;
    int64_t in_order = 0;

    ck_ok(engine_query(engine,
                       STR("SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'v' || i END "
                           "FROM range(3000000) t(i)"),
                       NULL, &stream, &err),
          &err);
    ck_assert_int_eq(drain(&stream, &batches, &in_order), 3000000);
    ck_assert_int_eq(in_order, 3000000);
    ck_assert_int_eq(batches, 3);
    stream.release(&stream);
    engine_close(engine);
}
END_TEST

START_TEST(test_wide_batches)
{
    /* rows of 100 kB do not make a batch of a million of them */
    struct engine *engine = engine_plain();
    struct ArrowArrayStream stream = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    int64_t rows = 0;

    ck_ok(engine_query(engine, STR("SELECT i, repeat('x', 100000) FROM range(3000) t(i)"), NULL,
                       &stream, &err),
          &err);
    for (;;) {
        struct ArrowArray array = {0};

        ck_assert_int_eq(stream.get_next(&stream, &array), 0);
        if (!array.release) {
            break;
        }
        rows += array.length;
        /* one chunk of 2048 rows may pass the limit */
        ck_assert_int_le(array.length, 2048);
        array.release(&array);
    }
    ck_assert_int_eq(rows, 3000);
    stream.release(&stream);
    engine_close(engine);
}
END_TEST

START_TEST(test_does_not_fit)
{
    /* a number that long cannot hold is an error, not another number */
    struct engine *engine = engine_plain();
    corrie_error err = CORRIE_ERROR_INIT;

    ck_fails(query_error(engine, "SELECT 9223372036854775808::UBIGINT AS big", &err), CORRIE_E_DATA,
             &err);
    ck_fails(query_error(engine, "SELECT 9223372036854775808::HUGEINT AS big", &err), CORRIE_E_DATA,
             &err);
    ck_fails(query_error(engine, "SELECT '2020-01-01 00:00:00.0000001'::TIMESTAMP_NS AS t", &err),
             CORRIE_E_DATA, &err);
    ck_assert_int_eq(query_error(engine, "SELECT INTERVAL 1 DAY AS gap", &err),
                     CORRIE_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "gap"));
    ck_assert_ptr_nonnull(strstr(corrie_error_message(&err), "INTERVAL"));
    corrie_error_clear(&err);
    engine_close(engine);
}
END_TEST

START_TEST(test_errors)
{
    /* a wrong query says where, and what was probably meant */
    struct engine *engine = engine_plain();
    corrie_error err = CORRIE_ERROR_INIT;
    struct arena arena = {0};
    struct schema schema = schema_of(&arena, "customer_segment VARCHAR;price DOUBLE");
    const struct engine_table table = {
        .name_space = STR("shop"), .name = STR("users"), .schema = &schema};

    ck_ok(engine_define_files(engine, &table, &err), &err);
    ck_assert_str_eq(rows_of(engine, "SELECT count(*) FROM users"), "0");
    ck_assert_int_eq(
        query_error(engine, "SELECT price\nFROM users WHERE custmer_segment = 'a'", &err),
        CORRIE_E_NOT_FOUND);
    ck_assert_int_eq(err.position.line, 2);
    ck_assert_int_eq(err.position.column, 18);
    ck_assert_str_eq(err.position.file, "q.sql");
    ck_assert_str_eq(err.hint, "did you mean customer_segment?");
    corrie_error_clear(&err);
    ck_assert_int_eq(query_error(engine, "SELECT * FROM shop.user", &err), CORRIE_E_NOT_FOUND);
    ck_assert_str_eq(err.hint, "did you mean shop.users?");
    ck_assert_int_eq(err.position.column, 15);
    corrie_error_clear(&err);
    ck_assert_int_eq(query_error(engine, "SELECT 1 FRM x", &err), CORRIE_E_PROJECT);
    ck_assert_int_eq(err.position.line, 1);
    corrie_error_clear(&err);
    ck_fails(query_error(engine, "SELECT 1; SELECT 2", &err), CORRIE_E_PROJECT, &err);
    ck_fails(query_error(engine, "DROP TABLE users", &err), CORRIE_E_PROJECT, &err);
    ck_fails(query_error(engine, "", &err), CORRIE_E_PROJECT, &err);
    ck_fails(query_error(engine, "SELECT 'x' || \xff", &err), CORRIE_E_PROJECT, &err);
    ck_fails(query_error(engine, "SELECT ('x' || i)::INTEGER FROM range(3) t(i)", &err),
             CORRIE_E_FAILED, &err);
    ck_assert_str_eq(rows_of(engine, "SELECT 1; -- a comment after the end"), "1");
    engine_close(engine);
    arena_done(&arena);
}
END_TEST

static void *cancel_soon(void *arg)
{
    usleep(50000);
    cancel_request(arg);
    return NULL;
}

START_TEST(test_memory_of_threads)
{
    /* Several threads hold row groups ahead of their turn: where memory has no room for that there is one */
    struct engine *engine = NULL;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_open(&(struct engine_options){.memory = (uint64_t)300 << 20}, &engine, &err),
          &err);
    ck_assert_str_eq(rows_of(engine, "SELECT current_setting('threads')"), "1");
    engine_close(engine);
    ck_ok(engine_open(&(struct engine_options){.memory = (uint64_t)512 << 20, .threads = 2},
                      &engine, &err),
          &err);
    ck_assert_str_eq(rows_of(engine, "SELECT current_setting('memory_limit')"), "384.0 MiB");
    engine_close(engine);
}
END_TEST

START_TEST(test_cancel)
{
    /* Ctrl-C during a query ends it, and the engine can still be asked */
    struct cancel cancel = {0};
    struct engine *engine = NULL;
    corrie_error err = CORRIE_ERROR_INIT;
    pthread_t thread;

    ck_ok(engine_open(&(struct engine_options){.threads = 2, .cancel = &cancel}, &engine, &err),
          &err);
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    ck_assert_int_eq(query_error(engine,
                                 "SELECT count(*) FROM range(100000000000) t(i) WHERE "
                                 "i % 7 = 3",
                                 &err),
                     CORRIE_E_CANCELLED);
    corrie_error_clear(&err);
    pthread_join(thread, NULL);
    atomic_store(&cancel.requested, 0);
    ck_assert_str_eq(rows_of(engine, "SELECT 42"), "42");
    engine_close(engine);
}
END_TEST

struct stopper {
    struct engine *engine;
    atomic_bool over;
};

/* Stops the statement that runs, once, as DuckDB's own threads do when one of them fails. */
static void *stop_once(void *arg)
{
    struct stopper *stopper = arg;
    struct engine *engine = stopper->engine;

    while (!atomic_load(&stopper->over)) {
        pthread_mutex_lock(&engine->lock);
        if (engine->working) {
            engine->d->interrupt(engine->working->con);
            atomic_store(&stopper->over, true);
        }
        pthread_mutex_unlock(&engine->lock);
    }
    return NULL;
}

START_TEST(test_stopped_by_none)
{
    /* who did not press Ctrl-C is told what failed, not that he did */
    struct cancel cancel = {0};
    struct engine *engine = NULL;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(engine_open(&(struct engine_options){.threads = 2, .cancel = &cancel}, &engine, &err),
          &err);
    for (int i = 0; i < 3; i++) {
        struct ArrowArrayStream stream = {0};
        struct ArrowArray batch = {0};
        struct stopper stopper = {.engine = engine};
        pthread_t thread;

        ck_ok(engine_query(
                  engine,
                  STR("SELECT CASE WHEN range = 19999999 THEN error('much too late')::BIGINT "
                      "ELSE range END FROM range(20000000)"),
                  NULL, &stream, &err),
              &err);
        ck_assert_int_eq(pthread_create(&thread, NULL, stop_once, &stopper), 0);
        while (stream.get_next(&stream, &batch) == 0 && batch.release) {
            batch.release(&batch);
        }
        atomic_store(&stopper.over, true);
        pthread_join(thread, NULL);
        ck_fails(engine_stream_error(&stream, &err), CORRIE_E_FAILED, &err);
        stream.release(&stream);
    }
    engine_close(engine);
}
END_TEST

START_TEST(test_several_streams)
{
    /* two results may be read in turns */
    struct engine *engine = engine_plain();
    struct ArrowArrayStream a = {0};
    struct ArrowArrayStream b = {0};
    corrie_error err = CORRIE_ERROR_INIT;
    int64_t batches = 0;
    int64_t in_order = 0;

    ck_ok(engine_query(engine, STR("SELECT * FROM range(2000000)"), NULL, &a, &err), &err);
    ck_ok(engine_query(engine, STR("SELECT * FROM range(2000000)"), NULL, &b, &err), &err);
    ck_assert_int_eq(drain(&b, &batches, &in_order), 2000000);
    ck_assert_int_eq(drain(&a, &batches, &in_order), 2000000);
    ck_assert_int_eq(in_order, 4000000);
    a.release(&a);
    b.release(&b);
    /* one that is dropped half way */
    ck_ok(engine_query(engine, STR("SELECT * FROM range(20000000)"), NULL, &a, &err), &err);
    a.release(&a);
    engine_close(engine);
}
END_TEST

SUITE(query_suite, "query", test_values, test_nested, test_batches, test_wide_batches,
      test_does_not_fit, test_errors, test_memory_of_threads, test_cancel, test_stopped_by_none,
      test_several_streams)
