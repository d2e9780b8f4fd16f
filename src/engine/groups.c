/* groups.c — row groups of a table's files and what their statistics say, for people who ask what a scan reads. */
#include "engine/files.h"

#include "arrow/scalar.h"
#include "engine/layout.h"

struct grouping {
    struct engine *engine;
    const struct engine_table *table;
    struct field *fields; /* top-level and of one value, by ascending id */
    size_t n_fields;
    struct str *names; /* n_fields a file: what the file calls each; empty: lacks it */
    int64_t *groups;   /* of each file */
    struct map by_path;
    struct arena arena;
    struct engine_column_stats *columns; /* of the group that is being read */
    struct engine_row_group group;
    engine_row_group_fn each;
    void *arg;
    corrie_error *err;
};

static int read_names(struct grouping *grouping, size_t at)
{
    const struct engine_table *table = grouping->table;
    _cleanup_(footer_done) struct footer footer = {0};
    struct layout layout;
    struct str path = table->files[at].path;
    int r = footer_read(path, &footer, grouping->err);

    if (r < 0) {
        return duck_fail_stored(grouping->err);
    }
    r = layout_of(&footer, &grouping->arena, &layout, grouping->err);
    if (r < 0) {
        return r;
    }
    if (!footer.has_ids) {
        layout_name(&layout, table->names, table->n_names);
    }
    grouping->groups[at] = footer.row_groups;
    for (size_t i = 0; i < grouping->n_fields; i++) {
        const struct layout *found = layout_find(&layout, grouping->fields[i].id);

        if (found && found->kind == LAYOUT_LEAF) {
            grouping->names[at * grouping->n_fields + i] = found->name;
        }
    }
    return map_put(&grouping->by_path, path, (void *)(uintptr_t)(at + 1)) < 0
               ? corrie_fail_memory(grouping->err)
               : 0;
}

static int flush(struct grouping *grouping)
{
    int r = 0;

    if (grouping->group.rows >= 0) {
        grouping->group.columns = grouping->columns;
        grouping->group.n_columns = grouping->n_fields;
        r = grouping->each(grouping->arg, &grouping->group, grouping->err);
    }
    for (size_t i = 0; i < grouping->n_fields; i++) {
        grouping->columns[i] = (struct engine_column_stats){.field_id = grouping->fields[i].id,
                                                            .column_size = -1,
                                                            .value_count = -1,
                                                            .null_count = -1,
                                                            .nan_count = -1};
    }
    grouping->group.rows = -1;
    return r;
}

static void read_bound(struct grouping *grouping, const struct type *type, const struct rows *rows,
                       idx_t column, struct str *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct str text;

    if (!rows_text(rows, column, &text) ||
        scalar_from_text(type, text, &grouping->arena, ret, &ignored) < 0) {
        *ret = (struct str){.data = NULL};
    }
}

/* file_name, row_group_id, its rows, path_in_schema, least, greatest, nulls */
static int read_row(struct grouping *grouping, const struct rows *rows, int64_t *last_group)
{
    struct str path = STR_EMPTY;
    struct str name = STR_EMPTY;
    struct map_entry *entry;
    int64_t group = -1;
    size_t file;
    int r = 0;

    (void)rows_text(rows, 0, &path);
    (void)rows_int(rows, 1, &group);
    (void)rows_text(rows, 3, &name);
    entry = map_find(&grouping->by_path, path);
    if (!entry) {
        return 0;
    }
    file = (size_t)(uintptr_t)entry->value - 1;
    if (file != grouping->group.file || group != *last_group || grouping->group.rows < 0) {
        r = flush(grouping);
        *last_group = group;
        grouping->group.file = file;
        (void)rows_int(rows, 2, &grouping->group.rows);
    }
    for (size_t i = 0; r == 0 && i < grouping->n_fields; i++) {
        struct engine_column_stats *column = &grouping->columns[i];
        const struct type *type = &grouping->fields[i].type;

        if (!str_eq(name, grouping->names[file * grouping->n_fields + i]) || name.len == 0) {
            continue;
        }
        column->value_count = grouping->group.rows;
        read_bound(grouping, type, rows, 4, &column->lower);
        read_bound(grouping, type, rows, 5, &column->upper);
        column->has_bounds = column->lower.data || column->upper.data;
        if (!rows_int(rows, 6, &column->null_count)) {
            column->null_count = -1;
        }
    }
    return r;
}

static int read_groups(struct grouping *grouping)
{
    const struct engine_table *table = grouping->table;
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int64_t last_group = -1;
    int r;

    buf_add_text(&sql, "SELECT file_name, row_group_id, row_group_num_rows, path_in_schema, "
                       "stats_min_value, stats_max_value, stats_null_count FROM "
                       "parquet_metadata([");
    for (size_t i = 0; i < table->n_files; i++) {
        buf_add_text(&sql, i > 0 ? "," : "");
        add_path(&sql, table->files[i].path);
    }
    buf_add_text(&sql, "])");
    r = buf_check(&sql, grouping->err);
    if (r == 0) {
        r = rows_open(grouping->engine, &grouping->engine->session, buf_text(&sql),
                      &(struct origin){.data = true}, &rows, grouping->err);
    }
    grouping->group.rows = -1;
    if (r == 0) {
        r = flush(grouping); /* empties the columns */
    }
    while (r == 0 && rows_next(&rows)) {
        r = read_row(grouping, &rows, &last_group);
    }
    return r < 0 ? r : flush(grouping);
}

static int grouping_init(struct grouping *grouping, const int *field_ids, size_t n)
{
    const struct engine_table *table = grouping->table;
    const struct schema *schema = table->schema;
    int r = 0;

    grouping->fields = arena_array(&grouping->arena, struct field, n + 1);
    grouping->columns = arena_array(&grouping->arena, struct engine_column_stats, n + 1);
    grouping->names = arena_array(&grouping->arena, struct str, n * table->n_files + 1);
    grouping->groups = arena_array(&grouping->arena, int64_t, table->n_files + 1);
    if (!grouping->fields || !grouping->columns || !grouping->names || !grouping->groups) {
        return corrie_fail_memory(grouping->err);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < schema->n_fields; k++) {
            if (schema->fields[k].id == field_ids[i] && !type_is_nested(&schema->fields[k].type)) {
                grouping->fields[grouping->n_fields++] = schema->fields[k];
            }
        }
    }
    for (size_t i = 0; r == 0 && i < table->n_files; i++) {
        r = read_names(grouping, i);
    }
    return r;
}

int engine_row_groups(struct engine *engine, const struct engine_table *table, const int *field_ids,
                      size_t n_field_ids, engine_row_group_fn each, void *arg, int64_t *ret_total,
                      corrie_error *err)
{
    struct grouping grouping = {
        .engine = engine, .table = table, .each = each, .arg = arg, .err = err};
    int64_t total = 0;
    int r = grouping_init(&grouping, field_ids, n_field_ids);

    for (size_t i = 0; r == 0 && i < table->n_files; i++) {
        total += grouping.groups[i];
    }
    if (r == 0 && grouping.n_fields > 0 && table->n_files > 0) {
        r = read_groups(&grouping);
    }
    if (r == 0) {
        *ret_total = total;
    }
    map_done(&grouping.by_path);
    arena_done(&grouping.arena);
    return r;
}
