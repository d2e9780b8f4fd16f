/* victim.c — a program that does what its arguments say, to have the power cut from under it.
 *
 * Arguments are commands, each with its operands: see `commands` below. `ack TEXT` prints a line: what a user
 * would have been told. Any failure ends it with status 1 and a message. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "os/dir.h"
#include "os/fault.h"
#include "store/store.h"

static void failed(const char *what)
{
    fprintf(stderr, "victim: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void check(int r, corrie_error *err)
{
    if (r < 0) {
        fprintf(stderr, "victim: %s\n", corrie_error_message(err));
        exit(1);
    }
}

static void put(const char *path, int flags, off_t offset, const char *text)
{
    int fd = open(path, flags, 0666);
    ssize_t len = (ssize_t)strlen(text);
    ssize_t n;

    if (fd < 0) {
        failed(path);
    }
    n = offset < 0 ? write(fd, text, (size_t)len) : pwrite(fd, text, (size_t)len, offset);
    if (n != len || close(fd) < 0) {
        failed(path);
    }
}

static void do_write(char **a)
{
    put(a[0], O_WRONLY | O_CREAT | O_TRUNC, -1, a[1]);
}

static void do_append(char **a)
{
    put(a[0], O_WRONLY | O_APPEND | O_CREAT, -1, a[1]);
}

static void do_pwrite(char **a)
{
    put(a[0], O_WRONLY, strtol(a[1], NULL, 10), a[2]);
}

static void do_truncate(char **a)
{
    if (truncate(a[0], strtol(a[1], NULL, 10)) < 0) {
        failed(a[0]);
    }
}

static void do_sync(char **a)
{
    int fd = open(a[0], O_RDONLY);

    if (fd < 0 || fsync(fd) < 0 || close(fd) < 0) {
        failed(a[0]);
    }
}

static void do_mkdir(char **a)
{
    if (mkdir(a[0], 0777) < 0) {
        failed(a[0]);
    }
}

static void do_rename(char **a)
{
    if (rename(a[0], a[1]) < 0) {
        failed(a[0]);
    }
}

static void do_unlink(char **a)
{
    if (unlink(a[0]) < 0) {
        failed(a[0]);
    }
}

static void do_rmdir(char **a)
{
    if (rmdir(a[0]) < 0) {
        failed(a[0]);
    }
}

static void do_link(char **a)
{
    if (link(a[0], a[1]) < 0) {
        failed(a[0]);
    }
}

static void do_ack(char **a)
{
    printf("%s\n", a[0]);
    fflush(stdout);
}

static void do_kill(char **a)
{
    (void)a;
    raise(SIGKILL);
}

/* ---- ours ---- */

static void do_mkdirs(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;

    check(os_dir_make(a[0], 0777, &err), &err);
}

static void do_replace(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;

    check(os_file_replace(a[0], str_of(a[1]), 0666, &err), &err);
}

static void do_create(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;

    check(os_file_create(a[0], str_of(a[1]), 0666, &err), &err);
}

static struct store *here(void)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct store *store = NULL;

    check(store_open(STR("."), &store, &err), &err);
    return store;
}

static void do_store_put(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct store *store = here();

    check(store_put(store, str_of(a[0]), str_of(a[1]), &err), &err);
    store_close(store);
}

static void do_store_put_before(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct store *store = here();

    check(store_put_before(store, str_of(a[0]), str_of(a[1]), &err), &err);
    store_close(store);
}

static void do_store_delete(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct store *store = here();

    check(store_delete(store, str_of(a[0]), &err), &err);
    store_close(store);
}

static void do_store_sync(char **a)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct store *store = here();
    struct str key = str_of(a[0]);

    check(store_sync(store, &key, 1, &err), &err);
    store_close(store);
}

/* Allocations of ours fail from here on. */
static void do_starve(char **a)
{
    os_fault_arm_alloc(strtoull(a[0], NULL, 10), 1);
}

/* ---- libraries ---- */

static void sql(sqlite3 *db, const char *text)
{
    char *message = NULL;

    if (sqlite3_exec(db, text, NULL, NULL, &message) != SQLITE_OK) {
        fprintf(stderr, "victim: %s: %s\n", text, message);
        exit(1);
    }
}

/* N transactions with synchronous=FULL or OFF, each acknowledged by its number once it is committed. */
static void do_sqlite(char **a)
{
    long n = strtol(a[1], NULL, 10);
    char pragma[64];
    sqlite3 *db;

    if (sqlite3_open(a[0], &db) != SQLITE_OK) {
        failed(a[0]);
    }
    snprintf(pragma, sizeof pragma, "PRAGMA synchronous=%s", a[2]);
    sql(db, "PRAGMA journal_mode=WAL");
    sql(db, pragma);
    sql(db, "PRAGMA wal_autocheckpoint=4;"
            "CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, b BLOB)");
    for (long i = 1; i <= n; i++) {
        sql(db, "BEGIN IMMEDIATE; INSERT INTO t(b) VALUES (randomblob(9000)); COMMIT");
        printf("%ld\n", i);
        fflush(stdout);
    }
    sqlite3_close(db);
}

/* A Parquet file, as an import writes it. CORRIE_DUCKDB names the library. */
static void do_parquet(char **a)
{
    void *library = dlopen(getenv("CORRIE_DUCKDB"), RTLD_NOW | RTLD_LOCAL);
    int (*db_open)(const char *, void **);
    int (*db_connect)(void *, void **);
    int (*db_query)(void *, const char *, void *);
    void *db, *connection;
    char text[500];

    if (!library) {
        fprintf(stderr, "victim: %s\n", dlerror());
        exit(1);
    }
    *(void **)&db_open = dlsym(library, "duckdb_open");
    *(void **)&db_connect = dlsym(library, "duckdb_connect");
    *(void **)&db_query = dlsym(library, "duckdb_query");
    snprintf(text, sizeof text,
             "COPY (SELECT i, hash(i) h FROM range(200000) t(i)) TO '%s' (FORMAT parquet)", a[0]);
    if (db_open(NULL, &db) || db_connect(db, &connection) || db_query(connection, text, NULL)) {
        errno = EIO;
        failed(text);
    }
}

static const struct {
    const char *name;
    int operands;
    void (*run)(char **operands);
} commands[] = {
    {"write", 2, do_write},
    {"append", 2, do_append},
    {"pwrite", 3, do_pwrite},
    {"truncate", 2, do_truncate},
    {"sync", 1, do_sync},
    {"mkdir", 1, do_mkdir},
    {"rename", 2, do_rename},
    {"unlink", 1, do_unlink},
    {"rmdir", 1, do_rmdir},
    {"link", 2, do_link},
    {"ack", 1, do_ack},
    {"kill", 0, do_kill},
    {"mkdirs", 1, do_mkdirs},
    {"replace", 2, do_replace},
    {"create", 2, do_create},
    {"store-put", 2, do_store_put},
    {"store-put-before", 2, do_store_put_before},
    {"store-delete", 1, do_store_delete},
    {"store-sync", 1, do_store_sync},
    {"starve", 1, do_starve},
    {"sqlite", 3, do_sqlite},
    {"parquet", 1, do_parquet},
};

int main(int argc, char **argv)
{
    corrie_error err = CORRIE_ERROR_INIT;

    check(os_fault_from_env(&err), &err);
    for (int i = 1; i < argc;) {
        size_t which = 0;

        while (which < ARRAY_LEN(commands) && strcmp(commands[which].name, argv[i]) != 0) {
            which++;
        }
        if (which == ARRAY_LEN(commands) || i + commands[which].operands >= argc) {
            fprintf(stderr, "victim: %s: no such command or operands missing\n", argv[i]);
            return 2;
        }
        commands[which].run(&argv[i + 1]);
        i += 1 + commands[which].operands;
    }
    return 0;
}
