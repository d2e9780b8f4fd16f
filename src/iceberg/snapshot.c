/* snapshot.c — new snapshots: append and replace.
 *
 * A commit gathers the manifests of the snapshot to be (`after`), writing each new one as soon as its
 * entries are known; then come the list and the metadata file. */
#include "iceberg/snapshot.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "iceberg/metadata_priv.h"
#include "iceberg/scan.h"
#include "iceberg/tree.h"

#define MERGE_MANIFESTS_AT 100
/* Iceberg's commit.manifest.target-size-bytes */
#define MANIFEST_TARGET ((int64_t)(8 * CORRIE_MiB))

struct counts {
    int64_t files;
    int64_t records;
    int64_t bytes;
};

struct commit {
    const struct table_io *io;
    const struct snapshot_options *options;
    struct table_metadata *metadata; /* the base, with the new schema */
    struct str base_location;
    struct arena arena;
    struct manifest_list before;
    struct manifest_list after;
    int64_t now_ms;
    int64_t snapshot_id;
    int64_t sequence_number;
    char uuid[UUID_TEXT + 1];
    unsigned n_written;
    struct table_totals totals; /* of the base, then of the new snapshot */
    struct counts added;
    struct counts deleted;
    int64_t deleted_delete_files;
    const char *operation;
};

static void commit_done(struct commit *commit)
{
    metadata_free(commit->metadata);
    manifest_list_done(&commit->before);
    manifest_list_done(&commit->after);
    arena_done(&commit->arena);
}

void table_version_done(struct table_version *version)
{
    metadata_free(version->metadata);
    mem_free(version->location);
    *version = (struct table_version){0};
}

/* ---- totals ---- */

static bool summary_number(const struct snapshot *snapshot, const char *key, int64_t *ret)
{
    struct str text;
    return snapshot_summary(snapshot, key, &text) && str_to_int64(text, ret) && *ret >= 0;
}

static int count_file(void *arg, const struct visited_file *file, corrie_error *err)
{
    struct table_totals *totals = arg;

    (void)err;
    if (file->kind == FILE_DATA) {
        totals->files++;
        totals->records = count_add(totals->records, file->file->record_count);
        totals->bytes = count_add(totals->bytes, file->file->bytes);
    } else if (file->kind == FILE_DELETES) {
        totals->delete_files++;
    }
    return 0;
}

int snapshot_totals(const struct table_io *io, const struct table_metadata *metadata,
                    const struct snapshot *snapshot, struct table_totals *ret, corrie_error *err)
{
    struct table_totals totals = {0};

    if (!snapshot) {
        *ret = totals;
        return 0;
    }
    if (summary_number(snapshot, "total-records", &totals.records) &&
        summary_number(snapshot, "total-files-size", &totals.bytes) &&
        summary_number(snapshot, "total-data-files", &totals.files) &&
        summary_number(snapshot, "total-delete-files", &totals.delete_files)) {
        *ret = totals;
        return 0;
    }
    totals = (struct table_totals){0};
    int r = scan_visit(io, metadata, snapshot, count_file, &totals, err);
    if (r < 0) {
        return r;
    }
    *ret = totals;
    return 0;
}

/* ---- steps of a commit ---- */

static int with_schema(const struct table_metadata *base, const struct schema *schema, bool replace,
                       int64_t now_ms, struct table_metadata **ret, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *first = NULL;
    int r =
        metadata_with_schema(base, schema ? schema : metadata_schema(base), now_ms, &first, err);

    if (r < 0) {
        return r;
    }
    if (replace) {
        return metadata_unpartitioned(first, now_ms, ret, err);
    }
    *ret = TAKE_PTR(first);
    return 0;
}

/* A random id below 2^53, so that readers that know numbers only as doubles keep it. */
static int64_t new_snapshot_id(const struct table_metadata *metadata)
{
    int64_t id = 0;

    while (id == 0 || metadata_snapshot_by_id(metadata, id)) {
        random_bytes(&id, sizeof id);
        id &= (INT64_C(1) << 53) - 1;
    }
    return id;
}

static int check_writable(const struct table_metadata *base, corrie_error *err)
{
    if (base->last_sequence_number == INT64_MAX) {
        return corrie_fail(err, CORRIE_E_CORRUPT, "the table's sequence numbers are used up");
    }
    for (size_t i = 0; i < base->n_snapshots; i++) {
        if (base->snapshots[i].manifest_list.len == 0) {
            return corrie_fail(
                err, CORRIE_E_UNSUPPORTED,
                "snapshot %lld has no manifest list: a table of format version 1 from "
                "before they existed cannot be written",
                (long long)base->snapshots[i].id);
        }
    }
    return 0;
}

static int commit_begin(struct commit *commit, const struct table_metadata *base,
                        const struct schema *schema, bool replace, corrie_error *err)
{
    static const struct snapshot_options defaults = {0};
    struct uuid uuid = uuid_random();
    int r;

    if (!commit->options) {
        commit->options = &defaults;
    }
    commit->now_ms = commit->options->now_ms ? commit->options->now_ms : clock_now() / 1000000;
    commit->snapshot_id = new_snapshot_id(base);
    commit->sequence_number = base->last_sequence_number + 1;
    uuid_format(&uuid, commit->uuid);

    const struct snapshot *current = metadata_current_snapshot(base);
    if ((r = check_writable(base, err)) < 0 ||
        (r = with_schema(base, schema, replace, commit->now_ms, &commit->metadata, err)) < 0 ||
        (r = tree_manifests(commit->io, base, current, &commit->arena, &commit->before, err)) < 0 ||
        (r = snapshot_totals(commit->io, base, current, &commit->totals, err)) < 0) {
        return r;
    }
    return 0;
}

/* Stores `bytes` as LOCATION/metadata/NAME; *ret is the absolute path. */
static int put_file(struct commit *commit, const char *name, struct str bytes, struct str *ret,
                    corrie_error *err)
{
    struct str key;

    char *path =
        arena_printf(&commit->arena, "%.*s/metadata/%s", STR_FMT(commit->metadata->location), name);
    if (!path) {
        return corrie_fail_memory(err);
    }
    int r = location_key(commit->io, str_of(path), &commit->arena, &key, err);
    if (r < 0 || (r = cancel_check(commit->io->cancel, err)) < 0 ||
        (r = store_put(commit->io->store, key, bytes, err)) < 0) {
        return r;
    }
    *ret = str_of(path);
    return 0;
}

static int write_manifest(struct commit *commit, const struct partition_spec *spec,
                          enum manifest_content content, const struct manifest_entry *entries,
                          size_t n_entries, corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes;
    struct manifest_file file;
    struct manifest_spec how = {.schema = metadata_schema(commit->metadata),
                                .spec = spec,
                                .content = content,
                                .snapshot_id = commit->snapshot_id,
                                .sequence_number = commit->sequence_number};
    char name[UUID_TEXT + 32];

    buf_init(&bytes, CORRIE_MAX_MANIFEST);
    int r = manifest_encode(&how, entries, n_entries, &commit->arena, &file, &bytes, err);
    if (r < 0) {
        return corrie_wrap(err, "write a manifest");
    }
    snprintf(name, sizeof name, "%s-m%u.avro", commit->uuid, commit->n_written);
    r = put_file(commit, name, buf_str(&bytes), &file.path, err);
    if (r < 0) {
        return corrie_wrap(err, "write a manifest");
    }
    commit->n_written++;
    return vec_push(&commit->after, file) < 0 ? corrie_fail_memory(err) : 0;
}

static void count(struct counts *counts, const struct data_file *file)
{
    counts->files++;
    counts->records = count_add(counts->records, file->record_count);
    counts->bytes = count_add(counts->bytes, file->bytes);
}

static int check_file(const struct data_file *file, corrie_error *err)
{
    if (str_find_str(file->path, STR(":/")) <= 0 || file->record_count < 0 || file->bytes < 0 ||
        file->content != FILE_CONTENT_DATA) {
        return corrie_fail(
            err, CORRIE_E_USAGE,
            "'%.*s' cannot be added: a data file needs an absolute path, a record count "
            "and a size",
            STR_FMT(file->path));
    }
    return 0;
}

/* A file without a tuple belongs to the default spec where that has no fields: whoever writes unpartitioned
 * files need not know the number of the spec. */
static int spec_of(const struct commit *commit, const struct data_file *file)
{
    bool plain = file->n_partition == 0 && metadata_spec(commit->metadata)->n_fields == 0;
    return plain ? commit->metadata->default_spec_id : file->spec_id;
}

/* One manifest a spec, in the order of the files. */
static int add_files(struct commit *commit, const struct data_file *files, size_t n_files,
                     corrie_error *err)
{
    _free_ struct manifest_entry *entries = mem_alloc(n_files, sizeof *entries);
    size_t n_taken = 0;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_files; i++) {
        int r = check_file(&files[i], err);
        if (r < 0) {
            return r;
        }
        count(&commit->added, &files[i]);
    }
    for (size_t s = 0; s < commit->metadata->n_specs && n_taken < n_files; s++) {
        const struct partition_spec *spec = &commit->metadata->specs[s];
        size_t n = 0;
        for (size_t i = 0; i < n_files; i++) {
            if (spec_of(commit, &files[i]) == spec->spec_id) {
                entries[n] = (struct manifest_entry){.status = ENTRY_ADDED, .file = files[i]};
                entries[n].file.sequence_number = FILE_UNKNOWN;
                entries[n++].file.file_sequence_number = FILE_UNKNOWN;
            }
        }
        n_taken += n;
        int r = n > 0 ? write_manifest(commit, spec, MANIFEST_DATA, entries, n, err) : 0;
        if (r < 0) {
            return r;
        }
    }
    if (n_taken < n_files) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "a file to be added names a partition spec that the "
                           "table has not");
    }
    return 0;
}

static int compare_manifests(const void *a, const void *b)
{
    const struct manifest_file *x = a;
    const struct manifest_file *y = b;

    if (x->sequence_number != y->sequence_number) {
        return x->sequence_number > y->sequence_number ? -1 : 1;
    }
    return str_cmp(x->path, y->path);
}

static int write_list(struct commit *commit, struct str *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes;
    char name[UUID_TEXT + 48];

    buf_init(&bytes, CORRIE_MAX_MANIFEST);
    if (commit->after.count > 0) { /* newest first, as other writers do */
        qsort(commit->after.items, commit->after.count, sizeof *commit->after.items,
              compare_manifests);
    }
    int r = manifest_list_encode(&commit->after, commit->snapshot_id,
                                 commit->metadata->current_snapshot_id, commit->sequence_number,
                                 &bytes, err);
    if (r >= 0) {
        snprintf(name, sizeof name, "snap-%lld-0-%s.avro", (long long)commit->snapshot_id,
                 commit->uuid);
        r = put_file(commit, name, buf_str(&bytes), ret, err);
    }
    return r < 0 ? corrie_wrap(err, "write a manifest list") : 0;
}

static int set_number(json_t *summary, const char *key, int64_t number)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)number);
    return js_set_str(summary, key, str_of(text));
}

static int build_summary(struct commit *commit, json_t **ret, corrie_error *err)
{
    _json_ json_t *summary = json_object();
    const struct counts *added = &commit->added;
    const struct counts *deleted = &commit->deleted;
    struct table_totals *totals = &commit->totals;
    int r = js_set_str(summary, "operation", str_of(commit->operation));

    totals->files = count_add(totals->files - deleted->files, added->files);
    totals->records = count_add(totals->records - deleted->records, added->records);
    totals->bytes = count_add(totals->bytes - deleted->bytes, added->bytes);
    totals->delete_files -= commit->deleted_delete_files;
    const struct {
        const char *key;
        int64_t number;
        bool always;
    } entries[] = {
        {"added-data-files", added->files, true},
        {"added-records", added->records, true},
        {"added-files-size", added->bytes, true},
        {"deleted-data-files", deleted->files, false},
        {"deleted-records", deleted->records, false},
        {"removed-files-size", deleted->bytes, false},
        {"removed-delete-files", commit->deleted_delete_files, false},
        {"changed-partition-count", added->files + deleted->files > 0 ? 1 : 0, true},
        {"total-data-files", totals->files, true},
        {"total-records", totals->records, true},
        {"total-files-size", totals->bytes, true},
        {"total-delete-files", totals->delete_files, true},
    };
    for (size_t i = 0; r >= 0 && i < ARRAY_LEN(entries); i++) {
        if (entries[i].always || entries[i].number != 0) {
            r = set_number(summary, entries[i].key, entries[i].number);
        }
    }
    if (r >= 0 && totals->delete_files == 0) {
        r = set_number(summary, "total-position-deletes", 0);
        r = r < 0 ? r : set_number(summary, "total-equality-deletes", 0);
    }
    for (size_t i = 0; r >= 0 && i < commit->options->n_summary; i++) {
        const struct property *extra = &commit->options->summary[i];
        _free_ char *key = str_dup(extra->key);
        r = key ? js_set_str(summary, key, extra->value) : CORRIE_E_NO_MEMORY;
    }
    if (r < 0) {
        return corrie_fail_memory(err);
    }
    *ret = TAKE_PTR(summary);
    return 0;
}

static int commit_finish(struct commit *commit, struct table_version *ret, corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *made = NULL;
    _cleanup_(table_version_done) struct table_version version = {.snapshot_id =
                                                                      commit->snapshot_id};
    _json_ json_t *summary = NULL;
    struct str list_path;
    struct str location;
    int r;

    if ((r = write_list(commit, &list_path, err)) < 0 ||
        (r = build_summary(commit, &summary, err)) < 0) {
        return r;
    }
    struct new_snapshot snapshot = {
        .id = commit->snapshot_id,
        .sequence_number = commit->sequence_number,
        .manifest_list = list_path,
        .summary = summary,
        .keep = commit->options->keep_snapshots ? commit->options->keep_snapshots : KEEP_SNAPSHOTS};
    if ((r = metadata_with_snapshot(commit->metadata, &snapshot, commit->now_ms, &made, err)) < 0 ||
        (r = metadata_write(commit->io, made, commit->base_location, &commit->arena, &location,
                            &version.metadata, err)) < 0) {
        return r;
    }
    version.location = str_dup(location);
    if (!version.location) {
        return corrie_fail_memory(err);
    }
    version.records = commit->totals.records;
    version.bytes = commit->totals.bytes;
    version.files = commit->totals.files;
    *ret = TAKE(version);
    return 0;
}

/* ---- append ---- */

static bool can_merge(const struct manifest_file *file, const struct partition_spec *spec)
{
    return file->content == MANIFEST_DATA && file->spec_id == spec->spec_id && file->length >= 0 &&
           file->length < MANIFEST_TARGET;
}

static bool types_known(const struct partition_spec *spec)
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
    return n_live > 0 ? write_manifest(commit, spec, MANIFEST_DATA, entries.items, n_live, err) : 0;
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
    qsort(small.items, small.count, sizeof *small.items, compare_manifests);

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

static int merge_manifests(struct commit *commit, corrie_error *err)
{
    size_t limit = commit->options->merge_manifests_at ? commit->options->merge_manifests_at
                                                       : MERGE_MANIFESTS_AT;

    for (size_t s = 0; s < commit->metadata->n_specs; s++) {
        const struct partition_spec *spec = &commit->metadata->specs[s];
        size_t n = 0;
        for (size_t i = 0; i < commit->before.count; i++) {
            n += can_merge(&commit->before.items[i], spec);
        }
        if (n >= limit && types_known(spec)) {
            int r = merge_spec(commit, spec, err);
            if (r < 0) {
                return corrie_wrap(err, "merge manifests");
            }
        }
    }
    return 0;
}

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
    if ((r = commit_begin(&commit, base, schema, false, err)) < 0 ||
        (r = add_files(&commit, files, n_files, err)) < 0 ||
        (r = merge_manifests(&commit, err)) < 0) {
        return r;
    }
    for (size_t i = 0; i < commit.before.count; i++) {
        if (vec_push(&commit.after, commit.before.items[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return commit_finish(&commit, ret, err);
}

/* ---- replace ---- */

static void count_deleted(struct commit *commit, const struct data_file *file)
{
    if (file->content != FILE_CONTENT_DATA) {
        commit->deleted_delete_files++;
        return;
    }
    count(&commit->deleted, file);
}

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

/* Where the values of partition tuples have no known type the entries are only counted: deleted entries
 * inform, no reader needs them. */
static int flush_removal(struct commit *commit, const struct partition_spec *spec,
                         enum manifest_content content, struct removal *removal, corrie_error *err)
{
    int r = 0;

    if (removal->entries.count > 0 && types_known(spec)) {
        r = write_manifest(commit, spec, content, removal->entries.items, removal->entries.count,
                           err);
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
            count_deleted(commit, &entry->file);
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
    _free_ struct data_file *unpartitioned = NULL;
    int r;

    js_setup();
    commit.operation = base->current_snapshot_id == SNAPSHOT_NONE ? "append" : "overwrite";
    if ((r = commit_begin(&commit, base, schema, true, err)) < 0) {
        return r;
    }
    unpartitioned = mem_alloc(n_files, sizeof *unpartitioned);
    if (!unpartitioned) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n_files; i++) {
        unpartitioned[i] = files[i];
        unpartitioned[i].n_partition = 0;
    }
    if ((r = add_files(&commit, unpartitioned, n_files, err)) < 0 ||
        (r = remove_all(&commit, err)) < 0) {
        return r;
    }
    /* counted, not derived: whatever earlier summaries said ends here */
    commit.totals = (struct table_totals){.files = commit.deleted.files,
                                          .records = commit.deleted.records,
                                          .bytes = commit.deleted.bytes,
                                          .delete_files = commit.deleted_delete_files};
    return commit_finish(&commit, ret, err);
}
