/* source_select.c — the rows of a file of others as those of a schema, and whose fault it is where one is not. */
#include "engine/exact.h"
#include "engine/source.h"
#include "engine/unpack.h"

/* ---- errors ---- */

/* `text` with every `from` in it as `to`; NULL if there is none, or no memory. */
static char *renamed(const char *text, struct str from, struct str to)
{
    _cleanup_(buf_done) struct buf out = {0};
    struct str rest = str_of(text);
    ptrdiff_t at = str_find_str(rest, from);

    if (at < 0) {
        return NULL;
    }
    for (; at >= 0; at = str_find_str(rest, from)) {
        buf_add_str(&out, str_slice(rest, 0, (size_t)at));
        buf_add_str(&out, to);
        rest = str_from(rest, (size_t)at + from.len);
    }
    buf_add_str(&out, rest);
    return buf_take(&out);
}

void engine_source_name_error(const struct engine_source *source, corrie_error *err)
{
    char **const texts[] = {&err->message, &err->detail, &err->hint, &err->position.file};

    if (source->local.len == 0 || str_eq(source->local, source->path)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char *text = *texts[i] ? renamed(*texts[i], source->local, source->path) : NULL;

        if (text) {
            mem_free(*texts[i]);
            *texts[i] = text;
        }
    }
}

/* ---- into a schema ---- */

/* The constant for a field of the target, or NULL. */
static const struct engine_source_key *match_constant(const struct engine_source *source,
                                                      struct str name)
{
    for (size_t i = 0; i < source->n_constants; i++) {
        if (str_eq_nocase(source->constants[i].name, name)) {
            return &source->constants[i];
        }
    }
    return NULL;
}

/* Whether the target's type is what is given: the reader of text converts, and any plain value can be written as text. */
static bool is_converted(const struct engine_source *source, const struct type *from,
                         const struct type *to)
{
    if (source->format != ENGINE_FORMAT_PARQUET && source->format != ENGINE_FORMAT_ARROW) {
        return true;
    }
    return to->kind == TYPE_STRING && from->n_fields == 0 && from->kind != TYPE_BINARY &&
           from->kind != TYPE_FIXED;
}

/* What the source gives: the file's columns and the constants, under the target's names and, where the reader converts,
 * its types. */
static int given_columns(const struct engine_source *source, const struct schema *target,
                         struct arena *arena, struct schema *ret, corrie_error *err)
{
    size_t n = source->columns.n_fields;
    struct field *fields = arena_array(arena, struct field, n + source->n_constants);

    if (!fields) {
        return corrie_fail_memory(err);
    }
    memcpy(fields, source->columns.fields, n * sizeof *fields);
    for (size_t i = 0; i < source->n_constants; i++) {
        fields[n + i] = (struct field){.name = source->constants[i].name,
                                       .type = {.kind = TYPE_STRING},
                                       .required = source->constants[i].text.data != NULL};
    }
    *ret = (struct schema){.fields = fields, .n_fields = n + source->n_constants};
    for (size_t i = 0; i < target->n_fields; i++) {
        ptrdiff_t at = schema_index_nocase(ret, target->fields[i].name);

        if (at >= 0) {
            fields[at].name = target->fields[i].name;
            if ((size_t)at >= n ||
                is_converted(source, &fields[at].type, &target->fields[i].type)) {
                fields[at].type = target->fields[i].type;
            }
        }
    }
    if (source->drops_columns) {
        size_t kept = 0;

        for (size_t i = 0; i < ret->n_fields; i++) {
            if (schema_index(target, fields[i].name) >= 0) {
                fields[kept++] = fields[i];
            }
        }
        ret->n_fields = kept;
    }
    return 0;
}

/* Whether the source's columns can become the target's. A CSV field is text until it is read, so only
 * its name counts; JSON values are converted by the reader; plain values become text. */
static int check_fit(const struct engine_source *source, const struct schema *target,
                     struct arena *arena, corrie_error *err)
{
    struct schema given = {0};
    struct fit fit = {0};
    _cleanup_(buf_done) struct buf text = {0};
    int r = given_columns(source, target, arena, &given, err);

    if (r >= 0) {
        r = schema_fit(&given, target, false, arena, &fit, err);
    }
    if (r < 0 || fit.n_problems == 0) {
        return r;
    }
    fit_describe(&fit, &text);
    return corrie_fail(err, CORRIE_E_DATA, "%.*s does not fit the table: %s", STR_FMT(source->path),
                       buf_text(&text));
}

/* The types that the reader shall make: the target's where a column is wanted. */
static int reader_types(const struct engine_source *source, const struct schema *target,
                        struct arena *arena, struct str **ret, corrie_error *err)
{
    struct str *types = arena_array(arena, struct str, source->columns.n_fields + 1);

    if (!types) {
        return corrie_fail_memory(err);
    }
    memcpy(types, source->sql_types, source->columns.n_fields * sizeof *types);
    for (size_t i = 0; i < target->n_fields; i++) {
        ptrdiff_t at = schema_index_nocase(&source->columns, target->fields[i].name);
        _cleanup_(buf_done) struct buf text = {0};

        if (at < 0) {
            continue;
        }
        type_print_sql(&target->fields[i].type, &text);
        if (buf_check(&text, err) < 0 || arena_str(arena, buf_str(&text), &types[at]) < 0) {
            return corrie_fail_memory(err);
        }
    }
    *ret = types;
    return 0;
}

/* A zero byte in CSV is no text: the file is binary, or UTF-16 without its mark. */
static bool must_be_text(const struct engine_source *source, const struct field *field,
                         struct str type)
{
    return source->format == ENGINE_FORMAT_CSV && field->type.kind == TYPE_STRING &&
           str_eq(type, STR("VARCHAR"));
}

static void add_text_column(struct buf *out, struct str column, const struct field *field)
{
    _cleanup_(buf_done) struct buf message = {0};

    buf_addf(&message,
             "column %.*s: a text holds a zero byte, as binary files do and UTF-16 (which "
             "--encoding utf-16le reads): ",
             STR_FMT(field->name));
    buf_add_text(out, "CASE WHEN contains(f.");
    buf_add_sql_name(out, column);
    buf_add_text(out, ", chr(0)) THEN error(");
    buf_add_sql_string(out, buf_str(&message));
    buf_add_text(out, " || replace(f.");
    buf_add_sql_name(out, column);
    buf_add_text(out, ", chr(0), '\\0')[:60]) ELSE f.");
    buf_add_sql_name(out, column);
    buf_add_text(out, " END AS ");
    buf_add_sql_name(out, field->name);
}

/* Whether the column is read as text, since the reader's own cast could change a value. Times in a form that a person
 * named are the reader's. */
static bool is_exact(const struct engine_source *source, size_t at, const struct type *type)
{
    bool timed = type->kind == TYPE_DATE || type->kind == TYPE_TIME ||
                 type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIMESTAMPTZ;

    if (source->format == ENGINE_FORMAT_CSV) {
        return exact_matters(NULL, type) &&
               !(timed && source->options.date_format.len > 0 && !(source->iso && source->iso[at]));
    }
    return (source->format == ENGINE_FORMAT_JSON || source->format == ENGINE_FORMAT_JSONL) &&
           exact_matters(source->looked_at_all ? &source->columns.fields[at].type : NULL, type);
}

static bool is_json(const struct engine_source *source)
{
    return source->format != ENGINE_FORMAT_CSV;
}

static void add_source_name(struct buf *out, const struct engine_source *source, size_t at)
{
    buf_add_text(out, "f.");
    buf_add_sql_name(out, source->columns.fields[at].name);
}

/* A value of a folder's key, or null, for a column that the file itself has not. */
static void add_constant(struct buf *out, const struct engine_source *source,
                         const struct field *field)
{
    const struct engine_source_key *constant = match_constant(source, field->name);
    _cleanup_(buf_done) struct buf text = {0};

    if (!constant || !constant->text.data) {
        buf_add_text(&text, "NULL");
    } else {
        buf_add_sql_string(&text, constant->text);
    }
    if (constant && constant->text.data && exact_matters(NULL, &field->type)) {
        exact_add_cast(out, buf_str(&text), &field->type, false, field->name);
    } else {
        buf_addf(out, "CAST(%.*s AS ", STR_FMT(buf_str(&text)));
        type_print_sql(&field->type, out);
        buf_add_char(out, ')');
    }
    buf_add_text(out, " AS ");
    buf_add_sql_name(out, field->name);
}

/* The SELECT list; `types` become what the reader is to give. */
static int add_columns(struct buf *out, const struct engine_source *source,
                       const struct schema *target, struct arena *arena, struct str *types,
                       corrie_error *err)
{
    for (size_t i = 0; i < target->n_fields; i++) {
        const struct field *field = &target->fields[i];
        ptrdiff_t at = schema_index_nocase(&source->columns, field->name);
        _cleanup_(buf_done) struct buf text = {0};

        buf_add_text(out, i ? ", " : "");
        if (at < 0) {
            add_constant(out, source, field);
        } else if (is_exact(source, (size_t)at, &field->type)) {
            add_source_name(&text, source, (size_t)at);
            exact_add_cast(out, buf_str(&text), &field->type, is_json(source), field->name);
            buf_add_text(out, " AS ");
            buf_add_sql_name(out, field->name);
            buf_clear(&text);
            exact_add_reader_type(&text, &field->type, is_json(source));
            if (buf_check(&text, err) < 0 || arena_str(arena, buf_str(&text), &types[at]) < 0) {
                return corrie_fail_memory(err);
            }
        } else if (must_be_text(source, field, types[at])) {
            add_text_column(out, source->columns.fields[at].name, field);
        } else {
            source_add_column(out, source, (size_t)at, types[at], field->name);
        }
    }
    return 0;
}

/* SQL by which the record is found that holds a value which does not fit; nothing if no value is looked at. */
static int note_doubt(struct engine_source *source, const struct schema *target, struct str list,
                      const struct str *types, struct arena *arena, corrie_error *err)
{
    _cleanup_(buf_done) struct buf from = {0};
    _cleanup_(buf_done) struct buf find = {0};
    char *again;
    bool any = false;

    buf_add_text(&from, " FROM (SELECT row_number() OVER () AS \"" ENGINE_ROW_COLUMN "\", * FROM ");
    source_add_reader(&from, source, types, false);
    buf_add_text(&from, ") AS f WHERE ");
    buf_addf(&find, "SELECT f.\"" ENGINE_ROW_COLUMN "\"%.*s", STR_FMT(buf_str(&from)));
    for (size_t i = 0; i < target->n_fields; i++) {
        ptrdiff_t at = schema_index_nocase(&source->columns, target->fields[i].name);
        _cleanup_(buf_done) struct buf name = {0};

        if (at >= 0 && is_exact(source, (size_t)at, &target->fields[i].type)) {
            buf_add_text(&find, any ? " OR " : "");
            add_source_name(&name, source, (size_t)at);
            exact_add_misfit(&find, buf_str(&name), &target->fields[i].type, is_json(source));
            any = true;
        }
    }
    if (!any) {
        return 0;
    }
    buf_add_text(&find, " LIMIT 1");
    again = arena_printf(arena, "SELECT %.*s%.*s", STR_FMT(list), STR_FMT(buf_str(&from)));
    if (!again || buf_check(&find, err) < 0 || buf_check(&from, err) < 0 ||
        arena_str(arena, buf_str(&find), &source->doubt_find) < 0) {
        return corrie_fail_memory(err);
    }
    source->doubt_again = str_of(again);
    return 0;
}

int engine_source_select(struct engine *engine, struct engine_source *source,
                         const struct schema *target, int64_t first_row, int64_t n_rows,
                         struct arena *arena, struct str *ret_sql, corrie_error *err)
{
    bool numbered = first_row > 0 || n_rows >= 0;
    _cleanup_(buf_done) struct buf list = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    struct str *types = NULL;
    int r = check_fit(source, target, arena, err);

    if (r == 0 && numbered && source->format != ENGINE_FORMAT_PARQUET) {
        r = corrie_fail(err, CORRIE_E_UNSUPPORTED, "%.*s: only Parquet files can be read in parts",
                        STR_FMT(source->path));
    }
    if (r == 0) {
        r = exact_prepare(engine, err);
    }
    if (r == 0) {
        r = reader_types(source, target, arena, &types, err);
    }
    if (r == 0) {
        r = add_columns(&list, source, target, arena, types, err);
    }
    if (r == 0) {
        r = buf_check(&list, err);
    }
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < source->columns.n_fields; i++) {
        types[i] = source_reader_type(source, i, types[i]);
    }
    buf_addf(&sql, "SELECT %.*s FROM ", STR_FMT(buf_str(&list)));
    source_add_reader(&sql, source, types, numbered);
    buf_add_text(&sql, " AS f");
    if (numbered) {
        buf_addf(&sql, " WHERE f.file_row_number >= %lld", (long long)first_row);
        if (n_rows >= 0) {
            buf_addf(&sql, " AND f.file_row_number < %lld", (long long)(first_row + n_rows));
        }
    }
    r = buf_check(&sql, err);
    if (r == 0 && arena_str(arena, buf_str(&sql), ret_sql) < 0) {
        r = corrie_fail_memory(err);
    }
    return r == 0 ? note_doubt(source, target, buf_str(&list), types, arena, err) : r;
}

/* ---- whose fault ---- */

/* The first record with a value that does not fit, and what is said of it; 0: there is none. */
static int64_t find_record(struct engine *engine, const struct engine_source *source,
                           corrie_error *ret)
{
    const struct origin origin = {.data = true};
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(rows_done) struct rows rows = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    int64_t record = 0;

    if (rows_open(engine, &engine->session, source->doubt_find.data, &origin, &rows, &ignored) <
            0 ||
        !rows_next(&rows) || !rows_int(&rows, 0, &record)) {
        return 0;
    }
    rows_done(&rows);
    buf_addf(&sql, "%.*sf.\"" ENGINE_ROW_COLUMN "\" = %lld", STR_FMT(source->doubt_again),
             (long long)record);
    return buf_check(&sql, &ignored) == 0 &&
                   rows_open(engine, &engine->session, buf_text(&sql), &origin, &rows, ret) < 0
               ? record
               : 0;
}

/* The line of a record, and its text; 0: only the record is known. */
static int64_t line_of(const struct engine_source *source, int64_t record, struct buf *text)
{
    _free_ char *path = str_dup(source->local);

    if (path && source->format == ENGINE_FORMAT_JSONL) {
        return unpack_record(path, record, SHOWN_LINE, text);
    }
    if (path && source->format == ENGINE_FORMAT_CSV) {
        return unpack_line_of_record(path, source->quote.len > 0 ? source->quote.data[0] : '\0',
                                     source->columns.n_fields == 1, record + source->header,
                                     SHOWN_LINE, text);
    }
    return 0;
}

/* A value did not fit, somewhere: where DuckDB works with several threads it says not where. */
static void blame(struct engine *engine, const struct engine_source *source, corrie_error *err)
{
    _error_ corrie_error found = CORRIE_ERROR_INIT;
    _cleanup_(buf_done) struct buf text = {0};
    _free_ char *path = str_dup(source->local);
    int64_t record = find_record(engine, source, &found);
    int64_t line = record > 0 ? line_of(source, record, &text) : 0;

    if (record == 0 || !path) {
        return;
    }
    corrie_error_clear(err);
    corrie_fail(err, CORRIE_E_DATA, "%s: %s %lld: %s", path, line > 0 ? "line" : "record",
                (long long)(line > 0 ? line : record), corrie_error_message(&found));
    corrie_hint(err,
                "values go in unchanged or not at all; types are the table's, or were sniffed: "
                "--columns 'NAME TYPE, …' settles them, ALTER TABLE … TYPE widens a column");
    if (line > 0) {
        corrie_error_at(err, path, line, 0, 0, text.failed ? STR_EMPTY : buf_str(&text));
    }
}

int engine_source_failed(struct engine *engine, const struct engine_source *source,
                         corrie_error *err)
{
    if (err->code == CORRIE_E_DATA && err->position.line == 0 && source->doubt_find.len > 0) {
        blame(engine, source, err);
    }
    engine_source_name_error(source, err);
    return err->code;
}
