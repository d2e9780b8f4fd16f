/* csv.c — what is in a CSV file: dialect, header, names, types.
 *
 * DuckDB's sniffer is not used: given a ragged line it prefers a dialect of one column over an error,
 * skips lines that it takes for a preamble, leaves quoting off if the sample has no quotes, and makes
 * dates of 1/1/2017. Here the dialect is decided from the first lines, and whatever does not fit it is
 * an error with a line number.
 *
 * Traps: read_csv's new_line is never given (with the wrong one it returns no rows, silently);
 * strict_mode fails on tiny files with a byte-order mark and CRLF ("invalid state") and is switched off
 * for those; a bad byte after the sample kills the whole database (FATAL) if not all columns are read,
 * so relations always read all. */
#include "engine/classify.h"
#include "engine/source.h"

#define DIALECT_ROWS 200
#define MAX_LINE 2000000 /* DuckDB's max_line_size */
#define DUCK_BUFFER (16 * MAX_LINE)
/* Of the memory that the engine may use a buffer of bytes gets so much. */
#define BUFFER_MEMORY 16

static const struct str bom = {"\xef\xbb\xbf", 3};

/* ---- the first lines ---- */

struct lines {
    VEC(struct str) list;
    struct arena arena;
};

static void lines_done(struct lines *lines)
{
    vec_done(&lines->list);
    arena_done(&lines->arena);
}

static void add_bytes(struct buf *out, const struct engine_source *source)
{
    buf_add_text(out, ", compression = ");
    buf_add_sql_string(out, source->compression.len ? source->compression : STR("none"));
    if (source->csv_buffer > 0) {
        buf_addf(out, ", buffer_size = %llu", (unsigned long long)source->csv_buffer);
    }
}

/* DuckDB holds three buffers of a file and more, also those that its limit has no room for. */
static uint64_t buffer_size(uint64_t memory)
{
    uint64_t size = memory / BUFFER_MEMORY;

    return memory == 0 || size >= DUCK_BUFFER ? 0 : size < 2 * MAX_LINE ? 2 * MAX_LINE : size;
}

/* Whole lines, by a delimiter that no text has. Fails where a line is not UTF-8. */
static int read_lines(struct describe *describe, struct lines *lines)
{
    _cleanup_(buf_done) struct buf sql = {0};
    _cleanup_(rows_done) struct rows rows = {0};
    int r;

    buf_add_text(&sql, "SELECT line FROM read_csv(");
    add_path(&sql, describe->source->local);
    buf_addf(&sql,
             ", auto_detect = false, delim = '\x01', quote = '', escape = '', header = false, "
             "columns = {'line': 'VARCHAR'}, null_padding = true, strict_mode = false");
    add_bytes(&sql, describe->source);
    buf_addf(&sql, ") LIMIT %d", DIALECT_ROWS);
    r = buf_check(&sql, describe->err);
    if (r == 0) {
        r = rows_open(describe->engine, &describe->engine->session, buf_text(&sql),
                      &(struct origin){.data = true}, &rows, describe->err);
    }
    while (r == 0 && rows_next(&rows)) {
        struct str text = STR_EMPTY;
        struct str line;

        (void)rows_text(&rows, 0, &text);
        if (lines->list.count == 0 && str_starts(text, bom)) {
            text = str_from(text, bom.len);
            describe->source->has_bom = true;
        }
        if (arena_str(&lines->arena, text, &line) < 0 || vec_push(&lines->list, line) < 0) {
            r = corrie_fail_memory(describe->err);
        }
    }
    return r;
}

/* ---- dialect ---- */

/* Delimiters of a line outside quotes; *quoted says whether it begins, then whether it ends, inside of them. */
static size_t count_more(struct str line, struct str delimiter, struct str quote, bool *quoted)
{
    size_t fields = 0;

    for (size_t i = 0; i < line.len; i++) {
        if (quote.len > 0 && line.data[i] == quote.data[0]) {
            *quoted = !*quoted;
        } else if (!*quoted && str_starts(str_from(line, i), delimiter)) {
            fields++;
            i += delimiter.len - 1;
        }
    }
    return fields;
}

static size_t count_fields(struct str line, struct str delimiter, struct str quote)
{
    bool quoted = false;

    return count_more(line, delimiter, quote, &quoted) + 1;
}

static struct str decide_delimiter(const struct lines *lines, struct str quote)
{
    static const struct str candidates[] = {{",", 1}, {"\t", 1}, {";", 1}, {"|", 1}};
    size_t best_agree = 0;
    struct str best = candidates[0];

    for (size_t c = 0; c < ARRAY_LEN(candidates); c++) {
        size_t fields = count_fields(lines->list.items[0], candidates[c], quote);
        size_t agree = 1;

        for (size_t i = 1; fields > 1 && i < lines->list.count; i++) {
            agree += count_fields(lines->list.items[i], candidates[c], quote) == fields;
        }
        if (fields > 1 && agree > best_agree) {
            best_agree = agree;
            best = candidates[c];
        }
    }
    return best;
}

static int settle_dialect(struct describe *describe, const struct lines *lines)
{
    const struct engine_source_options *options = describe->options;
    struct engine_source *source = describe->source;
    struct str delimiter = options->delimiter;
    struct str quote = options->quote;

    if (str_eq(delimiter, STR("\\t")) || str_eq(delimiter, STR("tab"))) {
        delimiter = STR("\t");
    }
    if (quote.len > 1 && !str_eq(quote, STR("none"))) {
        return corrie_fail(describe->err, CORRIE_E_USAGE, "quote '%.*s': one character or none",
                           STR_FMT(quote));
    }
    if (delimiter.len > 4) {
        return corrie_fail(describe->err, CORRIE_E_USAGE, "delimiter '%.*s': at most 4 characters",
                           STR_FMT(delimiter));
    }
    quote = quote.len == 0 ? STR("\"") : str_eq(quote, STR("none")) ? STR_EMPTY : quote;
    if (delimiter.len == 0) {
        delimiter = decide_delimiter(lines, quote);
    }
    if (arena_str(describe->arena, delimiter, &source->delimiter) < 0 ||
        arena_str(describe->arena, quote, &source->quote) < 0) {
        return corrie_fail_memory(describe->err);
    }
    return 0;
}

static void add_dialect(struct buf *out, const struct engine_source *source)
{
    buf_add_text(out, ", auto_detect = false, delim = ");
    buf_add_sql_string(out, source->delimiter);
    buf_add_text(out, ", quote = ");
    buf_add_sql_string(out, source->quote);
    buf_add_text(out, ", escape = ");
    buf_add_sql_string(out, source->quote);
    buf_addf(out, ", hive_partitioning = false, comment = '', strict_mode = %s",
             source->lenient ? "false" : "true");
    add_bytes(out, source);
}

/* ---- values ---- */

struct values {
    size_t n; /* columns */
    unsigned *classes;
    struct str *first; /* of the first row, in the arena */
    bool *dated;       /* every value matched date_format */
};

static void add_nulls(struct buf *out, const struct engine_source_options *options)
{
    buf_add_text(out, ", nullstr = [''");
    for (size_t i = 0; i < options->n_nulls; i++) {
        buf_add_char(out, ',');
        buf_add_sql_string(out, options->nulls[i]);
    }
    /* "" in quotes is an empty text: somebody wrote it down */
    buf_add_text(out, "], allow_quoted_nulls = false");
}

static int open_sample(struct describe *describe, size_t n, bool header, struct rows *rows)
{
    _cleanup_(buf_done) struct buf sql = {0};
    struct str format = describe->options->date_format;
    int r;

    buf_add_text(&sql, "SELECT COLUMNS(*)");
    if (format.len > 0) {
        buf_add_text(&sql, ", CAST(try_strptime(COLUMNS(*), ");
        buf_add_sql_string(&sql, format);
        buf_add_text(&sql, ") AS VARCHAR)");
    }
    buf_add_text(&sql, " FROM (SELECT * FROM read_csv(");
    add_path(&sql, describe->source->local);
    add_dialect(&sql, describe->source);
    add_nulls(&sql, describe->options);
    buf_addf(&sql, ", header = %s, columns = {", header ? "true" : "false");
    for (size_t i = 0; i < n; i++) {
        buf_addf(&sql, "%s'c%zu': 'VARCHAR'", i ? ", " : "", i);
    }
    buf_addf(&sql, "}) LIMIT %d)", SAMPLE_ROWS);
    r = buf_check(&sql, describe->err);
    return r < 0 ? r
                 : rows_open(describe->engine, &describe->engine->session, buf_text(&sql),
                             &(struct origin){.data = true}, rows, describe->err);
}

/* Reads the sample as text. The first row is kept apart: it may be the header. */
static int read_values(struct describe *describe, struct values *values)
{
    _cleanup_(rows_done) struct rows rows = {0};
    bool format = describe->options->date_format.len > 0;
    bool first = true;
    int r = open_sample(describe, values->n, false, &rows);

    values->classes = arena_array(describe->arena, unsigned, values->n);
    values->first = arena_array(describe->arena, struct str, values->n);
    values->dated = arena_array(describe->arena, bool, values->n);
    if (r == 0 && (!values->classes || !values->first || !values->dated)) {
        r = corrie_fail_memory(describe->err);
    }
    for (size_t i = 0; r == 0 && i < values->n; i++) {
        values->dated[i] = format;
    }
    for (; r == 0 && rows_next(&rows); first = false) {
        for (size_t i = 0; r == 0 && i < values->n; i++) {
            struct str text;
            struct str ignored;

            if (!rows_text(&rows, i, &text)) {
                continue;
            }
            if (first) {
                text = i == 0 && str_starts(text, bom) ? str_from(text, bom.len) : text;
                r = arena_str(describe->arena, text, &values->first[i]) < 0
                        ? corrie_fail_memory(describe->err)
                        : 0;
                continue;
            }
            values->classes[i] |= text_classify(text);
            values->dated[i] = values->dated[i] && rows_text(&rows, values->n + i, &ignored);
        }
    }
    return r;
}

/* Without a person's word the first line is names unless one of its fields is a number or a time. */
static bool decide_header(const struct describe *describe, const struct values *values)
{
    if (describe->options->header != ENGINE_AUTO) {
        return describe->options->header == ENGINE_ON;
    }
    for (size_t i = 0; i < values->n; i++) {
        if (values->first[i].len > 0 && text_classify(values->first[i]) != TEXT_OTHER) {
            return false;
        }
    }
    return true;
}

static bool has_time(struct str format)
{
    static const char *const parts[] = {"%H", "%I", "%M", "%S", "%T", "%X", "%c", "%p"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (str_find_str(format, str_of(parts[i])) >= 0) {
            return true;
        }
    }
    return false;
}

static const char *type_of(const struct describe *describe, const struct values *values, size_t i)
{
    unsigned classes = values->classes[i];

    if (!describe->source->header && values->first[i].len > 0) {
        classes |= text_classify(values->first[i]);
    }
    if (values->dated[i] && classes == TEXT_OTHER) {
        return has_time(describe->options->date_format) ? "TIMESTAMP" : "DATE";
    }
    return text_class_type(classes);
}

/* ---- names ---- */

static int check_names(struct describe *describe)
{
    const struct schema *columns = &describe->source->columns;

    for (size_t i = 0; i < columns->n_fields; i++) {
        for (size_t k = 0; k < i; k++) {
            if (str_eq_nocase(columns->fields[i].name, columns->fields[k].name)) {
                corrie_fail(describe->err, CORRIE_E_DATA,
                            "%.*s: columns %zu and %zu are both named %.*s",
                            STR_FMT(describe->source->path), k + 1, i + 1,
                            STR_FMT(columns->fields[i].name));
                return corrie_hint(describe->err, "--columns 'name TYPE, …' gives them names");
            }
        }
    }
    return 0;
}

/* With date_format the reader takes that form alone for dates: columns that are ISO-8601 are read as
 * text and cast. */
static int note_iso(struct describe *describe, const struct values *values)
{
    bool *iso;

    if (describe->options->date_format.len == 0) {
        return 0;
    }
    iso = describe->source->iso = arena_array(describe->arena, bool, values->n);
    for (size_t i = 0; iso && i < values->n; i++) {
        iso[i] = (values->classes[i] & (TEXT_DATE | TEXT_TIMESTAMP)) != 0;
    }
    return iso ? 0 : corrie_fail_memory(describe->err);
}

static int name_columns(struct describe *describe, const struct values *values)
{
    bool *blank = describe->source->blank = arena_array(describe->arena, bool, values->n);
    int r = source_make_columns(describe, values->n);

    if (!blank) {
        return corrie_fail_memory(describe->err);
    }
    for (size_t i = 0; r == 0 && i < values->n; i++) {
        blank[i] =
            values->classes[i] == 0 && (describe->source->header || values->first[i].len == 0);
        struct str name = describe->source->header ? str_trim(values->first[i]) : STR_EMPTY;
        char made[32];

        if (name.len == 0) {
            snprintf(made, sizeof made, "column%zu", i);
            name = str_of(made);
        }
        r = source_set_column(describe, i, name, str_of(type_of(describe, values, i)));
    }
    return r < 0 ? r : check_names(describe);
}

/* "name TYPE, \"other name\" DECIMAL(10, 2)" */
static bool next_column(struct str *rest, struct str *ret_name, struct str *ret_type)
{
    struct str text = str_trim(*rest);
    size_t at = 0;
    size_t end;
    int depth = 0;

    if (text.len == 0) {
        return false;
    }
    if (text.data[0] == '"') {
        ptrdiff_t close = str_find(str_from(text, 1), '"');

        *ret_name = close < 0 ? STR_EMPTY : str_slice(text, 1, (size_t)close);
        at = close < 0 ? text.len : (size_t)close + 2;
    } else {
        while (at < text.len && !strchr(" \t,", text.data[at])) {
            at++;
        }
        *ret_name = str_slice(text, 0, at);
    }
    for (end = at; end < text.len && (depth > 0 || text.data[end] != ','); end++) {
        depth += text.data[end] == '(' || text.data[end] == '[';
        depth -= text.data[end] == ')' || text.data[end] == ']';
    }
    *ret_type = str_trim(str_slice(text, at, end - at));
    *rest = end < text.len ? str_from(text, end + 1) : STR_EMPTY;
    return true;
}

int source_take_columns(struct describe *describe)
{
    struct str rest = describe->options->columns;
    struct str name;
    struct str type;
    size_t given = 0;
    int r;

    while (next_column(&rest, &name, &type)) {
        given++;
        if (name.len == 0 || type.len == 0) {
            corrie_fail(describe->err, CORRIE_E_USAGE, "columns '%.*s': column %zu has no %s",
                        STR_FMT(describe->options->columns), given, name.len ? "type" : "name");
            return corrie_hint(describe->err, "write them as 'id BIGINT, name VARCHAR'");
        }
    }
    r = source_make_columns(describe, given);
    rest = describe->options->columns;
    for (size_t i = 0; r == 0 && next_column(&rest, &name, &type); i++) {
        r = source_set_column(describe, i, name, type);
    }
    return r < 0 ? r : check_names(describe);
}

/* The columns that a person names are those of the file, all of them. */
static int take_columns(struct describe *describe, size_t n)
{
    int r = source_take_columns(describe);

    if (r == 0 && describe->source->columns.n_fields != n) {
        r = corrie_fail(describe->err, CORRIE_E_DATA, "%.*s has %zu columns, %zu were named",
                        STR_FMT(describe->source->path), n, describe->source->columns.n_fields);
    }
    return r;
}

/* ---- all of it ---- */

/* Columns of the first record: it ends where a line ends outside quotes. */
static size_t count_first(const struct lines *lines, struct str delimiter, struct str quote)
{
    size_t fields = 0;
    bool quoted = false;

    for (size_t i = 0; i < lines->list.count; i++) {
        struct str line = lines->list.items[i];

        fields += count_more(line, delimiter, quote, &quoted);
        if (!quoted) {
            return fields + 1;
        }
    }
    /* a quote that does not end: the reader says so */
    return count_fields(lines->list.items[0], delimiter, quote);
}

static bool only_blank(const struct lines *lines)
{
    for (size_t i = 0; i < lines->list.count; i++) {
        if (lines->list.items[i].len > 0) {
            return false;
        }
    }
    return lines->list.count < DIALECT_ROWS;
}

int csv_describe(struct describe *describe)
{
    _cleanup_(lines_done) struct lines lines = {0};
    struct engine_source *source = describe->source;
    struct values values = {0};
    int r;

    source->csv_buffer = buffer_size(describe->engine->memory);
    r = read_lines(describe, &lines);
    if (r < 0) {
        return r;
    }
    if (only_blank(&lines)) {
        /* a first line that is too long gives no line and no error */
        return source->bytes > MAX_LINE && lines.list.count == 0 && source->compression.len == 0
                   ? corrie_fail(describe->err, CORRIE_E_DATA,
                                 "%.*s: line 1 is longer than the 2 MB that a line may have",
                                 STR_FMT(source->path))
                   : corrie_fail(describe->err, CORRIE_E_DATA, "%.*s is empty",
                                 STR_FMT(source->path));
    }
    r = settle_dialect(describe, &lines);
    if (r < 0) {
        return r;
    }
    values.n = count_first(&lines, source->delimiter, source->quote);
    if (values.n > CORRIE_MAX_CSV_COLUMNS) {
        return corrie_fail(describe->err, CORRIE_E_LIMIT, "%.*s: more than %d columns",
                           STR_FMT(source->path), CORRIE_MAX_CSV_COLUMNS);
    }
    r = read_values(describe, &values);
    if (r < 0 && strstr(corrie_error_message(describe->err), "invalid state")) {
        source->lenient = true;
        corrie_error_clear(describe->err);
        r = read_values(describe, &values);
    }
    if (r < 0) {
        return r;
    }
    source->header = decide_header(describe, &values);
    r = note_iso(describe, &values);
    if (r < 0) {
        return r;
    }
    return describe->options->columns.len > 0 ? take_columns(describe, values.n)
                                              : name_columns(describe, &values);
}

void csv_add_reader(struct buf *out, const struct engine_source *source, const struct str *types)
{
    buf_add_text(out, "read_csv(");
    add_path(out, source->local);
    add_dialect(out, source);
    buf_addf(out, ", header = %s", source->header ? "true" : "false");
    add_nulls(out, &source->options);
    if (source->options.date_format.len > 0) {
        buf_add_text(out, has_time(source->options.date_format) ? ", timestampformat = "
                                                                : ", dateformat = ");
        buf_add_sql_string(out, source->options.date_format);
    }
    buf_add_text(out, ", columns = {");
    for (size_t i = 0; i < source->columns.n_fields; i++) {
        buf_add_text(out, i ? ", " : "");
        buf_add_sql_string(out, source->columns.fields[i].name);
        buf_add_text(out, ": ");
        buf_add_sql_string(out, types[i]);
    }
    buf_add_text(out, "})");
}
