#include "bench/lab.h"

#include "catalog/merge.h"
#include "os/dir.h"
#include "os/file.h"

void stop(corrie_error *err)
{
    fprintf(stderr, "bench: %s\n", corrie_error_message(err));
    exit(1);
}

void take(struct series *series, int64_t start)
{
    if (series->n == series->capacity) {
        series->capacity = series->capacity * 2 + 64;
        series->values = realloc(series->values, series->capacity * sizeof(double));
        if (!series->values) {
            exit(1);
        }
    }
    series->values[series->n++] = (double)(clock_monotonic() - start) / 1e6;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

double median(struct series *series)
{
    qsort(series->values, series->n, sizeof(double), order);
    return series->values[series->n / 2];
}

void print_series(struct series *series, const char *question)
{
    double middle = median(series);

    printf("{\"question\":\"%s\",\"side\":\"%s\",\"n\":%zu,\"median_ms\":%.4f,\"p99_ms\":%.4f,"
           "\"min_ms\":%.4f,\"max_ms\":%.4f}\n",
           question, series->side, series->n, middle, series->values[series->n * 99 / 100],
           series->values[0], series->values[series->n - 1]);
    (void)fflush(stdout);
    series->n = 0;
}

void print_count(const char *question, const char *side, double count, const char *unit)
{
    printf("{\"question\":\"%s\",\"side\":\"%s\",\"count\":%.6g,\"unit\":\"%s\"}\n", question, side,
           count, unit);
    (void)fflush(stdout);
}

struct str table_key(struct arena *arena, size_t i)
{
    corrie_error err = CORRIE_ERROR_INIT;
    struct str copy;
    struct key key;

    if (KEY_MAKE(&key, &err, STR("table"), str_of(arena_printf(arena, "area%zu", i % 20)),
                 str_of(arena_printf(arena, "table_%zu_of_many", i))) < 0 ||
        arena_str(arena, key_str(&key), &copy) < 0) {
        stop(&err);
    }
    return copy;
}

struct tree_edit table_edit(struct arena *arena, size_t i, long version)
{
    struct tree_edit edit = {.key = table_key(arena, i)};
    struct uuid file = uuid_random();
    struct hash id = hash_bytes(str_of(arena_printf(arena, "%zu", i)));
    char id_text[33];
    char file_text[UUID_TEXT + 1];
    uint64_t snapshot;

    memcpy(edit.value.id.bytes, id.bytes, sizeof edit.value.id.bytes);
    uuid_format_hex(&edit.value.id, id_text);
    uuid_format(&file, file_text);
    random_bytes(&snapshot, sizeof snapshot);
    edit.value.has_origin = true;
    edit.value.origin = hash_bytes(str_of(arena_printf(arena, "run %zu", i / 10)));
    edit.value.doc = str_of(arena_printf(
        arena,
        "{\"bytes\":%zu,\"files\":%zu,\"location\":\"data/area%zu/table_%zu_of_many-%s\","
        "\"managed\":true,\"metadata_location\":\"data/area%zu/table_%zu_of_many-%s/metadata/"
        "%05ld-%s.metadata.json\",\"records\":%zu,\"schema_id\":0,\"snapshot_id\":%llu,"
        "\"spec_id\":0}",
        i * 4096, i % 7 + 1, i % 20, i, id_text, i % 20, i, id_text, version, file_text,
        i * 100 + 17, (unsigned long long)(snapshot >> 1)));
    return edit;
}

struct catalog *lab_make(const char *directory, size_t n_tables, corrie_error *err)
{
    _cleanup_(object_list_done) struct object_list objects = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct tree_edit *edits = arena_array(&arena, struct tree_edit, n_tables + 1);
    struct commit commit = {.author = STR("bench"), .message = STR("start")};
    struct catalog_move move = {.ref = STR("main"), .kind = CATALOG_BRANCH, .who = STR("bench")};
    struct catalog *catalog;
    struct hash root;

    for (size_t i = 0; i < n_tables; i++) {
        edits[i] = table_edit(&arena, i, 0);
    }
    ok(os_dir_make_new(directory, 0755, err));
    ok(catalog_create(directory, err));
    ok(catalog_open(directory, NULL, &catalog, err));
    ok(tree_empty(catalog, &objects, &root, err));
    ok(tree_apply(catalog, &root, edits, n_tables, &objects, &commit.tree, err));
    ok(commit_add(catalog, &commit, &objects, &move.new_commit, err));
    ok(catalog_commit(catalog, &objects, &move, err));
    return catalog;
}

struct hash head_of(struct catalog *catalog, const char *ref, corrie_error *err)
{
    struct catalog_ref found;

    ok(catalog_ref_get(catalog, str_of(ref), &found, err));
    return found.commit;
}

struct hash tree_of(struct catalog *catalog, const struct hash *commit, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct commit read;

    ok(commit_read(catalog, commit, &arena, &read, err));
    return read.tree;
}

void move_ref(struct catalog *catalog, const char *ref, const struct hash *from,
              const struct hash *to, corrie_error *err)
{
    struct catalog_move move = {
        .ref = str_of(ref), .kind = CATALOG_BRANCH, .who = STR("bench"), .why = STR("bench")};

    if (from) {
        move.expected = *from;
    }
    if (to) {
        move.new_commit = *to;
    }
    ok(catalog_commit(catalog, NULL, &move, err));
}

int publish(struct catalog *catalog, const char *ref, const struct tree_edit *edits, size_t n,
            corrie_error *err)
{
    _cleanup_(merge_report_done) struct merge_report report = {0};
    struct publish change = {.ref = str_of(ref), .edits = edits, .n_edits = n};
    struct publish_result result;

    change.start = head_of(catalog, ref, err);
    change.commit.author = STR("bench");
    change.commit.message = STR("append to a table");
    change.commit.has_job = true;
    change.commit.job = uuid_random();
    return catalog_publish(catalog, &change, &result, &report, err);
}

int64_t file_bytes(const char *directory, corrie_error *err)
{
    struct os_stat stat;
    char path[4096];

    snprintf(path, sizeof path, "%s/catalog.db", directory);
    ok(os_stat(path, &stat, err));
    return (int64_t)stat.size;
}
