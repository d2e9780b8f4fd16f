/* fill.c — makes the catalog of a lake large, so that the program can be measured on it.
 *
 *     bench_fill CATALOG tables N          N further tables on main, of 20 namespaces, in one commit
 *     bench_fill CATALOG commits N SHAPE   N further commits on main; SHAPE: line, merges (every tenth one
 *                                          ends a side of three), lanes (8 lines beside each other that a
 *                                          commit of eight parents joins at the end), crosses (two lines
 *                                          that merge each other every 4 commits)
 *     bench_fill CATALOG refs N            N branches at main's head
 *
 * The tables' files are not there: only what looks into none of them works on them. */
#include "bench/lab.h"

#include <string.h>

struct growth {
    struct catalog *catalog;
    struct object_list objects;
    struct hash tree;
    struct hash start;
    size_t n_made;
};

static void add_tables(struct catalog *catalog, size_t n, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, n + 20);

    for (size_t i = 0; i < n; i++) {
        edits[i] = table_edit(&arena, i, 0);
        edits[i].value.has_origin = false;
    }
    for (size_t i = 0; i < 20; i++) {
        struct tree_edit edit = {.value = {.id = uuid_random(), .doc = STR("{}")}};
        struct key key;

        ok(KEY_MAKE(&key, err, STR("namespace"), str_of(arena_printf(&arena, "area%zu", i))));
        ok(arena_str(&arena, key_str(&key), &edit.key));
        edits[n + i] = edit;
    }
    ok(publish(catalog, "main", edits, n + 20, err));
}

static struct hash add(struct growth *growth, const struct hash *parents, size_t n_parents,
                       corrie_error *err)
{
    struct commit commit = {.author = STR("bench"), .tree = growth->tree, .n_parents = n_parents};
    char message[64];
    struct hash made;

    snprintf(message, sizeof message, "commit %zu of many", growth->n_made++);
    commit.message = str_of(message);
    commit.commit_time = commit.author_time = clock_now();
    memcpy(commit.parents, parents, n_parents * sizeof *parents);
    ok(commit_add(growth->catalog, &commit, &growth->objects, &made, err));
    return made;
}

static struct hash grow_line(struct growth *growth, size_t n, bool merges, corrie_error *err)
{
    struct hash parents[2] = {growth->start};

    while (growth->n_made < n) {
        size_t n_parents = 1;

        if (merges && growth->n_made % 13 == 9) {
            parents[1] = parents[0];
            for (int k = 0; k < 3; k++) {
                parents[1] = add(growth, &parents[1], 1, err);
            }
            n_parents = 2;
        }
        parents[0] = add(growth, parents, n_parents, err);
    }
    return parents[0];
}

static struct hash grow_lanes(struct growth *growth, size_t n, corrie_error *err)
{
    struct hash lanes[COMMIT_PARENTS_MAX];

    for (size_t i = 0; i < COMMIT_PARENTS_MAX; i++) {
        lanes[i] = growth->start;
    }
    while (growth->n_made < n) {
        for (size_t i = 0; i < COMMIT_PARENTS_MAX; i++) {
            lanes[i] = add(growth, &lanes[i], 1, err);
        }
    }
    return add(growth, lanes, COMMIT_PARENTS_MAX, err);
}

static struct hash grow_crosses(struct growth *growth, size_t n, corrie_error *err)
{
    struct hash a = growth->start;
    struct hash b = growth->start;

    while (growth->n_made < n) {
        struct hash first[2];
        struct hash second[2];

        for (int k = 0; k < 4; k++) {
            a = add(growth, &a, 1, err);
            b = add(growth, &b, 1, err);
        }
        first[0] = second[1] = a;
        first[1] = second[0] = b;
        a = add(growth, first, 2, err);
        b = add(growth, second, 2, err);
    }
    return a;
}

static void add_commits(struct catalog *catalog, size_t n, const char *shape, corrie_error *err)
{
    struct hash head = head_of(catalog, "main", err);
    struct growth growth = {
        .catalog = catalog, .start = head, .tree = tree_of(catalog, &head, err)};
    struct catalog_move move = {.ref = STR("main"),
                                .kind = CATALOG_BRANCH,
                                .expected = head,
                                .who = STR("bench"),
                                .why = STR("bench")};

    if (strcmp(shape, "lanes") == 0) {
        move.new_commit = grow_lanes(&growth, n, err);
    } else if (strcmp(shape, "crosses") == 0) {
        move.new_commit = grow_crosses(&growth, n, err);
    } else {
        move.new_commit = grow_line(&growth, n, strcmp(shape, "merges") == 0, err);
    }
    ok(catalog_commit(catalog, &growth.objects, &move, err));
    object_list_done(&growth.objects);
}

static void add_refs(struct catalog *catalog, size_t n, corrie_error *err)
{
    struct hash head = head_of(catalog, "main", err);

    for (size_t i = 0; i < n; i++) {
        char name[64];

        snprintf(name, sizeof name, "user%zu.work-%zu", i % 100, i);
        move_ref(catalog, name, NULL, &head, err);
    }
}

int main(int argc, char **argv)
{
    corrie_error error = CORRIE_ERROR_INIT;
    corrie_error *err = &error;
    size_t n = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    struct catalog *catalog;

    if (n == 0) {
        fprintf(stderr, "usage: bench_fill CATALOG tables|commits|refs N [SHAPE]\n");
        return 2;
    }
    ok(catalog_open(argv[1], NULL, &catalog, err));
    if (strcmp(argv[2], "tables") == 0) {
        add_tables(catalog, n, err);
    } else if (strcmp(argv[2], "commits") == 0) {
        add_commits(catalog, n, argc > 4 ? argv[4] : "line", err);
    } else {
        add_refs(catalog, n, err);
    }
    catalog_close(catalog);
    return 0;
}
