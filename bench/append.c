/* append.c — appends of ten rows, from the first to the thousandth, in one process: how an append grows with what was
 * appended before it.
 *
 *     bench_append DIRECTORY [APPENDS] */
#include <corrie/corrie.h>

#include "bench/lab.h"

#define WINDOW 20 /* appends that make one figure */

int main(int argc, char **argv)
{
    corrie_error error = CORRIE_ERROR_INIT;
    corrie_error *err = &error;
    long n = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
    struct series series = {0};
    corrie_lake *lake = NULL;
    char *json = NULL;

    if (argc < 2 || n < 4 * WINDOW) {
        fprintf(stderr, "bench_append DIRECTORY [APPENDS, at least %d]\n", 4 * WINDOW);
        return 2;
    }

    corrie_sql_options options = {.size = sizeof options, .branch = "main"};
    corrie_lake_options lake_options = {.size = sizeof lake_options, .url = argv[1]};

    n = n / (2 * WINDOW) * 2 * WINDOW;
    ok(corrie_lake_open(&lake_options, &lake, err));
    ok(corrie_sql(lake, "CREATE TABLE t (id BIGINT, name VARCHAR, price DOUBLE)", &options, &json,
                  err));
    corrie_free(json);
    for (long i = 0; i < n; i++) {
        char sql[200];
        int64_t start;

        snprintf(sql, sizeof sql,
                 "INSERT INTO t SELECT i, 'name ' || i, i / 3 FROM range(%ld, %ld) v(i)", i * 10,
                 i * 10 + 10);
        start = clock_monotonic();
        ok(corrie_sql(lake, sql, &options, &json, err));
        take(&series, start);
        corrie_free(json);
        if (i + 1 == WINDOW || i + 1 == n / 2 || i + 1 == n) {
            snprintf(series.side, sizeof series.side, "corrie, in process, up to the %ldth", i + 1);
            print_series(&series, "append of ten rows");
        }
        if (series.n == WINDOW) {
            series.n = 0;
        }
    }
    corrie_lake_close(lake);
    return 0;
}
