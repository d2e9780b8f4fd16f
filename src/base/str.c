#include "base/str.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"

int str_cmp(struct str a, struct str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.data, b.data, shorter) : 0;

    if (order != 0) {
        return order;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.data[i]) != lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool str_has_nocase(struct str s, struct str word)
{
    for (size_t i = 0; i + word.len <= s.len; i++) {
        if (str_eq_nocase(str_slice(s, i, word.len), word)) {
            return true;
        }
    }
    return false;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_slice(s, 0, prefix.len), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_from(s, s.len - suffix.len), suffix);
}

ptrdiff_t str_find(struct str s, char c)
{
    const char *found = s.len ? memchr(s.data, c, s.len) : NULL;

    return found ? found - s.data : -1;
}

ptrdiff_t str_rfind(struct str s, char c)
{
    const char *found = s.len ? memrchr(s.data, c, s.len) : NULL;

    return found ? found - s.data : -1;
}

ptrdiff_t str_find_str(struct str s, struct str needle)
{
    const char *found;

    if (needle.len == 0) {
        return 0;
    }
    found = s.len ? memmem(s.data, s.len, needle.data, needle.len) : NULL;
    return found ? found - s.data : -1;
}

struct str str_from(struct str s, size_t from)
{
    if (from > s.len) {
        from = s.len;
    }
    return (struct str){s.data ? s.data + from : "", s.len - from};
}

struct str str_slice(struct str s, size_t from, size_t len)
{
    struct str rest = str_from(s, from);

    if (rest.len > len) {
        rest.len = len;
    }
    return rest;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_space(s.data[0])) {
        s = str_from(s, 1);
    }
    while (s.len > 0 && is_space(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool str_cut(struct str s, char c, struct str *ret_head, struct str *ret_tail)
{
    ptrdiff_t at = str_find(s, c);

    if (at < 0) {
        *ret_head = s;
        *ret_tail = str_from(s, s.len);
        return false;
    }
    *ret_head = str_slice(s, 0, (size_t)at);
    *ret_tail = str_from(s, (size_t)at + 1);
    return true;
}

/* Length of the well-formed sequence that starts at `bytes`, or 0 (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *bytes, size_t len)
{
    unsigned char first = bytes[0];
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t need;

    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        need = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        need = 3;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    } else if (first >= 0xF0 && first <= 0xF4) {
        need = 4;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    } else {
        return 0;
    }
    if (len < need || bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < need; i++) {
        if (bytes[i] < 0x80 || bytes[i] > 0xBF) {
            return 0;
        }
    }
    return need;
}

bool str_is_utf8(struct str s, size_t *ret_bad)
{
    const unsigned char *bytes = (const unsigned char *)s.data;
    size_t i = 0;

    while (i < s.len) {
        size_t step = utf8_sequence(bytes + i, s.len - i);

        if (step == 0) {
            if (ret_bad) {
                *ret_bad = i;
            }
            return false;
        }
        i += step;
    }
    return true;
}

bool str_to_uint64(struct str s, uint64_t *ret)
{
    uint64_t value = 0;

    if (s.len > 0 && s.data[0] == '+') {
        s = str_from(s, 1);
    }
    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s.data[i] - '0'), &value)) {
            return false;
        }
    }
    *ret = value;
    return true;
}

bool str_to_int64(struct str s, int64_t *ret)
{
    bool negative = s.len > 0 && s.data[0] == '-';
    uint64_t magnitude;

    if (negative && (s.len < 2 || s.data[1] == '+')) {
        return false;
    }
    if (!str_to_uint64(negative ? str_from(s, 1) : s, &magnitude)) {
        return false;
    }
    if (magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *ret = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool str_to_double(struct str s, double *ret)
{
    static locale_t c_locale;
    char text[512];
    char *end;
    double value;

    if (s.len == 0 || s.len >= sizeof text || is_space(s.data[0])) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        /* no hexadecimal floats, no inf, no nan: only what people call a decimal number */
        if (!strchr("0123456789+-.eE", s.data[i]) || s.data[i] == '\0') {
            return false;
        }
    }
    if (!c_locale) {
        c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    }
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    value = c_locale ? strtod_l(text, &end, c_locale) : strtod(text, &end);
    if (end != text + s.len || !isfinite(value)) {
        return false;
    }
    *ret = value;
    return true;
}

bool str_to_size(struct str s, uint64_t *ret)
{
    static const char units[] = "KMGT";
    uint64_t scale = 1;
    double value;

    if (str_ends(s, STR("iB"))) {
        s.len -= 2;
    } else if (s.len > 1 && (s.data[s.len - 1] == 'B' || s.data[s.len - 1] == 'b')) {
        s.len--;
    }
    if (s.len > 1) {
        char last = s.data[s.len - 1];
        const char *unit = strchr(units, last >= 'a' ? last - 32 : last);

        if (unit && *unit) {
            scale = (uint64_t)1 << (10 * (unit - units + 1));
            s.len--;
        }
    }
    if (str_to_uint64(s, ret)) {
        return !__builtin_mul_overflow(*ret, scale, ret);
    }
    if (!str_to_double(s, &value) || value < 0 || value * (double)scale >= 9.2e18) {
        return false;
    }
    *ret = (uint64_t)(value * (double)scale);
    return true;
}

bool str_to_duration(struct str s, int64_t *ret)
{
    static const char units[] = "smhdw";
    static const int64_t seconds[] = {1, 60, 3600, 86400, 604800};
    const char *unit = s.len > 1 && s.data[s.len - 1] ? strchr(units, s.data[s.len - 1]) : NULL;
    uint64_t number;

    if (str_eq(s, STR("0"))) {
        *ret = 0;
        return true;
    }
    if (!unit || !str_to_uint64(str_slice(s, 0, s.len - 1), &number) || number > INT64_MAX) {
        return false;
    }
    return !__builtin_mul_overflow((int64_t)number, seconds[unit - units], ret);
}

char *str_dup(struct str s)
{
    return mem_copy_text(s.data, s.len);
}

/* Edit distance in half steps: a change of case 1, an insert, delete, replace or swap 2. Returns
 * `limit` + 1 as soon as it must be larger than `limit`. Names longer than the rows are not compared. */
enum { NEAREST_MAX = 128 };

static int edit_distance(struct str a, struct str b, int limit)
{
    int rows[3][NEAREST_MAX + 1];
    int *before = rows[0];
    int *previous = rows[1];
    int *current = rows[2];

    if (a.len > NEAREST_MAX || b.len > NEAREST_MAX) {
        return limit + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        previous[j] = (int)j * 2;
    }
    for (size_t i = 1; i <= a.len; i++) {
        int best;
        int *spare;

        current[0] = best = (int)i * 2;
        for (size_t j = 1; j <= b.len; j++) {
            char x = a.data[i - 1];
            char y = b.data[j - 1];
            int cost = previous[j - 1] + (x == y ? 0 : lower(x) == lower(y) ? 1 : 2);

            cost = previous[j] + 2 < cost ? previous[j] + 2 : cost;
            cost = current[j - 1] + 2 < cost ? current[j - 1] + 2 : cost;
            if (i > 1 && j > 1 && x == b.data[j - 2] && a.data[i - 2] == y &&
                before[j - 2] + 2 < cost) {
                cost = before[j - 2] + 2;
            }
            current[j] = cost;
            best = cost < best ? cost : best;
        }
        if (best > limit) {
            return limit + 1;
        }
        spare = before;
        before = previous;
        previous = current;
        current = spare;
    }
    return previous[b.len];
}

size_t str_nearest(struct str name, const struct str *names, size_t n_names, size_t *ret,
                   size_t max)
{
    int distances[16];
    size_t found = 0;

    if (max > ARRAY_LEN(distances)) {
        max = ARRAY_LEN(distances);
    }
    for (size_t i = 0; i < n_names; i++) {
        size_t longer = name.len > names[i].len ? name.len : names[i].len;
        int limit = longer < 3 ? 2 : 2 * (int)(longer / 3);
        int distance = edit_distance(name, names[i], limit);
        size_t at = found;

        if (distance > limit || max == 0) {
            continue;
        }
        while (at > 0 && distances[at - 1] > distance) {
            at--;
        }
        if (at >= max) {
            continue;
        }
        if (found < max) {
            found++;
        }
        memmove(distances + at + 1, distances + at, (found - at - 1) * sizeof *distances);
        memmove(ret + at + 1, ret + at, (found - at - 1) * sizeof *ret);
        distances[at] = distance;
        ret[at] = i;
    }
    return found;
}
