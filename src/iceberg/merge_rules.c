/* merge_rules.c — whether the source's changes of data files may join the target's. */
#include "iceberg/merge_priv.h"

/* ---- files that came on both sides ---- */

/* Whether rows may have moved from file to file since the base. */
static bool may_have_rewritten(const struct merge *merge, const struct side *side)
{
    const struct table_metadata *metadata = side->metadata;
    int64_t id = metadata->current_snapshot_id;

    while (side->is_line && id != merge->base->current_snapshot_id) {
        const struct snapshot *snapshot = metadata_snapshot_by_id(metadata, id);
        if (!str_eq(snapshot->operation, STR("append"))) {
            return true;
        }
        id = snapshot->parent_id;
    }
    return !side->is_line || side->removed.count > 0;
}

/* A file to be left out whose rows the source has moved to another file cannot be left out. */
static int mark_skipped(struct merge *merge, corrie_error *err)
{
    for (size_t i = 0; i < merge->options->n_skip; i++) {
        struct str path;
        int r = location_resolve(merge->io, merge->options->skip[i], &merge->arena, &path, err);
        if (r < 0) {
            return r;
        }
        struct changed_file *file = map_get(&merge->source.added_paths, path);
        if (file && file->file.content == FILE_CONTENT_DATA) {
            file->skipped = true;
        } else if (may_have_rewritten(merge, &merge->source)) {
            return merge_conflict(err, merge_hint_choose,
                                  "both sides brought the rows of '%.*s', and the source has "
                                  "rewritten files since, so that its copy cannot be left out",
                                  STR_FMT(path));
        }
    }
    return 0;
}

static int check_paths(const struct merge *merge, corrie_error *err)
{
    for (size_t i = 0; i < merge->source.added.count; i++) {
        const struct changed_file *file = &merge->source.added.items[i];
        if (!file->skipped && map_find(&merge->target.added_paths, file->path)) {
            return merge_conflict(err, merge_hint_choose,
                                  "the source and the target both added the file '%.*s'",
                                  STR_FMT(file->path));
        }
    }
    return 0;
}

/* ---- overwrites ---- */

static bool any_overwrite(const struct side *side)
{
    for (size_t i = 0; i < side->added.count; i++) {
        if (side->added.items[i].overwrote && !side->added.items[i].skipped) {
            return true;
        }
    }
    for (size_t i = 0; i < side->removed.count; i++) {
        if (side->removed.items[i].overwrote) {
            return true;
        }
    }
    return false;
}

/* A file that a compaction wrote elsewhere must still hold what it held: nobody else may have taken it away. */
static int check_removed_twice(const struct merge *merge, corrie_error *err)
{
    _cleanup_(map_done) struct map removed = {0};

    if (!merge->source.same_rows && !merge->target.same_rows) {
        return 0;
    }
    for (size_t i = 0; i < merge->target.removed.count; i++) {
        if (map_put(&removed, merge->target.removed.items[i].path, NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < merge->source.removed.count; i++) {
        if (map_find(&removed, merge->source.removed.items[i].path)) {
            return merge_conflict(err, merge_hint_choose,
                                  "both sides wrote the rows of '%.*s' into other files",
                                  STR_FMT(merge->source.removed.items[i].path));
        }
    }
    return 0;
}

/* The first touched file whose spec is another than *spec_id, which -1 leaves open. */
static const struct changed_file *other_spec(const struct changed_files *files, int *spec_id)
{
    for (size_t i = 0; i < files->count; i++) {
        const struct changed_file *file = &files->items[i];
        if (file->skipped) {
            continue;
        }
        if (*spec_id < 0) {
            *spec_id = file->file.spec_id;
        }
        if (file->file.spec_id != *spec_id) {
            return file;
        }
    }
    return NULL;
}

static int check_one_spec(const struct merge *merge, corrie_error *err)
{
    const struct changed_files *all[] = {&merge->source.added, &merge->source.removed,
                                         &merge->target.added, &merge->target.removed};
    int spec_id = -1;

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const struct changed_file *other = other_spec(all[i], &spec_id);
        if (other) {
            return merge_conflict(err, merge_hint_choose,
                                  "%s overwrote files, and the files that were changed are of the "
                                  "partition specs %d and %d, whose partitions cannot be compared",
                                  any_overwrite(&merge->source) ? merge->source.name
                                                                : merge->target.name,
                                  spec_id, other->file.spec_id);
        }
    }
    return 0;
}

static int put_partitions(const struct changed_files *files, bool overwritten_only,
                          struct map *partitions, corrie_error *err)
{
    for (size_t i = 0; i < files->count; i++) {
        struct changed_file *file = &files->items[i];
        if (!file->skipped && (file->overwrote || !overwritten_only) &&
            map_put(partitions, file->partition, file) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int not_disjoint(const struct merge *merge, const struct side *side,
                        const struct side *other, const struct changed_file *file,
                        corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec_by_id(merge->merged, file->file.spec_id);
    _cleanup_(buf_done) struct buf text = {0};

    if (file->guessed) {
        return merge_conflict(err,
                              "merge more often, keep more snapshots, or keep one side's table",
                              "%s no longer keeps all snapshots since the common version and may "
                              "have overwritten what %s changed too",
                              side->name, other->name);
    }
    if (!spec || spec->n_fields == 0) {
        return merge_conflict(err, merge_hint_choose,
                              "%s overwrote files and %s changed rows too, of a table that is not "
                              "partitioned",
                              side->name, other->name);
    }
    partition_print(spec, file->file.partition, file->file.n_partition, &text);
    return merge_conflict(err, merge_hint_choose,
                          "%s overwrote files of the partition %s and %s changed it too",
                          side->name, buf_text(&text), other->name);
}

/* No partition that `side` overwrote may the other have touched. */
static int check_overwritten(const struct merge *merge, const struct side *side,
                             const struct side *other, corrie_error *err)
{
    _cleanup_(map_done) struct map partitions = {0};
    const struct changed_files *touched[] = {&other->added, &other->removed};
    int r;

    if ((r = put_partitions(&side->added, true, &partitions, err)) < 0 ||
        (r = put_partitions(&side->removed, true, &partitions, err)) < 0) {
        return r;
    }
    for (size_t t = 0; t < ARRAY_LEN(touched); t++) {
        for (size_t i = 0; i < touched[t]->count; i++) {
            const struct changed_file *file = &touched[t]->items[i];
            const struct map_entry *met = map_find(&partitions, file->partition);
            if (met && !file->skipped) {
                return not_disjoint(merge, side, other, met->value, err);
            }
        }
    }
    return 0;
}

static bool changed_rows(const struct side *side)
{
    for (size_t i = 0; i < side->added.count; i++) {
        if (!side->added.items[i].skipped) {
            return !side->compacted;
        }
    }
    return side->removed.count > 0 && !side->compacted;
}

/* A row that one side brought may be one that the other looked for and did not find. */
static int check_whole(const struct side *side, const struct side *other, corrie_error *err)
{
    if (side->whole && changed_rows(other)) {
        return merge_conflict(err, "do it again on what the table is now, or keep one side's table",
                              "%s merged rows by what the table held, and %s changed rows too",
                              side->name, other->name);
    }
    return 0;
}

/* ---- columns that must have values ---- */

static int required_conflict(const struct side *evolved, const struct side *other,
                             const struct field *field, corrie_error *err)
{
    return merge_conflict(err,
                          "make the column optional, or write the other side's files again with it",
                          "%s made column '%.*s' required, which files of %s may lack",
                          evolved->name, STR_FMT(field->name), other->name);
}

static bool has_no_nulls(const struct data_file *file, int field_id)
{
    const struct column_metrics *column = data_file_column(file, field_id);
    return file->record_count == 0 || (column && column->null_count == 0);
}

/* Whether all new files of `other`, written by `old`, have the values that `fields` require. What is missing as a
 * whole and may be null is null, with all that is in it. */
static int check_required(const struct field *fields, size_t n_fields, const struct schema *old,
                          const struct side *evolved, const struct side *other, corrie_error *err)
{
    for (size_t i = 0; i < n_fields; i++) {
        const struct field *field = &fields[i];
        const struct field *before = schema_find_id(old, field->id);
        bool suspect = field->required && (!before || !before->required);
        for (size_t f = 0; suspect && f < other->added.count; f++) {
            const struct changed_file *file = &other->added.items[f];
            if (file->file.content == FILE_CONTENT_DATA && !file->skipped &&
                !(before && has_no_nulls(&file->file, field->id))) {
                return required_conflict(evolved, other, field, err);
            }
        }
        int r = before ? check_required(field->type.fields, field->type.n_fields, old, evolved,
                                        other, err)
                       : 0;
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int check_columns(const struct merge *merge, const struct side *other,
                         const struct side *evolved, corrie_error *err)
{
    const struct schema *schema = metadata_schema(merge->merged);

    if (other->metadata->current_schema_id == schema->schema_id) {
        return 0;
    }
    return check_required(schema->fields, schema->n_fields, metadata_schema(other->metadata),
                          evolved, other, err);
}

/* ---- picks ---- */

/* Whether the source's change is a set of files to add and a set to remove, and says nothing of what else was there. */
static bool is_plain_change(const struct merge *merge)
{
    for (size_t i = 0; i < merge->source.added.count; i++) {
        if (merge->source.added.items[i].overwrote) {
            return false;
        }
    }
    return !merge->has_deletes;
}

/* What the target has already need not come; what is to go must be there. */
static int check_plain_change(struct merge *merge, corrie_error *err)
{
    _cleanup_(map_done) struct map lacking = {0};
    const struct changed_files *gone = &merge->target.removed;

    for (size_t i = 0; i < merge->source.added.count; i++) {
        struct changed_file *file = &merge->source.added.items[i];
        file->skipped = file->skipped || map_find(&merge->target.added_paths, file->path);
    }
    for (size_t i = 0; i < gone->count; i++) {
        if (map_put(&lacking, gone->items[i].path, NULL) < 0) {
            return corrie_fail_memory(err);
        }
    }
    for (size_t i = 0; i < merge->source.removed.count; i++) {
        const struct changed_file *file = &merge->source.removed.items[i];
        if (map_find(&lacking, file->path)) {
            return merge_conflict(
                err, merge_hint_choose,
                "the rows of '%.*s' are to be taken out, and the target no longer "
                "has them in that file: it rewrote or removed them",
                STR_FMT(file->path));
        }
    }
    return 0;
}

static int check_picked_columns(const struct merge *merge, corrie_error *err)
{
    int r = check_columns(merge, &merge->source, &merge->target, err);

    return r < 0 ? r : check_columns(merge, &merge->target, &merge->source, err);
}

int merge_check_rows(struct merge *merge, corrie_error *err)
{
    int r;

    if (merge->options->picks && is_plain_change(merge)) {
        if ((r = mark_skipped(merge, err)) < 0 || (r = check_plain_change(merge, err)) < 0) {
            return r;
        }
        return check_picked_columns(merge, err);
    }
    if ((r = mark_skipped(merge, err)) < 0 || (r = check_paths(merge, err)) < 0 ||
        (r = check_columns(merge, &merge->source, &merge->target, err)) < 0 ||
        (r = check_columns(merge, &merge->target, &merge->source, err)) < 0 ||
        (r = check_removed_twice(merge, err)) < 0 ||
        (r = check_whole(&merge->source, &merge->target, err)) < 0 ||
        (r = check_whole(&merge->target, &merge->source, err)) < 0) {
        return r;
    }
    if (!any_overwrite(&merge->source) && !any_overwrite(&merge->target)) {
        return 0;
    }
    if ((r = check_one_spec(merge, err)) < 0 ||
        (r = check_overwritten(merge, &merge->source, &merge->target, err)) < 0) {
        return r;
    }
    return check_overwritten(merge, &merge->target, &merge->source, err);
}
