/* fsck_values.c — what the values of the catalog mean, and the files that they name. */
#include "maint/fsck_priv.h"

#include "base/arena.h"
#include "catalog/key.h"
#include "catalog/object.h"
#include "iceberg/scan.h"
#include "os/file.h"
#include "store/store.h"

/* ---- files ---- */

struct visiting {
    struct fsck *fsck;
    const char *table;
    struct table_io io;
};

/* A file outside of the lake. One added in place is not ours to vouch for; without those of a table that is read where others
 * keep it the table cannot be read, and who asks should be told. */
static int stat_outside(struct visiting *visiting, struct str path, struct store_info *ret,
                        corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    struct os_stat stat;
    int r = location_check_local(path, err);

    if (r >= 0) {
        buf_add_str(&name, str_starts(path, STR("file://")) ? str_from(path, 7) : path);
        r = buf_check(&name, err);
    }
    r = r < 0 ? r : os_stat(buf_text(&name), &stat, err);
    if (r < 0) {
        return fsck_note(visiting->fsck, visiting->table, err);
    }
    *ret = (struct store_info){.size = stat.size, .mtime = stat.mtime};
    return 1;
}

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
        corrie_error_clear(err);
        r = visiting->io.outside ? stat_outside(visiting, file->path, &info, err) : 0;
        if (r <= 0) {
            return r;
        }
    } else if (r < 0 || store_stat(lake_store(fsck->lake), key, &info, err) < 0) {
        return fsck_note(fsck, visiting->table, err);
    }
    fsck->files++;
    fsck->bytes += (int64_t)info.size;
    if (file->bytes >= 0 && (int64_t)info.size != file->bytes) {
        buf_addf(&what, "%.*s has %llu bytes, its manifest says %lld", STR_FMT(file->path),
                 (unsigned long long)info.size, (long long)file->bytes);
        return fsck_problem(fsck, str_of(visiting->table), buf_str(&what), err);
    }
    return 0;
}

static int visit(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct visiting *visiting = arg;
    int r;

    r = seen_add(&visiting->fsck->paths, file->path, err);
    if (r <= 0) {
        return r < 0 ? r : 1;
    }
    if (file->kind == FILE_MANIFEST_LIST || file->kind == FILE_MANIFEST) {
        return 0; /* scan_visit_all reads it next, and says if it cannot */
    }
    return check_data_file(visiting, file, err);
}

static int visit_failed(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct visiting *visiting = arg;

    (void)file; /* the message names it */
    return fsck_note(visiting->fsck, visiting->table, err);
}

/* ---- tables ---- */

static int check_fits(struct fsck *fsck, const struct lake_table *table,
                      const struct table_metadata *metadata, const char *name, corrie_error *err)
{
    _cleanup_(buf_done) struct buf what = {0};

    if (!uuid_eq(&table->id, &metadata->table_uuid)) {
        buf_add_text(&what, "its metadata is of another table");
    } else if (table->snapshot_id != metadata->current_snapshot_id) {
        buf_addf(&what, "the catalog names snapshot %lld, the metadata %lld",
                 (long long)table->snapshot_id, (long long)metadata->current_snapshot_id);
    } else if (table->schema_id != metadata->current_schema_id ||
               table->spec_id != metadata->default_spec_id) {
        buf_addf(&what, "the catalog names schema %d and partition spec %d, the metadata %d and %d",
                 table->schema_id, table->spec_id, metadata->current_schema_id,
                 metadata->default_spec_id);
    } else {
        return 0;
    }
    buf_addf(&what, ": %.*s", STR_FMT(table->metadata_location));
    return fsck_problem(fsck, str_of(name), buf_str(&what), err);
}

/* Of a table outside the current snapshot alone: the others let go of older ones as they see fit. */
static int visit_table(struct visiting *visiting, const struct table_metadata *metadata,
                       corrie_error *err)
{
    const struct snapshot *current = metadata_current_snapshot(metadata);

    if (!visiting->io.outside) {
        return scan_visit_all(&visiting->io, metadata, visit, visit_failed, visiting, err);
    }
    return current ? scan_visit(&visiting->io, metadata, current, visit, visiting, err) : 0;
}

static int check_table(struct fsck *fsck, const struct lake_table *table, const char *name,
                       corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct visiting visiting = {.fsck = fsck, .table = name};
    int r;

    r = lake_table_metadata(fsck->lake, table, &metadata, err);
    if (r < 0) {
        return fsck_note(fsck, name, err);
    }
    r = table->managed ? check_fits(fsck, table, metadata, name, err) : 0;
    if (r >= 0) {
        visiting.io = lake_table_io(fsck->lake, table, metadata);
        r = visit_table(&visiting, metadata, err);
    }
    return r < 0 ? fsck_note(fsck, name, err) : 0;
}

static int check_table_value(struct fsck *fsck, struct str key, const struct tree_value *value,
                             const char *name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct lake_table table;
    int r;

    r = lake_table_of_value(fsck->lake, key, value, &arena, &table, err);
    if (r < 0) {
        return fsck_note(fsck, name, err);
    }
    r = seen_add(&fsck->paths, table.metadata_location, err);
    if (r <= 0) {
        return r;
    }
    fsck->tables++;
    return check_table(fsck, &table, name, err);
}

/* ---- other kinds ---- */

static int check_ledger_doc(struct str key, const json_t *doc, corrie_error *err)
{
    struct uuid table;
    size_t i;
    json_t *item;

    if (!uuid_parse(key_segment(key, 1), &table) || key_segment(key, 2).len == 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "its key names no table");
    }
    if (!json_is_array(doc)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it is no list of imports");
    }
    json_array_foreach(doc, i, item)
    {
        json_t *files;
        struct str text;

        if (js_get_array(item, "data_files", &files, CORRIE_E_CORRUPT, err) < 0 ||
            js_get_str(item, "sha256", &text, CORRIE_E_CORRUPT, err) < 0 ||
            js_get_str(item, "job", &text, CORRIE_E_CORRUPT, err) < 0) {
            return corrie_wrap(err, "import %zu", i + 1);
        }
    }
    return 0;
}

static int check_ledger(struct fsck *fsck, struct str key, const struct tree_value *value,
                        const char *name, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _json_ json_t *doc = NULL;
    struct str text;
    int r;

    r = tree_value_doc(lake_catalog(fsck->lake), value, &arena, &text, err);
    r = r < 0 ? r : js_parse(text, "its document", &doc, err);
    r = r < 0 ? r : check_ledger_doc(key, doc, err);
    return r < 0 ? fsck_note(fsck, name, err) : 0;
}

/* ---- origins ---- */

static bool is_key(const json_t *key)
{
    size_t i;
    json_t *segment;

    json_array_foreach(key, i, segment)
    {
        if (!json_is_string(segment)) {
            return false;
        }
    }
    return json_array_size(key) > 0;
}

static int check_reads(const json_t *output, corrie_error *err)
{
    json_t *reads;
    json_t *read;
    size_t i;
    struct uuid id;
    struct str text;
    int r = js_get_array(output, "reads", &reads, CORRIE_E_CORRUPT, err);

    if (r < 0) {
        return r;
    }
    json_array_foreach(reads, i, read)
    {
        if (!is_key(json_object_get(read, "key")) ||
            !uuid_parse(js_str(json_object_get(read, "id")), &id)) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "what an output read is malformed");
        }
        r = js_get_str(read, "version", &text, CORRIE_E_CORRUPT, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int parse_origin(struct str text, corrie_error *err)
{
    _json_ json_t *doc = NULL;
    json_t *outputs;
    json_t *output;
    struct uuid job;
    size_t i;
    int r = js_parse(text, "its origin", &doc, err);

    r = r < 0 ? r : js_get_array(doc, "outputs", &outputs, CORRIE_E_CORRUPT, err);
    if (r < 0) {
        return r;
    }
    if (!uuid_parse(js_str(json_object_get(doc, "job")), &job)) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it names no job");
    }
    if (json_array_size(outputs) == 0) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "it lists no output");
    }
    json_array_foreach(outputs, i, output)
    {
        if (!is_key(json_object_get(output, "key"))) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "an output has no key");
        }
        r = check_reads(output, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* That it is stored and what its name says was checked before. */
static int check_origin(struct fsck *fsck, const struct hash *origin, const char *name,
                        corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    char hex[HASH_HEX + 1];
    struct str text;
    int r;

    hash_hex(origin, hex);
    r = seen_add(&fsck->origins, str_of(hex), err);
    if (r <= 0) {
        return r;
    }
    r = object_read(lake_catalog(fsck->lake), OBJECT_ORIGIN, origin, &arena, &text, err);
    if (r == CORRIE_E_CORRUPT || r == CORRIE_E_NOT_FOUND) {
        corrie_error_clear(err); /* told by then */
        return 0;
    }
    r = r < 0 ? r : parse_origin(text, err);
    if (r >= 0) {
        return 0;
    }
    corrie_wrap(err, "its origin %.12s", hex);
    return fsck_note(fsck, name, err);
}

int fsck_value(struct fsck *fsck, struct str key, const struct tree_value *value, corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    struct str kind = key_segment(key, 0);
    int r = 0;

    key_format(key, &name);
    r = buf_check(&name, err);
    if (r >= 0 && str_eq(kind, STR("table"))) {
        r = fsck_note_name(fsck, key, &value->id, err);
        r = r < 0 ? r : check_table_value(fsck, key, value, buf_text(&name), err);
    } else if (r >= 0 && str_eq(kind, STR("ledger"))) {
        r = check_ledger(fsck, key, value, buf_text(&name), err);
    }
    if (r >= 0 && value->has_origin) {
        r = check_origin(fsck, &value->origin, buf_text(&name), err);
    }
    return r; /* a taint stays true when its job's record is gone */
}
