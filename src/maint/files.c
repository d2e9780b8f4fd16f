/* files.c — the files of tables, for collection. */
#include "maint/files.h"

#include "base/mem.h"
#include "base/vec.h"
#include "catalog/key.h"
#include "catalog/tree.h"
#include "iceberg/scan.h"
#include "store/store.h"

enum { BATCH = 1000 };

void files_done(struct files *files)
{
    seen_done(&files->named);
    seen_done(&files->tables);
    seen_done(&files->emptied);
}

/* ---- marking ---- */

/* 1 it is new, 0 it was marked or lies outside of the lake. */
static int mark_path(struct files *files, struct str path, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str key;
    int r = location_key(lake_io(files->lake), path, &arena, &key, err);

    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err); /* someone else's directory: nothing there is ours to remove */
        return 0;
    }
    return r < 0 ? r : seen_add(&files->named, key, err);
}

static int mark_visited(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct files *files = arg;
    int r = cancel_check(lake_cancel(files->lake), err);

    r = r < 0 ? r : mark_path(files, file->path, err);
    if (r < 0 || file->kind == FILE_DATA || file->kind == FILE_DELETES) {
        return r < 0 ? r : 0;
    }
    return r == 0; /* a manifest that was marked has marked what it names */
}

static int mark_table(struct files *files, const struct lake_table *table, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct str location;
    int r;

    r = lake_absolute(files->lake, table->metadata_location, &arena, &location, err);
    r = r < 0 ? r : mark_path(files, location, err);
    if (r <= 0) {
        return r;
    }
    if (lake_table_is_outside(table)) {
        return 0; /* all that its metadata names lies elsewhere */
    }
    r = seen_add(&files->tables, table->location, err);
    r = r < 0 ? r : lake_table_metadata(files->lake, table, &metadata, err);
    return r < 0 ? r : scan_visit(lake_io(files->lake), metadata, NULL, mark_visited, files, err);
}

int files_mark(struct files *files, struct str key, const struct tree_value *value,
               corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_table table;
    int r;

    if (!str_eq(key_segment(key, 0), STR("table"))) {
        return 0;
    }
    r = lake_table_of_value(files->lake, key, value, &arena, &table, err);
    r = r < 0 ? r : mark_table(files, &table, err);
    if (r == CORRIE_E_NOT_FOUND) {
        err->code = CORRIE_E_CORRUPT; /* something named it */
    }
    return r < 0 ? err->code : 0;
}

/* ---- names ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Cuts `n` or more digits off the front. */
static bool cut_digits(struct str *text, size_t n)
{
    size_t i = 0;

    while (i < text->len && is_digit(text->data[i])) {
        i++;
    }
    *text = str_from(*text, i);
    return i >= n;
}

static bool cut_text(struct str *text, const char *front)
{
    if (!str_starts(*text, str_of(front))) {
        return false;
    }
    *text = str_from(*text, str_of(front).len);
    return true;
}

static bool cut_uuid(struct str *text)
{
    struct uuid ignored;

    if (text->len < UUID_TEXT || !uuid_parse(str_slice(*text, 0, UUID_TEXT), &ignored)) {
        return false;
    }
    *text = str_from(*text, UUID_TEXT);
    return true;
}

/* <ordinal>-<uuid>.parquet */
static bool is_data_name(struct str name)
{
    return cut_digits(&name, 5) && cut_text(&name, "-") && cut_uuid(&name) &&
           str_eq(name, STR(".parquet"));
}

/* <uuid>-m<n>.avro, snap-<id>-<n>-<uuid>.avro, <version>-<uuid>.metadata.json */
static bool is_metadata_name(struct str name)
{
    struct str rest = name;

    if (cut_text(&rest, "snap-")) {
        return cut_digits(&rest, 1) && cut_text(&rest, "-") && cut_digits(&rest, 1) &&
               cut_text(&rest, "-") && cut_uuid(&rest) && str_eq(rest, STR(".avro"));
    }
    if (cut_uuid(&rest)) {
        return cut_text(&rest, "-m") && cut_digits(&rest, 1) && str_eq(rest, STR(".avro"));
    }
    rest = name;
    return cut_digits(&rest, 5) && cut_text(&rest, "-") && cut_uuid(&rest) &&
           str_eq(rest, STR(".metadata.json"));
}

/* data/<namespace>/<table>-<32 hex digits> */
static bool is_table_directory(struct str key)
{
    struct str data;
    struct str space;
    struct str table;
    struct str rest;

    if (!str_cut(key, '/', &data, &rest) || !str_cut(rest, '/', &space, &table) ||
        !str_eq(data, STR("data")) || str_find(table, '/') >= 0 || table.len < 33 ||
        table.data[table.len - 33] != '-') {
        return false;
    }
    for (size_t i = table.len - 32; i < table.len; i++) {
        if (!is_digit(table.data[i]) && (table.data[i] < 'a' || table.data[i] > 'f')) {
            return false;
        }
    }
    return true;
}

/* The key without its last segment, which goes to *ret_name. */
static struct str parent_of(struct str key, struct str *ret_name)
{
    size_t at = key.len;

    while (at > 0 && key.data[at - 1] != '/') {
        at--;
    }
    *ret_name = str_from(key, at);
    return str_slice(key, 0, at > 0 ? at - 1 : 0);
}

bool file_is_ours(struct str key, struct str *ret_table)
{
    struct str name;
    struct str folder;
    struct str table = parent_of(parent_of(key, &name), &folder);

    if (!is_table_directory(table) ||
        !(str_eq(folder, STR("data"))
              ? is_data_name(name)
              : str_eq(folder, STR("metadata")) && is_metadata_name(name))) {
        return false;
    }
    *ret_table = table;
    return true;
}

/* ---- sweeping ---- */

struct sweep {
    struct files *files;
    struct arena arena; /* keys of `batch` */
    VEC(struct str) batch;
    int64_t cutoff;
    bool dry_run;
};

static void sweep_done(struct sweep *sweep)
{
    vec_done(&sweep->batch);
    arena_done(&sweep->arena);
}

static int flush(struct sweep *sweep, corrie_error *err)
{
    int r = 0;

    if (!sweep->dry_run) {
        r = store_delete_all(lake_store(sweep->files->lake), sweep->batch.items, sweep->batch.count,
                             NULL, err);
    }
    sweep->batch.count = 0;
    arena_done(&sweep->arena);
    return r;
}

static int remove_later(struct sweep *sweep, struct str key, struct str table, uint64_t size,
                        corrie_error *err)
{
    struct files *files = sweep->files;
    struct str copy;
    int r = seen_add(&files->emptied, table, err);

    if (r < 0) {
        return r;
    }
    if (arena_str(&sweep->arena, key, &copy) < 0 || vec_push(&sweep->batch, copy) < 0) {
        return corrie_fail_memory(err);
    }
    if (json_array_size(files->removed) < files->max_removed &&
        json_array_append_new(files->removed, js_string(key)) < 0) {
        return corrie_fail_memory(err);
    }
    files->counts.removed++;
    files->counts.removed_bytes += (int64_t)size;
    return sweep->batch.count >= BATCH ? flush(sweep, err) : 0;
}

static int sweep_file(void *arg, struct str key, const struct store_info *info, corrie_error *err)
{
    struct sweep *sweep = arg;
    struct file_counts *counts = &sweep->files->counts;
    bool named = seen_has(&sweep->files->named, key);
    struct str table = STR_EMPTY;

    if (!named && !file_is_ours(key, &table)) {
        counts->strangers++;
        return 0;
    }
    if (named || info->mtime >= sweep->cutoff) {
        counts->kept++;
        counts->kept_bytes += (int64_t)info->size;
        return 0;
    }
    return remove_later(sweep, key, table, info->size, err);
}

/* Directories of tables that nothing names: those that the sweep has emptied, and old ones that were never filled. Of
 * namespaces only old ones: somebody may be making a table there. */
static bool may_go(void *arg, struct str directory, int64_t mtime)
{
    const struct sweep *sweep = arg;
    struct str table = directory;
    struct str name;

    if (str_starts(directory, STR("jobs/"))) {
        return mtime <
               sweep
                   ->cutoff; /* of a record that has gone; a younger one waits for its first file */
    }
    if (!is_table_directory(table)) {
        table = parent_of(directory, &name);
    }
    if (is_table_directory(table)) {
        return !seen_has(&sweep->files->tables, table) &&
               (mtime < sweep->cutoff || seen_has(&sweep->files->emptied, table));
    }
    return str_eq(table, STR("data")) && mtime < sweep->cutoff;
}

int files_sweep(struct files *files, int64_t cutoff, bool dry_run, corrie_error *err)
{
    _cleanup_(sweep_done) struct sweep sweep = {
        .files = files, .cutoff = cutoff, .dry_run = dry_run};
    struct store_clean clean = {.before = cutoff,
                                .dry_run = dry_run,
                                .cancel = lake_cancel(files->lake),
                                .arg = &sweep,
                                .may_go = may_go};
    int r;

    r = store_list(lake_store(files->lake), STR("data/"), lake_cancel(files->lake), sweep_file,
                   &sweep, err);
    r = r < 0 ? r : flush(&sweep, err);
    r = r < 0 ? r : store_clean(lake_store(files->lake), &clean, err);
    if (r < 0) {
        return corrie_wrap(err, "remove files that nothing names");
    }
    files->counts.removed += (int64_t)clean.files;
    files->counts.removed_bytes += (int64_t)clean.bytes;
    return 0;
}
