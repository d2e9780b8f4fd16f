/* catalog.c — what the catalog costs, in process, beside a bare SQLite transaction of the same
 * bytes.
 *
 *     bench_catalog DIRECTORY [TABLES [ROUNDS]]
 *
 * Makes a catalog of TABLES tables in a new directory, then measures in interleaved rounds:
 * creating a branch, committing one table, a bare transaction that stores the same bytes, and an
 * fsync of 512 bytes. Prints one JSON object a line, as bench/report.py reads them. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/merge.h"
#include "os/dir.h"
#include "os/file.h"

struct series {
    const char *question;
    double *values;
    size_t n;
};

static void stop(corrie_error *err)
{
    fprintf(stderr, "bench_catalog: %s\n", corrie_error_message(err));
    exit(1);
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static void print_series(struct series *series, size_t n_tables)
{
    qsort(series->values, series->n, sizeof(double), order);
    printf("{\"question\":\"in process, %zu tables\",\"side\":\"%s\",\"n\":%zu,\"median_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"min_ms\":%.3f,\"max_ms\":%.3f}\n",
           n_tables, series->question, series->n, series->values[series->n / 2],
           series->values[series->n * 99 / 100], series->values[0], series->values[series->n - 1]);
}

static void take(struct series *series, int64_t start)
{
    series->values[series->n++] = (double)(clock_monotonic() - start) / 1e6;
}

/* A document as the lake room writes it: two names with random parts, numbers. */
static struct tree_edit table_edit(struct arena *arena, size_t i, long version)
{
    struct tree_edit edit = {.is_delete = false};
    corrie_error err = CORRIE_ERROR_INIT;
    struct uuid file = uuid_random();
    struct hash id = hash_bytes(str_of(arena_printf(arena, "%zu", i)));
    char id_text[33];
    char file_text[UUID_TEXT + 1];
    struct key key;
    uint64_t snapshot;
    char *name = arena_printf(arena, "table_%zu_of_many", i);

    memcpy(edit.value.id.bytes, id.bytes, sizeof edit.value.id.bytes);
    uuid_format_hex(&edit.value.id, id_text);
    uuid_format(&file, file_text);
    random_bytes(&snapshot, sizeof snapshot);
    if (KEY_MAKE(&key, &err, STR("table"), str_of(arena_printf(arena, "area%zu", i % 20)),
                 str_of(name)) < 0 ||
        arena_str(arena, key_str(&key), &edit.key) < 0) {
        stop(&err);
    }
    edit.value.has_origin = true;
    edit.value.origin = hash_bytes(str_of(arena_printf(arena, "run %zu", i / 10)));
    edit.value.doc = str_of(arena_printf(
        arena,
        "{\"bytes\":%zu,\"files\":%zu,\"location\":\"data/area%zu/%s-%s\",\"managed\":true,"
        "\"metadata_location\":\"data/area%zu/%s-%s/metadata/%05ld-%s.metadata.json\","
        "\"records\":%zu,\"schema_id\":0,\"snapshot_id\":%llu,\"spec_id\":0}",
        i * 4096, i % 7 + 1, i % 20, name, id_text, i % 20, name, id_text, version, file_text,
        i * 100 + 17, (unsigned long long)(snapshot >> 1)));
    return edit;
}

static struct hash fill(struct catalog *catalog, size_t n_tables, corrie_error *err)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, n_tables);
    struct commit commit = {.author = STR("bench"), .message = STR("start")};
    struct catalog_move move = {.ref = STR("main"), .kind = CATALOG_BRANCH, .who = STR("bench")};
    struct tree_stats stats;
    struct hash root;

    for (size_t i = 0; i < n_tables; i++) {
        edits[i] = table_edit(&arena, i, 0);
    }
    if (tree_empty(catalog, &objects, &root, err) < 0 ||
        tree_apply(catalog, &root, edits, n_tables, &objects, &commit.tree, err) < 0 ||
        commit_add(catalog, &commit, &objects, &move.new_commit, err) < 0 ||
        catalog_commit(catalog, &objects, &move, err) < 0 ||
        tree_check(catalog, &commit.tree, &stats, err) < 0) {
        stop(err);
    }
    for (size_t level = 0; level < stats.n_levels; level++) {
        printf("{\"question\":\"tree of %zu tables\",\"side\":\"level %zu\",\"count\":%llu,"
               "\"unit\":\"nodes\",\"bytes\":%llu,\"largest\":%llu}\n",
               n_tables, level, (unsigned long long)stats.nodes[level],
               (unsigned long long)stats.bytes[level], (unsigned long long)stats.largest[level]);
    }
    return move.new_commit;
}

static int64_t file_bytes(const char *directory, corrie_error *err)
{
    struct os_stat stat;
    char path[4096];

    snprintf(path, sizeof path, "%s/catalog.db", directory);
    if (os_stat(path, &stat, err) < 0) {
        stop(err);
    }
    return (int64_t)stat.size;
}

static void one_commit(struct catalog *catalog, size_t i, long version, struct series *series,
                       corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct tree_edit edit = table_edit(&arena, i, version);
    struct publish publish = {.ref = STR("main"), .edits = &edit, .n_edits = 1};
    struct publish_result result;
    struct catalog_ref ref;
    int64_t start = clock_monotonic();

    if (catalog_ref_get(catalog, publish.ref, &ref, err) < 0) {
        stop(err);
    }
    publish.start = ref.commit;
    publish.commit.author = STR("bench");
    publish.commit.message = STR("append to a table");
    publish.commit.has_job = true;
    publish.commit.job = uuid_random();
    if (catalog_publish(catalog, &publish, &result, &report, err) < 0) {
        stop(err);
    }
    take(series, start);
}

static void one_branch(struct catalog *catalog, const struct hash *commit, size_t i,
                       struct series *series, corrie_error *err)
{
    char name[64];
    struct catalog_move move = {.kind = CATALOG_BRANCH, .who = STR("bench"), .why = STR("branch")};
    int64_t start;

    snprintf(name, sizeof name, "bench.branch-%06zu", i);
    move.ref = str_of(name);
    move.new_commit = *commit;
    start = clock_monotonic();
    if (catalog_commit(catalog, NULL, &move, err) < 0) {
        stop(err);
    }
    take(series, start);
}

/* The bytes of a commit, as `n` blobs, and one row that is replaced. */
static void one_bare(sqlite3 *db, sqlite3_stmt *put, sqlite3_stmt *move, const char *bytes,
                     size_t len, struct series *series)
{
    int64_t start = clock_monotonic();
    char *reason = NULL;

    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, &reason) != SQLITE_OK) {
        fprintf(stderr, "%s\n", reason);
        exit(1);
    }
    for (int k = 0; k < 5; k++) {
        sqlite3_bind_blob(put, 1, bytes, (int)(len / 5), SQLITE_STATIC);
        sqlite3_step(put);
        sqlite3_reset(put);
    }
    sqlite3_bind_blob(move, 1, bytes, 32, SQLITE_STATIC);
    sqlite3_step(move);
    sqlite3_reset(move);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    take(series, start);
}

static sqlite3 *bare_open(const char *directory)
{
    char path[4096];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/bare.db", directory);
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(
            db,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE o (id INTEGER PRIMARY KEY, b BLOB);"
            "CREATE TABLE r (id INTEGER PRIMARY KEY, b BLOB); INSERT INTO r VALUES (1, NULL)",
            NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s\n", sqlite3_errmsg(db));
        exit(1);
    }
    return db;
}

static void one_fsync(int fd, struct series *series, corrie_error *err)
{
    static const char bytes[512];
    int64_t start = clock_monotonic();

    if (os_write(fd, "fsync", (struct str){bytes, sizeof bytes}, err) < 0 ||
        os_fd_sync(fd, "fsync", err) < 0) {
        stop(err);
    }
    take(series, start);
}

int main(int argc, char **argv)
{
    size_t n_tables = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
    size_t n_rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000;
    struct series branch = {"create a branch", calloc(n_rounds, sizeof(double)), 0};
    struct series commit = {"commit one table", calloc(n_rounds, sizeof(double)), 0};
    struct series bare = {"bare SQLite transaction of the same bytes",
                          calloc(n_rounds, sizeof(double)), 0};
    struct series flush = {"append 512 bytes and fsync", calloc(n_rounds, sizeof(double)), 0};
    corrie_error err = CORRIE_ERROR_INIT;
    struct catalog *catalog;
    char path[4096];
    sqlite3_stmt *put;
    sqlite3_stmt *move;
    int64_t before;
    int64_t growth;
    char *bytes;
    int fd;

    if (argc < 2 || n_tables == 0 || n_rounds == 0) {
        fprintf(stderr, "usage: bench_catalog DIRECTORY [TABLES [ROUNDS]]\n");
        return 2;
    }
    if (os_dir_make_new(argv[1], 0755, &err) < 0 || catalog_create(argv[1], &err) < 0 ||
        catalog_open(argv[1], NULL, &catalog, &err) < 0) {
        stop(&err);
    }
    struct hash first = fill(catalog, n_tables, &err);
    struct series warm = {"", calloc(n_rounds + 200, sizeof(double)), 0};
    catalog_close(catalog);
    before = file_bytes(argv[1], &err);
    if (catalog_open(argv[1], NULL, &catalog, &err) < 0) {
        stop(&err);
    }
    for (size_t i = 0; i < n_rounds; i++) {
        one_commit(catalog, (i * 7919 + 13) % n_tables, 1, &warm, &err);
    }
    catalog_close(catalog); /* moves everything into the file */
    growth = (file_bytes(argv[1], &err) - before) / (int64_t)n_rounds;
    printf(
        "{\"question\":\"tree of %zu tables\",\"side\":\"a one-table commit adds\",\"count\":%lld,"
        "\"unit\":\"bytes\"}\n",
        n_tables, (long long)growth);

    if (catalog_open(argv[1], NULL, &catalog, &err) < 0) {
        stop(&err);
    }
    snprintf(path, sizeof path, "%s/fsync", argv[1]);
    if (os_open(path, O_CREAT | O_WRONLY | O_APPEND, 0644, &fd, &err) < 0) {
        stop(&err);
    }
    bytes = calloc(1, (size_t)growth + 64);
    random_bytes(bytes, (size_t)growth + 64);
    sqlite3 *db = bare_open(argv[1]);
    sqlite3_prepare_v2(db, "INSERT INTO o (b) VALUES (?1)", -1, &put, NULL);
    sqlite3_prepare_v2(db, "UPDATE r SET b = ?1", -1, &move, NULL);
    warm.n = 0;
    for (size_t i = 0; i < 50; i++) {
        one_commit(catalog, i % n_tables, 2, &warm, &err);
    }
    for (size_t i = 0; i < n_rounds; i++) {
        one_branch(catalog, &first, i, &branch, &err);
        one_commit(catalog, (i * 104729 + 7) % n_tables, 3, &commit, &err);
        one_bare(db, put, move, bytes, (size_t)growth, &bare);
        one_fsync(fd, &flush, &err);
    }
    print_series(&branch, n_tables);
    print_series(&commit, n_tables);
    print_series(&bare, n_tables);
    print_series(&flush, n_tables);
    sqlite3_finalize(put);
    sqlite3_finalize(move);
    sqlite3_close(db);
    catalog_close(catalog);
    return os_tree_remove(argv[1], &err) < 0;
}
