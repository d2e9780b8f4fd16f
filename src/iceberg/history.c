/* history.c — former snapshots. */
#include "iceberg/history.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/vec.h"
#include "iceberg/metadata_priv.h"

/* ---- expiring ---- */

struct place {
    int64_t id;
    size_t at;
};

struct expiring {
    const struct table_metadata *metadata;
    const struct expire_options *options;
    int64_t now_ms;
    bool *known; /* parallel to snapshots: in the history of some branch */
    bool *kept;
    struct place *places; /* of all snapshots, by id */
};

static void expiring_done(struct expiring *expiring)
{
    mem_free(expiring->known);
    mem_free(expiring->kept);
    mem_free(expiring->places);
}

static int compare_places(const void *a, const void *b)
{
    int64_t x = ((const struct place *)a)->id;
    int64_t y = ((const struct place *)b)->id;

    return x < y ? -1 : x > y;
}

/* A history may be long: each step of a walk must not be another walk. */
static const struct snapshot *find_snapshot(const struct expiring *expiring, int64_t id)
{
    const struct place wanted = {.id = id};
    const struct place *place = bsearch(&wanted, expiring->places, expiring->metadata->n_snapshots,
                                        sizeof wanted, compare_places);

    return place ? &expiring->metadata->snapshots[place->at] : NULL;
}

static int begin(struct expiring *expiring, corrie_error *err)
{
    size_t n = expiring->metadata->n_snapshots;

    expiring->known = mem_alloc(n + 1, sizeof *expiring->known);
    expiring->kept = mem_alloc(n + 1, sizeof *expiring->kept);
    expiring->places = mem_alloc(n + 1, sizeof *expiring->places);
    if (!expiring->known || !expiring->kept || !expiring->places) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        expiring->places[i] = (struct place){expiring->metadata->snapshots[i].id, i};
    }
    qsort(expiring->places, n, sizeof *expiring->places, compare_places);
    return 0;
}

static size_t index_of(const struct table_metadata *metadata, const struct snapshot *snapshot)
{
    return (size_t)(snapshot - metadata->snapshots);
}

/* What a branch keeps: its newest, and those young enough. */
static void keep_branch(struct expiring *expiring, const json_t *ref)
{
    const struct table_metadata *metadata = expiring->metadata;
    const json_t *least = json_object_get(ref, "min-snapshots-to-keep");
    const json_t *age = json_object_get(ref, "max-snapshot-age-ms");
    int64_t keep = expiring->options->keep_last ? (int64_t)expiring->options->keep_last : 1;
    int64_t oldest = expiring->options->older_than_ms;

    if (json_integer_value(least) > keep) {
        keep = json_integer_value(least);
    }
    if (json_is_integer(age) && json_integer_value(age) >= 0 &&
        expiring->now_ms - json_integer_value(age) < oldest) {
        oldest = expiring->now_ms - json_integer_value(age);
    }
    const struct snapshot *snapshot =
        find_snapshot(expiring, json_integer_value(json_object_get(ref, "snapshot-id")));
    for (size_t i = 0; snapshot && i < metadata->n_snapshots; i++) {
        size_t at = index_of(metadata, snapshot);
        expiring->known[at] = true;
        expiring->kept[at] |= (int64_t)i < keep || snapshot->timestamp_ms >= oldest;
        snapshot = snapshot->parent_id == SNAPSHOT_NONE
                       ? NULL
                       : find_snapshot(expiring, snapshot->parent_id);
    }
}

static void keep_refs(struct expiring *expiring, const json_t *refs)
{
    const char *name;
    json_t *ref;

    json_object_foreach((json_t *)(uintptr_t)refs, name, ref)
    {
        const struct snapshot *snapshot =
            find_snapshot(expiring, json_integer_value(json_object_get(ref, "snapshot-id")));
        if (str_eq(js_str(json_object_get(ref, "type")), STR("branch"))) {
            keep_branch(expiring, ref);
        }
        if (snapshot) {
            size_t at = index_of(expiring->metadata, snapshot);
            expiring->known[at] = expiring->kept[at] = true;
        }
    }
}

/* Snapshots that are named to go. */
static int drop_named(struct expiring *expiring, const json_t *refs, corrie_error *err)
{
    const struct expire_options *options = expiring->options;

    for (size_t i = 0; i < options->n_ids; i++) {
        const struct snapshot *snapshot = find_snapshot(expiring, options->ids[i]);
        const char *name;
        json_t *ref;
        if (!snapshot) {
            return corrie_fail(err, CORRIE_E_NOT_FOUND, "the table has no snapshot %lld",
                               (long long)options->ids[i]);
        }
        json_object_foreach((json_t *)(uintptr_t)refs, name, ref)
        {
            if (json_integer_value(json_object_get(ref, "snapshot-id")) == options->ids[i]) {
                return corrie_fail(err, CORRIE_E_USAGE,
                                   "snapshot %lld cannot go: the table's ref '%s' names it",
                                   (long long)options->ids[i], name);
            }
        }
        expiring->kept[index_of(expiring->metadata, snapshot)] = false;
    }
    return 0;
}

static int expired_document(const struct expiring *expiring, json_t **ret, size_t *ret_n,
                            corrie_error *err)
{
    const struct table_metadata *metadata = expiring->metadata;
    _json_ json_t *document = NULL;
    json_t *snapshots = NULL;
    int r;

    *ret_n = 0;
    if ((r = metadata_edit(metadata, expiring->now_ms, &document, err)) < 0 ||
        (r = metadata_edit_field(document, "snapshots", &snapshots, err)) < 0) {
        return r;
    }
    for (size_t i = metadata->n_snapshots; i-- > 0;) {
        if (!expiring->kept[i]) {
            json_array_remove(snapshots, i);
            ++*ret_n;
        }
    }
    r = metadata_trim_followers(document, snapshots, err);
    if (r >= 0) {
        *ret = TAKE_PTR(document);
    }
    return r;
}

int metadata_expire(const struct table_metadata *metadata, const struct expire_options *options,
                    int64_t now_ms, struct table_metadata **ret, size_t *ret_expired,
                    corrie_error *err)
{
    const json_t *refs = json_object_get(metadata->document, "refs");
    size_t n = metadata->n_snapshots;
    _cleanup_(expiring_done) struct expiring expiring = {
        .metadata = metadata, .options = options, .now_ms = now_ms};
    struct table_metadata *made = NULL;
    json_t *document = NULL;
    size_t n_expired = 0;
    int r;

    if ((r = begin(&expiring, err)) < 0) {
        return r;
    }
    keep_refs(&expiring, refs);
    for (size_t i = 0; i < n; i++) { /* of no branch: by age alone */
        expiring.kept[i] |=
            !expiring.known[i] && metadata->snapshots[i].timestamp_ms >= options->older_than_ms;
    }
    if ((r = drop_named(&expiring, refs, err)) < 0 ||
        (r = expired_document(&expiring, &document, &n_expired, err)) < 0 ||
        (r = metadata_edited(document, metadata, &made, err)) < 0) {
        return r;
    }
    *ret = made;
    *ret_expired = n_expired;
    return 0;
}

/* ---- what falls free ---- */

struct freed {
    struct arena arena;
    struct map kept;  /* manifest lists and manifests of what stays */
    struct map index; /* path to one of `files`, by position + 1 */
    VEC(struct visited_file) files;
    size_t n_data; /* data and delete files among them, that may yet be found to stay */
};

static void freed_done(struct freed *freed)
{
    map_done(&freed->kept);
    map_done(&freed->index);
    vec_done(&freed->files);
    arena_done(&freed->arena);
}

/* First over what stays: names of manifests, which are not read. */
static int note_kept(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct freed *freed = arg;
    struct str path;

    if (arena_str(&freed->arena, file->path, &path) < 0 || map_put(&freed->kept, path, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    return file->kind == FILE_MANIFEST;
}

/* Then over what goes, but for shared manifests: everything once. */
static int note_freed(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct freed *freed = arg;
    struct visited_file noted = *file;

    if (map_find(&freed->kept, file->path) || map_find(&freed->index, file->path)) {
        return 1;
    }
    if (file->file) {
        struct data_file *copy = arena_array(&freed->arena, struct data_file, 1);
        if (!copy) {
            return corrie_fail_memory(err);
        }
        *copy = (struct data_file){.content = file->file->content,
                                   .record_count = file->file->record_count,
                                   .bytes = file->file->bytes,
                                   .spec_id = file->file->spec_id,
                                   .snapshot_id = file->file->snapshot_id,
                                   .sequence_number = file->file->sequence_number,
                                   .file_sequence_number = file->file->file_sequence_number};
        noted.file = copy;
        freed->n_data++;
    }
    if (arena_str(&freed->arena, file->path, &noted.path) < 0 ||
        vec_push(&freed->files, noted) < 0 ||
        map_put(&freed->index, noted.path, (void *)(uintptr_t)freed->files.count) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

/* Last over the rows of what stays: a manifest that was rewritten names files that a freed one named. */
static int spare(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct freed *freed = arg;

    (void)err;
    if (file->file) {
        uintptr_t at = (uintptr_t)map_get(&freed->index, file->path);
        if (at > 0) {
            freed->files.items[at - 1].path = STR_EMPTY;
        }
    }
    return 0;
}

static int visit_freed(struct freed *freed, visit_fn visit, void *arg, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < freed->files.count; i++) {
        struct visited_file *file = &freed->files.items[i];
        if (file->path.len == 0) {
            continue;
        }
        if (file->file) {
            struct data_file whole = *file->file;
            whole.path = file->path;
            file->file = &whole;
            r = visit(arg, file, err);
            file->file = NULL;
        } else {
            r = visit(arg, file, err);
        }
    }
    return r < 0 ? r : 0;
}

int history_freed(const struct table_io *io, const struct table_metadata *before,
                  const struct table_metadata *after, visit_fn visit, void *arg, corrie_error *err)
{
    _cleanup_(freed_done) struct freed freed = {0};
    int r = 0;

    if (after->n_snapshots > 0) {
        r = scan_visit(io, after, NULL, note_kept, &freed, err);
    }
    for (size_t i = 0; r >= 0 && i < before->n_snapshots; i++) {
        const struct snapshot *snapshot = &before->snapshots[i];
        if (!metadata_snapshot_by_id(after, snapshot->id)) {
            r = scan_visit(io, before, snapshot, note_freed, &freed, err);
        }
    }
    if (r >= 0 && freed.n_data > 0 && after->n_snapshots > 0) {
        r = scan_visit(io, after, NULL, spare, &freed, err);
    }
    return r < 0 ? r : visit_freed(&freed, visit, arg, err);
}
