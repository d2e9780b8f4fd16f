/* scan.c — planning scans; visiting files. */
#include "iceberg/scan.h"

#include <stdlib.h>

#include "arrow/scalar.h"
#include "base/map.h"
#include "iceberg/tree.h"

/* ---- pruning ---- */

/* -1, 0, 1 of two scalars; false if they cannot be compared (then nothing is pruned). */
static bool compare(const struct type *type, struct str a, struct str b, int *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    return a.data && b.data && scalar_compare(type, a, b, ret, &ignored) >= 0;
}

static bool is_float(const struct type *type)
{
    return type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE;
}

/* NaN orders above all numbers (as DuckDB compares) and is in no bound. */
static bool may_match_nan(const struct column_metrics *column, enum predicate_op op)
{
    return (op != PREDICATE_EQ && op != PREDICATE_GE) || column->nan_count != 0;
}

static bool may_match_bounds(const struct type *type, const struct column_metrics *column,
                             const struct predicate *predicate)
{
    bool nans = is_float(type) && column->nan_count != 0;
    int to_lower = 0; /* how lower and upper stand to the value */
    int to_upper = 0;
    bool has_lower = compare(type, column->lower, predicate->value, &to_lower);
    bool has_upper = compare(type, column->upper, predicate->value, &to_upper);

    switch (predicate->op) {
    case PREDICATE_EQ:
        return !(has_lower && to_lower > 0) && !(has_upper && to_upper < 0);
    case PREDICATE_LT:
        return !(has_lower && to_lower >= 0);
    case PREDICATE_LE:
        return !(has_lower && to_lower > 0);
    case PREDICATE_GT:
        return nans || !(has_upper && to_upper <= 0);
    case PREDICATE_GE:
        return nans || !(has_upper && to_upper < 0);
    case PREDICATE_NE:
        return nans || !(has_lower && has_upper && to_lower == 0 && to_upper == 0);
    default:
        return true;
    }
}

static bool may_match(const struct schema *schema, const struct data_file *file,
                      const struct predicate *predicate)
{
    const struct field *field = schema_find_id(schema, predicate->field_id);
    const struct column_metrics *column = data_file_column(file, predicate->field_id);
    double number;

    if (!field || !column || type_is_nested(&field->type)) {
        return true; /* a column without metrics may be missing from the file: all null */
    }
    if (predicate->op == PREDICATE_IS_NULL) {
        return column->null_count != 0;
    }
    if (column->value_count >= 0 && column->null_count == column->value_count) {
        return false;
    }
    if (predicate->op == PREDICATE_NOT_NULL) {
        return true;
    }
    if (is_float(&field->type) && scalar_to_double(&field->type, predicate->value, &number) &&
        number != number) {
        return may_match_nan(column, predicate->op);
    }
    return may_match_bounds(&field->type, column, predicate);
}

bool scan_may_match(const struct schema *schema, const struct data_file *file,
                    const struct predicate *predicates, size_t n_predicates)
{
    if (file->record_count == 0 && n_predicates > 0) {
        return false;
    }
    for (size_t i = 0; i < n_predicates; i++) {
        if (!may_match(schema, file, &predicates[i])) {
            return false;
        }
    }
    return true;
}

/* ---- planning ---- */

struct planner {
    const struct table_io *io;
    const struct table_metadata *metadata;
    const struct schema *schema;
    const struct predicate *predicates;
    size_t n_predicates;
    struct arena *arena;
    struct scan scan;
    VEC(struct data_file) files;
};

static int add_file(struct planner *planner, const struct data_file *file, corrie_error *err)
{
    struct data_file kept = *file;

    if (!scan_may_match(planner->schema, file, planner->predicates, planner->n_predicates)) {
        planner->scan.n_pruned++;
        return 0;
    }
    int r = location_resolve(planner->io, file->path, planner->arena, &kept.path, err);
    if (r < 0) {
        return r;
    }
    if (vec_push(&planner->files, kept) < 0) {
        return corrie_fail_memory(err);
    }
    planner->scan.records = count_add(planner->scan.records, kept.record_count);
    planner->scan.bytes = count_add(planner->scan.bytes, kept.bytes);
    return 0;
}

static int add_manifest(struct planner *planner, const struct manifest_file *manifest,
                        corrie_error *err)
{
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};

    if (!manifest_may_be_live(manifest)) {
        return 0;
    }
    int r = tree_entries(planner->io, planner->metadata, manifest, planner->arena, &entries, err);
    for (size_t i = 0; r >= 0 && i < entries.count; i++) {
        const struct manifest_entry *entry = &entries.items[i];
        if (entry->status == ENTRY_DELETED) {
            continue;
        }
        if (entry->file.content != FILE_CONTENT_DATA) {
            return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                               "the table has %s deletes, which are not read yet: '%.*s'",
                               entry->file.content == FILE_CONTENT_POSITION_DELETES ? "position"
                                                                                    : "equality",
                               STR_FMT(entry->file.path));
        }
        r = add_file(planner, &entry->file, err);
    }
    return r;
}

static int compare_files(const void *a, const void *b)
{
    const struct data_file *x = a;
    const struct data_file *y = b;

    if (x->file_sequence_number != y->file_sequence_number) {
        return x->file_sequence_number < y->file_sequence_number ? -1 : 1;
    }
    return str_cmp(x->path, y->path);
}

static int finish(struct planner *planner, struct scan *ret, corrie_error *err)
{
    size_t n = planner->files.count;

    if (n > 0) {
        struct data_file *files = arena_array(planner->arena, struct data_file, n);
        if (!files) {
            return corrie_fail_memory(err);
        }
        qsort(planner->files.items, n, sizeof *planner->files.items, compare_files);
        memcpy(files, planner->files.items, n * sizeof *files);
        planner->scan.files = files;
        planner->scan.n_files = n;
    }
    *ret = planner->scan;
    return 0;
}

int scan_plan(const struct table_io *io, const struct table_metadata *metadata,
              const struct snapshot *snapshot, const struct predicate *predicates,
              size_t n_predicates, struct arena *arena, struct scan *ret, corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list list = {0};

    if (!snapshot) {
        snapshot = metadata_current_snapshot(metadata);
    }
    struct planner planner = {.io = io,
                              .metadata = metadata,
                              .schema = metadata_snapshot_schema(metadata, snapshot),
                              .predicates = predicates,
                              .n_predicates = n_predicates,
                              .arena = arena};
    int r = tree_manifests(io, metadata, snapshot, arena, &list, err);
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        r = add_manifest(&planner, &list.items[i], err);
    }
    if (r >= 0) {
        r = finish(&planner, ret, err);
    }
    vec_done(&planner.files);
    return r;
}

/* ---- visiting ---- */

struct visitor {
    const struct table_io *io;
    const struct table_metadata *metadata;
    visit_fn visit;
    visit_failed_fn failed; /* NULL: the first file that cannot be read ends it */
    void *arg;
    struct arena arena; /* keys of `seen` */
    struct map seen;    /* manifests */
};

static int unreadable(struct visitor *visitor, const struct visited_file *file, corrie_error *err)
{
    return visitor->failed ? visitor->failed(visitor->arg, file, err) : err->code;
}

static int visit_entries(struct visitor *visitor, const struct manifest_file *manifest,
                         const struct visited_file *visited_manifest, corrie_error *err)
{
    _cleanup_(manifest_entries_done) struct manifest_entries entries = {0};
    _cleanup_(arena_done) struct arena arena = {0};

    int r = tree_entries(visitor->io, visitor->metadata, manifest, &arena, &entries, err);
    if (r < 0) {
        return unreadable(visitor, visited_manifest, err);
    }
    for (size_t i = 0; r >= 0 && i < entries.count; i++) {
        struct data_file *file = &entries.items[i].file;
        if (entries.items[i].status == ENTRY_DELETED) {
            continue;
        }
        r = location_resolve(visitor->io, file->path, &arena, &file->path, err);
        if (r >= 0) {
            struct visited_file visited = {
                .kind = file->content == FILE_CONTENT_DATA ? FILE_DATA : FILE_DELETES,
                .path = file->path,
                .bytes = file->bytes,
                .snapshot_id = visited_manifest->snapshot_id,
                .file = file,
            };
            r = visitor->visit(visitor->arg, &visited, err);
        }
    }
    return r;
}

static int visit_manifest(struct visitor *visitor, const struct manifest_file *manifest,
                          int64_t snapshot_id, corrie_error *err)
{
    struct visited_file visited = {
        .kind = FILE_MANIFEST, .bytes = manifest->length, .snapshot_id = snapshot_id};
    struct str seen;

    if (map_find(&visitor->seen, manifest->path)) {
        return 0;
    }
    if (arena_str(&visitor->arena, manifest->path, &seen) < 0 ||
        map_put(&visitor->seen, seen, NULL) < 0) {
        return corrie_fail_memory(err);
    }
    int r = location_resolve(visitor->io, seen, &visitor->arena, &visited.path, err);
    if (r >= 0) {
        r = visitor->visit(visitor->arg, &visited, err);
    }
    return r == 0 ? visit_entries(visitor, manifest, &visited, err) : r < 0 ? r : 0;
}

static int visit_snapshot(struct visitor *visitor, const struct snapshot *snapshot,
                          corrie_error *err)
{
    _cleanup_(manifest_list_done) struct manifest_list list = {0};
    _cleanup_(arena_done) struct arena arena = {0};
    struct visited_file visited = {
        .kind = FILE_MANIFEST_LIST, .bytes = FILE_UNKNOWN, .snapshot_id = snapshot->id};

    if (snapshot->manifest_list.len > 0) {
        int r = location_resolve(visitor->io, snapshot->manifest_list, &arena, &visited.path, err);
        if (r >= 0) {
            r = visitor->visit(visitor->arg, &visited, err);
        }
        if (r != 0) {
            return r < 0 ? r : 0;
        }
    }
    int r = tree_manifests(visitor->io, visitor->metadata, snapshot, &arena, &list, err);
    if (r < 0) {
        return unreadable(visitor, &visited, err);
    }
    for (size_t i = 0; r >= 0 && i < list.count; i++) {
        r = visit_manifest(visitor, &list.items[i], snapshot->id, err);
    }
    return r < 0 ? r : 0;
}

static int visit_with(struct visitor *visitor, const struct snapshot *snapshot, corrie_error *err)
{
    const struct table_metadata *metadata = visitor->metadata;
    int r = 0;

    if (snapshot) {
        r = visit_snapshot(visitor, snapshot, err);
    }
    for (size_t i = metadata->n_snapshots; !snapshot && r >= 0 && i-- > 0;) {
        r = visit_snapshot(visitor, &metadata->snapshots[i], err);
    }
    map_done(&visitor->seen);
    arena_done(&visitor->arena);
    return r < 0 ? r : 0;
}

int scan_visit(const struct table_io *io, const struct table_metadata *metadata,
               const struct snapshot *snapshot, visit_fn visit, void *arg, corrie_error *err)
{
    struct visitor visitor = {.io = io, .metadata = metadata, .visit = visit, .arg = arg};

    return visit_with(&visitor, snapshot, err);
}

int scan_visit_all(const struct table_io *io, const struct table_metadata *metadata, visit_fn visit,
                   visit_failed_fn failed, void *arg, corrie_error *err)
{
    struct visitor visitor = {
        .io = io, .metadata = metadata, .visit = visit, .failed = failed, .arg = arg};

    return visit_with(&visitor, NULL, err);
}
