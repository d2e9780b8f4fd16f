/* error.c — DuckDB's errors as ours.
 *
 * DuckDB writes errors as JSON (errors_as_json): type, message, position, subtype, candidates, errno.
 * What a user sees is our own sentence where the kind is known (unknown column, bad CSV line, …), else
 * the first paragraph of DuckDB's: the rest advises settings that a user of corrie cannot make. */
#include <errno.h>

#include "base/map.h"
#include "engine/engine_priv.h"
#include "engine/unpack.h"

#define MAX_QUOTED_LINE 200
#define MAX_HINTS 3

struct report {
    struct str type;
    struct str message;
    struct str subtype;
    struct str name;
    struct str candidates;
    int64_t position; /* -1 unknown */
    int64_t saved_errno;
};

/* ---- positions and hints ---- */

int origin_at(const struct origin *origin, size_t offset, size_t width, corrie_error *err)
{
    if (origin->sql.len == 0) {
        return err->code;
    }
    if (offset > origin->sql.len) {
        offset = origin->sql.len;
    }
    return corrie_error_at_offset(err, origin->file ? origin->file : "SQL", origin->sql, offset,
                                  width);
}

struct names {
    VEC(struct str) list;
    struct map seen; /* of columns, which several tables may have */
    struct arena arena;
};

static void names_done(struct names *names)
{
    vec_done(&names->list);
    map_done(&names->seen);
    arena_done(&names->arena);
}

/* Best effort: a name that finds no memory is not suggested. */
static void names_add_table(struct names *names, struct str name_space, struct str name)
{
    char *text = name_space.len == 0
                     ? arena_text(&names->arena, name)
                     : arena_printf(&names->arena, "%.*s.%.*s", STR_FMT(name_space), STR_FMT(name));

    if (text && vec_push(&names->list, str_of(text)) < 0) {
        return;
    }
}

void origin_hint_tables(const struct origin *origin, struct str name, corrie_error *err)
{
    _cleanup_(names_done) struct names full = {0};
    _cleanup_(names_done) struct names bare = {0};
    const struct engine *engine = origin->engine;
    size_t n_defined = engine && !origin->tables ? engine->tables.count : 0;
    bool qualified = str_find(name, '.') >= 0;

    for (size_t i = 0; i < origin->n_tables + n_defined; i++) {
        struct str space = i < origin->n_tables
                               ? origin->tables[i].name_space
                               : engine->tables.items[i - origin->n_tables]->name_space;
        struct str table = i < origin->n_tables ? origin->tables[i].name
                                                : engine->tables.items[i - origin->n_tables]->name;

        names_add_table(&full, space, table);
        names_add_table(&bare, STR_EMPTY, table);
    }
    if (full.list.count != bare.list.count) {
        return; /* memory ran out */
    }
    if (qualified) {
        corrie_hint_nearest(name, full.list.items, full.list.count, err);
        return;
    }
    size_t nearest[MAX_HINTS];
    size_t found = str_nearest(name, bare.list.items, bare.list.count, nearest, MAX_HINTS);
    _cleanup_(buf_done) struct buf text = {0};

    for (size_t i = 0; i < found; i++) {
        buf_addf(&text, "%s%.*s",
                 i == 0           ? ""
                 : i + 1 == found ? " or "
                                  : ", ",
                 STR_FMT(full.list.items[nearest[i]]));
    }
    if (found > 0 && !text.failed) {
        corrie_hint(err, "did you mean %s?", buf_text(&text));
    }
}

/* True: it has one called `name` too, which is not what is looked for: the name was found wanting elsewhere. */
static bool add_columns(struct names *names, const struct schema *schema, struct str name)
{
    bool has = false;

    for (size_t i = 0; i < schema->n_fields; i++) {
        if (str_eq_nocase(schema->fields[i].name, name)) {
            has = true;
            continue;
        }
        if (map_find(&names->seen, schema->fields[i].name)) {
            continue;
        }
        if (map_put(&names->seen, schema->fields[i].name, NULL) < 0 ||
            vec_push(&names->list, schema->fields[i].name) < 0) {
            break;
        }
    }
    return has;
}

void origin_hint_columns(const struct origin *origin, struct str name, corrie_error *err)
{
    _cleanup_(names_done) struct names names = {0};
    bool elsewhere = false;

    for (size_t i = 0; i < origin->n_tables; i++) {
        elsewhere |= add_columns(&names, origin->tables[i].schema, name);
    }
    /* of the defined tables only those that the text mentions: a lake has thousands */
    for (size_t i = 0; origin->engine && !origin->tables && i < origin->engine->tables.count; i++) {
        const struct defined *defined = origin->engine->tables.items[i];

        if (str_find_str(origin->sql, defined->name) >= 0) {
            elsewhere |= add_columns(&names, &defined->schema, name);
        }
    }
    if (elsewhere) {
        corrie_hint(err, "another table of the statement has that column, or it is not passed on");
        return;
    }
    corrie_hint_nearest(name, names.list.items, names.list.count, err);
}

/* ---- reading DuckDB's report ---- */

static struct str first_paragraph(struct str text)
{
    static const char *const ends[] = {"\n\n",          "\nPossible",     "\nCandidate",
                                       "\n\tCandidate", "\nDid you mean", "\n* ",
                                       "\nLINE ",       " Use \"SET "};
    size_t len = text.len;

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        ptrdiff_t at = str_find_str(str_slice(text, 0, len), str_of(ends[i]));

        if (at >= 0) {
            len = (size_t)at;
        }
    }
    return str_trim(str_slice(text, 0, len));
}

static struct str field(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);

    return json_is_string(value) ? js_str(value) : STR_EMPTY;
}

static json_t *parse_report(const char *message, struct report *ret)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    const char *start = message ? strchr(message, '{') : NULL;
    json_t *json = NULL;

    *ret = (struct report){.message = str_of(message ? message : "no message"), .position = -1};
    if (!start || js_parse(str_trim(str_of(start)), "error", &json, &ignored) < 0) {
        return NULL;
    }
    ret->type = field(json, "exception_type");
    if (ret->type.len == 0) {
        ret->type = field(json, "error_type"); /* json_serialize_*: lower case */
    }
    ret->message = field(json, "exception_message");
    if (ret->message.len == 0) {
        ret->message = field(json, "error_message");
    }
    ret->subtype = field(json, "error_subtype");
    ret->name = field(json, "name");
    ret->candidates = field(json, "candidates");
    if (!str_to_int64(field(json, "position"), &ret->position)) {
        ret->position = -1;
    }
    if (!str_to_int64(field(json, "errno"), &ret->saved_errno)) {
        ret->saved_errno = 0;
    }
    return json;
}

/* ---- kinds ---- */

static struct str between(struct str text, struct str before, struct str after)
{
    ptrdiff_t at = str_find_str(text, before);
    ptrdiff_t end;

    if (at < 0) {
        return STR_EMPTY;
    }
    text = str_from(text, (size_t)at + before.len);
    end = str_find_str(text, after);
    return end < 0 ? text : str_slice(text, 0, (size_t)end);
}

/* "CSV Error on Line: 7\nOriginal Line: 4,5\nExpected Number of Columns: 3 Found: 2\n…  file = x.csv" */
static int fail_csv(struct str message, corrie_error *err)
{
    struct str line_text = between(message, STR("CSV Error on Line: "), STR("\n"));
    struct str original = str_trim(between(message, STR("Original Line: "), STR("\n")));
    struct str quote = between(message, STR("\n  quote = "), STR(" ("));
    struct str path = between(message, STR("\n  file = "), STR("\n"));
    struct str columns = between(message, STR("Expected Number of Columns: "), STR("\n"));
    struct str column = between(message, STR("Error when converting column \""), STR("\". "));
    _free_ char *file = str_dup(path);
    int64_t line = 0;

    if (!file) {
        return corrie_fail_memory(err);
    }
    if (!str_to_int64(str_trim(line_text), &line)) {
        line = 0;
    }
    if (original.len == 0) { /* its own line end stands before it where lines end in \r\n */
        original = between(message, STR("Original Line: "), STR("\nExpected"));
        original = str_trim(between(str_trim(original), STR(""), STR("\n")));
    }
    line = unpack_line_of_record(file, quote.len == 1 ? quote.data[0] : '\0', true, line, 0, NULL);
    if (columns.len > 0) {
        struct str expected = str_trim(between(message, STR("Columns: "), STR("Found:")));
        struct str found = str_trim(between(columns, STR("Found: "), STR("\n")));

        int64_t least = 0;
        int64_t most = 0;
        /* beyond the last column that was expected DuckDB does not count on */
        bool more = str_to_int64(found, &least) && str_to_int64(expected, &most) && least > most;

        corrie_fail(err, CORRIE_E_DATA, "%s: line %lld has %s%.*s columns, expected %.*s", file,
                    (long long)line, more ? "more than " : "", STR_FMT(more ? expected : found),
                    STR_FMT(expected));
        corrie_hint(err,
                    "a value that contains the delimiter must be quoted; --delimiter and --quote "
                    "settle what was sniffed");
    } else if (str_find_str(message, STR("nvalid unicode")) >= 0) {
        corrie_fail(err, CORRIE_E_DATA, "%s: line %lld is not UTF-8", file, (long long)line);
        corrie_hint(err, "an import converts it: --encoding latin-1, or whatever it is; elsewhere "
                         "iconv -f ISO-8859-1 -t UTF-8");
        return corrie_error_at(err, file, line, 0, 0, STR_EMPTY);
    } else if (column.len > 0) {
        struct str value = between(message, STR("Could not convert string \""), STR("\" to '"));
        struct str type = between(message, STR("\" to '"), STR("'"));

        corrie_fail(err, CORRIE_E_DATA, "%s: line %lld: column %.*s: '%.*s' is not %.*s", file,
                    (long long)line, STR_FMT(column), STR_FMT(str_slice(value, 0, MAX_QUOTED_LINE)),
                    STR_FMT(type));
        corrie_hint(err,
                    "the type was sniffed from the first lines; --columns '%.*s VARCHAR, …' "
                    "settles types, --null names texts that mean null",
                    STR_FMT(column));
    } else if (str_find_str(message, STR("unterminated quote")) >= 0) {
        corrie_fail(err, CORRIE_E_DATA,
                    "%s: line %lld: a quoted value has no end, or text stands behind its end", file,
                    (long long)line);
        corrie_hint(err,
                    "a quote inside a quoted value is doubled; --quote none reads quotes as text");
    } else if (str_find_str(message, STR("Maximum line size")) >= 0) {
        corrie_fail(err, CORRIE_E_DATA,
                    "%s: line %lld is longer than the 2 MB that a line may have", file,
                    (long long)line);
    } else {
        struct str rest = between(message, STR("Original Line: "), STR("\n\n"));
        ptrdiff_t newline = str_find(rest, '\n');

        rest = newline < 0 ? rest : str_from(rest, (size_t)newline);
        corrie_fail(err, CORRIE_E_DATA, "%s: line %lld: %.*s", file, (long long)line,
                    STR_FMT(first_paragraph(str_trim(rest))));
    }
    return corrie_error_at(err, file, line, 0, 0, str_slice(original, 0, MAX_QUOTED_LINE));
}

static int fail_unknown(const struct report *report, const struct origin *origin, corrie_error *err)
{
    bool column = str_eq(report->subtype, STR("COLUMN_NOT_FOUND"));
    struct str what = between(report->message, STR(""), STR(" with name "));
    bool table = !column && str_eq(what, STR("Table"));
    struct str name = report->name;

    if (!column && !table && str_find_str(report->message, STR("Schema with name")) < 0) {
        corrie_fail(err, CORRIE_E_PROJECT, "%s \"%.*s\" does not exist",
                    str_find_str(what, STR("Function")) >= 0 ? "function" : "what is named",
                    STR_FMT(name));
        if (report->candidates.len > 0) {
            corrie_hint(err, "did you mean %.*s?", STR_FMT(report->candidates));
        }
        return err->code;
    }
    corrie_fail(err, CORRIE_E_NOT_FOUND, "%s \"%.*s\" does not exist", column ? "column" : "table",
                STR_FMT(name));
    if (column) {
        origin_hint_columns(origin, name, err);
    } else {
        origin_hint_tables(origin, name, err);
    }
    return err->code;
}

/* Columns and tables that are not there, where DuckDB gives the fact in its text alone:
 * Values list "t" does not have a column named "m" · Referenced table "x" not found! · Column "k" does not exist
 * on left side of join! · Column "q" in EXCLUDE list not found in FROM clause */
static bool unknown_in_text(struct str message, struct str *ret_name, bool *ret_column)
{
    static const struct {
        const char *start;
        const char *before;
        const char *behind;
        bool column;
    } shapes[] = {{"", "does not have a column named \"", "\"", true},
                  {"Referenced table \"", "Referenced table \"", "\" not found", false},
                  {"Column \"", "Column \"", "\" does not exist on", true},
                  {"Column \"", "Column \"", "\" in EXCLUDE list not found", true},
                  {"Column \"", "Column \"", "\" in REPLACE list not found", true}};

    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        if (str_starts(message, str_of(shapes[i].start)) &&
            str_find_str(message, str_of(shapes[i].before)) >= 0 &&
            str_find_str(message, str_of(shapes[i].behind)) >= 0) {
            *ret_name = between(message, str_of(shapes[i].before), STR("\""));
            *ret_column = shapes[i].column;
            return true;
        }
    }
    return false;
}

/* A qualifier that is no table or alias of the statement; tables are not suggested, they are not its aliases. */
static int fail_unknown_text(struct str message, struct str name, bool column,
                             const struct origin *origin, corrie_error *err)
{
    struct str table = between(message, STR("list \""), STR("\" does not have"));

    if (!column) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND,
                           "\"%.*s\" is no table or alias of this statement", STR_FMT(name));
    }
    if (table.len == 0) {
        table = between(message, STR("Table \""), STR("\" does not have"));
    }
    if (table.len > 0) {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "\"%.*s\" has no column \"%.*s\"", STR_FMT(table),
                    STR_FMT(name));
    } else {
        corrie_fail(err, CORRIE_E_NOT_FOUND, "column \"%.*s\" does not exist", STR_FMT(name));
    }
    origin_hint_columns(origin, name, err);
    return err->code;
}

static int fail_io(const struct report *report, const struct origin *origin, corrie_error *err)
{
    struct str message = first_paragraph(report->message);

    if (report->saved_errno > 0) {
        return corrie_fail(err, corrie_code_of_errno((int)report->saved_errno), "%.*s",
                           STR_FMT(message));
    }
    if (str_find_str(message, STR("No files found")) >= 0) {
        return corrie_fail(err, CORRIE_E_NOT_FOUND, "file %.*s does not exist",
                           STR_FMT(between(message, STR("pattern \""), STR("\""))));
    }
    return corrie_fail(err, origin->data ? CORRIE_E_DATA : CORRIE_E_IO, "%.*s", STR_FMT(message));
}

static bool type_is(const struct report *report, const char *name)
{
    return str_eq_nocase(report->type, str_of(name));
}

/* Broken Thrift inside a Parquet file. */
static bool is_nameless(struct str message)
{
    return str_find_str(message, STR("TProtocolException")) >= 0 ||
           str_starts(message, STR("don't know what type")) ||
           str_starts(message, STR("invalid TType")) || str_starts(message, STR("Out of buffer"));
}

static int fail_by_type(const struct report *report, const struct origin *origin, corrie_error *err)
{
    static const struct {
        const char *type;
        int code;
    } codes[] = {
        {"Parser", CORRIE_E_PROJECT},
        {"Syntax", CORRIE_E_PROJECT},
        {"Binder", CORRIE_E_PROJECT},
        {"Catalog", CORRIE_E_PROJECT},
        {"Not implemented", CORRIE_E_UNSUPPORTED},
        {"Permission", CORRIE_E_REFUSED},
        {"Interrupt", CORRIE_E_CANCELLED},
        {"INTERNAL", CORRIE_E_INTERNAL},
        {"FATAL", CORRIE_E_INTERNAL},
        {"HTTP", CORRIE_E_NETWORK},
        {"Connection", CORRIE_E_NETWORK},
        {"Constraint", CORRIE_E_DATA},
    };
    int code = origin->data ? CORRIE_E_DATA : CORRIE_E_FAILED;

    if (is_nameless(report->message)) {
        return corrie_fail(err, CORRIE_E_DATA, "the Parquet file is damaged");
    }

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (type_is(report, codes[i].type)) {
            code = codes[i].code;
        }
    }
    return corrie_fail(err, code, "%.*s", STR_FMT(first_paragraph(report->message)));
}

/* Malformed JSON in file "bb.json", at byte 8 in line 3: unexpected character.
 * DuckDB counts one record too many where JSON is malformed, none too many where a value does not fit. */
static int fail_json(struct str message, corrie_error *err)
{
    bool malformed = str_starts(message, STR("Malformed"));
    struct str path = between(message, STR("in file \""), STR("\""));
    bool lines = str_find_str(message, STR(" in line ")) >= 0;
    struct str marker = lines ? STR(" in line ") : STR(" in record/value ");
    struct str line_text = between(message, marker, STR(":"));
    struct str byte_text = between(message, STR(" at byte "), STR(" in "));
    ptrdiff_t colon = str_find_str(message, marker);
    struct str why = colon < 0 ? message : str_from(message, (size_t)colon);
    const char *what = lines ? "line" : "record";
    _free_ char *file = str_dup(path);
    _cleanup_(buf_done) struct buf text = {0};
    int64_t line = 0;
    int64_t byte = 0;

    if (!file) {
        return corrie_fail_memory(err);
    }
    colon = str_find_str(why, STR(": "));
    why = colon < 0 ? why : str_from(why, (size_t)colon + 2);
    if (!str_to_int64(line_text, &line)) {
        return corrie_fail(err, CORRIE_E_DATA, "%.*s", STR_FMT(first_paragraph(message)));
    }
    line -= malformed && line > 1;
    why = str_trim(between(between(why, STR(""), STR("\n")), STR(""), STR(" Try ")));
    if (why.len > 0 && why.data[why.len - 1] == '.') {
        why.len--;
    }
    if (lines) { /* blank lines are none to DuckDB */
        int64_t found = unpack_record(file, line, MAX_QUOTED_LINE, &text);

        line = found > 0 ? found : line;
    }
    corrie_fail(err, CORRIE_E_DATA, "%s: %s %lld: %s%.*s", file, what, (long long)line,
                malformed ? "malformed JSON: " : "", STR_FMT(why));
    if (!malformed) {
        corrie_hint(err,
                    "the types of keys are those of the table, or of all of the file's records");
    }
    if (!lines) {
        return err->code;
    }
    if (!str_to_int64(byte_text, &byte) || byte > (int64_t)text.len + 1 || text.failed) {
        byte = 0; /* counted from elsewhere: a record that goes on in the next line */
    }
    return corrie_error_at(err, file, line, byte, 0, text.failed ? STR_EMPTY : buf_str(&text));
}

int fail_not_parquet(struct str path, bool encrypted, corrie_error *err)
{
    if (encrypted) {
        corrie_fail(err, CORRIE_E_DATA, "%.*s is encrypted", STR_FMT(path));
        return corrie_hint(err,
                           "encrypted Parquet files cannot be read: write it without encryption");
    }
    corrie_fail(err, CORRIE_E_DATA, "%.*s is not a Parquet file, or its end is missing",
                STR_FMT(path));
    return corrie_hint(err,
                       "a Parquet file ends in PAR1; one that does not was cut off or is something "
                       "else");
}

/* "No magic bytes found at end of file 'x.parquet'" and the like: what a cut or foreign file gives. */
static int fail_parquet(struct str message, corrie_error *err)
{
    struct str path = between(message, STR("ile '"), STR("'"));
    struct str quoted = between(message, STR("ile \""), STR("\""));

    if (str_find_str(message, STR("encrypted")) >= 0) {
        return fail_not_parquet(path.len ? path : quoted, true, err);
    }
    if (quoted.len > 0 && path.len == 0) {
        return corrie_fail(err, CORRIE_E_DATA, "%.*s is damaged: %.*s", STR_FMT(quoted),
                           STR_FMT(first_paragraph(message)));
    }
    return fail_not_parquet(path, false, err);
}

/* Could not convert string 'x' to INT32 when casting from source column price */
static int fail_cast(struct str message, const struct origin *origin, corrie_error *err)
{
    struct str column = str_trim(between(message, STR("from source column "), STR("\n")));
    ptrdiff_t end = str_find_str(message, STR(" when casting from source column "));

    return corrie_fail(err, origin->data ? CORRIE_E_DATA : CORRIE_E_FAILED, "column %.*s: %.*s",
                       STR_FMT(column), STR_FMT(str_slice(message, 0, (size_t)end)));
}

int duck_fail_stored(corrie_error *err)
{
    if (err->code != CORRIE_E_DATA && err->code != CORRIE_E_NOT_FOUND &&
        err->code != CORRIE_E_FAILED) {
        return err->code;
    }
    err->code = CORRIE_E_CORRUPT;
    return corrie_hint(
        err,
        "bring the file back from a copy of the lake; `corrie fsck` says what else is missing");
}

/* Whether the message names a file of a defined table. */
static bool is_stored(const struct engine *engine, struct str message)
{
    for (size_t i = 0; engine && i < engine->tables.count; i++) {
        const struct defined *defined = engine->tables.items[i];

        for (size_t k = 0; k < defined->n_files; k++) {
            if (str_find_str(message, defined->files[k]) >= 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whether all values of the file can be read. Asked of each file alone, by a connection of its own: the one that failed
 * may be in the middle of something. */
static bool is_readable(struct engine *engine, struct str path)
{
    _error_ corrie_error ignored = CORRIE_ERROR_INIT;
    _cleanup_(session_close) struct session session = {0};
    _cleanup_(buf_done) struct buf sql = {0};

    buf_add_text(&sql, "SELECT max(hash(COLUMNS(*))) FROM read_parquet(");
    add_path(&sql, path);
    buf_add_text(&sql, ", hive_partitioning = false)");
    return session_open(engine, &session, &ignored) < 0 || buf_check(&sql, &ignored) < 0 ||
           engine_run(engine, &session, buf_text(&sql), &(struct origin){.data = true}, &ignored) !=
               CORRIE_E_DATA;
}

/* The table's file that is damaged; empty: none is found to be. */
static struct str find_damaged(struct engine *engine, const struct defined *defined)
{
    for (size_t i = 0; i < defined->n_files; i++) {
        if (!is_readable(engine, defined->files[i])) {
            return defined->files[i];
        }
    }
    return STR_EMPTY;
}

/* What DuckDB says of broken Thrift inside a Parquet file names no file: it is looked for among those of the tables, at
 * the cost of reading those before it. Returns whether it is one of them. */
static bool fail_nameless(struct engine *engine, struct str message, corrie_error *err)
{
    if (!is_nameless(message)) {
        return false;
    }
    for (size_t i = 0; engine && i < engine->tables.count; i++) {
        const struct defined *defined = engine->tables.items[i];
        struct str file = find_damaged(engine, defined);

        if (file.len > 0) {
            corrie_fail(err, CORRIE_E_DATA, "%.*s, a data file of %.*s.%.*s, is damaged: %.*s",
                        STR_FMT(file), STR_FMT(defined->name_space), STR_FMT(defined->name),
                        STR_FMT(message));
            return true;
        }
    }
    return false;
}

static int fail(const struct report *report, const struct origin *origin, corrie_error *err)
{
    struct str name;
    bool column;
    int code;

    if (type_is(report, "Interrupt")) {
        return corrie_fail(err, CORRIE_E_CANCELLED, "interrupted");
    }
    if (type_is(report, "Out of Memory")) {
        corrie_fail(
            err, CORRIE_E_LIMIT, "out of memory: %.*s",
            STR_FMT(first_paragraph(str_slice(report->message, 0,
                                              (size_t)(str_find(report->message, '\n') < 0
                                                           ? (ptrdiff_t)report->message.len
                                                           : str_find(report->message, '\n'))))));
        return corrie_hint(err, "--memory gives it more");
    }
    if (str_find_str(report->message, STR("CSV Error on Line: ")) >= 0) {
        return fail_csv(report->message, err);
    }
    if (str_starts(report->message, STR("\"maximum_object_size\""))) {
        name = between(report->message, STR("reading file \""), STR("\""));
        corrie_fail(err, CORRIE_E_DATA, "%.*s: a record is larger than the 16 MB that it may have",
                    STR_FMT(name));
        return corrie_hint(err, "name the file itself, no pattern, or give read_json its "
                                "maximum_object_size");
    }
    if (str_find_str(report->message, STR("Malformed JSON in file")) >= 0 ||
        str_find_str(report->message, STR("JSON transform error in file")) >= 0) {
        return fail_json(report->message, err);
    }
    if (str_find_str(report->message, STR("No magic bytes found")) >= 0 ||
        str_find_str(report->message, STR("too small to be a Parquet file")) >= 0 ||
        str_find_str(report->message, STR("'encryption_config'")) >= 0 ||
        str_starts(report->message, STR("Failed to read file \""))) {
        return fail_parquet(report->message, err);
    }
    if (str_find_str(report->message, STR(" requires the extension ")) >= 0) {
        name = between(report->message, STR("File "), STR(" requires"));
        corrie_fail(err, CORRIE_E_UNSUPPORTED,
                    "this version reads files of this machine only, not %.*s", STR_FMT(name));
        return corrie_hint(err, "save it to a file first");
    }
    if (type_is(report, "IO")) {
        return fail_io(report, origin, err);
    }
    if (str_eq(report->subtype, STR("COLUMN_NOT_FOUND")) ||
        str_eq(report->subtype, STR("MISSING_ENTRY"))) {
        code = fail_unknown(report, origin, err);
    } else if (type_is(report, "Binder") && unknown_in_text(report->message, &name, &column)) {
        code = fail_unknown_text(report->message, name, column, origin, err);
    } else if (str_find_str(report->message, STR(" when casting from source column ")) >= 0) {
        code = fail_cast(report->message, origin, err);
    } else {
        code = fail_by_type(report, origin, err);
    }
    if (report->position >= (int64_t)origin->prefix) {
        size_t offset = (size_t)report->position - origin->prefix;

        if (offset <= origin->sql.len) {
            origin_at(origin, offset, report->name.len ? report->name.len : 1, err);
        }
    } else if (origin->file && !err->position.file) {
        return corrie_error_at(err, origin->file, 0, 0, 0, STR_EMPTY);
    }
    return code;
}

int duck_fail(const char *message, const struct origin *origin, corrie_error *err)
{
    struct report report;
    /* owns the texts of the report */
    __attribute__((unused)) _json_ json_t *json = parse_report(message, &report);
    int code;

    if (str_ends(report.message, STR(DUCK_NO_MEMORY))) {
        return corrie_fail_memory(err); /* a function of ours said so */
    }
    code = fail(&report, origin, err);
    if (is_stored(origin->engine, report.message) ||
        fail_nameless(origin->engine, report.message, err)) {
        return duck_fail_stored(err);
    }
    return code;
}
