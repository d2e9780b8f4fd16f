/* read.c — from what Iceberg says of a table's files to what the engine needs to read them. */
#include "lake/read.h"

#include <stdlib.h>

#include "iceberg/name_mapping.h"
#include "lake/lake_priv.h"

/* ---- names ---- */

static int copy_names(const struct mapped_field *fields, size_t n, struct arena *arena,
                      const struct engine_name **ret, corrie_error *err)
{
    struct engine_name *names = arena_array(arena, struct engine_name, n + 1);

    if (!names) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        int r;

        names[i] = (struct engine_name){.field_id = fields[i].field_id,
                                        .names = fields[i].names,
                                        .n_names = fields[i].n_names,
                                        .n_fields = fields[i].n_fields};
        r = copy_names(fields[i].fields, fields[i].n_fields, arena, &names[i].fields, err);
        if (r < 0) {
            return r;
        }
    }
    *ret = names;
    return 0;
}

int lake_read_names(const struct table_metadata *metadata, struct arena *arena,
                    struct engine_table *table, corrie_error *err)
{
    struct name_mapping mapping;
    int r = metadata_name_mapping(metadata, arena, &mapping, err);

    if (r <= 0) {
        return r;
    }
    table->n_names = mapping.n_fields;
    return copy_names(mapping.fields, mapping.n_fields, arena, &table->names, err);
}

/* ---- constants ---- */

/* What the file's partition says of columns: those that are partitioned by their own value. */
static int read_constants(const struct table_metadata *metadata, const struct data_file *file,
                          struct arena *arena, struct engine_file *ret, corrie_error *err)
{
    const struct partition_spec *spec = metadata_spec_by_id(metadata, file->spec_id);
    struct engine_constant *constants;
    size_t n = 0;

    if (!spec || spec->n_fields == 0 || file->n_partition != spec->n_fields) {
        return 0;
    }
    constants = arena_array(arena, struct engine_constant, spec->n_fields);
    if (!constants) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < spec->n_fields; i++) {
        if (str_eq(spec->fields[i].transform, STR("identity"))) {
            constants[n++] = (struct engine_constant){.field_id = spec->fields[i].source_id,
                                                      .value = file->partition[i].bytes};
        }
    }
    ret->constants = constants;
    ret->n_constants = n;
    return 0;
}

/* ---- deletes ---- */

static int check_format(const struct data_file *file, corrie_error *err)
{
    if (str_eq_nocase(file->format, STR("parquet"))) {
        return 0;
    }
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "'%.*s' is %.*s: only Parquet is read",
                STR_FMT(file->path), STR_FMT(file->format));
    return corrie_hint(err, "let the engine that wrote it write Parquet "
                            "(write.format.default=parquet) and rewrite the table's files");
}

/* A field as the table has it, or had it last. */
static const struct field *find_field(const struct table_metadata *metadata,
                                      const struct schema *schema, int id)
{
    const struct field *field = schema_find_id(schema, id);

    for (size_t i = metadata->n_schemas; !field && i-- > 0;) {
        field = schema_find_id(&metadata->schemas[i], id);
    }
    return field;
}

static int read_delete(const struct table_metadata *metadata, const struct schema *schema,
                       const struct data_file *file, struct arena *arena, struct engine_delete *ret,
                       corrie_error *err)
{
    struct field *fields;
    int r = check_format(file, err);

    r = r < 0 ? r : location_check_local(file->path, err);
    if (r < 0) {
        return r;
    }
    *ret = (struct engine_delete){.path = lake_local_path(file->path),
                                  .equality = file->content == FILE_CONTENT_EQUALITY_DELETES};
    if (!ret->equality) {
        return 0;
    }
    fields = arena_array(arena, struct field, file->n_equality_ids + 1);
    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < file->n_equality_ids; i++) {
        const struct field *field = find_field(metadata, schema, file->equality_ids[i]);

        if (!field) {
            return corrie_fail(err, CORRIE_E_CORRUPT,
                               "the delete file '%.*s' compares field %d, which no schema of the "
                               "table has",
                               STR_FMT(file->path), file->equality_ids[i]);
        }
        fields[i] = *field;
    }
    ret->fields = fields;
    ret->n_fields = file->n_equality_ids;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;

    return x < y ? -1 : x > y;
}

/* Which delete files apply to a data file, by their place in scan->delete_files. */
static int read_applied(const struct scan *scan, const struct scan_deletes *deletes,
                        struct arena *arena, struct engine_file *ret, corrie_error *err)
{
    size_t n = deletes->n_positions + deletes->n_equalities;
    size_t *items;

    ret->recorded = deletes->stored_path;
    if (n == 0) {
        return 0;
    }
    items = arena_array(arena, size_t, n);
    if (!items) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        const struct data_file *file = i < deletes->n_positions
                                           ? deletes->positions[i]
                                           : deletes->equalities[i - deletes->n_positions];

        items[i] = (size_t)(file - scan->delete_files);
    }
    qsort(items, n, sizeof *items, by_number);
    ret->deletes = items;
    ret->n_deletes = n;
    return 0;
}

/* ---- NaN ---- */

/* What a file's counts say of the float and double columns of a schema. */
struct nan_counts {
    bool unknown; /* of some column */
    bool none;    /* of some column: it has no NaN */
    bool some;    /* of some column: it has */
};

static void count_nans(const struct field *fields, size_t n, const struct data_file *file,
                       struct nan_counts *counts)
{
    for (size_t i = 0; i < n; i++) {
        const struct type *type = &fields[i].type;

        if (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) {
            const struct column_metrics *column = data_file_column(file, fields[i].id);
            int64_t nans = column ? column->nan_count : FILE_UNKNOWN;

            counts->unknown |= nans < 0;
            counts->none |= nans == 0;
            counts->some |= nans > 0;
        }
        count_nans(type->fields, type->n_fields, file, counts);
    }
}

/* Whether bounds in the file itself may leave a NaN out. Who counts NaNs counts those of each column, but of columns
 * in lists and of those that the file lacks: so one count says that its writer counts. */
static bool may_hide_nans(const struct schema *schema, const struct data_file *file)
{
    struct nan_counts counts = {0};

    count_nans(schema->fields, schema->n_fields, file, &counts);
    return counts.some || (counts.unknown && !counts.none);
}

/* ---- a table ---- */

static int read_files(const struct table_metadata *metadata, const struct schema *schema,
                      const struct scan *scan, struct arena *arena, struct engine_table *ret,
                      corrie_error *err)
{
    struct engine_file *files = arena_array(arena, struct engine_file, scan->n_files + 1);
    struct engine_delete *deletes =
        arena_array(arena, struct engine_delete, scan->n_delete_files + 1);
    int r = files && deletes ? 0 : corrie_fail_memory(err);

    for (size_t i = 0; r == 0 && i < scan->n_files; i++) {
        const struct data_file *file = &scan->files[i];

        files[i] = (struct engine_file){.path = lake_local_path(file->path),
                                        .rows = file->record_count,
                                        .bytes = file->bytes,
                                        .hides_nans = may_hide_nans(schema, file)};
        r = check_format(file, err);
        r = r < 0 ? r : location_check_local(file->path, err);
        if (r == 0) {
            r = read_constants(metadata, file, arena, &files[i], err);
        }
        if (r == 0 && scan->deletes) {
            r = read_applied(scan, &scan->deletes[i], arena, &files[i], err);
        }
    }
    for (size_t i = 0; r == 0 && i < scan->n_delete_files; i++) {
        r = read_delete(metadata, schema, &scan->delete_files[i], arena, &deletes[i], err);
    }
    ret->files = files;
    ret->n_files = scan->n_files;
    ret->deletes = deletes;
    ret->n_deletes = scan->n_delete_files;
    return r;
}

int lake_read_files(const struct lake_table *table, const struct table_metadata *metadata,
                    const struct schema *schema, const struct scan *scan, struct arena *arena,
                    struct engine_table *ret, corrie_error *err)
{
    struct engine_table made = {.name_space = table->ns, .name = table->name, .schema = schema};
    int r = read_files(metadata, schema, scan, arena, &made, err);

    if (r == 0) {
        r = lake_read_names(metadata, arena, &made, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "read table %.*s.%.*s", STR_FMT(table->ns), STR_FMT(table->name));
    }
    *ret = made;
    return 0;
}

/* Others may have removed what an older version of their table had. */
static void hint_source(const struct lake_table *table, corrie_error *err)
{
    if (table->source.len > 0) {
        corrie_hint(err, "the table is external, its files are others' to keep: corrie table "
                         "create-external --overwrite takes what it is now");
    }
}

int lake_read_plan(struct lake *lake, const struct lake_table *table,
                   const struct table_metadata *metadata, const struct snapshot *snapshot,
                   const struct predicate *predicates, size_t n_predicates, struct arena *arena,
                   struct scan *ret, corrie_error *err)
{
    struct table_io io = lake_table_io(lake, table, metadata);
    int r = scan_plan(&io, metadata, snapshot, predicates, n_predicates, arena, ret, err);

    if (r == CORRIE_E_NOT_FOUND) {
        err->code = CORRIE_E_CORRUPT; /* the snapshot names it, so it was there */
        hint_source(table, err);
    }
    return r < 0
               ? corrie_wrap(err, "read table %.*s.%.*s", STR_FMT(table->ns), STR_FMT(table->name))
               : 0;
}

int lake_read_table(struct lake *lake, const struct lake_table *table,
                    const struct table_metadata *metadata, struct arena *arena,
                    struct engine_table *ret, corrie_error *err)
{
    struct scan scan;
    int r = lake_read_plan(lake, table, metadata, NULL, NULL, 0, arena, &scan, err);

    return r < 0 ? r
                 : lake_read_files(table, metadata, metadata_schema(metadata), &scan, arena, ret,
                                   err);
}

/* The path, unless the file lies below the root. */
static int add_outside(struct str root, struct str path, struct arena *arena, struct str *paths,
                       size_t *n, corrie_error *err)
{
    bool inside = path.len > root.len && path.data[root.len] == '/' &&
                  str_eq(root, (struct str){path.data, root.len});

    if (inside) {
        return 0;
    }
    return arena_str(arena, path, &paths[(*n)++]) < 0 ? corrie_fail_memory(err) : 0;
}

int lake_read_outside(const struct lake *lake, const struct engine_table *read, struct arena *arena,
                      struct str **ret, size_t *ret_n, corrie_error *err)
{
    struct str *paths = arena_array(arena, struct str, read->n_files + read->n_deletes + 1);
    size_t n = 0;
    int r = paths ? 0 : corrie_fail_memory(err);

    for (size_t i = 0; r >= 0 && i < read->n_files; i++) {
        r = add_outside(lake_root(lake), read->files[i].path, arena, paths, &n, err);
    }
    for (size_t i = 0; r >= 0 && i < read->n_deletes; i++) {
        r = add_outside(lake_root(lake), read->deletes[i].path, arena, paths, &n, err);
    }
    if (r < 0) {
        return r;
    }
    *ret = paths;
    *ret_n = n;
    return 0;
}

int lake_table_outside(const struct lake_view *view, const struct lake_table *table,
                       struct arena *arena, struct str **ret, size_t *ret_n, corrie_error *err)
{
    _cleanup_(arena_done) struct arena scratch = {0};
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct engine_table read;
    int r;

    r = lake_table_metadata(view->lake, table, &metadata, err);
    if (r >= 0) {
        r = lake_read_table(view->lake, table, metadata, &scratch, &read, err);
    }
    return r < 0 ? r : lake_read_outside(view->lake, &read, arena, ret, ret_n, err);
}

int lake_table_define(const struct lake_view *view, const struct lake_table *table,
                      struct engine *engine, const struct str *columns, size_t n_columns,
                      struct str filter, corrie_error *err)
{
    _cleanup_(arena_done) struct arena arena = {0};
    _cleanup_(metadata_freep) struct table_metadata *metadata = NULL;
    struct engine_table defined;
    int r;

    r = lake_table_metadata(view->lake, table, &metadata, err);
    if (r < 0) {
        return r;
    }
    r = lake_read_table(view->lake, table, metadata, &arena, &defined, err);
    if (r < 0) {
        return r;
    }
    defined.columns = columns;
    defined.n_columns = n_columns;
    defined.filter = filter;
    return engine_define_files(engine, &defined, err);
}
