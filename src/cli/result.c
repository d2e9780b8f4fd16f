/* result.c — the rows of a query on standard output, as they come: memory is that of one batch, whatever the
 * format. */
#include "arrow/cell.h"
#include "arrow/ipc.h"
#include "arrow/row_text.h"
#include "cli/cli.h"
#include "cli/text.h"

enum { LOOK_EVERY = 4096 };

struct result {
    struct cli *cli;
    struct ArrowSchema arrow; /* of the batches */
    struct row_text text;
    struct grid grid;
    struct buf cell;
    int64_t n_rows;
    int64_t max_rows;
    bool more; /* there were rows beyond max_rows */
    bool begun;
};

static void result_done(struct result *result)
{
    grid_done(&result->grid);
    buf_done(&result->cell);
    row_text_done(&result->text);
    arrow_schema_done(&result->arrow);
}

static int read_schema(struct result *result, struct ArrowArrayStream *rows, corrie_error *err)
{
    if (rows->get_schema(rows, &result->arrow) != 0) {
        return corrie_stream_error(rows, err);
    }
    return row_text_begin(&result->text, &result->arrow, err);
}

/* Arrow's bytes on their way to standard output. */
static int put_bytes(void *arg, const void *bytes, size_t len, corrie_error *err)
{
    struct out *out = arg;

    (void)err;
    out_str(out, str_make(bytes, len));
    return 0;
}

/* ---- begin, rows, end ---- */

static int begin_grid(struct result *result, corrie_error *err)
{
    struct grid_options options = show_grid_options(result->cli);
    int r = 0;

    grid_begin(&result->grid, &result->cli->out, &options);
    for (size_t i = 0; r >= 0 && i < result->text.schema.n_fields; i++) {
        const struct field *field = &result->text.schema.fields[i];
        _cleanup_(buf_done) struct buf type = {0};

        type_print(&field->type, &type);
        r = grid_column(&result->grid, field->name, buf_str(&type), cell_is_number(&field->type),
                        err);
    }
    return r;
}

static void begin_json(struct result *result)
{
    struct out *out = &result->cli->out;

    out_text(out, "{\"columns\":[");
    for (size_t i = 0; i < result->text.schema.n_fields; i++) {
        _cleanup_(buf_done) struct buf type = {0};

        type_print(&result->text.schema.fields[i].type, &type);
        out_printf(out, "%s{\"name\":%.*s,\"type\":", i > 0 ? "," : "",
                   STR_FMT(result->text.keys[i]));
        text_json(&out->text, buf_str(&type));
        out_char(out, '}');
    }
    out_text(out, "],\"rows\":[");
}

static int begin(struct result *result, corrie_error *err)
{
    struct out *out = &result->cli->out;

    result->begun = true;
    switch (result->cli->format) {
    case FORMAT_JSON:
        begin_json(result);
        return 0;
    case FORMAT_JSONL:
        return 0;
    case FORMAT_CSV:
        row_text_csv_header(&result->text, &out->text);
        return 0;
    case FORMAT_ARROW:
        return ipc_encode_begin(result->arrow.children, (size_t)result->arrow.n_children, put_bytes,
                                out, err);
    default:
        return begin_grid(result, err);
    }
}

static int add_grid_row(struct result *result, int64_t row, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < result->text.schema.n_fields; i++) {
        bool null;

        buf_clear(&result->cell);
        null = !row_text_cell(&result->text, i, row, &result->cell);
        if (null) {
            buf_add_text(&result->cell, "NULL");
        }
        r = buf_check(&result->cell, err);
        if (r >= 0) {
            r = grid_cell(&result->grid, buf_str(&result->cell), null, err);
        }
    }
    return r;
}

static int add_row(struct result *result, int64_t row, corrie_error *err)
{
    struct out *out = &result->cli->out;

    switch (result->cli->format) {
    case FORMAT_JSON:
        out_text(out, result->n_rows > 0 ? ",\n" : "\n");
        row_text_json(&result->text, row, &out->text);
        return 0;
    case FORMAT_JSONL:
        row_text_json(&result->text, row, &out->text);
        out_char(out, '\n');
        return 0;
    case FORMAT_CSV:
        row_text_csv(&result->text, row, &out->text);
        return 0;
    default:
        return add_grid_row(result, row, err);
    }
}

/* Those of the batch that are wanted still. */
static int64_t wanted_rows(struct result *result, const struct ArrowArray *array)
{
    int64_t left = result->max_rows - result->n_rows;

    if (result->max_rows == 0 || array->length <= left) {
        return array->length;
    }
    result->more = true;
    return left;
}

static int add_arrow_batch(struct result *result, const struct ArrowArray *array, int64_t n,
                           corrie_error *err)
{
    int r = 0;

    if (n > 0) {
        r = ipc_encode_batch(result->arrow.children,
                             (const struct ArrowArray *const *)array->children,
                             (size_t)array->n_children, n, put_bytes, &result->cli->out, err);
    }
    result->n_rows += n;
    return r < 0 ? r : cancel_check(&result->cli->cancel, err);
}

/* Rows of one batch. */
static int add_batch(struct result *result, const struct ArrowArray *array, corrie_error *err)
{
    struct cli *cli = result->cli;
    int64_t n = wanted_rows(result, array);
    int r;

    if (cli->format == FORMAT_ARROW) {
        return add_arrow_batch(result, array, n, err);
    }
    r = row_text_set(&result->text, array, err);
    for (int64_t i = 0; r >= 0 && i < n && !out_stopped(&cli->out); i++) {
        r = add_row(result, i, err);
        result->n_rows++;
        out_flush_some(&cli->out);
        if (r >= 0 && result->n_rows % LOOK_EVERY == 0) {
            progress_set(&cli->progress, "query", NULL, result->n_rows, -1);
            r = cancel_check(&cli->cancel, err);
        }
    }
    return r;
}

static void say_end(struct result *result)
{
    struct cli *cli = result->cli;
    char text[96];

    if (cli->format == FORMAT_TTY) {
        out_style(&cli->out, STYLE_DIM);
        out_printf(&cli->out, "%lld row%s", (long long)result->n_rows,
                   result->n_rows == 1 ? "" : "s");
        if (!cli->sideways && result->grid.shown < result->grid.columns.count) {
            out_printf(&cli->out, ", %zu of %zu columns (-x shows all, a line a cell)",
                       result->grid.shown, result->grid.columns.count);
        }
        out_style(&cli->out, STYLE_PLAIN);
        out_char(&cli->out, '\n');
    }
    if (result->more) {
        if (!pager_is_used(&cli->pager, &cli->out)) {
            out_flush(&cli->out);
        }
        if (result->max_rows == 1) {
            snprintf(text, sizeof text, "only the first row is shown: --max-rows 0 shows all");
        } else {
            snprintf(text, sizeof text,
                     "only the first %lld rows are shown: --max-rows 0 shows all",
                     (long long)result->max_rows);
        }
        cli_note(cli, STYLE_CYAN, "note", str_of(text));
    }
}

static int end(struct result *result, corrie_error *err)
{
    int r = 0;

    if (result->cli->format == FORMAT_JSON) {
        out_printf(&result->cli->out, "%s],\"more\":%s}\n", result->n_rows > 0 ? "\n" : "",
                   result->more ? "true" : "false");
    } else if (result->cli->format == FORMAT_ARROW) {
        r = ipc_encode_end(put_bytes, &result->cli->out, err);
    } else if (format_is_for_people(result->cli->format)) {
        r = grid_end(&result->grid, err);
    }
    if (r >= 0) {
        say_end(result);
    }
    return r;
}

/* JSON whose rows end early is still one document, with the error in it. */
static int end_json_early(struct result *result, corrie_error *err)
{
    _error_ corrie_error second = CORRIE_ERROR_INIT;
    struct out *out = &result->cli->out;
    _json_ json_t *object = NULL;
    int code = err->code;

    js_setup();
    object = js_error(err);
    out_text(out, "\n],\"error\":");
    if (!object || js_format(object, 0, &out->text, &second) < 0) {
        out_text(out, "null");
    }
    out_text(out, "}\n");
    result->cli->told = code;
    corrie_error_clear(err);
    return 0;
}

/* Rows came, and then a failure: nobody may take them for all. Text has only the exit status to say so. */
static int end_early(struct result *result, int code, corrie_error *err)
{
    if (result->cli->format == FORMAT_JSON) {
        return end_json_early(result, err);
    }
    if (result->cli->format == FORMAT_ARROW) {
        ipc_encode_torn(put_bytes, &result->cli->out);
    }
    return code;
}

static int print_rows(struct result *result, struct ArrowArrayStream *rows, corrie_error *err)
{
    bool last = false;
    int r = 0;

    while (r >= 0 && !last && !result->more && !out_stopped(&result->cli->out)) {
        _cleanup_(arrow_array_done) struct ArrowArray array = {0};

        if (rows->get_next(rows, &array) != 0) {
            r = corrie_stream_error(rows, err);
            r = r < 0 ? r
                      : corrie_fail(err, CORRIE_E_INTERNAL, "the result ended without a reason");
        } else if (!array.release) {
            last = true;
        }
        /* the header waits for the first batch: a statement that fails at once prints nothing else */
        if (r >= 0 && !result->begun) {
            if (result->cli->out.terminal) {
                progress_end(&result->cli->progress);
            }
            r = begin(result, err);
        }
        if (r >= 0 && !last) {
            r = add_batch(result, &array, err);
        }
    }
    return r;
}

int result_print(struct cli *cli, struct ArrowArrayStream *rows, int64_t max_rows,
                 corrie_error *err)
{
    _cleanup_(result_done) struct result result = {.cli = cli, .max_rows = max_rows};
    int r;

    r = read_schema(&result, rows, err);
    if (r >= 0) {
        r = print_rows(&result, rows, err);
    }
    if (r >= 0) {
        r = end(&result, err);
    } else if (result.begun) {
        r = end_early(&result, r, err);
    }
    progress_end(&cli->progress);
    return r;
}
