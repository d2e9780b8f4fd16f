/* visit.c — every file that a metadata file keeps alive. */
#include "base/map.h"
#include "iceberg/scan.h"
#include "iceberg/tree.h"

struct visitor {
    const struct table_io *io;
    const struct table_metadata *metadata;
    visit_fn visit;
    visit_failed_fn failed; /* NULL: the first file that cannot be read ends it */
    void *arg;
    struct arena arena; /* keys of `seen` */
    struct map seen;    /* manifests */
};

static int unreadable(struct visitor *visitor, const struct visited_file *file, corrie_error *err)
{
    return visitor->failed ? visitor->failed(visitor->arg, file, err) : err->code;
}

static int visit_entries(struct visitor *visitor, const struct manifest_file *manifest,
                         const struct visited_file *visited_manifest, corrie_error *err)
{
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
    _cleanup_(arena_done) struct arena arena = {0};

    int r = tree_entries(visitor->io, visitor->metadata, manifest, &arena, &entries, err);
    if (r < 0) {
        return unreadable(visitor, visited_manifest, err);
    }
    for (size_t i = 0; r >= 0 && i < entries.count; i++) {
        struct data_file *file = &entries.items[i].file;
        if (entries.items[i].status == ENTRY_DELETED) {
            continue;
        }
        r = location_resolve(visitor->io, file->path, &arena, &file->path, err);
        if (r >= 0) {
            struct visited_file visited = {
                .kind = file->content == FILE_CONTENT_DATA ? FILE_DATA : FILE_DELETES,
                .path = file->path,
                .bytes = file->bytes,
                .snapshot_id = visited_manifest->snapshot_id,
                .file = file,
            };
            r = visitor->visit(visitor->arg, &visited, err);
        }
    }
    return r;
}

static int visit_manifest(struct visitor *visitor, const struct manifest_file *manifest,
                          int64_t snapshot_id, corrie_error *err)
{
    struct visited_file visited = {
        .kind = FILE_MANIFEST, .bytes = manifest->length, .snapshot_id = snapshot_id};
    struct str seen;

    if (map_find(&visitor->seen, manifest->path)) {
        return 0;
    }
    if (arena_str(&visitor->arena, manifest->path, &seen) < 0 ||
        map_put(&visitor->seen, seen, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    int r = location_resolve(visitor->io, seen, &visitor->arena, &visited.path, err);
    if (r >= 0) {
        r = visitor->visit(visitor->arg, &visited, err);
    }
    return r == 0 ? visit_entries(visitor, manifest, &visited, err) : r < 0 ? r : 0;
}

static int visit_snapshot(struct visitor *visitor, const struct snapshot *snapshot,
                          corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct visited_file visited = {
        .kind = FILE_MANIFEST_LIST, .bytes = FILE_UNKNOWN, .snapshot_id = snapshot->id};

    if (snapshot->manifest_list.len > 0) {
        int r = location_resolve(visitor->io, snapshot->manifest_list, &arena, &visited.path, err);
        if (r >= 0) {
            r = visitor->visit(visitor->arg, &visited, err);
        }
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
    int r = tree_manifests(visitor->io, visitor->metadata, snapshot, &arena, &list, err);
    if (r < 0) {
        return unreadable(visitor, &visited, err);
    }
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        r = visit_manifest(visitor, &list.items[i], snapshot->id, err);
    }
    return r < 0 ? r : 0;
}

static int visit_with(struct visitor *visitor, const struct snapshot *snapshot, corrie_error *err)
{
    const struct table_metadata *metadata = visitor->metadata;
    int r = 0;

    if (snapshot) {
        r = visit_snapshot(visitor, snapshot, err);
    }
    for (size_t i = metadata->n_snapshots; !snapshot && r >= 0 && i-- > 0;) {
        r = visit_snapshot(visitor, &metadata->snapshots[i], err);
    }
    map_done(&visitor->seen);
    arena_done(&visitor->arena);
    return r < 0 ? r : 0;
}

int scan_visit(const struct table_io *io, const struct table_metadata *metadata,
               const struct snapshot *snapshot, visit_fn visit, void *arg, corrie_error *err)
{
    struct visitor visitor = {.io = io, .metadata = metadata, .visit = visit, .arg = arg};

    return visit_with(&visitor, snapshot, err);
}

int scan_visit_all(const struct table_io *io, const struct table_metadata *metadata, visit_fn visit,
                   visit_failed_fn failed, void *arg, corrie_error *err)
{
    struct visitor visitor = {
        .io = io, .metadata = metadata, .visit = visit, .failed = failed, .arg = arg};

    return visit_with(&visitor, NULL, err);
}
