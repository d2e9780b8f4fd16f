/* Real functions in a real environment, the tutorial's: Python 3.11, polars 1.15.0. */
#include "tests/unit/check.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "arrow/ipc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "env/env.h"
#include "os/dir.h"
#include "os/user.h"
#include "worker/worker.h"

static const char models[] =
    "import bauplan\n"                          /* 1 */
    "import corrie, logging, os, sys, helper\n" /* 2 */
    "\n"
    "@bauplan.model(columns=['event_time', 'price'])\n"
    "@bauplan.python('3.11', pip={'polars': '1.15.0'})\n"
    "def clean(raw=bauplan.Model('events', columns=['price', 'brand'], filter='price > 0')):\n"
    "    import polars as pl\n"
    "    df = pl.from_arrow(raw)\n"
    "    return df.with_columns(pl.col('brand').fill_null('Unknown')).to_arrow()\n" /* 9 */
    "\n"
    "def talks(country=corrie.Parameter('country')):\n" /* 11 */
    "    print('from', country)\n"
    "    logging.warning('careful')\n"
    "    helper.say('helped')\n"
    "    os.system('echo shell')\n" /* 15 */
    "    sys.stdout.buffer.write(b'bad \\xff byte\\n')\n"
    "    print('no end', end='')\n"
    "    return [{'a': 1}, {'b': 'x'}]\n" /* 18 */
    "\n"
    "def raises():\n" /* 20 */
    "    return helper.divide(1, 0)\n"
    "def none(): pass\n"
    "def number(): return 7\n"
    "def exits(): sys.exit(3)\n" /* 24 */
    "def leaves(): os._exit(0)\n"
    "def aborts():\n"
    "    os.abort()\n" /* 27 */
    "def killed(): os.kill(os.getpid(), 9)\n"
    "def hangs():\n"
    "    import time\n"
    "    time.sleep(1000)\n" /* 31 */
    "def two(): return 1, 2\n"
    "def twice_a():\n"
    "    import pyarrow as pa\n"
    "    return pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=['a', 'a'])\n"
    "def misses():\n"
    "    import nothing.of_the_kind\n"
    "def odd_types():\n"
    "    import pyarrow as pa, polars as pl\n"
    "    words = pa.array(['x', None, 'yy'])\n"
    "    return pa.table({'view': words.cast(pa.string_view()), 'code': words.dictionary_encode(),\n"
    "                     'runs': pa.RunEndEncodedArray.from_arrays([2, 3], ['p', 'q']),\n"
    "                     'lists': pa.array([[1], None, [2, 3]]), 'large': words.cast(pa.large_string())})\n"
    "def lazy():\n"
    "    import polars as pl\n"
    "    return pl.LazyFrame({'a': [1, 2, 3]}).filter(pl.col('a') > 1)\n"
    "def parts():\n"
    "    import pyarrow as pa\n"
    "    for i in range(3):\n"
    "        yield pa.table({'i': [i]})\n"
    "def wide():\n"
    "    import pyarrow as pa\n"
    "    return pa.table({f'column_{i}': [i] for i in range(1000)})\n"
    "def empty():\n"
    "    import pyarrow as pa\n"
    "    return pa.table({'a': pa.array([], pa.string())})\n"
    "def forks():\n"
    "    if os.fork() == 0:\n"
    "        return none()\n"
    "    return [{'a': 1}]\n"
    "def same(raw=None): return raw\n"
    "def environment(): return [{'name': k, 'value': v} for k, v in os.environ.items()]\n"
    "def holds(raw=None): return raw.num_rows == 3\n"
    "def broken(raw=None):\n"
    "    assert raw.num_rows == 4, 'four rows'\n" /* 65 */
    "def unsure(raw=None): return 1\n";

static const char helper[] = "def say(text):\n"
                             "    print(text)\n" /* helper.py:2 */
                             "def divide(a, b):\n"
                             "    return a / b\n"; /* helper.py:4 */

static const struct worker_source sources[] = {
    {STR("helper.py"), {helper, sizeof helper - 1}},
    {STR("models.py"), {models, sizeof models - 1}},
    {STR("wrong.py"), STR("x = 1\ndef f(:\n")},
};

static struct env *env;

/* The interpreter; empty (and said) where there is none to be had. */
static struct str python(void)
{
    static const struct env_package polars = {STR("polars"), STR("1.15.0")};
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    char cache[512];
    int r;

    snprintf(cache, sizeof cache, "%s/test-cache",
             os_env("CORRIE_BUILD_ROOT") ? os_env("CORRIE_BUILD_ROOT") : "/tmp/corrie-tests");
    r = env_resolve(
        &(struct env_request){.python = STR("3.11"), .packages = &polars, .n_packages = 1},
        &(struct env_options){.cache_dir = str_of(cache)}, &env, &err);
    if (r == CORRIE_E_NETWORK ||
        (r == CORRIE_E_PROJECT && strstr(corrie_error_message(&err), "not installed here"))) {
        printf("# skipped: %s\n", corrie_error_message(&err));
        return STR_EMPTY;
    }
    ck_assert_msg(r >= 0, "%s", corrie_error_message(&err));
    return str_of(env->python);
}

static void drop_env(void)
{
    env_free(env);
}

static char said[8192];

static void collect(void *arg, const struct worker_event *event)
{
    static const char *const streams[] = {"out", "err", "log", "note"};
    size_t len = strlen(said);

    (void)arg;
    if (event->kind == WORKER_LOG) {
        snprintf(said + len, sizeof said - len, "%s %.*s:%ld %.*s\n", streams[event->stream],
                 STR_FMT(event->file), event->line, STR_FMT(event->text));
    }
}

static int call_with(struct worker_spec spec, const char *function, struct worker_result *ret,
                     corrie_error *err)
{
    said[0] = 0;
    spec.model = spec.function = str_of(function);
    spec.project_dir = STR("/project");
    spec.sources = sources;
    spec.n_sources = ARRAY_LEN(sources);
    spec.file = spec.file.len > 0 ? spec.file : STR("models.py");
    return worker_call(&spec, collect, NULL, NULL, ret, err);
}

/* Fails with that code; the message has `message` in it; the position is file:line ("" = none). */
static void fails(struct worker_spec spec, const char *function, int code, const char *message,
                  const char *file, long line)
{
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    int r = call_with(spec, function, &result, &err);

    ck_assert_msg(r == code, "%s: %s: %s", function, corrie_code_name(r),
                  corrie_error_message(&err));
    ck_assert_msg(strstr(corrie_error_message(&err), message) != NULL, "%s: %s", function,
                  corrie_error_message(&err));
    ck_assert_str_eq(err.position.file ? err.position.file : "", file);
    ck_assert_int_eq(err.position.line, line);
    ck_assert_uint_gt(result.usage.max_rss, 0);
    worker_result_done(&result);
}

static struct arrow_table *succeeds(struct worker_spec spec, const char *function)
{
    struct worker_result result;
    struct arrow_table *table;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(call_with(spec, function, &result, &err), &err);
    ck_ok(exchange_table(result.output, &table, &err), &err);
    ck_assert_int_eq(table->n_rows, exchange_rows(result.output));
    worker_result_done(&result);
    return table;
}

/* price 1 … 3, brand "b", null, "b". */
static struct exchange *make_input(void)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    struct ArrowSchema schema;
    struct arrow_column *columns[2];
    struct arrow_table *table;
    struct ArrowArray array;
    struct exchange *exchange;

    for (int c = 0; c < 2; c++) {
        ArrowSchemaInit(&schema);
        ck_assert_int_eq(
            ArrowSchemaSetType(&schema, c ? NANOARROW_TYPE_STRING : NANOARROW_TYPE_DOUBLE), 0);
        ck_assert_int_eq(ArrowSchemaSetName(&schema, c ? "brand" : "price"), 0);
        ck_assert_int_eq(ArrowArrayInitFromSchema(&array, &schema, NULL), 0);
        ck_assert_int_eq(ArrowArrayStartAppending(&array), 0);
        for (int i = 1; i <= 3; i++) {
            ck_assert_int_eq(c == 0   ? ArrowArrayAppendDouble(&array, i)
                             : i == 2 ? ArrowArrayAppendNull(&array, 1)
                                      : ArrowArrayAppendString(&array, ArrowCharView("b")),
                             0);
        }
        ck_assert_int_eq(ArrowArrayFinishBuildingDefault(&array, NULL), 0);
        ck_ok(arrow_column_new(&schema, &columns[c], &err), &err);
        ck_ok(arrow_column_append(columns[c], &array, &err), &err);
    }
    ck_ok(arrow_table_new(columns, 2, 3, &table, &err), &err);
    ck_ok(exchange_from_table(table, NULL, &exchange, &err), &err);
    arrow_table_unref(table);
    arrow_column_unref(columns[0]);
    arrow_column_unref(columns[1]);
    return exchange;
}

static struct str text_at(const struct arrow_table *table, size_t column, int64_t row)
{
    struct ArrowArrayView view;
    struct ArrowStringView text;

    ck_assert_int_eq(ArrowArrayViewInitFromSchema(&view, &table->columns[column]->schema, NULL), 0);
    ck_assert_int_eq(ArrowArrayViewSetArray(&view, &table->columns[column]->chunks[0], NULL), 0);
    text = ArrowArrayViewGetStringUnsafe(&view, row);
    ArrowArrayViewReset(&view);
    return str_make(text.data, (size_t)text.size_bytes);
}

/* A model like the tutorial's gets its columns and gives its table. */
START_TEST(call_model)
{
    struct str columns[] = {STR("brand"), STR("price")};
    struct worker_input input = {.argument = STR("raw"), .columns = columns, .n_columns = 2};
    struct worker_spec spec = {.python = python(), .inputs = &input, .n_inputs = 1};
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

    if (spec.python.len > 0) {
        input.table = make_input();
        table = succeeds(spec, "clean");
        ck_assert_uint_eq(table->n_columns, 2);
        ck_str_eq(arrow_column_name(table->columns[0]), STR("brand"));
        ck_str_eq(text_at(table, 0, 1), STR("Unknown"));
        ck_assert_int_eq(table->n_rows, 3);
        exchange_unref(input.table);
    }
    drop_env();
}
END_TEST

/* What a function says is shown with the line that said it, whatever wrote it. */
START_TEST(call_output)
{
    _json_ json_t *italy = json_string("Italy");
    struct worker_parameter country = {STR("country"), italy};
    struct worker_spec spec = {.python = python(), .parameters = &country, .n_parameters = 1};
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

    if (spec.python.len > 0) {
        static const char *const lines[] = {
            "out models.py:12 from Italy\n",
            "log models.py:13 careful\n",
            "out helper.py:2 helped\n",
            "out :0 shell\n",
            "out models.py:16 bad \xef\xbf\xbd byte\n",
            "out models.py:17 no end\n",
        };

        table = succeeds(spec, "talks");
        ck_assert_uint_eq(table->n_columns, 2);
        for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
            ck_assert_msg(strstr(said, lines[i]) != NULL, "%s is not in\n%s", lines[i], said);
        }
    }
    drop_env();
}
END_TEST

/* Each way to go wrong is one clear error, at the line of the user's where there is one. */
START_TEST(call_errors)
{
    struct worker_spec spec = {.python = python()};
    struct worker_spec wrong = {.python = spec.python, .file = STR("wrong.py")};

    if (spec.python.len > 0) {
        fails(spec, "raises", CORRIE_E_FAILED, "raises: ZeroDivisionError: division by zero",
              "helper.py", 4);
        fails(spec, "none", CORRIE_E_FAILED, "none returned None: a model returns a table", "", 0);
        fails(spec, "number", CORRIE_E_FAILED,
              "number returned int: a model returns a pyarrow.Table", "", 0);
        fails(spec, "two", CORRIE_E_FAILED, "two returned 2 values", "", 0);
        fails(spec, "twice_a", CORRIE_E_FAILED, "two columns named 'a'", "", 0);
        fails(spec, "exits", CORRIE_E_FAILED, "exits called sys.exit(3)", "models.py", 24);
        fails(spec, "leaves", CORRIE_E_FAILED, "without a result, exit status 0", "", 0);
        fails(spec, "aborts", CORRIE_E_FAILED, "aborts was killed by signal 6, SIGABRT",
              "models.py", 27);
        fails(spec, "killed", CORRIE_E_FAILED, "signal 9, SIGKILL (out of memory?)", "", 0);
        fails(spec, "misses", CORRIE_E_FAILED, "No module named 'nothing'", "models.py", 37);
        fails(spec, "absent", CORRIE_E_PROJECT, "models.py defines no function absent", "", 0);
        fails(wrong, "f", CORRIE_E_PROJECT, "import of wrong.py: SyntaxError", "wrong.py", 2);
        spec.timeout_ms = 1500;
        fails(spec, "hangs", CORRIE_E_TIMEOUT, "hangs took longer than 1.5 s", "", 0);
    }
    drop_env();
}
END_TEST

/* The traceback shows the user's frames and none of ours. */
START_TEST(call_traceback)
{
    struct worker_spec spec = {.python = python()};
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (spec.python.len > 0) {
        ck_assert_int_eq(call_with(spec, "raises", &result, &err), CORRIE_E_FAILED);
        ck_assert_str_eq(err.position.text, "return a / b");
        ck_assert_ptr_nonnull(
            strstr(err.detail, "File \"/project/models.py\", line 21, in raises"));
        ck_assert_ptr_nonnull(strstr(err.detail, "File \"/project/helper.py\", line 4, in divide"));
        ck_assert_ptr_null(strstr(err.detail, "corrie_harness"));
        corrie_error_clear(&err);
        ck_assert_int_eq(call_with(spec, "misses", &result, &err), CORRIE_E_FAILED);
        ck_assert_str_eq(err.hint, "add its package to the function: "
                                   "@corrie.python(pip={'nothing': 'VERSION'})");
    }
    drop_env();
}
END_TEST

/* Layouts that other readers do not know become plain ones; other things that are tables are taken. */
START_TEST(call_shapes)
{
    static const struct {
        const char *function;
        int64_t rows;
        size_t columns;
    } shapes[] = {{"odd_types", 3, 5}, {"lazy", 2, 1},  {"parts", 3, 1},
                  {"wide", 1, 1000},   {"empty", 0, 1}, {"forks", 1, 1}};
    struct worker_spec spec = {.python = python()};

    for (size_t i = 0; spec.python.len > 0 && i < ARRAY_LEN(shapes); i++) {
        _cleanup_(arrow_table_unrefp) struct arrow_table *table =
            succeeds(spec, shapes[i].function);

        ck_assert_int_eq(table->n_rows, shapes[i].rows);
        ck_assert_uint_eq(table->n_columns, shapes[i].columns);
        for (size_t c = 0; i == 0 && c < 3; c++) {
            ck_assert_str_eq(table->columns[c]->schema.format, "u");
            ck_assert_ptr_null(table->columns[c]->schema.dictionary);
        }
    }
    drop_env();
}
END_TEST

/* Expectations: true, false by assertion with its place, and nothing else. */
START_TEST(call_expectation)
{
    struct worker_input input = {.argument = STR("raw"), .all_columns = true};
    struct worker_spec spec = {
        .kind = WORKER_EXPECTATION, .python = python(), .inputs = &input, .n_inputs = 1};
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (spec.python.len > 0) {
        input.table = make_input();
        ck_ok(call_with(spec, "holds", &result, &err), &err);
        ck_assert(result.passed);
        worker_result_done(&result);
        ck_ok(call_with(spec, "broken", &result, &err), &err);
        ck_assert(!result.passed);
        ck_assert_str_eq(result.reason, "models.py:65: four rows");
        worker_result_done(&result);
        fails(spec, "unsure", CORRIE_E_FAILED, "unsure returned int: an expectation returns True",
              "", 0);
        exchange_unref(input.table);
    }
    drop_env();
}
END_TEST

/* A function sees no secret of the shell that started the run. */
START_TEST(call_environment)
{
    struct worker_spec spec = {.python = python()};
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

    if (spec.python.len > 0) {
        setenv("CLOUD_SECRET_KEY", "secret", 1);
        table = succeeds(spec, "environment");
        ck_assert_int_gt(table->n_rows, 3);
        for (int64_t i = 0; i < table->n_rows; i++) {
            ck_assert(!str_eq(text_at(table, 0, i), STR("CLOUD_SECRET_KEY")));
        }
    }
    drop_env();
}
END_TEST

static void *cancel_soon(void *arg)
{
    clock_sleep(400 * 1000000);
    cancel_request(arg);
    return NULL;
}

/* Ctrl-C stops a function that would never end, and what it started. */
START_TEST(call_cancel)
{
    struct cancel cancel = {0};
    struct worker_spec spec = {.model = STR("hangs"),
                               .function = STR("hangs"),
                               .python = python(),
                               .project_dir = STR("/project"),
                               .sources = sources,
                               .n_sources = ARRAY_LEN(sources),
                               .file = STR("models.py")};
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    pthread_t thread;

    if (spec.python.len > 0) {
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
        ck_assert_int_eq(worker_call(&spec, NULL, NULL, &cancel, &result, &err),
                         CORRIE_E_CANCELLED);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    drop_env();
}
END_TEST

/* An interpreter that is not there, or is none. */
START_TEST(call_no_interpreter)
{
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    ck_fails(
        call_with((struct worker_spec){.python = STR("/nowhere/python")}, "none", &result, &err),
        CORRIE_E_NOT_FOUND, &err);
    ck_assert_int_eq(
        call_with((struct worker_spec){.python = STR("/bin/false")}, "none", &result, &err),
        CORRIE_E_FAILED);
    ck_assert_str_eq(corrie_error_message(&err), "none: the interpreter /bin/false did not start");
}
END_TEST

Suite *call_suite(void);
Suite *call_suite(void)
{
    Suite *suite = suite_create("call");
    TCase *tcase = tcase_create("call");

    tcase_set_timeout(tcase, 280); /* the first run may fetch 90 MB */
    tcase_add_test(tcase, call_model);
    tcase_add_test(tcase, call_output);
    tcase_add_test(tcase, call_errors);
    tcase_add_test(tcase, call_traceback);
    tcase_add_test(tcase, call_shapes);
    tcase_add_test(tcase, call_expectation);
    tcase_add_test(tcase, call_environment);
    tcase_add_test(tcase, call_cancel);
    if (!THREAD_SANITIZED) {
        tcase_add_test(tcase, call_no_interpreter);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
