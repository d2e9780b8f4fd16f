/* history.c — long histories and many objects: log, merge bases, collection.
 *
 *     bench_history DIRECTORY [COMMITS [OBJECTS]] */
#include "catalog/history.h"
#include "bench/lab.h"
#include "catalog/collect.h"
#include "os/dir.h"

#define SIDE_EVERY 10 /* in the graph with merges: so many commits, then one merges a side of 3 */

struct graph {
    struct catalog *catalog;
    struct object_list objects;
    struct hash tree;
    struct hash *line; /* of the first parents, oldest first */
    size_t n_line;
    size_t n_all;
};

static struct hash add(struct graph *graph, const struct hash *parent, const struct hash *second,
                       corrie_error *err)
{
    char message[64];
    struct commit commit = {.author = STR("bench"), .tree = graph->tree};
    struct hash made;

    snprintf(message, sizeof message, "commit %zu", graph->n_all++);
    commit.message = str_of(message);
    commit.commit_time = commit.author_time = (int64_t)graph->n_all * 1000000000;
    if (parent) {
        commit.parents[commit.n_parents++] = *parent;
    }
    if (second) {
        commit.parents[commit.n_parents++] = *second;
    }
    ok(commit_add(graph->catalog, &commit, &graph->objects, &made, err));
    return made;
}

static void grow(struct graph *graph, size_t n, bool merges, corrie_error *err)
{
    struct hash side = {{0}};

    graph->line = calloc(n, sizeof *graph->line);
    while (graph->n_all < n) {
        size_t i = graph->n_line;
        const struct hash *parent = i > 0 ? &graph->line[i - 1] : NULL;
        bool ends = merges && i > 0 && i % SIDE_EVERY == 0;

        graph->line[graph->n_line++] = add(graph, parent, ends ? &side : NULL, err);
        if (merges && i % SIDE_EVERY == 0) {
            side = graph->line[i];
            for (int k = 0; k < 3; k++) {
                side = add(graph, &side, NULL, err);
            }
        }
    }
}

static void store(struct graph *graph, const char *ref, const struct hash *head, corrie_error *err)
{
    struct catalog_move move = {
        .ref = str_of(ref), .kind = CATALOG_BRANCH, .new_commit = *head, .who = STR("bench")};

    ok(catalog_commit(graph->catalog, &graph->objects, &move, err));
    object_list_done(&graph->objects);
    graph->objects = (struct object_list){0};
}

static void walk(struct catalog *catalog, const struct hash *from, bool first_parent, size_t limit,
                 corrie_error *err)
{
    struct history_walk *walk;
    const struct commit *commit;
    size_t n = 0;

    ok(history_walk_open(catalog, from, first_parent, &walk, err));
    while (n < limit && history_walk_next(walk, &commit, err) == 1) {
        n++;
    }
    history_walk_close(walk);
}

static void time_bases(const char *directory, const char *side, const struct hash *a,
                       const struct hash *b, const char *question, corrie_error *err)
{
    struct series series = {.n = 0};

    snprintf(series.side, sizeof series.side, "%s", side);
    for (int i = 0; i < 5; i++) {
        struct catalog *catalog;
        struct hash found[4];
        size_t n;
        int64_t start = clock_monotonic();

        ok(catalog_open(directory, NULL, &catalog, err));
        ok(history_merge_bases(catalog, a, b, found, 4, &n, err));
        take(&series, start);
        catalog_close(catalog);
        if (n != 1) {
            exit(1);
        }
    }
    print_series(&series, question);
}

static void time_walk(const char *directory, const char *side, const struct hash *head,
                      bool first_parent, size_t limit, const char *question, corrie_error *err)
{
    struct series series = {.n = 0};

    snprintf(series.side, sizeof series.side, "%s", side);
    for (int i = 0; i < 5; i++) {
        struct catalog *catalog;
        int64_t start = clock_monotonic();

        ok(catalog_open(directory, NULL, &catalog, err));
        walk(catalog, head, first_parent, limit, err);
        take(&series, start);
        catalog_close(catalog);
    }
    print_series(&series, question);
}

static void history(const char *directory, size_t n, bool merges, corrie_error *err)
{
    struct graph graph = {.catalog = lab_make(directory, 10, err)};
    struct hash main = head_of(graph.catalog, "main", err);
    struct hash tips[3];
    size_t backs[3] = {10, 1000, n / 4};
    char question[100];

    graph.tree = tree_of(graph.catalog, &main, err);
    grow(&graph, n, merges, err);
    struct hash head = graph.line[graph.n_line - 1];
    for (int i = 0; i < 3; i++) {
        tips[i] = graph.line[graph.n_line - backs[i]];
        for (int k = 0; k < 5; k++) {
            tips[i] = add(&graph, &tips[i], NULL, err);
        }
    }
    store(&graph, "long", &head, err);
    for (int i = 0; i < 3; i++) {
        char name[16];

        snprintf(name, sizeof name, "tip%d", i);
        move_ref(graph.catalog, name, NULL, &tips[i], err);
    }
    catalog_close(graph.catalog);
    snprintf(question, sizeof question, "history of %zu commits, %s (with the open)", n,
             merges ? "every tenth a merge" : "linear");
    time_walk(directory, "log, the first 10", &head, false, 10, question, err);
    time_walk(directory, "log, all", &head, false, SIZE_MAX, question, err);
    time_walk(directory, "log, all, first parents", &head, true, SIZE_MAX, question, err);
    for (int i = 0; i < 3; i++) {
        char side[64];

        snprintf(side, sizeof side, "merge base %zu commits back", backs[i]);
        time_bases(directory, side, &head, &tips[i], question, err);
    }
    free(graph.line);
    ok(os_tree_remove(directory, err));
}

/* ---- collection ---- */

#define N_TABLES 20000
#define CHANGED 2000 /* tables a commit: about as many objects */

static struct tree_edit small_edit(struct arena *arena, size_t i, uint64_t number)
{
    struct tree_edit edit = {.key = table_key(arena, i)};

    memcpy(edit.value.id.bytes, &i, sizeof i);
    edit.value.doc =
        str_of(arena_printf(arena, "{\"n\":%llu}", (unsigned long long)(number >> 16)));
    return edit;
}

static void commit_many(struct catalog *catalog, const char *ref, size_t n, corrie_error *err)
{
    for (size_t i = 0; i < n; i++) {
        _cleanup_(arena_done) struct arena arena = {0};
        static struct tree_edit edits[CHANGED];
        uint64_t dice;

        random_bytes(&dice, sizeof dice);
        for (size_t k = 0; k < CHANGED; k++) {
            edits[k] = small_edit(&arena, (size_t)(dice + k * 9) % N_TABLES, dice * (k + 1));
        }
        ok(publish(catalog, ref, edits, CHANGED, err));
    }
}

static int see_value(void *arg, struct str key, const struct tree_value *value, corrie_error *err)
{
    (void)key;
    (void)value;
    (void)err;
    ++*(uint64_t *)arg;
    return 0;
}

static void collection(const char *directory, size_t n_objects, corrie_error *err)
{
    struct catalog *catalog = lab_make(directory, 0, err);
    struct collect *collect;
    uint64_t n_values = 0;
    struct collect_options options = {.arg = &n_values, .value = see_value};
    struct collect_counts counts;
    size_t n_commits = n_objects / CHANGED / 2;
    struct hash head = head_of(catalog, "main", err);
    char question[100];
    int64_t start;

    commit_many(catalog, "main", n_commits, err);
    move_ref(catalog, "gone", NULL, &head, err);
    commit_many(catalog, "gone", n_commits, err);
    head = head_of(catalog, "gone", err);
    move_ref(catalog, "gone", &head, NULL, err);
    catalog_close(catalog);
    int64_t before = file_bytes(directory, err);
    clock_sleep(2100000000);
    ok(catalog_open(directory, NULL, &catalog, err));
    options.cutoff = options.reflog_since = clock_now();
    ok(collect_begin(catalog, &options, &collect, err));
    start = clock_monotonic();
    ok(collect_mark(collect, err));
    int64_t marked = clock_monotonic();
    ok(collect_sweep(collect, err));
    int64_t swept = clock_monotonic();
    counts = *collect_counts(collect);
    collect_end(collect);
    catalog_close(catalog);

    snprintf(question, sizeof question, "collection of %.0f k objects, half of them garbage",
             (double)(counts.kept_objects + counts.swept_objects) / 1000);
    print_count(question, "mark", (double)(marked - start) / 1e6, "ms");
    print_count(question, "sweep, with pauses for others", (double)(swept - marked) / 1e6, "ms");
    print_count(question, "objects kept", (double)counts.kept_objects, "");
    print_count(question, "objects swept", (double)counts.swept_objects, "");
    print_count(question, "values told", (double)n_values, "");
    print_count(question, "file before", (double)before / 1e6, "MB");
    print_count(question, "file after", (double)file_bytes(directory, err) / 1e6, "MB");
    ok(os_tree_remove(directory, err));
}

int main(int argc, char **argv)
{
    corrie_error error = CORRIE_ERROR_INIT;
    corrie_error *err = &error;
    size_t n_commits = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000;
    size_t n_objects = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000000;

    if (argc < 2 || n_commits < 4000) {
        fprintf(stderr, "usage: bench_history DIRECTORY [COMMITS [OBJECTS]]\n");
        return 2;
    }
    history(argv[1], n_commits, false, err);
    history(argv[1], n_commits, true, err);
    if (n_objects > 0) {
        collection(argv[1], n_objects, err);
    }
    return 0;
}
