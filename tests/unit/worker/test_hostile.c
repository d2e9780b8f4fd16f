#include "tests/unit/check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/dir.h"
#include "os/user.h"
#include "worker/worker.h"

enum { ENOUGH = 1000 };

static int64_t lines;
static struct cancel *stop_at_enough; /* or NULL */

static void count(void *arg, const struct worker_event *event)
{
    (void)arg;
    lines += event->kind == WORKER_LOG;
    if (stop_at_enough && lines == ENOUGH) {
        cancel_request(stop_at_enough);
    }
}

/* Runs this program as hostile-MODE in place of an interpreter. */
static int attack(const char *mode, int64_t timeout_ms, struct worker_result *ret,
                  corrie_error *err)
{
    _free_ char *dir = NULL, *self = NULL;
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct worker_source source = {STR("models.py"), STR("pass\n")};
    char path[512];
    int r;

    ck_ok(os_temp_dir("corrie-test", &dir, err), err);
    ck_ok(os_executable(&self, err), err);
    snprintf(path, sizeof path, "%s/hostile-%s", dir, mode);
    ck_assert_int_eq(symlink(self, path), 0);
    lines = 0;
    r = worker_call(&(struct worker_spec){.model = STR("clean"),
                                          .python = str_of(path),
                                          .project_dir = STR("/project"),
                                          .sources = &source,
                                          .n_sources = 1,
                                          .file = STR("models.py"),
                                          .function = STR("clean"),
                                          .timeout_ms = timeout_ms},
                    count, NULL, stop_at_enough, ret, err);
    ck_ok(os_tree_remove(dir, &ignored), &ignored);
    return r;
}

static void expect(const char *mode, int64_t timeout_ms, int code, const char *message)
{
    struct worker_result result;
    corrie_error err = CORRIE_ERROR_INIT;
    int r = attack(mode, timeout_ms, &result, &err);

    ck_assert_msg(r == code, "%s: %s: %s", mode, corrie_code_name(r), corrie_error_message(&err));
    ck_assert_msg(strstr(corrie_error_message(&err), message) != NULL, "%s: %s", mode,
                  corrie_error_message(&err));
    ck_assert_ptr_null(result.output);
    worker_result_done(&result);
    corrie_error_clear(&err);
}

/* Whatever a function's process sends, the run ends with one error that names the function, and goes on. */
START_TEST(hostile_messages)
{
    expect("garbage", 0, CORRIE_E_FAILED,
           "clean broke its connection to corrie: malformed message");
    expect("binary", 0, CORRIE_E_FAILED, "malformed message: no JSON");
    expect("too-long", 0, CORRIE_E_FAILED, "clean broke its connection");
    expect("order", 0, CORRIE_E_FAILED, "wrong moment");
    expect("many-files", 0, CORRIE_E_FAILED, "more columns or files than allowed");
    expect("twice", 0, CORRIE_E_FAILED, "clean: E: m"); /* what it says first */
}
END_TEST

/* A descriptor that is no sealed memory file would let the function change a table after it was checked, block
 * corrie, or kill it by a bus error. */
START_TEST(hostile_files)
{
    expect("pipe", 0, CORRIE_E_FAILED, "result of clean: seal a memory file");
    expect("file", 0, CORRIE_E_FAILED, "result of clean: seal a memory file");
    expect("huge", 0, CORRIE_E_LIMIT, "result of clean: a memory file of");
    expect("mapped", 0, CORRIE_E_FAILED, "mapped for writing");
}
END_TEST

/* Junk in a proper file is found when it is looked into, before any of it is used. */
START_TEST(hostile_junk)
{
    struct worker_result result;
    struct arrow_table *table;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(attack("junk", 0, &result, &err), &err);
    ck_assert_int_eq(exchange_rows(result.output), 1);
    ck_fails(exchange_table(result.output, &table, &err), CORRIE_E_DATA, &err);
    worker_result_done(&result);
}
END_TEST

/* What is still written when the last word is said does a good call no harm. */
START_TEST(hostile_speaks_on)
{
    struct worker_result result;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_ok(attack("speaks-on", 0, &result, &err), &err);
    ck_assert_int_eq(exchange_rows(result.output), 1);
    worker_result_done(&result);
}
END_TEST

/* However many write, wherever to: a call ends when its time is up, or when its process has ended. The writers last
 * longer than this test may; were they waited for, so would the call. */
START_TEST(hostile_writers)
{
    expect("flood-sockets", 500, CORRIE_E_TIMEOUT, "clean took longer than 0.5 s");
    expect("flood-pipes", 500, CORRIE_E_TIMEOUT, "clean took longer than 0.5 s");
    expect("flood-after", 0, CORRIE_E_FAILED, "exit status 5");
}
END_TEST

/* A run never hangs on a function that will not end. */
START_TEST(hostile_endless)
{
    struct cancel cancel = {0};

    stop_at_enough = &cancel;
    expect("flood", 0, CORRIE_E_CANCELLED, "");
    ck_assert_int_ge(lines, ENOUGH);
    stop_at_enough = NULL;
    expect("flood", 1000, CORRIE_E_TIMEOUT, "clean took longer than 1 s");
    ck_assert_int_lt(lines, 400000); /* the rest was left out */
    expect("deaf", 300, CORRIE_E_TIMEOUT, "clean took longer than 0.3 s");
    expect("closes", 0, CORRIE_E_FAILED, "clean closed its connection to corrie");
    expect("lingers", 0, CORRIE_E_FAILED, "clean: E: m");
    expect("orphan", 0, CORRIE_E_FAILED, "exit status 5");
    ck_assert_int_eq(lines, 1);
}
END_TEST

/* Places that are no files of the project are not shown as such. */
START_TEST(hostile_places)
{
    struct worker_result result;
    corrie_error err = CORRIE_ERROR_INIT;

    ck_assert_int_eq(attack("lingers", 0, &result, &err), CORRIE_E_FAILED);
    ck_assert_ptr_null(err.position.file);
    worker_result_done(&result);
    corrie_error_clear(&err);
}
END_TEST

SUITE(hostile_suite, "hostile", hostile_messages, hostile_files, hostile_junk, hostile_endless,
      hostile_writers, hostile_speaks_on, hostile_places)
