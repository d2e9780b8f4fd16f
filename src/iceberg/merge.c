/* merge.c — content merge of two lines of appends. */
#include "base/json.h"
#include "base/map.h"
#include "iceberg/metadata_priv.h"
#include "iceberg/snapshot.h"
#include "iceberg/tree.h"

/* What one side did since the base. */
struct side {
    const char *name; /* for messages: "ours", "theirs" */
    const struct table_metadata *metadata;
    VEC(int64_t) snapshots; /* ids of the appends since the base */
    VEC(struct data_file) files;
};

static void side_done(struct side *side)
{
    vec_done(&side->snapshots);
    vec_done(&side->files);
}

static int conflict(corrie_error *err, const char *name, const char *problem)
{
    return corrie_fail(err, CORRIE_E_CONFLICT, "cannot merge the rows of both sides: %s %s", name,
                       problem);
}

/* Collects the snapshots from the current one back to the base's. */
static int walk_back(struct side *side, const struct table_metadata *base, corrie_error *err)
{
    int64_t id = side->metadata->current_snapshot_id;

    while (id != base->current_snapshot_id) {
        const struct snapshot *snapshot = metadata_snapshot_by_id(side->metadata, id);
        if (!snapshot || side->snapshots.count > side->metadata->n_snapshots) {
            return conflict(err, side->name,
                            "does not continue the common version, or no longer "
                            "keeps the snapshots since");
        }
        if (!str_eq(snapshot->operation, STR("append"))) {
            return conflict(err, side->name, "did more than append");
        }
        if (vec_push(&side->snapshots, id) < 0) {
            return corrie_fail_memory(err);
        }
        id = snapshot->parent_id;
    }
    return 0;
}

static bool is_new(const struct side *side, int64_t snapshot_id)
{
    for (size_t i = 0; i < side->snapshots.count; i++) {
        if (side->snapshots.items[i] == snapshot_id) {
            return true;
        }
    }
    return false;
}

/* The files that the side added and still has; order: as they were added. */
static int collect_files(struct side *side, const struct table_io *io, struct arena *arena,
                         corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
    const struct snapshot *current = metadata_current_snapshot(side->metadata);

    int r = side->snapshots.count == 0
                ? 0
                : tree_manifests(io, side->metadata, current, arena, &list, err);
    for (size_t i = list.count; r >= 0 && i-- > 0;) { /* newest first: from the end */
        if (is_new(side, list.items[i].added_snapshot_id)) {
            r = tree_entries(io, side->metadata, &list.items[i], arena, &entries, err);
        }
    }
    for (size_t i = 0; r >= 0 && i < entries.count; i++) {
        const struct manifest_entry *entry = &entries.items[i];
        if (entry->status == ENTRY_DELETED || !is_new(side, entry->file.snapshot_id)) {
            continue;
        }
        if (entry->file.content != FILE_CONTENT_DATA) {
            return conflict(err, side->name, "added delete files");
        }
        if (vec_push(&side->files, entry->file) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return r;
}

static int check_disjoint(const struct side *ours, const struct side *theirs, corrie_error *err)
{
    struct map paths = {0};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < theirs->files.count; i++) {
        r = map_put(&paths, theirs->files.items[i].path, NULL) < 0 ? corrie_fail_memory(err) : 0;
    }
    for (size_t i = 0; r >= 0 && i < ours->files.count; i++) {
        if (map_find(&paths, ours->files.items[i].path)) {
            r = corrie_fail(err, CORRIE_E_CONFLICT,
                            "cannot merge the rows of both sides: both added '%.*s'",
                            STR_FMT(ours->files.items[i].path));
        }
    }
    map_done(&paths);
    return r;
}

/* Whether the shorter list of schemas begins the longer one. */
static bool schemas_agree(const struct table_metadata *a, const struct table_metadata *b)
{
    size_t n = a->n_schemas < b->n_schemas ? a->n_schemas : b->n_schemas;

    for (size_t i = 0; i < n; i++) {
        if (a->schemas[i].schema_id != b->schemas[i].schema_id ||
            !schema_eq(&a->schemas[i], &b->schemas[i])) {
            return false;
        }
    }
    return true;
}

/* Whether everything in the document but rows, schemas and properties is the same. */
static bool layout_agrees(const struct table_metadata *a, const struct table_metadata *b)
{
    static const char *const fields[] = {"partition-specs", "default-spec-id", "sort-orders",
                                         "default-sort-order-id", "location"};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (!json_equal(json_object_get(a->document, fields[i]),
                        json_object_get(b->document, fields[i]))) {
            return false;
        }
    }
    return uuid_eq(&a->table_uuid, &b->table_uuid);
}

/* Theirs with ours' schemas where only ours evolved, and ours' properties where only ours changed them. */
static int merged_metadata(const struct table_metadata *base, const struct table_metadata *ours,
                           const struct table_metadata *theirs, int64_t now_ms,
                           struct table_metadata **ret, corrie_error *err)
{
    const json_t *was = json_object_get(base->document, "properties");
    json_t *mine = json_object_get(ours->document, "properties");
    json_t *yours = json_object_get(theirs->document, "properties");
    _cleanup_(metadata_freep) struct table_metadata *merged = NULL;
    _json_ json_t *document = NULL;

    int r = metadata_edit(theirs, now_ms, &document, err);
    if (r < 0) {
        return r;
    }
    if (!json_equal((json_t *)(uintptr_t)was, mine) && !json_equal(mine, yours)) {
        if (!json_equal((json_t *)(uintptr_t)was, yours)) {
            return conflict(err, "both", "changed the table's properties");
        }
        if (js_set(document, "properties", json_incref(mine)) < 0) {
            return corrie_fail_memory(err);
        }
    }
    r = metadata_edited(TAKE_PTR(document), theirs, &merged, err);
    for (size_t i = theirs->n_schemas; r >= 0 && i < ours->n_schemas; i++) {
        struct table_metadata *next = NULL;
        r = metadata_with_schema(merged, &ours->schemas[i], now_ms, &next, err);
        if (r >= 0) {
            metadata_free(merged);
            merged = next;
        }
    }
    if (r >= 0) {
        *ret = TAKE_PTR(merged);
    }
    return r;
}

static int check_sides(struct side *ours, struct side *theirs, const struct table_metadata *base,
                       const struct table_io *io, struct arena *arena, corrie_error *err)
{
    int r;

    if (!layout_agrees(base, ours->metadata) || !layout_agrees(base, theirs->metadata)) {
        return conflict(err, "one side",
                        "changed the partition spec, sort order or place of the table");
    }
    if (!schemas_agree(base, ours->metadata) || !schemas_agree(base, theirs->metadata) ||
        !schemas_agree(ours->metadata, theirs->metadata)) {
        return conflict(err, "both", "changed the table's columns");
    }
    if ((r = walk_back(ours, base, err)) < 0 || (r = walk_back(theirs, base, err)) < 0 ||
        (r = collect_files(ours, io, arena, err)) < 0 ||
        (r = collect_files(theirs, io, arena, err)) < 0) {
        return r;
    }
    return check_disjoint(ours, theirs, err);
}

int snapshot_merge(const struct table_io *io, const struct table_metadata *base,
                   const struct table_metadata *source, const struct table_metadata *target,
                   struct str target_location, const struct snapshot_merge_options *options,
                   struct merge_totals *ret_totals, struct table_version *ret, corrie_error *err)
{
    static const struct snapshot_merge_options defaults = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(side_done) struct side mine = {.name = "the source", .metadata = source};
    _cleanup_(side_done) struct side yours = {.name = "the target", .metadata = target};
    _cleanup_(metadata_freep) struct table_metadata *merged = NULL;

    options = options ? options : &defaults;
    js_setup();
    int r = check_sides(&mine, &yours, base, io, &arena, err);
    if (r >= 0) {
        r = merged_metadata(base, source, target, target->last_updated_ms, &merged, err);
    }
    if (r < 0 || options->dry_run) {
        return r;
    }
    if (options->n_skip > 0 || ret_totals) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED, "merging with files left out");
    }
    return snapshot_append(io, merged, target_location, NULL, mine.files.items, mine.files.count,
                           options->snapshot, ret, err);
}
