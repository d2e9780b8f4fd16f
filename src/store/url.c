/* url.c — percent signs (RFC 3986). */
#include "store/store_priv.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_encode_path(struct buf *out, struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];

        if (is_unreserved(c) || c == '/') {
            buf_add_char(out, c);
        } else {
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int url_decode(struct buf *out, struct str text, corrie_error *err)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = -1, low = -1;

        if (text.data[i] != '%') {
            buf_add_char(out, text.data[i]);
            continue;
        }
        if (text.len - i > 2) {
            high = hex_digit(text.data[i + 1]);
            low = hex_digit(text.data[i + 2]);
        }
        if (high < 0 || low < 0 || high + low == 0) {
            return corrie_fail(err, CORRIE_E_USAGE,
                               "\"%%\" is not followed by two hex digits (or is %%00)");
        }
        buf_add_char(out, (char)(high * 16 + low));
        i += 2;
    }
    return 0;
}
