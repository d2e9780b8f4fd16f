/* insert.c — INSERT: rows of a query, column for column. */
#include "dml/dml_priv.h"

#define NO_COLUMN SIZE_MAX

/* [WITH …] SELECT * FROM (query) */
static void compose_rows(struct compose *sql, const struct dml *dml)
{
    compose_with(sql, dml);
    compose_text(sql, "SELECT * FROM (");
    compose_piece(sql, dml, dml->statement.query);
    compose_text(sql, ")");
}

/* Which column of the rows each column of the table takes: NO_COLUMN for none. */
static int map_by_name(struct dml *dml, const struct schema *schema, const struct schema *rows,
                       size_t *from, corrie_error *err)
{
    for (size_t i = 0; i < rows->n_fields; i++) {
        struct sql_name name = {.text = rows->fields[i].name,
                                .offset = statement_offset(dml->source, dml->statement.query),
                                .length = 1};
        size_t column;
        int r = dml_find_column(dml, schema, &name, &column, err);

        if (r < 0) {
            return corrie_wrap(err, "INSERT … BY NAME");
        }
        if (from[column] != NO_COLUMN) {
            return corrie_fail(err, CORRIE_E_PROJECT, "INSERT … BY NAME: the rows have %.*s twice",
                               STR_FMT(rows->fields[i].name));
        }
        from[column] = i;
    }
    return 0;
}

static int map_by_position(struct dml *dml, const struct schema *schema, const struct schema *rows,
                           size_t *from, corrie_error *err)
{
    const struct statement *s = &dml->statement;
    size_t n = s->n_columns > 0 ? s->n_columns : schema->n_fields;

    if (rows->n_fields != n) {
        corrie_fail(err, CORRIE_E_PROJECT, "INSERT: %zu column%s %s wanted and the rows have %zu",
                    n, n == 1 ? "" : "s", n == 1 ? "is" : "are", rows->n_fields);
        if (s->n_columns == 0) {
            corrie_hint(err,
                        "name the columns: INSERT INTO %.*s (a, b) …, or write INSERT INTO "
                        "%.*s BY NAME …",
                        STR_FMT(s->table.name.text), STR_FMT(s->table.name.text));
        }
        return corrie_error_at_offset(err, dml->file, dml->source,
                                      statement_offset(dml->source, s->query), 1);
    }
    for (size_t i = 0; i < n; i++) {
        size_t column = i;
        int r = s->n_columns > 0 ? dml_find_column(dml, schema, &s->columns[i], &column, err) : 0;

        if (r < 0) {
            return r;
        }
        if (from[column] != NO_COLUMN) {
            corrie_fail(err, CORRIE_E_PROJECT, "the column %.*s is named twice",
                        STR_FMT(s->columns[i].text));
            return dml_at(dml, &s->columns[i], err);
        }
        from[column] = i;
    }
    return 0;
}

static int map_columns(struct dml *dml, const struct schema *schema, const struct schema *rows,
                       size_t **ret, corrie_error *err)
{
    size_t *from = arena_array(&dml->arena, size_t, schema->n_fields);
    int r;

    if (!from) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < schema->n_fields; i++) {
        from[i] = NO_COLUMN;
    }
    r = dml->statement.by_name ? map_by_name(dml, schema, rows, from, err)
                               : map_by_position(dml, schema, rows, from, err);
    for (size_t i = 0; r >= 0 && i < schema->n_fields; i++) {
        if (from[i] == NO_COLUMN && schema->fields[i].required) {
            corrie_fail(err, CORRIE_E_DATA,
                        "INSERT gives no value for column %.*s, which must not be null",
                        STR_FMT(schema->fields[i].name));
            r = dml_at(dml, &dml->statement.table.name, err);
        }
    }
    *ret = from;
    return r;
}

/* Column number `at` of the rows: called as the column that it goes to, since messages name it; as none of a person's where
 * DuckDB would take two such names for one. */
static void compose_source(struct compose *sql, const struct schema *schema, const size_t *from,
                           size_t at)
{
    size_t to = 0;
    size_t same = 0;

    while (to < schema->n_fields && from[to] != at) {
        to++;
    }
    for (size_t i = 0; to < schema->n_fields && i < schema->n_fields; i++) {
        same += str_eq_nocase(schema->fields[i].name, schema->fields[to].name);
    }
    if (same == 1) {
        buf_add_sql_name(&sql->text, schema->fields[to].name);
    } else {
        compose_format(sql, "\"corrie.%zu\"", at);
    }
}

/* SELECT of the table's columns, in its order and types. */
static void compose_select(struct compose *sql, const struct dml *dml, const struct schema *schema,
                           size_t n_rows, const size_t *from)
{
    compose_with(sql, dml);
    compose_text(sql, "SELECT ");
    for (size_t i = 0; i < schema->n_fields; i++) {
        compose_text(sql, i == 0 ? "CAST(" : ", CAST(");
        if (from[i] == NO_COLUMN) {
            compose_text(sql, "NULL");
        } else {
            compose_source(sql, schema, from, from[i]);
        }
        compose_text(sql, " AS ");
        type_print_sql(&schema->fields[i].type, &sql->text);
        compose_text(sql, ")");
    }
    compose_text(sql, " FROM (");
    compose_piece(sql, dml, dml->statement.query);
    compose_text(sql, ") AS \"corrie.rows\"(");
    for (size_t i = 0; i < n_rows; i++) {
        compose_text(sql, i == 0 ? "" : ", ");
        compose_source(sql, schema, from, i);
    }
    compose_text(sql, ")");
}

/* ---- writing ---- */

static int count_rows(struct dml *dml, struct str select, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    struct dml_numbers numbers;
    int r;

    compose_text(&sql, "SELECT count(*) FROM (");
    buf_add_str(&sql.text, select);
    compose_text(&sql, ")");
    r = dml_numbers(dml, &sql, 1, &numbers, err);
    if (r >= 0) {
        dml->report.inserted = numbers.values[0];
    }
    return r;
}

static void take_written(struct dml *dml, const struct lake_written *written)
{
    dml->report.inserted = written->rows;
    dml->report.files_added = (int64_t)written->selects[0].n_paths;
}

/* Rows in the place of all that there are: for a table that has no partitions. */
static int overwrite_all(struct dml *dml, struct lake_target *target, struct str select,
                         corrie_error *err)
{
    struct lake_rewrite rewrite = {.target = target,
                                   .remove_deletes = true,
                                   .whole = true,
                                   .engine = dml_engine(dml),
                                   .selects = &select,
                                   .n_selects = 1};
    struct lake_written written;
    size_t *removed;
    int r = lake_target_scan(dml->tx, target, NULL, 0, &dml->arena, err);

    if (r < 0) {
        return r;
    }
    removed = arena_array(&dml->arena, size_t, target->scan.n_files);
    if (!removed) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < target->scan.n_files; i++) {
        removed[i] = i;
    }
    rewrite.removed = removed;
    rewrite.n_removed = target->scan.n_files;
    dml->report.deleted = target->scan.records;
    dml->report.files_removed = (int64_t)target->scan.n_files;
    dml->report.files_dropped = dml->report.files_removed;
    r = lake_tx_rewrite(dml->tx, &rewrite, &dml->arena, &written, err);
    if (r >= 0) {
        r = lake_tx_ledger_clear(dml->tx, &target->table.id, err);
    }
    if (r >= 0) {
        take_written(dml, &written);
    }
    return r;
}

static int write_rows(struct dml *dml, struct lake_target *target, struct str select,
                      corrie_error *err)
{
    struct lake_write write = {.ns = target->table.ns,
                               .name = target->table.name,
                               .mode = LAKE_APPEND,
                               .engine = dml_engine(dml),
                               .selects = &select,
                               .n_selects = 1};
    struct lake_written written;
    int r;

    if (dml->options->dry_run) {
        return count_rows(dml, select, err);
    }
    if (dml->statement.overwrite) {
        if (metadata_spec(target->metadata)->n_fields == 0) {
            return overwrite_all(dml, target, select, err);
        }
        write.mode = LAKE_OVERWRITE_PARTITIONS;
    }
    r = lake_tx_write(dml->tx, &write, &dml->arena, &written, err);
    if (r >= 0) {
        take_written(dml, &written);
        dml->report.deleted = written.removed_rows;
    }
    return r;
}

int dml_insert(struct dml *dml, corrie_error *err)
{
    _cleanup_(lake_target_done) struct lake_target target = {0};
    _cleanup_(compose_done) struct compose rows = {0};
    _cleanup_(compose_done) struct compose select = {0};
    const struct schema *schema;
    struct schema given;
    size_t *from = NULL;
    int r;

    r = dml_open_target(dml, &target, err);
    if (r < 0) {
        return r;
    }
    schema = metadata_schema(target.metadata);
    compose_rows(&rows, dml);
    r = dml_read_tables(dml, &rows, &dml->statement.table, NULL, err);
    if (r < 0 || (r = dml_columns(dml, &rows, &given, err)) < 0 ||
        (r = map_columns(dml, schema, &given, &from, err)) < 0) {
        return r;
    }
    compose_select(&select, dml, schema, given.n_fields, from);
    r = dml_columns(dml, &select, &given, err);
    if (r >= 0) {
        r = write_rows(dml, &target, buf_str(&select.text), err);
        r = r < 0 ? compose_place(&select, dml, err) : r;
    }
    return r;
}
