/* classify.c — what a text of a CSV file looks like.
 *
 * Only ISO-8601 makes dates: 1/1/2017 is the first of January to some and to others, 1/2/2017 is not,
 * so a person has to say (--date-format). 007 is no number: the zeros would be gone. */
#include "engine/classify.h"

#include <strings.h>

static bool digits(struct str text, size_t at, size_t n)
{
    if (at + n > text.len) {
        return false;
    }
    for (size_t i = at; i < at + n; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

static int number_at(struct str text, size_t at, size_t n)
{
    int value = 0;

    for (size_t i = at; i < at + n; i++) {
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static bool is_date(struct str text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    int month;
    int day;

    if (text.len < 10 || !digits(text, 0, 4) || text.data[4] != '-' || !digits(text, 5, 2) ||
        text.data[7] != '-' || !digits(text, 8, 2)) {
        return false;
    }
    year = number_at(text, 0, 4);
    month = number_at(text, 5, 2);
    day = number_at(text, 8, 2);
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    return day <= days[month - 1] ||
           (month == 2 && day == 29 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Length of hh:mm[:ss[.f…]] at the start of `text`, or 0. */
static size_t time_length(struct str text, bool *ret_seconds)
{
    size_t len = 5;

    *ret_seconds = false;
    if (!digits(text, 0, 2) || text.len < 5 || text.data[2] != ':' || !digits(text, 3, 2) ||
        number_at(text, 0, 2) > 23 || number_at(text, 3, 2) > 59) {
        return 0;
    }
    if (len < text.len && text.data[len] == ':') {
        if (!digits(text, len + 1, 2) || number_at(text, len + 1, 2) > 59) {
            return 0;
        }
        *ret_seconds = true;
        len += 3;
        if (len < text.len && text.data[len] == '.') {
            size_t end = len + 1;

            while (digits(text, end, 1)) {
                end++;
            }
            if (end == len + 1 || end - len - 1 > 6) {
                return 0; /* nanoseconds: kept as text rather than cut */
            }
            len = end;
        }
    }
    return len;
}

static bool is_zone(struct str text)
{
    if (text.len == 1) {
        return text.data[0] == 'Z' || text.data[0] == 'z';
    }
    if (text.len < 3 || (text.data[0] != '+' && text.data[0] != '-') || !digits(text, 1, 2)) {
        return false;
    }
    return text.len == 3 || (text.len == 5 && digits(text, 3, 2)) ||
           (text.len == 6 && text.data[3] == ':' && digits(text, 4, 2));
}

static enum text_class classify_time(struct str text)
{
    bool seconds;
    size_t len;

    if (!is_date(text)) {
        return time_length(text, &seconds) == text.len && seconds ? TEXT_TIME : TEXT_OTHER;
    }
    if (text.len == 10) {
        return TEXT_DATE;
    }
    if (text.data[10] != ' ' && text.data[10] != 'T') {
        return TEXT_OTHER;
    }
    text = str_from(text, 11);
    len = time_length(text, &seconds);
    if (len == 0) {
        return TEXT_OTHER;
    }
    return len == text.len                ? TEXT_TIMESTAMP
           : is_zone(str_from(text, len)) ? TEXT_TIMESTAMPTZ
                                          : TEXT_OTHER;
}

static enum text_class classify_number(struct str text)
{
    size_t at = text.data[0] == '-' || text.data[0] == '+';
    size_t whole = at;
    size_t fraction = 0;
    bool real = false;
    int64_t value;

    while (digits(text, at, 1)) {
        at++;
    }
    whole = at - whole;
    if (whole > 1 && text.data[at - whole] == '0') {
        return TEXT_OTHER;
    }
    if (at < text.len && text.data[at] == '.') {
        size_t start = ++at;

        real = true;
        while (digits(text, at, 1)) {
            at++;
        }
        fraction = at - start;
    }
    if (whole + fraction == 0) {
        return TEXT_OTHER;
    }
    if (at < text.len && (text.data[at] == 'e' || text.data[at] == 'E')) {
        size_t start;

        real = true;
        at++;
        at += at < text.len && (text.data[at] == '-' || text.data[at] == '+');
        start = at;
        while (digits(text, at, 1)) {
            at++;
        }
        if (at == start) {
            return TEXT_OTHER;
        }
    }
    if (at != text.len) {
        return TEXT_OTHER;
    }
    if (real) {
        return TEXT_NUMBER;
    }
    return str_to_int64(text, &value) ? TEXT_INTEGER : TEXT_OTHER;
}

static bool is_word(struct str text, const char *word)
{
    return str_eq_nocase(text, str_of(word));
}

enum text_class text_classify(struct str text)
{
    enum text_class as_number;

    if (text.len == 0 || text.len > 64) {
        return TEXT_OTHER;
    }
    if (is_word(text, "true") || is_word(text, "false")) {
        return TEXT_BOOLEAN;
    }
    if (is_word(text, "nan") || is_word(text, "inf") || is_word(text, "-inf") ||
        is_word(text, "infinity") || is_word(text, "-infinity")) {
        return TEXT_NUMBER;
    }
    as_number = classify_number(text);
    return as_number == TEXT_OTHER ? classify_time(text) : as_number;
}

const char *text_class_type(unsigned classes)
{
    if (classes == TEXT_INTEGER) {
        return "BIGINT";
    }
    if (classes != 0 && (classes & ~(unsigned)(TEXT_INTEGER | TEXT_NUMBER)) == 0) {
        return "DOUBLE";
    }
    if (classes == TEXT_BOOLEAN) {
        return "BOOLEAN";
    }
    if (classes == TEXT_DATE) {
        return "DATE";
    }
    if (classes == TEXT_TIME) {
        return "TIME";
    }
    if (classes == TEXT_TIMESTAMPTZ) {
        return "TIMESTAMP WITH TIME ZONE";
    }
    if (classes != 0 && (classes & ~(unsigned)(TEXT_DATE | TEXT_TIMESTAMP)) == 0) {
        return "TIMESTAMP";
    }
    return "VARCHAR";
}
