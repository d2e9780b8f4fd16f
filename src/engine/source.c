/* source.c — files of others: what is in them and how to read them into a schema. */
#include <string.h>

#include "base/mem.h"
#include "engine/chunks.h"
#include "engine/footer.h"
#include "engine/json_scan.h"
#include "engine/source.h"
#include "engine/unpack.h"
#include "os/file.h"

/* Of a text so much is looked at for how large its lines are. */
#define HEAD ((size_t)1 << 20)

/* ---- columns ---- */

int source_make_columns(struct describe *describe, size_t n)
{
    struct engine_source *source = describe->source;

    source->columns.fields = arena_array(describe->arena, struct field, n + 1);
    source->sql_types = arena_array(describe->arena, struct str, n + 1);
    if (!source->columns.fields || !source->sql_types) {
        return corrie_fail_memory(describe->err);
    }
    source->columns.n_fields = n;
    return 0;
}

int source_set_column(struct describe *describe, size_t at, struct str name, struct str type)
{
    struct field *field = &describe->source->columns.fields[at];

    if (arena_str(describe->arena, name, &field->name) < 0 ||
        arena_str(describe->arena, type, &describe->source->sql_types[at]) < 0) {
        return corrie_fail_memory(describe->err);
    }
    return type_from_sql(type, field->name, describe->arena, &field->type, describe->err);
}

static void add_json_reader(struct buf *out, const struct engine_source *source,
                            const struct str *types)
{
    buf_add_text(out, "read_json(");
    add_path(out, source->local);
    buf_addf(out, ", hive_partitioning = false, format = '%s', compression = ",
             source->format == ENGINE_FORMAT_JSONL ? "newline_delimited" : "auto");
    buf_add_sql_string(out, source->compression.len ? source->compression : STR("uncompressed"));
    if (source->json_record > 0) {
        buf_addf(out, ", maximum_object_size = %llu", (unsigned long long)source->json_record);
    }
    if (types) {
        buf_add_text(out, ", auto_detect = false, columns = {");
        for (size_t i = 0; i < source->columns.n_fields; i++) {
            buf_add_text(out, i ? ", " : "");
            buf_add_sql_string(out, source->columns.fields[i].name);
            buf_add_text(out, ": ");
            buf_add_sql_string(out, types[i]);
        }
        buf_add_char(out, '}');
    } else {
        /* all records: a key that first comes later would be left out, silently. Dates are ISO-8601 or text, as in CSV:
         * the reader takes no others. Looking takes time that grows with the square of the depth, so it ends where
         * types end: what lies deeper is JSON, of a type that is refused */
        buf_addf(out, ", sample_size = -1, dateformat = '%%Y-%%m-%%d', maximum_depth = %d",
                 CORRIE_MAX_TYPE_DEPTH + 2);
        buf_add_text(out, source->sampled ? ", field_appearance_threshold = 0" : "");
        buf_add_text(out, source->wide ? ", map_inference_threshold = -1" : "");
    }
    buf_add_char(out, ')');
}

static void add_parquet_reader(struct buf *out, const struct engine_source *source, bool numbered)
{
    buf_add_text(out, "read_parquet(");
    add_path(out, source->local);
    buf_add_text(out, numbered ? ", file_row_number = true" : "");
    /* else bounds without NaN count as those of all rows, and folders overrule the file's columns */
    buf_add_text(out, ", can_have_nan = true, hive_partitioning = false)");
}

void source_add_reader(struct buf *out, const struct engine_source *source, const struct str *types,
                       bool numbered)
{
    if (source->format == ENGINE_FORMAT_PARQUET) {
        add_parquet_reader(out, source, numbered);
    } else if (source->format == ENGINE_FORMAT_ARROW) {
        add_table_name(out, STR(ARROW_FILES), source->relation_name);
    } else if (source->format == ENGINE_FORMAT_CSV) {
        csv_add_reader(out, source, types);
    } else {
        add_json_reader(out, source, types);
    }
}

/* Columns by DESCRIBE of a reader. */
static int describe_reader(struct describe *describe, struct str reader)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    VEC(struct str) texts = {0};
    int r;

    buf_addf(&sql, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM %.*s)",
             STR_FMT(reader));
    r = buf_check(&sql, describe->err);
    if (r == 0) {
        r = rows_open(describe->engine, &describe->engine->session, buf_text(&sql),
                      &(struct origin){.data = true}, &rows, describe->err);
    }
    while (r == 0 && rows_next(&rows)) {
        for (idx_t i = 0; r == 0 && i < 2; i++) {
            struct str text = STR_EMPTY;
            struct str copy;

            (void)rows_text(&rows, i, &text);
            if (arena_str(describe->arena, text, &copy) < 0 || vec_push(&texts, copy) < 0) {
                r = corrie_fail_memory(describe->err);
            }
        }
    }
    if (r == 0) {
        r = source_make_columns(describe, texts.count / 2);
    }
    for (size_t i = 0; r == 0 && i < texts.count / 2; i++) {
        r = source_set_column(describe, i, texts.items[i * 2], texts.items[i * 2 + 1]);
    }
    vec_done(&texts);
    return r;
}

/* ---- Parquet ---- */

/* DuckDB renames the second of two columns of one name, in structs too; a user has to know. */
static int check_names(struct describe *describe, const struct footer *footer, size_t first,
                       size_t end)
{
    int r = 0;

    for (size_t i = first; r == 0 && i < end; i = footer_skip(footer, i)) {
        for (size_t k = first; k < i; k = footer_skip(footer, k)) {
            struct str a = footer->nodes.items[k].name;
            struct str b = footer->nodes.items[i].name;

            if (str_eq_nocase(a, b)) {
                return corrie_fail(
                    describe->err, CORRIE_E_DATA,
                    "%.*s: columns %.*s and %.*s have names that SQL cannot tell apart",
                    STR_FMT(describe->source->path), STR_FMT(a), STR_FMT(b));
            }
        }
        r = check_names(describe, footer, i + 1, footer_skip(footer, i));
    }
    return r;
}

/* DuckDB makes doubles of decimals with more digits than it has room for. */
static int check_decimals(struct describe *describe, const struct footer *footer)
{
    for (size_t i = 0; i < footer->nodes.count; i++) {
        const struct footer_node *node = &footer->nodes.items[i];
        bool decimal = node->converted == FOOTER_DECIMAL || node->logical == FOOTER_LOGICAL_DECIMAL;

        if (decimal && node->precision > TYPE_DECIMAL_DIGITS) {
            corrie_fail(describe->err, CORRIE_E_UNSUPPORTED,
                        "%.*s: column %.*s: type DECIMAL(%lld,%lld) cannot be stored",
                        STR_FMT(describe->source->path), STR_FMT(node->name),
                        (long long)node->precision, (long long)node->scale);
            return corrie_hint(describe->err,
                               "a decimal has at most %d digits: write it so, or as text",
                               TYPE_DECIMAL_DIGITS);
        }
    }
    return 0;
}

/* What DuckDB's reader would pass over. */
static int add_sizes(void *arg, const struct footer_group *group, corrie_error *err)
{
    struct engine_source *source = arg;

    for (size_t i = 0; i < group->n_chunks; i++) {
        if (group->chunks[i].plain <= INT64_MAX - source->row_bytes) {
            source->row_bytes += group->chunks[i].plain;
        }
    }
    return 0;
}

/* How large rows are on average. */
static int size_rows(struct describe *describe, const struct footer *footer)
{
    struct engine_source *source = describe->source;
    int r = footer_groups(footer->bytes, source->path, footer, add_sizes, source, describe->err);

    source->row_bytes /= footer->rows > 0 ? footer->rows : 1;
    return r;
}

static int check_footer(struct describe *describe)
{
    _cleanup_(footer_done) struct footer footer = {0};
    int r = footer_read_whole(describe->source->local, &footer, describe->err);

    if (r == 0 && footer.encrypted) {
        return fail_not_parquet(describe->source->path, true, describe->err);
    }
    if (r == 0) {
        r = check_names(describe, &footer, 0, footer.nodes.count);
    }
    if (r == 0) {
        r = check_decimals(describe, &footer);
    }
    if (r == 0) {
        r = size_rows(describe, &footer);
    }
    return r < 0 ? r : source_check_nanos(describe, &footer);
}

static int describe_parquet(struct describe *describe)
{
    _cleanup_(buf_done) struct buf reader = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int r = 0;

    add_parquet_reader(&reader, describe->source, false);
    r = buf_check(&reader, describe->err);
    if (r == 0) {
        r = describe_reader(describe, buf_str(&reader));
    }
    if (r == 0) {
        r = check_footer(describe);
    }
    if (r < 0) {
        return r;
    }
    buf_add_text(&sql, "SELECT num_rows FROM parquet_file_metadata(");
    add_path(&sql, describe->source->local);
    buf_add_char(&sql, ')');
    r = buf_check(&sql, describe->err);
    if (r == 0) {
        r = rows_open(describe->engine, &describe->engine->session, buf_text(&sql),
                      &(struct origin){.data = true}, &rows, describe->err);
    }
    if (r == 0 && rows_next(&rows)) {
        (void)rows_int(&rows, 0, &describe->source->rows);
    }
    return r;
}

/* ---- JSON ---- */

/* Whether a record has the key: DuckDB makes A_1 of a second key that differs in case. */
static int has_key(struct describe *describe, struct str local, struct str key, bool *ret)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int64_t n = 0;
    int r;

    buf_add_text(&sql, "SELECT count(*) FROM read_json_objects(");
    add_path(&sql, local);
    if (describe->source->json_record > 0) {
        buf_addf(&sql, ", maximum_object_size = %llu",
                 (unsigned long long)describe->source->json_record);
    }
    buf_add_text(&sql, ") WHERE list_contains(json_keys(json), ");
    buf_add_sql_string(&sql, key);
    buf_add_char(&sql, ')');
    r = buf_check(&sql, describe->err);
    if (r == 0) {
        r = rows_open(describe->engine, &describe->engine->session, buf_text(&sql),
                      &(struct origin){.data = true}, &rows, describe->err);
    }
    if (r == 0 && rows_next(&rows)) {
        (void)rows_int(&rows, 0, &n);
    }
    *ret = n > 0;
    return r;
}

static int check_json_names(struct describe *describe, struct str local)
{
    const struct schema *columns = &describe->source->columns;

    for (size_t i = 0; i < columns->n_fields; i++) {
        struct str name = columns->fields[i].name;
        ptrdiff_t at = str_rfind(name, '_');
        int64_t number;

        for (size_t k = 0; at > 0 && k < columns->n_fields; k++) {
            struct str base = str_slice(name, 0, (size_t)at);
            bool real = true;

            if (!str_to_int64(str_from(name, (size_t)at + 1), &number) ||
                !str_eq_nocase(columns->fields[k].name, base)) {
                continue;
            }
            int r = has_key(describe, local, name, &real);
            if (r < 0) {
                return r;
            }
            if (!real) {
                return corrie_fail(
                    describe->err, CORRIE_E_DATA,
                    "%.*s: keys %.*s and %.*s differ only in case, which SQL cannot tell",
                    STR_FMT(describe->source->path), STR_FMT(columns->fields[k].name),
                    STR_FMT(base));
            }
        }
    }
    return 0;
}

/* Whether DuckDB found no columns: only what it calls json, of a type that begins so. */
static bool is_only_json(const struct engine_source *source, struct str type)
{
    return source->columns.n_fields == 1 && str_eq(source->columns.fields[0].name, STR("json")) &&
           str_starts(source->sql_types[0], type);
}

static int describe_json_reader(struct describe *describe, const struct engine_source *read)
{
    _cleanup_(buf_done) struct buf reader = {0};
    int r;

    add_json_reader(&reader, read, NULL);
    r = buf_check(&reader, describe->err);
    return r < 0 ? r : describe_reader(describe, buf_str(&reader));
}

static int describe_records(struct describe *describe, const struct engine_source *read)
{
    const struct engine_source *source = describe->source;
    int r = describe_json_reader(describe, read);

    if (r == 0 && is_only_json(source, STR("MAP("))) { /* of the records themselves, by its rule */
        struct engine_source wide = *read;

        wide.wide = true;
        r = describe_json_reader(describe, &wide);
    }
    if (r < 0) {
        return r;
    }
    if (source->columns.n_fields == 0 || is_only_json(source, STR_EMPTY)) {
        return corrie_fail(describe->err, CORRIE_E_DATA,
                           "%.*s holds no JSON objects, so there are no "
                           "columns",
                           STR_FMT(source->path));
    }
    describe->source->looked_at_all = true;
    return check_json_names(describe, read->local);
}

/* Whether the columns that DuckDB found in the sample are those of the file. */
static bool is_certain(const struct engine_source *source, const struct json_sample *sample)
{
    static const char *const times[] = {"DATE", "TIME", "UUID"};

    for (size_t i = 0; i < sample->n_doubtful; i++) {
        ptrdiff_t at = schema_index(&source->columns, sample->doubtful[i]);

        for (size_t k = 0; k < ARRAY_LEN(times); k++) {
            if (at < 0 || str_find_str(source->sql_types[at], str_of(times[k])) >= 0) {
                return false; /* at < 0: the name has escapes */
            }
        }
    }
    return true;
}

/* Describes the records that bring something new; they are not held any longer. 0: all have to be read. */
static int describe_sample(struct describe *describe, struct json_sample *sample)
{
    struct engine_source few = *describe->source;
    int r;

    few.format = ENGINE_FORMAT_JSONL;
    few.compression = STR_EMPTY;
    few.sampled = true;
    r = source_copy_path(describe, &few.local);
    if (r == 0) {
        r = os_file_append(few.local.data, buf_str(&sample->records), 0600, describe->err);
    }
    buf_done(&sample->records);
    if (r >= 0) {
        r = describe_records(describe, &few);
        if (r >= 0) {
            r = os_unlink(few.local.data, describe->err);
        }
        if (r == CORRIE_E_DATA) { /* told where the file itself is read */
            corrie_error_clear(describe->err);
            return 0;
        }
    }
    return r < 0 ? r : is_certain(describe->source, sample);
}

static int describe_json(struct describe *describe)
{
    struct engine *engine = describe->engine;
    struct engine_source *source = describe->source;
    _free_ char *path = str_dup(source->local);
    bool given = describe->options->columns.len > 0;
    struct json_sample sample = {0};
    int is_enough = 0;
    int r = path ? 0 : corrie_fail_memory(describe->err);

    if (r == 0 && !given && engine->temp_dir.len > 0) {
        is_enough = json_scan(path, (size_t)engine_threads(engine), engine->cancel, describe->arena,
                              &sample, describe->err);
        r = is_enough < 0 ? is_enough : 0;
    }
    if (r == 0) {
        r = sample.longest > 0
                ? json_room(path, sample.longest, engine->memory, &source->json_record,
                            describe->err)
                : json_record_size(path, source->compression.len > 0, engine->memory,
                                   engine->cancel, &source->json_record, describe->err);
    }
    if (r == 0 && is_enough) {
        r = describe_sample(describe, &sample);
    }
    buf_done(&sample.records);
    if (r != 0) {
        return r < 0 ? r : 0;
    }
    return given ? source_take_columns(describe) : describe_records(describe, source);
}

/* ---- Arrow ---- */

static int describe_arrow(struct describe *describe)
{
    _cleanup_(buf_done) struct buf reader = {0};
    int r = arrow_file_define(describe);

    if (r < 0) {
        return r;
    }
    source_add_reader(&reader, describe->source, NULL, false);
    r = buf_check(&reader, describe->err);
    return r < 0 ? r : describe_reader(describe, buf_str(&reader));
}

/* ---- describe ---- */

static int copy_options(struct describe *describe)
{
    const struct engine_source_options *from = describe->options;
    struct engine_source_options *to = &describe->source->options;
    struct str *nulls = arena_array(describe->arena, struct str, from->n_nulls + 1);
    int r = nulls ? arena_str(describe->arena, from->date_format, &to->date_format) : -1;

    for (size_t i = 0; r == 0 && i < from->n_nulls; i++) {
        r = arena_str(describe->arena, from->nulls[i], &nulls[i]);
    }
    if (r < 0) {
        return corrie_fail_memory(describe->err);
    }
    to->nulls = nulls;
    to->n_nulls = from->n_nulls;
    return 0;
}

/* The reader's type of column `at`, given the one it shall end up with. */
struct str source_reader_type(const struct engine_source *source, size_t at, struct str type)
{
    return source->iso && source->iso[at] ? STR("VARCHAR") : type;
}

/* One column of the SELECT over the reader. */
void source_add_column(struct buf *out, const struct engine_source *source, size_t at,
                       struct str type, struct str name)
{
    bool cast = source->iso && source->iso[at];

    buf_add_text(out, cast ? "CAST(f." : "f.");
    buf_add_sql_name(out, source->columns.fields[at].name);
    if (cast) {
        buf_addf(out, " AS %.*s)", STR_FMT(type));
    }
    buf_add_text(out, " AS ");
    buf_add_sql_name(out, name);
}

static int make_relation(struct describe *describe)
{
    struct engine_source *source = describe->source;
    _cleanup_(buf_done) struct buf sql = {0};
    struct str *types = arena_array(describe->arena, struct str, source->columns.n_fields);
    int r;

    if (!types) {
        return corrie_fail_memory(describe->err);
    }
    buf_add_text(&sql, "SELECT ");
    for (size_t i = 0; i < source->columns.n_fields; i++) {
        buf_add_text(&sql, i ? ", " : "");
        source_add_column(&sql, source, i, source->sql_types[i], source->columns.fields[i].name);
        types[i] = source_reader_type(source, i, source->sql_types[i]);
    }
    buf_add_text(&sql, " FROM ");
    source_add_reader(&sql, source, types, false);
    buf_add_text(&sql, " AS f");
    r = buf_check(&sql, describe->err);
    if (r == 0 && arena_str(describe->arena, buf_str(&sql), &source->relation) < 0) {
        r = corrie_fail_memory(describe->err);
    }
    return r;
}

/* Names that no table may have, said where the file is known. */
static int check_columns(struct describe *describe)
{
    const struct schema *columns = &describe->source->columns;

    if (columns->n_fields == 0) {
        return corrie_fail(describe->err, CORRIE_E_DATA, "%.*s has no columns",
                           STR_FMT(describe->source->path));
    }
    for (size_t i = 0; i < columns->n_fields; i++) {
        if (str_find(columns->fields[i].name, '\0') >= 0) {
            return corrie_fail(describe->err, CORRIE_E_DATA,
                               "%.*s: the name of column %zu holds a zero byte",
                               STR_FMT(describe->source->path), i + 1);
        }
    }
    return 0;
}

/* How large the first lines of a text are: rows, mostly. */
static int size_lines(struct describe *describe)
{
    _free_ char *path = str_dup(describe->source->local);
    _free_ char *head = mem_alloc(HEAD, 1);
    struct str packing;
    size_t lines = 1;
    size_t len;
    int r = path && head ? unpack_head(path, head, HEAD, &len, &packing, describe->err)
                         : corrie_fail_memory(describe->err);

    for (size_t i = 0; r >= 0 && i < len; i++) {
        lines += head[i] == '\n' && i + 1 < len;
    }
    describe->source->row_bytes = r < 0 ? 0 : (int64_t)(len / lines);
    return r;
}

static bool is_text(const struct engine_source *source)
{
    return source->format != ENGINE_FORMAT_PARQUET && source->format != ENGINE_FORMAT_ARROW;
}

int engine_describe(struct engine *engine, struct str path,
                    const struct engine_source_options *options, struct arena *arena,
                    struct engine_source *ret, corrie_error *err)
{
    static const struct engine_source_options none;
    struct engine_source source = {.rows = -1};
    struct describe describe = {.engine = engine,
                                .options = options ? options : &none,
                                .arena = arena,
                                .source = &source,
                                .err = err};
    struct str called = options && options->called.len > 0 ? options->called : path;
    int r = arena_str(arena, called, &source.path) < 0 || arena_str(arena, path, &source.local) < 0
                ? corrie_fail_memory(err)
                : 0;

    if (r == 0) {
        r = copy_options(&describe);
    }
    if (r == 0) {
        r = source_look(&describe);
    }
    if (r == 0) {
        r = source.format == ENGINE_FORMAT_PARQUET ? describe_parquet(&describe)
            : source.format == ENGINE_FORMAT_CSV   ? csv_describe(&describe)
            : source.format == ENGINE_FORMAT_ARROW ? describe_arrow(&describe)
                                                   : describe_json(&describe);
    }
    if (r == 0 && is_text(&source)) {
        r = size_lines(&describe);
    }
    if (r == 0) {
        r = check_columns(&describe);
    }
    if (r == 0) {
        r = make_relation(&describe);
    }
    if (r == 0) {
        *ret = source;
        return 0;
    }
    engine_source_name_error(&source, err);
    if (str_find_str(str_of(corrie_error_message(err)), source.path) < 0) {
        corrie_wrap(err, "read %.*s", STR_FMT(source.path));
    }
    return r;
}
