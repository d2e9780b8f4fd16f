#include "arrow/row_text.h"

#include "arrow/cell.h"
#include "base/text.h"

/* ---- names ---- */

/* Whether another column is called so, or an earlier one has got that key. */
static bool is_taken(const struct row_text *text, size_t index, struct str name, struct str key)
{
    for (size_t i = 0; i < text->schema.n_fields; i++) {
        if (str_eq(text->schema.fields[i].name, name) ||
            (i < index && str_eq(text->keys[i], key))) {
            return true;
        }
    }
    return false;
}

/* The name as JSON objects have it, with its quotes: the second `id` is `id_2`, unless that is another's. */
static int make_key(struct row_text *text, size_t index, corrie_error *err)
{
    struct str name = text->schema.fields[index].name;
    _cleanup_(buf_done) struct buf key = {0};
    size_t same = 1;
    int r;

    for (size_t i = 0; i < index; i++) {
        same += str_eq(text->schema.fields[i].name, name);
    }
    text_json(&key, name);
    for (bool taken = same > 1; taken; same++) {
        _cleanup_(buf_done) struct buf unique = {0};

        buf_addf(&unique, "%.*s_%zu", STR_FMT(name), same);
        buf_clear(&key);
        text_json(&key, buf_str(&unique));
        taken = is_taken(text, index, buf_str(&unique), buf_str(&key));
    }
    r = buf_check(&key, err);
    if (r < 0) {
        return r;
    }
    return arena_str(&text->arena, buf_str(&key), &text->keys[index]) < 0 ? corrie_fail_memory(err)
                                                                          : 0;
}

static int make_keys(struct row_text *text, corrie_error *err)
{
    int r = 0;

    text->keys = arena_array(&text->arena, struct str, text->schema.n_fields);
    if (!text->keys) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; r >= 0 && i < text->schema.n_fields; i++) {
        r = make_key(text, i, err);
    }
    return r;
}

/* ---- begin, set, done ---- */

void row_text_done(struct row_text *text)
{
    buf_done(&text->cell);
    ArrowArrayViewReset(&text->batch);
    arena_done(&text->arena);
}

static int begin(struct row_text *text, const struct ArrowSchema *schema, corrie_error *err)
{
    struct ArrowError error = {""};
    int r;

    text->schema.n_fields = (size_t)schema->n_children;
    text->schema.fields = arena_array(&text->arena, struct field, text->schema.n_fields);
    if (!text->schema.fields) {
        return corrie_fail_memory(err);
    }
    /* one by one: as a schema, two columns of one name would be refused */
    for (size_t i = 0; i < text->schema.n_fields; i++) {
        r = field_from_arrow(schema->children[i], &text->arena, &text->schema.fields[i], err);
        if (r < 0) {
            return r;
        }
    }
    r = make_keys(text, err);
    if (r < 0) {
        return r;
    }
    r = ArrowArrayViewInitFromSchema(&text->batch, schema, &error);
    return r != 0 ? arrow_fail(err, CORRIE_E_INTERNAL, r, error.message) : 0;
}

int row_text_begin(struct row_text *text, const struct ArrowSchema *schema, corrie_error *err)
{
    int r;

    *text = (struct row_text){0};
    r = begin(text, schema, err);
    if (r < 0) {
        row_text_done(text);
        *text = (struct row_text){0};
    }
    return r;
}

int row_text_set(struct row_text *text, const struct ArrowArray *batch, corrie_error *err)
{
    struct ArrowError error = {""};
    int r = ArrowArrayViewSetArray(&text->batch, batch, &error);

    return r != 0 ? arrow_fail(err, CORRIE_E_INTERNAL, r, error.message) : 0;
}

/* ---- text; children of a struct array count them from the parent's offset on ---- */

void row_text_csv_header(const struct row_text *text, struct buf *out)
{
    for (size_t i = 0; i < text->schema.n_fields; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        text_csv(out, text->schema.fields[i].name);
    }
    buf_add_char(out, '\n');
}

void row_text_csv(struct row_text *text, int64_t row, struct buf *out)
{
    row += text->batch.offset;
    for (size_t i = 0; i < text->schema.n_fields; i++) {
        const struct type *type = &text->schema.fields[i].type;
        const struct ArrowArrayView *column = text->batch.children[i];

        if (i > 0) {
            buf_add_char(out, ',');
        }
        if (ArrowArrayViewIsNull(column, row)) {
            continue;
        }
        if (cell_is_number(type)) {
            cell_text(out, type, column, row);
            continue;
        }
        buf_clear(&text->cell);
        cell_text(&text->cell, type, column, row);
        if (text->cell.failed) {
            out->failed = text->cell.failed;
            return;
        }
        text_csv(out, buf_str(&text->cell));
    }
    buf_add_char(out, '\n');
}

void row_text_json(const struct row_text *text, int64_t row, struct buf *out)
{
    row += text->batch.offset;
    buf_add_char(out, '{');
    for (size_t i = 0; i < text->schema.n_fields; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        buf_add_str(out, text->keys[i]);
        buf_add_char(out, ':');
        cell_json(out, &text->schema.fields[i].type, text->batch.children[i], row);
    }
    buf_add_char(out, '}');
}

bool row_text_cell(const struct row_text *text, size_t column, int64_t row, struct buf *out)
{
    const struct ArrowArrayView *view = text->batch.children[column];

    row += text->batch.offset;
    if (ArrowArrayViewIsNull(view, row)) {
        return false;
    }
    cell_text(out, &text->schema.fields[column].type, view, row);
    return true;
}
