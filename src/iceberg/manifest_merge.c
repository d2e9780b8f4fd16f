/* manifest_merge.c — many small manifests become few, so that an append costs the same however many went
 * before. */
#include <stdlib.h>

#include "base/limits.h"
#include "iceberg/commit.h"
#include "iceberg/tree.h"

#define MERGE_MANIFESTS_AT 100

static bool can_merge(const struct manifest_file *file, const struct partition_spec *spec)
{
    return file->content == MANIFEST_DATA && file->spec_id == spec->spec_id && file->length >= 0 &&
           file->length < MANIFEST_TARGET;
}

bool spec_types_known(const struct partition_spec *spec)
{
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (spec->fields[i].result_type.kind == TYPE_NONE) {
            return false;
        }
    }
    return true;
}

/* Live entries of the manifests [from, to), as existing ones in one new manifest. */
static int merge_bin(struct commit *commit, const struct partition_spec *spec,
                     const struct manifest_file *manifests, size_t n, corrie_error *err)
{
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    size_t n_live = 0;

    if (n == 1) {
        return vec_push(&commit->after, manifests[0]) < 0 ? corrie_fail_memory(err) : 0;
    }
    for (size_t i = 0; i < n; i++) {
        int r = tree_entries(commit->io, commit->metadata, &manifests[i], &arena, &entries, err);
        if (r < 0) {
            return r;
        }
    }
    for (size_t i = 0; i < entries.count; i++) {
        if (entries.items[i].status != ENTRY_DELETED) {
            entries.items[n_live] = entries.items[i];
            entries.items[n_live++].status = ENTRY_EXISTING;
        }
    }
    return n_live > 0
               ? commit_write_manifest(commit, spec, MANIFEST_DATA, entries.items, n_live, err)
               : 0;
}

/* Merges the small manifests of a spec in order of age, into ones of about MANIFEST_TARGET. */
static int merge_spec(struct commit *commit, const struct partition_spec *spec, corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list small = {0};
    size_t n_kept = 0;

    for (size_t i = 0; i < commit->before.count; i++) {
        struct manifest_file *file = &commit->before.items[i];
        if (!can_merge(file, spec)) {
            commit->before.items[n_kept++] = *file;
        } else if (vec_push(&small, *file) < 0) {
            return corrie_fail_memory(err);
        }
    }
    commit->before.count = n_kept;
    if (small.count == 0) {
        return 0;
    }
    qsort(small.items, small.count, sizeof *small.items, manifest_compare);

    size_t from = 0;
    int64_t bytes = 0;
    for (size_t i = 0; i < small.count; i++) {
        if (i > from && bytes + small.items[i].length > MANIFEST_TARGET) {
            int r = merge_bin(commit, spec, small.items + from, i - from, err);
            if (r < 0) {
                return r;
            }
            from = i;
            bytes = 0;
        }
        bytes += small.items[i].length;
    }
    return merge_bin(commit, spec, small.items + from, small.count - from, err);
}

int commit_merge_manifests(struct commit *commit, corrie_error *err)
{
    size_t limit = commit->options->merge_manifests_at ? commit->options->merge_manifests_at
                                                       : MERGE_MANIFESTS_AT;

    for (size_t s = 0; s < commit->metadata->n_specs; s++) {
        const struct partition_spec *spec = &commit->metadata->specs[s];
        size_t n = 0;
        for (size_t i = 0; i < commit->before.count; i++) {
            n += can_merge(&commit->before.items[i], spec);
        }
        if (n >= limit && spec_types_known(spec)) {
            int r = merge_spec(commit, spec, err);
            if (r < 0) {
                return corrie_wrap(err, "merge manifests");
            }
        }
    }
    return 0;
}
