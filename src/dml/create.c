/* create.c — tables and namespaces come and go. */
#include "dml/dml_priv.h"
#include "lake/alter.h"
#include "lang/name.h"
#include "lang/partition.h"

/* ---- what the table will be ---- */

static int defined_schema(struct dml *dml, struct schema *ret, corrie_error *err)
{
    const struct statement *s = &dml->statement;
    struct field *fields = arena_array(&dml->arena, struct field, s->n_definitions);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < s->n_definitions; i++) {
        const struct sql_column *column = &s->definitions[i];
        int r;

        fields[i] = (struct field){
            .name = column->name.text, .required = column->required, .doc = column->comment};
        r = name_check_column(column->name.text, err);
        if (r < 0) {
            err->code = CORRIE_E_PROJECT;
            return dml_at(dml, &column->name, err);
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(fields[k].name, fields[i].name)) {
                corrie_fail(err, CORRIE_E_PROJECT, "the column %.*s is there twice",
                            STR_FMT(column->name.text));
                return dml_at(dml, &column->name, err);
            }
        }
        r = type_from_sql(column->type, column->name.text, &dml->arena, &fields[i].type, err);
        if (r < 0) {
            return corrie_error_at_offset(err, dml->file, dml->source,
                                          statement_offset(dml->source, column->type),
                                          column->type.len);
        }
    }
    *ret = (struct schema){.fields = fields, .n_fields = s->n_definitions};
    return 0;
}

/* The columns of the query. */
static int selected_schema(struct dml *dml, const struct compose *sql, struct schema *ret,
                           corrie_error *err)
{
    struct schema columns;
    int r = dml_read_tables(dml, sql, &dml->statement.table, NULL, err);

    if (r >= 0) {
        r = dml_columns(dml, sql, &columns, err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < columns.n_fields; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(columns.fields[k].name, columns.fields[i].name)) {
                corrie_fail(err, CORRIE_E_PROJECT, "the query gives two columns called %.*s",
                            STR_FMT(columns.fields[i].name));
                corrie_hint(err, "give one another name: … AS other");
                return corrie_error_at_offset(err, dml->file, dml->source,
                                              statement_offset(dml->source, dml->statement.query),
                                              1);
            }
        }
    }
    *ret = columns;
    return 0;
}

static int partition_terms(struct dml *dml, const struct schema *schema, struct lake_write *write,
                           corrie_error *err)
{
    struct str text = dml->statement.partitioned_by;
    struct partition_by_term *terms;
    int r;

    if (text.len == 0) {
        return 0;
    }
    r = partition_parse(text, &dml->arena, &terms, &write->n_partition_by, err);
    if (r < 0) {
        size_t column = err->position.column > 0 ? (size_t)err->position.column - 1 : 0;

        return corrie_error_at_offset(err, dml->file, dml->source,
                                      statement_offset(dml->source, text) + column, 1);
    }
    for (size_t i = 0; i < write->n_partition_by; i++) {
        const struct field *field;

        r = dml_find_source(dml, schema, &terms[i], text, &field, err);
        if (r < 0) {
            return r;
        }
    }
    write->partitioning = LAKE_PARTITION_SET;
    write->partition_by = terms;
    return 0;
}

static int properties(struct dml *dml, struct lake_write *write, corrie_error *err)
{
    size_t n = dml->statement.n_properties;
    struct property *all = arena_array(&dml->arena, struct property, n);

    if (!all) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        all[i] = (struct property){.key = dml->statement.properties[i].key,
                                   .value = dml->statement.properties[i].value};
    }
    write->properties = all;
    write->n_properties = n;
    return 0;
}

/* ---- CREATE TABLE ---- */

/* 1: go on; 0: it is there, and that is fine. */
static int check_existing(struct dml *dml, struct str ns, struct lake_table *ret, bool *ret_exists,
                          corrie_error *err)
{
    const struct statement *s = &dml->statement;
    struct lake_view view = lake_tx_view(dml->tx);
    int r = lake_table_find(&view, ns, s->table.name.text, &dml->arena, ret, err);

    if (r < 0) {
        return r;
    }
    *ret_exists = r > 0;
    if (r == 0 || s->or_replace) {
        return 1;
    }
    if (s->if_not_exists) {
        dml->report.note = "the table is there already";
        return 0;
    }
    corrie_fail(err, CORRIE_E_EXISTS, "there is a table %.*s.%.*s", STR_FMT(ns),
                STR_FMT(s->table.name.text));
    corrie_hint(err, "CREATE OR REPLACE TABLE makes it anew, CREATE TABLE IF NOT EXISTS leaves it");
    return dml_at(dml, &s->table.name, err);
}

static int make_namespace(struct dml *dml, struct str ns, corrie_error *err)
{
    int r = lake_tx_namespace(dml->tx, ns, err);

    if (r > 0) {
        lake_notice(dml->lake, "created namespace %.*s", STR_FMT(ns));
    }
    return r;
}

static int write_table(struct dml *dml, struct lake_write *write, bool exists,
                       const struct lake_table *before, corrie_error *err)
{
    struct lake_written written;
    int r;

    write->mode = exists || write->n_selects > 0 ? LAKE_REPLACE : LAKE_CREATE;
    r = make_namespace(dml, write->ns, err);
    if (r >= 0) {
        r = lake_tx_write(dml->tx, write, &dml->arena, &written, err);
    }
    if (r >= 0 && exists) {
        r = lake_tx_ledger_clear(dml->tx, &before->id, err);
    }
    if (r < 0) {
        return r;
    }
    dml->report.deleted = exists ? before->records : 0;
    dml->report.files_removed = exists ? before->files : 0;
    dml->report.files_dropped = dml->report.files_removed;
    dml->report.inserted = written.rows;
    dml->report.files_added = write->n_selects > 0 ? (int64_t)written.selects[0].n_paths : 0;
    return 0;
}

int dml_create(struct dml *dml, corrie_error *err)
{
    _cleanup_(compose_done) struct compose sql = {0};
    const struct statement *s = &dml->statement;
    struct lake_write write = {
        .ns = dml_namespace(dml, &s->table), .name = s->table.name.text, .engine = dml_engine(dml)};
    struct lake_table before;
    struct schema schema;
    struct str select;
    bool exists = false;
    int r;

    r = name_check_table(write.name, err);
    if (r < 0) {
        return dml_at(dml, &s->table.name, err);
    }
    r = check_existing(dml, write.ns, &before, &exists, err);
    if (r <= 0) {
        return r;
    }
    if (s->query.len > 0) {
        compose_piece(&sql, dml, s->query);
        r = selected_schema(dml, &sql, &schema, err);
        select = buf_str(&sql.text);
        write.selects = &select;
        write.n_selects = 1;
    } else {
        r = defined_schema(dml, &schema, err);
    }
    if (r < 0 || (r = partition_terms(dml, &schema, &write, err)) < 0 ||
        (r = properties(dml, &write, err)) < 0) {
        return r;
    }
    if (s->or_replace && write.partitioning == LAKE_PARTITION_KEEP) {
        write.partitioning = LAKE_PARTITION_SET; /* it is what the statement says */
    }
    write.schema = &schema;
    if (dml->options->dry_run) {
        dml->report.note = exists ? "the table would be replaced" : "the table would be made";
        return 0;
    }
    r = write_table(dml, &write, exists, &before, err);
    return r < 0 ? compose_place(&sql, dml, err) : 0;
}

/* ---- DROP ---- */

int dml_drop(struct dml *dml, corrie_error *err)
{
    const struct statement *s = &dml->statement;
    struct lake_view view = lake_tx_view(dml->tx);
    struct str ns = dml_namespace(dml, &s->table);
    struct lake_table table;
    int r = lake_table_find(&view, ns, s->table.name.text, &dml->arena, &table, err);

    if (r == 0 && s->if_exists) {
        dml->report.note = "there is no such table";
        return 0;
    }
    if (r >= 0) {
        r = lake_tx_drop(dml->tx, ns, s->table.name.text, &dml->arena, &table, err);
    }
    if (r < 0) {
        return dml_at(dml, &s->table.name, err);
    }
    dml->report.deleted = table.records;
    dml->report.files_removed = table.files;
    dml->report.files_dropped = table.files;
    return 0;
}

int dml_namespaces(struct dml *dml, corrie_error *err)
{
    const struct statement *s = &dml->statement;
    const struct sql_name *ns = &s->table.ns;
    struct lake_view view = lake_tx_view(dml->tx);
    int r = lake_has_namespace(&view, ns->text, err);

    if (s->kind == STATEMENT_CREATE_NAMESPACE) {
        if (r > 0 && !s->if_not_exists) {
            corrie_fail(err, CORRIE_E_EXISTS, "there is a namespace %.*s", STR_FMT(ns->text));
            return dml_at(dml, ns, err);
        }
        dml->report.note = r > 0 ? "the namespace is there already" : NULL;
        r = r < 0 ? r : lake_tx_namespace(dml->tx, ns->text, err);
    } else if (r == 0 && s->if_exists) {
        dml->report.note = "there is no such namespace";
    } else if (r >= 0) {
        r = lake_tx_drop_namespace(dml->tx, ns->text, err);
    }
    return r < 0 ? dml_at(dml, ns, err) : 0;
}
