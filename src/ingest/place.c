/* place.c — Parquet files that become a table's where they are: import --in-place, external tables of files. */
#include "base/mem.h"
#include "ingest/ingest_priv.h"
#include "lake/adopt.h"

static int refuse(const struct ingest_file *file, const char *why, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "%.*s cannot be taken where it is: %s",
                STR_FMT(file->name), why);
    return corrie_hint(err, "import it without --in-place: its rows are copied then");
}

/* Readers of the table see the file as it is, without conversions of ours. */
static int check_column(const struct ingest_file *file, size_t at, const struct schema *target,
                        corrie_error *err)
{
    const struct field *field = &file->source.columns.fields[at];
    ptrdiff_t found = schema_index(target, field->name);
    _cleanup_(buf_done) struct buf plain = {0};
    _cleanup_(buf_done) struct buf why = {0};
    _cleanup_(buf_done) struct buf wanted = {0};

    type_print_sql(&field->type, &plain);
    if (!str_eq(buf_str(&plain), file->source.sql_types[at])) {
        buf_addf(&why, "column %.*s is %.*s, which tables do not have", STR_FMT(field->name),
                 STR_FMT(file->source.sql_types[at]));
    } else if (found < 0) {
        buf_addf(&why, "the table has no column %.*s", STR_FMT(field->name));
    } else if (!type_promotes(&field->type, &target->fields[found].type)) {
        type_print_sql(&target->fields[found].type, &wanted);
        buf_addf(&why, "column %.*s is %.*s, the table's is %s", STR_FMT(field->name),
                 STR_FMT(file->source.sql_types[at]), buf_text(&wanted));
    } else if (target->fields[found].required && !field->required) {
        buf_addf(&why, "column %.*s may be null, the table's may not", STR_FMT(field->name));
    } else {
        return 0;
    }
    return refuse(file, buf_text(&why), err);
}

static int check_file(const struct ingest_file *file, const struct schema *target,
                      corrie_error *err)
{
    const struct engine_source *source = &file->source;

    if (source->format != ENGINE_FORMAT_PARQUET || !str_eq(source->local, file->path)) {
        return refuse(file, "only plain Parquet files can be", err);
    }
    if (source->n_constants > 0) {
        return refuse(file, "keys of its folders are columns (--hive off: they are not)", err);
    }
    for (size_t i = 0; i < target->n_fields; i++) {
        if (target->fields[i].required &&
            schema_index(&source->columns, target->fields[i].name) < 0) {
            return refuse(file, "a column that may not be null is missing", err);
        }
    }
    for (size_t i = 0; i < source->columns.n_fields; i++) {
        int r = check_column(file, i, target, err);

        if (r < 0) {
            return r;
        }
    }
    return 0;
}

int import_adopt(struct import *import, struct lake_write *write, corrie_error *err)
{
    struct adopted_file *files = arena_array(&import->arena, struct adopted_file, import->n_files);
    struct schema target = import->schema;
    size_t n = 0;
    int r = 0;

    if (!files) {
        return corrie_fail_memory(err);
    }
    if (import->options->partitioned_by) {
        return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                           "files in place cannot be partitioned: they stay as they are");
    }
    if (import_adds(import) && !import->external) {
        write->schema = NULL;
        r = lake_tx_target(import->tx, write, &import->arena, &target, err);
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];

        if (!ingest_counts(file)) {
            continue;
        }
        r = check_file(file, &target, err);
        if (r < 0) {
            r = import_leave_out(import, file, err);
            continue;
        }
        files[n++] = (struct adopted_file){
            .path = file->path, .records = file->source.rows, .bytes = file->size};
    }
    if (r < 0 || (r = import_check_some(import, err)) < 0) {
        return r;
    }
    import->schema = target;
    write->schema = &import->schema;
    return lake_tx_adopt(import->tx, write, files, n, import->external, &import->arena,
                         &import->written, err);
}
