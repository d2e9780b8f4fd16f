/* merge.c — content merge: the target with what the source did since the base. */
#include "base/clock.h"
#include "base/json.h"
#include "iceberg/commit.h"
#include "iceberg/merge_priv.h"
#include "iceberg/metadata_priv.h"
#include "iceberg/tree.h"

static void side_done(struct side *side)
{
    manifest_list_done(&side->manifests);
    map_done(&side->listed);
    vec_done(&side->added);
    vec_done(&side->removed);
    map_done(&side->added_paths);
}

static void merge_done(struct merge *merge)
{
    side_done(&merge->source);
    side_done(&merge->target);
    metadata_free(merge->merged);
    arena_done(&merge->arena);
}

/* ---- totals ---- */

static void count_changes(const struct merge *merge, struct merge_totals *totals)
{
    for (size_t i = 0; i < merge->source.added.count; i++) {
        const struct changed_file *file = &merge->source.added.items[i];
        if (file->skipped) {
            totals->skipped_files++;
            totals->skipped_records = count_add(totals->skipped_records, file->file.record_count);
            continue;
        }
        totals->added_bytes = count_add(totals->added_bytes, file->file.bytes);
        if (file->file.content != FILE_CONTENT_DATA) {
            totals->added_delete_files++;
            continue;
        }
        totals->added_files++;
        totals->added_records = count_add(totals->added_records, file->file.record_count);
    }
    for (size_t i = 0; i < merge->source.removed.count; i++) {
        const struct data_file *file = &merge->source.removed.items[i].file;
        totals->removed_bytes = count_add(totals->removed_bytes, file->bytes);
        if (file->content != FILE_CONTENT_DATA) {
            totals->removed_delete_files++;
            continue;
        }
        totals->removed_files++;
        totals->removed_records = count_add(totals->removed_records, file->record_count);
    }
}

static int64_t changed(int64_t before, int64_t removed, int64_t added)
{
    return count_add(before > removed ? before - removed : 0, added);
}

static int count_all(const struct merge *merge, struct merge_totals *totals, corrie_error *err)
{
    const struct table_metadata *target = merge->target.metadata;
    struct table_totals before;

    int r = snapshot_totals(merge->io, target, metadata_current_snapshot(target), &before, err);
    if (r < 0) {
        return r;
    }
    count_changes(merge, totals);
    totals->files = changed(before.files, totals->removed_files, totals->added_files);
    totals->records = changed(before.records, totals->removed_records, totals->added_records);
    totals->bytes = changed(before.bytes, totals->removed_bytes, totals->added_bytes);
    return 0;
}

/* ---- the new snapshot ---- */

struct removed_files {
    const struct merge *merge;
    struct map paths;
    struct arena arena;
    size_t n_found;
};

static void removed_files_done(struct removed_files *removed)
{
    map_done(&removed->paths);
    arena_done(&removed->arena);
}

/* A manifest that the source lists as well holds nothing that the source removed. */
static bool may_hold_removed(void *arg, const struct manifest_file *manifest)
{
    const struct removed_files *removed = arg;
    return !map_find(&removed->merge->source.listed, manifest->path);
}

static int is_removed(void *arg, const struct manifest_entry *entry, corrie_error *err)
{
    struct removed_files *removed = arg;
    struct str path;

    int r = location_resolve(removed->merge->io, entry->file.path, &removed->arena, &path, err);
    if (r < 0) {
        return r;
    }
    if (!map_find(&removed->paths, path)) {
        return 0;
    }
    removed->n_found++;
    return 1;
}

static int remove_files(const struct merge *merge, struct commit *commit, corrie_error *err)
{
    _cleanup_(removed_files_done) struct removed_files removed = {.merge = merge};
    const struct filter filter = {
        .arg = &removed, .may_hold = may_hold_removed, .goes = is_removed};
    const struct changed_files *files = &merge->source.removed;

    if (files->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < files->count; i++) {
        if (map_put(&removed.paths, files->items[i].path, NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    int r = commit_remove(commit, &filter, err);
    if (r >= 0 && removed.n_found < removed.paths.count) {
        return merge_conflict(err, merge_hint_choose,
                              "the target no longer has all files that the source removed");
    }
    return r;
}

static int add_files(const struct merge *merge, struct commit *commit, corrie_error *err)
{
    const struct changed_files *files = &merge->source.added;
    _free_ struct manifest_entry *entries = mem_alloc(files->count, sizeof *entries);
    size_t n = 0;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < files->count; i++) {
        if (!files->items[i].skipped) {
            entries[n] =
                (struct manifest_entry){.status = ENTRY_ADDED, .file = files->items[i].file};
            entries[n++].file.file_sequence_number = FILE_UNKNOWN;
        }
    }
    return commit_add_entries(commit, entries, n, err);
}

/* What later merges will read of it: an overwrite stays one. */
static const char *operation_of(const struct merge *merge, const struct merge_totals *totals)
{
    bool overwrote = totals->removed_files + totals->removed_delete_files > 0;

    for (size_t i = 0; i < merge->source.added.count; i++) {
        const struct changed_file *file = &merge->source.added.items[i];
        overwrote = overwrote || (file->overwrote && !file->skipped);
    }
    if (merge->source.compacted) {
        return "replace";
    }
    if (totals->added_files == 0) {
        return "delete";
    }
    return overwrote || totals->added_delete_files > 0 ? "overwrite" : "append";
}

static int write_snapshot(struct merge *merge, struct str target_location,
                          const struct merge_totals *totals, struct table_version *ret,
                          corrie_error *err)
{
    _cleanup_(commit_done) struct commit commit = {.io = merge->io,
                                                   .options = merge->options->snapshot,
                                                   .base_location = target_location,
                                                   .has_before = true,
                                                   .before = merge->target.manifests,
                                                   .operation = operation_of(merge, totals),
                                                   .whole = merge->source.whole};
    int r;

    merge->target.manifests = (struct manifest_list){0}; /* the commit's now */
    if ((r = commit_begin(&commit, merge->merged, NULL, LAYOUT_SAME, err)) < 0 ||
        (r = remove_files(merge, &commit, err)) < 0 || (r = add_files(merge, &commit, err)) < 0 ||
        (r = commit_merge_manifests(&commit, err)) < 0 || (r = commit_keep(&commit, err)) < 0) {
        return r;
    }
    return commit_finish(&commit, ret, err);
}

/* No file comes or goes: the document alone, or nothing. */
static int write_document(struct merge *merge, struct str target_location,
                          const struct merge_totals *totals, struct table_version *ret,
                          corrie_error *err)
{
    const struct table_metadata *target = merge->target.metadata;
    const struct snapshot_options *options = merge->options->snapshot;
    _cleanup_(table_version_done) struct table_version version = {.snapshot_id =
                                                                      target->current_snapshot_id,
                                                                  .records = totals->records,
                                                                  .bytes = totals->bytes,
                                                                  .files = totals->files};
    struct str location = target_location;
    int r = 0;

    if (json_equal(merge->merged->document, target->document)) {
        version.metadata = TAKE_PTR(merge->merged);
    } else {
        _cleanup_(metadata_freep) struct table_metadata *now = NULL;
        int64_t now_ms = options && options->now_ms ? options->now_ms : clock_now() / 1000000;
        if ((r = metadata_with_properties(merge->merged, NULL, 0, now_ms, &now, err)) < 0 ||
            (r = metadata_write(merge->io, now, target_location, &merge->arena, &location,
                                &version.metadata, err)) < 0) {
            return r;
        }
    }
    version.location = str_dup(location);
    if (!version.location) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE(version);
    return 0;
}

static bool changes_files(const struct merge_totals *totals)
{
    return totals->added_files + totals->added_delete_files + totals->removed_files +
               totals->removed_delete_files >
           0;
}

/* What would fail only while writing: a dry run must say it too. */
static int check_writable(const struct merge *merge, corrie_error *err)
{
    const struct changed_files *all[] = {&merge->source.added, &merge->source.removed};

    for (size_t a = 0; a < ARRAY_LEN(all); a++) {
        for (size_t i = 0; i < all[a]->count; i++) {
            int id = all[a]->items[i].file.spec_id;
            const struct partition_spec *spec = metadata_spec_by_id(merge->merged, id);
            if (!spec || !spec_types_known(spec)) {
                return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                                   "cannot merge the table's rows: partition spec %d of '%.*s' has "
                                   "a transform or column that is not known",
                                   id, STR_FMT(all[a]->items[i].path));
            }
        }
    }
    return commit_check(merge->merged, err);
}

static int prepare(struct merge *merge, struct merge_totals *totals, corrie_error *err)
{
    int r;

    if ((r = merge_documents(merge, err)) < 0 || (r = merge_differences(merge, err)) < 0 ||
        (r = merge_check_rows(merge, err)) < 0 || (r = merge_check_deletes(merge, err)) < 0 ||
        (r = count_all(merge, totals, err)) < 0) {
        return r;
    }
    return changes_files(totals) ? check_writable(merge, err) : 0;
}

int snapshot_merge(const struct table_io *io, const struct table_metadata *base,
                   const struct table_metadata *source, const struct table_metadata *target,
                   struct str target_location, const struct snapshot_merge_options *options,
                   struct merge_totals *ret_totals, struct table_version *ret, corrie_error *err)
{
    static const struct snapshot_merge_options defaults = {0};
    _cleanup_(merge_done) struct merge merge = {
        .io = io,
        .options = options ? options : &defaults,
        .base = base,
        .source = {.name = "the source", .metadata = source},
        .target = {.name = "the target", .metadata = target}};
    struct merge_totals totals = {0};

    js_setup();
    int r = prepare(&merge, &totals, err);
    if (r >= 0 && !merge.options->dry_run) {
        r = changes_files(&totals) ? write_snapshot(&merge, target_location, &totals, ret, err)
                                   : write_document(&merge, target_location, &totals, ret, err);
    }
    if (r >= 0 && ret_totals) {
        *ret_totals = totals;
    }
    return r < 0 ? r : 0;
}
