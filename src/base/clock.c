#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

enum { NS = 1000000000 };

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * NS + now.tv_nsec;
}

int64_t clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep(int64_t nanoseconds)
{
    struct timespec wait = {.tv_sec = nanoseconds / NS, .tv_nsec = nanoseconds % NS};

    if (nanoseconds > 0) {
        nanosleep(&wait, NULL);
    }
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back, by eras of 400 years that begin in
 * March (so that the leap day is the last of its year). */
static int64_t days_of_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void date_of_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;

    *ret_day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *ret_month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

/* `digits` decimal digits and what follows them; returns what comes next. Listings are full of times, and snprintf
 * takes ten times as long. */
static char *add_digits(char *at, int64_t value, int digits, char then)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    at[digits] = then;
    return at + digits + 1;
}

void clock_format(int64_t time_ns, char ret[CLOCK_TEXT_MAX])
{
    int64_t seconds = time_ns / NS;
    int64_t fraction = time_ns % NS;
    int64_t days;
    int64_t year;
    int month;
    int day;
    char *at = ret;

    if (fraction < 0) {
        fraction += NS;
        seconds--;
    }
    days = seconds / 86400;
    seconds %= 86400;
    if (seconds < 0) {
        seconds += 86400;
        days--;
    }
    date_of_days(days, &year, &month, &day);
    at = add_digits(at, year, 4, '-'); /* nanoseconds in 64 bits reach from 1677 to 2262 */
    at = add_digits(at, month, 2, '-');
    at = add_digits(at, day, 2, 'T');
    at = add_digits(at, seconds / 3600, 2, ':');
    at = add_digits(at, seconds / 60 % 60, 2, ':');
    at = add_digits(at, seconds % 60, 2, 'Z');
    if (fraction > 0) {
        at[-1] = '.';
        at = add_digits(at, fraction, 9, 'Z');
        while (at[-2] == '0') {
            at--;
            at[-1] = 'Z';
        }
    }
    *at = '\0';
}

/* Takes exactly `digits` digits off the front. */
static bool take_digits(struct str *text, size_t digits, int *ret)
{
    int value = 0;

    if (text->len < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return false;
        }
        value = value * 10 + (text->data[i] - '0');
    }
    *text = str_from(*text, digits);
    *ret = value;
    return true;
}

static bool take_char(struct str *text, char c)
{
    if (text->len == 0 || text->data[0] != c) {
        return false;
    }
    *text = str_from(*text, 1);
    return true;
}

static bool parse_date(struct str *text, int64_t *ret_days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    int month;
    int day;
    int last;

    if (!take_digits(text, 4, &year) || !take_char(text, '-') || !take_digits(text, 2, &month) ||
        !take_char(text, '-') || !take_digits(text, 2, &day) || month < 1 || month > 12) {
        return false;
    }
    last =
        lengths[month - 1] + (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    if (day < 1 || day > last) {
        return false;
    }
    *ret_days = days_of_date(year, month, day);
    return true;
}

static bool parse_fraction(struct str *text, int64_t *ret_ns)
{
    int64_t scale = NS / 10;
    int64_t fraction = 0;
    int digit;

    if (!take_digits(text, 1, &digit)) {
        return false;
    }
    do {
        fraction += digit * scale;
        scale /= 10;
    } while (take_digits(text, 1, &digit));
    *ret_ns = fraction;
    return true;
}

static bool parse_time(struct str *text, int64_t *ret_ns)
{
    int hour;
    int minute;
    int second = 0;
    int64_t fraction = 0;

    if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute)) {
        return false;
    }
    if (take_char(text, ':') && !take_digits(text, 2, &second)) {
        return false;
    }
    if (take_char(text, '.') && !parse_fraction(text, &fraction)) {
        return false;
    }
    if (hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *ret_ns = ((int64_t)hour * 3600 + minute * 60 + second) * NS + fraction;
    return true;
}

bool clock_parse(struct str text, int64_t *ret_ns)
{
    int64_t days;
    int64_t of_day = 0;
    int64_t offset = 0;
    int64_t result;

    if (!parse_date(&text, &days)) {
        return false;
    }
    if (text.len > 0) {
        bool separated = take_char(&text, 'T') || take_char(&text, ' ');

        if (!separated || !parse_time(&text, &of_day)) {
            return false;
        }
        if (text.len > 0 && !take_char(&text, 'Z')) {
            bool plus = take_char(&text, '+');
            int hours;
            int minutes;

            if ((!plus && !take_char(&text, '-')) || !take_digits(&text, 2, &hours) ||
                !take_char(&text, ':') || !take_digits(&text, 2, &minutes) || hours > 23 ||
                minutes > 59) {
                return false;
            }
            offset = ((int64_t)hours * 3600 + minutes * 60) * (plus ? NS : -NS);
        }
    }
    if (text.len > 0 || __builtin_mul_overflow(days, (int64_t)86400 * NS, &result) ||
        __builtin_add_overflow(result, of_day - offset, &result)) {
        return false;
    }
    *ret_ns = result;
    return true;
}

bool clock_parse_end(struct str text, int64_t *ret_ns)
{
    if (!clock_parse(text, ret_ns)) {
        return false;
    }
    if (str_find(text, '.') < 0 && __builtin_add_overflow(*ret_ns, NS - 1, ret_ns)) {
        *ret_ns = INT64_MAX;
    }
    return true;
}
