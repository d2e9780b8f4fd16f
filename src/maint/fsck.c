/* fsck.c — is everything that the lake names there, and what it was? */
#include <corrie/care.h>

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "catalog/check.h"
#include "iceberg/scan.h"
#include "lake/lake.h"
#include "store/store.h"

struct fsck {
    struct lake *lake;
    struct arena arena; /* paths seen */
    struct map seen;    /* metadata files, manifests and data files, by path */
    json_t *problems;
    json_t *repairs;
    int64_t tables;
    int64_t files;
    int64_t bytes;
};

static void fsck_done(struct fsck *fsck)
{
    map_done(&fsck->seen);
    arena_done(&fsck->arena);
}

static int add_problem(struct fsck *fsck, struct str where, struct str what, corrie_error *err)
{
    json_t *item = json_object();
    int r;

    r = js_set_str(item, "where", where);
    r |= js_set_str(item, "what", what);
    r |= json_array_append_new(fsck->problems, item);
    return r != 0 ? corrie_fail_memory(err) : 0;
}

static int on_problem(void *arg, struct str where, struct str what, corrie_error *err)
{
    return add_problem(arg, where, what, err);
}

/* Damage becomes a line of the list; running out of memory or being interrupted ends the check. */
static int note_failure(struct fsck *fsck, const char *where, corrie_error *err)
{
    _error_ corrie_error failure = CORRIE_ERROR_INIT;

    if (err->code == CORRIE_E_NO_MEMORY || err->code == CORRIE_E_CANCELLED) {
        return err->code;
    }
    corrie_error_move(&failure, err);
    return add_problem(fsck, str_of(where), str_of(corrie_error_message(&failure)), err);
}

/* 1 the first time a path is seen, else 0. */
static int first_time(struct fsck *fsck, struct str path, corrie_error *err)
{
    struct str copy;

    if (map_find(&fsck->seen, path)) {
        return 0;
    }
    if (arena_str(&fsck->arena, path, &copy) < 0 || map_put(&fsck->seen, copy, fsck) < 0) {
        return corrie_fail_memory(err);
    }
    return 1;
}

struct visiting {
    struct fsck *fsck;
    const char *table;
};

static int check_data_file(struct visiting *visiting, const struct visited_file *file,
                           corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf what = {0};
    struct fsck *fsck = visiting->fsck;
    struct store_info info;
    struct str key;
    int r;

    r = location_key(lake_io(fsck->lake), file->path, &arena, &key, err);
    if (r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(
            err); /* a file of someone else's, added in place: not ours to vouch for */
        return 0;
    }
    if (r >= 0) {
        r = store_stat(lake_store(fsck->lake), key, &info, err);
    }
    if (r < 0) {
        return note_failure(fsck, visiting->table, err);
    }
    fsck->files++;
    fsck->bytes += (int64_t)info.size;
    if (file->bytes >= 0 && (int64_t)info.size != file->bytes) {
        buf_addf(&what, "%.*s has %llu bytes, its manifest says %lld", STR_FMT(file->path),
                 (unsigned long long)info.size, (long long)file->bytes);
        return add_problem(fsck, str_of(visiting->table), buf_str(&what), err);
    }
    return 0;
}

static int visit(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct visiting *visiting = arg;
    int r;

    r = first_time(visiting->fsck, file->path, err);
    if (r <= 0) {
        return r < 0 ? r : 1;
    }
    if (file->kind == FILE_MANIFEST_LIST || file->kind == FILE_MANIFEST) {
        return 0; /* scan_visit reads it next, and says if it cannot */
    }
    return check_data_file(visiting, file, err);
}

static int check_table(struct fsck *fsck, const struct lake_table *table, const char *name,
                       corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct visiting visiting = {.fsck = fsck, .table = name};
    int r;

    r = lake_table_metadata(fsck->lake, table, &metadata, err);
    if (r >= 0) {
        r = scan_visit(lake_io(fsck->lake), metadata, NULL, visit, &visiting, err);
    }
    return r < 0 ? note_failure(fsck, name, err) : 0;
}

static int on_value(void *arg, struct str key, const struct tree_value *value, corrie_error *err)
{
    struct fsck *fsck = arg;
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(buf_done) struct buf name = {0};
    struct lake_table table;
    int r;

    if (!str_eq(key_segment(key, 0), STR("table"))) {
        return 0;
    }
    key_format(key, &name);
    r = lake_table_of_value(fsck->lake, key, value, &arena, &table, err);
    if (r < 0) {
        return note_failure(fsck, buf_text(&name), err);
    }
    r = first_time(fsck, table.metadata_location, err);
    if (r <= 0) {
        return r;
    }
    fsck->tables++;
    return check_table(fsck, &table, buf_text(&name), err);
}

static int give(struct fsck *fsck, json_t **document, const struct catalog_check_counts *counts,
                char **ret_json, corrie_error *err)
{
    size_t n = json_array_size(fsck->problems);
    int r;

    r = js_set_int(*document, "refs", (int64_t)counts->refs);
    r |= js_set_int(*document, "commits", (int64_t)counts->commits);
    r |= js_set_int(*document, "tables", fsck->tables);
    r |= js_set_int(*document, "files", fsck->files);
    r |= js_set_int(*document, "bytes", fsck->bytes);
    if (r != 0) {
        return corrie_fail_memory(err);
    }
    r = js_give(TAKE_PTR(*document), ret_json, err);
    if (r < 0 || n == 0) {
        return r;
    }
    corrie_fail(err, CORRIE_E_CORRUPT, "the lake %.*s has %zu problem%s",
                STR_FMT(lake_root(fsck->lake)), n, n == 1 ? "" : "s");
    return corrie_hint(err, "bring what is missing back from a copy of the lake");
}

int corrie_fsck(corrie_lake *lake, const corrie_fsck_options *options, char **ret_json,
                corrie_error *err)
{
    _cleanup_(fsck_done) struct fsck fsck = {.lake = lake};
    _json_ json_t *document = NULL;
    struct catalog_check check = {
        .cancel = lake_cancel(lake), .arg = &fsck, .problem = on_problem, .value = on_value};
    struct catalog_check_counts counts = {0};
    corrie_fsck_options given = {.size = sizeof given};
    int r;

    if (options) {
        memcpy(&given, options, options->size < sizeof given ? options->size : sizeof given);
    }
    if (given.repair) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "fsck: this version repairs nothing");
    }
    js_setup();
    document = json_object();
    fsck.problems = json_array();
    fsck.repairs = json_array();
    if (js_set(document, "problems", fsck.problems) < 0 ||
        js_set(document, "repairs", fsck.repairs) < 0) {
        return corrie_fail_memory(err);
    }
    r = catalog_check_all(lake_catalog(lake), &check, &counts, err);
    return r < 0 ? r : give(&fsck, &document, &counts, ret_json, err);
}
