/* partition.c — terms of partitioned_by. */
#include "lang/partition.h"

#include "base/limits.h"
#include "base/vec.h"

static const struct {
    const char *spelling;
    const char *name; /* Iceberg's */
    bool number;
} transforms[] = {
    {"identity", "identity", false}, {"void", "void", false},    {"alwaysnull", "void", false},
    {"year", "year", false},         {"years", "year", false},   {"month", "month", false},
    {"months", "month", false},      {"day", "day", false},      {"days", "day", false},
    {"date", "day", false},          {"hour", "hour", false},    {"hours", "hour", false},
    {"date_hour", "hour", false},    {"bucket", "bucket", true}, {"truncate", "truncate", true},
    {"trunc", "truncate", true},
};

struct parser {
    struct str text;
    size_t at;
    struct arena *arena;
    VEC(struct partition_by_term) terms;
    VEC(struct str) path; /* of the column that is being read */
    corrie_error *err;
};

static int fail_at(struct parser *p, size_t offset, size_t width, const char *message,
                   const char *hint)
{
    corrie_fail(p->err, CORRIE_E_PROJECT, "partitioned_by: %s", message);
    corrie_error_at_offset(p->err, NULL, p->text, offset, width);
    return corrie_hint(p->err, "%s", hint);
}

#define FORM "write it like this: day(ts), bucket(4, user_id), region"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.len && is_blank(p->text.data[p->at])) {
        p->at++;
    }
}

/* The next byte that is no blank; 0 at the end (a NUL in the text is no part of anything either). */
static char peek(struct parser *p)
{
    skip_blanks(p);
    return p->at < p->text.len ? p->text.data[p->at] : '\0';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "a ""quoted"" name"; Spark's `backticks` too. */
static int read_quoted(struct parser *p, char quote, struct str *ret)
{
    _cleanup_(buf_done) struct buf name = {0};
    size_t start = p->at++;

    for (;; p->at++) {
        if (p->at >= p->text.len) {
            return fail_at(p, start, p->text.len - start, "a quoted name does not end", FORM);
        }
        if (p->text.data[p->at] == quote) {
            if (p->at + 1 >= p->text.len || p->text.data[p->at + 1] != quote) {
                break;
            }
            p->at++;
        }
        buf_add_char(&name, p->text.data[p->at]);
    }
    p->at++;
    if (buf_check(&name, p->err) < 0) {
        return p->err->code;
    }
    if (name.len == 0) {
        return fail_at(p, start, 2, "a column without a name", FORM);
    }
    return arena_str(p->arena, buf_str(&name), ret) < 0 ? corrie_fail_memory(p->err) : 0;
}

static int read_name(struct parser *p, struct str *ret)
{
    char c = peek(p);
    size_t start = p->at;

    if (c == '"' || c == '`') {
        return read_quoted(p, c, ret);
    }
    if (!starts_name(c)) {
        return fail_at(p, start, 1,
                       start < p->text.len ? "a column is expected here"
                                           : "a column is expected at the end",
                       FORM);
    }
    while (p->at < p->text.len && (starts_name(p->text.data[p->at]) ||
                                   is_digit(p->text.data[p->at]) || p->text.data[p->at] == '$')) {
        p->at++;
    }
    return arena_str(p->arena, str_slice(p->text, start, p->at - start), ret) < 0
               ? corrie_fail_memory(p->err)
               : 0;
}

/* The rest of a path whose first name was read. */
static int read_path(struct parser *p, struct str first)
{
    int r = vec_push(&p->path, first) < 0 ? corrie_fail_memory(p->err) : 0;

    while (r == 0 && peek(p) == '.') {
        struct str name;

        p->at++;
        if (p->path.count >= CORRIE_MAX_TYPE_DEPTH) {
            return corrie_fail(p->err, CORRIE_E_LIMIT,
                               "partitioned_by: a column nested deeper than %d",
                               CORRIE_MAX_TYPE_DEPTH);
        }
        r = read_name(p, &name);
        if (r == 0 && vec_push(&p->path, name) < 0) {
            r = corrie_fail_memory(p->err);
        }
    }
    return r;
}

static int read_number(struct parser *p, int64_t *ret)
{
    size_t start = p->at;

    while (p->at < p->text.len && is_digit(p->text.data[p->at])) {
        p->at++;
    }
    if (!str_to_int64(str_slice(p->text, start, p->at - start), ret) || *ret < 1 ||
        *ret > INT32_MAX) {
        return fail_at(p, start, p->at - start, "the number must be from 1 to 2147483647", FORM);
    }
    return 0;
}

static int expect(struct parser *p, char c, const char *message)
{
    if (peek(p) != c) {
        return fail_at(p, p->at, 1, message, FORM);
    }
    p->at++;
    return 0;
}

/* What stands between the parentheses: a column, and a number before or behind it (*ret_number 0: none). */
static int read_arguments(struct parser *p, int64_t *ret_number)
{
    struct str name;
    int r = 0;

    if (is_digit(peek(p))) {
        if (*ret_number > 0) {
            return fail_at(p, p->at, 1, "there is a number already", FORM);
        }
        r = read_number(p, ret_number);
        if (r == 0) {
            r = expect(p, ',', "a comma is expected between the number and the column");
        }
    }
    if (r == 0) {
        r = read_name(p, &name);
    }
    if (r == 0) {
        r = read_path(p, name);
    }
    if (r == 0 && peek(p) == ',') {
        p->at++;
        if (*ret_number > 0 || !is_digit(peek(p))) {
            return fail_at(p, p->at, 1, "a transform has one column and at most one number", FORM);
        }
        r = read_number(p, ret_number);
    }
    return r < 0 ? r : expect(p, ')', "a closing parenthesis is expected here");
}

/* transform ( … ), at the bracket or parenthesis behind `name`. */
static int read_transform(struct parser *p, struct str name, size_t start,
                          struct partition_by_term *term)
{
    int64_t number = 0;
    char *text;
    size_t i = 0;
    int r = 0;

    while (i < ARRAY_LEN(transforms) && !str_eq_nocase(name, str_of(transforms[i].spelling))) {
        i++;
    }
    if (i == ARRAY_LEN(transforms)) {
        return fail_at(p, start, name.len, "there is no such transform",
                       "there are identity, year, month, day, hour, bucket, truncate and void");
    }
    if (peek(p) == '[') {
        p->at++;
        skip_blanks(p);
        r = read_number(p, &number);
        if (r == 0) {
            r = expect(p, ']', "a closing bracket is expected here");
        }
    }
    if (r == 0) {
        r = expect(p, '(', "an opening parenthesis is expected here");
    }
    if (r == 0) {
        r = read_arguments(p, &number);
    }
    if (r < 0) {
        return r;
    }
    if (transforms[i].number != (number > 0)) {
        return fail_at(p, start, p->at - start,
                       number > 0 ? "this transform has no number" : "the number is missing",
                       "bucket(N, column) and truncate(N, column) have one, the others none");
    }
    text = number > 0 ? arena_printf(p->arena, "%s[%d]", transforms[i].name, (int)number)
                      : arena_printf(p->arena, "%s", transforms[i].name);
    if (!text) {
        return corrie_fail_memory(p->err);
    }
    term->transform = str_of(text);
    return 0;
}

static bool same_term(const struct partition_by_term *a, const struct partition_by_term *b)
{
    if (a->n_path != b->n_path || !str_eq(a->transform, b->transform)) {
        return false;
    }
    for (size_t i = 0; i < a->n_path; i++) {
        if (!str_eq(a->path[i], b->path[i])) {
            return false;
        }
    }
    return true;
}

static int add_term(struct parser *p, struct partition_by_term *term)
{
    term->path = arena_array(p->arena, struct str, p->path.count);
    if (!term->path) {
        return corrie_fail_memory(p->err);
    }
    memcpy(term->path, p->path.items, p->path.count * sizeof *term->path);
    term->n_path = p->path.count;
    for (size_t i = 0; i < p->terms.count; i++) {
        if (same_term(&p->terms.items[i], term)) {
            return fail_at(p, term->offset, term->length, "this stands there twice", FORM);
        }
    }
    if (p->terms.count >= CORRIE_MAX_PARTITION_TERMS) {
        return corrie_fail(p->err, CORRIE_E_LIMIT, "partitioned_by: more than %d terms",
                           CORRIE_MAX_PARTITION_TERMS);
    }
    return vec_push(&p->terms, *term) < 0 ? corrie_fail_memory(p->err) : 0;
}

static int read_term(struct parser *p)
{
    struct partition_by_term term = {.transform = STR("identity")};
    struct str name;
    bool quoted;
    size_t end;
    char c;
    int r;

    p->path.count = 0;
    quoted = !starts_name(peek(p));
    term.offset = p->at;
    r = read_name(p, &name);
    if (r < 0) {
        return r;
    }
    end = p->at;
    c = peek(p);
    if (!quoted && (c == '(' || c == '[')) {
        r = read_transform(p, name, term.offset, &term);
        end = p->at;
    } else {
        p->at = end;
        r = read_path(p, name);
        end = p->at;
    }
    while (end > term.offset && is_blank(p->text.data[end - 1])) {
        end--;
    }
    term.length = end - term.offset;
    return r < 0 ? r : add_term(p, &term);
}

static int read_all(struct parser *p)
{
    int r;

    if (p->text.len > CORRIE_MAX_PARTITION_TEXT) {
        return corrie_fail(p->err, CORRIE_E_LIMIT, "partitioned_by is longer than %zu bytes",
                           CORRIE_MAX_PARTITION_TEXT);
    }
    if (!str_is_utf8(p->text, NULL)) {
        return corrie_fail(p->err, CORRIE_E_PROJECT, "partitioned_by is not UTF-8");
    }
    skip_blanks(p);
    if (p->at == p->text.len) {
        return 0;
    }
    for (;;) {
        r = read_term(p);
        if (r < 0) {
            return r;
        }
        skip_blanks(p);
        if (p->at == p->text.len) {
            return 0;
        }
        r = expect(p, ',', "a comma is expected between terms");
        if (r < 0) {
            return r;
        }
    }
}

int partition_parse(struct str text, struct arena *arena, struct partition_by_term **ret,
                    size_t *ret_n, corrie_error *err)
{
    struct parser parser = {.text = text, .arena = arena, .err = err};
    struct partition_by_term *terms = NULL;
    int r = read_all(&parser);

    if (r == 0) {
        terms = arena_array(arena, struct partition_by_term, parser.terms.count);
        r = terms ? 0 : corrie_fail_memory(err);
    }
    if (r == 0) {
        if (parser.terms.count > 0) {
            memcpy(terms, parser.terms.items, parser.terms.count * sizeof *terms);
        }
        *ret = terms;
        *ret_n = parser.terms.count;
    }
    vec_done(&parser.terms);
    vec_done(&parser.path);
    return r;
}

/* ---- printing ---- */

static bool is_plain(struct str name)
{
    if (name.len == 0 || !starts_name(name.data[0])) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (!starts_name(name.data[i]) && !is_digit(name.data[i]) && name.data[i] != '$') {
            return false;
        }
    }
    return true;
}

static void print_column(const struct partition_by_term *term, struct buf *out)
{
    for (size_t i = 0; i < term->n_path; i++) {
        buf_add_text(out, i ? "." : "");
        if (is_plain(term->path[i])) {
            buf_add_str(out, term->path[i]);
        } else {
            buf_add_sql_name(out, term->path[i]);
        }
    }
}

void partition_terms_print(const struct partition_by_term *terms, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        struct str name = terms[i].transform;
        struct str number = STR_EMPTY;

        buf_add_text(out, i ? ", " : "");
        if (str_eq(name, STR("identity"))) {
            print_column(&terms[i], out);
            continue;
        }
        if (str_cut(name, '[', &name, &number)) {
            number.len -= number.len > 0; /* the bracket */
        }
        buf_addf(out, "%.*s(%.*s%s", STR_FMT(name), STR_FMT(number), number.len ? ", " : "");
        print_column(&terms[i], out);
        buf_add_char(out, ')');
    }
}
