/* merge_diff.c — what each side did since the base, as files.
 *
 * The difference of two versions is that of their manifests: one that both list says the same of both, so that
 * only the others are read. Which files changed thus never depends on what snapshots claim, nor on how they
 * follow each other: a target that got the base's files by an earlier merge has snapshots of its own. Operations
 * only tell an overwrite that found nothing to remove from an append. */
#include "iceberg/merge_priv.h"
#include "iceberg/tree.h"

/* Whether the snapshots lead from the current one back to the base's. */
static bool is_line(const struct side *side, const struct table_metadata *base)
{
    int64_t id = side->metadata->current_snapshot_id;

    for (size_t n = 0; n <= side->metadata->n_snapshots; n++) {
        if (id == base->current_snapshot_id) {
            return true;
        }
        const struct snapshot *snapshot =
            id == SNAPSHOT_NONE ? NULL : metadata_snapshot_by_id(side->metadata, id);
        if (!snapshot) {
            return false;
        }
        id = snapshot->parent_id;
    }
    return false;
}

/* ---- the difference ---- */

struct was_entry {
    const struct manifest_entry *entry;
    struct str path;
    bool kept;
};

static int list_paths(const struct manifest_list *list, struct map *paths, corrie_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        if (map_put(paths, list->items[i].path, NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* Live entries of the manifests that are not in `shared`, oldest first. */
static int read_unshared(struct merge *merge, const struct table_metadata *metadata,
                         const struct manifest_list *list, const struct map *shared,
                         struct manifest_entries *entries, corrie_error *err)
{
    size_t n_live = 0;

    for (size_t i = list->count; i-- > 0;) {
        const struct manifest_file *manifest = &list->items[i];
        if (!manifest_may_be_live(manifest) || map_find(shared, manifest->path)) {
            continue;
        }
        int r = tree_entries(merge->io, metadata, manifest, &merge->arena, entries, err);
        if (r < 0) {
            return r;
        }
        for (size_t e = n_live; e < entries->count; e++) {
            if (entries->items[e].status != ENTRY_DELETED) {
                entries->items[n_live++] = entries->items[e];
            }
        }
        entries->count = n_live;
    }
    return 0;
}

/* A change that says nothing of what else its partitions held: an append, a compaction, or delete files that
 * were added, maybe with data files. (What it removed from the base shows anyway.) */
static bool only_added(const struct snapshot *snapshot, const struct manifest_entries *now)
{
    struct str removed;

    if (str_eq(snapshot->operation, STR("append")) || str_eq(snapshot->operation, STR("replace"))) {
        return true;
    }
    if (snapshot_summary(snapshot, "deleted-data-files", &removed) && !str_eq(removed, STR("0"))) {
        return false;
    }
    for (size_t i = 0; i < now->count; i++) {
        if (now->items[i].file.content != FILE_CONTENT_DATA &&
            now->items[i].file.snapshot_id == snapshot->id) {
            return true;
        }
    }
    return false;
}

static int push(struct merge *merge, struct changed_files *files, const struct data_file *file,
                struct str path, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    const struct partition_spec *spec = metadata_spec_by_id(merge->merged, file->spec_id);
    struct changed_file changed = {.file = *file, .path = path};

    partition_text(spec, file->partition, file->n_partition, &text);
    int r = buf_check(&text, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&merge->arena, buf_str(&text), &changed.partition) < 0 ||
        vec_push(files, changed) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int resolve_was(struct merge *merge, const struct manifest_entries *was,
                       struct was_entry *entries, struct map *paths, corrie_error *err)
{
    for (size_t i = 0; i < was->count; i++) {
        entries[i] = (struct was_entry){.entry = &was->items[i]};
        int r = location_resolve(merge->io, was->items[i].file.path, &merge->arena,
                                 &entries[i].path, err);
        if (r < 0) {
            return r;
        }
        if (map_put(paths, entries[i].path, &entries[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* Whether a side did nothing but append and write the same rows into other files. */
static void judge_line(const struct merge *merge, struct side *side)
{
    const struct table_metadata *metadata = side->metadata;
    int64_t id = metadata->current_snapshot_id;

    side->same_rows = side->compacted = side->is_line && id != merge->base->current_snapshot_id;
    while (side->same_rows && id != merge->base->current_snapshot_id) {
        const struct snapshot *snapshot = metadata_snapshot_by_id(metadata, id);
        bool replace = snapshot && str_eq(snapshot->operation, STR("replace"));

        side->compacted = side->compacted && replace;
        side->same_rows = replace || (snapshot && str_eq(snapshot->operation, STR("append")));
        id = snapshot ? snapshot->parent_id : SNAPSHOT_NONE;
    }
    side->compacted = side->compacted && side->same_rows;
}

/* Where a side is no line any more, what it keeps of its history speaks for it. */
static void find_whole(const struct merge *merge, struct side *side)
{
    const struct table_metadata *metadata = side->metadata;

    for (size_t i = 0; i < metadata->n_snapshots && !side->whole; i++) {
        const struct snapshot *snapshot = &metadata->snapshots[i];
        struct str value;

        side->whole = snapshot_summary(snapshot, SNAPSHOT_WHOLE, &value) &&
                      !metadata_snapshot_by_id(merge->base, snapshot->id);
    }
}

/* Tells appended files from those that replaced what their partition held. Where the snapshot that added a file
 * is not kept any more, the file counts as appended if all files of the base are still there. */
static int judge(struct side *side, const struct manifest_entries *now, corrie_error *err)
{
    const struct table_metadata *metadata = side->metadata;
    _cleanup_(map_done) struct map operations = {0}; /* ids' bytes → side: only added */

    for (size_t i = 0; i < metadata->n_snapshots && side->added.count > 0; i++) {
        const struct snapshot *snapshot = &metadata->snapshots[i];
        struct str id = {(const char *)&snapshot->id, sizeof snapshot->id};
        if (map_put(&operations, id, only_added(snapshot, now) ? side : NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < side->added.count; i++) {
        struct changed_file *file = &side->added.items[i];
        struct str id = {(const char *)&file->file.snapshot_id, sizeof file->file.snapshot_id};
        const struct map_entry *known = map_find(&operations, id);
        file->guessed = !known;
        file->overwrote = known ? !known->value : side->is_line || side->removed.count > 0;
    }
    for (size_t i = 0; i < side->removed.count; i++) {
        side->removed.items[i].overwrote = !side->same_rows;
    }
    return 0;
}

/* Files of `now` that were not there are added, files of `was` that are not there any more removed. */
static int compare(struct merge *merge, struct side *side, const struct manifest_entries *was,
                   const struct manifest_entries *now, corrie_error *err)
{
    _free_ struct was_entry *entries = mem_alloc(was->count, sizeof *entries);
    _cleanup_(map_done) struct map paths = {0};

    int r = entries ? resolve_was(merge, was, entries, &paths, err) : corrie_fail_memory(err);
    for (size_t i = 0; r >= 0 && i < now->count; i++) {
        const struct data_file *file = &now->items[i].file;
        struct str path;
        r = location_resolve(merge->io, file->path, &merge->arena, &path, err);
        if (r < 0) {
            return r;
        }
        struct was_entry *before = map_get(&paths, path);
        if (!before) {
            r = push(merge, &side->added, file, path, err);
        } else {
            before->kept = true;
            side->renumbered =
                side->renumbered || before->entry->file.sequence_number != file->sequence_number;
        }
    }
    for (size_t i = 0; r >= 0 && i < paths.count; i++) {
        const struct was_entry *before = paths.entries[i].value;
        if (!before->kept) {
            r = push(merge, &side->removed, &before->entry->file, before->path, err);
        }
    }
    return r < 0 ? r : judge(side, now, err);
}

static int index_added(struct side *side, corrie_error *err)
{
    for (size_t i = 0; i < side->added.count; i++) {
        if (map_put(&side->added_paths, side->added.items[i].path, &side->added.items[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static void note_deletes(struct merge *merge, const struct manifest_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].content == MANIFEST_DELETES && manifest_may_be_live(&list->items[i])) {
            merge->has_deletes = true;
        }
    }
}

static int differ(struct merge *merge, struct side *side, const struct manifest_list *base_list,
                  const struct map *base_listed, corrie_error *err)
{
    _cleanup_(manifest_entries_done) struct manifest_entries was = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries now = {0};
    int r;

    side->is_line = is_line(side, merge->base);
    judge_line(merge, side);
    find_whole(merge, side);
    if ((r = tree_manifests(merge->io, side->metadata, metadata_current_snapshot(side->metadata),
                            &merge->arena, &side->manifests, err)) < 0 ||
        (r = list_paths(&side->manifests, &side->listed, err)) < 0 ||
        (r = read_unshared(merge, merge->base, base_list, &side->listed, &was, err)) < 0 ||
        (r = read_unshared(merge, side->metadata, &side->manifests, base_listed, &now, err)) < 0 ||
        (r = compare(merge, side, &was, &now, err)) < 0) {
        return r;
    }
    note_deletes(merge, &side->manifests);
    return index_added(side, err);
}

int merge_differences(struct merge *merge, corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    _cleanup_(map_done) struct map listed = {0};
    int r;

    if ((r = tree_manifests(merge->io, merge->base, metadata_current_snapshot(merge->base),
                            &merge->arena, &list, err)) < 0 ||
        (r = list_paths(&list, &listed, err)) < 0 ||
        (r = differ(merge, &merge->source, &list, &listed, err)) < 0) {
        return r;
    }
    note_deletes(merge, &list);
    return differ(merge, &merge->target, &list, &listed, err);
}
