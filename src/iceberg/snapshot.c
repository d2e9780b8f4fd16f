/* snapshot.c — appends, and replacing all rows. */
#include "iceberg/snapshot.h"

#include "base/json.h"
#include "base/limits.h"
#include "iceberg/commit.h"
#include "iceberg/metadata_priv.h"
#include "iceberg/tree.h"

/* ---- append ---- */

int snapshot_append(const struct table_io *io, const struct table_metadata *base,
                    struct str base_location, const struct schema *schema,
                    const struct data_file *files, size_t n_files,
                    const struct snapshot_options *options, struct table_version *ret,
                    corrie_error *err)
{
    _cleanup_(commit_done) struct commit commit = {
        .io = io, .options = options, .base_location = base_location, .operation = "append"};
    int r;

    js_setup();
    if ((r = commit_begin(&commit, base, schema, LAYOUT_SAME, err)) < 0 ||
        (r = commit_add_files(&commit, files, n_files, false, err)) < 0 ||
        (r = commit_merge_manifests(&commit, err)) < 0 || (r = commit_keep(&commit, err)) < 0) {
        return r;
    }
    return commit_finish(&commit, ret, err);
}

/* ---- replace ---- */

struct removal {
    struct arena arena;
    struct manifest_entries entries;
    int64_t bytes; /* of the manifests that they came from */
};

static void removal_done(struct removal *removal)
{
    manifest_entries_done(&removal->entries);
    arena_done(&removal->arena);
    *removal = (struct removal){0};
}

/* Whether the table still has the columns that a spec is made of. */
static bool has_sources(const struct commit *commit, const struct partition_spec *spec)
{
    const struct schema *schema = metadata_schema(commit->metadata);

    for (size_t i = 0; i < spec->n_fields; i++) {
        if (!schema_find_id(schema, spec->fields[i].source_id)) {
            return false;
        }
    }
    return true;
}

/* Where the values of partition tuples have no known type the entries are only counted: deleted entries
 * inform, no reader needs them. So where columns have gone: other readers look for those of each manifest's spec in the
 * current schema, and fail. */
static int flush_removal(struct commit *commit, const struct partition_spec *spec,
                         enum manifest_content content, struct removal *removal, corrie_error *err)
{
    int r = 0;

    if (removal->entries.count > 0 && spec_types_known(spec) && has_sources(commit, spec)) {
        r = commit_write_manifest(commit, spec, content, removal->entries.items,
                                  removal->entries.count, err);
    }
    removal_done(removal);
    return r;
}

static int remove_manifest(struct commit *commit, const struct manifest_file *manifest,
                           struct removal *removal, corrie_error *err)
{
    size_t n = removal->entries.count; /* live ones */

    if (!manifest_may_be_live(manifest)) {
        return 0;
    }
    int r = tree_entries(commit->io, commit->metadata, manifest, &removal->arena, &removal->entries,
                         err);
    if (r < 0) {
        return r;
    }
    for (size_t i = n; i < removal->entries.count; i++) {
        struct manifest_entry *entry = &removal->entries.items[i];
        if (entry->status != ENTRY_DELETED) {
            if ((r = commit_count_removed(commit, &entry->file, err)) < 0) {
                return r;
            }
            removal->entries.items[n] = *entry;
            removal->entries.items[n++].status = ENTRY_DELETED;
        }
    }
    removal->entries.count = n;
    removal->bytes += manifest->length;
    return 0;
}

/* Lists the live files of the former manifests of one spec and content as deleted. */
static int remove_group(struct commit *commit, const struct partition_spec *spec,
                        enum manifest_content content, corrie_error *err)
{
    _cleanup_(removal_done) struct removal removal = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < commit->before.count; i++) {
        const struct manifest_file *manifest = &commit->before.items[i];
        if (manifest->spec_id != spec->spec_id || manifest->content != content) {
            continue;
        }
        r = remove_manifest(commit, manifest, &removal, err);
        if (r >= 0 && removal.bytes > MANIFEST_TARGET) {
            r = flush_removal(commit, spec, content, &removal, err);
        }
    }
    return r < 0 ? r : flush_removal(commit, spec, content, &removal, err);
}

static int remove_all(struct commit *commit, corrie_error *err)
{
    for (size_t i = 0; i < commit->before.count; i++) {
        const struct manifest_file *manifest = &commit->before.items[i];
        if (!metadata_spec_by_id(commit->metadata, manifest->spec_id)) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "manifest '%.*s': the table has no partition spec %d",
                               STR_FMT(manifest->path), manifest->spec_id);
        }
    }
    for (size_t s = 0; s < commit->metadata->n_specs; s++) {
        const struct partition_spec *spec = &commit->metadata->specs[s];
        int r = remove_group(commit, spec, MANIFEST_DATA, err);
        if (r < 0 || (r = remove_group(commit, spec, MANIFEST_DELETES, err)) < 0) {
            return r;
        }
    }
    return 0;
}

int snapshot_replace(const struct table_io *io, const struct table_metadata *base,
                     struct str base_location, const struct schema *schema,
                     const struct data_file *files, size_t n_files,
                     const struct snapshot_options *options, struct table_version *ret,
                     corrie_error *err)
{
    _cleanup_(commit_done) struct commit commit = {
        .io = io, .options = options, .base_location = base_location};
    enum commit_layout layout = options && options->keep_spec ? LAYOUT_KEEP : LAYOUT_NONE;
    _free_ struct data_file *added = NULL;
    int r;

    js_setup();
    commit.operation =
        base_location.len == 0 ? "append" : "overwrite"; /* a new table's first rows */
    if ((r = commit_begin(&commit, base, schema, layout, err)) < 0) {
        return r;
    }
    added = mem_alloc(n_files, sizeof *added);
    if (!added) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_files; i++) {
        added[i] = files[i];
        if (layout == LAYOUT_NONE) {
            added[i].n_partition = 0;
        }
    }
    if ((r = commit_add_files(&commit, added, n_files, false, err)) < 0 ||
        (r = remove_all(&commit, err)) < 0) {
        return r;
    }
    /* counted, not derived: whatever earlier summaries said ends here */
    const struct change_counts *removed = &commit.removed;
    commit.totals =
        (struct table_totals){.files = removed->files,
                              .records = removed->records,
                              .bytes = removed->bytes,
                              .delete_files = removed->position_files + removed->equality_files,
                              .position_deletes = removed->position_rows,
                              .equality_deletes = removed->equality_rows};
    return commit_finish(&commit, ret, err);
}
