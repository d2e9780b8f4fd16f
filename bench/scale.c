/* scale.c — what the catalog's operations cost at several sizes, in interleaved rounds.
 *
 *     bench_scale DIRECTORY ROUNDS TABLES…
 *
 * One catalog a size, all of them open at once; in each round each operation is done once on each.
 * Changes are durable. */
#include "bench/lab.h"
#include "os/dir.h"

enum operation {
    OPEN_AND_LOOK_UP,
    LOOK_UP,
    LIST_PAGE,
    DIFF,
    BRANCH,
    COMMIT,
    COMMIT_TEN,
    MERGE,
    N_OPERATIONS
};

static const char *const names[N_OPERATIONS] = {
    [OPEN_AND_LOOK_UP] = "open, look up one table",
    [LOOK_UP] = "look up one table",
    [LIST_PAGE] = "list a page of 100 tables",
    [DIFF] = "diff of 10 changed keys",
    [BRANCH] = "create a branch",
    [COMMIT] = "commit one table",
    [COMMIT_TEN] = "commit 10 tables",
    [MERGE] = "merge of 10 and 10 changed keys",
};

struct size {
    size_t n_tables;
    char directory[4096];
    struct catalog *catalog;
    struct hash first;
    struct series series[N_OPERATIONS];
};

static size_t pick(size_t n_tables)
{
    uint64_t dice;

    random_bytes(&dice, sizeof dice);
    return (size_t)(dice % n_tables);
}

static void look_up(struct catalog *catalog, size_t n_tables, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct hash head = head_of(catalog, "main", err);
    struct hash tree = tree_of(catalog, &head, err);
    struct tree_value value;

    if (tree_get(catalog, &tree, table_key(&arena, pick(n_tables)), &arena, &value, err) != 1) {
        stop(err);
    }
}

static void open_and_look_up(struct size *size, corrie_error *err)
{
    struct catalog *catalog;

    ok(catalog_open(size->directory, NULL, &catalog, err));
    look_up(catalog, size->n_tables, err);
    catalog_close(catalog);
}

static size_t list(struct size *size, struct str prefix, size_t limit, corrie_error *err)
{
    struct hash head = head_of(size->catalog, "main", err);
    struct hash tree = tree_of(size->catalog, &head, err);
    struct tree_cursor *cursor;
    struct tree_value value;
    struct str key;
    size_t n = 0;

    ok(tree_cursor_open(size->catalog, &tree, prefix, &cursor, err));
    while (n < limit && tree_cursor_next(cursor, &key, &value, err) == 1) {
        n++;
    }
    tree_cursor_close(cursor);
    return n;
}

static int count_change(void *arg, struct str key, const struct tree_value *old_value,
                        const struct tree_value *new_value, corrie_error *err)
{
    (void)key;
    (void)old_value;
    (void)new_value;
    (void)err;
    ++*(size_t *)arg;
    return 0;
}

static void diff(struct size *size, const struct hash *old_head, corrie_error *err)
{
    struct hash head = head_of(size->catalog, "main", err);
    struct hash old_tree = tree_of(size->catalog, old_head, err);
    struct hash tree = tree_of(size->catalog, &head, err);
    size_t n = 0;

    ok(tree_diff(size->catalog, &old_tree, &tree, STR_EMPTY, count_change, &n, err));
    if (n == 0 || n > 10) {
        exit(1);
    }
}

/* `k` tables, the first at random, all over the tree; of two calls with other `half` none is in
 * both. */
static void change(struct size *size, const char *ref, size_t k, size_t half, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit edits[10];
    size_t step = size->n_tables / k;
    size_t start = pick(step > 1 ? step / 2 : 1) + half * (step / 2);

    for (size_t i = 0; i < k; i++) {
        edits[i] = table_edit(&arena, (start + i * step) % size->n_tables, 1);
    }
    ok(publish(size->catalog, ref, edits, k, err));
}

static void merge(struct size *size, const struct hash *source, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct branch_merge merge = {.ref = STR("main"), .source = *source};
    struct publish_result result;

    merge.commit.author = STR("bench");
    merge.commit.message = STR("merge");
    ok(catalog_merge(size->catalog, &merge, &result, &report, err));
}

static void one_round(struct size *size, size_t round, corrie_error *err)
{
    struct hash head;
    int64_t start;
    char name[64];

    snprintf(name, sizeof name, "dev-%zu", round);
    start = clock_monotonic();
    open_and_look_up(size, err);
    take(&size->series[OPEN_AND_LOOK_UP], start);
    start = clock_monotonic();
    look_up(size->catalog, size->n_tables, err);
    take(&size->series[LOOK_UP], start);
    start = clock_monotonic();
    list(size, STR("table\0area7\0"), 100, err);
    take(&size->series[LIST_PAGE], start);

    start = clock_monotonic();
    change(size, "main", 1, 0, err);
    take(&size->series[COMMIT], start);
    head = head_of(size->catalog, "main", err);
    start = clock_monotonic();
    move_ref(size->catalog, name, NULL, &head, err);
    take(&size->series[BRANCH], start);

    if (size->n_tables >= 40) { /* below there are not 20 to change */
        change(size, name, 10, 1, err);
        head = head_of(size->catalog, "main", err);
        start = clock_monotonic();
        change(size, "main", 10, 0, err);
        take(&size->series[COMMIT_TEN], start);
        start = clock_monotonic();
        diff(size, &head, err);
        take(&size->series[DIFF], start);
        head = head_of(size->catalog, name, err);
        start = clock_monotonic();
        merge(size, &head, err);
        take(&size->series[MERGE], start);
    }
}

static void bytes_a_commit(struct size *size, corrie_error *err)
{
    char question[100];
    char side[100];
    int64_t before;

    catalog_close(size->catalog); /* moves everything into the file */
    before = file_bytes(size->directory, err);
    ok(catalog_open(size->directory, NULL, &size->catalog, err));
    for (int i = 0; i < 500; i++) {
        change(size, "main", 1, 0, err);
    }
    catalog_close(size->catalog);
    snprintf(question, sizeof question, "bytes that a one-table commit adds");
    snprintf(side, sizeof side, "%zu tables", size->n_tables);
    print_count(question, side, (double)(file_bytes(size->directory, err) - before) / 500, "bytes");
    ok(catalog_open(size->directory, NULL, &size->catalog, err));
}

static void whole_list(struct size *size, corrie_error *err)
{
    struct series series = {.n = 0};

    snprintf(series.side, sizeof series.side, "%zu tables", size->n_tables);
    for (int i = 0; i < 3; i++) {
        int64_t start = clock_monotonic();

        if (list(size, STR_EMPTY, SIZE_MAX, err) != size->n_tables) {
            exit(1);
        }
        take(&series, start);
    }
    print_series(&series, "list all tables");
}

int main(int argc, char **argv)
{
    corrie_error error = CORRIE_ERROR_INIT;
    corrie_error *err = &error;
    size_t n_sizes = argc > 3 ? (size_t)argc - 3 : 0;
    size_t n_rounds = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    struct size *sizes = calloc(n_sizes ? n_sizes : 1, sizeof *sizes);

    if (n_rounds == 0 || !sizes) {
        fprintf(stderr, "usage: bench_scale DIRECTORY ROUNDS TABLES…\n");
        return 2;
    }
    ok(os_dir_make_new(argv[1], 0755, err));
    for (size_t s = 0; s < n_sizes; s++) {
        struct size *size = &sizes[s];

        size->n_tables = strtoul(argv[3 + s], NULL, 10);
        snprintf(size->directory, sizeof size->directory, "%s/%zu", argv[1], size->n_tables);
        size->catalog = lab_make(size->directory, size->n_tables, err);
        bytes_a_commit(size, err);
        for (size_t k = 0; k < N_OPERATIONS; k++) {
            snprintf(size->series[k].side, sizeof size->series[k].side, "%zu tables",
                     size->n_tables);
        }
    }
    for (size_t i = 0; i < n_rounds; i++) {
        for (size_t s = 0; s < n_sizes; s++) {
            one_round(&sizes[s], i, err);
        }
    }
    for (size_t k = 0; k < N_OPERATIONS; k++) {
        for (size_t s = 0; s < n_sizes; s++) {
            if (sizes[s].series[k].n > 0) {
                print_series(&sizes[s].series[k], names[k]);
            }
        }
    }
    for (size_t s = 0; s < n_sizes; s++) {
        whole_list(&sizes[s], err);
        catalog_close(sizes[s].catalog);
    }
    return os_tree_remove(argv[1], err) < 0;
}
