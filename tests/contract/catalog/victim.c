/* victim.c — a program that changes a catalog, to have things happen to it.
 *
 *     catalog_victim create DIRECTORY
 *     catalog_victim commit DIRECTORY NUMBER        sets table "t" to NUMBER on main
 *     catalog_victim many DIRECTORY NAME COUNT      COUNT commits on main, each a table of its own
 *     catalog_victim same DIRECTORY NAME COUNT      COUNT commits that rewrite one table
 *     catalog_victim branches DIRECTORY NAME COUNT  COUNT times a branch with a commit, deleted, and
 *                                                   some brought back: what is there must be whole
 *     catalog_victim collect DIRECTORY COUNT        COUNT collections of all that is older than now
 *
 * Exit status: 0 done, else the negated code; the message goes to standard error. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "catalog/catalog_priv.h"
#include "catalog/collect.h"
#include "catalog/merge.h"
#include "os/fault.h"

static int put(struct catalog *catalog, const char *ref_name, const char *name, long number,
               corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    char doc[64];
    struct tree_edit edit = {.is_delete = false};
    struct publish publish = {.ref = str_of(ref_name), .edits = &edit, .n_edits = 1};
    struct publish_result result;
    struct catalog_ref ref;
    struct hash id = hash_bytes(str_of(name));
    struct key key;
    int r;

    snprintf(doc, sizeof doc, "{\"n\":%ld}", number);
    memcpy(edit.value.id.bytes, id.bytes, sizeof edit.value.id.bytes);
    edit.value.doc = str_of(doc);
    r = KEY_MAKE(&key, err, STR("table"), str_of(name));
    edit.key = key_str(&key);
    if (r >= 0) {
        r = catalog_ref_get(catalog, publish.ref, &ref, err);
    }
    if (r < 0) {
        return r;
    }
    publish.start = ref.commit;
    publish.commit.author = STR("victim");
    publish.commit.message = str_of(name);
    return catalog_publish(catalog, &publish, &result, &report, err);
}

static int collect(struct catalog *catalog, corrie_error *err)
{
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.cutoff = clock_now(), .reflog_since = INT64_MAX};
    int r = collect_begin(catalog, &options, &collect, err);

    if (r >= 0) {
        r = collect_mark(collect, err);
    }
    return r < 0 ? r : collect_sweep(collect, err);
}

static int move(struct catalog *catalog, const char *ref, const struct hash *from,
                const struct hash *to, corrie_error *err)
{
    struct catalog_move move = {.ref = str_of(ref), .kind = CATALOG_BRANCH, .why = STR("victim")};

    if (from) {
        move.expected = *from;
    }
    if (to) {
        move.new_commit = *to;
    }
    return catalog_commit(catalog, NULL, &move, err);
}

/* Reads all of a commit's tree through a handle that knows nothing yet. */
static int read_whole(const char *directory, const struct hash *commit, corrie_error *err)
{
    _cleanup_(catalog_closep) struct catalog *fresh = NULL;
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_stats stats;
    struct commit read;
    int r = catalog_open(directory, NULL, &fresh, err);

    if (r >= 0) {
        r = commit_read(fresh, commit, &arena, &read, err);
    }
    return r < 0 ? r : tree_check(fresh, &read.tree, &stats, err);
}

#define N_OLD 16

static int branches(struct catalog *catalog, const char *directory, const char *name, long count,
                    corrie_error *err)
{
    struct hash old[N_OLD]; /* where the branch stood when it was deleted */
    int r = 0;

    for (long i = 0; r >= 0 && i < count; i++) {
        const struct hash *again = i >= N_OLD && i % 3 == 0 ? &old[(i * 7) % N_OLD] : NULL;
        struct catalog_ref ref;

        r = catalog_ref_get(catalog, STR("main"), &ref, err);
        if (r >= 0) {
            r = move(catalog, name, NULL, again ? again : &ref.commit, err);
        }
        if (r == CORRIE_E_NOT_FOUND && again) { /* it was collected: said before, not found later */
            corrie_error_clear(err);
            again = NULL;
            r = move(catalog, name, NULL, &ref.commit, err);
        }
        if (r >= 0 && again) {
            r = read_whole(directory, again, err);
        }
        if (r >= 0) {
            r = put(catalog, name, "mine", i % 5, err);
        }
        if (r >= 0) {
            r = catalog_ref_get(catalog, str_of(name), &ref, err);
        }
        if (r >= 0) {
            old[i % N_OLD] = ref.commit;
            r = i % 4 == 0 ? read_whole(directory, &ref.commit, err) : 0;
        }
        if (r >= 0) {
            r = move(catalog, name, &old[i % N_OLD], NULL, err);
        }
    }
    return r;
}

static int run(int argc, char **argv, corrie_error *err)
{
    _cleanup_(catalog_closep) struct catalog *catalog = NULL;
    int r = os_fault_from_env(err);

    if (r < 0) {
        return r;
    }
    if (strcmp(argv[1], "create") == 0) {
        return catalog_create(argv[2], err);
    }
    r = catalog_open(argv[2], NULL, &catalog, err);
    if (r >= 0 && strcmp(argv[1], "commit") == 0 && argc == 4) {
        return put(catalog, "main", "t", strtol(argv[3], NULL, 10), err);
    }
    if (r >= 0 && strcmp(argv[1], "branches") == 0 && argc == 5) {
        return branches(catalog, argv[2], argv[3], strtol(argv[4], NULL, 10), err);
    }
    for (long i = 0; r >= 0 && argc == 4 && i < strtol(argv[3], NULL, 10); i++) {
        r = collect(catalog, err);
    }
    for (long i = 0; r >= 0 && argc == 5 && i < strtol(argv[4], NULL, 10); i++) {
        char name[64];

        snprintf(name, sizeof name, "%s-%04ld", argv[3], strcmp(argv[1], "many") == 0 ? i : 0);
        r = put(catalog, "main", name, i, err);
    }
    return r;
}

int main(int argc, char **argv)
{
    corrie_error err = CORRIE_ERROR_INIT;
    int r;

    if (argc < 3) {
        return 2;
    }
    r = run(argc, argv, &err);
    if (r < 0) {
        fprintf(stderr, "%s\n", corrie_error_message(&err));
    }
    corrie_error_clear(&err);
    return r < 0 ? -r : 0;
}
