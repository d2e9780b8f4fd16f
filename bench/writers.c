/* writers.c — commits a second of one and of eight processes, beside bare SQLite transactions of as
 * many bytes that wait for each other in the same way.
 *
 *     bench_writers DIRECTORY [ROUNDS [MILLISECONDS]]
 *
 * In each round each side runs for that long; a side's figure is the sum over its processes, and
 * the slowest process beside their mean. */
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/lab.h"
#include "os/dir.h"

#define N_PROCESSES 8
#define N_TABLES 1000

enum kind { OWN_TABLES, ONE_TABLE, BARE };

struct side {
    const char *name;
    enum kind kind;
    int n_processes;
    double *per_second;
    double *slowest; /* share of the mean */
};

struct board { /* shared by all processes */
    volatile int64_t until;
    volatile long done[N_PROCESSES];
};

static const char *directory;
static size_t n_bytes; /* of a commit */

static void commit_until(struct board *board, int process, enum kind kind)
{
    corrie_error error = CORRIE_ERROR_INIT;
    corrie_error *err = &error;
    struct catalog *catalog;
    long n = 0;

    ok(catalog_open(directory, NULL, &catalog, err));
    while (clock_monotonic() < board->until) {
        _cleanup_(arena_done) struct arena arena = {0};
        struct tree_edit edit =
            table_edit(&arena, kind == ONE_TABLE ? 5 : (size_t)process * 100 + 5, n);
        int r;

        /* Somebody else's change of the same table is a conflict: from the new head once more. */
        while ((r = publish(catalog, "main", &edit, 1, err)) == CORRIE_E_CONFLICT) {
            corrie_error_clear(err);
        }
        ok(r);
        n++;
    }
    board->done[process] = n;
    catalog_close(catalog);
}

static int wait_a_little(void *arg, int n_calls)
{
    uint32_t dice;

    (void)arg;
    random_bytes(&dice, sizeof dice);
    clock_sleep(150000 + (int64_t)(dice % 300000));
    return n_calls < 100000;
}

static void check(sqlite3 *db, int r)
{
    if (r != SQLITE_OK && r != SQLITE_DONE) {
        fprintf(stderr, "bench_writers: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static sqlite3 *bare_open(void)
{
    char path[4096];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/bare.db", directory);
    check(NULL, sqlite3_open(path, &db));
    check(db, sqlite3_busy_handler(db, wait_a_little, NULL));
    check(db, sqlite3_exec(db,
                           "PRAGMA page_size=8192; PRAGMA journal_mode=WAL;"
                           "PRAGMA synchronous=FULL;"
                           "CREATE TABLE IF NOT EXISTS o (id INTEGER PRIMARY KEY, b BLOB);"
                           "CREATE TABLE IF NOT EXISTS r (id INTEGER PRIMARY KEY, b BLOB);"
                           "INSERT OR IGNORE INTO r VALUES (1, NULL)",
                           NULL, NULL, NULL));
    return db;
}

/* The bytes of a commit, as five blobs, and one row that is replaced. */
static void bare_until(struct board *board, int process)
{
    sqlite3 *db = bare_open();
    char *bytes = calloc(1, n_bytes + 64);
    sqlite3_stmt *begin;
    sqlite3_stmt *put;
    sqlite3_stmt *move;
    sqlite3_stmt *end;
    long n = 0;

    random_bytes(bytes, n_bytes + 64);
    check(db, sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL));
    check(db, sqlite3_prepare_v2(db, "INSERT INTO o (b) VALUES (?1)", -1, &put, NULL));
    check(db, sqlite3_prepare_v2(db, "UPDATE r SET b = ?1", -1, &move, NULL));
    check(db, sqlite3_prepare_v2(db, "COMMIT", -1, &end, NULL));
    while (clock_monotonic() < board->until) {
        check(db, sqlite3_step(begin));
        check(db, sqlite3_reset(begin));
        for (int k = 0; k < 5; k++) {
            sqlite3_bind_blob(put, 1, bytes, (int)(n_bytes / 5), SQLITE_STATIC);
            check(db, sqlite3_step(put));
            check(db, sqlite3_reset(put));
        }
        sqlite3_bind_blob(move, 1, bytes, 32, SQLITE_STATIC);
        check(db, sqlite3_step(move));
        check(db, sqlite3_reset(move));
        check(db, sqlite3_step(end));
        check(db, sqlite3_reset(end));
        n++;
    }
    board->done[process] = n;
    _exit(0);
}

static void run_side(struct side *side, size_t round, struct board *board, int64_t span)
{
    pid_t pids[N_PROCESSES];
    long sum = 0;
    long least = INT32_MAX;

    board->until = clock_monotonic() + span;
    for (int p = 0; p < side->n_processes; p++) {
        pids[p] = fork();
        if (pids[p] == 0) {
            if (side->kind == BARE) {
                bare_until(board, p);
            }
            commit_until(board, p, side->kind);
            _exit(0);
        }
    }
    for (int p = 0; p < side->n_processes; p++) {
        int status;

        if (pids[p] < 0 || waitpid(pids[p], &status, 0) != pids[p] || status != 0) {
            exit(1);
        }
        sum += board->done[p];
        least = board->done[p] < least ? board->done[p] : least;
    }
    side->per_second[round] = (double)sum / ((double)span / 1e9);
    side->slowest[round] = sum ? (double)least * side->n_processes / (double)sum : 0;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void print_side(struct side *side, size_t n)
{
    char text[200];

    qsort(side->per_second, n, sizeof(double), order);
    qsort(side->slowest, n, sizeof(double), order);
    snprintf(text, sizeof text, "%s (%.0f … %.0f; slowest writer %.2f of the mean)", side->name,
             side->per_second[0], side->per_second[n - 1], side->slowest[n / 2]);
    print_count("commits a second, durable", text, (double)(long)side->per_second[n / 2], "/s");
}

int main(int argc, char **argv)
{
    struct side sides[] = {
        {"1 process", OWN_TABLES, 1, NULL, NULL},
        {"1 process, bare SQLite", BARE, 1, NULL, NULL},
        {"8 processes, 8 tables of one branch", OWN_TABLES, N_PROCESSES, NULL, NULL},
        {"8 processes, one table", ONE_TABLE, N_PROCESSES, NULL, NULL},
        {"8 processes, bare SQLite", BARE, N_PROCESSES, NULL, NULL},
    };
    corrie_error error = CORRIE_ERROR_INIT;
    corrie_error *err = &error;
    size_t n_rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    int64_t span = (argc > 3 ? strtol(argv[3], NULL, 10) : 1000) * 1000000;
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct catalog *catalog;
    int64_t before;

    if (argc < 2 || n_rounds == 0 || span <= 0 || board == MAP_FAILED) {
        fprintf(stderr, "usage: bench_writers DIRECTORY [ROUNDS [MILLISECONDS]]\n");
        return 2;
    }
    directory = argv[1];
    catalog = lab_make(directory, N_TABLES, err);
    catalog_close(catalog);
    before = file_bytes(directory, err);
    board->until = clock_monotonic() + 300000000;
    commit_until(board, 0, OWN_TABLES);
    n_bytes = (size_t)(file_bytes(directory, err) - before) / (size_t)board->done[0];
    sqlite3_close(bare_open());
    for (size_t s = 0; s < ARRAY_LEN(sides); s++) {
        sides[s].per_second = calloc(n_rounds, sizeof(double));
        sides[s].slowest = calloc(n_rounds, sizeof(double));
    }
    for (size_t i = 0; i < n_rounds; i++) {
        for (size_t s = 0; s < ARRAY_LEN(sides); s++) {
            run_side(&sides[s], i, board, span);
        }
    }
    print_count("commits a second, durable", "bytes of a commit", (double)n_bytes, "bytes");
    for (size_t s = 0; s < ARRAY_LEN(sides); s++) {
        print_side(&sides[s], n_rounds);
    }
    return os_tree_remove(directory, err) < 0;
}
