/* tables.c — the tables that a statement reads and the one that it changes. */
#include "arrow/table.h"
#include "dml/dml_priv.h"

struct str dml_namespace(const struct dml *dml, const struct sql_table *table)
{
    return table->ns.text.len > 0 ? table->ns.text : dml->ns;
}

int dml_open_target(struct dml *dml, struct lake_target *ret, corrie_error *err)
{
    const struct sql_table *table = &dml->statement.table;
    int r = lake_target_open(dml->tx, dml_namespace(dml, table), table->name.text, &dml->arena, ret,
                             err);

    return r < 0 ? dml_at(dml, &table->name, err) : 0;
}

/* ---- tables that are read ---- */

/* Names that DuckDB answers itself, if the lake has no such table. */
static bool is_builtin(const struct engine_table_ref *table)
{
    return str_eq_nocase(table->schema, STR("information_schema")) ||
           str_eq_nocase(table->schema, STR("pg_catalog")) ||
           (table->schema.len == 0 &&
            (str_starts(table->name, STR("duckdb_")) || str_starts(table->name, STR("pg_"))));
}

static bool is_ours(const struct engine_table_ref *named)
{
    return str_eq(named->schema, STR(DML_SPACE));
}

/* Whether it has been read for this statement already. */
static bool is_known(const struct dml *dml, struct str ns, struct str name)
{
    for (size_t i = 0; i < dml->tables.count; i++) {
        if (str_eq(dml->tables.items[i].table.ns, ns) &&
            str_eq(dml->tables.items[i].table.name, name)) {
            return true;
        }
    }
    return false;
}

static int read_table(struct dml *dml, const struct compose *sql,
                      const struct engine_table_ref *named, const struct sql_table *target,
                      corrie_error *err)
{
    struct lake_view view = lake_tx_view(dml->tx);
    struct str ns = named->schema.len > 0 ? named->schema : dml->ns;
    struct dml_table read = {0};
    int r = 1;

    if (named->is_file || is_ours(named) || is_known(dml, ns, named->name)) {
        return 0;
    }
    if (is_builtin(named)) {
        r = lake_table_find(&view, ns, named->name, &dml->arena, &read.table, err);
    }
    if (r > 0) {
        r = lake_table_get(&view, ns, named->name, &dml->arena, &read.table, err);
        if (r == CORRIE_E_NOT_FOUND) {
            corrie_error_at_offset(err, NULL, buf_str(&sql->text), named->offset, named->name.len);
            return compose_place(sql, dml, err);
        }
        r = r < 0 ? r : 1;
    }
    if (r <= 0) {
        return r;
    }
    r = lake_table_metadata(dml->lake, &read.table, &read.metadata, err);
    if (r >= 0 && vec_push(&dml->tables, read) < 0) {
        metadata_free(read.metadata);
        r = corrie_fail_memory(err);
    }
    if (r >= 0 && target) {
        r = lake_table_define(&view, &read.table, dml_engine(dml), NULL, 0, STR_EMPTY, err);
    }
    if (r >= 0 && target) {
        r = lake_tx_read(dml->tx, dml_namespace(dml, target), target->name.text, &read.table,
                         STR_EMPTY, err);
    }
    return r;
}

int dml_read_tables(struct dml *dml, const struct compose *sql, const struct sql_table *target,
                    bool *ret_volatile, corrie_error *err)
{
    struct engine_statement statement;
    int r;

    r = compose_check(sql, err);
    if (r < 0) {
        return r;
    }
    r = engine_inspect(dml_engine(dml), buf_str(&sql->text), dml->file, &dml->arena, &statement,
                       err);
    if (r < 0) {
        return compose_place(sql, dml, err);
    }
    for (size_t i = 0; r >= 0 && i < statement.n_tables; i++) {
        r = read_table(dml, sql, &statement.tables[i], target, err);
    }
    if (r >= 0 && ret_volatile) {
        *ret_volatile = statement.volatile_;
    }
    return r;
}

/* ---- binding ---- */

/* The table's columns, and where rows stand. */
static int positioned_schema(struct dml *dml, const struct lake_target *target, struct schema *ret,
                             corrie_error *err)
{
    const struct schema *schema = metadata_schema(target->metadata);
    struct field *fields = arena_array(&dml->arena, struct field, schema->n_fields + 2);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        if (str_eq_nocase(str_slice(schema->fields[i].name, 0, 7), STR("corrie."))) {
            corrie_fail(err, CORRIE_E_UNSUPPORTED,
                        "rows of %.*s cannot be changed: its column %.*s has a name that corrie "
                        "needs for itself",
                        STR_FMT(target->table.name), STR_FMT(schema->fields[i].name));
            return corrie_hint(err,
                               "ALTER TABLE … RENAME COLUMN \"%.*s\" TO another name, and back "
                               "when it is done",
                               STR_FMT(schema->fields[i].name));
        }
    }
    memcpy(fields, schema->fields, schema->n_fields * sizeof *fields);
    fields[schema->n_fields] =
        (struct field){.name = STR(ENGINE_FILE_COLUMN), .type = {.kind = TYPE_LONG}};
    fields[schema->n_fields + 1] =
        (struct field){.name = STR(ENGINE_ROW_COLUMN), .type = {.kind = TYPE_LONG}};
    *ret = *schema;
    ret->fields = fields;
    ret->n_fields = schema->n_fields + 2;
    return 0;
}

int dml_bind(struct dml *dml, const struct compose *sql, const struct lake_target *target,
             struct engine_binding *ret, corrie_error *err)
{
    size_t n = dml->tables.count + (target ? 1 : 0);
    struct engine_bind_table *tables = arena_array(&dml->arena, struct engine_bind_table, n);
    struct schema schema;
    int r;

    if (!tables) {
        return corrie_fail_memory(err);
    }
    r = compose_check(sql, err);
    for (size_t i = 0; i < dml->tables.count; i++) {
        const struct dml_table *read = &dml->tables.items[i];

        tables[i] = (struct engine_bind_table){.name_space = read->table.ns,
                                               .name = read->table.name,
                                               .schema = metadata_schema(read->metadata)};
    }
    if (r >= 0 && target) {
        r = positioned_schema(dml, target, &schema, err);
        tables[n - 1] = (struct engine_bind_table){
            .name_space = STR(DML_SPACE), .name = STR("target"), .schema = &schema};
    }
    if (r < 0) {
        return r;
    }
    r = engine_bind(dml_engine(dml), buf_str(&sql->text), dml->file, dml->ns, tables, n,
                    &dml->arena, ret, err);
    return r < 0 ? compose_place(sql, dml, err) : 0;
}

int dml_columns(struct dml *dml, const struct compose *sql, struct schema *ret, corrie_error *err)
{
    int r = compose_check(sql, err);

    if (r < 0) {
        return r;
    }
    r = engine_columns(dml_engine(dml), buf_str(&sql->text), dml->file, &dml->arena, ret, err);
    return r < 0 ? compose_place(sql, dml, err) : 0;
}

int dml_target_scans(struct dml *dml, const struct engine_binding *binding,
                     const struct dml_keys *keys, struct engine_scan **ret, size_t *ret_n,
                     corrie_error *err)
{
    struct engine_scan *scans = arena_array(&dml->arena, struct engine_scan, binding->n_scans);
    size_t n_keys = keys ? keys->n_filters : 0;
    size_t n = 0;

    if (!scans) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < binding->n_scans; i++) {
        struct engine_scan *scan = &scans[n];

        if (binding->scans[i].table != dml->tables.count) { /* the target was bound last */
            continue;
        }
        *scan = binding->scans[i];
        if (n_keys > 0) {
            scan->filters =
                arena_array(&dml->arena, struct engine_scan_filter, scan->n_filters + n_keys);
            if (!scan->filters) {
                return corrie_fail_memory(err);
            }
            memcpy(scan->filters, keys->filters, n_keys * sizeof *scan->filters);
            if (scan->n_filters > 0) {
                memcpy(scan->filters + n_keys, binding->scans[i].filters,
                       scan->n_filters * sizeof *scan->filters);
            }
            scan->n_filters += n_keys;
        }
        n++;
    }
    *ret = scans;
    *ret_n = n;
    return 0;
}

int dml_find_candidates(struct dml *dml, struct lake_target *target,
                        const struct engine_binding *binding, const struct dml_keys *keys,
                        corrie_error *err)
{
    struct engine_scan *scans;
    size_t n;
    int r = dml_target_scans(dml, binding, keys, &scans, &n, err);

    if (r < 0 || (r = lake_target_scan(dml->tx, target, scans, n, &dml->arena, err)) < 0) {
        return r;
    }
    if (keys && keys->none) {
        target->scan.n_pruned += target->scan.n_files;
        target->scan.n_files = 0;
    }
    dml->report.files_read = (int64_t)target->scan.n_files;
    dml->report.files_pruned = (int64_t)target->scan.n_pruned;
    return 0;
}

int dml_define_candidates(struct dml *dml, struct lake_target *target,
                          const struct engine_binding *binding, const struct dml_keys *keys,
                          corrie_error *err)
{
    int r = dml_find_candidates(dml, target, binding, keys, err);

    return r < 0 ? r
                 : lake_target_define(target, dml_engine(dml), STR(DML_SPACE), STR("target"), NULL,
                                      0, err);
}

/* ---- small results ---- */

static bool is_null(const struct ArrowArray *column, size_t at)
{
    const uint8_t *valid = column->buffers[0];

    return valid && !(valid[at / 8] & (1U << (at % 8)));
}

typedef int (*take_fn)(void *arg, const struct ArrowArray *column, size_t at, corrie_error *err);

/* Calls `take` for each value, row by row. */
static int each_value(struct dml *dml, const struct compose *sql, size_t columns, take_fn take,
                      void *arg, corrie_error *err)
{
    _cleanup_(arrow_stream_done) struct ArrowArrayStream rows = {0};
    int r;

    r = compose_check(sql, err);
    if (r >= 0) {
        r = engine_query(dml_engine(dml), buf_str(&sql->text), dml->file, &rows, err);
    }
    while (r >= 0) {
        _cleanup_(arrow_array_done) struct ArrowArray batch = {0};

        if (rows.get_next(&rows, &batch) != 0) {
            r = engine_stream_error(&rows, err);
            break;
        }
        if (!batch.release) {
            break;
        }
        for (size_t i = 0; r >= 0 && i < (size_t)batch.length * columns; i++) {
            const struct ArrowArray *column = batch.children[i % columns];

            r = take(arg, column, (size_t)(column->offset + batch.offset) + i / columns, err);
        }
    }
    return r < 0 ? compose_place(sql, dml, err) : 0;
}

struct numbers {
    VEC(int64_t) values;
};

static int take_number(void *arg, const struct ArrowArray *column, size_t at, corrie_error *err)
{
    struct numbers *numbers = arg;
    int64_t value = is_null(column, at) ? -1 : ((const int64_t *)column->buffers[1])[at];

    return vec_push(&numbers->values, value) < 0 ? corrie_fail_memory(err) : 0;
}

int dml_numbers(struct dml *dml, const struct compose *sql, size_t columns, struct dml_numbers *ret,
                corrie_error *err)
{
    struct numbers numbers = {0};
    size_t n;
    int r = each_value(dml, sql, columns, take_number, &numbers, err);

    n = numbers.values.count;
    if (r >= 0) {
        ret->rows = n / columns;
        ret->values = arena_array(&dml->arena, int64_t, n);
        if (!ret->values) {
            r = corrie_fail_memory(err);
        } else if (n > 0) {
            memcpy(ret->values, numbers.values.items, n * sizeof *ret->values);
        }
    }
    vec_done(&numbers.values);
    return r;
}

struct texts {
    struct arena *arena;
    VEC(struct str) values;
};

static int take_text(void *arg, const struct ArrowArray *column, size_t at, corrie_error *err)
{
    struct texts *texts = arg;
    struct str value = {0};

    if (!is_null(column, at)) {
        const int32_t *offsets = column->buffers[1];
        const char *bytes = column->buffers[2];
        struct str text = str_make(bytes + offsets[at], (size_t)(offsets[at + 1] - offsets[at]));

        if (arena_str(texts->arena, text, &value) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return vec_push(&texts->values, value) < 0 ? corrie_fail_memory(err) : 0;
}

int dml_texts(struct dml *dml, const struct compose *sql, size_t columns, struct dml_texts *ret,
              corrie_error *err)
{
    struct texts texts = {.arena = &dml->arena};
    size_t n;
    int r = each_value(dml, sql, columns, take_text, &texts, err);

    n = texts.values.count;
    if (r >= 0) {
        ret->rows = n / columns;
        ret->items = arena_array(&dml->arena, struct str, n);
        if (!ret->items) {
            r = corrie_fail_memory(err);
        } else if (n > 0) {
            memcpy(ret->items, texts.values.items, n * sizeof *ret->items);
        }
    }
    vec_done(&texts.values);
    return r;
}
