/* result.c — the rows of a query on standard output, as they come: memory is that of one batch, whatever the
 * format. */
#include "cli/cell.h"
#include "cli/cli.h"
#include "cli/text.h"

enum { LOOK_EVERY = 4096 };

struct result {
    struct cli *cli;
    struct arena arena;
    struct schema schema;
    struct str *keys; /* names as JSON strings with a colon; repeated ones numbered */
    struct ArrowArrayView batch;
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
    ArrowArrayViewReset(&result->batch);
    arena_done(&result->arena);
}

/* ---- columns ---- */

/* The name as JSON objects have it: the second `id` is `id_2`. */
static int unique_name(struct result *result, size_t index, struct str *ret, corrie_error *err)
{
    const struct field *fields = result->schema.fields;
    struct str name = fields[index].name;
    size_t same = 1;
    char *text;

    for (size_t i = 0; i < index; i++) {
        same += str_eq(fields[i].name, fields[index].name);
    }
    if (same > 1) {
        text = arena_printf(&result->arena, "%.*s_%zu", STR_FMT(name), same);
        if (!text) {
            return corrie_fail_memory(err);
        }
        name = str_of(text);
    }
    *ret = name;
    return 0;
}

static int make_keys(struct result *result, corrie_error *err)
{
    size_t n = result->schema.n_fields;

    result->keys = arena_array(&result->arena, struct str, n);
    if (!result->keys) {
        return corrie_fail_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        _cleanup_(buf_done) struct buf key = {0};
        struct str name;
        int r;

        r = unique_name(result, i, &name, err);
        if (r < 0) {
            return r;
        }
        text_json(&key, name);
        if (arena_str(&result->arena, buf_str(&key), &result->keys[i]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    return 0;
}

static int read_schema(struct result *result, struct ArrowArrayStream *rows, corrie_error *err)
{
    _cleanup_(arrow_schema_done) struct ArrowSchema schema = {0};
    struct ArrowError error = {""};
    int r;

    if (rows->get_schema(rows, &schema) != 0) {
        return corrie_stream_error(rows, err);
    }
    result->schema.n_fields = (size_t)schema.n_children;
    result->schema.fields = arena_array(&result->arena, struct field, result->schema.n_fields);
    if (!result->schema.fields) {
        return corrie_fail_memory(err);
    }
    /* one by one: as a schema, two columns of one name would be refused */
    for (size_t i = 0; i < result->schema.n_fields; i++) {
        r = field_from_arrow(schema.children[i], &result->arena, &result->schema.fields[i], err);
        if (r < 0) {
            return r;
        }
    }
    r = make_keys(result, err);
    if (r < 0) {
        return r;
    }
    r = ArrowArrayViewInitFromSchema(&result->batch, &schema, &error);
    return r != 0 ? arrow_fail(err, CORRIE_E_INTERNAL, r, error.message) : 0;
}

/* ---- begin, rows, end ---- */

static int begin_grid(struct result *result, corrie_error *err)
{
    struct grid_options options = show_grid_options(result->cli);
    int r = 0;

    grid_begin(&result->grid, &result->cli->out, &options);
    for (size_t i = 0; r >= 0 && i < result->schema.n_fields; i++) {
        const struct field *field = &result->schema.fields[i];
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
    for (size_t i = 0; i < result->schema.n_fields; i++) {
        _cleanup_(buf_done) struct buf type = {0};

        type_print(&result->schema.fields[i].type, &type);
        out_printf(out, "%s{\"name\":%.*s,\"type\":", i > 0 ? "," : "", STR_FMT(result->keys[i]));
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
        for (size_t i = 0; i < result->schema.n_fields; i++) {
            out_text(out, i > 0 ? "," : "");
            text_csv(&out->text, result->schema.fields[i].name);
        }
        out_char(out, '\n');
        return 0;
    default:
        return begin_grid(result, err);
    }
}

static void add_json_row(struct result *result, int64_t row)
{
    struct buf *out = &result->cli->out.text;

    buf_add_char(out, '{');
    for (size_t i = 0; i < result->schema.n_fields; i++) {
        if (i > 0) {
            buf_add_char(out, ',');
        }
        buf_add_str(out, result->keys[i]);
        buf_add_char(out, ':');
        cell_json(out, &result->schema.fields[i].type, result->batch.children[i], row);
    }
    buf_add_char(out, '}');
}

static void add_csv_row(struct result *result, int64_t row)
{
    struct buf *out = &result->cli->out.text;

    for (size_t i = 0; i < result->schema.n_fields; i++) {
        const struct type *type = &result->schema.fields[i].type;
        const struct ArrowArrayView *column = result->batch.children[i];

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
        buf_clear(&result->cell);
        cell_text(&result->cell, type, column, row);
        text_csv(out, buf_str(&result->cell));
    }
    buf_add_char(out, '\n');
}

static int add_grid_row(struct result *result, int64_t row, corrie_error *err)
{
    int r = 0;

    for (size_t i = 0; r >= 0 && i < result->schema.n_fields; i++) {
        const struct ArrowArrayView *column = result->batch.children[i];
        bool null = ArrowArrayViewIsNull(column, row);

        buf_clear(&result->cell);
        if (null) {
            buf_add_text(&result->cell, "NULL");
        } else {
            cell_text(&result->cell, &result->schema.fields[i].type, column, row);
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
        add_json_row(result, row);
        return 0;
    case FORMAT_JSONL:
        add_json_row(result, row);
        out_char(out, '\n');
        return 0;
    case FORMAT_CSV:
        add_csv_row(result, row);
        return 0;
    default:
        return add_grid_row(result, row, err);
    }
}

/* Rows of one batch. */
static int add_batch(struct result *result, const struct ArrowArray *array, corrie_error *err)
{
    struct cli *cli = result->cli;
    struct ArrowError error = {""};
    int r;

    r = ArrowArrayViewSetArray(&result->batch, array, &error);
    if (r != 0) {
        return arrow_fail(err, CORRIE_E_INTERNAL, r, error.message);
    }
    r = 0;
    for (int64_t i = 0; r >= 0 && i < array->length && !out_stopped(&cli->out); i++) {
        if (result->max_rows > 0 && result->n_rows == result->max_rows) {
            result->more = true;
            break;
        }
        /* children of a struct array count rows from the parent's offset on */
        r = add_row(result, result->batch.offset + i, err);
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
    } else if (result.begun && cli->format == FORMAT_JSON) {
        r = end_json_early(&result, err);
    }
    progress_end(&cli->progress);
    return r;
}
