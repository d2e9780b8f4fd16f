/* bench_query LAKE NAMESPACE: answers queries in one process, for bench/tpch.py. Each line of standard input is one SELECT; for each
 * a line goes out when the last row is there: milliseconds, rows. The lake is open all the time. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include <nanoarrow/nanoarrow.h>

#include <corrie/lake.h>
#include <corrie/run.h>

static void stop(corrie_error *err)
{
    fprintf(stderr, "bench_query: %s\n", corrie_error_message(err));
    exit(1);
}

/* Runs a query to its end and returns its rows. */
static int64_t drain(corrie_lake *lake, const char *name_space, const char *sql, corrie_error *err)
{
    corrie_query_options options = {.size = sizeof(options), .default_namespace = name_space};
    struct ArrowArrayStream rows;
    if (corrie_query(lake, sql, &options, &rows, err) < 0) {
        stop(err);
    }
    int64_t n = 0;
    for (;;) {
        struct ArrowArray batch = {0};
        if (rows.get_next(&rows, &batch)) {
            corrie_stream_error(&rows, err);
            stop(err);
        }
        if (!batch.release) {
            break;
        }
        n += batch.length;
        batch.release(&batch);
    }
    rows.release(&rows);
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_query LAKE NAMESPACE\n");
        return 2;
    }
    corrie_error err = CORRIE_ERROR_INIT;
    corrie_lake_options options = {.size = sizeof(options), .url = argv[1]};
    corrie_lake *lake = NULL;
    if (corrie_lake_open(&options, &lake, &err) < 0) {
        stop(&err);
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        int64_t start = clock_monotonic();
        int64_t rows = drain(lake, argv[2], line, &err);
        printf("%.3f %" PRId64 "\n", (double)(clock_monotonic() - start) / 1e6, rows);
        fflush(stdout);
    }
    free(line);
    corrie_lake_close(lake);
    corrie_error_clear(&err);
    return 0;
}
