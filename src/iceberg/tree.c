/* tree.c — reading manifest lists and manifests through the store. */
#include "iceberg/tree.h"

#include "base/json.h"
#include "base/limits.h"

bool manifest_may_be_live(const struct manifest_file *manifest)
{
    return manifest->added.files != 0 || manifest->existing.files != 0;
}

int manifest_compare(const void *a, const void *b)
{
    const struct manifest_file *x = a;
    const struct manifest_file *y = b;

    if (x->sequence_number != y->sequence_number) {
        return x->sequence_number > y->sequence_number ? -1 : 1;
    }
    return str_cmp(x->path, y->path);
}

/* *ret_what is the path, NUL-terminated, for messages. */
static int read_file(const struct table_io *io, struct str path, struct arena *arena,
                     struct buf *out, const char **ret_what, corrie_error *err)
{
    int r = cancel_check(io->cancel, err);
    if (r < 0) {
        return r;
    }
    const char *what = arena_text(arena, path);
    if (!what) {
        return corrie_fail_memory(err);
    }
    r = location_read(io, path, CORRIE_MAX_MANIFEST, out, err);
    if (r < 0) {
        if (r == CORRIE_E_USAGE) {
            err->code = CORRIE_E_CORRUPT; /* a name that no program would give a file */
        }
        return err->code;
    }
    *ret_what = what;
    return 0;
}

/* Version 1 could list manifests in the metadata itself. */
static int manifests_of_v1(const struct table_metadata *metadata, const struct snapshot *snapshot,
                           struct arena *arena, struct manifest_list *list, corrie_error *err)
{
    const struct manifest_counts unknown = {FILE_UNKNOWN, FILE_UNKNOWN};
    const json_t *paths = json_object_get(snapshot->json, "manifests");
    size_t i;
    json_t *path;

    if (metadata->n_specs != 1) {
        return corrie_fail(
            err, CORRIE_E_UNSUPPORTED,
            "snapshot %lld has no manifest list and the table several partition specs",
            (long long)snapshot->id);
    }
    json_array_foreach(paths, i, path)
    {
        struct manifest_file file = {.length = FILE_UNKNOWN,
                                     .spec_id = metadata->specs[0].spec_id,
                                     .added_snapshot_id = snapshot->id,
                                     .added = unknown,
                                     .existing = unknown,
                                     .deleted = unknown};
        if (!json_is_string(path)) {
            return corrie_fail(err, CORRIE_E_CORRUPT, "snapshot %lld: field \"manifests\" is wrong",
                               (long long)snapshot->id);
        }
        if (arena_str(arena, js_str(path), &file.path) < 0 || vec_push(list, file) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

int tree_manifests(const struct table_io *io, const struct table_metadata *metadata,
                   const struct snapshot *snapshot, struct arena *arena, struct manifest_list *list,
                   corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes;
    const char *what = NULL;
    struct str claim;
    int64_t n_files;

    buf_init(&bytes, CORRIE_MAX_MANIFEST);
    if (!snapshot) {
        return 0;
    }
    if (snapshot->manifest_list.len == 0) {
        return manifests_of_v1(metadata, snapshot, arena, list, err);
    }
    int r = read_file(io, snapshot->manifest_list, arena, &bytes, &what, err);
    if (r < 0) {
        return corrie_wrap(err, "read the manifest list of snapshot %lld", (long long)snapshot->id);
    }
    size_t before = list->count;
    r = manifest_list_decode(buf_str(&bytes), what, arena, list, err);
    /* a list that was cut after its header is a whole one of no manifests */
    if (r >= 0 && list->count == before && snapshot_summary(snapshot, "total-data-files", &claim) &&
        str_to_int64(claim, &n_files) && n_files > 0) {
        return corrie_fail(
            err, CORRIE_E_CORRUPT,
            "the manifest list '%s' is empty, where its snapshot has %lld data files", what,
            (long long)n_files);
    }
    return r;
}

int tree_entries(const struct table_io *io, const struct table_metadata *metadata,
                 const struct manifest_file *manifest, struct arena *arena,
                 struct manifest_entries *entries, corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes;
    const struct partition_spec *spec = metadata_spec_by_id(metadata, manifest->spec_id);
    const char *what = NULL;

    buf_init(&bytes, CORRIE_MAX_MANIFEST);
    if (!spec) {
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "manifest '%.*s': the table has no partition spec %d",
                           STR_FMT(manifest->path), manifest->spec_id);
    }
    int r = read_file(io, manifest->path, arena, &bytes, &what, err);
    if (r < 0) {
        return corrie_wrap(err, "read manifest '%.*s'", STR_FMT(manifest->path));
    }
    if (manifest->length > 0 && (uint64_t)manifest->length != bytes.len) {
        return corrie_fail(err, CORRIE_E_CORRUPT,
                           "manifest '%s' has %zu bytes where the manifest list says %lld", what,
                           bytes.len, (long long)manifest->length);
    }
    return manifest_decode(buf_str(&bytes), what, manifest, spec, arena, entries, err);
}
