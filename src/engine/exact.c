/* exact.c — text and JSON as values of a type, none of them changed on the way.
 *
 * Two functions of ours that DuckDB calls with vectors do the looking: corrie_whole(text) is the BIGINT that a text says,
 * corrie_exact(text, form) the text itself where a cast keeps all of it. Both give null for any other text; what null
 * then means is said by the SQL around them. A JSON string is taken without its quotes. */
#include "engine/exact.h"

#include <string.h>

#include "engine/parquet_priv.h"

/* What corrie_exact is asked: digits behind the point that may stay (0 or more), or one of these. */
enum {
    FORM_DATE = -1,
    FORM_TIME = -2,
    FORM_TIMESTAMP = -3,
    FORM_PLAIN = -4
}; /* the last: no offset */

/* DuckDB reads JSON numbers with a point or an exponent as DOUBLE: so many digits are surely as they were written. */
#define DOUBLE_DIGITS 15
#define MICROSECOND_DIGITS 6
#define ZONED_BYTES 64 /* of a time with its zone */

/* ---- numbers ---- */

/* A number as it is written: its digits without the point, and what they are multiplied with. */
struct number {
    bool negative;
    bool real;       /* has a point or an exponent */
    bool powered;    /* has an exponent */
    size_t first;    /* of the digits that are not 0 at their start */
    size_t last;     /* the last one that is not 0 */
    bool zero;       /* there is none */
    int64_t highest; /* power of ten of the first, and of the last */
    int64_t lowest;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_exponent(struct str text, size_t at, int64_t *ret)
{
    struct str digits = str_from(text, at);

    if (digits.len > 1 && digits.data[0] == '+' && is_digit(digits.data[1])) {
        digits = str_from(digits, 1);
    }
    return digits.len < 6 && str_to_int64(digits, ret);
}

/* False: not a number as people and programs write them. */
static bool read_number(struct str text, struct number *ret)
{
    struct number number = {.zero = true};
    int64_t exponent = 0;
    int64_t point = -1; /* digits before it */
    int64_t digits = 0;
    int64_t first = 0; /* counted in digits */
    int64_t last = 0;
    size_t at = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');

    number.negative = at > 0 && text.data[0] == '-';
    for (; at < text.len && (is_digit(text.data[at]) || (text.data[at] == '.' && point < 0));
         at++) {
        if (text.data[at] == '.') {
            point = digits;
            continue;
        }
        if (text.data[at] != '0') {
            first = number.zero ? digits : first;
            number.first = number.zero ? at : number.first;
            number.zero = false;
            last = digits;
            number.last = at;
        }
        digits++;
    }
    number.powered = at < text.len;
    number.real = point >= 0 || number.powered;
    if (digits == 0 || (at < text.len && ((text.data[at] != 'e' && text.data[at] != 'E') ||
                                          !read_exponent(text, at + 1, &exponent)))) {
        return false;
    }
    point = point < 0 ? digits : point;
    number.highest = point - first - 1 + exponent;
    number.lowest = point - last - 1 + exponent;
    *ret = number;
    return true;
}

/* The number as a whole one; false: it is none, or has no place in 64 bits. */
static bool whole_of(struct str text, const struct number *number, int64_t *ret)
{
    uint64_t value = 0;
    uint64_t most = (uint64_t)INT64_MAX + number->negative;

    if (number->zero) {
        *ret = 0;
        return true;
    }
    if (number->lowest < 0 || number->highest > 18) {
        return false;
    }
    for (size_t i = number->first; i <= number->last; i++) {
        if (is_digit(text.data[i])) {
            value = value * 10 + (uint64_t)(text.data[i] - '0');
        }
    }
    for (int64_t i = 0; i < number->lowest; i++) {
        value *= 10; /* at most 19 digits in all: no overflow of the unsigned */
    }
    if (value > most) {
        return false;
    }
    *ret = number->negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* The number without an exponent, of which DuckDB's cast to DECIMAL loses digits. False: no DECIMAL has room for it. */
static bool write_out(struct str text, const struct number *number,
                      char out[2 * TYPE_DECIMAL_DIGITS + 4], struct str *ret)
{
    int64_t first = number->zero || number->highest < 0 ? 0 : number->highest;
    int64_t last = number->zero || number->lowest > 0 ? 0 : number->lowest;
    size_t at = number->first;
    size_t len = 0;

    if (first >= TYPE_DECIMAL_DIGITS || last < -TYPE_DECIMAL_DIGITS) {
        return false;
    }
    if (number->negative) {
        out[len++] = '-';
    }
    for (int64_t power = first; power >= last; power--) {
        bool given = !number->zero && power <= number->highest && power >= number->lowest;

        if (power == -1) {
            out[len++] = '.';
        }
        at += given && text.data[at] == '.';
        out[len++] = given ? text.data[at++] : '0';
    }
    *ret = str_make(out, len);
    return true;
}

/* What nearly all are: digits that have room. */
static bool read_plain(struct str text, int64_t *ret)
{
    size_t at = text.len > 0 && text.data[0] == '-';
    int64_t value = 0;

    if (text.len == at || text.len - at > 18) {
        return false;
    }
    for (size_t i = at; i < text.len; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    *ret = at > 0 ? -value : value;
    return true;
}

/* ---- dates and times ---- */

static bool only(struct str text, const char *characters)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!text.data[i] || !strchr(characters, text.data[i])) {
            return false;
        }
    }
    return true;
}

/* What stands behind year, month and day. */
static struct str behind_date(struct str text)
{
    size_t at = 0;

    for (int part = 0; part < 3; part++) {
        while (at < text.len && !is_digit(text.data[at])) {
            at++;
        }
        while (at < text.len && is_digit(text.data[at])) {
            at++;
        }
    }
    return str_trim(str_from(text, at));
}

/* Digits behind the microseconds. */
static bool has_nanoseconds(struct str text)
{
    ptrdiff_t point = str_find(text, '.');
    struct str fraction = point < 0 ? STR_EMPTY : str_from(text, (size_t)point + 1);
    size_t n = 0;

    while (n < fraction.len && is_digit(fraction.data[n])) {
        n++;
    }
    return n > MICROSECOND_DIGITS &&
           !only(str_slice(fraction, MICROSECOND_DIGITS, n - MICROSECOND_DIGITS), "0");
}

/* DuckDB's casts to DATE and TIME pass over what they do not know: the others take all of a text or none. */
static bool keeps_time(struct str text, int64_t form)
{
    ptrdiff_t colon = str_find(text, ':');

    if (form == FORM_DATE) { /* midnight is what a date is, as programs write it */
        struct str rest = behind_date(text);

        return only(rest, "0:.+- TZUC") || str_eq_nocase(rest, STR("(BC)"));
    }
    if (form == FORM_TIME && text.len > 0 && (text.data[text.len - 1] | ' ') == 'z') {
        text.len--;
    }
    if (form == FORM_TIME && (colon < 0 || colon > 2 || !only(text, "0123456789:."))) {
        return false;
    }
    if (form == FORM_PLAIN && colon >= 0 &&
        (str_find(str_from(text, (size_t)colon), '+') >= 0 ||
         str_find(str_from(text, (size_t)colon), '-') >= 0)) {
        return false;
    }
    return !has_nanoseconds(text);
}

/* A time that says no zone means UTC, and must say so: DuckDB's cast would take the zone that a row before it named. */
static struct str with_zone(struct str text, char out[ZONED_BYTES])
{
    ptrdiff_t colon = str_find(text, ':');
    struct str time = colon < 0 ? STR_EMPTY : str_from(text, (size_t)colon);
    const char *zone = colon < 0 ? " 00:00:00+00" : str_rfind(time, ':') == 0 ? ":00+00" : "+00";
    size_t len = strlen(zone);
    bool lacks = colon < 0 ? text.len > 0 && is_digit(text.data[0]) && behind_date(text).len == 0
                           : only(time, "0123456789:.");

    if (!lacks || text.len + len > ZONED_BYTES) {
        return text;
    }
    memcpy(out, text.data, text.len);
    memcpy(out + text.len, zone, len);
    return str_make(out, text.len + len);
}

/* ---- the functions ---- */

/* The text without blanks around it and quotes. *ret_unquoted: a value of JSON that is no string; if it has a point or
 * an exponent it went through a DOUBLE. */
static struct str bare(struct str text, bool json, bool *ret_unquoted)
{
    text = str_trim(text);
    if (json && text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"') {
        *ret_unquoted = false;
        return str_trim(str_slice(text, 1, text.len - 2));
    }
    *ret_unquoted = json;
    return text;
}

static bool keeps_number(const struct number *number, bool from_double, int64_t scale)
{
    if (number->zero) {
        return true;
    }
    return number->lowest >= -scale &&
           !(from_double && number->real && number->highest - number->lowest >= DOUBLE_DIGITS);
}

struct arguments {
    const struct duck *d;
    duckdb_vector texts;
    const uint64_t *validity;
    bool json;
    int64_t form;
    idx_t rows;
};

/* (text, json, form): the latter two are constants. */
static bool take_arguments(duckdb_function_info info, duckdb_data_chunk input,
                           struct arguments *ret)
{
    _error_ corrie_error err = CORRIE_ERROR_INIT;
    const struct duck *d = NULL;

    if (duck_load(&d, &err) < 0) {
        return false;
    }
    *ret = (struct arguments){
        .d = d, .texts = d->data_chunk_get_vector(input, 0), .rows = d->data_chunk_get_size(input)};
    ret->validity = d->vector_get_validity(ret->texts);
    if (ret->rows > 0) {
        ret->json = ((const bool *)d->vector_get_data(d->data_chunk_get_vector(input, 1)))[0];
        ret->form = ((const int64_t *)d->vector_get_data(d->data_chunk_get_vector(input, 2)))[0];
    }
    (void)info;
    return true;
}

static void set_null(const struct duck *d, duckdb_vector output, idx_t row)
{
    d->vector_ensure_validity_writable(output);
    d->validity_set_row_invalid(d->vector_get_validity(output), row);
}

static void on_whole(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct arguments in;
    int64_t *values;

    if (!take_arguments(info, input, &in)) {
        return;
    }
    values = in.d->vector_get_data(output);
    for (idx_t i = 0; i < in.rows; i++) {
        struct number number;
        struct str text;
        bool from_double;

        values[i] = 0;
        if (!valid_at(in.validity, i)) {
            set_null(in.d, output, i);
            continue;
        }
        text = vector_text(in.d, in.texts, i);
        if (read_plain(text, &values[i])) {
            continue;
        }
        text = bare(text, in.json, &from_double);
        if (!read_number(text, &number) || !keeps_number(&number, from_double, 0) ||
            !whole_of(text, &number, &values[i])) {
            set_null(in.d, output, i);
        }
    }
}

static void on_exact(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct arguments in;

    if (!take_arguments(info, input, &in)) {
        return;
    }
    for (idx_t i = 0; i < in.rows; i++) {
        char plain[2 * TYPE_DECIMAL_DIGITS + 4];
        char zoned[ZONED_BYTES];
        struct number number;
        struct str text;
        bool from_double;

        if (!valid_at(in.validity, i)) {
            set_null(in.d, output, i);
            continue;
        }
        text = bare(vector_text(in.d, in.texts, i), in.json, &from_double);
        text = in.form == FORM_TIMESTAMP ? with_zone(text, zoned) : text;
        if (in.form < 0
                ? keeps_time(text, in.form)
                : read_number(text, &number) && keeps_number(&number, from_double, in.form) &&
                      (!number.powered || write_out(text, &number, plain, &text))) {
            in.d->vector_assign_string_element_len(output, i, text.data, text.len);
        } else {
            set_null(in.d, output, i);
        }
    }
}

static int register_one(struct engine *engine, const char *name, duckdb_scalar_function_t call,
                        duckdb_type result, corrie_error *err)
{
    static const duckdb_type parameters[] = {DUCKDB_TYPE_VARCHAR, DUCKDB_TYPE_BOOLEAN,
                                             DUCKDB_TYPE_BIGINT};
    const struct duck *d = engine->d;
    duckdb_scalar_function function = d->create_scalar_function();
    duckdb_logical_type type = d->create_logical_type(result);
    duckdb_state state;

    d->scalar_function_set_name(function, name);
    d->scalar_function_set_return_type(function, type);
    d->destroy_logical_type(&type);
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
        type = d->create_logical_type(parameters[i]);
        d->scalar_function_add_parameter(function, type);
        d->destroy_logical_type(&type);
    }
    d->scalar_function_set_special_handling(function);
    d->scalar_function_set_function(function, call);
    state = d->register_scalar_function(engine->session.con, function);
    d->destroy_scalar_function(&function);
    return state == DuckDBSuccess
               ? 0
               : corrie_fail(err, CORRIE_E_INTERNAL, "DuckDB did not take our function");
}

int exact_prepare(struct engine *engine, corrie_error *err)
{
    int r = 0;

    if (!engine->has_exact_functions) {
        r = register_one(engine, "corrie_whole", on_whole, DUCKDB_TYPE_BIGINT, err);
        if (r == 0) {
            r = register_one(engine, "corrie_exact", on_exact, DUCKDB_TYPE_VARCHAR, err);
        }
        engine->has_exact_functions = r == 0;
    }
    return r;
}

/* ---- types ---- */

static bool is_changed(enum type_kind kind)
{
    switch (kind) {
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return true;
    default:
        return false;
    }
}

static bool is_whole(enum type_kind kind)
{
    return kind == TYPE_INT || kind == TYPE_LONG;
}

/* Whether a cast keeps all values of the one type in the other. Of times it is not known: an offset or nanoseconds may
 * have been passed over when they were looked at. */
static bool keeps_all(enum type_kind from, enum type_kind to)
{
    return is_whole(from) ? is_whole(to) || to == TYPE_DECIMAL
                          : from == TYPE_DATE && to == TYPE_DATE;
}

bool exact_matters(const struct type *known, const struct type *type)
{
    bool same = known && known->kind == type->kind && known->n_fields == type->n_fields;

    if (type->n_fields == 0) {
        return is_changed(type->kind) && !(known && keeps_all(known->kind, type->kind));
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        bool named = same && str_eq(known->fields[i].name, type->fields[i].name);

        if (exact_matters(named ? &known->fields[i].type : NULL, &type->fields[i].type)) {
            return true;
        }
    }
    return false;
}

/* Keys of JSON are strings. */
static const char *reader_type(void *arg, const struct type *type, bool key)
{
    const bool *json = arg;

    return !is_changed(type->kind) ? NULL : *json && !key ? "JSON" : "VARCHAR";
}

void exact_add_reader_type(struct buf *out, const struct type *type, bool json)
{
    type_print_sql_instead(type, reader_type, &json, out);
}

/* ---- SQL ---- */

static int64_t form_of(const struct type *type)
{
    return type->kind == TYPE_DECIMAL ? type->scale
           : type->kind == TYPE_DATE  ? FORM_DATE
           : type->kind == TYPE_TIME  ? FORM_TIME
                                      : FORM_TIMESTAMP;
}

static void add_call(struct buf *out, const char *function, struct str value, bool json,
                     int64_t form)
{
    buf_addf(out, "%s(CAST(%.*s AS VARCHAR), %s, %lld)", function, STR_FMT(value),
             json ? "true" : "false", (long long)form);
}

/* The value, or null where it is none of the type. */
static void add_leaf(struct buf *out, struct str value, const struct type *type, bool json)
{
    if (type->kind == TYPE_LONG) {
        add_call(out, "corrie_whole", value, json, 0);
    } else if (type->kind == TYPE_TIMESTAMP) {
        /* a cast leaves an offset out; by way of the other type it is heeded, but that takes ten times as long */
        buf_add_text(out, "coalesce(TRY_CAST(");
        add_call(out, "corrie_exact", value, json, FORM_PLAIN);
        buf_add_text(out, " AS TIMESTAMP), TRY_CAST(TRY_CAST(");
        add_call(out, "corrie_exact", value, json, FORM_TIMESTAMP);
        buf_add_text(out, " AS TIMESTAMP WITH TIME ZONE) AS TIMESTAMP))");
    } else {
        buf_add_text(out, "TRY_CAST(");
        add_call(out, type->kind == TYPE_INT ? "corrie_whole" : "corrie_exact", value, json,
                 type->kind == TYPE_INT ? 0 : form_of(type));
        buf_add_text(out, " AS ");
        type_print_sql(type, out);
        buf_add_char(out, ')');
    }
}

static void add_failing_leaf(struct buf *out, struct str value, const struct type *type, bool json,
                             struct str path)
{
    _cleanup_(buf_done) struct buf before = {0};
    _cleanup_(buf_done) struct buf behind = {0};

    buf_addf(&before, "column %.*s: %s", STR_FMT(path), json ? "" : "'");
    buf_addf(&behind, "%s is not ", json ? "" : "'");
    type_print_sql(type, &behind);
    buf_add_text(out, "coalesce(");
    add_leaf(out, value, type, json);
    buf_addf(out, ", CASE WHEN %.*s IS NOT NULL THEN error(", STR_FMT(value));
    buf_add_sql_string(out, buf_str(&before));
    buf_addf(out, " || CAST(%.*s AS VARCHAR)[:%d] || ", STR_FMT(value), SHOWN);
    buf_add_sql_string(out, buf_str(&behind));
    buf_add_text(out, ") END)");
}

struct walk {
    struct buf *out;
    bool json;
    bool misfit; /* whether it fits is asked, not the value */
    int depth;
};

static void walk_type(struct walk *walk, struct str value, const struct type *type,
                      struct str path);

/* A field of a struct, or of the entries of a map. */
static void walk_field(struct walk *walk, struct str of, struct str name, const struct type *type,
                       struct str path)
{
    _cleanup_(buf_done) struct buf value = {0};
    _cleanup_(buf_done) struct buf inner = {0};

    buf_addf(&value, "struct_extract(%.*s, ", STR_FMT(of));
    buf_add_sql_string(&value, name);
    buf_add_char(&value, ')');
    buf_addf(&inner, "%.*s.%.*s", STR_FMT(path), STR_FMT(name));
    walk_type(walk, buf_str(&value), type, buf_str(&inner));
}

static void walk_struct(struct walk *walk, struct str value, const struct type *type,
                        struct str path)
{
    if (walk->misfit) {
        buf_add_text(walk->out, "(false");
    } else {
        buf_addf(walk->out, "CASE WHEN %.*s IS NOT NULL THEN {", STR_FMT(value));
    }
    for (size_t i = 0; i < type->n_fields; i++) {
        if (walk->misfit) {
            buf_add_text(walk->out, " OR ");
        } else {
            buf_add_text(walk->out, i > 0 ? ", " : "");
            buf_add_sql_string(walk->out, type->fields[i].name);
            buf_add_text(walk->out, ": ");
        }
        walk_field(walk, value, type->fields[i].name, &type->fields[i].type, path);
    }
    buf_add_text(walk->out, walk->misfit ? ")" : "} END");
}

/* A list's elements, or a map's entries, which are structs. */
static void walk_elements(struct walk *walk, struct str value, const struct type *type,
                          struct str path)
{
    _cleanup_(buf_done) struct buf name = {0};
    _cleanup_(buf_done) struct buf inner = {0};
    bool map = type->kind == TYPE_MAP;
    struct type entries = *type;

    entries.kind = TYPE_STRUCT;
    buf_addf(&name, "e%d", walk->depth++);
    buf_addf(&inner, "%.*s%s", STR_FMT(path), map ? "" : ".element");
    buf_add_text(walk->out, walk->misfit ? "coalesce(list_bool_or("
                            : map        ? "map_from_entries("
                                         : "");
    buf_addf(walk->out, map ? "list_transform(map_entries(%.*s)" : "list_transform(%.*s",
             STR_FMT(value));
    buf_addf(walk->out, ", lambda %s: ", buf_text(&name));
    walk_type(walk, buf_str(&name), map ? &entries : &type->fields[0].type, buf_str(&inner));
    buf_add_char(walk->out, ')');
    buf_add_text(walk->out, walk->misfit ? "), false)" : map ? ")" : "");
    walk->depth--;
}

static void walk_type(struct walk *walk, struct str value, const struct type *type, struct str path)
{
    if (!exact_matters(NULL, type)) {
        buf_add_str(walk->out, walk->misfit ? STR("false") : value);
    } else if (type->kind == TYPE_STRUCT) {
        walk_struct(walk, value, type, path);
    } else if (type->n_fields > 0) {
        walk_elements(walk, value, type, path);
    } else if (walk->misfit) {
        buf_addf(walk->out, "(%.*s IS NOT NULL AND ", STR_FMT(value));
        add_leaf(walk->out, value, type, walk->json);
        buf_add_text(walk->out, " IS NULL)");
    } else {
        add_failing_leaf(walk->out, value, type, walk->json, path);
    }
}

void exact_add_cast(struct buf *out, struct str value, const struct type *type, bool json,
                    struct str path)
{
    walk_type(&(struct walk){.out = out, .json = json}, value, type, path);
}

void exact_add_misfit(struct buf *out, struct str value, const struct type *type, bool json)
{
    walk_type(&(struct walk){.out = out, .json = json, .misfit = true}, value, type, STR_EMPTY);
}
