#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void buf_done(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = 0;
    if (buf->data) {
        buf->data[0] = '\0';
    }
}

char *buf_reserve(struct buf *buf, size_t len)
{
    size_t max = buf->max ? buf->max : CORRIE_MAX_BUF;
    size_t need;

    if (buf->failed) {
        return NULL;
    }
    if (__builtin_add_overflow(buf->len, len, &need) || need > max) {
        buf->failed = CORRIE_E_LIMIT;
        return NULL;
    }
    if (need + 1 > buf->capacity) {
        size_t wanted = buf->capacity ? buf->capacity : 64;
        char *data;

        while (wanted < need + 1) {
            wanted *= 2;
        }
        data = mem_resize(buf->data, 1, wanted);
        if (!data) {
            buf->failed = CORRIE_E_NO_MEMORY;
            return NULL;
        }
        buf->data = data;
        buf->capacity = wanted;
    }
    return buf->data + buf->len;
}

void buf_commit(struct buf *buf, size_t len)
{
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    char *room = buf_reserve(buf, len);

    if (room) {
        if (len > 0) {
            memcpy(room, bytes, len);
        }
        buf_commit(buf, len);
    }
}

void buf_add_str(struct buf *buf, struct str text)
{
    buf_add(buf, text.data, text.len);
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_add_size(struct buf *buf, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < ARRAY_LEN(units)) {
        value /= 1000;
        unit++;
    }
    buf_addf(buf, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void buf_add_fill(struct buf *buf, char c, size_t count)
{
    char *room = buf_reserve(buf, count);

    if (room) {
        memset(room, c, count);
        buf_commit(buf, count);
    }
}

void buf_addv(struct buf *buf, const char *format, va_list args)
{
    va_list again;
    int needed;
    char *room;

    va_copy(again, args);
    needed = vsnprintf(NULL, 0, format, args);
    if (needed < 0) {
        buf->failed = buf->failed ? buf->failed : CORRIE_E_INTERNAL;
    } else {
        room = buf_reserve(buf, (size_t)needed);
        if (room) {
            vsnprintf(room, (size_t)needed + 1, format, again);
            buf_commit(buf, (size_t)needed);
        }
    }
    va_end(again);
}

void buf_addf(struct buf *buf, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_addv(buf, format, args);
    va_end(args);
}

void buf_add_le32(struct buf *buf, uint32_t value)
{
    unsigned char bytes[4];

    for (int i = 0; i < 4; i++) {
        bytes[i] = (unsigned char)(value >> (8 * i));
    }
    buf_add(buf, bytes, sizeof bytes);
}

void buf_add_le64(struct buf *buf, uint64_t value)
{
    buf_add_le32(buf, (uint32_t)value);
    buf_add_le32(buf, (uint32_t)(value >> 32));
}

void buf_add_be32(struct buf *buf, uint32_t value)
{
    buf_add_le32(buf, __builtin_bswap32(value));
}

static void add_quoted(struct buf *buf, struct str text, char quote)
{
    buf_add_char(buf, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == quote) {
            buf_add_char(buf, quote);
        }
        buf_add_char(buf, text.data[i]);
    }
    buf_add_char(buf, quote);
}

void buf_add_sql_string(struct buf *buf, struct str text)
{
    add_quoted(buf, text, '\'');
}

void buf_add_sql_name(struct buf *buf, struct str name)
{
    add_quoted(buf, name, '"');
}

static bool is_plain_in_shell(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("_./:=@+,%-", c));
}

void buf_add_shell_word(struct buf *buf, struct str word)
{
    bool plain = word.len > 0;

    for (size_t i = 0; i < word.len; i++) {
        plain = plain && is_plain_in_shell(word.data[i]);
    }
    if (plain) {
        buf_add_str(buf, word);
        return;
    }
    buf_add_char(buf, '\'');
    for (size_t i = 0; i < word.len; i++) {
        if (word.data[i] == '\'') {
            buf_add_text(buf, "'\\'");
        }
        buf_add_char(buf, word.data[i]);
    }
    buf_add_char(buf, '\'');
}

int buf_check(const struct buf *buf, corrie_error *err)
{
    switch (buf->failed) {
    case 0:
        return 0;
    case CORRIE_E_LIMIT:
        return corrie_fail(err, CORRIE_E_LIMIT, "text would be larger than %zu bytes",
                           buf->max ? buf->max : (size_t)CORRIE_MAX_BUF);
    case CORRIE_E_NO_MEMORY:
        return corrie_fail_memory(err);
    default:
        return corrie_fail(err, buf->failed, "text could not be formatted");
    }
}

char *buf_take(struct buf *buf)
{
    char *text;

    if (!buf->failed && !buf->data && !buf_reserve(buf, 0)) {
        return NULL;
    }
    if (buf->failed) {
        return NULL;
    }
    buf_commit(buf, 0);
    text = buf->data;
    *buf = (struct buf){.max = buf->max};
    return text;
}
