/* Whether the preload library tells the truth. If it kept what a power cut takes away, every durability test
 * above it would pass for nothing; if it took away what was fsynced, they would fail for nothing.
 *
 * A script for victim.c is text, words divided by single spaces; "|" divides what is there before from what
 * happens under the library. */
#include <signal.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/vec.h"
#include "os/fault.h"
#include "os/memfd.h"
#include "os/proc.h"
#include "os/user.h"
#include "tests/unit/os/scratch.h"

#define MAX_WORDS 120

/* Runs the victim with the words of `script` in `directory`, under `spec` (NULL: without the library). */
static struct os_exit run_victim(const char *directory, struct str script, const char *spec,
                                 struct buf *out)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf errors = {0};
    const char *argv[MAX_WORDS] = {"victim"};
    const char *env[8] = {"PATH=/usr/bin:/bin"};
    struct os_spawn spawn = {
        .program = os_env("CORRIE_FAULT_VICTIM"), .argv = argv, .env = env, .cwd = directory};
    struct os_exit end;
    size_t n_env = 1;
    struct str word;

    ck_assert_ptr_nonnull(spawn.program);
    for (size_t n = 1; script.len > 0; n++) {
        ck_assert_uint_lt(n, MAX_WORDS - 1);
        str_cut(script, ' ', &word, &script);
        argv[n] = arena_text(&arena, word);
    }
    if (os_env("CORRIE_DUCKDB")) {
        env[n_env++] = arena_printf(&arena, "CORRIE_DUCKDB=%s", os_env("CORRIE_DUCKDB"));
    }
    if (spec) {
        env[n_env++] = arena_printf(&arena, "LD_PRELOAD=%s", os_env("CORRIE_FAULT_LIBRARY"));
        env[n_env++] = arena_printf(&arena, "CORRIE_FAULT=root=%s,%s", directory, spec);
        env[n_env++] = "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0";
    }
    ck_ok(os_run(&spawn, 60000, NULL, out, &errors, &end, &err), &err);
    if (end.status > 0 && !spec) {
        ck_abort_msg("the victim failed: %s", buf_text(&errors));
    }
    return end;
}

/* "a=text b/=  c/d=…": all that is in the directory, in order. */
static void describe(const char *path, const char *shown, struct buf *out)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    struct os_entry *entries;
    size_t n;

    ck_ok(os_dir_list(path, &arena, &entries, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        _free_ char *below = in(path, entries[i].name.data);
        const char *name = arena_printf(&arena, "%s%s", shown, entries[i].name.data);

        if (entries[i].kind == OS_DIRECTORY) {
            const char *inside = arena_printf(&arena, "%s/", name);

            buf_addf(out, "%s ", inside);
            describe(below, inside, out);
        } else {
            buf_addf(out, "%s=", name);
            ck_ok(os_file_read(below, 1 << 20, out, &err), &err);
            buf_add_char(out, ' ');
        }
    }
}

static const struct {
    const char *script;
    const char *left; /* after a power cut at the end of the program */
} cases[] = {
    /* contents */
    {"write a x", ""},
    {"write a x sync a", ""},    /* the file, but not its name */
    {"write a x sync .", "a= "}, /* the name, but not its bytes */
    {"write a x sync a sync .", "a=x "},
    {"write a x sync a sync . append a y", "a=x "},
    {"write a x sync a sync . append a y sync a", "a=xy "},
    {"write a 0123456789 | pwrite a 3 xyz", "a=0123456789 "},
    {"write a 0123456789 | pwrite a 3 xyz pwrite a 4 Q sync a pwrite a 5 R", "a=012xQz6789 "},
    {"write a 0123456789 | pwrite a 8 xyz", "a=0123456789 "},
    {"write a 0123456789 | truncate a 4", "a=0123456789 "},
    {"write a 0123456789 | truncate a 4 sync a", "a=0123 "},
    {"write a 0123456789 | truncate a 4 append a xyz truncate a 2 append a q", "a=0123456789 "},
    {"write a old | write a newer", "a=old "},
    {"write a old | write a newer sync a", "a=newer "},
    {"write a old | write a newer sync a write a third", "a=newer "},
    /* names */
    {"write a x | unlink a", "a=x "},
    {"write a x | unlink a sync .", ""},
    {"write a x | append a y unlink a", "a=x "},
    {"write a x | unlink a write a y sync a", "a=x "},
    {"write a x | unlink a write a y sync a sync .", "a=y "},
    {"write a x | rename a b", "a=x "},
    {"write a x | rename a b sync .", "b=x "},
    {"write a x write b y | rename a b", "a=x b=y "},
    {"write a x write b y | rename a b sync .", "b=x "},
    {"write b old | write t new sync t rename t b", "b=old "},
    {"write b old | write t new rename t b sync .", "b= "}, /* forgot to fsync the file: empty */
    {"write b old | write t new sync t rename t b sync .", "b=new "},
    {"write a 1 write b 2 | rename a c rename b a rename c b", "a=1 b=2 "},
    {"write a 1 write b 2 | rename a c rename b a sync . rename c b", "a=2 c=1 "},
    {"write a x | link a b", "a=x "},
    {"write a x | link a b sync .", "a=x b=x "},
    {"write a x | link a b append b y unlink a", "a=x "},
    /* b may get the number of a, which is gone for good */
    {"write a 0123456789 | append a x unlink a sync . write b yz sync .", "b= "},
    /* directories */
    {"mkdir d", ""},
    {"mkdir d sync .", "d/ "},
    {"mkdir d write d/a x sync d/a sync d", ""},
    {"mkdir d write d/a x sync d/a sync d sync .", "d/ d/a=x "},
    {"mkdir d sync . write d/a x sync d/a", "d/ "},
    {"mkdir d write d/a x | unlink d/a rmdir d", "d/ d/a=x "},
    {"mkdir d write d/a x | unlink d/a sync d rmdir d", "d/ "},
    {"mkdir d write d/a x | unlink d/a rmdir d sync .", ""},
    {"mkdir d write d/a x | rename d e", "d/ d/a=x "},
    {"mkdir d write d/a x | append d/a y rename d e sync .", "e/ e/a=x "},
    {"mkdir d write d/a x | rename d e write e/b z sync e/b sync e", "d/ d/a=x d/b=z "},
    {"mkdir d mkdir e write d/a x | rename d/a e/a", "d/ d/a=x e/ "},
    {"mkdir d mkdir e write d/a x | rename d/a e/a sync d", "d/ d/a=x e/ "},
    {"mkdir d mkdir e write d/a x | rename d/a e/a sync e", "d/ e/ e/a=x "},
    {"mkdir d mkdir e | write d/a x sync d/a rename d/a e/a sync e", "d/ e/ e/a=x "},
    /* SQLite's index of the WAL is mapped memory */
    {"write x-shm m write y n | append y o", "y=n "},
    /* ours: what reports success survives */
    {"mkdirs d/e/f", "d/ d/e/ d/e/f/ "},
    {"replace a x", "a=x "},
    {"write a old | replace a new", "a=new "},
    {"create a x", "a=x "},
    {"store-put d/e/a x", "d/ d/e/ d/e/a=x "},
    {"store-put-before d/a x", "d/ "},
    {"store-put-before d/a x store-put d/b y", "d/ d/a=x d/b=y "},
    {"write a x | store-delete a", ""},
    {"mkdirs d write d/a x store-sync d/a", "d/ d/a=x "},
    /* mkdir by a process that never made it durable: whoever puts next does */
    {"mkdir d mkdir d/e store-put d/e/a x", "d/ d/e/ d/e/a=x "},
};

START_TEST(keeps_what_was_synced_and_nothing_else)
{
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf left = {0};
    _cleanup_(buf_done) struct buf beside = {0};
    struct str whole = str_of(cases[_i].script);
    struct str before = STR_EMPTY;
    struct str script = whole;
    ptrdiff_t bar = str_find(whole, '|');
    struct os_exit end;

    ck_ok(os_dir_make(root, 0777, &err), &err);
    if (bar >= 0) {
        before = str_trim(str_slice(whole, 0, (size_t)bar));
        script = str_trim(str_from(whole, (size_t)bar + 1));
        ck_assert_int_eq(run_victim(root, before, NULL, NULL).status, 0);
    }
    end = run_victim(root, script, "cut=exit", NULL);
    ck_assert_msg(end.status == 0, "the victim of \"%s\" ended with %d", cases[_i].script,
                  end.status);
    describe(root, "", &left);
    ck_assert_msg(strcmp(buf_text(&left), cases[_i].left) == 0,
                  "after \"%s\" there is \"%s\", expected \"%s\"", cases[_i].script,
                  buf_text(&left), cases[_i].left);
    describe(scratch, "", &beside);
    ck_assert_msg(strncmp(buf_text(&beside), "root/ ", 6) == 0 &&
                      !strstr(buf_text(&beside), "fault"),
                  "left beside the root: %s", buf_text(&beside));
}
END_TEST

/* The same scripts cut at each k-th operation by `cut`: ours are the old or the new at each of them. */
START_TEST(our_writes_are_old_or_new_at_every_cut)
{
    static const struct {
        const char *before, *script;
        const char *allowed[3]; /* first: the old; last non-NULL: the new */
    } table[] = {
        {"write a old", "replace a new", {"a=old ", "a=new "}},
        {"write x y", "create a new", {"x=y ", "a=new x=y "}},
        {"write a old", "store-put a new", {"a=old ", "a=new "}},
        {"write a old", "store-delete a", {"a=old ", ""}},
    };
    int cuts = 0;

    for (size_t t = 0; t < ARRAY_LEN(table); t++) {
        bool finished = false;

        for (int k = 1; !finished; k++) {
            for (int seed = 0; seed < 4; seed++) {
                _error_ corrie_error err = CORRIE_ERROR_INIT;
                _cleanup_(arena_done) struct arena arena = {0};
                _scratch_ char *scratch = scratch_new();
                _free_ char *root = in(scratch, "root");
                _cleanup_(buf_done) struct buf left = {0};
                _cleanup_(buf_done) struct buf told = {0};
                const char *expected;
                struct os_exit end;
                bool fine;

                ck_ok(os_dir_make(root, 0777, &err), &err);
                run_victim(root, str_of(table[t].before), NULL, NULL);
                end = run_victim(root, str_of(arena_printf(&arena, "%s ack done", table[t].script)),
                                 arena_printf(&arena, "op=any,at=%d,cut,seed=%d", k, seed), &told);
                describe(root, "", &left);
                finished = end.status == 0;
                ck_assert(finished || end.signal == SIGKILL);
                cuts += !finished;
                /* a temporary file may be there: by itself it is nothing */
                {
                    char *temp = left.data ? strstr(left.data, OS_TEMP_PREFIX) : NULL;

                    if (temp) {
                        char *next = strchr(temp, ' ');

                        memmove(temp, next + 1, strlen(next + 1) + 1);
                    }
                }
                fine = strcmp(buf_text(&left), table[t].allowed[1]) == 0;
                if (told.len == 0) {
                    fine = fine || strcmp(buf_text(&left), table[t].allowed[0]) == 0;
                }
                expected = table[t].allowed[told.len > 0];
                ck_assert_msg(fine, "\"%s\" cut at %d, seed %d: \"%s\" (\"%s\" or so expected)",
                              table[t].script, k, seed, buf_text(&left), expected);
            }
        }
    }
    ck_assert_int_ge(cuts, 4 * 4 * 3);
}
END_TEST

static int64_t counted(const char *root, const char *script, const char *ops)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf report = {0};
    _free_ char *out = in(root, "../count");
    struct str first, second, third, rest;
    int64_t n;

    ck_ok(os_unlink(out, &err), &err);
    ck_assert_int_eq(
        run_victim(root, str_of(script), arena_printf(&arena, "op=%s,count,out=%s", ops, out), NULL)
            .status,
        0);
    ck_ok(os_file_read(out, 1000, &report, &err), &err);
    ck_assert(str_cut(str_trim(buf_str(&report)), ' ', &first, &rest));
    ck_assert(str_cut(rest, ' ', &second, &third));
    ck_str_eq(first, STR("corrie-fault:"));
    ck_str_eq(third, STR("operations"));
    ck_assert(str_to_int64(second, &n));
    return n;
}

static int take_rows(void *ret, int n, char **values, char **names)
{
    int64_t *out = ret;

    (void)names;
    return n == 2 && strcmp(values[1], "ok") == 0 && str_to_int64(str_of(values[0]), out) ? 0 : 1;
}

/* Rows of the database after the cut; 0 if it has no table yet, -1 if it is damaged. */
static int64_t rows_after(const char *path)
{
    sqlite3 *db;
    int64_t rows = 0;
    int r;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    r = sqlite3_exec(db, "SELECT (SELECT count(*) FROM t), (SELECT * FROM pragma_integrity_check)",
                     take_rows, &rows, NULL);
    if (r != SQLITE_OK && !(r == SQLITE_ERROR && strstr(sqlite3_errmsg(db), "no such table"))) {
        rows = -1;
    }
    sqlite3_close(db);
    return rows;
}

struct outcome {
    struct os_exit end;
    int64_t acknowledged; /* commits that the program reported */
    int64_t rows;         /* that are there afterwards */
};

static struct outcome sqlite_under(const char *script, const char *spec)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");
    _free_ char *path = in(root, "db");
    _cleanup_(buf_done) struct buf told = {0};
    struct outcome outcome = {.acknowledged = 0};

    ck_ok(os_dir_make(root, 0777, &err), &err);
    outcome.end = run_victim(root, str_of(script), spec, &told);
    for (size_t i = 0; i < told.len; i++) {
        outcome.acknowledged += told.data[i] == '\n';
    }
    outcome.rows = rows_after(path);
    return outcome;
}

/* How many operations a script has. */
static int64_t total_of(const char *script)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");

    ck_ok(os_dir_make(root, 0777, &err), &err);
    return counted(root, script, "any");
}

/* SQLite keeps its promise at every point: each commit that was acknowledged is there, none is half there. It
 * shows at once that SQLite is caught, and that the model fits a program known to be right. */
static void sqlite_keeps(const char *how, int every)
{
    const char *script = "sqlite db 5 FULL";
    int64_t total = total_of(script);
    int ended = 0;

    ck_assert_int_ge(total, 40);
    for (int64_t k = 1; k <= total; k += every) {
        char spec[100];
        struct outcome got;

        snprintf(spec, sizeof spec, "op=any,at=%lld,%s", (long long)k, how);
        got = sqlite_under(script, spec);
        ended += got.end.status != 0;
        ck_assert_msg(got.rows == got.acknowledged ||
                          (got.end.status != 0 && got.rows == got.acknowledged + 1),
                      "%s: %lld rows, %lld acknowledged", spec, (long long)got.rows,
                      (long long)got.acknowledged);
        ck_assert_msg(got.end.signal == SIGKILL || strstr(how, "errno"), "%s: it went on", spec);
    }
    ck_assert_int_gt(ended, 0);
}

START_TEST(sqlite_survives_each_cut)
{
    sqlite_keeps("cut", 1);
}
END_TEST

START_TEST(sqlite_survives_torn_cuts)
{
    sqlite_keeps("cut,seed=1", 3);
    sqlite_keeps("cut,seed=2", 3);
    sqlite_keeps("cut,seed=3", 3);
}
END_TEST

START_TEST(sqlite_survives_failures_and_kills)
{
    sqlite_keeps("kill", 3);
    sqlite_keeps("errno=ENOSPC", 3);
    sqlite_keeps("errno=EIO,sticky", 3);
}
END_TEST

/* The opposite proof: a program that does not fsync loses what it has acknowledged. */
START_TEST(sqlite_without_fsync_loses)
{
    const char *script = "sqlite db 5 OFF";
    int64_t total = total_of(script);
    int lost = 0;

    for (int64_t k = total / 2; k <= total; k += 3) {
        char spec[100];
        struct outcome got;

        snprintf(spec, sizeof spec, "op=any,at=%lld,cut", (long long)k);
        got = sqlite_under(script, spec);
        lost += got.rows < got.acknowledged;
    }
    ck_assert_int_gt(lost, 0);
}
END_TEST

/* DuckDB writes Parquet without making it durable: the file is ours to fsync, and that suffices. */
START_TEST(duckdb_files_need_our_fsync)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");
    _cleanup_(buf_done) struct buf left = {0};
    _cleanup_(os_mapping_unrefp) struct os_mapping *file = NULL;
    _free_ char *path = in(root, "t.parquet");

    if (!os_env("CORRIE_DUCKDB")) {
        ck_abort_msg("CORRIE_DUCKDB is not set: run by meson test");
    }
    ck_ok(os_dir_make(root, 0777, &err), &err);
    ck_assert_int_eq(run_victim(root, STR("parquet t.parquet"), "cut=exit", NULL).status, 0);
    describe(root, "", &left);
    ck_assert_str_eq(buf_text(&left), "");
    ck_assert_int_eq(
        run_victim(root, STR("parquet t.parquet store-sync t.parquet"), "cut=exit", NULL).status,
        0);
    ck_ok(os_map_file(path, &file, &err), &err);
    ck_assert_uint_gt(file->size, 100000);
    ck_assert_mem_eq(file->data, "PAR1", 4);
    ck_assert_mem_eq(file->data + file->size - 4, "PAR1", 4);
}
END_TEST

/* One counter for our wrappers and the libraries, and no operation counted twice: else "the k-th" means two
 * things and a sweep skips points. */
START_TEST(counts_each_operation_once)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");

    ck_ok(os_dir_make(root, 0777, &err), &err);
    /* plain calls: open write; open fsync; unlink */
    ck_assert_int_eq(counted(root, "write a x sync a unlink a", "any"), 5);
    /* through os: open write fsync rename, open fsync */
    ck_assert_int_eq(counted(root, "replace a x", "any"), 6);
    ck_assert_int_eq(counted(root, "replace a x", "fsync"), 2);
    ck_assert_int_eq(counted(root, "replace a x replace a y write b z", "rename+mkdir"), 2);
    /* what the library does not replace is passed on by the table: a mkdir and the look at what is there */
    ck_assert_int_eq(counted(root, "mkdirs .", "mkdir+stat"), 2);
    ck_assert_int_eq(counted(root, "mkdirs .", "stat"), 1);
    /* outside the root nothing is counted */
    ck_assert_int_eq(counted(root, "write ../b x replace ../c y", "all"), 0);
    ck_assert_int_gt(counted(root, "sqlite db 1 FULL", "fsync"), 2);
}
END_TEST

START_TEST(other_programs_are_left_alone)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");
    _free_ char *path = in(root, "a");

    ck_ok(os_dir_make(root, 0777, &err), &err);
    ck_assert_int_eq(run_victim(root, STR("write a x"), "program=corrie,at=1,kill", NULL).status,
                     0);
    holds(path, STR("x"));
    ck_assert_int_eq(
        run_victim(root, STR("write a y"), "program=fault_victim,at=1,kill", NULL).signal, SIGKILL);
    ck_assert_int_eq(run_victim(root, STR("write a y"), "nonsense", NULL).status, 125);
}
END_TEST

/* kill -9 is no power cut: what was written is there. */
START_TEST(kill_keeps_what_was_written)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    _scratch_ char *scratch = scratch_new();
    _free_ char *root = in(scratch, "root");
    _free_ char *path = in(root, "a");

    ck_ok(os_dir_make(root, 0777, &err), &err);
    ck_assert_int_eq(
        run_victim(root, STR("write a x write b y"), "op=write,at=2,kill", NULL).signal, SIGKILL);
    holds(path, STR("x"));
}
END_TEST

Suite *library_suite(void);
Suite *library_suite(void)
{
    const TTest *const tests[] = {our_writes_are_old_or_new_at_every_cut,
                                  sqlite_survives_each_cut,
                                  sqlite_survives_torn_cuts,
                                  sqlite_survives_failures_and_kills,
                                  sqlite_without_fsync_loses,
                                  duckdb_files_need_our_fsync,
                                  counts_each_operation_once,
                                  other_programs_are_left_alone,
                                  kill_keeps_what_was_written};
    Suite *suite = suite_create("library");
    TCase *tcase = tcase_create("library");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, keeps_what_was_synced_and_nothing_else, 0, (int)ARRAY_LEN(cases));
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}

TEST_MAIN(library_suite)
