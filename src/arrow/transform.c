/* transform.c — partition transforms on scalars. */
#include "arrow/transform.h"

#include "arrow/scalar_priv.h"

#define DAY_US INT64_C(86400000000)
#define HOUR_US INT64_C(3600000000)

/* ---- names ---- */

static const struct {
    const char *name;
    enum transform_kind kind;
    bool has_number;
} names[] = {
    {"identity", TRANSFORM_IDENTITY, false}, {"void", TRANSFORM_VOID, false},
    {"year", TRANSFORM_YEAR, false},         {"month", TRANSFORM_MONTH, false},
    {"day", TRANSFORM_DAY, false},           {"hour", TRANSFORM_HOUR, false},
    {"bucket", TRANSFORM_BUCKET, true},      {"truncate", TRANSFORM_TRUNCATE, true},
};

/* "bucket[16]" with the name "bucket": the number, which must be one of its kind. */
static bool parse_number(struct str text, struct str name, int32_t *ret)
{
    int64_t number;

    if (text.len < name.len + 3 || !str_starts(text, name) || text.data[name.len] != '[' ||
        !str_ends(text, STR("]")) ||
        !str_to_int64(str_slice(text, name.len + 1, text.len - name.len - 2), &number) ||
        number <= 0 || number > INT32_MAX) {
        return false;
    }
    *ret = (int32_t)number;
    return true;
}

bool transform_parse(struct str text, struct transform *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str name = str_of(names[i].name);
        int32_t n = 0;

        if (names[i].has_number ? parse_number(text, name, &n) : str_eq(text, name)) {
            *ret = (struct transform){names[i].kind, n};
            return true;
        }
    }
    return false;
}

void transform_print(const struct transform *transform, struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].kind == transform->kind) {
            buf_add_text(out, names[i].name);
            if (names[i].has_number) {
                buf_addf(out, "[%d]", transform->n);
            }
        }
    }
}

/* ---- types ---- */

static bool is_time(enum type_kind kind)
{
    return kind == TYPE_TIMESTAMP || kind == TYPE_TIMESTAMPTZ;
}

static bool has_hash(enum type_kind kind)
{
    switch (kind) {
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_STRING:
    case TYPE_UUID:
    case TYPE_FIXED:
    case TYPE_BINARY:
        return true;
    default:
        return false;
    }
}

static bool is_primitive(enum type_kind kind)
{
    return has_hash(kind) || kind == TYPE_BOOLEAN || kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
}

bool transform_result(const struct transform *transform, const struct type *source,
                      struct type *ret)
{
    enum type_kind kind = source->kind;
    bool fits = false;

    *ret = (struct type){.kind = TYPE_INT};
    switch (transform->kind) {
    case TRANSFORM_IDENTITY:
    case TRANSFORM_VOID:
        fits = is_primitive(kind);
        *ret = *source;
        break;
    case TRANSFORM_YEAR:
    case TRANSFORM_MONTH:
        fits = is_time(kind) || kind == TYPE_DATE;
        break;
    case TRANSFORM_DAY:
        fits = is_time(kind) || kind == TYPE_DATE;
        ret->kind = TYPE_DATE;
        break;
    case TRANSFORM_HOUR:
        fits = is_time(kind);
        break;
    case TRANSFORM_BUCKET:
        fits = has_hash(kind);
        break;
    case TRANSFORM_TRUNCATE:
        fits = kind == TYPE_INT || kind == TYPE_LONG || kind == TYPE_DECIMAL ||
               kind == TYPE_STRING || kind == TYPE_BINARY;
        *ret = *source;
        break;
    }
    return fits;
}

/* ---- hashes ---- */

static uint32_t rotate(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* Murmur3_x86_32 of A. Appleby (public domain), seed 0. */
static uint32_t murmur3(const unsigned char *bytes, size_t len)
{
    const uint32_t c1 = 0xcc9e2d51;
    const uint32_t c2 = 0x1b873593;
    uint32_t hash = 0;
    uint32_t k = 0;
    size_t i = 0;

    for (; i + 4 <= len; i += 4) {
        k = (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 | (uint32_t)bytes[i + 2] << 16 |
            (uint32_t)bytes[i + 3] << 24;
        hash = rotate(hash ^ rotate(k * c1, 15) * c2, 13) * 5 + 0xe6546b64;
    }
    k = 0;
    for (size_t rest = len; rest > i; rest--) {
        k = k << 8 | bytes[rest - 1];
    }
    hash ^= rotate(k * c1, 15) * c2;
    hash ^= (uint32_t)len;
    hash = (hash ^ hash >> 16) * 0x85ebca6b;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35;
    return hash ^ hash >> 16;
}

/* The shortest form of a decimal's bytes: files may hold it at full width. */
static struct str shortest(struct str value)
{
    while (value.len > 1 && ((value.data[0] == 0 && !(value.data[1] & 0x80)) ||
                             ((unsigned char)value.data[0] == 0xff && value.data[1] & 0x80))) {
        value = str_from(value, 1);
    }
    return value;
}

int transform_hash(const struct type *source, struct str value, uint32_t *ret, corrie_error *err)
{
    unsigned char number[8];
    int64_t integer;
    int r;

    if (!has_hash(source->kind)) {
        return corrie_fail(err, CORRIE_E_USAGE, "values of this type have no buckets");
    }
    r = scalar_check(source, value, err);
    if (r < 0) {
        return r;
    }
    if (source->kind == TYPE_DECIMAL) {
        value = shortest(value);
    } else if (scalar_read_int(source, value, &integer)) {
        for (size_t i = 0; i < sizeof number; i++) {
            number[i] = (unsigned char)((uint64_t)integer >> 8 * i);
        }
        value = (struct str){(const char *)number, sizeof number};
    }
    *ret = murmur3((const unsigned char *)value.data, value.len);
    return 0;
}

/* ---- values ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years, months, days or hours since 1970 of a date or timestamp. */
static int64_t since_1970(const struct transform *transform, const struct type *source,
                          int64_t value)
{
    int64_t days = source->kind == TYPE_DATE ? value : floor_div(value, DAY_US);
    int64_t year;
    int month;
    int day;

    if (transform->kind == TRANSFORM_HOUR) {
        return floor_div(value, HOUR_US);
    }
    if (transform->kind == TRANSFORM_DAY) {
        return days;
    }
    scalar_civil_of_days(days, &year, &month, &day);
    return transform->kind == TRANSFORM_YEAR ? year - 1970 : (year - 1970) * 12 + month - 1;
}

static int cut_integer(const struct transform *transform, const struct type *source,
                       struct str value, struct arena *arena, struct str *ret, corrie_error *err)
{
    int64_t integer;
    int64_t rest;
    uint64_t cut;

    if (!scalar_read_int(source, value, &integer)) {
        return scalar_fail(source, value, err);
    }
    rest = integer % transform->n;
    cut = (uint64_t)integer - (uint64_t)(rest < 0 ? rest + transform->n : rest);
    return scalar_from_int(source, source->kind == TYPE_INT ? (int32_t)(uint32_t)cut : (int64_t)cut,
                           arena, ret, err);
}

static int cut_decimal(const struct transform *transform, const struct type *source,
                       struct str value, struct arena *arena, struct str *ret, corrie_error *err)
{
    struct type widest = *source;
    int128 unscaled;
    int128 rest;

    if (!scalar_read_decimal(value, &unscaled)) {
        return scalar_fail(source, value, err);
    }
    rest = unscaled % transform->n;
    widest.precision = TYPE_DECIMAL_DIGITS;
    return scalar_write_decimal(&widest, unscaled - (rest < 0 ? rest + transform->n : rest), arena,
                                ret, err);
}

/* At most n code points, or bytes. */
static struct str cut_text(const struct transform *transform, const struct type *source,
                           struct str value)
{
    return scalar_bound_lower(source, value, (size_t)transform->n);
}

static int make_bucket(const struct transform *transform, const struct type *source,
                       struct str value, struct arena *arena, struct str *ret, corrie_error *err)
{
    const struct type type = {.kind = TYPE_INT};
    uint32_t hash;
    int r = transform_hash(source, value, &hash, err);

    return r < 0 ? r
                 : scalar_from_int(&type, (hash & 0x7fffffff) % (uint32_t)transform->n, arena, ret,
                                   err);
}

static int truncate_value(const struct transform *transform, const struct type *source,
                          struct str value, struct arena *arena, struct str *ret, corrie_error *err)
{
    if (source->kind == TYPE_INT || source->kind == TYPE_LONG) {
        return cut_integer(transform, source, value, arena, ret, err);
    }
    if (source->kind == TYPE_DECIMAL) {
        return cut_decimal(transform, source, value, arena, ret, err);
    }
    *ret = cut_text(transform, source, value);
    return 0;
}

int transform_apply(const struct transform *transform, const struct type *source, struct str value,
                    struct arena *arena, struct str *ret, corrie_error *err)
{
    struct type type;
    int64_t integer;
    int r;

    if (!transform_result(transform, source, &type)) {
        return corrie_fail(err, CORRIE_E_USAGE, "the column's type has no such transform");
    }
    if (!value.data || transform->kind == TRANSFORM_VOID) {
        *ret = (struct str){NULL, 0};
        return 0;
    }
    r = scalar_check(source, value, err);
    if (r < 0) {
        return r;
    }
    switch (transform->kind) {
    case TRANSFORM_BUCKET:
        return make_bucket(transform, source, value, arena, ret, err);
    case TRANSFORM_TRUNCATE:
        return truncate_value(transform, source, value, arena, ret, err);
    case TRANSFORM_YEAR:
    case TRANSFORM_MONTH:
    case TRANSFORM_DAY:
    case TRANSFORM_HOUR:
        if (!scalar_read_int(source, value, &integer)) {
            return scalar_fail(source, value, err);
        }
        return scalar_from_int(&type, since_1970(transform, source, integer), arena, ret, err);
    default:
        *ret = value;
        return 0;
    }
}

/* ---- for people ---- */

int transform_print_value(const struct transform *transform, const struct type *result,
                          struct str value, struct buf *out, corrie_error *err)
{
    static const struct type date = {.kind = TYPE_DATE};
    int32_t n;
    int32_t in_unit;

    if (result->kind != TYPE_INT || value.len != sizeof n ||
        (transform->kind != TRANSFORM_YEAR && transform->kind != TRANSFORM_MONTH &&
         transform->kind != TRANSFORM_HOUR)) {
        return scalar_print(result, value, out, err);
    }
    memcpy(&n, value.data, sizeof n);
    if (transform->kind == TRANSFORM_YEAR) {
        buf_addf(out, "%04lld", 1970 + (long long)n);
        return 0;
    }
    in_unit = transform->kind == TRANSFORM_MONTH ? 12 : 24;
    /* Rounds towards the past, also before 1970. */
    int32_t units = n / in_unit - (n % in_unit < 0);
    int32_t rest = n - units * in_unit;

    if (transform->kind == TRANSFORM_MONTH) {
        buf_addf(out, "%04lld-%02d", 1970 + (long long)units, rest + 1);
        return 0;
    }
    int r = scalar_print(&date, str_make((const char *)&units, sizeof units), out, err);

    buf_addf(out, "-%02d", rest);
    return r;
}
