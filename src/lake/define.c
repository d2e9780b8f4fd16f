/* define.c — the tables of one statement, without the files that it cannot need.
 *
 * The statement is bound on empty tables (engine_bind), which tells what each scan asks of its rows. A condition is an
 * SQL text over columns; what of it is a comparison of a column with a constant becomes predicates for scan_plan, and
 * the whole tree is tried on the bounds of each file that is left. What is not understood prunes nothing. */
#include "lake/read.h"

#include <stdlib.h>

#include "arrow/scalar.h"
#include "lake/demand.h"
#include "lake/lake_priv.h"
#include "lang/filter.h"

/* Below this many files binding costs more than reading them. */
#define FEW_FILES 2

/* A condition and the predicates that follow from it. */
struct condition {
    const struct filter_expr **items; /* all hold */
    size_t n_items;
    struct predicate *predicates; /* follow from them */
    size_t n_predicates;
};

struct pruned {
    const struct lake_source *source;
    struct table_metadata *metadata;
    const struct snapshot *snapshot;
    const struct schema *schema;      /* of the rows that come out */
    const struct schema *scan_schema; /* by which scan_plan reads predicates */
    struct condition *scans;          /* one of them reads the table; none: all of it is read */
    size_t n_scans;
    struct scan scan;
    const struct scan *all; /* every file of the table, where that is known; else NULL */
};

struct defining {
    struct engine *engine;
    struct pruned *tables;
    size_t n_tables;
    struct arena *arena;
    corrie_error *err;
};

/* ---- conditions as predicates ---- */

/* The text of a literal as it is written for a scalar; a number may have its sign before it. */
static bool literal_text(const struct filter_expr *expr, struct arena *arena, struct str *ret)
{
    bool negative = expr->kind == FILTER_NEGATE;
    const struct filter_expr *inner = negative ? expr->args[0] : expr;

    if (inner->kind == FILTER_CAST && !negative) {
        inner = inner->args[0];
    }
    if (inner->kind != FILTER_LITERAL || inner->literal.kind == FILTER_NULL ||
        inner->literal.kind == FILTER_INTERVAL) {
        return false;
    }
    *ret = inner->literal.text;
    if (inner->literal.kind == FILTER_BOOL) {
        *ret = str_eq(*ret, STR("TRUE")) ? STR("true") : STR("false");
    }
    if (negative) {
        char *text = arena_printf(arena, "-%.*s", STR_FMT(*ret));

        *ret = str_of(text);
        return text != NULL;
    }
    return true;
}

static bool make_predicate(const struct schema *schema, const struct filter_expr *column,
                           enum predicate_op op, const struct filter_expr *value,
                           struct arena *arena, struct predicate *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const struct field *field;
    struct str text;

    if (column->kind != FILTER_COLUMN || column->n_path != 1) {
        return false;
    }
    field = schema_find(schema, column->path[0]);
    if (!field || type_is_nested(&field->type)) {
        return false;
    }
    *ret = (struct predicate){.field_id = field->id, .op = op};
    if (op == PREDICATE_IS_NULL || op == PREDICATE_NOT_NULL) {
        return true;
    }
    return literal_text(value, arena, &text) &&
           scalar_from_text(&field->type, text, arena, &ret->value, &ignored) == 0;
}

static bool compare_op(enum filter_op op, enum predicate_op *ret)
{
    static const struct {
        enum filter_op from;
        enum predicate_op to;
    } ops[] = {{FILTER_OP_EQ, PREDICATE_EQ}, {FILTER_OP_NE, PREDICATE_NE},
               {FILTER_OP_LT, PREDICATE_LT}, {FILTER_OP_LE, PREDICATE_LE},
               {FILTER_OP_GT, PREDICATE_GT}, {FILTER_OP_GE, PREDICATE_GE}};

    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (ops[i].from == op) {
            *ret = ops[i].to;
            return true;
        }
    }
    return false;
}

/* One predicate that says exactly what `expr` says; false if there is none. */
static bool simple(const struct schema *schema, const struct filter_expr *expr, struct arena *arena,
                   struct predicate *ret)
{
    enum predicate_op op;

    if (expr->kind == FILTER_COMPARE) {
        return compare_op(expr->op, &op) &&
               make_predicate(schema, expr->args[0], op, expr->args[1], arena, ret);
    }
    if (expr->kind == FILTER_IS && expr->literal.kind == FILTER_NULL) {
        return make_predicate(schema, expr->args[0],
                              expr->negated ? PREDICATE_NOT_NULL : PREDICATE_IS_NULL, NULL, arena,
                              ret);
    }
    return false;
}

/* Whether a file may hold a row for which `expr` is true. */
static bool may_match(const struct pruned *table, const struct filter_expr *expr,
                      const struct data_file *file, struct arena *arena)
{
    struct predicate predicate;
    bool any = false;

    switch (expr->kind) {
    case FILTER_AND:
        for (size_t i = 0; i < expr->n_args; i++) {
            if (!may_match(table, expr->args[i], file, arena)) {
                return false;
            }
        }
        return true;
    case FILTER_OR:
        for (size_t i = 0; i < expr->n_args && !any; i++) {
            any = may_match(table, expr->args[i], file, arena);
        }
        return any;
    case FILTER_IN:
        for (size_t i = 1; i < expr->n_args && !any; i++) {
            any = expr->negated ||
                  !make_predicate(table->schema, expr->args[0], PREDICATE_EQ, expr->args[i], arena,
                                  &predicate) ||
                  scan_may_match(table->schema, file, &predicate, 1);
        }
        return any;
    default:
        return !simple(table->schema, expr, arena, &predicate) ||
               scan_may_match(table->schema, file, &predicate, 1);
    }
}

/* The least and the greatest of an IN list: what scan_plan can be told of it. */
static size_t range_of(const struct schema *schema, const struct filter_expr *in,
                       struct arena *arena, struct predicate ret[2])
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const struct field *field;

    for (size_t i = 1; i < in->n_args; i++) {
        struct predicate one;
        int order;

        if (!make_predicate(schema, in->args[0], PREDICATE_EQ, in->args[i], arena, &one)) {
            return 0;
        }
        if (i == 1) {
            ret[0] = ret[1] = one;
            continue;
        }
        field = schema_find_id(schema, one.field_id);
        if (scalar_compare(&field->type, one.value, ret[0].value, &order, &ignored) < 0) {
            return 0;
        }
        ret[0].value = order < 0 ? one.value : ret[0].value;
        if (scalar_compare(&field->type, one.value, ret[1].value, &order, &ignored) < 0) {
            return 0;
        }
        ret[1].value = order > 0 ? one.value : ret[1].value;
    }
    if (in->n_args == 2) {
        return 1; /* equal to one value */
    }
    ret[0].op = PREDICATE_GE;
    ret[1].op = PREDICATE_LE;
    return in->n_args > 2 ? 2 : 0;
}

/* scan_plan reads values by the schema of the snapshot, which may be older than the table's. */
static bool planned(const struct pruned *table, const struct predicate *predicate)
{
    const struct field *now = schema_find_id(table->schema, predicate->field_id);
    const struct field *then = schema_find_id(table->scan_schema, predicate->field_id);

    return now && then && type_same(&now->type, &then->type);
}

static int add_condition(struct defining *defining, struct pruned *table,
                         const struct engine_scan *scan, struct condition *ret)
{
    struct condition made = {
        .items = arena_array(defining->arena, const struct filter_expr *, scan->n_filters + 1),
        .predicates = arena_array(defining->arena, struct predicate, 2 * scan->n_filters + 1)};

    if (!made.items || !made.predicates) {
        return corrie_fail_memory(defining->err);
    }
    for (size_t i = 0; i < scan->n_filters; i++) {
        _error_ corrie_error ignored = CORRIE_ERROR_INIT;
        struct predicate found[2];
        struct filter *filter;
        size_t n = 0;

        if (filter_parse(scan->filters[i].sql, defining->arena, &filter, &ignored) < 0) {
            continue; /* a literal that the small grammar has not */
        }
        made.items[made.n_items++] = filter->root;
        if (filter->root->kind == FILTER_IN && !filter->root->negated) {
            n = range_of(table->schema, filter->root, defining->arena, found);
        } else {
            n = simple(table->schema, filter->root, defining->arena, &found[0]) ? 1 : 0;
        }
        for (size_t k = 0; k < n; k++) {
            if (planned(table, &found[k])) {
                made.predicates[made.n_predicates++] = found[k];
            }
        }
    }
    *ret = made;
    return 0;
}

static bool speaks_of(const struct filter_expr *expr, struct str column)
{
    if (expr->kind == FILTER_COLUMN) {
        return str_eq(expr->path[0], column);
    }
    for (size_t i = 0; i < expr->n_args; i++) {
        if (speaks_of(expr->args[i], column)) {
            return true;
        }
    }
    return false;
}

/* ---- files ---- */

static bool file_may_match(const struct pruned *table, const struct data_file *file,
                           struct arena *arena)
{
    for (size_t s = 0; s < table->n_scans; s++) {
        bool may = true;

        for (size_t i = 0; i < table->scans[s].n_items && may; i++) {
            may = may_match(table, table->scans[s].items[i], file, arena);
        }
        if (may) {
            return true;
        }
    }
    return table->n_scans == 0;
}

/* Takes files out of the plan that no scan can need. */
static int prune(struct defining *defining, struct pruned *table)
{
    _cleanup_(arena_done) struct arena scratch = {0};
    struct scan *scan = &table->scan;
    struct data_file *files = arena_array(defining->arena, struct data_file, scan->n_files + 1);
    struct scan_deletes *deletes =
        arena_array(defining->arena, struct scan_deletes, scan->n_files + 1);
    size_t n = 0;

    if (!files || !deletes) {
        return corrie_fail_memory(defining->err);
    }
    scan->records = 0;
    scan->bytes = 0;
    for (size_t i = 0; i < scan->n_files; i++) {
        if (!file_may_match(table, &scan->files[i], &scratch)) {
            scan->n_pruned++;
            scan->counts.files_pruned_bounds++;
            continue;
        }
        files[n] = scan->files[i];
        if (scan->deletes) {
            deletes[n] = scan->deletes[i];
        }
        scan->records = count_add(scan->records, files[n].record_count);
        scan->bytes = count_add(scan->bytes, files[n].bytes);
        n++;
    }
    scan->files = files;
    scan->n_files = n;
    scan->deletes = scan->deletes ? deletes : NULL;
    return 0;
}

static int plan_table(struct defining *defining, struct pruned *table)
{
    const struct lake_source *source = table->source;
    const struct condition *only = table->n_scans == 1 ? &table->scans[0] : NULL;
    const struct predicate *predicates = only ? only->predicates : NULL;
    size_t n = only ? only->n_predicates : 0;
    int r = table->all ? scan_narrow(table->metadata, table->snapshot, predicates, n, table->all,
                                     defining->arena, &table->scan, defining->err)
                       : lake_read_plan(source->view->lake, &source->table, table->metadata,
                                        table->snapshot, predicates, n, defining->arena,
                                        &table->scan, defining->err);

    return r == 0 && table->n_scans > 0 ? prune(defining, table) : r;
}

int lake_read_needed(struct lake *lake, const struct lake_table *table,
                     const struct table_metadata *metadata, const struct engine_scan *scans,
                     size_t n_scans, const struct scan *all, struct arena *arena, struct scan *ret,
                     corrie_error *err)
{
    struct defining defining = {.arena = arena, .err = err};
    const struct lake_view view = {.lake = lake};
    const struct lake_source source = {.view = &view, .table = *table};
    struct pruned pruned = {.source = &source,
                            .metadata = (struct table_metadata *)metadata,
                            .snapshot = metadata_current_snapshot(metadata),
                            .schema = metadata_schema(metadata),
                            .all = all};
    int r = 0;

    pruned.scan_schema = metadata_snapshot_schema(metadata, pruned.snapshot);
    pruned.scans = arena_array(arena, struct condition, n_scans + 1);
    if (!pruned.scans) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r == 0 && i < n_scans; i++) {
        r = add_condition(&defining, &pruned, &scans[i], &pruned.scans[pruned.n_scans++]);
    }
    if (r == 0) {
        r = plan_table(&defining, &pruned);
    }
    *ret = pruned.scan;
    return r;
}

/* ---- tables ---- */

static int open_table(struct defining *defining, const struct lake_source *source,
                      struct pruned *ret)
{
    struct table_metadata *metadata = NULL;
    int r;

    ret->source = source;
    if (source->schema) {
        ret->schema = source->schema;
        ret->scan_schema = source->schema;
        return 0;
    }
    r = lake_table_metadata(source->view->lake, &source->table, &metadata, defining->err);
    if (r < 0) {
        return r;
    }
    ret->metadata = metadata;
    if (source->snapshot_id == SNAPSHOT_NONE) {
        ret->snapshot = metadata_current_snapshot(metadata);
        ret->schema = metadata_schema(metadata);
    } else {
        ret->snapshot = metadata_snapshot_by_id(metadata, source->snapshot_id);
        if (!ret->snapshot) {
            corrie_fail(defining->err, CORRIE_E_NOT_FOUND, "table %.*s.%.*s has no snapshot %lld",
                        STR_FMT(source->table.ns), STR_FMT(source->table.name),
                        (long long)source->snapshot_id);
            return corrie_hint(defining->err, "corrie table history %.*s.%.*s -o json lists them",
                               STR_FMT(source->table.ns), STR_FMT(source->table.name));
        }
        ret->schema = metadata_snapshot_schema(metadata, ret->snapshot);
    }
    ret->scan_schema = metadata_snapshot_schema(metadata, ret->snapshot);
    return 0;
}

static struct str source_space(const struct lake_source *source)
{
    return source->name_space.len > 0 ? source->name_space : source->table.ns;
}

static struct str source_name(const struct lake_source *source)
{
    return source->name.len > 0 ? source->name : source->table.name;
}

static int bind_scans(struct defining *defining, struct str sql, const char *file,
                      struct str name_space, struct engine_binding *ret)
{
    struct engine_bind_table *tables =
        arena_array(defining->arena, struct engine_bind_table, defining->n_tables + 1);
    int r = tables ? 0 : corrie_fail_memory(defining->err);

    for (size_t i = 0; r == 0 && i < defining->n_tables; i++) {
        tables[i] =
            (struct engine_bind_table){.name_space = source_space(defining->tables[i].source),
                                       .name = source_name(defining->tables[i].source),
                                       .schema = defining->tables[i].schema};
    }
    if (r == 0) {
        r = engine_bind(defining->engine, sql, file, name_space, tables, defining->n_tables,
                        defining->arena, ret, defining->err);
    }
    for (size_t i = 0; r == 0 && i < defining->n_tables; i++) {
        defining->tables[i].scans =
            arena_array(defining->arena, struct condition, ret->n_scans + 1);
        r = defining->tables[i].scans ? 0 : corrie_fail_memory(defining->err);
    }
    for (size_t i = 0; r == 0 && i < ret->n_scans; i++) {
        struct pruned *table = &defining->tables[ret->scans[i].table];

        if (!table->metadata) {
            continue; /* what a model gave: there are no files to leave out, and its columns have no ids */
        }
        r = add_condition(defining, table, &ret->scans[i], &table->scans[table->n_scans]);
        table->n_scans++;
    }
    return r;
}

/* A statement that does not bind reads everything: what is wrong with it is said when it is run. */
static int try_bind(struct defining *defining, struct str sql, const char *file,
                    struct str name_space, struct engine_binding *ret)
{
    int r = bind_scans(defining, sql, file, name_space, ret);

    if (r < 0 && r != CORRIE_E_CANCELLED && r != CORRIE_E_NO_MEMORY) {
        corrie_error_clear(defining->err);
        for (size_t i = 0; i < defining->n_tables; i++) {
            defining->tables[i].n_scans = 0;
        }
        return 0;
    }
    return r;
}

static int define_table(struct defining *defining, struct pruned *table, struct engine_table *ret)
{
    const struct lake_source *source = table->source;
    struct engine_table made;
    int r = plan_table(defining, table);

    if (r == 0) {
        r = lake_read_files(&source->table, table->metadata, table->schema, &table->scan,
                            defining->arena, &made, defining->err);
    }
    if (r < 0) {
        return r;
    }
    made.name_space = source_space(source);
    made.name = source_name(source);
    *ret = made;
    return engine_define_files(defining->engine, &made, defining->err);
}

/* ---- for explain ---- */

static int describe_columns(struct defining *defining, const struct pruned *table, size_t at,
                            const struct engine_binding *binding, struct lake_scan *ret)
{
    size_t n = table->schema->n_fields;
    bool *read = arena_array(defining->arena, bool, n + 1);
    struct str *columns = arena_array(defining->arena, struct str, n + 1);

    if (!read || !columns) {
        return corrie_fail_memory(defining->err);
    }
    for (size_t i = 0; i < binding->n_scans; i++) {
        for (size_t k = 0; binding->scans[i].table == at && k < binding->scans[i].n_columns; k++) {
            read[binding->scans[i].columns[k]] = true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (read[i] && arena_str(defining->arena, table->schema->fields[i].name,
                                 &columns[ret->n_columns++]) < 0) {
            return corrie_fail_memory(defining->err);
        }
    }
    ret->columns = columns;
    if (table->n_scans > 0) { /* else it was not bound */
        ret->column_bytes = lake_column_bytes(table->metadata, table->schema, read,
                                              table->scan.files, table->scan.n_files);
    }
    return 0;
}

/* The filters of a table that one scan reads; of several none holds for all. */
static int describe_filters(struct defining *defining, const struct pruned *table, size_t at,
                            const struct engine_binding *binding, struct lake_scan *ret)
{
    for (size_t i = 0; i < binding->n_scans; i++) {
        const struct engine_scan *scan = &binding->scans[i];
        struct str *filters;

        if (scan->table != at || table->n_scans != 1) {
            continue;
        }
        filters = arena_array(defining->arena, struct str, scan->n_filters + 1);
        if (!filters) {
            return corrie_fail_memory(defining->err);
        }
        for (size_t k = 0; k < scan->n_filters; k++) {
            filters[k] = scan->filters[k].sql;
        }
        ret->filters = filters;
        ret->n_filters = scan->n_filters;
    }
    return 0;
}

struct group_count {
    const struct pruned *table;
    int64_t pruned;
    struct arena arena;
};

/* A row group is tried as a file with its bounds would be. */
static int count_group(void *arg, const struct engine_row_group *group, corrie_error *err)
{
    struct group_count *count = arg;
    struct column_metrics *columns =
        arena_array(&count->arena, struct column_metrics, group->n_columns + 1);
    struct data_file file = count->table->scan.files[group->file];

    if (!columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < group->n_columns; i++) {
        const struct engine_column_stats *column = &group->columns[i];

        columns[i] = (struct column_metrics){.field_id = column->field_id,
                                             .column_size = FILE_UNKNOWN,
                                             .value_count = column->value_count,
                                             .null_count = column->null_count,
                                             .nan_count = FILE_UNKNOWN,
                                             .lower = column->lower,
                                             .upper = column->upper};
    }
    file.record_count = group->rows;
    file.columns = columns;
    file.n_columns = group->n_columns;
    count->pruned += !file_may_match(count->table, &file, &count->arena);
    return 0;
}

/* Ids of the columns that conditions speak of, ascending, each once. */
static size_t condition_columns(const struct pruned *table, int *ids)
{
    size_t n = 0;

    for (size_t f = 0; f < table->schema->n_fields; f++) {
        bool used = false;

        for (size_t s = 0; s < table->n_scans; s++) {
            for (size_t i = 0; i < table->scans[s].n_items; i++) {
                used = used || speaks_of(table->scans[s].items[i], table->schema->fields[f].name);
            }
        }
        if (used) {
            ids[n++] = table->schema->fields[f].id;
        }
    }
    return n;
}

static int by_id(const void *a, const void *b)
{
    int x = *(const int *)a;
    int y = *(const int *)b;

    return x < y ? -1 : x > y;
}

static int describe_groups(struct defining *defining, const struct pruned *table,
                           const struct engine_table *made, struct lake_scan *ret)
{
    struct group_count count = {.table = table};
    int *ids = arena_array(defining->arena, int, table->schema->n_fields + 1);
    size_t n;
    int r;

    if (!ids) {
        return corrie_fail_memory(defining->err);
    }
    n = condition_columns(table, ids);
    qsort(ids, n, sizeof *ids, by_id);
    r = engine_row_groups(made, ids, n, count_group, &count, &ret->row_groups, defining->err);
    ret->row_groups_pruned = count.pruned;
    arena_done(&count.arena);
    return r;
}

static int describe(struct defining *defining, size_t at, const struct engine_binding *binding,
                    struct lake_scan *ret)
{
    const struct pruned *table = &defining->tables[at];
    const struct scan *scan = &table->scan;
    int r;

    *ret = (struct lake_scan){
        .ns = table->source->table.ns,
        .name = table->source->table.name,
        .snapshot_id = table->snapshot ? table->snapshot->id : SNAPSHOT_NONE,
        .manifests = (int64_t)scan->counts.manifests,
        .manifests_pruned = (int64_t)scan->counts.manifests_pruned,
        .files = (int64_t)(scan->n_files + scan->n_pruned),
        .files_pruned = (int64_t)scan->n_pruned,
        .row_groups = -1,
        .row_groups_pruned = -1,
        .records = scan->records,
        .bytes = scan->bytes,
        .column_bytes = LAKE_UNKNOWN,
        .delete_files = (int64_t)scan->n_delete_files,
    };
    r = describe_columns(defining, table, at, binding, ret);
    return r < 0 ? r : describe_filters(defining, table, at, binding, ret);
}

/* ---- the whole ---- */

static bool worth_binding(const struct lake_source *sources, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sources[i].table.files > FEW_FILES) {
            return true;
        }
    }
    return false;
}

static int define_all(struct defining *defining, const struct lake_source *sources, struct str sql,
                      const char *file, struct str name_space, struct lake_described *ret)
{
    size_t n = defining->n_tables;
    struct engine_binding binding = {0};
    struct lake_scan *scans = arena_array(defining->arena, struct lake_scan, n + 1);
    int r = scans ? 0 : corrie_fail_memory(defining->err);

    for (size_t i = 0; r == 0 && i < n; i++) {
        r = open_table(defining, &sources[i], &defining->tables[i]);
    }
    if (r == 0 && n > 0 && ret && ret->row_groups) {
        r = bind_scans(defining, sql, file, name_space, &binding);
    } else if (r == 0 && (ret || worth_binding(sources, n))) {
        r = try_bind(defining, sql, file, name_space, &binding);
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct engine_table made;

        if (sources[i].schema) {
            continue;
        }
        r = define_table(defining, &defining->tables[i], &made);
        if (r == 0 && ret) {
            r = describe(defining, i, &binding, &scans[i]);
        }
        if (r == 0 && ret && ret->row_groups) {
            r = describe_groups(defining, &defining->tables[i], &made, &scans[i]);
        }
    }
    if (r == 0 && ret) {
        ret->scans = scans;
    }
    return r;
}

int lake_define(struct engine *engine, const struct lake_source *sources, size_t n_sources,
                struct str sql, const char *file, struct str name_space, struct arena *arena,
                struct lake_described *ret, corrie_error *err)
{
    struct defining defining = {.engine = engine,
                                .tables = arena_array(arena, struct pruned, n_sources + 1),
                                .n_tables = n_sources,
                                .arena = arena,
                                .err = err};
    int r = defining.tables ? define_all(&defining, sources, sql, file, name_space, ret)
                            : corrie_fail_memory(err);

    for (size_t i = 0; defining.tables && i < n_sources; i++) {
        metadata_free(defining.tables[i].metadata);
    }
    return r;
}
