/* source.c — files of others: what is in them and how to read them into a schema. */
#include <string.h>

#include "engine/footer.h"
#include "engine/source.h"
#include "engine/unpack.h"
#include "os/file.h"
#include "os/path.h"

/* ---- format ---- */

static bool ends(struct str name, const char *end)
{
    struct str e = str_of(end);

    return name.len >= e.len && str_eq_nocase(str_from(name, name.len - e.len), e);
}

static enum engine_format format_of_name(struct str name)
{
    if (ends(name, ".gz") || ends(name, ".zst")) {
        name = str_slice(name, 0, (size_t)str_rfind(name, '.'));
    }
    if (ends(name, ".parquet") || ends(name, ".parq") || ends(name, ".pq")) {
        return ENGINE_FORMAT_PARQUET;
    }
    if (ends(name, ".csv") || ends(name, ".tsv")) {
        return ENGINE_FORMAT_CSV;
    }
    if (ends(name, ".jsonl") || ends(name, ".ndjson")) {
        return ENGINE_FORMAT_JSONL;
    }
    return ends(name, ".json") ? ENGINE_FORMAT_JSON : ENGINE_FORMAT_AUTO;
}

static enum engine_format format_of_content(struct str head)
{
    if (str_starts(head, STR("PAR1"))) {
        return ENGINE_FORMAT_PARQUET;
    }
    head = str_trim(head);
    return str_starts(head, STR("{")) || str_starts(head, STR("[{")) ? ENGINE_FORMAT_JSON
                                                                     : ENGINE_FORMAT_CSV;
}

/* What other programs' files begin with: read as CSV they give tables of rubbish. */
static const char *foreign_kind(struct str head)
{
    static const struct {
        struct str magic;
        const char *kind;
    } kinds[] = {{{"PK\x03\x04", 4}, "a ZIP or Excel file"},
                 {{"\xd0\xcf\x11\xe0", 4}, "an old Excel file"},
                 {{"ARROW1", 6}, "an Arrow IPC file"},
                 {{"\xff\xff\xff\xff", 4}, "an Arrow IPC stream"},
                 {{"ORC", 3}, "an ORC file"},
                 {{"Obj\x01", 4}, "an Avro file"},
                 {{"SQLite format 3", 15}, "an SQLite database"},
                 {{"PAR1", 4}, "a Parquet file"},
                 {{"PARE", 4}, "an encrypted Parquet file"},
                 {{"BZh", 3}, "a bzip2 file"},
                 {{"\xfd"
                   "7zXZ",
                   5},
                  "an xz file"},
                 {{"\xff\xfe", 2}, "UTF-16 text"},
                 {{"\xfe\xff", 2}, "UTF-16 text"}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (str_starts(head, kinds[i].magic)) {
            return kinds[i].kind;
        }
    }
    return NULL;
}

/* Text formats alone are looked at: DuckDB says itself what is no Parquet file. */
static int refuse_foreign(const struct describe *describe, struct str head)
{
    const struct engine_source *source = describe->source;
    const char *kind = foreign_kind(head);
    const char *format = source->format == ENGINE_FORMAT_CSV ? "CSV" : "JSON";

    if (source->format == ENGINE_FORMAT_PARQUET) {
        return 0;
    }
    if (kind) {
        corrie_fail(describe->err, CORRIE_E_DATA, "%.*s is %s, not %s", STR_FMT(source->path), kind,
                    format);
        return str_starts(str_of(kind), STR("UTF-16"))
                   ? corrie_hint(describe->err, "convert the file first: iconv -f UTF-16 -t UTF-8")
                   : corrie_hint(describe->err,
                                 "Parquet, CSV and JSON files are read, plain or packed by gzip or "
                                 "zstd; --format says which one a file is");
    }
    head = str_slice(head, 0, str_find(head, '\n') < 0 ? head.len : (size_t)str_find(head, '\n'));
    if (source->compression.len == 0 && str_find(head, '\0') >= 0) {
        return corrie_fail(describe->err, CORRIE_E_DATA,
                           "%.*s is not %s: it begins with binary data", STR_FMT(source->path),
                           format);
    }
    return 0;
}

static int look(struct describe *describe)
{
    struct engine_source *source = describe->source;
    struct os_stat stat;
    char head[64];
    size_t len = 0;
    _close_ int fd = -1;
    _free_ char *path = str_dup(source->path);
    int r = path ? os_stat(path, &stat, describe->err) : corrie_fail_memory(describe->err);

    if (r < 0) {
        return r;
    }
    if (stat.kind != OS_FILE) {
        return corrie_fail(describe->err, CORRIE_E_USAGE, "%s is no file", path);
    }
    source->bytes = (int64_t)stat.size;
    if (stat.size == 0) {
        return corrie_fail(describe->err, CORRIE_E_DATA, "%s is empty", path);
    }
    r = os_open(path, O_RDONLY, 0, &fd, describe->err);
    if (r == 0) {
        r = os_read(fd, path, head, sizeof head, &len, describe->err);
    }
    if (r < 0) {
        return r;
    }
    source->compression = len >= 2 && memcmp(head, "\x1f\x8b", 2) == 0           ? STR("gzip")
                          : len >= 4 && memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 ? STR("zstd")
                                                                                 : STR_EMPTY;
    source->format = describe->options->format;
    if (source->format == ENGINE_FORMAT_AUTO) {
        source->format = format_of_name(os_path_name(source->path));
    }
    if (source->format == ENGINE_FORMAT_AUTO) {
        source->format =
            source->compression.len ? ENGINE_FORMAT_CSV : format_of_content(str_make(head, len));
    }
    r = refuse_foreign(describe, str_make(head, len));
    return r < 0 || source->compression.len == 0
               ? r
               : unpack_check(path, describe->engine->cancel, describe->err);
}

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
    add_path(out, source->path);
    buf_addf(out, ", format = '%s', compression = ",
             source->format == ENGINE_FORMAT_JSONL ? "newline_delimited" : "auto");
    buf_add_sql_string(out, source->compression.len ? source->compression : STR("uncompressed"));
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
        /* all records: a key that first comes later would be left out, silently */
        buf_add_text(out, ", sample_size = -1");
    }
    buf_add_char(out, ')');
}

static void add_parquet_reader(struct buf *out, const struct engine_source *source, bool numbered)
{
    buf_add_text(out, "read_parquet(");
    add_path(out, source->path);
    buf_add_text(out, numbered ? ", file_row_number = true)" : ")");
}

static void add_reader(struct buf *out, const struct engine_source *source, const struct str *types,
                       bool numbered)
{
    if (source->format == ENGINE_FORMAT_PARQUET) {
        add_parquet_reader(out, source, numbered);
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

/* DuckDB renames the second of two columns of one name; a user has to know. */
static int check_parquet_names(struct describe *describe)
{
    _cleanup_(footer_done) struct footer footer = {0};
    int r = footer_read(describe->source->path, &footer, describe->err);

    for (size_t i = 0; r == 0 && i < footer.nodes.count; i = footer_skip(&footer, i)) {
        for (size_t k = 0; k < i; k = footer_skip(&footer, k)) {
            struct str a = footer.nodes.items[k].name;
            struct str b = footer.nodes.items[i].name;

            if (str_eq_nocase(a, b)) {
                return corrie_fail(
                    describe->err, CORRIE_E_DATA,
                    "%.*s: columns %.*s and %.*s have names that SQL cannot tell apart",
                    STR_FMT(describe->source->path), STR_FMT(a), STR_FMT(b));
            }
        }
    }
    return r;
}

static int describe_parquet(struct describe *describe)
{
    _cleanup_(buf_done) struct buf reader = {0};
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int r = 0;

    if (describe->source->compression.len > 0) {
        return corrie_fail(describe->err, CORRIE_E_UNSUPPORTED,
                           "%.*s is a Parquet file in a %.*s file", STR_FMT(describe->source->path),
                           STR_FMT(describe->source->compression));
    }
    add_parquet_reader(&reader, describe->source, false);
    r = buf_check(&reader, describe->err);
    if (r == 0) {
        r = describe_reader(describe, buf_str(&reader));
    }
    if (r == 0) {
        r = check_parquet_names(describe);
    }
    if (r < 0) {
        return r;
    }
    buf_add_text(&sql, "SELECT num_rows FROM parquet_file_metadata(");
    add_path(&sql, describe->source->path);
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
static int has_key(struct describe *describe, struct str key, bool *ret)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int64_t n = 0;
    int r;

    buf_add_text(&sql, "SELECT count(*) FROM read_json_objects(");
    add_path(&sql, describe->source->path);
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

static int check_json_names(struct describe *describe)
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
            int r = has_key(describe, name, &real);
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

static int describe_json(struct describe *describe)
{
    _cleanup_(buf_done) struct buf reader = {0};
    const struct engine_source *source = describe->source;
    int r;

    add_json_reader(&reader, source, NULL);
    r = buf_check(&reader, describe->err);
    if (r == 0) {
        r = describe_reader(describe, buf_str(&reader));
    }
    if (r < 0) {
        return r;
    }
    if (source->columns.n_fields == 0 ||
        (source->columns.n_fields == 1 && str_eq(source->columns.fields[0].name, STR("json")))) {
        return corrie_fail(describe->err, CORRIE_E_DATA,
                           "%.*s holds no JSON objects, so there are no "
                           "columns",
                           STR_FMT(source->path));
    }
    return check_json_names(describe);
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
static struct str reader_type(const struct engine_source *source, size_t at, struct str type)
{
    return source->iso && source->iso[at] ? STR("VARCHAR") : type;
}

/* One column of the SELECT over the reader. */
static void add_column(struct buf *out, const struct engine_source *source, size_t at,
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
        add_column(&sql, source, i, source->sql_types[i], source->columns.fields[i].name);
        types[i] = reader_type(source, i, source->sql_types[i]);
    }
    buf_add_text(&sql, " FROM ");
    add_reader(&sql, source, types, false);
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
    int r = arena_str(arena, path, &source.path) < 0 ? corrie_fail_memory(err) : 0;

    if (r == 0) {
        r = copy_options(&describe);
    }
    if (r == 0) {
        r = look(&describe);
    }
    if (r == 0) {
        r = source.format == ENGINE_FORMAT_PARQUET ? describe_parquet(&describe)
            : source.format == ENGINE_FORMAT_CSV   ? csv_describe(&describe)
                                                   : describe_json(&describe);
    }
    if (r == 0) {
        r = check_columns(&describe);
    }
    if (r == 0) {
        r = make_relation(&describe);
    }
    if (r == 0) {
        *ret = source;
    } else if (str_find_str(str_of(corrie_error_message(err)), path) < 0) {
        corrie_wrap(err, "read %.*s", STR_FMT(path));
    }
    return r;
}

/* ---- into a schema ---- */

/* Column of the source for a field of the target: by name, then by name in other case; -1. */
static ptrdiff_t match(const struct schema *given, struct str name)
{
    ptrdiff_t at = schema_index(given, name);

    for (size_t i = 0; at < 0 && i < given->n_fields; i++) {
        if (str_eq_nocase(given->fields[i].name, name)) {
            at = (ptrdiff_t)i;
        }
    }
    return at;
}

/* Whether the source's columns can become the target's. A CSV field is text until it is read, so only
 * its name counts; JSON values are converted by the reader. */
static int check_fit(const struct engine_source *source, const struct schema *target,
                     struct arena *arena, corrie_error *err)
{
    struct schema given = {0};
    struct fit fit = {0};
    _cleanup_(buf_done) struct buf text = {0};
    int r = schema_copy(&source->columns, arena, &given, err);

    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < target->n_fields; i++) {
        ptrdiff_t at = match(&given, target->fields[i].name);

        if (at >= 0) {
            given.fields[at].name = target->fields[i].name;
            if (source->format != ENGINE_FORMAT_PARQUET) {
                given.fields[at].type = target->fields[i].type;
            }
        }
    }
    r = schema_fit(&given, target, false, arena, &fit, err);
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
        ptrdiff_t at = match(&source->columns, target->fields[i].name);
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

int engine_source_select(struct engine *engine, const struct engine_source *source,
                         const struct schema *target, int64_t first_row, int64_t n_rows,
                         struct arena *arena, struct str *ret_sql, corrie_error *err)
{
    bool numbered = first_row > 0 || n_rows >= 0;
    _cleanup_(buf_done) struct buf sql = {0};
    struct str *types = NULL;
    int r = check_fit(source, target, arena, err);

    (void)engine;
    if (r == 0 && numbered && source->format != ENGINE_FORMAT_PARQUET) {
        r = corrie_fail(err, CORRIE_E_UNSUPPORTED, "%.*s: only Parquet files can be read in parts",
                        STR_FMT(source->path));
    }
    if (r == 0) {
        r = reader_types(source, target, arena, &types, err);
    }
    if (r < 0) {
        return r;
    }
    buf_add_text(&sql, "SELECT ");
    for (size_t i = 0; i < target->n_fields; i++) {
        ptrdiff_t at = match(&source->columns, target->fields[i].name);

        buf_add_text(&sql, i ? ", " : "");
        if (at < 0) {
            buf_add_text(&sql, "CAST(NULL AS ");
            type_print_sql(&target->fields[i].type, &sql);
            buf_add_text(&sql, ") AS ");
            buf_add_sql_name(&sql, target->fields[i].name);
        } else {
            add_column(&sql, source, (size_t)at, types[at], target->fields[i].name);
        }
    }
    for (size_t i = 0; i < source->columns.n_fields; i++) {
        types[i] = reader_type(source, i, types[i]);
    }
    buf_add_text(&sql, " FROM ");
    add_reader(&sql, source, types, numbered);
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
    return r;
}
