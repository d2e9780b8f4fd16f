#include "base/text.h"

size_t text_decode(struct str text, uint32_t *ret)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)text.data;
    size_t len = p[0] < 0x80   ? 1
                 : p[0] < 0xc2 ? 0
                 : p[0] < 0xe0 ? 2
                 : p[0] < 0xf0 ? 3
                 : p[0] < 0xf5 ? 4
                               : 0;
    uint32_t point = len == 1 ? p[0] : len > 1 ? p[0] & (0xffu >> (len + 1)) : 0;

    *ret = 0xfffd;
    if (len == 0 || len > text.len) {
        return 1;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 1;
        }
        point = point << 6 | (p[i] & 0x3f);
    }
    if (point < least[len] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        return 1;
    }
    *ret = point;
    return len;
}

void text_json(struct buf *out, struct str text)
{
    size_t start = 0;
    uint32_t point;

    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len;) {
        unsigned char c = (unsigned char)text.data[i];
        size_t len = 1;

        if (c >= 0x80) {
            len = text_decode(str_from(text, i), &point);
        } else {
            point = c;
        }
        if (c < 0x20 || c == '"' || c == '\\' || (c >= 0x80 && len == 1)) {
            buf_add(out, text.data + start, i - start);
            start = i + 1;
            if (c >= 0x80) {
                buf_add_text(out, "\xef\xbf\xbd");
            } else if (c == '\n' || c == '\t' || c == '\r') {
                buf_add_char(out, '\\');
                buf_add_char(out, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
            } else if (c < 0x20) {
                buf_addf(out, "\\u%04x", c);
            } else {
                buf_add_char(out, '\\');
                buf_add_char(out, (char)c);
            }
        }
        i += len;
    }
    buf_add(out, text.data + start, text.len - start);
    buf_add_char(out, '"');
}

void text_csv(struct buf *out, struct str text)
{
    bool quote = text.len == 0 || text.data[0] == ' ' || text.data[text.len - 1] == ' ';

    for (size_t i = 0; i < text.len && !quote; i++) {
        quote = text.data[i] == ',' || text.data[i] == '"' || text.data[i] == '\n' ||
                text.data[i] == '\r';
    }
    if (!quote) {
        buf_add_str(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            buf_add_char(out, '"');
        }
        buf_add_char(out, text.data[i]);
    }
    buf_add_char(out, '"');
}
