/* external.c — others' tables by their metadata: see external.h. */
#include "lake/external.h"

#include "base/limits.h"
#include "base/mem.h"
#include "iceberg/snapshot.h"
#include "lake/read.h"
#include "lake/tx_priv.h"
#include "lang/name.h"
#include "os/dir.h"
#include "os/path.h"

#define METADATA_ENDING ".metadata.json"

/* One taking-over under way. */
struct taking {
    struct lake_tx *tx;
    const struct lake_external *external;
    struct arena *arena;
    struct lake_table before; /* zero: there is none */
    bool exists;
    bool inside;      /* it lies in the lake */
    const char *path; /* of the metadata file */
    struct buf bytes; /* as they are there */
    struct table_metadata *metadata;
    struct lake_table table; /* as it is to be */
};

static void taking_done(struct taking *t)
{
    buf_done(&t->bytes);
    metadata_free(t->metadata);
}

/* ---- which file ---- */

/* The number in "00012-<uuid>.metadata.json" and "v12.metadata.json", packed or not; -1: it is no metadata file. */
static int64_t version_of_name(struct str name)
{
    int64_t version = 0;
    size_t digits = 0;

    if (str_ends(name, STR(".gz"))) {
        name.len -= 3;
    }
    if (!str_ends(name, STR(METADATA_ENDING))) {
        return -1;
    }
    name = name.data[0] == 'v' ? str_from(name, 1) : name;
    while (digits < name.len && name.data[digits] >= '0' && name.data[digits] <= '9') {
        if (__builtin_mul_overflow(version, 10, &version) ||
            __builtin_add_overflow(version, name.data[digits] - '0', &version)) {
            return -1;
        }
        digits++;
    }
    return digits > 0 ? version : -1;
}

/* The newest metadata file directly in a folder. 1 found, 0 there is none. */
static int newest_in(const char *folder, struct arena *arena, const char **ret, corrie_error *err)
{
    struct str best = STR_EMPTY;
    struct str same = STR_EMPTY;
    struct os_entry *entries;
    int64_t newest = -1;
    size_t n;
    int r = os_dir_list(folder, arena, &entries, &n, err);

    for (size_t i = 0; r >= 0 && i < n; i++) {
        int64_t version = version_of_name(entries[i].name);

        if (version >= 0 && version == newest) {
            same = entries[i].name;
        } else if (version > newest) {
            newest = version;
            best = entries[i].name;
            same = STR_EMPTY;
        }
    }
    if (r < 0 || newest < 0) {
        return r;
    }
    if (same.len > 0) { /* one is of a commit that failed, and nothing here tells which */
        corrie_fail(err, CORRIE_E_USAGE, "%s has two metadata files of version %lld: %.*s, %.*s",
                    folder, (long long)newest, STR_FMT(best), STR_FMT(same));
        return corrie_hint(err, "name the one that the table's catalog names");
    }
    *ret = arena_printf(arena, "%s/%.*s", folder, STR_FMT(best));
    return *ret ? 1 : corrie_fail_memory(err);
}

static int find_file(struct taking *t, corrie_error *err)
{
    const char *path = arena_text(t->arena, t->external->path);
    const char *below = path ? arena_printf(t->arena, "%s/metadata", path) : NULL;
    struct os_stat stat;
    int r = below ? os_stat(path, &stat, err) : corrie_fail_memory(err);

    if (r < 0) {
        return r;
    }
    if (stat.kind == OS_FILE) {
        t->path = path;
        return 0;
    }
    if (stat.kind != OS_DIRECTORY) {
        return corrie_fail(err, CORRIE_E_USAGE, "%s is no file and no folder", path);
    }
    r = newest_in(path, t->arena, &t->path, err);
    if (r != 0 || (r = os_exists(below, err)) < 0) {
        return r < 0 ? r : 0;
    }
    r = r > 0 ? newest_in(below, t->arena, &t->path, err) : 0;
    if (r == 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "%s holds no metadata file of an Iceberg table", path);
        return corrie_hint(err, "those are called …" METADATA_ENDING
                                "; Parquet files without one: --search-pattern");
    }
    return r < 0 ? r : 0;
}

static int read_file(struct taking *t, corrie_error *err)
{
    int r = find_file(t, err);

    buf_init(&t->bytes, CORRIE_MAX_METADATA);
    r = r < 0 ? r : os_file_read(t->path, CORRIE_MAX_METADATA, &t->bytes, err);
    if (r < 0) {
        return r;
    }
    r = metadata_parse(buf_str(&t->bytes), t->path, &t->metadata, err);
    return r == CORRIE_E_CORRUPT
               ? corrie_hint(err, "is it the metadata file of an Iceberg table, and whole?")
               : r;
}

/* ---- where the table lies ---- */

/* Whether the list of the current snapshot is at the place that `io` gives it; a table without one is wherever it says. */
static int is_there(const struct taking *t, const struct table_io *io, corrie_error *err)
{
    const struct snapshot *snapshot = metadata_current_snapshot(t->metadata);
    struct str path;
    char *name;
    int r;

    if (!snapshot || snapshot->manifest_list.len == 0) {
        return str_starts(t->table.location, STR("file:///"));
    }
    r = location_resolve(io, snapshot->manifest_list, t->arena, &path, err);
    if (r < 0) {
        return r;
    }
    name = arena_text(t->arena, lake_local_path(path));
    return !name ? corrie_fail_memory(err) : name[0] == '/' ? os_exists(name, err) : 0;
}

/* The folder that the table lies in. It is where its metadata says, unless nothing is there and the file at hand lies in
 * a folder metadata/: then that was moved, with all beside it. */
static int find_outside(struct taking *t, corrie_error *err)
{
    struct str parent = os_path_parent(str_of(t->path));
    struct str recorded = t->metadata->location;
    struct table_io io;
    char *here = arena_printf(t->arena, "file://%.*s", STR_FMT(os_path_parent(parent)));
    int r =
        here ? location_resolve(&(struct table_io){0}, recorded, t->arena, &t->table.location, err)
             : corrie_fail_memory(err);

    if (r < 0) {
        return r;
    }
    io = lake_table_io(t->tx->lake, &t->table, t->metadata);
    r = is_there(t, &io, err);
    if (r != 0 || !str_eq(os_path_name(parent), STR("metadata"))) {
        return r < 0 ? r : location_check_local(recorded, err);
    }
    t->table.location = str_of(here);
    io = lake_table_io(t->tx->lake, &t->table, t->metadata);
    r = is_there(t, &io, err);
    if (r == 0) { /* neither: what is said of it is by the place that it has for itself */
        r = location_resolve(&(struct table_io){0}, recorded, t->arena, &t->table.location, err);
        r = r < 0 ? r : location_check_local(recorded, err);
    }
    return r < 0 ? r : 0;
}

/* Others may go on with a table of the lake in its own folder: then all is as with the lake's tables. */
static int find_location(struct taking *t, corrie_error *err)
{
    const struct table_io *io = &t->tx->lake->io;
    struct str location;
    struct str relative;
    int r = location_resolve(io, t->metadata->location, t->arena, &location, err);

    if (r < 0) {
        return r;
    }
    relative = lake_relative(t->tx->lake, location);
    t->inside = relative.len < location.len;
    t->table.location = relative;
    return t->inside ? 0 : find_outside(t, err);
}

/* ---- what is there ---- */

/* Files of a table outside are not marked for gc: it would remove what lies in the lake some day. */
static int check_outside(const struct taking *t, struct str path, corrie_error *err)
{
    _error_ corrie_error outside = CORRIE_ERROR_INIT;
    struct str key;

    if (location_key(&t->tx->lake->io, path, t->arena, &key, &outside) < 0) {
        return 0;
    }
    return corrie_fail(err, CORRIE_E_REFUSED, "%.*s lies inside of the lake, the table does not",
                       STR_FMT(lake_local_path(path)));
}

static int check_file(const struct taking *t, const struct data_file *file, corrie_error *err)
{
    struct str path = lake_local_path(file->path);
    struct os_stat stat;
    char *name;
    int r = location_check_local(file->path, err);

    if (r >= 0 && !t->inside) {
        r = check_outside(t, file->path, err);
    }
    if (r < 0) {
        return r;
    }
    name = arena_text(t->arena, path);
    r = name ? os_stat(name, &stat, err) : corrie_fail_memory(err);
    if (r == CORRIE_E_NOT_FOUND) {
        err->code = CORRIE_E_CORRUPT; /* the snapshot names it */
        return corrie_wrap(err, "its snapshot names a file that is not there");
    }
    if (r >= 0 &&
        (stat.kind != OS_FILE || (file->bytes >= 0 && stat.size != (uint64_t)file->bytes))) {
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "%s is not the file of %lld bytes that its "
                           "snapshot names",
                           name, (long long)file->bytes);
    }
    return r;
}

/* The current snapshot: all of its files, and what they come to. */
static int check_files(struct taking *t, corrie_error *err)
{
    struct table_io io = lake_table_io(t->tx->lake, &t->table, t->metadata);
    struct table_totals totals;
    struct scan scan;
    int r =
        lake_read_plan(t->tx->lake, &t->table, t->metadata, NULL, NULL, 0, t->arena, &scan, err);

    for (size_t i = 0; r >= 0 && i < scan.n_files + scan.n_delete_files; i++) {
        r = cancel_check(t->tx->lake->cancel, err);
        r = r < 0 ? r
                  : check_file(
                        t, i < scan.n_files ? &scan.files[i] : &scan.delete_files[i - scan.n_files],
                        err);
    }
    r = r < 0 ? r
              : snapshot_totals(&io, t->metadata, metadata_current_snapshot(t->metadata), &totals,
                                err);
    if (r < 0) {
        return r;
    }
    t->table.records = totals.records;
    t->table.bytes = totals.bytes;
    t->table.files = totals.files;
    return 0;
}

/* ---- the copy ---- */

static int find_before(struct taking *t, corrie_error *err)
{
    struct lake_view view = lake_tx_view(t->tx);
    int r = name_check_table(t->external->name, err);

    r = r < 0
            ? r
            : lake_table_find(&view, t->external->ns, t->external->name, t->arena, &t->before, err);
    if (r <= 0) {
        return r;
    }
    t->exists = true;
    if (t->before.managed) {
        return corrie_fail(err, CORRIE_E_REFUSED,
                           "the table is the lake's own, not an external one");
    }
    if (!t->external->replace) {
        corrie_fail(err, CORRIE_E_EXISTS, "the table exists");
        return corrie_hint(err, "--overwrite takes what it is now");
    }
    return 0;
}

/* Whether the table is what it would be. */
static int is_same(const struct taking *t, corrie_error *err)
{
    _cleanup_(buf_done) struct buf copy;
    struct str location;
    int r;

    buf_init(&copy, CORRIE_MAX_METADATA);
    if (!t->exists || !str_eq(t->before.source, t->table.source) ||
        !str_eq(t->before.location, t->table.location)) {
        return 0;
    }
    r = lake_absolute(t->tx->lake, t->before.metadata_location, t->arena, &location, err);
    r = r < 0 ? r : location_read(&t->tx->lake->io, location, CORRIE_MAX_METADATA, &copy, err);
    return r < 0 ? r : str_eq(buf_str(&copy), buf_str(&t->bytes));
}

/* The bytes as they are, so that it can be told whether the original has changed. */
static int keep_copy(struct taking *t, corrie_error *err)
{
    const struct table_io *io = &t->tx->lake->io;
    bool packed = t->bytes.len > 1 && (unsigned char)t->bytes.data[0] == 0x1f;
    struct uuid name = uuid_random();
    char text[UUID_TEXT + 1];
    struct str location;
    struct str key;
    char *full;
    int r =
        location_of_table(io, t->table.ns, t->table.name, &t->table.id, t->arena, &location, err);

    if (r < 0) {
        return r;
    }
    uuid_format(&name, text);
    full = arena_printf(t->arena, "%.*s/metadata/00000-%s%s" METADATA_ENDING, STR_FMT(location),
                        text, packed ? ".gz" : "");
    if (!full) {
        return corrie_fail_memory(err);
    }
    if ((r = location_key(io, str_of(full), t->arena, &key, err)) < 0 ||
        (r = store_put(io->store, key, buf_str(&t->bytes), err)) < 0) {
        return corrie_wrap(err, "keep a copy of %s", t->path);
    }
    t->table.metadata_location = lake_relative(t->tx->lake, str_of(full));
    return 0;
}

static int describe(struct taking *t, corrie_error *err)
{
    char *source = arena_printf(t->arena, "file://%s", t->path);

    if (!source) {
        return corrie_fail_memory(err);
    }
    /* The id is the lake's: under two names or in two lakes the table is not the same. */
    t->table = (struct lake_table){.ns = t->external->ns,
                                   .name = t->external->name,
                                   .id = t->exists ? t->before.id : uuid_random(),
                                   .source = str_of(source),
                                   .snapshot_id = t->metadata->current_snapshot_id,
                                   .schema_id = t->metadata->current_schema_id,
                                   .spec_id = t->metadata->default_spec_id};
    return 0;
}

static int take(struct taking *t, struct lake_written *ret, corrie_error *err)
{
    int r;

    if ((r = find_before(t, err)) < 0 || (r = read_file(t, err)) < 0 ||
        (r = describe(t, err)) < 0 || (r = find_location(t, err)) < 0 ||
        (r = check_files(t, err)) < 0 || (r = is_same(t, err)) < 0) {
        return r;
    }
    if (r > 0) {
        t->table = t->before;
    } else if ((r = keep_copy(t, err)) < 0 ||
               (r = tx_stage_table(t->tx, &t->table, NULL, err)) < 0) {
        return r;
    }
    *ret = (struct lake_written){.table = t->table,
                                 .rows = t->table.records,
                                 .bytes = t->table.bytes,
                                 .created = !t->exists};
    return 0;
}

int lake_tx_external(struct lake_tx *tx, const struct lake_external *external, struct arena *arena,
                     struct lake_written *ret, struct schema *ret_schema, corrie_error *err)
{
    _cleanup_(taking_done) struct taking taking = {.tx = tx, .external = external, .arena = arena};
    struct lake_written written;
    int r = take(&taking, &written, err);

    r = r < 0 ? r : schema_copy(metadata_schema(taking.metadata), arena, ret_schema, err);
    if (r >= 0) {
        *ret = written;
    }
    return r;
}
