/* victim.c — a program that changes a catalog, to have things happen to it.
 *
 *     catalog_victim create DIRECTORY
 *     catalog_victim commit DIRECTORY NUMBER        sets table "t" to NUMBER on main
 *     catalog_victim many DIRECTORY NAME COUNT      COUNT commits on main, each a table of its own
 *     catalog_victim same DIRECTORY NAME COUNT      COUNT commits that rewrite one table
 *
 * Exit status: 0 done, else the negated code; the message goes to standard error. */
#include <stdio.h>
#include <stdlib.h>

#include "catalog/catalog_priv.h"
#include "catalog/merge.h"
#include "os/fault.h"

static int put(struct catalog *catalog, const char *name, long number, corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    char doc[64];
    struct tree_edit edit = {.is_delete = false};
    struct publish publish = {.ref = STR("main"), .edits = &edit, .n_edits = 1};
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
        return put(catalog, "t", strtol(argv[3], NULL, 10), err);
    }
    for (long i = 0; r >= 0 && argc == 5 && i < strtol(argv[4], NULL, 10); i++) {
        char name[64];

        snprintf(name, sizeof name, "%s-%04ld", argv[3], strcmp(argv[1], "many") == 0 ? i : 0);
        r = put(catalog, name, i, err);
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
