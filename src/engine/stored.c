/* stored.c — what is to be known of a Parquet file that others wrote and a table takes where it is. */
#include "arrow/scalar.h"
#include "engine/chunks.h"
#include "engine/layout.h"
#include "engine/parquet_priv.h"

/* A leaf of the table that the file has: its statistics, and its whole bounds over all groups so far. */
struct leaf {
    const struct field *field;
    const struct footer_node *node;
    bool repeated;  /* in a list or map */
    bool unbounded; /* some group has values without bounds */
    struct str lower;
    struct str upper;
    struct engine_column_stats *stats;
};

struct storing {
    const struct engine_table *table;
    const struct engine_file *file;
    struct arena *arena;
    struct footer footer;
    struct layout layout;
    struct engine_written *written;
    VEC(struct leaf) leaves;
    VEC(int64_t) offsets;
    corrie_error *err;
};

static void storing_done(struct storing *storing)
{
    footer_done(&storing->footer);
    vec_done(&storing->leaves);
    vec_done(&storing->offsets);
}

/* ---- columns ---- */

/* Readers take a file's columns by their ids, or by the table's mapping of names: what they find so must be what the
 * names say, on every level. */
static int check_id(const struct storing *storing, const struct layout *layout,
                    const struct field *field)
{
    if (layout->id == field->id) {
        return 0;
    }
    if (storing->footer.has_ids) {
        return corrie_fail(storing->err, CORRIE_E_UNSUPPORTED,
                           "column %.*s has field id %lld, which is not the table's id of it (%d)",
                           STR_FMT(field->name), (long long)layout->id, field->id);
    }
    return corrie_fail(storing->err, CORRIE_E_UNSUPPORTED,
                       "the table's name mapping does not give %.*s to the column of that name",
                       STR_FMT(field->name));
}

static const struct field *find_field(const struct field *fields, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(fields[i].name, name)) {
            return &fields[i];
        }
    }
    return NULL;
}

static int add_fields(struct storing *storing, const struct layout *layout,
                      const struct field *fields, size_t n_fields, bool repeated)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < layout->n_fields; i++) {
        const struct layout *found = &layout->fields[i];
        const struct field *field = layout->kind == LAYOUT_STRUCT
                                        ? find_field(fields, n_fields, found->name)
                                    : i < n_fields ? &fields[i]
                                                   : NULL;
        bool nested = field && field->type.n_fields > 0;

        if (!field || nested != (found->kind != LAYOUT_LEAF)) {
            return corrie_fail(storing->err, CORRIE_E_UNSUPPORTED,
                               "the table has no column like its %.*s", STR_FMT(found->name));
        }
        r = check_id(storing, found, field);
        if (r >= 0 && nested) {
            r = add_fields(storing, found, field->type.fields, field->type.n_fields,
                           repeated || found->kind != LAYOUT_STRUCT);
        } else if (r >= 0 &&
                   vec_push(&storing->leaves,
                            ((struct leaf){.field = field,
                                           .node = &storing->footer.nodes.items[found->node],
                                           .repeated = repeated})) < 0) {
            r = corrie_fail_memory(storing->err);
        }
    }
    return r;
}

/* ---- statistics ---- */

/* Adds counts; what is not known, or too large, makes the sum unknown. */
static int64_t add_count(int64_t a, int64_t b)
{
    int64_t sum;

    return a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum) ? -1 : sum;
}

/* Widens the leaf's bounds by those of a group. */
static int widen(struct storing *storing, struct leaf *leaf, const struct footer_chunk *chunk)
{
    const struct type *type = &leaf->field->type;
    struct str lower;
    struct str upper;
    int below = -1;
    int above = 1;
    int r;

    if (leaf->repeated || leaf->unbounded || chunk->nulls == chunk->values) {
        return 0;
    }
    r = chunk_bounds(chunk, leaf->node, type, storing->arena, &lower, &upper, storing->err);
    if (r <= 0) {
        leaf->unbounded = true;
        return r;
    }
    if (leaf->lower.data &&
        ((r = scalar_compare(type, lower, leaf->lower, &below, storing->err)) < 0 ||
         (r = scalar_compare(type, upper, leaf->upper, &above, storing->err)) < 0)) {
        return r;
    }
    leaf->lower = below < 0 ? lower : leaf->lower;
    leaf->upper = above > 0 ? upper : leaf->upper;
    return 0;
}

static int add_group(void *arg, const struct footer_group *group, corrie_error *err)
{
    struct storing *storing = arg;
    int r = 0;

    if (group->rows == 0) {
        return 0;
    }
    if (vec_push(&storing->offsets, group->start) < 0) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < storing->leaves.count; i++) {
        struct leaf *leaf = &storing->leaves.items[i];
        const struct footer_chunk *chunk = &group->chunks[leaf->node->leaf];

        leaf->stats->column_size = add_count(leaf->stats->column_size, chunk->bytes);
        leaf->stats->value_count = add_count(leaf->stats->value_count, chunk->values);
        leaf->stats->null_count = add_count(leaf->stats->null_count, chunk->nulls);
        r = widen(storing, leaf, chunk);
    }
    return r;
}

static int read_statistics(struct storing *storing)
{
    struct engine_written *written = storing->written;
    int r = 0;

    written->columns =
        arena_array(storing->arena, struct engine_column_stats, storing->leaves.count);
    if (!written->columns) {
        return corrie_fail_memory(storing->err);
    }
    written->n_columns = storing->leaves.count;
    for (size_t i = 0; i < storing->leaves.count; i++) {
        struct leaf *leaf = &storing->leaves.items[i];

        leaf->stats = &written->columns[i];
        *leaf->stats = (struct engine_column_stats){.field_id = leaf->field->id, .nan_count = -1};
    }
    r = footer_groups(storing->footer.bytes, storing->file->path, &storing->footer, add_group,
                      storing, storing->err);
    for (size_t i = 0; r >= 0 && i < storing->leaves.count; i++) {
        const struct leaf *leaf = &storing->leaves.items[i];

        if (!leaf->unbounded && leaf->lower.data) {
            r = stats_bound(&leaf->field->type, leaf->lower, leaf->upper, storing->arena,
                            leaf->stats, storing->err);
        }
    }
    return r;
}

/* Readers trust these to be ascending; a file of whose groups that is not true has none. */
static int take_offsets(struct storing *storing)
{
    struct engine_written *written = storing->written;
    int64_t *offsets = arena_array(storing->arena, int64_t, storing->offsets.count);

    if (!offsets) {
        return corrie_fail_memory(storing->err);
    }
    for (size_t i = 0; i < storing->offsets.count; i++) {
        offsets[i] = storing->offsets.items[i];
        if (offsets[i] >= written->bytes || (i > 0 && offsets[i] <= offsets[i - 1])) {
            return 0;
        }
    }
    written->split_offsets = offsets;
    written->n_split_offsets = storing->offsets.count;
    return 0;
}

/* ---- which partition ---- */

static const struct engine_constant *find_constant(const struct storing *storing, int field_id)
{
    for (size_t i = 0; i < storing->file->n_constants; i++) {
        if (storing->file->constants[i].field_id == field_id) {
            return &storing->file->constants[i];
        }
    }
    return NULL;
}

/* Transforms keep the order of values, but for buckets: where both bounds fall into one partition, all rows do. */
static int prove(struct storing *storing, const struct engine_partition_field *partition,
                 const struct leaf *leaf, struct str *ret)
{
    const struct type *type = &leaf->field->type;
    const struct transform *transform = &partition->transform;
    struct str name = leaf->field->name;
    struct str lower;
    struct str upper;
    _cleanup_(buf_done) struct buf least = {0};
    _cleanup_(buf_done) struct buf most = {0};
    int r;

    if (leaf->stats->null_count == leaf->stats->value_count) {
        return 0; /* all null */
    }
    if (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE || leaf->repeated ||
        leaf->unbounded || leaf->stats->null_count != 0) {
        return corrie_fail(
            storing->err, CORRIE_E_UNSUPPORTED,
            "its footer does not prove that all rows lie in one partition: %.*s %s", STR_FMT(name),
            leaf->stats->null_count > 0 ? "is null in some of them" : "has no bounds there");
    }
    r = transform_apply(transform, type, leaf->lower, storing->arena, &lower, storing->err);
    if (r >= 0) {
        r = transform_apply(transform, type, leaf->upper, storing->arena, &upper, storing->err);
    }
    if (r < 0) {
        return r;
    }
    if (str_eq(lower, upper) &&
        (transform->kind != TRANSFORM_BUCKET || str_eq(leaf->lower, leaf->upper))) {
        *ret = lower;
        return 0;
    }
    r = scalar_print(type, leaf->lower, &least, storing->err);
    if (r >= 0) {
        r = scalar_print(type, leaf->upper, &most, storing->err);
    }
    return r < 0 ? r
                 : corrie_fail(storing->err, CORRIE_E_UNSUPPORTED,
                               "its rows lie in several partitions: %.*s is from %s to %s",
                               STR_FMT(name), buf_text(&least), buf_text(&most));
}

static int find_value(struct storing *storing, const struct engine_partition_field *partition,
                      struct str *ret)
{
    const struct engine_constant *constant = find_constant(storing, partition->source_id);
    const struct field *field = schema_find_id(storing->table->schema, partition->source_id);

    *ret = (struct str){NULL, 0};
    if (partition->transform.kind == TRANSFORM_VOID || !field) {
        return 0;
    }
    if (constant) {
        return transform_apply(&partition->transform, &field->type, constant->value, storing->arena,
                               ret, storing->err);
    }
    for (size_t i = 0; i < storing->leaves.count; i++) {
        if (storing->leaves.items[i].field->id == partition->source_id) {
            return prove(storing, partition, &storing->leaves.items[i], ret);
        }
    }
    return 0; /* the file lacks the column: it is null in all rows */
}

static int find_partition(struct storing *storing, const struct engine_partition_field *partition,
                          size_t n)
{
    struct engine_written *written = storing->written;
    int r = 0;

    for (size_t i = 0; i < storing->file->n_constants; i++) {
        int id = storing->file->constants[i].field_id;
        const struct field *field = schema_find_id(storing->table->schema, id);
        bool kept = false;

        for (size_t k = 0; k < n; k++) {
            kept |=
                partition[k].source_id == id && partition[k].transform.kind == TRANSFORM_IDENTITY;
        }
        if (!kept) {
            return corrie_fail(storing->err, CORRIE_E_UNSUPPORTED,
                               "%.*s comes from its folder, and the table is not partitioned by it",
                               STR_FMT(field ? field->name : STR("a column")));
        }
    }
    written->partition = arena_array(storing->arena, struct str, n);
    if (!written->partition) {
        return corrie_fail_memory(storing->err);
    }
    for (size_t i = 0; r >= 0 && i < n; i++) {
        r = find_value(storing, &partition[i], &written->partition[i]);
    }
    return r;
}

int engine_describe_stored(const struct engine_table *table, size_t at,
                           const struct engine_partition_field *partition, size_t n_partition,
                           struct arena *arena, struct engine_written *ret, corrie_error *err)
{
    const struct engine_file *file = &table->files[at];
    struct engine_written written = {.path = file->path, .bytes = file->bytes};
    _cleanup_(storing_done) struct storing storing = {
        .table = table, .file = file, .arena = arena, .written = &written, .err = err};
    int r = footer_read_whole(file->path, &storing.footer, err);

    if (r >= 0) {
        r = layout_of(&storing.footer, arena, &storing.layout, err);
    }
    if (r < 0) {
        return r;
    }
    if (!storing.footer.has_ids) {
        layout_name(&storing.layout, table->names, table->n_names);
    }
    written.rows = storing.footer.rows;
    r = add_fields(&storing, &storing.layout, table->schema->fields, table->schema->n_fields,
                   false);
    if (r >= 0) {
        r = read_statistics(&storing);
    }
    if (r >= 0) {
        r = take_offsets(&storing);
    }
    if (r >= 0) {
        r = find_partition(&storing, partition, n_partition);
    }
    if (r < 0) {
        return r;
    }
    *ret = written;
    return 0;
}
