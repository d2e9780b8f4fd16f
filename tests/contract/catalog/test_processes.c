/* What a user would lose: a commit that was reported done, because somebody else committed at that
 * moment. */
#include "tests/contract/catalog/crew.h"

#define N_PROCESSES 4
#define N_COMMITS 40

static void run_all(struct lab *lab, const char *mode)
{
    static const char *const names[N_PROCESSES] = {"p0", "p1", "p2", "p3"};
    pid_t pids[N_PROCESSES];

    for (int i = 0; i < N_PROCESSES; i++) {
        const char *arguments[] = {mode, lab->directory, names[i], "40", NULL, NULL};

        pids[i] = crew_start(NULL, arguments);
    }
    for (int i = 0; i < N_PROCESSES; i++) {
        ck_assert_int_eq(crew_wait(pids[i]), 0);
    }
}

/* Follows first parents: each reported commit is there, once, and the log of movements agrees. */
static void ck_history(struct lab *lab, size_t n_expected)
{
    _cleanup_(history_walk_closep) struct history_walk *walk = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    struct catalog_reflog_entry *entries;
    const struct commit *commit;
    struct hash head = lab_head(lab, "main");
    size_t n_entries;
    size_t n = 0;

    ck_ok(catalog_reflog(lab->catalog, STR("main"), 0, CORRIE_MAX_PAGE, &arena, &entries,
                         &n_entries, &lab->err),
          &lab->err);
    ck_ok(history_walk_open(lab->catalog, &head, true, &walk, &lab->err), &lab->err);
    while (history_walk_next(walk, &commit, &lab->err) == 1) {
        must(n < n_entries && hash_eq(&commit->id, &entries[n].new_commit));
        n++;
    }
    ck_assert_uint_eq(n, n_expected + 2); /* and the two that made the branch */
    ck_assert_uint_eq(n_entries, n);
}

START_TEST(test_commits_at_once)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};

    lab_init(&lab);
    lab_commit(&lab, "main", NULL, 0);
    run_all(&lab, "many");
    ck_history(&lab, (size_t)N_PROCESSES * N_COMMITS);
    struct hash head = lab_head(&lab, "main");
    struct hash tree = lab_tree(&lab, &head);
    for (int p = 0; p < N_PROCESSES; p++) {
        for (long i = 0; i < N_COMMITS; i++) {
            must(lab_number(&lab, &tree, arena_printf(&arena, "p%d-%04ld", p, i)) == i);
        }
    }
    lab_sound(&lab);
}
END_TEST

/* Each process rewrites one table of its own again and again. */
START_TEST(test_rewrites_at_once)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};

    lab_init(&lab);
    lab_commit(&lab, "main", NULL, 0);
    run_all(&lab, "same");
    ck_history(&lab, (size_t)N_PROCESSES * N_COMMITS);
    struct hash head = lab_head(&lab, "main");
    struct hash tree = lab_tree(&lab, &head);
    for (int p = 0; p < N_PROCESSES; p++) {
        ck_assert_int_eq(lab_number(&lab, &tree, arena_printf(&arena, "p%d-0000", p)),
                         N_COMMITS - 1);
    }
    lab_sound(&lab);
}
END_TEST

START_TEST(test_killed_among_others)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};

    lab_init(&lab);
    lab_commit(&lab, "main", NULL, 0);
    for (int round = 0; round < 6; round++) {
        char *spec = arena_printf(&arena, "root=%s,at=%d,kill", lab.directory, 5 + 23 * round);
        char *name = arena_printf(&arena, "good%d", round);
        const char *bad[] = {"many", lab.directory, "bad", "1000", NULL, NULL};
        const char *good[] = {"many", lab.directory, name, "10", NULL, NULL};
        pid_t victim = crew_start(spec, bad);
        pid_t other = crew_start(NULL, good);

        ck_assert_int_eq(crew_wait(victim), 256 + 9);
        ck_assert_int_eq(crew_wait(other), 0);
        struct hash head = lab_head(&lab, "main");
        struct hash tree = lab_tree(&lab, &head);
        ck_assert_int_eq(lab_number(&lab, &tree, arena_printf(&arena, "%s-0009", name)), 9);
    }
    lab_sound(&lab);
}
END_TEST

/* Collections of everything older than this second, one after the other, beside processes that commit,
 * rewrite, branch, delete and bring back. */
START_TEST(test_collected_among_others)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    bool torture = getenv("CORRIE_TORTURE") != NULL;
    const char *n_commits = torture ? "4000" : "120";
    const char *n_rounds = torture ? "1000" : "25";
    const char *many[] = {"many", NULL, "m", n_commits, NULL, NULL};
    const char *same[] = {"same", NULL, "s", n_commits, NULL, NULL};
    const char *branches[] = {"branches", NULL, "b", torture ? "1500" : n_commits, NULL, NULL};
    const char *collect[] = {"collect", NULL, n_rounds, NULL, NULL, NULL};
    const char **const all[] = {many, same, branches, collect};
    pid_t pids[ARRAY_LEN(all)];
    long n = strtol(n_commits, NULL, 10);

    lab_init(&lab);
    lab_commit(&lab, "main", NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i][1] = lab.directory;
        pids[i] = crew_start(NULL, all[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        ck_assert_int_eq(crew_wait(pids[i]), 0);
    }
    struct hash head = lab_head(&lab, "main");
    struct hash tree = lab_tree(&lab, &head);
    for (long i = 0; i < n; i++) {
        must(lab_number(&lab, &tree, arena_printf(&arena, "m-%04ld", i)) == i);
    }
    ck_assert_int_eq(lab_number(&lab, &tree, "s-0000"), n - 1);
    if (!torture) {
        ck_history(&lab, (size_t)n * 2);
    }
    lab_closed(&lab);
    lab_sound(&lab);
    lab_age(&lab);
    lab_collect(&lab, INT64_MAX);
    ck_assert_uint_eq(lab_closed(&lab), lab_sound(&lab).nodes + lab_sound(&lab).commits);
}
END_TEST

/* A collection is killed again and again; the next goes on, and commits go on all the time. */
START_TEST(test_collection_killed_among_others)
{
    _cleanup_(lab_done) struct lab lab;
    _cleanup_(arena_done) struct arena arena = {0};
    int n_killed = 0;

    lab_init(&lab);
    lab_commit(&lab, "main", NULL, 0);
    for (int round = 0; round < 8; round++) {
        char *spec = arena_printf(&arena, "root=%s,at=%d,kill", lab.directory, 6 + 7 * round);
        char *name = arena_printf(&arena, "good%d", round);
        const char *victim[] = {"collect", lab.directory, "3", NULL, NULL, NULL};
        const char *branches[] = {"branches", lab.directory, name, "20", NULL, NULL};
        pid_t pids[2];

        lab_age(&lab);
        pids[0] = crew_start(spec, victim);
        pids[1] = crew_start(NULL, branches);
        n_killed += crew_wait(pids[0]) == 256 + 9;
        ck_assert_int_eq(crew_wait(pids[1]), 0);
        lab_closed(&lab);
        lab_sound(&lab);
    }
    ck_assert_int_gt(n_killed, 3);
    lab_age(&lab);
    lab_collect(&lab, INT64_MAX);
    ck_assert_uint_eq(lab_closed(&lab), lab_sound(&lab).nodes + 2); /* and two commits */
}
END_TEST

Suite *processes_suite(void);
Suite *processes_suite(void)
{
    const TTest *const tests[] = {test_commits_at_once, test_rewrites_at_once,
                                  test_killed_among_others, test_collected_among_others,
                                  test_collection_killed_among_others};
    Suite *suite = suite_create("processes");
    TCase *tcase = tcase_create("processes");

    tcase_set_timeout(tcase, getenv("CORRIE_TORTURE") ? 3600 : 120);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
