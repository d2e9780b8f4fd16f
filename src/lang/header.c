#include "lang/header.h"

#include "base/cleanup.h"

struct scanner {
    const char *file;
    struct str sql;
    corrie_error *err;
};

static int fail_at(struct scanner *s, size_t offset, size_t width)
{
    s->err->code = CORRIE_E_PROJECT;
    return corrie_error_at_offset(s->err, s->file, s->sql, offset, width);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}

static size_t skip_space(struct str text, size_t at, size_t end)
{
    while (at < end && is_space(text.data[at])) {
        at++;
    }
    return at;
}

static size_t line_end(struct str text, size_t at)
{
    ptrdiff_t newline = str_find(str_from(text, at), '\n');
    return newline < 0 ? text.len : at + (size_t)newline;
}

/* If the comment whose dashes begin at `at` is one of ours, the offset behind its colon, else 0. */
static size_t own_comment(struct str sql, size_t at)
{
    static const struct str marks[] = {{"corrie:", 7}, {"bauplan:", 8}};
    size_t word = skip_space(sql, at + 2, line_end(sql, at));

    for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
        if (str_eq_nocase(str_slice(sql, word, marks[i].len), marks[i])) {
            return word + marks[i].len;
        }
    }
    return 0;
}

/* ---- settings ---- */

static const struct {
    struct str key;
    size_t offset; /* of the header_value in sql_header */
} keys[] = {
    {{"name", 4}, offsetof(struct sql_header, name)},
    {{"materialization_strategy", 24}, offsetof(struct sql_header, materialization_strategy)},
    {{"partitioned_by", 14}, offsetof(struct sql_header, partitioned_by)},
    {{"overwrite_filter", 16}, offsetof(struct sql_header, overwrite_filter)},
    {{"cache_strategy", 14}, offsetof(struct sql_header, cache_strategy)},
    {{"columns", 7}, offsetof(struct sql_header, columns)},
    {{"keys", 4}, offsetof(struct sql_header, keys)},
};

/* Equal when '-' counts as '_' in `given`. */
static bool key_matches(struct str given, struct str key)
{
    if (given.len != key.len) {
        return false;
    }
    for (size_t i = 0; i < key.len; i++) {
        char c = given.data[i] == '-' ? '_' : given.data[i];
        if (c != key.data[i]) {
            return false;
        }
    }
    return true;
}

static struct header_value *find_value(struct sql_header *header, struct str key)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (key_matches(key, keys[i].key)) {
            return (struct header_value *)(void *)((char *)header + keys[i].offset);
        }
    }
    return NULL;
}

static int fail_key(struct scanner *s, struct str key, size_t offset)
{
    struct str names[ARRAY_LEN(keys)];
    size_t nearest;

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        names[i] = keys[i].key;
    }
    if (key_matches(key, STR("output_schema"))) {
        corrie_fail(s->err, CORRIE_E_PROJECT, "output_schema is not supported");
        corrie_hint(s->err, "write the names that come out: columns=\"a, b\"");
        return fail_at(s, offset, key.len);
    }
    corrie_fail(s->err, CORRIE_E_PROJECT, "unknown setting \"%.*s\"", STR_FMT(key));
    if (str_nearest(key, names, ARRAY_LEN(keys), &nearest, 1) == 1) {
        corrie_hint(s->err, "did you mean %.*s?", STR_FMT(names[nearest]));
    } else {
        corrie_hint(s->err, "known are name, materialization_strategy, partitioned_by, "
                            "overwrite_filter, keys, cache_strategy and columns");
    }
    return fail_at(s, offset, key.len);
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* The value at `*at`: quoted, or one word; *at moves behind it. */
static int take_value(struct scanner *s, size_t *at, size_t end, struct header_value *ret)
{
    size_t from = *at;
    char quote = from < end ? s->sql.data[from] : 0;

    if (quote == '"' || quote == '\'') {
        ptrdiff_t close = str_find(str_slice(s->sql, from + 1, end - from - 1), quote);
        if (close < 0) {
            corrie_fail(s->err, CORRIE_E_PROJECT, "a quote that is not closed on its line");
            return fail_at(s, from, 1);
        }
        *ret = (struct header_value){str_slice(s->sql, from + 1, (size_t)close), from + 1, true};
        *at = from + (size_t)close + 2;
    } else {
        size_t to = from;
        int depth = 0; /* day(a, b) is one word */
        while (to < end && (depth > 0 || (!is_space(s->sql.data[to]) && s->sql.data[to] != ','))) {
            depth += s->sql.data[to] == '(';
            depth -= s->sql.data[to] == ')';
            to++;
        }
        *ret = (struct header_value){str_slice(s->sql, from, to - from), from, true};
        *at = to;
    }
    if (ret->text.len == 0) {
        corrie_fail(s->err, CORRIE_E_PROJECT, "a value is missing");
        return fail_at(s, from, 1);
    }
    return 0;
}

static int parse_setting(struct scanner *s, size_t *at, size_t end, struct sql_header *header)
{
    size_t from = *at;
    size_t to = from;
    struct header_value value = {0};

    while (to < end && is_key_char(s->sql.data[to])) {
        to++;
    }
    struct str key = str_slice(s->sql, from, to - from);
    size_t equals = skip_space(s->sql, to, end);
    if (key.len == 0 || equals == end || s->sql.data[equals] != '=') {
        corrie_fail(s->err, CORRIE_E_PROJECT, "expected key=value");
        corrie_hint(s->err, "write -- corrie: key=value; a value with spaces or commas goes in "
                            "quotes");
        return fail_at(s, from, key.len > 0 ? key.len : 1);
    }
    struct header_value *slot = find_value(header, key);
    if (!slot) {
        return fail_key(s, key, from);
    }
    if (slot->given) {
        corrie_fail(s->err, CORRIE_E_PROJECT, "\"%.*s\" is given twice", STR_FMT(key));
        return fail_at(s, from, key.len);
    }
    *at = skip_space(s->sql, equals + 1, end);
    int r = take_value(s, at, end, &value);
    if (r < 0) {
        return r;
    }
    *slot = value;
    return 0;
}

static int parse_comment(struct scanner *s, size_t at, size_t end, struct sql_header *header)
{
    at = skip_space(s->sql, at, end);
    if (at == end) {
        corrie_fail(s->err, CORRIE_E_PROJECT, "a setting is missing behind the colon");
        return fail_at(s, at > 0 ? at - 1 : 0, 1);
    }
    while (at < end) {
        int r = parse_setting(s, &at, end, header);
        if (r < 0) {
            return r;
        }
        at = skip_space(s->sql, at, end);
        if (at < end && s->sql.data[at] == ',') {
            at = skip_space(s->sql, at + 1, end);
        }
    }
    return 0;
}

/* ---- the text ---- */

/* Behind the end of the block comment (nesting as in DuckDB: none) that begins at `at`. */
static size_t skip_block(struct str sql, size_t at)
{
    ptrdiff_t end = str_find_str(str_from(sql, at + 2), STR("*/"));
    return end < 0 ? sql.len : at + 2 + (size_t)end + 2;
}

static size_t skip_quoted(struct str sql, size_t at)
{
    char quote = sql.data[at];
    for (at++; at < sql.len; at++) {
        if (sql.data[at] == quote) {
            return at + 1; /* a doubled quote opens the next stretch */
        }
    }
    return sql.len;
}

/* The statement holds no settings: they would be overlooked. */
static int check_body(struct scanner *s, size_t at)
{
    while (at < s->sql.len) {
        char c = s->sql.data[at];
        if (c == '\'' || c == '"') {
            at = skip_quoted(s->sql, at);
        } else if (str_starts(str_from(s->sql, at), STR("/*"))) {
            at = skip_block(s->sql, at);
        } else if (str_starts(str_from(s->sql, at), STR("--"))) {
            size_t end = line_end(s->sql, at);
            if (own_comment(s->sql, at) > 0) {
                corrie_fail(s->err, CORRIE_E_PROJECT, "a setting below the start of the statement");
                corrie_hint(s->err, "move it to the top of the file");
                return fail_at(s, at, end - at);
            }
            at = end;
        } else {
            at++;
        }
    }
    return 0;
}

int sql_header_parse(const char *file, struct str sql, struct sql_header *ret, corrie_error *err)
{
    struct scanner s = {.file = file, .sql = sql, .err = err};
    struct sql_header header = {0};
    size_t at = str_starts(sql, STR("\xef\xbb\xbf")) ? 3 : 0;

    while (at < sql.len) {
        struct str rest = str_from(sql, at);
        if (is_space(sql.data[at]) || sql.data[at] == '\n') {
            at++;
        } else if (str_starts(rest, STR("/*"))) {
            at = skip_block(sql, at);
        } else if (str_starts(rest, STR("--"))) {
            size_t end = line_end(sql, at);
            size_t settings = own_comment(sql, at);
            if (settings > 0) {
                size_t trimmed = end > settings && sql.data[end - 1] == '\r' ? end - 1 : end;
                int r = parse_comment(&s, settings, trimmed, &header);
                if (r < 0) {
                    return r;
                }
            }
            at = end;
        } else {
            break;
        }
    }
    header.body = at;
    int r = check_body(&s, at);
    if (r < 0) {
        return r;
    }
    *ret = header;
    return 0;
}
