/* Many processes change one lake at once, through the public interface, while others read it: whatever was told to be
 * done is in the history, once; nobody is told of a failure that is not theirs; a reader sees each commit whole. A user
 * would lose rows that an import reported, or count them twice. CORRIE_TORTURE=1: 200 commits of each. */
#include "scene.h"

#include <corrie/corrie.h>

#include <nanoarrow/nanoarrow.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "catalog/commit.h"
#include "catalog/history.h"
#include "os/file.h"

enum { N_WRITERS = 8, N_READERS = 2, MOST_COMMITS = 200 };

/* Shared by all processes. */
struct board {
    atomic_bool over;
    atomic_uint reads;
    struct hash told[N_WRITERS][MOST_COMMITS]; /* the commits that were reported */
};

struct crowd {
    struct scene s;
    struct board *board;
    unsigned n_commits; /* of each writer */
    unsigned n_tables;
};

static void open_lake(struct crowd *c)
{
    corrie_lake_options options = {
        .size = sizeof options, .url = c->s.f.root, .author = "ada", .must_exist = true};

    ck_ok(corrie_lake_open(&options, &c->s.f.lake, &c->s.f.err), &c->s.f.err);
}

static struct hash commit_in(char *text)
{
    json_t *document = fixture_json(text);
    struct str name = str_of(json_string_value(json_object_get(document, "commit")));
    struct hash commit;

    ck_assert_msg(hash_parse(name, &commit), "no commit was told");
    json_decref(document);
    return commit;
}

/* ---- what the processes do ---- */

static struct hash import(struct crowd *c, const char *table, const char *name,
                          enum corrie_import_mode mode, const char *branch)
{
    const char *uri = arena_printf(&c->s.arena, "%s/%s", c->s.f.dir, name);
    corrie_import_options options = {.size = sizeof options,
                                     .table = table,
                                     .branch = branch,
                                     .uris = &uri,
                                     .n_uris = 1,
                                     .mode = mode};
    char *text;

    ck_ok(corrie_import(c->s.f.lake, &options, &text, &c->s.f.err), &c->s.f.err);
    return commit_in(text);
}

static void put_number(struct crowd *c, const char *name, unsigned number)
{
    char *path = arena_printf(&c->s.arena, "%s/%s", c->s.f.dir, name);
    char *text = arena_printf(&c->s.arena, "n\n%u\n", number);

    ck_ok(os_file_create(path, str_of(text), 0644, &c->s.f.err), &c->s.f.err);
}

/* One file of one row, which no other file has. */
static struct hash import_one(struct crowd *c, unsigned writer, unsigned i, const char *branch)
{
    char *table = arena_printf(&c->s.arena, "ns.t%u", writer % c->n_tables);
    char *name = arena_printf(&c->s.arena, "%u-%u.csv", writer, i);

    put_number(c, name, writer * 1000 + i);
    return import(c, table, name, CORRIE_IMPORT_APPEND, branch);
}

static struct hash merge_one(struct crowd *c, unsigned writer, unsigned i)
{
    corrie_error *err = &c->s.f.err;
    char *name = arena_printf(&c->s.arena, "side-%u-%u", writer, i);
    corrie_ref_options from = {.size = sizeof from, .from_ref = "main"};
    corrie_merge_options options = {.size = sizeof options, .into = "main"};
    struct hash commit;
    char *text;

    ck_ok(corrie_branch_create(c->s.f.lake, name, &from, &text, err), err);
    corrie_free(text);
    (void)import_one(c, writer, i, name);
    ck_ok(corrie_branch_merge(c->s.f.lake, name, &options, &text, err), err);
    commit = commit_in(text);
    ck_ok(corrie_branch_delete(c->s.f.lake, name, NULL, &text, err), err);
    corrie_free(text);
    return commit;
}

static void write_commits(struct crowd *c, unsigned writer)
{
    open_lake(c);
    for (unsigned i = 0; i < c->n_commits; i++) {
        /* the last not before somebody has read: else all might be written before anybody gets to it */
        while (i + 1 == c->n_commits && atomic_load(&c->board->reads) < N_READERS) {
            clock_sleep(1000000);
        }
        c->board->told[writer][i] =
            i % 5 == 3 ? merge_one(c, writer, i) : import_one(c, writer, i, "main");
    }
    c->s.f.lake = corrie_lake_close(c->s.f.lake);
}

/* Each file brought one row: so many rows, files in the ledger, and data files. */
static int64_t count_rows(struct crowd *c)
{
    char *ref;
    char id[HASH_HEX + 1];
    struct hash at;
    int64_t sum = 0;

    ck_ok(lake_resolve(c->s.f.lake, STR("main"), &at, &c->s.f.err), &c->s.f.err);
    hash_hex(&at, id);
    ref = arena_printf(&c->s.arena, "@%s", id);
    for (unsigned i = 0; i < c->n_tables; i++) {
        int64_t rows = scene_rows(&c->s, ref, arena_printf(&c->s.arena, "t%u", i));

        sum += rows < 0 ? 0 : rows;
    }
    ck_assert_int_eq((int64_t)scene_ledger_keys(&c->s, ref), sum);
    return sum;
}

static void read_on(struct crowd *c)
{
    int64_t seen = 0;

    while (!atomic_load(&c->board->over)) {
        int64_t rows;

        open_lake(c);
        for (unsigned i = 0; i < 3; i++) {
            rows = count_rows(c);
            ck_assert_int_ge(rows, seen);
            seen = rows;
        }
        c->s.f.lake = corrie_lake_close(c->s.f.lake);
        atomic_fetch_add(&c->board->reads, 1);
    }
}

/* ---- the crowd ---- */

static void run_crowd(struct crowd *c)
{
    pid_t pids[N_WRITERS + N_READERS];

    c->s.f.lake = corrie_lake_close(c->s.f.lake);
    for (unsigned i = 0; i < N_WRITERS + N_READERS; i++) {
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            if (i < N_WRITERS) {
                write_commits(c, i);
            } else {
                read_on(c);
            }
            _exit(0);
        }
    }
    for (unsigned i = 0; i < N_WRITERS + N_READERS; i++) {
        int status;

        if (i == N_WRITERS) {
            atomic_store(&c->board->over, true);
        }
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        if (status != 0) { /* what it was told is what check shows */
            atomic_store(&c->board->over, true);
            ck_abort_msg("process %u ended with %x", i, (unsigned)status);
        }
    }
    open_lake(c);
}

static unsigned times_told(const struct crowd *c, const struct hash *commit)
{
    unsigned n = 0;

    for (unsigned w = 0; w < N_WRITERS; w++) {
        for (unsigned i = 0; i < c->n_commits; i++) {
            n += hash_eq(&c->board->told[w][i], commit);
        }
    }
    return n;
}

/* The line of main is what was told, each once, on the commits that were there before; and so is its reflog. */
static void check_history(struct crowd *c, unsigned before)
{
    corrie_error *err = &c->s.f.err;
    const unsigned wanted = N_WRITERS * c->n_commits;
    struct catalog *catalog = lake_catalog(c->s.f.lake);
    struct catalog_reflog_entry *entries;
    struct history_walk *walk;
    const struct commit *commit;
    struct hash head;
    size_t n_entries;
    unsigned n = 0;
    int r;

    ck_ok(catalog_reflog(catalog, STR("main"), 0, CORRIE_MAX_PAGE, &c->s.arena, &entries,
                         &n_entries, err),
          err);
    ck_ok(lake_resolve(c->s.f.lake, STR("main"), &head, err), err);
    ck_ok(history_walk_open(catalog, &head, true, &walk, err), err);
    while ((r = history_walk_next(walk, &commit, err)) > 0) {
        if (n < wanted) {
            ck_assert_uint_eq(times_told(c, &commit->id), 1);
        }
        if (n < n_entries) {
            ck_assert(hash_eq(&entries[n].new_commit, &commit->id));
        }
        n++;
    }
    ck_ok(r, err);
    history_walk_close(walk);
    ck_assert_uint_eq(n, wanted + before);
}

static unsigned count_commits(struct crowd *c)
{
    corrie_error *err = &c->s.f.err;
    struct history_walk *walk;
    const struct commit *commit;
    struct hash head;
    unsigned n = 0;

    ck_ok(lake_resolve(c->s.f.lake, STR("main"), &head, err), err);
    ck_ok(history_walk_open(lake_catalog(c->s.f.lake), &head, true, &walk, err), err);
    while (history_walk_next(walk, &commit, err) > 0) {
        n++;
    }
    history_walk_close(walk);
    return n;
}

/* The rows themselves: as many numbers, all different, adding up to what was written. */
static void check_rows(struct crowd *c)
{
    corrie_error *err = &c->s.f.err;
    int64_t found[3] = {0};
    int64_t sum = 0;
    struct lake_view view;

    ck_ok(lake_view_at(c->s.f.lake, STR("main"), &view, err), err);
    for (unsigned i = 0; i < c->n_tables; i++) {
        char *name = arena_printf(&c->s.arena, "t%u", i);
        char *sql = arena_printf(&c->s.arena,
                                 "SELECT count(*)::BIGINT, count(DISTINCT n)::BIGINT, "
                                 "sum(n)::BIGINT FROM ns.%s",
                                 name);
        struct ArrowArrayStream stream;
        struct ArrowArray batch;
        struct lake_table table;

        ck_ok(lake_table_get(&view, STR("ns"), str_of(name), &c->s.arena, &table, err), err);
        ck_ok(lake_table_define(&view, &table, c->s.engine, NULL, 0, STR_EMPTY, err), err);
        ck_ok(engine_query(c->s.engine, str_of(sql), NULL, &stream, err), err);
        ck_assert_int_eq(stream.get_next(&stream, &batch), 0);
        for (size_t k = 0; k < ARRAY_LEN(found); k++) {
            found[k] += ((const int64_t *)batch.children[k]->buffers[1])[0];
        }
        batch.release(&batch);
        stream.release(&stream);
    }
    for (unsigned w = 0; w < N_WRITERS; w++) {
        for (unsigned i = 0; i < c->n_commits; i++) {
            sum += w * 1000 + i;
        }
    }
    ck_assert_int_eq(found[0], (int64_t)N_WRITERS * c->n_commits);
    ck_assert_int_eq(found[1], found[0]);
    ck_assert_int_eq(found[2], sum);
}

static void check_crowd(unsigned n_tables)
{
    struct crowd c = {.n_commits = tortured() ? MOST_COMMITS : 5, .n_tables = n_tables};
    unsigned before;

    use_memory();
    scene_init(&c.s);
    c.board =
        mmap(NULL, sizeof *c.board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(c.board, MAP_FAILED);
    if (n_tables == 1) { /* of several who make a table all but one are told of a conflict */
        put_number(&c, "columns.csv", 1);
        (void)import(&c, "ns.t0", "columns.csv", CORRIE_IMPORT_CREATE, "main");
    }
    before = count_commits(&c);
    run_crowd(&c);
    ck_assert_uint_gt(atomic_load(&c.board->reads), 0);
    check_history(&c, before);
    ck_assert_int_eq(count_rows(&c), (int64_t)N_WRITERS * c.n_commits);
    check_rows(&c);
    munmap(c.board, sizeof *c.board);
    scene_done(&c.s); /* which asks fsck */
}

START_TEST(each_writes_a_table_of_its_own)
{
    check_crowd(N_WRITERS);
}
END_TEST

START_TEST(all_write_one_table)
{
    check_crowd(1);
}
END_TEST

Suite *crowd_suite(void);
Suite *crowd_suite(void)
{
    Suite *suite = suite_create("crowd");
    TCase *tcase = tcase_create("crowd");

    tcase_set_timeout(tcase, tortured() ? 7200 : 120);
    tcase_add_test(tcase, each_writes_a_table_of_its_own);
    tcase_add_test(tcase, all_write_one_table);
    suite_add_tcase(suite, tcase);
    return suite;
}
