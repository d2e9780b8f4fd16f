/* schema.c — the columns that several files have together. */
#include "base/vec.h"
#include "ingest/ingest.h"

struct merged_column {
    struct field field;
    const struct ingest_file *first; /* the file that gave the type */
    size_t n_files;                  /* that have it */
};

struct merged {
    VEC(struct merged_column) columns;
};

/* Files of one kind have their columns at one place: `likely` is looked at first. Engines take names that differ in
 * case alone for one column, and so do we. */
static struct merged_column *find(struct merged *merged, struct str name, size_t likely)
{
    struct merged_column *found = NULL;

    if (likely < merged->columns.count && str_eq(merged->columns.items[likely].field.name, name)) {
        return &merged->columns.items[likely];
    }
    for (size_t i = 0; !found && i < merged->columns.count; i++) {
        if (str_eq_nocase(merged->columns.items[i].field.name, name)) {
            found = &merged->columns.items[i];
        }
    }
    return found;
}

static int fail_types(const struct merged_column *column, const struct ingest_file *file,
                      const struct type *type, corrie_error *err)
{
    _cleanup_(buf_done) struct buf first = {0};
    _cleanup_(buf_done) struct buf second = {0};

    type_print(&column->field.type, &first);
    type_print(type, &second);
    corrie_fail(err, CORRIE_E_DATA, "column %.*s is %s in %.*s and %s in %.*s",
                STR_FMT(column->field.name), buf_text(&first), STR_FMT(column->first->path),
                buf_text(&second), STR_FMT(file->path));
    return corrie_hint(err,
                       "import the files into different tables, or settle the type by --columns");
}

static int add_field(struct merged *merged, const struct ingest_file *file, size_t index,
                     corrie_error *err)
{
    const struct field *field = &file->source.columns.fields[index];
    struct merged_column *column = find(merged, field->name, index);

    if (!column) {
        struct merged_column fresh = {.field = *field, .first = file, .n_files = 1};

        return vec_push(&merged->columns, fresh) < 0 ? corrie_fail_memory(err) : 0;
    }
    if (type_promotes(&column->field.type, &field->type)) {
        if (!type_same(&column->field.type, &field->type)) {
            column->field.type = field->type;
            column->first = file;
        }
    } else if (!type_promotes(&field->type, &column->field.type)) {
        return fail_types(column, file, &field->type, err);
    }
    column->field.required = column->field.required && field->required;
    column->n_files++;
    return 0;
}

int ingest_schema(const struct ingest_file *files, size_t n, struct arena *arena,
                  struct schema *ret, corrie_error *err)
{
    struct merged merged = {0};
    struct field *fields = NULL;
    size_t n_read = 0;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) {
        n_read += !files[i].skip;
        for (size_t c = 0; r >= 0 && !files[i].skip && c < files[i].source.columns.n_fields; c++) {
            r = add_field(&merged, &files[i], c, err);
        }
    }
    if (r >= 0) {
        fields = arena_array(arena, struct field, merged.columns.count);
        r = fields ? 0 : corrie_fail_memory(err);
    }
    for (size_t i = 0; fields && i < merged.columns.count; i++) {
        fields[i] = merged.columns.items[i].field;
        fields[i].required = fields[i].required && merged.columns.items[i].n_files == n_read;
    }
    if (r >= 0) {
        *ret = (struct schema){.fields = fields, .n_fields = merged.columns.count};
    }
    vec_done(&merged.columns);
    return r;
}
