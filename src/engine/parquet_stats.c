/* parquet_stats.c — what Iceberg wants to know of a file that COPY wrote.
 *
 * From COPY's RETURN_STATS, with two exceptions. has_nan is wrong with more than one row group, and says nothing of how
 * many: the file's float columns are read once more where there may be some. And a column has no bounds if one row group
 * has none (all nulls): then they too come of reading the column. */
#include "engine/footer.h"
#include "engine/parquet_priv.h"

#include "arrow/scalar.h"

/* nan_count of a column that may have some: to be counted. */
#define NAN_UNKNOWN (-2)

struct map_view map_view_at(const struct duck *d, duckdb_vector vector, idx_t row)
{
    duckdb_vector entries = d->list_vector_get_child(vector);

    return (struct map_view){.keys = d->struct_vector_get_child(entries, 0),
                             .values = d->struct_vector_get_child(entries, 1),
                             .range = ((const duckdb_list_entry *)d->vector_get_data(vector))[row]};
}

struct str vector_text(const struct duck *d, duckdb_vector vector, idx_t row)
{
    return duck_text((const duckdb_string_t *)d->vector_get_data(vector) + row);
}

/* Row of the key in the map's vectors, or -1. */
static int64_t map_find_key(const struct duck *d, const struct map_view *map, struct str key)
{
    for (idx_t i = map->range.offset; i < map->range.offset + map->range.length; i++) {
        if (str_eq(vector_text(d, map->keys, i), key)) {
            return (int64_t)i;
        }
    }
    return -1;
}

struct collect {
    struct writer *writer;
    const struct map_view *columns;
    struct engine_written *file;
    size_t capacity;
    struct buf path; /* "a"."b" */
    bool repeated;   /* below a list or map */
};

static int64_t map_int(const struct duck *d, const struct map_view *map, const char *key)
{
    int64_t at = map_find_key(d, map, str_of(key));
    int64_t value = 0;

    return at >= 0 && str_to_int64(vector_text(d, map->values, (idx_t)at), &value) ? value : 0;
}

static bool map_text(const struct duck *d, const struct map_view *map, const char *key,
                     struct str *ret)
{
    int64_t at = map_find_key(d, map, str_of(key));

    if (at < 0) {
        return false;
    }
    *ret = vector_text(d, map->values, (idx_t)at);
    return true;
}

/* A zero as a bound: the lower one negative, the upper one positive. Iceberg orders −0.0 before 0.0, DuckDB and Parquet's
 * statistics do not tell them apart, so either zero may be in the file. */
static struct str zero_bound(const struct type *type, struct str bound, bool lower)
{
    static const char doubles[2][8] = {{0}, {0, 0, 0, 0, 0, 0, 0, (char)0x80}};
    static const char floats[2][4] = {{0}, {0, 0, 0, (char)0x80}};
    double number;

    if ((type->kind != TYPE_FLOAT && type->kind != TYPE_DOUBLE) || !bound.data ||
        !scalar_to_double(type, bound, &number) || number != 0) {
        return bound;
    }
    return type->kind == TYPE_FLOAT ? str_make(floats[lower], sizeof floats[lower])
                                    : str_make(doubles[lower], sizeof doubles[lower]);
}

int stats_bound(const struct type *type, struct str least, struct str greatest, struct arena *arena,
                struct engine_column_stats *stats, corrie_error *err)
{
    int r;

    stats->lower = scalar_bound_lower(type, least, SCALAR_BOUND_LENGTH);
    r = scalar_bound_upper(type, greatest, SCALAR_BOUND_LENGTH, arena, &stats->upper, err);
    if (r < 0) {
        return r;
    }
    if (r == 0) {
        stats->upper = (struct str){0};
    }
    stats->lower = zero_bound(type, stats->lower, true);
    stats->upper = zero_bound(type, stats->upper, false);
    stats->has_bounds = true;
    return 0;
}

/* Bounds as scalars. A text that is no value of the type leaves the bounds out: a bound is an
 * optimisation, and a wrong one loses rows. */
static int set_bounds(struct collect *collect, const struct type *type, struct str min,
                      struct str max, struct engine_column_stats *stats)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    struct arena *arena = collect->writer->arena;
    struct str lower;
    struct str upper;

    if (type->kind == TYPE_BINARY || type->kind == TYPE_FIXED) {
        return 0;
    }
    if (type->kind == TYPE_BOOLEAN) {
        min = str_eq(min, STR("1")) ? STR("true") : str_eq(min, STR("0")) ? STR("false") : min;
        max = str_eq(max, STR("1")) ? STR("true") : str_eq(max, STR("0")) ? STR("false") : max;
    }
    if (scalar_from_text(type, min, arena, &lower, &ignored) < 0 ||
        scalar_from_text(type, max, arena, &upper, &ignored) < 0) {
        return ignored.code == CORRIE_E_NO_MEMORY ? corrie_fail_memory(collect->writer->err) : 0;
    }
    return stats_bound(type, lower, upper, arena, stats, collect->writer->err);
}

static int collect_leaf(struct collect *collect, const struct field *field)
{
    const struct duck *d = collect->writer->engine->d;
    struct engine_column_stats *stats = &collect->file->columns[collect->file->n_columns++];
    int64_t at = map_find_key(d, collect->columns, buf_str(&collect->path));
    bool is_float = field->type.kind == TYPE_FLOAT || field->type.kind == TYPE_DOUBLE;
    struct map_view column;
    struct str min;
    struct str max;

    *stats = (struct engine_column_stats){.field_id = field->id, .nan_count = -1};
    if (at < 0) {
        return corrie_fail(collect->writer->err, CORRIE_E_INTERNAL,
                           "DuckDB gave no statistics of column %s", buf_text(&collect->path));
    }
    column = map_view_at(d, collect->columns->values, (idx_t)at);
    stats->column_size = map_int(d, &column, "column_size_bytes");
    stats->value_count = map_int(d, &column, "num_values");
    stats->null_count = map_int(d, &column, "null_count");
    if (is_float && !collect->repeated) {
        struct str flag = STR_EMPTY;

        /* what the last row group has: stats_finish knows whether it is the only one */
        stats->nan_count =
            map_text(d, &column, "has_nan", &flag) && str_eq(flag, STR("false")) ? 0 : NAN_UNKNOWN;
    }
    if (!collect->repeated && map_text(d, &column, "min", &min) &&
        map_text(d, &column, "max", &max)) {
        return set_bounds(collect, &field->type, min, max, stats);
    }
    return 0;
}

static int collect_fields(struct collect *collect, const struct field *fields, size_t n)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        size_t len = collect->path.len;
        bool repeated = collect->repeated;
        enum type_kind kind = fields[i].type.kind;

        buf_add_text(&collect->path, len ? "." : "");
        buf_add_sql_name(&collect->path, fields[i].name);
        r = buf_check(&collect->path, collect->writer->err);
        if (r == 0 && fields[i].type.n_fields == 0) {
            r = collect_leaf(collect, &fields[i]);
        } else if (r == 0) {
            collect->repeated |= kind == TYPE_LIST || kind == TYPE_MAP;
            r = collect_fields(collect, fields[i].type.fields, fields[i].type.n_fields);
            collect->repeated = repeated;
        }
        collect->path.len = len;
        if (collect->path.data) {
            collect->path.data[len] = '\0';
        }
    }
    return r;
}

static size_t count_leaves(const struct field *fields, size_t n)
{
    size_t leaves = 0;

    for (size_t i = 0; i < n; i++) {
        leaves += fields[i].type.n_fields == 0
                      ? 1
                      : count_leaves(fields[i].type.fields, fields[i].type.n_fields);
    }
    return leaves;
}

/* ---- what has to be looked up in the file ---- */

/* Enough of a text to make a bound of, whatever its length. */
#define BOUND_PREFIX 64

struct lookup {
    struct engine_written *file;
    size_t leaf;     /* the next */
    struct buf path; /* ."a"."b" */
    struct buf list; /* of the SELECT: of each leaf NaN count, lower bound, upper bound, or NULL */
    bool needed;
};

/* DuckDB forgets the bounds of a column where one row group has none: all nulls, or a NaN. */
static bool lacks_bounds(const struct field *field, const struct engine_column_stats *stats,
                         bool repeated)
{
    return !repeated && !stats->has_bounds && stats->null_count < stats->value_count &&
           field->type.kind != TYPE_BINARY && field->type.kind != TYPE_FIXED;
}

static void add_bound(const struct field *field, const char *function, struct str path,
                      struct buf *out)
{
    bool is_float = field->type.kind == TYPE_FLOAT || field->type.kind == TYPE_DOUBLE;

    buf_addf(out, field->type.kind == TYPE_STRING ? ", left(%s(q%.*s)" : ", CAST(%s(q%.*s)",
             function, STR_FMT(path));
    if (is_float) {
        buf_addf(out, " FILTER (NOT isnan(q%.*s))", STR_FMT(path));
    }
    if (field->type.kind == TYPE_STRING) {
        buf_addf(out, ", %d)", BOUND_PREFIX);
    } else {
        buf_add_text(out, " AS VARCHAR)");
    }
}

static void look_leaf(struct lookup *look, const struct field *field, bool repeated)
{
    const struct engine_column_stats *stats = &look->file->columns[look->leaf];
    struct str path = buf_str(&look->path);

    buf_add_text(&look->list, look->leaf++ ? ", " : "");
    if (stats->nan_count == NAN_UNKNOWN) {
        buf_addf(&look->list, "count(*) FILTER (isnan(q%.*s))", STR_FMT(path));
        look->needed = true;
    } else {
        buf_add_text(&look->list, "NULL");
    }
    if (lacks_bounds(field, stats, repeated)) {
        add_bound(field, "min", path, &look->list);
        add_bound(field, "max", path, &look->list);
        look->needed = true;
    } else {
        buf_add_text(&look->list, ", NULL, NULL");
    }
}

static void look_fields(struct lookup *look, const struct field *fields, size_t n, bool repeated)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = look->path.len;
        enum type_kind kind = fields[i].type.kind;

        buf_add_char(&look->path, '.');
        buf_add_sql_name(&look->path, fields[i].name);
        if (fields[i].type.n_fields > 0) {
            look_fields(look, fields[i].type.fields, fields[i].type.n_fields,
                        repeated || kind == TYPE_LIST || kind == TYPE_MAP);
        } else {
            look_leaf(look, &fields[i], repeated);
        }
        look->path.len = len;
        if (look->path.data) {
            look->path.data[len] = '\0';
        }
    }
}

/* Takes the answers, in the order of look_fields. */
static int take_answers(struct writer *writer, const struct rows *rows, const struct field *fields,
                        size_t n, struct engine_written *file, size_t *leaf)
{
    struct collect collect = {.writer = writer, .file = file};
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        struct engine_column_stats *stats;
        struct str min;
        struct str max;

        if (fields[i].type.n_fields > 0) {
            r = take_answers(writer, rows, fields[i].type.fields, fields[i].type.n_fields, file,
                             leaf);
            continue;
        }
        stats = &file->columns[*leaf];
        if (stats->nan_count == NAN_UNKNOWN) {
            (void)rows_int(rows, *leaf * 3, &stats->nan_count);
        }
        if (rows_text(rows, *leaf * 3 + 1, &min) && rows_text(rows, *leaf * 3 + 2, &max)) {
            r = set_bounds(&collect, &fields[i].type, min, max, stats);
        }
        ++*leaf;
    }
    return r;
}

/* Reads the columns of which too little is known once more. */
static int look_up(struct writer *writer, struct engine_written *file)
{
    const struct schema *schema = writer->write->schema;
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    struct lookup look = {.file = file};
    size_t leaf = 0;
    int r;

    look_fields(&look, schema->fields, schema->n_fields, false);
    buf_add_text(&sql, "SELECT ");
    buf_add_str(&sql, buf_str(&look.list));
    buf_add_text(&sql, " FROM read_parquet(");
    add_path(&sql, file->path);
    buf_add_text(&sql, ") AS q");
    r = look.path.failed || look.list.failed ? corrie_fail_memory(writer->err)
                                             : buf_check(&sql, writer->err);
    buf_done(&look.path);
    buf_done(&look.list);
    if (r < 0 || !look.needed) {
        return r;
    }
    r = rows_open(writer->engine, writer->session, buf_text(&sql), NULL, &rows, writer->err);
    if (r < 0 || !rows_next(&rows)) {
        return r;
    }
    return take_answers(writer, &rows, schema->fields, schema->n_fields, file, &leaf);
}

static int read_offsets(struct writer *writer, struct engine_written *file, bool one_group)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    VEC(int64_t) offsets = {0};
    int64_t offset = 0;
    int r;

    if (one_group) {
        /* right after the magic */
        file->split_offsets = arena_array(writer->arena, int64_t, 1);
        if (!file->split_offsets) {
            return corrie_fail_memory(writer->err);
        }
        file->split_offsets[0] = sizeof "PAR1" - 1;
        file->n_split_offsets = 1;
        return 0;
    }

    buf_add_text(&sql, "SELECT min(least(coalesce(dictionary_page_offset, data_page_offset), "
                       "data_page_offset))::BIGINT AS o FROM parquet_metadata(");
    add_path(&sql, file->path);
    buf_add_text(&sql, ") GROUP BY row_group_id ORDER BY o");
    r = buf_check(&sql, writer->err);
    if (r == 0) {
        r = rows_open(writer->engine, writer->session, buf_text(&sql), NULL, &rows, writer->err);
    }
    while (r == 0 && rows_next(&rows)) {
        if (rows_int(&rows, 0, &offset) && vec_push(&offsets, offset) < 0) {
            r = corrie_fail_memory(writer->err);
        }
    }
    if (r == 0) {
        file->split_offsets = arena_array(writer->arena, int64_t, offsets.count + 1);
        if (!file->split_offsets) {
            r = corrie_fail_memory(writer->err);
        } else if (offsets.count > 0) {
            memcpy(file->split_offsets, offsets.items, offsets.count * sizeof(int64_t));
            file->n_split_offsets = offsets.count;
        }
    }
    vec_done(&offsets);
    return r;
}

int stats_read(struct writer *writer, const struct rows *rows, struct engine_written *ret)
{
    const struct duck *d = writer->engine->d;
    const struct schema *schema = writer->write->schema;
    struct map_view columns;
    struct collect collect = {.writer = writer, .columns = &columns, .file = ret};
    int r;

    if (!rows_int(rows, 1, &ret->rows) || !rows_int(rows, 2, &ret->bytes)) {
        return corrie_fail(writer->err, CORRIE_E_INTERNAL, "DuckDB said nothing of what it wrote");
    }
    if (ret->rows == 0) {
        return 0;
    }
    columns = map_view_at(d, d->data_chunk_get_vector(rows->chunk, 4), rows->at);
    ret->columns = arena_array(writer->arena, struct engine_column_stats,
                               count_leaves(schema->fields, schema->n_fields));
    if (!ret->columns) {
        return corrie_fail_memory(writer->err);
    }
    r = collect_fields(&collect, schema->fields, schema->n_fields);
    buf_done(&collect.path);
    return r;
}

/* DuckDB cuts row groups where its batches end: also of fewer rows than one may have. */
static int has_one_group(struct writer *writer, const struct engine_written *file, bool *ret)
{
    _cleanup_(footer_done) struct footer footer = {0};
    int r = 0;

    if (file->rows <= writer->row_group_rows) {
        r = footer_read(file->path, &footer, writer->err);
    }
    *ret = footer.row_groups == 1;
    return r;
}

int stats_finish(struct writer *writer, struct engine_written *file)
{
    bool one_group;
    int r = has_one_group(writer, file, &one_group);

    for (size_t i = 0; r == 0 && !one_group && i < file->n_columns; i++) {
        if (file->columns[i].nan_count == 0) {
            file->columns[i].nan_count = NAN_UNKNOWN;
        }
    }
    if (r == 0) {
        r = look_up(writer, file);
    }
    return r == 0 ? read_offsets(writer, file, one_group) : r;
}

int stats_part(struct writer *writer, const struct engine_written *whole,
               struct engine_written *file)
{
    struct engine_file stored = {.path = file->path, .rows = -1, .bytes = file->bytes};
    struct engine_table table = {.schema = writer->write->schema, .files = &stored, .n_files = 1};
    int r = engine_describe_stored(&table, 0, NULL, 0, writer->arena, file, writer->err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < file->n_columns; i++) {
        struct engine_column_stats *stats = &file->columns[i];

        if (i >= whole->n_columns || stats->field_id != whole->columns[i].field_id) {
            return corrie_fail(writer->err, CORRIE_E_INTERNAL,
                               "a part of a file has other columns than the file");
        }
        stats->nan_count =
            whole->columns[i].nan_count > 0 ? NAN_UNKNOWN : whole->columns[i].nan_count;
        if (stats->null_count < 0 && whole->columns[i].null_count == 0) {
            stats->null_count = 0;
        }
    }
    return look_up(writer, file);
}
