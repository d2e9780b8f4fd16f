/* Scalars: from and to text, JSON and SQL. */
#include "arrow/scalar_priv.h"

#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/uuid.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (INT64_C(86400) * US_PER_SECOND)

/* ---- calendar (proleptic Gregorian) ---- */

static int64_t days_of_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void scalar_civil_of_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * of_year + 2) / 153;
    *ret_day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* ---- reading ---- */

struct reader {
    struct str text;
    size_t at;
};

static bool read_digits(struct reader *r, size_t min, size_t max, int64_t *ret)
{
    int64_t value = 0;
    size_t n = 0;
    while (n < max && r->at < r->text.len && r->text.data[r->at] >= '0' &&
           r->text.data[r->at] <= '9') {
        value = value * 10 + (r->text.data[r->at++] - '0');
        n++;
    }
    *ret = value;
    return n >= min;
}

static bool read_char(struct reader *r, char c)
{
    if (r->at < r->text.len && r->text.data[r->at] == c) {
        r->at++;
        return true;
    }
    return false;
}

static bool read_date(struct reader *r, int64_t *ret_days)
{
    int64_t year;
    int64_t month;
    int64_t day;
    bool negative = read_char(r, '-');

    if (!read_digits(r, 1, 7, &year) || !read_char(r, '-') || !read_digits(r, 1, 2, &month) ||
        !read_char(r, '-') || !read_digits(r, 1, 2, &day)) {
        return false;
    }
    if (str_starts(str_from(r->text, r->at), STR(" (BC)"))) {
        r->at += 5;
        year = 1 - year;
    }
    year = negative ? -year : year;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, (int)month)) {
        return false;
    }
    *ret_days = days_of_civil(year, (int)month, (int)day);
    return true;
}

/* HH:MM[:SS[.fraction]], at most 24:00. False too where the fraction is finer than microseconds. */
static bool read_time(struct reader *r, int64_t *ret_us)
{
    int64_t hour;
    int64_t minute;
    int64_t second = 0;
    int64_t fraction = 0;

    if (!read_digits(r, 1, 2, &hour) || !read_char(r, ':') || !read_digits(r, 2, 2, &minute)) {
        return false;
    }
    if (read_char(r, ':') && !read_digits(r, 2, 2, &second)) {
        return false;
    }
    if (read_char(r, '.')) {
        size_t from = r->at;
        if (!read_digits(r, 1, 6, &fraction)) {
            return false;
        }
        for (size_t n = r->at - from; n < 6; n++) {
            fraction *= 10;
        }
        while (read_char(r, '0')) {
        }
    }
    if (hour > 24 || minute > 59 || second > 59) {
        return false;
    }
    *ret_us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND + fraction;
    return *ret_us <= US_PER_DAY;
}

/* Z, ±HH, ±HHMM, ±HH:MM; nothing is UTC. */
static bool read_zone(struct reader *r, int64_t *ret_us)
{
    int64_t hour;
    int64_t minute = 0;

    *ret_us = 0;
    if (r->at == r->text.len || read_char(r, 'Z')) {
        return true;
    }
    bool negative = r->text.data[r->at] == '-';
    if (!negative && r->text.data[r->at] != '+') {
        return false;
    }
    r->at++;
    if (!read_digits(r, 2, 2, &hour)) {
        return false;
    }
    if (r->at < r->text.len) {
        (void)read_char(r, ':');
        if (!read_digits(r, 2, 2, &minute)) {
            return false;
        }
    }
    if (hour > 15 || minute > 59) {
        return false;
    }
    *ret_us = (hour * 60 + minute) * 60 * US_PER_SECOND * (negative ? -1 : 1);
    return true;
}

static bool read_timestamp(struct str text, bool zoned, int64_t *ret_us)
{
    struct reader r = {.text = text};
    int64_t days;
    int64_t time = 0;
    int64_t zone = 0;
    int64_t us;

    if (!read_date(&r, &days)) {
        return false;
    }
    if ((read_char(&r, ' ') || read_char(&r, 'T')) && !read_time(&r, &time)) {
        return false;
    }
    if (zoned && !read_zone(&r, &zone)) {
        return false;
    }
    if (r.at != text.len || __builtin_mul_overflow(days, US_PER_DAY, &us) ||
        __builtin_add_overflow(us, time - zone, &us)) {
        return false;
    }
    *ret_us = us;
    return true;
}

/* Digits with an optional point, exactly in the scale of the type. */
static bool read_decimal(const struct type *type, struct str text, int128 *ret)
{
    int128 value = 0;
    int digits = 0;
    int scale = -1; /* digits after the point; -1 before it */
    bool any = false;
    size_t i = 0;

    bool negative = text.len > 0 && text.data[0] == '-';
    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
        i = 1;
    }
    for (; i < text.len; i++) {
        char c = text.data[i];
        if (c == '.' && scale < 0) {
            scale = 0;
            continue;
        }
        if (c < '0' || c > '9') {
            return false;
        }
        any = true;
        if (scale >= type->scale) {
            if (c != '0') {
                return false;
            }
            continue;
        }
        if (digits > 0 || c != '0') {
            digits++;
        }
        if (digits > TYPE_DECIMAL_DIGITS) {
            return false;
        }
        value = value * 10 + (c - '0');
        scale += scale >= 0;
    }
    for (scale = scale < 0 ? 0 : scale; scale < type->scale; scale++) {
        if (value != 0 && ++digits > TYPE_DECIMAL_DIGITS) {
            return false;
        }
        value *= 10;
    }
    *ret = negative ? -value : value;
    return any;
}

static bool read_double(struct str text, double *ret)
{
    if (str_eq_nocase(text, STR("nan"))) {
        *ret = (double)NAN;
    } else if (str_eq_nocase(text, STR("inf")) || str_eq_nocase(text, STR("infinity"))) {
        *ret = (double)INFINITY;
    } else if (str_eq_nocase(text, STR("-inf")) || str_eq_nocase(text, STR("-infinity"))) {
        *ret = -(double)INFINITY;
    } else {
        return str_to_double(text, ret);
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex(struct str text, char *out)
{
    for (size_t i = 0; i + 1 < text.len; i += 2) {
        int high = hex_digit(text.data[i]);
        int low = hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        out[i / 2] = (char)(high << 4 | low);
    }
    return text.len % 2 == 0;
}

static bool read_boolean(struct str text, int64_t *ret)
{
    *ret =
        str_eq_nocase(text, STR("true")) || str_eq(text, STR("1")) || str_eq_nocase(text, STR("t"));
    return *ret || str_eq_nocase(text, STR("false")) || str_eq(text, STR("0")) ||
           str_eq_nocase(text, STR("f"));
}

/* Kinds whose value is an integer. */
static bool read_integer(const struct type *type, struct str text, int64_t *ret)
{
    struct reader r = {.text = text};

    switch (type->kind) {
    case TYPE_BOOLEAN:
        return read_boolean(text, ret);
    case TYPE_INT:
        return str_to_int64(text, ret) && *ret >= INT32_MIN && *ret <= INT32_MAX;
    case TYPE_LONG:
        return str_to_int64(text, ret);
    case TYPE_DATE:
        return read_date(&r, ret) && r.at == text.len && *ret >= INT32_MIN && *ret <= INT32_MAX;
    case TYPE_TIME:
        return read_time(&r, ret) && r.at == text.len;
    case TYPE_TIMESTAMP:
        return read_timestamp(text, false, ret);
    case TYPE_TIMESTAMPTZ:
        return read_timestamp(text, true, ret);
    default:
        return false;
    }
}

static int fail_text(const struct type *type, struct str text, corrie_error *err)
{
    _cleanup_(buf_done) struct buf name = {0};
    type_print(type, &name);
    return corrie_fail(err, CORRIE_E_DATA, "\"%.*s\" is no value of type %s",
                       STR_FMT(str_slice(text, 0, 200)), buf_text(&name));
}

int scalar_from_text(const struct type *type, struct str text, struct arena *arena, struct str *ret,
                     corrie_error *err)
{
    int64_t i;
    double d;
    int128 unscaled;
    struct uuid uuid;
    char *bytes;

    switch (type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return read_double(text, &d) ? scalar_from_double(type, d, arena, ret, err)
                                     : fail_text(type, text, err);
    case TYPE_DECIMAL:
        return read_decimal(type, text, &unscaled)
                   ? scalar_write_decimal(type, unscaled, arena, ret, err)
                   : fail_text(type, text, err);
    case TYPE_STRING:
        return arena_str(arena, text, ret) < 0 ? corrie_fail_memory(err) : 0;
    case TYPE_UUID:
        if (!uuid_parse(text, &uuid)) {
            return fail_text(type, text, err);
        }
        return arena_str(arena, str_make((const char *)uuid.bytes, 16), ret) < 0
                   ? corrie_fail_memory(err)
                   : 0;
    case TYPE_BINARY:
    case TYPE_FIXED:
        bytes = arena_alloc(arena, text.len / 2 + 1, 1);
        if (!bytes) {
            return corrie_fail_memory(err);
        }
        if (!read_hex(text, bytes) ||
            (type->kind == TYPE_FIXED && text.len / 2 != (size_t)type->length)) {
            return fail_text(type, text, err);
        }
        *ret = str_make(bytes, text.len / 2);
        return 0;
    default:
        return read_integer(type, text, &i) ? scalar_from_int(type, i, arena, ret, err)
                                            : fail_text(type, text, err);
    }
}

/* ---- writing ---- */

static void print_date(int64_t days, struct buf *out)
{
    int64_t year;
    int month;
    int day;

    scalar_civil_of_days(days, &year, &month, &day);
    if (year < 0) {
        buf_addf(out, "-%04lld-%02d-%02d", (long long)-year, month, day);
    } else {
        buf_addf(out, "%04lld-%02d-%02d", (long long)year, month, day);
    }
}

static void print_time(int64_t us, struct buf *out)
{
    int64_t seconds = us / US_PER_SECOND;
    int fraction = (int)(us % US_PER_SECOND);

    buf_addf(out, "%02d:%02d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
             (int)(seconds % 60));
    if (fraction != 0) {
        char text[8];
        int len = snprintf(text, sizeof text, ".%06d", fraction);
        while (text[len - 1] == '0') {
            len--;
        }
        buf_add(out, text, (size_t)len);
    }
}

static void print_timestamp(int64_t us, struct buf *out)
{
    int64_t days = us / US_PER_DAY;
    int64_t time = us % US_PER_DAY;
    if (time < 0) {
        time += US_PER_DAY;
        days--;
    }
    print_date(days, out);
    buf_add_char(out, 'T');
    print_time(time, out);
}

static void print_decimal(int128 unscaled, int scale, struct buf *out)
{
    char digits[48];
    size_t n = 0;
    bool negative = unscaled < 0;
    __extension__ unsigned __int128 rest =
        negative ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;

    do {
        digits[n++] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest > 0 || n <= (size_t)scale);
    if (negative) {
        buf_add_char(out, '-');
    }
    while (n > 0) {
        buf_add_char(out, digits[--n]);
        if (n == (size_t)scale && scale > 0) {
            buf_add_char(out, '.');
        }
    }
}

/* The shortest digits that read back as the same value. */
static void print_double(double value, bool narrow, struct buf *out)
{
    char text[40];

    if (isnan(value) || isinf(value)) {
        buf_add_text(out, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
        return;
    }
    for (int precision = 1; precision <= 17; precision++) {
        double back;
        int len = snprintf(text, sizeof text, "%.*g", precision, value);
        if (str_to_double(str_make(text, (size_t)len), &back) &&
            (narrow ? (float)back == (float)value : back == value)) {
            break;
        }
    }
    buf_add_text(out, text);
    if (!strpbrk(text, ".e")) {
        buf_add_text(out, ".0");
    }
}

static void print_hex(struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        buf_addf(out, "%02x", (unsigned char)bytes.data[i]);
    }
}

static void print_integer(const struct type *type, int64_t value, struct buf *out)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buf_add_text(out, value ? "true" : "false");
        break;
    case TYPE_DATE:
        print_date(value, out);
        break;
    case TYPE_TIME:
        print_time(value, out);
        break;
    case TYPE_TIMESTAMP:
        print_timestamp(value, out);
        break;
    case TYPE_TIMESTAMPTZ:
        print_timestamp(value, out);
        buf_add_text(out, "+00:00");
        break;
    default:
        buf_addf(out, "%lld", (long long)value);
    }
}

int scalar_print(const struct type *type, struct str bytes, struct buf *out, corrie_error *err)
{
    int64_t i = 0;
    double d = 0;
    int128 unscaled = 0;

    int r = scalar_check(type, bytes, err);
    if (r < 0) {
        return r;
    }
    switch (type->kind) {
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        (void)scalar_read_double(type, bytes, &d);
        print_double(d, bytes.len == 4, out);
        break;
    case TYPE_DECIMAL:
        (void)scalar_read_decimal(bytes, &unscaled);
        print_decimal(unscaled, type->scale, out);
        break;
    case TYPE_STRING:
        buf_add_str(out, bytes);
        break;
    case TYPE_UUID: {
        struct uuid uuid;
        char text[UUID_TEXT + 1];
        memcpy(uuid.bytes, bytes.data, 16);
        uuid_format(&uuid, text);
        buf_add_text(out, text);
        break;
    }
    case TYPE_BINARY:
    case TYPE_FIXED:
        print_hex(bytes, out);
        break;
    default:
        (void)scalar_read_int(type, bytes, &i);
        if (type->kind == TYPE_TIME && (i < 0 || i > US_PER_DAY)) {
            return scalar_fail(type, bytes, err);
        }
        print_integer(type, i, out);
    }
    return 0;
}

int scalar_to_json(const struct type *type, struct str bytes, json_t **ret, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};
    int64_t i;
    double d;

    js_setup();
    int r = scalar_print(type, bytes, &text, err);
    if (r >= 0) {
        r = buf_check(&text, err);
    }
    if (r < 0) {
        return r;
    }
    if (type->kind == TYPE_BOOLEAN && scalar_read_int(type, bytes, &i)) {
        *ret = json_boolean(i);
    } else if ((type->kind == TYPE_INT || type->kind == TYPE_LONG) &&
               scalar_read_int(type, bytes, &i)) {
        *ret = json_integer(i);
    } else if (scalar_read_double(type, bytes, &d) && isfinite(d)) {
        *ret = json_real(d);
    } else {
        *ret = js_string(buf_str(&text));
    }
    return *ret ? 0 : corrie_fail_memory(err);
}

static void print_blob(struct str bytes, struct buf *out)
{
    buf_add_char(out, '\'');
    for (size_t i = 0; i < bytes.len; i++) {
        buf_addf(out, "\\x%02X", (unsigned char)bytes.data[i]);
    }
    buf_add_text(out, "'::BLOB");
}

int scalar_print_sql(const struct type *type, struct str bytes, struct buf *out, corrie_error *err)
{
    _cleanup_(buf_done) struct buf text = {0};

    int r = scalar_print(type, bytes, &text, err);
    if (r >= 0) {
        r = buf_check(&text, err);
    }
    if (r < 0) {
        return r;
    }
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buf_add_text(out, bytes.data[0] ? "TRUE" : "FALSE");
        return 0;
    case TYPE_STRING:
        if (str_find(bytes, '\0') >= 0 || !str_is_utf8(bytes, NULL)) {
            return corrie_fail(err, CORRIE_E_UNSUPPORTED,
                               "a text with NUL or broken UTF-8 cannot be written in SQL");
        }
        buf_add_sql_string(out, bytes);
        return 0;
    case TYPE_BINARY:
    case TYPE_FIXED:
        print_blob(bytes, out);
        return 0;
    case TYPE_INT:
    case TYPE_LONG:
    case TYPE_DECIMAL:
        buf_addf(out, "CAST(%s AS ", buf_text(&text));
        break;
    default:
        buf_addf(out, "CAST('%s' AS ", buf_text(&text));
    }
    type_print_sql(type, out);
    buf_add_char(out, ')');
    return 0;
}
