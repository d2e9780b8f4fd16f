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
    "def unsure(raw=None): return 1\n"
    "def counts(raw=None):\n"
    "    import pyarrow.compute as pc\n"
    "    return pc.equal(raw.num_rows, 3)\n"
    "def series():\n"
    "    import polars as pl\n"
    "    return pl.Series('a', [1])\n"
    "def column():\n"
    "    import pyarrow as pa\n"
    "    return pa.chunked_array([[1, 2]])\n"
    "def mapping(): return {'a': [1]}\n"
    "def numbers(): return [1, 2]\n"
    "def records_apart(): return [{'a': 1}, {'a': 'x'}]\n"
    "def no_records(): return []\n"
    "def no_columns():\n"
    "    import pyarrow as pa\n"
    "    return pa.table({})\n"
    "def no_parts():\n"
    "    yield from []\n"
    "def parts_apart():\n"
    "    yield [{'a': 1}]\n"
    "    yield [{'b': 1}]\n"
    "def parts_of_kinds():\n"
    "    yield [{'a': 1}]\n"
    "    yield [{'a': '2'}]\n"
    "def parts_raise():\n"
    "    yield [{'a': 1}]\n"
    "    raise ValueError('no more')\n" /* 93 */
    "def parts_of_nothing():\n"
    "    yield [{'a': 1}]\n"
    "    yield 7\n"
    "def parts_grow():\n"
    "    import polars as pl, pyarrow as pa\n"
    "    yield [{'a': None, 'b': 'x'}]\n"
    "    yield pl.DataFrame({'b': ['y'], 'a': [2]})\n"
    "    yield pa.table({'a': pa.array([3], pa.int32()), 'b': pa.array(['z']).dictionary_encode()})\n"
    "def tiny_parts():\n"
    "    import pyarrow as pa\n"
    "    for i in range(5000):\n"
    "        yield pa.record_batch({'i': [i], 's': [str(i)]})\n"
    "def reader():\n"
    "    import pyarrow as pa\n"
    "    table = pa.table({'a': range(10), 'v': pa.array(['x'] * 10).cast(pa.string_view())})\n"
    "    return table.to_reader(max_chunksize=3)\n"
    "class Capsule:\n"
    "    def __arrow_c_stream__(self, requested_schema=None):\n"
    "        import pyarrow as pa\n"
    "        return pa.table({'a': [1, 2]}).__arrow_c_stream__(requested_schema)\n"
    "def capsule(): return Capsule()\n"
    "def nested():\n"
    "    import pyarrow as pa\n"
    "    word = pa.array(['x', 'x', 'y']).dictionary_encode()\n"
    "    pairs = pa.StructArray.from_arrays([word, pa.array([1, 2, 3])], names=['w', 'n'])\n"
    "    lists = pa.ListArray.from_arrays([0, 2, 3], pairs)\n"
    "    maps = pa.array([[('k', [1.5])], []], pa.map_(pa.string(), pa.list_(pa.float64())))\n"
    "    return pa.table({'lists': lists, 'maps': maps, 'word': word.slice(0, 2)})\n"
    "def very_wide():\n"
    "    import pyarrow as pa\n"
    "    return pa.table({f'column_{i}': [i, i] for i in range(5000)})\n"
    "def floods():\n"
    "    line = 'x' * 999\n"
    "    for i in range(100_000):\n"
    "        print(line)\n"
    "    os.write(1, b'raw \\xff\\xfe\\n')\n"
    "    return [{'a': 1}]\n"
    "def crashes():\n"
    "    import ctypes\n"
    "    ctypes.string_at(0)\n" /* 133 */
    "def leaves_threads():\n"
    "    import threading, time\n"
    "    threading.Thread(target=time.sleep, args=(1000,)).start()\n"
    "    return [{'a': 1}]\n"
    "def leaves_children():\n"
    "    import subprocess\n"
    "    return [{'pid': subprocess.Popen(['sleep', '1000']).pid}]\n"
    "def client():\n"
    "    from bauplan import Client\n"
    "    return Client()\n" /* 143 */
    "def submodule():\n"
    "    import bauplan.exceptions\n" /* 145 */
    "def checks(raw=None):\n"
    "    import bauplan.standard_expectations\n"
    "    from corrie.standard_expectations import expect_column_mean_greater_than\n"
    "    return (expect_column_mean_greater_than(raw, 'price', 1.9) and\n"
    "            bauplan.standard_expectations.expect_column_some_null(raw, 'brand'))\n"
    "def both(): return {'more': [{'a': 1}]}\n"
    "def several():\n"
    "    import pyarrow as pa\n"
    "    return {'second': pa.table({f'c{i}': [1, 2, 3] for i in range(300)}), 'first': [{'a': 'x'}],\n"
    "            'third': pa.table({'b': [2.5]})}\n"
    "def long_stream():\n"
    "    import pyarrow as pa\n"
    "    for i in range(30):\n"
    "        zeros = pa.Array.from_buffers(pa.int64(), 2 << 20, [None, pa.py_buffer(bytes(16 << 20))])\n"
    "        yield pa.table({'x': zeros})\n"
    "def last_words():\n"
    "    import ctypes\n"
    "    for i in range(1500):\n"
    "        print('x' * 999)\n"
    "    print('LAST WORDS')\n"
    "    ctypes.string_at(0)\n"
    "def forked_words():\n"
    "    print('half', end='')\n"
    "    if os.fork() == 0:\n"
    "        print('of a child')\n"
    "        sys.stdout.write('its end')\n"
    "        sys.stdout.flush()\n"
    "        os._exit(0)\n"
    "    os.wait()\n"
    "    print(' said')\n"
    "    for i in range(20):\n"
    "        if os.fork() == 0:\n"
    "            while True: print('still here')\n"
    "    import threading\n"
    "    def talk():\n"
    "        while True: print('a thread')\n"
    "    threading.Thread(target=talk).start()\n"
    "    return [{'a': 1}]\n"
    "def parts_nested():\n"
    "    yield [{'l': [], 's': {'x': None, 'y': [{'z': 1}]}}]\n"
    "    yield [{'l': ['a'], 's': {'y': [{'z': 2}], 'x': 'b'}}]\n"
    "    yield [{'l': None, 's': None}]\n"
    "def parts_more_fields():\n"
    "    yield [{'s': [{'x': 1}]}]\n"
    "    yield [{'s': [{'x': 1, 'y': 2}]}]\n"
    "def parts_other_fields():\n"
    "    yield [{'s': {'x': 1}}]\n"
    "    yield [{'s': {'z': 1}}]\n"
    "def parts_of_deep_kinds():\n"
    "    yield [{'s': [1]}]\n"
    "    yield [{'s': ['12']}]\n"
    "def looks(raw=None):\n"
    "    kind = type(raw).__name__\n"
    "    return [{'kind': kind, 'rows': len(raw.collect() if kind == 'LazyFrame' else\n"
    "             raw.read_all() if kind == 'RecordBatchReader' else raw)}]\n"
    "def clashes():\n"
    "    import_pandas = 'numpy.dtype size changed, may indicate binary incompatibility'\n"
    "    raise ValueError(import_pandas)\n";

static const char helper[] = "def say(text):\n"
                             "    print(text)\n" /* helper.py:2 */
                             "def divide(a, b):\n"
                             "    return a / b\n"; /* helper.py:4 */

#define LONG_NAME                                                                                   \
    "a_module_whose_name_is_as_long_as_a_file_system_lets_it_be_so_that_each_line_which_it_prints_" \
    "is_sent_with_a_place_that_takes_more_room_than_the_line_itself_and_a_bundle_of_a_thousand_of_" \
    "them_would_not_fit"

static const struct worker_source sources[] = {
    {STR(LONG_NAME ".py"), STR("def f():\n"
                               "    for i in range(1200): print('x' * 999)\n"
                               "    for i in range(5000): print()\n"
                               "    return [{'a': 1}]\n")},
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
        ck_skip(corrie_error_message(&err));
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
static bool said_last_words; /* wherever it was in the output */

static void collect(void *arg, const struct worker_event *event)
{
    static const char *const streams[] = {"out", "err", "log", "note"};
    size_t len = strlen(said);

    (void)arg;
    if (event->kind == WORKER_LOG) {
        said_last_words = said_last_words || str_eq(event->text, STR("LAST WORDS"));
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

/* A harness that was compiled before is what runs; one by another version of Python is left, and its texts compiled. */
START_TEST(call_compiled)
{
    static const char message[] = "a model returns a table";
    struct worker_spec spec = {.python = python()};
    _cleanup_(buf_done) struct buf harness = {0};
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (spec.python.len > 0) {
        _free_ char *interpreter = str_dup(spec.python);
        size_t changed = 0;

        ck_assert_ptr_nonnull(interpreter);
        ck_ok(worker_compile_harness(interpreter, NULL, &harness, &err), &err);
        for (size_t i = 0; i + sizeof message <= harness.len; i++) {
            if (memcmp(harness.data + i, message, sizeof message - 1) == 0) {
                harness.data[i] = 'A';
                changed++;
            }
        }
        ck_assert_uint_gt(changed, 0);
        spec.harness = buf_str(&harness);
        fails(spec, "none", CORRIE_E_FAILED, "none returned None: A model returns a table", "", 0);
        harness.data[0] ^= 1;
        fails(spec, "none", CORRIE_E_FAILED, "none returned None: a model returns a table", "", 0);
        ck_assert_int_eq(worker_compile_harness("/usr/bin/false", NULL, &harness, &err),
                         CORRIE_E_FAILED);
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
        fails(spec, "crashes", CORRIE_E_FAILED, "crashes was killed by signal 11, SIGSEGV",
              "models.py", 133);
        fails(spec, "client", CORRIE_E_FAILED,
              "RuntimeError: bauplan.Client is not to be had inside a function", "models.py", 143);
        fails(spec, "submodule", CORRIE_E_FAILED,
              "there is no bauplan.exceptions inside a function", "models.py", 145);
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
        corrie_error_clear(&err);
        spec.packages = STR("numpy==2.4.6\npandas==1.5.3\n");
        ck_assert_int_eq(call_with(spec, "clashes", &result, &err), CORRIE_E_FAILED);
        ck_assert_ptr_nonnull(strstr(err.hint, "'numpy': '<2', 'pandas': '1.5.3'"));
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
    } shapes[] = {{"odd_types", 3, 5},   {"lazy", 2, 1},         {"parts", 3, 1},
                  {"wide", 1, 1000},     {"empty", 0, 1},        {"forks", 1, 1},
                  {"parts_grow", 3, 2},  {"parts_nested", 3, 2}, {"tiny_parts", 5000, 2},
                  {"reader", 10, 2},     {"capsule", 2, 1},      {"nested", 2, 3},
                  {"very_wide", 2, 5000}};
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

/* What is no table is named; pieces of one that do not go together too. */
START_TEST(call_no_table)
{
    static const struct {
        const char *function;
        const char *message;
        long line;
    } cases[] = {
        {"series", "series returned polars.Series: a model returns a pyarrow.Table", 0},
        {"column", "column returned pyarrow.ChunkedArray", 0},
        {"mapping", "mapping returned dict", 0},
        {"numbers", "numbers returned a list whose item 0 is int, not a dict", 0},
        {"records_apart", "returned dicts whose values of 'a' do not go together", 0},
        {"no_records", "no_records returned an empty list, which has no columns", 0},
        {"no_columns", "no_columns returned a table without columns", 0},
        {"no_parts", "no_parts is a generator that yielded nothing", 0},
        {"parts_apart", "yielded tables with different columns: number 2 has b; the first had a",
         0},
        {"parts_of_kinds", "column 'a' of number 2 is string, before it was int64", 0},
        {"parts_more_fields",
         "column 's' of number 2 is list<item: struct<x: int64, y: int64>>, before it was", 0},
        {"parts_other_fields", "number 2 is struct<z: int64>, before it was struct<x: int64>", 0},
        {"parts_of_deep_kinds", "number 2 is list<item: string>, before it was list<item: int64>",
         0},
        {"parts_of_nothing", "yielded int: a model returns", 0},
        {"parts_raise", "parts_raise: ValueError: no more", 93},
    };
    struct worker_spec spec = {.python = python()};

    for (size_t i = 0; spec.python.len > 0 && i < ARRAY_LEN(cases); i++) {
        fails(spec, cases[i].function, CORRIE_E_FAILED, cases[i].message,
              cases[i].line ? "models.py" : "", cases[i].line);
    }
    drop_env();
}
END_TEST

/* A model of several tables returns each of them, by name. */
START_TEST(call_outputs)
{
    struct str names[] = {STR("first"), STR("second"), STR("third")};
    struct worker_spec spec = {.python = python(), .outputs = names, .n_outputs = 3};
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (spec.python.len > 0) {
        static const size_t columns[] = {1, 300, 1};
        static const int64_t rows[] = {1, 3, 1};

        ck_ok(call_with(spec, "several", &result, &err), &err);
        ck_assert_uint_eq(result.n_outputs, 3);
        ck_assert_ptr_null(result.output);
        for (size_t i = 0; i < 3; i++) {
            _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

            ck_ok(exchange_table(result.outputs[i], &table, &err), &err);
            ck_assert_uint_eq(table->n_columns, columns[i]);
            ck_assert_int_eq(table->n_rows, rows[i]);
        }
        worker_result_done(&result);
        fails(spec, "number", CORRIE_E_FAILED, "number returned int: a model of several tables", "",
              0);
        fails(spec, "both", CORRIE_E_FAILED,
              "both returned a dict without 'first', 'second', 'third'", "", 0);
        spec.n_outputs = 2;
        fails(spec, "several", CORRIE_E_FAILED, "a dict with 'third', which it does not declare",
              "", 0);
    }
    drop_env();
}
END_TEST

/* A function gets its input as its annotation asks for it, or is told which package that needs. */
START_TEST(call_forms)
{
    static const struct {
        enum worker_form form;
        const char *kind;
    } forms[] = {{WORKER_ARROW_TABLE, "Table"},
                 {WORKER_ARROW_READER, "RecordBatchReader"},
                 {WORKER_POLARS, "DataFrame"},
                 {WORKER_POLARS_LAZY, "LazyFrame"}};
    struct worker_input input = {.argument = STR("raw"), .all_columns = true};
    struct worker_spec spec = {.python = python(), .inputs = &input, .n_inputs = 1};

    if (spec.python.len > 0) {
        input.table = make_input();
        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
            _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;

            input.form = forms[i].form;
            table = succeeds(spec, "looks");
            ck_str_eq(text_at(table, 0, 0), str_of(forms[i].kind));
        }
        input.form = WORKER_PANDAS;
        fails(spec, "looks", CORRIE_E_FAILED,
              "looks wants its input raw as pandas.DataFrame, but pandas is not among its packages",
              "", 0);
        input.form = WORKER_DUCKDB;
        fails(spec, "looks", CORRIE_E_FAILED, "but duckdb is not among its packages", "", 0);
        exchange_unref(input.table);
    }
    drop_env();
}
END_TEST

/* 100 MB of output neither stop a function nor fill anybody's memory; bytes that are no text are shown as such. */
START_TEST(call_floods)
{
    struct worker_spec spec = {.python = python()};
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (spec.python.len > 0) {
        ck_ok(call_with(spec, "floods", &result, &err), &err);
        ck_assert_uint_ge(result.usage.output_bytes, 99900000);
        ck_assert_uint_gt(result.usage.dropped_bytes, 90000000);
        ck_assert_int_eq(exchange_rows(result.output), 1);
        worker_result_done(&result);
    }
    drop_env();
}
END_TEST

/* The last words before a crash are not lost, however much was said before them; and no name of a file makes a line
 * that cannot be sent. */
START_TEST(call_last_words)
{
    struct worker_spec spec = {.python = python()};
    struct worker_spec named = {.python = spec.python, .file = STR(LONG_NAME ".py")};

    if (spec.python.len > 0) {
        fails(spec, "last_words", CORRIE_E_FAILED, "killed by signal 11", "models.py", 166);
        ck_assert(said_last_words);
        arrow_table_unref(succeeds(named, "f"));
    }
    drop_env();
}
END_TEST

/* Children that a function forked, and threads, may print whenever they like: it harms no call, is not told twice, and
 * what they say is shown. */
START_TEST(call_forked_words)
{
    struct worker_spec spec = {.python = python()};

    for (int i = 0; spec.python.len > 0 && i < 3; i++) {
        arrow_table_unref(succeeds(spec, "forked_words"));
        ck_assert_ptr_nonnull(strstr(said, "out :0 of a child\n"));
        ck_assert_ptr_nonnull(strstr(said, "out :0 its end\n"));
        ck_assert_ptr_nonnull(strstr(said, " half said\n"));
    }
    drop_env();
}
END_TEST

/* A table that is larger than what the function's process may take comes out whole, if it comes in pieces. */
START_TEST(call_long_stream)
{
    struct worker_spec spec = {.python = python()};
    struct worker_result result;
    _error_ corrie_error err = CORRIE_ERROR_INIT;

    if (spec.python.len > 0) {
        ck_ok(call_with(spec, "long_stream", &result, &err), &err);
        ck_assert_int_eq(exchange_rows(result.output), 30 * (2 << 20));
        ck_assert_uint_ge(exchange_bytes(result.output), 30u * (16 << 20));
        ck_assert_uint_lt(result.usage.max_rss, 20u * (16 << 20));
        worker_result_done(&result);
    }
    drop_env();
}
END_TEST

/* Whether the process has ended, or waits only to be reaped by whoever inherited it. */
static bool has_ended(int64_t pid)
{
    char path[64], text[512] = {0};
    const char *state;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    file = fopen(path, "r");
    if (!file) {
        return true;
    }
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    state = strrchr(text, ')');
    return state && (state[2] == 'Z' || state[2] == 'X');
}

/* It was killed: what is left is the machine's to do, which may have other things to do first. */
static bool is_gone(int64_t pid)
{
    for (int i = 0; i < 1000 && !has_ended(pid); i++) {
        clock_sleep(10 * 1000000);
    }
    return has_ended(pid);
}

/* Threads and children that a function leaves do not outlive it, and nobody waits for them. */
START_TEST(call_leftovers)
{
    struct worker_spec spec = {.python = python(), .timeout_ms = 60000};
    struct arrow_table *table;
    struct ArrowArrayView view;
    int64_t pid;

    if (spec.python.len > 0) {
        table = succeeds(spec, "leaves_threads");
        arrow_table_unref(table);
        table = succeeds(spec, "leaves_children");
        ck_assert_int_eq(ArrowArrayViewInitFromSchema(&view, &table->columns[0]->schema, NULL), 0);
        ck_assert_int_eq(ArrowArrayViewSetArray(&view, &table->columns[0]->chunks[0], NULL), 0);
        pid = ArrowArrayViewGetIntUnsafe(&view, 0);
        ck_assert_int_gt(pid, 1);
        ck_assert(is_gone(pid));
        ArrowArrayViewReset(&view);
        arrow_table_unref(table);
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
        fails(spec, "counts", CORRIE_E_FAILED,
              "counts returned pyarrow.BooleanScalar: an expectation "
              "returns True or False: call its .as_py()",
              "", 0);
        ck_ok(call_with(spec, "checks", &result, &err), &err);
        ck_assert(result.passed);
        worker_result_done(&result);
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
    tcase_add_test(tcase, call_compiled);
    tcase_add_test(tcase, call_output);
    tcase_add_test(tcase, call_errors);
    tcase_add_test(tcase, call_traceback);
    tcase_add_test(tcase, call_shapes);
    tcase_add_test(tcase, call_no_table);
    tcase_add_test(tcase, call_outputs);
    tcase_add_test(tcase, call_forms);
    tcase_add_test(tcase, call_floods);
    tcase_add_test(tcase, call_last_words);
    tcase_add_test(tcase, call_forked_words);
    tcase_add_test(tcase, call_long_stream);
    tcase_add_test(tcase, call_leftovers);
    tcase_add_test(tcase, call_expectation);
    tcase_add_test(tcase, call_environment);
    tcase_add_test(tcase, call_cancel);
    if (!THREAD_SANITIZED) {
        tcase_add_test(tcase, call_no_interpreter);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
