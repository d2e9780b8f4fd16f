#include "catalog/key.h"

static bool segment_valid(struct str segment, const char **ret_why)
{
    if (segment.len == 0) {
        *ret_why = "it is empty";
        return false;
    }
    if (segment.len > CORRIE_MAX_KEY_SEGMENT) {
        *ret_why = "it is longer than 255 bytes";
        return false;
    }
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.data[i];
        bool c1_control =
            c == 0xc2 && i + 1 < segment.len && (unsigned char)segment.data[i + 1] < 0xa0;

        if (c < 0x20 || c == 0x7f || c1_control) {
            *ret_why = "it holds a control character";
            return false;
        }
    }
    if (!str_is_utf8(segment, NULL)) {
        *ret_why = "it is not UTF-8";
        return false;
    }
    return true;
}

static int add_segments(const struct str *segments, size_t n, bool prefix, struct key *ret,
                        corrie_error *err)
{
    size_t len = 0;
    const char *why;

    if (n > CORRIE_MAX_KEY_SEGMENTS || (n == 0 && !prefix)) {
        return corrie_fail(err, CORRIE_E_USAGE, "a key has 1 to %d segments, not %zu",
                           CORRIE_MAX_KEY_SEGMENTS, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (!segment_valid(segments[i], &why)) {
            return corrie_fail(err, CORRIE_E_USAGE, "\"%.*s\" cannot be part of a key: %s",
                               STR_FMT(segments[i]), why);
        }
        if (len + segments[i].len + 1 > CORRIE_MAX_KEY) {
            return corrie_fail(err, CORRIE_E_LIMIT, "a key is longer than %d bytes",
                               CORRIE_MAX_KEY);
        }
        memcpy(ret->bytes + len, segments[i].data, segments[i].len);
        len += segments[i].len;
        if (prefix || i + 1 < n) {
            ret->bytes[len++] = '\0';
        }
    }
    ret->len = len;
    return 0;
}

int key_make(const struct str *segments, size_t n, struct key *ret, corrie_error *err)
{
    return add_segments(segments, n, false, ret, err);
}

int key_make_prefix(const struct str *segments, size_t n, struct key *ret, corrie_error *err)
{
    return add_segments(segments, n, true, ret, err);
}

size_t key_split(struct str key, struct str ret[CORRIE_MAX_KEY_SEGMENTS])
{
    struct str rest = key;
    const char *why;

    if (key.len > CORRIE_MAX_KEY) {
        return 0;
    }
    for (size_t n = 0; n < CORRIE_MAX_KEY_SEGMENTS; n++) {
        bool more = str_cut(rest, '\0', &ret[n], &rest);

        if (!segment_valid(ret[n], &why)) {
            return 0;
        }
        if (!more) {
            return n + 1;
        }
    }
    return 0;
}

bool key_valid(struct str key)
{
    struct str segments[CORRIE_MAX_KEY_SEGMENTS];

    return key_split(key, segments) > 0;
}

struct str key_segment(struct str key, size_t n)
{
    struct str rest = key;
    struct str segment = STR_EMPTY;

    for (size_t i = 0;; i++) {
        bool more = str_cut(rest, '\0', &segment, &rest);

        if (i == n) {
            return segment;
        }
        if (!more) {
            return STR_EMPTY;
        }
    }
}

void key_format(struct str key, struct buf *out)
{
    bool first_space = true;

    for (size_t i = 0; i < key.len; i++) {
        if (key.data[i] != '\0') {
            buf_add_char(out, key.data[i]);
        } else {
            buf_add_char(out, first_space ? ' ' : '.');
            first_space = false;
        }
    }
}
