/* commit.c — a snapshot in the making: manifests, list, summary, metadata file. */
#include "iceberg/commit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "iceberg/metadata_priv.h"
#include "iceberg/tree.h"

void commit_done(struct commit *commit)
{
    metadata_free(commit->metadata);
    manifest_list_done(&commit->before);
    manifest_list_done(&commit->after);
    map_done(&commit->partitions);
    buf_done(&commit->scratch);
    arena_done(&commit->arena);
}

void table_version_done(struct table_version *version)
{
    metadata_free(version->metadata);
    mem_free(version->location);
    *version = (struct table_version){0};
}

/* ---- beginning ---- */

static int with_schema(const struct table_metadata *base, const struct schema *schema,
                       enum commit_layout layout, int64_t now_ms, struct table_metadata **ret,
                       corrie_error *err)
{
    _cleanup_(metadata_freep) struct table_metadata *first = NULL;
    int r;

    if (!schema && layout == LAYOUT_SAME) {
        *ret = metadata_ref(base); /* an append: what each pays, and a hundred snapshots long */
        return 0;
    }
    r = metadata_with_schema(base, schema ? schema : metadata_schema(base), now_ms, &first, err);
    if (r < 0) {
        return r;
    }
    if (layout == LAYOUT_NONE) {
        return metadata_unpartitioned(first, now_ms, ret, err);
    }
    if (layout == LAYOUT_KEEP) {
        return metadata_without_lost_order(first, now_ms, ret, err);
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

int commit_check(const struct table_metadata *base, corrie_error *err)
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

int commit_begin(struct commit *commit, const struct table_metadata *base,
                 const struct schema *schema, enum commit_layout layout, corrie_error *err)
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
    if ((r = commit_check(base, err)) < 0 ||
        (r = with_schema(base, schema, layout, commit->now_ms, &commit->metadata, err)) < 0 ||
        (!commit->has_before && (r = tree_manifests(commit->io, base, current, &commit->arena,
                                                    &commit->before, err)) < 0) ||
        (r = snapshot_totals(commit->io, base, current, &commit->totals, err)) < 0) {
        return r;
    }
    return 0;
}

/* Stores `bytes` as LOCATION/metadata/NAME; *ret is the absolute path. The metadata file, which is put there last, makes
 * the names of all durable. */
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
        (r = store_put_before(commit->io->store, key, bytes, err)) < 0) {
        return r;
    }
    *ret = str_of(path);
    return 0;
}

int commit_write_manifest(struct commit *commit, const struct partition_spec *spec,
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

/* ---- adding ---- */

static void count(struct change_counts *counts, const struct data_file *file)
{
    counts->bytes = count_add(counts->bytes, file->bytes);
    switch (file->content) {
    case FILE_CONTENT_DATA:
        counts->files++;
        counts->records = count_add(counts->records, file->record_count);
        break;
    case FILE_CONTENT_POSITION_DELETES:
        counts->position_files++;
        counts->position_rows = count_add(counts->position_rows, file->record_count);
        break;
    case FILE_CONTENT_EQUALITY_DELETES:
        counts->equality_files++;
        counts->equality_rows = count_add(counts->equality_rows, file->record_count);
        break;
    }
}

/* Remembers that the file's partition changed. */
static int touch(struct commit *commit, const struct data_file *file, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec_by_id(commit->metadata, file->spec_id);
    struct str key;

    buf_clear(&commit->scratch);
    partition_text(spec, file->partition, file->n_partition, &commit->scratch);
    int r = buf_check(&commit->scratch, err);
    if (r < 0 || map_find(&commit->partitions, buf_str(&commit->scratch))) {
        return r;
    }
    if (arena_str(&commit->arena, buf_str(&commit->scratch), &key) < 0 ||
        map_put(&commit->partitions, key, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

int commit_count_removed(struct commit *commit, const struct data_file *file, corrie_error *err)
{
    count(&commit->removed, file);
    return touch(commit, file, err);
}

static bool is_absolute(struct str path)
{
    return str_find_str(path, STR(":/")) > 0;
}

static int check_file(const struct data_file *file, bool deletes, corrie_error *err)
{
    if (!is_absolute(file->path) || file->record_count < 0 || file->bytes < 0 ||
        (!deletes && file->content != FILE_CONTENT_DATA)) {
        return corrie_fail(
            err, CORRIE_E_USAGE,
            "'%.*s' cannot be added: a data file needs an absolute path, a record count "
            "and a size",
            STR_FMT(file->path));
    }
    return 0;
}

/* What a delete file needs so that readers know which rows it deletes. */
static int check_deletes(const struct commit *commit, const struct data_file *file,
                         corrie_error *err)
{
    const struct schema *schema = metadata_schema(commit->metadata);

    if (file->content == FILE_CONTENT_POSITION_DELETES && file->referenced_data_file.len > 0 &&
        !is_absolute(file->referenced_data_file)) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "'%.*s' cannot be added: it names the data file '%.*s', which is no "
                           "absolute path",
                           STR_FMT(file->path), STR_FMT(file->referenced_data_file));
    }
    if (file->content != FILE_CONTENT_EQUALITY_DELETES) {
        return 0;
    }
    if (file->n_equality_ids == 0) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "'%.*s' cannot be added: equality deletes need the ids of the columns "
                           "that are compared",
                           STR_FMT(file->path));
    }
    for (size_t i = 0; i < file->n_equality_ids; i++) {
        const struct field *field = schema_find_id(schema, file->equality_ids[i]);
        if (!field || type_is_nested(&field->type)) {
            return corrie_fail(err, CORRIE_E_USAGE,
                               "'%.*s' cannot be added: it compares column %d, which the table "
                               "has not as a plain column",
                               STR_FMT(file->path), file->equality_ids[i]);
        }
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

int commit_add_files(struct commit *commit, const struct data_file *files, size_t n_files,
                     bool deletes, corrie_error *err)
{
    _free_ struct manifest_entry *entries = mem_alloc(n_files, sizeof *entries);
    int r = 0;

    if (!entries) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < n_files; i++) {
        struct data_file *file = &entries[i].file;
        if ((r = check_file(&files[i], deletes, err)) < 0 ||
            (r = check_deletes(commit, &files[i], err)) < 0) {
            return r;
        }
        entries[i].status = ENTRY_ADDED;
        *file = files[i];
        file->spec_id = spec_of(commit, file);
        file->sequence_number = FILE_UNKNOWN;
        file->file_sequence_number = FILE_UNKNOWN;
    }
    return commit_add_entries(commit, entries, n_files, err);
}

static bool is_of(const struct manifest_entry *entry, const struct partition_spec *spec,
                  enum manifest_content content)
{
    bool deletes = entry->file.content != FILE_CONTENT_DATA;
    return entry->file.spec_id == spec->spec_id && deletes == (content == MANIFEST_DELETES);
}

int commit_add_entries(struct commit *commit, const struct manifest_entry *entries,
                       size_t n_entries, corrie_error *err)
{
    _free_ struct manifest_entry *group = mem_alloc(n_entries, sizeof *group);
    size_t n_taken = 0;

    if (!group) {
        return corrie_fail_memory(err);
    }
    for (size_t s = 0; s < 2 * commit->metadata->n_specs && n_taken < n_entries; s++) {
        const struct partition_spec *spec = &commit->metadata->specs[s / 2];
        enum manifest_content content = s % 2 ? MANIFEST_DELETES : MANIFEST_DATA;
        size_t n = 0;
        for (size_t i = 0; i < n_entries; i++) {
            if (is_of(&entries[i], spec, content)) {
                group[n++] = entries[i];
            }
        }
        n_taken += n;
        int r = n > 0 ? commit_write_manifest(commit, spec, content, group, n, err) : 0;
        if (r < 0) {
            return r;
        }
    }
    if (n_taken < n_entries) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "a file to be added names a partition spec that the "
                           "table has not");
    }
    for (size_t i = 0; i < n_entries; i++) {
        int r = touch(commit, &entries[i].file, err);
        if (r < 0) {
            return r;
        }
        count(&commit->added, &entries[i].file);
    }
    return 0;
}

/* ---- removing ---- */

/* Keeps the live entries, those that go as DELETED. Returns how many go. */
static int sort_out(struct commit *commit, const struct filter *filter,
                    struct manifest_entries *entries, size_t *ret_gone, corrie_error *err)
{
    size_t n_live = 0;
    size_t n_gone = 0;

    for (size_t i = 0; i < entries->count; i++) {
        struct manifest_entry *entry = &entries->items[n_live];
        if (entries->items[i].status == ENTRY_DELETED) {
            continue;
        }
        *entry = entries->items[i];
        int r = filter->goes(filter->arg, entry, err);
        if (r < 0) {
            return r;
        }
        entry->status = r > 0 ? ENTRY_DELETED : ENTRY_EXISTING;
        if (r > 0 && (r = commit_count_removed(commit, &entry->file, err)) < 0) {
            return r;
        }
        n_gone += entry->status == ENTRY_DELETED;
        n_live++;
    }
    entries->count = n_live;
    *ret_gone = n_gone;
    return 0;
}

int commit_remove(struct commit *commit, const struct filter *filter, corrie_error *err)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < commit->before.count; i++) {
        _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
        _cleanup_(arena_done) struct arena arena = {0};
        const struct manifest_file *manifest = &commit->before.items[i];
        size_t n_gone = 0;
        int r;

        if (manifest_may_be_live(manifest) && filter->may_hold(filter->arg, manifest)) {
            if ((r = tree_entries(commit->io, commit->metadata, manifest, &arena, &entries, err)) <
                    0 ||
                (r = sort_out(commit, filter, &entries, &n_gone, err)) < 0) {
                return r;
            }
        }
        if (n_gone == 0) {
            commit->before.items[n_kept++] = *manifest;
            continue;
        }
        r = commit_write_manifest(commit, metadata_spec_by_id(commit->metadata, manifest->spec_id),
                                  manifest->content, entries.items, entries.count, err);
        if (r < 0) {
            return r;
        }
    }
    commit->before.count = n_kept;
    return 0;
}

int commit_keep(struct commit *commit, corrie_error *err)
{
    for (size_t i = 0; i < commit->before.count; i++) {
        if (manifest_may_be_live(&commit->before.items[i]) &&
            vec_push(&commit->after, commit->before.items[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

/* ---- the list and the metadata ---- */

static int write_list(struct commit *commit, struct str *ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf bytes;
    char name[UUID_TEXT + 48];

    buf_init(&bytes, CORRIE_MAX_MANIFEST);
    if (commit->after.count > 0) { /* newest first, as other writers do */
        qsort(commit->after.items, commit->after.count, sizeof *commit->after.items,
              manifest_compare);
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

static int summarise_counts(const struct commit *commit, json_t *summary)
{
    const struct change_counts *added = &commit->added;
    const struct change_counts *removed = &commit->removed;
    const struct table_totals *totals = &commit->totals;
    const struct {
        const char *key;
        int64_t number;
        bool always;
    } entries[] = {
        {"added-data-files", added->files, true},
        {"added-records", added->records, true},
        {"added-files-size", added->bytes, true},
        {"added-delete-files", added->position_files + added->equality_files, false},
        {"added-position-delete-files", added->position_files, false},
        {"added-position-deletes", added->position_rows, false},
        {"added-equality-delete-files", added->equality_files, false},
        {"added-equality-deletes", added->equality_rows, false},
        {"deleted-data-files", removed->files, false},
        {"deleted-records", removed->records, false},
        {"removed-files-size", removed->bytes, false},
        {"removed-delete-files", removed->position_files + removed->equality_files, false},
        {"removed-position-delete-files", removed->position_files, false},
        {"removed-position-deletes", removed->position_rows, false},
        {"removed-equality-delete-files", removed->equality_files, false},
        {"removed-equality-deletes", removed->equality_rows, false},
        {"changed-partition-count", (int64_t)commit->partitions.count, true},
        {"total-data-files", totals->files, true},
        {"total-records", totals->records, true},
        {"total-files-size", totals->bytes, true},
        {"total-delete-files", totals->delete_files, true},
        {"total-position-deletes", totals->position_deletes, true},
        {"total-equality-deletes", totals->equality_deletes, true},
    };

    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        if ((entries[i].always || entries[i].number != 0) &&
            set_number(summary, entries[i].key, entries[i].number) < 0) {
            return CORRIE_E_NO_MEMORY;
        }
    }
    return 0;
}

/* before − removed + added, not below zero: summaries of others may have lied. */
static int64_t changed(int64_t before, int64_t removed, int64_t added)
{
    return count_add(before > removed ? before - removed : 0, added);
}

static int build_summary(struct commit *commit, json_t **ret, corrie_error *err)
{
    _json_ json_t *summary = json_object();
    const struct change_counts *added = &commit->added;
    const struct change_counts *removed = &commit->removed;
    struct table_totals *totals = &commit->totals;

    *totals = (struct table_totals){
        .files = changed(totals->files, removed->files, added->files),
        .records = changed(totals->records, removed->records, added->records),
        .bytes = changed(totals->bytes, removed->bytes, added->bytes),
        .delete_files =
            changed(totals->delete_files, removed->position_files + removed->equality_files,
                    added->position_files + added->equality_files),
        .position_deletes =
            changed(totals->position_deletes, removed->position_rows, added->position_rows),
        .equality_deletes =
            changed(totals->equality_deletes, removed->equality_rows, added->equality_rows)};
    int r = js_set_str(summary, "operation", str_of(commit->operation));
    if (r >= 0) {
        r = summarise_counts(commit, summary);
    }
    if (r >= 0 && (commit->whole || commit->options->whole)) {
        r = js_set_str(summary, SNAPSHOT_WHOLE, STR("true"));
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

int commit_finish(struct commit *commit, struct table_version *ret, corrie_error *err)
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
