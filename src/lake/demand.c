/* demand.c — how many bytes of a table's files some of its columns take, and which files some of its rows lie in.
 *
 * All of it is what manifests say: no data file is looked at. */
#include "lake/demand.h"

#include "base/mem.h"
#include "lake/lake_priv.h"
#include "lake/read.h"
#include "lang/filter.h"

struct lake_files {
    struct lake *lake;
    struct lake_table table;
    struct table_metadata *metadata;
    struct scan all; /* every file, once somebody asked */
    bool has_all;
    struct arena arena;
};

struct lake_files *lake_files_close(struct lake_files *files)
{
    if (files) {
        metadata_free(files->metadata);
        arena_done(&files->arena);
        mem_free(files);
    }
    return NULL;
}

int lake_files_open(const struct lake_view *view, const struct lake_table *table,
                    struct lake_files **ret, corrie_error *err)
{
    _cleanup_(lake_files_closep) struct lake_files *files = mem_alloc(1, sizeof *files);
    int r;

    if (!files) {
        return corrie_fail_memory(err);
    }
    files->lake = view->lake;
    files->table = *table;
    r = lake_table_metadata(view->lake, table, &files->metadata, err);
    if (r < 0) {
        return r;
    }
    *ret = TAKE_PTR(files);
    return 0;
}

/* ---- bytes of columns ---- */

/* Whether the file was written when the table had the column already. One that was not has no bytes of it. */
static bool may_have(const struct table_metadata *metadata, const struct data_file *file, int id)
{
    const struct snapshot *added = metadata_snapshot_by_id(metadata, file->snapshot_id);
    const struct schema *schema = added ? metadata_snapshot_schema(metadata, added) : NULL;

    return !schema || schema_find_id(schema, id);
}

/* Of a field the leaves have bytes. LAKE_UNKNOWN: of some the manifest does not say how many. */
static int64_t field_bytes(const struct table_metadata *metadata, const struct data_file *file,
                           const struct field *field)
{
    const struct column_metrics *column;
    int64_t sum = 0;

    for (size_t i = 0; i < field->type.n_fields; i++) {
        int64_t one = field_bytes(metadata, file, &field->type.fields[i]);

        if (one < 0) {
            return LAKE_UNKNOWN;
        }
        sum = count_add(sum, one);
    }
    if (field->type.n_fields > 0) {
        return sum;
    }
    column = data_file_column(file, field->id);
    if (column && column->column_size >= 0) {
        return column->column_size;
    }
    return may_have(metadata, file, field->id) && file->record_count != 0 ? LAKE_UNKNOWN : 0;
}

int64_t lake_column_bytes(const struct table_metadata *metadata, const struct schema *schema,
                          const bool *columns, const struct data_file *files, size_t n_files)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n_files; i++) {
        for (size_t k = 0; k < schema->n_fields; k++) {
            int64_t one =
                columns && !columns[k] ? 0 : field_bytes(metadata, &files[i], &schema->fields[k]);

            if (one < 0) {
                return LAKE_UNKNOWN;
            }
            sum = count_add(sum, one);
        }
    }
    return sum;
}

/* ---- files of rows ---- */

static int add_filter(const struct filter_expr *expr, struct arena *arena, struct engine_scan *scan,
                      corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    filter_print(expr, &text);
    return text.failed ||
                   arena_str(arena, buf_str(&text), &scan->filters[scan->n_filters++].sql) < 0
               ? corrie_fail_memory(err)
               : 0;
}

/* The condition as a scan's, whose filters all hold. */
static int scan_of(const struct filter *filter, struct arena *arena, struct engine_scan *ret,
                   corrie_error *err)
{
    const struct filter_expr *root = filter->root;
    size_t n = root->kind == FILTER_AND ? root->n_args : 1;
    int r = 0;

    *ret = (struct engine_scan){.filters = arena_array(arena, struct engine_scan_filter, n)};
    if (!ret->filters) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = add_filter(root->kind == FILTER_AND ? root->args[i] : root, arena, ret, err);
    }
    return r;
}

static int all_files(struct lake_files *files, corrie_error *err)
{
    int r = files->has_all ? 0
                           : lake_read_plan(files->lake, &files->table, files->metadata, NULL, NULL,
                                            0, &files->arena, &files->all, err);

    files->has_all = files->has_all || r == 0;
    return r;
}

static void mark(const struct schema *schema, struct str name, bool *columns)
{
    for (size_t i = 0; i < schema->n_fields; i++) {
        columns[i] = columns[i] || str_eq(schema->fields[i].name, name);
    }
}

/* NULL for none, and for one with a literal that the small grammar has not: it prunes nothing. */
static int read_filter(struct str text, struct arena *arena, struct filter **ret, corrie_error *err)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;

    if (text.len == 0 || filter_parse(text, arena, ret, &ignored) == 0) {
        return 0;
    }
    *ret = NULL;
    return ignored.code == CORRIE_E_NO_MEMORY ? corrie_error_move(err, &ignored) : 0;
}

/* *ret: which columns, NULL for all. Those that the condition looks at are read too. */
static int columns_of(const struct schema *schema, const struct lake_demand *demand,
                      const struct filter *filter, struct arena *arena, const bool **ret,
                      corrie_error *err)
{
    bool *columns = arena_array(arena, bool, schema->n_fields + 1);

    if (!columns) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < demand->n_columns; i++) {
        mark(schema, demand->columns[i], columns);
    }
    for (size_t i = 0; filter && i < filter->n_columns; i++) {
        mark(schema, filter->columns[i].name, columns);
    }
    *ret = demand->all_columns ? NULL : columns;
    return 0;
}

int lake_files_needed(struct lake_files *files, const struct lake_demand *demand,
                      struct lake_needed *ret, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    const struct schema *schema = metadata_schema(files->metadata);
    struct filter *filter = NULL;
    const struct scan *scan = &files->all;
    struct engine_scan asked;
    struct scan kept;
    const bool *columns = NULL;
    int r = 0;

    r = read_filter(demand->filter, &arena, &filter, err);
    r = r < 0 ? r : all_files(files, err);
    if (r == 0 && filter) {
        r = scan_of(filter, &arena, &asked, err);
        r = r < 0 ? r
                  : lake_read_needed(files->lake, &files->table, files->metadata, &asked, 1,
                                     &files->all, &arena, &kept, err);
        scan = &kept;
    }
    if (r < 0 || (r = columns_of(schema, demand, filter, &arena, &columns, err)) < 0) {
        return r;
    }
    *ret = (struct lake_needed){
        .files = (int64_t)scan->n_files,
        .files_pruned = (int64_t)scan->n_pruned,
        .bytes = lake_column_bytes(files->metadata, schema, columns, scan->files, scan->n_files)};
    return 0;
}

int lake_files_outside(struct lake_files *files, struct arena *arena, struct str **ret,
                       size_t *ret_n, corrie_error *err)
{
    _cleanup_(arena_done) struct arena scratch = {0};
    struct engine_table read;
    int r = all_files(files, err);

    if (r == 0) {
        r = lake_read_files(&files->table, files->metadata, metadata_schema(files->metadata),
                            &files->all, &scratch, &read, err);
    }
    return r < 0 ? r : lake_read_outside(files->lake, &read, arena, ret, ret_n, err);
}
