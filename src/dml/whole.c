/* whole.c — files of which a DELETE surely takes all rows: they go unread.
 *
 * A file holds no row that stays if no row of it can be one for which the condition is false (the bounds rule out every
 * row that NOT (condition) asks for), and none for which it is null: the condition is one that is null only where one of
 * its columns is, and the file has no null in those. */
#include "base/map.h"
#include "dml/dml_priv.h"
#include "lang/filter.h"

#define MAX_PARTS 8 /* each is bound */

/* Files of which some row may stay. */
struct staying {
    VEC(struct engine_scan) scans; /* that look for such rows */
    struct map paths;
};

static void staying_done(struct staying *staying)
{
    vec_done(&staying->scans);
    map_done(&staying->paths);
}

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

/* Adds the scans that look for rows of which a part of the condition is false. 0: that cannot be told. */
static int add_scans(struct dml *dml, const struct lake_target *target, struct str alias,
                     struct str part, struct staying *ret, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct engine_binding binding;
    struct engine_scan *scans;
    size_t n;
    int r;

    compose_with(&sql, dml);
    compose_text(&sql, "SELECT 1 FROM " DML_TARGET " AS ");
    compose_name(&sql, alias);
    compose_text(&sql, " WHERE NOT (");
    compose_piece(&sql, dml, part);
    compose_text(&sql, ")");
    r = dml_bind(dml, &sql, target, &binding, err);
    r = r < 0 ? r : dml_target_scans(dml, &binding, NULL, &scans, &n, err);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = vec_push(&ret->scans, scans[i]) < 0 ? corrie_fail_memory(err) : 0;
    }
    return r < 0 ? r : n > 0;
}

/* Notes the paths of files that may hold a row for which the condition is false: one for which something is false that
 * must all be true. Bound one by one, since of several DuckDB tells less. 0: that cannot be told. */
static int find_staying(struct dml *dml, const struct lake_target *target, struct str alias,
                        const struct filter_expr *root, struct staying *ret, corrie_error *err)
{
    size_t n = root->kind == FILTER_AND ? root->n_args : 1;
    struct lake_target again = *target;
    int r = n <= MAX_PARTS;

    for (size_t i = 0; r > 0 && i < n; i++) {
        const struct filter_expr *part = root->kind == FILTER_AND ? root->args[i] : root;

        r = add_scans(dml, target, alias,
                      str_slice(dml->statement.condition, part->offset, part->length), ret, err);
    }
    if (r <= 0) {
        return r;
    }
    again.scan = (struct scan){0};
    r = lake_target_scan(dml->tx, &again, ret->scans.items, ret->scans.count, &dml->arena, err);
    for (size_t i = 0; r >= 0 && i < again.scan.n_files; i++) {
        if (map_put(&ret->paths, again.scan.files[i].path, dml) < 0) {
            r = corrie_fail_memory(err);
        }
    }
    return r < 0 ? r : 1;
}

static bool has_no_nulls(const struct schema *schema, const struct data_file *file,
                         const struct filter *filter)
{
    for (size_t i = 0; i < filter->n_columns; i++) {
        ptrdiff_t at = schema_index_nocase(schema, filter->columns[i].name);
        const struct column_metrics *metrics =
            at >= 0 ? data_file_column(file, schema->fields[at].id) : NULL;

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
    _cleanup_(staying_done) struct staying stay = {0};
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
        whole[i] = !map_find(&stay.paths, scan->files[i].path) && !has_deletes(scan, i) &&
                   has_no_nulls(metadata_schema(target->metadata), &scan->files[i], filter);
    }
    return 0;
}
