#include "base/json_text.h"

#include "base/clock.h"
#include "base/json.h"

/* ---- writing ---- */

/* After anything but an opening bracket and a colon there is something that a comma must end. Text
 * cannot be mistaken: it ends with a quote. */
static void separate(struct buf *out)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '[';

    if (last != '{' && last != '[' && last != ':') {
        buf_add_char(out, ',');
    }
}

void jt_open(struct buf *out, char bracket)
{
    separate(out);
    buf_add_char(out, bracket);
}

void jt_close(struct buf *out, char bracket)
{
    buf_add_char(out, bracket);
}

void jt_name(struct buf *out, struct str name)
{
    separate(out);
    js_add_string(out, name);
    buf_add_char(out, ':');
}

void jt_string(struct buf *out, struct str text)
{
    _cleanup_(buf_done) struct buf repaired = {0};
    size_t bad;

    separate(out);
    if (str_is_utf8(text, &bad)) {
        js_add_string(out, text);
        return;
    }
    do {
        buf_add(&repaired, text.data, bad);
        buf_add_text(&repaired, "\xEF\xBF\xBD");
        text = str_from(text, bad + 1);
    } while (!str_is_utf8(text, &bad));
    buf_add_str(&repaired, text);
    if (repaired.failed) {
        out->failed = out->failed ? out->failed : repaired.failed;
    }
    js_add_string(out, buf_str(&repaired));
}

void jt_hash(struct buf *out, const struct hash *hash)
{
    char hex[HASH_HEX + 1];

    separate(out);
    hash_hex(hash, hex);
    buf_add_char(out, '"');
    buf_add(out, hex, HASH_HEX);
    buf_add_char(out, '"');
}

void jt_raw(struct buf *out, struct str json)
{
    separate(out);
    buf_add_str(out, json);
}

void jt_add_str(struct buf *out, const char *field, struct str text)
{
    jt_name(out, str_of(field));
    jt_string(out, text);
}

void jt_add_int(struct buf *out, const char *field, int64_t value)
{
    char text[24];
    size_t at = sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        text[--at] = '-';
    }
    jt_name(out, str_of(field));
    jt_raw(out, (struct str){text + at, sizeof text - at});
}

void jt_add_hash(struct buf *out, const char *field, const struct hash *hash)
{
    jt_name(out, str_of(field));
    jt_hash(out, hash);
}

void jt_add_uuid(struct buf *out, const char *field, const struct uuid *uuid)
{
    char text[UUID_TEXT + 1];

    uuid_format(uuid, text);
    jt_add_str(out, field, str_of(text));
}

void jt_add_time(struct buf *out, const char *field, int64_t time)
{
    char text[CLOCK_TEXT_MAX];

    clock_format(time, text);
    jt_add_str(out, field, str_of(text));
}

void jt_add_null(struct buf *out, const char *field)
{
    jt_name(out, str_of(field));
    jt_raw(out, STR("null"));
}

/* ---- reading ---- */

static struct str skip_space(struct str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\n' || text.data[0] == '\t' ||
                            text.data[0] == '\r')) {
        text = str_from(text, 1);
    }
    return text;
}

/* Bytes of the string at the start of `text`, with its quotes; 0 if it does not end. */
static size_t string_length(struct str text)
{
    size_t at = 1;

    for (;;) {
        const char *quote = at < text.len ? memchr(text.data + at, '"', text.len - at) : NULL;
        size_t end;
        size_t slashes = 0;

        if (!quote) {
            return 0;
        }
        end = (size_t)(quote - text.data);
        while (end - slashes > 1 && text.data[end - slashes - 1] == '\\') {
            slashes++;
        }
        if (slashes % 2 == 0) {
            return end + 1;
        }
        at = end + 1;
    }
}

/* Bytes of the value at the start of `text`; 0 if it does not end. */
static size_t value_length(struct str text)
{
    size_t depth = 0;
    size_t i = 0;

    while (i < text.len) {
        char c = text.data[i];
        size_t n = 1;

        if (c == '"') {
            n = string_length(str_from(text, i));
            if (n == 0) {
                return 0;
            }
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n')) {
            return i;
        } else if (c == '}' || c == ']') {
            depth--;
        }
        i += n;
        if (depth == 0 && (c == '"' || c == '}' || c == ']')) {
            return i;
        }
    }
    return depth == 0 ? i : 0;
}

/* Takes `c` off the start, with the space around it. */
static bool take_char(struct str *text, char c)
{
    *text = skip_space(*text);
    if (text->len == 0 || text->data[0] != c) {
        return false;
    }
    *text = skip_space(str_from(*text, 1));
    return true;
}

static bool take_member(struct str *text, struct jt_member *ret)
{
    size_t n = text->len > 0 && text->data[0] == '"' ? string_length(*text) : 0;

    if (n == 0) {
        return false;
    }
    ret->name = str_slice(*text, 1, n - 2);
    *text = str_from(*text, n);
    if (!take_char(text, ':')) {
        return false;
    }
    n = value_length(*text);
    ret->value = str_slice(*text, 0, n);
    *text = str_from(*text, n);
    return n > 0;
}

int jt_split(struct str text, struct jt_member *ret, size_t max, size_t *ret_n, corrie_error *err)
{
    bool good = take_char(&text, '{');
    size_t n = 0;

    *ret_n = 0;
    if (good && take_char(&text, '}')) {
        return 0;
    }
    while (good) {
        struct jt_member member;

        good = take_member(&text, &member);
        if (good && n < max) {
            ret[n++] = member;
        }
        if (good && take_char(&text, '}')) {
            *ret_n = n;
            return 0;
        }
        good = good && take_char(&text, ',');
    }
    return corrie_fail(err, CORRIE_E_DATA, "a row of a listing is no JSON object");
}

struct str jt_find(const struct jt_member *members, size_t n, const char *name)
{
    struct str wanted = str_of(name);

    for (size_t i = 0; i < n; i++) {
        if (str_eq(members[i].name, wanted)) {
            return members[i].value;
        }
    }
    return STR_EMPTY;
}

bool jt_next(struct str *rest, struct str *ret)
{
    size_t n;

    if (!take_char(rest, '[') && !take_char(rest, ',')) {
        return false;
    }
    n = value_length(*rest);
    *ret = str_slice(*rest, 0, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

static unsigned hex4(struct str text)
{
    unsigned value = 0;

    for (size_t i = 0; i < 4 && i < text.len; i++) {
        char c = text.data[i];

        value = value * 16 + (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

static void add_code(struct buf *out, unsigned code)
{
    if (code < 0x80) {
        buf_add_char(out, (char)code);
        return;
    }
    if (code < 0x800) {
        buf_add_char(out, (char)(0xC0 | code >> 6));
    } else {
        buf_add_char(out, (char)(0xE0 | code >> 12));
        buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3F)));
    }
    buf_add_char(out, (char)(0x80 | (code & 0x3F)));
}

/* Characters above U+FFFF are written as they are, never as escapes (js_add_string). */
struct str jt_text(struct str json, struct buf *scratch)
{
    static const char names[] = "bfnrt";
    static const char codes[] = "\b\f\n\r\t";
    struct str text;

    if (!jt_is_string(json)) {
        return STR_EMPTY;
    }
    text = str_slice(json, 1, json.len - 2);
    if (!text.len || !memchr(text.data, '\\', text.len)) {
        return text;
    }
    if (!scratch) {
        return STR_EMPTY;
    }
    buf_clear(scratch);
    for (size_t i = 0; i < text.len; i++) {
        const char *name;

        if (text.data[i] != '\\' || i + 1 == text.len) {
            buf_add_char(scratch, text.data[i]);
        } else if (text.data[++i] == 'u') {
            add_code(scratch, hex4(str_from(text, i + 1)));
            i += 4;
        } else {
            name = strchr(names, text.data[i]);
            buf_add_char(scratch, name ? codes[name - names] : text.data[i]);
        }
    }
    return buf_str(scratch);
}
