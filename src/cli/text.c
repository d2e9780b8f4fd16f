#include "cli/text.h"

#include "base/cleanup.h"

struct range {
    uint32_t first;
    uint32_t last;
};

/* Marks that are drawn over what stands before them (Unicode categories Mn, Me, Cf; the scripts in common
 * use) and characters that take two columns (East Asian Width W and F). Sorted. */
static const struct range zero_wide[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x05bf, 0x05bf},   {0x05c1, 0x05c2},
    {0x05c4, 0x05c5}, {0x05c7, 0x05c7}, {0x0610, 0x061a},   {0x064b, 0x065f},   {0x0670, 0x0670},
    {0x06d6, 0x06dc}, {0x06df, 0x06e4}, {0x06e7, 0x06e8},   {0x06ea, 0x06ed},   {0x0711, 0x0711},
    {0x0730, 0x074a}, {0x0900, 0x0902}, {0x093a, 0x093a},   {0x093c, 0x093c},   {0x0941, 0x0948},
    {0x094d, 0x094d}, {0x0951, 0x0957}, {0x0e31, 0x0e31},   {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e},
    {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff}, {0x200b, 0x200f},   {0x202a, 0x202e},   {0x2060, 0x2064},
    {0x2066, 0x206f}, {0x20d0, 0x20f0}, {0x302a, 0x302d},   {0x3099, 0x309a},   {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
};
static const struct range double_wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x23f0, 0x23f0},   {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267f, 0x267f},   {0x2693, 0x2693},   {0x26a1, 0x26a1},
    {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},   {0x26ce, 0x26ce},
    {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},
    {0x2728, 0x2728},   {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27b0, 0x27b0},   {0x27bf, 0x27bf},
    {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},   {0x2e80, 0x303e},
    {0x3041, 0x4dbf},   {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
    {0x16fe0, 0x18aff}, {0x1b000, 0x1b2ff}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf},
    {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335},
    {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3},
    {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440},
    {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567},
    {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f},
    {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df},
    {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6fc}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a},
    {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool in_ranges(const struct range *ranges, size_t n, uint32_t point)
{
    size_t low = 0;
    size_t high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (point > ranges[middle].last) {
            low = middle + 1;
        } else if (point < ranges[middle].first) {
            high = middle;
        } else {
            return true;
        }
    }
    return false;
}

static size_t point_width(uint32_t point)
{
    if (point < 0x20 || (point >= 0x7f && point < 0xa0)) {
        return 0;
    }
    if (point < 0x300) {
        return 1;
    }
    if (in_ranges(zero_wide, ARRAY_LEN(zero_wide), point)) {
        return 0;
    }
    return in_ranges(double_wide, ARRAY_LEN(double_wide), point) ? 2 : 1;
}

size_t text_width(struct str text)
{
    size_t width = 0;
    uint32_t point;

    while (text.len > 0) {
        text = str_from(text, text_decode(text, &point));
        width += point_width(point);
    }
    return width;
}

struct str text_fit(struct str text, size_t width)
{
    struct str rest = text;
    uint32_t point;

    while (rest.len > 0) {
        size_t len = text_decode(rest, &point);
        size_t columns = point_width(point);

        if (columns > width) {
            break;
        }
        width -= columns;
        rest = str_from(rest, len);
    }
    return str_slice(text, 0, text.len - rest.len);
}

static bool is_dangerous(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 ||
           (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static void escape(struct buf *out, struct str text, bool lines)
{
    uint32_t point;

    while (text.len > 0) {
        size_t len = text_decode(text, &point);

        if (lines && point == '\n') {
            buf_add_char(out, '\n');
        } else if (lines && point == '\t') {
            buf_add_text(out, "    ");
        } else if (point == '\n' || point == '\t' || point == '\r') {
            buf_add_char(out, '\\');
            buf_add_char(out, point == '\n' ? 'n' : point == '\t' ? 't' : 'r');
        } else if (is_dangerous(point)) {
            buf_addf(out, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
        } else if (point == 0xfffd) {
            buf_add_text(out, "\xef\xbf\xbd");
        } else {
            buf_add(out, text.data, len);
        }
        text = str_from(text, len);
    }
}

void text_escape(struct buf *out, struct str text)
{
    escape(out, text, false);
}

void text_escape_lines(struct buf *out, struct str text)
{
    escape(out, text, true);
}
