/* schema.c — the columns that several files have together. */
#include "base/vec.h"
#include "ingest/ingest.h"

struct merged_column {
    struct field field;
    const struct ingest_file *first; /* the file that gave the type */
};

struct merged {
    VEC(struct merged_column) columns;
};

static struct merged_column *find(struct merged *merged, struct str name)
{
    for (size_t i = 0; i < merged->columns.count; i++) {
        if (str_eq(merged->columns.items[i].field.name, name)) {
            return &merged->columns.items[i];
        }
    }
    return NULL;
}

static int fail_types(const struct merged_column *column, const struct ingest_file *file,
                      const struct type *type, corrie_error *err)
{
    _cleanup_(buf_done) struct buf first = {0};
    _cleanup_(buf_done) struct buf second = {0};

    type_print(&column->field.type, &first);
    type_print(type, &second);
    corrie_fail(err, CORRIE_E_DATA, "column %.*s is %s in %.*s and %s in %.*s", STR_FMT(column->field.name),
                buf_text(&first), STR_FMT(column->first->path), buf_text(&second), STR_FMT(file->path));
    return corrie_hint(err, "import the files into different tables, or settle the type by --columns");
}

static int add_field(struct merged *merged, const struct ingest_file *file, const struct field *field,
                     corrie_error *err)
{
    struct merged_column *column = find(merged, field->name);

    if (!column) {
        struct merged_column fresh = {.field = *field, .first = file};

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
    return 0;
}

int ingest_schema(const struct ingest_file *files, size_t n, struct arena *arena,
                  struct schema *ret, corrie_error *err)
{
    struct merged merged = {0};
    struct field *fields = NULL;
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++) {
        const struct schema *columns = &files[i].source.columns;

        for (size_t c = 0; r >= 0 && !files[i].skip && c < columns->n_fields; c++) {
            r = add_field(&merged, &files[i], &columns->fields[c], err);
        }
    }
    if (r >= 0) {
        fields = arena_array(arena, struct field, merged.columns.count);
        r = fields ? 0 : corrie_fail_memory(err);
    }
    for (size_t i = 0; fields && i < merged.columns.count; i++) {
        fields[i] = merged.columns.items[i].field;
    }
    if (r >= 0) {
        *ret = (struct schema){.fields = fields, .n_fields = merged.columns.count};
    }
    vec_done(&merged.columns);
    return r;
}
