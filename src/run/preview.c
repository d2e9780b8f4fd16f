/* preview.c — a few rows of what a model gave, for people who asked to see them. */
#include "run/run_priv.h"

#include "arrow/row_text.h"
#include "arrow/table.h"

enum { PREVIEW_ROWS = 10 };
/* Bytes of text: a cell may be of any size. */
#define PREVIEW_BYTES ((size_t)1 << 20)

int run_preview_mode(const char *text, enum preview *ret, corrie_error *err)
{
    struct str mode = str_of(text);

    if (mode.len == 0 || str_eq(mode, STR("off"))) {
        *ret = PREVIEW_OFF;
    } else if (str_eq(mode, STR("on")) || str_eq(mode, STR("head"))) {
        *ret = PREVIEW_HEAD;
    } else if (str_eq(mode, STR("tail"))) {
        *ret = PREVIEW_TAIL;
    } else {
        corrie_fail(err, CORRIE_E_USAGE, "there is no preview '%s'", text);
        return corrie_hint(err, "write on, off, head or tail");
    }
    return 0;
}

static json_t *columns_json(const struct schema *schema)
{
    json_t *columns = json_array();

    for (size_t i = 0; i < schema->n_fields && columns; i++) {
        _cleanup_(buf_done) struct buf type = {0};
        json_t *column = json_object();
        int r;

        type_print(&schema->fields[i].type, &type);
        r = js_set_str(column, "name", schema->fields[i].name);
        r |= type.failed ? -1 : js_set_str(column, "type", buf_str(&type));
        r |= json_array_append_new(columns, column);
        if (r != 0) {
            json_decref(columns);
            return NULL;
        }
    }
    return columns;
}

static int add_row(struct row_text *text, int64_t row, size_t *left, json_t *rows,
                   corrie_error *err)
{
    json_t *values = json_object();
    int r = json_array_append_new(rows, values);

    for (size_t i = 0; r == 0 && i < text->schema.n_fields; i++) {
        _cleanup_(buf_done) struct buf cell = {0};
        bool null = !row_text_cell(text, i, row, &cell);
        struct str name = text->schema.fields[i].name;

        r = buf_check(&cell, err);
        if (r < 0) {
            return r;
        }
        r = json_object_setn_new(values, name.data, name.len,
                                 null ? json_null() : js_string(buf_str(&cell)));
        *left = cell.len < *left ? *left - cell.len : 0;
    }
    return r == 0 ? 0 : corrie_fail_memory(err);
}

/* Rows [first, last) of the stream, which has them all. */
static int read_rows(struct ArrowArrayStream *stream, int64_t first, int64_t last,
                     struct row_text *text, json_t *rows, corrie_error *err)
{
    size_t left = PREVIEW_BYTES;

    for (int64_t at = 0; at < last;) {
        _cleanup_(arrow_array_done) struct ArrowArray batch = {0};
        int64_t end;
        int r;

        if (stream->get_next(stream, &batch) != 0) {
            return corrie_fail(err, CORRIE_E_DATA, "%s", stream->get_last_error(stream));
        }
        if (!batch.release) {
            return 0;
        }
        end = at + batch.length;
        if (end > first) {
            r = row_text_set(text, &batch, err);
            for (int64_t i = first > at ? first - at : 0;
                 r >= 0 && left > 0 && i < batch.length && at + i < last; i++) {
                r = add_row(text, i, &left, rows, err);
            }
            if (r < 0) {
                return r;
            }
        }
        at = end;
    }
    return 0;
}

static int fill_preview(const struct arrow_table *table, bool tail, json_t *preview,
                        corrie_error *err)
{
    int64_t n = table->n_rows < PREVIEW_ROWS ? table->n_rows : PREVIEW_ROWS;
    int64_t first = tail ? table->n_rows - n : 0;
    _cleanup_(row_text_done) struct row_text text = {0};
    _cleanup_(arrow_stream_done) struct ArrowArrayStream stream = {0};
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};
    json_t *rows = json_array();
    int r;

    if (js_set(preview, "rows", rows) != 0) {
        return corrie_fail_memory(err);
    }
    r = arrow_table_stream(table, 0, &stream, err);
    if (r < 0) {
        return r;
    }
    if (stream.get_schema(&stream, &schema) != 0) {
        return corrie_fail(err, CORRIE_E_DATA, "%s", stream.get_last_error(&stream));
    }
    r = row_text_begin(&text, &schema, err);
    if (r < 0) {
        return r;
    }
    if (js_set(preview, "columns", columns_json(&text.schema)) != 0) {
        return corrie_fail_memory(err);
    }
    return read_rows(&stream, first, first + n, &text, rows, err);
}

int run_preview(struct run *run, size_t node, corrie_error *err)
{
    _cleanup_(arrow_table_unrefp) struct arrow_table *table = NULL;
    struct node_state *state = &run->nodes[node];
    _json_ json_t *preview = NULL;
    int r;

    if (run->preview == PREVIEW_OFF) {
        return 0;
    }
    preview = json_object();
    if (js_set_str(preview, "name", run->plan->nodes[node].name) != 0 ||
        js_set_int(preview, "total_rows", exchange_rows(state->output)) != 0) {
        return corrie_fail_memory(err);
    }
    r = exchange_table(state->output, &table, err);
    if (r >= 0) {
        r = fill_preview(table, run->preview == PREVIEW_TAIL, preview, err);
    }
    if (r < 0) {
        return corrie_wrap(err, "preview of %.*s", STR_FMT(run->plan->nodes[node].name));
    }
    state->preview = TAKE_PTR(preview);
    return 0;
}

json_t *run_previews_json(const struct run *run)
{
    json_t *previews = json_array();

    for (size_t i = 0; run->nodes && i < run->plan->n_nodes && previews; i++) {
        if (run->nodes[i].preview && json_array_append(previews, run->nodes[i].preview) < 0) {
            json_decref(previews);
            return NULL;
        }
    }
    return previews;
}
