/* Whatever only looks, under failing operations and without memory: the answer is the whole one, or an error. A user would
 * take half a list for all there is, or a lack of memory for damage of the lake.
 *
 * CORRIE_TORTURE=1 leaves nothing out; else some of the operations and allocations fail. */
#include "base/clock.h"
#include "base/mem.h"
#include "os/fault.h"
#include "trial.h"

static int fsck(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_fsck(lake, NULL, ret, err);
}

static int try_gc(corrie_lake *lake, char **ret, corrie_error *err)
{
    corrie_gc_options options = {
        .size = sizeof options, .grace_seconds = 0, .reflog_seconds = 0, .dry_run = true};

    return corrie_gc(lake, &options, ret, err);
}

static int try_prune(corrie_lake *lake, char **ret, corrie_error *err)
{
    corrie_prune_options options = {
        .size = sizeof options, .older_than_seconds = 3600, .dry_run = true};

    return corrie_prune(lake, &options, ret, err);
}

static int status(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_status(lake, "main", ret, err);
}

static int refs(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_ref_list(lake, NULL, ret, err);
}

static int reflog(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_reflog(lake, "main", 0, 0, ret, err);
}

static int history(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_log(lake, "main", NULL, ret, err);
}

static int history_of_table(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_table_history(lake, "main", "ns.t", NULL, 0, ret, err);
}

static int show(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_show(lake, "main", ret, err);
}

static int diff(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_diff(lake, "main~1", "main", NULL, ret, err);
}

static int tables(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_table_list(lake, "main", NULL, ret, err);
}

static int table(corrie_lake *lake, char **ret, corrie_error *err)
{
    return corrie_table_get(lake, "main", "ns.t", NULL, ret, err);
}

static const struct look {
    const char *name;
    int (*look)(corrie_lake *lake, char **ret, corrie_error *err);
    bool tells; /* what cannot be read is a part of the answer: that it looks for */
} looks[] = {
    {"fsck", fsck, true},
    {"gc --dry-run", try_gc, false},
    {"branch prune --dry-run", try_prune, false},
    {"status", status, false},
    {"branch ls", refs, false},
    {"reflog", reflog, false},
    {"log", history, false},
    {"table history", history_of_table, false},
    {"show", show, false},
    {"diff", diff, false},
    {"table ls", tables, false},
    {"table get", table, false},
};

static const struct action *action_named(const char *name)
{
    size_t n;
    const struct action *actions = actions_all(&n);

    for (size_t i = 0; i < n; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return &actions[i];
        }
    }
    ck_abort_msg("there is no action %s", name);
}

/* Opens the lake, looks and closes it. The time that gc took is no part of its answer. */
static int attempt(struct trial *t, const struct look *look, char **ret, corrie_error *err)
{
    int r = trial_open(t, err);

    if (r >= 0) {
        r = look->look(t->s.f.lake, ret, err);
    }
    t->s.f.lake = corrie_lake_close(t->s.f.lake);
    if (*ret && strstr(*ret, "\"seconds\":")) {
        *strstr(*ret, "\"seconds\":") = '\0';
    }
    return r;
}

/* What an attempt under a fault has come to. */
static void check_answer(const struct look *look, const char *fault, int r, int expected,
                         const char *answer, const char *whole, const corrie_error *err)
{
    if (r >= 0) {
        ck_assert_msg(strcmp(answer, whole) == 0, "%s under %s: %s\nand without: %s", look->name,
                      fault, answer, whole);
    } else if (look->tells && r == CORRIE_E_CORRUPT && expected == CORRIE_E_IO) {
        ck_assert_msg(answer && strcmp(answer, whole) != 0, "%s under %s tells nothing", look->name,
                      fault);
    } else {
        check_told(look->name, fault, r, expected, err);
    }
}

enum { POINTS = 40 };

/* The i-th place that is tried of `count`, from 1; 0: no more. */
static uint64_t place(uint64_t i, uint64_t count)
{
    if (tortured() || count <= POINTS) {
        return i < count ? i + 1 : 0;
    }
    return i < POINTS ? 1 + i * count / POINTS : 0;
}

static void without_memory(struct trial *t, const struct look *look, const char *whole)
{
    _free_ char *free_run = NULL;
    unsigned failed = 0;
    uint64_t count;
    uint64_t k;

    os_fault_arm_alloc(0, 0);
    ck_ok(attempt(t, look, &free_run, &t->s.f.err), &t->s.f.err);
    count = os_fault_alloc_count();
    mem_set_fault(NULL, NULL);
    ck_assert_str_eq(free_run, whole);
    for (int sticky = 0; sticky < 2; sticky++) {
        for (uint64_t i = 0; (k = place(i, count)) > 0; i++) {
            _error_ corrie_error err = CORRIE_ERROR_INIT;
            _free_ char *answer = NULL;
            size_t handles = open_descriptors();
            char fault[100];
            int r;

            snprintf(fault, sizeof fault, "allocation %llu%s", (unsigned long long)k,
                     sticky ? " and all after" : "");
            os_fault_arm_alloc(k, sticky);
            r = attempt(t, look, &answer, &err);
            mem_set_fault(NULL, NULL);
            check_answer(look, fault, r, CORRIE_E_NO_MEMORY, answer, whole, &err);
            ck_assert_uint_eq(open_descriptors(), handles);
            failed += r < 0;
        }
    }
    ck_assert_uint_gt(failed, 5);
}

static void with_bad_disk(struct trial *t, const struct look *look, const char *whole)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        _free_ char *free_run = NULL;
        char fault[300];
        uint64_t count;
        uint64_t k;

        snprintf(fault, sizeof fault, "root=%s,op=all,errno=EIO,at=%u", t->s.f.dir, UINT32_MAX);
        ck_ok(os_fault_arm(fault, &t->s.f.err), &t->s.f.err);
        ck_ok(attempt(t, look, &free_run, &t->s.f.err), &t->s.f.err);
        count = os_fault_count();
        os_fault_disarm();
        for (uint64_t i = 0; (k = place(i, count)) > 0; i++) {
            _error_ corrie_error err = CORRIE_ERROR_INIT;
            _free_ char *answer = NULL;
            size_t handles = open_descriptors();
            int r;

            snprintf(fault, sizeof fault, "root=%s,op=all,errno=EIO,at=%llu%s", t->s.f.dir,
                     (unsigned long long)k, sticky ? ",sticky" : "");
            ck_ok(os_fault_arm(fault, &err), &err);
            r = attempt(t, look, &answer, &err);
            os_fault_disarm();
            check_answer(look, fault, r, CORRIE_E_IO, answer, whole, &err);
            ck_assert_uint_eq(open_descriptors(), handles);
        }
    }
}

START_TEST(each_that_only_looks)
{
    static const char *const scenes[] = {"gc", "prune"}; /* litter; what jobs have left */
    const struct look *look = &looks[(size_t)_i / ARRAY_LEN(scenes)];
    _free_ char *whole = NULL;
    struct trial t;

    trial_init(&t, action_named(scenes[(size_t)_i % ARRAY_LEN(scenes)]));
    t.s.f.lake = corrie_lake_close(t.s.f.lake);
    if (look->look == try_gc) {
        clock_sleep(
            INT64_C(2100000000)); /* it spares the last second: now its answer stays the same */
    }
    ck_ok(attempt(&t, look, &whole, &t.s.f.err), &t.s.f.err);
    with_bad_disk(&t, look, whole);
    if (!preloaded()) {
        without_memory(&t, look, whole);
    }
    trial_done(&t);
}
END_TEST

Suite *faults_look_suite(void);
Suite *faults_look_suite(void)
{
    Suite *suite = suite_create("faults_look");
    TCase *tcase = tcase_create("faults_look");

    tcase_set_timeout(tcase, tortured() ? 3600 : 120);
    tcase_add_loop_test(tcase, each_that_only_looks, 0, (int)ARRAY_LEN(looks) * 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
