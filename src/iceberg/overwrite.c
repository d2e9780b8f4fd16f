/* overwrite.c — changes of some rows: whole files or partitions, or delete files beside them. */
#include "arrow/scalar.h"
#include "base/json.h"
#include "iceberg/commit.h"
#include "iceberg/snapshot.h"

/* ---- overwrite ---- */

/* What a removal says, ready to be asked. */
struct asked {
    const struct commit *commit;
    const struct file_removal *removal;
    struct map paths; /* value: NULL until found, then the map itself */
    struct map partitions;
    struct arena arena;
    struct buf scratch;
};

static void asked_done(struct asked *asked)
{
    map_done(&asked->paths);
    map_done(&asked->partitions);
    arena_done(&asked->arena);
    buf_done(&asked->scratch);
}

static int ask_partition(struct asked *asked, const struct partition_key *key, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec_by_id(asked->commit->metadata, key->spec_id);
    struct str text;

    if (!spec || spec->n_fields != key->n_values) {
        return corrie_fail(err, CORRIE_E_USAGE,
                           "a partition to be overwritten does not fit partition spec %d",
                           key->spec_id);
    }
    buf_clear(&asked->scratch);
    partition_text(spec, key->values, key->n_values, &asked->scratch);
    int r = buf_check(&asked->scratch, err);
    if (r < 0) {
        return r;
    }
    if (arena_str(&asked->arena, buf_str(&asked->scratch), &text) < 0 ||
        map_put(&asked->partitions, text, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    return 0;
}

static int ask(struct asked *asked, corrie_error *err)
{
    for (size_t i = 0; i < asked->removal->n_paths; i++) {
        struct str path;
        int r = location_resolve(asked->commit->io, asked->removal->paths[i], &asked->arena, &path,
                                 err);
        if (r < 0) {
            return r;
        }
        if (map_put(&asked->paths, path, NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < asked->removal->n_partitions; i++) {
        int r = ask_partition(asked, &asked->removal->partitions[i], err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

/* Whether a value may be among those that a manifest's summary tells of; what cannot be compared may. */
static bool summary_admits(const struct type *type, const struct field_summary *summary,
                           struct str value)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    double number;
    int order = 0;

    if (!value.data) {
        return summary->contains_null;
    }
    if ((type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) &&
        scalar_to_double(type, value, &number) && number != number) {
        return summary->contains_nan != 0;
    }
    if (summary->lower.data && scalar_compare(type, value, summary->lower, &order, &ignored) >= 0 &&
        order < 0) {
        return false;
    }
    return !(summary->upper.data &&
             scalar_compare(type, value, summary->upper, &order, &ignored) >= 0 && order > 0);
}

static bool may_hold(void *arg, const struct manifest_file *manifest)
{
    const struct asked *asked = arg;
    const struct partition_spec *spec =
        metadata_spec_by_id(asked->commit->metadata, manifest->spec_id);

    if (!spec || asked->paths.count > 0) {
        return true;
    }
    for (size_t i = 0; i < asked->removal->n_partitions; i++) {
        const struct partition_key *key = &asked->removal->partitions[i];
        bool admits = key->spec_id == manifest->spec_id;
        bool told = manifest->has_partitions && manifest->n_partitions == spec->n_fields;
        for (size_t f = 0; admits && told && f < spec->n_fields; f++) {
            admits = summary_admits(&spec->fields[f].result_type, &manifest->partitions[f],
                                    key->values[f].bytes);
        }
        if (admits) {
            return true;
        }
    }
    return false;
}

static int goes(void *arg, const struct manifest_entry *entry, corrie_error *err)
{
    struct asked *asked = arg;
    const struct data_file *file = &entry->file;
    const struct partition_spec *spec = metadata_spec_by_id(asked->commit->metadata, file->spec_id);
    _cleanup_(arena_done) struct arena arena = {0};
    struct str path;

    if (asked->paths.count > 0) {
        int r = location_resolve(asked->commit->io, file->path, &arena, &path, err);
        if (r < 0) {
            return r;
        }
        struct map_entry *named = map_find(&asked->paths, path);
        if (named) {
            named->value = asked;
            return 1;
        }
    }
    if (file->content == FILE_CONTENT_EQUALITY_DELETES && partition_spec_is_empty(spec)) {
        return 0; /* it applies to the files of every spec */
    }
    buf_clear(&asked->scratch);
    partition_text(spec, file->partition, file->n_partition, &asked->scratch);
    int r = buf_check(&asked->scratch, err);
    return r < 0 ? r : map_find(&asked->partitions, buf_str(&asked->scratch)) != NULL;
}

static int check_found(const struct asked *asked, corrie_error *err)
{
    for (size_t i = 0; i < asked->paths.count; i++) {
        const struct map_entry *entry = &asked->paths.entries[i];
        if (!entry->value) {
            corrie_fail(err, CORRIE_E_NOT_FOUND, "the table has no file '%.*s' to be removed",
                        STR_FMT(entry->key));
            return corrie_hint(err, "another change may have removed it: read the table again");
        }
    }
    return 0;
}

static const char *overwrite_operation(const struct snapshot_options *options, size_t n_files)
{
    if (options && options->same_rows) {
        return "replace";
    }
    return n_files > 0 ? "overwrite" : "delete";
}

int snapshot_overwrite(const struct table_io *io, const struct table_metadata *base,
                       struct str base_location, const struct schema *schema,
                       const struct data_file *files, size_t n_files,
                       const struct file_removal *removal, const struct snapshot_options *options,
                       struct table_version *ret, corrie_error *err)
{
    _cleanup_(commit_done) struct commit commit = {.io = io,
                                                   .options = options,
                                                   .base_location = base_location,
                                                   .operation =
                                                       overwrite_operation(options, n_files)};
    _cleanup_(asked_done) struct asked asked = {.commit = &commit, .removal = removal};
    const struct filter filter = {.arg = &asked, .may_hold = may_hold, .goes = goes};
    int r;

    js_setup();
    if ((r = commit_begin(&commit, base, schema, LAYOUT_SAME, err)) < 0 ||
        (r = ask(&asked, err)) < 0 || (r = commit_remove(&commit, &filter, err)) < 0 ||
        (r = check_found(&asked, err)) < 0 ||
        (r = commit_add_files(&commit, files, n_files, false, err)) < 0 ||
        (r = commit_merge_manifests(&commit, err)) < 0 || (r = commit_keep(&commit, err)) < 0) {
        return r;
    }
    return commit_finish(&commit, ret, err);
}

/* ---- row delta ---- */

static const char *row_delta_operation(const struct data_file *files, size_t n_files)
{
    size_t n_deletes = 0;

    for (size_t i = 0; i < n_files; i++) {
        n_deletes += files[i].content != FILE_CONTENT_DATA;
    }
    return n_deletes == 0 ? "append" : n_deletes == n_files ? "delete" : "overwrite";
}

int snapshot_row_delta(const struct table_io *io, const struct table_metadata *base,
                       struct str base_location, const struct data_file *files, size_t n_files,
                       const struct snapshot_options *options, struct table_version *ret,
                       corrie_error *err)
{
    _cleanup_(commit_done) struct commit commit = {.io = io,
                                                   .options = options,
                                                   .base_location = base_location,
                                                   .operation =
                                                       row_delta_operation(files, n_files)};
    int r;

    js_setup();
    if ((r = commit_begin(&commit, base, NULL, LAYOUT_SAME, err)) < 0 ||
        (r = commit_add_files(&commit, files, n_files, true, err)) < 0 ||
        (r = commit_merge_manifests(&commit, err)) < 0 || (r = commit_keep(&commit, err)) < 0) {
        return r;
    }
    return commit_finish(&commit, ret, err);
}
