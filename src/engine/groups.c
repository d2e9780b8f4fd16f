/* groups.c — row groups of a table's files and what their statistics say, for people who ask what a scan reads. */
#include "engine/chunks.h"
#include "engine/layout.h"

struct grouping {
    const struct engine_table *table;
    struct field *fields; /* top-level and of one value, by ascending id */
    size_t n_fields;
    const struct footer_node **nodes;    /* of each field in the file at hand; NULL: it lacks it */
    struct engine_column_stats *columns; /* of the group that is being read */
    size_t file;
    engine_row_group_fn each;
    void *arg;
    int64_t total;
    struct arena arena;
};

static int read_group(void *arg, const struct footer_group *group, corrie_error *err)
{
    struct grouping *grouping = arg;
    struct engine_row_group told = {.file = grouping->file,
                                    .rows = group->rows,
                                    .columns = grouping->columns,
                                    .n_columns = grouping->n_fields};
    int r = 0;

    for (size_t i = 0; r >= 0 && i < grouping->n_fields; i++) {
        struct engine_column_stats *column = &grouping->columns[i];
        const struct footer_node *node = grouping->nodes[i];

        *column = (struct engine_column_stats){.field_id = grouping->fields[i].id,
                                               .column_size = -1,
                                               .value_count = -1,
                                               .null_count = -1,
                                               .nan_count = -1};
        if (node) {
            const struct footer_chunk *chunk = &group->chunks[node->leaf];

            column->value_count = chunk->values;
            column->null_count = chunk->nulls;
            r = chunk_bounds(chunk, node, &grouping->fields[i].type, &grouping->arena,
                             &column->lower, &column->upper, err);
            column->has_bounds = r > 0;
        }
    }
    return r < 0 ? r : grouping->each(grouping->arg, &told, err);
}

static int read_file(struct grouping *grouping, struct footer *footer, corrie_error *err)
{
    const struct engine_table *table = grouping->table;
    struct str path = table->files[grouping->file].path;
    struct layout layout;
    int r = grouping->n_fields > 0 ? footer_read_whole(path, footer, err)
                                   : footer_read(path, footer, err);

    if (r < 0) {
        return duck_fail_stored(err);
    }
    grouping->total += footer->row_groups;
    if (grouping->n_fields == 0) {
        return 0;
    }
    r = layout_of(footer, &grouping->arena, &layout, err);
    if (r < 0) {
        return r;
    }
    if (!footer->has_ids) {
        layout_name(&layout, table->names, table->n_names);
    }
    for (size_t i = 0; i < grouping->n_fields; i++) {
        const struct layout *found = layout_find(&layout, grouping->fields[i].id);

        grouping->nodes[i] =
            found && found->kind == LAYOUT_LEAF ? &footer->nodes.items[found->node] : NULL;
    }
    r = footer_groups(footer->bytes, path, footer, read_group, grouping, err);
    return r == CORRIE_E_DATA ? duck_fail_stored(err) : r;
}

static int find_fields(struct grouping *grouping, const int *field_ids, size_t n, corrie_error *err)
{
    const struct schema *schema = grouping->table->schema;

    grouping->fields = arena_array(&grouping->arena, struct field, n);
    grouping->columns = arena_array(&grouping->arena, struct engine_column_stats, n);
    grouping->nodes = arena_array(&grouping->arena, const struct footer_node *, n);
    if (!grouping->fields || !grouping->columns || !grouping->nodes) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < schema->n_fields; k++) {
            if (schema->fields[k].id == field_ids[i] && !type_is_nested(&schema->fields[k].type)) {
                grouping->fields[grouping->n_fields++] = schema->fields[k];
            }
        }
    }
    return 0;
}

int engine_row_groups(const struct engine_table *table, const int *field_ids, size_t n_field_ids,
                      engine_row_group_fn each, void *arg, int64_t *ret_total, corrie_error *err)
{
    struct grouping grouping = {.table = table, .each = each, .arg = arg};
    int r = find_fields(&grouping, field_ids, n_field_ids, err);

    for (size_t i = 0; r >= 0 && i < table->n_files; i++) {
        _cleanup_(footer_done) struct footer footer = {0};

        grouping.file = i;
        r = read_file(&grouping, &footer, err);
    }
    if (r >= 0) {
        *ret_total = grouping.total;
    }
    arena_done(&grouping.arena);
    return r < 0 ? r : 0;
}
