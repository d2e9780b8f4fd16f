/* place.c — Parquet files that become a table's where they are: import --in-place, external tables of files. */
#include "arrow/scalar.h"
#include "base/mem.h"
#include "ingest/ingest_priv.h"
#include "lake/adopt.h"

static int refuse(const struct ingest_file *file, const char *why, corrie_error *err)
{
    corrie_fail(err, CORRIE_E_UNSUPPORTED, "%.*s cannot be taken where it is: %s",
                STR_FMT(file->name), why);
    return corrie_hint(err, "import it without --in-place: its rows are copied then");
}

/* Whether two texts say one type: DuckDB quotes names in structs where it must, and we always. */
static bool same_type(struct str a, struct str b)
{
    size_t i = 0;

    for (size_t k = 0; k < b.len; k++) {
        if (b.data[k] == '"') {
            continue;
        }
        while (i < a.len && a.data[i] == '"') {
            i++;
        }
        if (i == a.len || a.data[i++] != b.data[k]) {
            return false;
        }
    }
    while (i < a.len && a.data[i] == '"') {
        i++;
    }
    return i == a.len;
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
    if (!same_type(buf_str(&plain), file->source.sql_types[at])) {
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

/* Whether the file or its folder gives the column. */
static bool has_column(const struct ingest_file *file, struct str name)
{
    for (size_t i = 0; i < file->n_keys; i++) {
        if (str_eq_nocase(file->keys[i].name, name)) {
            return true;
        }
    }
    return schema_index(&file->source.columns, name) >= 0;
}

static int check_file(const struct ingest_file *file, const struct schema *target,
                      corrie_error *err)
{
    const struct engine_source *source = &file->source;

    if (source->format != ENGINE_FORMAT_PARQUET || !str_eq(source->local, file->path)) {
        return refuse(file, "only plain Parquet files can be", err);
    }
    for (size_t i = 0; i < target->n_fields; i++) {
        if (target->fields[i].required && !has_column(file, target->fields[i].name)) {
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

/* ---- keys of folders ---- */

/* What the folders of the file say, as values of the table's columns. */
static int make_constants(struct import *import, const struct ingest_file *file,
                          const struct schema *target, struct adopted_file *ret, corrie_error *err)
{
    struct engine_constant *constants =
        arena_array(&import->arena, struct engine_constant, file->n_keys);
    int r = 0;

    if (!constants) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < file->n_keys; i++) {
        const struct engine_source_key *key = &file->keys[i];
        ptrdiff_t at = schema_index_nocase(target, key->name);
        _cleanup_(buf_done) struct buf why = {0};

        if (at < 0) {
            buf_addf(&why, "the table has no column %.*s, which is a key of its folder",
                     STR_FMT(key->name));
            return refuse(file, buf_text(&why), err);
        }
        constants[i].field_id = target->fields[at].id;
        if (!key->text.data) {
            continue;
        }
        r = scalar_from_text(&target->fields[at].type, key->text, &import->arena,
                             &constants[i].value, err);
        if (r < 0) {
            corrie_wrap(err, "%.*s: the key %.*s of its folder", STR_FMT(file->name),
                        STR_FMT(key->name));
        }
    }
    ret->constants = constants;
    ret->n_constants = file->n_keys;
    return r;
}

/* A table that is made of files in folders of keys is partitioned by these: no file has such a column, and readers take
 * its value from the partition. */
static int partition_by_keys(struct import *import, struct lake_write *write, corrie_error *err)
{
    size_t n = import->keys.n_fields;
    struct partition_by_term *terms;

    if (n == 0 || import_adds(import) || import->options->partitioned_by) {
        return 0;
    }
    terms = arena_array(&import->arena, struct partition_by_term, n);
    if (!terms) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        terms[i] = (struct partition_by_term){
            .path = &import->keys.fields[i].name, .n_path = 1, .transform = STR("identity")};
    }
    write->partition_by = terms;
    write->n_partition_by = n;
    write->partitioning = LAKE_PARTITION_SET;
    return 0;
}

/* ---- all ---- */

static int take_file(struct import *import, struct ingest_file *file, const struct schema *target,
                     struct adopted_file *ret, corrie_error *err)
{
    int r = check_file(file, target, err);

    *ret = (struct adopted_file){.path = file->path, .bytes = file->size};
    return r < 0 ? r : make_constants(import, file, target, ret, err);
}

int import_adopt(struct import *import, struct lake_write *write, corrie_error *err)
{
    struct adopted_file *files = arena_array(&import->arena, struct adopted_file, import->n_files);
    size_t n = 0;
    int r = files ? partition_by_keys(import, write, err) : corrie_fail_memory(err);

    if (r >= 0) {
        r = import_begin_selects(import, write, err);
    }
    for (size_t i = 0; r >= 0 && i < import->n_files; i++) {
        struct ingest_file *file = &import->files[i];

        if (!ingest_counts(file)) {
            continue;
        }
        r = take_file(import, file, &import->schema, &files[n], err);
        if (r < 0) {
            r = import_leave_out(import, file, err);
            continue;
        }
        import->selected[n++] = file;
    }
    if (r < 0 || (r = import_check_some(import, err)) < 0) {
        return r;
    }
    r = lake_tx_adopt(import->tx, write, files, n, &import->arena, &import->written, err);
    return r < 0 ? r : import_end_selects(import, n, err);
}
