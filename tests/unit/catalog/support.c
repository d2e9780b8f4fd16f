#include "tests/unit/catalog/support.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/map.h"
#include "os/dir.h"

/* Thousands of flushes of a real disk would take minutes and show nothing: what a power cut takes
 * is shown by tests/fault, which keeps account of them. */
__attribute__((constructor)) static void work_in_memory(void)
{
    if (!getenv("TMPDIR") && access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 1);
    }
}

void lab_init(struct lab *lab)
{
    *lab = (struct lab){.err = CORRIE_ERROR_INIT};
    ck_ok(os_temp_dir("corrie-catalog", &lab->directory, &lab->err), &lab->err);
    ck_ok(catalog_create(lab->directory, &lab->err), &lab->err);
    lab->catalog = lab_open(lab);
}

void lab_done(struct lab *lab)
{
    catalog_close(lab->catalog);
    if (lab->directory) {
        ck_ok(os_tree_remove(lab->directory, &lab->err), &lab->err);
    }
    mem_free(lab->directory);
    corrie_error_clear(&lab->err);
}

struct catalog *lab_open(struct lab *lab)
{
    struct catalog *catalog = NULL;

    ck_ok(catalog_open(lab->directory, NULL, &catalog, &lab->err), &lab->err);
    return catalog;
}

void lab_reopen(struct lab *lab)
{
    lab->catalog = catalog_close(lab->catalog);
    lab->catalog = lab_open(lab);
}

struct str table_key(struct arena *arena, const char *name)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct key key;
    struct str copy;

    must(KEY_MAKE(&key, &err, STR("table"), str_of(name)) == 0);
    must(arena_str(arena, key_str(&key), &copy) == 0);
    return copy;
}

struct tree_edit put_doc(struct arena *arena, const char *name, struct str doc)
{
    struct tree_edit edit = {.key = table_key(arena, name)};
    struct hash hash = hash_bytes(str_of(name));

    memcpy(edit.value.id.bytes, hash.bytes, sizeof edit.value.id.bytes);
    edit.value.doc = doc;
    return edit;
}

struct tree_edit put_number(struct arena *arena, const char *name, long number)
{
    char *doc = arena_printf(arena, "{\"n\":%ld}", number);

    return put_doc(arena, name, str_of(doc));
}

struct tree_edit drop(struct arena *arena, const char *name)
{
    return (struct tree_edit){.key = table_key(arena, name), .is_delete = true};
}

static void first_commit(struct lab *lab, const char *branch)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    struct commit commit = {.author = STR("ada"), .message = STR("start"), .commit_time = 1};
    struct catalog_move move = {.ref = str_of(branch), .kind = CATALOG_BRANCH, .who = STR("ada")};

    ck_ok(tree_empty(lab->catalog, &objects, &commit.tree, &lab->err), &lab->err);
    ck_ok(commit_add(lab->catalog, &commit, &objects, &move.new_commit, &lab->err), &lab->err);
    ck_ok(catalog_commit(lab->catalog, &objects, &move, &lab->err), &lab->err);
}

struct hash lab_commit(struct lab *lab, const char *branch, const struct tree_edit *edits, size_t n)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct publish publish = {.ref = str_of(branch), .edits = edits, .n_edits = n};
    struct publish_result result;
    struct catalog_ref ref;
    int r = catalog_ref_find(lab->catalog, publish.ref, &ref, &lab->err);

    ck_ok(r, &lab->err);
    if (r == 0) {
        first_commit(lab, branch);
    }
    publish.start = lab_head(lab, branch);
    publish.commit.author = STR("ada");
    publish.commit.message = STR("change");
    publish.allow_empty = true;
    ck_ok(catalog_publish(lab->catalog, &publish, &result, &report, &lab->err), &lab->err);
    return result.commit;
}

struct hash lab_head(struct lab *lab, const char *branch)
{
    struct catalog_ref ref;

    ck_ok(catalog_ref_get(lab->catalog, str_of(branch), &ref, &lab->err), &lab->err);
    return ref.commit;
}

struct hash lab_tree(struct lab *lab, const struct hash *commit)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit read;

    ck_ok(commit_read(lab->catalog, commit, &arena, &read, &lab->err), &lab->err);
    return read.tree;
}

long lab_number(struct lab *lab, const struct hash *tree, const char *name)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_value value;
    int64_t number;
    int r = tree_get(lab->catalog, tree, table_key(&arena, name), &arena, &value, &lab->err);

    ck_ok(r, &lab->err);
    if (r == 0) {
        return -1;
    }
    ck_assert(str_to_int64(str_slice(value.doc, 5, value.doc.len - 6), &number));
    return (long)number;
}

static int fail_on_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    (void)arg;
    (void)err;
    ck_abort_msg("%.*s: %.*s", STR_FMT(where), STR_FMT(what));
    return 0;
}

struct catalog_check_counts lab_sound(struct lab *lab)
{
    struct catalog_check check = {.problem = fail_on_problem};
    struct catalog_check_counts counts;

    ck_ok(catalog_check_all(lab->catalog, &check, &counts, &lab->err), &lab->err);
    return counts;
}

void lab_age(struct lab *lab)
{
    char path[4096];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/catalog.db", lab->directory);
    must(sqlite3_open(path, &db) == SQLITE_OK);
    must(sqlite3_busy_timeout(db, 10000) == SQLITE_OK);
    must(sqlite3_exec(db, "UPDATE objects SET stamp = stamp - 86400", NULL, NULL, NULL) ==
         SQLITE_OK);
    must(sqlite3_close(db) == SQLITE_OK);
}

struct naming {
    struct lab *lab;
    struct map positions; /* name -> struct backend_entry */
    struct arena arena;
    const struct backend_entry *from;
};

static int ck_named(void *arg, enum object_type type, const struct hash *name, corrie_error *err)
{
    struct naming *naming = arg;
    const struct backend_entry *to =
        map_get(&naming->positions, str_make((const char *)name->bytes, HASH_BYTES));
    char from[HASH_HEX + 1];
    char hex[HASH_HEX + 1];

    (void)err;
    hash_hex(&naming->from->name, from);
    hash_hex(name, hex);
    if (!to || to->position >= naming->from->position) {
        ck_abort_msg("%s %.12s is stored, and names %s %.12s, which is %s",
                     object_type_name(naming->from->type), from, object_type_name((int)type), hex,
                     to ? "of a later position" : "not");
    }
    return 0;
}

static void ck_names(struct naming *naming, struct catalog *fresh)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const struct backend_entry *entry = naming->from;
    corrie_error *err = &naming->lab->err;
    struct object *object;
    struct commit commit;

    if (entry->type == OBJECT_COMMIT) {
        ck_ok(commit_read(fresh, &entry->name, &arena, &commit, err), err);
        must(commit_names(&commit, ck_named, naming, err) == 0);
    } else if (entry->type == OBJECT_NODE) {
        ck_ok(node_get(fresh, &entry->name, NULL, 0, &object, err), err);
        must(node_names(object->node, ck_named, naming, err) == 0);
        object_unref(fresh, object);
    }
}

#define PAGE 100

size_t lab_closed(struct lab *lab)
{
    _cleanup_(catalog_closep) struct catalog *fresh = lab_open(lab);
    struct backend *backend = lab->catalog->backend;
    struct naming naming = {.lab = lab};
    uint64_t before = 0;
    size_t n_all;
    size_t n;

    do {
        struct backend_entry *page = arena_array(&naming.arena, struct backend_entry, PAGE);

        ck_ok(backend->ops->list_objects(backend, before, PAGE, page, &n, &lab->err), &lab->err);
        for (size_t i = 0; i < n; i++) {
            must(before == 0 || page[i].position < before);
            before = page[i].position;
            must(map_put(&naming.positions, str_make((const char *)page[i].name.bytes, HASH_BYTES),
                         &page[i]) == 0);
        }
    } while (n == PAGE);
    n_all = naming.positions.count;
    for (size_t i = 0; i < n_all; i++) {
        naming.from = naming.positions.entries[i].value;
        ck_names(&naming, fresh);
    }
    map_done(&naming.positions);
    arena_done(&naming.arena);
    return n_all;
}

struct collect_counts lab_collect(struct lab *lab, int64_t reflog_since)
{
    _cleanup_(collect_endp) struct collect *collect = NULL;
    struct collect_options options = {.cutoff = clock_now(), .reflog_since = reflog_since};

    ck_ok(collect_begin(lab->catalog, &options, &collect, &lab->err), &lab->err);
    ck_ok(collect_mark(collect, &lab->err), &lab->err);
    ck_ok(collect_sweep(collect, &lab->err), &lab->err);
    return *collect_counts(collect);
}
