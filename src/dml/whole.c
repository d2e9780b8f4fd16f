/* whole.c — files of which a DELETE surely takes all rows: they go unread.
 *
 * A file holds no row that stays if no row of it can be one for which the condition is false (the bounds rule out every
 * row that NOT (condition) asks for), and none for which it is null: the condition is one that is null only where one of
 * its columns is, and the file has no null in those. */
#include "base/map.h"
#include "dml/dml_priv.h"
#include "lang/filter.h"

/* Each costs a reading of manifests. */
#define MAX_PARTS 8

/* Whether an expression is null only where a column in it is. Functions and arithmetic have nulls of their own. */
static bool is_strict(const struct filter_expr *expr)
{
    switch (expr->kind) {
    case FILTER_AND:
    case FILTER_OR:
    case FILTER_NOT:
    case FILTER_COMPARE:
    case FILTER_IN:
    case FILTER_BETWEEN:
    case FILTER_IS:
    case FILTER_NEGATE:
    case FILTER_CAST:
        for (size_t i = 0; i < expr->n_args; i++) {
            if (!is_strict(expr->args[i])) {
                return false;
            }
        }
        return true;
    case FILTER_COLUMN:
        return expr->n_path == 1;
    case FILTER_LITERAL:
        return expr->literal.kind != FILTER_NULL;
    default:
        return false;
    }
}

/* The files that may hold a row for which a part of the condition is false, in *ret; 0: that cannot be told. */
static int find_false(struct dml *dml, const struct lake_target *target, struct str alias,
                      struct str part, struct scan *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct engine_binding binding;
    struct lake_target again = *target;
    struct engine_scan *scans;
    size_t n = 0;
    int r;

    compose_with(&sql, dml);
    compose_text(&sql, "SELECT 1 FROM " DML_TARGET " AS ");
    compose_name(&sql, alias);
    compose_text(&sql, " WHERE NOT (");
    compose_piece(&sql, dml, part);
    compose_text(&sql, ")");
    r = dml_bind(dml, &sql, target, &binding, err);
    if (r < 0) {
        return r;
    }
    scans = arena_array(&dml->arena, struct engine_scan, binding.n_scans + 1);
    if (!scans) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < binding.n_scans; i++) {
        if (binding.scans[i].table == dml->tables.count) { /* the target was bound last */
            scans[n++] = binding.scans[i];
        }
    }
    if (n == 0) {
        return 0;
    }
    again.scan = (struct scan){0};
    r = lake_target_scan(dml->tx, &again, scans, n, &dml->arena, err);
    *ret = again.scan;
    return r < 0 ? r : 1;
}

/* Notes the paths of files that may hold a row for which the condition is false: one for which something is false that
 * must all be true. Asked one by one, since of several DuckDB tells less. 0: that cannot be told. */
static int find_staying(struct dml *dml, const struct lake_target *target, struct str alias,
                        const struct filter_expr *root, struct map *stay, corrie_error *err)
{
    size_t n = root->kind == FILTER_AND ? root->n_args : 1;
    int r = n <= MAX_PARTS;

    for (size_t i = 0; r > 0 && i < n; i++) {
        const struct filter_expr *part = root->kind == FILTER_AND ? root->args[i] : root;
        struct scan found = {0};

        r = find_false(dml, target, alias,
                       str_slice(dml->statement.condition, part->offset, part->length), &found,
                       err);
        for (size_t k = 0; r > 0 && k < found.n_files; k++) {
            if (map_put(stay, found.files[k].path, dml) < 0) {
                r = corrie_fail_memory(err);
            }
        }
    }
    return r;
}

static bool has_no_nulls(const struct schema *schema, const struct data_file *file,
                         const struct filter *filter)
{
    for (size_t i = 0; i < filter->n_columns; i++) {
        const struct column_metrics *metrics = NULL;

        for (size_t k = 0; k < schema->n_fields && !metrics; k++) {
            if (str_eq_nocase(schema->fields[k].name, filter->columns[i].name)) {
                metrics = data_file_column(file, schema->fields[k].id);
            }
        }
        if (!metrics || metrics->null_count != 0) {
            return false;
        }
    }
    return true;
}

static bool has_deletes(const struct scan *scan, size_t file)
{
    return scan->deletes && scan->deletes[file].n_positions + scan->deletes[file].n_equalities > 0;
}

int dml_find_whole(struct dml *dml, const struct lake_target *target, struct str alias, bool **ret,
                   corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const struct scan *scan = &target->scan;
    struct filter *filter;
    bool *whole = arena_array(&dml->arena, bool, scan->n_files);
    _cleanup_(map_done) struct map stay = {0};
    int r;

    if (!whole) {
        return corrie_fail_memory(err);
    }
    memset(whole, 0, scan->n_files * sizeof *whole);
    *ret = whole;
    if (scan->n_files == 0 ||
        filter_parse(dml->statement.condition, &dml->arena, &filter, &ignored) < 0 ||
        !is_strict(filter->root)) {
        return 0;
    }
    r = find_staying(dml, target, alias, filter->root, &stay, err);
    if (r <= 0) {
        return r;
    }
    for (size_t i = 0; i < scan->n_files; i++) {
        whole[i] = !map_find(&stay, scan->files[i].path) && !has_deletes(scan, i) &&
                   has_no_nulls(metadata_schema(target->metadata), &scan->files[i], filter);
    }
    return 0;
}
